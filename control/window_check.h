/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes the windows of a gate possible: rules that hold for a file that is read as well as for
 * a change that somebody types. The numbers of each window are within their bounds already. Pure.
 */
#ifndef CONTROL_WINDOW_CHECK_H
#define CONTROL_WINDOW_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "control/windows_conf.h"

#define WINDOW_REASON_SIZE 256

/* What of a window is at fault. */
enum window_fault {
	WINDOW_GOOD,
	WINDOW_FAULT_NAME,
	WINDOW_FAULT_TIME, /* its beginning or end */
	WINDOW_FAULT_GAP,
};

/* Two clock times as a window: its length in seconds, 0 when it ends before it starts, -1 when it
 * is longer than a day. `next_day` says that `to_s` is of the next day. */
int32_t window_length_s(int32_t from_s, int32_t to_s, bool next_day);

/* May a window have this name: letters, digits, '-', '_' and '.', and not digits alone. */
bool window_name_valid(const char *name);

/* Compare window `index` of the gate with those before it: names and times. Whatever is wrong is
 * said in `reason`. */
enum window_fault window_check_others(
	const struct window_gate *gate, uint32_t index, char reason[WINDOW_REASON_SIZE]);

/* The gap of window `index`, when all windows of the gate are there and do not overlap. */
enum window_fault window_check_gap(
	const struct window_gate *gate, uint32_t index, char reason[WINDOW_REASON_SIZE]);

#endif
