/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature: the pinned profile (see profile.h for it), the two digests, ECDSA. What the
 * profile needs was noted by the parser while it checked the same bytes against the schema, which
 * fixes the order of the elements; here only the notes are looked at.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "dataplane/duis/base64.h"
#include "dataplane/duis/fast_core.h"

#define EXCLUSIVE_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
#define ENVELOPED "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define SHA256_URI "http://www.w3.org/2001/04/xmlenc#sha256"

static int breach(const struct duis_fast_engine *engine, struct duis_error *error,
	enum duis_error_code code, enum fast_role role, const char *rule)
{
	static const char *const names[FAST_ROLE_COUNT] = {
#define NAME(name, text) [FAST_ROLE_##name] = text,
		FAST_DUIS_ROLES(NAME) FAST_DSIG_ROLES(NAME)
#undef NAME
	};
	const struct fast_part *part = &engine->parts[role];

	if (part->count == 0)
		part = &engine->parts[FAST_ROLE_SIGNATURE];
	error->code = code;
	error->offset = part->count > 0 ? part->offset : engine->root_start;
	snprintf(error->path, sizeof(error->path), "/%s%s%s%s",
		engine->root == DUIS_ROOT_REQUEST ? "Request" : "Response",
		part->count > 0 ? "/Signature" : "",
		part->count > 0 && role != FAST_ROLE_SIGNATURE ? "//" : "",
		part->count > 0 && role != FAST_ROLE_SIGNATURE ? names[role] : "");
	snprintf(error->rule, sizeof(error->rule), "%s", rule);
	return -EBADMSG;
}

static bool span_is(struct fast_span span, const char *text)
{
	return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

/* One empty element whose only attribute is `name` = `value`. */
static bool is_only(const struct fast_part *part, const char *name, const char *value)
{
	return part->count == 1 && part->children == 0 && !part->text &&
	       part->attribute_count == 1 && span_is(part->attribute_name, name) &&
	       span_is(part->attribute_value, value);
}

static bool is_bare(const struct fast_part *part)
{
	return part->count == 1 && part->attribute_count == 0;
}

/* A decimal of up to 49 digits, to 20 octets; 18 digits at a time. */
static bool read_serial(struct fast_span text, uint8_t serial[DUIS_SERIAL_SIZE])
{
	uint32_t words[6] = {0}; /* least significant first */
	bool any = false;

	for (uint32_t at = 0; at < text.length;) {
		uint64_t chunk = 0;
		uint64_t scale = 1;
		uint64_t carry;

		for (; at < text.length && scale < 1000000000; at++) {
			uint8_t byte = text.at[at];

			if (byte == '-')
				return false;
			if (byte < '0' || byte > '9')
				continue;
			any = true;
			chunk = chunk * 10 + (byte & 15);
			scale *= 10;
		}
		carry = chunk;
		for (unsigned word = 0; word < 6; word++) {
			carry += words[word] * scale;
			words[word] = (uint32_t)carry;
			carry >>= 32;
		}
		if (words[5] != 0 || carry != 0)
			return false;
	}
	for (unsigned index = 0; index < DUIS_SERIAL_SIZE; index++)
		serial[DUIS_SERIAL_SIZE - 1 - index] =
			(uint8_t)(words[index / 4] >> 8 * (index % 4));
	return any;
}

static bool find_serial(
	struct duis_fast_engine *engine, struct fast_span text, uint8_t serial[DUIS_SERIAL_SIZE])
{
	bool good;

	if (text.length == engine->serial_raw_length && text.length > 0 &&
		memcmp(text.at, engine->serial_raw, text.length) == 0) {
		memcpy(serial, engine->serial, DUIS_SERIAL_SIZE);
		return true;
	}
	good = read_serial(text, serial);
	if (good && text.length <= sizeof(engine->serial_raw)) {
		memcpy(engine->serial_raw, text.at, text.length);
		engine->serial_raw_length = text.length;
		memcpy(engine->serial, serial, DUIS_SERIAL_SIZE);
	}
	return good;
}

/* Issuers are few: the last one is kept with its normal form. */
static bool read_issuer(
	struct duis_fast_engine *engine, struct fast_span text, char issuer[DUIS_ISSUER_SIZE])
{
	int length;

	if (engine->issuer_cache.raw_length == text.length && text.length > 0 &&
		memcmp(engine->issuer_cache.raw, text.at, text.length) == 0) {
		memcpy(issuer, engine->issuer_cache.issuer, engine->issuer_cache.length + 1);
		return true;
	}
	length = duis_issuer_normalise((const char *)text.at, text.length, issuer);
	if (length <= 0)
		return false;
	if (text.length <= sizeof(engine->issuer_cache.raw)) {
		memcpy(engine->issuer_cache.raw, text.at, text.length);
		engine->issuer_cache.raw_length = text.length;
		engine->issuer_cache.length = (uint32_t)length;
		memcpy(engine->issuer_cache.issuer, issuer, (size_t)length + 1);
	}
	return true;
}

static int check_signed_info(const struct duis_fast_engine *engine, struct duis_error *error)
{
	const struct fast_part *parts = engine->parts;

	if (!is_bare(&parts[FAST_ROLE_SIGNED_INFO]))
		return breach(engine, error, DUIS_ERROR_SIGNATURE_REFERENCE, FAST_ROLE_SIGNED_INFO,
			"ds:SignedInfo must have no attributes");
	if (!is_only(&parts[FAST_ROLE_CANONICALIZATION_METHOD], "Algorithm", EXCLUSIVE_C14N))
		return breach(engine, error, DUIS_ERROR_SIGNATURE_ALGORITHM,
			FAST_ROLE_CANONICALIZATION_METHOD,
			"the canonicalisation must be " EXCLUSIVE_C14N " without prefix list");
	if (!is_only(&parts[FAST_ROLE_SIGNATURE_METHOD], "Algorithm", ECDSA_SHA256))
		return breach(engine, error, DUIS_ERROR_SIGNATURE_ALGORITHM,
			FAST_ROLE_SIGNATURE_METHOD,
			"the signature algorithm must be " ECDSA_SHA256);
	if (parts[FAST_ROLE_REFERENCE].count != 1)
		return breach(engine, error, DUIS_ERROR_SIGNATURE_REFERENCE, FAST_ROLE_REFERENCE,
			"only one ds:Reference is allowed");
	if (parts[FAST_ROLE_REFERENCE].attribute_count != 1 ||
		!span_is(parts[FAST_ROLE_REFERENCE].attribute_name, "URI") ||
		parts[FAST_ROLE_REFERENCE].attribute_value.length != 0)
		return breach(engine, error, DUIS_ERROR_SIGNATURE_REFERENCE, FAST_ROLE_REFERENCE,
			"ds:Reference must have URI=\"\" and no other attribute");
	if (!is_bare(&parts[FAST_ROLE_TRANSFORMS]))
		return breach(engine, error, DUIS_ERROR_SIGNATURE_TRANSFORM, FAST_ROLE_TRANSFORMS,
			"ds:Transforms with the one ds:Transform enveloped-signature is required");
	if (parts[FAST_ROLE_TRANSFORM].count != 1)
		return breach(engine, error, DUIS_ERROR_SIGNATURE_TRANSFORM, FAST_ROLE_TRANSFORM,
			"only one ds:Transform is allowed");
	if (!is_only(&parts[FAST_ROLE_TRANSFORM], "Algorithm", ENVELOPED))
		return breach(engine, error, DUIS_ERROR_SIGNATURE_TRANSFORM, FAST_ROLE_TRANSFORM,
			"the transform must be " ENVELOPED " without content");
	if (!is_only(&parts[FAST_ROLE_DIGEST_METHOD], "Algorithm", SHA256_URI))
		return breach(engine, error, DUIS_ERROR_SIGNATURE_ALGORITHM,
			FAST_ROLE_DIGEST_METHOD, "the digest algorithm must be " SHA256_URI);
	return 0;
}

static int check_key_info(const struct duis_fast_engine *engine, struct duis_error *error)
{
	const struct fast_part *parts = engine->parts;
	const enum duis_error_code code = DUIS_ERROR_SIGNATURE_KEY_INFO;

	if (parts[FAST_ROLE_KEY_INFO].count == 0)
		return breach(engine, error, code, FAST_ROLE_SIGNATURE, "ds:KeyInfo is missing");
	if (!is_bare(&parts[FAST_ROLE_KEY_INFO]) || parts[FAST_ROLE_KEY_INFO].children != 1 ||
		parts[FAST_ROLE_KEY_INFO].text || !is_bare(&parts[FAST_ROLE_X509_DATA]) ||
		parts[FAST_ROLE_X509_DATA].children != 1 ||
		!is_bare(&parts[FAST_ROLE_X509_ISSUER_SERIAL]))
		return breach(engine, error, code, FAST_ROLE_KEY_INFO,
			"ds:KeyInfo must hold one X509Data with one X509IssuerSerial and nothing "
			"else");
	if (!is_bare(&parts[FAST_ROLE_X509_ISSUER_NAME]) ||
		!is_bare(&parts[FAST_ROLE_X509_SERIAL_NUMBER]))
		return breach(engine, error, code, FAST_ROLE_X509_ISSUER_SERIAL,
			"X509IssuerSerial must hold X509IssuerName and X509SerialNumber");
	if (!engine->issuer_good)
		return breach(engine, error, code, FAST_ROLE_X509_ISSUER_NAME,
			"X509IssuerName must be a distinguished name (RFC 2253)");
	if (!engine->serial_good)
		return breach(engine, error, code, FAST_ROLE_X509_SERIAL_NUMBER,
			"X509SerialNumber must be from 0 to 2^160 - 1");
	return 0;
}

static int check_profile(const struct duis_fast_engine *engine, struct duis_error *error)
{
	const struct fast_part *parts = engine->parts;
	const struct fast_part *signature = &parts[FAST_ROLE_SIGNATURE];
	int result;

	if (signature->count == 0)
		return breach(engine, error, DUIS_ERROR_SIGNATURE_MISSING, FAST_ROLE_SIGNATURE,
			"the root element holds no ds:Signature");
	if (engine->instruction_behind)
		return breach(engine, error, DUIS_ERROR_SIGNATURE_PLACE, FAST_ROLE_SIGNATURE,
			"nothing but white space and comments may follow ds:Signature in the root");
	if (engine->root == DUIS_ROOT_REQUEST && engine->signature_count > 1) {
		result = breach(engine, error, DUIS_ERROR_SIGNATURE_PLACE, FAST_ROLE_SIGNATURE,
			"a request has one ds:Signature, the last child of the root");
		error->offset = engine->other_signature;
		return result;
	}
	if (signature->attribute_count != 0)
		return breach(engine, error, DUIS_ERROR_SIGNATURE_REFERENCE, FAST_ROLE_SIGNATURE,
			"ds:Signature must have no attributes");
	if (engine->parts[FAST_ROLE_OBJECT].count > 0)
		return breach(engine, error, DUIS_ERROR_SIGNATURE_OBJECT, FAST_ROLE_OBJECT,
			"ds:Object is not allowed");
	result = check_signed_info(engine, error);
	if (result != 0)
		return result;
	if (!is_bare(&parts[FAST_ROLE_DIGEST_VALUE]) || parts[FAST_ROLE_DIGEST_VALUE].octets != 32)
		return breach(engine, error, DUIS_ERROR_DIGEST_MISMATCH, FAST_ROLE_DIGEST_VALUE,
			"ds:DigestValue must be the 32 octets of a SHA-256 digest");
	if (!is_bare(&parts[FAST_ROLE_SIGNATURE_VALUE]) ||
		parts[FAST_ROLE_SIGNATURE_VALUE].octets != 64)
		return breach(engine, error, DUIS_ERROR_SIGNATURE_VALUE, FAST_ROLE_SIGNATURE_VALUE,
			"ds:SignatureValue must be 64 octets, r and s, without attributes");
	return check_key_info(engine, error);
}

int duis_fast_engine_check_profile(struct duis_fast_engine *engine, struct duis_error *error)
{
	assert(engine->readable);
	return check_profile(engine, error);
}

void fast_read_signer(struct duis_fast_engine *engine, struct duis_document *document)
{
	const struct fast_part *issuer = &engine->parts[FAST_ROLE_X509_ISSUER_NAME];
	const struct fast_part *serial = &engine->parts[FAST_ROLE_X509_SERIAL_NUMBER];

	engine->issuer_good =
		issuer->count == 1 && read_issuer(engine, issuer->value, document->issuer);
	engine->serial_good =
		serial->count == 1 && find_serial(engine, serial->value, document->serial);
}

/* Octets of a base64 text that is known to be one, and of that length. */
static void decode(const struct fast_part *part, uint8_t *octets, size_t count)
{
	ssize_t length =
		duis_base64_decode((const char *)part->value.at, part->value.length, octets, count);

	assert(length == (ssize_t)count);
}

/* ---- canonical forms ---- */

struct hash_sink {
	struct fast_sink sink;
	SHA256_CTX context;
};

static void hash_run(struct fast_sink *sink, const uint8_t *bytes, size_t length)
{
	SHA256_Update(&((struct hash_sink *)sink)->context, bytes, length);
}

struct write_sink {
	struct fast_sink sink;
	uint8_t *out;
	size_t capacity;
	size_t length;
};

static void write_run(struct fast_sink *sink, const uint8_t *bytes, size_t length)
{
	struct write_sink *write = (struct write_sink *)sink;

	if (write->length <= write->capacity && length <= write->capacity - write->length)
		memcpy(write->out + write->length, bytes, length);
	write->length += length;
}

static void digest_document(const struct duis_fast_engine *engine, uint8_t digest[32])
{
	struct hash_sink hash = {.sink = {hash_run}};

	SHA256_Init(&hash.context);
	fast_canonical_document(engine, &hash.sink);
	SHA256_Final(digest, &hash.context);
}

int64_t duis_fast_engine_digested(struct duis_fast_engine *engine, uint8_t *out, size_t capacity)
{
	struct write_sink write = {{write_run}, out, capacity, 0};

	assert(engine->readable);
	fast_canonical_document(engine, &write.sink);
	return write.length <= capacity ? (int64_t)write.length : -ENOBUFS;
}

int64_t duis_fast_engine_signed_info(struct duis_fast_engine *engine, uint8_t *out, size_t capacity)
{
	struct write_sink write = {{write_run}, out, capacity, 0};

	assert(engine->readable);
	if (engine->parts[FAST_ROLE_SIGNATURE].count == 0 ||
		!fast_canonical_signed_info(engine, &write.sink))
		return -ENOENT;
	return write.length <= capacity ? (int64_t)write.length : -ENOBUFS;
}

void duis_fast_engine_digest(struct duis_fast_engine *engine, uint8_t document_digest[32],
	uint8_t signed_info_digest[32])
{
	assert(engine->readable);
	digest_document(engine, document_digest);
	if (engine->parts[FAST_ROLE_SIGNATURE].count > 0)
		fast_digest_signed_info(engine, signed_info_digest);
}

/* ---- verification ---- */

int duis_fast_engine_prepare(struct duis_fast_engine *engine, uint8_t signed_digest[32],
	uint8_t signature[64], struct duis_error *error)
{
	uint8_t expected[32];
	uint8_t digest[32];
	int result;

	assert(engine->readable);
	result = check_profile(engine, error);
	if (result != 0)
		return result;
	decode(&engine->parts[FAST_ROLE_DIGEST_VALUE], expected, sizeof(expected));
	decode(&engine->parts[FAST_ROLE_SIGNATURE_VALUE], signature, 64);
	digest_document(engine, digest);
	if (CRYPTO_memcmp(digest, expected, sizeof(digest)) != 0 ||
		!fast_digest_signed_info(engine, signed_digest))
		return breach(engine, error, DUIS_ERROR_DIGEST_MISMATCH, FAST_ROLE_DIGEST_VALUE,
			"ds:DigestValue is not the digest of the document");
	return 0;
}

void duis_fast_engine_mismatch(struct duis_fast_engine *engine, struct duis_error *error)
{
	breach(engine, error, DUIS_ERROR_SIGNATURE_MISMATCH, FAST_ROLE_SIGNATURE_VALUE,
		"ds:SignatureValue is not the signature of the key");
}

/* The one place where a signature is checked here: plain OpenSSL. Verifiers with tables take
 * duis_fast_engine_prepare() instead. */
static bool signature_matches(const uint8_t digest[32], const uint8_t value[64], EVP_PKEY *key)
{
	ECDSA_SIG *signature = ECDSA_SIG_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	BIGNUM *r = BN_bin2bn(value, 32, NULL);
	BIGNUM *s = BN_bin2bn(value + 32, 32, NULL);
	uint8_t *der = NULL;
	int length = 0;
	bool matches = false;

	if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
		r = NULL;
		s = NULL;
		length = i2d_ECDSA_SIG(signature, &der);
	}
	if (length > 0 && context != NULL && EVP_PKEY_verify_init(context) == 1)
		matches = EVP_PKEY_verify(context, der, (size_t)length, digest, 32) == 1;
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(signature);
	EVP_PKEY_CTX_free(context);
	OPENSSL_free(der);
	ERR_clear_error();
	return matches;
}

int duis_fast_engine_verify(
	struct duis_fast_engine *engine, EVP_PKEY *key, struct duis_error *error)
{
	uint8_t digest[32];
	uint8_t signature[64];
	int result = duis_fast_engine_prepare(engine, digest, signature, error);

	if (result != 0)
		return result;
	if (!signature_matches(digest, signature, key)) {
		duis_fast_engine_mismatch(engine, error);
		return -EBADMSG;
	}
	return 0;
}
