/* SPDX-License-Identifier: Apache-2.0 */
/* What the schema says about an element: which one it is where it stands, and whether its
 * attributes are those of its type. Included by fast_parse.c only. */
#ifndef DUIS_FAST_MODEL_H
#define DUIS_FAST_MODEL_H

#include "dataplane/duis/fast_note.h"

/* The symbol of an element's name, or MW_IMAGE_NONE. */
FAST_INLINE uint32_t find_symbol(
	const struct duis_fast_engine *engine, const struct element *element, uint32_t name_space)
{
	const struct duis_image *image = engine->image;
	uint32_t mask = image->counts[MW_IMAGE_SYMBOL_HASH] - 1;
	uint32_t local = element->prefix_length > 0 ? element->prefix_length + 1 : 0;
	const uint8_t *name = element->tag + 1 + local;
	uint32_t length = element->name_length - local;

	if (!engine->schema->has_symbols[name_space < MW_IMAGE_NAMESPACES_MAX
						 ? name_space
						 : MW_IMAGE_NAMESPACES_MAX])
		return MW_IMAGE_NONE;
	for (uint32_t slot = mw_image_hash(name, length, name_space + 1);; slot++) {
		uint32_t entry = image->symbol_hash[slot & mask];
		const struct mw_image_symbol *symbol;

		if (entry == 0)
			return MW_IMAGE_NONE;
		symbol = &image->symbols[entry - 1];
		if (symbol->name.length == length && symbol->name_space == name_space &&
			scan_equal(name, image->text + symbol->name.offset, length, engine->end))
			return entry - 1;
	}
}

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
	uint64_t word;
	uint32_t length = element->prefix_length > 0 ? element->prefix_length + 1 : 0;

	if (name_space == FAST_NAMESPACE_NONE)
		name_space = engine->image->counts[MW_IMAGE_NAMESPACES];
	if (name_space > engine->image->counts[MW_IMAGE_NAMESPACES] || length > 8 ||
		engine->end - element->tag < 9)
		return;
	quick = &engine->quick[name_space];
	memcpy(&word, element->tag + 1, 8);
	if (quick->length == length && (word & quick->mask) == quick->word)
		return;
	engine->quick_known = true;
	quick->length = length;
	quick->mask = length == 8 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * length)) - 1;
	quick->word = word & quick->mask;
}

/* Find out what the element is from its name, which has this binding and symbol. Returns false
 * after fast_fail(). */
static inline bool identify(struct duis_fast_engine *engine, struct element *element,
	const struct fast_binding *binding, uint32_t symbol)
{
	const struct duis_image *image = engine->image;
	struct fast_frame *frame = &engine->frames[engine->depth - 1];
	const struct mw_image_transition *transition;
	uint32_t name_space;

	element->type = 0;
	element->default_value = 0;
	element->role = FAST_ROLE_NONE;
	if (binding == NULL) {
		NOT_WELL_FORMED(
			engine, element->tag + 1, "the prefix of an element is not declared");
		return false;
	}
	if (engine->invalid)
		return true;
	name_space = binding->name_space;
	if (name_space == FAST_NAMESPACE_NONE || name_space < image->counts[MW_IMAGE_NAMESPACES])
		remember_prefix(engine, element, name_space);
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
		struct fast_attribute *attribute = &engine->attributes[index];
		struct fast_span value;
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
		value = settle(engine, attribute);
		if (!value_valid(engine, declared[found].simple,
			    (struct fast_value){
				    value.at, value.at + value.length, value.at + value.length}))
			fast_invalid_value(engine, engine->bytes + attribute->raw_offset,
				declared[found].simple, &attribute->name);
	}
	if (!engine->invalid && required < type->required_count)
		fast_invalid(engine, element->tag, "a required attribute is missing");
}

#endif
