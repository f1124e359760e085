/* SPDX-License-Identifier: Apache-2.0 */
/* windows.yaml: the shipped file is in order and can be written and read again; every kind of error
 * is told at its line and column with what is allowed; and who goes where. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/window_time.h"
#include "control/windows_conf.h"
#include "windows_fixture.h"

TestSuite(windows_conf, .init = windows_fixture_create, .fini = windows_fixture_destroy);

static struct windows_conf *shipped(void)
{
	struct windows_conf *conf;

	cr_assert_eq(windows_conf_read(windows_fixture_shipped("windows.yaml"),
			     windows_fixture_known(), stderr, &conf),
		0);
	return conf;
}

Test(windows_conf, the_shipped_file)
{
	struct windows_conf *conf = shipped();
	const struct window_gate *gate = windows_conf_gate(conf, "s1sp-2");

	cr_assert_str_eq(conf->zone_name, "UTC");
	cr_assert_eq(conf->total_cap_tps[MW_WINDOW_PEAK], 0);
	cr_assert_eq(conf->total_cap_tps[MW_WINDOW_OFF_PEAK], 614);
	cr_assert_eq(conf->preset, WINDOW_PRESET_FIA_4_3);
	cr_assert_eq(conf->gate_count, 6);
	cr_assert_eq(gate->gate, 3);
	cr_assert_eq(gate->windows[1].slot_count, 3);
	cr_assert_eq(gate->windows[1].slots[1].from_s, 2 * 3600);
	cr_assert_eq(gate->windows[1].slots[2].to_s, 8 * 3600);
	cr_assert(gate->windows[1].assumed);
	cr_assert_eq(windows_conf_gate(conf, "s1sp-1")->series, MW_GATE_SERIES);
	cr_assert_eq(windows_conf_gate(conf, "dco")->gate, MW_GATE_SERIES);
	cr_assert_null(windows_conf_gate(conf, "transform"));
	windows_conf_free(conf);
}

/* Written, read and written again, it is the same; with whatever a file can say. */
Test(windows_conf, what_is_written_is_read)
{
	static const char every[] =
		"zone: Europe/London\n"
		"totals: {peak_tps: 16384, off_peak_tps: unlimited}\n"
		"classes:\n"
		"  preset: fia-3.5\n"
		"  rows:\n"
		"    - {roles: [ED, GT], modes: [scheduled, on-demand-24h], directions: [import],\n"
		"       srvs: [4.10, 4.8.1], class: now, lane: scheduled, note: \"a \\\"b\\\" \\\\ "
		"c\"}\n"
		"    - {class: any}\n"
		"providers:\n"
		"  - provider: csp-north\n"
		"    windows:\n"
		"      - {name: a-1, kind: peak, from: 23:30:15, to: 02:00, next_day: yes,\n"
		"         pace: cap, gap: 23:00, on_demand_counts: yes, basis: confirmed,\n"
		"         note: \"x: {y}\", slots: [{from: 23:30:15, to: 24:00, cap_tps: 1},\n"
		"         {from: 00:00, to: 02:00, cap_tps: 16384}]}\n"
		"  - provider: s1sp-3\n"
		"    windows:\n"
		"      - {name: \"no\", kind: off-peak, from: 00:00, to: 24:00, cap_tps: 9, gap: "
		"none}\n"
		"series:\n"
		"  - provider: dco\n"
		"    before: [csp-north, s1sp-3]\n"
		"    windows:\n"
		"      - {name: w, kind: peak, from: 06:00, to: 06:00, next_day: yes, cap_tps: "
		"9}\n";
	struct windows_conf *first = windows_fixture_conf(every);
	char *text = windows_fixture_text(first);
	struct windows_conf *second = windows_fixture_conf(text);
	char *again = windows_fixture_text(second);

	cr_assert_str_eq(text, again);
	cr_assert_eq(first->gates[0].windows[0].from_s, 23 * 3600 + 1815);
	cr_assert_eq(first->gates[0].windows[0].length_s, 86400 + 7200 - 23 * 3600 - 1815);
	cr_assert_eq(first->gates[0].windows[0].slots[0].to_s, 1785);
	cr_assert_eq(first->gates[0].windows[0].gap_s, 21 * 3600);
	cr_assert_eq(first->gates[1].windows[0].gap, WINDOW_GAP_NONE);
	cr_assert_eq(first->gates[2].windows[0].length_s, 86400);
	cr_assert_eq(first->gates[1].series, MW_GATE_SERIES);
	cr_assert_str_eq(second->rows[0].note, "a \"b\" \\ c");
	cr_assert_str_eq(second->gates[0].windows[0].note, "x: {y}");
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(memcmp(&first->gates[i], &second->gates[i], sizeof(first->gates[i])),
			0, "gate %u", i);
	cr_assert_eq(memcmp(first->rows, second->rows, sizeof(first->rows)), 0);
	struct windows_conf *copy = windows_conf_copy(second);
	char *of_copy = windows_fixture_text(copy);
	windows_conf_free(second);
	cr_assert_eq(time_zone_offset_s(copy->zone, 1782900000), 3600);
	cr_assert_str_eq(of_copy, text);
	windows_conf_free(copy);
	windows_conf_free(first);
	free(of_copy);
	free(again);
	free(text);
	/* The shipped one, too. */
	first = shipped();
	text = windows_fixture_text(first);
	second = windows_fixture_conf(text);
	again = windows_fixture_text(second);
	cr_assert_str_eq(text, again);
	windows_conf_free(first);
	windows_conf_free(second);
	free(text);
	free(again);
}

/* ---- errors */

/* A file in which one thing is wrong: '@' stands before it, and what is said of it. */
struct wrong {
	const char *text;
	const char *said;
};

#define HEAD "providers:\n  - provider: csp-north\n    windows:\n"
#define ONE(window) "      - {" window "}\n"
#define GOOD ONE("name: a, kind: peak, from: 02:00, to: 08:00, cap_tps: 5")
#define PROVIDER HEAD GOOD
#define SLOTS(list)                                                                                \
	HEAD "      - {name: a, kind: peak, from: 22:00, to: 02:00, next_day: yes, slots: " list   \
	     "}\n"
#define NIGHT "name: a, kind: peak, from: 02:00, to: 08:00, "
#define DAY "name: b, kind: off-peak, "
#define SERIES PROVIDER "series:\n"

static const struct wrong wrongs[] = {
	/* The top. */
	{"@", "empty"},
	{"@zone: UTC\n", "\"providers\" is missing"},
	{"@zones: UTC\n" PROVIDER, "known are: zone, totals, classes, providers, series"},
	{"zone: @Europe/Londinium\n" PROVIDER, "allowed is UTC or a name"},
	{"zone: @../../etc/passwd\n" PROVIDER, "allowed is UTC or a name"},
	{"totals: {off_peak_tps: @0}\n" PROVIDER, "from 1 to 16384"},
	{"totals: {peak_tps: @16385}\n" PROVIDER, "from 1 to 16384"},
	{"totals: {peak_tps: @-1}\n" PROVIDER, "from 1 to 16384"},
	{"totals: @[614]\n" PROVIDER, "a mapping"},
	{"providers: @5\n", "a list"},
	/* Providers. */
	{"providers:\n  - provider: @csp-east\n    windows:\n" GOOD,
		"\"csp-east\" is no provider; allowed is one of: csp-north, csp-south-central, "
		"s1sp-1"},
	{"providers:\n  - provider: @transform\n    windows:\n" GOOD, "answers at once"},
	{PROVIDER "  - provider: @csp-north\n    windows:\n" GOOD, "a second time"},
	{"providers:\n  - @provider: csp-north\n", "\"windows\" is missing"},
	{"providers:\n  - provider: csp-north\n    windows: @[]\n", "1 to 32"},
	{"providers:\n  - provider: csp-north\n    @before: []\n    windows:\n" GOOD, "not known"},
	/* One window. */
	{HEAD ONE("name: a, kind: @night, from: 02:00, to: 08:00, cap_tps: 5"), "peak or off-peak"},
	{HEAD ONE("name: a, kind: peak, from: @25:00, to: 08:00, cap_tps: 5"),
		"from 00:00 to 24:00"},
	{HEAD ONE("name: a, kind: peak, from: @24:00, to: 08:00, cap_tps: 5"), "00:00 to 23:59:59"},
	{HEAD ONE("name: a, kind: peak, from: 02:00, to: @24:01, cap_tps: 5"),
		"from 00:00 to 24:00"},
	{HEAD ONE("name: a, kind: peak, from: @02:60, to: 08:00, cap_tps: 5"), "HH:MM"},
	{HEAD ONE("name: a, kind: peak, from: @2:00, to: 08:00, cap_tps: 5"), "HH:MM"},
	{HEAD ONE("name: a, kind: peak, from: @02, to: 08:00, cap_tps: 5"), "HH:MM"},
	{HEAD ONE("name: a, kind: peak, from: @\"02:00 \", to: 08:00, cap_tps: 5"), "HH:MM"},
	{HEAD ONE("name: a, kind: peak, from: @\"02:00:00:00\", to: 08:00, cap_tps: 5"), "HH:MM"},
	{HEAD ONE("name: a, kind: peak, from: @[1], to: 08:00, cap_tps: 5"), "a single value"},
	{HEAD ONE("name: a, kind: peak, from: 08:00, to: @02:00, cap_tps: 5"),
		"ends before it starts; one that goes over midnight has \"next_day: yes\""},
	{HEAD ONE("name: a, kind: peak, from: 08:00, to: @08:00, cap_tps: 5"),
		"ends before it starts"},
	{HEAD ONE("name: a, kind: peak, from: 08:00, to: @08:01, next_day: yes, cap_tps: 5"),
		"longer than 24 hours"},
	{HEAD ONE(NIGHT "cap_tps: @0"), "from 1 to 16384"},
	{HEAD ONE(NIGHT "cap_tps: @16385"), "from 1 to 16384"},
	{HEAD ONE(NIGHT "cap_tps: @99999999999999999999"), "from 1 to 16384"},
	{HEAD ONE(NIGHT "cap_tps: @1.5"), "from 1 to 16384"},
	{HEAD "      - @{name: a, kind: peak, from: 02:00, to: 08:00}\n",
		"either \"cap_tps\" or \"slots\""},
	{HEAD "      - @{name: a, kind: peak, from: 02:00, cap_tps: 5}\n", "\"to\" is missing"},
	{HEAD ONE("name: @17, kind: peak, from: 02:00, to: 08:00, cap_tps: 5"), "not digits alone"},
	{HEAD ONE("name: @a b, kind: peak, from: 02:00, to: 08:00, cap_tps: 5"),
		"allowed in a name"},
	{HEAD ONE(NIGHT "cap_tps: 5, pace: @fast"), "spread or cap"},
	{HEAD ONE(NIGHT "cap_tps: 5, gap: @later"), "allowed is next, none, or a time of day"},
	{HEAD ONE(NIGHT "cap_tps: 5, gap: @08:00"), "allowed is none, or a later time"},
	{HEAD ONE(NIGHT "cap_tps: 5, gap: @03:00"),
		"reaches into the window \"a\"; it may last until 02:00"},
	{HEAD ONE(NIGHT "cap_tps: 5, on_demand_counts: @perhaps"), "yes"},
	{HEAD ONE(NIGHT "cap_tps: 5, basis: @guessed"), "confirmed or assumed"},
	{HEAD "      - @night\n", "a mapping"},
	/* Beside each other. */
	{PROVIDER ONE(DAY "from: @07:59:59, to: 09:00, cap_tps: 5"),
		"overlaps the window \"a\" (02:00-08:00)"},
	{PROVIDER ONE(DAY "from: @22:00, to: 02:01, next_day: yes, cap_tps: 5"),
		"overlaps the window \"a\" (02:00-08:00)"},
	{PROVIDER ONE(DAY "from: @03:00, to: 04:00, cap_tps: 5"),
		"at most one window of \"csp-north\""},
	{PROVIDER ONE(DAY "from: @00:00, to: 24:00, cap_tps: 5"), "overlaps"},
	{PROVIDER ONE("name: b, kind: peak, from: @02:00, to: 08:00, cap_tps: 7"),
		"the same window as \"a\" (02:00-08:00) a second time"},
	{PROVIDER ONE("name: @a, kind: off-peak, from: 10:00, to: 12:00, cap_tps: 5"),
		"has a window \"a\" already"},
	{PROVIDER ONE(DAY "from: 10:00, to: 12:00, cap_tps: 5, gap: @02:00:01"),
		"reaches into the window \"a\""},
	/* Slots. */
	{SLOTS("[{from: 22:00, to: @23:00, cap_tps: 5}]"),
		"the last slot must end with its window, at 02:00"},
	{SLOTS("[{from: @23:00, to: 02:00, cap_tps: 5}]"),
		"must begin at 22:00, where the window begins"},
	{SLOTS("[{from: 22:00, to: 24:00, cap_tps: 5}, {from: @00:30, to: 02:00, cap_tps: 5}]"),
		"must begin at 00:00, where the one before it ends"},
	{SLOTS("[{from: 22:00, to: 00:00, cap_tps: 5}, {from: @23:30, to: 02:00, cap_tps: 5}]"),
		"without gap or overlap"},
	{SLOTS("[@{from: 22:00, to: 03:00, cap_tps: 5}]"), "outside its window"},
	{SLOTS("[@{from: 12:00, to: 13:00, cap_tps: 5}]"), "outside its window"},
	{SLOTS("[{from: 22:00, to: 24:00, cap_tps: 5}, {from: 24:00, to: @23:00, cap_tps: 5}]"),
		"ends before it starts"},
	{SLOTS("[{from: 22:00, to: 02:00, cap_tps: @0}]"), "from 1 to 16384"},
	{SLOTS("[@{from: 22:00, to: 02:00}]"), "\"cap_tps\" is missing"},
	{SLOTS("[{from: 22:00, to: @25:00, cap_tps: 5}]"), "from 00:00 to 24:00"},
	{SLOTS("@[]"), "1 to 24 slots"},
	{HEAD "      - @{" NIGHT "cap_tps: 5, slots: [{from: 02:00, to: 08:00, cap_tps: 5}]}\n",
		"either \"cap_tps\" or \"slots\""},
	/* Gates in series. */
	{SERIES "  - provider: dco\n    before: [@s1sp-1]\n    windows:\n" GOOD,
		"\"s1sp-1\" has no windows here"},
	{SERIES "  - provider: dco\n    before: @[]\n    windows:\n" GOOD,
		"before one provider at least"},
	{SERIES "  - provider: dco\n    before: [@dco]\n    windows:\n" GOOD,
		"has no windows here"},
	{SERIES "  - provider: @csp-north\n    before: [csp-north]\n    windows:\n" GOOD,
		"a second time"},
	{SERIES "  - provider: dco\n    before: [csp-north, @csp-north]\n    windows:\n" GOOD,
		"already"},
	{SERIES "  - provider: @nobody\n    before: [csp-north]\n    windows:\n" GOOD,
		"is no provider"},
	{SERIES "  - @provider: dco\n    windows:\n" GOOD, "\"before\" is missing"},
	/* Classes. */
	{"classes: {preset: @fia-4.4}\n" PROVIDER, "fia-4.3 or fia-3.5"},
	{"classes: {rows: [@{roles: [IS]}]}\n" PROVIDER, "\"class\" is missing"},
	{"classes: {rows: [{class: @later}]}\n" PROVIDER, "peak, off-peak, any or now"},
	{"classes: {rows: [{class: any, roles: [@XX]}]}\n" PROVIDER, "IS"},
	{"classes: {rows: [{class: any, roles: @[]}]}\n" PROVIDER, "fits nothing"},
	{"classes: {rows: [{class: any, modes: [@on-demand]}]}\n" PROVIDER,
		"scheduled, future-dated, on-demand-24h"},
	{"classes: {rows: [{class: any, srvs: [@4.99]}]}\n" PROVIDER, "\"4.99\" is not an SRV"},
	{"classes: {rows: [{class: any, srvs: @[]}]}\n" PROVIDER, "1 to 32"},
	{"classes: {rows: [{class: any, lane: @fast}]}\n" PROVIDER,
		"by-mode, on-demand or scheduled"},
};

static int read_windows(const char *path, FILE *errors)
{
	struct windows_conf *conf;
	int result = windows_conf_read(path, windows_fixture_known(), errors, &conf);

	windows_conf_free(conf);
	return result;
}

Test(windows_conf, errors_have_their_place)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++)
		windows_fixture_error(wrongs[i].text, wrongs[i].said, read_windows);
}

Test(windows_conf, all_errors_at_once)
{
	static const char text[] = "zone: Nowhere\n" HEAD
				   "      - {name: a, kind: peak, from: 25:00, to: 08:00, cap_tps: "
				   "0}\n"
				   "      - {name: b, kind: peak, from: 10:00, to: 09:00, cap_tps: "
				   "5}\n";
	struct windows_conf *conf;
	char *said;
	size_t length;
	int lines = 0;
	FILE *errors = open_memstream(&said, &length);

	cr_assert_eq(windows_conf_read(windows_fixture_write("wrong.yaml", text),
			     windows_fixture_known(), errors, &conf),
		-EINVAL);
	fclose(errors);
	for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	cr_assert_eq(lines, 4, "%s", said);
	free(said);
}

Test(windows_conf, many_windows)
{
	char text[8192] = HEAD;
	struct windows_conf *conf;

	for (int i = 0; i < WINDOWS_OF_GATE_MAX + 1; i++)
		sprintf(text + strlen(text),
			"      - {name: w%d, kind: peak, from: %02d:%02d, to: %02d:%02d, cap_tps: "
			"1}\n",
			i, i / 2, i % 2 * 30, (i + 1) / 2, (i + 1) % 2 * 30);
	FILE *nothing = fopen("/dev/null", "w");
	cr_assert_eq(windows_conf_read(windows_fixture_write("many.yaml", text),
			     windows_fixture_known(), nothing, &conf),
		-EINVAL);
	fclose(nothing);
	*(strrchr(text, '-') - 6) = '\0';
	conf = windows_fixture_conf(text);
	cr_assert_eq(conf->gates[0].window_count, WINDOWS_OF_GATE_MAX);
	windows_conf_free(conf);
}

Test(windows_conf, files_that_are_not_there)
{
	struct windows_conf *conf;
	FILE *nothing = fopen("/dev/null", "w");

	cr_assert_eq(windows_conf_read(windows_fixture_path("missing.yaml"),
			     windows_fixture_known(), nothing, &conf),
		-ENOENT);
	cr_assert_null(conf);
	windows_conf_free(NULL);
	fclose(nothing);
}

Test(windows_conf, times_of_day)
{
	char text[WINDOW_TIME_SIZE];
	int32_t time_s;

	for (int32_t at_s = 0; at_s <= 86400; at_s += 7) {
		window_time_format(at_s, text);
		cr_assert_eq(window_time_parse(text, &time_s), 0, "%s", text);
		cr_assert_eq(time_s, at_s);
	}
	cr_assert_eq(window_time_parse("24:00:00", &time_s), 0);
	cr_assert_eq(window_time_parse("24:00:01", &time_s), -EBADMSG);
	cr_assert_eq(window_time_parse("", &time_s), -EBADMSG);
	cr_assert_eq(window_time_parse("12:", &time_s), -EBADMSG);
	cr_assert_eq(window_time_parse("12:3", &time_s), -EBADMSG);
	cr_assert_eq(window_time_parse("-1:00", &time_s), -EBADMSG);
}

/* ---- who goes where */

#define IMPORT MW_DIRECTION_IMPORT
#define EXPORT MW_DIRECTION_EXPORT

Test(windows_conf, fia_4_3)
{
	struct windows_conf *conf = shipped();
	static const struct {
		uint32_t role;
		const char *srv;
		enum mw_direction direction;
		enum window_class scheduled, future_dated, on_demand;
	} rows[] = {
		{MW_ROLE_IS, "4.8.1", IMPORT, WINDOW_CLASS_PEAK, WINDOW_CLASS_ANY,
			WINDOW_CLASS_ANY},
		{MW_ROLE_IS, "4.8.3", EXPORT, WINDOW_CLASS_OFF_PEAK, WINDOW_CLASS_ANY,
			WINDOW_CLASS_ANY},
		{MW_ROLE_ES, "4.8.3", EXPORT, WINDOW_CLASS_OFF_PEAK, WINDOW_CLASS_ANY,
			WINDOW_CLASS_ANY},
		{MW_ROLE_ES, "11.2", MW_DIRECTION_ANY, WINDOW_CLASS_OFF_PEAK, WINDOW_CLASS_ANY,
			WINDOW_CLASS_ANY},
		{MW_ROLE_GS, "4.14", MW_DIRECTION_GAS, WINDOW_CLASS_PEAK, WINDOW_CLASS_ANY,
			WINDOW_CLASS_ANY},
		{MW_ROLE_MDR, "4.8.1", IMPORT, WINDOW_CLASS_OFF_PEAK, WINDOW_CLASS_OFF_PEAK,
			WINDOW_CLASS_OFF_PEAK},
		{MW_ROLE_MDR, "4.1.1", IMPORT, WINDOW_CLASS_OFF_PEAK, WINDOW_CLASS_OFF_PEAK,
			WINDOW_CLASS_OFF_PEAK},
		{MW_ROLE_ED, "4.10", IMPORT, WINDOW_CLASS_ANY, WINDOW_CLASS_ANY, WINDOW_CLASS_ANY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const enum window_class expected[] = {rows[i].scheduled, rows[i].future_dated,
			rows[i].on_demand, WINDOW_CLASS_NOW};

		for (int mode = 0; mode < WINDOW_MODE_COUNT; mode++) {
			cr_assert_eq(windows_class(conf, rows[i].role, rows[i].srv,
					     rows[i].direction, (enum window_mode)mode),
				expected[mode], "row %zu, mode %d", i, mode);
			cr_assert_eq(windows_lane(conf, rows[i].role, rows[i].srv,
					     rows[i].direction, (enum window_mode)mode),
				mode == WINDOW_SCHEDULED ? MW_LANE_SCHEDULED : MW_LANE_ON_DEMAND);
		}
	}
	windows_conf_free(conf);
}

Test(windows_conf, fia_3_5)
{
	struct windows_conf *conf = windows_fixture_conf("classes: {preset: fia-3.5}\n" PROVIDER);

	cr_assert_eq(windows_class(conf, MW_ROLE_IS, "4.8.1", IMPORT, WINDOW_SCHEDULED),
		WINDOW_CLASS_OFF_PEAK);
	cr_assert_eq(windows_class(conf, MW_ROLE_IS, "4.8.1", IMPORT, WINDOW_FUTURE_DATED),
		WINDOW_CLASS_OFF_PEAK);
	cr_assert_eq(windows_class(conf, MW_ROLE_MDR, "4.17", IMPORT, WINDOW_ON_DEMAND_DAY),
		WINDOW_CLASS_OFF_PEAK);
	/* What is not for settlement is as in FIA 4.3. */
	cr_assert_eq(windows_class(conf, MW_ROLE_IS, "4.10", IMPORT, WINDOW_SCHEDULED),
		WINDOW_CLASS_PEAK);
	cr_assert_eq(windows_class(conf, MW_ROLE_GS, "4.8.1", MW_DIRECTION_GAS, WINDOW_SCHEDULED),
		WINDOW_CLASS_PEAK);
	cr_assert_eq(windows_class(conf, MW_ROLE_ED, "4.8.1", IMPORT, WINDOW_SCHEDULED),
		WINDOW_CLASS_ANY);
	cr_assert_eq(windows_class(conf, MW_ROLE_IS, "4.8.1", IMPORT, WINDOW_ON_DEMAND_SHORT),
		WINDOW_CLASS_NOW);
	windows_conf_free(conf);
}

Test(windows_conf, rows_before_the_preset)
{
	struct windows_conf *conf = windows_fixture_conf(
		"classes:\n"
		"  rows:\n"
		"    - {roles: [IS], srvs: [4.10], class: off-peak}\n"
		"    - {roles: [IS, ED], modes: [scheduled], directions: [import], class: now}\n"
		"    - {roles: [MDR], modes: [on-demand-24h], class: peak, lane: scheduled}\n"
		"    - {roles: [MDR], modes: [scheduled], class: peak, lane: "
		"on-demand}\n" PROVIDER);

	cr_assert_eq(windows_class(conf, MW_ROLE_IS, "4.10", IMPORT, WINDOW_SCHEDULED),
		WINDOW_CLASS_OFF_PEAK);
	cr_assert_eq(windows_class(conf, MW_ROLE_IS, "4.10", IMPORT, WINDOW_ON_DEMAND_DAY),
		WINDOW_CLASS_OFF_PEAK);
	cr_assert_eq(windows_class(conf, MW_ROLE_IS, "4.8.1", IMPORT, WINDOW_SCHEDULED),
		WINDOW_CLASS_NOW);
	cr_assert_eq(windows_class(conf, MW_ROLE_ED, "4.8.1", IMPORT, WINDOW_SCHEDULED),
		WINDOW_CLASS_NOW);
	cr_assert_eq(windows_class(conf, MW_ROLE_ED, "4.8.1", EXPORT, WINDOW_SCHEDULED),
		WINDOW_CLASS_ANY);
	cr_assert_eq(windows_class(conf, MW_ROLE_MDR, "4.8.1", IMPORT, WINDOW_ON_DEMAND_DAY),
		WINDOW_CLASS_PEAK);
	cr_assert_eq(windows_lane(conf, MW_ROLE_MDR, "4.8.1", IMPORT, WINDOW_ON_DEMAND_DAY),
		MW_LANE_SCHEDULED);
	cr_assert_eq(windows_lane(conf, MW_ROLE_MDR, "4.8.1", IMPORT, WINDOW_SCHEDULED),
		MW_LANE_ON_DEMAND);
	cr_assert_eq(windows_class(conf, MW_ROLE_MDR, "4.8.1", IMPORT, WINDOW_FUTURE_DATED),
		WINDOW_CLASS_OFF_PEAK);
	windows_conf_free(conf);
}

Test(windows_conf, modes)
{
	cr_assert_eq(window_mode_of(MW_MODE_SCHEDULED, 86400), WINDOW_SCHEDULED);
	cr_assert_eq(window_mode_of(MW_MODE_FUTURE_DATED_DSP, 86400), WINDOW_FUTURE_DATED);
	cr_assert_eq(window_mode_of(MW_MODE_ON_DEMAND, 86400), WINDOW_ON_DEMAND_DAY);
	cr_assert_eq(window_mode_of(MW_MODE_ON_DEMAND, 86399), WINDOW_ON_DEMAND_SHORT);
	cr_assert_eq(window_mode_of(MW_MODE_ON_DEMAND, 5600), WINDOW_ON_DEMAND_SHORT);
	cr_assert_eq(window_mode_of(MW_MODE_FUTURE_DATED_DEVICE, 30), WINDOW_ON_DEMAND_SHORT);
	cr_assert_eq(window_mode_of(MW_MODE_DCC_ONLY, 86400), WINDOW_ON_DEMAND_SHORT);
}
