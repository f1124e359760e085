/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema compiler. The input is an XSD, and behind NULs another one that it may import as
 * "other.xsd", an overlay, and a document. What comes out is an image that the loader accepts and
 * the engine can walk over the document, or a reason with the file and the line; in bounded time
 * and memory either way (run it with -timeout and -rss_limit_mb).
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/schema_compile.h"
#include "dataplane/duis/fast.h"
#include "tests/fuzz/input.h"

#define INPUT_BYTES_MAX 65536
#define DOCUMENT_BYTES_MAX 65536

enum {
	PART_MAIN,
	PART_OTHER,
	PART_OVERLAY,
	PART_DOCUMENT,
	PART_COUNT,
};

static const char *const names[] = {"main.xsd", "other.xsd", "overlay.yaml"};
static char folder[] = "/tmp/fuzz-schema-XXXXXX";
static char paths[PART_DOCUMENT][64];

static void remove_files(void)
{
	for (size_t index = 0; index < PART_DOCUMENT; index++)
		unlink(paths[index]);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
	(void)argument_count;
	(void)arguments;
	fuzz_require(mkdtemp(folder) != NULL);
	for (size_t index = 0; index < PART_DOCUMENT; index++)
		snprintf(paths[index], sizeof(paths[index]), "%s/%s", folder, names[index]);
	atexit(remove_files);
	return 0;
}

static void write_part(const char *path, const struct fuzz_part *part)
{
	int file;

	unlink(path);
	if (part->length == 0)
		return;
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fuzz_require(file >= 0);
	fuzz_require(write(file, part->bytes, part->length) == (ssize_t)part->length);
	close(file);
}

/* "FOLDER/FILE:LINE: text", or the file without a line when it is about all of it. */
static void check_reason(int result, const char *reason)
{
	const char *at = reason + strlen(folder);

	fuzz_require(result < 0);
	fuzz_require(strncmp(reason, folder, strlen(folder)) == 0 && *at == '/');
	at = strchr(at, ':');
	fuzz_require(at != NULL && at[1] != '\0');
	if (result == -ENOTSUP || result == -EINVAL) {
		fuzz_require(isdigit((unsigned char)at[1]) && at[1] != '0');
		at += 1 + strspn(at + 1, "0123456789");
		fuzz_require(*at == ':');
	}
	if (result == -ENOTSUP)
		fuzz_require(strstr(reason, ": unsupported construct of XML Schema: ") != NULL);
}

/* Any verdict will do, the same from every variant. */
static void read_document(const struct duis_image *image, const struct fuzz_part *part)
{
	struct duis_fast_source source = {.version = DUIS_ANY_VERSION, .image = image};
	struct duis_document document;
	struct duis_error first = {.code = DUIS_OK};
	char reason[512];
	struct duis_fast_schemas *schemas =
		duis_fast_schemas_create(&source, 1, reason, sizeof(reason));
	struct duis_fast_engine *engine;
	uint8_t *exact;

	if (schemas == NULL)
		return; /* it has no Request and Response of DUIS */
	engine = duis_fast_engine_create(schemas, DOCUMENT_BYTES_MAX);
	exact = malloc(part->length + 1);
	fuzz_require(engine != NULL && exact != NULL);
	for (int variant = 0; variant < DUIS_FAST_VARIANT_COUNT; variant++) {
		struct duis_error error = {.code = DUIS_OK};
		int result;

		if (duis_fast_engine_set_variant(engine, (enum duis_fast_variant)variant) != 0)
			continue;
		memcpy(exact, part->bytes, part->length);
		result = duis_fast_engine_read(
			engine, exact, (uint32_t)part->length, &document, &error);
		fuzz_require(result == 0 || error.code != DUIS_OK);
		fuzz_require(error.offset <= part->length);
		if (variant == DUIS_FAST_SCALAR)
			first = error;
		fuzz_require(error.code == first.code && error.offset == first.offset);
	}
	free(exact);
	duis_fast_engine_destroy(engine);
	duis_fast_schemas_destroy(schemas);
}

static void check_image(const uint8_t *bytes, size_t length, const struct fuzz_part *document)
{
	uint8_t *aligned = aligned_alloc(64, (length + 63) / 64 * 64);
	struct duis_image image;
	char reason[512];

	fuzz_require(aligned != NULL);
	memcpy(aligned, bytes, length);
	if (duis_image_check(aligned, length, &image, reason, sizeof(reason)) != 0)
		fuzz_fail("the compiler's own image is refused", reason);
	if (document->length > 0)
		read_document(&image, document);
	free(aligned);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct fuzz_part parts[PART_COUNT];
	const char *overlays[1] = {paths[PART_OVERLAY]};
	uint8_t *image;
	size_t image_length;
	char reason[512];
	int result;

	if (length > INPUT_BYTES_MAX)
		return -1;
	fuzz_split(bytes, length, parts, PART_COUNT);
	for (size_t index = 0; index < PART_DOCUMENT; index++)
		write_part(paths[index], &parts[index]);
	result = schema_compile(paths[PART_MAIN], overlays, parts[PART_OVERLAY].length > 0, &image,
		&image_length, reason, sizeof(reason));
	if (result == 0)
		check_image(image, image_length, &parts[PART_DOCUMENT]);
	else
		check_reason(result, reason);
	free(image);
	return 0;
}
