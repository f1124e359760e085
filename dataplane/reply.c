/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user or provider that waits at a connection is told.
 */
#include "dataplane/edge_state.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/clock.h"
#include "dataplane/duis/write.h"

#define JSON_BYTES_MAX 2048

static void send_reply(struct edge *edge, struct http_exchange exchange, int status,
	const char *headers, struct message *body)
{
	const char *type = status == 200 || status == 403 ? "application/xml" : "application/json";
	if (http_reply(edge->http, exchange, status, headers, type, body ? &body->buffer : NULL,
		    false) < 0)
		stats_count(edge->setup.stats, STATS_REPLIES_LOST);
}

static const struct reply_error no_room = {
	503, "capacity", 0, "", "no room now; send it again after Retry-After seconds"};

void reply_capacity(struct edge *edge, struct http_exchange exchange)
{
	reply_json(edge, exchange, &no_room);
}

void reply_provider(struct edge *edge, struct http_exchange exchange, int status)
{
	static const struct reply_error unmatched = {404, "unmatched", 0, "",
		"no request with this id waits for an answer from this provider"};
	if (status == 404)
		reply_json(edge, exchange, &unmatched);
	else if (status == 503)
		reply_json(edge, exchange, &no_room);
	else
		send_reply(edge, exchange, status, "", NULL);
}

/* Append `text` as the inside of a JSON string. Texts are our own words and XML names; what JSON
 * does not allow in a string is replaced. */
static void json_append(struct net_buffer *buffer, const char *text)
{
	for (; *text && buffer->length + 2 < JSON_BYTES_MAX; text++) {
		if (*text == '"' || *text == '\\')
			buffer->bytes[buffer->length++] = '\\';
		buffer->bytes[buffer->length++] =
			(unsigned char)*text < 0x20 ? '?' : (uint8_t)*text;
	}
}

void reply_json(struct edge *edge, struct http_exchange exchange, const struct reply_error *error)
{
	char headers[64] = "";
	if (error->status == 503)
		snprintf(headers, sizeof(headers), "Retry-After: %u\r\n",
			edge->setup.conf->retry_after_s);
	struct message *message = message_take(edge->setup.pools, JSON_BYTES_MAX, MESSAGE_EDGE);
	if (!message) {
		stats_count(edge->setup.stats, STATS_BUFFERS_SHORT);
		send_reply(edge, exchange, error->status, headers, NULL);
		return;
	}
	struct net_buffer *buffer = &message->buffer;
	buffer->length = (uint32_t)snprintf((char *)buffer->bytes, JSON_BYTES_MAX,
		"{\"code\":\"%s\",\"offset\":%llu,\"path\":\"", error->code,
		(unsigned long long)error->offset);
	json_append(buffer, error->path);
	static const char middle[] = "\",\"reason\":\"";
	memcpy(buffer->bytes + buffer->length, middle, sizeof(middle) - 1);
	buffer->length += sizeof(middle) - 1;
	json_append(buffer, error->reason);
	static const char end[] = "\"}\n";
	memcpy(buffer->bytes + buffer->length, end, sizeof(end) - 1);
	buffer->length += sizeof(end) - 1;
	send_reply(edge, exchange, error->status, headers, message);
}

_Static_assert(JSON_BYTES_MAX > DUIS_PATH_SIZE * 2 + DUIS_RULE_SIZE * 2 + 256,
	"the longest error must fit");

/* Build the Response into a fresh message. Returns as compose(). What control answered may be
 * beyond the user's version of DUIS; everything else is the same in all versions. */
static int build(
	struct edge *edge, uint64_t now_ns, const struct reply *reply, struct message **built)
{
	const struct answer *answer = &edge->setup.answers->answers[reply->reason];
	struct duis_response response = {
		.schema_version = duis_schemas_version(edge->schemas, reply->terms->schema_index),
		.has_request_id = true,
		.request_id = reply->terms->request_id,
		.code = reply->code ? reply->code : answer->code,
		.date_time_ms = clock_wall_ms(now_ns),
		.service_reference = reply->terms->service_reference,
		.service_reference_variant = reply->terms->srv,
		.body = reply->body ? DUIS_BODY_ELEMENT : DUIS_BODY_NONE,
	};
	if (reply->body) {
		response.payload = reply->body->buffer.bytes;
		response.payload_length = reply->body->buffer.length;
	}
	const struct composition composition = {
		.response = &response,
		.user = reply->terms->request_id.originator,
		.check = reply->reason == ANSWER_ACCEPTED && (reply->body || reply->code),
		.sign = reply->body || (reply->proven && edge->setup.conf->sign_acknowledgements),
	};
	return compose(edge, &composition, built);
}

void reply_duis(struct edge *edge, uint64_t now_ns, const struct reply *reply)
{
	char headers[96] = "";
	int status = edge->setup.answers->answers[reply->reason].http_status;

	assert(!reply->body || reply->proven);
	struct message *message;
	int built = build(edge, now_ns, reply, &message);
	message_free(reply->body);
	if (built < 0) {
		/* The request itself stands; only this answer cannot be written now. */
		send_reply(edge, reply->exchange, 500, "", NULL);
		return;
	}
	if (reply->reason != ANSWER_ACCEPTED) {
		stats_refuse(edge->setup.stats, reply->reason);
		snprintf(headers, sizeof(headers), "Motorway-Reason: %s\r\n",
			answer_reason_name(reply->reason));
	} else if (built == 1) {
		snprintf(headers, sizeof(headers), "Motorway-Reason: version-mismatch\r\n");
	} else if (reply->code && reply->code[0] == 'E') {
		stats_count(edge->setup.stats, STATS_SERVICE_REFUSED);
		snprintf(headers, sizeof(headers), "Motorway-Reason: service-refused\r\n");
	}
	send_reply(edge, reply->exchange, status, headers, message);
}

void reply_document(
	struct edge *edge, struct http_exchange exchange, struct message *document, bool has_body)
{
	struct net_buffer *buffer = &document->buffer;
	if (has_body || edge->setup.conf->sign_acknowledgements) {
		int length = duis_signer_sign(
			edge->signer, buffer->bytes, buffer->length, buffer->capacity);
		if (length < 0) {
			stats_count(edge->setup.stats, STATS_SIGNING_FAILED);
			message_free(document);
			send_reply(edge, exchange, 500, "", NULL);
			return;
		}
		buffer->length = (uint32_t)length;
	}
	send_reply(edge, exchange, 200, "", document);
}
