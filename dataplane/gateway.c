/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/gateway.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <openssl/rand.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_ring_elem.h>

#include "dataplane/clock.h"
#include "dataplane/duis/sign.h"
#include "dataplane/windows.h"

#define MB (1024u * 1024)

uint32_t gateway_memory_mb(const struct conf *conf)
{
	uint64_t bytes = (uint64_t)conf->small_messages * (SMALL_MESSAGE_BYTES + 512) +
			 (uint64_t)conf->medium_messages * (MEDIUM_MESSAGE_BYTES + 512) +
			 (uint64_t)conf->large_messages * (LARGE_MESSAGE_BYTES + 512);
	bytes += (uint64_t)(EDGES_MAX + 1) * RING_EVENTS *
		 (sizeof(struct traffic_event) + sizeof(struct action));
	uint32_t needed_mb = (uint32_t)(bytes / MB) + 64;
	return needed_mb > conf->memory_mb ? needed_mb : conf->memory_mb;
}

static int create_answers(struct gateway *gateway)
{
	const char *missing;
	if (answer_table_fill(&gateway->answers, &gateway->conf, &missing) == 0)
		return 0;
	fprintf(stderr, "motorway: the configuration has no answer for the reason %s\n", missing);
	return -EINVAL;
}

static int create_schemas(struct gateway *gateway)
{
	char reason[SCHEMA_STORE_REASON_SIZE];
	int status = schema_store_open(&gateway->schemas, &gateway->conf, reason, sizeof(reason));
	if (status < 0)
		fprintf(stderr, "motorway: %s\n", reason);
	return status;
}

static int create_memory(struct gateway *gateway)
{
	const struct conf *conf = &gateway->conf;
	int status = message_pools_create(
		&gateway->pools, conf->small_messages, conf->medium_messages, conf->large_messages);
	size_t bytes = rte_rcu_qsbr_get_memsize(LCORES_MAX);
	gateway->readers = rte_zmalloc("readers", bytes, RTE_CACHE_LINE_SIZE);
	if (status < 0 || !gateway->readers ||
		rte_rcu_qsbr_init(gateway->readers, LCORES_MAX) != 0) {
		fprintf(stderr, "motorway: no memory for message buffers (%u MB needed): %s\n",
			gateway_memory_mb(conf), strerror(status < 0 ? -status : ENOMEM));
		return -ENOMEM;
	}
	return 0;
}

static struct rte_ring *create_ring(const char *what, unsigned number, unsigned element_bytes)
{
	char name[32];
	snprintf(name, sizeof(name), "%s_%u", what, number);
	struct rte_ring *ring = rte_ring_create_elem(
		name, element_bytes, RING_EVENTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!ring)
		fprintf(stderr, "motorway: no memory for ring %s: %s\n", name,
			rte_strerror(rte_errno));
	return ring;
}

static int create_rings(struct gateway *gateway, unsigned port)
{
	gateway->port.events[port] = create_ring("events", port, sizeof(struct traffic_event));
	gateway->port.actions[port] = create_ring("actions", port, sizeof(struct action));
	return gateway->port.events[port] && gateway->port.actions[port] ? 0 : -ENOMEM;
}

/* The traffic role runs on the main lcore; edges on the others, or with it when there is one. */
static int create_lcores(struct gateway *gateway)
{
	unsigned id;
	RTE_LCORE_FOREACH(id)
	{
		if (gateway->lcore_count == LCORES_MAX) {
			fprintf(stderr, "motorway: more than %d lcores are not supported\n",
				LCORES_MAX);
			return -EINVAL;
		}
		struct lcore *lcore = &gateway->lcores[gateway->lcore_count];
		lcore->id = id;
		lcore->reader = gateway->lcore_count;
		lcore->stats = &gateway->stats[gateway->lcore_count];
		lcore->idle = gateway->conf.idle;
		lcore->readers = gateway->readers;
		lcore->ended = &gateway->ended;
		lcore->wake.fd = -1;
		if (id == rte_get_main_lcore())
			lcore->traffic = &gateway->port;
		gateway->lcore_count++;
	}
	return 0;
}

static struct lcore *traffic_lcore(struct gateway *gateway)
{
	for (uint32_t i = 0; i < gateway->lcore_count; i++)
		if (gateway->lcores[i].traffic)
			return &gateway->lcores[i];
	return NULL;
}

static uint32_t at_most(uint32_t value, uint32_t bound)
{
	return value < bound ? value : bound;
}

/* The replay filter that goes on where the last process left it. */
static int open_replay(const struct conf *conf, struct traffic_limits *limits)
{
	struct replay_told told;
	if (conf->replay_state[0] == '\0')
		return 0;
	limits->replay.secret = limits->secret;
	limits->replay_filter = replay_open(&limits->replay, conf->replay_state, &told);
	if (!limits->replay_filter) {
		int error = errno;
		fprintf(stderr, "motorway: replay.state: %s\n", told.reason);
		return -error;
	}
	if (told.carried_over || told.begun_anew)
		fprintf(stderr, "motorway: replay.state: %s: was made for other limits: %s\n",
			conf->replay_state,
			told.begun_anew ? "begun anew" : "its highest counters are kept");
	return 0;
}

static int create_traffic(struct gateway *gateway)
{
	const struct conf *conf = &gateway->conf;
	struct lcore *lcore = traffic_lcore(gateway);
	struct traffic_limits limits = {
		.pending_max = conf->pending_max,
		.lane_items_max = conf->lane_items_max,
		.edges = gateway->lcore_count > 1 ? gateway->lcore_count - 1 : 1,
		/* Neither one provider nor one user may hold what all share. */
		.provider_in_flight_max =
			at_most(conf->provider_connections_max, DISPATCHES_IN_FLIGHT_MAX / 4),
		.user_in_flight_max =
			at_most(conf->user_connections_max, DELIVERIES_IN_FLIGHT_MAX / 4),
		.delivery_in_flight_max = DELIVERIES_IN_FLIGHT_MAX,
		.dispatch_attempts_max = conf->dispatch_attempts_max,
		.dispatch_backoff_ns = 100000000ull,
		.window_attempts_max = conf->window_attempts_max,
		.window_retry_ns = conf->window_retry_ms * 1000000ull,
		.start_ns = clock_now_ns(),
		.transform_timeout_ns = conf->transform_timeout_ms * 1000000ull,
		.service_timeout_ns = conf->service_timeout_ms * 1000000ull,
		.response_timeout_ns = conf->response_timeout_ms * 1000000ull,
		.delivery_backoff_ns = conf->delivery_backoff_ms * 1000000ull,
		.delivery_backoff_max_ns = conf->delivery_backoff_max_ms * 1000000ull,
		.replay = {.scope = (enum replay_scope)conf->replay_scope,
			.window = conf->replay_window,
			.scopes_max = conf->replay_scopes_max},
	};
	memcpy(limits.unreachable_code, gateway->answers.answers[ANSWER_DEVICE_UNREACHABLE].code,
		sizeof(limits.unreachable_code));
	/* What waits for operators and users for long leaves most of the table to requests. */
	limits.quarantine_max = conf->pending_max / 4;
	limits.alerts_max = conf->pending_max / 4;
	memcpy(limits.deleted_code, gateway->answers.answers[ANSWER_QUARANTINE_DELETED].code,
		sizeof(limits.deleted_code));
	memcpy(limits.silent_code, gateway->answers.answers[ANSWER_DEVICE_SILENT].code,
		sizeof(limits.silent_code));
	if (RAND_bytes((unsigned char *)&limits.secret, sizeof(limits.secret)) != 1)
		return -EIO;
	int status = open_replay(conf, &limits);
	if (status < 0)
		return status;
	gateway->traffic = traffic_create(&limits, lcore->stats);
	gateway->port.traffic = gateway->traffic;
	gateway->edge_count = limits.edges;
	if (gateway->traffic)
		return create_rings(gateway, TRAFFIC_TO_LINK);
	fprintf(stderr, "motorway: no memory for %u pending requests and lanes of %u\n",
		conf->pending_max, conf->lane_items_max);
	return -ENOMEM;
}

static int create_decisions(struct gateway *gateway, uint32_t number)
{
	gateway->decisions[number] = decisions_create(DECISIONS_KEPT);
	if (gateway->decisions[number])
		return 0;
	fputs("motorway: no memory for the last decisions\n", stderr);
	return -ENOMEM;
}

static int create_edge(struct gateway *gateway, uint8_t number, struct lcore *lcore)
{
	char reason[512];
	int status = create_rings(gateway, number);
	if (status == 0)
		status = create_decisions(gateway, number);
	if (status < 0)
		return status;
	const struct edge_setup setup = {
		.number = number,
		.conf = &gateway->conf,
		.answers = &gateway->answers,
		.schemas = &gateway->schemas.current,
		.pools = &gateway->pools,
		.registry = &gateway->registry,
		.to_traffic = gateway->port.events[number],
		.from_traffic = gateway->port.actions[number],
		.traffic_wake = &traffic_lcore(gateway)->wake,
		.stats = lcore->stats,
		.decisions = gateway->decisions[number],
		.draining = &gateway->draining,
	};
	lcore->edge = gateway->edges[number] = edge_create(&setup, reason, sizeof(reason));
	if (!lcore->edge) {
		fprintf(stderr, "motorway: %s\n", reason);
		return -EIO;
	}
	lcore->wake.fd = edge_wake_fd(lcore->edge);
	gateway->port.wakes[number] = &lcore->wake;
	return 0;
}

/* The edges share their addresses (SO_REUSEPORT), so the kernel would let a second gateway share
 * them too. A name in the abstract namespace belongs to one process and goes with it. */
static int lock_address(const char *address)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "motorway:%s", address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
	if (bind(fd, (struct sockaddr *)&name, size) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}

static int lock_addresses(struct gateway *gateway)
{
	const char *const addresses[] = {gateway->conf.listen, gateway->conf.provider_listen};
	for (unsigned i = 0; i < 2; i++) {
		gateway->address_locks[i] = lock_address(addresses[i]);
		if (gateway->address_locks[i] < 0) {
			int status = gateway->address_locks[i];
			fprintf(stderr, "motorway: cannot listen on %s: %s\n", addresses[i],
				strerror(-status));
			return status;
		}
	}
	return 0;
}

static int create_edges(struct gateway *gateway)
{
	uint8_t number = 0;
	char reason[256];
	int probe = edge_probe_addresses(&gateway->conf, reason, sizeof(reason));
	if (probe < 0) {
		fprintf(stderr, "motorway: %s\n", reason);
		return probe;
	}
	for (uint32_t i = 0; i < gateway->lcore_count; i++) {
		struct lcore *lcore = &gateway->lcores[i];
		if (lcore->traffic && gateway->lcore_count > 1)
			continue;
		int status = create_edge(gateway, number++, lcore);
		if (status < 0)
			return status;
	}
	struct lcore *lcore = traffic_lcore(gateway);
	if (lcore->wake.fd < 0)
		lcore->wake.fd = gateway->traffic_wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return lcore->wake.fd < 0 ? -errno : 0;
}

/* Tables are made in the background: behind everything else where no core is free for them. */
static void *build_tables(void *argument)
{
	struct gateway *gateway = argument;
	setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	key_store_run(gateway->keys);
	return NULL;
}

static int create_keys(struct gateway *gateway)
{
	const struct conf *conf = &gateway->conf;
	bool tables = conf->verification == CONF_VERIFICATION_TABLES;
	gateway->keys = key_store_create(tables ? conf->tables_max : 0);
	int error = gateway->keys ? rte_ctrl_thread_create(
					    &gateway->tables, "tables", NULL, build_tables, gateway)
				  : -ENOMEM;
	gateway->tables_run = error == 0;
	if (error != 0)
		fprintf(stderr, "motorway: cannot start a thread: %s\n", strerror(-error));
	return error;
}

static void destroy_keys(struct gateway *gateway)
{
	if (gateway->tables_run) {
		key_store_end(gateway->keys);
		pthread_join(gateway->tables, NULL);
	}
	key_store_destroy(gateway->keys);
}

static int create_link(struct gateway *gateway)
{
	int status = create_decisions(gateway, gateway->edge_count);
	if (status < 0)
		return status;
	const struct link_setup setup = {
		.conf = &gateway->conf,
		.schemas = &gateway->schemas,
		.keys = gateway->keys,
		.pools = &gateway->pools,
		.registry = &gateway->registry,
		.readers = gateway->readers,
		.to_traffic = gateway->port.events[TRAFFIC_TO_LINK],
		.from_traffic = gateway->port.actions[TRAFFIC_TO_LINK],
		.traffic_wake = &traffic_lcore(gateway)->wake,
		.thresholds = &gateway->port.thresholds,
		.windows = &gateway->port.windows,
		.decisions = gateway->decisions,
		.decisions_count = gateway->edge_count + 1,
		.draining = &gateway->draining,
		.status = gateway_status,
		.gateway = gateway,
	};
	gateway->link = link_start(&setup);
	if (!gateway->link) {
		fprintf(stderr, "motorway: cannot start the link: %s\n", strerror(errno));
		return -errno;
	}
	gateway->port.wakes[TRAFFIC_TO_LINK] = link_wake(gateway->link);
	return 0;
}

int gateway_check(struct gateway *gateway)
{
	char reason[512];
	int status = create_answers(gateway);
	if (status == 0)
		status = create_schemas(gateway);
	if (status < 0)
		return status;
	struct duis_signer *signer = duis_signer_create(gateway->conf.signing_key,
		gateway->conf.signing_certificate, reason, sizeof(reason));
	if (!signer) {
		fprintf(stderr, "motorway: %s\n", reason);
		status = -EINVAL;
	}
	duis_signer_destroy(signer);
	schema_store_close(&gateway->schemas);
	return status;
}

int gateway_create(struct gateway *gateway)
{
	gateway->traffic_wake_fd = gateway->address_locks[0] = gateway->address_locks[1] = -1;
	clock_start();
	gateway->start_ns = clock_now_ns();
	int status;
	if ((status = create_answers(gateway)) < 0 || (status = create_schemas(gateway)) < 0 ||
		(status = lock_addresses(gateway)) < 0 || (status = create_memory(gateway)) < 0 ||
		(status = create_lcores(gateway)) < 0 || (status = create_traffic(gateway)) < 0 ||
		(status = create_edges(gateway)) < 0 || (status = create_keys(gateway)) < 0 ||
		(status = create_link(gateway)) < 0)
		return status;
	return 0;
}

static bool all_quiet(const struct gateway *gateway)
{
	for (uint32_t i = 0; i < gateway->lcore_count; i++)
		if (!atomic_load_explicit(&gateway->lcores[i].quiet, memory_order_acquire))
			return false;
	return true;
}

static void wake_all(struct gateway *gateway)
{
	uint64_t one = 1;
	for (uint32_t i = 0; i < gateway->lcore_count; i++)
		(void)!write(gateway->lcores[i].wake.fd, &one, sizeof(one));
}

/* What ends the gateway. */
static void end_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
}

/* Bring everything to its end. */
static void drain(struct gateway *gateway)
{
	const struct timespec step = {.tv_nsec = 10000000};
	sigset_t signals;

	end_signals(&signals);
	fprintf(stderr, "motorway: ending: finishing what was accepted, at most %u s\n",
		gateway->conf.drain_s);
	atomic_store_explicit(&gateway->draining, true, memory_order_release);
	uint64_t deadline_ns = clock_now_ns() + gateway->conf.drain_s * 1000000000ull;
	/* Quiet lcores may still have handed something to one another: look three times. */
	for (unsigned seen = 0; seen < 3 && clock_now_ns() < deadline_ns;) {
		if (sigtimedwait(&signals, NULL, &step) > 0)
			break;
		seen = all_quiet(gateway) ? seen + 1 : 0;
	}
	link_stop(gateway->link);
	atomic_store_explicit(&gateway->ended, true, memory_order_release);
	wake_all(gateway);
}

/* SIGHUP loads the schemas again, SIGTERM and SIGINT end the gateway. Runs as a thread of its own,
 * since the main thread is an lcore. */
static void *await_signals(void *argument)
{
	struct gateway *gateway = argument;
	sigset_t signals;
	int number = 0;

	end_signals(&signals);
	sigaddset(&signals, SIGHUP);
	while (sigwait(&signals, &number) != 0 || number == SIGHUP)
		if (number == SIGHUP)
			link_reload_schemas(gateway->link);
	drain(gateway);
	return NULL;
}

uint32_t gateway_run(struct gateway *gateway)
{
	int error =
		rte_ctrl_thread_create(&gateway->signals, "signals", NULL, await_signals, gateway);
	if (error != 0) {
		fprintf(stderr, "motorway: cannot start a thread: %s\n", strerror(-error));
		link_stop(gateway->link);
		return 1;
	}
	for (uint32_t i = 0; i < gateway->lcore_count; i++)
		if (gateway->lcores[i].id != rte_get_main_lcore())
			rte_eal_remote_launch(
				lcore_run, &gateway->lcores[i], gateway->lcores[i].id);
	fprintf(stderr, "motorway: serving users on %s and providers on %s with %u lcore%s\n",
		gateway->conf.listen, gateway->conf.provider_listen, gateway->lcore_count,
		gateway->lcore_count == 1 ? "" : "s");
	lcore_run(traffic_lcore(gateway));
	rte_eal_mp_wait_lcore();
	pthread_join(gateway->signals, NULL);
	struct traffic_view view = traffic_view(gateway->traffic);
	uint32_t undelivered = 0;
	for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++)
		undelivered += view.lane_waiting[lane] + view.lane_in_flight[lane];
	if (view.pending > 0)
		fprintf(stderr,
			"motorway: ended with %u requests unfinished, %u of them answered and not "
			"delivered\n",
			view.pending, undelivered);
	return undelivered;
}

void gateway_destroy(struct gateway *gateway)
{
	if (gateway->link)
		link_destroy(gateway->link);
	for (unsigned i = 0; i < EDGES_MAX; i++)
		edge_destroy(gateway->edges[i]);
	for (unsigned i = 0; i <= EDGES_MAX; i++)
		decisions_destroy(gateway->decisions[i]);
	traffic_destroy(gateway->traffic);
	anomaly_destroy(atomic_load_explicit(&gateway->port.thresholds, memory_order_relaxed));
	windows_destroy(atomic_load_explicit(&gateway->port.windows, memory_order_relaxed));
	for (unsigned i = 0; i < TRAFFIC_PORTS; i++) {
		rte_ring_free(gateway->port.events[i]);
		rte_ring_free(gateway->port.actions[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		if (gateway->address_locks[i] >= 0)
			close(gateway->address_locks[i]);
	if (gateway->traffic_wake_fd >= 0)
		close(gateway->traffic_wake_fd);
	registry_destroy(atomic_load_explicit(&gateway->registry, memory_order_relaxed));
	destroy_keys(gateway);
	rte_free(gateway->readers);
	message_pools_destroy(&gateway->pools);
	schema_store_close(&gateway->schemas);
}
