/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gate lets at most `cap_tps` requests through in one second, in any one second, wherever it
 * begins, as the provider behind it sees them arrive.
 *
 * A request arrives at some instant between the permission to send it and the provider's answer to
 * its POST; which one, nobody here knows. So it counts from the permission until one second after
 * the answer: when a stalled connection lets go of everything at once, all of that still counts.
 * The way there and back is nearly constant, and a constant shift of all arrivals changes no
 * interval; so the shortest time seen between permission and answer is taken off again. With that a
 * gate in front of a healthy provider is used to more than 99.5 %, whatever the distance.
 *
 * Pure: time is an argument. Owned by the traffic lcore.
 */
#ifndef DATAPLANE_GATE_H
#define DATAPLANE_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* The largest cap. */
#define GATE_CAP_TPS_MAX 16384

/* No limit at all. */
#define GATE_UNLIMITED UINT32_MAX

/* One second, and a little more: the clocks here and there do not run alike. */
#define GATE_SECOND_NS 1000200000ull

/* What passes is spread over the second: at most a fiftieth of the cap at once, and then at this
 * part of the cap's own rate, in percent. */
#define GATE_BURST_NS 20000000ull
#define GATE_PACE_PERCENT 105

/* The shortest time from permission to answer is believed after so many answers, and as far as
 * this: a provider that has been slow from the beginning is not taken for one that is far away. */
#define GATE_ANSWERS_MIN 64
#define GATE_DISTANCE_NS_MAX 25000000ull

/* For how long the shortest time is remembered: at least this, at most twice as long. */
#define GATE_DISTANCE_PERIOD_NS 16000000000ull

struct gate {
	uint64_t *until_ns;   /* circular: when answered requests stop counting, in order */
	uint32_t head, count; /* of these */
	uint32_t in_flight;   /* permitted and not answered */
	uint32_t cap_tps;     /* 0: closed */
	uint64_t silent_until_ns;
	uint64_t next_ns;	/* the one after the last to pass, if that comes at an even pace */
	uint64_t last_until_ns; /* keeps the order when the distance changes */
	uint64_t period_end_ns;
	uint64_t least_ns[2]; /* from permission to answer: this period's, the last one's */
	uint32_t answers[2];
};

/* Make a gate, closed; nothing passes in the first second after `now_ns`, as nobody knows what went
 * before. Returns 0 or -ENOMEM. */
int gate_create(struct gate *gate, uint64_t now_ns);
void gate_destroy(struct gate *gate);

/* Another cap, in force at once: 0, up to GATE_CAP_TPS_MAX, or GATE_UNLIMITED. What went through
 * before keeps counting. */
void gate_set_cap(struct gate *gate, uint32_t cap_tps);

/* May one pass at `now_ns`? */
bool gate_is_open(struct gate *gate, uint64_t now_ns);

/* When gate_is_open() may change from false to true: an instant, or UINT64_MAX when an answer or
 * another cap has to come first. */
uint64_t gate_opens_ns(const struct gate *gate);

/* One passes at `now_ns`; gate_is_open() has said that it may. */
void gate_pass(struct gate *gate, uint64_t now_ns);

/* The permission was not used: nothing has been sent. */
void gate_give_back(struct gate *gate);

/* What passed at `passed_ns` has ended at `now_ns`: answered, or given up. */
void gate_answered(struct gate *gate, uint64_t passed_ns, uint64_t now_ns);

#endif
