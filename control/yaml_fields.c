/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of fields: one row says name, type, bounds, default, unit and help, and this file turns a
 * mapping into a struct by it. The messages are made from the row too, so that what is said to be
 * allowed is what is allowed.
 */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/yaml.h"
#include "dataplane/duis/identifier.h"

#define PHRASE_SIZE 256

static const char *allowed_text(const struct yaml_field *field, char *text, size_t size)
{
	if (field->min > 0)
		snprintf(text, size,
			"a text of %" PRIu64 " to %" PRIu64 " bytes without control characters",
			field->min, field->max);
	else
		snprintf(text, size,
			"a text of at most %" PRIu64 " bytes without control characters",
			field->max);
	return text;
}

static const char *allowed_choice(const struct yaml_field *field, char *text, size_t size)
{
	size_t used =
		(size_t)snprintf(text, size, "%s", field->type == YAML_SET ? "a list of: " : "");

	for (size_t i = 0; field->choices[i] != NULL && used < size; i++) {
		const char *separator = "";

		if (i > 0)
			separator = field->choices[i + 1] == NULL && field->type == YAML_CHOICE
					    ? " or "
					    : ", ";
		used += (size_t)snprintf(
			text + used, size - used, "%s%s", separator, field->choices[i]);
	}
	return text;
}

const char *yaml_allowed(const struct yaml_field *field, char *text, size_t size)
{
	switch (field->type) {
	case YAML_U16:
	case YAML_U32:
	case YAML_U64:
		if (field->zero_word != NULL)
			snprintf(text, size, "%s, or a number from %" PRIu64 " to %" PRIu64,
				field->zero_word, field->min, field->max);
		else
			snprintf(text, size, "a number from %" PRIu64 " to %" PRIu64, field->min,
				field->max);
		return text;
	case YAML_BOOL:
		return "yes or no";
	case YAML_TEXT:
		return allowed_text(field, text, size);
	case YAML_PATH:
		snprintf(text, size, "a path of at most %" PRIu64 " bytes when absolute",
			field->max);
		return text;
	case YAML_CHOICE:
	case YAML_SET:
		return allowed_choice(field, text, size);
	case YAML_EUI:
		return "an EUI-64 such as 90-B3-D5-1F-30-00-00-02";
	case YAML_CUSTOM:
		break;
	}
	return field->help != NULL ? field->help : "see the manual page";
}

static bool parse_number(const struct yaml_field *field, const char *text, uint64_t *value)
{
	uint64_t number = 0;

	if (field->zero_word != NULL && strcmp(text, field->zero_word) == 0) {
		*value = 0;
		return true;
	}
	if (*text == '\0')
		return false;
	for (const char *digit = text; *digit != '\0'; digit++) {
		if (!isdigit((unsigned char)*digit))
			return false;
		if (__builtin_mul_overflow(number, 10u, &number) ||
			__builtin_add_overflow(number, (uint64_t)(*digit - '0'), &number))
			return false;
	}
	*value = number;
	return number >= field->min && number <= field->max;
}

static bool parse_bool(const char *text, bool *value)
{
	if (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0)
		*value = true;
	else if (strcmp(text, "no") == 0 || strcmp(text, "false") == 0)
		*value = false;
	else
		return false;
	return true;
}

static bool parse_text(const struct yaml_field *field, const char *text, char *out)
{
	size_t length = strlen(text);

	if (length < field->min || length > field->max)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	memcpy(out, text, length + 1);
	return true;
}

static int choice_index(const struct yaml_field *field, const char *text)
{
	for (int i = 0; field->choices[i] != NULL; i++)
		if (strcmp(field->choices[i], text) == 0)
			return i;
	return -1;
}

/* Put the value `text` of a single-valued field to `out`. Returns whether it is allowed. */
static bool parse_value(const struct yaml_field *field, const char *text, void *out)
{
	uint64_t number = 0;

	switch (field->type) {
	case YAML_U16:
	case YAML_U32:
	case YAML_U64:
		if (!parse_number(field, text, &number))
			return false;
		if (field->type == YAML_U16)
			*(uint16_t *)out = (uint16_t)number;
		else if (field->type == YAML_U32)
			*(uint32_t *)out = (uint32_t)number;
		else
			*(uint64_t *)out = number;
		return true;
	case YAML_BOOL:
		return parse_bool(text, out);
	case YAML_TEXT:
		return parse_text(field, text, out);
	case YAML_CHOICE: {
		int index = choice_index(field, text);

		*(int *)out = (int)field->min + index;
		return index >= 0;
	}
	case YAML_EUI:
		return duis_eui_parse(text, strlen(text), out) == 0;
	default:
		return false;
	}
}

void yaml_set_fallback(const struct yaml_field *field, void *base)
{
	if (field->fallback == NULL)
		return;
	char *target = (char *)base + field->offset;
	bool valid = true;

	if (field->type == YAML_PATH)
		valid = parse_text(field, field->fallback, target);
	else if (field->type != YAML_CUSTOM)
		valid = parse_value(field, field->fallback, target);
	assert(valid);
	(void)valid;
}

static void read_set(struct yaml_document *document, const struct yaml_node *node,
	const struct yaml_field *field, uint32_t *set)
{
	char phrase[PHRASE_SIZE];

	*set = 0;
	if (!yaml_expect(document, node, YAML_SEQUENCE))
		return;
	for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
		int index = item->kind == YAML_SCALAR ? choice_index(field, item->text) : -1;

		if (index < 0)
			yaml_error(document, item, "\"%s\" does not know this value; allowed is %s",
				field->name, yaml_allowed(field, phrase, sizeof(phrase)));
		else if (*set & (1u << ((unsigned)field->min + (unsigned)index)))
			yaml_error(document, item, "\"%.64s\" stands in this list a second time",
				item->text);
		else
			*set |= 1u << ((unsigned)field->min + (unsigned)index);
	}
}

static void read_value(struct yaml_document *document, const struct yaml_node *node,
	const struct yaml_field *field, void *base)
{
	char phrase[PHRASE_SIZE];
	void *target = (char *)base + field->offset;

	if (field->type == YAML_CUSTOM) {
		field->read(document, node, target);
		return;
	}
	if (field->type == YAML_SET) {
		read_set(document, node, field, target);
		return;
	}
	if (!yaml_expect(document, node, YAML_SCALAR))
		return;
	bool valid;
	if (field->type == YAML_PATH && node->length == 0 && field->min == 0) {
		*(char *)target = '\0';
		valid = true;
	} else if (field->type == YAML_PATH)
		valid = node->length > 0 &&
			yaml_resolve(document, node->text, target, (size_t)field->max + 1);
	else
		valid = parse_value(field, node->text, target);
	if (!valid)
		yaml_error(document, node, "\"%s\" has a value that is not allowed; allowed is %s",
			field->name, yaml_allowed(field, phrase, sizeof(phrase)));
}

static const struct yaml_field *find_field(
	const struct yaml_field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static void report_unknown(struct yaml_document *document, const struct yaml_node *node,
	const struct yaml_field *fields, size_t count)
{
	char names[1024];
	size_t used = 0;

	names[0] = '\0';
	for (size_t i = 0; i < count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
			i > 0 ? ", " : "", fields[i].name);
	yaml_error_key(document, node, "the key \"%.64s\" is not known here; known are: %s",
		node->key, names);
}

bool yaml_read_fields(struct yaml_document *document, const struct yaml_node *mapping,
	const struct yaml_field *fields, size_t count, void *base)
{
	unsigned before = yaml_errors(document);

	if (!yaml_expect(document, mapping, YAML_MAPPING))
		return false;
	yaml_check_duplicates(document, mapping);
	for (const struct yaml_node *child = mapping->first; child != NULL; child = child->next)
		if (find_field(fields, count, child->key) == NULL)
			report_unknown(document, child, fields, count);
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *child = yaml_child(mapping, fields[i].name);

		if (child != NULL)
			read_value(document, child, &fields[i], base);
		else if (fields[i].required)
			yaml_error(document, mapping, "the key \"%s\" is missing; it is required",
				fields[i].name);
		else
			yaml_set_fallback(&fields[i], base);
	}
	return yaml_errors(document) == before;
}
