/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What control writes is valid against the official DUIS schema with the overlay: every body that a
 * service answers, in a Response, and the due read of every SRV that can be scheduled. And the
 * shipped reference data fits the published templates. Needs the official material in var/duis
 * (scripts/setup); without it these tests fail, and say so.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/calendar.h"
#include "control/conf.h"
#include "control/due_read.h"
#include "control/service.h"
#include "dataplane/duis/reference.h"
#include "control_fixture.h"

#define NOW (20779LL * CALENDAR_DAY_MS + 9 * 3600000) /* 2026-11-22 09:00 */
#define RETRIEVER 0x90b3d51f30010009u

static struct conf conf;
static struct duis_reference_schemas *schemas;
static struct duis_reference_engine *engine;
static struct reference *reference;
static struct services services;
static bool material;

static void create(void)
{
	struct duis_schema_source sources[CONF_SCHEMAS_MAX] = {0};
	char reason[512];

	material = access(TEST_ROOT "/var/duis/templates", R_OK) == 0 &&
		   access(TEST_ROOT "/var/keys/suspended.pem", R_OK) == 0;
	if (!material)
		return;
	cr_assert_eq(conf_read(TEST_ROOT "/conf/motorway.yaml", &conf, stderr), 0);
	for (uint32_t i = 0; i < conf.schema_count; i++) {
		memcpy(sources[i].version, conf.schemas[i].version, sizeof(sources[i].version));
		sources[i].xsd_path = conf.schemas[i].xsd_path;
		sources[i].overlays[0] = conf.schemas[i].overlays[0];
	}
	schemas = duis_reference_schemas_create(sources, conf.schema_count, reason, sizeof(reason));
	cr_assert_not_null(schemas, "%s", reason);
	engine = duis_reference_engine_create(schemas, 1024 * 1024);
	cr_assert_not_null(engine);
	const struct reference_paths paths = {
		.users = conf.users,
		.devices = conf.devices,
		.providers = conf.providers,
		.access = conf.access,
		.service_codes = conf.service_codes,
		.access_checks = conf.access_checks,
		.alerts = conf.alerts,
		.thresholds = conf.thresholds,
		.dsp_eui = conf.dsp_eui,
	};
	cr_assert_eq(reference_read(&paths, 1, stderr, &reference), 0);
	services.reference = reference;
	fixture_create();
	services.store = fixture_store(reference);
	fixture_image(reference, conf.registrations, conf.appointments);
	services.schedules = schedules_open(fixture_ledger(), 1795313117000);
}

static void destroy(void)
{
	if (!material)
		return;
	schedules_close(services.schedules);
	services_close(&services);
	fixture_destroy();
	reference_free(reference);
	duis_reference_engine_destroy(engine);
	duis_reference_schemas_destroy(schemas);
}

TestSuite(control_schema, .init = create, .fini = destroy, .timeout = 60);

#define NEEDS_MATERIAL()                                                                           \
	do {                                                                                       \
		if (!material)                                                                     \
			cr_assert_fail("var/duis or var/keys is missing; run scripts/setup");      \
	} while (0)

static void expect_valid(const char *document, struct duis_document *described)
{
	struct duis_error error;

	cr_assert_eq(duis_reference_engine_read(engine, (const uint8_t *)document,
			     (uint32_t)strlen(document), described, &error),
		0, "%s at %s: %s\nin %s", duis_error_name(error.code), error.path, error.rule,
		document);
	/* It is its own canonical form, so that it can be signed as it stands. */
	uint32_t length;
	const uint8_t *digested = duis_reference_engine_digested(engine, &length);

	cr_assert_eq(length, strlen(document), "%s", document);
	cr_assert_eq(memcmp(digested, document, length), 0);
}

static void expect_valid_answer(const char *srv, const char *body)
{
	static char document[1024 * 1024];
	struct duis_document described;

	snprintf(document, sizeof(document),
		"<sr:Response xmlns:sr=\"" XML_DUIS_NAMESPACE "\" schemaVersion=\"5.4\"><sr:Header>"
		"<sr:RequestID>90-B3-D5-1F-30-01-00-09:90-B3-D5-1F-30-00-00-02:1</sr:RequestID>"
		"<sr:ResponseCode>I0</sr:ResponseCode>"
		"<sr:ResponseDateTime>2026-11-22T09:00:00Z</sr:ResponseDateTime></"
		"sr:Header><sr:Body>"
		"<sr:ResponseMessage><sr:ServiceReference>%s</sr:ServiceReference>"
		"<sr:ServiceReferenceVariant>%s</sr:ServiceReferenceVariant>%s</sr:ResponseMessage>"
		"</sr:Body></sr:Response>",
		srv, srv, body);
	expect_valid(document, &described);
	cr_assert_eq(described.root, DUIS_ROOT_RESPONSE);
	cr_assert(described.has_body);
}

/* Who asks: all of them have roles enough, and each his own registrations. */
static uint64_t sender = RETRIEVER;
static const uint64_t senders[] = {RETRIEVER, 0x90b3d51f30010000u, 0x90b3d51f30020000u};

/* Ask with a schema-valid document; the answer's body is returned (static buffer). */
static const char *ask(uint32_t roles, const char *srv, const char *body, char code[MW_CODE_SIZE])
{
	static char text[1024 * 1024];
	static char document[65536];
	struct duis_document described;
	struct service_answer answer;

	snprintf(document, sizeof(document),
		"<sr:Request xmlns:sr=\"" XML_DUIS_NAMESPACE "\" schemaVersion=\"5.4\"><sr:Header>"
		"<sr:RequestID>90-B3-D5-1F-30-01-00-09:90-B3-D5-1F-30-00-00-02:1</sr:RequestID>"
		"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>%s</"
		"sr:ServiceReference>"
		"<sr:ServiceReferenceVariant>%s</sr:ServiceReferenceVariant></sr:Header>"
		"<sr:Body>%s</sr:Body></sr:Request>",
		srv, srv, body);
	expect_valid(document, &described);
	uint32_t digested_length;
	const uint8_t *digested = duis_reference_engine_digested(engine, &digested_length);
	struct service_request request = {
		.user = sender,
		.roles = roles,
		.srv = srv,
		.schema_version = "5.4",
		.document = digested,
		.document_length = digested_length,
		.now_ms = NOW,
	};
	service_answer(&services, &request, &answer);
	snprintf(text, sizeof(text), "%s", answer.body.bytes != NULL ? answer.body.bytes : "");
	memcpy(code, answer.code, MW_CODE_SIZE);
	xml_text_free(&answer.body);
	return text;
}

static void write_schedule(const struct schedulable *read, const char *frequency, unsigned device,
	char *body, size_t size)
{
	snprintf(body, size,
		"<sr:CreateSchedule><sr:ScheduleFrequency>%s</sr:ScheduleFrequency>"
		"<sr:ScheduleStartDate>2026-11-30</sr:ScheduleStartDate>"
		"<sr:ScheduleEndDate>2030-12-31</sr:ScheduleEndDate>"
		"<sr:ScheduleExecutionStartTime>06:30:00.00Z</sr:ScheduleExecutionStartTime>"
		"<sr:KAPublicSecurityCredential>MIIBkw==</sr:KAPublicSecurityCredential>"
		"<sr:DSPScheduledServiceReference>%s</sr:DSPScheduledServiceReference>"
		"<sr:DSPScheduledServiceReferenceVariant>%s</"
		"sr:DSPScheduledServiceReferenceVariant>"
		"<sr:DeviceID>00-DB-12-34-56-78-90-A%u</sr:DeviceID><sr:%s>%s</sr:%s></"
		"sr:CreateSchedule>",
		frequency, read->service_reference, read->srv, device, read->dsp_element,
		read->has_period ? "<sr:StartDateOffset>-400</sr:StartDateOffset>"
				   "<sr:StartTime>00:00:00.125Z</sr:StartTime><sr:EndDateOffset>0</"
				   "sr:EndDateOffset>"
				   "<sr:EndTime>23:59:59Z</sr:EndTime>"
				 : "",
		read->dsp_element);
}

/* Create a schedule of `read` for one of the shipped devices that it is for, by one of the senders
 * who is entitled to it; returns the number of the device. */
static unsigned create_schedule(const struct schedulable *read, const char *frequency)
{
	char body[4096];
	char code[MW_CODE_SIZE];

	for (unsigned i = 0; i < 3 * 7; i++) {
		write_schedule(read, frequency, i / 3, body, sizeof(body));
		sender = senders[i % 3];
		const char *id = ask(0xff, "5.1", body, code);
		if (strcmp(code, "I0") != 0)
			continue;
		expect_valid_answer("5.1", id);
		return i / 3;
	}
	cr_assert_fail("%s: %s", read->srv, code);
	return 0;
}

/* Every SRV that can be scheduled, at every frequency: the 5.1, its answer, 5.2 and the due read.
 */
static void check_schedule(const struct schedulable *read, const char *frequency)
{
	char body[256];
	char code[MW_CODE_SIZE];
	struct duis_document described;
	struct xml_text due = {0};
	unsigned device = create_schedule(read, frequency);

	for (int run = 0; run < 2; run++) {
		struct schedule schedule;

		cr_assert_eq(schedules_due(services.schedules, INT64_MAX, &schedule), 1);
		due_read_write(&due, &schedule, conf.dsp_eui);
		expect_valid(due.bytes, &described);
		cr_assert_str_eq(described.service_reference_variant, read->srv);
		cr_assert_str_eq(described.service_reference, read->service_reference);
		cr_assert_str_eq(described.body_element, read->request_element);
		cr_assert_eq(described.command_variant, 1);
		cr_assert_eq(described.request_id.originator, conf.dsp_eui);
		cr_assert_eq(described.request_id.counter, schedule.id << 20 | (unsigned)run << 4);
		cr_assert_not(described.has_execution_date_time);
		cr_assert_eq(strstr(due.bytes, "KAPublicSecurityCredentials") != NULL,
			read->has_credential);
		xml_text_free(&due);
		schedules_advance(services.schedules, schedule.id);
	}
	snprintf(body, sizeof(body),
		"<sr:ReadSchedule><sr:DeviceID>00-DB-12-34-56-78-90-A%u</sr:DeviceID></"
		"sr:ReadSchedule>",
		device);
	const char *details = ask(0xff, "5.2", body, code);
	cr_assert_str_eq(code, "I0");
	expect_valid_answer("5.2", details);
	snprintf(body, sizeof(body),
		"<sr:DeleteSchedule><sr:DeviceID>00-DB-12-34-56-78-90-A%u</sr:DeviceID></"
		"sr:DeleteSchedule>",
		device);
	ask(0xff, "5.3", body, code);
	cr_assert_str_eq(code, "I99");
	sender = RETRIEVER;
}

Test(control_schema, schedules_and_due_reads)
{
	static const char *const frequencies[] = {
		"Daily",
		"Weekly",
		"Monthly",
		"Quarterly",
		"Half-Yearly",
		"Yearly",
	};
	const struct schedulable *read;

	NEEDS_MATERIAL();
	for (unsigned row = 0; (read = schedulable_row(row)) != NULL; row++)
		for (size_t i = 0; i < sizeof(frequencies) / sizeof(frequencies[0]); i++)
			check_schedule(read, frequencies[i]);
}

Test(control_schema, ninety_nine_schedules_in_one_answer)
{
	char code[MW_CODE_SIZE];

	NEEDS_MATERIAL();
	for (int i = 0; i < 99; i++) {
		ask(MW_ROLE_MDR, "5.1",
			"<sr:CreateSchedule><sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
			"<sr:ScheduleStartDate>2026-11-30</sr:ScheduleStartDate>"
			"<sr:DSPScheduledServiceReference>4.2</sr:DSPScheduledServiceReference>"
			"<sr:DSPScheduledServiceReferenceVariant>4.2"
			"</sr:DSPScheduledServiceReferenceVariant>"
			"<sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID>"
			"<sr:DSPReadInstantaneousExportRegisters></"
			"sr:DSPReadInstantaneousExportRegisters>"
			"</sr:CreateSchedule>",
			code);
		cr_assert_str_eq(code, "I0");
	}
	expect_valid_answer(
		"5.2", ask(MW_ROLE_MDR, "5.2",
			       "<sr:ReadSchedule><sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID>"
			       "</sr:ReadSchedule>",
			       code));
}

/* Every shipped device, alone and with all that live at its address. */
Test(control_schema, inventory_of_every_shipped_device)
{
	char body[512];
	char code[MW_CODE_SIZE];

	NEEDS_MATERIAL();
	for (size_t i = 0; i < reference->device_count; i++) {
		const struct reference_device *device = &reference->devices[i];
		uint64_t id = device->device_id;

		snprintf(body, sizeof(body),
			"<sr:ReadInventory><sr:DeviceID>%02X-%02X-%02X-%02X-%02X-%02X-%02X-%02X"
			"</sr:DeviceID></sr:ReadInventory>",
			(unsigned)(id >> 56), (unsigned)(id >> 48 & 255),
			(unsigned)(id >> 40 & 255), (unsigned)(id >> 32 & 255),
			(unsigned)(id >> 24 & 255), (unsigned)(id >> 16 & 255),
			(unsigned)(id >> 8 & 255), (unsigned)(id & 255));
		expect_valid_answer("8.2", ask(MW_ROLE_MDR, "8.2", body, code));
		snprintf(body, sizeof(body),
			"<sr:ReadInventory><sr:PropertyFilter><sr:PostCode>%s</sr:PostCode>"
			"<sr:AddressIdentifier>%s</sr:AddressIdentifier></sr:PropertyFilter>"
			"</sr:ReadInventory>",
			device->post_code, device->address_identifier);
		expect_valid_answer("8.2", ask(MW_ROLE_MDR, "8.2", body, code));
	}
}

static char *read_file(const char *folder, const char *name, size_t *length)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	cr_assert_not_null(file, "%s", path);
	char *text = malloc(256 * 1024);
	*length = fread(text, 1, 256 * 1024 - 1, file);
	text[*length] = '\0';
	fclose(file);
	return text;
}

/* Each template's originator is a user who may send it, and its target a device of the inventory.
 */
static void check_template(const char *name)
{
	struct duis_document described;
	struct duis_error error;
	size_t length;
	char *text = read_file(TEST_ROOT "/var/duis/templates", name, &length);

	cr_assert_eq(duis_reference_engine_read(
			     engine, (const uint8_t *)text, (uint32_t)length, &described, &error),
		0, "%s: %s at %s", name, error.rule, error.path);
	const struct reference_user *user =
		reference_user(reference, described.request_id.originator);
	const struct mw_control_srv_rule *rule =
		reference_rule(reference, described.service_reference_variant);
	cr_assert_not_null(user, "%s: nobody sends it", name);
	cr_assert_not_null(rule, "%s", name);
	cr_assert(user->active);
	cr_assert(user->roles & rule->roles, "%s: %s may not send %s", name, user->name, rule->srv);
	cr_assert(rule->command_variants & 1u << described.command_variant, "%s", name);
	cr_assert_str_eq(rule->body_element, described.body_element, "%s", name);
	cr_assert_str_eq(rule->service_reference, described.service_reference, "%s", name);
	if ((rule->flags & MW_SRV_NON_DEVICE) != 0)
		cr_assert_eq(described.request_id.target, conf.dsp_eui, "%s", name);
	else
		cr_assert_not_null(
			reference_device(reference, described.request_id.target), "%s", name);
	free(text);
}

Test(control_schema, shipped_reference_data_fits_the_templates)
{
	struct dirent *entry;
	unsigned seen = 0;

	NEEDS_MATERIAL();
	DIR *folder = opendir(TEST_ROOT "/var/duis/templates");
	while ((entry = readdir(folder)) != NULL) {
		if (strstr(entry->d_name, ".XML") == NULL)
			continue;
		check_template(entry->d_name);
		seen++;
	}
	closedir(folder);
	cr_assert_eq(seen, 297);
}

/* The four templates that control itself answers. */
Test(control_schema, templates_for_control)
{
	static const struct {
		const char *name, *srv, *code;
	} cases[] = {
		{"ECS21a_5.1._DCC_SCHEDULED_REQUEST_DUIS.XML", "5.1", "I0"},
		{"5.2_READ_SCHEDULE_REQUEST_DUIS.XML", "5.2", "E050201"},
		{"5.3_DELETE_SCHEDULE_REQUEST_DUIS.XML", "5.3", "E050301"},
		{"8.2_READ_INVENTORY_REQUEST_DUIS.XML", "8.2", "I0"},
	};

	NEEDS_MATERIAL();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct duis_document described;
		struct duis_error error;
		struct service_answer answer;
		size_t length;
		char *text = read_file(TEST_ROOT "/var/duis/templates", cases[i].name, &length);

		cr_assert_eq(duis_reference_engine_read(engine, (const uint8_t *)text,
				     (uint32_t)length, &described, &error),
			0);
		uint32_t digested_length;
		const uint8_t *digested = duis_reference_engine_digested(engine, &digested_length);
		struct service_request request = {
			.user = described.request_id.originator,
			.roles = reference_user(reference, described.request_id.originator)->roles,
			.srv = described.service_reference_variant,
			.schema_version =
				duis_reference_schemas_version(schemas, described.schema_index),
			.document = digested,
			.document_length = digested_length,
			.now_ms = NOW,
		};
		service_answer(&services, &request, &answer);
		cr_assert_str_eq(answer.code, cases[i].code, "%s", cases[i].name);
		cr_assert_str_eq(request.srv, cases[i].srv);
		if (answer.body.length > 0)
			expect_valid_answer(cases[i].srv, answer.body.bytes);
		xml_text_free(&answer.body);
		free(text);
	}
}
