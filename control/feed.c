/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message is tried on a copy of its MPxN before anything is written, so a message that cannot be
 * applied leaves nothing behind, not even the organisations that it named first.
 */
#include "control/feed.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "motorway/registry_image.h"

#define DAY_MS 86400000ll
#define EVENTS_OF_MESSAGE_MAX (FEED_APPOINTMENTS_MAX + 2)

/* The events of a message, and whom each names. */
struct event_list {
	size_t count;
	struct mpxn_event events[EVENTS_OF_MESSAGE_MAX];
	const char *participants[EVENTS_OF_MESSAGE_MAX];
};

static struct mpxn_event *add_event(struct event_list *list, const struct feed_message *message,
	enum mpxn_event_type type, const char *participant)
{
	struct mpxn_event *event = &list->events[list->count];

	assert(list->count < EVENTS_OF_MESSAGE_MAX);
	*event = (struct mpxn_event){
		.type = (uint8_t)type,
		.from_day = message->from_day,
		.to_day = MPXN_OPEN_DAY,
		.created_ms = (uint64_t)message->created_ms,
		.message = feed_digest(message->id, strlen(message->id)),
	};
	list->participants[list->count++] = participant;
	return event;
}

/* The supplier's event is the first. */
static void list_events(const struct feed_message *message, struct event_list *list)
{
	list->count = 0;
	add_event(list, message, message->is_end ? MPXN_END : MPXN_SUPPLIER, message->supplier);
	if (message->network[0] != '\0')
		add_event(list, message, MPXN_NETWORK, message->network)->from_day =
			message->network_from_day;
	for (size_t i = 0; i < message->appointment_count; i++) {
		const struct feed_appointment *appointment = &message->appointments[i];
		struct mpxn_event *event =
			add_event(list, message, MPXN_APPOINTMENT, appointment->participant);

		event->role = appointment->role;
		event->from_day = appointment->from_day;
		event->to_day = appointment->to_day;
	}
}

/* Number the organisations; those that the store does not know get numbers from the end of the
 * range for trying, or, with `make`, a row. Returns how many were not known, or -errno. */
static int number_organisations(struct store_change *change, struct event_list *list, bool make)
{
	int unknown = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct store_organisation organisation = {.origin = STORE_ORIGIN_FEED};
		int result = store_organisation_find(change, list->participants[i], &organisation);

		if (result != 0 && result != -ENOENT)
			return result;
		if (result == -ENOENT) {
			organisation = (struct store_organisation){.origin = STORE_ORIGIN_FEED};
			organisation.number = make ? 0 : MW_REGISTRY_ORGANISATION_MAX - (uint32_t)i;
			memcpy(organisation.mpid, list->participants[i],
				strlen(list->participants[i]) + 1);
			unknown++;
			result = make ? store_organisation_put(change, &organisation) : 0;
			if (result != 0)
				return result;
		}
		list->events[i].organisation = organisation.number;
		if (list->events[i].type == MPXN_APPOINTMENT)
			list->events[i].supplier = list->events[0].organisation;
	}
	return unknown;
}

/* Add all events to the MPxN: 0 or -ENOSPC. */
static int add_events(struct mpxn *mpxn, const struct event_list *list, int64_t now_ms)
{
	for (size_t i = 0; i < list->count; i++) {
		int result = mpxn_add_event(mpxn, &list->events[i]);

		if (result == -ENOSPC) {
			mpxn_fold(mpxn, (int32_t)(now_ms / DAY_MS) - MPXN_WINDOW_DAYS);
			result = mpxn_add_event(mpxn, &list->events[i]);
		}
		if (result == -ENOSPC)
			return result;
	}
	return 0;
}

/* Apply what the message says. 0; -EOVERFLOW: its MPxN is full, nothing was written; or -errno of
 * the store. */
static int apply_message(struct store_change *change, const struct feed_message *message,
	int64_t now_ms, struct feed_outcome *outcome)
{
	struct event_list list;
	struct mpxn old;

	list_events(message, &list);
	int result = store_mpxn_get(change, message->mpxn, &old);
	if (result == -ENOENT) {
		memset(&old, 0, sizeof(old));
		old.number = message->mpxn;
	} else if (result != 0) {
		return result;
	}
	int unknown = number_organisations(change, &list, false);
	if (unknown < 0)
		return unknown;
	struct mpxn mpxn = old;
	if (add_events(&mpxn, &list, now_ms) != 0)
		return -EOVERFLOW;
	if (unknown > 0) {
		unknown = number_organisations(change, &list, true);
		if (unknown < 0)
			return unknown;
		outcome->organisations_made = (uint8_t)unknown;
		mpxn = old;
		if (add_events(&mpxn, &list, now_ms) != 0)
			return -EOVERFLOW;
	}
	return store_mpxn_put(change, &mpxn);
}

/* A key for what has no id of its own: no sender's id begins with '~'. */
static void name_by_digest(const char *text, size_t length, char id[STORE_MESSAGE_ID_SIZE])
{
	if (length > STORE_TEXT_MAX)
		length = STORE_TEXT_MAX;
	snprintf(id, STORE_MESSAGE_ID_SIZE, "~%016" PRIx64, feed_digest(text, length));
}

static int set_aside(struct store_change *change, const struct feed_piece *piece,
	const struct feed_fault *fault, int64_t now_ms, struct feed_outcome *outcome)
{
	struct store_message row = {.state = STORE_MESSAGE_SET_ASIDE, .received_ms = now_ms};
	const uint32_t of_text[2] = {piece->line, piece->column};
	const uint32_t of_message[2] = {1, 1};
	uint32_t place[2];

	outcome->result = FEED_SET_ASIDE;
	outcome->rule = fault->rule;
	memcpy(outcome->pointer, fault->pointer, sizeof(outcome->pointer));
	feed_text_place(piece->text, fault->offset, of_text, place);
	outcome->line = place[0];
	outcome->column = place[1];
	feed_text_place(piece->text, fault->offset, of_message, place);
	snprintf(row.reason, sizeof(row.reason), "%s %" PRIu32 ":%" PRIu32 " %s",
		feed_rule_name((enum feed_rule)fault->rule), place[0], place[1], fault->pointer);
	memcpy(row.id, outcome->id, sizeof(row.id));
	row.text = (char *)(uintptr_t)piece->text;
	row.text_length =
		(uint32_t)(piece->length < STORE_TEXT_MAX ? piece->length : STORE_TEXT_MAX);
	return store_message_put(change, &row);
}

static int apply_piece(struct store_change *change, const struct feed_piece *piece, int64_t now_ms,
	struct feed_outcome *outcome)
{
	struct feed_message message;
	struct feed_fault fault;
	struct store_message row = {0};
	char content[32];
	bool good = feed_message_read(piece->text, piece->length, now_ms, &message, &fault);
	int result = -ENOENT;

	memset(outcome, 0, sizeof(*outcome));
	if (message.id[0] != '\0')
		result = store_message_get(change, message.id, &row);
	if (result != 0 && result != -ENOENT)
		return result;
	bool known = result == 0 && row.state == STORE_MESSAGE_APPLIED;
	if (good)
		snprintf(content, sizeof(content), "content %016" PRIx64,
			feed_message_digest(&message));
	if (message.id[0] == '\0' || (known && (!good || strcmp(row.reason, content) != 0)))
		name_by_digest(piece->text, piece->length, outcome->id);
	else
		memcpy(outcome->id, message.id, sizeof(outcome->id));
	if (!good)
		return set_aside(change, piece, &fault, now_ms, outcome);
	if (known && outcome->id[0] == '~') {
		fault = (struct feed_fault){.rule = FEED_RULE_ID_REUSED, .pointer = "/messageId"};
		return set_aside(change, piece, &fault, now_ms, outcome);
	}
	outcome->result = known ? FEED_DUPLICATE : FEED_APPLIED;
	if (known)
		return 0;
	result = apply_message(change, &message, now_ms, outcome);
	if (result == -EOVERFLOW) {
		fault = (struct feed_fault){.rule = FEED_RULE_MPXN_FULL, .pointer = "/mpxn"};
		return set_aside(change, piece, &fault, now_ms, outcome);
	}
	if (result != 0)
		return result;
	row = (struct store_message){.state = STORE_MESSAGE_APPLIED, .received_ms = now_ms};
	memcpy(row.id, message.id, sizeof(row.id));
	memcpy(row.reason, content, sizeof(content));
	return store_message_put(change, &row);
}

int feed_apply(struct store_change *change, struct feed_batch *batch)
{
	struct feed_cutter cutter;
	struct feed_piece piece;
	int64_t count = feed_cut_count(batch->text);

	batch->count = 0;
	if (count < 0)
		return (int)count;
	if ((uint64_t)count > batch->outcomes_max)
		return -E2BIG;
	feed_cut_begin(&cutter, batch->text, batch->first_line);
	while (feed_cut_next(&cutter, &piece) == 1) {
		int result =
			apply_piece(change, &piece, batch->now_ms, &batch->outcomes[batch->count]);

		if (result != 0)
			return result;
		batch->count++;
	}
	return 0;
}

void feed_count(struct feed_counters *counters, const struct feed_outcome *outcomes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		counters->applied += outcomes[i].result == FEED_APPLIED;
		counters->duplicates += outcomes[i].result == FEED_DUPLICATE;
		if (outcomes[i].result == FEED_SET_ASIDE)
			counters->set_aside[outcomes[i].rule]++;
		counters->organisations_made += outcomes[i].organisations_made;
	}
}

/* ---- what was set aside */

/* The reason as set_aside() wrote it. */
static void read_reason(const char *reason, struct feed_set_aside *message)
{
	char name[32] = "";

	sscanf(reason, "%31s %" SCNu32 ":%" SCNu32 " %79[ -~]", name, &message->line,
		&message->column, message->pointer);
	for (enum feed_rule rule = FEED_NO_RULE; rule < FEED_RULE_COUNT; rule++)
		if (strcmp(feed_rule_name(rule), name) == 0)
			message->rule = (uint8_t)rule;
}

static void read_row(const struct store_message *row, struct feed_set_aside *message)
{
	memset(message, 0, sizeof(*message));
	memcpy(message->id, row->id, sizeof(message->id));
	message->received_ms = row->received_ms;
	message->text = row->text;
	message->length = row->text_length;
	read_reason(row->reason, message);
}

int feed_set_aside_next(struct store_change *change, char cursor[STORE_MESSAGE_ID_SIZE],
	struct feed_set_aside *message)
{
	struct store_message row;

	for (int visits = 0; visits < FEED_VISITS_MAX; visits++) {
		int result = store_message_next(change, cursor, &row);

		if (result != 1)
			return result;
		if (row.state == STORE_MESSAGE_SET_ASIDE) {
			read_row(&row, message);
			return 1;
		}
	}
	return -EAGAIN;
}

static int get_row(struct store_change *change, const char *id, struct store_message *row)
{
	int result = store_message_get(change, id, row);

	return result == 0 && row->state != STORE_MESSAGE_SET_ASIDE ? -ENOENT : result;
}

int feed_set_aside_get(struct store_change *change, const char *id, struct feed_set_aside *message)
{
	struct store_message row;
	int result = get_row(change, id, &row);

	if (result == 0)
		read_row(&row, message);
	return result;
}

int feed_set_aside_retry(
	struct store_change *change, const char *id, int64_t now_ms, struct feed_outcome *outcome)
{
	struct store_message row;
	char text[STORE_TEXT_MAX];
	int result = get_row(change, id, &row);

	if (result != 0)
		return result;
	/* What is written next may move the row. */
	if (row.text_length > 0)
		memcpy(text, row.text, row.text_length);
	struct feed_piece piece = {.text = text, .length = row.text_length, .line = 1, .column = 1};
	result = apply_piece(change, &piece, now_ms, outcome);
	if (result == 0 && strcmp(outcome->id, id) != 0)
		result = store_message_remove(change, id);
	return result;
}

int feed_set_aside_drop(struct store_change *change, const char *id)
{
	struct store_message row;
	int result = get_row(change, id, &row);

	return result != 0 ? result : store_message_remove(change, id);
}

int64_t feed_forget(
	struct store_change *change, char cursor[STORE_MESSAGE_ID_SIZE], int64_t before_ms)
{
	struct store_message row;
	int64_t forgotten = 0;

	for (int visits = 0; visits < FEED_VISITS_MAX; visits++) {
		int result = store_message_next(change, cursor, &row);

		if (result == 0)
			cursor[0] = '\0';
		if (result != 1)
			return result < 0 ? result : forgotten;
		if (row.state != STORE_MESSAGE_APPLIED || row.received_ms >= before_ms)
			continue;
		result = store_message_remove(change, cursor);
		if (result != 0)
			return result;
		forgotten++;
	}
	return forgotten;
}
