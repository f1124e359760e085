/* SPDX-License-Identifier: Apache-2.0 */
/* `schedule list`, `show` and `remove`: see motorwayctl(1). */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/calendar.h"
#include "control/command.h"
#include "dataplane/duis/identifier.h"

/* A reply holds no more; the next ones come with "after". */
#define LIST_MAX 1000
/* Rows looked at for one reply: the server has other things to do. */
#define VISITS_MAX 100000

static void put_number(json_t *object, const char *name, uint64_t number)
{
	char text[24];

	/* Not every reader of JSON keeps 64 bits of a number. */
	snprintf(text, sizeof(text), "%" PRIu64, number);
	json_object_set_new(object, name, json_string(text));
}

static void put_eui(json_t *object, const char *name, uint64_t eui)
{
	char text[DUIS_EUI_TEXT_SIZE];

	duis_eui_format(eui, text);
	json_object_set_new(object, name, json_string(text));
}

static void put_time(json_t *object, const char *name, int64_t time_ms)
{
	char text[CALENDAR_DATE_TIME_SIZE];

	calendar_format(
		(int32_t)(time_ms / CALENDAR_DAY_MS), (int32_t)(time_ms % CALENDAR_DAY_MS), text);
	json_object_set_new(object, name, json_string(text));
}

static void put_day(json_t *object, const char *name, int32_t day)
{
	char text[CALENDAR_DATE_TIME_SIZE];

	calendar_format(day, 0, text);
	text[strcspn(text, "T")] = '\0';
	json_object_set_new(object, name, json_string(text));
}

static bool parse_id(const char *text, uint64_t *id)
{
	char *end;

	if (text == NULL || !isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*id = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

static void put_removal(json_t *object, const struct schedule_removal *removal)
{
	if (removal->at_s == STORE_NEVER)
		return;
	json_object_set_new(
		object, "removal_cause", json_string(removal_cause_name(removal->cause)));
	put_time(object, "removal", removal->at_s * 1000);
	if (removal->waiting)
		json_object_set_new(object, "last_run", json_true());
}

/* What a list tells of a schedule. */
static json_t *schedule_json(const struct schedule *schedule)
{
	json_t *object = json_object();

	put_number(object, "id", schedule->id);
	put_eui(object, "user", schedule->user);
	put_eui(object, "device", schedule->terms.device_id);
	json_object_set_new(object, "srv", json_string(schedule->terms.read->srv));
	put_time(object, "next_run", schedule->due_ms);
	put_removal(object, &schedule->removal);
	return object;
}

static void add_terms(json_t *object, const struct schedule_terms *terms)
{
	static const char *const frequencies[SCHEDULE_FREQUENCY_COUNT] = {
		"Daily", "Weekly", "Monthly", "Quarterly", "Half-Yearly", "Yearly"};
	char text[CALENDAR_DATE_TIME_SIZE];

	json_object_set_new(object, "frequency", json_string(frequencies[terms->frequency]));
	put_day(object, "start_date", terms->start_day);
	if (terms->end_day != SCHEDULE_NO_END)
		put_day(object, "end_date", terms->end_day);
	if (terms->time_ms != SCHEDULE_ANY_TIME) {
		calendar_format(0, terms->time_ms, text);
		json_object_set_new(object, "execution_time", json_string(strchr(text, 'T') + 1));
	}
}

/* Everything about a schedule. */
static json_t *describe(const struct schedule *schedule, uint64_t dsp_eui)
{
	json_t *object = schedule_json(schedule);
	struct mw_request_id id = schedule_request_id(schedule, dsp_eui);
	char text[MW_REQUEST_ID_TEXT_SIZE];
	int64_t start_ms;
	int64_t end_ms;

	add_terms(object, &schedule->terms);
	if (schedule_period(schedule, &start_ms, &end_ms)) {
		put_time(object, "reads_from", start_ms);
		put_time(object, "reads_to", end_ms);
	}
	json_object_set_new(object, "occurrence", json_integer(schedule->occurrence));
	json_object_set_new(object, "attempt", json_integer(schedule->attempt));
	duis_request_id_format(&id, text);
	json_object_set_new(object, "request_id", json_string(text));
	json_object_set_new(object, "duis_version", json_string(schedule->schema_version));
	return object;
}

/* ---- list */

struct listing {
	struct schedules *schedules;
	json_t *rows;
	uint64_t user; /* 0: all */
	uint64_t last; /* the last one looked at */
	bool more;
};

/* false: there is no room for more. */
static bool list_one(struct listing *listing, uint64_t id)
{
	struct schedule schedule;

	if (json_array_size(listing->rows) == LIST_MAX) {
		listing->more = true;
		return false;
	}
	listing->last = id;
	if (schedules_find(listing->schedules, id, &schedule) == 0 &&
		(listing->user == 0 || schedule.user == listing->user))
		json_array_append_new(listing->rows, schedule_json(&schedule));
	return true;
}

/* The schedules of a device, in order of user and id, those with ids above `after`. */
static void list_device(
	struct listing *listing, struct store_change *change, uint64_t device_id, uint64_t after)
{
	uint64_t user = 0;
	uint64_t id = 0;

	while (store_schedule_of_device_next(change, device_id, &user, &id) == 1)
		if (id > after && !list_one(listing, id))
			break;
}

static void list_all(struct listing *listing, struct store_change *change, uint64_t after)
{
	struct store_schedule row;
	int visits = 0;

	while (store_schedule_next(change, &after, &row) == 1) {
		if (++visits > VISITS_MAX) {
			listing->more = true;
			break;
		}
		if (!list_one(listing, row.id))
			break;
	}
}

static bool parse_eui(const json_t *value, uint64_t *eui)
{
	const char *text = json_string_value(value);

	return value == NULL ||
	       (text != NULL && duis_eui_parse(text, strlen(text), eui) == 0 && *eui != 0);
}

static json_t *run_list(struct server *server, const json_t *request)
{
	const json_t *after_value = json_object_get(request, "after");
	struct store_change *change = ledger_change(&server->ledger);
	struct listing listing = {.schedules = server->schedules};
	uint64_t device_id = 0;
	uint64_t after = 0;

	if (!parse_eui(json_object_get(request, "user"), &listing.user))
		return command_refuse("\"user\" is not an EUI-64");
	if (!parse_eui(json_object_get(request, "device"), &device_id))
		return command_refuse("\"device\" is not an EUI-64");
	if (after_value != NULL && !parse_id(json_string_value(after_value), &after))
		return command_refuse("\"after\" is not a DSPScheduleID");
	if (change == NULL)
		return command_refuse("the store cannot be read");
	listing.rows = json_array();
	listing.last = after;
	if (device_id != 0)
		list_device(&listing, change, device_id, after);
	else
		list_all(&listing, change, after);
	json_t *reply = json_pack(
		"{s:b, s:b, s:o}", "ok", 1, "more", listing.more, "schedules", listing.rows);
	put_number(reply, "count", store_schedule_count(change));
	put_number(reply, "last", listing.last);
	return reply;
}

/* ---- show */

static json_t *run_show(struct server *server, const json_t *request)
{
	struct schedule schedule;
	uint64_t id;

	if (!parse_id(json_string_value(json_object_get(request, "id")), &id))
		return command_refuse("\"id\" is not a DSPScheduleID");
	int result = schedules_find(server->schedules, id, &schedule);
	if (result != 0)
		return command_refuse(result == -ENOENT ? "there is no such schedule"
							: "the schedule cannot be read");
	return json_pack(
		"{s:b, s:o}", "ok", 1, "schedule", describe(&schedule, server->link.dsp_eui));
}

/* ---- remove */

static int remove_one(struct server *server, const char *text, enum removal_cause cause)
{
	struct schedule schedule;
	uint64_t id;

	if (!parse_id(text, &id))
		return -ENOENT;
	int result = schedules_find(server->schedules, id, &schedule);
	return result == 0 ? removal_remove(server->schedules, server->alerts, &schedule, cause)
			   : result;
}

static json_t *run_remove(struct server *server, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "cause"));
	const json_t *ids = json_object_get(request, "ids");
	enum removal_cause cause = name != NULL ? removal_cause_find(name) : REMOVAL_NONE;
	json_int_t count = 0;
	size_t index;
	json_t *value;

	if (cause == REMOVAL_NONE)
		return command_refuse("\"cause\" is not mdra, supplier, device, network or user");
	if (json_array_size(ids) == 0)
		return command_refuse("\"ids\" is not a list of DSPScheduleIDs");
	json_t *unknown = json_array();
	json_array_foreach((json_t *)ids, index, value)
	{
		int result = remove_one(server, json_string_value(value), cause);

		count += result == 0;
		if (result == -ENOENT)
			json_array_append(unknown, value);
		else if (result != 0) {
			json_decref(unknown);
			ledger_abandon(&server->ledger);
			alerts_forget(server->alerts);
			return command_refuse(
				"the store has no room, or cannot be read: none was removed");
		}
	}
	/* Their alerts go out with the next turn, which shall not wait for an event. */
	server->again = true;
	return json_pack("{s:b, s:I, s:o}", "ok", 1, "removed", count, "unknown", unknown);
}

json_t *command_schedule(struct server *server, const json_t *request, struct server_time now)
{
	const char *action = json_string_value(json_object_get(request, "action"));

	(void)now;
	if (action != NULL && strcmp(action, "list") == 0)
		return run_list(server, request);
	if (action != NULL && strcmp(action, "show") == 0)
		return run_show(server, request);
	if (action != NULL && strcmp(action, "remove") == 0)
		return run_remove(server, request);
	return command_refuse("\"action\" is not list, show or remove");
}
