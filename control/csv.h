/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as text: CSV (RFC 4180, but a record is one line) whose first line names the columns, or
 * JSON lines, each one flat object, when the file's name ends in ".jsonl". The file is mapped, not
 * read: nothing is copied but fields with doubled quotes or escapes. UTF-8; a byte order mark and
 * carriage returns before line ends are allowed, empty lines are not counted as records. Text that
 * is in memory already is read in the same way (table_text.h).
 *
 * One reader, one thread; rows of one open file may be split by several threads.
 */
#ifndef CONTROL_CSV_H
#define CONTROL_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CSV_COLUMNS_MAX 32
#define CSV_LINE_BYTES_MAX 8192

struct csv_column {
	const char *name;
	bool required; /* the column must be there; its fields may still be empty */
};

struct csv_file {
	const char *path; /* the caller's; must stay */
	const char *bytes;
	size_t length;
	bool is_json;
	bool is_borrowed; /* the bytes are the caller's */
	const struct csv_column *columns;
	int column_count;
	int order[CSV_COLUMNS_MAX]; /* CSV: the column of each field of a line */
	int field_count;
	size_t at; /* the next line */
	uint32_t line;
	uint64_t *marks; /* where every CSV_MARK_LINES-th line begins */
	size_t mark_count;
};

#define CSV_MARK_LINES 1024

struct csv_line {
	const char *text;
	size_t length;	 /* without line end */
	uint64_t offset; /* in the file */
	uint32_t number; /* from 1 */
};

struct csv_field {
	const char *text; /* not terminated */
	uint32_t length;
	uint32_t column; /* byte of the line, from 1 */
};

/* The fields of a line, by column; absent ones are empty. */
struct csv_record {
	struct csv_field fields[CSV_COLUMNS_MAX];
	char unescaped[CSV_LINE_BYTES_MAX];
};

/* What is wrong with a line. */
struct csv_fault {
	uint32_t column;
	const char *rule; /* a constant */
};

/* Map the file and read its first line. Returns 0; -EINVAL and *fault (line 1) when the header is
 * wrong; another -errno when the file cannot be read. */
int csv_open(struct csv_file *file, const char *path, const struct csv_column *columns, int count,
	struct csv_fault *fault);

/* The same with text in memory, which stays the caller's and must outlive the file: the lines and,
 * apart from them, the line that names the columns (not for JSON lines). */
struct csv_text {
	const char *header;
	size_t header_length;
	const char *lines;
	size_t length;
	bool is_json;
};
int csv_open_text(struct csv_file *file, const struct csv_text *text,
	const struct csv_column *columns, int count, struct csv_fault *fault);
void csv_close(struct csv_file *file);

/* The next line that is not empty; false at the end, and after 2^32 - 1 lines (then file->at is not
 * file->length). */
bool csv_next(struct csv_file *file, struct csv_line *line);

/* The line that begins at `offset`, without its number; cheap. */
struct csv_line csv_line_at(const struct csv_file *file, uint64_t offset);

/* The number of the line at `offset`, and back. For lines that csv_next() has given. */
uint32_t csv_line_number(const struct csv_file *file, uint64_t offset);
uint64_t csv_line_offset(const struct csv_file *file, uint32_t number);

/* Split a line. 0, or -EINVAL and *fault. The fields live as long as file and record. */
int csv_split(const struct csv_file *file, const struct csv_line *line, struct csv_record *record,
	struct csv_fault *fault);

/* Write a field of a CSV line, quoted when it must be, or a JSON string. Fields hold no control
 * characters. */
void csv_write(FILE *out, const char *text);
void csv_write_json(FILE *out, const char *text);

#endif
