/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing of the request parser. The first two bytes of the input say where it is cut; the verdict
 * must not depend on that. What is accepted is read once more in the plainest way, line by line,
 * and both readings must agree about where the header and the body end.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dataplane/net/http_request_parse.h"

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

/* Parse from a copy of exact size, so that any read beyond it is found. */
static int parse(struct http_request *request, const uint8_t *bytes, uint32_t length,
	struct http_fault *fault)
{
	uint8_t *copy = malloc(length > 0 ? length : 1);
	memcpy(copy, bytes, length);
	int result = http_request_parse(request, copy, length, fault);
	free(copy);
	return result;
}

static bool begins(const uint8_t *line, size_t length, const char *name)
{
	return length >= strlen(name) && strncasecmp((const char *)line, name, strlen(name)) == 0;
}

static void read_plainly(const struct http_request *request, const uint8_t *bytes, uint32_t head)
{
	unsigned lengths = 0, codings = 0, hosts = 0;
	uint32_t at = 0;
	if (bytes[0] == '\r')
		at = 2;
	for (bool first = true;; first = false) {
		const uint8_t *end = memmem(bytes + at, head - at, "\r\n", 2);
		demand(end != NULL);
		size_t length = (size_t)(end - (bytes + at));
		if (length == 0)
			break;
		for (size_t i = 0; i < length; i++)
			demand(bytes[at + i] == '\t' ||
				(bytes[at + i] >= ' ' && bytes[at + i] != 0x7f));
		if (!first) {
			demand(bytes[at] != ' ' && bytes[at] != '\t');
			demand(memchr(bytes + at, ':', length) != NULL);
			lengths += begins(bytes + at, length, "content-length:");
			codings += begins(bytes + at, length, "transfer-encoding:");
			hosts += begins(bytes + at, length, "host:");
		}
		at += (uint32_t)length + 2;
	}
	demand(at + 2 == head);
	demand(lengths <= 1 && hosts <= 1);
	demand(lengths == 0 || codings == 0);
	demand(request->has_length == (lengths == 1));
	demand(request->has_transfer_encoding == (codings > 0));
	demand(request->version_minor == 0 || hosts == 1);
	demand(bytes[request->path.offset] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request whole, parts;
	struct http_fault whole_fault = {0, 0, NULL}, fault = {0, 0, NULL};
	if (size < 2 || size > 2 * LIMIT)
		return 0;
	const uint8_t *bytes = data + 2;
	uint32_t length = (uint32_t)size - 2;
	http_request_begin(&whole, LIMIT);
	int wanted = parse(&whole, bytes, length, &whole_fault);
	http_request_begin(&parts, LIMIT);
	uint32_t cut = length * data[0] / 255;
	int result = parse(&parts, bytes, cut, &fault);
	if (result == -EAGAIN)
		result = parse(&parts, bytes, cut + (length - cut) * data[1] / 255, &fault);
	if (result == -EAGAIN)
		result = parse(&parts, bytes, length, &fault);
	demand(result == wanted);
	demand(fault.status == whole_fault.status && fault.offset == whole_fault.offset);
	if (result == -EBADMSG) {
		demand(fault.status == 400 || fault.status == 431 || fault.status == 505);
		demand(fault.offset <= length && fault.reason != NULL);
	}
	if (result <= 0)
		return 0;
	demand(memcmp(&parts, &whole, sizeof(whole)) == 0);
	demand((uint32_t)result <= length && result <= LIMIT);
	read_plainly(&whole, bytes, (uint32_t)result);
	struct http_span value;
	if (http_request_field(&whole, bytes, "content-length", &value) == 0)
		demand(whole.has_length);
	http_request_has_type(&whole, bytes, "application/xml");
	return 0;
}
