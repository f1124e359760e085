/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was decided lately, so that an operator who asks about a RequestID is shown the decision as
 * it was made: a ring of the last DECISIONS_KEPT decisions of one lcore, accepted and refused
 * alike. One writer, who never waits and never allocates; any number of readers on other threads,
 * who look through all of it (a millisecond at most) and find each decision whole or not at all.
 *
 * Only what a proven sender asked is kept: nobody else can push others' decisions out.
 */
#ifndef DATAPLANE_DECISIONS_H
#define DATAPLANE_DECISIONS_H

#include "dataplane/access.h"
#include "dataplane/duis/engine.h"

#define DECISIONS_KEPT 65536u /* of each lcore; a power of two; 104 bytes each */

struct decision {
	struct mw_request_id request_id;
	uint64_t user;	     /* the originator; of a scheduled run the schedule's owner */
	int64_t time_ms;     /* wall clock, since 1970 */
	uint64_t generation; /* of the registry */
	int64_t period_start_s;
	int64_t period_end_s;
	int64_t uncovered_s; /* of a refusal for want of entitlement; else INT64_MIN */
	char srv[MW_SRV_SIZE];
	char code[MW_CODE_SIZE]; /* of a refusal, "" when accepted, or for 503 */
	uint16_t roles; /* of the user's, those in which it was permitted; refused: all he had */
	uint8_t reason; /* enum answer_reason; ANSWER_CAPACITY: 503 */
	uint8_t check;	/* enum mw_access_check that refused; else MW_ACCESS_CHECK_COUNT */
	uint8_t command_variant;
	uint8_t service; /* enum mw_service */
	uint8_t schema_index;
	uint8_t flags; /* MW_DECISION_... */
};

_Static_assert(sizeof(struct decision) == 96, "whole words, and few");

struct decisions;

/* A ring that keeps `kept` (a power of two) decisions. All memory is taken and touched here. NULL
 * with ENOMEM. */
struct decisions *decisions_create(uint32_t kept);

/* Nobody writes or reads any more. NULL is fine. */
void decisions_destroy(struct decisions *decisions);

/* Keep `decision`, in place of the oldest when the ring is full. The one writer. */
void decisions_put(struct decisions *decisions, const struct decision *decision);

/* Find those about `id`, the latest first, at most `found_max`; returns their number. Any thread.
 */
unsigned decisions_find(const struct decisions *decisions, const struct mw_request_id *id,
	struct decision *found, unsigned found_max);

/* Those about `id` in `count` rings, the latest first, as control's records with the versions of
 * `schemas`; records takes MW_DECISIONS_MAX, of which the number is returned. Any thread. */
unsigned decisions_collect(struct decisions *const *rings, unsigned count,
	const struct mw_request_id *id, const struct duis_schemas *schemas,
	struct mw_control_decision *records);

/* What access_check() said of a request, as it is kept. `registry` is the one it was asked by. */
struct decision decision_of(const struct registry *registry, const struct access_request *request,
	const struct access_decision *decided, int64_t time_ms);

/* The same as control's record. `schema_version` is that of the decision's schema_index. */
struct mw_control_decision decision_record(
	const struct decision *decision, const char *schema_version);

#endif
