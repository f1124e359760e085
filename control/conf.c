/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the configuration: the tables of conf_table.c do the work for single values; this file
 * adds the two lists (schema versions and answers), paths and the order of things.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/conf.h"
#include "control/conf_check.h"
#include "control/conf_table.h"
#include "control/yaml.h"

bool conf_version_valid(const char *version)
{
	bool digits = false;
	bool point = false;

	for (const char *at = version; *at != '\0'; at++) {
		if (*at == '.' && !point)
			point = true;
		else if (isdigit((unsigned char)*at))
			digits = true;
		else
			return false;
	}
	return digits;
}

static const char *skip_zeros(const char *digits)
{
	while (*digits == '0')
		digits++;
	return digits;
}

/* Length of the fraction behind the point, without zeros at its end. */
static size_t fraction_length(const char *fraction)
{
	size_t length = strlen(fraction);

	while (length > 0 && fraction[length - 1] == '0')
		length--;
	return length;
}

bool conf_version_equal(const char *left, const char *right)
{
	const char *left_whole = skip_zeros(left);
	const char *right_whole = skip_zeros(right);
	size_t left_length = strcspn(left_whole, ".");
	size_t right_length = strcspn(right_whole, ".");

	if (left_length != right_length || memcmp(left_whole, right_whole, left_length) != 0)
		return false;
	const char *left_fraction = left_whole + left_length;
	const char *right_fraction = right_whole + right_length;
	left_fraction += *left_fraction == '.';
	right_fraction += *right_fraction == '.';
	left_length = fraction_length(left_fraction);
	right_length = fraction_length(right_fraction);
	return left_length == right_length &&
	       memcmp(left_fraction, right_fraction, left_length) == 0;
}

static void read_paths(struct yaml_document *document, const struct yaml_node *node,
	char (*paths)[CONF_PATH_SIZE], size_t max)
{
	size_t count = 0;

	if (!yaml_expect(document, node, YAML_SEQUENCE))
		return;
	if (node->count > max) {
		yaml_error(document, node, "at most %zu paths are allowed", max);
		return;
	}
	for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
		if (!yaml_expect(document, item, YAML_SCALAR))
			continue;
		if (item->length == 0 ||
			!yaml_resolve(document, item->text, paths[count], CONF_PATH_SIZE))
			yaml_error(document, item, "not a path of 1 to %d bytes when made absolute",
				CONF_PATH_SIZE - 1);
		count++;
	}
}

static void read_overlays(
	struct yaml_document *document, const struct yaml_node *node, void *target)
{
	read_paths(document, node, target, CONF_OVERLAYS_MAX);
}

void conf_read_trust(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	read_paths(document, node, target, CONF_TRUST_MAX);
}

static const struct yaml_field version_fields[] = {
	{.name = "version",
		.type = YAML_TEXT,
		.required = true,
		.offset = offsetof(struct conf_schema, version),
		.min = 1,
		.max = 15,
		.help = "schemaVersion, a decimal number such as \"5.4\""},
	{.name = "image",
		.type = YAML_PATH,
		.offset = offsetof(struct conf_schema, image_path),
		.min = 1,
		.max = CONF_PATH_SIZE - 1,
		.help = "the schema image, for the engine fast"},
	{.name = "xsd",
		.type = YAML_PATH,
		.offset = offsetof(struct conf_schema, xsd_path),
		.min = 1,
		.max = CONF_PATH_SIZE - 1,
		.help = "the main schema, for the engine reference; its imports lie beside it"},
	{.name = "overlays",
		.type = YAML_CUSTOM,
		.offset = offsetof(struct conf_schema, overlays),
		.read = read_overlays,
		.help = "list of overlay files, applied in this order"},
};

void conf_read_versions(struct yaml_document *document, const struct yaml_node *node, void *target)
{
	struct conf *conf = target;

	if (!yaml_expect(document, node, YAML_SEQUENCE))
		return;
	if (node->count == 0 || node->count > CONF_SCHEMAS_MAX) {
		yaml_error(document, node, "\"versions\" must name 1 to %d schema versions",
			CONF_SCHEMAS_MAX);
		return;
	}
	for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
		struct conf_schema *schema = &conf->schemas[conf->schema_count];

		if (!yaml_read_fields(document, item, version_fields,
			    sizeof(version_fields) / sizeof(version_fields[0]), schema))
			continue;
		if (!conf_version_valid(schema->version)) {
			yaml_error(document, yaml_child(item, "version"),
				"\"version\" must be a decimal number such as \"5.4\"");
			continue;
		}
		conf->schema_count++;
	}
}

struct answer_value {
	char code[8];
	uint16_t http_status;
	bool assumed;
};

static const struct yaml_field answer_fields[] = {
	{.name = "code",
		.type = YAML_TEXT,
		.required = true,
		.offset = offsetof(struct answer_value, code),
		.min = 2,
		.max = 7,
		.help = "DUIS ResponseCode"},
	{.name = "http",
		.type = YAML_U16,
		.required = true,
		.offset = offsetof(struct answer_value, http_status),
		.min = 200,
		.max = 403,
		.help = "HTTP status, 200 or 403"},
	{.name = "assumed",
		.type = YAML_BOOL,
		.required = true,
		.offset = offsetof(struct answer_value, assumed),
		.help = "whether the code's meaning is an assumption"},
};

/* A ResponseCode is a letter (I, E, W) and 1 to 6 digits; which of them exist says the schema. */
static bool code_valid(const char *code)
{
	size_t length = strlen(code);

	if (length < 2 || length > 7 || strchr("IEW", code[0]) == NULL)
		return false;
	for (size_t i = 1; i < length; i++)
		if (!isdigit((unsigned char)code[i]))
			return false;
	return true;
}

static struct conf_answer *find_answer(struct conf *conf, const char *reason)
{
	for (uint32_t i = 0; i < conf->answer_count; i++)
		if (strcmp(conf->answers[i].reason, reason) == 0)
			return &conf->answers[i];
	return NULL;
}

static void set_default_answers(struct conf *conf)
{
	for (const struct conf_reason *row = conf_reasons; row->reason != NULL; row++) {
		struct conf_answer *answer = &conf->answers[conf->answer_count++];

		snprintf(answer->reason, sizeof(answer->reason), "%s", row->reason);
		snprintf(answer->code, sizeof(answer->code), "%s", row->code);
		answer->http_status = row->http_status;
		answer->assumed = row->assumed;
	}
}

void conf_read_answers(
	struct yaml_document *document, const struct yaml_node *node, struct conf *conf)
{
	if (!yaml_expect(document, node, YAML_MAPPING))
		return;
	yaml_check_duplicates(document, node);
	for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
		struct conf_answer *answer = find_answer(conf, item->key);
		struct answer_value value = {0};

		if (answer == NULL) {
			yaml_error_key(document, item,
				"\"%.64s\" is no reason that has a DUIS code; doc/answers.md lists "
				"them",
				item->key);
			continue;
		}
		if (!yaml_read_fields(document, item, answer_fields,
			    sizeof(answer_fields) / sizeof(answer_fields[0]), &value))
			continue;
		if (value.http_status != 200 && value.http_status != 403)
			yaml_error(
				document, yaml_child(item, "http"), "\"http\" must be 200 or 403");
		if (!code_valid(value.code))
			yaml_error(document, yaml_child(item, "code"),
				"\"code\" must be a DUIS ResponseCode: I, E or W and 1 to 6 "
				"digits");
		memcpy(answer->code, value.code, sizeof(answer->code));
		answer->http_status = value.http_status;
		answer->assumed = value.assumed;
	}
}

static void report_unknown_group(struct yaml_document *document, const struct yaml_node *node)
{
	char names[512];
	size_t used = 0;

	for (const struct conf_group *group = conf_groups; group->name != NULL; group++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s, ", group->name);
	yaml_error_key(document, node, "the group \"%.64s\" is not known; known are: %sanswers",
		node->key, names);
}

static bool group_known(const char *name)
{
	for (const struct conf_group *group = conf_groups; group->name != NULL; group++)
		if (strcmp(group->name, name) == 0)
			return true;
	return strcmp(name, "answers") == 0;
}

/* An absent group has all its defaults; a required key of it is missed at the start of the file. */
static void read_absent_group(
	struct yaml_document *document, const struct conf_group *group, struct conf *conf)
{
	for (size_t i = 0; i < group->count; i++) {
		if (group->fields[i].required)
			yaml_error(document, NULL,
				"the key \"%s\" of the group \"%s\" is missing; it is required",
				group->fields[i].name, group->name);
		else
			yaml_set_fallback(&group->fields[i], conf);
	}
}

/* Defaults of paths are relative to the file's folder, as if they stood in it. */
static void resolve_defaults(struct yaml_document *document, struct conf *conf)
{
	for (const struct conf_group *group = conf_groups; group->name != NULL; group++) {
		for (size_t i = 0; i < group->count; i++) {
			char *path = (char *)conf + group->fields[i].offset;
			char relative[CONF_PATH_SIZE];

			if (group->fields[i].type != YAML_PATH || path[0] == '\0' || path[0] == '/')
				continue;
			memcpy(relative, path, sizeof(relative));
			if (!yaml_resolve(document, relative, path, CONF_PATH_SIZE))
				yaml_error(document, NULL,
					"the default of \"%s\" is too long when made absolute",
					group->fields[i].name);
		}
	}
}

static void read_groups(
	struct yaml_document *document, const struct yaml_node *root, struct conf *conf)
{
	yaml_check_duplicates(document, root);
	for (const struct yaml_node *node = root->first; node != NULL; node = node->next)
		if (!group_known(node->key))
			report_unknown_group(document, node);
	for (const struct conf_group *group = conf_groups; group->name != NULL; group++) {
		const struct yaml_node *node = yaml_child(root, group->name);

		if (node != NULL)
			yaml_read_fields(document, node, group->fields, group->count, conf);
		else
			read_absent_group(document, group, conf);
	}
	const struct yaml_node *answers = yaml_child(root, "answers");
	if (answers != NULL)
		conf_read_answers(document, answers, conf);
}

int conf_read(const char *path, struct conf *conf, FILE *errors)
{
	struct yaml_document *document;
	int result = yaml_read(path, errors, &document);

	if (result != 0)
		return result;
	memset(conf, 0, sizeof(*conf));
	set_default_answers(conf);
	if (yaml_root(document) == NULL)
		yaml_error(document, NULL, "the file is empty; a mapping of groups is expected");
	else if (yaml_expect(document, yaml_root(document), YAML_MAPPING)) {
		read_groups(document, yaml_root(document), conf);
		resolve_defaults(document, conf);
		/* Rules between keys make sense only when each key is well by itself. */
		if (yaml_errors(document) == 0)
			conf_check(document, conf);
	}
	result = yaml_errors(document) == 0 ? 0 : -EINVAL;
	yaml_free(document);
	return result;
}

static const char *type_name(enum yaml_type type)
{
	static const char *const names[] = {
		[YAML_U16] = "number",
		[YAML_U32] = "number",
		[YAML_U64] = "number",
		[YAML_BOOL] = "yes or no",
		[YAML_TEXT] = "text",
		[YAML_PATH] = "path",
		[YAML_CHOICE] = "word",
		[YAML_EUI] = "EUI-64",
		[YAML_SET] = "list",
		[YAML_CUSTOM] = "list",
	};

	return names[type];
}

void conf_describe(FILE *out)
{
	for (const struct conf_group *group = conf_groups; group->name != NULL; group++) {
		fprintf(out, "%s: %s\n", group->name, group->help);
		for (size_t i = 0; i < group->count; i++) {
			const struct yaml_field *field = &group->fields[i];
			char phrase[256];

			fprintf(out, "  %s (%s%s%s", field->name, type_name(field->type),
				field->unit != NULL ? ", " : "",
				field->unit != NULL ? field->unit : "");
			if (field->required)
				fprintf(out, ", required)\n");
			else
				fprintf(out, ", default %s)\n",
					field->fallback != NULL ? field->fallback : "none");
			fprintf(out, "      %s\n", field->help);
			if (field->type != YAML_CUSTOM)
				fprintf(out, "      allowed: %s\n",
					yaml_allowed(field, phrase, sizeof(phrase)));
		}
	}
	fprintf(out, "answers: reason -> {code, http, assumed}, the answer to each refusal\n");
	for (const struct conf_reason *row = conf_reasons; row->reason != NULL; row++)
		fprintf(out, "  %s (default {code: %s, http: %u, assumed: %s})\n", row->reason,
			row->code, row->http_status, row->assumed ? "yes" : "no");
}
