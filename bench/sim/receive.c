/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The users' receive endpoints: each response is judged as a careful user would. Schema, the DSP's
 * signature, whether it was asked for, whether it is what the device sent, whether it came before.
 * 204 when it is right, 400 when not. A repeat of a response that was right is 204, too, and
 * counted: the gateway may not know that the first one arrived.
 */
#include "bench/sim/simulation.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/duis/identifier.h"

struct response {
	struct duis_document document;
	uint64_t user; /* of the endpoint */
	bool is_signed;
	bool scheduled;
	uint64_t schedule_id;
	struct exchange *exchange;
	struct plan_schedule *schedule; /* in a demo, of a scheduled response */
};

static const char *read_document(
	struct simulation *simulation, const struct http_event *event, struct response *response)
{
	struct duis_error error;
	struct duis_document *document = &response->document;
	if (duis_eui_parse(event->parameter, strlen(event->parameter), &response->user) != 0 ||
		!reference_user(&simulation->reference, response->user))
		return "this path is no user's endpoint";
	if (!event->body || duis_reference_engine_read(simulation->engine, event->body->bytes,
				    event->body->length, document, &error) != 0)
		return "the body is no valid DUIS document";
	if (document->root != DUIS_ROOT_RESPONSE)
		return "the body is no DUIS Response";
	response->is_signed = document->has_signature;
	if (document->has_signature && simulation_verify(simulation, document, NULL) != 0)
		return "the signature is not that of the DSP";
	if (!document->has_signature && document->has_body)
		return "a response with a body is not signed";
	return NULL;
}

static bool is_alert(const struct response *response)
{
	return strcmp(response->document.body_element, "DCCAlertMessage") == 0;
}

/* A DCC Alert: nobody asked for it, so it has an id of its own and no request's. One that stands
 * for a device's response has that one's. */
static const char *check_alert(const struct simulation *simulation, const struct response *response)
{
	const struct duis_document *document = &response->document;
	struct text_span span;
	uint32_t length;
	const uint8_t *bytes = duis_reference_engine_digested(simulation->engine, &length);
	bool stands_for_response =
		text_element(bytes, length, 0, "ServiceResponseVersionMismatch", &span) == 0;
	if (!document->has_signature)
		return "an alert is not signed";
	if (!document->has_response_id || document->has_request_id)
		return "an alert has a ResponseID and no RequestID";
	if (document->response_id.originator != simulation->reference.dsp_eui &&
		!stands_for_response)
		return "the alert's ResponseID does not name the DSP";
	if (document->response_id.target != response->user)
		return "the alert's ResponseID names another user";
	if (strcmp(document->response_code, "I0") != 0)
		return "an alert's ResponseCode is not I0";
	return NULL;
}

/* The response's ids name one another's parties: request user:device:n, response device:user:n. For
 * a scheduled read the request is the DSP's. */
static const char *check_ids(const struct response *response)
{
	const struct duis_document *document = &response->document;
	if (!document->has_request_id || !document->has_response_id)
		return "RequestID or ResponseID is missing";
	if (document->response_id.originator != document->request_id.target ||
		document->response_id.counter != document->request_id.counter)
		return "ResponseID does not belong to RequestID";
	if (document->response_id.target != response->user &&
		document->response_id.target != document->request_id.originator)
		return "ResponseID names another user";
	return NULL;
}

static const char *find_schedule(struct simulation *simulation, struct response *response)
{
	char text[24];
	struct text_span span;
	uint32_t length;
	const uint8_t *bytes = duis_reference_engine_digested(simulation->engine, &length);
	if (text_element(bytes, length, 0, "DSPScheduleID", &span) != 0 ||
		span.length >= sizeof(text))
		return "DSPScheduleID is missing";
	memcpy(text, bytes + span.start, span.length);
	text[span.length] = '\0';
	response->schedule_id = strtoull(text, NULL, 10);
	if (simulation->options.mode != SIM_MODE_DEMO)
		return NULL;
	for (uint32_t i = 0; i < simulation->plan.schedule_count; i++) {
		struct plan_schedule *schedule = &simulation->plan.schedules[i];
		if (!schedule->created || schedule->id != response->schedule_id)
			continue;
		response->schedule = schedule;
		if (simulation->reference.users[schedule->user].eui != response->user)
			return "the schedule belongs to another user";
		if (!schedule->due)
			return "the schedule is not due yet";
		return NULL;
	}
	return "no schedule has this DSPScheduleID";
}

static const char *find_exchange(struct simulation *simulation, struct response *response)
{
	const struct mw_request_id *id = &response->document.request_id;
	struct exchange *exchange = ledger_find(&simulation->ledger, id);
	if (!exchange || exchange->dispatched == 0)
		return "no such request was dispatched";
	response->exchange = exchange;
	response->scheduled = exchange->scheduled;
	/* A failed scheduled read may come without DSPScheduledMessage, hence without its id. */
	if (exchange->scheduled && response->document.has_body)
		return find_schedule(simulation, response);
	if (!exchange->scheduled && id->originator != response->user)
		return "the request is another user's";
	if (!exchange->scheduled && simulation->options.mode == SIM_MODE_DEMO && !exchange->sent)
		return "the request was not sent by a user of this demo";
	return NULL;
}

static const char *check_payload(
	const struct simulation *simulation, const struct response *response)
{
	static uint8_t payload[65536];
	struct text_span span;
	const struct exchange *exchange = response->exchange;
	uint32_t length;
	const uint8_t *bytes = duis_reference_engine_digested(simulation->engine, &length);
	if (strcmp(response->document.response_code, exchange->outcome) != 0)
		return "the ResponseCode is not the outcome that the provider told";
	if (strcmp(exchange->outcome, "I0") != 0)
		return response->document.has_body ? "a failed read carries data" : NULL;
	if (text_element(bytes, length, 0, "GBCSPayload", &span) != 0)
		return "there is no GBCSPayload";
	int octets = text_base64_decode(bytes + span.start, span.length, payload, sizeof(payload));
	if (octets < 0 || (uint32_t)octets != exchange->payload_length ||
		ledger_digest(payload, (uint32_t)octets) != exchange->payload_digest)
		return "the GBCSPayload is not what the device sent";
	if (strcmp(response->document.service_reference_variant, exchange->srv) != 0)
		return "the ServiceReferenceVariant is not that of the request";
	return NULL;
}

static void count_latency(
	struct simulation *simulation, const struct response *response, uint64_t received_ns)
{
	const struct exchange *exchange = response->exchange;
	if (!response->scheduled && exchange->sent) {
		histogram_record(&simulation->on_demand_ns,
			received_ns > exchange->sent_ns ? received_ns - exchange->sent_ns : 0);
	} else if (response->schedule) {
		int64_t late_ms = simulation_wall_ms(received_ns) - response->schedule->due_wall_ms;
		histogram_record(
			&simulation->scheduled_ns, late_ms > 0 ? (uint64_t)late_ms * NS_PER_MS : 0);
	}
}

static void count(
	struct simulation *simulation, struct response *response, bool right, uint64_t received_ns)
{
	struct exchange *exchange = response->exchange;
	struct simulation_counters *counters = &simulation->counters;
	if (exchange->delivered++ > 0) {
		counters->delivered_repeated++;
		simulation_problem(simulation, "a response was received more than once");
		return;
	}
	/* An unsigned failure is right, but there is no signature to verify. */
	bool verified = right && response->is_signed;
	exchange->verified += verified;
	if (response->scheduled) {
		counters->delivered_scheduled++;
		counters->verified_scheduled += verified;
		counters->delivered_nameless += right && !response->document.has_body;
	} else {
		counters->delivered++;
		counters->verified += verified;
	}
	counters->delivered_failures += right && !response->is_signed;
	if (response->schedule) {
		response->schedule->delivered++;
		response->schedule->verified += verified;
	}
	count_latency(simulation, response, received_ns);
}

void receive_take(struct simulation *simulation, const struct http_event *event, uint64_t now_ns)
{
	struct response response = {0};
	const char *wrong = read_document(simulation, event, &response);
	uint64_t received_ns = event->received_ns ? event->received_ns : now_ns;
	bool alert = !wrong && is_alert(&response);
	if (alert) {
		wrong = check_alert(simulation, &response);
		simulation->counters.alerts += !wrong;
	}
	if (!wrong && !alert)
		wrong = check_ids(&response);
	if (!wrong && !alert)
		wrong = find_exchange(simulation, &response);
	if (!wrong && !alert)
		wrong = check_payload(simulation, &response);
	if (response.exchange)
		count(simulation, &response, !wrong, received_ns);
	if (wrong) {
		simulation->counters.receive_refused++;
		simulation_problem(simulation, "a receive endpoint refused a response: %s", wrong);
		simulation_refuse(simulation, event->exchange, "response", wrong);
	} else {
		simulation_accept(simulation, event->exchange);
	}
	buffers_release(&simulation->buffers, event->body);
}
