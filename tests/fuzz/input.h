/* SPDX-License-Identifier: Apache-2.0 */
/* What all fuzzers share. Each of them is also built as an ordinary program that runs the inputs
 * kept in tests/data/fuzz (replay.c). */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argument_count, char ***arguments);

/* Returns 0, or -1 when the input is not worth keeping. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Print and abort: what a fuzzer takes for a finding. */
__attribute__((noreturn)) void fuzz_fail(const char *who, const char *reason);

#define fuzz_require(condition)                                                                    \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* One input as several texts, parted by NUL, which no document can hold. Missing ones are empty. */
struct fuzz_part {
	const uint8_t *bytes;
	size_t length;
};
void fuzz_split(const uint8_t *bytes, size_t length, struct fuzz_part *parts, size_t part_count);

#endif
