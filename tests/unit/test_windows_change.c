/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two configurations, and changes in one line: their effect, and each error
 * with its column. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/windows_change.h"
#include "windows_fixture.h"

#define DIFFERENCES 64

static struct windows_conf *conf;
static struct windows_difference found[DIFFERENCES];

static void create(void)
{
	windows_fixture_create();
	conf = windows_fixture_conf(windows_fixture_table_4);
}

static void destroy(void)
{
	windows_conf_free(conf);
	windows_fixture_destroy();
}

TestSuite(windows_change, .init = create, .fini = destroy);

static struct windows_conf *change(const char *text)
{
	struct windows_conf *changed;

	cr_assert_eq(windows_override(conf, text, stderr, &changed), 0, "%s", text);
	/* It is as good as one that was read. */
	char *before = windows_fixture_text(changed);
	struct windows_conf *again = windows_fixture_conf(before);
	cr_assert_eq(windows_compare(changed, again, found, DIFFERENCES), 0);
	windows_conf_free(again);
	free(before);
	return changed;
}

static const char *line_of(const struct windows_difference *one)
{
	static char line[2 * WINDOWS_VALUE_SIZE + 256];

	snprintf(line, sizeof(line), "%.60s %.30s %.20s: %.1000s > %.1000s", one->provider,
		one->window, one->what, one->old, one->new);
	return line;
}

/* The change makes these differences, "provider window what: old > new", and no others. */
static void expect(const char *text, const char *const *differences)
{
	struct windows_conf *changed = change(text);
	size_t count = windows_compare(conf, changed, found, DIFFERENCES);

	for (size_t i = 0; i < count; i++) {
		const char *line = line_of(&found[i]);

		cr_assert_not_null(differences[i], "%s makes %s", text, line);
		cr_assert_str_eq(line, differences[i]);
	}
	cr_assert_null(differences[count], "%s: %zu differences", text, count);
	windows_conf_free(changed);
}

#define EXPECT(text, ...) expect(text, (const char *const[]){__VA_ARGS__, NULL})

Test(windows_change, single_values)
{
	EXPECT("provider csp-north window day cap_tps=500", "csp-north day cap_tps: 200 > 500");
	EXPECT("provider csp-north window 2 cap_tps=500", "csp-north day cap_tps: 200 > 500");
	EXPECT("provider csp-north window day pace=cap", "csp-north day pace: spread > cap");
	EXPECT("provider csp-north window night kind=off-peak",
		"csp-north night kind: peak > off-peak");
	EXPECT("provider csp-north window day on_demand_counts=yes",
		"csp-north day on_demand_counts: no > yes");
	EXPECT("provider csp-north window day gap=none", "csp-north day gap: next > none");
	EXPECT("provider csp-north window day gap=24:00", "csp-north day gap: next > 24:00");
	EXPECT("provider dco window day cap_tps=16384 pace=cap", "dco day cap_tps: 100 > 16384",
		"dco day pace: spread > cap");
	EXPECT("total off_peak_tps=300", "  off_peak_tps: 614 > 300");
	EXPECT("total off_peak_tps=unlimited   peak_tps=9", "  peak_tps: unlimited > 9",
		"  off_peak_tps: 614 > unlimited");
	/* The same again is no change. */
	expect("provider csp-north window day cap_tps=200", (const char *const[]){NULL});
}

Test(windows_change, times)
{
	EXPECT("provider csp-north window day from=09:00 to=22:30:30",
		"csp-north day from: 10:00 > 09:00", "csp-north day to: 20:00 > 22:30:30");
	EXPECT("provider csp-north window day to=24:00", "csp-north day to: 20:00 > 24:00");
	/* The night gives its room away, the day goes over midnight. */
	struct windows_conf *first = change("provider csp-north window night from=03:00");
	windows_conf_free(conf);
	conf = first;
	EXPECT("provider csp-north window day to=02:00 next_day=yes",
		"csp-north day to: 20:00 > 02:00");
	struct windows_conf *second =
		change("provider csp-north window day from=22:00 to=02:00 next_day=yes gap=03:00");
	windows_conf_free(conf);
	conf = second;
	/* The gap keeps its end. */
	EXPECT("provider csp-north window day to=01:00", "csp-north day to: 02:00 > 01:00");
	EXPECT("provider csp-north window day to=03:00", "csp-north day to: 02:00 > 03:00",
		"csp-north day gap: 03:00 > none");
	EXPECT("provider csp-north window day from=20:00 to=23:00 next_day=no",
		"csp-north day from: 22:00 > 20:00", "csp-north day to: 02:00 > 23:00");
}

Test(windows_change, slots)
{
	EXPECT("provider s1sp-2 window day slot 2 cap_tps=90",
		"s1sp-2 day slots: 14:00-16:00 150, 16:00-20:00 100, 20:00-22:00 200 > "
		"14:00-16:00 150, 16:00-20:00 90, 20:00-22:00 200");
	EXPECT("provider s1sp-2 window day from=12:00 to=21:00", "s1sp-2 day from: 14:00 > 12:00",
		"s1sp-2 day to: 22:00 > 21:00",
		"s1sp-2 day slots: 14:00-16:00 150, 16:00-20:00 100, 20:00-22:00 200 > "
		"12:00-16:00 150, 16:00-20:00 100, 20:00-21:00 200");
	EXPECT("provider csp-north window day slot 1 cap_tps=7", "csp-north day cap_tps: 200 > 7");
}

Test(windows_change, whole_files)
{
	static const char text[] =
		"zone: Europe/London\n"
		"classes: {preset: fia-3.5, rows: [{roles: [ED], class: now}]}\n"
		"providers:\n"
		"  - provider: csp-north\n"
		"    windows:\n"
		"      - {name: day, kind: off-peak, from: 10:00, to: 20:00, cap_tps: 200,\n"
		"         note: less}\n"
		"      - {name: evening, kind: off-peak, from: 21:00, to: 23:00, cap_tps: 7}\n"
		"  - provider: s1sp-1\n"
		"    windows:\n"
		"      - {name: night, kind: peak, from: 00:00, to: 06:00, cap_tps: 150}\n"
		"      - {name: day, kind: off-peak, from: 10:00, to: 20:00, cap_tps: 80}\n"
		"  - provider: dco\n"
		"    windows:\n"
		"      - {name: night, kind: peak, from: 00:00, to: 06:00, cap_tps: 150}\n"
		"      - {name: day, kind: off-peak, from: 09:00, to: 23:00, cap_tps: 100}\n";
	static const char *const expected[] = {
		"  zone: UTC > Europe/London",
		"  preset: fia-4.3 > fia-3.5",
		"  row 1:  > {class: now, lane: by-mode, roles: [ED]}",
		"csp-north day note:  > less",
		"csp-north evening window:  > off-peak 21:00-23:00 7",
		"csp-north night window: peak 00:00-08:00 300 > ",
		"s1sp-1  series: dco > ",
		"dco  list: series > providers",
		"csp-south-central  provider: 2 windows > ",
		"s1sp-2  provider: 2 windows > ",
		"s1sp-3  provider: 2 windows > ",
	};
	struct windows_conf *other = windows_fixture_conf(text);
	size_t count = windows_compare(conf, other, found, DIFFERENCES);

	cr_assert_eq(count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < count; i++) {
		const char *line = line_of(&found[i]);

		cr_assert_str_eq(line, expected[i]);
	}
	/* The other way round there are as many; with less room, they are counted all the same. */
	cr_assert_eq(windows_compare(other, conf, found, 2), count);
	cr_assert_eq(windows_compare(other, conf, NULL, 0), count);
	windows_conf_free(other);
}

/* Changes that are refused; '@' stands before the word at fault. */
static const struct {
	const char *text;
	const char *said;
} wrongs[] = {
	{"@", "expected here is \"provider\" or \"total\""},
	{"@window day", "expected here is \"provider\" or \"total\""},
	{"provider@", "the name of a provider"},
	{"provider csp-north@", "expected here is \"window\""},
	{"provider csp-north @day", "expected here is \"window\""},
	{"provider csp-north window@", "the name or number of a window"},
	{"provider csp-north window day@", "KEY=VALUE"},
	{"provider @csp-east window day cap_tps=5", "allowed is one of: csp-north, "},
	{"provider csp-north window @evening cap_tps=5",
		"a number from 1 to 2, or one of: night, day"},
	{"provider csp-north window @0 cap_tps=5", "a number from 1 to 2"},
	{"provider csp-north window @3 cap_tps=5", "a number from 1 to 2"},
	{"provider csp-north window @99999999999999999999 cap_tps=5", "a number from 1 to 2"},
	{"provider csp-north window day @cap_tps=0", "from 1 to 16384"},
	{"provider csp-north window day @cap_tps=16385", "from 1 to 16384"},
	{"provider csp-north window day @cap_tps=-5", "from 1 to 16384"},
	{"provider csp-north window day @cap_tps=", "from 1 to 16384"},
	{"provider csp-north window day @cap_tps=5x", "from 1 to 16384"},
	{"provider csp-north window day @cap_tps=unlimited", "from 1 to 16384"},
	{"provider csp-north window day cap_tps=5 @cap_tps=6", "a second time"},
	{"provider csp-north window day @speed=5", "known are: kind, from, to"},
	{"provider csp-north window day @fast", "known are: kind, from, to"},
	{"provider csp-north window day @pace=fast", "one of: spread, cap"},
	{"provider csp-north window day @kind=any", "one of: peak, off-peak"},
	{"provider csp-north window day @on_demand_counts=1", "one of: no, yes"},
	{"provider csp-north window day @from=25:00", "from 00:00 to 24:00"},
	{"provider csp-north window day @from=24:00", "00:00 to 23:59:59"},
	{"provider csp-north window day @to=09:00", "next_day=yes"},
	{"provider csp-north window day @to=12:00 next_day=yes", "longer than 24 hours"},
	{"provider csp-north window day @from=07:00", "overlaps the window \"night\""},
	{"provider csp-north window night @to=10:00:01", "overlaps the window \"night\""},
	{"provider csp-north window day @gap=later", "allowed is next, none"},
	{"provider csp-north window day @gap=20:00", "or a later time"},
	{"provider csp-north window day @gap=01:00", "reaches into the window \"night\""},
	{"provider s1sp-2 window day @cap_tps=5", "slot NUMBER cap_tps"},
	{"provider s1sp-2 window day @from=16:00", "slot 1 would have no time left"},
	{"provider s1sp-2 window day @to=19:00", "slot 2 would"},
	{"provider s1sp-2 window day slot@", "the number of a slot"},
	{"provider s1sp-2 window day slot @4 cap_tps=5", "the numbers 1 to 3"},
	{"provider s1sp-2 window day slot 1@", "cap_tps=NUMBER"},
	{"provider s1sp-2 window day slot 1 cap_tps=5 @pace=cap", "known are: cap_tps"},
	{"total@", "peak_tps=VALUE"},
	{"total @cap_tps=5", "known are: peak_tps, off_peak_tps"},
	{"total @peak_tps=0", "or unlimited"},
};

Test(windows_change, errors_have_their_column)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const char *mark = strchr(wrongs[i].text, '@');
		struct windows_conf *changed;
		char text[256];
		char place[32];
		char *told;
		size_t length;
		FILE *errors = open_memstream(&told, &length);

		snprintf(text, sizeof(text), "%.*s%s", (int)(mark - wrongs[i].text), wrongs[i].text,
			mark + 1);
		snprintf(place, sizeof(place), "change:1:%td: ", mark - wrongs[i].text + 1);
		int result = windows_override(conf, text, errors, &changed);
		fclose(errors);
		cr_expect_eq(result, -EINVAL, "accepted: %s", text);
		cr_expect_null(changed);
		const char *line = strstr(told, place);
		cr_expect_not_null(line, "%s\n%s", wrongs[i].text, told);
		if (line != NULL) {
			const char *said = strstr(line, wrongs[i].said);
			cr_expect(said != NULL && said < strchr(line, '\n'), "%s\n%s",
				wrongs[i].said, told);
		}
		free(told);
	}
}

Test(windows_change, hostile_text)
{
	char text[2 * WINDOWS_CHANGE_BYTES_MAX];
	struct windows_conf *changed;
	char *told;
	size_t length;
	FILE *errors = open_memstream(&told, &length);

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_assert_eq(windows_override(conf, text, errors, &changed), -EINVAL);
	for (size_t i = 0; i < 200; i++)
		memcpy(text + 2 * i, "a ", 3);
	cr_assert_eq(windows_override(conf, text, errors, &changed), -EINVAL);
	cr_assert_eq(windows_override(conf, "\x1b[31m \r\n\x7f", errors, &changed), -EINVAL);
	cr_assert_eq(
		windows_override(conf, "provider \x1b[31m window 1 cap_tps=1", errors, &changed),
		-EINVAL);
	fclose(errors);
	for (const char *at = told; *at != '\0'; at++)
		cr_assert(*at == '\n' || (unsigned char)*at >= 0x20);
	free(told);
}
