/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/reference_files.h"

const char windows_fixture_table_4[] =
	"totals: {off_peak_tps: 614}\n"
	"providers:\n"
	"  - provider: csp-north\n"
	"    windows:\n"
	"      - {name: night, kind: peak, from: 00:00, to: 08:00, cap_tps: 300}\n"
	"      - {name: day, kind: off-peak, from: 10:00, to: 20:00, cap_tps: 200}\n"
	"  - provider: csp-south-central\n"
	"    windows:\n"
	"      - {name: night, kind: peak, from: 00:00, to: 07:00, cap_tps: 600}\n"
	"      - {name: day, kind: off-peak, from: 10:00, to: 20:00, cap_tps: 400}\n"
	"  - provider: s1sp-1\n"
	"    windows:\n"
	"      - {name: night, kind: peak, from: 00:00, to: 06:00, cap_tps: 150}\n"
	"      - {name: day, kind: off-peak, from: 10:00, to: 20:00, cap_tps: 80}\n"
	"  - provider: s1sp-2\n"
	"    windows:\n"
	"      - {name: night, kind: peak, from: 00:00, to: 06:00, cap_tps: 200}\n"
	"      - {name: day, kind: off-peak, from: 14:00, to: 22:00, slots: [\n"
	"         {from: 14:00, to: 16:00, cap_tps: 150},\n"
	"         {from: 16:00, to: 20:00, cap_tps: 100},\n"
	"         {from: 20:00, to: 22:00, cap_tps: 200}]}\n"
	"  - provider: s1sp-3\n"
	"    windows:\n"
	"      - {name: night, kind: peak, from: 00:00, to: 06:00, cap_tps: 150}\n"
	"      - {name: day, kind: off-peak, from: 09:00, to: 23:00, cap_tps: 80}\n"
	"series:\n"
	"  - provider: dco\n"
	"    before: [s1sp-1]\n"
	"    windows:\n"
	"      - {name: night, kind: peak, from: 00:00, to: 06:00, cap_tps: 150}\n"
	"      - {name: day, kind: off-peak, from: 09:00, to: 23:00, cap_tps: 100}\n";

static char folder[64];
static struct reference known;

void windows_fixture_create(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_windows.XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(reference_read_providers(
			     windows_fixture_shipped("reference/providers.yaml"), stderr, &known),
		0);
	cr_assert_eq(reference_read_access(
			     windows_fixture_shipped("access/matrix.yaml"), stderr, &known),
		0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

void windows_fixture_destroy(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(known.providers);
	free(known.rules);
	memset(&known, 0, sizeof(known));
}

const struct reference *windows_fixture_known(void)
{
	return &known;
}

const char *windows_fixture_path(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

const char *windows_fixture_shipped(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/conf/%s", TEST_ROOT, name);
	return path;
}

const char *windows_fixture_write(const char *name, const char *text)
{
	const char *path = windows_fixture_path(name);
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
	return path;
}

struct windows_conf *windows_fixture_conf(const char *text)
{
	struct windows_conf *conf;
	const char *path = windows_fixture_write("windows.yaml", text);

	cr_assert_eq(windows_conf_read(path, &known, stderr, &conf), 0, "%s", text);
	return conf;
}

struct windows_conf *windows_fixture_windows(const char *zone, const char *const *windows)
{
	char text[4096];
	int used = snprintf(text, sizeof(text),
		"zone: %s\nproviders:\n  - provider: csp-north\n    windows:\n", zone);

	for (; *windows != NULL; windows++)
		used += snprintf(
			text + used, sizeof(text) - (size_t)used, "      - %s\n", *windows);
	return windows_fixture_conf(text);
}

char *windows_fixture_text(const struct windows_conf *conf)
{
	char *text;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	cr_assert_not_null(file);
	cr_assert_eq(windows_conf_write(conf, file), 0);
	fclose(file);
	return text;
}

void windows_fixture_error(
	const char *marked, const char *said, int (*read)(const char *path, FILE *errors))
{
	char text[8192];
	char place[384];
	char *told;
	size_t length;
	int line = 1;
	int column = 1;
	const char *mark = strchr(marked, '@');

	cr_assert_not_null(mark);
	for (const char *at = marked; at < mark; at++) {
		column = *at == '\n' ? 1 : column + 1;
		line += *at == '\n';
	}
	snprintf(text, sizeof(text), "%.*s%s", (int)(mark - marked), marked, mark + 1);
	const char *path = windows_fixture_write("wrong.yaml", text);
	FILE *errors = open_memstream(&told, &length);
	int result = read(path, errors);
	fclose(errors);
	cr_expect_eq(result, -EINVAL, "accepted:\n%s", marked);
	snprintf(place, sizeof(place), "%s:%d:%d: ", path, line, column);
	const char *found = strstr(told, place);
	cr_expect_not_null(found, "%s\nnot at %d:%d:\n%s", marked, line, column, told);
	if (found != NULL) {
		const char *words = strstr(found, said);
		cr_expect(words != NULL && words < strchr(found, '\n'), "\"%s\" is not said:\n%s",
			said, told);
	}
	free(told);
}

int64_t windows_fixture_utc(int year, int month, int day, int hour, int minute)
{
	struct tm time = {.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute};

	return timegm(&time);
}
