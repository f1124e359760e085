/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and schedules: parsing, month ends, what is due when, what another process finds, and the
 * order of the queue against a plain search over thousands of random steps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/calendar.h"
#include "control/schedule.h"
#include "control_fixture.h"

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

static struct reference *reference;
static struct schedules *schedules;

static void create(void)
{
	fixture_create();
	reference = fixture_reference(1);
	fixture_store(reference);
	schedules = schedules_open(fixture_ledger(), 0);
	cr_assert_not_null(schedules);
}

static void destroy(void)
{
	schedules_close(schedules);
	reference_free(reference);
	fixture_destroy();
}

TestSuite(control_schedules, .init = create, .fini = destroy);

/* A process that is killed and another one that begins at now_ms. */
static void begin_again(int64_t now_ms)
{
	schedules_close(schedules);
	fixture_store_again();
	schedules = schedules_open(fixture_ledger(), now_ms);
	cr_assert_not_null(schedules);
}

static void commit(void)
{
	cr_assert_eq(ledger_commit(fixture_ledger()), 0);
}

static int add_of(uint64_t device_id, enum schedule_frequency frequency, const char *const dates[2],
	int32_t time_ms, int64_t now_ms, struct schedule *added)
{
	static const char details[] = "<sr:X><k>abc</k></sr:X>";
	struct schedule_terms terms = {
		.frequency = frequency,
		.start_day = day(dates[0]),
		.end_day = dates[1] != NULL ? day(dates[1]) : SCHEDULE_NO_END,
		.time_ms = time_ms,
		.device_id = device_id,
		.read = schedulable_find("4.6.1"),
		.period_start_days = -1,
	};
	struct schedule_text text = {
		.details = details,
		.details_length = sizeof(details) - 1,
		.credential = details + 9,
		.credential_length = 3,
		.schema_version = "5.4",
	};
	struct schedule_order order = {
		.user = 1, .terms = &terms, .text = &text, .removal.at_s = STORE_NEVER};
	uint64_t id;
	int result = schedules_add(schedules, &order, now_ms, &id);

	return result == 0 ? schedules_find(schedules, id, added) : result;
}

static int add(enum schedule_frequency frequency, const char *start, const char *end,
	int32_t time_ms, int64_t now_ms, struct schedule *added)
{
	const char *const dates[2] = {start, end};

	return add_of(7, frequency, dates, time_ms, now_ms, added);
}

/* The same where nothing is to go wrong. */
static struct schedule added(enum schedule_frequency frequency, const char *start, const char *end,
	int32_t time_ms, int64_t now_ms)
{
	struct schedule schedule;

	cr_assert_eq(add(frequency, start, end, time_ms, now_ms, &schedule), 0);
	return schedule;
}

/* The days of the next `count` runs are those of `days`, also when the process is another one for
 * each of them. */
static void expect_runs(enum schedule_frequency frequency, const char *start, int64_t now_ms,
	const char *const *days, uint32_t count)
{
	uint64_t id = added(frequency, start, NULL, SCHEDULE_ANY_TIME, now_ms).id;

	for (uint32_t i = 0; i < count; i++) {
		struct schedule due;

		if (i % 2 == 1) {
			commit();
			begin_again(now_ms);
		}
		cr_assert_eq(schedules_due(schedules, INT64_MAX, &due), 1);
		cr_assert_eq(due.id, id);
		cr_assert_eq(due.run_day, day(days[i]), "run %u of frequency %d", i, frequency);
		cr_assert_eq(due.due_ms, (int64_t)day(days[i]) * CALENDAR_DAY_MS);
		cr_assert_eq(due.occurrence, i);
		cr_assert_eq(schedules_advance(schedules, id), SCHEDULE_GOES_ON);
	}
	cr_assert_eq(schedules_remove(schedules, id), 0);
}

Test(control_schedules, frequencies)
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
Test(control_schedules, a_start_in_the_past)
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

Test(control_schedules, execution_time)
{
	int64_t now = instant("2026-03-15", 9, 0);
	int32_t ten = 10 * 3600000;
	int32_t eight = 8 * 3600000;

	cr_assert_eq(added(SCHEDULE_DAILY, "2026-03-01", NULL, ten, now).due_ms,
		instant("2026-03-15", 10, 0));
	/* The time of today has passed: not made up for, tomorrow is the first run. */
	struct schedule late = added(SCHEDULE_DAILY, "2026-03-01", NULL, eight, now);
	cr_assert_eq(late.due_ms, instant("2026-03-16", 8, 0));
	cr_assert_eq(late.occurrence, 0);
	/* Exactly now still counts. */
	cr_assert_eq(added(SCHEDULE_DAILY, "2026-03-01", NULL, 9 * 3600000, now).due_ms, now);
	/* The DSP chooses: today means at once. */
	cr_assert_leq(
		added(SCHEDULE_DAILY, "2026-03-15", NULL, SCHEDULE_ANY_TIME, now).due_ms, now);
}

Test(control_schedules, end_date)
{
	int64_t now = instant("2026-03-15", 9, 0);
	struct schedule schedule;

	cr_assert_eq(
		add(SCHEDULE_DAILY, "2026-03-01", "2026-03-14", SCHEDULE_ANY_TIME, now, &schedule),
		-ERANGE);
	cr_assert_eq(add(SCHEDULE_WEEKLY, "2026-03-10", "2026-03-16", 0, now, &schedule), -ERANGE);
	commit();
	cr_assert_eq(schedules_count(schedules), 0);
	/* The last day is included. */
	uint64_t id = added(SCHEDULE_DAILY, "2026-03-01", "2026-03-16", SCHEDULE_ANY_TIME, now).id;
	cr_assert_eq(id, 1);
	cr_assert_eq(schedules_due(schedules, now, &schedule), 1);
	cr_assert_eq(schedules_advance(schedules, id), SCHEDULE_GOES_ON);
	cr_assert_eq(schedules_due(schedules, now, &schedule), 0);
	cr_assert_eq(schedules_next_due_ms(schedules), instant("2026-03-16", 0, 0));
	cr_assert_eq(schedules_due(schedules, instant("2026-03-16", 0, 0), &schedule), 1);
	cr_assert_eq(schedule.id, id);
	cr_assert_eq(schedules_advance(schedules, id), SCHEDULE_ENDED);
	commit();
	cr_assert_eq(schedules_count(schedules), 0);
	cr_assert_eq(schedules_find(schedules, id, &schedule), -ENOENT);
	cr_assert_eq(schedules_advance(schedules, id), -ENOENT);
}

Test(control_schedules, end_of_the_calendar)
{
	struct schedule due;

	added(SCHEDULE_MONTHLY, "2199-11-30", NULL, SCHEDULE_ANY_TIME, 0);
	cr_assert_eq(schedules_due(schedules, INT64_MAX, &due), 1);
	cr_assert_eq(schedules_advance(schedules, due.id), SCHEDULE_GOES_ON);
	cr_assert_eq(schedules_due(schedules, INT64_MAX, &due), 1);
	cr_assert_eq(schedules_advance(schedules, due.id), SCHEDULE_ENDED);
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

Test(control_schedules, ninety_nine_of_a_user_and_device)
{
	uint64_t ids[SCHEDULES_OF_DEVICE_MAX];
	struct schedule schedule;

	for (int i = 0; i < SCHEDULES_OF_DEVICE_MAX; i++)
		added(SCHEDULE_DAILY, "2026-03-01", NULL, 0, 0);
	cr_assert_eq(add(SCHEDULE_DAILY, "2026-03-01", NULL, 0, 0, &schedule), -EDQUOT);
	cr_assert_eq(schedules_of_device(schedules, 1, 7, ids), 99);
	for (unsigned i = 0; i < 99; i++)
		cr_assert_eq(ids[i], 1 + i);
	cr_assert_eq(schedules_of_device(schedules, 2, 7, ids), 0);
	cr_assert_eq(schedules_of_device(schedules, 0, 7, ids), 0);
	cr_assert_eq(schedules_of_device(schedules, 1, 8, ids), 0);
	cr_assert_eq(schedules_remove(schedules, 50), 0);
	cr_assert_eq(schedules_remove(schedules, 50), -ENOENT);
	added(SCHEDULE_DAILY, "2026-03-01", NULL, 0, 0);
	cr_assert_eq(schedules_of_device(schedules, 1, 7, ids), 99);
	cr_assert_eq(ids[98], 100);
	cr_assert_eq(schedules_find(schedules, 1, &schedule), 0);
	cr_assert_str_eq(schedule.schema_version, "5.4");
	cr_assert_eq(schedule.credential_length, 3);
	cr_assert_eq(strncmp(schedule.credential, "abc", 3), 0);
}

/* ---- another process */

Test(control_schedules, ids_never_come_twice)
{
	int64_t now = instant("2026-03-15", 9, 0);

	cr_assert_eq(added(SCHEDULE_DAILY, "2026-03-15", NULL, 0, 0).id, 1);
	cr_assert_eq(added(SCHEDULE_DAILY, "2026-03-15", NULL, 0, 0).id, 2);
	cr_assert_eq(schedules_remove(schedules, 2), 0);
	commit();
	/* This one was never acknowledged. */
	cr_assert_eq(added(SCHEDULE_DAILY, "2026-03-15", NULL, 0, 0).id, 3);
	begin_again(0);
	cr_assert_eq(schedules_count(schedules), 1);
	cr_assert_eq(added(SCHEDULE_DAILY, "2026-03-15", NULL, 0, 0).id, 3);
	commit();
	/* An old copy of the store knows less than was given; the clock knows it. */
	begin_again(now);
	uint64_t id = added(SCHEDULE_DAILY, "2026-03-15", NULL, 0, 0).id;
	cr_assert_eq(id, (uint64_t)now / 1000 * 100 + 1);
	commit();
	/* The clock was set back. */
	begin_again(0);
	cr_assert_eq(added(SCHEDULE_DAILY, "2026-03-15", NULL, 0, 0).id, id + 1);
}

/* Killed after a run was offered, before or after it was taken: the same run again, under the same
 * RequestID; once it is recorded, the next one. */
Test(control_schedules, a_run_has_one_request_id)
{
	int64_t now = instant("2026-03-15", 9, 0);
	struct schedule first;
	struct schedule again;

	added(SCHEDULE_DAILY, "2026-03-15", NULL, SCHEDULE_ANY_TIME, now);
	commit();
	cr_assert_eq(schedules_due(schedules, now, &first), 1);
	struct mw_request_id id = schedule_request_id(&first, 9);
	begin_again(now);
	cr_assert_eq(schedules_due(schedules, now, &again), 1);
	struct mw_request_id same = schedule_request_id(&again, 9);
	cr_assert_eq(memcmp(&id, &same, sizeof(id)), 0);
	/* Taken, but not committed. */
	cr_assert_eq(schedules_advance(schedules, again.id), SCHEDULE_GOES_ON);
	begin_again(now);
	cr_assert_eq(schedules_due(schedules, now, &again), 1);
	same = schedule_request_id(&again, 9);
	cr_assert_eq(memcmp(&id, &same, sizeof(id)), 0);
	cr_assert_eq(schedules_advance(schedules, again.id), SCHEDULE_GOES_ON);
	commit();
	begin_again(now);
	cr_assert_eq(schedules_due(schedules, now, &again), 0);
	cr_assert_eq(schedules_next_due_ms(schedules), instant("2026-03-16", 0, 0));
	cr_assert_eq(schedules_due(schedules, instant("2026-03-16", 0, 0), &again), 1);
	cr_assert_eq(schedule_request_id(&again, 9).counter, id.counter + 16);
}

/* More runs than the queue in memory holds, in the order of their times, whatever is added, rests
 * or goes on meanwhile. */
Test(control_schedules, more_than_the_queue_holds, .timeout = 60)
{
	enum {
		COUNT = 3 * SCHEDULES_QUEUE_MAX
	};
	const char *const dates[2] = {"2026-01-15", NULL};
	int64_t now = instant("2026-01-14", 0, 0);
	int64_t last = 0;
	struct schedule due;

	srand(20261123);
	for (uint64_t i = 0; i < COUNT; i++) {
		int32_t time_ms = rand() % CALENDAR_DAY_MS;

		cr_assert_eq(add_of(1000 + i, SCHEDULE_DAILY, dates, time_ms, now, &due), 0);
		if (i == COUNT / 2) {
			commit();
			begin_again(now);
			cr_assert_eq(schedules_due(schedules, now, &due), 0);
		}
	}
	commit();
	int64_t end = instant("2026-01-16", 0, 0) - 1;
	for (unsigned i = 0; i < COUNT; i++) {
		cr_assert_eq(schedules_due(schedules, end, &due), 1, "run %u", i);
		cr_assert_geq(due.due_ms, last);
		cr_assert_eq(due.occurrence, 0);
		last = due.due_ms;
		if (i % 7 == 0) {
			schedules_retry(schedules, due.id, 0);
			uint64_t id = due.id;
			cr_assert_eq(schedules_due(schedules, end, &due), 1);
			cr_assert_eq(due.id, id, "what rests goes first");
		}
		cr_assert_eq(schedules_advance(schedules, due.id), SCHEDULE_GOES_ON);
	}
	cr_assert_eq(schedules_due(schedules, end, &due), 0);
	/* The next day, the same in their order. */
	last = 0;
	for (unsigned i = 0; i < COUNT; i++) {
		cr_assert_eq(schedules_due(schedules, end + CALENDAR_DAY_MS, &due), 1);
		cr_assert_geq(due.due_ms, last);
		cr_assert_eq(due.occurrence, 1);
		last = due.due_ms;
	}
}

/* Where so many have found no room, the others wait; the first that may go, goes. */
Test(control_schedules, resting_is_bounded)
{
	const char *const dates[2] = {"2026-01-15", NULL};
	int64_t now = instant("2026-01-15", 9, 0);
	struct schedule due;

	for (uint64_t i = 0; i < SCHEDULES_RESTING_MAX + 10; i++)
		cr_assert_eq(
			add_of(1000 + i, SCHEDULE_DAILY, dates, SCHEDULE_ANY_TIME, now, &due), 0);
	for (uint64_t i = 0; i < SCHEDULES_RESTING_MAX; i++) {
		cr_assert_eq(schedules_due(schedules, now, &due), 1);
		schedules_retry(schedules, due.id, now + 1000);
	}
	cr_assert_eq(schedules_due(schedules, now, &due), 0);
	cr_assert_eq(schedules_next_due_ms(schedules), now + 1000);
	for (uint64_t i = 0; i < SCHEDULES_RESTING_MAX + 10; i++) {
		cr_assert_eq(schedules_due(schedules, now + 1000, &due), 1);
		cr_assert_eq(schedules_advance(schedules, due.id), SCHEDULE_GOES_ON);
	}
	cr_assert_eq(schedules_due(schedules, now + 1000, &due), 0);
}

/* Random additions, removals, retries, runs and kills; the first is the least of all. */
Test(control_schedules, queue_agrees_with_a_search)
{
	struct one {
		uint64_t id;
		int64_t due_ms;
	} all[90];
	unsigned count = 0;
	struct schedule due;

	srand(20261122);
	for (unsigned step = 0; step < 10000; step++) {
		unsigned choice = (unsigned)rand() % 4;

		if (rand() % 50 == 0) {
			commit();
			/* What rested is due at its own time again. */
			begin_again(0);
			for (unsigned i = 0; i < count; i++) {
				cr_assert_eq(schedules_find(schedules, all[i].id, &due), 0);
				all[i].due_ms = due.due_ms;
			}
		}
		if (count < 90 && choice == 0) {
			due = added((enum schedule_frequency)(rand() % SCHEDULE_FREQUENCY_COUNT),
				"2026-01-15", NULL, rand() % CALENDAR_DAY_MS, 0);
			all[count++] = (struct one){due.id, due.due_ms};
		} else if (count > 0 && choice == 1) {
			unsigned at = (unsigned)rand() % count;

			cr_assert_eq(schedules_remove(schedules, all[at].id), 0);
			all[at] = all[--count];
		} else if (count > 0) {
			struct one *least = all;

			for (unsigned i = 1; i < count; i++)
				if (all[i].due_ms < least->due_ms ||
					(all[i].due_ms == least->due_ms && all[i].id < least->id))
					least = &all[i];
			cr_assert_eq(schedules_due(schedules, least->due_ms - 1, &due), 0);
			cr_assert_eq(schedules_due(schedules, least->due_ms, &due), 1);
			cr_assert_eq(due.id, least->id);
			if (due.occurrence > 1000 || choice == 2) {
				least->due_ms += rand() % 1000000;
				schedules_retry(schedules, due.id, least->due_ms);
			} else {
				cr_assert_eq(
					schedules_advance(schedules, due.id), SCHEDULE_GOES_ON);
				cr_assert_eq(schedules_find(schedules, due.id, &due), 0);
				least->due_ms = due.due_ms;
			}
		}
	}
	commit();
	cr_assert_eq(schedules_count(schedules), count);
}

/* A store without room says so, and takes removals all the same. */
Test(control_schedules, a_full_store)
{
	const char *const dates[2] = {"2026-01-15", NULL};
	struct schedule schedule;
	uint64_t count = 0;
	int result;

	while ((result = add_of(
			1000 + count, SCHEDULE_DAILY, dates, SCHEDULE_ANY_TIME, 0, &schedule)) == 0)
		if (++count % 4096 == 0)
			commit();
	cr_assert_eq(result, -ENOSPC);
	commit();
	cr_assert_gt(count, 100000);
	cr_assert_eq(schedules_count(schedules), count);
	for (uint64_t i = 1; i <= 1000; i++) {
		cr_assert_eq(schedules_due(schedules, INT64_MAX, &schedule), 1);
		cr_assert_eq(schedules_advance(schedules, schedule.id), SCHEDULE_GOES_ON);
		cr_assert_eq(schedules_remove(schedules, count - i), 0);
	}
	commit();
	cr_assert_eq(schedules_count(schedules), count - 1000);
}

Test(control_schedule, schedulable_rows)
{
	unsigned rows = 0;

	for (; schedulable_row(rows) != NULL; rows++)
		cr_assert_eq(schedulable_find(schedulable_row(rows)->srv), schedulable_row(rows));
	cr_assert_eq(rows, 14);
	cr_assert_null(schedulable_find("4.1.1"));
}
