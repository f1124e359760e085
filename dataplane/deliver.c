/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses to users: build the DUIS Response, sign it, POST it to the user's receive endpoint.
 * Everything that goes there is signed, failures of the device too: a receive endpoint accepts
 * nothing that it cannot verify.
 */
#include "dataplane/edge_state.h"

#include <string.h>

#include "dataplane/clock.h"
#include "dataplane/duis/write.h"

/* The Response of an action. The device speaks in ResponseID: device, user, same counter
 * (as in genuine responses); for a scheduled read the user is the schedule's owner. */
static struct duis_response response_of(const struct edge *edge, const struct action *action)
{
	struct duis_response response = {
		.schema_version =
			duis_schemas_version(edge->setup.schemas, action->terms.schema_index),
		.has_request_id = true,
		.has_response_id = true,
		.request_id = action->terms.request_id,
		.response_id = {.originator = action->terms.request_id.target,
			.target = action->user,
			.counter = action->terms.request_id.counter},
		.code = action->code,
		.date_time_ms = clock_wall_ms(action->answered_ns),
		.service_reference = action->terms.service_reference,
		.service_reference_variant = action->terms.srv,
		.body = DUIS_BODY_NONE,
		.schedule_id = action->schedule_id,
	};
	if (action->message) {
		response.body = action->scheduled ? DUIS_BODY_SCHEDULED : DUIS_BODY_GBCS_PAYLOAD;
		response.payload = action->message->buffer.bytes;
		response.payload_length = action->message->buffer.length;
	}
	return response;
}

static int build_signed(struct edge *edge, const struct action *action, struct message **built)
{
	struct duis_response response = response_of(edge, action);
	size_t bound = duis_write_response_bound(response.payload_length) +
		       duis_signer_overhead(edge->signer);
	struct message *message = message_take(edge->setup.pools, (uint32_t)bound, MESSAGE_EDGE);
	if (!message) {
		stats_count(edge->setup.stats, STATS_BUFFERS_SHORT);
		return -ENOBUFS;
	}
	struct net_buffer *buffer = &message->buffer;
	int length = duis_write_response(&response, buffer->bytes, buffer->capacity);
	if (length > 0)
		length = duis_signer_sign(
			edge->signer, buffer->bytes, (size_t)length, buffer->capacity);
	if (length < 0) {
		stats_count(edge->setup.stats, STATS_SIGNING_FAILED);
		message_free(message);
		return -EIO;
	}
	buffer->length = (uint32_t)length;
	*built = message;
	return 0;
}

static int post_response(
	struct edge *edge, uint64_t now_ns, const struct action *action, uint64_t cookie)
{
	const struct conf *conf = edge->setup.conf;
	const struct registry_user *user =
		edge->registry ? registry_user(edge->registry, action->user) : NULL;
	if (!user || user->callback_url[0] == '\0')
		return -ENOENT;
	int endpoint = http_endpoint(
		edge->http, user->callback_url, user->eui, conf->user_connections_max);
	if (endpoint < 0)
		return endpoint;
	struct message *message;
	int status = build_signed(edge, action, &message);
	if (status < 0)
		return status;
	const struct http_post post = {
		.endpoint = endpoint,
		.headers = "",
		.content_type = "application/xml",
		.body = &message->buffer,
		.cookie = cookie,
		.timeout_ns = conf->delivery_timeout_ms * 1000000ull,
	};
	status = http_post(edge->http, &post, now_ns);
	if (status < 0)
		message_free(message);
	return status;
}

void deliver_response(struct edge *edge, uint64_t now_ns, const struct action *action)
{
	uint64_t cookie = 0;
	struct edge_post *post = edge_post_take(edge, &cookie);
	int status = -EAGAIN;
	if (post) {
		post->ends_as = EVENT_DELIVERED;
		post->reference = action->reference;
		status = post_response(edge, now_ns, action, cookie);
		if (status == 0)
			return;
		edge_post_free(edge, post);
	}
	struct traffic_event event = {
		.type = EVENT_DELIVERED,
		.status = (int16_t)status,
		.reference = action->reference,
	};
	edge_tell_traffic(edge, &event);
}
