/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client over loopback, against servers that are raw sockets, and against our own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_fixture.h"

static char text[65536];

struct bench {
	struct fixture *fixture;
	int listener;
	uint16_t port;
	int endpoint;
	uint32_t response_bytes_max; /* of the next posts */
	char url[64];
};

static struct bench bench_open(const struct http_limits *limits, uint32_t connections_max)
{
	struct bench bench;
	bench.fixture = fixture_open(limits);
	bench.listener = fixture_listen(&bench.port);
	snprintf(bench.url, sizeof(bench.url), "http://localhost:%u/take/it?now", bench.port);
	bench.endpoint = http_endpoint(bench.fixture->http, bench.url, 0, connections_max);
	bench.response_bytes_max = 4096;
	cr_assert_geq(bench.endpoint, 0);
	return bench;
}

static struct bench bench_default(void)
{
	struct http_limits limits = fixture_limits();
	return bench_open(&limits, 4);
}

static void bench_close(struct bench *bench)
{
	close(bench->listener);
	fixture_close(bench->fixture);
}

static int post(struct bench *bench, const char *body, uint64_t cookie)
{
	const struct http_post request = {
		.endpoint = bench->endpoint,
		.headers = "X-Mine: 1\r\n",
		.content_type = "application/xml",
		.body = fixture_buffer(bench->fixture, body, (uint32_t)strlen(body)),
		.cookie = cookie,
		.timeout_ns = 2 * FIXTURE_SECOND,
		.response_bytes_max = bench->response_bytes_max,
	};
	int result = http_post(bench->fixture->http, &request, fixture_now(bench->fixture));
	if (result != 0)
		fixture_buffer_free(bench->fixture, request.body);
	return result;
}

/* Post, let the server say `answer` on its connection, and end it if wanted. Returns the outcome.
 */
static struct http_event exchange(
	struct bench *bench, int *connection, const char *answer, bool end)
{
	struct fixture *fixture = bench->fixture;
	unsigned count = fixture->response_count;
	cr_assert_eq(post(bench, "<body/>", 1000 + count), 0);
	if (*connection < 0)
		*connection = fixture_accept(fixture, bench->listener);
	cr_assert(fixture_read_until(fixture, *connection, text, sizeof(text), "<body/>"));
	fixture_say(fixture, *connection, answer);
	if (end) {
		close(*connection);
		*connection = -1;
	}
	fixture_pump_until(fixture, &fixture->response_count, count + 1);
	struct http_event event = fixture->responses[count];
	cr_assert_eq(event.type, HTTP_RESPONSE);
	cr_assert_eq(event.cookie, 1000 + count);
	return event;
}

static void assert_body(const struct http_event *event, const char *body)
{
	if (body[0] == '\0') {
		cr_assert_null(event->body);
		return;
	}
	cr_assert_not_null(event->body);
	cr_assert_eq(event->body->length, strlen(body));
	cr_assert_eq(memcmp(event->body->bytes, body, strlen(body)), 0);
}

Test(net_client, request_as_it_leaves)
{
	struct bench bench = bench_default();
	char wanted[512];
	int connection = -1;
	struct http_event event = exchange(
		&bench, &connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false);
	cr_assert_eq(event.status, 200);
	assert_body(&event, "ok");
	snprintf(wanted, sizeof(wanted),
		"POST /take/it?now HTTP/1.1\r\nHost: localhost:%u\r\n"
		"Content-Type: application/xml\r\nContent-Length: 7\r\nX-Mine: 1\r\n\r\n<body/>",
		bench.port);
	cr_assert_str_eq(text, wanted);
	close(connection);
	bench_close(&bench);
}

Test(net_client, kept_connection_is_used_again)
{
	struct bench bench = bench_default();
	int connection = -1;
	for (int i = 0; i < 5; i++) {
		struct http_event event =
			exchange(&bench, &connection, "HTTP/1.1 204 No Content\r\n\r\n", false);
		cr_assert_eq(event.status, 204);
		cr_assert_null(event.body);
	}
	cr_assert_lt(accept(bench.listener, NULL, NULL), 0, "only one connection");
	cr_assert_eq(http_counters(bench.fixture->http)->posts_answered, 5);
	cr_assert_eq(http_in_flight(bench.fixture->http), 0);
	close(connection);
	bench_close(&bench);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct {
	const char *answer;
	bool end;
	int status;
	const char *body;
	bool kept;
} answers[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, 200, "abc", true},
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", false, 200, "abc",
		false},
	{"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nabc", false, 400, "abc", true},
	{"HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n", false, 500, "", true},
	{"HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", false, 304, "", true},
	{CHUNKED "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\n", false, 200, "abcde", true},
	{CHUNKED "0\r\n\r\n", false, 200, "", true},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\n"
	 "HTTP/1.1 202 Fine\r\nContent-Length: 1\r\n\r\na",
		false, 202, "a", true},
	{"HTTP/1.0 200 OK\r\n\r\nuntil the end", true, 200, "until the end", false},
	{"HTTP/1.1 200 OK\r\n\r\n", true, 200, "", false},
	{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", false, 200, "a", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", false, 200, "a", false},
	/* Errors */
	{"hello", true, -ECONNRESET, "", false},
	{"hello\r\n\r\n", false, -EPROTO, "", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", false, -EPROTO, "", false},
	{"HTTP/1.1 200 OK\nContent-Length: 0\n\n", false, -EPROTO, "", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", true, -ECONNRESET, "", false},
	{CHUNKED "3\r\nabc\r\n", true, -ECONNRESET, "", false},
	{CHUNKED "x\r\nabc\r\n", false, -EPROTO, "", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n", false, -EMSGSIZE, "", false},
	{CHUNKED "1001\r\n", true, -ECONNRESET, "", false},
	{"HTTP/1.1 101 Up\r\n\r\n", false, -EPROTO, "", false},
	{"", true, -ECONNRESET, "", false},
};

Test(net_client, answers)
{
	struct bench bench = bench_default();
	for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		int connection = -1;
		struct http_event event =
			exchange(&bench, &connection, answers[i].answer, answers[i].end);
		cr_assert_eq(event.status, answers[i].status, "row %u: %d", i, event.status);
		assert_body(&event, answers[i].body);
		if (answers[i].kept) {
			event = exchange(&bench, &connection,
				"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
				false);
			cr_assert_eq(event.status, 200, "row %u", i);
		}
		if (connection >= 0) {
			char byte;
			ssize_t got = recv(connection, &byte, 1, 0);
			for (int k = 0; k < 500 && got < 0 && errno == EAGAIN; k++) {
				fixture_pump(bench.fixture);
				got = recv(connection, &byte, 1, 0);
			}
			cr_assert(got == 0 || (got < 0 && errno == ECONNRESET),
				"row %u: the connection must be closed", i);
			close(connection);
		}
		for (unsigned k = 0; k < bench.fixture->response_count; k++)
			fixture_buffer_free(bench.fixture, bench.fixture->responses[k].body);
		bench.fixture->response_count = 0;
	}
	bench_close(&bench);
}

Test(net_client, answer_byte_by_byte)
{
	static const char *const slow[] = {
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
		CHUNKED "3\r\nabc\r\n0\r\n\r\n"};
	struct bench bench = bench_default();
	int connection = -1;
	for (unsigned i = 0; i < 2; i++) {
		struct http_event event = {0};
		cr_assert_eq(post(&bench, "<body/>", i), 0);
		if (connection < 0)
			connection = fixture_accept(bench.fixture, bench.listener);
		cr_assert(fixture_read_until(
			bench.fixture, connection, text, sizeof(text), "<body/>"));
		for (const char *at = slow[i]; *at != '\0'; at++) {
			cr_assert_eq(bench.fixture->response_count, i);
			fixture_send(bench.fixture, connection, at, 1);
			fixture_pump(bench.fixture);
		}
		fixture_pump_until(bench.fixture, &bench.fixture->response_count, i + 1);
		event = bench.fixture->responses[i];
		cr_assert_eq(event.status, 200);
		assert_body(&event, "abc");
	}
	close(connection);
	bench_close(&bench);
}

Test(net_client, chunked_answer_that_is_too_large)
{
	struct bench bench = bench_default();
	int connection = -1;
	bench.response_bytes_max = 8;
	struct http_event event =
		exchange(&bench, &connection, CHUNKED "9\r\n123456789\r\n", false);
	cr_assert_eq(event.status, -EMSGSIZE);
	close(connection);
	connection = -1;
	event = exchange(&bench, &connection, "HTTP/1.1 200 OK\r\n\r\n123456789", false);
	cr_assert_eq(event.status, -EMSGSIZE);
	close(connection);
	cr_assert_eq(http_counters(bench.fixture->http)->posts_failed, 2);
	bench_close(&bench);
}

Test(net_client, no_buffer_for_the_answer)
{
	struct bench bench = bench_default();
	int connection = -1;
	bench.fixture->buffers_refused = true;
	struct http_event event = exchange(
		&bench, &connection, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", false);
	cr_assert_eq(event.status, -ENOBUFS);
	cr_assert(fixture_ends(bench.fixture, connection, 1000));
	close(connection);
	connection = -1;
	event = exchange(&bench, &connection, CHUNKED "1\r\na\r\n0\r\n\r\n", false);
	cr_assert_eq(event.status, -ENOBUFS);
	close(connection);
	connection = -1;
	event = exchange(&bench, &connection, "HTTP/1.1 200 OK\r\n\r\na", false);
	cr_assert_eq(event.status, -ENOBUFS);
	cr_assert_eq(bench.fixture->buffers_acquired, 3);
	close(connection);
	bench_close(&bench);
}

static struct bench bench_unwanted(void)
{
	struct bench bench = bench_default();
	bench.response_bytes_max = 0;
	bench.fixture->buffers_refused = true;
	return bench;
}

/* The status stands, no buffer was asked for, and the connection has ended unless `kept`. */
static void assert_unwanted(struct bench *bench, int *connection, int status, bool kept)
{
	struct fixture *fixture = bench->fixture;
	cr_assert_gt(fixture->response_count, 0);
	const struct http_event *event = &fixture->responses[fixture->response_count - 1];
	cr_assert_eq(event->status, status, "%d", event->status);
	cr_assert_null(event->body);
	cr_assert_eq(fixture->buffers_acquired, 0);
	if (kept || *connection < 0)
		return;
	char byte;
	ssize_t got = -1;
	for (int i = 0; i < 500; i++) {
		got = recv(*connection, &byte, 1, 0);
		if (got >= 0 || errno != EAGAIN)
			break;
		fixture_pump(fixture);
	}
	cr_assert(got == 0 || (got < 0 && errno == ECONNRESET), "still open");
	close(*connection);
	*connection = -1;
}

static const struct {
	const char *answer;
	bool end;
	int status;
	bool kept;
} unwanted[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, 200, true},
	{"HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nabc", false, 503, true},
	{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 200, true},
	{CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", false, 200, true},
	{"HTTP/1.1 200 OK\r\n\r\nuntil the end", true, 200, false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", false, 200, false},
	/* The body breaks off, is malformed, or larger than is worth reading. */
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", true, 200, false},
	{CHUNKED "3\r\nabc\r\n", true, 200, false},
	{CHUNKED "x\r\nabc\r\n", false, 200, false},
	{"HTTP/1.1 404 No\r\nContent-Length: 1048577\r\n\r\n", false, 404, false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", false, 200, false},
	/* No answer is none, wanted or not. */
	{"HTTP/1.1 200 OK\r\nContent-", true, -ECONNRESET, false},
	{"hello\r\n\r\n", false, -EPROTO, false},
};

Test(net_client, unwanted_body)
{
	static const char next[] = "HTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\na";
	struct bench bench = bench_unwanted();
	for (unsigned i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
		int connection = -1;
		exchange(&bench, &connection, unwanted[i].answer, unwanted[i].end);
		assert_unwanted(&bench, &connection, unwanted[i].status, unwanted[i].kept);
		if (unwanted[i].kept) {
			exchange(&bench, &connection, next, false);
			assert_unwanted(&bench, &connection, 201, true);
			close(connection);
		}
	}
	cr_assert_eq(http_in_flight(bench.fixture->http), 0);
	bench_close(&bench);
}

Test(net_client, unwanted_body_that_is_slow)
{
	struct bench bench = bench_unwanted();
	struct fixture *fixture = bench.fixture;
	int connection = -1;
	cr_assert_eq(post(&bench, "<body/>", 1), 0);
	connection = fixture_accept(fixture, bench.listener);
	cr_assert(fixture_read_until(fixture, connection, text, sizeof(text), "<body/>"));
	for (const char *at = CHUNKED "3\r\nabc\r\n0\r\n\r\n"; *at != '\0'; at++) {
		cr_assert_eq(fixture->response_count, 0);
		fixture_send(fixture, connection, at, 1);
		fixture_pump(fixture);
	}
	fixture_pump_until(fixture, &fixture->response_count, 1);
	assert_unwanted(&bench, &connection, 200, true);
	/* On the kept connection one whose end never comes: the status was there in time. */
	cr_assert_eq(post(&bench, "<body/>", 2), 0);
	cr_assert(fixture_read_until(fixture, connection, text, sizeof(text), "<body/>"));
	fixture_say(fixture, connection, CHUNKED "3\r\nabc\r\n");
	fixture_pump_for(fixture, 30);
	cr_assert_eq(fixture->response_count, 1);
	fixture->skipped_ns += 2 * FIXTURE_SECOND;
	fixture_pump_until(fixture, &fixture->response_count, 2);
	assert_unwanted(&bench, &connection, 200, false);
	cr_assert_eq(http_counters(fixture->http)->posts_answered, 2);
	bench_close(&bench);
}

Test(net_client, unwanted_body_that_is_large)
{
	static const struct {
		const char *head;
		uint32_t body_bytes;
		bool kept;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n", 2u << 20, false},
		{CHUNKED "200000\r\n", 2u << 20, false},
		{"HTTP/1.1 200 OK\r\n\r\n", 2u << 20, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n", 1u << 20, true},
	};
	static char big[2 << 20];
	struct bench bench = bench_unwanted();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int connection = -1;
		cr_assert_eq(post(&bench, "<body/>", i), 0);
		connection = fixture_accept(bench.fixture, bench.listener);
		cr_assert(fixture_read_until(
			bench.fixture, connection, text, sizeof(text), "<body/>"));
		fixture_say(bench.fixture, connection, rows[i].head);
		bool taken = fixture_send(bench.fixture, connection, big, rows[i].body_bytes);
		cr_assert(taken || !rows[i].kept);
		fixture_pump_until(bench.fixture, &bench.fixture->response_count, i + 1);
		cr_assert_lt(http_counters(bench.fixture->http)->bytes_in, (i + 1) * 1200000);
		assert_unwanted(&bench, &connection, 200, rows[i].kept);
		/* Each answer may be so large, not all of a connection together. */
		for (int k = 0; k < 2 && rows[i].kept; k++)
			exchange(&bench, &connection,
				"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", false);
		if (rows[i].kept)
			close(connection);
	}
	bench_close(&bench);
}

Test(net_client, refused)
{
	struct bench bench = bench_default();
	close(bench.listener);
	cr_assert_eq(post(&bench, "<body/>", 5), 0);
	fixture_pump_until(bench.fixture, &bench.fixture->response_count, 1);
	cr_assert_eq(bench.fixture->responses[0].status, -ECONNREFUSED);
	cr_assert_eq(bench.fixture->responses[0].cookie, 5);
	cr_assert_eq(bench.fixture->buffers_out, 0);
	bench.listener = fixture_listen(&bench.port);
	bench_close(&bench);
}

Test(net_client, time_is_up)
{
	struct bench bench = bench_default();
	cr_assert_eq(post(&bench, "<body/>", 6), 0);
	int connection = fixture_accept(bench.fixture, bench.listener);
	cr_assert(fixture_read_until(bench.fixture, connection, text, sizeof(text), "<body/>"));
	fixture_say(bench.fixture, connection, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
	fixture_pump_for(bench.fixture, 30);
	cr_assert_eq(bench.fixture->response_count, 0);
	cr_assert_eq(http_in_flight(bench.fixture->http), 1);
	bench.fixture->skipped_ns += 2 * FIXTURE_SECOND;
	fixture_pump_until(bench.fixture, &bench.fixture->response_count, 1);
	cr_assert_eq(bench.fixture->responses[0].status, -ETIMEDOUT);
	cr_assert_null(bench.fixture->responses[0].body);
	cr_assert_eq(http_in_flight(bench.fixture->http), 0);
	close(connection);
	bench_close(&bench);
}

static void post_big(struct bench *bench, uint64_t timeout_ns)
{
	static char big[8 << 20];
	const struct http_post request = {
		.endpoint = bench->endpoint,
		.headers = "",
		.content_type = "a/b",
		.body = fixture_buffer(bench->fixture, big, sizeof(big)),
		.cookie = 1,
		.timeout_ns = timeout_ns,
		.response_bytes_max = 4096,
	};
	cr_assert_eq(http_post(bench->fixture->http, &request, fixture_now(bench->fixture)), 0);
}

/* The server does not read: the body's buffer comes back only when nobody can read it any more. */
Test(net_client, time_is_up_while_sending)
{
	struct bench bench = bench_default();
	post_big(&bench, FIXTURE_SECOND);
	int connection = fixture_accept(bench.fixture, bench.listener);
	fixture_pump_for(bench.fixture, 50);
	cr_assert_eq(bench.fixture->buffers_out, 1);
	bench.fixture->skipped_ns += FIXTURE_SECOND;
	fixture_pump_until(bench.fixture, &bench.fixture->response_count, 1);
	cr_assert_eq(bench.fixture->responses[0].status, -ETIMEDOUT);
	fixture_pump_for(bench.fixture, 20);
	cr_assert_eq(bench.fixture->buffers_out, 0);
	close(connection);
	bench_close(&bench);
}

/* The server answers before it has read all, then closes. */
Test(net_client, early_answer)
{
	struct bench bench = bench_default();
	post_big(&bench, 2 * FIXTURE_SECOND);
	int connection = fixture_accept(bench.fixture, bench.listener);
	fixture_say(
		bench.fixture, connection, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
	fixture_pump_until(bench.fixture, &bench.fixture->response_count, 1);
	cr_assert_eq(bench.fixture->responses[0].status, 413);
	assert_body(&bench.fixture->responses[0], "no");
	close(connection);
	bench_close(&bench);
}

/* The server has closed the kept connection before the post: a new one is made, nothing is lost. */
Test(net_client, stale_kept_connection)
{
	static const char fine[] = "HTTP/1.1 204 No Content\r\n\r\n";
	struct bench bench = bench_default();
	int connection = -1;
	exchange(&bench, &connection, fine, true);
	/* Without a poll between the end and the post. */
	struct http_event event = exchange(&bench, &connection, fine, false);
	cr_assert_eq(event.status, 204);
	cr_assert_eq(http_counters(bench.fixture->http)->posts_replaced, 1);
	/* The end is known before the post: not even a replacement. */
	close(connection);
	connection = -1;
	fixture_pump_for(bench.fixture, 20);
	event = exchange(&bench, &connection, fine, false);
	cr_assert_eq(event.status, 204);
	cr_assert_eq(http_counters(bench.fixture->http)->posts_replaced, 1);
	/* When the server has taken bytes, the post is not repeated. */
	event = exchange(&bench, &connection, "", true);
	cr_assert_eq(event.status, -ECONNRESET);
	cr_assert_eq(http_counters(bench.fixture->http)->posts_replaced, 1);
	cr_assert_lt(accept(bench.listener, NULL, NULL), 0);
	bench_close(&bench);
}

Test(net_client, unasked_bytes_end_a_kept_connection)
{
	static const char fine[] = "HTTP/1.1 204 No Content\r\n\r\n";
	struct bench bench = bench_default();
	int connection = -1;
	exchange(&bench, &connection, fine, false);
	fixture_say(bench.fixture, connection, "HTTP/1.1 408 Too slow\r\n\r\n");
	cr_assert(fixture_ends(bench.fixture, connection, 1000));
	close(connection);
	connection = -1;
	struct http_event event = exchange(&bench, &connection, fine, false);
	cr_assert_eq(event.status, 204);
	close(connection);
	bench_close(&bench);
}

Test(net_client, idle_connection_ends)
{
	struct bench bench = bench_default();
	int connection = -1;
	exchange(&bench, &connection, "HTTP/1.1 204 No Content\r\n\r\n", false);
	cr_assert_not(fixture_ends(bench.fixture, connection, 20));
	bench.fixture->skipped_ns += 10 * FIXTURE_SECOND;
	cr_assert(fixture_ends(bench.fixture, connection, 1000));
	close(connection);
	bench_close(&bench);
}

Test(net_client, limits_of_connections)
{
	struct http_limits limits = fixture_limits();
	limits.client_connections_max = 3;
	struct bench bench = bench_open(&limits, 2);
	struct bench other = bench;
	int connections[3];
	other.listener = fixture_listen(&other.port);
	snprintf(other.url, sizeof(other.url), "http://127.0.0.1:%u", other.port);
	other.endpoint = http_endpoint(bench.fixture->http, other.url, 0, 2);
	cr_assert_eq(post(&bench, "<body/>", 1), 0);
	cr_assert_eq(post(&bench, "<body/>", 2), 0);
	cr_assert_eq(post(&bench, "<body/>", 3), -EAGAIN, "of the endpoint");
	cr_assert_eq(post(&other, "<body/>", 4), 0);
	cr_assert_eq(post(&other, "<body/>", 5), -EAGAIN, "of the instance");
	connections[0] = fixture_accept(bench.fixture, bench.listener);
	connections[1] = fixture_accept(bench.fixture, bench.listener);
	connections[2] = fixture_accept(bench.fixture, other.listener);
	for (int i = 0; i < 3; i++)
		fixture_say(bench.fixture, connections[i], "HTTP/1.1 204 No Content\r\n\r\n");
	fixture_pump_until(bench.fixture, &bench.fixture->response_count, 3);
	/* All three are kept now; the second one of `other` takes the place of an idle one. */
	cr_assert_eq(post(&other, "<body/>", 6), 0);
	cr_assert_eq(post(&other, "<body/>", 7), 0);
	int fourth = fixture_accept(bench.fixture, other.listener);
	cr_assert(fixture_read_until(bench.fixture, fourth, text, sizeof(text), "<body/>"));
	fixture_say(bench.fixture, connections[2], "HTTP/1.1 204 No Content\r\n\r\n");
	fixture_say(bench.fixture, fourth, "HTTP/1.1 204 No Content\r\n\r\n");
	fixture_pump_until(bench.fixture, &bench.fixture->response_count, 5);
	for (unsigned i = 0; i < 5; i++)
		cr_assert_eq(bench.fixture->responses[i].status, 204);
	for (int i = 0; i < 3; i++)
		close(connections[i]);
	close(fourth);
	close(other.listener);
	bench_close(&bench);
}

Test(net_client, owners_of_one_url)
{
	struct bench bench = bench_default();
	struct bench first = bench, second = bench;
	struct fixture *fixture = bench.fixture;
	int connections[2];
	first.endpoint = http_endpoint(fixture->http, bench.url, 1, 1);
	second.endpoint = http_endpoint(fixture->http, bench.url, 1ull << 40, 1);
	cr_assert_neq(first.endpoint, second.endpoint);
	cr_assert_neq(first.endpoint, bench.endpoint);
	cr_assert_eq(http_endpoint(fixture->http, bench.url, 1, 1), first.endpoint);
	cr_assert_eq(http_endpoint(fixture->http, bench.url, 1ull << 40, 1), second.endpoint);
	cr_assert_eq(post(&first, "<body/>", 1), 0);
	cr_assert_eq(post(&first, "<body/>", 2), -EAGAIN);
	cr_assert_eq(post(&second, "<body/>", 3), 0, "its limit is its own");
	cr_assert_eq(post(&second, "<body/>", 4), -EAGAIN);
	for (int i = 0; i < 2; i++) {
		connections[i] = fixture_accept(fixture, bench.listener);
		fixture_say(fixture, connections[i], "HTTP/1.1 204 No Content\r\n\r\n");
	}
	fixture_pump_until(fixture, &fixture->response_count, 2);
	/* A kept connection serves its owner alone. */
	cr_assert_eq(post(&first, "<body/>", 5), 0);
	cr_assert_eq(post(&first, "<body/>", 6), -EAGAIN);
	for (int i = 0; i < 2; i++)
		close(connections[i]);
	fixture_pump_until(fixture, &fixture->response_count, 3);
	bench_close(&bench);
}

Test(net_client, urls)
{
	static const char *const wrong[] = {"", "http://", "https://127.0.0.1/", "127.0.0.1:80/",
		"http://example.org/", "http://127.0.0.1:0/", "http://127.0.0.1:65536/",
		"http://127.0.0.1:/", "http://127.0.0.1:8x/", "http://127.0.0.1:80:80/",
		"http://user@127.0.0.1/", "http://127.0.0.256/", "http://127.1/",
		"http://127.0.0.1/a b", "http://127.0.0.1/a\r\nX: y", "http://127.0.0.1/#a",
		"http://127.0.0.1?a", "HTTP://127.0.0.1/", "http:///a", "http://:80/"};
	struct http_limits limits = fixture_limits();
	struct fixture *fixture = fixture_open(&limits);
	char url[512];
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert_eq(http_endpoint(fixture->http, wrong[i], 0, 1), -EINVAL, "%s", wrong[i]);
	memset(url, 'a', sizeof(url));
	memcpy(url, "http://127.0.0.1/", 17);
	url[256] = '\0';
	cr_assert_eq(http_endpoint(fixture->http, url, 0, 1), -EINVAL, "too long");
	url[255] = '\0';
	cr_assert_geq(http_endpoint(fixture->http, url, 0, 1), 0);
	int first = http_endpoint(fixture->http, "http://127.0.0.1:65535", 0, 1);
	cr_assert_geq(first, 0);
	cr_assert_eq(http_endpoint(fixture->http, "http://127.0.0.1:65535", 0, 1), first);
	cr_assert_neq(http_endpoint(fixture->http, "http://127.0.0.1:65535/", 0, 1), first);
	fixture_close(fixture);
}

Test(net_client, endpoints_give_way_to_new_ones)
{
	struct http_limits limits = fixture_limits();
	limits.endpoints_max = 3;
	struct bench bench = bench_open(&limits, 2);
	struct http *http = bench.fixture->http;
	int connection = -1;
	exchange(&bench, &connection, "HTTP/1.1 204 No Content\r\n\r\n", false);
	cr_assert_geq(http_endpoint(http, "http://127.0.0.1:1/", 0, 1), 0);
	cr_assert_geq(http_endpoint(http, "http://127.0.0.1:2/", 0, 1), 0);
	/* The first is the oldest; its kept connection ends and its name is no longer good. */
	cr_assert_geq(http_endpoint(http, "http://127.0.0.1:3/", 0, 1), 0);
	cr_assert(fixture_ends(bench.fixture, connection, 1000));
	close(connection);
	cr_assert_eq(post(&bench, "<body/>", 9), -ESTALE);
	bench.endpoint = http_endpoint(http, bench.url, 0, 2);
	connection = -1;
	struct http_event event =
		exchange(&bench, &connection, "HTTP/1.1 204 No Content\r\n\r\n", false);
	cr_assert_eq(event.status, 204);
	/* Whoever has a post under way does not give way. */
	cr_assert_eq(post(&bench, "<body/>", 10), 0);
	char url[64];
	for (int i = 10; i < 20; i++) {
		snprintf(url, sizeof(url), "http://127.0.0.1:%d/", i);
		cr_assert_geq(http_endpoint(http, url, 0, 1), 0);
	}
	cr_assert(fixture_read_until(bench.fixture, connection, text, sizeof(text), "<body/>"));
	fixture_say(bench.fixture, connection, "HTTP/1.1 204 No Content\r\n\r\n");
	fixture_pump_until(bench.fixture, &bench.fixture->response_count, 3);
	cr_assert_eq(bench.fixture->responses[2].status, 204);
	close(connection);
	bench_close(&bench);
}

/* Our client against our server, many at once, both in one instance. */
Test(net_client, against_our_own_server)
{
	struct http_limits limits = fixture_limits();
	struct fixture *fixture = fixture_open(&limits);
	char url[64], body[16];
	unsigned posted = 0, answered = 0;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/big", fixture->ports[0]);
	int endpoint = http_endpoint(fixture->http, url, 0, 16);
	while (answered < 2000) {
		snprintf(body, sizeof(body), "%08u", posted);
		struct net_buffer *buffer = fixture_buffer(fixture, body, 8);
		const struct http_post request = {
			.endpoint = endpoint,
			.headers = "",
			.content_type = "a/b",
			.body = buffer,
			.cookie = posted,
			.timeout_ns = FIXTURE_SECOND,
			.response_bytes_max = 8,
		};
		int result = posted < 2000
				     ? http_post(fixture->http, &request, fixture_now(fixture))
				     : -EAGAIN;
		if (result == 0)
			posted++;
		else
			fixture_buffer_free(fixture, buffer);
		fixture_pump(fixture);
		for (unsigned i = 0; i < fixture->response_count; i++) {
			struct http_event *event = &fixture->responses[i];
			snprintf(body, sizeof(body), "%08u", (unsigned)event->cookie);
			cr_assert_eq(event->status, 200, "%d", event->status);
			assert_body(event, body);
			fixture_buffer_free(fixture, event->body);
			answered++;
		}
		fixture->response_count = 0;
	}
	cr_assert_leq(http_counters(fixture->http)->connections_accepted, 16);
	cr_assert_eq(http_in_flight(fixture->http), 0);
	fixture_close(fixture);
}
