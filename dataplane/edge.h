/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An edge: all heavy, stateless work of a message. It owns connections, an engine and a signer; it
 * shares only read-only tables and meets the traffic lcore in two rings.
 *
 *     edge.c               create, poll, end
 *     receive.c            users' requests: read, verify in bursts, authorise, hand over
 *     receive_provider.c   a provider's answer
 *     reply.c              what a waiting user or provider is told
 *     dispatch.c           requests to providers
 *     deliver.c            responses to users
 */
#ifndef DATAPLANE_EDGE_H
#define DATAPLANE_EDGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ring.h>

#include "control/conf.h"
#include "dataplane/answer.h"
#include "dataplane/decisions.h"
#include "dataplane/message.h"
#include "dataplane/net/http.h"
#include "dataplane/registry.h"
#include "dataplane/stats.h"
#include "dataplane/wake.h"

/* What an edge borrows from the gateway; all of it outlives the edge. */
struct edge_setup {
	uint8_t number; /* 0 .. EDGES_MAX - 1 */
	const struct conf *conf;
	const struct answer_table *answers;
	struct message_pools *pools;
	_Atomic(struct duis_schemas *) *schemas; /* the current ones */
	_Atomic(struct registry *) *registry;	 /* the current one; NULL before the first */
	struct rte_ring *to_traffic;		 /* struct traffic_event */
	struct rte_ring *from_traffic;		 /* struct action */
	struct wake *traffic_wake;
	struct stats *stats;
	struct decisions *decisions; /* the edge is its one writer */
	const _Atomic bool *draining;
};

struct edge;

/* Does nobody else listen where the edges are going to? They share their addresses, and so would a
 * second gateway that was started by mistake. Main thread, before the first edge_create(). Returns
 * 0, or -errno and one line in `reason`. */
int edge_probe_addresses(const struct conf *conf, char *reason, size_t reason_size);

/* Create an edge and listen for users and providers. Main thread. NULL with errno, and one line in
 * `reason`. */
struct edge *edge_create(const struct edge_setup *setup, char *reason, size_t reason_size);
void edge_destroy(struct edge *edge);

/* One burst of everything. Returns how much was done. The edge's lcore only. */
unsigned edge_poll(struct edge *edge, uint64_t now_ns);

/* Rest until something arrives or `timeout_ns` is over. The edge's lcore only. */
void edge_rest(struct edge *edge, uint64_t timeout_ns);

/* The eventfd that ends edge_rest(). */
int edge_wake_fd(const struct edge *edge);

/* Is there an action waiting in the ring from the traffic lcore? */
bool edge_has_work(const struct edge *edge);

/* What its engine runs on, see duis_engine_variant(). Any thread. */
const char *edge_engine_variant(const struct edge *edge);

/* The counters of the edge's HTTP layer; each is written by the edge alone. Any thread. */
const struct http_counters *edge_http_counters(const struct edge *edge);

/* Nothing is under way any more on this edge's connections (drain). The edge's lcore only. */
bool edge_idle(const struct edge *edge);

#endif
