/* SPDX-License-Identifier: Apache-2.0 */
/* DCC Alerts and held requests in control: the outbox, the table, the link, the commands. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "control_client.h"

TestSuite(control_alert, .init = client_suite_create, .fini = client_suite_destroy);

#define SRQ "90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:7"

static const struct mw_request_id request_id = {FIXTURE_SUPPLIER, FIXTURE_SMETS2, 7};

static const struct alert_terms removal = {
	.event = ALERT_SCHEDULE_REMOVED_MDRA,
	.user = FIXTURE_MDR,
	.device_id = FIXTURE_SMETS2,
	.schedule_id = 1234,
};

/* ---- the outbox by itself */

/* Raise in the server's outbox, as somebody's turn would. */
static uint64_t raise_removal(void)
{
	uint64_t id = alerts_raise(server.alerts, &removal);

	cr_assert_eq(ledger_commit(&server.ledger), 0);
	return id;
}

static const struct alert *next(struct alerts *alerts, int64_t now_ms)
{
	return alerts_next(alerts, server.reference, now_ms);
}

static void expect_elements(const struct alert *alert, const char *body, const char *mismatch)
{
	cr_assert_eq(alert->body_length, strlen(body));
	cr_assert_eq(memcmp(alert->elements, body, strlen(body)), 0, "%.*s",
		(int)alert->body_length, alert->elements);
	cr_assert_eq(alert->mismatch_length, strlen(mismatch));
	cr_assert_eq(memcmp(alert->elements + strlen(body), mismatch, strlen(mismatch)), 0, "%.*s",
		(int)alert->mismatch_length, alert->elements + strlen(body));
}

Test(control_alert, elements_say_what_happened)
{
	struct alerts *alerts = alerts_open(&server.ledger, 1);
	const struct alert_terms held = {
		.event = ALERT_QUARANTINED_USER_THRESHOLD,
		.user = FIXTURE_SUPPLIER,
		.request_id = request_id,
		.token = 99,
	};
	const struct alert_terms failed = {
		.event = ALERT_COMMAND_FAILED,
		.user = FIXTURE_SUPPLIER,
		.device_id = FIXTURE_SMETS2,
		.schedule_id = 5,
		.request_id = request_id,
	};

	cr_assert_eq(alerts_raise(alerts, &removal), 1000);
	cr_assert_eq(alerts_raise(alerts, &held), 1001);
	cr_assert_eq(alerts_raise(alerts, &failed), 1002);
	const struct alert *alert = next(alerts, 0);
	cr_assert(alert->announces);
	cr_assert_eq(alert->token, 99);
	expect_elements(alert,
		"<sr:QuarantinedRequest><sr:ADUserThresholdBreach><sr:RequestID>" SRQ
		"</sr:RequestID><sr:QuarantineEventRef>1001</sr:QuarantineEventRef>"
		"</sr:ADUserThresholdBreach></sr:QuarantinedRequest>",
		"<sr:DUISVersionMismatch><sr:DCCAlertVersionMismatch>"
		"<sr:DCCAlertCode>N53</sr:DCCAlertCode><sr:RequestID>" SRQ
		"</sr:RequestID></sr:DCCAlertVersionMismatch>"
		"<sr:ServiceUserDUISVersion>5.4</sr:ServiceUserDUISVersion>"
		"</sr:DUISVersionMismatch>");
	alert = next(alerts, 0);
	cr_assert_eq(alert->user, FIXTURE_MDR);
	cr_assert_str_eq(alert->code, "N66");
	cr_assert_str_eq(alert->schema_version, "5.4");
	cr_assert_not(alert->announces);
	expect_elements(alert,
		"<sr:DSPScheduleRemoval><sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID>"
		"<sr:DSPScheduleID>1234</sr:DSPScheduleID></sr:DSPScheduleRemoval>",
		"<sr:DUISVersionMismatch><sr:DCCAlertVersionMismatch>"
		"<sr:DCCAlertCode>N66</sr:DCCAlertCode>"
		"<sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID></sr:DCCAlertVersionMismatch>"
		"<sr:ServiceUserDUISVersion>5.4</sr:ServiceUserDUISVersion>"
		"</sr:DUISVersionMismatch>");
	alert = next(alerts, 0);
	expect_elements(alert,
		"<sr:CommandFailure><sr:CommandRequestID>" SRQ
		"</sr:CommandRequestID><sr:DSPScheduleID>5</sr:DSPScheduleID>"
		"<sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID></sr:CommandFailure>",
		"<sr:DUISVersionMismatch><sr:DCCAlertVersionMismatch>"
		"<sr:DCCAlertCode>N13</sr:DCCAlertCode>"
		"<sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID><sr:RequestID>" SRQ
		"</sr:RequestID></sr:DCCAlertVersionMismatch>"
		"<sr:ServiceUserDUISVersion>5.4</sr:ServiceUserDUISVersion>"
		"</sr:DUISVersionMismatch>");
	cr_assert_null(next(alerts, 0));
	alerts_close(alerts);
}

Test(control_alert, outbox_keeps_what_is_not_taken)
{
	struct alerts *alerts = alerts_open(&server.ledger, 0);
	bool announced;

	for (uint64_t id = 1; id <= 4; id++)
		cr_assert_eq(alerts_raise(alerts, &removal), id);
	for (uint64_t id = 1; id <= 3; id++)
		cr_assert_eq(next(alerts, 0)->id, id);
	cr_assert(alerts_taken(alerts, 2, 0, 0, &announced));
	cr_assert_not(announced);
	cr_assert_not(alerts_taken(alerts, 2, 0, 0, &announced), "taken twice");
	cr_assert_not(alerts_taken(alerts, 4, 0, 0, &announced), "not offered yet");
	/* His lane is full: nothing more to him for a while, the ones that are on their way stay.
	 */
	cr_assert(alerts_taken(alerts, 1, -EAGAIN, 100, &announced));
	cr_assert_null(next(alerts, 100));
	cr_assert_eq(alerts_next_ms(alerts), 100 + ALERTS_RETRY_MS);
	cr_assert_eq(next(alerts, 100 + ALERTS_RETRY_MS)->id, 1);
	cr_assert_eq(next(alerts, 100 + ALERTS_RETRY_MS)->id, 4);
	cr_assert_null(next(alerts, 100 + ALERTS_RETRY_MS));
	cr_assert_eq(alerts_count(alerts), 3);
	cr_assert_eq(alerts_offered(alerts), 3);
	/* The connection is lost: the rest again, the oldest first. */
	cr_assert(alerts_taken(alerts, 4, -ENOENT, 100, &announced));
	alerts_return(alerts);
	cr_assert_eq(alerts_offered(alerts), 0);
	cr_assert_eq(next(alerts, 0)->id, 1);
	cr_assert_eq(next(alerts, 0)->id, 3);
	cr_assert_null(next(alerts, 0));
	cr_assert_eq(alerts_counters(alerts)->taken, 1);
	cr_assert_eq(alerts_counters(alerts)->refused, 1);
	cr_assert_eq(alerts_counters(alerts)->retried, 1);
	alerts_close(alerts);
	/* Another process, after a kill: what was not committed never was. */
	ledger_abandon(&server.ledger);
	alerts = alerts_open(&server.ledger, 0);
	cr_assert_eq(alerts_count(alerts), 0);
	cr_assert_null(next(alerts, 0));
	alerts_close(alerts);
}

Test(control_alert, outbox_outlives_the_process)
{
	struct alerts *alerts = alerts_open(&server.ledger, 0);
	bool announced;

	for (uint64_t id = 1; id <= 3; id++)
		cr_assert_eq(alerts_raise(alerts, &removal), id);
	cr_assert_eq(next(alerts, 0)->id, 1);
	cr_assert_eq(next(alerts, 0)->id, 2);
	cr_assert(alerts_taken(alerts, 2, 0, 0, &announced));
	cr_assert_eq(ledger_commit(&server.ledger), 0);
	alerts_close(alerts);
	alerts = alerts_open(&server.ledger, 0);
	cr_assert_eq(alerts_count(alerts), 2);
	const struct alert *alert = next(alerts, 0);
	cr_assert_eq(alert->id, 1);
	cr_assert_str_eq(alert->code, "N66");
	cr_assert_eq(next(alerts, 0)->id, 3);
	cr_assert_null(next(alerts, 0));
	/* Ids never come again, whatever the clock says. */
	cr_assert_gt(alerts_raise(alerts, &removal), 3);
	alerts_close(alerts);
	ledger_abandon(&server.ledger);
}

/* A commit that fails: what was raised is not there, what was taken is offered again. */
Test(control_alert, outbox_after_a_failed_commit)
{
	struct alerts *alerts = alerts_open(&server.ledger, 0);
	bool announced;

	uint64_t first = alerts_raise(alerts, &removal);
	cr_assert_eq(ledger_commit(&server.ledger), 0);
	uint64_t second = alerts_raise(alerts, &removal);
	cr_assert_eq(next(alerts, 0)->id, first);
	cr_assert(alerts_taken(alerts, first, 0, 0, &announced));
	ledger_abandon(&server.ledger);
	alerts_forget(alerts);
	cr_assert_eq(alerts_count(alerts), 1);
	cr_assert_eq(next(alerts, 0)->id, first);
	cr_assert_null(next(alerts, 0));
	cr_assert_gt(alerts_raise(alerts, &removal), second);
	alerts_close(alerts);
	ledger_abandon(&server.ledger);
}

/* A user who takes nothing holds up himself alone, and no user gets all the room. */
Test(control_alert, users_take_turns)
{
	struct alerts *alerts = alerts_open(&server.ledger, 0);
	const struct alert_terms other = {
		.event = ALERT_SCHEDULE_REMOVED_SUPPLIER,
		.user = FIXTURE_SUPPLIER,
		.device_id = FIXTURE_SMETS2,
		.schedule_id = 9,
	};
	unsigned counts[2] = {0, 0};
	const struct alert *alert;
	uint64_t ids[100];
	bool announced;

	for (int i = 0; i < 1000; i++)
		cr_assert_neq(alerts_raise(alerts, &removal), 0);
	for (int i = 0; i < 40; i++)
		cr_assert_neq(alerts_raise(alerts, &other), 0);
	while ((alert = next(alerts, 0)) != NULL) {
		ids[counts[0] + counts[1]] = alert->id;
		counts[alert->user == FIXTURE_SUPPLIER]++;
	}
	cr_assert_eq(counts[0], ALERTS_OF_USER_MAX);
	cr_assert_eq(counts[1], ALERTS_OF_USER_MAX);
	/* The first user's lane is full; all of the other's go. */
	for (unsigned i = 0; i < counts[0] + counts[1]; i++)
		cr_assert(
			alerts_taken(alerts, ids[i], ids[i] <= 1000 ? -EAGAIN : 0, 0, &announced));
	while ((alert = next(alerts, 1)) != NULL) {
		cr_assert_eq(alert->user, FIXTURE_SUPPLIER);
		cr_assert(alerts_taken(alerts, alert->id, 0, 1, &announced));
		counts[1]++;
	}
	cr_assert_eq(counts[1], 40);
	cr_assert_eq(alerts_count(alerts), 1000);
	cr_assert_eq(next(alerts, ALERTS_RETRY_MS)->id, 1);
	alerts_close(alerts);
	ledger_abandon(&server.ledger);
}

/* A full store says so; what is in it can be taken out. */
Test(control_alert, outbox_is_bounded)
{
	struct alerts *alerts = alerts_open(&server.ledger, 0);
	bool announced;
	uint64_t count = 0;

	while (alerts_raise(alerts, &removal) != 0)
		count++;
	cr_assert_gt(count, 100000);
	cr_assert_eq(alerts_counters(alerts)->no_room, 1);
	cr_assert_eq(ledger_commit(&server.ledger), 0);
	cr_assert(alerts_taken(alerts, next(alerts, 0)->id, 0, 0, &announced));
	cr_assert_eq(ledger_commit(&server.ledger), 0);
	cr_assert_eq(alerts_count(alerts), count - 1);
	alerts_close(alerts);
}

/* ---- the table by itself */

static struct mw_control_quarantined report_of(uint64_t number, uint64_t reference)
{
	struct mw_control_quarantined report = {
		.token = number,
		.reference = reference,
		.user = FIXTURE_SUPPLIER,
		.request_id = {FIXTURE_SUPPLIER, FIXTURE_SMETS2, number},
		.srv = "4.2",
		.held_ms = START_WALL,
		.period_s = 60,
		.limit = 3,
	};

	return report;
}

Test(control_alert, table_finds_every_event)
{
	struct quarantine table = {0};
	uint64_t sum = 0;

	for (uint64_t i = 0; i < 3000; i++) {
		uint64_t reference = 1 + i * 1237 % 3001;
		struct mw_control_quarantined report = report_of(reference, reference);

		cr_assert_not_null(quarantine_report(&table, &report, reference));
		sum += reference;
	}
	cr_assert_eq(table.present, 3000);
	for (size_t i = 1; i < table.count; i++)
		cr_assert_lt(table.events[i - 1].reference, table.events[i].reference);
	for (uint64_t i = 0; i < 3000; i++) {
		uint64_t reference = 1 + i * 7 % 3001;
		struct quarantine_event *event = quarantine_find(&table, reference);

		if (event == NULL)
			continue;
		cr_assert_eq(event->token, reference);
		sum -= reference;
		quarantine_remove(&table, event);
	}
	cr_assert_leq(table.count, 1);
	cr_assert_eq(sum, table.count == 1 ? table.events[0].reference : 0);
	quarantine_free(&table);
}

Test(control_alert, wishes_outlive_the_connection)
{
	struct quarantine table = {0};
	struct mw_control_quarantined first = report_of(1, 10);
	struct mw_control_quarantined second = report_of(2, 20);

	quarantine_report(&table, &first, 10);
	struct quarantine_event *event = quarantine_report(&table, &second, 20);
	cr_assert(quarantine_wish(&table, event, QUARANTINE_DELETING, 0));
	cr_assert(quarantine_wish(&table, event, QUARANTINE_RELEASING, 0), "the last wish counts");
	cr_assert_eq(quarantine_next_wish(&table, 0)->reference, 20);
	cr_assert_null(quarantine_next_wish(&table, 0));
	cr_assert_not(quarantine_wish(&table, event, QUARANTINE_DELETING, 0), "it is on its way");
	quarantine_leave(&table);
	cr_assert_eq(table.count, 1);
	cr_assert_eq(table.present, 0);
	cr_assert_null(quarantine_next_wish(&table, 0));
	second.token = 77;
	quarantine_report(&table, &second, 20);
	event = quarantine_find(&table, 20);
	cr_assert_eq(event->state, QUARANTINE_RELEASING);
	const struct quarantine_event *wish = quarantine_next_wish(&table, 0);
	cr_assert_eq(wish->token, 77, "the request has a new token in the new connection");
	quarantine_retry(&table, event, 1000);
	cr_assert_null(quarantine_next_wish(&table, 1000));
	cr_assert_eq(quarantine_next_wish(&table, 1000 + QUARANTINE_RETRY_MS)->reference, 20);
	quarantine_remove(&table, event);
	cr_assert_eq(table.wishes, 0);
	quarantine_free(&table);
}

/* Wishes outlive the process too, until they are done, or too old. */
Test(control_alert, wishes_outlive_the_process)
{
	struct quarantine table = {0};
	struct mw_control_quarantined first = report_of(1, 10);
	struct mw_control_quarantined second = report_of(2, 20);

	cr_assert_eq(quarantine_open(&table, &server.ledger, START_WALL), 0);
	cr_assert(quarantine_wish(
		&table, quarantine_report(&table, &first, 10), QUARANTINE_RELEASING, START_WALL));
	cr_assert(quarantine_wish(
		&table, quarantine_report(&table, &second, 20), QUARANTINE_DELETING, START_WALL));
	cr_assert_eq(ledger_commit(&server.ledger), 0);
	quarantine_free(&table);
	cr_assert_eq(quarantine_open(&table, &server.ledger, START_WALL + 1), 0);
	cr_assert_eq(table.count, 2);
	cr_assert_null(quarantine_next_wish(&table, 0), "the data plane has not reported them");
	const struct quarantine_event *event = quarantine_find(&table, 10);
	cr_assert_eq(event->state, QUARANTINE_RELEASING);
	cr_assert_str_eq(event->srv, "4.2");
	cr_assert_eq(event->request_id.counter, 1);
	cr_assert_eq(event->limit, 3);
	second.token = 99;
	quarantine_report(&table, &second, 20);
	event = quarantine_next_wish(&table, 0);
	cr_assert_eq(event->reference, 20);
	cr_assert_eq(event->token, 99);
	quarantine_remove(&table, quarantine_find(&table, 20));
	cr_assert_eq(ledger_commit(&server.ledger), 0);
	quarantine_free(&table);
	cr_assert_eq(quarantine_open(&table, &server.ledger, START_WALL + QUARANTINE_WISH_MS), 0);
	cr_assert_eq(table.count, 1);
	quarantine_free(&table);
	cr_assert_eq(
		quarantine_open(&table, &server.ledger, START_WALL + QUARANTINE_WISH_MS + 1), 0);
	cr_assert_eq(table.count, 0);
	cr_assert_eq(ledger_commit(&server.ledger), 0);
	quarantine_free(&table);
}

/* ---- over the link */

static struct mw_control_alert expect_alert(struct client *client)
{
	struct mw_control_alert alert;

	client_expect(client, MW_CONTROL_ALERT);
	memcpy(&alert, client->message.payload, sizeof(alert));
	cr_assert_eq(alert.body_length + alert.mismatch_length,
		client->message.header.length - sizeof(alert));
	return alert;
}

static void answer_alert(struct client *client, uint64_t id, int status)
{
	struct mw_control_alert_taken taken = {.alert_id = id, .status = status};

	client_send(client, MW_CONTROL_ALERT_TAKEN, PART(taken), NONE);
}

static void send_report(struct client *client, const struct mw_control_quarantined *report)
{
	client_send(
		client, MW_CONTROL_QUARANTINED, (struct peer_part){report, sizeof(*report)}, NONE);
}

static struct mw_control_quarantine expect_wish(struct client *client)
{
	struct mw_control_quarantine wish;

	client_expect(client, MW_CONTROL_QUARANTINE);
	memcpy(&wish, client->message.payload, sizeof(wish));
	return wish;
}

static void send_done(struct client *client, const struct mw_control_quarantine *wish, int status)
{
	struct mw_control_quarantine_done done = {
		.reference = wish->reference, .action = wish->action, .status = status};

	client_send(client, MW_CONTROL_QUARANTINE_DONE, PART(done), NONE);
}

/* Ask as motorwayctl does; the reply is the caller's. */
static json_t *command(const char *text)
{
	struct client operator;

	client_hello(&operator, MW_CONTROL_ROLE_OPERATOR, 0, 0);
	client_expect(&operator, MW_CONTROL_HELLO);
	client_send(&operator, MW_CONTROL_COMMAND, NONE, (struct peer_part){text, strlen(text)});
	client_expect(&operator, MW_CONTROL_REPLY);
	json_t *reply = json_loadb(
		(const char *)operator.message.payload, operator.message.header.length, 0, NULL);
	cr_assert_not_null(reply);
	client_close(&operator);
	turn();
	return reply;
}

/* The data plane has said all it had to say so far. */
static void quiet(struct client *client)
{
	cr_assert_not(client_next(client), "message of type %u", client->message.header.type);
}

Test(control_alert, offered_until_taken)
{
	struct client client;

	ready_data_plane(&client, 1);
	uint64_t id = raise_removal();
	cr_assert_geq(id, (uint64_t)START_WALL * 1000);
	cr_assert_eq(raise_removal(), id + 1);
	turn();
	struct mw_control_alert alert = expect_alert(&client);
	cr_assert_eq(alert.alert_id, id);
	cr_assert_eq(alert.user, FIXTURE_MDR);
	cr_assert_str_eq(alert.code, "N66");
	cr_assert_eq(alert.flags, 0);
	quiet(&client); /* the second waits for credit */
	client_credit(&client, 10);
	cr_assert_eq(expect_alert(&client).alert_id, id + 1);
	answer_alert(&client, id, -EAGAIN);
	answer_alert(&client, id + 1, 0);
	quiet(&client);
	wait_ms(ALERTS_RETRY_MS - 1);
	quiet(&client);
	wait_ms(1);
	cr_assert_eq(expect_alert(&client).alert_id, id);
	client_close(&client);
	/* Its fate is not known: the same alert again. */
	ready_data_plane(&client, 10);
	cr_assert_eq(expect_alert(&client).alert_id, id);
	answer_alert(&client, id, 0);
	quiet(&client);
	cr_assert_eq(alerts_count(server.alerts), 0);
	answer_alert(&client, id, 0);
	expect_closed(&client, PEER_FAULT_ORDER);
}

Test(control_alert, not_before_the_set_is_in_force)
{
	struct client client;
	struct received received = {0};

	raise_removal();
	client_hello(&client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_credit(&client, RECORDS + 5);
	take_push(&client, &received);
	cr_assert(received.ended);
	send_applied(&client, GENERATION, 0);
	expect_alert(&client);
	client_close(&client);
}

Test(control_alert, a_failed_run_is_announced)
{
	struct client client;

	ready_data_plane(&client, 5);
	uint64_t schedule = create_schedule(&client, FIXTURE_SUPPLIER);
	struct mw_control_due_read due = expect_due(&client);
	answer_due(&client, &due, -ENOENT);
	struct mw_control_alert alert = expect_alert(&client);
	char text[64];

	cr_assert_str_eq(alert.code, "N13");
	cr_assert_eq(alert.user, FIXTURE_SUPPLIER);
	snprintf(text, sizeof(text), "<sr:DSPScheduleID>%llu<", (unsigned long long)schedule);
	cr_assert_not_null(
		memmem(client.message.payload, client.message.header.length, text, strlen(text)));
	client_close(&client);
}

Test(control_alert, held_request_from_report_to_release)
{
	struct client client;
	struct mw_control_quarantined report = report_of(3, 0);
	char text[256];

	ready_data_plane(&client, 20);
	send_report(&client, &report);
	client_expect(&client, MW_CONTROL_CREDIT);
	struct mw_control_alert alert = expect_alert(&client);
	cr_assert_eq(alert.flags, MW_ALERT_QUARANTINE);
	cr_assert_eq(alert.token, 3);
	cr_assert_str_eq(alert.code, "N53");
	answer_alert(&client, alert.alert_id, 0);
	json_t *reply = command("{\"command\":\"quarantine\",\"action\":\"list\"}");
	json_t *event = json_array_get(json_object_get(reply, "events"), 0);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)alert.alert_id);
	cr_assert_str_eq(json_string_value(json_object_get(event, "reference")), text);
	cr_assert_str_eq(json_string_value(json_object_get(event, "state")), "held");
	cr_assert_str_eq(
		json_string_value(json_object_get(event, "user")), "90-B3-D5-1F-30-01-00-00");
	cr_assert_str_eq(json_string_value(json_object_get(event, "srv")), "4.2");
	cr_assert_eq(json_integer_value(json_object_get(event, "limit")), 3);
	json_decref(reply);
	snprintf(text, sizeof(text),
		"{\"command\":\"quarantine\",\"action\":\"release\",\"events\":[\"%llu\",\"1\"]}",
		(unsigned long long)alert.alert_id);
	reply = command(text);
	cr_assert_eq(json_integer_value(json_object_get(reply, "releasing")), 1);
	cr_assert_eq(json_array_size(json_object_get(reply, "unknown")), 1);
	json_decref(reply);
	struct mw_control_quarantine wish = expect_wish(&client);
	cr_assert_eq(wish.token, 3);
	cr_assert_eq(wish.reference, alert.alert_id);
	cr_assert_eq(wish.action, MW_QUARANTINE_RELEASE);
	send_done(&client, &wish, -EAGAIN);
	quiet(&client);
	wait_ms(QUARANTINE_RETRY_MS);
	wish = expect_wish(&client);
	send_done(&client, &wish, 0);
	cr_assert_eq(server.quarantine.count, 0);
	cr_assert_eq(server.link.counters.quarantine_released, 1);
	send_done(&client, &wish, 0);
	expect_closed(&client, PEER_FAULT_ORDER);
}

Test(control_alert, held_requests_after_a_lost_connection)
{
	struct client client;
	struct mw_control_quarantined report = report_of(3, 0);
	struct mw_control_quarantined announced = report_of(4, 900);

	ready_data_plane(&client, 20);
	send_report(&client, &report);
	client_expect(&client, MW_CONTROL_CREDIT);
	uint64_t id = expect_alert(&client).alert_id;
	client_close(&client);
	json_t *reply = command("{\"command\":\"quarantine\",\"action\":\"list\"}");
	cr_assert(json_is_false(json_object_get(reply, "ok")));
	json_decref(reply);
	/* Whether the alert arrived, the data plane says: for one it did not, for another it did.
	 */
	ready_data_plane(&client, 20);
	quiet(&client);
	send_report(&client, &report);
	client_expect(&client, MW_CONTROL_CREDIT);
	struct mw_control_alert alert = expect_alert(&client);
	cr_assert_gt(alert.alert_id, id);
	send_report(&client, &announced);
	client_expect(&client, MW_CONTROL_CREDIT);
	quiet(&client);
	cr_assert_eq(server.quarantine.present, 2);
	cr_assert_eq(quarantine_find(&server.quarantine, 900)->state, QUARANTINE_HELD);
	/* All of a user's are deleted; one was decided in time, the other is gone meanwhile. */
	reply = command("{\"command\":\"quarantine\",\"action\":\"delete\","
			"\"events\":[\"90-B3-D5-1F-30-01-00-00\"]}");
	cr_assert_eq(json_integer_value(json_object_get(reply, "deleting")), 2);
	json_decref(reply);
	for (int i = 0; i < 2; i++) {
		struct mw_control_quarantine wish = expect_wish(&client);

		cr_assert_eq(wish.action, MW_QUARANTINE_DELETE);
		send_done(&client, &wish, i == 0 ? 0 : -ENOENT);
	}
	answer_alert(&client, alert.alert_id, -ENOENT);
	quiet(&client);
	cr_assert_eq(server.quarantine.count, 0);
	cr_assert_eq(server.link.counters.quarantine_deleted, 1);
	cr_assert_eq(server.link.counters.quarantine_gone, 1);
	client_close(&client);
}

Test(control_alert, commands_that_make_no_sense)
{
	static const char *const bad[] = {
		"{\"command\":\"quarantine\"}",
		"{\"command\":\"quarantine\",\"action\":\"eat\"}",
		"{\"command\":\"quarantine\",\"action\":1}",
		"{\"command\":\"quarantine\",\"action\":\"release\"}",
		"{\"command\":\"quarantine\",\"action\":\"release\",\"events\":[]}",
		"{\"command\":\"quarantine\",\"action\":\"list\",\"user\":\"x\"}",
		"{\"command\":\"quarantine\",\"action\":\"list\",\"user\":7}",
		"{\"command\":\"quarantine\",\"action\":\"list\",\"after\":\"-1\"}",
		("{\"command\":\"quarantine\",\"action\":\"list\","
		 "\"after\":\"99999999999999999999\"}"),
	};
	struct client client;

	ready_data_plane(&client, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *reply = command(bad[i]);

		cr_assert(json_is_false(json_object_get(reply, "ok")), "%s", bad[i]);
		cr_assert(json_is_string(json_object_get(reply, "error")));
		json_decref(reply);
	}
	json_t *reply = command("{\"command\":\"quarantine\",\"action\":\"release\","
				"\"events\":[7,\"\",\"no\",\"12\"]}");
	cr_assert_eq(json_array_size(json_object_get(reply, "unknown")), 4);
	json_decref(reply);
	quiet(&client);
	client_close(&client);
}

Test(control_alert, reports_need_credit)
{
	struct client client;
	struct mw_control_quarantined report = report_of(3, 0);

	ready_data_plane(&client, 0);
	server.link.service_credit = 0;
	send_report(&client, &report);
	expect_closed(&client, PEER_FAULT_CREDIT);
}
