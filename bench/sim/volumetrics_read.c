/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of the volumetric model. Every number in it says where it is from: "source", or
 * "assumed" and why; one without is refused.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/volumetrics.h"
#include "bench/sim/volumetrics_read.h"
#include "control/yaml.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES_MAX 65536
#define WEIGHT_MAX 1000
#define TIME_ALLOWED "\"00:00\" to \"24:00\" in quotes, hours and minutes"

/* Everything that is read, and what only reading needs. */
struct reading_row {
	char name[VOLUMETRICS_NAME_SIZE];
	char source[VOLUMETRICS_TEXT_SIZE];
	char assumed[VOLUMETRICS_TEXT_SIZE];
	const struct yaml_node *set;
};

#define BASIS_FIELDS(row)                                                                          \
	{.name = "source",                                                                         \
		.type = YAML_TEXT,                                                                 \
		.offset = offsetof(struct row, source),                                            \
		.min = 1,                                                                          \
		.max = VOLUMETRICS_TEXT_SIZE - 1},                                                 \
	{                                                                                          \
		.name = "assumed", .type = YAML_TEXT, .offset = offsetof(struct row, assumed),     \
		.min = 1, .max = VOLUMETRICS_TEXT_SIZE - 1                                         \
	}

static void keep_node(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	(void)document;
	*(const struct yaml_node **)target = node;
}

/* Exactly one of the two texts. */
static void take_basis(struct yaml_document *document, const struct yaml_node *node,
	const char *source, const char *assumed, struct volumetrics_basis *basis)
{
	if ((source[0] != '\0') == (assumed[0] != '\0')) {
		yaml_error(document, node,
			"either \"source\" (document, section and sentence) or \"assumed\" (why) "
			"is needed");
		return;
	}
	basis->assumed = assumed[0] != '\0';
	snprintf(basis->text, sizeof(basis->text), "%s", basis->assumed ? assumed : source);
}

/* ---- inputs ---- */

struct number_row {
	const struct yaml_node *value;
	char source[VOLUMETRICS_TEXT_SIZE];
	char assumed[VOLUMETRICS_TEXT_SIZE];
};

static const struct yaml_field number_fields[] = {
	{.name = "value",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct number_row, value),
		.read = keep_node},
	BASIS_FIELDS(number_row),
};

static void read_value(struct yaml_document *document, const struct yaml_node *node,
	const struct volumetrics_row *row, uint64_t *value)
{
	char phrase[128];

	if (!yaml_expect(document, node, YAML_SCALAR))
		return;
	if (volumetrics_parse(row, node->text, value) != 0)
		yaml_error(document, node, "\"%s\" has a value that is not allowed; allowed is %s",
			row->name, volumetrics_allowed(row, phrase, sizeof(phrase)));
}

static void read_number(struct yaml_document *document, const struct yaml_node *node,
	enum volumetrics_input input, struct volumetrics *model)
{
	struct volumetrics_number *number = &model->numbers[input];
	struct number_row row = {0};

	if (!yaml_read_fields(document, node, number_fields, COUNT(number_fields), &row))
		return;
	read_value(document, row.value, volumetrics_row(input), &number->value);
	take_basis(document, node, row.source, row.assumed, &number->basis);
}

static void read_inputs(
	struct yaml_document *document, const struct yaml_node *node, struct volumetrics *model)
{
	struct yaml_field fields[VOLUMETRICS_INPUTS];
	const struct yaml_node *nodes[VOLUMETRICS_INPUTS] = {NULL};

	for (int i = 0; i < VOLUMETRICS_INPUTS; i++)
		fields[i] = (struct yaml_field){.name = volumetrics_row(i)->name,
			.type = YAML_CUSTOM,
			.required = true,
			.offset = (size_t)i * sizeof(nodes[0]),
			.read = keep_node};
	yaml_read_fields(document, node, fields, VOLUMETRICS_INPUTS, nodes);
	for (int i = 0; i < VOLUMETRICS_INPUTS; i++)
		if (nodes[i] != NULL)
			read_number(document, nodes[i], i, model);
}

/* ---- reads ---- */

static const char *const any_generation[] = {"SMETS1", "SMETS2", "any", NULL};
static const char *const any_user[] = {"supplier", "MDR", "both", NULL};
static const char *const srvs[] = {
	"4.1.1", "4.2", "4.6.1", "4.6.2", "4.8.1", "4.8.3", "4.17", NULL};

struct read_row {
	char name[VOLUMETRICS_NAME_SIZE];
	char choice[VOLUMETRICS_NAME_SIZE];
	int srv;
	int direction;
	int generation;
	int granularity;
	int user;
	int frequency;
	int mode;
	const struct yaml_node *percent;
	char source[VOLUMETRICS_TEXT_SIZE];
	char assumed[VOLUMETRICS_TEXT_SIZE];
};

#define AT(member) offsetof(struct read_row, member)
#define NAME_FIELD(word, place)                                                                    \
	{                                                                                          \
		.name = word, .type = YAML_TEXT, .required = true, .offset = place, .min = 1,      \
		.max = VOLUMETRICS_NAME_SIZE - 1                                                   \
	}
#define CHOICE_FIELD(word, place, words)                                                           \
	{                                                                                          \
		.name = word, .type = YAML_CHOICE, .required = true, .offset = place,              \
		.choices = words                                                                   \
	}

static const struct yaml_field read_fields[] = {
	NAME_FIELD("name", AT(name)),
	NAME_FIELD("choice", AT(choice)),
	CHOICE_FIELD("srv", AT(srv), srvs),
	CHOICE_FIELD("direction", AT(direction), volumetrics_directions),
	CHOICE_FIELD("generation", AT(generation), any_generation),
	CHOICE_FIELD("granularity", AT(granularity), volumetrics_granularities),
	CHOICE_FIELD("user", AT(user), any_user),
	CHOICE_FIELD("frequency", AT(frequency), volumetrics_frequencies),
	CHOICE_FIELD("mode", AT(mode), volumetrics_modes),
	{.name = "percent",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = AT(percent),
		.read = keep_node},
	BASIS_FIELDS(read_row),
};

static bool is_one_of(const char *srv, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, srv) == 0)
			return true;
	return false;
}

/* What FIA 5.1.1 and Table 3 say of the SRVs. */
static void check_read(struct yaml_document *document, const struct yaml_node *node,
	const struct volumetrics_read *read)
{
	static const char *const import[] = {"4.1.1", "4.6.1", "4.8.1", "4.17", NULL};
	static const char *const smets2_only[] = {"4.6.2", "4.17", NULL};
	bool of_import = is_one_of(read->srv, import);

	if (of_import != (read->direction == VOLUMETRICS_IMPORT))
		yaml_error(document, yaml_child(node, "direction"), "%s is of %s", read->srv,
			volumetrics_directions[of_import ? 0 : 1]);
	if (is_one_of(read->srv, smets2_only) && read->generation != VOLUMETRICS_SMETS2)
		yaml_error(document, yaml_child(node, "generation"),
			"%s is of SMETS2 alone (FIA 5.1.1)", read->srv);
	if (strcmp(read->srv, "4.1.1") != 0)
		return;
	if (read->mode == VOLUMETRICS_SCHEDULED)
		yaml_error(document, yaml_child(node, "mode"),
			"4.1.1 cannot be scheduled; allowed is on-demand (FIA 5.1.1)");
	if (read->user != VOLUMETRICS_SUPPLIER && read->generation != VOLUMETRICS_SMETS1)
		yaml_error(document, yaml_child(node, "generation"),
			"an MDR may send 4.1.1 to SMETS1 alone (FIA 5.1.1)");
}

static void read_read(
	struct yaml_document *document, const struct yaml_node *node, struct volumetrics *model)
{
	struct volumetrics_read *read = &model->reads[model->read_count];
	struct read_row row = {0};

	if (!yaml_read_fields(document, node, read_fields, COUNT(read_fields), &row))
		return;
	memcpy(read->name, row.name, sizeof(read->name));
	memcpy(read->choice, row.choice, sizeof(read->choice));
	snprintf(read->srv, sizeof(read->srv), "%s", srvs[row.srv]);
	read->direction = row.direction;
	read->generation = row.generation;
	read->granularity = row.granularity;
	read->user = row.user;
	read->frequency = row.frequency;
	read->mode = row.mode;
	for (const char *byte = row.name; *byte != '\0'; byte++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *byte) == NULL) {
			yaml_error(document, yaml_child(node, "name"),
				"allowed in a name are a to z, 0 to 9 and \"-\"");
			break;
		}
	for (uint32_t i = 0; i < model->read_count; i++)
		if (strcmp(model->reads[i].name, read->name) == 0)
			yaml_error(document, yaml_child(node, "name"),
				"the name \"%s\" stands here a second time", read->name);
	read_value(document, row.percent, &volumetrics_percent_row, &read->percent_milli);
	take_basis(document, node, row.source, row.assumed, &read->basis);
	check_read(document, node, read);
	model->read_count++;
}

/* ---- sizes ---- */

struct size_row {
	int srv;
	uint32_t bytes[4];
	char source[VOLUMETRICS_TEXT_SIZE];
	char assumed[VOLUMETRICS_TEXT_SIZE];
};

#define BYTES_FIELD(word, index)                                                                   \
	{                                                                                          \
		.name = word, .type = YAML_U32, .required = true,                                  \
		.offset = offsetof(struct size_row, bytes) + (index) * sizeof(uint32_t),           \
		.max = BYTES_MAX                                                                   \
	}

static const struct yaml_field size_fields[] = {
	CHOICE_FIELD("srv", offsetof(struct size_row, srv), srvs),
	BYTES_FIELD("command_bytes", 0),
	BYTES_FIELD("response_bytes", 1),
	BYTES_FIELD("command_extra_bytes", 2),
	BYTES_FIELD("response_extra_bytes", 3),
	BASIS_FIELDS(size_row),
};

static void read_size(
	struct yaml_document *document, const struct yaml_node *node, struct volumetrics *model)
{
	struct volumetrics_size *size = &model->sizes[model->size_count];
	struct size_row row = {0};

	if (!yaml_read_fields(document, node, size_fields, COUNT(size_fields), &row))
		return;
	if (volumetrics_size(model, srvs[row.srv]) != NULL) {
		yaml_error(document, yaml_child(node, "srv"), "%s stands here a second time",
			srvs[row.srv]);
		return;
	}
	snprintf(size->srv, sizeof(size->srv), "%s", srvs[row.srv]);
	size->command_bytes = row.bytes[0];
	size->response_bytes = row.bytes[1];
	size->command_extra_bytes = row.bytes[2];
	size->response_extra_bytes = row.bytes[3];
	take_basis(document, node, row.source, row.assumed, &size->basis);
	model->size_count++;
}

/* ---- windows ---- */

static void read_time(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	const char *text = node->text;
	uint32_t minutes = 0;
	bool good = yaml_expect(document, node, YAML_SCALAR);

	if (!good)
		return;
	good = strlen(text) == 5 && text[2] == ':';
	for (int i = 0; i < 5 && good; i++)
		good = i == 2 || (text[i] >= '0' && text[i] <= '9');
	if (good) {
		uint32_t minute = (uint32_t)(text[3] - '0') * 10 + (uint32_t)(text[4] - '0');

		minutes =
			((uint32_t)(text[0] - '0') * 10 + (uint32_t)(text[1] - '0')) * 60 + minute;
		good = minute < 60 && minutes <= 1440;
	}
	if (!good)
		yaml_error(
			document, node, "\"%.16s\" is not a time; allowed is " TIME_ALLOWED, text);
	*(uint32_t *)target = minutes * 60;
}

static const struct yaml_field slot_fields[] = {
	{.name = "from",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct volumetrics_slot, from_s),
		.read = read_time},
	{.name = "to",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct volumetrics_slot, to_s),
		.read = read_time},
	{.name = "weight",
		.type = YAML_U32,
		.offset = offsetof(struct volumetrics_slot, weight),
		.min = 1,
		.max = WEIGHT_MAX,
		.fallback = "1"},
};

struct hours_row {
	const struct yaml_node *slots;
	char source[VOLUMETRICS_TEXT_SIZE];
	char assumed[VOLUMETRICS_TEXT_SIZE];
};

static const struct yaml_field hours_fields[] = {
	{.name = "slots",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct hours_row, slots),
		.read = keep_node},
	BASIS_FIELDS(hours_row),
};

static void read_hours(struct yaml_document *document, const struct yaml_node *node,
	struct volumetrics_hours *hours)
{
	struct hours_row row = {0};

	if (!yaml_read_fields(document, node, hours_fields, COUNT(hours_fields), &row))
		return;
	take_basis(document, node, row.source, row.assumed, &hours->basis);
	if (!yaml_expect(document, row.slots, YAML_SEQUENCE))
		return;
	if (row.slots->count == 0 || row.slots->count > VOLUMETRICS_SLOTS_MAX) {
		yaml_error(document, row.slots, "1 to %d slots are allowed", VOLUMETRICS_SLOTS_MAX);
		return;
	}
	for (const struct yaml_node *item = row.slots->first; item != NULL; item = item->next) {
		struct volumetrics_slot *slot = &hours->slots[hours->slot_count];

		if (!yaml_read_fields(document, item, slot_fields, COUNT(slot_fields), slot))
			return;
		if (slot->to_s <= slot->from_s)
			yaml_error(document, yaml_child(item, "to"),
				"must be later than \"from\" on the same day");
		if (hours->slot_count > 0 && slot->from_s != slot[-1].to_s)
			yaml_error(document, yaml_child(item, "from"),
				"must be where the slot before it ends");
		hours->slot_count++;
	}
}

struct gate_row {
	int provider;
	const struct yaml_node *windows[VOLUMETRICS_WINDOWS];
};

static const struct yaml_field gate_fields[] = {
	CHOICE_FIELD("provider", offsetof(struct gate_row, provider), volumetrics_providers),
	{.name = "peak",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct gate_row, windows),
		.read = keep_node},
	{.name = "off_peak",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct gate_row, windows) + sizeof(struct yaml_node *),
		.read = keep_node},
};

static void read_gate(
	struct yaml_document *document, const struct yaml_node *node, struct volumetrics *model)
{
	struct gate_row row = {0};

	if (!yaml_read_fields(document, node, gate_fields, COUNT(gate_fields), &row))
		return;
	if (model->hours[row.provider][0].slot_count > 0) {
		yaml_error(document, yaml_child(node, "provider"), "%s stands here a second time",
			volumetrics_providers[row.provider]);
		return;
	}
	for (int kind = 0; kind < VOLUMETRICS_WINDOWS; kind++)
		read_hours(document, row.windows[kind], &model->hours[row.provider][kind]);
}

/* ---- readings ---- */

static const struct yaml_field reading_fields[] = {
	NAME_FIELD("name", offsetof(struct reading_row, name)),
	{.name = "set",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct reading_row, set),
		.read = keep_node},
	BASIS_FIELDS(reading_row),
};

static void read_setting(struct yaml_document *document, const struct yaml_node *node,
	struct volumetrics *model, struct volumetrics_reading *reading)
{
	uint32_t at = reading->setting_count;
	char reason[2048];

	if (!yaml_expect(document, node, YAML_SCALAR))
		return;
	struct volumetrics *tried = malloc(sizeof(*tried));
	if (tried == NULL) {
		yaml_error(document, node, "out of memory");
		return;
	}
	*tried = *model;
	int result = volumetrics_set(tried, node->key, node->text, reason, sizeof(reason));
	free(tried);
	if (result == -ENOENT)
		yaml_error_key(document, node, "%s", reason);
	else if (result != 0)
		yaml_error(document, node, "%s", reason);
	if (result != 0)
		return;
	snprintf(reading->names[at], sizeof(reading->names[at]), "%s", node->key);
	snprintf(reading->values[at], sizeof(reading->values[at]), "%s", node->text);
	reading->setting_count++;
}

/* After everything else, because it names that. */
static void read_reading(
	struct yaml_document *document, const struct yaml_node *node, struct volumetrics *model)
{
	struct volumetrics_reading *reading = &model->readings[model->reading_count];
	struct reading_row row = {0};

	if (!yaml_read_fields(document, node, reading_fields, COUNT(reading_fields), &row))
		return;
	memcpy(reading->name, row.name, sizeof(reading->name));
	take_basis(document, node, row.source, row.assumed, &reading->basis);
	if (!yaml_expect(document, row.set, YAML_MAPPING))
		return;
	yaml_check_duplicates(document, row.set);
	if (row.set->count > VOLUMETRICS_SETTINGS_MAX) {
		yaml_error(document, row.set, "at most %d settings are allowed",
			VOLUMETRICS_SETTINGS_MAX);
		return;
	}
	for (const struct yaml_node *item = row.set->first; item != NULL; item = item->next)
		read_setting(document, item, model, reading);
	for (uint32_t i = 0; i < model->reading_count; i++)
		if (strcmp(model->readings[i].name, reading->name) == 0)
			yaml_error(document, yaml_child(node, "name"),
				"the name \"%s\" stands here a second time", reading->name);
	model->reading_count++;
}

/* ---- the file ---- */

enum section {
	SECTION_INPUTS,
	SECTION_READS,
	SECTION_SIZES,
	SECTION_WINDOWS,
	SECTION_READINGS,
	SECTIONS,
};

#define SECTION_FIELD(word, section)                                                               \
	{                                                                                          \
		.name = word, .type = YAML_CUSTOM, .required = true,                               \
		.offset = (section) * sizeof(struct yaml_node *), .read = keep_node                \
	}

static const struct yaml_field section_fields[SECTIONS] = {
	SECTION_FIELD("inputs", SECTION_INPUTS),
	SECTION_FIELD("reads", SECTION_READS),
	SECTION_FIELD("sizes", SECTION_SIZES),
	SECTION_FIELD("windows", SECTION_WINDOWS),
	SECTION_FIELD("readings", SECTION_READINGS),
};

static void read_list(struct yaml_document *document, const struct yaml_node *list, size_t most,
	void (*read)(struct yaml_document *, const struct yaml_node *, struct volumetrics *),
	struct volumetrics *model)
{
	if (!yaml_expect(document, list, YAML_SEQUENCE))
		return;
	if (list->count > most) {
		yaml_error(document, list, "at most %zu items are allowed", most);
		return;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next)
		read(document, item, model);
}

/* What needs all sections: every SRV has sizes, every provider windows. */
static void check_whole(struct yaml_document *document, const struct yaml_node *const *sections,
	const struct volumetrics *model)
{
	const struct yaml_node *item = sections[SECTION_READS]->first;
	char reason[512];

	for (uint32_t i = 0; i < model->read_count; i++, item = item->next)
		if (volumetrics_size(model, model->reads[i].srv) == NULL)
			yaml_error(document, yaml_child(item, "srv"),
				"%s has no row in \"sizes\"; one is needed", model->reads[i].srv);
	for (int i = 0; i < VOLUMETRICS_GATES; i++)
		if (model->hours[i][0].slot_count == 0)
			yaml_error(document, sections[SECTION_WINDOWS],
				"the provider %s is missing; all of Table 4 are needed",
				volumetrics_providers[i]);
	if (yaml_errors(document) == 0 && volumetrics_check(model, reason, sizeof(reason)) != 0)
		yaml_error(document, sections[SECTION_INPUTS], "%s", reason);
}

/* A reading must fit together as well. */
static void check_readings(struct yaml_document *document, const struct yaml_node *list,
	const struct volumetrics *model)
{
	struct volumetrics *changed = malloc(sizeof(*changed));
	const struct yaml_node *item = list->first;
	char reason[512];

	if (changed == NULL)
		yaml_error(document, list, "out of memory");
	for (uint32_t i = 0; changed != NULL && i < model->reading_count; i++, item = item->next) {
		*changed = *model;
		volumetrics_apply(changed, model->readings[i].name);
		if (volumetrics_check(changed, reason, sizeof(reason)) != 0)
			yaml_error(document, yaml_child(item, "set"), "%s", reason);
	}
	free(changed);
}

int volumetrics_read(const char *path, struct volumetrics *model, FILE *errors)
{
	const struct yaml_node *sections[SECTIONS] = {NULL};
	struct yaml_document *document;
	int result = yaml_read(path, errors, &document);

	memset(model, 0, sizeof(*model));
	if (result != 0)
		return result;
	if (yaml_read_fields(document, yaml_root(document), section_fields, SECTIONS, sections)) {
		read_inputs(document, sections[SECTION_INPUTS], model);
		read_list(
			document, sections[SECTION_READS], VOLUMETRICS_READS_MAX, read_read, model);
		read_list(
			document, sections[SECTION_SIZES], VOLUMETRICS_SIZES_MAX, read_size, model);
		read_list(document, sections[SECTION_WINDOWS], VOLUMETRICS_GATES, read_gate, model);
		if (yaml_errors(document) == 0)
			check_whole(document, sections, model);
		if (yaml_errors(document) == 0)
			read_list(document, sections[SECTION_READINGS], VOLUMETRICS_READINGS_MAX,
				read_reading, model);
		if (yaml_errors(document) == 0)
			check_readings(document, sections[SECTION_READINGS], model);
	}
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}
