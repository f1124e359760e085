/* SPDX-License-Identifier: Apache-2.0 */
/* The io_uring transport below HTTP: every way to set the ring up, backpressure, ends, wake. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/net/uring.h"

#define EVENTS_MAX 64
#define MILLISECOND 1000000ull

struct line {
	struct transport *transport;
	struct transport_event events[EVENTS_MAX];
	unsigned count;
	uint16_t port;
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void line_listen(struct line *line)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int listener = line->transport->operations->listen(line->transport, &address);
	cr_assert_eq(listener, 0);
	/* The port was chosen by the kernel. */
	struct uring *uring = (struct uring *)line->transport;
	cr_assert_eq(getsockname(uring->listeners[0].fd, (struct sockaddr *)&address, &length), 0);
	line->port = ntohs(address.sin_port);
}

static struct line line_open(uint32_t connections, uint32_t buffers, uint32_t bytes, unsigned step)
{
	struct line line = {0};
	const struct transport_limits limits = {connections, buffers, bytes};
	line.transport = uring_create_from(&limits, step);
	cr_assert_not_null(line.transport, "%s", strerror(errno));
	line_listen(&line);
	return line;
}

static int line_connect(const struct line *line)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(line->port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void line_poll(struct line *line)
{
	line->count = line->transport->operations->poll(line->transport, line->events, EVENTS_MAX);
	if (line->count == 0)
		line->transport->operations->wait(line->transport, MILLISECOND);
}

/* Poll until an event of the type comes; others are passed over. */
static struct transport_event line_event(struct line *line, enum transport_event_type type)
{
	uint64_t end = now_ns() + 3000 * MILLISECOND;
	while (now_ns() < end) {
		line_poll(line);
		for (unsigned i = 0; i < line->count; i++)
			if (line->events[i].type == type)
				return line->events[i];
	}
	cr_assert_fail("no event of type %d", type);
	abort();
}

/* Poll for a while; an event of the type must not come. */
static void line_silent(struct line *line, enum transport_event_type type)
{
	uint64_t end = now_ns() + 50 * MILLISECOND;
	while (now_ns() < end) {
		line_poll(line);
		for (unsigned i = 0; i < line->count; i++)
			cr_assert_neq(line->events[i].type, type);
	}
}

static void line_close(struct line *line)
{
	line->transport->operations->destroy(line->transport);
}

static int send_text(struct line *line, struct transport_connection connection, const char *text)
{
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
	return line->transport->operations->send(line->transport, connection, &iov, 1);
}

static void *talk(void *argument)
{
	struct line *line = argument;
	char byte = 'x';
	int fd = line_connect(line);
	struct transport_connection connection = line_event(line, TRANSPORT_ACCEPTED).connection;
	cr_assert_eq(send(fd, &byte, 1, 0), 1);
	struct transport_event event = line_event(line, TRANSPORT_RECEIVED);
	cr_assert_eq(event.length, 1);
	cr_assert_eq(event.bytes[0], 'x');
	cr_assert_eq(event.connection.index, connection.index);
	cr_assert_eq(send_text(line, connection, "y"), 0);
	cr_assert_eq(send_text(line, connection, "y"), -EBUSY);
	line_event(line, TRANSPORT_SENT);
	cr_assert_eq(recv(fd, &byte, 1, 0), 1);
	cr_assert_eq(byte, 'y');
	close(fd);
	event = line_event(line, TRANSPORT_CLOSED);
	cr_assert_eq(event.error, 0);
	cr_assert_eq(send_text(line, connection, "y"), -ESTALE);
	return NULL;
}

/* Made by one thread, used by another, destroyed by the first: as the data plane does. */
Test(net_uring, every_way_to_set_up_the_ring)
{
	for (unsigned step = 0; step < URING_SETUP_STEPS; step++) {
		pthread_t thread;
		struct line line = line_open(4, 8, 256, step);
		cr_assert_eq(pthread_create(&thread, NULL, talk, &line), 0);
		pthread_join(thread, NULL);
		line_close(&line);
	}
}

Test(net_uring, limits_that_make_no_sense)
{
	static const struct transport_limits wrong[] = {{0, 8, 256}, {4, 7, 256}, {4, 0, 256},
		{4, 8, 0}, {4, 65536, 16}, {1u << 25, 8, 16}};
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		errno = 0;
		cr_assert_null(transport_uring_create(&wrong[i]));
		cr_assert_eq(errno, EINVAL, "row %u", i);
	}
}

static void *wake_later(void *argument)
{
	static const uint64_t one = 1;
	struct line *line = argument;
	usleep(30000);
	cr_assert_eq(write(line->transport->wake_fd, &one, sizeof(one)), sizeof(one));
	return NULL;
}

Test(net_uring, wait_ends_by_time_and_by_wake)
{
	pthread_t thread;
	struct line line = line_open(4, 8, 256, 0);
	uint64_t start = now_ns();
	line.transport->operations->wait(line.transport, 20 * MILLISECOND);
	uint64_t passed = now_ns() - start;
	cr_assert_geq(passed, 19 * MILLISECOND);
	cr_assert_lt(passed, 1000 * MILLISECOND);
	for (int i = 0; i < 3; i++) {
		line.transport->operations->poll(line.transport, line.events, EVENTS_MAX);
		start = now_ns();
		pthread_create(&thread, NULL, wake_later, &line);
		line.transport->operations->wait(line.transport, 3000 * MILLISECOND);
		passed = now_ns() - start;
		cr_assert_lt(passed, 2000 * MILLISECOND, "the wake was lost");
		cr_assert_gt(passed, 20 * MILLISECOND);
		pthread_join(thread, NULL);
	}
	line_close(&line);
}

Test(net_uring, connect)
{
	struct line line = line_open(4, 8, 256, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(line.port)};
	struct transport_connection connection;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(line.transport->operations->connect(line.transport, &address, &connection), 0);
	struct transport_event event = line_event(&line, TRANSPORT_CONNECTED);
	cr_assert_eq(event.connection.index, connection.index);
	cr_assert_eq(event.connection.generation, connection.generation);
	/* A port that nobody listens on. */
	int other = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t length = sizeof(address);
	address.sin_port = 0;
	cr_assert_eq(bind(other, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(getsockname(other, (struct sockaddr *)&address, &length), 0);
	cr_assert_eq(line.transport->operations->connect(line.transport, &address, &connection), 0);
	event = line_event(&line, TRANSPORT_CLOSED);
	cr_assert_eq(event.error, -ECONNREFUSED);
	cr_assert_eq(event.connection.index, connection.index);
	close(other);
	line_close(&line);
}

Test(net_uring, address_in_use_is_told)
{
	struct line line = line_open(2, 8, 256, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(line.port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(transport_address_probe(&address), -EADDRINUSE);
	line_close(&line);
	cr_assert_eq(transport_address_probe(&address), 0);
	struct sockaddr_in foreign = {.sin_family = AF_INET};
	foreign.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, of no machine */
	cr_assert_eq(transport_address_probe(&foreign), -EADDRNOTAVAIL);
}

Test(net_uring, slots_are_bounded_and_come_back)
{
	struct line line = line_open(2, 8, 256, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(line.port)};
	struct transport_connection name, first;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int one = line_connect(&line);
	first = line_event(&line, TRANSPORT_ACCEPTED).connection;
	int two = line_connect(&line);
	line_event(&line, TRANSPORT_ACCEPTED);
	int three = line_connect(&line);
	line_silent(&line, TRANSPORT_ACCEPTED);
	char byte;
	cr_assert_eq(recv(three, &byte, 1, 0), 0, "closed");
	cr_assert_eq(line.transport->counters.accepts_refused, 1);
	cr_assert_eq(line.transport->operations->connect(line.transport, &address, &name), -EAGAIN);
	cr_assert_eq(line.transport->operations->close(line.transport, first), 0);
	cr_assert_eq(line.transport->operations->close(line.transport, first), 0, "stale");
	line_silent(&line, TRANSPORT_CLOSED);
	int four = line_connect(&line);
	name = line_event(&line, TRANSPORT_ACCEPTED).connection;
	cr_assert_eq(name.index, first.index);
	cr_assert_neq(name.generation, first.generation);
	cr_assert_eq(send_text(&line, first, "x"), -ESTALE);
	close(one);
	close(two);
	close(three);
	close(four);
	line_close(&line);
}

/* More bytes than buffers, from several peers: all arrive, in order. */
Test(net_uring, receive_buffers_run_short)
{
	enum {
		PEERS = 4,
		SIZE = 100000
	};
	struct line line = line_open(8, 4, 128, 0);
	int fds[PEERS];
	uint32_t indexes[PEERS], received[PEERS] = {0}, sent[PEERS] = {0};
	uint8_t *bytes = malloc(SIZE);
	for (uint32_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	for (int i = 0; i < PEERS; i++) {
		fds[i] = line_connect(&line);
		indexes[i] = line_event(&line, TRANSPORT_ACCEPTED).connection.index;
	}
	uint64_t end = now_ns() + 8000 * MILLISECOND;
	uint32_t total = 0;
	while (total < PEERS * SIZE && now_ns() < end) {
		for (int i = 0; i < PEERS; i++) {
			ssize_t part = send(fds[i], bytes + sent[i], SIZE - sent[i], MSG_NOSIGNAL);
			sent[i] += part > 0 ? (uint32_t)part : 0;
		}
		line_poll(&line);
		for (unsigned k = 0; k < line.count; k++) {
			struct transport_event *event = &line.events[k];
			cr_assert_eq(event->type, TRANSPORT_RECEIVED);
			for (int i = 0; i < PEERS; i++) {
				if (event->connection.index != indexes[i])
					continue;
				cr_assert_eq(
					memcmp(event->bytes, bytes + received[i], event->length),
					0);
				received[i] += event->length;
				total += event->length;
			}
		}
	}
	cr_assert_eq(total, PEERS * SIZE);
	cr_assert_gt(line.transport->counters.receives_starved, 0);
	for (int i = 0; i < PEERS; i++)
		close(fds[i]);
	free(bytes);
	line_close(&line);
}

/* Bytes are given back at random, receiving is paused and resumed at random: the stream is the
 * same. */
Test(net_uring, kept_bytes_come_again_in_order)
{
	enum {
		SIZE = 400000
	};
	struct line line = line_open(4, 64, 256, 0);
	uint8_t *bytes = malloc(SIZE);
	uint32_t sent = 0, received = 0, random = 1, kept = 0;
	bool paused = false;
	for (uint32_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 13 + i / 257);
	int fd = line_connect(&line);
	struct transport_connection connection = line_event(&line, TRANSPORT_ACCEPTED).connection;
	uint64_t end = now_ns() + 8000 * MILLISECOND;
	while (received < SIZE && now_ns() < end) {
		uint32_t burst = SIZE - sent < 2000 ? SIZE - sent : 2000;
		ssize_t part = send(fd, bytes + sent, burst, MSG_NOSIGNAL);
		sent += part > 0 ? (uint32_t)part : 0;
		line.count =
			line.transport->operations->poll(line.transport, line.events, EVENTS_MAX);
		for (unsigned k = 0; k < line.count; k++) {
			struct transport_event *event = &line.events[k];
			cr_assert_eq(event->type, TRANSPORT_RECEIVED, "%d", event->type);
			random = random * 1664525 + 1013904223;
			uint32_t taken = event->length;
			if (paused)
				taken = 0;
			else if (random >> 30 == 0)
				taken = (random >> 8) % event->length;
			cr_assert_eq(memcmp(event->bytes, bytes + received, taken), 0, "at %u",
				received);
			received += taken;
			if (taken == event->length)
				continue;
			line.transport->operations->keep(line.transport, event, taken);
			paused = true;
			kept++;
		}
		random = random * 1664525 + 1013904223;
		if (paused && random >> 31 == 0) {
			line.transport->operations->pause(line.transport, connection, 0);
			paused = false;
		}
	}
	cr_assert_eq(received, SIZE);
	cr_assert_gt(kept, 100);
	close(fd);
	free(bytes);
	line_close(&line);
}

/* What a paused connection has received is bounded; who goes beyond is closed, others live. */
Test(net_uring, kept_bytes_are_bounded)
{
	static uint8_t bytes[1 << 20];
	struct line line = line_open(4, 16, 64, 0);
	struct transport_event event;
	int greedy = line_connect(&line);
	line_event(&line, TRANSPORT_ACCEPTED);
	int modest = line_connect(&line);
	struct transport_connection other = line_event(&line, TRANSPORT_ACCEPTED).connection;
	cr_assert_gt(send(greedy, bytes, sizeof(bytes), 0), 0);
	bool closed = false;
	uint64_t end = now_ns() + 3000 * MILLISECOND;
	while (!closed && now_ns() < end) {
		line_poll(&line);
		for (unsigned k = 0; k < line.count; k++) {
			if (line.events[k].type == TRANSPORT_RECEIVED) {
				line.transport->operations->keep(
					line.transport, &line.events[k], 0);
			} else if (line.events[k].type == TRANSPORT_CLOSED) {
				cr_assert_eq(line.events[k].error, -ENOBUFS);
				closed = true;
			}
		}
	}
	cr_assert(closed);
	cr_assert_eq(line.transport->counters.keeps_refused, 1);
	cr_assert_eq(send(modest, "abc", 3, 0), 3);
	event = line_event(&line, TRANSPORT_RECEIVED);
	cr_assert_eq(event.connection.index, other.index);
	cr_assert_eq(event.length, 3);
	close(greedy);
	close(modest);
	line_close(&line);
}

/* Paused means that the peer cannot push more than what the kernel holds. */
Test(net_uring, paused_connection_gives_nothing)
{
	struct line line = line_open(4, 16, 64, 0);
	int fd = line_connect(&line);
	struct transport_connection connection = line_event(&line, TRANSPORT_ACCEPTED).connection;
	line.transport->operations->pause(line.transport, connection, 1);
	line_poll(&line);
	cr_assert_eq(send(fd, "abc", 3, 0), 3);
	line_silent(&line, TRANSPORT_RECEIVED);
	/* Resumed and paused again before anything could happen. */
	line.transport->operations->pause(line.transport, connection, 0);
	line.transport->operations->pause(line.transport, connection, 1);
	line_silent(&line, TRANSPORT_RECEIVED);
	line.transport->operations->pause(line.transport, connection, 0);
	cr_assert_eq(line_event(&line, TRANSPORT_RECEIVED).length, 3);
	/* The end comes behind the kept bytes. */
	cr_assert_eq(send(fd, "defg", 4, 0), 4);
	close(fd);
	struct transport_event event = line_event(&line, TRANSPORT_RECEIVED);
	line.transport->operations->keep(line.transport, &event, 1);
	line_silent(&line, TRANSPORT_CLOSED);
	line.transport->operations->pause(line.transport, connection, 0);
	event = line_event(&line, TRANSPORT_RECEIVED);
	cr_assert_eq(event.length, 3);
	cr_assert_eq(memcmp(event.bytes, "efg", 3), 0);
	cr_assert_eq(line_event(&line, TRANSPORT_CLOSED).error, 0);
	line_close(&line);
}

/* Bytes and the end of the stream come in one poll; the bytes are given back. */
Test(net_uring, end_waits_for_bytes_given_back)
{
	struct line line = line_open(4, 16, 64, 0);
	int fd = line_connect(&line);
	struct transport_connection connection = line_event(&line, TRANSPORT_ACCEPTED).connection;
	line_silent(&line, TRANSPORT_RECEIVED);
	cr_assert_eq(send(fd, "abcd", 4, 0), 4);
	close(fd);
	struct transport_event event = line_event(&line, TRANSPORT_RECEIVED);
	cr_assert_eq(line.count, 1, "no end in the same poll");
	line.transport->operations->keep(line.transport, &event, 1);
	line_silent(&line, TRANSPORT_CLOSED);
	line.transport->operations->pause(line.transport, connection, 0);
	event = line_event(&line, TRANSPORT_RECEIVED);
	cr_assert_eq(event.length, 3);
	cr_assert_eq(line_event(&line, TRANSPORT_CLOSED).error, 0);
	line_close(&line);
}

/* New bytes come while older ones are held: they wait behind them. */
Test(net_uring, new_bytes_wait_behind_held_ones)
{
	for (int round = 0; round < 20; round++) {
		struct line line = line_open(4, 16, 4, 0);
		char all[16] = "";
		unsigned length = 0;
		int fd = line_connect(&line);
		struct transport_connection connection =
			line_event(&line, TRANSPORT_ACCEPTED).connection;
		line_silent(&line, TRANSPORT_RECEIVED);
		cr_assert_eq(send(fd, "abcdefghijkl", 12, 0), 12);
		line_event(&line, TRANSPORT_RECEIVED);
		cr_assert_eq(line.count, 3);
		cr_assert_eq(send(fd, "mno", 3, 0), 3);
		for (unsigned i = 0; i < line.count; i++)
			line.transport->operations->keep(line.transport, &line.events[i], 0);
		line.transport->operations->pause(line.transport, connection, 0);
		uint64_t end = now_ns() + 1000 * MILLISECOND;
		while (length < 15 && now_ns() < end) {
			line_poll(&line);
			for (unsigned i = 0; i < line.count; i++) {
				memcpy(all + length, line.events[i].bytes, line.events[i].length);
				length += line.events[i].length;
			}
		}
		cr_assert_str_eq(all, "abcdefghijklmno");
		close(fd);
		line_close(&line);
	}
}

Test(net_uring, memory_of_a_dropped_send_is_told_free)
{
	const size_t size = 16u << 20;
	char *big = malloc(size);
	memset(big, 'a', size);
	struct line line = line_open(4, 16, 64, 0);
	int fd = line_connect(&line);
	struct transport_connection connection = line_event(&line, TRANSPORT_ACCEPTED).connection;
	struct iovec iov[3] = {{big, 10}, {big, size - 20}, {big, 10}};
	cr_assert_eq(line.transport->operations->send(line.transport, connection, iov, 3), 0);
	line_silent(&line, TRANSPORT_SENT);
	cr_assert_eq(line.transport->operations->close(line.transport, connection), 1);
	struct transport_event event = line_event(&line, TRANSPORT_RELEASED);
	cr_assert_eq(event.connection.index, connection.index);
	cr_assert_eq(event.connection.generation, connection.generation);
	/* From now on no byte of it may be read: the peer sees only 'a'. */
	memset(big, 'b', size);
	uint64_t end = now_ns() + 3000 * MILLISECOND;
	ssize_t part;
	do {
		part = recv(fd, big, 65536, 0);
		for (ssize_t i = 0; i < part; i++)
			cr_assert_eq(big[i], 'a');
		line_poll(&line);
	} while ((part > 0 || (part < 0 && errno == EAGAIN)) && now_ns() < end);
	cr_assert(part == 0 || (part < 0 && errno == ECONNRESET));
	close(fd);
	free(big);
	line_close(&line);
}

Test(net_uring, peer_resets_while_we_send)
{
	static const struct linger linger = {1, 0};
	const size_t size = 16u << 20;
	char *big = calloc(1, size);
	struct line line = line_open(4, 16, 64, 0);
	int fd = line_connect(&line);
	struct transport_connection connection = line_event(&line, TRANSPORT_ACCEPTED).connection;
	struct iovec iov = {big, size};
	cr_assert_eq(line.transport->operations->send(line.transport, connection, &iov, 1), 0);
	line_silent(&line, TRANSPORT_SENT);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	struct transport_event event = line_event(&line, TRANSPORT_CLOSED);
	cr_assert_lt(event.error, 0);
	line_silent(&line, TRANSPORT_CLOSED);
	free(big);
	line_close(&line);
}

/* A peer that has sent all it will send still gets the whole answer. */
Test(net_uring, send_goes_on_after_the_peers_end)
{
	const size_t size = 4u << 20;
	char *big = calloc(1, size), *into = malloc(size);
	struct line line = line_open(4, 16, 64, 0);
	int fd = line_connect(&line);
	struct transport_connection connection = line_event(&line, TRANSPORT_ACCEPTED).connection;
	struct iovec iov = {big, size};
	cr_assert_eq(line.transport->operations->send(line.transport, connection, &iov, 1), 0);
	line_poll(&line);
	shutdown(fd, SHUT_WR);
	size_t received = 0;
	bool sent = false, closed = false;
	uint64_t end = now_ns() + 5000 * MILLISECOND;
	while ((received < size || !closed) && now_ns() < end) {
		ssize_t part = recv(fd, into, size, 0);
		received += part > 0 ? (size_t)part : 0;
		line_poll(&line);
		for (unsigned k = 0; k < line.count; k++) {
			sent |= line.events[k].type == TRANSPORT_SENT;
			if (line.events[k].type == TRANSPORT_CLOSED) {
				cr_assert(sent, "before everything was sent");
				cr_assert_eq(line.events[k].error, 0);
				closed = true;
			}
		}
	}
	cr_assert_eq(received, size);
	cr_assert(closed);
	close(fd);
	free(big);
	free(into);
	line_close(&line);
}

Test(net_uring, finish_keeps_receiving)
{
	char byte;
	struct line line = line_open(4, 16, 64, 0);
	int fd = line_connect(&line);
	struct transport_connection connection = line_event(&line, TRANSPORT_ACCEPTED).connection;
	line.transport->operations->finish(line.transport, connection);
	line_poll(&line);
	cr_assert_eq(recv(fd, &byte, 1, 0), 0);
	cr_assert_eq(send(fd, "abc", 3, MSG_NOSIGNAL), 3);
	cr_assert_eq(line_event(&line, TRANSPORT_RECEIVED).length, 3);
	close(fd);
	cr_assert_eq(line_event(&line, TRANSPORT_CLOSED).error, 0);
	line_close(&line);
}

Test(net_uring, descriptors_run_out)
{
	struct rlimit limit;
	struct line line = line_open(8, 16, 64, 0);
	int clients[2], last = 0;
	for (int i = 0; i < 2; i++)
		clients[i] = line_connect(&line);
	/* No descriptor is free below the limit. */
	while (last <= clients[1])
		last = dup(0);
	getrlimit(RLIMIT_NOFILE, &limit);
	struct rlimit low = {(rlim_t)last + 1, limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &low);
	line_silent(&line, TRANSPORT_ACCEPTED);
	cr_assert_geq(line.transport->counters.accepts_failed, 1);
	cr_assert_lt(line.transport->counters.accepts_failed, 10, "no busy loop");
	setrlimit(RLIMIT_NOFILE, &limit);
	uint64_t end = now_ns() + 5000 * MILLISECOND;
	unsigned accepted = 0;
	while (accepted < 2 && now_ns() < end) {
		line_poll(&line);
		for (unsigned k = 0; k < line.count; k++)
			accepted += line.events[k].type == TRANSPORT_ACCEPTED;
	}
	cr_assert_eq(accepted, 2);
	close(clients[0]);
	close(clients[1]);
	line_close(&line);
}

/* Two transports on one address share what comes, as edge threads do. */
Test(net_uring, two_on_one_address)
{
	struct line first = line_open(64, 16, 64, 0), second = {0};
	const struct transport_limits limits = {64, 16, 64};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(first.port)};
	int clients[32];
	unsigned accepted[2] = {0, 0};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	second.transport = transport_uring_create(&limits);
	cr_assert_eq(second.transport->operations->listen(second.transport, &address), 0);
	for (int i = 0; i < 32; i++)
		clients[i] = line_connect(&first);
	uint64_t end = now_ns() + 3000 * MILLISECOND;
	while (accepted[0] + accepted[1] < 32 && now_ns() < end) {
		line_poll(&first);
		for (unsigned k = 0; k < first.count; k++)
			accepted[0] += first.events[k].type == TRANSPORT_ACCEPTED;
		line_poll(&second);
		for (unsigned k = 0; k < second.count; k++)
			accepted[1] += second.events[k].type == TRANSPORT_ACCEPTED;
	}
	cr_assert_eq(accepted[0] + accepted[1], 32);
	cr_assert_gt(accepted[0], 0);
	cr_assert_gt(accepted[1], 0);
	for (int i = 0; i < 32; i++)
		close(clients[i]);
	line_close(&first);
	line_close(&second);
}
