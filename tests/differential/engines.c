/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/duis/reference.h"
#include "tests/differential/buffer.h"
#include "tests/differential/engines.h"

#define MAIN_XSD "DUIS Schema V5.1.xsd"

/* ---- the reference ---- */

struct reference {
	struct duis_reference_schemas *schemas;
	struct duis_reference_engine *engine;
};

static int reference_read(void *state, const uint8_t *bytes, uint32_t length,
	struct duis_document *document, struct duis_error *error)
{
	return duis_reference_engine_read(
		((struct reference *)state)->engine, bytes, length, document, error);
}

static int reference_check_profile(void *state, struct duis_error *error)
{
	return duis_reference_engine_check_profile(((struct reference *)state)->engine, error);
}

static int reference_verify(void *state, EVP_PKEY *key, struct duis_error *error)
{
	return duis_reference_engine_verify(((struct reference *)state)->engine, key, error);
}

static int reference_prepare(
	void *state, uint8_t signed_digest[32], uint8_t signature[64], struct duis_error *error)
{
	return duis_reference_engine_prepare(
		((struct reference *)state)->engine, signed_digest, signature, error);
}

static void reference_mismatch(void *state, struct duis_error *error)
{
	duis_reference_engine_mismatch(((struct reference *)state)->engine, error);
}

static const uint8_t *reference_canonical(void *state, size_t *length)
{
	uint32_t count;
	const uint8_t *digested =
		duis_reference_engine_digested(((struct reference *)state)->engine, &count);

	*length = count;
	return digested;
}

static void reference_destroy(void *state)
{
	struct reference *reference = state;

	duis_reference_engine_destroy(reference->engine);
	duis_reference_schemas_destroy(reference->schemas);
	free(reference);
}

static bool create_reference(struct engine *engine, const char *xsd_folder)
{
	struct reference *reference = buffer_allocate(sizeof(*reference));
	char path[512];
	char reason[512];
	struct duis_schema_source sources[2] = {
		{.version = "5.1", .xsd_path = path}, {.version = "5.4", .xsd_path = path}};

	snprintf(path, sizeof(path), "%s/%s", xsd_folder, MAIN_XSD);
	reference->schemas = duis_reference_schemas_create(sources, 2, reason, sizeof(reason));
	if (reference->schemas == NULL) {
		fprintf(stderr, "%s\n", reason);
		free(reference);
		return false;
	}
	reference->engine =
		duis_reference_engine_create(reference->schemas, ENGINE_DOCUMENT_BYTES_MAX);
	*engine = (struct engine){
		.name = "reference",
		.state = reference,
		.read = reference_read,
		.check_profile = reference_check_profile,
		.verify = reference_verify,
		.prepare = reference_prepare,
		.mismatch = reference_mismatch,
		.canonical = reference_canonical,
		.destroy = reference_destroy,
	};
	return true;
}

/* ---- the fast one ---- */

#ifdef DIFFERENTIAL_FAST

#include "control/schema_compile.h"
#include "dataplane/duis/fast.h"

struct fast {
	uint8_t *bytes;
	uint8_t *aligned;
	struct duis_image image;
	struct duis_fast_schemas *schemas;
	struct duis_fast_engine *engine;
	uint8_t *text;
	size_t capacity;
};

static int fast_read(void *state, const uint8_t *bytes, uint32_t length,
	struct duis_document *document, struct duis_error *error)
{
	return duis_fast_engine_read(
		((struct fast *)state)->engine, bytes, length, document, error);
}

static int fast_check_profile(void *state, struct duis_error *error)
{
	return duis_fast_engine_check_profile(((struct fast *)state)->engine, error);
}

static int fast_verify(void *state, EVP_PKEY *key, struct duis_error *error)
{
	return duis_fast_engine_verify(((struct fast *)state)->engine, key, error);
}

static int fast_prepare(
	void *state, uint8_t signed_digest[32], uint8_t signature[64], struct duis_error *error)
{
	return duis_fast_engine_prepare(
		((struct fast *)state)->engine, signed_digest, signature, error);
}

static void fast_mismatch(void *state, struct duis_error *error)
{
	duis_fast_engine_mismatch(((struct fast *)state)->engine, error);
}

static void fast_digest(void *state, uint8_t document[32], uint8_t signed_info[32])
{
	duis_fast_engine_digest(((struct fast *)state)->engine, document, signed_info);
}

static const uint8_t *fast_canonical(void *state, size_t *length)
{
	struct fast *fast = state;
	int64_t count = duis_fast_engine_digested(fast->engine, fast->text, fast->capacity);

	*length = count > 0 ? (size_t)count : 0;
	return fast->text;
}

static const uint8_t *fast_signed_info(void *state, size_t *length)
{
	struct fast *fast = state;
	int64_t count = duis_fast_engine_signed_info(fast->engine, fast->text, fast->capacity);

	*length = count > 0 ? (size_t)count : 0;
	return fast->text;
}

static bool fast_fits(void *state, size_t length)
{
	struct fast *fast = state;
	/* Of its exact size, so that a sanitizer sees every byte written behind the end. */
	uint8_t *room = malloc(length);
	bool fits = duis_fast_engine_digested_length(fast->engine) == length &&
		    duis_fast_engine_digested(fast->engine, room, length) == (int64_t)length &&
		    memcmp(room, fast->text, length) == 0;

	free(room);
	room = malloc(length - 1);
	fits = fits && duis_fast_engine_digested(fast->engine, room, length - 1) == -ENOBUFS;
	free(room);
	return fits;
}

static void fast_destroy(void *state)
{
	struct fast *fast = state;

	duis_fast_engine_destroy(fast->engine);
	duis_fast_schemas_destroy(fast->schemas);
	free(fast->bytes);
	free(fast->aligned);
	free(fast->text);
	free(fast);
}

static bool load_image(struct fast *fast, const char *xsd_folder)
{
	char path[512];
	char reason[512];
	size_t length;

	snprintf(path, sizeof(path), "%s/%s", xsd_folder, MAIN_XSD);
	if (schema_compile(path, NULL, 0, &fast->bytes, &length, reason, sizeof(reason)) != 0) {
		fprintf(stderr, "%s\n", reason);
		return false;
	}
	fast->aligned = aligned_alloc(64, (length + 63) / 64 * 64);
	memcpy(fast->aligned, fast->bytes, length);
	if (duis_image_check(fast->aligned, length, &fast->image, reason, sizeof(reason)) != 0) {
		fprintf(stderr, "%s\n", reason);
		return false;
	}
	return true;
}

static bool create_fast(struct engine *engine, const char *name, const char *xsd_folder)
{
	struct fast *fast = buffer_allocate(sizeof(*fast));
	struct duis_fast_source sources[2] = {{.version = "5.1"}, {.version = "5.4"}};
	char reason[512];

	if (!load_image(fast, xsd_folder))
		return false;
	sources[0].image = sources[1].image = &fast->image;
	fast->schemas = duis_fast_schemas_create(sources, 2, reason, sizeof(reason));
	if (fast->schemas == NULL) {
		fprintf(stderr, "%s\n", reason);
		return false;
	}
	fast->engine = duis_fast_engine_create(fast->schemas, ENGINE_DOCUMENT_BYTES_MAX);
	fast->capacity = 2 * ENGINE_DOCUMENT_BYTES_MAX;
	fast->text = buffer_allocate(fast->capacity);
	for (int variant = 0; variant < DUIS_FAST_VARIANT_COUNT; variant++)
		if (strncmp(name, "fast-", 5) == 0 &&
			strcmp(name + 5, duis_fast_variant_name(variant)) == 0 &&
			duis_fast_engine_set_variant(fast->engine, variant) != 0) {
			fprintf(stderr, "%s: this machine cannot run it\n", name);
			fast_destroy(fast);
			return false;
		}
	*engine = (struct engine){
		.name = name,
		.state = fast,
		.read = fast_read,
		.check_profile = fast_check_profile,
		.verify = fast_verify,
		.prepare = fast_prepare,
		.mismatch = fast_mismatch,
		.canonical = fast_canonical,
		.signed_info = fast_signed_info,
		.digest = fast_digest,
		.fits = fast_fits,
		.destroy = fast_destroy,
	};
	return true;
}

#endif

bool engine_create(struct engine *engine, const char *name, const char *xsd_folder)
{
	if (strcmp(name, "reference") == 0)
		return create_reference(engine, xsd_folder);
#ifdef DIFFERENTIAL_FAST
	if (strcmp(name, "fast") == 0 || strncmp(name, "fast-", 5) == 0)
		return create_fast(engine, name, xsd_folder);
#endif
	fprintf(stderr, "no engine %s; there are: %s\n", name, engine_names());
	return false;
}

const char *engine_names(void)
{
#ifdef DIFFERENTIAL_FAST
	return "reference, fast, fast-scalar, fast-avx2, fast-avx512";
#else
	return "reference";
#endif
}
