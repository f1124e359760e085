/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows that there are two engines. */
#include "dataplane/duis/engine.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/duis/fast.h"
#include "dataplane/duis/reference.h"

struct duis_schemas {
	enum duis_engine_kind kind;
	uint64_t number; /* of no other schemas, ever: an address may come again */
	struct duis_reference_schemas *reference;
	struct duis_fast_schemas *fast;
	/* Files that several versions share are loaded once. */
	struct duis_image images[DUIS_SCHEMA_VERSIONS_MAX];
	size_t image_count;
	uint8_t image_of[DUIS_SCHEMA_VERSIONS_MAX]; /* by source */
};

struct duis_engine {
	enum duis_engine_kind kind;
	uint64_t schemas_number;
	struct duis_reference_engine *reference;
	struct duis_fast_engine *fast;
};

const char *duis_engine_kind_name(enum duis_engine_kind kind)
{
	return kind == DUIS_ENGINE_FAST ? "fast" : "reference";
}

/* ---- schemas ---- */

/* Open the images, each file once. Returns 0, or -errno with the reason. */
static int open_images(struct duis_schemas *schemas, const struct duis_schema_source *sources,
	size_t count, char *reason, size_t reason_size)
{
	for (size_t index = 0; index < count; index++) {
		size_t same = 0;

		while (same < index &&
			strcmp(sources[same].image_path, sources[index].image_path) != 0)
			same++;
		if (same < index) {
			schemas->image_of[index] = schemas->image_of[same];
			continue;
		}
		int result = duis_image_open(sources[index].image_path,
			&schemas->images[schemas->image_count], reason, reason_size);

		if (result != 0)
			return result;
		schemas->image_of[index] = (uint8_t)schemas->image_count++;
	}
	return 0;
}

static int create_fast(struct duis_schemas *schemas, const struct duis_schema_source *sources,
	size_t count, char *reason, size_t reason_size)
{
	struct duis_fast_source fast[DUIS_SCHEMA_VERSIONS_MAX];
	int result = open_images(schemas, sources, count, reason, reason_size);

	if (result != 0)
		return result;
	memset(fast, 0, sizeof(fast));
	for (size_t index = 0; index < count; index++) {
		memcpy(fast[index].version, sources[index].version, sizeof(fast[index].version));
		fast[index].image = &schemas->images[schemas->image_of[index]];
	}
	schemas->fast = duis_fast_schemas_create(fast, count, reason, reason_size);
	return schemas->fast != NULL ? 0 : -errno;
}

struct duis_schemas *duis_schemas_create(enum duis_engine_kind kind,
	const struct duis_schema_source *sources, size_t count, char *reason, size_t reason_size)
{
	static _Atomic uint64_t last_number;
	struct duis_schemas *schemas = calloc(1, sizeof(*schemas));
	int result = 0;

	assert(count >= 1 && count <= DUIS_SCHEMA_VERSIONS_MAX);
	if (schemas == NULL) {
		snprintf(reason, reason_size, "out of memory");
		errno = ENOMEM;
		return NULL;
	}
	schemas->kind = kind;
	schemas->number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
	if (kind == DUIS_ENGINE_FAST) {
		result = create_fast(schemas, sources, count, reason, reason_size);
	} else {
		schemas->reference =
			duis_reference_schemas_create(sources, count, reason, reason_size);
		result = schemas->reference != NULL ? 0 : -errno;
	}
	if (result != 0) {
		duis_schemas_destroy(schemas);
		errno = -result;
		return NULL;
	}
	return schemas;
}

void duis_schemas_destroy(struct duis_schemas *schemas)
{
	if (schemas == NULL)
		return;
	duis_fast_schemas_destroy(schemas->fast);
	duis_reference_schemas_destroy(schemas->reference);
	for (size_t index = 0; index < schemas->image_count; index++)
		duis_image_close(&schemas->images[index]);
	free(schemas);
}

enum duis_engine_kind duis_schemas_kind(const struct duis_schemas *schemas)
{
	return schemas->kind;
}

int duis_schemas_find(const struct duis_schemas *schemas, const char *version, size_t length)
{
	return schemas->kind == DUIS_ENGINE_FAST
		       ? duis_fast_schemas_find(schemas->fast, version, length)
		       : duis_reference_schemas_find(schemas->reference, version, length);
}

const char *duis_schemas_version(const struct duis_schemas *schemas, int index)
{
	return schemas->kind == DUIS_ENGINE_FAST
		       ? duis_fast_schemas_version(schemas->fast, index)
		       : duis_reference_schemas_version(schemas->reference, index);
}

const uint8_t *duis_schemas_checksum(const struct duis_schemas *schemas, int index)
{
	if (schemas->kind != DUIS_ENGINE_FAST)
		return NULL;
	return schemas->images[schemas->image_of[index]].header->checksum;
}

/* ---- the engine ---- */

struct duis_engine *duis_engine_create(
	const struct duis_schemas *schemas, uint32_t document_bytes_max)
{
	struct duis_engine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
		return NULL;
	engine->kind = schemas->kind;
	engine->schemas_number = schemas->number;
	if (engine->kind == DUIS_ENGINE_FAST)
		engine->fast = duis_fast_engine_create(schemas->fast, document_bytes_max);
	else
		engine->reference =
			duis_reference_engine_create(schemas->reference, document_bytes_max);
	if (engine->fast == NULL && engine->reference == NULL) {
		free(engine);
		errno = ENOMEM;
		return NULL;
	}
	return engine;
}

void duis_engine_destroy(struct duis_engine *engine)
{
	if (engine == NULL)
		return;
	duis_fast_engine_destroy(engine->fast);
	duis_reference_engine_destroy(engine->reference);
	free(engine);
}

const char *duis_engine_variant(const struct duis_engine *engine)
{
	return engine->kind == DUIS_ENGINE_FAST ? duis_fast_variant_name(duis_fast_variant_best())
						: "libxml2";
}

void duis_engine_set_schemas(struct duis_engine *engine, const struct duis_schemas *schemas)
{
	assert(schemas->kind == engine->kind);
	if (schemas->number == engine->schemas_number)
		return;
	engine->schemas_number = schemas->number;
	if (engine->kind == DUIS_ENGINE_FAST)
		duis_fast_engine_set_schemas(engine->fast, schemas->fast);
	else
		duis_reference_engine_set_schemas(engine->reference, schemas->reference);
}

int duis_engine_read(struct duis_engine *engine, const uint8_t *bytes, uint32_t length,
	struct duis_document *document, struct duis_error *error)
{
	return engine->kind == DUIS_ENGINE_FAST
		       ? duis_fast_engine_read(engine->fast, bytes, length, document, error)
		       : duis_reference_engine_read(
				 engine->reference, bytes, length, document, error);
}

int duis_engine_check_profile(struct duis_engine *engine, struct duis_error *error)
{
	return engine->kind == DUIS_ENGINE_FAST
		       ? duis_fast_engine_check_profile(engine->fast, error)
		       : duis_reference_engine_check_profile(engine->reference, error);
}

int duis_engine_prepare(struct duis_engine *engine, uint8_t signed_digest[DUIS_SIGNED_DIGEST_SIZE],
	uint8_t signature[DUIS_SIGNATURE_SIZE], struct duis_error *error)
{
	return engine->kind == DUIS_ENGINE_FAST
		       ? duis_fast_engine_prepare(engine->fast, signed_digest, signature, error)
		       : duis_reference_engine_prepare(
				 engine->reference, signed_digest, signature, error);
}

void duis_engine_mismatch(struct duis_engine *engine, struct duis_error *error)
{
	if (engine->kind == DUIS_ENGINE_FAST)
		duis_fast_engine_mismatch(engine->fast, error);
	else
		duis_reference_engine_mismatch(engine->reference, error);
}

size_t duis_engine_digested_length(struct duis_engine *engine)
{
	uint32_t length;

	if (engine->kind == DUIS_ENGINE_FAST)
		return duis_fast_engine_digested_length(engine->fast);
	duis_reference_engine_digested(engine->reference, &length);
	return length;
}

int64_t duis_engine_digested(struct duis_engine *engine, uint8_t *out, size_t capacity)
{
	const uint8_t *digested;
	uint32_t length;

	if (engine->kind == DUIS_ENGINE_FAST)
		return duis_fast_engine_digested(engine->fast, out, capacity);
	digested = duis_reference_engine_digested(engine->reference, &length);
	if (length > capacity)
		return -ENOBUFS;
	memcpy(out, digested, length);
	return length;
}
