/* SPDX-License-Identifier: Apache-2.0 */
/* Loading schemas: overlays and their errors, imports, versions, the integers that libxml2 cannot
 * hold, several threads. */
#include <criterion/criterion.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libxml/parser.h>

#include "tests/unit/duis_material.h"

static char folder[] = "/tmp/motorway-schema-XXXXXX";

static void begin(void)
{
	cr_assert(mkdtemp(folder) != NULL);
}

static void end(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	cr_assert(system(command) == 0);
}

TestSuite(duis_schema, .init = begin, .fini = end);

static char *write_file(const char *name, const char *text)
{
	char *path = NULL;
	FILE *file;

	cr_assert(asprintf(&path, "%s/%s", folder, name) > 0);
	file = fopen(path, "we");
	cr_assert(file != NULL);
	fputs(text, file);
	fclose(file);
	return path;
}

static struct duis_reference_schemas *create(
	const char *xsd, const char *overlay, const char *version, char reason[512])
{
	struct duis_schema_source source = {.xsd_path = xsd, .overlays = {overlay}};

	snprintf(source.version, sizeof(source.version), "%s", version);
	reason[0] = '\0';
	return duis_reference_schemas_create(&source, 1, reason, 512);
}

static void overlay_fails(const char *text, const char *place, const char *words)
{
	char *path = write_file("overlay.yaml", text);
	char expected[512];
	char reason[512];
	struct duis_reference_schemas *schemas =
		create(material_path("xsd", "DUIS Schema V5.1.xsd"), path, "5.1", reason);

	cr_assert(schemas == NULL, "accepted:\n%s", text);
	cr_assert_eq(errno, EINVAL);
	snprintf(expected, sizeof(expected), "%s:%s: ", path, place);
	cr_assert(strncmp(reason, expected, strlen(expected)) == 0, "\"%s\" is not at %s", reason,
		place);
	cr_assert(strstr(reason, words) != NULL, "\"%s\" lacks \"%s\"", reason, words);
	free(path);
}

#define NAMESPACE "namespace: " SR "\n"

Test(duis_schema, overlay_errors)
{
	overlay_fails("", "1:1", "an overlay is a mapping");
	overlay_fails("- a\n", "1:1", "an overlay is a mapping");
	overlay_fails("namespace: [\n", "2:1", "not valid YAML");
	overlay_fails("operations: []\n", "1:1", "\"namespace\" is missing");
	overlay_fails(NAMESPACE, "1:1", "\"operations\" is missing");
	overlay_fails(NAMESPACE "more: 1\n", "2:1", "allowed are namespace and operations");
	overlay_fails("namespace: [a]\noperations: []\n", "1:13", "a single text");
	overlay_fails("namespace: urn:x\noperations: []\n", "1:12", "no schema document");
	overlay_fails(NAMESPACE "operations: add\n", "2:13", "must be a list");
	overlay_fails(NAMESPACE "operations:\n  - add\n", "3:5", "one mapping with one key");
	overlay_fails(NAMESPACE "operations:\n  - remove_element: {to: A}\n", "3:5",
		"unknown operation \"remove_element\"; allowed are add_enumeration and "
		"add_element");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration: x\n", "3:5",
		"needs its fields: to, values");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration: {to: A}\n", "3:5",
		"lacks the field \"values\"");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration: {to: A, value: [B]}\n", "3:30",
		"no field \"value\"; allowed are to, values");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration: {to: A, values: B}\n", "3:38",
		"a list of texts");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration: {to: A, values: []}\n", "3:30",
		"1 to 1024");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration: {to: Nowhere, values: [B]}\n",
		"3:27", "no type or element \"Nowhere\"");
	overlay_fails(NAMESPACE
		"operations:\n  - add_enumeration: {to: ResponseCode, values: [E1]}\n",
		"3:50", "\"E1\" is already in \"ResponseCode\"");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration:\n      to: ResponseCode\n"
				"      values: [E9001, E9001]\n",
		"5:23", "already");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration: {to: EUI, values: [B]}\n",
		"3:27", "has no enumerations");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration: {to: Response, values: [B]}\n",
		"3:27", "no simple type");
	overlay_fails(NAMESPACE
		"operations:\n  - add_enumeration: {to: DCCAlertMessage/Code, values: [B]}\n",
		"3:27", "no element \"Code\" in \"DCCAlertMessage\"");
	overlay_fails(NAMESPACE "operations:\n  - add_enumeration: {to: "
				"ResponseMessage/ServiceReference, values: [B]}\n",
		"3:27", "has no type of its own");
}

#define ADD(fields) NAMESPACE "operations:\n  - add_element: {" fields "}\n"

Test(duis_schema, overlay_element_errors)
{
	overlay_fails(ADD("to: DSPSchedule, after: DeviceID, name: X"), "3:5",
		"lacks the field \"type\"");
	overlay_fails(ADD("to: ResponseCode, after: DeviceID, name: X, type: EUI"), "3:23",
		"is no complex type");
	overlay_fails(ADD("to: DSPSchedule, after: Nothing, name: X, type: EUI"), "3:43",
		"has no element \"Nothing\"");
	overlay_fails(ADD("to: DSPSchedule, after: DeviceID, name: 1X, type: EUI"), "3:59",
		"no element name");
	overlay_fails(ADD("to: DSPSchedule, after: DeviceID, name: DSPReadNetworkData, type: EUI"),
		"3:59", "already");
	overlay_fails(ADD("to: DSPSchedule, after: DeviceID, name: X, type: Nothing"), "3:68",
		"no type \"Nothing\"");
	overlay_fails(ADD("to: DSPSchedule, after: DeviceID, name: X, type: xs:nothing"), "3:68",
		"no type of XML Schema");
	overlay_fails(ADD("to: DSPSchedule, after: DeviceID, name: X, type: EUI, optional: maybe"),
		"3:83", "neither yes nor no");
}

Test(duis_schema, overlay_missing)
{
	char reason[512];

	cr_assert(create(material_path("xsd", "DUIS Schema V5.1.xsd"), "/nowhere/overlay.yaml",
			  "5.1", reason) == NULL);
	cr_assert_eq(errno, ENOENT);
	cr_assert(strncmp(reason, "/nowhere/overlay.yaml:1:1: ", 27) == 0, "%s", reason);
}

static int read_with(struct duis_reference_schemas *schemas, struct bytes bytes)
{
	struct duis_reference_engine *engine = duis_reference_engine_create(schemas, 65536);
	struct duis_document document;
	struct duis_error error;
	int result =
		duis_reference_engine_read(engine, bytes.data, bytes.length, &document, &error);

	bytes_free(&bytes);
	duis_reference_engine_destroy(engine);
	return result;
}

Test(duis_schema, without_overlay_no_mp162)
{
	char reason[512];
	struct duis_reference_schemas *schemas =
		create(material_path("xsd", "DUIS Schema V5.1.xsd"), NULL, "5.4", reason);

	cr_assert(schemas != NULL, "%s", reason);
	cr_assert_eq(read_with(schemas, replaced(material_request, "\"5.1\"", "\"5.4\"")), 0);
	cr_assert_eq(read_with(schemas, bytes_of(material_schedule)), -EBADMSG);
	cr_assert_eq(read_with(schemas, bytes_of(material_request)), -EBADMSG);
	duis_reference_schemas_destroy(schemas);
}

Test(duis_schema, overlay_adds_an_optional_element)
{
	static const char overlay[] = ADD(
		"to: ResponseMessage, after: ServiceReferenceVariant, name: Note, type: xs:token, "
		"optional: yes");
	char *path = write_file("optional.yaml", overlay);
	char reason[512];
	struct duis_reference_schemas *schemas =
		create(material_path("xsd", "DUIS Schema V5.1.xsd"), path, "5.1", reason);

	cr_assert(schemas != NULL, "%s", reason);
	cr_assert_eq(read_with(schemas, bytes_of(material_response)), 0);
	cr_assert_eq(read_with(schemas, replaced(material_response, "<sr:GBCSPayload>",
						"<sr:Note>x</sr:Note><sr:GBCSPayload>")),
		0);
	cr_assert_eq(read_with(schemas, replaced(material_response, "</sr:GBCSPayload>",
						"</sr:GBCSPayload><sr:Note>x</sr:Note>")),
		-EBADMSG);
	duis_reference_schemas_destroy(schemas);
	free(path);
}

static void schema_fails(const char *xsd, const char *place, const char *words)
{
	char *path = write_file("main.xsd", xsd);
	char expected[512];
	char reason[512];

	cr_assert(create(path, NULL, "5.1", reason) == NULL, "accepted:\n%s", xsd);
	snprintf(expected, sizeof(expected), "%s/%s", folder, place);
	cr_assert(strncmp(reason, expected, strlen(expected)) == 0, "\"%s\" is not at %s", reason,
		expected);
	cr_assert(strstr(reason, words) != NULL, "\"%s\" lacks \"%s\"", reason, words);
	free(path);
}

#define XSD "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\">\n"

Test(duis_schema, schema_errors)
{
	free(write_file("inner file.xsd",
		"<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"\n"
		"   targetNamespace=\"urn:inner\">\n"
		"<xs:element name=\"good\" type=\"xs:string\"/>\n"
		"<xs:element name=\"bad\"\n   type=\"xs:strung\"/></xs:schema>"));
	schema_fails("<xs:schema", "main.xsd:1:", "");
	schema_fails("<a>\n</b>", "main.xsd:2:", "mismatch");
	schema_fails("<a/>", "main.xsd:1:1: ", "not xs:schema");
	schema_fails(XSD "\n<xs:element name=\"a\" type=\"xs:strung\"/></xs:schema>",
		"main.xsd:3:1: ", "strung");
	schema_fails(XSD "<xs:import namespace=\"urn:x\" schemaLocation=\"none.xsd\"/></xs:schema>",
		"none.xsd:1:1: ", "No such file");
	schema_fails(XSD "<xs:import namespace=\"urn:x\" "
			 "schemaLocation=\"http://127.0.0.1:1/x.xsd\"/></xs:schema>",
		"main.xsd:2:1: ", "not a file beside");
	schema_fails(XSD "<xs:redefine schemaLocation=\"none.xsd\"/></xs:schema>",
		"main.xsd:2:1: ", "redefine");
	/* The line in the file (that of the tag's end), though libxml2 read a copy without the line
	 * breaks in tags. */
	schema_fails(XSD "<xs:import namespace=\"urn:inner\" schemaLocation=\"inner file.xsd\"/>"
			 "</xs:schema>",
		"inner file.xsd:5:1: ", "strung");
	schema_fails(XSD "<xs:import namespace=\"urn:inner\" schemaLocation=\"inner%20file.xsd\"/>"
			 "</xs:schema>",
		"inner file.xsd:5:1: ", "strung");
}

Test(duis_schema, schema_missing)
{
	char reason[512];

	cr_assert(create("/nowhere/main.xsd", NULL, "5.1", reason) == NULL);
	cr_assert_eq(errno, ENOENT);
	cr_assert(strncmp(reason, "/nowhere/main.xsd:1:1: ", 23) == 0, "%s", reason);
}

Test(duis_schema, versions)
{
	char xsd[1024];
	char reason[512] = "";
	struct duis_schema_source sources[3] = {
		{.version = "5.1"}, {.version = "5.4"}, {.version = "6"}};
	struct duis_reference_schemas *schemas;

	snprintf(xsd, sizeof(xsd), "%s", material_path("xsd", "DUIS Schema V5.1.xsd"));
	for (size_t index = 0; index < 3; index++)
		sources[index].xsd_path = xsd;
	sources[1].overlays[0] = TEST_ROOT "/conf/schema/mp162.yaml";
	schemas = duis_reference_schemas_create(sources, 3, reason, sizeof(reason));
	cr_assert(schemas != NULL, "%s", reason);
	cr_assert_eq(duis_reference_schemas_find(schemas, "5.1", 3), 0);
	cr_assert_eq(duis_reference_schemas_find(schemas, "5.100xyz", 5), 0);
	cr_assert_eq(duis_reference_schemas_find(schemas, " +05.40 ", 8), 1);
	cr_assert_eq(duis_reference_schemas_find(schemas, "6.0", 3), 2);
	cr_assert_eq(duis_reference_schemas_find(schemas, "6.", 2), 2);
	cr_assert_eq(duis_reference_schemas_find(schemas, "60", 2), -1);
	cr_assert_eq(duis_reference_schemas_find(schemas, "-6", 2), -1);
	cr_assert_eq(duis_reference_schemas_find(schemas, "6 6", 3), -1);
	cr_assert_eq(duis_reference_schemas_find(schemas, "", 0), -1);
	cr_assert_str_eq(duis_reference_schemas_version(schemas, 1), "5.4");
	duis_reference_schemas_destroy(schemas);
	strcpy(sources[2].version, "05.10");
	cr_assert(duis_reference_schemas_create(sources, 3, reason, sizeof(reason)) == NULL);
	cr_assert(strstr(reason, "has a schema already") != NULL, "%s", reason);
	strcpy(sources[2].version, "six");
	cr_assert(duis_reference_schemas_create(sources, 3, reason, sizeof(reason)) == NULL);
	cr_assert(strstr(reason, "no decimal number") != NULL, "%s", reason);
}

/* The loader that serves the schemas' imports goes away with the compilation. */
Test(duis_schema, leaves_no_loader_behind)
{
	xmlExternalEntityLoader before;
	struct duis_reference_schemas *schemas;

	xmlInitParser();
	before = xmlGetExternalEntityLoader();
	schemas = material_schemas();
	cr_assert(xmlGetExternalEntityLoader() == before);
	duis_reference_schemas_destroy(schemas);
}

Test(duis_schema, integers_of_any_length)
{
	static const struct {
		const char *serial;
		bool valid;
	} cases[] = {{"117636141832862931915946451229571981153", true},
		{"1461501637330902918203684832716283019655932542975", true}, {"0", true},
		{" +12 ", true},
		{"000000000000000000000000000000000000000000000000000000000007", true}, {"", false},
		{"+", false}, {"1 2", false}, {"1.0", false}, {"1e3", false}, {"0x1f", false},
		{"--1", false}};
	struct duis_reference_schemas *schemas = material_schemas();
	struct bytes good = material_signed(material_request, SUPPLIER);
	char *begin_tag = strstr((char *)good.data, "<ds:X509SerialNumber>");
	char from[128];
	char to[256];

	cr_assert(begin_tag != NULL);
	snprintf(from, sizeof(from), "%.*s", (int)strcspn(begin_tag + 1, "<") + 1, begin_tag);
	for (size_t index = 0; index < sizeof(cases) / sizeof(cases[0]); index++) {
		snprintf(to, sizeof(to), "<ds:X509SerialNumber>%s", cases[index].serial);
		cr_assert_eq(read_with(schemas, bytes_replaced(&good, from, to)),
			cases[index].valid ? 0 : -EBADMSG, "%s", cases[index].serial);
	}
	bytes_free(&good);
	duis_reference_schemas_destroy(schemas);
}

static void *read_many(void *argument)
{
	struct duis_reference_engine *engine = duis_reference_engine_create(argument, 65536);
	struct bytes good = bytes_of(material_request);
	struct bytes bad = replaced(material_request, "4.6.1", "4.6.9");
	struct duis_document document;
	struct duis_error error;
	uintptr_t wrong = 0;

	for (unsigned round = 0; round < 500; round++) {
		wrong += duis_reference_engine_read(
				 engine, good.data, good.length, &document, &error) != 0;
		wrong += duis_reference_engine_read(
				 engine, bad.data, bad.length, &document, &error) != -EBADMSG ||
			 error.code != DUIS_ERROR_SCHEMA;
	}
	bytes_free(&good);
	bytes_free(&bad);
	duis_reference_engine_destroy(engine);
	return (void *)wrong;
}

Test(duis_schema, engines_on_several_threads)
{
	struct duis_reference_schemas *schemas = material_schemas();
	pthread_t threads[4];

	for (size_t index = 0; index < 4; index++)
		cr_assert_eq(pthread_create(&threads[index], NULL, read_many, schemas), 0);
	for (size_t index = 0; index < 4; index++) {
		void *wrong = NULL;

		pthread_join(threads[index], &wrong);
		cr_assert(wrong == NULL);
	}
	duis_reference_schemas_destroy(schemas);
}
