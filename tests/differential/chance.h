/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded pseudo-random numbers (splitmix64): the same seed gives the same documents everywhere. */
#ifndef DIFFERENTIAL_CHANCE_H
#define DIFFERENTIAL_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
	uint64_t value = chance->state += 0x9e3779b97f4a7c15u;

	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

/* The numbers of document `index` of a run with `seed`. */
static inline struct chance chance_of(uint64_t seed, uint64_t index)
{
	struct chance chance = {.state = seed};

	chance.state = chance_next(&chance) ^ (index * 0xd1342543de82ef95u);
	chance_next(&chance);
	return chance;
}

/* 0 .. bound - 1; bound > 0. */
static inline size_t chance_below(struct chance *chance, size_t bound)
{
	return (size_t)(chance_next(chance) % bound);
}

/* True in `percent` of 100 cases. */
static inline bool chance_hits(struct chance *chance, unsigned percent)
{
	return chance_below(chance, 100) < percent;
}

#endif
