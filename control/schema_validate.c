/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "control/schema_sources.h"
#include "control/schema_validate.h"
#include "dataplane/duis/engine.h"
#include "dataplane/duis/fast.h"

#define FILE_BYTES_MAX (64u << 20)
#define FILE_BYTES_FIRST 65536u /* to be read at first */

struct buffer {
	uint8_t *bytes;
	size_t length;
	size_t capacity;
};

struct judge {
	struct duis_schemas *schemas;
	struct duis_engine *engine;
};

static bool is_image(const char *path)
{
	struct stat status;
	char magic[sizeof(MW_IMAGE_MAGIC)] = "";
	FILE *file = NULL;

	/* Opening a pipe would wait for its other end. */
	if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
		file = fopen(path, "re");
	if (file != NULL) {
		if (fread(magic, 1, sizeof(magic) - 1, file) < sizeof(magic) - 1)
			magic[0] = '\0';
		fclose(file);
	}
	return strcmp(magic, MW_IMAGE_MAGIC) == 0;
}

static bool create_engine(struct judge *judge, enum duis_engine_kind kind,
	const struct duis_schema_source *source, char *reason, size_t reason_size)
{
	judge->schemas = duis_schemas_create(kind, source, 1, reason, reason_size);
	if (judge->schemas == NULL)
		return false;
	judge->engine = duis_engine_create(judge->schemas, FILE_BYTES_MAX);
	if (judge->engine == NULL)
		snprintf(reason, reason_size, "out of memory");
	return judge->engine != NULL;
}

/* The reference engine over what an image was made of. */
static bool create_from_image(struct judge *judge, const char *path,
	struct duis_schema_source *source, char *reason, size_t reason_size)
{
	struct schema_sources *sources = malloc(sizeof(*sources));
	struct duis_image image;
	bool good = false;

	if (sources == NULL) {
		snprintf(reason, reason_size, "out of memory");
		return false;
	}
	if (duis_image_open_whole(path, &image, reason, reason_size) == 0) {
		if (schema_sources_write(&image, sources, reason, reason_size) == 0) {
			source->xsd_path = sources->paths[0];
			memcpy(source->overlays, sources->overlays, sizeof(source->overlays));
			good = create_engine(
				judge, DUIS_ENGINE_REFERENCE, source, reason, reason_size);
		}
		schema_sources_remove(sources);
		duis_image_close(&image);
	}
	free(sources);
	return good;
}

static bool create_judge(
	struct judge *judge, const struct schema_validate *job, char *reason, size_t reason_size)
{
	struct duis_schema_source source = {.image_path = job->schema, .xsd_path = job->schema};
	bool from_image = job->reference && is_image(job->schema);
	const char *version = job->version != NULL ? job->version : DUIS_ANY_VERSION;

	if (job->reference && !from_image && job->version == NULL) {
		snprintf(reason, reason_size, "--engine reference over an XSD needs --version");
		return false;
	}
	if (from_image && job->overlay_count > 0) {
		snprintf(reason, reason_size,
			"--overlay goes with an XSD: an image has its overlays in it");
		return false;
	}
	if (strlen(version) >= sizeof(source.version)) {
		snprintf(reason, reason_size, "\"%.100s\" is no version", version);
		return false;
	}
	memcpy(source.version, version, strlen(version));
	if (from_image)
		return create_from_image(judge, job->schema, &source, reason, reason_size);
	for (size_t index = 0; index < job->overlay_count; index++)
		source.overlays[index] = job->overlays[index];
	return create_engine(judge, job->reference ? DUIS_ENGINE_REFERENCE : DUIS_ENGINE_FAST,
		&source, reason, reason_size);
}

/* Read as much as is there, but no more than makes the file too large. Returns false with errno. */
static bool read_stream(FILE *file, struct buffer *buffer)
{
	for (;;) {
		size_t room = buffer->capacity - buffer->length;

		if (room == 0) {
			size_t capacity =
				buffer->capacity == 0 ? FILE_BYTES_FIRST : 4 * buffer->capacity;
			uint8_t *bytes = realloc(buffer->bytes, capacity);

			if (bytes == NULL)
				return false;
			buffer->bytes = bytes;
			buffer->capacity = capacity;
			continue;
		}
		if (room > FILE_BYTES_MAX + 1 - buffer->length)
			room = FILE_BYTES_MAX + 1 - buffer->length;
		if (room == 0)
			return true;
		room = fread(buffer->bytes + buffer->length, 1, room, file);
		buffer->length += room;
		if (room == 0)
			return !ferror(file);
	}
}

/* The bytes, to be freed, or NULL with errno. */
static uint8_t *read_file(const char *path, uint32_t *length)
{
	FILE *file = fopen(path, "re");
	struct buffer buffer = {0};
	bool good;
	int cause;

	if (file == NULL)
		return NULL;
	good = read_stream(file, &buffer);
	cause = errno;
	fclose(file);
	*length = (uint32_t)buffer.length;
	if (good)
		return buffer.bytes;
	free(buffer.bytes);
	errno = cause;
	return NULL;
}

static void print_plain(const char *path, int result, const struct duis_error *error)
{
	if (result == 0)
		printf("%s: valid\n", path);
	else
		printf("%s: %s at byte %llu%s%s: %s\n", path, duis_error_name(error->code),
			(unsigned long long)error->offset, error->path[0] != '\0' ? " in " : "",
			error->path, error->rule);
}

static void print_json(const char *path, int result, const struct duis_error *error)
{
	json_t *line = json_pack("{s:s, s:b}", "file", path, "valid", result == 0);
	char *text;

	if (line != NULL && result != 0) {
		json_object_set_new(line, "code", json_string(duis_error_name(error->code)));
		json_object_set_new(line, "offset", json_integer((json_int_t)error->offset));
		json_object_set_new(line, "path", json_string(error->path));
		json_object_set_new(line, "rule", json_string(error->rule));
	}
	text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
	printf("%s\n", text != NULL ? text : "null");
	free(text);
	json_decref(line);
}

static int judge_file(struct judge *judge, const struct schema_validate *job, const char *path)
{
	struct duis_document document;
	struct duis_error error;
	uint32_t length;
	uint8_t *bytes = read_file(path, &length);
	int result;

	if (bytes == NULL) {
		fprintf(stderr, "motorway-schema: %s: %s\n", path, strerror(errno));
		return 2;
	}
	result = duis_engine_read(judge->engine, bytes, length, &document, &error);
	free(bytes);
	if (job->json)
		print_json(path, result, &error);
	else
		print_plain(path, result, &error);
	return result == 0 ? 0 : 1;
}

int schema_validate(const struct schema_validate *job)
{
	struct judge judge = {0};
	char reason[512];
	int status = 0;
	bool ready = create_judge(&judge, job, reason, sizeof(reason));

	if (!ready) {
		fprintf(stderr, "motorway-schema: %s\n", reason);
		status = 2;
	}
	for (size_t index = 0; ready && index < job->file_count; index++) {
		int one = judge_file(&judge, job, job->files[index]);

		status = one > status ? one : status;
	}
	duis_engine_destroy(judge.engine);
	duis_schemas_destroy(judge.schemas);
	return status;
}
