/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/replay.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/hash_index.h"
#include "dataplane/replay_table.h"

#define USED_AS_TRANSFORM 1u
#define USED_AS_COMMAND 2u
#define COUNTERS_PER_WORD REPLAY_COUNTERS_PER_WORD

struct replay {
	struct replay_limits limits;
	struct hash_index index;
	struct replay_table table;
	uint32_t *free; /* stack of entries that are not in use, the lowest on top at first */
	uint32_t free_count;
};

static uint64_t target_of(const struct replay *replay, const struct mw_request_id *id)
{
	return replay->limits.scope == REPLAY_ORIGINATOR_TARGET ? id->target : 0;
}

static uint32_t replay_hash(const struct replay *replay, const struct mw_request_id *id)
{
	const uint64_t words[2] = {id->originator, target_of(replay, id)};
	return hash_index_hash(&replay->index, words, 2);
}

static bool limits_valid(const struct replay_limits *limits)
{
	return limits->window >= 64 && (limits->window & (limits->window - 1)) == 0 &&
	       limits->scopes_max > 0;
}

/* Index the entries in use of replay->table. */
static struct replay *begin(struct replay *replay)
{
	const uint32_t size = replay->limits.scopes_max;
	replay->free = calloc(size, sizeof(*replay->free));
	if (!replay->free || hash_index_create(&replay->index, size, replay->limits.secret) != 0) {
		replay_destroy(replay);
		errno = ENOMEM;
		return NULL;
	}
	for (uint32_t number = size; number-- > 0;) {
		const struct replay_entry *entry = &replay->table.entries[number];
		const struct mw_request_id id = {entry->originator, entry->target, 0};
		if (!entry->in_use)
			replay->free[replay->free_count++] = number;
		else
			hash_index_insert(&replay->index, replay_hash(replay, &id), number);
	}
	return replay;
}

struct replay *replay_create(const struct replay_limits *limits)
{
	assert(limits_valid(limits));
	struct replay *replay = calloc(1, sizeof(*replay));
	if (!replay)
		return NULL;
	replay->limits = *limits;
	if (replay_table_create(&replay->table, limits) != 0) {
		replay_destroy(replay);
		errno = ENOMEM;
		return NULL;
	}
	return begin(replay);
}

struct replay *replay_open(
	const struct replay_limits *limits, const char *path, struct replay_told *told)
{
	assert(limits_valid(limits));
	*told = (struct replay_told){.reason = "no memory"};
	struct replay *replay = calloc(1, sizeof(*replay));
	if (!replay)
		return NULL;
	replay->limits = *limits;
	if (replay_table_open(&replay->table, limits, path, told) != 0) {
		int error = errno;
		replay_destroy(replay);
		errno = error;
		return NULL;
	}
	return begin(replay);
}

void replay_destroy(struct replay *replay)
{
	if (!replay)
		return;
	hash_index_destroy(&replay->index);
	replay_table_close(&replay->table);
	free(replay->free);
	free(replay);
}

static struct replay_entry *find(const struct replay *replay, const struct mw_request_id *id)
{
	uint32_t probe = replay_hash(replay, id);
	uint32_t number;
	while ((number = hash_index_next(&replay->index, &probe)) != HASH_INDEX_NONE) {
		struct replay_entry *entry = &replay->table.entries[number];
		if (entry->originator == id->originator && entry->target == target_of(replay, id))
			return entry;
	}
	return NULL;
}

static uint64_t *words_of(const struct replay *replay, const struct replay_entry *entry)
{
	return replay_table_words(
		&replay->table, &replay->limits, (uint32_t)(entry - replay->table.entries));
}

static unsigned used_get(const struct replay *replay, const uint64_t *words, uint64_t counter)
{
	uint64_t place = counter & (replay->limits.window - 1);
	return words[place / COUNTERS_PER_WORD] >> place % COUNTERS_PER_WORD * 2 & 3;
}

static bool is_pre_command(uint8_t command_variant)
{
	return command_variant >= 5 && command_variant <= 7;
}

enum replay_verdict replay_check(
	const struct replay *replay, const struct mw_request_id *id, uint8_t command_variant)
{
	const struct replay_entry *entry = find(replay, id);
	if (!entry)
		return replay->free_count > 0 ? REPLAY_FRESH : REPLAY_FULL;
	if (id->counter > entry->highest)
		return REPLAY_FRESH;
	if (entry->highest - id->counter >= replay->limits.window)
		return REPLAY_OLD;
	unsigned spent = USED_AS_COMMAND;
	if (!is_pre_command(command_variant))
		spent |= USED_AS_TRANSFORM;
	return used_get(replay, words_of(replay, entry), id->counter) & spent ? REPLAY_REPEATED
									      : REPLAY_FRESH;
}

/* Forget the counters that leave the window when `highest` grows: their places are taken over by
 * the counters entry->highest + 1 .. highest. The mark is moved before they are forgotten: should
 * the process end between the two, some of the new counters count as used (they are refused), and
 * none that was used counts as new. */
static void advance(const struct replay *replay, struct replay_entry *entry, uint64_t highest)
{
	uint64_t *words = words_of(replay, entry);
	uint64_t first = entry->highest + 1;
	uint64_t step = highest - entry->highest;
	entry->highest = highest;
	atomic_signal_fence(memory_order_seq_cst);
	if (step >= replay->limits.window) {
		memset(words, 0, replay->limits.window / COUNTERS_PER_WORD * sizeof(*words));
	} else {
		for (uint64_t counter = first; step > 0; counter++, step--) {
			uint64_t place = counter & (replay->limits.window - 1);
			if (place % COUNTERS_PER_WORD == 0 && step >= COUNTERS_PER_WORD) {
				words[place / COUNTERS_PER_WORD] = 0;
				counter += COUNTERS_PER_WORD - 1;
				step -= COUNTERS_PER_WORD - 1;
				continue;
			}
			words[place / COUNTERS_PER_WORD] &=
				~(3ull << place % COUNTERS_PER_WORD * 2);
		}
	}
}

/* An entry that is not in use becomes that of `id`; it counts when everything else of it is there.
 */
static struct replay_entry *take(struct replay *replay, const struct mw_request_id *id)
{
	assert(replay->free_count > 0);
	uint32_t number = replay->free[--replay->free_count];
	struct replay_entry *entry = &replay->table.entries[number];
	memset(words_of(replay, entry), 0,
		replay->limits.window / COUNTERS_PER_WORD * sizeof(uint64_t));
	entry->originator = id->originator;
	entry->target = target_of(replay, id);
	entry->highest = id->counter;
	atomic_signal_fence(memory_order_seq_cst);
	entry->in_use = 1;
	hash_index_insert(&replay->index, replay_hash(replay, id), number);
	return entry;
}

void replay_accept(struct replay *replay, const struct mw_request_id *id, uint8_t command_variant)
{
	struct replay_entry *entry = find(replay, id);
	if (!entry)
		entry = take(replay, id);
	else if (id->counter > entry->highest)
		advance(replay, entry, id->counter);
	assert(entry->highest - id->counter < replay->limits.window);
	uint64_t place = id->counter & (replay->limits.window - 1);
	uint64_t bits = command_variant == 4 ? USED_AS_TRANSFORM : USED_AS_COMMAND;
	words_of(replay, entry)[place / COUNTERS_PER_WORD] |= bits << place % COUNTERS_PER_WORD * 2;
}

bool replay_highest(const struct replay *replay, const struct mw_request_id *id, uint64_t *counter)
{
	const struct replay_entry *entry = find(replay, id);
	*counter = entry ? entry->highest : 0;
	return entry != NULL;
}

static uint32_t hash_of_entry(const void *owner, uint32_t number)
{
	const struct replay *replay = owner;
	const struct replay_entry *entry = &replay->table.entries[number];
	const struct mw_request_id id = {entry->originator, entry->target, 0};
	return replay_hash(replay, &id);
}

static void release(struct replay *replay, uint32_t number)
{
	hash_index_remove(
		&replay->index, hash_of_entry(replay, number), number, hash_of_entry, replay);
	replay->table.entries[number].in_use = 0;
	replay->free[replay->free_count++] = number;
}

uint32_t replay_forget(struct replay *replay, uint64_t originator, uint64_t *highest)
{
	uint32_t count = 0;
	*highest = 0;
	for (uint32_t number = 0; number < replay->limits.scopes_max; number++) {
		const struct replay_entry *entry = &replay->table.entries[number];
		if (!entry->in_use || entry->originator != originator)
			continue;
		if (entry->highest > *highest)
			*highest = entry->highest;
		release(replay, number);
		count++;
	}
	return count;
}

uint32_t replay_scopes(const struct replay *replay)
{
	return replay->limits.scopes_max - replay->free_count;
}
