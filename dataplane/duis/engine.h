/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DUIS engine: bytes in, a checked and described document out.
 *
 * Two steps, because the key depends on what the document says:
 *
 *     duis_engine_read()    well-formed, known version, valid against the schema, described
 *     (the caller finds the certificate by originator, issuer and serial)
 *     duis_engine_verify()  pinned signature profile, digest, signature
 *
 * The reference path (libxml2 + OpenSSL) implements this interface and stays for good as the judge
 * of any faster one. An engine belongs to one thread at a time; the schemas behind it are read-only
 * and shared by all engines.
 */
#ifndef DUIS_ENGINE_H
#define DUIS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "dataplane/duis/error.h"
#include "motorway/duis_terms.h"

#define DUIS_SCHEMA_VERSIONS_MAX 16
#define DUIS_SCHEMA_FILES_MAX 8
#define DUIS_ISSUER_SIZE 512
#define DUIS_SERIAL_SIZE 20 /* octets; RFC 5280 allows no longer serial */

/* One entry of the configuration: this schemaVersion is judged by that XSD. */
struct duis_schema_source {
	char version[MW_SCHEMA_VERSION_SIZE];	     /* decimal, "5.4"; 5.1 = 5.10 = 05.1 */
	const char *xsd_path;			     /* the main schema; imports lie beside it */
	const char *overlays[DUIS_SCHEMA_FILES_MAX]; /* YAML overlay files, NULL ends the list */
};

/* Compiled schemas, one for each version; immutable after duis_schemas_create(). */
struct duis_schemas;

/* Compile the schemas of `count` sources (1 .. DUIS_SCHEMA_VERSIONS_MAX). Sources that name the
 * same XSD and overlays share one compiled schema. Start-up only; allocates; reads files. On
 * failure returns NULL, sets errno and writes "file:line:column: reason" into `reason` (reason_size
 * bytes). The caller frees the result with duis_schemas_destroy(). */
struct duis_schemas *duis_schemas_create(
	const struct duis_schema_source *sources, size_t count, char *reason, size_t reason_size);
void duis_schemas_destroy(struct duis_schemas *schemas);

/* Index (0 .. count-1) of the source whose version equals the decimal text `version` (length bytes,
 * surrounding white space allowed) in value, or -1. Any thread. */
int duis_schemas_find(const struct duis_schemas *schemas, const char *version, size_t length);

/* The version text of source `index` as configured. Any thread. */
const char *duis_schemas_version(const struct duis_schemas *schemas, int index);

enum duis_root {
	DUIS_ROOT_REQUEST = 1,
	DUIS_ROOT_RESPONSE = 2,
};

/* What the reply and the routing need of a document. All values are copies; `digested` alone points
 * into the engine and is valid until the next call on it. */
struct duis_document {
	enum duis_root root;
	int schema_index; /* which configured version; see duis_schemas_version() */
	bool has_request_id;
	bool has_response_id;
	bool has_signature;
	bool has_execution_date_time; /* anywhere in the body element: future dated */
	bool has_body;		      /* Response: ResponseMessage holds more than the references */
	struct mw_request_id request_id;
	struct mw_request_id response_id;
	uint8_t command_variant;	     /* Request: 1 .. 9 */
	char service_reference[MW_SRV_SIZE]; /* "" when absent */
	char service_reference_variant[MW_SRV_SIZE];
	char body_element[MW_ELEMENT_NAME_SIZE]; /* local name of Body's first element child; in a
						    Response with ResponseMessage: of the element
						    behind the references, "" when none */
	char response_code[MW_CODE_SIZE];	 /* Response only */
	char issuer[DUIS_ISSUER_SIZE];		 /* normalised, see duis_issuer_normalise() */
	uint8_t serial[DUIS_SERIAL_SIZE];	 /* big-endian, left padded with zeros */
	const uint8_t *digested; /* inclusive C14N 1.0 of the document without its signature */
	uint32_t digested_length;
};

struct duis_engine;

/* Create an engine over `schemas` (borrowed, must outlive it) for documents of at most
 * `document_bytes_max` bytes. Returns NULL with errno when memory is short. */
struct duis_engine *duis_engine_create(
	const struct duis_schemas *schemas, uint32_t document_bytes_max);
void duis_engine_destroy(struct duis_engine *engine);

/* Read the document in bytes[0 .. length). Returns 0 and fills *document, or -EBADMSG and fills
 * *error (code, offset, path, rule) with the first error. Never logs, never keeps `bytes` after the
 * next call; `bytes` must stay unchanged until duis_engine_verify() of this document is done.
 * -ENOMEM when memory is short (nothing is said about the document then).
 * A missing signature is no error here (has_signature = false): the schema allows it. */
int duis_engine_read(struct duis_engine *engine, const uint8_t *bytes, uint32_t length,
	struct duis_document *document, struct duis_error *error);

/* Verify the signature of the document read last with `key` (P-256 public key): the pinned profile,
 * the digest over the inclusive canonical form (doc/signature-profile.md), the ECDSA signature over
 * the exclusive canonical form of SignedInfo. Returns 0, or -EBADMSG with *error. */
int duis_engine_verify(struct duis_engine *engine, EVP_PKEY *key, struct duis_error *error);

/* The profile part of duis_engine_verify() alone, for a document whose certificate is not yet
 * known: 0, or -EBADMSG with *error. document.issuer and .serial are meaningful only after it
 * returned 0. */
int duis_engine_check_profile(struct duis_engine *engine, struct duis_error *error);

/* Normalise an RFC 2253 / RFC 4514 distinguished name (length bytes of UTF-8) for comparison: order
 * as in the text, attribute types upper-cased, "OID." removed and well-known OIDs replaced by their
 * names, blanks around separators removed, values unescaped, case-folded (ASCII) with inner white
 * space collapsed, joined by 0x1f. Returns the length written (without NUL) or -EBADMSG.
 * `out` takes DUIS_ISSUER_SIZE bytes. Pure. */
int duis_issuer_normalise(const char *text, size_t length, char *out);

/* The same normal form of an X.509 certificate's issuer (`der`: DER of the certificate), its serial
 * number, its subject EUI-64 (x500UniqueIdentifier, OID 2.5.4.45: BIT STRING 00 + 8 octets) and its
 * public key. For control and admin threads; allocates. Returns 0, -EBADMSG when the DER is no
 * X.509 certificate or its key is not on P-256, -ENOENT when the subject holds no EUI-64. The
 * caller frees *key with EVP_PKEY_free(). */
int duis_certificate_read(const uint8_t *der, size_t der_length, char issuer[DUIS_ISSUER_SIZE],
	uint8_t serial[DUIS_SERIAL_SIZE], uint64_t *eui, EVP_PKEY **key);

#endif
