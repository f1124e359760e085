/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server and client of the HTTP layer on loopback, and raw sockets against it, all in one thread:
 * whoever waits for something pumps the instance meanwhile.
 */
#ifndef TESTS_NET_FIXTURE_H
#define TESTS_NET_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/net/http.h"

#define FIXTURE_ANSWER_SIZE (1u << 16)
#define FIXTURE_SECOND 1000000000ull
#define FIXTURE_EVENTS_MAX 64

enum fixture_route {
	ROUTE_XML,	/* POST /xml, application/xml, up to 1000 bytes */
	ROUTE_BIG,	/* POST /big, any type, up to 14 MiB */
	ROUTE_PROVIDER, /* POST /provider/v1/NAME/response, application/octet-stream */
	ROUTE_SECOND,	/* POST /second, on the second listener */
	ROUTE_COUNT,
};

struct fixture {
	struct transport *transport;
	struct http *http;
	uint16_t ports[2];
	uint64_t skipped_ns; /* added to the clock: lets time-outs pass at once */
	/* requests: answered with their own body as long as `echo`, else left in `waiting` */
	bool echo;
	struct http_event waiting[FIXTURE_EVENTS_MAX];
	unsigned waiting_count;
	struct http_event responses[FIXTURE_EVENTS_MAX];
	unsigned response_count;
	unsigned request_count;
	/* buffers */
	unsigned buffers_out;	   /* taken and not given back */
	unsigned buffers_acquired; /* asked for by the HTTP layer, in all */
	bool buffers_refused;	   /* acquire() gives nothing */
};

struct fixture_answer {
	int status;
	bool closed; /* the server has closed the connection behind it */
	uint32_t head_length, body_length;
	char text[FIXTURE_ANSWER_SIZE]; /* header and body, NUL-terminated */
};

/* Limits with which tests are quick: 8 KiB of header, 2 s for a header or body, 10 s idle. */
struct http_limits fixture_limits(void);
struct fixture *fixture_open(const struct http_limits *limits);
/* Ends the test as failed when a buffer has not come back. */
void fixture_close(struct fixture *fixture);

uint64_t fixture_now(const struct fixture *fixture);
/* One burst of the instance. */
void fixture_pump(struct fixture *fixture);
/* Bursts until *count >= wanted, at most 5 s. */
void fixture_pump_until(struct fixture *fixture, const unsigned *count, unsigned wanted);
/* Bursts for some time. */
void fixture_pump_for(struct fixture *fixture, unsigned milliseconds);

/* A connected, non-blocking socket to one of the listeners. */
int fixture_connect(const struct fixture *fixture, unsigned listener);
/* Send all of it, pumping; false when the peer has gone. */
bool fixture_send(struct fixture *fixture, int fd, const void *bytes, size_t length);
bool fixture_say(struct fixture *fixture, int fd, const char *text);
/* Read one answer with Content-Length, pumping; false when the connection ends before. */
bool fixture_answer(struct fixture *fixture, int fd, struct fixture_answer *answer);
/* Whether the peer ends the connection in an orderly way within `milliseconds`. */
bool fixture_ends(struct fixture *fixture, int fd, unsigned milliseconds);
/* The value of a header field of the answer, or NULL; valid until the next call. */
const char *fixture_field(const struct fixture_answer *answer, const char *name);

/* A listening socket on loopback; its port in *port. */
int fixture_listen(uint16_t *port);
/* Accept on it, pumping. */
int fixture_accept(struct fixture *fixture, int listener);
/* Read until `wanted` stands in the bytes (or the peer ends), pumping; NUL-terminated. */
bool fixture_read_until(
	struct fixture *fixture, int fd, char *bytes, size_t size, const char *wanted);

struct net_buffer *fixture_buffer(struct fixture *fixture, const void *bytes, uint32_t length);
void fixture_buffer_free(struct fixture *fixture, struct net_buffer *buffer);

#endif
