/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log-linear histogram of durations in ns, in the manner of HDR histograms: each power of two is
 * divided into 128 equal steps, so a value is known to within 1/128 (0.8 %) over the whole range of
 * uint64, recording is a few instructions, and memory is fixed. Plain data; one writer.
 */
#ifndef SIM_HISTOGRAM_H
#define SIM_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7
#define HISTOGRAM_STEPS (1u << HISTOGRAM_STEP_BITS)
#define HISTOGRAM_CELLS ((64u - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS)

struct histogram {
	uint64_t count;
	uint64_t sum_ns; /* wraps only after 584 years of recorded time */
	uint64_t min_ns; /* of an empty histogram: 0 */
	uint64_t max_ns;
	uint64_t cells[HISTOGRAM_CELLS];
};

/* Make it empty. */
void histogram_clear(struct histogram *histogram);

/* Record one value. */
void histogram_record(struct histogram *histogram, uint64_t value_ns);

/* Add everything recorded in `from`. */
void histogram_merge(struct histogram *histogram, const struct histogram *from);

/* The smallest recorded step below or at which at least `parts_per_million` of all values lie
 * (500000 = median, 1000000 = maximum), as the step's upper end, but never above the true maximum.
 * 0 for an empty histogram. */
uint64_t histogram_quantile(const struct histogram *histogram, uint32_t parts_per_million);

/* Arithmetic mean, 0 for an empty histogram. */
uint64_t histogram_mean(const struct histogram *histogram);

/* The cell that counts `value_ns`, and the smallest and largest value that a cell counts. */
uint32_t histogram_cell(uint64_t value_ns);
uint64_t histogram_cell_low(uint32_t cell);
uint64_t histogram_cell_high(uint32_t cell);

#endif
