/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users' requests: read, verify, authorise, hand over to the traffic lcore. Stages and their
 * answers are those of doc/answers.md, in its order. The requests of a poll pass in two steps,
 * because signatures are cheaper by the burst (doc/verification.md):
 *
 *     receive_request()  each: read, whose is it, the digest; an answer, or a place in the burst
 *     receive_burst()    all: the signatures; then each: who may, an answer or the traffic lcore
 *
 * Nothing waits for a burst to fill: it is what one poll brought.
 */
#include "dataplane/edge_state.h"

#include <errno.h>
#include <string.h>

#include "dataplane/clock.h"

static void terms_of(const struct duis_document *document, struct request_terms *terms)
{
	memset(terms, 0, sizeof(*terms));
	terms->request_id = document->request_id;
	memcpy(terms->service_reference, document->service_reference,
		sizeof(terms->service_reference));
	memcpy(terms->srv, document->service_reference_variant, sizeof(terms->srv));
	terms->schema_index = (uint8_t)document->schema_index;
	terms->command_variant = document->command_variant;
}

static void refuse_input(
	struct edge *edge, struct http_exchange exchange, const struct duis_error *error)
{
	stats_count(edge->setup.stats, STATS_REFUSED_INPUT);
	const struct reply_error reply = {
		.status = 400,
		.code = duis_error_name(error->code),
		.offset = error->offset,
		.path = error->path,
		.reason = error->rule[0] ? error->rule : duis_error_meaning(error->code),
	};
	reply_json(edge, exchange, &reply);
}

static void refuse_capacity(struct edge *edge, struct http_exchange exchange, struct message *body)
{
	stats_count(edge->setup.stats, STATS_REFUSED_CAPACITY);
	message_free(body);
	reply_capacity(edge, exchange);
}

static void refuse(struct edge *edge, uint64_t now_ns, const struct edge_request *request,
	const struct access_decision *decision, bool proven)
{
	struct request_terms terms;
	terms_of(&request->document, &terms);
	const struct reply reply = {
		.exchange = request->exchange,
		.terms = &terms,
		.reason = decision->reason,
		.code = decision->code,
		.proven = proven,
	};
	reply_duis(edge, now_ns, &reply);
	message_free(request->body);
}

static void refuse_unproven(struct edge *edge, uint64_t now_ns, const struct edge_request *request,
	enum answer_reason reason)
{
	const struct access_decision decision = {.reason = reason};
	refuse(edge, now_ns, request, &decision, false);
}

/* ---- each by itself ---- */

/* May requests be taken at all now? Work under way needs buffers to make progress, so new work
 * leaves a quarter of them. */
static bool open_for_requests(struct edge *edge, const struct message *body)
{
	if (atomic_load_explicit(edge->setup.draining, memory_order_relaxed)) {
		stats_count(edge->setup.stats, STATS_REFUSED_DRAINING);
		return false;
	}
	if (!edge->registry) {
		stats_count(edge->setup.stats, STATS_REFUSED_NO_REFERENCE);
		return false;
	}
	if (message_pools_scarce(edge->setup.pools, body)) {
		stats_count(edge->setup.stats, STATS_REFUSED_CAPACITY);
		return false;
	}
	return true;
}

/* Read the document of a request. Returns false when it has been answered. */
static bool read_request(struct edge *edge, struct edge_request *request)
{
	static const struct reply_error not_a_request = {400, "not-a-request", 0, "",
		"the document is a Response; this service takes Requests"};
	struct message *body = request->body;
	struct duis_error error;
	int status = duis_engine_read(edge->engine, body ? body->buffer.bytes : NULL,
		body ? body->buffer.length : 0, &request->document, &error);
	if (status == 0 && request->document.root == DUIS_ROOT_REQUEST)
		return true;
	if (status == -ENOMEM) {
		refuse_capacity(edge, request->exchange, body);
		return false;
	}
	if (status < 0) {
		refuse_input(edge, request->exchange, &error);
	} else {
		stats_count(edge->setup.stats, STATS_REFUSED_NOT_A_REQUEST);
		reply_json(edge, request->exchange, &not_a_request);
	}
	message_free(body);
	return false;
}

/* Does the request name its originator and a certificate of his? */
static enum answer_reason find_sender(struct edge *edge, struct edge_request *request)
{
	const struct duis_document *document = &request->document;
	struct duis_error error;
	request->user = registry_user(edge->registry, document->request_id.originator);
	if (!request->user)
		return ANSWER_USER_UNKNOWN;
	if (!document->has_signature)
		return ANSWER_SIGNATURE_MISSING;
	if (duis_engine_check_profile(edge->engine, &error) < 0)
		return ANSWER_SIGNATURE_PROFILE;
	request->certificate =
		registry_certificate(edge->registry, document->issuer, document->serial);
	if (!request->certificate)
		return ANSWER_CERTIFICATE_UNKNOWN;
	if (request->certificate->eui != document->request_id.originator)
		return ANSWER_CERTIFICATE_FOREIGN;
	return ANSWER_ACCEPTED;
}

void receive_request(struct edge *edge, uint64_t now_ns, const struct http_event *event)
{
	assert(edge->burst_count < BURST);
	struct edge_request *request = &edge->burst[edge->burst_count];
	struct duis_error error;

	stats_count(edge->setup.stats, STATS_REQUESTS);
	request->exchange = event->exchange;
	request->service = (enum mw_service)event->route;
	request->received_ns = event->received_ns;
	request->body = message_of(event->body);
	if (!open_for_requests(edge, request->body)) {
		message_free(request->body);
		reply_capacity(edge, request->exchange);
		return;
	}
	if (!read_request(edge, request))
		return;
	enum answer_reason reason = find_sender(edge, request);
	if (reason != ANSWER_ACCEPTED) {
		refuse_unproven(edge, now_ns, request, reason);
		return;
	}
	int status = duis_engine_prepare(
		edge->engine, request->signed_digest, request->signature, &error);
	if (status == 0)
		edge->burst_count++;
	else if (status == -EBADMSG)
		refuse_unproven(edge, now_ns, request, ANSWER_SIGNATURE_WRONG);
	else
		refuse_capacity(edge, request->exchange, request->body);
}

/* ---- all together, then each to its end ---- */

/* What control gets of a request: what the signature covers and nothing else. The engine remembers
 * the last document of the burst alone, so this one is read again: few requests go to control.
 * Returns NULL after an answer. */
static struct message *digested_of(struct edge *edge, const struct edge_request *request)
{
	static const struct reply_error too_large = {413, "too-large", 0, "",
		"a request that the DSP itself answers has at most 256 KiB in canonical form"};
	const struct net_buffer *body = &request->body->buffer;
	struct duis_document document;
	struct duis_error error;
	struct message *digested = NULL;
	size_t length = 0;
	/* It was good before, so nothing but memory can be lacking. */
	if (duis_engine_read(edge->engine, body->bytes, body->length, &document, &error) == 0) {
		length = duis_engine_digested_length(edge->engine);
		/* Control's services have small documents; nothing larger is passed on to it. */
		if (length > MW_CONTROL_DOCUMENT_MAX) {
			stats_count(edge->setup.stats, STATS_REFUSED_INPUT);
			message_free(request->body);
			reply_json(edge, request->exchange, &too_large);
			return NULL;
		}
		digested = message_take(edge->setup.pools, (uint32_t)length, MESSAGE_EDGE);
	}
	if (!digested) {
		stats_count(edge->setup.stats, STATS_BUFFERS_SHORT);
		refuse_capacity(edge, request->exchange, request->body);
		return NULL;
	}
	duis_engine_digested(edge->engine, digested->buffer.bytes, length);
	digested->buffer.length = (uint32_t)length;
	message_free(request->body);
	return digested;
}

/* ExecutionDateTime of a request that takes an earlier one back: 3000-12-31T00:00:00Z, as in the
 * published templates called CANCELLATION. It goes at once. */
#define EXECUTION_CANCELS_S 32535129600

/* Must the DSP keep the request until its ExecutionDateTime? Not when the device does so itself. */
static bool kept_by_dsp(const struct duis_document *document, const struct registry_srv *srv)
{
	return document->has_execution_date_time && document->execution_s != EXECUTION_CANCELS_S &&
	       (srv->modes & MW_MODE_FUTURE_DATED_DSP) &&
	       !(srv->modes & MW_MODE_FUTURE_DATED_DEVICE);
}

/* When its answer is due, and in which windows it goes: by the first of the roles in which it is
 * permitted. */
static void set_timing(const struct edge_request *request, const struct access_decision *decision,
	struct traffic_event *event)
{
	const struct duis_document *document = &request->document;
	bool dated = kept_by_dsp(document, decision->srv);
	const struct mw_timing *timing = registry_timing(decision->srv, decision->roles,
		decision->generation, dated ? MW_TIMING_FUTURE_DATED : MW_TIMING_ON_DEMAND);
	uint64_t start_ns = request->received_ns;
	int64_t wait_ms = dated ? document->execution_s * 1000 - clock_wall_ms(start_ns) : 0;
	if (wait_ms > 0)
		start_ns = event->release_ns = start_ns + (uint64_t)wait_ms * 1000000;
	event->window_kind = timing->windows;
	event->lane = timing->lane;
	event->deadline_ns = start_ns + timing->target_s * 1000000000ull;
}

/* A device's provider gets the bytes as the user signed them. */
static void hand_over(struct edge *edge, const struct edge_request *request,
	const struct access_decision *decision)
{
	struct message *message = decision->route == ACCESS_ROUTE_CONTROL
					  ? digested_of(edge, request)
					  : request->body;
	if (!message)
		return;
	struct traffic_event event = {
		.type = EVENT_REQUEST,
		.route = decision->route,
		.provider_id = decision->provider_id,
		.transform_provider_id = (uint8_t)edge->registry->transform_provider,
		.exchange = request->exchange,
		.message = message,
		.user = request->user->eui,
		.roles = request->user->roles,
		.received_ns = request->received_ns,
	};
	terms_of(&request->document, &event.terms);
	if (decision->route == ACCESS_ROUTE_DEVICE ||
		decision->route == ACCESS_ROUTE_TRANSFORM_AND_DEVICE)
		set_timing(request, decision, &event);
	if (!edge_tell_traffic(edge, &event))
		refuse_capacity(edge, request->exchange, message);
}

/* For an operator who asks. */
static void keep_decision(struct edge *edge, uint64_t now_ns, const struct access_request *asked,
	const struct access_decision *decided)
{
	struct decision decision =
		decision_of(edge->registry, asked, decided, clock_wall_ms(now_ns));
	if (!decided->code && decided->reason < ANSWER_REASON_COUNT &&
		decided->reason != ANSWER_ACCEPTED)
		memcpy(decision.code, edge->setup.answers->answers[decided->reason].code,
			sizeof(decision.code));
	decisions_put(edge->setup.decisions, &decision);
}

/* `found` is what reading the request's target from the registry image ended with. */
static struct access_decision decide(struct edge *edge, uint64_t now_ns,
	const struct edge_request *request, const struct registry_image_device *device, int found)
{
	const struct duis_document *document = &request->document;
	const int64_t now_s = clock_wall_ms(now_ns) / 1000;
	const struct access_request asked = {
		.user = request->user,
		.document = document,
		.service = request->service,
		.version =
			access_version(duis_schemas_version(edge->schemas, document->schema_index)),
		.period = {document->has_period, document->period_start_s, document->period_end_s},
		.execution_s = document->has_execution_date_time ? document->execution_s : now_s,
		.now_s = now_s,
		.dsp_eui = edge->setup.conf->dsp_eui,
		.device = found == 0 ? device : NULL,
		.device_busy = found != 0 && found != -ENOENT,
	};
	const struct access_decision decided = access_check(edge->registry, &asked);
	keep_decision(edge, now_ns, &asked, &decided);
	return decided;
}

static void finish_request(struct edge *edge, uint64_t now_ns, unsigned number, int verdict)
{
	const struct edge_request *request = &edge->burst[number];
	if (verdict == -EBADMSG) {
		refuse_unproven(edge, now_ns, request, ANSWER_SIGNATURE_WRONG);
		return;
	}
	if (verdict != 0) {
		refuse_capacity(edge, request->exchange, request->body);
		return;
	}
	const struct access_decision decision =
		decide(edge, now_ns, request, &edge->devices[number], edge->devices_found[number]);
	if (decision.reason == ANSWER_ACCEPTED)
		hand_over(edge, request, &decision);
	else if (decision.reason == ANSWER_CAPACITY)
		refuse_capacity(edge, request->exchange, request->body);
	else
		refuse(edge, now_ns, request, &decision, true);
}

/* All targets at once, so that their cache misses overlap. */
static void read_devices(struct edge *edge)
{
	uint64_t targets[BURST];
	for (unsigned i = 0; i < edge->burst_count; i++)
		targets[i] = edge->burst[i].document.request_id.target;
	registry_image_read_burst(edge->registry->image->image, targets, edge->burst_count,
		edge->devices, edge->devices_found);
}

void receive_burst(struct edge *edge, uint64_t now_ns)
{
	struct p256_check checks[BURST];

	if (edge->burst_count == 0)
		return;
	for (unsigned i = 0; i < edge->burst_count; i++)
		checks[i] = (struct p256_check){
			.key = edge->burst[i].certificate->key->key,
			.digest = edge->burst[i].signed_digest,
			.signature = edge->burst[i].signature,
		};
	p256_verify_batch(edge->verifier, checks, edge->burst_count);
	stats_burst(edge->setup.stats, edge->burst_count);
	read_devices(edge);
	for (unsigned i = 0; i < edge->burst_count; i++)
		finish_request(edge, now_ns, i, checks[i].result);
	edge->burst_count = 0;
}

_Static_assert(BURST <= P256_BATCH_MAX, "a burst is verified at once");
_Static_assert(BURST <= REGISTRY_IMAGE_BURST_MAX, "its devices are read at once");
_Static_assert(
	DUIS_SIGNED_DIGEST_SIZE == P256_DIGEST_SIZE && DUIS_SIGNATURE_SIZE == P256_SIGNATURE_SIZE,
	"what the engine prepares is what the verifier takes");
