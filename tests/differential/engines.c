/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differential/buffer.h"
#include "tests/differential/engines.h"

#define MAIN_XSD "DUIS Schema V5.1.xsd"

/* ---- the reference ---- */

struct reference {
	struct duis_schemas *schemas;
	struct duis_engine *engine;
	const uint8_t *digested;
	size_t digested_length;
};

static int reference_read(void *state, const uint8_t *bytes, uint32_t length,
	struct duis_document *document, struct duis_error *error)
{
	struct reference *reference = state;
	int result = duis_engine_read(reference->engine, bytes, length, document, error);

	reference->digested = document->digested;
	reference->digested_length = document->digested_length;
	return result;
}

static int reference_check_profile(void *state, struct duis_error *error)
{
	return duis_engine_check_profile(((struct reference *)state)->engine, error);
}

static int reference_verify(void *state, EVP_PKEY *key, struct duis_error *error)
{
	return duis_engine_verify(((struct reference *)state)->engine, key, error);
}

static const uint8_t *reference_canonical(void *state, size_t *length)
{
	struct reference *reference = state;

	*length = reference->digested_length;
	return reference->digested;
}

static void reference_destroy(void *state)
{
	struct reference *reference = state;

	duis_engine_destroy(reference->engine);
	duis_schemas_destroy(reference->schemas);
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
	reference->schemas = duis_schemas_create(sources, 2, reason, sizeof(reason));
	if (reference->schemas == NULL) {
		fprintf(stderr, "%s\n", reason);
		free(reference);
		return false;
	}
	reference->engine = duis_engine_create(reference->schemas, ENGINE_DOCUMENT_BYTES_MAX);
	*engine = (struct engine){
		.name = "reference",
		.state = reference,
		.read = reference_read,
		.check_profile = reference_check_profile,
		.verify = reference_verify,
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
		.canonical = fast_canonical,
		.signed_info = fast_signed_info,
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
