/* SPDX-License-Identifier: Apache-2.0 */
/* Values of elements and attributes: other valid ones, and ones near the edges of their types. */
#include <string.h>

#include "tests/differential/mutate.h"
#include "tests/differential/value.h"

/* What the gateway itself reads of a document is left to changes that do not need it valid. */
static bool is_vital(const struct mutation *mutation, size_t index)
{
	return tokens_is_named(&mutation->tokens, index, "X509SerialNumber");
}

static bool set_value(struct mutation *mutation, bool near)
{
	size_t index = mutate_pick_simple(mutation);
	const struct token *token;
	struct buffer value = {0};
	struct buffer text = {0};

	if (index == TOKEN_NONE || (!near && is_vital(mutation, index)))
		return false;
	token = &mutation->tokens.tokens[index];
	if (token->kind != TOKEN_START)
		return false;
	buffer_clear(&value);
	buffer_clear(&text);
	if (near)
		value_near(mutation->chance, token->declaration->type->simple, &value);
	else
		value_make(mutation->chance, token->declaration->type->simple, 77, &value);
	value_escape(&text, value.bytes, value.length, 0);
	buffer_splice(mutation->document, token->end, mutation->tokens.tokens[token->close].begin,
		text.bytes, text.length);
	buffer_free(&value);
	buffer_free(&text);
	return true;
}

static bool make_value(struct mutation *mutation)
{
	return set_value(mutation, false);
}

static bool near_value(struct mutation *mutation)
{
	return set_value(mutation, true);
}

/* A declared attribute of an element, by chance. */
static const struct xsd_attribute *find_attribute(
	const struct mutation *mutation, size_t index, const struct token_attribute *attribute)
{
	const struct xsd_particle *declaration = mutation->tokens.tokens[index].declaration;

	for (size_t step = 0; declaration != NULL && step < declaration->type->attribute_count;
		step++) {
		const char *name = declaration->type->attributes[step].name;

		if (strlen(name) == attribute->name_end - attribute->begin &&
			memcmp(name, mutation->document->bytes + attribute->begin, strlen(name)) ==
				0)
			return &declaration->type->attributes[step];
	}
	return NULL;
}

static bool set_attribute(struct mutation *mutation, bool near)
{
	for (unsigned attempt = 0; attempt < 60; attempt++) {
		size_t index = mutate_pick_element(mutation, false);
		const struct token_attribute *attribute;
		const struct xsd_attribute *declared;
		struct buffer value = {0};
		struct buffer text = {0};

		if (index == TOKEN_NONE)
			return false;
		if (mutation->tokens.tokens[index].attribute_count == 0)
			continue;
		attribute =
			&mutation->tokens.attributes
				 [mutation->tokens.tokens[index].first_attribute +
					 chance_below(mutation->chance,
						 mutation->tokens.tokens[index].attribute_count)];
		declared = find_attribute(mutation, index, attribute);
		if (declared == NULL || (!near && strcmp(declared->name, "schemaVersion") == 0))
			continue;
		buffer_clear(&value);
		buffer_clear(&text);
		if (near)
			value_near(mutation->chance, declared->type->simple, &value);
		else
			value_make(mutation->chance, declared->type->simple, 78, &value);
		value_escape(&text, value.bytes, value.length,
			(char)mutation->document->bytes[attribute->value_end]);
		buffer_splice(mutation->document, attribute->value, attribute->value_end,
			text.bytes, text.length);
		buffer_free(&value);
		buffer_free(&text);
		return true;
	}
	return false;
}

static bool make_attribute(struct mutation *mutation)
{
	return set_attribute(mutation, false);
}

static bool near_attribute(struct mutation *mutation)
{
	return set_attribute(mutation, true);
}

static bool set_version(struct mutation *mutation)
{
	static const char *const versions[] = {"5.1", "5.4", "5.10", "05.1", "+5.1", " 5.4 ",
		"5.100", "5.2", "5", "5.", "-5.1", "", "5,1", "5.1.0", "&#x35;.1",
		"5.10000000000000000000000001", "00000000000000000000000000000005.1", "\n5.1"};

	for (size_t step = 0; step < mutation->tokens.attribute_count; step++) {
		const struct token_attribute *attribute = &mutation->tokens.attributes[step];

		if (attribute->name_end - attribute->begin != 13 ||
			memcmp(mutation->document->bytes + attribute->begin, "schemaVersion", 13) !=
				0)
			continue;
		mutate_replace(mutation, attribute->value, attribute->value_end,
			versions[chance_below(
				mutation->chance, sizeof(versions) / sizeof(versions[0]))]);
		return true;
	}
	return false;
}

/* Text where only elements may stand. */
static bool stray_text(struct mutation *mutation)
{
	static const char *const texts[] = {"x", "0", " . ", "&#32;", "&#x9;&#10;", "<![CDATA[]]>",
		"<![CDATA[ ]]>", "<![CDATA[x]]>", "\xc2\xa0", "&amp;", "\xe2\x80\xa8"};
	size_t index = mutate_pick_element(mutation, false);
	const char *text = texts[chance_below(mutation->chance, sizeof(texts) / sizeof(texts[0]))];

	if (index == TOKEN_NONE)
		return false;
	mutate_insert(mutation,
		chance_hits(mutation->chance, 50) ? mutation->tokens.tokens[index].end
						  : mutation->tokens.tokens[index].begin,
		text);
	return true;
}

/* White space around or inside of a value. */
static bool space_value(struct mutation *mutation)
{
	static const char *const blanks[] = {" ", "\n", "\t ", "&#13;", "&#xA;", "\r\n", "&#x20;"};
	size_t index = mutate_pick_text(mutation);
	const struct token *token;
	size_t at;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	at = token->begin;
	if (chance_hits(mutation->chance, 40))
		at = token->end;
	else if (chance_hits(mutation->chance, 40))
		at += chance_below(mutation->chance, token->end - token->begin + 1);
	mutate_insert(mutation, at,
		blanks[chance_below(mutation->chance, sizeof(blanks) / sizeof(blanks[0]))]);
	return true;
}

const struct mutate_kind mutate_value_kinds[] = {
	{"make-value", make_value, 6, true},
	{"near-value", near_value, 16, false},
	{"make-attribute", make_attribute, 2, true},
	{"near-attribute", near_attribute, 4, false},
	{"schema-version", set_version, 2, false},
	{"stray-text", stray_text, 4, false},
	{"space-value", space_value, 3, false},
	{NULL, NULL, 0, false},
};
