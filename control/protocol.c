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
	[MW_CONTROL_DEVICE] = {sizeof(struct mw_control_device), 0},
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
};

enum peer_fault protocol_check_header(const struct mw_control_header *header)
{
	if (header->magic != MW_CONTROL_MAGIC)
		return PEER_FAULT_MAGIC;
	if (header->version != MW_CONTROL_VERSION)
		return PEER_FAULT_VERSION;
	if (header->type < MW_CONTROL_HELLO || header->type > MW_CONTROL_REPLY)
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
		!text_ends(due.schema_version, sizeof(due.schema_version)) || due.reserved != 0)
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
	return taken.reserved == 0 && taken.status <= 0 ? PEER_OK : PEER_FAULT_PAYLOAD;
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
