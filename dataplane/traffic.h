/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traffic lcore's state and its only way to change: an event or the passing of time goes in,
 * actions come out. No clock is read here, no lcore, socket or file is known, so that tests and a
 * simulation drive exactly this code.
 *
 *   accepted ── journal ─┬─> reply I99 ──> provider's queue ── journal ──> dispatch ──> awaiting
 *                        ├─> transform provider's queue ──> transform ──> reply (─> queue)
 *                        └─> control ──> reply
 *   awaiting ──response──> journal ──> lane ──> deliver ──> journal ──> forgotten
 *   over a threshold: accepted ── journal ──> reply I99 ──> held ──release──> provider's queue
 *                                                             └───delete──> lane (a failure)
 *   DCC Alert: alert ── journal ──> lane ...
 */
#ifndef DATAPLANE_TRAFFIC_H
#define DATAPLANE_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/handoff.h"
#include "dataplane/limits.h"
#include "dataplane/replay.h"
#include "dataplane/stats.h"

/* The destination of an action that goes to the link instead of an edge. */
#define TRAFFIC_TO_LINK EDGES_MAX

/* Reports of held requests that may be on their way to control: ACTION_QUARANTINED without an
 * EVENT_QUARANTINE_REPORTED, in one session. */
#define QUARANTINE_REPORTS_MAX 64

struct traffic_limits {
	uint32_t pending_max;
	uint32_t lane_items_max;	 /* of one user and lane, a power of two */
	uint32_t edges;			 /* 1 .. EDGES_MAX */
	uint32_t provider_in_flight_max; /* POSTs to one provider */
	uint32_t user_in_flight_max;	 /* POSTs to one user */
	uint32_t delivery_in_flight_max; /* POSTs to all users */
	uint32_t dispatch_attempts_max;
	uint32_t window_attempts_max;  /* of what waits for windows */
	uint64_t window_retry_ns;      /* at the earliest, from one of its attempts to the next */
	uint64_t start_ns;	       /* nothing passes a gate in the second after it */
	uint64_t dispatch_backoff_ns;  /* first wait; doubles, at most 64 times as long */
	uint64_t transform_timeout_ns; /* from acceptance to the answer */
	uint64_t service_timeout_ns;   /* for control's answer */
	uint64_t response_timeout_ns;  /* for the device's answer */
	uint64_t delivery_backoff_ns;  /* first wait; doubles */
	uint64_t delivery_backoff_max_ns;
	uint64_t secret;		     /* mixed into hashes */
	struct replay_limits replay;	     /* its secret is the one above */
	struct replay *replay_filter;	     /* of these limits; passes, also when creation fails;
						NULL: one in memory is made */
	char unreachable_code[MW_CODE_SIZE]; /* to the user when no attempt was taken, "E20" */
	char silent_code[MW_CODE_SIZE];	     /* to the user when the device did not answer, "E21" */
	char deleted_code[MW_CODE_SIZE];     /* to the user when his held request is deleted */
	uint32_t quarantine_max;	     /* requests held, of all users */
	uint32_t alerts_max;		     /* DCC Alerts in the table */
};

/* Where the actions of a step go. `destination[i]` is the edge of actions[i], or TRAFFIC_TO_LINK.
 */
struct traffic_actions {
	uint32_t count;
	uint32_t capacity; /* <= TRAFFIC_ACTIONS_MAX; what the rings behind have room for */
	uint8_t destination[BURST * ACTIONS_PER_STEP];
	struct action actions[BURST * ACTIONS_PER_STEP];
};

#define TRAFFIC_ACTIONS_MAX (BURST * ACTIONS_PER_STEP)

struct traffic_view {
	uint32_t pending; /* requests in the table */
	uint32_t pending_max;
	uint32_t quarantined;	  /* of these, requests that are held */
	uint32_t alerts;	  /* of these, DCC Alerts */
	uint32_t replay_scopes;	  /* of the replay filter, in use */
	uint32_t south_queued;	  /* in providers' queues */
	uint32_t window_waiting;  /* of these, and ready: for a window or its cap */
	uint32_t south_in_flight; /* POSTs to providers under way */
	uint32_t lane_waiting[MW_LANE_COUNT];
	uint32_t
		lane_in_flight[MW_LANE_COUNT]; /* being delivered, or waiting for another attempt */
};

struct traffic;

/* Take all memory. `stats` (borrowed) is the traffic lcore's block. NULL with ENOMEM. */
struct traffic *traffic_create(const struct traffic_limits *limits, struct stats *stats);

/* Free everything, messages of unfinished requests included. */
void traffic_destroy(struct traffic *traffic);

/* What time it is (UTC, ms since 1970) at `now_ns`, for the windows. Before the first event and as
 * often as is convenient; the clock may step in any direction. */
void traffic_set_wall(struct traffic *traffic, uint64_t now_ns, int64_t wall_ms);

/* Take one event (its message passes to the traffic lcore). Appends at most ACTIONS_PER_STEP
 * actions to *out, which must have room for them. */
void traffic_step(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out);

/* Let time pass: records that became durable, timers, providers' queues, lanes; as much as *out has
 * room for. Returns the number of things done. */
unsigned traffic_tick(struct traffic *traffic, uint64_t now_ns, struct traffic_actions *out);

/* Nothing is pending but what waits for an operator (drain). */
bool traffic_idle(const struct traffic *traffic);

struct traffic_view traffic_view(const struct traffic *traffic);

#endif
