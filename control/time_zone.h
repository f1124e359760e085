/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones of the time-zone database, by name. A zone is read once from its file; it neither
 * reads nor changes the process's own zone, and never changes itself: any number of threads.
 *
 * Local time is a number as well: the seconds that a clock on the wall would have counted since it
 * showed 1970-01-01 00:00. Where clocks are changed, a local time may exist twice or not at all.
 */
#ifndef CONTROL_TIME_ZONE_H
#define CONTROL_TIME_ZONE_H

#include <stddef.h>
#include <stdint.h>

#define TIME_ZONE_FOLDER "/usr/share/zoneinfo"
#define TIME_ZONE_NAME_SIZE 64

struct time_zone;

/* Open the zone `name`, such as "Europe/London". `folder` is where the database lies, NULL: where
 * the environment variable TZDIR says, else TIME_ZONE_FOLDER. "UTC" needs no database. NULL with
 * errno, and one line in `reason`: EINVAL not the form of a name, ENOENT no such zone or no
 * database, EBADMSG not a zone that can be understood, or another. The caller closes it. */
struct time_zone *time_zone_open(
	const char *folder, const char *name, char *reason, size_t reason_size);
void time_zone_close(struct time_zone *zone);

/* Local time minus UTC at the instant (seconds since 1970, UTC); less than a day. */
int32_t time_zone_offset_s(const struct time_zone *zone, int64_t instant_s);

/* The first instant at which the clocks of the zone show `local_s` or later: of a time that exists
 * twice the first one, of a time that is skipped the moment of the change. So it never falls while
 * `local_s` rises, and what touches in local time touches in UTC. From 1970 to 2105. */
int64_t time_zone_instant_s(const struct time_zone *zone, int64_t local_s);

#endif
