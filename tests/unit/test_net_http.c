/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP layer over a scripted transport: orders of events that sockets on loopback rarely or
 * never show, and what the layer asks of its transport.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/net/http.h"

#define SLOTS 8
#define SECOND 1000000000ull

struct script {
	struct transport transport; /* first */
	/* what the next poll gives */
	struct transport_event events[16];
	unsigned event_count;
	/* what was asked */
	uint32_t generation[SLOTS];
	bool open[SLOTS], sending[SLOTS], paused[SLOTS], finished[SLOTS];
	uint32_t kept[SLOTS]; /* bytes given back */
	unsigned sends[SLOTS], closes[SLOTS], connects;
	char sent[SLOTS][4096]; /* all that was given to send(), NUL-terminated */
	int send_result;
};

static struct script script;
static struct http *http;
static unsigned buffers_out;
static uint64_t now;
static struct http_event events[8];

static struct script *script_of(struct transport *transport)
{
	return (struct script *)transport;
}

static int script_listen(struct transport *transport, const struct sockaddr_in *address)
{
	(void)transport;
	(void)address;
	return 0;
}

static void script_stop(struct transport *transport)
{
	(void)transport;
}

static uint32_t slot_open(void)
{
	uint32_t index = 0;
	while (script.open[index])
		index++;
	cr_assert_lt(index, SLOTS);
	script.open[index] = true;
	script.sending[index] = false;
	script.paused[index] = false;
	script.finished[index] = false;
	script.sent[index][0] = '\0';
	script.generation[index]++;
	return index;
}

static int script_connect(struct transport *transport, const struct sockaddr_in *address,
	struct transport_connection *connection)
{
	(void)transport;
	(void)address;
	script.connects++;
	connection->index = slot_open();
	connection->generation = script.generation[connection->index];
	return 0;
}

static int script_send(struct transport *transport, struct transport_connection connection,
	const struct iovec *iov, unsigned count)
{
	struct script *self = script_of(transport);
	cr_assert(self->open[connection.index]);
	cr_assert_eq(connection.generation, self->generation[connection.index]);
	cr_assert_not(self->sending[connection.index], "one send at a time");
	if (self->send_result != 0)
		return self->send_result;
	self->sending[connection.index] = true;
	self->sends[connection.index]++;
	for (unsigned i = 0; i < count; i++)
		strncat(self->sent[connection.index], iov[i].iov_base, iov[i].iov_len);
	return 0;
}

static void script_pause(
	struct transport *transport, struct transport_connection connection, int paused)
{
	script_of(transport)->paused[connection.index] = paused != 0;
}

static void script_keep(
	struct transport *transport, const struct transport_event *event, uint32_t taken)
{
	script_of(transport)->paused[event->connection.index] = true;
	script_of(transport)->kept[event->connection.index] += event->length - taken;
}

static void script_finish(struct transport *transport, struct transport_connection connection)
{
	cr_assert_not(script_of(transport)->sending[connection.index]);
	script_of(transport)->finished[connection.index] = true;
}

static int script_close(struct transport *transport, struct transport_connection connection)
{
	struct script *self = script_of(transport);
	if (!self->open[connection.index] ||
		connection.generation != self->generation[connection.index])
		return 0;
	self->closes[connection.index]++;
	/* While a send is under way the slot stays taken until RELEASED. */
	if (!self->sending[connection.index])
		self->open[connection.index] = false;
	return self->sending[connection.index] ? 1 : 0;
}

static unsigned script_poll(
	struct transport *transport, struct transport_event *into, unsigned events_max)
{
	struct script *self = script_of(transport);
	unsigned count = self->event_count;
	cr_assert_leq(count, events_max);
	memcpy(into, self->events, count * sizeof(*into));
	self->event_count = 0;
	return count;
}

static void script_wait(struct transport *transport, uint64_t timeout_ns)
{
	(void)transport;
	(void)timeout_ns;
}

static const struct transport_operations operations = {
	.listen = script_listen,
	.stop_listening = script_stop,
	.connect = script_connect,
	.send = script_send,
	.pause = script_pause,
	.keep = script_keep,
	.finish = script_finish,
	.close = script_close,
	.poll = script_poll,
	.wait = script_wait,
};

static struct transport_event *event_add(enum transport_event_type type, uint32_t index)
{
	struct transport_event *event = &script.events[script.event_count++];
	memset(event, 0, sizeof(*event));
	event->type = type;
	event->connection.index = index;
	event->connection.generation = script.generation[index];
	return event;
}

static uint32_t accept_one(void)
{
	uint32_t index = slot_open();
	event_add(TRANSPORT_ACCEPTED, index);
	return index;
}

static void receive(uint32_t index, const char *text)
{
	struct transport_event *event = event_add(TRANSPORT_RECEIVED, index);
	event->bytes = (const uint8_t *)text;
	event->length = (uint32_t)strlen(text);
}

static void sent(uint32_t index)
{
	cr_assert(script.sending[index]);
	script.sending[index] = false;
	event_add(TRANSPORT_SENT, index);
}

static void closed(uint32_t index, int error, uint32_t accepted_bytes)
{
	struct transport_event *event = event_add(TRANSPORT_CLOSED, index);
	event->error = error;
	event->accepted_bytes = accepted_bytes;
	script.open[index] = false;
}

static struct net_buffer *acquire(void *source, uint32_t capacity)
{
	(void)source;
	struct net_buffer *buffer = malloc(sizeof(*buffer) + capacity);
	buffer->capacity = capacity;
	buffer->length = 0;
	buffers_out++;
	return buffer;
}

static void release(void *source, struct net_buffer *buffer)
{
	(void)source;
	buffers_out--;
	free(buffer);
}

static struct net_buffer *text_buffer(const char *text)
{
	struct net_buffer *buffer = acquire(NULL, (uint32_t)strlen(text));
	memcpy(buffer->bytes, text, strlen(text));
	buffer->length = (uint32_t)strlen(text);
	return buffer;
}

static unsigned poll_once(void)
{
	now += 1000000;
	return http_poll(http, now, events, 8);
}

static void begin(uint32_t client_connections_max)
{
	static const struct http_route routes[] = {{"/a", "", 100, 0}};
	const struct net_buffer_source source = {acquire, release, NULL};
	const struct http_limits limits = {
		.connections_max = 4,
		.client_connections_max = client_connections_max,
		.endpoints_max = 4,
		.header_bytes_max = 256,
		.header_timeout_ns = SECOND,
		.body_timeout_ns = SECOND,
		.idle_timeout_ns = 10 * SECOND,
		.write_timeout_ns = SECOND,
		.retry_after_s = 1,
	};
	memset(&script, 0, sizeof(script));
	script.transport.operations = &operations;
	script.transport.connections_max = SLOTS;
	now = 1000 * SECOND;
	http = http_create(&script.transport, routes, 1, &limits, &source);
	cr_assert_not_null(http);
}

static void finish(void)
{
	http_destroy(http);
	cr_assert_eq(buffers_out, 0);
}

#define HEAD "POST /a HTTP/1.1\r\nHost: a\r\n"

Test(net_http, answer_waits_for_100_continue)
{
	begin(1);
	uint32_t one = accept_one();
	receive(one, HEAD "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	cr_assert_eq(poll_once(), 0);
	cr_assert_str_eq(script.sent[one], "HTTP/1.1 100 Continue\r\n\r\n");
	receive(one, "abc");
	cr_assert_eq(poll_once(), 1);
	cr_assert_eq(
		http_reply(http, events[0].exchange, 200, "", "a/b", events[0].body, false), 0);
	cr_assert_eq(script.sends[one], 1, "not before 100 has left");
	sent(one);
	poll_once();
	cr_assert_eq(script.sends[one], 2);
	cr_assert_not_null(strstr(script.sent[one], "\r\n\r\nabc"));
	cr_assert_eq(buffers_out, 1);
	sent(one);
	poll_once();
	cr_assert_eq(buffers_out, 0);
	cr_assert_eq(http_counters(http)->replies, 1);
	finish();
}

Test(net_http, refusal_waits_for_100_continue)
{
	begin(1);
	uint32_t one = accept_one();
	receive(one, HEAD "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	poll_once();
	now += 2 * SECOND; /* the body does not come, and 100 has not left */
	poll_once();
	cr_assert_eq(script.sends[one], 1);
	sent(one);
	poll_once();
	cr_assert_not_null(strstr(script.sent[one], "HTTP/1.1 408 "));
	sent(one);
	poll_once();
	cr_assert(script.finished[one]);
	cr_assert_eq(script.closes[one], 0, "lingers");
	receive(one, "late bytes");
	closed(one, 0, 0);
	poll_once();
	cr_assert_eq(http_counters(http)->connections_closed, 1);
	finish();
}

Test(net_http, buffer_stays_until_the_transport_releases_it)
{
	begin(1);
	uint32_t one = accept_one();
	receive(one, HEAD "Content-Length: 3\r\n\r\nabc");
	cr_assert_eq(poll_once(), 1);
	http_reply(http, events[0].exchange, 200, "", "a/b", events[0].body, false);
	now += 2 * SECOND;
	poll_once();
	cr_assert_eq(script.closes[one], 1);
	cr_assert_eq(buffers_out, 1, "the transport may still read it");
	cr_assert_eq(http_in_flight(http), 0);
	event_add(TRANSPORT_RELEASED, one);
	script.open[one] = false;
	poll_once();
	cr_assert_eq(buffers_out, 0);
	/* The slot can be used again. */
	cr_assert_eq(accept_one(), one);
	receive(one, HEAD "Content-Length: 1\r\n\r\nx");
	cr_assert_eq(poll_once(), 1);
	http_reply(http, events[0].exchange, 204, "", "", events[0].body, false);
	finish();
}

Test(net_http, events_of_a_connection_closed_in_the_same_poll)
{
	begin(1);
	uint32_t one = accept_one();
	receive(one, HEAD "Content-Length: 1\r\n\r\nx");
	closed(one, -ECONNRESET, 0);
	cr_assert_eq(poll_once(), 0, "the client has gone before the request was given out");
	cr_assert_eq(http_counters(http)->disconnected_midway, 1);
	cr_assert_eq(buffers_out, 0);
	/* Another one in the middle of the list of ready requests. */
	uint32_t slots[3];
	for (int i = 0; i < 3; i++) {
		slots[i] = accept_one();
		receive(slots[i], HEAD "Content-Length: 1\r\n\r\nx");
	}
	closed(slots[1], 0, 0);
	cr_assert_eq(poll_once(), 2);
	cr_assert_eq(events[0].exchange.connection, slots[0]);
	cr_assert_eq(events[1].exchange.connection, slots[2]);
	for (int i = 0; i < 2; i++)
		http_reply(http, events[i].exchange, 200, "", "", events[i].body, false);
	finish();
}

Test(net_http, requests_wait_when_the_caller_has_no_room)
{
	begin(1);
	for (int i = 0; i < 3; i++)
		receive(accept_one(), HEAD "Content-Length: 1\r\n\r\nx");
	now += 1000000;
	for (uint32_t i = 0; i < 3; i++) {
		cr_assert_eq(http_poll(http, now, events, 1), 1);
		cr_assert_eq(events[0].exchange.connection, i);
		http_reply(http, events[0].exchange, 200, "", "", events[0].body, false);
	}
	cr_assert_eq(http_poll(http, now, events, 1), 0);
	finish();
}

Test(net_http, bytes_that_do_not_fit_are_given_back)
{
	static char flood[301];
	begin(1);
	memset(flood, 'x', sizeof(flood) - 1);
	uint32_t one = accept_one();
	receive(one, HEAD "Content-Length: 1\r\n\r\nx");
	receive(one, flood);
	receive(one, "more");
	cr_assert_eq(poll_once(), 1);
	uint32_t head = sizeof(HEAD "Content-Length: 1\r\n\r\n") - 1;
	cr_assert_eq(script.kept[one], 300 - (256 - head) + 4);
	cr_assert(script.paused[one]);
	http_reply(http, events[0].exchange, 200, "", "a/b", events[0].body, false);
	sent(one);
	poll_once();
	cr_assert_not(script.paused[one]);
	finish();
}

static int endpoint_make(void)
{
	int endpoint = http_endpoint(http, "http://127.0.0.1:1/x", 7, 4);
	cr_assert_geq(endpoint, 0);
	return endpoint;
}

static uint64_t expires_ns; /* of the next posts */

static int post(int endpoint, uint64_t cookie)
{
	struct net_buffer *body = text_buffer("body");
	const struct http_post request = {
		.endpoint = endpoint,
		.headers = "",
		.content_type = "a/b",
		.body = body,
		.cookie = cookie,
		.timeout_ns = SECOND,
		.expires_ns = expires_ns,
		.response_bytes_max = 100,
	};
	int result = http_post(http, &request, now);
	if (result != 0)
		release(NULL, body);
	return result;
}

/* A connection that has served one post and is kept. */
static uint32_t kept_connection(int endpoint)
{
	cr_assert_eq(post(endpoint, 1), 0);
	uint32_t one = 0;
	event_add(TRANSPORT_CONNECTED, one);
	poll_once();
	sent(one);
	receive(one, "HTTP/1.1 204 No Content\r\n\r\n");
	cr_assert_eq(poll_once(), 1);
	cr_assert_eq(events[0].status, 204);
	cr_assert_eq(script.closes[one], 0);
	return one;
}

Test(net_http, answer_before_the_request_has_left_ends_the_connection)
{
	begin(2);
	int endpoint = endpoint_make();
	cr_assert_eq(post(endpoint, 1), 0);
	event_add(TRANSPORT_CONNECTED, 0);
	poll_once();
	receive(0, "HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n");
	cr_assert_eq(poll_once(), 1);
	cr_assert_eq(events[0].status, 413);
	cr_assert_eq(script.closes[0], 1);
	cr_assert_eq(buffers_out, 1);
	event_add(TRANSPORT_RELEASED, 0);
	script.open[0] = false;
	poll_once();
	cr_assert_eq(buffers_out, 0);
	finish();
}

Test(net_http, results_are_bounded_while_nobody_takes_them)
{
	begin(1);
	int endpoint = endpoint_make();
	kept_connection(endpoint);
	cr_assert_eq(post(endpoint, 2), 0);
	poll_once();
	sent(0);
	receive(0, "HTTP/1.1 204 No Content\r\n\r\n");
	cr_assert_eq(http_poll(http, now, events, 0), 0);
	cr_assert_eq(post(endpoint, 3), -EAGAIN);
	cr_assert_eq(http_in_flight(http), 1);
	cr_assert_eq(http_poll(http, now, events, 8), 1);
	cr_assert_eq(events[0].cookie, 2);
	cr_assert_eq(post(endpoint, 3), 0);
	finish();
}

Test(net_http, post_is_repeated_only_when_nothing_was_accepted)
{
	static const struct {
		uint32_t accepted_bytes;
		bool repeated;
	} rows[] = {{0, true}, {1, false}};
	for (int i = 0; i < 2; i++) {
		begin(4);
		int endpoint = endpoint_make();
		uint32_t one = kept_connection(endpoint);
		cr_assert_eq(post(endpoint, 2), 0);
		cr_assert_eq(script.sends[one], 1, "sent at the end of the poll");
		poll_once();
		cr_assert_eq(script.sends[one], 2);
		unsigned connects = script.connects;
		closed(one, -EPIPE, rows[i].accepted_bytes);
		unsigned count = poll_once();
		cr_assert_eq(script.connects - connects, rows[i].repeated ? 1 : 0);
		if (!rows[i].repeated) {
			cr_assert_eq(count, 1);
			cr_assert_eq(events[0].status, -ECONNRESET);
		} else {
			/* Once only: the new connection fails, too. */
			closed(0, -ECONNREFUSED, 0);
			cr_assert_eq(poll_once(), 1);
			cr_assert_eq(events[0].status, -ECONNREFUSED);
			cr_assert_eq(events[0].cookie, 2);
			cr_assert_eq(script.connects - connects, 1);
		}
		finish();
	}
}

Test(net_http, time_of_a_repeated_post_is_that_of_the_first)
{
	begin(4);
	int endpoint = endpoint_make();
	uint32_t one = kept_connection(endpoint);
	cr_assert_eq(post(endpoint, 2), 0);
	now += SECOND / 2;
	closed(one, 0, 0);
	cr_assert_eq(poll_once(), 0);
	cr_assert_eq(http_counters(http)->posts_replaced, 1);
	event_add(TRANSPORT_CONNECTED, one);
	cr_assert_eq(poll_once(), 0);
	cr_assert_eq(strncmp(script.sent[one], "POST /x HTTP/1.1\r\n", 18), 0, "the same slot");
	now += SECOND / 2 + 20000000;
	cr_assert_eq(poll_once(), 1);
	cr_assert_eq(events[0].status, -ETIMEDOUT);
	finish();
}

Test(net_http, post_is_not_sent_when_its_permission_has_ended)
{
	begin(4);
	int endpoint = endpoint_make();
	expires_ns = now + 5000000;
	cr_assert_eq(post(endpoint, 1), 0);
	now += 5000001;
	event_add(TRANSPORT_CONNECTED, 0);
	cr_assert_eq(poll_once(), 1);
	cr_assert_eq(events[0].status, -ETIME);
	cr_assert_eq(events[0].cookie, 1);
	cr_assert_eq(script.sends[0], 0);
	/* The connection is there for the next one, which is in time. */
	expires_ns = now + 5000000;
	cr_assert_eq(post(endpoint, 2), 0);
	poll_once();
	cr_assert_eq(script.connects, 1);
	cr_assert_eq(script.sends[0], 1);
	sent(0);
	receive(0, "HTTP/1.1 204 No Content\r\n\r\n");
	cr_assert_eq(poll_once(), 1);
	cr_assert_eq(events[0].status, 204);
	/* A kept connection waits for the end of the poll, which may come too late. */
	expires_ns = now + 1000;
	cr_assert_eq(post(endpoint, 3), 0);
	now += 2000;
	cr_assert_eq(poll_once(), 1);
	cr_assert_eq(events[0].status, -ETIME);
	cr_assert_eq(script.sends[0], 1);
	cr_assert_eq(script.closes[0], 0);
	finish();
}

Test(net_http, answer_to_nothing)
{
	begin(4);
	int endpoint = endpoint_make();
	uint32_t one = kept_connection(endpoint);
	cr_assert_eq(post(endpoint, 2), 0);
	/* Bytes that came before the request was sent cannot be its answer. */
	receive(one, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	cr_assert_eq(poll_once(), 1);
	cr_assert_eq(events[0].status, -EPROTO);
	cr_assert_eq(script.closes[one], 1);
	finish();
}

Test(net_http, transport_that_refuses_to_send)
{
	begin(4);
	uint32_t one = accept_one();
	receive(one, HEAD "Content-Length: 1\r\n\r\nx");
	cr_assert_eq(poll_once(), 1);
	script.send_result = -ESTALE;
	cr_assert_eq(
		http_reply(http, events[0].exchange, 200, "", "", events[0].body, false), -ESTALE);
	cr_assert_eq(http_counters(http)->replies_dropped, 1);
	cr_assert_eq(script.closes[one], 1);
	cr_assert_eq(buffers_out, 0);
	finish();
}

Test(net_http, limits_that_make_no_sense)
{
	static const struct http_route route = {"/a", "", 100, 0};
	const struct net_buffer_source source = {acquire, release, NULL};
	struct http_limits good = {4, 1, 4, 256, 1, 1, 1, 1, 1}, bad;
	begin(1);
	for (int i = 0; i < 6; i++) {
		bad = good;
		if (i == 0)
			bad.header_timeout_ns = 0;
		else if (i == 1)
			bad.body_timeout_ns = 0;
		else if (i == 2)
			bad.idle_timeout_ns = 0;
		else if (i == 3)
			bad.write_timeout_ns = 0;
		else if (i == 4)
			bad.header_bytes_max = 255;
		else
			bad.connections_max = SLOTS + 1;
		errno = 0;
		cr_assert_null(http_create(&script.transport, &route, 1, &bad, &source));
		cr_assert_eq(errno, EINVAL, "row %d", i);
	}
	finish();
}
