/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane's part of `motorwayctl status`, as JSON. Read from counters that lcores write. */
#include "dataplane/gateway.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "dataplane/clock.h"
#include "dataplane/traffic_window.h"

static uint64_t sum(const struct gateway *gateway, size_t offset)
{
	uint64_t total = 0;
	for (uint32_t i = 0; i < gateway->lcore_count; i++) {
		const char *block = (const char *)&gateway->stats[i];
		total += atomic_load_explicit(
			(const _Atomic uint64_t *)(const void *)(block + offset),
			memory_order_relaxed);
	}
	return total;
}

static json_t *lcores_json(const struct gateway *gateway)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < gateway->lcore_count; i++) {
		const struct lcore *lcore = &gateway->lcores[i];
		double busy = (double)atomic_load_explicit(
			&gateway->stats[i].busy_ns, memory_order_relaxed);
		double idle = (double)atomic_load_explicit(
			&gateway->stats[i].idle_ns, memory_order_relaxed);
		const char *roles = !lcore->edge     ? "traffic"
				    : lcore->traffic ? "traffic+edge"
						     : "edge";
		json_array_append_new(
			list, json_pack("{s:i, s:s, s:f}", "id", (int)lcore->id, "roles", roles,
				      "busy_percent",
				      busy + idle > 0 ? 100.0 * busy / (busy + idle) : 0.0));
	}
	return list;
}

static json_t *lane_json(const struct gateway *gateway, enum mw_lane lane)
{
	unsigned delivered =
		lane == MW_LANE_ON_DEMAND ? STATS_DELIVERED_ON_DEMAND : STATS_DELIVERED_SCHEDULED;
	return json_pack("{s:i, s:i, s:I}", "waiting",
		(int)atomic_load_explicit(&gateway->port.lane_waiting[lane], memory_order_relaxed),
		"in_flight",
		(int)atomic_load_explicit(
			&gateway->port.lane_in_flight[lane], memory_order_relaxed),
		"delivered",
		(json_int_t)sum(
			gateway, offsetof(struct stats, counters) + delivered * sizeof(uint64_t)));
}

static json_t *counters_json(const struct gateway *gateway)
{
	json_t *object = json_object();
	for (unsigned i = 0; i < STATS_COUNTER_COUNT; i++)
		json_object_set_new(object, stats_counter_name(i),
			json_integer((json_int_t)sum(
				gateway, offsetof(struct stats, counters) + i * sizeof(uint64_t))));
	return object;
}

/* DUIS refusals by reason; reasons that never happened are left out. */
static json_t *refused_json(const struct gateway *gateway)
{
	json_t *object = json_object();
	for (unsigned i = ANSWER_ACCEPTED + 1; i < ANSWER_REASON_COUNT; i++) {
		uint64_t count =
			sum(gateway, offsetof(struct stats, refused) + i * sizeof(uint64_t));
		if (count > 0)
			json_object_set_new(
				object, answer_reason_name(i), json_integer((json_int_t)count));
	}
	return object;
}

static json_t *http_json(const struct gateway *gateway)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
#define HTTP_FIELD(field) {#field, offsetof(struct http_counters, field)}
		HTTP_FIELD(connections_accepted),
		HTTP_FIELD(connections_closed),
		HTTP_FIELD(connections_refused),
		HTTP_FIELD(requests),
		HTTP_FIELD(replies),
		HTTP_FIELD(replies_dropped),
		HTTP_FIELD(bytes_in),
		HTTP_FIELD(bytes_out),
		HTTP_FIELD(refused_400),
		HTTP_FIELD(refused_404),
		HTTP_FIELD(refused_405),
		HTTP_FIELD(refused_408),
		HTTP_FIELD(refused_411),
		HTTP_FIELD(refused_413),
		HTTP_FIELD(refused_415),
		HTTP_FIELD(refused_417),
		HTTP_FIELD(refused_431),
		HTTP_FIELD(refused_503),
		HTTP_FIELD(refused_505),
		HTTP_FIELD(disconnected_midway),
		HTTP_FIELD(expired_idle),
		HTTP_FIELD(expired_writing),
		HTTP_FIELD(posts),
		HTTP_FIELD(posts_answered),
		HTTP_FIELD(posts_failed),
		HTTP_FIELD(posts_replaced),
#undef HTTP_FIELD
	};
	json_t *object = json_object();
	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
		uint64_t total = 0;
		for (uint32_t i = 0; i < gateway->edge_count; i++) {
			const char *block = (const char *)edge_http_counters(gateway->edges[i]);
			total += __atomic_load_n(
				(const uint64_t *)(const void *)(block + fields[f].offset),
				__ATOMIC_RELAXED);
		}
		json_object_set_new(object, fields[f].name, json_integer((json_int_t)total));
	}
	return object;
}

static json_t *latency_json(const struct gateway *gateway)
{
	static const struct {
		const char *name;
		unsigned permille;
	} quantiles[] = {{"p50_us", 500}, {"p90_us", 900}, {"p99_us", 990}, {"max_us", 1000}};
	json_t *object = json_object();
	for (unsigned kind = 0; kind < STATS_LATENCY_COUNT; kind++) {
		uint64_t buckets[STATS_BUCKETS];
		for (unsigned b = 0; b < STATS_BUCKETS; b++)
			buckets[b] =
				sum(gateway, offsetof(struct stats, latency) +
						     (kind * STATS_BUCKETS + b) * sizeof(uint64_t));
		json_t *one = json_object();
		for (unsigned q = 0; q < sizeof(quantiles) / sizeof(quantiles[0]); q++)
			json_object_set_new(one, quantiles[q].name,
				json_integer((json_int_t)(stats_quantile_ns(
								  buckets, quantiles[q].permille) /
							  1000)));
		json_object_set_new(object, stats_latency_name(kind), one);
	}
	return object;
}

/* How the gate of a provider, of a total or in series stands. */
static json_t *gate_json(const struct gateway *gateway, uint32_t number)
{
	static const char *const states[WINDOW_STATE_COUNT] = {"none", "closed", "open", "gap"};
	static const char *const kinds[MW_WINDOW_KIND_COUNT] = {"peak", "off-peak"};
	const struct traffic_port_gate *gate = &gateway->port.gates[number];
	uint32_t state = atomic_load_explicit(&gate->state, memory_order_relaxed);
	int64_t until_ms = atomic_load_explicit(&gate->until_ms, memory_order_relaxed);
	json_t *object = json_pack("{s:i, s:s}", "gate", (int)number, "state", states[state]);

	if (state == WINDOW_STATE_OPEN || state == WINDOW_STATE_GAP) {
		json_object_set_new(object, "kind",
			json_string(
				kinds[atomic_load_explicit(&gate->kind, memory_order_relaxed)]));
		json_object_set_new(object, "cap_tps",
			json_integer(atomic_load_explicit(&gate->cap_tps, memory_order_relaxed)));
	}
	if (state != WINDOW_STATE_NONE && until_ms != INT64_MAX)
		json_object_set_new(object, "next_change_ms", json_integer(until_ms));
	return object;
}

/* What waits there, by the windows it waits for. */
static void put_waiting(json_t *object, const struct traffic_port_gate *gate)
{
	json_object_set_new(object, "waiting_peak",
		json_integer(atomic_load_explicit(&gate->waiting_peak, memory_order_relaxed)));
	json_object_set_new(object, "waiting_off_peak",
		json_integer(atomic_load_explicit(&gate->waiting_off_peak, memory_order_relaxed)));
	json_object_set_new(object, "waiting_any",
		json_integer(atomic_load_explicit(&gate->waiting_any, memory_order_relaxed)));
	json_object_set_new(object, "ready",
		json_integer(atomic_load_explicit(&gate->ready, memory_order_relaxed)));
}

/* Windows as they are in force; totals that are unlimited and gates in series that have no windows
 * are left out. Read by the link thread, as generation_of(). */
static json_t *windows_json(struct gateway *gateway)
{
	const struct registry *registry =
		atomic_load_explicit(&gateway->registry, memory_order_relaxed);
	json_t *providers = json_array();
	json_t *others = json_array();

	for (uint32_t number = 0; number < MW_GATE_COUNT; number++) {
		const struct traffic_port_gate *gate = &gateway->port.gates[number];
		bool named = registry && number < PROVIDERS_MAX &&
			     registry->providers[number].name[0] != '\0';

		if (atomic_load_explicit(&gate->state, memory_order_relaxed) == WINDOW_STATE_NONE &&
			!named)
			continue;
		json_t *object = gate_json(gateway, number);
		if (named)
			json_object_set_new(
				object, "provider", json_string(registry->providers[number].name));
		if (number < PROVIDERS_MAX)
			put_waiting(object, gate);
		json_array_append_new(number < PROVIDERS_MAX ? providers : others, object);
	}
	return json_pack("{s:i, s:o, s:o}", "waiting",
		(int)atomic_load_explicit(&gateway->port.window_waiting, memory_order_relaxed),
		"providers", providers, "gates", others);
}

/* Which reference set is in force. Read by the link thread, which alone replaces and frees it. */
static json_int_t generation_of(struct gateway *gateway)
{
	const struct registry *registry =
		atomic_load_explicit(&gateway->registry, memory_order_relaxed);
	return registry ? (json_int_t)registry->generation : 0;
}

/* The devices that requests are judged by; null: none yet. Read by the link thread as above. */
static json_t *registry_image_json(struct gateway *gateway)
{
	const struct registry *registry =
		atomic_load_explicit(&gateway->registry, memory_order_relaxed);
	if (!registry)
		return json_null();
	const struct registry_image *image = registry->image->image;
	return json_pack("{s:I, s:I, s:b}", "devices",
		(json_int_t)registry_image_device_count(image), "change",
		(json_int_t)registry_image_change(image), "retired",
		registry_image_state(image) == MW_REGISTRY_RETIRED);
}

static json_t *image_json(const struct gateway *gateway, uint32_t index)
{
	const struct conf_schema *schema = &gateway->conf.schemas[index];
	const uint8_t *checksum = duis_schemas_checksum(
		atomic_load_explicit(&gateway->schemas.current, memory_order_relaxed), (int)index);
	char text[2 * DUIS_CHECKSUM_SIZE + 1] = "";
	for (unsigned i = 0; checksum && i < DUIS_CHECKSUM_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", checksum[i]);
	return json_pack("{s:s, s:s, s:s}", "version", schema->version, "path",
		checksum ? schema->image_path : schema->xsd_path, "checksum", text);
}

/* What reads and judges documents. Read by the link thread, which alone replaces the schemas. */
static json_t *engine_json(const struct gateway *gateway)
{
	const struct schema_store *store = &gateway->schemas;
	json_t *schemas = json_array();
	for (uint32_t i = 0; i < gateway->conf.schema_count; i++)
		json_array_append_new(schemas, image_json(gateway, i));
	return json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:s}", "kind",
		duis_engine_kind_name((enum duis_engine_kind)gateway->conf.engine), "variant",
		edge_engine_variant(gateway->edges[0]), "schemas", schemas, "loaded_ms",
		(json_int_t)store->loaded_ms, "reloads", (json_int_t)store->reloads,
		"reload_failures", (json_int_t)store->reload_failures, "failure", store->failure);
}

/* How signatures are verified, and how many at a time. */
static json_t *verification_json(const struct gateway *gateway)
{
	static const char *const sizes[STATS_BURST_SIZES] = {
		"1", "2", "3-4", "5-8", "9-16", "17-32"};
	struct key_store_counts keys = key_store_count(gateway->keys);
	json_t *bursts = json_object();
	for (unsigned i = 0; i < STATS_BURST_SIZES; i++)
		json_object_set_new(bursts, sizes[i],
			json_integer((json_int_t)sum(
				gateway, offsetof(struct stats, bursts) + i * sizeof(uint64_t))));
	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:I, s:o}", "kind",
		gateway->conf.verification == CONF_VERIFICATION_TABLES ? "tables" : "plain", "keys",
		(int)keys.keys, "tables", (int)keys.tables, "tables_wanted",
		(int)keys.tables_wanted, "tables_failed", (int)keys.tables_failed, "tables_max",
		(int)keys.tables_max, "signatures",
		(json_int_t)sum(gateway, offsetof(struct stats, signatures)), "bursts", bursts);
}

char *gateway_status(void *argument)
{
	struct gateway *gateway = argument;
	const struct traffic_port *port = &gateway->port;
	uint64_t now_ns = clock_now_ns();
	json_int_t generation = generation_of(gateway);
	const char *state = atomic_load(&gateway->draining) ? "draining"
			    : generation == 0		    ? "waiting for reference data"
							    : "serving";
	json_t *status = json_pack("{s:s, s:i, s:I, s:s, s:s, s:I, s:o, s:{s:o, s:o}}", "process",
		"motorway", "pid", (int)getpid(), "uptime_s",
		(json_int_t)((now_ns - gateway->start_ns) / 1000000000), "version",
		MOTORWAY_VERSION, "state", state, "generation", generation, "lcores",
		lcores_json(gateway), "lanes", "on_demand", lane_json(gateway, MW_LANE_ON_DEMAND),
		"scheduled", lane_json(gateway, MW_LANE_SCHEDULED));
	if (!status)
		return NULL;
	json_object_set_new(status, "pending",
		json_integer(atomic_load_explicit(&port->pending, memory_order_relaxed)));
	json_object_set_new(status, "quarantined",
		json_integer(atomic_load_explicit(&port->quarantined, memory_order_relaxed)));
	json_object_set_new(status, "alerts",
		json_integer(atomic_load_explicit(&port->alerts, memory_order_relaxed)));
	json_object_set_new(status, "replay",
		json_pack("{s:s, s:i, s:i, s:i, s:s}", "scope",
			gateway->conf.replay_scope == CONF_REPLAY_ORIGINATOR ? "originator"
									     : "originator-target",
			"scopes",
			(int)atomic_load_explicit(&port->replay_scopes, memory_order_relaxed),
			"scopes_max", (int)gateway->conf.replay_scopes_max, "window",
			(int)gateway->conf.replay_window, "state", gateway->conf.replay_state));
	json_object_set_new(status, "pending_max", json_integer(gateway->conf.pending_max));
	json_object_set_new(status, "south",
		json_pack("{s:i, s:i}", "queued",
			(int)atomic_load_explicit(&port->south_queued, memory_order_relaxed),
			"in_flight",
			(int)atomic_load_explicit(&port->south_in_flight, memory_order_relaxed)));
	json_object_set_new(status, "windows", windows_json(gateway));
	json_object_set_new(status, "messages",
		json_pack("{s:i, s:i}", "free", (int)message_pools_free(&gateway->pools), "size",
			(int)message_pools_size(&gateway->pools)));
	json_object_set_new(status, "counters", counters_json(gateway));
	json_object_set_new(status, "refused", refused_json(gateway));
	json_object_set_new(status, "http", http_json(gateway));
	json_object_set_new(status, "latency", latency_json(gateway));
	json_object_set_new(status, "engine", engine_json(gateway));
	json_object_set_new(status, "registry_image", registry_image_json(gateway));
	json_object_set_new(status, "verification", verification_json(gateway));
	char *text = json_dumps(status, JSON_COMPACT);
	json_decref(status);
	return text;
}
