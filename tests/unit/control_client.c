/* SPDX-License-Identifier: Apache-2.0 */
#include "control_client.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/crc32c.h"

struct server server;
struct server_time now;
static FILE *quiet;

void client_suite_create(void)
{
	fixture_create();
	quiet = fopen("/dev/null", "w");
	now = (struct server_time){.monotonic_ms = 1000000, .wall_ms = START_WALL};
	cr_assert_eq(
		server_create(&server, fixture_reference(GENERATION), FIXTURE_DSP, now, quiet), 0);
	char reason[256];
	struct store *store = fixture_store(server.reference);
	fixture_image(server.reference, fixture_path("parties-registrations.csv"),
		fixture_path("parties-appointments.csv"));
	cr_assert_eq(
		server_use_store(&server, store, now, reason, sizeof(reason)), 0, "%s", reason);
	cr_assert_eq(server_listen(&server, fixture_path("control.sock")), 0);
}

void client_suite_destroy(void)
{
	server_destroy(&server, now);
	fclose(quiet);
	fixture_destroy();
}

void turn(void)
{
	for (int i = 0; i < 4; i++)
		server_turn(&server, now);
}

void wait_ms(int64_t ms)
{
	now.monotonic_ms += ms;
	now.wall_ms += ms;
	turn();
}

void client_connect(struct client *client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(client, 0, sizeof(*client));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture_path("control.sock"));
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	peer_open(&client->peer, fd, MW_CONTROL_PAYLOAD_MAX);
}

void client_close(struct client *client)
{
	peer_close(&client->peer);
	turn();
}

void client_send(struct client *client, enum mw_control_type type, struct peer_part fixed,
	struct peer_part tail)
{
	cr_assert_eq(peer_send(&client->peer, type, fixed, tail), PEER_OK);
	peer_flush(&client->peer, 1);
	turn();
}

/* Take the next message that the server sent; false when there is none. */
bool client_next(struct client *client)
{
	enum peer_fault fault = PEER_OK;
	int result = peer_next(&client->peer, &client->message, &fault);

	while (result == 0 && !client->gone) {
		size_t before = client->peer.in_end - client->peer.in_start;

		fault = peer_receive(&client->peer, 1);
		client->gone = fault == PEER_FAULT_CLOSED;
		cr_assert(fault == PEER_OK || client->gone);
		if (client->peer.in_end - client->peer.in_start == before)
			return false;
		turn();
		result = peer_next(&client->peer, &client->message, &fault);
	}
	cr_assert_geq(result, 0, "the server sent a bad message: %s", peer_fault_name(fault));
	return result > 0;
}

void client_expect(struct client *client, enum mw_control_type type)
{
	cr_assert(client_next(client), "no message; %d is expected", type);
	cr_assert_eq(
		client->message.header.type, type, "%d, not %d", type, client->message.header.type);
}

void client_hello(
	struct client *client, enum mw_control_role role, uint64_t generation, uint64_t offset)
{
	struct mw_control_hello hello = {role, 4711, generation, offset};

	client_connect(client);
	client_send(client, MW_CONTROL_HELLO, PART(hello), NONE);
}

void client_credit(struct client *client, uint32_t messages)
{
	struct mw_control_credit credit = {.messages = messages};

	client_send(client, MW_CONTROL_CREDIT, PART(credit), NONE);
}

/* The server closed the connection for `fault` and counted it. */
void expect_closed(struct client *client, enum peer_fault fault)
{
	static uint64_t counted[PEER_FAULT_COUNT];

	while (client_next(client))
		;
	cr_assert(client->gone, "the connection is still open; %s is expected",
		peer_fault_name(fault));
	cr_assert_eq(server.counters.disconnected[fault], ++counted[fault], "%s",
		peer_fault_name(fault));
	peer_close(&client->peer);
}

/* Take everything of a push that comes without further credit. */
void take_push(struct client *client, struct received *received)
{
	while (client_next(client)) {
		const struct peer_message *message = &client->message;

		switch (message->header.type) {
		case MW_CONTROL_REFERENCE_BEGIN:
			memcpy(&received->begin, message->payload, sizeof(received->begin));
			received->ended = false;
			if (received->begin.offset == 0) {
				received->records = 0;
				received->crc = 0;
			}
			cr_assert_eq(received->begin.offset, received->records);
			break;
		case MW_CONTROL_REFERENCE_END:
			memcpy(&received->end, message->payload, sizeof(received->end));
			received->ended = true;
			break;
		case MW_CONTROL_HELLO:
		case MW_CONTROL_CREDIT:
			break;
		default:
			cr_assert((message->header.type >= MW_CONTROL_USER &&
					  message->header.type <= MW_CONTROL_SRV_RULE) ||
				  (message->header.type >= MW_CONTROL_ACCESS_CHECKS &&
					  message->header.type <= MW_CONTROL_THRESHOLD));
			received->crc =
				crc32c(received->crc, message->payload, message->header.length);
			received->records++;
		}
	}
}

void send_applied(struct client *client, uint64_t generation, int status)
{
	struct mw_control_reference applied = {.generation = generation, .status = status};

	client_send(client, MW_CONTROL_REFERENCE_APPLIED, PART(applied), NONE);
}

/* A data plane that has applied the set and granted `credit` beyond it. */
void ready_data_plane(struct client *client, uint32_t credit)
{
	struct received received = {0};

	client_hello(client, MW_CONTROL_ROLE_DATA_PLANE, 0, 0);
	client_credit(client, RECORDS + credit);
	take_push(client, &received);
	cr_assert(received.ended);
	send_applied(client, server.reference->generation, 0);
}

const char create_request[] =
	"<sr:Request xmlns:sr=\"http://www.dccinterface.co.uk/ServiceUserGateway\" "
	"schemaVersion=\"5.4\"><sr:Body><sr:CreateSchedule>"
	"<sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
	"<sr:ScheduleStartDate>2026-11-22</sr:ScheduleStartDate>"
	"<sr:DSPScheduledServiceReference>4.2</sr:DSPScheduledServiceReference>"
	"<sr:DSPScheduledServiceReferenceVariant>4.2</sr:DSPScheduledServiceReferenceVariant>"
	"<sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID>"
	"<sr:DSPReadInstantaneousExportRegisters></sr:DSPReadInstantaneousExportRegisters>"
	"</sr:CreateSchedule></sr:Body></sr:Request>";

void send_service_request(
	struct client *client, uint64_t token, uint64_t user, const char *srv, const char *document)
{
	struct mw_control_service_request request = {
		.token = token,
		.request_id = {user, FIXTURE_DSP, token},
		.schema_version = "5.4",
		.roles = reference_user(server.reference, user)->roles,
		.document_length = (uint32_t)strlen(document),
	};

	snprintf(request.srv, sizeof(request.srv), "%s", srv);
	client_send(client, MW_CONTROL_SERVICE_REQUEST, PART(request),
		(struct peer_part){document, strlen(document)});
}

/* Create a schedule for `user` through the link; returns its id. */
uint64_t create_schedule(struct client *client, uint64_t user)
{
	struct mw_control_service_answer answer;
	unsigned long long id = 0;

	send_service_request(client, 77, user, "5.1", create_request);
	client_expect(client, MW_CONTROL_SERVICE_ANSWER);
	memcpy(&answer, client->message.payload, sizeof(answer));
	cr_assert_eq(answer.token, 77);
	cr_assert_str_eq(answer.code, "I0");
	cr_assert_eq(sscanf((const char *)client->message.payload + sizeof(answer),
			     "<sr:DSPScheduleID>%llu</sr:DSPScheduleID>", &id),
		1);
	/* The credit comes back with the answer. */
	client_expect(client, MW_CONTROL_CREDIT);
	return id;
}

struct mw_control_due_read expect_due(struct client *client)
{
	struct mw_control_due_read due;

	client_expect(client, MW_CONTROL_DUE_READ);
	memcpy(&due, client->message.payload, sizeof(due));
	cr_assert_eq(due.document_length, client->message.header.length - sizeof(due));
	cr_assert_eq(due.request_id.counter, due.schedule_id << 20 | due.occurrence << 4);
	cr_assert_eq(due.request_id.originator, FIXTURE_DSP);
	cr_assert_eq(due.request_id.target, due.device_id);
	cr_assert_str_eq(due.srv, "4.2");
	cr_assert_str_eq(due.schema_version, "5.4");
	return due;
}

void answer_due(struct client *client, const struct mw_control_due_read *due, int status)
{
	struct mw_control_due_read_taken taken = {
		.schedule_id = due->schedule_id,
		.occurrence = due->occurrence,
		.attempt = due->attempt,
		.status = status,
	};

	client_send(client, MW_CONTROL_DUE_READ_TAKEN, PART(taken), NONE);
}
