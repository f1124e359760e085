/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/duis/identifier.h"

#define EUI_TEXT_LENGTH (DUIS_EUI_TEXT_SIZE - 1)
#define EUI_OCTETS 8
#define COUNTER_DIGITS_MAX 20

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

int duis_eui_parse(const char *text, size_t length, uint64_t *eui)
{
	uint64_t value = 0;

	if (length != EUI_TEXT_LENGTH)
		return -EBADMSG;
	for (size_t octet = 0; octet < EUI_OCTETS; octet++) {
		int high = hex_value(text[3 * octet]);
		int low = hex_value(text[3 * octet + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		if (octet + 1 < EUI_OCTETS && text[3 * octet + 2] != '-')
			return -EBADMSG;
		value = value << 8 | (uint64_t)(high << 4 | low);
	}
	*eui = value;
	return 0;
}

void duis_eui_format(uint64_t eui, char text[DUIS_EUI_TEXT_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t octet = 0; octet < EUI_OCTETS; octet++) {
		unsigned value = eui >> (8 * (EUI_OCTETS - 1 - octet)) & 0xff;

		text[3 * octet] = digits[value >> 4];
		text[3 * octet + 1] = digits[value & 0xf];
		text[3 * octet + 2] = '-';
	}
	text[EUI_TEXT_LENGTH] = '\0';
}

/* Canonical decimal uint64: no sign, no leading zero. */
static int counter_parse(const char *text, size_t length, uint64_t *counter)
{
	uint64_t value = 0;

	if (length == 0 || length > COUNTER_DIGITS_MAX || (length > 1 && text[0] == '0'))
		return -EBADMSG;
	for (size_t at = 0; at < length; at++) {
		if (text[at] < '0' || text[at] > '9')
			return -EBADMSG;
		if (__builtin_mul_overflow(value, 10u, &value) ||
			__builtin_add_overflow(value, (uint64_t)(text[at] - '0'), &value))
			return -EBADMSG;
	}
	*counter = value;
	return 0;
}

int duis_request_id_parse(const char *text, size_t length, struct mw_request_id *id)
{
	const size_t prefix = 2 * (EUI_TEXT_LENGTH + 1);
	struct mw_request_id parsed;

	if (length <= prefix || text[EUI_TEXT_LENGTH] != ':' || text[prefix - 1] != ':')
		return -EBADMSG;
	if (duis_eui_parse(text, EUI_TEXT_LENGTH, &parsed.originator) != 0 ||
		duis_eui_parse(text + EUI_TEXT_LENGTH + 1, EUI_TEXT_LENGTH, &parsed.target) != 0 ||
		counter_parse(text + prefix, length - prefix, &parsed.counter) != 0)
		return -EBADMSG;
	*id = parsed;
	return 0;
}

size_t duis_request_id_format(const struct mw_request_id *id, char text[MW_REQUEST_ID_TEXT_SIZE])
{
	char originator[DUIS_EUI_TEXT_SIZE];
	char target[DUIS_EUI_TEXT_SIZE];

	duis_eui_format(id->originator, originator);
	duis_eui_format(id->target, target);
	return (size_t)snprintf(
		text, MW_REQUEST_ID_TEXT_SIZE, "%s:%s:%" PRIu64, originator, target, id->counter);
}
