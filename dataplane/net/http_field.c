/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines and fields. One table says where a character may stand; what is not in it is refused, so
 * that no two readers of the same bytes can disagree about where a line ends.
 */
#include "dataplane/net/http_field.h"

#include <errno.h>
#include <string.h>

#define LETTER (HTTP_IN_LINE | HTTP_IN_TOKEN | HTTP_IN_TARGET | HTTP_IN_HOST | HTTP_IN_SEGMENT)
#define TARGET (HTTP_IN_LINE | HTTP_IN_TARGET)

const uint8_t http_character_class[256] = {
	['\t'] = HTTP_IN_LINE,
	[' '] = HTTP_IN_LINE,
	['!'] = HTTP_IN_LINE | HTTP_IN_TOKEN | HTTP_IN_TARGET,
	['"'] = HTTP_IN_LINE,
	['#'] = HTTP_IN_LINE | HTTP_IN_TOKEN,
	['$'] = HTTP_IN_LINE | HTTP_IN_TOKEN | HTTP_IN_TARGET,
	['%'] = HTTP_IN_LINE | HTTP_IN_TOKEN | HTTP_IN_TARGET,
	['&'] = HTTP_IN_LINE | HTTP_IN_TOKEN | HTTP_IN_TARGET,
	['\''] = HTTP_IN_LINE | HTTP_IN_TOKEN | HTTP_IN_TARGET,
	['('] = TARGET,
	[')'] = TARGET,
	['*'] = HTTP_IN_LINE | HTTP_IN_TOKEN | HTTP_IN_TARGET,
	['+'] = HTTP_IN_LINE | HTTP_IN_TOKEN | HTTP_IN_TARGET,
	[','] = TARGET,
	['-'] = LETTER,
	['.'] = LETTER,
	['/'] = TARGET,
	['0' ... '9'] = LETTER,
	[':'] = TARGET | HTTP_IN_HOST,
	[';'] = TARGET,
	['<'] = HTTP_IN_LINE,
	['='] = TARGET,
	['>'] = HTTP_IN_LINE,
	['?'] = TARGET,
	['@'] = TARGET,
	['A' ... 'Z'] = LETTER,
	['['] = HTTP_IN_LINE | HTTP_IN_HOST,
	['\\'] = HTTP_IN_LINE,
	[']'] = HTTP_IN_LINE | HTTP_IN_HOST,
	['^'] = HTTP_IN_LINE | HTTP_IN_TOKEN,
	['_'] = LETTER,
	['`'] = HTTP_IN_LINE | HTTP_IN_TOKEN,
	['a' ... 'z'] = LETTER,
	['{'] = HTTP_IN_LINE,
	['|'] = HTTP_IN_LINE | HTTP_IN_TOKEN,
	['}'] = HTTP_IN_LINE,
	['~'] = HTTP_IN_LINE | HTTP_IN_TOKEN | HTTP_IN_TARGET,
	[0x80 ... 0xff] = HTTP_IN_LINE,
};

int http_fault_set(struct http_fault *fault, int status, uint32_t offset, const char *reason)
{
	fault->status = status;
	fault->offset = offset;
	fault->reason = reason;
	return -EBADMSG;
}

int http_line_next(struct http_lines *lines, const uint8_t *bytes, uint32_t length, uint32_t limit,
	struct http_span *line, struct http_fault *fault)
{
	static const char too_long[] = "the header is too large";
	uint32_t end = length < limit ? length : limit;
	uint32_t i = lines->scanned;
	while (i < end && (http_character_class[bytes[i]] & HTTP_IN_LINE) != 0)
		i++;
	lines->scanned = i;
	if (i == end)
		return end < limit ? -EAGAIN : http_fault_set(fault, 431, limit, too_long);
	if (bytes[i] != '\r')
		return http_fault_set(fault, 400, i,
			bytes[i] == '\n' ? "LF without CR" : "control character in the header");
	if (i + 1 == end)
		return end < limit ? -EAGAIN : http_fault_set(fault, 431, limit, too_long);
	if (bytes[i + 1] != '\n')
		return http_fault_set(fault, 400, i, "CR without LF");
	line->offset = lines->line;
	line->length = i - lines->line;
	lines->line = i + 2;
	lines->scanned = i + 2;
	return 1;
}

static bool is_blank(uint8_t character)
{
	return character == ' ' || character == '\t';
}

static void trim(const uint8_t *bytes, struct http_span *span)
{
	while (span->length > 0 && is_blank(bytes[span->offset])) {
		span->offset++;
		span->length--;
	}
	while (span->length > 0 && is_blank(bytes[span->offset + span->length - 1]))
		span->length--;
}

int http_field_split(const uint8_t *bytes, struct http_span line, struct http_span *name,
	struct http_span *value, struct http_fault *fault)
{
	const uint8_t *text = bytes + line.offset;
	uint32_t i = 0;
	while (i < line.length && (http_character_class[text[i]] & HTTP_IN_TOKEN) != 0)
		i++;
	if (i == 0 && line.length > 0 && is_blank(text[0]))
		return http_fault_set(fault, 400, line.offset, "continued header line");
	if (i == 0 || i == line.length || text[i] != ':')
		return http_fault_set(fault, 400, line.offset + i, "malformed header field name");
	name->offset = line.offset;
	name->length = i;
	value->offset = line.offset + i + 1;
	value->length = line.length - i - 1;
	trim(bytes, value);
	return 0;
}

static uint8_t lower(uint8_t character)
{
	return character >= 'A' && character <= 'Z' ? character | 0x20 : character;
}

bool http_span_is(const uint8_t *bytes, struct http_span span, const char *text)
{
	if (strlen(text) != span.length)
		return false;
	for (uint32_t i = 0; i < span.length; i++)
		if (lower(bytes[span.offset + i]) != (uint8_t)text[i])
			return false;
	return true;
}

bool http_span_has_only(const uint8_t *bytes, struct http_span span, uint8_t bit)
{
	for (uint32_t i = 0; i < span.length; i++)
		if ((http_character_class[bytes[span.offset + i]] & bit) == 0)
			return false;
	return true;
}

int http_list_next(const uint8_t *bytes, struct http_span *rest, struct http_span *element)
{
	while (rest->length > 0) {
		uint32_t length = 0;
		while (length < rest->length && bytes[rest->offset + length] != ',')
			length++;
		element->offset = rest->offset;
		element->length = length;
		uint32_t taken = length < rest->length ? length + 1 : length;
		rest->offset += taken;
		rest->length -= taken;
		trim(bytes, element);
		if (element->length > 0)
			return http_span_has_only(bytes, *element, HTTP_IN_TOKEN) ? 1 : -EBADMSG;
	}
	return 0;
}

int http_length_read(const uint8_t *bytes, struct http_span value, uint64_t *length)
{
	uint64_t number = 0;
	if (value.length == 0)
		return -EBADMSG;
	for (uint32_t i = 0; i < value.length; i++) {
		uint8_t character = bytes[value.offset + i];
		if (character < '0' || character > '9')
			return -EBADMSG;
		uint64_t digit = character - '0';
		if (number > (UINT64_MAX - digit) / 10)
			number = UINT64_MAX; /* stays there: no smaller number comes out of it */
		else
			number = number * 10 + digit;
	}
	*length = number;
	return 0;
}

int http_connection_read(const uint8_t *bytes, struct http_span value, bool *close, bool *keep)
{
	struct http_span element;
	int result;
	while ((result = http_list_next(bytes, &value, &element)) > 0) {
		if (http_span_is(bytes, element, "close"))
			*close = true;
		else if (http_span_is(bytes, element, "keep-alive"))
			*keep = true;
	}
	return result;
}
