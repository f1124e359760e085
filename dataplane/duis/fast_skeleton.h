/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures look all alike: of the forty tags and texts of one, four texts differ from document to
 * document. The bytes between those are kept with what parsing them found out (fast_skeleton.c),
 * and the next signature is compared with them; only its four texts are read and checked. What the
 * kept bytes mean depends on nothing before them but the namespace of their one prefix, which is
 * that of ds:Signature itself. Included by fast_parse.c only.
 */
#ifndef DUIS_FAST_SKELETON_H
#define DUIS_FAST_SKELETON_H

#include "dataplane/duis/fast_note.h"

/* The text at `at` and its check against a simple type. Returns what follows it, or NULL. */
static inline const uint8_t *read_hole(struct duis_fast_engine *engine, const uint8_t *at,
	uint32_t simple, struct fast_span *value)
{
	const uint8_t *stop = scan_run(at, engine->end, SCAN_TEXT);
	const uint8_t *end = engine->end;
	size_t there = (size_t)(end - at);

	*value = (struct fast_span){at, (uint32_t)(stop - at)};
	if (unlikely(stop >= engine->end || *stop != '<')) {
		struct fast_text text = {.collect = true};
		const uint8_t *tag = memchr(at, '<', there < FAST_HOLE_MAX ? there : FAST_HOLE_MAX);

		/* Only text with references, and not much: it may have to be read again. */
		if (tag == NULL || engine->end - tag < 2 || tag[1] != '/')
			return NULL;
		value->at = engine->scratch + engine->scratch_used;
		text_put(engine, at, stop);
		stop = parse_text(engine, stop, &text);
		if (stop == NULL)
			return NULL;
		value->length = (uint32_t)(engine->scratch + engine->scratch_used - value->at);
		end = engine->scratch + engine->scratch_size;
	}
	return value_valid(engine, simple,
		       (struct fast_value){value->at, value->at + value->length, end})
		       ? stop
		       : NULL;
}

/* What parsing would have noted, with the fixed pieces at these places. */
static inline void note_kept_parts(struct duis_fast_engine *engine,
	const struct fast_kept_signature *kept, const uint8_t *const pieces[FAST_PIECES])
{
	for (unsigned index = 0; index < FAST_DSIG_ROLE_COUNT; index++) {
		const struct fast_kept_part *from = &kept->parts[index];
		struct fast_part *part = &engine->parts[FAST_ROLE_FIRST_DSIG + index];
		const uint8_t *tag = pieces[from->piece] + from->offset;

		if (from->count == 0)
			continue;
		part->count = 1;
		part->offset = offset_of(engine, tag);
		part->end = offset_of(engine, pieces[from->end_piece] + from->end);
		part->children = from->children;
		part->attribute_count = from->attribute_count;
		part->attribute_name = (struct fast_span){tag + from->name_at, from->name_length};
		part->attribute_value =
			(struct fast_span){tag + from->value_at, from->value_length};
		part->text = false;
	}
}

/* Whether the content of ds:Signature at `at` is as kept. Returns where its end tag begins, or NULL
 * with nothing changed that matters. */
static inline const uint8_t *compare_signature(
	struct duis_fast_engine *engine, const uint8_t *at, const struct fast_kept_signature *kept)
{
	const uint8_t *fixed = kept->bytes;
	const uint8_t *pieces[FAST_PIECES];
	struct fast_span values[FAST_HOLES];
	uint32_t octets[FAST_HOLES];

	for (unsigned index = 0;; index++) {
		uint32_t length = kept->lengths[index];

		if ((size_t)(engine->end - at) < (size_t)length + 2 ||
			memcmp(at, fixed, length) != 0)
			return NULL;
		pieces[index] = at;
		at += length;
		fixed += length;
		if (index == FAST_HOLES)
			break;
		at = read_hole(engine, at, kept->simples[index], &values[index]);
		if (at == NULL)
			return NULL;
		octets[index] = engine->octets;
	}
	if (at[0] != '<' || at[1] != '/')
		return NULL;
	note_kept_parts(engine, kept, pieces);
	for (unsigned index = 0; index < FAST_HOLES; index++) {
		struct fast_part *part = &engine->parts[fast_hole_roles[index]];

		part->value = values[index];
		part->octets = octets[index];
	}
	return at;
}

/* The content of the root's signature, whose start tag has just been opened: the place of its end
 * tag when it is like one that was kept, otherwise `at`. */
static FAST_APART const uint8_t *recall_signature(
	struct duis_fast_engine *engine, const struct element *element, const uint8_t *at)
{
	uint32_t scratch_used = engine->scratch_used;

	for (unsigned index = 0; index < FAST_KEPT_SIGNATURES; index++) {
		const struct fast_kept_signature *kept = &engine->kept_signatures[index];
		const uint8_t *stop;

		if (kept->schema != engine->schema || kept->type != element->type ||
			kept->prefix_length != element->prefix_length ||
			memcmp(kept->prefix, element->tag + 1, kept->prefix_length) != 0)
			continue;
		stop = compare_signature(engine, at, kept);
		if (stop != NULL) {
			engine->frames[1].state = kept->state;
			engine->frames[1].count = kept->count;
			engine->signature_bindings = engine->binding_count;
			engine->recalled = kept;
			return stop;
		}
		engine->scratch_used = scratch_used;
	}
	return at;
}

#endif
