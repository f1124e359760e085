/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place that reads a clock. Everything else takes the time as an argument.
 */
#ifndef DATAPLANE_CLOCK_H
#define DATAPLANE_CLOCK_H

#include <stdint.h>

/* Calibrate against the kernel. Main thread, once, before any other function here. */
void clock_start(void);

/* Monotonic time in ns since an arbitrary start. Any thread; reads the TSC. */
uint64_t clock_now_ns(void);

/* Wall-clock time (UTC) in ms since 1970 that belongs to monotonic time `now_ns`. Any thread. The
 * relation is renewed by clock_adjust(), so that steps of the wall clock are followed. */
int64_t clock_wall_ms(uint64_t now_ns);

/* Renew the relation of monotonic to wall-clock time. The link thread, about once a second. */
void clock_adjust(void);

#endif
