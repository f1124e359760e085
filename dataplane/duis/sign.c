/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Signature element is written in its canonical form, so the octets that ECDSA covers stand in
 * the document as they are. All of it but digest and signature value is fixed when the signer is
 * made:
 *
 *     <ds:Signature xmlns:ds="..."> <ds:SignedInfo> head DIGEST middle VALUE tail
 *
 * SignedInfo on its own is canonical with the declaration of ds on itself; inside of Signature the
 * declaration stands one element higher. That is the only difference between the two.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "dataplane/duis/base64.h"
#include "dataplane/duis/profile.h"
#include "dataplane/duis/sign.h"

#define FILE_BYTES_MAX (64 * 1024)
#define ISSUER_TEXT_SIZE 2048

#define DIGEST_TEXT_LENGTH DUIS_BASE64_LENGTH(DUIS_DIGEST_SIZE)
#define VALUE_TEXT_LENGTH DUIS_BASE64_LENGTH(DUIS_SIGNATURE_VALUE_SIZE)

#define DS_DECLARATION " xmlns:ds=\"" DUIS_DSIG_NAMESPACE "\""
#define INFO_NAME "<ds:SignedInfo"
#define INFO_HEAD                                                                                  \
	"><ds:CanonicalizationMethod Algorithm=\"" DUIS_EXCLUSIVE_C14N                             \
	"\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"" DUIS_ECDSA_SHA256        \
	"\"></ds:SignatureMethod><ds:Reference URI=\"\"><ds:Transforms>"                           \
	"<ds:Transform Algorithm=\"" DUIS_ENVELOPED_SIGNATURE                                      \
	"\"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"" DUIS_SHA256              \
	"\"></ds:DigestMethod><ds:DigestValue>"
#define INFO_TAIL "</ds:DigestValue></ds:Reference></ds:SignedInfo>"
#define VALUE_HEAD "<ds:SignatureValue>"
#define VALUE_TAIL "</ds:SignatureValue>"

struct duis_signer {
	EVP_PKEY *key;
	EVP_MD_CTX *digest;
	EVP_PKEY_CTX *signature; /* ready to sign, again and again */
	char *key_info;		 /* KeyInfo and the end tag of Signature */
	size_t key_info_length;
	size_t overhead;
};

/* ---- loading ---- */

static int read_file(const char *path, uint8_t *bytes, size_t *length)
{
	FILE *file = fopen(path, "re");
	int result = 0;

	if (file == NULL)
		return -errno;
	*length = fread(bytes, 1, FILE_BYTES_MAX, file);
	if (ferror(file))
		result = -EIO;
	else if (*length == FILE_BYTES_MAX)
		result = -EFBIG;
	fclose(file);
	return result;
}

/* No question may be asked on the terminal when a key is encrypted. */
static int no_password(char *buffer, int size, int writing, void *user)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)user;
	return -1;
}

/* DER or PEM, PKCS #8 or the form of RFC 5915: the decoder finds out. */
static EVP_PKEY *decode_key(const uint8_t *bytes, size_t length)
{
	EVP_PKEY *key = NULL;
	OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(
		&key, NULL, NULL, "EC", OSSL_KEYMGMT_SELECT_PRIVATE_KEY, NULL, NULL);

	if (decoder == NULL)
		return NULL;
	OSSL_DECODER_CTX_set_pem_password_cb(decoder, no_password, NULL);
	if (OSSL_DECODER_from_data(decoder, &bytes, &length) != 1) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	OSSL_DECODER_CTX_free(decoder);
	return key;
}

static X509 *decode_certificate(const uint8_t *bytes, size_t length)
{
	const uint8_t *at = bytes;
	X509 *certificate = d2i_X509(NULL, &at, (long)length);
	BIO *bio;

	if (certificate != NULL)
		return certificate;
	bio = BIO_new_mem_buf(bytes, (int)length);
	if (bio == NULL)
		return NULL;
	certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);
	BIO_free(bio);
	return certificate;
}

static bool is_p256(EVP_PKEY *key)
{
	char group[32];

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       OBJ_txt2nid(group) == NID_X9_62_prime256v1;
}

static EVP_PKEY *load_key(const char *path, char *reason, size_t reason_size)
{
	uint8_t bytes[FILE_BYTES_MAX];
	size_t length = 0;
	EVP_PKEY *key;
	int result = read_file(path, bytes, &length);

	if (result != 0) {
		snprintf(reason, reason_size, "%s: cannot read the key: %s", path,
			strerror(-result));
		errno = -result;
		return NULL;
	}
	key = decode_key(bytes, length);
	OPENSSL_cleanse(bytes, length);
	if (key == NULL || !is_p256(key)) {
		snprintf(reason, reason_size,
			"%s: not a private key on P-256, unencrypted, in DER or PEM", path);
		EVP_PKEY_free(key);
		errno = EINVAL;
		return NULL;
	}
	return key;
}

static X509 *load_certificate(const char *path, char *reason, size_t reason_size)
{
	uint8_t bytes[FILE_BYTES_MAX];
	size_t length = 0;
	X509 *certificate;
	int result = read_file(path, bytes, &length);

	if (result != 0) {
		snprintf(reason, reason_size, "%s: cannot read the certificate: %s", path,
			strerror(-result));
		errno = -result;
		return NULL;
	}
	certificate = decode_certificate(bytes, length);
	if (certificate == NULL) {
		snprintf(reason, reason_size, "%s: not an X.509 certificate in DER or PEM", path);
		errno = EINVAL;
	}
	return certificate;
}

/* ---- KeyInfo ---- */

static void put_escaped(FILE *out, const char *text, long length)
{
	for (long at = 0; at < length; at++) {
		if (text[at] == '&')
			fputs("&amp;", out);
		else if (text[at] == '<')
			fputs("&lt;", out);
		else if (text[at] == '>')
			fputs("&gt;", out);
		else
			fputc(text[at], out);
	}
}

static bool put_names(FILE *out, X509 *certificate)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	char *serial = number != NULL ? BN_bn2dec(number) : NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *issuer = NULL;
	bool done = false;

	if (serial != NULL && bio != NULL && !BN_is_negative(number) &&
		X509_NAME_print_ex(bio, X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253) >=
			0) {
		long length = BIO_get_mem_data(bio, &issuer);

		fputs("<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>", out);
		put_escaped(out, issuer, length);
		fprintf(out,
			"</ds:X509IssuerName><ds:X509SerialNumber>%s</ds:X509SerialNumber>"
			"</ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo></ds:Signature>",
			serial);
		done = length > 0 && length < ISSUER_TEXT_SIZE;
	}
	BIO_free(bio);
	OPENSSL_free(serial);
	BN_free(number);
	return done;
}

static int make_key_info(struct duis_signer *signer, X509 *certificate)
{
	FILE *out = open_memstream(&signer->key_info, &signer->key_info_length);
	bool done;

	if (out == NULL)
		return -ENOMEM;
	done = put_names(out, certificate);
	if (fclose(out) != 0)
		return -ENOMEM;
	signer->overhead = strlen("<ds:Signature" DS_DECLARATION
				  ">" INFO_NAME INFO_HEAD INFO_TAIL VALUE_HEAD VALUE_TAIL) +
			   DIGEST_TEXT_LENGTH + VALUE_TEXT_LENGTH + signer->key_info_length;
	return done && signer->overhead <= DUIS_SIGNATURE_BYTES_MAX ? 0 : -EINVAL;
}

static int fill_signer(
	struct duis_signer *signer, const char *certificate_path, char *reason, size_t reason_size)
{
	X509 *certificate = load_certificate(certificate_path, reason, reason_size);
	int result = 0;

	if (certificate == NULL)
		return -errno;
	if (X509_check_private_key(certificate, signer->key) != 1) {
		snprintf(reason, reason_size, "%s: not the certificate of the private key",
			certificate_path);
		result = -EINVAL;
	} else if (make_key_info(signer, certificate) != 0) {
		snprintf(reason, reason_size,
			"%s: its issuer is longer than %d bytes or its serial is negative",
			certificate_path, ISSUER_TEXT_SIZE);
		result = -EINVAL;
	}
	X509_free(certificate);
	signer->digest = EVP_MD_CTX_new();
	signer->signature = EVP_PKEY_CTX_new(signer->key, NULL);
	if (result == 0 &&
		(signer->digest == NULL || signer->signature == NULL ||
			EVP_PKEY_sign_init(signer->signature) != 1 ||
			EVP_PKEY_CTX_set_signature_md(signer->signature, EVP_sha256()) != 1)) {
		snprintf(reason, reason_size, "out of memory");
		result = -ENOMEM;
	}
	return result;
}

struct duis_signer *duis_signer_create(
	const char *key_path, const char *certificate_path, char *reason, size_t reason_size)
{
	EVP_PKEY *key = load_key(key_path, reason, reason_size);
	struct duis_signer *signer = NULL;
	int result = key != NULL ? 0 : -errno;

	if (result == 0) {
		signer = calloc(1, sizeof(*signer));
		if (signer == NULL) {
			snprintf(reason, reason_size, "out of memory");
			EVP_PKEY_free(key);
			result = -ENOMEM;
		}
	}
	if (result == 0) {
		signer->key = key;
		result = fill_signer(signer, certificate_path, reason, reason_size);
	}
	ERR_clear_error();
	if (result != 0) {
		duis_signer_destroy(signer);
		errno = -result;
		return NULL;
	}
	return signer;
}

/* OpenSSL wipes the private number when the last reference to the key goes. */
void duis_signer_destroy(struct duis_signer *signer)
{
	if (signer == NULL)
		return;
	EVP_MD_CTX_free(signer->digest);
	EVP_PKEY_CTX_free(signer->signature);
	EVP_PKEY_free(signer->key);
	free(signer->key_info);
	free(signer);
}

size_t duis_signer_overhead(const struct duis_signer *signer)
{
	return signer->overhead;
}

/* ---- signing ---- */

static int digest_document(struct duis_signer *signer, const uint8_t *document, size_t length,
	char text[DIGEST_TEXT_LENGTH])
{
	uint8_t digest[DUIS_DIGEST_SIZE];

	if (EVP_DigestInit_ex(signer->digest, EVP_sha256(), NULL) != 1 ||
		EVP_DigestUpdate(signer->digest, document, length) != 1 ||
		EVP_DigestFinal_ex(signer->digest, digest, NULL) != 1)
		return -EIO;
	duis_base64_encode(digest, sizeof(digest), (uint8_t *)text);
	return 0;
}

/* DER of (r, s) to r || s, 32 octets each. */
static int der_to_value(const uint8_t *der, size_t length, uint8_t value[DUIS_SIGNATURE_VALUE_SIZE])
{
	const int half = DUIS_SIGNATURE_VALUE_SIZE / 2;
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)length);
	int result = -EIO;

	if (signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), value, half) == half &&
		BN_bn2binpad(ECDSA_SIG_get0_s(signature), value + half, half) == half)
		result = 0;
	ECDSA_SIG_free(signature);
	return result;
}

static int sign_info(struct duis_signer *signer, const char digest[DIGEST_TEXT_LENGTH],
	char text[VALUE_TEXT_LENGTH])
{
	static const char head[] = INFO_NAME DS_DECLARATION INFO_HEAD;
	static const char tail[] = INFO_TAIL;
	uint8_t info[DUIS_DIGEST_SIZE];
	uint8_t der[128];
	size_t der_length = sizeof(der);
	uint8_t value[DUIS_SIGNATURE_VALUE_SIZE];

	/* Hashing first and a context that is made once are cheaper than EVP_DigestSign(). */
	if (EVP_DigestInit_ex(signer->digest, EVP_sha256(), NULL) != 1 ||
		EVP_DigestUpdate(signer->digest, head, strlen(head)) != 1 ||
		EVP_DigestUpdate(signer->digest, digest, DIGEST_TEXT_LENGTH) != 1 ||
		EVP_DigestUpdate(signer->digest, tail, strlen(tail)) != 1 ||
		EVP_DigestFinal_ex(signer->digest, info, NULL) != 1 ||
		EVP_PKEY_sign(signer->signature, der, &der_length, info, sizeof(info)) != 1 ||
		der_to_value(der, der_length, value) != 0) {
		ERR_clear_error();
		return -EIO;
	}
	duis_base64_encode(value, sizeof(value), (uint8_t *)text);
	return 0;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

int duis_signer_sign(struct duis_signer *signer, uint8_t *document, size_t length, size_t capacity)
{
	static const char head[] = "<ds:Signature" DS_DECLARATION ">" INFO_NAME INFO_HEAD;
	static const char middle[] = INFO_TAIL VALUE_HEAD;
	char digest[DIGEST_TEXT_LENGTH];
	char value[VALUE_TEXT_LENGTH];
	uint8_t *end = length > 0 ? memrchr(document, '<', length) : NULL;
	size_t end_length;
	uint8_t *at;

	if (end == NULL || document[length - 1] != '>' || end + 1 == document + length ||
		end[1] != '/')
		return -EINVAL;
	if (length > capacity || capacity - length < signer->overhead ||
		length + signer->overhead > INT32_MAX)
		return -ENOBUFS;
	if (digest_document(signer, document, length, digest) != 0 ||
		sign_info(signer, digest, value) != 0)
		return -EIO;
	end_length = (size_t)(document + length - end);
	memmove(end + signer->overhead, end, end_length);
	at = put(end, head, strlen(head));
	at = put(at, digest, sizeof(digest));
	at = put(at, middle, strlen(middle));
	at = put(at, value, sizeof(value));
	at = put(at, VALUE_TAIL, strlen(VALUE_TAIL));
	at = put(at, signer->key_info, signer->key_info_length);
	assert(at == end + signer->overhead);
	return (int)(length + signer->overhead);
}
