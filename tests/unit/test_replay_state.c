/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay filter's file: what was accepted stays accepted over the end of the process, however
 * it comes, over other limits, and nothing that is no such file is taken for one. And what is
 * forgotten when an operator resets an originator.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/replay.h"

#define USER 0xaaaa000000000001ull
#define DEVICE 0xdddd000000000001ull

static char path[64];
static struct replay_told told;

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/test_replay_state.%d", (int)getpid());
	unlink(path);
}

static void teardown(void)
{
	unlink(path);
}

TestSuite(replay_state, .init = setup, .fini = teardown);

static struct replay_limits limits_of(enum replay_scope scope, uint32_t window, uint32_t scopes_max)
{
	return (struct replay_limits){
		.scope = scope, .window = window, .scopes_max = scopes_max, .secret = 7};
}

static struct replay *reopen(enum replay_scope scope, uint32_t window, uint32_t scopes_max)
{
	const struct replay_limits limits = limits_of(scope, window, scopes_max);
	return replay_open(&limits, path, &told);
}

static struct replay *opened(enum replay_scope scope, uint32_t window, uint32_t scopes_max)
{
	struct replay *replay = reopen(scope, window, scopes_max);
	cr_assert_not_null(replay, "%s", told.reason);
	return replay;
}

static enum replay_verdict check(const struct replay *replay, uint64_t user, uint64_t counter)
{
	const struct mw_request_id id = {user, DEVICE, counter};
	return replay_check(replay, &id, 1);
}

static enum replay_verdict offer(struct replay *replay, uint64_t user, uint64_t target,
	uint64_t counter, uint8_t command_variant)
{
	const struct mw_request_id id = {user, target, counter};
	enum replay_verdict verdict = replay_check(replay, &id, command_variant);
	if (verdict == REPLAY_FRESH)
		replay_accept(replay, &id, command_variant);
	return verdict;
}

Test(replay_state, goes_on_where_it_was)
{
	struct replay *replay = opened(REPLAY_ORIGINATOR, 64, 4);
	offer(replay, USER, DEVICE, 1000, 1);
	offer(replay, USER, DEVICE, 990, 4);
	offer(replay, USER + 1, DEVICE, UINT64_MAX, 1);
	replay_destroy(replay);
	replay = opened(REPLAY_ORIGINATOR, 64, 4);
	cr_expect_not(told.carried_over || told.begun_anew);
	cr_expect_eq(replay_scopes(replay), 2);
	cr_expect_eq(check(replay, USER, 1000), REPLAY_REPEATED);
	cr_expect_eq(check(replay, USER, 990), REPLAY_REPEATED);
	cr_expect_eq(offer(replay, USER, DEVICE, 990, 5), REPLAY_FRESH, "the pre-command of it");
	cr_expect_eq(check(replay, USER, 991), REPLAY_FRESH, "not used yet");
	cr_expect_eq(check(replay, USER, 936), REPLAY_OLD);
	cr_expect_eq(check(replay, USER + 1, UINT64_MAX), REPLAY_REPEATED);
	cr_expect_eq(check(replay, USER + 2, 1), REPLAY_FRESH);
	replay_destroy(replay);
}

Test(replay_state, is_for_one_process)
{
	struct replay *replay = opened(REPLAY_ORIGINATOR, 64, 4);
	cr_expect_null(reopen(REPLAY_ORIGINATOR, 64, 4));
	cr_expect_eq(errno, EBUSY);
	cr_expect_not_null(strstr(told.reason, path));
	replay_destroy(replay);
	replay_destroy(opened(REPLAY_ORIGINATOR, 64, 4));
}

Test(replay_state, other_limits_keep_the_marks)
{
	struct replay *replay = opened(REPLAY_ORIGINATOR, 64, 4);
	offer(replay, USER, DEVICE, 1000, 1);
	offer(replay, USER + 1, DEVICE, 5, 1);
	replay_destroy(replay);
	replay = opened(REPLAY_ORIGINATOR, 256, 2);
	cr_expect(told.carried_over);
	cr_expect_eq(check(replay, USER, 1000), REPLAY_REPEATED);
	cr_expect_eq(check(replay, USER, 999), REPLAY_REPEATED, "nobody knows any more");
	cr_expect_eq(check(replay, USER, 1001), REPLAY_FRESH);
	cr_expect_eq(check(replay, USER + 1, 5), REPLAY_REPEATED);
	cr_expect_eq(check(replay, USER + 2, 5), REPLAY_FULL);
	replay_destroy(replay);
	cr_expect_null(reopen(REPLAY_ORIGINATOR, 256, 1), "two scopes are in it");
	cr_expect_eq(errno, ENOSPC);
	replay_destroy(opened(REPLAY_ORIGINATOR, 256, 2));
	cr_expect_not(told.carried_over, "the refused opening left it as it was");
}

Test(replay_state, another_scope)
{
	struct replay *replay = opened(REPLAY_ORIGINATOR_TARGET, 64, 8);
	offer(replay, USER, DEVICE, 1000, 1);
	offer(replay, USER, DEVICE + 1, 2000, 1);
	offer(replay, USER + 1, DEVICE, 7, 1);
	replay_destroy(replay);
	replay = opened(REPLAY_ORIGINATOR, 64, 2);
	cr_expect(told.carried_over, "the highest of the pairs");
	cr_expect_eq(replay_scopes(replay), 2);
	cr_expect_eq(check(replay, USER, 2000), REPLAY_REPEATED);
	cr_expect_eq(check(replay, USER, 1000), REPLAY_OLD);
	cr_expect_eq(check(replay, USER, 2001), REPLAY_FRESH);
	cr_expect_eq(check(replay, USER + 1, 7), REPLAY_REPEATED);
	replay_destroy(replay);
	replay = opened(REPLAY_ORIGINATOR_TARGET, 64, 8);
	cr_expect(told.begun_anew, "of which pair they were is not known");
	cr_expect_eq(replay_scopes(replay), 0);
	replay_destroy(replay);
}

static void write_file(const void *bytes, size_t length)
{
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

Test(replay_state, what_is_no_state)
{
	static const char zeros[4096];
	write_file("something else, and long enough for a header: 64 bytes are not many", 67);
	cr_expect_null(reopen(REPLAY_ORIGINATOR, 64, 4));
	cr_expect_eq(errno, EBADMSG);
	unlink(path);
	cr_expect_eq(mkdir(path, 0700), 0);
	cr_expect_null(reopen(REPLAY_ORIGINATOR, 64, 4));
	rmdir(path);
	/* Whoever began to make it died: there was nothing in it. */
	write_file(zeros, sizeof(zeros));
	replay_destroy(opened(REPLAY_ORIGINATOR, 64, 4));
	/* Cut short. */
	cr_assert_eq(truncate(path, 100), 0);
	cr_expect_null(reopen(REPLAY_ORIGINATOR, 64, 4));
	cr_expect_eq(errno, EBADMSG);
	unlink(path);
	snprintf(path, sizeof(path), "/nowhere/replay");
	cr_expect_null(reopen(REPLAY_ORIGINATOR, 64, 4));
	cr_expect_eq(errno, ENOENT);
}

/* Whatever stands in the words of a file whose header is right, nothing falls. */
Test(replay_state, random_contents)
{
	static uint8_t bytes[64 + 16 * (32 + 16)];
	uint64_t random = 99;
	for (int round = 0; round < 300; round++) {
		replay_destroy(opened(REPLAY_ORIGINATOR, 64, 16));
		FILE *file = fopen(path, "r+");
		cr_assert_eq(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes));
		for (size_t i = 64; i < sizeof(bytes); i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			bytes[i] = random >> 60 ? (uint8_t)(random >> 33) : 0;
		}
		rewind(file);
		cr_assert_eq(fwrite(bytes, 1, sizeof(bytes), file), sizeof(bytes));
		fclose(file);
		struct replay *replay = opened(REPLAY_ORIGINATOR, 64, 16);
		cr_expect_leq(replay_scopes(replay), 16);
		for (uint64_t user = 0; user < 20; user++)
			offer(replay, USER + user, DEVICE, random >> 40, 1);
		uint64_t highest;
		for (uint64_t user = 0; user < 20; user++)
			replay_forget(replay, USER + user, &highest);
		replay_destroy(replay);
	}
}

/* The child accepts counters, nearly in order, and says so afterwards; it is killed at any moment.
 * Nothing that it said is accepted again. */
Test(replay_state, killed_at_any_moment, .timeout = 60)
{
	struct shared {
		_Atomic uint64_t count;
		uint64_t accepted[1 << 20];
	} *shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(shared, MAP_FAILED);
	uint64_t base = 0;
	uint64_t repeated = 0;
	for (int round = 0; round < 60; round++) {
		atomic_store(&shared->count, 0);
		pid_t child = fork();
		if (child == 0) {
			struct replay *replay = reopen(REPLAY_ORIGINATOR, 64, 4);
			for (uint64_t i = 0; replay && i < 1 << 20; i++) {
				/* Leaps move the window, the rest fills it. */
				uint64_t counter = base + i + (i % 97 == 0 ? 40 : i % 13);
				if (offer(replay, USER, DEVICE, counter, 1) != REPLAY_FRESH)
					continue;
				uint64_t count = atomic_load(&shared->count);
				shared->accepted[count] = counter;
				atomic_store(&shared->count, count + 1);
			}
			_exit(0);
		}
		const struct timespec wait = {.tv_nsec = 100000 + round * 131071 % 9000000};
		nanosleep(&wait, NULL);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		struct replay *replay = opened(REPLAY_ORIGINATOR, 64, 4);
		uint64_t count = atomic_load(&shared->count);
		for (uint64_t i = 0; i < count; i++) {
			enum replay_verdict verdict = check(replay, USER, shared->accepted[i]);
			cr_assert(verdict == REPLAY_REPEATED || verdict == REPLAY_OLD,
				"round %d: counter %lu is accepted again", round,
				shared->accepted[i]);
			repeated += verdict == REPLAY_REPEATED;
			if (shared->accepted[i] >= base)
				base = shared->accepted[i] + 1;
		}
		cr_expect_eq(offer(replay, USER, DEVICE, base + 1000, 1), REPLAY_FRESH);
		base += 1000;
		replay_destroy(replay);
	}
	cr_expect_gt(repeated, 100, "only %lu were in the window", repeated);
	munmap(shared, sizeof(*shared));
}

Test(replay_state, forgetting)
{
	const struct replay_limits limits = limits_of(REPLAY_ORIGINATOR_TARGET, 64, 64);
	struct replay *replay = replay_create(&limits);
	uint64_t highest;
	for (uint64_t target = 0; target < 20; target++)
		for (uint64_t user = 0; user < 3; user++)
			offer(replay, USER + user, DEVICE + target, 100 * user + target, 1);
	cr_expect_eq(replay_scopes(replay), 60);
	cr_expect_eq(replay_forget(replay, USER + 1, &highest), 20);
	cr_expect_eq(highest, 119);
	cr_expect_eq(replay_scopes(replay), 40);
	for (uint64_t target = 0; target < 20; target++) {
		cr_expect_eq(offer(replay, USER, DEVICE + target, target, 1), REPLAY_REPEATED);
		cr_expect_eq(
			offer(replay, USER + 2, DEVICE + target, 200 + target, 1), REPLAY_REPEATED);
		cr_expect_eq(offer(replay, USER + 1, DEVICE + target, target, 1), REPLAY_FRESH,
			"below what it had been");
	}
	cr_expect_eq(replay_forget(replay, USER + 7, &highest), 0);
	/* The room is there for others. */
	cr_expect_eq(replay_forget(replay, USER, &highest), 20);
	for (uint64_t target = 0; target < 24; target++)
		cr_expect_eq(offer(replay, USER + 9, DEVICE + target, 1, 1), REPLAY_FRESH);
	cr_expect_eq(offer(replay, USER + 9, DEVICE + 99, 1, 1), REPLAY_FULL);
	replay_destroy(replay);
}

/* A reset in the file is a reset after the next start, too. */
Test(replay_state, forgotten_for_good)
{
	struct replay *replay = opened(REPLAY_ORIGINATOR, 64, 4);
	uint64_t highest;
	offer(replay, USER, DEVICE, 1000, 1);
	offer(replay, USER + 1, DEVICE, 1000, 1);
	cr_expect_eq(replay_forget(replay, USER, &highest), 1);
	cr_expect_eq(highest, 1000);
	replay_destroy(replay);
	replay = opened(REPLAY_ORIGINATOR, 64, 4);
	cr_expect_eq(check(replay, USER, 3), REPLAY_FRESH);
	cr_expect_eq(check(replay, USER + 1, 1000), REPLAY_REPEATED);
	replay_destroy(replay);
}
