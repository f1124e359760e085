/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place behind all commits that change who may read what: the store's log of changed
 * devices, which the registry image follows too. `done` is how far it has been followed. It is put
 * into the store with what it caused, or when it has come far; a process that is killed goes over
 * the rest once more, which changes nothing.
 *
 * When the log does not reach back, or users changed, every schedule is looked at, in slices. Until
 * that is over nothing in the store says that it is done, so a killed process begins it anew.
 */
#include "control/removal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/device_words.h"
#include "control/removal_claim.h"
#include "control/schedule_row.h"

#define CHANGE_MARK "removal-change"
#define SLICE_DEVICES 4096  /* looked up */
#define SLICE_SCHEDULES 256 /* looked at */
#define SLICE_REMOVALS 256
#define MARK_EVERY 16384 /* entries of the log */
#define RETRY_MS 1000

struct removal {
	struct removal_setup setup;
	struct settlement_calendar *calendar;
	const struct reference *reference;
	bool users_wanted;     /* the reference set is another one: compare users */
	bool sweeping;	       /* all schedules are being looked at */
	bool mark_held;	       /* because the log did not reach back */
	uint64_t sweep_cursor; /* the last one */
	uint64_t done;	       /* the last change that was followed whole */
	uint64_t marked;       /* the same in the store */
	uint64_t unmarked_entries;
	uint64_t until; /* the last change that is in `changed` */
	size_t changed_count;
	size_t changed_at;
	int64_t retry_ms; /* removals have no room before */
	int64_t next_ms;
	struct removal_counters counters;
	struct removal_device device; /* the last one looked at */
	struct mpxn mpxn;
	struct mpxn_interval intervals[STORE_LINKS_MAX][MPXN_INTERVALS_MAX];
	uint64_t changed[STORE_LOG_ENTRIES_MAX];
};

static const struct {
	const char *name;
	enum alert_event event;
} causes[REMOVAL_CAUSE_COUNT] = {
	[REMOVAL_MDRA] = {"mdra", ALERT_SCHEDULE_REMOVED_MDRA},
	[REMOVAL_SUPPLIER] = {"supplier", ALERT_SCHEDULE_REMOVED_SUPPLIER},
	[REMOVAL_DEVICE] = {"device", ALERT_SCHEDULE_REMOVED_DEVICE},
	[REMOVAL_NETWORK] = {"network", ALERT_SCHEDULE_REMOVED_NETWORK},
	[REMOVAL_USER] = {"user", ALERT_SCHEDULE_REMOVED_USER},
};

const char *removal_cause_name(enum removal_cause cause)
{
	return cause == REMOVAL_NONE ? "none" : causes[cause].name;
}

enum removal_cause removal_cause_find(const char *name)
{
	for (int i = REMOVAL_NONE + 1; i < REMOVAL_CAUSE_COUNT; i++)
		if (strcmp(causes[i].name, name) == 0)
			return (enum removal_cause)i;
	return REMOVAL_NONE;
}

/* ---- open and close */

void removal_forget(struct removal *removal)
{
	struct store_change *snapshot = store_snapshot(removal->setup.ledger->store);

	if (snapshot == NULL || store_mark_get(snapshot, CHANGE_MARK, &removal->marked) != 0)
		removal->marked = 0;
	store_abandon(snapshot);
	removal->done = removal->marked;
	removal->until = removal->marked;
	removal->changed_count = 0;
	removal->changed_at = 0;
	removal->unmarked_entries = 0;
	removal->sweeping = false;
	removal->mark_held = false;
	removal->users_wanted = true;
	removal->device.device_id = 0;
	removal->next_ms = 0;
}

struct removal *removal_open(const struct removal_setup *setup, char *reason, size_t reason_size)
{
	struct removal *removal = calloc(1, sizeof(*removal));

	if (removal == NULL) {
		snprintf(reason, reason_size, "no memory for the removal of schedules");
		return NULL;
	}
	removal->setup = *setup;
	removal->calendar = settlement_open(NULL, reason, reason_size);
	if (removal->calendar == NULL) {
		free(removal);
		return NULL;
	}
	removal_forget(removal);
	return removal;
}

void removal_close(struct removal *removal)
{
	if (removal == NULL)
		return;
	settlement_close(removal->calendar);
	free(removal);
}

void removal_set_reference(struct removal *removal, const struct reference *reference)
{
	removal->reference = reference;
	removal->users_wanted = true;
}

int64_t removal_next_ms(const struct removal *removal)
{
	return removal->next_ms;
}

const struct removal_counters *removal_counters(const struct removal *removal)
{
	return &removal->counters;
}

/* ---- a device */

/* Statuses from which a device does not come back. */
static bool has_ended(const char *status)
{
	return strcmp(status, "Decommissioned") == 0 || strcmp(status, "Withdrawn") == 0;
}

static int look_at_device(struct removal *removal, uint64_t device_id)
{
	struct store_change *change = ledger_change(removal->setup.ledger);
	struct removal_device *device = &removal->device;
	struct entitlement_source sources[STORE_LINKS_MAX];
	struct store_link links[STORE_LINKS_MAX];
	struct store_device row;
	size_t dropped;

	if (change == NULL)
		return -errno;
	device->device_id = 0;
	device->entry_count = 0;
	int result = store_device_get(change, device_id, &row);
	device->is_gone = result == -ENOENT || (result == 0 && has_ended(row.device.status));
	if (result != 0 && result != -ENOENT)
		return result;
	int count = device->is_gone ? 0 : store_device_links(&row.device, links);
	for (int i = 0; i < count; i++) {
		result = store_mpxn_get(change, links[i].number, &removal->mpxn);
		if (result != 0)
			return result == -ENOENT ? -EIO : result;
		sources[i] = (struct entitlement_source){
			.use = links[i].use,
			.intervals = removal->intervals[i],
			.interval_count = mpxn_timeline(&removal->mpxn, removal->intervals[i]),
		};
	}
	if (count < 0)
		return -EIO;
	device->entry_count = entitlement_entries(
		removal->calendar, sources, (size_t)count, device->entries, &dropped);
	device->device_id = device_id;
	return 0;
}

/* ---- plans */

int removal_plan(struct removal *removal, uint64_t user, const struct schedule_terms *terms,
	int64_t now_ms, struct schedule_removal *plan)
{
	const struct reference_user *found = reference_user(removal->reference, user);
	struct store_change *change = ledger_change(removal->setup.ledger);
	const struct schedule_removal before = {.at_s = STORE_NEVER};
	struct store_schedule_user known;
	struct removal_claim claim;

	if (change == NULL)
		return -errno;
	int result = look_at_device(removal, terms->device_id);
	if (result != 0)
		return result;
	/* From now on it is noticed when he changes. */
	if (found != NULL && store_schedule_user_get(change, user, &known) == -ENOENT) {
		known = (struct store_schedule_user){
			user, found->roles, found->organisation, found->active};
		result = store_schedule_user_put(change, &known);
		if (result != 0)
			return result;
	}
	removal_claim(removal->reference, user, terms->read->srv, &claim);
	*plan = removal_judge(&removal->device, &claim, &before, now_ms / 1000);
	return 0;
}

static bool same_plan(const struct schedule_removal *left, const struct schedule_removal *right)
{
	return left->cause == right->cause && left->bound == right->bound &&
	       left->waiting == right->waiting && left->at_s == right->at_s;
}

/* Look at a schedule, whose device may be the one that was looked at last. */
static int look_at_schedule(struct removal *removal, uint64_t id, int64_t now_ms)
{
	struct removal_claim claim;
	struct schedule schedule;
	int result = schedules_find(removal->setup.schedules, id, &schedule);

	if (result == 0 && removal->device.device_id != schedule.terms.device_id)
		result = look_at_device(removal, schedule.terms.device_id);
	if (result != 0)
		return result;
	removal_claim(removal->reference, schedule.user, schedule.terms.read->srv, &claim);
	struct schedule_removal plan =
		removal_judge(&removal->device, &claim, &schedule.removal, now_ms / 1000);
	if (same_plan(&plan, &schedule.removal))
		return 0;
	removal->counters.planned++;
	return schedules_plan(removal->setup.schedules, id, &plan);
}

/* A row that is damaged was logged; the others go on. */
static bool goes_on(struct removal *removal, int result)
{
	if (result == 0 || result == -ENOENT)
		return true;
	removal->counters.damaged++;
	return result == -EIO;
}

/* ---- the log */

/* The next piece of the log; false: there is nothing new. */
static bool fetch(struct removal *removal)
{
	struct store_change *change = ledger_change(removal->setup.ledger);
	uint64_t since = removal->until;

	if (change == NULL || since == store_change_number(change))
		return false;
	int64_t count =
		store_changes_since(change, &since, removal->changed, STORE_LOG_ENTRIES_MAX);
	if (count < 0) {
		/* The store is another one, or the log does not reach back: look at all. */
		removal->until = removal->done = store_change_number(change);
		removal->sweeping = true;
		removal->mark_held = true;
		removal->sweep_cursor = 0;
		return false;
	}
	removal->until = since;
	removal->changed_at = 0;
	removal->changed_count = (size_t)count;
	if (count == 0)
		removal->done = since;
	return count > 0;
}

/* Whether the device had no more schedules than the slice had room for. */
static bool look_at_all_of(struct removal *removal, uint64_t device_id, int64_t now_ms, int *budget)
{
	struct store_change *change = ledger_change(removal->setup.ledger);
	uint64_t user = 0;
	uint64_t id = 0;
	bool first = true;

	/* What is known of it is from before the change. */
	removal->device.device_id = 0;
	while (store_schedule_of_device_next(change, device_id, &user, &id) == 1) {
		removal->counters.devices += first;
		first = false;
		*budget -= 1;
		if (!goes_on(removal, look_at_schedule(removal, id, now_ms)))
			return false;
	}
	return true;
}

static void put_mark(struct removal *removal, bool wrote)
{
	struct store_change *change = ledger_change(removal->setup.ledger);

	if (removal->mark_held || removal->done == removal->marked || change == NULL ||
		!(wrote || removal->unmarked_entries >= MARK_EVERY))
		return;
	if (store_mark_put(change, CHANGE_MARK, removal->done) == 0) {
		removal->marked = removal->done;
		removal->unmarked_entries = 0;
	}
}

static bool follow_log(struct removal *removal, int64_t now_ms)
{
	uint64_t planned = removal->counters.planned;
	int budget = SLICE_SCHEDULES;
	size_t visits = 0;

	if (ledger_change(removal->setup.ledger) == NULL)
		return false;
	if (removal->changed_at == removal->changed_count && !fetch(removal))
		return false;
	while (removal->changed_at < removal->changed_count && budget > 0 &&
		visits++ < SLICE_DEVICES) {
		if (!look_at_all_of(
			    removal, removal->changed[removal->changed_at], now_ms, &budget))
			return false;
		removal->changed_at++;
		removal->unmarked_entries++;
	}
	if (removal->changed_at < removal->changed_count)
		return true;
	removal->done = removal->until;
	put_mark(removal, planned != removal->counters.planned);
	return true;
}

/* ---- all schedules */

/* Begin a sweep when a user who has schedules is not what he was. */
static void compare_users(struct removal *removal)
{
	struct store_change *change = ledger_change(removal->setup.ledger);
	struct store_schedule_user known;
	uint64_t cursor = 0;

	if (change == NULL)
		return;
	removal->users_wanted = false;
	while (store_schedule_user_next(change, &cursor, &known) == 1) {
		const struct reference_user *user = reference_user(removal->reference, known.eui);

		if (user != NULL && user->roles == known.roles && user->active == known.active &&
			user->organisation == known.organisation)
			continue;
		removal->sweeping = true;
		removal->sweep_cursor = 0;
		return;
	}
}

/* All schedules were looked at with these users. */
static void note_users(struct removal *removal)
{
	struct store_change *change = ledger_change(removal->setup.ledger);
	struct store_schedule_user known;
	uint64_t cursor = 0;

	while (change != NULL && store_schedule_user_next(change, &cursor, &known) == 1) {
		const struct reference_user *user = reference_user(removal->reference, known.eui);

		if (user == NULL) {
			store_schedule_user_remove(change, known.eui);
			continue;
		}
		known.roles = user->roles;
		known.organisation = user->organisation;
		known.active = user->active;
		store_schedule_user_put(change, &known);
	}
}

static bool sweep(struct removal *removal, int64_t now_ms)
{
	struct store_change *change = ledger_change(removal->setup.ledger);
	struct store_schedule row;
	int result = 1;

	if (!removal->sweeping || change == NULL)
		return false;
	removal->device.device_id = 0;
	for (int i = 0; i < SLICE_SCHEDULES && result == 1; i++) {
		result = store_schedule_next(change, &removal->sweep_cursor, &row);
		if (result == 1 && !goes_on(removal, look_at_schedule(removal, row.id, now_ms)))
			return false;
		if (result == -EIO) {
			/* Behind the damaged row it goes on. */
			removal->counters.damaged++;
			removal->sweep_cursor++;
			result = 1;
		}
	}
	if (result == 1)
		return true;
	removal->sweeping = false;
	removal->mark_held = false;
	removal->counters.sweeps++;
	note_users(removal);
	put_mark(removal, true);
	return false;
}

/* ---- removals */

int removal_remove(struct schedules *schedules, struct alerts *alerts,
	const struct schedule *schedule, enum removal_cause cause)
{
	const struct alert_terms terms = {
		.event = causes[cause].event,
		.user = schedule->user,
		.device_id = schedule->terms.device_id,
		.schedule_id = schedule->id,
	};

	if (alerts_raise(alerts, &terms) == 0)
		return -ENOSPC;
	return schedules_remove(schedules, terms.schedule_id);
}

/* One whose time is over. */
static int end_schedule(struct removal *removal, uint64_t id)
{
	const struct removal_setup *setup = &removal->setup;
	struct schedule schedule;
	int result = schedules_find(setup->schedules, id, &schedule);

	if (result != 0)
		return result;
	if (schedule_is_lawful(setup->schedules, &schedule)) {
		schedule.removal.waiting = true;
		removal->counters.waited++;
		return schedules_plan(setup->schedules, id, &schedule.removal);
	}
	enum removal_cause cause = schedule.removal.cause;
	result = removal_remove(setup->schedules, setup->alerts, &schedule,
		cause != REMOVAL_NONE ? cause : REMOVAL_SUPPLIER);
	removal->counters.removed[cause] += result == 0;
	return result;
}

static bool end_schedules(struct removal *removal, int64_t now_ms)
{
	struct store_change *change = ledger_change(removal->setup.ledger);
	int64_t at_s = 0;
	uint64_t id = 0;
	int result = change != NULL ? 1 : 0;

	for (int i = 0; result == 1; i++) {
		result = store_schedule_removal_next(change, &at_s, &id);
		if (result != 1 || at_s > now_ms / 1000)
			break;
		if (i == SLICE_REMOVALS) {
			removal->next_ms = 0;
			return true;
		}
		int ended = end_schedule(removal, id);
		if (ended == -ENOSPC) {
			removal->counters.no_room++;
			removal->retry_ms = now_ms + RETRY_MS;
			removal->next_ms = removal->retry_ms;
			return false;
		}
		if (!goes_on(removal, ended))
			return false;
	}
	removal->next_ms = result == 1 ? at_s * 1000 : INT64_MAX;
	return false;
}

bool removal_turn(struct removal *removal, int64_t now_ms)
{
	bool more;

	if (removal->reference == NULL)
		return false;
	if (removal->users_wanted)
		compare_users(removal);
	more = follow_log(removal, now_ms);
	more |= sweep(removal, now_ms);
	/* Also when the clock was set back. */
	if (now_ms >= removal->retry_ms || removal->retry_ms - now_ms > RETRY_MS)
		more |= end_schedules(removal, now_ms);
	return more;
}
