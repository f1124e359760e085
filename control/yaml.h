/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML with positions: a file becomes a tree of nodes that know their line and column, and tables
 * of fields say how a mapping becomes a struct. Every file that motorway reads goes through here,
 * so that every error looks the same: "file:line:column: what is wrong; what is allowed". All
 * errors of a file are reported, not only the first.
 *
 * Accepted is a plain subset: one document of mappings, sequences and scalars; no anchors, aliases
 * or tags, because data that appears elsewhere than it is written makes positions useless.
 *
 * Start-up and reload only; allocates.
 */
#ifndef CONTROL_YAML_H
#define CONTROL_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define YAML_FILE_BYTES_MAX (64u * 1024 * 1024)
#define YAML_DEPTH_MAX 16

enum yaml_kind {
	YAML_SCALAR = 1,
	YAML_SEQUENCE = 2,
	YAML_MAPPING = 3,
};

struct yaml_node {
	enum yaml_kind kind;
	int line;   /* from 1 */
	int column; /* from 1 */
	bool quoted;
	const char *key; /* inside a mapping, else NULL */
	int key_line;
	int key_column;
	const char *text; /* scalar: its value; else "" */
	size_t length;	  /* of text, bytes */
	size_t count;	  /* children */
	struct yaml_node *first;
	struct yaml_node *last;
	struct yaml_node *next;
};

struct yaml_document;

/* Read the file at `path`. On success returns 0 and the document, which the caller frees with
 * yaml_free(). Syntax errors are written to `errors` and give -EINVAL; an unreadable or too large
 * file is written too and gives -errno. *document is NULL after a failure. */
int yaml_read(const char *path, FILE *errors, struct yaml_document **document);
void yaml_free(struct yaml_document *document);

/* The top node; NULL for an empty file. */
const struct yaml_node *yaml_root(const struct yaml_document *document);

/* Errors reported about this document so far. */
unsigned yaml_errors(const struct yaml_document *document);

/* Report one error at `node` (NULL: at the start of the file). */
void yaml_error(struct yaml_document *document, const struct yaml_node *node, const char *format,
	...) __attribute__((format(printf, 3, 4)));

/* The same at the key of `node`, which stands in a mapping. */
void yaml_error_key(struct yaml_document *document, const struct yaml_node *node,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Child of a mapping by key, or NULL. */
const struct yaml_node *yaml_child(const struct yaml_node *mapping, const char *key);

/* Report unless `node` is of `kind`; returns whether it is. */
bool yaml_expect(struct yaml_document *document, const struct yaml_node *node, enum yaml_kind kind);

/* Report every key of `mapping` that stands there twice. */
void yaml_check_duplicates(struct yaml_document *document, const struct yaml_node *mapping);

/* Make a path of the file absolute: relative ones are relative to the file's own folder.
 * Returns whether the result fits into size bytes. */
bool yaml_resolve(const struct yaml_document *document, const char *path, char *out, size_t size);

enum yaml_type {
	YAML_U16 = 1, /* uint16_t */
	YAML_U32,     /* uint32_t */
	YAML_U64,     /* uint64_t */
	YAML_BOOL,    /* bool: yes, no, true, false */
	YAML_TEXT,    /* char[max + 1] */
	YAML_PATH,    /* char[max + 1], made absolute */
	YAML_CHOICE,  /* int: min + index in `choices` */
	YAML_EUI,     /* uint64_t */
	YAML_SET,     /* uint32_t: sequence of `choices`, bit min + index of each */
	YAML_CUSTOM,  /* by `read` */
};

struct yaml_field {
	const char *name;
	enum yaml_type type;
	bool required;
	size_t offset; /* in the struct */
	uint64_t min;  /* numbers: bounds; texts: bounds of the length in bytes */
	uint64_t max;
	const char *const *choices; /* NULL ends the list */
	const char *zero_word;	    /* a word that means 0, such as "auto" */
	const char *fallback;	    /* value of an absent field, as text; NULL: left as it is */
	const char *unit;
	const char *help;
	/* YAML_CUSTOM: read `node` into `target` (base + offset); reports its own errors. */
	void (*read)(struct yaml_document *document, const struct yaml_node *node, void *target);
};

/* Read `mapping` into the struct at `base` as fields[0 .. count) say: reports unknown and repeated
 * keys, missing required ones, wrong types and values out of bounds. Returns whether this mapping
 * was without error. */
bool yaml_read_fields(struct yaml_document *document, const struct yaml_node *mapping,
	const struct yaml_field *fields, size_t count, void *base);

/* Put the fallback of `field` into the struct at `base`. The text must be valid: asserted. */
void yaml_set_fallback(const struct yaml_field *field, void *base);

/* What `field` allows, as one phrase, such as "a number from 1 to 64" (static or in `text`). */
const char *yaml_allowed(const struct yaml_field *field, char *text, size_t size);

#endif
