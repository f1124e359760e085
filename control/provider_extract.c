/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole is a walk over all devices, passing over those of others. What changed comes from the
 * store's log of changed devices, which serves the registry image too; a device that is no longer
 * the provider's is told as one without appointments, and devices of others are not told at all.
 */
#include "control/provider_extract.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/calendar.h"
#include "dataplane/duis/identifier.h"

#define DAY_S 86400

enum extract_column {
	EXTRACT_DEVICE,
	EXTRACT_MPAN,
	EXTRACT_USE,
	EXTRACT_MPID,
	EXTRACT_EFD,
	EXTRACT_ETD,
	EXTRACT_FROM,
	EXTRACT_TO,
	EXTRACT_CURSOR,
	EXTRACT_COLUMNS,
};

static const struct csv_column columns[] = {
	{"device_id", true},
	{"mpan", true},
	{"use", true},
	{"mpid", true},
	{"efd", true},
	{"etd", true},
	{"from", true},
	{"to", true},
	{"cursor", true},
};

static const char *const use_names[] = {NULL, "import", "secondary-import", "export", NULL};

/* ---- the cursor: number of a change, and the store that counted it ---- */

static void write_cursor(struct provider_extract *extract, uint64_t change)
{
	snprintf(extract->cursor, sizeof(extract->cursor), "%" PRIu64 "-%016" PRIx64, change,
		store_id(extract->store));
}

/* 0, -EINVAL, or -ESTALE: of another store. */
static int read_cursor(const struct provider_extract *extract, const char *text, uint64_t *change)
{
	char *end;

	errno = 0;
	*change = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || errno != 0)
		return -EINVAL;
	if (*end == '\0')
		return 0;
	if (*end != '-' || strlen(end + 1) != 16 || strspn(end + 1, "0123456789abcdef") != 16)
		return -EINVAL;
	return strtoull(end + 1, NULL, 16) == store_id(extract->store) ? 0 : -ESTALE;
}

/* ---- beginning ---- */

static int find_provider(
	struct store_change *snapshot, const char *name, struct provider_extract *extract)
{
	struct store_provider provider;
	int64_t cursor = -1;
	int result;

	while ((result = store_provider_next(snapshot, &cursor, &provider)) == 1) {
		if (strcmp(provider.provider.name, name) != 0)
			continue;
		extract->provider_id = provider.provider.id;
		return provider.provider.kind == MW_PROVIDER_S1SP ? 0 : -EPERM;
	}
	return result == 0 ? -ENOENT : result;
}

static int compare_numbers(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* Sort and keep each once; returns how many are left, in memory of that size. */
static size_t tidy(uint64_t **ids, size_t count)
{
	size_t kept = 0;

	if (count > 0)
		qsort(*ids, count, sizeof(**ids), compare_numbers);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || (*ids)[i] != (*ids)[i - 1])
			(*ids)[kept++] = (*ids)[i];
	uint64_t *smaller = realloc(*ids, (kept + 1) * sizeof(**ids));
	*ids = smaller != NULL ? smaller : *ids;
	return kept;
}

static int find_changes(
	struct store_change *snapshot, uint64_t since, struct provider_extract *extract)
{
	uint64_t next = since;

	extract->is_changes = true;
	extract->changed = malloc(STORE_LOG_ENTRIES_MAX * sizeof(*extract->changed));
	extract->left = malloc(STORE_LOG_ENTRIES_MAX * sizeof(*extract->left));
	if (extract->changed == NULL || extract->left == NULL)
		return -ENOMEM;
	int64_t count =
		store_changes_since(snapshot, &next, extract->changed, STORE_LOG_ENTRIES_MAX);
	if (count < 0)
		return (int)count;
	extract->changed_count = tidy(&extract->changed, (size_t)count);
	count = store_left_since(
		snapshot, since, extract->provider_id, extract->left, STORE_LOG_ENTRIES_MAX);
	if (count < 0)
		return (int)count;
	extract->left_count = tidy(&extract->left, (size_t)count);
	write_cursor(extract, next);
	return 0;
}

int extract_begin(struct provider_extract *extract, const char *name, const char *since)
{
	uint64_t change;
	struct store_change *snapshot = store_snapshot(extract->store);

	if (snapshot == NULL)
		return -errno;
	int result = find_provider(snapshot, name, extract);
	if (result == 0 && since != NULL)
		result = read_cursor(extract, since, &change);
	if (result == 0 && since != NULL)
		result = find_changes(snapshot, change, extract);
	else if (result == 0)
		write_cursor(extract, store_change_number(snapshot));
	store_abandon(snapshot);
	return result;
}

void extract_end(struct provider_extract *extract)
{
	free(extract->changed);
	free(extract->left);
	free(extract->text);
	extract->changed = NULL;
	extract->left = NULL;
	extract->text = NULL;
}

/* ---- rows ---- */

static void format_instant(
	const struct settlement_calendar *calendar, int32_t day, char text[CALENDAR_DATE_TIME_SIZE])
{
	int64_t instant_s = settlement_start_s(calendar, day);
	int64_t days = (instant_s + DAY_S) / DAY_S - 1; /* -3600 is of the day before */

	/* The first hour of day 0 is of 1969, which the calendar does not have. */
	if (days < 0)
		days = instant_s = 0;
	calendar_format((int32_t)days, (int32_t)(instant_s - days * DAY_S) * 1000, text);
}

static void write_row(struct provider_extract *extract, const char *const *texts)
{
	table_write_row(extract->out, extract->format, columns, EXTRACT_COLUMNS, texts);
}

/* The appointments of one MPAN of the device. Returns how many, or -errno. */
static int write_mpan(struct provider_extract *extract, struct store_change *snapshot,
	const struct store_link *link, const char *device)
{
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	struct mpxn mpxn;
	int written = 0;
	int result = store_mpxn_get(snapshot, link->number, &mpxn);
	size_t count = result == 0 ? mpxn_timeline(&mpxn, intervals) : 0;
	char number[24];

	if (result != 0)
		return result == -ENOENT ? -EIO : result;
	snprintf(number, sizeof(number), "%013" PRIu64, link->number);
	for (size_t i = 0; i < count; i++) {
		char days[2][SETTLEMENT_DATE_SIZE] = {"", ""};
		char instants[2][CALENDAR_DATE_TIME_SIZE] = {"", ""};
		struct store_organisation organisation;
		const int32_t ends[2] = {intervals[i].from_day, intervals[i].to_day};

		if (intervals[i].kind != MPXN_IS_MDR)
			continue;
		result = store_organisation_get(snapshot, intervals[i].organisation, &organisation);
		if (result != 0)
			return result == -ENOENT ? -EIO : result;
		for (int k = 0; k < 2; k++) {
			if (ends[k] < 0 || ends[k] > SETTLEMENT_DAY_MAX)
				continue;
			settlement_format_date(ends[k], days[k]);
			format_instant(extract->calendar, ends[k], instants[k]);
		}
		const char *const texts[EXTRACT_COLUMNS] = {device, number, use_names[link->use],
			organisation.mpid, days[0], days[1][0] != '\0' ? days[1] : NULL,
			instants[0], instants[1][0] != '\0' ? instants[1] : NULL, NULL};
		write_row(extract, texts);
		written++;
	}
	return written;
}

/* All rows of a device of the provider. 0 or -errno. */
static int write_device(struct provider_extract *extract, struct store_change *snapshot,
	const struct reference_device *device)
{
	struct store_link links[STORE_LINKS_MAX];
	char eui[DUIS_EUI_TEXT_SIZE];
	int count = store_device_links(device, links);
	int written = 0;

	duis_eui_format(device->device_id, eui);
	for (int i = 0; i < count; i++) {
		/* MDRs are appointed to MPANs alone. */
		if (links[i].use == MPXN_GAS)
			continue;
		int result = write_mpan(extract, snapshot, &links[i], eui);

		if (result < 0)
			return result;
		written += result;
	}
	if (written == 0 && extract->is_changes)
		write_row(extract, (const char *const[EXTRACT_COLUMNS]){eui});
	return 0;
}

/* ---- pieces ---- */

static int next_of_whole(struct provider_extract *extract, struct store_change *snapshot)
{
	struct store_device_access access;
	struct store_device device;
	int result = store_device_access_next(snapshot, &extract->device_id, &access);

	if (result != 1 || access.provider_id != extract->provider_id)
		return result;
	result = store_device_get(snapshot, access.device_id, &device);
	if (result == 0)
		result = write_device(extract, snapshot, &device.device);
	return result == 0 ? 1 : result;
}

static int next_of_changes(struct provider_extract *extract, struct store_change *snapshot)
{
	struct store_device device;
	char eui[DUIS_EUI_TEXT_SIZE];

	if (extract->changed_at == extract->changed_count)
		return 0;
	uint64_t device_id = extract->changed[extract->changed_at++];
	int result = store_device_get(snapshot, device_id, &device);
	if (result != 0 && result != -ENOENT)
		return result;
	if (result == 0 && device.device.provider_id == extract->provider_id) {
		result = write_device(extract, snapshot, &device.device);
		return result == 0 ? 1 : result;
	}
	if (extract->left_count > 0 && bsearch(&device_id, extract->left, extract->left_count,
					       sizeof(device_id), compare_numbers) != NULL) {
		duis_eui_format(device_id, eui);
		write_row(extract, (const char *const[EXTRACT_COLUMNS]){eui});
	}
	return 1;
}

static int fill(struct provider_extract *extract)
{
	struct store_change *snapshot = store_snapshot(extract->store);
	int result = 1;

	if (snapshot == NULL)
		return -errno;
	for (int visits = 0; visits < EXTRACT_VISITS && result == 1; visits++)
		result = extract->is_changes ? next_of_changes(extract, snapshot)
					     : next_of_whole(extract, snapshot);
	store_abandon(snapshot);
	if (result != 0)
		return result;
	write_row(
		extract, (const char *const[EXTRACT_COLUMNS]){[EXTRACT_CURSOR] = extract->cursor});
	extract->has_ended = true;
	return 1;
}

int extract_next(struct provider_extract *extract)
{
	if (extract->has_ended)
		return 0;
	free(extract->text);
	extract->text = NULL;
	extract->length = 0;
	extract->out = open_memstream(&extract->text, &extract->length);
	if (extract->out == NULL)
		return -ENOMEM;
	if (!extract->has_begun)
		table_write_header(extract->out, extract->format, columns, EXTRACT_COLUMNS);
	extract->has_begun = true;
	int result = fill(extract);
	if (fclose(extract->out) != 0 && result >= 0)
		result = -ENOMEM;
	extract->out = NULL;
	return result;
}
