/* SPDX-License-Identifier: Apache-2.0 */
#include "control/motorwayctl_print.h"

#include <stdbool.h>
#include <string.h>

#include "control/motorwayctl_command.h"

#define NAME_COLUMNS 34
#define DEPTH_MAX 4

void ctl_print_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

void ctl_print_padded(FILE *out, const char *text, int columns)
{
	ctl_print_text(out, text);
	for (int used = (int)strlen(text); used < columns; used++)
		fputc(' ', out);
}

void ctl_print_column(FILE *out, const json_t *row, const char *name, int columns)
{
	const char *text = json_string_value(json_object_get(row, name));

	ctl_print_padded(out, text != NULL ? text : "-", columns);
}

static void print_value(FILE *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		ctl_print_text(out, json_string_value(value));
		break;
	case JSON_INTEGER:
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		fprintf(out, "%.1f", json_real_value(value));
		break;
	case JSON_TRUE:
		fputs("yes", out);
		break;
	case JSON_FALSE:
		fputs("no", out);
		break;
	default:
		fputs("-", out);
		break;
	}
}

static void print_indent(FILE *out, unsigned depth)
{
	fprintf(out, "%*s", (int)depth * 2, "");
}

static void print_member(FILE *out, const char *name, const json_t *value, unsigned depth);

/* One line of name=value pairs when an object holds single values only. */
static bool is_flat(const json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name,
		value) if (json_is_object(value) || json_is_array(value)) return false;
	return true;
}

static void print_pairs(FILE *out, const json_t *object)
{
	const char *name;
	json_t *value;
	const char *separator = "";

	json_object_foreach((json_t *)object, name, value)
	{
		fputs(separator, out);
		ctl_print_text(out, name);
		fputc(' ', out);
		print_value(out, value);
		separator = ", ";
	}
}

static void print_list(FILE *out, const char *name, const json_t *list, unsigned depth)
{
	size_t index;
	json_t *value;

	json_array_foreach((json_t *)list, index, value)
	{
		print_indent(out, depth);
		ctl_print_text(out, name);
		fputs(": ", out);
		if (json_is_object(value))
			print_pairs(out, value);
		else
			print_value(out, value);
		fputc('\n', out);
	}
}

static void print_members(FILE *out, const json_t *object, unsigned depth)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value) print_member(out, name, value, depth);
}

static void print_member(FILE *out, const char *name, const json_t *value, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return;
	if (json_is_array(value)) {
		print_list(out, name, value, depth);
		return;
	}
	print_indent(out, depth);
	ctl_print_text(out, name);
	if (json_is_object(value)) {
		fputs(json_object_size(value) == 0 ? ": none\n" : ":\n", out);
		print_members(out, value, depth + 1);
		return;
	}
	int columns = NAME_COLUMNS - (int)strlen(name) - (int)depth * 2;
	fprintf(out, "%*s", columns > 1 ? columns : 1, "");
	print_value(out, value);
	fputc('\n', out);
}

static void print_lanes(FILE *out, const json_t *lanes)
{
	const char *name;
	json_t *lane;

	if (!json_is_object(lanes))
		return;
	fputs("  lanes:\n", out);
	json_object_foreach((json_t *)lanes, name, lane)
	{
		fprintf(out, "    %-12.64s", name);
		if (json_is_object(lane) && is_flat(lane))
			print_pairs(out, lane);
		fputc('\n', out);
	}
}

static void print_process(FILE *out, const char *title, const json_t *process)
{
	const char *name;
	json_t *value;

	fprintf(out, "%s\n", title);
	json_object_foreach((json_t *)process, name, value)
	{
		if (strcmp(name, "process") == 0)
			continue;
		if (strcmp(name, "lanes") == 0)
			print_lanes(out, value);
		else
			print_member(out, name, value, 1);
	}
}

void status_print(FILE *out, const json_t *reply)
{
	const json_t *control = json_object_get(reply, "control");
	const json_t *data_plane = json_object_get(reply, "data_plane");
	const char *missing = json_string_value(json_object_get(reply, "data_plane_missing"));

	if (json_is_object(control))
		print_process(out, "motorway-control", control);
	if (json_is_object(data_plane)) {
		print_process(out, "motorway", data_plane);
	} else {
		fputs("motorway\n  not available: ", out);
		ctl_print_text(out, missing != NULL ? missing : "no status");
		fputc('\n', out);
	}
}
