/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known-key verification against OpenSSL's own. Where a case is constructed, its verdict is known
 * beforehand too; then three must agree: the table, EVP, and arithmetic.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <criterion/criterion.h>

#include "tests/unit/p256_signatures.h"

#define RANDOM_DEFAULT 10000ul
#define RANDOM_KEYS 16
#define RANDOM_VARIABLE "MOTORWAY_P256_SIGNATURES" /* 1000000 in the long run */

static struct p256_verifier *verifier;

static void begin(void)
{
	signatures_begin();
	verifier = p256_verifier_create();
	cr_assert_not_null(verifier);
}

static void end(void)
{
	p256_verifier_destroy(verifier);
	signatures_end();
}

TestSuite(p256, .init = begin, .fini = end, .timeout = 3600);

/* Both forms of the key give `expected`, alone. */
static void expect(struct pair pair, const struct signed_digest *of, int expected, const char *what)
{
	int fast = p256_verify(verifier, pair.fast, of->digest, of->signature);
	int plain = p256_verify(verifier, pair.plain, of->digest, of->signature);

	cr_assert_eq(plain, expected, "%s: EVP says %d, expected %d", what, plain, expected);
	cr_assert_eq(fast, expected, "%s: the table says %d, expected %d", what, fast, expected);
	/* Nothing is left for somebody else to misread. */
	cr_assert_eq(ERR_peek_error(), 0ul, "%s", what);
}

/* ---- the cases ---- */

Test(p256, range_of_r_and_s)
{
	BIGNUM *all = power_of_two(256), *d = drawn();
	BIGNUM *edges[6] = {
		number(0), number(1), near(n, -1), BN_dup(n), near(n, 1), near(all, -1)};
	BIGNUM *outside[4] = {edges[0], edges[3], edges[4], edges[5]};
	struct pair pair = pair_of_private(d);
	struct signed_digest made, good;

	for (size_t e = 0; e < 6; e++)
		for (size_t r = 0; r < 6; r++)
			for (size_t s = 0; s < 6; s++) {
				made = encode(edges[e], edges[r], edges[s]);
				expect(pair, &made, -EBADMSG, "edges");
			}
	/* One part right, the other out of range. */
	cr_assert(sign_backwards(d, edges[1], edges[2], &good));
	expect(pair, &good, 0, "good");
	for (size_t index = 0; index < 4; index++)
		for (size_t half = 0; half < 2; half++) {
			made = good;
			BN_bn2binpad(outside[index], made.signature + 32 * half, 32);
			expect(pair, &made, -EBADMSG, "half out of range");
		}
	for (size_t index = 0; index < 6; index++)
		BN_free(edges[index]);
	BN_free(all);
	BN_free(d);
	drop(pair);
}

/* s = 1 and n - 1, r = 1 and the smallest and largest that have a point. */
Test(p256, extreme_parts_that_are_good)
{
	BIGNUM *parts[] = {number(1), near(n, -1), near(n, -2), number(2)};
	BIGNUM *e = drawn();
	BIGNUM *starts[] = {number(0), number(1), power_of_two(224), near(n, -20)};

	for (size_t start = 0; start < 4; start++) {
		EC_POINT *point = point_from(starts[start]);
		BIGNUM *r = BN_new();

		cr_assert_eq(BN_nnmod(r, starts[start], n, scratch), 1);
		for (size_t part = 0; part < 4 && !BN_is_zero(r); part++) {
			struct pair pair = key_for(point, r, parts[part], e);
			struct signed_digest made = encode(e, r, parts[part]);

			expect(pair, &made, 0, "extreme r or s");
			made.signature[63] ^= 1;
			expect(pair, &made, -EBADMSG, "extreme r or s, damaged");
			drop(pair);
		}
		BN_free(r);
		BN_free(starts[start]);
		EC_POINT_free(point);
	}
	for (size_t part = 0; part < 4; part++)
		BN_free(parts[part]);
	BN_free(e);
}

/* R.x is reduced modulo n: n <= R.x < p must be accepted as r = R.x - n ... */
Test(p256, abscissa_above_the_order)
{
	BIGNUM *x = near(n, 1);

	for (size_t count = 0; count < 3; count++) {
		EC_POINT *point = point_from(x);
		BIGNUM *r = BN_new(), *s = drawn(), *e = drawn();
		struct pair pair;
		struct signed_digest made;

		cr_assert_eq(BN_sub(r, x, n), 1);
		pair = key_for(point, r, s, e);
		made = encode(e, r, s);
		expect(pair, &made, 0, "R.x = r + n");
		/* R.x itself is no r: it is not below n. */
		made = encode(e, x, s);
		expect(pair, &made, -EBADMSG, "R.x as r");
		cr_assert_eq(BN_add_word(x, 1), 1);
		drop(pair);
		BN_free(r);
		BN_free(s);
		BN_free(e);
		EC_POINT_free(point);
	}
	BN_free(x);
}

/* ... and r + n must not wrap around p: R.x = r + n - p is not r. */
Test(p256, abscissa_that_would_wrap)
{
	BIGNUM *x = number(1), *gap = BN_new();

	cr_assert_eq(BN_sub(gap, p, n), 1);
	for (size_t count = 0; count < 3; count++) {
		EC_POINT *point = point_from(x);
		BIGNUM *r = BN_new(), *s = drawn(), *e = drawn();
		struct pair pair;
		struct signed_digest made;

		cr_assert_eq(BN_add(r, x, gap), 1);
		pair = key_for(point, r, s, e);
		made = encode(e, r, s);
		expect(pair, &made, -EBADMSG, "R.x = r + n - p");
		cr_assert_eq(BN_add_word(x, 1), 1);
		drop(pair);
		BN_free(r);
		BN_free(s);
		BN_free(e);
		EC_POINT_free(point);
	}
	BN_free(x);
	BN_free(gap);
}

/* u1*G = u2*Q: the last addition doubles. u1*G = -u2*Q: it ends at infinity. */
Test(p256, same_and_opposite_points)
{
	for (unsigned long round = 0; round < 8; round++) {
		BIGNUM *d = round < 4 ? number(round + 1) : drawn();
		BIGNUM *u2 = round % 2 ? drawn() : number(round + 1);
		BIGNUM *same = product(u2, d), *opposite = BN_new();
		struct pair pair = pair_of_private(d);
		struct signed_digest made;

		cr_assert_eq(BN_sub(opposite, n, same), 1);
		cr_assert(sign_backwards(d, same, u2, &made));
		expect(pair, &made, 0, "same points");
		made.digest[31] ^= 1;
		expect(pair, &made, -EBADMSG, "same points, damaged");
		cr_assert(!sign_backwards(d, opposite, u2, &made));
		expect(pair, &made, -EBADMSG, "opposite points");
		BN_free(d);
		BN_free(u2);
		BN_free(same);
		BN_free(opposite);
		drop(pair);
	}
}

/* Digests around zero and n, that is u1 = 0 among others; 0 and n, 1 and n + 1 are the same e. */
Test(p256, extreme_digests)
{
	BIGNUM *all = power_of_two(256), *d = drawn(), *k = drawn(), *r = BN_new();
	BIGNUM *digests[] = {
		number(0), number(1), near(n, -1), BN_dup(n), near(n, 1), near(all, -1)};
	struct pair pair = pair_of_private(d);
	EC_POINT *point = EC_POINT_new(curve);

	cr_assert_eq(EC_POINT_mul(curve, point, k, NULL, NULL, scratch), 1);
	cr_assert_eq(EC_POINT_get_affine_coordinates(curve, point, r, NULL, scratch), 1);
	cr_assert_eq(BN_nnmod(r, r, n, scratch), 1);
	for (size_t index = 0; index < 6; index++) {
		BIGNUM *sum = product(r, d);
		BIGNUM *s;
		struct signed_digest made;

		cr_assert_eq(BN_mod_add(sum, sum, digests[index], n, scratch), 1);
		s = quotient(sum, k);
		made = encode(digests[index], r, s);
		expect(pair, &made, 0, "extreme digest");
		made = encode(digests[(index + 2) % 6], r, s);
		expect(pair, &made, -EBADMSG, "another extreme digest");
		BN_free(sum);
		BN_free(s);
	}
	for (size_t index = 0; index < 6; index++)
		BN_free(digests[index]);
	BN_free(all);
	BN_free(d);
	BN_free(k);
	BN_free(r);
	EC_POINT_free(point);
	drop(pair);
}

/* Scalars that implementations trip over, each with each, for keys close to G and a random one. */
#define SPECIAL_MAX 64
static size_t special_scalars(BIGNUM **scalars)
{
	static const int exponents[] = {1, 6, 7, 8, 13, 14, 31, 32, 63, 64, 65, 96, 127, 128, 192,
		224, 251, 252, 253, 254, 255};
	size_t count = 0;

	for (size_t index = 0; index < sizeof(exponents) / sizeof(exponents[0]); index++) {
		BIGNUM *power = power_of_two(exponents[index]);

		scalars[count++] = BN_dup(power);
		if (index % 3 == 0) {
			scalars[count++] = near(power, -1);
			scalars[count] = BN_new();
			cr_assert_eq(BN_sub(scalars[count++], n, power), 1);
		}
		BN_free(power);
	}
	for (int offset = 1; offset < 4; offset++) {
		scalars[count++] = number((unsigned long)offset);
		scalars[count++] = near(n, -offset);
	}
	scalars[count] = BN_dup(n);
	cr_assert_eq(BN_rshift1(scalars[count], scalars[count]), 1);
	count++;
	scalars[count] = near(scalars[count - 1], 1);
	return count + 1;
}

Test(p256, special_scalars)
{
	BIGNUM *scalars[SPECIAL_MAX];
	size_t count = special_scalars(scalars);
	BIGNUM *keys[] = {number(1), number(2), near(n, -1), drawn()};

	cr_assert(count <= SPECIAL_MAX);
	for (size_t key = 0; key < 4; key++) {
		struct pair pair = pair_of_private(keys[key]);

		for (size_t first = 0; first < count; first++)
			for (size_t second = 0; second < count; second++) {
				struct signed_digest made;
				bool good = sign_backwards(
					keys[key], scalars[first], scalars[second], &made);

				expect(pair, &made, good ? 0 : -EBADMSG, "special scalars");
			}
		drop(pair);
		BN_free(keys[key]);
	}
	for (size_t index = 0; index < count; index++)
		BN_free(scalars[index]);
}

/* Every digit in every place of u2, so that each entry of the table is used. */
Test(p256, every_entry_of_a_table)
{
	BIGNUM *d = drawn();
	struct pair pair = pair_of_private(d);

	for (int place = 0; place < 252; place += 7)
		for (unsigned long digit = 1; digit < 128; digit += place < 14 ? 1 : 3) {
			BIGNUM *u2 = number(digit), *u1 = drawn();
			struct signed_digest made;

			cr_assert_eq(BN_lshift(u2, u2, place), 1);
			cr_assert(sign_backwards(d, u1, u2, &made));
			cr_assert_eq(p256_verify(verifier, pair.fast, made.digest, made.signature),
				0, "digit %lu at bit %d", digit, place);
			BN_free(u1);
			BN_free(u2);
		}
	BN_free(d);
	drop(pair);
}

/* ---- batches ---- */

#define BATCH_KEYS 3

/* Good, damaged and out of range ones, keys of both kinds, all sizes: as each alone. */
Test(p256, batches)
{
	struct pair pairs[BATCH_KEYS];
	BIGNUM *keys[BATCH_KEYS];
	struct signed_digest made[P256_BATCH_MAX];
	struct p256_check checks[P256_BATCH_MAX];
	int expected[P256_BATCH_MAX];

	for (size_t key = 0; key < BATCH_KEYS; key++) {
		keys[key] = drawn();
		pairs[key] = pair_of_private(keys[key]);
	}
	for (size_t count = 0; count <= P256_BATCH_MAX; count++)
		for (size_t mix = 0; mix < 4; mix++) {
			for (size_t index = 0; index < count; index++) {
				size_t key = (index + mix) % BATCH_KEYS;
				BIGNUM *u1 = drawn(), *u2 = drawn();

				cr_assert(sign_backwards(keys[key], u1, u2, &made[index]));
				expected[index] = 0;
				if (mix > 0 && index % (mix + 1) == 0) {
					size_t octet = (size_t)rand() % P256_SIGNATURE_SIZE;

					made[index].signature[octet] ^= 1;
					expected[index] = -EBADMSG;
				}
				if (mix == 2 && index % 5 == 3) {
					memset(made[index].signature + 32, index % 2 ? 0xff : 0,
						32);
					expected[index] = -EBADMSG;
				}
				checks[index] = (struct p256_check){
					.key = mix == 3 && index % 2 ? pairs[key].plain
								     : pairs[key].fast,
					.digest = made[index].digest,
					.signature = made[index].signature,
					.result = 1,
				};
				BN_free(u1);
				BN_free(u2);
			}
			p256_verify_batch(verifier, checks, count);
			for (size_t index = 0; index < count; index++)
				cr_assert_eq(checks[index].result, expected[index],
					"%zu of %zu, mix %zu", index, count, mix);
		}
	for (size_t key = 0; key < BATCH_KEYS; key++) {
		drop(pairs[key]);
		BN_free(keys[key]);
	}
}

/* The infinite one has a z of zero; its neighbours in the batch must not notice. */
Test(p256, infinity_within_a_batch)
{
	BIGNUM *d = drawn(), *u2 = drawn(), *opposite = BN_new(), *negated = product(u2, d);
	struct pair pair = pair_of_private(d);
	struct signed_digest good, infinite;
	struct p256_check checks[3];

	cr_assert_eq(BN_sub(opposite, n, negated), 1);
	cr_assert(sign_backwards(d, u2, u2, &good));
	cr_assert(!sign_backwards(d, opposite, u2, &infinite));
	for (size_t index = 0; index < 3; index++) {
		const struct signed_digest *of = index == 1 ? &infinite : &good;

		checks[index] = (struct p256_check){
			.key = pair.fast, .digest = of->digest, .signature = of->signature};
	}
	p256_verify_batch(verifier, checks, 3);
	cr_assert_eq(checks[0].result, 0);
	cr_assert_eq(checks[1].result, -EBADMSG);
	cr_assert_eq(checks[2].result, 0);
	BN_free(d);
	BN_free(u2);
	BN_free(opposite);
	BN_free(negated);
	drop(pair);
}

/* ---- keys ---- */

Test(p256, keys_of_other_kinds)
{
	EVP_PKEY *others[] = {EVP_EC_gen("P-384"), EVP_EC_gen("secp256k1"),
		EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};

	for (size_t index = 0; index < sizeof(others) / sizeof(others[0]); index++) {
		cr_assert_not_null(others[index]);
		errno = 0;
		cr_assert_null(p256_key_create(others[index]));
		cr_assert_eq(errno, EINVAL);
		EVP_PKEY_free(others[index]);
	}
	p256_key_destroy(NULL);
	p256_verifier_destroy(NULL);
}

Test(p256, a_table_is_built_once)
{
	BIGNUM *d = drawn();
	struct pair pair = pair_of_private(d);

	cr_assert_eq(p256_key_build_table(pair.fast), 0);
	cr_assert(p256_key_has_table(pair.fast));
	BN_free(d);
	drop(pair);
}

struct building {
	struct p256_key *key;
	struct signed_digest made;
	atomic_bool done;
	unsigned long verified;
	bool agreed;
};

static void *verify_meanwhile(void *argument)
{
	struct building *building = argument;
	struct p256_verifier *own = p256_verifier_create();
	struct signed_digest bad = building->made;
	bool last = false;

	bad.digest[0] ^= 1;
	building->agreed = own != NULL;
	/* Once more after the table is there. */
	for (;;) {
		building->agreed &= p256_verify(own, building->key, building->made.digest,
					    building->made.signature) == 0;
		building->agreed &=
			p256_verify(own, building->key, bad.digest, bad.signature) == -EBADMSG;
		building->verified++;
		if (last)
			break;
		last = atomic_load(&building->done);
	}
	p256_verifier_destroy(own);
	return NULL;
}

Test(p256, a_table_is_built_while_others_verify)
{
	BIGNUM *d = drawn(), *u1 = drawn(), *u2 = drawn();
	struct pair pair = pair_of_private(d);
	struct building building = {.key = pair.plain};
	pthread_t thread;

	cr_assert(sign_backwards(d, u1, u2, &building.made));
	cr_assert_eq(pthread_create(&thread, NULL, verify_meanwhile, &building), 0);
	cr_assert_eq(p256_key_build_table(pair.plain), 0);
	atomic_store(&building.done, true);
	pthread_join(thread, NULL);
	cr_assert(building.agreed);
	cr_assert(building.verified > 1);
	BN_free(d);
	BN_free(u1);
	BN_free(u2);
	drop(pair);
}

/* ---- at random ---- */

struct random_key {
	EVP_PKEY *pair;
	EVP_PKEY_CTX *signing;
	EVP_PKEY_CTX *verifying;
	struct p256_key *fast;
};

struct tally {
	unsigned long good;
	unsigned long bad;
};

static struct random_key make_random_key(void)
{
	struct random_key key = {.pair = EVP_EC_gen("P-256")};

	key.signing = EVP_PKEY_CTX_new(key.pair, NULL);
	key.verifying = EVP_PKEY_CTX_new(key.pair, NULL);
	key.fast = p256_key_create(key.pair);
	cr_assert_eq(EVP_PKEY_sign_init(key.signing), 1);
	cr_assert_eq(EVP_PKEY_verify_init(key.verifying), 1);
	cr_assert_not_null(key.fast);
	cr_assert_eq(p256_key_build_table(key.fast), 0);
	return key;
}

static struct signed_digest sign_at_random(const struct random_key *key)
{
	struct signed_digest made;
	uint8_t der[80];
	const uint8_t *at = der;
	size_t length = sizeof(der);
	ECDSA_SIG *parsed;
	BIGNUM *digest = BN_new();

	cr_assert_eq(BN_rand(digest, 256, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
	BN_bn2binpad(digest, made.digest, 32);
	BN_free(digest);
	cr_assert_eq(EVP_PKEY_sign(key->signing, der, &length, made.digest, 32), 1);
	parsed = d2i_ECDSA_SIG(NULL, &at, (long)length);
	BN_bn2binpad(ECDSA_SIG_get0_r(parsed), made.signature, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(parsed), made.signature + 32, 32);
	ECDSA_SIG_free(parsed);
	return made;
}

/* Half stay as they are; of the others one octet changes, r and s change places, or s becomes n -
 * s, which ECDSA accepts. Returns whether it is still good. */
static bool damage_at_random(struct signed_digest *made)
{
	uint8_t half[32];
	BIGNUM *s;

	switch (rand() % 10) {
	case 0:
		made->digest[rand() % 32] ^= (uint8_t)(1 << rand() % 8);
		return false;
	case 1:
		made->signature[rand() % 32] ^= (uint8_t)(1 << rand() % 8);
		return false;
	case 2:
		made->signature[32 + rand() % 32] ^= (uint8_t)(1 << rand() % 8);
		return false;
	case 3:
		memcpy(half, made->signature, 32);
		memcpy(made->signature, made->signature + 32, 32);
		memcpy(made->signature + 32, half, 32);
		return false;
	case 4:
		s = BN_bin2bn(made->signature + 32, 32, NULL);
		cr_assert_eq(BN_sub(s, n, s), 1);
		BN_bn2binpad(s, made->signature + 32, 32);
		BN_free(s);
		return true;
	default:
		return true;
	}
}

/* What OpenSSL says, by a path of its own: DER, and a context that stays. */
static int judge_with_evp(const struct random_key *key, const struct signed_digest *made)
{
	uint8_t der[80];
	uint8_t *out = der;
	ECDSA_SIG *signature = ECDSA_SIG_new();
	int length, answer;

	ECDSA_SIG_set0(signature, BN_bin2bn(made->signature, 32, NULL),
		BN_bin2bn(made->signature + 32, 32, NULL));
	length = i2d_ECDSA_SIG(signature, &out);
	cr_assert(length > 0 && length <= (int)sizeof(der));
	answer = EVP_PKEY_verify(key->verifying, der, (size_t)length, made->digest, 32);
	ECDSA_SIG_free(signature);
	ERR_clear_error();
	return answer == 1 ? 0 : -EBADMSG;
}

static void judge_burst(struct random_key *keys, size_t count, struct tally *tally)
{
	struct signed_digest made[P256_BATCH_MAX];
	struct p256_check checks[P256_BATCH_MAX];
	const struct random_key *used[P256_BATCH_MAX];
	bool good[P256_BATCH_MAX];

	for (size_t index = 0; index < count; index++) {
		size_t by = (size_t)rand() % RANDOM_KEYS, as = by;

		made[index] = sign_at_random(&keys[by]);
		good[index] = damage_at_random(&made[index]);
		if (rand() % 20 == 0)
			as = (size_t)rand() % RANDOM_KEYS;
		good[index] &= as == by;
		used[index] = &keys[as];
		checks[index] = (struct p256_check){.key = keys[as].fast,
			.digest = made[index].digest,
			.signature = made[index].signature};
	}
	p256_verify_batch(verifier, checks, count);
	for (size_t index = 0; index < count; index++) {
		int evp = judge_with_evp(used[index], &made[index]);

		cr_assert_eq(checks[index].result, evp);
		cr_assert_eq(evp, good[index] ? 0 : -EBADMSG);
		tally->good += good[index];
		tally->bad += !good[index];
	}
}

Test(p256, random_signatures_good_and_damaged)
{
	const char *wanted = getenv(RANDOM_VARIABLE);
	unsigned long total = wanted ? strtoul(wanted, NULL, 10) : RANDOM_DEFAULT;
	struct random_key keys[RANDOM_KEYS];
	struct tally tally = {0};

	srand(20260101);
	for (size_t key = 0; key < RANDOM_KEYS; key++)
		keys[key] = make_random_key();
	while (tally.good + tally.bad < total) {
		unsigned long left = total - tally.good - tally.bad;
		size_t count = 1 + (size_t)rand() % P256_BATCH_MAX;

		judge_burst(keys, count < left ? count : left, &tally);
	}
	if (wanted)
		fprintf(stderr, "%lu good and %lu damaged signatures judged alike\n", tally.good,
			tally.bad);
	cr_assert(tally.good > total / 4);
	cr_assert(tally.bad > total / 4);
	for (size_t key = 0; key < RANDOM_KEYS; key++) {
		p256_key_destroy(keys[key].fast);
		EVP_PKEY_CTX_free(keys[key].signing);
		EVP_PKEY_CTX_free(keys[key].verifying);
		EVP_PKEY_free(keys[key].pair);
	}
}
