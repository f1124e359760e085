/* SPDX-License-Identifier: Apache-2.0 */
#include "control/due_read.h"

#include "control/calendar.h"
#include "dataplane/duis/identifier.h"

static void write_header(struct xml_text *text, const struct schedule *schedule, uint64_t dsp_eui)
{
	struct mw_request_id id = schedule_request_id(schedule, dsp_eui);
	char id_text[MW_REQUEST_ID_TEXT_SIZE];

	duis_request_id_format(&id, id_text);
	xml_text_open(text, "Header");
	xml_text_element(text, "RequestID", id_text);
	xml_text_element(text, "CommandVariant", "1");
	xml_text_element(text, "ServiceReference", schedule->terms.read->service_reference);
	xml_text_element(text, "ServiceReferenceVariant", schedule->terms.read->srv);
	xml_text_close(text, "Header");
}

static void write_period(struct xml_text *text, const struct schedule *schedule)
{
	const struct schedule_terms *terms = &schedule->terms;
	char date_time[CALENDAR_DATE_TIME_SIZE];

	xml_text_open(text, "ReadLogPeriod");
	calendar_format(
		schedule->run_day + terms->period_start_days, terms->period_start_ms, date_time);
	xml_text_element(text, "StartDateTime", date_time);
	calendar_format(
		schedule->run_day + terms->period_end_days, terms->period_end_ms, date_time);
	xml_text_element(text, "EndDateTime", date_time);
	xml_text_close(text, "ReadLogPeriod");
}

void due_read_write(struct xml_text *text, const struct schedule *schedule, uint64_t dsp_eui)
{
	const struct schedulable *read = schedule->terms.read;

	xml_text_put(text, "<sr:Request xmlns:sr=\"" XML_DUIS_NAMESPACE "\" schemaVersion=\"");
	xml_text_put(text, schedule->schema_version);
	xml_text_put(text, "\">");
	write_header(text, schedule, dsp_eui);
	xml_text_open(text, "Body");
	xml_text_open(text, read->request_element);
	if (read->has_period)
		write_period(text, schedule);
	if (read->has_credential && schedule->credential != NULL) {
		/* A schedule says Credential, a request Credentials. The text is escaped already.
		 */
		xml_text_open(text, "KAPublicSecurityCredentials");
		xml_text_raw(text, schedule->credential, schedule->credential_length);
		xml_text_close(text, "KAPublicSecurityCredentials");
	}
	xml_text_close(text, read->request_element);
	xml_text_close(text, "Body");
	xml_text_close(text, "Request");
}
