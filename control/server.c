/* SPDX-License-Identifier: Apache-2.0 */
#include "control/server.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOTHING ((struct peer_part){NULL, 0})
#define PART(object) ((struct peer_part){&(object), sizeof(object)})

int server_create(struct server *server, struct reference *reference, uint64_t dsp_eui,
	struct server_time now, FILE *log)
{
	memset(server, 0, sizeof(*server));
	server->listener.fd = -1;
	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++)
		server->peers[i].fd = -1;
	server->reference = reference;
	server->services.reference = reference;
	server->link.reference = reference;
	server->link.ledger = &server->ledger;
	server->link.services = &server->services;
	server->link.quarantine = &server->quarantine;
	server->link.dsp_eui = dsp_eui;
	server->link.log = log;
	server->log = log;
	server->started_ms = now.monotonic_ms;
	return 0;
}

static int refuse_store(char *reason, size_t size, const char *what)
{
	int error = errno != 0 ? errno : EIO;

	snprintf(reason, size, "%s in the store cannot be read: %s", what, strerror(error));
	return -error;
}

int server_use_store(struct server *server, struct store *store, struct server_time now,
	char *reason, size_t reason_size)
{
	server->services.store = store;
	server->ledger.store = store;
	server->schedules = schedules_open(&server->ledger, now.wall_ms);
	if (server->schedules == NULL)
		return refuse_store(reason, reason_size, "the schedules");
	server->alerts = alerts_open(&server->ledger, now.wall_ms);
	if (server->alerts == NULL)
		return refuse_store(reason, reason_size, "the alerts");
	int result = quarantine_open(&server->quarantine, &server->ledger, now.wall_ms);
	if (result == 0)
		result = ledger_commit(&server->ledger);
	if (result != 0) {
		ledger_abandon(&server->ledger);
		errno = -result;
		return refuse_store(reason, reason_size, "the decisions about held requests");
	}
	const struct removal_setup setup = {
		&server->ledger, server->schedules, server->alerts, server->log};
	server->removal = removal_open(&setup, reason, reason_size);
	if (server->removal == NULL)
		return errno != 0 ? -errno : -EIO;
	server->services.schedules = server->schedules;
	server->services.removal = server->removal;
	server->link.schedules = server->schedules;
	server->link.alerts = server->alerts;
	return 0;
}

int server_listen(struct server *server, const char *path)
{
	return listener_open(&server->listener, path, server->log);
}

static const char *role_text(const struct peer *peer)
{
	switch (peer->role) {
	case MW_CONTROL_ROLE_DATA_PLANE:
		return "data plane";
	case MW_CONTROL_ROLE_OPERATOR:
		return "operator";
	default:
		return "peer without hello";
	}
}

static void disconnect(
	struct server *server, struct peer *peer, enum peer_fault fault, struct server_time now)
{
	bool quiet = fault == PEER_FAULT_STOPPED ||
		     (fault == PEER_FAULT_CLOSED && peer->role != MW_CONTROL_ROLE_DATA_PLANE) ||
		     (fault == PEER_FAULT_SECOND_DATA_PLANE && server->second_logged);

	server->counters.disconnected[fault]++;
	if (fault == PEER_FAULT_SECOND_DATA_PLANE)
		server->second_logged = true;
	if (!quiet)
		fprintf(server->log, "motorway-control: %s (pid %" PRIu32 ") disconnected: %s\n",
			role_text(peer), peer->pid, peer_fault_meaning(fault));
	if (server->link.peer == peer) {
		link_disconnect(&server->link, now);
		server->status_asked = false;
		server->second_logged = false;
	}
	peer_close(peer);
}

/* Make durable what was done since the last commit. When that fails nobody may be told: the data
 * plane, whose messages it was about, begins anew, and what is known comes from the store again.
 * Returns whether it is durable. */
static bool commit_ledger(struct server *server, struct server_time now)
{
	int result = ledger_commit(&server->ledger);

	if (result == 0)
		return true;
	fprintf(server->log, "motorway-control: the store did not take a change: %s\n",
		strerror(-result));
	if (server->link.peer != NULL)
		disconnect(server, server->link.peer, PEER_FAULT_STORE, now);
	ledger_abandon(&server->ledger);
	schedules_forget(server->schedules);
	alerts_forget(server->alerts);
	removal_forget(server->removal);
	return false;
}

static void accept_peers(struct server *server, struct server_time now)
{
	for (;;) {
		struct peer *peer = server->peers;
		int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		server->counters.accepted++;
		while (peer < server->peers + SERVER_PEERS_MAX && peer->fd >= 0)
			peer++;
		if (peer == server->peers + SERVER_PEERS_MAX) {
			server->counters.disconnected[PEER_FAULT_FULL]++;
			close(fd);
			continue;
		}
		/* Until its hello says who it is, a hello is all it may send. */
		peer_open(peer, fd, sizeof(struct mw_control_hello));
		peer->hello_by_ms = now.monotonic_ms + SERVER_HELLO_MS;
	}
}

static unsigned operator_count(const struct server *server)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++)
		count += server->peers[i].fd >= 0 &&
			 server->peers[i].role == MW_CONTROL_ROLE_OPERATOR;
	return count;
}

static enum peer_fault take_hello(struct server *server, struct peer *peer,
	const struct peer_message *message, struct server_time now)
{
	struct mw_control_hello hello;
	struct mw_control_hello reply = {
		.role = MW_CONTROL_ROLE_CONTROL,
		.pid = (uint32_t)getpid(),
		.generation = server->reference->generation,
		.offset = reference_record_count(server->reference),
	};

	if (message->header.type != MW_CONTROL_HELLO)
		return PEER_FAULT_ORDER;
	memcpy(&hello, message->payload, sizeof(hello));
	peer->pid = hello.pid;
	if (hello.role == MW_CONTROL_ROLE_CONTROL)
		return PEER_FAULT_PAYLOAD;
	if (hello.role == MW_CONTROL_ROLE_DATA_PLANE && server->link.peer != NULL)
		return PEER_FAULT_SECOND_DATA_PLANE;
	if (hello.role == MW_CONTROL_ROLE_OPERATOR &&
		operator_count(server) == SERVER_OPERATORS_MAX)
		return PEER_FAULT_FULL;
	peer->role = (enum mw_control_role)hello.role;
	peer->hello_by_ms = 0;
	enum peer_fault fault = peer_send(peer, MW_CONTROL_HELLO, PART(reply), NOTHING);
	if (peer->role == MW_CONTROL_ROLE_OPERATOR) {
		peer->payload_max = PROTOCOL_COMMAND_BYTES_MAX;
		return fault;
	}
	peer->payload_max = MW_CONTROL_PAYLOAD_MAX;
	fprintf(server->log, "motorway-control: data plane (pid %" PRIu32 ") connected\n",
		hello.pid);
	return fault == PEER_OK ? link_connect(&server->link, peer, &hello, now) : fault;
}

static enum peer_fault reply(struct peer *peer, char *text)
{
	if (text == NULL)
		return PEER_FAULT_MEMORY;
	enum peer_fault fault =
		peer_send(peer, MW_CONTROL_REPLY, NOTHING, (struct peer_part){text, strlen(text)});
	free(text);
	return fault;
}

static enum peer_fault ask_status(struct server *server)
{
	if (server->status_asked)
		return PEER_OK;
	server->status_asked = true;
	return peer_send(server->link.peer, MW_CONTROL_STATUS_REQUEST, NOTHING, NOTHING);
}

static enum peer_fault take_command(struct server *server, struct peer *peer,
	const struct peer_message *message, struct server_time now)
{
	bool wait = false;

	/* One command at a time: a second one before the reply is out of order. */
	if (peer->status_wanted || peer->awaited != 0)
		return PEER_FAULT_ORDER;
	server->counters.commands++;
	server->asked = false;
	char *text = server_command(server, message->payload, message->header.length, &wait, now);
	if (!commit_ledger(server, now) && text != NULL) {
		free(text);
		text = strdup("{\"ok\":false,\"error\":\"the store did not take the change\"}");
	}
	if (server->asked) {
		free(text);
		server_question_begin(server, peer, now);
		return PEER_OK;
	}
	if (!wait)
		return reply(peer, text);
	if (server->link.peer == NULL)
		return reply(peer,
			server_status_reply(server, NULL, 0, "no data plane is connected", now));
	peer->status_wanted = true;
	peer->status_by_ms = now.monotonic_ms + SERVER_STATUS_MS;
	enum peer_fault fault = ask_status(server);
	if (fault != PEER_OK)
		disconnect(server, server->link.peer, fault, now);
	return PEER_OK;
}

/* Reply to every operator that waits for the status (all of them), or whose time is over. */
static void reply_status(struct server *server, const struct peer_message *status, bool all,
	const char *missing, struct server_time now)
{
	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++) {
		struct peer *peer = &server->peers[i];

		if (peer->fd < 0 || !peer->status_wanted ||
			!(all || now.monotonic_ms >= peer->status_by_ms))
			continue;
		peer->status_wanted = false;
		enum peer_fault fault = reply(
			peer, server_status_reply(server, status != NULL ? status->payload : NULL,
				      status != NULL ? status->header.length : 0, missing, now));
		if (fault != PEER_OK)
			disconnect(server, peer, fault, now);
	}
}

static enum peer_fault take_message(struct server *server, struct peer *peer,
	const struct peer_message *message, struct server_time now)
{
	enum mw_control_type type = (enum mw_control_type)message->header.type;

	if (peer->role == 0)
		return take_hello(server, peer, message, now);
	if (!protocol_from_role(type, peer->role))
		return PEER_FAULT_ORDER;
	if (type == MW_CONTROL_COMMAND)
		return take_command(server, peer, message, now);
	if (type == MW_CONTROL_DECISIONS || type == MW_CONTROL_REPLAY_RESET_DONE)
		return server_question_answer(server, message, now);
	if (type != MW_CONTROL_STATUS)
		return link_message(&server->link, message, now);
	/* One answer to each question; it counts also when operators no longer wait for it. */
	if (!server->status_asked)
		return PEER_FAULT_ORDER;
	server->status_asked = false;
	reply_status(server, message, true, NULL, now);
	return PEER_OK;
}

/* Take the peer's messages while it takes our answers. */
static enum peer_fault take_messages(
	struct server *server, struct peer *peer, struct server_time now)
{
	struct peer_message message;
	enum peer_fault fault = PEER_OK;

	while (fault == PEER_OK) {
		if (peer_waiting(peer) >= LINK_OUTPUT_BYTES_MAX) {
			server->again = true;
			return PEER_OK;
		}
		int result = peer_next(peer, &message, &fault);
		if (result <= 0)
			break;
		fault = take_message(server, peer, &message, now);
		/* Taking a message may have closed this very peer. */
		if (peer->fd < 0)
			return PEER_OK;
	}
	return fault;
}

static enum peer_fault check_stalled(const struct peer *peer, int64_t now_ms)
{
	if (peer->hello_by_ms != 0 && now_ms >= peer->hello_by_ms)
		return PEER_FAULT_STALLED;
	if (peer->in_since_ms != 0 && now_ms - peer->in_since_ms > SERVER_STALL_MS &&
		peer_waiting(peer) < LINK_OUTPUT_BYTES_MAX)
		return PEER_FAULT_STALLED;
	if (peer->out_since_ms != 0 && now_ms - peer->out_since_ms > SERVER_STALL_MS)
		return PEER_FAULT_STALLED;
	return PEER_OK;
}

static enum peer_fault turn_peer(struct server *server, struct peer *peer, struct server_time now)
{
	enum peer_fault received = PEER_OK;

	if (peer_waiting(peer) < LINK_OUTPUT_BYTES_MAX)
		received = peer_receive(peer, now.monotonic_ms);
	/* What came before the end of the connection still counts. */
	enum peer_fault fault = take_messages(server, peer, now);
	if (peer->fd < 0)
		return PEER_OK;
	if (fault == PEER_OK && received != PEER_OK)
		fault = received;
	if (fault == PEER_OK && server->link.peer == peer)
		fault = link_pump(&server->link, now);
	/* What goes out now tells of what is in the store. */
	if (!commit_ledger(server, now) && peer->fd < 0)
		return PEER_OK;
	if (fault == PEER_OK)
		fault = peer_flush(peer, now.monotonic_ms);
	if (fault == PEER_OK)
		fault = check_stalled(peer, now.monotonic_ms);
	if (fault == PEER_OK && server->link.peer == peer)
		fault = link_check(&server->link, now.monotonic_ms);
	return fault;
}

/* Before due reads are offered. */
static void turn_removal(struct server *server, struct server_time now)
{
	if (server->removal_generation != server->reference->generation) {
		removal_set_reference(server->removal, server->reference);
		server->removal_generation = server->reference->generation;
	}
	server->again = removal_turn(server->removal, now.wall_ms);
	commit_ledger(server, now);
}

void server_turn(struct server *server, struct server_time now)
{
	server->again = false;
	turn_removal(server, now);
	accept_peers(server, now);
	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++) {
		struct peer *peer = &server->peers[i];

		if (peer->fd < 0)
			continue;
		enum peer_fault fault = turn_peer(server, peer, now);
		if (fault != PEER_OK)
			disconnect(server, peer, fault, now);
	}
	reply_status(server, NULL, server->link.peer == NULL,
		server->link.peer == NULL ? "no data plane is connected"
					  : "the data plane did not answer in time",
		now);
	server_question_turn(server, now);
	/* Replies and credits that other peers' messages caused. */
	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++) {
		struct peer *peer = &server->peers[i];
		enum peer_fault fault =
			peer->fd >= 0 ? peer_flush(peer, now.monotonic_ms) : PEER_OK;

		if (fault != PEER_OK)
			disconnect(server, peer, fault, now);
	}
}

unsigned server_fds(const struct server *server, struct pollfd fds[SERVER_FDS_MAX])
{
	unsigned count = 0;

	fds[count++] = (struct pollfd){.fd = server->listener.fd, .events = POLLIN};
	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++) {
		const struct peer *peer = &server->peers[i];

		if (peer->fd < 0)
			continue;
		fds[count] = (struct pollfd){.fd = peer->fd};
		if (peer_waiting(peer) < LINK_OUTPUT_BYTES_MAX)
			fds[count].events |= POLLIN;
		if (peer_waiting(peer) > 0)
			fds[count].events |= POLLOUT;
		count++;
	}
	return count;
}

int server_timeout_ms(const struct server *server, struct server_time now)
{
	int64_t next = link_next_ms(&server->link);
	int64_t removal = removal_next_ms(server->removal);
	/* Stalls are looked for every second; and the wall clock may be set at any time. */
	int64_t timeout = 1000;

	if (server->again)
		return 0;
	if (removal < next)
		next = removal;
	if (server->parties != NULL && !server->parties_failed && !link_sends_set(&server->link) &&
		parties_next_ms(server->parties) < next)
		next = parties_next_ms(server->parties);
	if (next != INT64_MAX && next - now.wall_ms < timeout)
		timeout = next > now.wall_ms ? next - now.wall_ms : 0;
	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++) {
		const struct peer *peer = &server->peers[i];

		if (peer->fd < 0 || (!peer->status_wanted && peer->awaited == 0))
			continue;
		int64_t left = (peer->awaited != 0 ? peer->awaited_by_ms : peer->status_by_ms) -
			       now.monotonic_ms;
		if (left < timeout)
			timeout = left > 0 ? left : 0;
	}
	return (int)timeout;
}

void server_push(struct server *server, struct server_time now)
{
	enum peer_fault fault = link_reference_changed(&server->link);

	if (fault != PEER_OK)
		disconnect(server, server->link.peer, fault, now);
}

void server_set_reference(
	struct server *server, struct reference *reference, struct server_time now)
{
	struct reference *old = server->reference;

	assert(reference->generation > old->generation);
	server->reference = reference;
	server->services.reference = reference;
	server->link.reference = reference;
	reference_free(old);
	server_push(server, now);
}

void server_feed(struct server *server, struct server_time now)
{
	struct reference *reference = server->reference;

	if (server->feed != NULL) {
		int taken = feed_turn(server->feed, server->services.store, server->mirror,
			now.wall_ms, &server->feed_counters);

		if (taken < 0)
			fprintf(server->log, "motorway-control: feed: not taken: %s\n",
				strerror(-taken));
	}
	int kept = feed_keep_turn(&server->feed_keep, server->services.store, now);
	if (kept < 0)
		fprintf(server->log, "motorway-control: feed: old ids are not forgotten: %s\n",
			strerror(-kept));
	if (server->mirror == NULL)
		return;
	if (mirror_id(server->mirror) == reference->image.image_id)
		return;
	/* The set is the same but for the image: the data plane takes it as a new one. */
	reference->generation = (uint64_t)now.wall_ms > reference->generation
					? (uint64_t)now.wall_ms
					: reference->generation + 1;
	mirror_name(server->mirror, reference);
	server_push(server, now);
}

void server_destroy(struct server *server, struct server_time now)
{
	listener_close(&server->listener);
	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++)
		if (server->peers[i].fd >= 0)
			disconnect(server, &server->peers[i], PEER_FAULT_STOPPED, now);
	/* What came with the last messages, such as runs that were taken. */
	if (ledger_commit(&server->ledger) != 0)
		fputs("motorway-control: the store did not take the last change\n", server->log);
	removal_close(server->removal);
	schedules_close(server->schedules);
	alerts_close(server->alerts);
	quarantine_free(&server->quarantine);
	table_stages_free(&server->stages);
	explainer_close(&server->explainer);
	services_close(&server->services);
	reference_free(server->reference);
	memset(server, 0, sizeof(*server));
	server->listener.fd = -1;
}
