/* SPDX-License-Identifier: Apache-2.0 */
#include "control/motorwayctl_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/motorwayctl_command.h"
#include "control/table_chunk.h"
#include "control/whole_file.h"

#define PATH_SIZE 4096

bool ctl_table_wanted(char *const *words, int count)
{
	return count > 0 && (strcmp(words[0], "import") == 0 || strcmp(words[0], "export") == 0);
}

const char *ctl_table_read(char *const *words, int count, json_t *request)
{
	if (count != 2 || words[1][0] == '\0' || strlen(words[1]) >= PATH_SIZE - 8)
		return "import and export take one file, or - for standard input or output";
	if (json_object_set_new(request, "action", json_string(words[0])) != 0 ||
		json_object_set_new(request, "path", json_string(words[1])) != 0)
		return "not UTF-8, or memory is short";
	return NULL;
}

static int fail(const char *path, const char *text)
{
	fprintf(stderr, "motorwayctl: %s: %s\n", path, text);
	return 1;
}

/* ---- import ---- */

struct import {
	struct ctl_link *link;
	json_t *request;
	const char *path; /* for people */
	FILE *file;
	char *line; /* of getline() */
	size_t room;
	uint32_t line_number;
	char chunk[TABLE_CHUNK_BYTES_MAX];
	size_t length;
	uint32_t first_line;
	bool is_csv;
	bool has_header;
	bool check;
	uint64_t rows, written, unchanged, wrong;
	bool unanswered;     /* nobody knows what became of the last chunk */
	uint64_t overruled;  /* of tables in which something told later stays as it is */
	uint32_t done_lines; /* everything before this line is in motorway-control for good */
};

static int wrong_line(struct import *import, size_t column, const char *rule)
{
	fprintf(stderr, "%s:%" PRIu32 ":%zu: %s\n", import->path, import->line_number, column,
		rule);
	import->wrong++;
	return -1;
}

/* Look at a line as far as it concerns the way to motorway-control. */
static int check_line(struct import *import, size_t length)
{
	const char *line = import->line;

	if (length > CSV_LINE_BYTES_MAX)
		return wrong_line(import, CSV_LINE_BYTES_MAX, "the line is too long");
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)line[i];
		bool is_end = byte == '\n' || (byte == '\r' && i + 2 >= length);

		if ((byte < 0x20 && byte != '\t' && !is_end) || byte == 0x7f)
			return wrong_line(import, i + 1, "control characters are not allowed");
	}
	json_t *text = json_stringn(line, length);
	json_decref(text);
	return text != NULL ? 0 : wrong_line(import, 1, "the line is not UTF-8");
}

/* The line that names the columns, and is empty or the first: 1 when the line was taken for it. */
static int take_header(struct import *import, size_t length)
{
	const char *line = import->line;

	if (import->line_number == 1 && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		length -= 3;
	}
	while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
		length--;
	if (length == 0)
		return 1;
	json_object_set_new(import->request, "header", json_stringn(line, length));
	json_object_set_new(import->request, "header_line", json_integer(import->line_number));
	import->has_header = true;
	import->first_line = import->line_number + 1;
	return 1;
}

static uint64_t count_of(const json_t *reply, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(reply, name));
}

/* Add up what a reply says. 0, or -1: lines are wrong, and told. */
static int take_outcome(struct import *import, const json_t *reply)
{
	uint64_t wrong = count_of(reply, "wrong");
	size_t index;
	json_t *fault;

	import->rows += count_of(reply, "rows");
	import->written += count_of(reply, "written");
	import->unchanged += count_of(reply, "unchanged");
	import->overruled += count_of(reply, "overruled");
	import->wrong += wrong;
	json_array_foreach(json_object_get(reply, "faults"), index, fault)
	{
		fprintf(stderr, "%s:%" PRIu64 ":%" PRIu64 ": ", import->path,
			count_of(fault, "line"), count_of(fault, "column"));
		ctl_print_text(stderr, json_string_value(json_object_get(fault, "rule")));
		fputc('\n', stderr);
	}
	if (wrong == 0) {
		import->done_lines = import->line_number;
		return 0;
	}
	if (wrong > json_array_size(json_object_get(reply, "faults")))
		fprintf(stderr, "%s: %" PRIu64 " lines are wrong; the first are shown\n",
			import->path, wrong);
	/* A look goes on; what changes something stops at the first part that cannot be done. */
	return import->check ? 0 : -1;
}

/* Send what is gathered. 0, or -1: told. */
static int send_chunk(struct import *import, bool last)
{
	json_object_set_new(import->request, "line", json_integer(import->first_line));
	json_object_set_new(import->request, "text", json_stringn(import->chunk, import->length));
	if (last)
		json_object_set_new(import->request, "last", json_true());
	json_t *reply = ctl_link_ask(import->link, import->request);
	import->unanswered = reply == NULL;
	if (reply == NULL)
		return -1;
	int result = -1;
	json_t *token = json_object_get(reply, "import");
	if (!json_is_true(json_object_get(reply, "ok"))) {
		ctl_link_refused(reply);
	} else if (token != NULL) {
		json_object_set(import->request, "import", token);
		result = 0;
	} else {
		result = take_outcome(import, reply);
	}
	json_decref(reply);
	import->length = 0;
	return result;
}

/* Send the whole file. 0, or -1: told. */
static int send_lines(struct import *import)
{
	ssize_t length;

	while ((length = getline(&import->line, &import->room, import->file)) > 0) {
		import->line_number++;
		if (check_line(import, (size_t)length) != 0)
			return -1;
		if (import->is_csv && !import->has_header) {
			take_header(import, (size_t)length);
			continue;
		}
		if (import->length + (size_t)length > sizeof(import->chunk)) {
			import->line_number--;
			if (send_chunk(import, false) != 0)
				return -1;
			import->first_line = ++import->line_number;
		}
		if (import->first_line == 0)
			import->first_line = import->line_number;
		memcpy(import->chunk + import->length, import->line, (size_t)length);
		import->length += (size_t)length;
	}
	if (ferror(import->file)) {
		fail(import->path, strerror(errno));
		return -1;
	}
	if (import->first_line == 0)
		import->first_line = 1;
	if (import->is_csv && !import->has_header) {
		fail(import->path, "the first line must name the columns");
		return -1;
	}
	return send_chunk(import, true);
}

static int end_import(const struct import *import, int result, bool json)
{
	bool good = result == 0 && import->wrong == 0;

	if (!good && !import->check && import->unanswered)
		fprintf(stderr,
			"motorwayctl: %s: the lines up to %" PRIu32
			" are imported, of those behind it some may be; to import the file again "
			"is safe\n",
			import->path, import->done_lines);
	else if (!good && !import->check && import->rows > 0 && import->done_lines > 0)
		fprintf(stderr,
			"motorwayctl: %s: the lines up to %" PRIu32
			" are imported, the ones behind it are not\n",
			import->path, import->done_lines);
	else if (!good && !import->check)
		fprintf(stderr, "motorwayctl: %s: nothing was imported\n", import->path);
	if (json)
		printf("{\"ok\":%s,\"rows\":%" PRIu64 ",\"written\":%" PRIu64
		       ",\"unchanged\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"check\":%s}\n",
			good ? "true" : "false", import->rows, import->written, import->unchanged,
			import->wrong, import->check ? "true" : "false");
	else if (good)
		printf("%" PRIu64 " rows: %" PRIu64 " %swritten, %" PRIu64 " unchanged\n",
			import->rows, import->written, import->check ? "would be " : "",
			import->unchanged);
	if (import->overruled > 0)
		fprintf(stderr,
			"motorwayctl: %s: %" PRIu64
			" rows change nothing: something else was told later of the same\n",
			import->path, import->overruled);
	return good && fflush(stdout) == 0 ? 0 : 1;
}

static int run_import(struct ctl_link *link, json_t *request, const char *path, bool json)
{
	struct import *import = calloc(1, sizeof(*import));
	bool is_input = strcmp(path, "-") == 0;
	enum table_format format = TABLE_CSV;

	if (import == NULL)
		return fail(path, "memory is short");
	import->link = link;
	import->request = request;
	import->path = is_input ? "standard input" : path;
	import->file = is_input ? stdin : fopen(path, "re");
	import->check = json_is_true(json_object_get(request, "check"));
	if (import->file == NULL) {
		free(import);
		return fail(path, strerror(errno));
	}
	table_chunk_format(request, &format);
	import->is_csv = format == TABLE_CSV;
	int status = end_import(import, send_lines(import), json);
	if (!is_input)
		fclose(import->file);
	free(import->line);
	free(import);
	return status;
}

/* ---- export ---- */

/* Write what comes to `out`. 0, -errno, or 1: told. */
static int receive_lines(struct ctl_link *link, json_t *request, FILE *out)
{
	for (;;) {
		json_t *reply = ctl_link_ask(link, request);
		json_t *text = json_object_get(reply, "text");
		json_t *after = json_object_get(reply, "after");
		bool good = json_is_true(json_object_get(reply, "ok")) && json_is_string(text);
		bool more = after != NULL;
		int result = good ? 0 : 1;

		if (reply != NULL && !good)
			ctl_link_refused(reply);
		if (good && fwrite(json_string_value(text), 1, json_string_length(text), out) !=
				    json_string_length(text))
			result = -errno;
		if (good && more)
			json_object_set(request, "after", after);
		json_decref(reply);
		if (result != 0 || !more)
			return result;
	}
}

static int run_export(struct ctl_link *link, json_t *request, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "standard output" : path;
	struct whole_file whole;
	int result = whole_file_open(&whole, path);

	if (result != 0)
		return fail(name, strerror(-result));
	int received = receive_lines(link, request, whole.file);
	result = whole_file_close(&whole, received > 0 ? -ECANCELED : received);
	if (received <= 0 && result != 0)
		fail(name, strerror(-result));
	return result != 0 ? 1 : 0;
}

int ctl_table_run(struct ctl_link *link, json_t *request, bool json)
{
	json_t *value = json_incref(json_object_get(request, "path"));
	const char *path = json_string_value(value);
	const char *action = json_string_value(json_object_get(request, "action"));

	json_object_del(request, "path");
	if (json_object_get(request, "format") == NULL)
		json_object_set_new(
			request, "format", json_string(table_format_name(table_format_of(path))));
	int status = strcmp(action, "import") == 0 ? run_import(link, request, path, json)
						   : run_export(link, request, path);
	json_decref(value);
	return status;
}
