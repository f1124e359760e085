/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel sockets through io_uring.
 *
 *   listener   one multishot accept
 *   connection one multishot receive that draws from one ring of buffers, at most one sendmsg
 *   wake_fd    one multishot poll
 *
 * The life of a connection is in uring_connection.c.
 *
 * System calls outside the ring: socket() and its options for a new client connection, and
 * shutdown(), which io_uring would pass to a worker thread. Both are rare.
 */
#include "dataplane/net/uring.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX (1u << 24) /* the index has 24 bits in the user data */
#define BACKLOG 4096

static struct uring *uring_of(struct transport *transport)
{
	return (struct uring *)transport;
}

static int listener_open(const struct sockaddr_in *address)
{
	static const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Accepted sockets inherit TCP_NODELAY. SO_REUSEPORT: each edge thread has a listener. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
		bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
		listen(fd, BACKLOG) != 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int transport_address_probe(const struct sockaddr_in *address)
{
	static const int on = 1;
	int error = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Without SO_REUSEPORT; SO_REUSEADDR passes by connections that are still ending. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		error = -errno;
	close(fd);
	return error;
}

static int uring_listen(struct transport *transport, const struct sockaddr_in *address)
{
	struct uring *uring = uring_of(transport);
	if (uring->listener_count == TRANSPORT_LISTENERS_MAX)
		return -ENOSPC;
	int fd = listener_open(address);
	if (fd < 0)
		return fd;
	uring->listeners[uring->listener_count].fd = fd;
	return (int)uring->listener_count++;
}

static void uring_stop_listening(struct transport *transport)
{
	struct uring *uring = uring_of(transport);
	uring->stopped = true;
	for (unsigned i = 0; i < uring->listener_count; i++) {
		struct uring_listener *listener = &uring->listeners[i];
		if (listener->fd < 0)
			continue;
		/* Ends the accept that is under way, too, and at once for everybody outside. */
		shutdown(listener->fd, SHUT_RDWR);
		close(listener->fd);
		listener->fd = -1;
	}
}

static int uring_connect(struct transport *transport, const struct sockaddr_in *address,
	struct transport_connection *name)
{
	static const int on = 1;
	struct uring *uring = uring_of(transport);
	if (uring->free_count == 0)
		return -EAGAIN;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno == EAGAIN ? -ENOBUFS : -errno;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	struct uring_connection *connection =
		uring_connection_take(uring, fd, CONNECTION_CONNECTING);
	connection->address = *address;
	struct io_uring_sqe *entry = uring_submission(uring, connection, OPERATION_CONNECT);
	io_uring_prep_connect(entry, fd, (const struct sockaddr *)&connection->address,
		sizeof(connection->address));
	name->index = uring_connection_index(uring, connection);
	name->generation = connection->generation;
	return 0;
}

static int uring_send(struct transport *transport, struct transport_connection name,
	const struct iovec *iov, unsigned count)
{
	struct uring *uring = uring_of(transport);
	struct uring_connection *connection = uring_connection_find(uring, name);
	assert(count > 0 && count <= TRANSPORT_IOV_MAX);
	if (connection == NULL || connection->error != 0 || connection->state != CONNECTION_OPEN)
		return -ESTALE;
	if (connection->sending)
		return -EBUSY;
	memcpy(connection->iov, iov, count * sizeof(*iov));
	memset(&connection->message, 0, sizeof(connection->message));
	connection->message.msg_iov = connection->iov;
	connection->message.msg_iovlen = count;
	connection->accepted_bytes = 0;
	connection->sending = true;
	uring_send_submit(uring, connection);
	return 0;
}

static void uring_pause(struct transport *transport, struct transport_connection name, int paused)
{
	struct uring *uring = uring_of(transport);
	struct uring_connection *connection = uring_connection_find(uring, name);
	if (connection == NULL || connection->error != 0 || connection->paused == (paused != 0))
		return;
	connection->paused = paused != 0;
	connection->single = true;
	if (connection->paused)
		uring_receive_cancel(uring, connection);
	else
		uring_attention_add(uring, connection);
}

static void uring_keep(
	struct transport *transport, const struct transport_event *event, uint32_t taken)
{
	struct uring *uring = uring_of(transport);
	struct uring_connection *connection = uring_connection_find(uring, event->connection);
	assert(event->type == TRANSPORT_RECEIVED && taken <= event->length);
	if (connection == NULL || connection->error != 0 || taken == event->length)
		return;
	size_t position = (size_t)(event->bytes - uring->ring.bytes);
	uint32_t id = (uint32_t)(position / uring->ring.buffer_bytes);
	struct uring_buffer *buffer = &uring->buffers[id];
	assert(!buffer->kept);
	buffer->offset = (uint32_t)(position % uring->ring.buffer_bytes) + taken;
	buffer->length = event->length - taken;
	buffer->kept = true;
	if (buffer->given_again)
		uring_held_prepend(uring, connection, id);
	else
		uring_held_append(uring, connection, id);
	uring_pause(transport, event->connection, 1);
	if (uring->held_count > uring->ring.buffer_count / 2) {
		net_counter_increase(&uring->transport.counters.keeps_refused);
		uring_connection_fail(uring, connection, -ENOBUFS);
		uring_attention_add(uring, connection);
	}
}

static void uring_finish(struct transport *transport, struct transport_connection name)
{
	struct uring *uring = uring_of(transport);
	struct uring_connection *connection = uring_connection_find(uring, name);
	if (connection == NULL || connection->state != CONNECTION_OPEN)
		return;
	assert(!connection->sending || connection->error != 0);
	shutdown(connection->fd, SHUT_WR);
}

static int uring_close(struct transport *transport, struct transport_connection name)
{
	struct uring *uring = uring_of(transport);
	struct uring_connection *connection = uring_connection_find(uring, name);
	if (connection == NULL)
		return 0;
	uring_held_drop(uring, connection);
	connection->state = CONNECTION_ENDING;
	connection->release_due = connection->sending;
	if (connection->sending)
		/* The cancel ends the send soon; this makes sure that no more of it is read. */
		shutdown(connection->fd, SHUT_RDWR);
	uring_cancel_all(uring, connection);
	int held = connection->release_due ? 1 : 0;
	if (connection->operations == 0 && held == 0)
		uring_close_submit(uring, connection);
	else
		uring_attention_add(uring, connection);
	return held;
}

static void start(struct uring *uring)
{
	if (uring_ring_start(&uring->ring) != 0)
		net_counter_increase(&uring->transport.counters.entries_failed);
	else
		uring->started = true;
}

static void arm(struct uring *uring)
{
	if (!uring->wake_armed) {
		struct io_uring_sqe *entry = uring_ring_entry(&uring->ring);
		io_uring_prep_poll_multishot(entry, uring->transport.wake_fd, POLLIN);
		entry->user_data = uring_tag(OPERATION_WAKE, 0, 0);
		uring->wake_armed = true;
	}
	for (unsigned i = 0; i < uring->listener_count && !uring->stopped; i++) {
		struct uring_listener *listener = &uring->listeners[i];
		if (listener->armed)
			continue;
		if (listener->rest_polls > 0) {
			listener->rest_polls--;
			continue;
		}
		struct io_uring_sqe *entry = uring_ring_entry(&uring->ring);
		io_uring_prep_multishot_accept(entry, listener->fd, NULL, NULL, SOCK_CLOEXEC);
		entry->user_data = uring_tag(OPERATION_ACCEPT, i, 0);
		listener->armed = true;
	}
}

static unsigned uring_poll(
	struct transport *transport, struct transport_event *events, unsigned events_max)
{
	struct uring *uring = uring_of(transport);
	assert(events_max >= 2);
	if (!uring->started)
		start(uring);
	if (!uring->started)
		return 0;
	uring->events = events;
	uring->events_max = events_max;
	uring->event_count = 0;
	uring->polls++;
	uring_buffers_return(uring);
	arm(uring);
	uring_attention_run(uring);
	int result = uring_ring_enter(&uring->ring);
	if (result < 0 && result != -EINTR)
		net_counter_increase(&uring->transport.counters.entries_failed);
	uring_completions_take(uring);
	return uring->event_count;
}

static void uring_wait(struct transport *transport, uint64_t timeout_ns)
{
	struct uring *uring = uring_of(transport);
	if (!uring->started)
		start(uring);
	if (!uring->started || uring->attention_count > 0 ||
		io_uring_cq_ready(&uring->ring.ring) > 0)
		return;
	arm(uring);
	struct __kernel_timespec timeout;
	timeout.tv_sec = (int64_t)(timeout_ns / 1000000000);
	timeout.tv_nsec = (long long)(timeout_ns % 1000000000);
	struct io_uring_cqe *completion;
	int result =
		io_uring_submit_and_wait_timeout(&uring->ring.ring, &completion, 1, &timeout, NULL);
	if (result < 0 && result != -ETIME && result != -EINTR)
		net_counter_increase(&uring->transport.counters.entries_failed);
}

static void uring_destroy(struct transport *transport)
{
	struct uring *uring = uring_of(transport);
	uring_stop_listening(transport);
	/* Let waiting closes go, as far as this thread may; what a foreign thread cannot submit is
	 * shut down below and ends with the process. */
	if (uring->started)
		uring_ring_enter(&uring->ring);
	for (uint32_t i = 0; i < transport->connections_max; i++) {
		struct uring_connection *connection = &uring->connections[i];
		/* Shut down, no send or receive of a ring that is being torn down touches memory.
		 */
		if (connection->fd >= 0)
			shutdown(connection->fd, SHUT_RDWR);
		if (connection->fd >= 0 && !connection->closing_fd)
			close(connection->fd);
	}
	uring_ring_close(&uring->ring);
	close(transport->wake_fd);
	free(uring->connections);
	free(uring->free_list);
	free(uring->buffers);
	free(uring->given);
	free(uring);
}

static const struct transport_operations uring_operations = {
	.listen = uring_listen,
	.stop_listening = uring_stop_listening,
	.connect = uring_connect,
	.send = uring_send,
	.pause = uring_pause,
	.keep = uring_keep,
	.finish = uring_finish,
	.close = uring_close,
	.poll = uring_poll,
	.wait = uring_wait,
	.destroy = uring_destroy,
};

/* Sizes of the ring's queues for that many connections. */
static void entries_choose(uint32_t connections_max, uint32_t entries[2])
{
	entries[0] = 1024;
	entries[1] = 4096;
	while (entries[1] < 2 * connections_max && entries[1] < 65536)
		entries[1] *= 2;
}

static int uring_open(struct uring *uring, const struct transport_limits *limits, unsigned step)
{
	uint32_t entries[2];
	entries_choose(limits->connections_max, entries);
	uring->transport.wake_fd = -1;
	int result = uring_ring_open(
		&uring->ring, step, entries, limits->receive_buffers, limits->receive_buffer_bytes);
	if (result != 0)
		return result;
	uring->connections = calloc(limits->connections_max, sizeof(*uring->connections));
	uring->free_list = calloc(limits->connections_max, sizeof(*uring->free_list));
	uring->buffers = calloc(limits->receive_buffers, sizeof(*uring->buffers));
	uring->given = calloc(limits->receive_buffers, sizeof(*uring->given));
	uring->transport.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (uring->connections == NULL || uring->free_list == NULL || uring->buffers == NULL ||
		uring->given == NULL)
		return -ENOMEM;
	return uring->transport.wake_fd < 0 ? -errno : 0;
}

struct transport *uring_create_from(const struct transport_limits *limits, unsigned step)
{
	if (limits->connections_max == 0 || limits->connections_max > CONNECTIONS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	struct uring *uring = calloc(1, sizeof(*uring));
	if (uring == NULL)
		return NULL;
	int result = uring_open(uring, limits, step);
	if (result != 0) {
		if (uring->transport.wake_fd >= 0)
			close(uring->transport.wake_fd);
		if (uring->ring.bytes != NULL)
			uring_ring_close(&uring->ring);
		free(uring->connections);
		free(uring->free_list);
		free(uring->buffers);
		free(uring->given);
		free(uring);
		errno = -result;
		return NULL;
	}
	uring->transport.operations = &uring_operations;
	uring->transport.connections_max = limits->connections_max;
	uring->attention_first = NONE;
	uring->attention_last = NONE;
	for (uint32_t i = 0; i < limits->connections_max; i++) {
		uring->connections[i].fd = -1;
		uring->connections[i].generation = 1;
		uring->free_list[uring->free_count++] = limits->connections_max - 1 - i;
	}
	return &uring->transport;
}

struct transport *transport_uring_create(const struct transport_limits *limits)
{
	return uring_create_from(limits, 0);
}
