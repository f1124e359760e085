/* SPDX-License-Identifier: Apache-2.0 */
#include "control/alert.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/xml_text.h"
#include "dataplane/duis/identifier.h"

struct list {
	struct alert *first;
	struct alert *last;
	size_t count;
};

struct alerts {
	uint64_t next_id;
	struct list ready;
	struct list offered;
	struct list waiting; /* for their next try, in the order of it: all wait equally long */
	struct alerts_counters counters;
};

static void append(struct list *list, struct alert *alert)
{
	alert->next = NULL;
	alert->previous = list->last;
	if (list->last != NULL)
		list->last->next = alert;
	else
		list->first = alert;
	list->last = alert;
	list->count++;
}

static void take_out(struct list *list, struct alert *alert)
{
	if (alert->previous != NULL)
		alert->previous->next = alert->next;
	else
		list->first = alert->next;
	if (alert->next != NULL)
		alert->next->previous = alert->previous;
	else
		list->last = alert->previous;
	list->count--;
}

static void free_alert(struct alert *alert)
{
	free(alert->elements);
	free(alert);
}

static void free_list(struct list *list)
{
	while (list->first != NULL) {
		struct alert *alert = list->first;

		take_out(list, alert);
		free_alert(alert);
	}
}

struct alerts *alerts_create(uint64_t first_id)
{
	struct alerts *alerts = calloc(1, sizeof(*alerts));

	assert(first_id > 0);
	if (alerts != NULL)
		alerts->next_id = first_id;
	return alerts;
}

void alerts_destroy(struct alerts *alerts)
{
	if (alerts == NULL)
		return;
	free_list(&alerts->ready);
	free_list(&alerts->offered);
	free_list(&alerts->waiting);
	free(alerts);
}

/* ---- elements: DUIS XSD, types of DCCAlert */

static void write_eui(struct xml_text *text, const char *name, uint64_t eui)
{
	char value[DUIS_EUI_TEXT_SIZE];

	duis_eui_format(eui, value);
	xml_text_element(text, name, value);
}

static void write_request_id(
	struct xml_text *text, const char *name, const struct mw_request_id *id)
{
	char value[MW_REQUEST_ID_TEXT_SIZE];

	duis_request_id_format(id, value);
	xml_text_element(text, name, value);
}

static void write_quarantined(struct xml_text *text, const struct alert_terms *terms, uint64_t id)
{
	xml_text_open(text, "QuarantinedRequest");
	xml_text_open(text, "ADUserThresholdBreach");
	write_request_id(text, "RequestID", &terms->request_id);
	xml_text_number(text, "QuarantineEventRef", id);
	xml_text_close(text, "ADUserThresholdBreach");
	xml_text_close(text, "QuarantinedRequest");
}

static void write_schedule_removal(struct xml_text *text, const struct alert_terms *terms)
{
	xml_text_open(text, "DSPScheduleRemoval");
	write_eui(text, "DeviceID", terms->device_id);
	xml_text_number(text, "DSPScheduleID", terms->schedule_id);
	xml_text_close(text, "DSPScheduleRemoval");
}

static void write_command_failure(struct xml_text *text, const struct alert_terms *terms)
{
	xml_text_open(text, "CommandFailure");
	write_request_id(text, "CommandRequestID", &terms->request_id);
	if (terms->schedule_id != 0)
		xml_text_number(text, "DSPScheduleID", terms->schedule_id);
	write_eui(text, "DeviceID", terms->device_id);
	xml_text_close(text, "CommandFailure");
}

static bool has_request_id(enum alert_event event)
{
	return event == ALERT_COMMAND_FAILED || event == ALERT_QUARANTINED_USER_THRESHOLD;
}

static void write_body(struct xml_text *text, const struct alert_terms *terms, uint64_t id)
{
	switch (terms->event) {
	case ALERT_SCHEDULE_REMOVED_MDRA:
	case ALERT_SCHEDULE_REMOVED_SUPPLIER:
	case ALERT_SCHEDULE_REMOVED_DEVICE:
		write_schedule_removal(text, terms);
		break;
	case ALERT_COMMAND_FAILED:
		write_command_failure(text, terms);
		break;
	case ALERT_QUARANTINED_USER_THRESHOLD:
		write_quarantined(text, terms, id);
		break;
	default:
		/* DUISVersionMismatch is written for the others and by the data plane. */
		assert(!"an event without an element of its own");
	}
}

static void write_mismatch(struct xml_text *text, const struct alert_terms *terms, const char *code,
	const char *user_version)
{
	xml_text_open(text, "DUISVersionMismatch");
	xml_text_open(text, "DCCAlertVersionMismatch");
	xml_text_element(text, "DCCAlertCode", code);
	if (terms->device_id != 0)
		write_eui(text, "DeviceID", terms->device_id);
	if (has_request_id(terms->event))
		write_request_id(text, "RequestID", &terms->request_id);
	xml_text_close(text, "DCCAlertVersionMismatch");
	xml_text_element(text, "ServiceUserDUISVersion", user_version);
	xml_text_close(text, "DUISVersionMismatch");
}

static bool write_elements(struct alert *alert, const struct alert_terms *terms)
{
	struct xml_text text = {0};

	write_body(&text, terms, alert->id);
	size_t body_length = text.length;
	write_mismatch(&text, terms, alert->code, alert->schema_version);
	if (text.failed) {
		xml_text_free(&text);
		return false;
	}
	alert->elements = text.bytes;
	alert->body_length = (uint32_t)body_length;
	alert->mismatch_length = (uint32_t)(text.length - body_length);
	assert(alert->body_length <= MW_CONTROL_ALERT_BODY_MAX &&
		alert->mismatch_length <= MW_CONTROL_ALERT_BODY_MAX);
	return true;
}

/* ---- the way of an alert */

static struct alert *make(
	struct alerts *alerts, const struct reference *reference, const struct alert_terms *terms)
{
	const struct reference_user *user = reference_user(reference, terms->user);
	struct alert *alert = calloc(1, sizeof(*alert));

	if (alert == NULL)
		return NULL;
	alert->id = alerts->next_id;
	alert->user = terms->user;
	alert->announces = terms->event == ALERT_QUARANTINED_USER_THRESHOLD;
	alert->token = terms->token;
	memcpy(alert->code, reference->alert_codes[terms->event], sizeof(alert->code));
	if (user != NULL)
		memcpy(alert->schema_version, user->duis_version, sizeof(alert->schema_version));
	if (write_elements(alert, terms))
		return alert;
	free(alert);
	return NULL;
}

uint64_t alerts_raise(
	struct alerts *alerts, const struct reference *reference, const struct alert_terms *terms)
{
	struct alert *alert =
		alerts_count(alerts) < ALERTS_MAX ? make(alerts, reference, terms) : NULL;

	if (alert == NULL) {
		alerts->counters.no_room++;
		return 0;
	}
	alerts->next_id++;
	alerts->counters.raised++;
	append(&alerts->ready, alert);
	return alert->id;
}

const struct alert *alerts_next(struct alerts *alerts, int64_t now_ms)
{
	struct list *from = &alerts->ready;

	/* Those that have waited are older than those that are ready. */
	if (alerts->waiting.first != NULL && alerts->waiting.first->due_ms <= now_ms)
		from = &alerts->waiting;
	struct alert *alert = from->first;
	if (alert == NULL)
		return NULL;
	take_out(from, alert);
	append(&alerts->offered, alert);
	return alert;
}

int64_t alerts_next_ms(const struct alerts *alerts)
{
	if (alerts->ready.first != NULL)
		return INT64_MIN;
	return alerts->waiting.first != NULL ? alerts->waiting.first->due_ms : INT64_MAX;
}

bool alerts_taken(struct alerts *alerts, uint64_t id, int status, int64_t now_ms, bool *announced)
{
	struct alert *alert = alerts->offered.first;

	while (alert != NULL && alert->id != id)
		alert = alert->next;
	if (alert == NULL)
		return false;
	*announced = alert->announces;
	take_out(&alerts->offered, alert);
	if (status == -EAGAIN) {
		alerts->counters.retried++;
		alert->due_ms = now_ms + ALERTS_RETRY_MS;
		append(&alerts->waiting, alert);
		return true;
	}
	if (status == 0)
		alerts->counters.taken++;
	else
		alerts->counters.refused++;
	free_alert(alert);
	return true;
}

/* Everything of `from` to the front of `to`, but for what will be raised anew. */
static void put_back(struct list *to, struct list *from)
{
	struct list kept = {0};
	struct list *order[] = {from, to};

	for (unsigned i = 0; i < 2; i++)
		while (order[i]->first != NULL) {
			struct alert *alert = order[i]->first;

			take_out(order[i], alert);
			if (alert->announces)
				free_alert(alert);
			else
				append(&kept, alert);
		}
	*to = kept;
}

void alerts_return(struct alerts *alerts)
{
	put_back(&alerts->ready, &alerts->waiting);
	put_back(&alerts->ready, &alerts->offered);
}

size_t alerts_count(const struct alerts *alerts)
{
	return alerts->ready.count + alerts->offered.count + alerts->waiting.count;
}

size_t alerts_offered(const struct alerts *alerts)
{
	return alerts->offered.count;
}

const struct alerts_counters *alerts_counters(const struct alerts *alerts)
{
	return &alerts->counters;
}
