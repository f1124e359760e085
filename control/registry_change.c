/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing an image that readers read.
 *
 * Every record is written between an odd and an even sequence of its own, and a device's chain,
 * besides, between those of its first record. The sequence of a record only grows, also when the
 * record changes hands, so that a reader who still holds its number notices.
 *
 * A device comes into being with the store of its slot, behind everything else, and ends with the
 * slot's removal, before everything else. A slot's device never moves: readers need not look twice.
 *
 * The writer may be killed anywhere. What the processor has executed is then in the image, in the
 * order of the program, so that only the compiler must be kept from changing that order: that is
 * what the fences here (and signal fences, where no reader cares) are for. `writing` tells that the
 * lists may be wrong; registry_sweep() makes them right again.
 */
#include <errno.h>
#include <string.h>

#include "control/registry_write_state.h"

#define BURST 32

/* Where a device is, or where it would come. */
struct place {
	uint64_t slot;
	uint32_t record; /* 0: it is not there */
	bool is_removed_slot;
};

static uint32_t records_needed(const struct registry_write_device *device)
{
	uint32_t count = (device->entry_count + MW_REGISTRY_ENTRIES - 1) / MW_REGISTRY_ENTRIES;

	return count ? count : 1;
}

static int check_device(const struct registry_write_device *device)
{
	if (device->device_id == 0)
		return -EINVAL;
	return device->entry_count > REGISTRY_WRITE_ENTRIES_MAX ? -E2BIG : 0;
}

/* ---- the index ---- */

/* Returns 0 with *place, -ENOSPC when it is not there and cannot come, or -EBADMSG. */
static int find(const struct registry_write *writer, uint64_t device_id, struct place *place)
{
	uint64_t hash = mw_registry_hash(writer->hash_secret, device_id);
	uint64_t tag = mw_registry_tag(hash);
	bool found = false;

	*place = (struct place){.record = 0};
	for (uint32_t distance = 0; distance < MW_REGISTRY_PROBE_MAX; distance++) {
		uint64_t at = (hash + distance) & writer->slot_mask;
		uint64_t slot = registry_get(&writer->slots[at]);
		uint32_t number = (uint32_t)slot;

		if (!found && (slot == 0 || slot == MW_REGISTRY_SLOT_REMOVED)) {
			found = true;
			place->slot = at;
			place->is_removed_slot = slot != 0;
		}
		if (slot == 0)
			return 0;
		if (slot >> 32 != tag)
			continue;
		if (number == 0 || number >= writer->record_capacity)
			return -EBADMSG;
		if (registry_get(&writer->records[number].words[1]) == device_id) {
			*place = (struct place){.slot = at, .record = number};
			return 0;
		}
	}
	return found ? 0 : -ENOSPC;
}

static bool index_has_room(const struct registry_write *writer, const struct place *place)
{
	return place->is_removed_slot ||
	       registry_get(&writer->header->device_count) +
			       registry_get(&writer->header->removed_slots) <
		       registry_slots_max(writer);
}

/* Removed slots in front of a free one are free, too: no probe that passes them finds anything. */
static void remove_slot(struct registry_write *writer, uint64_t at)
{
	uint64_t removed = registry_get(&writer->header->removed_slots);

	if (registry_get(&writer->slots[(at + 1) & writer->slot_mask]) != 0) {
		atomic_store_explicit(
			&writer->slots[at], MW_REGISTRY_SLOT_REMOVED, memory_order_release);
		registry_set(&writer->header->removed_slots, removed + 1);
		return;
	}
	atomic_store_explicit(&writer->slots[at], 0, memory_order_release);
	at = (at - 1) & writer->slot_mask;
	for (; registry_get(&writer->slots[at]) == MW_REGISTRY_SLOT_REMOVED && removed > 0;
		at = (at - 1) & writer->slot_mask) {
		atomic_store_explicit(&writer->slots[at], 0, memory_order_release);
		registry_set(&writer->header->removed_slots, --removed);
	}
}

/* ---- records ---- */

/* From here to record_end() readers keep off. A dead writer's odd sequence stays odd. */
static void record_begin(struct registry_write *writer, uint32_t number)
{
	_Atomic uint64_t *word = &writer->records[number].words[0];

	registry_set(word, registry_get(word) | 1);
	/* Pairs with the reader's acquire fence: who sees a word stored below sees it odd. */
	atomic_thread_fence(memory_order_release);
}

/* Store all words of `record`; its sequence is the next even one. */
static void record_end(
	struct registry_write *writer, uint32_t number, const struct mw_registry_record *record)
{
	struct mw_registry_words *to = &writer->records[number];
	uint32_t sequence = ((uint32_t)registry_get(&to->words[0]) | 1) + 1;
	uint64_t words[MW_REGISTRY_WORDS];

	memcpy(words, record, sizeof(words));
	for (unsigned index = 1; index < MW_REGISTRY_WORDS; index++)
		registry_set(&to->words[index], words[index]);
	/* Pairs with the reader's acquire of word 0. */
	atomic_store_explicit(
		&to->words[0], (uint64_t)record->next << 32 | sequence, memory_order_release);
}

/* The record that allocate() will take next, 0: none. */
static uint64_t next_to_allocate(const struct registry_write *writer)
{
	uint64_t head = registry_get(&writer->header->free_record);
	uint64_t used = registry_get(&writer->header->records_used);

	if (head != 0)
		return head;
	return used < writer->record_capacity ? used : 0;
}

/* Take a record. 0: there is none, or the list is damaged. */
static uint32_t allocate(struct registry_write *writer)
{
	struct mw_registry_header *header = writer->header;
	uint64_t number = next_to_allocate(writer);

	if (number == 0 || number >= writer->record_capacity)
		return 0;
	if (registry_get(&header->free_record) == 0) {
		registry_set(&header->records_used, number + 1);
		return (uint32_t)number;
	}
	/* A free record has no device and is no overflow record of one. */
	if (registry_get(&writer->records[number].words[1]) != 0 || writer->free_count == 0)
		return 0;
	registry_set(&header->free_record, registry_get(&writer->records[number].words[0]) >> 32);
	writer->free_count--;
	return (uint32_t)number;
}

void registry_record_free(struct registry_write *writer, uint32_t number)
{
	struct mw_registry_record empty = {
		.next = (uint32_t)registry_get(&writer->header->free_record),
	};

	record_begin(writer, number);
	record_end(writer, number, &empty);
	registry_set(&writer->header->free_record, number);
	writer->free_count++;
}

/* The records of the chain that begins at `first`. Returns how many, or 0: it is none. */
static uint32_t list_chain(
	const struct registry_write *writer, uint32_t first, uint32_t chain[MW_REGISTRY_CHAIN_MAX])
{
	uint32_t count = 0;

	for (uint64_t number = first; number != 0;
		number = registry_get(&writer->records[number].words[0]) >> 32) {
		if (count == MW_REGISTRY_CHAIN_MAX || number >= writer->record_capacity)
			return 0;
		chain[count++] = (uint32_t)number;
	}
	return count;
}

/* Content of the record at `position` of a chain. */
static void fill_record(const struct registry_write_device *device, uint32_t position,
	uint32_t next, struct mw_registry_record *record)
{
	uint32_t begin = position * MW_REGISTRY_ENTRIES;
	uint32_t count = device->entry_count - begin;

	*record = (struct mw_registry_record){.next = next, .is_overflow = position > 0};
	if (position == 0) {
		record->device_id = device->device_id;
		record->type = device->type;
		record->status = device->status;
		record->generation = device->generation;
		record->provider_id = device->provider_id;
	}
	if (count > MW_REGISTRY_ENTRIES)
		count = MW_REGISTRY_ENTRIES;
	record->entry_count = (uint8_t)count;
	if (count > 0)
		memcpy(record->entries, &device->entries[begin],
			count * sizeof(record->entries[0]));
}

/* Write the device into the records chain[0 .. count). */
static void write_chain(struct registry_write *writer, const struct registry_write_device *device,
	const uint32_t *chain, uint32_t count)
{
	struct mw_registry_record record;

	record_begin(writer, chain[0]);
	for (uint32_t position = count - 1; position > 0; position--) {
		fill_record(
			device, position, position + 1 < count ? chain[position + 1] : 0, &record);
		record_begin(writer, chain[position]);
		record_end(writer, chain[position], &record);
	}
	fill_record(device, 0, count > 1 ? chain[1] : 0, &record);
	record_end(writer, chain[0], &record);
}

/* ---- changes ---- */

static void begin_change(struct registry_write *writer, uint64_t record)
{
	registry_set(&writer->header->writing, record);
	atomic_signal_fence(memory_order_seq_cst);
}

static void end_change(struct registry_write *writer)
{
	atomic_signal_fence(memory_order_seq_cst);
	registry_set(&writer->header->writing, 0);
}

static int insert(struct registry_write *writer, const struct registry_write_device *device,
	const struct place *place)
{
	struct mw_registry_header *header = writer->header;
	uint64_t hash = mw_registry_hash(writer->hash_secret, device->device_id);
	uint32_t chain[MW_REGISTRY_CHAIN_MAX];
	uint32_t needed = records_needed(device);

	if (!index_has_room(writer, place) || registry_records_left(writer) < needed)
		return -ENOSPC;
	begin_change(writer, next_to_allocate(writer));
	for (uint32_t index = 0; index < needed; index++) {
		chain[index] = allocate(writer);
		if (chain[index] == 0)
			return -EBADMSG; /* `writing` stays: the list is wrong */
	}
	write_chain(writer, device, chain, needed);
	/* Pairs with the acquire of the reader's probe: the record is there before its slot. */
	atomic_store_explicit(&writer->slots[place->slot], mw_registry_tag(hash) << 32 | chain[0],
		memory_order_release);
	registry_set(&header->device_count, registry_get(&header->device_count) + 1);
	if (place->is_removed_slot)
		registry_set(&header->removed_slots, registry_get(&header->removed_slots) - 1);
	end_change(writer);
	return 0;
}

/* The chain keeps the records that it still needs, in their order. */
static int replace(
	struct registry_write *writer, const struct registry_write_device *device, uint32_t first)
{
	uint32_t chain[MW_REGISTRY_CHAIN_MAX];
	uint32_t had = list_chain(writer, first, chain);
	uint32_t needed = records_needed(device);

	if (had == 0)
		return -EBADMSG;
	if (needed > had && registry_records_left(writer) < needed - had)
		return -ENOSPC;
	begin_change(writer, first);
	for (uint32_t index = had; index < needed; index++) {
		chain[index] = allocate(writer);
		if (chain[index] == 0)
			return -EBADMSG;
	}
	write_chain(writer, device, chain, needed);
	for (uint32_t index = needed; index < had; index++)
		registry_record_free(writer, chain[index]);
	end_change(writer);
	return 0;
}

int registry_write_put(struct registry_write *writer, const struct registry_write_device *device)
{
	struct place place;
	int result = check_device(device);

	if (result == 0)
		result = find(writer, device->device_id, &place);
	if (result != 0)
		return result;
	if (place.record != 0)
		return replace(writer, device, place.record);
	return insert(writer, device, &place);
}

int registry_write_remove(struct registry_write *writer, uint64_t device_id)
{
	struct mw_registry_header *header = writer->header;
	uint32_t chain[MW_REGISTRY_CHAIN_MAX];
	struct place place;
	uint32_t count;
	int result = device_id == 0 ? -ENOENT : find(writer, device_id, &place);

	if (result != 0)
		return result == -ENOSPC ? -ENOENT : result;
	if (place.record == 0)
		return -ENOENT;
	count = list_chain(writer, place.record, chain);
	if (count == 0)
		return -EBADMSG;
	begin_change(writer, place.record);
	remove_slot(writer, place.slot);
	/* The first record first: a reader who still has it must not believe in its chain. */
	for (uint32_t index = 0; index < count; index++)
		registry_record_free(writer, chain[index]);
	registry_set(&header->device_count, registry_get(&header->device_count) - 1);
	end_change(writer);
	return 0;
}

/* ---- bulk ---- */

/* No reader has it yet: records are copied as they are, and one store at the end (of the header's
 * state, in publish) makes all of them visible. */
static int add_one(struct registry_write *writer, const struct registry_write_device *device)
{
	struct mw_registry_header *header = writer->header;
	uint64_t hash = mw_registry_hash(writer->hash_secret, device->device_id);
	uint64_t used = registry_get(&header->records_used);
	uint32_t needed = records_needed(device);
	struct mw_registry_record record;
	struct place place;
	int result = find(writer, device->device_id, &place);

	if (result != 0)
		return result;
	if (place.record != 0)
		return -EEXIST;
	if (!index_has_room(writer, &place) || writer->record_capacity - used < needed)
		return -ENOSPC;
	for (uint32_t position = 0; position < needed; position++) {
		bool is_last = position + 1 == needed;

		fill_record(
			device, position, is_last ? 0 : (uint32_t)(used + position + 1), &record);
		memcpy(&writer->records[used + position], &record, sizeof(record));
	}
	registry_set(&writer->slots[place.slot], mw_registry_tag(hash) << 32 | used);
	registry_set(&header->records_used, used + needed);
	registry_set(&header->device_count, registry_get(&header->device_count) + 1);
	return 0;
}

int registry_write_add(
	struct registry_write *writer, const struct registry_write_device *devices, size_t count)
{
	assert(!writer->is_published);
	for (size_t begin = 0; begin < count; begin += BURST) {
		size_t end = count - begin < BURST ? count : begin + BURST;

		for (size_t index = begin; index < end; index++) {
			uint64_t hash =
				mw_registry_hash(writer->hash_secret, devices[index].device_id);

			__builtin_prefetch(
				(const void *)&writer->slots[hash & writer->slot_mask], 1);
		}
		for (size_t index = begin; index < end; index++) {
			int result = check_device(&devices[index]);

			if (result == 0)
				result = add_one(writer, &devices[index]);
			if (result != 0)
				return result;
		}
	}
	return 0;
}

/* Fetch the slots of a burst, then the records that they lead to. */
static void fetch_records(
	const struct registry_write *writer, const struct registry_write_more *more, size_t count)
{
	uint64_t hashes[BURST];

	for (size_t index = 0; index < count; index++) {
		hashes[index] = mw_registry_hash(writer->hash_secret, more[index].device_id);
		__builtin_prefetch((const void *)&writer->slots[hashes[index] & writer->slot_mask]);
	}
	for (size_t index = 0; index < count; index++) {
		uint64_t slot = registry_get(&writer->slots[hashes[index] & writer->slot_mask]);
		const struct mw_registry_words *record = &writer->records[(uint32_t)slot];

		/* The next slots are looked at where they are needed: most devices stand in their
		 * first one. */
		if ((uint32_t)slot >= writer->record_capacity)
			continue;
		__builtin_prefetch((const void *)&record->words[0], 1);
		__builtin_prefetch((const void *)&record->words[MW_REGISTRY_WORDS / 2], 1);
	}
}

/* Read the device in the record `first` with its entries. 0 or -EBADMSG. */
static int read_device(const struct registry_write *writer, uint32_t first,
	struct registry_write_device *device, struct mw_registry_entry *entries)
{
	uint32_t chain[MW_REGISTRY_CHAIN_MAX];
	uint32_t count = list_chain(writer, first, chain);
	struct mw_registry_record record;

	for (uint32_t index = count; index-- > 0;) {
		memcpy(&record, (const void *)&writer->records[chain[index]], sizeof(record));
		if (record.entry_count > MW_REGISTRY_ENTRIES ||
			(record.entry_count < MW_REGISTRY_ENTRIES && index + 1 < count))
			return -EBADMSG;
		if (index + 1 == count)
			device->entry_count = index * MW_REGISTRY_ENTRIES + record.entry_count;
		memcpy(entries + (size_t)index * MW_REGISTRY_ENTRIES, record.entries,
			record.entry_count * sizeof(record.entries[0]));
	}
	device->device_id = record.device_id;
	device->type = record.type;
	device->status = record.status;
	device->generation = record.generation;
	device->provider_id = record.provider_id;
	device->entries = entries;
	return count == 0 ? -EBADMSG : 0;
}

static int extend_one(struct registry_write *writer, const struct registry_write_more *more,
	const struct registry_write_join *join)
{
	struct mw_registry_entry entries[2 * REGISTRY_WRITE_ENTRIES_MAX];
	struct registry_write_device device;
	struct mw_registry_record *record;
	struct place place;
	int result = find(writer, more->device_id, &place);

	if (result != 0 || place.record == 0)
		return result == -ENOSPC ? 0 : result;
	record = (void *)&writer->records[place.record];
	if (record->entry_count == 0 && more->entry_count <= MW_REGISTRY_ENTRIES) {
		record->entry_count = (uint8_t)more->entry_count;
		memcpy(record->entries, more->entries,
			more->entry_count * sizeof(more->entries[0]));
		return 0;
	}
	result = read_device(writer, place.record, &device, entries);
	if (result != 0)
		return result;
	memcpy(entries + device.entry_count, more->entries,
		more->entry_count * sizeof(more->entries[0]));
	device.entry_count = (uint32_t)join->join(
		join->argument, more->device_id, entries, device.entry_count + more->entry_count);
	assert(device.entry_count <= REGISTRY_WRITE_ENTRIES_MAX);
	return replace(writer, &device, place.record);
}

int registry_write_extend(struct registry_write *writer, const struct registry_write_more *more,
	size_t count, const struct registry_write_join *join)
{
	assert(!writer->is_published);
	for (size_t begin = 0; begin < count; begin += BURST) {
		size_t end = count - begin < BURST ? count : begin + BURST;

		fetch_records(writer, more + begin, end - begin);
		for (size_t index = begin; index < end; index++) {
			int result = more[index].entry_count > REGISTRY_WRITE_ENTRIES_MAX
					     ? -E2BIG
					     : extend_one(writer, &more[index], join);

			if (result != 0)
				return result;
		}
	}
	return 0;
}
