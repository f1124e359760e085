/* SPDX-License-Identifier: Apache-2.0 */
/* Elements dropped, doubled, moved, renamed, and made anew from the schema. */
#include <string.h>

#include "tests/differential/generate.h"
#include "tests/differential/mutate.h"

static size_t begin_of(const struct mutation *mutation, size_t index)
{
	return mutation->tokens.tokens[index].begin;
}

static size_t end_of(const struct mutation *mutation, size_t index)
{
	return tokens_element_end(&mutation->tokens, index);
}

static bool drop(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, true);

	if (index == TOKEN_NONE)
		return false;
	buffer_splice(
		mutation->document, begin_of(mutation, index), end_of(mutation, index), NULL, 0);
	return true;
}

/* Copy the element to `at`. */
static void copy(struct mutation *mutation, size_t index, size_t at)
{
	struct buffer text = {0};

	buffer_add(&text, mutation->document->bytes + begin_of(mutation, index),
		end_of(mutation, index) - begin_of(mutation, index));
	buffer_splice(mutation->document, at, at, text.bytes, text.length);
	buffer_free(&text);
}

static bool duplicate(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, true);

	if (index == TOKEN_NONE || end_of(mutation, index) - begin_of(mutation, index) > 20000)
		return false;
	copy(mutation, index, end_of(mutation, index));
	return true;
}

/* An element that may come more than once, doubled. */
static bool repeat(struct mutation *mutation)
{
	for (unsigned attempt = 0; attempt < 30; attempt++) {
		size_t index = mutate_pick_element(mutation, true);

		if (index == TOKEN_NONE)
			return false;
		if (mutation->tokens.tokens[index].declaration == NULL ||
			mutation->tokens.tokens[index].declaration->max < 2 ||
			end_of(mutation, index) - begin_of(mutation, index) > 5000)
			continue;
		copy(mutation, index, end_of(mutation, index));
		return true;
	}
	return false;
}

static bool move(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, true);
	size_t target = mutate_pick_element(mutation, true);
	size_t begin;
	size_t end;
	size_t at;

	if (index == TOKEN_NONE || target == index)
		return false;
	begin = begin_of(mutation, index);
	end = end_of(mutation, index);
	at = begin_of(mutation, target);
	if (at > begin && at < end)
		return false;
	copy(mutation, index, at);
	if (at <= begin) {
		begin += end - begin_of(mutation, index);
		end += end - begin_of(mutation, index);
	}
	buffer_splice(mutation->document, begin, end, NULL, 0);
	return true;
}

/* Exchange an element with the next one beside it. */
static bool swap(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, true);
	size_t next = TOKEN_NONE;

	if (index == TOKEN_NONE)
		return false;
	for (size_t step = 0; step < mutation->tokens.element_count; step++) {
		size_t other = mutation->tokens.elements[step];

		if (other > index && next == TOKEN_NONE &&
			mutation->tokens.tokens[other].parent ==
				mutation->tokens.tokens[index].parent)
			next = other;
	}
	if (next == TOKEN_NONE)
		return false;
	copy(mutation, index, end_of(mutation, next));
	buffer_splice(
		mutation->document, begin_of(mutation, index), begin_of(mutation, next), NULL, 0);
	return true;
}

static void change_name(struct chance *chance, struct buffer *name)
{
	size_t at = chance_below(chance, name->length);
	uint8_t byte = (uint8_t)('A' + chance_below(chance, 26));

	switch (chance_below(chance, 5)) {
	case 0:
		buffer_byte(name, byte);
		break;
	case 1:
		buffer_splice(name, at, at + 1, NULL, 0);
		break;
	case 2:
		name->bytes[at] ^= 0x20;
		break;
	case 3:
		name->bytes[at] = byte;
		break;
	default:
		buffer_splice(name, at, at, &byte, 1);
		break;
	}
}

static void rename_tags(
	struct mutation *mutation, size_t index, const struct buffer *name, bool both)
{
	const struct token *open = &mutation->tokens.tokens[index];

	if (both && open->close != TOKEN_NONE && open->close != index) {
		const struct token *close = &mutation->tokens.tokens[open->close];

		buffer_splice(mutation->document, close->name, close->name_end, name->bytes,
			name->length);
	}
	buffer_splice(mutation->document, open->name, open->name_end, name->bytes, name->length);
}

static bool rename_element(struct mutation *mutation, bool both)
{
	size_t index = mutate_pick_element(mutation, false);
	struct buffer name = {0};
	const struct token *token;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	if (token->name_end == token->name)
		return false;
	buffer_add(&name, mutation->document->bytes + token->name, token->name_end - token->name);
	change_name(mutation->chance, &name);
	rename_tags(mutation, index, &name, both);
	buffer_free(&name);
	return true;
}

static bool rename_both(struct mutation *mutation)
{
	return rename_element(mutation, true);
}

static bool rename_start(struct mutation *mutation)
{
	return rename_element(mutation, false);
}

/* Give an element the name of another one. */
static bool rename_as_other(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, true);
	size_t other = mutate_pick_element(mutation, false);
	struct buffer name = {0};

	if (index == TOKEN_NONE || index == other)
		return false;
	buffer_add(&name, mutation->document->bytes + mutation->tokens.tokens[other].name,
		mutation->tokens.tokens[other].name_end - mutation->tokens.tokens[other].name);
	rename_tags(mutation, index, &name, true);
	buffer_free(&name);
	return true;
}

static void style_at(const struct mutation *mutation, size_t index, struct generate_style *style,
	char prefixes[GENERATE_NAMESPACES_MAX][64])
{
	memset(style, 0, sizeof(*style));
	style->schema_version = "5.1";
	for (size_t known = 0; known < mutation->xsd->element_count; known++) {
		const char *name_space = mutation->xsd->elements[known]->name_space;
		size_t at = style->prefix_count;
		bool there = false;

		for (size_t step = 0; step < at; step++)
			there = there || style->prefixes[step].name_space == name_space ||
				strcmp(style->prefixes[step].name_space, name_space) == 0;
		if (there || at == GENERATE_NAMESPACES_MAX ||
			!mutate_prefix(
				mutation, index, name_space, prefixes[at], sizeof(prefixes[at])))
			continue;
		style->prefixes[at].name_space = name_space;
		style->prefixes[at].prefix = prefixes[at];
		style->prefix_count++;
	}
}

static void put_element(struct mutation *mutation, size_t parent,
	const struct xsd_particle *declaration, size_t begin, size_t end)
{
	struct generate_style style;
	char prefixes[GENERATE_NAMESPACES_MAX][64];
	struct buffer text = {0};

	style_at(mutation, parent, &style, prefixes);
	buffer_clear(&text);
	generate_element(
		mutation->chance, mutation->xsd, (struct xsd_particle *)declaration, &style, &text);
	buffer_splice(mutation->document, begin, end, text.bytes, text.length);
	buffer_free(&text);
}

/* Write an element anew from the schema. */
static bool regenerate(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, true);
	const struct token *token;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	if (token->declaration == NULL || token->parent == TOKEN_NONE ||
		tokens_is_named(&mutation->tokens, index, "Header"))
		return false;
	put_element(
		mutation, token->parent, token->declaration, token->begin, end_of(mutation, index));
	return true;
}

static const struct xsd_particle *pick_below(
	struct chance *chance, const struct xsd_particle *particle, bool choices)
{
	const struct xsd_particle *found = NULL;

	for (size_t index = 0, seen = 0; index < particle->child_count; index++) {
		const struct xsd_particle *child = particle->children[index];
		const struct xsd_particle *candidate = child;

		if (child->kind == XSD_ANY)
			continue;
		if (child->kind != XSD_ELEMENT)
			candidate = pick_below(chance, child, choices);
		else if (choices && particle->kind != XSD_CHOICE)
			candidate = NULL;
		if (candidate != NULL && chance_below(chance, ++seen) == 0)
			found = candidate;
	}
	return found;
}

/* Put an element that the parent knows somewhere among the parent's children. */
static bool insert_known(struct mutation *mutation)
{
	size_t parent = mutate_pick_complex(mutation);
	const struct xsd_particle *content;
	const struct xsd_particle *added;
	size_t at;

	if (parent == TOKEN_NONE)
		return false;
	content = mutation->tokens.tokens[parent].declaration->type->content;
	added = content->kind == XSD_ELEMENT ? content
					     : pick_below(mutation->chance, content, false);
	if (added == NULL)
		return false;
	at = mutation->tokens.tokens[parent].end;
	for (size_t step = 0, seen = 0; step < mutation->tokens.element_count; step++) {
		size_t child = mutation->tokens.elements[step];

		if (mutation->tokens.tokens[child].parent == parent &&
			chance_below(mutation->chance, ++seen + 1) > 0)
			at = end_of(mutation, child);
	}
	put_element(mutation, parent, added, at, at);
	return true;
}

/* Replace a branch of a choice by another branch. */
static bool other_branch(struct mutation *mutation)
{
	for (unsigned attempt = 0; attempt < 40; attempt++) {
		size_t index = mutate_pick_element(mutation, true);
		const struct token *token;
		const struct xsd_particle *content;
		const struct xsd_particle *other;

		if (index == TOKEN_NONE)
			return false;
		token = &mutation->tokens.tokens[index];
		if (token->parent == TOKEN_NONE ||
			mutation->tokens.tokens[token->parent].declaration == NULL)
			continue;
		content = mutation->tokens.tokens[token->parent].declaration->type->content;
		if (content == NULL || content->kind != XSD_CHOICE)
			continue;
		other = pick_below(mutation->chance, content, true);
		if (other == NULL)
			continue;
		put_element(mutation, token->parent, other, token->begin, end_of(mutation, index));
		return true;
	}
	return false;
}

static bool empty(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, false);
	const struct token *token;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	if (token->kind != TOKEN_START || token->close == TOKEN_NONE)
		return false;
	buffer_splice(mutation->document, token->end, mutation->tokens.tokens[token->close].begin,
		NULL, 0);
	return true;
}

/* <a></a> to <a/> and back. */
static bool fold(struct mutation *mutation)
{
	for (unsigned attempt = 0; attempt < 60; attempt++) {
		size_t index = mutate_pick_element(mutation, true);
		const struct token *token;
		struct buffer text = {0};

		if (index == TOKEN_NONE)
			return false;
		token = &mutation->tokens.tokens[index];
		if (token->kind == TOKEN_EMPTY) {
			buffer_print(&text, "></%.*s>", (int)(token->name_end - token->name),
				(const char *)mutation->document->bytes + token->name);
			buffer_splice(mutation->document, token->end - 2, token->end, text.bytes,
				text.length);
			buffer_free(&text);
			return true;
		}
		if (token->close == TOKEN_NONE || token->close != index + 1)
			continue;
		mutate_replace(
			mutation, token->end - 1, mutation->tokens.tokens[token->close].end, "/>");
		return true;
	}
	return false;
}

static bool wrap(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, true);

	if (index == TOKEN_NONE)
		return false;
	mutate_insert(mutation, end_of(mutation, index), "</wrap>");
	mutate_insert(mutation, begin_of(mutation, index), "<wrap>");
	return true;
}

static bool unwrap(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, true);
	const struct token *token;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	if (token->kind != TOKEN_START || token->close == TOKEN_NONE)
		return false;
	buffer_splice(mutation->document, mutation->tokens.tokens[token->close].begin,
		mutation->tokens.tokens[token->close].end, NULL, 0);
	buffer_splice(mutation->document, token->begin, token->end, NULL, 0);
	return true;
}

static bool drop_tag(struct mutation *mutation)
{
	size_t index = mutate_pick_element(mutation, false);
	const struct token *token;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	if (token->close != TOKEN_NONE && chance_hits(mutation->chance, 60))
		token = &mutation->tokens.tokens[token->close];
	buffer_splice(mutation->document, token->begin, token->end, NULL, 0);
	return true;
}

const struct mutate_kind mutate_structure_kinds[] = {
	{"drop-element", drop, 5, false},
	{"duplicate-element", duplicate, 5, false},
	{"repeat-element", repeat, 4, true},
	{"move-element", move, 4, false},
	{"swap-elements", swap, 4, false},
	{"rename-element", rename_both, 4, false},
	{"rename-start-tag", rename_start, 2, false},
	{"rename-as-other", rename_as_other, 4, false},
	{"regenerate-element", regenerate, 6, true},
	{"insert-known-element", insert_known, 6, false},
	{"other-branch", other_branch, 6, true},
	{"empty-element", empty, 4, false},
	{"fold-empty-element", fold, 3, true},
	{"wrap-element", wrap, 2, false},
	{"unwrap-element", unwrap, 2, false},
	{"drop-tag", drop_tag, 2, false},
	{NULL, NULL, 0, false},
};
