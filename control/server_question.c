/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions that operators' commands put to the data plane: each has a token, the operator waits
 * for the answer that bears it, or for SERVER_STATUS_MS.
 */
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/server.h"

#define NOTHING ((struct peer_part){NULL, 0})

json_t *server_ask(struct server *server, enum mw_control_type type, void *record, size_t length)
{
	if (server->link.peer == NULL)
		return command_refuse("no data plane is connected");
	uint64_t token = ++server->token;
	memcpy(record, &token, sizeof(token));
	/* Only memory can be short; then the operator's time runs out. */
	(void)peer_send(server->link.peer, type, (struct peer_part){record, length}, NOTHING);
	server->asked = true;
	return NULL;
}

void server_question_begin(struct server *server, struct peer *peer, struct server_time now)
{
	peer->awaited = server->token;
	peer->awaited_at_s = server->asked_at_s;
	peer->awaited_by_ms = now.monotonic_ms + SERVER_STATUS_MS;
}

static void reply(struct peer *peer, json_t *object)
{
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	peer->awaited = 0;
	/* An operator who gets no reply stops waiting by himself. */
	if (text != NULL)
		(void)peer_send(
			peer, MW_CONTROL_REPLY, NOTHING, (struct peer_part){text, strlen(text)});
	free(text);
}

enum peer_fault server_question_answer(
	struct server *server, const struct peer_message *message, struct server_time now)
{
	struct peer *asker = NULL;
	uint64_t token;

	memcpy(&token, message->payload, sizeof(token));
	if (token == 0 || token > server->token)
		return PEER_FAULT_ORDER;
	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++)
		if (server->peers[i].fd >= 0 && server->peers[i].awaited == token)
			asker = &server->peers[i];
	if (asker == NULL)
		return PEER_OK; /* he did not wait so long */
	reply(asker, message->header.type == MW_CONTROL_DECISIONS
			     ? explain_answer(server, asker, message, now)
			     : replay_answer(server, message));
	return PEER_OK;
}

void server_question_turn(struct server *server, struct server_time now)
{
	bool gone = server->link.peer == NULL;

	for (unsigned i = 0; i < SERVER_PEERS_MAX; i++) {
		struct peer *peer = &server->peers[i];

		if (peer->fd < 0 || peer->awaited == 0)
			continue;
		if (gone)
			reply(peer, command_refuse("the data plane went away"));
		else if (now.monotonic_ms >= peer->awaited_by_ms)
			reply(peer, command_refuse("the data plane did not answer in time"));
	}
}
