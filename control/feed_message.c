/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The assumed format, member by member. Each take_ function takes one kind of value or leaves a
 * fault; the first fault ends the reading. Members that are not known are refused: a misspelt
 * effectiveTo would otherwise be an appointment without end.
 */
#include "control/feed_message.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/settlement_day.h"

#define DAY_MS 86400000ll

struct reader {
	struct feed_json json;
	struct feed_message *message;
	struct feed_fault *fault;
};

static const char *const rule_names[] = {[FEED_NO_RULE] = "none",
#define RULE_NAME(name, text, meaning) [FEED_RULE_##name] = text,
	FEED_RULES(RULE_NAME)
#undef RULE_NAME
};

static const char *const rule_meanings[] = {[FEED_NO_RULE] = "",
#define RULE_MEANING(name, text, meaning) [FEED_RULE_##name] = meaning,
	FEED_RULES(RULE_MEANING)
#undef RULE_MEANING
};

const char *feed_rule_name(enum feed_rule rule)
{
	assert(rule < FEED_RULE_COUNT);
	return rule_names[rule];
}

const char *feed_rule_meaning(enum feed_rule rule)
{
	assert(rule < FEED_RULE_COUNT);
	return rule_meanings[rule];
}

/* Leave a fault at `node`, or at its missing member `name`. */
static bool fail(struct reader *reader, enum feed_rule rule, uint16_t node, const char *name)
{
	reader->fault->rule = (uint8_t)rule;
	reader->fault->offset = reader->json.nodes[node].offset;
	feed_json_pointer(&reader->json, node, name, reader->fault->pointer);
	return false;
}

/* The member `name` of an object; a missing one is a fault. */
static bool take_member(struct reader *reader, uint16_t object, const char *name, uint16_t *node)
{
	*node = feed_json_member(&reader->json, object, name);
	return *node != FEED_JSON_NONE || fail(reader, FEED_RULE_MEMBER_MISSING, object, name);
}

static bool expect_type(struct reader *reader, uint16_t node, enum feed_json_type type)
{
	return reader->json.nodes[node].type == type || fail(reader, FEED_RULE_TYPE, node, NULL);
}

/* Refuse members that are not among `names` (ended by NULL). */
static bool expect_names(struct reader *reader, uint16_t object, const char *const *names)
{
	for (uint16_t child = reader->json.nodes[object].first; child != FEED_JSON_NONE;
		child = reader->json.nodes[child].next) {
		const char *const *name = names;

		while (*name != NULL && !feed_json_is_named(&reader->json, child, *name))
			name++;
		if (*name == NULL)
			return fail(reader, FEED_RULE_MEMBER_UNKNOWN, child, NULL);
	}
	return true;
}

/* The string `node`; one that does not fit breaks `rule`. */
static bool take_string(
	struct reader *reader, uint16_t node, char *out, size_t size, enum feed_rule rule)
{
	if (!expect_type(reader, node, FEED_JSON_STRING))
		return false;
	return feed_json_string(&reader->json, node, out, size) || fail(reader, rule, node, NULL);
}

static bool take_id(struct reader *reader, uint16_t root)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
	char id[STORE_MESSAGE_ID_SIZE];
	uint16_t node;

	if (!take_member(reader, root, "messageId", &node) ||
		!take_string(reader, node, id, sizeof(id), FEED_RULE_MESSAGE_ID))
		return false;
	if (id[0] == '\0' || strspn(id, allowed) != strlen(id))
		return fail(reader, FEED_RULE_MESSAGE_ID, node, NULL);
	memcpy(reader->message->id, id, sizeof(id));
	return true;
}

static bool take_type(struct reader *reader, uint16_t root)
{
	char type[64];
	uint16_t node;

	if (!take_member(reader, root, "messageType", &node) ||
		!take_string(reader, node, type, sizeof(type), FEED_RULE_MESSAGE_TYPE))
		return false;
	reader->message->is_end = strcmp(type, "RegistrationSecuredInactiveSynchronisation") == 0;
	return reader->message->is_end || strcmp(type, "RegistrationEventSynchronisation") == 0 ||
	       fail(reader, FEED_RULE_MESSAGE_TYPE, node, NULL);
}

/* Two digits below `bound`; -1: they are not. */
static int two_digits(const char *text, int bound)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	int value = (text[0] - '0') * 10 + text[1] - '0';
	return value < bound ? value : -1;
}

/* "2026-03-31T06:30:00Z", with a fraction of at most 9 digits, of which ms are kept. */
static bool parse_instant(const char *text, int64_t *instant_ms)
{
	int32_t day;

	if (strlen(text) < 20 || settlement_parse_date(text, 10, &day) != 0 || text[10] != 'T' ||
		text[13] != ':' || text[16] != ':')
		return false;
	int hour = two_digits(text + 11, 24);
	int minute = two_digits(text + 14, 60);
	int second = two_digits(text + 17, 60);
	if (hour < 0 || minute < 0 || second < 0)
		return false;
	int64_t ms = 0;
	text += 19;
	if (*text == '.') {
		size_t digits = strspn(++text, "0123456789");

		if (digits < 1 || digits > 9)
			return false;
		for (size_t i = 0; i < 3; i++)
			ms = ms * 10 + (i < digits ? text[i] - '0' : 0);
		text += digits;
	}
	*instant_ms = day * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000ll + ms;
	return strcmp(text, "Z") == 0;
}

static bool take_created(struct reader *reader, uint16_t root, int64_t now_ms)
{
	char text[32];
	uint16_t node;

	if (!take_member(reader, root, "createdAt", &node) ||
		!take_string(reader, node, text, sizeof(text), FEED_RULE_INSTANT))
		return false;
	if (!parse_instant(text, &reader->message->created_ms))
		return fail(reader, FEED_RULE_INSTANT, node, NULL);
	return reader->message->created_ms <= now_ms + FEED_FUTURE_MS ||
	       fail(reader, FEED_RULE_FUTURE, node, NULL);
}

static bool take_mpxn(struct reader *reader, uint16_t root)
{
	char text[16];
	uint16_t node;

	if (!take_member(reader, root, "mpxn", &node) ||
		!take_string(reader, node, text, sizeof(text), FEED_RULE_MPXN))
		return false;
	size_t length = strlen(text);
	if (strspn(text, "0123456789") != length || text[0] == '0' ||
		(length != 13 && (length < 6 || length > 10)))
		return fail(reader, FEED_RULE_MPXN, node, NULL);
	reader->message->mpxn = 0;
	for (const char *digit = text; *digit != '\0'; digit++)
		reader->message->mpxn = reader->message->mpxn * 10 + (uint64_t)(*digit - '0');
	return true;
}

static bool is_gas(const struct feed_message *message)
{
	return message->mpxn < 10000000000ull;
}

static bool take_participant(
	struct reader *reader, uint16_t object, const char *name, char participant[STORE_MPID_SIZE])
{
	uint16_t node;

	if (!take_member(reader, object, name, &node) ||
		!take_string(reader, node, participant, STORE_MPID_SIZE, FEED_RULE_PARTICIPANT))
		return false;
	size_t length = strspn(participant, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	return (length >= 3 && participant[length] == '\0') ||
	       fail(reader, FEED_RULE_PARTICIPANT, node, NULL);
}

static bool take_date(struct reader *reader, uint16_t object, const char *name, int32_t *day)
{
	char text[16];
	uint16_t node;

	if (!take_member(reader, object, name, &node) ||
		!take_string(reader, node, text, sizeof(text), FEED_RULE_DATE))
		return false;
	return settlement_parse_date(text, strlen(text), day) == 0 ||
	       fail(reader, FEED_RULE_DATE, node, NULL);
}

static bool take_registration(struct reader *reader, uint16_t root)
{
	static const char *const event_names[] = {"supplier", "effectiveFrom", NULL};
	static const char *const end_names[] = {"supplier", "inactiveFrom", NULL};
	struct feed_message *message = reader->message;
	uint16_t node;

	return take_member(reader, root, "registration", &node) &&
	       expect_type(reader, node, FEED_JSON_OBJECT) &&
	       expect_names(reader, node, message->is_end ? end_names : event_names) &&
	       take_participant(reader, node, "supplier", message->supplier) &&
	       take_date(reader, node, message->is_end ? "inactiveFrom" : "effectiveFrom",
		       &message->from_day);
}

static bool take_network(struct reader *reader, uint16_t root)
{
	static const char *const names[] = {"participant", "effectiveFrom", NULL};
	struct feed_message *message = reader->message;
	uint16_t node = feed_json_member(&reader->json, root, "networkOperator");

	message->network[0] = '\0';
	return node == FEED_JSON_NONE ||
	       (expect_type(reader, node, FEED_JSON_OBJECT) && expect_names(reader, node, names) &&
		       take_participant(reader, node, "participant", message->network) &&
		       take_date(reader, node, "effectiveFrom", &message->network_from_day));
}

static bool take_role(struct reader *reader, uint16_t object, struct feed_appointment *appointment)
{
	char role[32];
	uint16_t node;

	if (!take_member(reader, object, "role", &node) ||
		!take_string(reader, node, role, sizeof(role), FEED_RULE_ROLE))
		return false;
	if (strcmp(role, "MDR") == 0)
		appointment->role = MPXN_ROLE_MDR;
	else if (strcmp(role, "SupplierNominatedAgent") == 0)
		appointment->role = MPXN_ROLE_SNA;
	else if (strcmp(role, "Supplier") == 0)
		appointment->role = MPXN_ROLE_SUPPLIER;
	else
		return fail(reader, FEED_RULE_ROLE, node, NULL);
	if (appointment->role != MPXN_ROLE_SNA && is_gas(reader->message))
		return fail(reader, FEED_RULE_ROLE_GAS, node, NULL);
	return true;
}

/* The last day, `cancelled`, or neither. */
static bool take_end(struct reader *reader, uint16_t object, struct feed_appointment *appointment)
{
	uint16_t end = feed_json_member(&reader->json, object, "effectiveTo");
	uint16_t cancelled = feed_json_member(&reader->json, object, "cancelled");
	int32_t last_day;

	appointment->to_day = MPXN_OPEN_DAY;
	if (cancelled != FEED_JSON_NONE) {
		uint8_t type = reader->json.nodes[cancelled].type;

		if ((type != FEED_JSON_TRUE && type != FEED_JSON_FALSE) ||
			(type == FEED_JSON_TRUE && end != FEED_JSON_NONE))
			return fail(reader, FEED_RULE_CANCELLED, cancelled, NULL);
		if (type == FEED_JSON_TRUE)
			appointment->to_day = appointment->from_day;
	}
	if (end == FEED_JSON_NONE)
		return true;
	if (!take_date(reader, object, "effectiveTo", &last_day))
		return false;
	appointment->to_day = last_day + 1;
	return last_day >= appointment->from_day || fail(reader, FEED_RULE_DATE_ORDER, end, NULL);
}

static bool take_appointment(
	struct reader *reader, uint16_t node, struct feed_appointment *appointment)
{
	static const char *const names[] = {
		"role", "participant", "effectiveFrom", "effectiveTo", "cancelled", NULL};
	const struct feed_message *message = reader->message;

	if (!expect_type(reader, node, FEED_JSON_OBJECT) || !expect_names(reader, node, names) ||
		!take_role(reader, node, appointment) ||
		!take_participant(reader, node, "participant", appointment->participant) ||
		!take_date(reader, node, "effectiveFrom", &appointment->from_day) ||
		!take_end(reader, node, appointment))
		return false;
	if (appointment->from_day < message->from_day)
		return fail(reader, FEED_RULE_DATE_ORDER,
			feed_json_member(&reader->json, node, "effectiveFrom"), NULL);
	if (appointment->role == MPXN_ROLE_SUPPLIER &&
		strcmp(appointment->participant, message->supplier) != 0)
		return fail(reader, FEED_RULE_ROLE_SUPPLIER, node, NULL);
	return true;
}

static bool take_appointments(struct reader *reader, uint16_t root)
{
	struct feed_message *message = reader->message;
	uint16_t node = feed_json_member(&reader->json, root, "supplierArrangedAppointments");

	if (node == FEED_JSON_NONE)
		return true;
	if (!expect_type(reader, node, FEED_JSON_ARRAY))
		return false;
	for (uint16_t child = reader->json.nodes[node].first; child != FEED_JSON_NONE;
		child = reader->json.nodes[child].next) {
		struct feed_appointment *added = &message->appointments[message->appointment_count];

		if (message->appointment_count == FEED_APPOINTMENTS_MAX)
			return fail(reader, FEED_RULE_APPOINTMENTS, child, NULL);
		if (!take_appointment(reader, child, added))
			return false;
		/* MDR and Supplier share one place: who retrieves. */
		for (size_t i = 0; i < message->appointment_count; i++)
			if (message->appointments[i].from_day == added->from_day &&
				(message->appointments[i].role == MPXN_ROLE_SNA) ==
					(added->role == MPXN_ROLE_SNA))
				return fail(reader, FEED_RULE_APPOINTMENTS, child, NULL);
		message->appointment_count++;
	}
	return true;
}

static bool take_message(struct reader *reader, int64_t now_ms)
{
	static const char *const event_names[] = {"messageId", "messageType", "createdAt", "mpxn",
		"registration", "networkOperator", "supplierArrangedAppointments", NULL};
	static const char *const end_names[] = {
		"messageId", "messageType", "createdAt", "mpxn", "registration", NULL};

	/* The id first: with it the fault of the rest can be told. */
	if (!expect_type(reader, 0, FEED_JSON_OBJECT) || !take_id(reader, 0) ||
		!take_type(reader, 0) ||
		!expect_names(reader, 0, reader->message->is_end ? end_names : event_names) ||
		!take_created(reader, 0, now_ms) || !take_mpxn(reader, 0) ||
		!take_registration(reader, 0))
		return false;
	return reader->message->is_end || (take_network(reader, 0) && take_appointments(reader, 0));
}

bool feed_message_read(const char *text, size_t length, int64_t now_ms,
	struct feed_message *message, struct feed_fault *fault)
{
	static const uint8_t rules[] = {
		[FEED_JSON_SYNTAX] = FEED_RULE_JSON,
		[FEED_JSON_UTF8] = FEED_RULE_UTF8,
		[FEED_JSON_TWICE] = FEED_RULE_MEMBER_TWICE,
		[FEED_JSON_LIMIT] = FEED_RULE_TOO_LARGE,
	};
	struct reader reader = {.message = message, .fault = fault};

	memset(message, 0, sizeof(*message));
	memset(fault, 0, sizeof(*fault));
	if (length > FEED_MESSAGE_BYTES_MAX) {
		fault->rule = FEED_RULE_TOO_LARGE;
		return false;
	}
	enum feed_json_fault wrong = feed_json_read(&reader.json, text, length);
	if (wrong == FEED_JSON_GOOD)
		return take_message(&reader, now_ms);
	fault->rule = rules[wrong];
	fault->offset = (uint32_t)reader.json.fault_offset;
	feed_json_pointer(&reader.json, reader.json.fault_node, NULL, fault->pointer);
	return false;
}

/* ---- digests */

static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < length; i++)
		digest = (digest ^ byte[i]) * 0x100000001b3ull;
	return digest;
}

static uint64_t digest_number(uint64_t digest, uint64_t number)
{
	return digest_bytes(digest, &number, sizeof(number));
}

static uint64_t digest_text(uint64_t digest, const char *text)
{
	return digest_bytes(digest, text, strlen(text) + 1);
}

uint64_t feed_digest(const void *bytes, size_t length)
{
	return digest_bytes(0xcbf29ce484222325ull, bytes, length);
}

uint64_t feed_message_digest(const struct feed_message *message)
{
	uint64_t digest = feed_digest(&message->is_end, sizeof(message->is_end));

	digest = digest_number(digest, message->mpxn);
	digest = digest_number(digest, (uint64_t)message->created_ms);
	digest = digest_text(digest, message->supplier);
	digest = digest_number(digest, (uint64_t)message->from_day);
	digest = digest_text(digest, message->network);
	digest = digest_number(digest, (uint64_t)message->network_from_day);
	for (size_t i = 0; i < message->appointment_count; i++) {
		const struct feed_appointment *appointment = &message->appointments[i];

		digest = digest_number(digest, appointment->role);
		digest = digest_text(digest, appointment->participant);
		digest = digest_number(digest, (uint64_t)appointment->from_day);
		digest = digest_number(digest, (uint64_t)appointment->to_day);
	}
	return digest;
}
