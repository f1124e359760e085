/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "tests/differential/signing.h"

struct signing_key {
	EC_KEY *key;
	EVP_PKEY *evp;
};

struct signing_key *signing_key_create(unsigned number)
{
	struct signing_key *key = buffer_allocate(sizeof(*key));
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char text[64];
	BN_CTX *scratch = BN_CTX_new();
	BIGNUM *secret;
	EC_POINT *point;
	uint8_t *der = NULL;
	const uint8_t *at;
	int length;

	snprintf(text, sizeof(text), "differential key %u", number);
	SHA256((const uint8_t *)text, strlen(text), digest);
	key->key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	secret = BN_bin2bn(digest, sizeof(digest), NULL);
	point = EC_POINT_new(EC_KEY_get0_group(key->key));
	BN_nnmod(secret, secret, EC_GROUP_get0_order(EC_KEY_get0_group(key->key)), scratch);
	EC_POINT_mul(EC_KEY_get0_group(key->key), point, secret, NULL, NULL, NULL);
	EC_KEY_set_private_key(key->key, secret);
	EC_KEY_set_public_key(key->key, point);
	/* By way of its DER, so that it is a key of OpenSSL 3's providers, which xmlsec1 wants. */
	length = i2d_EC_PUBKEY(key->key, &der);
	at = der;
	key->evp = d2i_PUBKEY(NULL, &at, length);
	assert(key->evp != NULL);
	OPENSSL_free(der);
	BN_CTX_free(scratch);
	BN_free(secret);
	EC_POINT_free(point);
	return key;
}

void signing_key_destroy(struct signing_key *key)
{
	EC_KEY_free(key->key);
	EVP_PKEY_free(key->evp);
	free(key);
}

EVP_PKEY *signing_key_public(const struct signing_key *key)
{
	return key->evp;
}

/* s = (digest + r d) / k with k from the digest and the secret: good enough for tests. */
void signing_sign(
	const struct signing_key *key, const uint8_t *message, size_t length, uint8_t value[64])
{
	const EC_GROUP *group = EC_KEY_get0_group(key->key);
	const BIGNUM *order = EC_GROUP_get0_order(group);
	BN_CTX *scratch = BN_CTX_new();
	uint8_t digest[2 * SHA256_DIGEST_LENGTH];
	uint8_t seed[SHA256_DIGEST_LENGTH];
	BIGNUM *k;
	BIGNUM *r = BN_new();
	BIGNUM *x = BN_new();
	EC_POINT *point = EC_POINT_new(group);
	ECDSA_SIG *signature;

	SHA256(message, length, digest);
	BN_bn2binpad(EC_KEY_get0_private_key(key->key), digest + SHA256_DIGEST_LENGTH,
		SHA256_DIGEST_LENGTH);
	SHA256(digest, sizeof(digest), seed);
	k = BN_bin2bn(seed, sizeof(seed), NULL);
	BN_nnmod(k, k, order, scratch);
	EC_POINT_mul(group, point, k, NULL, NULL, scratch);
	EC_POINT_get_affine_coordinates(group, point, x, NULL, scratch);
	BN_nnmod(r, x, order, scratch);
	BN_mod_inverse(k, k, order, scratch);
	signature = ECDSA_do_sign_ex(digest, SHA256_DIGEST_LENGTH, k, r, key->key);
	assert(signature != NULL);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), value, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), value + 32, 32);
	ECDSA_SIG_free(signature);
	EC_POINT_free(point);
	BN_free(k);
	BN_free(r);
	BN_free(x);
	BN_CTX_free(scratch);
}

void signing_base64(struct buffer *out, const uint8_t *octets, size_t count)
{
	char text[256];

	assert(count <= 96);
	EVP_EncodeBlock((uint8_t *)text, octets, (int)count);
	buffer_text(out, text);
}

void signing_append(struct buffer *document, const char *prefix)
{
	static const char text[] =
		"<@Signature xmlns#=\"http://www.w3.org/2000/09/xmldsig#\"><@SignedInfo>"
		"<@CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"
		"<@SignatureMethod "
		"Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>"
		"<@Reference URI=\"\"><@Transforms><@Transform "
		"Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/></"
		"@Transforms>"
		"<@DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>"
		"<@DigestValue></@DigestValue></@Reference></@SignedInfo>"
		"<@SignatureValue></@SignatureValue><@KeyInfo><@X509Data><@X509IssuerSerial>"
		"<@X509IssuerName>" SIGNING_ISSUER "</@X509IssuerName>"
		"<@X509SerialNumber>" SIGNING_SERIAL "</@X509SerialNumber>"
		"</@X509IssuerSerial></@X509Data></@KeyInfo></@Signature>";
	struct buffer signature = {0};
	size_t at = document->length;

	for (const char *step = text; *step != '\0'; step++) {
		if (*step == '@' && prefix[0] != '\0')
			buffer_print(&signature, "%s:", prefix);
		else if (strncmp(step, "#=", 2) == 0 && prefix[0] != '\0')
			buffer_print(&signature, ":%s", prefix);
		else if (*step != '@' && strncmp(step, "#=", 2) != 0)
			buffer_byte(&signature, (uint8_t)*step);
	}
	while (at > 0 && memcmp(document->bytes + at, "</", 2) != 0)
		at--;
	buffer_splice(document, at, at, signature.bytes, signature.length);
	buffer_free(&signature);
}

/* Replace what stands in the last element `name` by base64. */
static bool replace_content(
	struct buffer *document, const char *name, const uint8_t *octets, size_t count)
{
	struct tokens tokens = {0};
	bool done = false;

	tokens_cut(&tokens, document->bytes, document->length);
	for (size_t step = tokens.element_count; step-- > 0 && !done;) {
		size_t index = tokens.elements[step];
		struct buffer text = {0};
		size_t close = tokens.tokens[index].close;

		if (!tokens_is_named(&tokens, index, name) || close == TOKEN_NONE || close == index)
			continue;
		signing_base64(&text, octets, count);
		buffer_splice(document, tokens.tokens[index].end, tokens.tokens[close].begin,
			text.bytes, text.length);
		buffer_free(&text);
		done = true;
	}
	tokens_free(&tokens);
	return done;
}

static bool judge_again(
	struct oracle *oracle, struct buffer *document, struct oracle_verdict *verdict)
{
	struct tokens tokens = {0};

	tokens_cut(&tokens, document->bytes, document->length);
	oracle_judge(oracle, document->bytes, document->length, &tokens, verdict);
	tokens_free(&tokens);
	return verdict->class == ORACLE_VALID && verdict->signed_info != NULL;
}

bool signing_fill(struct oracle *oracle, const struct signing_key *key, struct buffer *document)
{
	struct oracle_verdict verdict;
	uint8_t octets[64];
	bool done = judge_again(oracle, document, &verdict);

	if (done) {
		SHA256(verdict.canonical, (size_t)verdict.canonical_length, octets);
		done = replace_content(document, "DigestValue", octets, SHA256_DIGEST_LENGTH);
	}
	oracle_release(&verdict);
	if (!done)
		return false;
	done = judge_again(oracle, document, &verdict);
	if (done) {
		signing_sign(key, verdict.signed_info, (size_t)verdict.signed_info_length, octets);
		done = replace_content(document, "SignatureValue", octets, sizeof(octets));
	}
	oracle_release(&verdict);
	return done;
}
