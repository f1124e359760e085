/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/c14n.h>
#include <libxml/parser.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tests/unit/duis_material.h"

const char material_request[] =
	"<sr:Request xmlns:sr=\"" SR "\" schemaVersion=\"5.1\"><sr:Header>"
	"<sr:RequestID>90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:1000</sr:RequestID>"
	"<sr:CommandVariant>1</sr:CommandVariant><sr:ServiceReference>4.6</sr:ServiceReference>"
	"<sr:ServiceReferenceVariant>4.6.1</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
	"<sr:RetrieveImportDailyReadLog><sr:ReadLogPeriod>"
	"<sr:StartDateTime>2026-11-01T00:00:00.00Z</sr:StartDateTime>"
	"<sr:EndDateTime>2026-11-02T00:00:00.00Z</sr:EndDateTime></sr:ReadLogPeriod>"
	"</sr:RetrieveImportDailyReadLog></sr:Body></sr:Request>";

const char material_schedule[] =
	"<sr:Request xmlns:sr=\"" SR "\" schemaVersion=\"5.4\"><sr:Header>"
	"<sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1001</sr:RequestID>"
	"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>5.1</sr:ServiceReference>"
	"<sr:ServiceReferenceVariant>5.1</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
	"<sr:CreateSchedule><sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
	"<sr:ScheduleStartDate>2026-12-01</sr:ScheduleStartDate>"
	"<sr:DSPScheduledServiceReference>4.2</sr:DSPScheduledServiceReference>"
	"<sr:DSPScheduledServiceReferenceVariant>4.2</sr:DSPScheduledServiceReferenceVariant>"
	"<sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID>"
	"<sr:DSPReadInstantaneousExportRegisters></sr:DSPReadInstantaneousExportRegisters>"
	"</sr:CreateSchedule></sr:Body></sr:Request>";

const char material_response[] =
	"<sr:Response xmlns:sr=\"" SR "\" schemaVersion=\"5.1\"><sr:Header>"
	"<sr:RequestID>90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:1000</sr:RequestID>"
	"<sr:ResponseID>00-DB-12-34-56-78-90-A0:90-B3-D5-1F-30-01-00-00:1000</sr:ResponseID>"
	"<sr:ResponseCode>I0</sr:ResponseCode>"
	"<sr:ResponseDateTime>2026-11-22T12:00:00.000Z</sr:ResponseDateTime></sr:Header><sr:Body>"
	"<sr:ResponseMessage><sr:ServiceReference>4.6</sr:ServiceReference>"
	"<sr:ServiceReferenceVariant>4.6.1</sr:ServiceReferenceVariant>"
	"<sr:GBCSPayload>3wkC</sr:GBCSPayload></sr:ResponseMessage></sr:Body></sr:Response>";

const char *material_path(const char *folder, const char *name)
{
	static char path[1024];
	const char *var = getenv("MOTORWAY_VAR");

	if (var == NULL)
		var = TEST_ROOT "/var";
	snprintf(path, sizeof(path), "%s/duis/%s/%s", var, folder, name);
	return path;
}

struct bytes material_file(const char *path)
{
	struct bytes bytes = {0};
	FILE *file = fopen(path, "re");
	long size;

	cr_assert(file != NULL, "%s: %s (scripts/setup fetches it)", path, strerror(errno));
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	bytes.data = malloc((size_t)size + 1);
	cr_assert(bytes.data != NULL);
	cr_assert(fread(bytes.data, 1, (size_t)size, file) == (size_t)size);
	bytes.data[size] = '\0';
	bytes.length = (uint32_t)size;
	fclose(file);
	return bytes;
}

struct bytes bytes_of(const char *text)
{
	struct bytes bytes = {.data = (uint8_t *)strdup(text), .length = (uint32_t)strlen(text)};

	cr_assert(bytes.data != NULL);
	return bytes;
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	bytes->data = NULL;
	bytes->length = 0;
}

struct bytes bytes_replaced(const struct bytes *bytes, const char *from, const char *to)
{
	const uint8_t *found = memmem(bytes->data, bytes->length, from, strlen(from));
	struct bytes made;
	size_t before;

	cr_assert(found != NULL, "\"%s\" is not in the document", from);
	before = (size_t)(found - bytes->data);
	made.length = (uint32_t)(bytes->length - strlen(from) + strlen(to));
	made.data = malloc(made.length + 1);
	cr_assert(made.data != NULL);
	memcpy(made.data, bytes->data, before);
	memcpy(made.data + before, to, strlen(to));
	memcpy(made.data + before + strlen(to), found + strlen(from),
		bytes->length - before - strlen(from));
	made.data[made.length] = '\0';
	return made;
}

struct bytes replaced(const char *text, const char *from, const char *to)
{
	struct bytes bytes = {.data = (uint8_t *)text, .length = (uint32_t)strlen(text)};

	return bytes_replaced(&bytes, from, to);
}

struct duis_reference_schemas *material_schemas(void)
{
	char xsd[1024];
	char reason[512] = "";
	struct duis_schema_source sources[2] = {{.version = "5.1"}, {.version = "5.4"}};
	struct duis_reference_schemas *schemas;

	snprintf(xsd, sizeof(xsd), "%s", material_path("xsd", "DUIS Schema V5.1.xsd"));
	for (size_t index = 0; index < 2; index++) {
		sources[index].xsd_path = xsd;
		sources[index].overlays[0] = TEST_ROOT "/conf/schema/mp162.yaml";
	}
	schemas = duis_reference_schemas_create(sources, 2, reason, sizeof(reason));
	cr_assert(schemas != NULL, "%s", reason);
	return schemas;
}

struct bytes material_digested(const struct duis_reference_engine *engine)
{
	struct bytes bytes;

	bytes.data = (uint8_t *)(uintptr_t)duis_reference_engine_digested(engine, &bytes.length);
	return bytes;
}

struct duis_signer *material_signer(const char *name)
{
	char key[1024];
	char file[256];
	char reason[512] = "";
	struct duis_signer *signer;

	snprintf(file, sizeof(file), "%s.key", name);
	snprintf(key, sizeof(key), "%s", material_path("keys", file));
	snprintf(file, sizeof(file), "%s.pem", name);
	signer = duis_signer_create(
		key, material_path("certificates", file), reason, sizeof(reason));
	cr_assert(signer != NULL, "%s", reason);
	return signer;
}

struct material_certificate material_certificate(const char *name)
{
	struct material_certificate certificate;
	char file[256];
	FILE *stream;
	X509 *x509;
	uint8_t *der = NULL;
	int length;

	snprintf(file, sizeof(file), "%s.pem", name);
	stream = fopen(material_path("certificates", file), "re");
	cr_assert(stream != NULL, "%s is missing (scripts/setup fetches it)", file);
	x509 = PEM_read_X509(stream, NULL, NULL, NULL);
	fclose(stream);
	cr_assert(x509 != NULL);
	length = i2d_X509(x509, &der);
	X509_free(x509);
	cr_assert(length > 0);
	cr_assert(duis_certificate_read(der, (size_t)length, certificate.issuer, certificate.serial,
			  &certificate.eui, &certificate.key) == 0);
	OPENSSL_free(der);
	return certificate;
}

struct bytes material_signed(const char *text, const char *name)
{
	struct duis_signer *signer = material_signer(name);
	size_t length = strlen(text);
	size_t capacity = length + duis_signer_overhead(signer);
	struct bytes made = {.data = malloc(capacity + 1)};
	int written;

	cr_assert(made.data != NULL);
	memcpy(made.data, text, length);
	written = duis_signer_sign(signer, made.data, length, capacity);
	cr_assert(written == (int)capacity);
	made.data[written] = '\0';
	made.length = (uint32_t)written;
	duis_signer_destroy(signer);
	return made;
}

struct bytes material_canonical(const struct bytes *document)
{
	xmlDocPtr dom = xmlReadMemory((const char *)document->data, (int)document->length, NULL,
		NULL, XML_PARSE_NONET | XML_PARSE_HUGE);
	struct bytes made;
	xmlChar *text = NULL;
	int length;

	cr_assert(dom != NULL);
	for (xmlNodePtr node = xmlDocGetRootElement(dom)->last; node != NULL; node = node->prev) {
		if (node->type != XML_ELEMENT_NODE ||
			strcmp((const char *)node->name, "Signature") != 0)
			continue;
		xmlUnlinkNode(node);
		xmlFreeNode(node);
		break;
	}
	length = xmlC14NDocDumpMemory(dom, NULL, XML_C14N_1_0, NULL, 0, &text);
	cr_assert(length >= 0);
	xmlFreeDoc(dom);
	made.length = (uint32_t)length;
	made.data = malloc(made.length + 1);
	cr_assert(made.data != NULL);
	memcpy(made.data, text, made.length);
	made.data[made.length] = '\0';
	xmlFree(text);
	return made;
}
