/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader walks in short snapshots and hands over batches; the writer takes them in the same
 * order. Most of the reader's time goes into rows and timelines, most of the writer's into cache
 * misses, so that both processors have something to do. What the store changes meanwhile is in its
 * log behind the change that the first snapshot saw.
 */
#include "control/mirror_build.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "control/batch_line.h"
#include "control/entitlement.h"

#define BATCHES 8
#define ITEMS 2048 /* devices of a batch */
#define ITEMS_OF_A_ROW MPXN_DEVICES_MAX
#define ENTRIES_OF_A_ROW (ITEMS_OF_A_ROW * ENTITLEMENT_ENTRIES_MAX)
#define ENTRIES (ITEMS * 4 + ENTRIES_OF_A_ROW)

enum batch_kind {
	BATCH_DEVICES,
	BATCH_ENTRIES,
	BATCH_END,
};

struct batch {
	enum batch_kind kind;
	size_t count;
	size_t entry_count;
	union {
		struct registry_write_device devices[ITEMS];
		struct registry_write_more more[ITEMS];
	};
	struct mw_registry_entry entries[ENTRIES];
};

struct line {
	struct mirror_build *build;
	struct batch_line line;
	int failed; /* the reader's -errno */
	bool begun;
	struct mpxn mpxn;
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	struct batch batches[BATCHES];
};

/* ---- the reader ---- */

/* The next batch to fill, or NULL: the writer has given up. */
static struct batch *next_empty(struct line *line)
{
	int number = batch_line_next_empty(&line->line);

	if (number < 0)
		return NULL;
	line->batches[number].count = line->batches[number].entry_count = 0;
	return &line->batches[number];
}

static int fill_devices(struct store_change *snapshot, struct batch *batch, uint64_t *cursor)
{
	struct store_device_access row;
	int result = 1;

	batch->kind = BATCH_DEVICES;
	while (batch->count < ITEMS) {
		result = store_device_access_next(snapshot, cursor, &row);
		if (result != 1)
			break;
		batch->devices[batch->count++] = (struct registry_write_device){
			.device_id = row.device_id,
			.type = row.type,
			.status = row.status,
			.generation = row.generation,
			.provider_id = row.provider_id,
		};
	}
	return result;
}

/* What the MPxN gives to each of its devices. Two uses of one device are two items. */
static void add_mpxn(struct line *line, struct batch *batch)
{
	size_t intervals = 0;
	size_t dropped;

	if (line->mpxn.device_count > 0 && line->mpxn.event_count > 0)
		intervals = mpxn_timeline(&line->mpxn, line->intervals);
	for (unsigned i = 0; i < line->mpxn.device_count && intervals > 0; i++) {
		struct entitlement_source source = {
			.use = line->mpxn.devices[i].use,
			.intervals = line->intervals,
			.interval_count = intervals,
		};
		struct mw_registry_entry *entries = &batch->entries[batch->entry_count];
		/* One MPxN has as many intervals as a device entries: none is dropped. */
		size_t count =
			entitlement_entries(line->build->calendar, &source, 1, entries, &dropped);

		if (count == 0)
			continue;
		batch->entry_count += count;
		batch->more[batch->count++] = (struct registry_write_more){
			.device_id = line->mpxn.devices[i].device_id,
			.entry_count = (uint32_t)count,
			.entries = entries,
		};
	}
}

static int fill_entries(
	struct line *line, struct store_change *snapshot, struct batch *batch, uint64_t *cursor)
{
	int result = 1;

	batch->kind = BATCH_ENTRIES;
	while (batch->count + ITEMS_OF_A_ROW <= ITEMS &&
		batch->entry_count + ENTRIES_OF_A_ROW <= ENTRIES) {
		result = store_mpxn_next(snapshot, cursor, &line->mpxn);
		if (result != 1)
			break;
		add_mpxn(line, batch);
	}
	return result;
}

/* One batch in one snapshot. 1, 0 behind the last row, or -errno. */
static int read_batch(struct line *line, bool devices, uint64_t *cursor)
{
	struct batch *batch = next_empty(line);
	struct store_change *snapshot = batch != NULL ? store_snapshot(line->build->store) : NULL;

	if (batch == NULL)
		return -ECANCELED;
	if (snapshot == NULL)
		return -errno;
	if (!line->begun)
		line->build->change = store_change_number(snapshot);
	line->begun = true;
	int result = devices ? fill_devices(snapshot, batch, cursor)
			     : fill_entries(line, snapshot, batch, cursor);
	store_abandon(snapshot);
	if (result >= 0)
		batch_line_fill(&line->line);
	return result;
}

static void *read_store(void *argument)
{
	struct line *line = argument;
	uint64_t cursor = 0;
	int result;

	while ((result = read_batch(line, true, &cursor)) == 1)
		;
	cursor = 0;
	while (result >= 0 && (result = read_batch(line, false, &cursor)) == 1)
		;
	struct batch *batch = next_empty(line);
	if (batch == NULL)
		return NULL;
	batch->kind = BATCH_END;
	line->failed = result;
	batch_line_fill(&line->line);
	return NULL;
}

/* ---- the writer ---- */

static size_t join_entries(
	void *argument, uint64_t device_id, struct mw_registry_entry *entries, size_t count)
{
	struct mirror_build *build = argument;
	size_t dropped;
	size_t joined = entitlement_join(entries, count, &dropped);

	if (dropped == 0)
		return joined;
	/* What is dropped first depends on all of its MPxNs. Doubled at powers of two. */
	if ((build->crowded_count & (build->crowded_count - 1)) == 0) {
		size_t room = build->crowded_count == 0 ? 1 : 2 * build->crowded_count;
		uint64_t *crowded = realloc(build->crowded, room * sizeof(*crowded));

		/* Without memory it has the entries that are left: too few, never too many. */
		if (crowded == NULL)
			return joined;
		build->crowded = crowded;
	}
	build->crowded[build->crowded_count++] = device_id;
	return joined;
}

static int write_image(struct line *line)
{
	struct mirror_build *build = line->build;
	const struct registry_write_join join = {join_entries, build};
	int result = 0;
	bool ended = false;

	while (!ended) {
		const struct batch *batch = &line->batches[batch_line_next_full(&line->line)];

		if (batch->kind == BATCH_END)
			result = line->failed;
		else if (batch->kind == BATCH_DEVICES)
			result = registry_write_add(build->writer, batch->devices, batch->count);
		else
			result = registry_write_extend(
				build->writer, batch->more, batch->count, &join);
		ended = batch->kind == BATCH_END || result != 0;
		batch_line_empty(&line->line, ended);
	}
	return result;
}

int mirror_build(struct mirror_build *build)
{
	struct line *line = calloc(1, sizeof(*line));
	pthread_t thread;
	int result = -EAGAIN;

	build->crowded = NULL;
	build->crowded_count = 0;
	if (line == NULL)
		return -ENOMEM;
	line->build = build;
	batch_line_open(&line->line, BATCHES);
	if (pthread_create(&thread, NULL, read_store, line) == 0) {
		result = write_image(line);
		pthread_join(thread, NULL);
	}
	batch_line_close(&line->line);
	free(line);
	return result;
}
