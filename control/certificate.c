/* SPDX-License-Identifier: Apache-2.0 */
#include "control/certificate.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "dataplane/duis/identifier.h"
#include "motorway/control_protocol.h"

static int refuse(char reason[CERTIFICATE_REASON_SIZE], const char *text)
{
	snprintf(reason, CERTIFICATE_REASON_SIZE, "%s", text);
	return -EINVAL;
}

int64_t certificate_time_ms(const ASN1_TIME *time)
{
	struct tm parts;

	if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
		return INT64_MAX;
	return (int64_t)timegm(&parts) * 1000;
}

/* The key's curve and the algorithm that the issuer signed with. */
static int check_algorithms(X509 *x509, char reason[CERTIFICATE_REASON_SIZE])
{
	EVP_PKEY *key = X509_get0_pubkey(x509);
	char group[32];

	if (key == NULL || !EVP_PKEY_is_a(key, "EC") ||
		EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
		OBJ_txt2nid(group) != NID_X9_62_prime256v1)
		return refuse(reason, "the key is not on P-256; DUIS allows no other curve");
	if (X509_get_signature_nid(x509) != NID_ecdsa_with_SHA256 ||
		OBJ_obj2nid(X509_get0_tbs_sigalg(x509)->algorithm) != NID_ecdsa_with_SHA256)
		return refuse(reason, "the certificate is not signed by ecdsa-with-SHA256");
	return 0;
}

static int hexadecimal(unsigned char digit)
{
	return isdigit(digit) ? digit - '0' : toupper(digit) - 'A' + 10;
}

/* The role in the subject: one OU of two hexadecimal digits. */
static int read_role(X509 *x509, uint8_t *role, char reason[CERTIFICATE_REASON_SIZE])
{
	const X509_NAME *subject = X509_get_subject_name(x509);
	int at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, -1);

	if (at < 0)
		return refuse(reason, "the subject holds no role (OU)");
	if (X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, at) >= 0)
		return refuse(reason, "the subject holds more than one role (OU)");
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	const unsigned char *text = ASN1_STRING_get0_data(value);
	if (ASN1_STRING_length(value) != 2 || !isxdigit(text[0]) || !isxdigit(text[1]))
		return refuse(reason, "the role in the subject (OU) is not two hexadecimal digits");
	*role = (uint8_t)(hexadecimal(text[0]) << 4 | hexadecimal(text[1]));
	return 0;
}

/* It must be for signatures, and not those of a certification authority. */
static int check_use(X509 *x509, char reason[CERTIFICATE_REASON_SIZE])
{
	if ((X509_get_extension_flags(x509) & EXFLAG_INVALID) != 0)
		return refuse(reason, "an extension of the certificate cannot be read");
	if ((X509_get_extension_flags(x509) & EXFLAG_CRITICAL) != 0)
		return refuse(reason, "the certificate has a critical extension that is not known");
	if ((X509_get_key_usage(x509) & KU_DIGITAL_SIGNATURE) == 0)
		return refuse(reason,
			"the key is not for digital signatures (keyUsage); key agreement has "
			"certificates of its own");
	if ((X509_get_extension_flags(x509) & EXFLAG_CA) != 0)
		return refuse(reason, "the certificate is that of a certification authority");
	return 0;
}

static int read_identity(const uint8_t *der, size_t length, struct certificate *certificate,
	char reason[CERTIFICATE_REASON_SIZE])
{
	EVP_PKEY *key = NULL;
	int result = duis_certificate_read(
		der, length, certificate->issuer, certificate->serial, &certificate->eui, &key);

	EVP_PKEY_free(key);
	if (result == -ENOENT)
		return refuse(reason,
			"the certificate's subject holds no EUI-64 (x500UniqueIdentifier); SMKI "
			"certificates do");
	if (result != 0)
		return refuse(reason, "issuer or serial number cannot be used in a signature");
	certificate->from_ms = certificate_time_ms(X509_get0_notBefore(certificate->x509));
	certificate->to_ms = certificate_time_ms(X509_get0_notAfter(certificate->x509));
	if (certificate->from_ms == INT64_MAX || certificate->to_ms == INT64_MAX)
		return refuse(reason, "the dates of validity cannot be read");
	return 0;
}

int certificate_read(const uint8_t *der, size_t length, struct certificate *certificate,
	char reason[CERTIFICATE_REASON_SIZE])
{
	const uint8_t *end = der;

	memset(certificate, 0, sizeof(*certificate));
	if (length > MW_CERTIFICATE_DER_MAX) {
		snprintf(reason, CERTIFICATE_REASON_SIZE,
			"the certificate has %zu octets of DER; at most %d are allowed", length,
			MW_CERTIFICATE_DER_MAX);
		return -EINVAL;
	}
	X509 *x509 = d2i_X509(NULL, &end, (long)length);
	if (x509 == NULL || end != der + length) {
		X509_free(x509);
		ERR_clear_error();
		return refuse(reason, "no X.509 certificate, or something behind it");
	}
	certificate->x509 = x509;
	int result = check_algorithms(x509, reason);
	if (result == 0)
		result = read_identity(der, length, certificate, reason);
	if (result == 0)
		result = read_role(x509, &certificate->role, reason);
	if (result == 0)
		result = check_use(x509, reason);
	ERR_clear_error();
	if (result != 0)
		certificate_free(certificate);
	return result;
}

void certificate_free(struct certificate *certificate)
{
	X509_free(certificate->x509);
	certificate->x509 = NULL;
}

void certificate_identity(const struct certificate *certificate, uint8_t identity[32])
{
	uint8_t bytes[DUIS_ISSUER_SIZE + DUIS_SERIAL_SIZE];
	size_t length = strlen(certificate->issuer);

	memcpy(bytes, certificate->issuer, length);
	memcpy(bytes + length, certificate->serial, DUIS_SERIAL_SIZE);
	SHA256(bytes, length + DUIS_SERIAL_SIZE, identity);
}

/* The user roles that an SMKI role signs XML for; 0: none. */
static uint32_t fitting_roles(uint8_t role)
{
	switch (role) {
	case CERTIFICATE_SUPPLIER:
		return MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_GS;
	case CERTIFICATE_NETWORK_OPERATOR:
		return MW_ROLE_ED | MW_ROLE_GT;
	case CERTIFICATE_LOAD_CONTROLLER:
		return MW_ROLE_LC;
	case CERTIFICATE_OTHER:
		return MW_ROLE_OU | MW_ROLE_RSA | MW_ROLE_MDR;
	default:
		return 0;
	}
}

bool certificate_fits(const struct certificate *certificate, const struct certificate_owner *owner,
	char reason[CERTIFICATE_REASON_SIZE])
{
	uint32_t roles = fitting_roles(certificate->role);
	const char *wrong = NULL;

	if (certificate->eui != owner->eui) {
		char eui[DUIS_EUI_TEXT_SIZE];

		duis_eui_format(certificate->eui, eui);
		snprintf(reason, CERTIFICATE_REASON_SIZE,
			"the certificate belongs to another EUI-64 than this user: %s", eui);
		return false;
	}
	if (certificate->role == CERTIFICATE_XML_SIGN)
		return true;
	if (certificate->role == CERTIFICATE_DSP_XML_SIGN)
		wrong = owner->eui != owner->dsp_eui ? "is for the DSP alone" : NULL;
	else if (roles == 0)
		wrong = "is not one that signs requests";
	else if ((roles & owner->roles) == 0)
		wrong = "fits none of the user's roles";
	if (wrong != NULL)
		snprintf(reason, CERTIFICATE_REASON_SIZE,
			"the role in the certificate's subject (OU=%02X) %s", certificate->role,
			wrong);
	return wrong == NULL;
}

/* The DER of the only certificate in PEM text. */
static int decode_pem(const void *bytes, size_t length, uint8_t **der)
{
	BIO *bio = BIO_new_mem_buf(bytes, (int)length);
	X509 *x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	X509 *other = x509 != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	int result = -1;

	*der = NULL;
	if (x509 != NULL && other == NULL)
		result = i2d_X509(x509, der);
	X509_free(other);
	X509_free(x509);
	BIO_free(bio);
	ERR_clear_error();
	return result;
}

int certificate_decode(const void *bytes, size_t length, uint8_t *der, size_t room,
	char reason[CERTIFICATE_REASON_SIZE])
{
	uint8_t *made = NULL;
	int result = -EINVAL;

	if (length == 0 || length > CERTIFICATE_PEM_BYTES_MAX)
		return refuse(reason, "not one PEM or DER certificate");
	if (memmem(bytes, length, "-----BEGIN", 10) == NULL) {
		if (length > room)
			return refuse(reason, "the certificate is too long, or not PEM or DER");
		memcpy(der, bytes, length);
		return (int)length;
	}
	int made_length = decode_pem(bytes, length, &made);
	if (made_length <= 0)
		refuse(reason, "not one PEM certificate");
	else if ((size_t)made_length > room)
		snprintf(reason, CERTIFICATE_REASON_SIZE,
			"the certificate has %d octets of DER; at most %zu are allowed",
			made_length, room);
	else
		memcpy(der, made, (size_t)(result = made_length));
	OPENSSL_free(made);
	return result;
}
