/* SPDX-License-Identifier: Apache-2.0 */
#include "control/alert_link.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "control/alert.h"
#include "control/quarantine.h"

#define NOTHING ((struct peer_part){NULL, 0})
#define PART(object) ((struct peer_part){&(object), sizeof(object)})

enum peer_fault alert_link_taken(
	struct link *link, const struct mw_control_alert_taken *taken, struct server_time now)
{
	bool announced;

	if (!alerts_taken(
		    link->alerts, taken->alert_id, taken->status, now.monotonic_ms, &announced))
		return PEER_FAULT_ORDER;
	if (taken->status != 0 && taken->status != -EAGAIN &&
		!(announced && taken->status == -ENOENT))
		fprintf(link->log,
			"motorway-control: the data plane refused alert %" PRIu64 ": %s\n",
			taken->alert_id, strerror(-taken->status));
	struct quarantine_event *event =
		announced ? quarantine_find(link->quarantine, taken->alert_id) : NULL;
	if (event == NULL || event->state != QUARANTINE_ANNOUNCING || taken->status == -EAGAIN)
		return PEER_OK;
	if (taken->status == -ENOENT)
		quarantine_remove(link->quarantine, event);
	else
		event->state = QUARANTINE_HELD;
	return PEER_OK;
}

enum peer_fault alert_link_quarantined(
	struct link *link, const struct mw_control_quarantined *report, struct server_time now)
{
	struct mw_control_credit credit = {.messages = 1};
	uint64_t reference = report->reference;

	(void)now;
	if (link->service_credit == 0)
		return PEER_FAULT_CREDIT;
	link->counters.quarantine_reports++;
	if (reference == 0) {
		const struct alert_terms terms = {
			.event = (report->flags & MW_QUARANTINED_DCC) != 0
					 ? ALERT_QUARANTINED_DCC_THRESHOLD
					 : ALERT_QUARANTINED_USER_THRESHOLD,
			.user = report->user,
			.request_id = report->request_id,
			.token = report->token,
		};
		reference = alerts_raise(link->alerts, &terms);
	}
	/* What finds no room is reported again with the next connection. */
	if (reference == 0 || quarantine_report(link->quarantine, report, reference) == NULL) {
		link->counters.quarantine_no_room++;
		fprintf(link->log,
			"motorway-control: no room for the report of a held request of user "
			"%016" PRIx64 "\n",
			report->user);
	}
	return peer_send(link->peer, MW_CONTROL_CREDIT, PART(credit), NOTHING);
}

enum peer_fault alert_link_done(
	struct link *link, const struct mw_control_quarantine_done *done, struct server_time now)
{
	struct quarantine_event *event = quarantine_find(link->quarantine, done->reference);

	if (event == NULL || !event->sent)
		return PEER_FAULT_ORDER;
	if (done->status == -EAGAIN) {
		quarantine_retry(link->quarantine, event, now.monotonic_ms);
		return PEER_OK;
	}
	if (done->status != 0)
		link->counters.quarantine_gone++;
	else if (done->action == MW_QUARANTINE_RELEASE)
		link->counters.quarantine_released++;
	else
		link->counters.quarantine_deleted++;
	quarantine_remove(link->quarantine, event);
	return PEER_OK;
}

static bool may_send(const struct link *link)
{
	return link->credit > 0 && peer_waiting(link->peer) < LINK_OUTPUT_BYTES_MAX;
}

static enum peer_fault send_alert(struct link *link, const struct alert *alert)
{
	struct mw_control_alert record = {
		.alert_id = alert->id,
		.user = alert->user,
		.token = alert->token,
		.flags = alert->announces ? MW_ALERT_QUARANTINE : 0,
		.body_length = alert->body_length,
		.mismatch_length = alert->mismatch_length,
	};

	memcpy(record.code, alert->code, sizeof(record.code));
	memcpy(record.schema_version, alert->schema_version, sizeof(record.schema_version));
	link->credit--;
	link->counters.alerts_offered++;
	return peer_send(link->peer, MW_CONTROL_ALERT, PART(record),
		(struct peer_part){alert->elements, alert->body_length + alert->mismatch_length});
}

static enum peer_fault send_wish(struct link *link, const struct quarantine_event *event)
{
	struct mw_control_quarantine record = {
		.token = event->token,
		.reference = event->reference,
		.action = event->state == QUARANTINE_RELEASING ? MW_QUARANTINE_RELEASE
							       : MW_QUARANTINE_DELETE,
	};

	link->credit--;
	return peer_send(link->peer, MW_CONTROL_QUARANTINE, PART(record), NOTHING);
}

enum peer_fault alert_link_pump(struct link *link, struct server_time now)
{
	enum peer_fault fault = PEER_OK;
	const struct quarantine_event *event;
	const struct alert *alert;

	/* Wishes first: they make room. The data plane knows users once it has applied a set. */
	while (fault == PEER_OK && may_send(link) &&
		(event = quarantine_next_wish(link->quarantine, now.monotonic_ms)) != NULL)
		fault = send_wish(link, event);
	while (fault == PEER_OK && may_send(link) && link->applied_generation != 0 &&
		!link->pushing && alerts_offered(link->alerts) < LINK_ALERTS_MAX &&
		(alert = alerts_next(link->alerts, link->reference, now.monotonic_ms)) != NULL)
		fault = send_alert(link, alert);
	return fault;
}

void alert_link_leave(struct link *link)
{
	alerts_return(link->alerts);
	quarantine_leave(link->quarantine);
}

void alert_link_run_failed(struct link *link, const struct schedule *schedule)
{
	const struct reference_user *user = reference_user(link->reference, schedule->user);
	const struct alert_terms terms = {
		.event = ALERT_COMMAND_FAILED,
		.user = schedule->user,
		.device_id = schedule->terms.device_id,
		.schedule_id = schedule->id,
		.request_id = schedule_request_id(schedule, link->dsp_eui),
	};

	/* Nobody else is told of what a user's devices do. */
	if (user != NULL && user->active)
		alerts_raise(link->alerts, &terms);
}
