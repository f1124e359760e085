/* SPDX-License-Identifier: Apache-2.0 */
/* motorwayctl schedule remove: end schedules and tell their users why (doc/alerts.md). */
#include <string.h>

#include "control/motorwayctl_command.h"

static const char *read_words(char *const *words, int count, json_t *request)
{
	if (count < 3 || strcmp(words[0], "remove") != 0)
		return "schedule takes remove, a cause (mdra, supplier, device) and DSPScheduleIDs";
	json_t *ids = json_array();
	for (int i = 2; i < count; i++)
		if (json_array_append_new(ids, json_string(words[i])) != 0) {
			json_decref(ids);
			return "not UTF-8, or memory is short";
		}
	json_object_set_new(request, "action", json_string(words[0]));
	json_object_set_new(request, "ids", ids);
	if (json_object_set_new(request, "cause", json_string(words[1])) != 0)
		return "not UTF-8, or memory is short";
	return NULL;
}

static int status_of(const json_t *reply)
{
	return json_array_size(json_object_get(reply, "unknown")) > 0 ? 1 : 0;
}

static void print_reply(FILE *out, const json_t *reply)
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

const struct ctl_command ctl_schedule = {
	.name = "schedule",
	.usage = "  schedule remove mdra|supplier|device ID ...\n"
		 "          end schedules and announce it to their users, with this cause\n",
	.read = read_words,
	.print = print_reply,
	.status = status_of,
};
