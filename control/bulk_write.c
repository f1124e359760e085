/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices and their indexes. An empty store is appended to in order of the keys; into a filled one
 * devices are put one by one, in order of their keys as well, because neighbours share pages.
 */
#include "control/batch_line.h"
#include "control/bulk_load.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PREFETCH 16 /* rows ahead: lines are read in random order */
#define BATCHES 8
#define BATCH_ROWS 1024

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

/* ---- a thread that makes rows ---- */

/* A device on its way into the tables. */
struct device_row {
	uint64_t device_id;
	size_t length;
	bool is_of_file;
};

struct row_batch {
	struct device_row rows[BATCH_ROWS];
	uint8_t bytes[BATCH_ROWS * STORE_ROW_DEVICE_MAX];
	size_t count;
	bool is_last;
	int failed; /* -errno, in the last one */
};

/*
 * While one thread appends, the other one reads the next lines again, in order of their devices,
 * makes rows of them, and collects and sorts what the indexes need.
 */
struct bulk_rows {
	struct bulk_load *load;
	pthread_t thread;
	struct batch_line line;
	struct fact_list uprns;
	struct fact_list post_codes;
	int failed; /* -errno of the thread; known when it has ended */
	struct row_batch batches[BATCHES];
};

static void prefetch(const struct bulk_file *file, size_t i)
{
	if (i + PREFETCH >= file->facts.count)
		return;
	const char *ahead = file->csv.bytes + file->facts.facts[i + PREFETCH].value;

	__builtin_prefetch(ahead);
	__builtin_prefetch(ahead + 64);
	__builtin_prefetch(ahead + 128);
}

/* The row of device `i`. 0, or -EBUSY: the file is not what it was. */
static int make_row(struct bulk_rows *rows, struct row_batch *batch, size_t i)
{
	const struct bulk_file *file = &rows->load->files[BULK_DEVICES];
	uint8_t *bytes = &batch->bytes[batch->count * STORE_ROW_DEVICE_MAX];
	struct device_row *row = &batch->rows[batch->count++];
	struct store_device device;

	prefetch(file, i);
	bulk_device_again(rows->load, file->facts.facts[i].value, &device);
	row->device_id = device.device.device_id;
	row->is_of_file = device.origin == STORE_ORIGIN_FILE;
	row->length = store_row_write_device(&device, bytes);
	uint64_t uprn = store_digits(device.device.uprn);
	if (uprn != 0)
		fact_list_add(&rows->uprns, uprn, row->device_id);
	uint64_t post_code = store_post_code_number(device.device.post_code);
	if (post_code != 0)
		fact_list_add(&rows->post_codes, post_code, row->device_id);
	return row->length != 0 && row->device_id == file->facts.facts[i].key ? 0 : -EBUSY;
}

static void *make_rows(void *argument)
{
	struct bulk_rows *rows = argument;
	size_t devices = rows->load->files[BULK_DEVICES].facts.count;
	int result = 0;
	int number;

	for (size_t i = 0; (number = batch_line_next_empty(&rows->line)) >= 0;) {
		struct row_batch *batch = &rows->batches[number];

		batch->count = 0;
		while (batch->count < BATCH_ROWS && i < devices && result == 0)
			result = make_row(rows, batch, i++);
		bool is_last = i == devices || result != 0;
		batch->is_last = is_last;
		batch->failed = result;
		batch_line_fill(&rows->line);
		if (is_last)
			break;
	}
	if (number >= 0 && result == 0)
		result = fact_list_sort(&rows->uprns, 0);
	if (number >= 0 && result == 0)
		result = fact_list_sort(&rows->post_codes, 0);
	rows->failed = result;
	return NULL;
}

/* ---- writing ---- */

static int append_row(struct bulk_load *load, const struct device_row *device, const uint8_t *bytes)
{
	int result = store_row_append(load->change, STORE_TABLE_DEVICE,
		store_key_number(device->device_id), (struct store_bytes){bytes, device->length});

	load->rows++;
	if (result == 0 && device->is_of_file) {
		result = store_row_append(load->change, STORE_TABLE_DEVICE_FILE,
			store_key_pair(1, device->device_id), (struct store_bytes){NULL, 0});
		load->rows++;
	}
	return result;
}

/* Append what the thread makes until its last batch. */
static int append_rows(struct bulk_load *load, struct bulk_rows *rows)
{
	bool ended = false;
	int result = 0;

	while (!ended) {
		const struct row_batch *batch = &rows->batches[batch_line_next_full(&rows->line)];

		result = batch->failed;
		for (size_t i = 0; i < batch->count && result == 0; i++)
			result = append_row(
				load, &batch->rows[i], &batch->bytes[i * STORE_ROW_DEVICE_MAX]);
		ended = batch->is_last || result != 0;
		batch_line_empty(&rows->line, ended);
	}
	return result;
}

static int append_devices(struct bulk_load *load)
{
	size_t devices = load->files[BULK_DEVICES].facts.count;
	struct bulk_rows *rows = calloc(1, sizeof(*rows));

	if (rows == NULL)
		return -ENOMEM;
	rows->load = load;
	int result = fact_list_reserve(&rows->uprns, devices);
	if (result == 0)
		result = fact_list_reserve(&rows->post_codes, devices);
	batch_line_open(&rows->line, BATCHES);
	if (result == 0 && pthread_create(&rows->thread, NULL, make_rows, rows) != 0)
		result = -EAGAIN;
	if (result != 0) {
		batch_line_close(&rows->line);
		fact_list_free(&rows->uprns);
		fact_list_free(&rows->post_codes);
		free(rows);
		return result;
	}
	load->making = rows;
	return append_rows(load, rows);
}

/* Append an index whose facts are in order. */
static int append_index(
	struct bulk_load *load, enum store_table table, const struct fact_list *list)
{
	int result = 0;

	for (size_t i = 0; i < list->count && result == 0; i++)
		result = store_row_append(load->change, table,
			store_key_pair(list->facts[i].key, list->facts[i].value),
			(struct store_bytes){NULL, 0});
	load->rows += list->count;
	return result;
}

int bulk_write_indexes(struct bulk_load *load, int result)
{
	struct bulk_rows *rows = load->making;

	if (rows == NULL)
		return result;
	pthread_join(rows->thread, NULL);
	if (result == 0)
		result = rows->failed;
	if (result == 0)
		result = append_index(load, STORE_TABLE_DEVICE_UPRN, &rows->uprns);
	if (result == 0)
		result = append_index(load, STORE_TABLE_DEVICE_POST_CODE, &rows->post_codes);
	batch_line_close(&rows->line);
	fact_list_free(&rows->uprns);
	fact_list_free(&rows->post_codes);
	free(rows);
	load->making = NULL;
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
