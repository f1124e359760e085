/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/timers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void timers_clear(struct timers *timers)
{
	free(timers->heap);
	memset(timers, 0, sizeof(*timers));
}

static bool before(const struct timer *a, const struct timer *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void swap(struct timer *a, struct timer *b)
{
	struct timer kept = *a;
	*a = *b;
	*b = kept;
}

int timers_add(struct timers *timers, uint64_t due_ns, uint32_t kind, uint64_t value)
{
	if (timers->count == timers->capacity) {
		uint32_t capacity = timers->capacity ? timers->capacity * 2 : 256;
		struct timer *grown = realloc(timers->heap, capacity * sizeof(*timers->heap));
		if (!grown)
			return -ENOMEM;
		timers->heap = grown;
		timers->capacity = capacity;
	}
	uint32_t at = timers->count++;
	timers->heap[at] = (struct timer){due_ns, timers->added++, kind, value};
	while (at > 0 && before(&timers->heap[at], &timers->heap[(at - 1) / 2])) {
		swap(&timers->heap[at], &timers->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	return 0;
}

bool timers_take(struct timers *timers, uint64_t now_ns, struct timer *timer)
{
	if (timers->count == 0 || timers->heap[0].due_ns > now_ns)
		return false;
	*timer = timers->heap[0];
	timers->heap[0] = timers->heap[--timers->count];
	uint32_t at = 0;
	for (;;) {
		uint32_t least = at;
		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < timers->count &&
				before(&timers->heap[child], &timers->heap[least]))
				least = child;
		if (least == at)
			return true;
		swap(&timers->heap[at], &timers->heap[least]);
		at = least;
	}
}

uint64_t timers_next_ns(const struct timers *timers)
{
	return timers->count > 0 ? timers->heap[0].due_ns : UINT64_MAX;
}
