/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/clock.h"

#include <stdatomic.h>
#include <time.h>

#include <rte_cycles.h>

static uint64_t start_cycles;
static double ns_per_cycle;
/* Wall-clock ms minus monotonic ms. Written by clock_adjust(), read everywhere; a reader needs no
 * other data with it, hence relaxed. */
static _Atomic int64_t wall_offset_ms;

static int64_t wall_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_start(void)
{
	start_cycles = rte_get_tsc_cycles();
	ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
	clock_adjust();
}

uint64_t clock_now_ns(void)
{
	/* The first ns is 1, so that 0 can mean "never". */
	return 1 + (uint64_t)((double)(rte_get_tsc_cycles() - start_cycles) * ns_per_cycle);
}

int64_t clock_wall_ms(uint64_t now_ns)
{
	return (int64_t)(now_ns / 1000000) +
	       atomic_load_explicit(&wall_offset_ms, memory_order_relaxed);
}

void clock_adjust(void)
{
	int64_t offset_ms = wall_now_ms() - (int64_t)(clock_now_ns() / 1000000);
	atomic_store_explicit(&wall_offset_ms, offset_ms, memory_order_relaxed);
}
