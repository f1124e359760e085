/* SPDX-License-Identifier: Apache-2.0 */
/* Certification authorities, certificates and revocation lists for tests, made on the spot. */
#ifndef TESTS_CERTIFICATE_MAKER_H
#define TESTS_CERTIFICATE_MAKER_H

#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#define MAKER_EUI 0x90b3d51f30010000u
#define MAKER_START_S 1700000000 /* 2023-11-14 22:13:20 */

struct maker_authority {
	EVP_PKEY *key;
	X509 *certificate;
};

/* What a certificate shall be; zero fields have the values in brackets. */
struct maker_terms {
	const char *curve;	 /* [P-256] */
	const char *digest;	 /* [SHA256] */
	const char *role;	 /* OU [87]; "" none; "87+87" twice */
	uint64_t eui;		 /* [MAKER_EUI]; 1: none */
	const char *key_usage;	 /* [critical,digitalSignature]; "" none */
	const char *constraints; /* basicConstraints [none] */
	const char *comment;	 /* Netscape comment, of which nobody asks anything [none] */
	int64_t from_s;		 /* [MAKER_START_S - 1000] */
	int64_t to_s;		 /* [MAKER_START_S + 1000000] */
	long serial;		 /* [the next] */
};

/* An authority named `name`, valid from MAKER_START_S - 1000 to `to_s` (0: for long), signed by
 * `issuer` (NULL: by itself). */
struct maker_authority maker_authority(
	const char *name, const struct maker_authority *issuer, int64_t to_s);
void maker_authority_free(struct maker_authority *authority);

/* A certificate by `issuer`; the caller frees it. */
X509 *maker_certificate(const struct maker_authority *issuer, const struct maker_terms *terms);

/* Write it as PEM; as DER. */
void maker_write_pem(const char *path, X509 *certificate, X509 *second);
void maker_write_der(const char *path, X509 *certificate);

/* Write a revocation list of `issuer` that names `revoked` (NULL: nothing), made at MAKER_START_S
 * and to be followed at `next_s`. */
void maker_write_list(const char *path, const struct maker_authority *issuer, X509 *revoked,
	int64_t next_s, int is_der);

#endif
