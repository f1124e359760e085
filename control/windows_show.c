/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/calendar.h"
#include "control/command.h"
#include "control/windows_command.h"
#include "control/windows_plan.h"

void windows_put_instant(json_t *object, const char *name, int64_t at_ms)
{
	char text[CALENDAR_DATE_TIME_SIZE];

	calendar_format(
		(int32_t)(at_ms / CALENDAR_DAY_MS), (int32_t)(at_ms % CALENDAR_DAY_MS), text);
	json_object_set_new(object, name, json_string(text));
}

/* ---- show */

static const char *state_of(const struct window_day *day, int64_t now_s)
{
	if (now_s < day->from_s)
		return "ahead";
	if (now_s < day->to_s)
		return "open";
	return now_s < day->gap_to_s ? "gap" : "over";
}

static json_t *day_json(const struct window_day *day, int64_t now_s)
{
	json_t *slots = json_array();
	json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "provider", day->gate->name, "window",
		day->window->name, "kind", window_kind_names[day->window->kind], "state",
		state_of(day, now_s));

	windows_put_instant(row, "from", day->from_s * 1000);
	windows_put_instant(row, "to", day->to_s * 1000);
	if (day->gap_to_s > day->to_s)
		windows_put_instant(row, "gap_to", day->gap_to_s * 1000);
	for (uint32_t i = 0; i < day->slot_count; i++) {
		json_t *slot = json_pack("{s:i}", "cap_tps", (int)day->slots[i].cap_tps);

		windows_put_instant(slot, "from", day->slots[i].from_s * 1000);
		windows_put_instant(slot, "to", day->slots[i].to_s * 1000);
		json_array_append_new(slots, slot);
	}
	json_object_set_new(row, "slots", slots);
	json_object_set_new(row, "pace", json_string(window_pace_names[day->window->pace]));
	json_object_set_new(
		row, "basis", json_string(day->window->assumed ? "assumed" : "confirmed"));
	if (day->window->on_demand_counts)
		json_object_set_new(row, "on_demand_counts", json_true());
	return row;
}

static void put_totals(json_t *reply, const struct windows_conf *conf)
{
	static const char *const keys[MW_WINDOW_KIND_COUNT] = {"peak_tps", "off_peak_tps"};
	json_t *totals = json_object();

	for (int kind = 0; kind < MW_WINDOW_KIND_COUNT; kind++)
		json_object_set_new(totals, keys[kind],
			conf->total_cap_tps[kind] == 0 ? json_string("unlimited")
						       : json_integer(conf->total_cap_tps[kind]));
	json_object_set_new(reply, "zone", json_string(conf->zone_name));
	json_object_set_new(reply, "totals", totals);
}

/* The gates in series, and those before which they stand. */
static void put_series(json_t *reply, const struct windows_conf *conf)
{
	json_t *series = json_object();

	for (uint32_t i = 0; i < conf->gate_count; i++) {
		const struct window_gate *gate = &conf->gates[i];

		for (uint32_t j = 0; gate->series != gate->gate && j < conf->gate_count; j++)
			if (conf->gates[j].gate == gate->series)
				json_object_set_new(
					series, gate->name, json_string(conf->gates[j].name));
	}
	json_object_set_new(reply, "series", series);
}

/* Providers of the reference set that have no windows. */
static void put_others(json_t *reply, const struct server *server, const struct windows_conf *conf)
{
	json_t *names = json_array();

	for (size_t i = 0; i < server->reference->provider_count; i++)
		if (windows_conf_gate(conf, server->reference->providers[i].name) == NULL)
			json_array_append_new(
				names, json_string(server->reference->providers[i].name));
	json_object_set_new(reply, "without_windows", names);
}

static bool provider_known(const struct server *server, const char *name)
{
	for (size_t i = 0; i < server->reference->provider_count; i++)
		if (strcmp(server->reference->providers[i].name, name) == 0)
			return true;
	return windows_conf_gate(timetable_windows(server->timetable), name) != NULL;
}

json_t *windows_show(struct server *server, const json_t *request, int64_t now_s)
{
	const struct windows_conf *conf = timetable_windows(server->timetable);
	const json_t *wanted = json_object_get(request, "provider");
	const char *name = json_string_value(wanted);
	struct window_days days;

	if (wanted != NULL && (name == NULL || !provider_known(server, name)))
		return command_refuse("there is no such provider");
	int result = window_days_make(conf, now_s, &days);
	if (result != 0)
		return command_refuse_store("the windows cannot be shown", result);
	json_t *rows = json_array();
	for (size_t i = 0; i < days.count; i++)
		if (name == NULL || strcmp(days.days[i].gate->name, name) == 0)
			json_array_append_new(rows, day_json(&days.days[i], now_s));
	window_days_free(&days);
	json_t *reply = json_pack("{s:b, s:o}", "ok", 1, "windows", rows);
	put_totals(reply, conf);
	put_series(reply, conf);
	put_others(reply, server, conf);
	return reply;
}

/* ---- what is known of the reads to come */

struct batches {
	struct window_batch *rows;
	size_t count;
	size_t size;
};

static int add_batch(struct batches *batches, const struct window_batch *batch)
{
	if (batches->count == batches->size) {
		size_t size = batches->size == 0 ? 1024 : 2 * batches->size;
		void *grown = realloc(batches->rows, size * sizeof(*batches->rows));

		if (grown == NULL)
			return -ENOMEM;
		batches->rows = grown;
		batches->size = size;
	}
	batches->rows[batches->count++] = *batch;
	return 0;
}

/* The run that a schedule has next. */
static int add_run(struct server *server, struct store_change *change,
	const struct store_schedule *row, struct batches *batches)
{
	const struct reference_user *user = reference_user(server->reference, row->user);
	struct schedule schedule;
	struct store_device device;

	if (user == NULL || schedules_find(server->schedules, row->id, &schedule) != 0 ||
		store_device_get(change, row->device_id, &device) != 0)
		return 0;
	const struct mw_control_srv_rule *rule =
		reference_rule(server->reference, schedule.terms.read->srv);
	if (rule == NULL)
		return 0;
	struct mw_timing timing = timetable_run(
		server->timetable, rule, user->roles, (enum mw_generation)device.device.generation);
	const struct window_batch batch = {
		.due_s = row->due_ms / 1000,
		.count = 1,
		.gate = (uint8_t)device.device.provider_id,
		.class = timing.windows,
	};
	return timing.windows == MW_WINDOW_CLASS_NOW ? 0 : add_batch(batches, &batch);
}

/* The runs that fall due before `to_s`. 1: there are too many schedules to look at. */
static int add_runs(struct server *server, int64_t to_s, struct batches *batches)
{
	struct store_change *change = ledger_change(&server->ledger);
	struct store_schedule row;
	uint64_t after = 0;
	int result = 0;

	if (change == NULL || store_schedule_count(change) > WINDOWS_SCHEDULES_MAX)
		return 1;
	while (result == 0 && store_schedule_next(change, &after, &row) == 1)
		if (row.due_ms < to_s * 1000)
			result = add_run(server, change, &row, batches);
	return result;
}

static uint64_t number_of(const json_t *row, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(row, name));

	return value > 0 ? (uint64_t)value : 0;
}

/* What waits in the data plane. 1: it is not known. */
static int add_waiting(const json_t *waiting, int64_t now_s, struct batches *batches)
{
	static const struct {
		const char *name;
		uint8_t class;
	} kinds[] = {
		{"waiting_peak", MW_WINDOW_CLASS_PEAK},
		{"waiting_off_peak", MW_WINDOW_CLASS_OFF_PEAK},
		{"waiting_any", MW_WINDOW_CLASS_ANY},
		{"ready", MW_WINDOW_CLASS_ANY},
	};
	const json_t *providers = json_object_get(waiting, "providers");
	size_t index;
	json_t *row;

	if (!json_is_array(providers))
		return 1;
	json_array_foreach((json_t *)providers, index, row)
	{
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			const struct window_batch batch = {
				.due_s = now_s,
				.count = number_of(row, kinds[i].name),
				.gate = (uint8_t)number_of(row, "gate"),
				.class = kinds[i].class,
				.waits = true,
			};

			if (batch.count > 0 && add_batch(batches, &batch) != 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* ---- forecast */

struct known {
	bool waiting;
	bool planned;
};

static json_t *forecast_json(const struct window_day *day, const struct window_forecast *forecast,
	const struct known *known, int64_t now_s)
{
	json_t *row = day_json(day, now_s);

	json_object_set_new(row, "rate_tps", json_integer(forecast->cap_tps));
	json_object_set_new(row, "waiting",
		known->waiting ? json_integer((json_int_t)forecast->waiting) : json_null());
	json_object_set_new(row, "planned",
		known->planned ? json_integer((json_int_t)forecast->planned) : json_null());
	if (!known->waiting && !known->planned)
		return row;
	json_object_set_new(row, "left", json_integer((json_int_t)forecast->left));
	if (forecast->finish_ms == 0)
		return row;
	windows_put_instant(row, "finish", forecast->finish_ms);
	json_object_set_new(row, "margin_s",
		json_integer((json_int_t)(day->to_s - (forecast->finish_ms + 999) / 1000)));
	return row;
}

static void put_unknown(json_t *reply, const struct known *known)
{
	static const char *const always[] = {
		"requests that come from now on, and future-dated ones whose time has not come",
		"reads that fail and are sent again",
		"what providers take from each other: each goes at the least cap on its way",
		"runs after the next one of a schedule that runs twice until tomorrow ends",
		"an even pace: all windows are reckoned as if they went at the cap",
	};
	json_t *list = json_array();

	if (!known->waiting)
		json_array_append_new(list,
			json_string("what waits in the data plane: it is not connected, or did not "
				    "say"));
	if (!known->planned)
		json_array_append_new(list,
			json_string("the runs of schedules: they are too many to be looked at"));
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		json_array_append_new(list, json_string(always[i]));
	json_object_set_new(reply, "unknown", list);
}

static int forecast_days(const struct windows_conf *conf, const struct window_days *days,
	struct batches *batches, const struct known *known, int64_t now_s, json_t *reply)
{
	struct window_forecast *forecasts = calloc(days->count + 1, sizeof(*forecasts));
	json_t *rows = json_array();
	int result = forecasts == NULL ? -ENOMEM
				       : windows_forecast(conf, days, batches->rows, batches->count,
						 now_s, forecasts);

	for (size_t i = 0; result == 0 && i < days->count; i++)
		if (days->days[i].to_s > now_s && days->days[i].gate->gate < MW_GATE_PROVIDERS)
			json_array_append_new(
				rows, forecast_json(&days->days[i], &forecasts[i], known, now_s));
	free(forecasts);
	json_object_set_new(reply, "windows", rows);
	return result;
}

int windows_put_forecast(struct server *server, const struct windows_conf *conf,
	const json_t *waiting, int64_t now_s, json_t *reply)
{
	struct window_days days;
	struct batches batches = {0};
	int result = window_days_make(conf, now_s, &days);

	if (result != 0)
		return result;
	int waits = add_waiting(waiting, now_s, &batches);
	int runs = waits >= 0 ? add_runs(server, days.to_s, &batches) : waits;
	const struct known known = {.waiting = waits == 0, .planned = runs == 0};
	result = runs < 0 ? runs : forecast_days(conf, &days, &batches, &known, now_s, reply);
	put_unknown(reply, &known);
	free(batches.rows);
	window_days_free(&days);
	return result;
}
