/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/schema_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

_Static_assert((int)CONF_ENGINE_FAST == (int)DUIS_ENGINE_FAST &&
		       (int)CONF_ENGINE_REFERENCE == (int)DUIS_ENGINE_REFERENCE,
	"the configuration's words are the engine's kinds");
_Static_assert(CONF_SCHEMAS_MAX <= DUIS_SCHEMA_VERSIONS_MAX, "all versions of the configuration");
_Static_assert(CONF_OVERLAYS_MAX <= DUIS_SCHEMA_FILES_MAX, "all overlays of the configuration");

static const char *path_or_null(const char *path)
{
	return path[0] != '\0' ? path : NULL;
}

static struct duis_schemas *load(const struct conf *conf, char *reason, size_t reason_size)
{
	struct duis_schema_source sources[CONF_SCHEMAS_MAX];

	memset(sources, 0, sizeof(sources));
	for (uint32_t i = 0; i < conf->schema_count; i++) {
		const struct conf_schema *schema = &conf->schemas[i];
		snprintf(sources[i].version, sizeof(sources[i].version), "%s", schema->version);
		sources[i].image_path = path_or_null(schema->image_path);
		sources[i].xsd_path = path_or_null(schema->xsd_path);
		for (unsigned o = 0; o < CONF_OVERLAYS_MAX && schema->overlays[o][0]; o++)
			sources[i].overlays[o] = schema->overlays[o];
	}
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
