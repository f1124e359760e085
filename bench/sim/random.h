/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded pseudo-random numbers: the same seed gives the same run. xoshiro256** (Blackman and Vigna,
 * public domain algorithm), seeded through splitmix64. Not for keys.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random_source {
	uint64_t state[4];
};

void random_seed(struct random_source *source, uint64_t seed);

uint64_t random_next(struct random_source *source);

/* Uniform in 0 .. bound-1, without bias; bound > 0. */
uint64_t random_below(struct random_source *source, uint64_t bound);

/* Uniform in [0, 1). */
double random_unit(struct random_source *source);

/* Exponentially distributed with the given mean. */
uint64_t random_exponential_ns(struct random_source *source, uint64_t mean_ns);

void random_fill(struct random_source *source, uint8_t *bytes, size_t length);

/* A well mixed 64-bit value of two others; pure. */
uint64_t random_mix(uint64_t a, uint64_t b);

#endif
