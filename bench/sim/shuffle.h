/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A numbered order of 0 .. count - 1 that looks random, in no memory: a Feistel network over the
 * next even power of two, walked until it falls below `count`. Every number comes once.
 */
#ifndef SIM_SHUFFLE_H
#define SIM_SHUFFLE_H

#include <stdint.h>

#define SHUFFLE_ROUNDS 6

struct shuffle {
	uint64_t count;
	unsigned half_bits;
	uint64_t keys[SHUFFLE_ROUNDS];
};

/* An order of 0 .. count - 1, count > 0; the same seed gives the same order. */
void shuffle_make(struct shuffle *shuffle, uint64_t count, uint64_t seed);

/* The number in place `index`, which is below count. Pure; fewer than four walks on average. */
uint64_t shuffle_at(const struct shuffle *shuffle, uint64_t index);

#endif
