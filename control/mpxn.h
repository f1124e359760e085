/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One MPxN (electricity MPAN or gas MPRN): the devices that carry it and everything the industry
 * has told about it. What is told are events; who is entitled when, the timeline, is computed from
 * them alone and does not depend on the order in which they arrived. Pure functions; days are
 * Settlement Days: days since 1970-01-01 in UK local time.
 *
 * The rules, with their sources, are told in doc/appointments.md. Sources: FIA 4.1.5, 5.1, 5.1.9;
 * BR 2.2, 2.4.
 */
#ifndef CONTROL_MPXN_H
#define CONTROL_MPXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPXN_DEVICES_MAX 8
#define MPXN_EVENTS_MAX 64
#define MPXN_INTERVALS_MAX 128
#define MPXN_OPEN_DAY INT32_MAX /* no end known */

/* How far back the timeline stays exact whatever is folded away: logs of meters reach back 13
 * months, offsets of schedules 400 days, and later messages correct the past by a year. */
#define MPXN_WINDOW_DAYS 800

/* As what a device carries the number. */
enum mpxn_use {
	MPXN_IMPORT = 1,
	MPXN_SECONDARY_IMPORT = 2,
	MPXN_EXPORT = 3,
	MPXN_GAS = 4,
};

struct mpxn_device {
	uint64_t device_id;
	uint8_t use; /* enum mpxn_use */
};

enum mpxn_event_type {
	MPXN_SUPPLIER = 1,    /* from_day: this organisation is the registered supplier */
	MPXN_NETWORK = 2,     /* from_day: this organisation is the network operator */
	MPXN_APPOINTMENT = 3, /* from_day .. to_day: appointed in `role` by the supplier */
	MPXN_END = 4,	      /* from_day: this supplier's registration ends (secured inactive) */
};

enum mpxn_role {
	MPXN_ROLE_NONE = 0,
	MPXN_ROLE_MDR = 1,	/* meter data retriever */
	MPXN_ROLE_SNA = 2,	/* supplier nominated agent */
	MPXN_ROLE_SUPPLIER = 3, /* the supplier retrieves by itself: no MDR from that day */
};

struct mpxn_event {
	uint8_t type;	       /* enum mpxn_event_type */
	uint8_t role;	       /* APPOINTMENT: enum mpxn_role */
	uint32_t organisation; /* END: whose registration ends, 0: anybody's */
	uint32_t supplier;     /* APPOINTMENT: who arranged it, 0: the supplier of from_day */
	int32_t from_day;
	int32_t to_day;	     /* APPOINTMENT: first day it no longer holds, or MPXN_OPEN_DAY; not
				after from_day: it never was */
	uint64_t created_ms; /* when the sender made the message; later ones overrule earlier */
	uint64_t message;    /* of the message's id; orders messages of the same instant */
};

struct mpxn {
	uint64_t number; /* 13 digits at most */
	uint8_t device_count;
	uint8_t event_count;
	struct mpxn_device devices[MPXN_DEVICES_MAX];
	struct mpxn_event events[MPXN_EVENTS_MAX];
};

enum mpxn_interval_kind {
	MPXN_IS_SUPPLIER = 1,
	MPXN_IS_NETWORK = 2,
	MPXN_IS_MDR = 3,
	MPXN_IS_AGENT = 4,
};

/* Somebody is something to the MPxN on the days from_day .. to_day - 1. */
struct mpxn_interval {
	uint8_t kind; /* enum mpxn_interval_kind */
	uint32_t organisation;
	int32_t from_day;
	int32_t to_day;
};

/* Compute the timeline: intervals in order of kind and from_day, none of one kind overlapping, and
 * none that could be one with its neighbour. Returns their number (<= MPXN_INTERVALS_MAX). */
size_t mpxn_timeline(const struct mpxn *mpxn, struct mpxn_interval intervals[MPXN_INTERVALS_MAX]);

/* Add an event. 0; -EEXIST: it is there already (nothing changed); -ENOSPC: MPXN_EVENTS_MAX events
 * are there that may all matter still (nothing changed; mpxn_fold() may make room). Events that
 * a later message of the same subject overruled are dropped; the timeline is the same with them.
 * Their order in the array means nothing. */
int mpxn_add_event(struct mpxn *mpxn, const struct mpxn_event *event);

/* Drop the events from before `day` that no longer matter to `day` and later ones. The timeline
 * from `day` on stays the same, now and after any further events with from_day >= `day`, and after
 * a later end date of an appointment that is in force at `day`. Intervals that reach over
 * `day` may begin later than before, those that ended before are gone. Returns how many events were
 * dropped. */
size_t mpxn_fold(struct mpxn *mpxn, int32_t day);

#endif
