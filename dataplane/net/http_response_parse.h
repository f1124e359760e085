/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a response and a chunked body (RFC 9112), as pure functions on bytes. What a server
 * sends is read as strictly as what a client sends; only the reason phrase may be missing.
 */
#ifndef NET_HTTP_RESPONSE_PARSE_H
#define NET_HTTP_RESPONSE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/net/http_field.h"

/* How the end of the body is found (RFC 9112 section 6.3). */
enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH,   /* content_length bytes */
	HTTP_CHUNKED,  /* see http_chunked_read() */
	HTTP_TO_CLOSE, /* until the connection ends */
};

struct http_response {
	/* progress; private */
	struct http_lines lines;
	uint32_t header_bytes_max;
	uint32_t field_count;
	bool begun;
	bool has_length, has_transfer_encoding;
	bool close, keep_alive;
	/* what was read */
	unsigned version_minor;
	int status; /* 100 .. 599; 1xx: another response follows */
	enum http_framing framing;
	uint64_t content_length;
	bool persistent; /* the connection may be used again after the body */
};

void http_response_begin(struct http_response *response, uint32_t header_bytes_max);

/* As http_request_parse(), for the response to a POST. fault->status says nothing here. */
int http_response_parse(struct http_response *response, const uint8_t *bytes, uint32_t length,
	struct http_fault *fault);

/* Where the reading of a chunked body stands. Begin with all zero. */
struct http_chunked {
	unsigned state;
	unsigned digits;
	uint32_t line_bytes; /* of chunk extension or trailer so far */
	uint64_t chunk;	     /* bytes missing of the chunk */
};

/* Where a body goes: bytes[length .. capacity) are free. */
struct http_sink {
	uint8_t *bytes; /* NULL: the body is thrown away, only counted in `length` */
	uint32_t capacity;
	uint32_t length;
};

/* Take all of bytes[0 .. length). 0, or -EMSGSIZE when they do not fit. */
int http_sink_add(struct http_sink *sink, const uint8_t *bytes, uint32_t length);

/* Decode bytes[0 .. length) into the sink. Returns the number of bytes taken when the body ends
 * with them (>= 1), -EAGAIN when all were taken and more is needed, -EMSGSIZE when the sink is
 * full, -EBADMSG when the bytes are no chunked body. Chunk extensions and trailers are dropped;
 * they may have HTTP_CHUNKED_LINE_BYTES_MAX bytes at each chunk and at the end. */
#define HTTP_CHUNKED_LINE_BYTES_MAX 4096
int http_chunked_read(struct http_chunked *chunked, const uint8_t *bytes, uint32_t length,
	struct http_sink *sink);

#endif
