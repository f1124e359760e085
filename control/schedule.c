/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue in memory is a piece of the store's own: `edge` says how far it reaches. What lies
 * before the edge is in the queue, taken, or rests; what lies behind it comes when the queue is
 * empty. A run that was deleted or went on stays in the queue and is passed over when its turn
 * comes, because the row in the store has the last word.
 */
#include "control/schedule.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/schedule_row.h"

#define ID_MARK "schedule-id"
#define IDS_PER_SECOND 100
/* Beside those that were refused room, those that a lost connection gave back. */
#define RESTING_ROOM (SCHEDULES_RESTING_MAX + 256)

struct run {
	int64_t due_ms;
	uint64_t id;
};

struct schedules {
	struct ledger *ledger;
	uint64_t next_id;
	bool at_change;
	struct run edge; /* of the store's queue: all up to it and with it is known here */
	uint32_t head;	 /* queue[head .. tail) waits, in order */
	uint32_t tail;
	uint32_t resting_count;
	struct schedules_counters counters;
	struct run queue[SCHEDULES_QUEUE_MAX];
	struct run resting[RESTING_ROOM]; /* in no order */
};

static const struct run end_of_time = {INT64_MAX, UINT64_MAX};

static bool goes_before(const struct run *left, const struct run *right)
{
	return left->due_ms != right->due_ms ? left->due_ms < right->due_ms : left->id < right->id;
}

void schedules_forget(struct schedules *schedules)
{
	schedules->edge = (struct run){0, 0};
	schedules->head = 0;
	schedules->tail = 0;
	schedules->resting_count = 0;
}

struct schedules *schedules_open(struct ledger *ledger, int64_t now_ms)
{
	struct schedules *schedules = calloc(1, sizeof(*schedules));
	struct store_change *snapshot = schedules != NULL ? store_snapshot(ledger->store) : NULL;
	uint64_t last = 0;
	int result = 0;

	if (snapshot == NULL) {
		free(schedules);
		return NULL;
	}
	result = store_mark_get(snapshot, ID_MARK, &last);
	store_abandon(snapshot);
	if (result != 0) {
		free(schedules);
		errno = -result;
		return NULL;
	}
	schedules->ledger = ledger;
	/* A store that was lost, or brought back from an old copy, does not know all ids that it
	 * gave. */
	uint64_t floor = now_ms > 0 ? (uint64_t)(now_ms / 1000) * IDS_PER_SECOND : 0;
	schedules->next_id = (last < floor && floor < SCHEDULE_ID_MAX ? floor : last) + 1;
	schedules_forget(schedules);
	return schedules;
}

void schedules_close(struct schedules *schedules)
{
	free(schedules);
}

void schedules_set_removal(struct schedules *schedules, bool at_change)
{
	schedules->at_change = at_change;
}

/* ---- the queue */

/* A run that is new to the store's queue. */
static void queue_add(struct schedules *schedules, struct run run)
{
	if (goes_before(&schedules->edge, &run))
		return;
	if (schedules->tail - schedules->head == SCHEDULES_QUEUE_MAX) {
		/* The last one is left to the store. */
		schedules->tail--;
		schedules->edge = schedules->queue[schedules->tail - 1];
		if (goes_before(&schedules->edge, &run))
			return;
	}
	if (schedules->tail == SCHEDULES_QUEUE_MAX) {
		memmove(schedules->queue, schedules->queue + schedules->head,
			(schedules->tail - schedules->head) * sizeof(run));
		schedules->tail -= schedules->head;
		schedules->head = 0;
	}
	uint32_t at = schedules->tail++;
	for (; at > schedules->head && goes_before(&run, &schedules->queue[at - 1]); at--)
		schedules->queue[at] = schedules->queue[at - 1];
	schedules->queue[at] = run;
}

/* Bring the next runs of the store into the empty queue. */
static void load(struct schedules *schedules)
{
	struct store_change *change = ledger_change(schedules->ledger);
	struct run run = schedules->edge;
	int result = change == NULL ? -errno : 1;

	schedules->head = 0;
	schedules->tail = 0;
	while (result == 1 && schedules->tail < SCHEDULES_QUEUE_MAX) {
		result = store_schedule_due_next(change, &run.due_ms, &run.id);
		if (result == 1)
			schedules->queue[schedules->tail++] = run;
	}
	schedules->counters.loaded += schedules->tail;
	if (result == 1)
		schedules->edge = schedules->queue[schedules->tail - 1];
	else if (result == 0 || change != NULL)
		schedules->edge = end_of_time; /* a damaged queue was logged */
}

static bool load_wanted(const struct schedules *schedules)
{
	return schedules->head == schedules->tail && goes_before(&schedules->edge, &end_of_time);
}

static struct run *first_resting(struct schedules *schedules)
{
	struct run *first = schedules->resting;

	for (uint32_t i = 1; i < schedules->resting_count; i++)
		if (goes_before(&schedules->resting[i], first))
			first = &schedules->resting[i];
	return schedules->resting_count > 0 ? first : NULL;
}

/* The next run that is due; false: none. *rested: it was offered before. */
static bool take_run(struct schedules *schedules, int64_t now_ms, struct run *run, bool *rested)
{
	struct run *resting = first_resting(schedules);

	*rested = resting != NULL && resting->due_ms <= now_ms;
	if (*rested) {
		*run = *resting;
		*resting = schedules->resting[--schedules->resting_count];
		return true;
	}
	/* Where so many have found no room, the others wait, too. */
	if (schedules->resting_count >= SCHEDULES_RESTING_MAX)
		return false;
	if (load_wanted(schedules))
		load(schedules);
	if (schedules->head == schedules->tail || schedules->queue[schedules->head].due_ms > now_ms)
		return false;
	*run = schedules->queue[schedules->head++];
	return true;
}

int schedules_due(struct schedules *schedules, int64_t now_ms, struct schedule *schedule)
{
	struct run run;
	bool rested;

	while (take_run(schedules, now_ms, &run, &rested)) {
		int result = schedules_find(schedules, run.id, schedule);

		if (result == 0 && (rested || schedule->due_ms == run.due_ms))
			return 1;
		if (result != 0 && result != -ENOENT) {
			schedules->counters.damaged++;
			fprintf(stderr, "schedules: one that is due cannot be read: %s\n",
				strerror(-result));
		}
	}
	return 0;
}

int64_t schedules_next_due_ms(const struct schedules *schedules)
{
	int64_t next = INT64_MAX;

	for (uint32_t i = 0; i < schedules->resting_count; i++)
		if (schedules->resting[i].due_ms < next)
			next = schedules->resting[i].due_ms;
	if (schedules->resting_count >= SCHEDULES_RESTING_MAX)
		return next;
	if (load_wanted(schedules))
		return 0;
	if (schedules->head < schedules->tail && schedules->queue[schedules->head].due_ms < next)
		next = schedules->queue[schedules->head].due_ms;
	return next;
}

void schedules_retry(struct schedules *schedules, uint64_t id, int64_t due_ms)
{
	assert(schedules->resting_count < RESTING_ROOM);
	schedules->resting[schedules->resting_count++] = (struct run){due_ms, id};
}

/* ---- the table */

int schedules_find(struct schedules *schedules, uint64_t id, struct schedule *schedule)
{
	struct store_change *change = ledger_change(schedules->ledger);
	struct store_schedule row;

	if (change == NULL)
		return -errno;
	int result = store_schedule_get(change, id, &row);
	return result == 0 ? schedule_of_row(change, &row, schedule) : result;
}

int schedules_of_device(struct schedules *schedules, uint64_t user, uint64_t device_id,
	uint64_t ids[SCHEDULES_OF_DEVICE_MAX])
{
	struct store_change *change = ledger_change(schedules->ledger);
	uint64_t at_user = user;
	uint64_t id = 0;
	int count = 0;
	int result;

	if (change == NULL)
		return -errno;
	while ((result = store_schedule_of_device_next(change, device_id, &at_user, &id)) == 1 &&
		at_user == user && count < SCHEDULES_OF_DEVICE_MAX)
		ids[count++] = id;
	return result < 0 ? result : count;
}

static int put(struct schedules *schedules, struct store_change *change,
	const struct schedule_order *order, struct schedule *schedule)
{
	struct store_schedule row;
	int result = schedule_put_text(change, order, schedule);

	if (result != 0)
		return result;
	schedule->id = schedules->next_id;
	schedule_row(schedule, &row);
	result = store_schedule_put(change, &row);
	if (result == 0)
		result = store_mark_put(change, ID_MARK, schedule->id);
	if (result == 0)
		schedules->next_id++;
	return result;
}

int schedules_add(struct schedules *schedules, const struct schedule_order *order, int64_t now_ms,
	uint64_t *id)
{
	struct store_change *change = ledger_change(schedules->ledger);
	struct schedule schedule = {
		.user = order->user, .terms = *order->terms, .removal = order->removal};
	uint64_t ids[SCHEDULES_OF_DEVICE_MAX];

	assert(order->text->details_length <= SCHEDULE_DETAILS_BYTES_MAX);
	if (change == NULL)
		return -errno;
	if (schedules->next_id > SCHEDULE_ID_MAX)
		return -ENOSPC;
	int count = schedules_of_device(schedules, order->user, order->terms->device_id, ids);
	if (count < 0 || count >= SCHEDULES_OF_DEVICE_MAX)
		return count < 0 ? count : -EDQUOT;
	if (!schedule_set_first(&schedule, now_ms))
		return -ERANGE;
	int result = put(schedules, change, order, &schedule);
	if (result != 0)
		return result;
	queue_add(schedules, (struct run){schedule.due_ms, schedule.id});
	*id = schedule.id;
	return 0;
}

int schedules_remove(struct schedules *schedules, uint64_t id)
{
	struct store_change *change = ledger_change(schedules->ledger);

	return change != NULL ? store_schedule_remove(change, id) : -errno;
}

int schedules_plan(struct schedules *schedules, uint64_t id, const struct schedule_removal *removal)
{
	struct store_change *change = ledger_change(schedules->ledger);
	struct store_schedule row;

	if (change == NULL)
		return -errno;
	int result = store_schedule_get(change, id, &row);
	if (result != 0)
		return result;
	row.cause = (uint8_t)removal->cause;
	row.removal_s = removal->at_s;
	row.flags = (uint8_t)((removal->bound ? STORE_SCHEDULE_BOUND : 0) |
			      (removal->waiting ? STORE_SCHEDULE_WAITING : 0));
	return store_schedule_put(change, &row);
}

uint64_t schedules_count(const struct schedules *schedules)
{
	struct store_change *snapshot = store_snapshot(schedules->ledger->store);
	uint64_t count = snapshot != NULL ? store_schedule_count(snapshot) : 0;

	store_abandon(snapshot);
	return count;
}

bool schedule_is_lawful(const struct schedules *schedules, const struct schedule *schedule)
{
	int64_t start_ms;
	int64_t end_ms;

	if (schedule->removal.at_s == STORE_NEVER)
		return true;
	return !schedules->at_change && schedule->removal.at_s > 0 &&
	       schedule_period(schedule, &start_ms, &end_ms) &&
	       end_ms <= schedule->removal.at_s * 1000;
}

int schedules_advance(struct schedules *schedules, uint64_t id)
{
	struct store_change *change = ledger_change(schedules->ledger);
	struct store_schedule row;
	struct schedule schedule;

	if (change == NULL)
		return -errno;
	int result = schedules_find(schedules, id, &schedule);
	if (result != 0)
		return result;
	if (!schedule_set_next(&schedule)) {
		result = store_schedule_remove(change, id);
		return result == 0 ? SCHEDULE_ENDED : result;
	}
	if (schedule.removal.waiting && !schedule_is_lawful(schedules, &schedule))
		return SCHEDULE_LEAVES;
	schedule_row(&schedule, &row);
	result = store_schedule_put(change, &row);
	if (result != 0)
		return result;
	queue_add(schedules, (struct run){schedule.due_ms, id});
	return SCHEDULE_GOES_ON;
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
