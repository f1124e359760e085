/* SPDX-License-Identifier: Apache-2.0 */
/* Other ways to write the same document, and ways that are nearly right. */
#include <stdio.h>
#include <string.h>

#include "tests/differential/mutate.h"

#define PICK(chance, list) (list)[chance_below(chance, sizeof(list) / sizeof((list)[0]))]

/* A border between two tokens, inside of the root. */
static size_t pick_border(struct mutation *mutation)
{
	return mutation->tokens.tokens[chance_below(mutation->chance, mutation->tokens.count)].end;
}

static bool insert_comment(struct mutation *mutation)
{
	static const char *const comments[] = {"<!---->", "<!-- a comment -->",
		"<!-- <a> & ]]> -->", "<!-- - -->", "<!--\xc3\xa9\n\t-->", "<!--\r\n-->"};

	if (mutation->tokens.count == 0)
		return false;
	mutate_insert(mutation, pick_border(mutation), PICK(mutation->chance, comments));
	return true;
}

static bool insert_instruction(struct mutation *mutation)
{
	static const char *const texts[] = {"<?p?>", "<?target some data?>", "<?a-b <x> & ?\?>",
		"<?xml-stylesheet href=\"a\"?>", "<?\xc3\xa9 \t\n d?>", "<?p  two  blanks ?>"};

	if (mutation->tokens.count == 0)
		return false;
	mutate_insert(mutation, pick_border(mutation), PICK(mutation->chance, texts));
	return true;
}

/* Markup of its kind, but broken, at a border. */
static bool insert_broken(struct mutation *mutation)
{
	static const char *const texts[] = {"<!-- -- -->", "<!--->", "<!-- a --->", "<!- a -->",
		"<?xml?>", "<?XML a?>", "<?p", "<? p?>", "<?a:b c?>", "<![CDATA[", "<![cdata[x]]>",
		"]]>", "<", "<>", "</>", "< a/>", "&", "&;", "&amp", "&lt", "&unknown;", "&#;",
		"&#x;", "&#0;", "&#x0;", "&#xD800;", "&#xFFFE;", "&#xFFFF;", "&#1114112;",
		"&#x110000;", "&#8;", "&#X41;", "&#65", "&#65x;", "&#99999999999999999999;",
		"<!DOCTYPE a>", "<!ENTITY a \"b\">", "<a b/>", "<a b=c/>", "<a b=\"1\" b=\"2\"/>",
		"<a b=\"<\"/>", "<a b=\"&\"/>", "<a b=\"1\"c=\"2\"/>", "<a/ >", "</a >", "<1a/>",
		"<-a/>", "<a:/>", "<:a/>", "<a:b:c/>", "<u:a/>", "<a u:b=\"\"/>", "\x01", "\x7f",
		"\xef\xbf\xbe", "\xed\xa0\x80", "\xc0\x80", "\xff", "\xc3"};

	if (mutation->tokens.count == 0)
		return false;
	mutate_insert(mutation, pick_border(mutation), PICK(mutation->chance, texts));
	return true;
}

static bool reference_character(struct mutation *mutation)
{
	size_t index = mutate_pick_text(mutation);
	const struct token *token;
	char text[16];
	uint8_t byte;
	size_t at;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	if (memchr(mutation->document->bytes + token->begin, '&', token->end - token->begin) !=
		NULL)
		return false;
	at = token->begin + chance_below(mutation->chance, token->end - token->begin);
	byte = mutation->document->bytes[at];
	if (byte >= 0x80 || byte == '\r')
		return false;
	snprintf(text, sizeof(text),
		PICK(mutation->chance,
			((const char *const[]){"&#%u;", "&#x%x;", "&#x%X;", "&#0%u;", "&#x00%X;"})),
		byte);
	mutate_replace(mutation, at, at + 1, text);
	return true;
}

static bool as_section(struct mutation *mutation)
{
	size_t index = mutate_pick_text(mutation);
	const struct token *token;
	size_t begin;
	size_t end;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	begin = token->begin;
	end = token->end;
	if (memchr(mutation->document->bytes + begin, '&', end - begin) != NULL)
		return false;
	if (chance_hits(mutation->chance, 50))
		begin += chance_below(mutation->chance, end - begin);
	while (begin < end && (mutation->document->bytes[begin] & 0xc0) == 0x80)
		begin++;
	mutate_insert(mutation, end, "]]>");
	mutate_insert(mutation, begin, "<![CDATA[");
	return true;
}

/* White space between elements. */
static bool space_elements(struct mutation *mutation)
{
	static const char *const blanks[] = {
		" ", "\n", "\t", "\r\n", "\r", "\n\n    ", "&#32;", "&#9;"};
	size_t index = mutate_pick_complex(mutation);

	if (index == TOKEN_NONE)
		return false;
	mutate_insert(mutation,
		chance_hits(mutation->chance, 50)
			? mutation->tokens.tokens[index].end
			: mutation->tokens.tokens[mutation->tokens.tokens[index].close].begin,
		blanks[chance_below(mutation->chance, 6)]);
	return true;
}

/* White space in a tag, where it may stand or where it may not. */
static bool space_tag(struct mutation *mutation, bool keep)
{
	static const char *const blanks[] = {" ", "\n", "\t", "\r\n", "   "};
	size_t index = mutate_pick_element(mutation, false);
	const struct token *token;
	size_t at;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	if (token->close != TOKEN_NONE && chance_hits(mutation->chance, 40))
		token = &mutation->tokens.tokens[token->close];
	at = token->kind == TOKEN_EMPTY ? token->end - 2 : token->end - 1;
	if (token->attribute_count > 0 && chance_hits(mutation->chance, 60)) {
		const struct token_attribute *attribute =
			&mutation->tokens.attributes[token->first_attribute +
						     chance_below(mutation->chance,
							     token->attribute_count)];

		at = chance_hits(mutation->chance, 50) ? attribute->name_end : attribute->value - 1;
	} else if (!keep) {
		at = token->begin + 1 + chance_below(mutation->chance, token->end - token->begin);
	}
	mutate_insert(mutation, at, PICK(mutation->chance, blanks));
	return true;
}

static bool space_tag_well(struct mutation *mutation)
{
	return space_tag(mutation, true);
}

static bool space_tag_badly(struct mutation *mutation)
{
	return space_tag(mutation, false);
}

static const struct token_attribute *pick_attribute(struct mutation *mutation)
{
	if (mutation->tokens.attribute_count == 0)
		return NULL;
	return &mutation->tokens.attributes[chance_below(
		mutation->chance, mutation->tokens.attribute_count)];
}

static bool other_quotes(struct mutation *mutation)
{
	const struct token_attribute *attribute = pick_attribute(mutation);
	uint8_t *bytes = mutation->document->bytes;
	uint8_t other;

	if (attribute == NULL)
		return false;
	other = bytes[attribute->value_end] == '"' ? '\'' : '"';
	if (memchr(bytes + attribute->value, other, attribute->value_end - attribute->value) !=
		NULL)
		return false;
	bytes[attribute->value - 1] = other;
	bytes[attribute->value_end] = other;
	return true;
}

/* Exchange two attributes of a tag. */
static bool reorder_attributes(struct mutation *mutation)
{
	for (unsigned attempt = 0; attempt < 30; attempt++) {
		size_t index = mutate_pick_element(mutation, false);
		const struct token *token;
		const struct token_attribute *one;
		const struct token_attribute *two;
		struct buffer text = {0};

		if (index == TOKEN_NONE)
			return false;
		token = &mutation->tokens.tokens[index];
		if (token->attribute_count < 2)
			continue;
		one = &mutation->tokens.attributes[token->first_attribute +
						   chance_below(mutation->chance,
							   token->attribute_count - 1)];
		two = one + 1;
		buffer_add(&text, mutation->document->bytes + two->begin, two->end - two->begin);
		buffer_add(&text, mutation->document->bytes + one->end, two->begin - one->end);
		buffer_add(&text, mutation->document->bytes + one->begin, one->end - one->begin);
		buffer_splice(mutation->document, one->begin, two->end, text.bytes, text.length);
		buffer_free(&text);
		return true;
	}
	return false;
}

static bool other_line_ends(struct mutation *mutation)
{
	const char *end = chance_hits(mutation->chance, 60) ? "\r\n" : "\r";
	size_t changed = 0;

	for (size_t at = 0; at < mutation->document->length; at++) {
		if (mutation->document->bytes[at] != '\n' ||
			(at > 0 && mutation->document->bytes[at - 1] == '\r'))
			continue;
		mutate_replace(mutation, at, at + 1, end);
		at += strlen(end) - 1;
		changed++;
	}
	return changed > 0;
}

static bool set_declaration(struct mutation *mutation, const char *text)
{
	const struct token *first = &mutation->tokens.tokens[0];

	if (mutation->tokens.count == 0)
		return false;
	if (first->kind == TOKEN_PI &&
		memcmp(mutation->document->bytes + first->begin, "<?xml", 5) == 0)
		mutate_replace(mutation, first->begin, first->end, text);
	else
		mutate_insert(mutation, first->begin, text);
	return true;
}

static bool good_declaration(struct mutation *mutation)
{
	static const char *const texts[] = {"", "<?xml version=\"1.0\"?>", "<?xml version='1.0' ?>",
		"<?xml version=\"1.0\" encoding='utf-8'?>",
		"<?xml version=\"1.0\" standalone=\"no\"?>",
		"<?xml version = \"1.0\"\tencoding=\"UTF-8\"\nstandalone='yes' ?>\n"};

	return set_declaration(mutation, PICK(mutation->chance, texts));
}

static bool bad_declaration(struct mutation *mutation)
{
	static const char *const texts[] = {" <?xml version=\"1.0\"?>", "<?xml version=\"1.1\"?>",
		"<?xml version=\"2.0\"?>", "<?xml version=\"1.5\"?>", "<?xml?>",
		"<?xml encoding=\"UTF-8\"?>", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>",
		"<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
		"<?xml version=\"1.0\" encoding=\"US-ASCII\"?>",
		"<?xml version=\"1.0\" encoding=\"\"?>",
		"<?xml version=\"1.0\" standalone=\"maybe\"?>",
		"<?xml version=\"1.0\" other=\"1\"?>", "<?xml standalone=\"yes\" version=\"1.0\"?>",
		"<?xml version=\"1.0\" encoding=\"UTF-8\">",
		"<?xml version=\"1.0\"encoding=\"UTF-8\"?>",
		"<?xml version=\"1.0\" encoding=\"UTF 8\"?>", "<?XML version=\"1.0\"?>",
		"<?xml version=\"1.0\"?><?xml version=\"1.0\"?>", "<?xml version=1.0?>",
		"<?xml version=\"1.0\" standalone=\"yes\" encoding=\"UTF-8\"?>",
		"<!DOCTYPE Request>", "<!DOCTYPE a [<!ENTITY e \"x\">]>",
		"<!DOCTYPE a SYSTEM \"a.dtd\">", "<?xml version=\"1.0\"?><!DOCTYPE a>",
		"<?xml version=\"1.0\" encoding=\"UTF-8-X\"?>"};

	return set_declaration(mutation, PICK(mutation->chance, texts));
}

static bool mark_order(struct mutation *mutation)
{
	if (mutation->document->length >= 3 && mutation->document->bytes[0] == 0xef)
		return false;
	mutate_insert(mutation, 0, "\xef\xbb\xbf");
	return true;
}

/* Before the root or behind it. */
static bool around_root(struct mutation *mutation, bool keep)
{
	static const char *const good[] = {"\n", " ", "<!-- c -->", "<?p q?>", "\r\n\t"};
	static const char *const bad[] = {"x", "&#32;", "<![CDATA[]]>", "<a/>", "]]>",
		"\xef\xbb\xbf", "\0", "\xc2\xa0", "&amp;"};
	size_t at = mutation->document->length;

	if (chance_hits(mutation->chance, 30) && mutation->tokens.element_count > 0)
		at = mutation->tokens.tokens[mutation->tokens.elements[0]].begin;
	mutate_insert(
		mutation, at, keep ? PICK(mutation->chance, good) : PICK(mutation->chance, bad));
	return true;
}

static bool around_root_well(struct mutation *mutation)
{
	return around_root(mutation, true);
}

static bool around_root_badly(struct mutation *mutation)
{
	return around_root(mutation, false);
}

const struct mutate_kind mutate_lexical_kinds[] = {
	{"comment", insert_comment, 4, true},
	{"instruction", insert_instruction, 3, true},
	{"broken-markup", insert_broken, 10, false},
	{"character-reference", reference_character, 4, true},
	{"cdata", as_section, 4, true},
	{"space-elements", space_elements, 4, true},
	{"space-tag", space_tag_well, 3, true},
	{"space-tag-badly", space_tag_badly, 3, false},
	{"quotes", other_quotes, 2, true},
	{"attribute-order", reorder_attributes, 3, true},
	{"line-ends", other_line_ends, 3, true},
	{"declaration", good_declaration, 2, true},
	{"bad-declaration", bad_declaration, 3, false},
	{"byte-order-mark", mark_order, 1, true},
	{"around-root", around_root_well, 2, true},
	{"around-root-badly", around_root_badly, 2, false},
	{NULL, NULL, 0, false},
};
