/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a header into a buffer of fixed size. What does not fit sets `full`; that is a mistake of
 * the program, not of a peer, as only our own texts are written.
 */
#ifndef NET_HTTP_TEXT_H
#define NET_HTTP_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct http_text {
	uint8_t *bytes;
	uint32_t size;
	uint32_t length;
	bool full;
};

static inline void http_text_add(struct http_text *text, const char *added)
{
	size_t length = strlen(added);
	if (length > text->size - text->length) {
		text->full = true;
		return;
	}
	memcpy(text->bytes + text->length, added, length);
	text->length += (uint32_t)length;
}

static inline void http_text_number(struct http_text *text, uint64_t number)
{
	char digits[21];
	unsigned at = sizeof(digits) - 1;
	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	http_text_add(text, digits + at);
}

#endif
