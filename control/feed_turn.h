/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What control's thread does for the feed between two waits: what has come in becomes one change of
 * the store, then of the registry image, and is answered after both.
 */
#ifndef CONTROL_FEED_TURN_H
#define CONTROL_FEED_TURN_H

#include "control/feed_http.h"
#include "control/mirror.h"

/* Open the endpoint at "address:port", with the extracts of `store`. NULL with one line in
 * `reason`.
 */
struct feed_http *feed_turn_open(
	const char *listen, struct store *store, char *reason, size_t reason_size);

/* Take what waits, if anything does. Returns how many requests were taken, or -errno: they were
 * told to come again. */
int feed_turn(struct feed_http *http, struct store *store, struct mirror *mirror, int64_t now_ms,
	struct feed_counters *counters);

#endif
