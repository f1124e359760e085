/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is next, against a plain list that is searched from end to end.
 */
#include "dataplane/release.h"

#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define ITEMS 4096
#define USERS 8

static struct release_place places[ITEMS];
static struct release_queue *queue;

static void set_up(void)
{
	queue = release_create(places, USERS);
	cr_assert(ne(ptr, queue, NULL));
}

static void tear_down(void)
{
	release_destroy(queue);
}

TestSuite(release, .init = set_up, .fini = tear_down);

static void put(uint32_t item, uint32_t user, uint64_t deadline_ns)
{
	struct release_terms terms = {
		.deadline_ns = deadline_ns, .user = user, .kind = RELEASE_PEAK};

	release_put(queue, item, &terms);
}

static uint32_t take(void)
{
	return release_take(queue, RELEASE_PEAK, false);
}

Test(release, gives_the_nearest_deadline_of_a_user_first)
{
	put(1, 0, 300);
	put(2, 0, 100);
	put(3, 0, 200);
	cr_assert(eq(u32, take(), 2));
	cr_assert(eq(u32, take(), 3));
	cr_assert(eq(u32, take(), 1));
	cr_assert(eq(u32, take(), RELEASE_NONE));
}

Test(release, lets_users_take_turns_however_much_one_has)
{
	for (uint32_t item = 0; item < 1000; item++)
		put(item, 0, item);
	put(1001, 1, 5000);
	put(1002, 2, 6000);
	cr_assert(eq(u32, take(), 0));
	cr_assert(eq(u32, take(), 1001));
	cr_assert(eq(u32, take(), 1002));
	cr_assert(eq(u32, take(), 1));
	cr_assert(eq(u32, take(), 2));
}

Test(release, weighs_users)
{
	release_set_weight(queue, 0, 3);
	for (uint32_t item = 0; item < 100; item++)
		put(item, item % 2, item);
	unsigned of_user[2] = {0};
	for (int number = 0; number < 40; number++)
		of_user[take() % 2]++;
	cr_assert(eq(uint, of_user[0], 30));
	cr_assert(eq(uint, of_user[1], 10));
}

Test(release, gives_what_was_carried_over_before_all_that_is_new)
{
	put(1, 0, 500);
	put(2, 1, 400);
	release_carry_over(queue, RELEASE_PEAK);
	put(3, 2, 1);
	put(4, 0, 2);
	uint32_t first = take(), second = take();
	cr_assert(eq(u32, first + second, 3));
	first = take();
	second = take();
	cr_assert(eq(u32, first + second, 7));
}

Test(release, keeps_kinds_and_gaps_apart)
{
	struct release_terms terms = {.deadline_ns = 1, .user = 0, .kind = RELEASE_OFF_PEAK};

	release_put(queue, 1, &terms);
	terms.retry = true;
	release_put(queue, 2, &terms);
	terms.kind = RELEASE_ANY;
	release_put(queue, 3, &terms);
	cr_assert(eq(u32, release_count(queue), 3));
	cr_assert(eq(u32, release_count_for(queue, RELEASE_PEAK, false), 1));
	cr_assert(eq(u32, release_count_for(queue, RELEASE_OFF_PEAK, true), 2));
	cr_assert(eq(u32, release_take(queue, RELEASE_OFF_PEAK, true), 2));
	cr_assert(eq(u32, release_take(queue, RELEASE_OFF_PEAK, true), 3));
	cr_assert(eq(u32, release_take(queue, RELEASE_OFF_PEAK, true), RELEASE_NONE));
	cr_assert(eq(u32, release_take(queue, RELEASE_PEAK, false), RELEASE_NONE));
	cr_assert(eq(u32, release_take(queue, RELEASE_OFF_PEAK, false), 1));
}

/* The list. */
struct waiting {
	bool waits, carried, retry;
	enum release_kind kind;
	uint32_t user;
	uint64_t deadline_ns;
};

static struct waiting list[ITEMS];

static bool may_go(const struct waiting *item, enum release_kind kind, bool gap)
{
	return item->waits && (item->kind == kind || item->kind == RELEASE_ANY) &&
	       (!gap || item->retry);
}

/* What was given must be allowed; no item of its user, kind and age is nearer; nothing carried over
 * waits if it is not itself that. */
static void judge(uint32_t given, enum release_kind kind, bool gap)
{
	if (given == RELEASE_NONE) {
		for (uint32_t item = 0; item < ITEMS; item++)
			cr_assert(not(may_go(&list[item], kind, gap)));
		return;
	}
	cr_assert(may_go(&list[given], kind, gap));
	for (uint32_t item = 0; item < ITEMS; item++) {
		if (!may_go(&list[item], kind, gap))
			continue;
		cr_assert(list[given].carried || !list[item].carried);
		if (list[item].user == list[given].user && list[item].kind == list[given].kind &&
			list[item].carried == list[given].carried)
			cr_assert(ge(u64, list[item].deadline_ns, list[given].deadline_ns));
	}
	list[given].waits = false;
}

Test(release, agrees_with_a_plain_list)
{
	uint32_t waiting = 0;

	srand(7);
	for (unsigned step = 0; step < 60000; step++) {
		uint32_t item = (uint32_t)rand() % ITEMS;
		unsigned act = (unsigned)rand() % 100;
		if (act < 50 && !list[item].waits) {
			list[item] = (struct waiting){.waits = true,
				.retry = rand() % 3 == 0,
				.kind = (enum release_kind)(RELEASE_PEAK + rand() % RELEASE_KINDS),
				.user = (uint32_t)rand() % USERS,
				.deadline_ns = (uint64_t)rand() % 1000};
			struct release_terms terms = {list[item].deadline_ns, list[item].user,
				list[item].kind, list[item].retry};
			release_put(queue, item, &terms);
			waiting++;
		} else if (act < 60 && list[item].waits) {
			release_remove(queue, item);
			list[item].waits = false;
			waiting--;
		} else if (act == 60) {
			enum release_kind kind = rand() % 2 ? RELEASE_PEAK : RELEASE_OFF_PEAK;
			release_carry_over(queue, kind);
			for (uint32_t number = 0; number < ITEMS; number++)
				if (list[number].kind == kind || list[number].kind == RELEASE_ANY)
					list[number].carried = true;
		} else if (act > 80) {
			enum release_kind kind = rand() % 2 ? RELEASE_PEAK : RELEASE_OFF_PEAK;
			bool gap = rand() % 4 == 0;
			uint32_t given = release_take(queue, kind, gap);
			judge(given, kind, gap);
			waiting -= given != RELEASE_NONE;
		}
		cr_assert(eq(u32, release_count(queue), waiting));
	}
}
