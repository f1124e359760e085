/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imports that are killed: a child loads tables or imports messages of the feed and is killed with
 * SIGKILL somewhere between its first and its last instruction. Whoever opens the store next finds
 * a load of tables whole or not at all and is told that it was cut off; of a feed import he finds
 * every message that was reported, and importing the file again brings in the rest.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "bench/sim/registry.h"
#include "control/bulk.h"
#include "feed_fixture.h"
#include "store_fixture.h"

#define KILLS 8
#define DEVICES 12000u
#define SEED 5u
#define MESSAGES 14000u
#define MPXNS 500u
#define EXTRA_DAY "2030-01-01"
#define MIB (1024ull * 1024)

TestSuite(import_kill, .init = store_folder_create, .fini = store_folder_destroy, .timeout = 120);

static struct sim_registry_counts counts;
static struct bulk_options options;
static char paths[BULK_TABLES][320];

static struct store *open_store(const char *name)
{
	struct store_options store_options = {
		.path = store_path(name), .bytes_max = 512 * MIB, .without_sync = true};
	char reason[512] = "";
	struct store *store = store_open(&store_options, reason, sizeof(reason));

	cr_assert_not_null(store, "%s", reason);
	return store;
}

static void make_store(const char *name)
{
	static const char *const names[] = {
		"csp-north", "csp-south-central", "s1sp-1", "s1sp-2", "s1sp-3"};
	struct store *store = open_store(name);
	struct store_change *change = store_begin(store);

	for (uint32_t i = 0; i < 5; i++)
		store_test_provider(change, i, names[i]);
	store_test_commit(change);
	store_close(store);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- children that are killed */

/* Run `work` in a child and kill it after wait_us, or let it end (UINT64_MAX). What it wrote into
 * the pipe is counted in numbers of 32 bits. Returns whether it came to its end. */
static bool run_and_kill(void (*work)(const char *name, int pipe_fd), const char *name,
	uint64_t wait_us, size_t *told)
{
	uint32_t number;
	int ends[2];
	int status;

	cr_assert_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		work(name, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (wait_us != UINT64_MAX) {
		usleep((useconds_t)wait_us);
		kill(child, SIGKILL);
	}
	for (*told = 0; read(ends[0], &number, sizeof(number)) == sizeof(number); ++*told)
		cr_assert_eq(number, *told);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "it failed: %d", status);
	close(ends[0]);
	return !WIFSIGNALED(status);
}

static void load(const char *name, int pipe_fd)
{
	uint32_t done = 0;
	struct bulk_result result;
	struct store *store = open_store(name);

	if (bulk_load(store, &options, &result) != 0 ||
		write(pipe_fd, &done, sizeof(done)) != sizeof(done))
		_exit(1);
	store_close(store);
}

static void report(void *argument, const struct feed_outcome *outcome)
{
	const int *pipe_fd = argument;
	uint32_t number = (uint32_t)strtoul(outcome->id, NULL, 10);

	if (outcome->result == FEED_APPLIED &&
		write(*pipe_fd, &number, sizeof(number)) != sizeof(number))
		_exit(2);
}

static void import(const char *name, int pipe_fd)
{
	struct feed_import import = {.store = open_store(name),
		.file = fopen(store_path("messages.jsonl"), "r"),
		.now_ms = FIXTURE_NOW_MS,
		.report = report,
		.argument = &pipe_fd};

	if (import.file == NULL || feed_import(&import) != 0)
		_exit(1);
	fclose(import.file);
	store_close(import.store);
}

/* ---- loads of tables */

static void make_files(void)
{
	char folder[256];

	snprintf(folder, sizeof(folder), "%s", store_path("files"));
	cr_assert_eq(sim_registry_write(DEVICES, SEED, folder, &counts), 0);
	options = (struct bulk_options){.shown_max = 0};
	for (int table = 0; table < BULK_TABLES; table++) {
		snprintf(paths[table], sizeof(paths[table]), "%s/%s.csv", folder,
			bulk_table_name(table));
		options.paths[table] = paths[table];
	}
}

/* Every row that the files make is there. */
static void expect_all(struct store *store)
{
	struct store_change *snapshot = store_snapshot(store);
	uint64_t uprn_ids[64];
	struct store_device device;
	uint64_t events = 0;
	uint64_t cursor = 0;
	struct mpxn mpxn;

	cr_assert_eq(store_device_count(snapshot), DEVICES);
	for (uint64_t i = 0; i < DEVICES; i++) {
		uint64_t id = sim_registry_device_id(i, SEED);

		cr_assert_eq(store_device_get(snapshot, id, &device), 0);
		cr_assert_gt(store_devices_by_uprn(snapshot, strtoull(device.device.uprn, NULL, 10),
				     uprn_ids, 64),
			0);
		cr_assert_gt(
			store_devices_by_post_code(snapshot, device.device.post_code, uprn_ids, 64),
			0);
		cr_assert_gt(store_devices_by_mpxn(snapshot,
				     strtoull(device.device.import_mpxn, NULL, 10), uprn_ids, 64),
			0);
	}
	while (store_mpxn_next(snapshot, &cursor, &mpxn) == 1)
		events += mpxn.event_count;
	cr_assert_eq(events, counts.registrations + counts.appointments);
	store_abandon(snapshot);
}

static void expect_nothing(struct store *store)
{
	struct store_change *snapshot = store_snapshot(store);
	struct store_organisation organisation;
	uint32_t cursor = 0;
	uint64_t number = 0;
	struct mpxn mpxn;

	cr_assert_eq(store_device_count(snapshot), 0);
	cr_assert_eq(store_mpxn_next(snapshot, &number, &mpxn), 0);
	cr_assert_eq(store_organisation_next(snapshot, &cursor, &organisation), 0);
	store_abandon(snapshot);
}

/* How long the load takes without being killed. */
static uint64_t measure(void (*work)(const char *name, int pipe_fd), const char *name)
{
	uint64_t begin_us = now_us();
	size_t told;

	cr_assert(run_and_kill(work, name, UINT64_MAX, &told));
	return now_us() - begin_us;
}

Test(import_kill, a_load_into_an_empty_store_is_whole_or_nothing)
{
	unsigned cut_off = 0;
	char reason[4096];
	char name[16];

	make_files();
	make_store("whole");
	uint64_t length_us = measure(load, "whole");
	for (unsigned i = 0; i < KILLS; i++) {
		size_t told;

		snprintf(name, sizeof(name), "store%u", i);
		make_store(name);
		bool ended = run_and_kill(load, name, length_us * (i + 1) / KILLS, &told);
		struct store *store = open_store(name);
		bool interrupted = bulk_interrupted(store, reason, sizeof(reason));
		struct store_change *snapshot = store_snapshot(store);
		bool there = store_device_count(snapshot) > 0;

		store_abandon(snapshot);
		cr_assert(there || (told == 0 && !ended), "what was acknowledged is lost");
		cr_assert(!interrupted || !ended);
		if (there)
			expect_all(store);
		else
			expect_nothing(store);
		if (interrupted) {
			cut_off++;
			cr_assert_not_null(strstr(reason, there ? "all of it is in the store"
								: "nothing of it is in the store"),
				"%s", reason);
			cr_assert_not_null(strstr(reason, "devices.csv"), "%s", reason);
			cr_assert_not(bulk_interrupted(store, reason, sizeof(reason)), "told once");
		}
		store_close(store);
		/* And it can be loaded again. */
		if (!there && i % 4 == 0) {
			measure(load, name);
			store = open_store(name);
			cr_assert_not(bulk_interrupted(store, reason, sizeof(reason)));
			expect_all(store);
			store_close(store);
		}
	}
	cr_assert_gt(cut_off, 0);
}

/* One event more for every MPxN of the store. */
static void make_more(void)
{
	struct store *store = open_store("store");
	struct store_change *snapshot = store_snapshot(store);
	FILE *file = fopen(store_path("more.csv"), "w");
	uint64_t cursor = 0;
	struct mpxn mpxn;

	fputs("mpxn,kind,mpid,from\n", file);
	while (store_mpxn_next(snapshot, &cursor, &mpxn) == 1)
		fprintf(file, "%llu,supplier,MORE,%s\n", (unsigned long long)mpxn.number,
			EXTRA_DAY);
	fclose(file);
	store_abandon(snapshot);
	store_close(store);
	options = (struct bulk_options){.paths = {[BULK_REGISTRATIONS] = paths[1]}};
	snprintf(paths[1], sizeof(paths[1]), "%s", store_path("more.csv"));
}

Test(import_kill, a_load_into_a_filled_store_is_whole_or_nothing)
{
	uint64_t state = 3;
	uint64_t length_us = 150000;
	char reason[4096];

	make_files();
	make_store("store");
	measure(load, "store");
	uint64_t events = counts.registrations + counts.appointments;
	make_more();
	for (unsigned i = 0; i < KILLS; i++) {
		struct mpxn mpxn;
		uint64_t cursor = 0;
		uint64_t found = 0;
		uint64_t mpxns = 0;
		size_t told;

		run_and_kill(load, "store", store_test_random(&state) % length_us, &told);
		struct store *store = open_store("store");
		bulk_interrupted(store, reason, sizeof(reason));
		struct store_change *snapshot = store_snapshot(store);
		for (; store_mpxn_next(snapshot, &cursor, &mpxn) == 1; mpxns++)
			found += mpxn.event_count;
		store_abandon(snapshot);
		store_close(store);
		cr_assert(found == events || found == events + mpxns, "%d of %d more",
			(int)(found - events), (int)mpxns);
		cr_assert(told == 0 || found == events + mpxns);
	}
}

/* ---- the feed */

static void make_messages(void)
{
	FILE *file = fopen(store_path("messages.jsonl"), "w");

	for (unsigned i = 0; i < MESSAGES; i++) {
		char id[24];
		char mpxn[16];
		char from[16];

		snprintf(id, sizeof(id), "%u", i);
		snprintf(mpxn, sizeof(mpxn), "13%011u", i % MPXNS + 1);
		snprintf(from, sizeof(from), "20%02u-%02u-01", 20 + i / MPXNS / 12 % 10,
			i / MPXNS % 12 + 1);
		fprintf(file, "%s\n",
			feed_fixture_event((struct feed_fixture_message){.id = id,
				.mpxn = mpxn,
				.supplier = i % 2 == 0 ? "SUPA" : "SUPB",
				.from = from}));
	}
	fclose(file);
}

static void expect_applied(struct store *store, size_t count)
{
	struct store_change *snapshot = store_snapshot(store);
	struct store_message message;

	for (size_t i = 0; i < count; i++) {
		char id[24];

		snprintf(id, sizeof(id), "%zu", i);
		cr_assert_eq(store_message_get(snapshot, id, &message), 0, "message %zu", i);
		cr_assert_eq(message.state, STORE_MESSAGE_APPLIED);
	}
	store_abandon(snapshot);
}

/* All rows of MPxNs, as one number. */
static uint64_t digest(const char *name)
{
	struct store *store = open_store(name);
	struct store_change *snapshot = store_snapshot(store);
	uint64_t hash = 14695981039346656037u;
	uint64_t cursor = 0;
	struct mpxn mpxn;

	while (store_mpxn_next(snapshot, &cursor, &mpxn) == 1)
		for (unsigned i = 0; i < mpxn.event_count; i++) {
			const struct mpxn_event *event = &mpxn.events[i];

			hash = (hash ^ mpxn.number ^ event->organisation) * 1099511628211u;
			hash = (hash ^ (uint64_t)event->from_day ^ event->message) * 1099511628211u;
		}
	store_abandon(snapshot);
	store_close(store);
	return hash;
}

Test(import_kill, no_reported_message_of_the_feed_is_lost)
{
	unsigned killed = 0;
	char name[16];

	make_messages();
	uint64_t length_us = measure(import, "undisturbed");
	uint64_t expected = digest("undisturbed");
	for (unsigned i = 0; i < KILLS; i++) {
		size_t told;

		snprintf(name, sizeof(name), "store%u", i);
		bool ended = run_and_kill(import, name, length_us * (i + 1) / KILLS, &told);
		killed += !ended;
		struct store *store = open_store(name);
		expect_applied(store, told);
		struct feed_import again = {.store = store,
			.file = fopen(store_path("messages.jsonl"), "r"),
			.now_ms = FIXTURE_NOW_MS};
		cr_assert_eq(feed_import(&again), 0);
		fclose(again.file);
		cr_assert_eq(again.counters.applied + again.counters.duplicates, MESSAGES);
		cr_assert_geq(again.counters.duplicates, told);
		store_close(store);
		cr_assert_eq(digest(name), expected);
	}
	cr_assert_gt(killed, KILLS / 4);
}
