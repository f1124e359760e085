/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to providers (doc/providers.md): the POST of a request that the traffic lcore lends, and
 * what is reported when it ends.
 */
#include "dataplane/edge_state.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/duis/identifier.h"

static void report(struct edge *edge, const struct edge_post *post, int status)
{
	struct traffic_event event = {
		.type = (uint8_t)post->ends_as,
		.provider_id = post->provider_id,
		.status = (int16_t)status,
		.reference = post->reference,
	};
	edge_tell_traffic(edge, &event);
}

/* A copy of the lent bytes for the HTTP layer; a scheduled read is the DSP's own request and is
 * signed here. Returns -ENOBUFS or -EIO. */
static int copy_request(struct edge *edge, const struct action *action, struct message **copy)
{
	const struct net_buffer *lent = &action->message->buffer;
	bool sign = action->scheduled;
	size_t bytes = lent->length + (sign ? duis_signer_overhead(edge->signer) : 0);
	struct message *message = message_take(edge->setup.pools, (uint32_t)bytes, MESSAGE_EDGE);
	if (!message) {
		stats_count(edge->setup.stats, STATS_BUFFERS_SHORT);
		return -ENOBUFS;
	}
	memcpy(message->buffer.bytes, lent->bytes, lent->length);
	message->buffer.length = lent->length;
	if (sign) {
		int length = duis_signer_sign(edge->signer, message->buffer.bytes, lent->length,
			message->buffer.capacity);
		if (length < 0) {
			stats_count(edge->setup.stats, STATS_SIGNING_FAILED);
			message_free(message);
			return -EIO;
		}
		message->buffer.length = (uint32_t)length;
	}
	*copy = message;
	return 0;
}

static int post_request(
	struct edge *edge, uint64_t now_ns, const struct action *action, uint64_t cookie)
{
	const struct conf *conf = edge->setup.conf;
	const struct registry_provider *provider =
		edge->registry ? &edge->registry->providers[action->provider_id] : NULL;
	if (!provider || provider->name[0] == '\0')
		return -ENOENT;
	int endpoint = http_endpoint(
		edge->http, provider->url, action->provider_id, conf->provider_connections_max);
	if (endpoint < 0)
		return endpoint;
	char id[MW_REQUEST_ID_TEXT_SIZE];
	char headers[256];
	duis_request_id_format(&action->terms.request_id, id);
	bool transform = action->type == ACTION_TRANSFORM;
	if (transform)
		snprintf(headers, sizeof(headers), "Motorway-Request-ID: %s\r\n", id);
	else
		snprintf(headers, sizeof(headers),
			"Motorway-Request-ID: %s\r\nMotorway-Mode: %s\r\n"
			"Motorway-Attempt: %u\r\n",
			id, action->scheduled ? "scheduled" : "on-demand", action->attempt);
	struct message *copy;
	int status = copy_request(edge, action, &copy);
	if (status < 0)
		return status;
	uint32_t timeout_ms = transform ? conf->transform_timeout_ms : conf->dispatch_timeout_ms;
	const struct http_post post = {
		.endpoint = endpoint,
		.headers = headers,
		.content_type = "application/xml",
		.body = &copy->buffer,
		.cookie = cookie,
		.timeout_ns = timeout_ms * 1000000ull,
		.expires_ns = action->expires_ns,
		.response_bytes_max = transform ? PROVIDER_RESPONSE_BYTES_MAX : 0,
	};
	status = http_post(edge->http, &post, now_ns);
	if (status < 0)
		message_free(copy);
	return status;
}

void dispatch_request(struct edge *edge, uint64_t now_ns, const struct action *action)
{
	struct edge_post failed;
	uint64_t cookie = 0;
	struct edge_post *post = edge_post_take(edge, &cookie);
	struct edge_post *record = post ? post : &failed;
	record->ends_as = action->type == ACTION_TRANSFORM ? EVENT_TRANSFORMED : EVENT_DISPATCHED;
	record->provider_id = action->provider_id;
	record->reference = action->reference;
	record->terms = action->terms;
	int status = post ? post_request(edge, now_ns, action, cookie) : -EAGAIN;
	if (status == 0)
		return;
	report(edge, record, status);
	if (post)
		edge_post_free(edge, post);
}

/* Read the transform provider's answer: a valid, unsigned Response to this very request. Returns
 * its canonical form, or NULL. */
static struct message *transform_read(struct edge *edge, const struct request_terms *terms,
	const struct net_buffer *body, struct traffic_event *event)
{
	struct duis_document document;
	struct duis_error error;
	if (!body ||
		duis_engine_read(edge->engine, body->bytes, body->length, &document, &error) < 0)
		return NULL;
	const struct mw_request_id *id = &terms->request_id;
	if (document.root != DUIS_ROOT_RESPONSE || document.has_signature ||
		!document.has_request_id || document.request_id.originator != id->originator ||
		document.request_id.target != id->target ||
		document.request_id.counter != id->counter ||
		document.schema_index != terms->schema_index ||
		strcmp(document.service_reference, terms->service_reference) != 0 ||
		strcmp(document.service_reference_variant, terms->srv) != 0)
		return NULL;
	size_t digested_length = duis_engine_digested_length(edge->engine);
	size_t bytes = digested_length + duis_signer_overhead(edge->signer);
	struct message *message = message_take(edge->setup.pools, (uint32_t)bytes, MESSAGE_EDGE);
	if (!message) {
		stats_count(edge->setup.stats, STATS_BUFFERS_SHORT);
		return NULL;
	}
	duis_engine_digested(edge->engine, message->buffer.bytes, digested_length);
	message->buffer.length = (uint32_t)digested_length;
	event->has_body = document.has_body;
	memcpy(event->code, document.response_code, sizeof(event->code));
	return message;
}

void dispatch_ended(struct edge *edge, const struct edge_post *post, const struct http_event *http)
{
	struct traffic_event event = {
		.type = (uint8_t)post->ends_as,
		.provider_id = post->provider_id,
		.status = (int16_t)http->status,
		.reference = post->reference,
	};
	if (post->ends_as == EVENT_TRANSFORMED && http->status == 200) {
		event.message = transform_read(edge, &post->terms, http->body, &event);
		if (!event.message)
			event.status = -EPROTO;
	}
	message_free(message_of(http->body));
	edge_tell_traffic(edge, &event);
}
