/* SPDX-License-Identifier: Apache-2.0 */
/* What became of the feed's messages. */
#include "control/store_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(STORE_MESSAGE_ID_SIZE - 1 <= STORE_KEY_MAX, "an id is a key");

static int read_message(struct store_change *change, struct store_key key, struct store_bytes row,
	struct store_message *message)
{
	if (key.length >= sizeof(message->id) || memchr(key.bytes, '\0', key.length) != NULL ||
		!store_row_read_message(row, message))
		return store_damaged(change, STORE_TABLE_MESSAGE, key);
	memcpy(message->id, key.bytes, key.length);
	message->id[key.length] = '\0';
	return 0;
}

/* Whether `id` can be a key. */
static bool id_valid(const char *id)
{
	size_t length = strnlen(id, STORE_MESSAGE_ID_SIZE);

	return length > 0 && length < STORE_MESSAGE_ID_SIZE;
}

int store_message_get(struct store_change *change, const char *id, struct store_message *message)
{
	struct store_bytes row;

	if (!id_valid(id))
		return -ENOENT;
	struct store_key key = store_key_bytes(id, strlen(id));
	int result = store_row_get(change, STORE_TABLE_MESSAGE, key, &row);
	return result != 0 ? result : read_message(change, key, row, message);
}

int store_message_put(struct store_change *change, const struct store_message *message)
{
	if (!id_valid(message->id))
		return -EINVAL;
	uint8_t *bytes = malloc(STORE_ROW_MESSAGE_MAX);
	if (bytes == NULL)
		return -ENOMEM;
	struct store_bytes row = {bytes, store_row_write_message(message, bytes)};
	int result = -EINVAL;
	if (row.length > 0)
		result = store_has_room(change)
				 ? store_row_put(change, STORE_TABLE_MESSAGE,
					   store_key_bytes(message->id, strlen(message->id)), row)
				 : -ENOSPC;
	free(bytes);
	return result < 0 ? result : 0;
}

int store_message_remove(struct store_change *change, const char *id)
{
	if (!id_valid(id))
		return -ENOENT;
	return store_row_remove(change, STORE_TABLE_MESSAGE, store_key_bytes(id, strlen(id)));
}

uint64_t store_message_count(struct store_change *change)
{
	MDB_stat stat;

	if (change->failed != 0 ||
		mdb_stat(change->txn, change->store->tables[STORE_TABLE_MESSAGE], &stat) != 0)
		return 0;
	return stat.ms_entries;
}

int store_message_next(
	struct store_change *change, char cursor[STORE_MESSAGE_ID_SIZE], struct store_message *row)
{
	struct store_key key = store_key_bytes(cursor, strnlen(cursor, STORE_MESSAGE_ID_SIZE - 1));
	struct store_bytes bytes;
	int result = store_row_next(change, STORE_TABLE_MESSAGE, &key, &bytes);

	if (result != 1)
		return result;
	result = read_message(change, key, bytes, row);
	if (result != 0)
		return result;
	memcpy(cursor, row->id, sizeof(row->id));
	return 1;
}
