/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's answer for a device (doc/providers.md): headers checked, then handed to the traffic
 * lcore, which finds the request it belongs to.
 */
#include "dataplane/edge_state.h"

#include <string.h>

#include "dataplane/duis/identifier.h"

/* Read an outcome header. Only what doc/providers.md names: it becomes the ResponseCode that the
 * DSP signs, so a provider must not be able to invent one. */
static bool outcome_read(const char *text, int length, char code[MW_CODE_SIZE])
{
	static const char *const outcomes[] = {"I0", "E20", "E21", "E30"};
	for (unsigned i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (strlen(outcomes[i]) != (size_t)length ||
			memcmp(outcomes[i], text, (size_t)length) != 0)
			continue;
		memcpy(code, outcomes[i], (size_t)length + 1);
		return true;
	}
	return false;
}

/* Fill the event from the request. Returns NULL, or what is wrong. */
static const char *response_read(
	struct edge *edge, const struct http_event *http, struct traffic_event *event)
{
	const char *text;
	int length = http_request_header(edge->http, http->exchange, "Motorway-Request-ID", &text);
	if (length < 0 || duis_request_id_parse(text, (size_t)length, &event->terms.request_id) < 0)
		return "header Motorway-Request-ID must be EUI:EUI:counter";
	length = http_request_header(edge->http, http->exchange, "Motorway-Outcome", &text);
	if (length < 0 || !outcome_read(text, length, event->code))
		return "header Motorway-Outcome must be I0, E20, E21 or E30";
	if ((event->code[0] == 'I') != (http->body != NULL))
		return "the body must be the GBCS message for I0, and empty otherwise";
	return NULL;
}

void receive_response(struct edge *edge, uint64_t now_ns, const struct http_event *http)
{
	(void)now_ns;
	struct message *body = message_of(http->body);
	struct traffic_event event = {
		.type = EVENT_RESPONSE,
		.exchange = http->exchange,
		.message = body,
		.received_ns = http->received_ns,
	};
	stats_count(edge->setup.stats, STATS_RESPONSES);
	int provider = edge->registry ? registry_provider_find(edge->registry, http->parameter,
						strlen(http->parameter))
				      : -1;
	const char *wrong = response_read(edge, http, &event);
	if (wrong) {
		const struct reply_error error = {400, "response", 0, "", wrong};
		stats_count(edge->setup.stats, STATS_RESPONSES_MALFORMED);
		message_free(body);
		reply_json(edge, http->exchange, &error);
		return;
	}
	if (provider < 0) {
		stats_count(edge->setup.stats, STATS_RESPONSES_UNMATCHED);
		message_free(body);
		reply_provider(edge, http->exchange, 404);
		return;
	}
	event.provider_id = (uint8_t)provider;
	if (!edge_tell_traffic(edge, &event)) {
		stats_count(edge->setup.stats, STATS_RESPONSES_NO_ROOM);
		message_free(body);
		reply_provider(edge, http->exchange, 503);
	}
}
