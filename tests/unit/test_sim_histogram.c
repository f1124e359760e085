/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "bench/sim/histogram.h"
#include "bench/sim/random.h"

static struct histogram histogram;
static struct histogram other;

static void clear(void)
{
	histogram_clear(&histogram);
	histogram_clear(&other);
}

TestSuite(sim_histogram, .init = clear);

Test(sim_histogram, empty_has_no_values)
{
	cr_assert_eq(histogram.count, 0);
	cr_assert_eq(histogram_quantile(&histogram, 500000), 0);
	cr_assert_eq(histogram_quantile(&histogram, 1000000), 0);
	cr_assert_eq(histogram_mean(&histogram), 0);
}

/* Cells lie side by side without gap or overlap, from 0 to the largest uint64. */
Test(sim_histogram, cells_cover_everything)
{
	uint64_t next = 0;
	for (uint32_t cell = 0; cell < HISTOGRAM_CELLS; cell++) {
		cr_assert_eq(histogram_cell_low(cell), next, "cell %u", cell);
		cr_assert_eq(histogram_cell(histogram_cell_low(cell)), cell);
		cr_assert_eq(histogram_cell(histogram_cell_high(cell)), cell);
		next = histogram_cell_high(cell) + 1;
	}
	cr_assert_eq(next, 0, "the last cell ends with the largest value");
}

Test(sim_histogram, small_values_are_exact)
{
	for (uint64_t value = 0; value < 128; value++) {
		cr_assert_eq(histogram_cell_low(histogram_cell(value)), value);
		cr_assert_eq(histogram_cell_high(histogram_cell(value)), value);
	}
}

Test(sim_histogram, error_is_below_one_part_in_128)
{
	struct random_source random;
	random_seed(&random, 7);
	for (int i = 0; i < 100000; i++) {
		uint64_t value = random_next(&random) >> random_below(&random, 64);
		uint32_t cell = histogram_cell(value);
		uint64_t width = histogram_cell_high(cell) - histogram_cell_low(cell);
		cr_assert(value >= histogram_cell_low(cell) && value <= histogram_cell_high(cell));
		cr_assert(width <= value / 128, "value %llu", (unsigned long long)value);
	}
}

Test(sim_histogram, one_value_is_every_quantile)
{
	histogram_record(&histogram, 123456789);
	cr_assert_eq(histogram_quantile(&histogram, 0), 123456789);
	cr_assert_eq(histogram_quantile(&histogram, 1), 123456789);
	cr_assert_eq(histogram_quantile(&histogram, 1000000), 123456789);
	cr_assert_eq(histogram.min_ns, 123456789);
	cr_assert_eq(histogram.max_ns, 123456789);
	cr_assert_eq(histogram_mean(&histogram), 123456789);
}

Test(sim_histogram, quantiles_of_one_to_hundred)
{
	for (uint64_t value = 1; value <= 100; value++)
		histogram_record(&histogram, value);
	cr_assert_eq(histogram_quantile(&histogram, 10000), 1);
	cr_assert_eq(histogram_quantile(&histogram, 500000), 50);
	cr_assert_eq(histogram_quantile(&histogram, 500001), 51);
	cr_assert_eq(histogram_quantile(&histogram, 990000), 99);
	cr_assert_eq(histogram_quantile(&histogram, 990001), 100);
	cr_assert_eq(histogram_mean(&histogram), 50);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;
	return (left > right) - (left < right);
}

/* Against the values themselves, sorted. */
Test(sim_histogram, quantiles_agree_with_sorted_values)
{
	enum {
		COUNT = 20000
	};
	static uint64_t values[COUNT];
	static const uint32_t parts[] = {1, 1000, 250000, 500000, 900000, 990000, 999000, 1000000};
	struct random_source random;
	random_seed(&random, 42);
	for (int i = 0; i < COUNT; i++) {
		values[i] = random_exponential_ns(&random, 20000000);
		histogram_record(&histogram, values[i]);
	}
	qsort(values, COUNT, sizeof(values[0]), compare);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t rank = ((uint64_t)COUNT * parts[i] + 999999) / 1000000;
		uint64_t exact = values[rank - 1];
		uint64_t found = histogram_quantile(&histogram, parts[i]);
		cr_assert_geq(found, exact);
		cr_assert_leq(found - exact, exact / 128 + 1);
	}
	cr_assert_eq(histogram_quantile(&histogram, 1000000), values[COUNT - 1]);
}

Test(sim_histogram, merged_is_as_if_recorded_together)
{
	static struct histogram both;
	struct random_source random;
	random_seed(&random, 3);
	for (int i = 0; i < 5000; i++) {
		uint64_t value = random_next(&random) >> 30;
		histogram_record(i % 3 ? &histogram : &other, value);
		histogram_record(&both, value);
	}
	histogram_merge(&histogram, &other);
	cr_assert_arr_eq(&histogram, &both, sizeof(both));
	histogram_clear(&other);
	histogram_merge(&histogram, &other);
	cr_assert_arr_eq(&histogram, &both, sizeof(both), "merging an empty one changes nothing");
}

Test(sim_histogram, extremes)
{
	histogram_record(&histogram, 0);
	histogram_record(&histogram, UINT64_MAX);
	cr_assert_eq(histogram.min_ns, 0);
	cr_assert_eq(histogram_quantile(&histogram, 500000), 0);
	cr_assert_eq(histogram_quantile(&histogram, 1000000), UINT64_MAX);
}

Test(sim_random, same_seed_same_numbers)
{
	struct random_source a;
	struct random_source b;
	random_seed(&a, 5);
	random_seed(&b, 5);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(random_next(&a), random_next(&b));
	random_seed(&b, 6);
	cr_assert_neq(random_next(&a), random_next(&b));
}

Test(sim_random, below_is_uniform)
{
	struct random_source random;
	int counts[7] = {0};
	random_seed(&random, 1);
	for (int i = 0; i < 70000; i++) {
		uint64_t value = random_below(&random, 7);
		cr_assert_lt(value, 7);
		counts[value]++;
	}
	for (int i = 0; i < 7; i++)
		cr_assert(counts[i] > 9500 && counts[i] < 10500, "%d came %d times", i, counts[i]);
	cr_assert_eq(random_below(&random, 1), 0);
}

Test(sim_random, exponential_has_its_mean)
{
	struct random_source random;
	random_seed(&random, 1);
	double sum = 0;
	for (int i = 0; i < 100000; i++)
		sum += (double)random_exponential_ns(&random, 1000000);
	cr_assert_float_eq(sum / 100000, 1000000, 15000);
	cr_assert_eq(random_exponential_ns(&random, 0), 0);
}
