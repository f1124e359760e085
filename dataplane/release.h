/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for one provider's windows, and who is next: fair between users, the nearest target
 * response time first within a user, and what an earlier window could not finish before all that is
 * new. Items are numbers, those of the pending table; their places are made at start, so that
 * nothing here allocates.
 *
 * Each user's items are a pairing heap by deadline: putting is one comparison, taking costs the
 * logarithm, and all of a user's items become "carried over" by one meld. Users that have items
 * stand in a ring and take turns.
 *
 * Pure; owned by the traffic lcore.
 */
#ifndef DATAPLANE_RELEASE_H
#define DATAPLANE_RELEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "motorway/timing_record.h"
#include "motorway/window_record.h"

#define RELEASE_NONE UINT32_MAX

/* In which windows something may go. What is to go at once never comes here. */
enum release_kind {
	RELEASE_NOW = MW_WINDOW_CLASS_NOW,
	RELEASE_PEAK = MW_WINDOW_CLASS_PEAK,
	RELEASE_OFF_PEAK = MW_WINDOW_CLASS_OFF_PEAK,
	RELEASE_ANY = MW_WINDOW_CLASS_ANY,
};
#define RELEASE_KINDS 3 /* that wait */

/* The place of one item; one array of these for all providers, an item waits for one at a time. */
struct release_place {
	uint64_t deadline_ns;
	uint32_t child, next, previous; /* in the heap; previous: the parent of a first child */
	uint32_t order;	  /* of two with the same deadline the first to come goes first */
	uint32_t carries; /* how often its kind had been carried over when it was put */
	uint16_t user;
	uint8_t kind;
	bool retry;
};

struct release_queue;

/* A queue for at most `users` users, all of weight 1. `places` (borrowed, one for each item) may be
 * shared by queues. NULL: out of memory. */
struct release_queue *release_create(struct release_place *places, uint32_t users);
void release_destroy(struct release_queue *queue);

/* How many items of a user go when it is its turn, 1 .. 1000. */
void release_set_weight(struct release_queue *queue, uint32_t user, uint32_t weight);

struct release_terms {
	uint64_t deadline_ns; /* when its answer is due */
	uint32_t user;	      /* < users */
	enum release_kind kind;
	bool retry; /* not the first attempt */
};

/* `item` waits from now on; it must wait nowhere else. */
void release_put(struct release_queue *queue, uint32_t item, const struct release_terms *terms);

/* `item`, which waits here, does so no longer. */
void release_remove(struct release_queue *queue, uint32_t item);

/* The next one for a window of `kind` (PEAK or OFF_PEAK), or with `gap` for the gap behind it, in
 * which only retries go. It does not wait any longer. RELEASE_NONE: there is none. */
uint32_t release_take(struct release_queue *queue, enum release_kind kind, bool gap);

/* A window of `kind` begins: whatever may go in it and has waited until now goes first. */
void release_carry_over(struct release_queue *queue, enum release_kind kind);

/* How many wait: all, and those of a kind. */
uint32_t release_count(const struct release_queue *queue);
uint32_t release_count_for(struct release_queue *queue, enum release_kind kind, bool gap);

#endif
