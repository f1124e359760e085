/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, their prefixes, and attributes. */
#include <stdio.h>
#include <string.h>

#include "tests/differential/mutate.h"

#define PICK(chance, list) (list)[chance_below(chance, sizeof(list) / sizeof((list)[0]))]

static bool is_declaration(const struct mutation *mutation, const struct token_attribute *attribute)
{
	const uint8_t *name = mutation->document->bytes + attribute->begin;
	size_t length = attribute->name_end - attribute->begin;

	return length >= 5 && memcmp(name, "xmlns", 5) == 0 && (length == 5 || name[5] == ':');
}

static const struct token_attribute *pick_attribute(struct mutation *mutation, bool declaration)
{
	for (unsigned attempt = 0; attempt < 30 && mutation->tokens.attribute_count > 0;
		attempt++) {
		const struct token_attribute *attribute = &mutation->tokens.attributes[chance_below(
			mutation->chance, mutation->tokens.attribute_count)];

		if (is_declaration(mutation, attribute) == declaration)
			return attribute;
	}
	return NULL;
}

static size_t tag_end(const struct mutation *mutation, size_t index)
{
	const struct token *token = &mutation->tokens.tokens[index];
	size_t end = token->kind == TOKEN_EMPTY ? token->end - 2 : token->end - 1;

	while (end > token->name_end && mutation->document->bytes[end - 1] == ' ')
		end--;
	return end;
}

/* ---- prefixes ---- */

/* Replace `old:` by `new:` in all tags and attribute names; an empty prefix has no colon. */
static void rename_all(struct mutation *mutation, const char *old, const char *new)
{
	size_t old_length = strlen(old);
	char with_colon[80];

	snprintf(with_colon, sizeof(with_colon), "%s%s", new, new[0] != '\0' ? ":" : "");
	for (size_t index = mutation->tokens.count; index-- > 0;) {
		const struct token *token = &mutation->tokens.tokens[index];
		const uint8_t *name = mutation->document->bytes + token->name;

		if (token->kind != TOKEN_START && token->kind != TOKEN_EMPTY &&
			token->kind != TOKEN_END)
			continue;
		for (size_t step = token->attribute_count; step-- > 0;) {
			const struct token_attribute *attribute =
				&mutation->tokens.attributes[token->first_attribute + step];
			const uint8_t *own = mutation->document->bytes + attribute->begin;
			size_t length = attribute->name_end - attribute->begin;

			if (length == 6 + old_length && memcmp(own, "xmlns:", 6) == 0 &&
				memcmp(own + 6, old, old_length) == 0)
				mutate_replace(mutation, attribute->begin + (new[0] ? 6 : 5),
					attribute->name_end, new);
			else if (length > old_length && own[old_length] == ':' &&
				 memcmp(own, old, old_length) == 0)
				mutate_replace(mutation, attribute->begin,
					attribute->begin + old_length + 1, with_colon);
		}
		if (token->name_end - token->name > old_length && name[old_length] == ':' &&
			memcmp(name, old, old_length) == 0)
			mutate_replace(
				mutation, token->name, token->name + old_length + 1, with_colon);
	}
}

static bool rename_prefix(struct mutation *mutation)
{
	static const char *const prefixes[] = {"p", "ns-1", "\xce\xb1\xce\xb2", "_.", "sr2", "Q"};
	const struct token_attribute *attribute = pick_attribute(mutation, true);
	const char *new = PICK(mutation->chance, prefixes);
	char old[64];

	if (attribute == NULL || attribute->name_end - attribute->begin < 7)
		return false;
	snprintf(old, sizeof(old), "%.*s", (int)(attribute->name_end - attribute->begin - 6),
		(const char *)mutation->document->bytes + attribute->begin + 6);
	/* A new name that is in use would change what other names mean. */
	if (memmem(mutation->document->bytes, mutation->document->length, new, strlen(new)) != NULL)
		return false;
	rename_all(mutation, old, new);
	return true;
}

static bool wrong_prefix(struct mutation *mutation)
{
	static const char *const prefixes[] = {
		"ds:", "sr:", "ra:", "xml:", "xmlns:", "undeclared:", ""};
	size_t index = mutate_pick_element(mutation, false);
	const char *new = PICK(mutation->chance, prefixes);
	const struct token *token;
	const struct token *close = NULL;
	size_t length;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	tokens_local_name(&mutation->tokens, index, &length);
	if (token->close != TOKEN_NONE && token->close != index)
		close = &mutation->tokens.tokens[token->close];
	if (close != NULL && close->name_end - close->name >= length)
		mutate_replace(mutation, close->name, close->name_end - length, new);
	mutate_replace(mutation, token->name, token->name_end - length, new);
	return true;
}

/* ---- declarations ---- */

static bool declare(struct mutation *mutation, bool keep)
{
	static const char *const good[] = {" xmlns:u=\"urn:example:unused\"",
		" xmlns:u='http://www.w3.org/2000/09/xmldsig#'",
		" xmlns:xml=\"http://www.w3.org/XML/1998/namespace\"",
		" xmlns:\xc3\xbc=\"http://example.org/\"", " xmlns:a-.b=\"urn:a&amp;b\"",
		" xmlns:v=\"urn:example:&lt;\""};
	static const char *const bad[] = {" xmlns:u=\"\"", " xmlns:xml=\"urn:x\"",
		" xmlns:xmlns=\"http://www.w3.org/2000/xmlns/\"", " xmlns:xmlns=\"urn:x\"",
		" xmlns:u=\"http://www.w3.org/XML/1998/namespace\"",
		" xmlns:u=\"http://www.w3.org/2000/xmlns/\"",
		" xmlns=\"http://www.w3.org/2000/xmlns/\"",
		" xmlns=\"http://www.w3.org/XML/1998/namespace\"", " xmlns=\"\"",
		" xmlns=\"urn:other\"", " xmlns:u=\"relative\"",
		" xmlns:u=\"urn:a\" xmlns:u=\"urn:b\"", " xmlns:=\"urn:a\"", " xmlns:a:b=\"urn:a\"",
		" xmlns:1=\"urn:a\"", " xmlns", " xmlns:u"};
	size_t index = mutate_pick_element(mutation, false);

	if (index == TOKEN_NONE)
		return false;
	mutate_insert(mutation, tag_end(mutation, index),
		keep ? PICK(mutation->chance, good) : PICK(mutation->chance, bad));
	return true;
}

static bool declare_well(struct mutation *mutation)
{
	return declare(mutation, true);
}

static bool declare_badly(struct mutation *mutation)
{
	return declare(mutation, false);
}

/* Repeat a declaration of an outer element at an inner one. */
static bool repeat_declaration(struct mutation *mutation)
{
	const struct token_attribute *attribute = pick_attribute(mutation, true);
	size_t index = mutate_pick_element(mutation, true);
	struct buffer text = {0};
	size_t at;

	if (attribute == NULL || index == TOKEN_NONE)
		return false;
	buffer_byte(&text, ' ');
	buffer_add(&text, mutation->document->bytes + attribute->begin,
		attribute->end - attribute->begin);
	at = tag_end(mutation, index);
	/* Twice at one element is an error that other kinds make. */
	for (size_t step = 0; step < mutation->tokens.tokens[index].attribute_count; step++)
		if (is_declaration(mutation,
			    &mutation->tokens
				     .attributes[mutation->tokens.tokens[index].first_attribute +
						 step])) {
			buffer_free(&text);
			return false;
		}
	if (attribute->begin < mutation->tokens.tokens[index].begin)
		buffer_splice(mutation->document, at, at, text.bytes, text.length);
	buffer_free(&text);
	return true;
}

/* Move a declaration from the root to each of its children. */
static bool lower_declaration(struct mutation *mutation)
{
	const struct token_attribute *attribute = pick_attribute(mutation, true);
	struct buffer text = {0};
	size_t root;

	if (attribute == NULL || mutation->tokens.element_count < 2)
		return false;
	root = mutation->tokens.elements[0];
	if (attribute->end > mutation->tokens.tokens[root].end)
		return false;
	buffer_byte(&text, ' ');
	buffer_add(&text, mutation->document->bytes + attribute->begin,
		attribute->end - attribute->begin);
	for (size_t step = mutation->tokens.element_count; step-- > 1;) {
		size_t index = mutation->tokens.elements[step];

		if (mutation->tokens.tokens[index].parent == root)
			buffer_splice(mutation->document, tag_end(mutation, index),
				tag_end(mutation, index), text.bytes, text.length);
	}
	buffer_free(&text);
	buffer_splice(mutation->document, attribute->begin, attribute->end, NULL, 0);
	return true;
}

static bool change_uri(struct mutation *mutation)
{
	const struct token_attribute *attribute = pick_attribute(mutation, true);
	size_t at;

	if (attribute == NULL || attribute->value_end == attribute->value)
		return false;
	at = attribute->value +
	     chance_below(mutation->chance, attribute->value_end - attribute->value);
	switch (chance_below(mutation->chance, 4)) {
	case 0:
		mutate_replace(mutation, at, at + 1, "x");
		break;
	case 1:
		mutate_insert(mutation, at, " ");
		break;
	case 2:
		mutate_replace(mutation, attribute->value, attribute->value_end, "");
		break;
	default:
		if (mutation->document->bytes[at] >= 0x80)
			return false;
		{
			char text[16];

			/* The same URI, written with a character reference. */
			snprintf(text, sizeof(text), "&#x%x;", mutation->document->bytes[at]);
			mutate_replace(mutation, at, at + 1, text);
		}
		break;
	}
	return true;
}

/* ---- attributes ---- */

static bool add_attribute(struct mutation *mutation)
{
	static const char *const attributes[] = {" extra=\"1\"", " xml:lang=\"en\"",
		" xml:space=\"preserve\"", " xml:id=\"a\"", " Id=\"i1\"", " schemaVersion=\"5.1\"",
		" index=\"1\"", " Algorithm=\"urn:x\"", " URI=\"#x\"", " Type=\"urn:t\"",
		" u:a=\"1\" xmlns:u=\"urn:u\"", " u:a=\"\"", " xml:other=\"\"", " a='1' a=\"1\"",
		" u:a='1' v:a='1' xmlns:u='urn:u' xmlns:v='urn:u'", " :a=\"\"", " a:=\"\"",
		" xsi:type=\"xs:string\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
		" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\"",
		" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"false\"",
		" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:unknown=\"1\""};
	size_t index = mutate_pick_element(mutation, false);

	if (index == TOKEN_NONE)
		return false;
	mutate_insert(mutation, tag_end(mutation, index), PICK(mutation->chance, attributes));
	return true;
}

static bool add_location(struct mutation *mutation)
{
	static const char *const attributes[] = {
		" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:schemaLocation=\"urn:a "
		"a.xsd\"",
		" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" "
		"i:noNamespaceSchemaLocation=\"a.xsd\""};
	size_t index = mutate_pick_element(mutation, false);

	if (index == TOKEN_NONE)
		return false;
	mutate_insert(mutation, tag_end(mutation, index), PICK(mutation->chance, attributes));
	return true;
}

static bool drop_attribute(struct mutation *mutation)
{
	const struct token_attribute *attribute =
		pick_attribute(mutation, chance_hits(mutation->chance, 40));

	if (attribute == NULL)
		return false;
	buffer_splice(mutation->document, attribute->begin, attribute->end, NULL, 0);
	return true;
}

static bool double_attribute(struct mutation *mutation)
{
	const struct token_attribute *attribute =
		pick_attribute(mutation, chance_hits(mutation->chance, 40));
	struct buffer text = {0};

	if (attribute == NULL)
		return false;
	buffer_byte(&text, ' ');
	buffer_add(&text, mutation->document->bytes + attribute->begin,
		attribute->end - attribute->begin);
	buffer_splice(mutation->document, attribute->end, attribute->end, text.bytes, text.length);
	buffer_free(&text);
	return true;
}

/* What attribute-value normalisation turns into blanks, and what it does not. */
static bool space_attribute(struct mutation *mutation)
{
	static const char *const blanks[] = {
		" ", "\n", "\t", "\r\n", "&#32;", "&#10;", "&#9;", "&#13;"};
	const struct token_attribute *attribute = pick_attribute(mutation, false);
	size_t at;

	if (attribute == NULL)
		return false;
	at = chance_hits(mutation->chance, 50) ? attribute->value : attribute->value_end;
	if (chance_hits(mutation->chance, 30) && attribute->value_end > attribute->value)
		at = attribute->value +
		     chance_below(mutation->chance, attribute->value_end - attribute->value);
	mutate_insert(mutation, at, PICK(mutation->chance, blanks));
	return true;
}

/* About as many attributes or declarations in a tag, or levels, as the engines allow. */
static bool near_bounds(struct mutation *mutation)
{
	static const struct {
		const char *text; /* # is the number */
		unsigned about;
		const char *close; /* behind all of them, each; NULL: it goes into a tag */
	} forms[] = {
		{" xmlns:n#=\"urn:n\"", 62, NULL}, {" a#=\"\"", 62, NULL}, {"<x>", 252, "</x>"}};
	size_t choice = chance_below(mutation->chance, sizeof(forms) / sizeof(forms[0]));
	size_t count = forms[choice].about + chance_below(mutation->chance, 6);
	size_t index = mutate_pick_element(mutation, false);
	struct buffer text = {0};

	if (index == TOKEN_NONE ||
		(forms[choice].close != NULL && mutation->tokens.tokens[index].kind != TOKEN_START))
		return false;
	for (size_t number = 0; number < count; number++)
		for (const char *at = forms[choice].text; *at != '\0'; at++)
			if (*at == '#')
				buffer_print(&text, "%zu", number);
			else
				buffer_byte(&text, (uint8_t)*at);
	for (size_t number = 0; forms[choice].close != NULL && number < count; number++)
		buffer_text(&text, forms[choice].close);
	mutate_insert(mutation,
		forms[choice].close == NULL ? tag_end(mutation, index)
					    : mutation->tokens.tokens[index].end,
		(const char *)text.bytes);
	buffer_free(&text);
	return true;
}

const struct mutate_kind mutate_name_kinds[] = {
	{"rename-prefix", rename_prefix, 3, true},
	{"wrong-prefix", wrong_prefix, 3, false},
	{"declare-namespace", declare_well, 4, true},
	{"declare-badly", declare_badly, 4, false},
	{"repeat-declaration", repeat_declaration, 3, true},
	{"lower-declaration", lower_declaration, 2, false},
	{"namespace-uri", change_uri, 3, false},
	{"add-attribute", add_attribute, 5, false},
	{"schema-location", add_location, 1, true},
	{"drop-attribute", drop_attribute, 3, false},
	{"double-attribute", double_attribute, 2, false},
	{"space-attribute", space_attribute, 3, false},
	{"near-bounds", near_bounds, 1, false},
	{NULL, NULL, 0, false},
};
