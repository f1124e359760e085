/* SPDX-License-Identifier: Apache-2.0 */
/* Instants of documents, against the C library's calendar. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "dataplane/duis/date_time.h"

static void expect_instant(const char *text, int64_t expected_s, bool expected_fraction)
{
	int64_t seconds = -1;
	bool fraction = !expected_fraction;

	cr_assert_eq(duis_date_time_read(text, strlen(text), &seconds, &fraction), 0, "%s", text);
	cr_expect_eq(seconds, expected_s, "%s: %ld", text, seconds);
	cr_expect_eq(fraction, expected_fraction, "%s", text);
}

Test(duis_date_time, forms_of_an_instant)
{
	expect_instant("1970-01-01T00:00:00Z", 0, false);
	expect_instant("1970-01-01T00:00:00", 0, false);
	expect_instant(" \t1970-01-01T00:00:00Z\r\n", 0, false);
	expect_instant("1970-01-01T00:00:00.00Z", 0, false);
	expect_instant("1970-01-01T00:00:00.000000000000000000000000001Z", 0, true);
	expect_instant("1969-12-31T23:59:59.5Z", -1, true);
	expect_instant("2026-03-29T01:00:00+01:00", 1774742400, false);
	expect_instant("2026-03-28T19:00:00-05:00", 1774742400, false);
	expect_instant("2026-03-28T24:00:00Z", 1774742400, false);
	expect_instant("2000-02-29T12:34:56-14:00", 951878096, false);
	expect_instant("-0001-12-31T24:00:00Z", -62135596800, false);
	expect_instant("0001-01-01T00:00:00Z", -62135596800, false);
}

Test(duis_date_time, years_have_an_end)
{
	int64_t near, far;
	bool fraction;
	const char *text = "999999-12-31T00:00:00Z";
	cr_assert_eq(duis_date_time_read(text, strlen(text), &near, &fraction), 0);
	text = "123456789012345678901234567890-12-31T00:00:00Z";
	cr_assert_eq(duis_date_time_read(text, strlen(text), &far, &fraction), 0);
	cr_expect_eq(far, near);
	cr_expect_gt(near, 0);
}

Test(duis_date_time, what_is_no_instant)
{
	static const char *const texts[] = {"", "Z", "2026-01-01", "2026-01-01T00:00Z",
		"2026-01-01T00:00:00ZZ", "2026-01-01T00:00:00+1:00", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-1-01T00:00:00Z",
		"2026-01-01 00:00:00Z", "2026-01-01T00:00:00 Z", "T", "-", "--", "2026-01-01T"};
	int64_t seconds;
	bool fraction;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(duis_date_time_read(texts[i], strlen(texts[i]), &seconds, &fraction),
			-EBADMSG, "\"%s\"", texts[i]);
}

Test(duis_date_time, every_day_of_four_centuries)
{
	for (int64_t expected_s = -5364662400; expected_s < 8000000000; expected_s += 86400 - 61) {
		time_t instant = (time_t)expected_s;
		struct tm parts;
		char text[64];

		gmtime_r(&instant, &parts);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
		int64_t seconds = 0;
		bool fraction;
		cr_assert_eq(duis_date_time_read(text, strlen(text), &seconds, &fraction), 0);
		cr_assert_eq(seconds, expected_s, "%s", text);
	}
}
