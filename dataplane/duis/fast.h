/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast engine: the functions of engine.h over schema images instead of libxml2. One pass over
 * the bytes parses, validates and notes the spans of everything that later stages need; canonical
 * forms are hashed as runs of the document's own bytes. It does no I/O and allocates nothing after
 * creation. doc/engine.md explains it.
 *
 * Verdicts are those of the reference engine; where that one follows libxml2 away from the
 * standards, doc/engine.md lists the clause. For tests and benches:
 *
 *     duis_fast_engine_read()      = parse + validate + extract
 *     duis_fast_engine_digested()  = inclusive canonical form, written out
 *     duis_fast_engine_signed_info() = exclusive canonical form of SignedInfo, written out
 *     duis_fast_engine_digest()    = both canonical forms, hashed
 *     duis_fast_engine_verify()    = profile, both digests, ECDSA
 *     duis_fast_variant_*()        = which SIMD variant runs; all must agree
 */
#ifndef DUIS_FAST_H
#define DUIS_FAST_H

#include <stdint.h>

#include "dataplane/duis/document.h"
#include "dataplane/duis/image.h"

/* Builds of the parser, from one source. */
enum duis_fast_variant {
	DUIS_FAST_SCALAR = 0,
	DUIS_FAST_AVX2 = 1,
	DUIS_FAST_AVX512 = 2,
	DUIS_FAST_VARIANT_COUNT,
};

/* Name of a variant ("scalar", "avx2", "avx512"). */
const char *duis_fast_variant_name(enum duis_fast_variant variant);

/* Whether this machine (and this build) can run it; the scalar one always can. */
bool duis_fast_variant_available(enum duis_fast_variant variant);

/* The best available one: what duis_fast_engine_create() chooses. */
enum duis_fast_variant duis_fast_variant_best(void);

/* One entry of the configuration: this schemaVersion is judged by that image. */
struct duis_fast_source {
	char version[MW_SCHEMA_VERSION_SIZE]; /* decimal, or DUIS_ANY_VERSION */
	const char *image_path;
	const struct duis_image *image; /* used instead when image_path is NULL; borrowed */
};

struct duis_fast_schemas;

/* Load the images of `count` sources (1 .. DUIS_SCHEMA_VERSIONS_MAX). Start-up and reload only. On
 * failure returns NULL, sets errno and writes one line into `reason`. */
struct duis_fast_schemas *duis_fast_schemas_create(
	const struct duis_fast_source *sources, size_t count, char *reason, size_t reason_size);
void duis_fast_schemas_destroy(struct duis_fast_schemas *schemas);

/* As duis_schemas_find() and duis_schemas_version(). Any thread. */
int duis_fast_schemas_find(
	const struct duis_fast_schemas *schemas, const char *version, size_t length);
const char *duis_fast_schemas_version(const struct duis_fast_schemas *schemas, int index);

struct duis_fast_engine;

/* As duis_engine_create(): all memory is taken here, about 2.5 times document_bytes_max. */
struct duis_fast_engine *duis_fast_engine_create(
	const struct duis_fast_schemas *schemas, uint32_t document_bytes_max);
void duis_fast_engine_destroy(struct duis_fast_engine *engine);

/* Choose another variant than the best one, for tests and benches. -ENOTSUP when this machine
 * cannot run it. */
int duis_fast_engine_set_variant(struct duis_fast_engine *engine, enum duis_fast_variant variant);

/* As duis_engine_set_schemas(). */
void duis_fast_engine_set_schemas(
	struct duis_fast_engine *engine, const struct duis_fast_schemas *schemas);

/* As duis_engine_read(). */
int duis_fast_engine_read(struct duis_fast_engine *engine, const uint8_t *bytes, uint32_t length,
	struct duis_document *document, struct duis_error *error);

/* As duis_engine_check_profile(). document.issuer and .serial were filled by read. */
int duis_fast_engine_check_profile(struct duis_fast_engine *engine, struct duis_error *error);

/* The whole check with `key` (P-256 public key): the profile, the digest, the signature with plain
 * OpenSSL. Returns 0, or -EBADMSG with *error. */
int duis_fast_engine_verify(
	struct duis_fast_engine *engine, EVP_PKEY *key, struct duis_error *error);

/* As duis_engine_prepare(): for verifiers of their own that batch signatures. */
int duis_fast_engine_prepare(struct duis_fast_engine *engine, uint8_t signed_digest[32],
	uint8_t signature[64], struct duis_error *error);

/* As duis_engine_mismatch(). */
void duis_fast_engine_mismatch(struct duis_fast_engine *engine, struct duis_error *error);

/* As duis_engine_digested_length() and duis_engine_digested(): the inclusive canonical form of the
 * document read last, without its signature. */
size_t duis_fast_engine_digested_length(struct duis_fast_engine *engine);
int64_t duis_fast_engine_digested(struct duis_fast_engine *engine, uint8_t *out, size_t capacity);

/* Write the exclusive canonical form of the document's SignedInfo. Returns its length, -ENOBUFS, or
 * -ENOENT when there is no signature. */
int64_t duis_fast_engine_signed_info(
	struct duis_fast_engine *engine, uint8_t *out, size_t capacity);

/* SHA-256 of the two canonical forms; the second stays unchanged without a signature. */
void duis_fast_engine_digest(struct duis_fast_engine *engine, uint8_t document_digest[32],
	uint8_t signed_info_digest[32]);

#endif
