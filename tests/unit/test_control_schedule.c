/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and schedules: parsing, month ends, what is due when, and the order of the heap against a
 * plain search over thousands of random steps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/calendar.h"
#include "control/schedule.h"

static int32_t day(const char *text)
{
	int32_t value = -1;

	cr_assert_eq(calendar_parse_date(text, &value), 0, "%s", text);
	return value;
}

static int64_t instant(const char *date, int hour, int minute)
{
	return (int64_t)day(date) * CALENDAR_DAY_MS + (hour * 60 + minute) * 60000;
}

Test(control_schedule, dates)
{
	int32_t value;

	cr_assert_eq(day("1970-01-01"), 0);
	cr_assert_eq(day("2000-03-01"), 11017);
	cr_assert_eq(day("2024-02-29Z"), 19782);
	cr_assert_eq(day(" 2026-11-22+00:00\n"), 20779);
	cr_assert_eq(day("2026-11-22-00:00"), 20779);
	cr_assert_eq(day("2199-12-31"), CALENDAR_DAY_MAX);
	static const char *const out[] = {
		"1969-12-31",
		"2200-01-01",
		"12026-01-01",
		"-0001-01-01",
		"2026-01-01+01:00",
		"2026-01-01-14:00",
	};
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
		cr_assert_eq(calendar_parse_date(out[i], &value), -ERANGE, "%s", out[i]);
	static const char *const bad[] = {
		"",
		"2026",
		"2026-1-01",
		"2026-02-29",
		"2026-13-01",
		"2026-00-10",
		"2026-01-00",
		"2026-01-32",
		"2026-01-01T00:00:00",
		"2026-01-01z",
		"2026-01-01+15:00",
		"2026-01-01+1:00",
		"- 1-01-01",
		"20 6-01-01",
		"2026-01-01 Z",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(calendar_parse_date(bad[i], &value), -EBADMSG, "%s", bad[i]);
}

Test(control_schedule, times)
{
	int32_t value;

	cr_assert_eq(calendar_parse_time("00:00:00.00Z", &value), 0);
	cr_assert_eq(value, 0);
	cr_assert_eq(calendar_parse_time("23:59:59.9999", &value), 0);
	cr_assert_eq(value, 86399999);
	cr_assert_eq(calendar_parse_time("24:00:00", &value), 0);
	cr_assert_eq(value, 0);
	cr_assert_eq(calendar_parse_time("06:30:15.25Z", &value), 0);
	cr_assert_eq(value, 23415250);
	cr_assert_eq(calendar_parse_time("06:30:00+01:00", &value), -ERANGE);
	static const char *const bad[] = {
		"",
		"6:30:00",
		"06:30",
		"25:00:00",
		"24:00:01",
		"06:60:00",
		"06:30:60",
		"06:30:00.",
		"06:30:00Zx",
		"06.30.00",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(calendar_parse_time(bad[i], &value), -EBADMSG, "%s", bad[i]);
}

Test(control_schedule, every_day_goes_there_and_back)
{
	for (int32_t at = 0; at <= CALENDAR_DAY_MAX; at++) {
		char text[CALENDAR_DATE_TIME_SIZE];

		calendar_format(at, 0, text);
		cr_assert_str_eq(text + 10, "T00:00:00Z");
		text[10] = '\0';
		cr_assert_eq(day(text), at);
	}
	char text[CALENDAR_DATE_TIME_SIZE];
	calendar_format(day("2026-11-22"), 23415250, text);
	cr_assert_str_eq(text, "2026-11-22T06:30:15.250Z");
}

Test(control_schedule, months_end_where_the_month_does)
{
	static const struct {
		const char *from;
		int32_t months;
		const char *to;
	} cases[] = {
		{"2026-01-31", 1, "2026-02-28"},
		{"2024-01-31", 1, "2024-02-29"},
		{"2026-01-31", 2, "2026-03-31"},
		{"2026-01-31", 3, "2026-04-30"},
		{"2026-10-31", 3, "2027-01-31"},
		{"2024-02-29", 12, "2025-02-28"},
		{"2024-02-29", 48, "2028-02-29"},
		{"2026-12-15", 1, "2027-01-15"},
		{"2026-08-31", 6, "2027-02-28"},
		{"2026-05-05", 0, "2026-05-05"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(calendar_add_months(day(cases[i].from), cases[i].months),
			day(cases[i].to), "%s + %d", cases[i].from, cases[i].months);
	cr_assert_eq(calendar_months_between(day("2026-01-31"), day("2026-02-01")), 1);
	cr_assert_eq(calendar_months_between(day("2026-12-31"), day("2027-01-01")), 1);
}

static const struct schedule *add(struct schedules *schedules, enum schedule_frequency frequency,
	const char *start, const char *end, int32_t time_ms, int64_t now_ms)
{
	static const char details[] = "<sr:X><k>abc</k></sr:X>";
	struct schedule_terms terms = {
		.frequency = frequency,
		.start_day = day(start),
		.end_day = end != NULL ? day(end) : SCHEDULE_NO_END,
		.time_ms = time_ms,
		.device_id = 7,
		.read = schedulable_find("4.6.1"),
	};
	struct schedule_text text = {
		.details = details,
		.details_length = sizeof(details) - 1,
		.credential = details + 9,
		.credential_length = 3,
		.schema_version = "5.4",
	};

	return schedules_add(schedules, 1, &terms, &text, now_ms);
}

/* The days of the next `count` runs are those of `days`. */
static void expect_runs(enum schedule_frequency frequency, const char *start, int64_t now_ms,
	const char *const *days, uint32_t count)
{
	struct schedules *schedules = schedules_create(1);
	const struct schedule *added =
		add(schedules, frequency, start, NULL, SCHEDULE_ANY_TIME, now_ms);

	cr_assert_not_null(added);
	for (uint32_t i = 0; i < count; i++) {
		struct schedule *due = schedules_due(schedules, INT64_MAX);

		cr_assert_eq(due, added);
		cr_assert_eq(due->run_day, day(days[i]), "run %u of frequency %d", i, frequency);
		cr_assert_eq(due->due_ms, (int64_t)day(days[i]) * CALENDAR_DAY_MS);
		cr_assert_eq(due->occurrence, i);
		cr_assert(schedules_advance(schedules, due));
	}
	schedules_destroy(schedules);
}

Test(control_schedule, frequencies)
{
	int64_t now = instant("2026-01-31", 12, 0);

	expect_runs(SCHEDULE_DAILY, "2026-02-27", now,
		(const char *[]){"2026-02-27", "2026-02-28", "2026-03-01"}, 3);
	expect_runs(SCHEDULE_WEEKLY, "2026-02-27", now,
		(const char *[]){"2026-02-27", "2026-03-06", "2026-03-13"}, 3);
	expect_runs(SCHEDULE_MONTHLY, "2026-01-31", now,
		(const char *[]){
			"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"},
		5);
	expect_runs(SCHEDULE_QUARTERLY, "2026-11-30", now,
		(const char *[]){"2026-11-30", "2027-02-28", "2027-05-30"}, 3);
	expect_runs(SCHEDULE_HALF_YEARLY, "2026-08-31", now,
		(const char *[]){"2026-08-31", "2027-02-28", "2027-08-31"}, 3);
	expect_runs(SCHEDULE_YEARLY, "2028-02-29", now,
		(const char *[]){
			"2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"},
		5);
}

/* Steps of the past are not run, and the rhythm of the start date stays. */
Test(control_schedule, a_start_in_the_past)
{
	int64_t now = instant("2026-03-15", 9, 0);

	expect_runs(
		SCHEDULE_DAILY, "2015-01-02", now, (const char *[]){"2026-03-15", "2026-03-16"}, 2);
	expect_runs(SCHEDULE_WEEKLY, "2026-03-01", now,
		(const char *[]){"2026-03-15", "2026-03-22"}, 2);
	expect_runs(SCHEDULE_WEEKLY, "2026-03-02", now, (const char *[]){"2026-03-16"}, 1);
	expect_runs(SCHEDULE_MONTHLY, "2025-08-31", now,
		(const char *[]){"2026-03-31", "2026-04-30"}, 2);
	expect_runs(SCHEDULE_MONTHLY, "2025-08-14", now, (const char *[]){"2026-04-14"}, 1);
	expect_runs(SCHEDULE_QUARTERLY, "2020-01-31", now, (const char *[]){"2026-04-30"}, 1);
	expect_runs(SCHEDULE_YEARLY, "2024-02-29", now, (const char *[]){"2027-02-28"}, 1);
}

Test(control_schedule, execution_time)
{
	struct schedules *schedules = schedules_create(1);
	int64_t now = instant("2026-03-15", 9, 0);
	int32_t ten = 10 * 3600000;
	int32_t eight = 8 * 3600000;

	cr_assert_eq(add(schedules, SCHEDULE_DAILY, "2026-03-01", NULL, ten, now)->due_ms,
		instant("2026-03-15", 10, 0));
	/* The time of today has passed: not made up for, tomorrow is the first run. */
	const struct schedule *late =
		add(schedules, SCHEDULE_DAILY, "2026-03-01", NULL, eight, now);
	cr_assert_eq(late->due_ms, instant("2026-03-16", 8, 0));
	cr_assert_eq(late->occurrence, 0);
	/* Exactly now still counts. */
	cr_assert_eq(
		add(schedules, SCHEDULE_DAILY, "2026-03-01", NULL, 9 * 3600000, now)->due_ms, now);
	/* The DSP chooses: today means at once. */
	cr_assert_leq(
		add(schedules, SCHEDULE_DAILY, "2026-03-15", NULL, SCHEDULE_ANY_TIME, now)->due_ms,
		now);
	schedules_destroy(schedules);
}

Test(control_schedule, end_date)
{
	struct schedules *schedules = schedules_create(5);
	int64_t now = instant("2026-03-15", 9, 0);

	cr_assert_null(
		add(schedules, SCHEDULE_DAILY, "2026-03-01", "2026-03-14", SCHEDULE_ANY_TIME, now));
	cr_assert_eq(errno, ERANGE);
	cr_assert_null(add(schedules, SCHEDULE_WEEKLY, "2026-03-10", "2026-03-16", 0, now));
	cr_assert_eq(errno, ERANGE);
	cr_assert_eq(schedules_count(schedules), 0);
	/* The last day is included. */
	const struct schedule *added =
		add(schedules, SCHEDULE_DAILY, "2026-03-01", "2026-03-16", SCHEDULE_ANY_TIME, now);
	cr_assert_not_null(added);
	cr_assert_eq(added->id, 5);
	cr_assert(schedules_advance(schedules, schedules_due(schedules, now)));
	cr_assert_null(schedules_due(schedules, now));
	cr_assert_eq(schedules_next_due_ms(schedules), instant("2026-03-16", 0, 0));
	struct schedule *last = schedules_due(schedules, instant("2026-03-16", 0, 0));
	cr_assert_eq(last, added);
	cr_assert_not(schedules_advance(schedules, last));
	cr_assert_eq(schedules_count(schedules), 0);
	cr_assert_null(schedules_find(schedules, 5));
	schedules_destroy(schedules);
}

Test(control_schedule, end_of_the_calendar)
{
	struct schedules *schedules = schedules_create(1);

	cr_assert_not_null(
		add(schedules, SCHEDULE_MONTHLY, "2199-11-30", NULL, SCHEDULE_ANY_TIME, 0));
	cr_assert(schedules_advance(schedules, schedules_due(schedules, INT64_MAX)));
	cr_assert_not(schedules_advance(schedules, schedules_due(schedules, INT64_MAX)));
	schedules_destroy(schedules);
}

Test(control_schedule, request_ids)
{
	struct schedule schedule = {.id = SCHEDULE_ID_MAX, .occurrence = 65535, .attempt = 15};

	schedule.terms.device_id = 7;
	struct mw_request_id id = schedule_request_id(&schedule, 9);
	cr_assert_eq(id.originator, 9);
	cr_assert_eq(id.target, 7);
	cr_assert_eq(id.counter, ((uint64_t)SCHEDULE_ID_MAX << 20) + (65535u << 4) + 15);
}

Test(control_schedule, ninety_nine_of_a_user_and_device)
{
	struct schedules *schedules = schedules_create(100);
	struct schedule *found[SCHEDULES_OF_DEVICE_MAX];

	for (int i = 0; i < SCHEDULES_OF_DEVICE_MAX; i++)
		cr_assert_not_null(add(schedules, SCHEDULE_DAILY, "2026-03-01", NULL, 0, 0));
	cr_assert_null(add(schedules, SCHEDULE_DAILY, "2026-03-01", NULL, 0, 0));
	cr_assert_eq(errno, EDQUOT);
	cr_assert_eq(schedules_of_device(schedules, 1, 7, found), 99);
	for (unsigned i = 0; i < 99; i++)
		cr_assert_eq(found[i]->id, 100 + i);
	cr_assert_eq(schedules_of_device(schedules, 2, 7, found), 0);
	cr_assert_eq(schedules_of_device(schedules, 1, 8, found), 0);
	schedules_remove(schedules, schedules_find(schedules, 150));
	cr_assert_not_null(add(schedules, SCHEDULE_DAILY, "2026-03-01", NULL, 0, 0));
	cr_assert_eq(schedules_of_device(schedules, 1, 7, found), 99);
	cr_assert_eq(found[98]->id, 199);
	cr_assert_str_eq(found[0]->schema_version, "5.4");
	cr_assert_eq(found[0]->credential_length, 3);
	cr_assert_eq(strncmp(found[0]->credential, "abc", 3), 0);
	schedules_destroy(schedules);
}

/* Random additions, removals, retries and runs; the heap's first is the least of all. */
Test(control_schedule, heap_agrees_with_a_search)
{
	struct schedules *schedules = schedules_create(1);
	struct schedule *all[400];
	unsigned count = 0;

	srand(20261122);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned choice = (unsigned)rand() % 4;

		if (count < 90 && choice == 0) {
			all[count++] = (struct schedule *)add(schedules,
				(enum schedule_frequency)(rand() % SCHEDULE_FREQUENCY_COUNT),
				"2026-01-15", NULL, rand() % CALENDAR_DAY_MS, 0);
		} else if (count > 0 && choice == 1) {
			unsigned at = (unsigned)rand() % count;

			schedules_remove(schedules, all[at]);
			all[at] = all[--count];
		} else if (count > 0) {
			struct schedule *least = all[0];

			for (unsigned i = 1; i < count; i++)
				if (all[i]->due_ms < least->due_ms ||
					(all[i]->due_ms == least->due_ms && all[i]->id < least->id))
					least = all[i];
			cr_assert_eq(schedules_next_due_ms(schedules), least->due_ms);
			cr_assert_null(schedules_due(schedules, least->due_ms - 1));
			cr_assert_eq(schedules_due(schedules, least->due_ms), least);
			if (least->occurrence > 1000 || choice == 2)
				schedules_retry(schedules, least, least->due_ms + rand() % 1000000);
			else
				cr_assert(schedules_advance(schedules, least));
		}
		cr_assert_eq(schedules_count(schedules), count);
	}
	schedules_destroy(schedules);
}

Test(control_schedule, schedulable_rows)
{
	unsigned rows = 0;

	for (; schedulable_row(rows) != NULL; rows++)
		cr_assert_eq(schedulable_find(schedulable_row(rows)->srv), schedulable_row(rows));
	cr_assert_eq(rows, 14);
	cr_assert_null(schedulable_find("4.1.1"));
}
