/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index over an array that its owner keeps: open addressing, linear probing, one 32-bit slot an
 * entry (0 = free, else entry number + 1). The owner compares keys; the index only knows hashes.
 * Single-threaded, never grows; made at twice the number of entries, so a probe always ends.
 * Hashes mix a secret of the process, because counters and EUIs are chosen by peers.
 */
#ifndef DATAPLANE_HASH_INDEX_H
#define DATAPLANE_HASH_INDEX_H

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct hash_index {
	uint32_t *slots;
	uint32_t mask;
	uint64_t secret;
};

#define HASH_INDEX_NONE UINT32_MAX

/* Make an index for `entries` entries (<= 2^29). Returns 0 or -ENOMEM; end with
 * hash_index_destroy(). */
static inline int hash_index_create(struct hash_index *index, uint32_t entries, uint64_t secret)
{
	uint32_t size = 16;
	while (size < entries * 2)
		size *= 2;
	index->slots = calloc(size, sizeof(*index->slots));
	index->mask = size - 1;
	index->secret = secret;
	return index->slots ? 0 : -ENOMEM;
}

static inline void hash_index_destroy(struct hash_index *index)
{
	free(index->slots);
	index->slots = NULL;
}

/* Mix `count` words of a key into a hash. */
static inline uint32_t hash_index_hash(
	const struct hash_index *index, const uint64_t *words, unsigned count)
{
	uint64_t state = index->secret;
	for (unsigned i = 0; i < count; i++) {
		__uint128_t product = (__uint128_t)(state ^ words[i] ^ 0x9e3779b97f4a7c15ull) *
				      (index->secret | 0xa0761d6478bd642full);
		state = (uint64_t)product ^ (uint64_t)(product >> 64) ^ (words[i] << 7);
	}
	return (uint32_t)(state ^ (state >> 32));
}

/* Walk the entries that may have this hash: start with *probe = hash, call until it returns
 * HASH_INDEX_NONE. */
static inline uint32_t hash_index_next(const struct hash_index *index, uint32_t *probe)
{
	uint32_t slot = index->slots[(*probe)++ & index->mask];
	return slot == 0 ? HASH_INDEX_NONE : slot - 1;
}

/* Add entry number `entry`; the owner has checked that its key is not there yet. */
static inline void hash_index_insert(struct hash_index *index, uint32_t hash, uint32_t entry)
{
	uint32_t probe = hash;
	while (index->slots[probe & index->mask] != 0)
		probe++;
	index->slots[probe & index->mask] = entry + 1;
}

/* Remove `entry`. `hash_of` gives the hash of any entry still in the index: the entries behind the
 * hole are moved up, so that no tombstone is left. */
static inline void hash_index_remove(struct hash_index *index, uint32_t hash, uint32_t entry,
	uint32_t (*hash_of)(const void *owner, uint32_t entry), const void *owner)
{
	uint32_t hole = hash & index->mask;
	while (index->slots[hole] != entry + 1) {
		assert(index->slots[hole] != 0);
		hole = (hole + 1) & index->mask;
	}
	for (uint32_t at = (hole + 1) & index->mask; index->slots[at] != 0;
		at = (at + 1) & index->mask) {
		uint32_t home = hash_of(owner, index->slots[at] - 1) & index->mask;
		/* The entry at `at` may fill the hole unless its home lies behind the hole. */
		if (((at - home) & index->mask) >= ((at - hole) & index->mask)) {
			index->slots[hole] = index->slots[at];
			hole = at;
		}
	}
	index->slots[hole] = 0;
}

#endif
