/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of decisions: found while it is there, whole, by whoever looks meanwhile. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dataplane/decisions.h"

#define USER 0xaaaa000000000001ull
#define DEVICE 0xdddd000000000001ull

static struct decision numbered(uint64_t counter, int64_t time_ms)
{
	struct decision decision = {
		.request_id = {USER, DEVICE, counter},
		.user = USER,
		.time_ms = time_ms,
		.generation = counter * 3,
		.period_start_s = (int64_t)counter,
		.period_end_s = (int64_t)counter + 86400,
		.uncovered_s = INT64_MIN,
		.srv = "4.8.1",
		.roles = MW_ROLE_MDR,
		.check = MW_ACCESS_CHECK_COUNT,
		.command_variant = 1,
	};
	return decision;
}

static void expect_whole(const struct decision *decision)
{
	const struct decision expected = numbered(decision->request_id.counter, decision->time_ms);
	cr_assert_eq(memcmp(&expected, decision, sizeof(expected)), 0);
}

Test(decisions, the_latest_first_and_only_while_they_are_kept)
{
	struct decisions *ring = decisions_create(8);
	struct decision found[4];
	const struct mw_request_id five = {USER, DEVICE, 5};
	cr_assert_eq(decisions_find(ring, &five, found, 4), 0, "nothing yet");
	for (uint64_t i = 0; i < 6; i++) {
		const struct decision decision = numbered(5, (int64_t)i);
		decisions_put(ring, &decision);
	}
	cr_assert_eq(decisions_find(ring, &five, found, 4), 4, "no more than are asked for");
	cr_expect_eq(found[0].time_ms, 5);
	cr_expect_eq(found[3].time_ms, 2);
	for (uint64_t i = 0; i < 7; i++) {
		const struct decision decision = numbered(100 + i, 50);
		decisions_put(ring, &decision);
	}
	cr_assert_eq(decisions_find(ring, &five, found, 4), 1);
	cr_expect_eq(found[0].time_ms, 5);
	const struct mw_request_id others[] = {
		{USER + 1, DEVICE, 5}, {USER, DEVICE + 1, 5}, {USER, DEVICE, 6}};
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(decisions_find(ring, &others[i], found, 4), 0);
	const struct decision last = numbered(200, 60);
	decisions_put(ring, &last);
	cr_expect_eq(decisions_find(ring, &five, found, 4), 0, "pushed out");
	decisions_destroy(ring);
}

struct race {
	struct decisions *ring;
	_Atomic bool stop;
};

static void *write_on(void *argument)
{
	struct race *race = argument;
	for (uint64_t i = 0; !atomic_load_explicit(&race->stop, memory_order_relaxed); i++) {
		const struct decision decision = numbered(i % 50, (int64_t)i);
		decisions_put(race->ring, &decision);
	}
	return NULL;
}

Test(decisions, a_reader_meets_no_half_of_one)
{
	struct race race = {.ring = decisions_create(1024)};
	pthread_t writer;
	struct decision found[MW_DECISIONS_MAX];
	unsigned total = 0;
	cr_assert_eq(pthread_create(&writer, NULL, write_on, &race), 0);
	for (int i = 0; i < 5000 || total < 1000; i++) {
		const struct mw_request_id id = {USER, DEVICE, (uint64_t)i % 50};
		unsigned count = decisions_find(race.ring, &id, found, MW_DECISIONS_MAX);
		for (unsigned k = 0; k < count; k++) {
			expect_whole(&found[k]);
			cr_assert(k == 0 || found[k].time_ms < found[k - 1].time_ms);
		}
		total += count;
	}
	atomic_store(&race.stop, true);
	pthread_join(writer, NULL);
	decisions_destroy(race.ring);
}

/* Printed, and held far away from what would be a fault of its kind (a page, a lock). */
Test(decisions, what_it_costs)
{
	const uint64_t count = 1u << 21;
	struct decisions *ring = decisions_create(DECISIONS_KEPT);
	struct timespec from, to;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (uint64_t i = 0; i < count; i++) {
		struct decision decision = {.request_id = {USER, DEVICE, i}};
		decisions_put(ring, &decision);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	double put_ns =
		((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
		(double)count;
	struct decision found;
	const struct mw_request_id none = {1, 2, 3};
	cr_assert_eq(decisions_find(ring, &none, &found, 1), 0);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	cr_expect_lt((double)(from.tv_sec - to.tv_sec) * 1e9 + (double)(from.tv_nsec - to.tv_nsec),
		100e6);
	printf("decisions: %.1f ns to keep one, %.2f ms to look through %u\n", put_ns,
		((double)(from.tv_sec - to.tv_sec) * 1e9 + (double)(from.tv_nsec - to.tv_nsec)) /
			1e6,
		DECISIONS_KEPT);
	cr_expect_lt(put_ns, 1000);
	decisions_destroy(ring);
}

Test(decisions, as_control_is_told)
{
	struct decision decision = numbered(5, 1234);
	struct mw_control_decision record = decision_record(&decision, "5.4");
	cr_expect_str_eq(record.reason, "accepted");
	cr_expect_str_eq(record.code, "");
	cr_expect_str_eq(record.schema_version, "5.4");
	cr_expect_eq(record.time_ms, 1234);
	decision.reason = ANSWER_CAPACITY;
	cr_expect_str_eq(decision_record(&decision, "5.4").reason, "capacity");
	decision.reason = ANSWER_GENERATION;
	memcpy(decision.code, "E040101", 8);
	record = decision_record(&decision, "5.4");
	cr_expect_str_eq(record.reason, "generation");
	cr_expect_str_eq(record.code, "E040101");
	decision.reason = ANSWER_ACCEPTED;
	memcpy(decision.code, "E050102", 8);
	cr_expect_str_eq(decision_record(&decision, "5.4").reason, "service-refused");
	for (unsigned reason = 0; reason < ANSWER_REASON_COUNT; reason++)
		cr_expect_lt(
			strlen(answer_reason_name((enum answer_reason)reason)), MW_REASON_SIZE);
}
