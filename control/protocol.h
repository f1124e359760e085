/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of motorway/control_protocol.h as bytes: which sizes each type allows, and what is
 * wrong with a message that breaks them. Pure functions; the socket is peer.c's business.
 */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "motorway/control_protocol.h"
#include "motorway/timing_record.h"
#include "motorway/window_record.h"

/* Why a peer is disconnected. X(NAME, "counter-name", "meaning") */
#define PEER_FAULTS(X)                                                                             \
	X(CLOSED, "closed", "the peer closed the connection")                                      \
	X(SOCKET, "socket", "the socket reported an error")                                        \
	X(MAGIC, "magic", "a message did not begin with the magic number")                         \
	X(VERSION, "version", "a message was of another protocol version")                         \
	X(TYPE, "type", "a message was of an unknown type")                                        \
	X(LENGTH, "length", "a message had a length that its type does not allow")                 \
	X(PAYLOAD, "payload", "a message had a field that is not allowed")                         \
	X(ORDER, "order", "a message came from a peer, or at a time, that may not send it")        \
	X(CREDIT, "credit", "a message came without credit, or a credit was too large")            \
	X(STALLED, "stalled", "the peer did not send or take what it had to in time")              \
	X(SECOND_DATA_PLANE, "second-data-plane", "another data plane is connected")               \
	X(FULL, "full", "as many peers as are allowed are connected")                              \
	X(MEMORY, "memory", "memory was short")                                                    \
	X(STORE, "store", "the store did not take what the peer was about to be told")             \
	X(STOPPED, "stopped", "motorway-control ends")

enum peer_fault {
	PEER_OK = 0,
#define PEER_FAULT_ENUM(name, text, meaning) PEER_FAULT_##name,
	PEER_FAULTS(PEER_FAULT_ENUM)
#undef PEER_FAULT_ENUM
	PEER_FAULT_COUNT,
};

/* The counter name of a fault, such as "credit"; "ok" for PEER_OK. */
const char *peer_fault_name(enum peer_fault fault);

/* What the fault means, one phrase. */
const char *peer_fault_meaning(enum peer_fault fault);

/* Largest JSON text of STATUS, COMMAND and REPLY. */
#define PROTOCOL_COMMAND_BYTES_MAX (1024u * 1024)
#define PROTOCOL_STATUS_BYTES_MAX (1024u * 1024)

/* Check a header by itself: magic, version, reserved field, type, and a length within the bounds of
 * the type. PEER_OK or the fault. */
enum peer_fault protocol_check_header(const struct mw_control_header *header);

/* Check the payload (header->length bytes at `payload`, any alignment) of a message whose header is
 * in order: inner lengths match, texts end, reserved fields are 0. PEER_OK or the fault. */
enum peer_fault protocol_check_payload(const struct mw_control_header *header, const void *payload);

/* Whether a message of `type` may come from a peer of `role` to motorway-control. */
bool protocol_from_role(enum mw_control_type type, enum mw_control_role role);

/* Fill in a header. */
void protocol_header(struct mw_control_header *header, enum mw_control_type type, uint32_t length);

#endif
