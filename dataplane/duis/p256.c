/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To verify (r, s) over the digest e with the key Q is to compute
 *
 *     u1 = e / s,  u2 = r / s  (mod n)      R = u1*G + u2*Q      and ask: is R.x = r (mod n)?
 *
 * OpenSSL takes most of its time for u2*Q, because it knows nothing of Q beforehand, and much of
 * the rest for two inversions. Our users are few and known, so
 *
 *   - a key's table holds the multiples of Q that OpenSSL carries for G alone: it is an EC_GROUP
 *     whose generator *is* Q, after EC_GROUP_precompute_mult(). u2*Q then costs what u1*G costs;
 *   - all signatures of a burst share one inversion of s (Montgomery's trick: invert the product,
 *     then peel the factors off);
 *   - R stays in Jacobian coordinates: R.x = X / Z^2, so X is compared with r * Z^2, and with
 *     (r + n) * Z^2 where that is below p, because R.x was reduced modulo n.
 *
 * All arithmetic is the library's. Everything here is public, so time may depend on it.
 *
 * EC_POINT_mul() on a table never meets a doubling or an inverse pair by surprise: it was written
 * for scalars below n and points of order n, which Q is. In the last addition both may happen (an
 * attacker chooses e, r and s) and EC_POINT_add() knows all cases.
 *
 * The functions for tables and Jacobian coordinates are deprecated since OpenSSL 3.0 without a
 * replacement. Should a later library drop them, p256_key_build_table() goes with them: every key
 * stays plain, and nothing else changes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "dataplane/duis/p256.h"

#define SCALAR_SIZE 32
#define POINT_SIZE 65	/* uncompressed */
#define TABLE_PROBES 4	/* scalars with which a new table is compared */
#define DER_SIZE_MAX 72 /* of SEQUENCE { r, s } */

struct p256_key {
	EVP_PKEY *plain;
	/* NULL until built. Stored (release) by p256_key_build_table(), loaded (acquire) by those
	 * who verify; what it points at never changes. */
	_Atomic(EC_GROUP *) table;
};

/* A signature on its way through a batch. */
struct pending {
	struct p256_check *check;
	const EC_GROUP *table;
	BIGNUM *r;
	BIGNUM *s;	 /* from invert_all() on in Montgomery form, as is: */
	BIGNUM *product; /* s of this one and all before it */
};

struct p256_verifier {
	BN_CTX *scratch;
	EC_GROUP *curve;
	const BIGNUM *n; /* the order; belongs to curve */
	const BIGNUM *p; /* the field; belongs to curve */
	BIGNUM *n_less_2;
	BN_MONT_CTX *modulo_n;
	BN_MONT_CTX *modulo_p;
	EC_POINT *left;
	EC_POINT *right;
	BIGNUM *e;
	BIGNUM *inverse;
	BIGNUM *u1;
	BIGNUM *u2;
	BIGNUM *x;
	BIGNUM *z;
	struct pending pending[P256_BATCH_MAX];
	size_t pending_count;
};

/* ---- keys ---- */

struct p256_key *p256_key_create(EVP_PKEY *key)
{
	char group[32];
	struct p256_key *created;

	if (!EVP_PKEY_is_a(key, "EC") ||
		EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
		OBJ_txt2nid(group) != NID_X9_62_prime256v1) {
		ERR_clear_error();
		errno = EINVAL;
		return NULL;
	}
	created = calloc(1, sizeof(*created));
	if (!created)
		return NULL;
	EVP_PKEY_up_ref(key);
	created->plain = key;
	return created;
}

void p256_key_destroy(struct p256_key *key)
{
	if (!key)
		return;
	EC_GROUP_free(atomic_load_explicit(&key->table, memory_order_relaxed));
	EVP_PKEY_free(key->plain);
	free(key);
}

bool p256_key_has_table(const struct p256_key *key)
{
	return atomic_load_explicit(&key->table, memory_order_acquire) != NULL;
}

/* The key's point, on the curve; NULL when OpenSSL fails. */
static EC_POINT *read_point(EVP_PKEY *key, const EC_GROUP *curve, BN_CTX *scratch)
{
	uint8_t octets[POINT_SIZE];
	size_t length;
	EC_POINT *point = EC_POINT_new(curve);

	if (point &&
		EVP_PKEY_get_octet_string_param(
			key, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets), &length) == 1 &&
		EC_POINT_oct2point(curve, point, octets, length, scratch) == 1 &&
		EC_POINT_is_at_infinity(curve, point) == 0)
		return point;
	EC_POINT_free(point);
	return NULL;
}

/* Compare k*Q of the table with k*Q without it, for a few k, small, large and random. Returns 1
 * when all agree, 0 when not, -1 when OpenSSL fails. */
static int compare_table(
	const EC_GROUP *table, const EC_POINT *point, const EC_GROUP *curve, BN_CTX *scratch)
{
	const BIGNUM *n = EC_GROUP_get0_order(curve);
	EC_POINT *fast = EC_POINT_new(curve);
	EC_POINT *slow = EC_POINT_new(curve);
	BIGNUM *k = BN_new();
	int agrees = fast && slow && k ? 1 : -1;

	for (unsigned probe = 0; probe < TABLE_PROBES && agrees == 1; probe++) {
		int drawn = probe == 0	 ? BN_one(k)
			    : probe == 1 ? BN_sub(k, n, BN_value_one())
					 : BN_rand_range(k, n);

		if (drawn != 1 || EC_POINT_mul(table, fast, k, NULL, NULL, scratch) != 1 ||
			EC_POINT_mul(curve, slow, NULL, point, k, scratch) != 1)
			agrees = -1;
		else
			agrees = EC_POINT_cmp(curve, fast, slow, scratch) == 0;
	}
	EC_POINT_free(fast);
	EC_POINT_free(slow);
	BN_free(k);
	return agrees;
}

int p256_key_build_table(struct p256_key *key)
{
	EC_GROUP *curve;
	EC_GROUP *table;
	BN_CTX *scratch;
	EC_POINT *point = NULL;
	int result = -ENOMEM;

	if (p256_key_has_table(key))
		return 0;
	curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	table = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	scratch = BN_CTX_new();
	if (curve && table && scratch)
		point = read_point(key->plain, curve, scratch);
	if (point &&
		EC_GROUP_set_generator(table, point, EC_GROUP_get0_order(curve), BN_value_one()) ==
			1 &&
		EC_GROUP_precompute_mult(table, scratch) == 1) {
		int agrees = compare_table(table, point, curve, scratch);

		if (agrees == 1) {
			/* Pairs with the acquire in take_in(). */
			atomic_store_explicit(&key->table, table, memory_order_release);
			table = NULL;
			result = 0;
		} else if (agrees == 0) {
			result = -EIO;
		}
	}
	if (result != 0)
		ERR_clear_error();
	EC_POINT_free(point);
	BN_CTX_free(scratch);
	EC_GROUP_free(table);
	EC_GROUP_free(curve);
	return result;
}

/* ---- the verifier ---- */

static bool make_numbers(struct p256_verifier *verifier)
{
	BIGNUM **numbers[] = {&verifier->e, &verifier->inverse, &verifier->u1, &verifier->u2,
		&verifier->x, &verifier->z};

	for (size_t index = 0; index < sizeof(numbers) / sizeof(numbers[0]); index++)
		if (!(*numbers[index] = BN_new()))
			return false;
	for (size_t index = 0; index < P256_BATCH_MAX; index++) {
		struct pending *pending = &verifier->pending[index];

		pending->r = BN_new();
		pending->s = BN_new();
		pending->product = BN_new();
		if (!pending->r || !pending->s || !pending->product)
			return false;
	}
	return true;
}

struct p256_verifier *p256_verifier_create(void)
{
	struct p256_verifier *verifier = calloc(1, sizeof(*verifier));

	if (!verifier)
		return NULL;
	verifier->scratch = BN_CTX_new();
	verifier->curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	verifier->modulo_n = BN_MONT_CTX_new();
	verifier->modulo_p = BN_MONT_CTX_new();
	if (!verifier->scratch || !verifier->curve || !verifier->modulo_n || !verifier->modulo_p)
		goto destroy;
	verifier->n = EC_GROUP_get0_order(verifier->curve);
	verifier->p = EC_GROUP_get0_field(verifier->curve);
	verifier->left = EC_POINT_new(verifier->curve);
	verifier->right = EC_POINT_new(verifier->curve);
	verifier->n_less_2 = BN_dup(verifier->n);
	if (verifier->left && verifier->right && make_numbers(verifier) && verifier->n_less_2 &&
		BN_sub_word(verifier->n_less_2, 2) == 1 &&
		BN_MONT_CTX_set(verifier->modulo_n, verifier->n, verifier->scratch) == 1 &&
		BN_MONT_CTX_set(verifier->modulo_p, verifier->p, verifier->scratch) == 1)
		return verifier;
destroy:
	p256_verifier_destroy(verifier);
	ERR_clear_error();
	errno = ENOMEM;
	return NULL;
}

void p256_verifier_destroy(struct p256_verifier *verifier)
{
	if (!verifier)
		return;
	for (size_t index = 0; index < P256_BATCH_MAX; index++) {
		BN_free(verifier->pending[index].r);
		BN_free(verifier->pending[index].s);
		BN_free(verifier->pending[index].product);
	}
	BN_free(verifier->e);
	BN_free(verifier->inverse);
	BN_free(verifier->u1);
	BN_free(verifier->u2);
	BN_free(verifier->x);
	BN_free(verifier->z);
	BN_free(verifier->n_less_2);
	EC_POINT_free(verifier->left);
	EC_POINT_free(verifier->right);
	BN_MONT_CTX_free(verifier->modulo_n);
	BN_MONT_CTX_free(verifier->modulo_p);
	EC_GROUP_free(verifier->curve);
	BN_CTX_free(verifier->scratch);
	free(verifier);
}

/* ---- without a table ---- */

/* SEQUENCE { r, s } in DER; returns its length, 0 when OpenSSL fails. */
static int encode_der(const struct pending *pending, uint8_t der[static DER_SIZE_MAX])
{
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_dup(pending->r);
	BIGNUM *s = BN_dup(pending->s);
	int length = 0;

	if (signature && r && s && ECDSA_SIG_set0(signature, r, s) == 1) {
		r = NULL;
		s = NULL;
		length = i2d_ECDSA_SIG(signature, NULL);
		assert(length <= DER_SIZE_MAX);
		length = i2d_ECDSA_SIG(signature, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(signature);
	return length > 0 ? length : 0;
}

static int verify_plain(const struct pending *pending)
{
	uint8_t der[DER_SIZE_MAX];
	int length = encode_der(pending, der);
	EVP_PKEY_CTX *once = EVP_PKEY_CTX_new(pending->check->key->plain, NULL);
	int result = -ENOMEM;

	ERR_clear_error();
	if (length > 0 && once && EVP_PKEY_verify_init(once) == 1) {
		int answer = EVP_PKEY_verify(
			once, der, (size_t)length, pending->check->digest, P256_DIGEST_SIZE);

		/* A negative answer is a failure, and one of those is a signature whose R is the
		 * point at infinity: bad input, not a lack of memory. */
		if (answer == 1)
			result = 0;
		else if (answer == 0 ||
			 ERR_GET_REASON(ERR_peek_last_error()) != ERR_R_MALLOC_FAILURE)
			result = -EBADMSG;
	}
	EVP_PKEY_CTX_free(once);
	return result;
}

/* ---- with one ---- */

static bool multiply(
	BIGNUM *out, const BIGNUM *a, const BIGNUM *b, BN_MONT_CTX *modulus, BN_CTX *scratch)
{
	return BN_mod_mul_montgomery(out, a, b, modulus, scratch) == 1;
}

static bool in_range(const struct p256_verifier *verifier, const BIGNUM *number)
{
	return !BN_is_zero(number) && BN_ucmp(number, verifier->n) < 0;
}

/* Read one signature: settle it at once or make it pending. */
static void take_in(struct p256_verifier *verifier, struct p256_check *check)
{
	struct pending *pending = &verifier->pending[verifier->pending_count];

	check->result = -ENOMEM;
	pending->check = check;
	if (!BN_bin2bn(check->signature, SCALAR_SIZE, pending->r) ||
		!BN_bin2bn(check->signature + SCALAR_SIZE, SCALAR_SIZE, pending->s))
		return;
	if (!in_range(verifier, pending->r) || !in_range(verifier, pending->s)) {
		check->result = -EBADMSG;
		return;
	}
	/* Pairs with the release in p256_key_build_table(). */
	pending->table = atomic_load_explicit(&check->key->table, memory_order_acquire);
	if (pending->table)
		verifier->pending_count++;
	else
		check->result = verify_plain(pending);
}

/* Into `inverse` goes the inverse of the product of all pending s, in Montgomery form; each pending
 * product gets the s up to its own. a^(n-2) is 1/a, and here faster than BN_mod_inverse(), whose
 * branches depend on a and are mispredicted (10 us against 17). */
static bool invert_all(struct p256_verifier *verifier)
{
	const BIGNUM *product = NULL;

	for (size_t index = 0; index < verifier->pending_count; index++) {
		struct pending *pending = &verifier->pending[index];

		if (BN_to_montgomery(
			    pending->s, pending->s, verifier->modulo_n, verifier->scratch) != 1)
			return false;
		if (product ? !multiply(pending->product, product, pending->s, verifier->modulo_n,
				      verifier->scratch)
			    : !BN_copy(pending->product, pending->s))
			return false;
		product = pending->product;
	}
	return BN_from_montgomery(
		       verifier->inverse, product, verifier->modulo_n, verifier->scratch) == 1 &&
	       BN_mod_exp_mont(verifier->inverse, verifier->inverse, verifier->n_less_2,
		       verifier->n, verifier->scratch, verifier->modulo_n) == 1 &&
	       BN_to_montgomery(verifier->inverse, verifier->inverse, verifier->modulo_n,
		       verifier->scratch) == 1;
}

/* u1 and u2 of the pending signature `index`, whose s is the last factor left in `inverse`; takes
 * it out. A factor in Montgomery form times a plain one gives a plain product. */
static bool divide(struct p256_verifier *verifier, size_t index)
{
	struct pending *pending = &verifier->pending[index];
	const BIGNUM *own = verifier->inverse;

	if (index > 0) {
		if (!multiply(verifier->x, verifier->inverse, verifier->pending[index - 1].product,
			    verifier->modulo_n, verifier->scratch))
			return false;
		own = verifier->x;
	}
	if (!BN_bin2bn(pending->check->digest, P256_DIGEST_SIZE, verifier->e) ||
		(BN_ucmp(verifier->e, verifier->n) >= 0 &&
			BN_sub(verifier->e, verifier->e, verifier->n) != 1))
		return false;
	return multiply(verifier->u1, own, verifier->e, verifier->modulo_n, verifier->scratch) &&
	       multiply(verifier->u2, own, pending->r, verifier->modulo_n, verifier->scratch) &&
	       multiply(verifier->inverse, verifier->inverse, pending->s, verifier->modulo_n,
		       verifier->scratch);
}

/* Whether x = candidate * z^2 (mod p): 1, 0, or -1 when OpenSSL fails. Overwrites u1 and u2. */
static int has_abscissa(struct p256_verifier *verifier, const BIGNUM *candidate)
{
	BIGNUM *square = verifier->u1;
	BIGNUM *scaled = verifier->u2;

	/* With M(a, b) = ab/R: M(M(cR, M(z, z)), R^2) = c z^2; to_montgomery(a) is M(a, R^2) = aR.
	 */
	if (!multiply(square, verifier->z, verifier->z, verifier->modulo_p, verifier->scratch) ||
		BN_to_montgomery(scaled, candidate, verifier->modulo_p, verifier->scratch) != 1 ||
		!multiply(scaled, scaled, square, verifier->modulo_p, verifier->scratch) ||
		BN_to_montgomery(scaled, scaled, verifier->modulo_p, verifier->scratch) != 1)
		return -1;
	return BN_ucmp(scaled, verifier->x) == 0;
}

/* Judge the pending signature from u1 and u2. Returns the result. */
static int judge(struct p256_verifier *verifier, const struct pending *pending)
{
	EC_POINT *sum = verifier->left;
	int answer;

	if (EC_POINT_mul(verifier->curve, verifier->left, verifier->u1, NULL, NULL,
		    verifier->scratch) != 1 ||
		EC_POINT_mul(pending->table, verifier->right, verifier->u2, NULL, NULL,
			verifier->scratch) != 1 ||
		EC_POINT_add(verifier->curve, sum, verifier->left, verifier->right,
			verifier->scratch) != 1)
		return -ENOMEM;
	/* There Z = 0, and whatever X was left behind could match. */
	if (EC_POINT_is_at_infinity(verifier->curve, sum))
		return -EBADMSG;
	if (EC_POINT_get_Jprojective_coordinates_GFp(
		    verifier->curve, sum, verifier->x, NULL, verifier->z, verifier->scratch) != 1)
		return -ENOMEM;
	answer = has_abscissa(verifier, pending->r);
	if (answer == 0) {
		if (BN_add(verifier->e, pending->r, verifier->n) != 1)
			return -ENOMEM;
		if (BN_ucmp(verifier->e, verifier->p) < 0)
			answer = has_abscissa(verifier, verifier->e);
	}
	return answer == 1 ? 0 : answer == 0 ? -EBADMSG : -ENOMEM;
}

void p256_verify_batch(struct p256_verifier *verifier, struct p256_check *checks, size_t count)
{
	bool failed = false;

	assert(count <= P256_BATCH_MAX);
	verifier->pending_count = 0;
	for (size_t index = 0; index < count; index++)
		take_in(verifier, &checks[index]);
	if (verifier->pending_count > 0 && invert_all(verifier))
		for (size_t index = verifier->pending_count; index-- > 0;) {
			if (!divide(verifier, index))
				break;
			verifier->pending[index].check->result =
				judge(verifier, &verifier->pending[index]);
		}
	/* What OpenSSL says of a failure must not be taken for somebody else's. */
	for (size_t index = 0; index < count; index++)
		failed |= checks[index].result != 0;
	if (failed)
		ERR_clear_error();
}

int p256_verify(struct p256_verifier *verifier, const struct p256_key *key,
	const uint8_t digest[static P256_DIGEST_SIZE],
	const uint8_t signature[static P256_SIGNATURE_SIZE])
{
	struct p256_check check = {.key = key, .digest = digest, .signature = signature};

	p256_verify_batch(verifier, &check, 1);
	return check.result;
}
