/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters with one writer, the thread that owns the instance, which any other thread may read at
 * any time. They only increase; readers subtract.
 */
#ifndef NET_COUNTER_H
#define NET_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

/* The owner's thread alone. With a single writer a relaxed load and store suffice: a reader sees
 * each counter whole and needs no order between counters. */
static inline void net_counter_add(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
		memory_order_relaxed);
}

static inline void net_counter_increase(_Atomic uint64_t *counter)
{
	net_counter_add(counter, 1);
}

#endif
