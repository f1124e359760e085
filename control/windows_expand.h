/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows of certain days: what the configuration says of local times of day becomes instants
 * of UTC, ready for the data plane (motorway/window_record.h).
 *
 * Where clocks are changed: a window begins and ends when the clocks first show its times, or, when
 * they skip one, at the moment of the change. So a window over the repeated hour is an hour longer,
 * one over the skipped hour an hour shorter, and one that lies within the skipped hour does not
 * take place that day; the gap before it then lasts until the window after it. Windows that touch
 * keep touching, and never overlap. Pure; any thread.
 */
#ifndef CONTROL_WINDOWS_EXPAND_H
#define CONTROL_WINDOWS_EXPAND_H

#include <stddef.h>
#include <stdint.h>

#include "control/windows_conf.h"

/* The range that can be asked for: years 1970 (a few days after its beginning) to 2105. */
#define WINDOWS_EXPAND_FROM_S (4 * 86400)
#define WINDOWS_EXPAND_TO_S (49666ll * 86400)

/* Write all records of [from_s, to_s) (UTC, seconds since 1970) into records[0 .. size), in order
 * of their gates and, within a gate, of time. Whatever has a part in the range is there whole, with
 * its true beginning and end: a window with all its slots and its gap. A window's number is the
 * local time at which it begins, as if in UTC, in seconds since 1970: the same whenever and beside
 * whatever else it is expanded. A total with a cap is one record for each local day, until the last
 * record of the providers ends; one that is unlimited has none.
 *
 * Returns their number, or -E2BIG: there are more than `size`. */
int windows_expand(const struct windows_conf *conf, int64_t from_s, int64_t to_s,
	struct mw_window_record *records, size_t size);

#endif
