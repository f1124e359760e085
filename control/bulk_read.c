/* SPDX-License-Identifier: Apache-2.0 */
/* Lines become facts. One thread for each file; the only things shared are read-only. */
#include "control/bulk_load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MIN 16 /* no line that is in order is shorter */

void bulk_wrong(struct bulk_file *file, uint32_t line, uint32_t column, const char *rule)
{
	if (file->wrong_count == file->wrong_room) {
		size_t room = file->wrong_room == 0 ? 64 : 2 * file->wrong_room;
		uint32_t *wrong = realloc(file->wrong, room * sizeof(*wrong));

		if (wrong == NULL) {
			file->failed = -ENOMEM;
			return;
		}
		file->wrong = wrong;
		file->wrong_room = room;
	}
	file->wrong[file->wrong_count++] = line;
	if (file->shown_stream != NULL && file->wrong_count <= file->load->options->shown_max)
		fprintf(file->shown_stream, "%s:%u:%u: %s\n", file->csv.path, line, column, rule);
}

/* ---- registrations and appointments ---- */

/* The number of a participant, from 1; 0: the file has too many of them. */
static uint32_t participant(struct bulk_participants *all, const char mpid[STORE_MPID_SIZE])
{
	uint64_t hash = 0;

	memcpy(&hash, mpid, sizeof(hash));
	hash *= 0x9e3779b97f4a7c15u;
	size_t slots = sizeof(all->slots) / sizeof(all->slots[0]);
	size_t slot = hash >> 47;
	for (; all->slots[slot] != 0; slot = (slot + 1) % slots)
		if (memcmp(all->mpids[all->slots[slot]], mpid, STORE_MPID_SIZE) == 0)
			return all->slots[slot];
	if (all->count == BULK_PARTICIPANTS_MAX)
		return 0;
	all->slots[slot] = (uint16_t)++all->count;
	memcpy(all->mpids[all->count], mpid, STORE_MPID_SIZE);
	return all->count;
}

/* The same for a field that may be empty: then 0 is no fault. */
static int number_participant(struct bulk_file *file, const struct csv_field *field,
	const char mpid[STORE_MPID_SIZE], uint32_t *number, struct csv_fault *fault)
{
	*number = mpid[0] != '\0' ? participant(file->participants, mpid) : 0;
	if (*number != 0 || mpid[0] == '\0')
		return 0;
	*fault = (struct csv_fault){
		field->column, "more than 65535 market participants in one file"};
	return -EINVAL;
}

static bool add_extra(struct bulk_file *file, const struct bulk_extra *extra)
{
	if (file->extra_count == file->extra_room) {
		size_t room = file->extra_room == 0 ? 256 : 2 * file->extra_room;
		struct bulk_extra *extras = realloc(file->extras, room * sizeof(*extras));

		if (extras == NULL) {
			file->failed = -ENOMEM;
			return false;
		}
		file->extras = extras;
		file->extra_room = room;
	}
	file->extras[file->extra_count++] = *extra;
	return true;
}

static int read_event(struct bulk_file *file, const struct csv_line *line,
	const struct csv_record *record, struct csv_fault *fault)
{
	struct bulk_extra extra = {.line = line->number};
	struct bulk_event event;
	uint32_t number;
	int result = bulk_event(file->table, record, &event, fault);

	if (result == 0)
		result = number_participant(
			file, &record->fields[BULK_MPID], event.mpid, &number, fault);
	if (result == 0 && file->table == BULK_APPOINTMENTS)
		result = number_participant(file, &record->fields[BULK_SUPPLIER], event.supplier,
			&extra.supplier, fault);
	if (result != 0)
		return result;
	extra.created_ms = event.created_ms;
	extra.message = event.message;
	bool has_extra = extra.supplier != 0 || extra.created_ms != 0 || extra.message != 0;
	if (has_extra && !add_extra(file, &extra))
		return 0;
	fact_list_add(&file->facts,
		event.mpxn << FACT_MPXN_SHIFT | (has_extra ? FACT_EXTRA : 0) |
			(uint64_t)event.kind << FACT_KIND_SHIFT | number,
		(uint64_t)line->number << 32 | event.from_day << 16 | event.to_day);
	return 0;
}

/* ---- devices ---- */

static int read_device(struct bulk_file *file, const struct csv_line *line,
	const struct csv_record *record, struct csv_fault *fault)
{
	/* This thread alone uses the links until all threads have ended. */
	struct bulk_load *load = (struct bulk_load *)(uintptr_t)file->load;
	struct store_link links[STORE_LINKS_MAX];
	struct store_device device;
	int result = bulk_device(&load->providers, record, &device, fault);

	if (result != 0)
		return result;
	int count = store_device_links(&device.device, links);
	assert(count >= 0);
	fact_list_add(&file->facts, device.device.device_id, line->offset);
	for (int i = 0; i < count; i++)
		fact_list_add(&load->links, links[i].number << FACT_MPXN_SHIFT | links[i].use,
			device.device.device_id);
	return 0;
}

void bulk_read(struct bulk_file *file)
{
	bool devices = file->table == BULK_DEVICES;
	struct csv_record record;
	struct csv_fault fault;
	struct csv_line line;

	file->failed = fact_list_reserve(&file->facts, file->csv.length / LINE_BYTES_MIN);
	while (file->failed == 0 && csv_next(&file->csv, &line)) {
		int result = csv_split(&file->csv, &line, &record, &fault);

		file->lines++;
		if (result == 0)
			result = devices ? read_device(file, &line, &record, &fault)
					 : read_event(file, &line, &record, &fault);
		if (result != 0)
			bulk_wrong(file, line.number, fault.column, fault.rule);
	}
	if (file->failed == 0 && file->csv.at < file->csv.length)
		file->failed = -EFBIG;
	if (file->failed == 0)
		file->failed = fact_list_sort(&file->facts, devices ? 0 : FACT_MPXN_SHIFT);
}
