/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buffer holds one HTTP body. Where buffers come from is the program's business: the data plane
 * takes them from mempools of fixed size, the simulator from malloc.
 */
#ifndef NET_BUFFER_H
#define NET_BUFFER_H

#include <stdint.h>

struct net_buffer {
	uint32_t capacity; /* bytes that fit into `bytes` */
	uint32_t length;   /* bytes in use */
	uint8_t bytes[];
};

/* Where the HTTP layer gets and returns buffers. Both functions are called on the thread that owns
 * the http instance, only from inside its functions. */
struct net_buffer_source {
	/* A buffer with capacity >= `capacity`, length 0, or NULL when none is free. */
	struct net_buffer *(*acquire)(void *source, uint32_t capacity);
	void (*release)(void *source, struct net_buffer *buffer);
	void *source;
};

#endif
