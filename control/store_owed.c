/* SPDX-License-Identifier: Apache-2.0 */
/* What else is owed: alerts, decisions about held requests; users with schedules; marks. */
#include "control/store_schedules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/store_bytes.h"
#include "control/store_table.h"

#define ROW_MAX 128
#define MARK_BYTES 9

/* ---- marks: rows of the store's own table */

static struct store_key mark_key(const char *name)
{
	char text[STORE_KEY_MAX];
	int length = snprintf(text, sizeof(text), "mark %s", name);

	return store_key_bytes(text, (size_t)length);
}

int store_mark_get(struct store_change *change, const char *name, uint64_t *value)
{
	struct store_key key = mark_key(name);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_STATE, key, &row);

	*value = 0;
	if (result != 0)
		return result == -ENOENT ? 0 : result;
	if (row.length != MARK_BYTES || row.bytes[0] != STORE_ROW_VERSION)
		return store_damaged(change, STORE_TABLE_STATE, key);
	*value = store_bytes_number(row.bytes + 1);
	return 0;
}

int store_mark_put(struct store_change *change, const char *name, uint64_t value)
{
	uint8_t bytes[MARK_BYTES] = {STORE_ROW_VERSION};

	store_number_bytes(value, bytes + 1);
	int result = store_row_put(change, STORE_TABLE_STATE, mark_key(name),
		(struct store_bytes){bytes, sizeof(bytes)});
	return result < 0 ? result : 0;
}

/* ---- users with schedules */

static int read_user(struct store_change *change, struct store_key key, struct store_bytes row,
	struct store_schedule_user *user)
{
	struct bytes_reader reader = {row.bytes, row.bytes + row.length, false};
	uint64_t version = read_number(&reader, 1);

	user->roles = (uint32_t)read_number(&reader, 4);
	user->organisation = (uint32_t)read_number(&reader, 4);
	user->active = read_bounded(&reader, 1, 1) != 0;
	if (key.length != 8 || version != STORE_ROW_VERSION || !read_whole(&reader))
		return store_damaged(change, STORE_TABLE_SCHEDULE_USER, key);
	user->eui = store_bytes_number(key.bytes);
	return 0;
}

int store_schedule_user_get(
	struct store_change *change, uint64_t eui, struct store_schedule_user *user)
{
	struct store_key key = store_key_number(eui);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_SCHEDULE_USER, key, &row);

	return result != 0 ? result : read_user(change, key, row, user);
}

int store_schedule_user_put(struct store_change *change, const struct store_schedule_user *user)
{
	uint8_t bytes[ROW_MAX];
	struct bytes_writer writer = {bytes, bytes + sizeof(bytes), false};

	write_number(&writer, STORE_ROW_VERSION, 1);
	write_number(&writer, user->roles, 4);
	write_number(&writer, user->organisation, 4);
	write_number(&writer, user->active, 1);
	int result = store_row_put(change, STORE_TABLE_SCHEDULE_USER, store_key_number(user->eui),
		(struct store_bytes){bytes, (size_t)(writer.at - bytes)});
	return result < 0 ? result : 0;
}

int store_schedule_user_remove(struct store_change *change, uint64_t eui)
{
	return store_row_remove(change, STORE_TABLE_SCHEDULE_USER, store_key_number(eui));
}

int store_schedule_user_next(
	struct store_change *change, uint64_t *cursor, struct store_schedule_user *user)
{
	struct store_key key = store_key_number(*cursor);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_SCHEDULE_USER, &key, &row);

	if (result != 1)
		return result;
	result = read_user(change, key, row, user);
	if (result != 0)
		return result;
	*cursor = user->eui;
	return 1;
}

/* ---- alerts */

static void write_request_id(struct bytes_writer *writer, const struct mw_request_id *id)
{
	write_number(writer, id->originator, 8);
	write_number(writer, id->target, 8);
	write_number(writer, id->counter, 8);
}

static void read_request_id(struct bytes_reader *reader, struct mw_request_id *id)
{
	id->originator = read_number(reader, 8);
	id->target = read_number(reader, 8);
	id->counter = read_number(reader, 8);
}

int store_alert_put(struct store_change *change, const struct store_alert *alert)
{
	uint8_t bytes[ROW_MAX];
	struct bytes_writer writer = {bytes, bytes + sizeof(bytes), false};
	bool has_request = alert->request_id.originator != 0 || alert->request_id.target != 0 ||
			   alert->request_id.counter != 0;

	if (alert->user == 0 || alert->id == 0)
		return -EINVAL;
	if (!store_has_room(change))
		return -ENOSPC;
	write_number(&writer, STORE_ROW_VERSION, 1);
	write_number(&writer, alert->event, 1);
	write_number(&writer, alert->device_id, 8);
	write_varying(&writer, alert->schedule_id);
	if (has_request)
		write_request_id(&writer, &alert->request_id);
	int result =
		store_row_put(change, STORE_TABLE_ALERT, store_key_pair(alert->user, alert->id),
			(struct store_bytes){bytes, (size_t)(writer.at - bytes)});
	return result < 0 ? result : 0;
}

int store_alert_remove(struct store_change *change, uint64_t user, uint64_t id)
{
	return store_row_remove(change, STORE_TABLE_ALERT, store_key_pair(user, id));
}

uint64_t store_alert_count(struct store_change *change)
{
	MDB_stat stat;

	if (change->failed != 0 ||
		mdb_stat(change->txn, change->store->tables[STORE_TABLE_ALERT], &stat) != 0)
		return 0;
	return stat.ms_entries;
}

int store_alert_next(
	struct store_change *change, uint64_t user, uint64_t id, struct store_alert *alert)
{
	struct store_key key = store_key_pair(user, id);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_ALERT, &key, &row);

	if (result != 1)
		return result;
	struct bytes_reader reader = {row.bytes, row.bytes + row.length, false};
	uint64_t version = read_number(&reader, 1);
	memset(alert, 0, sizeof(*alert));
	alert->event = (uint8_t)read_bounded(&reader, 1, ALERT_EVENT_COUNT - 1);
	alert->device_id = read_number(&reader, 8);
	alert->schedule_id = read_varying(&reader);
	if (reader.at != reader.end)
		read_request_id(&reader, &alert->request_id);
	if (key.length != 16 || version != STORE_ROW_VERSION || !read_whole(&reader))
		return store_damaged(change, STORE_TABLE_ALERT, key);
	alert->user = store_bytes_number(key.bytes);
	alert->id = store_bytes_number(key.bytes + 8);
	return 1;
}

/* ---- decisions about held requests */

int store_wish_put(struct store_change *change, const struct store_wish *wish)
{
	uint8_t bytes[ROW_MAX];
	struct bytes_writer writer = {bytes, bytes + sizeof(bytes), false};

	if (!store_has_room(change))
		return -ENOSPC;
	write_number(&writer, STORE_ROW_VERSION, 1);
	write_number(&writer, wish->action, 1);
	write_number(&writer, (uint64_t)wish->wished_ms, 8);
	write_number(&writer, wish->user, 8);
	write_request_id(&writer, &wish->request_id);
	write_text(&writer, wish->srv, sizeof(wish->srv));
	write_number(&writer, (uint64_t)wish->held_ms, 8);
	write_number(&writer, wish->period_s, 4);
	write_number(&writer, wish->limit, 4);
	if (writer.wrong)
		return -EINVAL;
	int result = store_row_put(change, STORE_TABLE_WISH, store_key_number(wish->reference),
		(struct store_bytes){bytes, (size_t)(writer.at - bytes)});
	return result < 0 ? result : 0;
}

int store_wish_remove(struct store_change *change, uint64_t reference)
{
	return store_row_remove(change, STORE_TABLE_WISH, store_key_number(reference));
}

int store_wish_next(struct store_change *change, uint64_t *cursor, struct store_wish *wish)
{
	struct store_key key = store_key_number(*cursor);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_WISH, &key, &row);

	if (result != 1)
		return result;
	struct bytes_reader reader = {row.bytes, row.bytes + row.length, false};
	uint64_t version = read_number(&reader, 1);
	memset(wish, 0, sizeof(*wish));
	wish->action = (uint8_t)read_bounded(&reader, 1, MW_QUARANTINE_DELETE);
	wish->wished_ms = (int64_t)read_number(&reader, 8);
	wish->user = read_number(&reader, 8);
	read_request_id(&reader, &wish->request_id);
	read_text(&reader, wish->srv, sizeof(wish->srv));
	wish->held_ms = (int64_t)read_number(&reader, 8);
	wish->period_s = (uint32_t)read_number(&reader, 4);
	wish->limit = (uint32_t)read_number(&reader, 4);
	if (key.length != 8 || version != STORE_ROW_VERSION || !read_whole(&reader) ||
		wish->action == 0)
		return store_damaged(change, STORE_TABLE_WISH, key);
	wish->reference = store_bytes_number(key.bytes);
	*cursor = wish->reference;
	return 1;
}
