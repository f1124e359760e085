/* SPDX-License-Identifier: Apache-2.0 */
#include "control/timing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/windows_expand.h"

static enum mw_window_class class_of(enum window_class class)
{
	switch (class) {
	case WINDOW_CLASS_PEAK:
		return MW_WINDOW_CLASS_PEAK;
	case WINDOW_CLASS_OFF_PEAK:
		return MW_WINDOW_CLASS_OFF_PEAK;
	case WINDOW_CLASS_ANY:
		return MW_WINDOW_CLASS_ANY;
	default:
		return MW_WINDOW_CLASS_NOW;
	}
}

static struct mw_timing timing_for(const struct windows_conf *windows,
	const struct mw_control_srv_rule *rule, uint32_t role, enum window_mode mode,
	uint32_t target_s)
{
	enum mw_direction direction = (enum mw_direction)rule->direction;

	return (struct mw_timing){
		.target_s = target_s,
		.windows =
			(uint8_t)class_of(windows_class(windows, role, rule->srv, direction, mode)),
		.lane = (uint8_t)windows_lane(windows, role, rule->srv, direction, mode),
	};
}

struct mw_timing timing_of_run(const struct windows_conf *windows, const struct trt_conf *trt,
	const struct mw_control_srv_rule *rule, uint32_t role, enum mw_generation generation)
{
	uint32_t target_s = trt_seconds(trt, rule->srv, role, generation, MW_MODE_SCHEDULED);

	return timing_for(windows, rule, role, WINDOW_SCHEDULED, target_s);
}

static struct mw_timing timing_in(const struct windows_conf *windows, const struct trt_conf *trt,
	const struct mw_control_srv_rule *rule, uint32_t role, enum mw_generation generation,
	enum mw_mode mode)
{
	uint32_t target_s = trt_seconds(trt, rule->srv, role, generation, mode);

	return timing_for(windows, rule, role, window_mode_of(mode, target_s), target_s);
}

static void fill_record(const struct windows_conf *windows, const struct trt_conf *trt,
	const struct mw_control_srv_rule *rule, struct mw_timing_record *record)
{
	memcpy(record->srv, rule->srv, sizeof(record->srv));
	for (unsigned bit = 0; bit < MW_TIMING_ROLES; bit++) {
		for (unsigned column = 0; column < MW_TIMING_GENERATIONS; column++) {
			enum mw_generation generation =
				(enum mw_generation)(MW_GENERATION_SMETS1 + column);
			struct mw_timing *timing = record->timing[bit][column];
			timing[MW_TIMING_ON_DEMAND] = timing_in(
				windows, trt, rule, 1u << bit, generation, MW_MODE_ON_DEMAND);
			timing[MW_TIMING_FUTURE_DATED] = timing_in(windows, trt, rule, 1u << bit,
				generation, MW_MODE_FUTURE_DATED_DSP);
		}
	}
}

int timing_fill(struct reference *set, const struct windows_conf *windows,
	const struct trt_conf *trt, int64_t now_s)
{
	struct mw_window_record *records = calloc(MW_WINDOW_RECORDS_MAX, sizeof(*records));
	struct mw_timing_record *timings = calloc(set->rule_count, sizeof(*timings));
	int64_t day_s = now_s - now_s % 86400;
	int count = -ENOMEM;

	if (records != NULL && (timings != NULL || set->rule_count == 0))
		count = windows_expand(windows, day_s - TIMING_DAYS_BEFORE * 86400,
			day_s + TIMING_DAYS_AHEAD * 86400, records, MW_WINDOW_RECORDS_MAX);
	if (count < 0) {
		free(records);
		free(timings);
		return count;
	}
	for (size_t index = 0; index < set->rule_count; index++)
		fill_record(windows, trt, &set->rules[index], &timings[index]);
	free(set->windows);
	free(set->timings);
	set->windows = records;
	set->window_count = (size_t)count;
	set->timings = timings;
	set->timing_count = set->rule_count;
	reference_seal(set);
	return 0;
}
