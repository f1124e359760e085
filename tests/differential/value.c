/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differential/value.h"

#define LONG_MAX_LENGTH 3000 /* longer texts are not made to reach a maximum length */
#define PICK(chance, list) (list)[chance_below(chance, sizeof(list) / sizeof((list)[0]))]

typedef __int128 wide;

void value_escape(struct buffer *out, const uint8_t *text, size_t length, char quote)
{
	for (size_t index = 0; index < length; index++) {
		uint8_t byte = text[index];

		if (byte == '<')
			buffer_text(out, "&lt;");
		else if (byte == '&')
			buffer_text(out, "&amp;");
		else if (byte == '>')
			buffer_text(out, "&gt;");
		else if (byte == '\r' || (quote != 0 && (byte == '\t' || byte == '\n')))
			buffer_print(out, "&#%u;", byte);
		else if (byte == (uint8_t)quote)
			buffer_text(out, quote == '"' ? "&quot;" : "&apos;");
		else
			buffer_byte(out, byte);
	}
}

/* ---- numbers ---- */

static wide to_wide(const char *text)
{
	bool negative = *text == '-';
	wide value = 0;

	for (text += negative || *text == '+'; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (*text - '0');
	return negative ? -value : value;
}

static void print_wide(struct buffer *out, wide value)
{
	char digits[48];
	size_t at = sizeof(digits);
	bool negative = value < 0;

	do {
		int digit = (int)(value % 10);

		digits[--at] = (char)('0' + (digit < 0 ? -digit : digit));
		value /= 10;
	} while (value != 0);
	if (negative)
		digits[--at] = '-';
	buffer_add(out, digits + at, sizeof(digits) - at);
}

static void add_digits(struct chance *chance, struct buffer *out, size_t count)
{
	for (size_t index = 0; index < count; index++)
		buffer_byte(out, (uint8_t)('0' + (index == 0 ? 1 + chance_below(chance, 9)
							     : chance_below(chance, 10))));
}

struct range {
	wide low;
	wide high;
};

static struct range integer_range(const struct xsd_simple *simple)
{
	const wide far = (wide)1 << 76; /* 23 digits: see doc/standards.md */
	struct range range = {-far, far};

	if (simple->min_inclusive != NULL)
		range.low = to_wide(simple->min_inclusive);
	if (simple->min_exclusive != NULL)
		range.low = to_wide(simple->min_exclusive) + 1;
	if (simple->max_inclusive != NULL)
		range.high = to_wide(simple->max_inclusive);
	if (simple->max_exclusive != NULL)
		range.high = to_wide(simple->max_exclusive) - 1;
	if (simple->total_digits > 0 && simple->total_digits < 30) {
		wide limit = 1;

		for (int64_t digit = 0; digit < simple->total_digits; digit++)
			limit *= 10;
		if (range.high >= limit)
			range.high = limit - 1;
		if (range.low <= -limit)
			range.low = 1 - limit;
	}
	return range;
}

static wide pick_integer(struct chance *chance, struct range range)
{
	wide span = range.high - range.low;
	wide offset;

	switch (chance_below(chance, 5)) {
	case 0:
		return range.low;
	case 1:
		return range.high;
	case 2:
		return range.low + (span > 0);
	default:
		offset = (wide)chance_next(chance);
		if (span > 0 && offset > span)
			offset %= span + 1;
		return range.low <= 0 && range.high >= offset && chance_hits(chance, 50)
			       ? offset
			       : range.low + (offset <= span ? offset : 0);
	}
}

static void make_integer(struct chance *chance, const struct xsd_simple *simple, struct buffer *out)
{
	struct range range = integer_range(simple);
	wide value = pick_integer(chance, range);

	/* libxml2 refuses a sign before the unsigned types. */
	if (value >= 0 && chance_hits(chance, 5))
		buffer_text(out,
			strncmp(simple->base_name, "unsigned", 8) == 0
				? "00"
				: PICK(chance, ((const char *const[]){"+", "0", "+00", "000"})));
	print_wide(out, value);
}

/* A decimal in steps of 10^-fraction_digits. */
static void print_scaled(struct buffer *out, wide value, unsigned fraction)
{
	wide scale = 1;
	wide rest;

	for (unsigned digit = 0; digit < fraction; digit++)
		scale *= 10;
	if (value < 0)
		buffer_byte(out, '-');
	if (value < 0)
		value = -value;
	print_wide(out, value / scale);
	rest = value % scale;
	if (fraction == 0)
		return;
	buffer_byte(out, '.');
	for (scale /= 10; scale > 0; scale /= 10)
		buffer_byte(out, (uint8_t)('0' + (int)(rest / scale % 10)));
}

static wide to_scaled(const char *text, unsigned fraction)
{
	bool negative = *text == '-';
	wide value = to_wide(negative ? text + 1 : text);
	const char *point = strchr(text, '.');

	for (unsigned digit = 0; digit < fraction; digit++) {
		value *= 10;
		if (point != NULL && point[1] >= '0' && point[1] <= '9')
			value += *++point - '0';
	}
	return negative ? -value : value;
}

static struct range decimal_range(const struct xsd_simple *simple, unsigned fraction)
{
	struct range range = {-1000000, 1000000};
	wide limit = 1;

	if (simple->min_inclusive != NULL)
		range.low = to_scaled(simple->min_inclusive, fraction);
	if (simple->min_exclusive != NULL)
		range.low = to_scaled(simple->min_exclusive, fraction) + 1;
	if (simple->max_inclusive != NULL)
		range.high = to_scaled(simple->max_inclusive, fraction);
	if (simple->max_exclusive != NULL)
		range.high = to_scaled(simple->max_exclusive, fraction) - 1;
	for (int64_t digit = 0; digit < simple->total_digits; digit++)
		limit *= 10;
	if (simple->total_digits > 0 && range.high >= limit)
		range.high = limit - 1;
	if (simple->total_digits > 0 && range.low <= -limit)
		range.low = 1 - limit;
	if (range.high < range.low)
		range.high = range.low;
	return range;
}

static unsigned fraction_of(const struct xsd_simple *simple)
{
	return simple->fraction_digits >= 0 ? (unsigned)simple->fraction_digits : 2;
}

static void make_decimal(struct chance *chance, const struct xsd_simple *simple, struct buffer *out)
{
	unsigned fraction = fraction_of(simple);

	print_scaled(out, pick_integer(chance, decimal_range(simple, fraction)), fraction);
	if (fraction > 0 && chance_hits(chance, 10))
		buffer_text(out, "00");
}

/* ---- the other types ---- */

static void make_string(struct chance *chance, const struct xsd_simple *simple, struct buffer *out)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	static const uint32_t strange[] = {0xe9, 0x20ac, 0x1f600, '&', '<', '>', '"', '\'', 0x2028};
	int64_t low = simple->min_length >= 0 ? simple->min_length : 0;
	int64_t high = simple->max_length >= 0 ? simple->max_length : low + 40;
	int64_t length;

	if (simple->length >= 0)
		low = high = simple->length;
	length = low;
	if (high > low)
		length += (int64_t)chance_below(
			chance, (size_t)(high - low < 40 ? high - low : 40) + 1);
	if (chance_hits(chance, 5) && high <= LONG_MAX_LENGTH)
		length = high;
	for (int64_t index = 0; index < length; index++) {
		if (chance_hits(chance, 3))
			buffer_code_point(out, PICK(chance, strange));
		else if (index > 0 && index + 1 < length && chance_hits(chance, 5) &&
			 out->bytes[out->length - 1] != ' ')
			buffer_byte(out, ' ');
		else
			buffer_byte(out, (uint8_t)plain[chance_below(chance, sizeof(plain) - 1)]);
	}
}

static void make_zone(struct chance *chance, struct buffer *out)
{
	static const char *const zones[] = {"", "Z", "Z", "+01:00", "-05:30", "+14:00", "-14:00"};

	buffer_text(out, PICK(chance, zones));
}

static void make_date(struct chance *chance, struct buffer *out)
{
	if (chance_hits(chance, 5)) {
		buffer_text(out, PICK(chance, ((const char *const[]){"2024-02-29", "2000-02-29",
						      "9999-12-31", "0001-01-01"})));
		return;
	}
	buffer_print(out, "20%02u-%02u-%02u", (unsigned)chance_below(chance, 100),
		1 + (unsigned)chance_below(chance, 12), 1 + (unsigned)chance_below(chance, 28));
}

static void make_time(struct chance *chance, struct buffer *out)
{
	buffer_print(out, "%02u:%02u:%02u", (unsigned)chance_below(chance, 24),
		(unsigned)chance_below(chance, 60), (unsigned)chance_below(chance, 60));
	if (chance_hits(chance, 40)) {
		buffer_byte(out, '.');
		add_digits(chance, out, 1 + chance_below(chance, 6));
	}
}

static size_t pick_octets(struct chance *chance, const struct xsd_simple *simple)
{
	size_t low = simple->min_length > 0 ? (size_t)simple->min_length : 0;
	size_t high = simple->max_length >= 0 ? (size_t)simple->max_length : low + 60;

	if (simple->length >= 0)
		return (size_t)simple->length;
	if (high > low + 60)
		high = low + 60;
	return low + chance_below(chance, high - low + 1);
}

static void add_base64(struct chance *chance, struct buffer *out, size_t octets)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; octets >= 3; octets -= 3)
		for (unsigned index = 0; index < 4; index++)
			buffer_byte(out, (uint8_t)letters[chance_below(chance, 64)]);
	if (octets == 2) {
		buffer_byte(out, (uint8_t)letters[chance_below(chance, 64)]);
		buffer_byte(out, (uint8_t)letters[chance_below(chance, 64)]);
		buffer_byte(out, (uint8_t)letters[chance_below(chance, 16) * 4]);
		buffer_text(out, "=");
	} else if (octets == 1) {
		buffer_byte(out, (uint8_t)letters[chance_below(chance, 64)]);
		buffer_byte(out, (uint8_t)letters[chance_below(chance, 4) * 16]);
		buffer_text(out, "==");
	}
}

static void add_hex(struct chance *chance, struct buffer *out, size_t octets)
{
	while (octets-- > 0)
		buffer_print(out, chance_hits(chance, 50) ? "%02X" : "%02x",
			(unsigned)chance_below(chance, 256));
}

static size_t characters(const uint8_t *text, size_t length)
{
	size_t count = 0;

	for (size_t index = 0; index < length; index++)
		count += (text[index] & 0xc0) != 0x80;
	return count;
}

static void make_patterned(
	struct chance *chance, const struct xsd_simple *simple, struct buffer *out)
{
	size_t begin = out->length;

	for (unsigned attempt = 0; attempt < 50; attempt++) {
		size_t length;

		out->length = begin;
		value_from_pattern(chance, simple->patterns.texts[simple->patterns.count - 1], out);
		length = characters(out->bytes + begin, out->length - begin);
		if ((simple->min_length < 0 || length >= (size_t)simple->min_length) &&
			(simple->max_length < 0 || length <= (size_t)simple->max_length) &&
			(simple->length < 0 || length == (size_t)simple->length))
			return;
	}
}

/* Types around whose values white space may stand, without those for which libxml2 refuses it. */
static bool collapses(const struct xsd_simple *simple)
{
	return simple->builtin != XSD_STRING && simple->builtin != XSD_DATE_TIME &&
	       simple->builtin != XSD_DATE && simple->builtin != XSD_TIME &&
	       (simple->builtin != XSD_INTEGER || strstr(simple->base_name, "nteger") != NULL);
}

static void make_plain(
	struct chance *chance, const struct xsd_simple *simple, unsigned number, struct buffer *out)
{
	static const char *const uris[] = {
		"", "urn:example:one", "http://example.org/a?b#c", "relative/path", "#fragment"};
	static const char *const booleans[] = {"true", "false", "0", "1"};

	switch (simple->builtin) {
	case XSD_STRING:
		make_string(chance, simple, out);
		break;
	case XSD_TOKEN:
		make_string(chance, simple, out);
		break;
	case XSD_ANY_URI:
		buffer_text(out, PICK(chance, uris));
		break;
	case XSD_ID:
		buffer_print(out, "id-%u", number);
		break;
	case XSD_BOOLEAN:
		buffer_text(out, PICK(chance, booleans));
		break;
	case XSD_INTEGER:
		make_integer(chance, simple, out);
		break;
	case XSD_DECIMAL:
		make_decimal(chance, simple, out);
		break;
	case XSD_DATE_TIME:
		make_date(chance, out);
		buffer_byte(out, 'T');
		make_time(chance, out);
		make_zone(chance, out);
		break;
	case XSD_DATE:
		make_date(chance, out);
		make_zone(chance, out);
		break;
	case XSD_TIME:
		make_time(chance, out);
		make_zone(chance, out);
		break;
	case XSD_BASE64:
		add_base64(chance, out, pick_octets(chance, simple));
		break;
	case XSD_HEX:
		add_hex(chance, out, pick_octets(chance, simple));
		break;
	}
}

void value_make(
	struct chance *chance, const struct xsd_simple *simple, unsigned number, struct buffer *out)
{
	bool spaced = collapses(simple) && chance_hits(chance, 2);

	if (spaced)
		buffer_text(out, PICK(chance, ((const char *const[]){" ", "\n\t", "  "})));
	if (simple->enumeration.count > 0)
		buffer_text(out,
			simple->enumeration.texts[chance_below(chance, simple->enumeration.count)]);
	else if (simple->patterns.count > 0)
		make_patterned(chance, simple, out);
	else
		make_plain(chance, simple, number, out);
	if (spaced)
		buffer_byte(out, ' ');
}

/* ---- edges ---- */

static void near_integer(struct chance *chance, const struct xsd_simple *simple, struct buffer *out)
{
	static const char *const traps[] = {"", " ", "+", "-", "+0", "-0", "00", "1.0", "1.", "1e3",
		"0x10", "1 2", "--1", "1,000", "999999999999999999999999",
		"1000000000000000000000000", "9999999999999999999999999999999999999999",
		"18446744073709551615", "18446744073709551616", "9223372036854775808",
		"-9223372036854775809", "000000000000000000000000000001", "\xd9\xa1", "NaN"};
	struct range range = integer_range(simple);
	wide edge = chance_hits(chance, 50) ? range.low : range.high;

	if (chance_hits(chance, 35)) {
		buffer_text(out, PICK(chance, traps));
		return;
	}
	if (chance_hits(chance, 15))
		buffer_byte(out, ' ');
	print_wide(out, edge + (wide)chance_below(chance, 5) - 2);
	if (chance_hits(chance, 10))
		buffer_byte(out, chance_hits(chance, 50) ? '\t' : '0');
}

static void near_decimal(struct chance *chance, const struct xsd_simple *simple, struct buffer *out)
{
	static const char *const traps[] = {"", ".", "+.5", ".5", "5.", "-.0", "1e1", "INF", "NaN",
		"0.0000", "+1", "01.10", "1..0", "1.0.0", "1 .0", "12345678901234567890123456789.5",
		"0.00000000000000000000000000001"};
	unsigned fraction = fraction_of(simple);
	struct range range = decimal_range(simple, fraction);
	wide edge = chance_hits(chance, 50) ? range.low : range.high;

	if (chance_hits(chance, 30)) {
		buffer_text(out, PICK(chance, traps));
		return;
	}
	print_scaled(out, edge + (wide)chance_below(chance, 5) - 2, fraction);
	if (chance_hits(chance, 40))
		buffer_text(out, fraction > 0
					 ? PICK(chance, ((const char *const[]){"0", "1", "00"}))
					 : ".0");
}

static void near_length(struct chance *chance, const struct xsd_simple *simple, struct buffer *out)
{
	int64_t edges[3] = {simple->min_length, simple->max_length, simple->length};
	int64_t edge = PICK(chance, edges);
	uint32_t letter = PICK(chance, ((const uint32_t[]){'x', 'x', 0xe9, 0x20ac, 0x1f4a1, ' '}));

	if (edge < 0 || edge > LONG_MAX_LENGTH)
		edge = (int64_t)chance_below(chance, 30);
	edge += (int64_t)chance_below(chance, 3) - 1;
	while (edge-- > 0)
		buffer_code_point(out, letter);
}

static void spoil(struct chance *chance, struct buffer *out, size_t begin)
{
	static const char bytes[] = " \n\tAa0-:=/9~\x7f";
	size_t length = out->length - begin;
	uint8_t byte = (uint8_t)bytes[chance_below(chance, sizeof(bytes) - 1)];
	size_t at = begin + (length > 0 ? chance_below(chance, length) : 0);

	switch (chance_below(chance, 6)) {
	case 0:
		buffer_byte(out, byte);
		break;
	case 1:
		buffer_splice(out, begin, begin, &byte, 1);
		break;
	case 2:
		if (length > 0)
			out->bytes[--out->length] = 0;
		break;
	case 3:
		if (length > 0 && out->bytes[at] < 0x80)
			buffer_splice(out, at, at + 1, NULL, 0);
		break;
	case 4:
		if (length > 0 && out->bytes[at] < 0x80)
			out->bytes[at] ^= out->bytes[at] >= 'A' ? 0x20 : 1;
		break;
	default:
		if (length > 0 && out->bytes[at] < 0x80)
			out->bytes[at] = byte;
		break;
	}
}

static const char *const date_times[] = {"", "2024-01-01", "2024-01-01T24:00:00",
	"2024-01-01T24:00:00Z", "2024-01-01T24:00:00.000Z", "2024-01-01T24:00:01",
	"2023-02-29T00:00:00", "1900-02-29T00:00:00", "2024-13-01T00:00:00", "2024-00-01T00:00:00",
	"2024-01-32T00:00:00", "2024-01-01T23:59:60", "2024-01-01T23:60:00",
	"2024-01-01T00:00:00+14:01", "2024-01-01T00:00:00+15:00", "2024-01-01T00:00:00+14:00",
	"0000-01-01T00:00:00", "-0001-01-01T00:00:00", "12024-01-01T00:00:00",
	"02024-01-01T00:00:00", "2024-01-01t00:00:00", "2024-01-01T00:00:00z",
	"2024-01-01T00:00:00.", "2024-01-01T0:00:00", "2024-01-01T00:00", "2024-01-01 00:00:00",
	"+2024-01-01T00:00:00", "2024-01-01T00:00:00+0100",
	"2024-01-01T00:00:00.123456789012345678901234567890Z", "2024-1-01T00:00:00",
	"2024-01-01T00:00:00-00:00", "2024-01-01T00:00:00Z ", "99999999999-01-01T00:00:00"};
static const char *const dates[] = {"", "2024-02-30", "2024-02-29", "2023-02-29", "2024-01-01Z",
	"2024-01-01+14:00", "2024-01-01+14:30", "2024-01-01-14:00", "0000-01-01", "-2024-01-01",
	"10000-01-01", "010000-01-01", "024-01-01", "2024-01-1", "2024-01-01T", "2024-04-31",
	"2024-01-01 Z", "20240101", "2024-01-01z", "-0000-01-01"};
static const char *const times[] = {"", "24:00:00", "24:00:00.0", "24:00:00.1", "24:01:00",
	"23:59:60", "23:59:59.999999999999999999", "00:00:00.", "0:00:00", "00:00", "12:00:00Z",
	"12:00:00+14:00", "12:00:00+14:01", "12:00:00-00:00", "12:60:00", "25:00:00", "12:00:00.5z",
	"T12:00:00", "120000", "12:00:00 "};
static const char *const base64s[] = {"", "=", "====", "A", "AA", "AAA", "AAAA",
	"AA==", "AB==", "AAA=", "AAB=", "AA =  =", "A A A A", "AAAA====", "AA==AA==", "AAAA\nAAAA",
	"A-_A", "AAAAA", "AAA==", "AA=", "\nAAAA ", "AAAAAA==", "AQ==", "AQ= =", "&#65;AAA"};
static const char *const hexes[] = {
	"", "0", "00", "0g", "0 0", " 00 ", "aF", "000", "0x00", "00\n00", "AABBCCDD"};
static const char *const booleans[] = {
	"", "TRUE", "True", "yes", "2", "01", " true ", "true\n", "t rue", "-0", "+1", "1", "0"};
static const char *const uris[] = {"", " ", "http://a b", "%", "%zz", "http://[",
	"http://ex\xc3\xa9", "a b c", "://", "#a#b", "http://example.org/%20", "urn:x", "\\", "{}",
	"http://a:99999999/"};
static const char *const ids[] = {"", "1a", "a:b", "-a", "a b", "_x", "\xc3\xa9", " id ", "a"};

#define NEAR_LIST(list) buffer_text(out, PICK(chance, list))

void value_near(struct chance *chance, const struct xsd_simple *simple, struct buffer *out)
{
	size_t begin = out->length;

	if (simple->enumeration.count > 0 || simple->patterns.count > 0 ||
		chance_hits(chance, 15)) {
		value_make(chance, simple, 1, out);
		spoil(chance, out, begin);
		return;
	}
	if (chance_hits(chance, 10)) {
		buffer_text(out, PICK(chance, ((const char *const[]){" ", "\t", "+", "-", "0"})));
		value_make(chance, simple, 1, out);
		return;
	}
	switch (simple->builtin) {
	case XSD_STRING:
	case XSD_TOKEN:
		near_length(chance, simple, out);
		break;
	case XSD_INTEGER:
		near_integer(chance, simple, out);
		break;
	case XSD_DECIMAL:
		near_decimal(chance, simple, out);
		break;
	case XSD_DATE_TIME:
		NEAR_LIST(date_times);
		break;
	case XSD_DATE:
		NEAR_LIST(dates);
		break;
	case XSD_TIME:
		NEAR_LIST(times);
		break;
	case XSD_BASE64:
		if (chance_hits(chance, 50) && (simple->length >= 0 || simple->max_length >= 0))
			add_base64(
				chance, out, pick_octets(chance, simple) + chance_below(chance, 3));
		else
			NEAR_LIST(base64s);
		break;
	case XSD_HEX:
		if (chance_hits(chance, 50) && (simple->length >= 0 || simple->max_length >= 0))
			add_hex(chance, out, pick_octets(chance, simple) + chance_below(chance, 3));
		else
			NEAR_LIST(hexes);
		break;
	case XSD_BOOLEAN:
		NEAR_LIST(booleans);
		break;
	case XSD_ANY_URI:
		NEAR_LIST(uris);
		break;
	case XSD_ID:
		NEAR_LIST(ids);
		break;
	}
}
