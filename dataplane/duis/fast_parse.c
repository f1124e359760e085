/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: one pass over the document that checks well-formedness, walks the schema's automata
 * and notes what later stages need. Compiled once for each SIMD variant (see fast_scan.h).
 *
 * The way of an element. The automaton's state says which names may come. The first of them is
 * compared with the bytes behind '<' at once, prefix and name (the prefix is the one that named its
 * namespace last); this hits nearly always, and then neither the name's end has to be found nor its
 * prefix resolved. Otherwise the name is parsed, resolved and looked up. An element of simple type
 * whose text is plain is taken whole: start tag, text, value, end tag, without becoming an open
 * element.
 *
 * After a schema error the rest of the document is parsed as xs:anyType with nothing looked up, so
 * that a document that is not well-formed is called that, whatever else is wrong before.
 */
#include <errno.h>

#include "dataplane/duis/fast_kept.h"
#include "dataplane/duis/fast_note.h"
#include "dataplane/duis/fast_prolog.h"

#define JOIN(one, other) one##other
#define JOINED(one, other) JOIN(one, other)
#define FAST_PARSE JOINED(fast_parse_, FAST_VARIANT)

/* ---- the schema's view of an element ---- */

static inline const struct mw_image_transition *find_element(
	const struct duis_image *image, const struct mw_image_state *state, uint32_t symbol)
{
	const struct mw_image_transition *first = &image->transitions[state->first_transition];
	uint32_t count = (uint32_t)state->transition_count - state->wildcard_count;

	if (symbol == MW_IMAGE_NONE)
		return NULL;
	if (state->hash_mask == 0) {
		for (uint32_t index = 0; index < count; index++)
			if (first[index].symbol == symbol)
				return &first[index];
		return NULL;
	}
	for (uint32_t slot = symbol;; slot++) {
		uint16_t entry =
			image->transition_hash[state->first_hash + (slot & state->hash_mask)];

		if (entry == 0)
			return NULL;
		if (first[entry - 1].symbol == symbol)
			return &first[entry - 1];
	}
}

static inline bool wildcard_takes(const struct mw_image_transition *wildcard, uint32_t name_space)
{
	if (wildcard->kind == MW_IMAGE_ANY)
		return true;
	return wildcard->kind == MW_IMAGE_OTHER && name_space != FAST_NAMESPACE_NONE &&
	       name_space != wildcard->name_space;
}

/* The transition that (symbol, name_space) takes in the parent's state, or NULL. */
static inline const struct mw_image_transition *find_transition(const struct duis_image *image,
	const struct fast_frame *frame, uint32_t symbol, uint32_t name_space)
{
	const struct mw_image_state *state = &image->states[frame->state];
	const struct mw_image_transition *found;

	if (state->own != MW_IMAGE_NONE && frame->count < state->repeat_max) {
		const struct mw_image_transition *own = &image->transitions[state->own];

		if (own->kind == MW_IMAGE_ELEMENT ? own->symbol == symbol
						  : wildcard_takes(own, name_space))
			return own;
	}
	if (frame->count < state->repeat_min)
		return NULL;
	found = find_element(image, state, symbol);
	if (found != NULL || state->wildcard_count == 0)
		return found;
	found = &image->transitions[state->first_transition + state->transition_count -
				    state->wildcard_count];
	for (uint32_t index = 0; index < state->wildcard_count; index++)
		if (wildcard_takes(&found[index], name_space))
			return &found[index];
	return NULL;
}

FAST_INLINE void take_transition(const struct duis_image *image, struct fast_frame *frame,
	const struct mw_image_transition *transition)
{
	bool again = transition->target == frame->state &&
		     frame->count < image->states[frame->state].repeat_max;

	frame->state = transition->target;
	frame->count = again ? frame->count + 1 : 1;
}

/* Remember the prefix that names this namespace, for the quick comparison. */
static inline void remember_prefix(
	struct duis_fast_engine *engine, const struct element *element, uint32_t name_space)
{
	struct fast_quick *quick;
	uint32_t length = element->prefix_length > 0 ? element->prefix_length + 1 : 0;

	if (name_space == FAST_NAMESPACE_NONE)
		name_space = engine->image->counts[MW_IMAGE_NAMESPACES];
	if (name_space > engine->image->counts[MW_IMAGE_NAMESPACES] || length > 8 ||
		engine->end - element->tag < 9)
		return;
	quick = &engine->quick[name_space];
	quick->length = length;
	quick->mask = length == 8 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * length)) - 1;
	memcpy(&quick->word, element->tag + 1, 8);
	quick->word &= quick->mask;
}

/* Find out what the element is from its name. Returns false after fast_fail(). */
static FAST_APART bool identify(struct duis_fast_engine *engine, struct element *element)
{
	const struct duis_image *image = engine->image;
	struct fast_frame *frame = &engine->frames[engine->depth - 1];
	const struct mw_image_transition *transition;
	uint32_t local = element->prefix_length > 0 ? element->prefix_length + 1 : 0;
	struct fast_span uri;
	uint32_t name_space;
	uint32_t symbol = MW_IMAGE_NONE;

	element->type = 0;
	element->default_value = 0;
	element->role = FAST_ROLE_NONE;
	if (!resolve(engine, element->tag + 1, element->prefix_length, &name_space, &uri)) {
		NOT_WELL_FORMED(
			engine, element->tag + 1, "the prefix of an element is not declared");
		return false;
	}
	if (engine->invalid)
		return true;
	if (name_space == FAST_NAMESPACE_NONE || name_space < image->counts[MW_IMAGE_NAMESPACES]) {
		remember_prefix(engine, element, name_space);
		symbol = duis_image_symbol(
			image, element->tag + 1 + local, element->name_length - local, name_space);
	}
	transition = find_transition(image, frame, symbol, name_space);
	if (transition == NULL) {
		fast_invalid_element(engine, element->tag);
		return true;
	}
	take_transition(image, frame, transition);
	if (transition->kind == MW_IMAGE_ELEMENT) {
		element->type = transition->type;
		element->default_value = transition->default_value;
		element->role = engine->schema->transition_roles[transition - image->transitions];
	} else if (symbol != MW_IMAGE_NONE && image->symbols[symbol].global_type != MW_IMAGE_NONE) {
		element->type = image->symbols[symbol].global_type;
		element->default_value = image->symbols[symbol].global_default;
		element->role = engine->schema->symbol_roles[symbol];
	} else if (!transition->lax) {
		fast_invalid(
			engine, element->tag, "an element here must be declared in the schema");
	}
	return true;
}

/* XML Schema attributes that any element may have. */
static bool is_schema_hint(
	struct duis_fast_engine *engine, const struct fast_attribute *attribute, bool declared)
{
	struct fast_span local = {attribute->name.at + attribute->prefix_length + 1,
		attribute->name.length - attribute->prefix_length - 1};

	if (attribute->name_space != FAST_NAMESPACE_XSI)
		return false;
	if (SPAN_IS(local, "type"))
		fast_invalid(engine, attribute->name.at, "xsi:type is not allowed");
	else if (SPAN_IS(local, "nil") && declared)
		fast_invalid(engine, attribute->name.at,
			"xsi:nil is not allowed: no element of the schema is nillable");
	return SPAN_IS(local, "schemaLocation") || SPAN_IS(local, "noNamespaceSchemaLocation") ||
	       engine->invalid;
}

/* The attributes are those of the type. */
static inline void check_attributes(struct duis_fast_engine *engine, const struct element *element)
{
	const struct duis_image *image = engine->image;
	const struct mw_image_type *type = &image->types[element->type];
	const struct mw_image_attribute *declared = &image->attributes[type->first_attribute];
	uint32_t required = 0;

	for (uint32_t index = 0; index < engine->attribute_count && !engine->invalid; index++) {
		const struct fast_attribute *attribute = &engine->attributes[index];
		struct fast_value value = {attribute->value.at,
			attribute->value.at + attribute->value.length,
			attribute->value.at + attribute->value.length};
		uint32_t found;

		if (attribute->is_declaration ||
			(attribute->prefix_length > 0 &&
				is_schema_hint(engine, attribute, !type->any_attribute)) ||
			type->any_attribute)
			continue;
		for (found = 0; found < type->attribute_count; found++)
			if (attribute->prefix_length == 0 &&
				declared[found].name.length == attribute->name.length &&
				memcmp(image->text + declared[found].name.offset,
					attribute->name.at, attribute->name.length) == 0)
				break;
		if (found == type->attribute_count) {
			fast_invalid(engine, attribute->name.at,
				"the schema knows no such attribute here");
			return;
		}
		required += declared[found].required;
		if (!value_valid(engine, declared[found].simple, value))
			fast_invalid_value(engine, engine->bytes + attribute->raw_offset,
				declared[found].simple, &attribute->name);
	}
	if (!engine->invalid && required < type->required_count)
		fast_invalid(engine, element->tag, "a required attribute is missing");
}

/* ---- tags ---- */

/* Attributes and declarations of the tag whose name ends at element->stop. */
static inline bool parse_rest_of_tag(struct duis_fast_engine *engine, struct element *element)
{
	const uint8_t *at;

	engine->tag_clean = true;
	at = parse_attributes(engine, element->stop, element->tag);
	if (at == NULL)
		return false;
	element->stop = at;
	return engine->declaration_count == 0 || declare(engine, element->tag) != NULL;
}

static inline bool finish_tag(struct duis_fast_engine *engine, const struct element *element)
{
	bool prefixed = false;

	for (uint32_t index = 0; index < engine->attribute_count; index++)
		prefixed |= engine->attributes[index].prefix_length > 0 &&
			    !engine->attributes[index].is_declaration;
	if (prefixed && resolve_attributes(engine) == NULL)
		return false;
	note_tag(engine, element->tag, element->stop + (*element->stop == '/' ? 2 : 1));
	return true;
}

/* The end tag of `frame` at `at` ("</"); returns what follows it. */
static inline const uint8_t *parse_end_tag(struct duis_fast_engine *engine, const uint8_t *at,
	const uint8_t *name, uint32_t name_length)
{
	const uint8_t *stop = at + 2 + name_length;

	if (unlikely((size_t)(engine->end - at) < (size_t)name_length + 3 ||
		     !scan_equal(at + 2, name, name_length, engine->end)))
		return NOT_WELL_FORMED(engine, at, "the end tag does not match the start tag");
	if (likely(*stop == '>'))
		return stop + 1;
	stop = skip_blanks(stop, engine->end);
	if (stop >= engine->end || *stop != '>')
		return NOT_WELL_FORMED(engine, at, "the end tag does not match the start tag");
	dirty_add(engine, at, stop + 1);
	return stop + 1;
}

static inline void drop_bindings(struct duis_fast_engine *engine, uint32_t count)
{
	if (unlikely(engine->binding_count != count)) {
		engine->binding_count = count;
		forget_prefixes(engine);
	}
}

/* Check the value of an element of simple type, or its default when it is empty. */
FAST_INLINE void check_value(struct duis_fast_engine *engine, const struct element *element,
	const uint8_t *content, struct fast_value value)
{
	const struct duis_image *image = engine->image;
	uint32_t simple = image->types[element->type].simple;

	if (unlikely(value.at == value.stop && element->default_value != 0)) {
		const struct mw_image_text *text = &image->values[element->default_value - 1];

		value.at = image->text + text->offset;
		value.stop = value.at + text->length;
		value.end = value.stop;
	}
	if (unlikely(!value_valid(engine, simple, value)))
		fast_invalid_value(engine, content, simple, NULL);
	note_value(engine, element->role, value.at, (uint32_t)(value.stop - value.at));
}

static inline bool open_element(struct duis_fast_engine *engine, const struct element *element)
{
	struct fast_frame *frame = &engine->frames[engine->depth];
	const struct mw_image_type *type = &engine->image->types[element->type];

	frame->name = element->tag + 1;
	frame->name_length = element->name_length;
	frame->type = element->type;
	frame->content = (uint8_t)type->content;
	frame->role = element->role;
	frame->bindings = (uint8_t)(engine->binding_count - engine->declaration_count);
	frame->state = type->start_state;
	frame->count = 0;
	engine->depth++;
	return true;
}

/* Simple content that is more than plain characters. Returns what follows the end tag; or the '<'
 * of a child, which is an error, with the element opened. */
static FAST_APART const uint8_t *parse_rough_content(
	struct duis_fast_engine *engine, struct element *element)
{
	const uint8_t *content = element->stop;
	uint32_t start = engine->scratch_used;
	struct fast_text text = {.collect = true};
	const uint8_t *at = parse_text(engine, content, &text);
	struct fast_value value;

	if (at == NULL)
		return NULL;
	if (!begins(engine, at, "</", 2)) {
		fast_invalid(engine, at, "the element holds a value; no element is allowed in it");
		element->type = 0;
		open_element(engine, element);
		return at;
	}
	value = (struct fast_value){engine->scratch + start, engine->scratch + engine->scratch_used,
		engine->scratch + engine->scratch_size};
	if (!engine->invalid)
		check_value(engine, element, content, value);
	at = parse_end_tag(engine, at, element->tag + 1, element->name_length);
	if (at != NULL) {
		note_end(engine, element->role, at);
		drop_bindings(engine, engine->binding_count - engine->declaration_count);
	}
	return at;
}

/* Behind the start tag of an element of simple type: value and end tag. */
FAST_INLINE const uint8_t *parse_simple(struct duis_fast_engine *engine, struct element *element)
{
	const uint8_t *content = element->stop;
	const uint8_t *at = scan_run(content, engine->end, SCAN_TEXT);
	struct fast_value value = {content, at, engine->end};

	if (unlikely(engine->end - at < 2 || at[0] != '<' || at[1] != '/'))
		return parse_rough_content(engine, element);
	check_value(engine, element, content, value);
	at = parse_end_tag(engine, at, element->tag + 1, element->name_length);
	if (unlikely(at == NULL))
		return NULL;
	if (unlikely(element->role >= FAST_ROLE_FIRST_DSIG))
		note_end(engine, element->role, at);
	if (unlikely(engine->declaration_count > 0))
		drop_bindings(engine, engine->binding_count - engine->declaration_count);
	return at;
}

/* An element that has been identified and whose tag ends at element->stop ('>' or "/>"). */
FAST_INLINE const uint8_t *enter_element(struct duis_fast_engine *engine, struct element *element)
{
	const struct mw_image_type *type = &engine->image->types[element->type];

	if (unlikely((engine->attribute_count > 0 || type->required_count > 0) &&
		     !engine->invalid && !element->checked))
		check_attributes(engine, element);
	if (unlikely(engine->invalid)) {
		element->type = 0;
		type = &engine->image->types[0];
	}
	if (engine->depth > 0)
		note_element(engine, element);
	if (unlikely(*element->stop == '/')) {
		const uint8_t *at = element->stop + 2;

		if (type->content == MW_IMAGE_CONTENT_SIMPLE)
			check_value(engine, element, at, (struct fast_value){at, at, at});
		else if (!engine->image->states[type->start_state].accept)
			fast_invalid_end(engine, element->tag);
		note_end(engine, element->role, at);
		drop_bindings(engine, engine->binding_count - engine->declaration_count);
		return at;
	}
	element->stop++;
	if (type->content == MW_IMAGE_CONTENT_SIMPLE)
		return parse_simple(engine, element);
	open_element(engine, element);
	return element->stop;
}

/* A start tag, by parsing its name. */
static FAST_APART const uint8_t *parse_any_element(
	struct duis_fast_engine *engine, struct element *element)
{
	element->stop = parse_name(engine, element->tag + 1, &element->prefix_length);
	if (element->stop == NULL)
		return NULL;
	element->name_length = (uint32_t)(element->stop - element->tag - 1);
	engine->attribute_count = 0;
	engine->declaration_count = 0;
	if (element->stop >= engine->end || *element->stop != '>') {
		if (!parse_rest_of_tag(engine, element) || !identify(engine, element) ||
			!finish_tag(engine, element))
			return NULL;
	} else if (!identify(engine, element)) {
		return NULL;
	}
	return enter_element(engine, element);
}

/* The transition that the element behind the one just ended most likely takes, or NULL. */
FAST_INLINE const struct mw_image_transition *likely_transition(const struct duis_image *image,
	const struct mw_image_state *state, const struct fast_frame *frame)
{
	if (state->own != MW_IMAGE_NONE && frame->count < state->repeat_max)
		return &image->transitions[state->own];
	if (likely(state->transition_count > 0 && frame->count >= state->repeat_min))
		return &image->transitions[state->first_transition];
	return NULL;
}

/* The end of an expected tag that has attributes from `rest` on; a tag with one is kept, to be
 * recognised when it comes again. */
FAST_INLINE bool finish_expected(struct duis_fast_engine *engine, struct element *element,
	const struct mw_image_transition *expected, const uint8_t *rest, uint32_t slot)
{
	const uint8_t *at = element->stop + (*element->stop == '/' ? 2 : 1);

	engine->kept_clean = engine->tag_clean;
	if (!finish_tag(engine, element))
		return false;
	if (engine->attribute_count == 1) {
		const struct element parsed = {.tag = element->tag, .type = expected->type};

		element->type = expected->type;
		check_attributes(engine, element);
		element->checked = true;
		keep_tag(engine, &parsed, rest, at, slot);
	}
	return true;
}

/* A start tag, by comparing it with what is expected. */
FAST_INLINE const uint8_t *parse_element(struct duis_fast_engine *engine, const uint8_t *tag)
{
	const struct duis_image *image = engine->image;
	struct fast_frame *frame = &engine->frames[engine->depth - 1];
	const struct mw_image_state *state = &image->states[frame->state];
	const struct mw_image_transition *expected;
	struct element element = {.tag = tag};
	const struct fast_quick *quick;
	uint32_t slot;
	uint64_t word;

	/* The root's children are told apart, so that its signature can be left out. */
	if (engine->depth == 1 && engine->root_children++ < FAST_BARRIERS_MAX)
		engine->dirty_barrier = offset_of(engine, tag);
	if (unlikely(engine->depth == FAST_DEPTH_MAX))
		return fast_fail(engine, DUIS_ERROR_TOO_LARGE, tag,
			"elements are nested more than 256 deep");
	expected = likely_transition(image, state, frame);
	if (unlikely(expected == NULL || expected->kind != MW_IMAGE_ELEMENT))
		return parse_any_element(engine, &element);
	slot = expected->name_space != MW_IMAGE_NONE ? expected->name_space
						     : image->counts[MW_IMAGE_NAMESPACES];
	quick = &engine->quick[slot];
	if (unlikely((size_t)(engine->end - tag) <
		     1 + quick->length + (size_t)expected->name_length + 9))
		return parse_any_element(engine, &element);
	memcpy(&word, tag + 1, 8);
	element.name_length = quick->length + expected->name_length;
	element.stop = tag + 1 + element.name_length;
	if (unlikely((word & quick->mask) != quick->word ||
		     !scan_equal(tag + 1 + quick->length, image->text + expected->name_offset,
			     expected->name_length, engine->end) ||
		     *element.stop >= 0x80 || scan_is(*element.stop, SCAN_NAME)))
		return parse_any_element(engine, &element);
	element.prefix_length = quick->length > 0 ? quick->length - 1 : 0;
	engine->attribute_count = 0;
	engine->declaration_count = 0;
	if (unlikely(*element.stop != '>')) {
		const uint8_t *rest = element.stop;

		slot = (uint32_t)(expected - image->transitions);
		if (likely(recall_tag(engine, &element, slot))) {
			note_tag(engine, tag, element.stop + (*element.stop == '/' ? 2 : 1));
			goto identified;
		}
		if (!parse_rest_of_tag(engine, &element))
			return NULL;
		/* Declarations may have changed what the name means. */
		if (unlikely(engine->declaration_count > 0)) {
			if (!identify(engine, &element) || !finish_tag(engine, &element))
				return NULL;
			return enter_element(engine, &element);
		}
		if (!finish_expected(engine, &element, expected, rest, slot))
			return NULL;
	}
identified:
	/* An invalid attribute has ended the schema's say. */
	if (likely(!engine->invalid))
		take_transition(image, frame, expected);
	element.type = expected->type;
	element.default_value = expected->default_value;
	element.role = engine->schema->transition_roles[expected - image->transitions];
	return enter_element(engine, &element);
}

/* ---- the document ---- */

/* Which schema judges the document: the root's schemaVersion says. */
static bool choose_schema(struct duis_fast_engine *engine, const struct element *root)
{
	struct fast_span version = {NULL, 0};
	int index;

	for (uint32_t at = 0; at < engine->attribute_count; at++)
		if (SPAN_IS(engine->attributes[at].name, "schemaVersion"))
			version = engine->attributes[at].value;
	if (version.at == NULL) {
		fast_fail(engine, DUIS_ERROR_SCHEMA_VERSION, root->tag,
			"the attribute schemaVersion of the root element is missing");
		return false;
	}
	index = duis_fast_schemas_find(engine->schemas, (const char *)version.at, version.length);
	if (index < 0) {
		fast_fail(engine, DUIS_ERROR_SCHEMA_VERSION,
			version.at >= engine->bytes && version.at < engine->end ? version.at
										: root->tag,
			"no schema of this version is in use");
		return false;
	}
	engine->schema_index = index;
	engine->schema = &engine->schemas->entries[index];
	engine->image = &engine->schema->image;
	for (uint32_t at = 0; at < engine->binding_count; at++)
		engine->bindings[at].name_space =
			namespace_of(engine->image, engine->bindings[at].uri);
	forget_prefixes(engine);
	return true;
}

/* The root's tag as it came last time? Everything that parsing it would find out is kept. */
static const uint8_t *recall_root(struct duis_fast_engine *engine, const uint8_t *tag)
{
	struct fast_kept_root *kept = &engine->kept_root;
	struct element element = {.tag = tag, .checked = true};

	if (kept->length == 0 || (size_t)(engine->end - tag) < kept->length ||
		memcmp(tag, kept->bytes, kept->length) != 0)
		return NULL;
	element.stop = tag + kept->length - 1;
	element.name_length = kept->name_length;
	element.prefix_length = kept->prefix_length;
	element.type = kept->type;
	engine->root = kept->root;
	engine->schema_index = kept->schema_index;
	engine->schema = &engine->schemas->entries[kept->schema_index];
	engine->image = &engine->schema->image;
	engine->root_start = offset_of(engine, tag);
	memcpy(engine->bindings, kept->bindings, kept->binding_count * sizeof(kept->bindings[0]));
	engine->binding_count = kept->binding_count;
	engine->declaration_count = kept->binding_count;
	engine->attribute_count = kept->attribute_count;
	if (!kept->clean) {
		dirty_add(engine, tag, tag + kept->length);
		memcpy(engine->order, kept->order, kept->order_length);
		engine->order_used = kept->order_length;
	}
	if (!kept->prefixes) {
		forget_prefixes(engine);
		remember_prefix(engine, &element, engine->schema->duis_namespace);
		kept->prefixes = true;
	}
	open_element(engine, &element);
	return element.stop + 1;
}

/* Keep the root's tag [tag, stop), which has just been opened. */
static void keep_root(struct duis_fast_engine *engine, const struct element *root,
	const uint8_t *tag, const uint8_t *stop)
{
	struct fast_kept_root *kept = &engine->kept_root;
	size_t length = (size_t)(stop - tag);

	kept->length = 0;
	if (engine->invalid || engine->depth != 1 || length > sizeof(kept->bytes) ||
		engine->scratch_used > 0 || engine->id_count > 0 ||
		engine->attribute_count > FAST_KEPT_ROOT_ATTRIBUTES)
		return;
	memcpy(kept->bytes, tag, length);
	kept->name_length = root->name_length;
	kept->prefix_length = root->prefix_length;
	kept->attribute_count = engine->attribute_count;
	kept->binding_count = engine->binding_count;
	for (uint32_t index = 0; index < engine->binding_count; index++) {
		kept->bindings[index] = engine->bindings[index];
		kept->bindings[index].prefix.at =
			kept->bytes + (engine->bindings[index].prefix.at - tag);
		kept->bindings[index].uri.at = kept->bytes + (engine->bindings[index].uri.at - tag);
	}
	kept->root = engine->root;
	kept->schema_index = engine->schema_index;
	kept->type = root->type;
	kept->clean = engine->dirty_count == 0;
	kept->order_length = engine->order_used;
	memcpy(kept->order, engine->order, engine->order_used);
	kept->prefixes = true;
	kept->length = (uint32_t)length;
}

static const uint8_t *parse_root(struct duis_fast_engine *engine, const uint8_t *tag)
{
	struct element element = {.tag = tag};
	struct fast_span local;
	struct fast_span uri;
	uint32_t name_space;
	uint32_t symbol;
	const uint8_t *stop = recall_root(engine, tag);

	if (stop != NULL)
		return stop;
	engine->attribute_count = 0;
	engine->declaration_count = 0;
	element.stop = parse_name(engine, tag + 1, &element.prefix_length);
	if (element.stop == NULL)
		return NULL;
	element.name_length = (uint32_t)(element.stop - tag - 1);
	if (!parse_rest_of_tag(engine, &element))
		return NULL;
	if (!resolve(engine, tag + 1, element.prefix_length, &name_space, &uri))
		return NOT_WELL_FORMED(engine, tag + 1, "the prefix of an element is not declared");
	if (!finish_tag(engine, &element))
		return NULL;
	local = (struct fast_span){tag + 1, element.name_length};
	if (element.prefix_length > 0) {
		local.at += element.prefix_length + 1;
		local.length -= element.prefix_length + 1;
	}
	engine->root = SPAN_IS(local, "Request")    ? DUIS_ROOT_REQUEST
		       : SPAN_IS(local, "Response") ? DUIS_ROOT_RESPONSE
						    : 0;
	if (!SPAN_IS(uri, FAST_SCHEMA_NAMESPACE) || engine->root == 0)
		return fast_fail(engine, DUIS_ERROR_ROOT, tag,
			"the root element must be Request or Response of " FAST_SCHEMA_NAMESPACE);
	if (!choose_schema(engine, &element))
		return NULL;
	symbol = engine->root == DUIS_ROOT_REQUEST ? engine->schema->request_symbol
						   : engine->schema->response_symbol;
	element.type = engine->image->symbols[symbol].global_type;
	remember_prefix(engine, &element, engine->schema->duis_namespace);
	engine->root_start = offset_of(engine, tag);
	stop = enter_element(engine, &element);
	if (stop != NULL)
		keep_root(engine, &element, tag, stop);
	return stop;
}

/* The end tag at `at` closes the innermost element. */
FAST_INLINE const uint8_t *close_element(struct duis_fast_engine *engine, const uint8_t *at)
{
	struct fast_frame *frame = &engine->frames[engine->depth - 1];
	const struct mw_image_state *state = &engine->image->states[frame->state];
	const uint8_t *stop = parse_end_tag(engine, at, frame->name, frame->name_length);

	if (unlikely(stop == NULL))
		return NULL;
	if (unlikely(!state->accept || frame->count < state->repeat_min))
		fast_invalid_end(engine, at);
	engine->depth--;
	if (frame->role != FAST_ROLE_NONE)
		note_end(engine, frame->role, stop);
	/* The root's own stay for canonical forms, and its prefixes for the next document. */
	if (engine->depth > 0)
		drop_bindings(engine, frame->bindings);
	return stop;
}

/* Text in an element that has none, or mixed content; and comments and the like anywhere. */
static FAST_APART const uint8_t *parse_between(struct duis_fast_engine *engine, const uint8_t *at)
{
	struct fast_frame *frame = &engine->frames[engine->depth - 1];
	struct fast_text text = {.collect = false};
	const uint8_t *start = at;

	at = parse_text(engine, at, &text);
	if (at == NULL)
		return NULL;
	if (frame->content == MW_IMAGE_CONTENT_MIXED) {
		if (text.black && engine->in_signature && frame->role >= FAST_ROLE_FIRST_DSIG)
			engine->parts[frame->role].text = true;
	} else if (text.black || text.cdata) {
		/* A CDATA section is character data even when it is empty; libxml2 and Xerces-C
		 * agree. */
		fast_invalid(engine, start, "the element holds elements only; no text is allowed");
	} else if (text.any && frame->content == MW_IMAGE_CONTENT_EMPTY) {
		fast_invalid(engine, start, "the element must be empty");
	}
	return at;
}

static const uint8_t *parse_content(struct duis_fast_engine *engine, const uint8_t *at)
{
	while (engine->depth > 0) {
		if (unlikely(at >= engine->end || *at != '<')) {
			const uint8_t *start = at;

			at = scan_run(at, engine->end, SCAN_BLANK);
			if (at >= engine->end || *at != '<' ||
				engine->frames[engine->depth - 1].content ==
					MW_IMAGE_CONTENT_EMPTY) {
				at = parse_between(engine, start);
				if (at == NULL)
					return NULL;
			}
		}
		if (unlikely(engine->end - at < 2))
			return NOT_WELL_FORMED(
				engine, engine->end, "the document ends inside an element");
		if (at[1] == '/')
			at = close_element(engine, at);
		else if (unlikely(at[1] == '!' || at[1] == '?')) {
			const uint8_t *start = at;

			at = parse_between(engine, at);
			if (at == start)
				return NOT_WELL_FORMED(engine, at,
					"a tag, comment or CDATA section is expected here");
		} else
			at = parse_element(engine, at);
		if (unlikely(at == NULL))
			return NULL;
	}
	return at;
}

int FAST_PARSE(struct duis_fast_engine *engine)
{
	const uint8_t *at = parse_prolog(engine);

	if (at != NULL)
		at = parse_root(engine, at);
	if (at != NULL)
		at = parse_content(engine, at);
	if (at == NULL)
		return -EBADMSG;
	engine->root_end = offset_of(engine, at);
	at = parse_outside(engine, at);
	if (at != NULL && at < engine->end)
		at = NOT_WELL_FORMED(
			engine, at, "nothing but comments may follow the root element");
	return at == NULL || engine->invalid ? -EBADMSG : 0;
}
