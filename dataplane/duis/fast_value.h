/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simple types: does a value belong to one? (XML Schema part 2.) Values come as spans, mostly of
 * the document itself; `end` is how far may be loaded behind one. Included by fast_parse.c only.
 */
#ifndef DUIS_FAST_VALUE_H
#define DUIS_FAST_VALUE_H

#include "dataplane/duis/fast_core.h"
#include "dataplane/duis/fast_scan.h"

struct fast_value {
	const uint8_t *at;
	const uint8_t *stop; /* one behind the last byte */
	const uint8_t *end;  /* bytes up to here may be loaded */
};

FAST_INLINE bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

FAST_INLINE bool is_digit(uint8_t byte)
{
	return (uint8_t)(byte - '0') < 10;
}

static inline bool pattern_accepts(const struct duis_image *image,
	const struct mw_image_pattern *pattern, struct fast_value value)
{
	const uint16_t *cells = image->cells + pattern->first_cell;
	uint32_t state = pattern->start;
	uint32_t class_count = pattern->class_count;

	for (;;) {
		/* At the start, and again wherever a list comes back to it. */
		if (state == pattern->start && pattern->fixed_length > 0 &&
			value.stop - value.at >= pattern->fixed_length) {
			if (!scan_fixed(pattern, value.at, value.end))
				return false;
			value.at += pattern->fixed_length;
			state = pattern->fixed_state;
		}
		if (value.at >= value.stop || state == 0)
			break;
		state = cells[state * class_count + pattern->classes[*value.at++]];
	}
	return state >= pattern->first_accept;
}

static inline bool value_listed(const struct duis_image *image,
	const struct mw_image_simple *simple, const uint8_t *at, uint32_t length,
	const uint8_t *end)
{
	const uint16_t *table = image->value_hash + simple->first_value_hash;
	uint32_t slot = mw_image_hash(at, length, 0);

	for (;; slot++) {
		uint16_t entry = table[slot & simple->value_hash_mask];
		const struct mw_image_text *text;

		if (entry == 0)
			return false;
		text = &image->values[simple->first_value + entry - 1];
		if (text->length == length &&
			scan_equal(at, image->text + text->offset, length, end))
			return true;
	}
}

/* Characters, not bytes. */
static inline uint32_t character_count(const uint8_t *at, const uint8_t *stop)
{
	uint32_t count = 0;

	for (; at < stop; at++)
		count += (*at & 0xc0) != 0x80;
	return count;
}

FAST_INLINE bool length_allowed(const struct mw_image_simple *simple, uint32_t length)
{
	return length >= simple->length_min && length <= simple->length_max;
}

/* ---- numbers ---- */

/* The parts of a decimal, without leading and trailing zeros. */
struct fast_decimal {
	bool negative; /* never for zero */
	const uint8_t *whole;
	uint32_t whole_length;
	const uint8_t *fraction;
	uint32_t fraction_length;
};

static inline bool decimal_split(struct fast_value value, struct fast_decimal *decimal)
{
	const uint8_t *at = value.at;
	const uint8_t *stop;
	uint32_t digits;

	decimal->negative = at < value.stop && *at == '-';
	at += at < value.stop && (*at == '-' || *at == '+');
	decimal->whole = at;
	while (at < value.stop && is_digit(*at))
		at++;
	digits = (uint32_t)(at - decimal->whole);
	decimal->whole_length = digits;
	decimal->fraction = at;
	decimal->fraction_length = 0;
	if (at < value.stop && *at == '.') {
		decimal->fraction = ++at;
		while (at < value.stop && is_digit(*at))
			at++;
		decimal->fraction_length = (uint32_t)(at - decimal->fraction);
		digits += decimal->fraction_length;
	}
	if (at != value.stop || digits == 0)
		return false;
	while (decimal->whole_length > 0 && *decimal->whole == '0') {
		decimal->whole++;
		decimal->whole_length--;
	}
	stop = decimal->fraction + decimal->fraction_length;
	while (stop > decimal->fraction && stop[-1] == '0')
		stop--;
	decimal->fraction_length = (uint32_t)(stop - decimal->fraction);
	if (decimal->whole_length + decimal->fraction_length == 0)
		decimal->negative = false;
	return true;
}

static inline int compare_bytes(
	const uint8_t *one, uint32_t one_length, const uint8_t *other, uint32_t other_length)
{
	uint32_t common = one_length < other_length ? one_length : other_length;
	int result = memcmp(one, other, common);

	if (result != 0)
		return result;
	return one_length < other_length ? -1 : one_length > other_length;
}

/* Compare with a canonical bound of the image. */
static inline int decimal_compare(
	const struct fast_decimal *decimal, const uint8_t *bound, uint32_t length)
{
	struct fast_decimal other;
	int result;

	decimal_split((struct fast_value){bound, bound + length, NULL}, &other);
	if (decimal->negative != other.negative)
		return decimal->negative ? -1 : 1;
	if (decimal->whole_length != other.whole_length)
		result = decimal->whole_length < other.whole_length ? -1 : 1;
	else
		result = memcmp(decimal->whole, other.whole, other.whole_length);
	if (result == 0)
		result = compare_bytes(decimal->fraction, decimal->fraction_length, other.fraction,
			other.fraction_length);
	return decimal->negative ? -result : result;
}

static FAST_APART bool decimal_listed(const struct duis_image *image,
	const struct mw_image_simple *simple, const struct fast_decimal *decimal)
{
	uint8_t text[256];
	uint32_t length = 0;

	if (decimal->whole_length + decimal->fraction_length > sizeof(text) - 4)
		return false;
	if (decimal->negative)
		text[length++] = '-';
	if (decimal->whole_length == 0)
		text[length++] = '0';
	memcpy(text + length, decimal->whole, decimal->whole_length);
	length += decimal->whole_length;
	if (decimal->fraction_length > 0)
		text[length++] = '.';
	memcpy(text + length, decimal->fraction, decimal->fraction_length);
	length += decimal->fraction_length;
	return value_listed(image, simple, text, length, text + sizeof(text));
}

/* Any number, whatever its size. */
static FAST_APART bool decimal_valid(const struct duis_image *image,
	const struct mw_image_simple *simple, struct fast_value value)
{
	struct fast_decimal decimal;
	int order;

	if (!decimal_split(value, &decimal))
		return false;
	if (simple->facets & MW_IMAGE_HAS_MIN) {
		order = decimal_compare(
			&decimal, image->text + simple->minimum.offset, simple->minimum.length);
		if (order < 0 || (order == 0 && (simple->facets & MW_IMAGE_MIN_EXCLUSIVE)))
			return false;
	}
	if (simple->facets & MW_IMAGE_HAS_MAX) {
		order = decimal_compare(
			&decimal, image->text + simple->maximum.offset, simple->maximum.length);
		if (order > 0 || (order == 0 && (simple->facets & MW_IMAGE_MAX_EXCLUSIVE)))
			return false;
	}
	if ((simple->facets & MW_IMAGE_HAS_TOTAL_DIGITS) &&
		decimal.whole_length + decimal.fraction_length > simple->total_digits)
		return false;
	if ((simple->facets & MW_IMAGE_HAS_FRACTION_DIGITS) &&
		decimal.fraction_length > simple->fraction_digits)
		return false;
	if ((simple->facets & MW_IMAGE_HAS_VALUES) && !decimal_listed(image, simple, &decimal))
		return false;
	return true;
}

FAST_INLINE bool integer_valid(const struct duis_image *image, const struct mw_image_simple *simple,
	struct fast_value value)
{
	const uint8_t *at = value.at;
	bool negative = at < value.stop && *at == '-';
	uint64_t number = 0;
	int64_t result;

	/* Enumerations are of canonical numbers: what is written as one is looked up at once. */
	if ((simple->facets & (MW_IMAGE_HAS_TOTAL_DIGITS | MW_IMAGE_HAS_VALUES)) ==
			MW_IMAGE_HAS_VALUES &&
		value.stop - at <= 2 && value.stop > at && *at >= '1' && *at <= '9' &&
		is_digit(value.stop[-1])) {
		number = *at & 15;
		if (value.stop - at == 2)
			number = number * 10 + (at[1] & 15);
		return (int64_t)number >= simple->minimum_integer &&
		       (int64_t)number <= simple->maximum_integer &&
		       value_listed(image, simple, at, (uint32_t)(value.stop - at), value.end);
	}
	at += negative || (at < value.stop && *at == '+');
	if (unlikely(value.stop - at > 18 || value.stop == at ||
		     (simple->facets & (MW_IMAGE_HAS_TOTAL_DIGITS | MW_IMAGE_HAS_VALUES)))) {
		/* Digits only: the general form would allow a point. */
		if (value.stop == at || scan_run(at, value.stop, SCAN_DIGIT) != value.stop)
			return false;
		return (simple->facets & ~(uint32_t)MW_IMAGE_HAS_FRACTION_DIGITS) == 0 ||
		       decimal_valid(image, simple, value);
	}
	for (; at < value.stop; at++) {
		if (!is_digit(*at))
			return false;
		number = number * 10 + (*at & 15);
	}
	result = negative ? -(int64_t)number : (int64_t)number;
	return result >= simple->minimum_integer && result <= simple->maximum_integer;
}

/* ---- dates and times ---- */

FAST_INLINE int two_digits(const uint8_t *at)
{
	return is_digit(at[0]) && is_digit(at[1]) ? (at[0] & 15) * 10 + (at[1] & 15) : -1;
}

/* [-]YYYY..-MM-DD; returns what follows or NULL. XML Schema 1.0: no year 0000. */
static inline const uint8_t *date_part(const uint8_t *at, const uint8_t *stop)
{
	static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const uint8_t *year;
	uint32_t length;
	uint32_t in_400 = 0;
	bool zero = true;
	int month;
	int day;
	bool leap;

	at += at < stop && *at == '-';
	year = at;
	while (at < stop && is_digit(*at)) {
		zero &= *at == '0';
		in_400 = (in_400 * 10 + (*at & 15)) % 400;
		at++;
	}
	length = (uint32_t)(at - year);
	if (length < 4 || zero || (length > 4 && *year == '0') || stop - at < 6 || at[0] != '-' ||
		at[3] != '-')
		return NULL;
	month = two_digits(at + 1);
	day = two_digits(at + 4);
	leap = in_400 % 4 == 0 && (in_400 % 100 != 0 || in_400 == 0);
	if (month < 1 || month > 12 || day < 1 || day > days[month] + (leap && month == 2))
		return NULL;
	return at + 6;
}

/* HH:MM:SS[.fraction]; returns what follows or NULL. 24:00:00 is allowed. */
static inline const uint8_t *time_part(const uint8_t *at, const uint8_t *stop)
{
	int hour;
	int minute;
	int second;
	bool zero = true;

	if (stop - at < 8 || at[2] != ':' || at[5] != ':')
		return NULL;
	hour = two_digits(at);
	minute = two_digits(at + 3);
	second = two_digits(at + 6);
	if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return NULL;
	at += 8;
	if (at < stop && *at == '.') {
		const uint8_t *fraction = ++at;

		while (at < stop && is_digit(*at))
			zero &= *at++ == '0';
		if (at == fraction)
			return NULL;
	}
	if (hour == 24 && (minute != 0 || second != 0 || !zero))
		return NULL;
	return at;
}

/* Nothing, Z or +-HH:MM up to 14:00, to the end. */
static inline bool zone_part(const uint8_t *at, const uint8_t *stop)
{
	int hour;
	int minute;

	if (at == stop)
		return true;
	if (*at == 'Z')
		return at + 1 == stop;
	if (stop - at != 6 || (*at != '+' && *at != '-') || at[3] != ':')
		return false;
	hour = two_digits(at + 1);
	minute = two_digits(at + 4);
	return hour >= 0 && minute >= 0 && minute <= 59 &&
	       (hour < 14 || (hour == 14 && minute == 0));
}

static inline bool date_time_valid(struct fast_value value)
{
	const uint8_t *at = date_part(value.at, value.stop);

	if (at == NULL || at == value.stop || *at != 'T')
		return false;
	at = time_part(at + 1, value.stop);
	return at != NULL && zone_part(at, value.stop);
}

/* ---- octets ---- */

static inline bool hex_valid(const struct duis_image *image, const struct mw_image_simple *simple,
	struct fast_value value)
{
	uint32_t length = (uint32_t)(value.stop - value.at);
	uint8_t text[256];

	if (length % 2 != 0 || scan_run(value.at, value.stop, SCAN_HEX) != value.stop)
		return false;
	if ((simple->facets & MW_IMAGE_HAS_LENGTH) && !length_allowed(simple, length / 2))
		return false;
	if (!(simple->facets & MW_IMAGE_HAS_VALUES))
		return true;
	if (length > sizeof(text))
		return false;
	for (uint32_t index = 0; index < length; index++)
		text[index] = value.at[index] >= 'a' ? value.at[index] - 32 : value.at[index];
	return value_listed(image, simple, text, length, text + sizeof(text));
}

/* What has been seen of a base64 value. */
struct base64 {
	uint32_t characters;
	uint32_t padding;
	uint8_t last;	/* character */
	bool misplaced; /* a character behind padding */
};

/* Up to 32 characters of any kind; returns where one is that has no place in base64. */
static inline const uint8_t *base64_near(
	const uint8_t *at, const uint8_t *stop, struct base64 *base64)
{
	const uint8_t *far = stop - at > 32 ? at + 32 : stop;

	for (; at < far; at++) {
		uint32_t sets = scan_bits[*at];
		bool character = sets >> SCAN_BASE64 & 1;
		bool padding = *at == '=';

		if (!character && !padding && (sets >> SCAN_SPACE & 1) == 0)
			break;
		base64->misplaced |= character && base64->padding > 0;
		base64->last = character ? *at : base64->last;
		base64->characters += character;
		base64->padding += padding;
	}
	return at;
}

/* Groups of four; blanks anywhere between characters; unused bits zero. */
static inline bool base64_valid(struct duis_fast_engine *engine,
	const struct mw_image_simple *simple, struct fast_value value)
{
	struct base64 base64 = {.last = 'A'};
	const uint8_t *at = value.at;

	while (at < value.stop) {
		const uint8_t *run = scan_run(at, value.stop, SCAN_BASE64);

		if (run > at) {
			base64.misplaced |= base64.padding > 0;
			base64.characters += (uint32_t)(run - at);
			base64.last = run[-1];
		}
		at = base64_near(run, value.stop, &base64);
		if (at == run && at < value.stop)
			return false;
	}
	if (base64.misplaced || base64.padding > 2 || (base64.characters + base64.padding) % 4 != 0)
		return false;
	/* One '=': the last character's two low bits are unused; two: its four low bits. */
	if (base64.padding == 1 &&
		(base64.characters % 4 != 3 || memchr("AEIMQUYcgkosw048", base64.last, 16) == NULL))
		return false;
	if (base64.padding == 2 &&
		(base64.characters % 4 != 2 || memchr("AQgw", base64.last, 4) == NULL))
		return false;
	engine->octets = (base64.characters + base64.padding) / 4 * 3 - base64.padding;
	return !(simple->facets & MW_IMAGE_HAS_LENGTH) || length_allowed(simple, engine->octets);
}

/* ---- names and URIs ---- */

static inline uint32_t utf8_decode(const uint8_t *at, const uint8_t *stop, uint32_t *character);

/* XML 1.0, fifth edition: NameStartChar and NameChar beyond ASCII. */
static inline bool name_start_beyond(uint32_t c)
{
	return (c >= 0xc0 && c <= 0x2ff && c != 0xd7 && c != 0xf7) || (c >= 0x370 && c <= 0x37d) ||
	       (c >= 0x37f && c <= 0x1fff) || c == 0x200c || c == 0x200d ||
	       (c >= 0x2070 && c <= 0x218f) || (c >= 0x2c00 && c <= 0x2fef) ||
	       (c >= 0x3001 && c <= 0xd7ff) || (c >= 0xf900 && c <= 0xfdcf) ||
	       (c >= 0xfdf0 && c <= 0xfffd) || (c >= 0x10000 && c <= 0xeffff);
}

static inline bool name_beyond(uint32_t c)
{
	return name_start_beyond(c) || c == 0xb7 || (c >= 0x300 && c <= 0x36f) || c == 0x203f ||
	       c == 0x2040;
}

FAST_INLINE bool name_start_ascii(uint8_t byte)
{
	return (uint8_t)((byte | 32) - 'a') < 26 || byte == '_';
}

static inline bool ncname_valid(struct fast_value value)
{
	const uint8_t *at = value.at;

	while (at < value.stop) {
		uint32_t character;
		uint32_t length;

		if (*at < 0x80) {
			if (at == value.at ? !name_start_ascii(*at)
					   : !scan_is(*at, SCAN_NAME) || *at == ':')
				return false;
			at++;
			continue;
		}
		length = utf8_decode(at, value.stop, &character);
		if (length == 0 ||
			(at == value.at ? !name_start_beyond(character) : !name_beyond(character)))
			return false;
		at += length;
	}
	return value.stop > value.at;
}

/* Delimiters of URIs, as bits. */
enum uri_set {
	URI_SLASH = 1,
	URI_QUESTION = 2,
	URI_AT = 4,
	URI_COLON = 8,
	URI_CLOSE = 16, /* '#', '[', ']': never inside of a part */
	URI_ESCAPE = 32,
};

/* Up to a byte of the set, or '#', '[', ']', or '%' without two digits. All others may stand there:
 * those that a URI cannot hold stand for their escapes (XLink, section 5.4). */
static inline const uint8_t *uri_run(const uint8_t *at, const uint8_t *stop, uint8_t set)
{
	static const uint8_t sets[256] = {
		['/'] = URI_SLASH,
		['?'] = URI_QUESTION,
		['@'] = URI_AT,
		[':'] = URI_COLON,
		['#'] = URI_CLOSE,
		['['] = URI_CLOSE,
		[']'] = URI_CLOSE,
		['%'] = URI_ESCAPE,
	};

	set |= URI_CLOSE | URI_ESCAPE;
	for (;;) {
		while (at < stop && (sets[*at] & set) == 0)
			at++;
		if (at >= stop || *at != '%' || stop - at < 3 || !scan_is(at[1], SCAN_HEX) ||
			!scan_is(at[2], SCAN_HEX))
			return at;
		at += 3;
	}
}

/* authority = [ userinfo "@" ] host [ ":" port ] */
static inline bool authority_valid(const uint8_t *at, const uint8_t *stop)
{
	const uint8_t *last = memrchr(at, '@', (size_t)(stop - at));
	const uint8_t *host = last != NULL ? last + 1 : at;
	const uint8_t *port;

	if (host > at && uri_run(at, host - 1, URI_SLASH | URI_QUESTION | URI_AT) != host - 1)
		return false;
	if (host < stop && *host == '[') {
		port = memchr(host, ']', (size_t)(stop - host));
		if (port == NULL)
			return false;
		port++;
	} else {
		port = uri_run(host, stop, URI_SLASH | URI_QUESTION | URI_AT | URI_COLON);
	}
	if (port == stop)
		return true;
	if (*port != ':')
		return false;
	return scan_run(port + 1, stop, SCAN_DIGIT) == stop;
}

/* RFC 2732 adds brackets to what a fragment may hold. */
static inline const uint8_t *uri_fragment(const uint8_t *at, const uint8_t *stop)
{
	do {
		at = uri_run(at, stop, 0);
	} while (at < stop && (*at == '[' || *at == ']') && at++ < stop);
	return at;
}

/* A URI reference (RFC 3986) after the escaping that anyURI allows. */
static inline bool uri_valid(struct fast_value value)
{
	const uint8_t *at = value.at;
	const uint8_t *stop = value.stop;
	const uint8_t *scheme = at;

	/* scheme ":" */
	if (at < stop && (uint8_t)((*at | 32) - 'a') < 26) {
		while (scheme < stop &&
			((uint8_t)((*scheme | 32) - 'a') < 26 || is_digit(*scheme) ||
				*scheme == '+' || *scheme == '-' || *scheme == '.'))
			scheme++;
		if (scheme < stop && *scheme == ':')
			at = scheme + 1;
	}
	if (stop - at >= 2 && at[0] == '/' && at[1] == '/') {
		const uint8_t *authority = at + 2;

		at = authority;
		while (at < stop && *at != '/' && *at != '?' && *at != '#')
			at++;
		if (!authority_valid(authority, at))
			return false;
	} else if (at == value.at) {
		/* A relative path's first segment holds no colon. */
		const uint8_t *segment = uri_run(at, stop, URI_SLASH | URI_QUESTION | URI_COLON);

		if (segment < stop && *segment == ':')
			return false;
	}
	at = uri_run(at, stop, URI_QUESTION);
	if (at < stop && *at == '?')
		at = uri_run(at + 1, stop, 0);
	if (at < stop && *at == '#')
		at = uri_fragment(at + 1, stop);
	return at == stop;
}

/* As it stands, without anyURI's escaping: names of namespaces. */
static FAST_APART bool uri_strict(struct fast_value value)
{
	for (const uint8_t *at = value.at; at < value.stop; at++)
		if (!scan_is(*at, SCAN_URI) && *at != '#' && *at != '%' && *at != '[' && *at != ']')
			return false;
	return uri_valid(value);
}

/* The four algorithms of the signature profile need no parsing to be seen as URIs. */
FAST_INLINE bool uri_known(struct fast_value value)
{
	static const struct {
		const char *text;
		uint32_t length;
	} known[] = {
#define KNOWN(text) {text, sizeof(text) - 1}
		KNOWN("http://www.w3.org/2001/10/xml-exc-c14n#"),
		KNOWN("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
		KNOWN("http://www.w3.org/2000/09/xmldsig#enveloped-signature"),
		KNOWN("http://www.w3.org/2001/04/xmlenc#sha256"),
#undef KNOWN
	};
	uint32_t length = (uint32_t)(value.stop - value.at);

	if (length == 0)
		return true;
	for (unsigned index = 0; index < sizeof(known) / sizeof(known[0]); index++)
		if (known[index].length == length &&
			memcmp(known[index].text, value.at, length) == 0)
			return true;
	return false;
}

/* Identifiers are unique in a document: remember this one. */
static FAST_APART bool id_new(struct duis_fast_engine *engine, struct fast_value value)
{
	uint32_t length = (uint32_t)(value.stop - value.at);
	uint64_t slot = fast_hash(engine, value.at, length);

	for (;; slot++) {
		struct fast_id *id = &engine->ids[slot & (2 * FAST_IDS_MAX - 1)];

		if (id->generation != engine->generation) {
			if (++engine->id_count > FAST_IDS_MAX)
				return false;
			*id = (struct fast_id){engine->generation, length, value.at};
			return true;
		}
		if (id->length == length && memcmp(id->text, value.at, length) == 0)
			return false;
	}
}

/* ---- all kinds ---- */

/* White space as the type wants it, into the engine's buffer unless it is so already. */
static FAST_APART struct fast_value value_space(
	struct duis_fast_engine *engine, uint32_t white_space, struct fast_value value)
{
	uint8_t *out = engine->collapsed;
	uint8_t *start = out;

	for (const uint8_t *at = value.at; at < value.stop; at++) {
		if (!is_blank(*at))
			*out++ = *at;
		else if (white_space == MW_IMAGE_REPLACE || (out > start && out[-1] != ' '))
			*out++ = ' ';
	}
	if (white_space == MW_IMAGE_COLLAPSE && out > start && out[-1] == ' ')
		out--;
	return (struct fast_value){start, out, out};
}

/* The value in three registers: through memory it would have to be waited for. */
static inline bool string_valid(struct duis_fast_engine *engine,
	const struct mw_image_simple *simple, const uint8_t *at, const uint8_t *stop,
	const uint8_t *end)
{
	const struct duis_image *image = engine->image;
	struct fast_value value = {at, stop, end};

	/* Outer white space is gone. With none inside there is nothing to collapse. */
	if (simple->white_space != MW_IMAGE_PRESERVE &&
		scan_run(value.at, value.stop, SCAN_VISIBLE) != value.stop)
		value = value_space(engine, simple->white_space, value);
	if (simple->facets & MW_IMAGE_HAS_VALUES)
		if (!value_listed(
			    image, simple, value.at, (uint32_t)(value.stop - value.at), value.end))
			return false;
	if (simple->facets & MW_IMAGE_HAS_PATTERNS)
		if (!pattern_accepts(image, &image->patterns[simple->first_pattern], value))
			return false;
	if (simple->facets & MW_IMAGE_HAS_LENGTH) {
		uint32_t bytes = (uint32_t)(value.stop - value.at);

		/* Characters are one to four bytes: count only when that decides. */
		if (bytes > simple->length_max || bytes / 4 < simple->length_min)
			return length_allowed(simple, character_count(value.at, value.stop));
	}
	return true;
}

FAST_INLINE bool value_valid(
	struct duis_fast_engine *engine, uint32_t simple_index, struct fast_value value)
{
	const struct duis_image *image = engine->image;
	const struct mw_image_simple *simple = &image->simples[simple_index];
	bool valid;

	if (simple->white_space == MW_IMAGE_COLLAPSE) {
		while (value.at < value.stop && is_blank(*value.at))
			value.at++;
		while (value.at < value.stop && is_blank(value.stop[-1]))
			value.stop--;
	}
	switch (simple->kind) {
	case MW_IMAGE_STRING:
		return (simple->white_space == MW_IMAGE_PRESERVE && simple->facets == 0) ||
		       string_valid(engine, simple, value.at, value.stop, value.end);
	case MW_IMAGE_INTEGER:
		valid = integer_valid(image, simple, value);
		break;
	case MW_IMAGE_DATE_TIME:
		valid = date_time_valid(value);
		break;
	case MW_IMAGE_ANY_URI:
		valid = uri_known(value) || uri_valid(value);
		break;
	case MW_IMAGE_BASE64:
		valid = base64_valid(engine, simple, value);
		break;
	case MW_IMAGE_BOOLEAN: {
		uint32_t length = (uint32_t)(value.stop - value.at);

		valid = (length == 1 && (*value.at == '0' || *value.at == '1')) ||
			(length == 4 && memcmp(value.at, "true", 4) == 0) ||
			(length == 5 && memcmp(value.at, "false", 5) == 0);
		break;
	}
	case MW_IMAGE_DECIMAL:
		valid = decimal_valid(image, simple, value);
		break;
	case MW_IMAGE_DATE: {
		const uint8_t *at = date_part(value.at, value.stop);

		valid = at != NULL && zone_part(at, value.stop);
		break;
	}
	case MW_IMAGE_TIME: {
		const uint8_t *at = time_part(value.at, value.stop);

		valid = at != NULL && zone_part(at, value.stop);
		break;
	}
	case MW_IMAGE_HEX:
		valid = hex_valid(image, simple, value);
		break;
	case MW_IMAGE_ID:
		valid = ncname_valid(value) && id_new(engine, value);
		break;
	default:
		valid = false;
	}
	if (unlikely(simple->facets & MW_IMAGE_HAS_PATTERNS))
		valid = valid &&
			pattern_accepts(image, &image->patterns[simple->first_pattern], value);
	return valid;
}

#endif
