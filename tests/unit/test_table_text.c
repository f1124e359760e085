/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as text: rows in, rows out, and where what is wrong stands in the operator's file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/table_text.h"

static const struct csv_column columns[] = {
	{"eui", true},
	{"name", false},
	{"limit", false},
};

#define COLUMNS 3

static struct table_reader reader;
static struct table_row row;
static struct table_fault fault;
static const struct table_range to_nine = {1, 9};

static int open_csv(const char *header, const char *lines, uint32_t first_line)
{
	const struct table_source source = {
		.format = TABLE_CSV,
		.header = header,
		.header_line = 3,
		.lines = lines,
		.length = strlen(lines),
		.first_line = first_line,
	};

	return table_open(&reader, &source, columns, COLUMNS, &fault);
}

static int open_json(const char *lines)
{
	const struct table_source source = {
		.format = TABLE_JSON_LINES,
		.header = "",
		.lines = lines,
		.length = strlen(lines),
		.first_line = 1,
	};

	return table_open(&reader, &source, columns, COLUMNS, &fault);
}

Test(table_text, rows_of_a_part_of_a_csv_file)
{
	char name[8];
	uint64_t number;
	uint64_t eui;

	cr_assert_eq(open_csv("name,eui,limit",
			     "\nx,90-B3-D5-1F-30-01-00-00,7\r\ny\n"
			     "\"a,b\",00-00-00-00-00-00-00-00,12\n",
			     1001),
		0);
	cr_assert_eq(table_next(&reader, &row, &fault), 1);
	cr_assert_eq(row.line, 1002);
	cr_assert_eq(table_field(&row, 1, name, sizeof(name), &fault), 0);
	cr_assert_str_eq(name, "x");
	cr_assert_eq(table_eui(&row, 0, &eui, &fault), 0);
	cr_assert_eq(eui, 0x90b3d51f30010000u);
	cr_assert_eq(table_number(&row, 2, to_nine, &number, &fault), 0);
	cr_assert_eq(number, 7);
	/* A wrong line does not end the reading. */
	cr_assert_eq(table_next(&reader, &row, &fault), -EINVAL);
	cr_assert_eq(fault.line, 1003);
	cr_assert_eq(table_next(&reader, &row, &fault), 1);
	cr_assert_eq(table_eui(&row, 0, &eui, &fault), -EINVAL);
	cr_assert_eq(fault.line, 1004);
	cr_assert_eq(fault.column, 7);
	cr_assert_eq(table_number(&row, 2, to_nine, &number, &fault), -EINVAL);
	cr_assert_eq(fault.column, 31);
	cr_assert_not_null(strstr(fault.rule, "1 to 9"));
	cr_assert_eq(table_field(&row, 1, name, 3, &fault), -EINVAL, "too long");
	cr_assert_eq(table_wrong(&row, 1, &fault, "no %s", "way"), -EINVAL);
	cr_assert_str_eq(fault.rule, "no way");
	cr_assert_eq(fault.column, 1);
	cr_assert_eq(table_next(&reader, &row, &fault), 0);
	table_close(&reader);
}

Test(table_text, headers)
{
	cr_assert_eq(open_csv("name,limit", "", 1), -EINVAL, "eui is required");
	cr_assert_eq(fault.line, 3);
	cr_assert_eq(open_csv("eui,colour", "", 1), -EINVAL);
	cr_assert_eq(fault.column, 5);
	cr_assert_eq(open_csv("", "", 1), -EINVAL);
	cr_assert_eq(open_csv("eui", "", 1), 0);
	cr_assert_eq(table_next(&reader, &row, &fault), 0);
	table_close(&reader);
}

Test(table_text, json_lines)
{
	char name[32];
	uint64_t number = 0;

	cr_assert_eq(open_json("{\"limit\":5,\"name\":\"a\\\"b\"}\n{\"nothing\":1}\n{}\n"), 0);
	cr_assert_eq(table_next(&reader, &row, &fault), 1);
	cr_assert(table_field_empty(&row, 0));
	cr_assert_eq(table_number(&row, 2, to_nine, &number, &fault), 0);
	cr_assert_eq(number, 5);
	cr_assert_eq(table_field(&row, 1, name, sizeof(name), &fault), 0);
	cr_assert_str_eq(name, "a\"b");
	cr_assert_eq(table_next(&reader, &row, &fault), -EINVAL);
	cr_assert_eq(fault.line, 2);
	cr_assert_eq(table_next(&reader, &row, &fault), 1);
	cr_assert_eq(table_number(&row, 2, to_nine, &number, &fault), -EINVAL, "empty");
	cr_assert_eq(table_next(&reader, &row, &fault), 0);
	table_close(&reader);
}

Test(table_text, fields_are_utf8_without_controls)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"plain", true},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x8c", true},
		{"a\tb", false},
		{"a\x7f", false},
		{"\xc2\x9b[2J", false},
		{"\xc3", false},
		{"\xc0\xaf", false},
		{"\xe0\x80\x80", false},
		{"\xed\xa0\x80", false},
		{"\xf4\x90\x80\x80", false},
		{"\x80", false},
		{"\xff", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[32];
		int expected = cases[i].good ? 0 : -EINVAL;

		cr_assert_eq(open_csv("name,eui", "", 1), 0);
		row.line = 1;
		row.record.fields[1] =
			(struct csv_field){cases[i].text, (uint32_t)strlen(cases[i].text), 1};
		cr_assert_eq(
			table_field(&row, 1, name, sizeof(name), &fault), expected, "case %zu", i);
		table_close(&reader);
	}
}

/* What is written is read again as it was. */
Test(table_text, there_and_back)
{
	static const char *const rows[][COLUMNS] = {
		{"90-B3-D5-1F-30-01-00-00", "a, \"quoted\" \\ name", "3"},
		{"90-B3-D5-1F-30-01-00-01", NULL, ""},
		{"", "", ""},
		{" x ", "\xe2\x82\xac", "18446744073709551615"},
	};
	size_t count = sizeof(rows) / sizeof(rows[0]);

	for (int format = TABLE_CSV; format <= TABLE_JSON_LINES; format++) {
		char *text;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		table_write_header(out, (enum table_format)format, columns, COLUMNS);
		for (size_t i = 0; i < count; i++)
			table_write_row(out, (enum table_format)format, columns, COLUMNS, rows[i]);
		fclose(out);
		const char *lines = text;
		if (format == TABLE_CSV) {
			lines = strchr(text, '\n') + 1;
			text[lines - text - 1] = '\0';
			cr_assert_str_eq(text, "eui,name,limit");
		}
		cr_assert_eq(format == TABLE_CSV ? open_csv(text, lines, 2) : open_json(lines), 0);
		for (size_t i = 0; i < count; i++) {
			cr_assert_eq(table_next(&reader, &row, &fault), 1, "%s", fault.rule);
			for (int c = 0; c < COLUMNS; c++) {
				char field[64];
				const char *expected = rows[i][c] != NULL ? rows[i][c] : "";

				cr_assert_eq(table_field(&row, c, field, sizeof(field), &fault), 0);
				cr_assert_str_eq(field, expected);
			}
		}
		cr_assert_eq(table_next(&reader, &row, &fault), 0);
		table_close(&reader);
		free(text);
	}
}

Test(table_text, formats_by_name)
{
	enum table_format format;

	cr_assert_eq(table_format_of("users.jsonl"), TABLE_JSON_LINES);
	cr_assert_eq(table_format_of("users.json"), TABLE_CSV);
	cr_assert_eq(table_format_of(".jsonl"), TABLE_CSV);
	cr_assert_eq(table_format_of("-"), TABLE_CSV);
	cr_assert(table_format_parse("jsonl", &format) && format == TABLE_JSON_LINES);
	cr_assert(table_format_parse("csv", &format) && format == TABLE_CSV);
	cr_assert_not(table_format_parse("xml", &format));
	cr_assert_str_eq(table_format_name(TABLE_JSON_LINES), "jsonl");
}
