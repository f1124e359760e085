/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of the volumetric model share among themselves. */
#ifndef SIM_VOLUMETRICS_READ_H
#define SIM_VOLUMETRICS_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/sim/volumetrics.h"

/* The row of a read's "percent". */
extern const struct volumetrics_row volumetrics_percent_row;

/* A value by its row: 0 or -ERANGE. */
int volumetrics_parse(const struct volumetrics_row *row, const char *text, uint64_t *value);

/* What a row allows, as a phrase in `text`. */
const char *volumetrics_allowed(const struct volumetrics_row *row, char *text, size_t size);

/* Whether a read is for such meters; its direction is not looked at. */
bool volumetrics_read_matches(const struct volumetrics_read *read,
	enum volumetrics_generation generation, enum volumetrics_user user,
	enum volumetrics_granularity granularity);

/* SMETS1 electricity meters, rounded half up. */
uint64_t volumetrics_smets1_meters(const struct volumetrics *model);

/* First attempts of the day by provider and window. */
void demand_volumes(
	const struct demand *demand, uint64_t volumes[VOLUMETRICS_PROVIDERS][VOLUMETRICS_WINDOWS]);

/* What the DSP repeats of `volume` first attempts, and what has failed for good. */
void demand_retries(
	const struct volumetrics *model, uint64_t volume, uint64_t *retries, uint64_t *failed);

/* The tables as text, and all of it as one JSON object. -ENOMEM. */
struct volumetrics_report {
	const struct demand *demand;
	struct demand_totals totals;
	struct demand_day day;
	struct demand_channels channels;
	unsigned line_count;
	struct demand_line lines[DEMAND_LINES_MAX];
	unsigned reading_count;
	struct demand_totals readings[VOLUMETRICS_READINGS_MAX];
	uint64_t reading_most_milli[VOLUMETRICS_READINGS_MAX]; /* Off Peak need when it is most */
};

struct volumetrics_wish {
	bool lines;   /* by provider, too */
	bool sources; /* each number with its basis */
};

void volumetrics_print(
	const struct volumetrics_report *report, const struct volumetrics_wish *wish, FILE *out);
void volumetrics_print_caps(const struct volumetrics_report *report, FILE *out);
int volumetrics_print_json(const struct volumetrics_report *report, FILE *out);

#endif
