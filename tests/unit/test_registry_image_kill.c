/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The death of the writer. Once at every instruction: a child makes one change while we let it go
 * on step by step; whenever a step changed the image, we take a copy as it would be after kill -9
 * at that moment, read it, repair it and go on writing it. And many times at random moments, with
 * kill -9 indeed and a reader beside it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "registry_fixture.h"

#define DEVICES 12
#define STEPS_MAX 400000

/* What the store says: it is always ahead of the image. Version 0: not there. */
struct truth {
	uint64_t ids[DEVICES];
	uint32_t versions[DEVICES];
	uint32_t changed; /* index of the device being changed */
	uint32_t changes;
};

static char path[FIXTURE_PATH_SIZE], copy_path[FIXTURE_PATH_SIZE];
static char reason[128];
static struct truth *truth; /* shared with the child */
static struct registry_image_device found;

static int content(void *argument, uint64_t device_id, struct registry_write_device *device)
{
	static struct fixture_device made;

	(void)argument;
	for (uint32_t index = 0; index < DEVICES; index++)
		if (truth->ids[index] == device_id && truth->versions[index] != 0) {
			fixture_make(&made, device_id, truth->versions[index]);
			*device = made.device;
			return 0;
		}
	return -ENOENT;
}

static const struct registry_write_source source = {
	.store_id = FIXTURE_STORE_ID,
	.change = 1,
	.content = content,
};

static struct registry_write *open_writer(const char *of)
{
	struct registry_write *writer = registry_write_open(of, &source, reason, sizeof(reason));

	cr_assert(writer, "%s", reason);
	return writer;
}

static int apply(struct registry_write *writer, uint32_t index)
{
	static struct fixture_device made;

	if (truth->versions[index] == 0)
		return registry_write_remove(writer, truth->ids[index]);
	fixture_make(&made, truth->ids[index], truth->versions[index]);
	return registry_write_put(writer, &made.device);
}

static void set_up(void)
{
	fixture_path(path);
	fixture_path(copy_path);
	truth = mmap(
		NULL, sizeof(*truth), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(truth != MAP_FAILED);
	for (uint32_t index = 0; index < DEVICES; index++) {
		truth->ids[index] = mw_registry_hash(12, index + 1) | 1;
		truth->versions[index] = fixture_version(1, index * 5 % 40);
	}
	fixture_publish(path, 400, truth->ids, truth->versions, DEVICES);
}

static void tear_down(void)
{
	unlink(path);
	unlink(copy_path);
}

TestSuite(registry_image_kill, .init = set_up, .fini = tear_down);

/* A device as a reader may find it while it changes from version `before` to `after`. */
static void check_read(const struct registry_image *image, uint64_t device_id, uint32_t before,
	uint32_t after, bool may_be_busy)
{
	int result = registry_image_read(image, device_id, &found);

	if (result == -EAGAIN) {
		cr_assert(may_be_busy);
		return;
	}
	if (result == -ENOENT) {
		cr_assert(before == 0 || after == 0);
		return;
	}
	cr_assert_eq(result, 0);
	cr_assert(fixture_is_whole(&found, device_id));
	cr_assert(fixture_read_version(&found) == before || fixture_read_version(&found) == after);
}

static void check_all(const struct registry_image *image, uint32_t before, bool may_be_busy)
{
	for (uint32_t index = 0; index < DEVICES; index++) {
		uint32_t after = truth->versions[index];
		bool changed = index == truth->changed;

		check_read(image, truth->ids[index], changed ? before : after, after,
			changed && may_be_busy);
	}
}

/* All devices as the store says, no record lost. */
static void check_end(const struct registry_image *image, const struct registry_write *writer)
{
	struct registry_write_usage usage;
	uint64_t records = 0, devices = 0;

	for (uint32_t index = 0; index < DEVICES; index++) {
		uint32_t version = truth->versions[index];

		check_read(image, truth->ids[index], version, version, false);
		devices += version != 0;
		records += version ? fixture_record_count(version) : 0;
	}
	registry_write_usage(writer, &usage);
	cr_assert_eq(usage.devices, devices);
	cr_assert_eq(usage.records, records);
}

/* A child that must not outlive a test that failed. */
static pid_t fork_child(void)
{
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

/* ---- at every instruction ---- */

/* The image as it would be after a death now. */
static void try_state(const uint8_t *state, size_t bytes, uint32_t before)
{
	int file = open(copy_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct registry_write *writer;
	struct registry_image *image;

	cr_assert_eq(write(file, state, bytes), (ssize_t)bytes);
	close(file);
	image = registry_image_map(copy_path, reason, sizeof(reason));
	cr_assert(image, "%s", reason);
	check_all(image, before, true);
	writer = open_writer(copy_path);
	check_all(image, before, false);
	cr_assert(apply(writer, truth->changed) == 0 || truth->versions[truth->changed] == 0);
	check_end(image, writer);
	registry_image_unmap(image);
	registry_write_close(writer);
}

static void change_in_child(void)
{
	struct registry_write *writer = open_writer(path);

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(2);
	raise(SIGSTOP);
	(void)apply(writer, truth->changed);
	raise(SIGSTOP);
	_exit(0);
}

/* Let the child do its change step by step. Returns the number of states that were tried. */
static unsigned follow(pid_t child, uint32_t before)
{
	struct stat status;
	uint8_t *image, *last;
	unsigned states = 0;
	int file = open(path, O_RDONLY);
	int stop;

	cr_assert_eq(fstat(file, &status), 0);
	image = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
	last = malloc((size_t)status.st_size);
	cr_assert(image != MAP_FAILED && last);
	close(file);
	memcpy(last, image, (size_t)status.st_size);
	for (unsigned step = 0; step < STEPS_MAX; step++) {
		cr_assert_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
		cr_assert_eq(waitpid(child, &stop, 0), child);
		cr_assert(WIFSTOPPED(stop));
		if (WSTOPSIG(stop) == SIGSTOP)
			break;
		if (memcmp(last, image, (size_t)status.st_size) == 0)
			continue;
		memcpy(last, image, (size_t)status.st_size);
		try_state(last, (size_t)status.st_size, before);
		states++;
	}
	cr_assert_eq(WSTOPSIG(stop), SIGSTOP, "more steps than expected");
	munmap(image, (size_t)status.st_size);
	free(last);
	return states;
}

/* Change device `index` to `version` with a death at every instruction, then for good. */
static void die_everywhere(uint32_t index, uint32_t version, unsigned states_min)
{
	uint32_t before = truth->versions[index];
	struct registry_write *writer;
	struct registry_image *image;
	int stop;
	pid_t child;

	truth->changed = index;
	truth->versions[index] = version;
	child = fork_child();
	if (child == 0)
		change_in_child();
	cr_assert_eq(waitpid(child, &stop, 0), child);
	if (WIFEXITED(stop) && WEXITSTATUS(stop) == 2)
		cr_skip_test("no tracing here");
	cr_assert(WIFSTOPPED(stop));
	cr_assert_geq(follow(child, before), states_min);
	kill(child, SIGKILL);
	waitpid(child, &stop, 0);
	writer = open_writer(path);
	image = registry_image_map(path, reason, sizeof(reason));
	cr_assert(image, "%s", reason);
	check_end(image, writer);
	registry_image_unmap(image);
	registry_write_close(writer);
}

Test(registry_image_kill, at_every_instruction_of_a_change, .timeout = 60)
{
	die_everywhere(3, fixture_version(2, 5), 10);	/* fewer records */
	die_everywhere(3, fixture_version(3, 6), 10);	/* as many */
	die_everywhere(3, fixture_version(4, 60), 100); /* more, from the free list and beyond */
	die_everywhere(3, 0, 50);
	die_everywhere(3, fixture_version(5, 20), 40); /* new, into the removed slot */
	die_everywhere(3, fixture_version(6, 128), 100);
	die_everywhere(0, 0, 5); /* one without entries */
	die_everywhere(0, fixture_version(7, 0), 5);
}

/* ---- kill -9 at random moments ---- */

static void change_for_ever(uint64_t seed)
{
	struct registry_write *writer = open_writer(path);

	if (apply(writer, truth->changed) != 0 && truth->versions[truth->changed] != 0)
		_exit(1);
	for (;;) {
		uint32_t index = fixture_below(&seed, DEVICES);
		uint32_t count = fixture_below(&seed, 129);
		uint32_t version = fixture_version(2 + truth->changes % 0xffff00, count);

		truth->changes++;
		/* First the store, then the image. */
		truth->changed = index;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		truth->versions[index] = fixture_below(&seed, 4) ? version : 0;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		if (apply(writer, index) != 0 && truth->versions[index] != 0)
			_exit(1);
	}
}

/* Read until it is time: everything must be whole. Returns how often a device was read. */
static uint64_t read_until(const struct registry_image *image, uint64_t delay_ns)
{
	struct timespec begin, now;
	uint64_t reads = 0;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		for (uint32_t index = 0; index < DEVICES; index++) {
			int result = registry_image_read(image, truth->ids[index], &found);

			cr_assert(result == 0 || result == -ENOENT || result == -EAGAIN);
			if (result == 0)
				cr_assert(fixture_is_whole(&found, truth->ids[index]));
			reads++;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((uint64_t)(now.tv_sec - begin.tv_sec) * 1000000000ull + (uint64_t)now.tv_nsec -
			 (uint64_t)begin.tv_nsec <
		 delay_ns);
	return reads;
}

Test(registry_image_kill, at_random_moments, .timeout = 60)
{
	struct registry_image *image = registry_image_map(path, reason, sizeof(reason));
	struct registry_write *writer;
	struct registry_write_usage usage;
	unsigned repaired = 0;
	uint64_t seed = 5;
	int status;

	cr_assert(image, "%s", reason);
	for (unsigned round = 0; round < 300; round++) {
		pid_t child = fork_child();

		if (child == 0)
			change_for_ever(round);
		read_until(image, 1000000u + fixture_below(&seed, 4000000));
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		cr_assert(WIFSIGNALED(status), "the child could not write");
		writer = open_writer(path);
		registry_write_usage(writer, &usage);
		repaired += usage.is_repaired;
		cr_assert(
			apply(writer, truth->changed) == 0 || truth->versions[truth->changed] == 0);
		check_end(image, writer);
		registry_write_close(writer);
	}
	cr_log_info("%u changes, %u deaths in the middle of one", truth->changes, repaired);
	cr_assert_gt(repaired, 10);
	registry_image_unmap(image);
}
