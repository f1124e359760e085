/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorwayctl device, registration and appointment. import and export are those of every table
 * (motorwayctl_table.h). What is given in words becomes a line of CSV whose fields are all quoted,
 * so that one way leads into motorway-control.
 */
#include <stdlib.h>
#include <string.h>

#include "control/motorwayctl_command.h"
#include "control/motorwayctl_table.h"

#define LINE_SIZE 4096
#define NO_MEMORY "not UTF-8, or memory is short"

/* The line that the words became: a wrong field is told as it was given. */
static char line[LINE_SIZE];

static const char *put(json_t *request, const char *name, const char *text)
{
	return json_object_set_new(request, name, json_string(text)) == 0 ? NULL : NO_MEMORY;
}

/* "NAME=VALUE"; returns the value behind the name, or NULL. */
static const char *value_of(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* ---- words that become a row ---- */

struct row_text {
	char header[1024];
	size_t header_length;
	size_t length;
};

/* Add a field to the row. NULL, or what is wrong. */
static const char *add_field(
	struct row_text *row, const char *name, size_t name_length, const char *value)
{
	if (row->header_length + name_length + 2 > sizeof(row->header) ||
		row->length + 2 * strlen(value) + 4 > sizeof(line))
		return "too long a row";
	if (strpbrk(name, ",\"") != NULL && strcspn(name, ",\"") < name_length)
		return "not the name of a column";
	if (row->header_length > 0) {
		row->header[row->header_length++] = ',';
		line[row->length++] = ',';
	}
	memcpy(row->header + row->header_length, name, name_length);
	row->header_length += name_length;
	row->header[row->header_length] = '\0';
	line[row->length++] = '"';
	for (; *value != '\0'; value++) {
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return "control characters are not allowed";
		if (*value == '"')
			line[row->length++] = '"';
		line[row->length++] = *value;
	}
	line[row->length++] = '"';
	line[row->length] = '\0';
	return NULL;
}

/* Add the words COLUMN=VALUE. */
static const char *add_words(struct row_text *row, char *const *words, int count)
{
	for (int i = 0; i < count; i++) {
		const char *equals = strchr(words[i], '=');

		if (equals == NULL)
			return "a column is given as NAME=VALUE";
		const char *wrong =
			add_field(row, words[i], (size_t)(equals - words[i]), equals + 1);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

/* Add fields in the order of `names` (ended by NULL). */
static const char *add_fields(
	struct row_text *row, const char *const *names, char *const *words, int count)
{
	for (int i = 0; i < count; i++) {
		const char *wrong = add_field(row, names[i], strlen(names[i]), words[i]);

		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

static const char *put_row(json_t *request, const char *action, const struct row_text *row)
{
	const char *wrong = put(request, "action", action);

	if (wrong == NULL)
		wrong = put(request, "format", "csv");
	if (wrong == NULL)
		wrong = put(request, "header", row->header);
	if (wrong == NULL)
		wrong = put(request, "text", line);
	json_object_set_new(request, "header_line", json_integer(1));
	json_object_set_new(request, "line", json_integer(1));
	return wrong;
}

/* ---- list and show ---- */

static const char *read_list(char *const *words, int count, json_t *request)
{
	static const char *const names[] = {
		"after", "format", "provider", "mpxn", "uprn", "post_code"};

	json_object_set_new(request, "limit", json_integer(100));
	for (int i = 0; i < count; i++) {
		const char *limit = value_of(words[i], "limit");
		const char *value = NULL;

		if (limit != NULL) {
			json_object_set_new(request, "limit", json_integer(atoi(limit)));
			continue;
		}
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]) && value == NULL; k++) {
			value = value_of(words[i], names[k]);
			if (value != NULL && put(request, names[k], value) != NULL)
				return NO_MEMORY;
		}
		if (value == NULL)
			return "list takes limit=N, after=KEY, format=csv|jsonl and, for devices, "
			       "provider=NAME, mpxn=, uprn= or post_code=";
	}
	return put(request, "action", "list");
}

/* What all three tables have; *known tells whether it was one of them. */
static const char *read_common(char *const *words, int count, json_t *request, bool *known)
{
	*known = true;
	if (ctl_table_wanted(words, count))
		return ctl_table_read(words, count, request);
	if (count > 0 && strcmp(words[0], "list") == 0)
		return read_list(words + 1, count - 1, request);
	if (count > 0 && strcmp(words[0], "show") == 0) {
		if (count != 2)
			return "show takes one EUI-64 of a device, or one MPxN";
		const char *wrong = put(request, "id", words[1]);
		return wrong != NULL ? wrong : put(request, "action", "show");
	}
	*known = false;
	return NULL;
}

/* ---- the three commands ---- */

static const char *read_device(char *const *words, int count, json_t *request)
{
	struct row_text row = {0};
	bool known;
	const char *wrong = read_common(words, count, request, &known);

	if (known)
		return wrong;
	if (count == 2 && strcmp(words[0], "remove") == 0) {
		wrong = put(request, "id", words[1]);
		return wrong != NULL ? wrong : put(request, "action", "remove");
	}
	if (count < 2 || (strcmp(words[0], "add") != 0 && strcmp(words[0], "set") != 0))
		return "device takes show, list, add, set, remove, import or export";
	bool set = strcmp(words[0], "set") == 0;
	if (set)
		wrong = add_field(&row, "device_id", strlen("device_id"), words[1]);
	if (wrong == NULL)
		wrong = add_words(&row, words + 1 + set, count - 1 - set);
	return wrong != NULL ? wrong : put_row(request, words[0], &row);
}

static const char *read_registration(char *const *words, int count, json_t *request)
{
	static const char *const set_names[] = {"mpxn", "kind", "mpid", "from"};
	static const char *const end_names[] = {"mpxn", "from", "mpid"};
	struct row_text row = {0};
	bool known;
	const char *wrong = read_common(words, count, request, &known);

	if (known)
		return wrong;
	if (count == 5 && strcmp(words[0], "set") == 0) {
		wrong = add_fields(&row, set_names, words + 1, 4);
		return wrong != NULL ? wrong : put_row(request, "add", &row);
	}
	if ((count != 3 && count != 4) || strcmp(words[0], "end") != 0)
		return "registration takes show, list, set, end, import or export";
	wrong = add_field(&row, "kind", strlen("kind"), "end");
	if (wrong == NULL)
		wrong = add_fields(&row, end_names, words + 1, count - 1);
	if (wrong == NULL && count == 3)
		wrong = add_field(&row, "mpid", strlen("mpid"), "");
	return wrong != NULL ? wrong : put_row(request, "add", &row);
}

static const char *read_end(char *const *words, int count, json_t *request)
{
	static const char *const names[] = {"mpxn", "role", "etd"};
	const char *wrong = put(request, "action", "end");

	for (int i = 0; i < 3 && wrong == NULL; i++)
		wrong = put(request, names[i], words[i]);
	if (wrong != NULL || count == 3)
		return wrong;
	const char *first_day = value_of(words[3], "efd");
	return first_day != NULL ? put(request, "efd", first_day)
				 : "end takes MPXN ROLE ETD and perhaps efd=DATE";
}

static const char *read_appointment(char *const *words, int count, json_t *request)
{
	static const char *const names[] = {"mpxn", "role", "mpid", "efd", "etd"};
	struct row_text row = {0};
	bool known;
	const char *wrong = read_common(words, count, request, &known);

	if (known)
		return wrong;
	if ((count == 4 || count == 5) && strcmp(words[0], "end") == 0)
		return read_end(words + 1, count - 1, request);
	if (count < 5 || count > 7 || strcmp(words[0], "add") != 0)
		return "appointment takes show, list, add, end, import or export";
	const char *supplier = value_of(words[count - 1], "supplier");
	int fields = count - 1 - (supplier != NULL);
	if (fields < 4 || fields > 5)
		return "add takes MPXN ROLE MPID EFD, perhaps ETD, and perhaps supplier=MPID";
	wrong = add_fields(&row, names, words + 1, fields);
	if (wrong == NULL && fields == 4)
		wrong = add_field(&row, "etd", strlen("etd"), "");
	if (wrong == NULL && supplier != NULL)
		wrong = add_field(&row, "supplier", strlen("supplier"), supplier);
	return wrong != NULL ? wrong : put_row(request, "add", &row);
}

/* ---- for people ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static void print_row(FILE *out, const json_t *row)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)row, name, value)
	{
		fprintf(out, "  %-24s", name);
		ctl_print_text(out, json_string_value(value));
		fputc('\n', out);
	}
}

static void print_mpxn(FILE *out, const json_t *mpxn)
{
	size_t index;
	json_t *item;

	fprintf(out, "MPxN %s %s\n", text_of(mpxn, "mpxn"), text_of(mpxn, "use"));
	json_array_foreach(json_object_get(mpxn, "devices"), index, item) fprintf(
		out, "  device    %s %s\n", text_of(item, "device_id"), text_of(item, "use"));
	json_array_foreach(json_object_get(mpxn, "timeline"), index, item)
	{
		const char *from = text_of(item, "from");
		const char *to = text_of(item, "to");

		fprintf(out, "  %-9s %-8s from %s, %s %s\n", text_of(item, "is"),
			text_of(item, "mpid"), from[0] != '\0' ? from : "the beginning",
			to[0] != '\0' ? "until" : "open", to);
	}
}

static void print_show(FILE *out, const json_t *reply)
{
	const json_t *row = json_object_get(reply, "row");
	size_t index;
	json_t *item;

	if (row != NULL)
		print_row(out, row);
	json_array_foreach(json_object_get(reply, "rows"), index, item)
	{
		print_row(out, item);
		fputc('\n', out);
	}
	json_array_foreach(json_object_get(reply, "mpxns"), index, item) print_mpxn(out, item);
}

/* Say what is wrong with the row that the words were. */
static void print_faults(const json_t *faults)
{
	size_t index;
	json_t *fault;

	json_array_foreach((json_t *)faults, index, fault)
	{
		json_int_t column = json_integer_value(json_object_get(fault, "column"));
		const char *field = "";
		size_t length = 0;

		if (column >= 1 && (size_t)column < strlen(line) && line[column - 1] == '"') {
			field = line + column;
			length = strcspn(field, "\"");
		}
		fprintf(stderr, "motorwayctl: %.*s%s%s\n", (int)length, field,
			length > 0 ? ": " : "", text_of(fault, "rule"));
	}
}

static void print_reply(FILE *out, const json_t *reply)
{
	const json_t *text = json_object_get(reply, "text");

	if (text != NULL) {
		fwrite(json_string_value(text), 1, json_string_length(text), out);
		if (json_object_get(reply, "after") != NULL)
			fprintf(stderr, "motorwayctl: there may be more: after=%s\n",
				text_of(reply, "after"));
		return;
	}
	if (json_object_get(reply, "mpxns") != NULL) {
		print_show(out, reply);
		return;
	}
	if (json_array_size(json_object_get(reply, "faults")) > 0) {
		print_faults(json_object_get(reply, "faults"));
		return;
	}
	const json_t *written = json_object_get(reply, "written");
	bool nothing = written != NULL && json_integer_value(written) == 0;
	fputs(nothing ? "nothing to do: it is so already\n" : "done\n", out);
}

static int status_of(const json_t *reply)
{
	return json_integer_value(json_object_get(reply, "wrong")) > 0 ? 1 : 0;
}

const struct ctl_command ctl_device = {
	.name = "device",
	.usage = "  device show EUI | list [limit=N] [after=EUI] [provider=NAME]\n"
		 "                       [mpxn=N | uprn=N | post_code=TEXT]\n"
		 "  device add COLUMN=VALUE ... | set EUI COLUMN=VALUE ... | remove EUI\n"
		 "  device import|export FILE|-\n",
	.read = read_device,
	.print = print_reply,
	.status = status_of,
};

const struct ctl_command ctl_registration = {
	.name = "registration",
	.usage = "  registration show MPXN | list [limit=N] [after=MPXN]\n"
		 "  registration set MPXN supplier|network MPID FROM\n"
		 "  registration end MPXN FROM [MPID]\n"
		 "  registration import|export FILE|-\n",
	.read = read_registration,
	.print = print_reply,
	.status = status_of,
};

const struct ctl_command ctl_appointment = {
	.name = "appointment",
	.usage = "  appointment show MPXN | list [limit=N] [after=MPXN]\n"
		 "  appointment add MPXN MDR|SNA|supplier MPID EFD [ETD] [supplier=MPID]\n"
		 "  appointment end MPXN MDR|SNA|supplier ETD [efd=DATE]\n"
		 "  appointment import|export FILE|-\n",
	.read = read_appointment,
	.print = print_reply,
	.status = status_of,
};
