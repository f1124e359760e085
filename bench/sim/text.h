/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small edits of XML text that is known to be well-formed and canonical, by position. Not a parser:
 * elements are found by the text of their tags, which canonical form makes unambiguous for elements
 * without attributes.
 */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	uint8_t *bytes; /* owned by the maker */
	size_t length;
	size_t capacity;
};

struct text_span {
	size_t start;
	size_t length;
};

/* Where bytes[start ..] of the first `needle` lie, or -ENOENT. */
int text_find(const struct text *text, const char *needle, size_t *start);

/* The content of the first element whose local name is `name` and that has no attributes, searching
 * from `from`: what lies between its start tag and the first end tag of that name.
 * Returns 0 or -ENOENT. */
int text_element(const uint8_t *bytes, size_t length, size_t from, const char *name,
	struct text_span *content);

/* Replace `span` by insert[0 .. insert_length). Returns 0, or -ENOBUFS when it does not fit. */
int text_splice(struct text *text, struct text_span span, const void *insert, size_t insert_length);

/* Replace the content of the first element `name`. 0, -ENOENT, -ENOBUFS. */
int text_set_element(struct text *text, const char *name, const char *content);

/* Replace the first `from` by `to`. 0, -ENOENT, -ENOBUFS. */
int text_replace(struct text *text, const char *from, const char *to);

/* Append. 0 or -ENOBUFS. */
int text_append(struct text *text, const void *bytes, size_t length);

/* Append the base64 form of bytes[0 .. length). 0 or -ENOBUFS. */
int text_append_base64(struct text *text, const uint8_t *bytes, size_t length);

/* Decode base64 (white space allowed) of `length` characters into out[0 .. capacity). Returns the
 * number of octets, -EBADMSG, or -ENOBUFS. */
int text_base64_decode(const uint8_t *text, size_t length, uint8_t *out, size_t capacity);

#endif
