/* SPDX-License-Identifier: Apache-2.0 */
/* The fast engine by itself, on a small schema: every variant, verdicts with offsets, canonical
 * forms, inputs that end at a page that cannot be read. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control/schema_compile.h"
#include "dataplane/duis/fast.h"

#define DUIS "http://www.dccinterface.co.uk/ServiceUserGateway"
#define XSD                                                                                        \
	"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='" DUIS "'\n"      \
	" xmlns='" DUIS "' elementFormDefault='qualified'>\n"                                      \
	"<xs:complexType name='R'><xs:sequence>"                                                   \
	"<xs:element name='Header'><xs:complexType><xs:sequence>"                                  \
	"<xs:element name='CommandVariant' type='xs:positiveInteger'/>"                            \
	"</xs:sequence></xs:complexType></xs:element>"                                             \
	"<xs:element name='Body'><xs:complexType><xs:choice maxOccurs='unbounded'>"                \
	"<xs:element name='s' type='xs:string'/><xs:element name='i' type='xs:integer'/>"          \
	"<xs:element name='d' type='xs:dateTime'/><xs:element name='t' type='xs:time'/>"           \
	"<xs:element name='x' type='xs:hexBinary'/><xs:element name='b' type='xs:base64Binary'/>"  \
	"<xs:element name='u' type='xs:anyURI'/><xs:element name='k' type='K'/>"                   \
	"<xs:element name='l' type='L'/>"                                                          \
	"<xs:element name='e'><xs:complexType/></xs:element>"                                      \
	"<xs:element name='n'><xs:complexType><xs:sequence>"                                       \
	"<xs:element name='m' minOccurs='2' maxOccurs='3' type='xs:token'/></xs:sequence>"         \
	"<xs:attribute name='a' type='xs:int'/><xs:attribute name='z' type='xs:string'/>"          \
	"<xs:attribute name='i' type='xs:ID'/>"                                                    \
	"</xs:complexType></xs:element>"                                                           \
	"</xs:choice></xs:complexType></xs:element></xs:sequence>"                                 \
	"<xs:attribute name='schemaVersion' type='xs:decimal' use='required'/></xs:complexType>"   \
	"<xs:simpleType name='K'><xs:restriction base='xs:string'>"                                \
	"<xs:pattern value='[0-9A-F]{2}-[0-9]{1,3}'/></xs:restriction></xs:simpleType>"            \
	"<xs:simpleType name='L'><xs:restriction base='xs:string'>"                                \
	"<xs:pattern value='([0-9A-F]{2}-[0-9]{2},)*[0-9A-F]{2}-[0-9]{2}'/></xs:restriction>"      \
	"</xs:simpleType>"                                                                         \
	"<xs:element name='Request' type='R'/><xs:element name='Response' type='R'/></xs:schema>"

#define OPEN                                                                                       \
	"<Request xmlns='" DUIS                                                                    \
	"' schemaVersion='5.1'><Header><CommandVariant>1</CommandVariant></Header><Body>"
#define CLOSE "</Body></Request>"

static struct duis_image image;
static uint8_t *bytes;
static struct duis_fast_schemas *schemas;
static struct duis_fast_engine *engine;
static uint8_t *page_end; /* what follows cannot be read */

static void set_up(void)
{
	struct duis_fast_source source = {.version = "5.1", .image = &image};
	char path[] = "/tmp/fast-test-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *plain;
	uint8_t *pages;
	size_t length;
	char reason[512];
	int result;

	fputs(XSD, file);
	fclose(file);
	result = schema_compile(path, NULL, 0, &plain, &length, reason, sizeof(reason));
	unlink(path);
	cr_assert_eq(result, 0, "%s", reason);
	bytes = aligned_alloc(64, (length + 63) / 64 * 64);
	memcpy(bytes, plain, length);
	free(plain);
	result = duis_image_check(bytes, length, &image, reason, sizeof(reason));
	cr_assert_eq(result, 0, "%s", reason);
	schemas = duis_fast_schemas_create(&source, 1, reason, sizeof(reason));
	cr_assert_not_null(schemas, "%s", reason);
	engine = duis_fast_engine_create(schemas, 1u << 20);
	pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(pages + 2 * page, page, PROT_NONE);
	page_end = pages + 2 * page;
}

static void tear_down(void)
{
	duis_fast_engine_destroy(engine);
	duis_fast_schemas_destroy(schemas);
	free(bytes);
}

static enum duis_error_code read_text(const char *text, struct duis_error *error)
{
	size_t length = strlen(text);
	uint8_t *at = page_end - length;
	struct duis_document document;

	memcpy(at, text, length);
	return duis_fast_engine_read(engine, at, (uint32_t)length, &document, error) == 0
		       ? DUIS_OK
		       : error->code;
}

static const struct {
	const char *body;
	enum duis_error_code code;
} cases[] = {
	{"<s/>", DUIS_OK},
	{"<s>a &amp; b &#x41; <![CDATA[<x>]]>\r\n</s>", DUIS_OK},
	{"<!-- c --><s>x</s><?p i?>\n", DUIS_OK},
	{"<i>123456789012345678901234567890123456789</i><i>-0</i><i> +7 </i>", DUIS_OK},
	{"<d>2024-02-29T24:00:00Z</d><d>-0001-01-01T00:00:00.5+14:00</d>", DUIS_OK},
	{"<t>23:59:59.999</t><x>0aFF</x><x/><b> QU JD\n</b><b>QQ==</b>", DUIS_OK},
	{"<u>http://a.b/c?d#e[1]</u><u/><k>AF-7</k><k>00-123</k><e/><e></e>", DUIS_OK},
	/* a list, whose items are compared in one step each */
	{"<l>AF-07</l><l>AF-07,00-11</l><l>AF-07,00-11,22-33,44-55,66-77,88-99</l>", DUIS_OK},
	{"<l>AF-07,</l>", DUIS_ERROR_SCHEMA},
	{"<l>,AF-07</l>", DUIS_ERROR_SCHEMA},
	{"<l>AF-07,00-1</l>", DUIS_ERROR_SCHEMA},
	{"<l>AF-07,00-111</l>", DUIS_ERROR_SCHEMA},
	{"<l>AF-07,00-11,</l>", DUIS_ERROR_SCHEMA},
	{"<l>AF-07,00x11,22-33</l>", DUIS_ERROR_SCHEMA},
	{"<l>AF-07,00-11;22-33</l>", DUIS_ERROR_SCHEMA},
	{"<l>AF-07,00-11,22-3\xc3\xa9</l>", DUIS_ERROR_SCHEMA},
	{"<l>AF-07,00-11,\xc3\xa9-33</l>", DUIS_ERROR_SCHEMA},
	{"<l></l>", DUIS_ERROR_SCHEMA},
	{"<n><m>a</m><m> b  c </m></n><n a='5'><m/><m/><m/></n>", DUIS_OK},
	{"<p:s xmlns:p='" DUIS "'>x</p:s>", DUIS_OK},
	{"<s>x</s ><s\n>y</s>", DUIS_OK},
	{"", DUIS_ERROR_SCHEMA},
	{"<q/>", DUIS_ERROR_SCHEMA},
	{"<s><i>1</i></s>", DUIS_ERROR_SCHEMA},
	{"text<s/>", DUIS_ERROR_SCHEMA},
	{"<![CDATA[]]><s/>", DUIS_ERROR_SCHEMA},
	{"<e> </e>", DUIS_ERROR_SCHEMA},
	{"<i>1.0</i>", DUIS_ERROR_SCHEMA},
	{"<i></i>", DUIS_ERROR_SCHEMA},
	{"<d>2023-02-29T00:00:00</d>", DUIS_ERROR_SCHEMA},
	{"<d>0000-01-01T00:00:00</d>", DUIS_ERROR_SCHEMA},
	{"<t>24:00:01</t>", DUIS_ERROR_SCHEMA},
	{"<x>0</x>", DUIS_ERROR_SCHEMA},
	{"<b>QR==</b>", DUIS_ERROR_SCHEMA},
	{"<b>QQ=</b>", DUIS_ERROR_SCHEMA},
	{"<k>AF-</k>", DUIS_ERROR_SCHEMA},
	{"<k>AF-1234</k>", DUIS_ERROR_SCHEMA},
	{"<n><m/></n>", DUIS_ERROR_SCHEMA},
	{"<n><m/><m/><m/><m/></n>", DUIS_ERROR_SCHEMA},
	{"<n a='x'><m/><m/></n>", DUIS_ERROR_SCHEMA},
	{"<n y='1'><m/><m/></n>", DUIS_ERROR_SCHEMA},
	{"<s xmlns:r='rel'/>", DUIS_ERROR_SCHEMA},
	{"<s>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<s></i>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<s>]]></s>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<s>&nbsp;</s>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<s>&#0;</s>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<s>\x01</s>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<s>\xef\xbf\xbf</s>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<s>\xc0\x80</s>", DUIS_ERROR_ENCODING},
	{"<!-- -- --><s/>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<?xml version='1.0'?><s/>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<p:s/>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<n a='1' a='2'/>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<n a='1'z='2'/>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<n a='<'/>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<n a=1/>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<s xmlns:p=''/>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<q/><s>", DUIS_ERROR_NOT_WELL_FORMED},
	{"<!DOCTYPE s><s/>", DUIS_ERROR_NOT_WELL_FORMED},
};

Test(fast_engine, gives_each_verdict_in_every_variant, .init = set_up, .fini = tear_down)
{
	for (int variant = 0; variant < DUIS_FAST_VARIANT_COUNT; variant++) {
		if (duis_fast_engine_set_variant(engine, (enum duis_fast_variant)variant) != 0)
			continue;
		/* Twice: the second time tags are known from the first. */
		for (unsigned index = 0; index < 2 * sizeof(cases) / sizeof(cases[0]); index++) {
			const char *body = cases[index / 2].body;
			struct duis_error error;
			char text[4096];
			enum duis_error_code code;

			snprintf(text, sizeof(text), "%s%s%s", OPEN, body, CLOSE);
			code = read_text(text, &error);
			cr_expect_eq(code, cases[index / 2].code, "%s: %s: %s %s",
				duis_fast_variant_name((enum duis_fast_variant)variant), body,
				duis_error_name(code), code != DUIS_OK ? error.rule : "");
			if (code != DUIS_OK)
				cr_expect_leq(error.offset, strlen(text));
		}
	}
}

/* No beginning of a document may be accepted, or read beyond its end. */
Test(fast_engine, refuses_every_beginning, .init = set_up, .fini = tear_down)
{
	static const char whole[] = "<?xml version='1.0'?>" OPEN
				    "<n a='5' z='&lt;'><m>a</m><m><![CDATA[b]]></m></n><!--c-->"
				    "<k>AF-7</k><b>QUJD</b>" CLOSE;
	struct duis_error error;

	for (int variant = 0; variant < DUIS_FAST_VARIANT_COUNT; variant++) {
		if (duis_fast_engine_set_variant(engine, (enum duis_fast_variant)variant) != 0)
			continue;
		cr_expect_eq(read_text(whole, &error), DUIS_OK);
		for (size_t length = 0; length < sizeof(whole) - 1; length++) {
			char text[sizeof(whole)];

			memcpy(text, whole, length);
			text[length] = '\0';
			cr_expect_neq(read_text(text, &error), DUIS_OK, "%zu bytes", length);
		}
	}
}

Test(fast_engine, writes_the_canonical_form, .init = set_up, .fini = tear_down)
{
	static const char text[] =
		"<?xml version='1.0'?><!--x--><?before  y ?>\n"
		"<Request schemaVersion='5.1' xmlns:b='urn:b' xmlns='" DUIS "' xmlns:a='urn:a'>"
		"<Header><CommandVariant>1</CommandVariant></Header><Body >"
		"<s xmlns:a='urn:a'>a>b&#13;\r\n<![CDATA[&<]]><!--c--></s>"
		"<n z='&quot;&#9;\t' a=\"1\"><m/><m>&apos;</m></n><?p  q "
		"?></Body></Request>\n<?after?>";
	static const char canonical[] =
		"<?before y ?>\n<Request xmlns=\"" DUIS
		"\" xmlns:a=\"urn:a\" xmlns:b=\"urn:b\" schemaVersion=\"5.1\">"
		"<Header><CommandVariant>1</CommandVariant></Header><Body>"
		"<s>a&gt;b&#xD;\n&amp;&lt;</s>"
		"<n a=\"1\" z=\"&quot;&#x9; \"><m></m><m>'</m></n><?p q "
		"?></Body></Request>\n<?after?>";
	struct duis_error error;
	uint8_t out[2048];
	int64_t length;

	for (int round = 0; round < 2; round++) {
		cr_assert_eq(read_text(text, &error), DUIS_OK, "%s", error.rule);
		length = duis_fast_engine_digested(engine, out, sizeof(out));
		cr_assert_eq(length, (int64_t)sizeof(canonical) - 1, "%.*s", (int)length, out);
		cr_expect_arr_eq(out, canonical, sizeof(canonical) - 1, "%.*s", (int)length, out);
		cr_expect_eq(duis_fast_engine_digested(engine, out, 10), -ENOBUFS);
	}
}

Test(fast_engine, compares_versions_by_value, .init = set_up, .fini = tear_down)
{
	cr_expect_eq(duis_fast_schemas_find(schemas, "5.1", 3), 0);
	cr_expect_eq(duis_fast_schemas_find(schemas, " 05.10 ", 7), 0);
	cr_expect_eq(duis_fast_schemas_find(schemas, "5.01", 4), -1);
	cr_expect_eq(duis_fast_schemas_find(schemas, "", 0), -1);
}

/* Identifiers are remembered, so there is a bound on them, and it is not the schema's. */
Test(fast_engine, bounds_identifiers, .init = set_up, .fini = tear_down)
{
	static char text[200000];
	struct duis_document document;
	struct duis_error error;

	for (unsigned count = 2047; count <= 2050; count++) {
		char *at = stpcpy(text, OPEN);
		int result;

		for (unsigned index = 0; index < count; index++)
			at += sprintf(at, "<n i='i%u'><m/><m/></n>", index);
		at = stpcpy(at, CLOSE);
		result = duis_fast_engine_read(
			engine, (const uint8_t *)text, (uint32_t)(at - text), &document, &error);
		cr_expect_eq(result, count <= 2048 ? 0 : -EBADMSG, "%u", count);
		if (count <= 2048)
			continue;
		cr_expect_eq(error.code, DUIS_ERROR_TOO_LARGE);
		cr_expect_str_eq(error.rule, "more than 2048 identifiers");
		/* Not well-formed is not well-formed, whatever comes before. */
		result = duis_fast_engine_read(engine, (const uint8_t *)text,
			(uint32_t)(at - text) - 1, &document, &error);
		cr_expect_eq(error.code, DUIS_ERROR_NOT_WELL_FORMED);
	}
	cr_expect_eq(read_text(OPEN "<n i='a'><m/><m/></n><n i='a'><m/><m/></n>" CLOSE, &error),
		DUIS_ERROR_SCHEMA);
}
