/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the answer to a request is due and in which windows the request goes, as motorway-control
 * tells it to the data plane: one record for each SRV. Source: FIA 4.3, 4.4, 5.1.1, Table 3; what
 * they leave open is in conf/trt.yaml and conf/windows.yaml.
 */
#ifndef MOTORWAY_TIMING_RECORD_H
#define MOTORWAY_TIMING_RECORD_H

#include <stdint.h>

#include "motorway/duis_terms.h"

#define MW_TIMING_ROLES 9	/* by the bit number of enum mw_role */
#define MW_TIMING_GENERATIONS 2 /* from MW_GENERATION_SMETS1 */

/* In which windows. */
enum mw_window_class {
	MW_WINDOW_CLASS_NOW = 0, /* waits for none */
	MW_WINDOW_CLASS_PEAK,
	MW_WINDOW_CLASS_OFF_PEAK,
	MW_WINDOW_CLASS_ANY,
	MW_WINDOW_CLASS_COUNT,
};

struct mw_timing {
	uint32_t target_s; /* Target Response Time; 0: there is no such request */
	uint8_t windows;   /* enum mw_window_class */
	uint8_t lane;	   /* enum mw_lane: the answer's */
	uint8_t reserved[2];
};

enum mw_timing_mode {
	MW_TIMING_ON_DEMAND,
	MW_TIMING_FUTURE_DATED, /* its time begins with the ExecutionDateTime */
	MW_TIMING_MODE_COUNT,
};

struct mw_timing_record {
	char srv[MW_SRV_SIZE];
	struct mw_timing timing[MW_TIMING_ROLES][MW_TIMING_GENERATIONS][MW_TIMING_MODE_COUNT];
};

#endif
