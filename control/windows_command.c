/* SPDX-License-Identifier: Apache-2.0 */
/* `window` and `cap`: see motorwayctl(1) and doc/windows.md. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control/command.h"
#include "control/windows_change.h"
#include "control/windows_command.h"
#include "control/windows_expand.h"

/* An operator's text that was judged: what came of it, and every error of it as lines. */
struct proposal {
	struct windows_conf *conf;
	json_t *refused; /* the reply that says no; then conf is NULL */
};

/* ---- reading what is proposed */

/* The errors that were written, without the last line's end, as a refusal. */
static json_t *refuse_lines(char *lines, size_t length)
{
	while (length > 0 && lines[length - 1] == '\n')
		lines[--length] = '\0';
	return command_refuse(length > 0 ? lines : "it cannot be read");
}

/* `cap` changes rates alone: the column of the first other key, or 0. */
static size_t other_key_at(const char *text)
{
	static const char *const keys[] = {"cap_tps", "peak_tps", "off_peak_tps"};

	for (const char *word = text; *word != '\0';) {
		size_t length = strcspn(word, " ");
		const char *equals = memchr(word, '=', length);
		bool known = equals == NULL;

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !known; i++)
			known = strlen(keys[i]) == (size_t)(equals - word) &&
				memcmp(word, keys[i], (size_t)(equals - word)) == 0;
		if (!known)
			return (size_t)(word - text) + 1;
		word += length;
		word += strspn(word, " ");
	}
	return 0;
}

/* Apply one change; the errors' lines begin with change:N. */
static int apply(const struct windows_conf *conf, const char *text, size_t number, FILE *errors,
	struct windows_conf **changed)
{
	static const char prefix[] = "change:1:";
	char *told = NULL;
	size_t length = 0;
	FILE *lines = open_memstream(&told, &length);

	if (lines == NULL)
		return -ENOMEM;
	int result = windows_override(conf, text, lines, changed);
	fclose(lines);
	char *rest = NULL;
	for (char *line = told != NULL ? strtok_r(told, "\n", &rest) : NULL; line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			fprintf(errors, "change:%zu:%s\n", number, line + strlen(prefix));
		else
			fprintf(errors, "%s\n", line);
	}
	free(told);
	return result;
}

/* One change on the other; 0, -EINVAL (told) or -ENOMEM. */
static int apply_all(const struct windows_conf *in_force, const json_t *changes, bool caps_only,
	FILE *errors, struct windows_conf **conf)
{
	struct windows_conf *last = NULL;
	size_t index;
	json_t *value;

	json_array_foreach((json_t *)changes, index, value)
	{
		const char *text = json_string_value(value);
		struct windows_conf *next = NULL;
		size_t column = text != NULL && caps_only ? other_key_at(text) : 0;
		int result = -EINVAL;

		if (column > 0)
			fprintf(errors,
				"change:%zu:%zu: \"cap\" changes cap_tps, peak_tps and "
				"off_peak_tps "
				"alone; for other keys there is \"window\"\n",
				index + 1, column);
		else if (text != NULL)
			result = apply(
				last != NULL ? last : in_force, text, index + 1, errors, &next);
		windows_conf_free(last);
		if (result != 0)
			return result;
		last = next;
	}
	*conf = last;
	return 0;
}

/* The file's text, in memory of a nameless file; its errors name it as the operator does. */
static int read_text(const char *text, const char *name, const struct reference *known,
	FILE *errors, struct windows_conf **conf)
{
	char path[64] = "?";
	char *told = NULL;
	size_t length = 0;
	FILE *lines = open_memstream(&told, &length);
	int fd = memfd_create("windows", MFD_CLOEXEC);
	size_t size = strlen(text);
	int result = -ENOMEM;

	if (lines != NULL && fd >= 0 && write(fd, text, size) == (ssize_t)size) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		result = windows_conf_read(path, known, lines, conf);
	}
	if (fd >= 0)
		close(fd);
	if (lines != NULL)
		fclose(lines);
	char *rest = NULL;
	for (char *line = told != NULL ? strtok_r(told, "\n", &rest) : NULL; line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		bool named = strncmp(line, path, strlen(path)) == 0;

		fprintf(errors, "%s%s\n", named ? name : "", named ? line + strlen(path) : line);
	}
	free(told);
	return result;
}

/* What fits into the configuration has to fit into what is sent, too. */
static json_t *check_size(const struct windows_conf *conf, int64_t now_s)
{
	struct mw_window_record *records = calloc(MW_WINDOW_RECORDS_MAX, sizeof(*records));
	int64_t day_s = now_s - now_s % 86400;
	int count = records == NULL ? -ENOMEM
				    : windows_expand(conf, day_s - TIMING_DAYS_BEFORE * 86400,
					      day_s + TIMING_DAYS_AHEAD * 86400, records,
					      MW_WINDOW_RECORDS_MAX);

	free(records);
	if (count >= 0)
		return NULL;
	return command_refuse(count == -E2BIG
				      ? "these are more windows and slots than the data plane takes"
				      : "memory is short");
}

/* {"changes": [TEXT ...]} or {"text": TEXT, "file": NAME}. */
static struct proposal read_proposal(
	struct server *server, const json_t *request, bool caps_only, int64_t now_s)
{
	const json_t *changes = json_object_get(request, "changes");
	const char *text = json_string_value(json_object_get(request, "text"));
	const char *name = json_string_value(json_object_get(request, "file"));
	struct proposal proposal = {0};
	char *told = NULL;
	size_t length = 0;
	int result;

	if ((json_array_size(changes) == 0 || json_array_size(changes) > WINDOWS_CHANGES_MAX) &&
		(text == NULL || name == NULL || caps_only)) {
		proposal.refused = command_refuse("\"changes\" is not a list of 1 to 32 changes");
		return proposal;
	}
	FILE *errors = open_memstream(&told, &length);
	if (errors == NULL) {
		proposal.refused = command_refuse("memory is short");
		return proposal;
	}
	if (text != NULL && !caps_only)
		result = read_text(text, name, server->reference, errors, &proposal.conf);
	else
		result = apply_all(timetable_windows(server->timetable), changes, caps_only, errors,
			&proposal.conf);
	fclose(errors);
	if (result != 0)
		proposal.refused = refuse_lines(told, length);
	else
		proposal.refused = check_size(proposal.conf, now_s);
	free(told);
	if (proposal.refused != NULL) {
		windows_conf_free(proposal.conf);
		proposal.conf = NULL;
	}
	return proposal;
}

/* ---- set, rollback, history */

/* What differs, and how many there are beyond what is shown. */
static size_t put_differences(
	json_t *reply, const struct windows_conf *old, const struct windows_conf *new)
{
	struct windows_difference *found = calloc(WINDOWS_DIFFERENCES_MAX, sizeof(*found));
	json_t *rows = json_array();

	if (found == NULL) {
		json_decref(rows);
		return SIZE_MAX;
	}
	size_t count = windows_compare(old, new, found, WINDOWS_DIFFERENCES_MAX);
	for (size_t i = 0; i < count && i < WINDOWS_DIFFERENCES_MAX; i++)
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "provider", found[i].provider,
				      "window", found[i].window, "what", found[i].what, "old",
				      found[i].old, "new", found[i].new));
	free(found);
	json_object_set_new(reply, "differences", rows);
	json_object_set_new(reply, "difference_count", json_integer((json_int_t)count));
	return count;
}

static uint32_t version_now(const struct server *server)
{
	struct windows_version versions[WINDOWS_VERSIONS_MAX];

	return windows_history_list(timetable_history(server->timetable), versions) > 0
		       ? versions[0].number
		       : 0;
}

static void log_change(const struct server *server, const char *what, const char *reason)
{
	fprintf(server->log, "motorway-control: windows: %s, version %" PRIu32 ": %s\n", what,
		version_now(server), reason);
}

/* The reason that the operator gives, or the change's own words. */
static const char *reason_of(const json_t *request, char text[WINDOWS_REASON_SIZE])
{
	const char *given = json_string_value(json_object_get(request, "reason"));
	const char *file = json_string_value(json_object_get(request, "file"));
	const char *change =
		json_string_value(json_array_get(json_object_get(request, "changes"), 0));
	size_t more = json_array_size(json_object_get(request, "changes"));

	if (given != NULL)
		snprintf(text, WINDOWS_REASON_SIZE, "%s", given);
	else if (file != NULL)
		snprintf(text, WINDOWS_REASON_SIZE, "file %s", file);
	else
		snprintf(text, WINDOWS_REASON_SIZE, "%s%s", change != NULL ? change : "",
			more > 1 ? " and others" : "");
	for (char *at = text; *at != '\0'; at++)
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	return text;
}

static json_t *run_set(struct server *server, const json_t *request, bool caps_only, int64_t now_s)
{
	struct proposal proposal = read_proposal(server, request, caps_only, now_s);
	char reason[WINDOWS_REASON_SIZE];

	if (proposal.refused != NULL)
		return proposal.refused;
	json_t *reply = json_pack("{s:b}", "ok", 1);
	size_t count = put_differences(reply, timetable_windows(server->timetable), proposal.conf);
	int result = count == SIZE_MAX ? -ENOMEM : 0;
	if (result == 0 && count > 0)
		result = timetable_change(
			server->timetable, proposal.conf, reason_of(request, reason), now_s);
	if (result != 0 || count == 0)
		windows_conf_free(proposal.conf);
	else
		log_change(server, "changed by an operator", reason);
	if (result != 0) {
		json_decref(reply);
		return command_refuse_store("the change is not made", result);
	}
	json_object_set_new(reply, "changed", json_boolean(count > 0));
	json_object_set_new(reply, "version", json_integer(version_now(server)));
	return reply;
}

static json_t *run_rollback(struct server *server, int64_t now_s)
{
	struct windows_conf *old = windows_conf_copy(timetable_windows(server->timetable));

	if (old == NULL)
		return command_refuse("memory is short");
	int result = timetable_roll_back(server->timetable, server->reference, now_s);
	if (result != 0) {
		windows_conf_free(old);
		if (result == -ENOENT)
			return command_refuse("there is no version to go back to");
		if (result == -EINVAL)
			return command_refuse("the version before does not fit the reference data "
					      "any more; motorway-control's log says where");
		return command_refuse_store("the change is not taken back", result);
	}
	json_t *reply = json_pack("{s:b, s:b}", "ok", 1, "changed", 1);
	put_differences(reply, old, timetable_windows(server->timetable));
	windows_conf_free(old);
	json_object_set_new(reply, "version", json_integer(version_now(server)));
	log_change(server, "the last change is taken back", "by an operator");
	return reply;
}

static json_t *run_history(const struct server *server)
{
	struct windows_history *history = timetable_history(server->timetable);
	struct windows_version versions[WINDOWS_VERSIONS_MAX];
	size_t count = windows_history_list(history, versions);
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *row = json_pack("{s:i, s:s, s:b}", "version", (int)versions[i].number,
			"reason", versions[i].reason, "in_force", i == 0);

		windows_put_instant(row, "made", versions[i].made_s * 1000);
		if (versions[i].before != 0)
			json_object_set_new(row, "before", json_integer(versions[i].before));
		json_array_append_new(rows, row);
	}
	json_t *reply = json_pack("{s:b, s:o}", "ok", 1, "versions", rows);
	if (windows_history_before(history) != 0)
		json_object_set_new(
			reply, "rollback_to", json_integer(windows_history_before(history)));
	return reply;
}

/* ---- plan */

static json_t *run_plan(struct server *server, const json_t *request, bool caps_only, int64_t now_s)
{
	struct proposal proposal = read_proposal(server, request, caps_only, now_s);

	if (proposal.refused != NULL)
		return proposal.refused;
	json_t *reply = json_pack("{s:b}", "ok", 1);
	put_differences(reply, timetable_windows(server->timetable), proposal.conf);
	int result = windows_put_forecast(
		server, proposal.conf, json_object_get(request, "waiting"), now_s, reply);
	windows_conf_free(proposal.conf);
	if (result == 0)
		return reply;
	json_decref(reply);
	return command_refuse_store("nothing can be forecast", result);
}

static json_t *run_action(
	struct server *server, const json_t *request, bool caps_only, int64_t now_s)
{
	const char *action = json_string_value(json_object_get(request, "action"));

	if (server->timetable == NULL)
		return command_refuse("this control has no windows");
	if (action != NULL && strcmp(action, "show") == 0)
		return windows_show(server, request, now_s);
	if (action != NULL && strcmp(action, "set") == 0)
		return run_set(server, request, caps_only, now_s);
	if (action != NULL && strcmp(action, "plan") == 0)
		return run_plan(server, request, caps_only, now_s);
	if (!caps_only && action != NULL && strcmp(action, "history") == 0)
		return run_history(server);
	if (!caps_only && action != NULL && strcmp(action, "rollback") == 0)
		return run_rollback(server, now_s);
	return command_refuse(caps_only ? "\"action\" is not show, set or plan"
					: "\"action\" is not show, set, plan, history or rollback");
}

json_t *command_window(struct server *server, const json_t *request, struct server_time now)
{
	return run_action(server, request, false, now.wall_ms / 1000);
}

json_t *command_cap(struct server *server, const json_t *request, struct server_time now)
{
	return run_action(server, request, true, now.wall_ms / 1000);
}
