/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link to motorway-control: a thread of its own that may block, so that no polling lcore ever
 * waits for the control socket. It builds the registry from the records that control sends and
 * publishes it, passes requests for control's services and due reads between control and the
 * traffic lcore, answers status requests, and loads schemas again when told. If control is away,
 * traffic goes on with the registry it has; the link keeps trying to connect.
 */
#ifndef DATAPLANE_LINK_H
#define DATAPLANE_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "control/conf.h"
#include "dataplane/anomaly.h"
#include "dataplane/decisions.h"
#include "dataplane/message.h"
#include "dataplane/registry.h"
#include "dataplane/schema_store.h"
#include "dataplane/wake.h"

/* What the link borrows from the gateway. */
struct link_setup {
	const struct conf *conf;
	struct schema_store *schemas; /* the link's, while it runs */
	struct key_store *keys;
	struct message_pools *pools;
	_Atomic(struct registry *) *registry; /* written by the link alone */
	struct rte_rcu_qsbr *readers;	      /* the lcores that read it */
	struct rte_ring *to_traffic;	      /* struct traffic_event */
	struct rte_ring *from_traffic;	      /* struct action */
	struct wake *traffic_wake;
	_Atomic(struct anomaly *) *thresholds; /* put here for the traffic lcore to take */
	_Atomic(struct windows *) *windows;    /* the same */
	struct decisions *const *decisions;    /* of the edges, and of the link as the last one */
	uint32_t decisions_count;
	const _Atomic bool *draining;
	/* Write the status as a JSON text (malloc'ed; the link frees it), NULL when memory is
	 * short. */
	char *(*status)(void *gateway);
	void *gateway;
};

struct link;

/* Start the thread. NULL with errno. Main thread. */
struct link *link_start(const struct link_setup *setup);

/* Let the link load the schemas again, soon. Any thread. */
void link_reload_schemas(struct link *link);

/* End the thread, while the lcores still run: it may be waiting for them. */
void link_stop(struct link *link);

/* Free everything but the published registry, when the thread and the lcores have ended. */
void link_destroy(struct link *link);

/* What the traffic lcore signals after it put an action for the link into its ring. */
struct wake *link_wake(struct link *link);

#endif
