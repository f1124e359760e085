/* SPDX-License-Identifier: Apache-2.0 */
#include "control/windows_conf.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/reference_files.h"
#include "control/window_read.h"
#include "control/window_time.h"
#include "control/yaml.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct file_row {
	char zone[TIME_ZONE_NAME_SIZE];
	const struct yaml_node *totals;
	const struct yaml_node *classes;
	const struct yaml_node *providers;
	const struct yaml_node *series;
};

struct gate_row {
	char provider[MW_NAME_SIZE];
	const struct yaml_node *before;
	const struct yaml_node *windows;
};

static void keep_list(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	if (yaml_expect(document, node, YAML_SEQUENCE))
		*(const struct yaml_node **)target = node;
}

static void keep_mapping(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	if (yaml_expect(document, node, YAML_MAPPING))
		*(const struct yaml_node **)target = node;
}

#define FILE_AT(member) offsetof(struct file_row, member)
#define GATE_AT(member) offsetof(struct gate_row, member)

static const struct yaml_field file_fields[] = {
	{.name = "zone",
		.type = YAML_TEXT,
		.offset = FILE_AT(zone),
		.min = 1,
		.max = TIME_ZONE_NAME_SIZE - 1,
		.fallback = "UTC"},
	{.name = "totals", .type = YAML_CUSTOM, .offset = FILE_AT(totals), .read = keep_mapping},
	{.name = "classes", .type = YAML_CUSTOM, .offset = FILE_AT(classes), .read = keep_mapping},
	{.name = "providers",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = FILE_AT(providers),
		.read = keep_list},
	{.name = "series", .type = YAML_CUSTOM, .offset = FILE_AT(series), .read = keep_list},
};

static const struct yaml_field total_fields[] = {
	{.name = "peak_tps",
		.type = YAML_U32,
		.offset = MW_WINDOW_PEAK * sizeof(uint32_t),
		.min = 1,
		.max = MW_WINDOW_CAP_TPS_MAX,
		.zero_word = "unlimited",
		.fallback = "unlimited"},
	{.name = "off_peak_tps",
		.type = YAML_U32,
		.offset = MW_WINDOW_OFF_PEAK * sizeof(uint32_t),
		.min = 1,
		.max = MW_WINDOW_CAP_TPS_MAX,
		.zero_word = "unlimited",
		.fallback = "614"},
};

/* A provider's windows; a gate in series has "before" as well. */
static const struct yaml_field gate_fields[] = {
	{.name = "provider",
		.type = YAML_TEXT,
		.required = true,
		.offset = GATE_AT(provider),
		.min = 1,
		.max = MW_NAME_SIZE - 1},
	{.name = "windows",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = GATE_AT(windows),
		.read = keep_list},
	{.name = "before",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = GATE_AT(before),
		.read = keep_list},
};

#define PROVIDER_FIELDS (COUNT(gate_fields) - 1) /* without "before" */

static const struct reference_provider *find_provider(
	const struct reference *known, const char *name)
{
	for (size_t i = 0; i < known->provider_count; i++)
		if (strcmp(known->providers[i].name, name) == 0)
			return &known->providers[i];
	return NULL;
}

/* The names that are allowed, for the message. */
static void list_providers(const struct reference *known, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < known->provider_count && used < size; i++)
		if (known->providers[i].kind != MW_PROVIDER_TRANSFORM)
			used += (size_t)snprintf(text + used, size - used, "%s%s",
				used > 0 ? ", " : "", known->providers[i].name);
}

static struct window_gate *find_gate(struct windows_conf *conf, const char *name)
{
	for (uint32_t i = 0; i < conf->gate_count; i++)
		if (strcmp(conf->gates[i].name, name) == 0)
			return &conf->gates[i];
	return NULL;
}

const struct window_gate *windows_conf_gate(const struct windows_conf *conf, const char *name)
{
	return find_gate((struct windows_conf *)conf, name);
}

/* Read what both lists have. Returns the new gate, or NULL when nothing can be said of it. */
static struct window_gate *read_gate(struct yaml_document *document, const struct yaml_node *item,
	const struct reference *known, struct windows_conf *conf, struct gate_row *row)
{
	char allowed[1024];
	const struct yaml_node *name = yaml_child(item, "provider");
	const struct reference_provider *provider = find_provider(known, row->provider);

	if (provider == NULL || provider->kind == MW_PROVIDER_TRANSFORM) {
		list_providers(known, allowed, sizeof(allowed));
		yaml_error(document, name, "\"%s\" %s; allowed is one of: %s", row->provider,
			provider == NULL ? "is no provider"
					 : "answers at once, so it has no windows",
			allowed);
		return NULL;
	}
	if (find_gate(conf, row->provider) != NULL) {
		yaml_error(
			document, name, "\"%s\" stands in the file a second time", row->provider);
		return NULL;
	}
	struct window_gate *gate = &conf->gates[conf->gate_count++];
	memcpy(gate->name, row->provider, sizeof(gate->name));
	gate->gate = (uint8_t)provider->id;
	gate->series = gate->gate;
	window_read_list(document, row->windows, gate);
	return gate;
}

static void read_providers(struct yaml_document *document, const struct yaml_node *list,
	const struct reference *known, struct windows_conf *conf)
{
	if (list->count > MW_GATE_PROVIDERS) {
		yaml_error(document, list, "at most %d providers are allowed", MW_GATE_PROVIDERS);
		return;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct gate_row row = {0};

		if (yaml_read_fields(document, item, gate_fields, PROVIDER_FIELDS, &row))
			read_gate(document, item, known, conf, &row);
	}
}

/* Put the gate before the providers that the list names. */
static void read_before(struct yaml_document *document, const struct yaml_node *list,
	const struct window_gate *series, struct windows_conf *conf)
{
	if (list->count == 0)
		yaml_error(document, list, "a gate in series stands before one provider at least");
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		if (!yaml_expect(document, item, YAML_SCALAR))
			continue;
		struct window_gate *gate = find_gate(conf, item->text);
		if (gate == NULL || gate->gate >= MW_GATE_SERIES)
			yaml_error(document, item,
				"\"%.64s\" has no windows here; allowed are names under "
				"\"providers\"",
				item->text);
		else if (gate->series != gate->gate)
			yaml_error(document, item,
				"\"%.64s\" has a gate in series before it already; one is allowed",
				item->text);
		else
			gate->series = series->gate;
	}
}

static void read_series(struct yaml_document *document, const struct yaml_node *list,
	const struct reference *known, struct windows_conf *conf)
{
	uint8_t number = MW_GATE_SERIES;

	if (list->count > MW_GATE_COUNT - MW_GATE_SERIES) {
		yaml_error(document, list, "at most %d gates in series are allowed",
			MW_GATE_COUNT - MW_GATE_SERIES);
		return;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct gate_row row = {0};

		if (!yaml_read_fields(document, item, gate_fields, COUNT(gate_fields), &row))
			continue;
		struct window_gate *gate = read_gate(document, item, known, conf, &row);
		if (gate == NULL)
			continue;
		gate->gate = number++;
		gate->series = gate->gate;
		read_before(document, row.before, gate, conf);
	}
}

static void open_zone(struct yaml_document *document, const char *name, struct windows_conf *conf)
{
	char reason[256];

	memcpy(conf->zone_name, name, sizeof(conf->zone_name));
	conf->zone = time_zone_open(NULL, name, reason, sizeof(reason));
	if (conf->zone == NULL)
		yaml_error(document, yaml_child(yaml_root(document), "zone"),
			"\"%s\" is no time zone that can be used (%s); allowed is UTC or a name "
			"of the time-zone database, such as Europe/London",
			name, reason);
}

static void read_file(
	struct yaml_document *document, const struct reference *known, struct windows_conf *conf)
{
	const struct yaml_node *root = yaml_root(document);
	struct file_row row = {0};

	for (size_t i = 0; i < COUNT(total_fields); i++)
		yaml_set_fallback(&total_fields[i], conf->total_cap_tps);
	if (root == NULL) {
		yaml_error(document, NULL, "the file is empty; the key \"providers\" is required");
		return;
	}
	if (!yaml_read_fields(document, root, file_fields, COUNT(file_fields), &row) &&
		(root->kind != YAML_MAPPING || row.providers == NULL))
		return;
	if (row.zone[0] != '\0')
		open_zone(document, row.zone, conf);
	if (row.totals != NULL)
		yaml_read_fields(document, row.totals, total_fields, COUNT(total_fields),
			conf->total_cap_tps);
	window_read_classes(document, row.classes, known, conf);
	read_providers(document, row.providers, known, conf);
	if (row.series != NULL)
		read_series(document, row.series, known, conf);
}

int windows_conf_read(
	const char *path, const struct reference *known, FILE *errors, struct windows_conf **conf)
{
	struct yaml_document *document;

	*conf = NULL;
	int result = yaml_read(path, errors, &document);
	if (result != 0)
		return result;
	struct windows_conf *made = calloc(1, sizeof(*made));
	if (made == NULL) {
		yaml_free(document);
		return -ENOMEM;
	}
	read_file(document, known, made);
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	if (result != 0) {
		windows_conf_free(made);
		return result;
	}
	*conf = made;
	return 0;
}

void windows_conf_free(struct windows_conf *conf)
{
	if (conf == NULL)
		return;
	time_zone_close(conf->zone);
	free(conf);
}

struct windows_conf *windows_conf_copy(const struct windows_conf *conf)
{
	char reason[256];
	struct windows_conf *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return NULL;
	*copy = *conf;
	copy->zone = time_zone_open(NULL, conf->zone_name, reason, sizeof(reason));
	if (copy->zone != NULL)
		return copy;
	free(copy);
	return NULL;
}

/* ---- writing */

static void write_quoted(FILE *file, const char *text)
{
	fputc('"', file);
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '"' || *at == '\\')
			fputc('\\', file);
		fputc(*at, file);
	}
	fputc('"', file);
}

void window_write_text(FILE *file, const char *key, const char *text)
{
	if (text[0] == '\0')
		return;
	fprintf(file, ", %s: ", key);
	write_quoted(file, text);
}

const char *window_time_of(
	const struct window_conf *window, int32_t time_s, bool end, char text[WINDOW_TIME_SIZE])
{
	int32_t of_day_s = (window->from_s + time_s) % WINDOW_DAY_S;

	if (end && of_day_s == 0)
		of_day_s = WINDOW_DAY_S;
	window_time_format(of_day_s, text);
	return text;
}

static void write_slots(FILE *file, const struct window_conf *window)
{
	char from[WINDOW_TIME_SIZE];
	char to[WINDOW_TIME_SIZE];

	if (window->slot_count == 1) {
		fprintf(file, ", cap_tps: %u", window->slots[0].cap_tps);
		return;
	}
	fputs(", slots: [", file);
	for (uint32_t i = 0; i < window->slot_count; i++) {
		const struct window_slot *slot = &window->slots[i];

		fprintf(file, "%s{from: \"%s\", to: \"%s\", cap_tps: %u}", i > 0 ? ", " : "",
			window_time_of(window, slot->from_s, false, from),
			window_time_of(window, slot->to_s, true, to), slot->cap_tps);
	}
	fputc(']', file);
}

static void write_window(FILE *file, const struct window_conf *window)
{
	char from[WINDOW_TIME_SIZE];
	char to[WINDOW_TIME_SIZE];
	char gap[WINDOW_TIME_SIZE] = "next";

	if (window->gap == WINDOW_GAP_NONE)
		strcpy(gap, "none");
	else if (window->gap == WINDOW_GAP_UNTIL)
		window_time_of(window, window->length_s + window->gap_s, true, gap);
	fprintf(file, "      - {name: \"%s\", kind: %s, from: \"%s\", to: \"%s\"", window->name,
		window_kind_names[window->kind], window_time_of(window, 0, false, from),
		window_time_of(window, window->length_s, true, to));
	if (window->from_s + window->length_s > WINDOW_DAY_S)
		fputs(", next_day: yes", file);
	write_slots(file, window);
	fprintf(file, ", pace: %s, gap: \"%s\", on_demand_counts: %s, basis: %s",
		window_pace_names[window->pace], gap, window->on_demand_counts ? "yes" : "no",
		reference_basis_names[window->assumed ? 1 : 0]);
	window_write_text(file, "note", window->note);
	fputs("}\n", file);
}

static void write_gate(FILE *file, const struct windows_conf *conf, const struct window_gate *gate)
{
	const char *between = "";

	fputs("  - provider: ", file);
	write_quoted(file, gate->name);
	fputc('\n', file);
	if (gate->gate >= MW_GATE_SERIES) {
		fputs("    before: [", file);
		for (uint32_t i = 0; i < conf->gate_count; i++) {
			if (conf->gates[i].gate == gate->gate ||
				conf->gates[i].series != gate->gate)
				continue;
			fputs(between, file);
			write_quoted(file, conf->gates[i].name);
			between = ", ";
		}
		fputs("]\n", file);
	}
	fputs("    windows:\n", file);
	for (uint32_t i = 0; i < gate->window_count; i++)
		write_window(file, &gate->windows[i]);
}

int windows_conf_write(const struct windows_conf *conf, FILE *file)
{
	static const char *const keys[] = {"peak_tps", "off_peak_tps"};
	bool series = false;

	fprintf(file, "zone: %s\ntotals:\n", conf->zone_name);
	for (int kind = 0; kind < MW_WINDOW_KIND_COUNT; kind++) {
		if (conf->total_cap_tps[kind] == 0)
			fprintf(file, "  %s: unlimited\n", keys[kind]);
		else
			fprintf(file, "  %s: %u\n", keys[kind], conf->total_cap_tps[kind]);
	}
	fprintf(file, "classes:\n  preset: %s\n", window_preset_names[conf->preset]);
	if (conf->row_count > 0)
		fputs("  rows:\n", file);
	for (uint32_t i = 0; i < conf->row_count; i++) {
		fputs("    - ", file);
		window_write_class_row(file, &conf->rows[i]);
		fputc('\n', file);
	}
	fputs(conf->gate_count > 0 ? "providers:\n" : "providers: []\n", file);
	for (uint32_t i = 0; i < conf->gate_count; i++) {
		if (conf->gates[i].gate >= MW_GATE_SERIES && !series) {
			fputs("series:\n", file);
			series = true;
		}
		write_gate(file, conf, &conf->gates[i]);
	}
	return ferror(file) || fflush(file) != 0 ? -EIO : 0;
}
