/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows and Target Response Times in force: read with the reference set, kept over changes by
 * operators (windows_history.h), put into every set (timing.h) and renewed as the days move on.
 * One thread.
 */
#ifndef CONTROL_TIMETABLE_H
#define CONTROL_TIMETABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "control/conf.h"
#include "control/reference.h"
#include "control/timing.h"
#include "control/windows_history.h"

struct timetable;

/* Open the history; nothing is in force yet. `conf` is borrowed. NULL: what is wrong was written to
 * `log`. Errors of the files go there, too. */
struct timetable *timetable_open(const struct conf *conf, FILE *log);
void timetable_close(struct timetable *timetable);

/* Read both files, as they fit `known`, and judge them only. 0 or -EINVAL (told), or -errno. */
int timetable_check(const struct conf *conf, const struct reference *known, FILE *errors);

/* Read both files, as they fit the set, and put what is in force then into it. 0, or -errno: what
 * was in force stays, and the set is as it was. */
int timetable_read(struct timetable *timetable, struct reference *set, int64_t now_s);

/* Put what is in force into the set. 0 or -errno, as timing_fill(). */
int timetable_fill(struct timetable *timetable, struct reference *set, int64_t now_s);

/* Whether the set that was filled last should be filled again: its days are passing, or the clock
 * was set. */
bool timetable_due(const struct timetable *timetable, int64_t now_s);

/* Make `windows` (then owned here) those in force, as a new version, because of `reason`. 0 or
 * -errno: those in force stay, and `windows` is still the caller's. */
int timetable_change(struct timetable *timetable, struct windows_conf *windows, const char *reason,
	int64_t now_s);

/* Take the last change back. 0, -ENOENT: there is nothing to go back to, or another -errno. */
int timetable_roll_back(struct timetable *timetable, const struct reference *known, int64_t now_s);

/* What is in force; until the next change. */
const struct windows_conf *timetable_windows(const struct timetable *timetable);
struct windows_history *timetable_history(struct timetable *timetable);

/* How a run of the SRV of `rule` is to be treated that is read for a user with `roles`, from a
 * device of `generation` (0: not known, then the times of SMETS2). */
struct mw_timing timetable_run(const struct timetable *timetable,
	const struct mw_control_srv_rule *rule, uint32_t roles, enum mw_generation generation);

#endif
