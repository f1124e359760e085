/* SPDX-License-Identifier: Apache-2.0 */
/* motorwayctl replay reset: let an originator begin to count anew (doc/replay.md). */
#include <inttypes.h>
#include <string.h>

#include "control/motorwayctl_command.h"

static const char *read_words(char *const *words, int count, json_t *request)
{
	if (count < 2 || count > 3 || strcmp(words[0], "reset") != 0)
		return "replay takes reset, an EUI-64 and perhaps a reason (in quotes)";
	json_object_set_new(request, "action", json_string(words[0]));
	if (json_object_set_new(request, "user", json_string(words[1])) != 0 ||
		(count == 3 && json_object_set_new(request, "reason", json_string(words[2])) != 0))
		return "not UTF-8, or memory is short";
	return NULL;
}

static int status_of(const json_t *reply)
{
	return json_integer_value(json_object_get(reply, "scopes")) > 0 ? 0 : 1;
}

static void print_reply(FILE *out, const json_t *reply)
{
	const char *user = json_string_value(json_object_get(reply, "user"));
	const char *highest = json_string_value(json_object_get(reply, "highest"));
	json_int_t scopes = json_integer_value(json_object_get(reply, "scopes"));

	ctl_print_text(out, user != NULL ? user : "-");
	if (scopes == 0) {
		fputs(": no counter of it has been accepted\n", out);
		return;
	}
	fputs(": any counter is accepted again; the highest was ", out);
	ctl_print_text(out, highest != NULL ? highest : "-");
	if (scopes > 1)
		fprintf(out, " (%" JSON_INTEGER_FORMAT " targets)", scopes);
	fputc('\n', out);
}

const struct ctl_command ctl_replay = {
	.name = "replay",
	.usage = "  replay reset EUI [REASON]\n"
		 "          forget the counters of an originator whose software counts anew\n",
	.read = read_words,
	.print = print_reply,
	.status = status_of,
};
