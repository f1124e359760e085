/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices and their indexes. An empty store is appended to in order of the keys; into a filled one
 * devices are put one by one, in order of their keys as well, because neighbours share pages.
 */
#include "control/bulk_load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFETCH 16 /* rows ahead: lines are read in random order */

/* ---- devices that cannot be loaded ---- */

/* Drop the devices that stand there twice; the first one stays. */
static size_t drop_repeated(struct bulk_file *file)
{
	struct fact_list *list = &file->facts;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (kept > 0 && list->facts[i].key == list->facts[kept - 1].key)
			bulk_wrong(file, csv_line_number(&file->csv, list->facts[i].value), 1,
				"this device stands in the file a second time");
		else
			list->facts[kept++] = list->facts[i];
	}
	size_t dropped = list->count - kept;
	list->count = kept;
	return dropped;
}

static int compare_devices(const void *left, const void *right)
{
	const struct fact *a = left;
	const struct fact *b = right;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return a->key < b->key ? -1 : a->key > b->key;
}

static struct fact *find_device(const struct fact_list *devices, uint64_t device_id)
{
	size_t low = 0;
	size_t high = devices->count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (devices->facts[middle].key <= device_id)
			low = middle;
		else
			high = middle;
	}
	return &devices->facts[low];
}

/* Refuse the devices of one MPxN that are too many; their facts get the offset UINT64_MAX. */
static void refuse_beyond(struct bulk_file *file, struct fact *links, size_t count)
{
	qsort(links, count, sizeof(*links), compare_devices);
	for (size_t i = MPXN_DEVICES_MAX; i < count; i++) {
		struct fact *device = find_device(&file->facts, links[i].value);

		if (device->value == UINT64_MAX)
			continue;
		bulk_wrong(file, csv_line_number(&file->csv, device->value), 1,
			"an MPxN of this device has 8 devices already");
		device->value = UINT64_MAX;
	}
}

/* Returns how many devices were dropped because an MPxN has too many. */
static size_t drop_beyond(struct bulk_file *file, struct fact_list *links)
{
	struct fact_list *devices = &file->facts;
	size_t kept = 0;

	for (size_t i = 0; i < links->count;) {
		size_t end = i + 1;

		while (end < links->count && links->facts[end].key >> FACT_MPXN_SHIFT ==
						     links->facts[i].key >> FACT_MPXN_SHIFT)
			end++;
		if (end - i > MPXN_DEVICES_MAX)
			refuse_beyond(file, &links->facts[i], end - i);
		i = end;
	}
	for (size_t i = 0; i < devices->count; i++)
		if (devices->facts[i].value != UINT64_MAX)
			devices->facts[kept++] = devices->facts[i];
	size_t dropped = devices->count - kept;
	devices->count = kept;
	return dropped;
}

/* The links of the devices that are left, from their lines. */
static int collect_links(struct bulk_load *load)
{
	const struct fact_list *devices = &load->files[BULK_DEVICES].facts;
	struct store_link links[STORE_LINKS_MAX];
	struct store_device device;

	load->links.count = 0;
	for (size_t i = 0; i < devices->count; i++) {
		bulk_device_again(load, devices->facts[i].value, &device);
		int count = store_device_links(&device.device, links);

		for (int k = 0; k < count; k++)
			fact_list_add(&load->links,
				links[k].number << FACT_MPXN_SHIFT | links[k].use,
				devices->facts[i].key);
	}
	return fact_list_sort(&load->links, FACT_MPXN_SHIFT);
}

int bulk_check_devices(struct bulk_load *load)
{
	struct bulk_file *file = &load->files[BULK_DEVICES];
	int result = fact_list_sort(&load->links, FACT_MPXN_SHIFT);

	if (result == 0 && drop_repeated(file) > 0)
		result = collect_links(load);
	if (result == 0 && drop_beyond(file, &load->links) > 0)
		result = collect_links(load);
	return result != 0 ? result : file->failed;
}

/* ---- writing ---- */

/* Append an index whose facts are in the order of the devices. */
static int append_index(
	struct bulk_load *load, enum store_table table, struct fact_list *list, unsigned low_bit)
{
	int result = fact_list_sort(list, low_bit);

	for (size_t i = 0; i < list->count && result == 0; i++)
		result = store_row_append(load->change, table,
			store_key_pair(list->facts[i].key, list->facts[i].value),
			(struct store_bytes){NULL, 0});
	load->rows += list->count;
	fact_list_free(list);
	return result;
}

/* The facts of one device that is appended. */
static int append_device(struct bulk_load *load, const struct store_device *device,
	struct fact_list *uprns, struct fact_list *post_codes)
{
	uint8_t bytes[STORE_ROW_DEVICE_MAX];
	struct store_bytes row = {bytes, store_row_write_device(device, bytes)};
	uint64_t device_id = device->device.device_id;

	if (row.length == 0)
		return -EBUSY; /* the file is not what it was */
	int result = store_row_append(
		load->change, STORE_TABLE_DEVICE, store_key_number(device_id), row);
	load->rows++;
	if (result == 0 && device->origin == STORE_ORIGIN_FILE) {
		result = store_row_append(load->change, STORE_TABLE_DEVICE_FILE,
			store_key_pair(1, device_id), (struct store_bytes){NULL, 0});
		load->rows++;
	}
	uint64_t uprn = store_digits(device->device.uprn);
	if (uprn != 0)
		fact_list_add(uprns, uprn, device_id);
	uint64_t post_code = store_post_code_number(device->device.post_code);
	if (post_code != 0)
		fact_list_add(post_codes, post_code, device_id);
	return result;
}

static int append_devices(struct bulk_load *load)
{
	const struct bulk_file *file = &load->files[BULK_DEVICES];
	const struct fact_list *devices = &file->facts;
	struct fact_list uprns = {0};
	struct fact_list post_codes = {0};
	struct store_device device;
	int result = fact_list_reserve(&uprns, devices->count);

	if (result == 0)
		result = fact_list_reserve(&post_codes, devices->count);
	for (size_t i = 0; i < devices->count && result == 0; i++) {
		if (i + PREFETCH < devices->count) {
			const char *ahead = file->csv.bytes + devices->facts[i + PREFETCH].value;

			__builtin_prefetch(ahead);
			__builtin_prefetch(ahead + 64);
			__builtin_prefetch(ahead + 128);
		}
		bulk_device_again(load, devices->facts[i].value, &device);
		result = append_device(load, &device, &uprns, &post_codes);
	}
	if (result == 0)
		result = append_index(load, STORE_TABLE_DEVICE_UPRN, &uprns, 0);
	if (result == 0)
		result = append_index(load, STORE_TABLE_DEVICE_POST_CODE, &post_codes, 0);
	fact_list_free(&uprns);
	fact_list_free(&post_codes);
	return result;
}

static int put_devices(struct bulk_load *load)
{
	struct bulk_file *file = &load->files[BULK_DEVICES];
	struct store_device device;

	for (size_t i = 0; i < file->facts.count; i++) {
		bulk_device_again(load, file->facts.facts[i].value, &device);
		int result = store_device_put(load->change, &device);

		if (result == -E2BIG)
			bulk_wrong(file, csv_line_number(&file->csv, file->facts.facts[i].value), 1,
				"an MPxN of this device has 8 devices already");
		else if (result != 0)
			return result == -EINVAL ? -EBUSY : result;
		load->rows++;
	}
	return file->failed;
}

int bulk_write_devices(struct bulk_load *load)
{
	if (load->files[BULK_DEVICES].facts.count == 0)
		return 0;
	bool is_new = store_table_empty(load->change, STORE_TABLE_DEVICE) &&
		      store_table_empty(load->change, STORE_TABLE_MPXN);
	if (is_new) {
		store_log_everything(load->change);
		return append_devices(load);
	}
	/* The links are written with the devices. */
	load->links.count = 0;
	return put_devices(load);
}
