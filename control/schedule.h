/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules of scheduled reads, and when each one is due next. Kept in memory: they end with the
 * process (doc/schedules.md). Time is an argument: ms since 1970, UTC.
 *
 *   schedules_add() --> waiting in a heap by due time --schedules_due()--> offered (out of the
 * heap) ^      ^                                         |        | |      +--------------
 * schedules_retry() --------+        |
 *                            +--- schedules_advance(): next occurrence, or the end ----+
 *
 * One thread.
 */
#ifndef CONTROL_SCHEDULE_H
#define CONTROL_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/schedulable.h"
#include "motorway/duis_terms.h"

#define SCHEDULES_MAX 100000u
#define SCHEDULES_OF_DEVICE_MAX 99 /* of one user; what one answer to 5.2 holds */
#define SCHEDULE_DETAILS_BYTES_MAX 8192u
#define SCHEDULE_ID_MAX 1000000000000u	/* DUIS type scheduleID */
#define SCHEDULE_OCCURRENCES_MAX 65536u /* 16 bits of the request counter */
#define SCHEDULE_NO_END INT32_MAX
#define SCHEDULE_ANY_TIME (-1)

enum schedule_frequency {
	SCHEDULE_DAILY = 0,
	SCHEDULE_WEEKLY,
	SCHEDULE_MONTHLY,
	SCHEDULE_QUARTERLY,
	SCHEDULE_HALF_YEARLY,
	SCHEDULE_YEARLY,
	SCHEDULE_FREQUENCY_COUNT,
};

/* What a 5.1 asks for. */
struct schedule_terms {
	enum schedule_frequency frequency;
	int32_t start_day; /* ScheduleStartDate */
	int32_t end_day; /* ScheduleEndDate, the last day on which it may run; or SCHEDULE_NO_END */
	int32_t time_ms; /* ScheduleExecutionStartTime; or SCHEDULE_ANY_TIME */
	uint64_t device_id;
	const struct schedulable *read;
	/* The period of log reads, relative to the day of the run; dates are <= 0. */
	int32_t period_start_days;
	int32_t period_start_ms;
	int32_t period_end_days;
	int32_t period_end_ms;
};

struct schedule {
	uint64_t id;
	uint64_t user;
	struct schedule_terms terms;
	char schema_version[MW_SCHEMA_VERSION_SIZE];
	char *details; /* canonical XML: the children of DSPScheduleDetails */
	uint32_t details_length;
	const char
		*credential; /* inside details: the text of KAPublicSecurityCredential; or NULL */
	uint32_t credential_length;
	int64_t due_ms;	     /* when the next occurrence may go */
	int32_t run_day;     /* its day */
	uint32_t occurrence; /* its number, 0 = first */
	uint32_t attempt;
	/* private to schedule.c */
	uint32_t first_step;
	uint32_t heap_index;
	struct schedule *next_by_id;
	struct schedule *next_by_owner;
};

struct schedules;

/* An empty table whose first schedule gets the id `first_id` (1 .. SCHEDULE_ID_MAX). NULL when
 * memory is short. */
struct schedules *schedules_create(uint64_t first_id);
void schedules_destroy(struct schedules *schedules);

/* Add a schedule for `user`. `details` (details_length bytes, at most SCHEDULE_DETAILS_BYTES_MAX)
 * is copied; `credential` points into it or is NULL. Returns the schedule, or NULL with errno:
 * ERANGE no run lies ahead, EDQUOT the user has 99 for this device, ENOSPC the table is full,
 * ENOMEM. */
struct schedule_text {
	const char *details;
	uint32_t details_length;
	const char *credential;
	uint32_t credential_length;
	const char *schema_version;
};
const struct schedule *schedules_add(struct schedules *schedules, uint64_t user,
	const struct schedule_terms *terms, const struct schedule_text *text, int64_t now_ms);

/* The schedule `id`, or NULL. Valid until it is removed. */
struct schedule *schedules_find(const struct schedules *schedules, uint64_t id);

/* The schedules of `user` for `device_id` in order of their ids; returns their number. */
unsigned schedules_of_device(const struct schedules *schedules, uint64_t user, uint64_t device_id,
	struct schedule *found[SCHEDULES_OF_DEVICE_MAX]);

void schedules_remove(struct schedules *schedules, struct schedule *schedule);

size_t schedules_count(const struct schedules *schedules);

/* Take the schedule that is due first out of the heap, if it is due at now_ms; else NULL. The
 * caller calls schedules_retry() or schedules_advance() for it later. */
struct schedule *schedules_due(struct schedules *schedules, int64_t now_ms);

/* When the next schedule in the heap is due; INT64_MAX when there is none. */
int64_t schedules_next_due_ms(const struct schedules *schedules);

/* Put an offered schedule back with the same occurrence, due at due_ms. */
void schedules_retry(struct schedules *schedules, struct schedule *schedule, int64_t due_ms);

/* Go on to the next occurrence of an offered schedule. Returns false when there is none: the
 * schedule is removed and `schedule` is gone. */
bool schedules_advance(struct schedules *schedules, struct schedule *schedule);

/* The RequestID of the present occurrence: {dsp_eui, device, id << 20 | occurrence << 4 | attempt}.
 */
struct mw_request_id schedule_request_id(const struct schedule *schedule, uint64_t dsp_eui);

#endif
