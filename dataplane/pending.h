/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pending table: one entry for each request that the gateway has accepted and not yet finished,
 * from the journal record of its acceptance to that of its delivery. Owned by the traffic lcore.
 * Its size is fixed at start; a timer heap over the same entries gives each at most one timer.
 */
#ifndef DATAPLANE_PENDING_H
#define DATAPLANE_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/handoff.h"
#include "dataplane/hash_index.h"
#include "dataplane/release.h"

enum pending_state {
	PENDING_FREE = 0,
	PENDING_ACCEPTING,	  /* its acceptance is being made durable */
	PENDING_SERVICE,	  /* control works on the answer */
	PENDING_QUARANTINED,	  /* held until an operator releases or deletes it */
	PENDING_RELEASING,	  /* its release or deletion is being made durable */
	PENDING_HELD,		  /* until its planned release or ExecutionDateTime */
	PENDING_QUEUED,		  /* in a provider's queue */
	PENDING_INTENT,		  /* the intent to send is being made durable */
	PENDING_READY,		  /* it is durable; a gate must open (traffic_window.h) */
	PENDING_DISPATCHING,	  /* the POST to the provider is under way */
	PENDING_BACKOFF,	  /* waits for its next attempt */
	PENDING_AWAITING,	  /* taken by the provider; the device will answer */
	PENDING_COMPLETING,	  /* a synchronous answer is being made durable */
	PENDING_ANSWERING,	  /* the device's answer is being made durable */
	PENDING_LANE,		  /* waits in its user's lane */
	PENDING_DELIVERING,	  /* the POST to the user is under way */
	PENDING_DELIVERY_BACKOFF, /* waits for its next delivery attempt */
	PENDING_FINISHING,	  /* its end is being made durable, or its last POST must end */
};

#define PENDING_NONE UINT32_MAX

struct pending {
	uint32_t generation;
	uint8_t state;	     /* enum pending_state */
	uint8_t route;	     /* enum access_route; becomes DEVICE when the transform part is done */
	uint8_t lane;	     /* enum mw_lane */
	uint8_t provider_id; /* the device's */
	uint8_t transform_provider_id;
	uint8_t reason;	 /* enum answer_reason of a synchronous refusal, or of a scheduled run's */
	bool posting;	 /* an edge has `request` on loan and reports back */
	bool answer_due; /* somebody at `exchange` waits for the reply */
	bool lane_place; /* it holds a place in its user's lane */
	bool sent;	 /* a provider may have it */
	bool in_doubt;	 /* nobody knows whether the last attempt reached the provider */
	bool ended;	 /* goes as soon as `posting` ends */
	bool has_body;
	bool alert; /* a DCC Alert; its request_id is its ResponseID */
	bool held;  /* quarantined; an entry in the list of these while QUARANTINED */
	uint8_t quarantine_action; /* while RELEASING: enum mw_quarantine_action */
	uint8_t window_kind;	   /* enum release_kind */
	bool due_read;		   /* a run of a schedule, which the DSP sends itself */
	bool windowed;		   /* QUEUED in the windows' queues */
	bool asks_gate;		   /* from its intent to its POST: a gate must open */
	uint8_t gate_count;	   /* gates that its POST passed */
	uint8_t gates[3];
	uint16_t attempts; /* number of the attempt; one in doubt keeps its number */
	uint16_t posts;	   /* POSTs to the provider so far */
	uint16_t delivery_attempts;
	struct http_exchange exchange; /* of the user; while ANSWERING: of the provider */
	uint8_t exchange_edge;	       /* whose exchange that is */
	struct request_terms terms;
	uint64_t user;
	uint32_t roles;
	uint32_t lane_user; /* its user's number in the lanes */
	uint64_t received_ns;
	uint64_t answered_ns;
	uint64_t deadline_ns; /* when its answer is due, by its Target Response Time */
	uint64_t release_ns;  /* not before this; 0: at once */
	uint64_t passed_ns;   /* when its POST was permitted */
	uint64_t schedule_id; /* scheduled reads */
	uint32_t occurrence;
	uint32_t run_attempt;
	char code[MW_CODE_SIZE];
	struct message *request;	     /* what goes south */
	struct message *answer;		     /* what goes north */
	uint32_t alert_length;		     /* alerts: of the first element in `answer` */
	uint32_t period_s, limit;	     /* held: of the threshold that it exceeded */
	bool of_all_users;		     /* held: that threshold is of all users together */
	uint64_t event_reference;	     /* held: QuarantineEventRef, 0: not announced yet */
	uint32_t queue_next, queue_previous; /* in a provider's queue, or among those held */
	uint64_t timer_ns;
	uint32_t timer_position; /* in the heap, PENDING_NONE when no timer runs */
};

struct pending_table {
	struct pending *entries;
	struct hash_index by_request_id;
	uint32_t *free; /* stack of free entries */
	uint32_t free_count;
	uint32_t size;
	uint32_t *heap; /* entries ordered by timer_ns */
	uint32_t heap_count;
};

/* Make a table of `size` entries. Returns 0 or -ENOMEM. */
int pending_create(struct pending_table *table, uint32_t size, uint64_t secret);
void pending_destroy(struct pending_table *table);

/* Take a free entry for `id`, which must not be in the table (pending_find()). NULL when full. */
struct pending *pending_take(struct pending_table *table, const struct mw_request_id *id);

/* Give the entry back; its timer stops and references to it become stale. Its messages are the
 * caller's business. */
void pending_release(struct pending_table *table, struct pending *entry);

/* The entry of a request id, or NULL. */
struct pending *pending_find(struct pending_table *table, const struct mw_request_id *id);

struct pending_reference pending_refer(
	const struct pending_table *table, const struct pending *entry);

/* The entry a reference names, or NULL when it is stale. */
struct pending *pending_resolve(struct pending_table *table, struct pending_reference reference);

/* Entries in use. */
uint32_t pending_count(const struct pending_table *table);

/* A list of entries, linked by queue_next and queue_previous. */
struct pending_queue {
	uint32_t head, tail; /* PENDING_NONE when empty */
	uint32_t count;
};

/* Behind the others; out of it, from anywhere. */
void pending_queue_append(
	struct pending_table *table, struct pending_queue *queue, struct pending *entry);
void pending_queue_remove(
	struct pending_table *table, struct pending_queue *queue, struct pending *entry);

/* Start (or move) the entry's timer; stop it. */
void pending_timer_set(struct pending_table *table, struct pending *entry, uint64_t when_ns);
void pending_timer_stop(struct pending_table *table, struct pending *entry);

/* The entry whose timer is due at `now_ns`, its timer stopped; NULL when none is. */
struct pending *pending_timer_expired(struct pending_table *table, uint64_t now_ns);

#endif
