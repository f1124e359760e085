/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop that every lcore runs. An lcore has one role or several: with one core, the traffic role
 * and an edge share the loop.
 */
#ifndef DATAPLANE_LCORE_H
#define DATAPLANE_LCORE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_rcu_qsbr.h>

#include "control/conf.h"
#include "dataplane/edge.h"
#include "dataplane/traffic_port.h"

struct lcore {
	unsigned id;		      /* DPDK's */
	unsigned reader;	      /* number among the readers of the registry */
	struct traffic_port *traffic; /* NULL: not this lcore's role */
	struct edge *edge;	      /* NULL: not this lcore's role */
	struct wake wake;
	struct stats *stats;
	enum conf_idle idle;
	struct rte_rcu_qsbr *readers;
	const _Atomic bool *ended;
	_Atomic bool quiet; /* written here: nothing was under way in the last turns */
	uint32_t idle_turns;
	uint64_t turn_ns; /* when this turn began */
};

/* Run until *ended. `self` is a struct lcore; returns 0 (lcore_function_t). */
int lcore_run(void *self);

#endif
