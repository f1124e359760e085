/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The northbound lanes: for each user one lane of on-demand answers and one of scheduled ones, both
 * rte_rings of bounded size (FIA 4.4). What leaves next is decided here: no scheduled answer while
 * any user's deliverable on-demand answer waits; users of equal rank take turns.
 *
 *     lanes_reserve()   a place for the answer of a request that is about to be accepted
 *     lanes_put()       the answer waits
 *     lanes_next()      it leaves: one more delivery of its user is in flight
 *     lanes_done()      that delivery has ended, well or not
 *     lanes_release()   the place is free again: the user has the answer
 *
 * Owned by the traffic lcore.
 */
#ifndef DATAPLANE_LANE_H
#define DATAPLANE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/handoff.h"
#include "dataplane/limits.h"

struct lanes;

/* Make lanes of `items_max` places (a power of two) for each user and lane; at most
 * `in_flight_max` (>= 1) deliveries to one user at a time, of which scheduled ones leave one free
 * for on-demand ones when there is more than one. NULL with ENOMEM. */
struct lanes *lanes_create(uint32_t items_max, uint32_t in_flight_max, uint64_t secret);
void lanes_destroy(struct lanes *lanes);

/* Take a place in `lane` of the user with this EUI-64. Sets *user, the number that the other
 * functions want, valid until the place is released. Returns 0, or -ENOSPC when the lane is full or
 * too many users have places. */
int lanes_reserve(struct lanes *lanes, uint64_t eui, enum mw_lane lane, uint32_t *user);

/* Put `reference` into a place that was reserved and is not filled. */
void lanes_put(
	struct lanes *lanes, uint32_t user, enum mw_lane lane, struct pending_reference reference);

/* Take out what leaves next. Returns true and fills *reference, or false when nothing may leave. */
bool lanes_next(struct lanes *lanes, struct pending_reference *reference);

/* A user that has not taken its last delivery gets one at a time until it takes one again, so that
 * hanging receivers hold few of the deliveries that all users share. */
void lanes_done(struct lanes *lanes, uint32_t user, enum mw_lane lane, bool taken);
void lanes_release(struct lanes *lanes, uint32_t user, enum mw_lane lane);

/* Answers that wait in this lane, of all users. */
uint32_t lanes_waiting(const struct lanes *lanes, enum mw_lane lane);

#endif
