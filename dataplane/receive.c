/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's request: read, verify, authorise, hand over to the traffic lcore. Stages and their
 * answers are those of doc/answers.md, in its order.
 */
#include "dataplane/edge_state.h"

#include <string.h>

static void terms_of(const struct duis_document *document, struct request_terms *terms)
{
	memset(terms, 0, sizeof(*terms));
	terms->request_id = document->request_id;
	memcpy(terms->service_reference, document->service_reference,
		sizeof(terms->service_reference));
	memcpy(terms->srv, document->service_reference_variant, sizeof(terms->srv));
	terms->schema_index = (uint8_t)document->schema_index;
	terms->command_variant = document->command_variant;
}

static void refuse_input(
	struct edge *edge, struct http_exchange exchange, const struct duis_error *error)
{
	stats_count(edge->setup.stats, STATS_REFUSED_INPUT);
	const struct reply_error reply = {
		.status = 400,
		.code = duis_error_name(error->code),
		.offset = error->offset,
		.path = error->path,
		.reason = error->rule[0] ? error->rule : duis_error_meaning(error->code),
	};
	reply_json(edge, exchange, &reply);
}

/* Is it the originator who speaks? On success *user is the originator. */
static enum answer_reason prove_sender(
	struct edge *edge, const struct duis_document *document, const struct registry_user **user)
{
	struct duis_error error;
	*user = registry_user(edge->registry, document->request_id.originator);
	if (!*user)
		return ANSWER_USER_UNKNOWN;
	if (!document->has_signature)
		return ANSWER_SIGNATURE_MISSING;
	if (duis_engine_check_profile(edge->engine, &error) < 0)
		return ANSWER_SIGNATURE_PROFILE;
	const struct registry_certificate *certificate =
		registry_certificate(edge->registry, document->issuer, document->serial);
	if (!certificate)
		return ANSWER_CERTIFICATE_UNKNOWN;
	if (certificate->eui != document->request_id.originator)
		return ANSWER_CERTIFICATE_FOREIGN;
	if (duis_engine_verify(edge->engine, certificate->key, &error) < 0)
		return ANSWER_SIGNATURE_WRONG;
	return ANSWER_ACCEPTED;
}

static void refuse(struct edge *edge, uint64_t now_ns, struct http_exchange exchange,
	const struct duis_document *document, const struct access_decision *decision, bool proven)
{
	struct request_terms terms;
	terms_of(document, &terms);
	const struct reply reply = {
		.exchange = exchange,
		.terms = &terms,
		.reason = decision->reason,
		.code = decision->code,
		.proven = proven,
	};
	reply_duis(edge, now_ns, &reply);
}

/* What the traffic lcore needs of the bytes: a device's provider gets them as the user signed them;
 * control gets what the signature covers and nothing else. NULL when no buffer is free. */
static struct message *message_for(struct edge *edge, struct message *body,
	const struct duis_document *document, enum access_route route)
{
	if (route != ACCESS_ROUTE_CONTROL)
		return body;
	struct message *digested =
		message_take(edge->setup.pools, document->digested_length, MESSAGE_EDGE);
	if (!digested)
		return NULL;
	memcpy(digested->buffer.bytes, document->digested, document->digested_length);
	digested->buffer.length = document->digested_length;
	message_free(body);
	return digested;
}

/* Control's services have small documents; nothing larger is passed on to it. */
static bool too_large_for_control(struct edge *edge, const struct http_event *http,
	const struct duis_document *document, const struct access_decision *decision)
{
	static const struct reply_error too_large = {413, "too-large", 0, "",
		"a request that the DSP itself answers has at most 256 KiB in canonical form"};
	if (decision->route != ACCESS_ROUTE_CONTROL ||
		document->digested_length <= MW_CONTROL_DOCUMENT_MAX)
		return false;
	stats_count(edge->setup.stats, STATS_REFUSED_INPUT);
	message_free(message_of(http->body));
	reply_json(edge, http->exchange, &too_large);
	return true;
}

static void hand_over(struct edge *edge, const struct http_event *http,
	const struct duis_document *document, const struct registry_user *user,
	const struct access_decision *decision)
{
	if (too_large_for_control(edge, http, document, decision))
		return;
	struct message *body = message_of(http->body);
	struct message *message = message_for(edge, body, document, decision->route);
	if (!message) {
		stats_count(edge->setup.stats, STATS_BUFFERS_SHORT);
		stats_count(edge->setup.stats, STATS_REFUSED_CAPACITY);
		message_free(body);
		reply_capacity(edge, http->exchange);
		return;
	}
	struct traffic_event event = {
		.type = EVENT_REQUEST,
		.route = decision->route,
		.provider_id = decision->provider_id,
		.transform_provider_id = (uint8_t)edge->registry->transform_provider,
		.exchange = http->exchange,
		.message = message,
		.user = user->eui,
		.roles = user->roles,
		.received_ns = http->received_ns,
	};
	terms_of(document, &event.terms);
	if (!edge_tell_traffic(edge, &event)) {
		stats_count(edge->setup.stats, STATS_REFUSED_CAPACITY);
		message_free(message);
		reply_capacity(edge, http->exchange);
	}
}

/* May requests be taken at all now? Work under way needs buffers to make progress, so new work
 * leaves a quarter of them. */
static bool open_for_requests(struct edge *edge, const struct message *body)
{
	if (atomic_load_explicit(edge->setup.draining, memory_order_relaxed)) {
		stats_count(edge->setup.stats, STATS_REFUSED_DRAINING);
		return false;
	}
	if (!edge->registry) {
		stats_count(edge->setup.stats, STATS_REFUSED_NO_REFERENCE);
		return false;
	}
	if (message_pools_scarce(edge->setup.pools, body)) {
		stats_count(edge->setup.stats, STATS_REFUSED_CAPACITY);
		return false;
	}
	return true;
}

void receive_request(struct edge *edge, uint64_t now_ns, const struct http_event *event)
{
	struct message *body = message_of(event->body);
	struct duis_document document;
	struct duis_error error;

	stats_count(edge->setup.stats, STATS_REQUESTS);
	if (!open_for_requests(edge, body)) {
		message_free(body);
		reply_capacity(edge, event->exchange);
		return;
	}
	if (duis_engine_read(edge->engine, body ? body->buffer.bytes : NULL,
		    body ? body->buffer.length : 0, &document, &error) < 0) {
		refuse_input(edge, event->exchange, &error);
		message_free(body);
		return;
	}
	if (document.root != DUIS_ROOT_REQUEST) {
		static const struct reply_error not_a_request = {400, "not-a-request", 0, "",
			"the document is a Response; this service takes Requests"};
		stats_count(edge->setup.stats, STATS_REFUSED_NOT_A_REQUEST);
		reply_json(edge, event->exchange, &not_a_request);
		message_free(body);
		return;
	}
	const struct registry_user *user;
	struct access_decision decision = {.reason = prove_sender(edge, &document, &user)};
	bool proven = decision.reason == ANSWER_ACCEPTED;
	if (proven)
		decision = access_check(edge->registry, user, &document,
			(enum mw_service)event->route, edge->setup.conf->dsp_eui);
	if (decision.reason != ANSWER_ACCEPTED) {
		refuse(edge, now_ns, event->exchange, &document, &decision, proven);
		message_free(body);
		return;
	}
	hand_over(edge, event, &document, user, &decision);
}
