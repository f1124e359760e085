/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files http*.c share; nobody else includes it. A connection of the HTTP layer lives in
 * the slot whose index the transport gave it, so nothing has to be looked up.
 *
 * Server:                                   Client:
 *   SERVER_IDLE <-----------------.           CLIENT_CONNECTING      CLIENT_IDLE (kept)
 *     | first byte                |                | connected         | http_post()
 *   SERVER_HEADER -> refused --.  |                |            CLIENT_QUEUED
 *     | header complete        |  |                | sent              | end of the poll, sent
 *   SERVER_BODY ---> refused --|  |           CLIENT_WAITING <---------'
 *     | body complete          |  |                | header of the answer
 *   SERVER_READY               |  |           CLIENT_BODY
 *     | event given            |  |                | body complete
 *   SERVER_WORKING             |  |           CLIENT_IDLE, or closed
 *     | http_reply()           |  |
 *   SERVER_REPLYING -----------|--'           both: CONNECTION_RELEASING (closed, but the transport
 *     | shall be closed        |              may still read what was given to send())
 *     '-> SERVER_LINGER <- SERVER_REFUSING
 *
 * SERVER_LINGER: our end of the stream is closed; what the peer still sends is read and dropped for
 * a while, because closing with unread bytes would make the kernel reset the connection, and the
 * peer could lose the answer.
 */
#ifndef NET_HTTP_CONNECTION_H
#define NET_HTTP_CONNECTION_H

#include "dataplane/net/counter.h"
#include "dataplane/net/http.h"
#include "dataplane/net/http_request_parse.h"
#include "dataplane/net/http_response_parse.h"
#include "dataplane/net/http_timer.h"

#define HTTP_NONE UINT32_MAX
#define HTTP_OUT_SIZE 2048 /* a header of ours */
#define HTTP_TRANSPORT_EVENTS_MAX 128
#define HTTP_LINGER_NS 2000000000ull
#define HTTP_LINGER_BYTES_MAX (32u << 20)
#define HTTP_DRAIN_BYTES_MAX (1u << 20) /* of a body that nobody wants */
#define HTTP_REFUSING_MIN 16		/* connections that may be told 503 at a time, at least */

enum http_state {
	HTTP_FREE,
	SERVER_IDLE,
	SERVER_HEADER,
	SERVER_BODY,
	SERVER_READY,
	SERVER_WORKING,
	SERVER_REPLYING,
	SERVER_REFUSING,
	SERVER_LINGER,
	CLIENT_CONNECTING,
	CLIENT_QUEUED,
	CLIENT_WAITING,
	CLIENT_BODY,
	CLIENT_IDLE,
	CONNECTION_RELEASING,
};

/* The server's side of a connection. */
struct http_served {
	struct http_request request;
	uint32_t exchange; /* generation of the request that is being served */
	uint32_t listener;
	uint32_t route;
	char parameter[HTTP_PATH_PARAMETER_SIZE];
	uint64_t received_ns;
	uint32_t ready_next;
	uint32_t linger_bytes;
	bool over_limit;   /* accepted only to be told 503 */
	bool reply_waits;  /* the answer is written, but 100 Continue is still being sent */
	bool close_after;  /* no further request */
	bool linger_after; /* bytes may still come in that nobody wants */
};

/* The client's side: the post that is under way. */
struct http_posted {
	struct http_response response;
	struct http_chunked chunked;
	int endpoint; /* slot */
	uint64_t cookie;
	uint64_t expires_ns;	     /* of the permission to send; 0: none is needed */
	uint32_t response_bytes_max; /* 0: the body is drained */
	uint32_t drained_bytes;
	bool kept;			   /* the connection has served before */
	bool replaced;			   /* the post has already lost a kept connection */
	bool answered;			   /* a byte of the answer has come */
	bool unsent;			   /* the transport has not taken it */
	uint32_t idle_next, idle_previous; /* of the endpoint, the last used first */
	uint32_t all_next, all_previous;   /* of all endpoints */
	uint32_t queued_next;
};

struct http_connection {
	struct http_timer timer; /* first */
	enum http_state state;
	uint32_t generation; /* of the transport */
	uint8_t *in;	     /* header being read or served, then what came in behind the body */
	uint32_t in_length;
	uint32_t head_length; /* of a complete header in `in` */
	uint8_t *out;	      /* header being sent */
	uint32_t out_length;
	struct net_buffer *body_in, *body_out;
	uint32_t body_missing;
	uint32_t sending_bytes; /* of the send under way */
	bool sending, paused;
	struct http_served served;
	struct http_posted posted;
};

struct http_endpoint {
	char url[256];
	uint64_t owner;
	char host[128]; /* with port, as in the URL */
	const char *path;
	struct sockaddr_in address;
	uint32_t generation;
	bool used;
	uint32_t connections, connections_max;
	uint32_t busy; /* connections with a post */
	uint32_t idle_first;
	uint64_t used_order; /* of the last use; larger is later */
	uint32_t hash_next;
};

struct http {
	struct transport *transport;
	struct http_limits limits;
	struct net_buffer_source buffers;
	struct http_route routes[HTTP_ROUTES_MAX];
	uint32_t route_count;
	struct http_counters counters;
	uint64_t now_ns;
	bool timed; /* now_ns has been set */
	unsigned work;
	bool stopped, refusing;
	struct http_timers timers;
	struct http_connection *connections; /* transport->connections_max of them */
	uint8_t *memory;		     /* of their `in` and `out` */
	uint32_t served_count, over_limit_count, over_limit_max, client_count;
	uint32_t in_service; /* requests without an answer on the wire */
	uint32_t exchange;   /* generation of the last request */
	uint32_t ready_first, ready_last;
	uint32_t queued_first, queued_last;
	uint32_t idle_first, idle_last; /* kept client connections, the last used first */
	struct http_event *results;	/* ring: posts that have ended */
	uint32_t result_first, result_count;
	uint32_t posts_open; /* posts whose event has not been given to the caller */
	struct http_endpoint *endpoints;
	uint32_t *endpoint_hash;
	uint32_t endpoint_hash_mask;
	uint64_t endpoint_order;
	struct transport_event events[HTTP_TRANSPORT_EVENTS_MAX];
};

/* http.c: what server and client share */

static inline uint32_t http_index(const struct http *http, const struct http_connection *connection)
{
	return (uint32_t)(connection - http->connections);
}

static inline struct transport_connection http_name(
	const struct http *http, const struct http_connection *connection)
{
	struct transport_connection name = {http_index(http, connection), connection->generation};
	return name;
}

void http_now_set(struct http *http, uint64_t now_ns);
/* Take the slot of a new transport connection. */
struct http_connection *http_connection_begin(
	struct http *http, struct transport_connection name, enum http_state state);
void http_connection_set(
	struct http *http, struct http_connection *connection, enum http_state state);
/* Close the transport's connection and end ours. */
void http_connection_close(struct http *http, struct http_connection *connection);
/* The transport's connection is gone: end ours. */
void http_connection_end(struct http *http, struct http_connection *connection);
/* End the connection after `delay_ns` if nothing happens. */
void http_connection_expire(
	struct http *http, struct http_connection *connection, uint64_t delay_ns);
void http_connection_pause(struct http *http, struct http_connection *connection, bool paused);
/* Send out[0 .. out_length) and body_out. 0 or -errno of the transport. */
int http_connection_send(struct http *http, struct http_connection *connection);
void http_body_release(struct http *http, struct net_buffer **body);
/* Copy `length` bytes behind what `in` holds, as far as there is room. Returns how many. */
uint32_t http_in_append(const struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length);

/* http_server.c */
void http_server_accepted(struct http *http, const struct transport_event *event);
/* Returns how many of the bytes were taken. */
uint32_t http_server_received(struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length);
void http_server_sent(struct http *http, struct http_connection *connection);
void http_server_closed(struct http *http, struct http_connection *connection);
void http_server_expired(struct http *http, struct http_connection *connection);
/* Fill *event from the next complete request; false when there is none. */
bool http_server_event(struct http *http, struct http_event *event);
/* Route for the path, or HTTP_NONE; fills the connection's parameter. */
uint32_t http_route_find(struct http *http, struct http_connection *connection);

/* http_answer.c: writing the header of an answer */
void http_answer_write(struct http_connection *connection, int status, const char *headers,
	const char *content_type);
/* A refusal: an answer with one line of JSON. */
void http_answer_refusal(struct http *http, struct http_connection *connection, int status,
	uint32_t offset, const char *reason);

/* http_client.c */
void http_client_connected(struct http *http, struct http_connection *connection);
uint32_t http_client_received(struct http *http, struct http_connection *connection,
	const uint8_t *bytes, uint32_t length);
void http_client_sent(struct http *http, struct http_connection *connection);
void http_client_closed(
	struct http *http, struct http_connection *connection, const struct transport_event *event);
void http_client_expired(struct http *http, struct http_connection *connection);
/* Send the posts that wait for the end of the poll. */
void http_client_flush(struct http *http);
bool http_client_event(struct http *http, struct http_event *event);
/* Take a kept connection out of the lists of idle ones. */
void http_client_unlist(struct http *http, struct http_connection *connection);

#endif
