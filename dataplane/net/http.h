/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 over a transport: a strict server (POST only) and a client, polled by one thread.
 *
 * Moves bytes; knows no DUIS. One instance belongs to one thread (an edge lcore); nothing here
 * allocates after http_create(). Time is an argument (ns, monotonic).
 *
 *   http_poll() -> HTTP_REQUEST   a complete request has arrived; its body is now the caller's
 *               -> HTTP_RESPONSE  a POST made with http_post() has ended, well or not
 *   http_reply()                  answers a request
 *   http_post()                   sends a request to an endpoint
 *
 * Requests of one connection are delivered one after the other: the next one is read from the
 * connection only when the answer to the one before has left, so pipelined requests are answered in
 * order. What is refused by the HTTP layer itself (RFC 9110/9112) never reaches the caller: 400
 * malformed, 404 unknown path, 405 not POST (with Allow), 408 too slow, 411 no Content-Length, 413
 * body too large, 415 wrong Content-Type or any Content-Encoding, 417 an expectation other than
 * 100-continue, 431 headers too large, 503 no buffer or no connection slot (with Retry-After), 505
 * not HTTP/1.1 or 1.0. Such an answer is one line of JSON,
 * {"code":"...","offset":N,"reason":"..."}, and ends the connection. A path is compared as it
 * stands, up to "?"; the query is ignored.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/net/buffer.h"
#include "dataplane/net/transport.h"

#define HTTP_ROUTES_MAX 16
#define HTTP_PATH_PARAMETER_SIZE 64
#define HTTP_HEADERS_MAX 512 /* bytes of `headers` in http_reply() and http_post() */
#define HTTP_ENDPOINTS_MAX 65535

/* One path that the server serves. A path that ends in "*" takes one more path segment there, of
 * [A-Za-z0-9._-], given as `parameter`: "/provider/v1/STAR/response" with STAR = "*". */
struct http_route {
	const char *path;
	const char *content_type; /* media type a body must have, parameters ignored; "" = any */
	uint32_t body_bytes_max;
	uint32_t listener; /* index of the listener that serves it */
};

struct http_limits {
	uint32_t connections_max;	 /* accepted ones */
	uint32_t client_connections_max; /* made ones, all endpoints */
	uint32_t endpoints_max;
	uint32_t header_bytes_max;  /* request line and all header fields */
	uint64_t header_timeout_ns; /* first byte of a request to the end of its header */
	uint64_t body_timeout_ns;   /* end of the header to the end of the body */
	uint64_t idle_timeout_ns;   /* between requests on a kept connection */
	uint64_t write_timeout_ns;  /* an answer that the peer does not take */
	uint32_t retry_after_s;	    /* in 503 answers */
};

/* Names a request that waits for its answer. Copyable; stale ones are recognised. */
struct http_exchange {
	uint32_t connection;
	uint32_t generation;
};

enum http_event_type {
	HTTP_REQUEST = 1,
	HTTP_RESPONSE = 2,
};

struct http_event {
	enum http_event_type type;
	struct http_exchange exchange; /* HTTP_RESPONSE: for http_response_header() alone */
	/* HTTP_REQUEST */
	uint32_t route;				  /* index into the routes */
	char parameter[HTTP_PATH_PARAMETER_SIZE]; /* what "*" matched, else "" */
	uint64_t received_ns;			  /* when its first byte was seen */
	/* HTTP_RESPONSE */
	uint64_t cookie; /* as given to http_post() */
	int status;	 /* HTTP status, or -errno: -ECONNREFUSED, -ETIMEDOUT, -ECONNRESET or
			    what else the kernel says, -EPROTO (no valid HTTP answer),
			    -EMSGSIZE (answer too large), -ENOBUFS (answered, but no buffer was
			    free for the body); the last two only when a body was wanted */
	/* both: the body; owned by the receiver of the event. NULL when empty or not wanted. */
	struct net_buffer *body;
};

/* What is refused or lost inside, each with its own counter; written by the instance's thread, read
 * by any. */
struct http_counters {
	_Atomic uint64_t connections_accepted, connections_closed, connections_refused;
	_Atomic uint64_t requests, replies, replies_dropped; /* dropped: the client had gone */
	_Atomic uint64_t bytes_in, bytes_out;
	_Atomic uint64_t refused_400, refused_404, refused_405, refused_408, refused_411;
	_Atomic uint64_t refused_413, refused_415, refused_417, refused_431, refused_503;
	_Atomic uint64_t refused_505;
	_Atomic uint64_t disconnected_midway;		/* the client left inside a request */
	_Atomic uint64_t expired_idle, expired_writing; /* closed: nothing came, answer not taken */
	_Atomic uint64_t posts, posts_answered, posts_failed;
	_Atomic uint64_t posts_replaced; /* on a new connection because the kept one had gone */
};

struct http;

/* Create an instance over `transport` (borrowed). `routes` (count <= HTTP_ROUTES_MAX) is copied.
 * the strings in it are borrowed. All memory is taken here. Every time limit must be > 0 and
 * header_bytes_max 256 .. 1 MiB. The transport should have room for connections_max +
 * client_connections_max + some more connections, which are those that can be told 503 when all
 * slots are taken. NULL with errno on failure: EINVAL or ENOMEM. */
struct http *http_create(struct transport *transport, const struct http_route *routes,
	uint32_t route_count, const struct http_limits *limits,
	const struct net_buffer_source *buffers);

/* Close all connections and give all buffers back. The transport must still be there; better on the
 * thread that polled, which then waits for sends that were under way to be dropped. */
void http_destroy(struct http *http);

/* Do one burst of work: let the transport move, parse what came, expire what is late. Fills at most
 * `events_max` events and returns their number. */
unsigned http_poll(
	struct http *http, uint64_t now_ns, struct http_event *events, unsigned events_max);

/* Number of things http_poll() did in its last call besides the returned events (bytes moved,
 * connections accepted or closed) or was given to do since; 0 means the loop may rest. */
unsigned http_work(const struct http *http);

/* The value of header field `name` of the request named by `exchange`, until it is answered.
 * Returns its length and sets *value (not NUL-terminated), or -ENOENT. Case-insensitive name. */
int http_request_header(const struct http *http, struct http_exchange exchange, const char *name,
	const char **value);

/* The same for the answer that an HTTP_RESPONSE event brought: `exchange` is the event's. Valid
 * until the next http_poll() or http_post(); -ENOENT also when the event carries no answer (status
 * < 0). */
int http_response_header(const struct http *http, struct http_exchange exchange, const char *name,
	const char **value);

/* Answer a request. `status` is 200 .. 599; `headers` are further complete header lines, each ended
 * by CRLF, at most HTTP_HEADERS_MAX bytes, or "". `content_type` is ignored without body. `body`
 * (may be NULL) passes to the http layer in every case, which releases it when it is sent or the
 * connection is gone. `close` ends the connection after the answer. Returns 0, or -ESTALE when the
 * client has gone (counted). A client that has closed its end of the stream counts as gone. */
int http_reply(struct http *http, struct http_exchange exchange, int status, const char *headers,
	const char *content_type, struct net_buffer *body, bool close);

/* Find or make the endpoint of `owner` for `url` ("http://host:port/path", host an IPv4 address or
 * "localhost", port 80 and path "/" when missing, at most 255 bytes). `owner` is any number of the
 * caller's and part of the endpoint's identity: owners with equal URLs have connections and limits
 * of their own. At most `connections_max` (> 0) connections are made to it. Returns its name (>=
 * 0), -EINVAL for a URL that is not understood, -ENOSPC when all endpoints have posts under way.
 * When all are taken, the one that was used least recently gives its place; a name of it is -ESTALE
 * from then on, so ask for the name again before each post. */
int http_endpoint(struct http *http, const char *url, uint64_t owner, uint32_t connections_max);

/* One post. The strings are copied in http_post(). */
struct http_post {
	int endpoint;		  /* as http_endpoint() named it */
	const char *headers;	  /* as in http_reply() */
	const char *content_type; /* ignored without body */
	struct net_buffer *body;  /* may be NULL */
	uint64_t cookie;	  /* comes again in the event */
	uint64_t timeout_ns;
	uint64_t expires_ns;	     /* not to be sent after this instant; 0: at any time */
	uint32_t response_bytes_max; /* of the answer's body; 0: none is wanted */
};

/* POST to an endpoint. On success the body passes to the http layer and exactly one HTTP_RESPONSE
 * event with the cookie follows, at the latest after `timeout_ns`.
 *
 * When the answer's body is wanted, a buffer is acquired as soon as its header is complete: for its
 * Content-Length, else for response_bytes_max. When no body is wanted, none is ever acquired: what
 * comes is read and thrown away, and the status decides. It is reported as it stands, when the body
 * has been read and the connection is free again, or when the rest cannot be awaited: it is
 * malformed or beyond 1 MiB, the server breaks off, or the time is up; then the connection is
 * closed.
 *
 * A post whose instant has passed before its connection was ready ends with -ETIME: no byte of it
 * has been sent, and the connection is kept for the next one.
 *
 * A request is never sent twice: a kept connection that the server closed before any byte of the
 * request was accepted for sending may be replaced once, else the event carries the error. Returns
 * 0; -EAGAIN when all connections of the endpoint (or all of the instance) are busy, -ESTALE when
 * the endpoint has given its place to another: then the body stays the caller's. */
int http_post(struct http *http, const struct http_post *post, uint64_t now_ns);

/* Stop listening and close idle connections; requests under way go on (drain). */
void http_stop_listening(struct http *http);

/* Answer every further request with 503 and close (drain), or not. */
void http_refuse_requests(struct http *http, bool refuse);

/* Requests read or being read that have no answer on the wire yet, plus posts without an answer. */
unsigned http_in_flight(const struct http *http);

/* Both may be called and read by any thread while the instance lives. */
const struct http_counters *http_counters(const struct http *http);
const struct transport_counters *http_transport_counters(const struct http *http);

#endif
