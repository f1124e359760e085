/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/message.h"

#include <assert.h>
#include <errno.h>

#include <rte_errno.h>

#include "dataplane/limits.h"

static struct rte_mempool *pool_create(const char *name, uint32_t count, uint32_t bytes)
{
	/* A per-lcore cache must not hide buffers that another lcore waits for. */
	uint32_t cache = count >= 1024 ? 64 : 0;
	return rte_mempool_create(name, count, sizeof(struct message) + bytes, cache, 0, NULL, NULL,
		NULL, NULL, SOCKET_ID_ANY, 0);
}

int message_pools_create(
	struct message_pools *pools, uint32_t small, uint32_t medium, uint32_t large)
{
	pools->small = pool_create("messages_small", small, SMALL_MESSAGE_BYTES);
	pools->medium = pool_create("messages_medium", medium, MEDIUM_MESSAGE_BYTES);
	pools->large = pool_create("messages_large", large, LARGE_MESSAGE_BYTES);
	if (pools->small && pools->medium && pools->large)
		return 0;
	int error = rte_errno ? rte_errno : ENOMEM;
	message_pools_destroy(pools);
	return -error;
}

void message_pools_destroy(struct message_pools *pools)
{
	rte_mempool_free(pools->small);
	rte_mempool_free(pools->medium);
	rte_mempool_free(pools->large);
	pools->small = pools->medium = pools->large = NULL;
}

struct message *message_take(
	struct message_pools *pools, uint32_t capacity, enum message_owner owner)
{
	struct rte_mempool *pool;
	uint32_t bytes;
	if (capacity <= SMALL_MESSAGE_BYTES) {
		pool = pools->small;
		bytes = SMALL_MESSAGE_BYTES;
	} else if (capacity <= MEDIUM_MESSAGE_BYTES) {
		pool = pools->medium;
		bytes = MEDIUM_MESSAGE_BYTES;
	} else if (capacity <= LARGE_MESSAGE_BYTES) {
		pool = pools->large;
		bytes = LARGE_MESSAGE_BYTES;
	} else {
		return NULL;
	}
	void *object;
	if (rte_mempool_get(pool, &object) != 0)
		return NULL;
	struct message *message = object;
	message->pool = pool;
	message->owner = owner;
	message->buffer.capacity = bytes;
	message->buffer.length = 0;
	return message;
}

void message_free(struct message *message)
{
	if (!message)
		return;
	assert(message->owner != MESSAGE_FREE);
	message->owner = MESSAGE_FREE;
	rte_mempool_put(message->pool, message);
}

struct message *message_pass(
	struct message *message, enum message_owner from, enum message_owner to)
{
	if (message) {
		assert(message->owner == from);
		message->owner = to;
	}
	return message;
}

struct message *message_of(struct net_buffer *buffer)
{
	if (!buffer)
		return NULL;
	return (struct message *)((char *)buffer - offsetof(struct message, buffer));
}

static struct net_buffer *acquire(void *source, uint32_t capacity)
{
	struct message *message = message_take(source, capacity, MESSAGE_EDGE);
	return message ? &message->buffer : NULL;
}

static void release(void *source, struct net_buffer *buffer)
{
	(void)source;
	assert(message_of(buffer)->owner == MESSAGE_EDGE);
	message_free(message_of(buffer));
}

struct net_buffer_source message_buffer_source(struct message_pools *pools)
{
	return (struct net_buffer_source){.acquire = acquire, .release = release, .source = pools};
}

static bool scarce(const struct rte_mempool *pool)
{
	return rte_mempool_avail_count(pool) < pool->size / 4;
}

bool message_pools_scarce(const struct message_pools *pools, const struct message *like)
{
	return scarce(pools->small) || (like && like->pool != pools->small && scarce(like->pool));
}

uint32_t message_pools_free(const struct message_pools *pools)
{
	return rte_mempool_avail_count(pools->small) + rte_mempool_avail_count(pools->medium) +
	       rte_mempool_avail_count(pools->large);
}

uint32_t message_pools_size(const struct message_pools *pools)
{
	return pools->small->size + pools->medium->size + pools->large->size;
}
