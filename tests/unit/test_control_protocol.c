/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the control socket against golden files (tests/data/control_protocol, hexadecimal
 * text, written independently of this code from motorway/control_protocol.h): what is encoded is
 * the file, what is decoded from the file is what was encoded, and every damage is a fault.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/crc32c.h"
#include "control/peer.h"
#include "motorway/registry_image.h"

#define USER 0x90b3d51f30010000u
#define DSP 0x90b3d51f30000002u
#define DEVICE 0x00db1234567890a0u
#define GENERATION 1795313117584u
#define NONE ((struct peer_part){"", 0})
#define PART(object) ((struct peer_part){&(object), sizeof(object)})
#define TEXT(text) ((struct peer_part){text, strlen(text)})

static size_t read_golden(const char *name, uint8_t *bytes, size_t size)
{
	char path[256];
	size_t length = 0;
	unsigned digits = 0;

	snprintf(path, sizeof(path), TEST_ROOT "/tests/data/control_protocol/%s.hex", name);
	FILE *file = fopen(path, "r");
	cr_assert_not_null(file, "%s", path);
	for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
		if (isspace(c))
			continue;
		cr_assert(isxdigit(c) && length < size);
		int value = isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
		bytes[length] = (uint8_t)(digits % 2 == 0 ? value << 4 : bytes[length] | value);
		length += digits++ % 2;
	}
	fclose(file);
	cr_assert_eq(digits % 2, 0);
	return length;
}

static void check_encoding(
	const char *name, enum mw_control_type type, struct peer_part fixed, struct peer_part tail)
{
	uint8_t golden[1024];
	size_t length = read_golden(name, golden, sizeof(golden));
	struct peer peer;
	int sockets[2];
	struct peer_message message;
	enum peer_fault fault;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	peer_open(&peer, sockets[0], MW_CONTROL_PAYLOAD_MAX);
	cr_assert_eq(peer_send(&peer, type, fixed, tail), PEER_OK);
	cr_assert_eq(peer_waiting(&peer), length, "%s", name);
	cr_assert_arr_eq(peer.out, golden, length, "%s", name);
	/* Byte by byte the message comes in; it is complete with the last one only. */
	for (size_t i = 0; i < length; i++) {
		cr_assert_eq(peer_next(&peer, &message, &fault), 0);
		cr_assert_eq(write(sockets[1], golden + i, 1), 1);
		cr_assert_eq(peer_receive(&peer, 1), PEER_OK);
	}
	cr_assert_eq(peer_next(&peer, &message, &fault), 1, "%s", name);
	cr_assert_eq(message.header.type, type);
	cr_assert_eq(message.header.length, fixed.length + tail.length);
	cr_assert_arr_eq(message.payload, fixed.bytes, fixed.length);
	cr_assert_arr_eq(message.payload + fixed.length, tail.bytes, tail.length);
	cr_assert_eq(peer_next(&peer, &message, &fault), 0);
	peer_close(&peer);
	close(sockets[1]);
}

Test(control_protocol, hello_credit_and_reference)
{
	struct mw_control_hello hello = {MW_CONTROL_ROLE_DATA_PLANE, 4711, GENERATION, 12};
	struct mw_control_credit credit = {.messages = 256};
	struct mw_control_reference begin = {.generation = GENERATION, .count = 203, .offset = 12};
	struct mw_control_reference end = {
		.generation = GENERATION, .count = 203, .crc32c = crc32c(0, "123456789", 9)};
	struct mw_control_reference applied = end;

	applied.status = -EEXIST;
	check_encoding("hello", MW_CONTROL_HELLO, PART(hello), NONE);
	check_encoding("credit", MW_CONTROL_CREDIT, PART(credit), NONE);
	check_encoding("reference-begin", MW_CONTROL_REFERENCE_BEGIN, PART(begin), NONE);
	check_encoding("reference-end", MW_CONTROL_REFERENCE_END, PART(end), NONE);
	check_encoding("reference-applied", MW_CONTROL_REFERENCE_APPLIED, PART(applied), NONE);
}

Test(control_protocol, records)
{
	static const uint8_t der[] = {0x30, 3, 2, 1, 7};
	struct mw_control_user user = {
		.eui = USER,
		.roles = MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_GS | MW_ROLE_OU,
		.flags = MW_USER_ACTIVE,
		.organisation = 4711,
		.name = "supplier",
		.callback_url = "http://127.0.0.1:8090/receive/90-B3-D5-1F-30-01-00-00",
		.duis_version = "5.1",
	};
	struct mw_control_certificate certificate = {.eui = USER, .der_length = sizeof(der)};
	struct mw_control_provider provider = {
		.id = 3,
		.kind = MW_PROVIDER_S1SP,
		.name = "s1sp-2",
		.url = "http://127.0.0.1:8091/s1sp-2",
	};
	struct mw_control_registry_image image = {
		.image_id = 0x0123456789abcdefu, .path = "/dev/shm/motorway.devices"};
	struct mw_control_srv_rule rule = {
		.srv = "4.1.1",
		.service_reference = "4.1",
		.body_element = "ReadInstantaneousImportRegisters",
		.roles = MW_ROLE_IS | MW_ROLE_GS | MW_ROLE_ED | MW_ROLE_GT | MW_ROLE_MDR,
		.command_variants = 1u << 1 | 1u << 2 | 1u << 3,
		.device_types = 1u << MW_DEVICE_ESME | 1u << MW_DEVICE_GSME | 1u << MW_DEVICE_GPF,
		.device_statuses =
			1u << MW_STATUS_INSTALLED_NOT_COMMISSIONED | 1u << MW_STATUS_COMMISSIONED,
		.generations = 1u << MW_GENERATION_SMETS1 | 1u << MW_GENERATION_SMETS2,
		.mdr_generations = 1u << MW_GENERATION_SMETS1,
		.modes = MW_MODE_ON_DEMAND | MW_MODE_FUTURE_DATED_DSP,
		.direction = MW_DIRECTION_IMPORT,
		.mdr_generation_code = "E040101",
	};

	check_encoding("user", MW_CONTROL_USER, PART(user), NONE);
	check_encoding("certificate", MW_CONTROL_CERTIFICATE, PART(certificate),
		(struct peer_part){der, sizeof(der)});
	check_encoding("provider", MW_CONTROL_PROVIDER, PART(provider), NONE);
	check_encoding("registry-image", MW_CONTROL_REGISTRY_IMAGE, PART(image), NONE);
	check_encoding("srv-rule", MW_CONTROL_SRV_RULE, PART(rule), NONE);
}

Test(control_protocol, access_checks)
{
	struct mw_control_access_checks checks = {
		.uplift_version = "5.4",
		.uplift_roles = MW_ROLE_MDR,
		.local_roles = MW_ROLE_IS | MW_ROLE_GS,
		.unlinked_roles = 0x3f,
		.unlinked_types = 0xf0,
		.unlinked_statuses = 0x0e,
		.local_statuses = 0x18,
		.local_variants = 0xcc,
		.future_dated_variants = 0xba,
		.direction_entitlements = {0x7fe, 2, 4, 8},
	};

	for (unsigned i = 0; i < MW_ACCESS_CHECK_COUNT; i++) {
		checks.checks[i].check = (uint8_t)(MW_ACCESS_CHECK_COUNT - 1 - i);
		snprintf(checks.checks[i].code, sizeof(checks.checks[i].code), "E%u", i + 1);
	}
	for (unsigned role = 0; role < MW_ROLE_COUNT; role++)
		checks.role_entitlements[role] = (uint16_t)(2u << role);
	check_encoding("access-checks", MW_CONTROL_ACCESS_CHECKS, PART(checks), NONE);
}

Test(control_protocol, alerts_and_quarantine)
{
	struct mw_control_alert_code code = {.event = MW_ALERT_VERSION_MISMATCH, .code = "N999"};
	struct mw_control_threshold threshold = {
		.user = USER, .srv = "4.8.1", .period_s = 86400, .limit = 500000};
	struct mw_control_alert alert = {
		.alert_id = 1795313117584000u,
		.user = USER,
		.token = 0x0102030405060708u,
		.code = "N53",
		.schema_version = "5.4",
		.flags = MW_ALERT_QUARANTINE,
		.body_length = 4,
		.mismatch_length = 5,
	};
	struct mw_control_alert_taken taken = {.alert_id = 1795313117584000u, .status = -EAGAIN};
	struct mw_control_quarantined quarantined = {
		.token = 0x0102030405060708u,
		.reference = 1795313117584000u,
		.user = USER,
		.request_id = {USER, DEVICE, 1000},
		.srv = "4.8.1",
		.held_ms = GENERATION,
		.period_s = 86400,
		.limit = 500000,
		.flags = MW_QUARANTINED_DCC,
	};
	struct mw_control_quarantine quarantine = {.token = 0x0102030405060708u,
		.reference = 1795313117584000u,
		.action = MW_QUARANTINE_DELETE};
	struct mw_control_quarantine_done done = {
		.reference = 1795313117584000u, .action = MW_QUARANTINE_DELETE, .status = -ENOENT};

	check_encoding("alert-code", MW_CONTROL_ALERT_CODE, PART(code), NONE);
	check_encoding("threshold", MW_CONTROL_THRESHOLD, PART(threshold), NONE);
	check_encoding("alert", MW_CONTROL_ALERT, PART(alert), TEXT("<a/>other"));
	check_encoding("alert-taken", MW_CONTROL_ALERT_TAKEN, PART(taken), NONE);
	check_encoding("quarantined", MW_CONTROL_QUARANTINED, PART(quarantined), NONE);
	check_encoding("quarantine", MW_CONTROL_QUARANTINE, PART(quarantine), NONE);
	check_encoding("quarantine-done", MW_CONTROL_QUARANTINE_DONE, PART(done), NONE);
}

Test(control_protocol, services_and_due_reads)
{
	struct mw_control_service_request request = {
		.token = 0x0102030405060708u,
		.request_id = {USER, DSP, 1000},
		.srv = "5.2",
		.schema_version = "5.4",
		.roles = MW_ROLE_MDR,
		.document_length = 10,
	};
	struct mw_control_service_answer answer = {
		.token = 0x0102030405060708u, .code = "I0", .body_length = 38};
	struct mw_control_due_read due = {
		.schedule_id = 179531311701u,
		.occurrence = 5,
		.user = USER,
		.device_id = DEVICE,
		.request_id = {DSP, DEVICE, 179531311701u << 20 | 5u << 4},
		.srv = "4.6.1",
		.schema_version = "5.4",
		.period_start_s = 1795132800,
		.period_end_s = 1795219200,
		.document_length = 11,
		.flags = MW_DUE_READ_PERIOD,
	};
	struct mw_control_due_read_taken taken = {
		.schedule_id = 179531311701u,
		.occurrence = 5,
		.status = -EACCES,
		.check = MW_ACCESS_NOT_ENTITLED,
		.code = "E4",
	};

	check_encoding(
		"service-request", MW_CONTROL_SERVICE_REQUEST, PART(request), TEXT("<sr:Reques"));
	check_encoding("service-answer", MW_CONTROL_SERVICE_ANSWER, PART(answer),
		TEXT("<sr:DSPScheduleID>7</sr:DSPScheduleID>"));
	check_encoding("due-read", MW_CONTROL_DUE_READ, PART(due), TEXT("<sr:Request"));
	check_encoding("due-read-taken", MW_CONTROL_DUE_READ_TAKEN, PART(taken), NONE);
}

Test(control_protocol, windows_and_timings)
{
	struct mw_window_record window = {.from_s = 1795161600,
		.to_s = 1795168800,
		.number = 1795161600,
		.cap_tps = 614,
		.gate = 3,
		.series = MW_GATE_SERIES,
		.kind = MW_WINDOW_OFF_PEAK,
		.gap = 1,
		.pace = MW_WINDOW_AT_CAP,
		.on_demand_counts = 1};
	struct mw_timing_record timing = {.srv = "4.8.1"};

	timing.timing[7][1][MW_TIMING_ON_DEMAND] =
		(struct mw_timing){86400, MW_WINDOW_CLASS_OFF_PEAK, MW_LANE_ON_DEMAND, {0}};
	timing.timing[8][1][MW_TIMING_FUTURE_DATED] =
		(struct mw_timing){5600, MW_WINDOW_CLASS_ANY, MW_LANE_SCHEDULED, {0}};
	check_encoding("window", MW_CONTROL_WINDOW, PART(window), NONE);
	check_encoding("timing", MW_CONTROL_TIMING, PART(timing), NONE);
}

Test(control_protocol, decisions_and_replay)
{
	struct mw_control_decisions_wanted wanted = {
		.token = 0x0102030405060708u, .request_id = {USER, DEVICE, 1000}};
	struct mw_control_decisions head = {.token = 0x0102030405060708u,
		.request_id = {USER, DEVICE, 1000},
		.count = 1,
		.kept_max = 65536};
	struct mw_control_decision decision = {
		.request_id = {USER, DEVICE, 1000},
		.time_ms = GENERATION,
		.generation = GENERATION,
		.user = USER,
		.period_start_s = 1795132800,
		.period_end_s = 1795219200,
		.uncovered_s = 1795200000,
		.srv = "4.8.1",
		.code = "E4",
		.reason = "not-entitled",
		.schema_version = "5.4",
		.roles = MW_ROLE_MDR,
		.command_variant = 1,
		.service = MW_SERVICE_SEND_COMMAND,
		.check = MW_ACCESS_NOT_ENTITLED,
		.flags = MW_DECISION_PERIOD,
	};
	struct mw_control_replay_reset reset = {.token = 0x0102030405060708u, .originator = USER};
	struct mw_control_replay_reset_done done = {.token = 0x0102030405060708u,
		.originator = USER,
		.highest = UINT64_MAX,
		.scopes = 2,
		.status = -EAGAIN};

	check_encoding("decisions-wanted", MW_CONTROL_DECISIONS_WANTED, PART(wanted), NONE);
	check_encoding("decisions", MW_CONTROL_DECISIONS, PART(head), PART(decision));
	check_encoding("replay-reset", MW_CONTROL_REPLAY_RESET, PART(reset), NONE);
	check_encoding("replay-reset-done", MW_CONTROL_REPLAY_RESET_DONE, PART(done), NONE);
}

Test(control_protocol, status_and_commands)
{
	check_encoding("status-request", MW_CONTROL_STATUS_REQUEST, NONE, NONE);
	check_encoding("status", MW_CONTROL_STATUS, NONE, TEXT("{\"process\":\"motorway\"}"));
	check_encoding("command", MW_CONTROL_COMMAND, NONE, TEXT("{\"command\":\"status\"}"));
	check_encoding("reply", MW_CONTROL_REPLY, NONE, TEXT("{\"ok\":true}"));
}

/* Give a damaged golden message to a peer; returns the fault. */
static enum peer_fault fault_of(const char *name, size_t at, uint8_t value, uint32_t payload_max)
{
	uint8_t golden[1024];
	size_t length = read_golden(name, golden, sizeof(golden));
	struct peer peer;
	int sockets[2];
	struct peer_message message;
	enum peer_fault fault = PEER_OK;

	golden[at] = value;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	peer_open(&peer, sockets[0], payload_max);
	cr_assert_eq(write(sockets[1], golden, length), (ssize_t)length);
	cr_assert_eq(peer_receive(&peer, 1), PEER_OK);
	peer_next(&peer, &message, &fault);
	peer_close(&peer);
	close(sockets[1]);
	return fault;
}

Test(control_protocol, damage_is_a_fault)
{
	const uint32_t most = MW_CONTROL_PAYLOAD_MAX;

	cr_assert_eq(fault_of("hello", 0, 0x4d, most), PEER_OK);
	cr_assert_eq(fault_of("hello", 0, 0x4e, most), PEER_FAULT_MAGIC);
	cr_assert_eq(fault_of("hello", 4, MW_CONTROL_VERSION + 1, most), PEER_FAULT_VERSION);
	cr_assert_eq(fault_of("hello", 6, 0, most), PEER_FAULT_TYPE);
	cr_assert_eq(fault_of("hello", 6, 255, most), PEER_FAULT_TYPE);
	cr_assert_eq(fault_of("hello", 7, 1, most), PEER_FAULT_TYPE);
	cr_assert_eq(fault_of("hello", 8, 23, most), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("hello", 8, 25, most), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("hello", 11, 0xff, most), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("hello", 12, 1, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("hello", 16, 4, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("hello", 16, 0, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("hello", 0, 0x4d, 23), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("credit", 20, 1, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("certificate", 24, 4, most), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("certificate", 28, 1, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("service-request", 76, 11, most), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("service-answer", 32, 39, most), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("due-read", 128, 12, most), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("due-read", 132, 2, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("due-read-taken", 36, MW_ACCESS_CHECK_COUNT + 1, most),
		PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("decisions", 48, 2, most), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("decisions", 48, MW_DECISIONS_MAX + 1, most), PEER_FAULT_LENGTH);
	cr_assert_eq(
		fault_of("decisions", 198, MW_ACCESS_CHECK_COUNT + 1, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("decisions", 197, MW_SERVICE_COUNT, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("replay-reset-done", 47, 0x7f, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("alert", 76, 0xff, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("alert", 68, 5, most), PEER_FAULT_LENGTH);
	cr_assert_eq(fault_of("alert", 64, 2, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("alert-taken", 28, 1, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("quarantine", 32, 0, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("quarantine", 32, 3, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("quarantine", 36, 1, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("quarantine-done", 31, 0x7f, most), PEER_FAULT_PAYLOAD);
	cr_assert_eq(fault_of("quarantine-done", 24, 7, most), PEER_FAULT_PAYLOAD);
	/* A status above 0 is no -errno: the high byte of -EAGAIN becomes that of a positive one.
	 */
	cr_assert_eq(fault_of("due-read-taken", 35, 0x7f, most), PEER_FAULT_PAYLOAD);
}

Test(control_protocol, texts_must_end)
{
	uint8_t golden[1024];
	struct mw_control_header header;

	read_golden("service-request", golden, sizeof(golden));
	memcpy(&header, golden, sizeof(header));
	cr_assert_eq(protocol_check_payload(&header, golden + 16), PEER_OK);
	memset(golden + 16 + 32, '5', MW_SRV_SIZE);
	cr_assert_eq(protocol_check_payload(&header, golden + 16), PEER_FAULT_PAYLOAD);
	read_golden("service-request", golden, sizeof(golden));
	memset(golden + 16 + 40, '5', MW_SCHEMA_VERSION_SIZE);
	cr_assert_eq(protocol_check_payload(&header, golden + 16), PEER_FAULT_PAYLOAD);
}

Test(control_protocol, who_may_send_what)
{
	for (int type = MW_CONTROL_HELLO; type <= MW_CONTROL_REPLY; type++) {
		bool data_plane = type == MW_CONTROL_CREDIT ||
				  type == MW_CONTROL_REFERENCE_APPLIED ||
				  type == MW_CONTROL_SERVICE_REQUEST ||
				  type == MW_CONTROL_DUE_READ_TAKEN || type == MW_CONTROL_STATUS;

		cr_assert_eq(
			protocol_from_role((enum mw_control_type)type, MW_CONTROL_ROLE_DATA_PLANE),
			data_plane);
		cr_assert_eq(
			protocol_from_role((enum mw_control_type)type, MW_CONTROL_ROLE_OPERATOR),
			type == MW_CONTROL_COMMAND);
		cr_assert_not(
			protocol_from_role((enum mw_control_type)type, MW_CONTROL_ROLE_CONTROL));
	}
}

Test(control_protocol, crc32c_check_values)
{
	uint8_t zeros[32] = {0};
	uint8_t ones[32];

	memset(ones, 0xff, sizeof(ones));
	/* RFC 3720, B.4 */
	cr_assert_eq(crc32c(0, zeros, 32), 0x8a9136aau);
	cr_assert_eq(crc32c(0, ones, 32), 0x62a8ab43u);
	cr_assert_eq(crc32c(0, "123456789", 9), 0xe3069283u);
	cr_assert_eq(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
	cr_assert_eq(crc32c(0, NULL, 0), 0);
}

Test(control_protocol, every_fault_has_a_name_and_a_meaning)
{
	for (int fault = 0; fault < PEER_FAULT_COUNT; fault++) {
		cr_assert_not_null(peer_fault_name((enum peer_fault)fault));
		cr_assert(strlen(peer_fault_meaning((enum peer_fault)fault)) > 5);
	}
}
