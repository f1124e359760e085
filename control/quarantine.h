/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What motorway-control knows of held requests (doc/anomaly-detection.md). The data plane holds
 * them and reports each one once a connection, so this is a copy that goes with the connection. The
 * wishes of operators that are not carried out yet outlive it: they are rows of the store, in the
 * ledger's change, which the caller commits. One thread.
 */
#ifndef CONTROL_QUARANTINE_H
#define CONTROL_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ledger.h"
#include "motorway/control_protocol.h"

#define QUARANTINE_MAX 65536u
/* How long a wish waits for its request to be reported. */
#define QUARANTINE_WISH_MS (30ll * 86400000)
#define QUARANTINE_RETRY_MS 1000

enum quarantine_state {
	QUARANTINE_ANNOUNCING = 1, /* its alert is not in the data plane yet */
	QUARANTINE_HELD,
	QUARANTINE_RELEASING, /* an operator wishes so */
	QUARANTINE_DELETING,
};

struct quarantine_event {
	uint64_t reference; /* QuarantineEventRef; the key */
	enum quarantine_state state;
	bool present;	/* reported in this connection; else a wish that waits for the report */
	bool sent;	/* the wish is on its way */
	bool stored;	/* the wish is in the store */
	int64_t due_ms; /* the wish goes not before */
	uint64_t token;
	uint64_t user;
	struct mw_request_id request_id;
	char srv[MW_SRV_SIZE];
	int64_t held_ms; /* wall clock */
	uint32_t period_s;
	uint32_t limit;
};

struct quarantine {
	struct quarantine_event *events; /* in order of their references */
	size_t count;
	size_t capacity;
	size_t present;
	size_t wishes;	       /* not sent */
	struct ledger *ledger; /* borrowed; NULL: wishes are kept in memory alone */
};

/* Begin with the wishes that the ledger's store has; older ones than QUARANTINE_WISH_MS are
 * forgotten. 0 or -errno. The ledger is committed by the caller. */
int quarantine_open(struct quarantine *quarantine, struct ledger *ledger, int64_t wall_ms);

void quarantine_free(struct quarantine *quarantine);

/* A report has come; `reference` is its own or, for one that was not announced before, that of the
 * alert just raised. Returns the event, or NULL when the table is full or memory is short. */
struct quarantine_event *quarantine_report(struct quarantine *quarantine,
	const struct mw_control_quarantined *report, uint64_t reference);

/* The event, or NULL. Valid until the next report or removal. */
struct quarantine_event *quarantine_find(const struct quarantine *quarantine, uint64_t reference);

/* Number of the first event with a reference above `reference`. */
size_t quarantine_after(const struct quarantine *quarantine, uint64_t reference);

void quarantine_remove(struct quarantine *quarantine, struct quarantine_event *event);

/* An operator wants a present event released or deleted. The last wish counts, unless one is on its
 * way: then false. False too when the store has no room for it. */
bool quarantine_wish(struct quarantine *quarantine, struct quarantine_event *event,
	enum quarantine_state state, int64_t wall_ms);

/* The next wish to send, which is then sent; NULL when none is ready. */
const struct quarantine_event *quarantine_next_wish(struct quarantine *quarantine, int64_t now_ms);

/* The data plane has no room for the wish now. */
void quarantine_retry(
	struct quarantine *quarantine, struct quarantine_event *event, int64_t now_ms);

/* The data plane is gone. */
void quarantine_leave(struct quarantine *quarantine);

const char *quarantine_state_name(enum quarantine_state state);

#endif
