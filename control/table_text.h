/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as text on their way between operators and motorway-control: rows of named fields, as CSV
 * or JSON lines (csv.h says what both look like), in memory. The reader tells line and column of
 * what is wrong as they are in the operator's file, of which it may see a part only; the writer
 * writes what the reader reads.
 *
 * Fields hold no control characters. Pure; one reader, one thread.
 */
#ifndef CONTROL_TABLE_TEXT_H
#define CONTROL_TABLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/csv.h"

enum table_format {
	TABLE_CSV = 0,
	TABLE_JSON_LINES = 1,
};

/* Lines of a table. Borrowed: must outlive the reader and the rows it gave. */
struct table_source {
	enum table_format format;
	const char *header; /* CSV: the line that names the columns, terminated; else "" */
	uint32_t header_line;
	const char *lines;
	size_t length;
	uint32_t first_line; /* the number of the first of `lines` in the operator's file */
};

/* What is wrong, and where. */
struct table_fault {
	uint32_t line;	 /* from 1 */
	uint32_t column; /* byte of the line, from 1 */
	char rule[192];
};

struct table_row {
	uint32_t line;
	struct csv_record record; /* fields by column; absent ones are empty */
};

struct table_reader {
	struct csv_file file;
	uint32_t first_line;
};

/* "csv" and "jsonl". */
const char *table_format_name(enum table_format format);
bool table_format_parse(const char *name, enum table_format *format);

/* The format of a file by its name: JSON lines for .jsonl, else CSV. */
enum table_format table_format_of(const char *path);

/* Begin. `columns` must outlive the reader. 0; -EINVAL and *fault: the header is wrong; -ENOMEM. */
int table_open(struct table_reader *reader, const struct table_source *source,
	const struct csv_column *columns, int count, struct table_fault *fault);
void table_close(struct table_reader *reader);

/* The next row. 1; 0 at the end; -EINVAL and *fault: the line is no row, the next call goes on
 * behind it. */
int table_next(struct table_reader *reader, struct table_row *row, struct table_fault *fault);

/* Say that column `column` of the row (-1: the row) breaks a rule. Returns -EINVAL. */
int table_wrong(const struct table_row *row, int column, struct table_fault *fault,
	const char *rule, ...) __attribute__((format(printf, 4, 5)));

/* One field as a terminated text of at most size - 1 bytes, UTF-8 without control characters. 0, or
 * -EINVAL and *fault. An absent field is "". */
int table_field(const struct table_row *row, int column, char *text, size_t size,
	struct table_fault *fault);

/* A whole number, `min` to `max`. 0, or -EINVAL and *fault. */
struct table_range {
	uint64_t min;
	uint64_t max;
};
int table_number(const struct table_row *row, int column, struct table_range range,
	uint64_t *number, struct table_fault *fault);

/* An EUI-64. 0, or -EINVAL and *fault. */
int table_eui(const struct table_row *row, int column, uint64_t *eui, struct table_fault *fault);

bool table_field_empty(const struct table_row *row, int column);

/* Write the line that names the columns (nothing for JSON lines), and one row. `texts` are the
 * fields in the order of the columns; NULL: "" in CSV, left out in JSON lines. */
void table_write_header(
	FILE *out, enum table_format format, const struct csv_column *columns, int count);
void table_write_row(FILE *out, enum table_format format, const struct csv_column *columns,
	int count, const char *const *texts);

#endif
