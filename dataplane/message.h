/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message buffers: every byte that stays longer than one poll lies in one. They come from three
 * mempools of fixed size, taken at start, so that no peer can make memory grow.
 *
 * A message has one owner at a time, named in `owner`. Handing it to another lcore gives it away;
 * traffic lends a message to an edge by an action and takes it back with the event that ends it.
 */
#ifndef DATAPLANE_MESSAGE_H
#define DATAPLANE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "dataplane/net/buffer.h"

enum message_owner {
	MESSAGE_FREE = 0,
	MESSAGE_EDGE,
	MESSAGE_TRAFFIC,
	MESSAGE_LINK,
};

struct message {
	struct rte_mempool *pool;
	enum message_owner owner;
	struct net_buffer buffer; /* last: its bytes follow */
};

struct message_pools {
	struct rte_mempool *small, *medium, *large;
};

/* Take the memory: `small`, `medium`, `large` buffers of each class (limits.h). Main thread after
 * rte_eal_init(). Returns 0 or -errno. */
int message_pools_create(
	struct message_pools *pools, uint32_t small, uint32_t medium, uint32_t large);
void message_pools_destroy(struct message_pools *pools);

/* A message with room for `capacity` bytes, length 0, owned by `owner`; NULL when none is free.
 * Any lcore or the link thread. */
struct message *message_take(
	struct message_pools *pools, uint32_t capacity, enum message_owner owner);

/* Give back a message (NULL is allowed). The caller owns it. */
void message_free(struct message *message);

/* Pass the message on: asserts that `from` owns it. NULL is allowed. Returns it. */
struct message *message_pass(
	struct message *message, enum message_owner from, enum message_owner to);

/* The message around an HTTP body (NULL for NULL), and the other way round. */
struct message *message_of(struct net_buffer *buffer);

/* Buffers for the HTTP layer of an edge lcore. */
struct net_buffer_source message_buffer_source(struct message_pools *pools);

/* Is the class of `like` (NULL: the small one), or the small one, down to its last quarter? New
 * work is refused then, so that what was accepted always finds buffers to go on. Any lcore. */
bool message_pools_scarce(const struct message_pools *pools, const struct message *like);

/* Free messages of all classes now, and in all: for the status. Any thread. */
uint32_t message_pools_free(const struct message_pools *pools);
uint32_t message_pools_size(const struct message_pools *pools);

#endif
