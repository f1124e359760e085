/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /provider/v1/NAME/appointments, on the feed's listener: the MDR-to-MPAN extract
 * (provider_extract.h) of the provider NAME, as it is made, a piece at a time. The thread of the
 * HTTP daemon is the only one to call anything but the counters. doc/extract.md describes it.
 */
#ifndef CONTROL_EXTRACT_HTTP_H
#define CONTROL_EXTRACT_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <microhttpd.h>

#include "control/store.h"

#define EXTRACT_HTTP_BEFORE "/provider/v1/"
#define EXTRACT_HTTP_BEHIND "/appointments"
#define EXTRACT_HTTP_MAX 8 /* on their way at the same time */
#define EXTRACT_HTTP_CURSOR "Motorway-Cursor"

struct extract_http_counters {
	uint64_t begun;	  /* answered with 200 */
	uint64_t stale;	  /* 410: the whole is needed */
	uint64_t refused; /* 400, 403, 404, 405 */
	uint64_t shed;	  /* 503 */
	uint64_t broken;  /* begun, and not ended: the store failed */
};

struct extract_http;

/* For extracts of `store` (borrowed). NULL with errno and one line in `reason`. */
struct extract_http *extract_http_create(struct store *store, char *reason, size_t reason_size);

/* After the HTTP daemon has ended. NULL is allowed. */
void extract_http_destroy(struct extract_http *http);

/* Whether a request for `url` is for extract_http_answer(). */
bool extract_http_wants(const char *url);

/* Answer a request whose head is there. */
enum MHD_Result extract_http_answer(struct extract_http *http, struct MHD_Connection *connection,
	const char *url, const char *method);

/* Any thread. */
struct extract_http_counters extract_http_counters(const struct extract_http *http);

#endif
