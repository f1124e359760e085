/* SPDX-License-Identifier: Apache-2.0 */
#include "net_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct net_buffer *buffer_make(struct fixture *fixture, uint32_t capacity)
{
	struct net_buffer *buffer = malloc(sizeof(*buffer) + capacity);
	buffer->capacity = capacity;
	buffer->length = 0;
	fixture->buffers_out++;
	return buffer;
}

static struct net_buffer *acquire(void *source, uint32_t capacity)
{
	struct fixture *fixture = source;
	fixture->buffers_acquired++;
	return fixture->buffers_refused ? NULL : buffer_make(fixture, capacity);
}

static void release(void *source, struct net_buffer *buffer)
{
	struct fixture *fixture = source;
	fixture->buffers_out--;
	free(buffer);
}

struct net_buffer *fixture_buffer(struct fixture *fixture, const void *bytes, uint32_t length)
{
	struct net_buffer *buffer = buffer_make(fixture, length);
	memcpy(buffer->bytes, bytes, length);
	buffer->length = length;
	return buffer;
}

void fixture_buffer_free(struct fixture *fixture, struct net_buffer *buffer)
{
	if (buffer != NULL)
		release(fixture, buffer);
}

static uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * FIXTURE_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t fixture_now(const struct fixture *fixture)
{
	return clock_ns() + fixture->skipped_ns;
}

struct http_limits fixture_limits(void)
{
	struct http_limits limits = {
		.connections_max = 64,
		.client_connections_max = 16,
		.endpoints_max = 8,
		.header_bytes_max = 8192,
		.header_timeout_ns = 2 * FIXTURE_SECOND,
		.body_timeout_ns = 2 * FIXTURE_SECOND,
		.idle_timeout_ns = 10 * FIXTURE_SECOND,
		.write_timeout_ns = 2 * FIXTURE_SECOND,
		.retry_after_s = 7,
	};
	return limits;
}

int fixture_listen(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	static const int on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert(fd >= 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(fd, 64), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* A port that was free a moment ago. */
static uint16_t port_choose(void)
{
	uint16_t port;
	close(fixture_listen(&port));
	return port;
}

static void listeners_open(struct fixture *fixture)
{
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET};
		fixture->ports[i] = port_choose();
		address.sin_port = htons(fixture->ports[i]);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		cr_assert_eq(
			fixture->transport->operations->listen(fixture->transport, &address), i);
	}
}

struct fixture *fixture_open(const struct http_limits *limits)
{
	static const struct http_route routes[ROUTE_COUNT] = {
		[ROUTE_XML] = {"/xml", "application/xml", 1000, 0},
		[ROUTE_BIG] = {"/big", "", 14u << 20, 0},
		[ROUTE_PROVIDER] = {"/provider/v1/*/response", "application/octet-stream", 1000, 0},
		[ROUTE_SECOND] = {"/second", "", 1000, 1},
	};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const struct transport_limits transport_limits = {
		.connections_max = limits->connections_max + limits->client_connections_max + 16,
		.receive_buffers = 64,
		.receive_buffer_bytes = 4096,
	};
	const struct net_buffer_source source = {acquire, release, fixture};
	fixture->transport = transport_uring_create(&transport_limits);
	cr_assert(fixture->transport != NULL, "no io_uring here: %s", strerror(errno));
	listeners_open(fixture);
	fixture->http = http_create(fixture->transport, routes, ROUTE_COUNT, limits, &source);
	cr_assert(fixture->http != NULL);
	fixture->echo = true;
	return fixture;
}

void fixture_close(struct fixture *fixture)
{
	for (unsigned i = 0; i < fixture->waiting_count; i++)
		fixture_buffer_free(fixture, fixture->waiting[i].body);
	for (unsigned i = 0; i < fixture->response_count; i++)
		fixture_buffer_free(fixture, fixture->responses[i].body);
	http_destroy(fixture->http);
	fixture->transport->operations->destroy(fixture->transport);
	cr_assert_eq(fixture->buffers_out, 0, "%u buffers lost", fixture->buffers_out);
	free(fixture);
}

void fixture_pump(struct fixture *fixture)
{
	struct http_event events[8];
	unsigned count = http_poll(fixture->http, fixture_now(fixture), events, 8);
	for (unsigned i = 0; i < count; i++) {
		struct http_event *event = &events[i];
		if (event->type == HTTP_RESPONSE) {
			cr_assert(fixture->response_count < FIXTURE_EVENTS_MAX);
			fixture->responses[fixture->response_count++] = *event;
			continue;
		}
		fixture->request_count++;
		if (fixture->echo) {
			http_reply(fixture->http, event->exchange, 200, "X-Test: yes\r\n",
				"text/plain", event->body, false);
		} else {
			cr_assert(fixture->waiting_count < FIXTURE_EVENTS_MAX);
			fixture->waiting[fixture->waiting_count++] = *event;
		}
	}
	if (count == 0 && http_work(fixture->http) == 0)
		fixture->transport->operations->wait(fixture->transport, 1000000);
}

void fixture_pump_until(struct fixture *fixture, const unsigned *count, unsigned wanted)
{
	uint64_t end = clock_ns() + 5 * FIXTURE_SECOND;
	while (*count < wanted && clock_ns() < end)
		fixture_pump(fixture);
	cr_assert(*count >= wanted, "%u of %u", *count, wanted);
}

void fixture_pump_for(struct fixture *fixture, unsigned milliseconds)
{
	uint64_t end = clock_ns() + milliseconds * 1000000ull;
	do
		fixture_pump(fixture);
	while (clock_ns() < end);
}

int fixture_connect(const struct fixture *fixture, unsigned listener)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	address.sin_port = htons(fixture->ports[listener]);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(fd >= 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

bool fixture_send(struct fixture *fixture, int fd, const void *bytes, size_t length)
{
	const char *at = bytes;
	uint64_t end = clock_ns() + 8 * FIXTURE_SECOND;
	while (length > 0) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
		cr_assert(clock_ns() < end, "the peer does not take the bytes");
		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent > 0) {
			at += sent;
			length -= (size_t)sent;
		}
		fixture_pump(fixture);
	}
	return true;
}

bool fixture_say(struct fixture *fixture, int fd, const char *text)
{
	return fixture_send(fixture, fd, text, strlen(text));
}

/* recv() with pumping, at most until `end`; -EAGAIN then. */
static ssize_t receive(struct fixture *fixture, int fd, void *bytes, size_t size, uint64_t end)
{
	for (;;) {
		ssize_t received = recv(fd, bytes, size, 0);
		if (received >= 0)
			return received;
		if (errno != EAGAIN)
			return -errno;
		if (clock_ns() > end)
			return -EAGAIN;
		fixture_pump(fixture);
	}
}

const char *fixture_field(const struct fixture_answer *answer, const char *name)
{
	static char value[256];
	const char *line = strstr(answer->text, "\r\n") + 2;
	size_t length = strlen(name);
	while (line < answer->text + answer->head_length && *line != '\r') {
		const char *end = strstr(line, "\r\n");
		if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
			size_t value_length = (size_t)(end - line) - length - 2;
			cr_assert(value_length < sizeof(value));
			memcpy(value, line + length + 2, value_length);
			value[value_length] = '\0';
			return value;
		}
		line = end + 2;
	}
	return NULL;
}

bool fixture_answer(struct fixture *fixture, int fd, struct fixture_answer *answer)
{
	uint64_t end = clock_ns() + 5 * FIXTURE_SECOND;
	uint32_t length = 0;
	memset(answer, 0, sizeof(*answer) - sizeof(answer->text));
	/* Byte by byte up to the end of the header, so that pipelined answers stay apart. */
	for (;;) {
		ssize_t received = receive(fixture, fd, answer->text + length, 1, end);
		cr_assert(received != -EAGAIN, "no answer");
		if (received <= 0)
			return false;
		answer->text[++length] = '\0';
		if (length >= 4 && strcmp(answer->text + length - 4, "\r\n\r\n") == 0)
			break;
		cr_assert(length < FIXTURE_ANSWER_SIZE / 2);
	}
	answer->head_length = length;
	cr_assert(strncmp(answer->text, "HTTP/1.1 ", 9) == 0, "%s", answer->text);
	answer->status = atoi(answer->text + 9);
	const char *content_length = fixture_field(answer, "Content-Length");
	uint32_t wanted = content_length != NULL ? (uint32_t)atoi(content_length) : 0;
	cr_assert(length + wanted < FIXTURE_ANSWER_SIZE);
	while (answer->body_length < wanted) {
		ssize_t received = receive(
			fixture, fd, answer->text + length, wanted - answer->body_length, end);
		if (received <= 0)
			return false;
		length += (uint32_t)received;
		answer->body_length += (uint32_t)received;
	}
	answer->text[length] = '\0';
	return true;
}

bool fixture_ends(struct fixture *fixture, int fd, unsigned milliseconds)
{
	char byte;
	return receive(fixture, fd, &byte, 1, clock_ns() + milliseconds * 1000000ull) == 0;
}

int fixture_accept(struct fixture *fixture, int listener)
{
	uint64_t end = clock_ns() + 5 * FIXTURE_SECOND;
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			return fd;
		cr_assert(errno == EAGAIN && clock_ns() < end, "nobody connects");
		fixture_pump(fixture);
	}
}

bool fixture_read_until(
	struct fixture *fixture, int fd, char *bytes, size_t size, const char *wanted)
{
	uint64_t end = clock_ns() + 5 * FIXTURE_SECOND;
	size_t length = 0;
	bytes[0] = '\0';
	while (strstr(bytes, wanted) == NULL) {
		cr_assert(length + 1 < size);
		ssize_t received = receive(fixture, fd, bytes + length, size - 1 - length, end);
		cr_assert(received != -EAGAIN, "not received: %s", wanted);
		if (received <= 0)
			return false;
		length += (size_t)received;
		bytes[length] = '\0';
	}
	return true;
}
