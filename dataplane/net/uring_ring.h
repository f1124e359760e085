/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One io_uring with one ring of receive buffers that the kernel picks from.
 */
#ifndef NET_URING_RING_H
#define NET_URING_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <liburing.h>

#define URING_SETUP_STEPS 4 /* ways to set up the ring, the best one first */

struct uring_ring {
	struct io_uring ring;
	bool disabled; /* not yet bound to its thread: see uring_ring_start() */
	struct io_uring_buf_ring *buffers;
	uint8_t *bytes; /* buffer i is at bytes + i * buffer_bytes */
	uint32_t buffer_count;
	uint32_t buffer_bytes;
};

/* Set the ring up with room for `entries` submissions and `completions` completions, trying the
 * ways of setting it up from `step` (0 .. URING_SETUP_STEPS - 1) on, and give it `buffer_count` (a
 * power of two, <= 32768) receive buffers. 0 or -errno. May be called by another thread than the
 * one that uses the ring. */
int uring_ring_open(struct uring_ring *ring, unsigned step, const uint32_t entries[2],
	uint32_t buffer_count, uint32_t buffer_bytes);
void uring_ring_close(struct uring_ring *ring);

/* Bind the ring to the calling thread. 0 or -errno. */
int uring_ring_start(struct uring_ring *ring);

/* A free submission entry; never NULL: enters the kernel to make room. */
struct io_uring_sqe *uring_ring_entry(struct uring_ring *ring);

/* Submit what waits and let the kernel post completions, if either is needed. 0 or -errno. */
int uring_ring_enter(struct uring_ring *ring);

/* Give buffers ids[0 .. count) back to the kernel. */
void uring_ring_return(struct uring_ring *ring, const uint16_t *ids, unsigned count);

#endif
