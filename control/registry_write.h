/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the registry image (motorway/registry_image.h).
 *
 *     registry_write_create() -> registry_write_add() ... -> registry_write_publish()
 *     registry_write_open()   -> registry_write_put() / _remove() ... ->
 * registry_write_set_change()
 *
 * A new image is built under a temporary name, takes the place of the old one when it is whole, and
 * is then changed device by device while readers read: each device is whole or not at all, at every
 * moment. One writer of a file at a time (it holds a lock), one thread. What a device is comes from
 * the caller; this module knows no store. doc/registry.md tells how it works and what happens when
 * the writer dies.
 */
#ifndef CONTROL_REGISTRY_WRITE_H
#define CONTROL_REGISTRY_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "motorway/registry_image.h"

#define REGISTRY_WRITE_ENTRIES_MAX (MW_REGISTRY_ENTRIES * MW_REGISTRY_CHAIN_MAX)

/* A device's content. `entries` is borrowed for the call. */
struct registry_write_device {
	uint64_t device_id; /* not 0 */
	uint8_t type;	    /* enum mw_device_type */
	uint8_t status;	    /* enum mw_device_status */
	uint8_t generation; /* enum mw_generation */
	uint8_t provider_id;
	uint32_t entry_count; /* at most REGISTRY_WRITE_ENTRIES_MAX */
	const struct mw_registry_entry *entries;
};

struct registry_write_options {
	const char *path;	   /* in a tmpfs or hugetlbfs */
	uint64_t store_id;	   /* of the store that it mirrors */
	uint64_t devices_max;	   /* room for so many devices, later ones too */
	uint64_t overflow_records; /* for devices with more than 8 entries; 0: devices_max / 16 */
};

/* What an image is opened for. */
struct registry_write_source {
	uint64_t store_id;
	uint64_t change; /* number of the store's last change */

	/* Tell the content of `device_id` as the store has it: 0 and *device (its entries stay
	 * valid until the next call), -ENOENT when there is none, or another -errno, with which the
	 * open fails. Asked for a device in whose midst an earlier writer died. */
	int (*content)(void *argument, uint64_t device_id, struct registry_write_device *device);
	void *argument;
};

struct registry_write_usage {
	uint64_t devices;
	uint64_t records; /* in use */
	uint64_t record_capacity;
	uint64_t removed_slots; /* of the index: free, but probes must go on */
	uint64_t index_slots;
	uint64_t file_bytes;
	bool is_repaired;   /* at open: the writer before us died at work */
	bool needs_rebuild; /* little room is left: create a larger image soon */
};

struct registry_write;

/* How long the file of such an image is, in bytes of pages of 4 KiB. 0: too many devices. */
uint64_t registry_write_size(const struct registry_write_options *options);

/* Begin a new image beside `path`, at `path` + ".new" (one that a dead writer left there goes). All
 * its memory is taken now, so that no store into it can fail later. NULL with errno and one line in
 * `reason`: ENOSPC or ENOMEM when there is not enough memory, EINVAL when there are too many
 * devices, or what the system says. Takes about 0.5 s a GiB. */
struct registry_write *registry_write_create(
	const struct registry_write_options *options, char *reason, size_t reason_size);

/* Add devices[0 .. count) to an image that is not published. The fast way: larger arrays are better
 * ones. 0; -EINVAL: a device_id of 0; -EEXIST: one is there already; -E2BIG: more entries than
 * REGISTRY_WRITE_ENTRIES_MAX; -ENOSPC: full. After an error the devices before the bad one are
 * in. */
int registry_write_add(
	struct registry_write *writer, const struct registry_write_device *devices, size_t count);

/* More entries of a device, and how to make one list of what it has and these. */
struct registry_write_more {
	uint64_t device_id;
	uint32_t entry_count; /* at most REGISTRY_WRITE_ENTRIES_MAX */
	const struct mw_registry_entry *entries;
};

/* Brings entries[0 .. count), for which there is room, into order; returns how many there are then,
 * at most REGISTRY_WRITE_ENTRIES_MAX. */
struct registry_write_join {
	size_t (*join)(void *argument, uint64_t device_id, struct mw_registry_entry *entries,
		size_t count);
	void *argument;
};

/* Give devices of an image that is not published more entries; those of a device that has none yet
 * are taken as they are. Devices that are not there are left out. As in add, larger arrays are
 * better ones. 0; -E2BIG; -ENOSPC: full; -EBADMSG. */
int registry_write_extend(struct registry_write *writer, const struct registry_write_more *more,
	size_t count, const struct registry_write_join *join);

/* Let the image take the place of whatever stands at its path: mark it ready, rename it, mark the
 * old one retired. `change` is the number of the store's change that it shows. Returns 0 or
 * -errno; then the old one is still there. Other writers of the old one close theirs afterwards. */
int registry_write_publish(struct registry_write *writer, uint64_t change);

/* Open a published image to go on writing. All of it is looked through, and what a dead writer left
 * half done is repaired. NULL with errno and one line in `reason`:
 *   ENOENT   there is none
 *   EBADMSG  it is none or damaged
 *   ESTALE   it is of another store, or newer than the store
 *   EBUSY    another writer has it open
 * In all these cases but the last: create one. Takes about 0.15 s for 1,000,000 devices. */
struct registry_write *registry_write_open(const char *path,
	const struct registry_write_source *source, char *reason, size_t reason_size);

/* Put a device in, or replace all of its content. 0, and readers see it; -EINVAL, -E2BIG as in add;
 * -ENOSPC: no room, create a larger image; -EBADMSG: the image is damaged, create another one.
 * After an error the device is as it was. */
int registry_write_put(struct registry_write *writer, const struct registry_write_device *device);

/* Take a device out. 0, -ENOENT, or -EBADMSG as above. */
int registry_write_remove(struct registry_write *writer, uint64_t device_id);

/* All devices of the store's change `change` (and of those before it) are in. */
void registry_write_set_change(struct registry_write *writer, uint64_t change);
uint64_t registry_write_change(const struct registry_write *writer);

/* Which build it is: mw_registry_header.image_id. */
uint64_t registry_write_id(const struct registry_write *writer);

void registry_write_usage(const struct registry_write *writer, struct registry_write_usage *usage);

/* Let go of the image (NULL is allowed). One that was not published is deleted. */
void registry_write_close(struct registry_write *writer);

#endif
