/* SPDX-License-Identifier: Apache-2.0 */
/* Every offset, index and table of an image is looked at here, once, so that the engine need not.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <openssl/sha.h>

#include "dataplane/duis/image.h"

#define SECTION_ALIGNMENT 64u

struct check {
	const struct duis_image *image;
	char *reason;
	size_t reason_size;
};

static const struct {
	const char *name;
	size_t record_size;
} sections[MW_IMAGE_SECTION_COUNT] = {
	[MW_IMAGE_TEXT] = {"text", 1},
	[MW_IMAGE_SOURCES] = {"sources", sizeof(struct mw_image_source)},
	[MW_IMAGE_NAMESPACES] = {"namespaces", sizeof(struct mw_image_text)},
	[MW_IMAGE_SYMBOLS] = {"symbols", sizeof(struct mw_image_symbol)},
	[MW_IMAGE_SYMBOL_HASH] = {"symbol table", sizeof(uint32_t)},
	[MW_IMAGE_TYPES] = {"types", sizeof(struct mw_image_type)},
	[MW_IMAGE_ATTRIBUTES] = {"attributes", sizeof(struct mw_image_attribute)},
	[MW_IMAGE_STATES] = {"states", sizeof(struct mw_image_state)},
	[MW_IMAGE_TRANSITIONS] = {"transitions", sizeof(struct mw_image_transition)},
	[MW_IMAGE_TRANSITION_HASH] = {"transition tables", sizeof(uint16_t)},
	[MW_IMAGE_SIMPLES] = {"simple types", sizeof(struct mw_image_simple)},
	[MW_IMAGE_VALUES] = {"values", sizeof(struct mw_image_text)},
	[MW_IMAGE_VALUE_HASH] = {"value tables", sizeof(uint16_t)},
	[MW_IMAGE_PATTERNS] = {"patterns", sizeof(struct mw_image_pattern)},
	[MW_IMAGE_CELLS] = {"cells", sizeof(uint16_t)},
	[MW_IMAGE_IMPORTS] = {"imports", sizeof(uint32_t)},
	[MW_IMAGE_SOURCE_TEXT] = {"source texts", 1},
};

__attribute__((format(printf, 2, 3))) static int refuse(
	struct check *check, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(check->reason, check->reason_size, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

static int refuse_record(
	struct check *check, enum mw_image_section section, uint32_t index, const char *what)
{
	return refuse(
		check, "not a valid schema image: %s %u: %s", sections[section].name, index, what);
}

static uint32_t count_of(const struct check *check, enum mw_image_section section)
{
	return check->image->counts[section];
}

/* The text must leave the padding behind it alone. */
static bool text_ok(const struct check *check, struct mw_image_text text)
{
	uint32_t room = count_of(check, MW_IMAGE_TEXT) - MW_IMAGE_TEXT_PADDING;

	return text.offset <= room && text.length <= room - text.offset;
}

static bool range_ok(
	const struct check *check, enum mw_image_section section, uint32_t first, uint32_t count)
{
	uint32_t room = count_of(check, section);

	return first <= room && count <= room - first;
}

static bool index_or_none(const struct check *check, enum mw_image_section section, uint32_t index)
{
	return index == MW_IMAGE_NONE || index < count_of(check, section);
}

static bool default_ok(const struct check *check, uint32_t value)
{
	return value == 0 || value - 1 < count_of(check, MW_IMAGE_VALUES);
}

static bool power_of_two(uint32_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/* Open addressing ends at a free entry: there must be one, and no entry above `limit`. */
static bool table_ok(const uint16_t *table, uint32_t size, uint32_t limit)
{
	uint32_t free_entries = 0;

	for (uint32_t index = 0; index < size; index++) {
		if (table[index] > limit)
			return false;
		free_entries += table[index] == 0;
	}
	return free_entries > 0;
}

static int check_sources(struct check *check)
{
	const struct duis_image *image = check->image;

	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_SOURCES); index++) {
		const struct mw_image_source *source = &image->sources[index];

		if (!text_ok(check, source->name) || !text_ok(check, source->version) ||
			!index_or_none(check, MW_IMAGE_NAMESPACES, source->target_namespace) ||
			!range_ok(check, MW_IMAGE_SOURCE_TEXT, source->first_byte,
				source->byte_count) ||
			!range_ok(check, MW_IMAGE_IMPORTS, source->first_import,
				source->import_count))
			return refuse_record(check, MW_IMAGE_SOURCES, index, "out of bounds");
	}
	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_IMPORTS); index++)
		if (image->imports[index] >= count_of(check, MW_IMAGE_SOURCES))
			return refuse_record(check, MW_IMAGE_IMPORTS, index, "out of bounds");
	return 0;
}

static int check_names(struct check *check)
{
	const struct duis_image *image = check->image;
	uint32_t free_entries = 0;

	if (count_of(check, MW_IMAGE_NAMESPACES) > MW_IMAGE_NAMESPACES_MAX)
		return refuse(check, "not a valid schema image: too many namespaces");
	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_NAMESPACES); index++)
		if (!text_ok(check, image->namespaces[index]))
			return refuse_record(check, MW_IMAGE_NAMESPACES, index, "out of bounds");
	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_SYMBOLS); index++) {
		const struct mw_image_symbol *symbol = &image->symbols[index];

		if (!text_ok(check, symbol->name) || symbol->name.length == 0 ||
			symbol->name.length > MW_IMAGE_NAME_MAX ||
			!index_or_none(check, MW_IMAGE_NAMESPACES, symbol->name_space) ||
			!index_or_none(check, MW_IMAGE_TYPES, symbol->global_type) ||
			!default_ok(check, symbol->global_default))
			return refuse_record(check, MW_IMAGE_SYMBOLS, index, "out of bounds");
	}
	if (!power_of_two(count_of(check, MW_IMAGE_SYMBOL_HASH)))
		return refuse(check, "not a valid schema image: size of the symbol table");
	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_SYMBOL_HASH); index++) {
		if (image->symbol_hash[index] > count_of(check, MW_IMAGE_SYMBOLS))
			return refuse_record(check, MW_IMAGE_SYMBOL_HASH, index, "out of bounds");
		free_entries += image->symbol_hash[index] == 0;
	}
	if (free_entries == 0)
		return refuse(check, "not a valid schema image: the symbol table is full");
	return 0;
}

static int check_types(struct check *check)
{
	const struct duis_image *image = check->image;

	if (count_of(check, MW_IMAGE_TYPES) == 0 ||
		image->types[0].content != MW_IMAGE_CONTENT_MIXED || !image->types[0].any_attribute)
		return refuse(check, "not a valid schema image: type 0 is not xs:anyType");
	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_TYPES); index++) {
		const struct mw_image_type *type = &image->types[index];
		bool simple = type->content == MW_IMAGE_CONTENT_SIMPLE;

		if (type->content > MW_IMAGE_CONTENT_MIXED)
			return refuse_record(check, MW_IMAGE_TYPES, index, "kind of content");
		if (!text_ok(check, type->name) ||
			(simple ? type->simple >= count_of(check, MW_IMAGE_SIMPLES)
				: type->state_count == 0 ||
						!range_ok(check, MW_IMAGE_STATES, type->start_state,
							type->state_count)) ||
			!range_ok(check, MW_IMAGE_ATTRIBUTES, type->first_attribute,
				type->attribute_count) ||
			type->attribute_count > MW_IMAGE_ATTRIBUTES_MAX ||
			type->required_count > type->attribute_count)
			return refuse_record(check, MW_IMAGE_TYPES, index, "out of bounds");
	}
	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_ATTRIBUTES); index++) {
		const struct mw_image_attribute *attribute = &image->attributes[index];

		if (!text_ok(check, attribute->name) || attribute->name.length == 0 ||
			attribute->name.length > MW_IMAGE_NAME_MAX ||
			attribute->simple >= count_of(check, MW_IMAGE_SIMPLES))
			return refuse_record(check, MW_IMAGE_ATTRIBUTES, index, "out of bounds");
	}
	return 0;
}

static int check_states(struct check *check)
{
	const struct duis_image *image = check->image;

	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_STATES); index++) {
		const struct mw_image_state *state = &image->states[index];
		uint32_t elements = (uint32_t)state->transition_count - state->wildcard_count;

		if (!range_ok(check, MW_IMAGE_TRANSITIONS, state->first_transition,
			    state->transition_count) ||
			state->wildcard_count > state->transition_count ||
			!index_or_none(check, MW_IMAGE_TRANSITIONS, state->own))
			return refuse_record(check, MW_IMAGE_STATES, index, "out of bounds");
		if (state->hash_mask == 0)
			continue;
		if (!power_of_two(state->hash_mask + 1) ||
			!range_ok(check, MW_IMAGE_TRANSITION_HASH, state->first_hash,
				state->hash_mask + 1) ||
			!table_ok(image->transition_hash + state->first_hash, state->hash_mask + 1,
				elements))
			return refuse_record(check, MW_IMAGE_STATES, index, "table");
	}
	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_TRANSITIONS); index++) {
		const struct mw_image_transition *transition = &image->transitions[index];
		struct mw_image_text name = {transition->name_offset, transition->name_length};

		if (transition->kind > MW_IMAGE_OTHER)
			return refuse_record(check, MW_IMAGE_TRANSITIONS, index, "kind");
		if (transition->target >= count_of(check, MW_IMAGE_STATES) ||
			!index_or_none(check, MW_IMAGE_NAMESPACES, transition->name_space))
			return refuse_record(check, MW_IMAGE_TRANSITIONS, index, "out of bounds");
		if (transition->kind != MW_IMAGE_ELEMENT)
			continue;
		if (!text_ok(check, name) || name.length == 0 || name.length > MW_IMAGE_NAME_MAX ||
			transition->symbol >= count_of(check, MW_IMAGE_SYMBOLS) ||
			transition->type >= count_of(check, MW_IMAGE_TYPES) ||
			!default_ok(check, transition->default_value))
			return refuse_record(check, MW_IMAGE_TRANSITIONS, index, "out of bounds");
	}
	return 0;
}

static int check_simples(struct check *check)
{
	const struct duis_image *image = check->image;

	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_SIMPLES); index++) {
		const struct mw_image_simple *simple = &image->simples[index];

		if (simple->kind >= MW_IMAGE_KIND_COUNT ||
			simple->white_space > MW_IMAGE_COLLAPSE ||
			(simple->facets & ~(uint32_t)MW_IMAGE_FACETS) != 0)
			return refuse_record(check, MW_IMAGE_SIMPLES, index, "kind");
		if (!text_ok(check, simple->name) || !text_ok(check, simple->minimum) ||
			!text_ok(check, simple->maximum) ||
			!range_ok(check, MW_IMAGE_VALUES, simple->first_value, simple->value_count))
			return refuse_record(check, MW_IMAGE_SIMPLES, index, "out of bounds");
		if ((simple->facets & MW_IMAGE_HAS_PATTERNS) &&
			(simple->pattern_count != 1 ||
				simple->first_pattern >= count_of(check, MW_IMAGE_PATTERNS)))
			return refuse_record(check, MW_IMAGE_SIMPLES, index, "pattern");
		if ((simple->facets & MW_IMAGE_HAS_VALUES) &&
			(!power_of_two(simple->value_hash_mask + 1) ||
				!range_ok(check, MW_IMAGE_VALUE_HASH, simple->first_value_hash,
					simple->value_hash_mask + 1) ||
				!table_ok(image->value_hash + simple->first_value_hash,
					simple->value_hash_mask + 1, simple->value_count)))
			return refuse_record(check, MW_IMAGE_SIMPLES, index, "table");
	}
	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_VALUES); index++)
		if (!text_ok(check, image->values[index]))
			return refuse_record(check, MW_IMAGE_VALUES, index, "out of bounds");
	return 0;
}

static int check_patterns(struct check *check)
{
	const struct duis_image *image = check->image;

	for (uint32_t index = 0; index < count_of(check, MW_IMAGE_PATTERNS); index++) {
		const struct mw_image_pattern *pattern = &image->patterns[index];
		uint32_t cells = (uint32_t)pattern->state_count * pattern->class_count;

		if (!text_ok(check, pattern->source) || pattern->class_count == 0 ||
			pattern->class_count > 256 || pattern->start >= pattern->state_count ||
			pattern->fixed_state >= pattern->state_count ||
			pattern->fixed_length > MW_IMAGE_FIXED_MAX ||
			!range_ok(check, MW_IMAGE_CELLS, pattern->first_cell, cells))
			return refuse_record(check, MW_IMAGE_PATTERNS, index, "out of bounds");
		for (unsigned byte = 0; byte < 256; byte++)
			if (pattern->classes[byte] >= pattern->class_count)
				return refuse_record(check, MW_IMAGE_PATTERNS, index, "class");
		for (uint32_t cell = 0; cell < cells; cell++)
			if (image->cells[pattern->first_cell + cell] >= pattern->state_count)
				return refuse_record(check, MW_IMAGE_PATTERNS, index, "cell");
	}
	return 0;
}

static int check_header(struct check *check, const uint8_t *bytes, size_t length)
{
	static const uint8_t zeros[32];
	const struct mw_image_header *header = (const struct mw_image_header *)bytes;
	const size_t at = offsetof(struct mw_image_header, checksum);
	uint8_t digest[32];
	SHA256_CTX sha;

	if (length < sizeof(*header) || memcmp(header->magic, MW_IMAGE_MAGIC, 8) != 0)
		return refuse(check, "not a schema image");
	if (header->format_version != MW_IMAGE_FORMAT_VERSION)
		return refuse(check,
			"schema image of format %u; this program reads format %u: make it again "
			"with motorway-schema compile",
			header->format_version, MW_IMAGE_FORMAT_VERSION);
	if (header->header_size != sizeof(*header) || header->file_size != length ||
		header->section_count != MW_IMAGE_SECTION_COUNT || length > MW_IMAGE_BYTES_MAX)
		return refuse(check, "not a valid schema image: size %zu, %u expected", length,
			header->file_size);
	SHA256_Init(&sha);
	SHA256_Update(&sha, bytes, at);
	SHA256_Update(&sha, zeros, sizeof(zeros));
	SHA256_Update(&sha, bytes + at + sizeof(zeros), length - at - sizeof(zeros));
	SHA256_Final(digest, &sha);
	if (memcmp(digest, header->checksum, sizeof(digest)) != 0)
		return refuse(check, "not a valid schema image: the checksum is wrong");
	for (unsigned section = 0; section < MW_IMAGE_SECTION_COUNT; section++) {
		uint64_t size =
			header->sections[section].count * (uint64_t)sections[section].record_size;

		if (header->sections[section].offset % SECTION_ALIGNMENT != 0 ||
			header->sections[section].offset < sizeof(*header) ||
			header->sections[section].offset > length ||
			size > length - header->sections[section].offset)
			return refuse(check,
				"not a valid schema image: section %s is out of bounds",
				sections[section].name);
	}
	/* What is left out of memory must be nothing else. */
	for (unsigned section = 0; section < MW_IMAGE_SOURCE_TEXT; section++)
		if (header->sections[section].offset +
				header->sections[section].count *
					(uint64_t)sections[section].record_size >
			header->sections[MW_IMAGE_SOURCE_TEXT].offset)
			return refuse(check,
				"not a valid schema image: section %s is behind the source texts",
				sections[section].name);
	if (header->sections[MW_IMAGE_TEXT].count < MW_IMAGE_TEXT_PADDING)
		return refuse(check, "not a valid schema image: no padding behind the text");
	return 0;
}

int duis_image_check(const uint8_t *bytes, size_t length, struct duis_image *image, char *reason,
	size_t reason_size)
{
	struct check check = {.image = image, .reason = reason, .reason_size = reason_size};
	const struct mw_image_extent *extents;
	int result = check_header(&check, bytes, length);

	if (result != 0)
		return result;
	image->header = (const struct mw_image_header *)bytes;
	extents = image->header->sections;
	for (unsigned section = 0; section < MW_IMAGE_SECTION_COUNT; section++)
		image->counts[section] = extents[section].count;
#define AT(section) ((const void *)(bytes + extents[section].offset))
	image->text = AT(MW_IMAGE_TEXT);
	image->sources = AT(MW_IMAGE_SOURCES);
	image->namespaces = AT(MW_IMAGE_NAMESPACES);
	image->symbols = AT(MW_IMAGE_SYMBOLS);
	image->symbol_hash = AT(MW_IMAGE_SYMBOL_HASH);
	image->types = AT(MW_IMAGE_TYPES);
	image->attributes = AT(MW_IMAGE_ATTRIBUTES);
	image->states = AT(MW_IMAGE_STATES);
	image->transitions = AT(MW_IMAGE_TRANSITIONS);
	image->transition_hash = AT(MW_IMAGE_TRANSITION_HASH);
	image->simples = AT(MW_IMAGE_SIMPLES);
	image->values = AT(MW_IMAGE_VALUES);
	image->value_hash = AT(MW_IMAGE_VALUE_HASH);
	image->patterns = AT(MW_IMAGE_PATTERNS);
	image->cells = AT(MW_IMAGE_CELLS);
	image->imports = AT(MW_IMAGE_IMPORTS);
	image->source_text = AT(MW_IMAGE_SOURCE_TEXT);
#undef AT
	if ((result = check_sources(&check)) != 0 || (result = check_names(&check)) != 0 ||
		(result = check_types(&check)) != 0 || (result = check_states(&check)) != 0 ||
		(result = check_simples(&check)) != 0)
		return result;
	return check_patterns(&check);
}
