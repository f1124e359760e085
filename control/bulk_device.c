/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of devices: those of devices.yaml, and the origin. */
#include "control/bulk_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/device_words.h"
#include "control/settlement_day.h"
#include "dataplane/duis/identifier.h"

#define FIELD(member)                                                                              \
	offsetof(struct reference_device, member), sizeof(((struct reference_device *)NULL)->member)

#define UPRN_BYTES 12
#define MPAN_DIGITS 13

/* One row for each column, in the order of bulk_device_columns. */
struct column {
	int (*read)(const struct bulk_providers *providers, const struct column *column,
		const struct csv_field *field, struct store_device *device, const char **rule);
	size_t offset;
	size_t size;
	const char *const *words;
	size_t length_min;
};

static const char *const generation_words[] = {"SMETS1", "SMETS2", NULL};
static const char *const origin_words[] = {"operator", "file", "feed", NULL};

static int fail(const char **rule, const char *text)
{
	*rule = text;
	return -EINVAL;
}

static int read_text(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	char *text = (char *)&device->device + column->offset;

	(void)providers;
	if (field->length >= column->size)
		return fail(rule, "longer than this column may be");
	for (uint32_t i = 0; i < field->length; i++)
		if ((unsigned char)field->text[i] < ' ' || field->text[i] == 0x7f)
			return fail(rule, "a control character");
	memcpy(text, field->text, field->length);
	text[field->length] = '\0';
	return 0;
}

static int read_word(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	static const char text[] = "not one of the words of this column";

	if (field->length >= column->size)
		return fail(rule, text);
	int result = read_text(providers, column, field, device, rule);
	if (result != 0)
		return result;
	const char *word = (const char *)&device->device + column->offset;
	return device_word_number(column->words, word) >= 0 ? 0 : fail(rule, text);
}

static int read_type(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	if (field->length == 0)
		return fail(rule, "a device has a type");
	return read_word(providers, column, field, device, rule);
}

static int read_digits(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	(void)providers;
	if (field->length == 0)
		return 0;
	if (field->length >= column->size || field->length < column->length_min)
		return fail(rule, "not the right number of digits");
	char *text = (char *)&device->device + column->offset;
	memcpy(text, field->text, field->length);
	text[field->length] = '\0';
	if (strspn(text, "0123456789") != field->length)
		return fail(rule, "digits only");
	return store_digits(text) != 0 ? 0 : fail(rule, "must be greater than 0");
}

static int read_date(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	int32_t day;

	if (field->length > 0 && settlement_parse_date(field->text, field->length, &day) != 0)
		return fail(rule, "not a date such as 2024-03-04");
	return read_text(providers, column, field, device, rule);
}

static int read_post_code(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	if (field->length > 0 && field->length < 6)
		return fail(rule, "a postcode has 6 to 8 characters");
	int result = read_text(providers, column, field, device, rule);
	if (result == 0 && field->length > 0 &&
		store_post_code_number(device->device.post_code) == 0)
		return fail(rule, "a postcode is more than blanks");
	return result;
}

static int read_device_id(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	(void)providers;
	(void)column;
	if (duis_eui_parse(field->text, field->length, &device->device.device_id) != 0 ||
		device->device.device_id == 0)
		return fail(rule, "not an EUI-64 such as 00-DB-12-34-56-78-90-A0");
	return 0;
}

static int read_generation(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	(void)providers;
	(void)column;
	for (int i = 0; i < 2; i++)
		if (field->length == 6 && memcmp(field->text, generation_words[i], 6) == 0)
			device->device.generation = MW_GENERATION_SMETS1 + i;
	return device->device.generation != 0 ? 0 : fail(rule, "neither SMETS1 nor SMETS2");
}

static int read_provider(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	(void)column;
	for (uint32_t i = 0; i < REFERENCE_PROVIDERS_MAX && field->length > 0; i++) {
		if (memcmp(providers->names[i], field->text,
			    field->length < MW_NAME_SIZE ? field->length : MW_NAME_SIZE) != 0 ||
			strnlen(providers->names[i], MW_NAME_SIZE) != field->length)
			continue;
		device->device.provider_id = i;
		memcpy(device->device.provider, providers->names[i], MW_NAME_SIZE);
		return 0;
	}
	return fail(rule, "not the name of a provider that reaches devices");
}

static int read_origin(const struct bulk_providers *providers, const struct column *column,
	const struct csv_field *field, struct store_device *device, const char **rule)
{
	(void)providers;
	(void)column;
	for (uint8_t i = 0; origin_words[i] != NULL && field->length > 0; i++) {
		if (strlen(origin_words[i]) != field->length ||
			memcmp(origin_words[i], field->text, field->length) != 0)
			continue;
		device->origin = i;
		return 0;
	}
	return field->length == 0 ? 0 : fail(rule, "an origin is operator, file or feed");
}

const struct csv_column bulk_device_columns[] = {
	{"device_id", true},
	{"type", true},
	{"generation", true},
	{"provider", true},
	{"manufacturer", false},
	{"model", false},
	{"status", false},
	{"smets_version", false},
	{"firmware_version", false},
	{"firmware_version_status", false},
	{"cpl_status", false},
	{"date_commissioned", false},
	{"import_mpxn", false},
	{"secondary_import_mpan", false},
	{"export_mpan", false},
	{"esme_variant", false},
	{"uprn", false},
	{"post_code", false},
	{"address_identifier", false},
	{"csp_region", false},
	{"gbcs_version", false},
	{"han_variant", false},
	{"s1sp", false},
	{"origin", false},
};

static const struct column columns[] = {
	{read_device_id, 0, 0, NULL, 0},
	{read_type, FIELD(type), device_type_words, 0},
	{read_generation, 0, 0, NULL, 0},
	{read_provider, FIELD(provider), NULL, 0},
	{read_text, FIELD(manufacturer), NULL, 0},
	{read_text, FIELD(model), NULL, 0},
	{read_word, FIELD(status), device_status_words, 0},
	{read_text, FIELD(smets_version), NULL, 0},
	{read_text, FIELD(firmware_version), NULL, 0},
	{read_word, FIELD(firmware_version_status), device_list_status_words, 0},
	{read_word, FIELD(cpl_status), device_list_status_words, 0},
	{read_date, FIELD(date_commissioned), NULL, 0},
	{read_digits, FIELD(import_mpxn), NULL, 1},
	{read_digits, FIELD(secondary_import_mpan), NULL, MPAN_DIGITS},
	{read_digits, FIELD(export_mpan), NULL, MPAN_DIGITS},
	{read_word, FIELD(esme_variant), device_variant_words, 0},
	{read_digits, FIELD(uprn), NULL, 1},
	{read_post_code, FIELD(post_code), NULL, 0},
	{read_text, FIELD(address_identifier), NULL, 0},
	{read_word, FIELD(csp_region), device_region_words, 0},
	{read_text, FIELD(gbcs_version), NULL, 0},
	{read_text, FIELD(han_variant), NULL, 0},
	{read_text, FIELD(s1sp), NULL, 0},
	{read_origin, 0, 0, NULL, 0},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

const int bulk_device_column_count = COLUMNS;

_Static_assert(COLUMNS == sizeof(bulk_device_columns) / sizeof(bulk_device_columns[0]),
	"the two tables have the same rows");

int bulk_providers_read(struct store_change *change, struct bulk_providers *providers)
{
	struct store_provider provider;
	int64_t cursor = -1;
	int result;

	memset(providers, 0, sizeof(*providers));
	while ((result = store_provider_next(change, &cursor, &provider)) == 1)
		if (provider.provider.kind != MW_PROVIDER_TRANSFORM)
			memcpy(providers->names[provider.provider.id], provider.provider.name,
				MW_NAME_SIZE);
	return result;
}

int bulk_device(const struct bulk_providers *providers, const struct csv_record *record,
	struct store_device *device, struct csv_fault *fault)
{
	memset(device, 0, sizeof(*device));
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct csv_field *field = &record->fields[i];

		if (columns[i].read(providers, &columns[i], field, device, &fault->rule) != 0) {
			fault->column = field->column;
			return -EINVAL;
		}
	}
	return 0;
}

void bulk_device_text(const struct store_device *device, int column, char text[BULK_TEXT_SIZE])
{
	const char *value = (const char *)&device->device + columns[column].offset;
	char eui[DUIS_EUI_TEXT_SIZE];

	if (columns[column].read == read_device_id) {
		duis_eui_format(device->device.device_id, eui);
		value = eui;
	} else if (columns[column].read == read_generation) {
		value = generation_words[device->device.generation - MW_GENERATION_SMETS1];
	} else if (columns[column].read == read_origin) {
		value = origin_words[device->origin];
	}
	snprintf(text, BULK_TEXT_SIZE, "%s", value);
}

void bulk_device_again(const struct bulk_load *load, uint64_t offset, struct store_device *device)
{
	const struct csv_file *csv = &load->files[BULK_DEVICES].csv;
	struct csv_line line = csv_line_at(csv, offset);
	struct csv_record record;
	struct csv_fault fault;
	int result = csv_split(csv, &line, &record, &fault);

	if (result == 0)
		result = bulk_device(&load->providers, &record, device, &fault);
	/* Somebody writes the file while it is loaded: a device of no type is no row. */
	if (result != 0)
		memset(device, 0, sizeof(*device));
}
