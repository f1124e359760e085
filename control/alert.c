/* SPDX-License-Identifier: Apache-2.0 */
#include "control/alert.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/alert_elements.h"

#define ID_MARK "alert-id"
/* Ids are taken from the store by the thousand: whatever a killed process gave away lies below the
 * mark. */
#define IDS_RESERVED 1000

struct list {
	struct alert *first;
	struct alert *last;
	size_t count;
};

/* The alerts of a user that lie in the store. */
struct outbox {
	uint64_t user;
	uint64_t cursor; /* those behind this id are to be offered */
	bool has_more;	 /* there may be some */
	unsigned offered;
	int64_t blocked_ms; /* not before */
};

struct alerts {
	struct ledger *ledger;
	uint64_t next_id;
	uint64_t ids_end;  /* ids from here on are not reserved yet */
	uint64_t stored;   /* rows in the store */
	struct list ready; /* about held requests, as `waiting` */
	struct list waiting;
	struct list offered; /* of both kinds */
	struct outbox *outboxes;
	size_t outbox_count;
	size_t outbox_room;
	size_t turn; /* the outbox that is asked next */
	struct alerts_counters counters;
};

static void append(struct list *list, struct alert *alert)
{
	alert->next = NULL;
	alert->previous = list->last;
	if (list->last != NULL)
		list->last->next = alert;
	else
		list->first = alert;
	list->last = alert;
	list->count++;
}

static void take_out(struct list *list, struct alert *alert)
{
	if (alert->previous != NULL)
		alert->previous->next = alert->next;
	else
		list->first = alert->next;
	if (alert->next != NULL)
		alert->next->previous = alert->previous;
	else
		list->last = alert->previous;
	list->count--;
}

static void free_alert(struct alert *alert)
{
	free(alert->elements);
	free(alert);
}

static void free_list(struct list *list)
{
	while (list->first != NULL) {
		struct alert *alert = list->first;

		take_out(list, alert);
		free_alert(alert);
	}
}

/* ---- outboxes */

static struct outbox *find_outbox(const struct alerts *alerts, uint64_t user)
{
	for (size_t i = 0; i < alerts->outbox_count; i++)
		if (alerts->outboxes[i].user == user)
			return &alerts->outboxes[i];
	return NULL;
}

static struct outbox *make_outbox(struct alerts *alerts, uint64_t user)
{
	struct outbox *outbox = find_outbox(alerts, user);

	if (outbox != NULL)
		return outbox;
	if (alerts->outbox_count == alerts->outbox_room) {
		size_t room = alerts->outbox_room == 0 ? 16 : 2 * alerts->outbox_room;
		struct outbox *outboxes =
			realloc(alerts->outboxes, room * sizeof(*alerts->outboxes));

		if (outboxes == NULL)
			return NULL;
		alerts->outboxes = outboxes;
		alerts->outbox_room = room;
	}
	outbox = &alerts->outboxes[alerts->outbox_count++];
	*outbox = (struct outbox){.user = user};
	return outbox;
}

/* Find out who has alerts in the store: one step for each user. */
static int load_outboxes(struct alerts *alerts)
{
	struct store_change *snapshot = store_snapshot(alerts->ledger->store);
	struct store_alert row = {0};
	int result;

	if (snapshot == NULL)
		return -errno;
	alerts->stored = store_alert_count(snapshot);
	while ((result = store_alert_next(
			snapshot, row.user, row.user == 0 ? 0 : UINT64_MAX, &row)) == 1) {
		struct outbox *outbox = make_outbox(alerts, row.user);

		if (outbox == NULL) {
			result = -ENOMEM;
			break;
		}
		outbox->has_more = true;
	}
	store_abandon(snapshot);
	return result;
}

void alerts_forget(struct alerts *alerts)
{
	alerts_return(alerts);
	for (size_t i = 0; i < alerts->outbox_count; i++)
		alerts->outboxes[i].cursor = 0;
	/* What was taken and what was raised by the lost change is known by the store alone. */
	if (load_outboxes(alerts) != 0)
		fputs("alerts: those in the store cannot be read\n", stderr);
	alerts->ids_end = alerts->next_id;
}

struct alerts *alerts_open(struct ledger *ledger, int64_t wall_ms)
{
	struct alerts *alerts = calloc(1, sizeof(*alerts));
	struct store_change *snapshot = alerts != NULL ? store_snapshot(ledger->store) : NULL;
	uint64_t last = 0;

	if (snapshot == NULL) {
		free(alerts);
		return NULL;
	}
	int result = store_mark_get(snapshot, ID_MARK, &last);
	store_abandon(snapshot);
	alerts->ledger = ledger;
	uint64_t floor = wall_ms > 0 ? (uint64_t)wall_ms * 1000 : 1;
	alerts->next_id = last < floor ? floor : last + 1;
	alerts->ids_end = alerts->next_id;
	if (result == 0)
		result = load_outboxes(alerts);
	if (result == 0)
		return alerts;
	alerts_close(alerts);
	errno = -result;
	return NULL;
}

void alerts_close(struct alerts *alerts)
{
	if (alerts == NULL)
		return;
	free_list(&alerts->ready);
	free_list(&alerts->offered);
	free_list(&alerts->waiting);
	free(alerts->outboxes);
	free(alerts);
}

/* ---- raising */

/* The next id, which no later process will give again once the ledger is committed. */
static uint64_t take_id(struct alerts *alerts, struct store_change *change)
{
	if (alerts->next_id == alerts->ids_end) {
		if (store_mark_put(change, ID_MARK, alerts->ids_end + IDS_RESERVED - 1) != 0)
			return 0;
		alerts->ids_end += IDS_RESERVED;
	}
	return alerts->next_id++;
}

static bool put_alert(struct alerts *alerts, struct store_change *change, uint64_t id,
	const struct alert_terms *terms)
{
	struct outbox *outbox = make_outbox(alerts, terms->user);
	const struct store_alert row = {
		.user = terms->user,
		.id = id,
		.event = (uint8_t)terms->event,
		.device_id = terms->device_id,
		.schedule_id = terms->schedule_id,
		.request_id = terms->request_id,
	};

	if (outbox == NULL || store_alert_put(change, &row) != 0)
		return false;
	outbox->has_more = true;
	alerts->stored++;
	return true;
}

/* An alert that the store does not keep. */
static bool keep_alert(struct alerts *alerts, uint64_t id, const struct alert_terms *terms)
{
	struct alert *alert = alerts->ready.count + alerts->waiting.count + alerts->offered.count <
					      ALERTS_HELD_MAX
				      ? calloc(1, sizeof(*alert))
				      : NULL;

	if (alert == NULL)
		return false;
	alert->id = id;
	alert->terms = *terms;
	alert->announces = true;
	append(&alerts->ready, alert);
	return true;
}

uint64_t alerts_raise(struct alerts *alerts, const struct alert_terms *terms)
{
	struct store_change *change = ledger_change(alerts->ledger);
	uint64_t id = change != NULL ? take_id(alerts, change) : 0;
	bool kept = false;

	if (id != 0)
		kept = alert_event_holds(terms->event) ? keep_alert(alerts, id, terms)
						       : put_alert(alerts, change, id, terms);
	if (!kept) {
		alerts->counters.no_room++;
		return 0;
	}
	alerts->counters.raised++;
	return id;
}

/* ---- offering */

/* Make of an alert what is sent. */
static bool render(struct alert *alert, const struct reference *reference)
{
	const struct reference_user *user = reference_user(reference, alert->terms.user);

	free(alert->elements);
	alert->elements = NULL;
	alert->user = alert->terms.user;
	alert->token = alert->terms.token;
	memcpy(alert->code, reference->alert_codes[alert->terms.event], sizeof(alert->code));
	if (user != NULL)
		memcpy(alert->schema_version, user->duis_version, sizeof(alert->schema_version));
	return alert_write_elements(alert);
}

static struct alert *find_offered(const struct alerts *alerts, uint64_t id)
{
	struct alert *alert = alerts->offered.first;

	while (alert != NULL && alert->id != id)
		alert = alert->next;
	return alert;
}

/* The outbox's next row that is not offered now; false: there is none. */
static bool next_row(struct alerts *alerts, struct outbox *outbox, struct store_alert *row)
{
	struct store_change *change = ledger_change(alerts->ledger);

	while (change != NULL && store_alert_next(change, outbox->user, outbox->cursor, row) == 1 &&
		row->user == outbox->user) {
		outbox->cursor = row->id;
		if (find_offered(alerts, row->id) == NULL)
			return true;
	}
	/* A store that cannot be read is asked again when the connection begins anew. */
	outbox->has_more = false;
	return false;
}

static struct alert *load_alert(struct alerts *alerts, struct outbox *outbox)
{
	struct store_alert row;

	if (!next_row(alerts, outbox, &row))
		return NULL;
	struct alert *alert = calloc(1, sizeof(*alert));
	if (alert == NULL)
		return NULL;
	alert->id = row.id;
	alert->terms = (struct alert_terms){
		.event = (enum alert_event)row.event,
		.user = row.user,
		.device_id = row.device_id,
		.schedule_id = row.schedule_id,
		.request_id = row.request_id,
	};
	return alert;
}

static bool outbox_ready(const struct outbox *outbox, int64_t now_ms)
{
	return outbox->has_more && outbox->blocked_ms <= now_ms &&
	       outbox->offered < ALERTS_OF_USER_MAX;
}

static const struct alert *next_stored(
	struct alerts *alerts, const struct reference *reference, int64_t now_ms)
{
	for (size_t i = 0; i < alerts->outbox_count; i++) {
		struct outbox *outbox =
			&alerts->outboxes[(alerts->turn + i) % alerts->outbox_count];
		struct alert *alert =
			outbox_ready(outbox, now_ms) ? load_alert(alerts, outbox) : NULL;

		if (alert == NULL)
			continue;
		if (!render(alert, reference)) {
			outbox->cursor = alert->id - 1;
			free_alert(alert);
			return NULL;
		}
		alerts->turn = (size_t)(outbox - alerts->outboxes) + 1;
		outbox->offered++;
		append(&alerts->offered, alert);
		return alert;
	}
	return NULL;
}

const struct alert *alerts_next(
	struct alerts *alerts, const struct reference *reference, int64_t now_ms)
{
	struct list *from = &alerts->ready;

	/* Those that have waited are older than those that are ready. */
	if (alerts->waiting.first != NULL && alerts->waiting.first->due_ms <= now_ms)
		from = &alerts->waiting;
	struct alert *alert = from->first;
	if (alert == NULL)
		return next_stored(alerts, reference, now_ms);
	if (!render(alert, reference))
		return NULL;
	take_out(from, alert);
	append(&alerts->offered, alert);
	return alert;
}

int64_t alerts_next_ms(const struct alerts *alerts)
{
	int64_t next = INT64_MAX;

	if (alerts->ready.first != NULL)
		return INT64_MIN;
	if (alerts->waiting.first != NULL)
		next = alerts->waiting.first->due_ms;
	for (size_t i = 0; i < alerts->outbox_count; i++)
		if (outbox_ready(&alerts->outboxes[i], INT64_MAX) &&
			alerts->outboxes[i].blocked_ms < next)
			next = alerts->outboxes[i].blocked_ms;
	return next;
}

/* Let the outbox offer an alert again. */
static void rewind_outbox(struct alerts *alerts, const struct alert *alert, int64_t blocked_ms)
{
	struct outbox *outbox = find_outbox(alerts, alert->user);

	assert(outbox != NULL && outbox->offered > 0);
	outbox->offered--;
	outbox->has_more = true;
	outbox->blocked_ms = blocked_ms;
	if (outbox->cursor >= alert->id)
		outbox->cursor = alert->id - 1;
}

static void remove_row(struct alerts *alerts, const struct alert *alert)
{
	struct store_change *change = ledger_change(alerts->ledger);
	struct outbox *outbox = find_outbox(alerts, alert->user);

	assert(outbox != NULL && outbox->offered > 0);
	outbox->offered--;
	if (change != NULL && store_alert_remove(change, alert->user, alert->id) == 0)
		alerts->stored--;
}

bool alerts_taken(struct alerts *alerts, uint64_t id, int status, int64_t now_ms, bool *announced)
{
	struct alert *alert = find_offered(alerts, id);

	if (alert == NULL)
		return false;
	*announced = alert->announces;
	take_out(&alerts->offered, alert);
	if (status == -EAGAIN) {
		alerts->counters.retried++;
		alert->due_ms = now_ms + ALERTS_RETRY_MS;
		if (alert->announces) {
			append(&alerts->waiting, alert);
			return true;
		}
		rewind_outbox(alerts, alert, alert->due_ms);
		free_alert(alert);
		return true;
	}
	if (status == 0)
		alerts->counters.taken++;
	else
		alerts->counters.refused++;
	if (!alert->announces)
		remove_row(alerts, alert);
	free_alert(alert);
	return true;
}

void alerts_return(struct alerts *alerts)
{
	free_list(&alerts->ready);
	free_list(&alerts->waiting);
	while (alerts->offered.first != NULL) {
		struct alert *alert = alerts->offered.first;

		take_out(&alerts->offered, alert);
		if (!alert->announces)
			rewind_outbox(alerts, alert, 0);
		free_alert(alert);
	}
	for (size_t i = 0; i < alerts->outbox_count; i++) {
		alerts->outboxes[i].blocked_ms = 0;
		alerts->outboxes[i].has_more = true;
	}
}

size_t alerts_count(const struct alerts *alerts)
{
	size_t count = alerts->stored + alerts->ready.count + alerts->waiting.count;

	for (const struct alert *alert = alerts->offered.first; alert != NULL; alert = alert->next)
		count += alert->announces;
	return count;
}

size_t alerts_offered(const struct alerts *alerts)
{
	return alerts->offered.count;
}

const struct alerts_counters *alerts_counters(const struct alerts *alerts)
{
	return &alerts->counters;
}
