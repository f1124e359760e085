/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sources of the bulk load share.
 *
 *   parse  each file on a thread of its own gives facts: 16 bytes with a key to sort by
 *   sort   facts by key; files give them in any order
 *   make   rows of devices, in order, and the facts of their indexes, on a thread of its own
 *   write  devices by DeviceID, indexes by their keys, MPxNs by number: each table is appended to
 *          in its order, which is the fastest that LMDB can do
 */
#ifndef CONTROL_BULK_LOAD_H
#define CONTROL_BULK_LOAD_H

#include "control/bulk.h"
#include "control/bulk_row.h"
#include "control/store_table.h"

/* A key and what belongs to it:
 *   device         DeviceID                                          | offset of its line
 *   link           MPxN << 20 | use                                  | DeviceID
 *   registration   MPxN << 20 | EXTRA | kind << 16 | participant     | line << 32 | from_day << 16
 *   appointment    MPxN << 20 | EXTRA | role << 16 | participant     | ... | from_day << 16 |
 * to_day index          second key                                        | DeviceID A participant
 * is the number of an MPID in its file. */
struct fact {
	uint64_t key;
	uint64_t value;
};

#define FACT_MPXN_SHIFT 20
#define FACT_EXTRA (1ull << 19) /* the line has more to say: struct bulk_extra */
#define FACT_KIND_SHIFT 16
#define FACT_NO_DAY BULK_NO_DAY

#define BULK_PARTICIPANTS_MAX 65535

struct fact_list {
	struct fact *facts;
	size_t count;
	size_t room;
};

/* What few lines have: who made the message and when, who arranged it. */
struct bulk_extra {
	uint32_t line;
	uint32_t supplier; /* participant */
	uint64_t created_ms;
	uint64_t message;
};

/* The MPIDs of a file, numbered from 1 as they appear. */
struct bulk_participants {
	char mpids[BULK_PARTICIPANTS_MAX + 1][STORE_MPID_SIZE];
	uint32_t organisations[BULK_PARTICIPANTS_MAX + 1]; /* numbers in the store */
	uint16_t slots[1 << 17];
	uint32_t count;
};

struct bulk_file {
	enum bulk_table table;
	bool given;
	struct csv_file csv;
	struct fact_list facts;
	struct bulk_participants *participants;
	struct bulk_extra *extras;
	size_t extra_count;
	size_t extra_room;
	const struct bulk_load *load;

	/* Wrong lines: the first are told, all are known by number. */
	char *shown;
	size_t shown_bytes;
	FILE *shown_stream;
	uint32_t *wrong;
	size_t wrong_count;
	size_t wrong_room;
	uint64_t lines;
	uint64_t repeated;
	int failed; /* -errno: no memory */
};

struct bulk_load {
	const struct bulk_options *options;
	struct store *store;
	struct store_change *change;
	struct bulk_file files[BULK_TABLES];
	struct bulk_providers providers;
	struct fact_list links;
	struct bulk_rows *making; /* of bulk_write.c, from devices to indexes */
	struct bulk_kept *kept;	  /* of bulk_keep.c */
	uint64_t rows;
};

/* Facts live in reserved address space: room costs nothing until it is used. */
int fact_list_reserve(struct fact_list *list, size_t room);
void fact_list_free(struct fact_list *list);

static inline void fact_list_add(struct fact_list *list, uint64_t key, uint64_t value)
{
	list->facts[list->count++] = (struct fact){key, value};
}

/* Sort by the bits of the key from `low_bit` on; facts with equal bits keep their order. 0 or
 * -ENOMEM. */
int fact_list_sort(struct fact_list *list, unsigned low_bit);

/* A wrong line: told, counted, remembered. */
void bulk_wrong(struct bulk_file *file, uint32_t line, uint32_t column, const char *rule);

/* Read all records of the file into facts, sorted. Any thread, one for each file. */
void bulk_read(struct bulk_file *file);

/* The row of a device at `offset` of its file; what was read once can be read again. */
void bulk_device_again(const struct bulk_load *load, uint64_t offset, struct store_device *device);

/* Refuse devices that stand in the file twice or whose MPxN would have too many of them; the facts
 * of both are taken out. 0 or -errno. */
int bulk_check_devices(struct bulk_load *load);

/* Leave a mark beside the store that a load is at work (bulk_interrupted()), and take it away. 0 or
 * -errno. */
int bulk_mark(const struct bulk_load *load);
void bulk_unmark(const struct store *store);

/* When the store has few rows beside those of the files, take them out, so that the tables are
 * empty; put back behind the load what the files do not replace; forget them. 0 or -errno. */
int bulk_keep(struct bulk_load *load);
int bulk_put_back(struct bulk_load *load);
void bulk_forget(struct bulk_load *load);

/* Write devices; then MPxNs; then, whatever came of those (`result`), end what the first began and
 * write the indexes of the devices. 0 or -errno. */
int bulk_write_devices(struct bulk_load *load);
int bulk_write_mpxns(struct bulk_load *load);

/* Look whether lines tell differently of the same; they are told as wrong. */
void bulk_check_mpxns(struct bulk_load *load);
int bulk_write_indexes(struct bulk_load *load, int result);

#endif
