/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engines say about a document, and the names in certificates that it is compared with.
 */
#ifndef DUIS_DOCUMENT_H
#define DUIS_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "dataplane/duis/error.h"
#include "motorway/duis_terms.h"

#define DUIS_SCHEMA_VERSIONS_MAX 16
#define DUIS_SCHEMA_FILES_MAX 8 /* overlays of one schema */
#define DUIS_ISSUER_SIZE 512
#define DUIS_SERIAL_SIZE 20 /* octets; RFC 5280 allows no longer serial */

#define DUIS_CHECKSUM_SIZE 32 /* of a schema image */
#define DUIS_SIGNED_DIGEST_SIZE 32
#define DUIS_SIGNATURE_SIZE 64 /* r, s */

/* A version that every document has, for tools that judge files by one schema. */
#define DUIS_ANY_VERSION "*"

/* One entry of the configuration: what judges documents of this schemaVersion. The fast engine
 * needs the image, the reference engine the XSD. */
struct duis_schema_source {
	char version[MW_SCHEMA_VERSION_SIZE]; /* decimal, "5.4"; 5.1 = 5.10 = 05.1 */
	const char *image_path;		      /* the schema image, or NULL */
	const char *xsd_path;		      /* the main schema, or NULL; imports lie beside it */
	const char *overlays[DUIS_SCHEMA_FILES_MAX]; /* YAML overlay files, NULL ends the list */
};

enum duis_root {
	DUIS_ROOT_REQUEST = 1,
	DUIS_ROOT_RESPONSE = 2,
};

/* What the reply and the routing need of a document: copies, none of them refers to its bytes. */
struct duis_document {
	enum duis_root root;
	int schema_index; /* which configured version; see duis_schemas_version() */
	bool has_request_id;
	bool has_response_id;
	bool has_signature;
	bool has_execution_date_time; /* anywhere in the body element: future dated */
	bool has_body;		      /* Response: ResponseMessage holds more than the references */
	bool has_period; /* Request: a ReadLogPeriod in the body element, the first one */
	int64_t period_start_s, period_end_s; /* s since 1970 UTC, rounded outwards; without a zone
						 the document means UTC */
	int64_t execution_s;		      /* of the first ExecutionDateTime, rounded down */
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
};

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
