/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate, against a provider that takes down when each request arrives. The judge counts arrivals
 * in every second that begins with one: nothing of the gate's own arithmetic is in it.
 */
#include "dataplane/gate.h"

#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define MS 1000000ull
#define SECOND 1000000000ull
#define SENDS_MAX 200000

static struct gate gate;

static void set_up(void)
{
	cr_assert(eq(int, gate_create(&gate, 0), 0));
}

static void tear_down(void)
{
	gate_destroy(&gate);
}

TestSuite(gate, .init = set_up, .fini = tear_down);

Test(gate, is_closed_without_a_cap)
{
	cr_assert(not(gate_is_open(&gate, 10 * SECOND)));
	gate_set_cap(&gate, 1);
	cr_assert(gate_is_open(&gate, 10 * SECOND));
	gate_set_cap(&gate, 0);
	cr_assert(not(gate_is_open(&gate, 10 * SECOND)));
}

Test(gate, is_silent_for_a_second_after_its_making)
{
	gate_set_cap(&gate, 5);
	cr_assert(not(gate_is_open(&gate, SECOND)));
	cr_assert(eq(u64, gate_opens_ns(&gate), GATE_SECOND_NS));
	cr_assert(gate_is_open(&gate, gate_opens_ns(&gate)));
}

Test(gate, gives_a_permission_back)
{
	gate_set_cap(&gate, 1);
	gate_pass(&gate, 2 * SECOND);
	cr_assert(not(gate_is_open(&gate, 2 * SECOND)));
	cr_assert(eq(u64, gate_opens_ns(&gate), UINT64_MAX));
	gate_give_back(&gate);
	cr_assert(gate_is_open(&gate, 3 * SECOND));
}

Test(gate, counts_what_was_answered_for_one_more_second)
{
	gate_set_cap(&gate, 1);
	gate_pass(&gate, 2 * SECOND);
	gate_answered(&gate, 2 * SECOND, 3 * SECOND);
	cr_assert(not(gate_is_open(&gate, 4 * SECOND)));
	cr_assert(eq(u64, gate_opens_ns(&gate), 3 * SECOND + GATE_SECOND_NS));
	cr_assert(gate_is_open(&gate, gate_opens_ns(&gate)));
}

Test(gate, follows_a_smaller_cap_at_once)
{
	gate_set_cap(&gate, 10);
	for (int number = 0; number < 10; number++) {
		gate_pass(&gate, 2 * SECOND);
		gate_answered(&gate, 2 * SECOND, 2 * SECOND);
	}
	gate_set_cap(&gate, 3);
	cr_assert(not(gate_is_open(&gate, 2 * SECOND + 999 * MS)));
	cr_assert(eq(u64, gate_opens_ns(&gate), 2 * SECOND + GATE_SECOND_NS));
	gate_set_cap(&gate, 11);
	cr_assert(gate_is_open(&gate, 2 * SECOND + 999 * MS));
}

/* A provider: requests travel `way_ns`, are taken when it is not stalled, and the answers travel
 * back as long. */
struct provider {
	uint64_t way_ns, jitter_ns;
	uint64_t stall_from_ns, stall_to_ns;
	size_t connections; /* in flight at most */
};

struct run {
	uint64_t passed_ns[SENDS_MAX], arrived_ns[SENDS_MAX], answered_ns[SENDS_MAX];
	size_t sent, answered;
};

static struct run run;

static uint64_t by_chance(uint64_t below)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below == 0 ? 0 : state % below;
}

static void send(const struct provider *provider, uint64_t now_ns)
{
	uint64_t arrives_ns = now_ns + provider->way_ns + by_chance(provider->jitter_ns);

	if (arrives_ns >= provider->stall_from_ns && arrives_ns < provider->stall_to_ns)
		arrives_ns = provider->stall_to_ns;
	run.passed_ns[run.sent] = now_ns;
	run.arrived_ns[run.sent] = arrives_ns;
	run.answered_ns[run.sent] = arrives_ns + provider->way_ns;
	run.sent++;
	gate_pass(&gate, now_ns);
}

/* Tell the gate of the answers that are there; those of one connection each, so in any order. */
static void answer(uint64_t now_ns)
{
	static bool told[SENDS_MAX];

	if (run.answered == 0 && run.sent <= 1)
		for (size_t number = 0; number < SENDS_MAX; number++)
			told[number] = false;
	for (size_t number = run.sent > 1024 ? run.sent - 1024 : 0; number < run.sent; number++) {
		if (told[number] || run.answered_ns[number] > now_ns)
			continue;
		told[number] = true;
		run.answered++;
		gate_answered(&gate, run.passed_ns[number], now_ns);
	}
}

static void drive(const struct provider *provider, uint64_t from_ns, uint64_t to_ns)
{
	for (uint64_t now_ns = from_ns; now_ns < to_ns; now_ns += MS / 4) {
		answer(now_ns);
		while (gate_is_open(&gate, now_ns) && run.sent < SENDS_MAX &&
			run.sent - run.answered < provider->connections)
			send(provider, now_ns);
	}
}

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return a < b ? -1 : a > b;
}

/* The most arrivals in any one second. */
static size_t most_in_a_second(void)
{
	static uint64_t arrived_ns[SENDS_MAX];
	size_t most = 0;

	for (size_t number = 0; number < run.sent; number++)
		arrived_ns[number] = run.arrived_ns[number];
	qsort(arrived_ns, run.sent, sizeof(*arrived_ns), compare);
	for (size_t first = 0, behind = 0; first < run.sent; first++) {
		while (behind < run.sent && arrived_ns[behind] < arrived_ns[first] + SECOND)
			behind++;
		if (behind - first > most)
			most = behind - first;
	}
	return most;
}

Test(gate, keeps_the_cap_and_uses_it)
{
	static const struct provider providers[] = {
		{.way_ns = MS / 10, .connections = 64},
		{.way_ns = 2 * MS, .jitter_ns = MS, .connections = 64},
		{.way_ns = 11 * MS, .jitter_ns = 2 * MS, .connections = 256},
	};

	for (size_t number = 0; number < 3; number++) {
		run.sent = run.answered = 0;
		gate_destroy(&gate);
		cr_assert(eq(int, gate_create(&gate, 0), 0));
		gate_set_cap(&gate, 614);
		drive(&providers[number], 0, 40 * SECOND);
		cr_assert(le(sz, most_in_a_second(), 614));
		size_t after_ten = 0;
		for (size_t sent = 0; sent < run.sent; sent++)
			after_ten += run.passed_ns[sent] >= 10 * SECOND;
		cr_assert(ge(sz, after_ten, 30 * 614 * 995 / 1000), "provider %zu: %zu", number,
			after_ten);
	}
}

Test(gate, keeps_the_cap_when_a_stalled_connection_lets_go)
{
	static const uint64_t stalls_ms[] = {3, 40, 300, 999, 1000, 1500, 7000};

	for (size_t number = 0; number < sizeof(stalls_ms) / sizeof(*stalls_ms); number++) {
		struct provider provider = {.way_ns = MS,
			.jitter_ns = MS,
			.connections = 200,
			.stall_from_ns = 12 * SECOND,
			.stall_to_ns = 12 * SECOND + stalls_ms[number] * MS};
		run.sent = run.answered = 0;
		gate_destroy(&gate);
		cr_assert(eq(int, gate_create(&gate, 0), 0));
		gate_set_cap(&gate, 614);
		drive(&provider, 0, 25 * SECOND);
		cr_assert(le(sz, most_in_a_second(), 614), "a stall of %llu ms: %zu in a second",
			(unsigned long long)stalls_ms[number], most_in_a_second());
	}
}

Test(gate, keeps_each_cap_when_it_changes)
{
	const struct provider provider = {.way_ns = MS, .connections = 64};

	run.sent = run.answered = 0;
	gate_set_cap(&gate, 500);
	drive(&provider, 0, 5 * SECOND);
	gate_set_cap(&gate, 100);
	drive(&provider, 5 * SECOND, 9 * SECOND);
	size_t in_the_second_after = 0, later = 0;
	for (size_t number = 0; number < run.sent; number++) {
		in_the_second_after +=
			run.passed_ns[number] >= 5 * SECOND && run.passed_ns[number] < 6 * SECOND;
		later += run.passed_ns[number] >= 7 * SECOND;
	}
	cr_assert(le(sz, in_the_second_after, 100));
	cr_assert(le(sz, later, 200));
	cr_assert(ge(sz, later, 198));
}

Test(gate, takes_any_number_without_a_limit)
{
	gate_set_cap(&gate, GATE_UNLIMITED);
	for (unsigned number = 0; number < 3 * GATE_CAP_TPS_MAX; number++) {
		cr_assert(gate_is_open(&gate, 2 * SECOND + number));
		gate_pass(&gate, 2 * SECOND + number);
		gate_answered(&gate, 2 * SECOND + number, 2 * SECOND + number);
	}
	gate_set_cap(&gate, 10);
	cr_assert(not(gate_is_open(&gate, 2 * SECOND + 999 * MS)));
	cr_assert(gate_is_open(&gate, 4 * SECOND));
}
