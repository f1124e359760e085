/* SPDX-License-Identifier: Apache-2.0 */
/* Today's and tomorrow's windows, and what they are forecast to do, by numbers reckoned by hand. */
#include <criterion/criterion.h>

#include "control/windows_plan.h"
#include "windows_fixture.h"

/* 2026-06-15, a Monday. */
#define DAY_S 1781481600ll
#define HOUR_S 3600

static struct window_days days;
static struct windows_conf *conf;

static void setup(void)
{
	windows_fixture_create();
}

static void teardown(void)
{
	window_days_free(&days);
	windows_conf_free(conf);
	conf = NULL;
	windows_fixture_destroy();
}

TestSuite(windows_plan, .init = setup, .fini = teardown, .timeout = 10);

static void make(const char *zone, const char *const *windows, int64_t now_s)
{
	conf = windows_fixture_windows(zone, windows);
	cr_assert_eq(window_days_make(conf, now_s, &days), 0);
}

static struct window_batch batch(int64_t due_s, uint64_t count, uint8_t class, bool waits)
{
	return (struct window_batch){.due_s = due_s,
		.count = count,
		.gate = conf->gates[0].gate,
		.class = class,
		.waits = waits};
}

static const char *const two[] = {
	"{name: night, kind: peak, from: 22:00, to: 02:00, next_day: yes, cap_tps: 10}",
	"{name: day, kind: off-peak, from: 10:00, to: 14:00, gap: none, "
	"slots: [{from: 10:00, to: 12:00, cap_tps: 1}, {from: 12:00, to: 14:00, cap_tps: 2}]}",
	NULL};

Test(windows_plan, days_have_every_window_once)
{
	make("UTC", two, DAY_S + 12 * HOUR_S);
	cr_assert_eq(days.from_s, DAY_S);
	cr_assert_eq(days.to_s, DAY_S + 48 * HOUR_S);
	/* Last night's, which ends today, day, night, day, night. */
	cr_assert_eq(days.count, 5);
	cr_assert_eq(days.days[0].from_s, DAY_S - 2 * HOUR_S);
	cr_assert_eq(days.days[0].to_s, DAY_S + 2 * HOUR_S);
	cr_assert_eq(days.days[0].gap_to_s, DAY_S + 10 * HOUR_S);
	cr_assert_str_eq(days.days[1].window->name, "day");
	cr_assert_eq(days.days[1].slot_count, 2);
	cr_assert_eq(days.days[1].gap_to_s, days.days[1].to_s);
	cr_assert_eq(days.days[4].from_s, DAY_S + 46 * HOUR_S);
}

Test(windows_plan, days_are_those_of_the_zone)
{
	/* The clocks went forward on 29 March 2026: a day of 23 hours. */
	const int64_t now_s = 1774742400 + 12 * HOUR_S;
	make("Europe/London", two, now_s);
	cr_assert_eq(days.to_s - days.from_s, 47 * HOUR_S);
}

Test(windows_plan, forecast_by_hand)
{
	const int64_t now_s = DAY_S + 9 * HOUR_S;
	struct window_forecast found[8];

	make("UTC", two, now_s);
	/* Off-peak today: 7200 in the first slot, then 2 a second. */
	struct window_batch batches[] = {
		batch(DAY_S + 11 * HOUR_S, 10000, MW_WINDOW_CLASS_OFF_PEAK, false),
		batch(now_s, 5000, MW_WINDOW_CLASS_OFF_PEAK, true),
		batch(now_s, 40, MW_WINDOW_CLASS_PEAK, true),
		batch(DAY_S + 23 * HOUR_S, 60, MW_WINDOW_CLASS_ANY, false),
	};
	cr_assert_eq(windows_forecast(conf, &days, batches, 4, now_s, found), 0);
	cr_assert_eq(found[0].cap_tps + found[0].waiting + found[0].left, 0, "it is over");
	cr_assert_eq(found[1].waiting, 5000);
	cr_assert_eq(found[1].planned, 10000);
	cr_assert_eq(found[1].left, 0);
	/* 5000 until 11:23:20, 2200 until 12:00, 7800 at 2 a second until 13:05. */
	cr_assert_eq(found[1].finish_ms, (DAY_S + 13 * HOUR_S + 300) * 1000);
	cr_assert_eq(found[1].cap_tps, 2);
	cr_assert_eq(found[2].waiting, 40);
	cr_assert_eq(found[2].planned, 60);
	cr_assert_eq(found[2].finish_ms, (DAY_S + 23 * HOUR_S + 6) * 1000);
	cr_assert_eq(found[3].waiting + found[3].planned, 0);
	cr_assert_eq(found[3].finish_ms, 0);
}

Test(windows_plan, what_does_not_fit_goes_on)
{
	const int64_t now_s = DAY_S + 13 * HOUR_S;
	struct window_forecast found[8];

	make("UTC", two, now_s);
	/* An hour at 2 a second is left. */
	struct window_batch batches[] = {batch(now_s, 7210, MW_WINDOW_CLASS_OFF_PEAK, true)};
	cr_assert_eq(windows_forecast(conf, &days, batches, 1, now_s, found), 0);
	cr_assert_eq(found[1].waiting, 7200);
	cr_assert_eq(found[1].left, 10);
	cr_assert_eq(found[1].finish_ms, (DAY_S + 14 * HOUR_S) * 1000);
	cr_assert_eq(found[2].waiting + found[2].left, 0, "another kind");
	cr_assert_eq(found[3].waiting, 10);
	cr_assert_eq(found[3].finish_ms, (DAY_S + 34 * HOUR_S + 10) * 1000);
}

Test(windows_plan, the_least_cap_on_the_way)
{
	const int64_t now_s = DAY_S;
	static struct window_forecast found[256];

	/* The DCO takes 150 and 100 a second, whatever S1SP-1 may have. */
	conf = windows_fixture_conf(windows_fixture_table_4);
	cr_assert_eq(window_days_make(conf, now_s, &days), 0);
	cr_assert_leq(days.count, 256);
	conf->total_cap_tps[MW_WINDOW_PEAK] = 120;
	cr_assert_eq(windows_forecast(conf, &days, NULL, 0, now_s, found), 0);
	unsigned in_series = 0;
	for (size_t i = 0; i < days.count; i++) {
		const struct window_day *day = &days.days[i];

		if (day->to_s <= now_s)
			continue;
		if (day->window->kind == MW_WINDOW_PEAK)
			cr_expect_leq(found[i].cap_tps, 120);
		if (day->gate->series != day->gate->gate) {
			cr_expect_leq(found[i].cap_tps, 150);
			in_series++;
		}
	}
	cr_assert_gt(in_series, 0);
}
