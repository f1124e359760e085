/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The users: an open-loop load. Each request has the time at which it should leave; when the
 * gateway is slow the next ones are not held back, they queue here, and their latency counts from
 * that time. Every answer is compared with what the plan expects.
 */
#include "bench/sim/simulation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench/sim/compose.h"
#include "dataplane/duis/identifier.h"

#define POST_TIMEOUT_NS (20 * NS_PER_S)
#define BUSY_RETRIES_MAX 20
#define RETRY_AFTER_MAX_S 5

/* How often to see whether everything has arrived: that goes through all exchanges. */
#define CHECK_NS (10 * NS_PER_MS)

/* After the last answer: time in which something could still come twice. */
#define GRACE_NS (300 * NS_PER_MS)

#define UNKNOWN_PATH_ENDPOINT 3

/* ---- queues: one for each endpoint, so that none waits for another's connections ---- */

static uint32_t endpoint_of(const struct plan_sending *sending)
{
	return sending->damage == PLAN_DAMAGE_PATH ? UNKNOWN_PATH_ENDPOINT
						   : (uint32_t)sending->service;
}

static void enqueue(struct simulation *simulation, uint32_t index)
{
	struct load *load = &simulation->load;
	struct plan_sending *sending = &simulation->plan.sendings[index];
	uint32_t endpoint = endpoint_of(sending);
	sending->state = PLAN_QUEUED;
	sending->next = PLAN_NONE;
	if (load->queue_first[endpoint] == PLAN_NONE)
		load->queue_first[endpoint] = index;
	else
		simulation->plan.sendings[load->queue_last[endpoint]].next = index;
	load->queue_last[endpoint] = index;
	load->queued++;
}

static uint32_t dequeue(struct simulation *simulation, uint32_t endpoint)
{
	struct load *load = &simulation->load;
	uint32_t index = load->queue_first[endpoint];
	load->queue_first[endpoint] = simulation->plan.sendings[index].next;
	load->queued--;
	return index;
}

/* ---- sending ---- */

/* The request may lead to an exchange with a device: from now on a response to it is expected. */
static void note_sent(struct simulation *simulation, const struct plan_sending *sending)
{
	if (!sending->expected.exchange)
		return;
	struct exchange *exchange = ledger_enter(&simulation->ledger, &sending->id);
	exchange->sent = true;
	exchange->sent_ns = sending->intended_ns;
	exchange->hold = sending->follow_up && sending->follow_up_damage == PLAN_DAMAGE_REPEATED;
}

static void done(struct simulation *simulation, struct plan_sending *sending)
{
	sending->state = PLAN_DONE;
	simulation->counters.sent++;
}

static void unexpected(struct simulation *simulation, struct plan_sending *sending,
	const char *what, int status, const char *code)
{
	const char *srv = simulation->plan.templates->templates[sending->template].srv;
	sending->unexpected = true;
	simulation->counters.unexpected++;
	simulation->damage_unexpected[sending->damage]++;
	simulation_problem(simulation,
		"SRV %s, command variant %d, %s: %s: HTTP %d %s instead of HTTP %d %s %s", srv,
		sending->command_variant, plan_damage_text(sending->damage), what, status, code,
		sending->expected.http_status, sending->expected.code, sending->expected.reason);
}

static void post(struct simulation *simulation, uint32_t index, uint64_t now_ns)
{
	struct load *load = &simulation->load;
	struct plan_sending *sending = &simulation->plan.sendings[index];
	uint32_t endpoint = endpoint_of(sending);
	const char *content_type =
		sending->damage == PLAN_DAMAGE_CONTENT_TYPE ? "text/plain" : "application/xml";
	int result =
		compose(&simulation->plan, sending, simulation->options.seed, &simulation->scratch);
	struct net_buffer *body =
		result == 0 ? buffers_copy(&simulation->buffers, simulation->scratch.bytes,
				      simulation->scratch.length)
			    : NULL;
	note_sent(simulation, sending);
	const struct http_post request = {
		.endpoint = load->endpoints[endpoint],
		.headers = "",
		.content_type = content_type,
		.body = body,
		.cookie = (uint64_t)SIM_LOAD << 56 | index,
		.timeout_ns = POST_TIMEOUT_NS,
		.response_bytes_max = SIM_BODY_BYTES_MAX,
	};
	if (body)
		result = http_post(simulation->http, &request, now_ns);
	else if (result == 0)
		result = -ENOMEM;
	if (result == -EAGAIN && body) {
		buffers_release(&simulation->buffers, body);
		load->delayed++;
		timers_add(&simulation->timers, now_ns + NS_PER_MS, SIM_LOAD, index);
		return;
	}
	if (result != 0) {
		buffers_release(&simulation->buffers, body);
		done(simulation, sending);
		simulation->counters.lost++;
		unexpected(simulation, sending, "could not be made or sent", 0, strerror(-result));
		return;
	}
	sending->attempts++;
	sending->state = PLAN_ON_THE_WIRE;
	load->in_flight[endpoint]++;
}

static void begin_sending(struct simulation *simulation, uint32_t index, uint64_t intended_ns)
{
	struct plan_sending *sending = &simulation->plan.sendings[index];
	sending->intended_ns = intended_ns;
	sending->id = (struct mw_request_id){
		.originator = compose_originator(&simulation->plan, sending),
		.target = compose_target(&simulation->plan, sending),
		/* Greater than any before, of this originator and of the others. */
		.counter = ++simulation->load.counter,
	};
	enqueue(simulation, index);
}

void load_again(struct simulation *simulation, uint32_t index)
{
	simulation->load.delayed--;
	enqueue(simulation, index);
}

/* ---- answers ---- */

static const char *read_json_code(const struct net_buffer *body, char *code, size_t size)
{
	json_error_t error;
	json_t *json = body ? json_loadb((const char *)body->bytes, body->length, 0, &error) : NULL;
	const char *text = json ? json_string_value(json_object_get(json, "code")) : NULL;
	snprintf(code, size, "%s", text ? text : "");
	json_decref(json);
	return text ? NULL : "the answer is no JSON with a code";
}

static const char *compare_reason(const struct simulation *simulation,
	const struct http_event *event, const struct plan_expectation *expected)
{
	const char *value = NULL;
	int length =
		http_response_header(simulation->http, event->exchange, "Motorway-Reason", &value);
	if (expected->reason[0] == '\0')
		return length < 0 ? NULL : "a Motorway-Reason came with an acceptance";
	if (length != (int)strlen(expected->reason) ||
		memcmp(value, expected->reason, (size_t)length) != 0)
		return "Motorway-Reason is another one";
	return NULL;
}

static const char *read_duis(struct simulation *simulation, const struct plan_sending *sending,
	const struct http_event *event, struct duis_document *document)
{
	struct duis_error error;
	if (!event->body ||
		duis_reference_engine_read(simulation->engine, event->body->bytes,
			event->body->length, document, &error) != 0 ||
		document->root != DUIS_ROOT_RESPONSE)
		return "the answer is no valid DUIS Response";
	if (!document->has_request_id ||
		memcmp(&document->request_id, &sending->id, sizeof(sending->id)) != 0)
		return "the answer's RequestID is another one";
	if (document->has_body && !document->has_signature)
		return "an answer with a body is not signed";
	if (document->has_signature && event->status == 403)
		return "an answer to an unproven sender is signed";
	if (document->has_signature && simulation_verify(simulation, document, NULL) != 0)
		return "the answer's signature is not that of the DSP";
	simulation->counters.replies_signed += document->has_signature;
	return NULL;
}

static const char *compare(struct simulation *simulation, const struct plan_sending *sending,
	const struct http_event *event, char *code, size_t code_size)
{
	struct duis_document document;
	const struct plan_expectation *expected = &sending->expected;
	const char *wrong;
	if (!expected->duis) {
		wrong = read_json_code(event->body, code, code_size);
		if (!wrong && !expected->any_code && strcmp(code, expected->reason) != 0)
			wrong = "another code";
		if (event->status != expected->http_status)
			wrong = "another HTTP status";
		return wrong;
	}
	wrong = read_duis(simulation, sending, event, &document);
	if (wrong)
		return wrong;
	snprintf(code, code_size, "%s", document.response_code);
	if (strcmp(code, expected->code) != 0)
		return "another DUIS code";
	if (event->status != expected->http_status)
		return "another HTTP status";
	if (document.has_body != expected->body)
		return expected->body ? "the body is missing" : "there is a body";
	return compare_reason(simulation, event, expected);
}

/* The id that the DSP gave a new schedule. The engine still holds the answer. */
static void note_schedule(struct simulation *simulation, const struct plan_sending *sending,
	const struct net_buffer *body)
{
	char text[24];
	struct text_span span;
	struct plan_schedule *schedule = &simulation->plan.schedules[sending->schedule];
	if (sending->kind == PLAN_DELETE_SCHEDULE)
		schedule->deleted = true;
	if (sending->kind != PLAN_CREATE_SCHEDULE)
		return;
	if (text_element(body->bytes, body->length, 0, "DSPScheduleID", &span) != 0 ||
		span.length >= sizeof(text)) {
		simulation_problem(simulation, "the answer to 5.1 has no DSPScheduleID");
		return;
	}
	memcpy(text, body->bytes + span.start, span.length);
	text[span.length] = '\0';
	schedule->id = strtoull(text, NULL, 10);
	schedule->created = true;
}

static void follow_up(struct simulation *simulation, uint32_t index, uint64_t now_ns)
{
	uint32_t added = plan_add_follow_up(&simulation->plan, index);
	if (added == PLAN_NONE) {
		simulation_problem(simulation, "no memory for a request that follows another");
		return;
	}
	struct plan_sending *sending = &simulation->plan.sendings[added];
	sending->intended_ns = now_ns;
	enqueue(simulation, added);
}

static void release_hold(struct simulation *simulation, const struct mw_request_id *id)
{
	struct exchange *exchange = ledger_find(&simulation->ledger, id);
	if (exchange)
		exchange->hold = false;
}

static void right(struct simulation *simulation, uint32_t index, const struct http_event *event,
	const char *code, uint64_t now_ns)
{
	char text[16];
	struct plan_sending *sending = &simulation->plan.sendings[index];
	simulation->damage_expected[sending->damage]++;
	if (!sending->expected.accepted) {
		snprintf(text, sizeof(text), "HTTP %d", event->status);
		simulation_count_code(simulation, sending->expected.duis ? code : text);
		simulation->counters.refused++;
		return;
	}
	sending->accepted = true;
	simulation->counters.accepted++;
	if (sending->expected.exchange)
		ledger_enter(&simulation->ledger, &sending->id)->accepted = true;
	if (sending->schedule != PLAN_NONE && sending->kind != PLAN_TEMPLATE)
		note_schedule(simulation, sending, event->body);
	if (sending->follow_up)
		follow_up(simulation, index, now_ns);
}

static bool try_again(struct simulation *simulation, uint32_t index, const struct http_event *event,
	uint64_t now_ns)
{
	struct plan_sending *sending = &simulation->plan.sendings[index];
	const char *value;
	uint64_t wait_s = 1;
	if (event->status != 503 || sending->attempts >= BUSY_RETRIES_MAX ||
		simulation->load.stopped)
		return false;
	int length = http_response_header(simulation->http, event->exchange, "Retry-After", &value);
	if (length == 1 && value[0] >= '0' && value[0] <= '9')
		wait_s = (uint64_t)(value[0] - '0');
	if (wait_s > RETRY_AFTER_MAX_S)
		wait_s = RETRY_AFTER_MAX_S;
	simulation->counters.busy++;
	simulation->load.delayed++;
	timers_add(&simulation->timers, now_ns + wait_s * NS_PER_S + NS_PER_MS, SIM_LOAD, index);
	return true;
}

void load_answered(struct simulation *simulation, const struct http_event *event, uint64_t now_ns)
{
	char code[48] = "";
	uint32_t index = (uint32_t)event->cookie;
	struct plan_sending *sending = &simulation->plan.sendings[index];
	simulation->load.in_flight[endpoint_of(sending)]--;
	if (try_again(simulation, index, event, now_ns)) {
		buffers_release(&simulation->buffers, event->body);
		return;
	}
	done(simulation, sending);
	if (sending->damage == PLAN_DAMAGE_REPEATED)
		release_hold(simulation, &sending->id);
	if (event->status < 0) {
		simulation->counters.lost++;
		unexpected(simulation, sending, "no answer", 0, strerror(-event->status));
	} else {
		histogram_record(&simulation->reply_ns, now_ns - sending->intended_ns);
		const char *wrong = compare(simulation, sending, event, code, sizeof(code));
		if (wrong)
			unexpected(simulation, sending, wrong, event->status, code);
		else
			right(simulation, index, event, code, now_ns);
	}
	if (simulation->plan.sendings[index].unexpected)
		release_hold(simulation, &simulation->plan.sendings[index].id);
	buffers_release(&simulation->buffers, event->body);
}

/* ---- phases ---- */

static bool is_idle(const struct load *load)
{
	for (uint32_t i = 0; i < LOAD_ENDPOINTS; i++)
		if (load->in_flight[i] > 0)
			return false;
	return load->queued == 0 && load->delayed == 0;
}

/* Has everything that a user waits for arrived? */
static bool all_delivered(const struct simulation *simulation)
{
	const struct ledger *ledger = &simulation->ledger;
	const struct plan *plan = &simulation->plan;
	for (uint32_t i = 0; i < ledger->used; i++) {
		const struct exchange *exchange = &ledger->exchanges[i];
		if (exchange->accepted && exchange->delivered == 0)
			return false;
	}
	uint64_t open = 0;
	for (uint32_t i = 0; i < plan->schedule_count; i++)
		open += plan->schedules[i].created && plan->schedules[i].due &&
			plan->schedules[i].delivered == 0;
	return open <= simulation->counters.delivered_nameless;
}

static void next_phase(struct simulation *simulation, uint64_t now_ns)
{
	struct load *load = &simulation->load;
	if (!is_idle(load) || load->check_ns > now_ns)
		return;
	load->check_ns = now_ns + CHECK_NS;
	if (load->phase >= 1 && !all_delivered(simulation))
		return;
	if (load->phase == PLAN_PHASES - 1) {
		load->finished = true;
		load->finished_ns = now_ns + GRACE_NS;
		return;
	}
	load->phase++;
	if (load->phase == PLAN_PHASES - 1 && plan_add_deletions(&simulation->plan) != 0)
		simulation_problem(simulation, "no memory to delete the schedules");
	load->cursor = simulation->plan.phase_begin[load->phase];
	load->next_ns = now_ns;
	load->check_ns = 0;
}

int load_start(struct simulation *simulation, uint64_t now_ns, char *reason, size_t reason_size)
{
	static const char *const paths[LOAD_ENDPOINTS] = {
		[MW_SERVICE_TRANSFORM] = "/api/v1/serviceT",
		[MW_SERVICE_SEND_COMMAND] = "/api/v1/serviceS",
		[MW_SERVICE_NON_DEVICE] = "/api/v1/serviceD",
		[UNKNOWN_PATH_ENDPOINT] = "/api/v1/serviceX",
	};
	struct load *load = &simulation->load;
	const struct options *options = &simulation->options;
	const char *gateway = options->gateway[0] ? options->gateway : simulation->conf.listen;
	memset(load, 0, sizeof(*load));
	for (uint32_t i = 0; i < LOAD_ENDPOINTS; i++) {
		char url[OPTIONS_TEXT_SIZE + 64];
		snprintf(url, sizeof(url), "http://%s%s", gateway, paths[i]);
		load->endpoints[i] =
			http_endpoint(simulation->http, url, i, (uint32_t)options->connections);
		load->queue_first[i] = PLAN_NONE;
		if (load->endpoints[i] < 0) {
			snprintf(reason, reason_size, "the gateway's address cannot be used: %s",
				gateway);
			return load->endpoints[i];
		}
	}
	/* Of this moment, so that a later run goes on above it: microseconds since 1970. */
	load->counter = (uint64_t)simulation_wall_ms(now_ns) * 1000;
	load->cursor = simulation->plan.phase_begin[0];
	load->next_ns = now_ns;
	return 0;
}

void load_turn(struct simulation *simulation, uint64_t now_ns)
{
	struct load *load = &simulation->load;
	if (load->finished || load->stopped)
		return;
	uint32_t end = simulation->plan.phase_end[load->phase];
	uint64_t interval_ns = NS_PER_S / simulation->options.rate_tps;
	while (load->cursor < end && load->next_ns <= now_ns) {
		begin_sending(simulation, load->cursor++, load->next_ns);
		load->next_ns += interval_ns;
	}
	for (uint32_t i = 0; i < LOAD_ENDPOINTS; i++)
		while (load->queue_first[i] != PLAN_NONE &&
			load->in_flight[i] < simulation->options.connections)
			post(simulation, dequeue(simulation, i), now_ns);
	if (load->cursor == end)
		next_phase(simulation, now_ns);
}

void load_stop(struct simulation *simulation)
{
	simulation->load.stopped = true;
}

bool load_is_settled(const struct simulation *simulation)
{
	const struct ledger *ledger = &simulation->ledger;
	for (uint32_t i = 0; i < LOAD_ENDPOINTS; i++)
		if (simulation->load.in_flight[i] > 0)
			return false;
	for (uint32_t i = 0; i < ledger->used; i++) {
		const struct exchange *exchange = &ledger->exchanges[i];
		if ((exchange->accepted || exchange->dispatched > 0) && exchange->delivered == 0)
			return false;
	}
	return true;
}

uint64_t load_next_ns(const struct simulation *simulation)
{
	const struct load *load = &simulation->load;
	if (load->stopped)
		return UINT64_MAX;
	if (load->finished)
		return load->finished_ns;
	return load->cursor < simulation->plan.phase_end[load->phase] ? load->next_ns
								      : load->check_ns;
}
