/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/anomaly.h"

#include <string.h>

#include "dataplane/hash_index.h"

/* The bucket that time is in, and those of a whole period before it. */
#define RING (ANOMALY_BUCKETS + 1)

struct counter {
	uint64_t last; /* number of the newest bucket since the clock's zero */
	uint64_t total;
	uint32_t buckets[RING]; /* bucket n is at n % RING */
};

struct anomaly {
	uint32_t count;
	struct anomaly_threshold *thresholds; /* those of a user stand together */
	struct counter *counters;
	struct hash_index by_user; /* the first threshold of each user */
};

static int compare(const void *left, const void *right)
{
	const struct anomaly_threshold *a = left;
	const struct anomaly_threshold *b = right;
	if (a->user != b->user)
		return a->user < b->user ? -1 : 1;
	int order = memcmp(a->srv, b->srv, sizeof(a->srv));
	if (order != 0)
		return order;
	return a->period_s < b->period_s ? -1 : a->period_s > b->period_s;
}

/* The user's first threshold, or `count`. */
static uint32_t first_of(const struct anomaly *anomaly, uint64_t user)
{
	uint32_t probe = hash_index_hash(&anomaly->by_user, &user, 1);
	uint32_t number;
	while ((number = hash_index_next(&anomaly->by_user, &probe)) != HASH_INDEX_NONE)
		if (anomaly->thresholds[number].user == user)
			return number;
	return anomaly->count;
}

struct anomaly *anomaly_create(
	const struct anomaly_threshold *thresholds, uint32_t count, uint64_t secret)
{
	struct anomaly *anomaly = calloc(1, sizeof(*anomaly));
	assert(count <= ANOMALY_THRESHOLDS_MAX);
	if (!anomaly)
		return NULL;
	anomaly->thresholds = calloc(count + 1, sizeof(*anomaly->thresholds));
	anomaly->counters = calloc(count + 1, sizeof(*anomaly->counters));
	if (!anomaly->thresholds || !anomaly->counters ||
		hash_index_create(&anomaly->by_user, count, secret)) {
		anomaly_destroy(anomaly);
		errno = ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct anomaly_threshold *threshold = &anomaly->thresholds[i];
		assert(thresholds[i].period_s > 0 &&
			thresholds[i].period_s <= ANOMALY_PERIOD_S_MAX);
		*threshold = thresholds[i];
		/* Compared as a whole, so nothing may stand behind the text. */
		memset(threshold->srv, 0, sizeof(threshold->srv));
		memcpy(threshold->srv, thresholds[i].srv,
			strnlen(thresholds[i].srv, sizeof(threshold->srv) - 1));
	}
	qsort(anomaly->thresholds, count, sizeof(*anomaly->thresholds), compare);
	anomaly->count = count;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t user = anomaly->thresholds[i].user;
		if (i == 0 || anomaly->thresholds[i - 1].user != user)
			hash_index_insert(
				&anomaly->by_user, hash_index_hash(&anomaly->by_user, &user, 1), i);
	}
	return anomaly;
}

void anomaly_destroy(struct anomaly *anomaly)
{
	if (!anomaly)
		return;
	free(anomaly->thresholds);
	free(anomaly->counters);
	hash_index_destroy(&anomaly->by_user);
	free(anomaly);
}

void anomaly_continue(struct anomaly *anomaly, const struct anomaly *from)
{
	/* Both are in the same order. */
	uint32_t other = 0;
	for (uint32_t i = 0; i < anomaly->count; i++) {
		while (other < from->count &&
			compare(&from->thresholds[other], &anomaly->thresholds[i]) < 0)
			other++;
		if (other < from->count &&
			compare(&from->thresholds[other], &anomaly->thresholds[i]) == 0)
			anomaly->counters[i] = from->counters[other];
	}
}

/* Let the buckets that lie before the period go. */
static void advance(
	struct counter *counter, const struct anomaly_threshold *threshold, uint64_t now_ns)
{
	/* 10^9 / 64 is a whole number. */
	uint64_t bucket = now_ns / (threshold->period_s * (1000000000ull / ANOMALY_BUCKETS));
	if (bucket <= counter->last)
		return;
	uint64_t passed = bucket - counter->last;
	for (uint64_t i = 1; i <= passed && i <= RING; i++) {
		uint32_t *old = &counter->buckets[(counter->last + i) % RING];
		counter->total -= *old;
		*old = 0;
	}
	counter->last = bucket;
}

static bool covers(const struct anomaly_threshold *threshold, const char *srv)
{
	return threshold->srv[0] == '\0' ||
	       strncmp(threshold->srv, srv, sizeof(threshold->srv)) == 0;
}

static const struct anomaly_threshold *exceeded_of(
	struct anomaly *anomaly, uint64_t now_ns, uint64_t user, const char *srv)
{
	for (uint32_t i = first_of(anomaly, user);
		i < anomaly->count && anomaly->thresholds[i].user == user; i++) {
		if (!covers(&anomaly->thresholds[i], srv))
			continue;
		advance(&anomaly->counters[i], &anomaly->thresholds[i], now_ns);
		if (anomaly->counters[i].total >= anomaly->thresholds[i].limit)
			return &anomaly->thresholds[i];
	}
	return NULL;
}

const struct anomaly_threshold *anomaly_exceeded(
	struct anomaly *anomaly, uint64_t now_ns, uint64_t user, const char *srv)
{
	const struct anomaly_threshold *own = exceeded_of(anomaly, now_ns, user, srv);
	return own ? own : exceeded_of(anomaly, now_ns, ANOMALY_ALL_USERS, srv);
}

static void count_of(struct anomaly *anomaly, uint64_t now_ns, uint64_t user, const char *srv)
{
	for (uint32_t i = first_of(anomaly, user);
		i < anomaly->count && anomaly->thresholds[i].user == user; i++) {
		struct counter *counter = &anomaly->counters[i];
		if (!covers(&anomaly->thresholds[i], srv))
			continue;
		advance(counter, &anomaly->thresholds[i], now_ns);
		if (counter->buckets[counter->last % RING] < UINT32_MAX) {
			counter->buckets[counter->last % RING]++;
			counter->total++;
		}
	}
}

void anomaly_count(struct anomaly *anomaly, uint64_t now_ns, uint64_t user, const char *srv)
{
	count_of(anomaly, now_ns, user, srv);
	count_of(anomaly, now_ns, ANOMALY_ALL_USERS, srv);
}

_Static_assert(1000000000 % ANOMALY_BUCKETS == 0, "a bucket is a whole number of nanoseconds");
