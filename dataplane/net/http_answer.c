/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of answers. Every answer but 204 says its length; an answer that ends the connection says
 * so; a client of HTTP/1.0 is told when it does not.
 */
#include <assert.h>

#include "dataplane/net/http_connection.h"
#include "dataplane/net/http_text.h"

static const char *status_phrase(int status)
{
	switch (status) {
	case 100:
		return "Continue";
	case 200:
		return "OK";
	case 202:
		return "Accepted";
	case 204:
		return "No Content";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 409:
		return "Conflict";
	case 410:
		return "Gone";
	case 411:
		return "Length Required";
	case 413:
		return "Content Too Large";
	case 415:
		return "Unsupported Media Type";
	case 417:
		return "Expectation Failed";
	case 422:
		return "Unprocessable Content";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return status < 400 ? "OK" : "Error";
	}
}

/* The name of a refusal in its line of JSON. */
static const char *refusal_code(int status)
{
	switch (status) {
	case 404:
		return "path-unknown";
	case 405:
		return "method";
	case 408:
		return "too-slow";
	case 411:
		return "length-missing";
	case 413:
		return "too-large";
	case 415:
		return "content-type";
	case 417:
		return "expectation";
	case 431:
		return "header-too-large";
	case 503:
		return "capacity";
	case 505:
		return "version";
	default:
		return "malformed";
	}
}

static struct http_text head_begin(struct http_connection *connection, int status)
{
	struct http_text text = {.bytes = connection->out, .size = HTTP_OUT_SIZE};
	http_text_add(&text, "HTTP/1.1 ");
	http_text_number(&text, (uint64_t)status);
	http_text_add(&text, " ");
	http_text_add(&text, status_phrase(status));
	http_text_add(&text, "\r\n");
	return text;
}

static void head_end(struct http_text *text, const struct http_connection *connection)
{
	if (connection->served.close_after)
		http_text_add(text, "Connection: close\r\n");
	else if (connection->served.request.version_minor == 0)
		http_text_add(text, "Connection: keep-alive\r\n");
	http_text_add(text, "\r\n");
}

static void content_add(struct http_text *text, const char *content_type, uint32_t length)
{
	if (length > 0 && content_type[0] != '\0') {
		http_text_add(text, "Content-Type: ");
		http_text_add(text, content_type);
		http_text_add(text, "\r\n");
	}
	http_text_add(text, "Content-Length: ");
	http_text_number(text, length);
	http_text_add(text, "\r\n");
}

void http_answer_write(struct http_connection *connection, int status, const char *headers,
	const char *content_type)
{
	struct http_text text = head_begin(connection, status);
	if (status != 204)
		content_add(&text, content_type,
			connection->body_out != NULL ? connection->body_out->length : 0);
	http_text_add(&text, headers);
	head_end(&text, connection);
	assert(!text.full); /* see HTTP_HEADERS_MAX */
	connection->out_length = text.length;
}

void http_answer_refusal(struct http *http, struct http_connection *connection, int status,
	uint32_t offset, const char *reason)
{
	uint8_t line_bytes[256];
	struct http_text line = {.bytes = line_bytes, .size = sizeof(line_bytes)};
	http_text_add(&line, "{\"code\":\"");
	http_text_add(&line, refusal_code(status));
	http_text_add(&line, "\",\"offset\":");
	http_text_number(&line, offset);
	http_text_add(&line, ",\"reason\":\"");
	http_text_add(&line, reason);
	http_text_add(&line, "\"}\n");
	struct http_text text = head_begin(connection, status);
	content_add(&text, "application/json", line.length);
	if (status == 405)
		http_text_add(&text, "Allow: POST\r\n");
	if (status == 503) {
		http_text_add(&text, "Retry-After: ");
		http_text_number(&text, http->limits.retry_after_s);
		http_text_add(&text, "\r\n");
	}
	head_end(&text, connection);
	/* The answer to HEAD has no content, whatever it says about it. */
	const struct http_request *request = &connection->served.request;
	bool head_only = request->begun && http_span_is(connection->in, request->method, "head");
	if (!head_only) {
		assert(!text.full && line.length <= text.size - text.length);
		memcpy(text.bytes + text.length, line_bytes, line.length);
		text.length += line.length;
	}
	assert(!text.full && !line.full);
	connection->out_length = text.length;
}
