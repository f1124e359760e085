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
#include "dataplane/duis/fast_model.h"
#include "dataplane/duis/fast_prolog.h"
#include "dataplane/duis/fast_skeleton.h"

#define JOIN(one, other) one##other
#define JOINED(one, other) JOIN(one, other)
#define FAST_PARSE JOINED(fast_parse_, FAST_VARIANT)

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
	if (engine->attribute_count > 0 && engine->prefixed_count > 0 &&
		resolve_attributes(engine) == NULL)
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
	note_value(engine, element->role, simple, value.at, (uint32_t)(value.stop - value.at));
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
			check_value(engine, element, element->tag, (struct fast_value){at, at, at});
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
	if (unlikely(element->role == FAST_ROLE_SIGNATURE && !engine->tracked_all))
		return recall_signature(engine, element, element->stop);
	return element->stop;
}

/* Whether the schema does not know an element of this namespace and symbol and leaves it alone:
 * behind an error, or below a wildcard. Counts it with its parent. `expected`: see
 * likely_transition(). */
FAST_INLINE bool is_foreign(struct duis_fast_engine *engine, const struct fast_binding *binding,
	uint32_t symbol, const struct mw_image_transition *expected)
{
	struct fast_frame *frame = &engine->frames[engine->depth - 1];
	const struct mw_image_transition *transition = expected;

	if (engine->invalid)
		return true;
	if (engine->tracked || engine->body_open || symbol != MW_IMAGE_NONE)
		return false;
	if (expected == NULL || expected->kind == MW_IMAGE_ELEMENT ||
		!wildcard_takes(expected, binding->name_space))
		transition =
			find_transition(engine->image, frame, MW_IMAGE_NONE, binding->name_space);
	if (transition == NULL || !transition->lax)
		return false;
	/* One after the other: a guess about the state is right then, and need not be waited for.
	 */
	if (likely(transition->target == frame->state &&
		    frame->count < engine->image->states[frame->state].repeat_max))
		frame->count++;
	else
		take_transition(engine->image, frame, transition);
	if (engine->in_signature)
		engine->parts[frame->role].children++;
	return true;
}

/* Attributes with prefixes of a foreign element. */
static FAST_APART const uint8_t *check_foreign_attributes(struct duis_fast_engine *engine)
{
	if (resolve_attributes(engine) == NULL)
		return NULL;
	for (uint32_t index = 0; index < engine->attribute_count; index++)
		if (engine->attributes[index].name_space == FAST_NAMESPACE_XSI)
			is_schema_hint(engine, &engine->attributes[index], false);
	return engine->bytes;
}

/* Behind the start tag of a foreign element. */
FAST_INLINE const uint8_t *enter_foreign(
	struct duis_fast_engine *engine, const struct element *element)
{
	if (*element->stop != '/') {
		open_element(engine, element);
		return element->stop + 1;
	}
	drop_bindings(engine, engine->binding_count - engine->declaration_count);
	return element->stop + 2;
}

/* Small enough to be handed over in a register: through memory it would have to be waited for. */
struct tag_name {
	uint32_t length;
	uint32_t prefix_length; /* 0: none */
};

FAST_INLINE struct element named_element(const uint8_t *tag, struct tag_name name)
{
	return (struct element){.tag = tag,
		.stop = tag + 1 + name.length,
		.name_length = name.length,
		.prefix_length = name.prefix_length};
}

/* A start tag with more in it than its name. */
static FAST_APART const uint8_t *parse_attributed_element(
	struct duis_fast_engine *engine, const uint8_t *tag, struct tag_name name)
{
	struct element element = named_element(tag, name);
	const struct fast_binding *binding;
	uint32_t symbol;

	if (!parse_rest_of_tag(engine, &element))
		return NULL;
	binding = resolve(engine, tag + 1, name.prefix_length);
	symbol = binding != NULL && !engine->invalid
			 ? find_symbol(engine, &element, binding->name_space)
			 : MW_IMAGE_NONE;
	if (binding != NULL && is_foreign(engine, binding, symbol, NULL)) {
		if (engine->attribute_count > 0 && engine->prefixed_count > 0 &&
			check_foreign_attributes(engine) == NULL)
			return NULL;
		return enter_foreign(engine, &element);
	}
	if (!identify(engine, &element, binding, symbol) || !finish_tag(engine, &element))
		return NULL;
	return enter_element(engine, &element);
}

/* A start tag without attributes of an element that the schema has to be asked about. */
static FAST_APART const uint8_t *parse_bare_element(struct duis_fast_engine *engine,
	const uint8_t *tag, struct tag_name name, const struct fast_binding *binding,
	uint32_t symbol)
{
	struct element element = named_element(tag, name);

	if (!identify(engine, &element, binding, symbol))
		return NULL;
	if (*element.stop == '/') {
		engine->tag_clean = false;
		note_tag(engine, tag, element.stop + 2);
	}
	return enter_element(engine, &element);
}

/* A start tag whose name is known. Without attributes it is the cheapest to write, so it has to be
 * cheap to read. */
FAST_INLINE const uint8_t *parse_named(struct duis_fast_engine *engine, const uint8_t *tag,
	struct tag_name name, const struct mw_image_transition *expected)
{
	const struct element element = named_element(tag, name);
	const struct fast_binding *binding;
	uint32_t symbol = MW_IMAGE_NONE;

	if (element.stop >= engine->end ||
		(*element.stop != '>' && !begins(engine, element.stop, "/>", 2)))
		return parse_attributed_element(engine, tag, name);
	engine->attribute_count = 0;
	engine->declaration_count = 0;
	binding = resolve(engine, tag + 1, name.prefix_length);
	if (likely(binding != NULL)) {
		if (!engine->invalid)
			symbol = find_symbol(engine, &element, binding->name_space);
		if (is_foreign(engine, binding, symbol, expected))
			return enter_foreign(engine, &element);
	}
	return parse_bare_element(engine, tag, name, binding, symbol);
}

/* With a name that is not short. */
static FAST_APART const uint8_t *parse_long_named(struct duis_fast_engine *engine,
	const uint8_t *tag, const struct mw_image_transition *expected)
{
	struct tag_name name;
	const uint8_t *stop = parse_long_name(engine, tag + 1, &name.prefix_length);

	if (stop == NULL)
		return NULL;
	name.length = (uint32_t)(stop - tag - 1);
	return parse_named(engine, tag, name, expected);
}

/* A start tag that is not the one expected; `expected` is a wildcard or NULL. */
FAST_INLINE const uint8_t *parse_unexpected(struct duis_fast_engine *engine, const uint8_t *tag,
	const struct mw_image_transition *expected)
{
	struct tag_name name;

	if (likely(tag[1] < 0x80)) {
		name.length = parse_short_name(engine, tag + 1, &name.prefix_length);
	} else {
		name.length = parse_short_wide_name(engine, tag + 1);
		name.prefix_length = 0;
	}
	if (name.length == 0)
		return parse_long_named(engine, tag, expected);
	return parse_named(engine, tag, name, expected);
}

static FAST_APART const uint8_t *parse_mismatch(struct duis_fast_engine *engine, const uint8_t *tag)
{
	return parse_unexpected(engine, tag, NULL);
}

/* An expected element whose tag, already parsed, holds declarations. */
static FAST_APART const uint8_t *parse_declaring_element(
	struct duis_fast_engine *engine, struct element *element)
{
	const struct fast_binding *binding =
		resolve(engine, element->tag + 1, element->prefix_length);
	uint32_t symbol =
		binding != NULL ? find_symbol(engine, element, binding->name_space) : MW_IMAGE_NONE;

	return identify(engine, element, binding, symbol) && finish_tag(engine, element)
		       ? enter_element(engine, element)
		       : NULL;
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
		return parse_unexpected(engine, tag, expected);
	slot = expected->name_space != MW_IMAGE_NONE ? expected->name_space
						     : image->counts[MW_IMAGE_NAMESPACES];
	quick = &engine->quick[slot];
	if (unlikely((size_t)(engine->end - tag) <
		     1 + quick->length + (size_t)expected->name_length + 9))
		return parse_mismatch(engine, tag);
	memcpy(&word, tag + 1, 8);
	element.name_length = quick->length + expected->name_length;
	element.stop = tag + 1 + element.name_length;
	if (unlikely((word & quick->mask) != quick->word ||
		     !scan_equal(tag + 1 + quick->length, image->text + expected->name_offset,
			     expected->name_length, engine->end) ||
		     *element.stop >= 0x80 || scan_is(*element.stop, SCAN_NAME)))
		return parse_mismatch(engine, tag);
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
		if (unlikely(engine->declaration_count > 0))
			return parse_declaring_element(engine, &element);
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
			version = settle(engine, &engine->attributes[at]);
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
	engine->quick_known = true; /* of whatever image */
	forget_prefixes(engine);
	return true;
}

/* Where a root's tag is kept: senders write theirs in ways of their own. */
static struct fast_kept_root *root_place(struct duis_fast_engine *engine, const uint8_t *tag)
{
	size_t there = (size_t)(engine->end - tag);
	const uint8_t *stop =
		memchr(tag, '>', there < FAST_KEPT_ROOT_BYTES ? there : FAST_KEPT_ROOT_BYTES);
	size_t length = stop != NULL ? (size_t)(stop - tag) : 0;

	/* The beginning and the end of the tag, and its length, are enough to tell. */
	return &engine->kept_roots[(fast_hash(engine, tag, length < 32 ? (uint32_t)length : 32) +
					   fast_hash(engine, tag + length / 2,
						   (uint32_t)(length - length / 2))) %
				   FAST_KEPT_ROOTS];
}

static bool is_root(const struct duis_fast_engine *engine, const struct fast_kept_root *kept,
	const uint8_t *tag)
{
	return kept->length > 0 && (size_t)(engine->end - tag) >= kept->length &&
	       memcmp(tag, kept->bytes, kept->length) == 0;
}

/* The last document's root is not that of this one: put its prefixes aside. */
static void leave_root(struct duis_fast_engine *engine)
{
	struct fast_kept_root *before = engine->root_before;
	uint32_t count;

	engine->root_before = NULL;
	if (before == NULL)
		return;
	count = engine->schemas->entries[before->schema_index].image.counts[MW_IMAGE_NAMESPACES] +
		1;
	if (count > FAST_KEPT_QUICK)
		return;
	memcpy(before->quick, engine->quick, count * sizeof(engine->quick[0]));
	before->quick_count = count;
}

/* The root's tag as it came before? Everything that parsing it would find out is kept. */
static const uint8_t *recall_root(struct duis_fast_engine *engine, const uint8_t *tag)
{
	struct fast_kept_root *kept = engine->root_before;
	struct element element = {.tag = tag, .checked = true};
	bool same = kept != NULL && is_root(engine, kept, tag);

	if (!same) {
		leave_root(engine);
		kept = root_place(engine, tag);
		if (!is_root(engine, kept, tag))
			return NULL;
	}
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
	for (uint32_t index = 0; index < kept->binding_count; index++)
		engine->binding_slots[kept->bindings[index].slot] = (uint8_t)(index + 1);
	engine->declaration_count = kept->binding_count;
	engine->attribute_count = kept->attribute_count;
	if (!kept->clean) {
		dirty_add(engine, tag, tag + kept->length);
		memcpy(engine->order, kept->order, kept->order_length);
		engine->order_used = kept->order_length;
	}
	if (!same) {
		engine->quick_known = true; /* of whatever image */
		forget_prefixes(engine);
		remember_prefix(engine, &element, engine->schema->duis_namespace);
		if (kept->quick_count > 0)
			memcpy(engine->quick, kept->quick,
				kept->quick_count * sizeof(kept->quick[0]));
		engine->root_before = kept;
	}
	open_element(engine, &element);
	return element.stop + 1;
}

/* Keep the root's tag [tag, stop), which has just been opened. */
static void keep_root(struct duis_fast_engine *engine, const struct element *root,
	const uint8_t *tag, const uint8_t *stop)
{
	struct fast_kept_root *kept = root_place(engine, tag);
	size_t length = (size_t)(stop - tag);

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
	kept->quick_count = 0;
	kept->length = (uint32_t)length;
	engine->root_before = kept;
}

static const uint8_t *parse_root(struct duis_fast_engine *engine, const uint8_t *tag)
{
	struct element element = {.tag = tag};
	const struct fast_binding *binding;
	struct fast_span local;
	uint32_t symbol;
	const uint8_t *stop = recall_root(engine, tag);

	if (stop != NULL)
		return stop;
	element.stop = parse_name(engine, tag + 1, &element.prefix_length);
	if (element.stop == NULL)
		return NULL;
	element.name_length = (uint32_t)(element.stop - tag - 1);
	if (!parse_rest_of_tag(engine, &element))
		return NULL;
	binding = resolve(engine, tag + 1, element.prefix_length);
	if (binding == NULL)
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
	if (!SPAN_IS(binding->uri, FAST_SCHEMA_NAMESPACE) || engine->root == 0)
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

/* White space between tags, or text where nobody asks for it: what follows, or `at` when that is
 * something else than a tag or when there is more to be looked at. */
FAST_INLINE const uint8_t *skip_between(struct duis_fast_engine *engine, const uint8_t *at)
{
	const struct fast_frame *frame = &engine->frames[engine->depth - 1];
	const uint8_t *start = at;

	if (frame->content == MW_IMAGE_CONTENT_MIXED &&
		(frame->role == FAST_ROLE_NONE || engine->parts[frame->role].text)) {
		at = scan_near(at, engine->end, SCAN_TEXT);
	} else {
		if (*at != '\r')
			at = scan_run(at, engine->end, SCAN_BLANK);
		if (unlikely(at < engine->end && *at == '\r')) {
			engine->returns = true;
			at = scan_run(at, engine->end, SCAN_SPACE);
		}
	}
	return at < engine->end && *at == '<' ? at : start;
}

static const uint8_t *parse_content(struct duis_fast_engine *engine, const uint8_t *at)
{
	while (engine->depth > 0) {
		if (unlikely(at >= engine->end || *at != '<')) {
			const uint8_t *start = at;

			if (at < engine->end)
				at = skip_between(engine, at);
			if (at == start || engine->frames[engine->depth - 1].content ==
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
