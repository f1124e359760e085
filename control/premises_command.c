/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `device`, `registration` and `appointment`: rows in and out, as table_chunk.h has it. Each chunk
 * of an import is one change: durable and in the registry image before it is answered. Lists are
 * read in short snapshots, a page for each command.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/premises.h"
#include "control/premises_show.h"
#include "control/settlement_day.h"
#include "control/table_chunk.h"
#include "dataplane/duis/identifier.h"

#define PAGE_ROWS_MAX 5000
#define PAGE_VISITS_MAX 20000 /* rows looked at for a page; it may then be short */
#define FOUND_MAX 2048	      /* devices of one MPxN, UPRN or postcode */

static const char *text_of(const json_t *request, const char *name)
{
	return json_string_value(json_object_get(request, name));
}

int command_commit(struct server *server, struct store_change *change, uint64_t *number)
{
	int result = store_commit(change, number);

	/* Does nothing when the image is at the store's last change. */
	return result == 0 && server->mirror != NULL ? mirror_update(server->mirror) : result;
}

json_t *command_refuse_store(const char *what, int error)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(-error));
	return command_refuse(text);
}

/* ---- pages of a table ---- */

struct page {
	struct store_change *snapshot;
	enum bulk_table table;
	enum table_format format;
	const struct csv_column *columns;
	int column_count;
	FILE *out;
	char *text;
	size_t length;
	uint64_t rows;
	uint64_t rows_max;
	uint64_t cursor;
	const char *provider; /* devices of this one only; NULL: of all */
	struct bulk_name name;
};

static void write_row(struct page *page, char (*texts)[BULK_TEXT_SIZE])
{
	const char *fields[CSV_COLUMNS_MAX];

	for (int i = 0; i < page->column_count; i++)
		fields[i] = texts[i][0] != '\0' ? texts[i] : NULL;
	table_write_row(page->out, page->format, page->columns, page->column_count, fields);
	page->rows++;
}

static void write_device(struct page *page, const struct store_device *device)
{
	char texts[CSV_COLUMNS_MAX][BULK_TEXT_SIZE];

	for (int i = 0; i < page->column_count; i++)
		bulk_device_text(device, i, texts[i]);
	write_row(page, texts);
}

static int write_events(struct page *page, const struct mpxn *mpxn)
{
	char texts[CSV_COLUMNS_MAX][BULK_TEXT_SIZE];

	for (unsigned i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *event = &mpxn->events[i];

		if ((event->type == MPXN_APPOINTMENT) != (page->table == BULK_APPOINTMENTS))
			continue;
		int result =
			bulk_event_texts(page->snapshot, mpxn->number, event, &page->name, texts);
		if (result != 0)
			return result;
		write_row(page, texts);
	}
	return 0;
}

/* Fill the page from behind its cursor: 1: there may be more, 0: that was all, or -errno. */
static int fill_page(struct page *page)
{
	struct store_device device;
	struct mpxn mpxn;
	int result = 1;

	for (int visits = 0; result == 1; visits++) {
		fflush(page->out);
		if (visits == PAGE_VISITS_MAX || page->rows >= page->rows_max ||
			page->length >= TABLE_EXPORT_BYTES)
			return 1;
		if (page->table == BULK_DEVICES) {
			result = store_device_next(page->snapshot, &page->cursor, &device);
			if (result == 1 &&
				(page->provider == NULL ||
					strcmp(page->provider, device.device.provider) == 0))
				write_device(page, &device);
			continue;
		}
		result = store_mpxn_next(page->snapshot, &page->cursor, &mpxn);
		if (result == 1) {
			int written = write_events(page, &mpxn);

			if (written != 0)
				return written;
		}
	}
	return result;
}

/* The devices with a second key: 1: found by one, 0: none is asked for, or -errno. */
static int fill_found(struct page *page, const json_t *request)
{
	const char *mpxn = text_of(request, "mpxn");
	const char *uprn = text_of(request, "uprn");
	const char *post_code = text_of(request, "post_code");
	uint64_t ids[FOUND_MAX];
	struct store_device device;
	size_t count = 0;

	if (mpxn == NULL && uprn == NULL && post_code == NULL)
		return 0;
	if (mpxn != NULL)
		count = store_devices_by_mpxn(
			page->snapshot, strtoull(mpxn, NULL, 10), ids, FOUND_MAX);
	else if (uprn != NULL)
		count = store_devices_by_uprn(
			page->snapshot, strtoull(uprn, NULL, 10), ids, FOUND_MAX);
	else
		count = store_devices_by_post_code(page->snapshot, post_code, ids, FOUND_MAX);
	for (size_t i = 0; i < count && i < FOUND_MAX; i++) {
		int result = store_device_get(page->snapshot, ids[i], &device);

		if (result != 0)
			return result;
		if (page->provider == NULL || strcmp(page->provider, device.device.provider) == 0)
			write_device(page, &device);
	}
	return 1;
}

static bool parse_cursor(enum bulk_table table, const char *text, uint64_t *cursor)
{
	char *end;

	*cursor = 0;
	if (text == NULL || text[0] == '\0')
		return true;
	if (table == BULK_DEVICES)
		return duis_eui_parse(text, strlen(text), cursor) == 0;
	*cursor = strtoull(text, &end, 10);
	return *end == '\0' && text[0] >= '0' && text[0] <= '9';
}

static json_t *page_reply(struct page *page, bool more)
{
	char after[DUIS_EUI_TEXT_SIZE] = "";
	json_t *reply = json_pack("{s:b, s:I, s:o}", "ok", 1, "rows", (json_int_t)page->rows,
		"text", json_stringn(page->text, page->length));

	if (reply == NULL)
		return command_refuse("a row of the store is no text in UTF-8");
	if (!more)
		return reply;
	if (page->table == BULK_DEVICES)
		duis_eui_format(page->cursor, after);
	else
		snprintf(after, sizeof(after), "%" PRIu64, page->cursor);
	json_object_set_new(reply, "after", json_string(after));
	return reply;
}

/* The second keys of devices. NULL, or what is wrong with them. */
static const char *check_second_keys(const json_t *request)
{
	static const char *const names[] = {"mpxn", "uprn", "post_code"};
	int count = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = text_of(request, names[i]);

		count += text != NULL ? 1 : 0;
		if (text != NULL && i < 2 &&
			(text[0] == '\0' || text[strspn(text, "0123456789")] != '\0'))
			return "\"mpxn\" and \"uprn\" are digits";
	}
	return count > 1 ? "one of \"mpxn\", \"uprn\" and \"post_code\" is wanted" : NULL;
}

/* What the request wants of the table. NULL, or what is wrong with it. */
static const char *read_page(const json_t *request, struct page *page)
{
	const json_t *limit = json_object_get(request, "limit");

	page->rows_max = json_is_integer(limit) ? (uint64_t)json_integer_value(limit) : UINT64_MAX;
	if (limit != NULL && (page->rows_max < 1 || page->rows_max > PAGE_ROWS_MAX))
		return "\"limit\" is 1 to 5000 rows";
	if (json_object_get(request, "format") != NULL &&
		!table_chunk_format(request, &page->format))
		return "\"format\" is csv or jsonl";
	if (!parse_cursor(page->table, text_of(request, "after"), &page->cursor))
		return "\"after\" is not the key of a row";
	page->provider = text_of(request, "provider");
	page->columns = bulk_columns(page->table, &page->column_count);
	return check_second_keys(request);
}

/* Write the page: 1: there may be more, 0: that was all, or -errno. */
static int write_page(struct page *page, const json_t *request)
{
	page->out = open_memstream(&page->text, &page->length);
	if (page->out == NULL)
		return -ENOMEM;
	if (page->cursor == 0)
		table_write_header(page->out, page->format, page->columns, page->column_count);
	int result = page->table == BULK_DEVICES ? fill_found(page, request) : 0;
	if (result == 0)
		result = fill_page(page);
	else if (result == 1)
		result = 0;
	return fclose(page->out) != 0 && result >= 0 ? -ENOMEM : result;
}

static json_t *run_list(struct server *server, const json_t *request, enum bulk_table table)
{
	struct page page = {.table = table};
	const char *wrong = read_page(request, &page);

	if (wrong != NULL)
		return command_refuse(wrong);
	page.snapshot = store_snapshot(server->services.store);
	if (page.snapshot == NULL)
		return command_refuse_store("the store cannot be read", -errno);
	int result = write_page(&page, request);
	json_t *reply = result < 0 ? command_refuse_store("the rows cannot be written", result)
				   : page_reply(&page, result == 1);
	store_abandon(page.snapshot);
	free(page.text);
	return reply;
}

/* ---- rows that come in ---- */

struct intake {
	struct premises premises;
	struct table_reader reader;
	struct table_outcome outcome;
	uint64_t overruled;
};

/* Put all rows. 0, or -errno of the store. */
static int put_rows(struct intake *intake)
{
	struct table_outcome *outcome = &intake->outcome;
	struct table_row *row = malloc(sizeof(*row));
	struct table_fault fault;
	int result;

	if (row == NULL)
		return -ENOMEM;
	while ((result = table_next(&intake->reader, row, &fault)) != 0) {
		outcome->rows++;
		if (result == 1)
			result = premises_put(&intake->premises, row, &fault);
		if (result == -EINVAL)
			table_outcome_wrong(outcome, &fault);
		else if (result < 0)
			break;
		outcome->written += result == PREMISES_WRITTEN;
		outcome->unchanged += result == PREMISES_UNCHANGED;
		intake->overruled += result == PREMISES_OVERRULED;
	}
	free(row);
	return result;
}

/* Which columns the first line names. */
static uint32_t given_columns(const struct table_reader *reader)
{
	uint32_t given = 0;

	for (int i = 0; i < reader->file.field_count; i++)
		given |= 1u << reader->file.order[i];
	return given;
}

/* Take the lines into a change, and commit it unless a line is wrong or it is only a look. 0 or
 * -errno. */
static int take_lines(struct server *server, struct intake *intake, bool look_only)
{
	struct store_change *change = store_begin(server->services.store);
	uint64_t number;

	if (change == NULL)
		return -errno;
	intake->premises.given = given_columns(&intake->reader);
	int result = premises_begin(&intake->premises, change);
	if (result == 0)
		result = put_rows(intake);
	if (result == 0 && intake->outcome.wrong == 0 && !look_only)
		return command_commit(server, change, &number);
	store_abandon(change);
	return result;
}

/* The columns of the table; to set some of a row, only its key is required. */
static int name_columns(
	enum bulk_table table, enum premises_mode mode, struct csv_column columns[CSV_COLUMNS_MAX])
{
	int count;
	const struct csv_column *all = bulk_columns(table, &count);

	for (int i = 0; i < count; i++) {
		columns[i] = all[i];
		columns[i].required &= mode != PREMISES_SET || i == 0;
	}
	return count;
}

static json_t *run_put(struct server *server, const json_t *request, enum bulk_table table,
	enum premises_mode mode, int64_t now_ms)
{
	struct intake intake = {
		.premises = {.table = table, .mode = mode, .now_ms = now_ms},
	};
	struct table_source source;
	struct table_fault fault;
	struct csv_column columns[CSV_COLUMNS_MAX];
	int count = name_columns(table, mode, columns);
	const char *wrong = table_chunk_read(request, &source);

	if (wrong != NULL)
		return command_refuse(wrong);
	int result = table_open(&intake.reader, &source, columns, count, &fault);
	if (result == -EINVAL)
		table_outcome_wrong(&intake.outcome, &fault);
	if (result == 0) {
		result = take_lines(
			server, &intake, json_is_true(json_object_get(request, "check")));
		table_close(&intake.reader);
	}
	if (result != 0 && result != -EINVAL) {
		json_decref(intake.outcome.faults);
		return command_refuse_store("the rows are not taken", result);
	}
	json_t *reply = table_outcome_reply(&intake.outcome);
	json_object_set_new(reply, "overruled", json_integer((json_int_t)intake.overruled));
	return reply;
}

/* ---- single rows ---- */

static json_t *run_remove(struct server *server, const json_t *request)
{
	const char *id = text_of(request, "id");
	uint64_t device_id;
	uint64_t number;

	if (id == NULL || duis_eui_parse(id, strlen(id), &device_id) != 0)
		return command_refuse("\"id\" is not an EUI-64 such as 00-DB-12-34-56-78-90-A0");
	struct store_change *change = store_begin(server->services.store);
	if (change == NULL)
		return command_refuse_store("the store cannot be changed", -errno);
	int result = premises_remove_device(change, device_id);
	if (result == 0)
		result = command_commit(server, change, &number);
	else
		store_abandon(change);
	if (result == -ENOENT)
		return command_refuse("there is no such device");
	if (result == -EPERM)
		return command_refuse("it stands in the file of devices, which would bring it "
				      "back: take it out of there");
	return result == 0 ? json_pack("{s:b}", "ok", 1)
			   : command_refuse_store("it is not removed", result);
}

/* NULL, or what is wrong with the request. */
static const char *read_end(const json_t *request, struct premises_end *end)
{
	const char *mpxn = text_of(request, "mpxn");
	const char *role = text_of(request, "role");
	const char *from = text_of(request, "efd");
	const char *to = text_of(request, "etd");

	if (mpxn == NULL || !parse_cursor(BULK_APPOINTMENTS, mpxn, &end->mpxn) || end->mpxn == 0)
		return "\"mpxn\" is not the number of an MPxN";
	end->role = role != NULL ? premises_role(role) : MPXN_ROLE_NONE;
	if (end->role == MPXN_ROLE_NONE)
		return "a role is MDR, SNA or supplier";
	if (to == NULL || settlement_parse_date(to, strlen(to), &end->to_day) != 0)
		return "\"etd\" is not a date such as 2024-03-04";
	end->by_from_day = from != NULL;
	if (from != NULL && settlement_parse_date(from, strlen(from), &end->from_day) != 0)
		return "\"efd\" is not a date such as 2024-03-04";
	return NULL;
}

static json_t *run_end(struct server *server, const json_t *request, int64_t now_ms)
{
	struct premises_end end = {.now_ms = now_ms};
	const char *wrong = read_end(request, &end);
	uint64_t number;

	if (wrong != NULL)
		return command_refuse(wrong);
	struct store_change *change = store_begin(server->services.store);
	if (change == NULL)
		return command_refuse_store("the store cannot be changed", -errno);
	int result = premises_end_appointment(change, &end);
	bool written = result == PREMISES_WRITTEN;
	if (result >= 0)
		result = command_commit(server, change, &number);
	else
		store_abandon(change);
	if (result == -ENOENT)
		return command_refuse("nobody has this role there on the day before, or no "
				      "appointment begins on the day that is said");
	if (result == -ERANGE)
		return command_refuse("the appointment begins after that day");
	return result == 0 ? json_pack("{s:b, s:i}", "ok", 1, "written", written)
			   : command_refuse_store("it is not ended", result);
}

static json_t *run(
	struct server *server, const json_t *request, enum bulk_table table, struct server_time now)
{
	const char *action = text_of(request, "action");

	if (action == NULL)
		return command_refuse("\"action\" is missing");
	if (strcmp(action, "show") == 0)
		return premises_show(server->services.store, table, text_of(request, "id"));
	if (strcmp(action, "list") == 0 || strcmp(action, "export") == 0)
		return run_list(server, request, table);
	if (strcmp(action, "import") == 0)
		return run_put(server, request, table, PREMISES_IMPORT, now.wall_ms);
	if (strcmp(action, "add") == 0)
		return run_put(server, request, table, PREMISES_ADD, now.wall_ms);
	if (strcmp(action, "set") == 0 && table == BULK_DEVICES)
		return run_put(server, request, table, PREMISES_SET, now.wall_ms);
	if (strcmp(action, "remove") == 0 && table == BULK_DEVICES)
		return run_remove(server, request);
	if (strcmp(action, "end") == 0 && table == BULK_APPOINTMENTS)
		return run_end(server, request, now.wall_ms);
	return command_refuse("\"action\" is not one of this table");
}

json_t *command_device(struct server *server, const json_t *request, struct server_time now)
{
	return run(server, request, BULK_DEVICES, now);
}

json_t *command_registration(struct server *server, const json_t *request, struct server_time now)
{
	return run(server, request, BULK_REGISTRATIONS, now);
}

json_t *command_appointment(struct server *server, const json_t *request, struct server_time now)
{
	return run(server, request, BULK_APPOINTMENTS, now);
}
