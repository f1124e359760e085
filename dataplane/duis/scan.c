/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libxml2 would guess encodings, convert them, and take a NUL for the end of the document. All of
 * that is settled here, so that the parser reads UTF-8 as it stands. It also compares every
 * attribute of a tag with every other one, which an enormous tag would turn into minutes, and makes
 * up to fifty bytes of DOM from each byte of markup; hence the bounds.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dataplane/duis/scan.h"

#define BOM_LENGTH 3

struct span {
	const uint8_t *at;
	const uint8_t *end;
};

static int refuse(
	struct duis_error *error, enum duis_error_code code, uint64_t offset, const char *rule)
{
	error->code = code;
	error->offset = offset;
	error->path[0] = '\0';
	snprintf(error->rule, sizeof(error->rule), "%s", rule);
	return -EBADMSG;
}

/* UTF-16 and UTF-32 betray themselves in the first four bytes, with a byte order mark or without.
 */
static bool is_wide(const uint8_t *bytes, uint32_t length)
{
	if (length >= 2 &&
		((bytes[0] == 0xfe && bytes[1] == 0xff) || (bytes[0] == 0xff && bytes[1] == 0xfe)))
		return true;
	return memchr(bytes, 0, length < 4 ? length : 4) != NULL;
}

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Length of the UTF-8 sequence at `at`, or 0 when it is none (RFC 3629: shortest form, no
 * surrogates, at most U+10FFFF). */
static unsigned sequence_length(const uint8_t *at, const uint8_t *end)
{
	uint8_t first = at[0];
	uint8_t low = 0x80;
	uint8_t high = 0xbf;
	unsigned length;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if ((size_t)(end - at) < length)
		return 0;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (unsigned index = 2; index < length; index++)
		if (!is_continuation(at[index]))
			return 0;
	return length;
}

static int scan_encoding(
	const uint8_t *bytes, uint32_t length, uint32_t *readable, struct duis_error *error)
{
	const uint8_t *end = bytes + length;

	*readable = 0;
	if (is_wide(bytes, length))
		return refuse(error, DUIS_ERROR_ENCODING, 0,
			"UTF-16 and UTF-32 are not accepted; only UTF-8 is");
	for (const uint8_t *at = bytes; at < end;) {
		unsigned step = sequence_length(at, end);

		*readable = (uint32_t)(at - bytes);
		if (step == 0)
			return refuse(error, DUIS_ERROR_ENCODING, (uint64_t)(at - bytes),
				"these bytes are not UTF-8");
		if (*at == 0)
			return refuse(error, DUIS_ERROR_NOT_WELL_FORMED, (uint64_t)(at - bytes),
				"the character U+0000 is not allowed in XML");
		at += step;
	}
	*readable = length;
	return 0;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static const uint8_t *find(struct span span, const char *text)
{
	return memmem(span.at, (size_t)(span.end - span.at), text, strlen(text));
}

/* Find encoding="NAME" in an XML declaration. A broken declaration is left to the parser. */
static int scan_declaration(const uint8_t *bytes, struct span span, struct duis_error *error)
{
	const uint8_t *close;

	if (span.end - span.at < 6 || memcmp(span.at, "<?xml", 5) != 0 || !is_blank(span.at[5]))
		return 0;
	close = find(span, "?>");
	if (close == NULL)
		return 0;
	span.at += 5;
	span.end = close;
	while (span.at < span.end) {
		const uint8_t *name;
		size_t name_length;
		const uint8_t *value;
		size_t value_length;

		while (span.at < span.end && is_blank(*span.at))
			span.at++;
		name = span.at;
		while (span.at < span.end && !is_blank(*span.at) && *span.at != '=')
			span.at++;
		name_length = (size_t)(span.at - name);
		while (span.at < span.end && (is_blank(*span.at) || *span.at == '='))
			span.at++;
		if (span.at == span.end || (*span.at != '"' && *span.at != '\''))
			return 0;
		value = span.at + 1;
		span.at = memchr(value, *span.at, (size_t)(span.end - value));
		if (span.at == NULL)
			return 0;
		value_length = (size_t)(span.at - value);
		span.at++;
		if (name_length != strlen("encoding") || memcmp(name, "encoding", name_length) != 0)
			continue;
		if (value_length != strlen("UTF-8") ||
			strncasecmp((const char *)value, "UTF-8", value_length) != 0)
			return refuse(error, DUIS_ERROR_ENCODING, (uint64_t)(value - bytes),
				"the XML declaration names another encoding; only UTF-8 is "
				"accepted");
	}
	return 0;
}

/* Walk over one tag, from behind its '<' to behind its '>'. Returns its number of attributes, or
 * one more than is allowed. */
static unsigned scan_tag(struct span *span)
{
	unsigned attributes = 0;

	while (span->at < span->end) {
		uint8_t byte = *span->at++;

		if (byte == '>')
			break;
		if (byte == '=' && ++attributes > DUIS_ATTRIBUTES_MAX)
			break;
		if (byte == '"' || byte == '\'') {
			const uint8_t *close =
				memchr(span->at, byte, (size_t)(span->end - span->at));

			span->at = close != NULL ? close + 1 : span->end;
		}
	}
	return attributes;
}

/* Walk over a comment, CDATA section or processing instruction, from behind its '<' to its end.
 * Returns whether there is one; an unfinished one ends the walk. */
static bool scan_opaque(struct span *span)
{
	static const struct {
		const char *open;
		const char *close;
	} opaque[] = {{"!--", "-->"}, {"![CDATA[", "]]>"}, {"?", "?>"}};

	for (size_t index = 0; index < sizeof(opaque) / sizeof(opaque[0]); index++) {
		size_t length = strlen(opaque[index].open);
		const uint8_t *close;

		if ((size_t)(span->end - span->at) < length ||
			memcmp(span->at, opaque[index].open, length) != 0)
			continue;
		span->at += length;
		close = find(*span, opaque[index].close);
		span->at = close != NULL ? close : span->end;
		return true;
	}
	return false;
}

/* The parser gives up at the first thing that is not well-formed, so up to there this walk sees the
 * same tags as the parser does, and what comes behind does not matter. */
static int scan_markup(const uint8_t *bytes, struct span span, struct duis_error *error)
{
	unsigned markup = 0;

	while ((span.at = memchr(span.at, '<', (size_t)(span.end - span.at))) != NULL) {
		const uint8_t *begin = span.at++;
		unsigned attributes = scan_opaque(&span) ? 0 : scan_tag(&span);

		if (attributes > DUIS_ATTRIBUTES_MAX)
			return refuse(error, DUIS_ERROR_TOO_LARGE, (uint64_t)(begin - bytes),
				"an element has more than 64 attributes");
		markup += 1 + attributes;
		if (markup > DUIS_MARKUP_MAX)
			return refuse(error, DUIS_ERROR_TOO_LARGE, (uint64_t)(begin - bytes),
				"the document has more than 262144 tags and attributes");
	}
	return 0;
}

/* ---- what is cut off ---- */

/* Whether name characters, with `more` among them, are all that [at, end) holds. ASCII is looked
 * at; what is beyond it counts as part of a name. */
static bool is_name(const uint8_t *at, const uint8_t *end, const char *more)
{
	for (; at < end; at++)
		if (*at < 0x80 && !((uint8_t)((*at | 32) - 'a') < 26) &&
			!((uint8_t)(*at - '0') < 10) && *at != '_' && *at != '-' && *at != '.' &&
			*at != ':' && (*at == 0 || strchr(more, *at) == NULL))
			return false;
	return true;
}

/* "</name  " */
static bool is_begun_end_tag(const uint8_t *at, const uint8_t *end)
{
	at += 2;
	while (end > at && is_blank(end[-1]))
		end--;
	return is_name(at, end, "");
}

/* "&name", "&#12", "&#xab" */
static bool is_begun_reference(const uint8_t *at, const uint8_t *end)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t count;
	bool hex;

	at++;
	if (at == end || *at != '#')
		return is_name(at, end, "");
	at++;
	hex = at < end && *at == 'x';
	at += hex;
	for (count = 0; at < end && *at != 0; at++, count++)
		if (memchr(digits, *at, hex ? 22 : 10) == NULL)
			return false;
	return at == end;
}

/* "<!-", "<![CDA" */
static bool is_begun_section(const uint8_t *at, const uint8_t *end)
{
	size_t length = (size_t)(end - at);

	return (length < 4 && memcmp(at, "<!-", length) == 0) ||
	       (length < 9 && memcmp(at, "<![CDATA", length) == 0);
}

static const uint8_t *find_bad(const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		unsigned step = sequence_length(at, end);

		if (step == 0)
			return at;
		if (*at == '>' || *at == ';' || *at == 0)
			return NULL;
		at += step;
		if (at < end && (*at == '<' || *at == '&'))
			return NULL;
	}
	return NULL;
}

bool duis_scan_is_cut(const uint8_t *bytes, uint32_t length, uint64_t fault, uint64_t *offset)
{
	const uint8_t *at = bytes + fault;
	const uint8_t *bad;
	const uint8_t *token;

	if (fault >= length)
		return false;
	/* Not from within a sequence, which would be none. */
	while (at > bytes && is_continuation(*at) && bytes + fault - at < 3)
		at--;
	if (sequence_length(at, bytes + length) != 0 && is_continuation(bytes[fault]))
		at = bytes + fault;
	bad = find_bad(at, bytes + length);
	if (bad == NULL)
		return false;
	*offset = (uint64_t)(bad - bytes);
	for (token = at; token > bytes && *token != '<' && *token != '&' && *token != '>';)
		token--;
	if (*token == '&')
		return is_begun_reference(token, bad);
	if (*token != '<' || bad - token < 2)
		return at == bad;
	if (token[1] == '/')
		return is_begun_end_tag(token, bad);
	if (token[1] == '!')
		return at == bad || is_begun_section(token, bad);
	if (bad - token > 5 && memcmp(token, "<?xml", 5) == 0 && is_blank(token[5]))
		return true;
	return is_name(at, bad, "/");
}

bool duis_scan_is_in_tag(const uint8_t *bytes, uint64_t fault, uint64_t end)
{
	const uint8_t *open = memrchr(bytes, '<', fault);
	struct span span = {.at = open, .end = bytes + end};

	if (open == NULL)
		return false;
	span.at++;
	scan_tag(&span);
	return span.at == span.end && span.end[-1] != '>';
}

int duis_scan(const uint8_t *bytes, uint32_t length, uint32_t *readable, struct duis_error *error)
{
	struct span span = {.at = bytes};
	struct duis_error early;
	int result = scan_encoding(bytes, length, readable, error);

	span.end = bytes + *readable;
	if (*readable >= BOM_LENGTH && memcmp(bytes, "\xef\xbb\xbf", BOM_LENGTH) == 0)
		span.at += BOM_LENGTH;
	if (scan_declaration(bytes, span, &early) == 0 && scan_markup(bytes, span, &early) == 0)
		return result;
	*readable = length;
	*error = early;
	return -EBADMSG;
}
