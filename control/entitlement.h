/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the timelines of a device's MPxNs to the entries of its record in the registry image: who is
 * entitled to which of its data, in seconds UTC. Pure functions.
 *
 * An entitlement reaches over the times from_s < t <= to_s: entries of a log are stamped at the
 * end of their interval, so the one stamped exactly at a change belongs to the old day. A request
 * for the window start_s .. end_s, both included, is covered when from_s <= start_s and end_s <=
 * to_s. doc/appointments.md says why, and what that means in summer.
 */
#ifndef CONTROL_ENTITLEMENT_H
#define CONTROL_ENTITLEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/mpxn.h"
#include "control/settlement_day.h"
#include "motorway/registry_image.h"

#define ENTITLEMENT_SOURCES_MAX MPXN_DEVICES_MAX
#define ENTITLEMENT_ENTRIES_MAX (MW_REGISTRY_ENTRIES * MW_REGISTRY_CHAIN_MAX)

/* One MPxN of the device: as what the device carries it, and its timeline. */
struct entitlement_source {
	uint8_t use; /* enum mpxn_use */
	const struct mpxn_interval *intervals;
	size_t interval_count;
};

/* A window of time, seconds since 1970 UTC, both ends included. */
struct entitlement_window {
	int64_t start_s;
	int64_t end_s;
};

/* The key of a party's entitlements of one kind: mw_registry_entry.party. */
static inline uint32_t entitlement_party(uint32_t organisation, enum mw_entitlement kind)
{
	return organisation | (uint32_t)kind << 24;
}

/* Compute the entries of a device with at most ENTITLEMENT_SOURCES_MAX MPxNs, in order of party and
 * from_s; those of a party neither overlap nor touch. Returns their number. When there would be
 * more than ENTITLEMENT_ENTRIES_MAX, those that ended longest ago are left out and counted in
 * *dropped (else 0): that refuses what was lawful, and never the other way. */
size_t entitlement_entries(const struct settlement_calendar *calendar,
	const struct entitlement_source *sources, size_t source_count,
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX], size_t *dropped);

/* Bring entries[0 .. count), of one device and in any order, into that form. Entries that were
 * brought into it part by part give the same as all at once, as long as none is dropped. */
size_t entitlement_join(struct mw_registry_entry *entries, size_t count, size_t *dropped);

/* Whether `party` is entitled to the whole window (start_s <= end_s). */
bool entitlement_covers(const struct mw_registry_entry *entries, size_t count, uint32_t party,
	struct entitlement_window window);

/* The longest part of the window that `party` is entitled to, for the explanation of a refusal.
 * False: to nothing of it. */
bool entitlement_part(const struct mw_registry_entry *entries, size_t count, uint32_t party,
	struct entitlement_window window, struct entitlement_window *part);

#endif
