/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane's part of `motorwayctl status`, as JSON. Read from counters that lcores write. */
#include "dataplane/gateway.h"

#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "dataplane/clock.h"

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

/* Which reference set is in force. Read by the link thread, which alone replaces and frees it. */
static json_int_t generation_of(struct gateway *gateway)
{
	const struct registry *registry =
		atomic_load_explicit(&gateway->registry, memory_order_relaxed);
	return registry ? (json_int_t)registry->generation : 0;
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
	json_object_set_new(status, "pending_max", json_integer(gateway->conf.pending_max));
	json_object_set_new(status, "south",
		json_pack("{s:i, s:i}", "queued",
			(int)atomic_load_explicit(&port->south_queued, memory_order_relaxed),
			"in_flight",
			(int)atomic_load_explicit(&port->south_in_flight, memory_order_relaxed)));
	json_object_set_new(status, "messages",
		json_pack("{s:i, s:i}", "free", (int)message_pools_free(&gateway->pools), "size",
			(int)message_pools_size(&gateway->pools)));
	json_object_set_new(status, "counters", counters_json(gateway));
	json_object_set_new(status, "refused", refused_json(gateway));
	json_object_set_new(status, "http", http_json(gateway));
	json_object_set_new(status, "latency", latency_json(gateway));
	char *text = json_dumps(status, JSON_COMPACT);
	json_decref(status);
	return text;
}
