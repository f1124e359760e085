/* SPDX-License-Identifier: Apache-2.0 */
/* The store: opening it, its rules, its log, a full one, and damaged rows. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>

#include <criterion/criterion.h>

#include "control/store.h"
#include "store_fixture.h"

#define MIB (1024ull * 1024)

TestSuite(store, .init = store_folder_create, .fini = store_folder_destroy, .timeout = 60);

static struct store *try_open(bool read_only, char *reason, size_t size)
{
	struct store_options options = {
		.path = store_path("store"), .bytes_max = 16 * MIB, .read_only = read_only};

	return store_open(&options, reason, size);
}

Test(store, one_writer_and_its_name)
{
	char reason[256] = "";
	struct store *store = store_test_open(16 * MIB);

	cr_assert_null(try_open(false, reason, sizeof(reason)));
	cr_assert_eq(errno, EBUSY);
	cr_assert_not_null(strstr(reason, "this process"), "%s", reason);
	store_close(store);
	/* Another process: it must open the store itself. */
	int ready[2];
	int go_on[2];
	char byte = 0;
	cr_assert_eq(pipe(ready), 0);
	cr_assert_eq(pipe(go_on), 0);
	pid_t child = fork();
	if (child == 0) {
		struct store *own = try_open(false, reason, sizeof(reason));

		byte = own != NULL;
		if (write(ready[1], &byte, 1) != 1 || read(go_on[0], &byte, 1) != 1)
			_exit(1);
		store_close(own);
		_exit(0);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_assert_eq(byte, 1);
	cr_assert_null(try_open(false, reason, sizeof(reason)));
	cr_assert_eq(errno, EBUSY);
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "process %d has the store open for writing", (int)child);
	cr_assert_not_null(strstr(reason, wanted), "%s", reason);
	/* Reading beside it is allowed. */
	struct store *reader = try_open(true, reason, sizeof(reason));
	cr_assert_not_null(reader, "%s", reason);
	store_close(reader);
	cr_assert_eq(write(go_on[1], &byte, 1), 1);
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	store = try_open(false, reason, sizeof(reason));
	cr_assert_not_null(store, "%s", reason);
	store_close(store);
}

Test(store, no_store_to_read)
{
	char reason[256] = "";

	cr_assert_null(try_open(true, reason, sizeof(reason)));
	cr_assert_eq(errno, ENOENT);
	struct store_options small = {.path = store_path("store"), .bytes_max = MIB};
	cr_assert_null(store_open(&small, reason, sizeof(reason)));
	cr_assert_eq(errno, EINVAL);
}

Test(store, keeps_its_id_and_numbers)
{
	struct store *store = store_test_open(16 * MIB);
	uint64_t id = store_id(store);
	struct store_change *change = store_begin(store);

	cr_assert_neq(id, 0);
	cr_assert_eq(store_test_commit(change), 0, "a change that wrote nothing is none");
	change = store_begin(store);
	cr_assert_eq(store_test_organisation(change, "ONE"), 1);
	cr_assert_eq(store_test_commit(change), 1);
	change = store_begin(store);
	cr_assert_eq(store_test_organisation(change, "TWO"), 2);
	store_abandon(change);
	store_close(store);
	store = store_test_open(16 * MIB);
	cr_assert_eq(store_id(store), id);
	change = store_begin(store);
	cr_assert_eq(store_change_number(change), 1);
	struct store_organisation row;
	cr_assert_eq(store_organisation_find(change, "TWO", &row), -ENOENT);
	cr_assert_eq(store_test_organisation(change, "TWO"), 2);
	cr_assert_eq(store_test_commit(change), 2);
	store_close(store);
}

Test(store, snapshots_see_whole_changes)
{
	struct store *store = store_test_open(16 * MIB);
	struct store_change *before = store_snapshot(store);
	struct store_change *change = store_begin(store);
	struct store_organisation row;

	store_test_organisation(change, "ONE");
	struct store_change *during = store_snapshot(store);
	store_test_commit(change);
	struct store_change *after = store_snapshot(store);
	cr_assert_eq(store_organisation_get(before, 1, &row), -ENOENT);
	cr_assert_eq(store_organisation_get(during, 1, &row), -ENOENT);
	cr_assert_eq(store_organisation_get(after, 1, &row), 0);
	cr_assert_str_eq(row.mpid, "ONE");
	cr_assert_eq(store_change_number(before), 0);
	cr_assert_eq(store_change_number(after), 1);
	store_abandon(before);
	store_abandon(during);
	store_abandon(after);
	store_close(store);
}

Test(store, refuses_what_no_row_can_hold)
{
	struct store *store = store_test_open(16 * MIB);
	struct store_change *change = store_begin(store);
	struct store_organisation organisation = {.mpid = "lower"};
	struct store_user user = {.organisation = 9, .user = {.eui = 5}};
	struct store_certificate certificate = {.eui = 5, .der_length = 3, .der = "abc"};
	struct store_provider provider = {.provider = {.id = 3, .kind = 1, .name = "csp"}};

	cr_assert_eq(store_organisation_put(change, &organisation), -EINVAL);
	cr_assert_eq(store_test_organisation(change, "ONE"), 1);
	organisation = (struct store_organisation){.mpid = "ONE"};
	cr_assert_eq(store_organisation_put(change, &organisation), -EEXIST);
	organisation = (struct store_organisation){.mpid = "NEW", .number = 7};
	cr_assert_eq(store_organisation_put(change, &organisation), -EINVAL, "there is no 7");
	cr_assert_eq(store_user_put(change, &user), -EINVAL, "no such organisation");
	cr_assert_eq(store_certificate_put(change, &certificate), -EINVAL, "no such user");
	store_test_provider(change, 1, "csp");
	cr_assert_eq(store_provider_put(change, &provider), -EEXIST, "the name is taken");
	struct store_device device = store_test_device(0, NULL);
	cr_assert_eq(store_device_put(change, &device), -EINVAL);
	device = store_test_device(1, "0");
	cr_assert_eq(store_device_put(change, &device), -EINVAL);
	device = store_test_device(1, "12x");
	cr_assert_eq(store_device_put(change, &device), -EINVAL);
	device = store_test_device(1, NULL);
	memcpy(device.device.status, "Broken", 7);
	cr_assert_eq(store_device_put(change, &device), -EINVAL);
	struct mpxn mpxn = {.number = 10000000000000u};
	cr_assert_eq(store_mpxn_put(change, &mpxn), -EINVAL);
	mpxn = (struct mpxn){.number = 1, .event_count = 1};
	cr_assert_eq(store_mpxn_put(change, &mpxn), -EINVAL, "an event without type");
	cr_assert_eq(store_device_remove(change, 1), -ENOENT);
	/* Nothing of all that is in the change, which can go on. */
	cr_assert_eq(store_test_commit(change), 1);
	store_close(store);
}

Test(store, an_mpxn_has_eight_devices)
{
	struct store *store = store_test_open(16 * MIB);
	struct store_change *change = store_begin(store);
	uint64_t found[4];

	store_test_provider(change, 1, "csp");
	for (uint64_t id = 1; id <= 8; id++) {
		struct store_device device = store_test_device(id, "1000000000001");

		cr_assert_eq(store_device_put(change, &device), 0);
	}
	struct store_device ninth = store_test_device(9, "1000000000001");
	cr_assert_eq(store_device_put(change, &ninth), -E2BIG);
	struct store_device row;
	cr_assert_eq(store_device_get(change, 9, &row), -ENOENT);
	cr_assert_eq(store_devices_by_mpxn(change, 1000000000001, found, 4), 8);
	cr_assert_eq(found[3], 4);
	/* Two uses of one number are two links, but one device. */
	cr_assert_eq(store_device_remove(change, 8), 0);
	cr_assert_eq(store_device_remove(change, 7), 0);
	snprintf(ninth.device.export_mpan, sizeof(ninth.device.export_mpan), "1000000000001");
	cr_assert_eq(store_device_put(change, &ninth), 0);
	cr_assert_eq(store_devices_by_mpxn(change, 1000000000001, found, 4), 7);
	struct mpxn mpxn;
	cr_assert_eq(store_mpxn_get(change, 1000000000001, &mpxn), 0);
	cr_assert_eq(mpxn.device_count, 8);
	cr_assert_eq(mpxn.devices[7].use, MPXN_EXPORT);
	store_abandon(change);
	store_close(store);
}

Test(store, post_codes_without_case_and_blanks)
{
	struct store *store = store_test_open(16 * MIB);
	struct store_change *change = store_begin(store);
	struct store_device device = store_test_device(77, NULL);
	uint64_t found;

	store_test_provider(change, 1, "csp");
	snprintf(device.device.post_code, sizeof(device.device.post_code), "m22 0Rr");
	snprintf(device.device.uprn, sizeof(device.device.uprn), "000012");
	cr_assert_eq(store_device_put(change, &device), 0);
	cr_assert_eq(store_devices_by_post_code(change, "M220RR", &found, 1), 1);
	cr_assert_eq(found, 77);
	cr_assert_eq(store_devices_by_post_code(change, "M220R", &found, 1), 0);
	cr_assert_eq(store_devices_by_post_code(change, "", &found, 1), 0);
	cr_assert_eq(store_devices_by_uprn(change, 12, &found, 1), 1);
	struct store_device row;
	cr_assert_eq(store_device_get(change, 77, &row), 0);
	cr_assert_str_eq(row.device.uprn, "000012");
	cr_assert_str_eq(row.device.post_code, "m22 0Rr");
	cr_assert_str_eq(row.device.provider, "csp");
	store_abandon(change);
	store_close(store);
}

Test(store, full_and_still_usable)
{
	struct store *store = store_test_open(4 * MIB);
	struct store_change *change = store_begin(store);
	uint64_t id = 0;
	int result = 0;

	store_test_provider(change, 1, "csp");
	store_test_commit(change);
	while (result == 0) {
		change = store_begin(store);
		for (int i = 0; i < 20 && result == 0; i++) {
			char mpan[14];

			snprintf(mpan, sizeof(mpan), "%013d", (int)(id + 1));
			struct store_device device = store_test_device(id + 1, mpan);
			result = store_device_put(change, &device);
			id += result == 0;
		}
		/* What was put before is kept by a commit. */
		store_test_commit(change);
	}
	cr_assert_eq(result, -ENOSPC);
	cr_assert_gt(id, 5000);
	/* Changing and removing goes on for as long as one likes. */
	for (int round = 0; round < 200; round++) {
		struct store_device device;

		change = store_begin(store);
		cr_assert_eq(store_device_get(change, 1 + (uint64_t)round, &device), 0);
		memcpy(device.device.status, "Suspended", 10);
		cr_assert_eq(store_device_put(change, &device), 0);
		store_test_commit(change);
	}
	for (uint64_t i = 1; i <= id; i++) {
		change = store_begin(store);
		cr_assert_eq(store_device_remove(change, i), 0, "%d", (int)i);
		store_test_commit(change);
	}
	change = store_begin(store);
	struct store_device device = store_test_device(1, "1");
	cr_assert_eq(store_device_put(change, &device), 0, "there is room again");
	store_test_commit(change);
	store_close(store);
}

Test(store, a_change_larger_than_the_store)
{
	struct store *store = store_test_open(4 * MIB);
	struct store_change *change = store_begin(store);
	struct store_message message = {.state = STORE_MESSAGE_SET_ASIDE};
	int result = 0;
	int count = 0;

	message.text = calloc(1, STORE_TEXT_MAX);
	message.text_length = STORE_TEXT_MAX;
	for (; count < 1000 && result == 0; count++) {
		snprintf(message.id, sizeof(message.id), "message-%d", count);
		result = store_message_put(change, &message);
	}
	cr_assert_eq(result, -ENOSPC);
	store_abandon(change);
	change = store_begin(store);
	cr_assert_eq(store_message_put(change, &message), 0);
	cr_assert_eq(store_test_commit(change), 1);
	struct store_message row;
	change = store_snapshot(store);
	cr_assert_eq(store_message_get(change, message.id, &row), 0);
	cr_assert_eq(row.text_length, STORE_TEXT_MAX);
	store_abandon(change);
	store_close(store);
	free(message.text);
}

/* How many messages, of 15 pages each and a change each, a disk of 2 MiB takes. `result` says why
 * not more. */
static int fill_the_disk(struct store *store, int *result)
{
	static char text[60000]; /* the disk takes a part of the last one's pages */
	struct store_message message = {
		.state = STORE_MESSAGE_SET_ASIDE, .text = text, .text_length = sizeof(text)};
	int count = 0;

	for (;; count++) {
		struct store_change *change = store_begin(store);

		snprintf(message.id, sizeof(message.id), "message-%d", count);
		*result = store_message_put(change, &message);
		if (*result == 0)
			*result = store_commit(change, NULL);
		else
			store_abandon(change);
		if (*result != 0)
			return count;
	}
}

/* In a mount namespace of its own. Exit status: 0 as expected, 1 not so, 2 not allowed to mount. */
static int fill_a_small_disk(const char *folder)
{
	char reason[256];
	struct store_message message;
	int result;

	if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("small", folder, "tmpfs", 0, "size=2m") != 0)
		return 2;
	struct store *store = try_open(false, reason, sizeof(reason));
	if (store == NULL)
		return 1;
	int count = fill_the_disk(store, &result);
	store_close(store);
	store = try_open(false, reason, sizeof(reason));
	if (result != -ENOSPC || count < 10 || store == NULL)
		return 1;
	/* What was committed is there; what was refused is not. */
	struct store_change *snapshot = store_snapshot(store);
	for (int i = 0; i <= count; i++) {
		snprintf(message.id, sizeof(message.id), "message-%d", i);
		if (store_message_get(snapshot, message.id, &message) != (i < count ? 0 : -ENOENT))
			return 1;
	}
	store_abandon(snapshot);
	store_close(store);
	return 0;
}

Test(store, a_full_disk_is_said_to_be_full)
{
	const char *folder = store_path("store");
	int status;

	cr_assert_eq(mkdir(folder, 0700), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(fill_a_small_disk(folder));
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		cr_skip_test("this user may not mount");
	cr_assert_eq(WEXITSTATUS(status), 0);
}

Test(store, log_of_changes)
{
	struct store *store = store_test_open(64 * MIB);
	struct store_change *change = store_begin(store);
	static uint64_t found[5000];
	uint64_t since = 0;

	store_test_provider(change, 1, "csp");
	store_test_commit(change);
	for (uint64_t first = 1; first <= 1000; first += 250) {
		change = store_begin(store);
		for (uint64_t id = first; id < first + 250; id++) {
			struct store_device device = store_test_device(id, NULL);

			cr_assert_eq(store_device_put(change, &device), 0);
			cr_assert_eq(store_device_put(change, &device), 0, "the same row again");
		}
		store_test_commit(change);
	}
	change = store_snapshot(store);
	cr_assert_eq(store_changes_since(change, &since, found, 249), -ENOBUFS);
	since = 0;
	cr_assert_eq(store_changes_since(change, &since, found, 600), 500, "whole changes only");
	cr_assert_eq(since, 3);
	cr_assert_eq(found[499], 500);
	cr_assert_eq(store_changes_since(change, &since, found, 600), 500);
	cr_assert_eq(since, 5);
	cr_assert_eq(found[0], 501);
	cr_assert_eq(store_changes_since(change, &since, found, 600), 0);
	since = 6;
	cr_assert_eq(store_changes_since(change, &since, found, 600), -ESTALE, "not yet");
	store_abandon(change);
	store_close(store);
}

Test(store, log_is_bounded)
{
	struct store *store = store_test_open(4 * MIB); /* 32768 entries */
	struct store_change *change = store_begin(store);
	static uint64_t found[40000];
	struct store_device device = store_test_device(1, NULL);
	uint64_t since = 1;

	store_test_provider(change, 1, "csp");
	for (uint64_t id = 1; id <= 3000; id++) {
		device.device.device_id = id;
		cr_assert_eq(store_device_put(change, &device), 0);
	}
	store_test_commit(change);
	for (int round = 0; round < 12; round++) {
		change = store_begin(store);
		memcpy(device.device.status, round % 2 == 0 ? "Suspended" : "Recovered", 10);
		for (uint64_t id = 1; id <= 3000; id++) {
			device.device.device_id = id;
			cr_assert_eq(store_device_put(change, &device), 0);
		}
		store_test_commit(change);
	}
	change = store_snapshot(store);
	cr_assert_eq(store_changes_since(change, &since, found, 40000), -ESTALE);
	since = 5;
	cr_assert_eq(store_changes_since(change, &since, found, 40000), 8 * 3000);
	cr_assert_eq(since, 13);
	store_abandon(change);
	store_close(store);
}

/* Overwrite the first row of a table with `bytes`, past the store. */
static void damage(const char *table, const void *bytes, size_t length)
{
	MDB_env *environment;
	MDB_txn *transaction;
	MDB_cursor *cursor;
	MDB_dbi handle;
	MDB_val key;
	MDB_val value;

	cr_assert_eq(mdb_env_create(&environment), 0);
	mdb_env_set_maxdbs(environment, 16);
	cr_assert_eq(mdb_env_open(environment, store_path("store"), 0, 0640), 0);
	cr_assert_eq(mdb_txn_begin(environment, NULL, 0, &transaction), 0);
	cr_assert_eq(mdb_dbi_open(transaction, table, 0, &handle), 0);
	cr_assert_eq(mdb_cursor_open(transaction, handle, &cursor), 0);
	cr_assert_eq(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
	MDB_val copy = {key.mv_size, malloc(key.mv_size)};
	memcpy(copy.mv_data, key.mv_data, key.mv_size);
	value = (MDB_val){length, (void *)(uintptr_t)bytes};
	cr_assert_eq(mdb_put(transaction, handle, &copy, &value, 0), 0);
	free(copy.mv_data);
	mdb_cursor_close(cursor);
	cr_assert_eq(mdb_txn_commit(transaction), 0);
	mdb_env_close(environment);
}

static void fill_one_of_each(void)
{
	struct store *store = store_test_open(16 * MIB);
	struct store_change *change = store_begin(store);
	struct store_user user = {.organisation = 1, .user = {.eui = 5, .name = "user"}};
	struct store_certificate certificate = {.eui = 5, .der_length = 3, .der = "abc"};
	struct store_device device = store_test_device(0x00db1234567890a0, "1000000000001");
	struct store_message message = {
		.id = "id-1", .state = STORE_MESSAGE_SET_ASIDE, .text = (char[]){"text"}};

	message.text_length = 4;
	store_test_organisation(change, "ONE");
	store_test_provider(change, 1, "csp");
	cr_assert_eq(store_user_put(change, &user), 0);
	cr_assert_eq(store_certificate_put(change, &certificate), 0);
	cr_assert_eq(store_device_put(change, &device), 0);
	cr_assert_eq(store_message_put(change, &message), 0);
	struct mpxn mpxn = {.number = 1000000000001, .event_count = 1};
	mpxn.events[0] = (struct mpxn_event){.type = MPXN_APPOINTMENT,
		.role = MPXN_ROLE_MDR,
		.organisation = 1,
		.supplier = 1,
		.from_day = 20000,
		.to_day = 20010,
		.created_ms = 5,
		.message = 6};
	cr_assert_eq(store_mpxn_put(change, &mpxn), 0);
	store_test_commit(change);
	store_close(store);
}

/* Read the first row of every kind. */
static int read_table(struct store_change *snapshot, const char *table)
{
	static struct store_certificate certificate;
	struct store_organisation organisation;
	struct store_user user;
	struct store_provider provider;
	struct store_device device;
	struct mpxn mpxn;
	struct store_message message;
	uint32_t small = 0;
	uint64_t number = 0;
	int64_t signed_number = -1;
	uint8_t fingerprint[32] = {0};
	char id[STORE_MESSAGE_ID_SIZE] = "";

	if (strcmp(table, "organisation") == 0)
		return store_organisation_next(snapshot, &small, &organisation);
	if (strcmp(table, "user") == 0)
		return store_user_next(snapshot, &number, &user);
	if (strcmp(table, "certificate") == 0)
		return store_certificate_next(snapshot, fingerprint, &certificate);
	if (strcmp(table, "provider") == 0)
		return store_provider_next(snapshot, &signed_number, &provider);
	if (strcmp(table, "device") == 0)
		return store_device_next(snapshot, &number, &device);
	if (strcmp(table, "mpxn") == 0)
		return store_mpxn_next(snapshot, &number, &mpxn);
	return store_message_next(snapshot, id, &message);
}

static const char *const tables[] = {
	"organisation", "user", "certificate", "provider", "device", "mpxn", "message"};

Test(store, damaged_rows_are_named)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char table_text[64];

		store_folder_destroy();
		store_folder_create();
		fill_one_of_each();
		damage(tables[i], "\x01\x00\x01", 3);
		struct store *store = store_test_open(16 * MIB);
		struct store_change *snapshot = store_snapshot(store);
		cr_assert_eq(read_table(snapshot, tables[i]), -EIO, "%s", tables[i]);
		const char *fault = store_change_fault(snapshot);
		snprintf(table_text, sizeof(table_text), "table %s, key ", tables[i]);
		cr_assert_eq(strncmp(fault, table_text, strlen(table_text)), 0, "%s", fault);
		if (strcmp(tables[i], "device") == 0)
			cr_assert_not_null(strstr(fault, "00db1234567890a0"), "%s", fault);
		if (strcmp(tables[i], "message") == 0)
			cr_assert_not_null(strstr(fault, "id-1"), "%s", fault);
		store_abandon(snapshot);
		store_close(store);
	}
}

Test(store, another_format_is_not_opened)
{
	uint8_t row[41] = {1, 99};
	char reason[256] = "";

	fill_one_of_each();
	damage("state", row, sizeof(row));
	cr_assert_null(try_open(false, reason, sizeof(reason)));
	cr_assert_eq(errno, EPROTO, "%s", reason);
	damage("state", row, 5);
	cr_assert_null(try_open(false, reason, sizeof(reason)));
	cr_assert_eq(errno, EIO);
	cr_assert_not_null(strstr(reason, "table state, key state"), "%s", reason);
}
