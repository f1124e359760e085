/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones: every zone of the database against Python's own reader, around each change of the
 * clocks; both changes of the United Kingdom by hand; names and files that are none. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "control/time_zone.h"

static struct time_zone *open_zone(const char *name)
{
	char reason[256] = "";
	struct time_zone *zone = time_zone_open(NULL, name, reason, sizeof(reason));

	cr_assert_not_null(zone, "%s", reason);
	return zone;
}

static int64_t utc(int month, int day, int hour, int minute)
{
	struct tm time = {.tm_year = 2026 - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute};

	return timegm(&time);
}

Test(time_zone, utc_needs_no_database)
{
	char reason[256];
	struct time_zone *zone = time_zone_open("/nowhere", "UTC", reason, sizeof(reason));

	cr_assert_not_null(zone);
	cr_assert_eq(time_zone_offset_s(zone, 1790000000), 0);
	cr_assert_eq(time_zone_instant_s(zone, 1790000000), 1790000000);
	time_zone_close(zone);
}

/* Clocks go forward on 2026-03-29 from 01:00 to 02:00, and back on 2026-10-25 from 02:00 to 01:00.
 */
Test(time_zone, the_clocks_of_the_united_kingdom)
{
	struct time_zone *zone = open_zone("Europe/London");

	cr_assert_eq(time_zone_offset_s(zone, utc(3, 29, 0, 59)), 0);
	cr_assert_eq(time_zone_offset_s(zone, utc(3, 29, 1, 0)), 3600);
	cr_assert_eq(time_zone_instant_s(zone, utc(3, 29, 0, 59)), utc(3, 29, 0, 59));
	cr_assert_eq(time_zone_instant_s(zone, utc(3, 29, 1, 0)), utc(3, 29, 1, 0));
	cr_assert_eq(time_zone_instant_s(zone, utc(3, 29, 1, 30)), utc(3, 29, 1, 0));
	cr_assert_eq(time_zone_instant_s(zone, utc(3, 29, 2, 0)), utc(3, 29, 1, 0));
	cr_assert_eq(time_zone_instant_s(zone, utc(3, 29, 2, 30)), utc(3, 29, 1, 30));
	cr_assert_eq(time_zone_instant_s(zone, utc(10, 25, 0, 59)), utc(10, 24, 23, 59));
	cr_assert_eq(time_zone_instant_s(zone, utc(10, 25, 1, 30)), utc(10, 25, 0, 30));
	cr_assert_eq(time_zone_instant_s(zone, utc(10, 25, 1, 59)), utc(10, 25, 0, 59));
	cr_assert_eq(time_zone_instant_s(zone, utc(10, 25, 2, 0)), utc(10, 25, 2, 0));
	time_zone_close(zone);
}

/* The independent judge: of all instants that may be meant the first that fits, with Python's
 * reader of the database. */
static const char judge_program[] =
	"/usr/bin/python3 -c \"\n"
	"import datetime, zoneinfo\n"
	"utc, day = datetime.timezone.utc, 86400\n"
	"def offset(zone, at):\n"
	"    return int(datetime.datetime.fromtimestamp(at, zone).utcoffset().total_seconds())\n"
	"def first(zone, local, changes):\n"
	"    places = [local - offset(zone, local + k * 3600) for k in range(-26, 27)]\n"
	"    return min(at for at in places + changes if at + offset(zone, at) >= local)\n"
	"for name in sorted(zoneinfo.available_timezones()):\n"
	"    zone = zoneinfo.ZoneInfo(name)\n"
	"    changes = []\n"
	"    for year in (2011, 2026, 2061):\n"
	"        start = int(datetime.datetime(year, 1, 1, tzinfo=utc).timestamp())\n"
	"        for at in range(start, start + 365 * day, 2 * day):\n"
	"            if offset(zone, at) != offset(zone, at + 2 * day):\n"
	"                low, high, before = at, at + 2 * day, offset(zone, at)\n"
	"                while high - low > 1:\n"
	"                    middle = (low + high) // 2\n"
	"                    if offset(zone, middle) == before:\n"
	"                        low = middle\n"
	"                    else:\n"
	"                        high = middle\n"
	"                changes.append(high)\n"
	"        changes.append(start)\n"
	"    for change in changes:\n"
	"        print(name, 'o', change, offset(zone, change))\n"
	"        print(name, 'o', change - 1, offset(zone, change - 1))\n"
	"        for away in (-5400, -3600, -1800, -1, 0, 1, 1799, 3600, 5400, 7200):\n"
	"            local = change + offset(zone, change) + away\n"
	"            print(name, 'i', local, first(zone, local, [c for c in changes if abs(c - "
	"change) < 2 * day]))\n"
	"\"";

Test(time_zone, every_zone_agrees_with_zoneinfo, .timeout = 60)
{
	FILE *judge = popen(judge_program, "r");
	struct time_zone *zone = NULL;
	char open[TIME_ZONE_NAME_SIZE] = "";
	char name[TIME_ZONE_NAME_SIZE];
	char what;
	int64_t given, expected;
	unsigned count = 0;

	cr_assert_not_null(judge);
	while (fscanf(judge, "%63s %c %" SCNd64 " %" SCNd64, name, &what, &given, &expected) == 4) {
		if (strcmp(name, open) != 0) {
			time_zone_close(zone);
			zone = open_zone(name);
			strcpy(open, name);
		}
		int64_t found = what == 'o' ? time_zone_offset_s(zone, given)
					    : time_zone_instant_s(zone, given);
		cr_assert_eq(found, expected, "%s %c %" PRId64 ": %" PRId64 ", not %" PRId64, name,
			what, given, found, expected);
		count++;
	}
	cr_assert_eq(pclose(judge), 0);
	cr_assert_gt(count, 10000);
	time_zone_close(zone);
}

/* Whatever the clocks do, a later local time is never an earlier instant. */
Test(time_zone, instants_never_go_back)
{
	static const char *const names[] = {
		"Europe/London", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"};

	for (size_t i = 0; i < 4; i++) {
		struct time_zone *zone = open_zone(names[i]);
		int64_t last_s = INT64_MIN;

		for (int64_t local_s = 1293840000; local_s < 1293840000 + 400 * 86400ll;
			local_s += 450) {
			int64_t at_s = time_zone_instant_s(zone, local_s);

			cr_assert_geq(at_s, last_s);
			cr_assert_geq(at_s + time_zone_offset_s(zone, at_s), local_s);
			last_s = at_s;
		}
		time_zone_close(zone);
	}
}

Test(time_zone, names_that_are_none)
{
	static const char *const names[] = {"", "/etc/passwd", "../Europe/London", "Europe/../UTC",
		"right/Europe/London", "Europe London", ".", "1Europe", "Eur\x01pe"};
	char reason[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		errno = 0;
		cr_assert_null(
			time_zone_open(NULL, names[i], reason, sizeof(reason)), "%s", names[i]);
		cr_assert_eq(errno, EINVAL, "%s", names[i]);
	}
	cr_assert_null(time_zone_open(NULL, "Europe/Londinium", reason, sizeof(reason)));
	cr_assert_eq(errno, ENOENT);
	cr_assert_null(time_zone_open(NULL, "Europe", reason, sizeof(reason)));
	cr_assert_neq(errno, 0);
	/* In the database's folder, but no zone. */
	cr_assert_null(time_zone_open(NULL, "zone1970.tab", reason, sizeof(reason)));
}
