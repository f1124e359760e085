/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document cut into tags, texts and the rest, so that it can be changed and so that an offset can
 * be compared with the construct it lies in. The cut never fails: what is not well-formed becomes a
 * token up to the next '<' or '>'.
 */
#ifndef DIFFERENTIAL_TOKENS_H
#define DIFFERENTIAL_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/differential/xsd.h"

enum token_kind {
	TOKEN_TEXT = 1,
	TOKEN_START,
	TOKEN_EMPTY, /* <name/> */
	TOKEN_END,
	TOKEN_COMMENT,
	TOKEN_PI, /* the XML declaration too */
	TOKEN_CDATA,
	TOKEN_DOCTYPE,
};

#define TOKEN_NONE SIZE_MAX

struct token_attribute {
	size_t begin; /* of the name */
	size_t name_end;
	size_t value; /* behind the opening quote */
	size_t value_end;
	size_t end; /* behind the closing quote */
};

struct token {
	enum token_kind kind;
	size_t begin;
	size_t end;
	size_t name; /* START, EMPTY, END */
	size_t name_end;
	size_t first_attribute;
	size_t attribute_count;
	size_t parent; /* token of the element around it, or TOKEN_NONE */
	size_t close;  /* START: its end tag; EMPTY: itself; TOKEN_NONE when there is none */
	unsigned depth;
	const struct xsd_particle *declaration; /* NULL: not known to the schema */
};

struct tokens {
	const uint8_t *bytes;
	size_t length;
	struct token *tokens;
	size_t count;
	size_t capacity;
	struct token_attribute *attributes;
	size_t attribute_count;
	size_t attribute_capacity;
	size_t *elements; /* tokens that begin an element, in the document's order */
	size_t element_count;
	size_t element_capacity;
};

/* Cut bytes[0 .. length), which must stay as they are while the tokens are used. `tokens` is all
 * zero or was cut before. */
void tokens_cut(struct tokens *tokens, const uint8_t *bytes, size_t length);
void tokens_free(struct tokens *tokens);

/* Find the declaration of each element, from the global elements of `xsd` downwards. */
void tokens_annotate(struct tokens *tokens, const struct xsd *xsd);

/* Behind the last byte of the element that begins with token `index`; the document's length when it
 * is not closed. */
size_t tokens_element_end(const struct tokens *tokens, size_t index);

/* The token that holds `offset`; the last one when it lies behind all. */
size_t tokens_at(const struct tokens *tokens, size_t offset);

/* The local name of an element token. */
const uint8_t *tokens_local_name(const struct tokens *tokens, size_t index, size_t *length);

bool tokens_is_named(const struct tokens *tokens, size_t index, const char *local_name);

#endif
