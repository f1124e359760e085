/* SPDX-License-Identifier: Apache-2.0 */
/* DCC Alerts in the traffic lcore: durable, delivered once, kept until taken. */
#include "traffic_harness.h"

#define DSP 0x90b3d51f30000002ull

TestSuite(traffic_alert, .init = setup, .fini = teardown);

static struct traffic_event alert_event(uint64_t id, uint64_t user)
{
	struct traffic_event event = {
		.type = EVENT_ALERT,
		.message = fake_message(MESSAGE_LINK),
		.user = user,
		.terms = {.request_id = {DSP, user, id}, .schema_index = 1},
		.code = "N66",
		.alert_length = 30,
	};
	event.message->buffer.length = 50;
	return event;
}

static struct action taken(uint64_t id, int status)
{
	struct action action = only(ACTION_ALERT_TAKEN, TRAFFIC_TO_LINK);
	cr_assert_eq(action.event_reference, id);
	cr_assert_eq(action.status, status);
	return action;
}

/* Raise an alert; returns its delivery. */
static struct action raised(uint64_t id, uint64_t user)
{
	struct traffic_event event = alert_event(id, user);
	step(&event);
	cr_assert_eq(out.count, 0, "taken before the record is durable");
	tick();
	cr_assert_eq(out.count, 2);
	cr_assert_eq(out.actions[0].type, ACTION_ALERT_TAKEN);
	cr_assert_eq(out.actions[0].status, 0);
	cr_assert_eq(out.actions[1].type, ACTION_DELIVER);
	return out.actions[1];
}

Test(traffic_alert, goes_to_its_user_and_is_kept_until_he_takes_it)
{
	struct action deliver = raised(1000, USER_A);
	cr_expect(deliver.alert);
	cr_expect(!deliver.scheduled);
	cr_expect_eq(deliver.lane, MW_LANE_ON_DEMAND);
	cr_expect_eq(deliver.user, USER_A);
	cr_expect_eq(deliver.alert_length, 30);
	cr_expect_eq(deliver.message->buffer.length, 50);
	cr_expect_str_eq(deliver.code, "N66");
	cr_expect_eq(deliver.terms.request_id.originator, DSP);
	cr_expect_eq(deliver.terms.request_id.counter, 1000);
	cr_expect_eq(deliver.terms.schema_index, 1);
	cr_expect_eq(traffic_view(traffic).alerts, 1);
	for (int failures = 0; failures < 3; failures++) {
		delivered(&deliver, failures == 1 ? -ECONNREFUSED : 500);
		now_ns += 60 * SECOND;
		tick();
		deliver = only(ACTION_DELIVER, deliver.provider_id);
		cr_expect(deliver.alert);
	}
	delivered(&deliver, 204);
	cr_expect(traffic_idle(traffic));
	cr_expect_eq(traffic_view(traffic).alerts, 0);
	cr_expect_eq(counter_of(STATS_ALERTS), 1);
	cr_expect_eq(counter_of(STATS_ALERTS_DELIVERED), 1);
}

Test(traffic_alert, nothing_is_said_before_the_record_is_durable)
{
	struct traffic_event event = alert_event(1, USER_A);
	fake_journal_holds = true;
	step(&event);
	for (int i = 0; i < 3; i++) {
		tick();
		cr_assert_eq(out.count, 0);
	}
	/* Offered again meanwhile, it is taken once and reported once. */
	event = alert_event(1, USER_A);
	step(&event);
	cr_assert_eq(out.count, 0);
	fake_journal_holds = false;
	tick();
	cr_assert_eq(out.count, 2);
	cr_expect_eq(counter_of(STATS_ALERTS_REPEATED), 1);
}

Test(traffic_alert, offered_again_it_is_not_delivered_again)
{
	struct action deliver = raised(5, USER_A);
	struct traffic_event event = alert_event(5, USER_A);
	step(&event);
	taken(5, 0);
	delivered(&deliver, 200);
	cr_assert(traffic_idle(traffic));
	/* Control was away when it was told: it asks after the delivery. */
	event = alert_event(5, USER_A);
	step(&event);
	taken(5, 0);
	tick();
	cr_assert_eq(out.count, 0);
	cr_expect(traffic_idle(traffic));
	cr_expect_eq(counter_of(STATS_ALERTS), 1);
	cr_expect_eq(counter_of(STATS_ALERTS_REPEATED), 2);
}

Test(traffic_alert, full_lane_puts_it_off)
{
	for (uint64_t id = 1; id <= default_limits.lane_items_max; id++) {
		struct traffic_event event = alert_event(id, USER_A);
		step(&event);
	}
	struct traffic_event event = alert_event(100, USER_A);
	step(&event);
	taken(100, -EAGAIN);
	cr_expect_eq(counter_of(STATS_ALERTS_NO_ROOM), 1);
	/* Another user has room; and a put-off alert is not remembered as taken. */
	event = alert_event(101, USER_B);
	step(&event);
	cr_assert_eq(out.count, 0);
	tick();
	struct action deliver = {0};
	for (uint32_t i = 0; i < out.count; i++)
		if (out.actions[i].type == ACTION_DELIVER && out.actions[i].user == USER_A)
			deliver = out.actions[i];
	delivered(&deliver, 200);
	event = alert_event(100, USER_A);
	step(&event);
	cr_expect_eq(out.count, 0, "now it has a place");
	cr_expect_eq(counter_of(STATS_ALERTS), default_limits.lane_items_max + 2);
}

Test(traffic_alert, alerts_leave_most_of_the_table_to_requests)
{
	for (uint64_t id = 1; id <= default_limits.alerts_max; id++) {
		struct traffic_event event = alert_event(id, USER_A + id);
		step(&event);
	}
	struct traffic_event event = alert_event(100, USER_A + 100);
	step(&event);
	taken(100, -EAGAIN);
	event = request_event(1, USER_B);
	step(&event);
	cr_expect_eq(out.count, 0, "a request still has room");
}

Test(traffic_alert, on_demand_before_scheduled)
{
	struct traffic_event due = due_event(1, USER_A);
	step(&due);
	tick();
	tick();
	struct action dispatch = only(ACTION_DISPATCH, PROVIDER % 2);
	struct traffic_event response = response_event(&dispatch.terms.request_id, "I0");
	fake_journal_holds = true;
	step(&response);
	struct traffic_event event = alert_event(9, USER_A);
	step(&event);
	fake_journal_holds = false;
	tick();
	unsigned first = 0;
	while (first < out.count && out.actions[first].type != ACTION_DELIVER)
		first++;
	cr_assert_lt(first, out.count);
	cr_expect(out.actions[first].alert, "the alert is in the on-demand lane");
}

Test(traffic_alert, a_device_cannot_answer_an_alert)
{
	struct action deliver = raised(3, USER_A);
	struct traffic_event event = response_event(&deliver.terms.request_id, "I0");
	step(&event);
	cr_expect_eq(only(ACTION_REPLY_PROVIDER, 0).status, 404);
	delivered(&deliver, 204);
	cr_expect(traffic_idle(traffic));
}
