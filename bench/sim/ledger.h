/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of exchanges with devices: one entry for each request that reaches a provider, found
 * by its RequestID, with what has happened to it so far. At the end the entries are what is
 * balanced: everything accepted was dispatched once, answered once, delivered once and verified.
 *
 * Fixed size, taken at start. When it is full the oldest entry makes room (and is counted), so that
 * a simulator that serves for days needs no more memory.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "motorway/duis_terms.h"

#define LEDGER_NONE UINT32_MAX

struct exchange {
	struct mw_request_id id;
	bool used;
	/* by the users */
	bool sent;	  /* a user of this simulator sent it */
	bool accepted;	  /* and the gateway took it */
	bool hold;	  /* the provider keeps its answer back until this is cleared */
	uint64_t sent_ns; /* when it should have left the user (open loop) */
	/* by the providers */
	bool scheduled;	     /* Motorway-Mode */
	uint32_t attempt;    /* highest Motorway-Attempt seen */
	uint32_t dispatched; /* times taken by the provider, repeats of an attempt left out */
	uint32_t answered;   /* times the gateway took the answer */
	uint8_t provider;    /* index of the provider */
	uint32_t retries;    /* of the answer */
	bool unsure;	     /* an answer was sent, but its acknowledgement did not come */
	char outcome[MW_CODE_SIZE]; /* Motorway-Outcome of the answer */
	char srv[MW_SRV_SIZE];
	uint64_t broker_counter; /* counter of the access control broker's command to the device */
	int64_t answer_wall_s;	 /* time that the device's message shows */
	uint64_t payload_digest; /* of the answer's payload */
	uint32_t payload_length;
	uint64_t dispatched_ns;
	uint64_t answered_ns;
	/* by the receive endpoints */
	uint32_t delivered; /* times received */
	uint32_t verified;  /* times received and found right */
	/* chain of the hash table */
	uint32_t next;
};

struct ledger {
	struct exchange *exchanges;
	uint32_t capacity;
	uint32_t used;	  /* entries in use */
	uint32_t cursor;  /* the next entry to be taken */
	uint64_t evicted; /* entries that had to make room */
	uint32_t *buckets;
	uint32_t bucket_count; /* a power of two */
};

/* Take memory for `capacity` entries (at least 1). Returns 0 or -ENOMEM. */
int ledger_create(struct ledger *ledger, uint32_t capacity);
void ledger_destroy(struct ledger *ledger);

/* The entry of `id`, or NULL. */
struct exchange *ledger_find(struct ledger *ledger, const struct mw_request_id *id);

/* The entry of `id`, made if there is none. */
struct exchange *ledger_enter(struct ledger *ledger, const struct mw_request_id *id);

/* Index of an entry, for references that outlive eviction: see ledger_at(). */
uint32_t ledger_index(const struct ledger *ledger, const struct exchange *exchange);

/* The entry at `index` if it still is the one of `id`, else NULL. */
struct exchange *ledger_at(struct ledger *ledger, uint32_t index, const struct mw_request_id *id);

/* A digest of a payload, for comparing what was sent with what was received (FNV-1a, 64 bits: an
 * accident is noticed, an attack is not, the signature is checked for that). */
uint64_t ledger_digest(const uint8_t *bytes, uint32_t length);

#endif
