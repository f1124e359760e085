/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, and messages of the feed, for tests. */
#ifndef TESTS_UNIT_FEED_FIXTURE_H
#define TESTS_UNIT_FEED_FIXTURE_H

#include "control/feed.h"
#include "control/store.h"

#define FIXTURE_NOW_MS 1767225600000ll /* 2026-01-01T00:00:00Z */

struct feed_fixture {
	char folder[64];
	struct store *store;
};

void feed_fixture_open(struct feed_fixture *fixture, uint64_t bytes_max);
void feed_fixture_close(struct feed_fixture *fixture);

/* Apply text (ended by NUL) in a change and commit it. Returns the number of outcomes. */
size_t feed_fixture_apply(struct feed_fixture *fixture, enum feed_format format, const char *text,
	struct feed_outcome *outcomes);

/* The timeline of an MPxN as text: "S ABCD [2026-01-01,open) ...", S, N, M or G for its kind. */
const char *feed_fixture_timeline(struct feed_fixture *fixture, uint64_t number);

/* What a message says; NULL leaves a part out. */
struct feed_fixture_message {
	const char *id;
	const char *created;
	const char *mpxn;
	const char *supplier;
	const char *from;
	const char *appointments; /* JSON objects, without the array's brackets */
};

/* A registration event in one line. The result is valid until the fourth next call. */
const char *feed_fixture_event(struct feed_fixture_message message);

#endif
