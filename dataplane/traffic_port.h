/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traffic lcore's rings around struct traffic: events of the edges and of the link in, actions
 * out. An event is taken only when the actions that it may cause have room, so that nothing is ever
 * dropped between lcores.
 */
#ifndef DATAPLANE_TRAFFIC_PORT_H
#define DATAPLANE_TRAFFIC_PORT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_ring.h>

#include "dataplane/traffic.h"
#include "dataplane/wake.h"

/* Edges 0 .. EDGES_MAX - 1, and the link at TRAFFIC_TO_LINK. */
#define TRAFFIC_PORTS (EDGES_MAX + 1)

#define TRAFFIC_PORT_GATES_NS 50000000ull

/* How a gate stands: struct window_view. */
struct traffic_port_gate {
	_Atomic uint32_t state, kind, cap_tps;
	_Atomic int64_t until_ms;
	_Atomic uint32_t waiting_peak, waiting_off_peak, waiting_any, ready;
};

struct traffic_port {
	struct traffic *traffic;
	struct rte_ring *events[TRAFFIC_PORTS]; /* NULL: no such edge */
	struct rte_ring *actions[TRAFFIC_PORTS];
	struct wake *wakes[TRAFFIC_PORTS]; /* of those who read `actions` */
	uint32_t turn;			   /* whose events are taken first */
	/* New thresholds: put here by the link, taken before any event of the poll; passes. */
	_Atomic(struct anomaly *) thresholds;
	_Atomic(struct windows *) windows; /* the same of the windows */
	/* Copies of traffic_view() for other threads, renewed by each poll that did something. */
	_Atomic uint32_t pending, pending_max, quarantined, alerts, south_queued, south_in_flight;
	_Atomic uint32_t replay_scopes, window_waiting;
	_Atomic uint32_t lane_waiting[MW_LANE_COUNT], lane_in_flight[MW_LANE_COUNT];
	/* The same of window_view(), renewed each TRAFFIC_PORT_GATES_NS; fields may be of two
	 * renewals. */
	uint64_t gates_due_ns;
	struct traffic_port_gate gates[MW_GATE_COUNT];
};

/* One burst. Returns how much was done. The traffic lcore only. */
unsigned traffic_port_poll(struct traffic_port *port, uint64_t now_ns);

/* Is there an event waiting? The traffic lcore only. */
bool traffic_port_has_work(const struct traffic_port *port);

#endif
