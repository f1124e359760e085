/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging states of one particle that can be meant at once: "((a, b?){1,3}){2,4}" has twelve states
 * for a, and behind "a" another one may be of the same inner group or of the next. The usual
 * construction of subsets, where each subset holds states of one particle only. The states have no
 * counters here; every repetition is spelt out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/schema_model.h"

#define TABLE_SIZE 65536u	     /* a power of two, above SCHEMA_POSITIONS_MAX */
#define STEPS_MAX UINT64_C(20000000) /* ways looked at for one type */

/* States by index, ascending. */
struct subset {
	uint32_t *items;
	uint32_t count;
};

struct merger {
	struct schema *schema;
	struct schema_type *type;
	const struct schema_state *states;
	struct schema_array subsets; /* struct subset; index = merged state */
	struct schema_array merged;  /* struct schema_state */
	uint32_t *table;	     /* open addressing: index of subsets + 1, or 0 */
	uint64_t *room;		     /* ways out of a subset: particle and state */
	uint64_t steps;
	uint64_t transitions;
};

__attribute__((noreturn)) static void too_large(struct merger *merger)
{
	schema_fail(merger->schema, -EINVAL, merger->type->node, "the content model is too large");
}

static uint32_t merged_state(struct merger *merger, const uint64_t *ways, uint32_t count)
{
	struct subset *subsets = merger->subsets.items;
	uint64_t hash = count;
	struct schema_state *state;
	struct subset subset;
	uint32_t slot;

	for (uint32_t index = 0; index < count; index++)
		hash = (hash ^ (uint32_t)ways[index]) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 31);
	for (slot = (uint32_t)(hash >> 32);; slot++) {
		uint32_t entry = merger->table[slot % TABLE_SIZE];
		uint32_t same = 0;

		if (entry == 0)
			break;
		if (subsets[entry - 1].count != count)
			continue;
		while (same < count && subsets[entry - 1].items[same] == (uint32_t)ways[same])
			same++;
		if (same == count)
			return entry - 1;
	}
	if (merger->subsets.count > SCHEMA_POSITIONS_MAX)
		too_large(merger);
	subset.items = schema_allocate(merger->schema, count * sizeof(uint32_t));
	subset.count = count;
	for (uint32_t index = 0; index < count; index++)
		subset.items[index] = (uint32_t)ways[index];
	*(struct subset *)schema_append(merger->schema, &merger->subsets, sizeof(subset)) = subset;
	merger->table[slot % TABLE_SIZE] = merger->subsets.count;
	state = schema_append(merger->schema, &merger->merged, sizeof(*state));
	*state = merger->states[subset.items[0]];
	state->accept = false;
	for (uint32_t index = 0; index < count; index++)
		state->accept |= merger->states[subset.items[index]].accept;
	return merger->subsets.count - 1;
}

static int compare_ways(const void *one, const void *other)
{
	uint64_t first = *(const uint64_t *)one;
	uint64_t second = *(const uint64_t *)other;

	return first < second ? -1 : first > second;
}

/* All ways out of a subset, by particle and state, each once. */
static uint32_t gather(struct merger *merger, const struct subset *subset)
{
	uint32_t count = 0;
	uint32_t kept = 0;

	for (uint32_t index = 0; index < subset->count; index++) {
		const struct schema_state *state = &merger->states[subset->items[index]];

		merger->steps += state->next_count;
		if (merger->steps > STEPS_MAX || count + state->next_count > SCHEMA_TRANSITIONS_MAX)
			too_large(merger);
		for (uint32_t next = 0; next < state->next_count; next++)
			merger->room[count++] =
				(uint64_t)merger->states[state->next[next]].particle->number << 32 |
				state->next[next];
	}
	qsort(merger->room, count, sizeof(*merger->room), compare_ways);
	for (uint32_t index = 0; index < count; index++)
		if (index == 0 || merger->room[index] != merger->room[index - 1])
			merger->room[kept++] = merger->room[index];
	return kept;
}

static void follow(struct merger *merger, uint32_t from)
{
	struct subset subset = ((struct subset *)merger->subsets.items)[from];
	struct schema_array next = {0};
	uint32_t count = gather(merger, &subset);
	struct schema_state *state;

	for (uint32_t begin = 0, end; begin < count; begin = end) {
		end = begin;
		while (end < count && merger->room[end] >> 32 == merger->room[begin] >> 32)
			end++;
		if (++merger->transitions > SCHEMA_TRANSITIONS_MAX)
			too_large(merger);
		*(uint32_t *)schema_append(merger->schema, &next, sizeof(uint32_t)) =
			merged_state(merger, merger->room + begin, end - begin);
	}
	state = &((struct schema_state *)merger->merged.items)[from];
	state->next = next.items;
	state->next_count = next.count;
}

void schema_merge(struct schema *schema, struct schema_type *type, struct schema_array *states)
{
	struct merger merger = {.schema = schema, .type = type, .states = states->items};
	uint64_t start = 0;
	uint64_t ways = 0;

	for (uint32_t index = 0; index < states->count; index++)
		ways += merger.states[index].next_count;
	merger.room = schema_allocate(schema, ways * sizeof(*merger.room));
	merger.table = schema_allocate(schema, TABLE_SIZE * sizeof(*merger.table));
	merged_state(&merger, &start, 1);
	for (uint32_t index = 0; index < merger.subsets.count; index++)
		follow(&merger, index);
	*states = merger.merged;
}
