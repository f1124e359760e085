/* SPDX-License-Identifier: Apache-2.0 */
/* motorwayctl quarantine list|release|delete: requests that are held (doc/anomaly-detection.md). */
#include <string.h>

#include "control/motorwayctl_command.h"

static const char *read_list(char *const *words, int count, json_t *request)
{
	for (int i = 0; i < count; i++) {
		/* A reference has digits alone, an EUI-64 has dashes. */
		const char *key = strchr(words[i], '-') != NULL ? "user" : "after";

		if (json_object_get(request, key) != NULL)
			return "quarantine list takes one EUI-64 and one reference at most";
		if (json_object_set_new(request, key, json_string(words[i])) != 0)
			return "not UTF-8, or memory is short";
	}
	return NULL;
}

static const char *read_words(char *const *words, int count, json_t *request)
{
	if (count == 0)
		return "quarantine takes list, release or delete";
	if (json_object_set_new(request, "action", json_string(words[0])) != 0)
		return "not UTF-8, or memory is short";
	if (strcmp(words[0], "list") == 0)
		return read_list(words + 1, count - 1, request);
	if (strcmp(words[0], "release") != 0 && strcmp(words[0], "delete") != 0)
		return "quarantine takes list, release or delete";
	if (count == 1)
		return "quarantine release and delete take references, or EUI-64s of users";
	json_t *events = json_array();
	for (int i = 1; i < count; i++)
		if (json_array_append_new(events, json_string(words[i])) != 0) {
			json_decref(events);
			return "not UTF-8, or memory is short";
		}
	json_object_set_new(request, "events", events);
	return NULL;
}

static void print_list(FILE *out, const json_t *reply)
{
	size_t index;
	json_t *event;

	json_array_foreach(json_object_get(reply, "events"), index, event)
	{
		ctl_print_column(out, event, "reference", 18);
		ctl_print_column(out, event, "state", 11);
		ctl_print_column(out, event, "user", 25);
		ctl_print_column(out, event, "srv", 8);
		ctl_print_column(out, event, "held_since", 26);
		ctl_print_column(out, event, "request_id", 0);
		fprintf(out,
			"  (more than %" JSON_INTEGER_FORMAT " in %" JSON_INTEGER_FORMAT " s)\n",
			json_integer_value(json_object_get(event, "limit")),
			json_integer_value(json_object_get(event, "period_s")));
	}
	fprintf(out, "%" JSON_INTEGER_FORMAT " requests are held%s\n",
		json_integer_value(json_object_get(reply, "held")),
		json_is_true(json_object_get(reply, "more"))
			? "; there are more than shown: go on behind the last reference"
			: "");
}

static int status_of(const json_t *reply)
{
	return json_array_size(json_object_get(reply, "unknown")) > 0 ? 1 : 0;
}

static void print_reply(FILE *out, const json_t *reply)
{
	const json_t *unknown = json_object_get(reply, "unknown");
	size_t index;
	json_t *value;

	if (json_is_array(json_object_get(reply, "events"))) {
		print_list(out, reply);
		return;
	}
	const json_t *count = json_object_get(reply, "releasing");
	fprintf(out, "%" JSON_INTEGER_FORMAT " requests are being %s\n",
		json_integer_value(count != NULL ? count : json_object_get(reply, "deleting")),
		count != NULL ? "released" : "deleted");
	json_array_foreach((json_t *)unknown, index, value)
	{
		fputs("not held: ", out);
		ctl_print_text(out, json_is_string(value) ? json_string_value(value) : "-");
		fputc('\n', out);
	}
}

const struct ctl_command ctl_quarantine = {
	.name = "quarantine",
	.usage = "  quarantine list [EUI] [REFERENCE]\n"
		 "          show held requests: all or a user's, those behind a reference\n"
		 "  quarantine release|delete REFERENCE|EUI ...\n"
		 "          send held requests on their way, or end them\n",
	.read = read_words,
	.print = print_reply,
	.status = status_of,
};
