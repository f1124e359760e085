/* SPDX-License-Identifier: Apache-2.0 */
#include "control/extract_http.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "control/feed_reply.h"
#include "control/http_answer.h"
#include "control/provider_extract.h"
#include "control/settlement_day.h"

/* The HTTP thread writes, the status reads: each number for itself. */
struct counters {
	_Atomic uint64_t begun;
	_Atomic uint64_t stale;
	_Atomic uint64_t refused;
	_Atomic uint64_t shed;
	_Atomic uint64_t broken;
};

struct extract_http {
	struct store *store;
	struct settlement_calendar *calendar;
	unsigned under_way;
	struct counters counters;
};

struct answer {
	struct extract_http *http;
	struct provider_extract extract;
	size_t at; /* of the piece */
};

struct extract_http *extract_http_create(struct store *store, char *reason, size_t reason_size)
{
	struct extract_http *http = calloc(1, sizeof(*http));

	if (http == NULL) {
		snprintf(reason, reason_size, "out of memory");
		return NULL;
	}
	http->store = store;
	http->calendar = settlement_open(NULL, reason, reason_size);
	if (http->calendar == NULL) {
		free(http);
		return NULL;
	}
	return http;
}

void extract_http_destroy(struct extract_http *http)
{
	if (http == NULL)
		return;
	settlement_close(http->calendar);
	free(http);
}

bool extract_http_wants(const char *url)
{
	return strncmp(url, EXTRACT_HTTP_BEFORE, strlen(EXTRACT_HTTP_BEFORE)) == 0;
}

struct extract_http_counters extract_http_counters(const struct extract_http *http)
{
	const struct counters *counters = &http->counters;

	return (struct extract_http_counters){
		.begun = atomic_load_explicit(&counters->begun, memory_order_relaxed),
		.stale = atomic_load_explicit(&counters->stale, memory_order_relaxed),
		.refused = atomic_load_explicit(&counters->refused, memory_order_relaxed),
		.shed = atomic_load_explicit(&counters->shed, memory_order_relaxed),
		.broken = atomic_load_explicit(&counters->broken, memory_order_relaxed),
	};
}

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- refusals ---- */

static enum MHD_Result refuse(
	struct MHD_Connection *connection, unsigned status, const char *reason)
{
	return http_answer(connection, status, feed_reply_refusal(reason), "GET");
}

static enum MHD_Result refuse_error(
	struct extract_http *http, struct MHD_Connection *connection, int error)
{
	switch (error) {
	case -ESTALE:
		count(&http->counters.stale);
		return refuse(connection, MHD_HTTP_GONE,
			"the changes since then are not known any more: fetch the whole again, "
			"without since");
	case -ENOENT:
		count(&http->counters.refused);
		return refuse(connection, MHD_HTTP_NOT_FOUND, "there is no such provider");
	case -EPERM:
		count(&http->counters.refused);
		return refuse(connection, MHD_HTTP_FORBIDDEN, "this extract is for S1SPs alone");
	case -EINVAL:
		count(&http->counters.refused);
		return refuse(connection, MHD_HTTP_BAD_REQUEST,
			"since takes the cursor of an earlier answer");
	default:
		count(&http->counters.shed);
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "not now");
	}
}

/* ---- the answer ---- */

/* Called when the connection takes more. An empty line where a long way led past the devices of
 * others: others are served meanwhile, too. */
static ssize_t read_piece(void *argument, uint64_t position, char *bytes, size_t max)
{
	struct answer *answer = argument;

	(void)position;
	if (answer->at == answer->extract.length) {
		int result = extract_next(&answer->extract);

		answer->at = 0;
		if (result == 0)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (result < 0) {
			count(&answer->http->counters.broken);
			return MHD_CONTENT_READER_END_WITH_ERROR;
		}
		if (answer->extract.length == 0) {
			bytes[0] = '\n';
			return 1;
		}
	}
	size_t left = answer->extract.length - answer->at;
	size_t length = left < max ? left : max;
	memcpy(bytes, answer->extract.text + answer->at, length);
	answer->at += length;
	return (ssize_t)length;
}

static void free_answer(void *argument)
{
	struct answer *answer = argument;

	answer->http->under_way--;
	extract_end(&answer->extract);
	free(answer);
}

/* The provider's name in the path. False: it is another path. */
static bool read_name(const char *url, char name[MW_NAME_SIZE])
{
	const char *begin = url + strlen(EXTRACT_HTTP_BEFORE);
	size_t length = strcspn(begin, "/");

	if (length == 0 || length >= MW_NAME_SIZE ||
		strcmp(begin + length, EXTRACT_HTTP_BEHIND) != 0)
		return false;
	memcpy(name, begin, length);
	name[length] = '\0';
	return true;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct answer *answer)
{
	bool csv = answer->extract.format == TABLE_CSV;
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, 64 * 1024, read_piece, answer, free_answer);

	if (response == NULL) {
		free_answer(answer);
		return MHD_NO;
	}
	count(&answer->http->counters.begun);
	MHD_add_response_header(response, EXTRACT_HTTP_CURSOR, answer->extract.cursor);
	MHD_add_response_header(
		response, "Content-Type", csv ? "text/csv; charset=utf-8" : "application/x-ndjson");
	enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_get(
	struct extract_http *http, struct MHD_Connection *connection, const char *name)
{
	const char *since = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "since");
	const char *format =
		MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "format");
	struct answer *answer = calloc(1, sizeof(*answer));

	if (answer == NULL)
		return refuse_error(http, connection, -ENOMEM);
	http->under_way++;
	answer->http = http;
	answer->extract.store = http->store;
	answer->extract.calendar = http->calendar;
	answer->extract.format = TABLE_JSON_LINES;
	if (format != NULL && !table_format_parse(format, &answer->extract.format)) {
		free_answer(answer);
		count(&http->counters.refused);
		return refuse(connection, MHD_HTTP_BAD_REQUEST, "format takes csv or jsonl");
	}
	int result = extract_begin(&answer->extract, name, since);
	if (result != 0) {
		free_answer(answer);
		return refuse_error(http, connection, result);
	}
	return send_answer(connection, answer);
}

enum MHD_Result extract_http_answer(struct extract_http *http, struct MHD_Connection *connection,
	const char *url, const char *method)
{
	char name[MW_NAME_SIZE];

	if (!read_name(url, name)) {
		count(&http->counters.refused);
		return refuse(connection, MHD_HTTP_NOT_FOUND,
			"there is only " EXTRACT_HTTP_BEFORE "NAME" EXTRACT_HTTP_BEHIND);
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0) {
		count(&http->counters.refused);
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET");
	}
	if (http->under_way >= EXTRACT_HTTP_MAX)
		return refuse_error(http, connection, -EBUSY);
	return answer_get(http, connection, name);
}
