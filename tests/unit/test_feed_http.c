/* SPDX-License-Identifier: Apache-2.0 */
/* The feed's HTTP endpoint: answers after the commit, refusals, a full queue, stores that fail,
 * clients that go away, and an end in the midst of work. The test is the thread that writes the
 * store. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "control/feed_http.h"
#include "feed_fixture.h"

#define WAIT_MS 5000

static struct feed_fixture fixture;
static struct feed_http *http;
static struct feed_counters counters;

static void open_all(void)
{
	char reason[256] = "";
	struct feed_http_options options = {
		.body_bytes_max = 100000, .queue_max = 3, .connections_max = 20};

	feed_fixture_open(&fixture, 64u << 20);
	http = feed_http_open(&options, reason, sizeof(reason));
	cr_assert_not_null(http, "%s", reason);
}

static void close_all(void)
{
	feed_http_close(http);
	feed_fixture_close(&fixture);
}

TestSuite(feed_http, .init = open_all, .fini = close_all);

static int connect_client(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(feed_http_port(http)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval wait = {.tv_sec = WAIT_MS / 1000};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* refused before all was sent */
		text += sent;
		length -= (size_t)sent;
	}
}

static void post(int fd, const char *type, const char *body)
{
	char head[512];
	int length = snprintf(head, sizeof(head),
		"POST " FEED_HTTP_PATH " HTTP/1.1\r\nHost: x\r\n%s%s%sContent-Length: %zu\r\n\r\n",
		type != NULL ? "Content-Type: " : "", type != NULL ? type : "",
		type != NULL ? "\r\n" : "", strlen(body));

	send_all(fd, head, (size_t)length);
	send_all(fd, body, strlen(body));
}

/* A whole reply: the status, and its text in `reply` (head and body). */
static int receive(int fd, char reply[16384])
{
	size_t length = 0;

	for (;;) {
		ssize_t got = recv(fd, reply + length, 16383 - length, 0);

		if (got <= 0)
			return 0;
		length += (size_t)got;
		reply[length] = '\0';
		const char *end = strstr(reply, "\r\n\r\n");
		const char *field = strcasestr(reply, "Content-Length:");
		if (end != NULL && field != NULL &&
			strlen(end + 4) >= strtoul(field + 15, NULL, 10))
			return atoi(reply + 9);
	}
}

static json_t *outcomes_of(const char *reply)
{
	json_t *body = json_loads(strstr(reply, "\r\n\r\n") + 4, 0, NULL);
	json_t *outcomes = json_incref(json_object_get(body, "outcomes"));

	cr_assert(json_is_array(outcomes), "%s", reply);
	json_decref(body);
	return outcomes;
}

static const char *member(const json_t *outcomes, size_t index, const char *name)
{
	return json_string_value(json_object_get(json_array_get(outcomes, index), name));
}

/* Wait until `count` requests have reached the queue. */
static void wait_queued(uint64_t count)
{
	for (int i = 0; i < WAIT_MS && feed_http_counters(http).requests < count; i++)
		usleep(1000);
	cr_assert_eq(feed_http_counters(http).requests, count);
	struct pollfd poll_fd = {.fd = feed_http_fd(http), .events = POLLIN};
	cr_assert_eq(poll(&poll_fd, 1, WAIT_MS), 1);
}

static int turn(void)
{
	uint64_t number;

	return feed_http_turn(http, fixture.store, FIXTURE_NOW_MS, &counters, &number);
}

static const char *event(const char *id)
{
	return feed_fixture_event((struct feed_fixture_message){.id = id});
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

Test(feed_http, the_answer_comes_after_the_commit)
{
	char reply[16384];
	int fd = connect_client();

	post(fd, NULL, event("1"));
	wait_queued(1);
	struct store_change *change = store_begin(fixture.store);
	cr_assert_eq(feed_http_apply(http, change, FIXTURE_NOW_MS), 1);
	cr_assert_not(is_readable(fd, 100));
	uint64_t number;
	cr_assert_eq(store_commit(change, &number), 0);
	cr_assert_not(is_readable(fd, 100));
	feed_http_answer(http, 0, &counters);
	cr_assert_eq(receive(fd, reply), 200, "%s", reply);
	json_t *outcomes = outcomes_of(reply);
	cr_assert_eq(json_array_size(outcomes), 1);
	cr_assert_str_eq(member(outcomes, 0, "id"), "1");
	cr_assert_str_eq(member(outcomes, 0, "result"), "applied");
	json_decref(outcomes);
	/* The same connection goes on. */
	post(fd, "application/x-ndjson; charset=utf-8", "{\"messageId\":\"2\"}\n\nx");
	wait_queued(2);
	cr_assert_eq(turn(), 1);
	cr_assert_eq(turn(), 0);
	cr_assert_eq(receive(fd, reply), 200);
	outcomes = outcomes_of(reply);
	cr_assert_eq(json_array_size(outcomes), 2);
	cr_assert_str_eq(member(outcomes, 0, "rule"), "member-missing");
	cr_assert_str_eq(member(outcomes, 0, "pointer"), "/messageType");
	cr_assert_str_eq(member(outcomes, 1, "result"), "set-aside");
	cr_assert_eq(json_integer_value(json_object_get(json_array_get(outcomes, 1), "line")), 3);
	json_decref(outcomes);
	cr_assert_eq(counters.applied, 1);
	cr_assert_eq(counters.set_aside[FEED_RULE_JSON], 1);
	cr_assert_eq(feed_http_counters(http).committed, 2);
	close(fd);
}

Test(feed_http, requests_that_wait_share_a_commit)
{
	char reply[16384];
	int fds[3];

	for (int i = 0; i < 3; i++) {
		fds[i] = connect_client();
		post(fds[i], "application/json", event((char[]){(char)('a' + i), '\0'}));
		wait_queued((uint64_t)i + 1);
	}
	/* A fourth finds no place, and is told so at once. */
	int fourth = connect_client();
	post(fourth, NULL, event("d"));
	cr_assert_eq(receive(fourth, reply), 503);
	cr_assert_not_null(strcasestr(reply, "Retry-After: 1"), "%s", reply);
	cr_assert_eq(feed_http_counters(http).shed, 1);
	uint64_t number;
	cr_assert_eq(feed_http_turn(http, fixture.store, FIXTURE_NOW_MS, &counters, &number), 3);
	cr_assert_eq(number, 1);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(receive(fds[i], reply), 200);
		close(fds[i]);
	}
	cr_assert_eq(counters.applied, 3);
	post(fourth, NULL, event("d"));
	wait_queued(4);
	cr_assert_eq(turn(), 1);
	cr_assert_eq(receive(fourth, reply), 200);
	close(fourth);
}

Test(feed_http, refusals)
{
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{"GET /feed/v1/messages HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"POST /feed/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404},
		{"POST /feed/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"
		 "Content-Length: 0\r\n\r\n",
			415},
		{"POST /feed/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n",
			413},
	};
	static char body[150000];
	char reply[16384];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = connect_client();
		send_all(fd, cases[i].request, strlen(cases[i].request));
		cr_assert_eq(receive(fd, reply), cases[i].status, "case %zu: %s", i, reply);
		close(fd);
	}
	/* In chunks, so that its size is not told before. */
	int fd = connect_client();
	memset(body, ' ', sizeof(body));
	static const char head[] = "POST /feed/v1/messages HTTP/1.1\r\nHost: x\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n249F0\r\n";
	send_all(fd, head, strlen(head));
	send_all(fd, body, sizeof(body));
	send_all(fd, "\r\n0\r\n\r\n", 7);
	cr_assert_eq(receive(fd, reply), 413);
	close(fd);
	cr_assert_eq(feed_http_counters(http).too_large, 2);
	cr_assert_eq(feed_http_counters(http).not_for_us, 3);
	cr_assert_eq(feed_http_counters(http).requests, 0);
	/* These have to be looked at by control. A good one beside them is not harmed. */
	static const char *const bodies[] = {"[{}", "", "[1] 2"};
	for (unsigned i = 0; i < 3; i++) {
		int other = connect_client();
		fd = connect_client();
		post(fd, NULL, bodies[i]);
		wait_queued(2 * i + 1);
		post(other, NULL, event("good"));
		wait_queued(2 * i + 2);
		cr_assert_eq(turn(), 2);
		cr_assert_eq(receive(fd, reply), 400, "%s", reply);
		cr_assert_eq(receive(other, reply), 200);
		close(fd);
		close(other);
	}
	memset(body, '1', 9000);
	for (int i = 0; i < 9000; i += 2)
		body[i] = i == 0 ? '[' : ',';
	strcpy(body + 8999, "]");
	fd = connect_client();
	post(fd, NULL, body);
	wait_queued(7);
	cr_assert_eq(turn(), 1);
	cr_assert_eq(receive(fd, reply), 413);
	close(fd);
	cr_assert_eq(counters.applied, 1);
	cr_assert_eq(counters.duplicates, 2);
}

Test(feed_http, a_store_that_fails)
{
	char reply[16384];
	int fd = connect_client();

	post(fd, NULL, event("1"));
	wait_queued(1);
	struct store_change *change = store_begin(fixture.store);
	cr_assert_eq(feed_http_apply(http, change, FIXTURE_NOW_MS), 1);
	store_abandon(change);
	feed_http_answer(http, -ENOSPC, &counters);
	cr_assert_eq(receive(fd, reply), 503);
	cr_assert_not_null(strcasestr(reply, "Retry-After"));
	cr_assert_eq(counters.applied, 0);
	cr_assert_eq(feed_http_counters(http).failed, 1);
	/* Sent again, it is new. */
	post(fd, NULL, event("1"));
	wait_queued(2);
	cr_assert_eq(turn(), 1);
	cr_assert_eq(receive(fd, reply), 200);
	cr_assert_eq(counters.applied, 1);
	close(fd);
}

Test(feed_http, clients_that_go_away)
{
	char reply[16384];
	int fd = connect_client();

	/* In the midst of the body, and while the request waits. */
	static const char half[] =
		"POST /feed/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{";
	send_all(fd, half, strlen(half));
	close(fd);
	fd = connect_client();
	post(fd, NULL, event("1"));
	wait_queued(1);
	close(fd);
	usleep(50000);
	cr_assert_eq(turn(), 1);
	fd = connect_client();
	post(fd, NULL, event("1"));
	wait_queued(2);
	cr_assert_eq(turn(), 1);
	cr_assert_eq(receive(fd, reply), 200);
	json_t *outcomes = outcomes_of(reply);
	cr_assert_str_eq(member(outcomes, 0, "result"), "duplicate");
	json_decref(outcomes);
	close(fd);
}

Test(feed_http, the_end_in_the_midst_of_work)
{
	int fds[2];

	for (int i = 0; i < 2; i++) {
		fds[i] = connect_client();
		post(fds[i], NULL, event("1"));
		wait_queued((uint64_t)i + 1);
		if (i == 0) {
			struct store_change *change = store_begin(fixture.store);
			cr_assert_eq(feed_http_apply(http, change, FIXTURE_NOW_MS), 1);
			store_abandon(change);
		}
	}
	/* close_all() must neither hang nor leak. */
}

Test(feed_http_options, wrong_ones)
{
	char reason[256] = "";
	struct feed_http_options options = {.address = "no address"};

	errno = 0;
	cr_assert_null(feed_http_open(&options, reason, sizeof(reason)));
	cr_assert_eq(errno, EINVAL);
	cr_assert_not_null(strstr(reason, "no address"));
	options.address = "127.0.0.1";
	struct feed_http *first = feed_http_open(&options, reason, sizeof(reason));
	cr_assert_not_null(first, "%s", reason);
	options.port = feed_http_port(first);
	cr_assert_null(feed_http_open(&options, reason, sizeof(reason)));
	cr_assert_eq(errno, EADDRINUSE, "%s", reason);
	feed_http_close(first);
	feed_http_close(NULL);
}

/* ---- many clients at once, and a store thread that takes what there is */

#define CLIENTS 8
#define POSTS 40

static void *run_client(void *argument)
{
	unsigned number = (unsigned)(uintptr_t)argument;
	char reply[16384];
	char text[1024];
	int fd = connect_client();

	for (unsigned i = 0; i < POSTS; i++) {
		int status;

		snprintf(text, sizeof(text),
			"{\"messageId\":\"c%u-%u\",\"messageType\":"
			"\"RegistrationSecuredInactiveSynchronisation\",\"createdAt\":"
			"\"2025-12-01T09:00:00Z\",\"mpxn\":\"14%011u\",\"registration\":{"
			"\"supplier\":\"SUPA\",\"inactiveFrom\":\"2025-01-01\"}}",
			number, i, number * POSTS + i);
		do {
			post(fd, NULL, text);
			status = receive(fd, reply);
		} while (status == 503);
		if (status != 200 || strstr(reply, "\"applied\"") == NULL)
			return "wrong";
	}
	close(fd);
	return NULL;
}

Test(feed_http, many_clients)
{
	pthread_t threads[CLIENTS];
	int taken = 0;

	for (uintptr_t i = 0; i < CLIENTS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, run_client, (void *)i), 0);
	while (taken < CLIENTS * POSTS) {
		struct pollfd poll_fd = {.fd = feed_http_fd(http), .events = POLLIN};

		cr_assert_eq(poll(&poll_fd, 1, WAIT_MS), 1);
		int count = turn();
		cr_assert_geq(count, 0);
		taken += count;
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		void *result;

		cr_assert_eq(pthread_join(threads[i], &result), 0);
		cr_assert_null(result);
	}
	cr_assert_eq(counters.applied, CLIENTS * POSTS);
	cr_assert_eq(feed_http_counters(http).committed, CLIENTS * POSTS);
}
