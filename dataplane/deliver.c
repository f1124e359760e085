/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses and DCC Alerts to users: build the document, sign it, POST it to the user's receive
 * endpoint.
 * Everything that goes there is signed, failures of the device too: a receive endpoint accepts
 * nothing that it cannot verify.
 */
#include "dataplane/edge_state.h"

#include <string.h>

#include "dataplane/clock.h"
#include "dataplane/duis/write.h"

/* The document of an action. The device speaks in ResponseID: device, user, same counter
 * (as in genuine responses); for a scheduled read the user is the schedule's owner. */
static struct duis_response response_of(const struct edge *edge, const struct action *action)
{
	struct duis_response response = {
		.schema_version = duis_schemas_version(edge->schemas, action->terms.schema_index),
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
	if (action->alert) {
		/* Nothing was asked, so the request id is the alert's own (doc/alerts.md). */
		response.has_request_id = false;
		response.response_id = action->terms.request_id;
		response.code = "I0";
		response.alert_code = action->code;
		response.body = DUIS_BODY_DCC_ALERT;
		response.payload = action->message->buffer.bytes;
		response.payload_length = action->alert_length;
	} else if (action->message) {
		response.body = action->scheduled ? DUIS_BODY_SCHEDULED : DUIS_BODY_GBCS_PAYLOAD;
		response.payload = action->message->buffer.bytes;
		response.payload_length = action->message->buffer.length;
	}
	return response;
}

static int build_signed(struct edge *edge, const struct action *action, struct message **built)
{
	struct duis_response response = response_of(edge, action);
	struct composition composition = {
		.response = &response, .user = action->user, .check = true, .sign = true};
	if (action->alert) {
		const struct net_buffer *elements = &action->message->buffer;
		composition.mismatch = elements->bytes + action->alert_length;
		composition.mismatch_length = elements->length - action->alert_length;
	}
	int status = compose(edge, &composition, built);
	return status < 0 ? status : 0;
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
