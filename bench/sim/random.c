/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void random_seed(struct random_source *source, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		source->state[i] = splitmix(&seed);
}

static uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

uint64_t random_next(struct random_source *source)
{
	uint64_t *s = source->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t random_below(struct random_source *source, uint64_t bound)
{
	assert(bound > 0);
	/* The lowest 2^64 mod bound values would appear once too often: draw again. */
	uint64_t lowest = (0 - bound) % bound;
	uint64_t value;
	do
		value = random_next(source);
	while (value < lowest);
	return value % bound;
}

double random_unit(struct random_source *source)
{
	return (double)(random_next(source) >> 11) * 0x1p-53;
}

uint64_t random_exponential_ns(struct random_source *source, uint64_t mean_ns)
{
	return (uint64_t)(-log1p(-random_unit(source)) * (double)mean_ns);
}

void random_fill(struct random_source *source, uint8_t *bytes, size_t length)
{
	while (length > 0) {
		uint64_t value = random_next(source);
		size_t part = length < sizeof(value) ? length : sizeof(value);
		memcpy(bytes, &value, part);
		bytes += part;
		length -= part;
	}
}

uint64_t random_mix(uint64_t a, uint64_t b)
{
	uint64_t state = a ^ rotate(b, 32) ^ 0x6a09e667f3bcc909ull;
	uint64_t first = splitmix(&state);
	state ^= b;
	return first ^ splitmix(&state);
}
