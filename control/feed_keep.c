/* SPDX-License-Identifier: Apache-2.0 */
#include "control/feed_keep.h"

#include <errno.h>

int feed_keep_turn(struct feed_keep *keep, struct store *store, struct server_time now)
{
	if (keep->keep_ms == 0 || now.monotonic_ms < keep->next_ms)
		return 0;
	struct store_change *change = store_begin(store);
	int64_t forgotten = change != NULL
				    ? feed_forget(change, keep->cursor, now.wall_ms - keep->keep_ms)
				    : -errno;
	int result = forgotten < 0 ? (int)forgotten : 0;
	if (result == 0 && forgotten > 0)
		result = store_commit(change, NULL);
	else
		store_abandon(change);
	if (result == 0)
		keep->forgotten += (uint64_t)forgotten;
	else
		keep->cursor[0] = '\0';
	keep->passes += result == 0 && keep->cursor[0] == '\0';
	/* In the midst of a pass it goes on with the next turn. */
	keep->next_ms = keep->cursor[0] == '\0' ? now.monotonic_ms + FEED_KEEP_PAUSE_MS : 0;
	return result;
}
