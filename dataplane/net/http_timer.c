/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of a step is moved to `due` when the step is over; who is not due yet (his deadline lies
 * whole turns ahead) goes back into his slot.
 */
#include "dataplane/net/http_timer.h"

#include <stddef.h>

#define STEP_SHIFT 23 /* 2^23 ns */
#define SLOT_MASK (HTTP_TIMER_SLOTS - 1)

static void list_init(struct http_timer *list)
{
	list->next = list;
	list->previous = list;
}

static void list_append(struct http_timer *list, struct http_timer *timer)
{
	timer->next = list;
	timer->previous = list->previous;
	list->previous->next = timer;
	list->previous = timer;
}

/* Move all of `from` behind `to`. */
static void list_move(struct http_timer *to, struct http_timer *from)
{
	if (from->next == from)
		return;
	from->next->previous = to->previous;
	to->previous->next = from->next;
	from->previous->next = to;
	to->previous = from->previous;
	list_init(from);
}

void http_timers_init(struct http_timers *timers, uint64_t now_ns)
{
	timers->step = now_ns >> STEP_SHIFT;
	for (unsigned i = 0; i < HTTP_TIMER_SLOTS; i++)
		list_init(&timers->slots[i]);
	list_init(&timers->due);
}

void http_timer_stop(struct http_timer *timer)
{
	if (timer->next == NULL)
		return;
	timer->next->previous = timer->previous;
	timer->previous->next = timer->next;
	timer->next = NULL;
	timer->previous = NULL;
}

void http_timer_start(struct http_timers *timers, struct http_timer *timer, uint64_t deadline_ns)
{
	http_timer_stop(timer);
	timer->deadline_ns = deadline_ns;
	/* The step in which the deadline lies must be over. */
	uint64_t step = (deadline_ns >> STEP_SHIFT) + 1;
	if (step <= timers->step)
		step = timers->step + 1;
	list_append(&timers->slots[step & SLOT_MASK], timer);
}

struct http_timer *http_timers_expired(struct http_timers *timers, uint64_t now_ns)
{
	uint64_t step_now = now_ns >> STEP_SHIFT;
	for (;;) {
		while (timers->due.next != &timers->due) {
			struct http_timer *timer = timers->due.next;
			http_timer_stop(timer);
			if (timer->deadline_ns <= now_ns)
				return timer;
			http_timer_start(timers, timer, timer->deadline_ns);
		}
		if (timers->step >= step_now)
			return NULL;
		if (step_now - timers->step > HTTP_TIMER_SLOTS)
			timers->step = step_now - HTTP_TIMER_SLOTS;
		timers->step++;
		list_move(&timers->due, &timers->slots[timers->step & SLOT_MASK]);
	}
}
