/* SPDX-License-Identifier: Apache-2.0 */
/* CSV and JSON lines, loads of whole tables, and their way back out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "bench/sim/registry.h"
#include "control/bulk.h"
#include "control/csv.h"
#include "store_fixture.h"

#define MIB (1024ull * 1024)

TestSuite(store_bulk, .init = store_folder_create, .fini = store_folder_destroy, .timeout = 60);

static struct store *open_with_providers(const char *name)
{
	static const char *const names[] = {
		"csp-north", "csp-south-central", "s1sp-1", "s1sp-2", "s1sp-3"};
	struct store_options options = {
		.path = store_path(name), .bytes_max = 256 * MIB, .without_sync = true};
	char reason[256] = "";
	struct store *store = store_open(&options, reason, sizeof(reason));

	cr_assert_not_null(store, "%s", reason);
	struct store_change *change = store_begin(store);
	for (uint32_t i = 0; i < 5; i++)
		store_test_provider(change, i, names[i]);
	store_test_commit(change);
	return store;
}

/* Load files of the folder (NULL: none); the errors' text, from malloc, in *errors. */
static int load(struct store *store, const char *const names[3], const char *aside,
	struct bulk_result *result, char **errors)
{
	struct bulk_options options = {.shown_max = 20, .set_aside = aside};
	char paths[3][256];
	size_t length;

	for (int i = 0; i < 3; i++) {
		if (names[i] == NULL)
			continue;
		snprintf(paths[i], sizeof(paths[i]), "%s", store_path(names[i]));
		options.paths[i] = paths[i];
	}
	options.errors = open_memstream(errors, &length);
	int status = bulk_load(store, &options, result);
	fclose(options.errors);
	return status;
}

static void load_well(struct store *store, const char *const names[3], struct bulk_result *result)
{
	char *errors;
	int status = load(store, names, NULL, result, &errors);

	cr_assert_eq(status, 0, "%d: %s", status, errors);
	cr_assert_str_empty(errors);
	free(errors);
}

static void export_to(struct store *store, const char *prefix, bool json)
{
	for (int table = 0; table < BULK_TABLES; table++) {
		char name[64];

		snprintf(name, sizeof(name), "%s-%s.%s", prefix, bulk_table_name(table),
			json ? "jsonl" : "csv");
		FILE *out = fopen(store_path(name), "w");
		cr_assert_not_null(out);
		cr_assert_geq(bulk_export(store, table, json, out), 0);
		fclose(out);
	}
}

static void expect_same_files(const char *first, const char *second)
{
	for (int table = 0; table < BULK_TABLES; table++) {
		char name[64];

		snprintf(name, sizeof(name), "%s-%s.csv", first, bulk_table_name(table));
		char *a = store_test_read(store_path(name));
		snprintf(name, sizeof(name), "%s-%s.csv", second, bulk_table_name(table));
		char *b = store_test_read(store_path(name));
		cr_assert_gt(strlen(a), 20);
		cr_assert_eq(strcmp(a, b), 0, "%s", name);
		free(a);
		free(b);
	}
}

/* Every row and index entry of both stores, by walking one and asking the other. */
static void expect_same_organisation(
	struct store_change *a, uint32_t number, struct store_change *b, uint32_t other)
{
	struct store_organisation left;
	struct store_organisation right;

	cr_assert_eq(store_organisation_get(a, number, &left), 0);
	cr_assert_eq(store_organisation_get(b, other, &right), 0);
	cr_assert_str_eq(left.mpid, right.mpid);
}

static void expect_same_stores(struct store *left, struct store *right)
{
	struct store_change *a = store_snapshot(left);
	struct store_change *b = store_snapshot(right);
	struct store_device device;
	struct store_device other;
	struct mpxn mpxn = {0};
	struct mpxn again = {0};
	uint64_t cursors[2] = {0, 0};
	uint64_t found[2][64];
	int result;

	while ((result = store_device_next(a, &cursors[0], &device)) == 1) {
		cr_assert_eq(store_device_next(b, &cursors[1], &other), 1);
		cr_assert_eq(memcmp(&device, &other, sizeof(device)), 0);
		uint64_t uprn = strtoull(device.device.uprn, NULL, 10);
		size_t count = store_devices_by_uprn(a, uprn, found[0], 64);
		cr_assert_eq(store_devices_by_uprn(b, uprn, found[1], 64), count);
		cr_assert_eq(memcmp(found[0], found[1], count * sizeof(found[0][0])), 0);
		cr_assert(count > 0 || uprn == 0);
		count = store_devices_by_post_code(a, device.device.post_code, found[0], 64);
		cr_assert_eq(store_devices_by_post_code(b, device.device.post_code, found[1], 64),
			count);
		cr_assert_eq(memcmp(found[0], found[1], count * sizeof(found[0][0])), 0);
	}
	cr_assert_eq(result, 0);
	cr_assert_eq(store_device_next(b, &cursors[1], &other), 0);
	cursors[0] = cursors[1] = 0;
	while ((result = store_mpxn_next(a, &cursors[0], &mpxn)) == 1) {
		cr_assert_eq(store_mpxn_next(b, &cursors[1], &again), 1);
		cr_assert_eq(mpxn.number, again.number);
		cr_assert_eq(mpxn.device_count, again.device_count);
		cr_assert_eq(mpxn.event_count, again.event_count);
		for (unsigned i = 0; i < mpxn.device_count; i++)
			cr_assert(mpxn.devices[i].device_id == again.devices[i].device_id &&
				  mpxn.devices[i].use == again.devices[i].use);
		/* Organisations have their numbers in the order of their coming, and events of the
		 * same day theirs. */
		for (unsigned i = 0; i < mpxn.event_count; i++) {
			cr_assert(mpxn.events[i].from_day == again.events[i].from_day &&
				  mpxn.events[i].to_day == again.events[i].to_day &&
				  mpxn.events[i].type == again.events[i].type);
			expect_same_organisation(
				a, mpxn.events[i].organisation, b, again.events[i].organisation);
		}
	}
	cr_assert_eq(result, 0);
	cr_assert_eq(store_mpxn_next(b, &cursors[1], &again), 0);
	store_abandon(a);
	store_abandon(b);
}

static const char *const generated[3] = {
	"made/devices.csv", "made/registrations.csv", "made/appointments.csv"};

Test(store_bulk, a_nation_in_and_out_and_in)
{
	struct sim_registry_counts counts;
	struct bulk_result result;
	struct store *store = open_with_providers("first");

	cr_assert_eq(sim_registry_write(4000, 5, store_path("made"), &counts), 0);
	cr_assert_eq(counts.devices, 4000);
	load_well(store, generated, &result);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(result.wrong[i], 0);
	cr_assert_eq(result.lines[1], counts.registrations);
	cr_assert_eq(result.change, 2);
	cr_assert_gt(result.rows, 4 * 4000);
	export_to(store, "a", false);
	export_to(store, "j", true);

	/* From CSV, from JSON lines, and over what is there already. */
	struct store *second = open_with_providers("second");
	load_well(second,
		(const char *const[]){"a-devices.csv", "a-registrations.csv", "a-appointments.csv"},
		&result);
	export_to(second, "b", false);
	expect_same_files("a", "b");
	struct store *third = open_with_providers("third");
	load_well(third,
		(const char *const[]){
			"j-devices.jsonl", "j-registrations.jsonl", "j-appointments.jsonl"},
		&result);
	export_to(third, "c", false);
	expect_same_files("a", "c");
	load_well(second, generated, &result);
	cr_assert_eq(result.change, 2, "a load that changes nothing is no change");
	expect_same_stores(store, second);
	store_close(store);
	store_close(second);
	store_close(third);
}

/* What is put row by row is what a load into an empty store makes; and a load into a store with
 * other rows leaves those. */
Test(store_bulk, merging_is_loading)
{
	struct sim_registry_counts counts;
	struct bulk_result result;
	struct store *loaded = open_with_providers("loaded");
	struct store *merged = open_with_providers("merged");
	uint64_t since = 1;
	static uint64_t ids[4096];

	cr_assert_eq(sim_registry_write(3000, 9, store_path("made"), &counts), 0);
	load_well(loaded, generated, &result);
	struct store_change *change = store_snapshot(loaded);
	cr_assert_eq(
		store_changes_since(change, &since, ids, 4096), -ESTALE, "an image is built anew");
	store_abandon(change);
	/* One device, and then the MPxNs, keep the fast way from being taken. */
	change = store_begin(merged);
	struct store_device device = store_test_device(1, "77");
	cr_assert_eq(store_device_put(change, &device), 0);
	store_test_commit(change);
	load_well(merged, (const char *const[]){NULL, generated[1], generated[2]}, &result);
	load_well(merged, (const char *const[]){generated[0], NULL, NULL}, &result);
	change = store_begin(merged);
	since = 2;
	cr_assert_eq(store_changes_since(change, &since, ids, 4096), 3000);
	cr_assert_eq(store_device_remove(change, 1), 0);
	store_test_commit(change);
	expect_same_stores(loaded, merged);
	store_close(loaded);
	store_close(merged);
}

/* Devices of before: some that the files have too, some whose MPxN the files have, some of neither.
 */
static void put_before(struct store *store)
{
	struct store_change *change = store_begin(store);
	uint32_t organisation = store_test_organisation(change, "BEFORE");
	struct mpxn_event events[] = {{.type = MPXN_SUPPLIER,
					      .organisation = organisation,
					      .from_day = 9000,
					      .to_day = MPXN_OPEN_DAY},
		{.type = MPXN_APPOINTMENT,
			.role = MPXN_ROLE_MDR,
			.organisation = organisation,
			.from_day = 20500,
			.to_day = MPXN_OPEN_DAY,
			.created_ms = 1700000000000,
			.message = 5}};

	for (uint64_t i = 0; i < 30; i++) {
		char number[14];

		snprintf(number, sizeof(number), "%llu", 8000000000001ull + i);
		struct store_device device = store_test_device(
			i < 10 ? sim_registry_device_id(i * 7, 9) : i + 1, number);
		if (i % 2 == 0)
			device.origin = STORE_ORIGIN_FILE;
		cr_assert_eq(store_device_put(change, &device), 0);
		struct mpxn mpxn = {.number = 8000000000001ull + i, .event_count = 2};
		memcpy(mpxn.events, events, sizeof(events));
		cr_assert_eq(store_mpxn_put(change, &mpxn), 0);
	}
	store_test_commit(change);
}

/* A few rows of before do not make a load slow, and come out as when all is put row by row. */
Test(store_bulk, few_rows_are_kept)
{
	struct sim_registry_counts counts;
	struct bulk_result result;
	struct store *kept = open_with_providers("kept");
	struct store *merged = open_with_providers("merged");
	uint64_t since;
	static uint64_t ids[8192];

	cr_assert_eq(sim_registry_write(3000, 9, store_path("made"), &counts), 0);
	put_before(kept);
	put_before(merged);
	load_well(kept, generated, &result);
	struct store_change *change = store_snapshot(kept);
	since = result.change - 1;
	cr_assert_eq(store_changes_since(change, &since, ids, 8192), -ESTALE, "the fast way");
	store_abandon(change);
	load_well(merged, (const char *const[]){NULL, generated[1], generated[2]}, &result);
	load_well(merged, (const char *const[]){generated[0], NULL, NULL}, &result);
	change = store_snapshot(merged);
	since = result.change - 1;
	cr_assert_eq(store_changes_since(change, &since, ids, 8192), 3000, "row by row");
	cr_assert_eq(store_device_count(change), 3020);
	store_abandon(change);
	expect_same_stores(kept, merged);
	expect_same_stores(merged, kept);
	store_close(kept);
	store_close(merged);
}

Test(store_bulk, generator_is_the_same_each_time)
{
	struct sim_registry_counts counts;

	cr_assert_eq(sim_registry_write(500, 3, store_path("made"), &counts), 0);
	cr_assert_eq(sim_registry_write(500, 3, store_path("again"), &counts), 0);
	char *a = store_test_read(store_path("made/appointments.csv"));
	char *b = store_test_read(store_path("again/appointments.csv"));
	cr_assert_str_eq(a, b);
	free(a);
	free(b);
	for (uint64_t i = 0; i < 20000; i++)
		for (uint64_t k = i + 1; k < i + 3; k++)
			cr_assert_neq(sim_registry_device_id(i, 3), sim_registry_device_id(k, 3));
}

#define DEVICE_HEADER "device_id,type,generation,provider,import_mpxn,uprn,post_code,status\n"
#define DEVICE_1                                                                                   \
	"00-00-00-00-00-00-00-01,ESME,SMETS2,csp-north,1000000000001,12,AB1 2CD,Commissioned\n"
#define DEVICE_2 "00-00-00-00-00-00-00-02,ESME,SMETS2,csp-north,1000000000001,,,\n"

static const char *const files[3] = {"devices.csv", "registrations.csv", "appointments.csv"};

/* Each wrong line with its place and rule. */
Test(store_bulk, wrong_lines_are_told)
{
	struct store *store = open_with_providers("store");
	struct bulk_result result;
	char *errors;

	store_test_file("devices.csv", DEVICE_HEADER DEVICE_1
		"\n"
		"00-00-00-00-00-00-00-0G,ESME,SMETS2,csp-north,,,,\n"
		"00-00-00-00-00-00-00-03,TOASTER,SMETS2,csp-north,,,,\n"
		"00-00-00-00-00-00-00-03,ESME,SMETS3,csp-north,,,,\n"
		"00-00-00-00-00-00-00-03,ESME,SMETS2,nobody,,,,\n"
		"00-00-00-00-00-00-00-03,ESME,SMETS2,csp-north,12345678901234,,,\n"
		"00-00-00-00-00-00-00-03,ESME,SMETS2,csp-north,,0,,\n"
		"00-00-00-00-00-00-00-03,ESME,SMETS2,csp-north,,,AB1,\n"
		"00-00-00-00-00-00-00-03,ESME,SMETS2,csp-north,,,\"AB1 2CD,\n"
		"00-00-00-00-00-00-00-03,ESME,SMETS2,csp-north,,,\n" DEVICE_1);
	store_test_file("registrations.csv", "mpxn,kind,mpid,from\n"
					     "1000000000001,supplier,SUPA,2020-01-01\n"
					     "1000000000001,supplier,supa,2020-01-01\n"
					     "1000000000001,supplier,SUPB,2020-01-01\n"
					     "0,supplier,SUPA,2020-01-01\n"
					     "1000000000001,owner,SUPA,2020-01-01\n"
					     "1000000000001,network,TOOLONGX,2020-01-01\n"
					     "1000000000001,network,NETA,2020-02-30\n");
	store_test_file("appointments.csv", "mpxn,role,mpid,efd,etd\n"
					    "1000000000001,MDR,MDRA,2024-01-01,2024-02-01\r\n"
					    "1000000000001,MDR,MDRA,2024-01-01,yesterday\r\n");
	cr_assert_eq(load(store, files, NULL, &result, &errors), -EINVAL);
	static const char *const wanted[] = {
		"devices.csv:4:1: not an EUI-64",
		"devices.csv:5:25: not one of the words",
		"devices.csv:6:30: neither SMETS1 nor SMETS2",
		"devices.csv:7:37: not the name of a provider",
		"devices.csv:8:47: not the right number of digits",
		"devices.csv:9:48: must be greater than 0",
		"devices.csv:10:49: a postcode has 6 to 8 characters",
		"devices.csv:11:49: a quoted field must end",
		"devices.csv:12:49: the line must have as many fields",
		"devices.csv:13:1: this device stands in the file a second time",
		"registrations.csv:5:1: an MPxN has 1 to 13 digits",
		"registrations.csv:6:15: a kind is",
		"registrations.csv:7:23: a market participant id",
		"registrations.csv:8:28: not a date",
		"appointments.csv:3:35: not a date",
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		cr_assert_not_null(
			strstr(errors, wanted[i]), "%s\nis not in\n%s", wanted[i], errors);
	free(errors);
	struct store_change *snapshot = store_snapshot(store);
	cr_assert_eq(store_change_number(snapshot), 1, "nothing was loaded");
	store_abandon(snapshot);
	store_close(store);
}

Test(store_bulk, wrong_lines_are_set_aside)
{
	struct store *store = open_with_providers("store");
	struct bulk_result result;
	char devices[2048] = DEVICE_HEADER;
	char *errors;

	/* The ninth device of an MPxN, and one that stands there twice. */
	for (int i = 1; i <= 9; i++)
		snprintf(devices + strlen(devices), sizeof(devices) - strlen(devices),
			"00-00-00-00-00-00-00-0%d,ESME,SMETS2,csp-north,1000000000001,,,\n",
			10 - i);
	strcat(devices, DEVICE_2);
	store_test_file("devices.csv", devices);
	store_test_file("registrations.csv",
		"mpxn,kind,mpid,from\n1000000000001,supplier,SUPA,2020-01-01\n"
		"1000000000001,supplier,SUPB,2020-01-01\n1000000000001,supplier,SUPA,2020-01-01\n");
	int status = load(store, (const char *const[]){files[0], files[1], NULL},
		store_path("aside"), &result, &errors);
	cr_assert_eq(status, 0, "%s", errors);
	cr_assert_eq(result.lines[0], 10);
	cr_assert_eq(result.wrong[0], 2);
	cr_assert_eq(result.wrong[1], 1);
	cr_assert_eq(result.repeated[1], 1);
	cr_assert_not_null(
		strstr(errors, "devices.csv:2:1: an MPxN of this device has 8"), "%s", errors);
	cr_assert_not_null(
		strstr(errors, "registrations.csv:3:1: another line tells"), "%s", errors);
	free(errors);
	char *aside = store_test_read(store_path("aside/devices.csv"));
	cr_assert_eq(strncmp(aside, DEVICE_HEADER, strlen(DEVICE_HEADER)), 0);
	cr_assert_str_eq(strchr(aside, '\n') + 1,
		"00-00-00-00-00-00-00-09,ESME,SMETS2,csp-north,1000000000001,,,\n" DEVICE_2);
	free(aside);
	struct store_change *snapshot = store_snapshot(store);
	struct mpxn mpxn;
	cr_assert_eq(store_mpxn_get(snapshot, 1000000000001, &mpxn), 0);
	cr_assert_eq(mpxn.device_count, 8);
	cr_assert_eq(mpxn.devices[7].device_id, 8);
	cr_assert_eq(mpxn.event_count, 1);
	struct store_device row;
	cr_assert_eq(store_device_get(snapshot, 9, &row), -ENOENT);
	store_abandon(snapshot);
	store_close(store);
}

Test(store_bulk, a_later_load_corrects)
{
	struct store *store = open_with_providers("store");
	struct bulk_result result;
	struct store_organisation organisation;
	struct mpxn mpxn;

	store_test_file("registrations.csv", "mpxn,kind,mpid,from\n"
					     "1000000000001,supplier,SUPA,2020-01-01\n"
					     "1000000000001,network,NETA,2020-01-01\n");
	load_well(store, (const char *const[]){NULL, files[1], NULL}, &result);
	store_test_file("registrations.csv", "from,mpid,kind,mpxn\n"
					     "2020-01-01,SUPB,supplier,1000000000001\n");
	load_well(store, (const char *const[]){NULL, files[1], NULL}, &result);
	struct store_change *snapshot = store_snapshot(store);
	cr_assert_eq(store_organisation_find(snapshot, "SUPB", &organisation), 0);
	cr_assert_eq(store_mpxn_get(snapshot, 1000000000001, &mpxn), 0);
	cr_assert_eq(mpxn.event_count, 2);
	cr_assert_eq(mpxn.events[0].type, MPXN_SUPPLIER);
	cr_assert_eq(mpxn.events[0].organisation, organisation.number, "%u %u",
		mpxn.events[0].organisation, organisation.number);
	cr_assert_eq(mpxn.events[1].type, MPXN_NETWORK);
	store_abandon(snapshot);
	store_close(store);
}

/* Events of the feed, with their stamps, come back as they were. */
Test(store_bulk, stamps_come_back)
{
	struct store *stores[2] = {open_with_providers("first"), open_with_providers("second")};
	struct store_change *change = store_begin(stores[0]);
	struct mpxn mpxn = {.number = 1000000000001};
	struct bulk_result result;
	uint64_t state = 5;

	for (int i = 0; i < 5; i++) {
		char mpid[8];

		snprintf(mpid, sizeof(mpid), "ORG%d", i);
		store_test_organisation(change, mpid);
	}
	for (int i = 0; i < 40; i++) {
		struct mpxn_event event = {.type = (uint8_t)(1 + i % 4),
			.organisation = 1 + (uint32_t)i % 5,
			.from_day = 19000 + 10 * i,
			.to_day = MPXN_OPEN_DAY};

		if (event.type == MPXN_APPOINTMENT) {
			event.role = (uint8_t)(1 + i / 4 % 3);
			event.supplier = i % 3 == 0 ? 2 : 0;
			event.to_day = i % 5 == 0 ? MPXN_OPEN_DAY : event.from_day + 4;
		}
		if (event.type == MPXN_END && i % 8 == 3)
			event.organisation = 0;
		event.created_ms = i % 2 == 0 ? 1700000000000 + (uint64_t)i : 0;
		event.message = i % 2 == 0 ? store_test_random(&state) : 0;
		cr_assert_eq(mpxn_add_event(&mpxn, &event), 0);
	}
	cr_assert_eq(store_mpxn_put(change, &mpxn), 0);
	store_test_commit(change);
	export_to(stores[0], "a", false);
	load_well(stores[1],
		(const char *const[]){NULL, "a-registrations.csv", "a-appointments.csv"}, &result);
	struct store_change *snapshot = store_snapshot(stores[1]);
	struct mpxn again;
	cr_assert_eq(store_mpxn_get(snapshot, mpxn.number, &again), 0);
	cr_assert_eq(again.event_count, 40);
	for (int i = 0; i < 40; i++) {
		struct store_organisation organisation = {0};
		const struct mpxn_event *a = &mpxn.events[i];
		const struct mpxn_event *b = NULL;

		for (int k = 0; k < 40; k++)
			if (again.events[k].from_day == a->from_day)
				b = &again.events[k];
		cr_assert_not_null(b);
		cr_assert(a->type == b->type && a->role == b->role && a->to_day == b->to_day &&
			  a->created_ms == b->created_ms && a->message == b->message);
		cr_assert_eq(a->organisation == 0, b->organisation == 0);
		if (b->organisation == 0)
			continue;
		cr_assert_eq(store_organisation_get(snapshot, b->organisation, &organisation), 0);
		cr_assert_eq(organisation.mpid[3], (char)('0' + a->organisation - 1));
		cr_assert_eq(a->supplier == 0, b->supplier == 0);
	}
	store_abandon(snapshot);
	export_to(stores[1], "b", false);
	char *a = store_test_read(store_path("a-appointments.csv"));
	char *b = store_test_read(store_path("b-appointments.csv"));
	cr_assert_str_eq(a, b);
	free(a);
	free(b);
	store_close(stores[0]);
	store_close(stores[1]);
}

static const struct csv_column columns[] = {{"a", true}, {"b", false}, {"c", false}};

static bool field_is(const struct csv_field *field, const char *text)
{
	return field->length == strlen(text) && memcmp(field->text, text, field->length) == 0;
}

Test(store_bulk, csv_fields)
{
	const char *path = store_test_file("t.csv", "\xef\xbb\xbf"
						    "c,\"a\"\r\n"
						    "1,2\r\n\r\n"
						    "\"x,\"\"y\"\"\",\n"
						    "\"open,\n"
						    "\"a\"b,c\n"
						    "1,2,3");
	struct csv_file file;
	struct csv_fault fault;
	struct csv_line line;
	struct csv_record record;

	cr_assert_eq(csv_open(&file, path, columns, 3, &fault), 0);
	cr_assert(csv_next(&file, &line));
	cr_assert_eq(line.number, 2);
	cr_assert_eq(csv_split(&file, &line, &record, &fault), 0);
	cr_assert(field_is(&record.fields[0], "2") && field_is(&record.fields[2], "1"));
	cr_assert_eq(record.fields[1].length, 0);
	cr_assert(csv_next(&file, &line));
	cr_assert_eq(line.number, 4, "empty lines count as lines");
	cr_assert_eq(csv_split(&file, &line, &record, &fault), 0);
	cr_assert(field_is(&record.fields[2], "x,\"y\""));
	cr_assert_eq(csv_line_number(&file, line.offset), 4);
	cr_assert_eq(csv_line_offset(&file, 4), line.offset);
	for (int i = 0; i < 3; i++) {
		cr_assert(csv_next(&file, &line));
		cr_assert_eq(csv_split(&file, &line, &record, &fault), -EINVAL);
	}
	cr_assert_not(csv_next(&file, &line));
	csv_close(&file);
	cr_assert_eq(csv_open(&file, store_test_file("e.csv", ""), columns, 3, &fault), -EINVAL);
	cr_assert_eq(
		csv_open(&file, store_test_file("e.csv", "b,c\n"), columns, 3, &fault), -EINVAL);
	cr_assert_eq(
		csv_open(&file, store_test_file("e.csv", "a,d\n"), columns, 3, &fault), -EINVAL);
	cr_assert_eq(fault.column, 3);
	cr_assert_eq(
		csv_open(&file, store_test_file("e.csv", "a,a\n"), columns, 3, &fault), -EINVAL);
	cr_assert_eq(csv_open(&file, store_path("none.csv"), columns, 3, &fault), -ENOENT);
}

Test(store_bulk, json_lines)
{
	static const struct {
		const char *line;
		const char *a;
		const char *b;
	} good[] = {
		{"{\"a\":\"x\",\"b\":12}", "x", "12"},
		{" { \"b\" : null , \"a\" : \"\\\"\\\\\\/\\u00e9\\u20ac\" } ",
			"\"\\/\xc3\xa9\xe2\x82\xac", ""},
		{"{}", "", ""},
		{"{\"\\u0061\":\"t\\u0041il\"}", "tAil", ""},
	};
	static const char *const bad[] = {"[]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":\"x}",
		"{\"a\":\"\\n\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\u12\"}", "{\"a\":1}x",
		"{\"a\":1,}", "{\"a\":1 \"b\":2}", "{\"a\":1,\"a\":2}", "{\"d\":1}", "{\"a\":[1]}",
		"{\"a\":-1}", "\"a\""};
	struct csv_file file;
	struct csv_fault fault;
	struct csv_line line;
	struct csv_record record;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert_eq(csv_open(&file, store_test_file("t.jsonl", good[i].line), columns, 3,
				     &fault),
			0);
		cr_assert(csv_next(&file, &line));
		cr_assert_eq(csv_split(&file, &line, &record, &fault), 0, "%s: %s", good[i].line,
			fault.rule);
		cr_assert(field_is(&record.fields[0], good[i].a), "%s", good[i].line);
		cr_assert(field_is(&record.fields[1], good[i].b), "%s", good[i].line);
		csv_close(&file);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(
			csv_open(&file, store_test_file("t.jsonl", bad[i]), columns, 3, &fault), 0);
		cr_assert(csv_next(&file, &line));
		cr_assert_eq(csv_split(&file, &line, &record, &fault), -EINVAL, "%s", bad[i]);
		csv_close(&file);
	}
}

/* Random bytes are split or refused, and nothing beyond the line is read. */
Test(store_bulk, csv_of_random_bytes)
{
	static const char bytes[] = ",\"{}:\\ua0\n\r b";
	uint64_t state = 99;

	for (int round = 0; round < 3000; round++) {
		bool json = round % 2 == 0;
		char text[80];
		struct csv_file file;
		struct csv_fault fault;
		struct csv_line line;
		struct csv_record record;
		size_t length = store_test_random(&state) % 60;

		snprintf(text, sizeof(text), "%s", json ? "" : "a,b\n");
		size_t at = strlen(text);
		for (size_t i = 0; i < length; i++)
			text[at++] = bytes[store_test_random(&state) % (sizeof(bytes) - 1)];
		text[at] = '\0';
		const char *path = store_test_file(json ? "r.jsonl" : "r.csv", text);
		if (csv_open(&file, path, columns, 3, &fault) != 0)
			continue;
		while (csv_next(&file, &line)) {
			if (csv_split(&file, &line, &record, &fault) != 0)
				continue;
			for (int i = 0; i < 3; i++)
				cr_assert_leq(record.fields[i].length, line.length);
		}
		csv_close(&file);
	}
}

/* A load that does not fit leaves nothing, and the store as it was. */
Test(store_bulk, a_load_that_does_not_fit)
{
	struct sim_registry_counts counts;
	struct bulk_result result;
	char *errors;
	struct store *store = store_test_open(4 * MIB);
	struct store_change *change = store_begin(store);
	static const char *const names[] = {
		"csp-north", "csp-south-central", "s1sp-1", "s1sp-2", "s1sp-3"};

	for (uint32_t i = 0; i < 5; i++)
		store_test_provider(change, i, names[i]);
	store_test_commit(change);
	cr_assert_eq(sim_registry_write(40000, 5, store_path("made"), &counts), 0);
	cr_assert_eq(load(store, generated, NULL, &result, &errors), -ENOSPC);
	free(errors);
	change = store_begin(store);
	struct store_device device = store_test_device(1, "1");
	cr_assert_eq(store_device_put(change, &device), 0);
	cr_assert_eq(store_test_commit(change), 2);
	store_close(store);
}
