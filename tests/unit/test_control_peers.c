/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers of the control socket that are bad, slow or too many, and operators with their commands.
 * Each bad one is disconnected for a reason that is counted, and the next one is served.
 */
#include <sys/socket.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "control_client.h"

TestSuite(control_peers, .init = client_suite_create, .fini = client_suite_destroy);

/* ---- bad peers */

static void send_raw(struct client *client, enum mw_control_type type, uint32_t length)
{
	uint8_t zeros[4096] = {0};

	cr_assert_leq(length, sizeof(zeros));
	client_send(client, type, (struct peer_part){zeros, length}, NONE);
}

Test(control_peers, peers_that_begin_badly)
{
	struct client client;
	struct mw_control_hello hello = {.role = MW_CONTROL_ROLE_CONTROL};

	client_connect(&client);
	client_send(&client, MW_CONTROL_HELLO, PART(hello), NONE);
	expect_closed(&client, PEER_FAULT_PAYLOAD);
	client_connect(&client);
	send_raw(&client, MW_CONTROL_CREDIT, sizeof(struct mw_control_credit));
	expect_closed(&client, PEER_FAULT_ORDER);
	/* Without hello nobody may make us keep more than a hello. */
	client_connect(&client);
	send_raw(&client, MW_CONTROL_USER, sizeof(struct mw_control_user));
	expect_closed(&client, PEER_FAULT_LENGTH);
	client_connect(&client);
	cr_assert_eq(write(client.peer.fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	turn();
	expect_closed(&client, PEER_FAULT_MAGIC);
	client_connect(&client);
	cr_assert_eq(write(client.peer.fd, "MTWY\1\0\1\0\0\0\0\0\0\0\0\0", 16), 16);
	turn();
	expect_closed(&client, PEER_FAULT_VERSION);
	client_connect(&client);
	const struct mw_control_header unknown = {
		.magic = MW_CONTROL_MAGIC, .version = MW_CONTROL_VERSION, .type = 999};
	cr_assert_eq(write(client.peer.fd, &unknown, sizeof(unknown)), sizeof(unknown));
	turn();
	expect_closed(&client, PEER_FAULT_TYPE);
}

Test(control_peers, messages_that_a_data_plane_may_not_send)
{
	static const enum mw_control_type types[] = {
		MW_CONTROL_HELLO,
		MW_CONTROL_REFERENCE_BEGIN,
		MW_CONTROL_USER,
		MW_CONTROL_REGISTRY_IMAGE,
		MW_CONTROL_SRV_RULE,
		MW_CONTROL_REFERENCE_END,
		MW_CONTROL_STATUS_REQUEST,
	};
	static const uint32_t lengths[] = {24, 32, sizeof(struct mw_control_user), 520, 128, 32, 0};
	struct client client;

	for (size_t i = 1; i < sizeof(types) / sizeof(types[0]); i++) {
		client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
		send_raw(&client, types[i], lengths[i]);
		expect_closed(&client, PEER_FAULT_ORDER);
	}
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	struct mw_control_hello again = {.role = MW_CONTROL_ROLE_DATA_PLANE};
	client_send(&client, MW_CONTROL_HELLO, PART(again), NONE);
	expect_closed(&client, PEER_FAULT_ORDER);
	/* What became of a RequestID, and counters that were reset: nobody has asked. */
	const struct mw_control_decisions decisions = {.token = 7};
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_send(&client, MW_CONTROL_DECISIONS, PART(decisions), NONE);
	expect_closed(&client, PEER_FAULT_ORDER);
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	send_raw(
		&client, MW_CONTROL_REPLAY_RESET_DONE, sizeof(struct mw_control_replay_reset_done));
	expect_closed(&client, PEER_FAULT_ORDER);
	/* A status nobody asked for, an answer to no offer, an applied set that was not sent. */
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_send(&client, MW_CONTROL_STATUS, NONE, (struct peer_part){"{}", 2});
	expect_closed(&client, PEER_FAULT_ORDER);
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	send_raw(&client, MW_CONTROL_DUE_READ_TAKEN, sizeof(struct mw_control_due_read_taken));
	expect_closed(&client, PEER_FAULT_ORDER);
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	send_applied(&client, GENERATION, 0);
	expect_closed(&client, PEER_FAULT_ORDER);
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	send_applied(&client, GENERATION + 1, 0);
	expect_closed(&client, PEER_FAULT_PAYLOAD);
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_credit(&client, LINK_CREDIT_MAX + 1);
	expect_closed(&client, PEER_FAULT_CREDIT);
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_credit(&client, LINK_CREDIT_MAX);
	client_credit(&client, RECORDS + 1);
	expect_closed(&client, PEER_FAULT_CREDIT);
	/* After all of them the next one is served. */
	ready_data_plane(&client, 1);
	cr_assert_eq(server.link.applied_generation, GENERATION);
	client_close(&client);
}

Test(control_peers, a_second_data_plane_is_refused)
{
	struct client first;
	struct client second;

	ready_data_plane(&first, 1);
	client_hello(&second, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	expect_closed(&second, PEER_FAULT_SECOND_DATA_PLANE);
	cr_assert_eq(server.link.applied_generation, GENERATION);
	client_close(&first);
	ready_data_plane(&second, 1);
	client_close(&second);
}

Test(control_peers, stalled_peers)
{
	struct client client;

	client_connect(&client);
	turn();
	wait_ms(SERVER_HELLO_MS - 1);
	cr_assert_not(client_next(&client));
	cr_assert_not(client.gone);
	wait_ms(1);
	expect_closed(&client, PEER_FAULT_STALLED);
	/* Half a message. */
	client_hello(&client, MW_CONTROL_ROLE_OPERATOR, 0, 0);
	cr_assert_eq(write(client.peer.fd, "MTWY\2\0", 6), 6);
	turn();
	wait_ms(SERVER_STALL_MS);
	cr_assert_not(client.gone);
	wait_ms(1);
	expect_closed(&client, PEER_FAULT_STALLED);
	/* A push without credit; then an answer to the end of the set that does not come. */
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_credit(&client, 5);
	wait_ms(LINK_STALL_MS + 1);
	expect_closed(&client, PEER_FAULT_STALLED);
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_credit(&client, RECORDS);
	wait_ms(LINK_STALL_MS + 1);
	expect_closed(&client, PEER_FAULT_STALLED);
	/* A due read that is not answered. */
	ready_data_plane(&client, 5);
	create_schedule(&client, FIXTURE_MDR);
	expect_due(&client);
	wait_ms(LINK_STALL_MS);
	cr_assert_not(client_next(&client));
	cr_assert_not(client.gone);
	wait_ms(1);
	expect_closed(&client, PEER_FAULT_STALLED);
	cr_assert_eq(server.link.counters.due_returned, 1);
}

Test(control_peers, a_peer_that_does_not_read)
{
	struct client client;
	int small = 4096;

	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	setsockopt(client.peer.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++)
		if (server.peers[i].fd >= 0)
			setsockopt(
				server.peers[i].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	client_credit(&client, RECORDS);
	cr_assert_gt(peer_waiting(server.link.peer), 0);
	wait_ms(SERVER_STALL_MS);
	cr_assert_not_null(server.link.peer);
	wait_ms(1);
	cr_assert_null(server.link.peer);
	cr_assert_eq(server.counters.disconnected[PEER_FAULT_STALLED], 1);
	peer_close(&client.peer);
}

/* ---- operators */

static json_t *next_reply(struct client *client)
{
	client_expect(client, MW_CONTROL_REPLY);
	json_t *reply = json_loadb(
		(const char *)client->message.payload, client->message.header.length, 0, NULL);
	cr_assert(json_is_object(reply));
	return reply;
}

static void send_command(struct client *client, const char *text)
{
	client_send(client, MW_CONTROL_COMMAND, NONE, (struct peer_part){text, strlen(text)});
}

static void operator_connect(struct client *client)
{
	client_hello(client, MW_CONTROL_ROLE_OPERATOR, 0, 0);
	client_expect(client, MW_CONTROL_HELLO);
}

static json_int_t number(const json_t *reply, const char *group, const char *name)
{
	const json_t *value = json_object_get(json_object_get(reply, group), name);

	cr_assert(json_is_integer(value), "%s.%s", group, name);
	return json_integer_value(value);
}

Test(control_peers, status_without_a_data_plane)
{
	struct client client;

	operator_connect(&client);
	send_command(&client, "{\"command\":\"status\"}");
	json_t *reply = next_reply(&client);
	cr_assert(json_is_true(json_object_get(reply, "ok")));
	cr_assert_eq(number(reply, "control", "users"), 4);
	cr_assert_eq(number(reply, "control", "devices"), 3);
	cr_assert_eq(number(reply, "control", "generation"), GENERATION);
	cr_assert_eq(number(reply, "control", "operators"), 1);
	cr_assert(json_is_null(json_object_get(reply, "data_plane")));
	cr_assert_str_eq(json_string_value(json_object_get(reply, "data_plane_missing")),
		"no data plane is connected");
	json_decref(reply);
	client_close(&client);
}

Test(control_peers, status_of_both)
{
	struct client data_plane;
	struct client operators[2];

	ready_data_plane(&data_plane, 0);
	operator_connect(&operators[0]);
	operator_connect(&operators[1]);
	send_command(&operators[0], "{\"command\":\"status\"}");
	send_command(&operators[1], "{\"command\":\"status\"}");
	/* One question serves both. */
	client_expect(&data_plane, MW_CONTROL_STATUS_REQUEST);
	cr_assert_not(client_next(&data_plane));
	cr_assert_not(client_next(&operators[0]));
	const char *status = "{\"process\":\"motorway\",\"pid\":7}";
	client_send(
		&data_plane, MW_CONTROL_STATUS, NONE, (struct peer_part){status, strlen(status)});
	for (int i = 0; i < 2; i++) {
		json_t *reply = next_reply(&operators[i]);

		cr_assert_eq(number(reply, "data_plane", "pid"), 7);
		cr_assert_eq(number(reply, "control", "generation_applied"), GENERATION);
		json_decref(reply);
		client_close(&operators[i]);
	}
	client_close(&data_plane);
}

Test(control_peers, status_when_the_data_plane_is_slow_or_odd)
{
	struct client data_plane;
	struct client client;

	ready_data_plane(&data_plane, 0);
	operator_connect(&client);
	send_command(&client, "{\"command\":\"status\"}");
	cr_assert_leq(server_timeout_ms(&server, now), 1000);
	wait_ms(SERVER_STATUS_MS - 1);
	cr_assert_not(client_next(&client));
	wait_ms(1);
	json_t *reply = next_reply(&client);
	cr_assert_str_eq(json_string_value(json_object_get(reply, "data_plane_missing")),
		"the data plane did not answer in time");
	json_decref(reply);
	/* Its late answer serves the next command. */
	send_command(&client, "{\"command\":\"status\"}");
	client_send(&data_plane, MW_CONTROL_STATUS, NONE, (struct peer_part){"[1]", 3});
	reply = next_reply(&client);
	cr_assert_str_eq(json_string_value(json_object_get(reply, "data_plane_missing")),
		"the data plane's status is no JSON object");
	json_decref(reply);
	/* The data plane goes while the operator waits. */
	send_command(&client, "{\"command\":\"status\"}");
	client_close(&data_plane);
	reply = next_reply(&client);
	cr_assert_str_eq(json_string_value(json_object_get(reply, "data_plane_missing")),
		"no data plane is connected");
	json_decref(reply);
	client_close(&client);
}

Test(control_peers, commands_that_are_not_understood)
{
	static const char *const commands[] = {
		"",
		"status",
		"{}",
		"[]",
		"{\"command\":7}",
		"{\"command\":\"stop\"}",
		"{\"command\":\"status\",\"command\":\"status\"}",
		"{\"command\":\"status\"",
	};
	struct client client;

	operator_connect(&client);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		send_command(&client, commands[i]);
		json_t *reply = next_reply(&client);
		cr_assert(json_is_false(json_object_get(reply, "ok")), "%s", commands[i]);
		cr_assert(json_is_string(json_object_get(reply, "error")));
		json_decref(reply);
	}
	client_close(&client);
	/* A data plane's message from an operator. */
	operator_connect(&client);
	client_credit(&client, 1);
	expect_closed(&client, PEER_FAULT_ORDER);
	/* A second command before the first is answered. */
	struct client data_plane;
	ready_data_plane(&data_plane, 0);
	operator_connect(&client);
	send_command(&client, "{\"command\":\"status\"}");
	send_command(&client, "{\"command\":\"status\"}");
	expect_closed(&client, PEER_FAULT_ORDER);
	client_close(&data_plane);
}

Test(control_peers, as_many_operators_as_are_allowed)
{
	struct client operators[SERVER_OPERATORS_MAX];
	struct client waiting[3];
	struct client client;

	for (int i = 0; i < SERVER_OPERATORS_MAX; i++)
		operator_connect(&operators[i]);
	client_hello(&client, MW_CONTROL_ROLE_OPERATOR, 0, 0);
	expect_closed(&client, PEER_FAULT_FULL);
	/* There is still a place for the data plane. */
	ready_data_plane(&client, 0);
	for (int i = 0; i < 3; i++)
		client_connect(&waiting[i]);
	turn();
	struct client last;
	client_connect(&last);
	turn();
	expect_closed(&last, PEER_FAULT_FULL);
	for (int i = 0; i < 3; i++)
		client_close(&waiting[i]);
	for (int i = 0; i < SERVER_OPERATORS_MAX; i++)
		client_close(&operators[i]);
	operator_connect(&last);
	client_close(&last);
	client_close(&client);
}
