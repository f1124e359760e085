/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line by line, each as soon as it is there, so that what is wrong is refused early and nothing is
 * read twice. The fields that decide where the request ends (Content-Length, Transfer-Encoding,
 * Host, Connection) admit one reading only.
 */
#include "dataplane/net/http_request_parse.h"

#include <errno.h>
#include <string.h>

#define METHOD_BYTES_MAX 32

void http_request_begin(struct http_request *request, uint32_t header_bytes_max)
{
	memset(request, 0, sizeof(*request));
	request->header_bytes_max = header_bytes_max;
}

static bool is_digit(uint8_t character)
{
	return character >= '0' && character <= '9';
}

static bool is_hexadecimal(uint8_t character)
{
	uint8_t letter = character | 0x20;
	return is_digit(character) || (letter >= 'a' && letter <= 'f');
}

static int version_read(struct http_request *request, const uint8_t *bytes, struct http_span text,
	struct http_fault *fault)
{
	const uint8_t *version = bytes + text.offset;
	if (text.length != 8 || memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) ||
		version[6] != '.' || !is_digit(version[7]))
		return http_fault_set(fault, 400, text.offset, "malformed request line");
	if (version[5] != '1' || version[7] > '1')
		return http_fault_set(fault, 505, text.offset, "not HTTP/1.1 or HTTP/1.0");
	request->version_minor = version[7] - '0';
	return 0;
}

static int target_read(struct http_request *request, const uint8_t *bytes, struct http_span target,
	struct http_fault *fault)
{
	const uint8_t *text = bytes + target.offset;
	uint32_t path_length = target.length;
	if (target.length == 0 || text[0] != '/')
		return http_fault_set(fault, 400, target.offset, "the target is not a path");
	for (uint32_t i = 0; i < target.length; i++) {
		if ((http_character_class[text[i]] & HTTP_IN_TARGET) == 0)
			return http_fault_set(
				fault, 400, target.offset + i, "forbidden character in the target");
		if (text[i] == '%' && (target.length - i < 3 || !is_hexadecimal(text[i + 1]) ||
					      !is_hexadecimal(text[i + 2])))
			return http_fault_set(
				fault, 400, target.offset + i, "malformed escape in the target");
		if (text[i] == '?' && path_length == target.length)
			path_length = i;
	}
	request->path.offset = target.offset;
	request->path.length = path_length;
	if (path_length < target.length) {
		request->query.offset = target.offset + path_length + 1;
		request->query.length = target.length - path_length - 1;
	}
	return 0;
}

static int request_line_read(struct http_request *request, const uint8_t *bytes,
	struct http_span line, struct http_fault *fault)
{
	const uint8_t *text = bytes + line.offset;
	uint32_t first = 0, last = line.length;
	while (first < line.length && (http_character_class[text[first]] & HTTP_IN_TOKEN) != 0)
		first++;
	if (first == 0 || first > METHOD_BYTES_MAX || first == line.length || text[first] != ' ')
		return http_fault_set(fault, 400, line.offset + first, "malformed request line");
	while (last > first && text[last - 1] != ' ')
		last--;
	if (last - 1 == first)
		return http_fault_set(fault, 400, line.offset + first, "malformed request line");
	struct http_span version = {line.offset + last, line.length - last};
	int result = version_read(request, bytes, version, fault);
	if (result != 0)
		return result;
	request->method.offset = line.offset;
	request->method.length = first;
	struct http_span target = {line.offset + first + 1, last - 1 - (first + 1)};
	return target_read(request, bytes, target, fault);
}

static int host_read(struct http_request *request, const uint8_t *bytes, struct http_span value,
	struct http_fault *fault)
{
	if (request->has_host)
		return http_fault_set(fault, 400, value.offset, "more than one Host");
	if (value.length == 0 || !http_span_has_only(bytes, value, HTTP_IN_HOST))
		return http_fault_set(fault, 400, value.offset, "malformed Host");
	request->has_host = true;
	return 0;
}

static int content_length_read(struct http_request *request, const uint8_t *bytes,
	struct http_span value, struct http_fault *fault)
{
	if (request->has_length)
		return http_fault_set(fault, 400, value.offset, "more than one Content-Length");
	if (http_length_read(bytes, value, &request->content_length) != 0)
		return http_fault_set(fault, 400, value.offset, "malformed Content-Length");
	request->has_length = true;
	return 0;
}

static int transfer_encoding_read(struct http_request *request, const uint8_t *bytes,
	struct http_span value, struct http_fault *fault)
{
	(void)bytes;
	(void)value;
	(void)fault;
	request->has_transfer_encoding = true;
	return 0;
}

static int connection_read(struct http_request *request, const uint8_t *bytes,
	struct http_span value, struct http_fault *fault)
{
	if (http_connection_read(bytes, value, &request->close, &request->keep_alive) != 0)
		return http_fault_set(fault, 400, value.offset, "malformed Connection");
	return 0;
}

static int content_type_read(struct http_request *request, const uint8_t *bytes,
	struct http_span value, struct http_fault *fault)
{
	(void)bytes;
	if (request->has_content_type)
		return http_fault_set(fault, 400, value.offset, "more than one Content-Type");
	request->has_content_type = true;
	request->content_type = value;
	return 0;
}

static int content_encoding_read(struct http_request *request, const uint8_t *bytes,
	struct http_span value, struct http_fault *fault)
{
	(void)fault;
	if (!http_span_is(bytes, value, "identity"))
		request->encoded = true;
	return 0;
}

static int expect_read(struct http_request *request, const uint8_t *bytes, struct http_span value,
	struct http_fault *fault)
{
	(void)fault;
	if (http_span_is(bytes, value, "100-continue"))
		request->expects_continue = true;
	else
		request->expects_other = true;
	return 0;
}

static int field_read(struct http_request *request, const uint8_t *bytes, struct http_span line,
	struct http_fault *fault)
{
	static const struct {
		const char *name;
		int (*read)(struct http_request *request, const uint8_t *bytes,
			struct http_span value, struct http_fault *fault);
	} fields[] = {
		{"host", host_read},
		{"content-length", content_length_read},
		{"transfer-encoding", transfer_encoding_read},
		{"connection", connection_read},
		{"content-type", content_type_read},
		{"content-encoding", content_encoding_read},
		{"expect", expect_read},
	};
	struct http_span name, value;
	int result = http_field_split(bytes, line, &name, &value, fault);
	if (result != 0)
		return result;
	if (++request->field_count > HTTP_FIELDS_MAX)
		return http_fault_set(fault, 431, line.offset, "too many header fields");
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (http_span_is(bytes, name, fields[i].name))
			return fields[i].read(request, bytes, value, fault);
	return 0;
}

/* The rules that join several fields. */
static int head_end(struct http_request *request, uint32_t offset, struct http_fault *fault)
{
	if (!request->has_host && request->version_minor == 1)
		return http_fault_set(fault, 400, offset, "no Host");
	if (request->has_transfer_encoding && request->has_length)
		return http_fault_set(
			fault, 400, offset, "both Transfer-Encoding and Content-Length");
	if (request->has_transfer_encoding && request->version_minor == 0)
		return http_fault_set(fault, 400, offset, "Transfer-Encoding in HTTP/1.0");
	if (request->version_minor == 0)
		request->expects_continue = false;
	request->fields.length = offset - request->fields.offset;
	return 0;
}

int http_request_parse(struct http_request *request, const uint8_t *bytes, uint32_t length,
	struct http_fault *fault)
{
	struct http_span line;
	int result;
	while ((result = http_line_next(&request->lines, bytes, length, request->header_bytes_max,
			&line, fault)) > 0) {
		if (request->begun && line.length == 0) {
			result = head_end(request, line.offset, fault);
			return result != 0 ? result : (int)request->lines.line;
		}
		if (request->begun) {
			result = field_read(request, bytes, line, fault);
		} else if (line.length == 0 && !request->empty_skipped) {
			request->empty_skipped = true;
			result = 0;
		} else {
			result = request_line_read(request, bytes, line, fault);
			request->begun = true;
			request->fields.offset = request->lines.line;
		}
		if (result != 0)
			return result;
	}
	return result;
}

int http_request_field(const struct http_request *request, const uint8_t *bytes, const char *name,
	struct http_span *value)
{
	struct http_lines lines = {request->fields.offset, request->fields.offset};
	uint32_t end = request->fields.offset + request->fields.length;
	struct http_span line, field;
	struct http_fault fault;
	while (http_line_next(&lines, bytes, end, end + 1, &line, &fault) > 0)
		if (http_field_split(bytes, line, &field, value, &fault) == 0 &&
			http_span_is(bytes, field, name))
			return 0;
	return -ENOENT;
}

bool http_request_has_type(
	const struct http_request *request, const uint8_t *bytes, const char *type)
{
	struct http_span media = request->content_type;
	uint32_t length = 0;
	while (length < media.length && bytes[media.offset + length] != ';' &&
		bytes[media.offset + length] != ' ' && bytes[media.offset + length] != '\t')
		length++;
	/* Behind white space only parameters may follow. */
	uint32_t behind = length;
	while (behind < media.length &&
		(bytes[media.offset + behind] == ' ' || bytes[media.offset + behind] == '\t'))
		behind++;
	if (behind < media.length && bytes[media.offset + behind] != ';')
		return false;
	media.length = length;
	return request->has_content_type && http_span_is(bytes, media, type);
}
