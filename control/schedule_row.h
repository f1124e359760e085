/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What schedule.c has of its sources schedule_step.c (when a schedule runs) and schedule_row.c (a
 * schedule as rows of the store). Nobody else includes this.
 */
#ifndef CONTROL_SCHEDULE_ROW_H
#define CONTROL_SCHEDULE_ROW_H

#include "control/schedule.h"

#define SCHEDULE_NOT_CUT UINT32_MAX /* device_at: the details are whole */

/* Set the first run that is not before now_ms; false: there is none. */
bool schedule_set_first(struct schedule *schedule, int64_t now_ms);

/* Set the next run; false: there is none. */
bool schedule_set_next(struct schedule *schedule);

/* Set the run that the row says: false: it is not one of this schedule. */
bool schedule_set_run(struct schedule *schedule, const struct store_schedule *row);

/* The row of a schedule. */
void schedule_row(const struct schedule *schedule, struct store_schedule *row);

/* The schedule of a row: 0, or -EIO when row or text are none. */
int schedule_of_row(
	struct store_change *change, const struct store_schedule *row, struct schedule *schedule);

/* Put the text that the order has in common with others and set schedule->text: 0 or -errno. */
int schedule_put_text(
	struct store_change *change, const struct schedule_order *order, struct schedule *schedule);

#endif
