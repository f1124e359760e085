/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message of the registration feed, from text to facts. The interface specification of the
 * Central Switching Service's messages is not public: the JSON of this module is an assumption,
 * told in doc/feed.md and doc/feed.schema.json, and feed_message.c is the only file that knows it.
 *
 * Sources: FIA 5.1 (RegistrationEventSynchronisation with Supplier Arranged Appointments for the
 * roles MDR, Supplier and Supplier Nominated Agent), 5.1.9
 * (RegistrationSecuredInactiveSynchronisation), 4.1.5 A8 and BR 2.2 (MPID, EFD, ETD).
 */
#ifndef CONTROL_FEED_MESSAGE_H
#define CONTROL_FEED_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/feed_json.h"
#include "control/mpxn.h"
#include "control/store.h"

#define FEED_MESSAGE_BYTES_MAX STORE_TEXT_MAX
#define FEED_APPOINTMENTS_MAX 16
#define FEED_FUTURE_MS (24 * 3600 * 1000ll) /* how far a sender's clock may be ahead */

/* Why a message is set aside. X(NAME, "name", "meaning") */
#define FEED_RULES(X)                                                                              \
	X(JSON, "json", "not JSON as RFC 8259 has it")                                             \
	X(UTF8, "utf-8", "not UTF-8")                                                              \
	X(MEMBER_TWICE, "member-twice", "a member stands twice in an object")                      \
	X(TOO_LARGE, "too-large", "more than 64 KiB, 1024 values or 16 levels")                    \
	X(TYPE, "type", "a value of the wrong type: object, array or string")                      \
	X(MEMBER_MISSING, "member-missing", "a member is missing")                                 \
	X(MEMBER_UNKNOWN, "member-unknown", "a member that this kind of message does not have")    \
	X(MESSAGE_ID, "message-id", "1 to 64 letters, digits and . _ : -")                         \
	X(MESSAGE_TYPE, "message-type", "no known type of message")                                \
	X(INSTANT, "instant", "not YYYY-MM-DDThh:mm:ssZ, of 1970 to 2105")                         \
	X(FUTURE, "future", "made more than a day after now")                                      \
	X(MPXN, "mpxn", "neither an MPAN (13 digits) nor an MPRN (6 to 10 digits)")                \
	X(PARTICIPANT, "participant", "not a market participant id: 3 to 7 of A-Z and 0-9")        \
	X(DATE, "date", "not a date YYYY-MM-DD of 1970 to 2105")                                   \
	X(DATE_ORDER, "date-order", "ends before it begins, or begins before the registration")    \
	X(ROLE, "role", "no role of an appointment")                                               \
	X(ROLE_GAS, "role-gas", "MDR appointments are for electricity")                            \
	X(ROLE_SUPPLIER, "role-supplier", "role Supplier names another than the supplier")         \
	X(CANCELLED, "cancelled", "cancelled is true or false, and excludes effectiveTo")          \
	X(APPOINTMENTS, "appointments", "more than 16, or two for one role and first day")         \
	X(ID_REUSED, "id-reused", "the id of an earlier message that said something else")         \
	X(MPXN_FULL, "mpxn-full", "too many events of the last 800 days for this MPxN")

enum feed_rule {
	FEED_NO_RULE = 0,
#define FEED_RULE_ENUM(name, text, meaning) FEED_RULE_##name,
	FEED_RULES(FEED_RULE_ENUM)
#undef FEED_RULE_ENUM
	FEED_RULE_COUNT,
};

const char *feed_rule_name(enum feed_rule rule);
const char *feed_rule_meaning(enum feed_rule rule);

/* Which rule was broken where in the text. */
struct feed_fault {
	uint8_t rule; /* enum feed_rule */
	uint32_t offset;
	char pointer[FEED_POINTER_SIZE];
};

struct feed_appointment {
	uint8_t role; /* enum mpxn_role */
	char participant[STORE_MPID_SIZE];
	int32_t from_day;
	int32_t to_day; /* as in struct mpxn_event; cancelled: from_day */
};

struct feed_message {
	char id[STORE_MESSAGE_ID_SIZE]; /* "" when it could not be read */
	bool is_end;			/* of a registration; else a registration event */
	uint64_t mpxn;
	int64_t created_ms;
	char supplier[STORE_MPID_SIZE];
	int32_t from_day;	       /* the supplier's registration begins, or is ended */
	char network[STORE_MPID_SIZE]; /* "" = not told */
	int32_t network_from_day;
	size_t appointment_count;
	struct feed_appointment appointments[FEED_APPOINTMENTS_MAX];
};

/* Read text[0 .. length). True and the message; or false and the fault, then of the message only
 * `id` is to be used. Pure. */
bool feed_message_read(const char *text, size_t length, int64_t now_ms,
	struct feed_message *message, struct feed_fault *fault);

/* A digest (FNV-1a, 64 bits) of what the message says, without its id: equal for messages that say
 * the same in other words. And of any bytes. */
uint64_t feed_message_digest(const struct feed_message *message);
uint64_t feed_digest(const void *bytes, size_t length);

#endif
