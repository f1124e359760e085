/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices for the registry's benches: device number i has a key and, in each version, a content,
 * both computed and never stored. Most devices have 2 to 6 entries, one in 32 has 9 to 16.
 */
#ifndef BENCH_REGISTRY_CORPUS_H
#define BENCH_REGISTRY_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/registry_write.h"
#include "dataplane/registry_image.h"

#define CORPUS_ENTRIES_MAX 16

/* A device and the entries it points to. */
struct corpus_device {
	struct registry_write_device device;
	struct mw_registry_entry entries[CORPUS_ENTRIES_MAX];
};

/* The EUI-64 of device number `number` (below 2^40): five makers, serial numbers in no order. */
uint64_t corpus_key(uint64_t number);

/* The content of a key in a version. */
void corpus_make(struct corpus_device *made, uint64_t key, uint32_t version);

/* Is what was read all of the same version of that key? */
bool corpus_is_whole(const struct registry_image_device *device, uint64_t key);

/* Next random number: the same sequence for the same seed, and none comes again soon. */
static inline uint64_t corpus_random(uint64_t *seed)
{
	*seed += 0x9e3779b97f4a7c15ull;
	return mw_registry_hash(0, *seed);
}

/* The key of a random device of `devices`. */
static inline uint64_t corpus_random_key(uint64_t *seed, uint64_t devices)
{
	return corpus_key((uint64_t)((unsigned __int128)corpus_random(seed) * devices >> 64));
}

#endif
