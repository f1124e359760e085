/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What server and client share: slots, memory, deadlines, and the one burst of work in which
 *
 *   transport events -> state of connections -> queued posts -> expired deadlines -> events
 *
 * are taken in this order. All events of a poll are worked off in it; what the caller has no room
 * for waits in the list of ready requests or the ring of results, both of which are bounded by the
 * number of connections.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/net/http_connection.h"

#define DESTROY_POLLS 100
#define DESTROY_WAIT_NS 1000000

static bool state_in_service(enum http_state state)
{
	return state >= SERVER_HEADER && state <= SERVER_REPLYING;
}

static bool state_is_client(enum http_state state)
{
	return state >= CLIENT_CONNECTING && state <= CLIENT_IDLE;
}

static bool state_is_server(enum http_state state)
{
	return state >= SERVER_IDLE && state <= SERVER_LINGER;
}

void http_connection_set(
	struct http *http, struct http_connection *connection, enum http_state state)
{
	http->in_service += state_in_service(state);
	http->in_service -= state_in_service(connection->state);
	connection->state = state;
}

struct http_connection *http_connection_begin(
	struct http *http, struct transport_connection name, enum http_state state)
{
	assert(name.index < http->transport->connections_max);
	struct http_connection *connection = &http->connections[name.index];
	assert(connection->state == HTTP_FREE);
	connection->generation = name.generation;
	connection->in_length = 0;
	connection->head_length = 0;
	connection->out_length = 0;
	connection->body_missing = 0;
	connection->sending_bytes = 0;
	connection->sending = false;
	connection->paused = false;
	memset(&connection->served, 0, sizeof(connection->served));
	memset(&connection->posted, 0, sizeof(connection->posted));
	http_connection_set(http, connection, state);
	http->work++;
	return connection;
}

void http_body_release(struct http *http, struct net_buffer **body)
{
	if (*body != NULL)
		http->buffers.release(http->buffers.source, *body);
	*body = NULL;
}

/* Everything of the connection but what the transport may still read. */
static void connection_leave(struct http *http, struct http_connection *connection)
{
	http_timer_stop(&connection->timer);
	http_body_release(http, &connection->body_in);
	if (state_is_server(connection->state)) {
		net_counter_increase(&http->counters.connections_closed);
		if (connection->served.over_limit)
			http->over_limit_count--;
		else
			http->served_count--;
	} else if (state_is_client(connection->state)) {
		if (connection->state == CLIENT_IDLE)
			http_client_unlist(http, connection);
		http->endpoints[connection->posted.endpoint].connections--;
		http->client_count--;
	}
	http->work++;
}

void http_connection_end(struct http *http, struct http_connection *connection)
{
	connection_leave(http, connection);
	http_body_release(http, &connection->body_out);
	http_connection_set(http, connection, HTTP_FREE);
}

void http_connection_close(struct http *http, struct http_connection *connection)
{
	struct transport *transport = http->transport;
	if (transport->operations->close(transport, http_name(http, connection)) == 0) {
		http_connection_end(http, connection);
		return;
	}
	connection_leave(http, connection);
	http_connection_set(http, connection, CONNECTION_RELEASING);
}

void http_connection_expire(
	struct http *http, struct http_connection *connection, uint64_t delay_ns)
{
	http_timer_start(&http->timers, &connection->timer, http->now_ns + delay_ns);
}

void http_connection_pause(struct http *http, struct http_connection *connection, bool paused)
{
	if (connection->paused == paused)
		return;
	connection->paused = paused;
	http->transport->operations->pause(
		http->transport, http_name(http, connection), paused ? 1 : 0);
}

int http_connection_send(struct http *http, struct http_connection *connection)
{
	struct iovec iov[2] = {{connection->out, connection->out_length}, {NULL, 0}};
	unsigned count = 1;
	connection->sending_bytes = connection->out_length;
	if (connection->body_out != NULL && connection->body_out->length > 0) {
		iov[1].iov_base = connection->body_out->bytes;
		iov[1].iov_len = connection->body_out->length;
		connection->sending_bytes += connection->body_out->length;
		count = 2;
	}
	int result = http->transport->operations->send(
		http->transport, http_name(http, connection), iov, count);
	connection->sending = result == 0;
	http->work++;
	return result;
}

uint32_t http_in_append(const struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length)
{
	uint32_t room = http->limits.header_bytes_max - connection->in_length;
	if (length > room)
		length = room;
	memcpy(connection->in + connection->in_length, bytes, length);
	connection->in_length += length;
	return length;
}

static void received(
	struct http *http, struct http_connection *connection, const struct transport_event *event)
{
	uint32_t taken = 0;
	if (connection->paused)
		taken = 0; /* came in the same poll as the span that did not fit */
	else if (state_is_server(connection->state))
		taken = http_server_received(http, connection, event->bytes, event->length);
	else
		taken = http_client_received(http, connection, event->bytes, event->length);
	net_counter_add(&http->counters.bytes_in, taken);
	if (taken == event->length || connection->generation != event->connection.generation ||
		connection->state == HTTP_FREE || connection->state == CONNECTION_RELEASING)
		return;
	http->transport->operations->keep(http->transport, event, taken);
	connection->paused = true;
}

static void sent(struct http *http, struct http_connection *connection)
{
	connection->sending = false;
	net_counter_add(&http->counters.bytes_out, connection->sending_bytes);
	if (state_is_server(connection->state))
		http_server_sent(http, connection);
	else
		http_client_sent(http, connection);
}

static void dispatch(struct http *http, const struct transport_event *event)
{
	struct http_connection *connection = &http->connections[event->connection.index];
	if (event->type == TRANSPORT_ACCEPTED) {
		http_server_accepted(http, event);
		return;
	}
	/* Events of the same poll may name a connection that was closed a moment ago. */
	if (connection->state == HTTP_FREE ||
		connection->generation != event->connection.generation)
		return;
	if (connection->state == CONNECTION_RELEASING) {
		if (event->type == TRANSPORT_RELEASED) {
			http_body_release(http, &connection->body_out);
			http_connection_set(http, connection, HTTP_FREE);
		}
		return;
	}
	switch (event->type) {
	case TRANSPORT_CONNECTED:
		http_client_connected(http, connection);
		break;
	case TRANSPORT_RECEIVED:
		received(http, connection, event);
		break;
	case TRANSPORT_SENT:
		sent(http, connection);
		break;
	case TRANSPORT_CLOSED:
		if (state_is_server(connection->state))
			http_server_closed(http, connection);
		else
			http_client_closed(http, connection, event);
		break;
	case TRANSPORT_ACCEPTED:
	case TRANSPORT_RELEASED:
		break;
	}
}

void http_now_set(struct http *http, uint64_t now_ns)
{
	if (!http->timed)
		http_timers_init(&http->timers, now_ns);
	http->timed = true;
	if (now_ns > http->now_ns)
		http->now_ns = now_ns;
}

unsigned http_poll(
	struct http *http, uint64_t now_ns, struct http_event *events, unsigned events_max)
{
	struct http_timer *timer;
	unsigned count = 0;
	http->work = 0;
	http_now_set(http, now_ns);
	unsigned moved = http->transport->operations->poll(
		http->transport, http->events, HTTP_TRANSPORT_EVENTS_MAX);
	http->work += moved;
	for (unsigned i = 0; i < moved; i++)
		dispatch(http, &http->events[i]);
	while ((timer = http_timers_expired(&http->timers, http->now_ns)) != NULL) {
		struct http_connection *connection = (struct http_connection *)timer;
		http->work++;
		if (state_is_server(connection->state))
			http_server_expired(http, connection);
		else
			http_client_expired(http, connection);
	}
	http_client_flush(http);
	while (count < events_max && http_client_event(http, &events[count]))
		count++;
	while (count < events_max && http_server_event(http, &events[count]))
		count++;
	return count;
}

unsigned http_work(const struct http *http)
{
	return http->work;
}

unsigned http_in_flight(const struct http *http)
{
	return http->in_service + http->posts_open;
}

const struct http_counters *http_counters(const struct http *http)
{
	return &http->counters;
}

const struct transport_counters *http_transport_counters(const struct http *http)
{
	return &http->transport->counters;
}

void http_stop_listening(struct http *http)
{
	http->stopped = true;
	http->transport->operations->stop_listening(http->transport);
	for (uint32_t i = 0; i < http->transport->connections_max; i++)
		if (http->connections[i].state == SERVER_IDLE)
			http_connection_close(http, &http->connections[i]);
}

void http_refuse_requests(struct http *http, bool refuse)
{
	http->refusing = refuse;
}

static bool limits_make_sense(const struct transport *transport, const struct http_limits *limits)
{
	return limits->header_bytes_max >= 256 && limits->header_bytes_max <= (1u << 20) &&
	       limits->header_timeout_ns > 0 && limits->body_timeout_ns > 0 &&
	       limits->idle_timeout_ns > 0 && limits->write_timeout_ns > 0 &&
	       limits->endpoints_max <= HTTP_ENDPOINTS_MAX &&
	       limits->connections_max <= transport->connections_max;
}

static int memory_take(struct http *http)
{
	uint32_t count = http->transport->connections_max;
	const struct http_limits *limits = &http->limits;
	size_t slot_size = (size_t)limits->header_bytes_max + HTTP_OUT_SIZE;
	while (http->endpoint_hash_mask < limits->endpoints_max)
		http->endpoint_hash_mask = http->endpoint_hash_mask * 2 + 1;
	http->connections = calloc(count, sizeof(*http->connections));
	/* Pages that no connection has used stay untouched. */
	http->memory = calloc(count, slot_size);
	http->results = calloc(limits->client_connections_max + 1, sizeof(*http->results));
	http->endpoints = calloc(limits->endpoints_max + 1, sizeof(*http->endpoints));
	http->endpoint_hash = calloc(http->endpoint_hash_mask + 1, sizeof(*http->endpoint_hash));
	if (http->connections == NULL || http->memory == NULL || http->results == NULL ||
		http->endpoints == NULL || http->endpoint_hash == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		http->connections[i].in = http->memory + i * slot_size;
		http->connections[i].out = http->connections[i].in + limits->header_bytes_max;
	}
	for (uint32_t i = 0; i <= http->endpoint_hash_mask; i++)
		http->endpoint_hash[i] = HTTP_NONE;
	return 0;
}

static void memory_free(struct http *http)
{
	free(http->connections);
	free(http->memory);
	free(http->results);
	free(http->endpoints);
	free(http->endpoint_hash);
	free(http);
}

struct http *http_create(struct transport *transport, const struct http_route *routes,
	uint32_t route_count, const struct http_limits *limits,
	const struct net_buffer_source *buffers)
{
	if (route_count > HTTP_ROUTES_MAX || !limits_make_sense(transport, limits)) {
		errno = EINVAL;
		return NULL;
	}
	struct http *http = calloc(1, sizeof(*http));
	if (http == NULL)
		return NULL;
	http->transport = transport;
	http->limits = *limits;
	http->buffers = *buffers;
	memcpy(http->routes, routes, route_count * sizeof(*routes));
	http->route_count = route_count;
	http->ready_first = HTTP_NONE;
	http->ready_last = HTTP_NONE;
	http->queued_first = HTTP_NONE;
	http->queued_last = HTTP_NONE;
	http->idle_first = HTTP_NONE;
	http->idle_last = HTTP_NONE;
	uint32_t planned = limits->connections_max + limits->client_connections_max;
	if (transport->connections_max > planned)
		http->over_limit_max = transport->connections_max - planned;
	if (http->over_limit_max < HTTP_REFUSING_MIN)
		http->over_limit_max = HTTP_REFUSING_MIN;
	if (memory_take(http) != 0) {
		memory_free(http);
		errno = ENOMEM;
		return NULL;
	}
	return http;
}

/* Whether the transport may still read memory of ours. */
static bool releases_missing(const struct http *http)
{
	for (uint32_t i = 0; i < http->transport->connections_max; i++)
		if (http->connections[i].state == CONNECTION_RELEASING)
			return true;
	return false;
}

void http_destroy(struct http *http)
{
	struct http_event event;
	http_stop_listening(http);
	for (uint32_t i = 0; i < http->transport->connections_max; i++) {
		struct http_connection *connection = &http->connections[i];
		if (connection->state != HTTP_FREE && connection->state != CONNECTION_RELEASING)
			http_connection_close(http, connection);
	}
	/* Nothing but the end of closed connections comes now. */
	for (unsigned i = 0; i < DESTROY_POLLS && releases_missing(http); i++) {
		http->transport->operations->wait(http->transport, DESTROY_WAIT_NS);
		unsigned moved = http->transport->operations->poll(
			http->transport, http->events, HTTP_TRANSPORT_EVENTS_MAX);
		for (unsigned k = 0; k < moved; k++)
			if (http->events[k].type == TRANSPORT_RELEASED)
				dispatch(http, &http->events[k]);
	}
	for (uint32_t i = 0; i < http->transport->connections_max; i++)
		http_body_release(http, &http->connections[i].body_out);
	while (http_client_event(http, &event))
		http_body_release(http, &event.body);
	memory_free(http);
}
