/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/ledger.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/random.h"

static uint32_t bucket_of(const struct ledger *ledger, const struct mw_request_id *id)
{
	uint64_t mixed = random_mix(random_mix(id->originator, id->target), id->counter);
	return (uint32_t)mixed & (ledger->bucket_count - 1);
}

static bool same_id(const struct mw_request_id *a, const struct mw_request_id *b)
{
	return a->originator == b->originator && a->target == b->target && a->counter == b->counter;
}

int ledger_create(struct ledger *ledger, uint32_t capacity)
{
	assert(capacity > 0 && capacity <= 1u << 30);
	memset(ledger, 0, sizeof(*ledger));
	ledger->capacity = capacity;
	ledger->bucket_count = 1;
	while (ledger->bucket_count < capacity)
		ledger->bucket_count *= 2;
	ledger->exchanges = calloc(capacity, sizeof(*ledger->exchanges));
	ledger->buckets = malloc(ledger->bucket_count * sizeof(*ledger->buckets));
	if (!ledger->exchanges || !ledger->buckets) {
		ledger_destroy(ledger);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < ledger->bucket_count; i++)
		ledger->buckets[i] = LEDGER_NONE;
	return 0;
}

void ledger_destroy(struct ledger *ledger)
{
	free(ledger->exchanges);
	free(ledger->buckets);
	memset(ledger, 0, sizeof(*ledger));
}

struct exchange *ledger_find(struct ledger *ledger, const struct mw_request_id *id)
{
	uint32_t index = ledger->buckets[bucket_of(ledger, id)];
	while (index != LEDGER_NONE) {
		struct exchange *exchange = &ledger->exchanges[index];
		if (same_id(&exchange->id, id))
			return exchange;
		index = exchange->next;
	}
	return NULL;
}

static void forget(struct ledger *ledger, uint32_t index)
{
	struct exchange *exchange = &ledger->exchanges[index];
	uint32_t *link = &ledger->buckets[bucket_of(ledger, &exchange->id)];
	while (*link != index) {
		assert(*link != LEDGER_NONE);
		link = &ledger->exchanges[*link].next;
	}
	*link = exchange->next;
	ledger->used--;
	ledger->evicted++;
}

struct exchange *ledger_enter(struct ledger *ledger, const struct mw_request_id *id)
{
	struct exchange *exchange = ledger_find(ledger, id);
	if (exchange)
		return exchange;
	uint32_t index = ledger->cursor;
	ledger->cursor = (ledger->cursor + 1) % ledger->capacity;
	exchange = &ledger->exchanges[index];
	if (exchange->used)
		forget(ledger, index);
	memset(exchange, 0, sizeof(*exchange));
	exchange->used = true;
	exchange->id = *id;
	uint32_t *bucket = &ledger->buckets[bucket_of(ledger, id)];
	exchange->next = *bucket;
	*bucket = index;
	ledger->used++;
	return exchange;
}

uint32_t ledger_index(const struct ledger *ledger, const struct exchange *exchange)
{
	return (uint32_t)(exchange - ledger->exchanges);
}

struct exchange *ledger_at(struct ledger *ledger, uint32_t index, const struct mw_request_id *id)
{
	assert(index < ledger->capacity);
	struct exchange *exchange = &ledger->exchanges[index];
	return exchange->used && same_id(&exchange->id, id) ? exchange : NULL;
}

uint64_t ledger_digest(const uint8_t *bytes, uint32_t length)
{
	uint64_t digest = 0xcbf29ce484222325ull;
	for (uint32_t i = 0; i < length; i++)
		digest = (digest ^ bytes[i]) * 0x100000001b3ull;
	return digest;
}
