/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a connection over io_uring.
 *
 * Every submission carries (operation, index, generation) as user data, and each connection counts
 * the submissions that have not ended. A slot goes back to the free ones only when that count is
 * zero, so the kernel never holds memory of a connection that has been forgotten, and a completion
 * always finds the connection that it belongs to:
 *
 *   FREE -> CONNECTING -> OPEN ------------------> ENDING -> FREE
 *     '-------accept------^ '--error or end of stream--^
 *                          close(): cancel, wait for zero, RELEASED
 *                          error: cancel, wait for zero, CLOSED
 *
 * Buffers that were given out in events go back to the kernel at the next poll; so one connection
 * cannot keep them from the others. When none is free, the kernel ends the multishot receive; it is
 * armed again at the next poll. What a paused connection has already received is held in a list of
 * its own; half of the buffers may be held in this way, who goes beyond is closed. A connection
 * that was paused once is one that sends ahead of what it may: it is received from one buffer a
 * poll from then on, so that it cannot fill that list in one go.
 *
 * All waiting work of connections (arm a receive, hand out held bytes, tell an end) goes through
 * one list, `attention`, in the order in which it came.
 */
#include "dataplane/net/uring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define ATTENTION_BURST 256    /* connections looked after in one poll */
#define ACCEPT_REST_POLLS 1000 /* polls before accepting again when descriptors ran out */

uint64_t uring_tag(enum uring_operation operation, uint32_t index, uint32_t generation)
{
	return (uint64_t)operation << 56 | (uint64_t)index << 32 | generation;
}

uint32_t uring_connection_index(
	const struct uring *uring, const struct uring_connection *connection)
{
	return (uint32_t)(connection - uring->connections);
}

/* A uring_submission of `connection`; counted until it ends. */
struct io_uring_sqe *uring_submission(
	struct uring *uring, struct uring_connection *connection, enum uring_operation operation)
{
	struct io_uring_sqe *entry = uring_ring_entry(&uring->ring);
	connection->operations++;
	/* The preparing functions of liburing leave user_data alone. */
	entry->user_data = uring_tag(
		operation, uring_connection_index(uring, connection), connection->generation);
	return entry;
}

/* The connection that a caller names, if it can still be used. */
struct uring_connection *uring_connection_find(
	struct uring *uring, struct transport_connection name)
{
	assert(name.index < uring->transport.connections_max);
	struct uring_connection *connection = &uring->connections[name.index];
	if (connection->generation != name.generation)
		return NULL;
	if (connection->state != CONNECTION_OPEN && connection->state != CONNECTION_CONNECTING)
		return NULL;
	return connection;
}

struct uring_connection *uring_connection_take(
	struct uring *uring, int fd, enum uring_connection_state state)
{
	if (uring->free_count == 0)
		return NULL;
	struct uring_connection *connection =
		&uring->connections[uring->free_list[--uring->free_count]];
	struct uring_connection before = *connection;
	memset(connection, 0, sizeof(*connection));
	connection->generation = before.generation;
	/* A slot may still stand in the attention list; then it stays there. */
	connection->attended = before.attended;
	connection->attention_next = before.attention_next;
	connection->fd = fd;
	connection->state = state;
	connection->held_first = NONE;
	connection->held_last = NONE;
	return connection;
}

static struct transport_event *event_add(struct uring *uring, enum transport_event_type type,
	const struct uring_connection *connection)
{
	assert(uring->event_count < uring->events_max);
	struct transport_event *event = &uring->events[uring->event_count++];
	memset(event, 0, sizeof(*event));
	event->type = type;
	event->connection.index = uring_connection_index(uring, connection);
	event->connection.generation = connection->generation;
	return event;
}

void uring_attention_add(struct uring *uring, struct uring_connection *connection)
{
	if (connection->attended)
		return;
	uint32_t index = uring_connection_index(uring, connection);
	connection->attended = true;
	connection->attention_next = NONE;
	if (uring->attention_last == NONE)
		uring->attention_first = index;
	else
		uring->connections[uring->attention_last].attention_next = index;
	uring->attention_last = index;
	uring->attention_count++;
}

static struct uring_connection *attention_take(struct uring *uring)
{
	struct uring_connection *connection = &uring->connections[uring->attention_first];
	uring->attention_first = connection->attention_next;
	if (uring->attention_first == NONE)
		uring->attention_last = NONE;
	uring->attention_count--;
	connection->attended = false;
	return connection;
}

/* Received buffers */

void uring_held_append(struct uring *uring, struct uring_connection *connection, uint32_t id)
{
	uring->buffers[id].next = NONE;
	if (connection->held_last == NONE)
		connection->held_first = id;
	else
		uring->buffers[connection->held_last].next = id;
	connection->held_last = id;
	uring->held_count++;
}

void uring_held_prepend(struct uring *uring, struct uring_connection *connection, uint32_t id)
{
	uring->buffers[id].next = connection->held_first;
	connection->held_first = id;
	if (connection->held_last == NONE)
		connection->held_last = id;
	uring->held_count++;
}

static uint32_t held_take(struct uring *uring, struct uring_connection *connection)
{
	uint32_t id = connection->held_first;
	connection->held_first = uring->buffers[id].next;
	if (connection->held_first == NONE)
		connection->held_last = NONE;
	uring->held_count--;
	return id;
}

void uring_held_drop(struct uring *uring, struct uring_connection *connection)
{
	while (connection->held_first != NONE) {
		uint16_t id = (uint16_t)held_take(uring, connection);
		uring_ring_return(&uring->ring, &id, 1);
	}
}

static void buffer_give(struct uring *uring, struct uring_connection *connection, uint32_t id)
{
	struct uring_buffer *buffer = &uring->buffers[id];
	struct transport_event *event = event_add(uring, TRANSPORT_RECEIVED, connection);
	event->bytes = uring->ring.bytes + (size_t)id * uring->ring.buffer_bytes + buffer->offset;
	event->length = buffer->length;
	buffer->kept = false;
	connection->given_poll = uring->polls;
	uring->given[uring->given_count++] = (uint16_t)id;
}

void uring_buffers_return(struct uring *uring)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < uring->given_count; i++)
		if (!uring->buffers[uring->given[i]].kept)
			uring->given[count++] = uring->given[i];
	if (count > 0)
		uring_ring_return(&uring->ring, uring->given, count);
	uring->given_count = 0;
}

/* Submissions */

static void receive_arm(struct uring *uring, struct uring_connection *connection)
{
	struct io_uring_sqe *entry = uring_submission(uring, connection, OPERATION_RECEIVE);
	if (connection->single)
		io_uring_prep_recv(entry, connection->fd, NULL, uring->ring.buffer_bytes, 0);
	else
		io_uring_prep_recv_multishot(entry, connection->fd, NULL, 0, 0);
	entry->flags |= IOSQE_BUFFER_SELECT;
	entry->buf_group = 0;
	connection->receiving = true;
}

void uring_send_submit(struct uring *uring, struct uring_connection *connection)
{
	struct io_uring_sqe *entry = uring_submission(uring, connection, OPERATION_SEND);
	io_uring_prep_sendmsg(entry, connection->fd, &connection->message, MSG_NOSIGNAL);
}

/* End all that is under way for the connection's descriptor. */
void uring_cancel_all(struct uring *uring, struct uring_connection *connection)
{
	if (connection->operations == 0 || connection->cancelled)
		return;
	struct io_uring_sqe *entry = uring_submission(uring, connection, OPERATION_CANCEL);
	io_uring_prep_cancel_fd(entry, connection->fd, IORING_ASYNC_CANCEL_ALL);
	connection->cancelled = true;
}

void uring_receive_cancel(struct uring *uring, struct uring_connection *connection)
{
	if (!connection->receiving || connection->cancelling)
		return;
	uint64_t tag = uring_tag(OPERATION_RECEIVE, uring_connection_index(uring, connection),
		connection->generation);
	struct io_uring_sqe *entry = uring_submission(uring, connection, OPERATION_CANCEL);
	io_uring_prep_cancel64(entry, tag, 0);
	connection->cancelling = true;
}

void uring_close_submit(struct uring *uring, struct uring_connection *connection)
{
	if (connection->closing_fd)
		return;
	struct io_uring_sqe *entry = uring_submission(uring, connection, OPERATION_CLOSE);
	io_uring_prep_close(entry, connection->fd);
	connection->closing_fd = true;
	connection->state = CONNECTION_ENDING;
}

/* Ending */

/* Tell that the connection is gone. One event. */
static void closed_tell(struct uring *uring, struct uring_connection *connection)
{
	struct transport_event *event = event_add(uring, TRANSPORT_CLOSED, connection);
	event->error = connection->error;
	event->accepted_bytes = connection->accepted_bytes;
	uring_close_submit(uring, connection);
}

/* If nothing of the connection is in the kernel any more and it shall end, end it. Makes at most
 * one event. The end of the stream waits for the next poll, because the bytes before it, in events
 * of this one, may be given back. */
static void connection_settle(struct uring *uring, struct uring_connection *connection)
{
	if (connection->operations > 0)
		return;
	if (connection->state == CONNECTION_ENDING) {
		if (connection->release_due)
			event_add(uring, TRANSPORT_RELEASED, connection);
		connection->release_due = false;
		uring_close_submit(uring, connection);
	} else if (connection->error != 0) {
		closed_tell(uring, connection);
	} else if (connection->ended) {
		if (connection->held_first == NONE && connection->given_poll != uring->polls)
			closed_tell(uring, connection);
		else
			uring_attention_add(uring, connection);
	}
}

void uring_connection_fail(struct uring *uring, struct uring_connection *connection, int error)
{
	if (connection->error != 0 || connection->state == CONNECTION_ENDING)
		return;
	connection->error = error;
	uring_held_drop(uring, connection);
	uring_cancel_all(uring, connection);
}

/* Do for one connection what waits. Makes at most one event. */
static void connection_attend(struct uring *uring, struct uring_connection *connection)
{
	if (connection->state == CONNECTION_FREE)
		return;
	if (connection->state == CONNECTION_OPEN && connection->error == 0 && !connection->paused) {
		if (connection->held_first != NONE) {
			uint32_t id = held_take(uring, connection);
			uring->buffers[id].given_again = true;
			buffer_give(uring, connection, id);
			uring_attention_add(uring, connection);
			return;
		}
		if (!connection->receiving && !connection->ended) {
			receive_arm(uring, connection);
			return;
		}
	}
	if (connection->held_first == NONE || connection->state != CONNECTION_OPEN)
		connection_settle(uring, connection);
}

void uring_attention_run(struct uring *uring)
{
	uint32_t count = uring->attention_count;
	if (count > ATTENTION_BURST)
		count = ATTENTION_BURST;
	for (; count > 0 && uring->event_count < uring->events_max; count--)
		connection_attend(uring, attention_take(uring));
}

/* Completions. Each makes at most two events. */

static void accept_completed(struct uring *uring, const struct io_uring_cqe *completion)
{
	uint32_t index = (uint32_t)(completion->user_data >> 32) & 0xffffff;
	struct uring_listener *listener = &uring->listeners[index];
	if ((completion->flags & IORING_CQE_F_MORE) == 0)
		listener->armed = false;
	if (completion->res < 0) {
		if (completion->res == -EMFILE || completion->res == -ENFILE ||
			completion->res == -ENOMEM || completion->res == -ENOBUFS) {
			net_counter_increase(&uring->transport.counters.accepts_failed);
			listener->rest_polls = ACCEPT_REST_POLLS;
		}
		return;
	}
	struct uring_connection *connection =
		uring->stopped ? NULL
			       : uring_connection_take(uring, completion->res, CONNECTION_OPEN);
	if (connection == NULL) {
		net_counter_increase(&uring->transport.counters.accepts_refused);
		struct io_uring_sqe *entry = uring_ring_entry(&uring->ring);
		entry->user_data = uring_tag(OPERATION_CLOSE_REFUSED, 0, 0);
		io_uring_prep_close(entry, completion->res);
		return;
	}
	event_add(uring, TRANSPORT_ACCEPTED, connection)->listener = index;
	receive_arm(uring, connection);
}

static void bytes_received(
	struct uring *uring, struct uring_connection *connection, uint32_t id, uint32_t length)
{
	struct uring_buffer *buffer = &uring->buffers[id];
	buffer->offset = 0;
	buffer->length = length;
	buffer->given_again = false;
	if (connection->state == CONNECTION_ENDING || connection->error != 0) {
		uint16_t returned = (uint16_t)id;
		uring_ring_return(&uring->ring, &returned, 1);
	} else if (connection->paused || connection->held_first != NONE) {
		uring_held_append(uring, connection, id);
		if (uring->held_count > uring->ring.buffer_count / 2) {
			net_counter_increase(&uring->transport.counters.keeps_refused);
			uring_connection_fail(uring, connection, -ENOBUFS);
		}
	} else {
		buffer_give(uring, connection, id);
	}
}

static void receive_completed(struct uring *uring, struct uring_connection *connection,
	const struct io_uring_cqe *completion)
{
	if ((completion->flags & IORING_CQE_F_MORE) == 0) {
		connection->receiving = false;
		connection->operations--;
	}
	uint32_t id = completion->flags >> IORING_CQE_BUFFER_SHIFT;
	bool has_buffer = (completion->flags & IORING_CQE_F_BUFFER) != 0;
	if (completion->res > 0) {
		assert(has_buffer);
		bytes_received(uring, connection, id, (uint32_t)completion->res);
	} else {
		if (has_buffer) {
			uint16_t returned = (uint16_t)id;
			uring_ring_return(&uring->ring, &returned, 1);
		}
		if (completion->res == 0)
			connection->ended = true;
		else if (completion->res == -ENOBUFS)
			net_counter_increase(&uring->transport.counters.receives_starved);
		else if (completion->res != -ECANCELED && completion->res != -EINTR)
			uring_connection_fail(uring, connection, completion->res);
	}
	connection_settle(uring, connection);
	if (!connection->receiving && connection->state == CONNECTION_OPEN)
		uring_attention_add(uring, connection);
}

/* Skip `length` bytes of the send under way; false when nothing is left. */
static bool send_advance(struct uring_connection *connection, size_t length)
{
	struct msghdr *message = &connection->message;
	while (message->msg_iovlen > 0 && length >= message->msg_iov->iov_len) {
		length -= message->msg_iov->iov_len;
		message->msg_iov++;
		message->msg_iovlen--;
	}
	if (message->msg_iovlen == 0)
		return false;
	message->msg_iov->iov_base = (uint8_t *)message->msg_iov->iov_base + length;
	message->msg_iov->iov_len -= length;
	return true;
}

static void send_completed(struct uring *uring, struct uring_connection *connection, int result)
{
	connection->operations--;
	if (result > 0)
		connection->accepted_bytes += (uint32_t)result;
	if (connection->state == CONNECTION_OPEN && connection->error == 0) {
		if (result == 0 || (result < 0 && result != -EINTR && result != -EAGAIN)) {
			uring_connection_fail(uring, connection, result == 0 ? -EPIPE : result);
		} else if (send_advance(connection, result > 0 ? (size_t)result : 0)) {
			uring_send_submit(uring, connection);
			return;
		} else {
			connection->sending = false;
			event_add(uring, TRANSPORT_SENT, connection);
		}
	}
	connection_settle(uring, connection);
}

static void connect_completed(struct uring *uring, struct uring_connection *connection, int result)
{
	connection->operations--;
	if (connection->state == CONNECTION_CONNECTING && connection->error == 0) {
		if (result < 0) {
			uring_connection_fail(uring, connection, result);
		} else {
			connection->state = CONNECTION_OPEN;
			event_add(uring, TRANSPORT_CONNECTED, connection);
			receive_arm(uring, connection);
		}
	}
	connection_settle(uring, connection);
}

static void close_completed(struct uring *uring, struct uring_connection *connection)
{
	assert(connection->operations == 1);
	connection->operations = 0;
	connection->fd = -1;
	connection->state = CONNECTION_FREE;
	if (++connection->generation == 0)
		connection->generation = 1;
	uring->free_list[uring->free_count++] = uring_connection_index(uring, connection);
	for (unsigned i = 0; i < uring->listener_count; i++)
		uring->listeners[i].rest_polls = 0;
}

static void completion_take(struct uring *uring, const struct io_uring_cqe *completion)
{
	enum uring_operation operation = (enum uring_operation)(completion->user_data >> 56);
	uint32_t index = (uint32_t)(completion->user_data >> 32) & 0xffffff;
	struct uring_connection *connection = NULL;
	if (operation >= OPERATION_RECEIVE && operation <= OPERATION_CLOSE) {
		connection = &uring->connections[index];
		assert(connection->generation == (uint32_t)completion->user_data);
	}
	switch (operation) {
	case OPERATION_ACCEPT:
		accept_completed(uring, completion);
		break;
	case OPERATION_RECEIVE:
		receive_completed(uring, connection, completion);
		break;
	case OPERATION_SEND:
		send_completed(uring, connection, completion->res);
		break;
	case OPERATION_CONNECT:
		connect_completed(uring, connection, completion->res);
		break;
	case OPERATION_CANCEL:
		connection->operations--;
		connection->cancelling = false;
		connection_settle(uring, connection);
		break;
	case OPERATION_CLOSE:
		close_completed(uring, connection);
		break;
	case OPERATION_CLOSE_REFUSED:
		break;
	case OPERATION_WAKE:
		if ((completion->flags & IORING_CQE_F_MORE) == 0)
			uring->wake_armed = false;
		break;
	}
}

void uring_completions_take(struct uring *uring)
{
	struct io_uring_cqe *completion;
	unsigned head, count = 0;
	io_uring_for_each_cqe(&uring->ring.ring, head, completion)
	{
		if (uring->event_count + 2 > uring->events_max)
			break;
		completion_take(uring, completion);
		count++;
	}
	io_uring_cq_advance(&uring->ring.ring, count);
}
