/* SPDX-License-Identifier: Apache-2.0 */
/* The events that are announced by DCC Alerts. conf/alerts.yaml says with which code. */
#ifndef CONTROL_ALERT_EVENT_H
#define CONTROL_ALERT_EVENT_H

#include <stdbool.h>

/* X(NAME, "name in alerts.yaml") */
#define ALERT_EVENTS(X)                                                                            \
	X(SCHEDULE_REMOVED_MDRA, "schedule-removed-mdra")                                          \
	X(SCHEDULE_REMOVED_SUPPLIER, "schedule-removed-supplier")                                  \
	X(SCHEDULE_REMOVED_DEVICE, "schedule-removed-device")                                      \
	X(SCHEDULE_REMOVED_NETWORK, "schedule-removed-network")                                    \
	X(SCHEDULE_REMOVED_USER, "schedule-removed-user")                                          \
	X(COMMAND_FAILED, "command-failed")                                                        \
	X(QUARANTINED_USER_THRESHOLD, "quarantined-user-threshold")                                \
	X(QUARANTINED_DCC_THRESHOLD, "quarantined-dcc-threshold")                                  \
	X(VERSION_MISMATCH, "version-mismatch")

enum alert_event {
#define ALERT_EVENT_ENUM(name, text) ALERT_##name,
	ALERT_EVENTS(ALERT_EVENT_ENUM)
#undef ALERT_EVENT_ENUM
	ALERT_EVENT_COUNT,
};

/* Whether the event announces a held request. */
static inline bool alert_event_holds(enum alert_event event)
{
	return event == ALERT_QUARANTINED_USER_THRESHOLD ||
	       event == ALERT_QUARANTINED_DCC_THRESHOLD;
}

/* The name of an event in alerts.yaml. */
const char *alert_event_name(enum alert_event event);

#endif
