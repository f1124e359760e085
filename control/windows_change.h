/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the windows: what differs between two configurations, as data, and a change that an
 * operator types, applied to the configuration in force. Nothing here has an effect: the result is
 * another configuration, as valid as one that was read from a file. Pure, but for memory.
 */
#ifndef CONTROL_WINDOWS_CHANGE_H
#define CONTROL_WINDOWS_CHANGE_H

#include <stddef.h>
#include <stdio.h>

#include "control/windows_conf.h"

#define WINDOWS_DIFFERENCES_MAX 256 /* what one answer may show */
#define WINDOWS_VALUE_SIZE 1024
#define WINDOWS_CHANGE_BYTES_MAX 1024

/* One value that differs. */
struct windows_difference {
	char provider[MW_NAME_SIZE];   /* "": of the whole configuration */
	char window[WINDOW_NAME_SIZE]; /* "": of the whole provider, or of the configuration */
	char what[24];		       /* the key, such as "cap_tps"; or "provider", "window" */
	char old[WINDOWS_VALUE_SIZE];  /* as in the file; "": was not there */
	char new[WINDOWS_VALUE_SIZE];  /* "": is not there any more */
};

/* Compare them. Providers and windows are the same when they have the same name; the order of the
 * file is no difference, but for the rows of "classes". Writes the first `size` differences and
 * returns how many there are. */
size_t windows_compare(const struct windows_conf *old, const struct windows_conf *new,
	struct windows_difference *differences, size_t size);

/* Apply `text` to a copy of `in_force`:
 *
 *     provider NAME window WINDOW KEY=VALUE ...
 *     provider NAME window WINDOW slot NUMBER cap_tps=VALUE
 *     total KEY=VALUE ...
 *
 * NAME may be that of a gate in series. WINDOW is a name, or a number from 1 in the order of the
 * file; so is the slot's NUMBER. Keys of a window: kind, from, to, next_day, cap_tps (of one
 * without slots), pace, gap, on_demand_counts; of the total: peak_tps, off_peak_tps. When a
 * window's times change, its first slot begins and its last one ends with it; a gap keeps its end.
 *
 * Returns 0 and *changed, which the caller frees, or -EINVAL (errors, each one line of `errors`:
 * change:1:column) or -ENOMEM. */
int windows_override(const struct windows_conf *in_force, const char *text, FILE *errors,
	struct windows_conf **changed);

#endif
