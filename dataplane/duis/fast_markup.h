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

/* Note that [start, end) is not canonical as it stands, where that matters. CR in text is not noted
 * but found again (engine->returns): there may be one in every line. */
static inline void dirty_add(
	struct duis_fast_engine *engine, const uint8_t *start, const uint8_t *end)
{
	struct fast_dirty *last = &engine->dirty[engine->dirty_count];
	uint32_t from = offset_of(engine, start);

	if (!engine->tracked)
		return;
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

	if (length == 2 && first >= 0xc2 && stop - at >= 2 && (at[1] & 0xc0) == 0x80) {
		*character = (first & 0x1fu) << 6 | (at[1] & 0x3fu);
		return 2;
	}
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

/* Characters beyond ASCII, one at least, up to the next within. */
static inline const uint8_t *parse_characters(struct duis_fast_engine *engine, const uint8_t *at)
{
	do {
		uint32_t word;

		if (unlikely(engine->end - at < 4)) {
			at = parse_character(engine, at);
			if (at == NULL)
				return NULL;
			continue;
		}
		/* The usual ones, by the bits that must be as they are; borders the other way. */
		memcpy(&word, at, 4);
		if ((word & 0xc0e0) == 0x80c0 && (word & 0x1e) != 0)
			at += 2;
		else if ((word & 0xc0c0f0) == 0x8080e0 && (word & 0x200f) != 0 &&
			 (word & 0x200f) != 0x200d && (word & 0xfeffff) != 0xbebfef)
			at += 3;
		else if ((word & 0xc0c0c0f8) == 0x808080f0 && (word & 0x3007) != 0 &&
			 (word & 0x07) < 4)
			at += 4;
		else if ((at = parse_character(engine, at)) == NULL)
			return NULL;
	} while (at < engine->end && *at >= 0x80);
	return at;
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
static inline const uint8_t *parse_reference(
	struct duis_fast_engine *engine, const uint8_t *at, uint32_t *character)
{
	static const struct {
		const char *text;
		uint32_t length;
		uint32_t character;
	} predefined[] = {{"lt;", 3, '<'}, {"gt;", 3, '>'}, {"amp;", 4, '&'}, {"quot;", 5, '"'},
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

/* One character of a name, the first one of its part or another. Returns what follows it, `at` when
 * there is none, or NULL after an error. */
FAST_INLINE const uint8_t *parse_name_character(
	struct duis_fast_engine *engine, const uint8_t *at, bool first)
{
	uint32_t character = 0;
	uint32_t length;

	if (*at < 0x80)
		return at + (first ? name_start_ascii(*at) : scan_is(*at, SCAN_NAME));
	length = utf8_decode(at, engine->end, &character);
	if (length == 0)
		return fast_fail(engine, DUIS_ERROR_ENCODING, at, "these bytes are not UTF-8");
	if (name_start_beyond(character) || (!first && name_beyond(character)))
		return at + length;
	return NOT_WELL_FORMED(engine, at,
		first ? "a name is expected here" : "a character is not allowed in a name");
}

/* A name that is long or holds characters beyond ASCII, or none at all. */
static FAST_APART const uint8_t *parse_wide_name(
	struct duis_fast_engine *engine, const uint8_t *at, uint32_t *prefix_length)
{
	const uint8_t *start = at;
	const uint8_t *colon = NULL;
	const uint8_t *next = at;

	*prefix_length = 0;
	if (at < engine->end && *at < 0x80)
		next = scan_run(at, engine->end, SCAN_NAME);
	if (next > at && next < engine->end && *next < 0x80 && name_start_ascii(*at) &&
		memchr(at, ':', (size_t)(next - at)) == NULL)
		return next;
	for (; at < engine->end; at = next) {
		if (*at == ':' && at > start) {
			if (colon != NULL)
				return NOT_WELL_FORMED(
					engine, start, "a qualified name has one colon inside");
			colon = at;
		}
		if (*at < 0x80 && !scan_is(*at, SCAN_NAME))
			break;
		next = parse_name_character(engine, at, at == start || at - 1 == colon);
		if (next == NULL)
			return NULL;
		if (next == at)
			break;
	}
	if (at == start)
		return NOT_WELL_FORMED(engine, at, "a name is expected here");
	if (colon == NULL)
		return at;
	if (colon + 1 == at)
		return NOT_WELL_FORMED(engine, start,
			"a qualified name has one colon inside, and a name behind it");
	*prefix_length = (uint32_t)(colon - start);
	return at;
}

/* The length of a QName of at most six bytes of ASCII, and of its prefix (0: none); or 0 when it is
 * none, or not so short. What follows a very short name need not wait for a vector. */
FAST_INLINE uint32_t parse_short_name(
	const struct duis_fast_engine *engine, const uint8_t *at, uint32_t *prefix_length)
{
	const uint64_t ones = 0x0101010101010101;
	uint32_t length = 0;
	uint64_t colons;

	*prefix_length = 0;
	if (unlikely(engine->end - at < 8))
		return 0;
	while (length < 7 && scan_is(at[length], SCAN_NAME))
		length++;
	if (length == 7 || !name_start_ascii(*at) || at[length] >= 0x80)
		return 0;
	/* The lowest byte that is a colon has its highest bit set. */
	memcpy(&colons, at, 8);
	colons ^= ones * ':';
	colons = (colons - ones) & ~colons & ones << 7 & ((UINT64_C(1) << 8 * length) - 1);
	if (colons == 0)
		return length;
	*prefix_length = (uint32_t)__builtin_ctzll(colons) / 8;
	return (colons & (colons - 1)) == 0 && name_start_ascii(at[*prefix_length + 1]) ? length
											: 0;
}

/* The length of a name of at most four characters, the first one beyond ASCII, without a prefix; or
 * 0 when it is none, or not so short. */
static FAST_APART uint32_t parse_short_wide_name(
	const struct duis_fast_engine *engine, const uint8_t *at)
{
	const uint8_t *start = at;

	for (unsigned count = 0; engine->end - at > 4; count++) {
		uint32_t character = 0;
		uint32_t length;

		if (*at < 0x80) {
			if (!scan_is(*at, SCAN_NAME))
				return (uint32_t)(at - start);
			length = *at != ':';
		} else {
			length = utf8_decode(at, engine->end, &character);
			if (!name_start_beyond(character) &&
				(count == 0 || !name_beyond(character)))
				length = 0;
		}
		if (length == 0 || count == 4)
			return 0;
		at += length;
	}
	return 0;
}

/* A QName that parse_short_name() has not taken. */
FAST_INLINE const uint8_t *parse_long_name(
	struct duis_fast_engine *engine, const uint8_t *at, uint32_t *prefix_length)
{
	uint64_t colons = 0;
	uint32_t length;

	if (unlikely(at < engine->end && *at >= 0x80))
		return parse_wide_name(engine, at, prefix_length);
	length = scan_name(at, engine->end, &colons);
	/* Plain, and with at most one colon. */
	if (unlikely(length == 0 || !name_start_ascii(*at) || at[length] >= 0x80))
		return parse_wide_name(engine, at, prefix_length);
	*prefix_length = 0;
	if (colons == 0)
		return at + length;
	*prefix_length = (uint32_t)__builtin_ctzll(colons);
	if (unlikely((colons & (colons - 1)) != 0 || *prefix_length + 1 == length ||
		     !name_start_ascii(at[*prefix_length + 1])))
		return parse_wide_name(engine, at, prefix_length);
	return at + length;
}

/* A QName; the length of its prefix goes to *prefix_length (0: none). */
FAST_INLINE const uint8_t *parse_name(
	struct duis_fast_engine *engine, const uint8_t *at, uint32_t *prefix_length)
{
	uint32_t length = parse_short_name(engine, at, prefix_length);

	return length > 0 ? at + length : parse_long_name(engine, at, prefix_length);
}

FAST_INLINE const uint8_t *skip_blanks(const uint8_t *at, const uint8_t *end)
{
	while (at < end && scan_is(*at, SCAN_SPACE))
		at++;
	return at;
}

/* ---- comments, instructions, CDATA ---- */

FAST_INLINE bool begins(
	const struct duis_fast_engine *engine, const uint8_t *at, const char *text, uint32_t length)
{
	return (size_t)(engine->end - at) >= length && memcmp(at, text, length) == 0;
}

/* From `at`, inside of something that the three bytes close (two when third is 0), to those.
 * Returns engine->end when they do not come. */
FAST_INLINE const uint8_t *parse_inside(struct duis_fast_engine *engine, const uint8_t *at,
	uint8_t first, uint8_t second, uint8_t third)
{
	for (;;) {
		const uint8_t *far = engine->end - at > 16 ? at + 12 : at;

		/* Near ends first; see scan_near(). */
		for (; at < far && scan_is(*at, SCAN_CHARACTER); at++)
			if (*at == first && at[1] == second && (third == 0 || at[2] == third))
				return at;
		if (at == far)
			at = scan_until(at, engine->end, first, second, third);
		if (at >= engine->end || scan_is(*at, SCAN_CHARACTER))
			return at;
		at = parse_characters(engine, at);
		if (at == NULL)
			return NULL;
	}
}

static FAST_APART const uint8_t *parse_comment(
	struct duis_fast_engine *engine, const uint8_t *start)
{
	const uint8_t *at = parse_inside(engine, start + 4, '-', '-', 0);

	if (at == NULL)
		return NULL;
	if (at >= engine->end)
		return NOT_WELL_FORMED(engine, start, "a comment is not closed");
	if (!begins(engine, at, "-->", 3))
		return NOT_WELL_FORMED(engine, at, "-- is not allowed in a comment");
	return at + 3;
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
	at = parse_inside(engine, at, '?', '>', 0);
	if (at != NULL && at >= engine->end)
		return NOT_WELL_FORMED(engine, start, "an instruction is not closed");
	return at != NULL ? at + 2 : NULL;
}

/* Whether the instruction [at, stop) is canonical as it stands: one space before its data, if there
 * are any, and no CR. */
static inline bool is_plain_instruction(const uint8_t *at, const uint8_t *stop)
{
	for (at += 2; *at != '?' && !is_blank(*at);)
		at++;
	return *at == '?' || (*at == ' ' && !is_blank(at[1]) && at + 3 < stop &&
				     memchr(at, '\r', (size_t)(stop - at)) == NULL);
}

/* ---- text ---- */

/* Text on its way into a value. */
struct fast_text {
	bool collect; /* into the engine's scratch memory, from scratch_used on */
	bool black;   /* there is more than white space */
	bool any;     /* there is anything at all */
	bool cdata;   /* there is a CDATA section */
};

/* [at, stop) goes into the value, its line ends as LF (XML 1.0, section 2.11). */
static inline void text_put(struct duis_fast_engine *engine, const uint8_t *at, const uint8_t *stop)
{
	uint8_t *out = engine->scratch + engine->scratch_used;
	size_t length = (size_t)(stop - at);

	if (length <= 16 && engine->end - at >= 16) {
		/* There is always room for a few bytes more. */
		memcpy(out, at, 16);
		if (!engine->returns) {
			engine->scratch_used += (uint32_t)length;
			return;
		}
	} else if (!engine->returns || memchr(at, '\r', length) == NULL) {
		memcpy(out, at, length);
		engine->scratch_used += (uint32_t)length;
		return;
	}
	while (at < stop) {
		uint8_t byte = *at++;

		*out = byte == '\r' ? '\n' : byte;
		/* The LF behind a CR is that one. */
		out += !(byte == '\n' && at[-2] == '\r');
	}
	engine->scratch_used = (uint32_t)(out - engine->scratch);
}

/* The characters of text [at, stop) that are not canonical as they stand: '>', and CR, which is
 * noted in general. Returns NULL when there is a "]]>". */
static FAST_APART const uint8_t *parse_rough_text(
	struct duis_fast_engine *engine, const uint8_t *at, const uint8_t *stop)
{
	const uint8_t *first = memchr(at, '>', (size_t)(stop - at));
	const uint8_t *last = stop;
	const uint8_t *close;

	if (!engine->returns)
		engine->returns = memchr(at, '\r', (size_t)(stop - at)) != NULL;
	if (first == NULL)
		return stop;
	/* Two bytes are before, a tag's at least. */
	if (at[-1] == ']')
		at -= at[-2] == ']' ? 2 : 1;
	close = scan_until(at, stop, ']', ']', '>');
	if (close < stop)
		return NOT_WELL_FORMED(engine, close + 2, "]]> is not allowed in text");
	if (!engine->tracked)
		return stop;
	while (last[-1] != '>')
		last--;
	dirty_add(engine, first, last);
	return stop;
}

/* Plain characters of text: all of ASCII but '<', '&' and controls. */
FAST_INLINE const uint8_t *parse_prose(
	struct duis_fast_engine *engine, const uint8_t *at, struct fast_text *text)
{
	const uint8_t *start = at;
	const uint8_t *far = engine->end - at > 16 ? at + 16 : engine->end;
	uint32_t common = UINT32_MAX; /* sets that all of them belong to */

	/* One by one while they are few; what they are must not be guessed by a branch. */
	for (; at < far; at++) {
		uint32_t sets = scan_bits[*at];

		if ((sets >> SCAN_PROSE & 1) == 0)
			break;
		common &= sets;
	}
	engine->returns |= (common >> SCAN_LINE & 1) == 0;
	text->black |= (common >> SCAN_SPACE & 1) == 0;
	if (unlikely((common >> SCAN_CALM & 1) == 0 && parse_rough_text(engine, start, at) == NULL))
		return NULL;
	if (at == far && far < engine->end) {
		const uint8_t *run = at;

		at = scan_run(run, engine->end, SCAN_PROSE);
		text->black = text->black || scan_run(run, at, SCAN_SPACE) != at;
		run = scan_run(run, at, SCAN_TEXT);
		if (run != at && parse_rough_text(engine, run, at) == NULL)
			return NULL;
	}
	text->any |= at != start;
	if (text->collect)
		text_put(engine, start, at);
	return at;
}

static FAST_APART const uint8_t *parse_cdata(
	struct duis_fast_engine *engine, const uint8_t *start, struct fast_text *text)
{
	const uint8_t *content = start + 9;
	const uint8_t *at = parse_inside(engine, content, ']', ']', '>');

	if (at == NULL)
		return NULL;
	if (at >= engine->end)
		return NOT_WELL_FORMED(engine, start, "a CDATA section is not closed");
	text->cdata = true;
	text->any |= at != content;
	text->black = text->black || scan_near(content, at, SCAN_SPACE) != at;
	if (text->collect) {
		engine->returns |= memchr(content, '\r', (size_t)(at - content)) != NULL;
		text_put(engine, content, at);
	}
	dirty_add(engine, start, at + 3);
	return at + 3;
}

static inline const uint8_t *text_reference(
	struct duis_fast_engine *engine, struct fast_text *text, const uint8_t *start)
{
	uint32_t character = 0;
	const uint8_t *at = parse_reference(engine, start, &character);

	if (at == NULL)
		return NULL;
	/* In canonical form are &amp; &lt; &gt; &#xD; and nothing else. */
	if (start[1] == '#' ? !begins(engine, start, "&#xD;", 5)
			    : character == '"' || character == '\'')
		dirty_add(engine, start, at);
	text->any = true;
	text->black |= character > ' ';
	if (text->collect)
		engine->scratch_used +=
			utf8_encode(character, engine->scratch + engine->scratch_used);
	return at;
}

/* The profile wants the signature to be the last thing in the root, and the elements that name an
 * algorithm to be empty; KeyInfo alone may hold instructions. */
static inline void note_instruction(struct duis_fast_engine *engine)
{
	uint8_t role = engine->frames[engine->depth - 1].role;

	if (engine->depth == 1 && engine->signature_count > 0)
		engine->instruction_behind = true;
	if (engine->in_signature && role >= FAST_ROLE_FIRST_DSIG && role != FAST_ROLE_KEY_INFO)
		engine->parts[role].text = true;
}

/* The instruction at `at`, where text is. */
static inline const uint8_t *text_instruction(struct duis_fast_engine *engine, const uint8_t *start)
{
	const uint8_t *at = parse_instruction(engine, start);

	if (at == NULL)
		return NULL;
	if (engine->tracked && !is_plain_instruction(start, at))
		dirty_add(engine, start, at);
	note_instruction(engine);
	return at;
}

/* Text, comments, instructions and CDATA up to the next tag; returns its '<'. */
static FAST_APART const uint8_t *parse_text(
	struct duis_fast_engine *engine, const uint8_t *at, struct fast_text *text)
{
	for (;;) {
		const uint8_t *start;

		if (at < engine->end && scan_is(*at, SCAN_PROSE)) {
			at = parse_prose(engine, at, text);
			if (at == NULL)
				return NULL;
		}
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
				at = text_instruction(engine, at);
			} else {
				return at;
			}
		} else if (*at == '&') {
			at = text_reference(engine, text, at);
		} else {
			at = parse_characters(engine, at);
			if (at != NULL && text->collect)
				text_put(engine, start, at);
			text->any = true;
			text->black = true;
		}
		if (at == NULL)
			return NULL;
	}
}

#endif
