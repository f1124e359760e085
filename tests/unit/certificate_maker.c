/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate_maker.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <criterion/criterion.h>

static void set_time(ASN1_TIME *time, int64_t value_s)
{
	cr_assert_not_null(ASN1_TIME_adj(time, (time_t)value_s, 0, 0));
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	cr_assert_not_null(extension, "%s", value);
	cr_assert_eq(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static long next_serial(void)
{
	static long serial = 5000;

	return ++serial;
}

static X509 *begin(EVP_PKEY *key, int64_t from_s, int64_t to_s, long serial)
{
	X509 *certificate = X509_new();

	cr_assert(key != NULL && certificate != NULL);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial != 0 ? serial : next_serial());
	set_time(X509_getm_notBefore(certificate), from_s);
	set_time(X509_getm_notAfter(certificate), to_s);
	X509_set_pubkey(certificate, key);
	return certificate;
}

static void add_text(X509_NAME *name, const char *field, const char *text)
{
	X509_NAME_add_entry_by_txt(
		name, field, V_ASN1_UTF8STRING, (const unsigned char *)text, -1, -1, 0);
}

struct maker_authority maker_authority(
	const char *name, const struct maker_authority *issuer, int64_t to_s)
{
	struct maker_authority made = {.key = EVP_EC_gen("P-256")};

	made.certificate = begin(
		made.key, MAKER_START_S - 1000, to_s != 0 ? to_s : MAKER_START_S + 100000000, 0);
	if (issuer == NULL)
		issuer = &made;
	X509_NAME *subject = X509_get_subject_name(made.certificate);
	add_text(subject, "OU", "07");
	add_text(subject, "CN", name);
	X509_set_issuer_name(made.certificate, X509_get_subject_name(issuer->certificate));
	add_extension(
		made.certificate, issuer->certificate, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(made.certificate, issuer->certificate, NID_key_usage,
		"critical,keyCertSign,cRLSign");
	add_extension(made.certificate, issuer->certificate, NID_subject_key_identifier, "hash");
	cr_assert(X509_sign(made.certificate, issuer->key, EVP_sha256()) > 0);
	return made;
}

void maker_authority_free(struct maker_authority *authority)
{
	EVP_PKEY_free(authority->key);
	X509_free(authority->certificate);
}

static void add_identity(X509_NAME *subject, uint64_t eui)
{
	unsigned char octets[8];

	for (int i = 0; i < 8; i++)
		octets[i] = (unsigned char)(eui >> (56 - 8 * i));
	X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_NID(
		NULL, NID_x500UniqueIdentifier, V_ASN1_BIT_STRING, octets, sizeof(octets));
	/* All 64 bits count, also zeros at the end. */
	X509_NAME_ENTRY_get_data(entry)->flags = ASN1_STRING_FLAG_BITS_LEFT;
	cr_assert_eq(X509_NAME_add_entry(subject, entry, -1, 0), 1);
	X509_NAME_ENTRY_free(entry);
}

X509 *maker_certificate(const struct maker_authority *issuer, const struct maker_terms *terms)
{
	EVP_PKEY *key = EVP_EC_gen(terms->curve != NULL ? terms->curve : "P-256");
	X509 *made = begin(key, terms->from_s != 0 ? terms->from_s : MAKER_START_S - 1000,
		terms->to_s != 0 ? terms->to_s : MAKER_START_S + 1000000, terms->serial);
	X509_NAME *subject = X509_get_subject_name(made);
	const char *role = terms->role != NULL ? terms->role : "87";
	const char *usage =
		terms->key_usage != NULL ? terms->key_usage : "critical,digitalSignature";

	if (strcmp(role, "87+87") == 0)
		add_text(subject, "OU", role = "87");
	if (role[0] != '\0')
		add_text(subject, "OU", role);
	if (terms->eui != 1)
		add_identity(subject, terms->eui != 0 ? terms->eui : MAKER_EUI);
	X509_set_issuer_name(made, X509_get_subject_name(issuer->certificate));
	if (usage[0] != '\0')
		add_extension(made, issuer->certificate, NID_key_usage, usage);
	if (terms->comment != NULL)
		add_extension(made, issuer->certificate, NID_netscape_comment, terms->comment);
	if (terms->constraints != NULL)
		add_extension(made, issuer->certificate, NID_basic_constraints, terms->constraints);
	const char *digest = terms->digest != NULL ? terms->digest : "SHA256";
	cr_assert(X509_sign(made, issuer->key, EVP_get_digestbyname(digest)) > 0);
	EVP_PKEY_free(key);
	return made;
}

void maker_write_pem(const char *path, X509 *certificate, X509 *second)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(PEM_write_X509(file, certificate), 1);
	if (second != NULL)
		cr_assert_eq(PEM_write_X509(file, second), 1);
	fclose(file);
}

void maker_write_der(const char *path, X509 *certificate)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(i2d_X509_fp(file, certificate), 1);
	fclose(file);
}

void maker_write_list(const char *path, const struct maker_authority *issuer, X509 *revoked,
	int64_t next_s, int is_der)
{
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *time = ASN1_TIME_new();
	FILE *file = fopen(path, "w");

	cr_assert(list != NULL && time != NULL && file != NULL);
	X509_CRL_set_version(list, 1);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate));
	set_time(time, MAKER_START_S);
	X509_CRL_set1_lastUpdate(list, time);
	if (revoked != NULL) {
		X509_REVOKED *entry = X509_REVOKED_new();

		X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked));
		X509_REVOKED_set_revocationDate(entry, time);
		cr_assert_eq(X509_CRL_add0_revoked(list, entry), 1);
	}
	set_time(time, next_s);
	X509_CRL_set1_nextUpdate(list, time);
	X509_CRL_sort(list);
	cr_assert(X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0);
	cr_assert_eq(is_der ? i2d_X509_CRL_fp(file, list) : PEM_write_X509_CRL(file, list), 1);
	fclose(file);
	ASN1_TIME_free(time);
	X509_CRL_free(list);
}
