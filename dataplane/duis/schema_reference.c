/* SPDX-License-Identifier: Apache-2.0 */
/* The schemas of the reference engine: which version is judged by which compiled XSD. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

#include "dataplane/duis/overlay.h"
#include "dataplane/duis/schema_set.h"
#include "dataplane/duis/schemas.h"

struct duis_reference_schemas {
	struct {
		char version[MW_SCHEMA_VERSION_SIZE];
		xmlSchemaPtr schema;
		xmlDocPtr document; /* that `schema` refers to */
		bool shared;	    /* with an earlier version, which owns it */
	} versions[DUIS_SCHEMA_VERSIONS_MAX];
	size_t count;
};

/* A decimal in its value space: digits without leading zeros before, and without trailing zeros
 * behind the point. */
struct decimal {
	bool negative;
	const char *whole;
	size_t whole_length;
	const char *fraction;
	size_t fraction_length;
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t digits(const char *text, const char *end)
{
	const char *at = text;

	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return (size_t)(at - text);
}

/* Read the lexical form of xs:decimal: sign?, digits with an optional point; at least one digit. */
static bool decimal_read(const char *text, size_t length, struct decimal *decimal)
{
	const char *end = text + length;

	while (text < end && is_blank(*text))
		text++;
	while (text < end && is_blank(end[-1]))
		end--;
	decimal->negative = text < end && *text == '-';
	if (text < end && (*text == '-' || *text == '+'))
		text++;
	decimal->whole = text;
	decimal->whole_length = digits(text, end);
	text += decimal->whole_length;
	decimal->fraction = text;
	decimal->fraction_length = 0;
	if (text < end && *text == '.') {
		decimal->fraction = ++text;
		decimal->fraction_length = digits(text, end);
		text += decimal->fraction_length;
	}
	if (text != end || decimal->whole_length + decimal->fraction_length == 0)
		return false;
	while (decimal->whole_length > 0 && *decimal->whole == '0') {
		decimal->whole++;
		decimal->whole_length--;
	}
	while (decimal->fraction_length > 0 &&
		decimal->fraction[decimal->fraction_length - 1] == '0')
		decimal->fraction_length--;
	if (decimal->whole_length + decimal->fraction_length == 0)
		decimal->negative = false;
	return true;
}

static bool decimal_equal(const struct decimal *one, const struct decimal *other)
{
	return one->negative == other->negative && one->whole_length == other->whole_length &&
	       one->fraction_length == other->fraction_length &&
	       memcmp(one->whole, other->whole, one->whole_length) == 0 &&
	       memcmp(one->fraction, other->fraction, one->fraction_length) == 0;
}

int duis_reference_schemas_find(
	const struct duis_reference_schemas *schemas, const char *version, size_t length)
{
	struct decimal wanted;
	struct decimal known;

	for (size_t index = 0; index < schemas->count; index++)
		if (strcmp(schemas->versions[index].version, DUIS_ANY_VERSION) == 0)
			return (int)index;
	if (!decimal_read(version, length, &wanted))
		return -1;
	for (size_t index = 0; index < schemas->count; index++) {
		const char *text = schemas->versions[index].version;

		if (decimal_read(text, strlen(text), &known) && decimal_equal(&wanted, &known))
			return (int)index;
	}
	return -1;
}

const char *duis_reference_schemas_version(const struct duis_reference_schemas *schemas, int index)
{
	assert(index >= 0 && (size_t)index < schemas->count);
	return schemas->versions[index].version;
}

xmlSchemaPtr duis_reference_schemas_compiled(
	const struct duis_reference_schemas *schemas, int index)
{
	assert(index >= 0 && (size_t)index < schemas->count);
	return schemas->versions[index].schema;
}

static int apply_overlays(struct duis_schema_set *set, const struct duis_schema_source *source)
{
	xmlDocPtr documents[DUIS_SCHEMA_DOCUMENTS_MAX];

	for (size_t index = 0; index < set->count; index++)
		documents[index] = set->documents[index].document;
	for (size_t index = 0; index < DUIS_SCHEMA_FILES_MAX && source->overlays[index] != NULL;
		index++) {
		struct duis_overlay *overlay;
		int result = duis_overlay_read(
			source->overlays[index], &overlay, set->reason, set->reason_size);

		if (result != 0)
			return result;
		result = duis_overlay_apply(
			overlay, documents, set->count, set->reason, set->reason_size);
		duis_overlay_free(overlay);
		if (result != 0)
			return result;
	}
	return 0;
}

static int compile(struct duis_reference_schemas *schemas, size_t index,
	const struct duis_schema_source *source, char *reason, size_t reason_size)
{
	struct duis_schema_set set = {.reason = reason, .reason_size = reason_size};
	int result = duis_schema_set_load(&set, source->xsd_path);

	if (result == 0)
		result = apply_overlays(&set, source);
	if (result == 0)
		result = duis_schema_set_replace_types(&set);
	if (result == 0) {
		schemas->versions[index].schema =
			duis_schema_set_compile(&set, &schemas->versions[index].document);
		result = set.failure;
	}
	duis_schema_set_release(&set);
	return result;
}

static bool same_files(const struct duis_schema_source *one, const struct duis_schema_source *other)
{
	if (strcmp(one->xsd_path, other->xsd_path) != 0)
		return false;
	for (size_t index = 0; index < DUIS_SCHEMA_FILES_MAX; index++) {
		const char *mine = one->overlays[index];
		const char *yours = other->overlays[index];

		if (mine == NULL || yours == NULL)
			return mine == yours;
		if (strcmp(mine, yours) != 0)
			return false;
	}
	return true;
}

static int add_version(struct duis_reference_schemas *schemas,
	const struct duis_schema_source *sources, size_t index, char *reason, size_t reason_size)
{
	const struct duis_schema_source *source = &sources[index];
	struct decimal version;
	size_t length = strnlen(source->version, sizeof(source->version));

	if (length == sizeof(source->version) ||
		(strcmp(source->version, DUIS_ANY_VERSION) != 0 &&
			!decimal_read(source->version, length, &version))) {
		snprintf(reason, reason_size,
			"%s:1:1: its version \"%.*s\" is no decimal number such as 5.1",
			source->xsd_path, (int)length, source->version);
		return -EINVAL;
	}
	if (duis_reference_schemas_find(schemas, source->version, length) >= 0) {
		snprintf(reason, reason_size,
			"%s:1:1: version %s has a schema already (versions compare by value)",
			source->xsd_path, source->version);
		return -EINVAL;
	}
	memcpy(schemas->versions[index].version, source->version, length + 1);
	schemas->count = index + 1;
	for (size_t earlier = 0; earlier < index; earlier++) {
		if (!same_files(source, &sources[earlier]))
			continue;
		schemas->versions[index].schema = schemas->versions[earlier].schema;
		schemas->versions[index].shared = true;
		return 0;
	}
	return compile(schemas, index, source, reason, reason_size);
}

struct duis_reference_schemas *duis_reference_schemas_create(
	const struct duis_schema_source *sources, size_t count, char *reason, size_t reason_size)
{
	struct duis_reference_schemas *schemas;

	assert(count >= 1 && count <= DUIS_SCHEMA_VERSIONS_MAX);
	xmlInitParser();
	schemas = calloc(1, sizeof(*schemas));
	if (schemas == NULL) {
		snprintf(reason, reason_size, "%s:1:1: out of memory", sources[0].xsd_path);
		return NULL;
	}
	for (size_t index = 0; index < count; index++) {
		int result = add_version(schemas, sources, index, reason, reason_size);

		if (result != 0) {
			duis_reference_schemas_destroy(schemas);
			errno = -result;
			return NULL;
		}
	}
	return schemas;
}

void duis_reference_schemas_destroy(struct duis_reference_schemas *schemas)
{
	if (schemas == NULL)
		return;
	for (size_t index = 0; index < schemas->count; index++) {
		if (schemas->versions[index].shared)
			continue;
		xmlSchemaFree(schemas->versions[index].schema);
		xmlFreeDoc(schemas->versions[index].document);
	}
	free(schemas);
}
