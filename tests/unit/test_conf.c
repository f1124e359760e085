/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: every key at its bounds and beyond them, every rule between keys, and the
 * place that an error names. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/conf.h"
#include "control/conf_table.h"
#include "motorway/access_terms.h"

/* The smallest file without errors; every test changes something in it. */
#define SCHEMA                                                                                     \
	"schema:\n  versions:\n    - {version: \"5.4\", image: a.image,\n       xsd: a.xsd,\n"     \
	"       overlays: [b.yaml]}\n"
#define SIGNING "signing:\n  key: k.key\n  certificate: c.pem\n  dsp_eui: 90-B3-D5-1F-30-00-00-02\n"

static struct conf conf;
static char *errors;
static char path[64];

static int read_text(const char *text)
{
	size_t size;

	free(errors);
	errors = NULL;
	snprintf(path, sizeof(path), "/tmp/test_conf.XXXXXX");
	int fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	FILE *stream = open_memstream(&errors, &size);
	int result = conf_read(path, &conf, stream);
	fclose(stream);
	unlink(path);
	return result;
}

/* The file is refused with an error at line:column that contains `text`. */
static void expect_error(const char *file, int line, int column, const char *text)
{
	char place[128];

	cr_assert_eq(read_text(file), -EINVAL, "accepted:\n%s", file);
	snprintf(place, sizeof(place), "%s:%d:%d: ", path, line, column);
	cr_assert_not_null(strstr(errors, place), "no error at %d:%d in:\n%s\nfor:\n%s", line,
		column, errors, file);
	bool said = false;
	for (const char *at = strstr(errors, place); at != NULL; at = strstr(at + 1, place)) {
		const char *found = strstr(at, text);

		said |= found != NULL && found < strchr(at, '\n');
	}
	cr_assert(said, "\"%s\" is not said at %d:%d in:\n%s", text, line, column, errors);
}

Test(conf, smallest_file_has_all_defaults)
{
	cr_assert_eq(read_text(SCHEMA SIGNING), 0, "%s", errors);
	cr_assert_str_eq(errors, "");
	cr_assert_eq(conf.lcores, 0);
	cr_assert_eq(conf.idle, CONF_IDLE_BACKOFF);
	cr_assert_str_eq(conf.listen, "127.0.0.1:8079");
	cr_assert_str_eq(conf.provider_listen, "127.0.0.1:8078");
	cr_assert_eq(conf.dsp_eui, 0x90b3d51f30000002u);
	cr_assert_eq(conf.schema_count, 1);
	cr_assert_str_eq(conf.schemas[0].xsd_path, "/tmp/a.xsd");
	cr_assert_str_eq(conf.schemas[0].overlays[0], "/tmp/b.yaml");
	cr_assert_str_eq(conf.schemas[0].overlays[1], "");
	cr_assert_str_eq(conf.users, "/tmp/reference/users.yaml");
	cr_assert_str_eq(conf.control_socket, "/var/run/control.sock");
	cr_assert_not(conf.sign_acknowledgements);
	cr_assert_eq(conf.answer_count, 15);
}

Test(conf, shipped_file_is_in_order_and_says_the_defaults)
{
	struct conf shipped;
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	cr_assert_eq(conf_read(TEST_ROOT "/conf/motorway.yaml", &shipped, stream), 0);
	fclose(stream);
	cr_assert_str_eq(text, "");
	free(text);
	cr_assert_eq(shipped.schema_count, 2);
	cr_assert_eq(read_text(SCHEMA SIGNING), 0);
	/* Every key that has a default stands in the shipped file with that default. */
	for (const struct conf_group *group = conf_groups; group->name != NULL; group++) {
		for (size_t i = 0; i < group->count; i++) {
			const struct yaml_field *field = &group->fields[i];
			const char *a = (const char *)&conf + field->offset;
			const char *b = (const char *)&shipped + field->offset;

			if (field->type == YAML_U32)
				cr_assert_eq(*(const uint32_t *)(const void *)a,
					*(const uint32_t *)(const void *)b, "%s.%s", group->name,
					field->name);
			else if (field->type == YAML_TEXT)
				cr_assert_str_eq(a, b, "%s.%s", group->name, field->name);
		}
	}
	cr_assert_arr_eq(conf.answers, shipped.answers, sizeof(conf.answers));
}

Test(conf, shipped_file_names_every_key)
{
	char *text = calloc(1, 65536);
	FILE *file = fopen(TEST_ROOT "/conf/motorway.yaml", "r");

	cr_assert_not_null(file);
	cr_assert(fread(text, 1, 65535, file) > 0);
	fclose(file);
	for (const struct conf_group *group = conf_groups; group->name != NULL; group++) {
		for (size_t i = 0; i < group->count; i++) {
			char line[128];

			snprintf(line, sizeof(line), "\n  %s:", group->fields[i].name);
			cr_assert_not_null(
				strstr(text, line), "%s.%s", group->name, group->fields[i].name);
		}
	}
	for (const struct conf_reason *row = conf_reasons; row->reason != NULL; row++)
		cr_assert_not_null(strstr(text, row->reason), "%s", row->reason);
	free(text);
}

/* The file with one key of one group set to `value`. */
static const char *with_key(const char *group, const char *key, const char *value)
{
	static char file[1024];
	const char *schema = strcmp(group, "schema") == 0 ? "" : SCHEMA;
	const char *signing = strcmp(group, "signing") == 0 ? "" : SIGNING;

	snprintf(file, sizeof(file), "%s:\n  %s: %s\n%s%s", group, key, value, schema, signing);
	return file;
}

/* Whether the value of this key is refused as such; rules between keys may object as well. */
static bool value_refused(const char *group, const char *key, uint64_t value)
{
	char digits[32];
	char place[128];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	int result = read_text(with_key(group, key, digits));
	snprintf(place, sizeof(place), "%s:2:%zu: \"%s\" has a value that is not allowed", path,
		strlen(key) + 5, key);
	bool said = strstr(errors, place) != NULL;
	cr_assert(!said || result == -EINVAL);
	return said;
}

Test(conf, every_number_is_refused_just_outside_its_bounds)
{
	unsigned seen = 0;

	for (const struct conf_group *group = conf_groups; group->name != NULL; group++) {
		for (size_t i = 0; i < group->count; i++) {
			const struct yaml_field *field = &group->fields[i];

			if (field->type != YAML_U32)
				continue;
			seen++;
			cr_assert_not(value_refused(group->name, field->name, field->min), "%s",
				field->name);
			cr_assert_not(value_refused(group->name, field->name, field->max), "%s",
				field->name);
			cr_assert(value_refused(group->name, field->name, field->max + 1), "%s",
				field->name);
			if (field->min > 0)
				cr_assert(value_refused(group->name, field->name, field->min - 1),
					"%s", field->name);
		}
	}
	cr_assert_geq(seen, 25);
}

Test(conf, numbers_must_be_plain)
{
	static const char *const values[] = {
		"-1",
		"+5",
		"0x10",
		"5.0",
		"1e3",
		"five",
		"\"\"",
		"99999999999999999999999",
		"[5]",
		"{a: 5}",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		expect_error(
			with_key("north", "connections_max", values[i]), 2, 20, "connections_max");
	expect_error("north:\n  connections_max:\n    a: 5\n" SCHEMA SIGNING, 3, 5,
		"\"connections_max\" must be a single value");
}

Test(conf, words_and_flags)
{
	expect_error(with_key("data_plane", "idle", "fast"), 2, 9, "backoff or spin");
	cr_assert_eq(read_text(with_key("data_plane", "idle", "spin")), 0);
	cr_assert_eq(conf.idle, CONF_IDLE_SPIN);
	cr_assert_eq(read_text(with_key("data_plane", "lcores", "8")), 0);
	cr_assert_eq(conf.lcores, 8);
	expect_error(with_key("data_plane", "lcores", "0"), 2, 11, "auto, or a number from 1 to 8");
	expect_error(SCHEMA SIGNING "  acknowledgements: maybe\n", 10, 21, "yes or no");
	cr_assert_eq(read_text(SCHEMA SIGNING "  acknowledgements: yes\n"), 0);
	cr_assert(conf.sign_acknowledgements);
	expect_error(SCHEMA "signing:\n  key: k\n  certificate: c\n  dsp_eui: 90-B3\n", 9, 12,
		"an EUI-64 such as");
}

Test(conf, unknown_repeated_and_missing_keys)
{
	expect_error("north:\n  speed: 7\n" SCHEMA SIGNING, 2, 3,
		"the key \"speed\" is not known here; known are: connections_max, lane_items_max");
	expect_error(
		"south:\n  dispatch_attempts_max: 2\n  dispatch_attempts_max: 3\n" SCHEMA SIGNING,
		3, 3, "stands here a second time; the first is in line 2");
	expect_error("nroth: {}\n" SCHEMA SIGNING, 1, 1, "the group \"nroth\" is not known");
	expect_error("north: {}\nnorth: {}\n" SCHEMA SIGNING, 2, 1, "stands here a second time");
	expect_error(
		SIGNING, 1, 1, "\"versions\" of the group \"schema\" is missing; it is required");
	expect_error(
		SCHEMA "signing:\n  key: k\n", 7, 3, "\"certificate\" is missing; it is required");
	expect_error(SCHEMA "signing:\n  key: k\n", 7, 3, "\"dsp_eui\" is missing; it is required");
	expect_error("north: 5\n" SCHEMA SIGNING, 1, 8, "\"north\" must be a mapping");
	expect_error(
		"schema:\n  versions:\n    - xsd: a\n" SIGNING, 3, 7, "\"version\" is missing");
	expect_error("schema:\n  versions: []\n" SIGNING, 2, 13, "1 to 16");
	expect_error("schema:\n  versions:\n    - {version: five, xsd: a}\n" SIGNING, 3, 17,
		"decimal number");
}

Test(conf, all_errors_are_reported)
{
	unsigned lines = 0;

	cr_assert_eq(read_text("north:\n  speed: 7\n  connections_max: 0\nfoo: 1\n"
			       "edge:\n  retry_after_s: x\n"),
		-EINVAL);
	for (const char *at = errors; *at != '\0'; at++)
		lines += *at == '\n';
	cr_assert_eq(lines, 8, "%s", errors);
}

Test(conf, rules_between_keys)
{
	expect_error(
		"edge:\n  listen: 127.0.0.1\n" SCHEMA SIGNING, 2, 11, "an IPv4 address and a port");
	expect_error("edge:\n  listen: localhost:80\n" SCHEMA SIGNING, 2, 11, "an IPv4 address");
	expect_error("edge:\n  provider_listen: 127.0.0.1:0\n" SCHEMA SIGNING, 2, 20, "and a port");
	expect_error(
		"edge:\n  provider_listen: 127.0.0.1:65536\n" SCHEMA SIGNING, 2, 20, "and a port");
	expect_error(
		"edge:\n  provider_listen: 127.0.0.1:8079\n" SCHEMA SIGNING, 2, 20, "must differ");
	expect_error(
		"edge:\n  provider_listen: 0.0.0.0:8079\n" SCHEMA SIGNING, 2, 20, "must differ");
	cr_assert_eq(read_text("edge:\n  provider_listen: 127.0.0.2:8079\n" SCHEMA SIGNING), 0);
	expect_error("north:\n  lane_items_max: 1000\n" SCHEMA SIGNING, 2, 19, "a power of two");
	expect_error("north:\n  delivery_backoff_ms: 500\n  delivery_backoff_max_ms: 499\n" SCHEMA
			     SIGNING,
		3, 28, "must not be less");
	expect_error("messages:\n  large: 25\n" SCHEMA SIGNING, 2, 3, "three quarters");
	expect_error(SCHEMA "    - {version: \"05.40\", image: b}\n" SIGNING, 6, 17,
		"equals \"5.4\" in value");
	expect_error(SCHEMA SIGNING
		"control:\n  socket: /tmp/"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		11, 11, "at most 107 are allowed");
}

Test(conf, answers)
{
	cr_assert_eq(read_text(SCHEMA SIGNING
			     "answers:\n  device-silent: {code: E5, http: 200, assumed: yes}\n"),
		0, "%s", errors);
	for (uint32_t i = 0; i < conf.answer_count; i++) {
		bool changed = strcmp(conf.answers[i].reason, "device-silent") == 0;

		cr_assert_str_eq(conf.answers[i].code, changed ? "E5" : conf_reasons[i].code);
		cr_assert_eq(conf.answers[i].assumed, changed || conf_reasons[i].assumed);
	}
	expect_error(SCHEMA SIGNING "answers:\n  aim: {code: E5, http: 200, assumed: yes}\n", 11, 3,
		"no reason that has a DUIS code");
	expect_error(SCHEMA SIGNING
		"answers:\n  device-silent: {code: X5, http: 200, assumed: yes}\n",
		11, 25, "ResponseCode");
	expect_error(SCHEMA SIGNING
		"answers:\n  device-silent: {code: E5, http: 201, assumed: yes}\n",
		11, 35, "200 or 403");
	expect_error(SCHEMA SIGNING
		"answers:\n  device-silent: {code: E5, http: 403, assumed: yes}\n",
		11, 35, "403 for a sender who is not proven");
	expect_error(SCHEMA SIGNING "answers:\n  device-silent: {code: E5}\n", 11, 18,
		"\"http\" is missing");
}

/* The refusals of access control, whose codes are in conf/access/checks.yaml. */
static const char *const access_reasons[] = {
#define ACCESS_REASON(name, text) text,
	MW_ACCESS_CHECKS(ACCESS_REASON)
#undef ACCESS_REASON
};

/* doc/answers.md lists the reasons for people; the tables must have the same ones. */
Test(conf, documented_reasons_are_the_known_ones)
{
	FILE *file = fopen(TEST_ROOT "/doc/answers.md", "r");
	char line[512];
	unsigned documented = 0;
	unsigned known = 0;

	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] != '|' || strstr(line, "| E") == NULL)
			if (strstr(line, "per SRV") == NULL)
				continue;
		char *cell = strchr(line + 1, '|');
		char *cell_end = strchr(cell + 1, '|');
		for (char *tick = strchr(cell, '`'); tick != NULL && tick < cell_end;
			tick = strchr(tick + 1, '`')) {
			char *end = strchr(tick + 1, '`');
			bool found = false;

			*end = '\0';
			for (const struct conf_reason *row = conf_reasons; row->reason != NULL;
				row++)
				found |= strcmp(row->reason, tick + 1) == 0;
			for (size_t i = 0; i < MW_ACCESS_CHECK_COUNT; i++)
				found |= strcmp(access_reasons[i], tick + 1) == 0;
			cr_assert(found, "%s is documented and not known", tick + 1);
			documented++;
			tick = end;
		}
	}
	fclose(file);
	for (const struct conf_reason *row = conf_reasons; row->reason != NULL; row++)
		known++;
	cr_assert_eq(documented, known + MW_ACCESS_CHECK_COUNT);
}

Test(conf, what_is_no_plain_yaml)
{
	static const struct {
		const char *text;
		int line, column;
		const char *says;
	} cases[] = {
		{"", 1, 1, "the file is empty"},
		{"# nothing\n", 1, 1, "the file is empty"},
		{"- a\n", 1, 1, "a mapping of keys to values is expected"},
		{"word\n", 1, 1, "a mapping of keys to values is expected"},
		{"a: [1\nb: }\n", 2, 4, "not valid YAML"},
		{"a:\n\t- 1\n", 2, 1, "not valid YAML"},
		{"a: &x 1\n", 1, 7, "anchors and tags are not allowed"},
		{"a: !!int 1\n", 1, 10, "anchors and tags are not allowed"},
		{"a: 1\nb: *a\n", 2, 5, "aliases are not allowed"},
		{"{[a]: 1}\n", 1, 2, "a key must be a plain word"},
		{"a: \"x\\0y\"\n", 1, 4, "a NUL character is not allowed"},
		{"north: {}\nedge: \xff\n", 2, 7, "not valid UTF-8"},
		{"a: \xc0\xaf\n", 1, 4, "not valid UTF-8"},
		{"a: \xed\xa0\x80\n", 1, 4, "not valid UTF-8"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_error(cases[i].text, cases[i].line, cases[i].column, cases[i].says);
	expect_error("a: 1\n---\nb: 2\n", 1, 1, "only one YAML document");
}

Test(conf, deep_nesting_is_refused)
{
	char text[128] = "a: ";

	for (int i = 0; i < YAML_DEPTH_MAX; i++)
		strcat(text, "[");
	expect_error(text, 1, 19, "at most 16 levels");
}

Test(conf, quoted_control_characters_do_not_reach_the_terminal)
{
	cr_assert_eq(read_text("\"a\\e[2J\": 1\n"), -EINVAL);
	cr_assert_not_null(strstr(errors, "\"a?[2J\""));
	cr_assert_null(strchr(errors, '\x1b'));
}

Test(conf, unreadable_files)
{
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	cr_assert_eq(conf_read("/tmp/test_conf.does-not-exist", &conf, stream), -ENOENT);
	cr_assert_eq(conf_read("/tmp", &conf, stream), -EISDIR);
	cr_assert_eq(conf_read("/dev/zero", &conf, stream), -EINVAL);
	fclose(stream);
	cr_assert_not_null(strstr(text, "does-not-exist:1:1: cannot be read: No such file"));
	free(text);
}

#define VERSIONS "  versions:\n    - {version: \"5.4\", "

/* Each engine needs files of its own for every version. */
Test(conf, engines_and_their_files)
{
	cr_assert_eq(read_text(SCHEMA SIGNING), 0, "%s", errors);
	cr_assert_eq(conf.engine, CONF_ENGINE_FAST);
	cr_assert_eq(conf.verification, CONF_VERIFICATION_TABLES);
	cr_assert_eq(conf.tables_max, 512);
	cr_assert_str_eq(conf.schemas[0].image_path, "/tmp/a.image");
	cr_assert_eq(read_text("schema:\n  engine: reference\n  verification: plain\n"
			       "  tables_max: 7\n" VERSIONS "xsd: a.xsd}\n" SIGNING),
		0, "%s", errors);
	cr_assert_eq(conf.engine, CONF_ENGINE_REFERENCE);
	cr_assert_eq(conf.verification, CONF_VERIFICATION_PLAIN);
	cr_assert_eq(conf.tables_max, 7);
	cr_assert_str_eq(conf.schemas[0].image_path, "");
	cr_assert_eq(read_text("schema:\n" VERSIONS "image: a.image}\n" SIGNING), 0, "%s", errors);
	cr_assert_str_eq(conf.schemas[0].xsd_path, "");
	expect_error("schema:\n" VERSIONS "xsd: a.xsd}\n" SIGNING, 3, 7,
		"the engine \"fast\" needs a schema image");
	expect_error("schema:\n" VERSIONS "image: a}\n    - {version: \"5.5\"}\n" SIGNING, 4, 7,
		"\"image\" is missing here");
	expect_error("schema:\n  engine: reference\n" VERSIONS "image: a.image}\n" SIGNING, 4, 7,
		"the engine \"reference\" needs the XSD");
	expect_error("schema:\n" VERSIONS "image: a, overlays: [b]}\n" SIGNING, 3, 44,
		"belong to an \"xsd\"");
	expect_error("schema:\n  engine: quick\n" VERSIONS "image: a}\n" SIGNING, 2, 11,
		"fast or reference");
	expect_error("schema:\n  verification: none\n" VERSIONS "image: a}\n" SIGNING, 2, 17,
		"tables or plain");
	expect_error("schema:\n  tables_max: 65537\n" VERSIONS "image: a}\n" SIGNING, 2, 15,
		"from 0 to 65536");
}

Test(conf, versions_compare_by_value)
{
	cr_assert(conf_version_equal("5.1", "5.10"));
	cr_assert(conf_version_equal("5.1", "05.1"));
	cr_assert(conf_version_equal("5", "5.0"));
	cr_assert(conf_version_equal("5.", "5"));
	cr_assert(conf_version_equal(".5", "0.5"));
	cr_assert_not(conf_version_equal("5.1", "5.01"));
	cr_assert_not(conf_version_equal("5.1", "5.11"));
	cr_assert_not(conf_version_equal("51", "5.1"));
	cr_assert_not(conf_version_valid(""));
	cr_assert_not(conf_version_valid("."));
	cr_assert_not(conf_version_valid("5.1.1"));
	cr_assert_not(conf_version_valid("v5"));
}

Test(conf, description_has_every_key)
{
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	conf_describe(stream);
	fclose(stream);
	for (const struct conf_group *group = conf_groups; group->name != NULL; group++)
		for (size_t i = 0; i < group->count; i++) {
			cr_assert_not_null(strstr(text, group->fields[i].name));
			cr_assert_not_null(group->fields[i].help);
		}
	for (const struct conf_reason *row = conf_reasons; row->reason != NULL; row++)
		cr_assert_not_null(strstr(text, row->reason));
	free(text);
}

/* The manual page says of every key what the table says. Hyphens are \\- in roff. */
static void roff(const char *text, char *out, size_t size)
{
	size_t length = 0;

	for (; *text != '\0' && length + 3 < size; text++) {
		if (*text == '-')
			out[length++] = '\\';
		out[length++] = *text;
	}
	out[length] = '\0';
}

Test(conf, manual_page_says_what_the_table_says)
{
	char *page = calloc(1, 65536);
	FILE *file = fopen(TEST_ROOT "/doc/man/motorway.yaml.5", "r");
	const char *at = page;

	cr_assert_not_null(file);
	cr_assert(fread(page, 1, 65535, file) > 0);
	fclose(file);
	for (const struct conf_group *group = conf_groups; group->name != NULL; group++) {
		for (size_t i = 0; i < group->count; i++) {
			const struct yaml_field *field = &group->fields[i];
			char phrase[256];
			char line[600];
			char escaped[1200];

			snprintf(line, sizeof(line), ".BR %s \" (", field->name);
			at = strstr(at, line);
			cr_assert_not_null(
				at, "%s.%s is missing or out of order", group->name, field->name);
			const char *end = strstr(at, "\n.TP");
			if (field->required)
				snprintf(line, sizeof(line), ", required)");
			else
				snprintf(line, sizeof(line), ", default %s)",
					field->fallback != NULL ? field->fallback : "none");
			roff(line, escaped, sizeof(escaped));
			const char *found = strstr(at, escaped);
			cr_assert(found != NULL && (end == NULL || found < end), "%s: %s",
				field->name, escaped);
			if (field->type == YAML_CUSTOM)
				continue;
			snprintf(line, sizeof(line), "Allowed: %s.\n",
				yaml_allowed(field, phrase, sizeof(phrase)));
			roff(line, escaped, sizeof(escaped));
			found = strstr(at, escaped);
			cr_assert(found != NULL && (end == NULL || found < end + 1), "%s: %s",
				field->name, escaped);
		}
	}
	free(page);
}
