/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removal of schedules when the time of their user ends: his appointment or registration for the
 * device ends, the device is decommissioned, the user is suspended or loses the role.
 *
 *   any change of the store --its log--> devices --> their schedules --> when does whose time end?
 *   a new reference set --> users that changed --> all schedules           | in the schedule's row
 *                                                                          v
 *                      alert to the user, row gone  <--at that instant-- queue of removals
 *
 * What is planned is in the store, so it survives, happens at its own instant, and changes when the
 * facts change before it. How far the log has been followed is in the store, too. Work is done in
 * slices. Source: FIA 5.1.6, 5.1.9; BR 2.2. doc/schedules.md tells the rules. One thread; time is
 * an argument, ms since 1970, UTC.
 */
#ifndef CONTROL_REMOVAL_H
#define CONTROL_REMOVAL_H

#include <stdio.h>

#include "control/alert.h"
#include "control/schedule.h"

/* Only ever increasing. */
struct removal_counters {
	uint64_t planned; /* plans written or changed */
	uint64_t removed[REMOVAL_CAUSE_COUNT];
	uint64_t waited;  /* for a last run */
	uint64_t devices; /* changed devices that have schedules */
	uint64_t sweeps;  /* of all schedules */
	uint64_t no_room; /* put off, because the alert found no room */
	uint64_t damaged; /* schedules or devices that could not be read */
};

struct removal;

/* What it works on; all borrowed. */
struct removal_setup {
	struct ledger *ledger;
	struct schedules *schedules;
	struct alerts *alerts;
	FILE *log;
};

/* NULL with errno and one line in `reason`: no time-zone database, no memory, a store that cannot
 * be read. */
struct removal *removal_open(const struct removal_setup *setup, char *reason, size_t reason_size);
void removal_close(struct removal *removal);

/* The set in force, borrowed until the next one. */
void removal_set_reference(struct removal *removal, const struct reference *reference);

/* What is known about the end of the user's time, for a schedule that is about to be added. 0 or
 * -errno of the store. */
int removal_plan(struct removal *removal, uint64_t user, const struct schedule_terms *terms,
	int64_t now_ms, struct schedule_removal *plan);

/* Do a slice of what is to be done. The caller commits the ledger afterwards, and calls
 * removal_forget() when that failed. Returns whether there is more to do at once. */
bool removal_turn(struct removal *removal, int64_t now_ms);
void removal_forget(struct removal *removal);

/* When the next removal is planned; INT64_MAX: never. */
int64_t removal_next_ms(const struct removal *removal);

const struct removal_counters *removal_counters(const struct removal *removal);

/* Remove a schedule and raise the alert that says so, in the ledger's change. 0, -ENOSPC: no room
 * for the alert, nothing was done; or another -errno: the ledger cannot be committed. */
int removal_remove(struct schedules *schedules, struct alerts *alerts,
	const struct schedule *schedule, enum removal_cause cause);

/* The name of a cause in commands: "mdra"; and the cause of a name, or REMOVAL_NONE. */
const char *removal_cause_name(enum removal_cause cause);
enum removal_cause removal_cause_find(const char *name);

#endif
