/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: the official ones, and made ones that must be refused. */
#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/core_dispatch.h>
#include <openssl/ec.h>
#include <openssl/encoder.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tests/unit/duis_material.h"

/* What a made certificate differs in. */
struct shape {
	const char *curve;  /* NULL: an RSA key */
	const char *serial; /* hexadecimal, may begin with '-' */
	const char *eui;    /* octets of the subject's identifier; NULL: none */
	size_t eui_length;
	bool twice;
};

static EVP_PKEY *make_key(const char *curve)
{
	EVP_PKEY *key = curve != NULL ? EVP_EC_gen(curve) : EVP_RSA_gen(2048);

	cr_assert(key != NULL);
	return key;
}

static X509 *make(const struct shape *shape, EVP_PKEY *key)
{
	X509 *x509 = X509_new();
	X509_NAME *issuer = X509_NAME_new();
	X509_NAME *subject = X509_NAME_new();
	BIGNUM *serial = NULL;

	X509_set_version(x509, X509_VERSION_3);
	cr_assert(BN_hex2bn(&serial, shape->serial) > 0);
	BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509));
	BN_free(serial);
	X509_NAME_add_entry_by_NID(issuer, NID_organizationalUnitName, V_ASN1_UTF8STRING,
		(const unsigned char *)"0 <7>", -1, -1, 0);
	X509_NAME_add_entry_by_NID(issuer, NID_commonName, V_ASN1_UTF8STRING,
		(const unsigned char *)"T, est & 1", -1, -1, 0);
	X509_set_issuer_name(x509, issuer);
	for (int count = 0; shape->eui != NULL && count < 1 + shape->twice; count++) {
		X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_NID(NULL,
			NID_x500UniqueIdentifier, V_ASN1_BIT_STRING,
			(const unsigned char *)shape->eui, (int)shape->eui_length);

		cr_assert(entry != NULL);
		/* No unused bits, whatever the last octet is. */
		X509_NAME_ENTRY_get_data(entry)->flags |= ASN1_STRING_FLAG_BITS_LEFT;
		X509_NAME_add_entry(subject, entry, -1, 0);
		X509_NAME_ENTRY_free(entry);
	}
	X509_set_subject_name(x509, subject);
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
	X509_set_pubkey(x509, key);
	cr_assert(X509_sign(x509, key, EVP_sha256()) > 0);
	X509_NAME_free(issuer);
	X509_NAME_free(subject);
	return x509;
}

static int read_made(struct shape shape, struct material_certificate *read)
{
	EVP_PKEY *key = make_key(shape.curve);
	X509 *x509 = make(&shape, key);
	uint8_t *der = NULL;
	int length = i2d_X509(x509, &der);
	int result;

	cr_assert(length > 0);
	result = duis_certificate_read(
		der, (size_t)length, read->issuer, read->serial, &read->eui, &read->key);
	cr_assert_eq(read->key != NULL, result == 0);
	if (result == 0) {
		cr_assert_eq(EVP_PKEY_eq(read->key, key), 1);
		/* Not one byte more or less. */
		EVP_PKEY_free(read->key);
		cr_assert_eq(duis_certificate_read(der, (size_t)length - 1, read->issuer,
				     read->serial, &read->eui, &read->key),
			-EBADMSG);
		der = realloc(der, (size_t)length + 1);
		cr_assert(der != NULL);
		der[length] = 0;
		cr_assert_eq(duis_certificate_read(der, (size_t)length + 1, read->issuer,
				     read->serial, &read->eui, &read->key),
			-EBADMSG);
	}
	OPENSSL_free(der);
	X509_free(x509);
	EVP_PKEY_free(key);
	return result;
}

static const struct shape good = {.curve = "P-256",
	.serial = "587FE59553E2675B0C0E2A5C402A9F61",
	.eui = "\x90\xb3\xd5\x1f\x30\x01\x00\x09",
	.eui_length = 8};

Test(duis_certificate, made)
{
	struct material_certificate read;
	static const uint8_t serial[DUIS_SERIAL_SIZE] = {0, 0, 0, 0, 0x58, 0x7f, 0xe5, 0x95, 0x53,
		0xe2, 0x67, 0x5b, 0x0c, 0x0e, 0x2a, 0x5c, 0x40, 0x2a, 0x9f, 0x61};
	char text[DUIS_ISSUER_SIZE];
	static const char as_written[] = "CN = \"T, est & 1\" , OU=0 <7>";

	cr_assert_eq(read_made(good, &read), 0);
	cr_assert_eq(read.eui, UINT64_C(0x90b3d51f30010009));
	cr_assert_arr_eq(read.serial, serial, DUIS_SERIAL_SIZE);
	cr_assert(duis_issuer_normalise(as_written, strlen(as_written), text) > 0);
	cr_assert_str_eq(read.issuer, text);
}

Test(duis_certificate, refused)
{
	struct material_certificate read;
	struct shape shape = good;

	shape.curve = "P-384";
	cr_assert_eq(read_made(shape, &read), -EBADMSG);
	shape.curve = "secp256k1";
	cr_assert_eq(read_made(shape, &read), -EBADMSG);
	shape.curve = NULL;
	cr_assert_eq(read_made(shape, &read), -EBADMSG);
	shape = good;
	shape.eui = NULL;
	cr_assert_eq(read_made(shape, &read), -ENOENT);
	shape = good;
	shape.eui_length = 7;
	cr_assert_eq(read_made(shape, &read), -ENOENT);
	shape = good;
	shape.twice = true;
	cr_assert_eq(read_made(shape, &read), -ENOENT);
	shape = good;
	shape.serial = "-1";
	cr_assert_eq(read_made(shape, &read), -EBADMSG);
	shape.serial = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF";
	cr_assert_eq(read_made(shape, &read), 0);
	shape.serial = "010000000000000000000000000000000000000000";
	cr_assert_eq(read_made(shape, &read), -EBADMSG);
	cr_assert_eq(duis_certificate_read((const uint8_t *)"", 0, read.issuer, read.serial,
			     &read.eui, &read.key),
		-EBADMSG);
	cr_assert_eq(duis_certificate_read((const uint8_t *)"0\x03\x02\x01\x01", 5, read.issuer,
			     read.serial, &read.eui, &read.key),
		-EBADMSG);
}

Test(duis_certificate, official_ones)
{
	struct material_certificate dsp;
	char path[1024];
	DIR *folder;
	struct dirent *entry;
	unsigned count = 0;

	snprintf(path, sizeof(path), "%s", material_path("certificates", "."));
	folder = opendir(path);
	cr_assert(folder != NULL, "%s is missing (scripts/setup fetches it)", path);
	while ((entry = readdir(folder)) != NULL) {
		struct material_certificate certificate;
		char name[256];
		size_t length = strlen(entry->d_name);

		if (length < 4 || strcmp(entry->d_name + length - 4, ".pem") != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)length - 4, entry->d_name);
		certificate = material_certificate(name);
		cr_assert_str_eq(certificate.issuer, "CN=z1\x1fOU=07");
		cr_assert_neq(certificate.eui, 0);
		EVP_PKEY_free(certificate.key);
		count++;
	}
	closedir(folder);
	cr_assert_eq(count, 18);
	dsp = material_certificate(DSP);
	cr_assert_eq(dsp.eui, UINT64_C(0x90b3d51f30000002));
	EVP_PKEY_free(dsp.key);
}

/* ---- files that a signer loads ---- */

static char signer_folder[] = "/tmp/motorway-signer-XXXXXX";

static void begin(void)
{
	cr_assert(mkdtemp(signer_folder) != NULL);
}

static void end(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", signer_folder);
	cr_assert(system(command) == 0);
}

static const char *in_folder(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", signer_folder, name);
	return path;
}

static FILE *create(const char *name)
{
	FILE *file = fopen(in_folder(name), "we");

	cr_assert(file != NULL);
	return file;
}

/* RFC 5915, the form that older tools write. */
static void write_sec1(EVP_PKEY *key, const char *name, const char *format)
{
	FILE *file = create(name);
	OSSL_ENCODER_CTX *encoder = OSSL_ENCODER_CTX_new_for_pkey(
		key, OSSL_KEYMGMT_SELECT_ALL, format, "type-specific", NULL);

	cr_assert(encoder != NULL);
	cr_assert_eq(OSSL_ENCODER_to_fp(encoder, file), 1);
	OSSL_ENCODER_CTX_free(encoder);
	fclose(file);
}

static void write_pair(EVP_PKEY *key, X509 *x509)
{
	FILE *file;

	file = create("pkcs8.pem");
	PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	file = create("pkcs8.der");
	i2d_PKCS8PrivateKeyInfo_fp(file, key);
	fclose(file);
	file = create("encrypted.pem");
	PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
	fclose(file);
	write_sec1(key, "sec1.pem", "PEM");
	write_sec1(key, "sec1.der", "DER");
	file = create("certificate.pem");
	PEM_write_X509(file, x509);
	fclose(file);
	file = create("certificate.der");
	i2d_X509_fp(file, x509);
	fclose(file);
	file = create("empty");
	fclose(file);
}

TestSuite(duis_signer, .init = begin, .fini = end);

Test(duis_signer, every_form_of_key_and_certificate)
{
	static const char *const keys[] = {"pkcs8.pem", "pkcs8.der", "sec1.pem", "sec1.der"};
	static const char *const certificates[] = {"certificate.pem", "certificate.der"};
	EVP_PKEY *key = make_key("P-256");
	X509 *x509 = make(&good, key);
	char reason[512];

	write_pair(key, x509);
	for (size_t which = 0; which < 8; which++) {
		struct duis_signer *signer = duis_signer_create(in_folder(keys[which % 4]),
			in_folder(certificates[which / 4]), reason, sizeof(reason));
		uint8_t document[4096] = "<a></a>";
		int length;

		cr_assert(signer != NULL, "%s", reason);
		length = duis_signer_sign(signer, document, strlen("<a></a>"), sizeof(document));
		cr_assert_eq(length, (int)(strlen("<a></a>") + duis_signer_overhead(signer)));
		document[length] = '\0';
		cr_assert(strstr((char *)document,
				  "<ds:X509IssuerName>CN=T\\, est &amp; 1,OU=0 \\&lt;7\\&gt;"
				  "</ds:X509IssuerName><ds:X509SerialNumber>"
				  "117636141832862931915946451229571981153<") != NULL,
			"%s", (char *)document);
		duis_signer_destroy(signer);
	}
	X509_free(x509);
	EVP_PKEY_free(key);
}

static void create_fails(const char *key, const char *certificate, int error, const char *words)
{
	char reason[512] = "";

	errno = 0;
	cr_assert(duis_signer_create(key, certificate, reason, sizeof(reason)) == NULL);
	cr_assert_eq(errno, error);
	cr_assert(strstr(reason, words) != NULL, "%s", reason);
}

Test(duis_signer, files_refused)
{
	EVP_PKEY *key = make_key("P-256");
	EVP_PKEY *other = make_key("P-256");
	EVP_PKEY *wide = make_key("P-384");
	X509 *x509 = make(&good, key);
	FILE *file;

	write_pair(key, x509);
	file = create("other.pem");
	PEM_write_PKCS8PrivateKey(file, other, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	file = create("wide.pem");
	PEM_write_PKCS8PrivateKey(file, wide, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	create_fails(
		in_folder("none"), in_folder("certificate.pem"), ENOENT, "cannot read the key");
	create_fails(in_folder("empty"), in_folder("certificate.pem"), EINVAL, "not a private key");
	create_fails(in_folder("encrypted.pem"), in_folder("certificate.pem"), EINVAL,
		"not a private key");
	create_fails(in_folder("certificate.pem"), in_folder("certificate.pem"), EINVAL,
		"not a private key");
	create_fails(in_folder("wide.pem"), in_folder("certificate.pem"), EINVAL, "P-256");
	create_fails(in_folder("other.pem"), in_folder("certificate.pem"), EINVAL,
		"not the certificate of the private key");
	create_fails(
		in_folder("pkcs8.pem"), in_folder("none"), ENOENT, "cannot read the certificate");
	create_fails(
		in_folder("pkcs8.pem"), in_folder("empty"), EINVAL, "not an X.509 certificate");
	X509_free(x509);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	EVP_PKEY_free(wide);
}

Test(duis_signer, documents_refused)
{
	struct duis_signer *signer = material_signer(SUPPLIER);
	size_t overhead = duis_signer_overhead(signer);
	uint8_t document[8192] = "<a></a>";
	size_t length = strlen("<a></a>");

	cr_assert_eq(duis_signer_sign(signer, document, length, length + overhead - 1), -ENOBUFS);
	cr_assert_eq(duis_signer_sign(signer, document, length, length - 1), -ENOBUFS);
	cr_assert_str_eq((char *)document, "<a></a>");
	cr_assert_eq(duis_signer_sign(signer, document, 0, sizeof(document)), -EINVAL);
	cr_assert_eq(duis_signer_sign(signer, document, length - 1, sizeof(document)), -EINVAL);
	cr_assert_eq(duis_signer_sign(signer, document, 3, sizeof(document)), -EINVAL);
	cr_assert_eq(duis_signer_sign(signer, document, length, length + overhead),
		(int)(length + overhead));
	duis_signer_destroy(signer);
}
