/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Killed at random: a child commits numbered changes and tells each acknowledged number through a
 * pipe; it is killed with SIGKILL; whoever opens the store next finds every acknowledged change,
 * whole, and at most one more. Change N puts ten devices whose ids and
 * MPANs follow from N, and moves an appointment to day N.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/store.h"
#include "store_fixture.h"

#define KILLS 12
#define DEVICES_OF_CHANGE 10
#define MPXN 1000000000001u
#define MIB (1024ull * 1024)

TestSuite(store_kill, .init = store_folder_create, .fini = store_folder_destroy, .timeout = 60);

static struct store *open_store(bool without_sync)
{
	struct store_options options = {
		.path = store_path("store"), .bytes_max = 256 * MIB, .without_sync = without_sync};
	char reason[256];

	return store_open(&options, reason, sizeof(reason));
}

static int put_change(struct store_change *change, uint64_t number)
{
	struct mpxn mpxn = {.number = MPXN, .event_count = 1};
	int result = 0;

	for (uint64_t i = 0; i < DEVICES_OF_CHANGE && result == 0; i++) {
		char mpan[14];
		uint64_t id = number * DEVICES_OF_CHANGE + i;

		snprintf(mpan, sizeof(mpan), "2%012llu", (unsigned long long)id);
		struct store_device device = store_test_device(id, mpan);
		result = store_device_put(change, &device);
	}
	mpxn.events[0] = (struct mpxn_event){.type = MPXN_SUPPLIER,
		.organisation = 1,
		.from_day = (int32_t)number,
		.to_day = MPXN_OPEN_DAY};
	return result != 0 ? result : store_mpxn_put(change, &mpxn);
}

/* Commit until killed. */
static void commit_on(int pipe_fd, bool without_sync)
{
	struct store *store = open_store(without_sync);

	if (store == NULL)
		_exit(1);
	for (;;) {
		struct store_change *change = store_begin(store);
		uint64_t number = change != NULL ? store_change_number(change) + 1 : 0;
		uint64_t given = 0;

		if (change == NULL || put_change(change, number) != 0 ||
			store_commit(change, &given) != 0 || given != number ||
			write(pipe_fd, &given, sizeof(given)) != sizeof(given))
			_exit(2);
	}
}

static void check_whole(struct store_change *snapshot, uint64_t acknowledged)
{
	uint64_t number = store_change_number(snapshot);
	struct store_device device;
	struct mpxn mpxn;

	cr_assert_geq(number, acknowledged);
	cr_assert_leq(number, acknowledged + 1);
	/* Change 1 has put what the others need. */
	for (uint64_t id = 2 * DEVICES_OF_CHANGE; id < (number + 1) * DEVICES_OF_CHANGE; id++) {
		cr_assert_eq(store_device_get(snapshot, id, &device), 0, "device %d", (int)id);
		cr_assert_eq(store_mpxn_get(snapshot, 2000000000000 + id, &mpxn), 0);
		cr_assert_eq(mpxn.device_count, 1);
		cr_assert_eq(mpxn.devices[0].device_id, id);
	}
	cr_assert_eq(
		store_device_get(snapshot, (number + 1) * DEVICES_OF_CHANGE, &device), -ENOENT);
	if (number < 2)
		return;
	cr_assert_eq(store_mpxn_get(snapshot, MPXN, &mpxn), 0);
	cr_assert_eq(mpxn.events[0].from_day, (int32_t)number);
}

/* Let a child commit for a while and kill it. Returns the last number that it acknowledged. */
static uint64_t run_and_kill(useconds_t wait_us, uint64_t before, bool without_sync)
{
	uint64_t acknowledged = before;
	uint64_t number;
	int ends[2];
	int status;

	cr_assert_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		commit_on(ends[1], without_sync);
	}
	close(ends[1]);
	/* It is at work when the first number comes. */
	if (read(ends[0], &number, sizeof(number)) == sizeof(number))
		acknowledged = number;
	usleep(wait_us);
	kill(child, SIGKILL);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status), "the child ended by itself: %d", status);
	while (read(ends[0], &number, sizeof(number)) == sizeof(number)) {
		cr_assert_eq(number, acknowledged + 1);
		acknowledged = number;
	}
	close(ends[0]);
	return acknowledged;
}

static void kill_often(bool without_sync)
{
	uint64_t state = 17;
	uint64_t acknowledged = 1;
	struct store *store = open_store(without_sync);
	struct store_change *change = store_begin(store);

	store_test_organisation(change, "ONE");
	store_test_provider(change, 1, "csp");
	store_test_commit(change);
	store_close(store);
	for (int i = 0; i < KILLS; i++) {
		useconds_t wait_us = (useconds_t)(store_test_random(&state) % 60000);

		acknowledged = run_and_kill(wait_us, acknowledged, without_sync);
		store = open_store(without_sync);
		cr_assert_not_null(store);
		struct store_change *snapshot = store_snapshot(store);
		cr_assert_not_null(snapshot);
		check_whole(snapshot, acknowledged);
		acknowledged = store_change_number(snapshot);
		store_abandon(snapshot);
		store_close(store);
	}
	cr_assert_gt(acknowledged, 2 + KILLS / 2);
}

Test(store_kill, no_acknowledged_change_is_lost)
{
	kill_often(false);
}

/* Without sync only the machine, not the process, can lose something. */
Test(store_kill, without_sync)
{
	kill_often(true);
}

/* A reader that was killed in a snapshot does not keep old pages for ever. */
Test(store_kill, readers_do_not_pile_up)
{
	struct store *store = open_store(true);
	char byte;

	store_close(store);
	for (int i = 0; i < 200; i++) {
		int ends[2];

		cr_assert_eq(pipe(ends), 0);
		pid_t child = fork();
		if (child == 0) {
			struct store_options options = {
				.path = store_path("store"), .read_only = true};
			char reason[256];
			struct store *reader = store_open(&options, reason, sizeof(reason));

			if (reader == NULL || store_snapshot(reader) == NULL)
				_exit(1);
			if (write(ends[1], "x", 1) != 1)
				_exit(1);
			pause();
		}
		close(ends[1]);
		cr_assert_eq(read(ends[0], &byte, 1), 1, "reader %d", i);
		close(ends[0]);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}
