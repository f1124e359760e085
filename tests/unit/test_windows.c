/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/windows.h"

#include <errno.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct mw_window_record night = {.from_s = 0,
	.to_s = 28800,
	.number = 1,
	.cap_tps = 100,
	.gate = 3,
	.series = 3,
	.kind = MW_WINDOW_PEAK};
static const struct mw_window_record gap = {.from_s = 28800,
	.to_s = 36000,
	.number = 1,
	.cap_tps = 100,
	.gate = 3,
	.series = 3,
	.kind = MW_WINDOW_PEAK,
	.gap = 1};
static const struct mw_window_record day = {.from_s = 36000,
	.to_s = 72000,
	.number = 2,
	.cap_tps = 614,
	.gate = 3,
	.series = 3,
	.kind = MW_WINDOW_OFF_PEAK};

Test(windows, tells_which_stretch_it_is_and_for_how_long)
{
	const struct mw_window_record records[] = {day, night, gap};
	size_t bad;
	int64_t until_ms;
	struct windows *windows = windows_create(records, 3, &bad);

	cr_assert(eq(u32, windows_at(windows, 3, 0, &until_ms)->cap_tps, 100));
	cr_assert(eq(i64, until_ms, 28800000));
	cr_assert(eq(u8, windows_at(windows, 3, 28800000, &until_ms)->gap, 1));
	cr_assert(eq(u32, windows_at(windows, 3, 71999999, &until_ms)->cap_tps, 614));
	cr_assert(eq(ptr, (void *)windows_at(windows, 3, 72000000, &until_ms), NULL));
	cr_assert(eq(i64, until_ms, INT64_MAX));
	/* A clock that is set back by any amount. */
	cr_assert(eq(u8, windows_at(windows, 3, 30000000, &until_ms)->gap, 1));
	cr_assert(eq(ptr, (void *)windows_at(windows, 3, -1, &until_ms), NULL));
	cr_assert(eq(i64, until_ms, 0));
	windows_destroy(windows);
}

Test(windows, knows_which_gates_have_any)
{
	struct mw_window_record records[] = {night};
	size_t bad;
	int64_t until_ms;

	records[0].series = MW_GATE_SERIES;
	struct windows *windows = windows_create(records, 1, &bad);
	cr_assert(windows_has(windows, 3));
	cr_assert(not(windows_has(windows, 4)));
	cr_assert(eq(u32, windows_series(windows, 3), MW_GATE_SERIES));
	cr_assert(eq(u32, windows_series(windows, 4), 4));
	cr_assert(eq(ptr, (void *)windows_at(windows, 4, 0, &until_ms), NULL));
	cr_assert(eq(i64, until_ms, INT64_MAX));
	windows_destroy(windows);
}

Test(windows, refuses_what_no_table_can_hold)
{
	struct mw_window_record records[10];
	size_t count = 0, bad;

	records[count] = night, records[count++].to_s = 0;
	records[count] = night, records[count++].gate = MW_GATE_COUNT;
	records[count] = night, records[count++].cap_tps = 0;
	records[count] = night, records[count++].cap_tps = MW_WINDOW_CAP_TPS_MAX + 1;
	records[count] = night, records[count++].kind = MW_WINDOW_KIND_COUNT;
	records[count] = night, records[count++].pace = MW_WINDOW_PACE_COUNT;
	records[count] = night, records[count++].series = 4;
	records[count] = night, records[count++].gap = 2;
	records[count] = night, records[count++].on_demand_counts = 2;
	for (size_t number = 0; number < count; number++) {
		struct mw_window_record pair[] = {day, records[number]};
		bad = 99;
		errno = 0;
		cr_assert(eq(ptr, windows_create(pair, 2, &bad), NULL));
		cr_assert(eq(int, errno, EINVAL));
		cr_assert(eq(sz, bad, 1), "record %zu", number);
	}
	struct mw_window_record overlap[] = {day, night, gap};
	overlap[2].from_s--;
	cr_assert(eq(ptr, windows_create(overlap, 3, &bad), NULL));
	cr_assert(eq(sz, bad, 2));
}
