/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing of the response parser and of chunked bodies: the first byte says where the input is cut,
 * the second how large the body may be; the verdict must not depend on the cut.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/net/http_response_parse.h"

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static int chunked_read(const uint8_t *bytes, uint32_t length, uint32_t cut, struct http_sink *sink)
{
	struct http_chunked chunked = {0, 0, 0, 0};
	int result = http_chunked_read(&chunked, bytes, cut, sink);
	if (result == -EAGAIN) {
		result = http_chunked_read(&chunked, bytes + cut, length - cut, sink);
		if (result > 0)
			result += (int)cut;
	}
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_response whole, parts;
	struct http_fault fault;
	if (size < 2 || size > 2 * LIMIT)
		return 0;
	const uint8_t *bytes = data + 2;
	uint32_t length = (uint32_t)size - 2, cut = length * data[0] / 255;
	http_response_begin(&whole, LIMIT);
	int wanted = http_response_parse(&whole, bytes, length, &fault);
	http_response_begin(&parts, LIMIT);
	int result = http_response_parse(&parts, bytes, cut, &fault);
	if (result == -EAGAIN)
		result = http_response_parse(&parts, bytes, length, &fault);
	demand(result == wanted);
	if (result > 0) {
		demand(memcmp(&parts, &whole, sizeof(whole)) == 0);
		demand(whole.status >= 100 && whole.status <= 599);
		bytes += result;
		length -= (uint32_t)result;
		cut = length * data[0] / 255;
	}
	/* A body of exact size, so that any write beyond it is found. */
	uint8_t *first = malloc(data[1] + 1u), *second = malloc(data[1] + 1u);
	struct http_sink one = {first, data[1], 0}, two = {second, data[1], 0};
	wanted = chunked_read(bytes, length, 0, &one);
	result = chunked_read(bytes, length, cut, &two);
	demand(result == wanted);
	if (result != -EMSGSIZE) {
		demand(one.length == two.length);
		demand(memcmp(first, second, one.length) == 0);
	}
	free(first);
	free(second);
	return 0;
}
