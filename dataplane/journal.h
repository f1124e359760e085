/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal as the traffic lcore uses it: append a record, learn later that it is durable.
 * Nothing is acknowledged, dispatched or forgotten before the record that says so is durable.
 *
 * This build has the null journal alone: it keeps nothing and calls every record durable at
 * once. It stands behind the functions that a real journal will have, so that no path of a
 * message changes when records reach a disk.
 */
#ifndef DATAPLANE_JOURNAL_H
#define DATAPLANE_JOURNAL_H

#include <stdint.h>

#include "dataplane/handoff.h"

enum journal_record_type {
	JOURNAL_ACCEPTED = 1,	 /* a request, with its bytes */
	JOURNAL_DISPATCH_INTENT, /* attempt n is about to be sent */
	JOURNAL_DISPATCHED,	 /* the provider has taken it */
	JOURNAL_ANSWERED,	 /* the device's answer, with its bytes */
	JOURNAL_COMPLETED,	 /* answered synchronously */
	JOURNAL_DELIVERED,	 /* the user has taken the answer */
	JOURNAL_QUARANTINED,	 /* a request that is held, with its bytes */
	JOURNAL_ANNOUNCED,	 /* the alert about a held request is durable */
	JOURNAL_RELEASED,	 /* a held request goes on its way */
	JOURNAL_DELETED,	 /* a held request ends */
	JOURNAL_ALERT,		 /* a DCC Alert, with its elements */
	JOURNAL_REPLAY_RESET,	 /* an originator's counters are forgotten; its id has no target */
	JOURNAL_REFUSED,	 /* a scheduled run that is not sent; its user is answered a code */
};

struct journal {
	uint64_t appended; /* sequence number of the record appended last; the first is 1 */
};

/* Append a record about `request_id`; `message` (may be NULL) holds its bytes and must stay until
 * the record is durable. Returns its sequence number (> 0). Traffic lcore. */
uint64_t journal_append(struct journal *journal, enum journal_record_type type,
	const struct mw_request_id *request_id, const struct message *message);

/* The sequence number up to which every record is durable. Traffic lcore, once a poll. */
uint64_t journal_durable(const struct journal *journal);

#endif
