/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, changes and snapshots. One LMDB environment; a change is its write transaction, a
 * snapshot one of its read transactions. LMDB alone makes a change whole, durable and safe against
 * a killed process; what is added here is a lock that names the other writer, room that is kept
 * for removing rows from a full store, and the number and the log of changes.
 */
#include "control/store_table.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BYTES_MIN (4u * 1024 * 1024)
#define READERS_MAX 126
#define READER_CHECK_COMMITS 256 /* between looks for readers that were killed */
#define PUTS_BETWEEN_LOOKS 32
#define BYTES_OF_ENTRY 128 /* of the log: it takes a sixteenth of a small store at most */
#define DISK_FULL_BYTES (1024u * 1024) /* with less than this left a disk is full */
#define ROOM_PART 8		       /* one part in so many is kept for changing what is there */

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *open_stores;

const char *store_table_name(enum store_table table)
{
	static const char *const names[] = {
#define STORE_TABLE_NAME(name, text, is_text) text,
		STORE_TABLES(STORE_TABLE_NAME)
#undef STORE_TABLE_NAME
	};
	return names[table];
}

int store_result(struct store_change *change, int result, const char *doing)
{
	if (result == MDB_SUCCESS)
		return 0;
	if (result == MDB_NOTFOUND)
		return -ENOENT;
	if (result == MDB_MAP_FULL || result == MDB_TXN_FULL || result == ENOSPC)
		return -ENOSPC;
	if (result == ENOMEM)
		return -ENOMEM;
	snprintf(change->fault, sizeof(change->fault), "%s: %s", doing, mdb_strerror(result));
	fprintf(stderr, "store: %s\n", change->fault);
	return -EIO;
}

const char *store_change_fault(const struct store_change *change)
{
	return change->fault;
}

/* LMDB locks by process: opening a file twice in one process would break its locks. */
static bool claim(struct store *store)
{
	bool free = true;

	pthread_mutex_lock(&open_lock);
	for (struct store *other = open_stores; other != NULL; other = other->next)
		if (other->device == store->device && other->inode == store->inode)
			free = false;
	if (free) {
		store->next = open_stores;
		open_stores = store;
	}
	pthread_mutex_unlock(&open_lock);
	return free;
}

static void release(struct store *store)
{
	pthread_mutex_lock(&open_lock);
	for (struct store **at = &open_stores; *at != NULL; at = &(*at)->next) {
		if (*at != store)
			continue;
		*at = store->next;
		break;
	}
	pthread_mutex_unlock(&open_lock);
}

static int refuse(char *reason, size_t size, int error, const char *path, const char *text)
{
	snprintf(reason, size, "%s: %s", path, text);
	return -error;
}

/* Only one process writes; the file names it for those who come second. */
static int take_lock(struct store *store, char *reason, size_t size)
{
	char path[512];
	char text[96];
	char pid[24] = "";

	if (snprintf(path, sizeof(path), "%s/writer.lock", store->options.path) >=
		(int)sizeof(path))
		return refuse(reason, size, ENAMETOOLONG, store->options.path, "too long a path");
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (store->lock_fd < 0)
		return refuse(reason, size, errno, path, strerror(errno));
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t length = pread(store->lock_fd, pid, sizeof(pid) - 1, 0);

		pid[length > 0 ? strspn(pid, "0123456789") : 0] = '\0';
		snprintf(text, sizeof(text), "process %s has the store open for writing",
			pid[0] != '\0' ? pid : "(unknown)");
		close(store->lock_fd);
		store->lock_fd = -1;
		return refuse(reason, size, EBUSY, store->options.path, text);
	}
	int length = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(store->lock_fd, 0) != 0 || pwrite(store->lock_fd, pid, length, 0) != length)
		return refuse(reason, size, EIO, path, "cannot be written");
	return 0;
}

static int open_environment(struct store *store, char *reason, size_t size)
{
	const struct store_options *options = &store->options;
	unsigned flags = MDB_NOTLS | (options->read_only ? MDB_RDONLY : 0) |
			 (options->without_sync ? MDB_NOSYNC : 0);
	int dead = 0;
	int result = mdb_env_create(&store->env);

	if (result == 0)
		result = mdb_env_set_maxdbs(store->env, STORE_TABLE_COUNT);
	if (result == 0)
		result = mdb_env_set_maxreaders(store->env, READERS_MAX);
	if (result == 0 && !options->read_only)
		result = mdb_env_set_mapsize(store->env, options->bytes_max & ~(uint64_t)4095);
	if (result == 0)
		result = mdb_env_open(store->env, options->path, flags, 0640);
	/* Readers that were killed would keep old pages from being used again. */
	if (result == 0)
		result = mdb_reader_check(store->env, &dead);
	if (result == 0)
		return 0;
	int error = result > 0 ? result : result == MDB_INVALID ? EINVAL : EIO;
	return refuse(reason, size, error, options->path, mdb_strerror(result));
}

static int make_state(struct store_change *change)
{
	struct store_state *state = &change->state;
	uint8_t row[STORE_ROW_STATE_BYTES];

	state->format = STORE_FORMAT;
	if (getrandom(&state->id, sizeof(state->id), 0) != sizeof(state->id))
		return -EIO;
	struct store_bytes bytes = {row, store_row_write_state(state, row)};
	return store_row_put(change, STORE_TABLE_STATE, store_key_bytes("state", 5), bytes);
}

/* Read the store's own row; -ENOENT in a new file. */
static int read_state(struct store_change *change)
{
	struct store_key key = store_key_bytes("state", 5);
	struct store_bytes row;
	int result = store_row_get(change, STORE_TABLE_STATE, key, &row);

	if (result == 0 && !store_row_read_state(row, &change->state))
		result = store_damaged(change, STORE_TABLE_STATE, key);
	return result;
}

static int open_tables(struct store *store, char *reason, size_t size)
{
	unsigned flags = store->options.read_only ? 0 : MDB_CREATE;
	struct store_change change = {.store = store, .writes = !store->options.read_only};
	int result = mdb_txn_begin(store->env, NULL, change.writes ? 0 : MDB_RDONLY, &change.txn);

	if (result != 0)
		return refuse(reason, size, EIO, store->options.path, mdb_strerror(result));
	for (int i = 0; i < STORE_TABLE_COUNT && result == 0; i++)
		result = mdb_dbi_open(change.txn, store_table_name(i), flags, &store->tables[i]);
	if (result != 0) {
		mdb_txn_abort(change.txn);
		return refuse(reason, size, result == MDB_NOTFOUND ? ENOENT : EIO,
			store->options.path,
			result == MDB_NOTFOUND ? "not a store of motorway" : mdb_strerror(result));
	}
	result = read_state(&change);
	if (result == -ENOENT && change.writes)
		result = make_state(&change);
	if (result == 0 && change.state.format != STORE_FORMAT) {
		mdb_txn_abort(change.txn);
		return refuse(reason, size, EPROTO, store->options.path,
			"its format is not the one that this program knows");
	}
	if (result != 0) {
		mdb_txn_abort(change.txn);
		return refuse(reason, size, -result, store->options.path,
			change.fault[0] != '\0' ? change.fault : strerror(-result));
	}
	store->id = change.state.id;
	result = mdb_txn_commit(change.txn);
	return result == 0 ? 0
			   : refuse(reason, size, EIO, store->options.path, mdb_strerror(result));
}

static int open_folder(struct store *store, char *reason, size_t size)
{
	const struct store_options *options = &store->options;
	struct stat status;

	if (!options->read_only && options->bytes_max < BYTES_MIN)
		return refuse(reason, size, EINVAL, options->path, "less than 4 MiB allowed");
	if (!options->read_only && mkdir(options->path, 0750) != 0 && errno != EEXIST)
		return refuse(reason, size, errno, options->path, strerror(errno));
	if (stat(options->path, &status) != 0)
		return refuse(reason, size, errno, options->path, strerror(errno));
	store->device = status.st_dev;
	store->inode = status.st_ino;
	if (!claim(store))
		return refuse(reason, size, EBUSY, options->path,
			"this process has the store open already");
	int result = options->read_only ? 0 : take_lock(store, reason, size);
	if (result == 0)
		result = open_environment(store, reason, size);
	if (result == 0)
		result = open_tables(store, reason, size);
	if (result != 0)
		release(store);
	return result;
}

struct store *store_open(const struct store_options *options, char *reason, size_t reason_size)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL) {
		snprintf(reason, reason_size, "%s: out of memory", options->path);
		return NULL;
	}
	store->options = *options;
	store->lock_fd = -1;
	store->options.path = strdup(options->path);
	uint64_t pages = options->bytes_max / 4096;
	store->live_pages_max = pages - pages / ROOM_PART;
	store->log_entries_max = options->bytes_max / BYTES_OF_ENTRY;
	if (store->log_entries_max > STORE_LOG_ENTRIES_MAX)
		store->log_entries_max = STORE_LOG_ENTRIES_MAX;
	int result =
		store->options.path != NULL ? open_folder(store, reason, reason_size) : -ENOMEM;
	if (result == 0)
		return store;
	if (store->env != NULL)
		mdb_env_close(store->env);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free((char *)(uintptr_t)store->options.path);
	free(store);
	errno = -result;
	return NULL;
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	assert(store->change == NULL);
	mdb_env_close(store->env);
	release(store);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free((char *)(uintptr_t)store->options.path);
	free(store);
}

int store_sync(struct store *store)
{
	int result = mdb_env_sync(store->env, 1);

	return result > 0 ? -result : result == 0 ? 0 : -EIO;
}

uint64_t store_id(const struct store *store)
{
	return store->id;
}

static int begin_transaction(struct store *store, struct store_change *change)
{
	unsigned flags = change->writes ? 0 : MDB_RDONLY;
	int dead;
	int result = mdb_txn_begin(store->env, NULL, flags, &change->txn);

	if (result == MDB_READERS_FULL && mdb_reader_check(store->env, &dead) == 0)
		result = mdb_txn_begin(store->env, NULL, flags, &change->txn);
	/* The writer was started anew with more room. */
	if (result == MDB_MAP_RESIZED && mdb_env_set_mapsize(store->env, 0) == 0)
		result = mdb_txn_begin(store->env, NULL, flags, &change->txn);
	return result == MDB_READERS_FULL ? -EAGAIN : store_result(change, result, "begin");
}

static struct store_change *start(struct store *store, bool writes)
{
	struct store_change *change = calloc(1, sizeof(*change));

	if (change == NULL)
		return NULL;
	change->store = store;
	change->writes = writes;
	change->puts = PUTS_BETWEEN_LOOKS;
	int result = begin_transaction(store, change);
	if (result == 0) {
		result = read_state(change);
		if (result != 0)
			mdb_txn_abort(change->txn);
	}
	if (result == 0)
		return change;
	free(change);
	errno = result == -ENOENT ? EIO : -result;
	return NULL;
}

struct store_change *store_begin(struct store *store)
{
	assert(!store->options.read_only);
	assert(store->change == NULL);
	struct store_change *change = start(store, true);
	store->change = change;
	return change;
}

struct store_change *store_snapshot(struct store *store)
{
	return start(store, false);
}

static void close_walks(struct store_change *change)
{
	for (int i = 0; i < STORE_TABLE_COUNT; i++)
		if (change->walks[i] != NULL)
			mdb_cursor_close(change->walks[i]);
}

/* The memory of a change whose transaction has ended. */
static void forget(struct store_change *change)
{
	if (change->writes)
		change->store->change = NULL;
	free(change->logged);
	free(change);
}

void store_abandon(struct store_change *change)
{
	if (change == NULL)
		return;
	close_walks(change);
	mdb_txn_abort(change->txn);
	forget(change);
}

static int write_counters(struct store_change *change)
{
	uint8_t row[STORE_ROW_STATE_BYTES];
	int result = store_log_write(change, change->state.change + 1);

	if (result != 0)
		return result;
	change->state.change++;
	/* It replaces a row of the same length: there is room for that in a full store, too. */
	struct store_bytes bytes = {row, store_row_write_state(&change->state, row)};
	result = store_row_put(change, STORE_TABLE_STATE, store_key_bytes("state", 5), bytes);
	return result < 0 ? result : 0;
}

/* LMDB calls it an input/output error when a full disk took but a part of its pages. */
static int commit_result(const struct store *store, int result)
{
	struct statvfs disk;

	if (result == EIO && statvfs(store->options.path, &disk) == 0 &&
		(uint64_t)disk.f_bavail * disk.f_frsize < DISK_FULL_BYTES)
		return ENOSPC;
	return result;
}

int store_commit(struct store_change *change, uint64_t *number)
{
	struct store *store = change->store;
	int dead;

	assert(change->writes);
	int result = change->failed;
	if (result == 0 && change->wrote > 0)
		result = write_counters(change);
	if (number != NULL)
		*number = change->state.change;
	if (result != 0 || change->wrote == 0) {
		store_abandon(change);
		return result;
	}
	close_walks(change);
	result = store_result(change, commit_result(store, mdb_txn_commit(change->txn)), "commit");
	forget(change);
	if (result == 0 && ++store->commits % READER_CHECK_COMMITS == 0)
		mdb_reader_check(store->env, &dead);
	return result;
}

int store_end_rows(struct store_change *change, int result)
{
	if (result < 0 && change->failed == 0)
		change->failed = result;
	return result < 0 ? result : 0;
}

uint64_t store_change_number(const struct store_change *change)
{
	return change->state.change;
}

bool store_has_room(struct store_change *change)
{
	uint64_t pages = 0;

	if (++change->puts < PUTS_BETWEEN_LOOKS)
		return !change->full;
	change->puts = 0;
	for (int i = 0; i < STORE_TABLE_COUNT; i++) {
		MDB_stat stat;

		if (mdb_stat(change->txn, change->store->tables[i], &stat) == 0)
			pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
	}
	change->full = pages >= change->store->live_pages_max;
	return !change->full;
}

static MDB_val key_value(const struct store_key *key)
{
	return (MDB_val){.mv_size = key->length, .mv_data = (void *)(uintptr_t)key->bytes};
}

int store_row_get(struct store_change *change, enum store_table table, struct store_key key,
	struct store_bytes *row)
{
	MDB_val key_bytes = key_value(&key);
	MDB_val value;

	if (change->failed != 0)
		return change->failed;
	int result = mdb_get(change->txn, change->store->tables[table], &key_bytes, &value);
	if (result != 0)
		return result == MDB_NOTFOUND
			       ? -ENOENT
			       : store_result(change, result, store_table_name(table));
	*row = (struct store_bytes){value.mv_data, value.mv_size};
	return 0;
}

int store_row_put(struct store_change *change, enum store_table table, struct store_key key,
	struct store_bytes row)
{
	MDB_val key_bytes = key_value(&key);
	MDB_val value = {.mv_size = row.length, .mv_data = (void *)(uintptr_t)row.bytes};
	struct store_bytes old;

	assert(change->writes);
	int result = store_row_get(change, table, key, &old);
	if (result != 0 && result != -ENOENT)
		return result;
	if (result == 0 && old.length == row.length &&
		(row.length == 0 || memcmp(old.bytes, row.bytes, row.length) == 0))
		return 1;
	result = mdb_put(change->txn, change->store->tables[table], &key_bytes, &value, 0);
	if (result != 0)
		return change->failed = store_result(change, result, store_table_name(table));
	change->wrote++;
	return 0;
}

int store_row_append(struct store_change *change, enum store_table table, struct store_key key,
	struct store_bytes row)
{
	MDB_val key_bytes = key_value(&key);
	MDB_val value = {.mv_size = row.length, .mv_data = (void *)(uintptr_t)row.bytes};
	int result = 0;

	if (change->failed != 0)
		return change->failed;
	if (!store_has_room(change))
		return -ENOSPC;
	if (change->walks[table] == NULL)
		result = mdb_cursor_open(
			change->txn, change->store->tables[table], &change->walks[table]);
	if (result == 0)
		result = mdb_cursor_put(change->walks[table], &key_bytes, &value, MDB_APPEND);
	if (result != 0)
		return change->failed = store_result(change, result, store_table_name(table));
	change->wrote++;
	return 0;
}

int store_row_remove(struct store_change *change, enum store_table table, struct store_key key)
{
	MDB_val key_bytes = key_value(&key);

	assert(change->writes);
	if (change->failed != 0)
		return change->failed;
	int result = mdb_del(change->txn, change->store->tables[table], &key_bytes, NULL);
	if (result == MDB_NOTFOUND)
		return -ENOENT;
	if (result != 0)
		return change->failed = store_result(change, result, store_table_name(table));
	change->wrote++;
	return 0;
}

/* Whether the cursor stands on `key`, so that the next row is one step away. */
static bool stands_on(MDB_cursor *cursor, const struct store_key *key)
{
	MDB_val at;
	MDB_val value;

	return mdb_cursor_get(cursor, &at, &value, MDB_GET_CURRENT) == 0 &&
	       at.mv_size == key->length && memcmp(at.mv_data, key->bytes, key->length) == 0;
}

int store_row_next(struct store_change *change, enum store_table table, struct store_key *key,
	struct store_bytes *row)
{
	MDB_cursor **cursor = &change->walks[table];
	MDB_val at = key_value(key);
	MDB_val value;
	int result = 0;

	if (change->failed != 0)
		return change->failed;
	if (*cursor == NULL)
		result = mdb_cursor_open(change->txn, change->store->tables[table], cursor);
	if (result == 0 && key->length > 0 && stands_on(*cursor, key)) {
		result = mdb_cursor_get(*cursor, &at, &value, MDB_NEXT);
	} else if (result == 0) {
		MDB_cursor_op op = key->length > 0 ? MDB_SET_RANGE : MDB_FIRST;

		result = mdb_cursor_get(*cursor, &at, &value, op);
		if (result == 0 && at.mv_size == key->length &&
			memcmp(at.mv_data, key->bytes, key->length) == 0)
			result = mdb_cursor_get(*cursor, &at, &value, MDB_NEXT);
	}
	if (result == MDB_NOTFOUND)
		return 0;
	if (result != 0)
		return store_result(change, result, store_table_name(table));
	if (at.mv_size > STORE_KEY_MAX) {
		struct store_key cut = store_key_bytes(at.mv_data, STORE_KEY_MAX);

		return store_damaged(change, table, cut);
	}
	*key = store_key_bytes(at.mv_data, at.mv_size);
	*row = (struct store_bytes){value.mv_data, value.mv_size};
	return 1;
}

bool store_table_empty(struct store_change *change, enum store_table table)
{
	MDB_stat stat;

	return change->failed == 0 &&
	       mdb_stat(change->txn, change->store->tables[table], &stat) == 0 &&
	       stat.ms_entries == 0;
}

int store_table_clear(struct store_change *change, enum store_table table)
{
	assert(change->writes);
	if (change->failed != 0)
		return change->failed;
	/* A cursor that stands in it would not notice. */
	if (change->walks[table] != NULL)
		mdb_cursor_close(change->walks[table]);
	change->walks[table] = NULL;
	int result = mdb_drop(change->txn, change->store->tables[table], 0);
	if (result != 0)
		return change->failed = store_result(change, result, store_table_name(table));
	change->wrote++;
	return 0;
}
