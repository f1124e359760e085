/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `user`, `certificate`, `organisation`, `provider` and `threshold`: rows in and out. What a
 * command changes is one change of the store, durable before it is answered; then the set for the
 * data plane is made anew (server_parties()). An import is one change, whatever it holds.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/party_table.h"
#include "control/table_chunk.h"
#include "dataplane/duis/identifier.h"

#define LIST_ROWS_MAX 4096
#define LIST_BYTES_MAX (1024u * 1024)

static const char *text_of(const json_t *request, const char *name)
{
	const char *text = json_string_value(json_object_get(request, name));

	return text != NULL ? text : "";
}

static json_t *refuse_fault(const struct party_table *table, const struct table_fault *fault)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", table->name, fault->rule);
	return command_refuse(text);
}

static json_t *refuse_store(const struct party_table *table, int error)
{
	return command_refuse_store(table->name, error);
}

/* ---- one row that a command brings ---- */

/* The members of "row" as fields; NULL, or what is wrong. They live as long as the request. */
static const char *read_row(
	const struct party_table *table, const json_t *request, struct table_row *row)
{
	json_t *object = json_object_get(request, "row");
	const char *name;
	json_t *value;

	row->line = 0;
	for (int i = 0; i < table->column_count; i++)
		row->record.fields[i] = (struct csv_field){"", 0, 1};
	if (!json_is_object(object))
		return "\"row\" is not an object";
	json_object_foreach(object, name, value)
	{
		int column = 0;

		while (column < table->column_count &&
			strcmp(table->columns[column].name, name) != 0)
			column++;
		if (column == table->column_count)
			return "a name in \"row\" is not that of a column";
		if (!json_is_string(value))
			return "a value in \"row\" is not a text";
		row->record.fields[column] = (struct csv_field){
			json_string_value(value), (uint32_t)json_string_length(value), 1};
	}
	return NULL;
}

/* The fields that the request does not name become those of the row that is there. */
static void lay_over(const struct party_table *table, const json_t *request,
	const union party_row *old, struct party_texts *texts, struct table_row *row)
{
	const json_t *object = json_object_get(request, "row");

	memset(texts->texts, 0, sizeof(texts->texts));
	texts->used = 0;
	table->write(old, texts);
	for (int i = 0; i < table->column_count; i++) {
		const char *text = texts->texts[i];

		if (text != NULL && json_object_get(object, table->columns[i].name) == NULL)
			row->record.fields[i] = (struct csv_field){text, (uint32_t)strlen(text), 1};
	}
}

/* ---- changes ---- */

static json_t *begin(
	struct server *server, struct server_time now, bool writes, struct party_change *change)
{
	*change = (struct party_change){
		.parties = server->parties,
		.reference = server->reference,
		.now_ms = now.wall_ms,
	};
	if (server->parties == NULL || server->services.store == NULL)
		return command_refuse("there is no store");
	change->change = writes ? store_begin(server->services.store)
				: store_snapshot(server->services.store);
	return change->change != NULL ? NULL : command_refuse_store("the store", -errno);
}

/* End a change in which `result` rows were written, or that failed. NULL: done; or the refusal. */
static json_t *finish(struct server *server, const struct party_table *table,
	const struct party_change *change, int result)
{
	char reason[256];
	int checked = result > 0 ? party_check(change, reason, sizeof(reason)) : 0;

	if (result <= 0 || checked != 0) {
		store_abandon(change->change);
		if (checked == -EINVAL)
			return command_refuse(reason);
		return result < 0 || checked < 0
			       ? refuse_store(table, checked < 0 ? checked : result)
			       : NULL;
	}
	int committed = command_commit(server, change->change, NULL);
	/* Committed, even when the image could not be brought up to date. */
	server->parties_changed = true;
	server->again = true;
	return committed != 0 ? refuse_store(table, committed) : NULL;
}

/* Read the row that `request` holds and begin a change for it. NULL, or the refusal. */
static json_t *begin_row(struct server *server, const struct party_table *table,
	const json_t *request, struct server_time now, struct party_change *change,
	struct table_row *row)
{
	const char *wrong = read_row(table, request, row);

	return wrong != NULL ? command_refuse(wrong) : begin(server, now, true, change);
}

/* End that change: `result` as for finish(), or -EINVAL and the fault. The reply. */
static json_t *finish_row(struct server *server, const struct party_table *table,
	const struct party_change *change, const struct table_fault *fault, int result)
{
	if (result == -EINVAL) {
		store_abandon(change->change);
		return refuse_fault(table, fault);
	}
	json_t *refusal = finish(server, table, change, result);
	return refusal != NULL
		       ? refusal
		       : json_pack("{s:b, s:b}", "ok", 1, "changed", result == PARTY_WRITTEN);
}

/* Put the row of "add" (there must be none), "change" (there must be one) or "set". */
static json_t *put_one(struct server *server, const struct party_table *table,
	const json_t *request, struct server_time now)
{
	bool is_new = strcmp(text_of(request, "action"), "add") == 0;
	bool is_changed = strcmp(text_of(request, "action"), "change") == 0;
	struct party_change change;
	struct party_texts texts;
	struct table_fault fault;
	struct table_row row;
	union party_row key = {0};
	union party_row old;
	json_t *refusal = begin_row(server, table, request, now, &change, &row);

	if (refusal != NULL)
		return refusal;
	int result = table->key(&row, &key, &fault);
	int found = result == 0 ? table->get(&change, &key, &old) : result;
	if (result == 0 && found == 0 && is_new)
		result = table_wrong(&row, -1, &fault, "it is there already");
	else if (result == 0 && found == -ENOENT && is_changed)
		result = table_wrong(&row, -1, &fault, "there is none with this key");
	else if (result == 0 && found != 0 && found != -ENOENT)
		result = found;
	if (result == 0 && is_changed)
		lay_over(table, request, &old, &texts, &row);
	if (result == 0)
		result = party_put(&change, table, &row, &fault);
	return finish_row(server, table, &change, &fault, result);
}

static json_t *remove_one(struct server *server, const struct party_table *table,
	const json_t *request, struct server_time now)
{
	struct party_change change;
	struct table_fault fault;
	struct table_row row;
	union party_row key = {0};
	union party_row old;
	json_t *refusal = begin_row(server, table, request, now, &change, &row);

	if (refusal != NULL)
		return refusal;
	int result = table->key(&row, &key, &fault);
	if (result == 0)
		result = table->get(&change, &key, &old);
	if (result == -ENOENT)
		result = table_wrong(&row, -1, &fault, "there is none with this key");
	if (result == 0)
		result = table->remove(&change, &old, &fault, &row);
	return finish_row(server, table, &change, &fault, result == 0 ? PARTY_WRITTEN : result);
}

/* ---- import ---- */

/* Put all rows. Returns how many were written, or another -errno than -EINVAL. */
static int put_rows(const struct party_change *change, const struct party_table *table,
	struct table_reader *reader, struct table_outcome *outcome)
{
	struct table_fault fault = {.line = 0};
	struct table_row row;
	int read;

	while ((read = table_next(reader, &row, &fault)) != 0) {
		int result = read < 0 ? read : party_put(change, table, &row, &fault);

		outcome->rows++;
		if (result == -EINVAL)
			table_outcome_wrong(outcome, &fault);
		else if (result < 0)
			return result;
		outcome->written += result == PARTY_WRITTEN;
		outcome->unchanged += result == PARTY_UNCHANGED;
	}
	return (int)outcome->written;
}

/* Once all rows are in: what is wrong with them together is told at the last line. */
static int check_all(
	const struct party_change *change, struct table_outcome *outcome, uint32_t line)
{
	struct table_fault fault = {.line = line, .column = 1};
	int result = party_check(change, fault.rule, sizeof(fault.rule));

	if (result == -EINVAL) {
		table_outcome_wrong(outcome, &fault);
		result = 0;
	}
	return result;
}

static json_t *import_rows(struct server *server, const struct party_table *table,
	const json_t *request, struct server_time now)
{
	struct table_outcome outcome = {0};
	struct table_source source;
	struct table_reader reader;
	struct table_fault fault;
	struct party_change change;
	json_t *reply = table_stage(&server->stages, request, now.monotonic_ms, &source);

	if (reply == NULL)
		reply = begin(server, now, true, &change);
	if (reply != NULL)
		return reply;
	change.restores = true;
	int result = table_open(&reader, &source, table->columns, table->column_count, &fault);
	if (result == -EINVAL) {
		table_outcome_wrong(&outcome, &fault);
	} else if (result == 0) {
		result = put_rows(&change, table, &reader, &outcome);
		if (result > 0 && outcome.wrong == 0) {
			int checked = check_all(
				&change, &outcome, source.first_line + reader.file.line - 1);

			result = checked != 0 ? checked : result;
		}
		table_close(&reader);
	}
	if (outcome.wrong > 0 || (result >= 0 && json_is_true(json_object_get(request, "check")))) {
		store_abandon(change.change);
		return table_outcome_reply(&outcome);
	}
	reply = finish(server, table, &change, result);
	return reply != NULL ? reply : table_outcome_reply(&outcome);
}

/* ---- export and lists ---- */

/* A cursor travels as hexadecimal digits. */
static void write_cursor(const union party_cursor *cursor, char text[2 * sizeof(*cursor) + 1])
{
	const uint8_t *bytes = (const uint8_t *)cursor;

	for (size_t i = 0; i < sizeof(*cursor); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static bool read_cursor(const json_t *request, union party_cursor *cursor)
{
	const json_t *value = json_object_get(request, "after");
	const char *text = json_string_value(value);
	uint8_t *bytes = (uint8_t *)cursor;

	memset(cursor, 0, sizeof(*cursor));
	if (value == NULL)
		return true;
	if (text == NULL || strlen(text) != 2 * sizeof(*cursor))
		return false;
	for (size_t i = 0; i < sizeof(*cursor); i++) {
		const char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
		char *end;

		bytes[i] = (uint8_t)strtoul(pair, &end, 16);
		if (!isxdigit((unsigned char)pair[0]) || *end != '\0')
			return false;
	}
	return true;
}

static json_t *end_page(json_t *reply, const union party_cursor *cursor, bool more)
{
	char text[2 * sizeof(*cursor) + 1];

	if (more) {
		write_cursor(cursor, text);
		json_object_set_new(reply, "after", json_string(text));
	}
	return reply;
}

static json_t *export_rows(struct server *server, const struct party_table *table,
	const json_t *request, struct server_time now)
{
	union party_cursor cursor;
	struct party_change change;
	struct party_texts texts;
	union party_row row;
	enum table_format format;
	size_t length = 0;
	char *text = NULL;
	int result = 1;

	if (!table_chunk_format(request, &format) || !read_cursor(request, &cursor))
		return command_refuse("\"format\" is not csv or jsonl, or \"after\" no cursor");
	json_t *reply = begin(server, now, false, &change);
	if (reply != NULL)
		return reply;
	FILE *out = open_memstream(&text, &length);
	if (out == NULL)
		result = -ENOMEM;
	else if (json_object_get(request, "after") == NULL)
		table_write_header(out, format, table->columns, table->column_count);
	while (result == 1 && length < TABLE_EXPORT_BYTES) {
		result = table->next(&change, &cursor, &row);
		if (result != 1)
			break;
		memset(texts.texts, 0, sizeof(texts.texts));
		texts.used = 0;
		table->write(&row, &texts);
		party_text(&texts, table->origin_column, "%s",
			party_origin_name(*party_origin(table, &row)));
		table_write_row(out, format, table->columns, table->column_count, texts.texts);
		fflush(out);
	}
	store_abandon(change.change);
	if (out != NULL && fclose(out) != 0)
		result = -ENOMEM;
	reply = result < 0 ? refuse_store(table, result)
			   : end_page(json_pack("{s:b, s:o}", "ok", 1, "text",
					      json_stringn(text, length)),
				     &cursor, result == 1);
	free(text);
	return reply;
}

/* The columns of lists. */
static json_t *list_columns(const struct party_table *table)
{
	json_t *columns = json_array();

	for (int i = 0; table->list_columns != NULL && table->list_columns[i] != NULL; i++)
		json_array_append_new(columns, json_string(table->list_columns[i]));
	for (int i = 0; table->list_columns == NULL && i < table->column_count; i++)
		json_array_append_new(columns, json_string(table->columns[i].name));
	return columns;
}

static json_t *list_row(const struct party_change *change, const struct party_table *table,
	union party_row *row, size_t columns, size_t *bytes)
{
	struct party_texts texts;
	json_t *list = json_array();

	memset(texts.texts, 0, sizeof(texts.texts));
	texts.used = 0;
	if (table->write_list != NULL) {
		table->write_list(change, row, &texts);
	} else {
		table->write(row, &texts);
		party_text(&texts, table->origin_column, "%s",
			party_origin_name(*party_origin(table, row)));
	}
	for (size_t i = 0; i < columns; i++)
		json_array_append_new(
			list, json_string(texts.texts[i] != NULL ? texts.texts[i] : ""));
	*bytes += texts.used + 8 * columns;
	return list;
}

/* Rows from behind the cursor: those of `user` (its EUI-64 is their first column), or all. */
static json_t *list_rows(const struct party_change *change, const struct party_table *table,
	const char *user, union party_cursor *cursor)
{
	json_t *columns = list_columns(table);
	json_t *rows = json_array();
	union party_row row;
	size_t bytes = 0;
	int result;

	while ((result = table->next(change, cursor, &row)) == 1) {
		json_t *list = list_row(change, table, &row, json_array_size(columns), &bytes);

		if (*user == '\0' ||
			strcasecmp(json_string_value(json_array_get(list, 0)), user) == 0)
			json_array_append(rows, list);
		json_decref(list);
		if (json_array_size(rows) >= LIST_ROWS_MAX || bytes >= LIST_BYTES_MAX)
			break;
	}
	if (result < 0) {
		json_decref(columns);
		json_decref(rows);
		return refuse_store(table, result);
	}
	return end_page(json_pack("{s:b, s:s, s:o, s:o}", "ok", 1, "name", table->name, "columns",
				columns, "rows", rows),
		cursor, result == 1);
}

static json_t *list_all(struct server *server, const struct party_table *table,
	const json_t *request, struct server_time now)
{
	struct party_change change;
	union party_cursor cursor;
	const char *user = text_of(request, "user");
	uint64_t eui;

	if (*user != '\0' && strcmp(user, "all") != 0 &&
		duis_eui_parse(user, strlen(user), &eui) != 0)
		return command_refuse("\"user\" is not an EUI-64");
	if (!read_cursor(request, &cursor))
		return command_refuse("\"after\" is no cursor");
	json_t *reply = begin(server, now, false, &change);
	if (reply != NULL)
		return reply;
	reply = list_rows(&change, table, user, &cursor);
	store_abandon(change.change);
	return reply;
}

/* One row; of a user his certificates and thresholds, too. */
static json_t *show_one(struct server *server, const struct party_table *table,
	const json_t *request, struct server_time now)
{
	struct party_change change;
	struct table_fault fault;
	struct table_row row;
	union party_row key = {0};
	union party_row found;
	size_t bytes = 0;
	const char *wrong = read_row(table, request, &row);
	json_t *reply = wrong != NULL ? command_refuse(wrong) : begin(server, now, false, &change);

	if (reply != NULL)
		return reply;
	int result = table->key(&row, &key, &fault);
	if (result == 0)
		result = table->get(&change, &key, &found);
	if (result == -ENOENT)
		result = table_wrong(&row, -1, &fault, "there is none with this key");
	if (result == 0) {
		json_t *columns = list_columns(table);
		json_t *list = list_row(&change, table, &found, json_array_size(columns), &bytes);

		reply = json_pack("{s:b, s:s, s:o, s:[o]}", "ok", 1, "name", table->name, "columns",
			columns, "rows", list);
	}
	if (result == 0 && table == &party_users) {
		const char *eui = json_string_value(
			json_array_get(json_array_get(json_object_get(reply, "rows"), 0), 0));
		union party_cursor certificates = {0};
		union party_cursor thresholds = {0};

		json_object_set_new(reply, "certificates",
			list_rows(&change, &party_certificates, eui, &certificates));
		json_object_set_new(reply, "thresholds",
			list_rows(&change, &party_thresholds, eui, &thresholds));
	}
	store_abandon(change.change);
	if (result == -EINVAL)
		return refuse_fault(table, &fault);
	return result != 0 ? refuse_store(table, result) : reply;
}

static json_t *run(struct server *server, const struct party_table *table, const json_t *request,
	struct server_time now)
{
	const char *action = text_of(request, "action");

	if (strcmp(action, "add") == 0 || strcmp(action, "change") == 0 ||
		strcmp(action, "set") == 0)
		return put_one(server, table, request, now);
	if (strcmp(action, "remove") == 0 && table->remove != NULL)
		return remove_one(server, table, request, now);
	if (strcmp(action, "show") == 0)
		return show_one(server, table, request, now);
	if (strcmp(action, "list") == 0)
		return list_all(server, table, request, now);
	if (strcmp(action, "import") == 0)
		return import_rows(server, table, request, now);
	if (strcmp(action, "export") == 0)
		return export_rows(server, table, request, now);
	return command_refuse("\"action\" is not one of this command");
}

/* ---- withdrawing certificates ---- */

/* Find the certificate whose fingerprint begins with `mark`. 0, -ENOENT, -EEXIST: several. */
static int find_certificate(
	const struct party_change *change, const char *mark, struct store_certificate *found)
{
	struct store_certificate row;
	uint8_t cursor[32] = {0};
	char text[65];
	int count = 0;
	int result;

	while ((result = store_certificate_next(change->change, cursor, &row)) == 1) {
		for (int i = 0; i < 32; i++)
			snprintf(text + 2 * i, 3, "%02x", cursor[i]);
		if (strncasecmp(text, mark, strlen(mark)) == 0 && count++ == 0)
			*found = row;
	}
	return result < 0 ? result : count == 0 ? -ENOENT : count > 1 ? -EEXIST : 0;
}

static json_t *withdraw(struct server *server, const json_t *request, struct server_time now)
{
	const char *mark = text_of(request, "fingerprint");
	struct store_certificate row;
	struct party_change change;

	if (strlen(mark) < 8 || strlen(mark) > 64 ||
		strspn(mark, "0123456789abcdefABCDEF") != strlen(mark))
		return command_refuse("\"fingerprint\" is not 8 to 64 hexadecimal digits");
	json_t *refusal = begin(server, now, true, &change);
	if (refusal != NULL)
		return refusal;
	int result = find_certificate(&change, mark, &row);
	if (result == -ENOENT || result == -EEXIST) {
		store_abandon(change.change);
		return command_refuse(result == -ENOENT
					      ? "no certificate has this fingerprint"
					      : "several certificates have fingerprints that "
						"begin so; give more digits");
	}
	bool changes = result == 0 && !row.withdrawn;
	if (changes) {
		row.withdrawn = true;
		row.origin = STORE_ORIGIN_OPERATOR;
		result = store_certificate_put(change.change, &row);
	}
	refusal = finish(server, &party_certificates, &change, result == 0 ? changes : result);
	return refusal != NULL ? refusal : json_pack("{s:b, s:b}", "ok", 1, "changed", changes);
}

json_t *command_user(struct server *server, const json_t *request, struct server_time now)
{
	return run(server, &party_users, request, now);
}

json_t *command_certificate(struct server *server, const json_t *request, struct server_time now)
{
	if (strcmp(text_of(request, "action"), "withdraw") == 0)
		return withdraw(server, request, now);
	return run(server, &party_certificates, request, now);
}

json_t *command_organisation(struct server *server, const json_t *request, struct server_time now)
{
	return run(server, &party_organisations, request, now);
}

json_t *command_provider(struct server *server, const json_t *request, struct server_time now)
{
	return run(server, &party_providers, request, now);
}

json_t *command_threshold(struct server *server, const json_t *request, struct server_time now)
{
	return run(server, &party_thresholds, request, now);
}
