/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses. A message whose end could be read in two ways is an error, as in a request.
 */
#include "dataplane/net/http_response_parse.h"

#include <errno.h>
#include <string.h>

#include "dataplane/net/http_request_parse.h"

void http_response_begin(struct http_response *response, uint32_t header_bytes_max)
{
	memset(response, 0, sizeof(*response));
	response->header_bytes_max = header_bytes_max;
}

static bool is_digit(uint8_t character)
{
	return character >= '0' && character <= '9';
}

/* "HTTP/1.1 200 reason", "HTTP/1.1 200 " or "HTTP/1.1 200" */
static int status_line_read(struct http_response *response, const uint8_t *bytes,
	struct http_span line, struct http_fault *fault)
{
	const uint8_t *text = bytes + line.offset;
	if (line.length < 12 || memcmp(text, "HTTP/1.", 7) != 0 ||
		(text[7] != '0' && text[7] != '1') || text[8] != ' ' || !is_digit(text[9]) ||
		!is_digit(text[10]) || !is_digit(text[11]) || (line.length > 12 && text[12] != ' '))
		return http_fault_set(fault, 400, line.offset, "malformed status line");
	response->version_minor = text[7] - '0';
	response->status = (text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0');
	if (response->status < 100 || response->status > 599)
		return http_fault_set(fault, 400, line.offset, "status out of range");
	return 0;
}

static int field_read(struct http_response *response, const uint8_t *bytes, struct http_span line,
	struct http_fault *fault)
{
	struct http_span name, value;
	int result = http_field_split(bytes, line, &name, &value, fault);
	if (result != 0)
		return result;
	if (++response->field_count > HTTP_FIELDS_MAX)
		return http_fault_set(fault, 400, line.offset, "too many header fields");
	if (http_span_is(bytes, name, "content-length")) {
		if (response->has_length ||
			http_length_read(bytes, value, &response->content_length) != 0)
			return http_fault_set(fault, 400, value.offset, "Content-Length");
		response->has_length = true;
	} else if (http_span_is(bytes, name, "transfer-encoding")) {
		if (response->has_transfer_encoding || !http_span_is(bytes, value, "chunked"))
			return http_fault_set(fault, 400, value.offset, "Transfer-Encoding");
		response->has_transfer_encoding = true;
	} else if (http_span_is(bytes, name, "connection")) {
		if (http_connection_read(bytes, value, &response->close, &response->keep_alive) !=
			0)
			return http_fault_set(fault, 400, value.offset, "Connection");
	}
	return 0;
}

static int head_end(struct http_response *response, uint32_t offset, struct http_fault *fault)
{
	if (response->status == 101)
		return http_fault_set(fault, 400, 0, "protocol switched unasked");
	if (response->has_length && response->has_transfer_encoding)
		return http_fault_set(
			fault, 400, offset, "both Transfer-Encoding and Content-Length");
	if (response->has_transfer_encoding && response->version_minor == 0)
		return http_fault_set(fault, 400, offset, "Transfer-Encoding in HTTP/1.0");
	if (response->status < 200 || response->status == 204 || response->status == 304)
		response->framing = HTTP_NO_BODY;
	else if (response->has_transfer_encoding)
		response->framing = HTTP_CHUNKED;
	else if (!response->has_length)
		response->framing = HTTP_TO_CLOSE;
	else if (response->content_length > 0)
		response->framing = HTTP_LENGTH;
	else
		response->framing = HTTP_NO_BODY;
	response->persistent = !response->close && response->framing != HTTP_TO_CLOSE &&
			       (response->version_minor == 1 || response->keep_alive);
	return 0;
}

int http_response_parse(struct http_response *response, const uint8_t *bytes, uint32_t length,
	struct http_fault *fault)
{
	struct http_span line;
	int result;
	while ((result = http_line_next(&response->lines, bytes, length, response->header_bytes_max,
			&line, fault)) > 0) {
		if (response->begun && line.length == 0) {
			result = head_end(response, line.offset, fault);
			return result != 0 ? result : (int)response->lines.line;
		}
		if (response->begun)
			result = field_read(response, bytes, line, fault);
		else
			result = status_line_read(response, bytes, line, fault);
		response->begun = true;
		if (result != 0)
			return result;
	}
	return result;
}

enum chunked_state {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_START,
	TRAILER_LINE,
	TRAILER_LF,
	END_LF,
};

static int hexadecimal_value(uint8_t character)
{
	if (is_digit(character))
		return character - '0';
	uint8_t letter = character | 0x20;
	return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static int size_read(struct http_chunked *chunked, uint8_t character)
{
	int digit = hexadecimal_value(character);
	if (digit >= 0) {
		if (++chunked->digits > 8)
			return -EBADMSG;
		chunked->chunk = chunked->chunk * 16 + (unsigned)digit;
		return 0;
	}
	if (chunked->digits == 0)
		return -EBADMSG;
	chunked->line_bytes = 0;
	if (character == '\r')
		chunked->state = CHUNK_SIZE_LF;
	else if (character == ';' || character == ' ' || character == '\t')
		chunked->state = CHUNK_EXTENSION;
	else
		return -EBADMSG;
	return 0;
}

/* One byte of an extension or trailer: anything of a line, or the CR that ends it. */
static int text_read(struct http_chunked *chunked, uint8_t character, unsigned next)
{
	if (character == '\r')
		chunked->state = next;
	else if ((http_character_class[character] & HTTP_IN_LINE) == 0)
		return -EBADMSG;
	return ++chunked->line_bytes > HTTP_CHUNKED_LINE_BYTES_MAX ? -EBADMSG : 0;
}

/* A byte that must be `wanted`. */
static int fixed_read(
	struct http_chunked *chunked, uint8_t character, uint8_t wanted, unsigned next)
{
	chunked->state = next;
	return character == wanted ? 0 : -EBADMSG;
}

/* One byte that is no data. 0, 1 when it ends the body, or -EBADMSG. */
static int framing_read(struct http_chunked *chunked, uint8_t character)
{
	unsigned last = chunked->chunk == 0;
	switch (chunked->state) {
	case CHUNK_SIZE:
		return size_read(chunked, character);
	case CHUNK_EXTENSION:
		return text_read(chunked, character, CHUNK_SIZE_LF);
	case CHUNK_SIZE_LF:
		chunked->line_bytes = 0;
		return fixed_read(chunked, character, '\n', last ? TRAILER_START : CHUNK_DATA);
	case CHUNK_DATA_CR:
		return fixed_read(chunked, character, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		chunked->digits = 0;
		return fixed_read(chunked, character, '\n', CHUNK_SIZE);
	case TRAILER_START:
		chunked->state = TRAILER_LINE;
		return text_read(chunked, character, END_LF);
	case TRAILER_LINE:
		return text_read(chunked, character, TRAILER_LF);
	case TRAILER_LF:
		return fixed_read(chunked, character, '\n', TRAILER_START);
	default:
		return character == '\n' ? 1 : -EBADMSG;
	}
}

int http_sink_add(struct http_sink *sink, const uint8_t *bytes, uint32_t length)
{
	if (length > sink->capacity - sink->length)
		return -EMSGSIZE;
	if (sink->bytes != NULL)
		memcpy(sink->bytes + sink->length, bytes, length);
	sink->length += length;
	return 0;
}

int http_chunked_read(
	struct http_chunked *chunked, const uint8_t *bytes, uint32_t length, struct http_sink *sink)
{
	uint32_t i = 0;
	while (i < length) {
		if (chunked->state != CHUNK_DATA) {
			int result = framing_read(chunked, bytes[i++]);
			if (result < 0)
				return result;
			if (result > 0)
				return (int)i;
			continue;
		}
		uint32_t part = length - i;
		if (part > chunked->chunk)
			part = (uint32_t)chunked->chunk;
		if (http_sink_add(sink, bytes + i, part) != 0)
			return -EMSGSIZE;
		chunked->chunk -= part;
		i += part;
		if (chunked->chunk == 0)
			chunked->state = CHUNK_DATA_CR;
	}
	return -EAGAIN;
}
