/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes, whatever they mean: flipped, cut, doubled, in other encodings. */
#include <string.h>

#include "tests/differential/mutate.h"

#define PICK(chance, list) (list)[chance_below(chance, sizeof(list) / sizeof((list)[0]))]

static size_t pick_at(struct mutation *mutation)
{
	return chance_below(mutation->chance, mutation->document->length);
}

static bool flip_bit(struct mutation *mutation)
{
	if (mutation->document->length == 0)
		return false;
	mutation->document->bytes[pick_at(mutation)] ^=
		(uint8_t)(1u << chance_below(mutation->chance, 8));
	return true;
}

static bool set_byte(struct mutation *mutation)
{
	static const uint8_t bytes[] = "<>&\"'=/!?-[];:# \n\t\r\x01\x7f\x80\xc2\xed\xff";

	if (mutation->document->length == 0)
		return false;
	/* The NUL behind the text is one of them. */
	mutation->document->bytes[pick_at(mutation)] = PICK(mutation->chance, bytes);
	return true;
}

static bool insert_byte(struct mutation *mutation)
{
	static const uint8_t bytes[] = "<>&\"'=/!?-[];:# \n\t\rA0";
	uint8_t byte = bytes[chance_below(mutation->chance, sizeof(bytes) - 1)];
	size_t at;

	if (mutation->document->length == 0)
		return false;
	at = pick_at(mutation);
	buffer_splice(mutation->document, at, at, &byte, 1);
	return true;
}

static bool cut_bytes(struct mutation *mutation)
{
	size_t at;
	size_t count;

	if (mutation->document->length == 0)
		return false;
	at = pick_at(mutation);
	count = 1 + chance_below(mutation->chance, chance_hits(mutation->chance, 70) ? 3 : 60);
	if (count > mutation->document->length - at)
		count = mutation->document->length - at;
	buffer_splice(mutation->document, at, at + count, NULL, 0);
	return true;
}

static bool truncate_document(struct mutation *mutation)
{
	size_t at;

	if (mutation->document->length == 0)
		return false;
	at = chance_hits(mutation->chance, 30)
		     ? mutation->document->length - 1 -
			       chance_below(mutation->chance, mutation->document->length < 20
								      ? mutation->document->length
								      : 20)
		     : pick_at(mutation);
	buffer_splice(mutation->document, at, mutation->document->length, NULL, 0);
	return true;
}

static bool double_bytes(struct mutation *mutation)
{
	struct buffer text = {0};
	size_t at;
	size_t count;

	if (mutation->document->length == 0)
		return false;
	at = pick_at(mutation);
	count = 1 + chance_below(mutation->chance, 40);
	if (count > mutation->document->length - at)
		count = mutation->document->length - at;
	buffer_add(&text, mutation->document->bytes + at, count);
	buffer_splice(mutation->document, at, at, text.bytes, text.length);
	buffer_free(&text);
	return true;
}

/* Characters of every length and at every border of XML's Char, in text. */
static bool insert_character(struct mutation *mutation)
{
	static const uint32_t points[] = {0x9, 0xa, 0x20, 0x7f, 0x80, 0x85, 0x9f, 0xa0, 0x7ff,
		0x800, 0x2028, 0xd7ff, 0xe000, 0xfffd, 0x10000, 0x1f600, 0x10ffff, 0x8, 0xb, 0xc,
		0x1f, 0xd800, 0xdfff, 0xfffe, 0xffff, 0x110000};
	size_t index = mutate_pick_text(mutation);
	struct buffer text = {0};
	const struct token *token;
	size_t at;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	at = token->begin + chance_below(mutation->chance, token->end - token->begin);
	if ((mutation->document->bytes[at] & 0xc0) == 0x80)
		return false;
	buffer_code_point(&text, PICK(mutation->chance, points));
	buffer_splice(mutation->document, at, at, text.bytes, text.length);
	buffer_free(&text);
	return true;
}

/* The same characters in UTF-16, with or without a byte order mark; only from ASCII. */
static bool as_utf16(struct mutation *mutation)
{
	struct buffer wide = {0};
	bool little = chance_hits(mutation->chance, 50);

	if (chance_hits(mutation->chance, 70))
		buffer_text(&wide, little ? "\xff\xfe" : "\xfe\xff");
	for (size_t at = 0; at < mutation->document->length; at++) {
		if (mutation->document->bytes[at] >= 0x80)
			continue;
		if (!little)
			buffer_byte(&wide, 0);
		buffer_byte(&wide, mutation->document->bytes[at]);
		if (little)
			buffer_byte(&wide, 0);
	}
	buffer_splice(mutation->document, 0, mutation->document->length, wide.bytes, wide.length);
	buffer_free(&wide);
	return true;
}

const struct mutate_kind mutate_byte_kinds[] = {
	{"flip-bit", flip_bit, 4, false},
	{"set-byte", set_byte, 4, false},
	{"insert-byte", insert_byte, 4, false},
	{"cut-bytes", cut_bytes, 3, false},
	{"truncate", truncate_document, 2, false},
	{"double-bytes", double_bytes, 2, false},
	{"insert-character", insert_character, 4, false},
	{"utf-16", as_utf16, 1, false},
	{NULL, NULL, 0, false},
};
