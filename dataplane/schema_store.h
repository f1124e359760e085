/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schemas in force, and how others take their place while the lcores run: a new set is loaded
 * aside, published whole by one pointer, and the old one freed after every lcore has passed a
 * quiescent state. Which versions there are, and in which order, says the configuration; it does
 * not change, so a schema's index means the same in all sets.
 */
#ifndef DATAPLANE_SCHEMA_STORE_H
#define DATAPLANE_SCHEMA_STORE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "control/conf.h"
#include "dataplane/duis/engine.h"

#define SCHEMA_STORE_REASON_SIZE 512

struct schema_store {
	const struct conf *conf;
	_Atomic(struct duis_schemas *) current; /* loaded (acquire) by an edge as its poll begins */
	/* For the status; the link's, once it runs. */
	int64_t loaded_ms; /* wall clock, when the current ones were loaded */
	uint64_t reloads;
	uint64_t reload_failures;
	char failure[SCHEMA_STORE_REASON_SIZE]; /* why the last reload failed; "" when it did not */
};

/* Load what the configuration names, for the engine that it names. Main thread, before the lcores.
 * Returns 0, or -errno with one line in `reason`; `store` may be closed in both cases. */
int schema_store_open(
	struct schema_store *store, const struct conf *conf, char *reason, size_t reason_size);

/* Load the same files again and put them in force, or say on standard error why the set in force
 * stays. Waits for `readers`. Link thread. */
void schema_store_reload(struct schema_store *store, struct rte_rcu_qsbr *readers);

/* When the lcores have ended. */
void schema_store_close(struct schema_store *store);

#endif
