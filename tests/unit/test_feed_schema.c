/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the feed's messages, each broken at a place that must be told exactly; and the JSON
 * Schema in doc/, which must say of shape and values what the reader says. The schema is judged by
 * a small validator of its own, which knows the keywords that are used there and fails for any
 * other.
 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "feed_fixture.h"

/* ---- the validator */

static json_t *schema_root;

static bool valid(const json_t *schema, const json_t *value);

static bool valid_pattern(const char *pattern, const char *text)
{
	regex_t regex;

	cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0, "%s", pattern);
	bool matches = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return matches;
}

static bool valid_type(const char *type, const json_t *value)
{
	if (strcmp(type, "object") == 0)
		return json_is_object(value);
	if (strcmp(type, "array") == 0)
		return json_is_array(value);
	if (strcmp(type, "boolean") == 0)
		return json_is_boolean(value);
	cr_assert_str_eq(type, "string");
	return json_is_string(value);
}

static bool valid_reference(const char *reference, const json_t *value)
{
	static const char prefix[] = "#/$defs/";

	cr_assert_eq(strncmp(reference, prefix, strlen(prefix)), 0);
	const json_t *schema =
		json_object_get(json_object_get(schema_root, "$defs"), reference + strlen(prefix));
	cr_assert_not_null(schema, "%s", reference);
	return valid(schema, value);
}

static bool valid_object(const json_t *schema, const json_t *value)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *required = json_object_get(schema, "required");
	const char *name;
	json_t *member;
	size_t i;

	json_array_foreach(required, i,
		member) if (json_object_get(value, json_string_value(member)) == NULL) return false;
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		const json_t *property = json_object_get(properties, name);

		if (property == NULL
				? json_is_false(json_object_get(schema, "additionalProperties"))
				: !valid(property, member))
			return false;
	}
	return true;
}

static bool valid_array(const json_t *schema, const json_t *value)
{
	const json_t *most = json_object_get(schema, "maxItems");
	json_t *item;
	size_t i;

	if (most != NULL && json_array_size(value) > (size_t)json_integer_value(most))
		return false;
	json_array_foreach(
		value, i, item) if (!valid(json_object_get(schema, "items"), item)) return false;
	return true;
}

static size_t count_valid(const json_t *schemas, const json_t *value)
{
	size_t count = 0;
	json_t *schema;
	size_t i;

	json_array_foreach(schemas, i, schema) count += valid(schema, value);
	return count;
}

static bool is_among(const json_t *values, const json_t *value)
{
	json_t *one;
	size_t i;

	json_array_foreach(values, i, one) if (json_equal(one, value)) return true;
	return false;
}

static bool valid_keyword(const char *keyword, const json_t *rule, const json_t *value)
{
	if (strcmp(keyword, "type") == 0)
		return valid_type(json_string_value(rule), value);
	if (strcmp(keyword, "$ref") == 0)
		return valid_reference(json_string_value(rule), value);
	if (strcmp(keyword, "oneOf") == 0)
		return count_valid(rule, value) == 1;
	if (strcmp(keyword, "const") == 0)
		return json_equal(rule, value);
	if (strcmp(keyword, "enum") == 0)
		return is_among(rule, value);
	if (strcmp(keyword, "pattern") == 0)
		return !json_is_string(value) ||
		       valid_pattern(json_string_value(rule), json_string_value(value));
	/* With valid_object() and valid_array(); the others say nothing of values. */
	static const char *const known[] = {"required", "properties", "additionalProperties",
		"items", "maxItems", "description", "title", "$schema", "$id", "$defs"};
	bool found = false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		found |= strcmp(keyword, known[i]) == 0;
	cr_assert(found, "the validator does not know %s", keyword);
	return true;
}

static bool valid(const json_t *schema, const json_t *value)
{
	const char *keyword;
	json_t *rule;

	json_object_foreach((json_t *)(uintptr_t)schema, keyword,
		rule) if (!valid_keyword(keyword, rule, value)) return false;
	return (!json_is_object(value) || valid_object(schema, value)) &&
	       (!json_is_array(value) || valid_array(schema, value));
}

static void open_schema(void)
{
	json_error_t error;

	schema_root =
		json_load_file(TEST_ROOT "/doc/feed.schema.json", JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(schema_root, "%s", error.text);
}

static void close_schema(void)
{
	json_decref(schema_root);
}

TestSuite(feed_schema, .init = open_schema, .fini = close_schema);

static bool text_valid(const char *text, size_t length)
{
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	bool is_valid = value != NULL && valid(schema_root, value);

	json_decref(value);
	return is_valid;
}

/* ---- the rules */

/* A good message; each case replaces one place of it. */
static const char event[] =
	"{\"messageId\":\"a.B_1:-\",\n"
	" \"messageType\":\"RegistrationEventSynchronisation\",\n"
	" \"createdAt\":\"2025-12-01T09:00:00Z\",\n"
	" \"mpxn\":\"1312345678111\",\n"
	" \"registration\":{\"supplier\":\"SUPA\",\"effectiveFrom\":\"2025-01-01\"},\n"
	" \"networkOperator\":{\"participant\":\"NET\",\"effectiveFrom\":\"1999-01-01\"},\n"
	" \"supplierArrangedAppointments\":[\n"
	"  {\"role\":\"MDR\",\"participant\":\"MDRX\",\"effectiveFrom\":\"2025-01-01\","
	"\"effectiveTo\":\"2025-01-01\"},\n"
	"  {\"role\":\"SupplierNominatedAgent\",\"participant\":\"AGNT\",\"effectiveFrom\":"
	"\"2025-01-01\"}]}";

static const char end[] =
	"{\"messageId\":\"2\",\n"
	" \"messageType\":\"RegistrationSecuredInactiveSynchronisation\",\n"
	" \"createdAt\":\"2025-12-01T09:00:00Z\",\n"
	" \"mpxn\":\"123456\",\n"
	" \"registration\":{\"supplier\":\"SUPA\",\"inactiveFrom\":\"2025-01-01\"}}";

struct rule_case {
	const char *message;
	const char *from; /* the first occurrence becomes `to` */
	const char *to;
	enum feed_rule rule;
	const char *pointer;
	uint32_t line;
	uint32_t column;
	bool beyond_schema; /* the schema cannot say this, and holds the message to be good */
};

#define APPOINTMENT "/supplierArrangedAppointments/0"
#define MANY(x) x "," x "," x "," x

static const struct rule_case cases[] = {
	{event, "", "", FEED_NO_RULE, NULL, 0, 0, false},
	{end, "", "", FEED_NO_RULE, NULL, 0, 0, false},
	{event, "09:00:00Z", "23:59:59.123456789Z", FEED_NO_RULE, NULL, 0, 0, false},
	{event, "\"effectiveTo\":\"2025-01-01\"", "\"cancelled\":true", FEED_NO_RULE, NULL, 0, 0,
		false},
	{event, "}]}", ",\"cancelled\":false}]}", FEED_NO_RULE, NULL, 0, 0, false},
	{event, "{\"messageId\"", "{\"messageId", FEED_RULE_JSON, "", 1, 14, false},
	{event, "\"mpxn\":", "\"mpxn\"", FEED_RULE_JSON, "", 4, 8, false},
	{event, "\"MDRX\"", "\"MDRX", FEED_RULE_JSON, APPOINTMENT, 8, 38, false},
	{event, "}]}", "}]", FEED_RULE_JSON, "", 9, 87, false},
	{event, "\"MDR\"", "\"\xc0\xafMDR\"", FEED_RULE_UTF8, APPOINTMENT, 8, 12, false},
	{event, "\"participant\":\"MDRX\"", "\"r\\u006fle\":\"MDR\"", FEED_RULE_MEMBER_TWICE,
		APPOINTMENT, 8, 17, false},
	{event, "\"NET\"", "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", FEED_RULE_TOO_LARGE,
		"/networkOperator/participant/0/0/0/0/0/0/0/0/0/0/0/0/0", 6, 49, false},
	{event, "{\"supplier\":\"SUPA\",\"effectiveFrom\":\"2025-01-01\"}", "[]", FEED_RULE_TYPE,
		"/registration", 5, 17, false},
	{event, "\"1312345678111\"", "1312345678111", FEED_RULE_TYPE, "/mpxn", 4, 9, false},
	{event, "{\"participant\":\"NET\",\"effectiveFrom\":\"1999-01-01\"}", "null",
		FEED_RULE_TYPE, "/networkOperator", 6, 20, false},
	{event, "\"messageId\"", "\"messageID\"", FEED_RULE_MEMBER_MISSING, "/messageId", 1, 1,
		false},
	{event, "\"supplier\":\"SUPA\",", "", FEED_RULE_MEMBER_MISSING, "/registration/supplier", 5,
		17, false},
	{end, "inactiveFrom\":\"2025-01-01\"", "supplier2\":1", FEED_RULE_MEMBER_UNKNOWN,
		"/registration/supplier2", 5, 48, false},
	{event, "effectiveTo", "effectiveT~/", FEED_RULE_MEMBER_UNKNOWN,
		APPOINTMENT "/effectiveT~0~1", 8, 82, false},
	{end, "\"mpxn\"", "\"networkOperator\":{},\"mpxn\"", FEED_RULE_MEMBER_UNKNOWN,
		"/networkOperator", 4, 20, false},
	{event, "a.B_1:-", "", FEED_RULE_MESSAGE_ID, "/messageId", 1, 14, false},
	{event, "a.B_1:-", "~1", FEED_RULE_MESSAGE_ID, "/messageId", 1, 14, false},
	{event, "a.B_1:-", "a b", FEED_RULE_MESSAGE_ID, "/messageId", 1, 14, false},
	{event, "a.B_1:-", "0123456789012345678901234567890123456789012345678901234567890123",
		FEED_NO_RULE, NULL, 0, 0, false},
	{event, "a.B_1:-", "01234567890123456789012345678901234567890123456789012345678901234",
		FEED_RULE_MESSAGE_ID, "/messageId", 1, 14, false},
	{event, "RegistrationEventS", "RegistrationS", FEED_RULE_MESSAGE_TYPE, "/messageType", 2,
		16, false},
	{event, "09:00:00Z", "09:00:00", FEED_RULE_INSTANT, "/createdAt", 3, 14, false},
	{event, "09:00:00Z", "24:00:00Z", FEED_RULE_INSTANT, "/createdAt", 3, 14, false},
	{event, "09:00:00Z", "09:00:00.Z", FEED_RULE_INSTANT, "/createdAt", 3, 14, false},
	{event, "09:00:00Z", "09:00:00+00:00", FEED_RULE_INSTANT, "/createdAt", 3, 14, false},
	{event, "2025-12-01T", "2025-02-29T", FEED_RULE_INSTANT, "/createdAt", 3, 14, true},
	{event, "2025-12-01T", "2026-01-03T", FEED_RULE_FUTURE, "/createdAt", 3, 14, true},
	{event, "1312345678111", "01312345678111", FEED_RULE_MPXN, "/mpxn", 4, 9, false},
	{event, "1312345678111", "131234567811", FEED_RULE_MPXN, "/mpxn", 4, 9, false},
	{event, "1312345678111", "0312345678111", FEED_RULE_MPXN, "/mpxn", 4, 9, false},
	{end, "123456", "12345", FEED_RULE_MPXN, "/mpxn", 4, 9, false},
	{end, "123456", "1234567890", FEED_NO_RULE, NULL, 0, 0, false},
	{event, "\"SUPA\"", "\"SU\"", FEED_RULE_PARTICIPANT, "/registration/supplier", 5, 29,
		false},
	{event, "\"SUPA\"", "\"SUPPLIER\"", FEED_RULE_PARTICIPANT, "/registration/supplier", 5, 29,
		false},
	{event, "\"MDRX\"", "\"mdrx\"", FEED_RULE_PARTICIPANT, APPOINTMENT "/participant", 8, 31,
		false},
	{event, "2025-01-01\"},", "2025-1-01\"},", FEED_RULE_DATE, "/registration/effectiveFrom", 5,
		52, false},
	{event, "2025-01-01\"},", "2106-01-01\"},", FEED_RULE_DATE, "/registration/effectiveFrom",
		5, 52, false},
	{event, "2025-01-01\"},", "2025-02-30\"},", FEED_RULE_DATE, "/registration/effectiveFrom",
		5, 52, true},
	{event, "\"effectiveTo\":\"2025-01-01\"", "\"effectiveTo\":\"2024-12-31\"",
		FEED_RULE_DATE_ORDER, APPOINTMENT "/effectiveTo", 8, 81, true},
	{event, "\"effectiveFrom\":\"2025-01-01\",", "\"effectiveFrom\":\"2024-12-31\",",
		FEED_RULE_DATE_ORDER, APPOINTMENT "/effectiveFrom", 8, 54, true},
	{event, "\"MDR\"", "\"MDRA\"", FEED_RULE_ROLE, APPOINTMENT "/role", 8, 11, false},
	{event, "1312345678111", "1312345678", FEED_RULE_ROLE_GAS, APPOINTMENT "/role", 8, 11,
		true},
	{event, "\"MDR\"", "\"Supplier\"", FEED_RULE_ROLE_SUPPLIER, APPOINTMENT, 8, 3, true},
	{event, "}]}", ",\"cancelled\":1}]}", FEED_RULE_CANCELLED,
		"/supplierArrangedAppointments/1/cancelled", 9, 98, false},
	{event, "\"effectiveTo\"", "\"cancelled\":true,\"effectiveTo\"", FEED_RULE_CANCELLED,
		APPOINTMENT "/cancelled", 8, 79, true},
	{event, "SupplierNominatedAgent", "MDR", FEED_RULE_APPOINTMENTS,
		"/supplierArrangedAppointments/1", 9, 3, true},
};

static const char *text_of(const struct rule_case *rule_case)
{
	static char text[4096];
	const char *at = strstr(rule_case->message, rule_case->from);

	cr_assert_not_null(at, "%s", rule_case->from);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - rule_case->message), rule_case->message,
		rule_case->to, at + strlen(rule_case->from));
	return text;
}

Test(feed_schema, every_rule_at_its_place)
{
	bool seen[FEED_RULE_COUNT] = {false};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rule_case *expected = &cases[i];
		const char *text = text_of(expected);
		struct feed_message message;
		struct feed_fault fault;
		uint32_t place[2] = {0, 0};
		bool good = feed_message_read(text, strlen(text), FIXTURE_NOW_MS, &message, &fault);

		if (!good)
			feed_text_place(text, fault.offset, (uint32_t[]){1, 1}, place);
		cr_assert_eq(fault.rule, expected->rule, "case %zu: %s at %u:%u %s", i,
			feed_rule_name(fault.rule), place[0], place[1], fault.pointer);
		seen[fault.rule] = true;
		cr_assert_eq(text_valid(text, strlen(text)), good || expected->beyond_schema,
			"case %zu by the schema: %s", i, text);
		if (good)
			continue;
		cr_assert_str_eq(
			fault.pointer, expected->pointer, "case %zu: %s", i, fault.pointer);
		cr_assert(place[0] == expected->line && place[1] == expected->column,
			"case %zu: at %u:%u", i, place[0], place[1]);
	}
	for (enum feed_rule rule = FEED_NO_RULE; rule < FEED_RULE_COUNT; rule++)
		cr_assert(seen[rule] || rule == FEED_RULE_ID_REUSED || rule == FEED_RULE_MPXN_FULL,
			"no case for %s", feed_rule_name(rule));
}

Test(feed_schema, seventeen_appointments)
{
	char text[4096];
	char appointments[3000] = "";
	size_t length = 0;

	for (int i = 0; i < 17; i++) {
		length += (size_t)sprintf(appointments + length,
			"%s{\"role\":\"MDR\",\"participant\":\"MDRX\",\"effectiveFrom\":"
			"\"2025-02-%02d\"}",
			i > 0 ? "," : "", 1 + i);
		snprintf(text, sizeof(text), "%s",
			feed_fixture_event((struct feed_fixture_message){
				.id = "1", .appointments = appointments}));
		struct feed_message message;
		struct feed_fault fault;
		bool good = feed_message_read(text, strlen(text), FIXTURE_NOW_MS, &message, &fault);
		cr_assert_eq(good, i < 16);
		cr_assert_eq(text_valid(text, strlen(text)), good);
		if (!good)
			cr_assert_eq(fault.rule, FEED_RULE_APPOINTMENTS);
	}
}

/* What doc/feed.md shows is good, and means what it says there. */
Test(feed_schema, the_examples_of_the_documentation)
{
	static char text[65536];
	FILE *file = fopen(TEST_ROOT "/doc/feed.md", "r");
	int count = 0;

	cr_assert_not_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (char *at = text; (at = strstr(at, "```json\n")) != NULL; count++) {
		struct feed_message message;
		struct feed_fault fault;

		at += strlen("```json\n");
		char *stop = strstr(at, "```");
		cr_assert_not_null(stop);
		cr_assert(text_valid(at, (size_t)(stop - at)), "example %d", count);
		cr_assert(feed_message_read(at, (size_t)(stop - at),
				  FIXTURE_NOW_MS + 365 * 86400000ll, &message, &fault),
			"example %d: %s %s", count, feed_rule_name(fault.rule), fault.pointer);
		cr_assert_eq(message.is_end, count == 2);
		cr_assert_eq(message.appointment_count, (size_t)(3 - count) * (count < 2));
		at = stop + 3;
	}
	cr_assert_eq(count, 3);
}
