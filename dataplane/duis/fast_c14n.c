/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical XML 1.0 without comments. The parser has noted the stretches of the document that are
 * not canonical as they stand (engine->dirty) and the order of the attributes in them; everything
 * else is passed on as it is. A stretch begins and ends between tokens, and the bytes are known to
 * be well-formed, so that this can be a plain walk.
 */
#include <string.h>

#include "dataplane/duis/fast_core.h"

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

static bool starts(const uint8_t *at, const char *text, size_t length)
{
	return memcmp(at, text, length) == 0;
}

const uint8_t *fast_raw_name(const uint8_t *at)
{
	while (!is_blank(*at) && *at != '>' && *at != '/' && *at != '=' && *at != '?')
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
		while (*at != quote)
			at++;
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

/* A character that the document writes in some special way. */
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

static const uint8_t *emit_return(const uint8_t *at, const uint8_t *stop, struct fast_sink *sink)
{
	FAST_EMIT(sink, "\n");
	at++;
	return at < stop && *at == '\n' ? at + 1 : at;
}

static void emit_text(const uint8_t *at, const uint8_t *stop, struct fast_sink *sink)
{
	while (at < stop) {
		const uint8_t *run = at;

		while (at < stop && *at != '&' && *at != '>' && *at != '\r')
			at++;
		fast_emit(sink, run, (size_t)(at - run));
		if (at == stop)
			return;
		if (*at == '&') {
			uint32_t character = reference(at, &at);

			emit_text_character(character, sink);
		} else if (*at == '\r') {
			at = emit_return(at, stop, sink);
		} else {
			emit_text_character(*at++, sink);
		}
	}
}

static void emit_cdata(const uint8_t *at, const uint8_t *stop, struct fast_sink *sink)
{
	while (at < stop) {
		const uint8_t *run = at;

		while (at < stop && *at != '&' && *at != '<' && *at != '>' && *at != '\r')
			at++;
		fast_emit(sink, run, (size_t)(at - run));
		if (at == stop)
			return;
		if (*at == '\r')
			at = emit_return(at, stop, sink);
		else
			emit_text_character(*at++, sink);
	}
}

void fast_emit_value(struct fast_span value, struct fast_sink *sink)
{
	const uint8_t *at = value.at;
	const uint8_t *stop = at + value.length;

	while (at < stop) {
		const uint8_t *run = at;
		uint32_t character;

		while (at < stop && *at != '&' && *at != '"' && *at != '\t' && *at != '\n' &&
			*at != '\r')
			at++;
		fast_emit(sink, run, (size_t)(at - run));
		if (at == stop)
			return;
		if (*at != '&') {
			if (*at == '"') {
				FAST_EMIT(sink, "&quot;");
			} else {
				FAST_EMIT(sink, " ");
				at += *at == '\r' && at + 1 < stop && at[1] == '\n';
			}
			at++;
			continue;
		}
		character = reference(at, &at);
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
}

struct value_sink {
	struct fast_sink sink;
	uint8_t *out;
	uint32_t room;
	bool full;
};

static void value_run(struct fast_sink *sink, const uint8_t *bytes, size_t length)
{
	struct value_sink *value = (struct value_sink *)sink;

	if (length > value->room) {
		value->full = true;
		return;
	}
	memcpy(value->out, bytes, length);
	value->out += length;
	value->room -= (uint32_t)length;
}

bool fast_value_of(struct fast_span raw, uint8_t *buffer, uint32_t size, uint32_t *used,
	struct fast_span *value)
{
	struct value_sink sink = {{value_run}, buffer + *used, size - *used, false};
	const uint8_t *at = raw.at;
	const uint8_t *stop = at + raw.length;

	*value = raw;
	if (memchr(at, '&', raw.length) == NULL && memchr(at, '\t', raw.length) == NULL &&
		memchr(at, '\n', raw.length) == NULL && memchr(at, '\r', raw.length) == NULL)
		return true;
	while (at < stop) {
		if (*at == '&') {
			uint32_t character = reference(at, &at);

			emit_character(character, &sink.sink);
		} else if (is_blank(*at)) {
			FAST_EMIT(&sink.sink, " ");
			at += at[0] == '\r' && at + 1 < stop && at[1] == '\n' ? 2 : 1;
		} else {
			fast_emit(&sink.sink, at++, 1);
		}
	}
	value->at = buffer + *used;
	value->length = (uint32_t)(sink.out - value->at);
	*used += value->length;
	return !sink.full;
}

/* <?target data?> */
static const uint8_t *emit_instruction(const uint8_t *at, struct fast_sink *sink)
{
	const uint8_t *name = at + 2;
	const uint8_t *stop = fast_raw_name(name);

	FAST_EMIT(sink, "<?");
	fast_emit(sink, name, (size_t)(stop - name));
	at = stop;
	while (is_blank(*at))
		at++;
	stop = at;
	while (!starts(stop, "?>", 2))
		stop++;
	if (stop > at)
		FAST_EMIT(sink, " ");
	while (at < stop) {
		const uint8_t *run = at;

		while (at < stop && *at != '\r')
			at++;
		fast_emit(sink, run, (size_t)(at - run));
		if (at < stop)
			at = emit_return(at, stop, sink);
	}
	FAST_EMIT(sink, "?>");
	return stop + 2;
}

static const uint8_t *find(const uint8_t *at, const char *text, size_t length)
{
	while (!starts(at, text, length))
		at++;
	return at;
}

const uint8_t *fast_emit_other(const uint8_t *at, const uint8_t *stop, struct fast_sink *sink)
{
	const uint8_t *start = at;

	if (*at != '<') {
		at = memchr(at, '<', (size_t)(stop - at));
		at = at != NULL ? at : stop;
		emit_text(start, at, sink);
		return at;
	}
	if (at[1] == '/') {
		at = fast_raw_name(at + 2);
		fast_emit(sink, start, (size_t)(at - start));
		FAST_EMIT(sink, ">");
		return find(at, ">", 1) + 1;
	}
	if (at[1] == '?')
		return emit_instruction(at, sink);
	if (at[2] == '-')
		return find(at + 4, "-->", 3) + 3;
	at = find(at + 9, "]]>", 3);
	emit_cdata(start + 9, at, sink);
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
		if (*at == '<' && at[1] != '/' && at[1] != '!' && at[1] != '?')
			at = emit_start_tag(at, &order, sink);
		else
			at = fast_emit_other(at, stop, sink);
	}
}

/* [start, stop) of the root, with the stretches in it. */
static const struct fast_dirty *emit_range(const struct duis_fast_engine *engine, uint32_t start,
	uint32_t stop, const struct fast_dirty *dirty, struct fast_sink *sink)
{
	const struct fast_dirty *last = engine->dirty + engine->dirty_count;

	while (dirty < last && dirty->start < start)
		dirty++;
	for (; dirty < last && dirty->start < stop; dirty++) {
		fast_emit(sink, engine->bytes + start, dirty->start - start);
		emit_stretch(engine, dirty, sink);
		start = dirty->end;
	}
	fast_emit(sink, engine->bytes + start, stop - start);
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
			at = find(at + 4, "-->", 3) + 3;
		} else if (starts(at, "<?xml", 5) && is_blank(at[5])) {
			at = find(at, "?>", 2) + 2;
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
