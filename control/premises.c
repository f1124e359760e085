/* SPDX-License-Identifier: Apache-2.0 */
#include "control/premises.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "motorway/registry_image.h"

#define DAY_MS 86400000ll

int premises_begin(struct premises *premises, struct store_change *change)
{
	premises->change = change;
	return bulk_providers_read(change, &premises->providers);
}

/* Refuse the row for what no column of it alone has done. */
static int refuse(const struct table_row *row, struct table_fault *fault, const char *rule)
{
	return table_wrong(row, -1, fault, "%s", rule);
}

static int refuse_column(
	const struct table_row *row, struct table_fault *fault, const struct csv_fault *wrong)
{
	fault->line = row->line;
	fault->column = wrong->column;
	snprintf(fault->rule, sizeof(fault->rule), "%s", wrong->rule);
	return -EINVAL;
}

/* ---- devices ---- */

/* What the row says, on top of what the device has. */
static int overlay(const struct premises *premises, const struct table_row *row,
	const struct store_device *old, struct store_device *device, struct csv_fault *wrong)
{
	char texts[CSV_COLUMNS_MAX][BULK_TEXT_SIZE];
	struct csv_record *record = malloc(sizeof(*record));

	if (record == NULL)
		return -ENOMEM;
	for (int i = 0; i < bulk_device_column_count; i++) {
		record->fields[i] = row->record.fields[i];
		if ((premises->given & 1u << i) != 0)
			continue;
		bulk_device_text(old, i, texts[i]);
		record->fields[i].text = texts[i];
		record->fields[i].length = (uint32_t)strlen(texts[i]);
	}
	int result = bulk_device(&premises->providers, record, device, wrong);
	free(record);
	return result;
}

/* Whether two devices differ in nothing but whose rows they are. */
static bool same_device(const struct store_device *a, const struct store_device *b)
{
	char left[BULK_TEXT_SIZE];
	char right[BULK_TEXT_SIZE];

	/* The last column is the origin. */
	for (int i = 0; i < bulk_device_column_count - 1; i++) {
		bulk_device_text(a, i, left);
		bulk_device_text(b, i, right);
		if (strcmp(left, right) != 0)
			return false;
	}
	return true;
}

/* The device of the row, and the one that is there: 0 or -ENOENT, -EINVAL and *wrong, ... */
static int read_device(struct premises *premises, const struct table_row *row,
	struct store_device *device, struct store_device *old, struct csv_fault *wrong)
{
	struct table_fault fault;
	uint64_t device_id;

	if (premises->mode != PREMISES_SET) {
		int result = bulk_device(&premises->providers, &row->record, device, wrong);

		return result != 0
			       ? result
			       : store_device_get(premises->change, device->device.device_id, old);
	}
	if (table_eui(row, 0, &device_id, &fault) != 0) {
		*wrong = (struct csv_fault){
			fault.column, "not an EUI-64 such as 00-DB-12-34-56-78-90-A0"};
		return -EINVAL;
	}
	int result = store_device_get(premises->change, device_id, old);
	return result != 0 ? result : overlay(premises, row, old, device, wrong);
}

static int put_device(
	struct premises *premises, const struct table_row *row, struct table_fault *fault)
{
	struct store_device device;
	struct store_device old;
	struct csv_fault wrong = {0};
	int result = read_device(premises, row, &device, &old, &wrong);

	if (result == -EINVAL)
		return refuse_column(row, fault, &wrong);
	if (result != 0 && result != -ENOENT)
		return result;
	bool is_new = result == -ENOENT;
	if (is_new && premises->mode == PREMISES_SET)
		return refuse(row, fault, "there is no such device");
	if (!is_new && premises->mode == PREMISES_ADD)
		return refuse(row, fault, "this device is there already");
	if (!is_new && same_device(&device, &old))
		return PREMISES_UNCHANGED;
	/* Whatever the row's column says: only what the operator tells here is his. */
	device.origin = STORE_ORIGIN_OPERATOR;
	result = store_device_put(premises->change, &device);
	if (result == -E2BIG)
		return refuse(row, fault, "an MPxN of this device has 8 devices already");
	return result == 0 ? PREMISES_WRITTEN : result;
}

int premises_remove_device(struct store_change *change, uint64_t device_id)
{
	struct store_device device;
	int result = store_device_get(change, device_id, &device);

	if (result == 0 && device.origin == STORE_ORIGIN_FILE)
		return -EPERM;
	return result == 0 ? store_device_remove(change, device_id) : result;
}

/* ---- registrations and appointments ---- */

/* The number of an organisation: of one that is not there, `spare`, or with `make` a new one. 1: it
 * is not there, 0, or -errno. */
static int number_organisation(
	struct store_change *change, const char *mpid, uint32_t spare, bool make, uint32_t *number)
{
	struct store_organisation organisation = {0};

	*number = 0;
	if (mpid[0] == '\0')
		return 0;
	int result = store_organisation_find(change, mpid, &organisation);
	*number = organisation.number;
	if (result != -ENOENT)
		return result;
	*number = spare;
	if (!make)
		return 1;
	organisation = (struct store_organisation){.origin = STORE_ORIGIN_OPERATOR};
	memcpy(organisation.mpid, mpid, STORE_MPID_SIZE);
	memcpy(organisation.name, mpid, STORE_MPID_SIZE);
	result = store_organisation_put(change, &organisation);
	*number = organisation.number;
	return result;
}

static int get_mpxn(struct store_change *change, uint64_t number, struct mpxn *mpxn)
{
	int result = store_mpxn_get(change, number, mpxn);

	if (result != -ENOENT)
		return result;
	memset(mpxn, 0, sizeof(*mpxn));
	mpxn->number = number;
	return 0;
}

/* The time at which something is told that shall count from now on: after all that was told. */
static uint64_t telling_time(const struct mpxn *mpxn, int64_t now_ms)
{
	uint64_t time_ms = (uint64_t)now_ms;

	for (unsigned i = 0; i < mpxn->event_count; i++)
		if (mpxn->events[i].created_ms >= time_ms)
			time_ms = mpxn->events[i].created_ms + 1;
	return time_ms;
}

static const struct mpxn_interval *find_interval(const struct mpxn_interval *intervals,
	size_t count, enum mpxn_interval_kind kind, int32_t day)
{
	for (size_t i = 0; i < count; i++)
		if (intervals[i].kind == kind && intervals[i].from_day <= day &&
			day < intervals[i].to_day)
			return &intervals[i];
	return NULL;
}

/* Whether what was told has come about: NULL, or why not. */
static const char *look_whether_it_holds(const struct mpxn *mpxn, const struct mpxn_event *event)
{
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	size_t count = mpxn_timeline(mpxn, intervals);
	const struct mpxn_interval *supplier =
		find_interval(intervals, count, MPXN_IS_SUPPLIER, event->from_day);

	if (event->type == MPXN_END)
		return supplier == NULL || event->organisation == 0 ||
				       supplier->organisation != event->organisation
			       ? NULL
			       : "the registration does not end: another one begins on this day";
	if (event->type != MPXN_APPOINTMENT || event->to_day <= event->from_day)
		return NULL;
	if (event->role == MPXN_ROLE_SUPPLIER)
		return supplier == NULL || supplier->organisation == event->organisation
			       ? NULL
			       : "another supplier is registered on this day";
	const struct mpxn_interval *holder = find_interval(intervals, count,
		event->role == MPXN_ROLE_MDR ? MPXN_IS_MDR : MPXN_IS_AGENT, event->from_day);
	return holder != NULL && holder->organisation == event->organisation
		       ? NULL
		       : "void: on this day nobody is registered who could have arranged it, or "
			 "another supplier than the one who is said to";
}

/* Whether there is, before it is told, a registration that it ends or calls off: NULL, or why not.
 */
static const char *look_whether_it_ends(const struct mpxn *mpxn, const struct mpxn_event *event)
{
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	size_t count = mpxn_timeline(mpxn, intervals);

	for (int32_t day = event->from_day - 1; day <= event->from_day; day++) {
		const struct mpxn_interval *supplier =
			find_interval(intervals, count, MPXN_IS_SUPPLIER, day);

		if (supplier != NULL &&
			(event->organisation == 0 || supplier->organisation == event->organisation))
			return NULL;
	}
	return "there is no registration to end: on the day before nobody is the supplier, or "
	       "another one";
}

/* Put the event into the MPxN. enum bulk_told, or -ENOSPC. */
static int tell(struct mpxn *mpxn, const struct mpxn_event *event, int64_t now_ms)
{
	int result = bulk_tell(mpxn, event);

	if (result != -ENOSPC)
		return result;
	mpxn_fold(mpxn, (int32_t)(now_ms / DAY_MS) - MPXN_WINDOW_DAYS);
	return bulk_tell(mpxn, event);
}

/* Work out the MPxN after the row; with `make` organisations that are not there are made. enum
 * bulk_told; -EINVAL and *rule; or -errno of the store, when *rule is NULL. */
static int work_out(struct premises *premises, const struct bulk_event *said, bool make,
	struct mpxn *mpxn, const char **rule)
{
	uint32_t numbers[2];
	const char *const mpids[2] = {said->mpid, said->supplier};
	int result = get_mpxn(premises->change, said->mpxn, mpxn);

	*rule = NULL;
	for (uint32_t i = 0; i < 2 && result >= 0; i++) {
		bool again = i == 1 && strcmp(mpids[0], mpids[1]) == 0;

		result = number_organisation(premises->change, mpids[i],
			MW_REGISTRY_ORGANISATION_MAX - (again ? 0 : i), make, &numbers[i]);
	}
	if (result < 0)
		return result;
	struct mpxn_event event = bulk_event_make(premises->table, said, numbers[0], numbers[1]);
	if (premises->mode == PREMISES_ADD && event.created_ms == 0)
		event.created_ms = telling_time(mpxn, premises->now_ms);
	if (premises->mode == PREMISES_ADD && event.type == MPXN_END)
		*rule = look_whether_it_ends(mpxn, &event);
	if (*rule != NULL)
		return -EINVAL;
	result = tell(mpxn, &event, premises->now_ms);
	if (result == -ENOSPC)
		*rule = "this MPxN has 64 events of the last 800 days already";
	else if (premises->mode == PREMISES_ADD && result == BULK_TOLD)
		*rule = look_whether_it_holds(mpxn, &event);
	return *rule != NULL ? -EINVAL : result;
}

static int put_event(
	struct premises *premises, const struct table_row *row, struct table_fault *fault)
{
	struct bulk_event said;
	struct csv_fault wrong;
	struct mpxn mpxn;
	const char *rule;

	if (bulk_event(premises->table, &row->record, &said, &wrong) != 0)
		return refuse_column(row, fault, &wrong);
	int result = work_out(premises, &said, false, &mpxn, &rule);
	if (result == -EINVAL && rule != NULL)
		return refuse(row, fault, rule);
	if (result == BULK_TOLD) {
		result = work_out(premises, &said, true, &mpxn, &rule);
		assert(result < 0 || result == BULK_TOLD);
		if (result == BULK_TOLD)
			result = store_mpxn_put(premises->change, &mpxn);
		return result == 0 ? PREMISES_WRITTEN : result;
	}
	if (result < 0)
		return result;
	return result == BULK_OVERRULED ? PREMISES_OVERRULED : PREMISES_UNCHANGED;
}

int premises_put(struct premises *premises, const struct table_row *row, struct table_fault *fault)
{
	return premises->table == BULK_DEVICES ? put_device(premises, row, fault)
					       : put_event(premises, row, fault);
}

/* ---- the end of an appointment ---- */

static bool is_later(const struct mpxn_event *event, const struct mpxn_event *other)
{
	if (event->from_day != other->from_day)
		return event->from_day > other->from_day;
	if (event->created_ms != other->created_ms)
		return event->created_ms > other->created_ms;
	return event->message > other->message;
}

/* The latest appointment in the role that began by `day` (or exactly then), of `organisation` (0:
 * of anybody), or NULL. */
static const struct mpxn_event *find_latest(
	const struct mpxn *mpxn, const struct premises_end *end, int32_t day, uint32_t organisation)
{
	const struct mpxn_event *found = NULL;

	for (unsigned i = 0; i < mpxn->event_count; i++) {
		const struct mpxn_event *event = &mpxn->events[i];

		if (event->type != MPXN_APPOINTMENT || event->role != end->role ||
			(end->by_from_day ? event->from_day != day : event->from_day > day) ||
			(organisation != 0 && event->organisation != organisation))
			continue;
		if (found == NULL || is_later(event, found))
			found = event;
	}
	return found;
}

/* The appointment that is meant, or NULL: of several the one that is in force. */
static const struct mpxn_event *find_appointment(
	const struct mpxn *mpxn, const struct premises_end *end)
{
	struct mpxn_interval intervals[MPXN_INTERVALS_MAX];
	size_t count = mpxn_timeline(mpxn, intervals);
	int32_t day = end->by_from_day ? end->from_day : end->to_day - 1;
	const struct mpxn_interval *holder = find_interval(
		intervals, count, end->role == MPXN_ROLE_SNA ? MPXN_IS_AGENT : MPXN_IS_MDR, day);
	const struct mpxn_event *found = NULL;

	if (end->role == MPXN_ROLE_SUPPLIER)
		return find_latest(mpxn, end, day, 0);
	if (holder != NULL)
		found = find_latest(mpxn, end, day, holder->organisation);
	/* One that is not in force can be taken back, too, when its first day is said. */
	return found == NULL && end->by_from_day ? find_latest(mpxn, end, day, 0) : found;
}

int premises_end_appointment(struct store_change *change, const struct premises_end *end)
{
	struct mpxn mpxn;
	int result = store_mpxn_get(change, end->mpxn, &mpxn);

	if (result != 0)
		return result;
	const struct mpxn_event *found = find_appointment(&mpxn, end);
	if (found == NULL)
		return -ENOENT;
	if (end->to_day < found->from_day)
		return -ERANGE;
	if (end->to_day == found->to_day)
		return PREMISES_UNCHANGED;
	struct mpxn_event event = *found;
	event.to_day = end->to_day;
	event.created_ms = telling_time(&mpxn, end->now_ms);
	event.message = 0;
	/* It takes the place of the one that it is about. */
	result = mpxn_add_event(&mpxn, &event);
	assert(result == 0);
	result = store_mpxn_put(change, &mpxn);
	return result == 0 ? PREMISES_WRITTEN : result;
}

uint8_t premises_role(const char *name)
{
	static const char *const names[] = {"MDR", "SNA", "supplier"};

	for (uint8_t i = 0; i < 3; i++)
		if (strcmp(name, names[i]) == 0)
			return (uint8_t)(MPXN_ROLE_MDR + i);
	return MPXN_ROLE_NONE;
}
