/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and latencies. Each lcore has one block of its own and is its only writer; counters only
 * increase, readers subtract. Every drop, refusal and retry has a counter with its reason.
 */
#ifndef DATAPLANE_STATS_H
#define DATAPLANE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "dataplane/answer.h"

/* X(NAME, "name", "what it counts") */
#define STATS_COUNTERS(X)                                                                          \
	X(REQUESTS, "requests", "requests read completely on the users' side")                     \
	X(REQUESTS_ACCEPTED, "requests_accepted", "requests answered I99 or I0")                   \
	X(REFUSED_INPUT, "refused_input", "bodies that are no valid DUIS: HTTP 400")               \
	X(REFUSED_NOT_A_REQUEST, "refused_not_a_request", "valid DUIS that is no Request")         \
	X(REFUSED_CAPACITY, "refused_capacity", "answered 503: no room")                           \
	X(REFUSED_NO_REFERENCE, "refused_no_reference", "answered 503: no reference data yet")     \
	X(REFUSED_DRAINING, "refused_draining", "answered 503: the gateway is ending")             \
	X(REPLIES_LOST, "replies_lost", "the user had gone before the answer")                     \
	X(DISPATCHED, "dispatched", "requests taken by a provider")                                \
	X(DISPATCH_FAILED, "dispatch_failed", "attempts that a provider did not take")             \
	X(DISPATCH_GIVEN_UP, "dispatch_given_up", "requests answered E20 after all attempts")      \
	X(PERMISSIONS_EXPIRED, "permissions_expired", "sends given back, as they came too late")   \
	X(ATTEMPTS_REPEATED, "attempts_repeated", "reads that failed and are tried once more")     \
	X(RESPONSES, "responses", "answers of providers read completely")                          \
	X(RESPONSES_MATCHED, "responses_matched", "answers taken for a request that waited")       \
	X(RESPONSES_UNMATCHED, "responses_unmatched", "answers no request waited for: 404")        \
	X(RESPONSES_MALFORMED, "responses_malformed", "answers not understood: 400")               \
	X(RESPONSES_NO_ROOM, "responses_no_room", "answers refused for now: 503")                  \
	X(DEVICE_SILENT, "device_silent", "requests answered E21 after the time-out")              \
	X(DELIVERED_ON_DEMAND, "delivered_on_demand", "responses taken by users, on demand")       \
	X(DELIVERED_SCHEDULED, "delivered_scheduled", "responses taken by users, scheduled")       \
	X(DELIVERY_FAILED, "delivery_failed", "attempts that a user did not take; tried again")    \
	X(TRANSFORMED, "transformed", "answers of the transform provider passed on")               \
	X(TRANSFORM_FAILED, "transform_failed", "transform requests without a usable answer")      \
	X(SERVICE_ANSWERED, "service_answered", "requests answered by control")                    \
	X(SERVICE_REFUSED, "service_refused", "requests that control answered with an error code") \
	X(SERVICE_LATE, "service_late", "requests that control did not answer in time")            \
	X(DUE_READS, "due_reads", "scheduled reads accepted from control")                         \
	X(DUE_READS_REFUSED, "due_reads_refused", "scheduled reads that could not be accepted")    \
	X(DUE_READS_NOT_PERMITTED, "due_reads_not_permitted",                                      \
		"scheduled reads that access control refused: not sent, the user told")            \
	X(REQUEST_ID_OLD, "request_id_old", "RequestIDs below the replay window: refused")         \
	X(REPLAY_FULL, "replay_full", "answered 503: no room for another originator's counters")   \
	X(REPLAY_RESETS, "replay_resets", "originators whose counters an operator reset")          \
	X(ALERTS, "alerts", "DCC Alerts taken from control")                                       \
	X(ALERTS_REPEATED, "alerts_repeated", "DCC Alerts that were offered again: not taken")     \
	X(ALERTS_NO_ROOM, "alerts_no_room", "DCC Alerts put off: no place for them")               \
	X(ALERTS_DELIVERED, "alerts_delivered", "DCC Alerts taken by users")                       \
	X(VERSION_MISMATCHES, "version_mismatches",                                                \
		"messages that the user's DUIS version cannot express: replaced")                  \
	X(QUARANTINED, "quarantined", "requests beyond a threshold: held")                         \
	X(QUARANTINE_FULL, "quarantine_full", "answered 503: beyond a threshold, no room to hold") \
	X(QUARANTINE_RELEASED, "quarantine_released", "held requests that went on their way")      \
	X(QUARANTINE_DELETED, "quarantine_deleted", "held requests that were ended")               \
	X(STALE_EVENTS, "stale_events", "completions of requests that had ended")                  \
	X(BUFFERS_SHORT, "buffers_short", "work put off because no message buffer was free")       \
	X(SIGNING_FAILED, "signing_failed", "answers that could not be built or signed")

enum stats_counter {
#define STATS_ENUM(name, text, help) STATS_##name,
	STATS_COUNTERS (STATS_ENUM)
#undef STATS_ENUM
	STATS_COUNTER_COUNT,
};

/* X(NAME, "name"): intervals that are measured. */
#define STATS_LATENCIES(X)                                                                         \
	X(REPLY, "reply")                                                                          \
	X(DELIVERY_ON_DEMAND, "delivery_on_demand")                                                \
	X(DELIVERY_SCHEDULED, "delivery_scheduled")

enum stats_latency {
#define STATS_ENUM(name, text) STATS_LATENCY_##name,
	STATS_LATENCIES(STATS_ENUM)
#undef STATS_ENUM
	STATS_LATENCY_COUNT,
};

/* A log-linear histogram of ns: 8 buckets to each power of two. */
#define STATS_BUCKETS (64 * 8)

/* How many signatures were verified together: 1, 2, 3-4, 5-8, 9-16, 17-32. */
#define STATS_BURST_SIZES 6

struct stats {
	_Alignas(64) _Atomic uint64_t counters[STATS_COUNTER_COUNT];
	_Atomic uint64_t refused[ANSWER_REASON_COUNT]; /* DUIS refusals by reason */
	_Atomic uint64_t latency[STATS_LATENCY_COUNT][STATS_BUCKETS];
	_Atomic uint64_t bursts[STATS_BURST_SIZES]; /* of signatures, by size */
	_Atomic uint64_t signatures;		    /* in them */
	_Atomic uint64_t busy_ns, idle_ns;
};

/* Single writer, so a relaxed load and store suffice; readers on other threads see each counter
 * whole, and need no order between counters. */
static inline void stats_increase(_Atomic uint64_t *value, uint64_t by)
{
	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + by,
		memory_order_relaxed);
}

static inline void stats_count(struct stats *stats, enum stats_counter counter)
{
	stats_increase(&stats->counters[counter], 1);
}

static inline void stats_refuse(struct stats *stats, enum answer_reason reason)
{
	stats_increase(&stats->refused[reason], 1);
}

/* Record that `count` signatures (1 .. 32) were verified together. */
static inline void stats_burst(struct stats *stats, unsigned count)
{
	unsigned size = count == 1 ? 0 : 32 - (unsigned)__builtin_clz(count - 1);
	stats_increase(&stats->bursts[size], 1);
	stats_increase(&stats->signatures, count);
}

/* Record that `kind` took `ns`. */
void stats_latency(struct stats *stats, enum stats_latency kind, uint64_t ns);

/* Upper bound in ns of the bucket that holds quantile `permille` (0 .. 1000) of `buckets`; 0 when
 * they are empty. */
uint64_t stats_quantile_ns(const uint64_t buckets[STATS_BUCKETS], unsigned permille);

const char *stats_counter_name(enum stats_counter counter);
const char *stats_latency_name(enum stats_latency kind);

#endif
