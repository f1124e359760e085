/* SPDX-License-Identifier: Apache-2.0 */
/* The traffic lcore's state machine, case by case. */
#include "traffic_harness.h"

TestSuite(traffic, .init = setup, .fini = teardown);

Test(traffic, request_to_delivery)
{
	struct action dispatch = accept_request(1, USER_A);
	cr_expect_eq(dispatch.attempt, 1);
	cr_expect_eq(dispatch.provider_id, PROVIDER);
	cr_expect_not_null(dispatch.message);
	dispatched(&dispatch);
	respond(&dispatch, "I0");
	cr_assert_eq(out.count, 2);
	struct action deliver = out.actions[1];
	cr_assert_eq(deliver.type, ACTION_DELIVER);
	cr_expect_eq(deliver.user, USER_A);
	cr_expect_str_eq(deliver.code, "I0");
	cr_expect_str_eq(deliver.terms.srv, "4.8.1");
	cr_expect(!deliver.scheduled);
	delivered(&deliver, 204);
	cr_expect(traffic_idle(traffic));
	cr_expect_eq(messages_live, 0);
	cr_expect_eq(counter_of(STATS_REQUESTS_ACCEPTED), 1);
	cr_expect_eq(counter_of(STATS_DISPATCHED), 1);
	cr_expect_eq(counter_of(STATS_RESPONSES_MATCHED), 1);
	cr_expect_eq(counter_of(STATS_DELIVERED_ON_DEMAND), 1);
}

Test(traffic, nothing_leaves_before_its_record_is_durable)
{
	struct traffic_event event = request_event(1, USER_A);
	fake_journal_holds = true;
	step(&event);
	for (int i = 0; i < 3; i++) {
		tick();
		cr_assert_eq(out.count, 0, "acknowledged before durable");
	}
	fake_journal_holds = false;
	tick();
	only(ACTION_REPLY, 1);
	fake_journal_holds = true;
	tick();
	tick();
	cr_assert_eq(out.count, 0, "dispatched before the intent is durable");
	fake_journal_holds = false;
	tick();
	struct action dispatch = only(ACTION_DISPATCH, PROVIDER % 2);
	dispatched(&dispatch);
	event = response_event(&dispatch.terms.request_id, "I0");
	fake_journal_holds = true;
	step(&event);
	tick();
	cr_assert_eq(out.count, 0, "the provider was told before the answer is durable");
	fake_journal_holds = false;
	tick();
	cr_assert_eq(out.count, 2);
	struct action deliver = out.actions[1];
	fake_journal_holds = true;
	delivered(&deliver, 200);
	cr_expect(!traffic_idle(traffic), "forgotten before the delivery is durable");
	fake_journal_holds = false;
	tick();
	cr_expect(traffic_idle(traffic));
}

Test(traffic, request_id_in_progress_is_refused)
{
	accept_request(1, USER_A);
	struct traffic_event event = request_event(1, USER_A);
	step(&event);
	struct action reply = only(ACTION_REPLY, 1);
	cr_expect_eq(reply.reason, ANSWER_REQUEST_ID_REPEATED);
}

Test(traffic, request_id_that_was_finished_is_refused)
{
	struct action dispatch = accept_request(1000, USER_A);
	dispatched(&dispatch);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	delivered(&deliver, 204);
	cr_assert(traffic_idle(traffic));
	struct traffic_event event = request_event(1000, USER_A);
	step(&event);
	cr_expect_eq(only(ACTION_REPLY, 1).reason, ANSWER_REQUEST_ID_REPEATED);
	event = request_event(1, USER_A);
	step(&event);
	cr_expect_eq(only(ACTION_REPLY, 1).reason, ANSWER_REQUEST_ID_OLD);
	cr_expect_eq(counter_of(STATS_REQUEST_ID_OLD), 1);
	accept_request(1000, USER_B);
}

Test(traffic, request_that_found_no_room_may_come_again)
{
	struct action first = accept_request(1, USER_A);
	dispatched(&first);
	for (uint64_t i = 2; i <= default_limits.lane_items_max; i++) {
		struct traffic_event event = request_event(i, USER_A);
		step(&event);
	}
	for (int i = 0; i < 3; i++)
		tick();
	for (int i = 0; i < 2; i++) {
		struct traffic_event event = request_event(100, USER_A);
		step(&event);
		only(ACTION_REPLY_CAPACITY, 1);
	}
	respond(&first, "I0");
	struct action deliver = out.actions[1];
	delivered(&deliver, 204);
	struct traffic_event event = request_event(100, USER_A);
	step(&event);
	cr_expect_eq(out.count, 0, "its first tries did not use the id up");
}

Test(traffic, full_table_is_said_at_the_door)
{
	for (uint64_t i = 0; i < default_limits.pending_max; i++) {
		struct traffic_event event = request_event(i, USER_A + i / 4);
		step(&event);
	}
	struct traffic_event event = request_event(1000, USER_A + 1000);
	step(&event);
	only(ACTION_REPLY_CAPACITY, 1);
}

Test(traffic, provider_limit_holds_the_queue_back)
{
	for (uint64_t i = 1; i <= 2; i++)
		accept_request(i, USER_A);
	struct traffic_event event = request_event(3, USER_A);
	step(&event);
	tick();
	only(ACTION_REPLY, 1);
	tick();
	cr_expect_eq(out.count, 0, "a third POST although two are the limit");
	cr_expect_eq(traffic_view(traffic).south_queued, 1);
	cr_expect_eq(traffic_view(traffic).south_in_flight, 2);
}

Test(traffic, provider_that_does_not_take_it_is_tried_again_then_e20)
{
	struct action dispatch = accept_request(1, USER_A);
	for (unsigned attempt = 1; attempt <= 3; attempt++) {
		cr_assert_eq(dispatch.attempt, attempt);
		struct traffic_event event = ended_event(
			EVENT_DISPATCHED, &dispatch, attempt == 2 ? 500 : -ECONNREFUSED);
		step(&event);
		tick();
		cr_assert_eq(out.count, 0, "no wait before attempt %u", attempt + 1);
		now_ns += SECOND;
		tick();
		if (attempt < 3)
			dispatch = only(ACTION_DISPATCH, PROVIDER % 2);
	}
	struct action deliver = only(ACTION_DELIVER, 0);
	cr_expect_str_eq(deliver.code, "E20");
	cr_expect_null(deliver.message);
	cr_expect_eq(counter_of(STATS_DISPATCH_GIVEN_UP), 1);
	delivered(&deliver, 200);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, silent_device_becomes_e21_and_a_late_answer_meets_404)
{
	struct action dispatch = accept_request(1, USER_A);
	dispatched(&dispatch);
	now_ns += 29 * SECOND;
	tick();
	cr_assert_eq(out.count, 0);
	now_ns += 2 * SECOND;
	tick();
	struct action deliver = only(ACTION_DELIVER, 0);
	cr_expect_str_eq(deliver.code, "E21");
	struct traffic_event late = response_event(&dispatch.terms.request_id, "I0");
	step(&late);
	cr_expect_eq(only(ACTION_REPLY_PROVIDER, 0).status, 404);
	delivered(&deliver, 200);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, answer_may_overtake_the_end_of_the_post)
{
	struct action dispatch = accept_request(1, USER_A);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	cr_assert_eq(deliver.type, ACTION_DELIVER);
	delivered(&deliver, 204);
	/* The POST has not ended yet: its bytes are still on loan. */
	cr_expect(!traffic_idle(traffic));
	cr_expect_eq(messages_live, 2);
	struct traffic_event event = ended_event(EVENT_DISPATCHED, &dispatch, 204);
	step(&event);
	tick();
	cr_expect(traffic_idle(traffic));
	cr_expect_eq(traffic_view(traffic).south_in_flight, 0);
}

Test(traffic, end_of_the_post_between_delivery_and_its_record)
{
	struct action dispatch = accept_request(1, USER_A);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	fake_journal_holds = true;
	delivered(&deliver, 204);
	struct traffic_event event = ended_event(EVENT_DISPATCHED, &dispatch, 204);
	step(&event);
	cr_expect(!traffic_idle(traffic), "forgotten before the delivery is durable");
	fake_journal_holds = false;
	tick();
	cr_expect(traffic_idle(traffic));
	cr_expect_eq(traffic_view(traffic).lane_in_flight[MW_LANE_ON_DEMAND], 0);
}

Test(traffic, answer_while_waiting_for_the_next_attempt_stops_it)
{
	struct action dispatch = accept_request(1, USER_A);
	struct traffic_event event = ended_event(EVENT_DISPATCHED, &dispatch, -ETIMEDOUT);
	step(&event);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	now_ns += 10 * SECOND;
	tick();
	cr_expect_eq(out.count, 0, "sent again although it was answered");
	delivered(&deliver, 204);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, answer_while_the_next_intent_is_written_stops_it)
{
	struct action dispatch = accept_request(1, USER_A);
	struct traffic_event event = ended_event(EVENT_DISPATCHED, &dispatch, -ETIMEDOUT);
	step(&event);
	now_ns += SECOND;
	fake_journal_holds = true;
	tick();
	event = response_event(&dispatch.terms.request_id, "I0");
	step(&event);
	fake_journal_holds = false;
	tick();
	cr_assert_eq(out.count, 2);
	cr_expect_eq(out.actions[0].type, ACTION_REPLY_PROVIDER);
	cr_expect_eq(out.actions[1].type, ACTION_DELIVER);
	cr_expect_eq(traffic_view(traffic).south_in_flight, 0);
	struct action deliver = out.actions[1];
	delivered(&deliver, 204);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, answers_nobody_waits_for)
{
	struct action dispatch = accept_request(1, USER_A);
	dispatched(&dispatch);
	struct mw_request_id unknown = dispatch.terms.request_id;
	unknown.counter = 999;
	struct traffic_event event = response_event(&unknown, "I0");
	step(&event);
	cr_expect_eq(only(ACTION_REPLY_PROVIDER, 0).status, 404);
	event = response_event(&dispatch.terms.request_id, "I0");
	event.provider_id = OTHER_PROVIDER;
	step(&event);
	cr_expect_eq(only(ACTION_REPLY_PROVIDER, 0).status, 404, "another provider's answer");
	respond(&dispatch, "I0");
	event = response_event(&dispatch.terms.request_id, "I0");
	step(&event);
	cr_expect_eq(only(ACTION_REPLY_PROVIDER, 0).status, 404, "a second answer");
	cr_expect_eq(counter_of(STATS_RESPONSES_UNMATCHED), 3);
}

Test(traffic, failed_device_goes_to_the_user_with_its_code)
{
	struct action dispatch = accept_request(1, USER_A);
	dispatched(&dispatch);
	respond(&dispatch, "E20");
	struct action deliver = out.actions[1];
	cr_expect_str_eq(deliver.code, "E20");
	cr_expect_null(deliver.message);
}

Test(traffic, user_that_does_not_take_it_gets_it_later)
{
	struct action dispatch = accept_request(1, USER_A);
	dispatched(&dispatch);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	uint64_t waits_ns[4];
	for (int attempt = 0; attempt < 4; attempt++) {
		delivered(&deliver, attempt % 2 ? 500 : -ECONNREFUSED);
		cr_assert_eq(out.count, 0);
		uint64_t failed_ns = now_ns;
		do {
			now_ns += SECOND / 100;
			tick();
		} while (out.count == 0);
		waits_ns[attempt] = now_ns - failed_ns;
		deliver = only(ACTION_DELIVER, 0);
	}
	for (int attempt = 1; attempt < 4; attempt++)
		cr_expect_gt(waits_ns[attempt], waits_ns[attempt - 1]);
	delivered(&deliver, 204);
	cr_expect(traffic_idle(traffic));
	cr_expect_eq(counter_of(STATS_DELIVERY_FAILED), 4);
	cr_expect_eq(counter_of(STATS_DELIVERED_ON_DEMAND), 1);
}

/* Answer one request or read of `user` so that it waits in the lane; its delivery, if any came out
 * with it, is put into *deliver (type 0 when none). */
static struct action into_lane(struct traffic_event event)
{
	struct action nothing = {0};
	step(&event);
	tick();
	tick();
	struct action dispatch = out.actions[out.count - 1];
	cr_assert_eq(dispatch.type, ACTION_DISPATCH);
	struct traffic_event end = ended_event(EVENT_DISPATCHED, &dispatch, 204);
	step(&end);
	struct traffic_event answer = response_event(&dispatch.terms.request_id, "I0");
	step(&answer);
	tick();
	return out.count > 1 ? out.actions[1] : nothing;
}

Test(traffic, user_with_a_full_lane_is_refused_at_the_door_and_nobody_else)
{
	for (uint64_t i = 0; i < default_limits.lane_items_max; i++) {
		struct traffic_event event = request_event(i, USER_A);
		step(&event);
		cr_assert_eq(out.count, 0);
	}
	struct traffic_event event = request_event(100, USER_A);
	step(&event);
	only(ACTION_REPLY_CAPACITY, 1);
	event = request_event(101, USER_B);
	step(&event);
	cr_expect_eq(out.count, 0, "another user has room");
	/* Requests that are answered at once need no place in a lane. */
	event = request_event(102, USER_A);
	event.route = ACCESS_ROUTE_TRANSFORM;
	step(&event);
	cr_expect_eq(out.count, 0);
	tick();
}

Test(traffic, place_in_the_lane_is_free_again_after_delivery)
{
	for (uint64_t i = 0; i < 3 * default_limits.lane_items_max; i++) {
		struct action dispatch = accept_request(i, USER_A);
		dispatched(&dispatch);
		respond(&dispatch, "I0");
		struct action deliver = out.actions[1];
		delivered(&deliver, 204);
	}
	cr_expect(traffic_idle(traffic));
}

Test(traffic, users_that_have_gone_make_room_for_others)
{
	for (uint64_t user = 1; user <= 2 * USERS_MAX; user++) {
		struct action dispatch = accept_request(1, 0x1000 + user);
		dispatched(&dispatch);
		respond(&dispatch, "I0");
		struct action deliver = out.actions[1];
		delivered(&deliver, 204);
	}
	cr_expect(traffic_idle(traffic));
}

Test(traffic, attempt_in_doubt_keeps_its_number)
{
	struct action dispatch = accept_request(1, USER_A);
	for (unsigned attempt = 1; attempt <= 3; attempt++) {
		cr_assert_eq(
			dispatch.attempt, 1, "a new number although the first may have arrived");
		struct traffic_event event =
			ended_event(EVENT_DISPATCHED, &dispatch, attempt == 2 ? 503 : -ETIMEDOUT);
		step(&event);
		now_ns += 2 * SECOND;
		tick();
		if (attempt < 3)
			dispatch = only(ACTION_DISPATCH, PROVIDER % 2);
	}
	/* Not E20: the provider may have it, and its answer is still taken. */
	cr_assert_eq(out.count, 0);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	cr_expect_str_eq(deliver.code, "I0");
	delivered(&deliver, 204);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, attempt_in_doubt_without_answer_ends_in_e21)
{
	struct action dispatch = accept_request(1, USER_A);
	for (unsigned attempt = 1; attempt <= 3; attempt++) {
		struct traffic_event event = ended_event(EVENT_DISPATCHED, &dispatch, -ECONNRESET);
		step(&event);
		now_ns += 2 * SECOND;
		tick();
		if (attempt < 3)
			dispatch = only(ACTION_DISPATCH, PROVIDER % 2);
	}
	now_ns += 31 * SECOND;
	tick();
	cr_expect_str_eq(only(ACTION_DELIVER, 0).code, "E21");
	cr_expect_eq(counter_of(STATS_DEVICE_SILENT), 1);
	cr_expect_eq(counter_of(STATS_DISPATCH_GIVEN_UP), 0);
}

Test(traffic, shortage_here_is_not_the_provider_s_failure)
{
	struct action dispatch = accept_request(1, USER_A);
	for (unsigned i = 0; i < 20; i++) {
		struct traffic_event event = ended_event(EVENT_DISPATCHED, &dispatch, -ENOBUFS);
		step(&event);
		now_ns += 10 * SECOND;
		tick();
		dispatch = only(ACTION_DISPATCH, PROVIDER % 2);
		cr_assert_eq(dispatch.attempt, 1);
	}
	dispatched(&dispatch);
}

Test(traffic, nothing_is_answered_before_it_was_sent)
{
	struct traffic_event event = request_event(1, USER_A);
	step(&event);
	tick();
	event = response_event(&event.terms.request_id, "I0");
	step(&event);
	cr_expect_eq(only(ACTION_REPLY_PROVIDER, 0).status, 404);
}

Test(traffic, on_demand_goes_to_the_provider_first)
{
	struct traffic_limits limits = default_limits;
	limits.provider_in_flight_max = 1;
	traffic_destroy(traffic);
	start(&limits);
	struct traffic_event event = due_event(1, USER_A);
	step(&event);
	tick();
	tick();
	struct action dispatch = out.actions[out.count - 1];
	cr_assert_eq(dispatch.type, ACTION_DISPATCH);
	for (uint64_t i = 2; i <= 4; i++) {
		event = due_event(i, USER_A);
		step(&event);
	}
	event = request_event(5, USER_B);
	step(&event);
	tick();
	event = ended_event(EVENT_DISPATCHED, &dispatch, 204);
	step(&event);
	tick();
	cr_assert_geq(out.count, 1);
	dispatch = out.actions[out.count - 1];
	cr_assert_eq(dispatch.type, ACTION_DISPATCH);
	cr_expect_eq(dispatch.lane, MW_LANE_ON_DEMAND);
}

Test(traffic, provider_that_takes_nothing_leaves_the_table_to_others)
{
	struct traffic_limits limits = default_limits;
	limits.lane_items_max = 64;
	traffic_destroy(traffic);
	start(&limits);
	unsigned accepted = 0;
	for (uint64_t i = 0; i < limits.pending_max; i++) {
		struct traffic_event event = request_event(i, USER_A);
		step(&event);
		accepted += out.count == 0;
		tick();
		tick();
	}
	cr_expect_leq(accepted, limits.pending_max / 4 + 3);
	struct traffic_event event = request_event(1000, USER_A);
	event.provider_id = OTHER_PROVIDER;
	step(&event);
	cr_expect_eq(out.count, 0, "another provider's request is accepted");
}

Test(traffic, due_reads_leave_half_of_the_table)
{
	struct traffic_limits limits = default_limits;
	limits.lane_items_max = 64;
	traffic_destroy(traffic);
	start(&limits);
	unsigned refused = 0;
	for (uint64_t i = 0; i < limits.pending_max; i++) {
		struct traffic_event event = due_event(i, USER_A);
		event.provider_id = (uint8_t)(i % 8);
		step(&event);
		refused += out.count == 1 && out.actions[0].status == -EAGAIN;
	}
	cr_expect_eq(refused, limits.pending_max / 2);
}

Test(traffic, user_that_fails_gets_one_delivery_at_a_time)
{
	struct action first = into_lane(request_event(1, USER_A));
	struct action second = into_lane(request_event(2, USER_A));
	cr_assert_eq(second.type, ACTION_DELIVER);
	delivered(&first, -ETIMEDOUT);
	delivered(&second, -ETIMEDOUT);
	now_ns += 10 * SECOND;
	tick();
	struct action again = only(ACTION_DELIVER, out.destination[0]);
	delivered(&again, 204);
	again = only(ACTION_DELIVER, out.destination[0]);
	delivered(&again, 204);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, scheduled_read_is_taken_once_and_wrapped)
{
	struct traffic_event event = due_event(1, USER_A);
	step(&event);
	cr_assert_eq(out.count, 0);
	tick();
	struct action taken = only(ACTION_DUE_READ_TAKEN, TRAFFIC_TO_LINK);
	cr_expect_eq(taken.status, 0);
	cr_expect_eq(taken.schedule_id, 77);
	cr_expect_eq(taken.occurrence, 5);
	cr_expect_eq(taken.attempt, 1);
	tick();
	struct action dispatch = only(ACTION_DISPATCH, PROVIDER % 2);
	cr_expect_eq(dispatch.lane, MW_LANE_SCHEDULED);
	event = due_event(1, USER_A);
	step(&event);
	cr_expect_eq(only(ACTION_DUE_READ_TAKEN, TRAFFIC_TO_LINK).status, 0, "offered again");
	dispatched(&dispatch);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	cr_expect(deliver.scheduled);
	cr_expect_eq(deliver.schedule_id, 77);
	delivered(&deliver, 204);
	cr_expect_eq(counter_of(STATS_DELIVERED_SCHEDULED), 1);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, on_demand_leaves_before_scheduled)
{
	struct traffic_limits limits = default_limits;
	limits.delivery_in_flight_max = 1;
	traffic_destroy(traffic);
	start(&limits);
	struct action first = into_lane(due_event(1, USER_A));
	cr_assert_eq(first.type, ACTION_DELIVER);
	into_lane(due_event(2, USER_A));
	into_lane(due_event(3, USER_B));
	into_lane(request_event(4, USER_B));
	into_lane(request_event(5, USER_A));
	bool expected_scheduled[] = {false, false, true, true};
	struct action deliver = first;
	for (int i = 0; i < 4; i++) {
		delivered(&deliver, 204);
		deliver = only(ACTION_DELIVER, out.destination[0]);
		cr_expect_eq(deliver.scheduled, expected_scheduled[i], "delivery %d", i);
	}
}

Test(traffic, slow_user_costs_the_others_nothing)
{
	for (uint64_t i = 1; i <= 4; i++)
		into_lane(request_event(i, USER_A)); /* two in flight, two wait */
	struct action other = into_lane(request_event(10, USER_B));
	cr_assert_eq(other.type, ACTION_DELIVER);
	cr_expect_eq(other.user, USER_B);
}

Test(traffic, one_connection_is_kept_for_on_demand)
{
	cr_assert_eq(into_lane(due_event(1, USER_A)).type, ACTION_DELIVER);
	cr_assert_eq(into_lane(due_event(2, USER_A)).type, 0, "both connections for scheduled");
	cr_assert_eq(into_lane(request_event(3, USER_A)).type, ACTION_DELIVER);
}

static struct action accept_transform(uint64_t counter, enum access_route route)
{
	struct traffic_event event = request_event(counter, USER_A);
	event.route = (uint8_t)route;
	event.terms.command_variant = route == ACCESS_ROUTE_TRANSFORM ? 4 : 3;
	step(&event);
	tick();
	cr_assert_eq(out.count, 0, "no reply before the transform provider's");
	tick();
	struct action transform = only(ACTION_TRANSFORM, TRANSFORM % 2);
	cr_assert_eq(transform.provider_id, TRANSFORM);
	return transform;
}

static void transformed(const struct action *transform, int status, const char *code)
{
	struct traffic_event event = ended_event(EVENT_TRANSFORMED, transform, status);
	if (status == 200) {
		event.message = fake_message(MESSAGE_EDGE);
		event.has_body = true;
		snprintf(event.code, sizeof(event.code), "%s", code);
	}
	step(&event);
	cr_assert_eq(out.count, 0);
	tick();
}

/* A message that an action gave to an edge. */
static void edge_frees(const struct action *action)
{
	cr_assert_eq(action->message->owner, MESSAGE_EDGE);
	message_free(action->message);
}

Test(traffic, transform_is_answered_synchronously)
{
	struct action transform = accept_transform(1, ACCESS_ROUTE_TRANSFORM);
	transformed(&transform, 200, "I0");
	struct action reply = only(ACTION_REPLY_DOCUMENT, 1);
	cr_expect(reply.has_body);
	edge_frees(&reply);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, signed_pre_command_follows_its_transform)
{
	struct action transform = accept_transform(1, ACCESS_ROUTE_TRANSFORM);
	transformed(&transform, 200, "I0");
	struct action reply = only(ACTION_REPLY_DOCUMENT, 1);
	edge_frees(&reply);
	struct traffic_event event = request_event(1, USER_A);
	event.terms.command_variant = 5;
	step(&event);
	cr_assert_eq(out.count, 0);
	tick();
	cr_expect_eq(only(ACTION_REPLY, 1).reason, ANSWER_ACCEPTED);
	event = request_event(1, USER_A);
	event.terms.command_variant = 4;
	event.route = ACCESS_ROUTE_TRANSFORM;
	step(&event);
	cr_expect_eq(only(ACTION_REPLY, 1).reason, ANSWER_REQUEST_ID_REPEATED);
}

Test(traffic, transform_and_device_goes_on_after_success_only)
{
	struct action transform = accept_transform(1, ACCESS_ROUTE_TRANSFORM_AND_DEVICE);
	transformed(&transform, 200, "I0");
	struct action reply = only(ACTION_REPLY_DOCUMENT, 1);
	edge_frees(&reply);
	tick();
	struct action dispatch = only(ACTION_DISPATCH, PROVIDER % 2);
	cr_expect_eq(dispatch.attempt, 1);
	dispatched(&dispatch);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	delivered(&deliver, 204);
	transform = accept_transform(2, ACCESS_ROUTE_TRANSFORM_AND_DEVICE);
	transformed(&transform, 200, "E17");
	reply = only(ACTION_REPLY_DOCUMENT, 1);
	edge_frees(&reply);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, transform_failure_and_lateness_are_said)
{
	struct action transform = accept_transform(1, ACCESS_ROUTE_TRANSFORM);
	transformed(&transform, -EPROTO, "");
	cr_expect_eq(only(ACTION_REPLY, 1).reason, ANSWER_TRANSFORM_FAILED);
	cr_expect(traffic_idle(traffic));

	transform = accept_transform(2, ACCESS_ROUTE_TRANSFORM);
	now_ns += 6 * SECOND;
	tick();
	cr_expect_eq(only(ACTION_REPLY, 1).reason, ANSWER_TRANSFORM_FAILED);
	cr_expect(!traffic_idle(traffic), "the request is still on loan");
	transformed(&transform, 200, "I0");
	cr_expect_eq(out.count, 0, "answered twice");
	cr_expect(traffic_idle(traffic));
}

Test(traffic, transform_times_out_in_the_queue)
{
	accept_transform(1, ACCESS_ROUTE_TRANSFORM);
	accept_transform(2, ACCESS_ROUTE_TRANSFORM);
	struct traffic_event event = request_event(3, USER_A);
	event.route = ACCESS_ROUTE_TRANSFORM;
	step(&event);
	tick();
	cr_assert_eq(traffic_view(traffic).south_queued, 1);
	now_ns += 6 * SECOND;
	tick();
	cr_expect_eq(out.count, 3);
	cr_expect_eq(traffic_view(traffic).south_queued, 0);
}

static struct action accept_service(uint64_t counter)
{
	struct traffic_event event = request_event(counter, USER_A);
	event.route = ACCESS_ROUTE_CONTROL;
	event.roles = MW_ROLE_MDR;
	step(&event);
	tick();
	struct action service = only(ACTION_SERVICE, TRAFFIC_TO_LINK);
	cr_expect_eq(service.roles, MW_ROLE_MDR);
	cr_assert_eq(service.message->owner, MESSAGE_LINK);
	message_free(service.message);
	return service;
}

Test(traffic, control_answers)
{
	struct action service = accept_service(1);
	struct traffic_event event = {
		.type = EVENT_SERVICE_ANSWERED,
		.reference = service.reference,
		.message = fake_message(MESSAGE_LINK),
		.code = "I0",
	};
	step(&event);
	cr_assert_eq(out.count, 0);
	tick();
	struct action reply = only(ACTION_REPLY, 1);
	cr_expect_str_eq(reply.code, "I0");
	cr_expect_eq(reply.reason, ANSWER_ACCEPTED);
	edge_frees(&reply);
	cr_expect(traffic_idle(traffic));
}

Test(traffic, control_away_or_late)
{
	struct action service = accept_service(1);
	struct traffic_event event = {
		.type = EVENT_SERVICE_ANSWERED, .status = -EAGAIN, .reference = service.reference};
	step(&event);
	tick();
	cr_expect_eq(only(ACTION_REPLY, 1).reason, ANSWER_SERVICE_UNAVAILABLE);
	service = accept_service(2);
	now_ns += 6 * SECOND;
	tick();
	cr_expect_eq(only(ACTION_REPLY, 1).reason, ANSWER_SERVICE_UNAVAILABLE);
	event = (struct traffic_event){.type = EVENT_SERVICE_ANSWERED,
		.reference = service.reference,
		.message = fake_message(MESSAGE_LINK),
		.code = "I0"};
	step(&event);
	tick();
	cr_expect_eq(out.count, 0, "answered twice");
	cr_expect_eq(counter_of(STATS_STALE_EVENTS), 1);
	cr_expect(traffic_idle(traffic));
}
