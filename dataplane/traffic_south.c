/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Southwards: from an accepted request to a provider that has taken it, or to the answer of the
 * transform provider or of control.
 */
#include "dataplane/traffic_state.h"

#include <errno.h>
#include <string.h>

/* The share of the pending table that requests queued for one provider may take: one in so many. */
#define PROVIDER_SHARE 4

static bool status_taken(int status)
{
	return status >= 200 && status <= 299;
}

static bool wants_transform(const struct pending *entry)
{
	return entry->route == ACCESS_ROUTE_TRANSFORM ||
	       entry->route == ACCESS_ROUTE_TRANSFORM_AND_DEVICE;
}

/* The provider that the entry waits for next. */
static struct provider_queue *provider_of(struct traffic *traffic, const struct pending *entry)
{
	return &traffic->providers[wants_transform(entry) ? entry->transform_provider_id
							  : entry->provider_id];
}

void south_queue_append(struct traffic *traffic, struct pending *entry)
{
	if (entry->release_ns > 0 && entry->route == ACCESS_ROUTE_DEVICE) {
		entry->state = PENDING_HELD;
		pending_timer_set(&traffic->pending, entry, entry->release_ns);
		entry->release_ns = 0;
		return;
	}
	if (window_governs(traffic, entry)) {
		window_put(traffic, entry);
		return;
	}
	entry->state = PENDING_QUEUED;
	pending_queue_append(
		&traffic->pending, &provider_of(traffic, entry)->lanes[entry->lane], entry);
	traffic->south_queued++;
}

void south_queue_remove(struct traffic *traffic, struct pending *entry)
{
	if (entry->windowed || entry->state == PENDING_READY) {
		window_remove(traffic, entry);
		return;
	}
	assert(entry->state == PENDING_QUEUED);
	pending_queue_remove(
		&traffic->pending, &provider_of(traffic, entry)->lanes[entry->lane], entry);
	traffic->south_queued--;
}

/* How many wait for a provider. */
static uint32_t queued_for(const struct traffic *traffic, uint32_t provider_id)
{
	const struct provider_queue *provider = &traffic->providers[provider_id];
	return provider->lanes[MW_LANE_ON_DEMAND].count + provider->lanes[MW_LANE_SCHEDULED].count +
	       window_waiting_for(traffic, provider_id);
}

/* An entry for the request, with a place in its user's lane if an answer will travel there: what is
 * accepted can always be answered, and no user can fill the table. NULL when there is no room. */
static struct pending *take_entry(struct traffic *traffic, const struct traffic_event *event,
	enum access_route route, enum mw_lane lane)
{
	bool travels = route == ACCESS_ROUTE_DEVICE || route == ACCESS_ROUTE_TRANSFORM_AND_DEVICE;
	uint32_t lane_user = 0;
	/* A provider that takes nothing leaves most of the table to the others. */
	if (travels && event->reason == ANSWER_ACCEPTED &&
		queued_for(traffic, event->provider_id) >= traffic->pending.size / PROVIDER_SHARE)
		return NULL;
	if (travels && lanes_reserve(traffic->lanes, event->user, lane, &lane_user) != 0)
		return NULL;
	struct pending *entry = pending_take(&traffic->pending, &event->terms.request_id);
	if (!entry) {
		if (travels)
			lanes_release(traffic->lanes, lane_user, lane);
		return NULL;
	}
	entry->state = PENDING_ACCEPTING;
	entry->route = (uint8_t)route;
	entry->lane = (uint8_t)lane;
	entry->lane_place = travels;
	entry->lane_user = lane_user;
	entry->provider_id = event->provider_id;
	entry->terms = event->terms;
	entry->user = event->user;
	entry->window_kind = event->window_kind;
	entry->deadline_ns = event->deadline_ns;
	entry->release_ns = event->release_ns;
	return entry;
}

static void reply_refused(
	const struct traffic_event *event, enum answer_reason reason, struct traffic_actions *out)
{
	struct action *action = traffic_action(
		out, event->edge, reason == ANSWER_CAPACITY ? ACTION_REPLY_CAPACITY : ACTION_REPLY);
	action->reason = (uint8_t)reason;
	action->exchange = event->exchange;
	action->terms = event->terms;
}

/* A RequestID is accepted once. One that is in progress is in the pending table under it, so that
 * even a Signed Pre-Command has to wait for the end of its Transform. */
static enum answer_reason request_id_fresh(
	struct traffic *traffic, const struct request_terms *terms)
{
	if (pending_find(&traffic->pending, &terms->request_id))
		return ANSWER_REQUEST_ID_REPEATED;
	switch (replay_check(traffic->replay, &terms->request_id, terms->command_variant)) {
	case REPLAY_FRESH:
		return ANSWER_ACCEPTED;
	case REPLAY_FULL:
		stats_count(traffic->stats, STATS_REPLAY_FULL);
		return ANSWER_CAPACITY;
	case REPLAY_OLD:
		stats_count(traffic->stats, STATS_REQUEST_ID_OLD);
		return ANSWER_REQUEST_ID_OLD;
	case REPLAY_REPEATED:
		break;
	}
	return ANSWER_REQUEST_ID_REPEATED;
}

void south_request(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out)
{
	struct message *message = message_pass(event->message, MESSAGE_EDGE, MESSAGE_TRAFFIC);
	struct pending *entry = NULL;
	const struct anomaly_threshold *threshold = NULL;
	enum answer_reason reason = request_id_fresh(traffic, &event->terms);

	if (reason == ANSWER_ACCEPTED)
		reason = quarantine_judge(traffic, now_ns, event, &threshold);
	if (reason == ANSWER_ACCEPTED) {
		entry = take_entry(traffic, event, event->route, (enum mw_lane)event->lane);
		reason = ANSWER_CAPACITY;
	}
	if (entry && threshold && !quarantine_take(traffic, entry, threshold)) {
		traffic_finish(traffic, entry);
		entry = NULL;
	}
	if (!entry) {
		message_free(message);
		reply_refused(event, reason, out);
		return;
	}
	replay_accept(traffic->replay, &event->terms.request_id, event->terms.command_variant);
	if (traffic->anomaly)
		anomaly_count(traffic->anomaly, now_ns, event->user, event->terms.srv);
	entry->exchange_edge = event->edge;
	entry->exchange = event->exchange;
	entry->answer_due = true;
	entry->transform_provider_id = event->transform_provider_id;
	entry->roles = event->roles;
	entry->received_ns = event->received_ns;
	entry->request = message;
	traffic_record(traffic, entry, entry->held ? JOURNAL_QUARANTINED : JOURNAL_ACCEPTED,
		message, DURABLE_ACCEPTED);
}

/* An operator says that an originator begins to count anew. What is in progress stays, under its
 * RequestID. */
void south_replay_reset(
	struct traffic *traffic, const struct traffic_event *event, struct traffic_actions *out)
{
	const struct mw_request_id id = {.originator = event->user};
	struct action *action = traffic_action(out, TRAFFIC_TO_LINK, ACTION_REPLAY_RESET_DONE);
	action->scopes = replay_forget(traffic->replay, event->user, &action->highest);
	action->user = event->user;
	action->event_reference = event->event_reference;
	journal_append(&traffic->journal, JOURNAL_REPLAY_RESET, &id, NULL);
	stats_count(traffic->stats, STATS_REPLAY_RESETS);
}

static struct action *due_read_taken(
	const struct traffic_event *event, int status, struct traffic_actions *out)
{
	struct action *action = traffic_action(out, TRAFFIC_TO_LINK, ACTION_DUE_READ_TAKEN);
	action->status = (int16_t)status;
	action->schedule_id = event->schedule_id;
	action->occurrence = event->occurrence;
	action->attempt = event->attempt;
	return action;
}

/* What became of a run that is in the table, and durable. */
static void due_read_known(const struct pending *entry, struct traffic_actions *out)
{
	const struct traffic_event event = {.schedule_id = entry->schedule_id,
		.occurrence = entry->occurrence,
		.attempt = entry->run_attempt};
	bool refused = entry->reason != ANSWER_ACCEPTED;
	struct action *action = due_read_taken(&event, refused ? -EACCES : 0, out);
	if (!refused)
		return;
	action->reason = entry->reason;
	memcpy(action->code, entry->code, sizeof(action->code));
}

void south_due_read(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out)
{
	struct message *message = message_pass(event->message, MESSAGE_LINK, MESSAGE_TRAFFIC);
	/* Control offers a run again when it does not know what became of it; a run that is still
	 * pending has been taken, and is reported as soon as that is durable. */
	struct pending *entry = pending_find(&traffic->pending, &event->terms.request_id);
	if (entry) {
		message_free(message);
		if (entry->state != PENDING_ACCEPTING)
			due_read_known(entry, out);
		return;
	}
	/* Scheduled reads leave half of the table to those who wait for an answer. */
	if (traffic->due_reads < traffic->pending.size / 2)
		entry = take_entry(traffic, event, ACCESS_ROUTE_DEVICE, MW_LANE_SCHEDULED);
	if (!entry) {
		message_free(message);
		stats_count(traffic->stats, STATS_DUE_READS_REFUSED);
		due_read_taken(event, -EAGAIN, out);
		return;
	}
	entry->due_read = true;
	traffic->due_reads++;
	entry->received_ns = now_ns;
	entry->schedule_id = event->schedule_id;
	entry->occurrence = event->occurrence;
	entry->run_attempt = event->attempt;
	entry->request = message;
	entry->reason = event->reason;
	memcpy(entry->code, event->code, sizeof(entry->code));
	traffic_record(traffic, entry, message ? JOURNAL_ACCEPTED : JOURNAL_REFUSED, message,
		DURABLE_ACCEPTED);
}

static void reply_accepted(struct traffic *traffic, uint64_t now_ns, struct pending *entry,
	struct traffic_actions *out)
{
	struct action *action = traffic_action(out, entry->exchange_edge, ACTION_REPLY);
	action->reason = ANSWER_ACCEPTED;
	action->exchange = entry->exchange;
	action->terms = entry->terms;
	entry->answer_due = false;
	stats_count(traffic->stats, STATS_REQUESTS_ACCEPTED);
	stats_latency(traffic->stats, STATS_LATENCY_REPLY, now_ns - entry->received_ns);
}

/* A run that access control has refused is not sent: its user is answered with the code, as when a
 * device fails. */
static void scheduled_accepted(struct traffic *traffic, uint64_t now_ns, struct pending *entry,
	struct traffic_actions *out)
{
	char code[MW_CODE_SIZE];
	due_read_known(entry, out);
	if (entry->reason == ANSWER_ACCEPTED) {
		stats_count(traffic->stats, STATS_DUE_READS);
		south_queue_append(traffic, entry);
		return;
	}
	stats_count(traffic->stats, STATS_DUE_READS_NOT_PERMITTED);
	stats_refuse(traffic->stats, (enum answer_reason)entry->reason);
	memcpy(code, entry->code, sizeof(code));
	north_fail(traffic, now_ns, entry, code);
}

void south_accepted(struct traffic *traffic, uint64_t now_ns, struct pending *entry,
	struct traffic_actions *out)
{
	if (entry->due_read) {
		scheduled_accepted(traffic, now_ns, entry, out);
		return;
	}
	switch ((enum access_route)entry->route) {
	case ACCESS_ROUTE_DEVICE:
		reply_accepted(traffic, now_ns, entry, out);
		if (entry->held)
			quarantine_hold(traffic, entry);
		else
			south_queue_append(traffic, entry);
		break;
	case ACCESS_ROUTE_TRANSFORM:
	case ACCESS_ROUTE_TRANSFORM_AND_DEVICE:
		south_queue_append(traffic, entry);
		pending_timer_set(
			&traffic->pending, entry, now_ns + traffic->limits.transform_timeout_ns);
		break;
	case ACCESS_ROUTE_CONTROL: {
		struct action *action = traffic_action(out, TRAFFIC_TO_LINK, ACTION_SERVICE);
		action->reference = pending_refer(&traffic->pending, entry);
		/* The journal has the bytes; nothing here needs them again. */
		action->message = message_pass(entry->request, MESSAGE_TRAFFIC, MESSAGE_LINK);
		entry->request = NULL;
		action->user = entry->user;
		action->roles = entry->roles;
		action->terms = entry->terms;
		entry->state = PENDING_SERVICE;
		pending_timer_set(
			&traffic->pending, entry, now_ns + traffic->limits.service_timeout_ns);
		break;
	}
	}
}

/* What goes to the provider next: on demand before scheduled. NULL when nothing waits. */
static struct pending *queue_first(struct traffic *traffic, const struct provider_queue *provider)
{
	for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++)
		if (provider->lanes[lane].count > 0)
			return &traffic->pending.entries[provider->lanes[lane].head];
	return NULL;
}

void south_intend(struct traffic *traffic, struct pending *entry)
{
	entry->posts++;
	if (!entry->in_doubt)
		entry->attempts++;
	entry->state = PENDING_INTENT;
	traffic_record(traffic, entry, JOURNAL_DISPATCH_INTENT, NULL, DURABLE_INTENT);
}

void south_forgo(struct pending *entry)
{
	entry->posts--;
	if (!entry->in_doubt)
		entry->attempts--;
}

/* From now on an edge has, or is about to have, the request of `entry` on loan. */
static void posting_begins(struct traffic *traffic, struct pending *entry, uint8_t provider_id)
{
	traffic->providers[provider_id].in_flight++;
	traffic->south_in_flight++;
	entry->posting = true;
}

/* Take the next entries out of the providers' queues, one of each provider in turn. */
unsigned south_pump(struct traffic *traffic, unsigned budget)
{
	unsigned done = 0, idle = 0;
	while (idle < PROVIDERS_MAX && done < budget &&
		traffic->south_in_flight < DISPATCHES_IN_FLIGHT_MAX) {
		idle++;
		uint32_t id = traffic->provider_turn;
		struct provider_queue *provider = &traffic->providers[id];
		traffic->provider_turn = (traffic->provider_turn + 1) % PROVIDERS_MAX;
		struct pending *entry = queue_first(traffic, provider);
		if (!entry || provider->in_flight == traffic->limits.provider_in_flight_max)
			continue;
		if (window_counts(traffic, entry)) {
			if (!window_has_room(traffic, entry))
				continue;
			south_queue_remove(traffic, entry);
			window_intend(traffic, entry);
		} else {
			south_queue_remove(traffic, entry);
			posting_begins(traffic, entry, (uint8_t)id);
			south_intend(traffic, entry);
		}
		done++;
		idle = 0;
	}
	return done;
}

/* A POST to a provider has ended or will not begin: the loan of the request is over. Returns false
 * when that ended the entry. */
static bool posting_ended(struct traffic *traffic, struct pending *entry, uint8_t provider_id)
{
	struct provider_queue *queue = &traffic->providers[provider_id];
	assert(queue->in_flight > 0);
	queue->in_flight--;
	traffic->south_in_flight--;
	entry->posting = false;
	if (!entry->ended)
		return true;
	traffic_finish(traffic, entry);
	return false;
}

static struct action *post(
	struct traffic *traffic, struct pending *entry, struct traffic_actions *out)
{
	bool transform = wants_transform(entry);
	uint8_t provider_id = transform ? entry->transform_provider_id : entry->provider_id;
	/* All connections to one provider belong to one edge, so that its limit is one number. */
	uint8_t edge = (uint8_t)(provider_id % traffic->limits.edges);
	struct action *action =
		traffic_action(out, edge, transform ? ACTION_TRANSFORM : ACTION_DISPATCH);
	action->provider_id = provider_id;
	action->lane = entry->lane;
	action->scheduled = entry->due_read;
	action->attempt = entry->attempts;
	action->reference = pending_refer(&traffic->pending, entry);
	action->message = entry->request;
	action->terms = entry->terms;
	entry->state = PENDING_DISPATCHING;
	entry->sent = !transform;
	return action;
}

bool south_may_post(
	const struct traffic *traffic, uint32_t provider_id, const struct traffic_actions *out)
{
	return out->count < out->capacity && traffic->south_in_flight < DISPATCHES_IN_FLIGHT_MAX &&
	       traffic->providers[provider_id].in_flight < traffic->limits.provider_in_flight_max;
}

struct action *south_post(
	struct traffic *traffic, struct pending *entry, struct traffic_actions *out)
{
	posting_begins(traffic, entry, entry->provider_id);
	return post(traffic, entry, out);
}

void south_intent(struct traffic *traffic, struct pending *entry, struct traffic_actions *out)
{
	if (entry->asks_gate) {
		window_ready(traffic, entry);
		return;
	}
	if (entry->state == PENDING_INTENT) {
		post(traffic, entry, out);
		return;
	}
	/* Answered or given up meanwhile: do not send it any more. */
	bool transform = wants_transform(entry);
	posting_ended(
		traffic, entry, transform ? entry->transform_provider_id : entry->provider_id);
}

/* The entry that an edge reports about. It stays while its request is on loan, so the reference
 * cannot be stale. */
static struct pending *posting_entry(struct traffic *traffic, const struct traffic_event *event)
{
	struct pending *entry = pending_resolve(&traffic->pending, event->reference);
	assert(entry && entry->posting);
	return entry;
}

/* Did the POST fail before anything could leave, for want of something here? */
static bool never_left(int status)
{
	return status == -EAGAIN || status == -ENOBUFS || status == -ENOMEM || status == -EMFILE ||
	       status == -ENFILE || status == -EIO || status == -ETIME;
}

/* The POST has not reached the provider: what next? */
static void not_taken(struct traffic *traffic, uint64_t now_ns, struct pending *entry, int status)
{
	if (never_left(status)) {
		/* Our own shortage is not the provider's failure. */
		south_forgo(entry);
	} else if (status < 0 && status != -ECONNREFUSED) {
		entry->in_doubt = true;
	}
	if (status == -ETIME) {
		/* The permission came too late; the connection is there now. */
		stats_count(traffic->stats, STATS_PERMISSIONS_EXPIRED);
		south_queue_append(traffic, entry);
		return;
	}
	entry->state = PENDING_BACKOFF;
	pending_timer_set(&traffic->pending, entry,
		now_ns + traffic_backoff_ns(traffic->limits.dispatch_backoff_ns,
				 traffic->limits.dispatch_backoff_ns * 64, entry->posts, entry));
}

void south_dispatched(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event)
{
	bool taken = status_taken(event->status);
	stats_count(traffic->stats, taken ? STATS_DISPATCHED : STATS_DISPATCH_FAILED);
	struct pending *entry = posting_entry(traffic, event);
	window_ended(traffic, entry, now_ns,
		!never_left(event->status) && event->status != -ECONNREFUSED);
	if (!posting_ended(traffic, entry, event->provider_id))
		return;
	if (entry->state != PENDING_DISPATCHING) {
		/* The device's answer overtook the end of the POST: the provider had it anyway. */
		message_free(entry->request);
		entry->request = NULL;
		return;
	}
	if (!taken) {
		not_taken(traffic, now_ns, entry, event->status);
		return;
	}
	entry->state = PENDING_AWAITING;
	pending_timer_set(&traffic->pending, entry, now_ns + traffic->limits.response_timeout_ns);
	traffic_record(traffic, entry, JOURNAL_DISPATCHED, NULL, DURABLE_DISPATCHED);
}

/* A synchronous answer is there (or its failure): make it durable, then reply. */
static void complete(struct traffic *traffic, struct pending *entry, enum answer_reason reason)
{
	pending_timer_stop(&traffic->pending, entry);
	entry->reason = (uint8_t)reason;
	entry->state = PENDING_COMPLETING;
	traffic_record(traffic, entry, JOURNAL_COMPLETED, entry->answer, DURABLE_COMPLETED);
}

void south_transformed(struct traffic *traffic, const struct traffic_event *event)
{
	struct message *document = message_pass(event->message, MESSAGE_EDGE, MESSAGE_TRAFFIC);
	struct pending *entry = posting_entry(traffic, event);
	if (!posting_ended(traffic, entry, event->provider_id) ||
		entry->state != PENDING_DISPATCHING) {
		/* Too late: the user has been answered already. */
		stats_count(traffic->stats, STATS_STALE_EVENTS);
		message_free(document);
		return;
	}
	bool usable = status_taken(event->status) && document;
	stats_count(traffic->stats, usable ? STATS_TRANSFORMED : STATS_TRANSFORM_FAILED);
	entry->answer = document;
	entry->has_body = event->has_body;
	memcpy(entry->code, event->code, sizeof(entry->code));
	complete(traffic, entry, usable ? ANSWER_ACCEPTED : ANSWER_TRANSFORM_FAILED);
}

void south_service_answered(struct traffic *traffic, const struct traffic_event *event)
{
	struct message *body = message_pass(event->message, MESSAGE_LINK, MESSAGE_TRAFFIC);
	struct pending *entry = pending_resolve(&traffic->pending, event->reference);
	if (!entry || entry->state != PENDING_SERVICE) {
		stats_count(traffic->stats, STATS_STALE_EVENTS);
		message_free(body);
		return;
	}
	if (event->status < 0) {
		message_free(body);
		complete(traffic, entry, ANSWER_SERVICE_UNAVAILABLE);
		return;
	}
	stats_count(traffic->stats, STATS_SERVICE_ANSWERED);
	entry->answer = body;
	memcpy(entry->code, event->code, sizeof(entry->code));
	complete(traffic, entry, ANSWER_ACCEPTED);
}

void south_completed(struct traffic *traffic, uint64_t now_ns, struct pending *entry,
	struct traffic_actions *out)
{
	bool accepted = entry->reason == ANSWER_ACCEPTED;
	struct action *action = traffic_action(out, entry->exchange_edge,
		accepted && wants_transform(entry) ? ACTION_REPLY_DOCUMENT : ACTION_REPLY);
	action->reason = entry->reason;
	action->exchange = entry->exchange;
	action->terms = entry->terms;
	action->has_body = entry->has_body;
	action->message = message_pass(entry->answer, MESSAGE_TRAFFIC, MESSAGE_EDGE);
	memcpy(action->code, entry->code, sizeof(action->code));
	entry->answer = NULL;
	entry->answer_due = false;
	if (accepted && entry->code[0] == 'I')
		stats_count(traffic->stats, STATS_REQUESTS_ACCEPTED);
	stats_latency(traffic->stats, STATS_LATENCY_REPLY, now_ns - entry->received_ns);
	if (accepted && entry->route == ACCESS_ROUTE_TRANSFORM_AND_DEVICE &&
		entry->code[0] == 'I') {
		entry->route = ACCESS_ROUTE_DEVICE;
		entry->attempts = entry->posts = 0;
		south_queue_append(traffic, entry);
		return;
	}
	traffic_finish(traffic, entry);
}

/* How often a request is sent at most. */
static uint32_t attempts_max(const struct traffic *traffic, const struct pending *entry)
{
	return entry->window_kind == RELEASE_NOW ? traffic->limits.dispatch_attempts_max
						 : traffic->limits.window_attempts_max;
}

bool south_may_retry(const struct traffic *traffic, const struct pending *entry)
{
	return entry->window_kind != RELEASE_NOW && entry->request &&
	       entry->posts < attempts_max(traffic, entry);
}

bool south_retry(struct traffic *traffic, uint64_t now_ns, struct pending *entry)
{
	if (!south_may_retry(traffic, entry) || entry->posting)
		return false;
	stats_count(traffic->stats, STATS_ATTEMPTS_REPEATED);
	pending_timer_stop(&traffic->pending, entry);
	entry->in_doubt = false;
	entry->release_ns = now_ns + traffic->limits.window_retry_ns;
	south_queue_append(traffic, entry);
	return true;
}

void south_timer(struct traffic *traffic, uint64_t now_ns, struct pending *entry)
{
	switch ((enum pending_state)entry->state) {
	case PENDING_SERVICE:
		stats_count(traffic->stats, STATS_SERVICE_LATE);
		complete(traffic, entry, ANSWER_SERVICE_UNAVAILABLE);
		break;
	case PENDING_QUEUED: /* for the transform provider: nobody else sets a timer here */
		south_queue_remove(traffic, entry);
		__attribute__((fallthrough));
	case PENDING_INTENT:
	case PENDING_DISPATCHING:
		stats_count(traffic->stats, STATS_TRANSFORM_FAILED);
		complete(traffic, entry, ANSWER_TRANSFORM_FAILED);
		break;
	case PENDING_HELD:
		south_queue_append(traffic, entry);
		break;
	case PENDING_BACKOFF:
		if (entry->posts < attempts_max(traffic, entry)) {
			south_queue_append(traffic, entry);
		} else if (entry->in_doubt) {
			/* The provider may have it: the device's answer may still come. */
			entry->state = PENDING_AWAITING;
			pending_timer_set(&traffic->pending, entry,
				now_ns + traffic->limits.response_timeout_ns);
		} else {
			stats_count(traffic->stats, STATS_DISPATCH_GIVEN_UP);
			north_fail(traffic, now_ns, entry, traffic->limits.unreachable_code);
		}
		break;
	case PENDING_AWAITING:
		stats_count(traffic->stats, STATS_DEVICE_SILENT);
		if (south_retry(traffic, now_ns, entry))
			break;
		north_fail(traffic, now_ns, entry, traffic->limits.silent_code);
		break;
	default:
		assert(!"a timer in a state that has none");
	}
}
