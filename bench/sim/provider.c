/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service providers and their meters: what the gateway dispatches is checked as a careful provider
 * would (headers, schema, signature, the right provider for the device), acknowledged, and answered
 * later with a GBCS message of the real size. doc/providers.md is the contract.
 */
#include "bench/sim/simulation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/gbcs.h"
#include "dataplane/duis/identifier.h"

#define POST_TIMEOUT_NS (10 * NS_PER_S)
#define BACKOFF_FIRST_NS (50 * NS_PER_MS)
#define BACKOFF_MAX_NS (2 * NS_PER_S)
#define HOLD_NS (5 * NS_PER_MS)
#define BUSY_NS NS_PER_MS

/* Roles whose holders are remote parties that a device knows; the others' commands come from the
 * DSP's access control broker, with the user in the supplementary fields. */
#define KNOWN_REMOTE_PARTY_ROLES (MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_GS | MW_ROLE_ED | MW_ROLE_GT)

struct dispatch {
	struct mw_request_id id;
	bool scheduled;
	uint32_t attempt;
};

/* ---- taking requests ---- */

static const char *read_headers(const struct simulation *simulation, struct http_exchange exchange,
	struct dispatch *dispatch)
{
	char text[MW_REQUEST_ID_TEXT_SIZE];
	char canonical[MW_REQUEST_ID_TEXT_SIZE];
	if (!simulation_header(simulation, exchange, "Motorway-Request-ID", text, sizeof(text)) ||
		duis_request_id_parse(text, strlen(text), &dispatch->id) != 0)
		return "Motorway-Request-ID is missing or no request id";
	duis_request_id_format(&dispatch->id, canonical);
	if (strcmp(text, canonical) != 0)
		return "Motorway-Request-ID is not in upper case";
	if (!simulation_header(simulation, exchange, "Motorway-Mode", text, sizeof(text)) ||
		(strcmp(text, "on-demand") != 0 && strcmp(text, "scheduled") != 0))
		return "Motorway-Mode is neither on-demand nor scheduled";
	dispatch->scheduled = text[0] == 's';
	if (!simulation_header(simulation, exchange, "Motorway-Attempt", text, sizeof(text)))
		return "Motorway-Attempt is missing";
	char *end = NULL;
	unsigned long attempt = strtoul(text, &end, 10);
	if (*end != '\0' || attempt < 1 || attempt > 1000)
		return "Motorway-Attempt is no number from 1 to 1000";
	dispatch->attempt = (uint32_t)attempt;
	return NULL;
}

static const char *check_body(struct simulation *simulation, const struct http_event *event,
	const struct dispatch *dispatch, struct duis_document *document)
{
	struct duis_error error;
	if (!event->body || duis_reference_engine_read(simulation->engine, event->body->bytes,
				    event->body->length, document, &error) != 0)
		return "the body is no valid DUIS document";
	if (document->root != DUIS_ROOT_REQUEST)
		return "the body is no DUIS Request";
	if (memcmp(&document->request_id, &dispatch->id, sizeof(dispatch->id)) != 0)
		return "the body's RequestID is not the one of the header";
	if (dispatch->scheduled && dispatch->id.originator != simulation->reference.dsp_eui)
		return "the originator of a scheduled read is not the DSP";
	const struct reference_user *user =
		reference_user(&simulation->reference, dispatch->id.originator);
	if (!dispatch->scheduled && !user)
		return "the originator is no user";
	if (simulation_verify(simulation, document, dispatch->scheduled ? NULL : user) != 0)
		return "the signature is missing or wrong";
	return NULL;
}

static const char *check_device(
	const struct simulation *simulation, uint64_t device_id, uint32_t provider)
{
	const struct reference_device *device = reference_device(&simulation->reference, device_id);
	if (!device)
		return "no such device";
	return device->provider == provider ? NULL : "the device belongs to another provider";
}

static uint64_t draw_delay_ns(struct simulation *simulation)
{
	const struct options *options = &simulation->options;
	uint64_t min_ns = options->delay_min_ms * NS_PER_MS;
	uint64_t rest_ns = options->delay_ms * NS_PER_MS - min_ns;
	if (options->delay == SIM_DELAY_FIXED)
		return min_ns + rest_ns;
	return min_ns + random_exponential_ns(&simulation->random, rest_ns);
}

static uint64_t answer_value(const struct simulation *simulation, const struct exchange *exchange)
{
	return (exchange->id.counter & 0xffffff) << 32 |
	       ledger_index(&simulation->ledger, exchange);
}

/* The exchange that a timer or cookie is about, unless its entry has made room for another. */
static struct exchange *exchange_of(struct simulation *simulation, uint64_t value)
{
	struct exchange *exchange = &simulation->ledger.exchanges[(uint32_t)value];
	bool same = ((value >> 32) & 0xffffff) == (exchange->id.counter & 0xffffff);
	return exchange->used && same ? exchange : NULL;
}

static void answer_later(
	struct simulation *simulation, const struct exchange *exchange, uint64_t at_ns)
{
	if (timers_add(&simulation->timers, at_ns, SIM_PROVIDER,
		    answer_value(simulation, exchange)) != 0)
		simulation_problem(simulation, "no memory for a device's answer");
}

static void begin_exchange(struct simulation *simulation, const struct dispatch *dispatch,
	uint32_t provider, const struct duis_document *document, uint64_t now_ns)
{
	struct exchange *exchange = ledger_enter(&simulation->ledger, &dispatch->id);
	bool failing = random_below(&simulation->random, 1000) < simulation->options.fail_per_mille;
	bool silent = failing && random_below(&simulation->random, 2) == 0;
	uint64_t at_ns = now_ns + draw_delay_ns(simulation);

	exchange->attempt = dispatch->attempt;
	exchange->scheduled = dispatch->scheduled;
	exchange->provider = (uint8_t)provider;
	exchange->dispatched_ns = now_ns;
	exchange->dispatched++;
	exchange->broker_counter = ++simulation->broker_counter;
	exchange->answer_wall_s = simulation_wall_ms(at_ns) / 1000;
	snprintf(exchange->outcome, sizeof(exchange->outcome), "%s",
		silent	  ? "E21"
		: failing ? "E20"
			  : "I0");
	memcpy(exchange->srv, document->service_reference_variant, sizeof(exchange->srv));
	if (exchange->dispatched == 1 && dispatch->scheduled)
		simulation->counters.dispatched_scheduled++;
	else if (exchange->dispatched == 1)
		simulation->counters.dispatched++;
	else
		simulation_problem(simulation, "a request was dispatched again as a new attempt");
	answer_later(simulation, exchange, at_ns);
}

void provider_take(struct simulation *simulation, const struct http_event *event, uint32_t provider,
	uint64_t now_ns)
{
	struct dispatch dispatch = {0};
	struct duis_document document;
	const char *wrong = read_headers(simulation, event->exchange, &dispatch);
	if (!wrong)
		wrong = check_body(simulation, event, &dispatch, &document);
	if (!wrong)
		wrong = check_device(simulation, dispatch.id.target, provider);
	if (wrong) {
		simulation->counters.dispatch_refused++;
		simulation_problem(simulation, "a provider refused a request: %s", wrong);
		simulation_refuse(simulation, event->exchange, "request", wrong);
	} else {
		struct exchange *known = ledger_find(&simulation->ledger, &dispatch.id);
		if (known && known->attempt >= dispatch.attempt)
			simulation->counters.dispatch_repeated++;
		else
			begin_exchange(simulation, &dispatch, provider, &document, now_ns);
		simulation_accept(simulation, event->exchange);
	}
	buffers_release(&simulation->buffers, event->body);
}

/* ---- answering ---- */

static int write_payload(
	struct simulation *simulation, struct exchange *exchange, uint8_t *out, size_t capacity)
{
	const struct mw_request_id *id = &exchange->id;
	const struct reference_user *user = reference_user(&simulation->reference, id->originator);
	bool known_party = !exchange->scheduled && user && (user->roles & KNOWN_REMOTE_PARTY_ROLES);
	struct gbcs_parties parties = {
		.originator = id->target,
		.recipient = known_party ? id->originator : simulation->reference.dsp_eui,
		.counter = known_party ? id->counter : exchange->broker_counter,
		.has_supplementary = !known_party,
		.supplementary_party = id->originator,
		.supplementary_counter = id->counter,
	};
	uint64_t seed = random_mix(random_mix(simulation->options.seed, id->target), id->counter);
	return gbcs_write_response(gbcs_use_case(exchange->srv), &parties, exchange->answer_wall_s,
		seed, out, capacity);
}

static struct net_buffer *make_payload(struct simulation *simulation, struct exchange *exchange)
{
	if (strcmp(exchange->outcome, "I0") != 0)
		return buffers_acquire(&simulation->buffers, 1);
	struct net_buffer *body = buffers_acquire(&simulation->buffers, GBCS_BYTES_MAX);
	if (!body)
		return NULL;
	int length = write_payload(simulation, exchange, body->bytes, body->capacity);
	if (length < 0) {
		buffers_release(&simulation->buffers, body);
		return NULL;
	}
	body->length = (uint32_t)length;
	exchange->payload_length = body->length;
	exchange->payload_digest = ledger_digest(body->bytes, body->length);
	return body;
}

void provider_answer(struct simulation *simulation, uint64_t value, uint64_t now_ns)
{
	char headers[160];
	char id[MW_REQUEST_ID_TEXT_SIZE];
	struct exchange *exchange = exchange_of(simulation, value);
	if (!exchange || exchange->answered > 0)
		return;
	if (exchange->hold) {
		answer_later(simulation, exchange, now_ns + HOLD_NS);
		return;
	}
	struct net_buffer *body = make_payload(simulation, exchange);
	if (!body) {
		answer_later(simulation, exchange, now_ns + BUSY_NS);
		return;
	}
	duis_request_id_format(&exchange->id, id);
	snprintf(headers, sizeof(headers), "Motorway-Request-ID: %s\r\nMotorway-Outcome: %s\r\n",
		id, exchange->outcome);
	const struct http_post post = {
		.endpoint = simulation->provider_endpoints[exchange->provider],
		.headers = headers,
		.content_type = "application/octet-stream",
		.body = body,
		.cookie = (uint64_t)SIM_PROVIDER << 56 | value,
		.timeout_ns = POST_TIMEOUT_NS,
	};
	int result = http_post(simulation->http, &post, now_ns);
	if (result != 0) {
		/* Every connection is busy. */
		buffers_release(&simulation->buffers, body);
		answer_later(simulation, exchange, now_ns + BUSY_NS);
	}
}

static void count_answered(
	struct simulation *simulation, struct exchange *exchange, uint64_t now_ns)
{
	exchange->answered++;
	exchange->answered_ns = now_ns;
	if (exchange->scheduled)
		simulation->counters.answered_scheduled++;
	else
		simulation->counters.answered++;
	if (strcmp(exchange->outcome, "I0") != 0)
		simulation->counters.answers_failed++;
}

static uint64_t backoff_ns(struct simulation *simulation, const struct http_event *event,
	const struct exchange *exchange)
{
	const char *text;
	int length = event->status == 503 ? http_response_header(simulation->http, event->exchange,
						    "Retry-After", &text)
					  : -ENOENT;
	if (length == 1 && text[0] >= '0' && text[0] <= '9')
		return (uint64_t)(text[0] - '0') * NS_PER_S + BACKOFF_FIRST_NS;
	uint64_t wait_ns = BACKOFF_FIRST_NS << (exchange->retries < 8 ? exchange->retries : 8);
	return wait_ns < BACKOFF_MAX_NS ? wait_ns : BACKOFF_MAX_NS;
}

void provider_answered(
	struct simulation *simulation, const struct http_event *event, uint64_t now_ns)
{
	struct exchange *exchange =
		exchange_of(simulation, event->cookie & ~((uint64_t)0xff << 56));
	buffers_release(&simulation->buffers, event->body);
	if (!exchange)
		return;
	if (event->status == 204) {
		count_answered(simulation, exchange, now_ns);
	} else if (event->status == 404 && exchange->unsure) {
		/* The answer before was taken, only its acknowledgement was lost. */
		count_answered(simulation, exchange, now_ns);
	} else if (event->status == 503 || event->status < 0) {
		uint64_t wait_ns = backoff_ns(simulation, event, exchange);
		simulation->counters.answer_retries++;
		exchange->retries++;
		exchange->unsure |= event->status < 0 && event->status != -ECONNREFUSED;
		answer_later(simulation, exchange, now_ns + wait_ns);
	} else {
		simulation->counters.answer_refused++;
		simulation_problem(simulation, "the gateway refused a device's answer: HTTP %d",
			event->status);
	}
}
