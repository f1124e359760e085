/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema as a graph of types and particles, read straight from the XSD files. It shares nothing
 * with the schema compiler that it helps to judge, and knows the constructs that the DUIS, MMC and
 * xmldsig schemas use; anything else ends the program with file and line.
 */
#ifndef DIFFERENTIAL_XSD_H
#define DIFFERENTIAL_XSD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XSD_UNBOUNDED UINT32_MAX

enum xsd_builtin {
	XSD_STRING = 1,
	XSD_TOKEN,
	XSD_ANY_URI,
	XSD_ID,
	XSD_BOOLEAN,
	XSD_INTEGER, /* and all that derive from it; their bounds are facets */
	XSD_DECIMAL,
	XSD_DATE_TIME,
	XSD_DATE,
	XSD_TIME,
	XSD_BASE64,
	XSD_HEX,
};

struct xsd_texts {
	char **texts;
	size_t count;
};

/* A simple type with the facets of all its derivation steps. */
struct xsd_simple {
	enum xsd_builtin builtin;
	const char *base_name; /* of the built-in type: "unsignedInt" */
	struct xsd_texts enumeration;
	struct xsd_texts patterns; /* one a step; alternatives of a step are joined by '|' */
	char *min_inclusive;	   /* NULL when absent, as the others */
	char *max_inclusive;
	char *min_exclusive;
	char *max_exclusive;
	int64_t length; /* -1 when absent, as the others */
	int64_t min_length;
	int64_t max_length;
	int64_t total_digits;
	int64_t fraction_digits;
};

struct xsd_attribute {
	char *name;
	struct xsd_type *type;
	bool required;
};

enum xsd_particle_kind {
	XSD_ELEMENT = 1,
	XSD_SEQUENCE,
	XSD_CHOICE,
	XSD_ANY,
};

struct xsd_particle {
	enum xsd_particle_kind kind;
	uint32_t min;
	uint32_t max;
	uint32_t line;
	const char *name_space; /* of the element; XSD_ANY: of the schema */
	/* XSD_ELEMENT */
	char *name;
	struct xsd_type *type;
	/* XSD_SEQUENCE, XSD_CHOICE */
	struct xsd_particle **children;
	size_t child_count;
	/* XSD_ANY */
	bool other; /* ##other, not ##any */
	bool lax;
	/* what the generator has done with it */
	uint64_t used;
	uint64_t omitted;
	uint32_t mark; /* last computation that visited it */
	bool complete; /* nothing below is left to cover */
};

struct xsd_type {
	const char *name_space;
	char *name; /* NULL for a type defined in place */
	uint32_t line;
	bool is_complex;
	bool is_abstract;
	bool is_mixed;
	struct xsd_simple *simple;    /* of a simple type, or of simple content */
	struct xsd_particle *content; /* NULL: no element content */
	struct xsd_attribute *attributes;
	size_t attribute_count;
	bool resolved;
	void *node; /* of the XSD; only while reading */
	uint64_t used;
	uint32_t mark;
	bool complete;
};

struct xsd {
	struct xsd_type **types;
	size_t type_count;
	struct xsd_particle **elements; /* global ones */
	size_t element_count;
	struct xsd_particle **particles; /* all, for the coverage */
	size_t particle_count;
};

/* Read paths[0 .. count): each schema document of the set once; imports are not followed. Ends the
 * program with file:line and the construct when it meets one that it does not know. */
struct xsd *xsd_read(const char *const *paths, size_t count);

/* The global element of that name, or NULL. */
struct xsd_particle *xsd_find_element(
	const struct xsd *xsd, const char *name_space, const char *name);

/* The declaration of the child `name` of an element of `type`, or NULL. */
struct xsd_particle *xsd_find_child(const struct xsd *xsd, const struct xsd_type *type,
	const char *name_space, const char *name, size_t name_length);

#endif
