/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DCC Alerts: control raises them, here they become durable and travel north like any answer, in
 * their user's on-demand lane, kept until he has taken them (doc/alerts.md).
 */
#include "dataplane/traffic_state.h"

#include <string.h>

static void report(uint64_t alert_id, int status, struct traffic_actions *out)
{
	struct action *action = traffic_action(out, TRAFFIC_TO_LINK, ACTION_ALERT_TAKEN);
	action->status = (int16_t)status;
	action->event_reference = alert_id;
}

/* Has an alert of this id been taken, and perhaps delivered, before? */
static bool remembered(const struct traffic *traffic, uint64_t alert_id)
{
	for (uint32_t i = 0; i < ALERTS_REMEMBERED; i++)
		if (traffic->alert_ids[i] == alert_id)
			return true;
	return false;
}

static void remember(struct traffic *traffic, uint64_t alert_id)
{
	traffic->alert_ids[traffic->alert_ids_next] = alert_id;
	traffic->alert_ids_next = (traffic->alert_ids_next + 1) % ALERTS_REMEMBERED;
}

/* An entry with a place in the user's lane, or NULL when there is no room. */
static struct pending *take_entry(struct traffic *traffic, const struct traffic_event *event)
{
	uint32_t lane_user = 0;
	if (traffic->alerts >= traffic->limits.alerts_max ||
		lanes_reserve(traffic->lanes, event->user, MW_LANE_ON_DEMAND, &lane_user) != 0)
		return NULL;
	struct pending *entry = pending_take(&traffic->pending, &event->terms.request_id);
	if (!entry) {
		lanes_release(traffic->lanes, lane_user, MW_LANE_ON_DEMAND);
		return NULL;
	}
	entry->state = PENDING_ACCEPTING;
	entry->alert = true;
	entry->lane = MW_LANE_ON_DEMAND;
	entry->lane_place = true;
	entry->lane_user = lane_user;
	entry->terms = event->terms;
	entry->user = event->user;
	entry->alert_length = event->alert_length;
	memcpy(entry->code, event->code, sizeof(entry->code));
	traffic->alerts++;
	return entry;
}

/* 0, or why the alert is not taken now. */
static int take(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct message *message)
{
	struct pending *held = NULL;
	if (event->announces) {
		held = pending_resolve(&traffic->pending, event->reference);
		/* Nothing to announce: an operator was faster. */
		if (!held || held->state != PENDING_QUARANTINED || held->event_reference != 0)
			return -ENOENT;
	}
	struct pending *entry = take_entry(traffic, event);
	if (!entry) {
		stats_count(traffic->stats, STATS_ALERTS_NO_ROOM);
		return -EAGAIN;
	}
	stats_count(traffic->stats, STATS_ALERTS);
	remember(traffic, event->terms.request_id.counter);
	entry->answer = message;
	entry->received_ns = entry->answered_ns = now_ns;
	if (held) {
		held->event_reference = event->terms.request_id.counter;
		journal_append(&traffic->journal, JOURNAL_ANNOUNCED, &held->terms.request_id, NULL);
	}
	traffic_record(traffic, entry, JOURNAL_ALERT, message, DURABLE_ALERT);
	return 0;
}

void alert_take(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out)
{
	struct message *message = message_pass(event->message, MESSAGE_LINK, MESSAGE_TRAFFIC);
	const struct mw_request_id *id = &event->terms.request_id;
	const struct pending *entry = pending_find(&traffic->pending, id);
	int status = 0;
	/* Control offers an alert again when it does not know what became of it. */
	if (entry || remembered(traffic, id->counter)) {
		stats_count(traffic->stats, STATS_ALERTS_REPEATED);
		message_free(message);
		if (entry && entry->alert && entry->state == PENDING_ACCEPTING)
			return; /* reported when it is durable */
		report(id->counter, entry && !entry->alert ? -EEXIST : 0, out);
		return;
	}
	status = take(traffic, now_ns, event, message);
	if (status == 0)
		return;
	message_free(message);
	report(id->counter, status, out);
}

void alert_durable(struct traffic *traffic, struct pending *entry, struct traffic_actions *out)
{
	report(entry->terms.request_id.counter, 0, out);
	north_answered(traffic, entry, out);
}
