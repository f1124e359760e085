/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the store for what motorway-control owes: schedules with their two queues (when
 * the next run is due, when a schedule is to be removed), alerts that nobody has taken yet, and
 * decisions about held requests. As control/store.h says: all of it inside a change or a snapshot,
 * returned is 0, -ENOENT, -EIO (store_change_fault()), or what else is named. doc/store.md has the
 * rows.
 */
#ifndef CONTROL_STORE_SCHEDULES_H
#define CONTROL_STORE_SCHEDULES_H

#include "control/store.h"

#define STORE_SCHEDULE_TEXT_MAX 12288
#define STORE_NEVER INT64_MAX

/* ---- schedules */

#define STORE_SCHEDULE_BOUND 1u	  /* its user was entitled to the device when last looked at */
#define STORE_SCHEDULE_WAITING 2u /* for a last run: not in the queue of removals */

struct store_schedule {
	uint64_t id;
	uint64_t user;
	uint64_t device_id;
	uint64_t text; /* number of the text that it shares with others */
	uint32_t first_step;
	uint32_t occurrence;
	uint8_t attempt; /* below 16 */
	uint8_t flags;	 /* STORE_SCHEDULE_... */
	uint8_t cause;	 /* enum removal_cause */
	int64_t due_ms;
	int64_t removal_s; /* when its user's time ends, or STORE_NEVER */
};

int store_schedule_get(struct store_change *change, uint64_t id, struct store_schedule *schedule);

/* Put a new schedule (-ENOSPC: no room) or change one: its text, user and device stay what they
 * are. A text gains a reference by a new schedule and loses it with the schedule. */
int store_schedule_put(struct store_change *change, const struct store_schedule *schedule);
int store_schedule_remove(struct store_change *change, uint64_t id);

uint64_t store_schedule_count(struct store_change *change);

/* Walk all, as the walks of store.h. */
int store_schedule_next(
	struct store_change *change, uint64_t *cursor, struct store_schedule *schedule);

/* The next schedule of a device behind {user, id}, in that order: 1 and both are set, 0 or -EIO. */
int store_schedule_of_device_next(
	struct store_change *change, uint64_t device_id, uint64_t *user, uint64_t *id);

/* The next one of a queue behind {time, id}: 1 and both are set, 0 or -EIO. Removals that wait for
 * a run and those that are never are in no queue. */
int store_schedule_due_next(struct store_change *change, int64_t *due_ms, uint64_t *id);
int store_schedule_removal_next(struct store_change *change, int64_t *removal_s, uint64_t *id);

/* Texts: what many schedules have in common, kept once. Find or make the row of
 * bytes[0 .. length) and set *number; a new one has no references yet, and goes if it gets none
 * before the commit by store_schedule_put(). -ENOSPC, -E2BIG. */
int store_schedule_text_put(
	struct store_change *change, const void *bytes, size_t length, uint64_t *number);
/* The bytes are valid until the next write of the change, or its end. */
int store_schedule_text_get(
	struct store_change *change, uint64_t number, const uint8_t **bytes, size_t *length);

/* ---- users with schedules, as they were when their schedules were last looked at */

struct store_schedule_user {
	uint64_t eui;
	uint32_t roles;
	uint32_t organisation;
	bool active;
};

int store_schedule_user_get(
	struct store_change *change, uint64_t eui, struct store_schedule_user *user);
int store_schedule_user_put(struct store_change *change, const struct store_schedule_user *user);
int store_schedule_user_remove(struct store_change *change, uint64_t eui);
int store_schedule_user_next(
	struct store_change *change, uint64_t *cursor, struct store_schedule_user *user);

/* ---- alerts */

struct store_alert {
	uint64_t user;
	uint64_t id;
	uint8_t event; /* enum alert_event */
	uint64_t device_id;
	uint64_t schedule_id;
	struct mw_request_id request_id;
};

/* -ENOSPC: no room. */
int store_alert_put(struct store_change *change, const struct store_alert *alert);
int store_alert_remove(struct store_change *change, uint64_t user, uint64_t id);
uint64_t store_alert_count(struct store_change *change);

/* The next alert behind {user, id}, in that order: 1, 0 or -EIO. */
int store_alert_next(
	struct store_change *change, uint64_t user, uint64_t id, struct store_alert *alert);

/* ---- decisions about held requests */

struct store_wish {
	uint64_t reference; /* QuarantineEventRef */
	uint8_t action;	    /* enum mw_quarantine_action */
	int64_t wished_ms;
	uint64_t user;
	struct mw_request_id request_id;
	char srv[MW_SRV_SIZE];
	int64_t held_ms;
	uint32_t period_s;
	uint32_t limit;
};

int store_wish_put(struct store_change *change, const struct store_wish *wish);
int store_wish_remove(struct store_change *change, uint64_t reference);
int store_wish_next(struct store_change *change, uint64_t *cursor, struct store_wish *wish);

/* ---- marks: single numbers by name. One that was never put is 0. */

int store_mark_get(struct store_change *change, const char *name, uint64_t *value);
int store_mark_put(struct store_change *change, const char *name, uint64_t value);

#endif
