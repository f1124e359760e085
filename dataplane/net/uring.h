/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What transport_uring.c (listeners and the function table) and uring_connection.c (the life of a
 * connection) share; nobody else includes it. All on the transport's thread.
 */
#ifndef NET_URING_H
#define NET_URING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dataplane/net/counter.h"
#include "dataplane/net/transport.h"
#include "dataplane/net/uring_ring.h"

#define NONE UINT32_MAX

enum uring_operation {
	OPERATION_ACCEPT = 1,
	OPERATION_RECEIVE,
	OPERATION_SEND,
	OPERATION_CONNECT,
	OPERATION_CANCEL,
	OPERATION_CLOSE,
	OPERATION_CLOSE_REFUSED,
	OPERATION_WAKE,
};

enum uring_connection_state {
	CONNECTION_FREE,
	CONNECTION_CONNECTING,
	CONNECTION_OPEN,
	CONNECTION_ENDING,
};

struct uring_connection {
	int fd;
	uint32_t generation;
	uint32_t operations; /* submissions that have not ended */
	enum uring_connection_state state;
	int error; /* not 0: failed, CLOSED follows when the operations have ended */
	bool receiving, sending, paused;
	bool single;	 /* receive one buffer at a time */
	bool ended;	 /* the peer has sent its last byte */
	bool cancelling; /* the receive is being cancelled */
	bool cancelled;	 /* everything has been cancelled */
	bool closing_fd;
	bool release_due; /* close() gave 1 */
	bool attended;	  /* in the attention list */
	uint32_t attention_next;
	uint64_t given_poll;		/* when a buffer was last given out */
	uint32_t held_first, held_last; /* received buffers not yet given out */
	uint32_t accepted_bytes;	/* of the send under way */
	struct iovec iov[TRANSPORT_IOV_MAX];
	struct msghdr message;
	struct sockaddr_in address;
};

struct uring_listener {
	int fd;
	bool armed;
	uint32_t rest_polls;
};

/* Bytes of one receive buffer that are not given out, or were and may be kept. */
struct uring_buffer {
	uint32_t next;
	uint32_t offset, length;
	bool given_again; /* was held before, so goes to the front when kept once more */
	bool kept;
};

struct uring {
	struct transport transport; /* first */
	struct uring_ring ring;
	bool started;
	struct uring_connection *connections;
	uint32_t *free_list;
	uint32_t free_count;
	uint32_t attention_first, attention_last, attention_count;
	struct uring_buffer *buffers;
	uint16_t *given; /* buffers in events of the last poll */
	uint32_t given_count;
	uint32_t held_count;
	struct uring_listener listeners[TRANSPORT_LISTENERS_MAX];
	unsigned listener_count;
	uint64_t polls; /* how often poll() was called */
	bool stopped;
	bool wake_armed;
	struct transport_event *events;
	unsigned event_count, events_max;
};

/* The user data of a submission: operation 8 bits, index 24 bits, generation 32 bits. */
uint64_t uring_tag(enum uring_operation operation, uint32_t index, uint32_t generation);
uint32_t uring_connection_index(
	const struct uring *uring, const struct uring_connection *connection);
/* The connection that a caller names, or NULL when it is gone or ending. */
struct uring_connection *uring_connection_find(
	struct uring *uring, struct transport_connection name);
/* A free slot for descriptor `fd`, or NULL. */
struct uring_connection *uring_connection_take(
	struct uring *uring, int fd, enum uring_connection_state state);
/* A submission for `connection`, counted until it ends. */
struct io_uring_sqe *uring_submission(
	struct uring *uring, struct uring_connection *connection, enum uring_operation operation);
/* Submit, cancel or close what the name says. */
void uring_send_submit(struct uring *uring, struct uring_connection *connection);
void uring_receive_cancel(struct uring *uring, struct uring_connection *connection);
void uring_cancel_all(struct uring *uring, struct uring_connection *connection);
void uring_close_submit(struct uring *uring, struct uring_connection *connection);
/* Begin to end the connection; CLOSED with `error` follows. */
void uring_connection_fail(struct uring *uring, struct uring_connection *connection, int error);
/* Look after the connection at the next poll. */
void uring_attention_add(struct uring *uring, struct uring_connection *connection);
/* Do what waits for connections, within the room for events. */
void uring_attention_run(struct uring *uring);
/* Hold buffer `id` for the connection, behind or before what it holds, or drop all it holds. */
void uring_held_append(struct uring *uring, struct uring_connection *connection, uint32_t id);
void uring_held_prepend(struct uring *uring, struct uring_connection *connection, uint32_t id);
void uring_held_drop(struct uring *uring, struct uring_connection *connection);
/* Give the buffers of the last poll's events back to the kernel. */
void uring_buffers_return(struct uring *uring);
/* Turn completions into events, within the room for events. */
void uring_completions_take(struct uring *uring);

/* As transport_uring_create(), but beginning at `step` of the ways to set up the ring. */
struct transport *uring_create_from(const struct transport_limits *limits, unsigned step);

#endif
