/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay filter: a RequestID is accepted once. For each originator it keeps the highest counter
 * accepted and which of the `window` counters below it have been used, because parallel connections
 * reorder requests. Owned by the traffic lcore; its size is fixed at start.
 *
 * A Transform and the Signed Pre-Command made from its answer carry the same RequestID
 * (duis-facts 12, 13): each counter may be used once as Transform, and once more by a Signed
 * Pre-Command, in this order or by the latter alone. Every other request uses it up for both.
 */
#ifndef DATAPLANE_REPLAY_H
#define DATAPLANE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "motorway/duis_terms.h"

enum replay_scope {
	REPLAY_ORIGINATOR = 0,	      /* counters of an originator, whatever the target */
	REPLAY_ORIGINATOR_TARGET = 1, /* counters of an originator for one target */
};

struct replay_limits {
	enum replay_scope scope;
	uint32_t window; /* counters below the highest one that may still come; 64 .. 2^20, a power
			    of two; takes window / 4 bytes a scope */
	uint32_t scopes_max;
	uint64_t secret; /* mixed into hashes */
};

enum replay_verdict {
	REPLAY_FRESH = 0,
	REPLAY_REPEATED, /* this counter has been used */
	REPLAY_OLD,	 /* below the window: nobody knows */
	REPLAY_FULL,	 /* scopes_max scopes are in use */
};

struct replay;

/* NULL with ENOMEM. */
struct replay *replay_create(const struct replay_limits *limits);
void replay_destroy(struct replay *replay);

/* May a request with this id and command variant be accepted? Changes nothing. */
enum replay_verdict replay_check(
	const struct replay *replay, const struct mw_request_id *id, uint8_t command_variant);

/* It has been accepted: replay_check() said REPLAY_FRESH. */
void replay_accept(struct replay *replay, const struct mw_request_id *id, uint8_t command_variant);

/* The highest counter of the id's scope; 0 and false when none was accepted. */
bool replay_highest(const struct replay *replay, const struct mw_request_id *id, uint64_t *counter);

/* Scopes in use. */
uint32_t replay_scopes(const struct replay *replay);

#endif
