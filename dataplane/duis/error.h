/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one list of input errors. Bad input is data, not failure: every function that reads foreign
 * bytes reports {code, offset} from this list, and nothing else about the input.
 */
#ifndef DUIS_ERROR_H
#define DUIS_ERROR_H

#include <stddef.h>
#include <stdint.h>

/* X(NAME, "text-name", "what is wrong and what is allowed") */
#define DUIS_ERRORS(X)                                                                             \
	X(EMPTY, "empty", "the body is empty; a DUIS document is expected")                        \
	X(TOO_LARGE, "too-large", "the document is larger than the engine's limit")                \
	X(ENCODING, "encoding", "the document is not UTF-8; only UTF-8 is accepted")               \
	X(DOCTYPE, "doctype", "a document type declaration is not allowed")                        \
	X(NOT_WELL_FORMED, "not-well-formed", "the document is not well-formed XML 1.0")           \
	X(ROOT, "root", "the root element must be Request or Response of the DUIS namespace")      \
	X(SCHEMA_VERSION, "schema-version", "schemaVersion is missing or names no schema in use")  \
	X(SCHEMA, "schema", "the document does not match the DUIS schema")                         \
	X(SIGNATURE_MISSING, "signature-missing", "the document carries no ds:Signature")          \
	X(SIGNATURE_PLACE, "signature-place", "ds:Signature must be the last child of the root")   \
	X(SIGNATURE_ALGORITHM, "signature-algorithm",                                              \
		"canonicalisation, signature or digest algorithm is not the one of the profile")   \
	X(SIGNATURE_REFERENCE, "signature-reference",                                              \
		"exactly one ds:Reference with URI=\"\" is allowed")                               \
	X(SIGNATURE_TRANSFORM, "signature-transform",                                              \
		"the one transform allowed is enveloped-signature")                                \
	X(SIGNATURE_OBJECT, "signature-object", "ds:Object is not allowed")                        \
	X(SIGNATURE_KEY_INFO, "signature-key-info",                                                \
		"ds:KeyInfo must be one X509Data with one X509IssuerSerial")                       \
	X(SIGNATURE_VALUE, "signature-value", "SignatureValue must be 64 octets, r and s")         \
	X(DIGEST_MISMATCH, "digest-mismatch", "the digest is not that of the document")            \
	X(SIGNATURE_MISMATCH, "signature-mismatch", "the signature is not that of the key")

enum duis_error_code {
	DUIS_OK = 0,
#define DUIS_ERROR_ENUM(name, text, meaning) DUIS_ERROR_##name,
	DUIS_ERRORS (DUIS_ERROR_ENUM)
#undef DUIS_ERROR_ENUM
	DUIS_ERROR_COUNT,
};

/* Longest element path and rule text that are kept. A rule is cut at its end; a path ends in "/..."
 * in place of the first element (or attribute) that does not fit, and of all behind it. */
#define DUIS_PATH_SIZE 192
#define DUIS_PATH_CUT "/..."
#define DUIS_RULE_SIZE 256

/* The first error of a document. `path` holds element names only (never text of the document other
 * than names) such as "/sr:Request/sr:Header/sr:CommandVariant"; `rule` says which rule was broken
 * and what is allowed, without quoting the document's values. */
struct duis_error {
	enum duis_error_code code;
	uint64_t offset; /* bytes from the start of the document */
	char path[DUIS_PATH_SIZE];
	char rule[DUIS_RULE_SIZE];
};

/* Append one step, such as "/sr:Body" or "/@schemaVersion", to path[0 .. used); all of it or, when
 * it does not fit, DUIS_PATH_CUT. Begin with used = 0 and path[0] = '\0'. Returns the new `used`,
 * which is DUIS_PATH_SIZE when the path was cut; nothing more is appended then. Any thread. */
size_t duis_path_add(char path[DUIS_PATH_SIZE], size_t used, const char *step, size_t length);

/* The stable text name of a code, such as "digest-mismatch"; "ok" for DUIS_OK. Any thread. */
const char *duis_error_name(enum duis_error_code code);

/* What the code means and what is allowed, one sentence. Any thread. */
const char *duis_error_meaning(enum duis_error_code code);

#endif
