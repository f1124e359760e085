/* SPDX-License-Identifier: Apache-2.0 */
/* Reading documents: what is described, what is refused, and where. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/duis_material.h"

#define DOCUMENT_BYTES_MAX (16u * 1024 * 1024)

static struct duis_reference_schemas *schemas;
static struct duis_reference_engine *engine;

static void begin(void)
{
	schemas = material_schemas();
	engine = duis_reference_engine_create(schemas, DOCUMENT_BYTES_MAX);
	cr_assert(engine != NULL);
}

static void end(void)
{
	duis_reference_engine_destroy(engine);
	duis_reference_schemas_destroy(schemas);
}

TestSuite(duis_document, .init = begin, .fini = end);

static int read_bytes(struct bytes bytes, struct duis_document *document, struct duis_error *error)
{
	/* An exact copy, so that the address sanitiser sees any read behind the end. */
	uint8_t *exact = malloc(bytes.length > 0 ? bytes.length : 1);
	int result;

	cr_assert(exact != NULL);
	memcpy(exact, bytes.data, bytes.length);
	result = duis_reference_engine_read(engine, exact, bytes.length, document, error);
	free(exact);
	return result;
}

static void accept(struct bytes bytes, struct duis_document *document)
{
	struct duis_error error;
	int result = read_bytes(bytes, document, &error);

	cr_assert_eq(result, 0, "%s at %lu, %s: %s", duis_error_name(error.code),
		(unsigned long)error.offset, error.path, error.rule);
	bytes_free(&bytes);
}

static struct duis_error refuse(struct bytes bytes, enum duis_error_code code)
{
	struct duis_document document;
	struct duis_error error;
	int result = read_bytes(bytes, &document, &error);

	cr_assert_eq(result, -EBADMSG, "a document was accepted that is %s", duis_error_name(code));
	cr_assert_eq(error.code, code, "%s instead of %s at %lu, %s: %s",
		duis_error_name(error.code), duis_error_name(code), (unsigned long)error.offset,
		error.path, error.rule);
	cr_assert(error.offset <= bytes.length);
	bytes_free(&bytes);
	return error;
}

static struct bytes request_but(const char *from, const char *to)
{
	return replaced(material_request, from, to);
}

/* ---- descriptions ---- */

Test(duis_document, request_is_described)
{
	struct duis_document document;
	struct bytes bytes = bytes_of(material_request);
	struct duis_error error;

	cr_assert_eq(
		duis_reference_engine_read(engine, bytes.data, bytes.length, &document, &error), 0);
	cr_assert_eq(document.root, DUIS_ROOT_REQUEST);
	cr_assert_str_eq(duis_reference_schemas_version(schemas, document.schema_index), "5.1");
	cr_assert(document.has_request_id);
	cr_assert(!document.has_response_id);
	cr_assert(!document.has_signature);
	cr_assert(!document.has_execution_date_time);
	cr_assert(!document.has_body);
	cr_assert_eq(document.request_id.originator, UINT64_C(0x90b3d51f30010000));
	cr_assert_eq(document.request_id.target, UINT64_C(0x00db1234567890a0));
	cr_assert_eq(document.request_id.counter, 1000);
	cr_assert_eq(document.command_variant, 1);
	cr_assert_str_eq(document.service_reference, "4.6");
	cr_assert_str_eq(document.service_reference_variant, "4.6.1");
	cr_assert_str_eq(document.body_element, "RetrieveImportDailyReadLog");
	cr_assert_str_eq(document.response_code, "");
	/* It was canonical before. */
	cr_assert_eq(material_digested(engine).length, bytes.length);
	cr_assert_arr_eq(material_digested(engine).data, bytes.data, bytes.length);
	bytes_free(&bytes);
}

Test(duis_document, response_is_described)
{
	struct duis_document document;

	accept(bytes_of(material_response), &document);
	cr_assert_eq(document.root, DUIS_ROOT_RESPONSE);
	cr_assert(document.has_request_id);
	cr_assert(document.has_response_id);
	cr_assert(document.has_body);
	cr_assert_eq(document.response_id.originator, UINT64_C(0x00db1234567890a0));
	cr_assert_eq(document.command_variant, 0);
	cr_assert_str_eq(document.service_reference, "4.6");
	cr_assert_str_eq(document.service_reference_variant, "4.6.1");
	cr_assert_str_eq(document.body_element, "GBCSPayload");
	cr_assert_str_eq(document.response_code, "I0");
	accept(replaced(material_response, "<sr:GBCSPayload>3wkC</sr:GBCSPayload>", ""), &document);
	cr_assert(!document.has_body);
	cr_assert_str_eq(document.body_element, "");
	accept(replaced(material_response,
		       "<sr:RequestID>90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:1000"
		       "</sr:RequestID>",
		       ""),
		&document);
	cr_assert(!document.has_request_id);
}

Test(duis_document, alert_is_described)
{
	static const char alert[] =
		"<sr:Response xmlns:sr=\"" SR "\" schemaVersion=\"5.1\"><sr:Header>"
		"<sr:ResponseID>90-B3-D5-1F-30-00-00-02:90-B3-D5-1F-30-01-00-09:7</sr:ResponseID>"
		"<sr:ResponseCode>I0</sr:ResponseCode>"
		"<sr:ResponseDateTime>2026-11-22T12:00:00Z</sr:ResponseDateTime></sr:Header>"
		"<sr:Body><sr:DCCAlertMessage><sr:DCCAlertCode>N66</sr:DCCAlertCode><sr:DCCAlert>"
		"<sr:DSPScheduleRemoval><sr:DeviceID>00-DB-12-34-56-78-90-A0</sr:DeviceID>"
		"<sr:DSPScheduleID>5</sr:DSPScheduleID></sr:DSPScheduleRemoval></sr:DCCAlert>"
		"</sr:DCCAlertMessage></sr:Body></sr:Response>";
	struct duis_document document;

	accept(bytes_of(alert), &document);
	cr_assert(document.has_body);
	cr_assert(document.has_response_id);
	cr_assert(!document.has_request_id);
	cr_assert_str_eq(document.body_element, "DCCAlertMessage");
	cr_assert_str_eq(document.service_reference, "");
	refuse(replaced(alert, "N66", "N67"), DUIS_ERROR_SCHEMA);
}

Test(duis_document, future_dated_request)
{
	struct duis_document document;

	accept(request_but("<sr:RetrieveImportDailyReadLog>",
		       "<sr:RetrieveImportDailyReadLog>"
		       "<sr:ExecutionDateTime>2027-01-01T00:00:00Z</sr:ExecutionDateTime>"),
		&document);
	cr_assert(document.has_execution_date_time);
}

Test(duis_document, mp162_additions)
{
	struct duis_document document;

	accept(bytes_of(material_schedule), &document);
	cr_assert_str_eq(document.body_element, "CreateSchedule");
	cr_assert_str_eq(duis_reference_schemas_version(schemas, document.schema_index), "5.4");
	accept(replaced(material_response, ">I0<", ">E050111<"), &document);
	cr_assert_str_eq(document.response_code, "E050111");
	refuse(replaced(material_response, ">I0<", ">E050104<"), DUIS_ERROR_SCHEMA);
}

Test(duis_document, version_by_value)
{
	static const char *const known[] = {
		"5.1", "5.10", "05.1", "+5.1", "0005.1000", " 5.1\n", "5.4", "5.40"};
	static const char *const unknown[] = {"5", "5.", "5.11", "-5.1", "51", "5.1.0", "5,1", "",
		"v5.1", "5.1e0", "0x5", ".", "+"};
	struct duis_document document;
	char to[64];

	for (size_t index = 0; index < sizeof(known) / sizeof(known[0]); index++) {
		snprintf(to, sizeof(to), "schemaVersion=\"%s\"", known[index]);
		accept(request_but("schemaVersion=\"5.1\"", to), &document);
		cr_assert_eq(document.schema_index, index < 6 ? 0 : 1);
	}
	for (size_t index = 0; index < sizeof(unknown) / sizeof(unknown[0]); index++) {
		snprintf(to, sizeof(to), "schemaVersion=\"%s\"", unknown[index]);
		refuse(request_but("schemaVersion=\"5.1\"", to), DUIS_ERROR_SCHEMA_VERSION);
	}
	refuse(request_but(" schemaVersion=\"5.1\"", ""), DUIS_ERROR_SCHEMA_VERSION);
	refuse(request_but("schemaVersion=", "sr:schemaVersion="), DUIS_ERROR_SCHEMA_VERSION);
}

Test(duis_document, values_in_other_spellings)
{
	struct duis_document document;

	accept(request_but("<sr:CommandVariant>1<", "<sr:CommandVariant>+1<"), &document);
	cr_assert_eq(document.command_variant, 1);
	accept(request_but("<sr:CommandVariant>1<", "<sr:CommandVariant>\n 009 <"), &document);
	cr_assert_eq(document.command_variant, 9);
	accept(request_but("90-B3-D5-1F-30-01-00-00:", "\n\t 90-b3-d5-1f-30-01-00-00:"), &document);
	cr_assert_eq(document.request_id.originator, UINT64_C(0x90b3d51f30010000));
	accept(request_but("90-B3-D5", "90-<!-- not here -->B3<?nor here?>-D5"), &document);
	cr_assert_eq(document.request_id.originator, UINT64_C(0x90b3d51f30010000));
	accept(request_but("90-B3-D5-1F", "<![CDATA[90-B3]]>-D5-1F"), &document);
	cr_assert_eq(document.request_id.originator, UINT64_C(0x90b3d51f30010000));
	accept(request_but("90-B3-D5-1F", "&#57;0-&#x42;3-D5-1F"), &document);
	cr_assert_eq(document.request_id.originator, UINT64_C(0x90b3d51f30010000));
	accept(request_but(":1000<", ":18446744073709551615<"), &document);
	cr_assert_eq(document.request_id.counter, UINT64_MAX);
	refuse(request_but(":1000<", ":18446744073709551616<"), DUIS_ERROR_SCHEMA);
	refuse(request_but(":1000<", ":01000<"), DUIS_ERROR_SCHEMA);
	refuse(request_but("90-B3-D5", "90- B3-D5"), DUIS_ERROR_SCHEMA);
}

Test(duis_document, comments_and_blanks_around)
{
	struct duis_document document;
	struct bytes bytes = bytes_of(material_request);
	struct bytes digested;
	char text[8192];

	snprintf(text, sizeof(text),
		"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8' standalone=\"no\"?>\n"
		"<!-- before --><?before?>\n%s\n<!-- behind --> ",
		material_request);
	accept(bytes_of(text), &document);
	/* Canonical: no declaration, no comments, processing instructions on lines of their own. */
	digested = material_digested(engine);
	cr_assert_eq(digested.length, bytes.length + strlen("<?before?>\n"));
	cr_assert_arr_eq(digested.data, "<?before?>\n", strlen("<?before?>\n"));
	cr_assert_arr_eq(digested.data + strlen("<?before?>\n"), bytes.data, bytes.length);
	bytes_free(&bytes);
}

Test(duis_document, any_prefix)
{
	struct duis_document document;
	struct bytes bytes = bytes_of(material_request);
	size_t write = 0;

	/* The default namespace instead of the prefix. */
	for (size_t read = 0; read < bytes.length; read++) {
		if (memcmp(bytes.data + read, "sr:", 3) == 0)
			read += 3;
		else if (memcmp(bytes.data + read, ":sr=", 4) == 0)
			read += 3;
		bytes.data[write++] = bytes.data[read];
	}
	bytes.length = (uint32_t)write;
	accept(bytes, &document);
	cr_assert_str_eq(document.service_reference_variant, "4.6.1");
}

/* ---- refusals ---- */

Test(duis_document, violations_at_every_level)
{
	static const struct {
		const char *from;
		const char *to;
		const char *path;
		const char *rule;
		const char *at; /* the offset is that of this text */
	} cases[] = {
		{"schemaVersion=\"5.1\"", "schemaVersion=\"5.1\" more=\"1\"", "/sr:Request/@more",
			"not allowed", "more=\"1\""},
		{"<sr:Header>", "<sr:Header lang=\"en\">", "/sr:Request/sr:Header/@lang",
			"not allowed", "lang="},
		{"<sr:CommandVariant>1</sr:CommandVariant>", "",
			"/sr:Request/sr:Header/sr:ServiceReference",
			"allowed: FirstInSequence, PrecedingServiceRequestID, CommandVariant",
			"<sr:ServiceReference>"},
		{"<sr:CommandVariant>1<", "<sr:CommandVariant>0<",
			"/sr:Request/sr:Header/sr:CommandVariant", "its type, CommandVariant",
			"0</sr:CommandVariant>"},
		{"<sr:CommandVariant>1<", "<sr:CommandVariant>12<",
			"/sr:Request/sr:Header/sr:CommandVariant", "not one of '1', '2'",
			"12</sr:"},
		{"<sr:CommandVariant>1<", "<sr:CommandVariant><",
			"/sr:Request/sr:Header/sr:CommandVariant", "type", "</sr:CommandVariant>"},
		{"4.6.1", "4.6.7", "/sr:Request/sr:Header/sr:ServiceReferenceVariant", "not one of",
			"4.6.7"},
		{":1000<", ":x<", "/sr:Request/sr:Header/sr:RequestID", "pattern [A-Fa-f0-9]{2}",
			"90-B3"},
		{"<sr:Body>", "<sr:Body><sr:Other/>", "/sr:Request/sr:Body/sr:Other",
			"not allowed here", "<sr:Other/>"},
		{"<sr:Body>", "<sr:Body>text", "/sr:Request/sr:Body", "elements only", "<sr:Body>"},
		{"<sr:ReadLogPeriod>", "<sr:ReadLogPeriod index=\"1\">",
			"/sr:Request/sr:Body/sr:RetrieveImportDailyReadLog/sr:ReadLogPeriod/@index",
			"not allowed", "index="},
		{"2026-11-02T00:00:00.00Z", "2026-11-02",
			"/sr:Request/sr:Body/sr:RetrieveImportDailyReadLog/sr:ReadLogPeriod/"
			"sr:EndDateTime",
			"xs:dateTime", "2026-11-02<"},
		{"<sr:EndDateTime>2026-11-02T00:00:00.00Z</sr:EndDateTime>", "",
			"/sr:Request/sr:Body/sr:RetrieveImportDailyReadLog/sr:ReadLogPeriod",
			"missing; allowed: EndDateTime", "<sr:ReadLogPeriod>"},
		{"<sr:EndDateTime>", "<sr:EndDateTime><sr:x/>",
			"/sr:Request/sr:Body/sr:RetrieveImportDailyReadLog/sr:ReadLogPeriod/"
			"sr:EndDateTime",
			"a value, not elements", "<sr:EndDateTime>"},
		{"</sr:Request>", "<sr:Body></sr:Body></sr:Request>", "/sr:Request/sr:Body",
			"allowed: Signature", "<sr:Body></sr:Body>"},
		{"<sr:Header>", "<sr:Header xmlns:sr=\"urn:other\">", "/sr:Request/sr:Header",
			"allowed: Header", "<sr:Header"},
	};

	for (size_t index = 0; index < sizeof(cases) / sizeof(cases[0]); index++) {
		struct bytes bytes = request_but(cases[index].from, cases[index].to);
		uint64_t at = (uint64_t)(strstr((char *)bytes.data, cases[index].at) -
					 (char *)bytes.data);
		struct duis_error error = refuse(bytes, DUIS_ERROR_SCHEMA);

		cr_assert_str_eq(error.path, cases[index].path);
		cr_assert(strstr(error.rule, cases[index].rule) != NULL, "\"%s\" lacks \"%s\"",
			error.rule, cases[index].rule);
		cr_assert_eq(error.offset, at, "case %zu: offset %lu instead of %lu", index,
			(unsigned long)error.offset, (unsigned long)at);
	}
}

Test(duis_document, rules_quote_nothing)
{
	static const char *const places[] = {">1</sr:CommandVariant>", ">4.6.1<",
		":1000</sr:RequestID>", ">2026-11-01T00:00:00.00Z<"};
	static const char secret[] =
		"SECRET' is not a valid value of the atomic type 'SECRET'.\n(SECRET)";
	size_t long_length = 70000;
	char *to = malloc(long_length + 200);

	cr_assert(to != NULL);
	for (size_t index = 0; index < sizeof(places) / sizeof(places[0]); index++) {
		struct duis_error error;

		snprintf(to, 200, ">%s<", secret);
		memcpy(strchr(to + 1, '<'), strchr(places[index] + 1, '<'),
			strlen(strchr(places[index] + 1, '<')) + 1);
		error = refuse(request_but(places[index], to), DUIS_ERROR_SCHEMA);
		cr_assert(strstr(error.rule, "SECRET") == NULL, "%s", error.rule);
		cr_assert(strstr(error.path, "SECRET") == NULL, "%s", error.path);
		/* So long that libxml2 cuts its message in the middle of the value. */
		memset(to, 'x', long_length);
		to[0] = places[index][0];
		for (size_t at = 100; at + 100 < long_length; at += 80)
			memcpy(to + at, secret, strlen(secret));
		strcpy(to + long_length, strchr(places[index] + 1, '<'));
		error = refuse(request_but(places[index], to), DUIS_ERROR_SCHEMA);
		cr_assert(strstr(error.rule, "SECRET") == NULL, "%s", error.rule);
	}
	free(to);
}

Test(duis_document, long_paths_are_cut)
{
	char to[1200] = "<sr:Body><sr:";
	size_t length = strlen(to);
	struct duis_error error;

	for (size_t count = 0; count < 400; count++, length += 2)
		memcpy(to + length, "\xc3\xa9", 3);
	strcpy(to + length, "/>");
	error = refuse(request_but("<sr:Body>", to), DUIS_ERROR_SCHEMA);
	/* Whole names only. */
	cr_assert_str_eq(error.path, "/sr:Request/sr:Body" DUIS_PATH_CUT);
}

Test(duis_document, roots_refused)
{
	static const char *const roots[] = {
		"<Request schemaVersion=\"5.1\"/>",
		"<sr:Request xmlns:sr=\"http://www.dccinterface.co.uk/serviceusergateway\" "
		"schemaVersion=\"5.1\"/>",
		"<sr:request xmlns:sr=\"" SR "\" schemaVersion=\"5.1\"/>",
		"<sr:SMETS1SignedResponse xmlns:sr=\"" SR "\" schemaVersion=\"5.1\"/>",
		"<sr:S1SPAlert xmlns:sr=\"" SR "\" schemaVersion=\"5.1\"/>",
		"<Header xmlns=\"" SR "\" schemaVersion=\"5.1\"/>",
		"<html/>",
	};

	for (size_t index = 0; index < sizeof(roots) / sizeof(roots[0]); index++)
		refuse(bytes_of(roots[index]), DUIS_ERROR_ROOT);
}

Test(duis_document, types_chosen_by_the_sender)
{
	struct bytes bytes = request_but("<sr:ReadLogPeriod>",
		"<sr:ReadLogPeriod xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" "
		"i:type=\"sr:ReadLogPeriod\">");
	uint64_t at = (uint64_t)(strstr((char *)bytes.data, "i:type") - (char *)bytes.data);
	struct duis_error error = refuse(bytes, DUIS_ERROR_SCHEMA);
	struct duis_document document;

	cr_assert_eq(error.offset, at);
	cr_assert(strstr(error.rule, "xsi:type") != NULL);
	refuse(request_but("<sr:EndDateTime>",
		       "<sr:EndDateTime xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" "
		       "i:nil=\"true\">"),
		DUIS_ERROR_SCHEMA);
	/* A hint at a schema is allowed, and not followed. */
	accept(request_but(" schemaVersion=",
		       " xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" "
		       "i:schemaLocation=\"" SR " file:///nowhere.xsd\" schemaVersion="),
		&document);
}

Test(duis_document, document_types)
{
	static const char *const prologs[] = {
		"<!DOCTYPE Request>",
		"<!DOCTYPE Request SYSTEM \"file:///etc/passwd\">",
		"<!DOCTYPE Request PUBLIC \"a\" \"http://127.0.0.1:1/x\">",
		"<!DOCTYPE Request [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>",
		"<!DOCTYPE Request [<!ENTITY % x SYSTEM \"file:///etc/passwd\"> %x;]>",
		"<!DOCTYPE Request [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">"
		"<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;\">"
		"<!ENTITY e \"&d;&d;&d;&d;&d;&d;\"><!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;\">]>",
		"<!DOCTYPE Request [<!ATTLIST sr:Request schemaVersion CDATA \"5.1\">]>",
		"<?xml version=\"1.0\"?>\n<!-- x -->\n<!DOCTYPE x>",
	};
	char text[4096];

	for (size_t index = 0; index < sizeof(prologs) / sizeof(prologs[0]); index++) {
		struct bytes body = request_but("4.6.1", "&f;");
		const char *doctype = strstr(prologs[index], "<!DOCTYPE");
		uint64_t at = (uint64_t)(doctype - prologs[index]);
		struct duis_error error;

		snprintf(text, sizeof(text), "%s%s", prologs[index], (char *)body.data);
		bytes_free(&body);
		error = refuse(bytes_of(text), DUIS_ERROR_DOCTYPE);
		cr_assert(error.offset >= at && error.offset <= strlen(prologs[index]));
	}
}

Test(duis_document, not_well_formed)
{
	static const struct {
		const char *from;
		const char *to;
		const char *construct; /* the offset lies in it or directly behind it */
	} cases[] = {
		{"4.6.1", "&nbsp;", "&nbsp;"},
		{"4.6.1", "a & b", "& b"},
		{"4.6.1", "a < b", "< b"},
		{"4.6.1", "]]>", "]]>"},
		{"4.6.1", "&#0;", "&#0;"},
		{"4.6.1", "&#xD800;", "&#xD800;"},
		{"4.6.1", "\x01", "\x01"},
		{"4.6.1", "\xef\xbf\xbf", "\xef\xbf\xbf"},
		{"4.6.1", "<!-- a -- b -->", "<!-- a -- b -->"},
		{"<sr:Body>", "<sr:Body a=\"1\" a=\"2\">", "<sr:Body a=\"1\" a=\"2\">"},
		{"<sr:Body>", "<sr:Body a=1>", "<sr:Body a=1"},
		{"<sr:Body>", "<sr:Body a>", "<sr:Body a>"},
		{"<sr:Body>", "<sr:Body a=\"<\">", "<sr:Body a=\"<"},
		{"<sr:Body>", "<q:Body>", "<q:Body>"},
		{"<sr:Body>", "<sr:Body q:a=\"1\">", "<sr:Body q:a=\"1\">"},
		{"<sr:Body>", "<sr:Body xmlns:q=\"\">", "<sr:Body xmlns:q=\"\">"},
		{"</sr:Header>", "</sr:Body>", "</sr:Body>"},
		{"</sr:Request>", "</sr:Request><more/>", "<more/>"},
		{"</sr:Request>", "</sr:Request>more", "more"},
		{"</sr:Body></sr:Request>", "</sr:Body></sr:Request", "</sr:Body></sr:Request"},
		{"<sr:Request ", " <?xml version=\"1.0\"?><sr:Request ",
			" <?xml version=\"1.0\"?>"},
		{"<sr:Request ", "<?xml version=\"1.1\"?><sr:Request ",
			"<?xml version=\"1.1\"?><sr:Request xmlns:sr=\"" SR
			"\" schemaVersion=\"5.1\">"},
		{"<sr:Request ", "<?xml version=\"2.0\"?><sr:Request ", "<?xml version=\"2.0\""},
		{"<sr:Request ", "<?xml encoding=\"UTF-8\"?><sr:Request ",
			"<?xml encoding=\"UTF-8\""},
		{"<sr:Request ", "text<sr:Request ", "text"},
	};

	for (size_t index = 0; index < sizeof(cases) / sizeof(cases[0]); index++) {
		struct bytes bytes = request_but(cases[index].from, cases[index].to);
		uint64_t at = (uint64_t)(strstr((char *)bytes.data, cases[index].construct) -
					 (char *)bytes.data);
		struct duis_error error = refuse(bytes, DUIS_ERROR_NOT_WELL_FORMED);

		cr_assert(error.offset >= at && error.offset <= at + strlen(cases[index].construct),
			"case %zu (%s): offset %lu instead of %lu .. %lu; %s", index,
			cases[index].construct, (unsigned long)error.offset, (unsigned long)at,
			(unsigned long)(at + strlen(cases[index].construct)), error.rule);
		cr_assert(strncmp(error.rule, "rule ", 5) != 0, "no text for case %zu: %s", index,
			error.rule);
	}
}

Test(duis_document, nul_bytes)
{
	struct bytes bytes = bytes_of(material_request);
	struct duis_error error;

	/* The NUL that ends the string: one byte more than the document. */
	bytes.length++;
	error = refuse(bytes, DUIS_ERROR_NOT_WELL_FORMED);
	cr_assert_eq(error.offset, strlen(material_request));
	bytes = request_but("4.6.1", "4.6.?");
	*strchr((char *)bytes.data, '?') = '\0';
	refuse(bytes, DUIS_ERROR_NOT_WELL_FORMED);
}

static struct bytes widened(const char *text, bool big, size_t unit, bool mark)
{
	struct bytes made = {.data = calloc(strlen(text) + 1, unit)};

	cr_assert(made.data != NULL);
	if (mark) {
		made.data[big ? unit - 2 : 0] = big ? 0xfe : 0xff;
		made.data[big ? unit - 1 : 1] = big ? 0xff : 0xfe;
		made.length = (uint32_t)unit;
	}
	for (; *text != '\0'; text++, made.length += (uint32_t)unit)
		made.data[made.length + (big ? unit - 1 : 0)] = (uint8_t)*text;
	return made;
}

Test(duis_document, other_encodings)
{
	static const char *const declared[] = {"ISO-8859-1", "latin1", "UTF-16", "US-ASCII",
		"UTF-8x", "UTF-7", "UCS-4", "windows-1252"};
	char to[128];

	for (unsigned variant = 0; variant < 8; variant++) {
		struct duis_error error = refuse(
			widened(material_request, variant & 1, variant & 2 ? 4 : 2, variant & 4),
			DUIS_ERROR_ENCODING);

		cr_assert_eq(error.offset, 0);
	}
	for (size_t index = 0; index < sizeof(declared) / sizeof(declared[0]); index++) {
		snprintf(to, sizeof(to), "<?xml version=\"1.0\" encoding=\"%s\"?><sr:Request ",
			declared[index]);
		cr_assert_eq(refuse(request_but("<sr:Request ", to), DUIS_ERROR_ENCODING).offset,
			strlen("<?xml version=\"1.0\" encoding=\""));
		snprintf(to, sizeof(to), "<?xml version='1.0' encoding = '%s' ?><sr:Request ",
			declared[index]);
		refuse(request_but("<sr:Request ", to), DUIS_ERROR_ENCODING);
	}
}

Test(duis_document, broken_utf8)
{
	static const char *const sequences[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3",
		"\xe9", "\xc3(", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xe2\x82", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xfe", "\xf8\x88\x80\x80\x80"};
	struct bytes cut;

	for (size_t index = 0; index < sizeof(sequences) / sizeof(sequences[0]); index++) {
		struct bytes bytes = request_but("4.6.1", sequences[index]);
		uint64_t at = (uint64_t)(strstr((char *)bytes.data, sequences[index]) -
					 (char *)bytes.data);

		cr_assert_eq(refuse(bytes, DUIS_ERROR_ENCODING).offset, at);
	}
	/* Cut in the middle of a character. */
	cut = request_but("4.6.1", "4.6.\xe2\x82\xac");
	cut.length = (uint32_t)(strstr((char *)cut.data, "\xac") - (char *)cut.data);
	refuse(cut, DUIS_ERROR_ENCODING);
	/* What is wrong before decides. */
	refuse(bytes_of("<a>\xe2\x82</a>"), DUIS_ERROR_ROOT);
}

Test(duis_document, truncated_at_every_byte)
{
	struct bytes whole = material_signed(material_request, SUPPLIER);

	for (uint32_t length = 0; length < whole.length; length++) {
		struct bytes part = {.data = malloc(length + 1), .length = length};
		struct duis_error error;

		cr_assert(part.data != NULL);
		memcpy(part.data, whole.data, length);
		error = refuse(part, length == 0 ? DUIS_ERROR_EMPTY : DUIS_ERROR_NOT_WELL_FORMED);
		cr_assert(error.rule[0] != '\0');
	}
	bytes_free(&whole);
}

Test(duis_document, bounds)
{
	static const char head[] = "<sr:Request xmlns:sr=\"" SR "\" schemaVersion=\"5.1\">";
	static const char open[] = "<sr:a>";
	char *deep = calloc(1, 1024 * 1024);
	size_t length;

	cr_assert(deep != NULL);
	strcpy(deep, head);
	length = strlen(deep);
	for (size_t depth = 1; depth <= 256; depth++, length += strlen(open))
		strcpy(deep + length, open);
	refuse(bytes_of(deep), DUIS_ERROR_TOO_LARGE);
	/* One less is still open at the end of the document. */
	deep[length - strlen(open)] = '\0';
	refuse(bytes_of(deep), DUIS_ERROR_NOT_WELL_FORMED);

	strcpy(deep, "<sr:Request");
	length = strlen(deep);
	for (size_t count = 0; count < 65; count++)
		length += (size_t)sprintf(deep + length, " a%zu=\"a=b\"", count);
	strcpy(deep + length, "/>");
	refuse(bytes_of(deep), DUIS_ERROR_TOO_LARGE);

	strcpy(deep, head);
	length = strlen(deep);
	for (size_t count = 0; count < 64; count++)
		length += (size_t)sprintf(deep + length, "<sr:a xmlns:n%zu=\"urn:n\">", count);
	refuse(bytes_of(deep), DUIS_ERROR_TOO_LARGE);
	free(deep);
}

Test(duis_document, bound_of_markup)
{
	static const char comment[] = "<!---->";
	const size_t bound = 262144;
	struct bytes bytes = {
		.data = malloc(strlen(material_request) + bound * strlen(comment) + 1)};
	struct duis_document document;
	size_t tags = 0;

	cr_assert(bytes.data != NULL);
	/* Every tag has one '<', the root two attributes. */
	for (const char *at = material_request; *at != '\0'; at++)
		tags += *at == '<';
	tags += 2;
	for (unsigned more = 0; more < 2; more++) {
		size_t count = bound - tags + more;
		struct bytes copy;

		for (size_t index = 0; index < count; index++)
			memcpy(bytes.data + index * strlen(comment), comment, strlen(comment));
		strcpy((char *)bytes.data + count * strlen(comment), material_request);
		copy = bytes_of((char *)bytes.data);
		if (more == 0)
			accept(copy, &document);
		else
			refuse(copy, DUIS_ERROR_TOO_LARGE);
	}
	bytes_free(&bytes);
}

Test(duis_document, namespaces_without_canonical_form)
{
	refuse(request_but("<sr:Body>", "<sr:Body xmlns:n=\"relative\">"), DUIS_ERROR_SCHEMA);
	refuse(request_but("<sr:Body>", "<sr:Body xmlns:n=\"../relative\">"), DUIS_ERROR_SCHEMA);
}

Test(duis_document, texts_above_ten_megabytes)
{
	/* SRV 11.1 carries a firmware image; libxml2 refuses texts above 10 MB unless told. */
	static const char head[] =
		"<sr:Request xmlns:sr=\"" SR "\" schemaVersion=\"5.1\"><sr:Header><sr:RequestID>"
		"90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1</sr:RequestID>"
		"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>11.1</"
		"sr:ServiceReference>"
		"<sr:ServiceReferenceVariant>11.1</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
		"<sr:UpdateFirmware><sr:FirmwareImage>";
	static const char tail[] =
		"</sr:FirmwareImage><sr:FirmwareVersion>00000000</sr:FirmwareVersion>"
		"<sr:DeviceIDList>00-DB-12-34-56-78-90-A0</sr:DeviceIDList></sr:UpdateFirmware>"
		"</sr:Body></sr:Request>";
	const size_t image = 12 * 1024 * 1024; /* of base64: 9 MiB of octets */
	struct bytes bytes = {.data = malloc(sizeof(head) + image + sizeof(tail))};
	struct duis_document document;

	cr_assert(bytes.data != NULL);
	memcpy(bytes.data, head, strlen(head));
	memset(bytes.data + strlen(head), 'A', image);
	memcpy(bytes.data + strlen(head) + image, tail, strlen(tail));
	bytes.length = (uint32_t)(strlen(head) + image + strlen(tail));
	accept(bytes, &document);
	cr_assert_str_eq(document.body_element, "UpdateFirmware");
	cr_assert_eq(material_digested(engine).length, strlen(head) + image + strlen(tail));
}
