/* SPDX-License-Identifier: Apache-2.0 */
/* From YAML to the list of operations. The fields of each operation are a table, so that unknown,
 * missing and repeated ones are found in one place. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

#include "dataplane/duis/overlay.h"

#define FIELDS_MAX 8

enum field_type {
	FIELD_TEXT = 1,
	FIELD_TEXTS,
	FIELD_YES_NO,
};

struct field {
	const char *name;
	enum field_type type;
	bool required;
	size_t offset; /* in struct duis_overlay_operation */
};

struct operation_type {
	const char *name;
	enum duis_overlay_kind kind;
	const struct field *fields; /* NULL name ends the list */
	const char *allowed;
};

#define OFFSET(member) offsetof(struct duis_overlay_operation, member)

static const struct field enumeration_fields[] = {
	{"to", FIELD_TEXT, true, OFFSET(to)},
	{"values", FIELD_TEXTS, true, OFFSET(values)},
	{NULL, FIELD_TEXT, false, 0},
};

static const struct field element_fields[] = {
	{"to", FIELD_TEXT, true, OFFSET(to)},
	{"after", FIELD_TEXT, true, OFFSET(after)},
	{"name", FIELD_TEXT, true, OFFSET(name)},
	{"type", FIELD_TEXT, true, OFFSET(type)},
	{"optional", FIELD_YES_NO, false, OFFSET(optional)},
	{NULL, FIELD_TEXT, false, 0},
};

static const struct operation_type operation_types[] = {
	{"add_enumeration", DUIS_OVERLAY_ADD_ENUMERATION, enumeration_fields, "to, values"},
	{"add_element", DUIS_OVERLAY_ADD_ELEMENT, element_fields,
		"to, after, name, type, optional"},
};

#define OPERATION_TYPES (sizeof(operation_types) / sizeof(operation_types[0]))

struct reader {
	const char *path;
	char *reason;
	size_t reason_size;
	int line; /* where the collection begins that is being read */
	int column;
};

__attribute__((format(printf, 4, 5))) static int fail(
	struct reader *reader, int line, int column, const char *format, ...)
{
	va_list arguments;
	int length = snprintf(
		reader->reason, reader->reason_size, "%s:%d:%d: ", reader->path, line, column);

	if (length > 0 && (size_t)length < reader->reason_size) {
		va_start(arguments, format);
		vsnprintf(reader->reason + length, reader->reason_size - (size_t)length, format,
			arguments);
		va_end(arguments);
	}
	return -EINVAL;
}

static int fail_memory(struct reader *reader)
{
	fail(reader, reader->line, reader->column, "out of memory");
	return -ENOMEM;
}

/* Note where `node` stands; a collection stands where its first scalar does. */
static void mark(struct reader *reader, struct fy_node *node)
{
	const struct fy_mark *found = NULL;

	while (node != NULL && !fy_node_is_scalar(node)) {
		if (fy_node_is_sequence(node))
			node = fy_node_sequence_get_by_index(node, 0);
		else
			node = fy_node_pair_key(fy_node_mapping_get_by_index(node, 0));
	}
	if (node != NULL && fy_node_get_scalar_token(node) != NULL)
		found = fy_token_start_mark(fy_node_get_scalar_token(node));
	if (found == NULL)
		return;
	reader->line = found->line + 1;
	reader->column = found->column + 1;
}

static int read_text(struct reader *reader, struct fy_node *node, struct duis_overlay_text *text)
{
	const char *scalar;
	size_t length;

	mark(reader, node);
	if (!fy_node_is_scalar(node) || fy_node_is_alias(node))
		return fail(reader, reader->line, reader->column, "a single text is expected here");
	scalar = fy_node_get_scalar(node, &length);
	if (scalar == NULL || length == 0)
		return fail(reader, reader->line, reader->column, "the text is empty");
	for (size_t at = 0; at < length; at++)
		if ((unsigned char)scalar[at] < 0x20)
			return fail(reader, reader->line, reader->column,
				"control characters are not allowed");
	text->text = strndup(scalar, length);
	if (text->text == NULL)
		return fail_memory(reader);
	text->line = reader->line;
	text->column = reader->column;
	return 0;
}

static int read_texts(
	struct reader *reader, struct fy_node *node, struct duis_overlay_operation *operation)
{
	int count;

	mark(reader, node);
	if (!fy_node_is_sequence(node))
		return fail(reader, reader->line, reader->column,
			"a list of texts is expected here, such as [\"A\", \"B\"]");
	count = fy_node_sequence_item_count(node);
	if (count < 1 || count > DUIS_OVERLAY_VALUES_MAX)
		return fail(reader, reader->line, reader->column,
			"the list has %d texts; 1 to %d are allowed", count,
			DUIS_OVERLAY_VALUES_MAX);
	operation->values = calloc((size_t)count, sizeof(operation->values[0]));
	if (operation->values == NULL)
		return fail_memory(reader);
	for (int index = 0; index < count; index++) {
		int result = read_text(reader, fy_node_sequence_get_by_index(node, index),
			&operation->values[index]);

		operation->value_count = (size_t)index + 1;
		if (result != 0)
			return result;
	}
	return 0;
}

static int read_yes_no(struct reader *reader, struct fy_node *node, bool *value)
{
	struct duis_overlay_text text = {0};
	int result = read_text(reader, node, &text);

	if (result != 0)
		return result;
	*value = strcmp(text.text, "yes") == 0;
	if (!*value && strcmp(text.text, "no") != 0)
		result = fail(
			reader, text.line, text.column, "\"%s\" is neither yes nor no", text.text);
	free(text.text);
	return result;
}

static int read_field(struct reader *reader, const struct field *field, struct fy_node *node,
	struct duis_overlay_operation *operation)
{
	void *target = (char *)operation + field->offset;

	switch (field->type) {
	case FIELD_TEXT:
		return read_text(reader, node, target);
	case FIELD_TEXTS:
		return read_texts(reader, node, operation);
	case FIELD_YES_NO:
		return read_yes_no(reader, node, target);
	}
	return -EINVAL;
}

static int read_fields(struct reader *reader, struct fy_node *mapping,
	const struct operation_type *type, struct duis_overlay_operation *operation)
{
	bool seen[FIELDS_MAX] = {false};
	struct fy_node_pair *pair;
	void *position = NULL;
	int line = reader->line;
	int column = reader->column;

	if (!fy_node_is_mapping(mapping))
		return fail(
			reader, line, column, "%s needs its fields: %s", type->name, type->allowed);
	while ((pair = fy_node_mapping_iterate(mapping, &position)) != NULL) {
		struct duis_overlay_text key = {0};
		const struct field *field = type->fields;
		int result = read_text(reader, fy_node_pair_key(pair), &key);

		if (result != 0)
			return result;
		while (field->name != NULL && strcmp(field->name, key.text) != 0)
			field++;
		if (field->name == NULL)
			result = fail(reader, key.line, key.column,
				"%s has no field \"%s\"; allowed are %s", type->name, key.text,
				type->allowed);
		free(key.text);
		if (result == 0)
			result = read_field(reader, field, fy_node_pair_value(pair), operation);
		if (result != 0)
			return result;
		seen[field - type->fields] = true;
	}
	for (const struct field *field = type->fields; field->name != NULL; field++)
		if (field->required && !seen[field - type->fields])
			return fail(reader, line, column, "%s lacks the field \"%s\"", type->name,
				field->name);
	return 0;
}

/* One item of the list: a mapping with one key, the operation's name. */
static int read_operation(
	struct reader *reader, struct fy_node *node, struct duis_overlay_operation *operation)
{
	struct duis_overlay_text name = {0};
	struct fy_node_pair *pair;
	int result;

	mark(reader, node);
	if (!fy_node_is_mapping(node) || fy_node_mapping_item_count(node) != 1)
		return fail(reader, reader->line, reader->column,
			"each operation is one mapping with one key, add_enumeration or "
			"add_element");
	pair = fy_node_mapping_get_by_index(node, 0);
	result = read_text(reader, fy_node_pair_key(pair), &name);
	if (result != 0)
		return result;
	for (size_t index = 0; index < OPERATION_TYPES; index++) {
		if (strcmp(operation_types[index].name, name.text) != 0)
			continue;
		free(name.text);
		operation->kind = operation_types[index].kind;
		return read_fields(
			reader, fy_node_pair_value(pair), &operation_types[index], operation);
	}
	result = fail(reader, name.line, name.column,
		"unknown operation \"%s\"; allowed are add_enumeration and add_element", name.text);
	free(name.text);
	return result;
}

static int read_operations(
	struct reader *reader, struct fy_node *node, struct duis_overlay *overlay)
{
	int count;

	mark(reader, node);
	if (!fy_node_is_sequence(node))
		return fail(reader, reader->line, reader->column,
			"operations must be a list of add_enumeration and add_element");
	count = fy_node_sequence_item_count(node);
	if (count > DUIS_OVERLAY_OPERATIONS_MAX)
		return fail(reader, reader->line, reader->column,
			"%d operations; at most %d are allowed", count,
			DUIS_OVERLAY_OPERATIONS_MAX);
	if (count == 0)
		return 0;
	overlay->operations = calloc((size_t)count, sizeof(overlay->operations[0]));
	if (overlay->operations == NULL)
		return fail_memory(reader);
	for (int index = 0; index < count; index++) {
		int result = read_operation(reader, fy_node_sequence_get_by_index(node, index),
			&overlay->operations[index]);

		overlay->operation_count = (size_t)index + 1;
		if (result != 0)
			return result;
	}
	return 0;
}

static int read_top(struct reader *reader, struct fy_node *root, struct duis_overlay *overlay)
{
	struct fy_node_pair *pair;
	void *position = NULL;
	bool has_operations = false;

	if (root == NULL || !fy_node_is_mapping(root))
		return fail(reader, 1, 1, "an overlay is a mapping with namespace and operations");
	while ((pair = fy_node_mapping_iterate(root, &position)) != NULL) {
		struct duis_overlay_text key = {0};
		int result = read_text(reader, fy_node_pair_key(pair), &key);

		if (result != 0)
			return result;
		if (strcmp(key.text, "namespace") == 0) {
			result = read_text(reader, fy_node_pair_value(pair), &overlay->namespace);
		} else if (strcmp(key.text, "operations") == 0) {
			has_operations = true;
			result = read_operations(reader, fy_node_pair_value(pair), overlay);
		} else {
			result = fail(reader, key.line, key.column,
				"unknown key \"%s\"; allowed are namespace and operations",
				key.text);
		}
		free(key.text);
		if (result != 0)
			return result;
	}
	if (overlay->namespace.text == NULL)
		return fail(reader, 1, 1, "the key \"namespace\" is missing");
	if (!has_operations)
		return fail(reader, 1, 1, "the key \"operations\" is missing");
	return 0;
}

static int report_syntax(struct reader *reader, struct fy_diag *diag)
{
	void *position = NULL;
	struct fy_diag_error *error = fy_diag_errors_iterate(diag, &position);

	if (error == NULL)
		return read_top(reader, NULL, NULL); /* an empty file is no document */
	return fail(reader, error->line > 0 ? error->line : 1,
		error->column > 0 ? error->column : 1, "not valid YAML: %s", error->msg);
}

static int read_file(struct reader *reader, FILE *file, struct duis_overlay *overlay)
{
	struct fy_diag_cfg diag_cfg;
	struct fy_diag *diag;
	struct fy_document *document;
	int result;

	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	diag_cfg.colorize = false;
	diag = fy_diag_create(&diag_cfg);
	if (diag == NULL)
		return fail_memory(reader);
	fy_diag_set_collect_errors(diag, true);
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE,
		.diag = diag,
	};
	document = fy_document_build_from_fp(&cfg, file);
	if (document == NULL) {
		result = report_syntax(reader, diag);
	} else {
		result = read_top(reader, fy_document_root(document), overlay);
		fy_document_destroy(document);
	}
	fy_diag_destroy(diag);
	return result;
}

int duis_overlay_read(
	const char *path, struct duis_overlay **overlay, char *reason, size_t reason_size)
{
	struct reader reader = {
		.path = path,
		.reason = reason,
		.reason_size = reason_size,
		.line = 1,
		.column = 1,
	};
	FILE *file = fopen(path, "re");
	struct duis_overlay *made;
	int result;

	*overlay = NULL;
	if (file == NULL) {
		result = -errno;
		fail(&reader, 1, 1, "cannot open the overlay: %s", strerror(-result));
		return result;
	}
	made = calloc(1, sizeof(*made));
	if (made != NULL)
		made->path = strdup(path);
	if (made == NULL || made->path == NULL)
		result = fail_memory(&reader);
	else
		result = read_file(&reader, file, made);
	fclose(file);
	if (result != 0) {
		duis_overlay_free(made);
		return result;
	}
	*overlay = made;
	return 0;
}

static void free_operation(struct duis_overlay_operation *operation)
{
	for (size_t index = 0; index < operation->value_count; index++)
		free(operation->values[index].text);
	free(operation->values);
	free(operation->to.text);
	free(operation->after.text);
	free(operation->name.text);
	free(operation->type.text);
}

void duis_overlay_free(struct duis_overlay *overlay)
{
	if (overlay == NULL)
		return;
	for (size_t index = 0; index < overlay->operation_count; index++)
		free_operation(&overlay->operations[index]);
	free(overlay->operations);
	free(overlay->namespace.text);
	free(overlay->path);
	free(overlay);
}
