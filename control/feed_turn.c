/* SPDX-License-Identifier: Apache-2.0 */
#include "control/feed_turn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_SIZE 64

struct feed_http *feed_turn_open(
	const char *listen, struct store *store, char *reason, size_t reason_size)
{
	char address[ADDRESS_SIZE];
	struct feed_http_options options = {.address = address, .store = store};
	const char *colon = strrchr(listen, ':');

	/* conf_check() has seen to the form. */
	if (colon == NULL || (size_t)(colon - listen) >= sizeof(address)) {
		snprintf(reason, reason_size, "feed_listen is no address and port");
		errno = EINVAL;
		return NULL;
	}
	memcpy(address, listen, (size_t)(colon - listen));
	address[colon - listen] = '\0';
	options.port = (uint16_t)strtoul(colon + 1, NULL, 10);
	return feed_http_open(&options, reason, reason_size);
}

int feed_turn(struct feed_http *http, struct store *store, struct mirror *mirror, int64_t now_ms,
	struct feed_counters *counters)
{
	uint64_t number;

	if (!feed_http_waiting(http))
		return 0;
	struct store_change *change = store_begin(store);
	if (change == NULL)
		return -errno;
	int taken = feed_http_apply(http, change, now_ms);
	int result = taken < 0 ? taken : 0;
	if (result == 0)
		result = store_commit(change, &number);
	else
		store_abandon(change);
	/* When the image fails the change is in the store all the same: it comes a second time, is
	 * found to be a duplicate, and the image is tried again. */
	if (result == 0)
		result = mirror_update(mirror);
	feed_http_answer(http, result, counters);
	return result == 0 ? taken : result;
}
