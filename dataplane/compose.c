/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents for users: written, judged by the schema of their own DUIS version, signed. What a
 * user's version cannot express is replaced by the DCC Alert DUISVersionMismatch, which every
 * version has (doc/alerts.md).
 */
#include "dataplane/edge_state.h"

#include <errno.h>
#include <string.h>

/* The version that the user has, or, when that is not known, the one that he used. */
static const char *user_version(const struct edge *edge, const struct composition *composition)
{
	const struct registry_user *user =
		edge->registry ? registry_user(edge->registry, composition->user) : NULL;
	if (user && duis_schemas_find(
			    edge->schemas, user->duis_version, strlen(user->duis_version)) >= 0)
		return user->duis_version;
	return composition->response->schema_version;
}

/* Write `response` into the message. Returns 0, -EPROTO when its version cannot express it,
 * -ENOBUFS or -EIO. */
static int write_response(struct edge *edge, const struct duis_response *response, bool check,
	struct net_buffer *buffer)
{
	struct duis_document document;
	struct duis_error error;
	int length = duis_write_response(response, buffer->bytes, buffer->capacity);
	if (length < 0)
		return -EIO;
	buffer->length = (uint32_t)length;
	if (!check)
		return 0;
	int status =
		duis_engine_read(edge->engine, buffer->bytes, buffer->length, &document, &error);
	return status == 0 ? 0 : status == -ENOMEM ? -ENOBUFS : -EPROTO;
}

/* The same for the DUISVersionMismatch in its place. A message that would have had a ResponseID
 * keeps it; the answer to a request that waits keeps the RequestID instead. */
static int write_mismatch(
	struct edge *edge, const struct composition *composition, struct net_buffer *buffer)
{
	const struct duis_response *lost = composition->response;
	uint8_t element[DUIS_VERSION_MISMATCH_BYTES_MAX];
	if (!edge->registry || edge->registry->version_mismatch_code[0] == '\0')
		return -EIO;
	struct duis_response response = {
		.schema_version = user_version(edge, composition),
		.has_request_id = !lost->has_response_id,
		.has_response_id = lost->has_response_id,
		.request_id = lost->request_id,
		.response_id = lost->response_id,
		.code = "I0",
		.date_time_ms = lost->date_time_ms,
		.alert_code = edge->registry->version_mismatch_code,
		.body = DUIS_BODY_DCC_ALERT,
		.payload = composition->mismatch,
		.payload_length = composition->mismatch_length,
	};
	if (!composition->mismatch) {
		const struct duis_version_mismatch mismatch = {
			.request_id = lost->request_id,
			.service_reference = lost->service_reference,
			.service_reference_variant = lost->service_reference_variant,
			.request_version = lost->schema_version,
			.user_version = response.schema_version,
		};
		response.payload = element;
		response.payload_length = duis_write_version_mismatch(&mismatch, element);
	}
	int status = write_response(edge, &response, true, buffer);
	return status == -EPROTO ? -EIO : status;
}

static int fill(struct edge *edge, const struct composition *composition, struct net_buffer *buffer)
{
	int status = write_response(edge, composition->response, composition->check, buffer);
	bool mismatch = status == -EPROTO;
	if (mismatch) {
		stats_count(edge->setup.stats, STATS_VERSION_MISMATCHES);
		status = write_mismatch(edge, composition, buffer);
	}
	if (status == 0 && (composition->sign || mismatch)) {
		int length = duis_signer_sign(
			edge->signer, buffer->bytes, buffer->length, buffer->capacity);
		if (length < 0)
			return -EIO;
		buffer->length = (uint32_t)length;
	}
	return status < 0 ? status : mismatch;
}

int compose(struct edge *edge, const struct composition *composition, struct message **made)
{
	uint32_t payload_length = composition->response->payload_length;
	/* The mismatch of a service response is shorter than any response is allowed to be. */
	if (payload_length < composition->mismatch_length)
		payload_length = composition->mismatch_length;
	size_t bound =
		duis_write_response_bound(payload_length) + duis_signer_overhead(edge->signer);
	struct message *message = message_take(edge->setup.pools, (uint32_t)bound, MESSAGE_EDGE);
	if (!message) {
		stats_count(edge->setup.stats, STATS_BUFFERS_SHORT);
		return -ENOBUFS;
	}
	int status = fill(edge, composition, &message->buffer);
	if (status < 0) {
		stats_count(edge->setup.stats, STATS_SIGNING_FAILED);
		message_free(message);
		return status;
	}
	*made = message;
	return status;
}
