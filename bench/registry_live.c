/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookups while changes go in. One thread puts 1,000 devices a second, all among a few thousand
 * busy ones; the other one takes turns: bursts of random devices, whose time counts, and bursts of
 * busy ones, of which everything is checked. A device that is not whole ends the bench.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/registry_bench.h"

#define CHANGE_EVERY_NS 1000000
#define CHANGES_A_SECOND_MIN 990.0
#define BUSY_DEVICES 256
#define TIMED_BURSTS 200   /* in a row */
#define CHECKED_BURSTS 200 /* then */
#define ROUNDS 400
#define ROUNDS_QUICK 100
#define LOOKUP_MAX_NS 1000.0

struct changes {
	struct registry_bench *bench;
	struct registry_write *writer;
	pthread_t thread;
	int cpu; /* where the reader is */
	atomic_bool ended;
	uint64_t count;
	int result;
};

static int nothing_torn(void *argument, uint64_t device_id, struct registry_write_device *device)
{
	(void)argument;
	(void)device_id;
	(void)device;
	return -EIO;
}

/* Leave `cpu` to the reader, if there is another one. */
static void step_aside(int cpu)
{
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	for (int other = 0; other < CPU_SETSIZE; other++)
		if (other != cpu)
			CPU_SET(other, &allowed);
	(void)sched_setaffinity(0, sizeof(allowed), &allowed);
}

static void *change_on(void *argument)
{
	struct changes *changes = argument;
	struct corpus_device made;
	struct timespec next;
	uint64_t seed = 11;

	step_aside(changes->cpu);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!atomic_load(&changes->ended) && changes->result == 0) {
		uint64_t key = corpus_key(corpus_random(&seed) % BUSY_DEVICES);

		changes->count++;
		corpus_make(&made, key, (uint32_t)changes->count);
		changes->result = registry_write_put(changes->writer, &made.device);
		next.tv_nsec += CHANGE_EVERY_NS;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	return NULL;
}

/* One burst of the first `devices` ones. Returns how many were wrong. */
static unsigned read_burst(
	const struct registry_image *image, uint64_t *seed, uint64_t devices, bool check)
{
	static struct registry_image_device found[REGISTRY_IMAGE_BURST_MAX];
	uint64_t keys[REGISTRY_IMAGE_BURST_MAX];
	int status[REGISTRY_IMAGE_BURST_MAX];
	unsigned wrong = 0;

	for (unsigned index = 0; index < REGISTRY_IMAGE_BURST_MAX; index++)
		keys[index] = corpus_random_key(seed, devices);
	registry_image_read_burst(image, keys, REGISTRY_IMAGE_BURST_MAX, found, status);
	for (unsigned index = 0; index < REGISTRY_IMAGE_BURST_MAX; index++)
		wrong += check ? status[index] != -EAGAIN &&
					 (status[index] != 0 ||
						 !corpus_is_whole(&found[index], keys[index]))
			       : found[index].device_id != keys[index];
	return wrong;
}

static unsigned read_on(struct registry_bench *bench, double *values, unsigned rounds)
{
	uint64_t random_seed = 21, busy_seed = 22;
	unsigned wrong = 0;

	for (unsigned round = 0; round < rounds; round++) {
		uint64_t begin_ns = registry_bench_thread_ns();

		for (unsigned burst = 0; burst < TIMED_BURSTS; burst++)
			wrong += read_burst(bench->image, &random_seed, bench->devices, false);
		values[round] = (double)(registry_bench_thread_ns() - begin_ns) / TIMED_BURSTS /
				REGISTRY_IMAGE_BURST_MAX;
		for (unsigned burst = 0; burst < CHECKED_BURSTS; burst++)
			wrong += read_burst(bench->image, &busy_seed, BUSY_DEVICES, true);
	}
	return wrong;
}

static int run(struct changes *changes, double *values, unsigned rounds)
{
	struct registry_bench *bench = changes->bench;
	uint64_t begin_ns = bench_now_ns();
	double changes_a_second;
	size_t length;
	unsigned wrong = 0;

	if (pthread_create(&changes->thread, NULL, change_on, changes) != 0)
		return -EAGAIN;
	/* So long that there are some thousand changes. */
	do
		wrong += read_on(bench, values, rounds);
	while (bench_now_ns() - begin_ns < (bench->options.quick ? 3000000000ull : 10000000000ull));
	changes_a_second = (double)changes->count * 1e9 / (double)(bench_now_ns() - begin_ns);
	atomic_store(&changes->ended, true);
	pthread_join(changes->thread, NULL);
	if (changes->result != 0)
		return changes->result;
	if (wrong != 0 || changes_a_second < CHANGES_A_SECOND_MIN) {
		fprintf(stderr, "bench: registry: live: %u devices not whole, %.0f changes/s\n",
			wrong, changes_a_second);
		return -EBADMSG;
	}
	length = strlen(bench->note);
	snprintf(bench->note + length, sizeof(bench->note) - length,
		"; live: %.0f changes/s, no device seen in halves", changes_a_second);
	return 0;
}

int registry_bench_live(struct registry_bench *bench)
{
	struct registry_write_source source = {
		.store_id = REGISTRY_BENCH_STORE_ID, .change = 1, .content = nothing_torn};
	struct changes changes = {.bench = bench, .cpu = bench->options.cpu};
	unsigned rounds = bench->options.quick ? ROUNDS_QUICK : ROUNDS;
	static double values[ROUNDS];
	char reason[256];
	int result;

	if (!registry_bench_wants(bench, "live"))
		return 0;
	changes.writer = registry_write_open(bench->image_path, &source, reason, sizeof(reason));
	if (!changes.writer) {
		fprintf(stderr, "bench: registry: live: %s\n", reason);
		return -errno;
	}
	result = run(&changes, values, rounds);
	registry_write_close(changes.writer);
	if (result == 0)
		registry_bench_report(bench,
			(struct registry_figure){
				.name = "live", .unit = "ns/lookup", .target = LOOKUP_MAX_NS},
			values, rounds);
	return result;
}
