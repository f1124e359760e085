/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry images for tests. A device's whole content is a function of its id and a version, and
 * the version can be read from the content: so whoever reads a device can tell whether all of it
 * was written together.
 */
#ifndef TESTS_UNIT_REGISTRY_FIXTURE_H
#define TESTS_UNIT_REGISTRY_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/registry_write.h"
#include "dataplane/registry_image.h"

#define FIXTURE_PATH_SIZE 128
#define FIXTURE_STORE_ID 0x5710e1d5710e1dull

/* A device and the entries it points to. */
struct fixture_device {
	struct registry_write_device device;
	struct mw_registry_entry entries[REGISTRY_WRITE_ENTRIES_MAX];
};

/* A fresh name below /dev/shm (below /tmp where there is none). */
void fixture_path(char path[FIXTURE_PATH_SIZE]);

/* Version number `number` (24 bits) of a device with entry_count entries. */
uint32_t fixture_version(uint32_t number, uint32_t entry_count);
uint32_t fixture_entry_count(uint32_t version);
uint32_t fixture_record_count(uint32_t version);

/* The content of a version. */
void fixture_make(struct fixture_device *made, uint64_t device_id, uint32_t version);

/* The version of what was read, whatever it is, and whether all of it is of that version. */
uint32_t fixture_read_version(const struct registry_image_device *device);
bool fixture_is_whole(const struct registry_image_device *device, uint64_t device_id);

/* Make and publish an image for `devices_max` devices with the devices ids[0 .. count) in version
 * versions[i]; change number 1. */
struct registry_write *fixture_create(const char *path, uint64_t devices_max);
void fixture_publish(const char *path, uint64_t devices_max, const uint64_t *ids,
	const uint32_t *versions, size_t count);

/* Seeded random numbers. */
uint32_t fixture_below(uint64_t *seed, uint32_t bound);

#endif
