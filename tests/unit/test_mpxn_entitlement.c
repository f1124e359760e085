/* SPDX-License-Identifier: Apache-2.0 */
/* From timelines to entries of the registry image: which kind for which MPxN, the boundary at a
 * change in winter and in summer, both clock changes, merging, too many entries, and every hour of
 * random timelines against the days themselves. */
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "control/entitlement.h"

#define MDR_OLD 7
#define MDR_NEW 8

static struct settlement_calendar *calendar;

static void open_calendar(void)
{
	char reason[256];

	calendar = settlement_open(NULL, reason, sizeof(reason));
	cr_assert_not_null(calendar, "%s", reason);
}

static void close_calendar(void)
{
	settlement_close(calendar);
}

TestSuite(entitlement, .init = open_calendar, .fini = close_calendar);

static int32_t day(const char *date)
{
	int32_t value = -1;

	cr_assert_eq(settlement_parse_date(date, strlen(date), &value), 0, "%s", date);
	return value;
}

/* "2026-07-01T23:00Z" */
static int64_t instant(const char *text)
{
	struct tm time = {0};

	cr_assert_not_null(strptime(text, "%Y-%m-%dT%H:%MZ", &time), "%s", text);
	return timegm(&time);
}

static size_t entries_of(const struct entitlement_source *sources, size_t count,
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX])
{
	size_t dropped = 1;

	count = entitlement_entries(calendar, sources, count, entries, &dropped);
	cr_assert_eq(dropped, 0);
	return count;
}

Test(entitlement, kinds_by_use)
{
	/* Organisations 1 to 4 are one of each kind of the timeline. */
	static const uint8_t expected[][5] = {
		[MPXN_IMPORT] = {0, MW_ENTITLEMENT_IMPORT_SUPPLIER, MW_ENTITLEMENT_DISTRIBUTOR,
			MW_ENTITLEMENT_MDR_IMPORT, MW_ENTITLEMENT_AGENT_IMPORT},
		[MPXN_SECONDARY_IMPORT] = {0, MW_ENTITLEMENT_IMPORT_SUPPLIER,
			MW_ENTITLEMENT_DISTRIBUTOR, MW_ENTITLEMENT_MDR_IMPORT,
			MW_ENTITLEMENT_AGENT_IMPORT},
		[MPXN_EXPORT] = {0, MW_ENTITLEMENT_EXPORT_SUPPLIER, MW_ENTITLEMENT_DISTRIBUTOR,
			MW_ENTITLEMENT_MDR_EXPORT, MW_ENTITLEMENT_AGENT_EXPORT},
		[MPXN_GAS] = {0, MW_ENTITLEMENT_GAS_SUPPLIER, MW_ENTITLEMENT_TRANSPORTER, 0,
			MW_ENTITLEMENT_AGENT_GAS},
	};
	int32_t from = day("2026-01-01");
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX];

	for (uint8_t use = MPXN_IMPORT; use <= MPXN_GAS; use++)
		for (uint8_t kind = MPXN_IS_SUPPLIER; kind <= MPXN_IS_AGENT; kind++) {
			struct mpxn_interval interval = {kind, kind, from, MPXN_OPEN_DAY};
			struct entitlement_source source = {use, &interval, 1};

			size_t count = entries_of(&source, 1, entries);
			cr_assert_eq(count, expected[use][kind] != 0);
			if (count == 0)
				continue;
			cr_assert_eq(entries[0].party, (uint32_t)expected[use][kind] << 24 | kind);
			cr_assert_eq(entries[0].from_s, (uint32_t)from * 86400);
			cr_assert_eq(entries[0].to_s, MW_REGISTRY_OPEN_END);
		}
}

/* Retrievers change on `date`; both appointments for the import MPAN. */
static size_t change_on(const char *date, struct mw_registry_entry *entries)
{
	struct mpxn_interval intervals[] = {
		{MPXN_IS_MDR, MDR_OLD, 0, day(date)},
		{MPXN_IS_MDR, MDR_NEW, day(date), MPXN_OPEN_DAY},
	};
	struct entitlement_source source = {MPXN_IMPORT, intervals, 2};

	return entries_of(&source, 1, entries);
}

/* What of the window an organisation may read: "all", "nothing", or the part. */
static const char *may_read(
	const char *change, uint32_t organisation, const char *start, const char *end)
{
	static char text[64];
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX];
	size_t count = change_on(change, entries);
	uint32_t party = entitlement_party(organisation, MW_ENTITLEMENT_MDR_IMPORT);
	struct entitlement_window window = {instant(start), instant(end)};
	struct entitlement_window part;

	if (entitlement_covers(entries, count, party, window))
		return "all";
	if (!entitlement_part(entries, count, party, window, &part))
		return "nothing";
	struct tm time;
	size_t length = strftime(
		text, sizeof(text), "%Y-%m-%dT%H:%MZ ", gmtime_r(&(time_t){part.start_s}, &time));
	strftime(text + length, sizeof(text) - length, "%Y-%m-%dT%H:%MZ",
		gmtime_r(&(time_t){part.end_s}, &time));
	return text;
}

#define MAY_READ(expected, ...)                                                                    \
	do {                                                                                       \
		const char *text_ = may_read(__VA_ARGS__);                                         \
		cr_assert_str_eq(text_, expected, "%s instead of %s", text_, expected);            \
	} while (0)

/* BR 2.2: "a change of MDRA will take effect at 00:00 on the relevant Settlement Day and ... the
 * outgoing MDRA will not be able to access data for Settlement Days on or after the EFD". */
Test(entitlement, the_entry_stamped_at_the_change_belongs_to_the_old_day)
{
	/* Winter: local midnight is midnight UTC. */
	MAY_READ("all", "2026-01-15", MDR_OLD, "2026-01-14T00:00Z", "2026-01-15T00:00Z");
	MAY_READ("2026-01-14T00:00Z 2026-01-15T00:00Z", "2026-01-15", MDR_OLD, "2026-01-14T00:00Z",
		"2026-01-15T00:30Z");
	MAY_READ("nothing", "2026-01-15", MDR_OLD, "2026-01-15T00:00Z", "2026-01-16T00:00Z");
	MAY_READ("all", "2026-01-15", MDR_NEW, "2026-01-15T00:00Z", "2026-01-16T00:00Z");
	MAY_READ("2026-01-15T00:00Z 2026-01-16T00:00Z", "2026-01-15", MDR_NEW, "2026-01-14T23:30Z",
		"2026-01-16T00:00Z");
	MAY_READ("nothing", "2026-01-15", MDR_NEW, "2026-01-14T00:00Z", "2026-01-15T00:00Z");
	/* Earlier days stay lawful after the change. */
	MAY_READ("all", "2026-01-15", MDR_OLD, "2025-12-01T00:00Z", "2025-12-31T00:00Z");
	/* The instant itself is both's. */
	MAY_READ("all", "2026-01-15", MDR_OLD, "2026-01-15T00:00Z", "2026-01-15T00:00Z");
	MAY_READ("all", "2026-01-15", MDR_NEW, "2026-01-15T00:00Z", "2026-01-15T00:00Z");
}

Test(entitlement, in_summer_a_utc_day_reaches_into_the_next_local_day)
{
	/* EFD 15 July begins on the 14th at 23:00 UTC. */
	MAY_READ("2026-07-14T00:00Z 2026-07-14T23:00Z", "2026-07-15", MDR_OLD, "2026-07-14T00:00Z",
		"2026-07-15T00:00Z");
	MAY_READ("all", "2026-07-15", MDR_OLD, "2026-07-14T00:00Z", "2026-07-14T23:00Z");
	MAY_READ("all", "2026-07-15", MDR_OLD, "2026-07-13T23:00Z", "2026-07-14T23:00Z");
	MAY_READ("all", "2026-07-15", MDR_OLD, "2026-07-13T00:00Z", "2026-07-14T00:00Z");
	MAY_READ("all", "2026-07-15", MDR_NEW, "2026-07-15T00:00Z", "2026-07-16T00:00Z");
	MAY_READ("all", "2026-07-15", MDR_NEW, "2026-07-14T23:00Z", "2026-07-15T23:00Z");
	MAY_READ("2026-07-14T23:00Z 2026-07-15T00:00Z", "2026-07-15", MDR_NEW, "2026-07-14T00:00Z",
		"2026-07-15T00:00Z");
}

Test(entitlement, changes_on_days_when_clocks_change)
{
	/* 29 March 2026 begins at 00:00 UTC and has 23 hours, 25 October at 23:00 and has 25. */
	MAY_READ("all", "2026-03-29", MDR_OLD, "2026-03-28T00:00Z", "2026-03-29T00:00Z");
	MAY_READ("nothing", "2026-03-29", MDR_OLD, "2026-03-29T00:00Z", "2026-03-29T23:00Z");
	MAY_READ("2026-03-29T00:00Z 2026-03-29T23:00Z", "2026-03-30", MDR_OLD, "2026-03-29T00:00Z",
		"2026-03-30T00:00Z");
	MAY_READ("all", "2026-03-30", MDR_NEW, "2026-03-29T23:00Z", "2026-03-30T23:00Z");
	MAY_READ("2026-10-24T00:00Z 2026-10-24T23:00Z", "2026-10-25", MDR_OLD, "2026-10-24T00:00Z",
		"2026-10-25T00:00Z");
	MAY_READ("all", "2026-10-26", MDR_OLD, "2026-10-24T23:00Z", "2026-10-26T00:00Z");
	MAY_READ("all", "2026-10-26", MDR_NEW, "2026-10-26T00:00Z", "2026-10-27T00:00Z");
	MAY_READ("nothing", "2026-10-26", MDR_NEW, "2026-10-25T00:00Z", "2026-10-26T00:00Z");
}

Test(entitlement, import_and_export_are_appointed_separately)
{
	struct mpxn_interval import = {MPXN_IS_MDR, MDR_OLD, 20000, MPXN_OPEN_DAY};
	struct mpxn_interval export = {MPXN_IS_MDR, MDR_NEW, 20000, MPXN_OPEN_DAY};
	struct entitlement_source sources[] = {
		{MPXN_IMPORT, &import, 1},
		{MPXN_EXPORT, &export, 1},
	};
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX];
	struct entitlement_window window = {1760000000, 1760086400};
	size_t count = entries_of(sources, 2, entries);

	cr_assert_eq(count, 2);
	for (int i = 0; i < 4; i++) {
		uint32_t party = entitlement_party(i % 2 ? MDR_NEW : MDR_OLD,
			i < 2 ? MW_ENTITLEMENT_MDR_IMPORT : MW_ENTITLEMENT_MDR_EXPORT);

		cr_assert_eq(entitlement_covers(entries, count, party, window), i == 0 || i == 3);
	}
}

Test(entitlement, neighbours_become_one)
{
	/* The same supplier by two MPANs, touching and overlapping. */
	struct mpxn_interval first[] = {{MPXN_IS_SUPPLIER, 1, 20000, 20010}};
	struct mpxn_interval second[] = {
		{MPXN_IS_SUPPLIER, 1, 20010, 20020},
		{MPXN_IS_SUPPLIER, 1, 20030, 20040},
	};
	struct entitlement_source sources[] = {
		{MPXN_SECONDARY_IMPORT, second, 2},
		{MPXN_IMPORT, first, 1},
	};
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX];

	cr_assert_eq(entries_of(sources, 2, entries), 2);
	cr_assert_eq(entries[0].from_s, settlement_start_s(calendar, 20000));
	cr_assert_eq(entries[0].to_s, settlement_start_s(calendar, 20020));
	cr_assert_eq(entries[1].from_s, settlement_start_s(calendar, 20030));
	/* Days outside of what can be said. */
	first[0] = (struct mpxn_interval){MPXN_IS_SUPPLIER, 1, -10, SETTLEMENT_DAY_MAX + 5};
	cr_assert_eq(entries_of(&sources[1], 1, entries), 1);
	cr_assert_eq(entries[0].from_s, 0);
	cr_assert_eq(entries[0].to_s, MW_REGISTRY_OPEN_END);
	first[0].from_day = SETTLEMENT_DAY_MAX + 1;
	cr_assert_eq(entries_of(&sources[1], 1, entries), 0);
	first[0] = (struct mpxn_interval){MPXN_IS_SUPPLIER, 1, -10, -5};
	cr_assert_eq(entries_of(&sources[1], 1, entries), 0);
}

Test(entitlement, too_many_entries)
{
	struct mpxn_interval intervals[2][100];
	struct entitlement_source sources[] = {
		{MPXN_IMPORT, intervals[0], 100},
		{MPXN_EXPORT, intervals[1], 100},
	};
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX];
	size_t dropped = 0;

	for (int i = 0; i < 100; i++)
		for (int s = 0; s < 2; s++)
			intervals[s][i] = (struct mpxn_interval){MPXN_IS_MDR, (uint32_t)(1 + i % 2),
				20000 + 2 * i + s, i == 99 ? MPXN_OPEN_DAY : 20001 + 2 * i + s};
	size_t count = entitlement_entries(calendar, sources, 2, entries, &dropped);
	cr_assert_eq(count, ENTITLEMENT_ENTRIES_MAX);
	cr_assert_eq(dropped, 200 - ENTITLEMENT_ENTRIES_MAX);
	/* What is left ended last. */
	for (size_t i = 0; i < count; i++)
		cr_assert_gt(entries[i].to_s,
			settlement_start_s(calendar, 20000 + 200 - ENTITLEMENT_ENTRIES_MAX));
	for (size_t i = 1; i < count; i++)
		cr_assert(entries[i - 1].party < entries[i].party ||
			  entries[i - 1].to_s < entries[i].from_s);
}

/* At every hour: entitled exactly when the time just before it lies in a day of an interval. */
Test(entitlement, every_hour_of_random_timelines)
{
	int32_t first = day("2026-03-20");
	uint64_t state = 5;

	for (int round = 0; round < 300; round++) {
		struct mpxn_interval intervals[3][4];
		struct entitlement_source sources[3];
		struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX];

		if (round % 2)
			first = day("2026-10-18");
		for (int s = 0; s < 3; s++) {
			int32_t at = first;
			for (int i = 0; i < 4; i++) {
				state = state * 6364136223846793005ull + 1442695040888963407ull;
				uint32_t draw = (uint32_t)(state >> 33);
				int32_t from = at + (int32_t)(draw % 3);
				at = from + 1 + (int32_t)(draw / 3 % 4);
				intervals[s][i] = (struct mpxn_interval){
					MPXN_IS_MDR, 1 + draw / 12 % 2, from, at};
			}
			sources[s] = (struct entitlement_source){
				(uint8_t)(MPXN_IMPORT + s), intervals[s], 4};
		}
		size_t count = entries_of(sources, 3, entries);
		int64_t start_s = settlement_start_s(calendar, first - 1);
		for (int64_t at = start_s; at < start_s + 35 * 86400; at += 3600)
			for (uint32_t who = 1; who <= 2; who++) {
				bool expected = false;
				bool found = false;
				int32_t on = settlement_day(calendar, at - 1);

				for (int s = 0; s < 2; s++) /* both import MPANs */
					for (int i = 0; i < 4; i++)
						expected |= intervals[s][i].organisation == who &&
							    intervals[s][i].from_day <= on &&
							    on < intervals[s][i].to_day;
				for (size_t i = 0; i < count; i++)
					found |= entries[i].party ==
							 entitlement_party(
								 who, MW_ENTITLEMENT_MDR_IMPORT) &&
						 entries[i].from_s < at && at <= entries[i].to_s;
				cr_assert_eq(found, expected);
			}
	}
}
