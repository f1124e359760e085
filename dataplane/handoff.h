/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lcores say to one another: every hand-over between an edge, the traffic lcore and the link
 * to control, read from top to bottom in the order in which a message meets them. Events and
 * actions go through rte_rings by value.
 *
 *   edge ── REQUEST ─────────> traffic ── journal ──> ACTION_REPLY (I99) ──────> edge
 *                                      └───────────> ACTION_DISPATCH ──────────> edge ──> provider
 *   edge ── DISPATCHED ──────> traffic
 *   edge ── RESPONSE ────────> traffic ── journal ──> ACTION_REPLY_PROVIDER ───> edge
 *                                      └─ lane ─────> ACTION_DELIVER ──────────> edge ──> user
 *   edge ── DELIVERED ───────> traffic ── journal ──> forgotten
 *
 * Transform: ACTION_TRANSFORM -> TRANSFORMED; control: ACTION_SERVICE -> SERVICE_ANSWERED;
 * scheduled reads: DUE_READ -> ACTION_DUE_READ_TAKEN; DCC Alerts: ALERT -> ACTION_ALERT_TAKEN, then
 * ACTION_DELIVER as above. An originator's counters: REPLAY_RESET -> ACTION_REPLAY_RESET_DONE.
 * A request that is held: ACTION_QUARANTINED, later QUARANTINE ->
 * ACTION_QUARANTINE_DONE (doc/anomaly-detection.md).
 */
#ifndef DATAPLANE_HANDOFF_H
#define DATAPLANE_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/access.h"
#include "dataplane/answer.h"
#include "dataplane/message.h"
#include "dataplane/net/http.h"
#include "motorway/duis_terms.h"

/* Names an entry of the pending table; a stale one is recognised by its generation. */
struct pending_reference {
	uint32_t index;
	uint32_t generation;
};

/* What the answers to a request must repeat. */
struct request_terms {
	struct mw_request_id request_id;
	char service_reference[MW_SRV_SIZE];
	char srv[MW_SRV_SIZE];
	uint8_t schema_index; /* the user's DUIS version */
	uint8_t command_variant;
};

struct anomaly;
struct windows;

enum traffic_event_type {
	EVENT_REQUEST = 1,
	EVENT_RESPONSE,
	EVENT_DISPATCHED,
	EVENT_TRANSFORMED,
	EVENT_SERVICE_ANSWERED,
	EVENT_DUE_READ,
	EVENT_DELIVERED,
	EVENT_ALERT,
	EVENT_QUARANTINE,
	EVENT_QUARANTINE_REPORTED, /* the link has sent reports to control */
	EVENT_CONTROL_CONNECTED,   /* control knows nothing of what is held */
	EVENT_THRESHOLDS,
	EVENT_WINDOWS,
	EVENT_REPLAY_RESET, /* forget the counters of `user`; event_reference: control's token */
};

struct traffic_event {
	uint8_t type;	     /* enum traffic_event_type */
	uint8_t edge;	     /* who sent it */
	uint8_t provider_id; /* REQUEST, DUE_READ: the device's; RESPONSE, DISPATCHED: the speaker
			      */
	uint8_t transform_provider_id;
	uint8_t route;	/* REQUEST: enum access_route */
	bool has_body;	/* TRANSFORMED: the Response carries a body */
	int16_t status; /* DISPATCHED, TRANSFORMED, DELIVERED: HTTP status or -errno */
	struct http_exchange exchange;	    /* REQUEST, RESPONSE: who waits for the reply */
	struct pending_reference reference; /* DISPATCHED, TRANSFORMED, SERVICE_ANSWERED, DELIVERED;
					       QUARANTINE, ALERT with announces: the held request */
	struct message *message; /* REQUEST: the user's bytes, or for control the digested octets;
				    RESPONSE: GBCS octets; TRANSFORMED: canonical Response;
				    SERVICE_ANSWERED: canonical element; DUE_READ: canonical
				    Request; ALERT: the element, then that of a version mismatch */
	uint64_t user;		 /* REQUEST, DUE_READ, ALERT: EUI-64 of who gets the answer;
				    REPLAY_RESET: of the originator */
	uint64_t received_ns;	 /* REQUEST, RESPONSE: first byte */
	struct request_terms terms; /* REQUEST, DUE_READ; RESPONSE: the request_id alone; ALERT: its
				       ResponseID as request_id, and schema_index */
	char code[MW_CODE_SIZE];    /* RESPONSE, TRANSFORMED, SERVICE_ANSWERED: the DUIS code;
				       ALERT: DCCAlertCode */
	uint64_t schedule_id;	    /* DUE_READ */
	uint32_t occurrence;	    /* DUE_READ */
	uint32_t attempt;	    /* DUE_READ: of the scheduled run */
	uint32_t roles;		    /* REQUEST: of the user, for control */
	bool announces;		    /* ALERT: of a held request */
	uint8_t quarantine_action;  /* QUARANTINE: enum mw_quarantine_action */
	uint8_t reason; /* DUE_READ: enum answer_reason; when access control refused it, the user
			   is answered `code` and nothing is sent; `message` is NULL */
	uint32_t alert_length;	  /* ALERT: of the first element */
	uint64_t event_reference; /* QUARANTINE */
	uint32_t reports;	  /* QUARANTINE_REPORTED: how many */
	uint32_t session;	  /* QUARANTINE_REPORTED, CONTROL_CONNECTED: of control */
	struct anomaly *anomaly;  /* THRESHOLDS: passes to the traffic lcore */
	struct windows *windows;  /* WINDOWS: passes to the traffic lcore */
	uint8_t window_kind;	  /* REQUEST, DUE_READ: enum release_kind */
	uint8_t lane;		  /* REQUEST: enum mw_lane of its answer */
	uint64_t deadline_ns;	  /* REQUEST, DUE_READ: when its answer is due, 0: not known */
	uint64_t release_ns;	  /* REQUEST, DUE_READ: not before this, 0: at once */
};

enum action_type {
	ACTION_REPLY = 1,      /* a DUIS Response to the waiting user */
	ACTION_REPLY_CAPACITY, /* 503 to the waiting user */
	ACTION_REPLY_DOCUMENT, /* a canonical Response, to be signed, to the waiting user */
	ACTION_REPLY_PROVIDER, /* an HTTP status to the waiting provider */
	ACTION_DISPATCH,       /* POST a request to a provider; the message is lent */
	ACTION_TRANSFORM,      /* POST a request to the transform provider; the message is lent */
	ACTION_DELIVER, /* build, sign and POST a response to its user; the message is lent */
	ACTION_SERVICE, /* to the link: let control answer; the message is lent */
	ACTION_DUE_READ_TAKEN,	  /* to the link: what became of a due read */
	ACTION_ALERT_TAKEN,	  /* to the link: what became of an alert */
	ACTION_QUARANTINED,	  /* to the link: a request is held; tell control */
	ACTION_QUARANTINE_DONE,	  /* to the link: it has been released, deleted, or neither */
	ACTION_REPLAY_RESET_DONE, /* to the link: an originator's counters are forgotten */
};

struct action {
	uint8_t type; /* enum action_type */
	uint8_t provider_id;
	uint8_t reason; /* REPLY, DUE_READ_TAKEN: enum answer_reason */
	uint8_t lane;	/* DISPATCH, DELIVER: enum mw_lane */
	bool scheduled; /* DISPATCH: a run of a schedule; DELIVER: so wrap the payload into a
			   DSPScheduledMessage */
	bool alert;	/* DELIVER: a DCC Alert; as in its event */
	bool has_body;	/* REPLY_DOCUMENT */
	uint8_t quarantine_action; /* QUARANTINE_DONE */
	int16_t status;		   /* REPLY_PROVIDER: HTTP status; DUE_READ_TAKEN, ALERT_TAKEN,
				      QUARANTINE_DONE:	    0 or -errno */
	uint32_t attempt;	   /* DISPATCH: 1, 2, ...; DUE_READ_TAKEN */
	struct http_exchange exchange;
	struct pending_reference reference;
	struct message *message; /* REPLY: body element or NULL, given away; else lent, or NULL */
	uint64_t user;		 /* DELIVER, SERVICE, QUARANTINED, REPLAY_RESET_DONE: EUI-64 */
	uint64_t expires_ns;	 /* DISPATCH: not to be written after this; 0: at any time */
	uint64_t answered_ns;	 /* DELIVER: becomes ResponseDateTime; QUARANTINED: held since */
	struct request_terms terms;
	char code[MW_CODE_SIZE];  /* REPLY, DELIVER, DUE_READ_TAKEN */
	uint64_t schedule_id;	  /* DELIVER, DUE_READ_TAKEN */
	uint32_t occurrence;	  /* DUE_READ_TAKEN */
	uint32_t roles;		  /* SERVICE */
	uint32_t alert_length;	  /* DELIVER */
	uint32_t session;	  /* QUARANTINED: of control, to whom the report is due */
	uint64_t event_reference; /* QUARANTINED, QUARANTINE_DONE: QuarantineEventRef, 0: none yet;
				     ALERT_TAKEN: the alert's id; REPLAY_RESET_DONE: control's
				     token */
	uint32_t period_s, limit; /* QUARANTINED: of the threshold */
	bool of_all_users;	  /* QUARANTINED: the threshold is */
	uint64_t highest;	  /* REPLAY_RESET_DONE: counter that was accepted */
	uint32_t scopes;	  /* REPLAY_RESET_DONE: how many were forgotten */
};

_Static_assert(sizeof(struct traffic_event) % 4 == 0, "rte_ring elements are multiples of 4 bytes");
_Static_assert(sizeof(struct action) % 4 == 0, "rte_ring elements are multiples of 4 bytes");

#endif
