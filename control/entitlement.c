/* SPDX-License-Identifier: Apache-2.0 */
#include "control/entitlement.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SORT_BY_INSERTION_MAX 16

/* What an interval of the timeline gives to the device that carries the number; 0: nothing. Gas has
 * no retrievers (FIA 5.1: "MDR data associated with Electricity Registrations"). */
static const uint8_t kinds[MPXN_GAS + 1][MPXN_IS_AGENT + 1] = {
	[MPXN_IMPORT] = {0, MW_ENTITLEMENT_IMPORT_SUPPLIER, MW_ENTITLEMENT_DISTRIBUTOR,
		MW_ENTITLEMENT_MDR_IMPORT, MW_ENTITLEMENT_AGENT_IMPORT},
	[MPXN_SECONDARY_IMPORT] = {0, MW_ENTITLEMENT_IMPORT_SUPPLIER, MW_ENTITLEMENT_DISTRIBUTOR,
		MW_ENTITLEMENT_MDR_IMPORT, MW_ENTITLEMENT_AGENT_IMPORT},
	[MPXN_EXPORT] = {0, MW_ENTITLEMENT_EXPORT_SUPPLIER, MW_ENTITLEMENT_DISTRIBUTOR,
		MW_ENTITLEMENT_MDR_EXPORT, MW_ENTITLEMENT_AGENT_EXPORT},
	[MPXN_GAS] = {0, MW_ENTITLEMENT_GAS_SUPPLIER, MW_ENTITLEMENT_TRANSPORTER, 0,
		MW_ENTITLEMENT_AGENT_GAS},
};

static uint32_t instant_of(const struct settlement_calendar *calendar, int32_t day)
{
	if (day > SETTLEMENT_DAY_MAX)
		return MW_REGISTRY_OPEN_END;
	int64_t start_s = day < 0 ? 0 : settlement_start_s(calendar, day);
	return start_s < 0 ? 0 : (uint32_t)start_s;
}

static int compare_entries(const void *left, const void *right)
{
	const struct mw_registry_entry *a = left;
	const struct mw_registry_entry *b = right;

	if (a->party != b->party)
		return a->party < b->party ? -1 : 1;
	if (a->from_s != b->from_s)
		return a->from_s < b->from_s ? -1 : 1;
	return a->to_s < b->to_s ? -1 : a->to_s > b->to_s;
}

static size_t collect(const struct settlement_calendar *calendar,
	const struct entitlement_source *source, struct mw_registry_entry *entries)
{
	size_t count = 0;

	assert(source->use >= MPXN_IMPORT && source->use <= MPXN_GAS);
	assert(source->interval_count <= MPXN_INTERVALS_MAX);
	for (size_t i = 0; i < source->interval_count; i++) {
		const struct mpxn_interval *interval = &source->intervals[i];
		uint8_t kind = kinds[source->use][interval->kind];
		struct mw_registry_entry entry = {
			.party = entitlement_party(
				interval->organisation, (enum mw_entitlement)kind),
			.from_s = instant_of(calendar, interval->from_day),
			.to_s = instant_of(calendar, interval->to_day),
		};

		assert(interval->organisation <= MW_REGISTRY_ORGANISATION_MAX);
		if (kind != 0 && entry.from_s < entry.to_s)
			entries[count++] = entry;
	}
	return count;
}

/* Make one entry of those that overlap or touch. The entries are in order. */
static size_t merge(struct mw_registry_entry *entries, size_t count)
{
	size_t merged = 0;

	for (size_t i = 0; i < count; i++) {
		struct mw_registry_entry *last = merged > 0 ? &entries[merged - 1] : NULL;

		if (last == NULL || last->party != entries[i].party ||
			last->to_s < entries[i].from_s)
			entries[merged++] = entries[i];
		else if (last->to_s < entries[i].to_s)
			last->to_s = entries[i].to_s;
	}
	return merged;
}

/* Leave out the one that ended first; of several the first one. */
static void drop_oldest(struct mw_registry_entry *entries, size_t count)
{
	size_t oldest = 0;

	for (size_t i = 1; i < count; i++)
		if (entries[i].to_s < entries[oldest].to_s)
			oldest = i;
	memmove(&entries[oldest], &entries[oldest + 1], (count - oldest - 1) * sizeof(entries[0]));
}

/* Most devices have a handful of entries: for those qsort() is slow. */
static void sort(struct mw_registry_entry *entries, size_t count)
{
	if (count > SORT_BY_INSERTION_MAX) {
		qsort(entries, count, sizeof(entries[0]), compare_entries);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct mw_registry_entry entry = entries[i];
		size_t at = i;

		for (; at > 0 && compare_entries(&entries[at - 1], &entry) > 0; at--)
			entries[at] = entries[at - 1];
		entries[at] = entry;
	}
}

size_t entitlement_join(struct mw_registry_entry *entries, size_t count, size_t *dropped)
{
	sort(entries, count);
	count = merge(entries, count);
	for (*dropped = 0; count > ENTITLEMENT_ENTRIES_MAX; count--, ++*dropped)
		drop_oldest(entries, count);
	return count;
}

size_t entitlement_entries(const struct settlement_calendar *calendar,
	const struct entitlement_source *sources, size_t source_count,
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX], size_t *dropped)
{
	struct mw_registry_entry all[ENTITLEMENT_SOURCES_MAX * MPXN_INTERVALS_MAX];
	size_t count = 0;

	assert(source_count <= ENTITLEMENT_SOURCES_MAX);
	for (size_t i = 0; i < source_count; i++)
		count += collect(calendar, &sources[i], all + count);
	count = entitlement_join(all, count, dropped);
	memcpy(entries, all, count * sizeof(all[0]));
	return count;
}

bool entitlement_covers(const struct mw_registry_entry *entries, size_t count, uint32_t party,
	struct entitlement_window window)
{
	struct entitlement_window part;

	return entitlement_part(entries, count, party, window, &part) &&
	       part.start_s == window.start_s && part.end_s == window.end_s;
}

bool entitlement_part(const struct mw_registry_entry *entries, size_t count, uint32_t party,
	struct entitlement_window window, struct entitlement_window *part)
{
	bool found = false;

	assert(window.start_s <= window.end_s);
	for (size_t i = 0; i < count; i++) {
		int64_t start_s = entries[i].from_s;
		int64_t end_s =
			entries[i].to_s == MW_REGISTRY_OPEN_END ? INT64_MAX : entries[i].to_s;

		if (entries[i].party != party)
			continue;
		if (start_s < window.start_s)
			start_s = window.start_s;
		if (end_s > window.end_s)
			end_s = window.end_s;
		/* Of a longer window a single instant is no part worth asking for. */
		if (start_s > end_s || (start_s == end_s && window.start_s < window.end_s) ||
			(found && end_s - start_s <= part->end_s - part->start_s))
			continue;
		*part = (struct entitlement_window){start_s, end_s};
		found = true;
	}
	return found;
}
