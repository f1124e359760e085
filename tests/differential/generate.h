/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Valid documents out of a schema. At each choice and option the generator prefers what it has not
 * made yet, so that a few thousand documents cover every type, every branch of every choice, and
 * every optional element both present and absent.
 */
#ifndef DIFFERENTIAL_GENERATE_H
#define DIFFERENTIAL_GENERATE_H

#include <stdio.h>

#include "tests/differential/buffer.h"
#include "tests/differential/chance.h"
#include "tests/differential/xsd.h"

#define GENERATE_NAMESPACES_MAX 8

struct generate_prefix {
	const char *name_space;
	const char *prefix; /* "" is the default namespace */
};

/* How a document is written. */
struct generate_style {
	struct generate_prefix prefixes[GENERATE_NAMESPACES_MAX];
	size_t prefix_count;
	bool indent;
	const char *schema_version; /* of attributes of that name; NULL: any decimal */
	const char *left_out;	    /* an optional element that is not written; NULL: none */
	bool steer;		    /* prefer what is not covered yet */
};

/* Prefixes for the namespaces of all global elements, by chance. */
void generate_style_pick(
	struct chance *chance, const struct xsd *xsd, struct generate_style *style);

/* Add a document with the root `element`. */
void generate_document(struct chance *chance, struct xsd *xsd, struct xsd_particle *element,
	const struct generate_style *style, struct buffer *out);

/* Add one element below a root that declares the namespaces of `style`. */
void generate_element(struct chance *chance, struct xsd *xsd, struct xsd_particle *element,
	const struct generate_style *style, struct buffer *out);

/* Whether every type and branch below `element` has been made. */
bool generate_is_complete(struct xsd *xsd, struct xsd_particle *element);

struct generate_coverage {
	size_t types;
	size_t types_made;
	size_t branches;
	size_t branches_made;
	size_t options;	     /* optional particles */
	size_t options_both; /* made both present and absent */
};

/* Count over what can be reached from roots[0 .. count); names what is missing on `missing` unless
 * NULL. */
struct generate_coverage generate_measure(
	struct xsd *xsd, struct xsd_particle *const *roots, size_t count, FILE *missing);

#endif
