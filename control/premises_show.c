/* SPDX-License-Identifier: Apache-2.0 */
#include "control/premises_show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/bulk_row.h"
#include "control/command.h"
#include "control/settlement_day.h"
#include "dataplane/duis/identifier.h"

static const char *const use_names[] = {"", "import", "secondary-import", "export", "gas"};
static const char *const kind_names[] = {"", "supplier", "network", "MDR", "SNA"};

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text[0] != '\0')
		json_object_set_new(object, name, json_string(text));
}

static json_t *row_json(const struct csv_column *columns, int count, char (*texts)[BULK_TEXT_SIZE])
{
	json_t *row = json_object();

	for (int i = 0; i < count; i++)
		set_text(row, columns[i].name, texts[i]);
	return row;
}

/* A day as a date; one beyond what can be said (the beginning, the end) is left out. */
static void set_day(json_t *object, const char *name, int32_t day)
{
	char text[SETTLEMENT_DATE_SIZE];

	if (day < 0 || day > SETTLEMENT_DAY_MAX)
		return;
	settlement_format_date(day, text);
	json_object_set_new(object, name, json_string(text));
}

static json_t *timeline_json(struct store_change *snapshot, const struct mpxn *mpxn)
{
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	size_t count = mpxn_timeline(mpxn, intervals);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		struct store_organisation organisation = {0};
		json_t *interval = json_object();

		store_organisation_get(snapshot, intervals[i].organisation, &organisation);
		json_object_set_new(interval, "is", json_string(kind_names[intervals[i].kind]));
		json_object_set_new(interval, "mpid",
			json_string(organisation.mpid[0] != '\0' ? organisation.mpid
								 : organisation.name));
		set_day(interval, "from", intervals[i].from_day);
		set_day(interval, "to", intervals[i].to_day);
		json_array_append_new(list, interval);
	}
	return list;
}

static json_t *mpxn_json(struct store_change *snapshot, const struct mpxn *mpxn, uint8_t use)
{
	char number[24];
	char eui[DUIS_EUI_TEXT_SIZE];
	json_t *object = json_object();
	json_t *devices = json_array();

	snprintf(number, sizeof(number), "%" PRIu64, mpxn->number);
	json_object_set_new(object, "mpxn", json_string(number));
	set_text(object, "use", use_names[use]);
	for (unsigned i = 0; i < mpxn->device_count; i++) {
		duis_eui_format(mpxn->devices[i].device_id, eui);
		json_array_append_new(devices, json_pack("{s:s, s:s}", "device_id", eui, "use",
						       use_names[mpxn->devices[i].use]));
	}
	json_object_set_new(object, "devices", devices);
	json_object_set_new(object, "timeline", timeline_json(snapshot, mpxn));
	return object;
}

/* 0 and *reply, or -errno. */
static int show_device(struct store_change *snapshot, uint64_t device_id, json_t **reply)
{
	char texts[CSV_COLUMNS_MAX][BULK_TEXT_SIZE];
	struct store_link links[STORE_LINKS_MAX];
	struct store_device device;
	struct mpxn mpxn;
	int result = store_device_get(snapshot, device_id, &device);

	if (result != 0)
		return result;
	for (int i = 0; i < bulk_device_column_count; i++)
		bulk_device_text(&device, i, texts[i]);
	json_t *mpxns = json_array();
	int count = store_device_links(&device.device, links);
	for (int i = 0; i < count; i++)
		if (store_mpxn_get(snapshot, links[i].number, &mpxn) == 0)
			json_array_append_new(mpxns, mpxn_json(snapshot, &mpxn, links[i].use));
	*reply = json_pack("{s:b, s:o, s:o}", "ok", 1, "row",
		row_json(bulk_device_columns, bulk_device_column_count, texts), "mpxns", mpxns);
	return 0;
}

static int show_mpxn(
	struct store_change *snapshot, enum bulk_table table, uint64_t number, json_t **reply)
{
	char texts[CSV_COLUMNS_MAX][BULK_TEXT_SIZE];
	int columns_count;
	const struct csv_column *columns = bulk_columns(table, &columns_count);
	struct bulk_name name = {0};
	struct mpxn mpxn;
	int result = store_mpxn_get(snapshot, number, &mpxn);

	if (result != 0)
		return result;
	json_t *rows = json_array();
	for (unsigned i = 0; i < mpxn.event_count; i++) {
		const struct mpxn_event *event = &mpxn.events[i];

		if ((event->type == MPXN_APPOINTMENT) != (table == BULK_APPOINTMENTS))
			continue;
		/* What has no MPID is shown without. */
		result = bulk_event_texts(snapshot, number, event, &name, texts);
		if (result == -EIO) {
			json_decref(rows);
			return result;
		}
		json_array_append_new(rows, row_json(columns, columns_count, texts));
	}
	*reply = json_pack(
		"{s:b, s:o, s:[o]}", "ok", 1, "rows", rows, "mpxns", mpxn_json(snapshot, &mpxn, 0));
	return 0;
}

json_t *premises_show(struct store *store, enum bulk_table table, const char *id)
{
	bool device = table == BULK_DEVICES;
	json_t *reply = NULL;
	uint64_t key = 0;
	char *end = NULL;

	if (id != NULL && device && duis_eui_parse(id, strlen(id), &key) != 0)
		key = 0;
	if (id != NULL && !device && id[0] >= '0' && id[0] <= '9') {
		key = strtoull(id, &end, 10);
		key = *end == '\0' ? key : 0;
	}
	if (key == 0)
		return command_refuse(device ? "not an EUI-64 such as 00-DB-12-34-56-78-90-A0"
					     : "not the number of an MPxN");
	struct store_change *snapshot = store_snapshot(store);
	int result = snapshot == NULL ? -errno
		     : device	      ? show_device(snapshot, key, &reply)
				      : show_mpxn(snapshot, table, key, &reply);
	store_abandon(snapshot);
	if (result == -ENOENT)
		return command_refuse(
			device ? "there is no such device" : "nothing is known of it");
	return result == 0 ? reply : command_refuse_store("it cannot be read", result);
}
