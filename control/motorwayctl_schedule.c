/* SPDX-License-Identifier: Apache-2.0 */
/* motorwayctl schedule list|show|remove (doc/schedules.md, doc/alerts.md). */
#include <string.h>

#include "control/motorwayctl_command.h"

static const char short_of[] = "not UTF-8, or memory is short";

/* `user EUI`, `device EUI`, `after ID`, each once. */
static const char *read_list(char *const *words, int count, json_t *request)
{
	for (int i = 0; i < count; i += 2) {
		if ((strcmp(words[i], "user") != 0 && strcmp(words[i], "device") != 0 &&
			    strcmp(words[i], "after") != 0) ||
			i + 1 == count || json_object_get(request, words[i]) != NULL)
			return "schedule list takes user EUI, device EUI, after ID, each once";
		if (json_object_set_new(request, words[i], json_string(words[i + 1])) != 0)
			return short_of;
	}
	return NULL;
}

static const char *read_remove(char *const *words, int count, json_t *request)
{
	if (count < 2)
		return "schedule remove takes a cause (mdra, supplier, device, network, user) and "
		       "DSPScheduleIDs";
	json_t *ids = json_array();
	for (int i = 1; i < count; i++)
		if (json_array_append_new(ids, json_string(words[i])) != 0) {
			json_decref(ids);
			return short_of;
		}
	json_object_set_new(request, "ids", ids);
	return json_object_set_new(request, "cause", json_string(words[0])) == 0 ? NULL : short_of;
}

static const char *read_words(char *const *words, int count, json_t *request)
{
	if (count == 0)
		return "schedule takes list, show or remove";
	if (json_object_set_new(request, "action", json_string(words[0])) != 0)
		return short_of;
	if (strcmp(words[0], "list") == 0)
		return read_list(words + 1, count - 1, request);
	if (strcmp(words[0], "remove") == 0)
		return read_remove(words + 1, count - 1, request);
	if (strcmp(words[0], "show") != 0)
		return "schedule takes list, show or remove";
	if (count != 2)
		return "schedule show takes one DSPScheduleID";
	return json_object_set_new(request, "id", json_string(words[1])) == 0 ? NULL : short_of;
}

static int status_of(const json_t *reply)
{
	return json_array_size(json_object_get(reply, "unknown")) > 0 ? 1 : 0;
}

static void print_list(FILE *out, const json_t *reply)
{
	size_t index;
	json_t *row;

	json_array_foreach(json_object_get(reply, "schedules"), index, row)
	{
		ctl_print_column(out, row, "id", 14);
		ctl_print_column(out, row, "user", 25);
		ctl_print_column(out, row, "device", 25);
		ctl_print_column(out, row, "srv", 8);
		ctl_print_column(out, row, "next_run", 0);
		if (json_object_get(row, "removal") != NULL) {
			fputs(json_is_true(json_object_get(row, "last_run")) ? "  last run, ended "
									     : "  ends ",
				out);
			ctl_print_column(out, row, "removal", 0);
			fputs(" (", out);
			ctl_print_column(out, row, "removal_cause", 0);
			fputc(')', out);
		}
		fputc('\n', out);
	}
	ctl_print_column(out, reply, "count", 0);
	fputs(" schedules in all", out);
	if (json_is_true(json_object_get(reply, "more"))) {
		fputs("; there may be more than shown: go on with after ", out);
		ctl_print_column(out, reply, "last", 0);
	}
	fputc('\n', out);
}

static void print_schedule(FILE *out, const json_t *schedule)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)schedule, name, value)
	{
		fprintf(out, "%-16s ", name);
		if (json_is_string(value))
			ctl_print_text(out, json_string_value(value));
		else if (json_is_integer(value))
			fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else
			fputs(json_is_true(value) ? "yes" : "no", out);
		fputc('\n', out);
	}
}

static void print_removed(FILE *out, const json_t *reply)
{
	size_t index;
	json_t *value;

	fprintf(out, "%" JSON_INTEGER_FORMAT " schedules were removed\n",
		json_integer_value(json_object_get(reply, "removed")));
	json_array_foreach(json_object_get(reply, "unknown"), index, value)
	{
		fputs("no schedule: ", out);
		ctl_print_text(out, json_is_string(value) ? json_string_value(value) : "-");
		fputc('\n', out);
	}
}

static void print_reply(FILE *out, const json_t *reply)
{
	const json_t *schedule = json_object_get(reply, "schedule");

	if (schedule != NULL)
		print_schedule(out, schedule);
	else if (json_object_get(reply, "schedules") != NULL)
		print_list(out, reply);
	else
		print_removed(out, reply);
}

const struct ctl_command ctl_schedule = {
	.name = "schedule",
	.usage = "  schedule list [user EUI] [device EUI] [after ID] | show ID\n"
		 "          show schedules, their next run, and when they end\n"
		 "  schedule remove mdra|supplier|device|network|user ID ...\n"
		 "          end schedules and announce it to their users, with this cause\n",
	.read = read_words,
	.print = print_reply,
	.status = status_of,
};
