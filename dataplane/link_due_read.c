/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/link_due_read.h"

#include <errno.h>
#include <string.h>

#include "dataplane/clock.h"
#include "dataplane/handoff.h"

/* The request as its user would have sent it. Control has written it, so that its parts fit. */
static void describe(const struct mw_control_due_read *due, const struct registry_srv *srv,
	int schema, struct duis_document *document)
{
	memset(document, 0, sizeof(*document));
	document->root = DUIS_ROOT_REQUEST;
	document->schema_index = schema;
	document->has_request_id = true;
	document->request_id = due->request_id;
	document->command_variant = 1;
	memcpy(document->service_reference, srv->service_reference, MW_SRV_SIZE);
	memcpy(document->service_reference_variant, srv->srv, MW_SRV_SIZE);
	memcpy(document->body_element, srv->body_element, MW_ELEMENT_NAME_SIZE);
}

static struct access_decision decide(const struct link_setup *setup,
	const struct registry *registry, const struct access_request *asked, int64_t now_ms)
{
	const struct access_decision decided = access_check(registry, asked);
	const struct decision decision = decision_of(registry, asked, &decided, now_ms);
	decisions_put(setup->decisions[setup->decisions_count - 1], &decision);
	return decided;
}

static struct message *copy_document(
	const struct link_setup *setup, const uint8_t *document, uint32_t length)
{
	struct message *message = message_take(setup->pools, length, MESSAGE_LINK);
	if (!message)
		return NULL;
	memcpy(message->buffer.bytes, document, length);
	message->buffer.length = length;
	return message;
}

/* The monotonic instant that belongs to a wall-clock one; 0 for 0. */
static uint64_t instant_ns(int64_t wall_ms, int64_t now_ms)
{
	int64_t ahead_ms = wall_ms - now_ms;
	uint64_t now_ns = clock_now_ns();

	if (wall_ms == 0)
		return 0;
	if (ahead_ms < 0)
		return now_ns > (uint64_t)-ahead_ms * 1000000
			       ? now_ns - (uint64_t)-ahead_ms * 1000000
			       : 1;
	return now_ns + (uint64_t)ahead_ms * 1000000;
}

int link_due_read_event(const struct link_setup *setup, const struct duis_schemas *schemas,
	const struct mw_control_due_read *due, const uint8_t *bytes, int64_t now_ms,
	struct traffic_event *event)
{
	const struct registry *registry =
		atomic_load_explicit(setup->registry, memory_order_relaxed);
	if (!registry || atomic_load_explicit(setup->draining, memory_order_relaxed))
		return -EAGAIN;
	const struct registry_user *user = registry_user(registry, due->user);
	const struct registry_srv *srv = registry_srv(registry, due->srv);
	int schema = duis_schemas_find(schemas, due->schema_version, strlen(due->schema_version));
	if (!user || !srv || schema < 0)
		return -ENOENT;
	struct registry_image_device device;
	int found = registry_image_read(registry->image->image, due->device_id, &device);
	struct duis_document document;
	describe(due, srv, schema, &document);
	const struct access_request asked = {
		.user = user,
		.document = &document,
		.scheduled = true,
		.version = access_version(duis_schemas_version(schemas, schema)),
		.period = {due->flags & MW_DUE_READ_PERIOD, due->period_start_s, due->period_end_s},
		.now_s = now_ms / 1000,
		.dsp_eui = setup->conf->dsp_eui,
		.device = found == 0 ? &device : NULL,
		.device_busy = found != 0 && found != -ENOENT,
	};
	const struct access_decision decided = decide(setup, registry, &asked, now_ms);
	if (decided.reason == ANSWER_CAPACITY)
		return -EAGAIN;
	if (decided.reason != ANSWER_ACCEPTED && !decided.code)
		return -ENOENT;
	*event = (struct traffic_event){
		.type = EVENT_DUE_READ,
		.provider_id = decided.provider_id,
		.user = due->user,
		.terms = {.request_id = due->request_id,
			.schema_index = (uint8_t)schema,
			.command_variant = 1},
		.schedule_id = due->schedule_id,
		.occurrence = due->occurrence,
		.attempt = due->attempt,
		.reason = (uint8_t)decided.reason,
		.window_kind = due->windows,
		.release_ns = instant_ns(due->release_ms, now_ms),
		.deadline_ns = instant_ns(due->deadline_s * 1000, now_ms),
	};
	memcpy(event->terms.service_reference, srv->service_reference, MW_SRV_SIZE);
	memcpy(event->terms.srv, srv->srv, MW_SRV_SIZE);
	if (decided.reason != ANSWER_ACCEPTED) {
		memcpy(event->code, decided.code, sizeof(event->code));
		return 0;
	}
	event->message = copy_document(setup, bytes, due->document_length);
	return event->message ? 0 : -EAGAIN;
}

struct mw_control_due_read_taken link_due_read_taken(const struct action *action)
{
	struct mw_control_due_read_taken taken = {
		.schedule_id = action->schedule_id,
		.occurrence = action->occurrence,
		.attempt = action->attempt,
		.status = action->status,
		.check = MW_ACCESS_CHECK_COUNT,
	};
	if (action->status == -EACCES) {
		taken.check = (uint8_t)(action->reason - ANSWER_USER_ROLE);
		memcpy(taken.code, action->code, sizeof(taken.code));
	}
	return taken;
}
