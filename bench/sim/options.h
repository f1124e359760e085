/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of motorway-sim. One row of a table for each option: parsing, checking and
 * --help derive from it.
 */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define OPTIONS_TEXT_SIZE 512

enum sim_mode {
	SIM_MODE_RUN = 0,  /* providers and receive endpoints, until SIGTERM */
	SIM_MODE_DEMO = 1, /* users too; ends by itself */
};

enum sim_delay {
	SIM_DELAY_EXPONENTIAL = 0,
	SIM_DELAY_FIXED = 1,
};

struct options {
	enum sim_mode mode;
	char conf[OPTIONS_TEXT_SIZE];
	char var[OPTIONS_TEXT_SIZE];
	char gateway[OPTIONS_TEXT_SIZE];	  /* "": as the configuration says */
	char provider_gateway[OPTIONS_TEXT_SIZE]; /* "": as the configuration says */
	char listen_users[OPTIONS_TEXT_SIZE];
	char listen_providers[OPTIONS_TEXT_SIZE];
	enum sim_delay delay;
	uint64_t delay_ms;	     /* mean */
	uint64_t delay_min_ms;	     /* no answer sooner */
	uint64_t transform_delay_ms; /* of the transform provider */
	uint64_t fail_per_mille;     /* devices' answers that are E20 or E21 */
	uint64_t seed;
	uint64_t rate_tps;
	uint64_t count;
	uint64_t schedules;
	uint64_t due_in_s; /* scheduled reads are due this long after the start */
	uint64_t bad_percent;
	uint64_t connections;
	uint64_t deadline_s;
	uint64_t ledger; /* exchanges remembered */
	bool json;
	bool quiet;
};

/* Fill *options from the command line. Returns 0; 1 when --help or --version was answered on `out`;
 * -EINVAL when something is wrong, told in one line on `errors`. */
int options_read(struct options *options, int argc, char **argv, FILE *out, FILE *errors);

#endif
