/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registration feed: messages of the Central Switching Service become events of MPxNs in the
 * store. Each message is applied whole or set aside whole, with its reason; the others go on.
 * Messages may come twice and in any order. doc/feed.md tells how.
 *
 *     text --feed_cut--> messages --feed_message_read--> facts --> events of the MPxN
 *                                        `--> set aside: list, show, retry, drop
 *
 * All of it happens inside a change of the store that the caller began: nothing counts before the
 * caller's store_commit() returned 0, and many messages share one commit. The thread that writes
 * the store is the only one to call anything here.
 */
#ifndef CONTROL_FEED_H
#define CONTROL_FEED_H

#include <stdint.h>
#include <stdio.h>

#include "control/feed_message.h"
#include "control/feed_text.h"
#include "control/store.h"

#define FEED_BATCH_MESSAGES_MAX 4096
#define FEED_BATCH_BYTES_MAX (1024u * 1024)
#define FEED_VISITS_MAX 10000

enum feed_result {
	FEED_APPLIED = 1,
	FEED_DUPLICATE = 2, /* applied before: done as well */
	FEED_SET_ASIDE = 3,
};

/* What became of one message. */
struct feed_outcome {
	uint8_t result;			/* enum feed_result */
	uint8_t rule;			/* SET_ASIDE: enum feed_rule */
	uint8_t organisations_made;	/* that were not known before */
	char id[STORE_MESSAGE_ID_SIZE]; /* one that has none gets "~" and a digest of its text */
	uint32_t line;			/* SET_ASIDE: the place in the text it came in */
	uint32_t column;
	char pointer[FEED_POINTER_SIZE];
};

struct feed_counters {
	uint64_t applied;
	uint64_t duplicates;
	uint64_t set_aside[FEED_RULE_COUNT];
	uint64_t organisations_made;
};

/* Text to apply, and room for what becomes of it. */
struct feed_batch {
	struct feed_text text;
	uint32_t first_line;
	int64_t now_ms;
	struct feed_outcome *outcomes;
	size_t outcomes_max;
	size_t count; /* set: messages there were */
};

/* Apply all messages of the batch, in their order. 0; -EBADMSG: an array of messages that is none
 * (see feed_cut_next()), or -E2BIG: more than outcomes_max: nothing was applied in either case; any
 * other -errno comes from the store: part may be applied, the change must be abandoned. */
int feed_apply(struct store_change *change, struct feed_batch *batch);

/* Count outcomes; for after the commit. */
void feed_count(struct feed_counters *counters, const struct feed_outcome *outcomes, size_t count);

/* ---- what was set aside */

struct feed_set_aside {
	char id[STORE_MESSAGE_ID_SIZE];
	int64_t received_ms;
	uint8_t rule;  /* enum feed_rule */
	uint32_t line; /* the place in `text` */
	uint32_t column;
	char pointer[FEED_POINTER_SIZE];
	const char
		*text; /* as it came, at most STORE_TEXT_MAX bytes; valid as long as the change */
	size_t length;
};

/* The next one behind `cursor` ("" at first): 1; 0: there is no more; -EAGAIN: FEED_VISITS_MAX
 * messages were passed over, call again (in a new snapshot, if there is other work); -EIO. */
int feed_set_aside_next(struct store_change *change, char cursor[STORE_MESSAGE_ID_SIZE],
	struct feed_set_aside *message);

/* The one with this id: 0, -ENOENT or -EIO. */
int feed_set_aside_get(struct store_change *change, const char *id, struct feed_set_aside *message);

/* Apply it once more, as it is. 0 and the outcome (which may be SET_ASIDE again), -ENOENT, or
 * another -errno: the change must be abandoned. One that was mended is just sent again. */
int feed_set_aside_retry(
	struct store_change *change, const char *id, int64_t now_ms, struct feed_outcome *outcome);

/* Forget it. 0, -ENOENT or -EIO. */
int feed_set_aside_drop(struct store_change *change, const char *id);

/* Forget the ids of messages that were applied before `before_ms`, beginning behind `cursor` and
 * going over at most FEED_VISITS_MAX rows. Returns how many were forgotten, or -errno; *cursor is
 * "" when the end was reached. One that comes again after this changes nothing: its events are
 * known, or overruled. */
int64_t feed_forget(
	struct store_change *change, char cursor[STORE_MESSAGE_ID_SIZE], int64_t before_ms);

/* ---- files */

struct feed_import {
	struct store *store;
	FILE *file; /* JSON lines */
	int64_t now_ms;
	void (*report)(void *argument, const struct feed_outcome *outcome); /* may be NULL */
	void *argument;
	struct feed_counters counters; /* of what was committed */
	uint64_t lines;		       /* read and committed */
	uint64_t change;	       /* number of the store's change after the last commit */
};

/* Read the file to its end, in changes of at most FEED_BATCH_BYTES_MAX or FEED_BATCH_MESSAGES_MAX
 * messages; outcomes are reported after their commit. 0, or -errno: what is in `counters` is done,
 * the rest is not; to import the file again is safe. */
int feed_import(struct feed_import *import);

#endif
