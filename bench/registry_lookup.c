/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookups of random devices against an LMDB table with the same contents in the same memory file
 * system. LMDB gets what is best for it: integer keys, loaded in their order (full pages), one
 * reading transaction for all, no lock table, no read-ahead, values without padding. Both copy the
 * content out, and both get the same keys in the same order.
 */
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/registry_bench.h"

#define LOOKUPS_A_CALL 1024
#define ABSENT (1ull << 39) /* device numbers from here on do not exist */

/* What stands in front of the entries in a value. */
struct head {
	uint8_t type, status, generation, provider_id;
	uint32_t entry_count;
};

struct lmdb {
	MDB_env *environment;
	MDB_txn *transaction;
	MDB_dbi table;
};

static int compare_keys(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* ---- the table ---- */

static int put_all(struct lmdb *lmdb, const uint64_t *keys, uint64_t count)
{
	struct corpus_device made;
	struct {
		struct head head;
		struct mw_registry_entry entries[CORPUS_ENTRIES_MAX];
	} row;
	int error = 0;

	for (uint64_t index = 0; index < count && error == 0; index++) {
		MDB_val key = {sizeof(keys[index]), (void *)(uintptr_t)&keys[index]};
		MDB_val value = {0, &row};

		corpus_make(&made, keys[index], 0);
		row.head = (struct head){made.device.type, made.device.status,
			made.device.generation, made.device.provider_id, made.device.entry_count};
		memcpy(row.entries, made.entries, sizeof(row.entries));
		value.mv_size = sizeof(row.head) + row.head.entry_count * sizeof(row.entries[0]);
		error = mdb_put(lmdb->transaction, lmdb->table, &key, &value, MDB_APPEND);
	}
	return error;
}

static int load(struct lmdb *lmdb, uint64_t devices)
{
	uint64_t *keys = malloc(devices * sizeof(*keys));
	int error = keys ? 0 : ENOMEM;

	if (error == 0) {
		for (uint64_t index = 0; index < devices; index++)
			keys[index] = corpus_key(index);
		qsort(keys, devices, sizeof(*keys), compare_keys);
		error = mdb_txn_begin(lmdb->environment, NULL, 0, &lmdb->transaction);
	}
	if (error == 0)
		error = mdb_dbi_open(lmdb->transaction, NULL, MDB_INTEGERKEY, &lmdb->table);
	if (error == 0)
		error = put_all(lmdb, keys, devices);
	if (error == 0)
		error = mdb_txn_commit(lmdb->transaction);
	free(keys);
	return error;
}

static int open_environment(struct lmdb *lmdb, const struct registry_bench *bench, unsigned flags)
{
	int error = mdb_env_create(&lmdb->environment);

	if (error == 0)
		error = mdb_env_set_mapsize(
			lmdb->environment, (bench->devices * 256 + (64u << 20)) & ~0xfffull);
	if (error == 0)
		error = mdb_env_open(lmdb->environment, bench->lmdb_path,
			MDB_NOSUBDIR | MDB_NOLOCK | MDB_NORDAHEAD | flags, 0600);
	return error;
}

int registry_lookup_set_up(void *state)
{
	struct registry_lookup *lookup = state;
	struct lmdb *lmdb = calloc(1, sizeof(*lmdb));
	int error;

	if (!lmdb)
		return -ENOMEM;
	lookup->lmdb = lmdb;
	lookup->seed_ours = lookup->seed_lmdb = 1;
	error = 0;
	if (access(lookup->bench->lmdb_path, F_OK) != 0) {
		error = open_environment(lmdb, lookup->bench, MDB_NOSYNC | MDB_WRITEMAP);
		if (error == 0)
			error = load(lmdb, lookup->bench->devices);
		mdb_env_close(lmdb->environment);
	}
	if (error == 0)
		error = open_environment(lmdb, lookup->bench, MDB_RDONLY);
	if (error == 0)
		error = mdb_txn_begin(lmdb->environment, NULL, MDB_RDONLY, &lmdb->transaction);
	if (error == 0)
		error = mdb_dbi_open(lmdb->transaction, NULL, MDB_INTEGERKEY, &lmdb->table);
	if (error != 0)
		fprintf(stderr, "bench: registry: LMDB: %s\n", mdb_strerror(error));
	return error == 0 ? 0 : error > 0 ? -error : -EIO;
}

void registry_lookup_tear_down(void *state)
{
	struct registry_lookup *lookup = state;
	struct lmdb *lmdb = lookup->lmdb;

	mdb_txn_abort(lmdb->transaction);
	mdb_env_close(lmdb->environment);
	free(lmdb);
	lookup->lmdb = NULL;
}

/* ---- the contenders ---- */

static uint64_t absent_key(uint64_t *seed)
{
	return corpus_key(ABSENT + (corpus_random(seed) & 0xffffffff));
}

/* Bursts of keys that are all there, or all not. */
static uint64_t run_bursts(struct registry_lookup *lookup, bool absent)
{
	static struct registry_image_device devices[REGISTRY_IMAGE_BURST_MAX];
	uint64_t keys[REGISTRY_IMAGE_BURST_MAX];
	int status[REGISTRY_IMAGE_BURST_MAX];

	for (unsigned done = 0; done < LOOKUPS_A_CALL; done += REGISTRY_IMAGE_BURST_MAX) {
		for (unsigned index = 0; index < REGISTRY_IMAGE_BURST_MAX; index++)
			keys[index] = absent ? absent_key(&lookup->seed_ours)
					     : corpus_random_key(
						       &lookup->seed_ours, lookup->bench->devices);
		registry_image_read_burst(
			lookup->bench->image, keys, REGISTRY_IMAGE_BURST_MAX, devices, status);
		for (unsigned index = 0; index < REGISTRY_IMAGE_BURST_MAX; index++)
			if (absent ? status[index] != -ENOENT
				   : status[index] != 0 || devices[index].device_id != keys[index])
				return 0;
		bench_use(devices[0].entry_count);
	}
	return LOOKUPS_A_CALL;
}

uint64_t registry_lookup_burst(void *state)
{
	return run_bursts(state, false);
}

uint64_t registry_lookup_absent(void *state)
{
	return run_bursts(state, true);
}

uint64_t registry_lookup_single(void *state)
{
	static struct registry_image_device device;
	struct registry_lookup *lookup = state;

	for (unsigned done = 0; done < LOOKUPS_A_CALL; done++) {
		uint64_t key = corpus_random_key(&lookup->seed_ours, lookup->bench->devices);

		if (registry_image_read(lookup->bench->image, key, &device) != 0 ||
			device.device_id != key)
			return 0;
		bench_use(device.entry_count);
	}
	return LOOKUPS_A_CALL;
}

/* Copy a row into the same form. */
static bool take_row(const MDB_val *value, struct registry_image_device *device)
{
	struct head head;

	if (value->mv_size < sizeof(head))
		return false;
	memcpy(&head, value->mv_data, sizeof(head));
	if (head.entry_count > CORPUS_ENTRIES_MAX ||
		value->mv_size != sizeof(head) + head.entry_count * sizeof(device->entries[0]))
		return false;
	device->type = head.type;
	device->status = head.status;
	device->generation = head.generation;
	device->provider_id = head.provider_id;
	device->entry_count = (uint16_t)head.entry_count;
	memcpy(device->entries, (const uint8_t *)value->mv_data + sizeof(head),
		head.entry_count * sizeof(device->entries[0]));
	return true;
}

uint64_t registry_lookup_lmdb(void *state)
{
	static struct registry_image_device devices[REGISTRY_IMAGE_BURST_MAX];
	struct registry_lookup *lookup = state;
	struct lmdb *lmdb = lookup->lmdb;

	for (unsigned done = 0; done < LOOKUPS_A_CALL; done++) {
		uint64_t key = corpus_random_key(&lookup->seed_lmdb, lookup->bench->devices);
		struct registry_image_device *device = &devices[done % REGISTRY_IMAGE_BURST_MAX];
		MDB_val wanted = {sizeof(key), &key}, value;

		if (mdb_get(lmdb->transaction, lmdb->table, &wanted, &value) != 0 ||
			!take_row(&value, device))
			return 0;
		bench_use(device->entry_count);
	}
	return LOOKUPS_A_CALL;
}

uint64_t registry_lookup_lmdb_absent(void *state)
{
	struct registry_lookup *lookup = state;
	struct lmdb *lmdb = lookup->lmdb;

	for (unsigned done = 0; done < LOOKUPS_A_CALL; done++) {
		uint64_t key = absent_key(&lookup->seed_lmdb);
		MDB_val wanted = {sizeof(key), &key}, value;

		if (mdb_get(lmdb->transaction, lmdb->table, &wanted, &value) != MDB_NOTFOUND)
			return 0;
	}
	return LOOKUPS_A_CALL;
}
