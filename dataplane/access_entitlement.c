/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/access_state.h"

#define KIND_SHIFT 24

static bool counts(const struct mw_registry_entry *entry, uint32_t organisation, uint32_t kinds)
{
	uint32_t kind = entry->party >> KIND_SHIFT;
	return (entry->party & MW_REGISTRY_ORGANISATION_MAX) == organisation &&
	       kind < MW_ENTITLEMENT_COUNT && kinds & 1u << kind && entry->from_s < entry->to_s;
}

static int64_t end_of(const struct mw_registry_entry *entry)
{
	return entry->to_s == MW_REGISTRY_OPEN_END ? INT64_MAX : entry->to_s;
}

/* Entries come in no order that this relies on, but when they are in the order of time, either way,
 * two passes are enough: passes go forwards and backwards in turn. An appointment that ends when it
 * begins entitles to nothing: it was called off. */
bool access_covered(const struct registry_image_device *device, uint32_t organisation,
	uint32_t kinds, int64_t start_s, int64_t end_s, int64_t *uncovered_s)
{
	int64_t reached_s = start_s;
	bool begun = false;
	bool moved = organisation != 0; /* who belongs to nobody is entitled to nothing */
	for (bool backwards = false; moved && !(begun && reached_s >= end_s);
		backwards = !backwards) {
		moved = false;
		for (uint16_t i = 0; i < device->entry_count; i++) {
			const struct mw_registry_entry *entry =
				&device->entries[backwards ? device->entry_count - 1 - i : i];
			if (!counts(entry, organisation, kinds) || entry->from_s > reached_s ||
				end_of(entry) < reached_s)
				continue;
			moved |= !begun || end_of(entry) > reached_s;
			begun = true;
			reached_s = end_of(entry);
		}
	}
	*uncovered_s = reached_s;
	return begun && reached_s >= end_s;
}

uint32_t access_kinds(const struct access_case *access, unsigned role_number)
{
	return access->rules->kinds[access->srv->direction][role_number];
}

uint32_t access_unlinked_roles(const struct access_case *access)
{
	const struct registry_image_device *device = access->device;
	const struct access_rules *rules = access->rules;
	if (device->entry_count > 0)
		return 0;
	bool open = rules->unlinked_types & access_bit(device->type) ||
		    rules->unlinked_statuses & access_bit(device->status);
	return open ? rules->unlinked_roles : 0;
}
