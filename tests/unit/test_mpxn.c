/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline of an MPxN: the rules of appointment one by one; every order of arrival against each
 * other and against an oracle that lives through the days one at a time; folding. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/mpxn.h"

#define ROUNDS 20000

enum {
	A = 1,
	B,
	C,
	X,
	Y,
	Z,
	N
};

static struct mpxn_event supplier(uint32_t organisation, int32_t day, uint64_t made)
{
	return (struct mpxn_event){.type = MPXN_SUPPLIER,
		.organisation = organisation,
		.from_day = day,
		.created_ms = made};
}

static struct mpxn_event end(uint32_t organisation, int32_t day, uint64_t made)
{
	return (struct mpxn_event){.type = MPXN_END,
		.organisation = organisation,
		.from_day = day,
		.created_ms = made};
}

static struct mpxn_event network(uint32_t organisation, int32_t day, uint64_t made)
{
	return (struct mpxn_event){.type = MPXN_NETWORK,
		.organisation = organisation,
		.from_day = day,
		.created_ms = made};
}

static struct mpxn_event appoint(
	uint32_t by, uint32_t organisation, int32_t from, int32_t to, uint64_t made)
{
	return (struct mpxn_event){.type = MPXN_APPOINTMENT,
		.role = MPXN_ROLE_MDR,
		.organisation = organisation,
		.supplier = by,
		.from_day = from,
		.to_day = to,
		.created_ms = made};
}

static struct mpxn_event in_role(struct mpxn_event event, enum mpxn_role role)
{
	event.role = (uint8_t)role;
	return event;
}

/* A number for comparing: deterministic, seeded by each test. */
static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((random_state >> 33) % bound);
}

/* The timeline as text: "kind:organisation[from,to) ...". */
static const char *told(const struct mpxn_event *events, size_t count)
{
	static char text[8192];
	struct mpxn mpxn = {.number = 1};
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	size_t length = 0;

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(mpxn_add_event(&mpxn, &events[i]), 0);
	count = mpxn_timeline(&mpxn, intervals);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct mpxn_interval *interval = &intervals[i];
		int to = interval->to_day == MPXN_OPEN_DAY ? -1 : interval->to_day;

		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%c%c[%d,%d)",
			i > 0 ? " " : "", " SNMG"[interval->kind],
			"-ABCXYZN"[interval->organisation], interval -> from_day, to);
	}
	return text;
}

#define TOLD(expected, ...)                                                                        \
	do {                                                                                       \
		struct mpxn_event events_[] = {__VA_ARGS__};                                       \
		const char *text_ = told(events_, sizeof(events_) / sizeof(events_[0]));           \
		cr_assert_str_eq(text_, expected, "%s instead of %s", text_, expected);            \
	} while (0)

Test(mpxn, nothing)
{
	struct mpxn mpxn = {.number = 1};
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];

	cr_assert_eq(mpxn_timeline(&mpxn, intervals), 0);
	cr_assert_eq(mpxn_fold(&mpxn, 100), 0);
}

Test(mpxn, current_and_future_appointments_are_both_held)
{
	/* BR 2.2: "the current and the future MDRA and the relevant EFDs will both be included". */
	TOLD("SA[10,-1) MX[10,30) MY[30,50) MZ[50,-1)", supplier(A, 10, 1),
		appoint(A, X, 10, MPXN_OPEN_DAY, 1), appoint(A, Z, 50, MPXN_OPEN_DAY, 2),
		appoint(A, Y, 30, MPXN_OPEN_DAY, 3));
	/* With an ETD: a gap is a gap, and nobody comes back. */
	TOLD("SA[10,-1) MX[10,20) MY[30,40)", supplier(A, 10, 1), appoint(A, X, 10, 20, 1),
		appoint(A, Y, 30, 40, 1));
	TOLD("SA[10,-1) MX[10,30) MY[30,40)", supplier(A, 10, 1),
		appoint(A, X, 10, MPXN_OPEN_DAY, 1), appoint(A, Y, 30, 40, 1));
}

Test(mpxn, change_of_supplier_closes_what_was_arranged_before)
{
	/* In force and future, and those told after the change. */
	TOLD("SA[10,30) SB[30,-1) MX[10,30)", supplier(A, 10, 1),
		appoint(A, X, 10, MPXN_OPEN_DAY, 1), appoint(A, Y, 40, MPXN_OPEN_DAY, 2),
		supplier(B, 30, 3));
	TOLD("SA[10,30) SB[30,-1) MX[10,30) MY[30,-1)", supplier(A, 10, 1),
		appoint(A, X, 10, MPXN_OPEN_DAY, 1), supplier(B, 30, 3),
		appoint(B, Y, 30, MPXN_OPEN_DAY, 3));
	/* The new one appoints the same retriever: one interval. */
	TOLD("SA[10,30) SB[30,-1) MX[10,-1)", supplier(A, 10, 1),
		appoint(A, X, 10, MPXN_OPEN_DAY, 1), supplier(B, 30, 3),
		appoint(B, X, 30, MPXN_OPEN_DAY, 3));
	/* Told again by the same supplier: no change. */
	TOLD("SA[10,-1) MX[10,-1)", supplier(A, 10, 1), appoint(A, X, 10, MPXN_OPEN_DAY, 1),
		supplier(A, 30, 3));
	/* The old one comes back: what he arranged the first time does not. */
	TOLD("SA[10,30) SB[30,50) SA[50,-1) MX[10,30)", supplier(A, 10, 1),
		appoint(A, X, 10, MPXN_OPEN_DAY, 1), appoint(A, Y, 40, MPXN_OPEN_DAY, 1),
		supplier(B, 30, 3), supplier(A, 50, 4));
	/* Who arranged it is not known: it was the supplier of its first day. */
	TOLD("SA[10,30) SB[30,-1) MX[10,30) MY[40,-1)", supplier(A, 10, 1),
		appoint(0, X, 10, MPXN_OPEN_DAY, 1), appoint(0, Y, 40, MPXN_OPEN_DAY, 1),
		supplier(B, 30, 3));
	/* Nobody appoints for days on which another is the supplier. */
	TOLD("SA[10,30) SB[30,-1)", supplier(A, 10, 1), supplier(B, 30, 3),
		appoint(B, X, 20, MPXN_OPEN_DAY, 3), appoint(C, Y, 35, MPXN_OPEN_DAY, 3));
}

Test(mpxn, agents_and_retrievers_are_apart)
{
	TOLD("SA[10,30) SB[30,-1) MX[10,30) GY[10,20) GZ[20,30)", supplier(A, 10, 1),
		appoint(A, X, 10, MPXN_OPEN_DAY, 1),
		in_role(appoint(A, Y, 10, MPXN_OPEN_DAY, 1), MPXN_ROLE_SNA),
		in_role(appoint(A, Z, 20, MPXN_OPEN_DAY, 1), MPXN_ROLE_SNA), supplier(B, 30, 1));
	/* FIA 5.1: role Supplier in the appointments: the supplier retrieves by itself. */
	TOLD("SA[10,-1) MX[10,20) MY[40,-1)", supplier(A, 10, 1),
		appoint(A, X, 10, MPXN_OPEN_DAY, 1),
		in_role(appoint(A, A, 20, MPXN_OPEN_DAY, 2), MPXN_ROLE_SUPPLIER),
		appoint(A, Y, 40, MPXN_OPEN_DAY, 3));
}

Test(mpxn, end_of_registration)
{
	TOLD("SA[10,30) MX[10,30)", supplier(A, 10, 1), appoint(A, X, 10, MPXN_OPEN_DAY, 1),
		appoint(A, Y, 40, MPXN_OPEN_DAY, 1), end(A, 30, 2));
	/* Of another supplier's registration: no matter. */
	TOLD("SA[10,-1) MX[10,-1)", supplier(A, 10, 1), appoint(A, X, 10, MPXN_OPEN_DAY, 1),
		end(B, 30, 2));
	/* With the change, on the same day, made before or after: the change alone. */
	TOLD("SA[10,30) SB[30,-1)", supplier(A, 10, 1), supplier(B, 30, 2), end(A, 30, 3));
	TOLD("SA[10,30) SB[30,-1)", supplier(A, 10, 1), supplier(B, 30, 3), end(A, 30, 2));
	/* The start itself is taken back, and told again. */
	TOLD("SA[10,30)", supplier(A, 10, 1), supplier(B, 30, 2), end(B, 30, 3));
	TOLD("SA[10,30) SB[30,-1)", supplier(A, 10, 1), supplier(B, 30, 2), end(B, 30, 3),
		supplier(B, 30, 4));
	TOLD("SA[10,-1)", supplier(A, 10, 1), supplier(B, 30, 2), supplier(A, 30, 3));
	/* Registered anew by the same one after a gap: the appointment stays closed. */
	TOLD("SA[10,30) SA[40,-1) MX[10,30)", supplier(A, 10, 1),
		appoint(A, X, 10, MPXN_OPEN_DAY, 1), end(0, 30, 2), supplier(A, 40, 3));
	/* The network operator stays. */
	TOLD("SA[10,30) NN[5,-1)", supplier(A, 10, 1), network(N, 5, 1), end(A, 30, 2));
	TOLD("NN[5,20) NZ[20,-1)", network(N, 5, 1), network(X, 20, 1), network(Z, 20, 2));
}

Test(mpxn, nothing_known_of_the_supplier)
{
	TOLD("MX[10,-1)", appoint(A, X, 10, MPXN_OPEN_DAY, 1));
	TOLD("MX[10,30)", appoint(A, X, 10, MPXN_OPEN_DAY, 1), end(A, 30, 1));
	/* The first one heard of is no change. */
	TOLD("SA[20,-1) MX[10,-1)", appoint(0, X, 10, MPXN_OPEN_DAY, 1), supplier(A, 20, 1));
	TOLD("SA[20,-1)", appoint(B, X, 10, MPXN_OPEN_DAY, 1), supplier(A, 20, 1));
}

Test(mpxn, a_later_message_replaces)
{
	/* Another retriever, another end, taken back. */
	TOLD("SA[10,-1) MY[10,20)", supplier(A, 10, 1), appoint(A, X, 10, MPXN_OPEN_DAY, 1),
		appoint(A, Y, 10, 20, 2));
	TOLD("SA[10,-1) MX[10,-1)", supplier(A, 10, 1), appoint(A, X, 10, MPXN_OPEN_DAY, 1),
		appoint(A, Y, 30, MPXN_OPEN_DAY, 2), appoint(A, Y, 30, 30, 3));
	struct mpxn mpxn = {.number = 1};
	struct mpxn_event first = appoint(A, X, 10, MPXN_OPEN_DAY, 1);
	struct mpxn_event second = appoint(A, Y, 10, 20, 2);
	cr_assert_eq(mpxn_add_event(&mpxn, &second), 0);
	cr_assert_eq(mpxn_add_event(&mpxn, &first), 0);
	cr_assert_eq(mpxn.event_count, 1);
	cr_assert_eq(mpxn_add_event(&mpxn, &second), -EEXIST);
	second.message = 1;
	cr_assert_eq(mpxn_add_event(&mpxn, &second), 0);
	cr_assert_eq(mpxn.event_count, 1);
}

Test(mpxn, full_and_folded)
{
	struct mpxn mpxn = {.number = 1};
	struct mpxn_interval before[MPXN_INTERVALS_MAX];
	struct mpxn_interval after[MPXN_INTERVALS_MAX];
	struct mpxn_event event = supplier(A, 0, 1);

	cr_assert_eq(mpxn_add_event(&mpxn, &event), 0);
	for (int32_t day = 1; day < MPXN_EVENTS_MAX; day++) {
		event = appoint(A, day % 2 ? X : Y, day, MPXN_OPEN_DAY, 1);
		cr_assert_eq(mpxn_add_event(&mpxn, &event), 0);
	}
	event = supplier(B, 100, 2);
	struct mpxn copy = mpxn;
	cr_assert_eq(mpxn_add_event(&mpxn, &event), -ENOSPC);
	cr_assert_arr_eq(&copy, &mpxn, sizeof(copy));
	size_t count = mpxn_timeline(&mpxn, before);
	cr_assert_eq(count, MPXN_EVENTS_MAX);
	cr_assert_eq(mpxn_fold(&mpxn, 0), 0);
	cr_assert_eq(mpxn_fold(&mpxn, 50), 48);
	cr_assert_eq(mpxn_timeline(&mpxn, after), count - 48);
	cr_assert_eq(after[0].from_day, 0);
	cr_assert_eq(after[1].from_day, 49);
	cr_assert_eq(mpxn_add_event(&mpxn, &event), 0);
}

/* ---- random sets of events */

#define DAYS 24

static struct mpxn_event random_event(int32_t first_day, uint64_t made)
{
	int32_t day = first_day + (int32_t)random_below((uint32_t)(DAYS - first_day));
	uint32_t who = A + random_below(3);
	struct mpxn_event event;

	switch (random_below(7)) {
	case 0:
	case 1:
		event = supplier(who, day, made);
		break;
	case 2:
		event = end(random_below(4), day, made);
		break;
	case 3:
		event = network(N - random_below(2), day, made);
		break;
	default:
		event = appoint(random_below(4), X + random_below(3), day,
			random_below(2) ? MPXN_OPEN_DAY : day + (int32_t)random_below(10), made);
		event.role = (uint8_t)(MPXN_ROLE_MDR + random_below(3));
		break;
	}
	return event;
}

static size_t random_events(struct mpxn_event *events, size_t max, int32_t first_day)
{
	size_t count = 1 + random_below((uint32_t)max);

	/* Times of making are all different, and in no order. */
	for (size_t i = 0; i < count; i++)
		events[i] = random_event(first_day, random_below(1000) * 64 + i);
	return count;
}

static void shuffle(struct mpxn_event *events, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t other = random_below((uint32_t)i);
		struct mpxn_event event = events[other];

		events[other] = events[i - 1];
		events[i - 1] = event;
	}
}

/* ---- the oracle: what holds on each day */

struct day_state {
	uint32_t supplier;
	uint32_t network;
	uint32_t mdr;
	uint32_t agent;
};

static const struct mpxn_event *newest(const struct mpxn_event *events, size_t count,
	enum mpxn_event_type type, int32_t day, uint32_t organisation)
{
	const struct mpxn_event *found = NULL;

	for (size_t i = 0; i < count; i++)
		if (events[i].type == type && events[i].from_day == day &&
			(organisation == 0 || events[i].organisation == organisation) &&
			(found == NULL || events[i].created_ms > found->created_ms))
			found = &events[i];
	return found;
}

/* Lives from day to day: an episode is the time of one supplier, 0 as long as none was heard of;
 * the first supplier's episode is 0 too. */
static void live_supply(const struct mpxn_event *events, size_t count, struct day_state days[DAYS],
	int episodes[DAYS])
{
	bool heard = false;
	uint32_t now = 0;
	int episode = 0;

	for (int32_t day = 0; day < DAYS; day++) {
		const struct mpxn_event *start = newest(events, count, MPXN_SUPPLIER, day, 0);
		uint32_t next = now;
		bool told_now = start != NULL;

		if (start != NULL) {
			const struct mpxn_event *back =
				newest(events, count, MPXN_END, day, start->organisation);
			next = back != NULL && back->created_ms > start->created_ms
				       ? 0
				       : start->organisation;
		} else {
			for (size_t i = 0; i < count; i++)
				if (events[i].type == MPXN_END && events[i].from_day == day &&
					(!heard || events[i].organisation == 0 ||
						events[i].organisation == now)) {
					next = 0;
					told_now = true;
				}
		}
		if (told_now && (next != now || (!heard && next == 0)))
			episode += heard || next == 0;
		heard |= told_now;
		now = next;
		days[day].supplier = now;
		episodes[day] = episode;
	}
}

/* Whom the supplier of the episode may have appointed by this event. */
static bool is_arranged(const struct mpxn_event *event, const struct day_state days[DAYS],
	const int episodes[DAYS], bool heard_at_all)
{
	int32_t day = event->from_day;

	if (!heard_at_all)
		return true;
	/* The supplier of the episode, also for days before he was heard of. */
	uint32_t of_episode = 0;
	bool ever = false;
	for (int32_t other = 0; other < DAYS; other++)
		if (episodes[other] == episodes[day] && days[other].supplier != 0) {
			of_episode = days[other].supplier;
			ever = true;
		}
	if (!ever)
		return episodes[day] == 0; /* nothing was known yet */
	return event->supplier == 0 || event->supplier == of_episode;
}

static uint32_t live_slot(const struct mpxn_event *events, size_t count, int32_t day, bool agent,
	const struct day_state days[DAYS], const int episodes[DAYS])
{
	bool heard_at_all = false;

	for (size_t i = 0; i < count; i++)
		heard_at_all |= events[i].type == MPXN_SUPPLIER || events[i].type == MPXN_END;
	for (int32_t from = day; from >= 0; from--) {
		const struct mpxn_event *best = NULL;

		for (size_t i = 0; i < count; i++) {
			const struct mpxn_event *event = &events[i];

			if (event->type == MPXN_APPOINTMENT && event->from_day == from &&
				(event->role == MPXN_ROLE_SNA) == agent &&
				is_arranged(event, days, episodes, heard_at_all) &&
				(best == NULL || event->created_ms > best->created_ms))
				best = event;
		}
		if (best == NULL || best->to_day <= best->from_day)
			continue;
		if (best->to_day <= day || best->role == MPXN_ROLE_SUPPLIER)
			return 0;
		return !heard_at_all || episodes[from] == episodes[day] ? best->organisation : 0;
	}
	return 0;
}

static void live(const struct mpxn_event *events, size_t count, struct day_state days[DAYS])
{
	int episodes[DAYS];
	uint32_t network_now = 0;

	live_supply(events, count, days, episodes);
	for (int32_t day = 0; day < DAYS; day++) {
		const struct mpxn_event *event = newest(events, count, MPXN_NETWORK, day, 0);

		if (event != NULL)
			network_now = event->organisation;
		days[day].network = network_now;
		days[day].mdr = live_slot(events, count, day, false, days, episodes);
		days[day].agent = live_slot(events, count, day, true, days, episodes);
	}
}

static void days_of(const struct mpxn *mpxn, struct day_state days[DAYS])
{
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	size_t count = mpxn_timeline(mpxn, intervals);

	memset(days, 0, DAYS * sizeof(*days));
	for (size_t i = 0; i < count; i++) {
		const struct mpxn_interval *interval = &intervals[i];

		cr_assert_lt(interval->from_day, interval->to_day);
		if (i > 0 && intervals[i - 1].kind == interval->kind) {
			cr_assert_leq(intervals[i - 1].to_day, interval->from_day);
			cr_assert(intervals[i - 1].to_day != interval->from_day ||
				  intervals[i - 1].organisation != interval->organisation);
		}
		cr_assert(i == 0 || intervals[i - 1].kind <= interval->kind);
		for (int32_t day = interval->from_day; day < interval->to_day && day < DAYS; day++)
			*(interval->kind == MPXN_IS_SUPPLIER	    ? &days[day].supplier
				: interval->kind == MPXN_IS_NETWORK ? &days[day].network
				: interval->kind == MPXN_IS_MDR	    ? &days[day].mdr
								    : &days[day].agent) =
				interval->organisation;
	}
}

static void add_all(struct mpxn *mpxn, const struct mpxn_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(mpxn_add_event(mpxn, &events[i]), 0);
}

Test(mpxn, the_oracle_agrees)
{
	random_state = 1;
	for (int round = 0; round < ROUNDS; round++) {
		struct mpxn_event events[14];
		struct day_state expected[DAYS];
		struct day_state days[DAYS];
		struct mpxn mpxn = {.number = 1};
		size_t count = random_events(events, 14, 0);

		live(events, count, expected);
		add_all(&mpxn, events, count);
		days_of(&mpxn, days);
		for (int32_t day = 0; day < DAYS; day++)
			cr_assert_arr_eq(&days[day], &expected[day], sizeof(days[day]),
				"round %d day %d: supplier %u %u mdr %u %u agent %u %u", round, day,
				days[day].supplier, expected[day].supplier, days[day].mdr,
				expected[day].mdr, days[day].agent, expected[day].agent);
	}
}

Test(mpxn, any_order_of_arrival_gives_the_same)
{
	random_state = 2;
	for (int round = 0; round < ROUNDS; round++) {
		struct mpxn_event events[20];
		struct mpxn_interval expected[MPXN_INTERVALS_MAX];
		struct mpxn_interval found[MPXN_INTERVALS_MAX];
		size_t count = random_events(events, 20, 0);
		size_t interval_count = 0;

		/* Messages of one instant, too. */
		if (round % 2)
			for (size_t i = 0; i < count; i++) {
				events[i].created_ms = random_below(3);
				events[i].message = random_below(3);
			}
		memset(expected, 0, sizeof(expected));
		memset(found, 0, sizeof(found));
		for (int order = 0; order < 4; order++) {
			struct mpxn mpxn = {.number = 1};

			for (size_t i = 0; i < count; i++) {
				int result = mpxn_add_event(&mpxn, &events[i]);
				cr_assert(result == 0 || result == -EEXIST);
			}
			size_t n = mpxn_timeline(&mpxn, order == 0 ? expected : found);
			if (order == 0)
				interval_count = n;
			cr_assert_eq(n, interval_count);
			cr_assert(order == 0 || memcmp(expected, found, n * sizeof(found[0])) == 0);
			shuffle(events, count);
		}
	}
}

static void permute(struct mpxn_event *events, size_t count, size_t at,
	const struct mpxn_interval *expected, size_t expected_count)
{
	if (at < count) {
		for (size_t i = at; i < count; i++) {
			struct mpxn_event event = events[at];
			events[at] = events[i];
			events[i] = event;
			permute(events, count, at + 1, expected, expected_count);
			events[i] = events[at];
			events[at] = event;
		}
		return;
	}
	struct mpxn mpxn = {.number = 1};
	struct mpxn_interval found[MPXN_INTERVALS_MAX] = {0};
	add_all(&mpxn, events, count);
	cr_assert_eq(mpxn_timeline(&mpxn, found), expected_count);
	cr_assert_arr_eq(found, expected, expected_count * sizeof(found[0]));
}

Test(mpxn, all_permutations_of_a_story)
{
	struct mpxn_event events[] = {
		supplier(A, 0, 1),
		appoint(A, X, 0, MPXN_OPEN_DAY, 1),
		appoint(A, Y, 10, MPXN_OPEN_DAY, 2),
		supplier(B, 7, 3),
		appoint(B, Z, 7, MPXN_OPEN_DAY, 3),
		end(A, 7, 4),
		in_role(appoint(B, B, 12, MPXN_OPEN_DAY, 5), MPXN_ROLE_SUPPLIER),
	};
	size_t count = sizeof(events) / sizeof(events[0]);
	struct mpxn mpxn = {.number = 1};
	struct mpxn_interval expected[MPXN_INTERVALS_MAX] = {0};

	add_all(&mpxn, events, count);
	permute(events, count, 0, expected, mpxn_timeline(&mpxn, expected));
}

/* Another end for an appointment that was in force on the day of the fold. */
static size_t later_ends(const struct mpxn *mpxn, int32_t day, struct mpxn_event *events)
{
	size_t count = 0;

	for (size_t i = 0; i < mpxn->event_count; i++)
		if (mpxn->events[i].type == MPXN_APPOINTMENT && mpxn->events[i].from_day < day &&
			random_below(2)) {
			events[count] = mpxn->events[i];
			events[count].created_ms = 64000 + 2 * random_below(1000) + count;
			events[count++].to_day = day + (int32_t)random_below(6);
		}
	return count;
}

Test(mpxn, folding_changes_nothing_from_its_day_on)
{
	size_t dropped = 0;

	random_state = 3;
	for (int round = 0; round < ROUNDS; round++) {
		struct mpxn_event events[40];
		struct day_state whole_days[DAYS];
		struct day_state folded_days[DAYS];
		struct mpxn whole = {.number = 1};
		int32_t day = 1 + (int32_t)random_below(DAYS - 2);

		add_all(&whole, events, random_events(events, 14, 0));
		struct mpxn folded = whole;
		dropped += mpxn_fold(&folded, day);
		cr_assert_eq(mpxn_fold(&folded, day), 0);
		size_t count = random_events(events, 8, day);
		count += later_ends(&folded, day, events + count);
		shuffle(events, count);
		for (size_t i = 0; i <= count; i++) {
			days_of(&whole, whole_days);
			days_of(&folded, folded_days);
			for (int32_t d = day; d < DAYS; d++)
				cr_assert_arr_eq(&whole_days[d], &folded_days[d],
					sizeof(whole_days[d]),
					"round %d fold %d day %d: supplier %u %u mdr %u %u", round,
					day, d, whole_days[d].supplier, folded_days[d].supplier,
					whole_days[d].mdr, folded_days[d].mdr);
			if (i < count) {
				int result = mpxn_add_event(&whole, &events[i]);
				cr_assert(result == 0 || result == -EEXIST);
				result = mpxn_add_event(&folded, &events[i]);
				cr_assert(result == 0 || result == -EEXIST);
			}
		}
	}
	cr_assert_gt(dropped, ROUNDS);
}
