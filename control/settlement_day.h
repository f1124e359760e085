/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settlement Days: the days of the electricity industry, in UK local time. Day 0 is 1970-01-01; a
 * day begins at local midnight, so it has 23 hours when summer time begins and 25 when it ends.
 *
 * A calendar reads the zone Europe/London once (control/time_zone.h), and neither reads nor changes
 * the process's own time zone. A calendar that is open never changes: any number of threads.
 *
 * Source: BR 2.2 (a change of MDRA takes effect at 00:00 of the Settlement Day); that the day
 * is one of UK local time is the industry's usage.
 */
#ifndef CONTROL_SETTLEMENT_DAY_H
#define CONTROL_SETTLEMENT_DAY_H

#include <stddef.h>
#include <stdint.h>

#include "control/time_zone.h"

#define SETTLEMENT_DAY_MAX 49672 /* 2105-12-31 */
#define SETTLEMENT_ZONE "Europe/London"
#define SETTLEMENT_ZONE_FOLDER TIME_ZONE_FOLDER
#define SETTLEMENT_DATE_SIZE 11

struct settlement_calendar;

/* Open the calendar. `folder` is where the time-zone database lies, NULL: where the environment
 * variable TZDIR says, else SETTLEMENT_ZONE_FOLDER. NULL with errno, and one line in `reason`: no
 * database, or not one that can be understood (EBADMSG). The caller closes it. */
struct settlement_calendar *settlement_open(const char *folder, char *reason, size_t reason_size);
void settlement_close(struct settlement_calendar *calendar);

/* When `day` (0 .. SETTLEMENT_DAY_MAX + 1) begins: seconds since 1970, UTC. Day 0 begins at -3600,
 * as the UK had summer time all that winter. */
int64_t settlement_start_s(const struct settlement_calendar *calendar, int32_t day);

/* The day that the instant lies in. Instants before day 0 give -1, those after
 * SETTLEMENT_DAY_MAX give SETTLEMENT_DAY_MAX + 1. */
int32_t settlement_day(const struct settlement_calendar *calendar, int64_t instant_s);

/* Parse exactly "YYYY-MM-DD", text[0 .. length), of the years 1970 to 2105. 0, -EBADMSG: not a
 * date; -ERANGE: another year. Pure. */
int settlement_parse_date(const char *text, size_t length, int32_t *day);

/* Write a day (0 .. SETTLEMENT_DAY_MAX) as "YYYY-MM-DD". Pure. */
void settlement_format_date(int32_t day, char text[SETTLEMENT_DATE_SIZE]);

#endif
