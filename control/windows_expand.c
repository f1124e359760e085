/* SPDX-License-Identifier: Apache-2.0 */
/* A gate's windows are walked through in order of time, from some days before the range to some
 * days after it; a window is written when the one behind it is known, because its gap ends there.
 */
#include "control/windows_expand.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define DAY_S 86400
/* A window and its gap last at most a day each, and a day may be skipped where a zone has moved
 * over the date line. */
#define DAYS_AROUND 3

struct expansion {
	const struct windows_conf *conf;
	int64_t from_s;
	int64_t to_s;
	struct mw_window_record *records;
	size_t size;
	size_t count; /* also of those for which there is no room */
};

/* A window of a certain day. */
struct occurrence {
	const struct window_conf *window; /* NULL: none yet */
	int64_t local_s;		  /* when it begins, by local clocks */
	int64_t from_s;			  /* UTC */
	int64_t to_s;
};

static void add(struct expansion *expansion, const struct mw_window_record *record)
{
	if (record->from_s >= record->to_s)
		return;
	if (expansion->count < expansion->size)
		expansion->records[expansion->count] = *record;
	expansion->count++;
}

static int64_t instant_s(const struct expansion *expansion, int64_t local_s)
{
	return time_zone_instant_s(expansion->conf->zone, local_s);
}

/* When the gap behind the occurrence ends; the gate's next window begins at next_s. */
static int64_t gap_end_s(
	const struct expansion *expansion, const struct occurrence *occurrence, int64_t next_s)
{
	const struct window_conf *window = occurrence->window;

	switch (window->gap) {
	case WINDOW_GAP_NEXT:
		return next_s;
	case WINDOW_GAP_UNTIL:
		return instant_s(expansion, occurrence->local_s + window->length_s + window->gap_s);
	default:
		return occurrence->to_s;
	}
}

static void add_occurrence(struct expansion *expansion, const struct window_gate *gate,
	const struct occurrence *occurrence, int64_t next_s)
{
	const struct window_conf *window = occurrence->window;
	int64_t end_s = gap_end_s(expansion, occurrence, next_s);
	struct mw_window_record record = {
		.number = (uint32_t)occurrence->local_s,
		.gate = gate->gate,
		.series = gate->series,
		.kind = (uint8_t)window->kind,
		.pace = (uint8_t)window->pace,
		.on_demand_counts = window->on_demand_counts,
	};

	if (occurrence->from_s >= expansion->to_s || end_s <= expansion->from_s)
		return;
	for (uint32_t i = 0; i < window->slot_count; i++) {
		const struct window_slot *slot = &window->slots[i];

		record.from_s = instant_s(expansion, occurrence->local_s + slot->from_s);
		record.to_s = instant_s(expansion, occurrence->local_s + slot->to_s);
		record.cap_tps = slot->cap_tps;
		add(expansion, &record);
	}
	/* The gap goes on at the rate with which its window has ended. */
	record.from_s = occurrence->to_s;
	record.to_s = end_s;
	record.gap = 1;
	add(expansion, &record);
}

/* The local day that the instant lies in, as days since 1970. */
static int64_t local_day(const struct expansion *expansion, int64_t at_s)
{
	return (at_s + time_zone_offset_s(expansion->conf->zone, at_s)) / DAY_S;
}

static int by_beginning(const void *one, const void *other)
{
	const struct window_conf *const *a = one;
	const struct window_conf *const *b = other;

	return ((*a)->from_s > (*b)->from_s) - ((*a)->from_s < (*b)->from_s);
}

static void expand_gate(struct expansion *expansion, const struct window_gate *gate)
{
	const struct window_conf *windows[WINDOWS_OF_GATE_MAX];
	struct occurrence last = {0};
	int64_t end_day = local_day(expansion, expansion->to_s) + DAYS_AROUND;

	for (uint32_t i = 0; i < gate->window_count; i++)
		windows[i] = &gate->windows[i];
	qsort(windows, gate->window_count, sizeof(windows[0]), by_beginning);
	for (int64_t day = local_day(expansion, expansion->from_s) - DAYS_AROUND; day <= end_day;
		day++) {
		for (uint32_t i = 0; i < gate->window_count; i++) {
			struct occurrence next = {
				.window = windows[i], .local_s = day * DAY_S + windows[i]->from_s};

			next.from_s = instant_s(expansion, next.local_s);
			next.to_s = instant_s(expansion, next.local_s + windows[i]->length_s);
			if (next.from_s == next.to_s)
				continue; /* within an hour that is skipped */
			if (last.window != NULL)
				add_occurrence(expansion, gate, &last, next.from_s);
			last = next;
		}
	}
	assert(last.window == NULL || last.from_s >= expansion->to_s);
}

/* The total has a cap at any time at which a provider can have a window. */
static void expand_total(struct expansion *expansion, enum mw_window_kind kind, size_t others)
{
	int64_t from_s = expansion->from_s;
	int64_t to_s = expansion->to_s;
	uint8_t gate = kind == MW_WINDOW_PEAK ? MW_GATE_TOTAL_PEAK : MW_GATE_TOTAL_OFF_PEAK;

	if (expansion->conf->total_cap_tps[kind] == 0)
		return;
	for (size_t i = 0; i < others && i < expansion->size; i++) {
		if (expansion->records[i].from_s < from_s)
			from_s = expansion->records[i].from_s;
		if (expansion->records[i].to_s > to_s)
			to_s = expansion->records[i].to_s;
	}
	for (int64_t day = local_day(expansion, from_s);; day++) {
		struct mw_window_record record = {
			.from_s = instant_s(expansion, day * DAY_S),
			.to_s = instant_s(expansion, (day + 1) * DAY_S),
			.number = (uint32_t)(day * DAY_S),
			.cap_tps = expansion->conf->total_cap_tps[kind],
			.gate = gate,
			.series = gate,
			.kind = (uint8_t)kind,
			.pace = MW_WINDOW_AT_CAP,
		};

		if (record.from_s >= to_s)
			break;
		add(expansion, &record);
	}
}

static int by_gate_and_time(const void *one, const void *other)
{
	const struct mw_window_record *a = one;
	const struct mw_window_record *b = other;

	if (a->gate != b->gate)
		return a->gate < b->gate ? -1 : 1;
	return (a->from_s > b->from_s) - (a->from_s < b->from_s);
}

int windows_expand(const struct windows_conf *conf, int64_t from_s, int64_t to_s,
	struct mw_window_record *records, size_t size)
{
	struct expansion expansion = {conf, from_s, to_s, records, size, 0};

	assert(from_s >= WINDOWS_EXPAND_FROM_S && from_s < to_s && to_s <= WINDOWS_EXPAND_TO_S);
	for (uint32_t i = 0; i < conf->gate_count; i++)
		expand_gate(&expansion, &conf->gates[i]);
	size_t others = expansion.count;
	for (int kind = 0; kind < MW_WINDOW_KIND_COUNT; kind++)
		expand_total(&expansion, (enum mw_window_kind)kind, others);
	if (expansion.count > size)
		return -E2BIG;
	qsort(records, expansion.count, sizeof(*records), by_gate_and_time);
	return (int)expansion.count;
}
