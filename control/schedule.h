/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules of scheduled reads, and when each one is due next. They live in the store
 * (doc/schedules.md); in memory are the runs of the near future alone, at most
 * SCHEDULES_QUEUE_MAX of them. Time is an argument: ms since 1970, UTC.
 *
 *   schedules_add() --> store, in order of the next run --schedules_due()--> offered
 *                          ^      ^                                         |   |
 *                          |      +------------- schedules_retry() ---------+   |
 *                          +--- schedules_advance(): the next run, or the end --+
 *
 * A run is {schedule, occurrence, attempt}, and its RequestID is made of these three alone. They
 * change in the store only when the run is settled, so whoever is killed in between offers the
 * same run again under the same RequestID.
 *
 * Whatever reads or writes here does so in the ledger's change, which the caller commits. One
 * thread.
 */
#ifndef CONTROL_SCHEDULE_H
#define CONTROL_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ledger.h"
#include "control/schedulable.h"
#include "control/xml_text.h"
#include "motorway/duis_terms.h"

#define SCHEDULES_QUEUE_MAX 4096u
#define SCHEDULES_RESTING_MAX 1024u /* runs that wait to be offered again */
#define SCHEDULES_OF_DEVICE_MAX 99  /* of one user; what one answer to 5.2 holds */
#define SCHEDULE_DETAILS_BYTES_MAX 8192u
#define SCHEDULE_ID_MAX 1000000000000u	/* DUIS type scheduleID */
#define SCHEDULE_OCCURRENCES_MAX 65536u /* 16 bits of the request counter */
#define SCHEDULE_NO_END INT32_MAX
#define SCHEDULE_ANY_TIME (-1)

enum schedule_frequency {
	SCHEDULE_DAILY = 0,
	SCHEDULE_WEEKLY,
	SCHEDULE_MONTHLY,
	SCHEDULE_QUARTERLY,
	SCHEDULE_HALF_YEARLY,
	SCHEDULE_YEARLY,
	SCHEDULE_FREQUENCY_COUNT,
};

/* What a 5.1 asks for. */
struct schedule_terms {
	enum schedule_frequency frequency;
	int32_t start_day; /* ScheduleStartDate */
	int32_t end_day; /* ScheduleEndDate, the last day on which it may run; or SCHEDULE_NO_END */
	int32_t time_ms; /* ScheduleExecutionStartTime; or SCHEDULE_ANY_TIME */
	uint64_t device_id;
	const struct schedulable *read;
	/* The period of log reads, relative to the day of the run; dates are <= 0. */
	int32_t period_start_days;
	int32_t period_start_ms;
	int32_t period_end_days;
	int32_t period_end_ms;
};

/* Why a schedule is removed. The store has the numbers. */
enum removal_cause {
	REMOVAL_NONE = 0,
	REMOVAL_MDRA = 1,     /* the MDR's appointment ended */
	REMOVAL_SUPPLIER = 2, /* the supplier's registration ended */
	REMOVAL_DEVICE = 3,   /* the device was decommissioned, or is gone */
	REMOVAL_NETWORK = 4,  /* the network operator's registration ended */
	REMOVAL_USER = 5,     /* the user was suspended, or lost the role */
	REMOVAL_CAUSE_COUNT,
};

/* When the time of a schedule's user ends. */
struct schedule_removal {
	enum removal_cause cause; /* of the end that is known, or of one that would come */
	bool bound;		  /* the user is, or was, entitled to the device */
	bool waiting;		  /* the time is over, a last run is still to go */
	int64_t at_s;		  /* seconds since 1970, UTC; 0: long ago; STORE_NEVER */
};

struct schedule {
	uint64_t id;
	uint64_t user;
	struct schedule_terms terms;
	char schema_version[MW_SCHEMA_VERSION_SIZE];
	struct schedule_removal removal;
	int64_t due_ms;	     /* when the next occurrence may go */
	int32_t run_day;     /* its day */
	uint32_t occurrence; /* its number, 0 = first */
	uint32_t attempt;
	/* In the store's memory: valid until the next write of the ledger, or its commit. */
	const char *credential; /* the text of KAPublicSecurityCredential; or NULL */
	uint32_t credential_length;
	/* private to schedule.c */
	const char *details;
	uint32_t details_length;
	uint32_t device_at;
	uint32_t first_step;
	uint64_t text;
};

struct schedules;

/* Only ever increasing. */
struct schedules_counters {
	uint64_t loaded;  /* runs brought into memory */
	uint64_t damaged; /* rows that could not be read; their runs are passed over */
};

/* Begin with what the ledger's store has. Ids that were given before never come again; a new
 * store's begin with 100 for each second since 1970. NULL with errno. */
struct schedules *schedules_open(struct ledger *ledger, int64_t now_ms);
void schedules_close(struct schedules *schedules);

/* After a commit that failed: forget what was read. */
void schedules_forget(struct schedules *schedules);

/* Whether a schedule ends at the very instant when its user's time ends, instead of after the last
 * run that reads none but his days. */
void schedules_set_removal(struct schedules *schedules, bool at_change);

/* What to add. `details` (details_length bytes, at most SCHEDULE_DETAILS_BYTES_MAX) is what 5.2
 * shows: canonical XML, the children of DSPScheduleDetails; `credential` points into it or is
 * NULL. */
struct schedule_text {
	const char *details;
	uint32_t details_length;
	const char *credential;
	uint32_t credential_length;
	const char *schema_version;
};

struct schedule_order {
	uint64_t user;
	const struct schedule_terms *terms;
	const struct schedule_text *text;
	struct schedule_removal removal;
};

/* Add a schedule. 0 and *id; -ERANGE no run lies ahead, -EDQUOT the user has 99 for this device,
 * -ENOSPC the store is full, or another -errno. */
int schedules_add(struct schedules *schedules, const struct schedule_order *order, int64_t now_ms,
	uint64_t *id);

/* The schedule `id`: 0, -ENOENT or another -errno. */
int schedules_find(struct schedules *schedules, uint64_t id, struct schedule *schedule);

/* The ids of `user`'s schedules for `device_id`, in order; returns their number or -errno. */
int schedules_of_device(struct schedules *schedules, uint64_t user, uint64_t device_id,
	uint64_t ids[SCHEDULES_OF_DEVICE_MAX]);

/* 0, -ENOENT or another -errno. */
int schedules_remove(struct schedules *schedules, uint64_t id);

/* Note what has become known of the end of its user's time. 0 or -errno. */
int schedules_plan(
	struct schedules *schedules, uint64_t id, const struct schedule_removal *removal);

/* How many there are. Not in the ledger's change: as it was committed last. */
uint64_t schedules_count(const struct schedules *schedules);

/* Take the run that is due first, if it is due at now_ms: 1 and *schedule, else 0. The caller calls
 * schedules_retry(), schedules_advance() or schedules_remove() for it later. */
int schedules_due(struct schedules *schedules, int64_t now_ms, struct schedule *schedule);

/* When schedules_due() has something to do: INT64_MAX never, 0 at once. */
int64_t schedules_next_due_ms(const struct schedules *schedules);

/* Offer the same run of the schedule again, not before due_ms. It stays in the store as it is. */
void schedules_retry(struct schedules *schedules, uint64_t id, int64_t due_ms);

enum schedule_next {
	SCHEDULE_GOES_ON = 0,
	SCHEDULE_ENDED = 1,  /* it was the last run by its own dates: the schedule is removed */
	SCHEDULE_LEAVES = 2, /* it was the last lawful run: the caller removes the schedule */
};

/* Go on to the next occurrence. Returns enum schedule_next, -ENOENT: it was deleted meanwhile, or
 * another -errno. */
int schedules_advance(struct schedules *schedules, uint64_t id);

/* Whether the present run may still go once the time of its user is over: it reads none but his
 * days, and schedules do not end at the change. */
bool schedule_is_lawful(const struct schedules *schedules, const struct schedule *schedule);

/* The time that the present run reads, ms since 1970. False: it reads what there is now. */
bool schedule_period(const struct schedule *schedule, int64_t *start_ms, int64_t *end_ms);

/* Append what 5.2 shows of a schedule. */
void schedule_write_details(const struct schedule *schedule, struct xml_text *text);

/* The RequestID of the present occurrence: {dsp_eui, device, id << 20 | occurrence << 4 | attempt}.
 */
struct mw_request_id schedule_request_id(const struct schedule *schedule, uint64_t dsp_eui);

#endif
