/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of schedules that access control refuses, and counters that an operator resets. */
#include <errno.h>

#include "traffic_harness.h"

TestSuite(traffic_refused, .init = setup, .fini = teardown);

static struct traffic_event refused_event(uint64_t counter, uint64_t user)
{
	struct traffic_event event = due_event(counter, user);
	message_free(event.message);
	event.message = NULL;
	event.reason = ANSWER_NOT_ENTITLED;
	snprintf(event.code, sizeof(event.code), "E4");
	return event;
}

static void expect_refused(const struct action *taken)
{
	cr_expect_eq(taken->status, -EACCES);
	cr_expect_eq(taken->reason, ANSWER_NOT_ENTITLED);
	cr_expect_str_eq(taken->code, "E4");
	cr_expect_eq(taken->schedule_id, 77);
	cr_expect_eq(taken->occurrence, 5);
	cr_expect_eq(taken->attempt, 1);
}

Test(traffic_refused, user_is_told_and_nothing_is_sent)
{
	struct traffic_event event = refused_event(1, USER_A);
	fake_journal_holds = true;
	step(&event);
	tick();
	cr_assert_eq(out.count, 0, "nothing before it is durable");
	event = refused_event(1, USER_A);
	step(&event);
	cr_assert_eq(out.count, 0, "offered again meanwhile");
	fake_journal_holds = false;
	tick();
	cr_assert_geq(out.count, 1);
	cr_assert_eq(out.actions[0].type, ACTION_DUE_READ_TAKEN);
	expect_refused(&out.actions[0]);
	event = refused_event(1, USER_A);
	step(&event);
	const struct action again = only(ACTION_DUE_READ_TAKEN, TRAFFIC_TO_LINK);
	expect_refused(&again);
	tick();
	cr_assert_eq(out.count, 1);
	const struct action deliver = out.actions[0];
	cr_assert_eq(deliver.type, ACTION_DELIVER);
	cr_expect(deliver.scheduled);
	cr_expect_eq(deliver.lane, MW_LANE_SCHEDULED);
	cr_expect_eq(deliver.schedule_id, 77);
	cr_expect_str_eq(deliver.code, "E4");
	cr_expect_null(deliver.message);
	cr_expect_eq(deliver.user, USER_A);
	delivered(&deliver, 204);
	cr_expect(traffic_idle(traffic));
	cr_expect_eq(counter_of(STATS_DUE_READS), 0);
	cr_expect_eq(counter_of(STATS_DUE_READS_NOT_PERMITTED), 1);
	cr_expect_eq(counter_of(STATS_DISPATCHED), 0);
	cr_expect_eq(stats.refused[ANSWER_NOT_ENTITLED], 1);
}

/* The answer needs a place in the lane, as every answer; the provider does not matter. */
Test(traffic_refused, full_lane_puts_it_off)
{
	for (uint64_t counter = 1; counter <= default_limits.lane_items_max; counter++) {
		struct traffic_event event = refused_event(counter, USER_A);
		step(&event);
		cr_assert_eq(out.count, 0);
	}
	struct traffic_event event = refused_event(99, USER_A);
	step(&event);
	cr_expect_eq(only(ACTION_DUE_READ_TAKEN, TRAFFIC_TO_LINK).status, -EAGAIN);
	event = refused_event(99, USER_B);
	step(&event);
	cr_expect_eq(out.count, 0, "another user's lane has room");
}

static struct action reset(uint64_t originator)
{
	const struct traffic_event event = {
		.type = EVENT_REPLAY_RESET, .user = originator, .event_reference = 12345};
	step(&event);
	return only(ACTION_REPLAY_RESET_DONE, TRAFFIC_TO_LINK);
}

static enum answer_reason offer(uint64_t counter, uint64_t user)
{
	struct traffic_event event = request_event(counter, user);
	step(&event);
	if (out.count == 0)
		return ANSWER_ACCEPTED;
	return only(ACTION_REPLY, 1).reason;
}

Test(traffic_refused, originator_begins_to_count_anew)
{
	struct action dispatch = accept_request(1000000, USER_A);
	cr_expect_eq(offer(5, USER_A), ANSWER_REQUEST_ID_OLD);
	struct action done = reset(USER_A);
	cr_expect_eq(done.event_reference, 12345);
	cr_expect_eq(done.user, USER_A);
	cr_expect_eq(done.highest, 1000000);
	cr_expect_eq(done.scopes, 1);
	cr_expect_eq(offer(1000000, USER_A), ANSWER_REQUEST_ID_REPEATED, "it is in progress");
	cr_expect_eq(offer(5, USER_A), ANSWER_ACCEPTED);
	cr_expect_eq(offer(5, USER_A), ANSWER_REQUEST_ID_REPEATED);
	cr_expect_eq(offer(5, USER_B), ANSWER_ACCEPTED);
	done = reset(USER_B + 1);
	cr_expect_eq(done.scopes, 0);
	cr_expect_eq(done.highest, 0);
	cr_expect_eq(counter_of(STATS_REPLAY_RESETS), 2);
	cr_expect_eq(traffic_view(traffic).replay_scopes, 2);
	/* What was on its way goes on. */
	struct traffic_event end = ended_event(EVENT_DISPATCHED, &dispatch, 202);
	step(&end);
}
