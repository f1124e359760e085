/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting up: a ring whose completions are made only when its one thread enters the kernel is the
 * cheapest and the most predictable; older kernels get the next best. The ring is made disabled,
 * so that the program's main thread can find out early that io_uring is forbidden while a polling
 * thread becomes the ring's one issuer.
 */
#include "dataplane/net/uring_ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUFFER_GROUP 0

static const unsigned setup_flags[URING_SETUP_STEPS] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_SUBMIT_ALL,
};

static void *memory_map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static int ring_setup(struct uring_ring *ring, unsigned step, const uint32_t entries[2])
{
	int result = -EINVAL;
	for (; step < URING_SETUP_STEPS; step++) {
		struct io_uring_params params;
		memset(&params, 0, sizeof(params));
		params.flags = setup_flags[step] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
		params.cq_entries = entries[1];
		result = io_uring_queue_init_params(entries[0], &ring->ring, &params);
		if (result == 0) {
			ring->disabled = (params.flags & IORING_SETUP_R_DISABLED) != 0;
			if ((params.features & IORING_FEAT_NODROP) != 0)
				return 0;
			io_uring_queue_exit(&ring->ring);
			return -EINVAL;
		}
		if (result != -EINVAL)
			return result;
	}
	return result;
}

static int buffers_register(struct uring_ring *ring)
{
	struct io_uring_buf_reg registration;
	memset(&registration, 0, sizeof(registration));
	registration.ring_addr = (uintptr_t)ring->buffers;
	registration.ring_entries = ring->buffer_count;
	registration.bgid = BUFFER_GROUP;
	int result = io_uring_register_buf_ring(&ring->ring, &registration, 0);
	if (result != 0)
		return result;
	io_uring_buf_ring_init(ring->buffers);
	for (uint32_t i = 0; i < ring->buffer_count; i++) {
		uint16_t id = (uint16_t)i;
		uring_ring_return(ring, &id, 1);
	}
	return 0;
}

int uring_ring_open(struct uring_ring *ring, unsigned step, const uint32_t entries[2],
	uint32_t buffer_count, uint32_t buffer_bytes)
{
	memset(ring, 0, sizeof(*ring));
	if (buffer_count == 0 || buffer_count > 32768 || (buffer_count & (buffer_count - 1)) != 0 ||
		buffer_bytes == 0)
		return -EINVAL;
	int result = ring_setup(ring, step, entries);
	if (result != 0)
		return result;
	ring->buffer_count = buffer_count;
	ring->buffer_bytes = buffer_bytes;
	ring->buffers = memory_map(buffer_count * sizeof(struct io_uring_buf));
	ring->bytes = memory_map((size_t)buffer_count * buffer_bytes);
	if (ring->buffers == NULL || ring->bytes == NULL)
		result = -ENOMEM;
	else
		result = buffers_register(ring);
	if (result != 0)
		uring_ring_close(ring);
	return result;
}

void uring_ring_close(struct uring_ring *ring)
{
	io_uring_queue_exit(&ring->ring);
	if (ring->buffers != NULL)
		munmap(ring->buffers, ring->buffer_count * sizeof(struct io_uring_buf));
	if (ring->bytes != NULL)
		munmap(ring->bytes, (size_t)ring->buffer_count * ring->buffer_bytes);
	ring->buffers = NULL;
	ring->bytes = NULL;
}

int uring_ring_start(struct uring_ring *ring)
{
	if (!ring->disabled)
		return 0;
	/* liburing 2.3 declares io_uring_enable_rings(), but its library does not have it. */
	if (syscall(__NR_io_uring_register, ring->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
		    0) < 0)
		return -errno;
	ring->disabled = false;
	return 0;
}

struct io_uring_sqe *uring_ring_entry(struct uring_ring *ring)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring->ring);
	if (entry == NULL) {
		io_uring_submit(&ring->ring);
		entry = io_uring_get_sqe(&ring->ring);
	}
	/* With IORING_FEAT_NODROP the kernel takes submissions even while completions overflow. */
	assert(entry != NULL);
	return entry;
}

int uring_ring_enter(struct uring_ring *ring)
{
	bool needed = io_uring_sq_ready(&ring->ring) > 0;
	if (!needed) {
		unsigned flags = IO_URING_READ_ONCE(*ring->ring.sq.kflags);
		needed = (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
	}
	if (!needed)
		return 0;
	int result = io_uring_submit_and_get_events(&ring->ring);
	return result < 0 ? result : 0;
}

void uring_ring_return(struct uring_ring *ring, const uint16_t *ids, unsigned count)
{
	int mask = io_uring_buf_ring_mask(ring->buffer_count);
	for (unsigned i = 0; i < count; i++) {
		uint8_t *bytes = ring->bytes + (size_t)ids[i] * ring->buffer_bytes;
		io_uring_buf_ring_add(
			ring->buffers, bytes, ring->buffer_bytes, ids[i], mask, (int)i);
	}
	io_uring_buf_ring_advance(ring->buffers, (int)count);
}
