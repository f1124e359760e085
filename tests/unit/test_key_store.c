/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are held by several, their tables, and the thread that builds these. */
#include <criterion/criterion.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "dataplane/key_store.h"

#define KEYS 6

static EVP_PKEY *pairs[KEYS];
static struct key_store *store;
static pthread_t builder;

static void *build(void *argument)
{
	(void)argument;
	key_store_run(store);
	return NULL;
}

static void begin(uint32_t tables_max)
{
	for (unsigned i = 0; i < KEYS; i++) {
		pairs[i] = EVP_EC_gen("P-256");
		cr_assert_not_null(pairs[i]);
	}
	store = key_store_create(tables_max);
	cr_assert_not_null(store);
	cr_assert_eq(pthread_create(&builder, NULL, build, NULL), 0);
}

static void end(void)
{
	key_store_end(store);
	pthread_join(builder, NULL);
	key_store_destroy(store);
	for (unsigned i = 0; i < KEYS; i++)
		EVP_PKEY_free(pairs[i]);
}

static void pause_ms(long ms)
{
	const struct timespec time = {.tv_nsec = ms * 1000000};
	nanosleep(&time, NULL);
}

/* Until `tables` tables are there and no more are to come. */
static void wait_for_tables(uint32_t tables)
{
	struct key_store_counts counts = key_store_count(store);
	for (unsigned turn = 0;
		turn < 3000 && (counts.tables != tables || counts.tables_wanted != 0); turn++) {
		pause_ms(5);
		counts = key_store_count(store);
	}
	cr_assert_eq(counts.tables, tables, "%u instead of %u", counts.tables, tables);
	cr_assert_eq(counts.tables_wanted, 0);
	cr_assert_eq(counts.tables_failed, 0);
}

/* Does a signature made with pairs[i] verify with `key`, and with no other one? */
static void expect_key_of(const struct stored_key *key, unsigned i)
{
	struct p256_verifier *verifier = p256_verifier_create();
	uint8_t digest[P256_DIGEST_SIZE] = {1, 2, 3};
	uint8_t der[128];
	size_t der_length = sizeof(der);
	const uint8_t *at = der;
	uint8_t signature[P256_SIGNATURE_SIZE];
	EVP_PKEY_CTX *once = EVP_PKEY_CTX_new(pairs[i], NULL);
	cr_assert_eq(EVP_PKEY_sign_init(once), 1);
	cr_assert_eq(EVP_PKEY_sign(once, der, &der_length, digest, sizeof(digest)), 1);
	ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &at, (long)der_length);
	BN_bn2binpad(ECDSA_SIG_get0_r(numbers), signature, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(numbers), signature + 32, 32);
	cr_assert_eq(p256_verify(verifier, key->key, digest, signature), 0);
	digest[0] ^= 1;
	cr_assert_eq(p256_verify(verifier, key->key, digest, signature), -EBADMSG);
	ECDSA_SIG_free(numbers);
	EVP_PKEY_CTX_free(once);
	p256_verifier_destroy(verifier);
}

Test(key_store, a_key_is_there_once)
{
	begin(KEYS);
	struct stored_key *first = key_store_take(store, pairs[0]);
	struct stored_key *again = key_store_take(store, pairs[0]);
	struct stored_key *other = key_store_take(store, pairs[1]);
	cr_assert_not_null(first);
	cr_assert_eq(first, again);
	cr_assert_neq(first, other);
	cr_assert_eq(key_store_count(store).keys, 2);
	key_store_release(store, first);
	cr_assert_eq(key_store_count(store).keys, 2);
	expect_key_of(again, 0);
	key_store_release(store, again);
	cr_assert_eq(key_store_count(store).keys, 1);
	expect_key_of(other, 1);
	key_store_release(store, other);
	key_store_release(store, NULL);
	cr_assert_eq(key_store_count(store).keys, 0);
	end();
}

/* The same point from another object, as another certificate gives it. */
Test(key_store, equal_keys_are_the_same)
{
	begin(0);
	uint8_t *der = NULL;
	int length = i2d_PUBKEY(pairs[0], &der);
	const uint8_t *at = der;
	EVP_PKEY *copy = d2i_PUBKEY(NULL, &at, length);
	struct stored_key *first = key_store_take(store, pairs[0]);
	cr_assert_eq(key_store_take(store, copy), first);
	EVP_PKEY_free(copy);
	OPENSSL_free(der);
	expect_key_of(first, 0);
	key_store_release(store, first);
	key_store_release(store, first);
	end();
}

Test(key_store, other_curves_are_refused)
{
	begin(KEYS);
	EVP_PKEY *key = EVP_EC_gen("P-384");
	errno = 0;
	cr_assert_null(key_store_take(store, key));
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(key_store_count(store).keys, 0);
	EVP_PKEY_free(key);
	end();
}

Test(key_store, tables_are_built_for_those_wanted, .timeout = 60)
{
	struct stored_key *keys[KEYS];
	begin(100);
	for (unsigned i = 0; i < KEYS; i++)
		keys[i] = key_store_take(store, pairs[i]);
	pause_ms(20);
	cr_assert_eq(key_store_count(store).tables, 0, "nobody wanted one");
	key_store_want_tables(store, keys, 3);
	wait_for_tables(3);
	for (unsigned i = 0; i < KEYS; i++) {
		cr_assert_eq(p256_key_has_table(keys[i]->key), i < 3);
		expect_key_of(keys[i], i);
		key_store_release(store, keys[i]);
	}
	cr_assert_eq(key_store_count(store).tables, 0);
	end();
}

/* A new reference set finds the tables of the keys that it shares with the one before. */
Test(key_store, tables_outlive_a_reference_set, .timeout = 60)
{
	struct stored_key *old[2];
	struct stored_key *new[2];
	begin(100);
	for (unsigned i = 0; i < 2; i++)
		old[i] = key_store_take(store, pairs[i]);
	key_store_want_tables(store, old, 2);
	wait_for_tables(2);
	for (unsigned i = 0; i < 2; i++)
		new[i] = key_store_take(store, pairs[i + 1]);
	cr_assert_eq(new[0], old[1]);
	cr_assert(p256_key_has_table(new[0]->key), "the table must be there at once");
	cr_assert_not(p256_key_has_table(new[1]->key));
	for (unsigned i = 0; i < 2; i++)
		key_store_release(store, old[i]);
	cr_assert_eq(key_store_count(store).keys, 2);
	cr_assert_eq(key_store_count(store).tables, 1);
	key_store_want_tables(store, new, 2);
	wait_for_tables(2);
	for (unsigned i = 0; i < 2; i++) {
		expect_key_of(new[i], i + 1);
		key_store_release(store, new[i]);
	}
	end();
}

Test(key_store, tables_max_is_a_bound, .timeout = 60)
{
	struct stored_key *keys[KEYS];
	begin(2);
	for (unsigned i = 0; i < KEYS; i++)
		keys[i] = key_store_take(store, pairs[i]);
	/* The last ones are the most wanted. */
	struct stored_key *wanted[] = {keys[5], keys[4], keys[3]};
	key_store_want_tables(store, wanted, 3);
	wait_for_tables(2);
	pause_ms(50);
	cr_assert(p256_key_has_table(keys[5]->key) && p256_key_has_table(keys[4]->key));
	cr_assert_not(p256_key_has_table(keys[3]->key));
	/* One goes: its room is for the next one. */
	key_store_release(store, keys[5]);
	for (unsigned turn = 0; turn < 3000 && !p256_key_has_table(keys[3]->key); turn++)
		pause_ms(5);
	cr_assert(p256_key_has_table(keys[3]->key));
	cr_assert_eq(key_store_count(store).tables, 2);
	for (unsigned i = 0; i < 5; i++)
		key_store_release(store, keys[i]);
	end();
}

Test(key_store, none_when_plain)
{
	begin(0);
	struct stored_key *key = key_store_take(store, pairs[0]);
	key_store_want_tables(store, &key, 1);
	pause_ms(100);
	cr_assert_eq(key_store_count(store).tables, 0);
	cr_assert_eq(key_store_count(store).tables_wanted, 0);
	expect_key_of(key, 0);
	key_store_release(store, key);
	end();
}

/* Sets that come faster than their tables: keys are released while theirs is being built, and come
 * back; and all that time somebody verifies. */
static _Atomic bool stop;

static void *verify(void *argument)
{
	while (!atomic_load(&stop))
		expect_key_of(argument, 0);
	return NULL;
}

Test(key_store, released_while_built, .timeout = 60)
{
	pthread_t reader;
	begin(3);
	struct stored_key *held = key_store_take(store, pairs[0]);
	cr_assert_eq(pthread_create(&reader, NULL, verify, held), 0);
	for (unsigned turn = 0; turn < 60; turn++) {
		struct stored_key *keys[KEYS];
		for (unsigned i = 0; i < KEYS; i++)
			keys[i] = key_store_take(store, pairs[(i + turn) % KEYS]);
		key_store_want_tables(store, keys, KEYS);
		pause_ms(turn % 7 * 3);
		cr_assert(key_store_count(store).tables <= 3);
		for (unsigned i = 0; i < KEYS; i++)
			key_store_release(store, keys[i]);
	}
	atomic_store(&stop, true);
	pthread_join(reader, NULL);
	key_store_release(store, held);
	for (unsigned turn = 0; turn < 1000 && key_store_count(store).tables > 0; turn++)
		pause_ms(5);
	cr_assert_eq(key_store_count(store).keys, 0);
	cr_assert_eq(key_store_count(store).tables, 0);
	end();
}

/* The end comes while tables are still wanted. */
Test(key_store, ends_in_the_middle, .timeout = 60)
{
	struct stored_key *keys[KEYS];
	begin(100);
	for (unsigned i = 0; i < KEYS; i++)
		keys[i] = key_store_take(store, pairs[i]);
	key_store_want_tables(store, keys, KEYS);
	pause_ms(10);
	key_store_end(store);
	for (unsigned i = 0; i < KEYS; i++)
		key_store_release(store, keys[i]);
	end();
}
