/* SPDX-License-Identifier: Apache-2.0 */
/* Lines become facts. One thread for each file; the only things shared are read-only. */
#include "control/bulk_load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/settlement_day.h"
#include "motorway/registry_image.h"

#define LINE_BYTES_MIN 16 /* no line that is in order is shorter */

const struct csv_column bulk_registration_columns[] = {
	[COLUMN_MPXN] = {"mpxn", true},
	[COLUMN_KIND] = {"kind", true},
	[COLUMN_MPID] = {"mpid", true},
	[COLUMN_FROM] = {"from", true},
	[COLUMN_CREATED] = {"created_ms", false},
	[COLUMN_MESSAGE] = {"message", false},
};
const int bulk_registration_column_count = 6;

const struct csv_column bulk_appointment_columns[] = {
	[COLUMN_MPXN] = {"mpxn", true},
	[COLUMN_KIND] = {"role", true},
	[COLUMN_MPID] = {"mpid", true},
	[COLUMN_FROM] = {"efd", true},
	[COLUMN_TO] = {"etd", true},
	[COLUMN_SUPPLIER] = {"supplier", false},
	[COLUMN_CREATED] = {"created_ms", false},
	[COLUMN_MESSAGE] = {"message", false},
};
const int bulk_appointment_column_count = 8;

const char *const bulk_registration_words[] = {
	[MPXN_SUPPLIER] = "supplier",
	[MPXN_NETWORK] = "network",
	[MPXN_END] = "end",
	[MPXN_END + 1] = NULL,
};
const char *const bulk_appointment_words[] = {
	[MPXN_ROLE_MDR] = "MDR",
	[MPXN_ROLE_SNA] = "SNA",
	[MPXN_ROLE_SUPPLIER] = "supplier",
	[MPXN_ROLE_SUPPLIER + 1] = NULL,
};

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

/* ---- participants ---- */

/* The number of an MPID, or 0: it is none; -1: there are too many. */
static int participant(struct bulk_participants *all, const struct csv_field *field)
{
	char mpid[STORE_MPID_SIZE] = "";
	uint64_t hash = 0;

	if (field->length == 0 || field->length >= STORE_MPID_SIZE)
		return 0;
	for (uint32_t i = 0; i < field->length; i++) {
		char byte = field->text[i];

		if (byte >= 'a' && byte <= 'z')
			byte = (char)(byte - 'a' + 'A');
		if ((byte < 'A' || byte > 'Z') && (byte < '0' || byte > '9'))
			return 0;
		mpid[i] = byte;
	}
	memcpy(&hash, mpid, sizeof(hash));
	hash *= 0x9e3779b97f4a7c15u;
	size_t slots = sizeof(all->slots) / sizeof(all->slots[0]);
	size_t slot = hash >> 47;
	for (; all->slots[slot] != 0; slot = (slot + 1) % slots)
		if (memcmp(all->mpids[all->slots[slot]], mpid, sizeof(mpid)) == 0)
			return all->slots[slot];
	if (all->count == BULK_PARTICIPANTS_MAX)
		return -1;
	all->slots[slot] = (uint16_t)++all->count;
	memcpy(all->mpids[all->count], mpid, sizeof(mpid));
	return (int)all->count;
}

static int read_participant(struct bulk_file *file, const struct csv_field *field, bool needed,
	uint32_t *number, struct csv_fault *fault)
{
	int result = field->length == 0 && !needed ? 0 : participant(file->participants, field);

	fault->column = field->column;
	fault->rule = result < 0 ? "more than 65535 market participants in one file"
				 : "a market participant id has 1 to 7 letters and digits";
	*number = result > 0 ? (uint32_t)result : 0;
	return result > 0 || (result == 0 && field->length == 0 && !needed) ? 0 : -EINVAL;
}

/* ---- registrations and appointments ---- */

static int fail(struct csv_fault *fault, const struct csv_field *field, const char *rule)
{
	*fault = (struct csv_fault){field->column, rule};
	return -EINVAL;
}

static int read_number(
	const struct csv_field *field, uint64_t max, uint64_t *number, struct csv_fault *fault)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < field->length; i++) {
		uint64_t digit = (uint64_t)(unsigned char)field->text[i] - '0';

		if (digit > 9 || value > (max - digit) / 10)
			return fail(fault, field, "not a number, or too large a one");
		value = value * 10 + digit;
	}
	*number = value;
	return 0;
}

static int read_mpxn(const struct csv_field *field, uint64_t *mpxn, struct csv_fault *fault)
{
	if (field->length == 0 || field->length > 13 ||
		read_number(field, 9999999999999u, mpxn, fault) != 0 || *mpxn == 0)
		return fail(fault, field, "an MPxN has 1 to 13 digits and is greater than 0");
	return 0;
}

static unsigned read_word(const struct csv_field *field, const char *const *words, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		if (words[i] != NULL && strlen(words[i]) == field->length &&
			memcmp(words[i], field->text, field->length) == 0)
			return i;
	return 0;
}

static int read_day(const struct csv_field *field, uint32_t *day, struct csv_fault *fault)
{
	int32_t value;

	if (settlement_parse_date(field->text, field->length, &value) != 0)
		return fail(
			fault, field, "not a date such as 2024-03-04, of the years 1970 to 2105");
	*day = (uint32_t)value;
	return 0;
}

/* Message numbers are written as 16 hexadecimal digits. */
static int read_message(const struct csv_field *field, uint64_t *message, struct csv_fault *fault)
{
	*message = 0;
	if (field->length == 0)
		return 0;
	if (field->length != 16)
		return fail(fault, field, "a message has 16 hexadecimal digits");
	for (uint32_t i = 0; i < 16; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = memchr(digits, field->text[i], 16);

		if (digit == NULL)
			return fail(fault, field, "a message has 16 hexadecimal digits");
		*message = *message << 4 | (uint64_t)(digit - digits);
	}
	return 0;
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

/* What the first four columns say, which both tables have. */
struct parsed {
	uint64_t mpxn;
	unsigned kind;
	uint32_t participant;
	uint32_t from_day;
	uint32_t to_day;
	struct bulk_extra extra;
};

static int parse_registration(struct bulk_file *file, const struct csv_field *fields,
	struct parsed *parsed, struct csv_fault *fault)
{
	parsed->kind = read_word(&fields[COLUMN_KIND], bulk_registration_words, MPXN_END + 1);
	if (parsed->kind == 0)
		return fail(fault, &fields[COLUMN_KIND], "a kind is supplier, network or end");
	int result = read_participant(
		file, &fields[COLUMN_MPID], parsed->kind != MPXN_END, &parsed->participant, fault);
	if (result == 0)
		result = read_number(
			&fields[COLUMN_CREATED], UINT64_MAX, &parsed->extra.created_ms, fault);
	if (result == 0)
		result = read_message(&fields[COLUMN_MESSAGE], &parsed->extra.message, fault);
	parsed->to_day = FACT_NO_DAY;
	return result;
}

static int parse_appointment(struct bulk_file *file, const struct csv_field *fields,
	struct parsed *parsed, struct csv_fault *fault)
{
	parsed->kind =
		read_word(&fields[COLUMN_KIND], bulk_appointment_words, MPXN_ROLE_SUPPLIER + 1);
	if (parsed->kind == 0)
		return fail(fault, &fields[COLUMN_KIND], "a role is MDR, SNA or supplier");
	int result =
		read_participant(file, &fields[COLUMN_MPID], true, &parsed->participant, fault);
	if (result == 0 && fields[COLUMN_TO].length > 0)
		result = read_day(&fields[COLUMN_TO], &parsed->to_day, fault);
	if (result == 0)
		result = read_participant(
			file, &fields[COLUMN_SUPPLIER], false, &parsed->extra.supplier, fault);
	if (result == 0)
		result = read_number(
			&fields[COLUMN_CREATED], UINT64_MAX, &parsed->extra.created_ms, fault);
	if (result == 0)
		result = read_message(&fields[COLUMN_MESSAGE], &parsed->extra.message, fault);
	return result;
}

static int read_event(struct bulk_file *file, const struct csv_line *line,
	const struct csv_record *record, struct csv_fault *fault)
{
	struct parsed parsed = {.to_day = FACT_NO_DAY, .extra.line = line->number};
	const struct csv_field *fields = record->fields;
	int result = read_mpxn(&fields[COLUMN_MPXN], &parsed.mpxn, fault);

	if (result == 0)
		result = read_day(&fields[COLUMN_FROM], &parsed.from_day, fault);
	if (result == 0)
		result = file->table == BULK_REGISTRATIONS
				 ? parse_registration(file, fields, &parsed, fault)
				 : parse_appointment(file, fields, &parsed, fault);
	if (result != 0)
		return result;
	bool has_extra = parsed.extra.supplier != 0 || parsed.extra.created_ms != 0 ||
			 parsed.extra.message != 0;
	if (has_extra && !add_extra(file, &parsed.extra))
		return 0;
	fact_list_add(&file->facts,
		parsed.mpxn << FACT_MPXN_SHIFT | (has_extra ? FACT_EXTRA : 0) |
			(uint64_t)parsed.kind << FACT_KIND_SHIFT | parsed.participant,
		(uint64_t)line->number << 32 | parsed.from_day << 16 | parsed.to_day);
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
	int result = bulk_device(load, record, &device, fault);

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
