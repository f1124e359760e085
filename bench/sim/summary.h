/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run has shown: for a person, as JSON, and whether every count adds up.
 */
#ifndef SIM_SUMMARY_H
#define SIM_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/sim/simulation.h"

#define SUMMARY_CHECKS_MAX 24

/* Two numbers that must be equal. */
struct summary_check {
	const char *what;
	uint64_t found;
	uint64_t wanted;
};

struct summary {
	struct summary_check checks[SUMMARY_CHECKS_MAX];
	uint32_t check_count;
	bool balanced; /* all of them hold */
	/* of accepted requests whose answer comes from a device */
	uint64_t exchanges;
	uint64_t schedules_due;
};

/* Compare all counts of a finished run. */
void summary_make(struct summary *summary, const struct simulation *simulation);

/* Print it for a person. */
void summary_print(const struct summary *summary, const struct simulation *simulation, FILE *out);

/* Print it as one JSON object and a newline. Returns 0 or -ENOMEM. */
int summary_print_json(
	const struct summary *summary, const struct simulation *simulation, FILE *out);

#endif
