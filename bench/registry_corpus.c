/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "bench/registry_corpus.h"

#define SERIAL_BITS 40

uint64_t corpus_key(uint64_t number)
{
	static const uint64_t makers[] = {0x001db7, 0x00194b, 0x9cd9cb, 0x90b3d5, 0xe0b6f5};
	uint64_t mask = (1ull << SERIAL_BITS) - 1;
	uint64_t serial = (number + 1) * 0x9e3779b97f4a7c15ull & mask;

	serial ^= serial >> 17;
	return makers[number % 5] << SERIAL_BITS | serial;
}

static uint32_t entry_count(uint64_t hash)
{
	return hash % 32 == 0 ? 9 + (uint32_t)(hash >> 8) % 8 : 2 + (uint32_t)(hash >> 8) % 5;
}

static struct mw_registry_entry make_entry(uint64_t hash, uint32_t version, uint32_t index)
{
	uint32_t kind = 1 + index % (MW_ENTITLEMENT_COUNT - 1);

	return (struct mw_registry_entry){
		.party = kind << 24 | (1 + ((uint32_t)(hash >> 16) + index * 7919u) % 500),
		.from_s = version,
		.to_s = index % 3 == 0 ? MW_REGISTRY_OPEN_END : (uint32_t)(hash >> 32) + index,
	};
}

void corpus_make(struct corpus_device *made, uint64_t key, uint32_t version)
{
	uint64_t hash = mw_registry_hash(version, key);

	made->device = (struct registry_write_device){
		.device_id = key,
		.type = 1 + (uint8_t)(hash % (MW_DEVICE_TYPE_COUNT - 1)),
		.status = 1 + (uint8_t)((hash >> 4) % (MW_DEVICE_STATUS_COUNT - 1)),
		.generation = 1 + (hash >> 9 & 1),
		.provider_id = hash >> 12 & 63,
		.entry_count = entry_count(hash),
		.entries = made->entries,
	};
	for (uint32_t index = 0; index < made->device.entry_count; index++)
		made->entries[index] = make_entry(hash, version, index);
}

bool corpus_is_whole(const struct registry_image_device *device, uint64_t key)
{
	struct corpus_device made;

	if (device->device_id != key || device->entry_count < 2)
		return false;
	corpus_make(&made, key, device->entries[0].from_s);
	return device->type == made.device.type && device->status == made.device.status &&
	       device->generation == made.device.generation &&
	       device->provider_id == made.device.provider_id &&
	       device->entry_count == made.device.entry_count &&
	       memcmp(device->entries, made.entries,
		       made.device.entry_count * sizeof(made.entries[0])) == 0;
}
