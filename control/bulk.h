/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole tables in and out of the store: devices, registrations and appointments as CSV or JSON
 * lines (a file's name ending in ".jsonl"). doc/store.md has the columns.
 *
 * A load is one change: in force and durable whole, or not at all. Files may be in any order of
 * keys and of any size; 24 million devices with what belongs to them take a few minutes. Takes a
 * second thread, which does not touch the store. Needs 16 bytes of memory for each row of the
 * files, as much again for the largest of them while it is sorted, 64 for each device, and 512 MiB
 * for LMDB; the files themselves are mapped and read twice, in random order the second time, so
 * they should fit into the page cache.
 */
#ifndef CONTROL_BULK_H
#define CONTROL_BULK_H

#include <stdio.h>

#include "control/store.h"

enum bulk_table {
	BULK_DEVICES = 0,
	BULK_REGISTRATIONS = 1,
	BULK_APPOINTMENTS = 2,
	BULK_TABLES = 3,
};

/* "devices", "registrations", "appointments" */
const char *bulk_table_name(enum bulk_table table);

struct bulk_options {
	const char *paths[BULK_TABLES]; /* NULL: nothing of that table */

	/* Where wrong lines are told: "file:line:column: rule", the first shown_max of each file in
	 * the order of the file as far as they are found in it; may be NULL. */
	FILE *errors;
	unsigned shown_max;

	/* A folder: wrong lines go there, into files named like the table, with the first line, so
	 * that they can be mended and loaded; the others are loaded. NULL: a wrong line means that
	 * nothing is loaded. */
	const char *set_aside;
};

struct bulk_result {
	uint64_t lines[BULK_TABLES];	/* records in the file */
	uint64_t wrong[BULK_TABLES];	/* lines that were refused */
	uint64_t repeated[BULK_TABLES]; /* lines that say what another one or the store says */
	uint64_t rows;			/* written, over all tables and indexes */
	uint64_t change;		/* number of the change */
};

/* Load into the store: new rows are added, devices that are there are replaced, registrations and
 * appointments are added to what is there; one that an earlier load told otherwise is replaced.
 * Market participants that the store does not know become organisations. Returns 0; -EINVAL: wrong
 * lines and no folder to set them aside, or a file without the right first line (told in `errors`);
 * -ENOSPC, or another -errno. Nothing is in the store unless it returns 0. No change may be open.
 */
int bulk_load(struct store *store, const struct bulk_options *options, struct bulk_result *result);

/* Look at registrations and appointments (not at devices, whose providers the store has) without a
 * store: 0; -EINVAL: lines are wrong, told in `errors`; or another -errno. */
int bulk_check(const struct bulk_options *options, struct bulk_result *result);

/* Whether the last load into this store was cut off, because its process was killed or the machine
 * stopped. True: `reason` has one line that says which load it was and whether it is in the store:
 * all of it or nothing, never a part. Told once (again and again by a store that is read_only). To
 * be asked after store_open(), before anything else is loaded. */
bool bulk_interrupted(struct store *store, char *reason, size_t reason_size);

/* Write a table to `out`, in order of its key, as CSV with its first line or as JSON lines. Reads
 * in short snapshots: changes made meanwhile may be in it or not, each row is whole. Returns the
 * number of lines, or -EIO or another -errno. Loading what was written gives the same rows. */
int64_t bulk_export(struct store *store, enum bulk_table table, bool json, FILE *out);

#endif
