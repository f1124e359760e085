/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators' commands: a JSON object {"command": NAME, ...} comes in, a JSON object goes out that
 * has "ok": true, or "ok": false and "error": why. One row of the table in server_status.c for each
 * command, one function behind it.
 */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include <jansson.h>

#include "control/server.h"

struct server_command {
	const char *name;
	/* The reply, a new reference; NULL when memory is short, or after server_ask(): then it
	 * comes with the data plane's answer. `request` is the whole object. */
	json_t *(*run)(struct server *server, const json_t *request, struct server_time now);
};

/* The reply that says no. */
json_t *command_refuse(const char *error);

/* The same for an -errno of the store: what was to be done, and why it was not. */
json_t *command_refuse_store(const char *what, int error);

/* Commit an operator's change, and bring the registry image to it: then it may be answered. 0, or
 * -errno: it did not happen, or (the image could not be written) is in the store and comes into
 * force with the next change. */
int command_commit(struct server *server, struct store_change *change, uint64_t *number);

/* premises_command.c, of tables as table_chunk.h has them: {"action": "import" or "export", ...};
 * {"action": "add", ...} as an import, told now; device {"action": "set", ...}: the columns that
 * are named; {"action": "list", "limit": N, "after": KEY, "format": ...} as an export, of devices
 * with "provider": NAME or one of "mpxn", "uprn", "post_code"; {"action": "show", "id": KEY};
 * device
 * {"action": "remove", "id": EUI}; appointment {"action": "end", "mpxn", "role", "etd", "efd"?}. */
json_t *command_device(struct server *server, const json_t *request, struct server_time now);
json_t *command_registration(struct server *server, const json_t *request, struct server_time now);
json_t *command_appointment(struct server *server, const json_t *request, struct server_time now);

/* feed_command.c: {"action": "import", "text": LINES or "hex": DIGITS, "line": N}; {"action":
 * "list", "after": ID?}; {"action": "show" or "drop", "id"}; {"action": "retry", "id" or, of all,
 * "after": ID?}; {"action": "status"}. */
json_t *command_feed(struct server *server, const json_t *request, struct server_time now);

/* The part of the status that is about the feed. A new reference. */
json_t *command_feed_status(const struct server *server);

/* extract_command.c: {"action": "export", "provider": NAME, ...} as table_chunk.h has it. */
json_t *command_provider_extract(
	struct server *server, const json_t *request, struct server_time now);

/* party_command.c: {"action": "add", "set" or "change", "row": {COLUMN: TEXT ...}}: a new row, a
 * whole row whether it is there or not, or the columns that become different; {"action": "remove"
 * or "show", "row": {the key's columns}}; {"action": "list", "after": CURSOR?, "user": EUI?
 * (certificates and thresholds of one)}; import and export as table_chunk.h has them, an import as
 * one change; certificate {"action": "withdraw", "fingerprint": the first 8 or more digits}. */
json_t *command_user(struct server *server, const json_t *request, struct server_time now);
json_t *command_certificate(struct server *server, const json_t *request, struct server_time now);
json_t *command_organisation(struct server *server, const json_t *request, struct server_time now);
json_t *command_provider(struct server *server, const json_t *request, struct server_time now);
json_t *command_threshold(struct server *server, const json_t *request, struct server_time now);

/* explain_command.c: {"document": BASE64} or {"request_id": TEXT}, "at": INSTANT?, "service": "T",
 * "S" or "D"?. */
json_t *command_explain(struct server *server, const json_t *request, struct server_time now);

/* replay_command.c: {"action": "reset", "user": EUI, "reason": TEXT?}. */
json_t *command_replay(struct server *server, const json_t *request, struct server_time now);

/* The replies to these, from the data plane's answer. `asker` waits for it. */
json_t *explain_answer(struct server *server, const struct peer *asker,
	const struct peer_message *message, struct server_time now);
json_t *replay_answer(struct server *server, const struct peer_message *message);

/* quarantine_command.c: {"action": "list", "user": EUI?, "after": REFERENCE?} or {"action":
 * "release" or "delete", "events": [REFERENCE or EUI ...]}. */
json_t *command_quarantine(struct server *server, const json_t *request, struct server_time now);

/* schedule_command.c: {"action": "list", "user": EUI?, "device": EUI?, "after": ID?}, {"action":
 * "show", "id": ID}, or {"action": "remove", "cause": "mdra", "supplier", "device", "network" or
 * "user", "ids": [ID ...]}. */
json_t *command_schedule(struct server *server, const json_t *request, struct server_time now);

/* windows_command.c: {"action": "show", "provider": NAME?}; {"action": "plan" or "set", "changes":
 * [TEXT ...] (windows_change.h), one on the other}, or, not of cap, {"text": TEXT, "file": NAME}: a
 * whole file; plan with "waiting": the data plane's "windows" of its status?; set with "reason":
 * TEXT?; and, not of cap, {"action": "history"} and {"action": "rollback"}. */
json_t *command_window(struct server *server, const json_t *request, struct server_time now);
json_t *command_cap(struct server *server, const json_t *request, struct server_time now);

#endif
