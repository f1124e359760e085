/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA on P-256 with SHA-256 for keys that sign again and again; doc/verification.md has the idea
 * and the figures. A key begins plain (EVP) and becomes fast once its table is built, at any time
 * and without a pause for those who verify.
 */
#ifndef DUIS_P256_H
#define DUIS_P256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#define P256_DIGEST_SIZE 32
#define P256_SIGNATURE_SIZE 64 /* r, s: 32 octets each, big-endian (RFC 4051 section 2.3.6) */
#define P256_BATCH_MAX 32

/* What a key with a table takes, bytes: 37 windows of 64 points of 64 octets, and OpenSSL's group
 * around them. A key without one takes less than 4 KB. */
#define P256_KEY_BYTES (37 * 64 * 64 + 4096)

/* A user's public key. Any number of threads may verify with it at once. */
struct p256_key;

/* A key of its own for `key` (a reference is taken), without table. Not for polling cores:
 * allocates. Returns NULL with errno: EINVAL (not a public key on P-256), ENOMEM. */
struct p256_key *p256_key_create(EVP_PKEY *key);

/* No thread may be verifying with it any more. NULL is fine. */
void p256_key_destroy(struct p256_key *key);

/* Build the table: 20 to 40 ms, P256_KEY_BYTES. One thread at a time for a key, off the polling
 * cores; others may verify meanwhile and use the table from their next call on. The table is
 * compared with plain arithmetic before anyone sees it. Returns 0 (also when it was there),
 * -ENOMEM, or -EIO: it was wrong, the key stays plain. */
int p256_key_build_table(struct p256_key *key);

/* Whether the table is there. Any thread. */
bool p256_key_has_table(const struct p256_key *key);

/* What one thread needs to verify. */
struct p256_verifier;

/* At start: allocates. Returns NULL with errno ENOMEM. */
struct p256_verifier *p256_verifier_create(void);
void p256_verifier_destroy(struct p256_verifier *verifier);

/* One signature to judge. The pointers are borrowed for the call. */
struct p256_check {
	const struct p256_key *key;
	const uint8_t *digest;	  /* P256_DIGEST_SIZE octets: SHA-256 of what was signed */
	const uint8_t *signature; /* P256_SIGNATURE_SIZE octets */
	int result;		  /* out: 0 good, -EBADMSG not, -ENOMEM: OpenSSL could not tell */
};

/* Judge checks[0 .. count), count <= P256_BATCH_MAX, and set each result. Keys may repeat and may
 * be of both kinds. The more signatures, the cheaper each (one modular inversion for all), but one
 * alone is fine: nothing needs to be saved up. Allocates only inside OpenSSL. */
void p256_verify_batch(struct p256_verifier *verifier, struct p256_check *checks, size_t count);

/* One alone. Returns the result. */
int p256_verify(struct p256_verifier *verifier, const struct p256_key *key,
	const uint8_t digest[static P256_DIGEST_SIZE],
	const uint8_t signature[static P256_SIGNATURE_SIZE]);

#endif
