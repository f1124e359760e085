/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A due read of control's as an event for the traffic lcore. Days or years lie between a schedule's
 * creation and its runs, so each run is judged by access control as it stands when the run is due:
 * role, registration or appointment for the whole time that it reads, status, type and generation
 * of the device. A refused run is not sent; its user is answered with the code (doc/schedules.md).
 */
#ifndef DATAPLANE_LINK_DUE_READ_H
#define DATAPLANE_LINK_DUE_READ_H

#include "dataplane/decisions.h"
#include "dataplane/handoff.h"
#include "dataplane/link.h"

/* Make an event of `due` and its document (due->document_length bytes), and keep the decision in
 * link->decisions. now_ms: wall clock. Returns 0: the event's message is the link's, or NULL and
 * event->reason the refusal by access control; -EAGAIN: no registry, draining, the device is being
 * written, no buffer; -ENOENT: there is no such user, SRV or schema version. Link thread. */
int link_due_read_event(const struct link_setup *setup, const struct duis_schemas *schemas,
	const struct mw_control_due_read *due, const uint8_t *document, int64_t now_ms,
	struct traffic_event *event);

/* What control is told of a due read. `reason` and `code` are those of a refusal by access control
 * (status -EACCES). */
struct mw_control_due_read_taken link_due_read_taken(const struct action *action);

#endif
