/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "tests/differential/buffer.h"
#include "tests/differential/tokens.h"

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool starts(const struct tokens *tokens, size_t at, const char *text)
{
	size_t length = strlen(text);

	return tokens->length - at >= length && memcmp(tokens->bytes + at, text, length) == 0;
}

/* Behind the next `text` at or after `at`, or the document's length. */
static size_t behind(const struct tokens *tokens, size_t at, const char *text)
{
	const uint8_t *found;

	if (at >= tokens->length)
		return tokens->length;
	found = memmem(tokens->bytes + at, tokens->length - at, text, strlen(text));
	return found != NULL ? (size_t)(found - tokens->bytes) + strlen(text) : tokens->length;
}

static struct token *add(struct tokens *tokens, enum token_kind kind, size_t begin, size_t end)
{
	struct token *token;

	if (tokens->count == tokens->capacity) {
		tokens->capacity = tokens->capacity * 2 + 64;
		tokens->tokens = buffer_reallocate(
			tokens->tokens, tokens->capacity * sizeof(tokens->tokens[0]));
	}
	token = &tokens->tokens[tokens->count++];
	memset(token, 0, sizeof(*token));
	token->kind = kind;
	token->begin = begin;
	token->end = end;
	token->parent = TOKEN_NONE;
	token->close = TOKEN_NONE;
	return token;
}

static void add_attribute(struct tokens *tokens, const struct token_attribute *attribute)
{
	if (tokens->attribute_count == tokens->attribute_capacity) {
		tokens->attribute_capacity = tokens->attribute_capacity * 2 + 64;
		tokens->attributes = buffer_reallocate(tokens->attributes,
			tokens->attribute_capacity * sizeof(tokens->attributes[0]));
	}
	tokens->attributes[tokens->attribute_count++] = *attribute;
}

static size_t skip_name(const struct tokens *tokens, size_t at)
{
	while (at < tokens->length && !is_blank(tokens->bytes[at]) &&
		memchr("=<>/\"'", tokens->bytes[at], 6) == NULL)
		at++;
	return at;
}

static size_t skip_blanks(const struct tokens *tokens, size_t at)
{
	while (at < tokens->length && is_blank(tokens->bytes[at]))
		at++;
	return at;
}

/* Read one attribute at `at`; returns behind it, `at` when there is none, or the document's length
 * when its value is never closed. */
static size_t cut_attribute(struct tokens *tokens, size_t at)
{
	struct token_attribute attribute = {.begin = at};
	const uint8_t *close;
	uint8_t quote;

	attribute.name_end = skip_name(tokens, at);
	if (attribute.name_end == at)
		return at;
	at = skip_blanks(tokens, attribute.name_end);
	if (at >= tokens->length || tokens->bytes[at] != '=')
		return attribute.begin;
	at = skip_blanks(tokens, at + 1);
	if (at >= tokens->length || (tokens->bytes[at] != '"' && tokens->bytes[at] != '\''))
		return attribute.begin;
	quote = tokens->bytes[at++];
	close = memchr(tokens->bytes + at, quote, tokens->length - at);
	if (close == NULL)
		return tokens->length;
	attribute.value = at;
	attribute.value_end = (size_t)(close - tokens->bytes);
	attribute.end = attribute.value_end + 1;
	add_attribute(tokens, &attribute);
	return attribute.end;
}

static size_t cut_tag(struct tokens *tokens, size_t at)
{
	bool closes = starts(tokens, at, "</");
	struct token *token = add(tokens, closes ? TOKEN_END : TOKEN_START, at, at);

	token->name = at + 1 + closes;
	token->name_end = skip_name(tokens, token->name);
	token->first_attribute = tokens->attribute_count;
	at = token->name_end;
	for (;;) {
		size_t next;

		at = skip_blanks(tokens, at);
		next = cut_attribute(tokens, at);
		if (next == at)
			break;
		at = next;
	}
	token->attribute_count = tokens->attribute_count - token->first_attribute;
	while (at < tokens->length && tokens->bytes[at] != '>' && tokens->bytes[at] != '<')
		at++;
	if (at < tokens->length && tokens->bytes[at] == '>') {
		if (!closes && tokens->bytes[at - 1] == '/')
			token->kind = TOKEN_EMPTY;
		at++;
	}
	token->end = at;
	return at;
}

static size_t cut_one(struct tokens *tokens, size_t at)
{
	static const struct {
		enum token_kind kind;
		const char *open;
		const char *close;
	} opaque[] = {{TOKEN_COMMENT, "<!--", "-->"}, {TOKEN_CDATA, "<![CDATA[", "]]>"},
		{TOKEN_PI, "<?", "?>"}, {TOKEN_DOCTYPE, "<!DOCTYPE", ">"}};
	size_t end;

	if (tokens->bytes[at] != '<') {
		const uint8_t *next = memchr(tokens->bytes + at, '<', tokens->length - at);

		end = next != NULL ? (size_t)(next - tokens->bytes) : tokens->length;
		add(tokens, TOKEN_TEXT, at, end);
		return end;
	}
	for (size_t index = 0; index < sizeof(opaque) / sizeof(opaque[0]); index++) {
		if (!starts(tokens, at, opaque[index].open))
			continue;
		end = behind(tokens, at + strlen(opaque[index].open), opaque[index].close);
		add(tokens, opaque[index].kind, at, end);
		return end;
	}
	return cut_tag(tokens, at);
}

/* Link start and end tags by their nesting, whatever their names are. */
static void nest(struct tokens *tokens)
{
	size_t open = TOKEN_NONE;
	unsigned depth = 0;

	tokens->element_count = 0;
	for (size_t index = 0; index < tokens->count; index++) {
		struct token *token = &tokens->tokens[index];

		if (token->kind == TOKEN_END && open != TOKEN_NONE) {
			tokens->tokens[open].close = index;
			open = tokens->tokens[open].parent;
			depth--;
		}
		token->parent = open;
		token->depth = depth;
		if (token->kind != TOKEN_START && token->kind != TOKEN_EMPTY)
			continue;
		if (tokens->element_count == tokens->element_capacity) {
			tokens->element_capacity = tokens->element_capacity * 2 + 64;
			tokens->elements = buffer_reallocate(tokens->elements,
				tokens->element_capacity * sizeof(tokens->elements[0]));
		}
		tokens->elements[tokens->element_count++] = index;
		if (token->kind == TOKEN_EMPTY) {
			token->close = index;
		} else {
			open = index;
			depth++;
		}
	}
}

void tokens_cut(struct tokens *tokens, const uint8_t *bytes, size_t length)
{
	size_t at = 0;

	tokens->bytes = bytes;
	tokens->length = length;
	tokens->count = 0;
	tokens->attribute_count = 0;
	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		at = 3;
	while (at < length)
		at = cut_one(tokens, at);
	nest(tokens);
}

void tokens_free(struct tokens *tokens)
{
	free(tokens->tokens);
	free(tokens->attributes);
	free(tokens->elements);
	memset(tokens, 0, sizeof(*tokens));
}

size_t tokens_element_end(const struct tokens *tokens, size_t index)
{
	size_t close = tokens->tokens[index].close;

	return close != TOKEN_NONE ? tokens->tokens[close].end : tokens->length;
}

size_t tokens_at(const struct tokens *tokens, size_t offset)
{
	size_t low = 0;
	size_t high = tokens->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (tokens->tokens[middle].begin <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

const uint8_t *tokens_local_name(const struct tokens *tokens, size_t index, size_t *length)
{
	const struct token *token = &tokens->tokens[index];
	const uint8_t *name = tokens->bytes + token->name;
	const uint8_t *colon = memchr(name, ':', token->name_end - token->name);

	*length = token->name_end - token->name;
	if (colon == NULL)
		return name;
	*length -= (size_t)(colon + 1 - name);
	return colon + 1;
}

bool tokens_is_named(const struct tokens *tokens, size_t index, const char *local_name)
{
	size_t length;
	const uint8_t *name = tokens_local_name(tokens, index, &length);

	return length == strlen(local_name) && memcmp(name, local_name, length) == 0;
}

/* ---- declarations ---- */

static bool declares(const struct tokens *tokens, const struct token_attribute *attribute,
	const uint8_t *prefix, size_t prefix_length)
{
	const uint8_t *name = tokens->bytes + attribute->begin;
	size_t length = attribute->name_end - attribute->begin;

	if (prefix_length == 0)
		return length == 5 && memcmp(name, "xmlns", 5) == 0;
	return length == 6 + prefix_length && memcmp(name, "xmlns:", 6) == 0 &&
	       memcmp(name + 6, prefix, prefix_length) == 0;
}

/* Whether an attribute's value is `text`, which is ASCII; character references are looked through.
 */
static bool value_is(
	const struct tokens *tokens, const struct token_attribute *attribute, const char *text)
{
	size_t at = attribute->value;

	for (; *text != '\0'; text++) {
		const char *bytes = (const char *)tokens->bytes + at;
		size_t left = attribute->value_end - at;
		int length = 0;
		unsigned character = 0;

		if (left == 0)
			return false;
		if (left > 3 && bytes[0] == '&' && bytes[1] == '#') {
			char copy[16] = "";
			memcpy(copy, bytes, left < sizeof(copy) ? left : sizeof(copy) - 1);
			if (sscanf(copy, "&#x%x;%n", &character, &length) < 1 || length == 0)
				sscanf(copy, "&#%u;%n", &character, &length);
		}
		if (length == 0) {
			character = (uint8_t)bytes[0];
			length = 1;
		}
		if (character != (uint8_t)*text)
			return false;
		at += (size_t)length;
	}
	return at == attribute->value_end;
}

/* The namespace of element token `index` among those of global elements, or NULL. */
static const char *find_namespace(const struct tokens *tokens, size_t index, const struct xsd *xsd)
{
	size_t local_length;
	const uint8_t *local = tokens_local_name(tokens, index, &local_length);
	const uint8_t *prefix = tokens->bytes + tokens->tokens[index].name;
	size_t prefix_length = local > prefix ? (size_t)(local - prefix) - 1 : 0;

	for (; index != TOKEN_NONE; index = tokens->tokens[index].parent) {
		const struct token *token = &tokens->tokens[index];

		for (size_t step = 0; step < token->attribute_count; step++) {
			const struct token_attribute *attribute =
				&tokens->attributes[token->first_attribute + step];

			if (!declares(tokens, attribute, prefix, prefix_length))
				continue;
			for (size_t known = 0; known < xsd->element_count; known++) {
				const char *name_space = xsd->elements[known]->name_space;

				if (value_is(tokens, attribute, name_space))
					return name_space;
			}
			return NULL;
		}
	}
	return NULL;
}

static const struct xsd_particle *find_declaration(
	const struct tokens *tokens, size_t index, const struct xsd *xsd)
{
	const char *name_space = find_namespace(tokens, index, xsd);
	size_t parent = tokens->tokens[index].parent;
	size_t length;
	const char *name = (const char *)tokens_local_name(tokens, index, &length);
	const struct xsd_particle *found = NULL;
	char copy[256];

	if (name_space == NULL || length >= sizeof(copy))
		return NULL;
	if (parent != TOKEN_NONE) {
		if (tokens->tokens[parent].declaration == NULL)
			return NULL;
		found = xsd_find_child(
			xsd, tokens->tokens[parent].declaration->type, name_space, name, length);
	}
	memcpy(copy, name, length);
	copy[length] = '\0';
	/* The root, or what a wildcard lets in. */
	return found != NULL ? found : xsd_find_element(xsd, name_space, copy);
}

void tokens_annotate(struct tokens *tokens, const struct xsd *xsd)
{
	for (size_t step = 0; step < tokens->element_count; step++) {
		size_t index = tokens->elements[step];

		tokens->tokens[index].declaration = find_declaration(tokens, index, xsd);
	}
}
