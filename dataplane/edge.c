/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/edge_state.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <rte_ring_elem.h>

#include "dataplane/clock.h"

#define NO_POST UINT32_MAX

/* Receive buffers: each holds one read; a request of 2.5 KB comes in one. */
#define RECEIVE_BUFFERS 1024
#define RECEIVE_BUFFER_BYTES (16u * 1024)

/* Connections beyond connections_max that may be told 503 at the same time. */
#define REFUSED_CONNECTIONS 64

bool edge_tell_traffic(struct edge *edge, struct traffic_event *event)
{
	struct rte_ring *ring = edge->setup.to_traffic;
	bool new_work = event->type == EVENT_REQUEST || event->type == EVENT_RESPONSE;
	if (new_work && rte_ring_free_count(ring) < RING_RESERVE)
		return false;
	event->edge = edge->setup.number;
	assert(!event->message || event->message->owner == MESSAGE_EDGE);
	int status = rte_ring_sp_enqueue_elem(ring, event, sizeof(*event));
	assert(status == 0); /* the reserve is larger than all work that can be under way */
	(void)status;
	wake_signal(edge->setup.traffic_wake);
	return true;
}

struct edge_post *edge_post_take(struct edge *edge, uint64_t *cookie)
{
	if (edge->free_post == NO_POST)
		return NULL;
	*cookie = edge->free_post;
	struct edge_post *post = &edge->posts[edge->free_post];
	edge->free_post = post->next_free;
	edge->posts_under_way++;
	return post;
}

void edge_post_free(struct edge *edge, struct edge_post *post)
{
	post->next_free = edge->free_post;
	edge->free_post = (uint32_t)(post - edge->posts);
	edge->posts_under_way--;
}

/* Read "127.0.0.1:8079"; conf_read() has checked the form. */
static struct sockaddr_in address_of(const char *text)
{
	char host[CONF_TEXT_SIZE] = "";
	unsigned port = 0;
	struct sockaddr_in address = {.sin_family = AF_INET};
	sscanf(text, "%127[^:]:%u", host, &port);
	inet_pton(AF_INET, host, &address.sin_addr);
	address.sin_port = htons((uint16_t)port);
	return address;
}

int edge_probe_addresses(const struct conf *conf, char *reason, size_t reason_size)
{
	const char *const texts[] = {conf->listen, conf->provider_listen};
	for (unsigned i = 0; i < 2; i++) {
		struct sockaddr_in address = address_of(texts[i]);
		int status = transport_address_probe(&address);
		if (status < 0) {
			snprintf(reason, reason_size, "cannot listen on %s: %s", texts[i],
				strerror(-status));
			return status;
		}
	}
	return 0;
}

static int listen_on(struct edge *edge, const char *address_text, char *reason, size_t reason_size)
{
	struct sockaddr_in address = address_of(address_text);
	int listener = edge->transport->operations->listen(edge->transport, &address);
	if (listener < 0)
		snprintf(reason, reason_size, "cannot listen on %s: %s", address_text,
			strerror(-listener));
	return listener;
}

static int open_http(struct edge *edge, char *reason, size_t reason_size)
{
	const struct conf *conf = edge->setup.conf;
	const struct transport_limits transport_limits = {
		.connections_max =
			conf->connections_max + CLIENT_CONNECTIONS_MAX + REFUSED_CONNECTIONS,
		.receive_buffers = RECEIVE_BUFFERS,
		.receive_buffer_bytes = RECEIVE_BUFFER_BYTES,
	};
	const struct http_limits limits = {
		.connections_max = conf->connections_max,
		.client_connections_max = CLIENT_CONNECTIONS_MAX,
		.endpoints_max = ENDPOINTS_MAX,
		.header_bytes_max = conf->header_bytes_max,
		.header_timeout_ns = conf->header_timeout_ms * 1000000ull,
		.body_timeout_ns = conf->body_timeout_ms * 1000000ull,
		.idle_timeout_ns = conf->idle_timeout_ms * 1000000ull,
		.write_timeout_ns = conf->body_timeout_ms * 1000000ull,
		.retry_after_s = conf->retry_after_s,
	};
	const struct http_route routes[EDGE_ROUTE_COUNT] = {
		[EDGE_ROUTE_TRANSFORM] = {"/api/v1/serviceT", "application/xml",
			conf->transform_bytes_max, EDGE_LISTENER_USERS},
		[EDGE_ROUTE_SEND_COMMAND] = {"/api/v1/serviceS", "application/xml",
			conf->send_command_bytes_max, EDGE_LISTENER_USERS},
		[EDGE_ROUTE_NON_DEVICE] = {"/api/v1/serviceD", "application/xml",
			conf->non_device_bytes_max, EDGE_LISTENER_USERS},
		[EDGE_ROUTE_PROVIDER_RESPONSE] = {"/provider/v1/*/response",
			"application/octet-stream", PROVIDER_RESPONSE_BYTES_MAX,
			EDGE_LISTENER_PROVIDERS},
	};
	edge->transport = transport_uring_create(&transport_limits);
	if (!edge->transport) {
		snprintf(reason, reason_size,
			errno == EPERM || errno == ENOSYS ? "io_uring is not allowed here (%s): "
							    "see sysctl kernel.io_uring_disabled "
							    "or the container's seccomp profile"
							  : "cannot set up io_uring: %s",
			strerror(errno));
		return -errno;
	}
	int listener = listen_on(edge, conf->listen, reason, reason_size);
	if (listener >= 0) {
		assert(listener == EDGE_LISTENER_USERS);
		listener = listen_on(edge, conf->provider_listen, reason, reason_size);
	}
	if (listener < 0)
		return listener;
	assert(listener == EDGE_LISTENER_PROVIDERS);
	struct net_buffer_source buffers = message_buffer_source(edge->setup.pools);
	edge->http = http_create(edge->transport, routes, EDGE_ROUTE_COUNT, &limits, &buffers);
	if (!edge->http)
		snprintf(reason, reason_size, "cannot set up HTTP: %s", strerror(errno));
	return edge->http ? 0 : -errno;
}

static uint32_t document_bytes_max(const struct conf *conf)
{
	uint32_t bytes = conf->transform_bytes_max;
	if (bytes < conf->send_command_bytes_max)
		bytes = conf->send_command_bytes_max;
	if (bytes < conf->non_device_bytes_max)
		bytes = conf->non_device_bytes_max;
	/* Responses are judged too before they leave. */
	return bytes < MEDIUM_MESSAGE_BYTES ? MEDIUM_MESSAGE_BYTES : bytes;
}

struct edge *edge_create(const struct edge_setup *setup, char *reason, size_t reason_size)
{
	struct edge *edge = calloc(1, sizeof(*edge));
	if (!edge)
		return NULL;
	edge->setup = *setup;
	edge->posts = calloc(CLIENT_CONNECTIONS_MAX, sizeof(*edge->posts));
	edge->schemas = atomic_load_explicit(setup->schemas, memory_order_acquire);
	edge->engine = duis_engine_create(edge->schemas, document_bytes_max(setup->conf));
	edge->verifier = p256_verifier_create();
	snprintf(reason, reason_size, "out of memory");
	if (!edge->posts || !edge->engine || !edge->verifier)
		goto fail;
	for (uint32_t i = 0; i < CLIENT_CONNECTIONS_MAX; i++)
		edge->posts[i].next_free = i + 1 < CLIENT_CONNECTIONS_MAX ? i + 1 : NO_POST;
	edge->signer = duis_signer_create(
		setup->conf->signing_key, setup->conf->signing_certificate, reason, reason_size);
	if (!edge->signer || open_http(edge, reason, reason_size) < 0)
		goto fail;
	return edge;
fail:
	edge_destroy(edge);
	return NULL;
}

void edge_destroy(struct edge *edge)
{
	if (!edge)
		return;
	if (edge->http)
		http_destroy(edge->http);
	if (edge->transport)
		edge->transport->operations->destroy(edge->transport);
	duis_engine_destroy(edge->engine);
	duis_signer_destroy(edge->signer);
	p256_verifier_destroy(edge->verifier);
	free(edge->posts);
	free(edge);
}

/* What access control permitted can still be refused: a repeated RequestID, a threshold, want of
 * room, control's own checks. An operator who asks is told that too. */
static void keep_refusal(struct edge *edge, uint64_t now_ns, const struct action *action)
{
	bool capacity = action->type == ACTION_REPLY_CAPACITY;
	if (!capacity && action->reason == ANSWER_ACCEPTED && action->code[0] != 'E')
		return;
	struct decision decision = {
		.request_id = action->terms.request_id,
		.user = action->terms.request_id.originator,
		.time_ms = clock_wall_ms(now_ns),
		.generation = edge->registry ? edge->registry->generation : 0,
		.uncovered_s = INT64_MIN,
		.reason = capacity ? (uint8_t)ANSWER_CAPACITY : action->reason,
		.check = MW_ACCESS_CHECK_COUNT,
		.command_variant = action->terms.command_variant,
		.schema_index = action->terms.schema_index,
		.flags = MW_DECISION_LATER,
	};
	memcpy(decision.srv, action->terms.srv, sizeof(decision.srv));
	if (!capacity)
		memcpy(decision.code,
			action->code[0] ? action->code
					: edge->setup.answers->answers[action->reason].code,
			sizeof(decision.code));
	decisions_put(edge->setup.decisions, &decision);
}

static void run_action(struct edge *edge, uint64_t now_ns, const struct action *action)
{
	switch ((enum action_type)action->type) {
	case ACTION_REPLY: {
		keep_refusal(edge, now_ns, action);
		const struct reply reply = {
			.exchange = action->exchange,
			.terms = &action->terms,
			.reason = action->reason,
			.code = action->code[0] ? action->code : NULL,
			.body = action->message,
			.proven = true,
		};
		reply_duis(edge, now_ns, &reply);
		break;
	}
	case ACTION_REPLY_CAPACITY:
		keep_refusal(edge, now_ns, action);
		stats_count(edge->setup.stats, STATS_REFUSED_CAPACITY);
		reply_capacity(edge, action->exchange);
		break;
	case ACTION_REPLY_DOCUMENT:
		reply_document(edge, action->exchange, action->message, action->has_body);
		break;
	case ACTION_REPLY_PROVIDER:
		reply_provider(edge, action->exchange, action->status);
		break;
	case ACTION_DISPATCH:
	case ACTION_TRANSFORM:
		dispatch_request(edge, now_ns, action);
		break;
	case ACTION_DELIVER:
		deliver_response(edge, now_ns, action);
		break;
	case ACTION_SERVICE:
	case ACTION_DUE_READ_TAKEN:
	case ACTION_ALERT_TAKEN:
	case ACTION_QUARANTINED:
	case ACTION_QUARANTINE_DONE:
	case ACTION_REPLAY_RESET_DONE:
		assert(!"an action for the link");
	}
}

static void run_event(struct edge *edge, uint64_t now_ns, const struct http_event *event)
{
	if (event->type == HTTP_REQUEST) {
		if (event->route == EDGE_ROUTE_PROVIDER_RESPONSE)
			receive_response(edge, now_ns, event);
		else
			receive_request(edge, now_ns, event);
		return;
	}
	struct edge_post *post = &edge->posts[event->cookie];
	dispatch_ended(edge, post, event);
	edge_post_free(edge, post);
}

/* The registry and the schemas for this poll. The link publishes them with release stores; the
 * quiescent states of this lcore keep them alive until the poll is over. */
static void take_tables(struct edge *edge)
{
	edge->registry = atomic_load_explicit(edge->setup.registry, memory_order_acquire);
	edge->schemas = atomic_load_explicit(edge->setup.schemas, memory_order_acquire);
	duis_engine_set_schemas(edge->engine, edge->schemas);
}

unsigned edge_poll(struct edge *edge, uint64_t now_ns)
{
	struct action actions[BURST];
	struct http_event events[BURST];

	take_tables(edge);
	unsigned action_count = rte_ring_sc_dequeue_burst_elem(
		edge->setup.from_traffic, actions, sizeof(actions[0]), BURST, NULL);
	for (unsigned i = 0; i < action_count; i++)
		run_action(edge, now_ns, &actions[i]);
	unsigned event_count = http_poll(edge->http, now_ns, events, BURST);
	for (unsigned i = 0; i < event_count; i++)
		run_event(edge, now_ns, &events[i]);
	receive_burst(edge, now_ns);
	return action_count + event_count + http_work(edge->http);
}

void edge_rest(struct edge *edge, uint64_t timeout_ns)
{
	edge->transport->operations->wait(edge->transport, timeout_ns);
}

int edge_wake_fd(const struct edge *edge)
{
	return edge->transport->wake_fd;
}

bool edge_has_work(const struct edge *edge)
{
	return !rte_ring_empty(edge->setup.from_traffic);
}

const char *edge_engine_variant(const struct edge *edge)
{
	return duis_engine_variant(edge->engine);
}

const struct http_counters *edge_http_counters(const struct edge *edge)
{
	return http_counters(edge->http);
}

bool edge_idle(const struct edge *edge)
{
	return http_in_flight(edge->http) == 0 && !edge_has_work(edge);
}
