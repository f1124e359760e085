/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stretch of a window as motorway-control tells it to the data plane: instants in UTC, one rate.
 * A window that has slots of different rates (FIA Table 4, S1SP-2) is several stretches with one
 * number; so is the gap behind it, in which retries alone go (FIA 5.1.1).
 */
#ifndef MOTORWAY_WINDOW_RECORD_H
#define MOTORWAY_WINDOW_RECORD_H

#include <stdint.h>

/* Gates are numbered: a provider's is its id; the gate of the total of all providers, one for each
 * kind of window; and gates that stand in series before a provider's, such as the DCO's. */
#define MW_GATE_PROVIDERS 64
#define MW_GATE_TOTAL_PEAK 64
#define MW_GATE_TOTAL_OFF_PEAK 65
#define MW_GATE_SERIES 66
#define MW_GATE_COUNT 80

/* The largest rate, and the most records of a set. */
#define MW_WINDOW_CAP_TPS_MAX 16384
#define MW_WINDOW_RECORDS_MAX 16384

enum mw_window_kind {
	MW_WINDOW_PEAK,
	MW_WINDOW_OFF_PEAK,
	MW_WINDOW_KIND_COUNT,
};

enum mw_window_pace {
	MW_WINDOW_SPREAD, /* at an even rate over the window */
	MW_WINDOW_AT_CAP, /* as fast as the cap allows */
	MW_WINDOW_PACE_COUNT,
};

struct mw_window_record {
	int64_t from_s;	 /* since 1970, UTC; belongs to it */
	int64_t to_s;	 /* does not */
	uint32_t number; /* of the window: the same for its slots and its gap, unique in its gate */
	uint32_t cap_tps; /* 1 .. MW_WINDOW_CAP_TPS_MAX */
	uint8_t gate;
	uint8_t series;		  /* the gate to be passed as well, or `gate` */
	uint8_t kind;		  /* enum mw_window_kind; of a gap: that of the window before it */
	uint8_t gap;		  /* 1: retries alone */
	uint8_t pace;		  /* enum mw_window_pace */
	uint8_t on_demand_counts; /* 1: short on-demand requests use the allowance, too */
	uint8_t reserved[2];	  /* 0 */
};

_Static_assert(sizeof(struct mw_window_record) == 32, "sent as it stands");

#endif
