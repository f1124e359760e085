/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one function table of the data plane: how bytes get in and out. There are two transports:
 * `uring` (kernel sockets through io_uring) and, on bare metal, a DPDK port. A transport belongs to
 * the thread that polls it. Nothing allocates after creation.
 *
 * Events are data: poll() returns an array of what happened. A received span stays valid until the
 * next poll(). Connections are named by index and generation, so that an event or call for a
 * connection that is gone is recognised.
 *
 * Threads: create, listen and destroy may be called by any one thread while nobody polls; the first
 * poll() or wait() binds the transport to its thread, and from then on everything else (except
 * writing to wake_fd) is called by that thread only.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stdint.h>
#include <sys/uio.h>
#include <netinet/in.h>

#define TRANSPORT_IOV_MAX 4
#define TRANSPORT_LISTENERS_MAX 16

struct transport_connection {
	uint32_t index;
	uint32_t generation;
};

enum transport_event_type {
	TRANSPORT_ACCEPTED = 1, /* a peer has connected to `listener` */
	TRANSPORT_CONNECTED,	/* transport_connect() has succeeded */
	TRANSPORT_RECEIVED,	/* bytes[0 .. length) came in */
	TRANSPORT_SENT,		/* everything given to transport_send() has left */
	TRANSPORT_CLOSED,   /* the connection is gone: error 0 (orderly end by the peer) or -errno.
			       Memory given to send() is free again */
	TRANSPORT_RELEASED, /* after close() gave 1: memory given to send() is free again */
};

struct transport_event {
	enum transport_event_type type;
	struct transport_connection connection;
	uint32_t listener;	 /* ACCEPTED */
	int error;		 /* CLOSED */
	uint32_t accepted_bytes; /* CLOSED: how much of the last send() had been accepted */
	const uint8_t *bytes;	 /* RECEIVED */
	uint32_t length;	 /* RECEIVED */
};

struct transport;

struct transport_operations {
	/* Listen on `address`. Returns the listener's index (0, 1, ...) or -errno. */
	int (*listen)(struct transport *transport, const struct sockaddr_in *address);
	/* Stop accepting on all listeners. */
	void (*stop_listening)(struct transport *transport);
	/* Begin to connect. 0 and *connection; -EAGAIN (no slot) or another -errno (no socket).
	 * CONNECTED or CLOSED follows on 0. */
	int (*connect)(struct transport *transport, const struct sockaddr_in *address,
		struct transport_connection *connection);
	/* Send all of iov[0 .. count), count <= TRANSPORT_IOV_MAX; the array itself is copied. The
	 * bytes must stay valid until SENT, CLOSED or, after close(), RELEASED. One send at a time.
	 * 0, -EBUSY (one is under way), or -ESTALE (no such connection). */
	int (*send)(struct transport *transport, struct transport_connection connection,
		const struct iovec *iov, unsigned count);
	/* Stop (1) or resume (0) receiving: backpressure. RECEIVED events of the array that the
	 * last poll() filled are not called back: hand them to keep(). */
	void (*pause)(
		struct transport *transport, struct transport_connection connection, int paused);
	/* Give back what of a RECEIVED event of the last poll() cannot be taken now: bytes from
	 * `taken` on come again, in order, after pause(.., 0). Pauses the connection. Kept spans of
	 * all connections together are bounded; who goes beyond is closed with -ENOBUFS. */
	void (*keep)(
		struct transport *transport, const struct transport_event *event, uint32_t taken);
	/* No more will be sent: the peer sees the end of the stream after what was sent before.
	 * Receiving goes on. Not while a send is under way. */
	void (*finish)(struct transport *transport, struct transport_connection connection);
	/* Close; neither SENT nor CLOSED follows for this connection. Returns 0 when no memory of
	 * the caller is in use any more, 1 when a send was under way: what of it is not yet sent is
	 * dropped, but its bytes may be read until RELEASED, which comes from one of the next few
	 * poll()s. The connection's index is not given out again before that. 0 for a stale
	 * connection. */
	int (*close)(struct transport *transport, struct transport_connection connection);
	/* Move everything forward; fill at most `events_max` (>= 2) events; return their number.
	 * Does not block. */
	unsigned (*poll)(
		struct transport *transport, struct transport_event *events, unsigned events_max);
	/* Block until something is ready, transport_wake() is called or timeout_ns is over. */
	void (*wait)(struct transport *transport, uint64_t timeout_ns);
	void (*destroy)(struct transport *transport);
};

/* What a transport refuses or runs short of; written by its thread, read by any. */
struct transport_counters {
	_Atomic uint64_t accepts_refused;  /* no slot: closed at once */
	_Atomic uint64_t accepts_failed;   /* no descriptor or memory */
	_Atomic uint64_t receives_starved; /* no receive buffer was free; tried again */
	_Atomic uint64_t keeps_refused;	   /* closed: too many bytes kept back */
	_Atomic uint64_t entries_failed; /* the kernel refused to take or give work; tried again */
};

/* Every implementation's struct begins with this. */
struct transport {
	const struct transport_operations *operations;
	int wake_fd;		  /* an eventfd: write 8 bytes (1) from any thread to end wait() */
	uint32_t connections_max; /* every connection's index is below this */
	struct transport_counters counters;
};

struct transport_limits {
	uint32_t connections_max;
	uint32_t receive_buffers; /* of receive_buffer_bytes each; a power of two */
	uint32_t receive_buffer_bytes;
};

/* Kernel sockets through io_uring. All memory is taken here. NULL with errno: EPERM or ENOSYS when
 * io_uring is forbidden or missing here, EINVAL for limits that make no sense or a kernel before
 * 6.0, else as the kernel says. */
struct transport *transport_uring_create(const struct transport_limits *limits);

/* Whether somebody else listens on `address`: 0, -EADDRINUSE, or another -errno. Listeners of
 * several edge threads share an address, and so would a second gateway started by mistake; ask
 * this once before the first transport listens. */
int transport_address_probe(const struct sockaddr_in *address);

#endif
