/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking through an image: from every slot of the index to its record and the chain behind it.
 * What is reached is in use, each record once; everything else is free. So it does not matter where
 * a writer died: what he took and did not link is free again, and a device that he was writing has
 * an odd sequence.
 *
 * Readers may be at work: nothing that they can reach is written, except the chain of the torn
 * device, which they do not read because of its sequence.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/registry_write_state.h"

#define AHEAD 16 /* slots whose records are prefetched */

struct sweep {
	struct registry_write *writer;
	uint8_t *seen; /* a bit for each record */
	uint64_t devices, removed;
	uint32_t torn; /* record of the torn device */
};

/* Mark a record. False if there is no such one or it is somebody else's. */
static bool mark(struct sweep *sweep, uint64_t number)
{
	uint8_t bit = (uint8_t)(1u << number % 8);

	if (number == 0 || number >= registry_get(&sweep->writer->header->records_used) ||
		sweep->seen[number / 8] & bit)
		return false;
	sweep->seen[number / 8] |= bit;
	return true;
}

/* Does a probe for the device end at this slot? */
static bool is_found_at(
	const struct registry_write *writer, const struct mw_registry_record *record, uint64_t at)
{
	uint64_t hash = mw_registry_hash(writer->hash_secret, record->device_id);
	uint64_t slot = registry_get(&writer->slots[at]);
	uint64_t from = hash & writer->slot_mask;

	if (slot >> 32 != mw_registry_tag(hash) ||
		((at - from) & writer->slot_mask) >= MW_REGISTRY_PROBE_MAX)
		return false;
	for (; from != at; from = (from + 1) & writer->slot_mask) {
		uint64_t before = registry_get(&writer->slots[from]);
		uint32_t number = (uint32_t)before;

		if (before == 0)
			return false;
		if (before >> 32 == slot >> 32 && number < writer->record_capacity &&
			registry_get(&writer->records[number].words[1]) == record->device_id)
			return false;
	}
	return true;
}

/* What stands before the entries: all that is looked at, and all in one cache line. */
static void load_front(
	const struct registry_write *writer, uint32_t number, struct mw_registry_record *record)
{
	uint64_t words[offsetof(struct mw_registry_record, entries) / sizeof(uint64_t)];

	for (unsigned index = 0; index < sizeof(words) / sizeof(words[0]); index++)
		words[index] = registry_get(&writer->records[number].words[index]);
	memcpy(record, words, sizeof(words));
}

static int follow_chain(struct sweep *sweep, const struct mw_registry_record *first)
{
	struct mw_registry_record record;
	uint32_t next = first->next;

	for (unsigned length = 1; next != 0; length++) {
		if (length == MW_REGISTRY_CHAIN_MAX || !mark(sweep, next))
			return -EBADMSG;
		load_front(sweep->writer, next, &record);
		if (record.device_id != 0 || record.is_overflow != 1 || record.sequence & 1 ||
			record.entry_count > MW_REGISTRY_ENTRIES)
			return -EBADMSG;
		next = record.next;
	}
	return 0;
}

static int look_at_slot(struct sweep *sweep, uint64_t at)
{
	uint64_t slot = registry_get(&sweep->writer->slots[at]);
	struct mw_registry_record record;

	if (slot == 0)
		return 0;
	if (slot == MW_REGISTRY_SLOT_REMOVED) {
		sweep->removed++;
		return 0;
	}
	if (!mark(sweep, (uint32_t)slot))
		return -EBADMSG;
	load_front(sweep->writer, (uint32_t)slot, &record);
	if (record.device_id == 0 || !is_found_at(sweep->writer, &record, at))
		return -EBADMSG;
	sweep->devices++;
	if (record.sequence & 1) {
		if (sweep->torn != 0)
			return -EBADMSG;
		sweep->torn = (uint32_t)slot;
		return 0;
	}
	if (record.is_overflow || record.entry_count > MW_REGISTRY_ENTRIES)
		return -EBADMSG;
	return follow_chain(sweep, &record);
}

static int look_through(struct sweep *sweep)
{
	const struct registry_write *writer = sweep->writer;
	int result = 0;

	for (uint64_t at = 0; at <= writer->slot_mask && result == 0; at++) {
		uint64_t ahead = registry_get(&writer->slots[(at + AHEAD) & writer->slot_mask]);

		if ((uint32_t)ahead < writer->record_capacity)
			__builtin_prefetch(
				(const void *)&writer->records[(uint32_t)ahead].words[0]);
		result = look_at_slot(sweep, at);
	}
	return result;
}

/* The chain of the torn device may be half linked: let go of it. Its content is asked for anyway.
 */
static void cut_torn(struct sweep *sweep, uint64_t *torn)
{
	struct mw_registry_words *record = &sweep->writer->records[sweep->torn];

	registry_set(&record->words[0], (uint32_t)registry_get(&record->words[0]));
	*torn = registry_get(&record->words[1]);
}

int registry_sweep(struct registry_write *writer, uint64_t *torn)
{
	struct mw_registry_header *header = writer->header;
	struct sweep sweep = {.writer = writer};
	uint64_t used = registry_get(&header->records_used);
	int result;

	*torn = 0;
	if (used == 0 || used > writer->record_capacity)
		return -EBADMSG;
	sweep.seen = calloc(used / 8 + 1, 1);
	if (!sweep.seen)
		return -ENOMEM;
	result = look_through(&sweep);
	if (result == 0) {
		if (sweep.torn != 0)
			cut_torn(&sweep, torn);
		registry_set(&header->device_count, sweep.devices);
		registry_set(&header->removed_slots, sweep.removed);
		registry_set(&header->free_record, 0);
		writer->free_count = 0;
		for (uint64_t number = used - 1; number > 0; number--)
			if (!(sweep.seen[number / 8] & 1u << number % 8))
				registry_record_free(writer, (uint32_t)number);
	}
	free(sweep.seen);
	return result;
}
