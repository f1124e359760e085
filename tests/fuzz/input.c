/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/fuzz/input.h"

void fuzz_fail(const char *who, const char *reason)
{
	fprintf(stderr, "%s: %s\n", who, reason);
	abort();
}

void fuzz_split(const uint8_t *bytes, size_t length, struct fuzz_part *parts, size_t part_count)
{
	const uint8_t *stop = bytes + length;

	for (size_t index = 0; index < part_count; index++) {
		const uint8_t *end = stop;

		if (index + 1 < part_count && bytes < stop)
			end = memchr(bytes, 0, (size_t)(stop - bytes));
		if (end == NULL)
			end = stop;
		parts[index] = (struct fuzz_part){bytes, (size_t)(end - bytes)};
		bytes = end < stop ? end + 1 : stop;
	}
}
