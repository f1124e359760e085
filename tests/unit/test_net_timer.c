/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines: none early, none lost, none more than a step late. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "dataplane/net/http_timer.h"

#define MILLISECOND 1000000ull
#define STEP (1ull << 23)
#define COUNT 2000

static struct http_timers timers;
static struct http_timer all[COUNT];

static uint32_t random_state = 12345;

static uint32_t random_next(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

Test(net_timer, one)
{
	uint64_t now = 77 * MILLISECOND;
	http_timers_init(&timers, now);
	cr_assert_null(http_timers_expired(&timers, now));
	http_timer_start(&timers, &all[0], now + 100 * MILLISECOND);
	cr_assert_null(http_timers_expired(&timers, now + 99 * MILLISECOND));
	cr_assert_eq(http_timers_expired(&timers, now + 100 * MILLISECOND + STEP), &all[0]);
	cr_assert_null(http_timers_expired(&timers, now + 200 * MILLISECOND));
	/* Stopped, and stopped twice. */
	http_timer_start(&timers, &all[0], now + 300 * MILLISECOND);
	http_timer_stop(&all[0]);
	http_timer_stop(&all[0]);
	cr_assert_null(http_timers_expired(&timers, now + 400 * MILLISECOND));
	/* A deadline that is over already. */
	http_timer_start(&timers, &all[0], now);
	cr_assert_eq(http_timers_expired(&timers, now + 400 * MILLISECOND + STEP), &all[0]);
}

Test(net_timer, moved)
{
	http_timers_init(&timers, 0);
	http_timer_start(&timers, &all[0], 50 * MILLISECOND);
	http_timer_start(&timers, &all[0], 500 * MILLISECOND);
	cr_assert_null(http_timers_expired(&timers, 400 * MILLISECOND));
	cr_assert_eq(http_timers_expired(&timers, 510 * MILLISECOND), &all[0]);
	cr_assert_null(http_timers_expired(&timers, 600 * MILLISECOND));
}

Test(net_timer, many_over_several_turns_of_the_wheel)
{
	const uint64_t start = 123456789012345;
	uint64_t now = start;
	unsigned expired = 0;
	http_timers_init(&timers, now);
	for (unsigned i = 0; i < COUNT; i++)
		http_timer_start(&timers, &all[i],
			now + random_next() % 60000 * MILLISECOND + random_next() % MILLISECOND);
	while (now < start + 61000 * MILLISECOND) {
		uint64_t before = now;
		struct http_timer *timer;
		now += random_next() % 100 * MILLISECOND;
		if (random_next() % 50 == 0)
			now += 12000 * MILLISECOND; /* nobody polled for a while */
		while ((timer = http_timers_expired(&timers, now)) != NULL) {
			cr_assert_leq(timer->deadline_ns, now, "early");
			cr_assert_gt(timer->deadline_ns + 2 * STEP, before, "late");
			cr_assert_null(timer->next);
			expired++;
		}
	}
	cr_assert_eq(expired, COUNT);
}
