/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a request: request line and header fields (RFC 9112), as a pure function on bytes.
 *
 * Decisions where the RFC leaves room, all on the strict side: only the origin form of a target is
 * taken; one empty line may stand before the request line; bytes >= 0x80 are allowed in values of
 * fields that are not read here; a Content-Length must be one field of digits only.
 */
#ifndef NET_HTTP_REQUEST_PARSE_H
#define NET_HTTP_REQUEST_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/net/http_field.h"

#define HTTP_FIELDS_MAX 100 /* more header fields: 431 */

struct http_request {
	/* progress; private */
	struct http_lines lines;
	uint32_t header_bytes_max;
	uint32_t field_count;
	bool begun;	    /* the request line has been read */
	bool empty_skipped; /* an empty line stood before it */
	/* what was read; spans count from the first byte given to the parser */
	struct http_span method;
	struct http_span path;	 /* the target up to "?" */
	struct http_span query;	 /* behind "?", or empty */
	struct http_span fields; /* all header lines, for http_request_field() */
	struct http_span content_type;
	unsigned version_minor; /* of HTTP/1.x */
	uint64_t content_length;
	bool has_host, has_length, has_transfer_encoding, has_content_type;
	bool close, keep_alive; /* said by Connection */
	bool expects_continue;	/* Expect: 100-continue, in HTTP/1.1 */
	bool expects_other;	/* any other Expect */
	bool encoded;		/* Content-Encoding other than identity */
};

/* Begin with a new request whose head may have `header_bytes_max` bytes. */
void http_request_begin(struct http_request *request, uint32_t header_bytes_max);

/* Go on parsing bytes[0 .. length), which begin with the bytes of the calls before (at whatever
 * address). Returns the length of the head when it is complete, -EAGAIN when more is needed, or
 * -EBADMSG and *fault: status 400 (malformed), 431 (too large) or 505 (not HTTP/1.0 or 1.1). Each
 * byte is looked at once. What is well-formed but cannot be served (method, path, length, type) is
 * for the caller to decide. */
int http_request_parse(struct http_request *request, const uint8_t *bytes, uint32_t length,
	struct http_fault *fault);

/* The value of the first field called `name` (lower case). 0 and *value, or -ENOENT. */
int http_request_field(const struct http_request *request, const uint8_t *bytes, const char *name,
	struct http_span *value);

/* Whether the request's media type is `type` (lower case), parameters ignored. */
bool http_request_has_type(
	const struct http_request *request, const uint8_t *bytes, const char *type);

#endif
