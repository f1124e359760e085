/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay filter, case by case and against a model that remembers every counter ever accepted.
 */
#include <criterion/criterion.h>

#include "dataplane/replay.h"

#define USER 0xaaaa000000000001ull
#define DEVICE 0xdddd000000000001ull

static struct replay *replay;

static void start(enum replay_scope scope, uint32_t window, uint32_t scopes_max)
{
	const struct replay_limits limits = {
		.scope = scope, .window = window, .scopes_max = scopes_max, .secret = 7};
	replay = replay_create(&limits);
	cr_assert_not_null(replay);
}

static void setup(void)
{
	start(REPLAY_ORIGINATOR, 65536, 4);
}

static void teardown(void)
{
	replay_destroy(replay);
}

/* Check, and accept what is fresh. */
static enum replay_verdict offer(
	uint64_t originator, uint64_t target, uint64_t counter, uint8_t command_variant)
{
	const struct mw_request_id id = {originator, target, counter};
	enum replay_verdict verdict = replay_check(replay, &id, command_variant);
	if (verdict == REPLAY_FRESH)
		replay_accept(replay, &id, command_variant);
	return verdict;
}

TestSuite(replay, .init = setup, .fini = teardown);

Test(replay, a_counter_is_accepted_once)
{
	cr_expect_eq(offer(USER, DEVICE, 1000, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE, 1000, 1), REPLAY_REPEATED);
	cr_expect_eq(offer(USER, DEVICE + 1, 1000, 1), REPLAY_REPEATED, "whatever the target");
	cr_expect_eq(offer(USER, DEVICE, 1000, 8), REPLAY_REPEATED);
	cr_expect_eq(offer(USER + 1, DEVICE, 1000, 1), REPLAY_FRESH, "another user's counter");
}

Test(replay, checking_changes_nothing)
{
	const struct mw_request_id id = {USER, DEVICE, 5};
	for (int i = 0; i < 3; i++)
		cr_expect_eq(replay_check(replay, &id, 1), REPLAY_FRESH);
	cr_expect_eq(replay_scopes(replay), 0);
}

Test(replay, the_window_reaches_65535_counters_back)
{
	cr_expect_eq(offer(USER, DEVICE, 100000, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE, 100000 - 65535, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE, 100000 - 65535, 1), REPLAY_REPEATED);
	cr_expect_eq(offer(USER, DEVICE, 100000 - 65536, 1), REPLAY_OLD);
	cr_expect_eq(offer(USER, DEVICE, 0, 1), REPLAY_OLD);
	cr_expect_eq(offer(USER, DEVICE, 100001, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE, 100000 - 65535, 1), REPLAY_OLD, "it has left the window");
}

Test(replay, a_transform_and_its_pre_command_both_pass)
{
	for (uint8_t variant = 5; variant <= 7; variant++) {
		uint64_t counter = 10 + variant;
		cr_expect_eq(offer(USER, DEVICE, counter, 4), REPLAY_FRESH);
		cr_expect_eq(offer(USER, DEVICE, counter, 4), REPLAY_REPEATED);
		cr_expect_eq(offer(USER, DEVICE, counter, variant), REPLAY_FRESH);
		cr_expect_eq(offer(USER, DEVICE, counter, variant), REPLAY_REPEATED);
		cr_expect_eq(offer(USER, DEVICE, counter, 4), REPLAY_REPEATED);
	}
	cr_expect_eq(offer(USER, DEVICE, 30, 5), REPLAY_FRESH, "without its transform");
	cr_expect_eq(offer(USER, DEVICE, 30, 4), REPLAY_REPEATED, "too late");
	cr_expect_eq(offer(USER, DEVICE, 31, 4), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE, 31, 1), REPLAY_REPEATED, "no pre-command");
}

Test(replay, the_ends_of_the_counter)
{
	cr_expect_eq(offer(USER, DEVICE, 0, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE, 0, 1), REPLAY_REPEATED);
	cr_expect_eq(offer(USER, DEVICE, UINT64_MAX, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE, UINT64_MAX, 1), REPLAY_REPEATED);
	cr_expect_eq(offer(USER, DEVICE, UINT64_MAX - 65535, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE, 1, 1), REPLAY_OLD);
	uint64_t highest;
	const struct mw_request_id id = {USER, 0, 0};
	cr_expect(replay_highest(replay, &id, &highest));
	cr_expect_eq(highest, UINT64_MAX);
}

Test(replay, scopes_are_bounded)
{
	for (uint64_t user = 0; user < 4; user++)
		cr_expect_eq(offer(USER + user, DEVICE, 1, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER + 4, DEVICE, 1, 1), REPLAY_FULL);
	cr_expect_eq(offer(USER + 3, DEVICE, 2, 1), REPLAY_FRESH, "who is in goes on");
	cr_expect_eq(replay_scopes(replay), 4);
}

Test(replay, the_scope_may_be_the_pair)
{
	replay_destroy(replay);
	start(REPLAY_ORIGINATOR_TARGET, 64, 4);
	cr_expect_eq(offer(USER, DEVICE, 1000, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE + 1, 1000, 1), REPLAY_FRESH);
	cr_expect_eq(offer(USER, DEVICE + 1, 3, 1), REPLAY_OLD);
	cr_expect_eq(offer(USER, DEVICE + 1, 1000, 1), REPLAY_REPEATED);
}

/* The model: every acceptance, for ever. */
struct accepted {
	uint64_t counter;
	uint8_t variant;
};

static enum replay_verdict model_verdict(const struct accepted *accepted, unsigned count,
	uint64_t counter, uint8_t variant, uint32_t window)
{
	uint64_t highest = 0;
	bool pre_command = variant == 5 || variant == 6 || variant == 7;
	for (unsigned i = 0; i < count; i++)
		if (accepted[i].counter > highest)
			highest = accepted[i].counter;
	if (count > 0 && counter < highest && highest - counter >= window)
		return REPLAY_OLD;
	for (unsigned i = 0; i < count; i++)
		if (accepted[i].counter == counter && !(pre_command && accepted[i].variant == 4))
			return REPLAY_REPEATED;
	return REPLAY_FRESH;
}

Test(replay, random_offers_agree_with_a_model)
{
	static const uint8_t variants[] = {1, 4, 5, 8, 4, 7};
	static struct accepted accepted[20000];
	uint64_t random = 20261122;
	for (uint32_t window = 64; window <= 256; window *= 2) {
		unsigned count = 0, verdicts[4] = {0};
		replay_destroy(replay);
		start(REPLAY_ORIGINATOR, window, 1);
		uint64_t base = window == 128 ? 0 : 1000000;
		for (int i = 0; i < 8000; i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			uint32_t dice = (uint32_t)(random >> 33);
			/* Mostly near the front; now and then a leap of up to three windows. */
			base += dice % 7 == 0 ? dice / 7 % 5 : 0;
			base += dice % 997 == 0 ? dice / 997 % (3 * window) : 0;
			uint64_t counter = base + dice / 1000 % 8;
			counter -= dice % 3 == 0 ? dice / 10000 % (window + window / 2) : 0;
			if (counter > base + window)
				counter = 0;
			uint8_t variant = variants[dice / 100 % 6];
			enum replay_verdict expected =
				model_verdict(accepted, count, counter, variant, window);
			cr_assert_eq(offer(USER, DEVICE, counter, variant), expected,
				"window %u, offer %d, counter %lu", window, i, counter);
			if (expected == REPLAY_FRESH)
				accepted[count++] = (struct accepted){counter, variant};
			verdicts[expected]++;
		}
		cr_expect_gt(verdicts[REPLAY_FRESH], 1000);
		cr_expect_gt(verdicts[REPLAY_REPEATED], 500);
		cr_expect_gt(verdicts[REPLAY_OLD], 100);
	}
}
