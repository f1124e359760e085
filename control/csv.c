/* SPDX-License-Identifier: Apache-2.0 */
#include "control/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct csv_fault *fault, size_t column, const char *rule)
{
	*fault = (struct csv_fault){(uint32_t)column, rule};
	return -EINVAL;
}

static int find_column(const struct csv_file *file, const char *name, size_t length)
{
	for (int i = 0; i < file->column_count; i++)
		if (strlen(file->columns[i].name) == length &&
			memcmp(file->columns[i].name, name, length) == 0)
			return i;
	return -1;
}

/* A quoted field begins at text[0], the quote. Puts the field into *field, copied when there are
 * quotes inside, and returns the bytes it took; 0: it has no end. */
static size_t split_quoted(const char *text, size_t length, char **scratch, struct csv_field *field)
{
	size_t at = 1;
	size_t quotes = 0;

	for (; at < length; at++) {
		if (text[at] != '"')
			continue;
		if (at + 1 >= length || text[at + 1] != '"')
			break;
		at++;
		quotes++;
	}
	if (at >= length)
		return 0;
	field->text = text + 1;
	field->length = (uint32_t)(at - 1 - quotes);
	if (quotes == 0)
		return at + 1;
	field->text = *scratch;
	for (size_t i = 1; i < at; i++) {
		*(*scratch)++ = text[i];
		i += text[i] == '"';
	}
	return at + 1;
}

/* The fields of a CSV line in the order of the line. Returns their number, or -EINVAL. */
static int split_fields(const struct csv_line *line, struct csv_field *fields, char *scratch,
	struct csv_fault *fault)
{
	size_t at = 0;

	for (int count = 0; count < CSV_COLUMNS_MAX; count++) {
		struct csv_field *field = &fields[count];

		field->column = (uint32_t)at + 1;
		if (at < line->length && line->text[at] == '"') {
			size_t taken =
				split_quoted(line->text + at, line->length - at, &scratch, field);

			if (taken == 0)
				return fail(fault, at + 1,
					"a quoted field must end in the line in which it begins");
			at += taken;
			if (at < line->length && line->text[at] != ',')
				return fail(fault, at + 1, "a comma must follow a quoted field");
		} else {
			const char *comma = memchr(line->text + at, ',', line->length - at);
			size_t end = comma != NULL ? (size_t)(comma - line->text) : line->length;

			field->text = line->text + at;
			field->length = (uint32_t)(end - at);
			at = end;
		}
		if (at == line->length)
			return count + 1;
		at++;
	}
	return fail(fault, at, "too many fields");
}

static int read_header(struct csv_file *file, struct csv_fault *fault)
{
	struct csv_field fields[CSV_COLUMNS_MAX];
	char scratch[CSV_LINE_BYTES_MAX];
	struct csv_line line;
	uint32_t seen = 0;

	if (!csv_next(file, &line))
		return fail(fault, 1, "the first line must name the columns");
	if (line.length > CSV_LINE_BYTES_MAX)
		return fail(fault, CSV_LINE_BYTES_MAX, "the line is too long");
	int count = split_fields(&line, fields, scratch, fault);
	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		int column = find_column(file, fields[i].text, fields[i].length);

		if (column < 0)
			return fail(fault, fields[i].column, "not the name of a column");
		if ((seen & 1u << column) != 0)
			return fail(fault, fields[i].column, "this column is named twice");
		seen |= 1u << column;
		file->order[i] = column;
	}
	file->field_count = count;
	for (int i = 0; i < file->column_count; i++)
		if (file->columns[i].required && (seen & 1u << i) == 0)
			return fail(fault, 1, "a required column is missing");
	return 0;
}

static int map(struct csv_file *file)
{
	struct stat status;
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) != 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	file->length = (size_t)status.st_size;
	file->bytes = "";
	if (file->length > 0)
		file->bytes = mmap(NULL, file->length, PROT_READ, MAP_PRIVATE, fd, 0);
	int error = file->bytes == MAP_FAILED ? errno : 0;
	close(fd);
	if (error != 0) {
		file->bytes = NULL;
		return -error;
	}
	return 0;
}

int csv_open(struct csv_file *file, const char *path, const struct csv_column *columns, int count,
	struct csv_fault *fault)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t path_length = strlen(path);

	*fault = (struct csv_fault){0, NULL};
	memset(file, 0, sizeof(*file));
	file->path = path;
	file->columns = columns;
	file->column_count = count;
	file->is_json = path_length > 6 && strcmp(path + path_length - 6, ".jsonl") == 0;
	int result = map(file);
	if (result == 0) {
		/* Room for the mark of every line there could be, touched only as far as used. */
		file->marks = malloc((file->length / CSV_MARK_LINES + 2) * sizeof(*file->marks));
		if (file->marks == NULL)
			result = -ENOMEM;
	}
	if (result == 0 && file->length >= 3 && memcmp(file->bytes, mark, 3) == 0)
		file->at = 3;
	if (result == 0 && !file->is_json)
		result = read_header(file, fault);
	if (result != 0)
		csv_close(file);
	return result;
}

/* Let the file's bytes be these. */
static int lend(struct csv_file *file, const char *bytes, size_t length)
{
	free(file->marks);
	file->bytes = bytes;
	file->length = length;
	file->at = 0;
	file->line = 0;
	file->mark_count = 0;
	file->marks = malloc((length / CSV_MARK_LINES + 2) * sizeof(*file->marks));
	return file->marks != NULL ? 0 : -ENOMEM;
}

int csv_open_text(struct csv_file *file, const struct csv_text *text,
	const struct csv_column *columns, int count, struct csv_fault *fault)
{
	int result = 0;

	*fault = (struct csv_fault){0, NULL};
	memset(file, 0, sizeof(*file));
	file->path = "";
	file->columns = columns;
	file->column_count = count;
	file->is_json = text->is_json;
	file->is_borrowed = true;
	if (!text->is_json) {
		result = lend(file, text->header, text->header_length);
		if (result == 0)
			result = read_header(file, fault);
	}
	if (result == 0)
		result = lend(file, text->lines, text->length);
	if (result != 0)
		csv_close(file);
	return result;
}

void csv_close(struct csv_file *file)
{
	if (file->bytes != NULL && file->length > 0 && !file->is_borrowed)
		munmap((void *)(uintptr_t)file->bytes, file->length);
	free(file->marks);
	file->bytes = NULL;
	file->marks = NULL;
}

struct csv_line csv_line_at(const struct csv_file *file, uint64_t offset)
{
	const char *text = file->bytes + offset;
	const char *end = memchr(text, '\n', file->length - offset);
	size_t length = end != NULL ? (size_t)(end - text) : file->length - offset;

	if (length > 0 && text[length - 1] == '\r')
		length--;
	return (struct csv_line){.text = text, .length = length, .offset = offset};
}

bool csv_next(struct csv_file *file, struct csv_line *line)
{
	while (file->at < file->length && file->line < UINT32_MAX) {
		if (file->line % CSV_MARK_LINES == 0)
			file->marks[file->mark_count++] = file->at;
		*line = csv_line_at(file, file->at);
		line->number = ++file->line;
		file->at += line->length;
		file->at += file->at < file->length && file->bytes[file->at] == '\r';
		file->at++;
		if (line->length > 0)
			return true;
	}
	return false;
}

uint32_t csv_line_number(const struct csv_file *file, uint64_t offset)
{
	size_t low = 0;
	size_t high = file->mark_count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (file->marks[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	uint32_t number = (uint32_t)(low * CSV_MARK_LINES + 1);
	const char *at = file->bytes + file->marks[low];
	const char *end = file->bytes + offset;
	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		number++;
		at++;
	}
	return number;
}

uint64_t csv_line_offset(const struct csv_file *file, uint32_t number)
{
	const char *at = file->bytes + file->marks[(number - 1) / CSV_MARK_LINES];

	for (uint32_t i = (number - 1) % CSV_MARK_LINES; i > 0; i--)
		at = (const char *)memchr(at, '\n', file->length - (size_t)(at - file->bytes)) + 1;
	return (uint64_t)(at - file->bytes);
}

/* ---- JSON lines ---- */

struct json_text {
	const char *text;
	size_t length;
	size_t at;
	char *scratch; /* room for a line */
};

static void skip_blanks(struct json_text *json)
{
	while (json->at < json->length &&
		(json->text[json->at] == ' ' || json->text[json->at] == '\t'))
		json->at++;
}

static bool take(struct json_text *json, char byte)
{
	skip_blanks(json);
	if (json->at >= json->length || json->text[json->at] != byte)
		return false;
	json->at++;
	return true;
}

/* \uXXXX of the basic plane but surrogates and controls, as UTF-8. */
static bool take_code(struct json_text *json)
{
	unsigned code = 0;

	if (json->length - json->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = memchr(digits, json->text[json->at++], sizeof(digits) - 1);

		if (digit == NULL)
			return false;
		code = code << 4 | (unsigned)((digit - digits) & 15);
	}
	if (code < 0x20 || (code >= 0xd800 && code < 0xe000))
		return false;
	if (code < 0x80) {
		*json->scratch++ = (char)code;
	} else if (code < 0x800) {
		*json->scratch++ = (char)(0xc0 | code >> 6);
		*json->scratch++ = (char)(0x80 | (code & 0x3f));
	} else {
		*json->scratch++ = (char)(0xe0 | code >> 12);
		*json->scratch++ = (char)(0x80 | (code >> 6 & 0x3f));
		*json->scratch++ = (char)(0x80 | (code & 0x3f));
	}
	return true;
}

static bool take_escape(struct json_text *json)
{
	if (json->at >= json->length)
		return false;
	char byte = json->text[json->at++];
	if (byte == 'u')
		return take_code(json);
	if (byte != '"' && byte != '\\' && byte != '/')
		return false;
	*json->scratch++ = byte;
	return true;
}

/* A string, its opening quote taken; copied only when it has escapes. */
static bool take_string(struct json_text *json, struct csv_field *field)
{
	size_t begin = json->at;
	const char *copy = NULL;

	field->column = (uint32_t)begin;
	for (;;) {
		size_t from = json->at;

		while (json->at < json->length && json->text[json->at] != '"' &&
			json->text[json->at] != '\\')
			json->at++;
		if (json->at >= json->length)
			return false;
		if (json->text[json->at] == '\\' && copy == NULL) {
			copy = json->scratch;
			from = begin;
		}
		if (copy != NULL) {
			memcpy(json->scratch, json->text + from, json->at - from);
			json->scratch += json->at - from;
		}
		if (json->text[json->at++] == '"')
			break;
		if (!take_escape(json))
			return false;
	}
	field->text = copy != NULL ? copy : json->text + begin;
	field->length =
		(uint32_t)(copy != NULL ? (size_t)(json->scratch - copy) : json->at - 1 - begin);
	return true;
}

/* A string, a whole number, true, false, or null (an empty field). */
static bool take_value(struct json_text *json, struct csv_field *field)
{
	static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz";

	if (take(json, '"'))
		return take_string(json, field);
	field->text = json->text + json->at;
	field->column = (uint32_t)json->at + 1;
	field->length = 0;
	while (json->at < json->length &&
		memchr(plain, json->text[json->at], sizeof(plain) - 1) != NULL) {
		json->at++;
		field->length++;
	}
	if (field->length == 4 && memcmp(field->text, "null", 4) == 0) {
		field->length = 0;
		return true;
	}
	return field->length > 0;
}

static int split_json(const struct csv_file *file, const struct csv_line *line,
	struct csv_record *record, struct csv_fault *fault)
{
	struct json_text json = {line->text, line->length, 0, record->unescaped};
	struct csv_field name;
	uint32_t seen = 0;
	bool more = take(&json, '{') && !take(&json, '}');

	if (json.at == 0)
		return fail(fault, 1, "a line must be one JSON object");
	while (more) {
		if (!take(&json, '"') || !take_string(&json, &name) || !take(&json, ':'))
			return fail(fault, json.at + 1, "a name and a colon must stand here");
		int column = find_column(file, name.text, name.length);
		if (column < 0)
			return fail(fault, name.column, "not the name of a column");
		if ((seen & 1u << column) != 0)
			return fail(fault, name.column, "this column is named twice");
		seen |= 1u << column;
		if (!take_value(&json, &record->fields[column]))
			return fail(fault, json.at + 1,
				"a value must be a string without control characters, a whole "
				"number or null");
		more = take(&json, ',');
		if (!more && !take(&json, '}'))
			return fail(fault, json.at + 1, "a comma or } must follow a value");
	}
	skip_blanks(&json);
	return json.at == json.length ? 0
				      : fail(fault, json.at + 1, "nothing may follow the object");
}

int csv_split(const struct csv_file *file, const struct csv_line *line, struct csv_record *record,
	struct csv_fault *fault)
{
	struct csv_field fields[CSV_COLUMNS_MAX];

	if (line->length > CSV_LINE_BYTES_MAX)
		return fail(fault, CSV_LINE_BYTES_MAX, "the line is too long");
	for (int i = 0; i < file->column_count; i++)
		record->fields[i] = (struct csv_field){line->text, 0, 1};
	if (file->is_json)
		return split_json(file, line, record, fault);
	int count = split_fields(line, fields, record->unescaped, fault);
	if (count < 0)
		return count;
	if (count != file->field_count)
		return fail(fault, fields[count - 1].column,
			"the line must have as many fields as the first line");
	for (int i = 0; i < count; i++)
		record->fields[file->order[i]] = fields[i];
	return 0;
}

void csv_write(FILE *out, const char *text)
{
	if (strpbrk(text, ",\"") == NULL) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

void csv_write_json(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}
