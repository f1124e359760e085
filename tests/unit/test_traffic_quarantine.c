/* SPDX-License-Identifier: Apache-2.0 */
/* Requests beyond a threshold: held, reported, announced, released, deleted. */
#include "dataplane/anomaly.h"
#include "motorway/control_protocol.h"
#include "traffic_harness.h"

#define DSP 0x90b3d51f30000002ull
#define REFERENCE 5000

static void set_threshold(uint64_t user, const char *srv, uint32_t limit)
{
	struct anomaly_threshold threshold = {.user = user, .period_s = 60, .limit = limit};
	snprintf(threshold.srv, sizeof(threshold.srv), "%s", srv);
	struct traffic_event event = {.type = EVENT_THRESHOLDS};
	event.anomaly = anomaly_create(&threshold, 1, 5);
	step(&event);
	cr_assert_eq(out.count, 0);
}

static void connect_control(uint32_t session)
{
	struct traffic_event event = {.type = EVENT_CONTROL_CONNECTED, .session = session};
	step(&event);
}

/* USER_A may send one request in a minute, and control is there. */
static void setup_quarantine(void)
{
	setup();
	set_threshold(USER_A, "", 1);
	connect_control(1);
}

TestSuite(traffic_quarantine, .init = setup_quarantine, .fini = teardown);

/* One request that goes its way whole, so that the next one is too many. */
static void use_up(uint64_t counter, uint64_t user)
{
	struct action dispatch = accept_request(counter, user);
	dispatched(&dispatch);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	delivered(&deliver, 204);
}

/* A request that is held; returns the report about it. */
static struct action held(uint64_t counter, uint64_t user)
{
	struct traffic_event event = request_event(counter, user);
	step(&event);
	cr_assert_eq(out.count, 0, "nothing before the record is durable");
	tick();
	cr_assert_eq(out.count, 2);
	cr_assert_eq(out.actions[0].type, ACTION_REPLY);
	cr_assert_eq(out.actions[0].reason, ANSWER_ACCEPTED, "I99 all the same");
	cr_assert_eq(out.actions[1].type, ACTION_QUARANTINED);
	cr_assert_eq(out.destination[1], TRAFFIC_TO_LINK);
	struct action report = out.actions[1];
	tick();
	cr_assert_eq(out.count, 0, "neither dispatched nor reported again");
	return report;
}

static void announce(const struct action *report, uint64_t id)
{
	struct traffic_event event = {
		.type = EVENT_ALERT,
		.reference = report->reference,
		.message = fake_message(MESSAGE_LINK),
		.user = report->user,
		.terms = {.request_id = {DSP, report->user, id}},
		.code = "N53",
		.announces = true,
		.alert_length = 10,
	};
	step(&event);
}

/* The alert about it becomes durable and is taken by the user. */
static void announced(const struct action *report, uint64_t id)
{
	announce(report, id);
	tick();
	cr_assert_eq(out.count, 2);
	cr_assert_eq(out.actions[0].type, ACTION_ALERT_TAKEN);
	cr_assert_eq(out.actions[0].status, 0);
	struct action deliver = out.actions[1];
	cr_assert(deliver.alert);
	delivered(&deliver, 204);
}

static void decide(const struct action *report, uint64_t reference, uint8_t quarantine_action)
{
	struct traffic_event event = {
		.type = EVENT_QUARANTINE,
		.reference = report->reference,
		.event_reference = reference,
		.quarantine_action = quarantine_action,
	};
	step(&event);
}

static void expect_done(uint64_t reference, uint8_t quarantine_action, int status)
{
	cr_assert_geq(out.count, 1);
	cr_assert_eq(out.actions[0].type, ACTION_QUARANTINE_DONE);
	cr_assert_eq(out.destination[0], TRAFFIC_TO_LINK);
	cr_assert_eq(out.actions[0].event_reference, reference);
	cr_assert_eq(out.actions[0].quarantine_action, quarantine_action);
	cr_assert_eq(out.actions[0].status, status);
}

Test(traffic_quarantine, the_request_beyond_the_threshold_is_held)
{
	use_up(1, USER_A);
	struct action report = held(2, USER_A);
	cr_expect_eq(report.user, USER_A);
	cr_expect_eq(report.terms.request_id.counter, 2);
	cr_expect_str_eq(report.terms.srv, "4.8.1");
	cr_expect_eq(report.event_reference, 0);
	cr_expect_eq(report.period_s, 60);
	cr_expect_eq(report.limit, 1);
	cr_expect_eq(report.session, 1);
	cr_expect_eq(traffic_view(traffic).quarantined, 1);
	cr_expect_eq(counter_of(STATS_QUARANTINED), 1);
	cr_expect(traffic_idle(traffic), "a drain does not wait for operators");
	/* For days. */
	now_ns += 7 * 86400 * SECOND;
	tick();
	cr_expect_eq(out.count, 0);
	cr_expect_eq(traffic_view(traffic).pending, 1);
	accept_request(1, USER_B);
}

Test(traffic_quarantine, other_srvs_are_not_held)
{
	set_threshold(USER_A, "4.2", 0);
	accept_request(1, USER_A);
}

Test(traffic_quarantine, released_it_goes_its_way)
{
	use_up(1, USER_A);
	struct action report = held(2, USER_A);
	announced(&report, REFERENCE);
	fake_journal_holds = true;
	decide(&report, REFERENCE, MW_QUARANTINE_RELEASE);
	tick();
	tick();
	cr_assert_eq(out.count, 0, "before its release is durable");
	fake_journal_holds = false;
	tick();
	expect_done(REFERENCE, MW_QUARANTINE_RELEASE, 0);
	tick();
	struct action dispatch = only(ACTION_DISPATCH, PROVIDER % 2);
	cr_expect_eq(dispatch.terms.request_id.counter, 2);
	cr_expect_not_null(dispatch.message);
	dispatched(&dispatch);
	respond(&dispatch, "I0");
	struct action deliver = out.actions[1];
	delivered(&deliver, 204);
	cr_expect_eq(traffic_view(traffic).pending, 0);
	cr_expect_eq(traffic_view(traffic).quarantined, 0);
	cr_expect_eq(counter_of(STATS_QUARANTINE_RELEASED), 1);
}

Test(traffic_quarantine, deleted_it_ends_with_a_failure)
{
	use_up(1, USER_A);
	struct action report = held(2, USER_A);
	announced(&report, REFERENCE);
	decide(&report, REFERENCE, MW_QUARANTINE_DELETE);
	cr_assert_eq(out.count, 0);
	tick();
	expect_done(REFERENCE, MW_QUARANTINE_DELETE, 0);
	tick();
	struct action deliver = only(ACTION_DELIVER, 0);
	cr_expect_str_eq(deliver.code, "E100");
	cr_expect_null(deliver.message);
	cr_expect(!deliver.alert);
	delivered(&deliver, 204);
	cr_expect_eq(traffic_view(traffic).pending, 0);
	cr_expect_eq(counter_of(STATS_QUARANTINE_DELETED), 1);
	cr_expect_eq(counter_of(STATS_DISPATCHED), 1, "of the first request alone");
}

Test(traffic_quarantine, what_is_not_held_cannot_be_decided)
{
	use_up(1, USER_A);
	struct action report = held(2, USER_A);
	announced(&report, REFERENCE);
	decide(&report, REFERENCE + 1, MW_QUARANTINE_RELEASE);
	expect_done(REFERENCE + 1, MW_QUARANTINE_RELEASE, -ENOENT);
	decide(&report, REFERENCE, MW_QUARANTINE_DELETE);
	tick();
	tick();
	struct action deliver = only(ACTION_DELIVER, 0);
	decide(&report, REFERENCE, MW_QUARANTINE_RELEASE);
	expect_done(REFERENCE, MW_QUARANTINE_RELEASE, -ENOENT);
	delivered(&deliver, 204);
	decide(&report, REFERENCE, MW_QUARANTINE_RELEASE);
	expect_done(REFERENCE, MW_QUARANTINE_RELEASE, -ENOENT);
	cr_expect_eq(counter_of(STATS_QUARANTINE_RELEASED), 0);
}

Test(traffic_quarantine, decided_before_it_could_be_announced)
{
	use_up(1, USER_A);
	struct action report = held(2, USER_A);
	decide(&report, REFERENCE, MW_QUARANTINE_RELEASE);
	tick();
	expect_done(REFERENCE, MW_QUARANTINE_RELEASE, 0);
	announce(&report, REFERENCE);
	struct action taken = only(ACTION_ALERT_TAKEN, TRAFFIC_TO_LINK);
	cr_expect_eq(taken.status, -ENOENT);
	cr_expect_eq(counter_of(STATS_ALERTS), 0);
}

Test(traffic_quarantine, announced_once_only)
{
	use_up(1, USER_A);
	struct action report = held(2, USER_A);
	announced(&report, REFERENCE);
	announce(&report, REFERENCE + 1);
	cr_expect_eq(only(ACTION_ALERT_TAKEN, TRAFFIC_TO_LINK).status, -ENOENT);
	announce(&report, REFERENCE);
	cr_expect_eq(only(ACTION_ALERT_TAKEN, TRAFFIC_TO_LINK).status, 0, "taken before");
	tick();
	cr_expect_eq(out.count, 0);
}

Test(traffic_quarantine, control_that_comes_back_is_told_again)
{
	use_up(1, USER_A);
	struct action reports[3];
	for (uint64_t i = 0; i < 2; i++)
		reports[i] = held(2 + i, USER_A);
	announced(&reports[0], REFERENCE);
	connect_control(2);
	tick();
	cr_assert_eq(out.count, 2);
	cr_expect_eq(out.actions[0].terms.request_id.counter, 2);
	cr_expect_eq(out.actions[0].event_reference, REFERENCE, "announced already");
	cr_expect_eq(out.actions[0].session, 2);
	cr_expect_eq(out.actions[1].terms.request_id.counter, 3);
	cr_expect_eq(out.actions[1].event_reference, 0);
	/* One that is decided while its report is due is not reported. */
	struct action report = out.actions[0];
	connect_control(3);
	decide(&report, REFERENCE, MW_QUARANTINE_RELEASE);
	out.count = 0;
	tick();
	unsigned told = 0;
	for (uint32_t i = 0; i < out.count; i++)
		if (out.actions[i].type == ACTION_QUARANTINED) {
			cr_expect_eq(out.actions[i].terms.request_id.counter, 3);
			told++;
		}
	cr_expect_eq(told, 1);
}

Test(traffic_quarantine, without_control_it_is_held_and_reported_later)
{
	teardown();
	setup();
	set_threshold(USER_A, "", 0);
	struct traffic_event event = request_event(1, USER_A);
	step(&event);
	tick();
	only(ACTION_REPLY, 1);
	tick();
	cr_assert_eq(out.count, 0);
	connect_control(1);
	tick();
	cr_expect_eq(only(ACTION_QUARANTINED, TRAFFIC_TO_LINK).terms.request_id.counter, 1);
}

Test(traffic_quarantine, reports_wait_for_the_link)
{
	struct traffic_limits limits = default_limits;
	limits.pending_max = 512;
	limits.quarantine_max = 256;
	limits.lane_items_max = 256;
	teardown();
	start(&limits);
	connect_control(4);
	for (uint64_t user = 0; user < 2; user++) {
		set_threshold(USER_A + user, "", 0);
		for (uint64_t i = 1; i <= 50; i++) {
			struct traffic_event event = request_event(i, USER_A + user);
			step(&event);
		}
		tick();
	}
	unsigned reports = 0;
	for (int turn = 0; turn < 20; turn++) {
		tick();
		for (uint32_t i = 0; i < out.count; i++)
			reports += out.actions[i].type == ACTION_QUARANTINED;
	}
	cr_assert_leq(reports, QUARANTINE_REPORTS_MAX);
	struct traffic_event event = {
		.type = EVENT_QUARANTINE_REPORTED, .session = 3, .reports = 10};
	step(&event);
	tick();
	cr_assert_eq(out.count, 0, "another session's");
	event.session = 4;
	step(&event);
	tick();
	cr_assert_eq(out.count, 10);
}

Test(traffic_quarantine, room_is_bounded_for_a_user_and_for_all)
{
	set_threshold(USER_A, "", 0);
	for (uint64_t i = 1; i <= default_limits.lane_items_max / 2; i++)
		held(i, USER_A);
	struct traffic_event event = request_event(100, USER_A);
	step(&event);
	only(ACTION_REPLY_CAPACITY, 1);
	cr_expect_eq(counter_of(STATS_QUARANTINE_FULL), 1);
	/* It was not used up: when there is room it may come again. */
	uint64_t count = traffic_view(traffic).quarantined;
	for (uint64_t user = 1; count < default_limits.quarantine_max; user++) {
		set_threshold(USER_A + user, "", 0);
		held(1, USER_A + user);
		count++;
	}
	set_threshold(USER_A + 50, "", 0);
	event = request_event(1, USER_A + 50);
	step(&event);
	only(ACTION_REPLY_CAPACITY, 1);
	cr_expect_eq(traffic_view(traffic).quarantined, default_limits.quarantine_max);
	accept_request(1, USER_B + 1000);
}

Test(traffic_quarantine, what_is_waited_for_is_refused)
{
	set_threshold(USER_A, "", 0);
	for (uint8_t route = ACCESS_ROUTE_TRANSFORM; route <= ACCESS_ROUTE_CONTROL; route++) {
		struct traffic_event event = request_event(route, USER_A);
		event.route = route;
		step(&event);
		struct action reply = only(ACTION_REPLY, 1);
		cr_expect_eq(reply.reason, ANSWER_THRESHOLD_EXCEEDED);
	}
	/* A refusal uses no RequestID up and counts for nothing. */
	set_threshold(USER_A, "", 1);
	accept_request(ACCESS_ROUTE_CONTROL, USER_A);
}

Test(traffic_quarantine, held_requests_count_and_refused_ones_do_not)
{
	struct traffic_limits limits = default_limits;
	limits.lane_items_max = 16;
	teardown();
	start(&limits);
	connect_control(1);
	set_threshold(USER_A, "", 1);
	use_up(1, USER_A);
	held(2, USER_A);
	now_ns += 62 * SECOND;
	use_up(3, USER_A);
	/* A repeated id is refused as ever, and counts for nothing. */
	now_ns += 62 * SECOND;
	struct traffic_event event = request_event(2, USER_A);
	step(&event);
	cr_expect_eq(only(ACTION_REPLY, 1).reason, ANSWER_REQUEST_ID_REPEATED);
	use_up(4, USER_A);
	/* Who does not slow down stays held: what is held counts too. */
	now_ns += 30 * SECOND;
	held(5, USER_A);
	now_ns += 35 * SECOND;
	struct traffic_event next = request_event(6, USER_A);
	step(&next);
	tick();
	cr_expect_eq(traffic_view(traffic).quarantined, 3);
}

Test(traffic_quarantine, scheduled_reads_are_not_judged)
{
	set_threshold(USER_A, "", 0);
	struct traffic_event event = due_event(1, USER_A);
	step(&event);
	tick();
	cr_expect_eq(only(ACTION_DUE_READ_TAKEN, TRAFFIC_TO_LINK).status, 0);
}
