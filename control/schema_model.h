/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema compiler's model, between XSD and image:
 *
 *     schema_read.c     files -> components -> types, with their particles
 *     schema_simple.c   simple types and their facets
 *     schema_pattern.c  regular expressions -> DFAs over bytes
 *     schema_content.c  particles -> deterministic automata
 *     schema_merge.c    where a repeated particle would make them nondeterministic
 *     schema_write.c    everything -> bytes
 *
 * All memory is of one arena, and every failure leaves by schema_fail(), so nothing is undone step
 * by step. Used by one thread.
 */
#ifndef CONTROL_SCHEMA_MODEL_H
#define CONTROL_SCHEMA_MODEL_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "dataplane/duis/schema_set.h"
#include "motorway/schema_image.h"

#define SCHEMA_XSD_NAMESPACE "http://www.w3.org/2001/XMLSchema"
#define SCHEMA_POSITIONS_MAX 20000 /* particles of one type, repetitions of groups unrolled */
#define SCHEMA_TRANSITIONS_MAX 1000000
#define SCHEMA_DFA_STATES_MAX 8000
#define SCHEMA_BYTES_MAX (256u << 20)  /* of memory, all together */
#define SCHEMA_DEPTH_MAX 400	       /* definitions that need each other */
#define SCHEMA_PATTERN_BYTES_MAX 16384 /* of one restriction */
#define SCHEMA_VALUES_MAX 30000u       /* of one enumeration */
#define SCHEMA_CHAINS 1024

/* A growing array in the arena; the element's size is given with each call. */
struct schema_array {
	void *items;
	uint32_t count;
	uint32_t capacity;
};

enum schema_particle_kind {
	SCHEMA_ELEMENT = 1,
	SCHEMA_ANY,
	SCHEMA_OTHER,
	SCHEMA_SEQUENCE,
	SCHEMA_CHOICE,
};

struct schema_particle {
	enum schema_particle_kind kind;
	uint32_t number; /* in the order of reading */
	uint32_t min;
	uint32_t max;		/* MW_IMAGE_UNBOUNDED */
	uint32_t symbol;	/* ELEMENT */
	uint32_t type;		/* ELEMENT */
	uint32_t default_value; /* ELEMENT: as in the image */
	uint32_t name_space;	/* OTHER: the excluded one */
	bool lax;
	xmlNodePtr node;
	struct schema_particle *children; /* SEQUENCE, CHOICE */
	struct schema_particle *next;	  /* sibling */
};

struct schema_attribute {
	const char *name;
	uint32_t simple;
	bool required;
};

struct schema_state {
	uint32_t repeat_min;
	uint32_t repeat_max;
	bool accept;
	const struct schema_particle *particle; /* NULL: start */
	uint32_t *next;				/* states of the type, by index in it */
	uint32_t next_count;
};

struct schema_type {
	const char *name; /* "" in place */
	xmlNodePtr node;
	enum mw_image_content content;
	uint32_t simple;
	bool done;
	bool is_abstract;
	bool any_attribute;
	struct schema_particle *particle; /* NULL: none */
	struct schema_array attributes;	  /* struct schema_attribute */
	struct schema_state *states;
	uint32_t state_count;
};

struct schema_dfa {
	const char *source;
	uint16_t *cells;
	uint16_t state_count;
	uint16_t class_count;
	uint16_t start;
	uint16_t first_accept;
	uint16_t fixed_length;
	uint16_t fixed_state;
	uint8_t low[16];
	uint8_t high[16];
	uint8_t fixed[MW_IMAGE_FIXED_MAX];
	uint8_t classes[256];
};

struct schema_simple {
	const char *name;
	enum mw_image_kind kind;
	enum mw_image_white_space white_space;
	uint32_t facets;
	uint32_t length_min;
	uint32_t length_max;
	uint32_t total_digits;
	uint32_t fraction_digits;
	const char *minimum; /* canonical */
	const char *maximum;
	struct schema_array values; /* const char * */
	uint32_t pattern;	    /* index of schema.patterns */
};

enum schema_component_kind {
	SCHEMA_COMPONENT_ELEMENT = 1,
	SCHEMA_COMPONENT_TYPE, /* simple and complex ones share their names */
};

/* A global definition. */
struct schema_component {
	enum schema_component_kind kind;
	const char *name_space; /* URI, "" for none */
	const char *name;
	xmlNodePtr node;
	bool is_simple;
	uint32_t index; /* of types or simples, MW_IMAGE_NONE until compiled */
	bool in_progress;
	uint32_t next; /* 1 + the next one of its chain in schema.chains, or 0 */
};

struct schema_symbol {
	const char *name;
	uint32_t name_space;
	uint32_t global_type;
	uint32_t global_default;
};

struct schema_block;

/* An overlay file as it is. */
struct schema_overlay_text {
	char *bytes; /* in the arena */
	size_t length;
};

struct schema {
	jmp_buf failure;
	int result;
	char *reason;
	size_t reason_size;
	struct schema_block *blocks;
	size_t bytes; /* in all blocks */
	struct duis_schema_set *set;
	const char *const *overlays;
	size_t overlay_count;
	struct schema_overlay_text *overlay_texts;
	unsigned depth; /* definitions that are being read, one inside of the other */
	uint32_t particle_count;

	struct schema_array components; /* struct schema_component */
	uint32_t chains[SCHEMA_CHAINS]; /* 1 + the first component of that hash, or 0 */
	struct schema_array namespaces; /* const char * */
	struct schema_array symbols;	/* struct schema_symbol */
	struct schema_array types;	/* struct schema_type *; 0 = anyType */
	struct schema_array simples;	/* struct schema_simple * */
	struct schema_array patterns;	/* struct schema_dfa * */
	struct schema_array defaults;	/* const char * */
};

/* Arena. Never NULL: too little memory is a failure like any other. Zeroed. */
void *schema_allocate(struct schema *schema, size_t size);
char *schema_copy(struct schema *schema, const char *text, size_t length);
/* Append room for one item and return it, zeroed; items move when the array grows. */
void *schema_append(struct schema *schema, struct schema_array *array, size_t item_size);

/* Leave the compiler with "file:line: text". `node` NULL: without a place. */
__attribute__((noreturn, format(printf, 4, 5))) void schema_fail(
	struct schema *schema, int result, const xmlNode *node, const char *format, ...);
/* The same for a construct that is not supported. */
__attribute__((noreturn)) void schema_unsupported(
	struct schema *schema, const xmlNode *node, const char *what);

/* Around whatever reads a definition that others may need. */
void schema_enter(struct schema *schema, const xmlNode *node);
void schema_leave(struct schema *schema);

/* An XSD element of that local name? */
bool schema_is(const xmlNode *node, const char *name);
/* First and following child elements, annotations left out. */
xmlNodePtr schema_first_child(const xmlNode *node);
xmlNodePtr schema_next_child(const xmlNode *node);
/* The text of an attribute in no namespace, in the arena, or NULL. */
const char *schema_attribute_text(struct schema *schema, const xmlNode *node, const char *name);
/* Refuse attributes other than those of the list (blank-separated). */
void schema_attributes_allowed(struct schema *schema, const xmlNode *node, const char *allowed);
/* Resolve a QName at `node`: sets *uri ("" none) and returns the local name. */
const char *schema_qname(
	struct schema *schema, const xmlNode *node, const char *text, const char **uri);
struct schema_component *schema_find(
	struct schema *schema, enum schema_component_kind kind, const char *uri, const char *name);
uint32_t schema_namespace(struct schema *schema, const char *uri);

/* schema_simple.c: the simple type that QName `text` at `node` names, and one defined in place. */
uint32_t schema_simple_named(struct schema *schema, const xmlNode *node, const char *text);
uint32_t schema_simple_in_place(struct schema *schema, xmlNodePtr node, const char *name);
/* Refuse `text` as the default of an element whose content is that simple type if it is none of its
 * values. */
void schema_default_check(
	struct schema *schema, const xmlNode *node, uint32_t simple, const char *text);
/* Canonical form of a decimal, or NULL when it is none; negative, 0 or positive comparison. */
const char *schema_decimal(struct schema *schema, const char *text);
int schema_decimal_compare(const char *one, const char *other);

/* schema_pattern.c: compile the patterns of the restriction `node`, which are alternatives (at
 * least one; const char *, regular expressions of XML Schema). */
uint32_t schema_pattern(
	struct schema *schema, const xmlNode *node, const struct schema_array *sources);

/* schema_content.c: fill states and state_count of `type` from its particle. */
void schema_content(struct schema *schema, struct schema_type *type);

/* schema_merge.c: replace the states of `type` by those where no two of one particle can come
 * next. None of them may have a counter. */
void schema_merge(struct schema *schema, struct schema_type *type, struct schema_array *states);

/* schema_read.c */
void schema_read(struct schema *schema);

/* schema_write.c: returns the image in memory of malloc(). */
uint8_t *schema_write(struct schema *schema, size_t *length);

#endif
