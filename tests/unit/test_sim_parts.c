/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's small parts: text edits, base64, ledger, timers, buffers. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "bench/sim/buffers.h"
#include "bench/sim/ledger.h"
#include "bench/sim/random.h"
#include "bench/sim/text.h"
#include "bench/sim/timers.h"

/* ---- text ---- */

static uint8_t room[256];

static struct text text_of(const char *content)
{
	struct text text = {room, strlen(content), sizeof(room)};
	memcpy(room, content, text.length);
	return text;
}

static void assert_text(const struct text *text, const char *expected)
{
	cr_assert_eq(text->length, strlen(expected), "%.*s", (int)text->length, text->bytes);
	cr_assert_arr_eq(text->bytes, expected, text->length);
}

Test(sim_text, element_with_and_without_prefix)
{
	struct text_span span;
	static const char document[] = "<a><sr:B>1</sr:B><C>22</C></a>";
	const uint8_t *bytes = (const uint8_t *)document;
	cr_assert_eq(text_element(bytes, sizeof(document) - 1, 0, "B", &span), 0);
	cr_assert_eq(span.start, 9);
	cr_assert_eq(span.length, 1);
	cr_assert_eq(text_element(bytes, sizeof(document) - 1, 0, "C", &span), 0);
	cr_assert_eq(span.length, 2);
	cr_assert_eq(text_element(bytes, sizeof(document) - 1, 0, "D", &span), -ENOENT);
	cr_assert_eq(text_element(bytes, sizeof(document) - 1, span.start, "B", &span), -ENOENT);
}

/* A name that ends another name, and a name that stands in a value, are not the element. */
Test(sim_text, similar_names_are_not_taken)
{
	struct text_span span;
	static const char document[] = "<r><s:PrecedingID>x</s:PrecedingID>ID><ID>y</ID></r>";
	const uint8_t *bytes = (const uint8_t *)document;
	cr_assert_eq(text_element(bytes, sizeof(document) - 1, 0, "ID", &span), 0);
	cr_assert_eq(document[span.start], 'y');
}

Test(sim_text, open_element_is_none)
{
	struct text_span span;
	static const char document[] = "<r><ID>y</r>";
	cr_assert_eq(text_element((const uint8_t *)document, sizeof(document) - 1, 0, "ID", &span),
		-ENOENT);
}

Test(sim_text, edits)
{
	struct text text = text_of("<a><b>one</b></a>");
	cr_assert_eq(text_set_element(&text, "b", "twelve"), 0);
	assert_text(&text, "<a><b>twelve</b></a>");
	cr_assert_eq(text_replace(&text, "twelve", ""), 0);
	assert_text(&text, "<a><b></b></a>");
	cr_assert_eq(text_append(&text, "!", 1), 0);
	assert_text(&text, "<a><b></b></a>!");
	cr_assert_eq(text_replace(&text, "absent", "x"), -ENOENT);
	text.capacity = text.length;
	cr_assert_eq(text_append(&text, "!", 1), -ENOBUFS);
	cr_assert_eq(text_replace(&text, "<b>", "<b>1"), -ENOBUFS);
	assert_text(&text, "<a><b></b></a>!");
}

Test(sim_text, base64_round_trip)
{
	uint8_t bytes[61];
	uint8_t back[61];
	uint8_t written[100];
	struct random_source random;
	random_seed(&random, 1);
	random_fill(&random, bytes, sizeof(bytes));
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		struct text text = {written, 0, sizeof(written)};
		cr_assert_eq(text_append_base64(&text, bytes, length), 0);
		cr_assert_eq(text.length, (length + 2) / 3 * 4);
		cr_assert_eq(
			text_base64_decode(written, text.length, back, sizeof(back)), (int)length);
		cr_assert_arr_eq(back, bytes, length);
	}
}

Test(sim_text, base64_refuses_what_is_none)
{
	static const char *const wrong[] = {
		"A", "AA", "AAA", "A===", "AA=A", "====", "AA-A", "AAAA="};
	uint8_t out[8];
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert_eq(text_base64_decode(
				     (const uint8_t *)wrong[i], strlen(wrong[i]), out, sizeof(out)),
			-EBADMSG, "%s", wrong[i]);
	cr_assert_eq(text_base64_decode((const uint8_t *)"A A\r\nA\tA", 8, out, sizeof(out)), 3);
	cr_assert_eq(text_base64_decode((const uint8_t *)"AAAA", 4, out, 2), -ENOBUFS);
}

/* ---- ledger ---- */

static struct mw_request_id id_of(uint64_t counter)
{
	return (struct mw_request_id){0x90b3d51f30010009, 0x00db1234567890a0, counter};
}

Test(sim_ledger, finds_what_was_entered)
{
	struct ledger ledger;
	cr_assert_eq(ledger_create(&ledger, 100), 0);
	for (uint64_t i = 0; i < 100; i++) {
		struct mw_request_id id = id_of(i);
		cr_assert_null(ledger_find(&ledger, &id));
		struct exchange *exchange = ledger_enter(&ledger, &id);
		exchange->attempt = (uint32_t)i;
		cr_assert_eq(ledger_enter(&ledger, &id), exchange, "entered once");
	}
	for (uint64_t i = 0; i < 100; i++) {
		struct mw_request_id id = id_of(i);
		cr_assert_eq(ledger_find(&ledger, &id)->attempt, i);
	}
	cr_assert_eq(ledger.used, 100);
	cr_assert_eq(ledger.evicted, 0);
	ledger_destroy(&ledger);
}

Test(sim_ledger, every_part_of_the_id_counts)
{
	struct ledger ledger;
	struct mw_request_id id = id_of(1);
	struct mw_request_id others[] = {id, id, id};
	others[0].originator++;
	others[1].target++;
	others[2].counter++;
	cr_assert_eq(ledger_create(&ledger, 8), 0);
	ledger_enter(&ledger, &id);
	for (int i = 0; i < 3; i++)
		cr_assert_null(ledger_find(&ledger, &others[i]));
	ledger_destroy(&ledger);
}

Test(sim_ledger, oldest_makes_room)
{
	struct ledger ledger;
	cr_assert_eq(ledger_create(&ledger, 10), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		struct mw_request_id id = id_of(i);
		struct exchange *exchange = ledger_enter(&ledger, &id);
		cr_assert_eq(exchange->dispatched, 0, "a new entry is empty");
		exchange->dispatched = 1;
	}
	cr_assert_eq(ledger.used, 10);
	cr_assert_eq(ledger.evicted, 990);
	for (uint64_t i = 0; i < 1000; i++) {
		struct mw_request_id id = id_of(i);
		cr_assert_eq(ledger_find(&ledger, &id) != NULL, i >= 990);
	}
	ledger_destroy(&ledger);
}

Test(sim_ledger, stale_reference_is_recognised)
{
	struct ledger ledger;
	struct mw_request_id first = id_of(1);
	cr_assert_eq(ledger_create(&ledger, 1), 0);
	uint32_t index = ledger_index(&ledger, ledger_enter(&ledger, &first));
	cr_assert_not_null(ledger_at(&ledger, index, &first));
	struct mw_request_id second = id_of(2);
	ledger_enter(&ledger, &second);
	cr_assert_null(ledger_at(&ledger, index, &first));
	ledger_destroy(&ledger);
}

Test(sim_ledger, digest_sees_every_octet)
{
	uint8_t bytes[64] = {0};
	uint64_t digest = ledger_digest(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		cr_assert_neq(ledger_digest(bytes, sizeof(bytes)), digest);
		bytes[i] ^= 1;
	}
	cr_assert_neq(ledger_digest(bytes, 63), digest);
}

/* ---- timers ---- */

Test(sim_timers, come_in_order_of_time)
{
	struct timers timers = {0};
	struct timer timer;
	struct random_source random;
	random_seed(&random, 2);
	cr_assert_eq(timers_next_ns(&timers), UINT64_MAX);
	for (uint64_t i = 0; i < 5000; i++)
		cr_assert_eq(timers_add(&timers, random_below(&random, 1000), 1, i), 0);
	uint64_t last_ns = 0;
	uint64_t last_value = 0;
	unsigned count = 0;
	while (timers_take(&timers, UINT64_MAX, &timer)) {
		cr_assert(timer.due_ns > last_ns || count == 0 ||
			  (timer.due_ns == last_ns && timer.value > last_value));
		last_ns = timer.due_ns;
		last_value = timer.value;
		count++;
	}
	cr_assert_eq(count, 5000);
	timers_clear(&timers);
}

Test(sim_timers, are_not_taken_before_their_time)
{
	struct timers timers = {0};
	struct timer timer;
	timers_add(&timers, 100, 7, 8);
	cr_assert_not(timers_take(&timers, 99, &timer));
	cr_assert_eq(timers_next_ns(&timers), 100);
	cr_assert(timers_take(&timers, 100, &timer));
	cr_assert_eq(timer.kind, 7);
	cr_assert_eq(timer.value, 8);
	cr_assert_not(timers_take(&timers, 100, &timer));
	timers_clear(&timers);
}

/* ---- buffers ---- */

Test(sim_buffers, have_a_bound)
{
	struct buffers buffers = {.bytes_max = 3000};
	struct net_buffer *first = buffers_acquire(&buffers, 1000);
	struct net_buffer *second = buffers_copy(&buffers, "abc", 3);
	cr_assert_not_null(first);
	cr_assert_eq(first->length, 0);
	cr_assert_geq(first->capacity, 1000);
	cr_assert_eq(second->length, 3);
	cr_assert_arr_eq(second->bytes, "abc", 3);
	cr_assert_null(buffers_acquire(&buffers, 2000));
	cr_assert_eq(buffers.refused, 1);
	buffers_release(&buffers, first);
	first = buffers_acquire(&buffers, 2000);
	cr_assert_not_null(first);
	buffers_release(&buffers, first);
	buffers_release(&buffers, second);
	buffers_release(&buffers, NULL);
	cr_assert_eq(buffers.bytes, 0);
}
