/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the data plane is told of time: the windows of the days around now, as instants, and for
 * each SRV when its answers are due and in which windows it goes. Made from conf/windows.yaml and
 * conf/trt.yaml, kept in the reference set, made anew when the days have moved on. One thread.
 */
#ifndef CONTROL_TIMING_H
#define CONTROL_TIMING_H

#include <stdint.h>

#include "control/reference.h"
#include "control/trt_conf.h"
#include "control/windows_conf.h"

/* The days that the data plane knows: so long it goes on when control is away. */
#define TIMING_DAYS_BEFORE 1
#define TIMING_DAYS_AHEAD 8

/* After so long they are to be made anew. */
#define TIMING_RENEW_S 21600

/* Put windows and timings into `set`, in place of those that are there, as of `now_s` (since 1970,
 * UTC), and seal it. 0, -ENOMEM, or -E2BIG: the windows of these days are more than
 * MW_WINDOW_RECORDS_MAX; then nothing has changed. */
int timing_fill(struct reference *set, const struct windows_conf *windows,
	const struct trt_conf *trt, int64_t now_s);

/* The windows in which a run of `srv` goes that is read for a user in `role` (one of enum mw_role),
 * and by when its answer is due: seconds after it fell due. */
struct mw_timing timing_of_run(const struct windows_conf *windows, const struct trt_conf *trt,
	const struct mw_control_srv_rule *rule, uint32_t role, enum mw_generation generation);

#endif
