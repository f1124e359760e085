/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's record comes from its own row and the rows of the MPxNs that it carries. A new image
 * is as of the change that the first snapshot of its walks saw (control/mirror_build.c); what has
 * changed since then is in the store's log, so the same code brings a new image and an old one up
 * to date.
 */
#include "control/mirror.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/device_words.h"
#include "control/entitlement.h"
#include "control/folders.h"
#include "control/mirror_build.h"
#include "control/settlement_day.h"

/* Room in a new image for further devices, and for entries that do not fit into a device's own
 * record: so much that no size of the index makes it more than 160 bytes a device. */
#define ROOM_PART 24
#define ROOM_OVERFLOW_PART 32
#define ROOM_DEVICES_MIN 1024

struct mirror {
	struct store *store;
	char *path;
	FILE *log;
	struct settlement_calendar *calendar;
	struct registry_write *writer;
	struct mirror_counters counters;
	struct store_change *snapshot; /* while the image is opened: for content() */
	uint64_t changed[STORE_LOG_ENTRIES_MAX];
	/* The device that is being worked out. */
	struct mpxn mpxn;
	struct mpxn_interval intervals[STORE_LINKS_MAX][MPXN_INTERVALS_MAX];
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX];
};

/* ---- one device ---- */

/* Work out a device's record; its entries stay as they are until the next one. */
static int work_out(struct mirror *mirror, struct store_change *snapshot,
	const struct reference_device *row, struct registry_write_device *device)
{
	struct entitlement_source sources[STORE_LINKS_MAX];
	struct store_link links[STORE_LINKS_MAX];
	size_t dropped;
	int count = store_device_links(row, links);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		int result = store_mpxn_get(snapshot, links[i].number, &mirror->mpxn);

		if (result != 0)
			return result == -ENOENT ? -EIO : result;
		sources[i] = (struct entitlement_source){
			.use = links[i].use,
			.intervals = mirror->intervals[i],
			.interval_count = mpxn_timeline(&mirror->mpxn, mirror->intervals[i]),
		};
	}
	int type = device_word_number(device_type_words, row->type);
	int status = device_word_number(device_status_words, row->status);
	*device = (struct registry_write_device){
		.device_id = row->device_id,
		.type = (uint8_t)(type > 0 ? type : 0),
		.status = (uint8_t)(status > 0 ? status : 0),
		.generation = (uint8_t)row->generation,
		.provider_id = (uint8_t)row->provider_id,
		.entries = mirror->entries,
	};
	device->entry_count = (uint32_t)entitlement_entries(
		mirror->calendar, sources, (size_t)count, mirror->entries, &dropped);
	mirror->counters.entries_dropped += dropped;
	return 0;
}

/* For registry_write_open(): a device in whose midst a writer died. */
static int content(void *argument, uint64_t device_id, struct registry_write_device *device)
{
	struct mirror *mirror = argument;
	struct store_device row;
	int result = store_device_get(mirror->snapshot, device_id, &row);

	return result != 0 ? result : work_out(mirror, mirror->snapshot, &row.device, device);
}

/* ---- changes ---- */

static int write_device(struct mirror *mirror, struct registry_write *writer,
	struct store_change *snapshot, uint64_t device_id)
{
	struct registry_write_device device;
	struct store_device row;
	int result = store_device_get(snapshot, device_id, &row);

	if (result == -ENOENT) {
		result = registry_write_remove(writer, device_id);
		mirror->counters.devices_removed += result == 0;
		return result == -ENOENT ? 0 : result;
	}
	if (result == 0)
		result = work_out(mirror, snapshot, &row.device, &device);
	if (result == 0)
		result = registry_write_put(writer, &device);
	mirror->counters.devices_written += result == 0;
	return result;
}

/* Write what changed since the image's change, as far as the log tells it. 0: all of it is in. */
static int catch_up(struct mirror *mirror)
{
	struct store_change *snapshot = store_snapshot(mirror->store);
	uint64_t since = registry_write_change(mirror->writer);
	int64_t count;
	int result = 0;

	if (snapshot == NULL)
		return -errno;
	count = store_changes_since(snapshot, &since, mirror->changed, STORE_LOG_ENTRIES_MAX);
	for (int64_t i = 0; i < count && result == 0; i++)
		result = write_device(mirror, mirror->writer, snapshot, mirror->changed[i]);
	if (count < 0)
		result = (int)count;
	if (result == 0)
		registry_write_set_change(mirror->writer, since);
	if (result == 0 && since < store_change_number(snapshot))
		result = -EAGAIN;
	store_abandon(snapshot);
	return result;
}

/* ---- a new image ---- */

static uint64_t count_devices(struct mirror *mirror)
{
	struct store_change *snapshot = store_snapshot(mirror->store);
	uint64_t count = 0;

	if (snapshot != NULL)
		count = store_device_count(snapshot);
	store_abandon(snapshot);
	return count;
}

/* Fill the image, and work out as one the devices whose entries did not fit while they came one
 * by one. */
static int fill(struct mirror *mirror, struct registry_write *writer, uint64_t *change)
{
	struct mirror_build building = {
		.store = mirror->store, .calendar = mirror->calendar, .writer = writer};
	int result = mirror_build(&building);

	for (size_t i = 0; i < building.crowded_count && result == 0; i++) {
		struct store_change *snapshot = store_snapshot(mirror->store);

		result = snapshot == NULL
				 ? -errno
				 : write_device(mirror, writer, snapshot, building.crowded[i]);
		store_abandon(snapshot);
	}
	free(building.crowded);
	*change = building.change;
	return result;
}

/* Build an image with room for more devices than there are, and let it take the old one's place. */
static int build(struct mirror *mirror)
{
	uint64_t devices = count_devices(mirror);
	uint64_t devices_max = devices + devices / ROOM_PART + ROOM_DEVICES_MIN;
	const struct registry_write_options options = {
		.path = mirror->path,
		.store_id = store_id(mirror->store),
		.devices_max = devices_max,
		.overflow_records = devices_max / ROOM_OVERFLOW_PART,
	};
	char reason[256];
	uint64_t change = 0;
	int result;
	struct registry_write *writer = registry_write_create(&options, reason, sizeof(reason));

	if (writer == NULL) {
		result = errno != 0 ? -errno : -EIO;
		fprintf(mirror->log, "motorway-control: no registry image: %s\n", reason);
		return result;
	}
	result = fill(mirror, writer, &change);
	if (result == 0)
		result = registry_write_publish(writer, change);
	if (result != 0) {
		fprintf(mirror->log, "motorway-control: %s: cannot be built: %s\n", mirror->path,
			strerror(-result));
		registry_write_close(writer);
		return result;
	}
	registry_write_close(mirror->writer);
	mirror->writer = writer;
	mirror->counters.builds++;
	fprintf(mirror->log, "motorway-control: %s: built for %" PRIu64 " devices\n", mirror->path,
		devices);
	return 0;
}

int mirror_update(struct mirror *mirror)
{
	struct registry_write_usage usage;
	bool built = false;
	int result;

	for (;;) {
		while ((result = catch_up(mirror)) == -EAGAIN)
			;
		registry_write_usage(mirror->writer, &usage);
		bool of_no_use = result == -ESTALE || result == -ENOSPC || result == -EBADMSG ||
				 result == -ENOBUFS;
		if (built || !(of_no_use || (result == 0 && usage.needs_rebuild)))
			break;
		int error = build(mirror);
		if (error != 0)
			return result == 0 ? 0 : error;
		built = true;
	}
	if (result != 0)
		fprintf(mirror->log, "motorway-control: %s: cannot be brought up to date: %s\n",
			mirror->path, strerror(-result));
	return result;
}

/* ---- open and close ---- */

static int open_image(struct mirror *mirror)
{
	struct registry_write_source source = {
		.store_id = store_id(mirror->store),
		.content = content,
		.argument = mirror,
	};
	struct registry_write_usage usage;
	char reason[256];

	mirror->snapshot = store_snapshot(mirror->store);
	if (mirror->snapshot == NULL)
		return -errno;
	source.change = store_change_number(mirror->snapshot);
	mirror->writer = registry_write_open(mirror->path, &source, reason, sizeof(reason));
	int error = mirror->writer == NULL ? errno : 0;
	store_abandon(mirror->snapshot);
	mirror->snapshot = NULL;
	if (mirror->writer != NULL) {
		registry_write_usage(mirror->writer, &usage);
		if (usage.is_repaired)
			fprintf(mirror->log, "motorway-control: %s: repaired\n", mirror->path);
		return 0;
	}
	if (error != ENOENT)
		fprintf(mirror->log, "motorway-control: %s\n", reason);
	return error == EBUSY ? -EBUSY : build(mirror);
}

struct mirror *mirror_open(struct store *store, const char *path, FILE *log)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));
	char reason[512];

	if (mirror == NULL || (mirror->path = strdup(path)) == NULL) {
		fputs("motorway-control: no memory for the registry image\n", log);
		mirror_close(mirror);
		return NULL;
	}
	mirror->store = store;
	mirror->log = log;
	mirror->calendar = settlement_open(NULL, reason, sizeof(reason));
	if (mirror->calendar == NULL) {
		fprintf(log, "motorway-control: %s\n", reason);
		mirror_close(mirror);
		return NULL;
	}
	int result = folders_make(path, reason, sizeof(reason));
	if (result != 0)
		fprintf(log, "motorway-control: %s: %s\n", reason, strerror(-result));
	if (result != 0 || open_image(mirror) != 0 || mirror_update(mirror) != 0) {
		mirror_close(mirror);
		return NULL;
	}
	return mirror;
}

uint64_t mirror_id(const struct mirror *mirror)
{
	return registry_write_id(mirror->writer);
}

const char *mirror_path(const struct mirror *mirror)
{
	return mirror->path;
}

void mirror_name(const struct mirror *mirror, struct reference *reference)
{
	reference->image.image_id = mirror_id(mirror);
	snprintf(reference->image.path, sizeof(reference->image.path), "%s", mirror->path);
	reference_seal(reference);
}

uint64_t mirror_change(const struct mirror *mirror)
{
	return registry_write_change(mirror->writer);
}

void mirror_usage(const struct mirror *mirror, struct registry_write_usage *usage)
{
	registry_write_usage(mirror->writer, usage);
}

const struct mirror_counters *mirror_counters(const struct mirror *mirror)
{
	return &mirror->counters;
}

void mirror_close(struct mirror *mirror)
{
	if (mirror == NULL)
		return;
	registry_write_close(mirror->writer);
	settlement_close(mirror->calendar);
	free(mirror->path);
	free(mirror);
}
