/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as bytes: what is written is read again; what is cut short, longer or changed is refused or
 * read as something that can be written, and never read beyond its end. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/calendar.h"
#include "control/device_words.h"
#include "control/store_row.h"
#include "motorway/registry_image.h"
#include "store_fixture.h"

static struct store_device whole_device(void)
{
	struct store_device row = {.origin = STORE_ORIGIN_FEED};
	struct reference_device *device = &row.device;

	device->generation = MW_GENERATION_SMETS1;
	device->provider_id = 63;
	strcpy(device->type, "GPF");
	strcpy(device->status, "Recovered");
	strcpy(device->manufacturer, "thirty bytes of a maker's name");
	strcpy(device->model, "model");
	strcpy(device->smets_version, "SMETS1 V1.2");
	strcpy(device->firmware_version, "0000000A");
	strcpy(device->firmware_version_status, "Withdrawn");
	strcpy(device->cpl_status, "Active");
	strcpy(device->date_commissioned, "2024-02-29");
	strcpy(device->import_mpxn, "0000000000007");
	strcpy(device->secondary_import_mpan, "9999999999999");
	strcpy(device->export_mpan, "1000000000000");
	strcpy(device->esme_variant, "AEG");
	strcpy(device->uprn, "999999999999");
	strcpy(device->post_code, "SW1A 1AA");
	strcpy(device->address_identifier, "Flat 1, \"The Mill\"");
	strcpy(device->csp_region, "SMETS1");
	strcpy(device->gbcs_version, "4.1");
	strcpy(device->han_variant, "Dual Band");
	strcpy(device->s1sp, "s1sp-1");
	return row;
}

static struct mpxn whole_mpxn(void)
{
	struct mpxn mpxn = {.device_count = 8, .event_count = 64};
	uint64_t state = 1;

	for (unsigned i = 0; i < 8; i++)
		mpxn.devices[i] =
			(struct mpxn_device){store_test_random(&state), (uint8_t)(1 + i % 4)};
	for (unsigned i = 0; i < 64; i++) {
		struct mpxn_event *event = &mpxn.events[i];

		event->type = (uint8_t)(1 + i % 4);
		event->role = event->type == MPXN_APPOINTMENT ? (uint8_t)(1 + i % 3) : 0;
		event->organisation = (uint32_t)store_test_random(&state) & 0xffffff;
		event->supplier = i % 3 == 0 ? 0xffffff : 0;
		/* In the order of the row, over the whole range. */
		event->from_day = (int32_t)(INT32_MIN + (int64_t)i * 50000000);
		event->to_day = i % 2 == 0 ? MPXN_OPEN_DAY : (int32_t)store_test_random(&state);
		event->created_ms = i % 5 == 0 ? 0 : store_test_random(&state);
		event->message = i % 5 == 0 ? 0 : store_test_random(&state);
	}
	return mpxn;
}

/* The row at the end of its memory, so that reading beyond is seen. */
static struct store_bytes at_end(const uint8_t *bytes, size_t length, uint8_t **memory)
{
	*memory = malloc(length > 0 ? length : 1);
	memcpy(*memory, bytes, length);
	return (struct store_bytes){*memory, length};
}

Test(store_row, devices_come_back)
{
	struct store_device device = whole_device();
	struct store_device again;
	uint8_t bytes[STORE_ROW_DEVICE_MAX];
	size_t length = store_row_write_device(&device, bytes);

	cr_assert_gt(length, 0);
	cr_assert(store_row_read_device((struct store_bytes){bytes, length}, &again));
	cr_assert_eq(memcmp(&device, &again, sizeof(device)), 0);
	/* The numbers of types and statuses are those of the registry image. */
	cr_assert_eq(device_word_number(device_type_words, "CAD"), MW_DEVICE_CAD);
	cr_assert_eq(device_word_number(device_status_words, "Recovered"), MW_STATUS_RECOVERED);
	cr_assert_eq(
		device_word_number(device_status_words, "Commissioned"), MW_STATUS_COMMISSIONED);
}

Test(store_row, every_date_comes_back)
{
	struct store_device device = {.device = {.type = "ESME", .generation = 1}};
	struct store_device again;
	uint8_t bytes[STORE_ROW_DEVICE_MAX];
	char text[CALENDAR_DATE_TIME_SIZE];

	for (int32_t day = 0; day <= CALENDAR_DAY_MAX; day++) {
		calendar_format(day, 0, text);
		memcpy(device.device.date_commissioned, text, 10);
		size_t length = store_row_write_device(&device, bytes);
		cr_assert(store_row_read_device((struct store_bytes){bytes, length}, &again));
		cr_assert_str_eq(again.device.date_commissioned, device.device.date_commissioned);
	}
}

Test(store_row, mpxns_come_back)
{
	struct mpxn mpxn = whole_mpxn();
	static struct mpxn again;
	uint8_t bytes[STORE_ROW_MPXN_MAX];
	size_t length = store_row_write_mpxn(&mpxn, bytes);

	cr_assert_gt(length, 0);
	cr_assert(store_row_read_mpxn((struct store_bytes){bytes, length}, &again));
	for (unsigned i = 0; i < 64; i++) {
		cr_assert_eq(mpxn.events[i].from_day, again.events[i].from_day);
		cr_assert_eq(mpxn.events[i].to_day, again.events[i].to_day);
		cr_assert_eq(mpxn.events[i].supplier, again.events[i].supplier);
		cr_assert_eq(mpxn.events[i].organisation, again.events[i].organisation);
		cr_assert_eq(mpxn.events[i].created_ms, again.events[i].created_ms);
		cr_assert_eq(mpxn.events[i].message, again.events[i].message);
	}
}

Test(store_row, damaged_devices)
{
	struct store_device device = whole_device();
	struct store_device again;
	uint8_t bytes[STORE_ROW_DEVICE_MAX + 1];
	uint8_t other[STORE_ROW_DEVICE_MAX];
	size_t length = store_row_write_device(&device, bytes);
	uint8_t *memory;

	for (size_t cut = 0; cut < length; cut++) {
		struct store_bytes row = at_end(bytes, cut, &memory);

		cr_assert_not(store_row_read_device(row, &again), "cut to %zu", cut);
		free(memory);
	}
	bytes[length] = 0;
	cr_assert_not(store_row_read_device((struct store_bytes){bytes, length + 1}, &again));
	/* What a changed row is read as, if it is, is what it says. */
	for (size_t at = 0; at < length; at++)
		for (unsigned value = 0; value < 256; value++) {
			uint8_t was = bytes[at];

			bytes[at] = (uint8_t)value;
			struct store_bytes row = at_end(bytes, length, &memory);
			if (store_row_read_device(row, &again)) {
				size_t written = store_row_write_device(&again, other);

				cr_assert_eq(written, length, "byte %zu, value %u", at, value);
				cr_assert_eq(memcmp(other, bytes, length), 0, "byte %zu", at);
			}
			free(memory);
			bytes[at] = was;
		}
}

Test(store_row, damaged_mpxns)
{
	struct mpxn mpxn = whole_mpxn();
	static struct mpxn again;
	uint8_t bytes[STORE_ROW_MPXN_MAX];
	uint64_t state = 3;
	uint8_t *memory;

	mpxn.event_count = 9;
	size_t length = store_row_write_mpxn(&mpxn, bytes);
	for (size_t cut = 0; cut < length; cut++) {
		struct store_bytes row = at_end(bytes, cut, &memory);

		cr_assert_not(store_row_read_mpxn(row, &again), "cut to %zu", cut);
		free(memory);
	}
	for (int i = 0; i < 100000; i++) {
		size_t at = store_test_random(&state) % length;
		uint8_t was = bytes[at];

		bytes[at] = (uint8_t)store_test_random(&state);
		struct store_bytes row = at_end(bytes, length, &memory);
		store_row_read_mpxn(row, &again);
		free(memory);
		if (store_test_random(&state) % 4 != 0)
			bytes[at] = was;
		if (i % 50 == 0)
			length = store_row_write_mpxn(&mpxn, bytes);
	}
}
