/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>

#include "dataplane/duis/base64.h"

size_t duis_base64_encode(const uint8_t *octets, size_t length, uint8_t *text)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t *out = text;
	size_t at = 0;

	for (; at + 3 <= length; at += 3) {
		uint32_t group =
			(uint32_t)octets[at] << 16 | (uint32_t)octets[at + 1] << 8 | octets[at + 2];

		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 0x3f];
		*out++ = alphabet[group >> 6 & 0x3f];
		*out++ = alphabet[group & 0x3f];
	}
	if (at < length) {
		bool two = at + 1 < length;
		uint32_t group =
			(uint32_t)octets[at] << 16 | (two ? (uint32_t)octets[at + 1] << 8 : 0);

		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 0x3f];
		*out++ = two ? alphabet[group >> 6 & 0x3f] : '=';
		*out++ = '=';
	}
	return (size_t)(out - text);
}

static int base64_value(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	if (digit == '+')
		return 62;
	if (digit == '/')
		return 63;
	return -1;
}

ssize_t duis_base64_decode(const char *text, size_t length, uint8_t *octets, size_t capacity)
{
	uint32_t group = 0;
	unsigned digits = 0; /* of the group, padding included */
	unsigned padding = 0;
	size_t count = 0;

	for (size_t at = 0; at < length; at++) {
		char digit = text[at];

		if (digit == ' ' || digit == '\t' || digit == '\r' || digit == '\n')
			continue;
		if (digit == '=') {
			if (digits < 2)
				return -EBADMSG;
			padding++;
			group <<= 6;
		} else {
			int value = base64_value(digit);

			if (value < 0 || padding > 0)
				return -EBADMSG;
			group = group << 6 | (uint32_t)value;
		}
		if (++digits < 4)
			continue;
		unsigned octets_here = 3 - padding;
		if (count + octets_here > capacity)
			return -EBADMSG;
		if ((padding == 1 && (group & 0xff) != 0) ||
			(padding == 2 && (group & 0xffff) != 0))
			return -EBADMSG;
		for (unsigned octet = 0; octet < octets_here; octet++)
			octets[count++] = group >> (16 - 8 * octet) & 0xff;
		digits = 0;
		group = 0;
		if (padding == 0)
			continue;
		/* Nothing but white space may follow the padding. */
		while (++at < length)
			if (text[at] != ' ' && text[at] != '\t' && text[at] != '\r' &&
				text[at] != '\n')
				return -EBADMSG;
		break;
	}
	return digits == 0 ? (ssize_t)count : -EBADMSG;
}
