/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a connection; the picture of its states is in http_connection.h.
 *
 * A connection carries one post at a time. After an answer it is kept, in the list of its endpoint
 * (the last used first) and in one of all endpoints (whose last one gives way when the instance has
 * no connection left). A post on a kept connection is sent only at the end of the next poll: by
 * then we know whether the server has closed it meanwhile, and can make a new one instead without
 * any doubt about what the server has seen.
 *
 * Each post has one entry in the ring of results from its beginning, so that a result never lacks
 * room.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "dataplane/net/http_client.h"
#include "dataplane/net/http_text.h"

/* Lists of kept connections */

static void idle_add(struct http *http, struct http_connection *connection)
{
	struct http_posted *posted = &connection->posted;
	struct http_endpoint *endpoint = &http->endpoints[posted->endpoint];
	uint32_t index = http_index(http, connection);
	posted->idle_previous = HTTP_NONE;
	posted->idle_next = endpoint->idle_first;
	if (posted->idle_next != HTTP_NONE)
		http->connections[posted->idle_next].posted.idle_previous = index;
	endpoint->idle_first = index;
	posted->all_previous = HTTP_NONE;
	posted->all_next = http->idle_first;
	if (posted->all_next != HTTP_NONE)
		http->connections[posted->all_next].posted.all_previous = index;
	else
		http->idle_last = index;
	http->idle_first = index;
}

void http_client_unlist(struct http *http, struct http_connection *connection)
{
	struct http_posted *posted = &connection->posted;
	struct http_endpoint *endpoint = &http->endpoints[posted->endpoint];
	if (posted->idle_previous != HTTP_NONE)
		http->connections[posted->idle_previous].posted.idle_next = posted->idle_next;
	else
		endpoint->idle_first = posted->idle_next;
	if (posted->idle_next != HTTP_NONE)
		http->connections[posted->idle_next].posted.idle_previous = posted->idle_previous;
	if (posted->all_previous != HTTP_NONE)
		http->connections[posted->all_previous].posted.all_next = posted->all_next;
	else
		http->idle_first = posted->all_next;
	if (posted->all_next != HTTP_NONE)
		http->connections[posted->all_next].posted.all_previous = posted->all_previous;
	else
		http->idle_last = posted->all_previous;
}

/* Results */

static struct http_event *result_add(
	struct http *http, uint64_t cookie, int status, struct net_buffer *body)
{
	uint32_t size = http->limits.client_connections_max;
	assert(http->result_count < size);
	struct http_event *event = &http->results[(http->result_first + http->result_count) % size];
	memset(event, 0, sizeof(*event));
	event->type = HTTP_RESPONSE;
	event->cookie = cookie;
	event->status = status;
	event->body = body;
	http->result_count++;
	if (status > 0)
		net_counter_increase(&http->counters.posts_answered);
	else
		net_counter_increase(&http->counters.posts_failed);
	return event;
}

bool http_client_event(struct http *http, struct http_event *event)
{
	if (http->result_count == 0)
		return false;
	*event = http->results[http->result_first];
	http->result_first = (http->result_first + 1) % http->limits.client_connections_max;
	http->result_count--;
	http->posts_open--;
	return true;
}

/* Keep the connection for the next post. */
static void keep(struct http *http, struct http_connection *connection)
{
	http_connection_set(http, connection, CLIENT_IDLE);
	http_connection_expire(http, connection, http->limits.idle_timeout_ns);
	idle_add(http, connection);
}

/* The answer is complete; `behind` bytes have followed it. */
static void post_finish(struct http *http, struct http_connection *connection, uint32_t behind)
{
	struct http_posted *posted = &connection->posted;
	struct net_buffer *body = connection->body_in;
	connection->body_in = NULL;
	if (body != NULL && body->length == 0)
		http_body_release(http, &body);
	http->endpoints[posted->endpoint].busy--;
	struct http_event *event = result_add(http, posted->cookie, posted->response.status, body);
	event->exchange.connection = http_index(http, connection);
	event->exchange.generation = connection->generation;
	/* An answer before the end of the request, or bytes that nobody has asked for: the two
	 * sides do not agree about where they are. */
	if (!posted->response.persistent || connection->sending || behind > 0 || http->stopped) {
		http_connection_close(http, connection);
		return;
	}
	keep(http, connection);
}

/* The post is over, and so is the connection. */
static void post_fail(struct http *http, struct http_connection *connection, int error)
{
	struct http_posted *posted = &connection->posted;
	if (connection->state == CLIENT_BODY && posted->response_bytes_max == 0) {
		/* Only what nobody wants is missing: the server has answered. */
		posted->response.persistent = false;
		post_finish(http, connection, 0);
		return;
	}
	http->endpoints[posted->endpoint].busy--;
	http_body_release(http, &connection->body_in);
	result_add(http, posted->cookie, error, NULL);
	http_connection_close(http, connection);
}

/* Beginning */

static void head_write(const struct http_endpoint *endpoint, struct http_connection *connection,
	const char *headers, const char *content_type)
{
	const struct net_buffer *body = connection->body_out;
	struct http_text text = {.bytes = connection->out, .size = HTTP_OUT_SIZE};
	http_text_add(&text, "POST ");
	http_text_add(&text, endpoint->path);
	http_text_add(&text, " HTTP/1.1\r\nHost: ");
	http_text_add(&text, endpoint->host);
	if (body != NULL && content_type[0] != '\0') {
		http_text_add(&text, "\r\nContent-Type: ");
		http_text_add(&text, content_type);
	}
	http_text_add(&text, "\r\nContent-Length: ");
	http_text_number(&text, body != NULL ? body->length : 0);
	http_text_add(&text, "\r\n");
	http_text_add(&text, headers);
	http_text_add(&text, "\r\n");
	assert(!text.full); /* see HTTP_HEADERS_MAX */
	connection->out_length = text.length;
}

static void queued_add(struct http *http, struct http_connection *connection)
{
	uint32_t index = http_index(http, connection);
	connection->posted.queued_next = HTTP_NONE;
	if (http->queued_last == HTTP_NONE)
		http->queued_first = index;
	else
		http->connections[http->queued_last].posted.queued_next = index;
	http->queued_last = index;
}

static void queued_remove(struct http *http, struct http_connection *connection)
{
	uint32_t index = http_index(http, connection), previous = HTTP_NONE;
	for (uint32_t at = http->queued_first; at != index;
		at = http->connections[at].posted.queued_next)
		previous = at;
	uint32_t next = connection->posted.queued_next;
	if (previous == HTTP_NONE)
		http->queued_first = next;
	else
		http->connections[previous].posted.queued_next = next;
	if (http->queued_last == index)
		http->queued_last = previous;
}

/* A connection for the endpoint, being made. NULL and *error. */
static struct http_connection *connection_make(
	struct http *http, struct http_endpoint *endpoint, int *error)
{
	struct transport_connection name;
	if (http->client_count >= http->limits.client_connections_max) {
		/* A kept connection that another endpoint can do without. */
		*error = -EAGAIN;
		if (http->idle_last == HTTP_NONE)
			return NULL;
		http_connection_close(http, &http->connections[http->idle_last]);
	}
	*error = http->transport->operations->connect(http->transport, &endpoint->address, &name);
	if (*error != 0)
		return NULL;
	struct http_connection *connection = http_connection_begin(http, name, CLIENT_CONNECTING);
	connection->posted.endpoint = (int)(endpoint - http->endpoints);
	endpoint->connections++;
	http->client_count++;
	return connection;
}

static struct http_connection *connection_reuse(struct http *http, struct http_endpoint *endpoint)
{
	struct http_connection *connection = &http->connections[endpoint->idle_first];
	http_client_unlist(http, connection);
	connection->posted.kept = true;
	connection->posted.replaced = false;
	connection->posted.answered = false;
	connection->in_length = 0;
	connection->head_length = 0;
	http_connection_set(http, connection, CLIENT_QUEUED);
	queued_add(http, connection);
	return connection;
}

int http_post(struct http *http, const struct http_post *post, uint64_t now_ns)
{
	struct http_endpoint *endpoint = http_endpoint_named(http, post->endpoint);
	struct http_connection *connection;
	int error = 0;
	assert(strlen(post->headers) <= HTTP_HEADERS_MAX);
	if (endpoint == NULL)
		return -ESTALE;
	if (http->posts_open >= http->limits.client_connections_max)
		return -EAGAIN;
	http_now_set(http, now_ns);
	endpoint->used_order = ++http->endpoint_order;
	if (endpoint->idle_first != HTTP_NONE)
		connection = connection_reuse(http, endpoint);
	else if (endpoint->connections >= endpoint->connections_max)
		return -EAGAIN;
	else
		connection = connection_make(http, endpoint, &error);
	if (error == -EAGAIN)
		return -EAGAIN;
	net_counter_increase(&http->counters.posts);
	http->posts_open++;
	http->work++;
	if (connection == NULL) {
		struct net_buffer *body = post->body;
		http_body_release(http, &body);
		result_add(http, post->cookie, error, NULL);
		return 0;
	}
	endpoint->busy++;
	connection->body_out = post->body;
	connection->posted.cookie = post->cookie;
	connection->posted.expires_ns = post->expires_ns;
	connection->posted.response_bytes_max = post->response_bytes_max;
	http_response_begin(&connection->posted.response, http->limits.header_bytes_max);
	head_write(endpoint, connection, post->headers, post->content_type);
	http_connection_expire(http, connection, post->timeout_ns);
	return 0;
}

/* The permission to send came to its end before the connection was ready. */
static void post_forgo(struct http *http, struct http_connection *connection)
{
	struct http_posted *posted = &connection->posted;
	http->endpoints[posted->endpoint].busy--;
	http_body_release(http, &connection->body_out);
	result_add(http, posted->cookie, -ETIME, NULL);
	if (http->stopped)
		http_connection_close(http, connection);
	else
		keep(http, connection);
}

static void send_start(struct http *http, struct http_connection *connection)
{
	uint64_t expires_ns = connection->posted.expires_ns;
	if (expires_ns != 0 && http->now_ns > expires_ns) {
		post_forgo(http, connection);
		return;
	}
	http_connection_set(http, connection, CLIENT_WAITING);
	/* When it fails, CLOSED follows and says why. */
	connection->posted.unsent = http_connection_send(http, connection) != 0;
}

void http_client_connected(struct http *http, struct http_connection *connection)
{
	if (connection->state == CLIENT_CONNECTING)
		send_start(http, connection);
}

void http_client_flush(struct http *http)
{
	while (http->queued_first != HTTP_NONE) {
		struct http_connection *connection = &http->connections[http->queued_first];
		queued_remove(http, connection);
		send_start(http, connection);
	}
}

/* Do the post of a kept connection that is gone on a new one. */
static void post_replace(struct http *http, struct http_connection *gone)
{
	struct http_endpoint *endpoint = &http->endpoints[gone->posted.endpoint];
	struct net_buffer *body = gone->body_out;
	uint64_t deadline_ns = gone->timer.deadline_ns;
	uint64_t cookie = gone->posted.cookie;
	uint64_t expires_ns = gone->posted.expires_ns;
	uint32_t response_bytes_max = gone->posted.response_bytes_max;
	uint32_t out_length = gone->out_length;
	int error;
	gone->body_out = NULL;
	http_connection_end(http, gone);
	struct http_connection *connection = connection_make(http, endpoint, &error);
	if (connection == NULL) {
		endpoint->busy--;
		http_body_release(http, &body);
		result_add(http, cookie, error == -EAGAIN ? -ECONNRESET : error, NULL);
		return;
	}
	net_counter_increase(&http->counters.posts_replaced);
	connection->body_out = body;
	connection->posted.cookie = cookie;
	connection->posted.expires_ns = expires_ns;
	connection->posted.response_bytes_max = response_bytes_max;
	connection->posted.replaced = true;
	http_response_begin(&connection->posted.response, http->limits.header_bytes_max);
	/* The transport may have given the same slot again. */
	memmove(connection->out, gone->out, out_length);
	connection->out_length = out_length;
	http_timer_start(&http->timers, &connection->timer, deadline_ns);
}

/* The answer */

static int body_take(struct http *http, struct http_connection *connection, uint32_t capacity)
{
	connection->body_in = http->buffers.acquire(http->buffers.source, capacity);
	if (connection->body_in == NULL)
		return -ENOBUFS;
	assert(connection->body_in->capacity >= capacity);
	connection->body_in->length = 0;
	return 0;
}

/* The header of the answer is complete. 0 or the post's error. */
static int answer_begin(struct http *http, struct http_connection *connection)
{
	struct http_posted *posted = &connection->posted;
	bool wanted = posted->response_bytes_max > 0;
	uint32_t capacity = wanted ? posted->response_bytes_max : HTTP_DRAIN_BYTES_MAX;
	memset(&posted->chunked, 0, sizeof(posted->chunked));
	posted->drained_bytes = 0;
	http_connection_set(http, connection, CLIENT_BODY);
	if (posted->response.framing == HTTP_LENGTH) {
		if (posted->response.content_length > capacity)
			return -EMSGSIZE;
		capacity = (uint32_t)posted->response.content_length;
		connection->body_missing = capacity;
	}
	if (!wanted || posted->response.framing == HTTP_NO_BODY)
		return 0;
	return body_take(http, connection, capacity);
}

/* Returns the length of the answer's header in bytes[0 .. length) once it is complete, all bytes
 * being new, -EAGAIN, or the post's error. */
static int header_received(struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length)
{
	struct http_response *response = &connection->posted.response;
	uint32_t before = connection->in_length, behind;
	struct http_fault fault;
	const uint8_t *all = bytes;
	if (before > 0) {
		http_in_append(http, connection, bytes, length);
		all = connection->in;
		behind = connection->in_length;
	} else {
		behind = length;
	}
	int result = http_response_parse(response, all, behind, &fault);
	if (result == -EAGAIN) {
		if (before == 0)
			http_in_append(http, connection, bytes, length);
		return -EAGAIN;
	}
	/* The header stays in `in`, for http_response_header(). */
	if (result > 0 && before == 0)
		http_in_append(http, connection, bytes, (uint32_t)result);
	connection->head_length = result > 0 ? (uint32_t)result : 0;
	connection->in_length = 0;
	return result < 0 ? -EPROTO : result - (int)before;
}

/* Returns how many bytes belonged to the body and sets *complete, or the post's error. */
static int body_received(
	struct http_connection *connection, const uint8_t *bytes, uint32_t length, bool *complete)
{
	struct http_posted *posted = &connection->posted;
	struct net_buffer *body = connection->body_in;
	struct http_sink sink = {NULL, HTTP_DRAIN_BYTES_MAX, posted->drained_bytes};
	int result = 0;
	*complete = false;
	if (body != NULL)
		sink = (struct http_sink){body->bytes, posted->response_bytes_max, body->length};
	switch (posted->response.framing) {
	case HTTP_LENGTH:
		if (length > connection->body_missing)
			length = connection->body_missing;
		result = http_sink_add(&sink, bytes, length);
		connection->body_missing -= length;
		*complete = connection->body_missing == 0;
		break;
	case HTTP_CHUNKED:
		result = http_chunked_read(&posted->chunked, bytes, length, &sink);
		*complete = result > 0;
		break;
	case HTTP_TO_CLOSE:
		result = http_sink_add(&sink, bytes, length);
		break;
	case HTTP_NO_BODY:
	default:
		*complete = true;
		return 0;
	}
	if (body != NULL)
		body->length = sink.length;
	else
		posted->drained_bytes = sink.length;
	if (result == -EBADMSG)
		return -EPROTO;
	return result == 0 || result == -EAGAIN ? (int)length : result;
}

/* Take bytes of the answer's header and, behind 1xx answers, of the next one's. Returns how many
 * stand before the body, or the post's error; the state is CLIENT_BODY when the header is complete.
 */
static int headers_received(struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length)
{
	struct http_posted *posted = &connection->posted;
	uint32_t taken = 0;
	while (taken < length) {
		int result = header_received(http, connection, bytes + taken, length - taken);
		if (result == -EAGAIN)
			return (int)length;
		if (result < 0)
			return result;
		taken += (uint32_t)result;
		if (posted->response.status >= 200) {
			result = answer_begin(http, connection);
			return result < 0 ? result : (int)taken;
		}
		http_response_begin(&posted->response, http->limits.header_bytes_max);
	}
	return (int)taken;
}

uint32_t http_client_received(struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length)
{
	bool complete = false;
	uint32_t taken = 0;
	int result = 0;
	if (connection->state == CLIENT_IDLE) {
		/* Nothing was asked: often 408 before the server closes. */
		http_connection_close(http, connection);
		return length;
	}
	if (connection->state == CLIENT_CONNECTING || connection->state == CLIENT_QUEUED) {
		/* An answer that nobody has asked for cannot be told from that to the post. */
		if (connection->state == CLIENT_QUEUED)
			queued_remove(http, connection);
		post_fail(http, connection, -EPROTO);
		return length;
	}
	connection->posted.answered = true;
	if (connection->state == CLIENT_WAITING) {
		result = headers_received(http, connection, bytes, length);
		taken = result > 0 ? (uint32_t)result : 0;
	}
	if (result >= 0 && connection->state == CLIENT_BODY) {
		result = body_received(connection, bytes + taken, length - taken, &complete);
		taken += result > 0 ? (uint32_t)result : 0;
	}
	if (result < 0)
		post_fail(http, connection, result);
	else if (complete)
		post_finish(http, connection, length - taken);
	return length;
}

void http_client_sent(struct http *http, struct http_connection *connection)
{
	http_body_release(http, &connection->body_out);
}

void http_client_closed(
	struct http *http, struct http_connection *connection, const struct transport_event *event)
{
	struct http_posted *posted = &connection->posted;
	int error = event->error != 0 && event->error != -EPIPE ? event->error : -ECONNRESET;
	bool untouched =
		connection->state == CLIENT_QUEUED ||
		(connection->state == CLIENT_WAITING && posted->kept && !posted->answered &&
			(posted->unsent || event->accepted_bytes == 0));
	if (connection->state == CLIENT_IDLE) {
		http_connection_end(http, connection);
	} else if (untouched && !posted->replaced) {
		if (connection->state == CLIENT_QUEUED)
			queued_remove(http, connection);
		post_replace(http, connection);
	} else if (connection->state == CLIENT_BODY && event->error == 0 &&
		   posted->response.framing == HTTP_TO_CLOSE) {
		posted->response.persistent = false;
		post_finish(http, connection, 0);
	} else {
		post_fail(http, connection, error);
	}
}

void http_client_expired(struct http *http, struct http_connection *connection)
{
	if (connection->state == CLIENT_IDLE) {
		net_counter_increase(&http->counters.expired_idle);
		http_connection_close(http, connection);
		return;
	}
	if (connection->state == CLIENT_QUEUED)
		queued_remove(http, connection);
	post_fail(http, connection, -ETIMEDOUT);
}

int http_response_header(const struct http *http, struct http_exchange exchange, const char *name,
	const char **value)
{
	char lowered[64];
	struct http_lines lines = {0};
	struct http_span line, field, found;
	struct http_fault fault;
	size_t length = strlen(name);
	if (exchange.connection >= http->transport->connections_max || length >= sizeof(lowered))
		return -ENOENT;
	/* A connection that is gone keeps its header until its slot is taken again. */
	const struct http_connection *connection = &http->connections[exchange.connection];
	if (connection->generation != exchange.generation)
		return -ENOENT;
	for (size_t i = 0; i <= length; i++)
		lowered[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
	uint32_t end = connection->head_length;
	while (http_line_next(&lines, connection->in, end, end + 1, &line, &fault) > 0)
		if (http_field_split(connection->in, line, &field, &found, &fault) == 0 &&
			http_span_is(connection->in, field, lowered)) {
			*value = (const char *)connection->in + found.offset;
			return (int)found.length;
		}
	return -ENOENT;
}
