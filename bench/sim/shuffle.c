/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/shuffle.h"

#include "bench/sim/random.h"

void shuffle_make(struct shuffle *shuffle, uint64_t count, uint64_t seed)
{
	shuffle->count = count;
	shuffle->half_bits = 1;
	while (1ull << 2 * shuffle->half_bits < count)
		shuffle->half_bits++;
	for (int i = 0; i < SHUFFLE_ROUNDS; i++)
		shuffle->keys[i] = random_mix(seed, (uint64_t)i + 0x5eed);
}

uint64_t shuffle_at(const struct shuffle *shuffle, uint64_t index)
{
	uint64_t mask = (1ull << shuffle->half_bits) - 1;

	do {
		uint64_t left = index >> shuffle->half_bits;
		uint64_t right = index & mask;

		for (int i = 0; i < SHUFFLE_ROUNDS; i++) {
			uint64_t mixed = (right ^ shuffle->keys[i]) * 0x9e3779b97f4a7c15u;
			uint64_t next = left ^ (mixed >> 29 & mask);

			left = right;
			right = next;
		}
		index = left << shuffle->half_bits | right;
	} while (index >= shuffle->count);
	return index;
}
