/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds: case by case, and long random runs against a model that remembers every request. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/anomaly.h"

#define SECOND 1000000000ull
#define USER 0xaaaa000000000001ull
#define OTHER 0xaaaa000000000002ull

/* Send one request as the traffic lcore does: count what is within the thresholds. */
static bool send_one(struct anomaly *anomaly, uint64_t now_ns, uint64_t user, const char *srv)
{
	if (anomaly_exceeded(anomaly, now_ns, user, srv))
		return false;
	anomaly_count(anomaly, now_ns, user, srv);
	return true;
}

static struct anomaly *one(const char *srv, uint32_t period_s, uint32_t limit)
{
	struct anomaly_threshold threshold = {.user = USER, .period_s = period_s, .limit = limit};
	snprintf(threshold.srv, sizeof(threshold.srv), "%s", srv);
	struct anomaly *anomaly = anomaly_create(&threshold, 1, 7);
	cr_assert_not_null(anomaly);
	return anomaly;
}

Test(anomaly, the_request_beyond_the_limit_exceeds)
{
	struct anomaly *anomaly = one("", 60, 3);
	uint64_t now_ns = 1000 * SECOND;
	for (int i = 0; i < 3; i++)
		cr_assert(send_one(anomaly, now_ns, USER, "4.2"));
	const struct anomaly_threshold *exceeded = anomaly_exceeded(anomaly, now_ns, USER, "4.2");
	cr_assert_not_null(exceeded);
	cr_assert_eq(exceeded->limit, 3);
	cr_assert_eq(exceeded->period_s, 60);
	cr_assert_null(anomaly_exceeded(anomaly, now_ns, OTHER, "4.2"), "another user's");
	/* Asking counts nothing; a whole period and a bucket later all is forgotten. */
	cr_assert(!send_one(anomaly, now_ns + 60 * SECOND, USER, "4.2"));
	cr_assert(send_one(anomaly, now_ns + 61 * SECOND, USER, "4.2"));
	anomaly_destroy(anomaly);
}

Test(anomaly, a_limit_of_nothing_holds_everything)
{
	struct anomaly *anomaly = one("4.2", 1, 0);
	cr_assert(!send_one(anomaly, 0, USER, "4.2"));
	cr_assert(send_one(anomaly, 0, USER, "4.1.1"));
	anomaly_destroy(anomaly);
}

Test(anomaly, srv_and_all_srvs_count_apart)
{
	const struct anomaly_threshold thresholds[] = {
		{.user = OTHER, .srv = "", .period_s = 10, .limit = 1},
		{.user = USER, .srv = "4.8.1", .period_s = 10, .limit = 2},
		{.user = USER, .srv = "", .period_s = 10, .limit = 3},
		{.user = USER, .srv = "4.8.1", .period_s = 1000, .limit = 50},
	};
	struct anomaly *anomaly = anomaly_create(thresholds, 4, 7);
	cr_assert(send_one(anomaly, SECOND, USER, "4.8.1"));
	cr_assert(send_one(anomaly, SECOND, USER, "4.8.1"));
	cr_assert(!send_one(anomaly, SECOND, USER, "4.8.1"), "two of the SRV");
	cr_assert(send_one(anomaly, SECOND, USER, "4.8.2"));
	cr_assert(!send_one(anomaly, SECOND, USER, "4.8.2"), "three of all");
	cr_assert(send_one(anomaly, SECOND, OTHER, "4.8.1"));
	cr_assert(!send_one(anomaly, SECOND, OTHER, "4.8.1"));
	anomaly_destroy(anomaly);
}

Test(anomaly, all_users_together)
{
	const struct anomaly_threshold thresholds[] = {
		{.user = USER, .srv = "4.2", .period_s = 10, .limit = 1},
		{.user = ANOMALY_ALL_USERS, .srv = "4.2", .period_s = 10, .limit = 3},
		{.user = ANOMALY_ALL_USERS, .srv = "", .period_s = 10, .limit = 5},
	};
	struct anomaly *anomaly = anomaly_create(thresholds, 3, 7);
	cr_assert(send_one(anomaly, SECOND, USER, "4.2"));
	cr_assert_eq(anomaly_exceeded(anomaly, SECOND, USER, "4.2")->user, USER, "his own first");
	cr_assert(send_one(anomaly, SECOND, OTHER, "4.2"));
	cr_assert(send_one(anomaly, SECOND, OTHER + 1, "4.2"));
	const struct anomaly_threshold *exceeded =
		anomaly_exceeded(anomaly, SECOND, OTHER + 2, "4.2");
	cr_assert_not_null(exceeded, "three of the SRV");
	cr_assert_eq(exceeded->user, ANOMALY_ALL_USERS);
	cr_assert_eq(exceeded->limit, 3);
	cr_assert(send_one(anomaly, SECOND, OTHER, "4.8.1"));
	cr_assert(send_one(anomaly, SECOND, USER, "4.8.1"));
	cr_assert(!send_one(anomaly, SECOND, OTHER, "4.8.1"), "five of all SRVs");
	cr_assert(send_one(anomaly, SECOND + 11 * SECOND, OTHER, "4.2"), "a period later");
	anomaly_destroy(anomaly);
}

Test(anomaly, new_thresholds_go_on_where_the_old_ones_were)
{
	const struct anomaly_threshold before[] = {
		{.user = USER, .srv = "4.2", .period_s = 100, .limit = 10},
		{.user = USER, .srv = "4.1.1", .period_s = 100, .limit = 10},
		{.user = OTHER, .srv = "", .period_s = 100, .limit = 10},
	};
	const struct anomaly_threshold after[] = {
		{.user = OTHER, .srv = "", .period_s = 50, .limit = 2},
		{.user = USER, .srv = "4.2", .period_s = 100, .limit = 4},
		{.user = 1, .srv = "", .period_s = 100, .limit = 1},
	};
	struct anomaly *old = anomaly_create(before, 3, 7);
	for (int i = 0; i < 3; i++) {
		send_one(old, SECOND, USER, "4.2");
		send_one(old, SECOND, OTHER, "4.2");
	}
	struct anomaly *anomaly = anomaly_create(after, 3, 9);
	anomaly_continue(anomaly, old);
	anomaly_destroy(old);
	cr_expect(send_one(anomaly, SECOND, USER, "4.2"));
	cr_expect(!send_one(anomaly, SECOND, USER, "4.2"), "three before and one now");
	cr_expect(send_one(anomaly, SECOND, OTHER, "4.2"), "another period counts anew");
	anomaly_destroy(anomaly);
	anomaly = anomaly_create(NULL, 0, 1);
	cr_assert(send_one(anomaly, 0, USER, "4.2"));
	anomaly_destroy(anomaly);
}

Test(anomaly, time_that_stands_still_or_jumps)
{
	struct anomaly *anomaly = one("", ANOMALY_PERIOD_S_MAX, 2);
	cr_assert(send_one(anomaly, UINT64_MAX / 2, USER, "4.2"));
	cr_assert(send_one(anomaly, 0, USER, "4.2"), "earlier than before counts as now");
	cr_assert(!send_one(anomaly, UINT64_MAX / 2, USER, "4.2"));
	cr_assert(send_one(anomaly, UINT64_MAX, USER, "4.2"));
	anomaly_destroy(anomaly);
}

/* ---- against a model ---- */

#define REQUESTS 20000

struct model {
	uint64_t times[REQUESTS];
	unsigned count;
};

/* Requests in (now - span, now]. */
static unsigned within(const struct model *model, uint64_t now_ns, uint64_t span_ns)
{
	unsigned found = 0;
	for (unsigned i = model->count; i > 0 && now_ns - model->times[i - 1] < span_ns; i--)
		found++;
	return found;
}

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 20) % bound;
}

/* What the header promises: never more than `limit` in a period; held only when the period and one
 * bucket more hold the limit already. */
static void run_against_model(uint64_t seed, uint32_t period_s, uint32_t limit, uint64_t gap_ns)
{
	static struct model model;
	uint64_t period_ns = period_s * SECOND;
	uint64_t now_ns = random_below(1000) * SECOND;
	unsigned held = 0;
	struct anomaly *anomaly = one("", period_s, limit);

	model.count = 0;
	for (unsigned i = 0; i < REQUESTS; i++) {
		/* Bursts, a steady stream, and sometimes long silence. */
		now_ns += random_below(100) == 0 ? random_below(2 * period_ns)
			  : random_below(3) == 0 ? 0
						 : random_below(gap_ns);
		bool passed = send_one(anomaly, now_ns, USER, "4.2");
		held += !passed;
		if (passed)
			model.times[model.count++] = now_ns;
		unsigned sharp = within(&model, now_ns, period_ns);
		unsigned wide = within(&model, now_ns, period_ns + period_ns / ANOMALY_BUCKETS);
		cr_assert_leq(sharp, limit, "seed %lu: %u of %u passed in a period",
			(unsigned long)seed, sharp, limit);
		cr_assert(passed || wide >= limit,
			"seed %lu: held although %u of %u are in the stretched period",
			(unsigned long)seed, wide, limit);
	}
	cr_assert(held > 0 && model.count > limit, "the run tests nothing");
	anomaly_destroy(anomaly);
}

Test(anomaly, counts_like_one_who_remembers_everything, .timeout = 60)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		random_state = seed;
		run_against_model(seed, 1, 20, SECOND / 10);
		run_against_model(seed, 60, 100, SECOND);
		run_against_model(seed, 86400, 300, 300 * SECOND);
	}
}

Test(anomaly, many_thresholds_each_count_for_themselves)
{
	static struct anomaly_threshold thresholds[ANOMALY_THRESHOLDS_MAX];
	for (uint32_t i = 0; i < ANOMALY_THRESHOLDS_MAX; i++) {
		uint32_t number = i * 2654435761u % ANOMALY_THRESHOLDS_MAX;
		thresholds[i] = (struct anomaly_threshold){
			.user = USER + number / 8, .period_s = 10, .limit = 1 + number % 3};
		snprintf(thresholds[i].srv, MW_SRV_SIZE, "%u.1", number % 8);
	}
	struct anomaly *anomaly = anomaly_create(thresholds, ANOMALY_THRESHOLDS_MAX, 3);
	for (uint32_t i = 0; i < ANOMALY_THRESHOLDS_MAX; i++) {
		const struct anomaly_threshold *threshold = &thresholds[i];
		for (uint32_t sent = 0; sent < threshold->limit; sent++)
			cr_assert(send_one(anomaly, SECOND, threshold->user, threshold->srv));
		cr_assert(!send_one(anomaly, SECOND, threshold->user, threshold->srv));
	}
	anomaly_destroy(anomaly);
}
