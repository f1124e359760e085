/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP bodies from malloc, with a bound on all of them together. One thread. */
#ifndef SIM_BUFFERS_H
#define SIM_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/net/buffer.h"

struct buffers {
	uint64_t bytes_max;
	uint64_t bytes; /* in use */
	uint64_t refused;
};

/* A source that takes from `buffers`, which must outlive it. */
struct net_buffer_source buffers_source(struct buffers *buffers);

/* A buffer with room for `capacity` bytes, or NULL when the bound is reached. */
struct net_buffer *buffers_acquire(struct buffers *buffers, uint32_t capacity);

/* A buffer that holds a copy of bytes[0 .. length), or NULL. */
struct net_buffer *buffers_copy(struct buffers *buffers, const void *bytes, size_t length);

/* Give it back; NULL is allowed. */
void buffers_release(struct buffers *buffers, struct net_buffer *buffer);

#endif
