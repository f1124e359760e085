/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/stats.h"

static const char *const counter_names[] = {
#define STATS_NAME(name, text, help) text,
	STATS_COUNTERS (STATS_NAME)
#undef STATS_NAME
};

static const char *const latency_names[] = {
#define STATS_NAME(name, text) text,
	STATS_LATENCIES(STATS_NAME)
#undef STATS_NAME
};

/* Values below 8 have a bucket each; above, the top three bits behind the leading one choose. */
static unsigned bucket_of(uint64_t ns)
{
	if (ns < 8)
		return (unsigned)ns;
	unsigned power = 63 - (unsigned)__builtin_clzll(ns);
	return (power - 2) * 8 + (unsigned)((ns >> (power - 3)) & 7);
}

static uint64_t bucket_end(unsigned bucket)
{
	if (bucket < 8)
		return bucket;
	unsigned power = bucket / 8 + 2;
	return (((uint64_t)(8 + bucket % 8) + 1) << (power - 3)) - 1;
}

void stats_latency(struct stats *stats, enum stats_latency kind, uint64_t ns)
{
	stats_increase(&stats->latency[kind][bucket_of(ns)], 1);
}

uint64_t stats_quantile_ns(const uint64_t buckets[STATS_BUCKETS], unsigned permille)
{
	uint64_t total = 0;
	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		total += buckets[i];
	if (total == 0)
		return 0;
	uint64_t rank = (total * permille + 999) / 1000;
	uint64_t seen = 0;
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		seen += buckets[i];
		if (seen >= rank && seen > 0)
			return bucket_end(i);
	}
	return bucket_end(STATS_BUCKETS - 1);
}

const char *stats_counter_name(enum stats_counter counter)
{
	return counter_names[counter];
}

const char *stats_latency_name(enum stats_latency kind)
{
	return latency_names[kind];
}
