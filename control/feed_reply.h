/* SPDX-License-Identifier: Apache-2.0 */
/* What the feed's endpoint and tools say of outcomes, as JSON. Pure functions. */
#ifndef CONTROL_FEED_REPLY_H
#define CONTROL_FEED_REPLY_H

#include "control/feed.h"

/* {"outcomes": [{"id", "result"} or {"id", "result": "set-aside", "rule", "meaning", "line",
 * "column", "pointer"}, ...]}. malloc'ed; NULL: no memory. */
char *feed_reply_outcomes(const struct feed_outcome *outcomes, size_t count);

/* {"error": reason}. malloc'ed; NULL: no memory. */
char *feed_reply_refusal(const char *reason);

/* "applied", "duplicate" or "set-aside". */
const char *feed_result_name(enum feed_result result);

#endif
