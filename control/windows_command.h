/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the replies to `window` and `cap` that are about days: windows as instants, and what
 * they will do. One thread.
 */
#ifndef CONTROL_WINDOWS_COMMAND_H
#define CONTROL_WINDOWS_COMMAND_H

#include "control/server.h"

#define WINDOWS_CHANGES_MAX 32 /* of one command */

/* Schedules that are looked at for a forecast: the server has other things to do. */
#define WINDOWS_SCHEDULES_MAX 50000

/* Put an instant (ms since 1970) as "2026-03-31T06:30:00Z". */
void windows_put_instant(json_t *object, const char *name, int64_t at_ms);

/* The reply to {"action": "show", "provider": NAME?}: the windows of today and tomorrow. */
json_t *windows_show(struct server *server, const json_t *request, int64_t now_s);

/* Put into `reply` what each window of today and tomorrow that has not ended will do when `conf` is
 * in force, and, as sentences, what is not known. `waiting`: the data plane's "windows" of its
 * status, or NULL. 0, -ENOMEM or -E2BIG. */
int windows_put_forecast(struct server *server, const struct windows_conf *conf,
	const json_t *waiting, int64_t now_s, json_t *reply);

#endif
