/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes where: the rows of the file first, then those of the preset; the first that fits
 * decides. A preset is nothing but rows, too. */
#include <stddef.h>
#include <string.h>

#include "control/reference_files.h"
#include "control/window_read.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY_S 86400

const char *const window_class_names[] = {"peak", "off-peak", "any", "now", NULL};
const char *const window_preset_names[] = {"fia-4.3", "fia-3.5", NULL};
const char *const window_lane_names[] = {"by-mode", "on-demand", "scheduled", NULL};
/* Without on-demand-short, which no row can name. */
const char *const window_mode_names[] = {"scheduled", "future-dated", "on-demand-24h", NULL};

_Static_assert(COUNT(window_class_names) - 1 == WINDOW_CLASS_COUNT, "one word for each");
_Static_assert(COUNT(window_preset_names) - 1 == WINDOW_PRESET_COUNT, "one word for each");
_Static_assert(COUNT(window_lane_names) - 1 == WINDOW_LANE_CHOICES, "one word for each");
_Static_assert(COUNT(window_mode_names) - 1 == WINDOW_ON_DEMAND_SHORT, "one word for each");

/* ---- presets */

#define SCHEDULED (1u << WINDOW_SCHEDULED)
#define HELD (1u << WINDOW_FUTURE_DATED | 1u << WINDOW_ON_DEMAND_DAY)
#define EXPORT (1u << MW_DIRECTION_EXPORT)
#define SUPPLIERS (MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_GS)

/* FIA Table 2: what half-hourly settlement needs of devices. */
#define SETTLEMENT_READS                                                                           \
	.srv_count = 7, .srvs = {"4.1.1", "4.2", "4.6.1", "4.6.2", "4.8.1", "4.8.3", "4.17"}

/* FIA 4.3 speaks of the scheduled reads of suppliers and MDRs. Assumed: gas suppliers' go with
 * those of import suppliers, in the overnight collection of FIA 5.1.3; an MDR's other requests that
 * may wait go where his schedules go, as all of his is the additional demand that is to be off
 * peak; of all others it is not said, so they go in whichever window comes first. */
static const struct window_class_row fia_4_3[] = {
	{.roles = MW_ROLE_MDR, .class = WINDOW_CLASS_OFF_PEAK},
	{.roles = MW_ROLE_ES, .modes = SCHEDULED, .class = WINDOW_CLASS_OFF_PEAK},
	{.roles = SUPPLIERS,
		.modes = SCHEDULED,
		.directions = EXPORT,
		.class = WINDOW_CLASS_OFF_PEAK},
	{.roles = SUPPLIERS, .modes = SCHEDULED, .class = WINDOW_CLASS_PEAK},
};

/* FIA 3.5: what suppliers and MDRs send for settlement is for off-peak hours; the rest as above. */
static const struct window_class_row fia_3_5[] = {
	{.roles = MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_MDR,
		SETTLEMENT_READS,
		.modes = SCHEDULED | HELD,
		.class = WINDOW_CLASS_OFF_PEAK},
};

static const struct preset {
	const struct window_class_row *rows;
	size_t count;
} presets[WINDOW_PRESET_COUNT][2] = {
	[WINDOW_PRESET_FIA_4_3] = {{fia_4_3, COUNT(fia_4_3)}},
	[WINDOW_PRESET_FIA_3_5] = {{fia_3_5, COUNT(fia_3_5)}, {fia_4_3, COUNT(fia_4_3)}},
};

/* ---- the decision */

struct request {
	uint32_t role;
	const char *srv;
	enum mw_direction direction;
	enum window_mode mode;
};

static bool fits(const struct window_class_row *row, const struct request *request)
{
	if ((row->roles != 0 && (row->roles & request->role) == 0) ||
		(row->modes != 0 && (row->modes & 1u << request->mode) == 0) ||
		(row->directions != 0 && (row->directions & 1u << request->direction) == 0))
		return false;
	for (uint32_t i = 0; i < row->srv_count; i++)
		if (strcmp(row->srvs[i], request->srv) == 0)
			return true;
	return row->srv_count == 0;
}

static const struct window_class_row *find_among(
	const struct window_class_row *rows, size_t count, const struct request *request)
{
	for (size_t i = 0; i < count; i++)
		if (fits(&rows[i], request))
			return &rows[i];
	return NULL;
}

static const struct window_class_row *find(
	const struct windows_conf *conf, const struct request *request)
{
	static const struct window_class_row otherwise = {.class = WINDOW_CLASS_ANY};
	const struct preset *preset = presets[conf->preset];
	const struct window_class_row *row = find_among(conf->rows, conf->row_count, request);

	for (size_t i = 0; row == NULL && i < COUNT(presets[0]); i++)
		row = find_among(preset[i].rows, preset[i].count, request);
	return row != NULL ? row : &otherwise;
}

enum window_mode window_mode_of(enum mw_mode mode, uint32_t trt_s)
{
	if (mode == MW_MODE_SCHEDULED)
		return WINDOW_SCHEDULED;
	if (mode == MW_MODE_FUTURE_DATED_DSP)
		return WINDOW_FUTURE_DATED;
	if (mode != MW_MODE_DCC_ONLY && trt_s >= DAY_S)
		return WINDOW_ON_DEMAND_DAY;
	return WINDOW_ON_DEMAND_SHORT;
}

enum window_class windows_class(const struct windows_conf *conf, uint32_t role, const char *srv,
	enum mw_direction direction, enum window_mode mode)
{
	const struct request request = {role, srv, direction, mode};

	return mode == WINDOW_ON_DEMAND_SHORT ? WINDOW_CLASS_NOW : find(conf, &request)->class;
}

enum mw_lane windows_lane(const struct windows_conf *conf, uint32_t role, const char *srv,
	enum mw_direction direction, enum window_mode mode)
{
	const struct request request = {role, srv, direction, mode};

	if (mode == WINDOW_ON_DEMAND_SHORT)
		return MW_LANE_ON_DEMAND;
	switch (find(conf, &request)->lane) {
	case WINDOW_LANE_ON_DEMAND:
		return MW_LANE_ON_DEMAND;
	case WINDOW_LANE_SCHEDULED:
		return MW_LANE_SCHEDULED;
	default:
		return mode == WINDOW_SCHEDULED ? MW_LANE_SCHEDULED : MW_LANE_ON_DEMAND;
	}
}

/* ---- the file */

struct class_row {
	uint32_t roles;
	uint32_t modes;
	uint32_t directions;
	const struct yaml_node *srvs;
	int class;
	int lane;
	char note[WINDOW_NOTE_SIZE];
};

static void keep_list(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	if (yaml_expect(document, node, YAML_SEQUENCE))
		*(const struct yaml_node **)target = node;
}

#define AT(member) offsetof(struct class_row, member)

static const struct yaml_field row_fields[] = {
	{.name = "roles", .type = YAML_SET, .offset = AT(roles), .choices = reference_role_names},
	{.name = "modes", .type = YAML_SET, .offset = AT(modes), .choices = window_mode_names},
	{.name = "directions",
		.type = YAML_SET,
		.offset = AT(directions),
		.choices = reference_direction_names},
	{.name = "srvs", .type = YAML_CUSTOM, .offset = AT(srvs), .read = keep_list},
	{.name = "class",
		.type = YAML_CHOICE,
		.required = true,
		.offset = AT(class),
		.choices = window_class_names},
	{.name = "lane",
		.type = YAML_CHOICE,
		.offset = AT(lane),
		.choices = window_lane_names,
		.fallback = "by-mode"},
	{.name = "note",
		.type = YAML_TEXT,
		.offset = AT(note),
		.max = WINDOW_NOTE_SIZE - 1,
		.fallback = ""},
};

struct classes_row {
	int preset;
	const struct yaml_node *rows;
};

static const struct yaml_field classes_fields[] = {
	{.name = "preset",
		.type = YAML_CHOICE,
		.offset = offsetof(struct classes_row, preset),
		.choices = window_preset_names,
		.fallback = "fia-4.3"},
	{.name = "rows",
		.type = YAML_CUSTOM,
		.offset = offsetof(struct classes_row, rows),
		.read = keep_list},
};

static void read_srvs(struct yaml_document *document, const struct yaml_node *list,
	const struct reference *known, struct window_class_row *row)
{
	if (list->count == 0 || list->count > WINDOW_CLASS_SRVS_MAX) {
		yaml_error(document, list, "1 to %d SRVs are allowed here", WINDOW_CLASS_SRVS_MAX);
		return;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		if (!yaml_expect(document, item, YAML_SCALAR))
			continue;
		if (item->length >= MW_SRV_SIZE || reference_rule(known, item->text) == NULL)
			yaml_error(document, item, "\"%.32s\" is not an SRV of the access matrix",
				item->text);
		else
			memcpy(row->srvs[row->srv_count++], item->text, item->length + 1);
	}
}

static void read_row(struct yaml_document *document, const struct yaml_node *item,
	const struct reference *known, struct window_class_row *row)
{
	static const char *const sets[] = {"roles", "modes", "directions"};
	struct class_row read = {0};

	if (!yaml_read_fields(document, item, row_fields, COUNT(row_fields), &read))
		return;
	for (size_t i = 0; i < COUNT(sets); i++) {
		const struct yaml_node *set = yaml_child(item, sets[i]);

		if (set != NULL && set->count == 0)
			yaml_error(document, set,
				"\"%s\" is empty, so the row fits nothing; left out, it fits all",
				sets[i]);
	}
	*row = (struct window_class_row){
		.roles = read.roles,
		.modes = read.modes,
		.directions = read.directions,
		.class = (enum window_class)read.class,
		.lane = (enum window_lane)read.lane,
	};
	memcpy(row->note, read.note, sizeof(row->note));
	if (read.srvs != NULL)
		read_srvs(document, read.srvs, known, row);
}

void window_read_classes(struct yaml_document *document, const struct yaml_node *node,
	const struct reference *known, struct windows_conf *conf)
{
	struct classes_row read = {0};

	if (node == NULL)
		return;
	if (!yaml_read_fields(document, node, classes_fields, COUNT(classes_fields), &read))
		return;
	conf->preset = (enum window_preset)read.preset;
	if (read.rows == NULL)
		return;
	if (read.rows->count > WINDOW_CLASS_ROWS_MAX) {
		yaml_error(
			document, read.rows, "at most %d rows are allowed", WINDOW_CLASS_ROWS_MAX);
		return;
	}
	for (const struct yaml_node *item = read.rows->first; item != NULL; item = item->next)
		read_row(document, item, known, &conf->rows[conf->row_count++]);
}

static void write_set(FILE *file, const char *key, uint32_t set, const char *const *words)
{
	const char *between = "";

	if (set == 0)
		return;
	fprintf(file, ", %s: [", key);
	for (uint32_t i = 0; words[i] != NULL; i++) {
		if ((set & 1u << i) == 0)
			continue;
		fprintf(file, "%s%s", between, words[i]);
		between = ", ";
	}
	fputc(']', file);
}

void window_write_class_row(FILE *file, const struct window_class_row *row)
{
	fprintf(file, "{class: %s, lane: %s", window_class_names[row->class],
		window_lane_names[row->lane]);
	write_set(file, "roles", row->roles, reference_role_names);
	write_set(file, "modes", row->modes, window_mode_names);
	write_set(file, "directions", row->directions, reference_direction_names);
	if (row->srv_count > 0)
		fputs(", srvs: [", file);
	for (uint32_t i = 0; i < row->srv_count; i++)
		fprintf(file, "%s\"%s\"", i > 0 ? ", " : "", row->srvs[i]);
	if (row->srv_count > 0)
		fputc(']', file);
	window_write_text(file, "note", row->note);
	fputc('}', file);
}
