/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `feed`: messages from a file, and what was set aside. What is applied goes the same way as what
 * comes over HTTP: one change for each command, answered when it is in the registry image.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/calendar.h"
#include "control/command.h"
#include "control/feed_reply.h"

#define LIST_MAX 200
#define PAGE_IDS_MAX 200

static const char *text_of(const json_t *request, const char *name)
{
	return json_string_value(json_object_get(request, name));
}

/* ---- messages that come in ---- */

/* The octets of {"text": TEXT} or {"hex": DIGITS}, malloc'ed; NULL: they are not. The latter is for
 * what JSON cannot carry. */
static char *read_octets(const json_t *request, size_t *length)
{
	static const char digits[] = "0123456789abcdef";
	const json_t *text = json_object_get(request, "text");
	const char *hex = text_of(request, "hex");
	size_t hex_length = hex != NULL ? strlen(hex) : 0;

	*length = json_is_string(text) ? json_string_length(text) : hex_length / 2;
	if (!json_is_string(text) &&
		(hex == NULL || hex_length % 2 != 0 || strspn(hex, digits) != hex_length))
		return NULL;
	char *octets = malloc(*length + 1);
	if (octets == NULL)
		return NULL;
	if (json_is_string(text)) {
		memcpy(octets, json_string_value(text), *length);
		return octets;
	}
	for (size_t i = 0; i < *length; i++)
		octets[i] = (char)((strchr(digits, hex[2 * i]) - digits) << 4 |
				   (strchr(digits, hex[2 * i + 1]) - digits));
	return octets;
}

static json_t *outcome_json(const struct feed_outcome *outcome)
{
	json_t *object = json_pack("{s:s, s:s}", "id", outcome->id, "result",
		feed_result_name((enum feed_result)outcome->result));

	if (outcome->result != FEED_SET_ASIDE)
		return object;
	json_object_set_new(
		object, "rule", json_string(feed_rule_name((enum feed_rule)outcome->rule)));
	json_object_set_new(
		object, "meaning", json_string(feed_rule_meaning((enum feed_rule)outcome->rule)));
	json_object_set_new(object, "line", json_integer(outcome->line));
	json_object_set_new(object, "column", json_integer(outcome->column));
	json_object_set_new(object, "pointer", json_string(outcome->pointer));
	return object;
}

/* What became of messages: numbers, and those that were set aside. */
static json_t *outcomes_reply(const struct feed_outcome *outcomes, size_t count)
{
	json_int_t numbers[FEED_SET_ASIDE + 1] = {0};
	json_t *aside = json_array();

	for (size_t i = 0; i < count; i++) {
		numbers[outcomes[i].result]++;
		if (outcomes[i].result == FEED_SET_ASIDE)
			json_array_append_new(aside, outcome_json(&outcomes[i]));
	}
	return json_pack("{s:b, s:I, s:I, s:I, s:o}", "ok", 1, "applied", numbers[FEED_APPLIED],
		"duplicates", numbers[FEED_DUPLICATE], "set_aside", numbers[FEED_SET_ASIDE],
		"outcomes", aside);
}

/* Apply the batch in a change of its own. 0 or -errno. */
static int apply(struct server *server, struct feed_batch *batch)
{
	struct store_change *change = store_begin(server->services.store);
	uint64_t number;

	if (change == NULL)
		return -errno;
	int result = feed_apply(change, batch);
	if (result != 0) {
		store_abandon(change);
		return result;
	}
	result = command_commit(server, change, &number);
	if (result == 0)
		feed_count(&server->feed_counters, batch->outcomes, batch->count);
	return result;
}

static json_t *run_import(struct server *server, const json_t *request, int64_t now_ms)
{
	const json_t *line = json_object_get(request, "line");
	struct feed_batch batch = {
		.first_line = json_is_integer(line) ? (uint32_t)json_integer_value(line) : 1,
		.now_ms = now_ms,
		.outcomes_max = FEED_BATCH_MESSAGES_MAX,
	};
	size_t length;
	char *octets = read_octets(request, &length);

	if (octets == NULL)
		return command_refuse("\"text\" or \"hex\" is missing: messages, one a line");
	batch.text = (struct feed_text){octets, length, FEED_LINES};
	batch.outcomes = calloc(FEED_BATCH_MESSAGES_MAX, sizeof(*batch.outcomes));
	int result = batch.outcomes != NULL ? apply(server, &batch) : -ENOMEM;
	json_t *reply = result == 0 ? outcomes_reply(batch.outcomes, batch.count)
			: result == -E2BIG
				? command_refuse("more than 4096 messages in one command")
				: command_refuse_store("the messages are not taken", result);
	free(batch.outcomes);
	free(octets);
	return reply;
}

/* ---- what was set aside ---- */

static json_t *set_aside_json(const struct feed_set_aside *message)
{
	char received[CALENDAR_DATE_TIME_SIZE];

	calendar_format((int32_t)(message->received_ms / CALENDAR_DAY_MS),
		(int32_t)(message->received_ms % CALENDAR_DAY_MS), received);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I}", "id", message->id, "received",
		received, "rule", feed_rule_name((enum feed_rule)message->rule), "meaning",
		feed_rule_meaning((enum feed_rule)message->rule), "line", (json_int_t)message->line,
		"column", (json_int_t)message->column, "pointer", message->pointer, "bytes",
		(json_int_t)message->length);
}

static bool take_after(const json_t *request, char cursor[STORE_MESSAGE_ID_SIZE])
{
	const char *after = text_of(request, "after");

	cursor[0] = '\0';
	if (after == NULL)
		return true;
	snprintf(cursor, STORE_MESSAGE_ID_SIZE, "%s", after);
	return strlen(after) < STORE_MESSAGE_ID_SIZE;
}

static json_t *run_list(struct server *server, const json_t *request)
{
	char cursor[STORE_MESSAGE_ID_SIZE];
	struct feed_set_aside message;
	json_t *messages;
	int result = 1;

	if (!take_after(request, cursor))
		return command_refuse("\"after\" is not an id");
	struct store_change *snapshot = store_snapshot(server->services.store);
	if (snapshot == NULL)
		return command_refuse_store("the store cannot be read", -errno);
	messages = json_array();
	while (result == 1 && json_array_size(messages) < LIST_MAX) {
		result = feed_set_aside_next(snapshot, cursor, &message);
		if (result == 1)
			json_array_append_new(messages, set_aside_json(&message));
	}
	store_abandon(snapshot);
	if (result < 0 && result != -EAGAIN) {
		json_decref(messages);
		return command_refuse_store("the store cannot be read", result);
	}
	json_t *reply = json_pack("{s:b, s:o}", "ok", 1, "messages", messages);
	if (result != 0)
		json_object_set_new(reply, "after", json_string(cursor));
	return reply;
}

/* A message's text as JSON can carry it: what is no UTF-8, or a NUL, becomes '?'. */
static json_t *text_json(const char *text, size_t length)
{
	json_t *value = memchr(text, '\0', length) == NULL ? json_stringn(text, length) : NULL;

	if (value != NULL)
		return value;
	char *copy = malloc(length + 1);
	if (copy == NULL)
		return json_null();
	for (size_t i = 0; i < length; i++)
		copy[i] = (signed char)text[i] > 0 ? text[i] : '?';
	value = json_stringn(copy, length);
	free(copy);
	return value;
}

static json_t *run_show(struct server *server, const json_t *request)
{
	const char *id = text_of(request, "id");
	struct feed_set_aside message;
	json_t *reply = NULL;

	if (id == NULL)
		return command_refuse("\"id\" is missing");
	struct store_change *snapshot = store_snapshot(server->services.store);
	if (snapshot == NULL)
		return command_refuse_store("the store cannot be read", -errno);
	int result = feed_set_aside_get(snapshot, id, &message);
	if (result == 0)
		reply = json_pack("{s:b, s:o, s:o}", "ok", 1, "message", set_aside_json(&message),
			"text", text_json(message.text, message.length));
	else if (result == -ENOENT)
		reply = command_refuse("no message with this id is set aside");
	else
		reply = command_refuse_store("the store cannot be read", result);
	store_abandon(snapshot);
	return reply;
}

/* The next ids behind the cursor, at most PAGE_IDS_MAX. Returns how many, or -errno; *more: there
 * may be others. */
static int find_ids(struct store_change *change, char cursor[STORE_MESSAGE_ID_SIZE],
	char (*ids)[STORE_MESSAGE_ID_SIZE], bool *more)
{
	struct feed_set_aside message;
	int count = 0;
	int result = 1;

	while (result == 1 && count < PAGE_IDS_MAX) {
		result = feed_set_aside_next(change, cursor, &message);
		if (result == 1)
			memcpy(ids[count++], message.id, STORE_MESSAGE_ID_SIZE);
	}
	*more = result != 0;
	return result < 0 && result != -EAGAIN ? result : count;
}

/* The messages that a command names: one, or the next ones of all behind a cursor. */
struct chosen {
	char ids[PAGE_IDS_MAX][STORE_MESSAGE_ID_SIZE];
	char cursor[STORE_MESSAGE_ID_SIZE];
	bool more;
	int count;
};

/* Begin a change for the messages that `request` names. Returns NULL and *change, which the caller
 * ends, and fills *chosen (count: -errno when they cannot be read); or the refusal. */
static json_t *begin_chosen(struct server *server, const json_t *request, struct chosen *chosen,
	struct store_change **change)
{
	const char *id = text_of(request, "id");

	if (!take_after(request, chosen->cursor) ||
		(id != NULL && strlen(id) >= sizeof(chosen->ids[0])))
		return command_refuse("not an id");
	*change = store_begin(server->services.store);
	if (*change == NULL)
		return command_refuse_store("the store cannot be changed", -errno);
	chosen->more = false;
	chosen->count = 1;
	if (id != NULL)
		snprintf(chosen->ids[0], sizeof(chosen->ids[0]), "%s", id);
	else
		chosen->count = find_ids(*change, chosen->cursor, chosen->ids, &chosen->more);
	return NULL;
}

/* Commit what was done with them, or abandon it when `result` says that it failed. NULL: done; or
 * the refusal, with `nothing` for what has not happened. */
static json_t *finish_chosen(
	struct server *server, struct store_change *change, int result, const char *nothing)
{
	uint64_t number;

	if (result == 0)
		result = command_commit(server, change, &number);
	else
		store_abandon(change);
	if (result == -ENOENT)
		return command_refuse("no message with this id is set aside");
	return result != 0 ? command_refuse_store(nothing, result) : NULL;
}

/* `reply`, and where the next page begins when there is one. */
static json_t *with_cursor(json_t *reply, const struct chosen *chosen)
{
	if (chosen->more)
		json_object_set_new(reply, "after", json_string(chosen->cursor));
	return reply;
}

static json_t *run_retry(struct server *server, const json_t *request, int64_t now_ms)
{
	static struct chosen chosen;
	static struct feed_outcome outcomes[PAGE_IDS_MAX];
	struct store_change *change;
	json_t *refusal = begin_chosen(server, request, &chosen, &change);

	if (refusal != NULL)
		return refusal;
	int result = chosen.count < 0 ? chosen.count : 0;
	for (int i = 0; i < chosen.count && result == 0; i++)
		result = feed_set_aside_retry(change, chosen.ids[i], now_ms, &outcomes[i]);
	refusal = finish_chosen(server, change, result, "nothing was tried");
	if (refusal != NULL)
		return refusal;
	feed_count(&server->feed_counters, outcomes, (size_t)chosen.count);
	return with_cursor(outcomes_reply(outcomes, (size_t)chosen.count), &chosen);
}

static json_t *run_drop(struct server *server, const json_t *request)
{
	static struct chosen chosen;
	struct store_change *change;
	json_t *refusal = begin_chosen(server, request, &chosen, &change);

	if (refusal != NULL)
		return refusal;
	int result = chosen.count < 0 ? chosen.count : 0;
	for (int i = 0; i < chosen.count && result == 0; i++)
		result = feed_set_aside_drop(change, chosen.ids[i]);
	refusal = finish_chosen(server, change, result, "nothing was dropped");
	if (refusal != NULL)
		return refusal;
	return with_cursor(json_pack("{s:b, s:i}", "ok", 1, "dropped", chosen.count), &chosen);
}

static json_t *run_status(struct server *server)
{
	struct store_change *snapshot = store_snapshot(server->services.store);
	json_t *feed = command_feed_status(server);

	if (snapshot != NULL)
		json_object_set_new(feed, "messages_kept",
			json_integer((json_int_t)store_message_count(snapshot)));
	store_abandon(snapshot);
	return json_pack("{s:b, s:o}", "ok", 1, "feed", feed);
}

json_t *command_feed(struct server *server, const json_t *request, struct server_time now)
{
	const char *action = text_of(request, "action");

	if (action == NULL)
		return command_refuse("\"action\" is missing");
	if (strcmp(action, "import") == 0)
		return run_import(server, request, now.wall_ms);
	if (strcmp(action, "list") == 0)
		return run_list(server, request);
	if (strcmp(action, "show") == 0)
		return run_show(server, request);
	if (strcmp(action, "retry") == 0)
		return run_retry(server, request, now.wall_ms);
	if (strcmp(action, "drop") == 0)
		return run_drop(server, request);
	if (strcmp(action, "status") == 0)
		return run_status(server);
	return command_refuse("\"action\" is not import, list, show, retry, drop or status");
}
