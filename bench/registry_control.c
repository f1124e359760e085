/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorway-control and motorway start with all devices: the functions that they call, in a store
 * that the bulk load has made. Times are those of the clock on the wall.
 *
 *     control-build  store opened, no image there: one is built from the store
 *     control-start  store opened, the image is there and in step: looked through, no more
 *     control-map    the image is mapped by motorway, and the first lookups are answered
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/registry_bench.h"
#include "bench/sim/registry.h"
#include "control/mirror.h"
#include "dataplane/registry_image.h"

#define SEED 1u
#define ROUNDS 3
#define FIRST_LOOKUPS 1000u
#define START_MAX_S 30.0
#define MAP_MAX_S 1.0
#define DEVICE_MAX_BYTES 160.0
#define BYTES_MAX (64ull << 30)

struct control {
	struct registry_bench *bench;
	const char *store_path;
	char image_path[272];
	struct store *store;
	struct mirror *mirror;
};

bool registry_bench_wants_control(const struct registry_bench *bench)
{
	static const char *const names[] = {"control-build", "control-bytes", "control-start",
		"control-map", "live-appointments", "live-visible", "live-decision"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (registry_bench_wants(bench, names[i]))
			return true;
	return false;
}

static void report(struct registry_bench *bench, struct registry_figure figure, double *values,
	unsigned rounds)
{
	if (registry_bench_wants(bench, figure.name))
		registry_bench_report(bench, figure, values, rounds);
}

static void stop(struct control *control)
{
	mirror_close(control->mirror);
	store_close(control->store);
	control->mirror = NULL;
	control->store = NULL;
}

/* Start as motorway-control does. What it says goes to `log`. 0 and the time it took. */
static int start(struct control *control, FILE *log, double *time_s)
{
	const struct store_options options = {.path = control->store_path, .bytes_max = BYTES_MAX};
	uint64_t begin_ns = bench_now_ns();
	char reason[512];

	control->store = store_open(&options, reason, sizeof(reason));
	if (control->store == NULL) {
		fprintf(stderr, "bench: registry: %s\n", reason);
		return -EIO;
	}
	control->mirror = mirror_open(control->store, control->image_path, log);
	*time_s = (double)(bench_now_ns() - begin_ns) / 1e9;
	return control->mirror != NULL ? 0 : -EIO;
}

static int measure_build(struct control *control, FILE *log)
{
	struct registry_write_usage usage;
	double value;
	int result = start(control, log, &value);

	if (result != 0)
		return result;
	if (mirror_counters(control->mirror)->builds != 1)
		return -EBADMSG;
	report(control->bench,
		(struct registry_figure){
			.name = "control-build", .unit = "s", .target = START_MAX_S},
		&value, 1);
	mirror_usage(control->mirror, &usage);
	value = (double)usage.file_bytes / (double)usage.devices;
	report(control->bench,
		(struct registry_figure){.name = "control-bytes",
			.unit = "bytes/device",
			.target = DEVICE_MAX_BYTES},
		&value, 1);
	stop(control);
	return 0;
}

/* It must not build again. The last one stays open. */
static int measure_start(struct control *control, FILE *log)
{
	double values[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		stop(control);
		int result = start(control, log, &values[round]);

		if (result != 0)
			return result;
		if (mirror_counters(control->mirror)->builds != 0)
			return -EBADMSG;
	}
	report(control->bench,
		(struct registry_figure){
			.name = "control-start", .unit = "s", .target = START_MAX_S},
		values, ROUNDS);
	return 0;
}

/* motorway starts: the image is mapped and gives what the store has. */
static int measure_map(struct control *control, uint64_t devices)
{
	static struct registry_image_device device;
	double values[ROUNDS];
	char reason[256];

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t begin_ns = bench_now_ns();
		struct registry_image *image =
			registry_image_map(control->image_path, reason, sizeof(reason));
		unsigned good = 0;

		if (image == NULL) {
			fprintf(stderr, "bench: registry: %s\n", reason);
			return -EIO;
		}
		for (uint64_t i = 0; i < FIRST_LOOKUPS; i++) {
			uint64_t id = sim_registry_device_id(
				(i * ROUNDS + round) * devices / (FIRST_LOOKUPS * ROUNDS), SEED);

			good += registry_image_read(image, id, &device) == 0 &&
				device.device_id == id && device.entry_count > 0;
		}
		values[round] = (double)(bench_now_ns() - begin_ns) / 1e9;
		registry_image_unmap(image);
		if (good != FIRST_LOOKUPS)
			return -EBADMSG;
	}
	report(control->bench,
		(struct registry_figure){.name = "control-map", .unit = "s", .target = MAP_MAX_S},
		values, ROUNDS);
	return 0;
}

int registry_bench_control(struct registry_bench *bench, const char *path)
{
	struct control control = {.bench = bench, .store_path = path};
	struct registry_write_usage usage;
	FILE *log = fopen("/dev/null", "we");

	if (!registry_bench_wants_control(bench) || log == NULL) {
		if (log != NULL)
			fclose(log);
		return log != NULL ? 0 : -errno;
	}
	snprintf(control.image_path, sizeof(control.image_path), "%s.control", bench->image_path);
	int result = measure_build(&control, log);
	if (result == 0)
		result = measure_start(&control, log);
	if (result == 0) {
		mirror_usage(control.mirror, &usage);
		result = measure_map(&control, usage.devices);
	}
	if (result == 0)
		result = registry_bench_changes(bench, control.store, control.mirror);
	stop(&control);
	unlink(control.image_path);
	fclose(log);
	if (result != 0)
		fprintf(stderr, "bench: registry: control: %s\n", strerror(-result));
	return result;
}
