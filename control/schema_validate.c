/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/schema_validate.h"
#include "dataplane/duis/engine.h"
#include "dataplane/duis/fast.h"

#define FILE_BYTES_MAX (64u << 20)

struct judge {
	struct duis_schemas *schemas;
	struct duis_engine *engine;
};

static bool create_judge(
	struct judge *judge, const struct schema_validate *job, char *reason, size_t reason_size)
{
	struct duis_schema_source source = {.image_path = job->schema, .xsd_path = job->schema};
	const char *version = job->reference ? job->version : DUIS_FAST_ANY_VERSION;

	if (version == NULL || strlen(version) >= sizeof(source.version)) {
		snprintf(reason, reason_size, "--engine reference needs --version");
		return false;
	}
	memcpy(source.version, version, strlen(version));
	for (size_t index = 0; index < job->overlay_count; index++)
		source.overlays[index] = job->overlays[index];
	judge->schemas =
		duis_schemas_create(job->reference ? DUIS_ENGINE_REFERENCE : DUIS_ENGINE_FAST,
			&source, 1, reason, reason_size);
	if (judge->schemas == NULL)
		return false;
	judge->engine = duis_engine_create(judge->schemas, FILE_BYTES_MAX);
	if (judge->engine == NULL)
		snprintf(reason, reason_size, "out of memory");
	return judge->engine != NULL;
}

static uint8_t *read_file(const char *path, uint32_t *length)
{
	FILE *file = fopen(path, "re");
	uint8_t *bytes = malloc(FILE_BYTES_MAX + 1);
	size_t count;

	if (file == NULL || bytes == NULL) {
		free(bytes);
		if (file != NULL)
			fclose(file);
		return NULL;
	}
	count = fread(bytes, 1, FILE_BYTES_MAX + 1, file);
	if (ferror(file)) {
		free(bytes);
		bytes = NULL;
		errno = EIO;
	}
	fclose(file);
	*length = (uint32_t)count;
	return bytes;
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
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
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
