/* SPDX-License-Identifier: Apache-2.0 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/xmlerror.h>

#include "tests/differential/known.h"

#define BLANKS " \t\r\n"

/* The value of a part of the XML declaration, if there is one: its length, and *name. */
static size_t declared(const uint8_t *bytes, size_t length, const char *part, const uint8_t **name)
{
	const uint8_t *end;
	const uint8_t *at;

	if (bytes == NULL)
		return 0;
	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		length -= 3;
	}
	if (length < 6 || memcmp(bytes, "<?xml", 5) != 0 || strchr(BLANKS, bytes[5]) == NULL)
		return 0;
	end = memmem(bytes, length, "?>", 2);
	if (end == NULL)
		return 0;
	at = memmem(bytes, (size_t)(end - bytes), part, strlen(part));
	if (at == NULL)
		return 0;
	at += strlen(part);
	while (at < end && *at != '"' && *at != '\'')
		at++;
	if (at == end)
		return 0;
	*name = at + 1;
	at = memchr(at + 1, *at, (size_t)(end - at - 1));
	return at != NULL ? (size_t)(at - *name) : 0;
}

const char *known_encoding(const uint8_t *bytes, size_t length)
{
	const uint8_t *name;
	size_t name_length;

	if (length >= 5 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 &&
		(bytes[3] == 0 || bytes[4] == 0 || bytes[3] >= 0xfe))
		return "utf-16";
	if (length >= 2 &&
		(memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0 ||
			bytes[0] == 0 || bytes[1] == 0))
		return "utf-16";
	name_length = declared(bytes, length, "encoding", &name);
	if (name_length > 0 &&
		(name_length != 5 || strncasecmp((const char *)name, "UTF-8", 5) != 0))
		return "encoding";
	return NULL;
}

bool known_version(const uint8_t *bytes, size_t length)
{
	const uint8_t *name;
	size_t name_length = declared(bytes, length, "version", &name);

	return name_length > 0 && (name_length != 3 || memcmp(name, "1.0", 3) != 0);
}

size_t known_bad_utf8(const uint8_t *bytes, size_t length)
{
	size_t at = 0;

	while (at < length) {
		uint8_t byte = bytes[at];
		size_t more = byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
		uint32_t point = byte;

		if (byte >= 0x80 && (byte < 0xc2 || byte > 0xf4 || length - at <= more))
			return at;
		if (more > 0)
			point = byte & (0x3fu >> more);
		for (size_t step = 1; step <= more; step++) {
			if ((bytes[at + step] & 0xc0) != 0x80)
				return at;
			point = point << 6 | (bytes[at + step] & 0x3f);
		}
		if ((more == 2 && point < 0x800) || (more == 3 && point < 0x10000) ||
			point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
			return at;
		at += more + 1;
	}
	return SIZE_MAX;
}

bool known_missing_blank(const uint8_t *bytes, size_t length)
{
	const uint8_t *end;

	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		length -= 3;
	}
	if (length < 6 || memcmp(bytes, "<?xml", 5) != 0 || strchr(BLANKS, bytes[5]) == NULL)
		return false;
	end = memmem(bytes, length, "?>", 2);
	for (const uint8_t *at = bytes; end != NULL && at + 1 < end; at++)
		if ((*at == '"' || *at == '\'') && at[1] == 's')
			return true;
	return false;
}

bool known_nul(const uint8_t *bytes, size_t length)
{
	return length > 0 && memchr(bytes, 0, length) != NULL;
}

bool known_namespace_reference(const struct tokens *tokens)
{
	for (size_t index = 0; index < tokens->attribute_count; index++) {
		const struct token_attribute *attribute = &tokens->attributes[index];

		if (attribute->name_end - attribute->begin >= 5 &&
			memcmp(tokens->bytes + attribute->begin, "xmlns", 5) == 0 &&
			memchr(tokens->bytes + attribute->value, '&',
				attribute->value_end - attribute->value) != NULL)
			return true;
	}
	return false;
}

bool known_double_xml(const struct tokens *tokens)
{
	for (size_t index = 0; index < tokens->count; index++) {
		const struct token *token = &tokens->tokens[index];
		unsigned count = 0;

		for (size_t step = 0; step < token->attribute_count; step++) {
			const struct token_attribute *attribute =
				&tokens->attributes[token->first_attribute + step];

			count += attribute->name_end - attribute->begin == 9 &&
				 memcmp(tokens->bytes + attribute->begin, "xmlns:xml", 9) == 0;
		}
		if (count > 1)
			return true;
	}
	return false;
}

static bool is_base64(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || (byte != 0 && strchr("+/= \t\r\n", byte) != NULL);
}

bool known_stray_base64(const struct tokens *tokens)
{
	for (size_t index = 0; index < tokens->count; index++) {
		const struct token *token = &tokens->tokens[index];
		const struct xsd_particle *declaration;

		if ((token->kind != TOKEN_TEXT && token->kind != TOKEN_CDATA) ||
			token->parent == TOKEN_NONE)
			continue;
		declaration = tokens->tokens[token->parent].declaration;
		if (declaration == NULL || declaration->type->simple == NULL ||
			declaration->type->simple->builtin != XSD_BASE64)
			continue;
		/* A reference is taken for a stray character, too. */
		for (size_t at = token->begin; at < token->end; at++)
			if (!is_base64(tokens->bytes[at]) && token->kind == TOKEN_TEXT)
				return true;
		if (token->kind == TOKEN_CDATA)
			for (size_t at = token->begin + 9; at + 3 < token->end; at++)
				if (!is_base64(tokens->bytes[at]))
					return true;
	}
	return false;
}

/* Whether the value is of the pattern, by another's hand: the patterns of the schemas are extended
 * regular expressions of POSIX as well, which only lack the anchors. */
static bool is_of_pattern(const char *value, const char *pattern)
{
	struct buffer anchored = {0};
	regex_t expression;
	bool matches = true;

	buffer_print(&anchored, "^(%s)$", pattern);
	if (regcomp(&expression, (const char *)anchored.bytes, REG_EXTENDED | REG_NOSUB) == 0) {
		matches = regexec(&expression, value, 0, NULL, 0) == 0;
		regfree(&expression);
	}
	buffer_free(&anchored);
	return matches;
}

bool known_wrong_pattern(const struct tokens *tokens)
{
	bool wrong = false;

	for (size_t index = 0; index < tokens->count && !wrong; index++) {
		const struct token *token = &tokens->tokens[index];
		const struct xsd_particle *declaration;
		struct buffer value = {0};

		if (token->kind != TOKEN_TEXT || token->parent == TOKEN_NONE ||
			memchr(tokens->bytes + token->begin, '&', token->end - token->begin) !=
				NULL)
			continue;
		declaration = tokens->tokens[token->parent].declaration;
		if (declaration == NULL || declaration->type->simple == NULL)
			continue;
		buffer_add(&value, tokens->bytes + token->begin, token->end - token->begin);
		for (size_t step = 0; step < declaration->type->simple->patterns.count; step++)
			wrong = wrong || !is_of_pattern((const char *)value.bytes,
						 declaration->type->simple->patterns.texts[step]);
		buffer_free(&value);
	}
	return wrong;
}

#define DIGITS "0123456789"
#define LIBXML2_DIGITS 24

/* "59.999999999999999999" is rounded up to 60 seconds. */
static const char *repair_seconds(const char *value, struct buffer *out)
{
	const char *point = strchr(value, '.');
	size_t digits = point != NULL ? strspn(point + 1, DIGITS) : 0;

	if (strchr(value, ':') == NULL || digits <= 6)
		return NULL;
	buffer_add(out, value, (size_t)(point - value) + 7);
	buffer_text(out, point + 1 + digits);
	return "seconds-rounded";
}

static const char *repair_digits(const char *value, struct buffer *out)
{
	size_t sign = strspn(value, "+-");
	size_t zeros = strspn(value + sign, "0");
	size_t whole = strspn(value + sign, DIGITS);
	const char *point = value + sign + whole;
	size_t fraction = *point == '.' ? strspn(point + 1, DIGITS) : 0;
	size_t kept = fraction;

	if (sign > 1 || point[fraction + (*point == '.')] != '\0' || whole + fraction == 0)
		return NULL;
	while (kept > 0 && point[kept] == '0')
		kept--;
	if (whole - zeros + kept > LIBXML2_DIGITS && kept == 0) {
		/* Still more digits than any bound of the schemas. */
		buffer_add(out, value, sign + zeros + LIBXML2_DIGITS);
		return "24-digits";
	}
	if (whole - zeros + kept > LIBXML2_DIGITS && kept <= 2) {
		buffer_add(out, value, sign + zeros + LIBXML2_DIGITS - 2);
		buffer_add(out, point, kept + 1);
		return "24-digits";
	}
	if (kept > 20) {
		/* Still more digits than any fractionDigits of the schemas. */
		buffer_add(out, value, sign + whole);
		buffer_add(out, point, 21);
		return "24-digits";
	}
	if (kept < fraction) {
		buffer_add(out, value, sign + whole);
		buffer_add(out, point, kept > 0 ? kept + 1 : 0);
		return "24-digits";
	}
	if (sign == 1 && (value[0] == '+' || zeros == whole)) {
		buffer_text(out, value + 1);
		return "unsigned-sign";
	}
	return NULL;
}

/* RFC 3986, 3.2.3: port = *DIGIT, so that "http://host:/" is a URI. */
static const char *repair_port(const char *value, struct buffer *out)
{
	const char *host = strstr(value, "://");
	size_t length = host != NULL ? strcspn(host + 3, "/?#") : 0;

	if (length == 0 || host[2 + length] != ':')
		return NULL;
	buffer_add(out, value, (size_t)(host + 2 + (ptrdiff_t)length - value));
	buffer_text(out, host + 3 + length);
	return "empty-port";
}

const char *known_repair_name(const char *value, struct buffer *out)
{
	bool beyond = false;

	buffer_clear(out);
	for (const char *at = value; *at != '\0'; at++) {
		if ((uint8_t)*at < 0x80) {
			buffer_byte(out, (uint8_t)*at);
			continue;
		}
		buffer_print(out, "x%02x", (uint8_t)*at);
		beyond = true;
	}
	return beyond ? "fifth-edition" : NULL;
}

const char *known_repair(const char *value, struct buffer *out)
{
	size_t before = strspn(value, BLANKS);
	size_t length = strlen(value + before);
	const char *name;

	buffer_clear(out);
	while (length > 0 && strchr(BLANKS, value[before + length - 1]) != NULL)
		length--;
	if (length < strlen(value)) {
		buffer_add(out, value + before, length);
		return "white-space";
	}
	name = repair_port(value, out);
	if (name == NULL)
		name = repair_seconds(value, out);
	return name != NULL ? name : repair_digits(value, out);
}
