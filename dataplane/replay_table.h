/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of the replay filter: entries, and the used counters of each. It lies in the process,
 * or in a file that is mapped and written as memory is, so that it outlives the process:
 *
 *     header | entries | used counters
 *
 * Whoever dies has done all that stood before, and nothing behind (doc/registry.md): so an entry
 * counts by the one word `in_use`, which is written last. Private to replay*.c.
 */
#ifndef DATAPLANE_REPLAY_TABLE_H
#define DATAPLANE_REPLAY_TABLE_H

#include <stddef.h>

#include "dataplane/replay.h"

#define REPLAY_COUNTERS_PER_WORD 32u /* two bits each */

struct replay_entry {
	uint64_t originator;
	uint64_t target; /* 0 when the scope is the originator */
	uint64_t highest;
	uint64_t in_use; /* 0 or 1 */
};

struct replay_table {
	struct replay_entry *entries; /* limits.scopes_max */
	uint64_t *used; /* of each entry `window` pairs of bits; counter modulo window is the place
			 */
	void *mapping;	/* NULL: the memory is the process's */
	uint64_t bytes;
	int fd; /* of the file, locked */
};

/* 0 or -ENOMEM. */
int replay_table_create(struct replay_table *table, const struct replay_limits *limits);

/* As replay_open(). 0, or -1 with errno and told->reason. */
int replay_table_open(struct replay_table *table, const struct replay_limits *limits,
	const char *path, struct replay_told *told);

void replay_table_close(struct replay_table *table);

/* The used counters of entry `number`. */
static inline uint64_t *replay_table_words(
	const struct replay_table *table, const struct replay_limits *limits, uint32_t number)
{
	return table->used + (size_t)number * (limits->window / REPLAY_COUNTERS_PER_WORD);
}

#endif
