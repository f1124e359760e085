/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first load of a store usually finds some devices there already: those of devices.yaml, or
 * what somebody has tried out. To change such a store row by row would take many times as long as
 * to append to empty tables. So when there are few rows beside those of the files, they are kept in
 * memory, the tables are emptied (in the same change: nobody sees it, and nothing is lost when it
 * fails), and what the files do not replace is put back behind the load.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/bulk_load.h"

#define KEPT_MAX 16384u /* devices, and MPxNs: 50 MiB in all */
#define KEPT_PART 4	/* the files must have so many times as many devices as either */

static const enum store_table tables[] = {STORE_TABLE_DEVICE, STORE_TABLE_DEVICE_FILE,
	STORE_TABLE_DEVICE_UPRN, STORE_TABLE_DEVICE_POST_CODE, STORE_TABLE_MPXN};

struct bulk_kept {
	struct store_device *devices;
	struct mpxn *mpxns;
	size_t device_count;
	size_t mpxn_count;
};

void bulk_forget(struct bulk_load *load)
{
	if (load->kept == NULL)
		return;
	free(load->kept->devices);
	free(load->kept->mpxns);
	free(load->kept);
	load->kept = NULL;
}

/* Read both tables, each with at most `max` rows. 1; 0: there are more; or -errno. */
static int read_all(struct bulk_load *load, struct bulk_kept *kept, size_t max)
{
	uint64_t cursor = 0;
	struct mpxn mpxn;
	struct store_device device;
	int result;

	while ((result = store_device_next(load->change, &cursor, &device)) == 1) {
		if (kept->device_count == max)
			return 0;
		kept->devices[kept->device_count++] = device;
	}
	if (result != 0)
		return result;
	cursor = 0;
	while ((result = store_mpxn_next(load->change, &cursor, &mpxn)) == 1) {
		if (kept->mpxn_count == max)
			return 0;
		kept->mpxns[kept->mpxn_count++] = mpxn;
	}
	return result != 0 ? result : 1;
}

int bulk_keep(struct bulk_load *load)
{
	size_t max = load->files[BULK_DEVICES].facts.count / KEPT_PART;
	int result = 0;

	if (max == 0 || (store_table_empty(load->change, STORE_TABLE_DEVICE) &&
				store_table_empty(load->change, STORE_TABLE_MPXN)))
		return 0;
	max = max < KEPT_MAX ? max : KEPT_MAX;
	struct bulk_kept *kept = load->kept = calloc(1, sizeof(*kept));
	if (kept == NULL)
		return -ENOMEM;
	kept->devices = calloc(max, sizeof(*kept->devices));
	kept->mpxns = calloc(max, sizeof(*kept->mpxns));
	if (kept->devices == NULL || kept->mpxns == NULL)
		return -ENOMEM;
	result = read_all(load, kept, max);
	if (result != 1) {
		bulk_forget(load);
		return result;
	}
	result = 0;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && result == 0; i++)
		result = store_table_clear(load->change, tables[i]);
	return result;
}

static int refuse(struct bulk_load *load, const char *what, uint64_t id, const char *rule)
{
	if (load->options->errors != NULL)
		fprintf(load->options->errors, "%s %" PRIu64 ", which the store has already: %s\n",
			what, id, rule);
	return -EINVAL;
}

static int put_device(struct bulk_load *load, const struct store_device *device)
{
	struct store_device replaced;
	uint64_t id = device->device.device_id;
	int result = store_device_get(load->change, id, &replaced);

	if (result == -ENOENT)
		result = store_device_put(load->change, device);
	return result == -E2BIG ? refuse(load, "device", id,
					  "with the files one of its MPxNs has more than 8 devices")
				: result;
}

/* The events of before, but those of which the files tell. */
static int put_mpxn(struct bulk_load *load, const struct mpxn *before)
{
	struct mpxn mpxn;
	int result = store_mpxn_get(load->change, before->number, &mpxn);

	if (result == -ENOENT)
		mpxn = (struct mpxn){.number = before->number};
	else if (result != 0)
		return result;
	unsigned told = mpxn.event_count;
	struct mpxn_event events[MPXN_EVENTS_MAX];
	memcpy(events, mpxn.events, told * sizeof(events[0]));
	for (unsigned i = 0; i < before->event_count; i++) {
		bool replaced = false;

		for (unsigned k = 0; k < told && !replaced; k++)
			replaced = bulk_same_subject(&before->events[i], &events[k]);
		if (!replaced && mpxn_add_event(&mpxn, &before->events[i]) == -ENOSPC)
			return refuse(load, "MPxN", before->number,
				"with the files it has more than 64 events");
	}
	return mpxn.event_count == 0 ? 0 : store_mpxn_put(load->change, &mpxn);
}

int bulk_put_back(struct bulk_load *load)
{
	const struct bulk_kept *kept = load->kept;
	int result = 0;

	if (kept == NULL)
		return 0;
	for (size_t i = 0; i < kept->device_count && result == 0; i++)
		result = put_device(load, &kept->devices[i]);
	for (size_t i = 0; i < kept->mpxn_count && result == 0; i++)
		result = put_mpxn(load, &kept->mpxns[i]);
	return result;
}
