/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive descent over bounded depth. Nodes are numbered in the order in which they begin. */
#include "control/feed_json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct reader {
	struct feed_json *json;
	const uint8_t *text;
	size_t length;
	size_t at;
	unsigned depth;
	enum feed_json_fault fault;
};

static bool fail(struct reader *reader, enum feed_json_fault fault)
{
	if (reader->fault == FEED_JSON_GOOD) {
		reader->fault = fault;
		reader->json->fault_offset = reader->at;
	}
	return false;
}

static int peek(const struct reader *reader)
{
	return reader->at < reader->length ? reader->text[reader->at] : -1;
}

static void skip_space(struct reader *reader)
{
	int c;

	while ((c = peek(reader)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		reader->at++;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static int hex_digit(int c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* ---- characters of strings: used for checking, comparing and writing */

#define CHARACTER_END -1
#define CHARACTER_SYNTAX -2
#define CHARACTER_UTF8 -3

/* Four hexadecimal digits at bytes[0 .. length); -1: they are not. */
static int32_t take_hex(const uint8_t *bytes, size_t length)
{
	int32_t value = 0;

	if (length < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(bytes[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* What follows a backslash. */
static int32_t take_escape(const uint8_t *bytes, size_t length, size_t *used)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";

	if (length < 2)
		return CHARACTER_SYNTAX;
	*used = 2;
	if (bytes[1] != 'u') {
		const char *found = bytes[1] != '\0' ? strchr(from, bytes[1]) : NULL;
		return found != NULL ? to[found - from] : CHARACTER_SYNTAX;
	}
	int32_t value = take_hex(bytes + 2, length - 2);
	*used = 6;
	if (value <= 0 || (value >= 0xdc00 && value < 0xe000))
		return CHARACTER_SYNTAX;
	if (value < 0xd800 || value >= 0xe000)
		return value;
	if (length < 12 || bytes[6] != '\\' || bytes[7] != 'u')
		return CHARACTER_SYNTAX;
	int32_t low = take_hex(bytes + 8, length - 8);
	*used = 12;
	if (low < 0xdc00 || low >= 0xe000)
		return CHARACTER_SYNTAX;
	return 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
}

/* A sequence of UTF-8, the shortest one, no surrogate. */
static int32_t take_utf8(const uint8_t *bytes, size_t length, size_t *used)
{
	static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned count = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;

	if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || length < count)
		return CHARACTER_UTF8;
	int32_t value = bytes[0] & (0xff >> (count + 1));
	for (unsigned i = 1; i < count; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return CHARACTER_UTF8;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	*used = count;
	if (value < least[count] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return CHARACTER_UTF8;
	return value;
}

/* The character at bytes[0 .. length), and how many bytes it takes. */
static int32_t take_character(const uint8_t *bytes, size_t length, size_t *used)
{
	*used = 1;
	if (length == 0)
		return CHARACTER_SYNTAX;
	if (bytes[0] == '"')
		return CHARACTER_END;
	if (bytes[0] < 0x20)
		return CHARACTER_SYNTAX;
	if (bytes[0] == '\\')
		return take_escape(bytes, length, used);
	if (bytes[0] < 0x80)
		return bytes[0];
	return take_utf8(bytes, length, used);
}

/* Take a string; its quotes are part of it. */
static bool take_string(struct reader *reader, uint32_t *offset, uint32_t *length)
{
	size_t begin = reader->at;

	if (peek(reader) != '"')
		return fail(reader, FEED_JSON_SYNTAX);
	reader->at++;
	for (;;) {
		size_t used;
		int32_t character = take_character(
			reader->text + reader->at, reader->length - reader->at, &used);

		if (character == CHARACTER_SYNTAX)
			return fail(reader, FEED_JSON_SYNTAX);
		if (character == CHARACTER_UTF8)
			return fail(reader, FEED_JSON_UTF8);
		reader->at += used;
		if (character == CHARACTER_END)
			break;
	}
	*offset = (uint32_t)begin;
	*length = (uint32_t)(reader->at - begin);
	return true;
}

/* Whether two strings (spans with quotes, read before) are the same. */
static bool is_same_string(const uint8_t *a, const uint8_t *b, size_t a_length, size_t b_length)
{
	size_t a_at = 1;
	size_t b_at = 1;

	for (;;) {
		size_t a_used;
		size_t b_used;
		int32_t a_character = take_character(a + a_at, a_length - a_at, &a_used);
		int32_t b_character = take_character(b + b_at, b_length - b_at, &b_used);

		if (a_character != b_character)
			return false;
		if (a_character == CHARACTER_END)
			return true;
		a_at += a_used;
		b_at += b_used;
	}
}

/* ---- values */

static bool take_digits(struct reader *reader)
{
	if (!is_digit(peek(reader)))
		return fail(reader, FEED_JSON_SYNTAX);
	while (is_digit(peek(reader)))
		reader->at++;
	return true;
}

static bool take_number(struct reader *reader)
{
	if (peek(reader) == '-')
		reader->at++;
	if (peek(reader) == '0')
		reader->at++;
	else if (!take_digits(reader))
		return false;
	if (peek(reader) == '.') {
		reader->at++;
		if (!take_digits(reader))
			return false;
	}
	if (peek(reader) == 'e' || peek(reader) == 'E') {
		reader->at++;
		if (peek(reader) == '+' || peek(reader) == '-')
			reader->at++;
		return take_digits(reader);
	}
	return true;
}

static bool take_word(struct reader *reader, const char *word)
{
	for (; *word != '\0'; word++, reader->at++)
		if (peek(reader) != *word)
			return fail(reader, FEED_JSON_SYNTAX);
	return true;
}

static bool take_value(struct reader *reader, uint16_t node);

/* A node for the child that begins here, behind `last` of the same parent. */
static uint16_t add_node(struct reader *reader, uint16_t parent, uint16_t last)
{
	struct feed_json *json = reader->json;
	uint16_t index = (uint16_t)json->node_count;

	if (json->node_count == FEED_JSON_NODES_MAX) {
		fail(reader, FEED_JSON_LIMIT);
		return FEED_JSON_NONE;
	}
	json->node_count++;
	json->nodes[index] = (struct feed_json_node){
		.parent = parent, .first = FEED_JSON_NONE, .next = FEED_JSON_NONE};
	if (last != FEED_JSON_NONE) {
		json->nodes[last].next = index;
		json->nodes[index].place = (uint16_t)(json->nodes[last].place + 1);
	} else if (parent != FEED_JSON_NONE) {
		json->nodes[parent].first = index;
	}
	return index;
}

static bool is_named_before(const struct feed_json *json, uint16_t node)
{
	const struct feed_json_node *member = &json->nodes[node];
	const uint8_t *text = (const uint8_t *)json->text;

	for (uint16_t i = json->nodes[member->parent].first; i != node; i = json->nodes[i].next) {
		const struct feed_json_node *other = &json->nodes[i];

		if (is_same_string(text + other->key_offset, text + member->key_offset,
			    other->key_length, member->key_length))
			return true;
	}
	return false;
}

/* The name and the colon of a member. */
static bool take_name(struct reader *reader, uint16_t node)
{
	struct feed_json_node *member = &reader->json->nodes[node];
	size_t begin = reader->at;

	if (!take_string(reader, &member->key_offset, &member->key_length))
		return false;
	if (is_named_before(reader->json, node)) {
		reader->at = begin;
		return fail(reader, FEED_JSON_TWICE);
	}
	skip_space(reader);
	if (peek(reader) != ':')
		return fail(reader, FEED_JSON_SYNTAX);
	reader->at++;
	skip_space(reader);
	return true;
}

/* The children of an object or array, from its opening to its closing bracket. */
static bool take_children(struct reader *reader, uint16_t node, bool is_object)
{
	int close = is_object ? '}' : ']';
	uint16_t child = FEED_JSON_NONE;

	if (reader->depth == FEED_JSON_DEPTH_MAX)
		return fail(reader, FEED_JSON_LIMIT);
	reader->depth++;
	reader->json->fault_node = node;
	reader->at++;
	skip_space(reader);
	while (child != FEED_JSON_NONE || peek(reader) != close) {
		child = add_node(reader, node, child);
		if (child == FEED_JSON_NONE || (is_object && !take_name(reader, child)) ||
			!take_value(reader, child))
			return false;
		skip_space(reader);
		if (peek(reader) == close)
			break;
		if (peek(reader) != ',')
			return fail(reader, FEED_JSON_SYNTAX);
		reader->at++;
		skip_space(reader);
	}
	reader->at++;
	reader->depth--;
	reader->json->fault_node = reader->json->nodes[node].parent;
	return true;
}

static bool take_value(struct reader *reader, uint16_t node)
{
	struct feed_json_node *value = &reader->json->nodes[node];
	uint32_t length;
	bool good;

	value->offset = (uint32_t)reader->at;
	switch (peek(reader)) {
	case '{':
		value->type = FEED_JSON_OBJECT;
		good = take_children(reader, node, true);
		break;
	case '[':
		value->type = FEED_JSON_ARRAY;
		good = take_children(reader, node, false);
		break;
	case '"':
		value->type = FEED_JSON_STRING;
		good = take_string(reader, &value->offset, &length);
		break;
	case 't':
		value->type = FEED_JSON_TRUE;
		good = take_word(reader, "true");
		break;
	case 'f':
		value->type = FEED_JSON_FALSE;
		good = take_word(reader, "false");
		break;
	case 'n':
		value->type = FEED_JSON_NULL;
		good = take_word(reader, "null");
		break;
	default:
		value->type = FEED_JSON_NUMBER;
		good = take_number(reader);
		break;
	}
	value->length = (uint32_t)(reader->at - value->offset);
	return good;
}

enum feed_json_fault feed_json_read(struct feed_json *json, const char *text, size_t length)
{
	struct reader reader = {
		.json = json,
		.text = (const uint8_t *)text,
		.length = length,
	};

	assert(length <= UINT32_MAX);
	json->text = text;
	json->length = length;
	json->node_count = 0;
	json->fault_offset = 0;
	json->fault_node = FEED_JSON_NONE;
	uint16_t root = add_node(&reader, FEED_JSON_NONE, FEED_JSON_NONE);
	skip_space(&reader);
	if (take_value(&reader, root)) {
		skip_space(&reader);
		if (reader.at < reader.length)
			fail(&reader, FEED_JSON_SYNTAX);
	}
	return reader.fault;
}

/* ---- asking */

bool feed_json_is_named(const struct feed_json *json, uint16_t node, const char *name)
{
	const struct feed_json_node *member = &json->nodes[node];
	const uint8_t *key = (const uint8_t *)json->text + member->key_offset;
	size_t at = 1;
	size_t used;

	for (; *name != '\0'; name++, at += used)
		if (take_character(key + at, member->key_length - at, &used) != *name)
			return false;
	return take_character(key + at, member->key_length - at, &used) == CHARACTER_END;
}

uint16_t feed_json_member(const struct feed_json *json, uint16_t node, const char *name)
{
	uint16_t child = json->nodes[node].first;

	assert(json->nodes[node].type == FEED_JSON_OBJECT);
	while (child != FEED_JSON_NONE && !feed_json_is_named(json, child, name))
		child = json->nodes[child].next;
	return child;
}

static size_t write_utf8(int32_t character, char *out)
{
	if (character < 0x80) {
		out[0] = (char)character;
		return 1;
	}
	size_t count = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
	static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = count; i-- > 1; character >>= 6)
		out[i] = (char)(0x80 | (character & 0x3f));
	out[0] = (char)(heads[count] | character);
	return count;
}

bool feed_json_string(const struct feed_json *json, uint16_t node, char *out, size_t size)
{
	const struct feed_json_node *string = &json->nodes[node];
	const uint8_t *text = (const uint8_t *)json->text + string->offset;
	size_t length = 0;
	size_t used;

	assert(string->type == FEED_JSON_STRING);
	for (size_t at = 1;; at += used) {
		int32_t character = take_character(text + at, string->length - at, &used);
		char bytes[4];

		if (character == CHARACTER_END)
			break;
		size_t count = write_utf8(character, bytes);
		if (length + count >= size)
			return false;
		memcpy(out + length, bytes, count);
		length += count;
	}
	if (length >= size)
		return false;
	out[length] = '\0';
	return true;
}

/* A pointer is written from its end, as nodes know their parents. */
struct pointer_writer {
	char text[FEED_JSON_DEPTH_MAX * FEED_POINTER_SIZE + FEED_POINTER_SIZE];
	size_t begin;
};

/* Put a step before what is there; of a long one only the beginning. */
static void prepend(struct pointer_writer *writer, const char *step, size_t length)
{
	assert(writer->begin >= length + 1);
	writer->begin -= length;
	memcpy(writer->text + writer->begin, step, length);
	writer->text[--writer->begin] = '/';
}

static size_t step_of_key(const struct feed_json *json, const struct feed_json_node *node,
	char step[FEED_POINTER_SIZE])
{
	const uint8_t *key = (const uint8_t *)json->text + node->key_offset;
	size_t length = 0;
	size_t used;

	for (size_t at = 1; length + 2 < FEED_POINTER_SIZE - 1; at += used) {
		int32_t character = take_character(key + at, node->key_length - at, &used);

		if (character < 0)
			break;
		if (character == '~' || character == '/') {
			step[length++] = '~';
			step[length++] = character == '~' ? '0' : '1';
		} else {
			step[length++] =
				character >= 0x20 && character < 0x7f ? (char)character : '?';
		}
	}
	return length;
}

void feed_json_pointer(const struct feed_json *json, uint16_t node, const char *name,
	char pointer[FEED_POINTER_SIZE])
{
	struct pointer_writer writer = {.begin = sizeof(writer.text)};
	char step[FEED_POINTER_SIZE];

	if (name != NULL)
		prepend(&writer, name, strnlen(name, FEED_POINTER_SIZE - 1));
	for (; node != FEED_JSON_NONE && json->nodes[node].parent != FEED_JSON_NONE;
		node = json->nodes[node].parent) {
		const struct feed_json_node *value = &json->nodes[node];
		size_t length;

		if (value->key_length > 0)
			length = step_of_key(json, value, step);
		else
			length = (size_t)snprintf(step, sizeof(step), "%u", value->place);
		prepend(&writer, step, length);
	}
	size_t length = sizeof(writer.text) - writer.begin;
	if (length > FEED_POINTER_SIZE - 1)
		length = FEED_POINTER_SIZE - 1;
	memcpy(pointer, writer.text + writer.begin, length);
	pointer[length] = '\0';
}
