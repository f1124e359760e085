/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference engine: the functions of engine.h in libxml2 and OpenSSL, the plain way. It is the
 * judge of the fast one, and can take its place (`engine: reference`).
 *
 *     duis_reference_engine_read()    well-formed, known version, valid, described
 *     (the caller finds the certificate by originator, issuer and serial)
 *     duis_reference_engine_verify()  pinned signature profile, digest, signature
 */
#ifndef DUIS_REFERENCE_H
#define DUIS_REFERENCE_H

#include "dataplane/duis/document.h"

/* Compiled schemas, one for each version; immutable. */
struct duis_reference_schemas;

/* Compile the XSD files of `count` sources (1 .. DUIS_SCHEMA_VERSIONS_MAX). Sources that name the
 * same XSD and overlays share one compiled schema. Start-up and reload only; allocates; reads
 * files. On failure returns NULL, sets errno and writes "file:line:column: reason" into `reason`
 * (reason_size bytes). The caller frees the result with duis_reference_schemas_destroy(). */
struct duis_reference_schemas *duis_reference_schemas_create(
	const struct duis_schema_source *sources, size_t count, char *reason, size_t reason_size);
void duis_reference_schemas_destroy(struct duis_reference_schemas *schemas);

/* As duis_schemas_find() and duis_schemas_version(). Any thread. */
int duis_reference_schemas_find(
	const struct duis_reference_schemas *schemas, const char *version, size_t length);
const char *duis_reference_schemas_version(const struct duis_reference_schemas *schemas, int index);

struct duis_reference_engine;

/* As duis_engine_create(). It allocates while it reads. */
struct duis_reference_engine *duis_reference_engine_create(
	const struct duis_reference_schemas *schemas, uint32_t document_bytes_max);
void duis_reference_engine_destroy(struct duis_reference_engine *engine);

/* As duis_engine_set_schemas(). */
void duis_reference_engine_set_schemas(
	struct duis_reference_engine *engine, const struct duis_reference_schemas *schemas);

/* As duis_engine_read(). */
int duis_reference_engine_read(struct duis_reference_engine *engine, const uint8_t *bytes,
	uint32_t length, struct duis_document *document, struct duis_error *error);

/* As duis_engine_check_profile(). */
int duis_reference_engine_check_profile(
	struct duis_reference_engine *engine, struct duis_error *error);

/* Verify the signature of the document read last with `key` (P-256 public key): the pinned profile,
 * the digest over the inclusive canonical form (doc/signature-profile.md), the ECDSA signature over
 * the exclusive canonical form of SignedInfo, all with OpenSSL's plain functions. Returns 0, or
 * -EBADMSG with *error. */
int duis_reference_engine_verify(
	struct duis_reference_engine *engine, EVP_PKEY *key, struct duis_error *error);

/* As duis_engine_prepare() and duis_engine_mismatch(). */
int duis_reference_engine_prepare(struct duis_reference_engine *engine,
	uint8_t signed_digest[DUIS_SIGNED_DIGEST_SIZE], uint8_t signature[DUIS_SIGNATURE_SIZE],
	struct duis_error *error);
void duis_reference_engine_mismatch(struct duis_reference_engine *engine, struct duis_error *error);

/* The inclusive canonical form, without its signature, of the document read last: *length octets
 * that stay until the next read. */
const uint8_t *duis_reference_engine_digested(
	const struct duis_reference_engine *engine, uint32_t *length);

#endif
