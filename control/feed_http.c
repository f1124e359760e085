/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns a request: the HTTP thread while its body arrives and from `answered` on; the queue and
 * then control's thread in between. It passes from one to the other under the lock. libmicrohttpd
 * lets a connection sleep (suspend) and be woken (resume) by another thread; it is put to sleep
 * before control can see the request, so that the waking never comes first.
 */
#include "control/feed_http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <microhttpd.h>

#include "control/feed_reply.h"
#include "control/http_answer.h"

struct request {
	struct MHD_Connection *connection;
	struct feed_http *http;
	char *body;
	size_t length;
	size_t capacity;
	uint8_t format;	       /* enum feed_format */
	unsigned early_status; /* decided while the body came; 0: none */
	/* Set by control's thread. */
	struct feed_outcome *outcomes;
	size_t outcome_count;
	int error; /* -errno of this request alone, or of the store */
	bool answered;
};

struct feed_http {
	struct MHD_Daemon *daemon;
	struct extract_http *extract; /* NULL: none */
	int event_fd;
	uint32_t body_bytes_max;
	uint32_t queue_max;
	pthread_mutex_t lock; /* of everything below, but `taken` */
	bool closing;
	uint32_t queue_count;
	struct request *queue[FEED_HTTP_QUEUE_MAX]; /* the oldest first */
	struct feed_http_counters counters;
	/* Control's thread alone. */
	uint32_t taken_count;
	struct request *taken[FEED_HTTP_QUEUE_MAX];
};

/* ---- the HTTP thread */

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, char *body)
{
	return http_answer(connection, status, body, "POST");
}

static enum MHD_Result refuse(struct request *request, unsigned status, const char *reason)
{
	struct feed_http *http = request->http;
	struct feed_http_counters *counters = &http->counters;

	pthread_mutex_lock(&http->lock);
	if (status == MHD_HTTP_CONTENT_TOO_LARGE)
		counters->too_large++;
	else if (status == MHD_HTTP_BAD_REQUEST)
		counters->malformed++;
	else if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		counters->shed++;
	else
		counters->not_for_us++;
	pthread_mutex_unlock(&http->lock);
	return reply(request->connection, status, feed_reply_refusal(reason));
}

/* The format by Content-Type; 0: another one. */
static uint8_t format_of(struct MHD_Connection *connection)
{
	const char *type = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);

	if (type == NULL)
		return FEED_ONE_OR_ARRAY;
	size_t length = strcspn(type, "; \t");
	if (length == strlen("application/json") &&
		strncasecmp(type, "application/json", length) == 0)
		return FEED_ONE_OR_ARRAY;
	if (length == strlen("application/x-ndjson") &&
		strncasecmp(type, "application/x-ndjson", length) == 0)
		return FEED_LINES;
	return 0;
}

static unsigned check_head(struct request *request, const char *url, const char *method)
{
	if (strcmp(url, FEED_HTTP_PATH) != 0)
		return MHD_HTTP_NOT_FOUND;
	if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return MHD_HTTP_METHOD_NOT_ALLOWED;
	request->format = format_of(request->connection);
	if (request->format == 0)
		return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
	const char *length = MHD_lookup_connection_value(
		request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (length != NULL && strtoull(length, NULL, 10) > request->http->body_bytes_max)
		return MHD_HTTP_CONTENT_TOO_LARGE;
	return 0;
}

/* Keep what came of the body; what is too much is not kept. */
static void take_body(struct request *request, const char *bytes, size_t length)
{
	size_t max = request->http->body_bytes_max;

	if (request->early_status != 0)
		return;
	if (length > max - request->length) {
		request->early_status = MHD_HTTP_CONTENT_TOO_LARGE;
		return;
	}
	if (request->length + length > request->capacity) {
		size_t capacity = request->capacity * 2 + 4096;

		if (capacity < request->length + length)
			capacity = request->length + length;
		char *body = realloc(request->body, capacity < max ? capacity : max);
		if (body == NULL) {
			request->early_status = MHD_HTTP_SERVICE_UNAVAILABLE;
			return;
		}
		request->body = body;
		request->capacity = capacity < max ? capacity : max;
	}
	memcpy(request->body + request->length, bytes, length);
	request->length += length;
}

static const char *reason_of(unsigned status)
{
	switch (status) {
	case MHD_HTTP_NOT_FOUND:
		return "there is only " FEED_HTTP_PATH;
	case MHD_HTTP_METHOD_NOT_ALLOWED:
		return "only POST";
	case MHD_HTTP_UNSUPPORTED_MEDIA_TYPE:
		return "only application/json and application/x-ndjson";
	case MHD_HTTP_CONTENT_TOO_LARGE:
		return "too many bytes or messages in one request";
	case MHD_HTTP_BAD_REQUEST:
		return "an array of messages that does not end, or has something behind it";
	default:
		return "not now; nothing was stored, send it again";
	}
}

/* Hand the request over: MHD_YES, and the connection sleeps; or the reply that there is no room. */
static enum MHD_Result hand_over(struct request *request)
{
	struct feed_http *http = request->http;

	pthread_mutex_lock(&http->lock);
	if (http->closing || http->queue_count == http->queue_max) {
		pthread_mutex_unlock(&http->lock);
		return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
			reason_of(MHD_HTTP_SERVICE_UNAVAILABLE));
	}
	MHD_suspend_connection(request->connection);
	http->queue[http->queue_count++] = request;
	http->counters.requests++;
	pthread_mutex_unlock(&http->lock);
	uint64_t one = 1;
	ssize_t written = write(http->event_fd, &one, sizeof(one));
	assert(written == sizeof(one));
	return MHD_YES;
}

static enum MHD_Result reply_outcomes(struct request *request)
{
	switch (request->error) {
	case 0:
		return reply(request->connection, MHD_HTTP_OK,
			feed_reply_outcomes(request->outcomes, request->outcome_count));
	case -EBADMSG:
		return refuse(request, MHD_HTTP_BAD_REQUEST, reason_of(MHD_HTTP_BAD_REQUEST));
	case -E2BIG:
		return refuse(
			request, MHD_HTTP_CONTENT_TOO_LARGE, reason_of(MHD_HTTP_CONTENT_TOO_LARGE));
	default:
		return reply(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			feed_reply_refusal(reason_of(MHD_HTTP_SERVICE_UNAVAILABLE)));
	}
}

/* Called when the head is there, for each part of the body, at its end, and when woken. */
static enum MHD_Result on_request(void *argument, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *bytes, size_t *length,
	void **state)
{
	struct request *request = *state;

	(void)version;
	if (request == NULL && extract_http_wants(url) &&
		((struct feed_http *)argument)->extract != NULL)
		return extract_http_answer(
			((struct feed_http *)argument)->extract, connection, url, method);
	if (request == NULL) {
		request = calloc(1, sizeof(*request));
		if (request == NULL)
			return MHD_NO;
		request->connection = connection;
		request->http = argument;
		*state = request;
		request->early_status = check_head(request, url, method);
		/* What is refused anyway need not send its body. */
		return request->early_status == 0 ? MHD_YES
						  : refuse(request, request->early_status,
							    reason_of(request->early_status));
	}
	if (*length > 0) {
		take_body(request, bytes, *length);
		*length = 0;
		return MHD_YES;
	}
	pthread_mutex_lock(&request->http->lock);
	bool answered = request->answered;
	pthread_mutex_unlock(&request->http->lock);
	if (answered)
		return reply_outcomes(request);
	if (request->early_status != 0)
		return refuse(request, request->early_status, reason_of(request->early_status));
	return hand_over(request);
}

static void on_completed(void *argument, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode how)
{
	struct request *request = *state;

	(void)argument;
	(void)connection;
	(void)how;
	if (request == NULL)
		return;
	free(request->body);
	free(request->outcomes);
	free(request);
	*state = NULL;
}

/* ---- opening and closing */

static int parse_address(const char *text, uint16_t port, struct sockaddr_storage *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		return 0;
	}
	return -EINVAL;
}

static uint32_t bounded(uint32_t value, uint32_t absent, uint32_t max)
{
	assert(value <= max);
	return value != 0 ? value : absent;
}

static int start_daemon(struct feed_http *http, const struct feed_http_options *options)
{
	struct sockaddr_storage address;
	const char *text = options->address != NULL ? options->address : "127.0.0.1";
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	int result = parse_address(text, options->port, &address);

	if (result != 0)
		return result;
	if (address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	errno = 0;
	http->daemon = MHD_start_daemon(flags, options->port, NULL, NULL, on_request, http,
		MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
		MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)bounded(options->connections_max, 64, FEED_HTTP_CONNECTIONS_MAX),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)FEED_HTTP_IDLE_S, MHD_OPTION_END);
	if (http->daemon == NULL)
		return errno != 0 ? -errno : -EADDRINUSE;
	return 0;
}

struct feed_http *feed_http_open(
	const struct feed_http_options *options, char *reason, size_t reason_size)
{
	struct feed_http *http = calloc(1, sizeof(*http));
	int result;

	if (http == NULL) {
		snprintf(reason, reason_size, "feed: out of memory");
		return NULL;
	}
	http->body_bytes_max =
		bounded(options->body_bytes_max, FEED_BATCH_BYTES_MAX, FEED_HTTP_BODY_BYTES_MAX);
	http->queue_max = bounded(options->queue_max, 64, FEED_HTTP_QUEUE_MAX);
	pthread_mutex_init(&http->lock, NULL);
	http->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = http->event_fd >= 0 ? 0 : -errno;
	if (result == 0 && options->store != NULL) {
		http->extract = extract_http_create(options->store, reason, reason_size);
		result = http->extract != NULL ? 0 : -EIO;
	}
	if (result == 0) {
		result = start_daemon(http, options);
		snprintf(reason, reason_size, "feed: cannot listen on %s port %u: %s",
			options->address != NULL ? options->address : "127.0.0.1", options->port,
			strerror(-result));
	}
	if (result == 0)
		return http;
	extract_http_destroy(http->extract);
	if (http->event_fd >= 0)
		close(http->event_fd);
	pthread_mutex_destroy(&http->lock);
	free(http);
	errno = -result;
	return NULL;
}

void feed_http_close(struct feed_http *http)
{
	if (http == NULL)
		return;
	pthread_mutex_lock(&http->lock);
	http->closing = true;
	for (uint32_t i = 0; i < http->queue_count; i++)
		http->taken[http->taken_count++] = http->queue[i];
	http->queue_count = 0;
	pthread_mutex_unlock(&http->lock);
	feed_http_answer(http, -ECANCELED, NULL);
	MHD_stop_daemon(http->daemon);
	extract_http_destroy(http->extract);
	close(http->event_fd);
	pthread_mutex_destroy(&http->lock);
	free(http);
}

uint16_t feed_http_port(const struct feed_http *http)
{
	const union MHD_DaemonInfo *information =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return information != NULL ? information->port : 0;
}

int feed_http_fd(const struct feed_http *http)
{
	return http->event_fd;
}

struct feed_http_counters feed_http_counters(struct feed_http *http)
{
	pthread_mutex_lock(&http->lock);
	struct feed_http_counters counters = http->counters;
	pthread_mutex_unlock(&http->lock);
	return counters;
}

struct extract_http_counters feed_http_extract_counters(const struct feed_http *http)
{
	return http->extract != NULL ? extract_http_counters(http->extract)
				     : (struct extract_http_counters){0};
}

/* ---- control's thread */

bool feed_http_waiting(struct feed_http *http)
{
	pthread_mutex_lock(&http->lock);
	bool waiting = http->queue_count > 0;
	pthread_mutex_unlock(&http->lock);
	return waiting;
}

/* Take the first requests; what is left keeps the event set. */
static void take(struct feed_http *http)
{
	uint64_t events;
	size_t bytes = 0;
	uint32_t count = 0;

	assert(http->taken_count == 0);
	pthread_mutex_lock(&http->lock);
	while (count < http->queue_count &&
		(count == 0 || bytes + http->queue[count]->length <= FEED_BATCH_BYTES_MAX)) {
		bytes += http->queue[count]->length;
		http->taken[count] = http->queue[count];
		count++;
	}
	http->queue_count -= count;
	memmove(http->queue, http->queue + count, http->queue_count * sizeof(http->queue[0]));
	if (http->queue_count == 0)
		while (read(http->event_fd, &events, sizeof(events)) > 0)
			;
	pthread_mutex_unlock(&http->lock);
	http->taken_count = count;
}

static int apply_request(struct request *request, struct store_change *change, int64_t now_ms)
{
	struct feed_batch batch = {
		.text = {request->body, request->length, request->format},
		.first_line = 1,
		.now_ms = now_ms,
	};
	int64_t count = feed_cut_count(batch.text);

	/* An empty body has no messages, and is no message. */
	if (count <= 0 && request->length == 0)
		count = -EBADMSG;
	if (count < 0 || count > FEED_BATCH_MESSAGES_MAX) {
		request->error = count < 0 ? (int)count : -E2BIG;
		return 0;
	}
	batch.outcomes_max = (size_t)count;
	batch.outcomes = calloc((size_t)count + 1, sizeof(*batch.outcomes));
	if (batch.outcomes == NULL)
		return -ENOMEM;
	request->outcomes = batch.outcomes;
	int result = feed_apply(change, &batch);
	request->outcome_count = batch.count;
	return result;
}

int feed_http_apply(struct feed_http *http, struct store_change *change, int64_t now_ms)
{
	take(http);
	for (uint32_t i = 0; i < http->taken_count; i++) {
		int result = apply_request(http->taken[i], change, now_ms);

		if (result != 0)
			return result;
	}
	return (int)http->taken_count;
}

void feed_http_answer(struct feed_http *http, int error, struct feed_counters *counters)
{
	for (uint32_t i = 0; i < http->taken_count; i++) {
		struct request *request = http->taken[i];
		struct MHD_Connection *connection = request->connection;

		/* A fault of its own is told when the store failed, too. */
		if (request->error == 0)
			request->error = error;
		if (request->error == 0 && counters != NULL)
			feed_count(counters, request->outcomes, request->outcome_count);
		pthread_mutex_lock(&http->lock);
		http->counters.committed += request->error == 0;
		http->counters.failed += request->error != 0 && request->error == error;
		request->answered = true;
		pthread_mutex_unlock(&http->lock);
		/* From here on the HTTP thread may have freed the request. */
		MHD_resume_connection(connection);
	}
	http->taken_count = 0;
}

int feed_http_turn(struct feed_http *http, struct store *store, int64_t now_ms,
	struct feed_counters *counters, uint64_t *number)
{
	*number = 0;
	if (!feed_http_waiting(http))
		return 0;
	struct store_change *change = store_begin(store);
	if (change == NULL) {
		int error = -errno;

		take(http);
		feed_http_answer(http, error, counters);
		return error;
	}
	int taken = feed_http_apply(http, change, now_ms);
	int result = taken;
	if (taken < 0)
		store_abandon(change);
	else
		result = store_commit(change, number);
	feed_http_answer(http, result < 0 ? result : 0, counters);
	return result < 0 ? result : taken;
}
