/* SPDX-License-Identifier: Apache-2.0 */
/* The volumetric model against numbers worked by hand from FIA 4.1.3, 5.3 and Table 4, and from BR
 * 2.6 and 3; exact totals; one meter's schedules against the totals; what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/sim/volumetrics.h"

#define CONF TEST_ROOT "/conf/volumetrics.yaml"

static struct volumetrics model;
static struct demand demand;
static struct demand_day day;

static void begin(void)
{
	cr_assert_eq(volumetrics_read(CONF, &model, stderr), 0);
}

static void set(const char *name, const char *value)
{
	char reason[2048] = "";

	cr_assert_eq(volumetrics_set(&model, name, value, reason, sizeof(reason)), 0, "%s", reason);
}

static int set_reason(const char *name, const char *value, const char *part)
{
	char reason[2048] = "";
	int result = volumetrics_set(&model, name, value, reason, sizeof(reason));

	cr_assert(strstr(reason, part) != NULL, "\"%s\" is not in: %s", part, reason);
	return result;
}

TestSuite(volumetrics, .init = begin);

/* ---- dividing ---- */

Test(volumetrics, share_gives_the_rest_to_the_largest_remainders)
{
	uint64_t parts[4];

	/* 10 by 1:1:1 is 3.33 each: the first gets one more. */
	volumetrics_share(10, (uint64_t[]){1, 1, 1}, 3, parts);
	cr_assert(parts[0] == 4 && parts[1] == 3 && parts[2] == 3);
	/* 100 by 1:2:4 is 14.28, 28.57, 57.14: the second one's rest is the largest. */
	volumetrics_share(100, (uint64_t[]){1, 2, 4}, 3, parts);
	cr_assert(parts[0] == 14 && parts[1] == 29 && parts[2] == 57);
	volumetrics_share(7, (uint64_t[]){0, 5, 0, 0}, 4, parts);
	cr_assert(parts[0] == 0 && parts[1] == 7 && parts[2] == 0 && parts[3] == 0);
	volumetrics_share(1, (uint64_t[]){1, 1, 2, 0}, 4, parts);
	cr_assert(parts[0] == 0 && parts[1] == 0 && parts[2] == 1 && parts[3] == 0);
	volumetrics_share(0, (uint64_t[]){3, 4}, 2, parts);
	cr_assert(parts[0] == 0 && parts[1] == 0);
}

/* ---- the nation ---- */

/* SMETS1: 15.1 m * 18.1 / 31.2 = 8,759,935.897; of it 22 % and 32 %; what is left of 23.9 m less
 * 4,557,000 is CSP South & Central's. */
Test(volumetrics, meters_of_the_providers)
{
	static const uint64_t expected[] = {4557000, 10583064, 1927186, 2803179, 4029571};

	demand_make(&demand, &model, 23900000, 1);
	for (int p = 0; p < VOLUMETRICS_PROVIDERS; p++)
		cr_expect_eq(demand.provider_meters[p], expected[p], "%s: %lu",
			volumetrics_providers[p], (unsigned long)demand.provider_meters[p]);
}

/* Every day: profile of 5,975,000 MDR meters, the day's register of its 3,785,016 SMETS2 meters,
 * and two reads of 2,390,000 export meters: 14,540,016. Every month, a 28th a day: 8,365,000
 * meters, 298,750 a day. */
Test(volumetrics, additional_requests_and_their_residual)
{
	struct demand_totals totals;

	demand_make(&demand, &model, 23900000, 1);
	demand_total(&demand, &totals);
	cr_expect_eq(totals.additional, 14540016 + 298750);
	cr_expect(totals.stated);
	cr_expect_eq(totals.residual, 18700000 - 14838766);
	/* Import suppliers: the profile of 17,925,000 meters, the register of the day of the
	 * SMETS2 ones, 11,355,048, and a 28th of all, 640,178.57. */
	cr_expect_eq(totals.existing, 17925000 + 11355048 + 640179);
	cr_expect_eq(totals.runs, totals.existing + totals.additional);
	set("day_of_month", "29");
	demand_make(&demand, &model, 23900000, 1);
	demand_total(&demand, &totals);
	cr_expect_eq(totals.additional, 14540016, "no monthly reads after the 28th");
}

/* With 4.17 alone for the day and the month, in octets of answers: 4.8.1 576, 4.17 209, 4.8.3 688,
 * 4.6.2 346, 4.2 127, 4.6.1 1188. SMETS1: 8,759,936 meters, 2,189,984 of MDRs, 875,993 with
 * export, which leaves 1,514,007 of SMETS2. */
Test(volumetrics, octets)
{
	struct demand_totals totals;
	uint64_t expected = 5975000ull * 576 + 3785016ull * 209 + 2390000ull * 688 +
			    1514007ull * 346 + 875993ull * 127;

	set("reads.import-day-log.percent", "0");
	set("reads.import-day-consumption.percent", "100");
	cr_assert_eq(volumetrics_apply(&model, "no-monthly"), 0);
	demand_make(&demand, &model, 23900000, 1);
	demand_total(&demand, &totals);
	cr_expect_eq(totals.response_bytes, expected, "%lu", (unsigned long)totals.response_bytes);
	cr_expect_eq(totals.residual_bytes, 8600000000 - (int64_t)expected);
	cr_expect_eq(totals.residual_bytes_two,
		8600000000 - (int64_t)expected - (int64_t)totals.command_bytes);
}

Test(volumetrics, other_readings)
{
	static const struct {
		const char *name;
		uint64_t additional;
	} cases[] = {
		{"nfr-4", 14838766 + 2189984}, /* SMETS1 meters of MDRs, once more */
		{"no-monthly", 14540016},
		{"registers-monthly", 5975000 + 2390000 + 298750},
		{"suppliers-additional", 14838766 + 29920227},
		{"suppliers-additional-registers-monthly", 23900000 + 2390000 + 298750 + 640179},
		{"fia-3-5", 14838766},
	};
	struct demand_totals totals;

	cr_assert_eq(model.reading_count, sizeof(cases) / sizeof(cases[0]));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		cr_assert_eq(volumetrics_apply(&model, cases[i].name), 0);
		demand_make(&demand, &model, 23900000, 1);
		demand_total(&demand, &totals);
		cr_expect_eq(totals.additional, cases[i].additional, "%s: %lu", cases[i].name,
			(unsigned long)totals.additional);
	}
	cr_expect_eq(volumetrics_apply(&model, "nothing-like-it"), -ENOENT);
}

/* ---- windows ---- */

/* CSP North, Off Peak: 1,139,250 MDR meters twice, 455,700 export meters twice, a 28th of both:
 * 3,246,862.5 by hand, and as the days fall 3,246,861; 2 % again and 2 % of these: 64,937 + 1,299.
 * Over 36,000 s 92.0305 a second, and 131.47 at 70 %. */
Test(volumetrics, window_of_csp_north)
{
	demand_make(&demand, &model, 23900000, 1);
	demand_day(&demand, &day);
	const struct demand_window *window =
		&day.windows[VOLUMETRICS_CSP_NORTH][VOLUMETRICS_OFF_PEAK];
	cr_expect_eq(window->from_s, 10 * 3600);
	cr_expect_eq(window->to_s, 20 * 3600);
	cr_expect_eq(window->volume, 3246861);
	cr_expect_eq(window->retries, 64937 + 1299);
	cr_expect_eq(window->need_milli, 92031);
	cr_expect_eq(window->share_milli_percent, 14989); /* 92.031 / 614 */
	cr_expect_eq(window->cap_tps[0], 132);
	/* 3,313,097 / 132 = 25,099.2 s: the total does not bind. */
	cr_expect_eq(window->finish_s, 36000 + 25100);
	cr_expect_eq(window->left, 0);
}

/* S1SP-2: two hours of weight 3, four of 4, two of 3 are 100,800 weighted seconds. */
Test(volumetrics, slots_share_the_work_by_weight)
{
	demand_make(&demand, &model, 23900000, 1);
	demand_day(&demand, &day);
	const struct demand_window *window = &day.windows[VOLUMETRICS_S1SP_2][VOLUMETRICS_OFF_PEAK];
	uint64_t work = window->volume + window->retries; /* 1,322,916 */
	cr_assert_eq(window->slot_count, 3);
	cr_expect_eq(work, 1322916);
	cr_expect_eq(window->cap_tps[0], 57); /* 1,322,916 * 3 / 100,800 / 0.7 = 56.25 */
	cr_expect_eq(window->cap_tps[1], 75); /* 74.998 */
	cr_expect_eq(window->cap_tps[2], 57);
	/* 57 * 7200 + 75 * 12167 = 1,322,925 */
	cr_expect_eq(window->finish_s, 16 * 3600 + 12167);
}

Test(volumetrics, the_dco_has_the_cap_of_s1sp_1)
{
	demand_make(&demand, &model, 23900000, 1);
	demand_day(&demand, &day);
	for (int kind = 0; kind < VOLUMETRICS_WINDOWS; kind++) {
		const struct demand_window *gate = &day.windows[VOLUMETRICS_DCO][kind];
		const struct demand_window *behind = &day.windows[VOLUMETRICS_S1SP_1][kind];

		cr_expect_eq(gate->cap_tps[0], behind->cap_tps[0]);
		cr_expect_eq(gate->volume, behind->volume);
		cr_expect_eq(gate->need_milli, behind->need_milli);
	}
	cr_expect_eq(day.total[VOLUMETRICS_OFF_PEAK].volume, 14838766, "the DCO is in no sum");
	cr_expect_eq(day.total[VOLUMETRICS_OFF_PEAK].cap_tps[0], 614);
	/* A DCO that is open for an hour less holds S1SP-1 up. */
	uint32_t before_s = day.windows[VOLUMETRICS_S1SP_1][VOLUMETRICS_OFF_PEAK].finish_s;
	model.hours[VOLUMETRICS_DCO][VOLUMETRICS_OFF_PEAK].slots[0].from_s = 11 * 3600;
	demand_make(&demand, &model, 23900000, 1);
	demand_day(&demand, &day);
	cr_expect_gt(day.windows[VOLUMETRICS_S1SP_1][VOLUMETRICS_OFF_PEAK].finish_s, before_s);
}

/* A total below the caps' sum: nobody gets more than his part of it, all of it is used while all
 * are open, and what cannot go is left. */
Test(volumetrics, the_total_binds)
{
	uint64_t left = 0;

	set("off_peak_tps", "100");
	demand_make(&demand, &model, 23900000, 1);
	demand_day(&demand, &day);
	for (int p = 0; p < VOLUMETRICS_PROVIDERS; p++)
		left += day.windows[p][VOLUMETRICS_OFF_PEAK].left;
	/* At most 100 a second from 09:00 to 23:00, and in the first hour S1SP-3 alone, at 54. */
	cr_expect_geq(left, 14838766 + 302711 - 100u * 14 * 3600);
	cr_expect_eq(day.total[VOLUMETRICS_OFF_PEAK].left, left);
	cr_expect_eq(day.total[VOLUMETRICS_OFF_PEAK].finish_s, DEMAND_NEVER);
	cr_expect_eq(day.windows[VOLUMETRICS_CSP_NORTH][VOLUMETRICS_OFF_PEAK].cap_tps[0], 100);
}

Test(volumetrics, placement)
{
	demand_make(&demand, &model, 23900000, 1);
	cr_expect_eq(volumetrics_window_of(&model, VOLUMETRICS_SUPPLIER, VOLUMETRICS_IMPORT,
			     VOLUMETRICS_SCHEDULED),
		VOLUMETRICS_PEAK);
	cr_expect_eq(volumetrics_window_of(&model, VOLUMETRICS_SUPPLIER, VOLUMETRICS_EXPORT,
			     VOLUMETRICS_SCHEDULED),
		VOLUMETRICS_OFF_PEAK);
	cr_expect_eq(volumetrics_window_of(
			     &model, VOLUMETRICS_MDR, VOLUMETRICS_IMPORT, VOLUMETRICS_SCHEDULED),
		VOLUMETRICS_OFF_PEAK);
	cr_expect_eq(volumetrics_window_of(
			     &model, VOLUMETRICS_MDR, VOLUMETRICS_IMPORT, VOLUMETRICS_ON_DEMAND),
		VOLUMETRICS_OFF_PEAK);
	cr_expect_eq(volumetrics_window_of(&model, VOLUMETRICS_SUPPLIER, VOLUMETRICS_EXPORT,
			     VOLUMETRICS_ON_DEMAND),
		VOLUMETRICS_NO_WINDOW);
	set("placement", "all-off-peak");
	cr_expect_eq(volumetrics_window_of(&model, VOLUMETRICS_SUPPLIER, VOLUMETRICS_IMPORT,
			     VOLUMETRICS_SCHEDULED),
		VOLUMETRICS_OFF_PEAK);
}

/* ---- CSP North's channels ---- */

/* 4,557,000 / 0.7; 10,000 hubs * 0.7125 reads a day over 10 hours; three channels at 70 %. */
Test(volumetrics, channels)
{
	struct demand_channels channels;

	demand_make(&demand, &model, 23900000, 1);
	demand_channels(&demand, &channels);
	cr_expect_eq(channels.hubs_all, 6510000);
	cr_expect_eq(channels.hubs, 4557000);
	cr_expect_eq(channels.kits_least, 456);
	cr_expect_eq(channels.kit_reads, 7125);
	cr_expect_eq(channels.kit_hourly_milli, 712500);
	cr_expect_eq(channels.usable_milli, 2100);
	cr_expect_eq(channels.channel_least_milli, 339286);
	cr_expect_eq(channels.channel_below_milli, 508929);
	cr_expect_eq(channels.kit_hubs_full, 14285);
	cr_expect_eq(channels.channels_total, 7);
	cr_expect_eq(channels.channels_needed, 0, "no rate is given");
	set("channel_reads_per_hour", "509");
	demand_make(&demand, &model, 23900000, 1);
	demand_channels(&demand, &channels);
	cr_expect_eq(channels.channels_needed, 2);
	cr_expect_eq(channels.channels_headroom, 1);
	set("channel_reads_per_hour", "339.2");
	set("fylingdales_hubs", "57000");
	demand_make(&demand, &model, 23900000, 1);
	demand_channels(&demand, &channels);
	cr_expect_eq(channels.channels_needed, 4);
	cr_expect_eq(channels.channels_headroom, -1);
	cr_expect_eq(channels.hubs, 4500000);
}

/* ---- any number of meters ---- */

static uint64_t count_of(int user, int has_export, int granularity)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < DEMAND_CELLS; i++)
		if (demand.cells[i].user == (unsigned)user &&
			demand.cells[i].has_export == (has_export != 0) &&
			demand.cells[i].granularity == (unsigned)granularity)
			count += demand.cells[i].count;
	return count;
}

/* Every level adds up, and the parts are within one of what they should be. */
Test(volumetrics, exact_at_every_level)
{
	static const uint64_t counts[] = {
		1, 2, 3, 7, 11, 28, 100, 999, 24000, 23900, 1234567, 23900000, 100000000};

	set("half_hourly_percent", "61.7");
	set("daily_percent", "20.001");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint64_t n = counts[i];
		uint64_t sum = 0;
		uint64_t supplier = 0;

		demand_make(&demand, &model, n, 1);
		for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
			uint64_t cells = 0;

			for (unsigned c = p; c < DEMAND_CELLS; c += VOLUMETRICS_PROVIDERS) {
				cr_assert_eq(demand.cells[c].provider, p);
				cells += demand.cells[c].count;
			}
			cr_expect_eq(cells, demand.provider_meters[p]);
			sum += cells;
		}
		cr_expect_eq(sum, n);
		for (int kind = 0; kind < 6; kind++)
			supplier += count_of(VOLUMETRICS_SUPPLIER, kind / 3, kind % 3);
		cr_expect(supplier * 4 + 4 > n * 3 && supplier * 4 < n * 3 + 4,
			"%lu: %lu suppliers", (unsigned long)n, (unsigned long)supplier);
	}
}

Test(volumetrics, small_day_has_the_nations_shares)
{
	uint64_t exports = 0;

	demand_make(&demand, &model, 24000, 1);
	cr_expect_eq(demand.provider_meters[VOLUMETRICS_CSP_NORTH], 4576); /* 4576.07 */
	for (int user = 0; user < VOLUMETRICS_USERS; user++)
		exports += count_of(user, 1, VOLUMETRICS_HALF_HOURLY);
	cr_expect_eq(count_of(VOLUMETRICS_SUPPLIER, 0, VOLUMETRICS_HALF_HOURLY), 16200);
	cr_expect_eq(count_of(VOLUMETRICS_MDR, 0, VOLUMETRICS_HALF_HOURLY), 5400);
	cr_expect_eq(exports, 2400);
}

/* What the meters say of themselves, one by one, is what the lines say of all. */
Test(volumetrics, meters_add_up_to_the_lines)
{
	static struct demand_line lines[DEMAND_LINES_MAX];
	static uint64_t schedules[VOLUMETRICS_PROVIDERS][VOLUMETRICS_USERS][VOLUMETRICS_READS_MAX];
	static uint64_t runs[VOLUMETRICS_PROVIDERS][VOLUMETRICS_USERS][VOLUMETRICS_READS_MAX];
	struct demand_meter meter;
	uint64_t all = 0;
	uint64_t expected = 0;

	set("half_hourly_percent", "60");
	set("daily_percent", "30");
	set("day_of_month", "17");
	set("reads.export-day-register.percent", "80");
	set("reads.export-day-register-old.percent", "20");
	demand_make(&demand, &model, 24000, 5);
	for (uint64_t number = 0; number < 24000; number++) {
		demand_meter(&demand, number, &meter);
		for (uint32_t i = 0; i < meter.schedule_count; i++) {
			const struct demand_schedule *schedule = &meter.schedules[i];

			cr_assert(schedule->direction == VOLUMETRICS_IMPORT || meter.has_export);
			cr_assert_eq(schedule->day_of_month == 0,
				schedule->frequency == VOLUMETRICS_DAILY);
			schedules[meter.provider][meter.user][schedule->read]++;
			runs[meter.provider][meter.user][schedule->read] +=
				schedule->frequency == VOLUMETRICS_DAILY ||
				schedule->day_of_month == 17;
		}
		all += meter.schedule_count;
	}
	unsigned count = demand_lines(&demand, lines);
	for (unsigned i = 0; i < count; i++) {
		uint64_t sums[2] = {0};

		for (uint32_t read = 0; read < model.read_count; read++) {
			const struct volumetrics_read *row = &model.reads[read];

			if (strcmp(row->srv, lines[i].srv) != 0 ||
				row->direction != (int)lines[i].direction ||
				row->frequency != (int)lines[i].frequency ||
				row->mode != (int)lines[i].mode)
				continue;
			sums[0] += schedules[lines[i].provider][lines[i].user][read];
			sums[1] += runs[lines[i].provider][lines[i].user][read];
		}
		cr_expect_eq(sums[0], lines[i].schedules);
		cr_expect_eq(sums[1], lines[i].runs);
		expected += lines[i].schedules;
	}
	cr_expect_eq(all, expected);
	cr_expect_gt(count, 50);
}

/* The seed changes who is who, and nothing else; the same seed gives the same. */
Test(volumetrics, seeds)
{
	static struct demand other;
	struct demand_meter a;
	struct demand_meter b;
	unsigned alike = 0;

	demand_make(&demand, &model, 24000, 1);
	demand_make(&other, &model, 24000, 2);
	for (uint64_t number = 0; number < 24000; number++) {
		demand_meter(&demand, number, &a);
		demand_meter(&other, number, &b);
		alike += a.provider == b.provider;
	}
	/* By chance: the squares of the shares, 29.2 %. */
	cr_expect(alike > 24000 * 26 / 100 && alike < 24000 * 32 / 100, "%u", alike);
	demand_make(&other, &model, 24000, 1);
	for (uint64_t number = 0; number < 24000; number += 7) {
		demand_meter(&demand, number, &a);
		demand_meter(&other, number, &b);
		cr_assert_eq(a.provider, b.provider);
		cr_assert_eq(a.schedule_count, b.schedule_count);
	}
}

/* ---- what is refused ---- */

Test(volumetrics, settings_that_are_not_allowed)
{
	cr_expect_eq(set_reason("colour", "1", "known are reads.NAME.percent, meters,"), -ENOENT);
	cr_expect_eq(set_reason("reads.colour.percent", "1", "not known"), -ENOENT);
	cr_expect_eq(set_reason("reads..percent", "1", "not known"), -ENOENT);
	cr_expect_eq(set_reason("meters", "0", "from 1 to 100000000"), -ERANGE);
	cr_expect_eq(set_reason("meters", "100000001", "from 1 to 100000000"), -ERANGE);
	cr_expect_eq(set_reason("meters", "1.5", "from 1 to"), -ERANGE);
	cr_expect_eq(set_reason("meters", "99999999999999999999999", "from 1 to"), -ERANGE);
	cr_expect_eq(set_reason("export_percent", "-1", "from 0 to 100"), -ERANGE);
	cr_expect_eq(set_reason("export_percent", "100.001", "from 0 to 100"), -ERANGE);
	cr_expect_eq(set_reason("export_percent", "1.0001", "three decimals"), -ERANGE);
	cr_expect_eq(set_reason("export_percent", "1.", "three decimals"), -ERANGE);
	cr_expect_eq(set_reason("export_percent", "", "three decimals"), -ERANGE);
	cr_expect_eq(set_reason("export_percent", "1e1", "three decimals"), -ERANGE);
	cr_expect_eq(set_reason("placement", "night", "by-user or all-off-peak"), -ERANGE);
	cr_expect_eq(set_reason("reads.export-profile.percent", "101", "from 0 to 100"), -ERANGE);
	cr_expect_eq(volumetrics_check(&model, (char[8]){0}, 8), 0, "nothing was changed");
}

Test(volumetrics, numbers_that_do_not_fit_together)
{
	static const struct {
		const char *name;
		const char *value;
		const char *part;
	} cases[] = {
		{"daily_percent", "0.001", "half_hourly_percent and daily_percent"},
		{"s1sp_1_percent", "68.001", "s1sp_1_percent and s1sp_2_percent"},
		{"meters", "13316935", "must not be more than meters"},
		{"fylingdales_hubs", "4557001", "fylingdales_hubs"},
		{"reads.import-day-log.percent", "50.001", "choice \"import-day\""},
		{"reads.export-day-register-old.percent", "0.001", "choice \"export-day\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char reason[2048] = "";

		begin();
		set(cases[i].name, cases[i].value);
		cr_expect_eq(volumetrics_check(&model, reason, sizeof(reason)), -EINVAL);
		cr_expect(strstr(reason, cases[i].part) != NULL, "%s: %s", cases[i].name, reason);
	}
	begin();
	set("meters", "13316936");
	cr_expect_eq(
		volumetrics_check(&model, (char[8]){0}, 8), 0, "nothing is left, which will do");
	demand_make(&demand, &model, 13316936, 1);
	cr_expect_eq(demand.provider_meters[VOLUMETRICS_CSP_SOUTH_CENTRAL], 0);
}

/* The file with `from` replaced by `to`: must be refused at the line where it stands. */
static void expect_refused(const char *from, const char *to, const char *part)
{
	char path[] = "/tmp/mw-volumetrics-XXXXXX";
	static char text[65536];
	static char errors[65536];
	char place[96];
	FILE *file = fopen(CONF, "re");

	cr_assert_not_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	char *at = strstr(text, from);
	cr_assert_not_null(at, "%s is not in the file", from);
	int line = 1;
	for (const char *byte = text; byte < at; byte++)
		line += *byte == '\n';
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	file = fdopen(fd, "w");
	fwrite(text, 1, (size_t)(at - text), file);
	fputs(to, file);
	fputs(at + strlen(from), file);
	fclose(file);
	memset(errors, 0, sizeof(errors));
	FILE *out = fmemopen(errors, sizeof(errors) - 1, "w");
	cr_expect_eq(volumetrics_read(path, &model, out), -EINVAL, "%s -> %s", from, to);
	fclose(out);
	unlink(path);
	snprintf(place, sizeof(place), "%s:%d:", path, line);
	cr_expect(strstr(errors, place) != NULL, "%s -> %s: not at line %d: %s", from, to, line,
		errors);
	cr_expect(strstr(errors, part) != NULL, "%s -> %s: not \"%s\": %s", from, to, part, errors);
}

Test(volumetrics, files_that_are_refused)
{
	expect_refused("export_percent: {value: 10,", "export_percent: {value: 101,",
		"from 0 to 100, with at most three decimals");
	expect_refused("{value: 23900000, source:", "{value: 23900000, because:", "\"because\"");
	expect_refused("{value: 23900000, source:", "{value: 23900000, assumed: x, source:",
		"either \"source\"");
	expect_refused("{value: 614, source:", "{value: all, source:", "from 1 to 16384");
	expect_refused("value: by-user", "value: by-night", "by-user or all-off-peak");
	expect_refused("  gas_meters:", "  coal_meters:", "coal_meters");
	expect_refused("srv: 4.8.3", "srv: 4.8.9", "4.8.3");
	expect_refused("choice: export-day, srv: 4.6.2, direction: export, generation: SMETS2",
		"choice: export-day, srv: 4.6.2, direction: export, generation: any",
		"of SMETS2 alone");
	expect_refused("choice: export-profile, srv: 4.8.3, direction: export",
		"choice: export-profile, srv: 4.8.3, direction: import", "4.8.3 is of export");
	expect_refused("generation: any, granularity: monthly, user: supplier, frequency: monthly, "
		       "mode: on-demand",
		"generation: any, granularity: monthly, user: supplier, frequency: monthly, mode: "
		"scheduled",
		"cannot be scheduled");
	expect_refused("name: import-profile-smets1", "name: import-profile-smets2", "second time");
	expect_refused("name: import-profile-smets1", "name: Import", "a to z");
	expect_refused("{from: \"00:00\", to: \"08:00\"}", "{from: \"00:00\", to: \"25:00\"}",
		"is not a time");
	expect_refused("{from: \"00:00\", to: \"08:00\"}", "{from: \"08:00\", to: \"08:00\"}",
		"later than");
	expect_refused("{from: \"16:00\", to: \"20:00\", weight: 4}",
		"{from: \"16:01\", to: \"20:00\", weight: 4}", "where the slot before it ends");
	expect_refused("weight: 4}", "weight: 0}", "from 1 to 1000");
	expect_refused("provider: s1sp-2", "provider: s1sp-1", "second time");
	expect_refused("provider: s1sp-2", "provider: s1sp-9", "csp-north");
	expect_refused("reads.import-day-log-smets1.percent: 100",
		"reads.import-day-log-smets9.percent: 100", "not known");
	expect_refused("reads.import-day-log-smets1.percent: 100",
		"reads.import-day-log-smets1.percent: 100.5", "from 0 to 100");
	expect_refused(
		"set: {placement: all-off-peak}", "set: {daily_percent: 1}", "more than 100");
	expect_refused("  - {srv: 4.8.3, command", "  - {srv: 4.8.1, command", "second time");
}

Test(volumetrics, files_that_are_none)
{
	char path[] = "/tmp/mw-volumetrics-XXXXXX";
	int fd = mkstemp(path);
	FILE *out = fopen("/dev/null", "we");

	cr_assert_geq(fd, 0);
	cr_expect_eq(volumetrics_read(path, &model, out), -EINVAL, "empty");
	cr_assert_eq(write(fd, "inputs: [", 9), 9);
	cr_expect_eq(volumetrics_read(path, &model, out), -EINVAL, "cut off");
	close(fd);
	unlink(path);
	cr_expect_eq(volumetrics_read(path, &model, out), -ENOENT);
	fclose(out);
}
