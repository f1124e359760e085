/* SPDX-License-Identifier: Apache-2.0 */
#include "control/quarantine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void quarantine_free(struct quarantine *quarantine)
{
	free(quarantine->events);
	memset(quarantine, 0, sizeof(*quarantine));
}

size_t quarantine_after(const struct quarantine *quarantine, uint64_t reference)
{
	size_t low = 0;
	size_t high = quarantine->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (quarantine->events[middle].reference <= reference)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct quarantine_event *quarantine_find(const struct quarantine *quarantine, uint64_t reference)
{
	size_t after = quarantine_after(quarantine, reference);

	if (after == 0 || quarantine->events[after - 1].reference != reference)
		return NULL;
	return &quarantine->events[after - 1];
}

/* ---- wishes in the store */

static void forget_wish(struct quarantine *quarantine, struct quarantine_event *event)
{
	struct store_change *change = event->stored && quarantine->ledger != NULL
					      ? ledger_change(quarantine->ledger)
					      : NULL;

	if (change != NULL)
		store_wish_remove(change, event->reference);
	event->stored = false;
}

static bool keep_wish(struct quarantine *quarantine, struct quarantine_event *event,
	enum quarantine_state state, int64_t wall_ms)
{
	struct store_wish wish = {
		.reference = event->reference,
		.action = state == QUARANTINE_RELEASING ? MW_QUARANTINE_RELEASE
							: MW_QUARANTINE_DELETE,
		.wished_ms = wall_ms,
		.user = event->user,
		.request_id = event->request_id,
		.held_ms = event->held_ms,
		.period_s = event->period_s,
		.limit = event->limit,
	};

	if (quarantine->ledger == NULL)
		return true;
	memcpy(wish.srv, event->srv, sizeof(wish.srv));
	struct store_change *change = ledger_change(quarantine->ledger);
	event->stored = change != NULL && store_wish_put(change, &wish) == 0;
	return event->stored;
}

/* Wishes about requests that the data plane does not report any more go first. */
static bool forget_absent(struct quarantine *quarantine)
{
	size_t kept = 0;

	for (size_t i = 0; i < quarantine->count; i++) {
		if (quarantine->events[i].present)
			quarantine->events[kept++] = quarantine->events[i];
		else
			forget_wish(quarantine, &quarantine->events[i]);
	}
	quarantine->count = kept;
	return kept < QUARANTINE_MAX;
}

static bool grow(struct quarantine *quarantine)
{
	size_t capacity = quarantine->capacity == 0 ? 64 : quarantine->capacity * 2;

	if (quarantine->count < quarantine->capacity)
		return true;
	if (quarantine->count == QUARANTINE_MAX)
		return forget_absent(quarantine);
	struct quarantine_event *events =
		realloc(quarantine->events, capacity * sizeof(*quarantine->events));
	if (events == NULL)
		return false;
	quarantine->events = events;
	quarantine->capacity = capacity;
	return true;
}

static struct quarantine_event *add(struct quarantine *quarantine, uint64_t reference)
{
	if (!grow(quarantine))
		return NULL;
	size_t at = quarantine_after(quarantine, reference);
	struct quarantine_event *event = &quarantine->events[at];
	memmove(event + 1, event, (quarantine->count - at) * sizeof(*event));
	quarantine->count++;
	memset(event, 0, sizeof(*event));
	event->reference = reference;
	return event;
}

static bool is_wish(const struct quarantine_event *event)
{
	return event->state == QUARANTINE_RELEASING || event->state == QUARANTINE_DELETING;
}

static bool load_wish(struct quarantine *quarantine, const struct store_wish *wish)
{
	struct quarantine_event *event = add(quarantine, wish->reference);

	if (event == NULL)
		return false;
	event->state =
		wish->action == MW_QUARANTINE_RELEASE ? QUARANTINE_RELEASING : QUARANTINE_DELETING;
	event->stored = true;
	event->user = wish->user;
	event->request_id = wish->request_id;
	memcpy(event->srv, wish->srv, sizeof(event->srv));
	event->held_ms = wish->held_ms;
	event->period_s = wish->period_s;
	event->limit = wish->limit;
	return true;
}

int quarantine_open(struct quarantine *quarantine, struct ledger *ledger, int64_t wall_ms)
{
	struct store_change *change = ledger_change(ledger);
	struct store_wish wish;
	uint64_t cursor = 0;
	int result;

	quarantine->ledger = ledger;
	if (change == NULL)
		return -errno;
	while ((result = store_wish_next(change, &cursor, &wish)) == 1) {
		if (wall_ms - wish.wished_ms > QUARANTINE_WISH_MS)
			result = store_wish_remove(change, wish.reference);
		else if (!load_wish(quarantine, &wish))
			result = -ENOMEM;
		if (result < 0)
			break;
	}
	return result;
}

struct quarantine_event *quarantine_report(struct quarantine *quarantine,
	const struct mw_control_quarantined *report, uint64_t reference)
{
	struct quarantine_event *event = quarantine_find(quarantine, reference);

	if (event == NULL)
		event = add(quarantine, reference);
	if (event == NULL)
		return NULL;
	if (!event->present) {
		event->present = true;
		quarantine->present++;
		/* A wish from before the connection was lost goes out now. */
		if (is_wish(event))
			quarantine->wishes++;
	}
	if (!is_wish(event))
		event->state = report->reference != 0 ? QUARANTINE_HELD : QUARANTINE_ANNOUNCING;
	event->token = report->token;
	event->user = report->user;
	event->request_id = report->request_id;
	memcpy(event->srv, report->srv, sizeof(event->srv));
	event->held_ms = report->held_ms;
	event->period_s = report->period_s;
	event->limit = report->limit;
	return event;
}

void quarantine_remove(struct quarantine *quarantine, struct quarantine_event *event)
{
	size_t at = (size_t)(event - quarantine->events);

	assert(at < quarantine->count);
	quarantine->present -= event->present;
	quarantine->wishes -= event->present && is_wish(event) && !event->sent;
	forget_wish(quarantine, event);
	memmove(event, event + 1, (quarantine->count - at - 1) * sizeof(*event));
	quarantine->count--;
}

bool quarantine_wish(struct quarantine *quarantine, struct quarantine_event *event,
	enum quarantine_state state, int64_t wall_ms)
{
	assert(event->present);
	if (event->sent)
		return event->state == state;
	if (!keep_wish(quarantine, event, state, wall_ms))
		return false;
	quarantine->wishes += !is_wish(event);
	event->state = state;
	event->due_ms = 0;
	return true;
}

const struct quarantine_event *quarantine_next_wish(struct quarantine *quarantine, int64_t now_ms)
{
	for (size_t i = 0; quarantine->wishes > 0 && i < quarantine->count; i++) {
		struct quarantine_event *event = &quarantine->events[i];

		if (!event->present || !is_wish(event) || event->sent || event->due_ms > now_ms)
			continue;
		event->sent = true;
		quarantine->wishes--;
		return event;
	}
	return NULL;
}

void quarantine_retry(struct quarantine *quarantine, struct quarantine_event *event, int64_t now_ms)
{
	assert(event->sent);
	event->sent = false;
	event->due_ms = now_ms + QUARANTINE_RETRY_MS;
	quarantine->wishes++;
}

void quarantine_leave(struct quarantine *quarantine)
{
	size_t kept = 0;

	for (size_t i = 0; i < quarantine->count; i++) {
		struct quarantine_event event = quarantine->events[i];

		if (!is_wish(&event))
			continue;
		event.present = event.sent = false;
		event.due_ms = 0;
		quarantine->events[kept++] = event;
	}
	quarantine->count = kept;
	quarantine->present = quarantine->wishes = 0;
}

const char *quarantine_state_name(enum quarantine_state state)
{
	static const char *const names[] = {
		[QUARANTINE_ANNOUNCING] = "announcing",
		[QUARANTINE_HELD] = "held",
		[QUARANTINE_RELEASING] = "releasing",
		[QUARANTINE_DELETING] = "deleting",
	};

	return names[state];
}
