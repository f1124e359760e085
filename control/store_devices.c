/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices, their indexes, and MPxNs. A device's row says which numbers it carries; an MPxN's row
 * says which devices carry it. Both are written together, so neither is ever without the other.
 */
#include "control/store_table.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MPXN_MAX 9999999999999u

uint64_t store_post_code_number(const char *post_code)
{
	uint64_t number = 0;
	int length = 0;

	for (; *post_code != '\0'; post_code++) {
		if (*post_code == ' ')
			continue;
		if (length++ == 8)
			return 0;
		number = number << 8 | (uint8_t)toupper((unsigned char)*post_code);
	}
	return length == 0 ? 0 : number << 8 * (8 - length);
}

int store_device_links(
	const struct reference_device *device, struct store_link links[STORE_LINKS_MAX])
{
	bool gas = strcmp(device->type, "GSME") == 0 || strcmp(device->type, "GPF") == 0;
	const char *const texts[STORE_LINKS_MAX] = {
		device->import_mpxn, device->secondary_import_mpan, device->export_mpan};
	const uint8_t uses[STORE_LINKS_MAX] = {
		gas ? MPXN_GAS : MPXN_IMPORT, MPXN_SECONDARY_IMPORT, MPXN_EXPORT};
	int count = 0;

	for (int i = 0; i < STORE_LINKS_MAX; i++) {
		if (texts[i][0] == '\0')
			continue;
		uint64_t number = store_digits(texts[i]);

		if (number == 0 || number > MPXN_MAX)
			return -EINVAL;
		links[count++] = (struct store_link){number, uses[i]};
	}
	return count;
}

static bool has_link(const struct store_link *links, int count, const struct store_link *link)
{
	for (int i = 0; i < count; i++)
		if (links[i].number == link->number && links[i].use == link->use)
			return true;
	return false;
}

static int load_providers(struct store_change *change)
{
	struct store_provider provider;
	int64_t cursor = -1;
	int result;

	memset(change->provider_names, 0, sizeof(change->provider_names));
	while ((result = store_provider_next(change, &cursor, &provider)) == 1)
		memcpy(change->provider_names[provider.provider.id], provider.provider.name,
			MW_NAME_SIZE);
	change->has_providers = result == 0;
	return result;
}

static int read_device(struct store_change *change, struct store_key key, struct store_bytes row,
	struct store_device *device)
{
	int result = change->has_providers ? 0 : load_providers(change);

	if (result != 0)
		return result;
	if (key.length != 8 || !store_row_read_device(row, device))
		return store_damaged(change, STORE_TABLE_DEVICE, key);
	device->device.device_id = store_bytes_number(key.bytes);
	memcpy(device->device.provider, change->provider_names[device->device.provider_id],
		MW_NAME_SIZE);
	return 0;
}

int store_device_get(struct store_change *change, uint64_t device_id, struct store_device *device)
{
	struct store_key key = store_key_number(device_id);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_DEVICE, key, &row);

	return result != 0 ? result : read_device(change, key, row, device);
}

int store_device_next(struct store_change *change, uint64_t *cursor, struct store_device *device)
{
	struct store_key key = store_key_number(*cursor);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_DEVICE, &key, &row);

	if (result != 1)
		return result;
	result = read_device(change, key, row, device);
	if (result != 0)
		return result;
	*cursor = device->device.device_id;
	return 1;
}

int store_device_access_next(
	struct store_change *change, uint64_t *cursor, struct store_device_access *access)
{
	struct store_key key = store_key_number(*cursor);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_DEVICE, &key, &row);

	if (result != 1)
		return result;
	if (key.length != 8 || !store_row_read_access(row, access))
		return store_damaged(change, STORE_TABLE_DEVICE, key);
	*cursor = access->device_id = store_bytes_number(key.bytes);
	return 1;
}

/* ---- MPxNs ---- */

static int read_mpxn(struct store_change *change, struct store_key key, struct store_bytes row,
	struct mpxn *mpxn)
{
	if (key.length != 8 || !store_row_read_mpxn(row, mpxn))
		return store_damaged(change, STORE_TABLE_MPXN, key);
	mpxn->number = store_bytes_number(key.bytes);
	return 0;
}

int store_mpxn_get(struct store_change *change, uint64_t number, struct mpxn *mpxn)
{
	struct store_key key = store_key_number(number);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_MPXN, key, &row);

	return result != 0 ? result : read_mpxn(change, key, row, mpxn);
}

int store_mpxn_next(struct store_change *change, uint64_t *cursor, struct mpxn *mpxn)
{
	struct store_key key = store_key_number(*cursor);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_MPXN, &key, &row);

	if (result != 1)
		return result;
	result = read_mpxn(change, key, row, mpxn);
	if (result != 0)
		return result;
	*cursor = mpxn->number;
	return 1;
}

/* The row, or an empty one when there is none. */
static int find_mpxn(struct store_change *change, uint64_t number, struct mpxn *mpxn)
{
	int result = store_mpxn_get(change, number, mpxn);

	if (result != -ENOENT)
		return result;
	mpxn->number = number;
	mpxn->device_count = 0;
	mpxn->event_count = 0;
	return 0;
}

/* Write the row, or remove it when it says nothing. 1: it was there exactly so. */
static int write_mpxn(struct store_change *change, const struct mpxn *mpxn)
{
	uint8_t bytes[STORE_ROW_MPXN_MAX];
	struct store_key key = store_key_number(mpxn->number);

	if (mpxn->device_count == 0 && mpxn->event_count == 0) {
		int result = store_row_remove(change, STORE_TABLE_MPXN, key);

		return result == -ENOENT ? 1 : result;
	}
	struct store_bytes row = {bytes, store_row_write_mpxn(mpxn, bytes)};
	return row.length == 0 ? -EINVAL : store_row_put(change, STORE_TABLE_MPXN, key, row);
}

int store_mpxn_put(struct store_change *change, const struct mpxn *mpxn)
{
	uint8_t bytes[STORE_ROW_MPXN_MAX];
	struct mpxn row;

	if (mpxn->number == 0 || mpxn->number > MPXN_MAX || mpxn->event_count > MPXN_EVENTS_MAX)
		return -EINVAL;
	int result = find_mpxn(change, mpxn->number, &row);
	if (result != 0)
		return result;
	bool grows = mpxn->event_count > row.event_count;
	row.event_count = mpxn->event_count;
	memcpy(row.events, mpxn->events, mpxn->event_count * sizeof(mpxn->events[0]));
	if (store_row_write_mpxn(&row, bytes) == 0)
		return -EINVAL;
	if (grows && !store_has_room(change))
		return -ENOSPC;
	result = write_mpxn(change, &row);
	if (result == 0)
		for (unsigned i = 0; i < row.device_count; i++)
			store_log_device(change, row.devices[i].device_id);
	return store_end_rows(change, result);
}

/* ---- devices and what hangs on them ---- */

static unsigned links_on(const struct store_link *links, int count, uint64_t number)
{
	unsigned found = 0;

	for (int i = 0; i < count; i++)
		found += links[i].number == number;
	return found;
}

/* Whether every MPxN of the device has room for it. Its old links make room where they go. */
static int check_links(struct store_change *change, const struct store_link *old, int old_count,
	const struct store_link *links, int count)
{
	struct mpxn mpxn;

	for (int i = 0; i < count; i++) {
		if (has_link(old, old_count, &links[i]))
			continue;
		int result = find_mpxn(change, links[i].number, &mpxn);

		if (result != 0)
			return result;
		if (mpxn.device_count - links_on(old, old_count, links[i].number) +
				links_on(links, count, links[i].number) >
			MPXN_DEVICES_MAX)
			return -E2BIG;
	}
	return 0;
}

static void drop_link(struct mpxn *mpxn, uint64_t device_id, uint8_t use)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < mpxn->device_count; i++)
		if (mpxn->devices[i].device_id != device_id || mpxn->devices[i].use != use)
			mpxn->devices[kept++] = mpxn->devices[i];
	mpxn->device_count = (uint8_t)kept;
}

/* In order of device and use. */
static void add_link(struct mpxn *mpxn, uint64_t device_id, uint8_t use)
{
	unsigned at = mpxn->device_count++;

	assert(at < MPXN_DEVICES_MAX);
	for (; at > 0; at--) {
		const struct mpxn_device *before = &mpxn->devices[at - 1];

		if (before->device_id < device_id ||
			(before->device_id == device_id && before->use < use))
			break;
		mpxn->devices[at] = *before;
	}
	mpxn->devices[at] = (struct mpxn_device){device_id, use};
}

/* Drop (or else add) the links that are not among the `others`. */
static int write_links(struct store_change *change, uint64_t device_id, bool drop,
	const struct store_link *const lists[2], const int counts[2])
{
	const struct store_link *links = lists[drop ? 0 : 1];
	const struct store_link *others = lists[drop ? 1 : 0];
	int count = counts[drop ? 0 : 1];
	int other_count = counts[drop ? 1 : 0];
	struct mpxn mpxn;

	for (int i = 0; i < count; i++) {
		if (has_link(others, other_count, &links[i]))
			continue;
		int result = find_mpxn(change, links[i].number, &mpxn);

		if (result != 0)
			return result;
		if (drop)
			drop_link(&mpxn, device_id, links[i].use);
		else
			add_link(&mpxn, device_id, links[i].use);
		result = write_mpxn(change, &mpxn);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Move the device in an index from one second key to another; 0: it has none. */
static int write_index(struct store_change *change, enum store_table table, uint64_t device_id,
	const uint64_t keys[2])
{
	int result = 0;

	if (keys[0] == keys[1])
		return 0;
	if (keys[0] != 0)
		result = store_row_remove(change, table, store_key_pair(keys[0], device_id));
	if (result == 0 && keys[1] != 0)
		result = store_row_put(change, table, store_key_pair(keys[1], device_id),
			(struct store_bytes){NULL, 0});
	/* What the row says is not in the index. */
	if (result == -ENOENT)
		return store_damaged(change, table, store_key_pair(keys[0], device_id));
	return result < 0 ? result : 0;
}

/* Bring everything that hangs on a device from `old` to `device`; either may be NULL. */
static int write_around(struct store_change *change, uint64_t device_id,
	const struct store_device *old, const struct store_device *device)
{
	struct store_link links[2][STORE_LINKS_MAX];
	const struct store_link *const lists[2] = {links[0], links[1]};
	const struct store_device *const both[2] = {old, device};
	uint64_t uprns[2] = {0, 0};
	uint64_t post_codes[2] = {0, 0};
	uint64_t files[2] = {0, 0};
	int counts[2] = {0, 0};

	for (int i = 0; i < 2; i++) {
		if (both[i] == NULL)
			continue;
		counts[i] = store_device_links(&both[i]->device, links[i]);
		uprns[i] = store_digits(both[i]->device.uprn);
		post_codes[i] = store_post_code_number(both[i]->device.post_code);
		files[i] = both[i]->origin == STORE_ORIGIN_FILE;
	}
	if (counts[0] < 0)
		return store_damaged(change, STORE_TABLE_DEVICE, store_key_number(device_id));
	assert(counts[1] >= 0);
	int result = write_links(change, device_id, true, lists, counts);
	if (result == 0)
		result = write_links(change, device_id, false, lists, counts);
	if (result == 0)
		result = write_index(change, STORE_TABLE_DEVICE_UPRN, device_id, uprns);
	if (result == 0)
		result = write_index(change, STORE_TABLE_DEVICE_POST_CODE, device_id, post_codes);
	if (result == 0)
		result = write_index(change, STORE_TABLE_DEVICE_FILE, device_id, files);
	return result;
}

uint64_t store_device_count(struct store_change *change)
{
	MDB_stat stat;

	if (change->failed != 0 ||
		mdb_stat(change->txn, change->store->tables[STORE_TABLE_DEVICE], &stat) != 0)
		return 0;
	return stat.ms_entries;
}

int store_find_device(struct store *store, uint64_t device_id, struct store_device *device)
{
	struct store_change *snapshot = store_snapshot(store);

	if (snapshot == NULL)
		return -errno;
	int result = store_device_get(snapshot, device_id, device);
	store_abandon(snapshot);
	return result;
}

int store_device_put(struct store_change *change, const struct store_device *device)
{
	uint8_t bytes[STORE_ROW_DEVICE_MAX];
	uint64_t device_id = device->device.device_id;
	struct store_bytes row = {bytes, store_row_write_device(device, bytes)};
	struct store_link old_links[STORE_LINKS_MAX];
	struct store_link links[STORE_LINKS_MAX];
	struct store_device old;
	int old_count = 0;
	int count = store_device_links(&device->device, links);

	if (row.length == 0 || device_id == 0 || count < 0 ||
		(device->device.post_code[0] != '\0' &&
			store_post_code_number(device->device.post_code) == 0))
		return -EINVAL;
	int result = store_device_get(change, device_id, &old);
	bool is_new = result == -ENOENT;
	if (result == 0) {
		old_count = store_device_links(&old.device, old_links);
		if (old_count < 0)
			return store_damaged(
				change, STORE_TABLE_DEVICE, store_key_number(device_id));
	} else if (!is_new) {
		return result;
	}
	result = check_links(change, old_links, old_count, links, count);
	if (result != 0)
		return result;
	if (is_new && !store_has_room(change))
		return -ENOSPC;
	result = store_row_put(change, STORE_TABLE_DEVICE, store_key_number(device_id), row);
	if (result == 0) {
		result = write_around(change, device_id, is_new ? NULL : &old, device);
		store_log_device(change, device_id);
		if (result == 0 && !is_new && old.device.provider_id != device->device.provider_id)
			result = store_log_left(change, device_id, old.device.provider_id);
	}
	return store_end_rows(change, result);
}

int store_device_remove(struct store_change *change, uint64_t device_id)
{
	struct store_device old;
	int result = store_device_get(change, device_id, &old);

	if (result != 0)
		return result;
	result = store_row_remove(change, STORE_TABLE_DEVICE, store_key_number(device_id));
	if (result == 0)
		result = write_around(change, device_id, &old, NULL);
	store_log_device(change, device_id);
	if (result == 0)
		result = store_log_left(change, device_id, old.device.provider_id);
	return store_end_rows(change, result);
}

int store_device_file_next(struct store_change *change, uint64_t *cursor)
{
	struct store_key key = store_key_pair(1, *cursor);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_DEVICE_FILE, &key, &row);

	if (result != 1)
		return result;
	if (key.length != 16)
		return store_damaged(change, STORE_TABLE_DEVICE_FILE, key);
	*cursor = store_bytes_number(key.bytes + 8);
	return 1;
}

/* ---- by second key ---- */

static size_t indexed(struct store_change *change, enum store_table table, uint64_t second_key,
	uint64_t *device_ids, size_t max)
{
	struct store_key key = store_key_number(second_key);
	struct store_bytes row;
	size_t count = 0;

	if (second_key == 0)
		return 0;
	while (store_row_next(change, table, &key, &row) == 1) {
		if (key.length != 16) {
			store_damaged(change, table, key);
			return 0;
		}
		if (store_bytes_number(key.bytes) != second_key)
			break;
		if (count < max)
			device_ids[count] = store_bytes_number(key.bytes + 8);
		count++;
	}
	return count;
}

size_t store_devices_by_uprn(
	struct store_change *change, uint64_t uprn, uint64_t *device_ids, size_t max)
{
	return indexed(change, STORE_TABLE_DEVICE_UPRN, uprn, device_ids, max);
}

size_t store_devices_by_post_code(
	struct store_change *change, const char *post_code, uint64_t *device_ids, size_t max)
{
	return indexed(change, STORE_TABLE_DEVICE_POST_CODE, store_post_code_number(post_code),
		device_ids, max);
}

size_t store_devices_by_mpxn(
	struct store_change *change, uint64_t mpxn, uint64_t *device_ids, size_t max)
{
	struct mpxn row;
	size_t count = 0;

	if (store_mpxn_get(change, mpxn, &row) != 0)
		return 0;
	for (unsigned i = 0; i < row.device_count; i++) {
		/* Two uses of one device stand side by side. */
		if (i > 0 && row.devices[i].device_id == row.devices[i - 1].device_id)
			continue;
		if (count < max)
			device_ids[count] = row.devices[i].device_id;
		count++;
	}
	return count;
}
