/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorwayctl feed: the registration feed (doc/feed.md) by hand; and provider-extract, which is an
 * export like others. A file of messages goes to motorway-control in blocks of whole lines; a line
 * that JSON cannot carry (no UTF-8, a NUL) goes alone, in hexadecimal digits, so that
 * motorway-control itself judges it and sets it aside.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/motorwayctl_command.h"
#include "control/motorwayctl_table.h"

#define BLOCK_BYTES_MAX (128u * 1024) /* as JSON at most 768 KiB of a command's 1 MiB */
#define BLOCK_LINES_MAX 1000
#define LINE_BYTES_MAX 100000u /* longer ones are cut: they are too large in any case */
#define AFTER_SIZE 256

struct import {
	struct ctl_link *link;
	const char *path; /* for people */
	FILE *file;
	bool quiet; /* set-aside messages are not told one by one */
	char *line;
	size_t room;
	uint32_t line_number;
	uint32_t first_line;
	uint32_t lines;
	size_t length;
	char block[BLOCK_BYTES_MAX];
	char hex[2 * LINE_BYTES_MAX + 1];
	json_int_t applied, duplicates, set_aside;
};

static json_int_t number_of(const json_t *reply, const char *name)
{
	return json_integer_value(json_object_get(reply, name));
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static void print_set_aside(const char *path, const json_t *outcomes)
{
	size_t index;
	json_t *outcome;

	json_array_foreach((json_t *)outcomes, index, outcome)
	{
		if (strcmp(text_of(outcome, "result"), "set-aside") != 0)
			continue;
		if (path != NULL)
			fprintf(stderr, "%s:%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT ": ",
				path, number_of(outcome, "line"), number_of(outcome, "column"));
		ctl_print_text(stderr, text_of(outcome, "id"));
		fprintf(stderr, ": set aside: %s: %s ", text_of(outcome, "rule"),
			text_of(outcome, "meaning"));
		ctl_print_text(stderr, text_of(outcome, "pointer"));
		fputc('\n', stderr);
	}
}

/* Send a request and add up what became of its messages. 0, or -1: told. */
static int send_request(struct import *import, json_t *request)
{
	json_t *reply = ctl_link_ask(import->link, request);
	bool good = json_is_true(json_object_get(reply, "ok"));

	json_decref(request);
	if (reply != NULL && !good)
		ctl_link_refused(reply);
	if (good) {
		import->applied += number_of(reply, "applied");
		import->duplicates += number_of(reply, "duplicates");
		import->set_aside += number_of(reply, "set_aside");
		if (!import->quiet)
			print_set_aside(import->path, json_object_get(reply, "outcomes"));
	}
	json_decref(reply);
	return good ? 0 : -1;
}

/* Send the lines that are gathered. 0 or -1. */
static int send_block(struct import *import)
{
	if (import->length == 0)
		return 0;
	json_t *request = json_pack("{s:s, s:s, s:s#, s:I}", "command", "feed", "action", "import",
		"text", import->block, (int)import->length, "line", (json_int_t)import->first_line);
	import->length = 0;
	import->lines = 0;
	return request != NULL ? send_request(import, request) : -1;
}

static int send_hex(struct import *import, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		import->hex[2 * i] = digits[(unsigned char)import->line[i] >> 4];
		import->hex[2 * i + 1] = digits[import->line[i] & 15];
	}
	import->hex[2 * length] = '\0';
	json_t *request = json_pack("{s:s, s:s, s:s, s:I}", "command", "feed", "action", "import",
		"hex", import->hex, "line", (json_int_t)import->line_number);
	return request != NULL ? send_request(import, request) : -1;
}

static int take_line(struct import *import, size_t length)
{
	if (length > LINE_BYTES_MAX)
		length = LINE_BYTES_MAX;
	json_t *text = memchr(import->line, '\0', length) == NULL
			       ? json_stringn(import->line, length)
			       : NULL;
	bool plain = text != NULL;

	json_decref(text);
	if (import->lines == BLOCK_LINES_MAX || !plain ||
		import->length + length + 1 > sizeof(import->block))
		if (send_block(import) != 0)
			return -1;
	if (!plain)
		return send_hex(import, length);
	if (import->lines++ == 0)
		import->first_line = import->line_number;
	memcpy(import->block + import->length, import->line, length);
	import->length += length;
	/* One that was cut, or is the last, has none. */
	if (import->block[import->length - 1] != '\n')
		import->block[import->length++] = '\n';
	return 0;
}

static int send_file(struct import *import)
{
	ssize_t length;

	while ((length = getline(&import->line, &import->room, import->file)) > 0) {
		import->line_number++;
		if (take_line(import, (size_t)length) != 0)
			return -1;
	}
	if (ferror(import->file)) {
		fprintf(stderr, "motorwayctl: %s: %s\n", import->path, strerror(errno));
		return -1;
	}
	return send_block(import);
}

static int print_sums(const struct import *import, int result, bool json)
{
	static const char plain[] = "%" JSON_INTEGER_FORMAT " applied, %" JSON_INTEGER_FORMAT
				    " duplicates, %" JSON_INTEGER_FORMAT " set aside\n";
	static const char object[] = "{\"ok\":%s,\"applied\":%" JSON_INTEGER_FORMAT
				     ",\"duplicates\":%" JSON_INTEGER_FORMAT
				     ",\"set_aside\":%" JSON_INTEGER_FORMAT "}\n";

	if (json)
		printf(object, result == 0 ? "true" : "false", import->applied, import->duplicates,
			import->set_aside);
	else
		printf(plain, import->applied, import->duplicates, import->set_aside);
	if (result != 0)
		fputs("motorwayctl: the rest was not taken; to import the file again is safe\n",
			stderr);
	return fflush(stdout) == 0 && result == 0 && import->set_aside == 0 ? 0 : 1;
}

static int run_import(struct ctl_link *link, const char *path, bool json)
{
	bool is_input = strcmp(path, "-") == 0;
	struct import *import = calloc(1, sizeof(*import));
	FILE *file = is_input ? stdin : fopen(path, "re");

	if (import == NULL || file == NULL) {
		fprintf(stderr, "motorwayctl: %s: %s\n", path, strerror(errno));
		free(import);
		return 1;
	}
	import->link = link;
	import->path = is_input ? "standard input" : path;
	import->file = file;
	int status = print_sums(import, send_file(import), json);
	if (!is_input)
		fclose(file);
	free(import->line);
	free(import);
	return status;
}

/* Do `action` with the next page of what was set aside. after[256]: where it begins, "" the first
 * one; becomes that of the next one, "" when there is none. The reply, or NULL: told. */
static json_t *ask_page(struct ctl_link *link, const char *action, char *after)
{
	json_t *request = json_pack("{s:s, s:s}", "command", "feed", "action", action);

	if (after[0] != '\0')
		json_object_set_new(request, "after", json_string(after));
	json_t *reply = ctl_link_ask(link, request);
	json_decref(request);
	if (reply != NULL && !json_is_true(json_object_get(reply, "ok"))) {
		ctl_link_refused(reply);
		json_decref(reply);
		reply = NULL;
	}
	snprintf(after, AFTER_SIZE, "%s", text_of(reply, "after"));
	return reply;
}

static int run_retry_all(struct ctl_link *link, bool json)
{
	struct import *import = calloc(1, sizeof(*import));
	char after[AFTER_SIZE] = "";
	int result;

	if (import == NULL)
		return 1;
	do {
		json_t *reply = ask_page(link, "retry", after);

		result = reply != NULL ? 0 : -1;
		import->applied += number_of(reply, "applied");
		import->duplicates += number_of(reply, "duplicates");
		import->set_aside += number_of(reply, "set_aside");
		print_set_aside(NULL, json_object_get(reply, "outcomes"));
		json_decref(reply);
	} while (after[0] != '\0');
	int status = print_sums(import, result, json);
	free(import);
	return status;
}

static int run_drop_all(struct ctl_link *link, bool json)
{
	char after[AFTER_SIZE] = "";
	json_int_t dropped = 0;
	bool good;

	do {
		json_t *reply = ask_page(link, "drop", after);

		good = reply != NULL;
		dropped += number_of(reply, "dropped");
		json_decref(reply);
	} while (after[0] != '\0');
	if (json)
		printf("{\"ok\":%s,\"dropped\":%" JSON_INTEGER_FORMAT "}\n",
			good ? "true" : "false", dropped);
	else
		printf("%" JSON_INTEGER_FORMAT " dropped\n", dropped);
	return good && fflush(stdout) == 0 ? 0 : 1;
}

static int run(struct ctl_link *link, json_t *request, bool json)
{
	const char *action = text_of(request, "action");

	if (strcmp(action, "import") == 0)
		return run_import(link, text_of(request, "file"), json);
	if (strcmp(action, "retry") == 0 && json_object_get(request, "id") == NULL)
		return run_retry_all(link, json);
	if (strcmp(action, "drop") == 0 && json_object_get(request, "id") == NULL)
		return run_drop_all(link, json);
	return -1;
}

/* ---- words ---- */

static const char *put(json_t *request, const char *name, const char *text)
{
	return json_object_set_new(request, name, json_string(text)) == 0
		       ? NULL
		       : "not UTF-8, or memory is short";
}

static const char *read_words(char *const *words, int count, json_t *request)
{
	static const struct {
		const char *action;
		int words_min, words_max;
		const char *name; /* of the second word in the request */
	} rows[] = {
		{"import", 2, 2, "file"},
		{"list", 1, 2, "after"},
		{"show", 2, 2, "id"},
		{"retry", 2, 2, "id"},
		{"drop", 2, 2, "id"},
		{"status", 1, 1, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && count > 0; i++) {
		if (strcmp(words[0], rows[i].action) != 0)
			continue;
		if (count < rows[i].words_min || count > rows[i].words_max)
			break;
		const char *wrong = put(request, "action", words[0]);
		bool all = (i == 3 || i == 4) && strcmp(words[1], "all") == 0;
		if (wrong == NULL && count == 2 && !all)
			wrong = put(request, rows[i].name, words[1]);
		return wrong;
	}
	return "feed takes import FILE, list [ID], show ID, retry ID|all, drop ID|all, or status";
}

static const char *read_extract(char *const *words, int count, json_t *request)
{
	char export[] = "export";
	char *const export_words[2] = {export, count == 2 ? words[1] : export};

	if (count != 2)
		return "provider-extract takes the name of a provider, and a file or -";
	const char *wrong = put(request, "provider", words[0]);
	return wrong != NULL ? wrong : ctl_table_read(export_words, 2, request);
}

/* ---- for people ---- */

static void print_message(FILE *out, const json_t *message)
{
	ctl_print_text(out, text_of(message, "id"));
	fprintf(out, "  %s  %s: %s (%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT " ",
		text_of(message, "received"), text_of(message, "rule"), text_of(message, "meaning"),
		number_of(message, "line"), number_of(message, "column"));
	ctl_print_text(out, text_of(message, "pointer"));
	fputs(")\n", out);
}

static void print_status(FILE *out, const json_t *feed)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)feed, name, value)
		fprintf(out, "%-22s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
}

static void print_reply(FILE *out, const json_t *reply)
{
	size_t index;
	json_t *message = json_object_get(reply, "message");

	if (json_object_get(reply, "feed") != NULL) {
		print_status(out, json_object_get(reply, "feed"));
	} else if (message != NULL) {
		print_message(out, message);
		ctl_print_text(out, text_of(reply, "text"));
		fputc('\n', out);
	} else if (json_object_get(reply, "messages") != NULL) {
		json_array_foreach(json_object_get(reply, "messages"), index, message)
			print_message(out, message);
		if (json_object_get(reply, "after") != NULL) {
			fputs("there may be more, behind ", out);
			ctl_print_text(out, text_of(reply, "after"));
			fputc('\n', out);
		}
	} else if (json_object_get(reply, "outcomes") != NULL) {
		print_set_aside(NULL, json_object_get(reply, "outcomes"));
		fprintf(out,
			"%" JSON_INTEGER_FORMAT " applied, %" JSON_INTEGER_FORMAT
			" duplicates, %" JSON_INTEGER_FORMAT " set aside\n",
			number_of(reply, "applied"), number_of(reply, "duplicates"),
			number_of(reply, "set_aside"));
	} else {
		fputs("done\n", out);
	}
}

static int status_of(const json_t *reply)
{
	return number_of(reply, "set_aside") > 0 ? 1 : 0;
}

const struct ctl_command ctl_feed = {
	.name = "feed",
	.usage = "  feed import FILE|- | status\n"
		 "  feed list [ID] | show ID | retry ID|all | drop ID|all\n"
		 "          messages of the registration feed that were set aside\n",
	.read = read_words,
	.print = print_reply,
	.status = status_of,
	.run = run,
};

const struct ctl_command ctl_provider_extract = {
	.name = "provider-extract",
	.usage = "  provider-extract NAME FILE|-\n"
		 "          which retriever is appointed to which MPAN of this S1SP\n",
	.read = read_extract,
	.print = print_reply,
};
