/* SPDX-License-Identifier: Apache-2.0 */
#include "control/table_text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "dataplane/duis/identifier.h"

static const char *const format_names[] = {"csv", "jsonl"};

const char *table_format_name(enum table_format format)
{
	return format_names[format];
}

bool table_format_parse(const char *name, enum table_format *format)
{
	for (int i = 0; i < 2; i++) {
		if (strcmp(name, format_names[i]) != 0)
			continue;
		*format = (enum table_format)i;
		return true;
	}
	return false;
}

enum table_format table_format_of(const char *path)
{
	static const char suffix[] = ".jsonl";
	size_t length = strlen(path);
	size_t end = sizeof(suffix) - 1;

	return length > end && strcmp(path + length - end, suffix) == 0 ? TABLE_JSON_LINES
									: TABLE_CSV;
}

static int fail(struct table_fault *fault, uint32_t line, uint32_t column, const char *rule)
{
	fault->line = line;
	fault->column = column;
	snprintf(fault->rule, sizeof(fault->rule), "%s", rule);
	return -EINVAL;
}

int table_open(struct table_reader *reader, const struct table_source *source,
	const struct csv_column *columns, int count, struct table_fault *fault)
{
	const struct csv_text text = {
		.header = source->header,
		.header_length = strlen(source->header),
		.lines = source->lines,
		.length = source->length,
		.is_json = source->format == TABLE_JSON_LINES,
	};
	struct csv_fault wrong;

	assert(count <= CSV_COLUMNS_MAX);
	int result = csv_open_text(&reader->file, &text, columns, count, &wrong);
	reader->first_line = source->first_line;
	return result == -EINVAL ? fail(fault, source->header_line, wrong.column, wrong.rule)
				 : result;
}

void table_close(struct table_reader *reader)
{
	csv_close(&reader->file);
}

int table_next(struct table_reader *reader, struct table_row *row, struct table_fault *fault)
{
	struct csv_fault wrong;
	struct csv_line line;

	if (!csv_next(&reader->file, &line))
		return 0;
	row->line = reader->first_line + line.number - 1;
	if (csv_split(&reader->file, &line, &row->record, &wrong) != 0)
		return fail(fault, row->line, wrong.column, wrong.rule);
	return 1;
}

int table_wrong(
	const struct table_row *row, int column, struct table_fault *fault, const char *rule, ...)
{
	va_list arguments;

	fault->line = row->line;
	fault->column = column >= 0 ? row->record.fields[column].column : 1;
	va_start(arguments, rule);
	vsnprintf(fault->rule, sizeof(fault->rule), rule, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* The length of the UTF-8 sequence at text[0 .. length), which is no control character; 0: it is
 * none. */
static size_t character_length(const uint8_t *text, size_t length)
{
	uint32_t code = text[0];
	size_t size = code < 0x80 ? 1 : code >= 0xf0 ? 4 : code >= 0xe0 ? 3 : 2;
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

	if (size == 1)
		return code >= 0x20 && code != 0x7f;
	if (code < 0xc0 || code > 0xf4 || size > length)
		return 0;
	code &= 0xffu >> (size + 1);
	for (size_t i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3fu);
	}
	if (code < smallest[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
		(code >= 0x80 && code < 0xa0))
		return 0;
	return size;
}

int table_field(
	const struct table_row *row, int column, char *text, size_t size, struct table_fault *fault)
{
	const struct csv_field *field = &row->record.fields[column];
	size_t at = 0;

	if (field->length >= size)
		return table_wrong(row, column, fault, "at most %zu bytes are allowed", size - 1);
	while (at < field->length) {
		size_t length =
			character_length((const uint8_t *)field->text + at, field->length - at);

		if (length == 0)
			return table_wrong(row, column, fault,
				"a field must be UTF-8 without control characters");
		at += length;
	}
	memcpy(text, field->text, field->length);
	text[field->length] = '\0';
	return 0;
}

int table_number(const struct table_row *row, int column, struct table_range range,
	uint64_t *number, struct table_fault *fault)
{
	const struct csv_field *field = &row->record.fields[column];
	uint64_t value = 0;
	bool good = field->length > 0 && field->length <= 19;

	for (uint32_t i = 0; i < field->length && good; i++) {
		good = field->text[i] >= '0' && field->text[i] <= '9';
		value = value * 10 + (uint64_t)(field->text[i] - '0');
	}
	if (!good || value < range.min || value > range.max)
		return table_wrong(row, column, fault,
			"must be a whole number, %" PRIu64 " to %" PRIu64, range.min, range.max);
	*number = value;
	return 0;
}

int table_eui(const struct table_row *row, int column, uint64_t *eui, struct table_fault *fault)
{
	const struct csv_field *field = &row->record.fields[column];

	if (duis_eui_parse(field->text, field->length, eui) != 0 || *eui == 0)
		return table_wrong(row, column, fault,
			"must be an EUI-64 such as 90-B3-D5-1F-30-01-00-00, not 0");
	return 0;
}

bool table_field_empty(const struct table_row *row, int column)
{
	return row->record.fields[column].length == 0;
}

void table_write_header(
	FILE *out, enum table_format format, const struct csv_column *columns, int count)
{
	if (format == TABLE_JSON_LINES)
		return;
	for (int i = 0; i < count; i++)
		fprintf(out, "%s%s", i > 0 ? "," : "", columns[i].name);
	fputc('\n', out);
}

static void write_json_row(
	FILE *out, const struct csv_column *columns, int count, const char *const *texts)
{
	const char *between = "{";

	for (int i = 0; i < count; i++) {
		if (texts[i] == NULL)
			continue;
		fprintf(out, "%s\"%s\":", between, columns[i].name);
		csv_write_json(out, texts[i]);
		between = ",";
	}
	fputs(*between == '{' ? "{}\n" : "}\n", out);
}

void table_write_row(FILE *out, enum table_format format, const struct csv_column *columns,
	int count, const char *const *texts)
{
	if (format == TABLE_JSON_LINES) {
		write_json_row(out, columns, count, texts);
		return;
	}
	for (int i = 0; i < count; i++) {
		if (i > 0)
			fputc(',', out);
		if (texts[i] != NULL)
			csv_write(out, texts[i]);
	}
	fputc('\n', out);
}
