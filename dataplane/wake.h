/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waking a resting lcore. A sleeper announces itself, looks at its rings once more and then waits
 * on `fd`; whoever puts work into one of its rings looks for the announcement afterwards. The two
 * sequentially consistent accesses make sure that one of them sees the other.
 */
#ifndef DATAPLANE_WAKE_H
#define DATAPLANE_WAKE_H

#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

struct wake {
	int fd; /* an eventfd */
	_Atomic uint32_t resting;
};

/* After putting work into a ring of the lcore that rests on `wake`. Any thread. */
static inline void wake_signal(struct wake *wake)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&wake->resting, memory_order_relaxed)) {
		uint64_t one = 1;
		/* The counter cannot overflow, and a full one wakes just as well. */
		(void)!write(wake->fd, &one, sizeof(one));
	}
}

/* Before resting: announce it. The caller then checks its rings and calls wake_end() in any case.
 */
static inline void wake_begin(struct wake *wake)
{
	atomic_store_explicit(&wake->resting, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void wake_end(struct wake *wake)
{
	atomic_store_explicit(&wake->resting, 0, memory_order_relaxed);
}

#endif
