/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, damaged rows, and the log of changes: which devices' access changed in which change, for
 * the registry image. A row of the log holds up to 240 devices of one change; its key is the
 * number of the change and a number counted from 0.
 */
#include "control/store_table.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_DEVICES 240

struct store_key store_key_number(uint64_t number)
{
	struct store_key key;

	key.length = 8;
	store_number_bytes(number, key.bytes);
	return key;
}

struct store_key store_key_pair(uint64_t first, uint64_t second)
{
	struct store_key key;

	key.length = 16;
	store_number_bytes(first, key.bytes);
	store_number_bytes(second, key.bytes + 8);
	return key;
}

struct store_key store_key_small(uint32_t number)
{
	struct store_key key;
	uint8_t bytes[8];

	store_number_bytes(number, bytes);
	memcpy(key.bytes, bytes + 4, 4);
	key.length = 4;
	return key;
}

struct store_key store_key_bytes(const void *bytes, size_t length)
{
	struct store_key key;

	assert(length <= STORE_KEY_MAX);
	key.length = length;
	memcpy(key.bytes, bytes, length);
	return key;
}

int store_damaged(struct store_change *change, enum store_table table, struct store_key key)
{
	static const bool is_text[] = {
#define STORE_TABLE_TEXT(name, text, is_text) is_text,
		STORE_TABLES(STORE_TABLE_TEXT)
#undef STORE_TABLE_TEXT
	};
	char text[2 * STORE_KEY_MAX + 1] = "";

	for (size_t i = 0; i < key.length; i++) {
		bool plain = is_text[table] && key.bytes[i] > ' ' && key.bytes[i] < 0x7f;
		char byte[3];

		snprintf(byte, sizeof(byte), plain ? "%c" : "%02x", key.bytes[i]);
		strcat(text, byte);
	}
	snprintf(change->fault, sizeof(change->fault), "table %s, key %s: the row is damaged",
		store_table_name(table), text);
	fprintf(stderr, "store: %s\n", change->fault);
	return -EIO;
}

void store_log_everything(struct store_change *change)
{
	free(change->logged);
	change->logged = NULL;
	change->logged_count = 0;
	change->logged_room = 0;
	change->logged_all = true;
}

void store_log_device(struct store_change *change, uint64_t device_id)
{
	if (change->logged_all)
		return;
	if (change->logged_count == change->logged_room) {
		size_t room = change->logged_room == 0 ? 256 : 2 * change->logged_room;
		uint64_t *logged = realloc(change->logged, room * sizeof(*logged));

		if (logged == NULL || change->logged_count >= change->store->log_entries_max) {
			change->logged = logged != NULL ? logged : change->logged;
			store_log_everything(change);
			return;
		}
		change->logged = logged;
		change->logged_room = room;
	}
	change->logged[change->logged_count++] = device_id;
}

/* A row: number of the change, device, provider. */
static struct store_key left_key(uint64_t number, uint64_t device_id, uint32_t provider_id)
{
	struct store_key key = store_key_pair(number, device_id);

	memcpy(key.bytes + 16, store_key_small(provider_id).bytes, 4);
	key.length = 20;
	return key;
}

int store_log_left(struct store_change *change, uint64_t device_id, uint32_t provider_id)
{
	if (change->logged_all)
		return 0;
	int result = store_row_put(change, STORE_TABLE_DEVICE_LEFT,
		left_key(change->state.change + 1, device_id, provider_id),
		(struct store_bytes){NULL, 0});
	return result < 0 ? result : 0;
}

/* Forget who left in changes that the log does not have any more. */
static int shorten_left(struct store_change *change)
{
	struct store_key key = {.length = 0};
	struct store_bytes row;
	int result;

	while ((result = store_row_next(change, STORE_TABLE_DEVICE_LEFT, &key, &row)) == 1) {
		if (key.length != 20)
			return store_damaged(change, STORE_TABLE_DEVICE_LEFT, key);
		if (store_bytes_number(key.bytes) > change->state.log_floor)
			return 0;
		result = store_row_remove(change, STORE_TABLE_DEVICE_LEFT, key);
		if (result != 0)
			return result;
	}
	return result;
}

static int compare_numbers(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* Each device once. */
static void tidy(struct store_change *change)
{
	size_t kept = 0;

	if (change->logged_count == 0)
		return;
	qsort(change->logged, change->logged_count, sizeof(*change->logged), compare_numbers);
	for (size_t i = 0; i < change->logged_count; i++)
		if (i == 0 || change->logged[i] != change->logged[i - 1])
			change->logged[kept++] = change->logged[i];
	change->logged_count = kept;
}

static struct store_key log_key(uint64_t number, uint32_t part)
{
	struct store_key key = store_key_number(number);

	memcpy(key.bytes + 8, store_key_small(part).bytes, 4);
	key.length = 12;
	return key;
}

/* Remove the oldest rows until at most `length` entries are left. */
static int shorten(struct store_change *change, uint64_t length)
{
	struct store_key key = {.length = 0};
	struct store_bytes row;

	while (change->state.log_length > length) {
		int result = store_row_next(change, STORE_TABLE_LOG, &key, &row);

		if (result == 0 ||
			(result == 1 && (key.length != 12 || row.length % 8 != 0 ||
						row.length / 8 > change->state.log_length)))
			return store_damaged(change, STORE_TABLE_LOG, key);
		if (result < 0)
			return result;
		uint64_t entries = row.length / 8;
		result = store_row_remove(change, STORE_TABLE_LOG, key);
		if (result != 0)
			return result;
		change->state.log_length -= entries;
		change->state.log_floor = store_bytes_number(key.bytes);
	}
	return 0;
}

int store_log_write(struct store_change *change, uint64_t number)
{
	uint8_t bytes[ROW_DEVICES * 8];
	uint32_t part = 0;

	if (change->logged_all) {
		int result = shorten(change, 0);

		change->state.log_floor = number;
		return result == 0 ? shorten_left(change) : result;
	}
	tidy(change);
	uint64_t max = change->store->log_entries_max;
	if (change->logged_count > max) {
		store_log_everything(change);
		return store_log_write(change, number);
	}
	uint64_t floor = change->state.log_floor;
	int result = shorten(change, max - change->logged_count);
	if (result == 0 && change->state.log_floor != floor)
		result = shorten_left(change);
	for (size_t i = 0; i < change->logged_count && result == 0; part++) {
		size_t count = change->logged_count - i;

		count = count < ROW_DEVICES ? count : ROW_DEVICES;
		for (size_t k = 0; k < count; k++)
			store_number_bytes(change->logged[i + k], bytes + 8 * k);
		result = store_row_put(change, STORE_TABLE_LOG, log_key(number, part),
			(struct store_bytes){bytes, count * 8});
		i += count;
	}
	change->state.log_length += change->logged_count;
	return result < 0 ? result : 0;
}

int64_t store_changes_since(
	struct store_change *change, uint64_t *since, uint64_t *device_ids, size_t max)
{
	struct store_key key = log_key(*since, UINT32_MAX);
	struct store_bytes row;
	size_t count = 0;
	size_t whole = 0;	   /* entries of changes that were given to the end */
	uint64_t current = *since; /* the change whose rows are being read */
	int result;

	if (*since < change->state.log_floor || *since > change->state.change)
		return -ESTALE;
	while ((result = store_row_next(change, STORE_TABLE_LOG, &key, &row)) == 1) {
		if (key.length != 12 || row.length % 8 != 0)
			return store_damaged(change, STORE_TABLE_LOG, key);
		if (store_bytes_number(key.bytes) != current) {
			*since = current;
			whole = count;
			current = store_bytes_number(key.bytes);
		}
		if (row.length / 8 > max - count)
			return whole == 0 ? -ENOBUFS : (int64_t)whole;
		for (size_t i = 0; i < row.length / 8; i++)
			device_ids[count++] = store_bytes_number(row.bytes + 8 * i);
	}
	if (result < 0)
		return result;
	*since = change->state.change;
	return (int64_t)count;
}

int64_t store_left_since(struct store_change *change, uint64_t since, uint32_t provider_id,
	uint64_t *device_ids, size_t max)
{
	struct store_key key = left_key(since, UINT64_MAX, UINT32_MAX);
	struct store_bytes row;
	int64_t count = 0;
	int result;

	while ((result = store_row_next(change, STORE_TABLE_DEVICE_LEFT, &key, &row)) == 1) {
		uint8_t bytes[8] = {0};

		if (key.length != 20)
			return store_damaged(change, STORE_TABLE_DEVICE_LEFT, key);
		memcpy(bytes + 4, key.bytes + 16, 4);
		if (store_bytes_number(bytes) != provider_id)
			continue;
		if ((size_t)count == max)
			return -EIO;
		device_ids[count++] = store_bytes_number(key.bytes + 8);
	}
	return result < 0 ? result : count;
}
