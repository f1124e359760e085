/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed's HTTP endpoint: POST /feed/v1/messages with a message, an array of messages
 * (application/json) or a line for each (application/x-ndjson). Providers get their extract here,
 * too: extract_http.h.
 *
 *     HTTP thread (libmicrohttpd)            control's thread, the store's only writer
 *     body is whole --> queue, eventfd -->   poll: feed_http_fd()
 *     connection sleeps                      feed_http_apply() in a change; commit
 *     reply <------- outcomes -----------    feed_http_answer()
 *
 * A reply of 200 tells what became of each message, and is made only after the commit. When the
 * queue is full the reply is 503 with Retry-After, before anything was looked at. Bodies, queue and
 * connections are bounded. There is no authentication: the endpoint listens on the loopback address
 * unless it is told otherwise, for a gateway in front that checks signatures.
 */
#ifndef CONTROL_FEED_HTTP_H
#define CONTROL_FEED_HTTP_H

#include "control/extract_http.h"
#include "control/feed.h"

#define FEED_HTTP_PATH "/feed/v1/messages"
#define FEED_HTTP_BODY_BYTES_MAX (16u * 1024 * 1024)
#define FEED_HTTP_QUEUE_MAX 256
#define FEED_HTTP_CONNECTIONS_MAX 1024
#define FEED_HTTP_IDLE_S 30 /* then a connection is closed */

struct feed_http_options {
	const char *address;	  /* IPv4 or IPv6; NULL: 127.0.0.1 */
	uint16_t port;		  /* 0: any that is free */
	uint32_t body_bytes_max;  /* 1 .. FEED_HTTP_BODY_BYTES_MAX; 0: FEED_BATCH_BYTES_MAX */
	uint32_t queue_max;	  /* requests waiting, 1 .. FEED_HTTP_QUEUE_MAX; 0: 64 */
	uint32_t connections_max; /* 1 .. FEED_HTTP_CONNECTIONS_MAX; 0: 64 */
	struct store *store;	  /* borrowed: of the extracts; NULL: none are given */
};

struct feed_http_counters {
	uint64_t requests;   /* that reached the queue */
	uint64_t committed;  /* answered with 200 */
	uint64_t failed;     /* taken, but the store could not: 503 */
	uint64_t shed;	     /* queue full: 503 */
	uint64_t too_large;  /* 413 */
	uint64_t malformed;  /* 400: an array that does not end, or nothing at all */
	uint64_t not_for_us; /* 404, 405, 415 */
};

struct feed_http;

/* Open the endpoint and begin its thread. NULL with errno, and one line in `reason`. */
struct feed_http *feed_http_open(
	const struct feed_http_options *options, char *reason, size_t reason_size);

/* Answer what waits with 503, end the thread, free. */
void feed_http_close(struct feed_http *http);

/* The port it listens on. */
uint16_t feed_http_port(const struct feed_http *http);

/* For poll(2), POLLIN: there are requests. It needs no time-out of its own. */
int feed_http_fd(const struct feed_http *http);

/* The counters, at this moment. Any thread. */
struct feed_http_counters feed_http_counters(struct feed_http *http);

/* Of the extracts; zeros when there are none. Any thread. */
struct extract_http_counters feed_http_extract_counters(const struct feed_http *http);

/* ---- the thread that writes the store */

/* Whether requests wait: then it is worth beginning a change. */
bool feed_http_waiting(struct feed_http *http);

/* Take what waits, up to FEED_BATCH_BYTES_MAX bytes beyond the first request, and apply it in
 * `change`. Returns how many requests were taken, or -errno: then the change must be abandoned.
 * Either way feed_http_answer() comes next, before another feed_http_apply(). */
int feed_http_apply(struct feed_http *http, struct store_change *change, int64_t now_ms);

/* Answer what feed_http_apply() took: `error` 0: it is committed, count it in `counters`; another
 * -errno: it is not (503, to be sent again). */
void feed_http_answer(struct feed_http *http, int error, struct feed_counters *counters);

/* All of it: when something waits, begin, apply, commit and answer once. Returns how many requests
 * were taken; -errno: the store failed, and they were told so. *number is the change's number, 0
 * when nothing was committed. */
int feed_http_turn(struct feed_http *http, struct store *store, int64_t now_ms,
	struct feed_counters *counters, uint64_t *number);

#endif
