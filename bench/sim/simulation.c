/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/simulation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/sim/compose.h"

#define EVENTS_MAX 64
#define BUFFER_BYTES_MAX (512ull << 20)
#define SERVER_CONNECTIONS_MAX 2048
#define LISTENER_USERS 0
#define LISTENER_PROVIDERS 1

/* ---- clock ---- */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t simulation_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t simulation_wall_ms(uint64_t now_ns)
{
	static uint64_t offset_ns;
	if (offset_ns == 0)
		offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	return (int64_t)((now_ns + offset_ns) / NS_PER_MS);
}

/* ---- what the parts share ---- */

void simulation_problem(struct simulation *simulation, const char *format, ...)
{
	uint64_t index = simulation->counters.problems++;
	if (index >= SIM_PROBLEMS_MAX)
		return;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(simulation->problems[index], SIM_PROBLEM_SIZE, format, arguments);
	va_end(arguments);
}

void simulation_count_code(struct simulation *simulation, const char *code)
{
	for (uint32_t i = 0; i < simulation->code_count; i++)
		if (strcmp(simulation->codes[i].code, code) == 0) {
			simulation->codes[i].count++;
			return;
		}
	if (simulation->code_count == SIM_CODES_MAX)
		return;
	struct simulation_code *entry = &simulation->codes[simulation->code_count++];
	snprintf(entry->code, sizeof(entry->code), "%s", code);
	entry->count = 1;
}

void simulation_refuse(struct simulation *simulation, struct http_exchange exchange,
	const char *code, const char *reason)
{
	char line[512];
	int length =
		snprintf(line, sizeof(line), "{\"code\":\"%s\",\"reason\":\"%s\"}\n", code, reason);
	struct net_buffer *body = buffers_copy(&simulation->buffers, line, (size_t)length);
	http_reply(simulation->http, exchange, 400, "", "application/json", body, false);
}

void simulation_accept(struct simulation *simulation, struct http_exchange exchange)
{
	http_reply(simulation->http, exchange, 204, "", "", NULL, false);
}

bool simulation_header(const struct simulation *simulation, struct http_exchange exchange,
	const char *name, char *text, size_t size)
{
	const char *value = NULL;
	int length = http_request_header(simulation->http, exchange, name, &value);
	if (length < 0 || (size_t)length >= size)
		return false;
	memcpy(text, value, (size_t)length);
	text[length] = '\0';
	return true;
}

int simulation_verify(struct simulation *simulation, const struct duis_document *document,
	const struct reference_user *user)
{
	struct duis_error error;
	const struct reference_certificate *certificate = &simulation->reference.dsp;
	if (!document->has_signature ||
		duis_reference_engine_check_profile(simulation->engine, &error) != 0)
		return -EBADMSG;
	if (user)
		certificate = reference_certificate(user, document->issuer, document->serial);
	else if (strcmp(certificate->issuer, document->issuer) != 0 ||
		 memcmp(certificate->serial, document->serial, DUIS_SERIAL_SIZE) != 0)
		certificate = NULL;
	if (!certificate)
		return -EBADMSG;
	return duis_reference_engine_verify(simulation->engine, certificate->key, &error);
}

/* ---- start ---- */

static int fail(const char *what, int result)
{
	fprintf(stderr, "motorway-sim: %s: %s\n", what, strerror(-result));
	return result;
}

static int open_schemas(struct simulation *simulation)
{
	struct duis_schema_source sources[DUIS_SCHEMA_VERSIONS_MAX];
	char reason[512] = "";
	uint32_t count = simulation->conf.schema_count;
	memset(sources, 0, sizeof(sources));
	for (uint32_t i = 0; i < count; i++) {
		const struct conf_schema *schema = &simulation->conf.schemas[i];
		snprintf(sources[i].version, sizeof(sources[i].version), "%s", schema->version);
		sources[i].xsd_path = schema->xsd_path;
		for (uint32_t j = 0; j < CONF_OVERLAYS_MAX && schema->overlays[j][0]; j++)
			sources[i].overlays[j] = schema->overlays[j];
	}
	simulation->schemas = duis_reference_schemas_create(sources, count, reason, sizeof(reason));
	if (!simulation->schemas) {
		fprintf(stderr, "motorway-sim: %s\n", reason);
		return -EINVAL;
	}
	simulation->engine = duis_reference_engine_create(simulation->schemas, SIM_BODY_BYTES_MAX);
	return simulation->engine ? 0 : fail("the DUIS engine", -errno);
}

static int open_data(struct simulation *simulation)
{
	const struct options *options = &simulation->options;
	char folder[OPTIONS_TEXT_SIZE + 32];
	char reason[512] = "";
	int result = conf_read(options->conf, &simulation->conf, stderr);
	if (result != 0)
		return fail(options->conf, result);
	const char *keys = options->mode == SIM_MODE_DEMO ? options->var : NULL;
	result = reference_read(&simulation->reference, &simulation->conf, keys, stderr);
	if (result != 0)
		return fail("the reference data", result);
	snprintf(folder, sizeof(folder), "%s/duis/templates", options->var);
	result = options->mode == SIM_MODE_DEMO
			 ? template_set_read(&simulation->templates, folder, reason, sizeof(reason))
			 : 0;
	if (result != 0) {
		fprintf(stderr, "motorway-sim: %s\n", reason);
		return result;
	}
	return open_schemas(simulation);
}

static int open_memory(struct simulation *simulation)
{
	const struct options *options = &simulation->options;
	uint64_t needed = options->mode == SIM_MODE_DEMO
				  ? 2 * options->count + 2 * options->schedules + 1024
				  : 0;
	uint64_t capacity = needed > options->ledger ? needed : options->ledger;
	simulation->buffers.bytes_max = BUFFER_BYTES_MAX;
	simulation->transforms = calloc(TRANSFORM_ANSWERS_MAX, sizeof(*simulation->transforms));
	simulation->scratch.bytes = malloc(COMPOSE_BYTES_MAX);
	simulation->scratch.capacity = COMPOSE_BYTES_MAX;
	if (!simulation->transforms || !simulation->scratch.bytes)
		return -ENOMEM;
	return ledger_create(&simulation->ledger, (uint32_t)capacity);
}

/* The transport lets several listeners share an address, as the edges of a gateway do. Here that
 * would hide another program, so bind without sharing first. */
static int check_free(const struct sockaddr_in *address)
{
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Connections of an earlier run that linger do not count. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	int result = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : -errno;
	close(fd);
	return result;
}

static int listen_on(struct simulation *simulation, const char *text)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	struct sockaddr_in address = {.sin_family = AF_INET};
	size_t length = colon ? (size_t)(colon - text) : sizeof(host);
	unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;
	if (length >= sizeof(host) || port == 0 || port > 65535)
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		return -EINVAL;
	address.sin_port = htons((uint16_t)port);
	int result = check_free(&address);
	if (result != 0)
		return result;
	return simulation->transport->operations->listen(simulation->transport, &address);
}

/* The routes: the receive endpoints, and the path of every provider's URL. */
static int make_routes(struct simulation *simulation, struct http_route *routes)
{
	const struct reference *reference = &simulation->reference;
	routes[0] = (struct http_route){
		.path = "/receive/*",
		.content_type = "application/xml",
		.body_bytes_max = SIM_BODY_BYTES_MAX,
		.listener = LISTENER_USERS,
	};
	simulation->route_count = 1;
	if (reference->provider_count >= HTTP_ROUTES_MAX) {
		fprintf(stderr, "motorway-sim: more than %d providers\n", HTTP_ROUTES_MAX - 1);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < reference->provider_count; i++) {
		simulation->route_provider[simulation->route_count] = (uint8_t)i;
		routes[simulation->route_count++] = (struct http_route){
			.path = reference->providers[i].path,
			.content_type = "application/xml",
			.body_bytes_max = SIM_BODY_BYTES_MAX,
			.listener = LISTENER_PROVIDERS,
		};
	}
	return 0;
}

static int open_endpoints(struct simulation *simulation)
{
	const struct options *options = &simulation->options;
	const char *gateway = options->provider_gateway[0] ? options->provider_gateway
							   : simulation->conf.provider_listen;
	for (uint32_t i = 0; i < simulation->reference.provider_count; i++) {
		const struct reference_provider *provider = &simulation->reference.providers[i];
		char url[OPTIONS_TEXT_SIZE + 128];
		if (provider->kind == MW_PROVIDER_TRANSFORM)
			continue;
		snprintf(url, sizeof(url), "http://%s/provider/v1/%s/response", gateway,
			provider->name);
		int endpoint =
			http_endpoint(simulation->http, url, i, (uint32_t)options->connections);
		if (endpoint < 0)
			return fail(url, endpoint);
		simulation->provider_endpoints[i] = endpoint;
	}
	return 0;
}

static int open_network(struct simulation *simulation)
{
	const struct options *options = &simulation->options;
	uint32_t client_connections = (uint32_t)options->connections *
				      (simulation->reference.provider_count + LOAD_ENDPOINTS);
	struct transport_limits transport_limits = {
		.connections_max = SERVER_CONNECTIONS_MAX + client_connections,
		.receive_buffers = 512,
		.receive_buffer_bytes = 16384,
	};
	struct http_limits limits = {
		.connections_max = SERVER_CONNECTIONS_MAX,
		.client_connections_max = client_connections,
		.endpoints_max = simulation->reference.provider_count + LOAD_ENDPOINTS,
		.header_bytes_max = 8192,
		.header_timeout_ns = 10 * NS_PER_S,
		.body_timeout_ns = 10 * NS_PER_S,
		.idle_timeout_ns = 120 * NS_PER_S,
		.write_timeout_ns = 10 * NS_PER_S,
		.retry_after_s = 1,
	};
	struct http_route routes[HTTP_ROUTES_MAX];
	struct net_buffer_source source = buffers_source(&simulation->buffers);
	simulation->transport = transport_uring_create(&transport_limits);
	if (!simulation->transport)
		return fail("io_uring", -errno);
	int result = listen_on(simulation, options->listen_users);
	if (result < 0)
		return fail(options->listen_users, result);
	result = listen_on(simulation, options->listen_providers);
	if (result < 0)
		return fail(options->listen_providers, result);
	result = make_routes(simulation, routes);
	if (result != 0)
		return result;
	simulation->http = http_create(
		simulation->transport, routes, simulation->route_count, &limits, &source);
	if (!simulation->http)
		return fail("HTTP", -errno);
	return open_endpoints(simulation);
}

int simulation_open(struct simulation *simulation)
{
	random_seed(&simulation->random, random_mix(simulation->options.seed, 1));
	histogram_clear(&simulation->reply_ns);
	histogram_clear(&simulation->on_demand_ns);
	histogram_clear(&simulation->scheduled_ns);
	int result = open_data(simulation);
	if (result == 0)
		result = open_memory(simulation);
	return result == 0 ? open_network(simulation) : result;
}

void simulation_close(struct simulation *simulation)
{
	for (uint32_t i = 0; simulation->transforms && i < TRANSFORM_ANSWERS_MAX; i++)
		buffers_release(&simulation->buffers, simulation->transforms[i].body);
	if (simulation->http)
		http_destroy(simulation->http);
	if (simulation->transport)
		simulation->transport->operations->destroy(simulation->transport);
	free(simulation->transforms);
	free(simulation->scratch.bytes);
	ledger_destroy(&simulation->ledger);
	timers_clear(&simulation->timers);
	plan_destroy(&simulation->plan);
	template_set_clear(&simulation->templates);
	reference_clear(&simulation->reference);
	duis_reference_engine_destroy(simulation->engine);
	duis_reference_schemas_destroy(simulation->schemas);
}

/* ---- loop ---- */

static void take(struct simulation *simulation, const struct http_event *event, uint64_t now_ns)
{
	if (event->type == HTTP_RESPONSE) {
		if (event->cookie >> 56 == SIM_LOAD)
			load_answered(simulation, event, now_ns);
		else
			provider_answered(simulation, event, now_ns);
		return;
	}
	uint32_t provider = simulation->route_provider[event->route];
	if (event->route == 0)
		receive_take(simulation, event, now_ns);
	else if (simulation->reference.providers[provider].kind == MW_PROVIDER_TRANSFORM)
		transform_take(simulation, event, now_ns);
	else
		provider_take(simulation, event, provider, now_ns);
}

static unsigned run_timers(struct simulation *simulation, uint64_t now_ns)
{
	struct timer timer;
	unsigned count = 0;
	while (count < EVENTS_MAX && timers_take(&simulation->timers, now_ns, &timer)) {
		count++;
		if (timer.kind == SIM_LOAD)
			load_again(simulation, (uint32_t)timer.value);
		else if (timer.kind == SIM_TRANSFORM)
			transform_answer(simulation, timer.value);
		else
			provider_answer(simulation, timer.value, now_ns);
	}
	return count;
}

unsigned simulation_turn(struct simulation *simulation, uint64_t now_ns)
{
	struct http_event events[EVENTS_MAX];
	unsigned count = http_poll(simulation->http, now_ns, events, EVENTS_MAX);
	for (unsigned i = 0; i < count; i++)
		take(simulation, &events[i], now_ns);
	unsigned work = count + http_work(simulation->http) + run_timers(simulation, now_ns);
	if (simulation->options.mode == SIM_MODE_DEMO)
		load_turn(simulation, now_ns);
	return work;
}

void simulation_rest(struct simulation *simulation, uint64_t now_ns, uint64_t at_most_ns)
{
	uint64_t next_ns = timers_next_ns(&simulation->timers);
	if (simulation->options.mode == SIM_MODE_DEMO && load_next_ns(simulation) < next_ns)
		next_ns = load_next_ns(simulation);
	uint64_t wait_ns = next_ns <= now_ns ? 0 : next_ns - now_ns;
	if (wait_ns > at_most_ns)
		wait_ns = at_most_ns;
	if (wait_ns > 0)
		simulation->transport->operations->wait(simulation->transport, wait_ns);
}
