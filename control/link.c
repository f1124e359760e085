/* SPDX-License-Identifier: Apache-2.0 */
#include "control/link.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "control/alert_link.h"
#include "control/due_read.h"
#include "control/removal.h"
#include "control/timetable.h"

/* Runs that are not wanted any more cost no credit, but time and room in the ledger. */
#define OFFERS_OF_TURN_MAX 1024

#define NOTHING ((struct peer_part){NULL, 0})
#define PART(object) ((struct peer_part){&(object), sizeof(object)})

static enum peer_fault send_begin(struct link *link)
{
	struct mw_control_reference begin = {
		.generation = link->reference->generation,
		.count = reference_record_count(link->reference),
		.offset = link->next_record,
	};

	link->pushing = true;
	link->owed_since_ms = 0;
	link->credit_since_ms = 0;
	return peer_send(link->peer, MW_CONTROL_REFERENCE_BEGIN, PART(begin), NOTHING);
}

static enum peer_fault grant_service_credit(struct link *link, uint32_t messages)
{
	struct mw_control_credit credit = {.messages = messages};

	link->service_credit += messages;
	return peer_send(link->peer, MW_CONTROL_CREDIT, PART(credit), NOTHING);
}

enum peer_fault link_connect(struct link *link, struct peer *peer,
	const struct mw_control_hello *hello, struct server_time now)
{
	size_t count = reference_record_count(link->reference);

	(void)now;
	assert(link->peer == NULL && link->offer_count == 0);
	link->peer = peer;
	link->credit = 0;
	link->service_credit = 0;
	link->applied_generation = 0;
	link->counters.connections++;
	/* The peer may go on only within the set that is in force now. */
	link->next_record = 0;
	if (hello->generation == link->reference->generation && hello->offset > 0 &&
		hello->offset <= count) {
		link->next_record = (size_t)hello->offset;
		link->counters.sets_resumed++;
	}
	enum peer_fault fault = grant_service_credit(link, LINK_SERVICE_CREDIT);
	return fault == PEER_OK ? send_begin(link) : fault;
}

enum peer_fault link_reference_changed(struct link *link)
{
	if (link->peer == NULL)
		return PEER_OK;
	link->next_record = 0;
	return send_begin(link);
}

bool link_sends_set(const struct link *link)
{
	return link->peer != NULL && (link->pushing || link->owed_since_ms != 0);
}

/* An offer is settled: forget it. */
static void settle(struct link *link, struct link_offer *offer)
{
	offer->used = false;
	link->offer_count--;
}

void link_disconnect(struct link *link, struct server_time now)
{
	for (unsigned i = 0; i < LINK_OFFERS_MAX; i++) {
		if (!link->offers[i].used)
			continue;
		settle(link, &link->offers[i]);
		/* Its fate is not known, so the same occurrence goes out again under the same
		 * id, and the data plane tells them apart. */
		schedules_retry(link->schedules, link->offers[i].schedule_id, now.wall_ms);
		link->counters.due_returned++;
	}
	alert_link_leave(link);
	link->peer = NULL;
	link->pushing = false;
	link->owed_since_ms = 0;
	link->credit_since_ms = 0;
}

/* ---- what comes in */

static enum peer_fault take_credit(struct link *link, const struct mw_control_credit *credit)
{
	if (credit->messages > LINK_CREDIT_MAX || link->credit > LINK_CREDIT_MAX - credit->messages)
		return PEER_FAULT_CREDIT;
	link->credit += credit->messages;
	link->credit_since_ms = 0;
	return PEER_OK;
}

static enum peer_fault take_applied(struct link *link, const struct mw_control_reference *applied)
{
	if (applied->generation > link->reference->generation || applied->status > 0)
		return PEER_FAULT_PAYLOAD;
	/* A set that was replaced while its answer was on the way is of no interest. */
	if (applied->generation != link->reference->generation)
		return PEER_OK;
	if (link->owed_since_ms == 0)
		return PEER_FAULT_ORDER;
	link->owed_since_ms = 0;
	if (applied->status != 0) {
		link->counters.sets_refused++;
		fprintf(link->log,
			"motorway-control: the data plane refused reference set %" PRIu64 ": %s\n",
			applied->generation, strerror(-applied->status));
		return PEER_OK;
	}
	link->counters.sets_applied++;
	link->applied_generation = applied->generation;
	return PEER_OK;
}

static enum peer_fault take_service_request(
	struct link *link, const struct peer_message *message, struct server_time now)
{
	struct mw_control_service_request head;
	struct service_answer answer;

	if (link->service_credit == 0)
		return PEER_FAULT_CREDIT;
	link->service_credit--;
	link->counters.service_requests++;
	memcpy(&head, message->payload, sizeof(head));
	struct service_request request = {
		.user = head.request_id.originator,
		.request_id = head.request_id,
		.roles = head.roles,
		.srv = head.srv,
		.schema_version = head.schema_version,
		.document = message->payload + sizeof(head),
		.document_length = head.document_length,
		.now_ms = now.wall_ms,
	};
	service_answer(link->services, &request, &answer);
	struct mw_control_service_answer reply = {
		.token = head.token,
		.body_length = (uint32_t)answer.body.length,
	};
	memcpy(reply.code, answer.code, sizeof(reply.code));
	enum peer_fault fault = peer_send(link->peer, MW_CONTROL_SERVICE_ANSWER, PART(reply),
		(struct peer_part){answer.body.bytes, answer.body.length});
	xml_text_free(&answer.body);
	return fault == PEER_OK ? grant_service_credit(link, 1) : fault;
}

/* The user's time is over, and no lawful run is left. Where there is no room to say so, the
 * schedule stays and is looked at again. */
static void leave(struct link *link, const struct schedule *schedule, struct server_time now)
{
	enum removal_cause cause = schedule->removal.cause;
	uint64_t id = schedule->id;

	if (removal_remove(link->schedules, link->alerts, schedule,
		    cause != REMOVAL_NONE ? cause : REMOVAL_SUPPLIER) == 0)
		link->counters.schedules_left++;
	else
		schedules_retry(link->schedules, id, now.wall_ms + LINK_RETRY_MS);
}

/* A run is over, in whatever way: on to the next one. */
static void advance(struct link *link, uint64_t id, struct server_time now)
{
	struct schedule schedule;
	int result = schedules_advance(link->schedules, id);

	if (result == SCHEDULE_ENDED)
		link->counters.schedules_ended++;
	else if (result == SCHEDULE_LEAVES && schedules_find(link->schedules, id, &schedule) == 0)
		leave(link, &schedule, now);
}

static void settle_taken(struct link *link, uint64_t id,
	const struct mw_control_due_read_taken *taken, struct server_time now)
{
	struct schedule schedule;
	int32_t status = taken->status;

	if (status == -EAGAIN) {
		link->counters.due_retried++;
		schedules_retry(link->schedules, id, now.wall_ms + LINK_RETRY_MS);
		return;
	}
	/* -EEXIST: this id was taken before the connection broke. */
	if (status == 0 || status == -EEXIST) {
		link->counters.due_taken++;
	} else if (status == -EACCES && taken->check < MW_ACCESS_CHECK_COUNT) {
		/* The data plane has answered the user with the code of the check. */
		link->counters.due_not_permitted[taken->check]++;
	} else {
		link->counters.due_refused++;
		fprintf(link->log,
			"motorway-control: the data plane refused a scheduled read: %s\n",
			strerror(-status));
		if (schedules_find(link->schedules, id, &schedule) == 0)
			alert_link_run_failed(link, &schedule);
	}
	advance(link, id, now);
}

static enum peer_fault take_taken(
	struct link *link, const struct mw_control_due_read_taken *taken, struct server_time now)
{
	for (unsigned i = 0; i < LINK_OFFERS_MAX; i++) {
		struct link_offer *offer = &link->offers[i];

		if (!offer->used || offer->schedule_id != taken->schedule_id ||
			offer->occurrence != taken->occurrence || offer->attempt != taken->attempt)
			continue;
		settle(link, offer);
		settle_taken(link, offer->schedule_id, taken, now);
		return PEER_OK;
	}
	return PEER_FAULT_ORDER;
}

enum peer_fault link_message(
	struct link *link, const struct peer_message *message, struct server_time now)
{
	union {
		struct mw_control_credit credit;
		struct mw_control_reference reference;
		struct mw_control_due_read_taken taken;
		struct mw_control_alert_taken alert;
		struct mw_control_quarantined quarantined;
		struct mw_control_quarantine_done done;
	} fixed;

	switch (message->header.type) {
	case MW_CONTROL_CREDIT:
		memcpy(&fixed.credit, message->payload, sizeof(fixed.credit));
		return take_credit(link, &fixed.credit);
	case MW_CONTROL_REFERENCE_APPLIED:
		memcpy(&fixed.reference, message->payload, sizeof(fixed.reference));
		return take_applied(link, &fixed.reference);
	case MW_CONTROL_SERVICE_REQUEST:
		return take_service_request(link, message, now);
	case MW_CONTROL_DUE_READ_TAKEN:
		memcpy(&fixed.taken, message->payload, sizeof(fixed.taken));
		return take_taken(link, &fixed.taken, now);
	case MW_CONTROL_ALERT_TAKEN:
		memcpy(&fixed.alert, message->payload, sizeof(fixed.alert));
		return alert_link_taken(link, &fixed.alert, now);
	case MW_CONTROL_QUARANTINED:
		memcpy(&fixed.quarantined, message->payload, sizeof(fixed.quarantined));
		return alert_link_quarantined(link, &fixed.quarantined, now);
	case MW_CONTROL_QUARANTINE_DONE:
		memcpy(&fixed.done, message->payload, sizeof(fixed.done));
		return alert_link_done(link, &fixed.done, now);
	default:
		return PEER_FAULT_ORDER;
	}
}

/* ---- what goes out */

static bool has_room(const struct link *link)
{
	return peer_waiting(link->peer) < LINK_OUTPUT_BYTES_MAX;
}

static enum peer_fault send_end(struct link *link, int64_t now_ms)
{
	struct mw_control_reference end = {
		.generation = link->reference->generation,
		.count = reference_record_count(link->reference),
		.crc32c = link->reference->crc32c,
	};

	link->pushing = false;
	link->owed_since_ms = now_ms;
	link->counters.sets_sent++;
	return peer_send(link->peer, MW_CONTROL_REFERENCE_END, PART(end), NOTHING);
}

static enum peer_fault push_records(struct link *link, int64_t now_ms)
{
	uint8_t payload[REFERENCE_RECORD_BYTES_MAX];
	size_t count = reference_record_count(link->reference);
	enum peer_fault fault = PEER_OK;

	while (link->next_record < count && link->credit > 0 && has_room(link)) {
		enum mw_control_type type;
		size_t length =
			reference_record(link->reference, link->next_record, &type, payload);

		fault = peer_send(link->peer, type, (struct peer_part){payload, length}, NOTHING);
		if (fault != PEER_OK)
			return fault;
		link->next_record++;
		link->credit--;
		link->counters.records_sent++;
	}
	if (link->next_record == count)
		return send_end(link, now_ms);
	if (link->credit == 0 && link->credit_since_ms == 0)
		link->credit_since_ms = now_ms;
	return PEER_OK;
}

/* Whether the run of `user` (NULL: gone) is still to be sent; *generation is that of the device, 0
 * when the store cannot be read now, which is no reason to drop a read. */
static bool still_wanted(const struct link *link, const struct schedule *schedule,
	const struct reference_user *user, int *generation)
{
	struct store_device device;

	if (user == NULL || !user->active)
		return false;
	int found = store_find_device(link->services->store, schedule->terms.device_id, &device);
	*generation = found == 0 ? device.device.generation : 0;
	return found != -ENOENT;
}

/* What the run reads: access control judges the whole of it. */
static void set_period(const struct schedule *schedule, struct mw_control_due_read *due)
{
	int64_t start_ms;
	int64_t end_ms;

	if (!schedule_period(schedule, &start_ms, &end_ms))
		return;
	due->flags = MW_DUE_READ_PERIOD;
	due->period_start_s = start_ms / 1000;
	due->period_end_s = (end_ms + 999) / 1000;
}

/* In which windows it goes, and by when its answer is due. An SRV that is gone since is the data
 * plane's to refuse. */
static void set_timing(const struct link *link, const struct schedule *schedule,
	const struct reference_user *user, int generation, struct mw_control_due_read *due)
{
	const struct mw_control_srv_rule *rule =
		reference_rule(link->reference, schedule->terms.read->srv);

	if (link->timetable == NULL || rule == NULL)
		return;
	struct mw_timing timing =
		timetable_run(link->timetable, rule, user->roles, (enum mw_generation)generation);
	due->windows = timing.windows;
	due->deadline_s = schedule->due_ms / 1000 + timing.target_s;
}

static enum peer_fault send_due(struct link *link, const struct schedule *schedule,
	const struct reference_user *user, int generation)
{
	struct xml_text document = {0};
	struct mw_control_due_read due = {
		.schedule_id = schedule->id,
		.occurrence = schedule->occurrence,
		.attempt = schedule->attempt,
		.user = schedule->user,
		.device_id = schedule->terms.device_id,
		.request_id = schedule_request_id(schedule, link->dsp_eui),
	};

	due_read_write(&document, schedule, link->dsp_eui);
	if (document.failed) {
		xml_text_free(&document);
		return PEER_FAULT_MEMORY;
	}
	set_period(schedule, &due);
	set_timing(link, schedule, user, generation, &due);
	memcpy(due.srv, schedule->terms.read->srv, strlen(schedule->terms.read->srv) + 1);
	memcpy(due.schema_version, schedule->schema_version, sizeof(due.schema_version));
	due.document_length = (uint32_t)document.length;
	enum peer_fault fault = peer_send(link->peer, MW_CONTROL_DUE_READ, PART(due),
		(struct peer_part){document.bytes, document.length});
	xml_text_free(&document);
	return fault;
}

static void note_offer(struct link *link, const struct schedule *schedule, int64_t now_ms)
{
	struct link_offer *offer = link->offers;

	while (offer->used)
		offer++;
	assert(offer < link->offers + LINK_OFFERS_MAX);
	*offer = (struct link_offer){
		.used = true,
		.schedule_id = schedule->id,
		.occurrence = schedule->occurrence,
		.attempt = schedule->attempt,
		.since_ms = now_ms,
	};
	link->offer_count++;
	link->counters.due_offered++;
}

/* Whether a due read may go out now, if there is one. */
static bool may_offer(const struct link *link)
{
	return link->peer != NULL && link->applied_generation != 0 && !link->pushing &&
	       link->credit > 0 && link->offer_count < LINK_OFFERS_MAX && has_room(link);
}

/* Offer a run that is due, or do with it what else is to be done. */
static enum peer_fault offer_run(
	struct link *link, const struct schedule *schedule, struct server_time now)
{
	const struct reference_user *user = reference_user(link->reference, schedule->user);
	int generation;

	if (schedule->removal.at_s <= now.wall_ms / 1000 &&
		!schedule_is_lawful(link->schedules, schedule)) {
		leave(link, schedule, now);
		return PEER_OK;
	}
	if (!still_wanted(link, schedule, user, &generation)) {
		link->counters.due_skipped++;
		alert_link_run_failed(link, schedule);
		advance(link, schedule->id, now);
		return PEER_OK;
	}
	note_offer(link, schedule, now.monotonic_ms);
	link->credit--;
	return send_due(link, schedule, user, generation);
}

static enum peer_fault offer_due(struct link *link, struct server_time now)
{
	struct schedule schedule;
	enum peer_fault fault = PEER_OK;
	unsigned count = 0;

	while (fault == PEER_OK && may_offer(link) && count++ < OFFERS_OF_TURN_MAX &&
		schedules_due(link->schedules, now.wall_ms, &schedule) == 1)
		fault = offer_run(link, &schedule, now);
	return fault;
}

enum peer_fault link_pump(struct link *link, struct server_time now)
{
	enum peer_fault fault = PEER_OK;

	if (link->peer == NULL)
		return PEER_OK;
	if (link->pushing)
		fault = push_records(link, now.monotonic_ms);
	if (fault == PEER_OK)
		fault = alert_link_pump(link, now);
	return fault == PEER_OK ? offer_due(link, now) : fault;
}

enum peer_fault link_check(const struct link *link, int64_t now_ms)
{
	if (link->peer == NULL)
		return PEER_OK;
	if (link->owed_since_ms != 0 && now_ms - link->owed_since_ms > LINK_STALL_MS)
		return PEER_FAULT_STALLED;
	if (link->credit_since_ms != 0 && now_ms - link->credit_since_ms > LINK_STALL_MS)
		return PEER_FAULT_STALLED;
	for (unsigned i = 0; i < LINK_OFFERS_MAX; i++)
		if (link->offers[i].used && now_ms - link->offers[i].since_ms > LINK_STALL_MS)
			return PEER_FAULT_STALLED;
	return PEER_OK;
}

int64_t link_next_ms(const struct link *link)
{
	return may_offer(link) ? schedules_next_due_ms(link->schedules) : INT64_MAX;
}
