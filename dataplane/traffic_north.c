/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Northwards: from a provider's answer to the user who has taken it.
 */
#include "dataplane/traffic_state.h"

#include <string.h>

/* When there is no room in the lane for a failure that the gateway itself reports, it asks again.
 */
#define LANE_FULL_RETRY_NS 1000000000ull

static void reply_provider(
	const struct traffic_event *event, int status, struct traffic_actions *out)
{
	struct action *action = traffic_action(out, event->edge, ACTION_REPLY_PROVIDER);
	action->status = (int16_t)status;
	action->exchange = event->exchange;
}

/* May an answer come for the entry now? A POST of it must have begun, and it must wait for one. */
static bool answerable(const struct pending *entry)
{
	switch ((enum pending_state)entry->state) {
	case PENDING_QUEUED:
	case PENDING_HELD:
	case PENDING_INTENT:
	case PENDING_READY:
	case PENDING_DISPATCHING:
	case PENDING_BACKOFF:
	case PENDING_AWAITING:
		return entry->sent;
	default:
		return false;
	}
}

/* Is that what a provider says when the device was not reached, so that another attempt may help?
 */
static bool attempt_failed(const struct traffic *traffic, const char *code)
{
	return strcmp(code, traffic->limits.unreachable_code) == 0 ||
	       strcmp(code, traffic->limits.silent_code) == 0;
}

/* The entry's answer is `code` with `message` (may be NULL): make that durable. */
static void answer(struct traffic *traffic, uint64_t now_ns, struct pending *entry,
	const char *code, struct message *message)
{
	if (entry->state == PENDING_QUEUED || entry->state == PENDING_READY)
		south_queue_remove(traffic, entry);
	pending_timer_stop(&traffic->pending, entry);
	if (!entry->posting) {
		/* Nobody needs what went south any more. */
		message_free(entry->request);
		entry->request = NULL;
	}
	entry->state = PENDING_ANSWERING;
	entry->answer = message;
	entry->answered_ns = now_ns;
	snprintf(entry->code, sizeof(entry->code), "%s", code);
	traffic_record(traffic, entry, JOURNAL_ANSWERED, message, DURABLE_ANSWERED);
}

void north_response(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out)
{
	struct message *message = message_pass(event->message, MESSAGE_EDGE, MESSAGE_TRAFFIC);
	struct pending *entry = pending_find(&traffic->pending, &event->terms.request_id);
	if (!entry || !answerable(entry) || entry->provider_id != event->provider_id) {
		stats_count(traffic->stats, STATS_RESPONSES_UNMATCHED);
		message_free(message);
		reply_provider(event, 404, out);
		return;
	}
	stats_count(traffic->stats, STATS_RESPONSES_MATCHED);
	if (attempt_failed(traffic, event->code) && entry->state == PENDING_AWAITING &&
		south_retry(traffic, now_ns, entry)) {
		message_free(message);
		reply_provider(event, 204, out);
		return;
	}
	answer(traffic, now_ns, entry, event->code, message);
	entry->exchange = event->exchange;
	entry->exchange_edge = event->edge;
	entry->answer_due = true;
}

void north_fail(struct traffic *traffic, uint64_t now_ns, struct pending *entry, const char *code)
{
	answer(traffic, now_ns, entry, code, NULL);
}

void north_answered(struct traffic *traffic, struct pending *entry, struct traffic_actions *out)
{
	if (entry->answer_due) {
		struct action *action =
			traffic_action(out, entry->exchange_edge, ACTION_REPLY_PROVIDER);
		action->status = 204;
		action->exchange = entry->exchange;
		entry->answer_due = false;
	}
	entry->state = PENDING_LANE;
	traffic->undelivered[entry->lane]++;
	lanes_put(traffic->lanes, entry->lane_user, entry->lane,
		pending_refer(&traffic->pending, entry));
}

/* Let answers leave, on demand strictly before scheduled, while users and rings take them. */
unsigned north_pump(struct traffic *traffic, struct traffic_actions *out)
{
	unsigned done = 0;
	struct pending_reference reference;
	while (out->count < out->capacity &&
		traffic->delivery_in_flight < traffic->limits.delivery_in_flight_max &&
		lanes_next(traffic->lanes, &reference)) {
		struct pending *entry = pending_resolve(&traffic->pending, reference);
		assert(entry && entry->state == PENDING_LANE);
		/* All connections to one user belong to one edge. */
		uint8_t edge = (uint8_t)(entry->lane_user % traffic->limits.edges);
		struct action *action = traffic_action(out, edge, ACTION_DELIVER);
		action->lane = entry->lane;
		action->scheduled = entry->due_read;
		action->reference = reference;
		action->message = entry->answer;
		action->user = entry->user;
		action->answered_ns = entry->answered_ns;
		action->terms = entry->terms;
		action->schedule_id = entry->schedule_id;
		action->alert = entry->alert;
		action->alert_length = entry->alert_length;
		memcpy(action->code, entry->code, sizeof(action->code));
		entry->state = PENDING_DELIVERING;
		traffic->delivery_in_flight++;
		done++;
	}
	return done;
}

void north_delivered(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event)
{
	struct pending *entry = pending_resolve(&traffic->pending, event->reference);
	assert(entry && entry->state == PENDING_DELIVERING);
	assert(traffic->delivery_in_flight > 0);
	traffic->delivery_in_flight--;
	bool taken = event->status >= 200 && event->status <= 299;
	lanes_done(traffic->lanes, entry->lane_user, entry->lane, taken);
	if (taken) {
		if (entry->alert)
			stats_count(traffic->stats, STATS_ALERTS_DELIVERED);
		bool on_demand = entry->lane == MW_LANE_ON_DEMAND;
		stats_count(traffic->stats,
			on_demand ? STATS_DELIVERED_ON_DEMAND : STATS_DELIVERED_SCHEDULED);
		stats_latency(traffic->stats,
			on_demand ? STATS_LATENCY_DELIVERY_ON_DEMAND
				  : STATS_LATENCY_DELIVERY_SCHEDULED,
			now_ns - entry->answered_ns);
		entry->state = PENDING_FINISHING;
		traffic_record(traffic, entry, JOURNAL_DELIVERED, NULL, DURABLE_DELIVERED);
		return;
	}
	stats_count(traffic->stats, STATS_DELIVERY_FAILED);
	entry->state = PENDING_DELIVERY_BACKOFF;
	pending_timer_set(&traffic->pending, entry,
		now_ns + traffic_backoff_ns(traffic->limits.delivery_backoff_ns,
				 traffic->limits.delivery_backoff_max_ns, entry->delivery_attempts,
				 entry));
	if (entry->delivery_attempts < UINT16_MAX)
		entry->delivery_attempts++;
}

void north_finished(struct traffic *traffic, struct pending *entry)
{
	traffic->undelivered[entry->lane]--;
	traffic_finish(traffic, entry);
}

void north_timer(struct traffic *traffic, struct pending *entry)
{
	entry->state = PENDING_LANE;
	lanes_put(traffic->lanes, entry->lane_user, entry->lane,
		pending_refer(&traffic->pending, entry));
}
