/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long random run of the traffic lcore's state machine: many users, failing providers and users,
 * answers early, late and twice. What must hold at every turn and at the end is checked from the
 * actions alone.
 */
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
		for (int turn = 0; turn < 5000; turn++)
			random_turn(true);
		for (int turn = 0; turn < 50000 && !traffic_idle(traffic); turn++)
			random_turn(false);
		cr_assert(traffic_idle(traffic), "seed %lu does not come to rest",
			(unsigned long)seed);
		cr_assert_eq(
			messages_live, 0, "seed %lu leaks %d", (unsigned long)seed, messages_live);
		cr_assert_eq(accepted, counter_of(STATS_REQUESTS_ACCEPTED));
		cr_assert_eq(deliveries_ok, accepted + counter_of(STATS_DUE_READS),
			"seed %lu: every accepted request and read is delivered exactly once",
			(unsigned long)seed);
	}
}
