/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link to the data plane: the push with credit and resume, reloads, services, due reads.
 * test_control_peers.c has bad peers and operators.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/store_table.h"
#include "control_client.h"

TestSuite(control_link, .init = client_suite_create, .fini = client_suite_destroy);

/* ---- the push */

Test(control_link, push_of_a_whole_set)
{
	struct client client;
	struct received received = {0};
	struct mw_control_hello hello;

	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_expect(&client, MW_CONTROL_HELLO);
	memcpy(&hello, client.message.payload, sizeof(hello));
	cr_assert_eq(hello.role, MW_CONTROL_ROLE_CONTROL);
	cr_assert_eq(hello.pid, (uint32_t)getpid());
	cr_assert_eq(hello.generation, GENERATION);
	client_expect(&client, MW_CONTROL_CREDIT);
	client_expect(&client, MW_CONTROL_REFERENCE_BEGIN);
	cr_assert_not(client_next(&client), "a record came without credit");
	client_credit(&client, 3);
	take_push(&client, &received);
	cr_assert_eq(received.records, 3);
	cr_assert_not(received.ended);
	client_credit(&client, RECORDS);
	take_push(&client, &received);
	cr_assert_eq(received.records, RECORDS);
	cr_assert(received.ended);
	cr_assert_eq(received.end.generation, GENERATION);
	cr_assert_eq(received.end.count, RECORDS);
	cr_assert_eq(received.end.crc32c, received.crc);
	cr_assert_eq(server.link.credit, 3);
	cr_assert_eq(server.link.applied_generation, 0);
	send_applied(&client, GENERATION, 0);
	cr_assert_eq(server.link.applied_generation, GENERATION);
	client_close(&client);
	cr_assert_eq(server.link.counters.sets_applied, 1);
}

Test(control_link, a_lost_connection_goes_on_where_it_broke)
{
	struct client client;
	struct received received = {0};

	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_credit(&client, 50);
	take_push(&client, &received);
	cr_assert_eq(received.records, 50);
	client_close(&client);
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, GENERATION, 50);
	client_credit(&client, RECORDS);
	take_push(&client, &received);
	cr_assert_eq(received.begin.offset, 50);
	cr_assert_eq(received.records, RECORDS);
	cr_assert_eq(received.end.crc32c, received.crc);
	cr_assert_eq(server.link.counters.sets_resumed, 1);
	cr_assert_eq(server.link.counters.records_sent, RECORDS);
	client_close(&client);
	/* Who holds all of it gets the end at once, without credit. */
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, GENERATION, RECORDS);
	received.ended = false;
	take_push(&client, &received);
	cr_assert_eq(received.begin.offset, RECORDS);
	cr_assert(received.ended);
	cr_assert_eq(server.link.counters.records_sent, RECORDS);
	client_close(&client);
}

Test(control_link, another_set_begins_from_its_start)
{
	static const struct {
		uint64_t generation, offset;
	} hellos[] = {
		{GENERATION - 1, 50}, {GENERATION + 1, 50}, {GENERATION, RECORDS + 1}, {0, 0}};

	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		struct client client;
		struct received received = {.begin.offset = 1};

		client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, hellos[i].generation,
			hellos[i].offset);
		take_push(&client, &received);
		cr_assert_eq(received.begin.offset, 0);
		cr_assert_eq(received.begin.generation, GENERATION);
		client_close(&client);
	}
	cr_assert_eq(server.link.counters.sets_resumed, 0);
}

Test(control_link, a_reload_replaces_the_set_at_any_time)
{
	struct client client;
	struct received received = {0};

	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_credit(&client, 20);
	take_push(&client, &received);
	cr_assert_eq(received.records, 20);
	/* In the middle of a push. */
	server_set_reference(&server, fixture_reference(GENERATION + 1), now);
	turn();
	client_credit(&client, RECORDS);
	take_push(&client, &received);
	cr_assert_eq(received.begin.generation, GENERATION + 1);
	cr_assert_eq(received.records, RECORDS);
	cr_assert_eq(received.end.crc32c, received.crc);
	/* While its answer is on the way: that answer is of no interest. */
	server_set_reference(&server, fixture_reference(GENERATION + 2), now);
	turn();
	send_applied(&client, GENERATION + 1, 0);
	cr_assert_eq(server.link.applied_generation, 0);
	client_credit(&client, RECORDS);
	take_push(&client, &received);
	cr_assert_eq(received.end.generation, GENERATION + 2);
	/* Refused by the data plane: counted, and the link goes on. */
	send_applied(&client, GENERATION + 2, -ENOSPC);
	cr_assert_eq(server.link.applied_generation, 0);
	cr_assert_eq(server.link.counters.sets_refused, 1);
	server_set_reference(&server, fixture_reference(GENERATION + 3), now);
	client_credit(&client, RECORDS);
	take_push(&client, &received);
	send_applied(&client, GENERATION + 3, 0);
	cr_assert_eq(server.link.applied_generation, GENERATION + 3);
	client_close(&client);
}

/* ---- services */

Test(control_link, services_are_answered)
{
	struct client client;
	struct mw_control_service_answer answer;

	ready_data_plane(&client, 0);
	uint64_t first = create_schedule(&client, FIXTURE_MDR);
	cr_assert_eq(first, (uint64_t)START_WALL / 1000 * 100 + 1);
	cr_assert_eq(create_schedule(&client, FIXTURE_MDR), first + 1);
	send_service_request(&client, UINT64_MAX, FIXTURE_OPERATOR, "8.2", "<");
	client_expect(&client, MW_CONTROL_SERVICE_ANSWER);
	memcpy(&answer, client.message.payload, sizeof(answer));
	cr_assert_eq(answer.token, UINT64_MAX);
	cr_assert_eq(answer.body_length, 0);
	cr_assert_str_eq(answer.code, server.reference->codes[SERVICE_NOT_UNDERSTOOD]);
	cr_assert_eq(server.link.counters.service_requests, 3);
	client_close(&client);
}

Test(control_link, a_service_request_needs_credit)
{
	struct client client;

	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	server.link.service_credit = 1;
	send_service_request(&client, 1, FIXTURE_MDR, "5.1", create_request);
	send_service_request(&client, 2, FIXTURE_MDR, "5.1", create_request);
	server.link.service_credit = 0;
	send_service_request(&client, 3, FIXTURE_MDR, "5.1", create_request);
	expect_closed(&client, PEER_FAULT_CREDIT);
	cr_assert_eq(server.link.counters.service_requests, 2);
}

/* ---- due reads */

Test(control_link, a_due_read_goes_out_and_the_next_one_follows)
{
	struct client client;
	struct mw_control_due_read due;

	ready_data_plane(&client, 10);
	uint64_t id = create_schedule(&client, FIXTURE_MDR);
	due = expect_due(&client);
	cr_assert_eq(due.schedule_id, id);
	cr_assert_eq(due.occurrence, 0);
	cr_assert_eq(due.user, FIXTURE_MDR);
	cr_assert_eq(due.device_id, FIXTURE_SMETS2);
	cr_assert_not(client_next(&client));
	/* No room now: the same again, a second later and not before. */
	answer_due(&client, &due, -EAGAIN);
	wait_ms(999);
	cr_assert_not(client_next(&client));
	cr_assert_eq(server_timeout_ms(&server, now), 1);
	wait_ms(1);
	due = expect_due(&client);
	cr_assert_eq(due.occurrence, 0);
	cr_assert_eq(due.attempt, 0);
	answer_due(&client, &due, 0);
	cr_assert_not(client_next(&client));
	/* The next day begins. */
	wait_ms(START_WALL + 15 * 3600000 - now.wall_ms - 1);
	cr_assert_not(client_next(&client));
	wait_ms(1);
	due = expect_due(&client);
	cr_assert_eq(due.occurrence, 1);
	/* Refused for good: counted, the user is told, and the day after comes all the same. */
	answer_due(&client, &due, -ENOENT);
	client_expect(&client, MW_CONTROL_ALERT);
	const struct mw_control_alert_taken taken = {.alert_id = (uint64_t)START_WALL * 1000};
	client_send(&client, MW_CONTROL_ALERT_TAKEN, PART(taken), NONE);
	wait_ms(CALENDAR_DAY_MS);
	due = expect_due(&client);
	cr_assert_eq(due.occurrence, 2);
	answer_due(&client, &due, 0);
	cr_assert_eq(server.link.counters.due_taken, 2);
	cr_assert_eq(server.link.counters.due_retried, 1);
	cr_assert_eq(server.link.counters.due_refused, 1);
	cr_assert_eq(server.link.counters.due_offered, 4);
	client_close(&client);
}

Test(control_link, a_due_read_waits_for_the_set_and_for_credit)
{
	struct client client;
	struct received received = {0};

	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_credit(&client, RECORDS);
	take_push(&client, &received);
	create_schedule(&client, FIXTURE_MDR);
	client_credit(&client, 1);
	cr_assert_not(client_next(&client), "the set is not applied yet");
	server.link.credit = 0;
	send_applied(&client, GENERATION, 0);
	cr_assert_not(client_next(&client), "there is no credit");
	client_credit(&client, 1);
	expect_due(&client);
	create_schedule(&client, FIXTURE_MDR);
	cr_assert_not(client_next(&client), "the credit is used up");
	client_close(&client);
}

Test(control_link, a_lost_offer_comes_again_under_its_id)
{
	struct client client;

	ready_data_plane(&client, 10);
	create_schedule(&client, FIXTURE_MDR);
	struct mw_control_due_read first = expect_due(&client);
	client_close(&client);
	cr_assert_eq(server.link.counters.due_returned, 1);
	cr_assert_eq(server.link.offer_count, 0);
	ready_data_plane(&client, 10);
	struct mw_control_due_read second = expect_due(&client);
	cr_assert_eq(memcmp(&first, &second, sizeof(first)), 0);
	/* The data plane had taken it before the connection broke. */
	answer_due(&client, &second, -EEXIST);
	cr_assert_not(client_next(&client));
	cr_assert_eq(server.link.counters.due_taken, 1);
	client_close(&client);
}

static void remove_schedule(uint64_t id)
{
	cr_assert_eq(schedules_remove(server.schedules, id), 0);
	cr_assert_eq(ledger_commit(&server.ledger), 0);
}

Test(control_link, a_schedule_may_be_deleted_while_it_is_offered)
{
	struct client client;
	struct mw_control_due_read due;

	ready_data_plane(&client, 10);
	create_schedule(&client, FIXTURE_MDR);
	due = expect_due(&client);
	remove_schedule(due.schedule_id);
	answer_due(&client, &due, -EAGAIN);
	wait_ms(5000);
	cr_assert_not(client_next(&client));
	create_schedule(&client, FIXTURE_MDR);
	due = expect_due(&client);
	remove_schedule(due.schedule_id);
	client_close(&client);
	cr_assert_eq(schedules_count(server.schedules), 0);
}

/* His schedule goes, he is told once, and nothing of it is read. */
Test(control_link, schedules_of_a_suspended_user_are_removed)
{
	struct client client;

	ready_data_plane(&client, 10);
	create_schedule(&client, FIXTURE_SUPPLIER);
	answer_due(&client, &(struct mw_control_due_read){0}, 0);
	expect_closed(&client, PEER_FAULT_ORDER);
	fixture_write("users.yaml", "users:\n  - {eui: 90-B3-D5-1F-30-01-00-00, name: s, roles: "
				    "[IS], certificates: [],\n"
				    "     active: no}\n");
	server_set_reference(&server, fixture_reference(GENERATION + 1), now);
	ready_data_plane(&client, 10);
	client_expect(&client, MW_CONTROL_ALERT);
	cr_assert_not(client_next(&client));
	cr_assert_eq(server.link.counters.due_skipped, 0);
	cr_assert_eq(removal_counters(server.removal)->removed[REMOVAL_USER], 1);
	cr_assert_eq(schedules_count(server.schedules), 0);
	client_close(&client);
}

/* A store that fails: the data plane is not told anything of it and begins anew, and what was known
 * is what the store has. */
Test(control_link, nothing_is_told_that_is_not_durable)
{
	struct client client;

	ready_data_plane(&client, 10);
	uint64_t id = create_schedule(&client, FIXTURE_MDR);
	expect_due(&client);
	ledger_change(&server.ledger)->failed = -EIO;
	send_service_request(&client, 5, FIXTURE_MDR, "5.1", create_request);
	expect_closed(&client, PEER_FAULT_STORE);
	cr_assert_eq(server.ledger.failures, 1);
	cr_assert_eq(schedules_count(server.schedules), 1);
	ready_data_plane(&client, 10);
	struct mw_control_due_read due = expect_due(&client);
	cr_assert_eq(due.schedule_id, id);
	answer_due(&client, &due, 0);
	cr_assert_gt(create_schedule(&client, FIXTURE_MDR), id);
	client_close(&client);
}

Test(control_link, offers_are_bounded)
{
	struct client client;
	unsigned offered = 0;

	ready_data_plane(&client, 200);
	for (int i = 0; i < 60; i++) {
		send_service_request(&client, 1, FIXTURE_MDR, "5.1", create_request);
		send_service_request(&client, 1, FIXTURE_SUPPLIER, "5.1", create_request);
	}
	while (client_next(&client))
		offered += client.message.header.type == MW_CONTROL_DUE_READ;
	cr_assert_eq(offered, LINK_OFFERS_MAX);
	cr_assert_eq(server.link.offer_count, LINK_OFFERS_MAX);
	client_close(&client);
	cr_assert_eq(server.link.counters.due_returned, LINK_OFFERS_MAX);
}
