/* SPDX-License-Identifier: Apache-2.0 */
/* Differences are found by what the file says: each value is written as it would stand there, and
 * texts are compared. */
#include <stdlib.h>
#include <string.h>

#include "control/reference_files.h"
#include "control/window_read.h"
#include "control/windows_change.h"

struct comparison {
	struct windows_difference *differences;
	size_t size;
	size_t count;
	const char *provider;
	const char *window;
};

static void compare_values(
	struct comparison *comparison, const char *what, const char *old, const char *new)
{
	if (strcmp(old, new) == 0)
		return;
	if (comparison->count++ >= comparison->size)
		return;
	struct windows_difference *one = &comparison->differences[comparison->count - 1];
	snprintf(one->provider, sizeof(one->provider), "%s", comparison->provider);
	snprintf(one->window, sizeof(one->window), "%s", comparison->window);
	snprintf(one->what, sizeof(one->what), "%s", what);
	snprintf(one->old, sizeof(one->old), "%s", old);
	snprintf(one->new, sizeof(one->new), "%s", new);
}

/* ---- one window */

/* The values of a window, in the order in which they are told. */
enum value {
	VALUE_KIND,
	VALUE_FROM,
	VALUE_TO,
	VALUE_RATE, /* cap_tps or slots */
	VALUE_PACE,
	VALUE_GAP,
	VALUE_ON_DEMAND,
	VALUE_BASIS,
	VALUE_NOTE,
	VALUE_COUNT,
};

static const char *const value_names[VALUE_COUNT] = {
	"kind",
	"from",
	"to",
	"cap_tps",
	"pace",
	"gap",
	"on_demand_counts",
	"basis",
	"note",
};

static void write_rate(const struct window_conf *window, char text[WINDOWS_VALUE_SIZE])
{
	char from[WINDOW_TIME_SIZE];
	char to[WINDOW_TIME_SIZE];
	size_t used = 0;

	if (window->slot_count == 1) {
		snprintf(text, WINDOWS_VALUE_SIZE, "%u", window->slots[0].cap_tps);
		return;
	}
	for (uint32_t i = 0; i < window->slot_count && used < WINDOWS_VALUE_SIZE; i++)
		used += (size_t)snprintf(text + used, WINDOWS_VALUE_SIZE - used, "%s%s-%s %u",
			i > 0 ? ", " : "",
			window_time_of(window, window->slots[i].from_s, false, from),
			window_time_of(window, window->slots[i].to_s, true, to),
			window->slots[i].cap_tps);
}

static void write_value(
	const struct window_conf *window, enum value value, char text[WINDOWS_VALUE_SIZE])
{
	const char *word = "";

	text[0] = '\0';
	switch (value) {
	case VALUE_KIND:
		word = window_kind_names[window->kind];
		break;
	case VALUE_FROM:
		window_time_of(window, 0, false, text);
		return;
	case VALUE_TO:
		window_time_of(window, window->length_s, true, text);
		return;
	case VALUE_RATE:
		write_rate(window, text);
		return;
	case VALUE_PACE:
		word = window_pace_names[window->pace];
		break;
	case VALUE_GAP:
		if (window->gap == WINDOW_GAP_UNTIL) {
			window_time_of(window, window->length_s + window->gap_s, true, text);
			return;
		}
		word = window->gap == WINDOW_GAP_NEXT ? "next" : "none";
		break;
	case VALUE_ON_DEMAND:
		word = window->on_demand_counts ? "yes" : "no";
		break;
	case VALUE_BASIS:
		word = reference_basis_names[window->assumed ? 1 : 0];
		break;
	default:
		word = window->note;
		break;
	}
	snprintf(text, WINDOWS_VALUE_SIZE, "%s", word);
}

static void compare_windows(
	struct comparison *comparison, const struct window_conf *old, const struct window_conf *new)
{
	char before[WINDOWS_VALUE_SIZE];
	char after[WINDOWS_VALUE_SIZE];

	for (int i = 0; i < VALUE_COUNT; i++) {
		bool slots = i == VALUE_RATE && (old->slot_count > 1 || new->slot_count > 1);

		write_value(old, (enum value)i, before);
		write_value(new, (enum value)i, after);
		compare_values(comparison, slots ? "slots" : value_names[i], before, after);
	}
}

/* ---- one provider */

static const struct window_conf *find_window(const struct window_gate *gate, const char *name)
{
	for (uint32_t i = 0; i < gate->window_count; i++)
		if (strcmp(gate->windows[i].name, name) == 0)
			return &gate->windows[i];
	return NULL;
}

/* A window that is new, or is gone, in a few words. */
static void write_summary(const struct window_conf *window, char text[WINDOWS_VALUE_SIZE])
{
	char from[WINDOW_TIME_SIZE];
	char to[WINDOW_TIME_SIZE];
	char rate[WINDOWS_VALUE_SIZE];

	write_rate(window, rate);
	snprintf(text, WINDOWS_VALUE_SIZE, "%s %s-%s %.900s", window_kind_names[window->kind],
		window_time_of(window, 0, false, from),
		window_time_of(window, window->length_s, true, to), rate);
}

/* The name of the gate in series before `gate`; "": none. */
static const char *series_name(const struct windows_conf *conf, const struct window_gate *gate)
{
	for (uint32_t i = 0; i < conf->gate_count; i++)
		if (gate->series != gate->gate && conf->gates[i].gate == gate->series)
			return conf->gates[i].name;
	return "";
}

/* Whether it is a provider's or one in series. */
static const char *place_name(const struct window_gate *gate)
{
	return gate->gate >= MW_GATE_SERIES ? "series" : "providers";
}

static void compare_gates(
	struct comparison *comparison, const struct window_gate *old, const struct window_gate *new)
{
	char summary[WINDOWS_VALUE_SIZE];

	compare_values(comparison, "list", place_name(old), place_name(new));
	for (uint32_t i = 0; i < new->window_count; i++) {
		const struct window_conf *before = find_window(old, new->windows[i].name);

		comparison->window = new->windows[i].name;
		if (before != NULL) {
			compare_windows(comparison, before, &new->windows[i]);
		} else {
			write_summary(&new->windows[i], summary);
			compare_values(comparison, "window", "", summary);
		}
	}
	for (uint32_t i = 0; i < old->window_count; i++) {
		if (find_window(new, old->windows[i].name) != NULL)
			continue;
		comparison->window = old->windows[i].name;
		write_summary(&old->windows[i], summary);
		compare_values(comparison, "window", summary, "");
	}
	comparison->window = "";
}

static void write_count(const struct window_gate *gate, char text[WINDOWS_VALUE_SIZE])
{
	snprintf(text, WINDOWS_VALUE_SIZE, "%u windows", gate->window_count);
}

/* ---- all */

static void write_total(uint32_t cap_tps, char text[WINDOWS_VALUE_SIZE])
{
	if (cap_tps == 0)
		snprintf(text, WINDOWS_VALUE_SIZE, "unlimited");
	else
		snprintf(text, WINDOWS_VALUE_SIZE, "%u", cap_tps);
}

/* Row `index` as it stands in the file; "" when there are not so many. */
static void write_row(
	const struct windows_conf *conf, uint32_t index, char text[WINDOWS_VALUE_SIZE])
{
	text[0] = '\0';
	if (index >= conf->row_count)
		return;
	FILE *file = fmemopen(text, WINDOWS_VALUE_SIZE, "w");
	if (file == NULL)
		return;
	window_write_class_row(file, &conf->rows[index]);
	fclose(file);
	text[WINDOWS_VALUE_SIZE - 1] = '\0';
}

static void compare_general(struct comparison *comparison, const struct windows_conf *old,
	const struct windows_conf *new)
{
	static const char *const totals[] = {"peak_tps", "off_peak_tps"};
	char before[WINDOWS_VALUE_SIZE];
	char after[WINDOWS_VALUE_SIZE];
	char what[24];

	compare_values(comparison, "zone", old->zone_name, new->zone_name);
	for (int kind = 0; kind < MW_WINDOW_KIND_COUNT; kind++) {
		write_total(old->total_cap_tps[kind], before);
		write_total(new->total_cap_tps[kind], after);
		compare_values(comparison, totals[kind], before, after);
	}
	compare_values(comparison, "preset", window_preset_names[old->preset],
		window_preset_names[new->preset]);
	for (uint32_t i = 0; i < old->row_count || i < new->row_count; i++) {
		write_row(old, i, before);
		write_row(new, i, after);
		snprintf(what, sizeof(what), "row %u", i + 1);
		compare_values(comparison, what, before, after);
	}
}

size_t windows_compare(const struct windows_conf *old, const struct windows_conf *new,
	struct windows_difference *differences, size_t size)
{
	struct comparison comparison = {differences, size, 0, "", ""};
	char count[WINDOWS_VALUE_SIZE];

	compare_general(&comparison, old, new);
	for (uint32_t i = 0; i < new->gate_count; i++) {
		const struct window_gate *gate = &new->gates[i];
		const struct window_gate *before = windows_conf_gate(old, gate->name);

		comparison.provider = gate->name;
		if (before != NULL) {
			compare_values(&comparison, "series", series_name(old, before),
				series_name(new, gate));
			compare_gates(&comparison, before, gate);
		} else {
			write_count(gate, count);
			compare_values(&comparison, "provider", "", count);
		}
	}
	for (uint32_t i = 0; i < old->gate_count; i++) {
		if (windows_conf_gate(new, old->gates[i].name) != NULL)
			continue;
		comparison.provider = old->gates[i].name;
		write_count(&old->gates[i], count);
		compare_values(&comparison, "provider", count, "");
	}
	return comparison.count;
}
