/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files of the edge: its state and what they call of one another. */
#ifndef DATAPLANE_EDGE_STATE_H
#define DATAPLANE_EDGE_STATE_H

#include "dataplane/duis/engine.h"
#include "dataplane/duis/p256.h"
#include "dataplane/duis/sign.h"
#include "dataplane/duis/write.h"
#include "dataplane/edge.h"
#include "dataplane/handoff.h"
#include "dataplane/net/http.h"

/* The order of the routes and listeners that edge.c sets up. */
enum edge_route {
	EDGE_ROUTE_TRANSFORM = MW_SERVICE_TRANSFORM,
	EDGE_ROUTE_SEND_COMMAND = MW_SERVICE_SEND_COMMAND,
	EDGE_ROUTE_NON_DEVICE = MW_SERVICE_NON_DEVICE,
	EDGE_ROUTE_PROVIDER_RESPONSE,
	EDGE_ROUTE_COUNT,
};

enum edge_listener {
	EDGE_LISTENER_USERS = 0,
	EDGE_LISTENER_PROVIDERS = 1,
};

/* A POST under way: what the traffic lcore is told when it ends. */
struct edge_post {
	enum traffic_event_type ends_as;
	uint8_t provider_id;
	struct pending_reference reference;
	struct request_terms terms; /* of a transform: its answer must repeat them */
	uint32_t next_free;
};

/* A user's request that was found good but for its signature, which is judged with the others of
 * the same poll. */
struct edge_request {
	struct http_exchange exchange;
	enum mw_service service;
	uint64_t received_ns;
	struct message *body; /* the edge's */
	const struct registry_user *user;
	const struct registry_certificate *certificate;
	struct duis_document document;
	uint8_t signed_digest[DUIS_SIGNED_DIGEST_SIZE];
	uint8_t signature[DUIS_SIGNATURE_SIZE];
};

struct edge {
	struct edge_setup setup;
	struct transport *transport;
	struct http *http;
	struct duis_engine *engine;
	struct duis_signer *signer;
	struct p256_verifier *verifier;
	const struct registry *registry;    /* for the current poll */
	const struct duis_schemas *schemas; /* for the current poll */
	struct edge_request burst[BURST];   /* of the current poll */
	unsigned burst_count;
	struct registry_image_device devices[BURST]; /* their targets */
	int devices_found[BURST];		     /* 0 or -errno of reading them */
	struct edge_post *posts;		     /* numbers are the cookies of http_post() */
	uint32_t free_post;
	uint32_t posts_under_way;
};

/* Hand an event to the traffic lcore. Requests and responses are new work: they find room only
 * while the ring is at most half full (false: no room, nothing was done). Everything else is the
 * end of work under way and always finds room. */
bool edge_tell_traffic(struct edge *edge, struct traffic_event *event);

/* A post record, or NULL when CLIENT_CONNECTIONS_MAX are in use. */
struct edge_post *edge_post_take(struct edge *edge, uint64_t *cookie);
void edge_post_free(struct edge *edge, struct edge_post *post);

/* receive.c: first every request of a poll, then their signatures all together, which ends the
 * poll.
 */
void receive_request(struct edge *edge, uint64_t now_ns, const struct http_event *event);
void receive_burst(struct edge *edge, uint64_t now_ns);

/* receive_provider.c */
void receive_response(struct edge *edge, uint64_t now_ns, const struct http_event *event);

/* dispatch.c, deliver.c */
void dispatch_request(struct edge *edge, uint64_t now_ns, const struct action *action);
void dispatch_ended(
	struct edge *edge, const struct edge_post *post, const struct http_event *event);
void deliver_response(struct edge *edge, uint64_t now_ns, const struct action *action);

/* compose.c */

/* A Response to be built. */
struct composition {
	const struct duis_response *response;
	uint64_t user; /* who gets it */
	bool check;    /* can its DUIS version express it? */
	bool sign;
	const uint8_t *mismatch; /* an alert: what takes its place when not; NULL: a service
				    response, for which that is written here */
	uint32_t mismatch_length;
};

/* Build it in *made (then the caller's). Returns 0; 1 when a DUISVersionMismatch, signed, has taken
 * its place; -ENOBUFS or -EIO. */
int compose(struct edge *edge, const struct composition *composition, struct message **made);

/* reply.c */

/* Answer with a DUIS Response. `code` NULL takes the reason's. `body` (canonical element, may be
 * NULL) passes to this function. `proven`: the sender's signature was good. */
struct reply {
	struct http_exchange exchange;
	const struct request_terms *terms;
	enum answer_reason reason;
	const char *code;
	struct message *body;
	bool proven;
};
void reply_duis(struct edge *edge, uint64_t now_ns, const struct reply *reply);

/* Answer with a canonical Response document, which is signed if it has a body. `document` passes
 * to this function. */
void reply_document(
	struct edge *edge, struct http_exchange exchange, struct message *document, bool has_body);

/* Answer with an HTTP status and one line of JSON: the error's code, offset and reason; 503 also
 * with Retry-After. `path` holds names of elements, `reason`
 * our own words. */
struct reply_error {
	int status;
	const char *code;
	uint64_t offset;
	const char *path;
	const char *reason;
};
void reply_json(struct edge *edge, struct http_exchange exchange, const struct reply_error *error);

/* 503; the caller counts why. */
void reply_capacity(struct edge *edge, struct http_exchange exchange);

/* 204, 404 or 503 for a provider. */
void reply_provider(struct edge *edge, struct http_exchange exchange, int status);

#endif
