/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DUIS engine as the gateway uses it: bytes in, a checked and described document out. There are
 * two behind it, with the same verdicts: the fast one (fast.h) and the reference (reference.h). The
 * steps are several, because the key depends on what the document says, and because signatures are
 * judged cheaper by the burst:
 *
 *     duis_engine_read()           well-formed, known version, valid against the schema, described
 *     duis_engine_check_profile()  the signature is of the one form that is accepted
 *     (the caller finds the certificate by originator, issuer and serial)
 *     duis_engine_prepare()        the digest is that of the document; what ECDSA is to judge
 *     (the caller collects what came in, then p256_verify_batch())
 *
 * An engine belongs to one thread at a time; the schemas behind it are read-only and shared.
 */
#ifndef DUIS_ENGINE_H
#define DUIS_ENGINE_H

#include "dataplane/duis/document.h"

enum duis_engine_kind {
	DUIS_ENGINE_FAST = 0,	   /* schema images, SIMD */
	DUIS_ENGINE_REFERENCE = 1, /* libxml2 and OpenSSL */
};

/* The word for a kind, as in the configuration: "fast" or "reference". */
const char *duis_engine_kind_name(enum duis_engine_kind kind);

/* The schemas of all configured versions, for engines of one kind; immutable. */
struct duis_schemas;

/* Load the schemas of `count` sources (1 .. DUIS_SCHEMA_VERSIONS_MAX): the images for the fast
 * engine, the XSD files for the reference. Sources that name the same files share what is made of
 * them. Start-up and reload only: allocates, reads files, takes milliseconds (fast) to seconds. On
 * failure returns NULL, sets errno and writes one line with the file's name into `reason`. */
struct duis_schemas *duis_schemas_create(enum duis_engine_kind kind,
	const struct duis_schema_source *sources, size_t count, char *reason, size_t reason_size);

/* No engine may be at work on them any more. NULL is fine. */
void duis_schemas_destroy(struct duis_schemas *schemas);

enum duis_engine_kind duis_schemas_kind(const struct duis_schemas *schemas);

/* Index (0 .. count-1) of the source whose version equals the decimal text `version` (length bytes,
 * surrounding white space allowed) in value, or -1. Any thread. */
int duis_schemas_find(const struct duis_schemas *schemas, const char *version, size_t length);

/* The version text of source `index` as configured. Any thread. */
const char *duis_schemas_version(const struct duis_schemas *schemas, int index);

/* The checksum that names the image of source `index` (DUIS_CHECKSUM_SIZE octets), or NULL for the
 * reference, which has no images. Any thread. */
const uint8_t *duis_schemas_checksum(const struct duis_schemas *schemas, int index);

struct duis_engine;

/* Create an engine over `schemas` (borrowed) of their kind, for documents of at most
 * `document_bytes_max` bytes. The fast engine takes all its memory here, about 2.5 times that.
 * Returns NULL with errno when memory is short. */
struct duis_engine *duis_engine_create(
	const struct duis_schemas *schemas, uint32_t document_bytes_max);
void duis_engine_destroy(struct duis_engine *engine);

/* What runs: "avx512", "avx2" or "scalar"; "libxml2" for the reference. */
const char *duis_engine_variant(const struct duis_engine *engine);

/* From now on judge by `schemas` (borrowed): of the same kind, with the same versions in the same
 * order. Nothing of the former ones is looked at, so they may be gone already. The document read
 * last is forgotten. Costs next to nothing when the schemas are those in use. */
void duis_engine_set_schemas(struct duis_engine *engine, const struct duis_schemas *schemas);

/* Read the document in bytes[0 .. length). Returns 0 and fills *document, or -EBADMSG and fills
 * *error (code, offset, path, rule) with the first error. Never logs; `bytes` must stay unchanged
 * until the last other call about this document. -ENOMEM when memory is short (nothing is said
 * about the document then; the reference alone). A missing signature is no error here
 * (has_signature = false): the schema allows it. */
int duis_engine_read(struct duis_engine *engine, const uint8_t *bytes, uint32_t length,
	struct duis_document *document, struct duis_error *error);

/* Is the signature of the document read last of the pinned form (doc/signature-profile.md)? Returns
 * 0, or -EBADMSG with *error. document.issuer and .serial are meaningful only after it returned 0.
 */
int duis_engine_check_profile(struct duis_engine *engine, struct duis_error *error);

/* Check the profile and the digest over the document's inclusive canonical form, and give what is
 * left to judge: the SHA-256 of SignedInfo's exclusive canonical form, and r, s. Returns 0,
 * -EBADMSG with *error, or -ENOMEM (the reference alone). */
int duis_engine_prepare(struct duis_engine *engine, uint8_t signed_digest[DUIS_SIGNED_DIGEST_SIZE],
	uint8_t signature[DUIS_SIGNATURE_SIZE], struct duis_error *error);

/* The error to report when the signature of the document read last, which was prepared, is not that
 * of the key. */
void duis_engine_mismatch(struct duis_engine *engine, struct duis_error *error);

/* The octets that the digest covers: the inclusive canonical form of the document read last,
 * without its signature. Their number, and a copy in out[0 .. capacity); the second returns the
 * number too, or -ENOBUFS when capacity is less. */
size_t duis_engine_digested_length(struct duis_engine *engine);
int64_t duis_engine_digested(struct duis_engine *engine, uint8_t *out, size_t capacity);

#endif
