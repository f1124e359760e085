/* SPDX-License-Identifier: Apache-2.0 */
/*
 * P-256 keys and signatures made to measure, for tests. Two ways to choose their parts, both with
 * the order n:
 *   - from a private key d and any u1, u2: R = (u1 + u2*d)*G, r = R.x, s = r/u2, e = u1*s;
 *   - from any R, r, s, e: the public key is Q = (s*R - e*G)/r, and nobody knows its private key.
 * Whatever fails in here fails the test. The caller frees what he gets.
 */
#ifndef P256_SIGNATURES_H
#define P256_SIGNATURES_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/bn.h>
#include <openssl/ec.h>

#include "dataplane/duis/p256.h"

/* A public key in both forms. */
struct pair {
	struct p256_key *fast;
	struct p256_key *plain;
};

struct signed_digest {
	uint8_t digest[P256_DIGEST_SIZE];
	uint8_t signature[P256_SIGNATURE_SIZE];
};

/* Valid between begin and end. */
extern BN_CTX *scratch;
extern EC_GROUP *curve;
extern const BIGNUM *n; /* the order */
extern const BIGNUM *p; /* the field */

void signatures_begin(void);
void signatures_end(void);

/* Numbers: a small one; base + offset; 2^exponent; a random one of 1 .. n-1; a*b and a/b modulo n.
 */
BIGNUM *number(unsigned long value);
BIGNUM *near(const BIGNUM *base, int offset);
BIGNUM *power_of_two(int exponent);
BIGNUM *drawn(void);
BIGNUM *product(const BIGNUM *a, const BIGNUM *b);
BIGNUM *quotient(const BIGNUM *a, const BIGNUM *b);

/* A public key, given as a point or by its private key d. */
struct pair pair_of(const EC_POINT *point);
struct pair pair_of_private(const BIGNUM *d);
void drop(struct pair pair);

/* Each number as 32 octets. */
struct signed_digest encode(const BIGNUM *e, const BIGNUM *r, const BIGNUM *s);

/* The signature of key d that leads to u1, u2 (u2 not 0). When R is the point at infinity, no r
 * would be right; then r = u2 and the answer is false. Else true: it is good. */
bool sign_backwards(
	const BIGNUM *d, const BIGNUM *u1, const BIGNUM *u2, struct signed_digest *made);

/* The key for which (r, s) over e leads to the point R. */
struct pair key_for(const EC_POINT *point, const BIGNUM *r, const BIGNUM *s, const BIGNUM *e);

/* The next point whose x is at least `x`; x becomes its abscissa. */
EC_POINT *point_from(BIGNUM *x);

#endif
