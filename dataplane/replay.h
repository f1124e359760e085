/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay filter: a RequestID is accepted once. For each originator it keeps the highest counter
 * accepted and which of the `window` counters below it have been used, because parallel connections
 * reorder requests. Owned by the traffic lcore; its size is fixed at start.
 *
 * The table can lie in a file that outlives the process (in a tmpfs: it is written as memory is).
 * Then what was accepted before a restart, orderly or not, is not accepted after it. Nothing in it
 * depends on a clock. It does not outlive the machine: a journal will.
 *
 * A Transform and the Signed Pre-Command made from its answer carry the same RequestID
 * (doc/replay.md): each counter may be used once as Transform, and once more by a Signed
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

#define REPLAY_BYTES_MAX (UINT64_C(4) << 30) /* what a table may take */

/* What a table of these limits takes, beside its index. */
uint64_t replay_bytes(const struct replay_limits *limits);

/* A table in memory of its own. NULL with ENOMEM. */
struct replay *replay_create(const struct replay_limits *limits);

/* A table in the file `path`, which is made when it is not there. One that was made with other
 * limits is carried over: of each scope the highest counter, and the counters of the window below
 * it count as used; from the scope originator to the pair nothing can be carried over, the table
 * begins anew, and *note says so. Start-up. NULL with errno and one line in `reason`: EBUSY another
 * process has it open, EBADMSG it is no such file or damaged, ENOSPC it has more scopes than
 * limits->scopes_max or the file system has no room. */
struct replay_told {
	char reason[640]; /* one line */
	bool carried_over, begun_anew;
};
struct replay *replay_open(
	const struct replay_limits *limits, const char *path, struct replay_told *told);

/* Let go of it; what lies in a file stays. NULL is fine. */
void replay_destroy(struct replay *replay);

/* May a request with this id and command variant be accepted? Changes nothing. */
enum replay_verdict replay_check(
	const struct replay *replay, const struct mw_request_id *id, uint8_t command_variant);

/* It has been accepted: replay_check() said REPLAY_FRESH. */
void replay_accept(struct replay *replay, const struct mw_request_id *id, uint8_t command_variant);

/* The highest counter of the id's scope; 0 and false when none was accepted. */
bool replay_highest(const struct replay *replay, const struct mw_request_id *id, uint64_t *counter);

/* Forget what `originator` has sent, in all of its scopes; returns their number, and in *highest
 * the highest counter of them (0: none was known). From then on any counter of his is accepted,
 * also one that was accepted before. */
uint32_t replay_forget(struct replay *replay, uint64_t originator, uint64_t *highest);

/* Scopes in use. */
uint32_t replay_scopes(const struct replay *replay);

#endif
