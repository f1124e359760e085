/* SPDX-License-Identifier: Apache-2.0 */
/* Create, Read and Delete Schedule and Read Inventory: what is answered, and every reason of
 * refusal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/calendar.h"
#include "control/due_read.h"
#include "control/service.h"
#include "control_fixture.h"

#define NAMESPACE "http://www.dccinterface.co.uk/ServiceUserGateway"
#define NOW (20779LL * CALENDAR_DAY_MS + 9 * 3600000) /* 2026-11-22 09:00 */
#define BODY_SIZE 16384				      /* of a 5.1 as schedule() writes it */

static struct services services;
static struct reference *reference;

static void create(void)
{
	fixture_create();
	reference = fixture_reference(1);
	memset(&services, 0, sizeof(services));
	services.reference = reference;
	services.store = fixture_store(reference);
	fixture_image(reference, fixture_path("parties-registrations.csv"),
		fixture_path("parties-appointments.csv"));
	services.schedules = schedules_open(fixture_ledger(), 9000); /* the first id is 901 */
}

static void destroy(void)
{
	schedules_close(services.schedules);
	services_close(&services);
	reference_free(reference);
	fixture_destroy();
}

TestSuite(control_services, .init = create, .fini = destroy);

static char answer_body[65536];
static char answer_code[MW_CODE_SIZE];
static const char *ask_version = "5.4";
static struct mw_request_id ask_id;

/* Ask as `user` with `roles`; the answer is in answer_code and answer_body. */
static void ask(uint64_t user, uint32_t roles, const char *srv, const char *body)
{
	static char document[65536];
	struct service_answer answer;

	/* The prefix is the sender's own choice. */
	snprintf(document, sizeof(document),
		"<x:Request xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:x=\"" NAMESPACE
		"\" schemaVersion=\"5.4\">\n  <x:Header><x:RequestID>any</x:RequestID></x:Header>\n"
		"  <x:Body>\n    %s\n  </x:Body>\n</x:Request>",
		body);
	struct service_request request = {
		.user = user,
		.request_id = ask_id,
		.roles = roles,
		.srv = srv,
		.schema_version = ask_version,
		.document = (const uint8_t *)document,
		.document_length = strlen(document),
		.now_ms = NOW,
	};
	service_answer(&services, &request, &answer);
	cr_assert_eq(ledger_commit(fixture_ledger()), 0);
	snprintf(answer_body, sizeof(answer_body), "%s",
		answer.body.bytes != NULL ? answer.body.bytes : "");
	memcpy(answer_code, answer.code, sizeof(answer_code));
	xml_text_free(&answer.body);
}

/* The body of a 5.1. */
static const char *schedule(
	const char *dates, const char *srv, const char *device, const char *element)
{
	static char body[BODY_SIZE];
	char service_reference[MW_SRV_SIZE];

	/* 4.6.1 belongs to 4.6, but 4.10 to itself. */
	snprintf(service_reference, sizeof(service_reference), "%s", srv);
	char *first = strchr(service_reference, '.');
	char *last = strrchr(service_reference, '.');
	if (first != last)
		*last = '\0';
	snprintf(body, sizeof(body),
		"<x:CreateSchedule>\n%s"
		"<x:DSPScheduledServiceReference>%s</x:DSPScheduledServiceReference>"
		"<x:DSPScheduledServiceReferenceVariant>%s</x:DSPScheduledServiceReferenceVariant>"
		"<x:DeviceID>%s</x:DeviceID>%s</x:CreateSchedule>",
		dates, service_reference, srv, device, element);
	return body;
}

#define DAILY                                                                                      \
	"<x:ScheduleFrequency>Daily</x:ScheduleFrequency>"                                         \
	"<x:ScheduleStartDate>2015-01-02</x:ScheduleStartDate>"
#define OFFSET                                                                                     \
	"<x:StartDateOffset>-1</x:StartDateOffset><x:StartTime>00:00:00.00Z</x:StartTime>"         \
	"<x:EndDateOffset>0</x:EndDateOffset><x:EndTime>00:00:00.00Z</x:EndTime>"
#define IMPORT_LOG "<x:DSPRetrieveImportDailyReadLog>" OFFSET "</x:DSPRetrieveImportDailyReadLog>"
#define EXPORT_LOG "<x:DSPRetrieveExportDailyReadLog>" OFFSET "</x:DSPRetrieveExportDailyReadLog>"
#define SMETS2 "00-DB-12-34-56-78-90-A0"
#define FROM(day)                                                                                  \
	"<x:ScheduleFrequency>Daily</x:ScheduleFrequency><x:ScheduleStartDate>" day                \
	"</x:ScheduleStartDate>"
#define SMETS1 "00-DB-12-34-56-78-A0-01"
#define GAS "00-DB-12-34-56-78-90-A1"
#define SUPPLIER FIXTURE_SUPPLIER, MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_GS
#define RETRIEVER FIXTURE_MDR, MW_ROLE_MDR

/* Create a schedule in the usual way; returns its id. */
static uint64_t create_schedule(uint64_t user, uint32_t roles, const char *device)
{
	unsigned long long id = 0;

	ask(user, roles, "5.1", schedule(DAILY, "4.6.1", device, IMPORT_LOG));
	cr_assert_str_eq(answer_code, "I0");
	cr_assert_eq(sscanf(answer_body, "<sr:DSPScheduleID>%llu</sr:DSPScheduleID>", &id), 1);
	return id;
}

static void expect_refusal(enum service_reason reason)
{
	cr_assert_str_eq(answer_code, reference->codes[reason], "%s, not %s",
		service_reason_name(reason), answer_code);
	cr_assert_str_eq(answer_body, "");
	cr_assert_eq(services.refused[reason], 1, "%s", service_reason_name(reason));
	services.refused[reason] = 0;
}

Test(control_services, create_read_delete)
{
	uint64_t id = create_schedule(SUPPLIER, SMETS2);
	char body[256];

	cr_assert_eq(id, 901);
	cr_assert_eq(schedules_count(services.schedules), 1);
	snprintf(body, sizeof(body),
		"<x:ReadSchedule><x:DSPScheduleID> +0901 </x:DSPScheduleID></x:ReadSchedule>");
	ask(SUPPLIER, "5.2", body);
	cr_assert_str_eq(answer_code, "I0");
	cr_assert_str_eq(answer_body,
		"<sr:DSPSchedulesRead><sr:DSPSchedules><sr:DSPScheduleID>901</sr:DSPScheduleID>"
		"<sr:DSPScheduleDetails><sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
		"<sr:ScheduleStartDate>2015-01-02</sr:ScheduleStartDate>"
		"<sr:DSPScheduledServiceReference>4.6</sr:DSPScheduledServiceReference>"
		"<sr:DSPScheduledServiceReferenceVariant>4.6.1</"
		"sr:DSPScheduledServiceReferenceVariant>"
		"<sr:DeviceID>" SMETS2 "</sr:DeviceID><sr:DSPRetrieveImportDailyReadLog>"
		"<sr:StartDateOffset>-1</sr:StartDateOffset><sr:StartTime>00:00:00.00Z</"
		"sr:StartTime>"
		"<sr:EndDateOffset>0</sr:EndDateOffset><sr:EndTime>00:00:00.00Z</sr:EndTime>"
		"</sr:DSPRetrieveImportDailyReadLog></sr:DSPScheduleDetails></sr:DSPSchedules>"
		"</sr:DSPSchedulesRead>");
	ask(SUPPLIER, "5.3",
		"<x:DeleteSchedule><x:DSPScheduleID>901</x:DSPScheduleID></x:DeleteSchedule>");
	cr_assert_str_eq(answer_code, "I99");
	cr_assert_str_eq(answer_body, "");
	cr_assert_eq(schedules_count(services.schedules), 0);
	ask(SUPPLIER, "5.3",
		"<x:DeleteSchedule><x:DSPScheduleID>901</x:DSPScheduleID></x:DeleteSchedule>");
	expect_refusal(SERVICE_DELETE_SCHEDULE_UNKNOWN);
	ask(SUPPLIER, "5.2", body);
	expect_refusal(SERVICE_READ_SCHEDULE_UNKNOWN);
	cr_assert_eq(services.answered, 3);
}

Test(control_services, by_device_and_only_ones_own)
{
	create_schedule(SUPPLIER, SMETS2);
	create_schedule(SUPPLIER, SMETS2);
	create_schedule(SUPPLIER, SMETS1);
	create_schedule(RETRIEVER, SMETS2);
	ask(SUPPLIER, "5.2",
		"<x:ReadSchedule><x:DeviceID>" SMETS2 "</x:DeviceID></x:ReadSchedule>");
	cr_assert_str_eq(answer_code, "I0");
	cr_assert_not_null(strstr(answer_body, ">901<"));
	cr_assert_not_null(strstr(answer_body, ">902<"));
	cr_assert_null(strstr(answer_body, ">903<"));
	cr_assert_null(strstr(answer_body, ">904<"));
	ask(RETRIEVER, "5.2",
		"<x:ReadSchedule><x:DSPScheduleID>901</x:DSPScheduleID></x:ReadSchedule>");
	expect_refusal(SERVICE_READ_SCHEDULE_UNKNOWN);
	ask(RETRIEVER, "5.3",
		"<x:DeleteSchedule><x:DSPScheduleID>901</x:DSPScheduleID></x:DeleteSchedule>");
	expect_refusal(SERVICE_DELETE_SCHEDULE_UNKNOWN);
	ask(SUPPLIER, "5.3",
		"<x:DeleteSchedule><x:DeviceID>" SMETS2 "</x:DeviceID></x:DeleteSchedule>");
	cr_assert_str_eq(answer_code, "I99");
	cr_assert_eq(schedules_count(services.schedules), 2);
	ask(SUPPLIER, "5.3",
		"<x:DeleteSchedule><x:DeviceID>" SMETS2 "</x:DeviceID></x:DeleteSchedule>");
	expect_refusal(SERVICE_DELETE_SCHEDULE_NONE);
	ask(SUPPLIER, "5.2",
		"<x:ReadSchedule><x:DeviceID>" SMETS2 "</x:DeviceID></x:ReadSchedule>");
	expect_refusal(SERVICE_READ_SCHEDULE_NONE);
	ask(SUPPLIER, "5.2",
		"<x:ReadSchedule><x:DSPScheduleID>1000000000001</x:DSPScheduleID></"
		"x:ReadSchedule>");
	expect_refusal(SERVICE_NOT_UNDERSTOOD);
}

Test(control_services, ninety_nine_schedules)
{
	for (int i = 0; i < 99; i++)
		create_schedule(SUPPLIER, SMETS2);
	ask(SUPPLIER, "5.1", schedule(DAILY, "4.6.1", SMETS2, IMPORT_LOG));
	expect_refusal(SERVICE_SCHEDULE_LIMIT);
	create_schedule(SUPPLIER, SMETS1);
	create_schedule(RETRIEVER, SMETS2);
	ask(SUPPLIER, "5.2",
		"<x:ReadSchedule><x:DeviceID>" SMETS2 "</x:DeviceID></x:ReadSchedule>");
	unsigned read = 0;
	for (const char *at = strstr(answer_body, "<sr:DSPSchedules>"); at != NULL;
		at = strstr(at + 1, "<sr:DSPSchedules>"))
		read++;
	cr_assert_eq(read, 99);
}

Test(control_services, what_cannot_be_scheduled)
{
	ask(SUPPLIER, "5.1", schedule(DAILY, "4.1.1", SMETS2, IMPORT_LOG));
	expect_refusal(SERVICE_SCHEDULE_NOT_SCHEDULABLE);
	ask(SUPPLIER, "5.1", schedule(DAILY, "4.6.2", SMETS2, IMPORT_LOG));
	expect_refusal(SERVICE_SCHEDULE_MISMATCH);
	/* The service reference of another variant. */
	char body[BODY_SIZE];
	snprintf(body, sizeof(body), "%s", schedule(DAILY, "4.6.1", SMETS2, IMPORT_LOG));
	strstr(body, ">4.6<")[3] = '8';
	ask(SUPPLIER, "5.1", body);
	expect_refusal(SERVICE_SCHEDULE_MISMATCH);
	ask(SUPPLIER, "5.1", schedule(DAILY, "4.6.1", "00-00-00-00-00-00-00-01", IMPORT_LOG));
	expect_refusal(SERVICE_SCHEDULE_DEVICE_UNKNOWN);
	ask(SUPPLIER, "5.1", schedule(DAILY, "14.1", SMETS2, "<x:DSPRecordNetworkDataGAS/>"));
	expect_refusal(SERVICE_SCHEDULE_ROLE);
	cr_assert_eq(schedules_count(services.schedules), 0);
}

Test(control_services, meter_data_retrievers)
{
	static const struct {
		const char *srv;
		const char *element;
	} rows[] = {
		{"4.2", "<x:DSPReadInstantaneousExportRegisters/>"},
		{"4.6.1", IMPORT_LOG},
		{"4.6.2", EXPORT_LOG},
		{"4.8.1", "<x:DSPReadActiveImportProfileData>" OFFSET
			  "</x:DSPReadActiveImportProfileData>"},
		{"4.8.3", "<x:DSPReadExportProfileData>" OFFSET "</x:DSPReadExportProfileData>"},
		{"4.17", "<x:DSPRetrieveDailyConsumptionLog>" OFFSET
			 "</x:DSPRetrieveDailyConsumptionLog>"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool smets2_only =
			strcmp(rows[i].srv, "4.6.2") == 0 || strcmp(rows[i].srv, "4.17") == 0;

		ask(RETRIEVER, "5.1", schedule(DAILY, rows[i].srv, SMETS2, rows[i].element));
		cr_assert_str_eq(answer_code, "I0", "%s", rows[i].srv);
		ask(RETRIEVER, "5.1", schedule(DAILY, rows[i].srv, SMETS1, rows[i].element));
		if (smets2_only)
			expect_refusal(SERVICE_SCHEDULE_GENERATION);
		else
			cr_assert_str_eq(answer_code, "I0", "%s", rows[i].srv);
	}
	ask(RETRIEVER, "5.1", schedule(DAILY, "4.16", SMETS2, "<x:DSPReadActivePowerImport/>"));
	expect_refusal(SERVICE_SCHEDULE_MDR);
	/* 4.6.2 is not for SMETS1 at all: another role does not help. */
	ask(FIXTURE_MDR, MW_ROLE_MDR | MW_ROLE_ES, "5.1",
		schedule(DAILY, "4.6.2", SMETS1, EXPORT_LOG));
	expect_refusal(SERVICE_SCHEDULE_GENERATION);
}

/* Every schedulable SRV beside every element and every service reference but its own: refused, with
 * the element that is at fault and where it stands. */
Test(control_services, scheduled_srv_against_reference_and_element)
{
	const struct schedulable *row;
	const struct schedulable *other;
	unsigned refused = 0;

	for (unsigned i = 0; (row = schedulable_row(i)) != NULL; i++) {
		for (unsigned k = 0; (other = schedulable_row(k)) != NULL; k++) {
			char element[512];
			char body[BODY_SIZE];

			snprintf(element, sizeof(element), "<x:%s>%s</x:%s>", other->dsp_element,
				other->has_period ? OFFSET : "", other->dsp_element);
			snprintf(body, sizeof(body), "%s",
				schedule(DAILY, row->srv, SMETS2, element));
			ask(SUPPLIER, "5.1", body);
			if (other == row) {
				cr_assert_str_neq(answer_code,
					reference->codes[SERVICE_SCHEDULE_MISMATCH], "%s",
					row->srv);
				services.refused[SERVICE_SCHEDULE_ROLE] = 0;
				continue;
			}
			expect_refusal(SERVICE_SCHEDULE_MISMATCH);
			cr_assert_str_eq(services.refusal.element, other->dsp_element);
			refused++;
			if (strcmp(other->service_reference, row->service_reference) == 0)
				continue;
			/* The right element, and the reference of the other. */
			snprintf(element, sizeof(element), "<x:%s>%s</x:%s>", row->dsp_element,
				row->has_period ? OFFSET : "", row->dsp_element);
			snprintf(body, sizeof(body), "%s",
				schedule(DAILY, row->srv, SMETS2, element));
			char *from =
				strstr(body, "ServiceReference>") + strlen("ServiceReference>");
			char after[4096];
			snprintf(after, sizeof(after), "%s", strchr(from, '<'));
			snprintf(from, sizeof(body) - (size_t)(from - body), "%s%s",
				other->service_reference, after);
			ask(SUPPLIER, "5.1", body);
			expect_refusal(SERVICE_SCHEDULE_MISMATCH);
			cr_assert_str_eq(services.refusal.element, "DSPScheduledServiceReference");
			refused++;
		}
	}
	cr_assert_gt(refused, 14 * 13);
}

/* Who may not have what he schedules, as access control will judge the first run. */
Test(control_services, entitlement_of_the_first_run)
{
	static const char yesterday[] = EXPORT_LOG;
	static const struct {
		uint64_t user;
		uint32_t roles;
		const char *dates, *srv, *device;
		int reason;
	} cases[] = {
		{RETRIEVER, DAILY, "4.6.2", SMETS2, SERVICE_DONE},
		/* The appointment for export ends with 2026: its last run reads that day. */
		{RETRIEVER, FROM("2027-01-01"), "4.6.2", SMETS2, SERVICE_DONE},
		{RETRIEVER, FROM("2027-01-02"), "4.6.2", SMETS2, SERVICE_SCHEDULE_NOT_ENTITLED},
		/* The supplier of an organisation that has nothing to do with the meter. */
		{0x90b3d51f30020000, MW_ROLE_ES, DAILY, "4.6.2", SMETS2,
			SERVICE_SCHEDULE_NOT_ENTITLED},
		{RETRIEVER, DAILY, "4.6.2", GAS, SERVICE_SCHEDULE_NOT_ENTITLED},
		{0x90b3d51f30099999, MW_ROLE_ES, DAILY, "4.6.2", SMETS2, SERVICE_SCHEDULE_ROLE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(cases[i].user, cases[i].roles, "5.1",
			schedule(cases[i].dates, cases[i].srv, cases[i].device, yesterday));
		if (cases[i].reason == SERVICE_DONE)
			cr_assert_str_eq(answer_code, "I0", "case %zu: %s", i, answer_code);
		else
			expect_refusal((enum service_reason)cases[i].reason);
	}
}

/* Supplied by the sender, and still not what the SRV is for. */
Test(control_services, status_type_and_version)
{
	ask(SUPPLIER, "5.1", schedule(DAILY, "4.6.1", GAS, IMPORT_LOG));
	expect_refusal(SERVICE_SCHEDULE_DEVICE_STATUS);
	fixture_write("devices.yaml",
		"devices:\n"
		"  - {device_id: 00-DB-12-34-56-78-90-A0, type: PPMID, generation: SMETS2,\n"
		"     provider: csp, status: Commissioned, manufacturer: m, model: m,\n"
		"     import_mpxn: \"1312345678111\"}\n");
	reference_free(reference);
	reference = fixture_reference(2);
	services.reference = reference;
	services.store = fixture_store(reference);
	fixture_image(reference, NULL, NULL);
	ask(SUPPLIER, "5.1", schedule(DAILY, "4.6.1", SMETS2, IMPORT_LOG));
	expect_refusal(SERVICE_SCHEDULE_DEVICE_TYPE);
	ask_version = "5.1";
	ask(SUPPLIER, "5.1",
		schedule(DAILY, "4.2", SMETS2, "<x:DSPReadInstantaneousExportRegisters/>"));
	ask_version = "5.4";
	expect_refusal(SERVICE_SCHEDULE_VERSION);
}

/* Without a registry image nothing can be judged, so nothing is promised. */
Test(control_services, no_image)
{
	struct mw_control_registry_image image = reference->image;

	services_close(&services);
	snprintf(reference->image.path, sizeof(reference->image.path), "/nowhere");
	ask(SUPPLIER, "5.1", schedule(DAILY, "4.6.1", SMETS2, IMPORT_LOG));
	expect_refusal(SERVICE_SCHEDULE_CAPACITY);
	reference->image = image;
	create_schedule(SUPPLIER, SMETS2);
}

/* A refusal can be asked for afterwards, until others have pushed it out. */
Test(control_services, refusals_are_kept)
{
	const struct mw_request_id first = {FIXTURE_SUPPLIER, FIXTURE_DSP, 1};
	struct mw_request_id id = first;

	ask_id = first;
	ask(SUPPLIER, "5.1", schedule(DAILY, "4.6.2", SMETS2, IMPORT_LOG));
	const struct service_refused *refused = services_find_refused(&services, &first);
	cr_assert_not_null(refused);
	cr_assert_eq(refused->reason, SERVICE_SCHEDULE_MISMATCH);
	cr_assert_eq(refused->time_ms, NOW);
	cr_assert_str_eq(refused->refusal.element, "DSPRetrieveImportDailyReadLog");
	cr_assert_gt(refused->refusal.offset, 100);
	id.counter = 2;
	cr_assert_null(services_find_refused(&services, &id));
	for (uint64_t counter = 2; counter < 2 + SERVICE_REFUSED_MAX; counter++) {
		ask_id.counter = counter;
		ask(SUPPLIER, "8.2", "<x:ReadInventory><x:UPRN>1</x:UPRN></x:ReadInventory>");
		cr_assert_eq(services_find_refused(&services, &first) != NULL,
			counter < 1 + SERVICE_REFUSED_MAX);
	}
	cr_assert_not_null(services_find_refused(&services, &id));
}

static const char *dates(const char *start, const char *end, const char *time)
{
	static char text[512];

	snprintf(text, sizeof(text),
		"<x:ScheduleFrequency>Weekly</x:ScheduleFrequency>"
		"<x:ScheduleStartDate>%s</x:ScheduleStartDate>",
		start);
	if (end != NULL)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"<x:ScheduleEndDate>%s</x:ScheduleEndDate>", end);
	if (time != NULL)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"<x:ScheduleExecutionStartTime>%s</x:ScheduleExecutionStartTime>", time);
	return text;
}

static void create_with_dates(const char *start, const char *end, const char *time)
{
	ask(SUPPLIER, "5.1", schedule(dates(start, end, time), "4.6.1", SMETS2, IMPORT_LOG));
}

Test(control_services, dates_and_times)
{
	create_with_dates("2026-11-22", "2026-11-21", NULL);
	expect_refusal(SERVICE_SCHEDULE_DATE_ORDER);
	create_with_dates("2026-11-01", "2026-11-21", NULL);
	expect_refusal(SERVICE_SCHEDULE_DATE_PASSED);
	create_with_dates("2026-11-22", "2026-11-22", "08:00:00Z");
	expect_refusal(SERVICE_SCHEDULE_DATE_PASSED);
	create_with_dates("2026-11-22+01:00", NULL, NULL);
	expect_refusal(SERVICE_SCHEDULE_DATE_RANGE);
	create_with_dates("2026-11-22", NULL, "08:00:00-05:00");
	expect_refusal(SERVICE_SCHEDULE_DATE_RANGE);
	create_with_dates("2026-11-22", "12026-11-22", NULL);
	expect_refusal(SERVICE_SCHEDULE_DATE_RANGE);
	create_with_dates("tomorrow", NULL, NULL);
	expect_refusal(SERVICE_NOT_UNDERSTOOD);
	create_with_dates("2026-11-22Z", "2026-11-22", "10:00:00");
	cr_assert_str_eq(answer_code, "I0");
	struct schedule made;
	cr_assert_eq(schedules_find(services.schedules, 901, &made), 0);
	cr_assert_eq(made.due_ms, NOW + 3600000);
}

Test(control_services, periods)
{
	static const struct {
		const char *start_days, *start, *end_days, *end;
		int reason;
	} cases[] = {
		{"0", "00:00:00Z", "-1", "00:00:00Z", SERVICE_SCHEDULE_PERIOD_ORDER},
		{"-1", "00:00:01Z", "-1", "00:00:00Z", SERVICE_SCHEDULE_PERIOD_ORDER},
		{"-1", "00:00:00Z", "-1", "00:00:00Z", SERVICE_DONE},
		{"-400", "00:00:00Z", "-0", "23:59:59Z", SERVICE_DONE},
		{"-401", "00:00:00Z", "0", "00:00:00Z", SERVICE_NOT_UNDERSTOOD},
		{"1", "00:00:00Z", "1", "00:00:00Z", SERVICE_NOT_UNDERSTOOD},
		{"-1", "00:00:00+02:00", "0", "00:00:00Z", SERVICE_SCHEDULE_DATE_RANGE},
		{"x", "00:00:00Z", "0", "00:00:00Z", SERVICE_NOT_UNDERSTOOD},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char element[512];

		snprintf(element, sizeof(element),
			"<x:DSPRetrieveImportDailyReadLog><x:StartDateOffset>%s</x:StartDateOffset>"
			"<x:StartTime>%s</x:StartTime><x:EndDateOffset>%s</x:EndDateOffset>"
			"<x:EndTime>%s</x:EndTime></x:DSPRetrieveImportDailyReadLog>",
			cases[i].start_days, cases[i].start, cases[i].end_days, cases[i].end);
		ask(SUPPLIER, "5.1", schedule(DAILY, "4.6.1", SMETS2, element));
		if (cases[i].reason == SERVICE_DONE)
			cr_assert_str_eq(answer_code, "I0", "case %zu", i);
		else
			expect_refusal((enum service_reason)cases[i].reason);
	}
}

/* The due read of the one schedule there is, at its present occurrence. */
static const char *due_document(void)
{
	static char document[8192];
	struct xml_text text = {0};
	struct schedule due;

	cr_assert_eq(schedules_due(services.schedules, INT64_MAX, &due), 1);
	due_read_write(&text, &due, FIXTURE_DSP);
	snprintf(document, sizeof(document), "%s", text.bytes);
	xml_text_free(&text);
	schedules_advance(services.schedules, due.id);
	cr_assert_eq(ledger_commit(fixture_ledger()), 0);
	return document;
}

Test(control_services, credential_and_due_reads)
{
	static const char with_credential[] = DAILY
		"<x:KAPublicSecurityCredential>MIIB\n &#x41;==</x:KAPublicSecurityCredential>";

	ask(RETRIEVER, "5.1", schedule(with_credential, "4.6.1", SMETS2, IMPORT_LOG));
	cr_assert_str_eq(answer_code, "I0");
	/* 2026-11-22 is today; the period is the day before, and the element's name is in the
	 * plural. */
	cr_assert_str_eq(due_document(),
		"<sr:Request xmlns:sr=\"" NAMESPACE "\" schemaVersion=\"5.4\"><sr:Header>"
		"<sr:RequestID>90-B3-D5-1F-30-00-00-02:" SMETS2 ":944766976</sr:RequestID>"
		"<sr:CommandVariant>1</sr:CommandVariant><sr:ServiceReference>4.6</"
		"sr:ServiceReference>"
		"<sr:ServiceReferenceVariant>4.6.1</sr:ServiceReferenceVariant></"
		"sr:Header><sr:Body>"
		"<sr:RetrieveImportDailyReadLog><sr:ReadLogPeriod>"
		"<sr:StartDateTime>2026-11-21T00:00:00Z</sr:StartDateTime>"
		"<sr:EndDateTime>2026-11-22T00:00:00Z</sr:EndDateTime></sr:ReadLogPeriod>"
		"<sr:KAPublicSecurityCredentials>MIIB\n A==</sr:KAPublicSecurityCredentials>"
		"</sr:RetrieveImportDailyReadLog></sr:Body></sr:Request>");
	const char *second = due_document();
	cr_assert_not_null(strstr(second, ":" SMETS2 ":944766992<"));
	cr_assert_not_null(strstr(second, "2026-11-22T00:00:00Z</sr:StartDateTime>"));
	/* 5.2 shows the credential as it came. */
	ask(RETRIEVER, "5.2",
		"<x:ReadSchedule><x:DSPScheduleID>901</x:DSPScheduleID></x:ReadSchedule>");
	cr_assert_not_null(strstr(answer_body,
		"<sr:KAPublicSecurityCredential>MIIB\n A==</sr:KAPublicSecurityCredential>"));
	/* 4.6.2 has no place for a credential. */
	ask(RETRIEVER, "5.3",
		"<x:DeleteSchedule><x:DSPScheduleID>901</x:DSPScheduleID></x:DeleteSchedule>");
	ask(RETRIEVER, "5.1", schedule(with_credential, "4.6.2", SMETS2, EXPORT_LOG));
	cr_assert_null(strstr(due_document(), "KAPublic"));
}

Test(control_services, details_are_bounded)
{
	char *long_dates = malloc(16384);

	strcpy(long_dates, DAILY "<x:KAPublicSecurityCredential>");
	size_t start = strlen(long_dates);
	memset(long_dates + start, 'A', 9000);
	strcpy(long_dates + start + 9000, "</x:KAPublicSecurityCredential>");
	ask(SUPPLIER, "5.1", schedule(long_dates, "4.6.1", SMETS2, IMPORT_LOG));
	expect_refusal(SERVICE_SCHEDULE_TOO_LARGE);
	free(long_dates);
}

Test(control_services, inventory)
{
	static const char *const questions[] = {
		"<x:DeviceID>00-db-12-34-56-78-90-a0</x:DeviceID>",
		"<x:MPxN>1312345678111</x:MPxN>",
		"<x:MPxN>1312345678222</x:MPxN>",
		"<x:MPxN>1312345678333</x:MPxN>",
		"<x:UPRN>0100012345678</x:UPRN>",
		("<x:PropertyFilter><x:PostCode>m220rr</x:PostCode>"
		 "<x:AddressIdentifier>FLAT 1</x:AddressIdentifier></x:PropertyFilter>"),
	};
	char body[512];

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		snprintf(body, sizeof(body), "<x:ReadInventory>%s</x:ReadInventory>", questions[i]);
		ask(RETRIEVER, "8.2", body);
		cr_assert_str_eq(answer_code, "I0", "%s", questions[i]);
		cr_assert_str_eq(answer_body,
			"<sr:DSPInventory><sr:Device><sr:DeviceID>" SMETS2 "</sr:DeviceID>"
			"<sr:DeviceType>ESME</sr:DeviceType>"
			"<sr:DeviceStatus>Commissioned</sr:DeviceStatus>"
			"<sr:DeviceManufacturer>New &amp; &lt;Co&gt;</sr:DeviceManufacturer>"
			"<sr:DeviceModel>2</sr:DeviceModel>"
			"<sr:SMETSCHTSVersion>SMETS2 V5.1</sr:SMETSCHTSVersion>"
			"<sr:DeviceFirmwareVersion>00000001</sr:DeviceFirmwareVersion>"
			"<sr:DeviceFirmwareVersionStatus>Active</sr:DeviceFirmwareVersionStatus>"
			"<sr:CPLStatus>Active</sr:CPLStatus>"
			"<sr:DateCommissioned>2024-02-29</sr:DateCommissioned>"
			"<sr:ImportMPxN>1312345678111</sr:ImportMPxN>"
			"<sr:SecondaryImportMPAN>1312345678222</sr:SecondaryImportMPAN>"
			"<sr:ExportMPAN>1312345678333</sr:ExportMPAN>"
			"<sr:ESMEVariant>BDE</sr:ESMEVariant><sr:UPRN>100012345678</sr:UPRN>"
			"<sr:PropertyFilter><sr:PostCode>M22 0RR</sr:PostCode>"
			"<sr:AddressIdentifier>Flat 1</sr:AddressIdentifier></sr:PropertyFilter>"
			"<sr:CSPRegion>South</sr:CSPRegion>"
			"<sr:DeviceGBCSVersion>4.1</sr:DeviceGBCSVersion>"
			"<sr:HANVariant>Single Band</sr:HANVariant></sr:Device></sr:DSPInventory>");
	}
	ask(RETRIEVER, "8.2",
		"<x:ReadInventory><x:PropertyFilter><x:PostCode>M22 0RR</x:PostCode>"
		"<x:AddressIdentifier></x:AddressIdentifier></x:PropertyFilter></x:ReadInventory>");
	cr_assert_not_null(strstr(answer_body, SMETS2));
	cr_assert_not_null(strstr(answer_body, "00-DB-12-34-56-78-90-A1"));
	cr_assert_null(strstr(answer_body, SMETS1));
}

Test(control_services, inventory_without_an_answer)
{
	static const char *const questions[] = {
		"<x:DeviceID>00-00-00-00-00-00-00-01</x:DeviceID>",
		"<x:MPxN>1</x:MPxN>",
		"<x:UPRN>1</x:UPRN>",
		("<x:PropertyFilter><x:PostCode>M22 0RR</x:PostCode>"
		 "<x:AddressIdentifier>Flat 3</x:AddressIdentifier></x:PropertyFilter>"),
	};
	char body[512];

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		snprintf(body, sizeof(body), "<x:ReadInventory>%s</x:ReadInventory>", questions[i]);
		ask(RETRIEVER, "8.2", body);
		expect_refusal(SERVICE_INVENTORY_NOTHING);
	}
}

Test(control_services, inventory_of_too_many)
{
	char text[8192] = "devices:\n";

	for (int i = 0; i < 18; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"  - {device_id: 00-00-00-00-00-00-00-%02X, type: ESME, generation: "
			"SMETS2,\n"
			"     provider: csp, manufacturer: m, model: m, uprn: \"%d\"}\n",
			i + 1, i < 17 ? 17 : 18);
	fixture_write("devices.yaml", text);
	reference_free(reference);
	reference = fixture_reference(2);
	services.reference = reference;
	services.store = fixture_store(reference);
	ask(RETRIEVER, "8.2", "<x:ReadInventory><x:UPRN>17</x:UPRN></x:ReadInventory>");
	cr_assert_str_eq(answer_code, "I0");
	text[strlen(text) - 4] = '7';
	fixture_write("devices.yaml", text);
	reference_free(reference);
	reference = fixture_reference(3);
	services.reference = reference;
	services.store = fixture_store(reference);
	ask(RETRIEVER, "8.2", "<x:ReadInventory><x:UPRN>17</x:UPRN></x:ReadInventory>");
	expect_refusal(SERVICE_INVENTORY_TOO_MANY);
}

/* Whatever bytes come over the socket, the answer is a refusal. */
Test(control_services, what_is_no_request)
{
	static const char *const documents[] = {
		"",
		"<",
		"plain",
		"<Request/>",
		"<x:Request xmlns:x=\"urn:other\"><x:Body><x:ReadInventory/></x:Body></x:Request>",
		"<Request xmlns=\"" NAMESPACE "\"/>",
		"<Request xmlns=\"" NAMESPACE "\"><Body/></Request>",
		"<Request xmlns=\"" NAMESPACE
		"\"><Body><ReadInventory/><ReadInventory/></Body></Request>",
		"<Request xmlns=\"" NAMESPACE "\"><Body><ReadInventory/></Body></Request>",
		"<Request xmlns=\"" NAMESPACE "\"><Body><ReadSchedule/></Body></Request>",
		"<Response xmlns=\"" NAMESPACE "\"><Body><ReadInventory/></Body></Response>",
		"<!DOCTYPE Request [<!ENTITY a \"b\">]><Request xmlns=\"" NAMESPACE
		"\"><Body><ReadInventory><UPRN>17</UPRN></ReadInventory></Body></Request>",
		"<Request xmlns=\"" NAMESPACE "\"><Body><ReadInventory><DeviceID>00</DeviceID>"
		"</ReadInventory></Body></Request>",
	};
	struct service_request request = {.user = FIXTURE_MDR, .roles = MW_ROLE_MDR, .srv = "8.2"};
	struct service_answer answer;

	request.schema_version = "5.4";
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		request.document = (const uint8_t *)documents[i];
		request.document_length = strlen(documents[i]);
		service_answer(&services, &request, &answer);
		cr_assert_str_eq(
			answer.code, reference->codes[SERVICE_NOT_UNDERSTOOD], "document %zu", i);
		cr_assert_eq(answer.body.length, 0);
	}
	/* A good document under an SRV that control does not answer, or in a strange version. */
	ask(RETRIEVER, "8.4", "<x:ReadInventory><x:UPRN>1</x:UPRN></x:ReadInventory>");
	cr_assert_str_eq(answer_code, reference->codes[SERVICE_NOT_UNDERSTOOD]);
	ask(RETRIEVER, "5.2", "<x:ReadInventory><x:UPRN>1</x:UPRN></x:ReadInventory>");
	cr_assert_str_eq(answer_code, reference->codes[SERVICE_NOT_UNDERSTOOD]);
	request.schema_version = "\" x=\"";
	service_answer(&services, &request, &answer);
	cr_assert_str_eq(answer.code, reference->codes[SERVICE_NOT_UNDERSTOOD]);
}
