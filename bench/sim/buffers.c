/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/buffers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct net_buffer *buffers_acquire(struct buffers *buffers, uint32_t capacity)
{
	uint64_t bytes = sizeof(struct net_buffer) + (uint64_t)capacity;
	struct net_buffer *buffer =
		buffers->bytes + bytes <= buffers->bytes_max ? malloc(bytes) : NULL;
	if (!buffer) {
		buffers->refused++;
		return NULL;
	}
	buffers->bytes += bytes;
	buffer->capacity = capacity;
	buffer->length = 0;
	return buffer;
}

struct net_buffer *buffers_copy(struct buffers *buffers, const void *bytes, size_t length)
{
	assert(length <= UINT32_MAX);
	struct net_buffer *buffer = buffers_acquire(buffers, (uint32_t)length);
	if (!buffer)
		return NULL;
	if (length > 0)
		memcpy(buffer->bytes, bytes, length);
	buffer->length = (uint32_t)length;
	return buffer;
}

void buffers_release(struct buffers *buffers, struct net_buffer *buffer)
{
	if (!buffer)
		return;
	buffers->bytes -= sizeof(struct net_buffer) + (uint64_t)buffer->capacity;
	free(buffer);
}

static struct net_buffer *source_acquire(void *source, uint32_t capacity)
{
	return buffers_acquire(source, capacity);
}

static void source_release(void *source, struct net_buffer *buffer)
{
	buffers_release(source, buffer);
}

struct net_buffer_source buffers_source(struct buffers *buffers)
{
	return (struct net_buffer_source){source_acquire, source_release, buffers};
}
