/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows of today and tomorrow, and what they will do with what control knows of: the runs of
 * schedules that fall due, and what waits, as the data plane has told it. A forecast, not a plan:
 * it takes each provider for itself, goes by the caps, and takes no failure, no new request and no
 * future-dated one into account. One thread; allocates.
 */
#ifndef CONTROL_WINDOWS_PLAN_H
#define CONTROL_WINDOWS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/windows_conf.h"

/* One window of one day: its slots, from first_record on, then its gap, if it has one. */
struct window_day {
	const struct window_gate *gate;
	const struct window_conf *window;
	const struct mw_window_record *slots;
	uint32_t slot_count;
	int64_t from_s, to_s; /* since 1970, UTC */
	int64_t gap_to_s;     /* to_s: no gap */
};

struct window_days {
	int64_t from_s, to_s; /* today and tomorrow by the zone's clocks, as instants */
	struct mw_window_record *records;
	struct window_day *days; /* in order of gates, then of time */
	size_t count;
};

/* The windows that have a part in today or tomorrow. 0, -ENOMEM, or -E2BIG: too many. */
int window_days_make(const struct windows_conf *conf, int64_t now_s, struct window_days *days);
void window_days_free(struct window_days *days);

/* `count` reads of a provider that may go from `due_s` on. */
struct window_batch {
	int64_t due_s;
	uint64_t count;
	uint8_t gate;
	uint8_t class; /* enum mw_window_class, not _NOW */
	bool waits;    /* in the data plane already */
};

/* What becomes of it in one window. */
struct window_forecast {
	uint32_t cap_tps;  /* the largest slot's, or what it shares, if that is less */
	uint64_t waiting;  /* of the reads that go in it: they wait now, */
	uint64_t planned;  /* or fall due */
	uint64_t left;	   /* for a later window */
	int64_t finish_ms; /* since 1970, UTC; 0: there is nothing to do */
};

/* Forecast each window of `days` that has not ended at now_s, in forecasts[0 .. days->count); the
 * others' are zero. `batches` are put in order. 0 or -ENOMEM. */
int windows_forecast(const struct windows_conf *conf, const struct window_days *days,
	struct window_batch *batches, size_t batch_count, int64_t now_s,
	struct window_forecast *forecasts);

#endif
