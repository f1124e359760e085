/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines of many connections: a wheel of lists, one turn of it 8.6 s, a step 8.4 ms. Starting
 * and stopping a timer costs the same whatever their number; looking for expired ones touches only
 * the lists of the steps that have passed. A timer is found expired up to one step late, never
 * early.
 */
#ifndef NET_HTTP_TIMER_H
#define NET_HTTP_TIMER_H

#include <stdint.h>

#define HTTP_TIMER_SLOTS 1024

struct http_timer {
	struct http_timer *next, *previous; /* NULL when not started */
	uint64_t deadline_ns;
};

struct http_timers {
	uint64_t step; /* the last one looked at */
	struct http_timer slots[HTTP_TIMER_SLOTS];
	struct http_timer due;
};

void http_timers_init(struct http_timers *timers, uint64_t now_ns);

/* Start or move a timer. */
void http_timer_start(struct http_timers *timers, struct http_timer *timer, uint64_t deadline_ns);

/* Stop it; nothing happens when it is not started. */
void http_timer_stop(struct http_timer *timer);

/* An expired timer, stopped, or NULL when there is none at `now_ns`. */
struct http_timer *http_timers_expired(struct http_timers *timers, uint64_t now_ns);

#endif
