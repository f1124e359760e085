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
#include "control/schedule.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/calendar.h"

#define BUCKETS 65536u
#define NOT_IN_HEAP UINT32_MAX

struct schedules {
	uint64_t next_id;
	uint32_t count;
	uint32_t heap_count;
	struct schedule *heap[SCHEDULES_MAX];
	struct schedule *by_id[BUCKETS];
	struct schedule *by_owner[BUCKETS]; /* by user and device; chains in order of ids */
};

struct schedules *schedules_create(uint64_t first_id)
{
	struct schedules *schedules = calloc(1, sizeof(*schedules));

	assert(first_id >= 1 && first_id <= SCHEDULE_ID_MAX);
	if (schedules != NULL)
		schedules->next_id = first_id;
	return schedules;
}

static void schedule_free(struct schedule *schedule)
{
	free(schedule->details);
	free(schedule);
}

void schedules_destroy(struct schedules *schedules)
{
	if (schedules == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (schedules->by_id[i] != NULL) {
			struct schedule *next = schedules->by_id[i]->next_by_id;

			schedule_free(schedules->by_id[i]);
			schedules->by_id[i] = next;
		}
	}
	free(schedules);
}

static uint64_t mix(uint64_t value)
{
	value ^= value >> 32;
	value *= 0x9e3779b97f4a7c15u;
	return value >> 48;
}

static struct schedule **id_bucket(const struct schedules *schedules, uint64_t id)
{
	return (struct schedule **)&schedules->by_id[mix(id) % BUCKETS];
}

static struct schedule **owner_bucket(
	const struct schedules *schedules, uint64_t user, uint64_t device_id)
{
	return (struct schedule **)&schedules->by_owner[mix(user * 31 + device_id) % BUCKETS];
}

/* ---- the heap: heap[0] is due first; equal times go by id */

static bool goes_before(const struct schedule *left, const struct schedule *right)
{
	return left->due_ms != right->due_ms ? left->due_ms < right->due_ms : left->id < right->id;
}

static void heap_put(struct schedules *schedules, uint32_t index, struct schedule *schedule)
{
	schedules->heap[index] = schedule;
	schedule->heap_index = index;
}

static void heap_up(struct schedules *schedules, uint32_t index, struct schedule *schedule)
{
	while (index > 0 && goes_before(schedule, schedules->heap[(index - 1) / 2])) {
		heap_put(schedules, index, schedules->heap[(index - 1) / 2]);
		index = (index - 1) / 2;
	}
	heap_put(schedules, index, schedule);
}

static void heap_down(struct schedules *schedules, uint32_t index, struct schedule *schedule)
{
	for (;;) {
		uint32_t child = 2 * index + 1;

		if (child >= schedules->heap_count)
			break;
		if (child + 1 < schedules->heap_count &&
			goes_before(schedules->heap[child + 1], schedules->heap[child]))
			child++;
		if (!goes_before(schedules->heap[child], schedule))
			break;
		heap_put(schedules, index, schedules->heap[child]);
		index = child;
	}
	heap_put(schedules, index, schedule);
}

static void heap_add(struct schedules *schedules, struct schedule *schedule)
{
	assert(schedules->heap_count < SCHEDULES_MAX && schedule->heap_index == NOT_IN_HEAP);
	heap_up(schedules, schedules->heap_count++, schedule);
}

static void heap_remove(struct schedules *schedules, struct schedule *schedule)
{
	uint32_t index = schedule->heap_index;
	struct schedule *last = schedules->heap[--schedules->heap_count];

	schedule->heap_index = NOT_IN_HEAP;
	if (last == schedule)
		return;
	if (index > 0 && goes_before(last, schedules->heap[(index - 1) / 2]))
		heap_up(schedules, index, last);
	else
		heap_down(schedules, index, last);
}

/* ---- occurrences */

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

static bool set_first_step(struct schedule *schedule, int64_t now_ms)
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

/* ---- the table */

static unsigned count_of_device(
	const struct schedules *schedules, uint64_t user, uint64_t device_id)
{
	unsigned count = 0;

	for (const struct schedule *at = *owner_bucket(schedules, user, device_id); at != NULL;
		at = at->next_by_owner)
		count += at->user == user && at->terms.device_id == device_id;
	return count;
}

static struct schedule *schedule_new(
	uint64_t user, const struct schedule_terms *terms, const struct schedule_text *text)
{
	struct schedule *schedule = calloc(1, sizeof(*schedule));

	assert(text->details_length <= SCHEDULE_DETAILS_BYTES_MAX);
	if (schedule == NULL)
		return NULL;
	schedule->details = malloc(text->details_length + 1);
	if (schedule->details == NULL) {
		free(schedule);
		return NULL;
	}
	memcpy(schedule->details, text->details, text->details_length);
	schedule->details[text->details_length] = '\0';
	schedule->details_length = text->details_length;
	if (text->credential != NULL) {
		schedule->credential = schedule->details + (text->credential - text->details);
		schedule->credential_length = text->credential_length;
	}
	memcpy(schedule->schema_version, text->schema_version,
		strnlen(text->schema_version, sizeof(schedule->schema_version) - 1));
	schedule->user = user;
	schedule->terms = *terms;
	schedule->heap_index = NOT_IN_HEAP;
	return schedule;
}

const struct schedule *schedules_add(struct schedules *schedules, uint64_t user,
	const struct schedule_terms *terms, const struct schedule_text *text, int64_t now_ms)
{
	if (schedules->count == SCHEDULES_MAX || schedules->next_id > SCHEDULE_ID_MAX) {
		errno = ENOSPC;
		return NULL;
	}
	if (count_of_device(schedules, user, terms->device_id) >= SCHEDULES_OF_DEVICE_MAX) {
		errno = EDQUOT;
		return NULL;
	}
	struct schedule *schedule = schedule_new(user, terms, text);
	if (schedule == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	if (!set_first_step(schedule, now_ms)) {
		schedule_free(schedule);
		errno = ERANGE;
		return NULL;
	}
	schedule->id = schedules->next_id++;
	schedules->count++;
	struct schedule **bucket = id_bucket(schedules, schedule->id);
	schedule->next_by_id = *bucket;
	*bucket = schedule;
	/* Ids only grow, so the end of the chain keeps them in order. */
	bucket = owner_bucket(schedules, user, terms->device_id);
	while (*bucket != NULL)
		bucket = &(*bucket)->next_by_owner;
	*bucket = schedule;
	heap_add(schedules, schedule);
	return schedule;
}

struct schedule *schedules_find(const struct schedules *schedules, uint64_t id)
{
	struct schedule *at = *id_bucket(schedules, id);

	while (at != NULL && at->id != id)
		at = at->next_by_id;
	return at;
}

unsigned schedules_of_device(const struct schedules *schedules, uint64_t user, uint64_t device_id,
	struct schedule *found[SCHEDULES_OF_DEVICE_MAX])
{
	unsigned count = 0;

	for (struct schedule *at = *owner_bucket(schedules, user, device_id); at != NULL;
		at = at->next_by_owner) {
		if (at->user != user || at->terms.device_id != device_id)
			continue;
		assert(count < SCHEDULES_OF_DEVICE_MAX);
		found[count++] = at;
	}
	return count;
}

void schedules_remove(struct schedules *schedules, struct schedule *schedule)
{
	struct schedule **at = id_bucket(schedules, schedule->id);

	while (*at != schedule)
		at = &(*at)->next_by_id;
	*at = schedule->next_by_id;
	at = owner_bucket(schedules, schedule->user, schedule->terms.device_id);
	while (*at != schedule)
		at = &(*at)->next_by_owner;
	*at = schedule->next_by_owner;
	if (schedule->heap_index != NOT_IN_HEAP)
		heap_remove(schedules, schedule);
	schedules->count--;
	schedule_free(schedule);
}

size_t schedules_count(const struct schedules *schedules)
{
	return schedules->count;
}

struct schedule *schedules_due(struct schedules *schedules, int64_t now_ms)
{
	if (schedules->heap_count == 0 || schedules->heap[0]->due_ms > now_ms)
		return NULL;
	struct schedule *schedule = schedules->heap[0];
	heap_remove(schedules, schedule);
	return schedule;
}

int64_t schedules_next_due_ms(const struct schedules *schedules)
{
	return schedules->heap_count > 0 ? schedules->heap[0]->due_ms : INT64_MAX;
}

void schedules_retry(struct schedules *schedules, struct schedule *schedule, int64_t due_ms)
{
	schedule->due_ms = due_ms;
	heap_add(schedules, schedule);
}

bool schedules_advance(struct schedules *schedules, struct schedule *schedule)
{
	if (!set_step(schedule, schedule->first_step + schedule->occurrence + 1)) {
		schedules_remove(schedules, schedule);
		return false;
	}
	heap_add(schedules, schedule);
	return true;
}

struct mw_request_id schedule_request_id(const struct schedule *schedule, uint64_t dsp_eui)
{
	assert(schedule->occurrence < SCHEDULE_OCCURRENCES_MAX && schedule->attempt < 16);
	return (struct mw_request_id){
		.originator = dsp_eui,
		.target = schedule->terms.device_id,
		.counter = schedule->id << 20 | (uint64_t)schedule->occurrence << 4 |
			   schedule->attempt,
	};
}
