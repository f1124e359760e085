/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users' public keys, each once, however many certificates and reference sets name it, so that a
 * new reference set finds the tables that were built for the one before.
 *
 *     link thread     takes and releases keys as it builds and frees registries
 *     tables thread   builds the tables, one after another, while the keys are in use
 *     edge lcores     verify with `stored_key.key`; they never enter the store
 *
 * A key goes when nobody holds it any more and its table is not being built. The store knows
 * nothing of registries.
 */
#ifndef DATAPLANE_KEY_STORE_H
#define DATAPLANE_KEY_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/duis/p256.h"

/* Keys that the store holds at most: those of two reference sets. */
#define KEY_STORE_KEYS_MAX 8192

struct key_store;

/* One key that is held. */
struct stored_key {
	const struct p256_key *key; /* valid, and the same, as long as the key is held */
};

/* A store that builds `tables_max` tables at most (0: all keys stay plain). NULL with ENOMEM. */
struct key_store *key_store_create(uint32_t tables_max);

/* Nobody may hold a key, and key_store_run() must have returned. NULL is fine. */
void key_store_destroy(struct key_store *store);

/* Hold the key `key` (nothing is kept of the object itself but a reference). Each call is balanced
 * by one key_store_release(). NULL with errno: EINVAL (no public key on P-256), ENOSPC
 * (KEY_STORE_KEYS_MAX), ENOMEM. Link thread. */
struct stored_key *key_store_take(struct key_store *store, EVP_PKEY *key);

/* Let go of a key (NULL is fine). Its table goes with it when nobody else holds it. Link thread,
 * when no lcore verifies with it any more on behalf of this holder. */
void key_store_release(struct key_store *store, struct stored_key *key);

/* Say which keys shall get tables, the most wanted first; keys[0 .. count) are held. Takes the
 * place of what was said before; tables that are there stay. Does not wait for any of them. Link
 * thread. */
void key_store_want_tables(struct key_store *store, struct stored_key *const *keys, size_t count);

/* Build the tables that are wanted, until key_store_end(). The body of a thread that the caller
 * makes, off the polling cores. */
void key_store_run(struct key_store *store);

/* Let key_store_run() return after the table that it is at: at most some 40 ms. Any thread. */
void key_store_end(struct key_store *store);

/* How it stands. */
struct key_store_counts {
	uint32_t keys;
	uint32_t tables;
	uint32_t tables_wanted; /* still to be built */
	uint32_t tables_failed; /* could not be built; their keys stay plain */
	uint32_t tables_max;
};

/* Any thread. */
struct key_store_counts key_store_count(struct key_store *store);

#endif
