/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link's part in DCC Alerts and quarantine: control's records as events, the traffic lcore's
 * actions as control's records, and the reports of held requests that wait for credit.
 */
#ifndef DATAPLANE_LINK_ALERTS_H
#define DATAPLANE_LINK_ALERTS_H

#include "dataplane/link.h"
#include "dataplane/traffic.h"

/* Reports to control, in one session: a connection. When another begins, the traffic lcore is told
 * and reports all anew, so what was under way is forgotten. */
struct link_reports {
	struct action waiting[QUARANTINE_REPORTS_MAX];
	uint32_t head, count;
	uint32_t session;
	uint32_t sent;	/* and the traffic lcore does not know yet */
	bool connected; /* the traffic lcore does not know of this session yet */
};

/* Control has said hello. */
void link_reports_begin(struct link_reports *reports);

/* Take in an ACTION_QUARANTINED; one of an earlier session is dropped. */
void link_reports_put(struct link_reports *reports, const struct action *action);

/* The next report as control's record; false when none waits. */
bool link_reports_next(struct link_reports *reports, struct mw_control_quarantined *record);

/* What the traffic lcore has to be told; false: nothing. When it has been, link_reports_told(). */
bool link_reports_event(const struct link_reports *reports, struct traffic_event *event);
void link_reports_told(struct link_reports *reports, const struct traffic_event *event);

/* Make an event of an alert and its elements. Returns 0 (the event's message is the link's),
 * -EAGAIN when there is no buffer, -ENOENT when the user is unknown or has no address, -EINVAL. */
int link_alert_event(const struct link_setup *setup, const struct duis_schemas *schemas,
	const struct mw_control_alert *alert, const uint8_t *elements, struct traffic_event *event);

struct traffic_event link_quarantine_event(const struct mw_control_quarantine *quarantine);

#endif
