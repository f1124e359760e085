/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/link_alerts.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "dataplane/clock.h"

void link_reports_begin(struct link_reports *reports)
{
	uint32_t session = reports->session + 1;
	/* 0 is "never". */
	*reports = (struct link_reports){.session = session ? session : 1, .connected = true};
}

void link_reports_put(struct link_reports *reports, const struct action *action)
{
	if (action->session != reports->session)
		return;
	/* The traffic lcore has no more than so many under way. */
	assert(reports->count < QUARANTINE_REPORTS_MAX);
	reports->waiting[(reports->head + reports->count++) % QUARANTINE_REPORTS_MAX] = *action;
}

bool link_reports_next(struct link_reports *reports, struct mw_control_quarantined *record)
{
	if (reports->count == 0)
		return false;
	const struct action *action = &reports->waiting[reports->head];
	*record = (struct mw_control_quarantined){
		.token = (uint64_t)action->reference.index << 32 | action->reference.generation,
		.reference = action->event_reference,
		.user = action->user,
		.request_id = action->terms.request_id,
		.held_ms = clock_wall_ms(action->answered_ns),
		.period_s = action->period_s,
		.limit = action->limit,
		.flags = action->of_all_users ? MW_QUARANTINED_DCC : 0,
	};
	memcpy(record->srv, action->terms.srv, sizeof(record->srv));
	reports->head = (reports->head + 1) % QUARANTINE_REPORTS_MAX;
	reports->count--;
	reports->sent++;
	return true;
}

bool link_reports_event(const struct link_reports *reports, struct traffic_event *event)
{
	*event = (struct traffic_event){.session = reports->session};
	if (reports->connected) {
		event->type = EVENT_CONTROL_CONNECTED;
		return true;
	}
	event->type = EVENT_QUARANTINE_REPORTED;
	event->reports = reports->sent;
	return reports->sent > 0;
}

void link_reports_told(struct link_reports *reports, const struct traffic_event *event)
{
	if (event->type == EVENT_CONTROL_CONNECTED)
		reports->connected = false;
	else
		reports->sent -= event->reports;
}

static struct pending_reference reference_of(uint64_t token)
{
	return (struct pending_reference){
		.index = (uint32_t)(token >> 32), .generation = (uint32_t)token};
}

int link_alert_event(const struct link_setup *setup, const struct duis_schemas *schemas,
	const struct mw_control_alert *alert, const uint8_t *elements, struct traffic_event *event)
{
	const struct registry *registry =
		atomic_load_explicit(setup->registry, memory_order_relaxed);
	uint32_t length = alert->body_length + alert->mismatch_length;
	if (alert->alert_id == 0 || alert->code[0] == '\0')
		return -EINVAL;
	if (!registry || atomic_load_explicit(setup->draining, memory_order_relaxed))
		return -EAGAIN;
	const struct registry_user *user = registry_user(registry, alert->user);
	if (!user || user->callback_url[0] == '\0')
		return -ENOENT;
	/* An alert is not lost for want of a version: then the oldest will do. */
	int schema =
		duis_schemas_find(schemas, alert->schema_version, strlen(alert->schema_version));
	struct message *message = message_take(setup->pools, length, MESSAGE_LINK);
	if (!message)
		return -EAGAIN;
	memcpy(message->buffer.bytes, elements, length);
	message->buffer.length = length;
	*event = (struct traffic_event){
		.type = EVENT_ALERT,
		.reference = reference_of(alert->token),
		.message = message,
		.user = alert->user,
		.terms = {.request_id = {.originator = setup->conf->dsp_eui,
				  .target = alert->user,
				  .counter = alert->alert_id},
			.schema_index = schema < 0 ? 0 : (uint8_t)schema},
		.announces = alert->flags & MW_ALERT_QUARANTINE,
		.alert_length = alert->body_length,
	};
	memcpy(event->code, alert->code, sizeof(event->code));
	return 0;
}

struct traffic_event link_quarantine_event(const struct mw_control_quarantine *quarantine)
{
	return (struct traffic_event){
		.type = EVENT_QUARANTINE,
		.reference = reference_of(quarantine->token),
		.quarantine_action = (uint8_t)quarantine->action,
		.event_reference = quarantine->reference,
	};
}
