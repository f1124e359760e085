/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators tell of the premises, row by row: what comes of it, and what is refused with
 * nothing of it done; what S1SPs get of it; and the ids of messages that are forgotten.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/feed_keep.h"
#include "control/premises.h"
#include "control/provider_extract.h"
#include "store_fixture.h"

#define NOW_MS 1767225600000ll /* 2026-01-01T00:00:00Z */
#define MPAN 1312345678111ull
#define DEVICE 0x00db1234567890a0ull

static struct store *store;

static void create(void)
{
	store_folder_create();
	store = store_test_open(64u << 20);
	struct store_change *change = store_begin(store);
	struct store_provider provider = {
		.provider = {.id = 2, .kind = MW_PROVIDER_S1SP, .name = "s1sp", .url = "http://a"}};

	store_test_provider(change, 1, "csp");
	cr_assert_eq(store_provider_put(change, &provider), 0);
	store_test_commit(change);
}

static void destroy(void)
{
	store_close(store);
	store_folder_destroy();
}

TestSuite(premises, .init = create, .fini = destroy);

static char rule[192];

/* Put the rows of a CSV text, and commit; returns what the last row gave. */
static int put(
	enum bulk_table table, enum premises_mode mode, const char *header, const char *lines)
{
	struct premises premises = {.table = table, .mode = mode, .now_ms = NOW_MS};
	const struct table_source source = {.header = header,
		.header_line = 1,
		.lines = lines,
		.length = strlen(lines),
		.first_line = 2};
	struct csv_column columns[CSV_COLUMNS_MAX];
	struct table_reader reader;
	struct table_fault fault = {0};
	static struct table_row row;
	int count;
	const struct csv_column *all = bulk_columns(table, &count);
	int result = 0;
	int given;

	memcpy(columns, all, (size_t)count * sizeof(*all));
	for (int i = 0; i < count; i++)
		columns[i].required = false;
	cr_assert_eq(table_open(&reader, &source, columns, count, &fault), 0, "%s", fault.rule);
	for (int i = 0; i < reader.file.field_count; i++)
		premises.given |= 1u << reader.file.order[i];
	struct store_change *change = store_begin(store);
	cr_assert_eq(premises_begin(&premises, change), 0);
	while ((given = table_next(&reader, &row, &fault)) != 0) {
		cr_assert_eq(given, 1, "%s", fault.rule);
		result = premises_put(&premises, &row, &fault);
	}
	snprintf(rule, sizeof(rule), "%s", result == -EINVAL ? fault.rule : "");
	store_test_commit(change);
	table_close(&reader);
	return result;
}

#define REGISTRATION(mode, line)                                                                   \
	put(BULK_REGISTRATIONS, mode, "mpxn,kind,mpid,from,created_ms", line)
#define APPOINTMENT(mode, line)                                                                    \
	put(BULK_APPOINTMENTS, mode, "mpxn,role,mpid,efd,etd,supplier,created_ms", line)
#define DEVICE_HEADER "device_id,type,generation,provider,import_mpxn,model,origin"

/* The timeline of the MPAN's kind, as "MPID from..to ..." in days. */
static const char *timeline(uint8_t kind)
{
	static char text[512];
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	struct store_change *snapshot = store_snapshot(store);
	struct store_organisation organisation;
	struct mpxn mpxn;
	size_t used = 0;

	text[0] = '\0';
	size_t count =
		store_mpxn_get(snapshot, MPAN, &mpxn) == 0 ? mpxn_timeline(&mpxn, intervals) : 0;
	for (size_t i = 0; i < count; i++) {
		char from[SETTLEMENT_DATE_SIZE];
		char to[SETTLEMENT_DATE_SIZE] = "open";

		if (intervals[i].kind != kind)
			continue;
		store_organisation_get(snapshot, intervals[i].organisation, &organisation);
		settlement_format_date(intervals[i].from_day, from);
		if (intervals[i].to_day != MPXN_OPEN_DAY)
			settlement_format_date(intervals[i].to_day, to);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s..%s",
			used > 0 ? " " : "", organisation.mpid, from, to);
	}
	store_abandon(snapshot);
	return text;
}

static int end(const char *efd, const char *etd)
{
	struct premises_end request = {.mpxn = MPAN, .role = MPXN_ROLE_MDR, .now_ms = NOW_MS};

	cr_assert_eq(settlement_parse_date(etd, 10, &request.to_day), 0);
	request.by_from_day = efd != NULL;
	if (efd != NULL)
		cr_assert_eq(settlement_parse_date(efd, 10, &request.from_day), 0);
	struct store_change *change = store_begin(store);
	int result = premises_end_appointment(change, &request);
	store_test_commit(change);
	return result;
}

/* ---- registrations and appointments */

Test(premises, incoming_closes_outgoing)
{
	cr_assert_eq(REGISTRATION(PREMISES_ADD, "1312345678111,supplier,SUPA,2020-01-01,\n"),
		PREMISES_WRITTEN);
	cr_assert_eq(APPOINTMENT(PREMISES_ADD, "1312345678111,MDR,MDRA,2021-01-01,,,\n"),
		PREMISES_WRITTEN);
	cr_assert_eq(APPOINTMENT(PREMISES_ADD, "1312345678111,MDR,MDRB,2022-01-01,,SUPA,\n"),
		PREMISES_WRITTEN);
	cr_assert_str_eq(
		timeline(MPXN_IS_MDR), "MDRA 2021-01-01..2022-01-01 MDRB 2022-01-01..open");
	/* From the day that is said on nobody; the one before does not come back. */
	cr_assert_eq(end(NULL, "2023-01-01"), PREMISES_WRITTEN);
	cr_assert_str_eq(
		timeline(MPXN_IS_MDR), "MDRA 2021-01-01..2022-01-01 MDRB 2022-01-01..2023-01-01");
	cr_assert_eq(end(NULL, "2023-01-01"), PREMISES_UNCHANGED);
	cr_assert_eq(end(NULL, "2025-01-01"), -ENOENT, "nobody on the day before");
	cr_assert_eq(end("2022-01-02", "2025-01-01"), -ENOENT);
	cr_assert_eq(end("2022-01-01", "2021-06-01"), -ERANGE);
	/* Taken back: it never was, and ended nobody's. */
	cr_assert_eq(end("2022-01-01", "2022-01-01"), PREMISES_WRITTEN);
	cr_assert_str_eq(timeline(MPXN_IS_MDR), "MDRA 2021-01-01..open");
	/* A change of supplier closes it. */
	cr_assert_eq(REGISTRATION(PREMISES_ADD, "1312345678111,supplier,SUPB,2024-01-01,\n"),
		PREMISES_WRITTEN);
	cr_assert_str_eq(timeline(MPXN_IS_MDR), "MDRA 2021-01-01..2024-01-01");
	cr_assert_eq(REGISTRATION(PREMISES_ADD, "1312345678111,end,SUPB,2025-01-01,\n"),
		PREMISES_WRITTEN);
	cr_assert_str_eq(timeline(MPXN_IS_SUPPLIER),
		"SUPA 2020-01-01..2024-01-01 SUPB 2024-01-01..2025-01-01");
	cr_assert_eq(APPOINTMENT(PREMISES_ADD, "1312345678111,MDR,MDRA,2025-01-01,,,\n"), -EINVAL);
	cr_assert_not_null(strstr(rule, "void"), "%s", rule);
}

/* An operator's word counts after everything that was told, a file's before it. */
Test(premises, order_of_telling)
{
	const char *first = "1312345678111,MDR,MDRA,2021-01-01,,,1700000000000\n";

	cr_assert_eq(APPOINTMENT(PREMISES_IMPORT, first), PREMISES_WRITTEN);
	cr_assert_eq(APPOINTMENT(PREMISES_IMPORT, first), PREMISES_UNCHANGED);
	cr_assert_eq(APPOINTMENT(PREMISES_IMPORT, "1312345678111,MDR,MDRB,2021-01-01,,,\n"),
		PREMISES_OVERRULED);
	cr_assert_str_eq(timeline(MPXN_IS_MDR), "MDRA 2021-01-01..open");
	/* A message may be made a day ahead of this clock; the operator still has the last word. */
	cr_assert_eq(
		APPOINTMENT(PREMISES_IMPORT, "1312345678111,MDR,MDRC,2021-01-01,,,1767300000000\n"),
		PREMISES_WRITTEN);
	cr_assert_eq(APPOINTMENT(PREMISES_ADD, "1312345678111,MDR,MDRB,2021-01-01,,,\n"),
		PREMISES_WRITTEN);
	cr_assert_str_eq(timeline(MPXN_IS_MDR), "MDRB 2021-01-01..open");
}

Test(premises, refused_rows_leave_nothing)
{
	static const struct {
		enum bulk_table table;
		enum premises_mode mode;
		const char *line;
		const char *rule;
	} rows[] = {
		{BULK_APPOINTMENTS, PREMISES_ADD, "1234567890,MDR,MDRZ,2021-01-01,,,\n",
			"electricity"},
		{BULK_APPOINTMENTS, PREMISES_ADD,
			"1312345678111,MDR,MDRZ,2021-01-02,2021-01-01,,\n", "before it begins"},
		{BULK_APPOINTMENTS, PREMISES_ADD, "1312345678111,supplier,MDRZ,2021-01-02,,SUPA,\n",
			"retrieves by itself"},
		{BULK_APPOINTMENTS, PREMISES_ADD, "1312345678111,boss,MDRZ,2021-01-02,,,\n",
			"a role is"},
		{BULK_APPOINTMENTS, PREMISES_ADD, "1312345678111,MDR,MDRZ,2021-01-02,,SUPZ,\n",
			"void"},
		{BULK_APPOINTMENTS, PREMISES_ADD, "1312345678111,supplier,SUPZ,2021-01-02,,,\n",
			"another supplier"},
		{BULK_REGISTRATIONS, PREMISES_ADD, "1312345678111,,SUPZ,2021-01-02,\n", "a kind"},
		{BULK_REGISTRATIONS, PREMISES_ADD, "1312345678111,supplier,SUP-Z,2021-01-02,\n",
			"letters and digits"},
		{BULK_REGISTRATIONS, PREMISES_IMPORT, "0,supplier,SUPZ,2021-01-02,\n", "MPxN"},
	};
	struct store_organisation organisation;

	REGISTRATION(PREMISES_ADD, "1312345678111,supplier,SUPA,2020-01-01,\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int result = rows[i].table == BULK_APPOINTMENTS
				     ? APPOINTMENT(rows[i].mode, rows[i].line)
				     : REGISTRATION(rows[i].mode, rows[i].line);

		cr_assert_eq(result, -EINVAL, "%s", rows[i].line);
		cr_assert_not_null(strstr(rule, rows[i].rule), "%s: %s", rows[i].line, rule);
	}
	cr_assert_str_eq(timeline(MPXN_IS_MDR), "");
	struct store_change *snapshot = store_snapshot(store);
	/* Not even the organisations that they name. */
	cr_assert_eq(store_organisation_find(snapshot, "MDRZ", &organisation), -ENOENT);
	cr_assert_eq(store_organisation_find(snapshot, "SUPZ", &organisation), -ENOENT);
	cr_assert_eq(store_organisation_find(snapshot, "SUPA", &organisation), 0);
	cr_assert_eq(organisation.origin, STORE_ORIGIN_OPERATOR);
	store_abandon(snapshot);
}

Test(premises, full_mpxn)
{
	char line[96];

	for (int i = 0; i < MPXN_EVENTS_MAX; i++) {
		snprintf(line, sizeof(line), "1312345678111,MDR,MDR%d,2025-%02d-%02d,,,\n", i % 2,
			i / 28 + 1, i % 28 + 1);
		cr_assert_eq(APPOINTMENT(PREMISES_ADD, line), PREMISES_WRITTEN, "%d: %s", i, rule);
	}
	cr_assert_eq(APPOINTMENT(PREMISES_ADD, "1312345678111,MDR,MDR9,2025-08-01,,,\n"), -EINVAL);
	cr_assert_not_null(strstr(rule, "64 events"), "%s", rule);
}

/* ---- devices */

static struct store_device device_of(uint64_t device_id)
{
	struct store_device device;

	cr_assert_eq(store_find_device(store, device_id, &device), 0);
	return device;
}

#define DEVICE_LINE "00-DB-12-34-56-78-90-A0,ESME,SMETS2,csp,1312345678111,M1,file\n"

Test(premises, device_add_set_import)
{
	cr_assert_eq(
		put(BULK_DEVICES, PREMISES_SET, "device_id,model", "00-DB-12-34-56-78-90-A0,M2\n"),
		-EINVAL);
	cr_assert_eq(put(BULK_DEVICES, PREMISES_ADD, DEVICE_HEADER, DEVICE_LINE), PREMISES_WRITTEN);
	/* Whatever the column says, it is the operator's. */
	cr_assert_eq(device_of(DEVICE).origin, STORE_ORIGIN_OPERATOR);
	cr_assert_eq(put(BULK_DEVICES, PREMISES_ADD, DEVICE_HEADER, DEVICE_LINE), -EINVAL);
	cr_assert_eq(
		put(BULK_DEVICES, PREMISES_IMPORT, DEVICE_HEADER, DEVICE_LINE), PREMISES_UNCHANGED);
	cr_assert_eq(put(BULK_DEVICES, PREMISES_SET, "device_id,model,import_mpxn",
			     "00-DB-12-34-56-78-90-A0,M2,\n"),
		PREMISES_WRITTEN);
	struct store_device device = device_of(DEVICE);
	cr_assert_str_eq(device.device.model, "M2");
	cr_assert_str_eq(device.device.import_mpxn, "");
	cr_assert_str_eq(device.device.type, "ESME");
	cr_assert_eq(
		put(BULK_DEVICES, PREMISES_SET, "device_id,type", "00-DB-12-34-56-78-90-A0,LAMP\n"),
		-EINVAL);
	cr_assert_eq(
		put(BULK_DEVICES, PREMISES_SET, "device_id,type", "00-DB-12-34,ESME\n"), -EINVAL);
	cr_assert_str_eq(device_of(DEVICE).device.type, "ESME");
	/* An import replaces the whole row. */
	cr_assert_eq(put(BULK_DEVICES, PREMISES_IMPORT, "device_id,type,generation,provider",
			     "00-DB-12-34-56-78-90-A0,ESME,SMETS2,csp\n"),
		PREMISES_WRITTEN);
	cr_assert_str_eq(device_of(DEVICE).device.model, "");
}

/* A row of the file stays the file's until somebody changes it; removed it would come back. */
Test(premises, device_of_the_file)
{
	struct store_device device = store_test_device(DEVICE, "1312345678111");
	struct store_change *change = store_begin(store);

	device.origin = STORE_ORIGIN_FILE;
	cr_assert_eq(store_device_put(change, &device), 0);
	store_test_commit(change);
	change = store_begin(store);
	cr_assert_eq(premises_remove_device(change, DEVICE), -EPERM);
	cr_assert_eq(premises_remove_device(change, DEVICE + 1), -ENOENT);
	store_abandon(change);
	cr_assert_eq(
		put(BULK_DEVICES, PREMISES_IMPORT,
			"device_id,type,generation,provider,import_mpxn,status",
			"00-DB-12-34-56-78-90-A0,ESME,SMETS2,csp,1312345678111,Commissioned\n"),
		PREMISES_UNCHANGED);
	cr_assert_eq(device_of(DEVICE).origin, STORE_ORIGIN_FILE);
	cr_assert_eq(put(BULK_DEVICES, PREMISES_SET, "device_id,status",
			     "00-DB-12-34-56-78-90-A0,Suspended\n"),
		PREMISES_WRITTEN);
	change = store_begin(store);
	cr_assert_eq(premises_remove_device(change, DEVICE), 0);
	store_test_commit(change);
	cr_assert_eq(store_find_device(store, DEVICE, &device), -ENOENT);
}

Test(premises, too_many_devices_of_one_mpxn)
{
	char line[96];

	for (int i = 0; i < MPXN_DEVICES_MAX + 1; i++) {
		snprintf(line, sizeof(line), "00-DB-12-34-56-78-90-%02X,ESME,SMETS2,csp,%llu,,\n",
			i, MPAN);
		int result = put(BULK_DEVICES, PREMISES_ADD, DEVICE_HEADER, line);
		cr_assert_eq(result, i < MPXN_DEVICES_MAX ? PREMISES_WRITTEN : -EINVAL);
	}
	cr_assert_not_null(strstr(rule, "8 devices"), "%s", rule);
}

/* ---- the files, looked at */

Test(premises, check_of_the_files)
{
	struct bulk_options options = {.shown_max = 10};
	struct bulk_result result;
	char *told = NULL;
	size_t length;

	options.paths[BULK_REGISTRATIONS] = store_test_file("r.csv",
		"mpxn,kind,mpid,from\n1,supplier,SUPA,2020-01-01\n1,network,N,2020-01-01\n");
	options.paths[BULK_APPOINTMENTS] = store_test_file(
		"a.csv", "mpxn,role,mpid,efd,etd\n1312345678111,MDR,A,2020-01-01,\n");
	cr_assert_eq(bulk_check(&options, &result), 0);
	cr_assert_eq(result.lines[BULK_REGISTRATIONS], 2);
	cr_assert_eq(result.lines[BULK_APPOINTMENTS], 1);
	options.paths[BULK_APPOINTMENTS] = store_test_file("a.csv",
		"mpxn,role,mpid,efd,etd\n1312345678111,MDR,A,2020-01-01,\n"
		"1312345678111,MDR,B,2020-01-01,\n1312345678111,MDR,B,2020-01-32,\n");
	options.errors = open_memstream(&told, &length);
	cr_assert_eq(bulk_check(&options, &result), -EINVAL);
	fclose(options.errors);
	cr_assert_eq(result.wrong[BULK_APPOINTMENTS], 2);
	cr_assert_not_null(strstr(told, "a.csv:3:1: another line tells otherwise"), "%s", told);
	cr_assert_not_null(strstr(told, "a.csv:4:21: not a date"), "%s", told);
	free(told);
	options.errors = NULL;
	options.paths[BULK_APPOINTMENTS] = store_path("none.csv");
	cr_assert_eq(bulk_check(&options, &result), -ENOENT);
}

/* ---- the extract */

static struct settlement_calendar *calendar;

/* Extract as CSV without its first line; returns text from malloc, "" after a failure. */
static char *extract(const char *since, int *result, char cursor[EXTRACT_CURSOR_SIZE])
{
	struct provider_extract extract = {.store = store, .calendar = calendar};
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	*result = extract_begin(&extract, "s1sp", since);
	cursor[0] = '\0';
	if (*result == 0) {
		while ((*result = extract_next(&extract)) == 1)
			fwrite(extract.text, 1, extract.length, out);
		snprintf(cursor, EXTRACT_CURSOR_SIZE, "%s", extract.cursor);
	}
	extract_end(&extract);
	fclose(out);
	char *first = strchr(text, '\n');
	char *rest = strdup(first != NULL ? first + 1 : "");
	free(text);
	return rest;
}

static void expect_extract(const char *since, char next[EXTRACT_CURSOR_SIZE], const char *rows)
{
	char expected[2048];
	int result;
	char cursor[EXTRACT_CURSOR_SIZE];
	char *text = extract(since, &result, cursor);

	cr_assert_eq(result, 0, "%d", result);
	snprintf(expected, sizeof(expected), "%s,,,,,,,,%s\n", rows, cursor);
	cr_assert_str_eq(text, expected);
	free(text);
	memcpy(next, cursor, EXTRACT_CURSOR_SIZE);
}

Test(premises, extract_whole_and_changes)
{
	char reason[256];
	char first[EXTRACT_CURSOR_SIZE], second[EXTRACT_CURSOR_SIZE], third[EXTRACT_CURSOR_SIZE];

	calendar = settlement_open(NULL, reason, sizeof(reason));
	cr_assert_not_null(calendar, "%s", reason);
	put(BULK_DEVICES, PREMISES_ADD, DEVICE_HEADER,
		"00-DB-12-34-56-78-90-A0,ESME,SMETS1,s1sp,1312345678111,,\n"
		"00-DB-12-34-56-78-90-A1,ESME,SMETS2,csp,1312345678111,,\n"
		"00-DB-12-34-56-78-90-A2,GSME,SMETS1,s1sp,1234567890,,\n");
	REGISTRATION(PREMISES_ADD, "1312345678111,supplier,SUPA,2020-01-01,\n");
	expect_extract(NULL, first, "");
	APPOINTMENT(PREMISES_ADD, "1312345678111,MDR,MDRA,2025-06-15,2025-12-01,,\n");
	expect_extract(first, second,
		"00-DB-12-34-56-78-90-A0,1312345678111,import,MDRA,2025-06-15,2025-12-01,"
		"2025-06-14T23:00:00Z,2025-12-01T00:00:00Z,\n");
	expect_extract(NULL, third,
		"00-DB-12-34-56-78-90-A0,1312345678111,import,MDRA,2025-06-15,2025-12-01,"
		"2025-06-14T23:00:00Z,2025-12-01T00:00:00Z,\n");
	cr_assert_str_eq(second, third);
	/* The device of another provider changes: nothing is told of it. */
	put(BULK_DEVICES, PREMISES_SET, "device_id,model", "00-DB-12-34-56-78-90-A1,M2\n");
	expect_extract(second, third, "");
	cr_assert_str_neq(second, third);
	/* One goes to another provider, one is removed. */
	put(BULK_DEVICES, PREMISES_SET, "device_id,provider", "00-DB-12-34-56-78-90-A0,csp\n");
	struct store_change *change = store_begin(store);
	cr_assert_eq(premises_remove_device(change, DEVICE + 2), 0);
	store_test_commit(change);
	expect_extract(third, second,
		"00-DB-12-34-56-78-90-A0,,,,,,,,\n00-DB-12-34-56-78-90-A2,,,,,,,,\n");
	/* And comes back. */
	put(BULK_DEVICES, PREMISES_SET, "device_id,provider", "00-DB-12-34-56-78-90-A0,s1sp\n");
	expect_extract(third, first,
		"00-DB-12-34-56-78-90-A0,1312345678111,import,MDRA,2025-06-15,2025-12-01,"
		"2025-06-14T23:00:00Z,2025-12-01T00:00:00Z,\n00-DB-12-34-56-78-90-A2,,,,,,,,\n");
	settlement_close(calendar);
}

Test(premises, extract_refusals)
{
	struct provider_extract extract = {.store = store};
	char other[64];
	char mine[64];

	snprintf(other, sizeof(other), "1-%016llx", (unsigned long long)store_id(store) + 1);
	snprintf(mine, sizeof(mine), "100-%016llx", (unsigned long long)store_id(store));
	const struct {
		const char *name;
		const char *since;
		int result;
	} rows[] = {
		{"nobody", NULL, -ENOENT},
		{"csp", NULL, -EPERM},
		{"s1sp", "", -EINVAL},
		{"s1sp", "-1", -EINVAL},
		{"s1sp", "1-", -EINVAL},
		{"s1sp", "99999999999999999999", -EINVAL},
		{"s1sp", other, -ESTALE},
		{"s1sp", mine, -ESTALE},
		{"s1sp", "1", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_eq(extract_begin(&extract, rows[i].name, rows[i].since), rows[i].result,
			"%s %s", rows[i].name, rows[i].since);
		extract_end(&extract);
	}
}

/* Beyond what the log holds the answer is: the whole. Who left is forgotten with the log. */
Test(premises, extract_stale)
{
	struct provider_extract extract = {0};
	uint64_t left[8];

	store_close(store);
	store = store_test_open(4u << 20); /* a log of 32,768 entries */
	extract.store = store;
	struct store_device device = store_test_device(DEVICE, NULL);
	struct store_change *change = store_begin(store);
	device.device.provider_id = 2;
	cr_assert_eq(store_device_put(change, &device), 0);
	store_test_commit(change);
	change = store_begin(store);
	cr_assert_eq(store_device_remove(change, DEVICE), 0);
	uint64_t gone = store_test_commit(change);
	change = store_snapshot(store);
	cr_assert_eq(store_left_since(change, gone - 1, 2, left, 8), 1);
	cr_assert_eq(left[0], DEVICE);
	cr_assert_eq(store_left_since(change, gone - 1, 1, left, 8), 0);
	cr_assert_eq(store_left_since(change, gone, 2, left, 8), 0);
	store_abandon(change);
	cr_assert_eq(extract_begin(&extract, "s1sp", "1"), 0);
	extract_end(&extract);
	for (int turn = 0; turn < 170; turn++) {
		change = store_begin(store);
		for (uint64_t i = 1; i <= 200; i++) {
			device = store_test_device(DEVICE + i, NULL);
			snprintf(device.device.model, sizeof(device.device.model), "%d", turn);
			cr_assert_eq(store_device_put(change, &device), 0);
		}
		store_test_commit(change);
	}
	cr_assert_eq(extract_begin(&extract, "s1sp", "1"), -ESTALE);
	extract_end(&extract);
	change = store_snapshot(store);
	cr_assert_eq(store_left_since(change, 0, 2, left, 8), 0);
	store_abandon(change);
}

/* ---- message ids */

Test(premises, old_message_ids_are_forgotten)
{
	struct feed_keep keep = {.keep_ms = 1000};
	struct server_time now = {.wall_ms = 10000, .monotonic_ms = 5};
	struct store_message message = {0};
	struct store_change *change = store_begin(store);

	for (int i = 0; i < 3 * FEED_VISITS_MAX / 2; i++) {
		message.state = i % 10 == 9 ? STORE_MESSAGE_SET_ASIDE : STORE_MESSAGE_APPLIED;
		message.received_ms = i % 2 == 0 ? 9000 : 8999;
		snprintf(message.id, sizeof(message.id), "%06d", i);
		cr_assert_eq(store_message_put(change, &message), 0);
	}
	store_test_commit(change);
	/* A pass takes several turns; what was set aside stays, and what is young enough. */
	for (int turn = 0; keep.passes == 0; turn++) {
		cr_assert_lt(turn, 3);
		cr_assert_eq(feed_keep_turn(&keep, store, now), 0);
	}
	cr_assert_eq(keep.forgotten, 3 * FEED_VISITS_MAX / 2 / 10 * 4);
	change = store_snapshot(store);
	cr_assert_eq(store_message_count(change), 3 * FEED_VISITS_MAX / 2 / 10 * 6);
	store_abandon(change);
	/* The next pass is an hour later; nothing to forget is no change. */
	now.wall_ms += 1000;
	cr_assert_eq(feed_keep_turn(&keep, store, now), 0);
	cr_assert_eq(keep.forgotten, 3 * FEED_VISITS_MAX / 2 / 10 * 4);
	now.monotonic_ms += FEED_KEEP_PAUSE_MS;
	while (keep.passes == 1)
		cr_assert_eq(feed_keep_turn(&keep, store, now), 0);
	cr_assert_eq(keep.forgotten, 3 * FEED_VISITS_MAX / 2 / 10 * 9);
	keep = (struct feed_keep){0};
	cr_assert_eq(feed_keep_turn(&keep, store, now), 0);
	cr_assert_eq(keep.passes, 0, "for ever");
}
