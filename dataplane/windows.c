/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/windows.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct stretches {
	uint32_t first, count; /* of the records, in order of time */
	uint32_t last_asked;   /* which of them, or the one behind the closed time asked for */
};

struct windows {
	struct stretches gates[MW_GATE_COUNT];
	size_t count;
	struct mw_window_record records[];
};

static bool is_possible(const struct mw_window_record *record)
{
	return record->from_s < record->to_s && record->gate < MW_GATE_COUNT &&
	       (record->series == record->gate ||
		       (record->series >= MW_GATE_SERIES && record->series < MW_GATE_COUNT &&
			       record->gate < MW_GATE_PROVIDERS)) &&
	       record->kind < MW_WINDOW_KIND_COUNT && record->pace < MW_WINDOW_PACE_COUNT &&
	       record->gap <= 1 && record->on_demand_counts <= 1 && record->cap_tps > 0 &&
	       record->cap_tps <= MW_WINDOW_CAP_TPS_MAX;
}

static int by_gate_and_time(const void *one, const void *other)
{
	const struct mw_window_record *a = one, *b = other;

	if (a->gate != b->gate)
		return a->gate < b->gate ? -1 : 1;
	return a->from_s < b->from_s ? -1 : a->from_s > b->from_s;
}

/* Which of records[0 .. count) is the one at `sought`: for the message, so by search. */
static size_t number_of(
	const struct mw_window_record *records, size_t count, const struct mw_window_record *sought)
{
	for (size_t number = 0; number < count; number++)
		if (records[number].gate == sought->gate &&
			records[number].from_s == sought->from_s &&
			records[number].to_s == sought->to_s)
			return number;
	return 0;
}

struct windows *windows_create(const struct mw_window_record *records, size_t count, size_t *bad)
{
	struct windows *windows = malloc(sizeof(*windows) + count * sizeof(*records));

	if (!windows)
		return NULL;
	*windows = (struct windows){.count = count};
	for (size_t number = 0; number < count; number++) {
		windows->records[number] = records[number];
		if (!is_possible(&records[number])) {
			*bad = number;
			goto refused;
		}
	}
	qsort(windows->records, count, sizeof(*records), by_gate_and_time);
	for (uint32_t number = 0; number < count; number++) {
		const struct mw_window_record *record = &windows->records[number];
		struct stretches *gate = &windows->gates[record->gate];
		if (gate->count++ == 0) {
			gate->first = number;
			continue;
		}
		if (record[-1].to_s > record->from_s || record[-1].series != record->series) {
			*bad = number_of(records, count, record);
			goto refused;
		}
	}
	return windows;
refused:
	free(windows);
	errno = EINVAL;
	return NULL;
}

void windows_destroy(struct windows *windows)
{
	free(windows);
}

const struct mw_window_record *windows_at(
	struct windows *windows, uint32_t gate, int64_t wall_ms, int64_t *until_ms)
{
	assert(gate < MW_GATE_COUNT);
	struct stretches *stretches = &windows->gates[gate];
	const struct mw_window_record *records = &windows->records[stretches->first];
	uint32_t at = stretches->last_asked;

	/* Time mostly goes on by a little; a clock that was set walks further. */
	while (at > 0 && wall_ms < records[at - 1].to_s * 1000)
		at--;
	while (at < stretches->count && wall_ms >= records[at].to_s * 1000)
		at++;
	stretches->last_asked = at;
	if (at == stretches->count) {
		*until_ms = INT64_MAX;
		return NULL;
	}
	bool inside = wall_ms >= records[at].from_s * 1000;
	*until_ms = (inside ? records[at].to_s : records[at].from_s) * 1000;
	return inside ? &records[at] : NULL;
}

bool windows_has(const struct windows *windows, uint32_t gate)
{
	assert(gate < MW_GATE_COUNT);
	return windows->gates[gate].count > 0;
}

uint32_t windows_series(const struct windows *windows, uint32_t gate)
{
	return windows_has(windows, gate) ? windows->records[windows->gates[gate].first].series
					  : gate;
}
