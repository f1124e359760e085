/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical XML 1.0 without comments. The parser has noted the stretches of the document that are
 * not canonical as they stand (engine->dirty) and the order of the attributes in them; everything
 * else is passed on as it is. A stretch begins and ends between tokens, and the bytes are known to
 * be well-formed, so that this can be a plain walk.
 */
#include <string.h>

#include "dataplane/duis/fast_core.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

/* ---- into SHA-256 ---- */

/* The room is a whole number of blocks, and the hash takes whole blocks as long as it can. */
static void hash_spill(struct fast_sink *sink, const uint8_t *bytes, size_t length)
{
	struct fast_hash *hash = (struct fast_hash *)sink;
	size_t used = (size_t)(sink->at - hash->room);
	size_t missing = -used % 64;
	size_t whole;

	if (length < missing) {
		whole = used / 64 * 64;
		SHA256_Update(&hash->context, hash->room, whole);
		memmove(hash->room, hash->room + whole, used - whole);
		sink->at = hash->room + (used - whole);
		fast_emit(sink, bytes, length);
		return;
	}
	memcpy(sink->at, bytes, missing);
	SHA256_Update(&hash->context, hash->room, used + missing);
	bytes += missing;
	length -= missing;
	whole = length / 64 * 64;
	if (whole > 0)
		SHA256_Update(&hash->context, bytes, whole);
	memcpy(hash->room, bytes + whole, length - whole);
	sink->at = hash->room + (length - whole);
}

void fast_hash_begin(struct fast_hash *hash)
{
	hash->sink = (struct fast_sink){hash->room, hash->room + sizeof(hash->room), hash_spill};
	SHA256_Init(&hash->context);
}

void fast_hash_end(struct fast_hash *hash, uint8_t digest[32])
{
	SHA256_Update(&hash->context, hash->room, (size_t)(hash->sink.at - hash->room));
	SHA256_Final(digest, &hash->context);
}

/* ---- pieces ---- */

static bool starts(const uint8_t *at, const char *text, size_t length)
{
	return memcmp(at, text, length) == 0;
}

/* Where one of the four bytes is first, or `stop`. The first ones are looked at one by one: where
 * there is something to be rewritten, there is often more. */
static inline const uint8_t *find_any(
	const uint8_t *at, const uint8_t *stop, const uint8_t wanted[4])
{
	const uint8_t *far = stop - at > 8 ? at + 8 : stop;

	for (; at < far; at++)
		if (*at == wanted[0] || *at == wanted[1] || *at == wanted[2] || *at == wanted[3])
			return at;
#ifdef __SSE2__
	for (; stop - at >= 16; at += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)at);
		__m128i one = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)wanted[0])),
			_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)wanted[1])));
		__m128i two = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)wanted[2])),
			_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)wanted[3])));
		int mask = _mm_movemask_epi8(_mm_or_si128(one, two));

		if (mask != 0)
			return at + __builtin_ctz((unsigned)mask);
	}
#endif
	for (; at < stop; at++)
		if (*at == wanted[0] || *at == wanted[1] || *at == wanted[2] || *at == wanted[3])
			return at;
	return stop;
}

const uint8_t *fast_raw_name(const uint8_t *at)
{
	/* Blanks, '/', '=', '>' and '?' are all below '@', and so are the digits, '-', '.' and ':'
	 * of names. */
	while (*at >= '@' || (*at > ' ' && *at != '>' && *at != '/' && *at != '=' && *at != '?'))
		at++;
	return at;
}

const uint8_t *fast_raw_attributes(
	const uint8_t *at, struct fast_raw_attribute *attributes, uint32_t *count)
{
	*count = 0;
	for (;;) {
		struct fast_raw_attribute *attribute = &attributes[*count];
		uint8_t quote;

		while (is_blank(*at))
			at++;
		if (*at == '>' || *at == '/')
			return at;
		attribute->name.at = at;
		at = fast_raw_name(at);
		attribute->name.length = (uint32_t)(at - attribute->name.at);
		while (*at != '"' && *at != '\'')
			at++;
		quote = *at++;
		attribute->value.at = at;
		if (*at != quote)
			at = rawmemchr(at, quote);
		attribute->value.length = (uint32_t)(at - attribute->value.at);
		at++;
		++*count;
	}
}

/* The character of a reference at `at` ('&'), known to be right; *stop: behind its ';'. */
static uint32_t reference(const uint8_t *at, const uint8_t **stop)
{
	uint32_t character = 0;
	unsigned base = 10;

	at++;
	if (*at != '#') {
		character = at[0] == 'a'   ? (at[1] == 'm' ? '&' : '\'')
			    : at[0] == 'l' ? '<'
			    : at[0] == 'g' ? '>'
					   : '"';
		*stop = (const uint8_t *)memchr(at, ';', 6) + 1;
		return character;
	}
	at++;
	if (*at == 'x') {
		base = 16;
		at++;
	}
	for (; *at != ';'; at++)
		character = character * base +
			    (*at <= '9' ? (uint32_t)(*at - '0') : (*at | 32u) - 'a' + 10);
	*stop = at + 1;
	return character;
}

static void emit_character(uint32_t character, struct fast_sink *sink)
{
	uint8_t bytes[4];
	size_t length;

	if (character < 0x80) {
		bytes[0] = (uint8_t)character;
		length = 1;
	} else if (character < 0x800) {
		bytes[0] = (uint8_t)(0xc0 | character >> 6);
		bytes[1] = (uint8_t)(0x80 | (character & 0x3f));
		length = 2;
	} else if (character < 0x10000) {
		bytes[0] = (uint8_t)(0xe0 | character >> 12);
		bytes[1] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
		bytes[2] = (uint8_t)(0x80 | (character & 0x3f));
		length = 3;
	} else {
		bytes[0] = (uint8_t)(0xf0 | character >> 18);
		bytes[1] = (uint8_t)(0x80 | (character >> 12 & 0x3f));
		bytes[2] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
		bytes[3] = (uint8_t)(0x80 | (character & 0x3f));
		length = 4;
	}
	fast_emit(sink, bytes, length);
}

/* ---- characters that are written another way ---- */

/* What becomes of a byte. */
enum rewriting {
	AS_IT_IS,
	GREATER,
	LESS,
	AMPERSAND,
	QUOTE,
	LINE_FEED,
	SPACE,
	STOP, /* not to be rewritten: a tag or a reference */
};

static const uint8_t in_text[256] = {
	['>'] = GREATER, ['\r'] = LINE_FEED, ['<'] = STOP, ['&'] = STOP};
static const uint8_t in_section[256] = {
	['>'] = GREATER, ['\r'] = LINE_FEED, ['<'] = LESS, ['&'] = AMPERSAND};
static const uint8_t in_value[256] = {
	['"'] = QUOTE, ['\r'] = SPACE, ['\n'] = SPACE, ['\t'] = SPACE, ['&'] = STOP};

/* Write at[0 ..] up to `stop` or a byte to stop at; returns that place. What the bytes are is never
 * guessed by a branch: whoever mixes them well would make every guess wrong. The LF of CR LF is
 * left out; before `at` is no CR but one that belongs to its text. */
static const uint8_t *rewrite(
	const uint8_t *at, const uint8_t *stop, const uint8_t kinds[256], struct fast_sink *sink)
{
	static const struct {
		char bytes[8];
		uint64_t length;
		uint64_t own; /* bits of the byte itself that are kept */
	} written[STOP] = {
		[AS_IT_IS] = {"", 1, 0xff},
		[GREATER] = {"&gt;", 4, 0},
		[LESS] = {"&lt;", 4, 0},
		[AMPERSAND] = {"&amp;", 5, 0},
		[QUOTE] = {"&quot;", 6, 0},
		[LINE_FEED] = {"\n", 1, 0},
		[SPACE] = {" ", 1, 0},
	};

	for (;;) {
		uint8_t *out;
		const uint8_t *far = stop;
		size_t room;

		if (sink->stop - sink->at < 64)
			sink->spill(sink, stop, 0);
		out = sink->at;
		room = (size_t)(sink->stop - out) / 8;
		if (room < (size_t)(stop - at))
			far = at + room;
		for (; at < far && kinds[*at] != STOP; at++) {
			uint64_t word;

			memcpy(&word, written[kinds[*at]].bytes, 8);
			word |= *at & written[kinds[*at]].own;
			memcpy(out, &word, 8);
			out += *at == '\n' && at[-1] == '\r' ? 0 : written[kinds[*at]].length;
		}
		sink->at = out;
		if (at == stop || kinds[*at] == STOP)
			return at;
		/* The last bytes of memory that is nearly full. */
		if (room == 0) {
			uint8_t kind = kinds[*at];

			if (*at != '\n' || at[-1] != '\r')
				fast_emit(sink,
					kind == AS_IT_IS ? (const char *)at : written[kind].bytes,
					written[kind].length);
			at++;
		}
	}
}

/* The character of a reference in text. */
static void emit_text_character(uint32_t character, struct fast_sink *sink)
{
	switch (character) {
	case '&':
		FAST_EMIT(sink, "&amp;");
		break;
	case '<':
		FAST_EMIT(sink, "&lt;");
		break;
	case '>':
		FAST_EMIT(sink, "&gt;");
		break;
	case '\r':
		FAST_EMIT(sink, "&#xD;");
		break;
	default:
		emit_character(character, sink);
	}
}

/* Bytes up to the next that may be written another way are copied as long as they are many; then
 * some are rewritten without looking. */
static const uint8_t *emit_mostly(const uint8_t *at, const uint8_t *stop, const uint8_t kinds[256],
	const uint8_t wanted[4], struct fast_sink *sink)
{
	enum {
		MANY = 24,
		SOME = 64,
	};

	while (at < stop) {
		const uint8_t *run = stop - at > MANY ? find_any(at, stop, wanted) : at;

		if (run - at >= MANY) {
			fast_emit(sink, at, (size_t)(run - at));
			at = run;
			continue;
		}
		run = stop - at > SOME ? at + SOME : stop;
		at = rewrite(at, run, kinds, sink);
		if (at < run)
			return at;
		/* The other half of a line end. */
		at += at < stop && *at == '\n' && at[-1] == '\r';
	}
	return stop;
}

/* Text up to its end or a tag. Returns where it ends. */
static const uint8_t *emit_text(const uint8_t *at, const uint8_t *stop, struct fast_sink *sink)
{
	static const uint8_t wanted[4] = {'&', '>', '\r', '<'};

	for (;;) {
		uint32_t character;

		at = emit_mostly(at, stop, in_text, wanted, sink);
		if (at == stop || *at == '<')
			return at;
		if (at[1] == 'l' || at[1] == 'g') {
			/* As it stands. */
			fast_emit(sink, at, 4);
			at += 4;
			continue;
		}
		character = reference(at, &at);
		emit_text_character(character, sink);
	}
}

static void emit_section(const uint8_t *at, const uint8_t *stop, struct fast_sink *sink)
{
	static const uint8_t wanted[4] = {'&', '>', '\r', '<'};

	emit_mostly(at, stop, in_section, wanted, sink);
}

/* Text that is canonical but for its line ends. There is one in every line, so all is copied in
 * pieces of 16 bytes, and what was copied behind a CR is written again. */
static void emit_lines(const uint8_t *at, const uint8_t *stop, struct fast_sink *sink)
{
#ifdef __SSE2__
	while (stop - at >= 16) {
		uint8_t *out;

		if (sink->stop - sink->at < 32)
			sink->spill(sink, at, 0);
		out = sink->at;
		if (sink->stop - out < 16)
			break;
		while (stop - at >= 16 && sink->stop - out >= 16) {
			__m128i bytes = _mm_loadu_si128((const __m128i *)at);
			uint32_t found = (uint32_t)_mm_movemask_epi8(
				_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
			uint32_t length = found != 0 ? (uint32_t)__builtin_ctz(found) : 16;

			_mm_storeu_si128((__m128i *)out, bytes);
			at += length;
			out += length;
			if (found == 0)
				continue;
			/* A CR before LF is left out, another one is an LF. There was room for it.
			 */
			*out = '\n';
			at++;
			out += at == stop || *at != '\n';
			/* One behind the other: a few without searching. */
			for (unsigned count = 0;
				length < 4 && count < 16 && stop - at > 1 && out < sink->stop;
				count++, at++) {
				*out = *at == '\r' ? '\n' : *at;
				out += *at != '\r' || at[1] != '\n';
			}
		}
		sink->at = out;
	}
#endif
	while (at < stop) {
		uint8_t byte = *at == '\r' ? '\n' : *at;
		bool pair = *at == '\r' && stop - at > 1 && at[1] == '\n';

		fast_emit(sink, &byte, 1);
		at += pair ? 2 : 1;
	}
}

/* The character of a reference in an attribute's value. */
static void emit_value_character(uint32_t character, struct fast_sink *sink)
{
	switch (character) {
	case '&':
		FAST_EMIT(sink, "&amp;");
		break;
	case '<':
		FAST_EMIT(sink, "&lt;");
		break;
	case '"':
		FAST_EMIT(sink, "&quot;");
		break;
	case '\t':
		FAST_EMIT(sink, "&#x9;");
		break;
	case '\n':
		FAST_EMIT(sink, "&#xA;");
		break;
	case '\r':
		FAST_EMIT(sink, "&#xD;");
		break;
	default:
		emit_character(character, sink);
	}
}

void fast_emit_value(struct fast_span value, struct fast_sink *sink)
{
	const uint8_t *at = value.at;
	const uint8_t *stop = at + value.length;

	while ((at = rewrite(at, stop, in_value, sink)) < stop) {
		uint32_t character;

		if (at[1] == 'l') {
			/* As it stands. */
			fast_emit(sink, at, 4);
			at += 4;
			continue;
		}
		character = reference(at, &at);
		emit_value_character(character, sink);
	}
}

static void value_is_full(struct fast_sink *sink, const uint8_t *bytes, size_t length)
{
	(void)bytes;
	if (length == 0)
		return;
	sink->stop = NULL;
	sink->at = NULL;
}

bool fast_value_of(struct fast_span raw, uint8_t *buffer, uint32_t size, uint32_t *used,
	struct fast_span *value)
{
	struct fast_sink sink = {buffer + *used, buffer + size, value_is_full};
	const uint8_t *at = raw.at;
	const uint8_t *stop = at + raw.length;

	*value = raw;
	if (memchr(at, '&', raw.length) == NULL && memchr(at, '\t', raw.length) == NULL &&
		memchr(at, '\n', raw.length) == NULL && memchr(at, '\r', raw.length) == NULL)
		return true;
	while (at < stop) {
		if (*at == '&') {
			uint32_t character = reference(at, &at);

			emit_character(character, &sink);
		} else if (is_blank(*at)) {
			FAST_EMIT(&sink, " ");
			at += at[0] == '\r' && at + 1 < stop && at[1] == '\n' ? 2 : 1;
		} else {
			fast_emit(&sink, at++, 1);
		}
	}
	if (sink.at == NULL)
		return false;
	value->at = buffer + *used;
	value->length = (uint32_t)(sink.at - value->at);
	*used += value->length;
	return true;
}

/* <?target data?> */
static const uint8_t *emit_instruction(const uint8_t *at, struct fast_sink *sink)
{
	const uint8_t *start = at;
	const uint8_t *data;
	const uint8_t *stop;
	bool returns = false;

	for (at += 2; *at > ' ' && *at != '?';)
		at++;
	for (data = at; is_blank(*data);)
		data++;
	for (stop = data; stop[0] != '?' || stop[1] != '>'; stop++)
		returns |= *stop == '\r';
	/* As it stands, when one space is before the data. */
	if (!returns && (stop == at || (data == at + 1 && *at == ' ' && stop > data))) {
		fast_emit(sink, start, (size_t)(stop + 2 - start));
		return stop + 2;
	}
	fast_emit(sink, start, (size_t)(at - start));
	if (stop == data) {
		FAST_EMIT(sink, "?>");
		return stop + 2;
	}
	FAST_EMIT(sink, " ");
	if (returns)
		emit_lines(data, stop, sink);
	else
		fast_emit(sink, data, (size_t)(stop - data));
	FAST_EMIT(sink, "?>");
	return stop + 2;
}

const uint8_t *fast_emit_other(const uint8_t *at, const uint8_t *stop, struct fast_sink *sink)
{
	const uint8_t *start = at;

	if (*at != '<')
		return emit_text(at, stop, sink);
	if (at[1] == '/') {
		at = fast_raw_name(at + 2);
		fast_emit(sink, start, (size_t)(at - start));
		FAST_EMIT(sink, ">");
		while (*at != '>')
			at++;
		return at + 1;
	}
	if (at[1] == '?')
		return emit_instruction(at, sink);
	if (at[2] == '-') {
		/* Two hyphens stand at its end only. */
		for (at += 4; at[0] != '-' || at[1] != '-';)
			at++;
		return at + 3;
	}
	for (at += 9; at[0] != ']' || at[1] != ']' || at[2] != '>';)
		at++;
	emit_section(start + 9, at, sink);
	return at + 3;
}

/* A start tag in a stretch; `order` is its list, when it has attributes. */
static const uint8_t *emit_start_tag(
	const uint8_t *at, const uint8_t **order, struct fast_sink *sink)
{
	struct fast_raw_attribute attributes[FAST_ATTRIBUTES_MAX];
	const uint8_t *name = at + 1;
	uint32_t name_length;
	uint32_t count;

	at = fast_raw_name(name);
	name_length = (uint32_t)(at - name);
	fast_emit(sink, name - 1, name_length + 1);
	at = fast_raw_attributes(at, attributes, &count);
	if (count > 0) {
		uint32_t kept = *(*order)++;

		for (uint32_t index = 0; index < kept; index++) {
			const struct fast_raw_attribute *attribute = &attributes[*(*order)++];

			FAST_EMIT(sink, " ");
			fast_emit(sink, attribute->name.at, attribute->name.length);
			FAST_EMIT(sink, "=\"");
			fast_emit_value(attribute->value, sink);
			FAST_EMIT(sink, "\"");
		}
	}
	FAST_EMIT(sink, ">");
	if (*at == '>')
		return at + 1;
	FAST_EMIT(sink, "</");
	fast_emit(sink, name, name_length);
	FAST_EMIT(sink, ">");
	return at + 2;
}

static void emit_stretch(const struct duis_fast_engine *engine, const struct fast_dirty *dirty,
	struct fast_sink *sink)
{
	const uint8_t *at = engine->bytes + dirty->start;
	const uint8_t *stop = engine->bytes + dirty->end;
	const uint8_t *order = engine->order + dirty->order;

	while (at < stop) {
		if (*at == '<' && at[1] == '?')
			at = emit_instruction(at, sink);
		else if (*at == '<' && at[1] != '/' && at[1] != '!')
			at = emit_start_tag(at, &order, sink);
		else
			at = fast_emit_other(at, stop, sink);
	}
}

/* [start, stop) is canonical as it stands, but for CR in text. */
static inline void emit_clean(const struct duis_fast_engine *engine, uint32_t start, uint32_t stop,
	struct fast_sink *sink)
{
	const uint8_t *at = engine->bytes + start;

	if (engine->returns)
		emit_lines(at, engine->bytes + stop, sink);
	else
		fast_emit(sink, at, stop - start);
}

/* [start, stop) of the root, with the stretches in it. */
static const struct fast_dirty *emit_range(const struct duis_fast_engine *engine, uint32_t start,
	uint32_t stop, const struct fast_dirty *dirty, struct fast_sink *sink)
{
	const struct fast_dirty *last = engine->dirty + engine->dirty_count;

	while (dirty < last && dirty->start < start)
		dirty++;
	for (; dirty < last && dirty->start < stop; dirty++) {
		emit_clean(engine, start, dirty->start, sink);
		emit_stretch(engine, dirty, sink);
		start = dirty->end;
	}
	emit_clean(engine, start, stop, sink);
	return dirty;
}

/* Instructions outside the root stand on lines of their own (section 2.3). */
static void emit_outside(
	const uint8_t *at, const uint8_t *stop, bool before, struct fast_sink *sink)
{
	while (at < stop) {
		if (*at != '<') {
			at++;
		} else if (at[1] == '!') {
			at = fast_emit_other(at, stop, sink);
		} else if (starts(at, "<?xml", 5) && is_blank(at[5])) {
			at = (const uint8_t *)memchr(at, '>', (size_t)(stop - at)) + 1;
		} else {
			if (!before)
				FAST_EMIT(sink, "\n");
			at = emit_instruction(at, sink);
			if (before)
				FAST_EMIT(sink, "\n");
		}
	}
}

void fast_canonical_document(const struct duis_fast_engine *engine, struct fast_sink *sink)
{
	const struct fast_part *signature = &engine->parts[FAST_ROLE_SIGNATURE];
	const struct fast_dirty *dirty = engine->dirty;
	uint32_t start = engine->root_start;

	if (engine->outer_instructions)
		emit_outside(engine->bytes, engine->bytes + engine->root_start, true, sink);
	if (signature->count > 0) {
		dirty = emit_range(engine, start, signature->offset, dirty, sink);
		start = signature->end;
	}
	emit_range(engine, start, engine->root_end, dirty, sink);
	if (engine->outer_instructions)
		emit_outside(engine->bytes + engine->root_end, engine->end, false, sink);
}
