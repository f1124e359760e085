/* SPDX-License-Identifier: Apache-2.0 */
/* The feed on a real store: messages applied, come twice, in any order, bad ones among good ones;
 * what was set aside; files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "feed_fixture.h"

#define STORE_BYTES (64u << 20)
#define MPAN 1312345678111ull
#define MDR(who, from)                                                                             \
	"{\"role\":\"MDR\",\"participant\":\"" who "\",\"effectiveFrom\":\"" from "\"}"

static struct feed_fixture fixture;
static struct feed_outcome outcomes[FEED_BATCH_MESSAGES_MAX];

static void open_store(void)
{
	feed_fixture_open(&fixture, STORE_BYTES);
}

static void close_store(void)
{
	feed_fixture_close(&fixture);
}

TestSuite(feed, .init = open_store, .fini = close_store);

/* Apply one message; its outcome. */
static const struct feed_outcome *apply(const char *text)
{
	cr_assert_eq(
		feed_fixture_apply(&fixture, FEED_ONE_OR_ARRAY, text, outcomes), 1, "%s", text);
	return &outcomes[0];
}

static void expect_timeline(const char *expected)
{
	const char *text = feed_fixture_timeline(&fixture, MPAN);

	cr_assert_str_eq(text, expected, "%s instead of %s", text, expected);
}

Test(feed, an_event_is_applied)
{
	const struct feed_outcome *outcome = apply(
		"{\"messageId\": \"m1\", \"messageType\": \"RegistrationEventSynchronisation\",\n"
		" \"createdAt\": \"2025-12-01T09:00:00.125Z\", \"mpxn\": \"1312345678111\",\n"
		" \"registration\": {\"supplier\": \"SUPA\", \"effectiveFrom\": \"2026-02-01\"},\n"
		" \"networkOperator\": {\"participant\": \"NETW\", \"effectiveFrom\": "
		"\"2001-05-06\"},\n"
		" \"supplierArrangedAppointments\": [\n"
		"  {\"role\": \"MDR\", \"participant\": \"MDRX\", \"effectiveFrom\": "
		"\"2026-02-01\","
		"   \"effectiveTo\": \"2026-03-31\"},\n"
		"  {\"role\": \"Supplier\", \"participant\": \"SUPA\", \"effectiveFrom\": "
		"\"2026-05-01\"},\n"
		"  {\"role\": \"SupplierNominatedAgent\", \"participant\": \"AGNT\","
		"   \"effectiveFrom\": \"2026-02-01\"}]}");
	cr_assert_eq(outcome->result, FEED_APPLIED);
	cr_assert_eq(outcome->organisations_made, 4);
	cr_assert_str_eq(outcome->id, "m1");
	expect_timeline("S SUPA [2026-02-01,open) N NETW [2001-05-06,open) "
			"M MDRX [2026-02-01,2026-04-01) G AGNT [2026-02-01,open)");
	struct store_change *snapshot = store_snapshot(fixture.store);
	struct store_organisation organisation;
	struct store_message row;
	cr_assert_eq(store_organisation_find(snapshot, "MDRX", &organisation), 0);
	cr_assert_eq(organisation.origin, STORE_ORIGIN_FEED);
	cr_assert_eq(store_message_get(snapshot, "m1", &row), 0);
	cr_assert_eq(row.state, STORE_MESSAGE_APPLIED);
	cr_assert_eq(row.received_ms, FIXTURE_NOW_MS);
	store_abandon(snapshot);
}

/* FIA 5.1.9: "close off any MDRA appointments as a result of a change of Supplier, from a
 * RegistrationEventSynchronisation message or a RegistrationSecuredInactiveSynchronisation". */
Test(feed, changes_close_appointments)
{
	cr_assert_eq(apply(feed_fixture_event((struct feed_fixture_message){.id = "1",
				   .appointments = MDR("MDRX", "2025-01-01") "," MDR(
					   "MDRY", "2026-09-01")}))
			     ->result,
		FEED_APPLIED);
	expect_timeline("S SUPA [2025-01-01,open) M MDRX [2025-01-01,2026-09-01) "
			"M MDRY [2026-09-01,open)");
	cr_assert_eq(apply(feed_fixture_event((struct feed_fixture_message){
				   .id = "2", .supplier = "SUPB", .from = "2026-06-01"}))
			     ->result,
		FEED_APPLIED);
	expect_timeline("S SUPA [2025-01-01,2026-06-01) S SUPB [2026-06-01,open) "
			"M MDRX [2025-01-01,2026-06-01)");
	cr_assert_eq(apply("{\"messageId\":\"3\",\"messageType\":"
			   "\"RegistrationSecuredInactiveSynchronisation\",\"createdAt\":"
			   "\"2025-12-01T09:00:00Z\",\"mpxn\":\"1312345678111\",\"registration\":{"
			   "\"supplier\":\"SUPB\",\"inactiveFrom\":\"2026-07-01\"}}")
			     ->result,
		FEED_APPLIED);
	expect_timeline("S SUPA [2025-01-01,2026-06-01) S SUPB [2026-06-01,2026-07-01) "
			"M MDRX [2025-01-01,2026-06-01)");
}

Test(feed, an_appointment_is_cancelled)
{
	apply(feed_fixture_event((struct feed_fixture_message){.id = "1",
		.appointments = MDR("MDRX", "2025-01-01") "," MDR("MDRY", "2026-09-01")}));
	apply(feed_fixture_event((struct feed_fixture_message){.id = "2",
		.created = "2025-12-02T00:00:00Z",
		.appointments = "{\"role\":\"MDR\",\"participant\":\"MDRY\",\"effectiveFrom\":"
				"\"2026-09-01\",\"cancelled\":true}"}));
	expect_timeline("S SUPA [2025-01-01,open) M MDRX [2025-01-01,open)");
}

Test(feed, a_message_that_comes_twice)
{
	const char *text = feed_fixture_event((struct feed_fixture_message){
		.id = "1", .appointments = MDR("MDRX", "2025-01-01")});
	char other[1024];

	cr_assert_eq(apply(text)->result, FEED_APPLIED);
	cr_assert_eq(apply(text)->result, FEED_DUPLICATE);
	cr_assert_str_eq(outcomes[0].id, "1");
	/* The same in other words. */
	snprintf(other, sizeof(other), "\n { \"createdAt\": \"2025-12-01T09:00:00.000Z\" ,%s",
		strstr(text, "\"mpxn\""));
	other[strlen(other) - 1] = '\0';
	strcat(other, ", \"messageType\": \"Registration\\u0045ventSynchronisation\", "
		      "\"messageId\": \"1\"}");
	cr_assert_eq(apply(other)->result, FEED_DUPLICATE, "%s", other);
	/* Something else under that id: the first one stays. */
	const char *changed = feed_fixture_event((struct feed_fixture_message){
		.id = "1", .appointments = MDR("MDRZ", "2025-01-01")});
	cr_assert_eq(apply(changed)->result, FEED_SET_ASIDE);
	cr_assert_eq(outcomes[0].rule, FEED_RULE_ID_REUSED);
	cr_assert_eq(outcomes[0].id[0], '~');
	/* And something broken under it. */
	cr_assert_eq(apply("{\"messageId\":\"1\"}")->result, FEED_SET_ASIDE);
	cr_assert_eq(outcomes[0].rule, FEED_RULE_MEMBER_MISSING);
	cr_assert_eq(outcomes[0].id[0], '~');
	cr_assert_eq(apply(text)->result, FEED_DUPLICATE);
	expect_timeline("S SUPA [2025-01-01,open) M MDRX [2025-01-01,open)");
}

Test(feed, bad_ones_among_good_ones)
{
	const char *good = feed_fixture_event((struct feed_fixture_message){.id = "1"});
	char text[8192];
	size_t count;

	snprintf(text, sizeof(text), "%s\n{\"messageId\": \"2\",\n\n  \n%s\r\nnull\n%s", good,
		feed_fixture_event(
			(struct feed_fixture_message){.id = "3", .mpxn = "1312345678222"}),
		feed_fixture_event(
			(struct feed_fixture_message){.id = "4", .mpxn = "1312345678333"}));
	count = feed_fixture_apply(&fixture, FEED_LINES, text, outcomes);
	cr_assert_eq(count, 5);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(outcomes[i].result, i % 2 ? FEED_SET_ASIDE : FEED_APPLIED);
	cr_assert_eq(outcomes[1].line, 2);
	cr_assert_eq(outcomes[1].column, 19);
	cr_assert_eq(outcomes[3].line, 6);
	cr_assert_eq(outcomes[3].rule, FEED_RULE_TYPE);
	cr_assert_str_eq(
		feed_fixture_timeline(&fixture, 1312345678333ull), "S SUPA [2025-01-01,open)");
	/* The same as an array: brackets that do not fit are the element's own matter. */
	snprintf(text, sizeof(text), "[%s, {\"a\": [1}, ,\n 17, %s]", good, good);
	cr_assert_eq(feed_fixture_apply(&fixture, FEED_ONE_OR_ARRAY, text, outcomes), 5);
	cr_assert_eq(outcomes[0].result, FEED_DUPLICATE);
	cr_assert_eq(outcomes[1].rule, FEED_RULE_JSON);
	cr_assert_str_eq(outcomes[1].pointer, "/a");
	cr_assert_eq(outcomes[2].rule, FEED_RULE_JSON);
	cr_assert_eq(outcomes[3].rule, FEED_RULE_TYPE);
	cr_assert_eq(outcomes[3].line, 2);
	cr_assert_eq(outcomes[3].column, 2);
	cr_assert_eq(outcomes[4].result, FEED_DUPLICATE);
}

Test(feed, what_is_no_array_is_refused_whole)
{
	static const char *const bodies[] = {"[", "[{}", "[{},", "[{}] x", "[] []", "[{\"a\":\"]"};
	struct store_change *change = store_begin(fixture.store);

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct feed_batch batch = {
			.text = {bodies[i], strlen(bodies[i]), FEED_ONE_OR_ARRAY},
			.first_line = 1,
			.outcomes = outcomes,
			.outcomes_max = 4,
		};
		cr_assert_eq(feed_apply(change, &batch), -EBADMSG, "%s", bodies[i]);
	}
	struct feed_batch batch = {
		.text = {"[1,2,3,4,5]", 11, FEED_ONE_OR_ARRAY},
		.first_line = 1,
		.outcomes = outcomes,
		.outcomes_max = 4,
	};
	cr_assert_eq(feed_apply(change, &batch), -E2BIG);
	batch.text.text = "[ ]";
	batch.text.length = 3;
	cr_assert_eq(feed_apply(change, &batch), 0);
	cr_assert_eq(batch.count, 0);
	char cursor[STORE_MESSAGE_ID_SIZE] = "";
	struct store_message row;
	cr_assert_eq(store_message_next(change, cursor, &row), 0);
	store_abandon(change);
}

Test(feed, an_abandoned_change_leaves_nothing)
{
	const char *text = feed_fixture_event((struct feed_fixture_message){.id = "1"});
	struct feed_batch batch = {
		.text = {text, strlen(text), FEED_LINES},
		.first_line = 1,
		.now_ms = FIXTURE_NOW_MS,
		.outcomes = outcomes,
		.outcomes_max = 1,
	};
	struct store_change *change = store_begin(fixture.store);

	cr_assert_eq(feed_apply(change, &batch), 0);
	store_abandon(change);
	expect_timeline("");
	cr_assert_eq(apply(text)->result, FEED_APPLIED);
	cr_assert_eq(outcomes[0].organisations_made, 1);
}

static void event_on(char *text, size_t size, int number, const char *date)
{
	char id[16];
	char appointment[128];

	snprintf(id, sizeof(id), "n%d", number);
	snprintf(appointment, sizeof(appointment),
		"{\"role\":\"MDR\",\"participant\":\"MDR%d\",\"effectiveFrom\":\"%s\"}", number % 2,
		date);
	snprintf(text, size, "%s",
		feed_fixture_event((struct feed_fixture_message){
			.id = id, .from = "2015-01-01", .appointments = appointment}));
}

Test(feed, an_mpxn_with_too_many_events)
{
	char text[1024];
	char date[16];

	/* 63 appointments of the last days fill it. */
	for (int i = 0; i < 63; i++) {
		snprintf(date, sizeof(date), "2025-%02d-%02d", 1 + i / 28, 1 + i % 28);
		event_on(text, sizeof(text), i, date);
		cr_assert_eq(apply(text)->result, FEED_APPLIED, "%d", i);
	}
	const char *full = feed_fixture_event((struct feed_fixture_message){
		.id = "full", .from = "2015-01-01", .appointments = MDR("NEWX", "2025-12-01")});
	cr_assert_eq(apply(full)->result, FEED_SET_ASIDE);
	cr_assert_eq(outcomes[0].rule, FEED_RULE_MPXN_FULL);
	cr_assert_str_eq(outcomes[0].id, "full");
	/* Nothing of it is there. */
	struct store_change *snapshot = store_snapshot(fixture.store);
	struct store_organisation organisation;
	struct mpxn mpxn;
	cr_assert_eq(store_organisation_find(snapshot, "NEWX", &organisation), -ENOENT);
	cr_assert_eq(store_mpxn_get(snapshot, MPAN, &mpxn), 0);
	cr_assert_eq(mpxn.event_count, MPXN_EVENTS_MAX);
	store_abandon(snapshot);
}

Test(feed, old_events_are_folded_away)
{
	char text[1024];
	char date[16];

	/* Of 2016 to 2020: beyond the window. */
	for (int i = 0; i < 120; i++) {
		snprintf(date, sizeof(date), "%d-%02d-01", 2010 + 6 + i / 24, 1 + i / 2 % 12);
		if (i % 2)
			date[9] = '5';
		event_on(text, sizeof(text), i, date);
		cr_assert_eq(apply(text)->result, FEED_APPLIED, "%d", i);
	}
	const char *timeline = feed_fixture_timeline(&fixture, MPAN);
	cr_assert_not_null(strstr(timeline, "S SUPA [2015-01-01,open)"), "%s", timeline);
	cr_assert_not_null(strstr(timeline, "M MDR1 [2020-12-05,open)"), "%s", timeline);
}

/* Any order, any batches: the same timelines. */
Test(feed, messages_out_of_order)
{
	static char texts[120][1024];
	static char expected[4][16384];
	static char all[120 * 1024];
	uint64_t numbers[] = {
		1312345678111ull, 1312345678222ull, 1312345678333ull, 1312345678444ull};

	srandom(3);
	for (int i = 0; i < 120; i++) {
		char id[16];
		char created[32];
		char from[16];
		char mpxn[16];
		char appointments[256];
		int month = 1 + (int)(random() % 12);

		snprintf(id, sizeof(id), "m%d", i);
		snprintf(created, sizeof(created), "2025-%02d-%02dT%02d:00:00Z",
			1 + (int)(random() % 12), 1 + (int)(random() % 28), (int)(random() % 24));
		snprintf(from, sizeof(from), "2025-%02d-01", month);
		snprintf(mpxn, sizeof(mpxn), "%llu", (unsigned long long)numbers[random() % 4]);
		snprintf(appointments, sizeof(appointments),
			"{\"role\":\"MDR\",\"participant\":\"MDR%ld\",\"effectiveFrom\":"
			"\"2025-%02d-%02d\"}",
			random() % 3, month, 1 + (int)(random() % 28));
		snprintf(texts[i], sizeof(texts[i]), "%s",
			feed_fixture_event((struct feed_fixture_message){.id = id,
				.created = created,
				.mpxn = mpxn,
				.supplier = random() % 2 ? "SUPA" : "SUPB",
				.from = from,
				.appointments = random() % 3 ? appointments : NULL}));
	}
	for (int order = 0; order < 6; order++) {
		int done = 0;

		while (done < 120) {
			int count = 1 + (int)(random() % 40);

			all[0] = '\0';
			for (; count > 0 && done < 120; count--, done++) {
				strcat(strcat(all, texts[done]), "\n");
				/* Some come twice. */
				if (random() % 5 == 0)
					strcat(strcat(all, texts[random() % (done + 1)]), "\n");
			}
			size_t applied = feed_fixture_apply(&fixture, FEED_LINES, all, outcomes);
			for (size_t i = 0; i < applied; i++)
				cr_assert_neq(outcomes[i].result, FEED_SET_ASIDE);
		}
		for (int i = 0; i < 4; i++) {
			const char *timeline = feed_fixture_timeline(&fixture, numbers[i]);

			if (order == 0)
				strcpy(expected[i], timeline);
			cr_assert_str_eq(timeline, expected[i]);
			cr_assert_gt(strlen(timeline), 100);
		}
		close_store();
		open_store();
		for (int i = 119; i > 0; i--) {
			char text[1024];
			int other = (int)(random() % (i + 1));

			memcpy(text, texts[i], sizeof(text));
			memcpy(texts[i], texts[other], sizeof(text));
			memcpy(texts[other], text, sizeof(text));
		}
	}
}

/* ---- what was set aside */

Test(feed, set_aside_is_listed_shown_retried_and_dropped)
{
	struct feed_set_aside message;
	struct feed_outcome outcome;
	char cursor[STORE_MESSAGE_ID_SIZE] = "";
	uint64_t number;
	const char *early = feed_fixture_event(
		(struct feed_fixture_message){.id = "early", .created = "2026-01-05T00:00:00Z"});

	cr_assert_eq(apply(feed_fixture_event((struct feed_fixture_message){.id = "good"}))->result,
		FEED_APPLIED);
	cr_assert_eq(apply(early)->rule, FEED_RULE_FUTURE);
	cr_assert_eq(
		apply("{\"messageId\":\n  \"bad\", \"x\": 1}")->rule, FEED_RULE_MEMBER_MISSING);
	cr_assert_eq(apply("~nonsense")->rule, FEED_RULE_JSON);
	struct store_change *change = store_begin(fixture.store);
	cr_assert_eq(feed_set_aside_next(change, cursor, &message), 1);
	cr_assert_str_eq(message.id, "bad");
	cr_assert_eq(message.rule, FEED_RULE_MEMBER_MISSING);
	cr_assert_str_eq(message.pointer, "/messageType");
	cr_assert_eq(message.length, strlen("{\"messageId\":\n  \"bad\", \"x\": 1}"));
	cr_assert_eq(feed_set_aside_next(change, cursor, &message), 1);
	cr_assert_str_eq(message.id, "early");
	cr_assert_eq(message.received_ms, FIXTURE_NOW_MS);
	cr_assert_eq(message.length, strlen(early));
	cr_assert_arr_eq(message.text, early, strlen(early));
	cr_assert_eq(feed_set_aside_next(change, cursor, &message), 1);
	cr_assert_eq(message.id[0], '~');
	cr_assert_eq(feed_set_aside_next(change, cursor, &message), 0);
	cr_assert_eq(feed_set_aside_get(change, "good", &message), -ENOENT);
	cr_assert_eq(feed_set_aside_get(change, "early", &message), 0);
	/* Still too early; and then not. */
	cr_assert_eq(feed_set_aside_retry(change, "early", FIXTURE_NOW_MS, &outcome), 0);
	cr_assert_eq(outcome.result, FEED_SET_ASIDE);
	cr_assert_eq(
		feed_set_aside_retry(change, "early", FIXTURE_NOW_MS + 4 * 86400000ll, &outcome),
		0);
	cr_assert_eq(outcome.result, FEED_APPLIED);
	cr_assert_eq(feed_set_aside_retry(change, "early", FIXTURE_NOW_MS, &outcome), -ENOENT);
	cr_assert_eq(feed_set_aside_drop(change, "early"), -ENOENT);
	cr_assert_eq(feed_set_aside_drop(change, "good"), -ENOENT);
	cr_assert_eq(feed_set_aside_drop(change, "bad"), 0);
	cr_assert_eq(feed_set_aside_drop(change, cursor), 0);
	cursor[0] = '\0';
	cr_assert_eq(feed_set_aside_next(change, cursor, &message), 0);
	cr_assert_eq(store_commit(change, &number), 0);
}

Test(feed, a_mended_message_takes_the_place_of_the_bad_one)
{
	cr_assert_eq(apply("{\"messageId\": \"1\", \"messageType\": \"None\"}")->rule,
		FEED_RULE_MESSAGE_TYPE);
	cr_assert_str_eq(outcomes[0].id, "1");
	cr_assert_eq(apply(feed_fixture_event((struct feed_fixture_message){.id = "1"}))->result,
		FEED_APPLIED);
	struct store_change *snapshot = store_snapshot(fixture.store);
	struct feed_set_aside message;
	cr_assert_eq(feed_set_aside_get(snapshot, "1", &message), -ENOENT);
	store_abandon(snapshot);
}

/* An id that was taken: when the first message is forgotten, a retry applies the second. */
Test(feed, forgetting)
{
	char cursor[STORE_MESSAGE_ID_SIZE] = "";
	char key[STORE_MESSAGE_ID_SIZE];
	struct feed_outcome outcome;
	uint64_t number;

	apply(feed_fixture_event((struct feed_fixture_message){.id = "1"}));
	apply(feed_fixture_event((struct feed_fixture_message){.id = "1", .supplier = "SUPB"}));
	cr_assert_eq(outcomes[0].rule, FEED_RULE_ID_REUSED);
	memcpy(key, outcomes[0].id, sizeof(key));
	struct store_change *change = store_begin(fixture.store);
	cr_assert_eq(feed_forget(change, cursor, FIXTURE_NOW_MS), 0);
	cr_assert_eq(feed_forget(change, cursor, FIXTURE_NOW_MS + 1), 1);
	cr_assert_eq(cursor[0], '\0');
	cr_assert_eq(feed_set_aside_retry(change, key, FIXTURE_NOW_MS, &outcome), 0);
	cr_assert_eq(outcome.result, FEED_APPLIED);
	cr_assert_eq(feed_set_aside_drop(change, key), -ENOENT);
	cr_assert_eq(store_commit(change, &number), 0);
	/* Without its id a message is applied again, which changes nothing. */
	cr_assert_eq(apply(feed_fixture_event(
				   (struct feed_fixture_message){.id = "1", .supplier = "SUPB"}))
			     ->result,
		FEED_DUPLICATE);
}

/* ---- files */

static size_t reported;

static void count_report(void *argument, const struct feed_outcome *outcome)
{
	cr_assert_eq(argument, &reported);
	cr_assert_neq(outcome->result, 0);
	reported++;
}

static struct feed_import import_text(const char *text, size_t length)
{
	FILE *file = fmemopen((char *)(uintptr_t)text, length, "r");
	struct feed_import import = {
		.store = fixture.store,
		.file = file,
		.now_ms = FIXTURE_NOW_MS,
		.report = count_report,
		.argument = &reported,
	};

	cr_assert_not_null(file);
	reported = 0;
	cr_assert_eq(feed_import(&import), 0);
	fclose(file);
	return import;
}

Test(feed, a_file)
{
	size_t size = 8u << 20;
	char *text = malloc(size);
	size_t length = 0;
	size_t good = 0;

	for (int i = 0; i < 9000; i++) {
		char id[16];
		char mpxn[16];

		snprintf(id, sizeof(id), "f%d", i);
		snprintf(mpxn, sizeof(mpxn), "%llu", 1400000000000ull + (unsigned)i % 3000);
		length += (size_t)sprintf(text + length, "%s%s",
			feed_fixture_event((struct feed_fixture_message){.id = id, .mpxn = mpxn}),
			i % 1000 == 999 ? "\r\n\n" : "\n");
		good++;
		/* Lines longer than a message, and longer than a block. */
		if (i == 10 || i == 5000) {
			size_t bytes = i == 10 ? 70000 : 3u << 20;

			memset(text + length, 'x', bytes);
			length += bytes;
			text[length++] = '\n';
		}
	}
	length += (size_t)sprintf(text + length, "last, without an end");
	struct feed_import import = import_text(text, length);
	cr_assert_eq(import.counters.applied, good);
	cr_assert_eq(import.counters.set_aside[FEED_RULE_TOO_LARGE], 2);
	cr_assert_eq(import.counters.set_aside[FEED_RULE_JSON], 1);
	cr_assert_eq(import.counters.organisations_made, 1);
	cr_assert_eq(reported, good + 3);
	cr_assert_eq(import.lines, 9000 + 9 + 3);
	cr_assert_gt(import.change, 2);
	/* Once more: all done before. */
	import = import_text(text, length);
	cr_assert_eq(import.counters.applied, 0);
	cr_assert_eq(import.counters.duplicates, good);
	import = import_text("\n", 1);
	cr_assert_eq(import.lines, 1);
	free(text);
}

Test(feed_full, a_full_store)
{
	/* The smallest store: it takes some, and then says so; what was committed stays. Each batch
	 * has a good message and a large bad one. */
	static char text[70000];
	feed_fixture_open(&fixture, 4u << 20);
	int result = 0;
	unsigned done = 0;
	while (result == 0 && done < 2000) {
		char id[16];
		char mpxn[16];

		snprintf(id, sizeof(id), "s%u", done);
		snprintf(mpxn, sizeof(mpxn), "%llu", 1500000000000ull + done);
		int length = snprintf(text, sizeof(text), "%s\n%060000u",
			feed_fixture_event((struct feed_fixture_message){.id = id, .mpxn = mpxn}),
			done);
		struct feed_batch batch = {
			.text = {text, (size_t)length, FEED_LINES},
			.first_line = 1,
			.now_ms = FIXTURE_NOW_MS,
			.outcomes = outcomes,
			.outcomes_max = 2,
		};
		struct store_change *change = store_begin(fixture.store);
		uint64_t number;

		result = change != NULL ? feed_apply(change, &batch) : -errno;
		if (result == 0)
			result = store_commit(change, &number);
		else if (change != NULL)
			store_abandon(change);
		done += result == 0;
	}
	cr_assert_eq(result, -ENOSPC, "%d after %u", result, done);
	cr_assert_gt(done, 5);
	cr_assert_str_eq(feed_fixture_timeline(&fixture, 1500000000000ull + done - 1),
		"S SUPA [2025-01-01,open)");
	cr_assert_str_eq(feed_fixture_timeline(&fixture, 1500000000000ull + done), "");
	feed_fixture_close(&fixture);
}
