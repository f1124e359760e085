/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader against jansson, on texts and on random damage of them; strings, pointers,
 * limits; and cutting, which must find the same messages that whole reading finds. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "feed_fixture.h"

static const char *const texts[] = {
	"{\"a\": [1, -0.5e+3, true, false, null, "
	"\"x\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"],"
	" \"b\": {\"\": {}, \"c\": []}}",
	"[\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\", 0, 10, 1.25, 1E5, "
	"{\"k\":{\"k\":{\"k\":[[]]}}}]",
	"  \"text\"\n",
	"{\"messageId\":\"a\",\"messageType\":\"RegistrationEventSynchronisation\",\"createdAt\":"
	"\"2025-12-01T09:00:00Z\",\"mpxn\":\"1312345678111\",\"registration\":{\"supplier\":"
	"\"SUPA\",\"effectiveFrom\":\"2025-01-01\"},\"supplierArrangedAppointments\":[{\"role\":"
	"\"MDR\",\"participant\":\"MDRX\",\"effectiveFrom\":\"2025-01-01\",\"cancelled\":true}]}",
	"-12",
	"{\"a\":1,\"\\u0061b\":2,\"ab \":3}",
};

#define TEXT_COUNT (sizeof(texts) / sizeof(texts[0]))

/* A text that ends where memory ends, so that a byte too many is noticed. */
static char *guarded_page;
#define PAGE_BYTES 65536

static void open_page(void)
{
	guarded_page = mmap(NULL, PAGE_BYTES + (size_t)getpagesize(), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(guarded_page, MAP_FAILED);
	cr_assert_eq(mprotect(guarded_page + PAGE_BYTES, (size_t)getpagesize(), PROT_NONE), 0);
}

TestSuite(feed_json, .init = open_page);

static const char *guarded(const char *text, size_t length)
{
	char *copy = guarded_page + PAGE_BYTES - length;

	cr_assert_leq(length, PAGE_BYTES);
	memcpy(copy, text, length);
	return copy;
}

static bool compare(const char *text, size_t length)
{
	static struct feed_json json;
	enum feed_json_fault fault = feed_json_read(&json, guarded(text, length), length);

	if (fault == FEED_JSON_LIMIT)
		return false;
	cr_assert_leq(json.fault_offset, length);
	/* jansson takes a NUL for the end, and does not read on at numbers too big for it. */
	if (memchr(text, '\0', length) != NULL) {
		cr_assert_neq(fault, FEED_JSON_GOOD);
		return false;
	}
	json_error_t error;
	json_t *value = json_loadb(text, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (value == NULL && json_error_code(&error) == json_error_numeric_overflow)
		return fault == FEED_JSON_GOOD;
	cr_assert_eq(fault == FEED_JSON_GOOD, value != NULL, "fault %d at %zu: %.*s", fault,
		json.fault_offset, (int)length, text);
	json_decref(value);
	return fault == FEED_JSON_GOOD;
}

Test(feed_json, the_texts_and_their_beginnings)
{
	for (size_t i = 0; i < TEXT_COUNT; i++)
		for (size_t length = 0; length <= strlen(texts[i]); length++)
			cr_assert(compare(texts[i], length) || length < strlen(texts[i]));
}

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((random_state >> 33) % bound);
}

static size_t damage(char *text, size_t length, size_t max)
{
	static const char likely[] = "{}[]\":,\\0123456789.eE+-tfnu \n\x80\xc3\xed\xf4/a";

	for (uint32_t count = 1 + random_below(4); count > 0 && length > 1; count--) {
		size_t at = random_below((uint32_t)length);
		size_t other = random_below((uint32_t)length);
		char byte = random_below(4) ? likely[random_below(sizeof(likely) - 1)]
					    : (char)random_below(256);

		switch (random_below(4)) {
		case 0:
			text[at] = byte;
			break;
		case 1:
			memmove(text + at, text + at + 1, length - at - 1);
			length--;
			break;
		case 2:
			if (length == max)
				break;
			memmove(text + at + 1, text + at, length - at);
			text[at] = byte;
			length++;
			break;
		default:
			text[at] = text[other];
			break;
		}
	}
	return length;
}

Test(feed_json, damaged_texts)
{
	char text[2048];
	unsigned good = 0;

	random_state = 11;
	for (int round = 0; round < 80000; round++) {
		const char *from = texts[random_below(TEXT_COUNT)];
		size_t length = strlen(from);

		memcpy(text, from, length);
		good += compare(text, damage(text, length, sizeof(text)));
	}
	/* Damage that leaves JSON is tested, too. */
	cr_assert_gt(good, 4000, "%u", good);
}

/* Whatever comes is cut, read and judged without harm, and every message has one outcome. */
Test(feed_json, damaged_messages)
{
	struct feed_message message;
	struct feed_fault fault;
	char text[4096];
	unsigned good = 0;

	random_state = 12;
	for (int round = 0; round < 30000; round++) {
		size_t length =
			(size_t)snprintf(text, sizeof(text), "[%s,\n%s , 3]", texts[3], texts[3]);
		struct feed_cutter cutter;
		struct feed_piece piece;
		int result;
		int64_t count = 0;

		length = damage(text, length, sizeof(text));
		const char *whole = guarded(text, length);
		struct feed_text body = {
			whole, length, random_below(2) ? FEED_ONE_OR_ARRAY : FEED_LINES};
		feed_cut_begin(&cutter, body, 1);
		while ((result = feed_cut_next(&cutter, &piece)) == 1) {
			count++;
			cr_assert(
				piece.text >= whole && piece.text + piece.length <= whole + length);
			if (feed_message_read(
				    piece.text, piece.length, FIXTURE_NOW_MS, &message, &fault)) {
				good++;
				continue;
			}
			cr_assert(fault.rule > 0 && fault.rule < FEED_RULE_COUNT);
			cr_assert_leq(fault.offset, piece.length);
			cr_assert_lt(strlen(fault.pointer), FEED_POINTER_SIZE);
		}
		cr_assert_eq(feed_cut_count(body), result < 0 ? result : count);
	}
	cr_assert_gt(good, 2500, "%u", good);
}

/* An array that jansson reads has as many messages as it has elements. */
Test(feed_json, cutting_finds_the_elements)
{
	char text[4096];
	unsigned arrays = 0;

	random_state = 13;
	for (int round = 0; round < 30000; round++) {
		size_t length = (size_t)snprintf(
			text, sizeof(text), " [%s, %s ,\n%s]\n", texts[0], texts[1], texts[4]);

		length = damage(text, length, sizeof(text));
		json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
		if (json_is_array(value)) {
			struct feed_text body = {guarded(text, length), length, FEED_ONE_OR_ARRAY};

			arrays++;
			cr_assert_eq(feed_cut_count(body), (int64_t)json_array_size(value));
		}
		json_decref(value);
	}
	cr_assert_gt(arrays, 1000);
}

Test(feed_json, members_and_strings)
{
	static struct feed_json json;
	char text[64];
	char pointer[FEED_POINTER_SIZE];

	cr_assert_eq(feed_json_read(&json, texts[0], strlen(texts[0])), FEED_JSON_GOOD);
	uint16_t a = feed_json_member(&json, 0, "a");
	uint16_t b = feed_json_member(&json, 0, "b");
	cr_assert_eq(feed_json_member(&json, 0, "c"), FEED_JSON_NONE);
	uint16_t last = json.nodes[a].first;
	while (json.nodes[last].next != FEED_JSON_NONE)
		last = json.nodes[last].next;
	cr_assert(feed_json_string(&json, last, text, sizeof(text)));
	cr_assert_str_eq(text, "x\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80");
	for (size_t size = 0; size <= strlen(text); size++) {
		char small[32];
		cr_assert_not(feed_json_string(&json, last, small, size));
	}
	feed_json_pointer(&json, last, NULL, pointer);
	cr_assert_str_eq(pointer, "/a/5");
	feed_json_pointer(&json, json.nodes[b].first, "z", pointer);
	cr_assert_str_eq(pointer, "/b//z");
	feed_json_pointer(&json, 0, NULL, pointer);
	cr_assert_str_eq(pointer, "");
	/* A name by its escape, and ones that are not the same. */
	cr_assert_eq(feed_json_read(&json, texts[5], strlen(texts[5])), FEED_JSON_GOOD);
	cr_assert_eq(json.nodes[feed_json_member(&json, 0, "ab")].place, 1);
	/* What cannot be printed, and what is too long. */
	char key[256];
	snprintf(key, sizeof(key), "{\"\x01\":0}");
	cr_assert_eq(feed_json_read(&json, key, strlen(key)), FEED_JSON_SYNTAX);
	snprintf(key, sizeof(key), "{\"\\u0001\xc3\xa9~/%0150d\":0}", 0);
	cr_assert_eq(feed_json_read(&json, key, strlen(key)), FEED_JSON_GOOD);
	feed_json_pointer(&json, 1, NULL, pointer);
	cr_assert_eq(strncmp(pointer, "/??~0~1000", 10), 0, "%s", pointer);
	cr_assert_lt(strlen(pointer), FEED_POINTER_SIZE);
}

Test(feed_json, limits)
{
	static struct feed_json json;
	static char text[8192];
	size_t length = 0;

	for (int depth = 15; depth <= 17; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		cr_assert_eq(feed_json_read(&json, text, 2 * (size_t)depth),
			depth <= FEED_JSON_DEPTH_MAX ? FEED_JSON_GOOD : FEED_JSON_LIMIT);
	}
	text[length++] = '[';
	for (int i = 0; i < FEED_JSON_NODES_MAX - 1; i++) {
		text[length++] = '1';
		text[length++] = ',';
	}
	text[length - 1] = ']';
	cr_assert_eq(feed_json_read(&json, text, length), FEED_JSON_GOOD);
	cr_assert_eq(json.node_count, FEED_JSON_NODES_MAX);
	memcpy(text + length - 1, ",1]", 3);
	cr_assert_eq(feed_json_read(&json, text, length + 2), FEED_JSON_LIMIT);
	/* The deepest and longest names there can be. */
	length = 0;
	for (int depth = 0; depth < 16; depth++)
		length += (size_t)sprintf(text + length, "{\"%0200d\":", 0);
	length += (size_t)sprintf(text + length, "x");
	cr_assert_eq(feed_json_read(&json, text, length), FEED_JSON_SYNTAX);
	char pointer[FEED_POINTER_SIZE];
	feed_json_pointer(&json, json.fault_node, texts[3], pointer);
	cr_assert_eq(strlen(pointer), FEED_POINTER_SIZE - 1);
}
