/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What requests and responses of HTTP/1.1 have in common: lines, field names and values (RFC 9110
 * section 5, RFC 9112 sections 2 and 5). Pure functions on bytes; strict: a line ends in CRLF, and
 * nothing but HTAB, visible characters, spaces and bytes >= 0x80 stands in it.
 */
#ifndef NET_HTTP_FIELD_H
#define NET_HTTP_FIELD_H

#include <stdbool.h>
#include <stdint.h>

/* Characters that are allowed somewhere; bits of http_character_class[]. */
#define HTTP_IN_LINE 1	   /* anywhere in a line */
#define HTTP_IN_TOKEN 2	   /* in a method or field name */
#define HTTP_IN_TARGET 4   /* in a path or query; "%" only before two hexadecimal digits */
#define HTTP_IN_HOST 8	   /* in the value of Host */
#define HTTP_IN_SEGMENT 16 /* in the path segment that "*" of a route takes */

extern const uint8_t http_character_class[256];

/* A part of the bytes being parsed, counted from their beginning. */
struct http_span {
	uint32_t offset;
	uint32_t length;
};

/* Where the reading of lines stands. Begin with all zero. */
struct http_lines {
	uint32_t line;	  /* where the line being read begins */
	uint32_t scanned; /* bytes before this have been looked at */
};

/* What is wrong with a message: the HTTP status that says so, where, and why. */
struct http_fault {
	int status;
	uint32_t offset;
	const char *reason; /* static text */
};

/* Take the next line of bytes[0 .. length). Returns 1 and the line without its CRLF; -EAGAIN when
 * it is not complete (call again with the same bytes and more behind them); -EBADMSG and *fault for
 * a forbidden character (400) or when the line would end beyond `limit` bytes (431). No byte is
 * looked at twice, but for a last CR. */
int http_line_next(struct http_lines *lines, const uint8_t *bytes, uint32_t length, uint32_t limit,
	struct http_span *line, struct http_fault *fault);

/* Split the field line `line` into name and value, white space around the value removed. 0, or
 * -EBADMSG and *fault (400): no name, a space before the colon, a continued line. */
int http_field_split(const uint8_t *bytes, struct http_span line, struct http_span *name,
	struct http_span *value, struct http_fault *fault);

/* Whether the span is `text`, whatever the case of ASCII letters; `text` is in lower case. */
bool http_span_is(const uint8_t *bytes, struct http_span span, const char *text);

/* Whether every character of the span has class `bit`. */
bool http_span_has_only(const uint8_t *bytes, struct http_span span, uint8_t bit);

/* The next element of a comma separated list of tokens, empty ones skipped; `*rest` is what is left
 * of the list. 1, 0 at the end, or -EBADMSG when an element is no token. */
int http_list_next(const uint8_t *bytes, struct http_span *rest, struct http_span *element);

/* The value of a Content-Length: digits only. 0 and *length (UINT64_MAX when it does not fit), or
 * -EBADMSG. */
int http_length_read(const uint8_t *bytes, struct http_span value, uint64_t *length);

/* What a Connection field says. 0, or -EBADMSG when it is no list of tokens. */
int http_connection_read(const uint8_t *bytes, struct http_span value, bool *close, bool *keep);

/* Always -EBADMSG; fills *fault. */
int http_fault_set(struct http_fault *fault, int status, uint32_t offset, const char *reason);

#endif
