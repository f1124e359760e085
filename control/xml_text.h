/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing canonical XML of the DUIS namespace: prefix sr, no declarations, no white space between
 * elements, start and end tags instead of empty-element tags, text escaped as inclusive C14N 1.0
 * escapes it. A growing buffer: after the first allocation failure it stays `failed` and what is
 * appended is dropped, so that callers check once at the end.
 */
#ifndef CONTROL_XML_TEXT_H
#define CONTROL_XML_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XML_DUIS_NAMESPACE "http://www.dccinterface.co.uk/ServiceUserGateway"

struct xml_text {
	char *bytes; /* NUL-terminated when not NULL */
	size_t length;
	size_t capacity;
	bool failed;
};

/* Free the buffer; the struct is empty then and may be used again. */
void xml_text_free(struct xml_text *text);

/* Append `bytes` as they are. */
void xml_text_raw(struct xml_text *text, const char *bytes, size_t length);

/* Append a string literal or other NUL-terminated text as it is. */
void xml_text_put(struct xml_text *text, const char *bytes);

/* Append character data, escaped. */
void xml_text_escaped(struct xml_text *text, const char *bytes, size_t length);

/* Append <sr:name> or </sr:name>. */
void xml_text_open(struct xml_text *text, const char *name);
void xml_text_close(struct xml_text *text, const char *name);

/* Append <sr:name>value</sr:name>, the value escaped. */
void xml_text_element(struct xml_text *text, const char *name, const char *value);

/* The same for a number. */
void xml_text_number(struct xml_text *text, const char *name, uint64_t value);

#endif
