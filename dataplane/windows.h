/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the windows are: for each provider, and for the totals, stretches of UTC time with a rate.
 * motorway-control makes them from the configuration, several days ahead, with all that time zones
 * ask for; here they are instants. A table never changes; another one takes its place.
 */
#ifndef DATAPLANE_WINDOWS_H
#define DATAPLANE_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/limits.h"
#include "dataplane/release.h"
#include "motorway/window_record.h"

struct windows;

/* A table of records[0 .. count), in any order. NULL with errno: ENOMEM; EINVAL: a record that no
 * table can hold (its number goes to *bad): an end that is not behind the start, a kind, provider
 * or cap that does not exist, or an overlap with another one of its gate. */
struct windows *windows_create(const struct mw_window_record *records, size_t count, size_t *bad);
void windows_destroy(struct windows *windows);

/* The stretch of `gate` (a provider's id, or MW_GATE_TOTAL_PEAK and _OFF_PEAK) at `wall_ms`, or
 * NULL: closed. *until_ms is set to when the answer changes, INT64_MAX: never. Any order of
 * instants, backwards too; the one asked last is remembered. */
const struct mw_window_record *windows_at(
	struct windows *windows, uint32_t gate, int64_t wall_ms, int64_t *until_ms);

/* Does the table speak of `gate` at all? A provider without windows takes everything at once. */
bool windows_has(const struct windows *windows, uint32_t gate);

/* The gate that stands before `gate` in series (the DCO before S1SP-1), or `gate` itself. */
uint32_t windows_series(const struct windows *windows, uint32_t gate);

#endif
