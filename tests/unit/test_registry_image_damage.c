/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged images. Whatever the bytes are: the reader refuses the file, or each of his reads ends
 * with an answer; the writer refuses it, or what he does to it ends well. Nobody crashes, hangs or
 * leaves the mapping.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry_fixture.h"

#define DEVICES 100
#define ROUNDS 3000

static char path[FIXTURE_PATH_SIZE], copy_path[FIXTURE_PATH_SIZE];
static char reason[128];
static uint64_t ids[DEVICES];
static uint32_t versions[DEVICES];
static uint8_t *pristine, *bytes;
static size_t length;
static unsigned mapped, opened;

static int content(void *argument, uint64_t device_id, struct registry_write_device *device)
{
	static struct fixture_device made;

	(void)argument;
	fixture_make(&made, device_id, fixture_version(9, 9));
	*device = made.device;
	return 0;
}

static const struct registry_write_source source = {
	.store_id = FIXTURE_STORE_ID,
	.change = 1,
	.content = content,
};

static void set_up(void)
{
	struct stat status;
	int file;

	fixture_path(path);
	fixture_path(copy_path);
	for (uint32_t index = 0; index < DEVICES; index++) {
		ids[index] = mw_registry_hash(3, index + 1) | 1;
		versions[index] = fixture_version(1, index % 30);
	}
	fixture_publish(path, DEVICES * 3, ids, versions, DEVICES);
	file = open(path, O_RDONLY);
	cr_assert_eq(fstat(file, &status), 0);
	length = (size_t)status.st_size;
	pristine = malloc(length);
	bytes = malloc(length);
	cr_assert(pristine && bytes);
	cr_assert_eq(read(file, pristine, length), (ssize_t)length);
	close(file);
}

static void tear_down(void)
{
	unlink(path);
	unlink(copy_path);
	free(pristine);
	free(bytes);
}

TestSuite(registry_image_damage, .init = set_up, .fini = tear_down, .timeout = 60);

static void store_copy(size_t size)
{
	int file = open(copy_path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	cr_assert_eq(write(file, bytes, size), (ssize_t)size);
	close(file);
}

static bool is_answer(int result)
{
	return result == 0 || result == -ENOENT || result == -EAGAIN || result == -EBADMSG;
}

static void try_reader(void)
{
	static struct registry_image_device devices[REGISTRY_IMAGE_BURST_MAX];
	int status[REGISTRY_IMAGE_BURST_MAX];
	struct registry_image *image = registry_image_map(copy_path, reason, sizeof(reason));

	if (!image) {
		cr_assert(errno == EBADMSG || errno == EAGAIN || errno == ESTALE);
		return;
	}
	mapped++;
	for (uint32_t index = 0; index < DEVICES; index++) {
		int result = registry_image_read(image, ids[index], &devices[0]);

		cr_assert(is_answer(result));
		if (result == 0)
			cr_assert(devices[0].device_id == ids[index] &&
				  devices[0].entry_count <= REGISTRY_WRITE_ENTRIES_MAX);
	}
	for (uint32_t begin = 0; begin + REGISTRY_IMAGE_BURST_MAX <= DEVICES;
		begin += REGISTRY_IMAGE_BURST_MAX) {
		registry_image_read_burst(
			image, &ids[begin], REGISTRY_IMAGE_BURST_MAX, devices, status);
		for (unsigned index = 0; index < REGISTRY_IMAGE_BURST_MAX; index++)
			cr_assert(is_answer(status[index]));
	}
	registry_image_unmap(image);
}

static void try_writer(void)
{
	struct registry_write *writer =
		registry_write_open(copy_path, &source, reason, sizeof(reason));
	static struct fixture_device made;

	if (!writer)
		return;
	opened++;
	for (uint32_t index = 0; index < DEVICES; index++) {
		int result;

		fixture_make(&made, ids[index], fixture_version(index + 5, index * 7 % 129));
		result = registry_write_put(writer, &made.device);
		cr_assert(result == 0 || result == -ENOSPC || result == -EBADMSG);
		result = registry_write_remove(writer, ids[index * 3 % DEVICES]);
		cr_assert(result == 0 || result == -ENOENT || result == -EBADMSG);
	}
	registry_write_close(writer);
}

/* Damage up to `count_max` bytes (or whole words) of [from, to). */
static void damage(size_t from, size_t to, uint32_t count_max)
{
	uint64_t seed = from + count_max;

	mapped = opened = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t count = 1 + fixture_below(&seed, count_max);

		memcpy(bytes, pristine, length);
		while (count-- > 0) {
			size_t at = from + fixture_below(&seed, (uint32_t)(to - from));
			uint32_t small = fixture_below(&seed, 300);

			if (fixture_below(&seed, 2))
				bytes[at] ^= (uint8_t)(1u << fixture_below(&seed, 8));
			else
				memcpy(&bytes[at & ~(size_t)3], &small, sizeof(small));
		}
		store_copy(length);
		try_reader();
		try_writer();
	}
}

static const struct mw_registry_header *header(void)
{
	return (const void *)pristine;
}

Test(registry_image_damage, of_the_header)
{
	damage(0, sizeof(struct mw_registry_header), 2);
	cr_assert(mapped > 100 && mapped < ROUNDS);
	cr_assert(opened < mapped);
}

Test(registry_image_damage, of_the_index)
{
	damage(header()->index_offset, header()->index_offset + header()->index_slots * 8, 40);
	cr_assert_eq(mapped, ROUNDS);
	cr_assert(opened < ROUNDS);
}

Test(registry_image_damage, of_records)
{
	damage(header()->record_offset, header()->record_offset + DEVICES * 3 * 128, 40);
	cr_assert_eq(mapped, ROUNDS);
	cr_assert(opened < ROUNDS);
}

Test(registry_image_damage, of_everything)
{
	damage(sizeof(struct mw_registry_header), length, 2000);
	cr_assert_eq(mapped, ROUNDS);
}

Test(registry_image_damage, of_the_length)
{
	memcpy(bytes, pristine, length);
	for (size_t size = 0; size < length; size += 509) {
		store_copy(size);
		cr_assert_null(registry_image_map(copy_path, reason, sizeof(reason)));
		cr_assert_eq(errno, EBADMSG);
		cr_assert_null(registry_write_open(copy_path, &source, reason, sizeof(reason)));
		cr_assert_eq(errno, EBADMSG);
	}
}

/* What chance would hardly make: circles, and an index without an end. */
static void with_records(void (*edit)(struct mw_registry_record *record, uint32_t number))
{
	struct mw_registry_record *records;

	memcpy(bytes, pristine, length);
	records = (void *)(bytes + header()->record_offset);
	for (uint32_t number = 1; number < header()->record_capacity; number++)
		edit(&records[number], number);
	store_copy(length);
	mapped = opened = 0;
	try_reader();
	try_writer();
	cr_assert_eq(mapped, 1);
	cr_assert_eq(opened, 0);
}

static void next_is_itself(struct mw_registry_record *record, uint32_t number)
{
	record->next = number;
}

static void next_is_beyond(struct mw_registry_record *record, uint32_t number)
{
	record->next = 0x7fffffff + number;
}

static void far_too_many_entries(struct mw_registry_record *record, uint32_t number)
{
	(void)number;
	record->entry_count = 255;
}

static void always_odd(struct mw_registry_record *record, uint32_t number)
{
	(void)number;
	record->sequence = 1;
}

Test(registry_image_damage, of_a_malicious_kind)
{
	uint64_t *slots;

	with_records(next_is_itself);
	with_records(next_is_beyond);
	with_records(far_too_many_entries);
	with_records(always_odd);
	/* No slot is free, and all have the tag of the device that is looked for. */
	memcpy(bytes, pristine, length);
	slots = (void *)(bytes + header()->index_offset);
	for (uint64_t slot = 0; slot < header()->index_slots; slot++)
		slots[slot] = mw_registry_tag(mw_registry_hash(header()->hash_secret, ids[0]))
				      << 32 |
			      (slot % 2 ? UINT32_MAX : slot);
	store_copy(length);
	opened = 0;
	try_reader();
	try_writer();
	cr_assert_eq(opened, 0);
}
