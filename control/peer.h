/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of the control socket: bytes in become checked messages, messages become bytes
 * out. Never blocks. Used by motorway-control for each of its peers and by motorwayctl; one thread.
 */
#ifndef CONTROL_PEER_H
#define CONTROL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/protocol.h"

struct peer {
	int fd;			   /* -1: not in use */
	enum mw_control_role role; /* as its hello says; 0 before */
	uint32_t pid;		   /* as its hello says */
	uint32_t payload_max;	   /* longer messages are a fault */
	int64_t hello_by_ms;	   /* a peer without hello is stalled then */
	int64_t in_since_ms;	   /* an incomplete message has made no progress since; 0: none */
	int64_t out_since_ms;	   /* output has made no progress since; 0: none waits */
	uint8_t *in;
	size_t in_start;
	size_t in_end;
	size_t in_capacity;
	uint8_t *out;
	size_t out_start;
	size_t out_end;
	size_t out_capacity;
	bool status_wanted; /* operator: its command waits for the data plane's status */
	int64_t status_by_ms;
	uint64_t awaited; /* operator: token of the data plane's answer for its command; 0: none */
	int64_t awaited_by_ms;
	int64_t awaited_at_s; /* explain: the instant that was asked about */
};

struct peer_message {
	struct mw_control_header header;
	const uint8_t *payload; /* header.length bytes, valid until the next call on the peer */
};

/* Begin with the connected, non-blocking socket `fd`, which the peer then owns. */
void peer_open(struct peer *peer, int fd, uint32_t payload_max);

/* Close the socket and free the buffers. Does nothing for a peer that is not in use. */
void peer_close(struct peer *peer);

/* Read what the socket has, at most 64 KiB. PEER_OK also when there is nothing; else the fault
 * (CLOSED, SOCKET, MEMORY). */
enum peer_fault peer_receive(struct peer *peer, int64_t now_ms);

/* Take the next complete, checked message. Returns 1 and fills *message, 0 when it is not complete
 * yet, or -1 and sets *fault. */
int peer_next(struct peer *peer, struct peer_message *message, enum peer_fault *fault);

/* Put a message behind the output: the payload is fixed[0 .. fixed_length) and tail[0 ..
 * tail_length). PEER_OK or MEMORY. Nothing is sent before peer_flush(). */
struct peer_part {
	const void *bytes;
	size_t length;
};
enum peer_fault peer_send(struct peer *peer, enum mw_control_type type, struct peer_part fixed,
	struct peer_part tail);

/* Send what the socket takes. PEER_OK or the fault. */
enum peer_fault peer_flush(struct peer *peer, int64_t now_ms);

/* Bytes that wait for peer_flush(). */
size_t peer_waiting(const struct peer *peer);

#endif
