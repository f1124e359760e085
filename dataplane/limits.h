/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every maximum of the data plane, and how the maxima depend on one another. What an operator may
 * change is in the configuration; what stands here shapes structures and is fixed at build.
 */
#ifndef DATAPLANE_LIMITS_H
#define DATAPLANE_LIMITS_H

#define LCORES_MAX 8
#define EDGES_MAX LCORES_MAX

/* Reference data that one set may hold in this form (a registry image takes over at scale). */
#define USERS_MAX 512
#define CERTIFICATES_MAX 2048
#define PROVIDERS_MAX 64
#define SRV_RULES_MAX 256

/* Rings between lcores hold events by value. An edge hands over a new request only while at least
 * half of its ring is free, so that completions of work under way always find room. */
#define RING_EVENTS 8192
#define RING_RESERVE (RING_EVENTS / 2)

/* What one poll takes at most. A step of the traffic lcore makes at most ACTIONS_PER_STEP actions.
 */
#define BURST 32
#define ACTIONS_PER_STEP 4

/* Message buffers. The small class holds every request of a Meter Data Retriever and every signed
 * response to one; the large class one firmware image (10,240,000 octets in base64, DUIS 11.1). */
#define SMALL_MESSAGE_BYTES (8u * 1024)
#define MEDIUM_MESSAGE_BYTES (512u * 1024)
#define LARGE_MESSAGE_BYTES (16u * 1024 * 1024)

/* A device's answer: the longest log, 13 months of half hours with 12 octets each, has 230 KB. It
 * and the Response around its base64 fit into the medium class, so that uploads of firmware do not
 * stand in the way of answers. */
#define PROVIDER_RESPONSE_BYTES_MAX (352u * 1024)

/* Connections an edge makes, and places it makes them to: users and providers. */
#define CLIENT_CONNECTIONS_MAX 2048
#define ENDPOINTS_MAX (USERS_MAX + PROVIDERS_MAX)

/* Deliveries that may be at the edges at once, so that an on-demand answer finds short queues. */
#define DELIVERIES_IN_FLIGHT_MAX 256

/* POSTs to providers under way at once. */
#define DISPATCHES_IN_FLIGHT_MAX 1024

/* The longest rest of an idle lcore. */
#define REST_NS_MAX 1000000

_Static_assert((RING_EVENTS & (RING_EVENTS - 1)) == 0, "rte_ring sizes are powers of two");
_Static_assert(MEDIUM_MESSAGE_BYTES > PROVIDER_RESPONSE_BYTES_MAX / 3 * 4 + 16384,
	"a Response around the largest payload must fit");
_Static_assert(DELIVERIES_IN_FLIGHT_MAX + DISPATCHES_IN_FLIGHT_MAX < CLIENT_CONNECTIONS_MAX,
	"every POST that traffic asks for must find a connection");
_Static_assert(DELIVERIES_IN_FLIGHT_MAX + DISPATCHES_IN_FLIGHT_MAX < RING_RESERVE,
	"completions must find room");
_Static_assert(RING_RESERVE > BURST * ACTIONS_PER_STEP, "a burst of actions must find room");

#endif
