/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A later version of the schemas needs a new image and no new build. The official 5.1 set is
 * changed as DUIS 5.4 differs from it (new values, new elements, an element that repeats where it
 * did not), and further: new types with facets and attributes, another file name for an import.
 * Then both versions are in use at once, in either engine, and documents are judged by the one they
 * name.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/schema_compile.h"
#include "dataplane/duis/engine.h"
#include "tests/differential/buffer.h"

#define SR "http://www.dccinterface.co.uk/ServiceUserGateway"

static const struct {
	const char *from;
	const char *to; /* @ stands for what was found */
} changes[] = {
	{"schemaLocation=\"MMC Schema V5.1.xsd\"", "schemaLocation=\"MMC%20Schema V9.xsd\""},
	{"<xs:enumeration value=\"SMETS1\"/>",
		"@<xs:enumeration value=\"4G North\"/><xs:enumeration value=\"4G South\"/>"},
	{"<xs:element minOccurs=\"0\" name=\"S1SP\" type=\"xs:string\"/>",
		"@<xs:element minOccurs=\"0\" name=\"Connectivity\" type=\"sr:Connectivity\"/>"},
	{"<xs:element name=\"ReadInventory\" type=\"sr:ReadInventory\"/>",
		"@<xs:element name=\"ReadNovelty\" type=\"sr:ReadNovelty\"/>"},
	{"<xs:element name=\"DSPWANMatrix\" type=\"sr:DSPWANMatrix\"/>",
		"<xs:element name=\"DSPWANMatrix\"><xs:complexType><xs:sequence>"
		"<xs:element name=\"Count\" type=\"xs:unsignedByte\" maxOccurs=\"unbounded\"/>"
		"</xs:sequence></xs:complexType></xs:element>"},
	{"</xs:schema>",
		"<xs:simpleType name=\"Connectivity\"><xs:restriction base=\"xs:string\">"
		"<xs:enumeration value=\"Cellular\"/><xs:enumeration value=\"Virtual\"/>"
		"</xs:restriction></xs:simpleType>"
		"<xs:simpleType name=\"NoveltyCode\"><xs:restriction base=\"xs:token\">"
		"<xs:pattern value=\"[A-Z]{2}[0-9]{3}\"/><xs:pattern value=\"none\"/>"
		"</xs:restriction></xs:simpleType>"
		"<xs:complexType name=\"ReadNovelty\"><xs:sequence maxOccurs=\"3\">"
		"<xs:element name=\"Code\" type=\"sr:NoveltyCode\"/>"
		"<xs:element name=\"Amount\" minOccurs=\"0\" maxOccurs=\"2\"><xs:complexType>"
		"<xs:simpleContent><xs:extension base=\"xs:decimal\">"
		"<xs:attribute name=\"unit\" type=\"xs:string\" use=\"required\"/>"
		"</xs:extension></xs:simpleContent></xs:complexType></xs:element>"
		"</xs:sequence></xs:complexType>@"},
};

#define REQUEST(body)                                                                              \
	"<sr:Request xmlns:sr=\"" SR "\" schemaVersion=\"%s\"><sr:Header><sr:RequestID>"           \
	"90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1</sr:RequestID>"                         \
	"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2</sr:ServiceReference>"   \
	"<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header><sr:Body>" body   \
	"</sr:Body></sr:Request>"
#define RESPONSE(message)                                                                          \
	"<sr:Response xmlns:sr=\"" SR "\" schemaVersion=\"%s\"><sr:Header>"                        \
	"<sr:ResponseCode>I0</sr:ResponseCode>"                                                    \
	"<sr:ResponseDateTime>2026-01-01T00:00:00Z</sr:ResponseDateTime></sr:Header><sr:Body>"     \
	"<sr:ResponseMessage><sr:ServiceReference>8.2</sr:ServiceReference>"                       \
	"<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant>" message                     \
	"</sr:ResponseMessage></sr:Body></sr:Response>"
#define INVENTORY(tail)                                                                            \
	RESPONSE("<sr:DSPInventory><sr:Device><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID>"  \
		 "<sr:DeviceType>ESME</sr:DeviceType><sr:DeviceManufacturer>0001"                  \
		 "</sr:DeviceManufacturer><sr:DeviceModel>00000001</sr:DeviceModel>" tail          \
		 "</sr:Device></sr:DSPInventory>")
#define OLD 1
#define NEW 2

static const struct {
	const char *document; /* %s: the version */
	unsigned valid;	      /* in which of them */
} rows[] = {
	{REQUEST("<sr:ReadInventory><sr:UPRN>1</sr:UPRN></sr:ReadInventory>"), OLD | NEW},
	{REQUEST("<sr:ReadNovelty><sr:Code>AB123</sr:Code></sr:ReadNovelty>"), NEW},
	{REQUEST("<sr:ReadNovelty><sr:Code> none </sr:Code><sr:Amount unit=\"kg\">1.5</sr:Amount>"
		 "<sr:Amount unit=\"\">-0</sr:Amount><sr:Code>ZZ999</sr:Code></sr:ReadNovelty>"),
		NEW},
	{REQUEST("<sr:ReadNovelty><sr:Code>AB1234</sr:Code></sr:ReadNovelty>"), 0},
	{REQUEST("<sr:ReadNovelty><sr:Code>none</sr:Code><sr:Amount>1</sr:Amount>"
		 "</sr:ReadNovelty>"),
		0},
	{REQUEST("<sr:ReadNovelty><sr:Code>none</sr:Code><sr:Code>none</sr:Code>"
		 "<sr:Code>none</sr:Code><sr:Code>none</sr:Code></sr:ReadNovelty>"),
		0},
	{INVENTORY(""), OLD | NEW},
	{INVENTORY("<sr:CSPRegion>North</sr:CSPRegion>"), OLD | NEW},
	{INVENTORY("<sr:CSPRegion>4G North</sr:CSPRegion>"), NEW},
	{INVENTORY("<sr:CSPRegion>5G North</sr:CSPRegion>"), 0},
	{INVENTORY("<sr:S1SP>x</sr:S1SP><sr:Connectivity>Virtual</sr:Connectivity>"), NEW},
	{INVENTORY("<sr:Connectivity>Real</sr:Connectivity>"), 0},
	{RESPONSE("<sr:DSPWANMatrix><sr:Count>1</sr:Count><sr:Count>255</sr:Count>"
		  "</sr:DSPWANMatrix>"),
		NEW},
	{RESPONSE("<sr:DSPWANMatrix><sr:Count>256</sr:Count></sr:DSPWANMatrix>"), 0},
};

static char folder[] = "/tmp/schema-later-XXXXXX";
static char old_xsd[512];
static char new_xsd[512];
static char images[2][128];

static const char *official(const char *name)
{
	static char path[512];
	const char *var = getenv("MOTORWAY_VAR");

	snprintf(path, sizeof(path), "%s/duis/xsd/%s", var != NULL ? var : TEST_ROOT "/var", name);
	return path;
}

static void change(struct buffer *text)
{
	for (size_t index = 0; index < sizeof(changes) / sizeof(changes[0]); index++) {
		const char *from = changes[index].from;
		const char *found = strstr((const char *)text->bytes, from);
		struct buffer to = {0};
		size_t at;

		cr_assert_not_null(found, "the official schema has no %s", from);
		at = (size_t)(found - (const char *)text->bytes);
		for (const char *step = changes[index].to; *step != '\0'; step++)
			if (*step == '@')
				buffer_text(&to, from);
			else
				buffer_byte(&to, (uint8_t)*step);
		buffer_splice(text, at, at + strlen(from), to.bytes, to.length);
		buffer_free(&to);
	}
}

static void copy(const char *from, const char *to, bool changed)
{
	struct buffer text = {0};
	char path[512];

	cr_assert_eq(buffer_read(&text, official(from)), 0, "%s: scripts/setup fetches it", from);
	if (changed)
		change(&text);
	snprintf(path, sizeof(path), "%s/%s", folder, to);
	cr_assert_eq(buffer_write(&text, path), 0);
	buffer_free(&text);
}

static void compile(const char *xsd, const char *path)
{
	struct buffer out = {0};
	uint8_t *image;
	size_t length;
	char reason[512];
	int result = schema_compile(xsd, NULL, 0, &image, &length, reason, sizeof(reason));

	cr_assert_eq(result, 0, "%s", reason);
	buffer_add(&out, image, length);
	cr_assert_eq(buffer_write(&out, path), 0);
	buffer_free(&out);
	free(image);
}

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(old_xsd, sizeof(old_xsd), "%s", official("DUIS Schema V5.1.xsd"));
	snprintf(new_xsd, sizeof(new_xsd), "%s/later.xsd", folder);
	copy("DUIS Schema V5.1.xsd", "later.xsd", true);
	copy("MMC Schema V5.1.xsd", "MMC Schema V9.xsd", false);
	copy("xmldsig-core-schema.xsd", "xmldsig-core-schema.xsd", false);
	for (unsigned index = 0; index < 2; index++) {
		snprintf(images[index], sizeof(images[index]), "%s/%u.image", folder, index);
		compile(index == 0 ? old_xsd : new_xsd, images[index]);
	}
}

static void tear_down(void)
{
	static const char *const names[] = {
		"later.xsd", "MMC Schema V9.xsd", "xmldsig-core-schema.xsd", "0.image", "1.image"};

	for (size_t index = 0; index < sizeof(names) / sizeof(names[0]); index++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", folder, names[index]);
		unlink(path);
	}
	rmdir(folder);
}

static void judge(enum duis_engine_kind kind)
{
	static const char *const versions[] = {"5.1", "9.07"};
	struct duis_schema_source sources[2] = {
		{.version = "5.10", .image_path = images[0], .xsd_path = old_xsd},
		{.version = "9.07", .image_path = images[1], .xsd_path = new_xsd}};
	char reason[512];
	struct duis_schemas *schemas =
		duis_schemas_create(kind, sources, 2, reason, sizeof(reason));
	struct duis_engine *engine;

	cr_assert_not_null(schemas, "%s", reason);
	engine = duis_engine_create(schemas, 65536);
	cr_assert_not_null(engine);
	for (size_t row = 0; row < 2 * sizeof(rows) / sizeof(rows[0]); row++) {
		struct duis_document document;
		struct duis_error error = {.code = DUIS_OK};
		char text[4096];
		bool valid = (rows[row / 2].valid & (row % 2 == 0 ? OLD : NEW)) != 0;
		int length =
			snprintf(text, sizeof(text), rows[row / 2].document, versions[row % 2]);
		int result = duis_engine_read(
			engine, (const uint8_t *)text, (uint32_t)length, &document, &error);

		cr_expect_eq(result, valid ? 0 : -EBADMSG, "%s: %s: %s %s",
			duis_engine_kind_name(kind), text, duis_error_name(error.code), error.rule);
		cr_expect(valid || error.code == DUIS_ERROR_SCHEMA, "%s: %s", text,
			duis_error_name(error.code));
		if (result == 0)
			cr_expect_eq(document.schema_index, (int)(row % 2));
	}
	duis_engine_destroy(engine);
	duis_schemas_destroy(schemas);
}

Test(schema_later, fast_engine, .init = set_up, .fini = tear_down)
{
	judge(DUIS_ENGINE_FAST);
}

Test(schema_later, reference_engine, .init = set_up, .fini = tear_down)
{
	judge(DUIS_ENGINE_REFERENCE);
}
