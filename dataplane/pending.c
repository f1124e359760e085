/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/pending.h"

#include <string.h>

static uint32_t entry_number(const struct pending_table *table, const struct pending *entry)
{
	return (uint32_t)(entry - table->entries);
}

static uint32_t id_hash(const struct hash_index *index, const struct mw_request_id *id)
{
	uint64_t words[3] = {id->originator, id->target, id->counter};
	return hash_index_hash(index, words, 3);
}

static uint32_t hash_of_entry(const void *owner, uint32_t entry)
{
	const struct pending_table *table = owner;
	return id_hash(&table->by_request_id, &table->entries[entry].terms.request_id);
}

int pending_create(struct pending_table *table, uint32_t size, uint64_t secret)
{
	memset(table, 0, sizeof(*table));
	table->size = size;
	table->entries = calloc(size, sizeof(*table->entries));
	table->free = calloc(size, sizeof(*table->free));
	table->heap = calloc(size, sizeof(*table->heap));
	if (!table->entries || !table->free || !table->heap ||
		hash_index_create(&table->by_request_id, size, secret)) {
		pending_destroy(table);
		return -ENOMEM;
	}
	/* The lowest numbers are taken first, so that a quiet gateway touches little memory. */
	for (uint32_t i = 0; i < size; i++)
		table->free[i] = size - 1 - i;
	table->free_count = size;
	return 0;
}

void pending_destroy(struct pending_table *table)
{
	free(table->entries);
	free(table->free);
	free(table->heap);
	hash_index_destroy(&table->by_request_id);
	memset(table, 0, sizeof(*table));
}

struct pending *pending_take(struct pending_table *table, const struct mw_request_id *id)
{
	if (table->free_count == 0)
		return NULL;
	uint32_t number = table->free[--table->free_count];
	struct pending *entry = &table->entries[number];
	uint32_t generation = entry->generation;
	memset(entry, 0, sizeof(*entry));
	entry->generation = generation;
	entry->terms.request_id = *id;
	entry->queue_next = entry->queue_previous = PENDING_NONE;
	entry->timer_position = PENDING_NONE;
	hash_index_insert(&table->by_request_id, id_hash(&table->by_request_id, id), number);
	return entry;
}

void pending_release(struct pending_table *table, struct pending *entry)
{
	uint32_t number = entry_number(table, entry);
	assert(entry->state != PENDING_FREE);
	pending_timer_stop(table, entry);
	hash_index_remove(
		&table->by_request_id, hash_of_entry(table, number), number, hash_of_entry, table);
	entry->state = PENDING_FREE;
	entry->generation++;
	table->free[table->free_count++] = number;
}

struct pending *pending_find(struct pending_table *table, const struct mw_request_id *id)
{
	uint32_t probe = id_hash(&table->by_request_id, id);
	uint32_t number;
	while ((number = hash_index_next(&table->by_request_id, &probe)) != HASH_INDEX_NONE) {
		const struct mw_request_id *other = &table->entries[number].terms.request_id;
		if (other->originator == id->originator && other->target == id->target &&
			other->counter == id->counter)
			return &table->entries[number];
	}
	return NULL;
}

struct pending_reference pending_refer(
	const struct pending_table *table, const struct pending *entry)
{
	return (struct pending_reference){
		.index = entry_number(table, entry), .generation = entry->generation};
}

struct pending *pending_resolve(struct pending_table *table, struct pending_reference reference)
{
	if (reference.index >= table->size)
		return NULL;
	struct pending *entry = &table->entries[reference.index];
	if (entry->generation != reference.generation || entry->state == PENDING_FREE)
		return NULL;
	return entry;
}

uint32_t pending_count(const struct pending_table *table)
{
	return table->size - table->free_count;
}

static uint64_t heap_time(const struct pending_table *table, uint32_t position)
{
	return table->entries[table->heap[position]].timer_ns;
}

static void heap_put(struct pending_table *table, uint32_t position, uint32_t number)
{
	table->heap[position] = number;
	table->entries[number].timer_position = position;
}

/* Move the entry at `position` to where its time belongs. */
static void heap_settle(struct pending_table *table, uint32_t position)
{
	uint32_t number = table->heap[position];
	uint64_t when_ns = table->entries[number].timer_ns;
	while (position > 0 && heap_time(table, (position - 1) / 2) > when_ns) {
		heap_put(table, position, table->heap[(position - 1) / 2]);
		position = (position - 1) / 2;
	}
	for (;;) {
		uint32_t child = position * 2 + 1;
		if (child >= table->heap_count)
			break;
		if (child + 1 < table->heap_count &&
			heap_time(table, child + 1) < heap_time(table, child))
			child++;
		if (heap_time(table, child) >= when_ns)
			break;
		heap_put(table, position, table->heap[child]);
		position = child;
	}
	heap_put(table, position, number);
}

void pending_timer_set(struct pending_table *table, struct pending *entry, uint64_t when_ns)
{
	entry->timer_ns = when_ns;
	if (entry->timer_position == PENDING_NONE)
		heap_put(table, table->heap_count++, entry_number(table, entry));
	heap_settle(table, entry->timer_position);
}

void pending_timer_stop(struct pending_table *table, struct pending *entry)
{
	uint32_t position = entry->timer_position;
	if (position == PENDING_NONE)
		return;
	entry->timer_position = PENDING_NONE;
	uint32_t last = table->heap[--table->heap_count];
	if (position == table->heap_count)
		return;
	heap_put(table, position, last);
	heap_settle(table, position);
}

struct pending *pending_timer_expired(struct pending_table *table, uint64_t now_ns)
{
	if (table->heap_count == 0 || heap_time(table, 0) > now_ns)
		return NULL;
	struct pending *entry = &table->entries[table->heap[0]];
	pending_timer_stop(table, entry);
	return entry;
}

void pending_queue_append(
	struct pending_table *table, struct pending_queue *queue, struct pending *entry)
{
	uint32_t number = pending_refer(table, entry).index;
	entry->queue_next = PENDING_NONE;
	entry->queue_previous = queue->tail;
	if (queue->tail == PENDING_NONE)
		queue->head = number;
	else
		table->entries[queue->tail].queue_next = number;
	queue->tail = number;
	queue->count++;
}

void pending_queue_remove(
	struct pending_table *table, struct pending_queue *queue, struct pending *entry)
{
	assert(queue->count > 0);
	if (entry->queue_previous == PENDING_NONE)
		queue->head = entry->queue_next;
	else
		table->entries[entry->queue_previous].queue_next = entry->queue_next;
	if (entry->queue_next == PENDING_NONE)
		queue->tail = entry->queue_previous;
	else
		table->entries[entry->queue_next].queue_previous = entry->queue_previous;
	entry->queue_next = entry->queue_previous = PENDING_NONE;
	queue->count--;
}
