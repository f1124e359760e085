/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlays: what a later decision adds to a published XSD, as data. A YAML file becomes a list of
 * operations (overlay_read.c), and the list is applied to schema documents (overlay_apply.c).
 * Neither knows a name of DUIS. The format:
 *
 *     namespace: URI                # the target namespace of the schema document to change
 *     operations:                   # applied in this order
 *       - add_enumeration:
 *           to: TYPE                # a simple type that has enumerations
 *           values: [TEXT, ...]     # new ones
 *       - add_element:
 *           to: TYPE                # a complex type
 *           after: NAME             # an element of it; the new one follows in the same group
 *           name: NAME              # of the new element
 *           type: TYPE              # its type: one of the same namespace, or xs:NAME
 *           optional: yes | no      # may be absent; default no
 *
 * TYPE in `to` is a global type or element, or a path "TYPE/ELEMENT/..." to the anonymous type of
 * an element inside.
 *
 * Start-up only; allocates.
 */
#ifndef DUIS_OVERLAY_H
#define DUIS_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

#include <libxml/tree.h>

#define DUIS_OVERLAY_OPERATIONS_MAX 256
#define DUIS_OVERLAY_VALUES_MAX 1024

/* A text of the file and where it stands, both from 1. */
struct duis_overlay_text {
	char *text; /* owned; NULL when absent */
	int line;
	int column;
};

enum duis_overlay_kind {
	DUIS_OVERLAY_ADD_ENUMERATION = 1,
	DUIS_OVERLAY_ADD_ELEMENT = 2,
};

struct duis_overlay_operation {
	enum duis_overlay_kind kind;
	struct duis_overlay_text to;
	struct duis_overlay_text *values; /* add_enumeration */
	size_t value_count;
	struct duis_overlay_text after; /* add_element ... */
	struct duis_overlay_text name;
	struct duis_overlay_text type;
	bool optional;
};

struct duis_overlay {
	char *path;
	struct duis_overlay_text namespace;
	struct duis_overlay_operation *operations;
	size_t operation_count;
};

/* Read the overlay file at `path`. Returns 0 and *overlay, to be freed with duis_overlay_free(), or
 * -errno (-EINVAL for an error in the file) and "file:line:column: reason" in `reason`. */
int duis_overlay_read(
	const char *path, struct duis_overlay **overlay, char *reason, size_t reason_size);
void duis_overlay_free(struct duis_overlay *overlay);

/* Apply all operations to the one of documents[0 .. count) whose target namespace is the overlay's.
 * Returns 0, or -EINVAL (or -ENOMEM) and "file:line:column: reason" in `reason`; the documents may
 * then be half changed and are of no use. */
int duis_overlay_apply(const struct duis_overlay *overlay, xmlDocPtr const *documents, size_t count,
	char *reason, size_t reason_size);

#endif
