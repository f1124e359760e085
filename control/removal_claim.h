/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose time at a device ends when: pure functions on what the store and the reference set say.
 * For removal.c and its tests.
 */
#ifndef CONTROL_REMOVAL_CLAIM_H
#define CONTROL_REMOVAL_CLAIM_H

#include "control/entitlement.h"
#include "control/reference.h"
#include "control/schedule.h"

/* What is known of a device. */
struct removal_device {
	uint64_t device_id; /* 0: none */
	bool is_gone;	    /* not in the inventory, or in a status in which it has ended */
	size_t entry_count;
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX];
};

/* What entitles a user to a read. */
struct removal_claim {
	bool is_known;	    /* the SRV has a rule */
	bool may_send;	    /* he is active and has a role that may send it */
	bool needs_nothing; /* one of these roles is not asked for a registration */
	uint32_t organisation;
	uint32_t kinds; /* set of enum mw_entitlement */
};

void removal_claim(const struct reference *reference, uint64_t user, const char *srv,
	struct removal_claim *claim);

/* When the user's time ends, given what was known before and the time now. */
struct schedule_removal removal_judge(const struct removal_device *device,
	const struct removal_claim *claim, const struct schedule_removal *before, int64_t now_s);

#endif
