/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's time at a device is the chain of his entitlements that reaches from now on without a
 * gap: an appointment that follows upon another is no end. Who was entitled and is no longer has
 * lost the device when the last of his entitlements ended. Who is not yet entitled, but will be, is
 * waited for; his time ends with that one. Of who never was and never will be nothing ends: access
 * control refuses his reads.
 */
#include "control/removal_claim.h"

static enum removal_cause cause_of(uint32_t party)
{
	switch (party >> 24) {
	case MW_ENTITLEMENT_MDR_IMPORT:
	case MW_ENTITLEMENT_MDR_EXPORT:
		return REMOVAL_MDRA;
	case MW_ENTITLEMENT_DISTRIBUTOR:
	case MW_ENTITLEMENT_TRANSPORTER:
		return REMOVAL_NETWORK;
	default:
		/* A supplier's agent comes and goes with the supplier. */
		return REMOVAL_SUPPLIER;
	}
}

void removal_claim(const struct reference *reference, uint64_t user, const char *srv,
	struct removal_claim *claim)
{
	const struct reference_user *found = reference_user(reference, user);
	const struct mw_control_srv_rule *rule = reference_rule(reference, srv);
	const struct mw_control_access_checks *checks = &reference->checks;

	*claim = (struct removal_claim){.is_known = rule != NULL};
	if (found == NULL || rule == NULL || !found->active)
		return;
	claim->organisation = found->organisation;
	for (unsigned role = 0; role < MW_ROLE_COUNT; role++) {
		if ((found->roles & rule->roles & 1u << role) == 0)
			continue;
		claim->may_send = true;
		claim->needs_nothing |= checks->role_entitlements[role] == 0;
		claim->kinds |= checks->role_entitlements[role] &
				checks->direction_entitlements[rule->direction];
	}
}

static bool counts(const struct mw_registry_entry *entry, const struct removal_claim *claim)
{
	uint32_t kind = entry->party >> 24;

	return claim->organisation != 0 && kind < MW_ENTITLEMENT_COUNT &&
	       (entry->party & MW_REGISTRY_ORGANISATION_MAX) == claim->organisation &&
	       (claim->kinds & 1u << kind) != 0 && entry->from_s < entry->to_s;
}

static int64_t end_of(const struct mw_registry_entry *entry)
{
	return entry->to_s == MW_REGISTRY_OPEN_END ? STORE_NEVER : entry->to_s;
}

/* Follow the entitlements from *at_s on as far as they reach; false: none holds then. */
static bool follow(const struct removal_device *device, const struct removal_claim *claim,
	int64_t *at_s, enum removal_cause *cause)
{
	bool found = false;
	bool moved = true;

	while (moved) {
		moved = false;
		for (size_t i = 0; i < device->entry_count; i++) {
			const struct mw_registry_entry *entry = &device->entries[i];

			if (!counts(entry, claim) || entry->from_s > *at_s ||
				end_of(entry) <= *at_s)
				continue;
			*at_s = end_of(entry);
			*cause = cause_of(entry->party);
			found = moved = true;
		}
	}
	return found;
}

/* The first entitlement after now_s; false: there is none. */
static bool find_next(const struct removal_device *device, const struct removal_claim *claim,
	int64_t now_s, int64_t *from_s)
{
	bool found = false;

	for (size_t i = 0; i < device->entry_count; i++) {
		const struct mw_registry_entry *entry = &device->entries[i];

		if (!counts(entry, claim) || entry->from_s <= now_s ||
			(found && entry->from_s >= *from_s))
			continue;
		*from_s = entry->from_s;
		found = true;
	}
	return found;
}

/* He was entitled and is not now. */
static struct schedule_removal lost(const struct removal_device *device,
	const struct removal_claim *claim, const struct schedule_removal *before, int64_t now_s)
{
	struct schedule_removal removal = {.cause = before->cause, .bound = true, .at_s = 0};

	for (size_t i = 0; i < device->entry_count; i++) {
		const struct mw_registry_entry *entry = &device->entries[i];

		if (!counts(entry, claim) || end_of(entry) > now_s || end_of(entry) <= removal.at_s)
			continue;
		removal.at_s = end_of(entry);
		removal.cause = cause_of(entry->party);
	}
	return removal;
}

static struct schedule_removal judge(const struct removal_device *device,
	const struct removal_claim *claim, const struct schedule_removal *before, int64_t now_s)
{
	struct schedule_removal removal = {.cause = REMOVAL_NONE, .at_s = now_s};
	/* An end that has come is not forgotten because it has not been looked at in time. */
	bool was_bound = before->bound || (before->at_s > 0 && before->at_s <= now_s);

	if (device->is_gone)
		return (struct schedule_removal){.cause = REMOVAL_DEVICE, .bound = before->bound};
	if (!claim->is_known)
		return *before;
	if (!claim->may_send)
		return (struct schedule_removal){.cause = REMOVAL_USER, .bound = before->bound};
	if (claim->needs_nothing)
		return (struct schedule_removal){.at_s = STORE_NEVER};
	removal.bound = follow(device, claim, &removal.at_s, &removal.cause);
	if (removal.bound)
		return removal;
	if (was_bound)
		return lost(device, claim, before, now_s);
	if (find_next(device, claim, now_s, &removal.at_s))
		follow(device, claim, &removal.at_s, &removal.cause);
	else
		removal.at_s = STORE_NEVER;
	return removal;
}

struct schedule_removal removal_judge(const struct removal_device *device,
	const struct removal_claim *claim, const struct schedule_removal *before, int64_t now_s)
{
	struct schedule_removal removal = judge(device, claim, before, now_s);

	/* Its last run is awaited as long as the end is the same. */
	removal.waiting = before->waiting && removal.at_s == before->at_s;
	return removal;
}
