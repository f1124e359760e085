/* SPDX-License-Identifier: Apache-2.0 */
/* Settlement Days: every day from 1970 to 2105 against Python's zoneinfo, the days on which clocks
 * change by hand, dates, and zone files that are missing or broken. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/settlement_day.h"

static struct settlement_calendar *open_calendar(void)
{
	char reason[256] = "";
	struct settlement_calendar *calendar = settlement_open(NULL, reason, sizeof(reason));

	cr_assert_not_null(calendar, "%s", reason);
	return calendar;
}

static int32_t day(const char *date)
{
	int32_t value = -1;

	cr_assert_eq(settlement_parse_date(date, strlen(date), &value), 0, "%s", date);
	return value;
}

static int64_t utc(int year, int month, int day_of_month, int hour)
{
	struct tm time = {.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day_of_month,
		.tm_hour = hour};

	return timegm(&time);
}

/* The independent judge: Python's own reader of the same database. */
Test(settlement_day, every_day_agrees_with_zoneinfo)
{
	static const char program[] = "/usr/bin/python3 -c \"\n"
				      "import datetime, zoneinfo\n"
				      "zone = zoneinfo.ZoneInfo('Europe/London')\n"
				      "day = datetime.datetime(1970, 1, 1, tzinfo=zone)\n"
				      "while day.year < 2106:\n"
				      "    print(day.strftime('%Y-%m-%d'), int(day.timestamp()))\n"
				      "    day += datetime.timedelta(days=1)\n"
				      "\"";
	struct settlement_calendar *calendar = open_calendar();
	FILE *judge = popen(program, "r");
	char date[16];
	long long start_s;
	int32_t count = 0;

	cr_assert_not_null(judge);
	while (fscanf(judge, "%15s %lld", date, &start_s) == 2) {
		char text[SETTLEMENT_DATE_SIZE];

		cr_assert_eq(day(date), count);
		settlement_format_date(count, text);
		cr_assert_str_eq(text, date);
		cr_assert_eq(settlement_start_s(calendar, count), start_s, "%s", date);
		cr_assert_eq(settlement_day(calendar, start_s), count, "%s", date);
		cr_assert_eq(settlement_day(calendar, start_s - 1), count - 1, "%s", date);
		cr_assert_eq(settlement_day(calendar, start_s + 23 * 3600 - 1), count, "%s", date);
		count++;
	}
	cr_assert_eq(pclose(judge), 0);
	cr_assert_eq(count, SETTLEMENT_DAY_MAX + 1);
	settlement_close(calendar);
}

Test(settlement_day, days_of_23_and_25_hours)
{
	struct settlement_calendar *calendar = open_calendar();
	int32_t spring = day("2026-03-29");
	int32_t autumn = day("2026-10-25");

	cr_assert_eq(settlement_start_s(calendar, spring), utc(2026, 3, 29, 0));
	cr_assert_eq(settlement_start_s(calendar, spring + 1), utc(2026, 3, 29, 23));
	cr_assert_eq(settlement_start_s(calendar, autumn), utc(2026, 10, 24, 23));
	cr_assert_eq(settlement_start_s(calendar, autumn + 1), utc(2026, 10, 26, 0));
	cr_assert_eq(settlement_start_s(calendar, 0), -3600);
	/* 23:30 UTC on the eve of summer's days is the next day already. */
	cr_assert_eq(settlement_day(calendar, utc(2026, 3, 28, 23) + 1800), spring - 1);
	cr_assert_eq(settlement_day(calendar, utc(2026, 3, 29, 23) + 1800), spring + 1);
	cr_assert_eq(settlement_day(calendar, utc(2026, 10, 25, 23) + 1800), autumn);
	/* Outside. */
	cr_assert_eq(settlement_day(calendar, -3601), -1);
	cr_assert_eq(settlement_day(calendar, utc(2106, 1, 1, 0)), SETTLEMENT_DAY_MAX + 1);
	cr_assert_eq(settlement_day(calendar, INT64_MAX), SETTLEMENT_DAY_MAX + 1);
	cr_assert_eq(settlement_day(calendar, INT64_MIN), -1);
	cr_assert_lt(settlement_start_s(calendar, SETTLEMENT_DAY_MAX + 1), (int64_t)UINT32_MAX);
	settlement_close(calendar);
}

Test(settlement_day, the_process_zone_is_left_alone)
{
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	struct settlement_calendar *calendar = open_calendar();
	time_t now = utc(2026, 7, 1, 0);
	struct tm local;
	localtime_r(&now, &local);
	cr_assert_eq(local.tm_hour, 9);
	cr_assert_str_eq(getenv("TZ"), "Asia/Tokyo");
	cr_assert_eq(settlement_start_s(calendar, day("2026-07-01")), utc(2026, 6, 30, 23));
	settlement_close(calendar);
}

Test(settlement_day, dates)
{
	static const struct {
		const char *text;
		int result;
	} bad[] = {
		{"", -EBADMSG},
		{"2026-03-2", -EBADMSG},
		{"2026-03-299", -EBADMSG},
		{"2026-02-29", -EBADMSG},
		{"2026-13-01", -EBADMSG},
		{"2026-00-01", -EBADMSG},
		{"2026-01-00", -EBADMSG},
		{"2026-12-32", -EBADMSG},
		{"2026/01/01", -EBADMSG},
		{" 026-01-01", -EBADMSG},
		{"2026-01-1Z", -EBADMSG},
		{"1969-12-31", -ERANGE},
		{"2106-01-01", -ERANGE},
		{"0000-01-01", -ERANGE},
	};
	int32_t value;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(settlement_parse_date(bad[i].text, strlen(bad[i].text), &value),
			bad[i].result, "%s", bad[i].text);
	cr_assert_eq(day("1970-01-01"), 0);
	cr_assert_eq(day("2024-02-29"), 19782);
	cr_assert_eq(day("2105-12-31"), SETTLEMENT_DAY_MAX);
}

static void write_file(const char *path, const uint8_t *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

Test(settlement_day, broken_zone_files)
{
	char folder[] = "/tmp/settlement.XXXXXX";
	char path[64];
	char reason[256];
	static uint8_t bytes[65536];
	FILE *file = fopen(SETTLEMENT_ZONE_FOLDER "/" SETTLEMENT_ZONE, "r");

	cr_assert_not_null(file);
	size_t length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	cr_assert_not_null(mkdtemp(folder));
	errno = 0;
	cr_assert_null(settlement_open(folder, reason, sizeof(reason)));
	cr_assert_eq(errno, ENOENT);
	cr_assert_not_null(strstr(reason, "tzdata"), "%s", reason);
	snprintf(path, sizeof(path), "%s/Europe", folder);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/Europe/London", folder);
	/* Cut short anywhere. */
	for (size_t cut = 0; cut < length; cut += cut < 200 || cut > length - 60 ? 1 : 397) {
		write_file(path, bytes, cut);
		errno = 0;
		cr_assert_null(settlement_open(folder, reason, sizeof(reason)), "cut %zu", cut);
		cr_assert_eq(errno, EBADMSG);
	}
	/* Damaged anywhere: refused or read, never worse. */
	srandom(7);
	for (int round = 0; round < 150; round++) {
		size_t at = (size_t)random() % length;
		uint8_t old = bytes[at];

		bytes[at] = (uint8_t)random();
		write_file(path, bytes, length);
		struct settlement_calendar *calendar =
			settlement_open(folder, reason, sizeof(reason));
		if (calendar != NULL)
			cr_assert_eq(settlement_day(calendar, settlement_start_s(calendar, 20000)),
				20000);
		settlement_close(calendar);
		bytes[at] = old;
	}
	write_file(path, bytes, length);
	struct settlement_calendar *calendar = settlement_open(folder, reason, sizeof(reason));
	cr_assert_not_null(calendar);
	settlement_close(calendar);
	unlink(path);
	snprintf(path, sizeof(path), "%s/Europe", folder);
	rmdir(path);
	rmdir(folder);
}
