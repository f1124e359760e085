/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to traffic*.c: the state behind struct traffic and what its parts call of one another.
 */
#ifndef DATAPLANE_TRAFFIC_STATE_H
#define DATAPLANE_TRAFFIC_STATE_H

#include "dataplane/anomaly.h"
#include "dataplane/journal.h"
#include "dataplane/lane.h"
#include "dataplane/pending.h"
#include "dataplane/traffic.h"
#include "dataplane/traffic_window.h"

/* What happens to an entry when a record about it has become durable. */
enum durable_step {
	DURABLE_ACCEPTED = 1,
	DURABLE_INTENT,
	DURABLE_DISPATCHED,
	DURABLE_COMPLETED,
	DURABLE_ANSWERED,
	DURABLE_DELIVERED,
	DURABLE_ALERT,
	DURABLE_RELEASED,
};

struct durable_wait {
	uint64_t sequence;
	struct pending_reference reference;
	enum durable_step step;
};

/* An entry has at most two records under way at a time, DISPATCHED and ANSWERED. */
#define DURABLE_WAITS_PER_ENTRY 2

/* Ids of the alerts taken last. Control offers at most 64 at a time, so one whose fate it does not
 * know is among them. */
#define ALERTS_REMEMBERED 1024

/* What waits for a provider: on demand goes first. */
struct provider_queue {
	struct pending_queue lanes[MW_LANE_COUNT];
	uint32_t in_flight;
};

struct quarantine {
	struct pending_queue held;
	uint32_t count;		     /* of these and of those that come and go */
	uint32_t of_user[USERS_MAX]; /* by number in the lanes */
	uint32_t report_next; /* the first one that control has not been told of, PENDING_NONE */
	uint32_t reports;     /* under way */
	uint32_t session;     /* of control; 0: it has never been there */
};

struct traffic {
	struct traffic_limits limits;
	struct stats *stats;
	struct journal journal;
	struct pending_table pending;
	struct lanes *lanes;
	struct replay *replay;
	struct provider_queue providers[PROVIDERS_MAX];
	uint32_t provider_turn; /* the provider whose queue is looked at first */
	uint32_t south_queued;
	uint32_t south_in_flight;
	uint32_t delivery_in_flight;
	uint32_t undelivered[MW_LANE_COUNT]; /* answered, and not yet forgotten */
	uint32_t due_reads;		     /* entries of scheduled reads */
	uint32_t alerts;		     /* entries of alerts */
	struct quarantine quarantine;
	struct traffic_windows windows;
	struct anomaly *anomaly; /* NULL: no thresholds */
	uint64_t alert_ids[ALERTS_REMEMBERED];
	uint32_t alert_ids_next;
	struct durable_wait *waits; /* circular */
	uint32_t waits_head, waits_count, waits_size;
};

/* A fresh action for `destination`, to be filled in by the caller. */
struct action *traffic_action(
	struct traffic_actions *out, uint8_t destination, enum action_type type);

/* Append a record about `entry`; `step` runs when it is durable. */
void traffic_record(struct traffic *traffic, struct pending *entry, enum journal_record_type type,
	const struct message *message, enum durable_step step);

/* End `entry`: free its messages and give it back, or, while an edge still has its request on
 * loan, as soon as that ends. */
void traffic_finish(struct traffic *traffic, struct pending *entry);

/* first * 2^attempt, at most `limit`, less up to a quarter that depends on the entry (jitter). */
uint64_t traffic_backoff_ns(
	uint64_t first_ns, uint64_t limit_ns, uint32_t attempt, const struct pending *entry);

/* traffic_south.c: requests on their way to a provider, the transform provider or control. */
void south_request(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out);
void south_due_read(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out);
void south_replay_reset(
	struct traffic *traffic, const struct traffic_event *event, struct traffic_actions *out);
void south_accepted(struct traffic *traffic, uint64_t now_ns, struct pending *entry,
	struct traffic_actions *out);
void south_intent(struct traffic *traffic, struct pending *entry, struct traffic_actions *out);
void south_dispatched(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event);
void south_transformed(struct traffic *traffic, const struct traffic_event *event);
void south_service_answered(struct traffic *traffic, const struct traffic_event *event);
void south_completed(struct traffic *traffic, uint64_t now_ns, struct pending *entry,
	struct traffic_actions *out);
void south_timer(struct traffic *traffic, uint64_t now_ns, struct pending *entry);
unsigned south_pump(struct traffic *traffic, unsigned budget);
/* Note that `entry` is about to be sent, and make that durable. */
void south_intend(struct traffic *traffic, struct pending *entry);

/* Take that back: nothing has been sent, and the next attempt has the same number. */
void south_forgo(struct pending *entry);

/* May the entry of this number be sent now, as far as provider, rings and counts are concerned? */
bool south_may_post(
	const struct traffic *traffic, uint32_t provider_id, const struct traffic_actions *out);

/* Lend it to the edge of its provider. The action, to be completed. */
struct action *south_post(
	struct traffic *traffic, struct pending *entry, struct traffic_actions *out);
void south_queue_remove(struct traffic *traffic, struct pending *entry);

/* An attempt has failed at the device: may there be another one? south_retry() sees to it that
 * there is, or returns false. */
bool south_may_retry(const struct traffic *traffic, const struct pending *entry);
bool south_retry(struct traffic *traffic, uint64_t now_ns, struct pending *entry);
void south_queue_append(struct traffic *traffic, struct pending *entry);

/* traffic_quarantine.c: requests beyond a threshold. */

/* May the request go on? ANSWER_ACCEPTED, then it is to be held if *threshold is not NULL, or the
 * reason of its refusal. */
enum answer_reason quarantine_judge(struct traffic *traffic, uint64_t now_ns,
	const struct traffic_event *event, const struct anomaly_threshold **threshold);

/* `entry` has been taken for a request that is to be held. Returns false when there is no room. */
bool quarantine_take(
	struct traffic *traffic, struct pending *entry, const struct anomaly_threshold *threshold);

/* Its record is durable and the user has been told I99: it waits now. */
void quarantine_hold(struct traffic *traffic, struct pending *entry);
void quarantine_decide(
	struct traffic *traffic, const struct traffic_event *event, struct traffic_actions *out);
void quarantine_released(struct traffic *traffic, uint64_t now_ns, struct pending *entry,
	struct traffic_actions *out);
void quarantine_reported(struct traffic *traffic, const struct traffic_event *event);
void quarantine_connected(struct traffic *traffic, const struct traffic_event *event);
unsigned quarantine_pump(struct traffic *traffic, struct traffic_actions *out);

/* traffic_alert.c: DCC Alerts. */
void alert_take(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out);
void alert_durable(struct traffic *traffic, struct pending *entry, struct traffic_actions *out);

/* traffic_north.c: answers on their way to the user. */
void north_response(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event,
	struct traffic_actions *out);
void north_fail(struct traffic *traffic, uint64_t now_ns, struct pending *entry, const char *code);
void north_answered(struct traffic *traffic, struct pending *entry, struct traffic_actions *out);
void north_delivered(struct traffic *traffic, uint64_t now_ns, const struct traffic_event *event);
void north_finished(struct traffic *traffic, struct pending *entry);
void north_timer(struct traffic *traffic, struct pending *entry);
unsigned north_pump(struct traffic *traffic, struct traffic_actions *out);

#endif
