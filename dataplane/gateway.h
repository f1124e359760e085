/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole data plane: what is created, in which order, who runs what, and how it ends.
 */
#ifndef DATAPLANE_GATEWAY_H
#define DATAPLANE_GATEWAY_H

#include <pthread.h>
#include <stdatomic.h>

#include "control/conf.h"
#include "dataplane/answer.h"
#include "dataplane/edge.h"
#include "dataplane/lcore.h"
#include "dataplane/limits.h"
#include "dataplane/link.h"
#include "dataplane/schema_store.h"
#include "dataplane/traffic_port.h"

struct gateway {
	struct conf conf;
	struct answer_table answers;
	struct schema_store schemas;
	struct key_store *keys;
	struct message_pools pools;
	_Atomic(struct registry *) registry;
	struct rte_rcu_qsbr *readers;
	struct traffic *traffic;
	struct traffic_port port;
	struct edge *edges[EDGES_MAX];
	uint32_t edge_count;
	struct decisions *decisions[EDGES_MAX + 1]; /* of edge i; behind them that of the link */
	struct lcore lcores[LCORES_MAX];
	uint32_t lcore_count;
	int address_locks[2];		/* sockets that keep other gateways off our addresses; -1 */
	int traffic_wake_fd;		/* when the traffic lcore has no edge; else -1 */
	struct stats stats[LCORES_MAX]; /* of lcores[i] */
	struct link *link;
	pthread_t signals;     /* the thread that waits for them */
	pthread_t tables;      /* the thread that builds them */
	bool tables_run;       /* there is one */
	_Atomic bool draining; /* users' requests are refused, everything accepted goes on */
	_Atomic bool ended;    /* lcores leave their loops */
	uint64_t start_ns;
};

/* Megabytes of DPDK memory that pools and rings of this configuration need. */
uint32_t gateway_memory_mb(const struct conf *conf);

/* Can the configuration, its schemas and the DSP's key be used? Creates and frees what needs no
 * lcore. Returns 0, or -errno after a message. */
int gateway_check(struct gateway *gateway);

/* Create everything on the lcores that the EAL has; gateway->conf is filled in. After eal_start(),
 * main thread. Returns 0, or -errno after a message; gateway_destroy() is due in both cases. */
int gateway_create(struct gateway *gateway);

/* Run all lcores, the calling thread as the main one, until SIGTERM or SIGINT has brought the
 * orderly end (SIGHUP loads the schemas again): users' requests are refused, what is accepted is
 * finished, at most conf.drain_s seconds. A second signal ends at once. Returns the number of
 * answers left undelivered. */
uint32_t gateway_run(struct gateway *gateway);

void gateway_destroy(struct gateway *gateway);

/* The status as JSON text, malloc'ed; NULL when memory is short. Any thread. */
char *gateway_status(void *gateway);

#endif
