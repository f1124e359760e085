/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 5.1, 5.2 and 5.3. The XSD allows any SRV beside any read element and any dates; what belongs
 * together is checked here. The order of the checks and their codes are assumptions (the published
 * text does not say); the codes are data, access/services.yaml.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/calendar.h"
#include "control/schedule_access.h"
#include "control/service.h"

static bool parse_frequency(const char *text, enum schedule_frequency *frequency)
{
	static const char *const names[SCHEDULE_FREQUENCY_COUNT] = {
		[SCHEDULE_DAILY] = "Daily",
		[SCHEDULE_WEEKLY] = "Weekly",
		[SCHEDULE_MONTHLY] = "Monthly",
		[SCHEDULE_QUARTERLY] = "Quarterly",
		[SCHEDULE_HALF_YEARLY] = "Half-Yearly",
		[SCHEDULE_YEARLY] = "Yearly",
	};

	for (int i = 0; i < SCHEDULE_FREQUENCY_COUNT; i++) {
		if (strcmp(names[i], text) != 0)
			continue;
		*frequency = (enum schedule_frequency)i;
		return true;
	}
	return false;
}

/* A date or time of `parent`. SERVICE_DONE, or the reason; -ENOENT is the caller's business. */
static enum service_reason date_reason(int result)
{
	return result == 0	   ? SERVICE_DONE
	       : result == -ERANGE ? SERVICE_SCHEDULE_DATE_RANGE
				   : SERVICE_NOT_UNDERSTOOD;
}

static int read_date(const xmlNode *parent, const char *name, int32_t *day)
{
	char text[64];
	int result = xml_value(xml_child(parent, name), text, sizeof(text));

	return result == 0 ? calendar_parse_date(text, day) : result;
}

static int read_time(const xmlNode *parent, const char *name, int32_t *time_ms)
{
	char text[64];
	int result = xml_value(xml_child(parent, name), text, sizeof(text));

	return result == 0 ? calendar_parse_time(text, time_ms) : result;
}

static enum service_reason read_dates(
	const xmlNode *body, struct schedule_terms *terms, const char **element)
{
	*element = "ScheduleStartDate";
	int result = read_date(body, *element, &terms->start_day);
	if (result != 0)
		return date_reason(result);
	*element = "ScheduleExecutionStartTime";
	result = read_time(body, *element, &terms->time_ms);
	if (result == -ENOENT)
		terms->time_ms = SCHEDULE_ANY_TIME;
	else if (result != 0)
		return date_reason(result);
	*element = "ScheduleEndDate";
	result = read_date(body, *element, &terms->end_day);
	if (result == -ENOENT)
		terms->end_day = SCHEDULE_NO_END;
	else if (result != 0)
		return date_reason(result);
	return terms->end_day < terms->start_day ? SERVICE_SCHEDULE_DATE_ORDER : SERVICE_DONE;
}

/* An offset in days, -400 to 0 (DUIS type logPeriodOffset). */
static bool read_offset(const xmlNode *parent, const char *name, int32_t *days)
{
	char text[16];
	char *end;

	if (xml_value(xml_child(parent, name), text, sizeof(text)) != 0 || text[0] == '\0')
		return false;
	long value = strtol(text, &end, 10);
	if (*end != '\0' || value < -400 || value > 0)
		return false;
	*days = (int32_t)value;
	return true;
}

static enum service_reason read_period(const xmlNode *element, struct schedule_terms *terms)
{
	if (!read_offset(element, "StartDateOffset", &terms->period_start_days) ||
		!read_offset(element, "EndDateOffset", &terms->period_end_days))
		return SERVICE_NOT_UNDERSTOOD;
	int result = read_time(element, "StartTime", &terms->period_start_ms);
	if (result == 0)
		result = read_time(element, "EndTime", &terms->period_end_ms);
	if (result != 0)
		return date_reason(result);
	if (terms->period_start_days > terms->period_end_days ||
		(terms->period_start_days == terms->period_end_days &&
			terms->period_start_ms > terms->period_end_ms))
		return SERVICE_SCHEDULE_PERIOD_ORDER;
	return SERVICE_DONE;
}

/* The read element that the schedule has, whatever it names. NULL: none. */
static const xmlNode *read_element(const xmlNode *body, const char **name)
{
	const struct schedulable *row;

	for (unsigned i = 0; (row = schedulable_row(i)) != NULL; i++) {
		const xmlNode *element = xml_child(body, row->dsp_element);

		if (element == NULL)
			continue;
		*name = row->dsp_element;
		return element;
	}
	return NULL;
}

/* Which read: the SRV, its service reference and the DSP element must be of one row. The XSD ties
 * none of them to the others. */
static enum service_reason read_what(
	const xmlNode *body, struct schedule_terms *terms, const char **fault)
{
	static const char variant[] = "DSPScheduledServiceReferenceVariant";
	static const char reference[] = "DSPScheduledServiceReference";
	char srv[MW_SRV_SIZE];
	char service_reference[MW_SRV_SIZE];

	*fault = variant;
	if (xml_value(xml_child(body, variant), srv, sizeof(srv)) != 0)
		return SERVICE_NOT_UNDERSTOOD;
	terms->read = schedulable_find(srv);
	if (terms->read == NULL)
		return SERVICE_SCHEDULE_NOT_SCHEDULABLE;
	*fault = reference;
	if (xml_value(xml_child(body, reference), service_reference, sizeof(service_reference)) !=
		0)
		return SERVICE_NOT_UNDERSTOOD;
	if (strcmp(terms->read->service_reference, service_reference) != 0)
		return SERVICE_SCHEDULE_MISMATCH;
	*fault = variant;
	const xmlNode *element = read_element(body, fault);
	if (element == NULL || strcmp(*fault, terms->read->dsp_element) != 0)
		return SERVICE_SCHEDULE_MISMATCH;
	return terms->read->has_period ? read_period(element, terms) : SERVICE_DONE;
}

/* *fault: the element that is at fault, when one is. */
static enum service_reason read_terms(struct services *services,
	const struct service_request *request, const xmlNode *body, struct schedule_terms *terms,
	const char **fault)
{
	char frequency[16];
	enum service_reason reason;

	memset(terms, 0, sizeof(*terms));
	*fault = "ScheduleFrequency";
	if (xml_value(xml_child(body, *fault), frequency, sizeof(frequency)) != 0 ||
		!parse_frequency(frequency, &terms->frequency))
		return SERVICE_NOT_UNDERSTOOD;
	*fault = "DeviceID";
	if (service_eui(body, *fault, &terms->device_id) != 0)
		return SERVICE_NOT_UNDERSTOOD;
	reason = read_what(body, terms, fault);
	if (reason == SERVICE_DONE)
		reason = read_dates(body, terms, fault);
	if (reason != SERVICE_DONE)
		return reason;
	reason = schedule_access_judge(services, request, terms);
	*fault = reason == SERVICE_SCHEDULE_DEVICE_UNKNOWN ? "DeviceID" : "";
	return reason;
}

enum service_reason service_judge_schedule(struct services *services,
	const struct service_request *request, struct service_refusal *refusal)
{
	struct xml_request document;
	struct schedule_terms terms;
	const char *fault = "";
	enum service_reason reason = SERVICE_NOT_UNDERSTOOD;

	memset(refusal, 0, sizeof(*refusal));
	if (xml_request_read(&document, request->document, request->document_length) != 0)
		return reason;
	if (strcmp(xml_name(document.body), "CreateSchedule") == 0)
		reason = read_terms(services, request, document.body, &terms, &fault);
	xml_request_free(&document);
	if (reason != SERVICE_DONE)
		service_fault(request, fault, refusal);
	return reason;
}

/* What 5.2 shows later: the elements of the request. The credential's text is found again in it. */
static void copy_details(const xmlNode *body, struct xml_text *details, size_t *credential_start,
	size_t *credential_end)
{
	static const char name[] = "KAPublicSecurityCredential";

	*credential_start = 0;
	*credential_end = 0;
	for (const xmlNode *child = xml_first(body); child != NULL; child = xml_next(child)) {
		size_t start = details->length;

		xml_copy(details, child);
		if (strcmp(xml_name(child), name) != 0 || details->failed)
			continue;
		*credential_start = start + strlen("<sr:>") + strlen(name);
		*credential_end = details->length - strlen("</sr:>") - strlen(name);
	}
}

static enum service_reason add_reason(int error)
{
	switch (error) {
	case 0:
		return SERVICE_DONE;
	case -ERANGE:
		return SERVICE_SCHEDULE_DATE_PASSED;
	case -EDQUOT:
		return SERVICE_SCHEDULE_LIMIT;
	default:
		return SERVICE_SCHEDULE_CAPACITY;
	}
}

static int add_schedule(struct services *services, const struct service_request *request,
	struct schedule_order *order, uint64_t *id)
{
	int result = 0;

	order->user = request->user;
	order->removal = (struct schedule_removal){.at_s = STORE_NEVER};
	if (services->removal != NULL)
		result = removal_plan(services->removal, request->user, order->terms,
			request->now_ms, &order->removal);
	return result == 0 ? schedules_add(services->schedules, order, request->now_ms, id)
			   : result;
}

enum service_reason service_create_schedule(struct services *services,
	const struct service_request *request, const xmlNode *body, struct xml_text *answer)
{
	struct schedule_terms terms;
	struct xml_text details = {0};
	size_t credential_start;
	size_t credential_end;
	const char *fault;
	enum service_reason reason = read_terms(services, request, body, &terms, &fault);

	if (reason != SERVICE_DONE) {
		service_fault(request, fault, &services->refusal);
		return reason;
	}
	copy_details(body, &details, &credential_start, &credential_end);
	if (details.failed || details.length > SCHEDULE_DETAILS_BYTES_MAX) {
		reason = details.failed ? SERVICE_SCHEDULE_CAPACITY : SERVICE_SCHEDULE_TOO_LARGE;
		xml_text_free(&details);
		return reason;
	}
	struct schedule_text text = {
		.details = details.bytes,
		.details_length = (uint32_t)details.length,
		.credential = credential_end > 0 ? details.bytes + credential_start : NULL,
		.credential_length = (uint32_t)(credential_end - credential_start),
		.schema_version = request->schema_version,
	};
	struct schedule_order order = {.terms = &terms, .text = &text};
	uint64_t id;
	reason = add_reason(add_schedule(services, request, &order, &id));
	xml_text_free(&details);
	if (reason == SERVICE_DONE)
		xml_text_number(answer, "DSPScheduleID", id);
	return reason;
}

/* A schedule id: nonNegativeInteger up to 10^12, perhaps with a sign or leading zeros. */
static bool parse_id(const char *text, uint64_t *id)
{
	bool minus = *text == '-';

	if (*text == '+' || *text == '-')
		text++;
	if (!isdigit((unsigned char)*text))
		return false;
	*id = 0;
	for (; isdigit((unsigned char)*text); text++) {
		*id = *id * 10 + (uint64_t)(*text - '0');
		if (*id > SCHEDULE_ID_MAX)
			return false;
	}
	return *text == '\0' && !(minus && *id != 0);
}

/* Both 5.2 and 5.3 name a schedule by its id, or all of the sender's for a device. */
static enum service_reason find_schedules(const struct services *services,
	const struct service_request *request, const xmlNode *body,
	uint64_t found[SCHEDULES_OF_DEVICE_MAX], unsigned *count)
{
	char text[64];
	uint64_t device_id;
	struct schedule schedule;

	*count = 0;
	int result = xml_value(xml_child(body, "DSPScheduleID"), text, sizeof(text));
	if (result == 0) {
		if (!parse_id(text, &found[0]))
			return SERVICE_NOT_UNDERSTOOD;
		result = schedules_find(services->schedules, found[0], &schedule);
		if (result != 0 && result != -ENOENT)
			return SERVICE_SCHEDULE_CAPACITY;
		/* Another user's schedule is not there: its existence is nobody's business. */
		*count = result == 0 && schedule.user == request->user;
		return *count > 0 ? SERVICE_DONE : SERVICE_READ_SCHEDULE_UNKNOWN;
	}
	if (result != -ENOENT || service_eui(body, "DeviceID", &device_id) != 0)
		return SERVICE_NOT_UNDERSTOOD;
	result = schedules_of_device(services->schedules, request->user, device_id, found);
	if (result < 0)
		return SERVICE_SCHEDULE_CAPACITY;
	*count = (unsigned)result;
	return *count > 0 ? SERVICE_DONE : SERVICE_READ_SCHEDULE_NONE;
}

enum service_reason service_read_schedule(struct services *services,
	const struct service_request *request, const xmlNode *body, struct xml_text *answer)
{
	uint64_t found[SCHEDULES_OF_DEVICE_MAX];
	struct schedule schedule;
	unsigned count;
	enum service_reason reason = find_schedules(services, request, body, found, &count);

	if (reason != SERVICE_DONE)
		return reason;
	xml_text_open(answer, "DSPSchedulesRead");
	for (unsigned i = 0; i < count; i++) {
		if (schedules_find(services->schedules, found[i], &schedule) != 0)
			return SERVICE_SCHEDULE_CAPACITY;
		xml_text_open(answer, "DSPSchedules");
		xml_text_number(answer, "DSPScheduleID", schedule.id);
		xml_text_open(answer, "DSPScheduleDetails");
		schedule_write_details(&schedule, answer);
		xml_text_close(answer, "DSPScheduleDetails");
		xml_text_close(answer, "DSPSchedules");
	}
	xml_text_close(answer, "DSPSchedulesRead");
	return SERVICE_DONE;
}

enum service_reason service_delete_schedule(struct services *services,
	const struct service_request *request, const xmlNode *body, struct xml_text *answer)
{
	uint64_t found[SCHEDULES_OF_DEVICE_MAX];
	unsigned count;
	enum service_reason reason = find_schedules(services, request, body, found, &count);

	(void)answer;
	if (reason == SERVICE_READ_SCHEDULE_UNKNOWN)
		return SERVICE_DELETE_SCHEDULE_UNKNOWN;
	if (reason == SERVICE_READ_SCHEDULE_NONE)
		return SERVICE_DELETE_SCHEDULE_NONE;
	for (unsigned i = 0; reason == SERVICE_DONE && i < count; i++)
		if (schedules_remove(services->schedules, found[i]) != 0)
			reason = SERVICE_SCHEDULE_CAPACITY;
	return reason;
}
