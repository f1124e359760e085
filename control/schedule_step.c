/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Occurrences are computed, not stored: step k of a schedule lies k periods behind its start date,
 * where months keep the day of the start date and end with the month (31 January, 28 February, 31
 * March). Steps that passed before the schedule was made are not run; the first one that is has
 * occurrence number 0.
 *
 * Without an execution time the DSP chooses: the run is due when its day (UTC) begins, and at once
 * when that day is today. With one, a run of today whose time has passed is not made up for.
 */
#include "control/calendar.h"
#include "control/schedule_row.h"

static int32_t step_months(enum schedule_frequency frequency)
{
	static const int32_t months[SCHEDULE_FREQUENCY_COUNT] = {
		[SCHEDULE_MONTHLY] = 1,
		[SCHEDULE_QUARTERLY] = 3,
		[SCHEDULE_HALF_YEARLY] = 6,
		[SCHEDULE_YEARLY] = 12,
	};

	return months[frequency];
}

/* The day of step `step`, or INT32_MAX beyond the calendar. */
static int32_t step_day(const struct schedule_terms *terms, uint32_t step)
{
	int32_t months = step_months(terms->frequency);
	int64_t day;

	if (months == 0)
		day = terms->start_day +
		      (int64_t)step * (terms->frequency == SCHEDULE_WEEKLY ? 7 : 1);
	else if ((int64_t)step * months > 12 * 400)
		return INT32_MAX;
	else
		day = calendar_add_months(terms->start_day, (int32_t)step * months);
	return day <= CALENDAR_DAY_MAX ? (int32_t)day : INT32_MAX;
}

/* The first step on `day` or behind it. */
static uint32_t first_step_from(const struct schedule_terms *terms, int32_t day)
{
	int32_t months = step_months(terms->frequency);
	uint32_t step;

	if (day <= terms->start_day)
		return 0;
	if (months == 0) {
		int32_t days = terms->frequency == SCHEDULE_WEEKLY ? 7 : 1;

		return (uint32_t)((day - terms->start_day + days - 1) / days);
	}
	step = (uint32_t)(calendar_months_between(terms->start_day, day) / months);
	while (step_day(terms, step) < day)
		step++;
	return step;
}

/* Set the next occurrence to step `step`; false when it lies beyond the end. */
static bool set_step(struct schedule *schedule, uint32_t step)
{
	int32_t day = step_day(&schedule->terms, step);
	int32_t time_ms = schedule->terms.time_ms;

	if (day == INT32_MAX || day > schedule->terms.end_day ||
		step - schedule->first_step >= SCHEDULE_OCCURRENCES_MAX)
		return false;
	schedule->run_day = day;
	schedule->occurrence = step - schedule->first_step;
	schedule->attempt = 0;
	schedule->due_ms =
		(int64_t)day * CALENDAR_DAY_MS + (time_ms == SCHEDULE_ANY_TIME ? 0 : time_ms);
	return true;
}

bool schedule_set_first(struct schedule *schedule, int64_t now_ms)
{
	int32_t today = (int32_t)(now_ms / CALENDAR_DAY_MS);

	schedule->first_step = first_step_from(&schedule->terms, today);
	if (!set_step(schedule, schedule->first_step))
		return false;
	if (schedule->terms.time_ms == SCHEDULE_ANY_TIME || schedule->due_ms >= now_ms)
		return true;
	schedule->first_step++;
	return set_step(schedule, schedule->first_step);
}

bool schedule_set_next(struct schedule *schedule)
{
	return set_step(schedule, schedule->first_step + schedule->occurrence + 1);
}

bool schedule_set_run(struct schedule *schedule, const struct store_schedule *row)
{
	schedule->first_step = row->first_step;
	if (row->occurrence >= SCHEDULE_OCCURRENCES_MAX ||
		row->first_step > UINT32_MAX - SCHEDULE_OCCURRENCES_MAX ||
		!set_step(schedule, row->first_step + row->occurrence))
		return false;
	schedule->attempt = row->attempt;
	return schedule->due_ms == row->due_ms;
}

bool schedule_period(const struct schedule *schedule, int64_t *start_ms, int64_t *end_ms)
{
	const struct schedule_terms *terms = &schedule->terms;

	*start_ms = (int64_t)(schedule->run_day + terms->period_start_days) * CALENDAR_DAY_MS +
		    terms->period_start_ms;
	*end_ms = (int64_t)(schedule->run_day + terms->period_end_days) * CALENDAR_DAY_MS +
		  terms->period_end_ms;
	return terms->read->has_period;
}
