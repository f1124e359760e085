/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include <criterion/criterion.h>

#include "tests/unit/p256_signatures.h"

BN_CTX *scratch;
EC_GROUP *curve;
const BIGNUM *n;
const BIGNUM *p;

void signatures_begin(void)
{
	scratch = BN_CTX_new();
	curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	cr_assert(scratch && curve);
	n = EC_GROUP_get0_order(curve);
	p = EC_GROUP_get0_field(curve);
}

void signatures_end(void)
{
	EC_GROUP_free(curve);
	BN_CTX_free(scratch);
}

/* ---- numbers and keys ---- */

BIGNUM *number(unsigned long value)
{
	BIGNUM *created = BN_new();

	cr_assert_eq(BN_set_word(created, value), 1);
	return created;
}

BIGNUM *near(const BIGNUM *base, int offset)
{
	BIGNUM *created = BN_dup(base);

	if (offset >= 0)
		cr_assert_eq(BN_add_word(created, (BN_ULONG)offset), 1);
	else
		cr_assert_eq(BN_sub_word(created, (BN_ULONG)-offset), 1);
	return created;
}

BIGNUM *power_of_two(int exponent)
{
	BIGNUM *created = BN_new();

	cr_assert_eq(BN_set_bit(created, exponent), 1);
	return created;
}

BIGNUM *drawn(void)
{
	BIGNUM *created = BN_new();

	do
		cr_assert_eq(BN_rand_range(created, n), 1);
	while (BN_is_zero(created));
	return created;
}

BIGNUM *product(const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *created = BN_new();

	cr_assert_eq(BN_mod_mul(created, a, b, n, scratch), 1);
	return created;
}

BIGNUM *quotient(const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *inverse = BN_mod_inverse(NULL, b, n, scratch);
	BIGNUM *created;

	cr_assert_not_null(inverse);
	created = product(a, inverse);
	BN_free(inverse);
	return created;
}

struct pair pair_of(const EC_POINT *point)
{
	uint8_t octets[65];
	EVP_PKEY *key = NULL;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *parameters;
	EVP_PKEY_CTX *reading = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	struct pair pair;

	cr_assert_eq(EC_POINT_point2oct(curve, point, POINT_CONVERSION_UNCOMPRESSED, octets,
			     sizeof(octets), scratch),
		sizeof(octets));
	cr_assert_eq(OSSL_PARAM_BLD_push_utf8_string(
			     builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0),
		1);
	cr_assert_eq(OSSL_PARAM_BLD_push_octet_string(
			     builder, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets)),
		1);
	parameters = OSSL_PARAM_BLD_to_param(builder);
	cr_assert_eq(EVP_PKEY_fromdata_init(reading), 1);
	cr_assert_eq(EVP_PKEY_fromdata(reading, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
	pair.fast = p256_key_create(key);
	pair.plain = p256_key_create(key);
	cr_assert_not_null(pair.fast);
	cr_assert_not_null(pair.plain);
	cr_assert_eq(p256_key_build_table(pair.fast), 0);
	cr_assert(p256_key_has_table(pair.fast));
	cr_assert(!p256_key_has_table(pair.plain));
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(reading);
	EVP_PKEY_free(key);
	return pair;
}

struct pair pair_of_private(const BIGNUM *d)
{
	EC_POINT *point = EC_POINT_new(curve);
	struct pair pair;

	cr_assert_eq(EC_POINT_mul(curve, point, d, NULL, NULL, scratch), 1);
	pair = pair_of(point);
	EC_POINT_free(point);
	return pair;
}

void drop(struct pair pair)
{
	p256_key_destroy(pair.fast);
	p256_key_destroy(pair.plain);
}

/* ---- signatures ---- */

struct signed_digest encode(const BIGNUM *e, const BIGNUM *r, const BIGNUM *s)
{
	struct signed_digest encoded;

	cr_assert_eq(BN_bn2binpad(e, encoded.digest, 32), 32);
	cr_assert_eq(BN_bn2binpad(r, encoded.signature, 32), 32);
	cr_assert_eq(BN_bn2binpad(s, encoded.signature + 32, 32), 32);
	return encoded;
}

bool sign_backwards(const BIGNUM *d, const BIGNUM *u1, const BIGNUM *u2, struct signed_digest *made)
{
	EC_POINT *point = EC_POINT_new(curve);
	BIGNUM *k = product(u2, d);
	BIGNUM *r = BN_new();
	BIGNUM *s, *e;
	bool good;

	cr_assert_eq(BN_mod_add(k, k, u1, n, scratch), 1);
	good = !BN_is_zero(k);
	if (good) {
		cr_assert_eq(EC_POINT_mul(curve, point, k, NULL, NULL, scratch), 1);
		cr_assert_eq(EC_POINT_get_affine_coordinates(curve, point, r, NULL, scratch), 1);
		cr_assert_eq(BN_nnmod(r, r, n, scratch), 1);
	} else {
		BN_copy(r, u2);
	}
	s = quotient(r, u2);
	e = product(u1, s);
	*made = encode(e, r, s);
	BN_free(k);
	BN_free(r);
	BN_free(s);
	BN_free(e);
	EC_POINT_free(point);
	return good;
}

struct pair key_for(const EC_POINT *point, const BIGNUM *r, const BIGNUM *s, const BIGNUM *e)
{
	EC_POINT *key = EC_POINT_new(curve);
	BIGNUM *of_point = quotient(s, r);
	BIGNUM *of_generator = quotient(e, r);
	struct pair pair;

	cr_assert_eq(BN_mod_sub(of_generator, n, of_generator, n, scratch), 1);
	cr_assert_eq(EC_POINT_mul(curve, key, of_generator, point, of_point, scratch), 1);
	pair = pair_of(key);
	BN_free(of_point);
	BN_free(of_generator);
	EC_POINT_free(key);
	return pair;
}

EC_POINT *point_from(BIGNUM *x)
{
	EC_POINT *point = EC_POINT_new(curve);

	while (EC_POINT_set_compressed_coordinates(curve, point, x, 0, scratch) != 1) {
		ERR_clear_error();
		cr_assert_eq(BN_add_word(x, 1), 1);
		cr_assert(BN_ucmp(x, p) < 0);
	}
	return point;
}
