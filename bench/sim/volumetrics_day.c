/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows of a day: what each has to carry, the caps that follow from it, and when everything
 * has gone if all send at their caps.
 *
 * A cap is the mean rate that the window needs, divided by the loading: the mean shall use 70 % of
 * it, as FIA 5.3 has it for radio channels, and what is left is for peaks and lost time. Slots of a
 * window share its work by weight. The DCO's cap is that of S1SP-1, whose reads alone go through
 * it (FIA 5.6).
 */
#include <assert.h>
#include <string.h>

#include "bench/sim/volumetrics.h"
#include "bench/sim/volumetrics_read.h"

#define DAY_S 86400u
#define ALL_MILLI_PERCENT 100000u
#define MILLI 1000u
#define CAP_TPS_MAX 100000000u /* absurd assumptions shall not overflow */

static uint64_t divide_up(uint64_t dividend, uint64_t divisor)
{
	return (dividend + divisor - 1) / divisor;
}

/* Weight times seconds of all slots. */
static uint64_t weighted_s(const struct volumetrics_hours *hours)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < hours->slot_count; i++)
		sum += (uint64_t)hours->slots[i].weight *
		       (hours->slots[i].to_s - hours->slots[i].from_s);
	return sum;
}

/* Which slot it is at `now_s`; slot_count when none is. */
static uint32_t slot_at(const struct volumetrics_hours *hours, uint32_t now_s)
{
	uint32_t i = 0;

	while (i < hours->slot_count &&
		(now_s < hours->slots[i].from_s || now_s >= hours->slots[i].to_s))
		i++;
	return i;
}

/* What slot `slot` needs, in 1/1000 a second, for the window's work to be done by its end. */
static uint64_t slot_need_milli(
	const struct demand_window *window, const struct volumetrics_hours *hours, uint32_t slot)
{
	uint64_t work = (window->volume + window->retries) * MILLI;

	/* Both factors may be large: at most 10^13 and 10^4. */
	return divide_up(work * hours->slots[slot].weight, weighted_s(hours));
}

static void set_hours(struct demand_window *window, const struct volumetrics_hours *hours)
{
	window->open = hours->slot_count > 0;
	if (!window->open)
		return;
	window->slot_count = hours->slot_count;
	window->from_s = hours->slots[0].from_s;
	window->to_s = hours->slots[hours->slot_count - 1].to_s;
}

/* Work, need and caps of a provider's window. */
static void plan_window(const struct volumetrics *model, enum volumetrics_window kind,
	const struct volumetrics_hours *hours, struct demand_window *window)
{
	uint64_t loading = model->numbers[VOLUMETRICS_LOADING_PERCENT].value;
	uint64_t total = model->numbers[VOLUMETRICS_OFF_PEAK_TPS].value;
	uint64_t failed;

	demand_retries(model, window->volume, &window->retries, &failed);
	if (!window->open)
		return;
	uint64_t work = window->volume + window->retries;
	window->need_milli = divide_up(work * MILLI, window->to_s - window->from_s);
	for (uint32_t i = 0; i < hours->slot_count; i++) {
		uint64_t cap = divide_up(
			slot_need_milli(window, hours, i) * ALL_MILLI_PERCENT, loading * MILLI);

		if (kind == VOLUMETRICS_OFF_PEAK && cap > total)
			cap = total;
		if (cap > CAP_TPS_MAX)
			cap = CAP_TPS_MAX;
		window->cap_tps[i] = cap > 0 ? (uint32_t)cap : 1;
	}
}

static uint32_t cap_most(const struct demand_window *window)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < window->slot_count; i++)
		if (window->cap_tps[i] > most)
			most = window->cap_tps[i];
	return most;
}

/* The DCO has the work of S1SP-1, in the time in which both are open. */
static void plan_series(const struct demand_window *behind, struct demand_window *gate)
{
	uint32_t from_s = behind->from_s > gate->from_s ? behind->from_s : gate->from_s;
	uint32_t to_s = behind->to_s < gate->to_s ? behind->to_s : gate->to_s;

	gate->volume = behind->volume;
	gate->retries = behind->retries;
	for (uint32_t i = 0; i < gate->slot_count; i++)
		gate->cap_tps[i] = cap_most(behind) > 0 ? cap_most(behind) : 1;
	if (gate->open && behind->open && from_s < to_s)
		gate->need_milli = divide_up((gate->volume + gate->retries) * MILLI, to_s - from_s);
}

/* ---- the day, second by second ---- */

struct flow {
	const struct volumetrics *model;
	struct demand_day *day;
	enum volumetrics_window kind;
	uint64_t left_milli[VOLUMETRICS_PROVIDERS];
};

/* The cap of a provider at `now_s`, 0: closed. */
static uint64_t cap_at(const struct flow *flow, unsigned provider, uint32_t now_s)
{
	const struct volumetrics_hours *hours = &flow->model->hours[provider][flow->kind];
	uint32_t slot = slot_at(hours, now_s);

	if (slot == hours->slot_count)
		return 0;
	return flow->day->windows[provider][flow->kind].cap_tps[slot];
}

/* One second. Where the open caps are more than the total, each gets its part of it, rounded down;
 * that of those who have finished goes to the others. */
static void flow_second(struct flow *flow, uint32_t now_s)
{
	uint64_t total = flow->day->total[flow->kind].cap_tps[0];
	uint64_t caps[VOLUMETRICS_PROVIDERS];
	uint64_t sum = 0;

	for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
		caps[p] = flow->left_milli[p] > 0 ? cap_at(flow, p, now_s) : 0;
		if (p == VOLUMETRICS_S1SP_1 && caps[p] > 0) {
			uint64_t series = cap_at(flow, VOLUMETRICS_DCO, now_s);

			caps[p] = series < caps[p] ? series : caps[p];
		}
		sum += caps[p];
	}
	for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
		uint64_t sent = sum > total ? caps[p] * MILLI * total / sum : caps[p] * MILLI;

		if (sent == 0)
			continue;
		if (sent < flow->left_milli[p]) {
			flow->left_milli[p] -= sent;
			continue;
		}
		flow->left_milli[p] = 0;
		flow->day->windows[p][flow->kind].finish_s = now_s + 1;
	}
}

static void run_windows(struct flow *flow)
{
	struct demand_window *total = &flow->day->total[flow->kind];

	total->finish_s = 0;
	for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
		struct demand_window *window = &flow->day->windows[p][flow->kind];

		flow->left_milli[p] = (window->volume + window->retries) * MILLI;
		window->finish_s = flow->left_milli[p] > 0 ? DEMAND_NEVER : window->from_s;
	}
	for (uint32_t now_s = 0; now_s < DAY_S; now_s++)
		flow_second(flow, now_s);
	for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
		struct demand_window *window = &flow->day->windows[p][flow->kind];

		window->left = divide_up(flow->left_milli[p], MILLI);
		total->left += window->left;
		if (window->finish_s > total->finish_s)
			total->finish_s = window->finish_s;
	}
	struct demand_window *gate = &flow->day->windows[VOLUMETRICS_DCO][flow->kind];
	gate->finish_s = flow->day->windows[VOLUMETRICS_S1SP_1][flow->kind].finish_s;
	gate->left = flow->day->windows[VOLUMETRICS_S1SP_1][flow->kind].left;
}

/* ---- totals ---- */

/* When the providers that are open need most together, if all spread their work evenly. */
static void find_need_most(struct flow *flow)
{
	for (uint32_t now_s = 0; now_s < DAY_S; now_s += 60) {
		uint64_t need = 0;

		for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
			const struct volumetrics_hours *hours = &flow->model->hours[p][flow->kind];
			uint32_t slot = slot_at(hours, now_s);

			if (slot < hours->slot_count)
				need += slot_need_milli(
					&flow->day->windows[p][flow->kind], hours, slot);
		}
		if (need <= flow->day->need_most_milli[flow->kind])
			continue;
		flow->day->need_most_milli[flow->kind] = need;
		flow->day->need_most_s[flow->kind] = now_s;
	}
}

/* From the first beginning to the last end; the need is that of the whole time. */
static void add_total(struct flow *flow)
{
	struct demand_window *total = &flow->day->total[flow->kind];
	uint32_t caps = 0;

	total->slot_count = 1;
	total->from_s = DAY_S;
	for (unsigned p = 0; p < VOLUMETRICS_PROVIDERS; p++) {
		const struct demand_window *window = &flow->day->windows[p][flow->kind];

		total->volume += window->volume;
		total->retries += window->retries;
		caps += cap_most(window);
		if (!window->open)
			continue;
		total->open = true;
		if (window->from_s < total->from_s)
			total->from_s = window->from_s;
		if (window->to_s > total->to_s)
			total->to_s = window->to_s;
	}
	if (total->open)
		total->need_milli = divide_up(
			(total->volume + total->retries) * MILLI, total->to_s - total->from_s);
	else
		total->from_s = 0;
	total->cap_tps[0] = flow->kind == VOLUMETRICS_OFF_PEAK
				    ? (uint32_t)flow->model->numbers[VOLUMETRICS_OFF_PEAK_TPS].value
				    : caps;
}

static uint64_t share_milli_percent(const struct volumetrics *model, uint64_t need_milli)
{
	uint64_t total = model->numbers[VOLUMETRICS_OFF_PEAK_TPS].value;

	return (need_milli * 100 + total / 2) / total;
}

void demand_day(const struct demand *demand, struct demand_day *day)
{
	const struct volumetrics *model = &demand->model;
	uint64_t volumes[VOLUMETRICS_PROVIDERS][VOLUMETRICS_WINDOWS];

	memset(day, 0, sizeof(*day));
	demand_volumes(demand, volumes);
	for (unsigned kind = 0; kind < VOLUMETRICS_WINDOWS; kind++) {
		struct flow flow = {.model = model, .day = day, .kind = kind};

		for (unsigned p = 0; p < VOLUMETRICS_GATES; p++) {
			struct demand_window *window = &day->windows[p][kind];

			set_hours(window, &model->hours[p][kind]);
			if (p == VOLUMETRICS_DCO) {
				plan_series(&day->windows[VOLUMETRICS_S1SP_1][kind], window);
			} else {
				window->volume = volumes[p][kind];
				plan_window(model, kind, &model->hours[p][kind], window);
			}
			window->share_milli_percent =
				share_milli_percent(model, window->need_milli);
		}
		add_total(&flow);
		find_need_most(&flow);
		day->total[kind].share_milli_percent =
			share_milli_percent(model, day->need_most_milli[kind]);
		run_windows(&flow);
	}
}

/* ---- CSP North ---- */

/* The rate of a kit's channels in terms of one channel: `kit` divided by count at the loading. */
static uint64_t of_channels_milli(uint64_t kit, uint64_t count, uint64_t loading)
{
	return count == 0 ? 0 : divide_up(kit * ALL_MILLI_PERCENT, count * loading);
}

void demand_channels(const struct demand *demand, struct demand_channels *channels)
{
	const struct volumetrics_number *numbers = demand->model.numbers;
	const struct volumetrics_hours *hours =
		&demand->model.hours[VOLUMETRICS_CSP_NORTH][VOLUMETRICS_OFF_PEAK];
	uint64_t volumes[VOLUMETRICS_PROVIDERS][VOLUMETRICS_WINDOWS];
	uint64_t meters = demand->provider_meters[VOLUMETRICS_CSP_NORTH];
	uint64_t hubs = numbers[VOLUMETRICS_CSP_NORTH_HUBS].value;
	uint64_t kit_hubs = numbers[VOLUMETRICS_KIT_HUBS].value;
	uint64_t loading = numbers[VOLUMETRICS_CHANNEL_LOADING_PERCENT].value;
	uint64_t added = numbers[VOLUMETRICS_CHANNELS_ADDED].value;
	uint64_t rate = numbers[VOLUMETRICS_CHANNEL_READS_PER_HOUR].value;
	uint64_t enrolled = numbers[VOLUMETRICS_ENROLLED_PERCENT].value;

	memset(channels, 0, sizeof(*channels));
	demand_volumes(demand, volumes);
	channels->hubs_all = (hubs * ALL_MILLI_PERCENT + enrolled / 2) / enrolled;
	channels->hubs = hubs - numbers[VOLUMETRICS_FYLINGDALES_HUBS].value;
	channels->kits_least = divide_up(channels->hubs, kit_hubs);
	if (meters > 0)
		channels->kit_reads = divide_up(
			volumes[VOLUMETRICS_CSP_NORTH][VOLUMETRICS_OFF_PEAK] * kit_hubs, meters);
	if (hours->slot_count > 0)
		channels->kit_hourly_milli = divide_up(channels->kit_reads * MILLI * 3600,
			hours->slots[hours->slot_count - 1].to_s - hours->slots[0].from_s);
	channels->usable_milli = added * loading / 100;
	channels->channel_least_milli =
		of_channels_milli(channels->kit_hourly_milli, added, loading);
	channels->channel_below_milli =
		of_channels_milli(channels->kit_hourly_milli, added - 1, loading);
	channels->kit_hubs_full = kit_hubs * ALL_MILLI_PERCENT / loading;
	channels->channels_total = numbers[VOLUMETRICS_CHANNELS_PRESENT].value + added;
	if (rate == 0)
		return;
	channels->channels_needed =
		divide_up(channels->kit_hourly_milli * ALL_MILLI_PERCENT, rate * loading);
	channels->channels_headroom = (int64_t)added - (int64_t)channels->channels_needed;
	channels->loading_milli_percent =
		divide_up(channels->kit_hourly_milli * ALL_MILLI_PERCENT, rate * added);
}
