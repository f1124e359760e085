/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations and appointments: lines of text, and the events of an MPxN that they are. */
#include "control/bulk_row.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "control/settlement_day.h"

static const struct csv_column registration_columns[] = {
	{"mpxn", true},
	{"kind", true},
	{"mpid", true},
	{"from", true},
	{"created_ms", false},
	{"message", false},
};

static const struct csv_column appointment_columns[] = {
	[BULK_MPXN] = {"mpxn", true},
	[BULK_KIND] = {"role", true},
	[BULK_MPID] = {"mpid", true},
	[BULK_FROM] = {"efd", true},
	[BULK_TO] = {"etd", true},
	[BULK_SUPPLIER] = {"supplier", false},
	{"created_ms", false},
	{"message", false},
};

#define REGISTRATION_COLUMNS 6
#define APPOINTMENT_COLUMNS 8

static const char *const registration_words[] = {
	[MPXN_SUPPLIER] = "supplier",
	[MPXN_NETWORK] = "network",
	[MPXN_APPOINTMENT] = "", /* has a table of its own */
	[MPXN_END] = "end",
	[MPXN_END + 1] = NULL,
};

static const char *const appointment_words[] = {
	[MPXN_ROLE_MDR] = "MDR",
	[MPXN_ROLE_SNA] = "SNA",
	[MPXN_ROLE_SUPPLIER] = "supplier",
	[MPXN_ROLE_SUPPLIER + 1] = NULL,
};

const struct csv_column *bulk_columns(enum bulk_table table, int *count)
{
	switch (table) {
	case BULK_REGISTRATIONS:
		*count = REGISTRATION_COLUMNS;
		return registration_columns;
	case BULK_APPOINTMENTS:
		*count = APPOINTMENT_COLUMNS;
		return appointment_columns;
	default:
		*count = bulk_device_column_count;
		return bulk_device_columns;
	}
}

/* ---- from text ---- */

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

static uint8_t read_word(const struct csv_field *field, const char *const *words)
{
	for (uint8_t i = 1; words[i] != NULL && field->length > 0; i++)
		if (strlen(words[i]) == field->length &&
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

static int read_mpid(const struct csv_field *field, bool needed, char mpid[STORE_MPID_SIZE],
	struct csv_fault *fault)
{
	memset(mpid, 0, STORE_MPID_SIZE);
	if (field->length == 0 && !needed)
		return 0;
	bool good = field->length > 0 && field->length < STORE_MPID_SIZE;
	for (uint32_t i = 0; good && i < field->length; i++) {
		char byte = field->text[i];

		if (byte >= 'a' && byte <= 'z')
			byte = (char)(byte - 'a' + 'A');
		good = (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
		mpid[i] = byte;
	}
	return good ? 0
		    : fail(fault, field, "a market participant id has 1 to 7 letters and digits");
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

static int read_registration(
	const struct csv_field *fields, struct bulk_event *event, struct csv_fault *fault)
{
	event->kind = read_word(&fields[BULK_KIND], registration_words);
	if (event->kind == 0)
		return fail(fault, &fields[BULK_KIND], "a kind is supplier, network or end");
	event->to_day = BULK_NO_DAY;
	event->supplier[0] = '\0';
	return read_mpid(&fields[BULK_MPID], event->kind != MPXN_END, event->mpid, fault);
}

#define MPAN_MIN 10000000000u /* fewer than 11 digits: an MPRN */

/* The rules of doc/feed.md that one line can break. */
static int check_appointment(
	const struct csv_field *fields, const struct bulk_event *event, struct csv_fault *fault)
{
	if (event->to_day < event->from_day)
		return fail(fault, &fields[BULK_TO],
			"an appointment does not end before it begins (the same day: it never "
			"was)");
	if (event->kind != MPXN_ROLE_SNA && event->mpxn < MPAN_MIN)
		return fail(fault, &fields[BULK_KIND],
			"the roles MDR and supplier are for electricity (MPANs) alone");
	if (event->kind == MPXN_ROLE_SUPPLIER && event->supplier[0] != '\0' &&
		memcmp(event->supplier, event->mpid, STORE_MPID_SIZE) != 0)
		return fail(fault, &fields[BULK_SUPPLIER],
			"a supplier that retrieves by itself is the one who arranged it");
	return 0;
}

static int read_appointment(
	const struct csv_field *fields, struct bulk_event *event, struct csv_fault *fault)
{
	event->kind = read_word(&fields[BULK_KIND], appointment_words);
	if (event->kind == 0)
		return fail(fault, &fields[BULK_KIND], "a role is MDR, SNA or supplier");
	event->to_day = BULK_NO_DAY;
	int result = read_mpid(&fields[BULK_MPID], true, event->mpid, fault);
	if (result == 0 && fields[BULK_TO].length > 0)
		result = read_day(&fields[BULK_TO], &event->to_day, fault);
	if (result == 0)
		result = read_mpid(&fields[BULK_SUPPLIER], false, event->supplier, fault);
	return result == 0 ? check_appointment(fields, event, fault) : result;
}

int bulk_event(enum bulk_table table, const struct csv_record *record, struct bulk_event *event,
	struct csv_fault *fault)
{
	const struct csv_field *fields = record->fields;
	int columns = table == BULK_REGISTRATIONS ? REGISTRATION_COLUMNS : APPOINTMENT_COLUMNS;
	int result = read_mpxn(&fields[BULK_MPXN], &event->mpxn, fault);

	if (result == 0)
		result = read_day(&fields[BULK_FROM], &event->from_day, fault);
	if (result == 0)
		result = table == BULK_REGISTRATIONS ? read_registration(fields, event, fault)
						     : read_appointment(fields, event, fault);
	if (result == 0)
		result = read_number(&fields[columns - 2], INT64_MAX, &event->created_ms, fault);
	if (result == 0)
		result = read_message(&fields[columns - 1], &event->message, fault);
	return result;
}

struct mpxn_event bulk_event_make(enum bulk_table table, const struct bulk_event *event,
	uint32_t organisation, uint32_t supplier)
{
	bool appointment = table == BULK_APPOINTMENTS;

	return (struct mpxn_event){
		.type = appointment ? MPXN_APPOINTMENT : event->kind,
		.role = appointment ? event->kind : MPXN_ROLE_NONE,
		.organisation = organisation,
		.supplier = supplier,
		.from_day = (int32_t)event->from_day,
		.to_day = event->to_day == BULK_NO_DAY ? MPXN_OPEN_DAY : (int32_t)event->to_day,
		.created_ms = event->created_ms,
		.message = event->message,
	};
}

/* ---- to text ---- */

static int find_mpid(struct store_change *change, uint32_t number, struct bulk_name *name,
	char text[BULK_TEXT_SIZE])
{
	struct store_organisation organisation;

	text[0] = '\0';
	if (number == 0)
		return 0;
	if (number != name->organisation) {
		int result = store_organisation_get(change, number, &organisation);

		if (result != 0)
			return result == -ENOENT ? -ENODATA : result;
		name->organisation = number;
		memcpy(name->mpid, organisation.mpid, sizeof(name->mpid));
	}
	memcpy(text, name->mpid, sizeof(name->mpid));
	return name->mpid[0] != '\0' ? 0 : -ENODATA;
}

static int write_day(int32_t day, char text[BULK_TEXT_SIZE])
{
	if (day < 0 || day > SETTLEMENT_DAY_MAX)
		return -ERANGE;
	settlement_format_date(day, text);
	return 0;
}

int bulk_event_texts(struct store_change *change, uint64_t mpxn, const struct mpxn_event *event,
	struct bulk_name *name, char (*texts)[BULK_TEXT_SIZE])
{
	bool appointment = event->type == MPXN_APPOINTMENT;
	int columns = appointment ? APPOINTMENT_COLUMNS : REGISTRATION_COLUMNS;

	for (int i = 0; i < columns; i++)
		texts[i][0] = '\0';
	snprintf(texts[BULK_MPXN], BULK_TEXT_SIZE, "%" PRIu64, mpxn);
	snprintf(texts[BULK_KIND], BULK_TEXT_SIZE, "%s",
		appointment ? appointment_words[event->role] : registration_words[event->type]);
	int result = find_mpid(change, event->organisation, name, texts[BULK_MPID]);
	if (result == 0)
		result = write_day(event->from_day, texts[BULK_FROM]);
	if (result == 0 && appointment && event->to_day != MPXN_OPEN_DAY)
		result = write_day(event->to_day, texts[BULK_TO]);
	if (result == 0 && appointment)
		result = find_mpid(change, event->supplier, name, texts[BULK_SUPPLIER]);
	if (event->created_ms != 0)
		snprintf(texts[columns - 2], BULK_TEXT_SIZE, "%" PRIu64, event->created_ms);
	if (event->message != 0)
		snprintf(texts[columns - 1], BULK_TEXT_SIZE, "%016" PRIx64, event->message);
	return result;
}

/* ---- into an MPxN ---- */

bool bulk_same_subject(const struct mpxn_event *a, const struct mpxn_event *b)
{
	if (a->created_ms != 0 || a->message != 0 || b->created_ms != 0 || b->message != 0 ||
		a->type != b->type || a->from_day != b->from_day)
		return false;
	if (a->type == MPXN_END)
		return a->organisation == b->organisation;
	if (a->type != MPXN_APPOINTMENT)
		return true;
	return a->supplier == b->supplier &&
	       (a->role == MPXN_ROLE_SNA) == (b->role == MPXN_ROLE_SNA);
}

static bool has_event(const struct mpxn *mpxn, const struct mpxn_event *event)
{
	for (unsigned i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *other = &mpxn->events[i];

		if (event->type == other->type && event->role == other->role &&
			event->organisation == other->organisation &&
			event->supplier == other->supplier && event->from_day == other->from_day &&
			event->to_day == other->to_day && event->created_ms == other->created_ms &&
			event->message == other->message)
			return true;
	}
	return false;
}

int bulk_tell(struct mpxn *mpxn, const struct mpxn_event *event)
{
	unsigned kept = 0;

	if (has_event(mpxn, event))
		return BULK_KNOWN;
	for (unsigned i = 0; i < mpxn->event_count; i++)
		if (!bulk_same_subject(event, &mpxn->events[i]))
			mpxn->events[kept++] = mpxn->events[i];
	mpxn->event_count = (uint8_t)kept;
	int result = mpxn_add_event(mpxn, event);
	if (result != 0)
		return result;
	return has_event(mpxn, event) ? BULK_TOLD : BULK_OVERRULED;
}
