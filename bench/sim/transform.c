/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transform provider (doc/providers.md, "Gateway -> transform provider"): a neighbour of the
 * gateway that turns service requests into GBCS commands. It answers in the right form with
 * commands of plausible size and random content; it transforms nothing.
 */
#include "bench/sim/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/compose.h"
#include "bench/sim/gbcs.h"
#include "dataplane/duis/identifier.h"
#include "dataplane/duis/write.h"

static const char *check(struct simulation *simulation, const struct http_event *event,
	struct duis_document *document)
{
	char text[MW_REQUEST_ID_TEXT_SIZE];
	char expected[MW_REQUEST_ID_TEXT_SIZE];
	struct duis_error error;
	if (!event->body || duis_reference_engine_read(simulation->engine, event->body->bytes,
				    event->body->length, document, &error) != 0)
		return "the body is no valid DUIS document";
	if (document->root != DUIS_ROOT_REQUEST)
		return "the body is no DUIS Request";
	if (document->command_variant < 2 || document->command_variant > 7)
		return "the command variant is not one from 2 to 7";
	duis_request_id_format(&document->request_id, expected);
	if (!simulation_header(
		    simulation, event->exchange, "Motorway-Request-ID", text, sizeof(text)) ||
		strcmp(text, expected) != 0)
		return "Motorway-Request-ID is not the body's RequestID";
	const struct reference_user *user =
		reference_user(&simulation->reference, document->request_id.originator);
	if (!user)
		return "the originator is no user";
	if (simulation_verify(simulation, document, user) != 0)
		return "the signature is missing or wrong";
	return NULL;
}

/* The canonical element behind the references: a pre-command (variant 4) or a command for local
 * delivery (2, 3, 6, 7). Nothing for 5. Returns 0 or -errno. */
static int write_element(
	struct simulation *simulation, const struct duis_document *document, struct text *element)
{
	uint8_t command[GBCS_BYTES_MAX];
	const char *srv = document->service_reference_variant;
	bool pre_command = document->command_variant == 4;
	int length;
	if (document->command_variant == 5)
		return 0;
	if (pre_command) {
		length = compose_pre_command(srv, &document->request_id, simulation->options.seed,
			command, sizeof(command));
	} else {
		struct gbcs_parties parties = {
			.originator = document->request_id.originator,
			.recipient = document->request_id.target,
			.counter = document->request_id.counter,
		};
		length = gbcs_write_command(gbcs_use_case(srv), &parties, true,
			simulation->options.seed ^ parties.counter, command, sizeof(command));
	}
	if (length < 0)
		return length;
	const char *head = pre_command ? "<sr:PreCommand><sr:GBCSVersion>4.1</sr:GBCSVersion>"
					 "<sr:GBCSPayload>"
				       : "<sr:LocalCommand><sr:GBCSPayload>";
	const char *tail = pre_command ? "</sr:GBCSPayload></sr:PreCommand>"
				       : "</sr:GBCSPayload></sr:LocalCommand>";
	int result = text_append(element, head, strlen(head));
	if (result == 0)
		result = text_append_base64(element, command, (size_t)length);
	return result == 0 ? text_append(element, tail, strlen(tail)) : result;
}

static struct net_buffer *write_answer(
	struct simulation *simulation, const struct duis_document *document, uint64_t now_ns)
{
	uint8_t bytes[2 * GBCS_BYTES_MAX];
	struct text element = {.bytes = bytes, .capacity = sizeof(bytes)};
	if (write_element(simulation, document, &element) != 0)
		return NULL;
	struct duis_response response = {
		.schema_version =
			duis_reference_schemas_version(simulation->schemas, document->schema_index),
		.has_request_id = true,
		.request_id = document->request_id,
		.code = element.length > 0 ? "I0" : "I99",
		.date_time_ms = simulation_wall_ms(now_ns),
		.service_reference = document->service_reference,
		.service_reference_variant = document->service_reference_variant,
		.body = element.length > 0 ? DUIS_BODY_ELEMENT : DUIS_BODY_NONE,
		.payload = element.bytes,
		.payload_length = (uint32_t)element.length,
	};
	struct net_buffer *body = buffers_acquire(
		&simulation->buffers, (uint32_t)duis_write_response_bound(response.payload_length));
	int length = body ? duis_write_response(&response, body->bytes, body->capacity) : -1;
	if (length < 0) {
		buffers_release(&simulation->buffers, body);
		return NULL;
	}
	body->length = (uint32_t)length;
	return body;
}

/* Keep the answer back for as long as a transform takes. Returns false when too many are under
 * way; then the answer goes out at once. */
static bool hold(struct simulation *simulation, const struct http_event *event,
	struct net_buffer *body, uint64_t now_ns)
{
	for (uint32_t i = 0; i < TRANSFORM_ANSWERS_MAX; i++) {
		struct transform_answer *answer = &simulation->transforms[i];
		if (answer->used)
			continue;
		uint64_t at_ns = now_ns + simulation->options.transform_delay_ms * NS_PER_MS;
		if (timers_add(&simulation->timers, at_ns, SIM_TRANSFORM, i) != 0)
			return false;
		*answer = (struct transform_answer){true, event->exchange, body};
		return true;
	}
	return false;
}

void transform_take(struct simulation *simulation, const struct http_event *event, uint64_t now_ns)
{
	struct duis_document document;
	const char *wrong = check(simulation, event, &document);
	struct net_buffer *body = wrong ? NULL : write_answer(simulation, &document, now_ns);
	if (!wrong && !body)
		wrong = "no room for the answer";
	if (wrong) {
		simulation->counters.transform_refused++;
		simulation_problem(
			simulation, "the transform provider refused a request: %s", wrong);
		simulation_refuse(simulation, event->exchange, "request", wrong);
	} else {
		simulation->counters.transforms++;
		if (!hold(simulation, event, body, now_ns))
			http_reply(simulation->http, event->exchange, 200, "", "application/xml",
				body, false);
	}
	buffers_release(&simulation->buffers, event->body);
}

void transform_answer(struct simulation *simulation, uint64_t value)
{
	struct transform_answer *answer = &simulation->transforms[value];
	http_reply(simulation->http, answer->exchange, 200, "", "application/xml", answer->body,
		false);
	answer->used = false;
	answer->body = NULL;
}
