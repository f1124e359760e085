/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON reader (RFC 8259) for messages of the feed. Unlike common ones it keeps where in the text
 * each value stands, so that a fault can be told by line, column and JSON pointer (RFC 6901). It is
 * strict: UTF-8 without byte order mark, no member twice, no U+0000, and bounded in size. The text
 * is borrowed and has to outlive the nodes. Pure functions.
 */
#ifndef CONTROL_FEED_JSON_H
#define CONTROL_FEED_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_JSON_NODES_MAX 1024
#define FEED_JSON_DEPTH_MAX 16
#define FEED_JSON_NONE 0xffffu
#define FEED_POINTER_SIZE 80

enum feed_json_type {
	FEED_JSON_OBJECT = 1,
	FEED_JSON_ARRAY,
	FEED_JSON_STRING,
	FEED_JSON_NUMBER,
	FEED_JSON_TRUE,
	FEED_JSON_FALSE,
	FEED_JSON_NULL,
};

enum feed_json_fault {
	FEED_JSON_GOOD = 0,
	FEED_JSON_SYNTAX,
	FEED_JSON_UTF8,
	FEED_JSON_TWICE, /* a member of an object */
	FEED_JSON_LIMIT, /* FEED_JSON_NODES_MAX or FEED_JSON_DEPTH_MAX */
};

/* A value; text[offset .. offset + length) is all of it. Nodes refer to each other by index. */
struct feed_json_node {
	uint8_t type;
	uint16_t parent;     /* FEED_JSON_NONE: it is the root, node 0 */
	uint16_t first;	     /* child, or FEED_JSON_NONE */
	uint16_t next;	     /* child of the same parent, or FEED_JSON_NONE */
	uint16_t place;	     /* among the parent's children, from 0 */
	uint32_t key_offset; /* of the member's name, its quotes included; 0: no member */
	uint32_t key_length;
	uint32_t offset;
	uint32_t length;
};

struct feed_json {
	const char *text;
	size_t length; /* < 2^32 */
	size_t node_count;
	size_t fault_offset; /* where reading ended */
	uint16_t fault_node; /* the container it ended in, or FEED_JSON_NONE */
	struct feed_json_node nodes[FEED_JSON_NODES_MAX];
};

/* Read text[0 .. length), one value with white space around it. FEED_JSON_GOOD, or the first fault,
 * whose place is then in `json`. */
enum feed_json_fault feed_json_read(struct feed_json *json, const char *text, size_t length);

/* The member `name` (ASCII) of the object `node`, FEED_JSON_NONE: it has none. */
uint16_t feed_json_member(const struct feed_json *json, uint16_t node, const char *name);

/* Whether the name of the member `node` is `name` (ASCII). */
bool feed_json_is_named(const struct feed_json *json, uint16_t node, const char *name);

/* Write the string `node` without quotes and escapes, as UTF-8 with a NUL. False: it needs more
 * than `size` bytes. */
bool feed_json_string(const struct feed_json *json, uint16_t node, char *out, size_t size);

/* Write the pointer to `node` ("" for the root), and to its member `name` when that is not NULL.
 * What is not printable ASCII becomes '?'; what is too long is cut. */
void feed_json_pointer(const struct feed_json *json, uint16_t node, const char *name,
	char pointer[FEED_POINTER_SIZE]);

#endif
