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
	/* The reply, a new reference; NULL when memory is short. `request` is the whole object. */
	json_t *(*run)(struct server *server, const json_t *request, struct server_time now);
};

/* The reply that says no. */
json_t *command_refuse(const char *error);

/* quarantine_command.c: {"action": "list", "user": EUI?, "after": REFERENCE?} or {"action":
 * "release" or "delete", "events": [REFERENCE or EUI ...]}. */
json_t *command_quarantine(struct server *server, const json_t *request, struct server_time now);

/* alert_command.c: {"action": "remove", "cause": "mdra", "supplier" or "device", "ids": [ID ...]}.
 */
json_t *command_schedule(struct server *server, const json_t *request, struct server_time now);

#endif
