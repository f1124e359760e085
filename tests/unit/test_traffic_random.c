/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long random run of the traffic lcore's state machine: many users, failing providers and users,
 * answers early, late and twice. What must hold at every turn and at the end is checked from the
 * actions alone.
 */
#include "dataplane/anomaly.h"
#include "traffic_harness.h"

#define RUN_POSTS 512

struct post {
	struct action action;
	uint64_t end_ns;
};

static struct post posts[RUN_POSTS];
static unsigned post_count;
static struct mw_request_id awaited[4096];
static unsigned awaited_count;
static unsigned replies, accepted, deliveries_ok;
static struct action held[64]; /* reports of held requests that nobody has decided about */
static unsigned held_count;
static unsigned alerts_taken, decided;
static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((random_state >> 33) % bound);
}

static void run_actions(void)
{
	for (uint32_t i = 0; i < out.count; i++) {
		struct action *action = &out.actions[i];
		switch (action->type) {
		case ACTION_REPLY:
			replies++;
			accepted += action->reason == ANSWER_ACCEPTED;
			break;
		case ACTION_REPLY_CAPACITY:
			replies++;
			break;
		case ACTION_DISPATCH:
		case ACTION_DELIVER:
			cr_assert_lt(post_count, RUN_POSTS);
			posts[post_count++] = (struct post){
				*action, now_ns + random_below(2 * 1000 * 1000 * 1000)};
			break;
		case ACTION_REPLY_PROVIDER:
		case ACTION_DUE_READ_TAKEN:
			break;
		case ACTION_ALERT_TAKEN:
			alerts_taken += action->status == 0;
			break;
		case ACTION_QUARANTINED:
			cr_assert_lt(held_count, 64);
			held[held_count++] = *action;
			break;
		case ACTION_QUARANTINE_DONE:
			cr_assert_eq(action->status, 0);
			decided++;
			break;
		default:
			cr_assert_fail("action %u", action->type);
		}
	}
}

static void end_post(unsigned number)
{
	struct post post = posts[number];
	posts[number] = posts[--post_count];
	bool good = random_below(10) < 7;
	if (post.action.type == ACTION_DELIVER) {
		deliveries_ok += good;
		struct traffic_event event =
			ended_event(EVENT_DELIVERED, &post.action, good ? 204 : -ECONNRESET);
		step(&event);
	} else {
		/* Even a POST that failed for us may have reached the provider. */
		if (awaited_count < 4096 && (good || random_below(2)))
			awaited[awaited_count++] = post.action.terms.request_id;
		struct traffic_event event =
			ended_event(EVENT_DISPATCHED, &post.action, good ? 204 : 503);
		step(&event);
	}
	run_actions();
}

/* Control: tells the link's receipts, announces and decides about what is held, or comes anew. */
static void control_turn(bool new_work)
{
	static uint64_t alert_id;
	struct traffic_event event = {.type = EVENT_CONTROL_CONNECTED, .session = 1};
	if (new_work && random_below(500) == 0) {
		event.session = (uint32_t)++alert_id + 1;
		held_count = 0;
		step(&event);
	} else if (held_count > 0 && random_below(3) == 0) {
		struct action report = held[--held_count];
		event.type = EVENT_QUARANTINE_REPORTED;
		event.session = report.session;
		event.reports = 1;
		step(&event);
		event = (struct traffic_event){.type = EVENT_QUARANTINE,
			.reference = report.reference,
			.event_reference =
				report.event_reference ? report.event_reference : ++alert_id,
			.quarantine_action = 1 + (uint8_t)random_below(2)};
		step(&event);
	} else if (new_work && random_below(20) == 0) {
		event = (struct traffic_event){.type = EVENT_ALERT,
			.message = fake_message(MESSAGE_LINK),
			.user = USER_A + random_below(5),
			.alert_length = 1,
			.code = "N1"};
		event.terms.request_id = (struct mw_request_id){DEVICE, event.user, ++alert_id};
		step(&event);
	} else {
		return;
	}
	run_actions();
}

static void random_turn(bool new_work)
{
	static uint64_t counter;
	now_ns += random_below(50 * 1000 * 1000);
	fake_journal_holds = random_below(3) == 0;
	if (new_work && random_below(2)) {
		struct traffic_event event =
			random_below(3) ? request_event(++counter, USER_A + random_below(5))
					: due_event(++counter, USER_A + random_below(5));
		step(&event);
		run_actions();
	}
	for (unsigned i = 0; i < post_count; i++)
		if (posts[i].end_ns <= now_ns)
			end_post(i);
	if (awaited_count > 0 && random_below(4) > 0) {
		unsigned which = random_below(awaited_count);
		struct traffic_event event =
			response_event(&awaited[which], random_below(5) ? "I0" : "E20");
		if (random_below(4) > 0)
			awaited[which] = awaited[--awaited_count];
		step(&event);
		run_actions();
	}
	control_turn(new_work);
	tick();
	run_actions();
	struct traffic_view view = traffic_view(traffic);
	cr_assert_leq(view.south_in_flight, 2);
	cr_assert_leq(view.pending, view.pending_max);
}

Test(traffic, random_run_loses_nothing, .timeout = 60)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		traffic_destroy(traffic);
		start(&default_limits);
		random_state = seed;
		post_count = awaited_count = replies = accepted = deliveries_ok = 0;
		held_count = alerts_taken = decided = 0;
		const struct anomaly_threshold threshold = {
			.user = USER_A + 1, .period_s = 1, .limit = 1};
		struct traffic_event event = {.type = EVENT_THRESHOLDS};
		event.anomaly = anomaly_create(&threshold, 1, seed);
		step(&event);
		event = (struct traffic_event){.type = EVENT_CONTROL_CONNECTED, .session = 1};
		step(&event);
		for (int turn = 0; turn < 5000; turn++)
			random_turn(true);
		for (int turn = 0; turn < 50000 && traffic_view(traffic).pending > 0; turn++)
			random_turn(false);
		cr_assert_eq(traffic_view(traffic).pending, 0, "seed %lu: something is left",
			(unsigned long)seed);
		cr_assert(traffic_idle(traffic), "seed %lu does not come to rest",
			(unsigned long)seed);
		cr_assert_eq(
			messages_live, 0, "seed %lu leaks %d", (unsigned long)seed, messages_live);
		cr_assert_eq(accepted, counter_of(STATS_REQUESTS_ACCEPTED));
		cr_assert_eq(deliveries_ok,
			accepted + counter_of(STATS_DUE_READS) + counter_of(STATS_ALERTS),
			"seed %lu: every request, read and alert is delivered exactly once",
			(unsigned long)seed);
		cr_assert_eq(alerts_taken, counter_of(STATS_ALERTS));
		cr_assert_eq(decided, counter_of(STATS_QUARANTINED));
		cr_assert(decided > 0 && alerts_taken > 0, "the run tests nothing");
	}
}
