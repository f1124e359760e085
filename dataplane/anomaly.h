/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anomaly detection: how many requests a user has sent in the last period, for each threshold that
 * is set (doc/anomaly-detection.md). A threshold names a user or all of them together, an SRV or
 * all of them, a period and a limit; it is exceeded by the request that makes more than `limit` in
 * any period.
 *
 * Each threshold counts in a ring of ANOMALY_BUCKETS buckets a period. What lies in the last period
 * is always counted; at most one bucket more than a period is. So nothing beyond the limit is
 * missed, and a request may be held although its period holds only `limit`, when the period
 * stretched by 1/ANOMALY_BUCKETS holds more. Memory is bounded by the number of thresholds.
 *
 * Pure: time is an argument. Owned by the traffic lcore, but for anomaly_create().
 */
#ifndef DATAPLANE_ANOMALY_H
#define DATAPLANE_ANOMALY_H

#include <stdbool.h>
#include <stdint.h>

#include "motorway/duis_terms.h"

#define ANOMALY_BUCKETS 64
#define ANOMALY_THRESHOLDS_MAX 4096
#define ANOMALY_PERIOD_S_MAX (400u * 86400)
#define ANOMALY_ALL_USERS 0

struct anomaly_threshold {
	uint64_t user;	       /* EUI-64; ANOMALY_ALL_USERS: all of them together */
	char srv[MW_SRV_SIZE]; /* "": requests of every SRV, together */
	uint32_t period_s;     /* 1 .. ANOMALY_PERIOD_S_MAX */
	uint32_t limit;	       /* requests that a period may hold */
};

struct anomaly;

/* Make empty counters for `thresholds` (0 .. ANOMALY_THRESHOLDS_MAX, any order, all different in
 * user, SRV and period). Any thread. NULL with ENOMEM. */
struct anomaly *anomaly_create(
	const struct anomaly_threshold *thresholds, uint32_t count, uint64_t secret);

/* NULL is fine. */
void anomaly_destroy(struct anomaly *anomaly);

/* Take over what `from` has counted for the same user, SRV and period. */
void anomaly_continue(struct anomaly *anomaly, const struct anomaly *from);

/* Would one more request of `user` for `srv` exceed a threshold? Returns the first one that it
 * would, the user's own before those of all users, valid until the anomaly is destroyed, or NULL.
 * Counts nothing. `now_ns` is monotonic. */
const struct anomaly_threshold *anomaly_exceeded(
	struct anomaly *anomaly, uint64_t now_ns, uint64_t user, const char *srv);

/* Count one request. */
void anomaly_count(struct anomaly *anomaly, uint64_t now_ns, uint64_t user, const char *srv);

#endif
