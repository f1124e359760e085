/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorwayctl window and cap (doc/windows.md). What the data plane knows, it says in its status:
 * that is asked for first, and goes with a plan's request or beside what is shown.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/motorwayctl_command.h"
#include "control/motorwayctl_link.h"

#define FILE_BYTES_MAX (512 * 1024)

static const char short_of[] = "not UTF-8, or memory is short";

/* ---- words */

/* Words up to "and" are one change, as words of one line. */
static const char *read_changes(char *const *words, int count, json_t *request)
{
	json_t *changes = json_array();
	char text[2048] = "";

	json_object_set_new(request, "changes", changes);
	for (int i = 0; i <= count; i++) {
		bool ends = i == count || strcmp(words[i], "and") == 0;

		if (ends && text[0] == '\0')
			return "a change is missing: provider NAME window WINDOW KEY=VALUE ..., or "
			       "total KEY=VALUE ...";
		if (ends) {
			if (json_array_append_new(changes, json_string(text)) != 0)
				return short_of;
			text[0] = '\0';
			continue;
		}
		size_t used = strlen(text);
		int more = snprintf(
			text + used, sizeof(text) - used, "%s%s", used > 0 ? " " : "", words[i]);
		if ((size_t)more >= sizeof(text) - used)
			return "a change is too long";
	}
	return NULL;
}

static const char *read_file(json_t *request)
{
	static char reason[256];
	const char *path = json_string_value(json_object_get(request, "file"));
	FILE *file = fopen(path, "re");
	char *text = malloc(FILE_BYTES_MAX + 1);
	const char *wrong = NULL;
	size_t length = 0;

	if (file != NULL && text != NULL) {
		length = fread(text, 1, FILE_BYTES_MAX + 1, file);
		text[length <= FILE_BYTES_MAX ? length : 0] = '\0';
	}
	if (file == NULL || text == NULL || ferror(file)) {
		snprintf(reason, sizeof(reason), "%s: %s", path, strerror(errno));
		wrong = reason;
	} else if (length > FILE_BYTES_MAX || strlen(text) != length) {
		wrong = "--file takes a text of up to 512 KiB";
	} else if (json_object_set_new(request, "text", json_string(text)) != 0) {
		wrong = short_of;
	}
	if (file != NULL)
		fclose(file);
	free(text);
	return wrong;
}

static const char *read_proposal(const char *action, char *const *words, int count, json_t *request)
{
	if (json_object_get(request, "reason") != NULL && strcmp(action, "set") != 0)
		return "--reason goes with set alone";
	if (json_object_get(request, "file") == NULL)
		return read_changes(words, count, request);
	if (count > 0)
		return "--file and a change exclude each other";
	return read_file(request);
}

static const char *read_action(char *const *words, int count, json_t *request)
{
	const char *action = count > 0 ? words[0] : "";

	if (json_object_set_new(request, "action", json_string(action)) != 0)
		return short_of;
	if (strcmp(action, "plan") == 0 || strcmp(action, "set") == 0)
		return read_proposal(action, words + 1, count - 1, request);
	if (json_object_get(request, "reason") != NULL || json_object_get(request, "file") != NULL)
		return "--reason goes with set, --file with window set and window plan";
	if (strcmp(action, "show") != 0)
		return count == 1 ? NULL : "no further words are taken";
	if (count > 2)
		return "show takes one provider at most";
	if (count == 2 && json_object_set_new(request, "provider", json_string(words[1])) != 0)
		return short_of;
	return NULL;
}

static bool is_one_of(const char *word, const char *const *known)
{
	for (; *known != NULL; known++)
		if (strcmp(word, *known) == 0)
			return true;
	return false;
}

static const char *read_window(char *const *words, int count, json_t *request)
{
	static const char *const actions[] = {"show", "plan", "set", "history", "rollback", NULL};

	if (count == 0 || !is_one_of(words[0], actions))
		return "window takes show, plan, set, history or rollback";
	return read_action(words, count, request);
}

static const char *read_cap(char *const *words, int count, json_t *request)
{
	static const char *const actions[] = {"show", "plan", "set", NULL};

	if (count == 0 || !is_one_of(words[0], actions))
		return "cap takes show, plan or set";
	if (json_object_get(request, "file") != NULL)
		return "--file goes with window alone";
	return read_action(words, count, request);
}

/* ---- printing */

static void print_number(FILE *out, const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);

	if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_string(value))
		ctl_print_text(out, json_string_value(value));
	else
		fputs("not known", out);
}

static void print_rates(FILE *out, const json_t *row)
{
	const json_t *slots = json_object_get(row, "slots");
	size_t index;
	json_t *slot;

	json_array_foreach((json_t *)slots, index, slot)
	{
		fputs(index > 0 ? ", " : "", out);
		print_number(out, slot, "cap_tps");
	}
	fputs(" TPS", out);
}

static void print_window(FILE *out, const json_t *row)
{
	ctl_print_column(out, row, "provider", 20);
	ctl_print_column(out, row, "window", 12);
	ctl_print_column(out, row, "kind", 10);
	ctl_print_column(out, row, "from", 22);
	ctl_print_column(out, row, "to", 22);
	ctl_print_column(out, row, "state", 7);
	print_rates(out, row);
	fputs(", pace ", out);
	ctl_print_column(out, row, "pace", 0);
	if (json_object_get(row, "gap_to") != NULL) {
		fputs(", gap to ", out);
		ctl_print_column(out, row, "gap_to", 0);
	}
	fputc('\n', out);
}

static void print_forecast(FILE *out, const json_t *row)
{
	if (json_object_get(row, "rate_tps") == NULL)
		return;
	fputs("    waiting ", out);
	print_number(out, row, "waiting");
	fputs(", planned ", out);
	print_number(out, row, "planned");
	fputs(", at most ", out);
	print_number(out, row, "rate_tps");
	fputs(" TPS", out);
	if (json_object_get(row, "finish") != NULL) {
		fputs(", done by ", out);
		ctl_print_column(out, row, "finish", 0);
		fputs(", margin ", out);
		print_number(out, row, "margin_s");
		fputs(" s", out);
	}
	if (json_object_get(row, "left") != NULL) {
		fputs(", left for later ", out);
		print_number(out, row, "left");
	}
	fputc('\n', out);
}

static void print_gate(FILE *out, const json_t *row)
{
	const json_int_t number = json_integer_value(json_object_get(row, "gate"));

	fputs("now  ", out);
	if (json_object_get(row, "provider") != NULL)
		ctl_print_column(out, row, "provider", 20);
	else
		fprintf(out, "%-20s",
			number == 64   ? "total peak"
			: number == 65 ? "total off-peak"
				       : "in series");
	ctl_print_column(out, row, "state", 0);
	if (json_object_get(row, "cap_tps") != NULL) {
		fputs(", ", out);
		ctl_print_column(out, row, "kind", 0);
		fputs(", ", out);
		print_number(out, row, "cap_tps");
		fputs(" TPS", out);
	}
	if (json_object_get(row, "ready") != NULL) {
		fputs("; waiting: peak ", out);
		print_number(out, row, "waiting_peak");
		fputs(", off-peak ", out);
		print_number(out, row, "waiting_off_peak");
		fputs(", any ", out);
		print_number(out, row, "waiting_any");
		fputs(", at the gate ", out);
		print_number(out, row, "ready");
	}
	fputc('\n', out);
}

static void print_each(FILE *out, const json_t *list, void (*print)(FILE *out, const json_t *row))
{
	size_t index;
	json_t *row;

	json_array_foreach((json_t *)list, index, row) print(out, row);
}

static void print_difference(FILE *out, const json_t *row)
{
	ctl_print_column(out, row, "provider", 0);
	fputs(" window ", out);
	ctl_print_column(out, row, "window", 0);
	fputc(' ', out);
	ctl_print_column(out, row, "what", 0);
	fputs(": ", out);
	ctl_print_column(out, row, "old", 0);
	fputs(" -> ", out);
	ctl_print_column(out, row, "new", 0);
	fputc('\n', out);
}

static void print_version(FILE *out, const json_t *row)
{
	print_number(out, row, "version");
	fputs(json_is_true(json_object_get(row, "in_force")) ? "  in force  " : "            ",
		out);
	ctl_print_column(out, row, "made", 22);
	ctl_print_column(out, row, "reason", 0);
	fputc('\n', out);
}

static void print_unknown(FILE *out, const json_t *row)
{
	fputs("not taken into account: ", out);
	ctl_print_text(out, json_string_value(row));
	fputc('\n', out);
}

static void print_window_and_forecast(FILE *out, const json_t *row)
{
	print_window(out, row);
	print_forecast(out, row);
}

static void print_without(FILE *out, const json_t *row)
{
	fputs("no windows: ", out);
	ctl_print_text(out, json_string_value(row));
	fputc('\n', out);
}

static void print_reply(FILE *out, const json_t *reply)
{
	const json_t *totals = json_object_get(reply, "totals");
	const json_t *data_plane = json_object_get(reply, "data_plane");

	print_each(out, json_object_get(reply, "versions"), print_version);
	print_each(out, json_object_get(reply, "differences"), print_difference);
	if (json_object_get(reply, "changed") != NULL &&
		json_object_get(reply, "version") != NULL) {
		fputs(json_is_true(json_object_get(reply, "changed"))
				? "in force; version "
				: "nothing differs; in force is version ",
			out);
		print_number(out, reply, "version");
		fputc('\n', out);
	}
	print_each(out, json_object_get(reply, "windows"), print_window_and_forecast);
	if (totals != NULL) {
		fputs("total: peak ", out);
		print_number(out, totals, "peak_tps");
		fputs(", off-peak ", out);
		print_number(out, totals, "off_peak_tps");
		fputs(" TPS; times of day are in ", out);
		ctl_print_column(out, reply, "zone", 0);
		fputc('\n', out);
	}
	print_each(out, json_object_get(reply, "without_windows"), print_without);
	print_each(out, json_object_get(data_plane, "providers"), print_gate);
	print_each(out, json_object_get(data_plane, "gates"), print_gate);
	print_each(out, json_object_get(reply, "unknown"), print_unknown);
}

/* ---- what takes the status as well */

/* The data plane's windows: a new reference, NULL when it is not connected. */
static json_t *ask_data_plane(struct ctl_link *link)
{
	json_t *question = json_pack("{s:s}", "command", "status");
	json_t *reply = ctl_link_ask(link, question);
	json_t *windows = json_object_get(json_object_get(reply, "data_plane"), "windows");

	json_incref(windows);
	json_decref(question);
	json_decref(reply);
	return windows;
}

static int run(struct ctl_link *link, json_t *request, bool json)
{
	const char *action = json_string_value(json_object_get(request, "action"));
	bool plans = strcmp(action, "plan") == 0;

	if (!plans && strcmp(action, "show") != 0)
		return -1;
	json_t *windows = ask_data_plane(link);
	if (plans && windows != NULL)
		json_object_set(request, "waiting", windows);
	json_t *reply = ctl_link_ask(link, request);
	int status = json_is_true(json_object_get(reply, "ok")) ? 0 : 1;
	if (status == 0 && !plans)
		json_object_set(reply, "data_plane", windows != NULL ? windows : json_null());
	if (status != 0 && reply != NULL)
		ctl_link_refused(reply);
	if (status == 0 && json) {
		json_dumpf(reply, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (status == 0) {
		print_reply(stdout, reply);
	}
	json_decref(windows);
	json_decref(reply);
	return fflush(stdout) == 0 ? status : 1;
}

const struct ctl_command ctl_window = {
	.name = "window",
	.usage = "  window show [PROVIDER]\n"
		 "          show the windows of today and tomorrow, and what waits\n"
		 "  window plan CHANGE [and CHANGE ...] | --file FILE\n"
		 "          show what would differ, and when each window would be done\n"
		 "  window set CHANGE [and CHANGE ...] | --file FILE  [--reason TEXT]\n"
		 "          provider NAME window WINDOW KEY=VALUE ... | slot N cap_tps=VALUE\n"
		 "          or total KEY=VALUE ...: check it, and put it in force\n"
		 "  window history | rollback\n"
		 "          show the last versions; take the last change back\n",
	.read = read_window,
	.print = print_reply,
	.run = run,
};

const struct ctl_command ctl_cap = {
	.name = "cap",
	.usage = "  cap show [PROVIDER] | plan CHANGE | set CHANGE [--reason TEXT]\n"
		 "          the same for rates alone: cap_tps, peak_tps, off_peak_tps\n",
	.read = read_cap,
	.print = print_reply,
	.run = run,
};
