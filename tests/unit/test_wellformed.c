/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of tests/data/wellformed, which say what each one tests, before every engine there is.
 */
#include <criterion/criterion.h>

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/duis/fast.h"
#include "tests/differential/buffer.h"
#include "tests/differential/engines.h"

#define CASES_MIN 300
#define CASES TEST_ROOT "/tests/data/wellformed"

#define DUIS "http://www.dccinterface.co.uk/ServiceUserGateway"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"

static const char before[] =
	"<sr:Request xmlns:sr=\"" DUIS "\" schemaVersion=\"5.1\"><sr:Header><sr:RequestID>"
	"90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1</sr:RequestID>"
	"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2</sr:ServiceReference>"
	"<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
	"<sr:ReadInventory><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID></sr:ReadInventory>"
	"</sr:Body><ds:Signature xmlns:ds=\"" DSIG "\"><ds:SignedInfo>"
	"<ds:CanonicalizationMethod Algorithm=\"urn:a\"/><ds:SignatureMethod Algorithm=\"urn:a\"/>"
	"<ds:Reference><ds:DigestMethod Algorithm=\"urn:a\"/><ds:DigestValue>AAAA</ds:DigestValue>"
	"</ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue><ds:Object>";
static const char behind[] = "</ds:Object></ds:Signature></sr:Request>";

struct tally {
	struct engine engine;
	unsigned cases;
	unsigned wrong;
};

/* Add what the escape at `text` stands for; returns its length. */
static size_t add_escape(struct buffer *out, const char *text)
{
	char digits[8] = "";

	switch (text[1]) {
	case 'n':
		buffer_byte(out, '\n');
		return 2;
	case 'r':
		buffer_byte(out, '\r');
		return 2;
	case 't':
		buffer_byte(out, '\t');
		return 2;
	case 'x':
		snprintf(digits, sizeof(digits), "%.2s", text + 2);
		buffer_byte(out, (uint8_t)strtoul(digits, NULL, 16));
		return 4;
	case 'u':
		snprintf(digits, sizeof(digits), "%.6s", text + 2);
		buffer_code_point(out, (uint32_t)strtoul(digits, NULL, 16));
		return 8;
	default:
		buffer_byte(out, (uint8_t)text[1]);
		return 2;
	}
}

static void expand(const char *text, struct buffer *out)
{
	buffer_clear(out);
	while (*text != '\0') {
		if (*text == '\\') {
			text += add_escape(out, text);
		} else if (strncmp(text, "{D}", 3) == 0) {
			buffer_text(out, before);
			buffer_text(out, behind);
			text += 3;
		} else if (strncmp(text, "{<}", 3) == 0 || strncmp(text, "{>}", 3) == 0) {
			buffer_text(out, text[1] == '<' ? before : behind);
			text += 3;
		} else {
			buffer_byte(out, (uint8_t)*text++);
		}
	}
}

/* Whether `found` is one of the names in `verdict`, parted by '|'. */
static bool is_one_of(const char *found, const char *verdict)
{
	size_t length = strlen(found);

	for (const char *at = verdict; at != NULL; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, found, length) == 0 && (at[length] == '|' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* "[15] Comment", "WFC Legal Character", "NS 6.1", "4.3.3 UTF-8" ... */
static bool names_rule(const char *rule)
{
	static const char *const kinds[] = {"[", "WFC ", "NSC ", "NS ", "C14N ", "2.", "4."};

	for (size_t index = 0; index < sizeof(kinds) / sizeof(kinds[0]); index++)
		if (strncmp(rule, kinds[index], strlen(kinds[index])) == 0)
			return strlen(rule) > 3;
	return false;
}

static void check_case(struct tally *tally, const char *file, char *line)
{
	char *wellformed = strsep(&line, "\t");
	char *verdict = strsep(&line, "\t");
	char *rule = strsep(&line, "\t");
	char *known = verdict != NULL ? strchr(verdict, '/') : NULL;
	struct buffer text = {0};
	struct duis_document document;
	struct duis_error error = {.code = DUIS_OK};
	uint8_t *bytes;
	const char *found;

	cr_assert(
		line != NULL && strchr("yn", wellformed[0]) != NULL, "%s: a line of no case", file);
	cr_assert(names_rule(rule), "%s: \"%s\" names no rule", file, rule);
	if (known != NULL) {
		*known = '\0';
		if (strcmp(tally->engine.name, "reference") == 0)
			verdict = known + 1;
	}
	expand(line, &text);
	/* Of its exact size, so that a read behind its end is seen by a sanitizer. */
	bytes = malloc(text.length > 0 ? text.length : 1);
	memcpy(bytes, text.bytes, text.length);
	tally->engine.read(tally->engine.state, bytes, (uint32_t)text.length, &document, &error);
	found = duis_error_name(error.code);
	tally->cases++;
	if (!is_one_of(found, verdict) || error.offset > text.length) {
		tally->wrong++;
		cr_log_error("%s, %s: %s: %s, not %s (offset %lu: %s)", tally->engine.name, file,
			rule, found, verdict, (unsigned long)error.offset, error.rule);
	}
	/* What was broken is said in words, not by a number of libxml2's. */
	if (strncmp(error.rule, "rule ", 5) == 0 && isdigit((unsigned char)error.rule[5])) {
		tally->wrong++;
		cr_log_error("%s, %s: %s: %s", tally->engine.name, file, rule, error.rule);
	}
	free(bytes);
	buffer_free(&text);
}

static void check_file(struct tally *tally, const char *name)
{
	struct buffer file = {0};
	char path[512];
	char *rest;
	char *line;

	snprintf(path, sizeof(path), CASES "/%s", name);
	cr_assert(buffer_read(&file, path) == 0, "%s cannot be read", path);
	rest = (char *)file.bytes;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0' && line[0] != '#')
			check_case(tally, name, line);
	buffer_free(&file);
}

static void check_engine(const char *name)
{
	const char *var = getenv("MOTORWAY_VAR");
	struct tally tally = {.cases = 0};
	struct dirent *entry;
	char folder[512];
	DIR *cases = opendir(CASES);

	snprintf(folder, sizeof(folder), "%s/duis/xsd", var != NULL ? var : TEST_ROOT "/var");
	cr_assert(cases != NULL, "%s is missing", CASES);
	cr_assert(engine_create(&tally.engine, name, folder), "there is no engine %s", name);
	while ((entry = readdir(cases)) != NULL)
		if (strstr(entry->d_name, ".txt") != NULL)
			check_file(&tally, entry->d_name);
	closedir(cases);
	tally.engine.destroy(tally.engine.state);
	cr_assert(tally.cases >= CASES_MIN, "only %u cases", tally.cases);
	cr_assert(tally.wrong == 0, "%u of %u cases are judged wrongly", tally.wrong, tally.cases);
}

Test(wellformed, reference)
{
	check_engine("reference");
}

/* The path of a fault in `depth` elements of that name, below ds:Object. */
static void path_of_fault(const char *engine_name, const char *name, unsigned depth,
	const char *fault, char path[DUIS_PATH_SIZE])
{
	const char *var = getenv("MOTORWAY_VAR");
	struct engine engine;
	struct buffer text = {0};
	struct duis_document document;
	struct duis_error error = {.code = DUIS_OK};
	char folder[512];

	snprintf(folder, sizeof(folder), "%s/duis/xsd", var != NULL ? var : TEST_ROOT "/var");
	cr_assert(engine_create(&engine, engine_name, folder));
	buffer_text(&text, before);
	for (unsigned level = 0; level < depth; level++)
		buffer_print(&text, "<%s>", name);
	buffer_text(&text, fault);
	for (unsigned level = 0; level < depth; level++)
		buffer_print(&text, "</%s>", name);
	buffer_text(&text, behind);
	cr_assert_neq(
		engine.read(engine.state, text.bytes, (uint32_t)text.length, &document, &error), 0);
	memcpy(path, error.path, DUIS_PATH_SIZE);
	engine.destroy(engine.state);
	buffer_free(&text);
}

#define OBJECT "/sr:Request/ds:Signature/ds:Object"

/* Paths that are too long are cut between names, and say so. */
static void check_paths(const char *engine)
{
	const struct {
		unsigned length; /* of a name */
		unsigned depth;
		unsigned kept; /* elements, and then DUIS_PATH_CUT where there are more */
	} cases[] = {{9, 15, 15}, {9, 16, 15}, {10, 13, 13}, {10, 14, 13}, {10, 40, 13},
		{151, 1, 1}, {152, 1, 1}, {153, 1, 0}, {187, 1, 0}, {200, 1, 0}, {5000, 2, 0}};

	for (size_t index = 0; index < sizeof(cases) / sizeof(cases[0]); index++) {
		char path[DUIS_PATH_SIZE];
		char wanted[DUIS_PATH_SIZE] = OBJECT;
		char name[5001] = "";

		memset(name, 'n', cases[index].length);
		for (unsigned level = 0; level < cases[index].kept; level++) {
			strcat(wanted, "/");
			strcat(wanted, name);
		}
		if (cases[index].kept < cases[index].depth)
			strcat(wanted, DUIS_PATH_CUT);
		path_of_fault(engine, name, cases[index].depth, "&b;", path);
		cr_expect_str_eq(path, wanted, "%s, %u of %u: %s, not %s", engine,
			cases[index].depth, cases[index].length, path, wanted);
	}
}

Test(wellformed, long_paths_of_the_reference_engine)
{
	check_paths("reference");
}

#ifdef DIFFERENTIAL_FAST

Test(wellformed, long_paths_of_the_fast_engine)
{
	check_paths("fast");
}

/* doc/standards.md, "Canonical forms": the name of a namespace is written as an attribute's value.
 */
Test(wellformed, canonical_form_of_a_reference_in_the_name_of_a_namespace)
{
	static const struct {
		const char *engine;
		const char *form;
	} rows[] = {
		{"fast", " xmlns:z=\"urn:a&amp;b\""}, {"reference", " xmlns:z=\"urn:a&#38;b\""}};
	const char *var = getenv("MOTORWAY_VAR");
	char folder[512];

	snprintf(folder, sizeof(folder), "%s/duis/xsd", var != NULL ? var : TEST_ROOT "/var");
	for (size_t row = 0; row < 2; row++) {
		struct engine engine;
		struct buffer text = {0};
		struct duis_document document;
		struct duis_error error;
		const uint8_t *form;
		size_t length;

		buffer_print(&text, "%s%s", before, behind);
		buffer_splice(&text, strlen("<sr:Request"), strlen("<sr:Request"),
			" xmlns:z=\"urn:a&#38;b\"", strlen(" xmlns:z=\"urn:a&#38;b\""));
		cr_assert(engine_create(&engine, rows[row].engine, folder));
		cr_assert_eq(engine.read(engine.state, text.bytes, (uint32_t)text.length, &document,
				     &error),
			0, "%s: %s", rows[row].engine, error.rule);
		form = engine.canonical(engine.state, &length);
		cr_expect_not_null(memmem(form, length, rows[row].form, strlen(rows[row].form)),
			"%s: %.*s", rows[row].engine, (int)length, form);
		engine.destroy(engine.state);
		buffer_free(&text);
	}
}

static void check_variant(enum duis_fast_variant variant)
{
	char name[32];

	if (!duis_fast_variant_available(variant))
		cr_skip("this machine cannot run it");
	snprintf(name, sizeof(name), "fast-%s", duis_fast_variant_name(variant));
	check_engine(name);
}

Test(wellformed, fast_scalar)
{
	check_variant(DUIS_FAST_SCALAR);
}

Test(wellformed, fast_avx2)
{
	check_variant(DUIS_FAST_AVX2);
}

Test(wellformed, fast_avx512)
{
	check_variant(DUIS_FAST_AVX512);
}

#endif
