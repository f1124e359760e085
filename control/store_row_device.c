/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of a device. There are 24 million of them, so words are numbers, numbers are not text,
 * and what is absent takes one bit.
 */
#include "control/store_row.h"

#include <string.h>

#include "control/calendar.h"
#include "control/device_words.h"
#include "control/store_bytes.h"
#include "motorway/registry_image.h"

#define DIGITS_MAX 13
#define DIGITS_BYTES 6 /* 44 bits of value, 4 bits: how many digits, because 07 is not 7 */
#define DIGITS_VALUE_BITS 44

_Static_assert(sizeof(((struct reference_device *)NULL)->date_commissioned) == 11, "a date fits");

enum part_kind {
	PART_TEXT = 1,
	PART_DIGITS,
	PART_DATE,
};

struct part {
	enum part_kind kind;
	size_t offset;
	size_t size;
};

struct word {
	const char *const *words;
	size_t offset;
	size_t size;
};

#define FIELD(member)                                                                              \
	offsetof(struct reference_device, member), sizeof(((struct reference_device *)NULL)->member)

/* In the order of their bytes. */
static const struct word words[] = {
	{device_type_words, FIELD(type)},
	{device_status_words, FIELD(status)},
	{device_list_status_words, FIELD(firmware_version_status)},
	{device_list_status_words, FIELD(cpl_status)},
	{device_variant_words, FIELD(esme_variant)},
	{device_region_words, FIELD(csp_region)},
};

/* In the order of their bits. */
static const struct part parts[] = {
	{PART_TEXT, FIELD(manufacturer)},
	{PART_TEXT, FIELD(model)},
	{PART_TEXT, FIELD(smets_version)},
	{PART_TEXT, FIELD(firmware_version)},
	{PART_DATE, FIELD(date_commissioned)},
	{PART_DIGITS, FIELD(import_mpxn)},
	{PART_DIGITS, FIELD(secondary_import_mpan)},
	{PART_DIGITS, FIELD(export_mpan)},
	{PART_DIGITS, FIELD(uprn)},
	{PART_TEXT, FIELD(post_code)},
	{PART_TEXT, FIELD(address_identifier)},
	{PART_TEXT, FIELD(gbcs_version)},
	{PART_TEXT, FIELD(han_variant)},
	{PART_TEXT, FIELD(s1sp)},
};

#define WORDS (sizeof(words) / sizeof(words[0]))
#define PARTS (sizeof(parts) / sizeof(parts[0]))

uint64_t store_digits(const char *text)
{
	uint64_t value = 0;
	size_t length = 0;

	for (; text[length] >= '0' && text[length] <= '9' && length < 16; length++)
		value = value * 10 + (uint64_t)(text[length] - '0');
	return text[length] == '\0' && length < 16 ? value : 0;
}

static void write_digits(struct bytes_writer *writer, const char *text)
{
	size_t length = strlen(text);
	uint64_t value = store_digits(text);

	if (value == 0 || length > DIGITS_MAX)
		writer->wrong = true;
	write_number(writer, value | (uint64_t)length << DIGITS_VALUE_BITS, DIGITS_BYTES);
}

static void read_digits(struct bytes_reader *reader, char *text, size_t size)
{
	uint64_t packed = read_number(reader, DIGITS_BYTES);
	uint64_t value = packed & ((1ull << DIGITS_VALUE_BITS) - 1);
	size_t length = packed >> DIGITS_VALUE_BITS;

	text[0] = '\0';
	if (length == 0 || length >= size || value == 0) {
		reader->wrong = true;
		return;
	}
	text[length] = '\0';
	for (size_t i = length; i-- > 0; value /= 10)
		text[i] = (char)('0' + value % 10);
	if (value != 0)
		reader->wrong = true;
}

static void write_date(struct bytes_writer *writer, const char *text)
{
	int32_t day = 0;

	if (strlen(text) != 10 || text[4] != '-' || calendar_parse_date(text, &day) != 0)
		writer->wrong = true;
	write_number(writer, (uint64_t)day, 3);
}

/* Two digits or four. */
static char *put_digits(char *at, unsigned value, int count)
{
	for (int i = count; i-- > 0; value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + count;
}

/* A day as a date, without printf(): walks read 24 million of them. Years are counted from March,
 * so that the leap day is the last one; 400 of them have 146097 days. */
static void read_date(struct bytes_reader *reader, char *text)
{
	unsigned day = (unsigned)read_bounded(reader, 3, CALENDAR_DAY_MAX) + 719468;
	unsigned era = day / 146097;
	unsigned of_era = day % 146097;
	unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153;
	unsigned of_month = of_year - (153 * month + 2) / 5 + 1;

	month = month < 10 ? month + 3 : month - 9;
	text = put_digits(text, era * 400 + year + (month <= 2), 4);
	*text++ = '-';
	text = put_digits(text, month, 2);
	*text++ = '-';
	text = put_digits(text, of_month, 2);
	*text = '\0';
}

size_t store_row_write_device(const struct store_device *row, uint8_t *out)
{
	const struct reference_device *device = &row->device;
	struct bytes_writer writer = {.at = out, .end = out + STORE_ROW_DEVICE_MAX};
	unsigned present = 0;

	if (device->generation < MW_GENERATION_SMETS1 ||
		device->generation > MW_GENERATION_SMETS2 ||
		device->provider_id >= REFERENCE_PROVIDERS_MAX || row->origin > STORE_ORIGIN_FEED ||
		device->type[0] == '\0')
		return 0;
	write_number(&writer, STORE_ROW_VERSION, 1);
	write_number(&writer, row->origin, 1);
	write_number(&writer, (uint64_t)device->generation, 1);
	write_number(&writer, device->provider_id, 1);
	for (size_t i = 0; i < WORDS; i++) {
		const char *text = (const char *)device + words[i].offset;
		int number = strnlen(text, words[i].size) < words[i].size
				     ? device_word_number(words[i].words, text)
				     : -1;

		if (number < 0)
			return 0;
		write_number(&writer, (uint64_t)number, 1);
	}
	for (size_t i = 0; i < PARTS; i++)
		if (((const char *)device)[parts[i].offset] != '\0')
			present |= 1u << i;
	write_number(&writer, present, 2);
	for (size_t i = 0; i < PARTS; i++) {
		const char *text = (const char *)device + parts[i].offset;

		if ((present & 1u << i) == 0)
			continue;
		if (strnlen(text, parts[i].size) == parts[i].size)
			return 0;
		if (parts[i].kind == PART_TEXT)
			write_text(&writer, text, parts[i].size);
		else if (parts[i].kind == PART_DIGITS)
			write_digits(&writer, text);
		else
			write_date(&writer, text);
	}
	return writer.wrong ? 0 : (size_t)(writer.at - out);
}

static void read_part(struct bytes_reader *reader, const struct part *part, char *text)
{
	if (part->kind == PART_TEXT)
		read_text(reader, text, part->size);
	else if (part->kind == PART_DIGITS)
		read_digits(reader, text, part->size);
	else
		read_date(reader, text);
	if (text[0] == '\0')
		reader->wrong = true;
}

bool store_row_read_device(struct store_bytes bytes, struct store_device *row)
{
	struct reference_device *device = &row->device;
	struct bytes_reader reader = {.at = bytes.bytes, .end = bytes.bytes + bytes.length};

	memset(row, 0, sizeof(*row));
	if (read_number(&reader, 1) != STORE_ROW_VERSION)
		return false;
	row->origin = (uint8_t)read_bounded(&reader, 1, STORE_ORIGIN_FEED);
	device->generation = (int)read_bounded(&reader, 1, MW_GENERATION_SMETS2);
	device->provider_id = (uint32_t)read_bounded(&reader, 1, REFERENCE_PROVIDERS_MAX - 1);
	for (size_t i = 0; i < WORDS; i++) {
		const char *text = device_word(words[i].words, (unsigned)read_number(&reader, 1));

		if (text == NULL)
			return false;
		memcpy((char *)device + words[i].offset, text, strlen(text) + 1);
	}
	unsigned present = (unsigned)read_bounded(&reader, 2, (1u << PARTS) - 1);
	for (size_t i = 0; i < PARTS; i++)
		if ((present & 1u << i) != 0)
			read_part(&reader, &parts[i], (char *)device + parts[i].offset);
	return read_whole(&reader) && device->generation != 0 && device->type[0] != '\0';
}

/* What stands before the words and the first two of them. */
bool store_row_read_access(struct store_bytes bytes, struct store_device_access *access)
{
	struct bytes_reader reader = {.at = bytes.bytes, .end = bytes.bytes + bytes.length};

	if (read_number(&reader, 1) != STORE_ROW_VERSION)
		return false;
	(void)read_bounded(&reader, 1, STORE_ORIGIN_FEED);
	access->generation = (uint8_t)read_bounded(&reader, 1, MW_GENERATION_SMETS2);
	access->provider_id = (uint8_t)read_bounded(&reader, 1, REFERENCE_PROVIDERS_MAX - 1);
	access->type = (uint8_t)read_number(&reader, 1);
	access->status = (uint8_t)read_number(&reader, 1);
	return !reader.wrong && access->generation != 0 && access->type != 0 &&
	       access->type < MW_DEVICE_TYPE_COUNT && access->status < MW_DEVICE_STATUS_COUNT;
}
