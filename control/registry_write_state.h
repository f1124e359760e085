/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the registry image's writer share. */
#ifndef CONTROL_REGISTRY_WRITE_STATE_H
#define CONTROL_REGISTRY_WRITE_STATE_H

#include "control/registry_write.h"

struct registry_write {
	struct mw_registry_header *header;
	_Atomic uint64_t *slots;
	struct mw_registry_words *records;
	uint64_t slot_mask;
	uint64_t record_capacity;
	uint64_t hash_secret;
	uint64_t free_count; /* records on the list of free ones */
	uint64_t bytes;
	int file;
	bool is_published;
	bool is_repaired;
	char *path;
	char *temporary; /* the name it is built under */
};

/* The image's numbers have one writer, us: plain reading and writing of atomics. */
static inline uint64_t registry_get(const _Atomic uint64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

static inline void registry_set(_Atomic uint64_t *number, uint64_t value)
{
	atomic_store_explicit(number, value, memory_order_relaxed);
}

/* Slots in use or removed that there may be at most: probes stay short. */
static inline uint64_t registry_slots_max(const struct registry_write *writer)
{
	return (writer->slot_mask + 1) / 8 * 7;
}

/* Records that could be taken. */
static inline uint64_t registry_records_left(const struct registry_write *writer)
{
	return writer->record_capacity - registry_get(&writer->header->records_used) +
	       writer->free_count;
}

/* Put a record on the list of free ones. */
void registry_record_free(struct registry_write *writer, uint32_t number);

/* Look through the whole image, count again what can be counted, put every record that no device
 * uses on the list of free ones. *torn is the device in whose midst a writer died, or 0. Returns 0,
 * -EBADMSG (damaged) or -ENOMEM. */
int registry_sweep(struct registry_write *writer, uint64_t *torn);

#endif
