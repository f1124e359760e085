/* SPDX-License-Identifier: Apache-2.0 */
#include "control/protocol.h"

#include <string.h>

const char *peer_fault_name(enum peer_fault fault)
{
	static const char *const names[] = {[PEER_OK] = "ok",
#define PEER_FAULT_NAME(name, text, meaning) [PEER_FAULT_##name] = text,
		PEER_FAULTS(PEER_FAULT_NAME)
#undef PEER_FAULT_NAME
	};

	return names[fault];
}

const char *peer_fault_meaning(enum peer_fault fault)
{
	static const char *const meanings[] = {[PEER_OK] = "nothing is wrong",
#define PEER_FAULT_MEANING(name, text, meaning) [PEER_FAULT_##name] = meaning,
		PEER_FAULTS(PEER_FAULT_MEANING)
#undef PEER_FAULT_MEANING
	};

	return meanings[fault];
}

/* Sizes of the payload of each type: a fixed part, and at most `tail_max` bytes behind it. */
struct shape {
	uint32_t fixed;
	uint32_t tail_max;
};

static const struct shape shapes[] = {
	[MW_CONTROL_HELLO] = {sizeof(struct mw_control_hello), 0},
	[MW_CONTROL_CREDIT] = {sizeof(struct mw_control_credit), 0},
	[MW_CONTROL_REFERENCE_BEGIN] = {sizeof(struct mw_control_reference), 0},
	[MW_CONTROL_USER] = {sizeof(struct mw_control_user), 0},
	[MW_CONTROL_CERTIFICATE] = {sizeof(struct mw_control_certificate), MW_CERTIFICATE_DER_MAX},
	[MW_CONTROL_PROVIDER] = {sizeof(struct mw_control_provider), 0},
	[MW_CONTROL_REGISTRY_IMAGE] = {sizeof(struct mw_control_registry_image), 0},
	[MW_CONTROL_SRV_RULE] = {sizeof(struct mw_control_srv_rule), 0},
	[MW_CONTROL_REFERENCE_END] = {sizeof(struct mw_control_reference), 0},
	[MW_CONTROL_REFERENCE_APPLIED] = {sizeof(struct mw_control_reference), 0},
	[MW_CONTROL_SERVICE_REQUEST] = {sizeof(struct mw_control_service_request),
		MW_CONTROL_PAYLOAD_MAX - sizeof(struct mw_control_service_request)},
	[MW_CONTROL_SERVICE_ANSWER] = {sizeof(struct mw_control_service_answer),
		MW_CONTROL_PAYLOAD_MAX - sizeof(struct mw_control_service_answer)},
	[MW_CONTROL_DUE_READ] = {sizeof(struct mw_control_due_read),
		MW_CONTROL_PAYLOAD_MAX - sizeof(struct mw_control_due_read)},
	[MW_CONTROL_DUE_READ_TAKEN] = {sizeof(struct mw_control_due_read_taken), 0},
	[MW_CONTROL_STATUS_REQUEST] = {0, 0},
	[MW_CONTROL_STATUS] = {0, PROTOCOL_STATUS_BYTES_MAX},
	[MW_CONTROL_COMMAND] = {0, PROTOCOL_COMMAND_BYTES_MAX},
	[MW_CONTROL_REPLY] = {0, 2 * PROTOCOL_STATUS_BYTES_MAX},
	[MW_CONTROL_ACCESS_CHECKS] = {sizeof(struct mw_control_access_checks), 0},
	[MW_CONTROL_ALERT_CODE] = {sizeof(struct mw_control_alert_code), 0},
	[MW_CONTROL_THRESHOLD] = {sizeof(struct mw_control_threshold), 0},
	[MW_CONTROL_ALERT] = {sizeof(struct mw_control_alert), 2 * MW_CONTROL_ALERT_BODY_MAX},
	[MW_CONTROL_ALERT_TAKEN] = {sizeof(struct mw_control_alert_taken), 0},
	[MW_CONTROL_QUARANTINED] = {sizeof(struct mw_control_quarantined), 0},
	[MW_CONTROL_QUARANTINE] = {sizeof(struct mw_control_quarantine), 0},
	[MW_CONTROL_QUARANTINE_DONE] = {sizeof(struct mw_control_quarantine_done), 0},
	[MW_CONTROL_DECISIONS_WANTED] = {sizeof(struct mw_control_decisions_wanted), 0},
	[MW_CONTROL_DECISIONS] = {sizeof(struct mw_control_decisions),
		MW_DECISIONS_MAX * sizeof(struct mw_control_decision)},
	[MW_CONTROL_REPLAY_RESET] = {sizeof(struct mw_control_replay_reset), 0},
	[MW_CONTROL_REPLAY_RESET_DONE] = {sizeof(struct mw_control_replay_reset_done), 0},
	[MW_CONTROL_WINDOW] = {sizeof(struct mw_window_record), 0},
	[MW_CONTROL_TIMING] = {sizeof(struct mw_timing_record), 0},
};

enum peer_fault protocol_check_header(const struct mw_control_header *header)
{
	if (header->magic != MW_CONTROL_MAGIC)
		return PEER_FAULT_MAGIC;
	if (header->version != MW_CONTROL_VERSION)
		return PEER_FAULT_VERSION;
	if (header->type < MW_CONTROL_HELLO || header->type > MW_CONTROL_TIMING)
		return PEER_FAULT_TYPE;
	if (header->reserved != 0)
		return PEER_FAULT_PAYLOAD;
	const struct shape *shape = &shapes[header->type];
	if (header->length < shape->fixed || header->length - shape->fixed > shape->tail_max)
		return PEER_FAULT_LENGTH;
	return PEER_OK;
}

static bool text_ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static enum peer_fault check_service_request(const void *payload, uint32_t length)
{
	struct mw_control_service_request request;

	memcpy(&request, payload, sizeof(request));
	if (request.document_length != length - sizeof(request))
		return PEER_FAULT_LENGTH;
	if (!text_ends(request.srv, sizeof(request.srv)) ||
		!text_ends(request.schema_version, sizeof(request.schema_version)))
		return PEER_FAULT_PAYLOAD;
	return PEER_OK;
}

static enum peer_fault check_service_answer(const void *payload, uint32_t length)
{
	struct mw_control_service_answer answer;

	memcpy(&answer, payload, sizeof(answer));
	if (answer.body_length != length - sizeof(answer))
		return PEER_FAULT_LENGTH;
	return text_ends(answer.code, sizeof(answer.code)) && answer.reserved == 0
		       ? PEER_OK
		       : PEER_FAULT_PAYLOAD;
}

static enum peer_fault check_due_read(const void *payload, uint32_t length)
{
	struct mw_control_due_read due;

	memcpy(&due, payload, sizeof(due));
	if (due.document_length != length - sizeof(due))
		return PEER_FAULT_LENGTH;
	if (!text_ends(due.srv, sizeof(due.srv)) ||
		!text_ends(due.schema_version, sizeof(due.schema_version)) ||
		(due.flags & ~MW_DUE_READ_PERIOD) != 0 || due.windows >= MW_WINDOW_CLASS_COUNT ||
		due.reserved != 0)
		return PEER_FAULT_PAYLOAD;
	return PEER_OK;
}

static enum peer_fault check_certificate(const void *payload, uint32_t length)
{
	struct mw_control_certificate certificate;

	memcpy(&certificate, payload, sizeof(certificate));
	if (certificate.der_length != length - sizeof(certificate))
		return PEER_FAULT_LENGTH;
	return certificate.reserved == 0 ? PEER_OK : PEER_FAULT_PAYLOAD;
}

static enum peer_fault check_hello(const void *payload)
{
	struct mw_control_hello hello;

	memcpy(&hello, payload, sizeof(hello));
	if (hello.role < MW_CONTROL_ROLE_CONTROL || hello.role > MW_CONTROL_ROLE_OPERATOR)
		return PEER_FAULT_PAYLOAD;
	return PEER_OK;
}

static enum peer_fault check_credit(const void *payload)
{
	struct mw_control_credit credit;

	memcpy(&credit, payload, sizeof(credit));
	return credit.reserved == 0 ? PEER_OK : PEER_FAULT_PAYLOAD;
}

static enum peer_fault check_taken(const void *payload)
{
	struct mw_control_due_read_taken taken;

	memcpy(&taken, payload, sizeof(taken));
	return taken.status <= 0 && taken.check <= MW_ACCESS_CHECK_COUNT &&
			       text_ends(taken.code, sizeof(taken.code))
		       ? PEER_OK
		       : PEER_FAULT_PAYLOAD;
}

static bool decision_valid(const struct mw_control_decision *decision)
{
	return decision->check <= MW_ACCESS_CHECK_COUNT && decision->service < MW_SERVICE_COUNT &&
	       text_ends(decision->srv, sizeof(decision->srv)) &&
	       text_ends(decision->code, sizeof(decision->code)) &&
	       text_ends(decision->reason, sizeof(decision->reason)) &&
	       text_ends(decision->schema_version, sizeof(decision->schema_version));
}

static enum peer_fault check_decisions(const void *payload, uint32_t length)
{
	struct mw_control_decisions head;
	struct mw_control_decision decision;
	const uint8_t *at = (const uint8_t *)payload + sizeof(head);

	memcpy(&head, payload, sizeof(head));
	if (head.count > MW_DECISIONS_MAX || length - sizeof(head) != head.count * sizeof(decision))
		return PEER_FAULT_LENGTH;
	for (uint32_t i = 0; i < head.count; i++, at += sizeof(decision)) {
		memcpy(&decision, at, sizeof(decision));
		if (!decision_valid(&decision))
			return PEER_FAULT_PAYLOAD;
	}
	return PEER_OK;
}

static enum peer_fault check_replay_reset_done(const void *payload)
{
	struct mw_control_replay_reset_done done;

	memcpy(&done, payload, sizeof(done));
	return done.status <= 0 ? PEER_OK : PEER_FAULT_PAYLOAD;
}

static enum peer_fault check_alert(const void *payload, uint32_t length)
{
	struct mw_control_alert alert;

	memcpy(&alert, payload, sizeof(alert));
	if (alert.body_length > MW_CONTROL_ALERT_BODY_MAX ||
		alert.mismatch_length > MW_CONTROL_ALERT_BODY_MAX ||
		alert.body_length + alert.mismatch_length != length - sizeof(alert))
		return PEER_FAULT_LENGTH;
	if (alert.body_length == 0 || alert.mismatch_length == 0 || alert.reserved != 0 ||
		(alert.flags & ~MW_ALERT_QUARANTINE) != 0 ||
		!text_ends(alert.code, sizeof(alert.code)) ||
		!text_ends(alert.schema_version, sizeof(alert.schema_version)))
		return PEER_FAULT_PAYLOAD;
	return PEER_OK;
}

static enum peer_fault check_alert_taken(const void *payload)
{
	struct mw_control_alert_taken taken;

	memcpy(&taken, payload, sizeof(taken));
	return taken.reserved == 0 && taken.status <= 0 ? PEER_OK : PEER_FAULT_PAYLOAD;
}

static enum peer_fault check_quarantined(const void *payload)
{
	struct mw_control_quarantined quarantined;

	memcpy(&quarantined, payload, sizeof(quarantined));
	return text_ends(quarantined.srv, sizeof(quarantined.srv)) &&
			       (quarantined.flags & ~MW_QUARANTINED_DCC) == 0 &&
			       quarantined.reserved == 0
		       ? PEER_OK
		       : PEER_FAULT_PAYLOAD;
}

static bool is_quarantine_action(uint32_t action)
{
	return action == MW_QUARANTINE_RELEASE || action == MW_QUARANTINE_DELETE;
}

static enum peer_fault check_quarantine(const void *payload)
{
	struct mw_control_quarantine quarantine;

	memcpy(&quarantine, payload, sizeof(quarantine));
	return is_quarantine_action(quarantine.action) && quarantine.reserved == 0
		       ? PEER_OK
		       : PEER_FAULT_PAYLOAD;
}

static enum peer_fault check_quarantine_done(const void *payload)
{
	struct mw_control_quarantine_done done;

	memcpy(&done, payload, sizeof(done));
	return is_quarantine_action(done.action) && done.status <= 0 ? PEER_OK : PEER_FAULT_PAYLOAD;
}

enum peer_fault protocol_check_payload(const struct mw_control_header *header, const void *payload)
{
	switch (header->type) {
	case MW_CONTROL_HELLO:
		return check_hello(payload);
	case MW_CONTROL_CREDIT:
		return check_credit(payload);
	case MW_CONTROL_CERTIFICATE:
		return check_certificate(payload, header->length);
	case MW_CONTROL_SERVICE_REQUEST:
		return check_service_request(payload, header->length);
	case MW_CONTROL_SERVICE_ANSWER:
		return check_service_answer(payload, header->length);
	case MW_CONTROL_DUE_READ:
		return check_due_read(payload, header->length);
	case MW_CONTROL_DUE_READ_TAKEN:
		return check_taken(payload);
	case MW_CONTROL_ALERT:
		return check_alert(payload, header->length);
	case MW_CONTROL_ALERT_TAKEN:
		return check_alert_taken(payload);
	case MW_CONTROL_QUARANTINED:
		return check_quarantined(payload);
	case MW_CONTROL_QUARANTINE:
		return check_quarantine(payload);
	case MW_CONTROL_QUARANTINE_DONE:
		return check_quarantine_done(payload);
	case MW_CONTROL_DECISIONS:
		return check_decisions(payload, header->length);
	case MW_CONTROL_REPLAY_RESET_DONE:
		return check_replay_reset_done(payload);
	default:
		return PEER_OK;
	}
}

bool protocol_from_role(enum mw_control_type type, enum mw_control_role role)
{
	switch (type) {
	case MW_CONTROL_CREDIT:
	case MW_CONTROL_REFERENCE_APPLIED:
	case MW_CONTROL_SERVICE_REQUEST:
	case MW_CONTROL_DUE_READ_TAKEN:
	case MW_CONTROL_STATUS:
	case MW_CONTROL_ALERT_TAKEN:
	case MW_CONTROL_QUARANTINED:
	case MW_CONTROL_QUARANTINE_DONE:
	case MW_CONTROL_DECISIONS:
	case MW_CONTROL_REPLAY_RESET_DONE:
		return role == MW_CONTROL_ROLE_DATA_PLANE;
	case MW_CONTROL_COMMAND:
		return role == MW_CONTROL_ROLE_OPERATOR;
	default:
		return false;
	}
}

void protocol_header(struct mw_control_header *header, enum mw_control_type type, uint32_t length)
{
	header->magic = MW_CONTROL_MAGIC;
	header->version = MW_CONTROL_VERSION;
	header->type = (uint16_t)type;
	header->length = length;
	header->reserved = 0;
}
