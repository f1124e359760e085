/* SPDX-License-Identifier: Apache-2.0 */
/* The main program of a fuzzer without libFuzzer: runs the files named, or all files in the folders
 * named. What a fuzzer would report ends it; else it prints how many inputs it ran. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "tests/differential/buffer.h"
#include "tests/fuzz/input.h"

/* Not all fuzzers have something to prepare. */
#pragma weak LLVMFuzzerInitialize

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void run_file(const char *path, unsigned *count)
{
	struct buffer input = {0};
	uint8_t *exact;

	if (buffer_read(&input, path) != 0)
		fuzz_fail(path, strerror(errno));
	/* Of its exact size, so that a sanitizer sees every byte read behind the end. */
	exact = malloc(input.length > 0 ? input.length : 1);
	fuzz_require(exact != NULL);
	memcpy(exact, input.bytes, input.length);
	fprintf(stderr, "%s\r", path);
	LLVMFuzzerTestOneInput(exact, input.length);
	++*count;
	free(exact);
	buffer_free(&input);
}

static void run(const char *path, unsigned *count)
{
	struct dirent **entries;
	int found = scandir(path, &entries, is_file, alphasort);

	if (found < 0) {
		run_file(path, count);
		return;
	}
	for (int index = 0; index < found; index++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[index]->d_name);
		run_file(name, count);
		free(entries[index]);
	}
	free(entries);
}

int main(int argument_count, char **arguments)
{
	unsigned count = 0;

	if (LLVMFuzzerInitialize != NULL && LLVMFuzzerInitialize(&argument_count, &arguments) != 0)
		return 1;
	for (int index = 1; index < argument_count; index++)
		run(arguments[index], &count);
	printf("\n%u inputs\n", count);
	return count > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
