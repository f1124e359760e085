/* SPDX-License-Identifier: Apache-2.0 */
/* The elements of DCC Alerts: DUIS XSD, types of DCCAlert. */
#include <assert.h>

#include "control/alert_elements.h"
#include "control/xml_text.h"
#include "dataplane/duis/identifier.h"

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
	const char *breach = terms->event == ALERT_QUARANTINED_DCC_THRESHOLD
				     ? "ADDCCThresholdBreach"
				     : "ADUserThresholdBreach";

	xml_text_open(text, "QuarantinedRequest");
	xml_text_open(text, breach);
	write_request_id(text, "RequestID", &terms->request_id);
	xml_text_number(text, "QuarantineEventRef", id);
	xml_text_close(text, breach);
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
	return event == ALERT_COMMAND_FAILED || alert_event_holds(event);
}

static void write_body(struct xml_text *text, const struct alert_terms *terms, uint64_t id)
{
	switch (terms->event) {
	case ALERT_SCHEDULE_REMOVED_MDRA:
	case ALERT_SCHEDULE_REMOVED_SUPPLIER:
	case ALERT_SCHEDULE_REMOVED_DEVICE:
	case ALERT_SCHEDULE_REMOVED_NETWORK:
	case ALERT_SCHEDULE_REMOVED_USER:
		write_schedule_removal(text, terms);
		break;
	case ALERT_COMMAND_FAILED:
		write_command_failure(text, terms);
		break;
	case ALERT_QUARANTINED_USER_THRESHOLD:
	case ALERT_QUARANTINED_DCC_THRESHOLD:
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

bool alert_write_elements(struct alert *alert)
{
	const struct alert_terms *terms = &alert->terms;
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
