/* SPDX-License-Identifier: Apache-2.0 */
/* The request parser: verdicts, every way to cut the input, and no byte read beyond it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/net/http_request_parse.h"

#define LIMIT 1024
#define AREA 8192

/* status 0: complete; consumed is the length unless `behind` bytes follow. */
struct row {
	const char *name;
	const char *text;
	int status;
	uint32_t offset; /* of the fault; checked when `reason` is given */
	const char *reason;
	uint32_t behind;
};

#define P "POST /a HTTP/1.1\r\n"
#define H P "Host: a\r\n"
#define NUL_HERE "\x01\x02" /* replaced by NUL in load() */

static const struct row rows[] = {
	/* Good */
	{"smallest", H "\r\n", 0, 0, NULL, 0},
	{"length", H "Content-Length: 5\r\n\r\n", 0, 0, NULL, 0},
	{"body follows", H "Content-Length: 5\r\n\r\nabcde", 0, 0, NULL, 5},
	{"pipelined", H "\r\n" H "\r\n", 0, 0, NULL, sizeof(H) + 1},
	{"one empty line before", "\r\n" H "\r\n", 0, 0, NULL, 0},
	{"HTTP/1.0 without Host", "POST /a HTTP/1.0\r\n\r\n", 0, 0, NULL, 0},
	{"HTTP/1.0 with Host", "POST /a HTTP/1.0\r\nHost: a\r\n\r\n", 0, 0, NULL, 0},
	{"unknown method", "FROB /a HTTP/1.1\r\nHost: a\r\n\r\n", 0, 0, NULL, 0},
	{"odd method", "a!#$%&'*+-.^_`|~9 /a HTTP/1.1\r\nHost: a\r\n\r\n", 0, 0, NULL, 0},
	{"query", "POST /a?b=c&d=%41? HTTP/1.1\r\nHost: a\r\n\r\n", 0, 0, NULL, 0},
	{"all of a path", "POST /a-._~!$&'()*+,;=:@%2fZ HTTP/1.1\r\nHost: a\r\n\r\n", 0, 0, NULL,
		0},
	{"empty value", H "X:\r\n\r\n", 0, 0, NULL, 0},
	{"blanks around the value", H "X: \t a \t\r\n\r\n", 0, 0, NULL, 0},
	{"no blank", H "X:a\r\n\r\n", 0, 0, NULL, 0},
	{"colon in the value", H "X: a:b\r\n\r\n", 0, 0, NULL, 0},
	{"tab in the value", H "X: a\tb\r\n\r\n", 0, 0, NULL, 0},
	{"bytes beyond ASCII in a value", H "X: \xc3\xa4\xff\r\n\r\n", 0, 0, NULL, 0},
	{"host with port", P "Host: a.b-c:8079\r\n\r\n", 0, 0, NULL, 0},
	{"host IPv6", P "hOsT: [::1]:80\r\n\r\n", 0, 0, NULL, 0},
	{"length with zeros", H "Content-Length: 0005\r\n\r\n", 0, 0, NULL, 0},
	{"length zero", H "Content-Length: 0\r\n\r\n", 0, 0, NULL, 0},
	{"huge length", H "Content-Length: 99999999999999999999999999\r\n\r\n", 0, 0, NULL, 0},
	{"transfer encoding alone", H "Transfer-Encoding: chunked\r\n\r\n", 0, 0, NULL, 0},
	{"unknown transfer encoding", H "Transfer-Encoding: xchunked\r\n\r\n", 0, 0, NULL, 0},
	{"connection list", H "Connection: , a,close ,\tb,\r\n\r\n", 0, 0, NULL, 0},
	{"two connections", H "Connection: close\r\nConnection: te\r\n\r\n", 0, 0, NULL, 0},
	{"expect", H "Expect: 100-Continue\r\n\r\n", 0, 0, NULL, 0},
	{"other expect", H "Expect: x\r\n\r\n", 0, 0, NULL, 0},
	{"name that begins alike", H "Content-Length-X: a\r\nContent-Lengt: b\r\n\r\n", 0, 0, NULL,
		0},
	{"underscore is another name", H "Content_Length: a\r\n\r\n", 0, 0, NULL, 0},
	/* Request line */
	{"empty line twice", "\r\n\r\n" H "\r\n", 400, 2, "malformed request line", 0},
	{"no version", "POST /a\r\n\r\n", 400, 0, NULL, 0},
	{"words only", "POST\r\n\r\n", 400, 4, "malformed request line", 0},
	{"two spaces", "POST  /a HTTP/1.1\r\n\r\n", 400, 0, NULL, 0},
	{"two spaces before the version", "POST /a  HTTP/1.1\r\n\r\n", 400, 7,
		"forbidden character in the target", 0},
	{"space first", " POST /a HTTP/1.1\r\n\r\n", 400, 0, NULL, 0},
	{"space last", "POST /a HTTP/1.1 \r\n\r\n", 400, 0, NULL, 0},
	{"tab between", "POST\t/a HTTP/1.1\r\n\r\n", 400, 4, NULL, 0},
	{"third word", "POST /a b HTTP/1.1\r\n\r\n", 400, 7, NULL, 0},
	{"no target", "POST HTTP/1.1\r\n\r\n", 400, 0, NULL, 0},
	{"method with parenthesis", "PO(T /a HTTP/1.1\r\n\r\n", 400, 2, NULL, 0},
	{"endless method", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /a HTTP/1.1\r\n\r\n", 400, 0, NULL,
		0},
	{"absolute form", "POST http://a/a HTTP/1.1\r\nHost: a\r\n\r\n", 400, 5,
		"the target is not a path", 0},
	{"authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 8, NULL, 0},
	{"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400, 8, NULL, 0},
	{"fragment", "POST /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, 7, NULL, 0},
	{"quote in the path", "POST /a\" HTTP/1.1\r\nHost: a\r\n\r\n", 400, 7, NULL, 0},
	{"backslash in the path", "POST /\\a HTTP/1.1\r\nHost: a\r\n\r\n", 400, 6, NULL, 0},
	{"byte beyond ASCII in the path", "POST /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 6,
		NULL, 0},
	{"short escape", "POST /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 7,
		"malformed escape in the target", 0},
	{"wrong escape", "POST /%4g HTTP/1.1\r\nHost: a\r\n\r\n", 400, 6, NULL, 0},
	{"escape in the query", "POST /?%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, 7, NULL, 0},
	{"version 2.0", "POST /a HTTP/2.0\r\nHost: a\r\n\r\n", 505, 8, NULL, 0},
	{"version 0.9", "POST /a HTTP/0.9\r\nHost: a\r\n\r\n", 505, 8, NULL, 0},
	{"version 1.2", "POST /a HTTP/1.2\r\nHost: a\r\n\r\n", 505, 8, NULL, 0},
	{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 6, NULL, 0},
	{"lower case version", "POST /a http/1.1\r\nHost: a\r\n\r\n", 400, 8, NULL, 0},
	{"long version", "POST /a HTTP/1.10\r\nHost: a\r\n\r\n", 400, 8, NULL, 0},
	{"short version", "POST /a HTTP/1\r\nHost: a\r\n\r\n", 400, 8, NULL, 0},
	{"version with letter", "POST /a HTTP/1.x\r\nHost: a\r\n\r\n", 400, 8, NULL, 0},
	{"other protocol", "POST /a HTTPS/1.1\r\nHost: a\r\n\r\n", 400, 8, NULL, 0},
	/* Ends of lines and control characters */
	{"LF only", "POST /a HTTP/1.1\nHost: a\n\n", 400, 16, "LF without CR", 0},
	{"LF in the header", H "X: a\nContent-Length: 5\r\n\r\n", 400, 31, "LF without CR", 0},
	{"LF ends the header", H "\n", 400, 27, "LF without CR", 0},
	{"CR only", H "X: a\rContent-Length: 5\r\n\r\n", 400, 31, "CR without LF", 0},
	{"CR CR LF", H "X: a\r\r\n\r\n", 400, 31, "CR without LF", 0},
	{"CR before the request", "\rPOST /a HTTP/1.1\r\n\r\n", 400, 0, "CR without LF", 0},
	{"NUL in a value", H "X: a" NUL_HERE "\r\n\r\n", 400, 31, "control character in the header",
		0},
	{"NUL in a name", H "X" NUL_HERE ": a\r\n\r\n", 400, 28, NULL, 0},
	{"NUL in the path", "POST /a" NUL_HERE " HTTP/1.1\r\n\r\n", 400, 7, NULL, 0},
	{"DEL in a value", H "X: a\x7f\r\n\r\n", 400, 31, "control character in the header", 0},
	{"vertical tab", H "X:\va\r\n\r\n", 400, 29, NULL, 0},
	{"escape character", H "X: \x1b[0m\r\n\r\n", 400, 30, NULL, 0},
	{"TLS", "\x16\x03\x01\x02", 400, 0, "control character in the header", 0},
	/* Fields */
	{"blank before the colon", H "X : a\r\n\r\n", 400, 28, "malformed header field name", 0},
	{"tab before the colon", H "X\t: a\r\n\r\n", 400, 28, NULL, 0},
	{"blank before the colon of a length", H "Content-Length : 5\r\n\r\n", 400, 41, NULL, 0},
	{"no name", H ": a\r\n\r\n", 400, 27, "malformed header field name", 0},
	{"no colon", H "nonsense\r\n\r\n", 400, 35, NULL, 0},
	{"blank in a name", H "X Y: a\r\n\r\n", 400, 28, NULL, 0},
	{"byte beyond ASCII in a name", H "X\xc3: a\r\n\r\n", 400, 28, NULL, 0},
	{"slash in a name", H "X/Y: a\r\n\r\n", 400, 28, NULL, 0},
	{"continued line", H "X: a\r\n b\r\n\r\n", 400, 33, "continued header line", 0},
	{"continued line by tab", H "X: a\r\n\tb\r\n\r\n", 400, 33, "continued header line", 0},
	{"continued first line", P " Host: a\r\n\r\n", 400, 18, "continued header line", 0},
	{"continued length", H "Content-Length:\r\n 5\r\n\r\n", 400, 42, NULL, 0},
	{"blank line of a blank", H " \r\n\r\n", 400, 27, "continued header line", 0},
	{"no Host", P "\r\n", 400, 18, "no Host", 0},
	{"two Hosts", H "Host: a\r\n\r\n", 400, 33, "more than one Host", 0},
	{"two Hosts that differ", H "host: b\r\n\r\n", 400, 33, NULL, 0},
	{"empty Host", P "Host:\r\n\r\n", 400, 23, "malformed Host", 0},
	{"Host with path", P "Host: a/b\r\n\r\n", 400, 24, "malformed Host", 0},
	{"Host with user", P "Host: u@a\r\n\r\n", 400, 24, NULL, 0},
	{"Host list", P "Host: a, b\r\n\r\n", 400, 24, NULL, 0},
	{"Host with blank", P "Host: a b\r\n\r\n", 400, 24, NULL, 0},
	{"malformed Connection", H "Connection: close;x\r\n\r\n", 400, 39, "malformed Connection",
		0},
	{"two types", H "Content-Type: a\r\nContent-Type: a\r\n\r\n", 400, 58, NULL, 0},
	/* Where does the body end? */
	{"two lengths", H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, 62,
		"more than one Content-Length", 0},
	{"two equal lengths", H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, 62,
		"more than one Content-Length", 0},
	{"list of lengths", H "Content-Length: 5, 5\r\n\r\n", 400, 43, "malformed Content-Length",
		0},
	{"two lengths in one", H "Content-Length: 5 5\r\n\r\n", 400, 43, NULL, 0},
	{"empty length", H "Content-Length:\r\n\r\n", 400, 42, NULL, 0},
	{"negative length", H "Content-Length: -1\r\n\r\n", 400, 43, NULL, 0},
	{"length with plus", H "Content-Length: +5\r\n\r\n", 400, 43, NULL, 0},
	{"hexadecimal length", H "Content-Length: 0x5\r\n\r\n", 400, 43, NULL, 0},
	{"length with point", H "Content-Length: 5.0\r\n\r\n", 400, 43, NULL, 0},
	{"length in quotes", H "Content-Length: \"5\"\r\n\r\n", 400, 43, NULL, 0},
	{"length with letter", H "Content-Length: 5b\r\n\r\n", 400, 43, NULL, 0},
	{"length in other digits", H "Content-Length: \xd9\xa5\r\n\r\n", 400, 43, NULL, 0},
	{"chunked and length", H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400, 74,
		"both Transfer-Encoding and Content-Length", 0},
	{"length and chunked", H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 74,
		NULL, 0},
	{"length and unknown coding", H "Content-Length: 5\r\nTransfer-Encoding: x\r\n\r\n", 400,
		68, NULL, 0},
	{"length and empty coding", H "Content-Length: 5\r\nTransfer-Encoding:\r\n\r\n", 400, 66,
		NULL, 0},
	{"coding before the colon", H "Transfer-Encoding : chunked\r\n\r\n", 400, 44, NULL, 0},
	{"coding on a continued line", H "Transfer-Encoding:\r\n chunked\r\n\r\n", 400, 47, NULL,
		0},
	{"coding with vertical tab",
		H "Transfer-Encoding: \x0b"
		  "chunked\r\n\r\n",
		400, 46, NULL, 0},
	{"coding in HTTP/1.0", "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 46,
		NULL, 0},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* The end of this area is followed by a page that cannot be read. */
static uint8_t *area_end;

static void area_open(void)
{
	uint8_t *area =
		mmap(NULL, AREA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert(area != MAP_FAILED);
	cr_assert_eq(mprotect(area + AREA, 4096, PROT_NONE), 0);
	area_end = area + AREA;
}

/* The row's text with its NUL; returns the length. */
static uint32_t load(const struct row *row, uint8_t *text)
{
	uint32_t length = 0;
	for (const char *at = row->text; *at != '\0'; at++) {
		if (at[0] == NUL_HERE[0] && at[1] == NUL_HERE[1]) {
			text[length++] = '\0';
			at++;
		} else {
			text[length++] = (uint8_t)*at;
		}
	}
	return length;
}

static int parse_at_end(struct http_request *request, const uint8_t *text, uint32_t length,
	struct http_fault *fault)
{
	memcpy(area_end - length, text, length);
	return http_request_parse(request, area_end - length, length, fault);
}

static void assert_verdict(
	const struct row *row, uint32_t length, int result, const struct http_fault *fault)
{
	if (row->status == 0) {
		cr_assert_eq(result, (int)(length - row->behind), "%s: %d %s", row->name, result,
			result == -EBADMSG ? fault->reason : "");
		return;
	}
	cr_assert_eq(result, -EBADMSG, "%s: %d", row->name, result);
	cr_assert_eq(
		fault->status, row->status, "%s: %d %s", row->name, fault->status, fault->reason);
	if (row->offset != 0 || row->reason != NULL)
		cr_assert_eq(fault->offset, row->offset, "%s: offset %u (%s)", row->name,
			fault->offset, fault->reason);
	if (row->reason != NULL)
		cr_assert_str_eq(fault->reason, row->reason, "%s", row->name);
}

Test(net_request, verdicts)
{
	uint8_t text[LIMIT];
	area_open();
	cr_assert_geq(ROW_COUNT, 80);
	for (unsigned i = 0; i < ROW_COUNT; i++) {
		struct http_request request;
		struct http_fault fault;
		uint32_t length = load(&rows[i], text);
		http_request_begin(&request, LIMIT);
		int result = parse_at_end(&request, text, length, &fault);
		assert_verdict(&rows[i], length, result, &fault);
	}
}

/* The verdict and all that was read is the same wherever the input was cut. */
Test(net_request, every_cut)
{
	uint8_t text[LIMIT];
	area_open();
	for (unsigned i = 0; i < ROW_COUNT; i++) {
		uint32_t length = load(&rows[i], text);
		struct http_request whole;
		struct http_fault whole_fault = {0, 0, NULL};
		http_request_begin(&whole, LIMIT);
		int whole_result = parse_at_end(&whole, text, length, &whole_fault);
		for (uint32_t cut = 0; cut < length; cut++) {
			struct http_request request;
			struct http_fault fault = {0, 0, NULL};
			http_request_begin(&request, LIMIT);
			int result = parse_at_end(&request, text, cut, &fault);
			if (result == -EAGAIN)
				result = parse_at_end(&request, text, length, &fault);
			cr_assert_eq(result, whole_result, "%s at %u", rows[i].name, cut);
			cr_assert_eq(fault.status, whole_fault.status, "%s", rows[i].name);
			cr_assert_eq(fault.offset, whole_fault.offset, "%s", rows[i].name);
			if (result > 0)
				cr_assert_eq(memcmp(&request, &whole, sizeof(whole)), 0, "%s at %u",
					rows[i].name, cut);
		}
	}
}

Test(net_request, byte_by_byte)
{
	uint8_t text[LIMIT];
	area_open();
	for (unsigned i = 0; i < ROW_COUNT; i++) {
		uint32_t length = load(&rows[i], text);
		struct http_request request;
		struct http_fault fault = {0, 0, NULL};
		int result = -EAGAIN;
		http_request_begin(&request, LIMIT);
		for (uint32_t have = 0; have <= length && result == -EAGAIN; have++)
			result = parse_at_end(&request, text, have, &fault);
		assert_verdict(&rows[i], length, result, &fault);
	}
}

static bool span_is(const uint8_t *bytes, struct http_span span, const char *text)
{
	return span.length == strlen(text) && memcmp(bytes + span.offset, text, span.length) == 0;
}

Test(net_request, what_was_read)
{
	static const char text[] =
		"POST /a/b?c=d?e HTTP/1.1\r\nHost: h:1\r\nContent-Type: A/B;c=d\r\n"
		"content-length: 00042\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n"
		"X: 1\r\nx: 2\r\nContent-Encoding: Identity\r\n\r\n";
	const uint8_t *bytes = (const uint8_t *)text;
	struct http_request request;
	struct http_fault fault;
	struct http_span value;
	http_request_begin(&request, LIMIT);
	cr_assert_eq(
		http_request_parse(&request, bytes, sizeof(text) - 1, &fault), sizeof(text) - 1);
	cr_assert(span_is(bytes, request.method, "POST"));
	cr_assert(span_is(bytes, request.path, "/a/b"));
	cr_assert(span_is(bytes, request.query, "c=d?e"));
	cr_assert_eq(request.version_minor, 1);
	cr_assert_eq(request.content_length, 42);
	cr_assert(request.has_length && request.keep_alive && request.expects_continue);
	cr_assert_not(request.close || request.expects_other || request.encoded ||
		      request.has_transfer_encoding);
	cr_assert(http_request_has_type(&request, bytes, "a/b"));
	cr_assert_not(http_request_has_type(&request, bytes, "a/bc"));
	cr_assert_not(http_request_has_type(&request, bytes, "a/"));
	cr_assert_eq(http_request_field(&request, bytes, "x", &value), 0);
	cr_assert(span_is(bytes, value, "1"), "the first of two");
	cr_assert_eq(http_request_field(&request, bytes, "host", &value), 0);
	cr_assert(span_is(bytes, value, "h:1"));
	cr_assert_eq(http_request_field(&request, bytes, "y", &value), -ENOENT);
	cr_assert_eq(http_request_field(&request, bytes, "", &value), -ENOENT);
}

Test(net_request, media_types)
{
	static const struct {
		const char *field;
		bool same;
	} types[] = {{"application/xml", true}, {"Application/XML;charset=utf-8", true},
		{"application/xml ; a=b", true}, {"application/xml\t;a", true},
		{"application/xmlx", false}, {"application/xm", false},
		{"application/xml application/xml", false}, {"application/xml,text/html", false},
		{"text/xml", false}, {"", false}, {";application/xml", false}};
	char text[256];
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct http_request request;
		struct http_fault fault;
		int length =
			snprintf(text, sizeof(text), H "Content-Type: %s\r\n\r\n", types[i].field);
		http_request_begin(&request, LIMIT);
		cr_assert_eq(
			http_request_parse(&request, (uint8_t *)text, (uint32_t)length, &fault),
			length);
		cr_assert_eq(http_request_has_type(&request, (uint8_t *)text, "application/xml"),
			types[i].same, "%s", types[i].field);
	}
}

Test(net_request, limits)
{
	static char text[8192];
	struct http_request request;
	struct http_fault fault;
	area_open();
	/* Exactly the limit fits, one byte more does not. */
	for (int more = 0; more < 2; more++) {
		size_t length = sizeof(H "X: \r\n\r\n") - 1;
		size_t fill = LIMIT - length + (size_t)more;
		memcpy(text, H "X: ", sizeof(H "X: ") - 1);
		memset(text + sizeof(H "X: ") - 1, 'a', fill);
		memcpy(text + sizeof(H "X: ") - 1 + fill, "\r\n\r\n", 4);
		http_request_begin(&request, LIMIT);
		int result =
			parse_at_end(&request, (uint8_t *)text, (uint32_t)(length + fill), &fault);
		if (more == 0) {
			cr_assert_eq(result, LIMIT);
		} else {
			cr_assert_eq(result, -EBADMSG);
			cr_assert_eq(fault.status, 431);
			cr_assert_eq(fault.offset, LIMIT);
		}
	}
	/* A line that never ends is refused as soon as it is too long. */
	memset(text, 'a', sizeof(text));
	http_request_begin(&request, LIMIT);
	cr_assert_eq(parse_at_end(&request, (uint8_t *)text, LIMIT - 1, &fault), -EAGAIN);
	cr_assert_eq(parse_at_end(&request, (uint8_t *)text, LIMIT, &fault), -EBADMSG);
	cr_assert_eq(fault.status, 431);
	/* Number of fields. */
	for (int count = HTTP_FIELDS_MAX - 1; count <= HTTP_FIELDS_MAX; count++) {
		size_t at = sizeof(H) - 1;
		memcpy(text, H, at);
		for (int i = 0; i < count; i++, at += 4)
			memcpy(text + at, "X:\r\n", 4);
		memcpy(text + at, "\r\n", 2);
		http_request_begin(&request, sizeof(text));
		int result = parse_at_end(&request, (uint8_t *)text, (uint32_t)at + 2, &fault);
		if (count < HTTP_FIELDS_MAX) {
			cr_assert_eq(result, (int)at + 2);
		} else {
			cr_assert_eq(result, -EBADMSG);
			cr_assert_eq(fault.status, 431);
		}
	}
}

/* Any single byte changed in a request: never a crash, and an accepted head is never longer than
 * what was given. */
Test(net_request, every_byte_changed)
{
	static const char text[] = H "Content-Type: application/xml\r\nContent-Length: 5\r\n"
				     "Connection: close\r\n\r\n";
	uint8_t changed[sizeof(text)];
	unsigned accepted = 0, refused = 0;
	area_open();
	for (uint32_t at = 0; at < sizeof(text) - 1; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			struct http_request request;
			struct http_fault fault = {0, 0, NULL};
			memcpy(changed, text, sizeof(text));
			changed[at] = (uint8_t)byte;
			http_request_begin(&request, LIMIT);
			int result = parse_at_end(&request, changed, sizeof(text) - 1, &fault);
			if (result > 0) {
				cr_assert_leq(result, (int)sizeof(text) - 1);
				accepted++;
			} else if (result == -EBADMSG) {
				cr_assert(fault.status == 400 || fault.status == 505);
				cr_assert_leq(fault.offset, sizeof(text) - 1);
				cr_assert_not_null(fault.reason);
				refused++;
			} else {
				cr_assert_eq(result, -EAGAIN);
			}
		}
	}
	cr_assert_gt(accepted, 1000);
	cr_assert_gt(refused, 1000);
}
