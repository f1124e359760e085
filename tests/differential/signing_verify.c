/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>

/* Before xmlsec's headers, which redefine what they need of libxslt. */
#define XMLSEC_NO_XSLT
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>

#include "tests/differential/signing.h"

/* Decode base64 with white space; returns the count of octets, or -1. */
static int decode(const char *text, uint8_t *octets, int capacity)
{
	EVP_ENCODE_CTX *decoding = EVP_ENCODE_CTX_new();
	uint8_t room[512];
	int count = 0;
	int last = 0;
	int result = -1;

	if (text != NULL && strlen(text) < sizeof(room)) {
		EVP_DecodeInit(decoding);
		if (EVP_DecodeUpdate(decoding, room, &count, (const uint8_t *)text,
			    (int)strlen(text)) >= 0 &&
			EVP_DecodeFinal(decoding, room + count, &last) == 1 &&
			count + last <= capacity) {
			result = count + last;
			memcpy(octets, room, (size_t)result);
		}
	}
	EVP_ENCODE_CTX_free(decoding);
	return result;
}

static bool verify_value(const struct oracle_verdict *verdict, const struct signing_key *key)
{
	uint8_t value[64];
	ECDSA_SIG *signature = ECDSA_SIG_new();
	EVP_MD_CTX *digesting = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	int length;
	bool right = false;

	if (decode(verdict->signature_value, value, sizeof(value)) == sizeof(value) &&
		ECDSA_SIG_set0(signature, BN_bin2bn(value, 32, NULL),
			BN_bin2bn(value + 32, 32, NULL)) == 1) {
		length = i2d_ECDSA_SIG(signature, &der);
		right = length > 0 &&
			EVP_DigestVerifyInit(digesting, NULL, EVP_sha256(), NULL,
				signing_key_public(key)) == 1 &&
			EVP_DigestVerify(digesting, der, (size_t)length, verdict->signed_info,
				(size_t)verdict->signed_info_length) == 1;
	}
	OPENSSL_free(der);
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(digesting);
	return right;
}

static bool verify_digest(const struct oracle_verdict *verdict)
{
	uint8_t wanted[SHA256_DIGEST_LENGTH];
	uint8_t found[SHA256_DIGEST_LENGTH];

	if (decode(verdict->digest_value, wanted, sizeof(wanted)) != sizeof(wanted))
		return false;
	SHA256(verdict->canonical, (size_t)verdict->canonical_length, found);
	return memcmp(wanted, found, sizeof(found)) == 0;
}

static xmlNodePtr root_signature(xmlDocPtr document)
{
	xmlNodePtr node = xmlDocGetRootElement(document);

	node = node != NULL ? node->last : NULL;
	while (node != NULL && !xmlSecCheckNodeName(node, BAD_CAST "Signature", xmlSecDSigNs))
		node = node->prev;
	return node;
}

static bool verify_xmlsec(const uint8_t *bytes, size_t length, const struct signing_key *key)
{
	xmlDocPtr document = xmlReadMemory((const char *)bytes, (int)length, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlNodePtr signature = document != NULL ? root_signature(document) : NULL;
	xmlSecDSigCtxPtr verifier = xmlSecDSigCtxCreate(NULL);
	EVP_PKEY *public = signing_key_public(key);
	xmlSecKeyDataPtr data;
	bool right = false;

	EVP_PKEY_up_ref(public);
	data = xmlSecOpenSSLEvpKeyAdopt(public);
	verifier->signKey = xmlSecKeyCreate();
	xmlSecKeySetValue(verifier->signKey, data);
	if (signature != NULL && xmlSecDSigCtxVerify(verifier, signature) == 0)
		right = verifier->status == xmlSecDSigStatusSucceeded;
	xmlSecDSigCtxDestroy(verifier);
	xmlFreeDoc(document);
	return right;
}

void signing_verify(const struct oracle_verdict *verdict, const uint8_t *bytes, size_t length,
	const struct signing_key *key, struct signing_verdict *result)
{
	memset(result, 0, sizeof(*result));
	if (verdict->signed_info == NULL)
		return;
	result->digest_right = verify_digest(verdict);
	result->signature_right = verify_value(verdict, key);
	result->xmlsec_right = verify_xmlsec(bytes, length, key);
}

static void ignore(const char *file, int line, const char *function, const char *object,
	const char *subject, int reason, const char *message)
{
	(void)file;
	(void)line;
	(void)function;
	(void)object;
	(void)subject;
	(void)reason;
	(void)message;
}

void signing_begin(void)
{
	if (xmlSecInit() < 0 || xmlSecOpenSSLAppInit(NULL) < 0 || xmlSecOpenSSLInit() < 0) {
		fprintf(stderr, "xmlsec1 does not start\n");
		exit(2);
	}
	xmlSecErrorsSetCallback(ignore);
}

void signing_end(void)
{
	xmlSecOpenSSLShutdown();
	xmlSecOpenSSLAppShutdown();
	xmlSecShutdown();
}
