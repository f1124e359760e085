/* SPDX-License-Identifier: Apache-2.0 */
/* Things to do later, by time: a binary heap of small values. One thread. */
#ifndef SIM_TIMERS_H
#define SIM_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
	uint64_t due_ns;
	uint64_t order; /* equal times: first in, first out; set by timers_add() */
	uint32_t kind;	/* meaning of `value` */
	uint64_t value;
};

struct timers {
	struct timer *heap;
	uint32_t count;
	uint32_t capacity;
	uint64_t added;
};

/* Make it empty and give its memory back; a zeroed struct is empty, too. Memory grows as needed:
 * one timer stands for one message under way, so the bounds of those bound it. */
void timers_clear(struct timers *timers);

/* Add one. Returns 0 or -ENOMEM. */
int timers_add(struct timers *timers, uint64_t due_ns, uint32_t kind, uint64_t value);

/* Take the earliest one if it is due at `now_ns`. */
bool timers_take(struct timers *timers, uint64_t now_ns, struct timer *timer);

/* When the earliest one is due; UINT64_MAX when there is none. */
uint64_t timers_next_ns(const struct timers *timers);

#endif
