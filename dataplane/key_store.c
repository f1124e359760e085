/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock guards everything but the building of a table itself, which takes milliseconds; what is
 * done under the lock takes microseconds. The keys wanted have a rank in their entries, and the
 * builder looks for the best one each time: beside the price of a table that costs nothing, and no
 * queue can name a key that is gone.
 */
#include "dataplane/key_store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>

#define BUCKETS 4096 /* a power of two */
#define NAME_SIZE 128
#define NOT_WANTED UINT32_MAX

struct key_entry {
	struct stored_key stored; /* first: a stored key is its entry */
	struct p256_key *key;
	struct key_entry *next; /* of its bucket */
	uint32_t holders;
	uint32_t rank; /* among those wanted, from 0; NOT_WANTED */
	bool failed;
	bool gone; /* released while its table was being built */
	uint32_t name_length;
	uint8_t name[NAME_SIZE]; /* DER of SubjectPublicKeyInfo */
};

struct key_store {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ended;
	struct key_entry *building;
	struct key_store_counts counts; /* tables_wanted is counted when asked for */
	struct key_entry *buckets[BUCKETS];
};

static struct key_entry *entry_of(struct stored_key *key)
{
	return (struct key_entry *)(void *)key;
}

struct key_store *key_store_create(uint32_t tables_max)
{
	struct key_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->counts.tables_max = tables_max;
	if (pthread_mutex_init(&store->lock, NULL) != 0) {
		free(store);
		errno = ENOMEM;
		return NULL;
	}
	if (pthread_cond_init(&store->changed, NULL) != 0) {
		pthread_mutex_destroy(&store->lock);
		free(store);
		errno = ENOMEM;
		return NULL;
	}
	return store;
}

void key_store_destroy(struct key_store *store)
{
	if (!store)
		return;
	assert(store->counts.keys == 0 && !store->building);
	pthread_cond_destroy(&store->changed);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

/* ---- keys ---- */

static uint32_t bucket_of(const uint8_t *name, uint32_t length)
{
	uint64_t hash = length;

	/* The head is the same for all keys; the coordinates at the end are as good as random. */
	for (uint32_t at = 0; at < length; at++)
		hash = (hash ^ name[at]) * 0x100000001b3u;
	return (uint32_t)(hash >> 32) & (BUCKETS - 1);
}

static struct key_entry *find(struct key_store *store, const uint8_t *name, uint32_t length)
{
	struct key_entry *entry = store->buckets[bucket_of(name, length)];

	while (entry && (entry->name_length != length || memcmp(entry->name, name, length) != 0))
		entry = entry->next;
	return entry;
}

static struct key_entry *add(
	struct key_store *store, EVP_PKEY *key, const uint8_t *name, uint32_t length)
{
	struct key_entry *entry;
	uint32_t bucket = bucket_of(name, length);

	if (store->counts.keys == KEY_STORE_KEYS_MAX) {
		errno = ENOSPC;
		return NULL;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->key = p256_key_create(key);
	if (!entry->key) {
		free(entry);
		return NULL;
	}
	entry->stored.key = entry->key;
	entry->rank = NOT_WANTED;
	entry->name_length = length;
	memcpy(entry->name, name, length);
	entry->next = store->buckets[bucket];
	store->buckets[bucket] = entry;
	store->counts.keys++;
	return entry;
}

struct stored_key *key_store_take(struct key_store *store, EVP_PKEY *key)
{
	uint8_t *name = NULL;
	int length = i2d_PUBKEY(key, &name);
	struct key_entry *entry;

	if (length <= 0 || length > NAME_SIZE) {
		OPENSSL_free(name);
		errno = EINVAL;
		return NULL;
	}
	pthread_mutex_lock(&store->lock);
	entry = find(store, name, (uint32_t)length);
	if (!entry)
		entry = add(store, key, name, (uint32_t)length);
	if (entry)
		entry->holders++;
	pthread_mutex_unlock(&store->lock);
	OPENSSL_free(name);
	return entry ? &entry->stored : NULL;
}

static void free_entry(struct key_store *store, struct key_entry *entry)
{
	if (p256_key_has_table(entry->key))
		store->counts.tables--;
	if (entry->failed)
		store->counts.tables_failed--;
	p256_key_destroy(entry->key);
	free(entry);
}

void key_store_release(struct key_store *store, struct stored_key *key)
{
	struct key_entry *entry = entry_of(key);

	if (!key)
		return;
	pthread_mutex_lock(&store->lock);
	assert(entry->holders > 0);
	if (--entry->holders == 0) {
		struct key_entry **link =
			&store->buckets[bucket_of(entry->name, entry->name_length)];

		while (*link != entry)
			link = &(*link)->next;
		*link = entry->next;
		store->counts.keys--;
		if (store->building == entry)
			entry->gone = true; /* the builder frees it */
		else
			free_entry(store, entry);
		pthread_cond_signal(&store->changed); /* there may be room for another table */
	}
	pthread_mutex_unlock(&store->lock);
}

/* ---- tables ---- */

void key_store_want_tables(struct key_store *store, struct stored_key *const *keys, size_t count)
{
	pthread_mutex_lock(&store->lock);
	for (uint32_t bucket = 0; bucket < BUCKETS; bucket++)
		for (struct key_entry *entry = store->buckets[bucket]; entry; entry = entry->next)
			entry->rank = NOT_WANTED;
	for (size_t i = 0; i < count; i++) {
		struct key_entry *entry = entry_of(keys[i]);

		assert(entry->holders > 0);
		if (entry->rank == NOT_WANTED)
			entry->rank = (uint32_t)i;
	}
	pthread_cond_signal(&store->changed);
	pthread_mutex_unlock(&store->lock);
}

static bool is_wanted(const struct key_store *store, const struct key_entry *entry)
{
	return entry->rank != NOT_WANTED && !entry->failed && entry != store->building &&
	       !p256_key_has_table(entry->key);
}

/* The key whose table is to be built next, or NULL. */
static struct key_entry *most_wanted(const struct key_store *store)
{
	struct key_entry *best = NULL;

	if (store->counts.tables >= store->counts.tables_max)
		return NULL;
	for (uint32_t bucket = 0; bucket < BUCKETS; bucket++)
		for (struct key_entry *entry = store->buckets[bucket]; entry; entry = entry->next)
			if (is_wanted(store, entry) && (!best || entry->rank < best->rank))
				best = entry;
	return best;
}

/* Called and returns with the lock held, which is not held meanwhile. */
static void build(struct key_store *store, struct key_entry *entry)
{
	store->building = entry;
	pthread_mutex_unlock(&store->lock);
	int status = p256_key_build_table(entry->key);
	pthread_mutex_lock(&store->lock);
	store->building = NULL;
	if (status == 0) {
		store->counts.tables++;
	} else {
		entry->failed = true;
		store->counts.tables_failed++;
	}
	if (entry->gone)
		free_entry(store, entry);
}

void key_store_run(struct key_store *store)
{
	pthread_mutex_lock(&store->lock);
	while (!store->ended) {
		struct key_entry *entry = most_wanted(store);

		if (entry)
			build(store, entry);
		else
			pthread_cond_wait(&store->changed, &store->lock);
	}
	pthread_mutex_unlock(&store->lock);
}

void key_store_end(struct key_store *store)
{
	pthread_mutex_lock(&store->lock);
	store->ended = true;
	pthread_cond_signal(&store->changed);
	pthread_mutex_unlock(&store->lock);
}

struct key_store_counts key_store_count(struct key_store *store)
{
	struct key_store_counts counts;
	uint32_t room;

	pthread_mutex_lock(&store->lock);
	counts = store->counts;
	for (uint32_t bucket = 0; bucket < BUCKETS; bucket++)
		for (const struct key_entry *entry = store->buckets[bucket]; entry;
			entry = entry->next)
			if (entry == store->building ||
				(entry->rank != NOT_WANTED && !entry->failed &&
					!p256_key_has_table(entry->key)))
				counts.tables_wanted++;
	pthread_mutex_unlock(&store->lock);
	/* What is wanted beyond the bound will never come. */
	room = counts.tables_max > counts.tables ? counts.tables_max - counts.tables : 0;
	if (counts.tables_wanted > room)
		counts.tables_wanted = room;
	return counts;
}

_Static_assert(KEY_STORE_KEYS_MAX <= 2 * BUCKETS, "chains stay short");
