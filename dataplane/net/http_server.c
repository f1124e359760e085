/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of a connection; the picture of its states is in http_connection.h.
 *
 * A header is parsed where it was received and copied once, because the caller may ask for its
 * fields until the answer; a body is copied once, into the caller's buffer. What comes in behind a
 * body waits in the connection's own header buffer, and what does not fit there in the transport,
 * which then stops receiving. Whatever is refused ends the connection, because the bytes that
 * follow can no longer be trusted to be a request.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "dataplane/net/http_connection.h"

static void refusal_count(struct http *http, int status)
{
	struct http_counters *counters = &http->counters;
	switch (status) {
	case 404:
		net_counter_increase(&counters->refused_404);
		break;
	case 405:
		net_counter_increase(&counters->refused_405);
		break;
	case 408:
		net_counter_increase(&counters->refused_408);
		break;
	case 411:
		net_counter_increase(&counters->refused_411);
		break;
	case 413:
		net_counter_increase(&counters->refused_413);
		break;
	case 415:
		net_counter_increase(&counters->refused_415);
		break;
	case 417:
		net_counter_increase(&counters->refused_417);
		break;
	case 431:
		net_counter_increase(&counters->refused_431);
		break;
	case 503:
		net_counter_increase(&counters->refused_503);
		break;
	case 505:
		net_counter_increase(&counters->refused_505);
		break;
	default:
		net_counter_increase(&counters->refused_400);
		break;
	}
}

/* Put the written answer on its way, at once or when 100 Continue has left. */
static void answer_start(struct http *http, struct http_connection *connection)
{
	http_connection_expire(http, connection, http->limits.write_timeout_ns);
	if (connection->sending)
		connection->served.reply_waits = true;
	else if (http_connection_send(http, connection) != 0)
		http_connection_close(http, connection);
}

static void refuse(struct http *http, struct http_connection *connection, int status,
	uint32_t offset, const char *reason)
{
	refusal_count(http, status);
	http_body_release(http, &connection->body_in);
	connection->served.close_after = true;
	connection->served.linger_after = true;
	http_connection_set(http, connection, SERVER_REFUSING);
	http_answer_refusal(http, connection, status, offset, reason);
	answer_start(http, connection);
	/* From now on everything is read and dropped. */
	if (connection->state == SERVER_REFUSING)
		http_connection_pause(http, connection, false);
}

void http_server_accepted(struct http *http, const struct transport_event *event)
{
	bool full = http->served_count >= http->limits.connections_max;
	if (http->stopped || (full && http->over_limit_count >= http->over_limit_max)) {
		net_counter_increase(&http->counters.connections_refused);
		http->transport->operations->close(http->transport, event->connection);
		return;
	}
	struct http_connection *connection =
		http_connection_begin(http, event->connection, SERVER_IDLE);
	connection->served.listener = event->listener;
	connection->served.over_limit = full;
	http_request_begin(&connection->served.request, http->limits.header_bytes_max);
	if (full) {
		http->over_limit_count++;
		net_counter_increase(&http->counters.connections_refused);
		refuse(http, connection, 503, 0, "too many connections");
	} else {
		http->served_count++;
		net_counter_increase(&http->counters.connections_accepted);
		http_connection_expire(http, connection, http->limits.idle_timeout_ns);
	}
}

static bool segment_matches(const uint8_t *bytes, struct http_span segment)
{
	if (segment.length == 0 || segment.length >= HTTP_PATH_PARAMETER_SIZE)
		return false;
	if (http_span_is(bytes, segment, ".") || http_span_is(bytes, segment, ".."))
		return false;
	return http_span_has_only(bytes, segment, HTTP_IN_SEGMENT);
}

static bool route_matches(const struct http_route *route, struct http_connection *connection)
{
	struct http_served *served = &connection->served;
	struct http_span path = served->request.path;
	const uint8_t *text = connection->in + path.offset;
	const char *star = strchr(route->path, '*');
	size_t before = star != NULL ? (size_t)(star - route->path) : strlen(route->path);
	size_t behind = star != NULL ? strlen(star + 1) : 0;
	served->parameter[0] = '\0';
	if (path.length < before + behind || memcmp(text, route->path, before) != 0)
		return false;
	if (star == NULL)
		return path.length == before;
	struct http_span segment = {
		path.offset + (uint32_t)before, path.length - (uint32_t)(before + behind)};
	if (memcmp(text + path.length - behind, star + 1, behind) != 0 ||
		!segment_matches(connection->in, segment))
		return false;
	memcpy(served->parameter, connection->in + segment.offset, segment.length);
	served->parameter[segment.length] = '\0';
	return true;
}

uint32_t http_route_find(struct http *http, struct http_connection *connection)
{
	for (uint32_t i = 0; i < http->route_count; i++)
		if (http->routes[i].listener == connection->served.listener &&
			route_matches(&http->routes[i], connection))
			return i;
	return HTTP_NONE;
}

static void continue_send(struct http *http, struct http_connection *connection)
{
	static const uint8_t text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec iov = {(void *)(uintptr_t)text, sizeof(text) - 1};
	connection->sending_bytes = sizeof(text) - 1;
	if (http->transport->operations->send(
		    http->transport, http_name(http, connection), &iov, 1) == 0)
		connection->sending = true;
}

static void ready_add(struct http *http, struct http_connection *connection)
{
	uint32_t index = http_index(http, connection);
	connection->served.ready_next = HTTP_NONE;
	if (http->ready_last == HTTP_NONE)
		http->ready_first = index;
	else
		http->connections[http->ready_last].served.ready_next = index;
	http->ready_last = index;
}

static void ready_remove(struct http *http, struct http_connection *connection)
{
	uint32_t index = http_index(http, connection), previous = HTTP_NONE;
	for (uint32_t at = http->ready_first; at != index;
		at = http->connections[at].served.ready_next)
		previous = at;
	uint32_t next = connection->served.ready_next;
	if (previous == HTTP_NONE)
		http->ready_first = next;
	else
		http->connections[previous].served.ready_next = next;
	if (http->ready_last == index)
		http->ready_last = previous;
}

static void request_complete(struct http *http, struct http_connection *connection)
{
	http_timer_stop(&connection->timer);
	http_connection_set(http, connection, SERVER_READY);
	connection->served.exchange = ++http->exchange;
	net_counter_increase(&http->counters.requests);
	ready_add(http, connection);
}

/* What of a well-formed header cannot be served: 0, or the status and reason. The order is that of
 * how much of the request has to make sense for the answer to be right. */
static int request_judge(struct http *http, struct http_connection *connection, const char **reason)
{
	struct http_served *served = &connection->served;
	const struct http_request *request = &served->request;
	if (http->refusing) {
		*reason = "not taking requests now";
		return 503;
	}
	served->route = http_route_find(http, connection);
	*reason = "no such path";
	if (served->route == HTTP_NONE)
		return 404;
	const struct http_route *route = &http->routes[served->route];
	const char *method = (const char *)connection->in + request->method.offset;
	*reason = "only POST is served";
	if (request->method.length != 4 || memcmp(method, "POST", 4) != 0)
		return 405;
	*reason = "unknown expectation";
	if (request->expects_other)
		return 417;
	*reason = "a request must say its Content-Length";
	if (!request->has_length)
		return 411;
	*reason = "unexpected Content-Type";
	if (route->content_type[0] != '\0' &&
		!http_request_has_type(request, connection->in, route->content_type))
		return 415;
	*reason = "no Content-Encoding is understood";
	if (request->encoded)
		return 415;
	*reason = "the body is too large";
	return request->content_length > route->body_bytes_max ? 413 : 0;
}

/* The header is complete in `in`. */
static void header_complete(struct http *http, struct http_connection *connection, bool body_waits)
{
	struct http_served *served = &connection->served;
	const struct http_request *request = &served->request;
	const char *reason = "";
	served->close_after = request->close || http->stopped ||
			      (request->version_minor == 0 && !request->keep_alive);
	int status = request_judge(http, connection, &reason);
	if (status != 0) {
		refuse(http, connection, status, 0, reason);
		return;
	}
	connection->body_missing = (uint32_t)request->content_length;
	if (connection->body_missing == 0) {
		request_complete(http, connection);
		return;
	}
	connection->body_in = http->buffers.acquire(http->buffers.source, connection->body_missing);
	if (connection->body_in == NULL) {
		refuse(http, connection, 503, 0, "no buffer is free");
		return;
	}
	assert(connection->body_in->capacity >= connection->body_missing);
	connection->body_in->length = 0;
	http_connection_set(http, connection, SERVER_BODY);
	http_connection_expire(http, connection, http->limits.body_timeout_ns);
	if (request->expects_continue && !body_waits)
		continue_send(http, connection);
}

/* The first byte of a request is there. */
static void request_begin(struct http *http, struct http_connection *connection)
{
	http_connection_set(http, connection, SERVER_HEADER);
	connection->served.received_ns = http->now_ns;
	http_connection_expire(http, connection, http->limits.header_timeout_ns);
}

static uint32_t header_received(struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length)
{
	struct http_request *request = &connection->served.request;
	struct http_fault fault;
	uint32_t before = connection->in_length, taken;
	int result;
	if (before == 0) {
		/* Most headers come whole: look at them where they are, and copy them only. */
		result = http_request_parse(request, bytes, length, &fault);
		uint32_t wanted = result > 0 ? (uint32_t)result : length;
		taken = http_in_append(http, connection, bytes, wanted);
	} else {
		http_in_append(http, connection, bytes, length);
		result = http_request_parse(request, connection->in, connection->in_length, &fault);
		if (result > 0)
			connection->in_length = (uint32_t)result;
		taken = connection->in_length - before;
	}
	if (result > 0) {
		connection->head_length = (uint32_t)result;
		header_complete(http, connection, taken < length);
	} else if (result != -EAGAIN) {
		refuse(http, connection, fault.status, fault.offset, fault.reason);
	}
	return taken;
}

static uint32_t body_received(struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length)
{
	struct net_buffer *body = connection->body_in;
	if (length > connection->body_missing)
		length = connection->body_missing;
	memcpy(body->bytes + body->length, bytes, length);
	body->length += length;
	connection->body_missing -= length;
	if (connection->body_missing == 0)
		request_complete(http, connection);
	return length;
}

/* Whether the connection still is the one that served `generation`. */
static bool same(const struct http_connection *connection, uint32_t generation)
{
	return connection->generation == generation && connection->state != HTTP_FREE &&
	       connection->state != CONNECTION_RELEASING;
}

static uint32_t unwanted_received(
	struct http *http, struct http_connection *connection, uint32_t length)
{
	struct http_served *served = &connection->served;
	served->linger_bytes += length;
	if (served->linger_bytes > HTTP_LINGER_BYTES_MAX)
		http_connection_close(http, connection);
	return length;
}

uint32_t http_server_received(struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length)
{
	uint32_t generation = connection->generation, taken = 0;
	if (connection->state == SERVER_REFUSING || connection->state == SERVER_LINGER)
		return unwanted_received(http, connection, length);
	if (connection->state == SERVER_IDLE)
		request_begin(http, connection);
	if (connection->state == SERVER_HEADER)
		taken = header_received(http, connection, bytes, length);
	if (taken < length && same(connection, generation) && connection->state == SERVER_BODY)
		taken += body_received(http, connection, bytes + taken, length - taken);
	if (taken == length || !same(connection, generation))
		return length;
	if (connection->state == SERVER_REFUSING)
		return taken + unwanted_received(http, connection, length - taken);
	/* What follows the request waits until it is answered. */
	return taken + http_in_append(http, connection, bytes + taken, length - taken);
}

/* The answer has left: go on with what came in behind the request. */
static void next_begin(struct http *http, struct http_connection *connection)
{
	struct http_request *request = &connection->served.request;
	struct http_fault fault;
	uint32_t behind = connection->in_length - connection->head_length;
	memmove(connection->in, connection->in + connection->head_length, behind);
	connection->in_length = behind;
	connection->head_length = 0;
	http_request_begin(request, http->limits.header_bytes_max);
	if (behind == 0) {
		http_connection_set(http, connection, SERVER_IDLE);
		http_connection_expire(http, connection, http->limits.idle_timeout_ns);
		return;
	}
	request_begin(http, connection);
	int result = http_request_parse(request, connection->in, behind, &fault);
	if (result == -EAGAIN)
		return;
	if (result < 0) {
		refuse(http, connection, fault.status, fault.offset, fault.reason);
		return;
	}
	connection->head_length = (uint32_t)result;
	uint32_t rest = behind - connection->head_length;
	header_complete(http, connection, rest > 0);
	if (connection->state == SERVER_BODY && rest > 0) {
		uint8_t *body = connection->in + connection->head_length;
		uint32_t taken = body_received(http, connection, body, rest);
		memmove(body, body + taken, rest - taken);
		connection->in_length -= taken;
	}
}

void http_server_sent(struct http *http, struct http_connection *connection)
{
	struct http_served *served = &connection->served;
	uint32_t generation = connection->generation;
	if (connection->state != SERVER_REPLYING && connection->state != SERVER_REFUSING)
		return; /* 100 Continue */
	if (served->reply_waits) {
		served->reply_waits = false;
		if (http_connection_send(http, connection) != 0)
			http_connection_close(http, connection);
		return;
	}
	http_body_release(http, &connection->body_out);
	if (connection->state == SERVER_REPLYING)
		net_counter_increase(&http->counters.replies);
	if (!served->close_after) {
		next_begin(http, connection);
		if (same(connection, generation) &&
			(connection->state == SERVER_IDLE || connection->state == SERVER_HEADER ||
				connection->state == SERVER_BODY))
			http_connection_pause(http, connection, false);
		return;
	}
	if (!served->linger_after && connection->in_length == connection->head_length) {
		http_connection_close(http, connection);
		return;
	}
	http->transport->operations->finish(http->transport, http_name(http, connection));
	http_connection_set(http, connection, SERVER_LINGER);
	http_connection_expire(http, connection, HTTP_LINGER_NS);
	http_connection_pause(http, connection, false);
}

void http_server_closed(struct http *http, struct http_connection *connection)
{
	switch (connection->state) {
	case SERVER_READY:
		ready_remove(http, connection);
		net_counter_increase(&http->counters.disconnected_midway);
		break;
	case SERVER_HEADER:
	case SERVER_BODY:
		net_counter_increase(&http->counters.disconnected_midway);
		break;
	case SERVER_REPLYING:
		net_counter_increase(&http->counters.replies_dropped);
		break;
	default:
		break;
	}
	http_connection_end(http, connection);
}

void http_server_expired(struct http *http, struct http_connection *connection)
{
	switch (connection->state) {
	case SERVER_HEADER:
		refuse(http, connection, 408, connection->in_length,
			"the header did not come in time");
		break;
	case SERVER_BODY:
		refuse(http, connection, 408, 0, "the body did not come in time");
		break;
	case SERVER_IDLE:
		net_counter_increase(&http->counters.expired_idle);
		http_connection_close(http, connection);
		break;
	case SERVER_REPLYING:
		net_counter_increase(&http->counters.replies_dropped);
		net_counter_increase(&http->counters.expired_writing);
		http_connection_close(http, connection);
		break;
	case SERVER_REFUSING:
		net_counter_increase(&http->counters.expired_writing);
		http_connection_close(http, connection);
		break;
	default:
		http_connection_close(http, connection);
		break;
	}
}

bool http_server_event(struct http *http, struct http_event *event)
{
	if (http->ready_first == HTTP_NONE)
		return false;
	uint32_t index = http->ready_first;
	struct http_connection *connection = &http->connections[index];
	struct http_served *served = &connection->served;
	http->ready_first = served->ready_next;
	if (http->ready_first == HTTP_NONE)
		http->ready_last = HTTP_NONE;
	http_connection_set(http, connection, SERVER_WORKING);
	memset(event, 0, sizeof(*event));
	event->type = HTTP_REQUEST;
	event->exchange.connection = index;
	event->exchange.generation = served->exchange;
	event->route = served->route;
	memcpy(event->parameter, served->parameter, sizeof(event->parameter));
	event->received_ns = served->received_ns;
	event->body = connection->body_in;
	connection->body_in = NULL;
	return true;
}

/* The connection that waits for the answer to `exchange`, or NULL. */
static struct http_connection *exchange_find(const struct http *http, struct http_exchange exchange)
{
	if (exchange.connection >= http->transport->connections_max)
		return NULL;
	struct http_connection *connection = &http->connections[exchange.connection];
	if (connection->state != SERVER_WORKING ||
		connection->served.exchange != exchange.generation)
		return NULL;
	return connection;
}

int http_request_header(const struct http *http, struct http_exchange exchange, const char *name,
	const char **value)
{
	char lowered[64];
	struct http_span span;
	const struct http_connection *connection = exchange_find(http, exchange);
	size_t length = strlen(name);
	if (connection == NULL || length >= sizeof(lowered))
		return -ENOENT;
	for (size_t i = 0; i <= length; i++)
		lowered[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
	if (http_request_field(&connection->served.request, connection->in, lowered, &span) != 0)
		return -ENOENT;
	*value = (const char *)connection->in + span.offset;
	return (int)span.length;
}

int http_reply(struct http *http, struct http_exchange exchange, int status, const char *headers,
	const char *content_type, struct net_buffer *body, bool close)
{
	struct http_connection *connection = exchange_find(http, exchange);
	assert(status >= 200 && status <= 599 && strlen(headers) <= HTTP_HEADERS_MAX);
	if (connection == NULL) {
		http_body_release(http, &body);
		net_counter_increase(&http->counters.replies_dropped);
		return -ESTALE;
	}
	struct http_served *served = &connection->served;
	if (status == 204 && body != NULL)
		http_body_release(http, &body);
	connection->body_out = body;
	served->linger_after = close;
	served->close_after = served->close_after || close || http->stopped;
	http_connection_set(http, connection, SERVER_REPLYING);
	http_answer_write(connection, status, headers, content_type);
	answer_start(http, connection);
	if (connection->state == SERVER_REPLYING)
		return 0;
	net_counter_increase(&http->counters.replies_dropped);
	return -ESTALE;
}
