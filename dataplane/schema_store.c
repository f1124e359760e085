/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/schema_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct duis_schemas *load(const struct conf *conf, char *reason, size_t reason_size)
{
	struct duis_schema_source sources[CONF_SCHEMAS_MAX];

	conf_schema_sources(conf, sources);
	struct duis_schemas *schemas = duis_schemas_create((enum duis_engine_kind)conf->engine,
		sources, conf->schema_count, reason, reason_size);
	if (!schemas && errno == ENOENT && conf->engine == CONF_ENGINE_FAST) {
		size_t length = strlen(reason);
		snprintf(reason + length, reason_size - length,
			" (motorway-schema compile makes schema images)");
	}
	return schemas;
}

static int64_t wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int schema_store_open(
	struct schema_store *store, const struct conf *conf, char *reason, size_t reason_size)
{
	memset(store, 0, sizeof(*store));
	store->conf = conf;
	struct duis_schemas *schemas = load(conf, reason, reason_size);
	if (!schemas)
		return errno ? -errno : -EINVAL;
	store->loaded_ms = wall_ms();
	atomic_store_explicit(&store->current, schemas, memory_order_release);
	return 0;
}

/* How many versions are judged by another image than before. */
static uint32_t changes(const struct conf *conf, const struct duis_schemas *before,
	const struct duis_schemas *after)
{
	uint32_t count = 0;
	for (int i = 0; i < (int)conf->schema_count; i++) {
		const uint8_t *old = duis_schemas_checksum(before, i);
		const uint8_t *new = duis_schemas_checksum(after, i);
		count += !old || !new || memcmp(old, new, DUIS_CHECKSUM_SIZE) != 0;
	}
	return count;
}

void schema_store_reload(struct schema_store *store, struct rte_rcu_qsbr *readers)
{
	store->reloads++;
	struct duis_schemas *schemas = load(store->conf, store->failure, sizeof(store->failure));
	if (!schemas) {
		store->reload_failures++;
		fprintf(stderr, "motorway: %s; the schemas in force stay\n", store->failure);
		return;
	}
	store->failure[0] = '\0';
	store->loaded_ms = wall_ms();
	struct duis_schemas *old =
		atomic_exchange_explicit(&store->current, schemas, memory_order_acq_rel);
	fprintf(stderr, "motorway: the schemas were loaded again; %u of %u versions have changed\n",
		changes(store->conf, old, schemas), store->conf->schema_count);
	rte_rcu_qsbr_synchronize(readers, RTE_QSBR_THRID_INVALID);
	duis_schemas_destroy(old);
}

void schema_store_close(struct schema_store *store)
{
	duis_schemas_destroy(atomic_load_explicit(&store->current, memory_order_relaxed));
	atomic_store_explicit(&store->current, NULL, memory_order_relaxed);
}
