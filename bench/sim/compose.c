/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/compose.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/sim/gbcs.h"
#include "dataplane/duis/identifier.h"
#include "dataplane/duis/write.h"

#define SIGNATURE_BYTES 64

/* EUIs that nobody has: of the range of the test devices, far above those in use. */
#define UNKNOWN_DEVICE 0x00db1234ffff0000ull
#define UNKNOWN_USER 0x90b3d51fffff0000ull

static const struct template *template_of(
	const struct plan *plan, const struct plan_sending *sending)
{
	return &plan->templates->templates[sending->template];
}

uint64_t compose_target(const struct plan *plan, const struct plan_sending *sending)
{
	if (sending->damage == PLAN_DAMAGE_UNKNOWN_DEVICE)
		return UNKNOWN_DEVICE | sending->device;
	if (sending->command_variant == 8 && sending->damage != PLAN_DAMAGE_TARGET)
		return plan->reference->dsp_eui;
	return plan->reference->devices[sending->device].device_id;
}

uint64_t compose_originator(const struct plan *plan, const struct plan_sending *sending)
{
	if (sending->damage == PLAN_DAMAGE_UNKNOWN_USER)
		return UNKNOWN_USER;
	return plan->reference->users[sending->user].eui;
}

int compose_pre_command(const char *srv, const struct mw_request_id *id, uint64_t seed,
	uint8_t *out, size_t capacity)
{
	struct gbcs_parties parties = {
		.originator = id->originator,
		.recipient = id->target,
		.counter = id->counter,
	};
	return gbcs_write_command(
		gbcs_use_case(srv), &parties, false, random_mix(seed, id->counter), out, capacity);
}

/* ---- edits before signing ---- */

static int edit_schedule_id(
	const struct plan *plan, const struct plan_sending *sending, struct text *text)
{
	char number[24];
	const struct plan_schedule *schedule = &plan->schedules[sending->schedule];
	if (!schedule->created)
		return -EAGAIN;
	snprintf(number, sizeof(number), "%" PRIu64, schedule->id);
	return text_set_element(text, "DSPScheduleID", number);
}

/* The published template of 5.1 schedules 4.6.1 daily from a day that is long past. Here: the read
 * that is wanted, for the device that is meant, starting on the day and at the time it is due. */
static int edit_create_schedule(
	const struct plan *plan, const struct plan_sending *sending, struct text *text)
{
	const struct plan_schedule *schedule = &plan->schedules[sending->schedule];
	const struct reference_srv *srv = reference_srv(plan->reference, schedule->srv);
	const char *element = plan_schedule_element(schedule->srv);
	char device[DUIS_EUI_TEXT_SIZE];
	char date[32];
	char body[1024];
	char offsets[256] = "";
	time_t seconds = (time_t)(schedule->due_wall_ms / 1000);
	struct tm tm = {0};

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	duis_eui_format(plan->reference->devices[schedule->device].device_id, device);
	/* The instantaneous read has no period; logs are read for the previous UTC day. */
	if (strcmp(schedule->srv, "4.2") != 0)
		snprintf(offsets, sizeof(offsets),
			"<sr:StartDateOffset>-1</sr:StartDateOffset>"
			"<sr:StartTime>00:00:00.00Z</sr:StartTime>"
			"<sr:EndDateOffset>0</sr:EndDateOffset>"
			"<sr:EndTime>00:00:00.00Z</sr:EndTime>");
	int length = snprintf(body, sizeof(body),
		"<sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
		"<sr:ScheduleStartDate>%s</sr:ScheduleStartDate>"
		"<sr:ScheduleExecutionStartTime>%02d:%02d:%02d.00Z</sr:ScheduleExecutionStartTime>"
		"<sr:DSPScheduledServiceReference>%s</sr:DSPScheduledServiceReference>"
		"<sr:DSPScheduledServiceReferenceVariant>%s"
		"</sr:DSPScheduledServiceReferenceVariant>"
		"<sr:DeviceID>%s</sr:DeviceID><sr:%s>%s</sr:%s>",
		date, tm.tm_hour, tm.tm_min, tm.tm_sec, srv->service_reference, schedule->srv,
		device, element, offsets, element);
	if (length < 0 || (size_t)length >= sizeof(body))
		return -ENOBUFS;
	return text_set_element(text, "CreateSchedule", body);
}

static int edit_inventory(
	const struct plan *plan, const struct plan_sending *sending, struct text *text)
{
	char device[DUIS_EUI_TEXT_SIZE];
	duis_eui_format(plan->reference->devices[sending->device].device_id, device);
	return text_set_element(text, "DeviceID", device);
}

/* The signed pre-command: the pre-command with the length of the signature, and random octets in
 * place of the user's GBCS signature, which the gateway passes on unread. */
static int edit_signed_pre_command(const struct plan *plan, const struct plan_sending *sending,
	uint64_t seed, struct text *text)
{
	static const char head[] = "<sr:SignedPreCommand><sr:GBCSPayload>";
	static const char tail[] = "</sr:GBCSPayload></sr:SignedPreCommand>";
	uint8_t command[GBCS_BYTES_MAX + SIGNATURE_BYTES];
	uint8_t bytes[2 * sizeof(command) + sizeof(head) + sizeof(tail)];
	struct text body = {.bytes = bytes, .capacity = sizeof(bytes)};
	struct text_span span;
	struct random_source random;

	int length = compose_pre_command(
		template_of(plan, sending)->srv, &sending->id, seed, command, GBCS_BYTES_MAX);
	if (length < 0)
		return length;
	command[length - 1] = SIGNATURE_BYTES;
	random_seed(&random, seed ^ sending->id.counter);
	random_fill(&random, command + length, SIGNATURE_BYTES);
	if (text_append(&body, head, sizeof(head) - 1) != 0 ||
		text_append_base64(&body, command, (size_t)length + SIGNATURE_BYTES) != 0 ||
		text_append(&body, tail, sizeof(tail) - 1) != 0)
		return -ENOBUFS;
	int result = text_element(text->bytes, text->length, 0, "Body", &span);
	return result != 0 ? result : text_splice(text, span, body.bytes, body.length);
}

static int edit_kind(const struct plan *plan, const struct plan_sending *sending, uint64_t seed,
	struct text *text)
{
	switch (sending->kind) {
	case PLAN_TEMPLATE:
		return 0;
	case PLAN_CREATE_SCHEDULE:
		return edit_create_schedule(plan, sending, text);
	case PLAN_READ_SCHEDULE:
	case PLAN_DELETE_SCHEDULE:
		return edit_schedule_id(plan, sending, text);
	case PLAN_READ_INVENTORY:
		return edit_inventory(plan, sending, text);
	case PLAN_SIGNED_PRE_COMMAND:
		return edit_signed_pre_command(plan, sending, seed, text);
	}
	return -EINVAL;
}

/* ---- damage before signing: the signature is right, the message is not ---- */

/* Violations at several levels: a value, an element too many, a missing header. */
static int break_schema(const struct plan_sending *sending, struct text *text)
{
	switch (sending->id.counter % 3) {
	case 0:
		return text_set_element(text, "CommandVariant", "10");
	case 1:
		return text_replace(text, "</sr:Body>", "<sr:Unheard>1</sr:Unheard></sr:Body>");
	default:
		return text_replace(text, "<sr:Body>", "<sr:Body></sr:Body><sr:Body>");
	}
}

static int damage_before(const struct plan_sending *sending, const char *srv, struct text *text)
{
	switch (sending->damage) {
	case PLAN_DAMAGE_SRV_MISMATCH:
		return text_set_element(
			text, "ServiceReferenceVariant", strcmp(srv, "8.9") != 0 ? "8.9" : "11.2");
	case PLAN_DAMAGE_NAMESPACE:
		return text_replace(text, "/ServiceUserGateway\"", "/ServiceUserGateways\"");
	case PLAN_DAMAGE_SCHEMA_VERSION:
		return text_replace(text, "schemaVersion=\"5.4\"", "schemaVersion=\"3.9\"");
	case PLAN_DAMAGE_SCHEMA:
		return break_schema(sending, text);
	default:
		return 0;
	}
}

/* ---- signing, and damage after it ---- */

static int sign(const struct plan *plan, const struct plan_sending *sending, struct text *text)
{
	struct duis_signer *signer = plan->reference->users[sending->signer].signer;
	int length = duis_signer_sign(signer, text->bytes, text->length, text->capacity);
	if (length < 0)
		return length;
	text->length = (size_t)length;
	return 0;
}

/* Change the first character of a base64 text into another one. */
static int alter_base64(struct text *text, const char *element)
{
	struct text_span span;
	int result = text_element(text->bytes, text->length, 0, element, &span);
	if (result != 0 || span.length == 0)
		return -ENOENT;
	uint8_t *first = &text->bytes[span.start];
	*first = *first == 'A' ? 'B' : 'A';
	return 0;
}

/* The last end tag of the Signature: "</ds:Signature>". */
static int signature_end(const struct text *text, struct text_span *tag)
{
	static const char *const tags[] = {"</ds:Signature>", "</Signature>"};
	for (size_t i = 0; i < 2; i++) {
		tag->length = strlen(tags[i]);
		if (text_find(text, tags[i], &tag->start) == 0)
			return 0;
	}
	return -ENOENT;
}

static int insert_object(struct text *text)
{
	static const char prefixed[] = "<ds:Object></ds:Object>";
	static const char plain[] = "<Object></Object>";
	struct text_span span;
	if (signature_end(text, &span) != 0)
		return -ENOENT;
	const char *object = span.length == strlen("</ds:Signature>") ? prefixed : plain;
	span.length = 0;
	return text_splice(text, span, object, strlen(object));
}

/* The same signature once more, behind the first. */
static int double_signature(struct text *text)
{
	struct text_span end;
	size_t start;
	if (signature_end(text, &end) != 0 || (text_find(text, "<ds:Signature", &start) != 0 &&
						      text_find(text, "<Signature", &start) != 0))
		return -ENOENT;
	uint8_t copy[8192];
	size_t length = end.start + end.length - start;
	if (length > sizeof(copy))
		return -ENOBUFS;
	memcpy(copy, text->bytes + start, length);
	struct text_span behind = {.start = end.start + end.length};
	return text_splice(text, behind, copy, length);
}

static int damage_after(const struct plan_sending *sending, struct text *text)
{
	static const char doctype[] = "<!DOCTYPE sr:Request>";
	struct text_span start = {0};
	switch (sending->damage) {
	case PLAN_DAMAGE_DIGEST:
		return alter_base64(text, "DigestValue");
	case PLAN_DAMAGE_SIGNATURE:
		return alter_base64(text, "SignatureValue");
	case PLAN_DAMAGE_ALTERED:
		/* White space that the schema allows, but that was not signed. */
		return text_replace(text, "<sr:Body>", "<sr:Body> ");
	case PLAN_DAMAGE_UNKNOWN_CERTIFICATE:
		return text_set_element(text, "X509SerialNumber", "1");
	case PLAN_DAMAGE_DS_OBJECT:
		return insert_object(text);
	case PLAN_DAMAGE_TWO_SIGNATURES:
		return double_signature(text);
	case PLAN_DAMAGE_NOT_WELL_FORMED:
		text->length -= text->length / 4;
		return 0;
	case PLAN_DAMAGE_DOCTYPE:
		return text_splice(text, start, doctype, sizeof(doctype) - 1);
	default:
		return 0;
	}
}

/* A Response, as only the gateway sends it, signed by a user. */
static int write_response(
	const struct plan *plan, const struct plan_sending *sending, struct text *text)
{
	const struct template *template = template_of(plan, sending);
	struct duis_response response = {
		.schema_version = "5.4",
		.has_request_id = true,
		.request_id = sending->id,
		.code = "I0",
		.date_time_ms = 0,
		.service_reference = template->service_reference,
		.service_reference_variant = template->srv,
		.body = DUIS_BODY_NONE,
	};
	int length = duis_write_response(&response, text->bytes, text->capacity);
	if (length < 0)
		return length;
	text->length = (size_t)length;
	return sign(plan, sending, text);
}

static int write_template(
	const struct template *template, const struct mw_request_id *id, struct text *text)
{
	char id_text[MW_REQUEST_ID_TEXT_SIZE];
	struct text_span place = {.start = template->request_id_offset};
	text->length = 0;
	int result = text_append(text, template->canonical, template->length);
	size_t length = duis_request_id_format(id, id_text);
	return result != 0 ? result : text_splice(text, place, id_text, length);
}

int compose(const struct plan *plan, const struct plan_sending *sending, uint64_t seed,
	struct text *text)
{
	const struct template *template = template_of(plan, sending);
	if (sending->damage == PLAN_DAMAGE_NOT_A_REQUEST)
		return write_response(plan, sending, text);
	int result = write_template(template, &sending->id, text);
	if (result == 0)
		result = edit_kind(plan, sending, seed, text);
	if (result == 0 && sending->command_variant != template->command_variant) {
		char digit[2] = {(char)('0' + sending->command_variant), '\0'};
		result = text_set_element(text, "CommandVariant", digit);
	}
	if (result == 0)
		result = damage_before(sending, template->srv, text);
	if (result == 0 && sending->damage != PLAN_DAMAGE_UNSIGNED)
		result = sign(plan, sending, text);
	return result == 0 ? damage_after(sending, text) : result;
}
