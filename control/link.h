/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link to the data plane, from control's side: pushes the reference set (from the record where
 * a lost connection broke off), answers service requests, offers due reads and alerts, hears of
 * held requests and sends what operators decide about them (alert_link.h). Everything that either
 * side sends unasked costs one credit of the other (motorway/control_protocol.h).
 *
 * One link, at most one peer at a time. Time is an argument; one thread.
 */
#ifndef CONTROL_LINK_H
#define CONTROL_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "control/alert.h"
#include "control/peer.h"
#include "control/quarantine.h"
#include "control/reference.h"
#include "control/schedule.h"
#include "control/service.h"

/* Monotonic time for waiting, wall clock time for schedules; both in ms. */
struct server_time {
	int64_t monotonic_ms;
	int64_t wall_ms; /* since 1970, UTC */
};

#define LINK_OFFERS_MAX 64	   /* due reads offered and not yet answered */
#define LINK_SERVICE_CREDIT 256	   /* service requests that may wait, and share a commit */
#define LINK_CREDIT_MAX (1u << 20) /* more is nonsense */
#define LINK_OUTPUT_BYTES_MAX (1024u * 1024) /* beyond it nothing is added */
#define LINK_RETRY_MS 1000		     /* a due read answered with -EAGAIN is offered again */
#define LINK_STALL_MS 60000		     /* a data plane that owes something */

struct link_offer {
	bool used;
	uint64_t schedule_id;
	uint32_t occurrence;
	uint32_t attempt;
	int64_t since_ms; /* monotonic */
};

/* Only ever increasing. */
struct link_counters {
	uint64_t connections;
	uint64_t sets_sent, sets_applied, sets_refused, sets_resumed;
	uint64_t records_sent;
	uint64_t service_requests;
	uint64_t due_offered, due_taken, due_retried, due_refused, due_skipped, due_returned;
	uint64_t due_not_permitted[MW_ACCESS_CHECK_COUNT]; /* by check */
	uint64_t schedules_ended, schedules_left;
	uint64_t alerts_offered;
	uint64_t quarantine_reports, quarantine_no_room, quarantine_gone;
	uint64_t quarantine_released, quarantine_deleted;
};

struct timetable;

struct link {
	struct peer *peer; /* NULL: no data plane; owned by the server */
	uint64_t dsp_eui;
	const struct reference *reference; /* the set in force; owned by the server */
	const struct timetable *timetable; /* NULL: no windows */
	struct ledger *ledger;		   /* committed by the server, before anything goes out */
	struct schedules *schedules;
	struct services *services;
	struct alerts *alerts;
	struct quarantine *quarantine;
	uint32_t credit;	 /* what we may still send */
	uint32_t service_credit; /* what the data plane may still send */
	bool pushing;		 /* a set is on its way */
	size_t next_record;
	uint64_t applied_generation; /* by this peer; 0: none yet */
	int64_t owed_since_ms;	     /* an answer to REFERENCE_END; 0: none */
	int64_t credit_since_ms;     /* a push waits for credit; 0: it does not */
	struct link_offer offers[LINK_OFFERS_MAX];
	unsigned offer_count;
	struct link_counters counters;
	FILE *log;
};

/* The data plane has said hello on `peer`. Begins or resumes the push. PEER_OK or the fault. */
enum peer_fault link_connect(struct link *link, struct peer *peer,
	const struct mw_control_hello *hello, struct server_time now);

/* The peer is gone (or is being closed): offered reads that were not answered are due again. */
void link_disconnect(struct link *link, struct server_time now);

/* A new set is in force; link->reference is it already. */
enum peer_fault link_reference_changed(struct link *link);

/* Whether a set is on its way: begun, and the data plane has not said what became of it. */
bool link_sends_set(const struct link *link);

/* A checked message of the data plane other than HELLO and STATUS. PEER_OK or the fault. */
enum peer_fault link_message(
	struct link *link, const struct peer_message *message, struct server_time now);

/* Send what credit and output allow: records first, then due reads. PEER_OK or the fault. */
enum peer_fault link_pump(struct link *link, struct server_time now);

/* PEER_FAULT_STALLED when the data plane owes something for too long, else PEER_OK. */
enum peer_fault link_check(const struct link *link, int64_t now_ms);

/* When link_pump() has something to do next because of time, wall clock ms; INT64_MAX: never. */
int64_t link_next_ms(const struct link *link);

#endif
