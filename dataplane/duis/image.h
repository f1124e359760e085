/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema image in use: checked once, then only read. Format: motorway/schema_image.h.
 *
 * An image is operator input. duis_image_check() looks at everything in it that the engine would
 * follow, so that a damaged or forged file is refused and never walked into.
 */
#ifndef DUIS_IMAGE_H
#define DUIS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "motorway/schema_image.h"

/* Pointers into the bytes of a checked image. */
struct duis_image {
	const struct mw_image_header *header;
	const uint8_t *text;
	const struct mw_image_source *sources;
	const struct mw_image_text *namespaces;
	const struct mw_image_symbol *symbols;
	const uint32_t *symbol_hash;
	const struct mw_image_type *types;
	const struct mw_image_attribute *attributes;
	const struct mw_image_state *states;
	const struct mw_image_transition *transitions;
	const uint16_t *transition_hash;
	const struct mw_image_simple *simples;
	const struct mw_image_text *values;
	const uint16_t *value_hash;
	const struct mw_image_pattern *patterns;
	const uint16_t *cells;
	const uint32_t *imports;
	const uint8_t *source_text; /* NULL: not kept */
	size_t mapped_length;	    /* of an opened file */
	uint32_t counts[MW_IMAGE_SECTION_COUNT];
};

/* Check bytes[0 .. length), aligned to 64, and fill *image with pointers into them. Returns 0, or
 * -EBADMSG and one line in `reason` (what is wrong and where). Pure; costs milliseconds. */
int duis_image_check(const uint8_t *bytes, size_t length, struct duis_image *image, char *reason,
	size_t reason_size);

/* Load the image file at `path` into read-only memory and check it. A copy, not a mapping of the
 * file: what was checked cannot change afterwards, whatever happens to the file. The texts of the
 * sources are checked, too, but not kept. Returns 0, or -errno with "path: reason". Start-up and
 * reload only. */
int duis_image_open(const char *path, struct duis_image *image, char *reason, size_t reason_size);
/* The same with the texts of the sources. */
int duis_image_open_whole(
	const char *path, struct duis_image *image, char *reason, size_t reason_size);
void duis_image_close(struct duis_image *image);

/* Symbol of the local name name[0 .. length) in namespace `name_space` (index or MW_IMAGE_NONE), or
 * MW_IMAGE_NONE. Any thread. */
static inline uint32_t duis_image_symbol(
	const struct duis_image *image, const uint8_t *name, uint32_t length, uint32_t name_space)
{
	uint32_t mask = image->counts[MW_IMAGE_SYMBOL_HASH] - 1;
	uint32_t slot = mw_image_hash(name, length, name_space + 1);

	for (;; slot++) {
		uint32_t entry = image->symbol_hash[slot & mask];
		const struct mw_image_symbol *symbol;

		if (entry == 0)
			return MW_IMAGE_NONE;
		symbol = &image->symbols[entry - 1];
		if (symbol->name.length == length && symbol->name_space == name_space &&
			memcmp(image->text + symbol->name.offset, name, length) == 0)
			return entry - 1;
	}
}

#endif
