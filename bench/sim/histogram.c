/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/histogram.h"

#include <assert.h>
#include <string.h>

void histogram_clear(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
}

/* Values below HISTOGRAM_STEPS have a cell each; above, the leading bits choose the cell. */
uint32_t histogram_cell(uint64_t value_ns)
{
	if (value_ns < HISTOGRAM_STEPS)
		return (uint32_t)value_ns;
	uint32_t shift = 63u - (uint32_t)__builtin_clzll(value_ns) - HISTOGRAM_STEP_BITS;
	uint32_t step = (uint32_t)(value_ns >> shift) - HISTOGRAM_STEPS;
	return (shift + 1) * HISTOGRAM_STEPS + step;
}

uint64_t histogram_cell_low(uint32_t cell)
{
	assert(cell < HISTOGRAM_CELLS);
	if (cell < HISTOGRAM_STEPS)
		return cell;
	uint32_t shift = cell / HISTOGRAM_STEPS - 1;
	return (uint64_t)(HISTOGRAM_STEPS + cell % HISTOGRAM_STEPS) << shift;
}

uint64_t histogram_cell_high(uint32_t cell)
{
	assert(cell < HISTOGRAM_CELLS);
	if (cell < HISTOGRAM_STEPS)
		return cell;
	uint32_t shift = cell / HISTOGRAM_STEPS - 1;
	return histogram_cell_low(cell) + ((1ull << shift) - 1);
}

void histogram_record(struct histogram *histogram, uint64_t value_ns)
{
	if (histogram->count == 0 || value_ns < histogram->min_ns)
		histogram->min_ns = value_ns;
	if (value_ns > histogram->max_ns)
		histogram->max_ns = value_ns;
	histogram->count++;
	histogram->sum_ns += value_ns;
	histogram->cells[histogram_cell(value_ns)]++;
}

void histogram_merge(struct histogram *histogram, const struct histogram *from)
{
	if (from->count == 0)
		return;
	if (histogram->count == 0 || from->min_ns < histogram->min_ns)
		histogram->min_ns = from->min_ns;
	if (from->max_ns > histogram->max_ns)
		histogram->max_ns = from->max_ns;
	histogram->count += from->count;
	histogram->sum_ns += from->sum_ns;
	for (uint32_t i = 0; i < HISTOGRAM_CELLS; i++)
		histogram->cells[i] += from->cells[i];
}

uint64_t histogram_quantile(const struct histogram *histogram, uint32_t parts_per_million)
{
	assert(parts_per_million <= 1000000);
	if (histogram->count == 0)
		return 0;
	/* Round up, so that the quantile of one value is that value. */
	unsigned __int128 product = (unsigned __int128)histogram->count * parts_per_million;
	uint64_t rank = (uint64_t)((product + 999999) / 1000000);
	if (rank == 0)
		rank = 1;
	uint64_t seen = 0;
	for (uint32_t i = 0; i < HISTOGRAM_CELLS; i++) {
		seen += histogram->cells[i];
		if (seen < rank)
			continue;
		uint64_t high = histogram_cell_high(i);
		return high < histogram->max_ns ? high : histogram->max_ns;
	}
	return histogram->max_ns;
}

uint64_t histogram_mean(const struct histogram *histogram)
{
	return histogram->count ? histogram->sum_ns / histogram->count : 0;
}
