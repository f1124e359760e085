/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgetting old message ids of the feed, a little at a time: the ids of messages that were applied
 * are kept so long that duplicates are recognised, and no longer. What was set aside stays until an
 * operator drops it. doc/feed.md says how long, and why. The thread that writes the store.
 */
#ifndef CONTROL_FEED_KEEP_H
#define CONTROL_FEED_KEEP_H

#include "control/feed.h"
#include "control/link.h"

#define FEED_KEEP_PAUSE_MS 3600000 /* between two passes over all messages */

struct feed_keep {
	int64_t keep_ms; /* of an applied message; 0: for ever */
	int64_t next_ms; /* monotonic; 0: now */
	char cursor[STORE_MESSAGE_ID_SIZE];
	uint64_t forgotten; /* counters */
	uint64_t passes;
};

/* When it is time, go over the next FEED_VISITS_MAX messages and forget the old ones in a change of
 * their own. 0 or -errno: it is tried again after FEED_KEEP_PAUSE_MS. */
int feed_keep_turn(struct feed_keep *keep, struct store *store, struct server_time now);

#endif
