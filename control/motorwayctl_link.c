/* SPDX-License-Identifier: Apache-2.0 */
#include "control/motorwayctl_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait for the next message. PEER_OK and *message, or the fault; STALLED when the time is over. */
static enum peer_fault wait_message(
	struct peer *peer, struct peer_message *message, int64_t until_ms)
{
	enum peer_fault fault = PEER_OK;

	for (;;) {
		int result = peer_next(peer, message, &fault);
		if (result != 0)
			return result > 0 ? PEER_OK : fault;
		fault = peer_flush(peer, now_ms());
		if (fault != PEER_OK)
			return fault;
		int64_t left = until_ms - now_ms();
		if (left <= 0)
			return PEER_FAULT_STALLED;
		struct pollfd waited = {
			.fd = peer->fd,
			.events = (short)(POLLIN | (peer_waiting(peer) > 0 ? POLLOUT : 0)),
		};
		if (poll(&waited, 1, (int)left) < 0 && errno != EINTR)
			return PEER_FAULT_SOCKET;
		fault = peer_receive(peer, now_ms());
		if (fault != PEER_OK)
			return fault;
	}
}

static int say_fault(const struct ctl_link *link, enum peer_fault fault)
{
	if (fault == PEER_FAULT_STALLED)
		fputs("motorwayctl: motorway-control did not answer in time\n", stderr);
	else
		fprintf(stderr, "motorwayctl: %s: %s\n", link->path, peer_fault_meaning(fault));
	return -1;
}

static enum peer_fault say_hello(struct ctl_link *link)
{
	struct mw_control_hello hello = {
		.role = MW_CONTROL_ROLE_OPERATOR,
		.pid = (uint32_t)getpid(),
	};
	struct peer_message message;
	enum peer_fault fault = peer_send(&link->peer, MW_CONTROL_HELLO,
		(struct peer_part){&hello, sizeof(hello)}, (struct peer_part){NULL, 0});

	if (fault == PEER_OK)
		fault = wait_message(&link->peer, &message, now_ms() + link->timeout_ms);
	if (fault == PEER_OK && message.header.type != MW_CONTROL_HELLO)
		fault = PEER_FAULT_ORDER;
	return fault;
}

int ctl_link_open(struct ctl_link *link, const char *path, int timeout_ms)
{
	int fd = connect_to(path);

	link->path = path;
	link->timeout_ms = timeout_ms;
	if (fd < 0) {
		bool absent = errno == ENOENT || errno == ECONNREFUSED;

		fprintf(stderr, "motorwayctl: %s: %s%s\n", path, strerror(errno),
			absent ? "; motorway-control is not running" : "");
		return -1;
	}
	peer_open(&link->peer, fd, MW_CONTROL_PAYLOAD_MAX);
	enum peer_fault fault = say_hello(link);
	if (fault == PEER_OK)
		return 0;
	say_fault(link, fault);
	peer_close(&link->peer);
	return -1;
}

void ctl_link_close(struct ctl_link *link)
{
	peer_close(&link->peer);
}

json_t *ctl_link_ask(struct ctl_link *link, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	struct peer_message message;
	json_t *reply = NULL;

	if (text == NULL || strlen(text) > PROTOCOL_COMMAND_BYTES_MAX) {
		fputs(text == NULL ? "motorwayctl: memory is short\n"
				   : "motorwayctl: the command is too long; give fewer words at a "
				     "time\n",
			stderr);
		free(text);
		return NULL;
	}
	enum peer_fault fault = peer_send(&link->peer, MW_CONTROL_COMMAND,
		(struct peer_part){NULL, 0}, (struct peer_part){text, strlen(text)});
	free(text);
	if (fault == PEER_OK)
		fault = wait_message(&link->peer, &message, now_ms() + link->timeout_ms);
	if (fault == PEER_OK && message.header.type != MW_CONTROL_REPLY)
		fault = PEER_FAULT_ORDER;
	if (fault == PEER_OK) {
		reply = json_loadb((const char *)message.payload, message.header.length, 0, NULL);
		if (!json_is_object(reply))
			fault = PEER_FAULT_PAYLOAD;
	}
	if (fault == PEER_OK)
		return reply;
	json_decref(reply);
	say_fault(link, fault);
	return NULL;
}

void ctl_link_refused(const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));

	fprintf(stderr, "motorwayctl: %s\n",
		error != NULL ? error : "motorway-control refused the command");
}
