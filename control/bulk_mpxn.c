/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MPxNs: links, registrations and appointments, three lists in order of the number, become one row
 * for each number.
 */
#include "control/bulk_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct merge {
	struct bulk_load *load;
	size_t link;	  /* the next of the links */
	size_t fact[2];	  /* the next of each file's facts */
	bool is_new;	  /* the table is empty: append */
	uint32_t line[2]; /* the first line of each file about this MPxN */
};

static struct bulk_file *event_file(const struct merge *merge, int which)
{
	return &merge->load->files[BULK_REGISTRATIONS + which];
}

/* The smallest number that is next in a list; UINT64_MAX at the end. */
static uint64_t next_number(const struct merge *merge)
{
	const struct fact_list *links = &merge->load->links;
	uint64_t number = UINT64_MAX;

	if (merge->link < links->count)
		number = links->facts[merge->link].key >> FACT_MPXN_SHIFT;
	for (int which = 0; which < 2; which++) {
		const struct fact_list *facts = &event_file(merge, which)->facts;

		if (merge->fact[which] >= facts->count)
			continue;
		uint64_t other = facts->facts[merge->fact[which]].key >> FACT_MPXN_SHIFT;
		number = other < number ? other : number;
	}
	return number;
}

static const struct bulk_extra *find_extra(const struct bulk_file *file, uint32_t line)
{
	size_t low = 0;
	size_t high = file->extra_count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (file->extras[middle].line <= line)
			low = middle;
		else
			high = middle;
	}
	return &file->extras[low];
}

static struct mpxn_event make_event(const struct bulk_file *file, const struct fact *fact)
{
	const uint32_t *organisations = file->participants->organisations;
	unsigned kind = (unsigned)(fact->key >> FACT_KIND_SHIFT & 7);
	uint32_t to_day = (uint32_t)(fact->value & FACT_NO_DAY);
	struct mpxn_event event = {
		.type = file->table == BULK_REGISTRATIONS ? (uint8_t)kind : MPXN_APPOINTMENT,
		.role = file->table == BULK_REGISTRATIONS ? MPXN_ROLE_NONE : (uint8_t)kind,
		.organisation = organisations[fact->key & 0xffff],
		.from_day = (int32_t)(fact->value >> 16 & 0xffff),
		.to_day = to_day == FACT_NO_DAY ? MPXN_OPEN_DAY : (int32_t)to_day,
	};

	if ((fact->key & FACT_EXTRA) != 0) {
		const struct bulk_extra *extra = find_extra(file, (uint32_t)(fact->value >> 32));

		event.supplier = organisations[extra->supplier];
		event.created_ms = extra->created_ms;
		event.message = extra->message;
	}
	return event;
}

static bool same(const struct mpxn_event *a, const struct mpxn_event *b)
{
	return a->type == b->type && a->role == b->role && a->organisation == b->organisation &&
	       a->supplier == b->supplier && a->from_day == b->from_day && a->to_day == b->to_day &&
	       a->created_ms == b->created_ms && a->message == b->message;
}

static void add_event(struct bulk_file *file, struct mpxn *mpxn, const struct fact *fact)
{
	struct mpxn_event event = make_event(file, fact);
	uint32_t line = (uint32_t)(fact->value >> 32);

	for (unsigned i = 0; i < mpxn->event_count; i++) {
		if (same(&event, &mpxn->events[i])) {
			file->repeated++;
			return;
		}
		if (bulk_same_subject(&event, &mpxn->events[i])) {
			bulk_wrong(file, line, 1,
				"another line tells otherwise of the same MPxN from the same day");
			return;
		}
	}
	if (mpxn_add_event(mpxn, &event) == -ENOSPC)
		bulk_wrong(file, line, 1, "this MPxN has 64 events already");
}

static int compare_links(const void *left, const void *right)
{
	const struct mpxn_device *a = left;
	const struct mpxn_device *b = right;

	if (a->device_id != b->device_id)
		return a->device_id < b->device_id ? -1 : 1;
	return a->use - b->use;
}

/* Take everything about `number` from the lists. */
static void take(struct merge *merge, uint64_t number, struct mpxn *mpxn)
{
	const struct fact_list *links = &merge->load->links;

	mpxn->number = number;
	mpxn->device_count = 0;
	mpxn->event_count = 0;
	for (; merge->link < links->count &&
		links->facts[merge->link].key >> FACT_MPXN_SHIFT == number;
		merge->link++)
		mpxn->devices[mpxn->device_count++] = (struct mpxn_device){
			.device_id = links->facts[merge->link].value,
			.use = (uint8_t)(links->facts[merge->link].key & 7),
		};
	if (mpxn->device_count > 1)
		qsort(mpxn->devices, mpxn->device_count, sizeof(mpxn->devices[0]), compare_links);
	for (int which = 0; which < 2; which++) {
		struct bulk_file *file = event_file(merge, which);
		size_t *at = &merge->fact[which];

		merge->line[which] = 0;
		for (; *at < file->facts.count &&
			file->facts.facts[*at].key >> FACT_MPXN_SHIFT == number;
			(*at)++) {
			if (merge->line[which] == 0)
				merge->line[which] = (uint32_t)(file->facts.facts[*at].value >> 32);
			add_event(file, mpxn, &file->facts.facts[*at]);
		}
	}
}

static int append_mpxn(struct merge *merge, const struct mpxn *mpxn)
{
	uint8_t bytes[STORE_ROW_MPXN_MAX];
	struct store_bytes row = {bytes, store_row_write_mpxn(mpxn, bytes)};

	/* All its lines were refused. */
	if (mpxn->device_count == 0 && mpxn->event_count == 0)
		return 0;
	merge->load->rows++;
	return store_row_append(
		merge->load->change, STORE_TABLE_MPXN, store_key_number(mpxn->number), row);
}

static int put_mpxn(struct merge *merge, const struct mpxn *told)
{
	struct mpxn mpxn;
	int result = store_mpxn_get(merge->load->change, told->number, &mpxn);

	if (result == -ENOENT)
		mpxn = (struct mpxn){.number = told->number};
	else if (result != 0)
		return result;
	for (unsigned i = 0; i < told->event_count; i++) {
		if (bulk_tell(&mpxn, &told->events[i]) != -ENOSPC)
			continue;
		int which = told->events[i].type == MPXN_APPOINTMENT;

		bulk_wrong(event_file(merge, which), merge->line[which], 1,
			"this MPxN has 64 events already");
	}
	merge->load->rows++;
	return store_mpxn_put(merge->load->change, &mpxn);
}

void bulk_check_mpxns(struct bulk_load *load)
{
	struct merge merge = {.load = load};
	struct mpxn mpxn;
	uint64_t number;

	while ((number = next_number(&merge)) != UINT64_MAX)
		take(&merge, number, &mpxn);
}

int bulk_write_mpxns(struct bulk_load *load)
{
	struct merge merge = {
		.load = load,
		.is_new = store_table_empty(load->change, STORE_TABLE_MPXN),
	};
	struct mpxn mpxn;
	uint64_t number;
	int result = 0;

	while (result == 0 && (number = next_number(&merge)) != UINT64_MAX) {
		take(&merge, number, &mpxn);
		result = merge.is_new ? append_mpxn(&merge, &mpxn) : put_mpxn(&merge, &mpxn);
	}
	for (int which = 0; which < 2 && result == 0; which++)
		result = event_file(&merge, which)->failed;
	return result;
}
