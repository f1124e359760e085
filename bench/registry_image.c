/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of the image itself: how fast it is built, how large it is, how fast it is at hand. What
 * has a target is measured by the clock on the wall, the rest as processor time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/registry_bench.h"

#define BATCH 256
#define ROUNDS 5
#define FIRST_LOOKUPS 1000
#define BYTES_MAX 160.0
#define MAP_MAX_S 1.0

static int complain(const char *what, const char *reason, int error)
{
	fprintf(stderr, "bench: registry: %s: %s\n", what, reason);
	return error;
}

static int add_all(struct registry_write *writer, uint64_t devices)
{
	static struct corpus_device made[BATCH];
	static struct registry_write_device batch[BATCH];
	int result = 0;

	for (uint64_t begin = 0; begin < devices && result == 0; begin += BATCH) {
		size_t count = devices - begin < BATCH ? (size_t)(devices - begin) : BATCH;

		for (size_t index = 0; index < count; index++) {
			corpus_make(&made[index], corpus_key(begin + index), 0);
			batch[index] = made[index].device;
		}
		result = registry_write_add(writer, batch, count);
	}
	return result;
}

int registry_bench_build(struct registry_bench *bench)
{
	/* Head room: 4 % more devices, and a sixteenth for overflow records. */
	struct registry_write_options options = {
		.path = bench->image_path,
		.store_id = REGISTRY_BENCH_STORE_ID,
		.devices_max = bench->devices / 24 * 25,
	};
	struct registry_write_usage usage;
	struct registry_write *writer;
	uint64_t begin_ns = registry_bench_thread_ns();
	char reason[256];
	double value;
	int result;

	writer = registry_write_create(&options, reason, sizeof(reason));
	if (!writer)
		return complain("create", reason, -errno);
	result = add_all(writer, bench->devices);
	if (result == 0)
		result = registry_write_publish(writer, 1);
	registry_write_usage(writer, &usage);
	registry_write_close(writer);
	if (result != 0)
		return complain("build", strerror(-result), result);
	value = (double)(registry_bench_thread_ns() - begin_ns) / 1e9;
	if (registry_bench_wants(bench, "build"))
		registry_bench_report(
			bench, (struct registry_figure){.name = "build", .unit = "s"}, &value, 1);
	value = (double)usage.file_bytes / (double)usage.devices;
	if (registry_bench_wants(bench, "bytes"))
		registry_bench_report(bench,
			(struct registry_figure){
				.name = "bytes", .unit = "bytes/device", .target = BYTES_MAX},
			&value, 1);
	size_t length = strlen(bench->note);
	snprintf(bench->note + length, sizeof(bench->note) - length,
		"%llu devices, %llu records, index %.0f %% full, %llu MiB in %s",
		(unsigned long long)usage.devices, (unsigned long long)usage.records,
		100.0 * (double)usage.devices / (double)usage.index_slots,
		(unsigned long long)(usage.file_bytes >> 20), bench->folder);
	bench->image = registry_image_map(bench->image_path, reason, sizeof(reason));
	return bench->image ? 0 : complain("map", reason, -errno);
}

static int nothing_torn(void *argument, uint64_t device_id, struct registry_write_device *device)
{
	(void)argument;
	(void)device_id;
	(void)device;
	return -EIO;
}

/* motorway-control starts again: all of the image is looked through. */
int registry_bench_open(struct registry_bench *bench)
{
	struct registry_write_source source = {
		.store_id = REGISTRY_BENCH_STORE_ID, .change = 1, .content = nothing_torn};
	double values[ROUNDS];
	char reason[256];

	if (!registry_bench_wants(bench, "open"))
		return 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t begin_ns = registry_bench_thread_ns();
		struct registry_write *writer =
			registry_write_open(bench->image_path, &source, reason, sizeof(reason));

		if (!writer)
			return complain("open", reason, -errno);
		values[round] = (double)(registry_bench_thread_ns() - begin_ns) / 1e9;
		registry_write_close(writer);
	}
	registry_bench_report(
		bench, (struct registry_figure){.name = "open", .unit = "s"}, values, ROUNDS);
	return 0;
}

/* motorway starts again: mapped, and the first lookups are answered. */
int registry_bench_map(struct registry_bench *bench)
{
	static struct registry_image_device device;
	double values[ROUNDS];
	uint64_t seed = 3;
	char reason[256];

	if (!registry_bench_wants(bench, "map"))
		return 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t begin_ns = bench_now_ns();
		struct registry_image *image =
			registry_image_map(bench->image_path, reason, sizeof(reason));
		unsigned found = 0;

		if (!image)
			return complain("map", reason, -errno);
		for (unsigned lookup = 0; lookup < FIRST_LOOKUPS; lookup++) {
			uint64_t key = corpus_random_key(&seed, bench->devices);

			found += registry_image_read(image, key, &device) == 0 &&
				 corpus_is_whole(&device, key);
		}
		values[round] = (double)(bench_now_ns() - begin_ns) / 1e9;
		registry_image_unmap(image);
		if (found != FIRST_LOOKUPS)
			return complain("map", "a device is missing", -EBADMSG);
	}
	registry_bench_report(bench,
		(struct registry_figure){.name = "map", .unit = "s", .target = MAP_MAX_S}, values,
		ROUNDS);
	return 0;
}
