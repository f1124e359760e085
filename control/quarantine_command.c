/* SPDX-License-Identifier: Apache-2.0 */
/* `quarantine list`, `release` and `delete`: see motorwayctl(1). */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/calendar.h"
#include "control/command.h"
#include "dataplane/duis/identifier.h"

/* A reply holds no more; the next ones come with "after". */
#define LIST_MAX 4000

/* References go as text: not every reader of JSON keeps 64 bits of a number. */
static json_t *reference_text(uint64_t reference)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, reference);
	return json_string(text);
}

static bool parse_reference(const char *text, uint64_t *reference)
{
	char *end;

	if (text == NULL || !isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*reference = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

static json_t *event_json(const struct quarantine_event *event)
{
	char user[DUIS_EUI_TEXT_SIZE];
	char request_id[MW_REQUEST_ID_TEXT_SIZE];
	char held[CALENDAR_DATE_TIME_SIZE];
	json_t *object = json_object();

	duis_eui_format(event->user, user);
	duis_request_id_format(&event->request_id, request_id);
	calendar_format((int32_t)(event->held_ms / CALENDAR_DAY_MS),
		(int32_t)(event->held_ms % CALENDAR_DAY_MS), held);
	json_object_set_new(object, "reference", reference_text(event->reference));
	json_object_set_new(object, "state", json_string(quarantine_state_name(event->state)));
	json_object_set_new(object, "user", json_string(user));
	json_object_set_new(object, "srv", json_string(event->srv));
	json_object_set_new(object, "request_id", json_string(request_id));
	json_object_set_new(object, "held_since", json_string(held));
	json_object_set_new(object, "period_s", json_integer(event->period_s));
	json_object_set_new(object, "limit", json_integer(event->limit));
	return object;
}

static json_t *list(const struct quarantine *quarantine, uint64_t user, uint64_t after)
{
	json_t *events = json_array();
	bool more = false;

	for (size_t i = quarantine_after(quarantine, after); i < quarantine->count && !more; i++) {
		const struct quarantine_event *event = &quarantine->events[i];

		if (!event->present || (user != 0 && event->user != user))
			continue;
		more = json_array_size(events) == LIST_MAX;
		if (!more)
			json_array_append_new(events, event_json(event));
	}
	return json_pack("{s:b, s:I, s:b, s:o}", "ok", 1, "held", (json_int_t)quarantine->present,
		"more", more, "events", events);
}

static json_t *run_list(const struct quarantine *quarantine, const json_t *request)
{
	const json_t *user_value = json_object_get(request, "user");
	const json_t *after_value = json_object_get(request, "after");
	const char *user_text = json_string_value(user_value);
	uint64_t user = 0;
	uint64_t after = 0;

	if (user_value != NULL &&
		(user_text == NULL || duis_eui_parse(user_text, strlen(user_text), &user) != 0))
		return command_refuse("\"user\" is not an EUI-64");
	if (after_value != NULL && !parse_reference(json_string_value(after_value), &after))
		return command_refuse("\"after\" is not a QuarantineEventRef");
	return list(quarantine, user, after);
}

/* Wish `state` for the events that `text` names: one by its reference, or all of a user by his EUI.
 * Returns their number; 0 when there is none, or it is on its way to something else. */
static json_int_t wish(struct quarantine *quarantine, const char *text, enum quarantine_state state,
	int64_t wall_ms)
{
	uint64_t user;
	uint64_t reference;
	json_int_t count = 0;

	if (parse_reference(text, &reference)) {
		struct quarantine_event *event = quarantine_find(quarantine, reference);

		return event != NULL && event->present &&
		       quarantine_wish(quarantine, event, state, wall_ms);
	}
	if (duis_eui_parse(text, strlen(text), &user) != 0)
		return 0;
	for (size_t i = 0; i < quarantine->count; i++) {
		struct quarantine_event *event = &quarantine->events[i];

		if (event->present && event->user == user)
			count += quarantine_wish(quarantine, event, state, wall_ms);
	}
	return count;
}

static json_t *run_wishes(
	struct server *server, const json_t *request, enum quarantine_state state, int64_t wall_ms)
{
	const json_t *events = json_object_get(request, "events");
	json_t *unknown = json_array();
	json_int_t count = 0;
	size_t index;
	json_t *value;

	if (json_array_size(events) == 0) {
		json_decref(unknown);
		return command_refuse("\"events\" is not a list of QuarantineEventRefs or EUI-64s");
	}
	json_array_foreach((json_t *)events, index, value)
	{
		const char *text = json_string_value(value);
		json_int_t found =
			text != NULL ? wish(&server->quarantine, text, state, wall_ms) : 0;

		count += found;
		if (found == 0)
			json_array_append(unknown, value);
	}
	/* They go out with the next turn, which shall not wait for an event. */
	server->again = true;
	return json_pack("{s:b, s:I, s:o}", "ok", 1,
		state == QUARANTINE_RELEASING ? "releasing" : "deleting", count, "unknown",
		unknown);
}

json_t *command_quarantine(struct server *server, const json_t *request, struct server_time now)
{
	const char *action = json_string_value(json_object_get(request, "action"));

	if (server->link.peer == NULL)
		return command_refuse("no data plane is connected, which holds the requests");
	if (action != NULL && strcmp(action, "list") == 0)
		return run_list(&server->quarantine, request);
	if (action != NULL && strcmp(action, "release") == 0)
		return run_wishes(server, request, QUARANTINE_RELEASING, now.wall_ms);
	if (action != NULL && strcmp(action, "delete") == 0)
		return run_wishes(server, request, QUARANTINE_DELETING, now.wall_ms);
	return command_refuse("\"action\" is not list, release or delete");
}
