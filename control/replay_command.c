/* SPDX-License-Identifier: Apache-2.0 */
/* `replay reset`: see motorwayctl(1) and doc/replay.md. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/command.h"
#include "dataplane/duis/identifier.h"

#define REASON_BYTES_MAX 200

/* An operator's words go into the log: printable ASCII alone. */
static bool reason_valid(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return length <= REASON_BYTES_MAX;
}

json_t *command_replay(struct server *server, const json_t *request, struct server_time now)
{
	const char *action = json_string_value(json_object_get(request, "action"));
	const char *text = json_string_value(json_object_get(request, "user"));
	const json_t *reason_value = json_object_get(request, "reason");
	const char *reason = json_string_value(reason_value);
	struct mw_control_replay_reset reset = {0};

	(void)now;
	if (action == NULL || strcmp(action, "reset") != 0)
		return command_refuse("\"action\" is not reset");
	if (text == NULL || duis_eui_parse(text, strlen(text), &reset.originator) != 0)
		return command_refuse("\"user\" is not an EUI-64");
	if (reason_value != NULL && (reason == NULL || !reason_valid(reason)))
		return command_refuse("\"reason\" is not up to 200 printable characters of ASCII");
	json_t *refused = server_ask(server, MW_CONTROL_REPLAY_RESET, &reset, sizeof(reset));
	if (refused == NULL)
		fprintf(server->log,
			"motorway-control: an operator resets the counters of %016" PRIx64 ": %s\n",
			reset.originator, reason != NULL ? reason : "no reason given");
	return refused;
}

json_t *replay_answer(struct server *server, const struct peer_message *message)
{
	struct mw_control_replay_reset_done done;
	char user[DUIS_EUI_TEXT_SIZE];
	char highest[24];

	(void)server;
	memcpy(&done, message->payload, sizeof(done));
	if (done.status != 0)
		return command_refuse(done.status == -EAGAIN
					      ? "the data plane has no room now; try again"
					      : "the data plane refused it");
	duis_eui_format(done.originator, user);
	/* As text: not every reader of JSON keeps 64 bits of a number. */
	snprintf(highest, sizeof(highest), "%" PRIu64, done.highest);
	return json_pack("{s:b, s:s, s:I, s:s}", "ok", 1, "user", user, "scopes",
		(json_int_t)done.scopes, "highest", highest);
}
