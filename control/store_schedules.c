/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules in the store. A row holds what is a schedule's own; what it has in common with many
 * others (everything that its user wrote but the device) is a text, which is kept once and counts
 * its references. Three indexes: by device and user, by the time of the next run, and by the time
 * of removal.
 */
#include "control/store_schedules.h"

#include <errno.h>
#include <string.h>

#include <openssl/sha.h>

#include "control/store_bytes.h"
#include "control/store_table.h"

#define ROW_MAX 96
#define TEXT_HEAD 9 /* version, references */

static const struct store_bytes nothing = {NULL, 0};

/* ---- rows */

static size_t write_row(const struct store_schedule *schedule, uint8_t out[ROW_MAX])
{
	struct bytes_writer writer = {out, out + ROW_MAX, false};

	write_number(&writer, STORE_ROW_VERSION, 1);
	write_number(&writer, schedule->user, 8);
	write_number(&writer, schedule->device_id, 8);
	write_varying(&writer, schedule->text);
	write_varying(&writer, schedule->first_step);
	write_varying(&writer, schedule->occurrence);
	write_number(&writer, (uint64_t)(schedule->attempt | schedule->flags << 4), 1);
	write_varying(&writer, (uint64_t)schedule->due_ms);
	write_number(&writer, schedule->cause, 1);
	if (schedule->removal_s != STORE_NEVER)
		write_varying(&writer, (uint64_t)schedule->removal_s);
	return writer.wrong ? 0 : (size_t)(writer.at - out);
}

static bool row_valid(const struct store_schedule *schedule)
{
	return schedule->id != 0 && schedule->user != 0 && schedule->device_id != 0 &&
	       schedule->text != 0 && schedule->attempt < 16 && schedule->flags < 4 &&
	       schedule->due_ms >= 0 && schedule->removal_s >= 0;
}

static int read_row(struct store_change *change, struct store_key key, struct store_bytes row,
	struct store_schedule *schedule)
{
	struct bytes_reader reader = {row.bytes, row.bytes + row.length, false};
	uint64_t version = read_number(&reader, 1);

	memset(schedule, 0, sizeof(*schedule));
	schedule->user = read_number(&reader, 8);
	schedule->device_id = read_number(&reader, 8);
	schedule->text = read_varying(&reader);
	uint64_t first_step = read_varying(&reader);
	uint64_t occurrence = read_varying(&reader);
	unsigned bits = (unsigned)read_bounded(&reader, 1, 63);
	schedule->due_ms = (int64_t)read_varying(&reader);
	schedule->cause = (uint8_t)read_number(&reader, 1);
	schedule->removal_s =
		reader.at == reader.end ? STORE_NEVER : (int64_t)read_varying(&reader);
	schedule->first_step = (uint32_t)first_step;
	schedule->occurrence = (uint32_t)occurrence;
	schedule->attempt = bits & 15;
	schedule->flags = (uint8_t)(bits >> 4);
	schedule->id = key.length == 8 ? store_bytes_number(key.bytes) : 0;
	if (version != STORE_ROW_VERSION || !read_whole(&reader) || first_step > UINT32_MAX ||
		occurrence > UINT32_MAX || !row_valid(schedule))
		return store_damaged(change, STORE_TABLE_SCHEDULE, key);
	return 0;
}

/* ---- texts */

static int get_text(struct store_change *change, uint64_t number, uint64_t *references,
	struct store_bytes *text)
{
	struct store_key key = store_key_number(number);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_SCHEDULE_TEXT, key, &row);

	if (result != 0)
		return result;
	if (row.length < TEXT_HEAD || row.length > TEXT_HEAD + STORE_SCHEDULE_TEXT_MAX ||
		row.bytes[0] != STORE_ROW_VERSION)
		return store_damaged(change, STORE_TABLE_SCHEDULE_TEXT, key);
	*references = store_bytes_number(row.bytes + 1);
	*text = (struct store_bytes){row.bytes + TEXT_HEAD, row.length - TEXT_HEAD};
	return 0;
}

/* `text` may lie in the row that is replaced. */
static int put_text(
	struct store_change *change, uint64_t number, uint64_t references, struct store_bytes text)
{
	uint8_t bytes[TEXT_HEAD + STORE_SCHEDULE_TEXT_MAX];

	bytes[0] = STORE_ROW_VERSION;
	store_number_bytes(references, bytes + 1);
	memcpy(bytes + TEXT_HEAD, text.bytes, text.length);
	int result = store_row_put(change, STORE_TABLE_SCHEDULE_TEXT, store_key_number(number),
		(struct store_bytes){bytes, TEXT_HEAD + text.length});
	return result < 0 ? result : 0;
}

static struct store_key digest_key(struct store_bytes text)
{
	uint8_t digest[32];

	SHA256(text.bytes, text.length, digest);
	return store_key_bytes(digest, sizeof(digest));
}

int store_schedule_text_put(
	struct store_change *change, const void *bytes, size_t length, uint64_t *number)
{
	struct store_bytes text = {bytes, length};
	struct store_bytes row;

	if (length == 0 || length > STORE_SCHEDULE_TEXT_MAX)
		return -E2BIG;
	struct store_key key = digest_key(text);
	int result = store_row_get(change, STORE_TABLE_SCHEDULE_DIGEST, key, &row);
	if (result == 0 && row.length != 8)
		return store_damaged(change, STORE_TABLE_SCHEDULE_DIGEST, key);
	if (result == 0)
		*number = store_bytes_number(row.bytes);
	if (result != -ENOENT)
		return result;
	if (!store_has_room(change))
		return -ENOSPC;
	result = store_mark_get(change, "schedule-text", number);
	if (result != 0)
		return result;
	++*number;
	uint8_t value[8];
	store_number_bytes(*number, value);
	result = store_mark_put(change, "schedule-text", *number);
	if (result == 0)
		result = put_text(change, *number, 0, text);
	if (result == 0)
		result = store_row_put(change, STORE_TABLE_SCHEDULE_DIGEST, key,
			(struct store_bytes){value, sizeof(value)});
	return store_end_rows(change, result);
}

int store_schedule_text_get(
	struct store_change *change, uint64_t number, const uint8_t **bytes, size_t *length)
{
	struct store_bytes text = {0};
	uint64_t references = 0;
	int result = get_text(change, number, &references, &text);

	if (result != 0)
		return result;
	*bytes = text.bytes;
	*length = text.length;
	return 0;
}

static int refer(struct store_change *change, uint64_t number, int by)
{
	struct store_key key = store_key_number(number);
	struct store_bytes text = {0};
	uint64_t references = 0;
	int result = get_text(change, number, &references, &text);

	if (result == -ENOENT || (result == 0 && by < 0 && references == 0))
		return store_damaged(change, STORE_TABLE_SCHEDULE_TEXT, key);
	if (result != 0)
		return result;
	if (by > 0 || references > 1)
		return put_text(change, number, by > 0 ? references + 1 : references - 1, text);
	result = store_row_remove(change, STORE_TABLE_SCHEDULE_DIGEST, digest_key(text));
	if (result == 0)
		result = store_row_remove(change, STORE_TABLE_SCHEDULE_TEXT, key);
	return result == -ENOENT ? store_damaged(change, STORE_TABLE_SCHEDULE_TEXT, key) : result;
}

/* ---- indexes */

static struct store_key device_key(uint64_t device_id, uint64_t user, uint64_t id)
{
	struct store_key key = store_key_pair(device_id, user);

	store_number_bytes(id, key.bytes + 16);
	key.length = 24;
	return key;
}

/* The time at which the schedule stands in the queue of removals. */
static int64_t queued_removal(const struct store_schedule *schedule)
{
	return (schedule->flags & STORE_SCHEDULE_WAITING) != 0 ? STORE_NEVER : schedule->removal_s;
}

/* Move a schedule in a queue; STORE_NEVER: it stands in none. */
static int move(
	struct store_change *change, enum store_table table, uint64_t id, const int64_t times[2])
{
	int result = 0;

	if (times[0] == times[1])
		return 0;
	if (times[0] != STORE_NEVER)
		result = store_row_remove(change, table, store_key_pair((uint64_t)times[0], id));
	if (result == -ENOENT)
		return store_damaged(change, table, store_key_pair((uint64_t)times[0], id));
	if (result == 0 && times[1] != STORE_NEVER)
		result = store_row_put(
			change, table, store_key_pair((uint64_t)times[1], id), nothing);
	return result < 0 ? result : 0;
}

/* Bring both queues from `old` to `schedule`; either may be NULL. */
static int write_queues(struct store_change *change, const struct store_schedule *old,
	const struct store_schedule *schedule)
{
	uint64_t id = old != NULL ? old->id : schedule->id;
	const int64_t dues[2] = {old != NULL ? old->due_ms : STORE_NEVER,
		schedule != NULL ? schedule->due_ms : STORE_NEVER};
	const int64_t removals[2] = {old != NULL ? queued_removal(old) : STORE_NEVER,
		schedule != NULL ? queued_removal(schedule) : STORE_NEVER};
	int result = move(change, STORE_TABLE_SCHEDULE_DUE, id, dues);

	return result == 0 ? move(change, STORE_TABLE_SCHEDULE_REMOVAL, id, removals) : result;
}

/* ---- schedules */

int store_schedule_get(struct store_change *change, uint64_t id, struct store_schedule *schedule)
{
	struct store_key key = store_key_number(id);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_SCHEDULE, key, &row);

	return result != 0 ? result : read_row(change, key, row, schedule);
}

static int add(struct store_change *change, const struct store_schedule *schedule)
{
	int result = refer(change, schedule->text, 1);

	if (result == 0)
		result = store_row_put(change, STORE_TABLE_SCHEDULE_DEVICE,
			device_key(schedule->device_id, schedule->user, schedule->id), nothing);
	return result < 0 ? result : 0;
}

int store_schedule_put(struct store_change *change, const struct store_schedule *schedule)
{
	uint8_t bytes[ROW_MAX];
	struct store_schedule old;

	if (!row_valid(schedule))
		return -EINVAL;
	int result = store_schedule_get(change, schedule->id, &old);
	bool is_new = result == -ENOENT;
	if (!is_new && result != 0)
		return result;
	if (!is_new && (old.text != schedule->text || old.user != schedule->user ||
			       old.device_id != schedule->device_id))
		return -EINVAL;
	if (is_new && !store_has_room(change))
		return -ENOSPC;
	struct store_bytes row = {bytes, write_row(schedule, bytes)};
	result = store_row_put(change, STORE_TABLE_SCHEDULE, store_key_number(schedule->id), row);
	if (result == 0)
		result = write_queues(change, is_new ? NULL : &old, schedule);
	if (result == 0 && is_new)
		result = add(change, schedule);
	return store_end_rows(change, result);
}

int store_schedule_remove(struct store_change *change, uint64_t id)
{
	struct store_schedule old;
	int result = store_schedule_get(change, id, &old);

	if (result != 0)
		return result;
	struct store_key key = device_key(old.device_id, old.user, id);
	result = store_row_remove(change, STORE_TABLE_SCHEDULE_DEVICE, key);
	if (result == -ENOENT)
		result = store_damaged(change, STORE_TABLE_SCHEDULE_DEVICE, key);
	if (result == 0)
		result = write_queues(change, &old, NULL);
	if (result == 0)
		result = refer(change, old.text, -1);
	if (result == 0)
		result = store_row_remove(change, STORE_TABLE_SCHEDULE, store_key_number(id));
	return store_end_rows(change, result);
}

uint64_t store_schedule_count(struct store_change *change)
{
	MDB_stat stat;

	if (change->failed != 0 ||
		mdb_stat(change->txn, change->store->tables[STORE_TABLE_SCHEDULE], &stat) != 0)
		return 0;
	return stat.ms_entries;
}

int store_schedule_next(
	struct store_change *change, uint64_t *cursor, struct store_schedule *schedule)
{
	struct store_key key = store_key_number(*cursor);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_SCHEDULE, &key, &row);

	if (result != 1)
		return result;
	result = read_row(change, key, row, schedule);
	if (result != 0)
		return result;
	*cursor = schedule->id;
	return 1;
}

int store_schedule_of_device_next(
	struct store_change *change, uint64_t device_id, uint64_t *user, uint64_t *id)
{
	struct store_key key = device_key(device_id, *user, *id);
	struct store_bytes row;
	int result = store_row_next(change, STORE_TABLE_SCHEDULE_DEVICE, &key, &row);

	if (result != 1)
		return result;
	if (key.length != 24)
		return store_damaged(change, STORE_TABLE_SCHEDULE_DEVICE, key);
	if (store_bytes_number(key.bytes) != device_id)
		return 0;
	*user = store_bytes_number(key.bytes + 8);
	*id = store_bytes_number(key.bytes + 16);
	return 1;
}

static int queue_next(
	struct store_change *change, enum store_table table, int64_t *time, uint64_t *id)
{
	struct store_key key = store_key_pair((uint64_t)*time, *id);
	struct store_bytes row;
	int result = store_row_next(change, table, &key, &row);

	if (result != 1)
		return result;
	if (key.length != 16 || key.bytes[0] > INT8_MAX)
		return store_damaged(change, table, key);
	*time = (int64_t)store_bytes_number(key.bytes);
	*id = store_bytes_number(key.bytes + 8);
	return 1;
}

int store_schedule_due_next(struct store_change *change, int64_t *due_ms, uint64_t *id)
{
	return queue_next(change, STORE_TABLE_SCHEDULE_DUE, due_ms, id);
}

int store_schedule_removal_next(struct store_change *change, int64_t *removal_s, uint64_t *id)
{
	return queue_next(change, STORE_TABLE_SCHEDULE_REMOVAL, removal_s, id);
}
