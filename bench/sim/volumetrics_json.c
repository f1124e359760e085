/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of motorway-sim volumetrics as one JSON object. Whole numbers alone; names tell units:
 * _milli_tps is 1/1000 a second, _milli_percent 1/1000 of a percent. */
#include <errno.h>

#include <jansson.h>

#include "bench/sim/volumetrics.h"
#include "bench/sim/volumetrics_read.h"

static void put(json_t *object, const char *name, uint64_t number)
{
	json_object_set_new(object, name, json_integer((json_int_t)number));
}

static void put_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, json_string(text));
}

static void put_basis(json_t *object, const struct volumetrics_basis *basis)
{
	put_text(object, basis->assumed ? "assumed" : "source", basis->text);
}

static json_t *inputs(const struct volumetrics *model)
{
	json_t *object = json_object();
	char text[40];

	for (int i = 0; i < VOLUMETRICS_INPUTS; i++) {
		json_t *input = json_object();

		put_text(input, "value", volumetrics_value(model, i, text, sizeof(text)));
		json_object_set_new(input, "changed", json_boolean(model->numbers[i].changed));
		put_basis(input, &model->numbers[i].basis);
		json_object_set_new(object, volumetrics_row(i)->name, input);
	}
	return object;
}

static json_t *reads(const struct volumetrics *model)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < model->read_count; i++) {
		json_t *read = json_object();

		put_text(read, "name", model->reads[i].name);
		put_text(read, "srv", model->reads[i].srv);
		put(read, "milli_percent", model->reads[i].percent_milli);
		json_object_set_new(read, "changed", json_boolean(model->reads[i].changed));
		put_basis(read, &model->reads[i].basis);
		json_array_append_new(list, read);
	}
	return list;
}

static json_t *meters(const struct demand *demand)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < DEMAND_CELLS; i++) {
		const struct demand_cell *cell = &demand->cells[i];
		json_t *item;

		if (cell->count == 0)
			continue;
		item = json_object();
		put_text(item, "provider", volumetrics_providers[cell->provider]);
		put_text(item, "user", volumetrics_users[cell->user]);
		json_object_set_new(item, "export", json_boolean(cell->has_export));
		put_text(item, "granularity", volumetrics_granularities[cell->granularity]);
		put(item, "meters", cell->count);
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *lines(const struct volumetrics_report *report)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < report->line_count; i++) {
		const struct demand_line *line = &report->lines[i];
		json_t *item = json_object();

		put_text(item, "provider", volumetrics_providers[line->provider]);
		put_text(item, "generation",
			volumetrics_generations[volumetrics_generation_of(line->provider)]);
		put_text(item, "user", volumetrics_users[line->user]);
		put_text(item, "direction", volumetrics_directions[line->direction]);
		put_text(item, "srv", line->srv);
		put_text(item, "frequency", volumetrics_frequencies[line->frequency]);
		put_text(item, "mode", volumetrics_modes[line->mode]);
		put_text(item, "window",
			line->window == VOLUMETRICS_NO_WINDOW ? "none"
							      : volumetrics_windows[line->window]);
		put(item, "schedules", line->schedules);
		put(item, "reads", line->runs);
		put(item, "additional", line->additional);
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *totals(const struct demand_totals *of)
{
	json_t *object = json_object();

	put(object, "schedules", of->schedules);
	put(object, "reads", of->runs);
	put(object, "existing", of->existing);
	put(object, "additional", of->additional);
	put(object, "response_bytes", of->response_bytes);
	put(object, "command_bytes", of->command_bytes);
	if (of->stated) {
		put(object, "residual", (uint64_t)of->residual);
		put(object, "residual_response_bytes", (uint64_t)of->residual_bytes);
		put(object, "residual_all_bytes", (uint64_t)of->residual_bytes_two);
	}
	put(object, "retries", of->retries);
	put(object, "failed", of->failed);
	put(object, "on_demand_retries", of->on_demand_retries);
	put(object, "on_demand_other", of->on_demand_other);
	return object;
}

static json_t *readings(const struct volumetrics_report *report)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < report->reading_count; i++) {
		json_t *reading = totals(&report->readings[i]);

		put(reading, "off_peak_need_most_milli_tps", report->reading_most_milli[i]);
		put_basis(reading, &report->demand->model.readings[i].basis);
		json_object_set_new(object, report->demand->model.readings[i].name, reading);
	}
	return object;
}

static json_t *window(const struct demand_window *of)
{
	json_t *object = json_object();
	json_t *caps = json_array();

	put(object, "from_s", of->from_s);
	put(object, "to_s", of->to_s);
	put(object, "volume", of->volume);
	put(object, "retries", of->retries);
	put(object, "need_milli_tps", of->need_milli);
	put(object, "share_of_off_peak_total_milli_percent", of->share_milli_percent);
	for (uint32_t i = 0; i < of->slot_count; i++)
		json_array_append_new(caps, json_integer(of->cap_tps[i]));
	json_object_set_new(object, "cap_tps", caps);
	json_object_set_new(object, "finish_s",
		of->finish_s == DEMAND_NEVER ? json_null() : json_integer(of->finish_s));
	put(object, "left", of->left);
	return object;
}

static json_t *windows(const struct demand_day *day)
{
	json_t *object = json_object();

	for (unsigned kind = 0; kind < VOLUMETRICS_WINDOWS; kind++) {
		json_t *gates = json_object();

		for (unsigned gate = 0; gate < VOLUMETRICS_GATES; gate++)
			json_object_set_new(gates, volumetrics_providers[gate],
				window(&day->windows[gate][kind]));
		json_object_set_new(gates, "total", window(&day->total[kind]));
		put(gates, "need_most_milli_tps", day->need_most_milli[kind]);
		put(gates, "need_most_s", day->need_most_s[kind]);
		json_object_set_new(object, volumetrics_windows[kind], gates);
	}
	return object;
}

static json_t *channels(const struct demand_channels *of)
{
	json_t *object = json_object();

	put(object, "hubs_all", of->hubs_all);
	put(object, "hubs", of->hubs);
	put(object, "kits_least", of->kits_least);
	put(object, "kit_reads", of->kit_reads);
	put(object, "kit_hourly_milli_reads", of->kit_hourly_milli);
	put(object, "usable_milli_channels", of->usable_milli);
	put(object, "channel_least_hourly_milli_reads", of->channel_least_milli);
	put(object, "channel_below_hourly_milli_reads", of->channel_below_milli);
	put(object, "kit_hubs_full", of->kit_hubs_full);
	put(object, "channels_total", of->channels_total);
	if (of->channels_needed > 0) {
		put(object, "channels_needed", of->channels_needed);
		put(object, "channels_headroom", (uint64_t)of->channels_headroom);
		put(object, "loading_milli_percent", of->loading_milli_percent);
	}
	return object;
}

int volumetrics_print_json(const struct volumetrics_report *report, FILE *out)
{
	json_t *object = json_object();
	int result;

	put(object, "meters_in_all", report->demand->meters);
	json_object_set_new(object, "inputs", inputs(&report->demand->model));
	json_object_set_new(object, "read_kinds", reads(&report->demand->model));
	json_object_set_new(object, "meters", meters(report->demand));
	json_object_set_new(object, "reads", lines(report));
	json_object_set_new(object, "totals", totals(&report->totals));
	json_object_set_new(object, "readings", readings(report));
	json_object_set_new(object, "windows", windows(&report->day));
	json_object_set_new(object, "csp_north_channels", channels(&report->channels));
	result = json_dumpf(object, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER) == 0 ? 0 : -EIO;
	fputc('\n', out);
	json_decref(object);
	return result;
}
