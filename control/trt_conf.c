/* SPDX-License-Identifier: Apache-2.0 */
/* Each row of the file is spread over the SRVs, users and generations that it names; a place that
 * two rows want is an error, and one that none wants takes the default. */
#include "control/trt_conf.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/reference_files.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROWS_MAX 256

static const char *const user_names[] = {"supplier", "mdr", "other", NULL};
static const char *const generation_names[] = {"SMETS1", "SMETS2", NULL};

_Static_assert(COUNT(user_names) - 1 == TRT_USER_COUNT, "one word for each");
_Static_assert(MW_GENERATION_SMETS1 == 1 && MW_GENERATION_SMETS2 == 2, "order of generation_names");

struct row {
	const struct yaml_node *srvs;
	uint32_t users;
	uint32_t generations;
	uint32_t seconds[TRT_COLUMN_COUNT];
	int basis;
	char note[256];
};

static void keep_list(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	if (yaml_expect(document, node, YAML_SEQUENCE))
		*(const struct yaml_node **)target = node;
}

#define AT(member) offsetof(struct row, member)
#define SECONDS(key, column)                                                                       \
	{                                                                                          \
		.name = key, .type = YAML_U32, .required = true, .offset = AT(seconds[column]),    \
		.min = 1, .max = TRT_SECONDS_MAX, .zero_word = "none", .unit = "s"                 \
	}

/* "srvs" comes last: the defaults do not have it. */
static const struct yaml_field fields[] = {
	{.name = "users",
		.type = YAML_SET,
		.required = true,
		.offset = AT(users),
		.choices = user_names},
	{.name = "generations",
		.type = YAML_SET,
		.required = true,
		.offset = AT(generations),
		.choices = generation_names},
	SECONDS("scheduled_s", TRT_SCHEDULED),
	SECONDS("on_demand_s", TRT_ON_DEMAND),
	SECONDS("future_dated_s", TRT_FUTURE_DATED),
	{.name = "basis",
		.type = YAML_CHOICE,
		.required = true,
		.offset = AT(basis),
		.choices = reference_basis_names},
	{.name = "note",
		.type = YAML_TEXT,
		.offset = AT(note),
		.max = sizeof(((struct row *)NULL)->note) - 1,
		.fallback = ""},
	{.name = "srvs",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = AT(srvs),
		.read = keep_list},
};

#define DEFAULT_FIELDS (COUNT(fields) - 1)

struct file_row {
	const struct yaml_node *defaults;
	const struct yaml_node *rows;
};

static const struct yaml_field file_fields[] = {
	{.name = "defaults",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct file_row, defaults),
		.read = keep_list},
	{.name = "rows",
		.type = YAML_CUSTOM,
		.required = true,
		.offset = offsetof(struct file_row, rows),
		.read = keep_list},
};

static bool read_row(struct yaml_document *document, const struct yaml_node *item,
	const struct yaml_field *row_fields, size_t field_count, struct row *row)
{
	if (!yaml_read_fields(document, item, row_fields, field_count, row))
		return false;
	if (row->users == 0 || row->generations == 0)
		yaml_error(document, yaml_child(item, row->users == 0 ? "users" : "generations"),
			"a row needs one at least");
	if (row->basis == 1 && row->note[0] == '\0')
		yaml_error(document, yaml_child(item, "basis"),
			"\"note\" is missing; it says why this is assumed");
	return true;
}

/* Put the row's times into each place that it names. */
static void spread(struct yaml_document *document, const struct yaml_node *place,
	const struct row *row, struct trt_times times[TRT_USER_COUNT][TRT_GENERATION_COUNT])
{
	for (int user = 0; user < TRT_USER_COUNT; user++) {
		for (int generation = 0; generation < TRT_GENERATION_COUNT; generation++) {
			struct trt_times *one = &times[user][generation];

			if ((row->users & 1u << user) == 0 ||
				(row->generations & 1u << generation) == 0)
				continue;
			if (one->stated)
				yaml_error(document, place,
					"%s and %s have their times in a row above; one row is "
					"allowed",
					user_names[user], generation_names[generation]);
			memcpy(one->seconds, row->seconds, sizeof(one->seconds));
			one->stated = true;
			one->assumed = row->basis == 1;
		}
	}
}

static void read_defaults(
	struct yaml_document *document, const struct yaml_node *list, struct trt_conf *conf)
{
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct row row = {0};

		if (read_row(document, item, fields, DEFAULT_FIELDS, &row))
			spread(document, item, &row, conf->defaults);
	}
	for (int user = 0; user < TRT_USER_COUNT; user++)
		for (int generation = 0; generation < TRT_GENERATION_COUNT; generation++)
			if (!conf->defaults[user][generation].stated)
				yaml_error(document, list,
					"%s and %s have no default; each is required",
					user_names[user], generation_names[generation]);
}

static struct trt_entry *find_entry(struct trt_conf *conf, const char *srv)
{
	for (uint32_t i = 0; i < conf->entry_count; i++)
		if (strcmp(conf->entries[i].srv, srv) == 0)
			return &conf->entries[i];
	return NULL;
}

static void read_srv(struct yaml_document *document, const struct yaml_node *node,
	const struct reference *known, const struct row *row, struct trt_conf *conf)
{
	if (!yaml_expect(document, node, YAML_SCALAR))
		return;
	if (node->length >= MW_SRV_SIZE || reference_rule(known, node->text) == NULL) {
		yaml_error(
			document, node, "\"%.32s\" is not an SRV of the access matrix", node->text);
		return;
	}
	struct trt_entry *entry = find_entry(conf, node->text);
	if (entry == NULL) {
		/* There are no more SRVs than rules, so there is room. */
		entry = &conf->entries[conf->entry_count++];
		memcpy(entry->srv, node->text, node->length + 1);
	}
	spread(document, node, row, entry->times);
}

static void read_rows(struct yaml_document *document, const struct yaml_node *list,
	const struct reference *known, struct trt_conf *conf)
{
	if (list->count > ROWS_MAX) {
		yaml_error(document, list, "at most %d rows are allowed", ROWS_MAX);
		return;
	}
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		struct row row = {0};

		if (!read_row(document, item, fields, COUNT(fields), &row))
			continue;
		if (row.srvs->count == 0)
			yaml_error(document, row.srvs, "a row needs one SRV at least");
		for (const struct yaml_node *srv = row.srvs->first; srv != NULL; srv = srv->next)
			read_srv(document, srv, known, &row, conf);
	}
}

static int by_srv(const void *one, const void *other)
{
	return strcmp(((const struct trt_entry *)one)->srv, ((const struct trt_entry *)other)->srv);
}

/* Whatever no row states, for SRVs that some row names. */
static void fill_with_defaults(struct trt_conf *conf)
{
	for (uint32_t i = 0; i < conf->entry_count; i++)
		for (int user = 0; user < TRT_USER_COUNT; user++)
			for (int generation = 0; generation < TRT_GENERATION_COUNT; generation++)
				if (!conf->entries[i].times[user][generation].stated)
					conf->entries[i].times[user][generation] =
						conf->defaults[user][generation];
	qsort(conf->entries, conf->entry_count, sizeof(conf->entries[0]), by_srv);
}

int trt_conf_read(
	const char *path, const struct reference *known, FILE *errors, struct trt_conf **conf)
{
	struct yaml_document *document;

	*conf = NULL;
	int result = yaml_read(path, errors, &document);
	if (result != 0)
		return result;
	struct trt_conf *made = calloc(1, sizeof(*made));
	if (made == NULL) {
		yaml_free(document);
		return -ENOMEM;
	}
	const struct yaml_node *root = yaml_root(document);
	struct file_row row = {0};
	if (root == NULL)
		yaml_error(document, NULL, "the file is empty; it has \"defaults\" and \"rows\"");
	else if (yaml_read_fields(document, root, file_fields, COUNT(file_fields), &row)) {
		read_defaults(document, row.defaults, made);
		read_rows(document, row.rows, known, made);
		fill_with_defaults(made);
	}
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	if (result != 0) {
		free(made);
		return result;
	}
	*conf = made;
	return 0;
}

void trt_conf_free(struct trt_conf *conf)
{
	free(conf);
}

enum trt_user trt_user_of(uint32_t role)
{
	if ((role & (MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_GS)) != 0)
		return TRT_SUPPLIER;
	return (role & MW_ROLE_MDR) != 0 ? TRT_MDR : TRT_OTHER;
}

static int compare_srv(const void *srv, const void *entry)
{
	return strcmp(srv, ((const struct trt_entry *)entry)->srv);
}

const struct trt_times *trt_times(
	const struct trt_conf *conf, const char *srv, uint32_t role, enum mw_generation generation)
{
	const struct trt_entry *entry = bsearch(
		srv, conf->entries, conf->entry_count, sizeof(conf->entries[0]), compare_srv);
	enum trt_user user = trt_user_of(role);
	int column = generation == MW_GENERATION_SMETS1 ? 0 : 1;

	return entry != NULL ? &entry->times[user][column] : &conf->defaults[user][column];
}

uint32_t trt_seconds(const struct trt_conf *conf, const char *srv, uint32_t role,
	enum mw_generation generation, enum mw_mode mode)
{
	const struct trt_times *times = trt_times(conf, srv, role, generation);

	switch (mode) {
	case MW_MODE_SCHEDULED:
		return times->seconds[TRT_SCHEDULED];
	case MW_MODE_FUTURE_DATED_DSP:
		return times->seconds[TRT_FUTURE_DATED];
	default:
		return times->seconds[TRT_ON_DEMAND];
	}
}
