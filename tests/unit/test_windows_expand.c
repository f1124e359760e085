/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of certain days: the shipped file against FIA Table 4, windows over midnight and over
 * both changes of the clocks, gaps, slots, numbers, and random files against what the data plane's
 * table accepts and an independent look at the clocks. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/windows_expand.h"
#include "dataplane/windows.h"
#include "windows_fixture.h"

TestSuite(windows_expand, .init = windows_fixture_create, .fini = windows_fixture_destroy);

#define RECORDS 2000
#define HOUR 3600
#define DAY 86400ll

static struct mw_window_record records[RECORDS];

/* Expand, and see that the data plane takes it. */
static int expand(const struct windows_conf *conf, int64_t from_s, int64_t to_s)
{
	size_t bad = 0;
	int count = windows_expand(conf, from_s, to_s, records, RECORDS);

	cr_assert_geq(count, 0);
	struct windows *windows = windows_create(records, (size_t)count, &bad);
	cr_assert_not_null(windows, "record %zu", bad);
	windows_destroy(windows);
	for (int i = 1; i < count; i++)
		cr_assert(records[i - 1].gate < records[i].gate ||
			  (records[i - 1].gate == records[i].gate &&
				  records[i - 1].to_s <= records[i].from_s));
	return count;
}

/* The records of `gate`, and how many. */
static const struct mw_window_record *of_gate(int count, uint8_t gate, int *number)
{
	const struct mw_window_record *first = NULL;

	*number = 0;
	for (int i = 0; i < count; i++) {
		if (records[i].gate != gate)
			continue;
		if (first == NULL)
			first = &records[i];
		(*number)++;
	}
	return first;
}

/* The window or gap (not the total) in force at an instant; NULL: closed. */
static const struct mw_window_record *at(int count, uint8_t gate, int64_t at_s)
{
	for (int i = 0; i < count; i++)
		if (records[i].gate == gate && at_s >= records[i].from_s && at_s < records[i].to_s)
			return &records[i];
	return NULL;
}

Test(windows_expand, the_shipped_file_is_fia_table_4)
{
	static const struct {
		uint8_t gate;
		uint8_t series;
		int peak_to;
		int from;
		int to;
	} table[] = {
		{0, 0, 8, 10, 20},
		{1, 1, 7, 10, 20},
		{2, MW_GATE_SERIES, 6, 10, 20},
		{3, 3, 6, 14, 22},
		{4, 4, 6, 9, 23},
		{MW_GATE_SERIES, MW_GATE_SERIES, 6, 9, 23},
	};
	struct windows_conf *conf;
	int64_t day_s = windows_fixture_utc(2026, 7, 1, 0, 0);

	cr_assert_eq(windows_conf_read(windows_fixture_shipped("windows.yaml"),
			     windows_fixture_known(), stderr, &conf),
		0);
	int count = expand(conf, day_s, day_s + DAY);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (int hour = 0; hour < 24; hour++) {
			const struct mw_window_record *record =
				at(count, table[i].gate, day_s + hour * HOUR);
			bool peak = hour < table[i].from;
			bool gap = peak ? hour >= table[i].peak_to : hour >= table[i].to;

			cr_assert_not_null(record);
			cr_assert_eq(record->kind, peak ? MW_WINDOW_PEAK : MW_WINDOW_OFF_PEAK);
			cr_assert_eq(record->gap, gap, "gate %u, %d:00", table[i].gate, hour);
			cr_assert_eq(record->series, table[i].series);
			cr_assert_eq(record->pace, MW_WINDOW_SPREAD);
			cr_assert_eq(record->number,
				(uint32_t)(day_s + (peak ? 0 : table[i].from * HOUR)));
		}
	}
	/* Rates are those of the file; the gap of S1SP-2 goes on at the last slot's. */
	const struct window_conf *slots = &windows_conf_gate(conf, "s1sp-2")->windows[1];
	cr_assert_eq(slots->slot_count, 3);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(at(count, 3, day_s + 14 * HOUR + slots->slots[i].from_s)->cap_tps,
			slots->slots[i].cap_tps);
	cr_assert_eq(at(count, 3, day_s + 23 * HOUR)->cap_tps, slots->slots[2].cap_tps);
	cr_assert_eq(at(count, 0, day_s)->cap_tps,
		windows_conf_gate(conf, "csp-north")->windows[0].slots[0].cap_tps);
	/* FIA 5.1.3; the peak total has no limit, so no record. */
	cr_assert_eq(at(count, MW_GATE_TOTAL_OFF_PEAK, day_s)->cap_tps, 614);
	cr_assert_null(at(count, MW_GATE_TOTAL_PEAK, day_s));
	windows_conf_free(conf);
}

Test(windows_expand, what_is_under_way_is_whole)
{
	static const char *const windows[] = {
		"{name: a, kind: peak, from: 22:00, to: 02:00, next_day: yes, gap: 03:00, pace: "
		"cap, on_demand_counts: yes, slots: [{from: 22:00, to: 23:00, cap_tps: 5}, {from: "
		"23:00, to: 02:00, cap_tps: 7}]}",
		NULL};
	struct windows_conf *conf = windows_fixture_windows("UTC", windows);
	int64_t day_s = windows_fixture_utc(2026, 7, 1, 0, 0);
	int number;

	/* In the last second of the gap: the window is there from its beginning. */
	int count = expand(conf, day_s + 3 * HOUR - 1, day_s + 3 * HOUR);
	const struct mw_window_record *first = of_gate(count, 0, &number);
	cr_assert_eq(number, 3);
	cr_assert_eq(first[0].from_s, day_s - 2 * HOUR);
	cr_assert_eq(first[0].to_s, day_s - HOUR);
	cr_assert_eq(first[1].to_s, day_s + 2 * HOUR);
	cr_assert_eq(first[2].to_s, day_s + 3 * HOUR);
	cr_assert_eq(first[0].cap_tps, 5);
	cr_assert_eq(first[1].cap_tps, 7);
	cr_assert_eq(first[2].cap_tps, 7);
	cr_assert_eq(first[2].gap, 1);
	cr_assert_eq(first[0].on_demand_counts, 1);
	cr_assert_eq(first[0].pace, MW_WINDOW_AT_CAP);
	cr_assert_eq(first[0].number, (uint32_t)(day_s - 2 * HOUR));
	cr_assert_eq(first[2].number, first[0].number);
	/* The range's ends: one second later nothing is left, and the next begins at 22:00. */
	of_gate(expand(conf, day_s + 3 * HOUR, day_s + 22 * HOUR), 0, &number);
	cr_assert_eq(number, 0);
	of_gate(expand(conf, day_s + 3 * HOUR, day_s + 22 * HOUR + 1), 0, &number);
	cr_assert_eq(number, 3);
	/* The total reaches as far as the window, on both sides. */
	count = expand(conf, day_s - 2 * HOUR, day_s - HOUR);
	cr_assert_not_null(at(count, MW_GATE_TOTAL_OFF_PEAK, day_s + 3 * HOUR - 1));
	count = expand(conf, day_s + 1, day_s + 2);
	cr_assert_not_null(at(count, MW_GATE_TOTAL_OFF_PEAK, day_s - 2 * HOUR));
	windows_conf_free(conf);
}

Test(windows_expand, gaps)
{
	static const char *const windows[] = {
		"{name: b, kind: off-peak, from: 10:00, to: 12:00, cap_tps: 2}",
		"{name: a, kind: peak, from: 02:00, to: 04:00, cap_tps: 1, gap: none}",
		"{name: c, kind: peak, from: 14:00, to: 15:00, cap_tps: 3, gap: 24:00}", NULL};
	struct windows_conf *conf = windows_fixture_windows("UTC", windows);
	int64_t day_s = windows_fixture_utc(2026, 7, 1, 0, 0);
	int count = expand(conf, day_s, day_s + DAY);

	cr_assert_null(at(count, 0, day_s));
	cr_assert_null(at(count, 0, day_s + 4 * HOUR));
	cr_assert_eq(at(count, 0, day_s + 13 * HOUR)->gap, 1);
	cr_assert_eq(at(count, 0, day_s + 13 * HOUR)->kind, MW_WINDOW_OFF_PEAK);
	cr_assert_eq(at(count, 0, day_s + 23 * HOUR)->gap, 1);
	windows_conf_free(conf);
	/* One window alone: its gap lasts until it begins again. */
	static const char *const alone[] = {
		"{name: a, kind: peak, from: 02:00, to: 04:00, cap_tps: 1}", NULL};
	conf = windows_fixture_windows("UTC", alone);
	count = expand(conf, day_s, day_s + DAY);
	cr_assert_eq(at(count, 0, day_s)->number, (uint32_t)(day_s - 22 * HOUR));
	cr_assert_eq(at(count, 0, day_s + 4 * HOUR)->to_s, day_s + DAY + 2 * HOUR);
	windows_conf_free(conf);
	/* A window that never ends. */
	static const char *const always[] = {
		"{name: a, kind: peak, from: 06:00, to: 06:00, next_day: yes, cap_tps: 1}", NULL};
	conf = windows_fixture_windows("UTC", always);
	count = expand(conf, day_s, day_s + DAY);
	cr_assert_eq(at(count, 0, day_s + 6 * HOUR - 1)->to_s, day_s + 6 * HOUR);
	cr_assert_eq(at(count, 0, day_s + 6 * HOUR)->gap, 0);
	windows_conf_free(conf);
}

/* Europe/London, 2026-03-29: 01:00 to 02:00 is skipped, at 01:00 UTC. */
Test(windows_expand, the_hour_that_is_skipped)
{
	static const char *const windows[] = {
		"{name: before, kind: peak, from: 00:00, to: 01:00, cap_tps: 1}",
		"{name: within, kind: peak, from: 01:10, to: 01:50, cap_tps: 2}",
		"{name: over, kind: off-peak, from: 01:50, to: 03:00, cap_tps: 3}",
		"{name: late, kind: off-peak, from: 10:00, to: 12:00, cap_tps: 4}", NULL};
	struct windows_conf *conf = windows_fixture_windows("Europe/London", windows);
	int64_t day_s = windows_fixture_utc(2026, 3, 29, 0, 0);
	int number;
	int count = expand(conf, day_s, day_s + 23 * HOUR);
	const struct mw_window_record *first = of_gate(count, 0, &number);

	/* "before" has no gap: "over" follows at once. The other two have theirs. */
	cr_assert_eq(number, 1 + 2 + 2);
	cr_assert_eq(first[0].cap_tps, 1);
	cr_assert_eq(first[0].from_s, day_s);
	cr_assert_eq(first[0].to_s, day_s + HOUR);
	/* "within" does not take place; "over" lasts 02:00 to 03:00 of the clocks. */
	cr_assert_eq(first[1].cap_tps, 3);
	cr_assert_eq(first[1].from_s, day_s + HOUR);
	cr_assert_eq(first[1].to_s, day_s + 2 * HOUR);
	cr_assert_eq(first[1].number, (uint32_t)(day_s + HOUR + 50 * 60));
	cr_assert_eq(first[3].from_s, day_s + 9 * HOUR);
	/* The day after, it does. */
	count = expand(conf, day_s + DAY, day_s + 2 * DAY);
	cr_assert_eq(at(count, 0, day_s + DAY + 10 * 60)->cap_tps, 2);
	windows_conf_free(conf);
}

/* Without "over": the gap before lasts until the next window that takes place. */
Test(windows_expand, a_gap_beside_the_hour_that_is_skipped)
{
	static const char *const windows[] = {
		"{name: before, kind: peak, from: 00:00, to: 00:30, cap_tps: 1}",
		"{name: within, kind: peak, from: 01:00, to: 02:00, cap_tps: 2}",
		"{name: late, kind: off-peak, from: 10:00, to: 12:00, cap_tps: 4}", NULL};
	struct windows_conf *conf = windows_fixture_windows("Europe/London", windows);
	int64_t day_s = windows_fixture_utc(2026, 3, 29, 0, 0);
	int count = expand(conf, day_s, day_s + 1);

	cr_assert_eq(at(count, 0, day_s + 30 * 60)->gap, 1);
	cr_assert_eq(at(count, 0, day_s + 30 * 60)->to_s, day_s + 9 * HOUR);
	windows_conf_free(conf);
}

/* Europe/London, 2026-10-25: 01:00 to 02:00 comes twice; UTC 00:00 to 02:00. */
Test(windows_expand, the_hour_that_is_repeated)
{
	static const char *const windows[] = {
		"{name: a, kind: peak, from: 00:00, to: 01:30, cap_tps: 1}",
		"{name: b, kind: peak, from: 01:30, to: 08:00, cap_tps: 2}",
		"{name: c, kind: off-peak, from: 22:00, to: 24:00, cap_tps: 3}", NULL};
	struct windows_conf *conf = windows_fixture_windows("Europe/London", windows);
	int64_t day_s = windows_fixture_utc(2026, 10, 24, 23, 0);
	int count = expand(conf, day_s, day_s + 25 * HOUR);
	const struct mw_window_record *a = at(count, 0, day_s);
	const struct mw_window_record *b = at(count, 0, day_s + 3 * HOUR);
	const struct mw_window_record *c = at(count, 0, day_s + 24 * HOUR);

	cr_assert_eq(a->from_s, day_s);
	cr_assert_eq(a->to_s, day_s + HOUR + 30 * 60); /* the first 01:30 */
	cr_assert_eq(b->from_s, a->to_s);
	cr_assert_eq(b->to_s, windows_fixture_utc(2026, 10, 25, 8, 0));
	cr_assert_eq(b->to_s - b->from_s, 7 * HOUR + 30 * 60);
	cr_assert_eq(c->from_s, windows_fixture_utc(2026, 10, 25, 22, 0));
	/* The day's total is 25 hours long. */
	const struct mw_window_record *total = at(count, MW_GATE_TOTAL_OFF_PEAK, day_s);
	cr_assert_eq(total->to_s - total->from_s, 25 * HOUR);
	windows_conf_free(conf);
}

Test(windows_expand, the_same_wherever_the_range_begins)
{
	struct windows_conf *conf;
	int64_t from_s = windows_fixture_utc(2026, 10, 20, 0, 0);
	static struct mw_window_record whole[RECORDS];

	cr_assert_eq(windows_conf_read(windows_fixture_shipped("windows.yaml"),
			     windows_fixture_known(), stderr, &conf),
		0);
	int all = expand(conf, from_s, from_s + 10 * DAY);
	memcpy(whole, records, sizeof(whole));
	for (int64_t begin_s = from_s + DAY; begin_s < from_s + 8 * DAY; begin_s += 5 * HOUR + 7) {
		int count = expand(conf, begin_s, begin_s + DAY);

		for (int i = 0; i < count; i++) {
			int same = 0;

			for (int k = 0; k < all; k++)
				same += memcmp(&whole[k], &records[i], sizeof(records[i])) == 0;
			cr_assert_eq(same, 1);
		}
		/* And the other way round: nothing that touches the range is missing. */
		for (int k = 0; k < all; k++)
			if (whole[k].from_s < begin_s + DAY && whole[k].to_s > begin_s)
				cr_assert_eq(
					memcmp(at(count, whole[k].gate,
						       whole[k].from_s > begin_s ? whole[k].from_s
										 : begin_s),
						&whole[k], sizeof(whole[k])),
					0);
	}
	windows_conf_free(conf);
}

Test(windows_expand, too_many)
{
	struct windows_conf *conf;

	cr_assert_eq(windows_conf_read(windows_fixture_shipped("windows.yaml"),
			     windows_fixture_known(), stderr, &conf),
		0);
	int64_t day_s = windows_fixture_utc(2026, 7, 1, 0, 0);
	int count = expand(conf, day_s, day_s + 3 * DAY);
	cr_assert_eq(windows_expand(conf, day_s, day_s + 3 * DAY, records, (size_t)count), count);
	cr_assert_eq(
		windows_expand(conf, day_s, day_s + 3 * DAY, records, (size_t)count - 1), -E2BIG);
	cr_assert_eq(windows_expand(conf, day_s, day_s + 3 * DAY, NULL, 0), -E2BIG);
	windows_conf_free(conf);
}

/* ---- random windows */

static uint64_t random_state = 20261025;

static uint32_t draw(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state % below);
}

/* Windows of a day in quarters of an hour, one behind the other, the last one perhaps over
 * midnight.
 */
static void draw_windows(struct windows_conf *conf)
{
	struct window_gate *gate = &conf->gates[0];
	int32_t first_s = (int32_t)draw(40) * 900;
	int32_t from_s = first_s;

	gate->window_count = 0;
	while (gate->window_count < 12) {
		struct window_conf *window = &gate->windows[gate->window_count];
		int32_t length_s = (int32_t)(1 + draw(16)) * 900;

		if (from_s >= DAY || from_s + length_s > first_s + DAY)
			break;
		*window = (struct window_conf){.kind = draw(2),
			.from_s = from_s,
			.length_s = length_s,
			.gap = draw(2),
			.slot_count = 1};
		window->slots[0] = (struct window_slot){0, length_s, 1 + draw(100)};
		if (length_s > 900 && draw(2) == 0) {
			window->slot_count = 2;
			window->slots[0].to_s = 900;
			window->slots[1] = (struct window_slot){900, length_s, 1 + draw(100)};
		}
		gate->window_count++;
		from_s += length_s + (int32_t)draw(8) * 900;
	}
}

/* What should be in force, by walking from the beginning with the clock in view: the window whose
 * times have been reached last. Independent of how the expansion goes about it. */
static void check_walk(const struct windows_conf *conf, int64_t from_s, int64_t to_s)
{
	const struct window_gate *gate = &conf->gates[0];
	int count = expand(conf, from_s, to_s);

	/* The highest local time shown so far decides: what has begun does not begin again. */
	int64_t shown_s = INT64_MIN;
	for (int64_t now_s = from_s - 3 * DAY; now_s < to_s; now_s += 900) {
		int64_t local_s = now_s + time_zone_offset_s(conf->zone, now_s);

		if (local_s > shown_s)
			shown_s = local_s;
		if (now_s < from_s)
			continue;
		const struct window_conf *open = NULL;
		uint32_t cap_tps = 0;
		for (uint32_t i = 0; i < gate->window_count; i++) {
			const struct window_conf *window = &gate->windows[i];
			int64_t in_s = (shown_s - window->from_s) % DAY;

			if (in_s < window->length_s) {
				open = window;
				cap_tps = window->slots[0].cap_tps;
				if (window->slot_count > 1 && in_s >= window->slots[1].from_s)
					cap_tps = window->slots[1].cap_tps;
			}
		}
		const struct mw_window_record *record = at(count, 0, now_s);
		bool inside = record != NULL && record->gap == 0;
		cr_assert_eq(inside, open != NULL, "%" PRId64, now_s);
		if (inside) {
			cr_assert_eq(record->cap_tps, cap_tps);
			cr_assert_eq(record->kind, open->kind);
		}
	}
}

Test(windows_expand, random_windows_follow_the_clocks)
{
	static const char *const zones[] = {
		"UTC", "Europe/London", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"};
	static const char *const any[] = {
		"{name: a, kind: peak, from: 02:00, to: 04:00, cap_tps: 1}", NULL};
	/* The clocks of London change in 2026 on March 29th and October 25th. */
	const int64_t days_s[] = {windows_fixture_utc(2026, 3, 27, 0, 0),
		windows_fixture_utc(2026, 10, 23, 0, 0), windows_fixture_utc(2026, 4, 3, 0, 0),
		windows_fixture_utc(2026, 3, 7, 0, 0)};

	for (int zone = 0; zone < 5; zone++) {
		struct windows_conf *conf = windows_fixture_windows(zones[zone], any);

		for (int round = 0; round < 60; round++) {
			draw_windows(conf);
			int64_t from_s = days_s[draw(4)];
			check_walk(conf, from_s, from_s + 4 * DAY);
		}
		windows_conf_free(conf);
	}
}
