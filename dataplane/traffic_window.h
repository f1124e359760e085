/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of the traffic lcore's state: what waits for the windows of providers, and the gates that it
 * passes on its way (windows.h, release.h, gate.h; doc/windows.md).
 *
 *   waits (release queue) ── intent durable ──> ready ── all gates open ──> POST
 *        ^                                        │
 *        └────────────── the window has closed ───┘
 *
 * The intent is made durable before there is a permission, so that a permission is used at once and
 * the time that the journal takes costs no rate. Only a few are ready ahead of the gate.
 */
#ifndef DATAPLANE_TRAFFIC_WINDOW_H
#define DATAPLANE_TRAFFIC_WINDOW_H

#include "dataplane/gate.h"
#include "dataplane/pending.h"
#include "dataplane/release.h"
#include "dataplane/windows.h"

/* Entries of one provider between the choice and the gate. */
#define WINDOW_AHEAD_MAX 32

/* How long a permission holds: an edge that cannot write by then gives it back. */
#define WINDOW_PERMISSION_NS 5000000ull

struct traffic;
struct traffic_actions;

struct window_queue {
	struct release_queue *waiting;
	struct pending_queue ready[MW_LANE_COUNT]; /* on demand that uses the allowance, others */
	uint32_t ahead;	 /* ready, or their intent is being made durable */
	uint32_t number; /* of the window that was open last */
	bool opened;	 /* there has been one */
};

struct traffic_windows {
	struct windows *windows; /* NULL: none have come */
	struct release_place *places;
	struct window_queue queues[PROVIDERS_MAX];
	struct gate gates[MW_GATE_COUNT];
	uint32_t held; /* entries in all queues: waiting, or ahead */
	uint32_t turn; /* the provider that is looked at first */
	uint64_t wall_at_ns;
	int64_t wall_ms; /* at wall_at_ns */
};

/* Take memory for `pending_max` entries. 0 or -ENOMEM. */
int window_create(struct traffic_windows *state, uint32_t pending_max, uint64_t now_ns);
void window_destroy(struct traffic_windows *state);

/* Another table (then owned here). Everything that waits goes on waiting, by the new one; what went
 * through a gate before keeps counting. */
void window_take_table(struct traffic *traffic, struct windows *windows);

/* Does `entry`, on its way to its device's provider, wait for windows? */
bool window_governs(const struct traffic *traffic, const struct pending *entry);

/* It waits from now on; it waits no longer. */
void window_put(struct traffic *traffic, struct pending *entry);
void window_remove(struct traffic *traffic, struct pending *entry);

/* Must an on-demand entry that is sent at once ask the gate as well? */
bool window_counts(const struct traffic *traffic, const struct pending *entry);

/* Is there room before the gate for one more? Then let its intent be made durable. */
bool window_has_room(struct traffic *traffic, const struct pending *entry);
void window_intend(struct traffic *traffic, struct pending *entry);

/* The intent to send `entry` is durable: it is ready. */
void window_ready(struct traffic *traffic, struct pending *entry);

/* Let entries become ready, and those that are pass the gates. Returns how many things were done.
 */
unsigned window_pump(
	struct traffic *traffic, uint64_t now_ns, unsigned budget, struct traffic_actions *out);

/* The POST of an entry that passed the gates has ended; `sent`: bytes of it may have left. */
void window_ended(struct traffic *traffic, struct pending *entry, uint64_t now_ns, bool sent);

/* How a gate stands. */
enum window_state {
	WINDOW_STATE_NONE,   /* it has no windows: nothing waits there */
	WINDOW_STATE_CLOSED, /* has windows, none of them now */
	WINDOW_STATE_OPEN,
	WINDOW_STATE_GAP, /* retries alone */
	WINDOW_STATE_COUNT,
};

struct window_view {
	uint8_t state;	  /* enum window_state */
	uint8_t kind;	  /* enum mw_window_kind, of WINDOW_STATE_OPEN and _GAP */
	uint32_t cap_tps; /* in force; 0: closed, or no windows */
	int64_t until_ms; /* since 1970, UTC: then it changes; INT64_MAX: never, by this table */
	uint32_t waiting_peak, waiting_off_peak, waiting_any; /* for such windows */
	uint32_t ready;					      /* before the gate */
};

/* How gate `number` (< MW_GATE_COUNT) stands now, and, of a provider's, what waits there. */
void window_view(struct traffic *traffic, uint32_t number, struct window_view *view);

/* How many wait for the windows of a provider; of all of them. */
uint32_t window_waiting_for(const struct traffic *traffic, uint32_t provider_id);
uint32_t window_waiting(const struct traffic *traffic);

#endif
