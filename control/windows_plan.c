/* SPDX-License-Identifier: Apache-2.0 */
/* The forecast goes through a provider's windows in order of time; in each, reads go one behind the
 * other at the cap, those that may go first first, and what does not fit stays for a later one. */
#include "control/windows_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/windows_expand.h"

#define DAY_S 86400

static int64_t local_midnight(const struct windows_conf *conf, int64_t now_s, int days)
{
	int64_t local_s = now_s + time_zone_offset_s(conf->zone, now_s);

	return time_zone_instant_s(conf->zone, local_s - local_s % DAY_S + days * (int64_t)DAY_S);
}

static const struct window_gate *gate_of(const struct windows_conf *conf, uint8_t number)
{
	for (uint32_t i = 0; i < conf->gate_count; i++)
		if (conf->gates[i].gate == number)
			return &conf->gates[i];
	return NULL;
}

/* A window's number is the local time at which it begins. */
static const struct window_conf *window_of(const struct window_gate *gate, uint32_t number)
{
	for (uint32_t i = 0; i < gate->window_count; i++)
		if ((uint32_t)gate->windows[i].from_s == number % DAY_S)
			return &gate->windows[i];
	return NULL;
}

/* Take the record into its window's day, which is the last one or a new one. */
static void add_record(const struct windows_conf *conf, const struct mw_window_record *record,
	struct window_days *days)
{
	struct window_day *last = days->count > 0 ? &days->days[days->count - 1] : NULL;
	bool same = last != NULL && last->gate->gate == record->gate &&
		    last->slots[0].number == record->number;

	if (!same && !record->gap) {
		const struct window_gate *gate = gate_of(conf, record->gate);

		last = &days->days[days->count++];
		*last = (struct window_day){
			.gate = gate,
			.window = window_of(gate, record->number),
			.slots = record,
			.from_s = record->from_s,
		};
		assert(last->window != NULL);
	}
	if (last == NULL)
		return;
	if (!record->gap) {
		last->slot_count++;
		last->to_s = record->to_s;
	}
	last->gap_to_s = record->to_s;
}

int window_days_make(const struct windows_conf *conf, int64_t now_s, struct window_days *days)
{
	*days = (struct window_days){
		.from_s = local_midnight(conf, now_s, 0),
		.to_s = local_midnight(conf, now_s, 2),
	};
	days->records = calloc(MW_WINDOW_RECORDS_MAX, sizeof(*days->records));
	days->days = calloc(MW_WINDOW_RECORDS_MAX, sizeof(*days->days));
	int count = -ENOMEM;
	if (days->records != NULL && days->days != NULL)
		count = windows_expand(
			conf, days->from_s, days->to_s, days->records, MW_WINDOW_RECORDS_MAX);
	if (count < 0) {
		window_days_free(days);
		return count;
	}
	for (int i = 0; i < count; i++)
		if (days->records[i].gate != MW_GATE_TOTAL_PEAK &&
			days->records[i].gate != MW_GATE_TOTAL_OFF_PEAK)
			add_record(conf, &days->records[i], days);
	return 0;
}

void window_days_free(struct window_days *days)
{
	free(days->records);
	free(days->days);
	*days = (struct window_days){0};
}

/* ---- the forecast */

static int by_gate_and_due(const void *one, const void *other)
{
	const struct window_batch *a = one;
	const struct window_batch *b = other;

	if (a->gate != b->gate)
		return a->gate < b->gate ? -1 : 1;
	return (a->due_s > b->due_s) - (a->due_s < b->due_s);
}

static bool may_go(const struct window_batch *batch, const struct window_day *day, int64_t now_s)
{
	enum mw_window_class class = day->window->kind == MW_WINDOW_PEAK ? MW_WINDOW_CLASS_PEAK
									 : MW_WINDOW_CLASS_OFF_PEAK;

	return batch->gate == day->gate->gate && day->to_s > now_s && batch->due_s < day->to_s &&
	       (batch->class == MW_WINDOW_CLASS_ANY || batch->class == class);
}

/* The most that the gate in series takes while `slot` is open; 0: it is closed all the time. */
static uint32_t series_cap(const struct window_days *days, const struct mw_window_record *slot)
{
	uint32_t cap_tps = 0;

	for (size_t d = 0; d < days->count; d++) {
		const struct window_day *day = &days->days[d];

		for (uint32_t i = 0; day->gate->gate == slot->series && i < day->slot_count; i++)
			if (day->slots[i].from_s < slot->to_s &&
				day->slots[i].to_s > slot->from_s &&
				day->slots[i].cap_tps > cap_tps)
				cap_tps = day->slots[i].cap_tps;
	}
	return cap_tps;
}

static uint32_t cap_of(const struct windows_conf *conf, const struct window_days *days,
	const struct mw_window_record *slot)
{
	uint32_t cap_tps = slot->cap_tps;
	uint32_t total_tps = conf->total_cap_tps[slot->kind];

	if (total_tps != 0 && total_tps < cap_tps)
		cap_tps = total_tps;
	if (slot->series != slot->gate) {
		uint32_t other_tps = series_cap(days, slot);

		if (other_tps < cap_tps)
			cap_tps = other_tps;
	}
	return cap_tps;
}

struct walk {
	const struct window_day *day;
	struct window_batch *batches;
	uint64_t *left; /* of each batch */
	size_t count;
	double free_s; /* the cap is used up to this instant */
	int64_t now_s;
	struct window_forecast *forecast;
};

static void walk_slot(struct walk *walk, const struct mw_window_record *slot, uint32_t cap_tps)
{
	if (walk->free_s < (double)slot->from_s)
		walk->free_s = (double)slot->from_s;
	if (cap_tps > walk->forecast->cap_tps)
		walk->forecast->cap_tps = cap_tps;
	for (size_t i = 0; i < walk->count && cap_tps > 0; i++) {
		const struct window_batch *batch = &walk->batches[i];

		if (walk->left[i] == 0 || !may_go(batch, walk->day, walk->now_s) ||
			batch->due_s >= slot->to_s)
			continue;
		double from_s =
			walk->free_s > (double)batch->due_s ? walk->free_s : (double)batch->due_s;
		double fit = ((double)slot->to_s - from_s) * cap_tps;
		uint64_t sent = fit <= 0 ? 0 : (uint64_t)fit;
		if (sent > walk->left[i])
			sent = walk->left[i];
		if (sent == 0)
			continue;
		walk->left[i] -= sent;
		walk->free_s = from_s + (double)sent / cap_tps;
		walk->forecast->finish_ms = (int64_t)(walk->free_s * 1000);
		if (batch->waits)
			walk->forecast->waiting += sent;
		else
			walk->forecast->planned += sent;
	}
}

int windows_forecast(const struct windows_conf *conf, const struct window_days *days,
	struct window_batch *batches, size_t batch_count, int64_t now_s,
	struct window_forecast *forecasts)
{
	uint64_t *left = calloc(batch_count + 1, sizeof(*left));

	if (left == NULL)
		return -ENOMEM;
	memset(forecasts, 0, days->count * sizeof(*forecasts));
	if (batch_count > 0)
		qsort(batches, batch_count, sizeof(*batches), by_gate_and_due);
	for (size_t i = 0; i < batch_count; i++)
		left[i] = batches[i].count;
	for (size_t d = 0; d < days->count; d++) {
		struct walk walk = {&days->days[d], batches, left, batch_count, (double)now_s,
			now_s, &forecasts[d]};

		for (uint32_t i = 0; i < walk.day->slot_count; i++)
			if (walk.day->slots[i].to_s > now_s)
				walk_slot(&walk, &walk.day->slots[i],
					cap_of(conf, days, &walk.day->slots[i]));
		for (size_t i = 0; i < batch_count; i++)
			if (may_go(&batches[i], walk.day, now_s))
				forecasts[d].left += left[i];
	}
	free(left);
	return 0;
}
