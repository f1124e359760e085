/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schedule as rows of the store. Nearly all that a user writes into a 5.1 he writes into millions
 * of them: the dates, the read, the certificate. That is the text, kept once for all schedules that
 * have it; the one thing that differs, the device, is cut out of the details and put back when they
 * are shown. A device that is not written as this program writes one stays in the text.
 */
#include "control/schedule_row.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/calendar.h"
#include "control/store_bytes.h"
#include "dataplane/duis/identifier.h"

#define TEXT_VERSION 1
#define EUI_LENGTH (DUIS_EUI_TEXT_SIZE - 1)

/* ---- texts */

static void write_terms(struct bytes_writer *writer, const struct schedule_terms *terms)
{
	write_number(writer, terms->frequency, 1);
	write_number(writer, (uint32_t)terms->start_day, 4);
	write_number(writer, (uint32_t)terms->end_day, 4);
	write_number(writer, (uint32_t)terms->time_ms, 4);
	write_text(writer, terms->read->srv, MW_SRV_SIZE);
	write_number(writer, (uint32_t)terms->period_start_days, 4);
	write_number(writer, (uint32_t)terms->period_start_ms, 4);
	write_number(writer, (uint32_t)terms->period_end_days, 4);
	write_number(writer, (uint32_t)terms->period_end_ms, 4);
}

static void read_terms(struct bytes_reader *reader, struct schedule_terms *terms)
{
	char srv[MW_SRV_SIZE];

	terms->frequency =
		(enum schedule_frequency)read_bounded(reader, 1, SCHEDULE_FREQUENCY_COUNT - 1);
	terms->start_day = (int32_t)read_bounded(reader, 4, CALENDAR_DAY_MAX);
	terms->end_day = (int32_t)read_bounded(reader, 4, INT32_MAX);
	terms->time_ms = (int32_t)read_number(reader, 4);
	read_text(reader, srv, sizeof(srv));
	terms->period_start_days = (int32_t)read_number(reader, 4);
	terms->period_start_ms = (int32_t)read_bounded(reader, 4, CALENDAR_DAY_MS - 1);
	terms->period_end_days = (int32_t)read_number(reader, 4);
	terms->period_end_ms = (int32_t)read_bounded(reader, 4, CALENDAR_DAY_MS - 1);
	terms->read = schedulable_find(srv);
	if (terms->read == NULL || terms->time_ms < SCHEDULE_ANY_TIME ||
		terms->time_ms >= CALENDAR_DAY_MS || terms->period_start_days > 0 ||
		terms->period_end_days > 0 || terms->period_start_days < -100000 ||
		terms->period_end_days < -100000)
		reader->wrong = true;
}

/* Where the device's EUI-64 begins in the details, or SCHEDULE_NOT_CUT. */
static uint32_t find_device(const struct schedule_text *text, uint64_t device_id)
{
	char wanted[80];
	char eui[DUIS_EUI_TEXT_SIZE];

	duis_eui_format(device_id, eui);
	int length = snprintf(wanted, sizeof(wanted), "<sr:DeviceID>%s</sr:DeviceID>", eui);
	const char *found = memmem(text->details, text->details_length, wanted, (size_t)length);
	if (found == NULL)
		return SCHEDULE_NOT_CUT;
	return (uint32_t)(found - text->details) + (uint32_t)strlen("<sr:DeviceID>");
}

int schedule_put_text(
	struct store_change *change, const struct schedule_order *order, struct schedule *schedule)
{
	const struct schedule_text *text = order->text;
	uint8_t bytes[STORE_SCHEDULE_TEXT_MAX];
	struct bytes_writer writer = {bytes, bytes + sizeof(bytes), false};
	uint32_t device_at = find_device(text, order->terms->device_id);
	uint32_t credential_at = 0;

	if (text->credential != NULL) {
		credential_at = (uint32_t)(text->credential - text->details);
		if (device_at != SCHEDULE_NOT_CUT && credential_at > device_at)
			credential_at -= EUI_LENGTH;
	}
	write_number(&writer, TEXT_VERSION, 1);
	write_text(&writer, text->schema_version, MW_SCHEMA_VERSION_SIZE);
	write_terms(&writer, order->terms);
	write_number(&writer, device_at, 4);
	write_number(&writer, text->credential != NULL, 1);
	write_number(&writer, credential_at, 4);
	write_number(&writer, text->credential != NULL ? text->credential_length : 0, 4);
	if (device_at == SCHEDULE_NOT_CUT) {
		write_bytes(&writer, text->details, text->details_length);
	} else {
		write_bytes(&writer, text->details, device_at);
		write_bytes(&writer, text->details + device_at + EUI_LENGTH,
			text->details_length - device_at - EUI_LENGTH);
	}
	if (writer.wrong)
		return -E2BIG;
	return store_schedule_text_put(change, bytes, (size_t)(writer.at - bytes), &schedule->text);
}

static bool read_text_row(struct bytes_reader *reader, struct schedule *schedule)
{
	if (read_number(reader, 1) != TEXT_VERSION)
		return false;
	read_text(reader, schedule->schema_version, sizeof(schedule->schema_version));
	read_terms(reader, &schedule->terms);
	schedule->device_at = (uint32_t)read_number(reader, 4);
	bool has_credential = read_bounded(reader, 1, 1) != 0;
	uint32_t credential_at = (uint32_t)read_number(reader, 4);
	schedule->credential_length = (uint32_t)read_number(reader, 4);
	if (reader->wrong)
		return false;
	schedule->details = (const char *)reader->at;
	schedule->details_length = (uint32_t)(reader->end - reader->at);
	schedule->credential = has_credential ? schedule->details + credential_at : NULL;
	return credential_at <= schedule->details_length &&
	       schedule->credential_length <= schedule->details_length - credential_at &&
	       (schedule->device_at == SCHEDULE_NOT_CUT ||
		       schedule->device_at <= schedule->details_length);
}

/* ---- rows */

void schedule_row(const struct schedule *schedule, struct store_schedule *row)
{
	*row = (struct store_schedule){
		.id = schedule->id,
		.user = schedule->user,
		.device_id = schedule->terms.device_id,
		.text = schedule->text,
		.first_step = schedule->first_step,
		.occurrence = schedule->occurrence,
		.attempt = (uint8_t)schedule->attempt,
		.flags = (uint8_t)((schedule->removal.bound ? STORE_SCHEDULE_BOUND : 0) |
				   (schedule->removal.waiting ? STORE_SCHEDULE_WAITING : 0)),
		.cause = (uint8_t)schedule->removal.cause,
		.due_ms = schedule->due_ms,
		.removal_s = schedule->removal.at_s,
	};
}

int schedule_of_row(
	struct store_change *change, const struct store_schedule *row, struct schedule *schedule)
{
	const uint8_t *bytes;
	size_t length;
	int result = store_schedule_text_get(change, row->text, &bytes, &length);

	if (result != 0)
		return result == -ENOENT ? -EIO : result;
	struct bytes_reader reader = {bytes, bytes + length, false};
	memset(schedule, 0, sizeof(*schedule));
	if (!read_text_row(&reader, schedule) || row->cause >= REMOVAL_CAUSE_COUNT)
		return -EIO;
	schedule->id = row->id;
	schedule->user = row->user;
	schedule->text = row->text;
	schedule->terms.device_id = row->device_id;
	schedule->removal = (struct schedule_removal){
		.cause = (enum removal_cause)row->cause,
		.bound = (row->flags & STORE_SCHEDULE_BOUND) != 0,
		.waiting = (row->flags & STORE_SCHEDULE_WAITING) != 0,
		.at_s = row->removal_s,
	};
	return schedule_set_run(schedule, row) ? 0 : -EIO;
}

void schedule_write_details(const struct schedule *schedule, struct xml_text *text)
{
	char eui[DUIS_EUI_TEXT_SIZE];

	if (schedule->device_at == SCHEDULE_NOT_CUT) {
		xml_text_raw(text, schedule->details, schedule->details_length);
		return;
	}
	duis_eui_format(schedule->terms.device_id, eui);
	xml_text_raw(text, schedule->details, schedule->device_at);
	xml_text_put(text, eui);
	xml_text_raw(text, schedule->details + schedule->device_at,
		schedule->details_length - schedule->device_at);
}
