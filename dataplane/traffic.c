/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/traffic_state.h"

#include <string.h>

struct traffic *traffic_create(const struct traffic_limits *limits, struct stats *stats)
{
	struct traffic *traffic = calloc(1, sizeof(*traffic));
	if (!traffic)
		return NULL;
	traffic->limits = *limits;
	traffic->stats = stats;
	for (unsigned id = 0; id < PROVIDERS_MAX; id++)
		for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++)
			traffic->providers[id].lanes[lane].head =
				traffic->providers[id].lanes[lane].tail = PENDING_NONE;
	traffic->waits_size = limits->pending_max * DURABLE_WAITS_PER_ENTRY;
	traffic->waits = calloc(traffic->waits_size, sizeof(*traffic->waits));
	traffic->lanes =
		lanes_create(limits->lane_items_max, limits->user_in_flight_max, limits->secret);
	traffic->quarantine.held.head = traffic->quarantine.held.tail = PENDING_NONE;
	traffic->quarantine.report_next = PENDING_NONE;
	traffic->limits.replay.secret = limits->secret;
	traffic->replay = limits->replay_filter ? limits->replay_filter
						: replay_create(&traffic->limits.replay);
	if (!traffic->waits || !traffic->lanes || !traffic->replay ||
		pending_create(&traffic->pending, limits->pending_max, limits->secret) ||
		window_create(&traffic->windows, limits->pending_max, limits->start_ns)) {
		traffic_destroy(traffic);
		errno = ENOMEM;
		return NULL;
	}
	return traffic;
}

void traffic_destroy(struct traffic *traffic)
{
	if (!traffic)
		return;
	for (uint32_t i = 0; i < traffic->pending.size; i++) {
		struct pending *entry = &traffic->pending.entries[i];
		if (entry->state == PENDING_FREE)
			continue;
		message_free(entry->request);
		message_free(entry->answer);
	}
	pending_destroy(&traffic->pending);
	lanes_destroy(traffic->lanes);
	replay_destroy(traffic->replay);
	anomaly_destroy(traffic->anomaly);
	window_destroy(&traffic->windows);
	free(traffic->waits);
	free(traffic);
}

struct action *traffic_action(
	struct traffic_actions *out, uint8_t destination, enum action_type type)
{
	assert(out->count < out->capacity);
	struct action *action = &out->actions[out->count];
	memset(action, 0, sizeof(*action));
	action->type = (uint8_t)type;
	out->destination[out->count++] = destination;
	return action;
}

void traffic_record(struct traffic *traffic, struct pending *entry, enum journal_record_type type,
	const struct message *message, enum durable_step step)
{
	assert(traffic->waits_count < traffic->waits_size);
	uint32_t at = (traffic->waits_head + traffic->waits_count++) % traffic->waits_size;
	traffic->waits[at] = (struct durable_wait){
		.sequence =
			journal_append(&traffic->journal, type, &entry->terms.request_id, message),
		.reference = pending_refer(&traffic->pending, entry),
		.step = step,
	};
}

void traffic_finish(struct traffic *traffic, struct pending *entry)
{
	if (entry->posting) {
		entry->state = PENDING_FINISHING;
		entry->ended = true;
		pending_timer_stop(&traffic->pending, entry);
		return;
	}
	message_free(entry->request);
	message_free(entry->answer);
	entry->request = entry->answer = NULL;
	if (entry->lane_place)
		lanes_release(traffic->lanes, entry->lane_user, entry->lane);
	if (entry->due_read)
		traffic->due_reads--;
	if (entry->alert)
		traffic->alerts--;
	pending_release(&traffic->pending, entry);
}

uint64_t traffic_backoff_ns(
	uint64_t first_ns, uint64_t limit_ns, uint32_t attempt, const struct pending *entry)
{
	uint64_t wait_ns = first_ns;
	while (attempt-- > 0 && wait_ns < limit_ns)
		wait_ns *= 2;
	if (wait_ns > limit_ns)
		wait_ns = limit_ns;
	uint64_t spread = (entry->terms.request_id.counter * 0x9e3779b97f4a7c15ull) >> 56;
	return wait_ns - wait_ns / 4 * spread / 255;
}

/* The counts of thresholds that stay go on. */
static void take_thresholds(struct traffic *traffic, struct anomaly *anomaly)
{
	if (traffic->anomaly && anomaly)
		anomaly_continue(anomaly, traffic->anomaly);
	anomaly_destroy(traffic->anomaly);
	traffic->anomaly = anomaly;
}

void traffic_step(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out)
{
	assert(out->capacity - out->count >= ACTIONS_PER_STEP);
	switch ((enum traffic_event_type)event->type) {
	case EVENT_REQUEST:
		south_request(traffic, now_ns, event, out);
		break;
	case EVENT_RESPONSE:
		north_response(traffic, now_ns, event, out);
		break;
	case EVENT_DISPATCHED:
		south_dispatched(traffic, now_ns, event);
		break;
	case EVENT_TRANSFORMED:
		south_transformed(traffic, event);
		break;
	case EVENT_SERVICE_ANSWERED:
		south_service_answered(traffic, event);
		break;
	case EVENT_DUE_READ:
		south_due_read(traffic, now_ns, event, out);
		break;
	case EVENT_DELIVERED:
		north_delivered(traffic, now_ns, event);
		break;
	case EVENT_ALERT:
		alert_take(traffic, now_ns, event, out);
		break;
	case EVENT_QUARANTINE:
		quarantine_decide(traffic, event, out);
		break;
	case EVENT_QUARANTINE_REPORTED:
		quarantine_reported(traffic, event);
		break;
	case EVENT_CONTROL_CONNECTED:
		quarantine_connected(traffic, event);
		break;
	case EVENT_WINDOWS:
		window_take_table(traffic, event->windows);
		break;
	case EVENT_THRESHOLDS:
		take_thresholds(traffic, event->anomaly);
		break;
	case EVENT_REPLAY_RESET:
		south_replay_reset(traffic, event, out);
		break;
	}
}

static void run_durable(struct traffic *traffic, uint64_t now_ns, const struct durable_wait *wait,
	struct traffic_actions *out)
{
	struct pending *entry = pending_resolve(&traffic->pending, wait->reference);
	if (!entry)
		return;
	switch (wait->step) {
	case DURABLE_ACCEPTED:
		south_accepted(traffic, now_ns, entry, out);
		break;
	case DURABLE_INTENT:
		south_intent(traffic, entry, out);
		break;
	case DURABLE_DISPATCHED:
		/* The provider has the bytes and the journal says so: they may go. */
		if (!entry->posting && !south_may_retry(traffic, entry)) {
			message_free(entry->request);
			entry->request = NULL;
		}
		break;
	case DURABLE_COMPLETED:
		south_completed(traffic, now_ns, entry, out);
		break;
	case DURABLE_ANSWERED:
		north_answered(traffic, entry, out);
		break;
	case DURABLE_DELIVERED:
		north_finished(traffic, entry);
		break;
	case DURABLE_ALERT:
		alert_durable(traffic, entry, out);
		break;
	case DURABLE_RELEASED:
		quarantine_released(traffic, now_ns, entry, out);
		break;
	}
}

/* Run what waited for records that are durable now. A step makes at most two actions. */
static unsigned tick_durable(struct traffic *traffic, uint64_t now_ns, struct traffic_actions *out)
{
	uint64_t durable = journal_durable(&traffic->journal);
	unsigned done = 0;
	while (traffic->waits_count > 0 && out->capacity - out->count >= ACTIONS_PER_STEP) {
		struct durable_wait wait = traffic->waits[traffic->waits_head];
		if (wait.sequence > durable)
			break;
		traffic->waits_head = (traffic->waits_head + 1) % traffic->waits_size;
		traffic->waits_count--;
		run_durable(traffic, now_ns, &wait, out);
		done++;
	}
	return done;
}

static unsigned tick_timers(struct traffic *traffic, uint64_t now_ns)
{
	unsigned done = 0;
	struct pending *entry;
	while (done < BURST && (entry = pending_timer_expired(&traffic->pending, now_ns)) != NULL) {
		if (entry->state == PENDING_DELIVERY_BACKOFF)
			north_timer(traffic, entry);
		else
			south_timer(traffic, now_ns, entry);
		done++;
	}
	return done;
}

unsigned traffic_tick(struct traffic *traffic, uint64_t now_ns, struct traffic_actions *out)
{
	unsigned done = tick_timers(traffic, now_ns);
	done += south_pump(traffic, BURST);
	done += window_pump(traffic, now_ns, BURST, out);
	done += tick_durable(traffic, now_ns, out);
	done += quarantine_pump(traffic, out);
	done += north_pump(traffic, out);
	return done;
}

bool traffic_idle(const struct traffic *traffic)
{
	return pending_count(&traffic->pending) == traffic->quarantine.held.count &&
	       traffic->waits_count == 0;
}

struct traffic_view traffic_view(const struct traffic *traffic)
{
	struct traffic_view view = {
		.pending = pending_count(&traffic->pending),
		.pending_max = traffic->pending.size,
		.quarantined = traffic->quarantine.count,
		.alerts = traffic->alerts,
		.replay_scopes = replay_scopes(traffic->replay),
		.south_queued = traffic->south_queued,
		.window_waiting = window_waiting(traffic),
		.south_in_flight = traffic->south_in_flight,
	};
	for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++) {
		view.lane_waiting[lane] = lanes_waiting(traffic->lanes, lane);
		view.lane_in_flight[lane] = traffic->undelivered[lane] - view.lane_waiting[lane];
	}
	return view;
}
