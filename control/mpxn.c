/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold from events to a timeline, in two steps: the events about supply cut time into spans of
 * one supplier (or none) each; then every appointment finds the span that its first day lies in and
 * holds at most until that span ends. Nothing here looks at the order of arrival: where two
 * events speak of the same thing the one made later wins, and what was made when is in the event.
 */
#include "control/mpxn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum slot {
	SLOT_RETRIEVAL, /* MDR, or the supplier itself */
	SLOT_AGENT,
	SLOT_COUNT,
};

/* Days of one supplier. The first one that is known reaches back to the beginning of time for
 * what it arranged: that a supplier was first heard of is no change of supplier. */
struct span {
	int32_t reach_day; /* first day whose appointments belong to it */
	int32_t from_day;  /* first day that somebody told of */
	int32_t to_day;
	uint32_t organisation; /* 0: none registered, or nothing known */
	bool known;
};

struct span_list {
	size_t count;
	struct span spans[MPXN_EVENTS_MAX + 1];
};

static enum slot slot_of(const struct mpxn_event *event)
{
	return event->role == MPXN_ROLE_SNA ? SLOT_AGENT : SLOT_RETRIEVAL;
}

#define ORDER(a, b)                                                                                \
	if ((a) != (b))                                                                            \
	return (a) < (b) ? -1 : 1

/* The fixed order: by the time of making. Only equal events compare as 0. */
static int compare_events(const struct mpxn_event *a, const struct mpxn_event *b)
{
	ORDER(a->created_ms, b->created_ms);
	ORDER(a->message, b->message);
	ORDER(a->type, b->type);
	ORDER(a->from_day, b->from_day);
	ORDER(a->role, b->role);
	ORDER(a->organisation, b->organisation);
	ORDER(a->supplier, b->supplier);
	ORDER(a->to_day, b->to_day);
	return 0;
}

/* Whether both say the same of the same, so that the one made later overrules the other whatever
 * else is told. */
static bool is_same_subject(const struct mpxn_event *a, const struct mpxn_event *b)
{
	if (a->type != b->type || a->from_day != b->from_day)
		return false;
	switch (a->type) {
	case MPXN_END:
		return a->organisation == b->organisation;
	case MPXN_APPOINTMENT:
		return a->supplier == b->supplier && slot_of(a) == slot_of(b);
	default:
		return true;
	}
}

/* The latest of the type that begins on `day`, or NULL. */
static const struct mpxn_event *find_latest(
	const struct mpxn *mpxn, enum mpxn_event_type type, int32_t day)
{
	const struct mpxn_event *latest = NULL;

	for (size_t i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *event = &mpxn->events[i];

		if (event->type == type && event->from_day == day &&
			(latest == NULL || compare_events(event, latest) > 0))
			latest = event;
	}
	return latest;
}

/* Who is the supplier from `day` on, when `before` was it until then. */
static void supply_on(
	const struct mpxn *mpxn, int32_t day, const struct span *before, struct span *after)
{
	const struct mpxn_event *start = find_latest(mpxn, MPXN_SUPPLIER, day);

	*after = *before;
	if (start != NULL) {
		after->known = true;
		after->organisation = start->organisation;
	}
	for (size_t i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *end = &mpxn->events[i];

		if (end->type != MPXN_END || end->from_day != day)
			continue;
		/* With a start on the same day it ended the registration before, unless it was
		 * made later and names this very supplier. */
		bool ends = start != NULL ? end->organisation == start->organisation &&
						    compare_events(end, start) > 0
					  : end->organisation == 0 || !before->known ||
						    end->organisation == before->organisation;
		if (ends) {
			after->known = true;
			after->organisation = 0;
		}
	}
}

/* The next day after `day` on which something about supply is told; false: none. */
static bool next_supply_day(const struct mpxn *mpxn, int64_t day, int32_t *next)
{
	bool found = false;

	for (size_t i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *event = &mpxn->events[i];

		if ((event->type != MPXN_SUPPLIER && event->type != MPXN_END) ||
			event->from_day <= day || (found && event->from_day >= *next))
			continue;
		*next = event->from_day;
		found = true;
	}
	return found;
}

static void find_spans(const struct mpxn *mpxn, struct span_list *list)
{
	int64_t day = INT64_MIN;
	int32_t next = 0;

	list->spans[0] = (struct span){INT32_MIN, INT32_MIN, MPXN_OPEN_DAY, 0, false};
	list->count = 1;
	for (; next_supply_day(mpxn, day, &next); day = next) {
		struct span *last = &list->spans[list->count - 1];
		struct span span;

		supply_on(mpxn, next, last, &span);
		if (span.known == last->known && span.organisation == last->organisation)
			continue;
		span.from_day = next;
		if (!last->known && span.organisation != 0) {
			*last = span; /* reach_day stays */
			continue;
		}
		last->to_day = next;
		span.reach_day = next;
		list->spans[list->count++] = span;
	}
}

static const struct span *span_at(const struct span_list *list, int32_t day)
{
	size_t i = list->count - 1;

	while (i > 0 && day < list->spans[i].reach_day)
		i--;
	return &list->spans[i];
}

/* The span whose supplier arranged the appointment, or NULL: nobody who could. */
static const struct span *span_of(const struct span_list *list, const struct mpxn_event *event)
{
	const struct span *span = span_at(list, event->from_day);

	if (!span->known)
		return span;
	if (span->organisation == 0)
		return NULL;
	return event->supplier == 0 || event->supplier == span->organisation ? span : NULL;
}

/* The appointments of a slot that count, in order of their first days; at most one a day. */
static size_t find_appointments(const struct mpxn *mpxn, const struct span_list *list,
	enum slot slot, const struct mpxn_event *found[MPXN_EVENTS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *event = &mpxn->events[i];
		size_t at = count;

		if (event->type != MPXN_APPOINTMENT || slot_of(event) != slot ||
			span_of(list, event) == NULL)
			continue;
		while (at > 0 && found[at - 1]->from_day > event->from_day)
			at--;
		if (at > 0 && found[at - 1]->from_day == event->from_day) {
			if (compare_events(event, found[at - 1]) > 0)
				found[at - 1] = event;
			continue;
		}
		memmove(&found[at + 1], &found[at], (count - at) * sizeof(found[0]));
		found[at] = event;
		count++;
	}
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (found[i]->to_day > found[i]->from_day)
			found[kept++] = found[i];
	return kept;
}

struct interval_list {
	struct mpxn_interval *intervals;
	size_t count;
};

static void add_interval(struct interval_list *list, enum mpxn_interval_kind kind,
	uint32_t organisation, const int32_t days[2])
{
	struct mpxn_interval *last = list->count > 0 ? &list->intervals[list->count - 1] : NULL;

	if (days[0] >= days[1])
		return;
	if (last != NULL && last->kind == kind && last->organisation == organisation &&
		last->to_day == days[0]) {
		last->to_day = days[1];
		return;
	}
	assert(list->count < MPXN_INTERVALS_MAX);
	list->intervals[list->count++] = (struct mpxn_interval){
		.kind = (uint8_t)kind,
		.organisation = organisation,
		.from_day = days[0],
		.to_day = days[1],
	};
}

static void add_network(const struct mpxn *mpxn, struct interval_list *list)
{
	const struct mpxn_event *holders[MPXN_EVENTS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *event = &mpxn->events[i];
		size_t at = count;

		if (event->type != MPXN_NETWORK ||
			find_latest(mpxn, MPXN_NETWORK, event->from_day) != event)
			continue;
		for (; at > 0 && holders[at - 1]->from_day > event->from_day; at--)
			holders[at] = holders[at - 1];
		holders[at] = event;
		count++;
	}
	for (size_t i = 0; i < count; i++)
		add_interval(list, MPXN_IS_NETWORK, holders[i]->organisation,
			(int32_t[]){holders[i]->from_day,
				i + 1 < count ? holders[i + 1]->from_day : MPXN_OPEN_DAY});
}

static void add_appointments(const struct mpxn *mpxn, const struct span_list *spans, enum slot slot,
	struct interval_list *list)
{
	const struct mpxn_event *found[MPXN_EVENTS_MAX];
	size_t count = find_appointments(mpxn, spans, slot, found);

	for (size_t i = 0; i < count; i++) {
		int32_t to_day = found[i]->to_day;
		int32_t span_to_day = span_of(spans, found[i])->to_day;

		if (found[i]->role == MPXN_ROLE_SUPPLIER)
			continue;
		if (i + 1 < count && found[i + 1]->from_day < to_day)
			to_day = found[i + 1]->from_day;
		if (span_to_day < to_day)
			to_day = span_to_day;
		add_interval(list, slot == SLOT_AGENT ? MPXN_IS_AGENT : MPXN_IS_MDR,
			found[i]->organisation, (int32_t[]){found[i]->from_day, to_day});
	}
}

size_t mpxn_timeline(const struct mpxn *mpxn, struct mpxn_interval intervals[MPXN_INTERVALS_MAX])
{
	struct interval_list list = {.intervals = intervals};
	struct span_list spans;

	find_spans(mpxn, &spans);
	for (size_t i = 0; i < spans.count; i++)
		if (spans.spans[i].organisation != 0)
			add_interval(&list, MPXN_IS_SUPPLIER, spans.spans[i].organisation,
				(int32_t[]){spans.spans[i].from_day, spans.spans[i].to_day});
	add_network(mpxn, &list);
	add_appointments(mpxn, &spans, SLOT_RETRIEVAL, &list);
	add_appointments(mpxn, &spans, SLOT_AGENT, &list);
	return list.count;
}

static void check_event(const struct mpxn_event *event)
{
	assert(event->type >= MPXN_SUPPLIER && event->type <= MPXN_END);
	assert(event->type == MPXN_END || event->organisation != 0);
	assert((event->role != MPXN_ROLE_NONE) == (event->type == MPXN_APPOINTMENT));
	assert(event->role <= MPXN_ROLE_SUPPLIER);
}

int mpxn_add_event(struct mpxn *mpxn, const struct mpxn_event *event)
{
	check_event(event);
	for (size_t i = 0; i < mpxn->event_count; i++) {
		int order = compare_events(event, &mpxn->events[i]);

		if (order == 0)
			return -EEXIST;
		if (!is_same_subject(event, &mpxn->events[i]))
			continue;
		/* There is at most one of the same subject. */
		if (order > 0)
			mpxn->events[i] = *event;
		return 0;
	}
	if (mpxn->event_count == MPXN_EVENTS_MAX)
		return -ENOSPC;
	mpxn->events[mpxn->event_count++] = *event;
	return 0;
}

/* What of the time before `day` decides about `day` and later: one event each, or NULL. */
struct kept_events {
	bool all_appointments;
	const struct mpxn_event *supply;
	const struct mpxn_event *network;
	const struct mpxn_event *appointments[SLOT_COUNT];
};

/*
 * Why these are enough. Who is supplier, network operator or appointed on a day >= `day` depends on
 * events from `day` on and on who was it on the day before `day`; further events from
 * before `day` are excluded. The supplier before `day`: the event that began its span; all others
 * neither began nor ended that span. The network operator: the last event. An appointment: of those
 * from before `day` only the one with the latest first day can hold from `day` on, as it
 * closed the others for good; and only if it belongs to the span of the day before and does not
 * end by then. As long as nothing is known of supply before `day`, a first supplier from then on
 * may turn out to have arranged any of the appointments: they are all kept.
 */
static void find_kept(const struct mpxn *mpxn, int32_t day, struct kept_events *kept)
{
	struct span_list spans;

	*kept = (struct kept_events){0};
	find_spans(mpxn, &spans);
	const struct span *span = span_at(&spans, day - 1);
	if (span->known && span->from_day < day) {
		kept->supply = find_latest(
			mpxn, span->organisation != 0 ? MPXN_SUPPLIER : MPXN_END, span->from_day);
		assert(kept->supply != NULL);
	} else {
		kept->all_appointments = true;
	}
	for (size_t i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *event = &mpxn->events[i];

		if (event->type == MPXN_NETWORK && event->from_day < day &&
			(kept->network == NULL || event->from_day > kept->network->from_day))
			kept->network = find_latest(mpxn, MPXN_NETWORK, event->from_day);
	}
	for (enum slot slot = 0; slot < SLOT_COUNT; slot++) {
		const struct mpxn_event *found[MPXN_EVENTS_MAX];
		size_t count = find_appointments(mpxn, &spans, slot, found);

		while (count > 0 && found[count - 1]->from_day >= day)
			count--;
		if (count > 0 && found[count - 1]->to_day > day &&
			span_of(&spans, found[count - 1]) == span)
			kept->appointments[slot] = found[count - 1];
	}
}

size_t mpxn_fold(struct mpxn *mpxn, int32_t day)
{
	struct kept_events kept;
	bool keeps[MPXN_EVENTS_MAX];
	size_t count = 0;

	assert(day > INT32_MIN);
	find_kept(mpxn, day, &kept);
	for (size_t i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *event = &mpxn->events[i];

		keeps[i] = event->from_day >= day || event == kept.supply ||
			   event == kept.network || event == kept.appointments[SLOT_RETRIEVAL] ||
			   event == kept.appointments[SLOT_AGENT] ||
			   (kept.all_appointments && event->type == MPXN_APPOINTMENT);
	}
	for (size_t i = 0; i < mpxn->event_count; i++)
		if (keeps[i])
			mpxn->events[count++] = mpxn->events[i];
	size_t dropped = mpxn->event_count - count;
	mpxn->event_count = (uint8_t)count;
	return dropped;
}
