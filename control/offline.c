/* SPDX-License-Identifier: Apache-2.0 */
#include "control/offline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/bulk.h"
#include "control/feed.h"
#include "control/table_text.h"
#include "control/whole_file.h"

#define SHOWN_MAX 100 /* wrong lines of a file that are told */

_Static_assert(BULK_TABLES == 3, "offline.h has room for as many");

/* ---- words ---- */

static const char *value_of(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && word[length] == '=' && word[length + 1] != '\0'
		       ? word + length + 1
		       : NULL;
}

static const char *read_load(char *const *words, int count, struct offline *offline)
{
	bool any = false;

	for (int i = 0; i < count; i++) {
		const char *value = value_of(words[i], "set-aside");

		if (value != NULL) {
			offline->set_aside = value;
			continue;
		}
		value = value_of(words[i], "messages");
		if (value != NULL)
			offline->messages = value;
		for (int table = 0; table < BULK_TABLES && value == NULL; table++) {
			value = value_of(words[i], bulk_table_name(table));
			if (value != NULL)
				offline->paths[table] = value;
		}
		if (value == NULL)
			return "load takes devices=FILE, registrations=FILE, appointments=FILE, "
			       "set-aside=FOLDER and messages=FILE|-";
		any = true;
	}
	return any ? NULL : "load takes at least one file";
}

const char *offline_read(char *const *words, int count, struct offline *offline)
{
	*offline = (struct offline){0};
	if (strcmp(words[0], "load") == 0)
		return read_load(words + 1, count - 1, offline);
	if (strcmp(words[0], "export") != 0)
		return "the only commands are load and export";
	offline->is_export = true;
	if (count != 3)
		return "export takes a table and a file or -";
	offline->path = words[2];
	for (int table = 0; table < BULK_TABLES; table++) {
		offline->table = table;
		if (strcmp(words[1], bulk_table_name(table)) == 0)
			return NULL;
	}
	return "the tables are devices, registrations and appointments";
}

/* ---- load ---- */

static int load_tables(struct store *store, const struct offline *offline)
{
	struct bulk_options options = {
		.errors = stderr,
		.shown_max = SHOWN_MAX,
		.set_aside = offline->set_aside,
	};
	struct bulk_result result;
	uint64_t wrong = 0;

	memcpy(options.paths, offline->paths, sizeof(options.paths));
	int error = bulk_load(store, &options, &result);
	for (int table = 0; table < BULK_TABLES; table++) {
		wrong += result.wrong[table];
		if (offline->paths[table] != NULL && error == 0)
			printf("%s: %" PRIu64 " lines, %" PRIu64 " wrong, %" PRIu64 " repeated\n",
				bulk_table_name(table), result.lines[table], result.wrong[table],
				result.repeated[table]);
	}
	if (error != 0) {
		fprintf(stderr, "motorway-control: nothing was loaded: %s\n",
			error == -EINVAL ? "lines are wrong" : strerror(-error));
		return 1;
	}
	printf("loaded as change %" PRIu64 "\n", result.change);
	if (wrong > 0)
		fprintf(stderr, "motorway-control: the wrong lines are in %s\n",
			offline->set_aside);
	return wrong > 0;
}

static void report_set_aside(void *argument, const struct feed_outcome *outcome)
{
	if (outcome->result == FEED_SET_ASIDE)
		fprintf(stderr, "%s:%" PRIu32 ":%" PRIu32 ": %s: set aside: %s: %s\n",
			(const char *)argument, outcome->line, outcome->column, outcome->id,
			feed_rule_name((enum feed_rule)outcome->rule),
			feed_rule_meaning((enum feed_rule)outcome->rule));
}

static int load_messages(struct store *store, const char *path, int64_t now_ms)
{
	bool is_input = strcmp(path, "-") == 0;
	struct feed_import import = {
		.store = store,
		.file = is_input ? stdin : fopen(path, "re"),
		.now_ms = now_ms,
		.report = report_set_aside,
		.argument = (void *)(uintptr_t)(is_input ? "standard input" : path),
	};
	uint64_t set_aside = 0;

	if (import.file == NULL) {
		fprintf(stderr, "motorway-control: %s: %s\n", path, strerror(errno));
		return 1;
	}
	int error = feed_import(&import);
	if (!is_input)
		fclose(import.file);
	for (int i = 0; i < FEED_RULE_COUNT; i++)
		set_aside += import.counters.set_aside[i];
	printf("messages: %" PRIu64 " applied, %" PRIu64 " duplicates, %" PRIu64 " set aside\n",
		import.counters.applied, import.counters.duplicates, set_aside);
	if (error != 0)
		fprintf(stderr, "motorway-control: %s: not taken behind line %" PRIu64 ": %s\n",
			path, import.lines, strerror(-error));
	return error != 0 || set_aside > 0;
}

int offline_load(struct store *store, const struct offline *offline, int64_t now_ms)
{
	int status = 0;

	if (offline->paths[0] != NULL || offline->paths[1] != NULL || offline->paths[2] != NULL)
		status = load_tables(store, offline);
	if (offline->messages != NULL)
		status |= load_messages(store, offline->messages, now_ms);
	return status;
}

/* ---- export ---- */

static int fail(const char *path, int error)
{
	fprintf(stderr, "motorway-control: %s: %s\n", path, strerror(error));
	return 1;
}

int offline_export(struct store *store, const struct offline *offline)
{
	enum bulk_table table = (enum bulk_table)offline->table;
	bool is_json = table_format_of(offline->path) == TABLE_JSON_LINES;
	const char *name = strcmp(offline->path, "-") == 0 ? "standard output" : offline->path;
	struct whole_file whole;
	int result = whole_file_open(&whole, offline->path);

	if (result == 0) {
		int64_t rows = bulk_export(store, table, is_json, whole.file);

		result = whole_file_close(&whole, rows < 0 ? (int)rows : 0);
	}
	return result != 0 ? fail(name, -result) : 0;
}
