/* SPDX-License-Identifier: Apache-2.0 */
/* Where a node of the DOM stands in the document's bytes, and how its place is called. */
#ifndef DUIS_PLACE_H
#define DUIS_PLACE_H

#include <stdint.h>

#include <libxml/tree.h>

#include "dataplane/duis/error.h"

/* Which part of a node an offset means. */
enum duis_place_part {
	DUIS_PLACE_TAG = 1, /* the '<' of its start tag; for an attribute, its name */
	DUIS_PLACE_CONTENT, /* behind its start tag; the same as TAG for an empty element */
};

/* Note in `element` that its start tag ends at `end` (the offset of its '>' or '/>'). */
void duis_place_mark(xmlNodePtr element, uint32_t end);

/* Offset of `part` of the element or attribute `node` in the document at `bytes`, from which it was
 * parsed and whose elements were marked. */
uint32_t duis_place_offset(const uint8_t *bytes, const xmlNode *node, enum duis_place_part part);

/* Write the path of `node`, names with prefixes as in the document, "/@name" for an attribute; cut
 * as duis_path_add() does when too long. NULL gives "". */
void duis_place_path(const xmlNode *node, char path[DUIS_PATH_SIZE]);

#endif
