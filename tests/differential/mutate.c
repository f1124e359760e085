/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tests/differential/mutate.h"

static const struct mutate_kind *const families[] = {mutate_structure_kinds, mutate_value_kinds,
	mutate_lexical_kinds, mutate_name_kinds, mutate_byte_kinds, mutate_signature_kinds};

#define FAMILY_COUNT (sizeof(families) / sizeof(families[0]))

static const struct mutate_kind *draw(struct chance *chance, bool keep)
{
	const struct mutate_kind *drawn = NULL;
	size_t total = 0;

	for (size_t family = 0; family < FAMILY_COUNT; family++)
		for (const struct mutate_kind *kind = families[family]; kind->name != NULL;
			kind++) {
			if (keep && !kind->keeps)
				continue;
			total += kind->weight;
			if (chance_below(chance, total) < kind->weight)
				drawn = kind;
		}
	return drawn;
}

const char *mutate(struct mutation *mutation, bool keep)
{
	const struct mutate_kind *kind = draw(mutation->chance, keep);

	tokens_cut(&mutation->tokens, mutation->document->bytes, mutation->document->length);
	tokens_annotate(&mutation->tokens, mutation->xsd);
	return kind->apply(mutation) ? kind->name : NULL;
}

void mutate_release(struct mutation *mutation)
{
	tokens_free(&mutation->tokens);
}

size_t mutate_pick_element(struct mutation *mutation, bool below)
{
	size_t first = below ? 1 : 0;
	size_t count = mutation->tokens.element_count;

	if (count <= first)
		return TOKEN_NONE;
	return mutation->tokens.elements[first + chance_below(mutation->chance, count - first)];
}

static const struct xsd_type *type_of(const struct mutation *mutation, size_t index)
{
	const struct xsd_particle *declaration = mutation->tokens.tokens[index].declaration;

	return declaration != NULL ? declaration->type : NULL;
}

size_t mutate_pick_simple(struct mutation *mutation)
{
	for (unsigned attempt = 0; attempt < 30; attempt++) {
		size_t index = mutate_pick_element(mutation, true);
		const struct xsd_type *type;

		if (index == TOKEN_NONE)
			return TOKEN_NONE;
		type = type_of(mutation, index);
		if (type != NULL && type->simple != NULL &&
			mutation->tokens.tokens[index].close != TOKEN_NONE)
			return index;
	}
	return TOKEN_NONE;
}

size_t mutate_pick_complex(struct mutation *mutation)
{
	for (unsigned attempt = 0; attempt < 30; attempt++) {
		size_t index = mutate_pick_element(mutation, false);
		const struct xsd_type *type;

		if (index == TOKEN_NONE)
			return TOKEN_NONE;
		type = type_of(mutation, index);
		if (type != NULL && type->content != NULL &&
			mutation->tokens.tokens[index].kind == TOKEN_START &&
			mutation->tokens.tokens[index].close != TOKEN_NONE)
			return index;
	}
	return TOKEN_NONE;
}

size_t mutate_pick_text(struct mutation *mutation)
{
	for (unsigned attempt = 0; attempt < 60 && mutation->tokens.count > 0; attempt++) {
		size_t index = chance_below(mutation->chance, mutation->tokens.count);
		const struct token *token = &mutation->tokens.tokens[index];
		const struct xsd_type *type;

		if (token->kind != TOKEN_TEXT || token->parent == TOKEN_NONE)
			continue;
		type = type_of(mutation, token->parent);
		if (type != NULL && type->simple != NULL)
			return index;
	}
	return TOKEN_NONE;
}

void mutate_insert(struct mutation *mutation, size_t at, const char *text)
{
	buffer_splice(mutation->document, at, at, text, strlen(text));
}

void mutate_replace(struct mutation *mutation, size_t begin, size_t end, const char *text)
{
	buffer_splice(mutation->document, begin, end, text, strlen(text));
}

bool mutate_prefix(
	const struct mutation *mutation, size_t index, const char *uri, char *prefix, size_t size)
{
	const struct tokens *tokens = &mutation->tokens;

	for (; index != TOKEN_NONE; index = tokens->tokens[index].parent) {
		const struct token *token = &tokens->tokens[index];

		for (size_t step = 0; step < token->attribute_count; step++) {
			const struct token_attribute *attribute =
				&tokens->attributes[token->first_attribute + step];
			const char *name = (const char *)tokens->bytes + attribute->begin;
			size_t length = attribute->name_end - attribute->begin;

			if (length < 5 || memcmp(name, "xmlns", 5) != 0 ||
				attribute->value_end - attribute->value != strlen(uri) ||
				memcmp(tokens->bytes + attribute->value, uri, strlen(uri)) != 0)
				continue;
			snprintf(prefix, size, "%.*s", length > 6 ? (int)length - 6 : 0,
				length > 6 ? name + 6 : "");
			return true;
		}
	}
	return false;
}
