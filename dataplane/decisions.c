/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot is 13 words: its sequence, then the decision. The sequence is 2n + 1 while decision number
 * n is being written and 2n + 2 afterwards, so that a reader who finds 2n + 2 before and after
 * copying has number n, whole. All words are relaxed atomics; the two fences order them against the
 * sequence, as in the registry image (registry_image.c).
 */
#include "dataplane/decisions.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS (sizeof(struct decision) / sizeof(uint64_t))
#define CACHE_LINE 64

struct slot {
	_Atomic uint64_t sequence;
	_Atomic uint64_t words[WORDS];
};

struct decisions {
	_Atomic uint64_t next; /* number of the decision that comes next */
	uint64_t mask;
	struct slot *slots;
};

struct decisions *decisions_create(uint32_t kept)
{
	assert(kept > 0 && (kept & (kept - 1)) == 0);
	struct decisions *decisions = calloc(1, sizeof(*decisions));
	if (!decisions)
		return NULL;
	size_t bytes = (kept * sizeof(struct slot) + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	decisions->mask = kept - 1;
	decisions->slots = aligned_alloc(CACHE_LINE, bytes);
	if (!decisions->slots) {
		free(decisions);
		errno = ENOMEM;
		return NULL;
	}
	/* Touched now, so that no message waits for a page. */
	memset(decisions->slots, 0, bytes);
	return decisions;
}

void decisions_destroy(struct decisions *decisions)
{
	if (!decisions)
		return;
	free(decisions->slots);
	free(decisions);
}

void decisions_put(struct decisions *decisions, const struct decision *decision)
{
	uint64_t number = atomic_load_explicit(&decisions->next, memory_order_relaxed);
	struct slot *slot = &decisions->slots[number & decisions->mask];
	uint64_t words[WORDS];
	memcpy(words, decision, sizeof(words));
	atomic_store_explicit(&slot->sequence, 2 * number + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < WORDS; i++)
		atomic_store_explicit(&slot->words[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&slot->sequence, 2 * number + 2, memory_order_release);
	atomic_store_explicit(&decisions->next, number + 1, memory_order_release);
}

/* Copy decision `number` when it is about `id`. False also when it is being overwritten. */
static bool copy(const struct decisions *decisions, uint64_t number, const struct mw_request_id *id,
	struct decision *decision)
{
	const struct slot *slot = &decisions->slots[number & decisions->mask];
	uint64_t words[WORDS];
	if (atomic_load_explicit(&slot->sequence, memory_order_acquire) != 2 * number + 2)
		return false;
	for (unsigned i = 0; i < WORDS; i++)
		words[i] = atomic_load_explicit(&slot->words[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&slot->sequence, memory_order_relaxed) != 2 * number + 2)
		return false;
	memcpy(decision, words, sizeof(*decision));
	return decision->request_id.originator == id->originator &&
	       decision->request_id.target == id->target &&
	       decision->request_id.counter == id->counter;
}

unsigned decisions_find(const struct decisions *decisions, const struct mw_request_id *id,
	struct decision *found, unsigned found_max)
{
	uint64_t end = atomic_load_explicit(&decisions->next, memory_order_acquire);
	uint64_t first = end > decisions->mask ? end - decisions->mask - 1 : 0;
	unsigned count = 0;
	for (uint64_t number = end; number > first && count < found_max; number--)
		count += copy(decisions, number - 1, id, &found[count]);
	return count;
}

struct decision decision_of(const struct registry *registry, const struct access_request *request,
	const struct access_decision *decided, int64_t time_ms)
{
	const struct duis_document *document = request->document;
	bool accepted = decided->reason == ANSWER_ACCEPTED;
	bool future = document->has_execution_date_time && !request->scheduled;
	struct decision decision = {
		.request_id = document->request_id,
		.user = request->user->eui,
		.time_ms = time_ms,
		.generation = registry->generation,
		.uncovered_s =
			decided->check == MW_ACCESS_NOT_ENTITLED ? decided->uncovered_s : INT64_MIN,
		.roles = (uint16_t)(accepted ? decided->roles : request->user->roles),
		.reason = (uint8_t)decided->reason,
		.check = decided->check,
		.command_variant = document->command_variant,
		.service = (uint8_t)request->service,
		.schema_index = (uint8_t)document->schema_index,
		.flags = (uint8_t)((request->period.present ? MW_DECISION_PERIOD : 0) |
				   (request->scheduled ? MW_DECISION_SCHEDULED : 0) |
				   (future ? MW_DECISION_FUTURE : 0)),
	};
	if (request->period.present) {
		decision.period_start_s = request->period.start_s;
		decision.period_end_s = request->period.end_s;
	} else if (future) {
		decision.period_start_s = decision.period_end_s = request->execution_s;
	}
	memcpy(decision.srv, document->service_reference_variant, sizeof(decision.srv));
	if (decided->code)
		memcpy(decision.code, decided->code, sizeof(decision.code));
	return decision;
}

struct mw_control_decision decision_record(
	const struct decision *decision, const char *schema_version)
{
	struct mw_control_decision record = {
		.request_id = decision->request_id,
		.time_ms = decision->time_ms,
		.generation = decision->generation,
		.user = decision->user,
		.period_start_s = decision->period_start_s,
		.period_end_s = decision->period_end_s,
		.uncovered_s = decision->uncovered_s,
		.roles = decision->roles,
		.command_variant = decision->command_variant,
		.service = decision->service,
		.check = decision->check,
		.flags = decision->flags,
	};
	bool refused_by_control = decision->reason == ANSWER_ACCEPTED && decision->code[0] != '\0';
	const char *reason = decision->reason == ANSWER_CAPACITY ? "capacity"
			     : refused_by_control
				     ? "service-refused"
				     : answer_reason_name((enum answer_reason)decision->reason);
	snprintf(record.reason, sizeof(record.reason), "%s", reason);
	snprintf(record.schema_version, sizeof(record.schema_version), "%s", schema_version);
	memcpy(record.srv, decision->srv, sizeof(record.srv));
	memcpy(record.code, decision->code, sizeof(record.code));
	return record;
}

unsigned decisions_collect(struct decisions *const *rings, unsigned count,
	const struct mw_request_id *id, const struct duis_schemas *schemas,
	struct mw_control_decision *records)
{
	struct decision found[MW_DECISIONS_MAX], latest[MW_DECISIONS_MAX];
	unsigned kept = 0;
	for (unsigned ring = 0; ring < count; ring++) {
		unsigned more = decisions_find(rings[ring], id, found, MW_DECISIONS_MAX);
		/* Both are in the order of time, the latest first: merge what fits. */
		for (unsigned i = 0; i < more; i++) {
			unsigned at = kept < MW_DECISIONS_MAX ? kept++ : MW_DECISIONS_MAX;
			while (at > 0 && latest[at - 1].time_ms < found[i].time_ms) {
				if (at < MW_DECISIONS_MAX)
					latest[at] = latest[at - 1];
				at--;
			}
			if (at < MW_DECISIONS_MAX)
				latest[at] = found[i];
		}
	}
	for (unsigned i = 0; i < kept; i++)
		records[i] = decision_record(
			&latest[i], duis_schemas_version(schemas, latest[i].schema_index));
	return kept;
}
