/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over loopback. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_fixture.h"

static struct fixture_answer answer;

#define XML_HEAD "POST /xml HTTP/1.1\r\nHost: a\r\nContent-Type: application/xml\r\n"
#define BIG_HEAD "POST /big HTTP/1.1\r\nHost: a\r\n"

/* A name of 64 characters: one more than fits. */
#define SIXTEEN "0123456789abcdef"
#define LONG_PATH "/provider/v1/" SIXTEEN SIXTEEN SIXTEEN SIXTEEN "/response"

static struct fixture *open_default(void)
{
	struct http_limits limits = fixture_limits();
	return fixture_open(&limits);
}

static void assert_answer(struct fixture *fixture, int fd, int status, const char *body)
{
	cr_assert(fixture_answer(fixture, fd, &answer), "no answer where %d was due", status);
	cr_assert_eq(answer.status, status, "%s", answer.text);
	cr_assert_str_eq(answer.text + answer.head_length, body);
}

static void assert_refused(
	struct fixture *fixture, const char *request, int status, const char *code)
{
	char wanted[64];
	int fd = fixture_connect(fixture, 0);
	fixture_say(fixture, fd, request);
	cr_assert(fixture_answer(fixture, fd, &answer), "no answer to %s", request);
	cr_assert_eq(answer.status, status, "%d wanted: %s", status, answer.text);
	snprintf(wanted, sizeof(wanted), "{\"code\":\"%s\",\"offset\":", code);
	const char *body = answer.text + answer.head_length;
	cr_assert_eq(strncmp(body, wanted, strlen(wanted)), 0, "%s", body);
	cr_assert_eq(strchr(body, '\n'), body + answer.body_length - 1, "one line");
	cr_assert_str_eq(fixture_field(&answer, "Content-Type"), "application/json");
	cr_assert_str_eq(fixture_field(&answer, "Connection"), "close");
	cr_assert(fixture_ends(fixture, fd, 1000), "%d must end the connection", status);
	close(fd);
}

Test(net_server, answers_and_keeps_the_connection)
{
	struct fixture *fixture = open_default();
	int fd = fixture_connect(fixture, 0);
	for (int i = 0; i < 3; i++) {
		fixture_say(fixture, fd, XML_HEAD "Content-Length: 4\r\n\r\n<a/>");
		assert_answer(fixture, fd, 200, "<a/>");
		cr_assert_str_eq(fixture_field(&answer, "X-Test"), "yes");
		cr_assert_str_eq(fixture_field(&answer, "Content-Type"), "text/plain");
		cr_assert_null(fixture_field(&answer, "Connection"));
	}
	cr_assert_eq(http_counters(fixture->http)->connections_accepted, 1);
	cr_assert_eq(http_counters(fixture->http)->replies, 3);
	close(fd);
	fixture_close(fixture);
}

Test(net_server, gives_route_parameter_header_and_body)
{
	const char *value;
	struct fixture *fixture = open_default();
	fixture->echo = false;
	int fd = fixture_connect(fixture, 0);
	fixture_say(fixture, fd,
		"POST /provider/v1/csp-north_1.x/response?a=b HTTP/1.1\r\nHost: a\r\n"
		"content-type: Application/Octet-Stream ; a=b\r\nContent-Length: 3\r\n"
		"X-One:  two \t\r\nx-empty:\r\n\r\nabc");
	fixture_pump_until(fixture, &fixture->waiting_count, 1);
	struct http_event *event = &fixture->waiting[0];
	cr_assert_eq(event->route, ROUTE_PROVIDER);
	cr_assert_str_eq(event->parameter, "csp-north_1.x");
	cr_assert_eq(event->body->length, 3);
	cr_assert_eq(memcmp(event->body->bytes, "abc", 3), 0);
	cr_assert_eq(http_request_header(fixture->http, event->exchange, "X-ONE", &value), 3);
	cr_assert_eq(memcmp(value, "two", 3), 0);
	cr_assert_eq(http_request_header(fixture->http, event->exchange, "X-Empty", &value), 0);
	cr_assert_eq(http_request_header(fixture->http, event->exchange, "X-Two", &value), -ENOENT);
	cr_assert_eq(http_in_flight(fixture->http), 1);
	cr_assert_eq(http_reply(fixture->http, event->exchange, 204, "", "", NULL, false), 0);
	cr_assert_eq(http_request_header(fixture->http, event->exchange, "X-One", &value), -ENOENT);
	assert_answer(fixture, fd, 204, "");
	cr_assert_null(fixture_field(&answer, "Content-Length"));
	cr_assert_eq(http_in_flight(fixture->http), 0);
	cr_assert_eq(http_reply(fixture->http, event->exchange, 200, "", "", NULL, false), -ESTALE,
		"a second answer to the same request");
	close(fd);
	fixture_close(fixture);
}

Test(net_server, paths)
{
	static const char *const unknown[] = {"/", "/xml/", "/XML", "/xm", "/xmlx", "/%78ml",
		"/second", "/x/../xml", "//xml", "/provider/v1//response",
		"/provider/v1/../response", "/provider/v1/a/b/response",
		"/provider/v1/a%20/response", "/provider/v1/a/responses",
		"/provider/v1/a/response/", "/provider/v1/response", LONG_PATH};
	char request[512];
	struct fixture *fixture = open_default();
	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		snprintf(request, sizeof(request),
			"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", unknown[i]);
		assert_refused(fixture, request, 404, "path-unknown");
	}
	int fd = fixture_connect(fixture, 1);
	fixture_say(fixture, fd,
		"POST /second?/xml HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
	assert_answer(fixture, fd, 200, "ok");
	close(fd);
	cr_assert_eq(
		http_counters(fixture->http)->refused_404, sizeof(unknown) / sizeof(unknown[0]));
	fixture_close(fixture);
}

Test(net_server, refusals)
{
	struct fixture *fixture = open_default();
	assert_refused(fixture, "POST /xml HTTP/1.1\nHost: a\n\n", 400, "malformed");
	assert_refused(fixture, "GET /other HTTP/1.1\r\nHost: a\r\n\r\n", 404, "path-unknown");
	assert_refused(fixture, "GET /xml HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method");
	cr_assert_str_eq(fixture_field(&answer, "Allow"), "POST");
	assert_refused(fixture, "post /xml HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method");
	assert_refused(fixture, XML_HEAD "\r\n", 411, "length-missing");
	assert_refused(fixture, XML_HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n0\r\n\r\n",
		411, "length-missing");
	assert_refused(fixture,
		XML_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n<a/>", 400,
		"malformed");
	assert_refused(fixture, XML_HEAD "Content-Length: 1001\r\n\r\n<a/>", 413, "too-large");
	assert_refused(fixture, XML_HEAD "Content-Length: 99999999999999999999999\r\n\r\n", 413,
		"too-large");
	assert_refused(fixture, XML_HEAD "Content-Length: 4294967297\r\n\r\n<", 413, "too-large");
	assert_refused(fixture,
		"POST /xml HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: "
		"4\r\n\r\n<a/>",
		415, "content-type");
	assert_refused(fixture, "POST /xml HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n<a/>",
		415, "content-type");
	assert_refused(fixture, XML_HEAD "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n<a/>",
		415, "content-type");
	assert_refused(fixture, XML_HEAD "Expect: tea\r\nContent-Length: 4\r\n\r\n<a/>", 417,
		"expectation");
	assert_refused(fixture, "POST /xml HTTP/2.0\r\nHost: a\r\n\r\n", 505, "version");
	const struct http_counters *counters = http_counters(fixture->http);
	cr_assert_eq(counters->refused_400, 2);
	cr_assert_eq(counters->refused_404, 1);
	cr_assert_eq(counters->refused_405, 2);
	cr_assert_eq(counters->refused_411, 2);
	cr_assert_eq(counters->refused_413, 3);
	cr_assert_eq(counters->refused_415, 3);
	cr_assert_eq(counters->refused_417, 1);
	cr_assert_eq(counters->refused_505, 1);
	cr_assert_eq(fixture->request_count, 0);
	fixture_close(fixture);
}

Test(net_server, head_has_no_content)
{
	char all[1024];
	struct fixture *fixture = open_default();
	int fd = fixture_connect(fixture, 0);
	fixture_say(fixture, fd, "HEAD /xml HTTP/1.1\r\nHost: a\r\n\r\n");
	cr_assert_not(fixture_read_until(fixture, fd, all, sizeof(all), "no such text"));
	cr_assert_eq(strncmp(all, "HTTP/1.1 405 ", 13), 0, "%s", all);
	cr_assert_str_eq(strstr(all, "\r\n\r\n"), "\r\n\r\n");
	close(fd);
	fixture_close(fixture);
}

Test(net_server, header_too_large)
{
	static char request[20000];
	struct fixture *fixture = open_default();
	int at = snprintf(request, sizeof(request), XML_HEAD "X: ");
	memset(request + at, 'a', sizeof(request) - 1 - (size_t)at);
	assert_refused(fixture, request, 431, "header-too-large");
	at = snprintf(request, sizeof(request), XML_HEAD);
	for (int i = 0; i < 110; i++)
		at += snprintf(request + at, sizeof(request) - (size_t)at, "X%d: a\r\n", i);
	snprintf(request + at, sizeof(request) - (size_t)at, "Content-Length: 0\r\n\r\n");
	assert_refused(fixture, request, 431, "header-too-large");
	cr_assert_eq(http_counters(fixture->http)->refused_431, 2);
	fixture_close(fixture);
}

Test(net_server, no_body_is_a_null_buffer)
{
	struct fixture *fixture = open_default();
	fixture->echo = false;
	int fd = fixture_connect(fixture, 0);
	fixture_say(fixture, fd, BIG_HEAD "Content-Length: 0\r\n\r\n");
	fixture_pump_until(fixture, &fixture->waiting_count, 1);
	cr_assert_null(fixture->waiting[0].body);
	http_reply(fixture->http, fixture->waiting[0].exchange, 200, "", "", NULL, true);
	assert_answer(fixture, fd, 200, "");
	cr_assert_str_eq(fixture_field(&answer, "Content-Length"), "0");
	cr_assert_str_eq(fixture_field(&answer, "Connection"), "close");
	cr_assert(fixture_ends(fixture, fd, 1000));
	close(fd);
	fixture_close(fixture);
}

Test(net_server, versions_and_connection)
{
	static const struct {
		const char *request;
		const char *connection; /* in the answer */
	} rows[] = {
		{"POST /big HTTP/1.0\r\nContent-Length: 1\r\n\r\na", "close"},
		{"POST /big HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na",
			"keep-alive"},
		{BIG_HEAD "Connection: close\r\nContent-Length: 1\r\n\r\na", "close"},
		{BIG_HEAD "Connection: x, Close\r\nContent-Length: 1\r\n\r\na", "close"},
		{BIG_HEAD "Connection: keep-alive\r\nContent-Length: 1\r\n\r\na", NULL},
		{BIG_HEAD "Connection: keep-alive\r\nConnection: close\r\nContent-Length: "
			  "1\r\n\r\na",
			"close"},
	};
	struct fixture *fixture = open_default();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = fixture_connect(fixture, 0);
		fixture_say(fixture, fd, rows[i].request);
		assert_answer(fixture, fd, 200, "a");
		const char *connection = fixture_field(&answer, "Connection");
		if (rows[i].connection == NULL)
			cr_assert_null(connection, "row %u", i);
		else
			cr_assert_str_eq(connection, rows[i].connection, "row %u", i);
		bool closes = rows[i].connection != NULL && rows[i].connection[0] == 'c';
		cr_assert_eq(fixture_ends(fixture, fd, closes ? 1000 : 20), closes, "row %u", i);
		close(fd);
	}
	fixture_close(fixture);
}

Test(net_server, expect_continue)
{
	char text[256];
	struct fixture *fixture = open_default();
	int fd = fixture_connect(fixture, 0);
	fixture_say(fixture, fd, BIG_HEAD "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
	cr_assert(fixture_read_until(fixture, fd, text, sizeof(text), "\r\n\r\n"));
	cr_assert_str_eq(text, "HTTP/1.1 100 Continue\r\n\r\n");
	fixture_say(fixture, fd, "abc");
	assert_answer(fixture, fd, 200, "abc");
	/* With the body already there, nobody waits for 100. */
	fixture_say(fixture, fd, BIG_HEAD "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
	assert_answer(fixture, fd, 200, "abc");
	close(fd);
	/* What is refused is refused before the body comes. */
	assert_refused(fixture, XML_HEAD "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n",
		413, "too-large");
	fixture_close(fixture);
}

Test(net_server, every_split_of_a_request)
{
	static const char request[] = XML_HEAD "Content-Length: 5\r\n\r\n<abc>";
	struct fixture *fixture = open_default();
	int fd = fixture_connect(fixture, 0);
	for (size_t i = 1; i < sizeof(request) - 1; i++) {
		fixture_send(fixture, fd, request, i);
		fixture_pump(fixture);
		fixture_send(fixture, fd, request + i, sizeof(request) - 1 - i);
		assert_answer(fixture, fd, 200, "<abc>");
	}
	for (size_t i = 0; i < sizeof(request) - 1; i++)
		fixture_send(fixture, fd, request + i, 1);
	assert_answer(fixture, fd, 200, "<abc>");
	close(fd);
	fixture_close(fixture);
}

Test(net_server, pipelined_requests_are_answered_in_order)
{
	static char all[200000];
	char body[16];
	size_t length = 0;
	struct fixture *fixture = open_default();
	for (unsigned i = 0; i < 1000; i++)
		length += (size_t)snprintf(all + length, sizeof(all) - length,
			BIG_HEAD "Content-Length: 4\r\n\r\n%04u", i);
	int fd = fixture_connect(fixture, 0);
	fixture_send(fixture, fd, all, length);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(body, sizeof(body), "%04u", i);
		assert_answer(fixture, fd, 200, body);
	}
	cr_assert_eq(fixture->request_count, 1000);
	close(fd);
	fixture_close(fixture);
}

Test(net_server, only_one_request_of_a_connection_at_a_time)
{
	struct fixture *fixture = open_default();
	fixture->echo = false;
	int fd = fixture_connect(fixture, 0);
	fixture_say(fixture, fd,
		BIG_HEAD "Content-Length: 1\r\n\r\na" BIG_HEAD "Content-Length: 1\r\n\r\nb");
	fixture_pump_until(fixture, &fixture->waiting_count, 1);
	fixture_pump_for(fixture, 30);
	cr_assert_eq(fixture->waiting_count, 1);
	http_reply(fixture->http, fixture->waiting[0].exchange, 200, "", "text/plain",
		fixture->waiting[0].body, false);
	fixture->waiting[0].body = NULL;
	assert_answer(fixture, fd, 200, "a");
	fixture_pump_until(fixture, &fixture->waiting_count, 2);
	cr_assert_eq(fixture->waiting[1].body->bytes[0], 'b');
	close(fd);
	fixture_close(fixture);
}

Test(net_server, flood_behind_a_request_is_held_back)
{
	static char flood[4 << 20];
	struct fixture *fixture = open_default();
	fixture->echo = false;
	int fd = fixture_connect(fixture, 0);
	size_t length =
		(size_t)snprintf(flood, sizeof(flood), BIG_HEAD "Content-Length: 1\r\n\r\na");
	size_t total = 0;
	fixture_send(fixture, fd, flood, length);
	fixture_pump_until(fixture, &fixture->waiting_count, 1);
	memset(flood, 'x', sizeof(flood));
	for (int i = 0; i < 200; i++) {
		ssize_t sent = send(fd, flood, sizeof(flood), MSG_NOSIGNAL);
		if (sent > 0)
			total += (size_t)sent;
		fixture_pump(fixture);
	}
	cr_assert_lt(http_counters(fixture->http)->bytes_in, 20000, "taken although not wanted");
	cr_assert_gt(total, 100000, "the kernel's buffers must hold more than was taken");
	/* Others are served meanwhile. */
	fixture->echo = true;
	int other = fixture_connect(fixture, 0);
	fixture_say(fixture, other, BIG_HEAD "Content-Length: 2\r\n\r\nok");
	assert_answer(fixture, other, 200, "ok");
	close(other);
	http_reply(fixture->http, fixture->waiting[0].exchange, 200, "", "text/plain",
		fixture->waiting[0].body, false);
	fixture->waiting[0].body = NULL;
	if (fixture_answer(fixture, fd, &answer)) {
		cr_assert_eq(answer.status, 200);
		cr_assert(fixture_answer(fixture, fd, &answer));
		cr_assert_eq(answer.status, 431, "%s", answer.text);
	}
	close(fd);
	fixture_close(fixture);
}

static uint64_t mix(const uint8_t *bytes, size_t length)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 1099511628211u;
	return hash;
}

Test(net_server, body_of_13_mib)
{
	const uint32_t size = 13u << 20;
	uint8_t *body = malloc(size);
	char head[128];
	struct fixture *fixture = open_default();
	fixture->echo = false;
	for (uint32_t i = 0; i < size; i++)
		body[i] = (uint8_t)(i * 2654435761u >> 13);
	int fd = fixture_connect(fixture, 0);
	snprintf(head, sizeof(head), BIG_HEAD "Content-Length: %u\r\n\r\n", size);
	fixture_say(fixture, fd, head);
	cr_assert(fixture_send(fixture, fd, body, size));
	fixture_pump_until(fixture, &fixture->waiting_count, 1);
	struct net_buffer *received = fixture->waiting[0].body;
	cr_assert_eq(received->length, size);
	cr_assert_eq(mix(received->bytes, size), mix(body, size));
	/* And back again, so that the answer takes many sends. */
	http_reply(fixture->http, fixture->waiting[0].exchange, 200, "", "text/plain", received,
		false);
	fixture->waiting[0].body = NULL;
	uint8_t *back = malloc(size + 4096);
	size_t length = 0;
	size_t head_length = 0;
	while (head_length == 0 || length < head_length + size) {
		ssize_t part = recv(fd, back + length, size + 4096 - length, 0);
		cr_assert(part > 0 || errno == EAGAIN);
		length += part > 0 ? (size_t)part : 0;
		if (head_length == 0 && length > 4) {
			uint8_t *end = memmem(back, length, "\r\n\r\n", 4);
			head_length = end != NULL ? (size_t)(end - back) + 4 : 0;
		}
		fixture_pump(fixture);
	}
	cr_assert_eq(length, head_length + size);
	cr_assert_eq(mix(back + head_length, size), mix(body, size));
	free(back);
	free(body);
	close(fd);
	fixture_close(fixture);
}

Test(net_server, refused_body_is_drained_so_that_the_answer_arrives)
{
	static char body[1 << 20];
	struct fixture *fixture = open_default();
	int fd = fixture_connect(fixture, 0);
	fixture_say(fixture, fd, XML_HEAD "Content-Length: 1048576\r\n\r\n");
	memset(body, 'x', sizeof(body));
	/* All of the body is sent before the answer is read. */
	cr_assert(fixture_send(fixture, fd, body, sizeof(body)));
	cr_assert(fixture_answer(fixture, fd, &answer));
	cr_assert_eq(answer.status, 413);
	cr_assert(fixture_ends(fixture, fd, 1000), "orderly, not reset");
	/* Time limits of the lingering hold. */
	fixture_pump_for(fixture, 20);
	fixture->skipped_ns += 3 * FIXTURE_SECOND;
	fixture_pump_for(fixture, 50);
	cr_assert_eq(http_counters(fixture->http)->connections_closed, 1);
	close(fd);
	fixture_close(fixture);
}

Test(net_server, too_slow)
{
	struct fixture *fixture = open_default();
	int header = fixture_connect(fixture, 0), body = fixture_connect(fixture, 0);
	int idle = fixture_connect(fixture, 0);
	fixture_say(fixture, header, "POST /xml HTTP/1.1\r\nHost: a\r\nX-Slow: ");
	fixture_say(fixture, body, BIG_HEAD "Content-Length: 10\r\n\r\n12345");
	fixture_pump_for(fixture, 50);
	cr_assert_eq(fixture->buffers_out, 1);
	fixture->skipped_ns += 2 * FIXTURE_SECOND;
	cr_assert(fixture_answer(fixture, header, &answer));
	cr_assert_eq(answer.status, 408);
	cr_assert(fixture_answer(fixture, body, &answer));
	cr_assert_eq(answer.status, 408);
	cr_assert(fixture_ends(fixture, header, 1000));
	cr_assert(fixture_ends(fixture, body, 1000));
	cr_assert_eq(fixture->buffers_out, 0);
	cr_assert_eq(http_counters(fixture->http)->refused_408, 2);
	/* An idle connection ends without a word. */
	cr_assert_not(fixture_ends(fixture, idle, 20));
	fixture->skipped_ns += 9 * FIXTURE_SECOND;
	cr_assert(fixture_ends(fixture, idle, 1000));
	cr_assert_eq(http_counters(fixture->http)->expired_idle, 1);
	close(header);
	close(body);
	close(idle);
	fixture_close(fixture);
}

Test(net_server, answer_that_is_not_taken)
{
	static char big[8 << 20];
	struct fixture *fixture = open_default();
	fixture->echo = false;
	int fd = fixture_connect(fixture, 0);
	fixture_say(fixture, fd, BIG_HEAD "Content-Length: 1\r\n\r\na");
	fixture_pump_until(fixture, &fixture->waiting_count, 1);
	struct net_buffer *body = fixture_buffer(fixture, big, sizeof(big));
	http_reply(fixture->http, fixture->waiting[0].exchange, 200, "", "text/plain", body, false);
	fixture_pump_for(fixture, 50);
	cr_assert_eq(fixture->buffers_out, 2);
	cr_assert_eq(http_in_flight(fixture->http), 1);
	fixture->skipped_ns += 2 * FIXTURE_SECOND;
	fixture_pump_for(fixture, 50);
	cr_assert_eq(fixture->buffers_out, 1, "the answer's buffer must have come back");
	cr_assert_eq(http_in_flight(fixture->http), 0);
	cr_assert_eq(http_counters(fixture->http)->expired_writing, 1);
	cr_assert_eq(http_counters(fixture->http)->replies_dropped, 1);
	close(fd);
	fixture_close(fixture);
}

Test(net_server, client_leaves)
{
	struct fixture *fixture = open_default();
	fixture->echo = false;
	int header = fixture_connect(fixture, 0), body = fixture_connect(fixture, 0);
	int working = fixture_connect(fixture, 0), reset = fixture_connect(fixture, 0);
	fixture_say(fixture, header, "POST /xml HTT");
	fixture_say(fixture, body, BIG_HEAD "Content-Length: 10\r\n\r\n12345");
	fixture_say(fixture, reset, BIG_HEAD "Content-Length: 10\r\n\r\n12345");
	fixture_say(fixture, working, BIG_HEAD "Content-Length: 3\r\n\r\n123");
	fixture_pump_until(fixture, &fixture->waiting_count, 1);
	cr_assert_eq(fixture->buffers_out, 3);
	cr_assert_eq(http_in_flight(fixture->http), 4);
	close(header);
	close(body);
	close(working);
	static const struct linger linger = {1, 0};
	setsockopt(reset, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(reset);
	fixture_pump_for(fixture, 50);
	cr_assert_eq(fixture->buffers_out, 1);
	cr_assert_eq(http_in_flight(fixture->http), 0);
	cr_assert_eq(http_counters(fixture->http)->disconnected_midway, 3);
	cr_assert_eq(http_reply(fixture->http, fixture->waiting[0].exchange, 200, "", "",
			     fixture->waiting[0].body, false),
		-ESTALE);
	fixture->waiting[0].body = NULL;
	cr_assert_eq(http_counters(fixture->http)->replies_dropped, 1);
	cr_assert_eq(fixture->buffers_out, 0);
	cr_assert_eq(http_counters(fixture->http)->connections_closed, 4);
	fixture_close(fixture);
}

Test(net_server, capacity)
{
	struct http_limits limits = fixture_limits();
	limits.connections_max = 2;
	struct fixture *fixture = fixture_open(&limits);
	int first = fixture_connect(fixture, 0), second = fixture_connect(fixture, 0);
	fixture_say(fixture, first, BIG_HEAD "Content-Length: 1\r\n\r\na");
	assert_answer(fixture, first, 200, "a");
	fixture_say(fixture, second, BIG_HEAD "Content-Length: 1\r\n\r\nb");
	assert_answer(fixture, second, 200, "b");
	for (int i = 0; i < 3; i++) {
		int third = fixture_connect(fixture, 0);
		fixture_say(fixture, third, BIG_HEAD "Content-Length: 1\r\n\r\nc");
		cr_assert(fixture_answer(fixture, third, &answer));
		cr_assert_eq(answer.status, 503);
		cr_assert_str_eq(fixture_field(&answer, "Retry-After"), "7");
		cr_assert(fixture_ends(fixture, third, 1000));
		close(third);
	}
	cr_assert_eq(http_counters(fixture->http)->connections_refused, 3);
	cr_assert_eq(http_transport_counters(fixture->http), &fixture->transport->counters);
	close(second);
	fixture_pump_for(fixture, 30);
	assert_refused(fixture, "POST /no HTTP/1.1\r\nHost: a\r\n\r\n", 404, "path-unknown");
	/* No buffer. */
	fixture->buffers_refused = true;
	fixture_say(fixture, first, BIG_HEAD "Content-Length: 1\r\n\r\na");
	cr_assert(fixture_answer(fixture, first, &answer));
	cr_assert_eq(answer.status, 503);
	cr_assert_str_eq(fixture_field(&answer, "Retry-After"), "7");
	fixture->buffers_refused = false;
	close(first);
	fixture_pump_for(fixture, 30);
	/* Drain. */
	http_refuse_requests(fixture->http, true);
	assert_refused(fixture, XML_HEAD "Content-Length: 4\r\n\r\n<a/>", 503, "capacity");
	http_refuse_requests(fixture->http, false);
	first = fixture_connect(fixture, 0);
	fixture_say(fixture, first, BIG_HEAD "Content-Length: 1\r\n\r\na");
	assert_answer(fixture, first, 200, "a");
	close(first);
	fixture_close(fixture);
}

Test(net_server, stop_listening_ends_idle_connections_and_answers_the_rest)
{
	struct fixture *fixture = open_default();
	fixture->echo = false;
	int idle = fixture_connect(fixture, 0), busy = fixture_connect(fixture, 0);
	fixture_say(fixture, busy, BIG_HEAD "Content-Length: 1\r\n\r\na");
	fixture_pump_until(fixture, &fixture->waiting_count, 1);
	http_stop_listening(fixture->http);
	cr_assert(fixture_ends(fixture, idle, 1000));
	http_reply(fixture->http, fixture->waiting[0].exchange, 200, "", "text/plain",
		fixture->waiting[0].body, false);
	fixture->waiting[0].body = NULL;
	assert_answer(fixture, busy, 200, "a");
	cr_assert_str_eq(fixture_field(&answer, "Connection"), "close");
	cr_assert(fixture_ends(fixture, busy, 1000));
	close(idle);
	close(busy);
	fixture_close(fixture);
}

Test(net_server, destroyed_with_everything_under_way)
{
	static char big[8 << 20];
	struct fixture *fixture = open_default();
	fixture->echo = false;
	int fds[3];
	for (int i = 0; i < 3; i++)
		fds[i] = fixture_connect(fixture, 0);
	fixture_say(fixture, fds[0], BIG_HEAD "Content-Length: 1\r\n\r\na");
	fixture_say(fixture, fds[1], BIG_HEAD "Content-Length: 9\r\n\r\na");
	fixture_say(fixture, fds[2], BIG_HEAD "Content-Length: 1\r\n\r\na");
	fixture_pump_until(fixture, &fixture->waiting_count, 2);
	http_reply(fixture->http, fixture->waiting[0].exchange, 200, "", "text/plain",
		fixture_buffer(fixture, big, sizeof(big)), false);
	fixture_pump_for(fixture, 20);
	fixture_close(fixture);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void *use(void *argument)
{
	static char big[8 << 20];
	struct fixture *fixture = argument;
	fixture->echo = false;
	int fd = fixture_connect(fixture, 0);
	fixture_say(fixture, fd, BIG_HEAD "Content-Length: 1\r\n\r\na");
	fixture_pump_until(fixture, &fixture->waiting_count, 1);
	http_reply(fixture->http, fixture->waiting[0].exchange, 200, "", "text/plain",
		fixture_buffer(fixture, big, sizeof(big)), false);
	fixture_pump_for(fixture, 20);
	close(fixture_connect(fixture, 0));
	fixture_connect(fixture, 0);
	return NULL;
}

/* As the data plane ends: the polling threads have stopped, the main thread cleans up. */
Test(net_server, destroyed_by_another_thread)
{
	pthread_t thread;
	struct fixture *fixture = open_default();
	cr_assert_eq(pthread_create(&thread, NULL, use, fixture), 0);
	pthread_join(thread, NULL);
	fixture_close(fixture);
}

Test(net_server, many_connections)
{
	enum {
		COUNT = 500
	};
	static int fds[COUNT];
	char body[16], request[128];
	struct rlimit files = {4096, 4096};
	struct http_limits limits = fixture_limits();
	limits.connections_max = COUNT;
	setrlimit(RLIMIT_NOFILE, &files);
	struct fixture *fixture = fixture_open(&limits);
	for (int i = 0; i < COUNT; i++) {
		fds[i] = fixture_connect(fixture, 0);
		fixture_pump(fixture);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COUNT; i++) {
			snprintf(request, sizeof(request), BIG_HEAD "Content-Length: 5\r\n\r\n%05d",
				i);
			fixture_say(fixture, fds[i], request);
		}
		for (int i = 0; i < COUNT; i++) {
			snprintf(body, sizeof(body), "%05d", i);
			assert_answer(fixture, fds[i], 200, body);
		}
	}
	cr_assert_eq(http_counters(fixture->http)->connections_accepted, COUNT);
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	fixture_pump_for(fixture, 50);
	cr_assert_eq(http_counters(fixture->http)->connections_closed, COUNT);
	fixture_close(fixture);
}
