/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows and caps on the whole way of a request: a clock of the test's own, providers that take
 * down when what arrives, devices that answer later.
 */
#include <stdlib.h>

#include "dataplane/windows.h"
#include "traffic_harness.h"

#define MS 1000000ull
#define SENT_MAX 40000

/* What a provider has seen. */
static struct sent {
	uint64_t at_ns;
	uint64_t user;
	uint64_t counter;
	uint32_t attempt;
	uint8_t provider_id;
} sent[SENT_MAX];
static unsigned sent_count;
static unsigned failures; /* answers with a failure that users got */
static unsigned answers;

/* How the world behaves. */
static uint64_t post_ns;	/* from a POST to the provider's answer */
static const char *device_code; /* what devices answer at once; NULL: nothing */
static uint64_t expire_every;	/* each such permission comes too late; 0: none */

/* The wall clock is that far from the monotonic one. */
static int64_t wall_ms;

static struct {
	struct action action;
	uint64_t due_ns;
} posts[256];
static unsigned post_count;

static void setup_windows(void)
{
	sent_count = post_count = failures = answers = 0;
	post_ns = MS;
	device_code = "I0";
	expire_every = 0;
	wall_ms = 0;
	struct traffic_limits limits = default_limits;
	limits.pending_max = 16384;
	limits.lane_items_max = 8192;
	limits.provider_in_flight_max = limits.user_in_flight_max = 64;
	limits.delivery_in_flight_max = 256;
	limits.window_attempts_max = 3;
	limits.window_retry_ns = 10 * SECOND;
	limits.start_ns = SECOND;
	start(&limits);
}

TestSuite(traffic_window, .init = setup_windows, .fini = teardown, .timeout = 60);

static struct mw_window_record stretch(
	uint8_t gate, uint8_t kind, int64_t from_s, int64_t to_s, uint32_t cap_tps)
{
	return (struct mw_window_record){.gate = gate,
		.series = gate,
		.kind = kind,
		.from_s = from_s,
		.to_s = to_s,
		.number = (uint32_t)from_s + 1,
		.cap_tps = cap_tps};
}

static void take_table(const struct mw_window_record *records, size_t count)
{
	size_t bad = 0;
	struct traffic_event event = {
		.type = EVENT_WINDOWS, .windows = windows_create(records, count, &bad)};
	cr_assert_not_null(event.windows, "record %zu", bad);
	step(&event);
}

/* A read of `kind` that waits for the windows of `provider_id`. */
static struct traffic_event read_event(
	uint64_t counter, uint64_t user, uint8_t provider_id, enum release_kind kind)
{
	struct traffic_event event = due_event(counter, user);
	event.provider_id = provider_id;
	event.window_kind = (uint8_t)kind;
	event.deadline_ns = now_ns + 86400 * SECOND;
	return event;
}

static void offer(uint64_t counter, uint64_t user, uint8_t provider_id, enum release_kind kind)
{
	struct traffic_event event = read_event(counter, user, provider_id, kind);
	step(&event);
}

static void run_dispatch(const struct action *action)
{
	static unsigned permissions;
	if (expire_every > 0 && ++permissions % expire_every == 0) {
		struct traffic_event late = ended_event(EVENT_DISPATCHED, action, -ETIME);
		struct traffic_actions kept = out;
		step(&late);
		out = kept;
		return;
	}
	cr_assert_lt(sent_count, SENT_MAX);
	sent[sent_count++] = (struct sent){now_ns, action->terms.request_id.originator,
		action->terms.request_id.counter, action->attempt, action->provider_id};
	cr_assert_lt(post_count, 256);
	posts[post_count].action = *action;
	posts[post_count++].due_ns = now_ns + post_ns;
}

static void run_action(const struct action *action)
{
	if (action->type == ACTION_DISPATCH) {
		run_dispatch(action);
	} else if (action->type == ACTION_DELIVER) {
		failures += action->code[0] == 'E';
		answers += action->code[0] == 'I';
		struct traffic_actions kept = out;
		struct traffic_event taken = ended_event(EVENT_DELIVERED, action, 204);
		step(&taken);
		cr_assert_eq(out.count, 0);
		out = kept;
	}
}

static void run_actions(void)
{
	const struct traffic_actions actions = out;
	for (unsigned number = 0; number < actions.count; number++)
		run_action(&actions.actions[number]);
}

/* POSTs that the provider has answered by now, and devices behind them. */
static void run_posts(void)
{
	for (unsigned number = 0; number < post_count;) {
		if (posts[number].due_ns > now_ns) {
			number++;
			continue;
		}
		struct action action = posts[number].action;
		posts[number] = posts[--post_count];
		struct traffic_event ended = ended_event(EVENT_DISPATCHED, &action, 202);
		step(&ended);
		run_actions();
		if (device_code) {
			struct traffic_event event =
				response_event(&action.terms.request_id, device_code);
			event.provider_id = action.provider_id;
			step(&event);
			run_actions();
		}
	}
}

static void run_for(uint64_t duration_ns)
{
	uint64_t end_ns = now_ns + duration_ns;
	while (now_ns < end_ns) {
		traffic_set_wall(traffic, now_ns, wall_ms + (int64_t)(now_ns / MS));
		run_posts();
		tick();
		run_actions();
		now_ns += MS / 2;
	}
}

static unsigned sent_between(uint64_t from_ns, uint64_t to_ns)
{
	unsigned count = 0;
	for (unsigned number = 0; number < sent_count; number++)
		count += sent[number].at_ns >= from_ns && sent[number].at_ns < to_ns;
	return count;
}

static unsigned most_in_a_second(uint8_t provider_id)
{
	unsigned most = 0;
	for (unsigned first = 0; first < sent_count; first++) {
		unsigned count = 0;
		if (provider_id != 0 && sent[first].provider_id != provider_id)
			continue;
		for (unsigned other = first;
			other < sent_count && sent[other].at_ns < sent[first].at_ns + SECOND;
			other++)
			count += provider_id == 0 || sent[other].provider_id == provider_id;
		if (count > most)
			most = count;
	}
	return most;
}

Test(traffic_window, nothing_goes_before_the_window_and_nothing_behind_it)
{
	const struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_PEAK, 10, 14, 100);
	take_table(&record, 1);
	for (uint64_t counter = 1; counter <= 1000; counter++)
		offer(counter, USER_A, PROVIDER, RELEASE_PEAK);
	run_for(20 * SECOND);
	cr_assert_eq(sent_between(0, 10 * SECOND), 0);
	cr_assert_eq(sent_between(14 * SECOND, 100 * SECOND), 0);
	cr_assert_leq(most_in_a_second(0), 100);
	cr_assert_geq(sent_count, 398);
	cr_assert_eq(traffic_view(traffic).window_waiting, 1000 - sent_count);
}

Test(traffic_window, on_demand_does_not_wait_nor_count)
{
	const struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_PEAK, 100, 200, 5);
	take_table(&record, 1);
	run_for(SECOND / 10);
	struct traffic_event event = request_event(1, USER_A);
	step(&event);
	run_for(SECOND / 10);
	cr_assert_eq(sent_count, 1);
	cr_assert_eq(answers, 1);
}

Test(traffic_window, on_demand_counts_when_the_window_says_so)
{
	struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_PEAK, 0, 20, 50);
	record.on_demand_counts = 1;
	take_table(&record, 1);
	run_for(2 * SECOND);
	for (uint64_t counter = 1; counter <= 400; counter++) {
		struct traffic_event event = request_event(counter, USER_A);
		if (counter > 100)
			event = (message_free(event.message),
				read_event(counter, USER_A, PROVIDER, RELEASE_PEAK));
		step(&event);
	}
	run_for(4 * SECOND);
	cr_assert_leq(most_in_a_second(0), 50);
	cr_assert_geq(sent_count, 190);
	/* On demand first. */
	for (unsigned number = 0; number < 100; number++)
		cr_assert_leq(sent[number].counter, 100);
	/* At the end of the window what is left of them goes at once. */
	for (uint64_t counter = 1001; counter <= 1050; counter++) {
		struct traffic_event event = request_event(counter, USER_B);
		step(&event);
	}
	now_ns = 25 * SECOND;
	run_for(SECOND);
	unsigned late = 0;
	for (unsigned number = 0; number < sent_count; number++)
		late += sent[number].counter > 1000;
	cr_assert_eq(late, 50);
}

Test(traffic_window, the_cap_is_used_and_kept)
{
	const struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_OFF_PEAK, 0, 90, 614);
	take_table(&record, 1);
	uint64_t counter = 1;
	for (unsigned second = 0; second < 30; second++) {
		for (unsigned number = 0; number < 700; number++, counter++)
			offer(counter, number % 2 ? USER_A : USER_B, PROVIDER, RELEASE_OFF_PEAK);
		run_for(SECOND);
	}
	cr_assert_leq(most_in_a_second(0), 614);
	cr_assert_eq(sent_between(0, 2 * SECOND), 0, "the first second is silent");
	cr_assert_geq(sent_between(5 * SECOND, 25 * SECOND), 20 * 614 * 995 / 1000);
	cr_assert_eq(failures, 0);
}

Test(traffic_window, providers_share_the_total_and_a_gate_in_series)
{
	struct mw_window_record records[] = {
		stretch(3, MW_WINDOW_OFF_PEAK, 0, 90, 200),
		stretch(4, MW_WINDOW_OFF_PEAK, 0, 90, 200),
		stretch(5, MW_WINDOW_OFF_PEAK, 0, 90, 200),
		stretch(MW_GATE_SERIES, MW_WINDOW_OFF_PEAK, 0, 90, 60),
		stretch(MW_GATE_TOTAL_OFF_PEAK, MW_WINDOW_OFF_PEAK, 0, 90, 300),
	};
	records[2].series = MW_GATE_SERIES;
	take_table(records, 5);
	for (uint64_t counter = 1; counter <= 6000; counter++)
		offer(counter, USER_A, (uint8_t)(3 + counter % 3), RELEASE_OFF_PEAK);
	run_for(12 * SECOND);
	cr_assert_leq(most_in_a_second(0), 300);
	cr_assert_leq(most_in_a_second(5), 60);
	cr_assert_geq(sent_between(4 * SECOND, 12 * SECOND), 8 * 300 * 99 / 100);
	unsigned of_provider[6] = {0};
	for (unsigned number = 0; number < sent_count; number++)
		of_provider[sent[number].provider_id]++;
	cr_assert_geq(of_provider[3], 900);
	cr_assert_geq(of_provider[4], 900);
	cr_assert_geq(of_provider[5], 500);
}

Test(traffic_window, a_closed_gate_in_series_closes_the_way)
{
	struct mw_window_record records[] = {
		stretch(5, MW_WINDOW_PEAK, 0, 90, 200),
		stretch(MW_GATE_SERIES, MW_WINDOW_PEAK, 5, 7, 60),
	};
	records[0].series = MW_GATE_SERIES;
	take_table(records, 2);
	for (uint64_t counter = 1; counter <= 600; counter++)
		offer(counter, USER_A, 5, RELEASE_PEAK);
	run_for(12 * SECOND);
	cr_assert_eq(sent_between(0, 5 * SECOND) + sent_between(7 * SECOND, 20 * SECOND), 0);
	cr_assert_geq(sent_count, 118);
}

Test(traffic_window, only_retries_go_in_the_gap)
{
	struct mw_window_record records[] = {
		stretch(PROVIDER, MW_WINDOW_PEAK, 2, 12, 20),
		stretch(PROVIDER, MW_WINDOW_PEAK, 12, 60, 20),
	};
	records[1].number = records[0].number;
	records[1].gap = 1;
	take_table(records, 2);
	device_code = "E21";
	for (uint64_t counter = 1; counter <= 500; counter++)
		offer(counter, USER_A, PROVIDER, RELEASE_PEAK);
	run_for(59 * SECOND);
	for (unsigned number = 0; number < sent_count; number++) {
		bool in_gap = sent[number].at_ns >= 12 * SECOND;
		cr_assert(!in_gap || sent[number].attempt > 1);
		cr_assert_leq(sent[number].attempt, 3);
	}
	cr_assert_leq(most_in_a_second(0), 20);
	unsigned first_attempts = sent_between(0, 12 * SECOND);
	cr_assert_geq(first_attempts, 190);
	/* Each had its three attempts and then the user heard of it. */
	cr_assert_geq(failures, 150);
	cr_assert_eq(answers, 0);
}

Test(traffic_window, a_silent_device_is_asked_again)
{
	const struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_PEAK, 0, 1000, 20);
	take_table(&record, 1);
	device_code = NULL;
	offer(1, USER_A, PROVIDER, RELEASE_PEAK);
	run_for(45 * SECOND);
	cr_assert_eq(sent_count, 2);
	device_code = "I0";
	run_for(40 * SECOND);
	cr_assert_eq(sent_count, 3);
	cr_assert_eq(sent[2].attempt, 3);
	cr_assert_eq(sent[2].counter, 1);
	cr_assert_eq(answers, 1);
	cr_assert_eq(traffic_view(traffic).pending, 0);
}

Test(traffic_window, what_a_window_did_not_finish_goes_first_in_the_next)
{
	const struct mw_window_record records[] = {
		stretch(PROVIDER, MW_WINDOW_PEAK, 2, 4, 50),
		stretch(PROVIDER, MW_WINDOW_PEAK, 20, 40, 50),
	};
	take_table(records, 2);
	for (uint64_t counter = 1; counter <= 300; counter++)
		offer(counter, USER_A, PROVIDER, RELEASE_PEAK);
	run_for(18 * SECOND);
	unsigned before = sent_count;
	run_for(2 * SECOND);
	for (uint64_t counter = 1001; counter <= 1100; counter++)
		offer(counter, USER_B, PROVIDER, RELEASE_PEAK);
	run_for(15 * SECOND);
	cr_assert_eq(sent_count, 400);
	for (unsigned number = before; number < 300; number++)
		cr_assert_leq(sent[number].counter, 300);
}

Test(traffic_window, a_user_with_thousands_does_not_hold_back_one_with_ten)
{
	const struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_PEAK, 3, 1000, 100);
	take_table(&record, 1);
	for (uint64_t counter = 1; counter <= 3000; counter++)
		offer(counter, USER_A, PROVIDER, RELEASE_PEAK);
	for (uint64_t counter = 5001; counter <= 5010; counter++)
		offer(counter, USER_B, PROVIDER, RELEASE_PEAK);
	run_for(4 * SECOND);
	unsigned of_b = 0;
	for (unsigned number = 0; number < sent_count && number < 60; number++)
		of_b += sent[number].counter > 5000;
	cr_assert_eq(of_b, 10);
}

Test(traffic_window, permissions_that_come_too_late_cost_nothing_but_their_time)
{
	const struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_PEAK, 0, 1000, 100);
	take_table(&record, 1);
	expire_every = 3;
	for (uint64_t counter = 1; counter <= 1000; counter++)
		offer(counter, USER_A, PROVIDER, RELEASE_PEAK);
	run_for(13 * SECOND);
	cr_assert_eq(sent_count, 1000);
	cr_assert_leq(most_in_a_second(0), 100);
	for (unsigned number = 0; number < sent_count; number++)
		cr_assert_eq(sent[number].attempt, 1);
	cr_assert_geq(counter_of(STATS_PERMISSIONS_EXPIRED), 400);
	cr_assert_eq(answers, 1000);
}

Test(traffic_window, another_table_is_in_force_at_once)
{
	struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_PEAK, 0, 1000, 100);
	take_table(&record, 1);
	for (uint64_t counter = 1; counter <= 3000; counter++)
		offer(counter, USER_A, PROVIDER, RELEASE_PEAK);
	run_for(5 * SECOND);
	record.cap_tps = 10;
	take_table(&record, 1);
	uint64_t changed_ns = now_ns;
	run_for(4 * SECOND);
	cr_assert_leq(sent_between(changed_ns, changed_ns + SECOND), 10);
	cr_assert_leq(sent_between(changed_ns, now_ns), 40);
	cr_assert_geq(sent_between(changed_ns, now_ns), 29);
	/* Without windows what waits goes the way of everything else. */
	record.gate = record.series = OTHER_PROVIDER;
	take_table(&record, 1);
	run_for(20 * SECOND);
	cr_assert_eq(sent_count, 3000);
	cr_assert_eq(answers, 3000);
}

Test(traffic_window, a_clock_that_steps_opens_and_closes_windows)
{
	const struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_PEAK, 3600, 3610, 100);
	take_table(&record, 1);
	for (uint64_t counter = 1; counter <= 2000; counter++)
		offer(counter, USER_A, PROVIDER, RELEASE_PEAK);
	run_for(3 * SECOND);
	cr_assert_eq(sent_count, 0);
	wall_ms += 3600 * 1000;
	run_for(2 * SECOND);
	cr_assert_gt(sent_count, 100);
	unsigned before = sent_count;
	wall_ms -= 3600 * 1000;
	run_for(2 * SECOND);
	cr_assert_leq(sent_count, before);
	cr_assert_leq(most_in_a_second(0), 100);
}

Test(traffic_window, a_planned_release_is_not_before_its_time)
{
	const struct mw_window_record record = stretch(PROVIDER, MW_WINDOW_PEAK, 0, 1000, 100);
	take_table(&record, 1);
	struct traffic_event event = read_event(1, USER_A, PROVIDER, RELEASE_PEAK);
	event.release_ns = 7 * SECOND;
	step(&event);
	run_for(5 * SECOND);
	cr_assert_eq(sent_count, 0);
	run_for(2 * SECOND);
	cr_assert_eq(sent_count, 1);
	cr_assert_geq(sent[0].at_ns, 7 * SECOND);
}
