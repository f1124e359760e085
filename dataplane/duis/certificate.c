/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate says that DUIS needs: issuer, serial, the subject's EUI-64 and the key. */
#include <errno.h>
#include <limits.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "dataplane/duis/document.h"

#define EUI_OCTETS 8

static int read_issuer(X509 *certificate, char issuer[DUIS_ISSUER_SIZE])
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *text = NULL;
	int result = -EBADMSG;
	long length;

	if (bio == NULL)
		return -ENOMEM;
	if (X509_NAME_print_ex(bio, X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
		length = BIO_get_mem_data(bio, &text);
		if (length > 0 && duis_issuer_normalise(text, (size_t)length, issuer) > 0)
			result = 0;
	}
	BIO_free(bio);
	return result;
}

static int read_serial(X509 *certificate, uint8_t serial[DUIS_SERIAL_SIZE])
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	int result = -EBADMSG;

	if (number == NULL)
		return -EBADMSG;
	if (!BN_is_negative(number) &&
		BN_bn2binpad(number, serial, DUIS_SERIAL_SIZE) == DUIS_SERIAL_SIZE)
		result = 0;
	BN_free(number);
	return result;
}

static int read_eui(X509 *certificate, uint64_t *eui)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int position = X509_NAME_get_index_by_NID(subject, NID_x500UniqueIdentifier, -1);
	const ASN1_STRING *value;
	const uint8_t *octets;

	if (position < 0 ||
		X509_NAME_get_index_by_NID(subject, NID_x500UniqueIdentifier, position) >= 0)
		return -ENOENT;
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, position));
	if (ASN1_STRING_type(value) != V_ASN1_BIT_STRING || ASN1_STRING_length(value) != EUI_OCTETS)
		return -ENOENT;
	octets = ASN1_STRING_get0_data(value);
	*eui = 0;
	for (int at = 0; at < EUI_OCTETS; at++)
		*eui = *eui << 8 | octets[at];
	return 0;
}

static int read_key(X509 *certificate, EVP_PKEY **key)
{
	EVP_PKEY *found = X509_get_pubkey(certificate);
	char group[32];

	if (found == NULL)
		return -EBADMSG;
	if (!EVP_PKEY_is_a(found, "EC") ||
		EVP_PKEY_get_group_name(found, group, sizeof(group), NULL) != 1 ||
		OBJ_txt2nid(group) != NID_X9_62_prime256v1) {
		EVP_PKEY_free(found);
		return -EBADMSG;
	}
	*key = found;
	return 0;
}

int duis_certificate_read(const uint8_t *der, size_t der_length, char issuer[DUIS_ISSUER_SIZE],
	uint8_t serial[DUIS_SERIAL_SIZE], uint64_t *eui, EVP_PKEY **key)
{
	const uint8_t *end = der;
	X509 *certificate = NULL;
	int result = -EBADMSG;

	*key = NULL;
	if (der_length <= LONG_MAX)
		certificate = d2i_X509(NULL, &end, (long)der_length);
	if (certificate != NULL && end == der + der_length) {
		result = read_issuer(certificate, issuer);
		if (result == 0)
			result = read_serial(certificate, serial);
		if (result == 0)
			result = read_key(certificate, key);
		if (result == 0)
			result = read_eui(certificate, eui);
	}
	if (result != 0) {
		EVP_PKEY_free(*key);
		*key = NULL;
	}
	X509_free(certificate);
	ERR_clear_error();
	return result;
}
