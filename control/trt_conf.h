/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target Response Times (conf/trt.yaml): how long the answer to a request may take, by its SRV, who
 * asks, the device's generation and the mode. Source: FIA Table 3; what is not there has a default
 * that the file states. Read whole, checked whole, never changed. Start-up and reload; one thread;
 * trt_seconds() is pure.
 */
#ifndef CONTROL_TRT_CONF_H
#define CONTROL_TRT_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "control/reference.h"
#include "motorway/access_terms.h"
#include "motorway/duis_terms.h"

#define TRT_SECONDS_MAX (31 * 86400)
#define TRT_NONE 0u /* such a request does not exist */

/* Who asks. */
enum trt_user {
	TRT_SUPPLIER, /* IS, ES, GS */
	TRT_MDR,
	TRT_OTHER,
	TRT_USER_COUNT,
};

enum trt_column {
	TRT_SCHEDULED,
	TRT_ON_DEMAND,
	TRT_FUTURE_DATED, /* from the ExecutionDateTime on; kept by the DSP */
	TRT_COLUMN_COUNT,
};

#define TRT_GENERATION_COUNT 2 /* enum mw_generation, from SMETS1 */

struct trt_times {
	uint32_t seconds[TRT_COLUMN_COUNT]; /* or TRT_NONE */
	bool stated;			    /* a row of the file says so */
	bool assumed;
};

struct trt_entry {
	char srv[MW_SRV_SIZE];
	struct trt_times times[TRT_USER_COUNT][TRT_GENERATION_COUNT];
};

struct trt_conf {
	struct trt_times defaults[TRT_USER_COUNT][TRT_GENERATION_COUNT];
	uint32_t entry_count;
	struct trt_entry entries[REFERENCE_RULES_MAX]; /* in order of srv */
};

/* Read and check the file. `known` has the SRVs that it may name. Returns 0 and the table, which
 * the caller frees with trt_conf_free(), or -EINVAL (each error is one line of `errors`:
 * file:line:column) or another -errno. */
int trt_conf_read(
	const char *path, const struct reference *known, FILE *errors, struct trt_conf **conf);
void trt_conf_free(struct trt_conf *conf);

/* Who asks, when the one of enum mw_role that entitles the user is `role`. */
enum trt_user trt_user_of(uint32_t role);

/* The times of `srv` for a user in `role` and a device of `generation` (0: no device, then those of
 * SMETS2). Valid as long as `conf`. */
const struct trt_times *trt_times(
	const struct trt_conf *conf, const char *srv, uint32_t role, enum mw_generation generation);

/* The target response time in seconds, or TRT_NONE. `mode` is one of enum mw_mode; what the device
 * keeps (FUTURE_DATED_DEVICE) and what the DCC answers itself (DCC_ONLY) is on demand. */
uint32_t trt_seconds(const struct trt_conf *conf, const char *srv, uint32_t role,
	enum mw_generation generation, enum mw_mode mode);

#endif
