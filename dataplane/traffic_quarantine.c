/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests beyond a threshold (doc/anomaly-detection.md): held, reported to control, and released
 * or deleted when an operator says so. What is held keeps its place in its user's lane, so that it
 * can always be answered; how much may be held is bounded for all and for each user.
 *
 * The list of what is held is in the order in which it came. Control is told of each entry once a
 * connection: `report_next` walks along the list, and begins again when control has connected anew.
 */
#include "dataplane/traffic_state.h"

/* The share of his lane that a user's held requests may take: one in so many. */
#define LANE_SHARE 2

enum answer_reason quarantine_judge(struct traffic *traffic, uint64_t now_ns,
	const struct traffic_event *event, const struct anomaly_threshold **threshold)
{
	*threshold = traffic->anomaly ? anomaly_exceeded(traffic->anomaly, now_ns, event->user,
						event->terms.srv)
				      : NULL;
	if (!*threshold || event->route == ACCESS_ROUTE_DEVICE)
		return ANSWER_ACCEPTED;
	/* Somebody waits for the answer itself, so it cannot be held. */
	return ANSWER_THRESHOLD_EXCEEDED;
}

bool quarantine_take(
	struct traffic *traffic, struct pending *entry, const struct anomaly_threshold *threshold)
{
	struct quarantine *quarantine = &traffic->quarantine;
	uint32_t *of_user = &quarantine->of_user[entry->lane_user];
	if (quarantine->count >= traffic->limits.quarantine_max ||
		*of_user >= traffic->limits.lane_items_max / LANE_SHARE) {
		stats_count(traffic->stats, STATS_QUARANTINE_FULL);
		return false;
	}
	quarantine->count++;
	++*of_user;
	entry->held = true;
	entry->period_s = threshold->period_s;
	entry->limit = threshold->limit;
	entry->of_all_users = threshold->user == ANOMALY_ALL_USERS;
	return true;
}

void quarantine_hold(struct traffic *traffic, struct pending *entry)
{
	struct pending_queue *held = &traffic->quarantine.held;
	uint32_t number = pending_refer(&traffic->pending, entry).index;
	entry->state = PENDING_QUARANTINED;
	pending_queue_append(&traffic->pending, held, entry);
	if (traffic->quarantine.report_next == PENDING_NONE)
		traffic->quarantine.report_next = number;
	stats_count(traffic->stats, STATS_QUARANTINED);
}

static void unlink_held(struct traffic *traffic, struct pending *entry)
{
	struct pending_queue *held = &traffic->quarantine.held;
	uint32_t number = pending_refer(&traffic->pending, entry).index;
	if (traffic->quarantine.report_next == number)
		traffic->quarantine.report_next = entry->queue_next;
	pending_queue_remove(&traffic->pending, held, entry);
}

static void report_done(uint64_t event_reference, uint8_t quarantine_action, int status,
	struct traffic_actions *out)
{
	struct action *action = traffic_action(out, TRAFFIC_TO_LINK, ACTION_QUARANTINE_DONE);
	action->event_reference = event_reference;
	action->quarantine_action = quarantine_action;
	action->status = (int16_t)status;
}

void quarantine_decide(
	struct traffic *traffic, const struct traffic_event *event, struct traffic_actions *out)
{
	struct pending *entry = pending_resolve(&traffic->pending, event->reference);
	/* One that could not be announced yet, for want of room in the lane, can be decided too. */
	if (!entry || entry->state != PENDING_QUARANTINED ||
		(entry->event_reference != 0 && entry->event_reference != event->event_reference)) {
		report_done(event->event_reference, event->quarantine_action, -ENOENT, out);
		return;
	}
	unlink_held(traffic, entry);
	entry->state = PENDING_RELEASING;
	entry->event_reference = event->event_reference;
	entry->quarantine_action = event->quarantine_action;
	traffic_record(traffic, entry,
		event->quarantine_action == MW_QUARANTINE_RELEASE ? JOURNAL_RELEASED
								  : JOURNAL_DELETED,
		NULL, DURABLE_RELEASED);
}

void quarantine_released(struct traffic *traffic, uint64_t now_ns, struct pending *entry,
	struct traffic_actions *out)
{
	report_done(entry->event_reference, entry->quarantine_action, 0, out);
	traffic->quarantine.count--;
	traffic->quarantine.of_user[entry->lane_user]--;
	entry->held = false;
	if (entry->quarantine_action == MW_QUARANTINE_RELEASE) {
		stats_count(traffic->stats, STATS_QUARANTINE_RELEASED);
		south_queue_append(traffic, entry);
		return;
	}
	stats_count(traffic->stats, STATS_QUARANTINE_DELETED);
	north_fail(traffic, now_ns, entry, traffic->limits.deleted_code);
}

void quarantine_connected(struct traffic *traffic, const struct traffic_event *event)
{
	traffic->quarantine.session = event->session;
	traffic->quarantine.reports = 0;
	traffic->quarantine.report_next = traffic->quarantine.held.head;
}

void quarantine_reported(struct traffic *traffic, const struct traffic_event *event)
{
	struct quarantine *quarantine = &traffic->quarantine;
	if (event->session != quarantine->session)
		return;
	assert(event->reports <= quarantine->reports);
	quarantine->reports -= event->reports;
}

unsigned quarantine_pump(struct traffic *traffic, struct traffic_actions *out)
{
	struct quarantine *quarantine = &traffic->quarantine;
	unsigned done = 0;
	while (quarantine->session != 0 && quarantine->report_next != PENDING_NONE &&
		quarantine->reports < QUARANTINE_REPORTS_MAX && out->count < out->capacity) {
		struct pending *entry = &traffic->pending.entries[quarantine->report_next];
		struct action *action = traffic_action(out, TRAFFIC_TO_LINK, ACTION_QUARANTINED);
		action->reference = pending_refer(&traffic->pending, entry);
		action->session = quarantine->session;
		action->event_reference = entry->event_reference;
		action->user = entry->user;
		action->terms = entry->terms;
		action->answered_ns = entry->received_ns;
		action->period_s = entry->period_s;
		action->limit = entry->limit;
		action->of_all_users = entry->of_all_users;
		quarantine->report_next = entry->queue_next;
		quarantine->reports++;
		done++;
	}
	return done;
}
