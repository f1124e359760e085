/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sources of the store share: its tables in LMDB, keys, and rows as bytes. Nobody else
 * includes this.
 *
 * Keys are numbers with the most significant byte first, so that LMDB's order is theirs. An index
 * is a table whose key is the second key followed by the first, with empty rows.
 */
#ifndef CONTROL_STORE_TABLE_H
#define CONTROL_STORE_TABLE_H

#include <lmdb.h>

#include "control/store.h"
#include "control/store_row.h"

#define STORE_FORMAT 1
#define STORE_KEY_MAX 64

/* X(NAME, "name in the file", the key is text) */
#define STORE_TABLES(X)                                                                            \
	X(STATE, "state", true)                                                                    \
	X(ORGANISATION, "organisation", false)                                                     \
	X(ORGANISATION_MPID, "organisation-mpid", true)                                            \
	X(USER, "user", false)                                                                     \
	X(CERTIFICATE, "certificate", false)                                                       \
	X(CERTIFICATE_USER, "certificate-user", false)                                             \
	X(PROVIDER, "provider", false)                                                             \
	X(DEVICE, "device", false)                                                                 \
	X(DEVICE_FILE, "device-file", false)                                                       \
	X(DEVICE_UPRN, "device-uprn", false)                                                       \
	X(DEVICE_POST_CODE, "device-post-code", false)                                             \
	X(DEVICE_LEFT, "device-left", false)                                                       \
	X(MPXN, "mpxn", false)                                                                     \
	X(MESSAGE, "message", true)                                                                \
	X(LOG, "log", false)                                                                       \
	X(SCHEDULE, "schedule", false)                                                             \
	X(SCHEDULE_DEVICE, "schedule-device", false)                                               \
	X(SCHEDULE_DUE, "schedule-due", false)                                                     \
	X(SCHEDULE_REMOVAL, "schedule-removal", false)                                             \
	X(SCHEDULE_TEXT, "schedule-text", false)                                                   \
	X(SCHEDULE_DIGEST, "schedule-digest", false)                                               \
	X(SCHEDULE_USER, "schedule-user", false)                                                   \
	X(ALERT, "alert", false)                                                                   \
	X(WISH, "wish", false)                                                                     \
	X(THRESHOLD, "threshold", false)

enum store_table {
#define STORE_TABLE_ENUM(name, text, is_text) STORE_TABLE_##name,
	STORE_TABLES(STORE_TABLE_ENUM)
#undef STORE_TABLE_ENUM
	STORE_TABLE_COUNT,
};

struct store {
	MDB_env *env;
	MDB_dbi tables[STORE_TABLE_COUNT];
	struct store_options options;
	uint64_t id;
	uint64_t live_pages_max; /* rows may fill so many pages; the rest is for changing them */
	uint64_t log_entries_max;
	uint64_t commits;
	int lock_fd;		     /* the writer's lock; -1: read only */
	struct store_change *change; /* the one that is open for writing */
	uint64_t device;	     /* of the folder, to recognise it */
	uint64_t inode;
	struct store *next; /* in the list of the process's open stores */
};

struct store_change {
	struct store *store;
	MDB_txn *txn;
	bool writes;	/* not a snapshot */
	uint64_t wrote; /* rows written or removed */
	int failed;	/* LMDB gave up this change: every further call answers so */
	unsigned puts;	/* since the room was looked at */
	bool full;
	struct store_state state;
	uint64_t *logged; /* devices whose access changed */
	size_t logged_count;
	size_t logged_room;
	bool logged_all; /* more than the log holds */
	MDB_cursor *walks[STORE_TABLE_COUNT];
	bool has_providers;
	char provider_names[REFERENCE_PROVIDERS_MAX][MW_NAME_SIZE];
	char fault[192];
};

struct store_key {
	uint8_t bytes[STORE_KEY_MAX];
	size_t length;
};

static inline void store_number_bytes(uint64_t number, uint8_t bytes[8])
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (56 - 8 * i));
}

static inline uint64_t store_bytes_number(const uint8_t bytes[8])
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* A key of one number; of two; of 32-bit numbers as 4 bytes; of bytes. */
struct store_key store_key_number(uint64_t number);
struct store_key store_key_pair(uint64_t first, uint64_t second);
struct store_key store_key_small(uint32_t number);
struct store_key store_key_bytes(const void *bytes, size_t length);

const char *store_table_name(enum store_table table);

/* The -errno for LMDB's result; what no caller can expect is logged and -EIO. */
int store_result(struct store_change *change, int result, const char *doing);

/* Say that a row is damaged: logged, kept for store_change_fault(). Returns -EIO. */
int store_damaged(struct store_change *change, enum store_table table, struct store_key key);

/* 0 and the row (valid until the next write), -ENOENT or another -errno. */
int store_row_get(struct store_change *change, enum store_table table, struct store_key key,
	struct store_bytes *row);

/* 0: the row is there now; 1: it was already, exactly so; or -errno. */
int store_row_put(struct store_change *change, enum store_table table, struct store_key key,
	struct store_bytes row);

/* 0, -ENOENT or another -errno. */
int store_row_remove(struct store_change *change, enum store_table table, struct store_key key);

/* Whether rows may still be added: the pages of all tables together, looked at now and then. To be
 * asked before the first of the rows that belong together. */
bool store_has_room(struct store_change *change);

/* The end of writing rows that belong together: after a failure in their midst the change cannot
 * be committed any more. Returns 0 or `result` when it is negative. */
int store_end_rows(struct store_change *change, int result);

/* The first row behind `key`. Returns 1 with key and row, 0 at the end, or -errno. */
int store_row_next(struct store_change *change, enum store_table table, struct store_key *key,
	struct store_bytes *row);

/* Whether the table has no rows; false after an error, too. */
bool store_table_empty(struct store_change *change, enum store_table table);

/* Remove all rows of the table in this change. 0 or -errno. For loads. */
int store_table_clear(struct store_change *change, enum store_table table);

/* Add a row behind the last one of its table, and any number of them quickly: for loads. The
 * cursor is made by the first call and belongs to the change. */
int store_row_append(struct store_change *change, enum store_table table, struct store_key key,
	struct store_bytes row);

/* The access of this device, or of more of them than the log can hold, changed. */
void store_log_device(struct store_change *change, uint64_t device_id);
void store_log_everything(struct store_change *change);

/* The device is no longer one of this provider's: for those who keep its devices elsewhere. Kept as
 * long as the log. 0 or -errno. */
int store_log_left(struct store_change *change, uint64_t device_id, uint32_t provider_id);

/* Write the log's rows of this change, which gets number `number`; changes change->state. */
int store_log_write(struct store_change *change, uint64_t number);

/* The postcode as a key: upper case, no blanks, eight bytes as one number; 0: it is none. */
uint64_t store_post_code_number(const char *post_code);

/* Walk the devices of origin FILE, beginning behind *cursor: 1, 0 at the end, or -EIO. */
int store_device_file_next(struct store_change *change, uint64_t *cursor);

#endif
