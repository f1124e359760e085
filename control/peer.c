/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both buffers are flat: bytes are consumed at the start and added at the end, and what is left
 * moves to the front when room is short. A buffer grows to the message it holds and no further than
 * the longest message the peer may send; what we send is bounded by the callers, who look at
 * peer_waiting() before they add more.
 */
#include "control/peer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES (64u * 1024)

void peer_open(struct peer *peer, int fd, uint32_t payload_max)
{
	memset(peer, 0, sizeof(*peer));
	peer->fd = fd;
	peer->payload_max = payload_max;
}

void peer_close(struct peer *peer)
{
	if (peer->fd < 0)
		return;
	close(peer->fd);
	free(peer->in);
	free(peer->out);
	memset(peer, 0, sizeof(*peer));
	peer->fd = -1;
}

/* Make room for `more` bytes behind *end. */
static bool make_room(uint8_t **bytes, size_t *start, size_t *end, size_t *capacity, size_t more)
{
	if (*start > 0) {
		memmove(*bytes, *bytes + *start, *end - *start);
		*end -= *start;
		*start = 0;
	}
	if (*capacity - *end >= more)
		return true;
	size_t wanted = *capacity > 0 ? *capacity * 2 : RECEIVE_BYTES;
	while (wanted - *end < more)
		wanted *= 2;
	uint8_t *grown = realloc(*bytes, wanted);
	if (grown == NULL)
		return false;
	*bytes = grown;
	*capacity = wanted;
	return true;
}

enum peer_fault peer_receive(struct peer *peer, int64_t now_ms)
{
	if (peer->in_capacity - peer->in_end < RECEIVE_BYTES &&
		!make_room(&peer->in, &peer->in_start, &peer->in_end, &peer->in_capacity,
			RECEIVE_BYTES))
		return PEER_FAULT_MEMORY;
	ssize_t got = recv(peer->fd, peer->in + peer->in_end, RECEIVE_BYTES, MSG_DONTWAIT);
	if (got == 0)
		return PEER_FAULT_CLOSED;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? PEER_OK
		       : errno == ECONNRESET		 ? PEER_FAULT_CLOSED
							 : PEER_FAULT_SOCKET;
	peer->in_end += (size_t)got;
	peer->in_since_ms = now_ms;
	return PEER_OK;
}

int peer_next(struct peer *peer, struct peer_message *message, enum peer_fault *fault)
{
	size_t available = peer->in_end - peer->in_start;

	if (available == 0) {
		peer->in_since_ms = 0;
		return 0;
	}
	if (available < sizeof(message->header))
		return 0;
	memcpy(&message->header, peer->in + peer->in_start, sizeof(message->header));
	*fault = protocol_check_header(&message->header);
	if (*fault == PEER_OK && message->header.length > peer->payload_max)
		*fault = PEER_FAULT_LENGTH;
	if (*fault != PEER_OK)
		return -1;
	if (available - sizeof(message->header) < message->header.length)
		return 0;
	message->payload = peer->in + peer->in_start + sizeof(message->header);
	*fault = protocol_check_payload(&message->header, message->payload);
	if (*fault != PEER_OK)
		return -1;
	peer->in_start += sizeof(message->header) + message->header.length;
	return 1;
}

enum peer_fault peer_send(
	struct peer *peer, enum mw_control_type type, struct peer_part fixed, struct peer_part tail)
{
	struct mw_control_header header;
	size_t length = fixed.length + tail.length;

	assert(length <= MW_CONTROL_PAYLOAD_MAX);
	protocol_header(&header, type, (uint32_t)length);
	if (peer->out_capacity - peer->out_end < sizeof(header) + length &&
		!make_room(&peer->out, &peer->out_start, &peer->out_end, &peer->out_capacity,
			sizeof(header) + length))
		return PEER_FAULT_MEMORY;
	memcpy(peer->out + peer->out_end, &header, sizeof(header));
	peer->out_end += sizeof(header);
	if (fixed.length > 0)
		memcpy(peer->out + peer->out_end, fixed.bytes, fixed.length);
	peer->out_end += fixed.length;
	if (tail.length > 0)
		memcpy(peer->out + peer->out_end, tail.bytes, tail.length);
	peer->out_end += tail.length;
	return PEER_OK;
}

enum peer_fault peer_flush(struct peer *peer, int64_t now_ms)
{
	while (peer->out_start < peer->out_end) {
		ssize_t sent = send(peer->fd, peer->out + peer->out_start,
			peer->out_end - peer->out_start, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			if (peer->out_since_ms == 0)
				peer->out_since_ms = now_ms;
			return PEER_OK;
		}
		if (sent < 0)
			return errno == EPIPE || errno == ECONNRESET ? PEER_FAULT_CLOSED
								     : PEER_FAULT_SOCKET;
		peer->out_start += (size_t)sent;
		peer->out_since_ms = now_ms;
	}
	peer->out_start = 0;
	peer->out_end = 0;
	peer->out_since_ms = 0;
	return PEER_OK;
}

size_t peer_waiting(const struct peer *peer)
{
	return peer->out_end - peer->out_start;
}
