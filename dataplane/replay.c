/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/replay.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/hash_index.h"

/* Two bits a counter, 32 counters a word. */
#define USED_AS_TRANSFORM 1u
#define USED_AS_COMMAND 2u
#define COUNTERS_PER_WORD 32u

struct replay_entry {
	uint64_t originator;
	uint64_t target; /* 0 when the scope is the originator */
	uint64_t highest;
};

struct replay {
	struct replay_limits limits;
	struct hash_index index;
	struct replay_entry *entries;
	uint64_t *used; /* of each entry `window` pairs of bits; counter modulo window is the place
			 */
	uint32_t count;
};

struct replay *replay_create(const struct replay_limits *limits)
{
	assert(limits->window >= 64 && (limits->window & (limits->window - 1)) == 0);
	assert(limits->scopes_max > 0);
	struct replay *replay = calloc(1, sizeof(*replay));
	if (!replay)
		return NULL;
	replay->limits = *limits;
	replay->entries = calloc(limits->scopes_max, sizeof(*replay->entries));
	replay->used = calloc((size_t)limits->scopes_max * (limits->window / COUNTERS_PER_WORD),
		sizeof(uint64_t));
	if (!replay->entries || !replay->used ||
		hash_index_create(&replay->index, limits->scopes_max, limits->secret) != 0) {
		replay_destroy(replay);
		errno = ENOMEM;
		return NULL;
	}
	return replay;
}

void replay_destroy(struct replay *replay)
{
	if (!replay)
		return;
	hash_index_destroy(&replay->index);
	free(replay->entries);
	free(replay->used);
	free(replay);
}

static uint64_t target_of(const struct replay *replay, const struct mw_request_id *id)
{
	return replay->limits.scope == REPLAY_ORIGINATOR_TARGET ? id->target : 0;
}

static uint32_t hash_of(const struct replay *replay, const struct mw_request_id *id)
{
	const uint64_t words[2] = {id->originator, target_of(replay, id)};
	return hash_index_hash(&replay->index, words, 2);
}

static struct replay_entry *find(const struct replay *replay, const struct mw_request_id *id)
{
	uint32_t probe = hash_of(replay, id);
	uint32_t number;
	while ((number = hash_index_next(&replay->index, &probe)) != HASH_INDEX_NONE) {
		struct replay_entry *entry = &replay->entries[number];
		if (entry->originator == id->originator && entry->target == target_of(replay, id))
			return entry;
	}
	return NULL;
}

static uint64_t *words_of(const struct replay *replay, const struct replay_entry *entry)
{
	return replay->used +
	       (size_t)(entry - replay->entries) * (replay->limits.window / COUNTERS_PER_WORD);
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
		return replay->count < replay->limits.scopes_max ? REPLAY_FRESH : REPLAY_FULL;
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
 * the counters entry->highest + 1 .. highest. */
static void advance(const struct replay *replay, struct replay_entry *entry, uint64_t highest)
{
	uint64_t *words = words_of(replay, entry);
	uint64_t step = highest - entry->highest;
	if (step >= replay->limits.window) {
		memset(words, 0, replay->limits.window / COUNTERS_PER_WORD * sizeof(*words));
	} else {
		for (uint64_t counter = entry->highest + 1; step > 0; counter++, step--) {
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
	entry->highest = highest;
}

void replay_accept(struct replay *replay, const struct mw_request_id *id, uint8_t command_variant)
{
	struct replay_entry *entry = find(replay, id);
	if (!entry) {
		assert(replay->count < replay->limits.scopes_max);
		hash_index_insert(&replay->index, hash_of(replay, id), replay->count);
		entry = &replay->entries[replay->count++];
		*entry = (struct replay_entry){.originator = id->originator,
			.target = target_of(replay, id),
			.highest = id->counter};
	} else if (id->counter > entry->highest) {
		advance(replay, entry, id->counter);
	}
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

uint32_t replay_scopes(const struct replay *replay)
{
	return replay->count;
}
