/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DCC Alerts on their way to the data plane (doc/alerts.md): raised here, offered over the link
 * until the data plane says that it has made them durable. They are rows of the store from being
 * raised to being taken, in the ledger's change, which the caller commits; in memory are those that
 * are offered and one cursor for each user, so that a user whose lane is full holds up nobody else.
 * Time is an argument: monotonic ms. One thread.
 *
 *   alerts_raise() --> store --alerts_next()--> offered --alerts_taken(0)--> gone
 *                        ^                         | -EAGAIN
 *                        +----- ALERTS_RETRY_MS ---+
 *
 * Those about held requests are kept in memory alone: the data plane, which holds the requests,
 * reports what has not been announced.
 */
#ifndef CONTROL_ALERT_H
#define CONTROL_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ledger.h"
#include "control/reference.h"

#define ALERTS_HELD_MAX 65536u /* in memory: about held requests */
#define ALERTS_OF_USER_MAX 16  /* offered at a time */
#define ALERTS_RETRY_MS 2000

/* What is announced. */
struct alert_terms {
	enum alert_event event;
	uint64_t user;			 /* who is told */
	uint64_t device_id;		 /* 0: none */
	uint64_t schedule_id;		 /* COMMAND_FAILED: 0: none */
	struct mw_request_id request_id; /* COMMAND_FAILED, QUARANTINED_...: of the request */
	uint64_t token;			 /* QUARANTINED_...: see mw_control_quarantined */
};

struct alert {
	uint64_t id;
	uint64_t user;
	uint64_t token;
	bool announces; /* a held request, which `token` names */
	char code[MW_CODE_SIZE];
	char schema_version[MW_SCHEMA_VERSION_SIZE];
	char *elements; /* body_length bytes, then mismatch_length bytes, as in mw_control_alert */
	uint32_t body_length;
	uint32_t mismatch_length;
	/* private to alert.c */
	struct alert_terms terms;
	int64_t due_ms;
	struct alert *next;
	struct alert *previous;
};

struct alerts_counters {
	uint64_t raised, taken, retried, refused, no_room;
};

struct alerts;

/* Begin with what the ledger's store has. Ids only grow, also from one process to the next; a new
 * store's begin with the microseconds since 1970. NULL with errno. */
struct alerts *alerts_open(struct ledger *ledger, int64_t wall_ms);
void alerts_close(struct alerts *alerts);

/* After a commit that failed, and the connection is gone: forget what was read. */
void alerts_forget(struct alerts *alerts);

/* Raise an alert. Returns its id, or 0 when there is no room (counted). */
uint64_t alerts_raise(struct alerts *alerts, const struct alert_terms *terms);

/* The alert to offer next, which is then offered, with the codes and the user's version of
 * `reference`; NULL when none is ready. Valid until it is taken. Users take turns. */
const struct alert *alerts_next(
	struct alerts *alerts, const struct reference *reference, int64_t now_ms);

/* When alerts_next() has one; INT64_MAX: never, unless one is raised; INT64_MIN: now. */
int64_t alerts_next_ms(const struct alerts *alerts);

/* What became of an offered alert: 0 durable, -EAGAIN again later, anything else refused. Returns
 * whether it was offered; *announced tells whether it was about a held request. */
bool alerts_taken(struct alerts *alerts, uint64_t id, int status, int64_t now_ms, bool *announced);

/* The data plane is gone: what was offered is ready again. Alerts about held requests are
 * forgotten: the data plane will report the requests anew. */
void alerts_return(struct alerts *alerts);

size_t alerts_count(const struct alerts *alerts);   /* all that are not taken */
size_t alerts_offered(const struct alerts *alerts); /* of these */
const struct alerts_counters *alerts_counters(const struct alerts *alerts);

#endif
