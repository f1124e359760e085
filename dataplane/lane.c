/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/lane.h"

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "dataplane/hash_index.h"

#define NO_USER UINT32_MAX

struct lane_user {
	uint64_t eui;
	struct rte_ring *rings[MW_LANE_COUNT];
	uint32_t occupied[MW_LANE_COUNT];
	uint32_t in_flight[MW_LANE_COUNT];
	bool failing; /* did not take its last delivery */
	/* Neighbours in the circle of users that have something deliverable in this lane;
	 * NO_USER when it has not. */
	uint32_t next[MW_LANE_COUNT], previous[MW_LANE_COUNT];
};

struct lanes {
	uint32_t items_max;
	uint32_t in_flight_max;
	uint32_t free[USERS_MAX]; /* stack of numbers that no user has */
	uint32_t free_count;
	struct hash_index by_eui;
	uint32_t turn[MW_LANE_COUNT];	 /* the user whose turn it is, NO_USER: nobody's */
	uint32_t waiting[MW_LANE_COUNT]; /* of all users */
	struct lane_user users[USERS_MAX];
};

static struct rte_ring *ring_create(uint32_t items_max)
{
	/* RING_F_EXACT_SZ: all items_max places are usable. The ring lives in ordinary memory, so
	 * that lanes work without an EAL (tests, simulation). */
	unsigned places = items_max + 1;
	unsigned size = 1;
	while (size < places)
		size *= 2;
	ssize_t bytes = rte_ring_get_memsize_elem(sizeof(struct pending_reference), size);
	if (bytes < 0)
		return NULL;
	struct rte_ring *ring = aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)bytes);
	if (ring && rte_ring_init(ring, "lane", items_max,
			    RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ) != 0) {
		free(ring);
		return NULL;
	}
	return ring;
}

struct lanes *lanes_create(uint32_t items_max, uint32_t in_flight_max, uint64_t secret)
{
	struct lanes *lanes = calloc(1, sizeof(*lanes));
	if (!lanes || hash_index_create(&lanes->by_eui, USERS_MAX, secret))
		goto fail;
	lanes->items_max = items_max;
	lanes->in_flight_max = in_flight_max;
	for (uint32_t user = 0; user < USERS_MAX; user++)
		lanes->free[user] = USERS_MAX - 1 - user;
	lanes->free_count = USERS_MAX;
	for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++) {
		lanes->turn[lane] = NO_USER;
		for (uint32_t user = 0; user < USERS_MAX; user++) {
			lanes->users[user].rings[lane] = ring_create(items_max);
			if (!lanes->users[user].rings[lane])
				goto fail;
		}
	}
	return lanes;
fail:
	lanes_destroy(lanes);
	errno = ENOMEM;
	return NULL;
}

void lanes_destroy(struct lanes *lanes)
{
	if (!lanes)
		return;
	for (uint32_t user = 0; user < USERS_MAX; user++)
		for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++)
			free(lanes->users[user].rings[lane]);
	hash_index_destroy(&lanes->by_eui);
	free(lanes);
}

/* May another answer of this lane leave for the user? */
static bool deliverable(const struct lanes *lanes, const struct lane_user *user, enum mw_lane lane)
{
	if (rte_ring_empty(user->rings[lane]))
		return false;
	uint32_t all = user->in_flight[MW_LANE_ON_DEMAND] + user->in_flight[MW_LANE_SCHEDULED];
	if (user->failing)
		return all == 0;
	uint32_t kept = lane == MW_LANE_SCHEDULED && lanes->in_flight_max > 1 ? 1 : 0;
	return all + kept < lanes->in_flight_max;
}

static void circle_enter(struct lanes *lanes, uint32_t number, unsigned lane)
{
	struct lane_user *user = &lanes->users[number];
	uint32_t turn = lanes->turn[lane];
	if (turn == NO_USER) {
		user->next[lane] = user->previous[lane] = number;
		lanes->turn[lane] = number;
		return;
	}
	/* Behind everybody who waits already: just before the one whose turn it is. */
	struct lane_user *first = &lanes->users[turn];
	user->next[lane] = turn;
	user->previous[lane] = first->previous[lane];
	lanes->users[first->previous[lane]].next[lane] = number;
	first->previous[lane] = number;
}

static void circle_leave(struct lanes *lanes, uint32_t number, unsigned lane)
{
	struct lane_user *user = &lanes->users[number];
	if (user->next[lane] == number) {
		lanes->turn[lane] = NO_USER;
	} else {
		lanes->users[user->previous[lane]].next[lane] = user->next[lane];
		lanes->users[user->next[lane]].previous[lane] = user->previous[lane];
		if (lanes->turn[lane] == number)
			lanes->turn[lane] = user->next[lane];
	}
	user->next[lane] = user->previous[lane] = NO_USER;
}

/* Bring both circles up to date after something changed for the user. */
static void circles_update(struct lanes *lanes, uint32_t number)
{
	struct lane_user *user = &lanes->users[number];
	for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++) {
		bool in = user->next[lane] != NO_USER;
		bool should = deliverable(lanes, user, lane);
		if (should && !in)
			circle_enter(lanes, number, lane);
		else if (!should && in)
			circle_leave(lanes, number, lane);
	}
}

static uint32_t user_find(struct lanes *lanes, uint64_t eui)
{
	uint32_t hash = hash_index_hash(&lanes->by_eui, &eui, 1);
	uint32_t probe = hash;
	uint32_t number;
	while ((number = hash_index_next(&lanes->by_eui, &probe)) != HASH_INDEX_NONE)
		if (lanes->users[number].eui == eui)
			return number;
	if (lanes->free_count == 0)
		return NO_USER;
	number = lanes->free[--lanes->free_count];
	struct lane_user *user = &lanes->users[number];
	user->eui = eui;
	user->failing = false;
	for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++)
		user->next[lane] = user->previous[lane] = NO_USER;
	hash_index_insert(&lanes->by_eui, hash, number);
	return number;
}

int lanes_reserve(struct lanes *lanes, uint64_t eui, enum mw_lane lane, uint32_t *user)
{
	uint32_t number = user_find(lanes, eui);
	/* Only a user with places is known, so nothing is left behind when there is no room. */
	if (number == NO_USER || lanes->users[number].occupied[lane] == lanes->items_max)
		return -ENOSPC;
	lanes->users[number].occupied[lane]++;
	*user = number;
	return 0;
}

void lanes_put(
	struct lanes *lanes, uint32_t user, enum mw_lane lane, struct pending_reference reference)
{
	int status = rte_ring_sp_enqueue_elem(
		lanes->users[user].rings[lane], &reference, sizeof(reference));
	assert(status == 0); /* the place was reserved */
	(void)status;
	lanes->waiting[lane]++;
	circles_update(lanes, user);
}

bool lanes_next(struct lanes *lanes, struct pending_reference *reference)
{
	for (unsigned lane = 0; lane < MW_LANE_COUNT; lane++) {
		uint32_t number = lanes->turn[lane];
		if (number == NO_USER)
			continue;
		struct lane_user *user = &lanes->users[number];
		int status =
			rte_ring_sc_dequeue_elem(user->rings[lane], reference, sizeof(*reference));
		assert(status == 0); /* only users with something waiting are in the circle */
		(void)status;
		lanes->waiting[lane]--;
		user->in_flight[lane]++;
		lanes->turn[lane] = user->next[lane];
		circles_update(lanes, number);
		return true;
	}
	return false;
}

void lanes_done(struct lanes *lanes, uint32_t user, enum mw_lane lane, bool taken)
{
	assert(lanes->users[user].in_flight[lane] > 0);
	lanes->users[user].in_flight[lane]--;
	lanes->users[user].failing = !taken;
	circles_update(lanes, user);
}

static uint32_t hash_of_user(const void *owner, uint32_t number)
{
	const struct lanes *lanes = owner;
	return hash_index_hash(&lanes->by_eui, &lanes->users[number].eui, 1);
}

/* The user has nothing here any more: its number may go to another. */
static void user_forget(struct lanes *lanes, uint32_t number)
{
	hash_index_remove(&lanes->by_eui, hash_of_user(lanes, number), number, hash_of_user, lanes);
	lanes->free[lanes->free_count++] = number;
}

void lanes_release(struct lanes *lanes, uint32_t user, enum mw_lane lane)
{
	assert(lanes->users[user].occupied[lane] > 0);
	lanes->users[user].occupied[lane]--;
	if (lanes->users[user].occupied[MW_LANE_ON_DEMAND] +
			lanes->users[user].occupied[MW_LANE_SCHEDULED] ==
		0)
		user_forget(lanes, user);
}

uint32_t lanes_waiting(const struct lanes *lanes, enum mw_lane lane)
{
	return lanes->waiting[lane];
}
