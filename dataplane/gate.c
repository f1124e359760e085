/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests that count are those in flight and those in `until_ns`. Answers come in the order of
 * time and the distance is taken off all of them alike, so `until_ns` is in order by itself, but
 * for a distance that grows: then an item is kept as long as the one before it.
 */
#include "dataplane/gate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int gate_create(struct gate *gate, uint64_t now_ns)
{
	*gate = (struct gate){
		.until_ns = calloc(GATE_CAP_TPS_MAX, sizeof(*gate->until_ns)),
		.silent_until_ns = now_ns + GATE_SECOND_NS,
		.period_end_ns = now_ns + GATE_DISTANCE_PERIOD_NS,
		.least_ns = {UINT64_MAX, UINT64_MAX},
	};
	return gate->until_ns ? 0 : -ENOMEM;
}

void gate_destroy(struct gate *gate)
{
	free(gate->until_ns);
	gate->until_ns = NULL;
}

void gate_set_cap(struct gate *gate, uint32_t cap_tps)
{
	assert(cap_tps <= GATE_CAP_TPS_MAX || cap_tps == GATE_UNLIMITED);
	gate->cap_tps = cap_tps;
}

static uint64_t first_until_ns(const struct gate *gate)
{
	return gate->until_ns[gate->head];
}

static void forget_first(struct gate *gate)
{
	gate->head = (gate->head + 1) % GATE_CAP_TPS_MAX;
	gate->count--;
}

bool gate_is_open(struct gate *gate, uint64_t now_ns)
{
	while (gate->count > 0 && first_until_ns(gate) <= now_ns)
		forget_first(gate);
	return now_ns >= gate->silent_until_ns && now_ns + GATE_BURST_NS >= gate->next_ns &&
	       gate->in_flight + gate->count < gate->cap_tps;
}

uint64_t gate_opens_ns(const struct gate *gate)
{
	uint64_t opens_ns = gate->silent_until_ns;
	if (gate->next_ns > opens_ns + GATE_BURST_NS)
		opens_ns = gate->next_ns - GATE_BURST_NS;
	uint32_t counted = gate->in_flight + gate->count;

	if (gate->in_flight >= gate->cap_tps)
		return UINT64_MAX;
	if (counted >= gate->cap_tps) {
		/* As many as are too many must stop counting. */
		uint32_t last = gate->head + counted - gate->cap_tps;
		uint64_t until_ns = gate->until_ns[last % GATE_CAP_TPS_MAX];
		if (until_ns > opens_ns)
			opens_ns = until_ns;
	}
	return opens_ns;
}

/* From one to the next at an even pace. */
static uint64_t step_ns(const struct gate *gate)
{
	return 100000000000ull / ((uint64_t)gate->cap_tps * GATE_PACE_PERCENT);
}

void gate_pass(struct gate *gate, uint64_t now_ns)
{
	assert(gate->in_flight + gate->count < gate->cap_tps);
	gate->in_flight++;
	if (gate->next_ns < now_ns)
		gate->next_ns = now_ns;
	gate->next_ns += step_ns(gate);
}

void gate_give_back(struct gate *gate)
{
	assert(gate->in_flight > 0);
	gate->in_flight--;
	if (gate->cap_tps > 0 && gate->next_ns > step_ns(gate))
		gate->next_ns -= step_ns(gate);
}

/* Note how long an answer took, and give the shortest time that is to be believed. */
static uint64_t distance_ns(struct gate *gate, uint64_t took_ns, uint64_t now_ns)
{
	if (now_ns >= gate->period_end_ns) {
		bool all_old = now_ns >= gate->period_end_ns + GATE_DISTANCE_PERIOD_NS;
		gate->least_ns[1] = all_old ? UINT64_MAX : gate->least_ns[0];
		gate->answers[1] = all_old ? 0 : gate->answers[0];
		gate->least_ns[0] = UINT64_MAX;
		gate->answers[0] = 0;
		gate->period_end_ns = now_ns + GATE_DISTANCE_PERIOD_NS;
	}
	if (took_ns < gate->least_ns[0])
		gate->least_ns[0] = took_ns;
	gate->answers[0]++;
	if (gate->answers[0] + gate->answers[1] < GATE_ANSWERS_MIN)
		return 0;
	uint64_t least_ns =
		gate->least_ns[0] < gate->least_ns[1] ? gate->least_ns[0] : gate->least_ns[1];
	return least_ns < GATE_DISTANCE_NS_MAX ? least_ns : 0;
}

void gate_answered(struct gate *gate, uint64_t passed_ns, uint64_t now_ns)
{
	assert(gate->in_flight > 0 && now_ns >= passed_ns);
	uint64_t took_ns = now_ns - passed_ns;
	uint64_t until_ns = now_ns - distance_ns(gate, took_ns, now_ns) + GATE_SECOND_NS;

	gate->in_flight--;
	while (gate->count > 0 && first_until_ns(gate) <= now_ns)
		forget_first(gate);
	if (until_ns < gate->last_until_ns)
		until_ns = gate->last_until_ns;
	gate->last_until_ns = until_ns;
	if (gate->cap_tps == GATE_UNLIMITED && gate->count == GATE_CAP_TPS_MAX)
		forget_first(gate); /* a later cap is smaller than what is still kept */
	assert(gate->count < GATE_CAP_TPS_MAX);
	gate->until_ns[(gate->head + gate->count) % GATE_CAP_TPS_MAX] = until_ns;
	gate->count++;
}
