/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue has a room for each kind of window, and in it two sets: what was carried over and what is
 * new. A set has two heaps a user, first attempts and retries, and a ring of the users in it for
 * each of the two. In a window a user's turn gives the nearer of its two deadlines; in a gap the
 * retry.
 */
#include "dataplane/release.h"

#include <assert.h>
#include <stdlib.h>

enum {
	FIRST,
	RETRY,
	ATTEMPT_COUNT
};
enum {
	CARRIED,
	FRESH,
	AGE_COUNT
};

struct set {
	uint32_t *roots[ATTEMPT_COUNT]; /* by user: heaps of items */
	uint32_t *next;			/* ring of the users with items: the one behind a user */
	uint32_t *previous;
	uint32_t turn; /* whose turn it is, RELEASE_NONE: the ring is empty */
	uint32_t served;
	uint32_t counts[ATTEMPT_COUNT];
};

struct release_queue {
	struct release_place *places;
	uint32_t users;
	uint16_t *weights;
	struct set sets[RELEASE_KINDS][AGE_COUNT]; /* of kind - RELEASE_PEAK */
	uint32_t carries[RELEASE_KINDS];
	uint32_t order;		  /* of the next item */
	uint32_t count;		  /* of all sets */
	bool any_next[AGE_COUNT]; /* those that go in any window and those of one kind take turns */
	uint32_t *memory;	  /* behind all sets */
};

#define ARRAYS_OF_SET (ATTEMPT_COUNT + 2)

struct release_queue *release_create(struct release_place *places, uint32_t users)
{
	struct release_queue *queue = calloc(1, sizeof(*queue));
	size_t words = (size_t)RELEASE_KINDS * AGE_COUNT * ARRAYS_OF_SET * users;

	assert(users > 0 && users <= UINT16_MAX);
	if (!queue)
		return NULL;
	queue->places = places;
	queue->users = users;
	queue->weights = malloc(users * sizeof(*queue->weights));
	queue->memory = malloc(words * sizeof(*queue->memory));
	if (!queue->weights || !queue->memory) {
		release_destroy(queue);
		return NULL;
	}
	for (uint32_t user = 0; user < users; user++)
		queue->weights[user] = 1;
	for (size_t word = 0; word < words; word++)
		queue->memory[word] = RELEASE_NONE;
	uint32_t *at = queue->memory;
	for (unsigned number = 0; number < RELEASE_KINDS * AGE_COUNT; number++) {
		struct set *set = &queue->sets[number / AGE_COUNT][number % AGE_COUNT];
		set->turn = RELEASE_NONE;
		set->roots[FIRST] = at;
		set->roots[RETRY] = at + users;
		set->next = at + 2 * (size_t)users;
		set->previous = at + 3 * (size_t)users;
		at += ARRAYS_OF_SET * (size_t)users;
	}
	return queue;
}

void release_destroy(struct release_queue *queue)
{
	if (!queue)
		return;
	free(queue->weights);
	free(queue->memory);
	free(queue);
}

void release_set_weight(struct release_queue *queue, uint32_t user, uint32_t weight)
{
	assert(user < queue->users && weight >= 1 && weight <= 1000);
	queue->weights[user] = (uint16_t)weight;
}

static bool is_before(const struct release_place *one, const struct release_place *other)
{
	if (one->deadline_ns != other->deadline_ns)
		return one->deadline_ns < other->deadline_ns;
	return (int32_t)(one->order - other->order) < 0;
}

/* One heap of two, each a root or RELEASE_NONE. */
static uint32_t meld(struct release_place *places, uint32_t one, uint32_t other)
{
	if (one == RELEASE_NONE)
		return other;
	if (other == RELEASE_NONE)
		return one;
	if (is_before(&places[other], &places[one])) {
		uint32_t swap = one;
		one = other;
		other = swap;
	}
	uint32_t child = places[one].child;
	places[other].next = child;
	places[other].previous = one;
	if (child != RELEASE_NONE)
		places[child].previous = other;
	places[one].child = other;
	return one;
}

/* One heap of the siblings from `first` on: in pairs from the left, then together from the right.
 */
static uint32_t meld_siblings(struct release_place *places, uint32_t first)
{
	uint32_t pairs = RELEASE_NONE; /* a stack, by next */
	uint32_t root = RELEASE_NONE;

	while (first != RELEASE_NONE) {
		uint32_t one = first;
		uint32_t other = places[one].next;
		first = other == RELEASE_NONE ? RELEASE_NONE : places[other].next;
		places[one].next = places[one].previous = RELEASE_NONE;
		if (other != RELEASE_NONE)
			places[other].next = places[other].previous = RELEASE_NONE;
		uint32_t pair = meld(places, one, other);
		places[pair].next = pairs;
		pairs = pair;
	}
	while (pairs != RELEASE_NONE) {
		uint32_t pair = pairs;
		pairs = places[pair].next;
		places[pair].next = places[pair].previous = RELEASE_NONE;
		root = meld(places, root, pair);
	}
	return root;
}

static bool in_ring(const struct set *set, uint32_t user)
{
	return set->next[user] != RELEASE_NONE;
}

/* Behind all others, as seen from whose turn it is. */
static void ring_join(struct set *set, uint32_t user)
{
	if (set->turn == RELEASE_NONE) {
		set->next[user] = set->previous[user] = user;
		set->turn = user;
		set->served = 0;
		return;
	}
	uint32_t last = set->previous[set->turn];
	set->next[last] = user;
	set->previous[user] = last;
	set->next[user] = set->turn;
	set->previous[set->turn] = user;
}

static void ring_pass(struct set *set)
{
	set->turn = set->next[set->turn];
	set->served = 0;
}

static void ring_leave(struct set *set, uint32_t user)
{
	if (set->turn == user)
		ring_pass(set);
	if (set->turn == user)
		set->turn = RELEASE_NONE;
	set->next[set->previous[user]] = set->next[user];
	set->previous[set->next[user]] = set->previous[user];
	set->next[user] = set->previous[user] = RELEASE_NONE;
}

static void leave_when_empty(struct set *set, uint32_t user)
{
	if (set->roots[FIRST][user] == RELEASE_NONE && set->roots[RETRY][user] == RELEASE_NONE)
		ring_leave(set, user);
}

static struct set *sets_of(struct release_queue *queue, unsigned kind)
{
	assert(kind >= RELEASE_PEAK && kind <= RELEASE_ANY);
	return queue->sets[kind - RELEASE_PEAK];
}

void release_put(struct release_queue *queue, uint32_t item, const struct release_terms *terms)
{
	struct set *set = &sets_of(queue, terms->kind)[FRESH];
	struct release_place *place = &queue->places[item];
	uint32_t *root = &set->roots[terms->retry ? RETRY : FIRST][terms->user];

	assert(terms->user < queue->users);
	*place = (struct release_place){
		.deadline_ns = terms->deadline_ns,
		.child = RELEASE_NONE,
		.next = RELEASE_NONE,
		.previous = RELEASE_NONE,
		.order = queue->order++,
		.carries = queue->carries[terms->kind - RELEASE_PEAK],
		.user = (uint16_t)terms->user,
		.kind = (uint8_t)terms->kind,
		.retry = terms->retry,
	};
	*root = meld(queue->places, *root, item);
	set->counts[terms->retry ? RETRY : FIRST]++;
	queue->count++;
	if (!in_ring(set, terms->user))
		ring_join(set, terms->user);
}

/* Take the root off a user's heap. */
static uint32_t take_root(struct release_queue *queue, struct set *set, int attempt, uint32_t user)
{
	uint32_t item = set->roots[attempt][user];

	set->roots[attempt][user] = meld_siblings(queue->places, queue->places[item].child);
	set->counts[attempt]--;
	queue->count--;
	return item;
}

/* The set that `item` waits in. */
static struct set *set_of(struct release_queue *queue, uint32_t item)
{
	const struct release_place *place = &queue->places[item];
	bool carried = place->carries != queue->carries[place->kind - RELEASE_PEAK];

	return &sets_of(queue, place->kind)[carried ? CARRIED : FRESH];
}

void release_remove(struct release_queue *queue, uint32_t item)
{
	struct release_place *places = queue->places;
	struct release_place *place = &places[item];
	struct set *set = set_of(queue, item);
	int attempt = place->retry ? RETRY : FIRST;
	uint32_t *root = &set->roots[attempt][place->user];

	if (*root == item) {
		take_root(queue, set, attempt, place->user);
	} else {
		if (places[place->previous].child == item)
			places[place->previous].child = place->next;
		else
			places[place->previous].next = place->next;
		if (place->next != RELEASE_NONE)
			places[place->next].previous = place->previous;
		*root = meld(places, *root, meld_siblings(places, place->child));
		set->counts[attempt]--;
		queue->count--;
	}
	leave_when_empty(set, place->user);
}

/* Which of a user's two heaps its turn takes from; ATTEMPT_COUNT: neither. */
static int attempt_of(
	const struct release_queue *queue, const struct set *set, uint32_t user, bool gap)
{
	uint32_t first = set->roots[FIRST][user];
	uint32_t retry = set->roots[RETRY][user];

	if (retry == RELEASE_NONE)
		return gap ? ATTEMPT_COUNT : FIRST;
	if (gap || first == RELEASE_NONE)
		return RETRY;
	return is_before(&queue->places[retry], &queue->places[first]) ? RETRY : FIRST;
}

static uint32_t set_take(struct release_queue *queue, struct set *set, bool gap)
{
	if (set->turn == RELEASE_NONE || (gap && set->counts[RETRY] == 0))
		return RELEASE_NONE;
	uint32_t user = set->turn;
	int attempt;
	while ((attempt = attempt_of(queue, set, user, gap)) == ATTEMPT_COUNT) {
		ring_pass(set);
		user = set->turn;
	}
	uint32_t item = take_root(queue, set, attempt, user);
	if (++set->served >= queue->weights[user])
		ring_pass(set);
	leave_when_empty(set, user);
	return item;
}

uint32_t release_take(struct release_queue *queue, enum release_kind kind, bool gap)
{
	assert(kind == RELEASE_PEAK || kind == RELEASE_OFF_PEAK);
	for (int age = CARRIED; age < AGE_COUNT; age++) {
		bool any = queue->any_next[age];
		for (unsigned tries = 0; tries < 2; tries++, any = !any) {
			enum release_kind from = any ? RELEASE_ANY : kind;
			uint32_t item = set_take(queue, &sets_of(queue, from)[age], gap);
			if (item == RELEASE_NONE)
				continue;
			queue->any_next[age] = !any;
			return item;
		}
	}
	return RELEASE_NONE;
}

static void carry(struct release_queue *queue, enum release_kind kind)
{
	struct set *fresh = &sets_of(queue, kind)[FRESH];
	struct set *carried = &sets_of(queue, kind)[CARRIED];

	queue->carries[kind - RELEASE_PEAK]++;
	while (fresh->turn != RELEASE_NONE) {
		uint32_t user = fresh->turn;
		for (int attempt = FIRST; attempt < ATTEMPT_COUNT; attempt++) {
			uint32_t *from = &fresh->roots[attempt][user];
			uint32_t *to = &carried->roots[attempt][user];
			*to = meld(queue->places, *to, *from);
			*from = RELEASE_NONE;
		}
		ring_leave(fresh, user);
		if (!in_ring(carried, user))
			ring_join(carried, user);
	}
	for (int attempt = FIRST; attempt < ATTEMPT_COUNT; attempt++) {
		carried->counts[attempt] += fresh->counts[attempt];
		fresh->counts[attempt] = 0;
	}
}

void release_carry_over(struct release_queue *queue, enum release_kind kind)
{
	carry(queue, kind);
	carry(queue, RELEASE_ANY);
}

static uint32_t set_count(const struct set *set, bool gap)
{
	return set->counts[RETRY] + (gap ? 0 : set->counts[FIRST]);
}

uint32_t release_count_for(struct release_queue *queue, enum release_kind kind, bool gap)
{
	const enum release_kind kinds[] = {kind, RELEASE_ANY};
	uint32_t count = 0;

	for (unsigned number = 0; number < 2; number++)
		for (int age = CARRIED; age < AGE_COUNT; age++)
			count += set_count(&sets_of(queue, kinds[number])[age], gap);
	return count;
}

uint32_t release_count(const struct release_queue *queue)
{
	return queue->count;
}
