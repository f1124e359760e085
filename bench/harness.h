/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all benches share: our code and its peers take turns in one process on one pinned core.
 *
 *     round 1: ours, peer A, peer B    round 2: peer A, peer B, ours    round 3: ...
 *
 * Times are processor times of the thread, so that other programs on the same processor do not
 * count. Neighbours on a shared machine still slow everyone down alike and never speed anyone up,
 * so the minimum over the rounds is the figure and the median tells how quiet the machine was. Each
 * case prints one JSON line for each peer, and all cases together one table:
 *
 *     {"bench":"verify","case":"signature","unit":"ns/signature","ours":12000.0,
 *      "peer":"openssl-evp","peer_value":46000.0,"ratio":3.83,"rounds":50,
 *      "ours_median":..,"peer_median":..,"ratio_median":..,"target":2.50,"met":true}
 *
 * (on one line; "target" and "met" only where there is a target; "ours_instructions" and
 * "peer_instructions" and "instructions_variant" only with --instructions). Values are times, so
 * less is better, and ratio = peer_value / ours: how many times as fast as the peer we are.
 *
 * A bench is a program with a table of cases:
 *
 *     int main(int argc, char **argv)
 *     {
 *             struct bench_options options;
 *             int status = bench_options_parse(&options, argc, argv, "[CORPUS]");
 *
 *             if (status != BENCH_GO_ON)
 *                     return status;
 *             ...load what the cases need, options.arguments[0 .. argument_count) at hand...
 *             return bench_run("duis", cases, count, &options);
 *     }
 *
 * One thread. Cases run in the order of the table, each alone between its setup and teardown.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_CONTENDERS_MAX 8
#define BENCH_ROUNDS_MAX 1000
#define BENCH_ROUNDS_MIN 10

/* Answer of bench_options_parse(): carry on; anything else is the exit status. */
#define BENCH_GO_ON (-1)

/* One implementation of what a case measures. The same `state` goes to all of a case. */
struct bench_contender {
	const char *name; /* of a peer, as in the JSON; the first contender is "ours" */

	/* Do one piece of the work, the same piece at each call, and return how many units
	 * (messages, signatures, bytes ...) it was. 0 means that the contender gave a wrong answer:
	 * the bench ends with status 2, so check every answer here. A call should take 0.05 to 10
	 * ms; the harness repeats it to fill a slice. */
	uint64_t (*run)(void *state);

	double target; /* of a peer: ours must be at least this many times as fast; 0: no target */
};

struct bench_case {
	const char *name;
	const char *unit;	/* a time each unit, always ns: "ns/message", "ns/byte" */
	const char *parameters; /* one line for the table's foot: corpus, sizes, variant; or NULL */

	/* The name of the build of our code that runs on this processor, when there are several:
	 * the one that callgrind counts may be another. NULL when there is one. */
	const char *(*variant)(void);

	/* Called right before and after the case; NULL when there is nothing to do. setup returns 0
	 * or -errno, which ends the bench with status 2. */
	int (*setup)(void *state);
	void (*teardown)(void *state);
	void *state;

	struct bench_contender
		contenders[BENCH_CONTENDERS_MAX]; /* ours, the peers, then all zero */
};

struct bench_options {
	bool quick; /* --quick: ends within 30 s */
	bool check; /* --check: status 1 when a target is missed; the last line names those */
	bool instructions; /* --instructions: count instructions a unit with callgrind, too */
	int cpu;	   /* --cpu N: pin to this one; default: the last one we may use */
	unsigned rounds;   /* --rounds N; default 50, quick 10 */
	const char *only;  /* --case NAME: that case alone; or NULL */

	const char *program; /* argv[0] */
	char **arguments;    /* what follows the options; points into argv */
	size_t argument_count;

	/* Set by --instructions in the process that callgrind watches: run one contender (index),
	 * print "units N" and nothing else. */
	int counted; /* -1: none */
};

/* Read the command line. `usage` describes the arguments after the options, "" when there are none.
 * Returns BENCH_GO_ON, or the exit status after --help (0) or a wrong option (2). */
int bench_options_parse(struct bench_options *options, int argc, char **argv, const char *usage);

/* Pin the calling thread, run cases[0 .. count), print. Returns the exit status: 0; 1 when `check`
 * is on and a target was missed; 2 when a contender or a setup failed or there is no such case. */
int bench_run(const char *bench, const struct bench_case *cases, size_t count,
	const struct bench_options *options);

/* Nanoseconds of the monotonic clock. For benches that report more than the harness does. */
uint64_t bench_now_ns(void);

/* Make the compiler believe that `value` is used. */
static inline void bench_use(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

#endif
