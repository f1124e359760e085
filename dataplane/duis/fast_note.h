/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parser notes for later stages: where the header's values, the body and the signature's
 * parts stand. Elements are told by the roles that they got by name when the image was loaded, and
 * by where they stand. Included by fast_parse.c only.
 */
#ifndef DUIS_FAST_NOTE_H
#define DUIS_FAST_NOTE_H

#include "dataplane/duis/fast_tag.h"

/* A start tag that has been parsed. */
struct element {
	const uint8_t *tag;  /* its '<' */
	const uint8_t *stop; /* behind its name, later its '>' or "/>" */
	uint32_t name_length;
	uint32_t prefix_length;
	uint32_t type;
	uint32_t default_value;
	uint8_t role;
	bool checked; /* its attributes are known to be those of the type */
};

/* An element whose parent is at most the third from the root. Kept out of the parser's way. */
static inline void note_outer(struct duis_fast_engine *engine, const struct element *element)
{
	struct fast_span name = {element->tag + 1, element->name_length};

	if (engine->depth == 1) {
		engine->body_open = element->role == FAST_ROLE_BODY;
		if (engine->body_open)
			engine->body.at = element->tag;
		return;
	}
	if (!engine->body_open)
		return;
	if (element->prefix_length > 0) {
		name.at += element->prefix_length + 1;
		name.length -= element->prefix_length + 1;
	}
	if (engine->depth == 2) {
		engine->in_first_child = engine->body_child.at == NULL;
		if (engine->in_first_child) {
			engine->body_child = name;
			engine->is_response_message = element->role == FAST_ROLE_RESPONSE_MESSAGE;
		}
	} else if (engine->is_response_message && engine->in_first_child &&
		   element->role != FAST_ROLE_SERVICE_REFERENCE &&
		   element->role != FAST_ROLE_SERVICE_REFERENCE_VARIANT &&
		   engine->message_child.at == NULL) {
		engine->message_child = name;
	}
}

static inline void note_signature(struct duis_fast_engine *engine, const struct element *element)
{
	if (engine->signature_count > 0 && engine->other_signature == 0)
		engine->other_signature = engine->depth == 1
						  ? engine->parts[FAST_ROLE_SIGNATURE].offset
						  : offset_of(engine, element->tag);
	if (engine->depth > 1 && engine->other_signature == 0)
		engine->other_signature = offset_of(engine, element->tag);
	engine->signature_count++;
	if (engine->depth != 1)
		return;
	/* What the root's signature holds is left out of the document's canonical form. When a
	 * second one comes, the first was none, and the document is read again (see
	 * duis_fast_engine_read()). */
	engine->again |= !engine->tracked_all && engine->root_signatures++ > 0;
	engine->tracked = engine->tracked_all && !engine->invalid;
	for (unsigned role = FAST_ROLE_FIRST_DSIG; role < FAST_ROLE_COUNT; role++)
		engine->parts[role].count = 0;
	engine->in_signature = true;
	engine->instruction_behind = false;
}

/* Where each element of the root's signature stands: nesting, and what it is in. The same names
 * elsewhere (in a Manifest, a RetrievalMethod) are none of the signature's parts. */
static const struct {
	uint8_t depth;
	uint8_t parent;
} places[FAST_ROLE_COUNT] = {
	[FAST_ROLE_SIGNED_INFO] = {2, FAST_ROLE_SIGNATURE},
	[FAST_ROLE_CANONICALIZATION_METHOD] = {3, FAST_ROLE_SIGNED_INFO},
	[FAST_ROLE_SIGNATURE_METHOD] = {3, FAST_ROLE_SIGNED_INFO},
	[FAST_ROLE_REFERENCE] = {3, FAST_ROLE_SIGNED_INFO},
	[FAST_ROLE_TRANSFORMS] = {4, FAST_ROLE_REFERENCE},
	[FAST_ROLE_TRANSFORM] = {5, FAST_ROLE_TRANSFORMS},
	[FAST_ROLE_DIGEST_METHOD] = {4, FAST_ROLE_REFERENCE},
	[FAST_ROLE_DIGEST_VALUE] = {4, FAST_ROLE_REFERENCE},
	[FAST_ROLE_SIGNATURE_VALUE] = {2, FAST_ROLE_SIGNATURE},
	[FAST_ROLE_KEY_INFO] = {2, FAST_ROLE_SIGNATURE},
	[FAST_ROLE_X509_DATA] = {3, FAST_ROLE_KEY_INFO},
	[FAST_ROLE_X509_ISSUER_SERIAL] = {4, FAST_ROLE_X509_DATA},
	[FAST_ROLE_X509_ISSUER_NAME] = {5, FAST_ROLE_X509_ISSUER_SERIAL},
	[FAST_ROLE_X509_SERIAL_NUMBER] = {5, FAST_ROLE_X509_ISSUER_SERIAL},
	[FAST_ROLE_OBJECT] = {2, FAST_ROLE_SIGNATURE},
};

/* An element of XML Signature. */
static inline void note_part(struct duis_fast_engine *engine, struct element *element)
{
	struct fast_part *part = &engine->parts[element->role];

	if (element->role == FAST_ROLE_SIGNATURE) {
		note_signature(engine, element);
		if (engine->depth != 1)
			element->role = FAST_ROLE_NONE;
	} else if (!engine->in_signature || engine->depth != places[element->role].depth ||
		   engine->frames[engine->depth - 1].role != places[element->role].parent) {
		element->role = FAST_ROLE_NONE;
	}
	if (element->role == FAST_ROLE_NONE)
		return;
	if (part->count++ > 0) {
		if (part->count == 2)
			part->second = offset_of(engine, element->tag);
		return;
	}
	part->offset = offset_of(engine, element->tag);
	part->children = 0;
	part->text = false;
	part->attribute_count = engine->attribute_count - engine->declaration_count;
	for (uint32_t index = 0; index < engine->attribute_count; index++)
		if (!engine->attributes[index].is_declaration) {
			part->attribute_name = engine->attributes[index].name;
			part->attribute_value = settle(engine, &engine->attributes[index]);
		}
	if (element->role == FAST_ROLE_SIGNED_INFO)
		engine->signature_bindings = engine->binding_count - engine->declaration_count;
}

/* Every element, before it is opened. */
FAST_INLINE void note_element(struct duis_fast_engine *engine, struct element *element)
{
	if (engine->depth <= 3)
		note_outer(engine, element);
	if (engine->in_signature)
		engine->parts[engine->frames[engine->depth - 1].role].children++;
	if (element->role >= FAST_ROLE_FIRST_DSIG)
		note_part(engine, element);
}

/* The value of an element of simple type. */
FAST_INLINE void note_value(struct duis_fast_engine *engine, uint8_t role, uint32_t simple,
	const uint8_t *at, uint32_t length)
{
	struct fast_span *value;

	if (role == FAST_ROLE_NONE)
		return;
	if (role >= FAST_ROLE_FIRST_DSIG) {
		if (engine->parts[role].count == 1) {
			engine->parts[role].value = (struct fast_span){at, length};
			engine->parts[role].octets = engine->octets;
			engine->parts[role].simple = simple;
		}
		return;
	}
	value = &engine->values[role];
	if (role == FAST_ROLE_EXECUTION_DATE_TIME || role == FAST_ROLE_START_DATE_TIME ||
		role == FAST_ROLE_END_DATE_TIME) {
		if (engine->body_open && value->at == NULL &&
			(role == FAST_ROLE_EXECUTION_DATE_TIME ||
				engine->frames[engine->depth - 1].role ==
					FAST_ROLE_READ_LOG_PERIOD))
			*value = (struct fast_span){at, length};
		return;
	}
	/* Header's children, and the references that are children of Body's first element. */
	if (engine->depth != 2 && !(engine->depth == 3 && engine->in_first_child &&
					  engine->body_open && engine->root == DUIS_ROOT_RESPONSE &&
					  (role == FAST_ROLE_SERVICE_REFERENCE ||
						  role == FAST_ROLE_SERVICE_REFERENCE_VARIANT)))
		return;
	if (engine->depth == 2 && engine->frames[1].role != FAST_ROLE_HEADER)
		return;
	if (value->at == NULL)
		*value = (struct fast_span){at, length};
}

static inline void note_end(struct duis_fast_engine *engine, uint8_t role, const uint8_t *at)
{
	if (engine->depth == 1 && role == FAST_ROLE_BODY) {
		engine->body_open = false;
		engine->body.length = (uint32_t)(at - engine->body.at);
	}
	if (!engine->in_signature || role < FAST_ROLE_FIRST_DSIG)
		return;
	if (engine->parts[role].count == 1)
		engine->parts[role].end = offset_of(engine, at);
	if (role == FAST_ROLE_SIGNATURE && engine->depth == 1) {
		engine->in_signature = false;
		engine->tracked = !engine->invalid;
		if (engine->root_children <= FAST_BARRIERS_MAX)
			engine->dirty_barrier = offset_of(engine, at);
	}
}

#endif
