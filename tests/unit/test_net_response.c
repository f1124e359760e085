/* SPDX-License-Identifier: Apache-2.0 */
/* The response parser and chunked bodies. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "dataplane/net/http_response_parse.h"

#define LIMIT 1024
#define OK "HTTP/1.1 200 OK\r\n"

struct row {
	const char *text;
	int status; /* 0: refused */
	enum http_framing framing;
	uint64_t length;
	bool persistent;
};

static const struct row rows[] = {
	{OK "Content-Length: 5\r\n\r\n", 200, HTTP_LENGTH, 5, true},
	{OK "Content-Length: 0\r\n\r\n", 200, HTTP_NO_BODY, 0, true},
	{OK "content-length:0005\r\n\r\n", 200, HTTP_LENGTH, 5, true},
	{OK "\r\n", 200, HTTP_TO_CLOSE, 0, false},
	{OK "Transfer-Encoding: chunked\r\n\r\n", 200, HTTP_CHUNKED, 0, true},
	{OK "Transfer-Encoding: Chunked\r\nConnection: close\r\n\r\n", 200, HTTP_CHUNKED, 0, false},
	{OK "Content-Length: 5\r\nConnection: x, close\r\n\r\n", 200, HTTP_LENGTH, 5, false},
	{"HTTP/1.1 204 No Content\r\n\r\n", 204, HTTP_NO_BODY, 0, true},
	{"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, HTTP_NO_BODY, 5, true},
	{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, HTTP_NO_BODY, 5, true},
	{"HTTP/1.1 100 Continue\r\n\r\n", 100, HTTP_NO_BODY, 0, true},
	{"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", 200, HTTP_LENGTH, 1, true},
	{"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", 200, HTTP_LENGTH, 1, true},
	{"HTTP/1.1 500 Gr\xc3\xb6\xc3\x9f"
	 "er\r\nContent-Length: 1\r\n\r\n",
		500, HTTP_LENGTH, 1, true},
	{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", 200, HTTP_LENGTH, 1, false},
	{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\n", 200, HTTP_LENGTH,
		1, true},
	{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", 200, HTTP_TO_CLOSE, 0, false},
	{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, 0, false},
	{"HTTP/1.1 101 Switching Protocols\r\n\r\n", 0, 0, 0, false},
	{"HTTP/2.0 200 OK\r\n\r\n", 0, 0, 0, false},
	{"HTTP/1.2 200 OK\r\n\r\n", 0, 0, 0, false},
	{"HTTP/1.1 20 OK\r\n\r\n", 0, 0, 0, false},
	{"HTTP/1.1 2000 OK\r\n\r\n", 0, 0, 0, false},
	{"HTTP/1.1 099 OK\r\n\r\n", 0, 0, 0, false},
	{"HTTP/1.1 600 OK\r\n\r\n", 0, 0, 0, false},
	{"HTTP/1.1  200 OK\r\n\r\n", 0, 0, 0, false},
	{"HTTP/1.1 200x\r\n\r\n", 0, 0, 0, false},
	{"http/1.1 200 OK\r\n\r\n", 0, 0, 0, false},
	{"\r\nHTTP/1.1 200 OK\r\n\r\n", 0, 0, 0, false},
	{"ICY 200 OK\r\n\r\n", 0, 0, 0, false},
	{"HTTP/1.1 200 OK\n\n", 0, 0, 0, false},
	{OK "X : a\r\n\r\n", 0, 0, 0, false},
	{OK "X: a\r\n b\r\n\r\n", 0, 0, 0, false},
	{OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 0, 0, 0, false},
	{OK "Content-Length: 5, 5\r\n\r\n", 0, 0, 0, false},
	{OK "Content-Length: -5\r\n\r\n", 0, 0, 0, false},
	{OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, 0, false},
	{OK "Transfer-Encoding: gzip, chunked\r\n\r\n", 0, 0, 0, false},
	{OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, 0, false},
	{OK "Transfer-Encoding: identity\r\n\r\n", 0, 0, 0, false},
	{OK "Connection: a;b\r\n\r\n", 0, 0, 0, false},
};

Test(net_response, verdicts_at_every_cut)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *bytes = (const uint8_t *)rows[i].text;
		uint32_t length = (uint32_t)strlen(rows[i].text);
		for (uint32_t cut = 0; cut <= length; cut++) {
			struct http_response response;
			struct http_fault fault;
			http_response_begin(&response, LIMIT);
			int result = http_response_parse(&response, bytes, cut, &fault);
			if (result == -EAGAIN)
				result = http_response_parse(&response, bytes, length, &fault);
			if (rows[i].status == 0) {
				cr_assert_eq(result, -EBADMSG, "row %u", i);
				continue;
			}
			cr_assert_eq(result, (int)length, "row %u", i);
			cr_assert_eq(response.status, rows[i].status, "row %u", i);
			cr_assert_eq(response.framing, rows[i].framing, "row %u", i);
			cr_assert_eq(response.content_length, rows[i].length, "row %u", i);
			cr_assert_eq(response.persistent, rows[i].persistent, "row %u", i);
		}
	}
}

static const struct {
	const char *text;
	int result; /* length taken, or -errno */
	const char *body;
} chunked_rows[] = {
	{"0\r\n\r\n", 5, ""},
	{"3\r\nabc\r\n0\r\n\r\n", 13, "abc"},
	{"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nnext", 20, "abcde"},
	{"0a\r\n0123456789\r\n000\r\n\r\n", 23, "0123456789"},
	{"A\r\n0123456789\r\n0\r\n\r\n", 20, "0123456789"},
	{"3;a=b;c=\"d\"\r\nabc\r\n0\r\n\r\n", 23, "abc"},
	{"3 \r\nabc\r\n0\r\n\r\n", 14, "abc"},
	{"3\r\nabc\r\n0\r\nX: a\r\nY: b\r\n\r\n", 25, "abc"},
	{"3\r\na\r\n\r\n0\r\n\r\n", 13, "a\r\n"},
	{"", -EAGAIN, ""},
	{"3", -EAGAIN, ""},
	{"3\r\nab", -EAGAIN, "ab"},
	{"3\r\nabc\r\n0\r\n\r", -EAGAIN, "abc"},
	{"\r\n", -EBADMSG, ""},
	{"g\r\n", -EBADMSG, ""},
	{"-1\r\n", -EBADMSG, ""},
	{"0x3\r\nabc", -EBADMSG, ""},
	{" 3\r\nabc", -EBADMSG, ""},
	{"3\nabc\n0\n\n", -EBADMSG, ""},
	{"3\r\nabcd", -EBADMSG, "abc"},
	{"3\r\nabc\n", -EBADMSG, "abc"},
	{"3\r\nabc\r\r", -EBADMSG, "abc"},
	{"3\r\nabc\r\n0\r\n\rx", -EBADMSG, "abc"},
	{"3;\x01\r\nabc", -EBADMSG, ""},
	{"3;a\nb\r\nabc", -EBADMSG, ""},
	{"000000003\r\nabc", -EBADMSG, ""},
	{"ffffffff\r\nabc", -EAGAIN, "abc"},
	{"11\r\n01234567890123456\r\n", -EMSGSIZE, ""},
	{"10\r\n0123456789012345\r\n1\r\nx", -EMSGSIZE, "0123456789012345"},
};

Test(net_response, chunked_bodies_at_every_cut)
{
	for (unsigned i = 0; i < sizeof(chunked_rows) / sizeof(chunked_rows[0]); i++) {
		const uint8_t *bytes = (const uint8_t *)chunked_rows[i].text;
		uint32_t length = (uint32_t)strlen(chunked_rows[i].text);
		for (uint32_t cut = 0; cut <= length; cut++) {
			struct http_chunked chunked = {0, 0, 0, 0};
			uint8_t body[16];
			struct http_sink sink = {body, sizeof(body), 0};
			int result = http_chunked_read(&chunked, bytes, cut, &sink);
			if (result == -EAGAIN) {
				result = http_chunked_read(
					&chunked, bytes + cut, length - cut, &sink);
				if (result > 0)
					result += (int)cut;
			}
			cr_assert_eq(result, chunked_rows[i].result, "row %u cut %u: %d", i, cut,
				result);
			if (result == -EMSGSIZE)
				continue; /* how much fitted before depends on the cut */
			cr_assert_eq(sink.length, strlen(chunked_rows[i].body), "row %u", i);
			cr_assert_eq(
				memcmp(body, chunked_rows[i].body, sink.length), 0, "row %u", i);
		}
	}
}

Test(net_response, chunked_extensions_and_trailers_are_bounded)
{
	static const char *const begin[] = {"3;", "0\r\n"};
	static uint8_t many[HTTP_CHUNKED_LINE_BYTES_MAX];
	for (int i = 0; i < 2; i++) {
		struct http_chunked chunked = {0, 0, 0, 0};
		struct http_sink sink = {NULL, 0, 0};
		memset(many, 'x', sizeof(many));
		cr_assert_eq(http_chunked_read(&chunked, (const uint8_t *)begin[i],
				     (uint32_t)strlen(begin[i]), &sink),
			-EAGAIN);
		cr_assert_eq(http_chunked_read(&chunked, many, sizeof(many), &sink), -EAGAIN);
		cr_assert_eq(http_chunked_read(&chunked, many, 1, &sink), -EBADMSG);
	}
}
