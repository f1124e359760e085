/* SPDX-License-Identifier: Apache-2.0 */
/* Creation of the fast engine, and the way of a document through it. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "dataplane/duis/fast_core.h"

/* ---- variants ---- */

const char *duis_fast_variant_name(enum duis_fast_variant variant)
{
	static const char *const names[DUIS_FAST_VARIANT_COUNT] = {"scalar", "avx2", "avx512"};

	return names[variant];
}

bool duis_fast_variant_available(enum duis_fast_variant variant)
{
	switch (variant) {
	case DUIS_FAST_SCALAR:
		return true;
#ifdef FAST_HAVE_AVX
	case DUIS_FAST_AVX2:
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
		       __builtin_cpu_supports("bmi");
	case DUIS_FAST_AVX512:
		return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
		       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("bmi2") &&
		       __builtin_cpu_supports("bmi");
#endif
	default:
		return false;
	}
}

enum duis_fast_variant duis_fast_variant_best(void)
{
	enum duis_fast_variant variant = DUIS_FAST_AVX512;

	while (!duis_fast_variant_available(variant))
		variant--;
	return variant;
}

/* ---- schemas ---- */

static const struct {
	const char *name;
	enum fast_role role;
	bool dsig;
} role_names[] = {
#define ROLE(name, text) {text, FAST_ROLE_##name, false},
	FAST_DUIS_ROLES(ROLE)
#undef ROLE
#define ROLE(name, text) {text, FAST_ROLE_##name, true},
		FAST_DSIG_ROLES(ROLE)
#undef ROLE
};

static uint32_t find_namespace(const struct duis_image *image, const char *uri)
{
	for (uint32_t index = 0; index < image->counts[MW_IMAGE_NAMESPACES]; index++)
		if (image->namespaces[index].length == strlen(uri) &&
			memcmp(image->text + image->namespaces[index].offset, uri, strlen(uri)) ==
				0)
			return index;
	return MW_IMAGE_NONE;
}

static uint32_t find_symbol(const struct duis_image *image, const char *name, uint32_t name_space)
{
	if (name_space == MW_IMAGE_NONE)
		return MW_IMAGE_NONE;
	return duis_image_symbol(image, (const uint8_t *)name, (uint32_t)strlen(name), name_space);
}

static bool is_root(const struct duis_image *image, uint32_t symbol)
{
	return symbol != MW_IMAGE_NONE && image->symbols[symbol].global_type != MW_IMAGE_NONE;
}

/* Find the elements that the engine knows by name. Returns 0, -ENOMEM or -EBADMSG. */
static int find_roles(struct fast_schema *schema)
{
	const struct duis_image *image = &schema->image;
	uint32_t dsig = find_namespace(image, FAST_DSIG_NAMESPACE);

	schema->duis_namespace = find_namespace(image, FAST_SCHEMA_NAMESPACE);
	schema->request_symbol = find_symbol(image, "Request", schema->duis_namespace);
	schema->response_symbol = find_symbol(image, "Response", schema->duis_namespace);
	if (!is_root(image, schema->request_symbol) || !is_root(image, schema->response_symbol))
		return -EBADMSG;
	schema->symbol_roles = calloc(image->counts[MW_IMAGE_SYMBOLS], 1);
	schema->transition_roles = calloc(image->counts[MW_IMAGE_TRANSITIONS] + 1, 1);
	if (schema->symbol_roles == NULL || schema->transition_roles == NULL)
		return -ENOMEM;
	for (size_t index = 0; index < sizeof(role_names) / sizeof(role_names[0]); index++) {
		uint32_t symbol = find_symbol(image, role_names[index].name,
			role_names[index].dsig ? dsig : schema->duis_namespace);

		if (symbol != MW_IMAGE_NONE)
			schema->symbol_roles[symbol] = (uint8_t)role_names[index].role;
	}
	for (uint32_t index = 0; index < image->counts[MW_IMAGE_SYMBOLS]; index++) {
		uint32_t name_space = image->symbols[index].name_space;

		schema->has_symbols[name_space == MW_IMAGE_NONE ? MW_IMAGE_NAMESPACES_MAX
								: name_space] = true;
	}
	for (uint32_t index = 0; index < image->counts[MW_IMAGE_TRANSITIONS]; index++)
		if (image->transitions[index].kind == MW_IMAGE_ELEMENT)
			schema->transition_roles[index] =
				schema->symbol_roles[image->transitions[index].symbol];
	return 0;
}

static int add_schema(struct duis_fast_schemas *schemas, const struct duis_fast_source *source,
	char *reason, size_t reason_size)
{
	struct fast_schema *schema = &schemas->entries[schemas->count++];
	int result = 0;

	memcpy(schema->version, source->version, sizeof(schema->version));
	schema->version[sizeof(schema->version) - 1] = '\0';
	if (source->image_path != NULL) {
		result = duis_image_open(source->image_path, &schema->image, reason, reason_size);
		schema->owned = result == 0;
	} else {
		schema->image = *source->image;
	}
	if (result != 0)
		return result;
	result = find_roles(schema);
	if (result != 0)
		snprintf(reason, reason_size, "%s%s: %s",
			source->image_path != NULL ? "" : "the image of version ",
			source->image_path != NULL ? source->image_path : schema->version,
			result == -ENOMEM ? "out of memory"
					  : "it has no elements Request and Response of DUIS");
	return result;
}

struct duis_fast_schemas *duis_fast_schemas_create(
	const struct duis_fast_source *sources, size_t count, char *reason, size_t reason_size)
{
	struct duis_fast_schemas *schemas = calloc(1, sizeof(*schemas));

	assert(count >= 1 && count <= DUIS_SCHEMA_VERSIONS_MAX);
	if (schemas == NULL) {
		snprintf(reason, reason_size, "out of memory");
		errno = ENOMEM;
		return NULL;
	}
	for (size_t index = 0; index < count; index++) {
		int result = add_schema(schemas, &sources[index], reason, reason_size);

		if (result != 0) {
			duis_fast_schemas_destroy(schemas);
			errno = -result;
			return NULL;
		}
	}
	return schemas;
}

void duis_fast_schemas_destroy(struct duis_fast_schemas *schemas)
{
	if (schemas == NULL)
		return;
	for (size_t index = 0; index < schemas->count; index++) {
		free(schemas->entries[index].symbol_roles);
		free(schemas->entries[index].transition_roles);
		if (schemas->entries[index].owned)
			duis_image_close(&schemas->entries[index].image);
	}
	free(schemas);
}

/* A decimal without sign, leading and trailing zeros: *whole digits, '.', *fraction digits. */
static bool split_version(const char *text, size_t length, struct fast_span parts[2])
{
	const char *stop = text + length;
	const char *at;

	while (text < stop && strchr(" \t\r\n", *text) != NULL)
		text++;
	while (stop > text && strchr(" \t\r\n", stop[-1]) != NULL)
		stop--;
	text += text < stop && *text == '+';
	at = text;
	while (at < stop && *at >= '0' && *at <= '9')
		at++;
	parts[0] = (struct fast_span){(const uint8_t *)text, (uint32_t)(at - text)};
	parts[1] = (struct fast_span){(const uint8_t *)at, 0};
	if (at < stop && *at == '.') {
		text = ++at;
		while (at < stop && *at >= '0' && *at <= '9')
			at++;
		parts[1] = (struct fast_span){(const uint8_t *)text, (uint32_t)(at - text)};
	}
	if (at != stop || parts[0].length + parts[1].length == 0)
		return false;
	while (parts[0].length > 0 && *parts[0].at == '0') {
		parts[0].at++;
		parts[0].length--;
	}
	while (parts[1].length > 0 && parts[1].at[parts[1].length - 1] == '0')
		parts[1].length--;
	return true;
}

int duis_fast_schemas_find(
	const struct duis_fast_schemas *schemas, const char *version, size_t length)
{
	struct fast_span wanted[2];
	struct fast_span own[2];

	/* As configured, letter for letter: nearly always. */
	for (size_t index = 0; index < schemas->count; index++)
		if (strcmp(schemas->entries[index].version, DUIS_ANY_VERSION) == 0 ||
			(strlen(schemas->entries[index].version) == length &&
				memcmp(schemas->entries[index].version, version, length) == 0))
			return (int)index;
	if (!split_version(version, length, wanted))
		return -1;
	for (size_t index = 0; index < schemas->count; index++) {
		const char *text = schemas->entries[index].version;

		if (split_version(text, strlen(text), own) && own[0].length == wanted[0].length &&
			own[1].length == wanted[1].length &&
			memcmp(own[0].at, wanted[0].at, own[0].length) == 0 &&
			memcmp(own[1].at, wanted[1].at, own[1].length) == 0)
			return (int)index;
	}
	return -1;
}

const char *duis_fast_schemas_version(const struct duis_fast_schemas *schemas, int index)
{
	assert(index >= 0 && (size_t)index < schemas->count);
	return schemas->entries[index].version;
}

/* ---- the engine ---- */

struct duis_fast_engine *duis_fast_engine_create(
	const struct duis_fast_schemas *schemas, uint32_t document_bytes_max)
{
	struct duis_fast_engine *engine = calloc(1, sizeof(*engine));

	assert(schemas != NULL && document_bytes_max <= INT32_MAX);
	if (engine == NULL)
		return NULL;
	engine->schemas = schemas;
	engine->document_bytes_max = document_bytes_max;
	engine->variant = duis_fast_variant_best();
	if (RAND_bytes((unsigned char *)engine->seeds, sizeof(engine->seeds)) != 1) {
		free(engine);
		errno = EIO;
		return NULL;
	}
	engine->seeds[1] |= 1;
	/* Resolved text is never longer than the document. */
	engine->scratch_size = document_bytes_max + 64;
	engine->scratch = malloc(engine->scratch_size);
	engine->collapsed = malloc((size_t)document_bytes_max + 64);
	/* At most one stretch in 64 bytes, and those that the signatures' borders divide. */
	engine->dirty = malloc(
		(document_bytes_max / 64 + 2 + 2 * FAST_BARRIERS_MAX) * sizeof(*engine->dirty));
	/* An attribute takes five bytes at least. */
	engine->order = malloc((size_t)document_bytes_max / 2 + 64);
	engine->ids = calloc(2 * FAST_IDS_MAX, sizeof(*engine->ids));
	if (engine->scratch == NULL || engine->collapsed == NULL || engine->dirty == NULL ||
		engine->order == NULL || engine->ids == NULL) {
		duis_fast_engine_destroy(engine);
		errno = ENOMEM;
		return NULL;
	}
	return engine;
}

void duis_fast_engine_destroy(struct duis_fast_engine *engine)
{
	if (engine == NULL)
		return;
	free(engine->scratch);
	free(engine->collapsed);
	free(engine->dirty);
	free(engine->order);
	free(engine->ids);
	free(engine);
}

int duis_fast_engine_set_variant(struct duis_fast_engine *engine, enum duis_fast_variant variant)
{
	if (!duis_fast_variant_available(variant))
		return -ENOTSUP;
	engine->variant = variant;
	return 0;
}

void duis_fast_engine_set_schemas(
	struct duis_fast_engine *engine, const struct duis_fast_schemas *schemas)
{
	/* What was kept of earlier documents speaks of the old images: all of it goes. Only the
	 * memory stays, and the generation, which tells the identifiers of one document from
	 * another's. */
	const struct duis_fast_engine before = {
		.document_bytes_max = engine->document_bytes_max,
		.variant = engine->variant,
		.scratch = engine->scratch,
		.scratch_size = engine->scratch_size,
		.collapsed = engine->collapsed,
		.ids = engine->ids,
		.generation = engine->generation,
		.seeds = {engine->seeds[0], engine->seeds[1]},
		.dirty = engine->dirty,
		.order = engine->order,
		.schemas = schemas,
	};

	*engine = before;
}

static void reset(struct duis_fast_engine *engine, const uint8_t *bytes, uint32_t length,
	struct duis_error *error)
{
	error->code = DUIS_OK;
	error->path[0] = '\0';
	error->rule[0] = '\0';
	engine->bytes = bytes;
	engine->end = bytes + length;
	/* Until the root says which; names of namespaces are looked up in it. */
	engine->schema = &engine->schemas->entries[0];
	engine->image = &engine->schema->image;
	engine->error = error;
	/* A document that broke off may have left prefixes of inner declarations. */
	if (!engine->readable)
		engine->root_before = NULL;
	engine->invalid = false;
	engine->tracked = true;
	engine->again = false;
	engine->returns = false;
	engine->readable = false;
	engine->root = 0;
	engine->depth = 0;
	/* The lists are empty when those of the last document are. */
	while (engine->binding_count > 0)
		engine->binding_slots[engine->bindings[--engine->binding_count].slot] = 0;
	engine->scratch_used = 0;
	engine->id_count = 0;
	engine->generation++;
	engine->root_start = 0;
	engine->root_end = 0;
	engine->outer_instructions = false;
	engine->dirty_count = 0;
	engine->dirty_barrier = 0;
	engine->root_children = 0;
	engine->order_used = 0;
	memset(engine->values, 0, sizeof(engine->values));
	engine->body_child.at = NULL;
	engine->message_child.at = NULL;
	engine->body = (struct fast_span){bytes, 0};
	engine->body_open = false;
	engine->is_response_message = false;
	engine->in_first_child = false;
	engine->signature_count = 0;
	engine->other_signature = 0;
	engine->root_signatures = 0;
	engine->recalled = NULL;
	engine->in_signature = false;
	engine->instruction_behind = false;
	engine->signature_bindings = 0;
	for (unsigned role = FAST_ROLE_FIRST_DSIG; role < FAST_ROLE_COUNT; role++)
		engine->parts[role].count = 0;
}

static int parse(struct duis_fast_engine *engine)
{
#ifdef FAST_HAVE_AVX
	if (engine->variant == DUIS_FAST_AVX512)
		return fast_parse_avx512(engine);
	if (engine->variant == DUIS_FAST_AVX2)
		return fast_parse_avx2(engine);
#endif
	return fast_parse_scalar(engine);
}

static int refuse(
	struct duis_error *error, enum duis_error_code code, uint64_t offset, const char *rule)
{
	*error = (struct duis_error){.code = code, .offset = offset};
	snprintf(error->rule, sizeof(error->rule), "%s", rule);
	return -EBADMSG;
}

int duis_fast_engine_read(struct duis_fast_engine *engine, const uint8_t *bytes, uint32_t length,
	struct duis_document *document, struct duis_error *error)
{
	int result;

	engine->tracked_all = false;
	reset(engine, bytes, length, error);
	memset(document, 0, sizeof(*document));
	if (length == 0)
		return refuse(error, DUIS_ERROR_EMPTY, 0, "the body is empty");
	if (length > engine->document_bytes_max)
		return refuse(error, DUIS_ERROR_TOO_LARGE, engine->document_bytes_max,
			"the document is larger than the engine's limit");
	result = parse(engine);
	if (result == 0 && engine->again) {
		engine->tracked_all = true;
		reset(engine, bytes, length, error);
		result = parse(engine);
	}
	if (result == 0)
		result = fast_describe(engine, document);
	engine->readable = result == 0;
	if (result == 0 && engine->parts[FAST_ROLE_SIGNATURE].count > 0)
		fast_read_signer(engine, document);
	return result;
}
