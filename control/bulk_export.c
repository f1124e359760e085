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
	uint32_t organisation; /* whose id is in `mpid` */
	char mpid[STORE_MPID_SIZE];
	int failed;
};

static void write_header(const struct export *export, const char *const *names, int count)
{
	for (int i = 0; i < count && !export->json; i++)
		fprintf(export->out, "%s%c", names[i], i + 1 < count ? ',' : '\n');
}

/* A line of texts; a JSON line leaves out what is empty. */
static void write_line(
	struct export *export, const char *const *names, char (*texts)[MW_URL_SIZE], int count)
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
		fprintf(export->out, "%c\"%s\":", between, names[i]);
		csv_write_json(export->out, texts[i]);
		between = ',';
	}
	if (export->json)
		fputs("}\n", export->out);
	export->lines++;
}

static void write_device(
	struct export *export, const char *const *names, const struct store_device *device)
{
	char texts[CSV_COLUMNS_MAX][MW_URL_SIZE];

	for (int i = 0; i < bulk_device_column_count; i++)
		bulk_device_text(device, i, texts[i]);
	write_line(export, names, texts, bulk_device_column_count);
}

static const char *mpid_of(struct export *export, uint32_t number)
{
	struct store_organisation organisation;

	if (number == 0)
		return "";
	if (number == export->organisation)
		return export->mpid;
	int result = store_organisation_get(export->snapshot, number, &organisation);
	if (result != 0 || organisation.mpid[0] == '\0') {
		/* Only an MPID names an organisation in a file. */
		export->failed = result != 0 && result != -ENOENT ? result : -ENODATA;
		return "";
	}
	export->organisation = number;
	memcpy(export->mpid, organisation.mpid, sizeof(export->mpid));
	return export->mpid;
}

/* In the order of the columns of a file that a person would write. */
static const char *const registration_names[] = {
	"mpxn", "kind", "mpid", "from", "created_ms", "message"};
static const char *const appointment_names[] = {
	"mpxn", "role", "mpid", "efd", "etd", "supplier", "created_ms", "message"};

static void write_day(struct export *export, int32_t day, char text[MW_URL_SIZE])
{
	if (day < 0 || day > SETTLEMENT_DAY_MAX)
		export->failed = -ERANGE;
	else
		settlement_format_date(day, text);
}

static void write_event(
	struct export *export, bool appointments, uint64_t number, const struct mpxn_event *event)
{
	char texts[CSV_COLUMNS_MAX][MW_URL_SIZE] = {0};
	int at = 4;

	snprintf(texts[0], MW_URL_SIZE, "%" PRIu64, number);
	snprintf(texts[1], MW_URL_SIZE, "%s",
		appointments ? bulk_appointment_words[event->role]
			     : bulk_registration_words[event->type]);
	snprintf(texts[2], MW_URL_SIZE, "%s", mpid_of(export, event->organisation));
	write_day(export, event->from_day, texts[3]);
	if (appointments) {
		if (event->to_day != MPXN_OPEN_DAY)
			write_day(export, event->to_day, texts[4]);
		snprintf(texts[5], MW_URL_SIZE, "%s", mpid_of(export, event->supplier));
		at = 6;
	}
	if (event->created_ms != 0)
		snprintf(texts[at], MW_URL_SIZE, "%" PRIu64, event->created_ms);
	if (event->message != 0)
		snprintf(texts[at + 1], MW_URL_SIZE, "%016" PRIx64, event->message);
	write_line(export, appointments ? appointment_names : registration_names, texts, at + 2);
}

/* One row more. Returns 1, 0 at the end, or -errno. */
static int write_next(struct export *export, enum bulk_table table, uint64_t *cursor)
{
	bool appointments = table == BULK_APPOINTMENTS;
	const char *names[CSV_COLUMNS_MAX];
	struct store_device device;
	struct mpxn mpxn;
	int result;

	if (table == BULK_DEVICES) {
		for (int i = 0; i < bulk_device_column_count; i++)
			names[i] = bulk_device_columns[i].name;
		if (*cursor == 0)
			write_header(export, names, bulk_device_column_count);
		result = store_device_next(export->snapshot, cursor, &device);
		if (result == 1)
			write_device(export, names, &device);
		return result;
	}
	if (*cursor == 0)
		write_header(export, appointments ? appointment_names : registration_names,
			appointments ? 8 : 6);
	result = store_mpxn_next(export->snapshot, cursor, &mpxn);
	for (unsigned i = 0; result == 1 && i < mpxn.event_count; i++)
		if ((mpxn.events[i].type == MPXN_APPOINTMENT) == appointments)
			write_event(export, appointments, mpxn.number, &mpxn.events[i]);
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
		for (int i = 0; i < SNAPSHOT_ROWS && result == 1; i++) {
			result = write_next(&export, table, &cursor);
			if (result >= 0 && export.failed != 0)
				result = export.failed;
		}
		store_abandon(export.snapshot);
		if (ferror(out))
			result = -EIO;
	}
	if (result == 0 && fflush(out) != 0)
		result = -EIO;
	return result < 0 ? result : export.lines;
}
