/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

int text_find(const struct text *text, const char *needle, size_t *start)
{
	const uint8_t *found = memmem(text->bytes, text->length, needle, strlen(needle));
	if (!found)
		return -ENOENT;
	*start = (size_t)(found - text->bytes);
	return 0;
}

/* Is the `name` at bytes[at] the name in a start tag, "<name>" or "<prefix:name>" (end = 0), or in
 * an end tag (end = 1)? Sets *tag to the position of "<". */
static int is_tag(const uint8_t *bytes, size_t at, int end, size_t *tag)
{
	size_t i = at;
	if (i > 0 && bytes[i - 1] == ':') {
		i--;
		while (i > 0 && bytes[i - 1] != '<' && bytes[i - 1] != '/' && bytes[i - 1] != '>')
			i--;
	}
	if (end) {
		if (i < 2 || bytes[i - 1] != '/' || bytes[i - 2] != '<')
			return 0;
		*tag = i - 2;
		return 1;
	}
	if (i < 1 || bytes[i - 1] != '<')
		return 0;
	*tag = i - 1;
	return 1;
}

/* The position behind the next tag of `name` at or after `from`, and of its "<". */
static int find_tag(const uint8_t *bytes, size_t length, size_t from, const char *name, int end,
	struct text_span *tag)
{
	size_t name_length = strlen(name);
	for (size_t at = from; at + name_length < length; at++) {
		const uint8_t *found = memmem(bytes + at, length - at, name, name_length);
		if (!found)
			return -ENOENT;
		at = (size_t)(found - bytes);
		if (at + name_length < length && bytes[at + name_length] == '>' &&
			is_tag(bytes, at, end, &tag->start)) {
			tag->length = at + name_length + 1 - tag->start;
			return 0;
		}
	}
	return -ENOENT;
}

int text_element(const uint8_t *bytes, size_t length, size_t from, const char *name,
	struct text_span *content)
{
	struct text_span open;
	struct text_span close;
	if (find_tag(bytes, length, from, name, 0, &open) != 0)
		return -ENOENT;
	if (find_tag(bytes, length, open.start + open.length, name, 1, &close) != 0)
		return -ENOENT;
	content->start = open.start + open.length;
	content->length = close.start - content->start;
	return 0;
}

int text_splice(struct text *text, struct text_span span, const void *insert, size_t insert_length)
{
	assert(span.start + span.length <= text->length);
	if (text->length - span.length + insert_length > text->capacity)
		return -ENOBUFS;
	uint8_t *at = text->bytes + span.start;
	size_t behind = text->length - span.start - span.length;
	memmove(at + insert_length, at + span.length, behind);
	if (insert_length > 0)
		memcpy(at, insert, insert_length);
	text->length = text->length - span.length + insert_length;
	return 0;
}

int text_set_element(struct text *text, const char *name, const char *content)
{
	struct text_span span;
	int result = text_element(text->bytes, text->length, 0, name, &span);
	return result != 0 ? result : text_splice(text, span, content, strlen(content));
}

int text_replace(struct text *text, const char *from, const char *to)
{
	struct text_span span = {.length = strlen(from)};
	int result = text_find(text, from, &span.start);
	return result != 0 ? result : text_splice(text, span, to, strlen(to));
}

int text_append(struct text *text, const void *bytes, size_t length)
{
	struct text_span end = {.start = text->length};
	return text_splice(text, end, bytes, length);
}

int text_append_base64(struct text *text, const uint8_t *bytes, size_t length)
{
	/* OpenSSL writes a NUL behind the text. */
	size_t characters = (length + 2) / 3 * 4;
	if (text->length + characters + 1 > text->capacity)
		return -ENOBUFS;
	EVP_EncodeBlock(text->bytes + text->length, bytes, (int)length);
	text->length += characters;
	return 0;
}

static int base64_value(uint8_t character)
{
	if (character >= 'A' && character <= 'Z')
		return character - 'A';
	if (character >= 'a' && character <= 'z')
		return character - 'a' + 26;
	if (character >= '0' && character <= '9')
		return character - '0' + 52;
	return character == '+' ? 62 : character == '/' ? 63 : -1;
}

int text_base64_decode(const uint8_t *text, size_t length, uint8_t *out, size_t capacity)
{
	uint32_t bits = 0;
	unsigned bit_count = 0;
	unsigned characters = 0;
	unsigned padding = 0;
	size_t written = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n')
			continue;
		characters++;
		if (text[i] == '=') {
			padding++;
			continue;
		}
		int value = base64_value(text[i]);
		if (value < 0 || padding > 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)value;
		bit_count += 6;
		if (bit_count < 8)
			continue;
		bit_count -= 8;
		if (written == capacity)
			return -ENOBUFS;
		out[written++] = (uint8_t)(bits >> bit_count);
	}
	/* Whole groups of four, and as much padding as the last one needs. */
	if (characters % 4 != 0 || padding > 2 || padding * 2 != bit_count)
		return -EBADMSG;
	return (int)written;
}
