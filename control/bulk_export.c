/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as text. What a load reads is what is written here. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/bulk_load.h"
#include "control/settlement_day.h"

#define SNAPSHOT_ROWS 20000

struct export
{
	struct store_change *snapshot;
	FILE *out;
	bool json;
	int64_t lines;
	struct bulk_name name;
};

static void write_header(const struct export *export, const struct csv_column *columns, int count)
{
	for (int i = 0; i < count && !export->json; i++)
		fprintf(export->out, "%s%c", columns[i].name, i + 1 < count ? ',' : '\n');
}

/* A line of texts; a JSON line leaves out what is empty. */
static void write_line(struct export *export, const struct csv_column *columns,
	char (*texts)[BULK_TEXT_SIZE], int count)
{
	char between = '{';

	for (int i = 0; i < count; i++) {
		if (!export->json) {
			csv_write(export->out, texts[i]);
			fputc(i + 1 < count ? ',' : '\n', export->out);
			continue;
		}
		if (texts[i][0] == '\0')
			continue;
		fprintf(export->out, "%c\"%s\":", between, columns[i].name);
		csv_write_json(export->out, texts[i]);
		between = ',';
	}
	if (export->json)
		fputs("}\n", export->out);
	export->lines++;
}

/* One row more. Returns 1, 0 at the end, or -errno. */
static int write_next(struct export *export, enum bulk_table table, uint64_t *cursor)
{
	char texts[CSV_COLUMNS_MAX][BULK_TEXT_SIZE];
	struct store_device device;
	struct mpxn mpxn;
	int count;
	const struct csv_column *columns = bulk_columns(table, &count);
	int result;

	if (*cursor == 0)
		write_header(export, columns, count);
	if (table == BULK_DEVICES) {
		result = store_device_next(export->snapshot, cursor, &device);
		for (int i = 0; result == 1 && i < count; i++)
			bulk_device_text(&device, i, texts[i]);
		if (result == 1)
			write_line(export, columns, texts, count);
		return result;
	}
	result = store_mpxn_next(export->snapshot, cursor, &mpxn);
	for (unsigned i = 0; result == 1 && i < mpxn.event_count; i++) {
		const struct mpxn_event *event = &mpxn.events[i];

		if ((event->type == MPXN_APPOINTMENT) != (table == BULK_APPOINTMENTS))
			continue;
		int failed = bulk_event_texts(
			export->snapshot, mpxn.number, event, &export->name, texts);
		if (failed != 0)
			return failed;
		write_line(export, columns, texts, count);
	}
	return result;
}

int64_t bulk_export(struct store *store, enum bulk_table table, bool json, FILE *out)
{
	struct export export = {.out = out, .json = json};
	uint64_t cursor = 0;
	int result = 1;

	while (result == 1) {
		export.snapshot = store_snapshot(store);
		if (export.snapshot == NULL)
			return -errno;
		for (int i = 0; i < SNAPSHOT_ROWS && result == 1; i++)
			result = write_next(&export, table, &cursor);
		store_abandon(export.snapshot);
		if (ferror(out))
			result = -EIO;
	}
	if (result == 0 && fflush(out) != 0)
		result = -EIO;
	return result < 0 ? result : export.lines;
}
