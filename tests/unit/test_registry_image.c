/* SPDX-License-Identifier: Apache-2.0 */
/* The registry image: making, mapping, changing, running full, and a long random run against a
 * plain array. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registry_fixture.h"

static char path[FIXTURE_PATH_SIZE];
static char reason[128];
static struct registry_image_device found;

static void set_up(void)
{
	fixture_path(path);
}

static void tear_down(void)
{
	unlink(path);
}

TestSuite(registry_image, .init = set_up, .fini = tear_down);

static int no_content(void *argument, uint64_t device_id, struct registry_write_device *device)
{
	(void)argument;
	(void)device_id;
	(void)device;
	return -EIO;
}

static const struct registry_write_source source = {
	.store_id = FIXTURE_STORE_ID,
	.change = 1,
	.content = no_content,
};

static struct registry_write *open_writer(void)
{
	struct registry_write *writer = registry_write_open(path, &source, reason, sizeof(reason));

	cr_assert(writer, "%s", reason);
	return writer;
}

static struct registry_image *map_image(void)
{
	struct registry_image *image = registry_image_map(path, reason, sizeof(reason));

	cr_assert(image, "%s", reason);
	return image;
}

static int put(struct registry_write *writer, uint64_t device_id, uint32_t version)
{
	static struct fixture_device made;

	fixture_make(&made, device_id, version);
	return registry_write_put(writer, &made.device);
}

static void expect(const struct registry_image *image, uint64_t device_id, uint32_t version)
{
	cr_assert_eq(registry_image_read(image, device_id, &found), 0);
	cr_assert(fixture_is_whole(&found, device_id));
	cr_assert_eq(fixture_read_version(&found), version);
}

Test(registry_image, devices_of_every_length_are_read_as_written)
{
	uint64_t ids[REGISTRY_WRITE_ENTRIES_MAX + 1];
	uint32_t versions[REGISTRY_WRITE_ENTRIES_MAX + 1];
	struct registry_image *image;

	for (uint32_t count = 0; count <= REGISTRY_WRITE_ENTRIES_MAX; count++) {
		ids[count] = 0x0102030405060000ull + count;
		versions[count] = fixture_version(count + 7, count);
	}
	fixture_publish(path, 2000, ids, versions, REGISTRY_WRITE_ENTRIES_MAX + 1);
	image = map_image();
	cr_assert_eq(registry_image_device_count(image), REGISTRY_WRITE_ENTRIES_MAX + 1);
	cr_assert_eq(registry_image_change(image), 1);
	cr_assert_eq(registry_image_state(image), MW_REGISTRY_READY);
	for (uint32_t count = 0; count <= REGISTRY_WRITE_ENTRIES_MAX; count++)
		expect(image, ids[count], versions[count]);
	cr_assert_eq(registry_image_read(image, 4711, &found), -ENOENT);
	cr_assert_eq(registry_image_read(image, 0, &found), -ENOENT);
	registry_image_unmap(image);
}

Test(registry_image, add_and_put_refuse_what_is_no_device)
{
	struct registry_write *writer = fixture_create(path, 10);
	struct fixture_device made;

	fixture_make(&made, 1, fixture_version(1, 3));
	cr_assert_eq(registry_write_add(writer, &made.device, 1), 0);
	cr_assert_eq(registry_write_add(writer, &made.device, 1), -EEXIST);
	made.device.device_id = 0;
	cr_assert_eq(registry_write_add(writer, &made.device, 1), -EINVAL);
	cr_assert_eq(registry_write_put(writer, &made.device), -EINVAL);
	made.device.device_id = 2;
	made.device.entry_count = REGISTRY_WRITE_ENTRIES_MAX + 1;
	cr_assert_eq(registry_write_add(writer, &made.device, 1), -E2BIG);
	cr_assert_eq(registry_write_put(writer, &made.device), -E2BIG);
	cr_assert_eq(registry_write_remove(writer, 2), -ENOENT);
	cr_assert_eq(registry_write_remove(writer, 0), -ENOENT);
	registry_write_close(writer);
}

Test(registry_image, an_image_is_not_mapped_before_it_is_published)
{
	struct registry_write *writer = fixture_create(path, 10);
	char temporary[FIXTURE_PATH_SIZE + 8];

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	cr_assert_null(registry_image_map(path, reason, sizeof(reason)));
	cr_assert_eq(errno, ENOENT);
	cr_assert_null(registry_image_map(temporary, reason, sizeof(reason)));
	cr_assert_eq(errno, EAGAIN, "%s", reason);
	registry_write_close(writer);
	cr_assert_neq(access(temporary, F_OK), 0);
}

Test(registry_image, a_new_image_takes_the_place_of_the_old_one)
{
	uint64_t id = 5;
	uint32_t version = fixture_version(1, 9), later = fixture_version(2, 1);
	struct registry_image *old, *new;

	fixture_publish(path, 10, &id, &version, 1);
	old = map_image();
	fixture_publish(path, 20, &id, &later, 1);
	cr_assert_eq(registry_image_state(old), MW_REGISTRY_RETIRED);
	expect(old, id, version);
	new = map_image();
	cr_assert_eq(registry_image_state(new), MW_REGISTRY_READY);
	cr_assert_neq(registry_image_id(new), registry_image_id(old));
	expect(new, id, later);
	registry_image_unmap(new);
	registry_image_unmap(old);
}

Test(registry_image, a_builder_that_died_is_in_nobodys_way)
{
	uint64_t id = 5;
	uint32_t version = fixture_version(1, 9);
	pid_t child = fork();

	if (child == 0) {
		(void)fixture_create(path, 10);
		_exit(0); /* leaves its file behind */
	}
	waitpid(child, NULL, 0);
	fixture_publish(path, 10, &id, &version, 1);
}

Test(registry_image, open_takes_only_the_image_of_its_store)
{
	struct registry_write_source other = source;
	uint64_t id = 5;
	uint32_t version = fixture_version(1, 9);
	struct registry_write *writer;
	int file;

	cr_assert_null(registry_write_open(path, &source, reason, sizeof(reason)));
	cr_assert_eq(errno, ENOENT);
	fixture_publish(path, 10, &id, &version, 1);
	other.store_id++;
	cr_assert_null(registry_write_open(path, &other, reason, sizeof(reason)));
	cr_assert_eq(errno, ESTALE);
	other = source;
	other.change = 0;
	cr_assert_null(registry_write_open(path, &other, reason, sizeof(reason)));
	cr_assert_eq(errno, ESTALE);
	writer = open_writer();
	cr_assert_null(registry_write_open(path, &source, reason, sizeof(reason)));
	cr_assert_eq(errno, EBUSY);
	registry_write_set_change(writer, 9);
	cr_assert_eq(registry_write_change(writer), 9);
	registry_write_close(writer);
	file = open(path, O_WRONLY | O_TRUNC);
	cr_assert_eq(write(file, "text", 4), 4);
	close(file);
	cr_assert_null(registry_write_open(path, &source, reason, sizeof(reason)));
	cr_assert_eq(errno, EBADMSG);
	cr_assert_null(registry_image_map(path, reason, sizeof(reason)));
	cr_assert_eq(errno, EBADMSG);
}

Test(registry_image, a_full_image_says_so_and_stays_as_it_was)
{
	uint64_t id = 1;
	uint32_t version = fixture_version(1, 3);
	struct registry_write_usage usage;
	struct registry_write *writer;
	struct registry_image *image;
	int result = 0;

	fixture_publish(path, 100, &id, &version, 1);
	writer = open_writer();
	image = map_image();
	registry_write_usage(writer, &usage);
	cr_assert(!usage.needs_rebuild);
	while (result == 0)
		result = put(writer, ++id, fixture_version(1, 1));
	cr_assert_eq(result, -ENOSPC);
	cr_assert_gt(id, 100); /* room for what it was made for */
	registry_write_usage(writer, &usage);
	cr_assert(usage.needs_rebuild);
	cr_assert_eq(usage.devices, id - 1);
	cr_assert_eq(registry_image_read(image, id, &found), -ENOENT);
	/* More entries do not fit; what fits in its place does. */
	while (put(writer, 1, fixture_version(2, 128)) == 0)
		cr_assert_eq(registry_write_remove(writer, 2), 0);
	expect(image, 1, version);
	cr_assert_eq(put(writer, 1, fixture_version(2, 8)), 0);
	expect(image, 1, fixture_version(2, 8));
	/* What was given back can be taken. */
	for (uint64_t other = 2; other < 40; other++)
		(void)registry_write_remove(writer, other);
	cr_assert_eq(put(writer, 1, fixture_version(3, 128)), 0);
	expect(image, 1, fixture_version(3, 128));
	registry_image_unmap(image);
	registry_write_close(writer);
}

Test(registry_image, a_full_index_says_so)
{
	struct registry_write_options options = {.path = path,
		.store_id = FIXTURE_STORE_ID,
		.devices_max = 4,
		.overflow_records = 200};
	struct registry_write *writer = registry_write_create(&options, reason, sizeof(reason));
	struct registry_write_usage usage;
	uint64_t id = 0;
	int result = 0;

	cr_assert(writer, "%s", reason);
	while (result == 0)
		result = put(writer, ++id, fixture_version(1, 1));
	cr_assert_eq(result, -ENOSPC);
	registry_write_usage(writer, &usage);
	cr_assert_eq(usage.devices, usage.index_slots / 8 * 7);
	cr_assert(usage.needs_rebuild);
	registry_write_close(writer);
}

Test(registry_image, too_many_devices_are_refused)
{
	struct registry_write_options options = {
		.path = path, .devices_max = MW_REGISTRY_RECORDS_MAX};

	cr_assert_eq(registry_write_size(&options), 0);
	cr_assert_null(registry_write_create(&options, reason, sizeof(reason)));
	cr_assert_eq(errno, EINVAL);
}

/* In a mount namespace of its own. Exit status: 0 as expected, 1 not so, 2 not allowed to mount. */
static int create_in_small_memory(const char *folder)
{
	char file[FIXTURE_PATH_SIZE + 8];
	struct registry_write_options options = {.path = file, .devices_max = 100000};
	struct registry_write *writer;

	snprintf(file, sizeof(file), "%s/image", folder);
	if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("small", folder, "tmpfs", 0, "size=4m") != 0)
		return 2;
	writer = registry_write_create(&options, reason, sizeof(reason));
	if (writer || errno != ENOSPC)
		return 1;
	options.devices_max = 10000;
	writer = registry_write_create(&options, reason, sizeof(reason));
	if (!writer)
		return 1;
	registry_write_close(writer);
	return 0;
}

Test(registry_image, too_little_memory_is_an_error_of_create)
{
	pid_t child;
	int status;

	cr_assert_eq(mkdir(path, 0700), 0);
	child = fork();
	if (child == 0)
		_exit(create_in_small_memory(path));
	waitpid(child, &status, 0);
	rmdir(path);
	cr_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		cr_skip_test("no mounting here");
	cr_assert_eq(WEXITSTATUS(status), 0);
}

/* ---- a long random run against a plain array ---- */

#define MODEL_DEVICES 300
#define MODEL_STEPS 60000

struct model {
	uint64_t seed;
	uint64_t ids[MODEL_DEVICES];
	uint32_t versions[MODEL_DEVICES]; /* 0: not there */
};

static uint32_t random_version(struct model *model, uint32_t number)
{
	uint32_t kind = fixture_below(&model->seed, 16);
	uint32_t count = kind == 0  ? fixture_below(&model->seed, 129)
			 : kind < 4 ? fixture_below(&model->seed, 20)
				    : fixture_below(&model->seed, 9);

	return fixture_version(number, count);
}

static void check_burst(const struct registry_image *image, struct model *model)
{
	static struct registry_image_device devices[REGISTRY_IMAGE_BURST_MAX];
	size_t count = fixture_below(&model->seed, REGISTRY_IMAGE_BURST_MAX + 1);
	uint64_t ids[REGISTRY_IMAGE_BURST_MAX];
	uint32_t versions[REGISTRY_IMAGE_BURST_MAX];
	int status[REGISTRY_IMAGE_BURST_MAX];

	for (size_t index = 0; index < count; index++) {
		uint32_t chosen = fixture_below(&model->seed, MODEL_DEVICES + 2);

		ids[index] = chosen < MODEL_DEVICES ? model->ids[chosen] : MODEL_DEVICES - chosen;
		versions[index] = chosen < MODEL_DEVICES ? model->versions[chosen] : 0;
	}
	registry_image_read_burst(image, ids, count, devices, status);
	for (size_t index = 0; index < count; index++) {
		cr_assert_eq(status[index], versions[index] ? 0 : -ENOENT);
		if (status[index] == 0)
			cr_assert(fixture_is_whole(&devices[index], ids[index]) &&
				  fixture_read_version(&devices[index]) == versions[index]);
	}
}

static void check_all(const struct registry_image *image, const struct registry_write *writer,
	struct model *model)
{
	struct registry_write_usage usage;
	uint64_t devices = 0, records = 0;

	for (uint32_t index = 0; index < MODEL_DEVICES; index++) {
		uint32_t version = model->versions[index];

		if (version == 0) {
			cr_assert_eq(
				registry_image_read(image, model->ids[index], &found), -ENOENT);
			continue;
		}
		expect(image, model->ids[index], version);
		devices++;
		records += fixture_record_count(version);
	}
	registry_write_usage(writer, &usage);
	cr_assert_eq(usage.devices, devices);
	cr_assert_eq(usage.records, records);
	cr_assert_eq(registry_image_device_count(image), devices);
	cr_assert_leq(usage.devices + usage.removed_slots, usage.index_slots / 8 * 7);
}

static void change_one(struct registry_write *writer, struct model *model, uint32_t number)
{
	uint32_t index = fixture_below(&model->seed, MODEL_DEVICES);
	uint32_t version = random_version(model, number);
	int result;

	if (fixture_below(&model->seed, 3) == 0) {
		result = registry_write_remove(writer, model->ids[index]);
		cr_assert_eq(result, model->versions[index] ? 0 : -ENOENT);
		model->versions[index] = 0;
		return;
	}
	result = put(writer, model->ids[index], version);
	cr_assert(result == 0 || result == -ENOSPC);
	if (result == 0)
		model->versions[index] = version;
}

static void random_run(uint64_t seed)
{
	static struct model model;
	struct registry_write *writer;
	struct registry_image *image;

	model = (struct model){.seed = seed};
	for (uint32_t index = 0; index < MODEL_DEVICES; index++)
		model.ids[index] = mw_registry_hash(seed, index + 1) | 1;
	fixture_publish(path, 320, NULL, NULL, 0);
	writer = open_writer();
	image = map_image();
	for (uint32_t step = 1; step <= MODEL_STEPS; step++) {
		change_one(writer, &model, step);
		if (step % 8 == 0)
			check_burst(image, &model);
		if (step % 5000 == 0) {
			check_all(image, writer, &model);
			registry_write_close(writer);
			writer = open_writer();
			check_all(image, writer, &model);
		}
	}
	registry_image_unmap(image);
	registry_write_close(writer);
}

Test(registry_image, a_random_run_agrees_with_an_array)
{
	random_run(1);
	random_run(20260301);
}
