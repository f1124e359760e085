/* SPDX-License-Identifier: Apache-2.0 */
#include "control/xml_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void xml_text_free(struct xml_text *text)
{
	free(text->bytes);
	memset(text, 0, sizeof(*text));
}

void xml_text_raw(struct xml_text *text, const char *bytes, size_t length)
{
	if (text->failed)
		return;
	if (text->capacity - text->length <= length) {
		size_t wanted = text->capacity > 0 ? text->capacity : 512;

		while (wanted - text->length <= length)
			wanted *= 2;
		char *grown = realloc(text->bytes, wanted);
		if (grown == NULL) {
			text->failed = true;
			return;
		}
		text->bytes = grown;
		text->capacity = wanted;
	}
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

void xml_text_put(struct xml_text *text, const char *bytes)
{
	xml_text_raw(text, bytes, strlen(bytes));
}

void xml_text_escaped(struct xml_text *text, const char *bytes, size_t length)
{
	size_t start = 0;

	for (size_t i = 0; i < length; i++) {
		/* Canonical XML 1.0, 2.3: text nodes. */
		const char *escape = bytes[i] == '&'	? "&amp;"
				     : bytes[i] == '<'	? "&lt;"
				     : bytes[i] == '>'	? "&gt;"
				     : bytes[i] == '\r' ? "&#xD;"
							: NULL;
		if (escape == NULL)
			continue;
		xml_text_raw(text, bytes + start, i - start);
		xml_text_put(text, escape);
		start = i + 1;
	}
	xml_text_raw(text, bytes + start, length - start);
}

void xml_text_open(struct xml_text *text, const char *name)
{
	xml_text_put(text, "<sr:");
	xml_text_put(text, name);
	xml_text_put(text, ">");
}

void xml_text_close(struct xml_text *text, const char *name)
{
	xml_text_put(text, "</sr:");
	xml_text_put(text, name);
	xml_text_put(text, ">");
}

void xml_text_element(struct xml_text *text, const char *name, const char *value)
{
	xml_text_open(text, name);
	xml_text_escaped(text, value, strlen(value));
	xml_text_close(text, name);
}

void xml_text_number(struct xml_text *text, const char *name, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	xml_text_element(text, name, digits);
}
