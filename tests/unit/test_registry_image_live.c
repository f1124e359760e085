/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers beside a writer. Few devices, so that they meet all the time. A reader checks of all that
 * he reads that it is whole, that no device goes back to an earlier version, and that devices that
 * were always there are always found.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "registry_fixture.h"

#define DEVICES 48
#define STEADY 16 /* the first ones are never removed */
#define READERS 2
#define RUN_NS 2500000000ull

struct reader {
	const struct registry_image *image;
	pthread_t thread;
	uint64_t seed;
	uint64_t reads, misses, busy;
	uint64_t torn, backward, lost, damaged; /* what must not be */
	uint32_t last[DEVICES];
};

static char path[FIXTURE_PATH_SIZE];
static uint64_t ids[DEVICES];
static atomic_bool ended;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void judge(struct reader *reader, uint32_t index, int status,
	const struct registry_image_device *device)
{
	uint32_t version;

	reader->reads++;
	reader->busy += status == -EAGAIN;
	reader->misses += status == -ENOENT;
	reader->lost += status == -ENOENT && index < STEADY;
	reader->damaged += status == -EBADMSG;
	if (status != 0)
		return;
	version = fixture_read_version(device);
	reader->torn += !fixture_is_whole(device, ids[index]);
	reader->backward += version >> 8 < reader->last[index] >> 8;
	reader->last[index] = version;
}

static void *read_on(void *argument)
{
	struct registry_image_device devices[REGISTRY_IMAGE_BURST_MAX];
	struct reader *reader = argument;
	uint64_t wanted[REGISTRY_IMAGE_BURST_MAX];
	uint32_t chosen[REGISTRY_IMAGE_BURST_MAX];
	int status[REGISTRY_IMAGE_BURST_MAX];

	while (!atomic_load(&ended)) {
		for (unsigned index = 0; index < REGISTRY_IMAGE_BURST_MAX; index++) {
			chosen[index] = fixture_below(&reader->seed, DEVICES);
			wanted[index] = ids[chosen[index]];
		}
		registry_image_read_burst(
			reader->image, wanted, REGISTRY_IMAGE_BURST_MAX, devices, status);
		for (unsigned index = 0; index < REGISTRY_IMAGE_BURST_MAX; index++)
			judge(reader, chosen[index], status[index], &devices[index]);
		status[0] = registry_image_read(reader->image, wanted[0], &devices[0]);
		judge(reader, chosen[0], status[0], &devices[0]);
	}
	return NULL;
}

static uint64_t write_on(struct registry_write *writer)
{
	static struct fixture_device made;
	uint64_t seed = 7, end_ns = now_ns() + RUN_NS;
	uint32_t number = 2;

	for (; now_ns() < end_ns && number < 0xffffff; number++) {
		uint32_t index = fixture_below(&seed, DEVICES);
		uint32_t count = fixture_below(&seed, 4) ? fixture_below(&seed, 9)
							 : fixture_below(&seed, 129);

		if (index >= STEADY && fixture_below(&seed, 3) == 0) {
			(void)registry_write_remove(writer, ids[index]);
			continue;
		}
		fixture_make(&made, ids[index], fixture_version(number, count));
		cr_assert_eq(registry_write_put(writer, &made.device), 0);
	}
	return number;
}

static int no_content(void *argument, uint64_t device_id, struct registry_write_device *device)
{
	(void)argument;
	(void)device_id;
	(void)device;
	return -EIO;
}

Test(registry_image_live, readers_see_whole_devices_only, .timeout = 60)
{
	struct registry_write_source source = {
		.store_id = FIXTURE_STORE_ID, .change = 1, .content = no_content};
	static struct reader readers[READERS];
	uint32_t versions[DEVICES];
	struct registry_write *writer;
	struct registry_image *image;
	char reason[128];
	uint64_t changes;

	fixture_path(path);
	for (uint32_t index = 0; index < DEVICES; index++) {
		ids[index] = mw_registry_hash(99, index + 1) | 1;
		versions[index] = fixture_version(1, index % 20);
	}
	/* Room for the chains of all of them. */
	fixture_publish(path, (uint64_t)DEVICES * MW_REGISTRY_CHAIN_MAX, ids, versions, DEVICES);
	writer = registry_write_open(path, &source, reason, sizeof(reason));
	cr_assert(writer, "%s", reason);
	image = registry_image_map(path, reason, sizeof(reason));
	cr_assert(image, "%s", reason);
	unlink(path);
	for (unsigned index = 0; index < READERS; index++) {
		readers[index] = (struct reader){.image = image, .seed = index + 1};
		cr_assert_eq(
			pthread_create(&readers[index].thread, NULL, read_on, &readers[index]), 0);
	}
	changes = write_on(writer);
	atomic_store(&ended, true);
	for (unsigned index = 0; index < READERS; index++) {
		struct reader *reader = &readers[index];

		pthread_join(reader->thread, NULL);
		cr_log_info("%llu changes, %llu reads, %llu misses, %llu busy",
			(unsigned long long)changes, (unsigned long long)reader->reads,
			(unsigned long long)reader->misses, (unsigned long long)reader->busy);
		cr_assert_eq(reader->torn, 0);
		cr_assert_eq(reader->backward, 0);
		cr_assert_eq(reader->lost, 0);
		cr_assert_eq(reader->damaged, 0);
		cr_assert_gt(reader->reads, 1000);
		cr_assert_gt(reader->misses, 0);
	}
	cr_assert_gt(changes, 1000);
	registry_image_unmap(image);
	registry_write_close(writer);
}
