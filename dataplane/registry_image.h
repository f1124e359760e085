/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the registry image (motorway/registry_image.h): map, look up one device or a burst, copy
 * out what a decision needs. No DPDK, no allocation after mapping; any number of lcores at once.
 * motorway-control uses the same functions to explain decisions.
 */
#ifndef DATAPLANE_REGISTRY_IMAGE_H
#define DATAPLANE_REGISTRY_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "motorway/registry_image.h"

#define REGISTRY_IMAGE_BURST_MAX 32

/* A device as one decision sees it: a copy, whole or not at all. */
struct registry_image_device {
	uint64_t device_id;
	uint8_t type, status, generation, provider_id;
	uint16_t entry_count;
	struct mw_registry_entry entries[MW_REGISTRY_ENTRIES * MW_REGISTRY_CHAIN_MAX];
};

struct registry_image;

/* Map the image at `path` read-only and check its header, bounds and state. Not for polling cores.
 * Returns NULL with errno and one line in `reason`: EAGAIN while it is being built, ESTALE when
 * another one just took its place, EBADMSG when it is no image or a damaged one. The mapping holds
 * until registry_image_unmap(), also when the file is replaced; the file must not be shortened. */
struct registry_image *registry_image_map(const char *path, char *reason, size_t reason_size);
void registry_image_unmap(struct registry_image *image);

/* Which build it is, and of how many devices. Any thread. */
uint64_t registry_image_id(const struct registry_image *image);
uint64_t registry_image_device_count(const struct registry_image *image);

/* READY, or RETIRED: time to map the path anew. Any thread. */
enum mw_registry_state registry_image_state(const struct registry_image *image);

/* Number of the store's last change that is in here in full. Any thread. */
uint64_t registry_image_change(const struct registry_image *image);

/* Copy the device `device_id` into *device (undefined unless 0 is returned; only entries[0 ..
 * entry_count) are written). 0, -ENOENT, -EAGAIN: the writer was in the middle of it for too long
 * (it died there, until control repairs it), or -EBADMSG: what the index leads to is damaged. Takes
 * at most some ten microseconds. Any lcore. */
int registry_image_read(const struct registry_image *image, uint64_t device_id,
	struct registry_image_device *device);

/* The same for device_ids[0 .. count), count <= REGISTRY_IMAGE_BURST_MAX; status[i] as above. All
 * cache misses of a burst overlap. */
void registry_image_read_burst(const struct registry_image *image, const uint64_t *device_ids,
	size_t count, struct registry_image_device *devices, int *status);

#endif
