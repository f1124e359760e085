/* SPDX-License-Identifier: Apache-2.0 */
/* What the link does about alerts and held requests. As control/link.h says: one thread. */
#ifndef CONTROL_ALERT_LINK_H
#define CONTROL_ALERT_LINK_H

#include "control/link.h"

#define LINK_ALERTS_MAX 64 /* offered and not yet answered */

/* Messages of the data plane. PEER_OK or the fault. */
enum peer_fault alert_link_taken(
	struct link *link, const struct mw_control_alert_taken *taken, struct server_time now);
enum peer_fault alert_link_quarantined(
	struct link *link, const struct mw_control_quarantined *report, struct server_time now);
enum peer_fault alert_link_done(
	struct link *link, const struct mw_control_quarantine_done *done, struct server_time now);

/* Offer what is ready, send operators' wishes, as far as credit goes. PEER_OK or the fault. */
enum peer_fault alert_link_pump(struct link *link, struct server_time now);

/* The data plane is gone. */
void alert_link_leave(struct link *link);

/* A run of `schedule` cannot be carried out: tell its user. */
void alert_link_run_failed(struct link *link, const struct schedule *schedule);

#endif
