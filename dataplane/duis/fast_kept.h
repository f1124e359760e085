/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags with one plain attribute, such as those of ds:SignedInfo, come again and again with the same
 * bytes. The one that came last for a transition is kept with what parsing and checking it found
 * out, and the next one is only compared with it. Part of the parser: see fast_parse.c.
 */
#ifndef DUIS_FAST_KEPT_H
#define DUIS_FAST_KEPT_H

#include "dataplane/duis/fast_note.h"

/* The rest of a tag that has come before, behind its name at element->stop? */
FAST_INLINE bool recall_tag(
	struct duis_fast_engine *engine, struct element *element, uint32_t transition)
{
	const struct fast_kept_tag *kept = &engine->kept_tags[transition & (FAST_KEPT_TAGS - 1)];
	struct fast_attribute *attribute = &engine->attributes[0];
	const uint8_t *rest = element->stop;

	if (kept->transition != transition + 1 || engine->end - rest < kept->length ||
		!scan_equal(rest, kept->bytes, kept->length, engine->end))
		return false;
	engine->attribute_count = 1;
	attribute->name = (struct fast_span){rest + kept->name_offset, kept->name_length};
	attribute->value = (struct fast_span){rest + kept->value_offset, kept->value_length};
	attribute->prefix_length = 0;
	attribute->is_declaration = false;
	attribute->redundant = false;
	attribute->rough = false;
	engine->tag_clean = kept->clean;
	element->stop = rest + kept->length - 1 - kept->empty;
	element->checked = true;
	return true;
}

/* Keep the tag that was just parsed, whose name ends at `rest`, when it has one plain attribute. */
static FAST_APART void keep_tag(struct duis_fast_engine *engine, const struct element *element,
	const uint8_t *rest, const uint8_t *stop, uint32_t transition)
{
	const struct duis_image *image = engine->image;
	const struct mw_image_type *type = &image->types[element->type];
	const struct fast_attribute *attribute = &engine->attributes[0];
	struct fast_kept_tag *kept = &engine->kept_tags[transition & (FAST_KEPT_TAGS - 1)];

	if (engine->invalid || engine->attribute_count != 1 || attribute->prefix_length > 0 ||
		attribute->rough || attribute->value.at != engine->bytes + attribute->raw_offset ||
		stop - rest > (ptrdiff_t)FAST_KEPT_BYTES)
		return;
	for (uint32_t index = 0; index < type->attribute_count; index++)
		if (image->simples[image->attributes[type->first_attribute + index].simple].kind ==
			MW_IMAGE_ID)
			return;
	kept->transition = transition + 1;
	kept->length = (uint8_t)(stop - rest);
	kept->name_offset = (uint8_t)(attribute->name.at - rest);
	kept->name_length = (uint8_t)attribute->name.length;
	kept->value_offset = (uint8_t)(attribute->value.at - rest);
	kept->value_length = (uint8_t)attribute->value.length;
	kept->clean = engine->kept_clean;
	kept->empty = stop[-2] == '/';
	memcpy(kept->bytes, rest, kept->length);
}

#endif
