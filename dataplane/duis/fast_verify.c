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

#include "dataplane/duis/fast_core.h"

#define EXCLUSIVE_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
#define ENVELOPED "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define SHA256_URI "http://www.w3.org/2001/04/xmlenc#sha256"

/* Behind the next `text`; the document is known to hold one. */
static const uint8_t *behind(
	const struct duis_fast_engine *engine, const uint8_t *at, const char *text, size_t length)
{
	const uint8_t *found = memmem(at, (size_t)(engine->end - at), text, length);

	return found != NULL ? found + length : engine->end;
}

/* The '>' of the start tag at `at`. */
static const uint8_t *tag_stop(const struct duis_fast_engine *engine, const uint8_t *at)
{
	while (at < engine->end && *at != '>') {
		if (*at == '"' || *at == '\'')
			at = behind(engine, at + 1, *at == '"' ? "\"" : "'", 1);
		else
			at++;
	}
	return at;
}

static struct fast_span tag_name(const uint8_t *tag)
{
	const uint8_t *stop = tag + 1;

	while (strchr(" \t\r\n/>", *stop) == NULL)
		stop++;
	return (struct fast_span){tag + 1, (uint32_t)(stop - tag - 1)};
}

/* The elements that are open at the tag at `offset`, and its own: found by walking over the tags
 * before it, for errors only. The document is well-formed. */
static void put_path(
	const struct duis_fast_engine *engine, uint32_t offset, char path[DUIS_PATH_SIZE])
{
	const struct fast_part *signature = &engine->parts[FAST_ROLE_SIGNATURE];
	const uint8_t *at = engine->bytes + engine->root_start;
	const uint8_t *target = engine->bytes + offset;
	struct fast_span open[FAST_DEPTH_MAX + 1];
	uint32_t depth = 0;
	size_t used = 0;

	/* The root's signature is its child: what is before it may be long. */
	if (signature->count > 0 && offset >= signature->offset) {
		open[depth++] = tag_name(at);
		at = engine->bytes + signature->offset;
	}
	while (at != NULL && at <= target && at + 1 < engine->end) {
		if (at[1] == '/') {
			depth--;
			at += 2;
		} else if (at[1] == '?') {
			at = behind(engine, at, "?>", 2);
		} else if (at[1] == '!') {
			at = at[2] == '-' ? behind(engine, at + 4, "-->", 3)
					  : behind(engine, at, "]]>", 3);
		} else {
			open[depth++] = tag_name(at);
			if (at == target)
				break;
			at = tag_stop(engine, at);
			depth -= at[-1] == '/';
		}
		at = memchr(at, '<', (size_t)(engine->end - at));
	}
	path[0] = '\0';
	for (uint32_t level = 0; level < depth && used + open[level].length + 2 <= DUIS_PATH_SIZE;
		level++)
		used += (size_t)snprintf(path + used, DUIS_PATH_SIZE - used, "/%.*s",
			(int)open[level].length, (const char *)open[level].at);
}

static int breach_at(const struct duis_fast_engine *engine, struct duis_error *error,
	enum duis_error_code code, uint32_t offset, const char *rule)
{
	error->code = code;
	error->offset = offset;
	put_path(engine, offset, error->path);
	snprintf(error->rule, sizeof(error->rule), "%s", rule);
	return -EBADMSG;
}

static int breach(const struct duis_fast_engine *engine, struct duis_error *error,
	enum duis_error_code code, enum fast_role role, const char *rule)
{
	const struct fast_part *part = &engine->parts[role];

	if (part->count == 0)
		part = &engine->parts[FAST_ROLE_SIGNATURE];
	return breach_at(
		engine, error, code, part->count > 0 ? part->offset : engine->root_start, rule);
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
		return breach_at(engine, error, DUIS_ERROR_SIGNATURE_REFERENCE,
			parts[FAST_ROLE_REFERENCE].second, "only one ds:Reference is allowed");
	if (parts[FAST_ROLE_REFERENCE].attribute_count != 1 ||
		!span_is(parts[FAST_ROLE_REFERENCE].attribute_name, "URI") ||
		parts[FAST_ROLE_REFERENCE].attribute_value.length != 0)
		return breach(engine, error, DUIS_ERROR_SIGNATURE_REFERENCE, FAST_ROLE_REFERENCE,
			"ds:Reference must have URI=\"\" and no other attribute");
	if (!is_bare(&parts[FAST_ROLE_TRANSFORMS]))
		return breach(engine, error, DUIS_ERROR_SIGNATURE_TRANSFORM,
			parts[FAST_ROLE_TRANSFORMS].count > 0 ? FAST_ROLE_TRANSFORMS
							      : FAST_ROLE_DIGEST_METHOD,
			"ds:Transforms with the one ds:Transform enveloped-signature is required");
	if (parts[FAST_ROLE_TRANSFORM].count != 1)
		return breach_at(engine, error, DUIS_ERROR_SIGNATURE_TRANSFORM,
			parts[FAST_ROLE_TRANSFORM].second, "only one ds:Transform is allowed");
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
	if (engine->root == DUIS_ROOT_REQUEST && engine->signature_count > 1)
		return breach_at(engine, error, DUIS_ERROR_SIGNATURE_PLACE, engine->other_signature,
			"a request has one ds:Signature, the last child of the root");
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
	if (engine->recalled == NULL && !engine->tracked_all) {
		struct duis_error ignored;

		if (check_profile(engine, &ignored) == 0)
			fast_keep_signature(engine);
	}
}

/* The value of a base64 character plus 1; 0 for all others. */
static const uint8_t sextets[256] = {
	['A'] = 1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	16,
	17,
	18,
	19,
	20,
	21,
	22,
	23,
	24,
	25,
	26,
	['a'] = 27,
	28,
	29,
	30,
	31,
	32,
	33,
	34,
	35,
	36,
	37,
	38,
	39,
	40,
	41,
	42,
	43,
	44,
	45,
	46,
	47,
	48,
	49,
	50,
	51,
	52,
	['0'] = 53,
	54,
	55,
	56,
	57,
	58,
	59,
	60,
	61,
	62,
	['+'] = 63,
	['/'] = 64,
};

/* Octets of a base64 text that the schema has found to be one, and of that many; there may be white
 * space anywhere in it. */
static void decode(const struct fast_part *part, uint8_t *octets, size_t count)
{
	const uint8_t *at = part->value.at;
	const uint8_t *stop = at + part->value.length;
	uint32_t group = 0;
	unsigned bits = 0;
	size_t done = 0;

	while (at < stop && done < count) {
		if (bits == 0 && stop - at >= 4 && count - done >= 3 && sextets[at[0]] != 0 &&
			sextets[at[1]] != 0 && sextets[at[2]] != 0 && sextets[at[3]] != 0) {
			group = (uint32_t)(sextets[at[0]] - 1) << 18 |
				(uint32_t)(sextets[at[1]] - 1) << 12 |
				(uint32_t)(sextets[at[2]] - 1) << 6 |
				(uint32_t)(sextets[at[3]] - 1);
			octets[done++] = (uint8_t)(group >> 16);
			octets[done++] = (uint8_t)(group >> 8);
			octets[done++] = (uint8_t)group;
			at += 4;
			continue;
		}
		if (sextets[*at] != 0) {
			group = group << 6 | (uint32_t)(sextets[*at] - 1);
			bits += 6;
			if (bits >= 8) {
				bits -= 8;
				octets[done++] = (uint8_t)(group >> bits);
			}
		}
		at++;
	}
	assert(done == count);
}

/* ---- canonical forms ---- */

/* Straight into the caller's memory; what does not fit is counted. */
struct write_sink {
	struct fast_sink sink;
	size_t excess;
};

static void write_spill(struct fast_sink *sink, const uint8_t *bytes, size_t length)
{
	(void)bytes;
	if (length == 0)
		return;
	((struct write_sink *)sink)->excess += length;
	sink->stop = sink->at;
}

static int64_t write_length(const struct write_sink *write, const uint8_t *out)
{
	return write->excess == 0 ? write->sink.at - out : -ENOBUFS;
}

static void digest_document(const struct duis_fast_engine *engine, uint8_t digest[32])
{
	struct fast_hash hash;

	fast_hash_begin(&hash);
	fast_canonical_document(engine, &hash.sink);
	fast_hash_end(&hash, digest);
}

size_t duis_fast_engine_digested_length(struct duis_fast_engine *engine)
{
	/* No room at all: everything is excess. */
	uint8_t nothing;
	struct write_sink write = {{&nothing, &nothing, write_spill}, 0};

	assert(engine->readable);
	fast_canonical_document(engine, &write.sink);
	return write.excess;
}

int64_t duis_fast_engine_digested(struct duis_fast_engine *engine, uint8_t *out, size_t capacity)
{
	struct write_sink write = {{out, out + capacity, write_spill}, 0};

	assert(engine->readable);
	fast_canonical_document(engine, &write.sink);
	return write_length(&write, out);
}

int64_t duis_fast_engine_signed_info(struct duis_fast_engine *engine, uint8_t *out, size_t capacity)
{
	struct write_sink write = {{out, out + capacity, write_spill}, 0};

	assert(engine->readable);
	if (engine->parts[FAST_ROLE_SIGNATURE].count == 0 ||
		!fast_canonical_signed_info(engine, &write.sink))
		return -ENOENT;
	return write_length(&write, out);
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
