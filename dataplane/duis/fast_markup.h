/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML below the level of elements: characters, references, names, comments, instructions, CDATA and
 * text (XML 1.0, fifth edition). Each function takes the place where its construct begins and
 * returns the place behind it, or NULL after fast_fail(). Included by fast_parse.c only.
 */
#ifndef DUIS_FAST_MARKUP_H
#define DUIS_FAST_MARKUP_H

#include "dataplane/duis/fast_value.h"

FAST_INLINE uint32_t offset_of(const struct duis_fast_engine *engine, const uint8_t *at)
{
	return (uint32_t)(at - engine->bytes);
}

#define NOT_WELL_FORMED(engine, at, rule) fast_fail(engine, DUIS_ERROR_NOT_WELL_FORMED, at, rule)

/* How far a new stretch may lie behind the last one to be joined with it; attributed tags within
 * that distance are put into the stretch as well. So there is at most one stretch in 64 bytes. */
#define DIRTY_GAP 64u

/* Note that [start, end) is not canonical as it stands. */
static inline void dirty_add(
	struct duis_fast_engine *engine, const uint8_t *start, const uint8_t *end)
{
	struct fast_dirty *last = &engine->dirty[engine->dirty_count];
	uint32_t from = offset_of(engine, start);

	if (engine->dirty_count > 0 && last[-1].start >= engine->dirty_barrier &&
		from <= last[-1].end + DIRTY_GAP) {
		last[-1].end = offset_of(engine, end);
		return;
	}
	*last = (struct fast_dirty){from, offset_of(engine, end), engine->order_used};
	engine->dirty_count++;
}

/* ---- characters ---- */

/* Length of the UTF-8 sequence (RFC 3629) of an XML character at `at`, or 0. */
static inline uint32_t utf8_decode(const uint8_t *at, const uint8_t *stop, uint32_t *character)
{
	uint8_t first = at[0];
	uint32_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t value;

	if (first < 0xc2 || first > 0xf4 || (size_t)(stop - at) < length)
		return 0;
	value = first & (0xffu >> (length + 1));
	for (uint32_t index = 1; index < length; index++) {
		if ((at[index] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[index] & 0x3f);
	}
	*character = value;
	if (length == 3 && (value < 0x800 || (value >= 0xd800 && value <= 0xdfff)))
		return 0;
	if (length == 4 && (value < 0x10000 || value > 0x10ffff))
		return 0;
	return length;
}

FAST_INLINE bool is_xml_character(uint32_t c)
{
	return c >= 0x20
		       ? (c < 0xd800 || (c > 0xdfff && c != 0xfffe && c != 0xffff && c <= 0x10ffff))
		       : (c == 9 || c == 10 || c == 13);
}

/* A byte that is no plain ASCII character: a sequence beyond ASCII, or an error. */
static FAST_APART const uint8_t *parse_character(struct duis_fast_engine *engine, const uint8_t *at)
{
	uint32_t character;
	uint32_t length;

	if (*at < 0x20)
		return NOT_WELL_FORMED(engine, at, "a control character is not allowed in XML");
	length = utf8_decode(at, engine->end, &character);
	if (length == 0)
		return fast_fail(engine, DUIS_ERROR_ENCODING, at, "these bytes are not UTF-8");
	if (!is_xml_character(character))
		return NOT_WELL_FORMED(engine, at, "a character is not allowed in XML");
	return at + length;
}

static inline uint32_t utf8_encode(uint32_t character, uint8_t *out)
{
	if (character < 0x80) {
		out[0] = (uint8_t)character;
		return 1;
	}
	if (character < 0x800) {
		out[0] = (uint8_t)(0xc0 | character >> 6);
		out[1] = (uint8_t)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		out[0] = (uint8_t)(0xe0 | character >> 12);
		out[1] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (character & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | character >> 18);
	out[1] = (uint8_t)(0x80 | (character >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (character & 0x3f));
	return 4;
}

/* The reference at `at` ('&'). */
static FAST_APART const uint8_t *parse_reference(
	struct duis_fast_engine *engine, const uint8_t *at, uint32_t *character)
{
	static const struct {
		const char *text;
		uint32_t length;
		uint32_t character;
	} predefined[] = {{"amp;", 4, '&'}, {"lt;", 3, '<'}, {"gt;", 3, '>'}, {"quot;", 5, '"'},
		{"apos;", 5, '\''}};
	const uint8_t *start = at++;
	const uint8_t *digits;
	uint32_t value = 0;
	bool hex;

	if (at < engine->end && *at != '#') {
		for (unsigned index = 0; index < 5; index++)
			if ((size_t)(engine->end - at) >= predefined[index].length &&
				memcmp(at, predefined[index].text, predefined[index].length) == 0) {
				*character = predefined[index].character;
				return at + predefined[index].length;
			}
		return NOT_WELL_FORMED(engine, start,
			"only character references and amp, lt, gt, quot, apos are allowed");
	}
	at++;
	hex = at < engine->end && *at == 'x';
	at += hex;
	digits = at;
	for (; at < engine->end && scan_is(*at, hex ? SCAN_HEX : SCAN_DIGIT); at++) {
		uint32_t digit = *at <= '9' ? *at - 48u : (*at | 32u) - 'a' + 10;

		if (value <= 0x10ffff)
			value = value * (hex ? 16 : 10) + digit;
	}
	if (at >= engine->end || at == digits || *at != ';')
		return NOT_WELL_FORMED(engine, start, "a character reference is not complete");
	if (!is_xml_character(value))
		return NOT_WELL_FORMED(engine, start, "a reference names no character of XML");
	*character = value;
	return at + 1;
}

/* ---- names ---- */

/* A Name; with `qualified`, a QName whose prefix length goes to *prefix_length (0: none). */
static inline const uint8_t *parse_name(
	struct duis_fast_engine *engine, const uint8_t *at, uint32_t *prefix_length)
{
	const uint8_t *start = at;
	const uint8_t *colon;
	uint32_t character;
	uint32_t length;

	if (at < engine->end && likely(name_start_ascii(*at))) {
		at = scan_run(at, engine->end, SCAN_NAME);
	} else if (at < engine->end && *at >= 0x80) {
		length = utf8_decode(at, engine->end, &character);
		if (length == 0 || !name_start_beyond(character))
			return NOT_WELL_FORMED(engine, at, "a name is expected here");
		at += length;
	} else {
		return NOT_WELL_FORMED(engine, at, "a name is expected here");
	}
	while (at < engine->end && (*at >= 0x80 || scan_is(*at, SCAN_NAME))) {
		if (*at < 0x80) {
			at = scan_run(at, engine->end, SCAN_NAME);
			continue;
		}
		length = utf8_decode(at, engine->end, &character);
		if (length == 0)
			return fast_fail(
				engine, DUIS_ERROR_ENCODING, at, "these bytes are not UTF-8");
		if (!name_beyond(character))
			return NOT_WELL_FORMED(engine, at, "a character is not allowed in a name");
		at += length;
	}
	colon = memchr(start, ':', (size_t)(at - start));
	*prefix_length = 0;
	if (colon == NULL)
		return at;
	*prefix_length = (uint32_t)(colon - start);
	if (colon + 1 == at || memchr(colon + 1, ':', (size_t)(at - colon - 1)) != NULL)
		return NOT_WELL_FORMED(engine, start, "a qualified name has one colon inside");
	if (!name_start_ascii(colon[1])) {
		length = colon[1] >= 0x80 ? utf8_decode(colon + 1, at, &character) : 0;
		if (length == 0 || !name_start_beyond(character))
			return NOT_WELL_FORMED(
				engine, start, "the part behind the colon is not a name");
	}
	return at;
}

FAST_INLINE const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

/* ---- comments, instructions, CDATA ---- */

FAST_INLINE bool begins(
	const struct duis_fast_engine *engine, const uint8_t *at, const char *text, uint32_t length)
{
	return (size_t)(engine->end - at) >= length && memcmp(at, text, length) == 0;
}

static FAST_APART const uint8_t *parse_comment(
	struct duis_fast_engine *engine, const uint8_t *start)
{
	const uint8_t *at = start + 4;

	for (;;) {
		at = scan_run(at, engine->end, SCAN_MARKUP);
		if (at >= engine->end)
			return NOT_WELL_FORMED(engine, start, "a comment is not closed");
		if (*at == '-' && begins(engine, at, "--", 2)) {
			if (!begins(engine, at, "-->", 3))
				return NOT_WELL_FORMED(
					engine, at, "-- is not allowed in a comment");
			return at + 3;
		}
		if ((*at >= 0x20 && *at < 0x80) || *at == '\r')
			at++;
		else if ((at = parse_character(engine, at)) == NULL)
			return NULL;
	}
}

static FAST_APART const uint8_t *parse_instruction(
	struct duis_fast_engine *engine, const uint8_t *start)
{
	uint32_t prefix_length;
	const uint8_t *at = parse_name(engine, start + 2, &prefix_length);

	if (at == NULL)
		return NULL;
	if (prefix_length > 0)
		return NOT_WELL_FORMED(engine, start, "a colon is not allowed in a target");
	if (at - start == 5 && (start[2] | 32) == 'x' && (start[3] | 32) == 'm' &&
		(start[4] | 32) == 'l')
		return NOT_WELL_FORMED(
			engine, start, "the XML declaration is allowed at the beginning only");
	if (begins(engine, at, "?>", 2))
		return at + 2;
	if (at >= engine->end || !is_blank(*at))
		return NOT_WELL_FORMED(engine, at, "white space is expected behind a target");
	for (;;) {
		at = scan_run(at, engine->end, SCAN_MARKUP);
		if (at >= engine->end)
			return NOT_WELL_FORMED(engine, start, "an instruction is not closed");
		if (*at == '?' && begins(engine, at, "?>", 2))
			return at + 2;
		if ((*at >= 0x20 && *at < 0x80) || *at == '\r')
			at++;
		else if ((at = parse_character(engine, at)) == NULL)
			return NULL;
	}
}

/* ---- text ---- */

/* Text on its way into a value. */
struct fast_text {
	bool collect; /* into the engine's scratch memory, from scratch_used on */
	bool black;   /* there is more than white space */
	bool any;     /* there is anything at all */
	bool cdata;   /* there is a CDATA section */
};

FAST_INLINE void text_put(
	struct duis_fast_engine *engine, struct fast_text *text, const uint8_t *at, uint32_t length)
{
	if (!text->collect)
		return;
	memcpy(engine->scratch + engine->scratch_used, at, length);
	engine->scratch_used += length;
}

/* Copy a run of characters and see whether it is more than white space. */
FAST_INLINE void text_run(struct duis_fast_engine *engine, struct fast_text *text,
	const uint8_t *at, const uint8_t *stop)
{
	if (at == stop)
		return;
	text->any = true;
	if (!text->black)
		text->black = scan_run(at, stop, SCAN_BLANK) != stop;
	text_put(engine, text, at, (uint32_t)(stop - at));
}

/* CR and CR LF are LF (XML 1.0, section 2.11). */
static FAST_APART const uint8_t *text_return(
	struct duis_fast_engine *engine, struct fast_text *text, const uint8_t *at)
{
	const uint8_t *stop = at + 1;

	stop += stop < engine->end && *stop == '\n';
	text->any = true;
	text_put(engine, text, (const uint8_t *)"\n", 1);
	return stop;
}

static FAST_APART const uint8_t *parse_cdata(
	struct duis_fast_engine *engine, const uint8_t *start, struct fast_text *text)
{
	const uint8_t *at = start + 9;

	text->cdata = true;
	for (;;) {
		const uint8_t *run = at;

		at = scan_run(at, engine->end, SCAN_MARKUP);
		text_run(engine, text, run, at);
		if (at >= engine->end)
			return NOT_WELL_FORMED(engine, start, "a CDATA section is not closed");
		if (*at == ']' && begins(engine, at, "]]>", 3)) {
			dirty_add(engine, start, at + 3);
			return at + 3;
		}
		run = at;
		if (*at == '\r') {
			at = text_return(engine, text, at);
		} else {
			at = *at >= 0x20 && *at < 0x80 ? at + 1 : parse_character(engine, at);
			if (at == NULL)
				return NULL;
			text_run(engine, text, run, at);
		}
	}
}

static FAST_APART const uint8_t *text_reference(
	struct duis_fast_engine *engine, struct fast_text *text, const uint8_t *start)
{
	uint32_t character = 0;
	const uint8_t *at = parse_reference(engine, start, &character);
	uint8_t bytes[4];

	if (at == NULL)
		return NULL;
	/* In canonical form are &amp; &lt; &gt; &#xD; and nothing else. */
	if (!begins(engine, start, "&amp;", 5) && !begins(engine, start, "&lt;", 4) &&
		!begins(engine, start, "&gt;", 4) && !begins(engine, start, "&#xD;", 5))
		dirty_add(engine, start, at);
	text->any = true;
	text->black |= character > ' ';
	text_put(engine, text, bytes, utf8_encode(character, bytes));
	return at;
}

/* Text, comments, instructions and CDATA up to the next tag; returns its '<'. */
static FAST_APART const uint8_t *parse_text(
	struct duis_fast_engine *engine, const uint8_t *at, struct fast_text *text)
{
	for (;;) {
		const uint8_t *start = at;

		at = scan_run(at, engine->end, SCAN_TEXT);
		text_run(engine, text, start, at);
		if (at >= engine->end)
			return NOT_WELL_FORMED(engine, at, "the document ends inside an element");
		start = at;
		if (*at == '<') {
			if (begins(engine, at, "<!--", 4)) {
				at = parse_comment(engine, at);
				if (at != NULL)
					dirty_add(engine, start, at);
			} else if (begins(engine, at, "<![CDATA[", 9)) {
				at = parse_cdata(engine, at, text);
			} else if (begins(engine, at, "<?", 2)) {
				at = parse_instruction(engine, at);
				if (at == NULL)
					return NULL;
				dirty_add(engine, start, at);
				if (engine->depth == 1 && engine->signature_count > 0)
					engine->instruction_behind = true;
			} else {
				return at;
			}
		} else if (*at == '&') {
			at = text_reference(engine, text, at);
		} else if (*at == '\r') {
			at = text_return(engine, text, at);
			dirty_add(engine, start, at);
		} else if (*at == '>') {
			if (at - engine->bytes >= 2 && at[-1] == ']' && at[-2] == ']')
				return NOT_WELL_FORMED(engine, at, "]]> is not allowed in text");
			while (at < engine->end && *at == '>')
				at++;
			dirty_add(engine, start, at);
			text_run(engine, text, start, at);
		} else {
			do
				at = parse_character(engine, at);
			while (at != NULL && at < engine->end && *at >= 0x80);
			if (at != NULL)
				text_run(engine, text, start, at);
		}
		if (at == NULL)
			return NULL;
	}
}

#endif
