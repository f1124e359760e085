/* SPDX-License-Identifier: Apache-2.0 */
/* Laying out the image: records with indexes, tables of hashes, offsets, checksum. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "control/schema_model.h"

#define SECTION_ALIGNMENT 64u
/* States with fewer ways on are searched in order. */
#define HASHED_TRANSITIONS_MIN 5u

static const size_t record_sizes[MW_IMAGE_SECTION_COUNT] = {
	[MW_IMAGE_TEXT] = 1,
	[MW_IMAGE_SOURCES] = sizeof(struct mw_image_source),
	[MW_IMAGE_NAMESPACES] = sizeof(struct mw_image_text),
	[MW_IMAGE_SYMBOLS] = sizeof(struct mw_image_symbol),
	[MW_IMAGE_SYMBOL_HASH] = sizeof(uint32_t),
	[MW_IMAGE_TYPES] = sizeof(struct mw_image_type),
	[MW_IMAGE_ATTRIBUTES] = sizeof(struct mw_image_attribute),
	[MW_IMAGE_STATES] = sizeof(struct mw_image_state),
	[MW_IMAGE_TRANSITIONS] = sizeof(struct mw_image_transition),
	[MW_IMAGE_TRANSITION_HASH] = sizeof(uint16_t),
	[MW_IMAGE_SIMPLES] = sizeof(struct mw_image_simple),
	[MW_IMAGE_VALUES] = sizeof(struct mw_image_text),
	[MW_IMAGE_VALUE_HASH] = sizeof(uint16_t),
	[MW_IMAGE_PATTERNS] = sizeof(struct mw_image_pattern),
	[MW_IMAGE_CELLS] = sizeof(uint16_t),
	[MW_IMAGE_IMPORTS] = sizeof(uint32_t),
	[MW_IMAGE_SOURCE_TEXT] = 1,
};

struct writer {
	struct schema *schema;
	struct schema_array sections[MW_IMAGE_SECTION_COUNT];
	struct schema_array texts; /* struct mw_image_text: those in the text section */
	uint32_t *text_table;	   /* open addressing: index of texts + 1, or 0 */
	uint32_t text_table_size;  /* a power of two, 0 at first */
};

static void *add(struct writer *writer, enum mw_image_section section)
{
	return schema_append(writer->schema, &writer->sections[section], record_sizes[section]);
}

static uint32_t count_of(const struct writer *writer, enum mw_image_section section)
{
	return writer->sections[section].count;
}

static const char *text_at(const struct writer *writer, struct mw_image_text text)
{
	return (const char *)writer->sections[MW_IMAGE_TEXT].items + text.offset;
}

/* The table's entry for a text: where it is, or where it would go. */
static uint32_t *find_text(const struct writer *writer, const char *text, uint32_t length)
{
	const struct mw_image_text *known = writer->texts.items;
	uint32_t slot = mw_image_hash((const uint8_t *)text, length, 0);

	for (;; slot++) {
		uint32_t *entry = &writer->text_table[slot & (writer->text_table_size - 1)];

		if (*entry == 0 ||
			(known[*entry - 1].length == length &&
				memcmp(text_at(writer, known[*entry - 1]), text, length) == 0))
			return entry;
	}
}

static void grow_text_table(struct writer *writer)
{
	const struct mw_image_text *known = writer->texts.items;

	writer->text_table_size = writer->text_table_size == 0 ? 1024 : 2 * writer->text_table_size;
	writer->text_table = schema_allocate(
		writer->schema, writer->text_table_size * sizeof(*writer->text_table));
	for (uint32_t index = 0; index < writer->texts.count; index++)
		*find_text(writer, text_at(writer, known[index]), known[index].length) = index + 1;
}

static struct mw_image_text add_text(struct writer *writer, const char *text)
{
	struct schema_array *bytes = &writer->sections[MW_IMAGE_TEXT];
	struct mw_image_text result = {bytes->count, (uint32_t)strlen(text)};
	uint32_t *entry;

	if (2 * writer->texts.count >= writer->text_table_size)
		grow_text_table(writer);
	entry = find_text(writer, text, result.length);
	if (*entry != 0)
		return ((struct mw_image_text *)writer->texts.items)[*entry - 1];
	for (uint32_t index = 0; index < result.length; index++)
		*(char *)schema_append(writer->schema, bytes, 1) = text[index];
	*(struct mw_image_text *)schema_append(writer->schema, &writer->texts, sizeof(result)) =
		result;
	*entry = writer->texts.count;
	return result;
}

/* A power of two with room for `count` entries, half of them free. */
static uint32_t table_size(uint32_t count)
{
	uint32_t size = 2;

	while (size < count * 2)
		size *= 2;
	return size;
}

/* ---- sources, namespaces, symbols ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Append the file's bytes to the section of source texts, all at once. */
static void write_source_text(
	struct writer *writer, struct mw_image_source *source, const void *bytes, size_t length)
{
	struct schema_array *texts = &writer->sections[MW_IMAGE_SOURCE_TEXT];
	size_t needed = texts->count + length;

	if (needed > MW_IMAGE_BYTES_MAX)
		schema_fail(writer->schema, -EFBIG, NULL, "%s: the sources are larger than %u MB",
			writer->schema->set->documents[0].path, MW_IMAGE_BYTES_MAX >> 20);
	if (needed > texts->capacity) {
		void *items = schema_allocate(writer->schema, 2 * needed);

		if (texts->count > 0)
			memcpy(items, texts->items, texts->count);
		texts->items = items;
		texts->capacity = (uint32_t)(2 * needed);
	}
	source->first_byte = texts->count;
	source->byte_count = (uint32_t)length;
	if (length > 0)
		memcpy((uint8_t *)texts->items + texts->count, bytes, length);
	texts->count += (uint32_t)length;
}

static void write_imports(struct writer *writer, struct mw_image_source *source, xmlNodePtr root)
{
	const struct duis_schema_set *set = writer->schema->set;

	source->first_import = count_of(writer, MW_IMAGE_IMPORTS);
	for (xmlNodePtr node = root->children; node != NULL; node = node->next) {
		size_t named = duis_schema_set_named(set, node);

		if (named < set->count)
			*(uint32_t *)add(writer, MW_IMAGE_IMPORTS) = (uint32_t)named;
	}
	source->import_count = count_of(writer, MW_IMAGE_IMPORTS) - source->first_import;
}

static void write_sources(struct writer *writer)
{
	struct schema *schema = writer->schema;

	for (size_t index = 0; index < schema->set->count; index++) {
		xmlNodePtr root = xmlDocGetRootElement(schema->set->documents[index].document);
		const char *version = schema_attribute_text(schema, root, "version");
		const char *uri = schema_attribute_text(schema, root, "targetNamespace");
		struct mw_image_source source = {0};

		source.name = add_text(writer, base_name(schema->set->documents[index].path));
		source.version = add_text(writer, version != NULL ? version : "");
		source.target_namespace = schema_namespace(schema, uri != NULL ? uri : "");
		write_source_text(writer, &source, schema->set->documents[index].bytes,
			(size_t)schema->set->documents[index].byte_count);
		write_imports(writer, &source, root);
		*(struct mw_image_source *)add(writer, MW_IMAGE_SOURCES) = source;
	}
	for (size_t index = 0; index < schema->overlay_count; index++) {
		struct mw_image_source source = {
			.is_overlay = 1, .target_namespace = MW_IMAGE_NONE};

		source.name = add_text(writer, base_name(schema->overlays[index]));
		source.version = add_text(writer, "");
		write_source_text(writer, &source, schema->overlay_texts[index].bytes,
			schema->overlay_texts[index].length);
		*(struct mw_image_source *)add(writer, MW_IMAGE_SOURCES) = source;
	}
}

static void write_namespaces(struct writer *writer)
{
	const char **uris = writer->schema->namespaces.items;

	for (uint32_t index = 0; index < writer->schema->namespaces.count; index++) {
		struct mw_image_text text = add_text(writer, uris[index]);

		*(struct mw_image_text *)add(writer, MW_IMAGE_NAMESPACES) = text;
	}
}

static void write_symbols(struct writer *writer)
{
	const struct schema_symbol *symbols = writer->schema->symbols.items;
	uint32_t count = writer->schema->symbols.count;
	uint32_t size = table_size(count);
	uint32_t *table;

	for (uint32_t index = 0; index < count; index++) {
		struct mw_image_symbol symbol = {.name = add_text(writer, symbols[index].name),
			.name_space = symbols[index].name_space,
			.global_type = symbols[index].global_type,
			.global_default = symbols[index].global_default};

		*(struct mw_image_symbol *)add(writer, MW_IMAGE_SYMBOLS) = symbol;
	}
	for (uint32_t index = 0; index < size; index++)
		add(writer, MW_IMAGE_SYMBOL_HASH);
	table = writer->sections[MW_IMAGE_SYMBOL_HASH].items;
	for (uint32_t index = 0; index < count; index++) {
		uint32_t slot = mw_image_hash((const uint8_t *)symbols[index].name,
			(uint32_t)strlen(symbols[index].name), symbols[index].name_space + 1);

		while (table[slot & (size - 1)] != 0)
			slot++;
		table[slot & (size - 1)] = index + 1;
	}
}

/* ---- simple types ---- */

static void write_patterns(struct writer *writer)
{
	struct schema_dfa **dfas = writer->schema->patterns.items;

	for (uint32_t index = 0; index < writer->schema->patterns.count; index++) {
		const struct schema_dfa *dfa = dfas[index];
		struct mw_image_pattern pattern = {.source = add_text(writer, dfa->source),
			.first_cell = count_of(writer, MW_IMAGE_CELLS),
			.state_count = dfa->state_count,
			.class_count = dfa->class_count,
			.start = dfa->start,
			.first_accept = dfa->first_accept,
			.fixed_length = dfa->fixed_length,
			.fixed_state = dfa->fixed_state};

		memcpy(pattern.low, dfa->low, sizeof(pattern.low));
		memcpy(pattern.high, dfa->high, sizeof(pattern.high));
		memcpy(pattern.fixed, dfa->fixed, sizeof(pattern.fixed));
		memcpy(pattern.classes, dfa->classes, sizeof(pattern.classes));
		*(struct mw_image_pattern *)add(writer, MW_IMAGE_PATTERNS) = pattern;
		for (uint32_t cell = 0; cell < (uint32_t)dfa->state_count * dfa->class_count;
			cell++)
			*(uint16_t *)add(writer, MW_IMAGE_CELLS) = dfa->cells[cell];
	}
}

static void write_values(
	struct writer *writer, const struct schema_simple *simple, struct mw_image_simple *record)
{
	const char **values = simple->values.items;
	uint32_t size = table_size(simple->values.count);
	uint16_t *table;

	record->first_value = count_of(writer, MW_IMAGE_VALUES);
	record->first_value_hash = count_of(writer, MW_IMAGE_VALUE_HASH);
	if (!(simple->facets & MW_IMAGE_HAS_VALUES))
		return;
	record->value_count = simple->values.count;
	record->value_hash_mask = size - 1;
	for (uint32_t index = 0; index < size; index++)
		add(writer, MW_IMAGE_VALUE_HASH);
	table = (uint16_t *)writer->sections[MW_IMAGE_VALUE_HASH].items + record->first_value_hash;
	for (uint32_t index = 0; index < simple->values.count; index++) {
		struct mw_image_text text = add_text(writer, values[index]);
		uint32_t slot = mw_image_hash((const uint8_t *)values[index], text.length, 0);

		*(struct mw_image_text *)add(writer, MW_IMAGE_VALUES) = text;
		while (table[slot & (size - 1)] != 0)
			slot++;
		table[slot & (size - 1)] = (uint16_t)(index + 1);
	}
}

/* The bound as an inclusive int64 for values of at most 18 digits; out of their reach it clips. */
static int64_t clip_bound(const char *bound, bool exclusive, bool is_min)
{
	bool negative = *bound == '-';
	const char *digits = bound + negative;
	size_t whole = strcspn(digits, ".");
	bool fraction = digits[whole] == '.';
	int64_t value;

	if (whole > 18)
		return negative ? INT64_MIN : INT64_MAX;
	value = strtoll(bound, NULL, 10);
	if (fraction) {
		/* 1.5 as a minimum is 2, as a maximum 1; -1.5 is -1 and -2. */
		if (is_min && !negative)
			value++;
		if (!is_min && negative)
			value--;
		return value;
	}
	if (exclusive)
		value += is_min ? 1 : -1;
	return value;
}

static void write_simple(struct writer *writer, const struct schema_simple *simple)
{
	struct mw_image_simple record = {.name = add_text(writer, simple->name),
		.kind = simple->kind,
		.white_space = simple->white_space,
		.facets = simple->facets,
		.length_min = simple->length_min,
		.length_max = simple->length_max,
		.total_digits = simple->total_digits,
		.fraction_digits = simple->fraction_digits,
		.first_pattern = MW_IMAGE_NONE,
		.pattern_count = (simple->facets & MW_IMAGE_HAS_PATTERNS) != 0,
		.minimum = add_text(writer, simple->minimum != NULL ? simple->minimum : ""),
		.maximum = add_text(writer, simple->maximum != NULL ? simple->maximum : ""),
		.minimum_integer = INT64_MIN,
		.maximum_integer = INT64_MAX};

	if (simple->facets & MW_IMAGE_HAS_PATTERNS)
		record.first_pattern = simple->pattern;
	if (simple->minimum != NULL)
		record.minimum_integer = clip_bound(
			simple->minimum, (simple->facets & MW_IMAGE_MIN_EXCLUSIVE) != 0, true);
	if (simple->maximum != NULL)
		record.maximum_integer = clip_bound(
			simple->maximum, (simple->facets & MW_IMAGE_MAX_EXCLUSIVE) != 0, false);
	write_values(writer, simple, &record);
	*(struct mw_image_simple *)add(writer, MW_IMAGE_SIMPLES) = record;
}

static uint32_t write_defaults(struct writer *writer)
{
	const char **defaults = writer->schema->defaults.items;
	uint32_t first = count_of(writer, MW_IMAGE_VALUES);

	for (uint32_t index = 0; index < writer->schema->defaults.count; index++) {
		struct mw_image_text text = add_text(writer, defaults[index]);

		*(struct mw_image_text *)add(writer, MW_IMAGE_VALUES) = text;
	}
	return first;
}

/* ---- types ---- */

static void write_attributes(
	struct writer *writer, const struct schema_type *type, struct mw_image_type *record)
{
	const struct schema_attribute *attributes = type->attributes.items;

	record->first_attribute = count_of(writer, MW_IMAGE_ATTRIBUTES);
	for (int optional = 0; optional < 2; optional++)
		for (uint32_t index = 0; index < type->attributes.count; index++) {
			struct mw_image_attribute attribute = {
				.name = add_text(writer, attributes[index].name),
				.simple = attributes[index].simple,
				.required = attributes[index].required};

			if (attributes[index].required == (optional != 0))
				continue;
			*(struct mw_image_attribute *)add(writer, MW_IMAGE_ATTRIBUTES) = attribute;
			record->attribute_count++;
			record->required_count += attributes[index].required;
		}
}

static uint32_t write_transition(
	struct writer *writer, const struct schema_particle *particle, uint32_t target)
{
	struct mw_image_transition record = {.symbol = MW_IMAGE_NONE,
		.target = target,
		.type = MW_IMAGE_NONE,
		.kind = (uint8_t)(particle->kind - SCHEMA_ELEMENT + MW_IMAGE_ELEMENT),
		.lax = particle->lax,
		.name_space = particle->name_space};

	static_assert(SCHEMA_ANY - SCHEMA_ELEMENT == MW_IMAGE_ANY &&
			      SCHEMA_OTHER - SCHEMA_ELEMENT == MW_IMAGE_OTHER,
		"particle kinds in the same order");
	if (particle->kind == SCHEMA_ELEMENT) {
		const struct schema_symbol *symbol =
			&((struct schema_symbol *)writer->schema->symbols.items)[particle->symbol];
		struct mw_image_text name = add_text(writer, symbol->name);

		record.symbol = particle->symbol;
		record.type = particle->type;
		record.name_offset = name.offset;
		record.name_length = (uint16_t)name.length;
		record.name_space = symbol->name_space;
		record.default_value = particle->default_value;
	}
	*(struct mw_image_transition *)add(writer, MW_IMAGE_TRANSITIONS) = record;
	return count_of(writer, MW_IMAGE_TRANSITIONS) - 1;
}

static void write_transition_hash(struct writer *writer, struct mw_image_state *state)
{
	const struct mw_image_transition *transitions =
		(const struct mw_image_transition *)writer->sections[MW_IMAGE_TRANSITIONS].items +
		state->first_transition;
	uint32_t elements = (uint32_t)state->transition_count - state->wildcard_count;
	uint32_t size = table_size(elements);
	uint16_t *table;

	state->first_hash = count_of(writer, MW_IMAGE_TRANSITION_HASH);
	if (elements < HASHED_TRANSITIONS_MIN)
		return;
	state->hash_mask = size - 1;
	for (uint32_t index = 0; index < size; index++)
		add(writer, MW_IMAGE_TRANSITION_HASH);
	table = (uint16_t *)writer->sections[MW_IMAGE_TRANSITION_HASH].items + state->first_hash;
	for (uint32_t index = 0; index < elements; index++) {
		uint32_t slot = transitions[index].symbol;

		while (table[slot & (size - 1)] != 0)
			slot++;
		table[slot & (size - 1)] = (uint16_t)(index + 1);
	}
}

static void write_states(
	struct writer *writer, const struct schema_type *type, struct mw_image_type *record)
{
	record->start_state = count_of(writer, MW_IMAGE_STATES);
	record->state_count = type->state_count;
	for (uint32_t index = 0; index < type->state_count; index++) {
		const struct schema_state *state = &type->states[index];
		struct mw_image_state entry = {.repeat_min = state->repeat_min,
			.repeat_max = state->repeat_max,
			.own = MW_IMAGE_NONE,
			.accept = state->accept};

		if (state->next_count >= UINT16_MAX)
			schema_fail(writer->schema, -EINVAL, type->node,
				"the content model is too large");
		if (state->particle != NULL)
			entry.own = write_transition(
				writer, state->particle, record->start_state + index);
		entry.first_transition = count_of(writer, MW_IMAGE_TRANSITIONS);
		entry.transition_count = (uint16_t)state->next_count;
		for (uint32_t next = 0; next < state->next_count; next++) {
			const struct schema_particle *particle =
				type->states[state->next[next]].particle;

			write_transition(writer, particle, record->start_state + state->next[next]);
			entry.wildcard_count += particle->kind != SCHEMA_ELEMENT;
		}
		write_transition_hash(writer, &entry);
		*(struct mw_image_state *)add(writer, MW_IMAGE_STATES) = entry;
	}
}

static void write_type(struct writer *writer, const struct schema_type *type)
{
	struct mw_image_type record = {.name = add_text(writer, type->name),
		.content = type->content,
		.simple = type->simple,
		.is_abstract = type->is_abstract,
		.any_attribute = type->any_attribute};

	write_attributes(writer, type, &record);
	write_states(writer, type, &record);
	*(struct mw_image_type *)add(writer, MW_IMAGE_TYPES) = record;
}

/* Defaults lie behind the enumeration values: make their numbers indexes of the section. */
static void move_defaults(struct writer *writer, uint32_t first)
{
	struct mw_image_symbol *symbols = writer->sections[MW_IMAGE_SYMBOLS].items;
	struct mw_image_transition *transitions = writer->sections[MW_IMAGE_TRANSITIONS].items;

	for (uint32_t index = 0; index < count_of(writer, MW_IMAGE_SYMBOLS); index++)
		if (symbols[index].global_default != 0)
			symbols[index].global_default += first;
	for (uint32_t index = 0; index < count_of(writer, MW_IMAGE_TRANSITIONS); index++)
		if (transitions[index].default_value != 0)
			transitions[index].default_value += first;
}

/* ---- the file ---- */

static uint8_t *assemble(struct writer *writer, size_t *length)
{
	struct mw_image_header header = {.format_version = MW_IMAGE_FORMAT_VERSION,
		.header_size = sizeof(header),
		.section_count = MW_IMAGE_SECTION_COUNT};
	size_t offset = sizeof(header);
	uint8_t *image;

	memcpy(header.magic, MW_IMAGE_MAGIC, sizeof(header.magic));
	for (unsigned section = 0; section < MW_IMAGE_SECTION_COUNT; section++) {
		offset = (offset + SECTION_ALIGNMENT - 1) & ~(size_t)(SECTION_ALIGNMENT - 1);
		header.sections[section].offset = (uint32_t)offset;
		header.sections[section].count = writer->sections[section].count;
		offset += writer->sections[section].count * record_sizes[section];
	}
	if (offset > MW_IMAGE_BYTES_MAX)
		schema_fail(writer->schema, -EFBIG, NULL,
			"%s: the image would be larger than %u MB",
			writer->schema->set->documents[0].path, MW_IMAGE_BYTES_MAX >> 20);
	header.file_size = (uint32_t)offset;
	image = calloc(1, offset);
	if (image == NULL)
		schema_fail(writer->schema, -ENOMEM, NULL, "out of memory");
	for (unsigned section = 0; section < MW_IMAGE_SECTION_COUNT; section++)
		if (writer->sections[section].count > 0)
			memcpy(image + header.sections[section].offset,
				writer->sections[section].items,
				writer->sections[section].count * record_sizes[section]);
	memcpy(image, &header, sizeof(header));
	SHA256(image, offset, header.checksum);
	memcpy(image, &header, sizeof(header));
	*length = offset;
	return image;
}

uint8_t *schema_write(struct schema *schema, size_t *length)
{
	struct writer *writer = schema_allocate(schema, sizeof(*writer));
	struct schema_type **types = schema->types.items;

	writer->schema = schema;
	write_sources(writer);
	write_namespaces(writer);
	write_symbols(writer);
	write_patterns(writer);
	for (uint32_t index = 0; index < schema->simples.count; index++)
		write_simple(writer, ((struct schema_simple **)schema->simples.items)[index]);
	for (uint32_t index = 0; index < schema->types.count; index++)
		write_type(writer, types[index]);
	move_defaults(writer, write_defaults(writer));
	for (unsigned index = 0; index < MW_IMAGE_TEXT_PADDING; index++)
		add(writer, MW_IMAGE_TEXT);
	return assemble(writer, length);
}
