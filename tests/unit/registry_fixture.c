/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "registry_fixture.h"

void fixture_path(char path[FIXTURE_PATH_SIZE])
{
	static atomic_uint number;

	snprintf(path, FIXTURE_PATH_SIZE, "%s/motorway-test-%d-%u",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid(),
		atomic_fetch_add(&number, 1));
}

uint32_t fixture_version(uint32_t number, uint32_t entry_count)
{
	return number << 8 | entry_count;
}

uint32_t fixture_entry_count(uint32_t version)
{
	return version & 0xff;
}

uint32_t fixture_record_count(uint32_t version)
{
	uint32_t count = fixture_entry_count(version);

	return count ? (count + MW_REGISTRY_ENTRIES - 1) / MW_REGISTRY_ENTRIES : 1;
}

static struct mw_registry_entry entry_of(uint64_t device_id, uint32_t version, uint32_t index)
{
	uint64_t hash = mw_registry_hash((uint64_t)version << 32 | index, device_id);

	return (struct mw_registry_entry){
		.party = (uint32_t)hash,
		.from_s = (uint32_t)(hash >> 32),
		.to_s = version ^ index,
	};
}

void fixture_make(struct fixture_device *made, uint64_t device_id, uint32_t version)
{
	made->device = (struct registry_write_device){
		.device_id = device_id,
		.type = (uint8_t)version,
		.status = (uint8_t)(version >> 8),
		.generation = (uint8_t)(version >> 16),
		.provider_id = (uint8_t)(version >> 24),
		.entry_count = fixture_entry_count(version),
		.entries = made->entries,
	};
	for (uint32_t index = 0; index < fixture_entry_count(version); index++)
		made->entries[index] = entry_of(device_id, version, index);
}

uint32_t fixture_read_version(const struct registry_image_device *device)
{
	return (uint32_t)device->provider_id << 24 | (uint32_t)device->generation << 16 |
	       (uint32_t)device->status << 8 | device->type;
}

bool fixture_is_whole(const struct registry_image_device *device, uint64_t device_id)
{
	uint32_t version = fixture_read_version(device);

	if (device->device_id != device_id || device->entry_count != fixture_entry_count(version))
		return false;
	for (uint32_t index = 0; index < device->entry_count; index++) {
		struct mw_registry_entry entry = entry_of(device_id, version, index);

		if (memcmp(&entry, &device->entries[index], sizeof(entry)) != 0)
			return false;
	}
	return true;
}

struct registry_write *fixture_create(const char *path, uint64_t devices_max)
{
	struct registry_write_options options = {
		.path = path,
		.store_id = FIXTURE_STORE_ID,
		.devices_max = devices_max,
	};
	char reason[128];
	struct registry_write *writer = registry_write_create(&options, reason, sizeof(reason));

	cr_assert(writer, "%s", reason);
	return writer;
}

void fixture_publish(const char *path, uint64_t devices_max, const uint64_t *ids,
	const uint32_t *versions, size_t count)
{
	struct registry_write *writer = fixture_create(path, devices_max);
	struct fixture_device made;

	for (size_t index = 0; index < count; index++) {
		fixture_make(&made, ids[index], versions[index]);
		cr_assert_eq(registry_write_add(writer, &made.device, 1), 0);
	}
	cr_assert_eq(registry_write_publish(writer, 1), 0);
	registry_write_close(writer);
}

uint32_t fixture_below(uint64_t *seed, uint32_t bound)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*seed >> 33) % bound);
}
