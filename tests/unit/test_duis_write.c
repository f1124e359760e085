/* SPDX-License-Identifier: Apache-2.0 */
/* Responses that are written: canonical, valid, and what they were asked to be. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/duis/write.h"
#include "tests/unit/duis_material.h"

static const uint8_t payload[] = {0xdf, 0x09, 0x02, 0x00, 0xff, 0x10, 0x20};

static struct duis_response response_of(enum duis_response_body body)
{
	struct duis_response response = {
		.schema_version = "5.4",
		.has_request_id = true,
		.has_response_id = body != DUIS_BODY_NONE,
		.request_id = {UINT64_C(0x90b3d51f30010000), UINT64_C(0x00db1234567890a0), 1002},
		.response_id = {UINT64_C(0x00db1234567890a0), UINT64_C(0x90b3d51f30010000), 1002},
		.code = body == DUIS_BODY_NONE ? "I99" : "I0",
		.date_time_ms = INT64_C(1795348800123), /* 2026-11-22T12:00:00.123Z */
		.service_reference = "4.6",
		.service_reference_variant = "4.6.1",
		.body = body,
		.payload = payload,
		.payload_length = sizeof(payload),
		.schedule_id = 1000000000000,
	};

	return response;
}

/* Write, check that the result is its own canonical form and valid; returns it as text. */
static struct bytes write_checked(
	const struct duis_response *response, struct duis_document *document)
{
	size_t bound = duis_write_response_bound(response->payload_length);
	struct bytes bytes = {.data = malloc(bound + 1)};
	struct bytes canonical;
	struct duis_reference_schemas *schemas = material_schemas();
	struct duis_reference_engine *engine = duis_reference_engine_create(schemas, 1024 * 1024);
	struct duis_error error;
	int length;

	cr_assert(bytes.data != NULL && engine != NULL);
	length = duis_write_response(response, bytes.data, bound);
	cr_assert(length > 0);
	bytes.length = (uint32_t)length;
	bytes.data[length] = '\0';
	canonical = material_canonical(&bytes);
	cr_assert_eq(canonical.length, bytes.length);
	cr_assert_arr_eq(canonical.data, bytes.data, bytes.length);
	cr_assert_eq(duis_reference_engine_read(engine, bytes.data, bytes.length, document, &error),
		0, "%s: %s", error.path, error.rule);
	cr_assert_eq(document->root, DUIS_ROOT_RESPONSE);
	cr_assert_eq(material_digested(engine).length, bytes.length);
	cr_assert_eq(document->has_request_id, response->has_request_id);
	cr_assert_eq(document->has_response_id, response->has_response_id);
	cr_assert_str_eq(document->response_code, response->code);
	cr_assert_str_eq(document->service_reference, response->service_reference);
	cr_assert_str_eq(document->service_reference_variant, response->service_reference_variant);
	cr_assert_str_eq(duis_reference_schemas_version(schemas, document->schema_index),
		response->schema_version);
	bytes_free(&canonical);
	duis_reference_engine_destroy(engine);
	duis_reference_schemas_destroy(schemas);
	return bytes;
}

Test(duis_write, acknowledgement)
{
	struct duis_response response = response_of(DUIS_BODY_NONE);
	struct duis_document document;
	struct bytes bytes = write_checked(&response, &document);

	cr_assert(!document.has_body);
	cr_assert_str_eq((char *)bytes.data,
		"<sr:Response xmlns:sr=\"http://www.dccinterface.co.uk/ServiceUserGateway\" "
		"schemaVersion=\"5.4\"><sr:Header>"
		"<sr:RequestID>90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:1002</sr:RequestID>"
		"<sr:ResponseCode>I99</sr:ResponseCode>"
		"<sr:ResponseDateTime>2026-11-22T12:00:00.123Z</sr:ResponseDateTime></sr:Header>"
		"<sr:Body><sr:ResponseMessage><sr:ServiceReference>4.6</sr:ServiceReference>"
		"<sr:ServiceReferenceVariant>4.6.1</sr:ServiceReferenceVariant>"
		"</sr:ResponseMessage></sr:Body></sr:Response>");
	bytes_free(&bytes);
}

Test(duis_write, gbcs_payload)
{
	struct duis_response response = response_of(DUIS_BODY_GBCS_PAYLOAD);
	struct duis_document document;
	struct bytes bytes = write_checked(&response, &document);

	cr_assert(document.has_body);
	cr_assert_str_eq(document.body_element, "GBCSPayload");
	cr_assert_eq(document.response_id.target, UINT64_C(0x90b3d51f30010000));
	cr_assert(strstr((char *)bytes.data, "<sr:GBCSPayload>3wkCAP8QIA==</sr:GBCSPayload>"));
	bytes_free(&bytes);
}

Test(duis_write, scheduled)
{
	struct duis_response response = response_of(DUIS_BODY_SCHEDULED);
	struct duis_document document;
	struct bytes bytes;

	response.has_request_id = false;
	bytes = write_checked(&response, &document);
	cr_assert_str_eq(document.body_element, "DSPScheduledMessage");
	cr_assert(strstr((char *)bytes.data, "<sr:DSPScheduleID>1000000000000</sr:DSPScheduleID>"));
	bytes_free(&bytes);
}

Test(duis_write, element)
{
	static const char inventory[] =
		"<sr:DSPSchedulesRead><sr:DSPSchedules><sr:DSPScheduleID>7</sr:DSPScheduleID>"
		"<sr:DSPScheduleDetails><sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
		"<sr:ScheduleStartDate>2026-12-01</sr:ScheduleStartDate>"
		"<sr:DSPScheduledServiceReference>4.2</sr:DSPScheduledServiceReference>"
		"<sr:DSPScheduledServiceReferenceVariant>4.2</"
		"sr:DSPScheduledServiceReferenceVariant>"
		"<sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID>"
		"<sr:DSPReadInstantaneousExportRegisters></sr:DSPReadInstantaneousExportRegisters>"
		"</sr:DSPScheduleDetails></sr:DSPSchedules></sr:DSPSchedulesRead>";
	struct duis_response response = response_of(DUIS_BODY_ELEMENT);
	struct duis_document document;
	struct bytes bytes;

	response.service_reference = "5.2";
	response.service_reference_variant = "5.2";
	response.payload = (const uint8_t *)inventory;
	response.payload_length = sizeof(inventory) - 1;
	bytes = write_checked(&response, &document);
	cr_assert_str_eq(document.body_element, "DSPSchedulesRead");
	bytes_free(&bytes);
	response.payload = (const uint8_t *)"<sr:DSPScheduleID>7</sr:DSPScheduleID>";
	response.payload_length = (uint32_t)strlen((const char *)response.payload);
	bytes = write_checked(&response, &document);
	cr_assert_str_eq(document.body_element, "DSPScheduleID");
	bytes_free(&bytes);
}

Test(duis_write, dates)
{
	static const struct {
		int64_t time_ms;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{INT64_C(951782399999), "2000-02-28T23:59:59.999Z"},
		{INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
		{INT64_C(951868800000), "2000-03-01T00:00:00.000Z"},
		{INT64_C(1709164800000), "2024-02-29T00:00:00.000Z"},
		{INT64_C(1735689599001), "2024-12-31T23:59:59.001Z"},
		{INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
		{INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
	};

	for (size_t index = 0; index < sizeof(cases) / sizeof(cases[0]); index++) {
		struct duis_response response = response_of(DUIS_BODY_NONE);
		uint8_t out[4096];
		int length;

		response.date_time_ms = cases[index].time_ms;
		length = duis_write_response(&response, out, sizeof(out));
		cr_assert(length > 0);
		cr_assert(memmem(out, (size_t)length, cases[index].text,
				  strlen(cases[index].text)) != NULL,
			"%s", cases[index].text);
	}
}

Test(duis_write, capacity)
{
	for (int body = DUIS_BODY_NONE; body <= DUIS_BODY_SCHEDULED; body++) {
		struct duis_response response = response_of((enum duis_response_body)body);
		uint8_t out[4096];
		int whole = duis_write_response(&response, out, sizeof(out));

		cr_assert(whole > 0);
		for (int capacity = 0; capacity <= whole; capacity++) {
			uint8_t *exact = malloc(capacity > 0 ? (size_t)capacity : 1);
			int length;

			cr_assert(exact != NULL);
			length = duis_write_response(&response, exact, (size_t)capacity);
			cr_assert_eq(length, capacity < whole ? -ENOBUFS : whole);
			free(exact);
		}
	}
}

Test(duis_write, bound_holds_with_the_signature)
{
	struct duis_signer *signer = material_signer(DSP);
	uint32_t lengths[] = {0, 1, 2, 3, 1000, 100000};

	for (size_t index = 0; index < sizeof(lengths) / sizeof(lengths[0]); index++) {
		struct duis_response response = response_of(DUIS_BODY_SCHEDULED);
		size_t bound = duis_write_response_bound(lengths[index]);
		uint8_t *out = malloc(bound);
		uint8_t *octets = calloc(1, lengths[index] + 1);
		int length;

		cr_assert(out != NULL && octets != NULL);
		response.payload = octets;
		response.payload_length = lengths[index];
		length = duis_write_response(&response, out, bound);
		cr_assert(length > 0);
		cr_assert(duis_signer_sign(signer, out, (size_t)length, bound) > length);
		free(out);
		free(octets);
	}
	duis_signer_destroy(signer);
}

/* What a DCC Alert and its mismatch look like, and which schemas know the code N66. */
static struct duis_response alert_of(const char *code, const char *element)
{
	struct duis_response response = response_of(DUIS_BODY_NONE);

	response.has_request_id = false;
	response.has_response_id = true;
	response.response_id = (struct mw_request_id){
		UINT64_C(0x90b3d51f30000002), UINT64_C(0x90b3d51f30010000), 1795326351305000};
	response.code = "I0";
	response.service_reference = response.service_reference_variant = "";
	response.body = DUIS_BODY_DCC_ALERT;
	response.alert_code = code;
	response.payload = (const uint8_t *)element;
	response.payload_length = (uint32_t)strlen(element);
	return response;
}

Test(duis_write, dcc_alert)
{
	static const char removal[] =
		"<sr:DSPScheduleRemoval><sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID>"
		"<sr:DSPScheduleID>7</sr:DSPScheduleID></sr:DSPScheduleRemoval>";
	struct duis_response response = alert_of("N17", removal);
	struct duis_document document;
	struct bytes bytes = write_checked(&response, &document);

	cr_assert_str_eq(document.body_element, "DCCAlertMessage");
	cr_assert_eq(document.response_id.counter, 1795326351305000);
	cr_assert(strstr((char *)bytes.data,
		"<sr:Body><sr:DCCAlertMessage><sr:DCCAlertCode>N17</sr:DCCAlertCode><sr:DCCAlert>"
		"<sr:DSPScheduleRemoval>"));
	bytes_free(&bytes);
}

Test(duis_write, version_mismatch)
{
	const struct duis_version_mismatch mismatch = {
		.request_id = {UINT64_MAX, UINT64_MAX, UINT64_MAX},
		.service_reference = "12.34.5",
		.service_reference_variant = "1<&>2.3",
		.request_version = "123456789012.45",
		.user_version = "5.1",
	};
	uint8_t element[DUIS_VERSION_MISMATCH_BYTES_MAX + 1];
	uint32_t length = duis_write_version_mismatch(&mismatch, element);

	element[length] = '\0';
	struct duis_response response = alert_of("N999", (const char *)element);
	struct duis_document document;
	struct bytes bytes = write_checked(&response, &document);
	cr_assert(strstr((char *)bytes.data,
		"<sr:ServiceReferenceVariant>1&lt;&amp;&gt;2.3</sr:ServiceReferenceVariant>"
		"<sr:ServiceRequestDUISVersion>123456789012.45</sr:ServiceRequestDUISVersion>"
		"</sr:ServiceResponseVersionMismatch>"
		"<sr:ServiceUserDUISVersion>5.1</sr:ServiceUserDUISVersion>"));
	bytes_free(&bytes);
}
