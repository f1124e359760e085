/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/duis_hostile.h"

#define BYTES (1u << 20)

static const char before[] =
	"<sr:Request xmlns:sr=\"http://www.dccinterface.co.uk/ServiceUserGateway\" "
	"schemaVersion=\"5.1\"><sr:Header><sr:RequestID>"
	"90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1</sr:RequestID>"
	"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2</sr:ServiceReference>"
	"<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
	"<sr:ReadInventory><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID></sr:ReadInventory>"
	"</sr:Body><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>"
	"<ds:CanonicalizationMethod Algorithm=\"urn:a\"/><ds:SignatureMethod Algorithm=\"urn:a\"/>"
	"<ds:Reference><ds:DigestMethod Algorithm=\"urn:a\"/><ds:DigestValue>AAAA</ds:DigestValue>"
	"</ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue><ds:Object>";
static const char behind[] = "</ds:Object></ds:Signature></sr:Request>";

static void repeat(struct buffer *out, const char *text)
{
	while (out->length < BYTES)
		buffer_text(out, text);
}

static void nest(struct buffer *out, unsigned depth)
{
	for (unsigned level = 0; level < depth; level++)
		buffer_text(out, "<a>");
	for (unsigned level = 0; level < depth; level++)
		buffer_text(out, "</a>");
}

static void deep(struct buffer *out)
{
	while (out->length < BYTES)
		nest(out, 250);
}

static void too_deep(struct buffer *out)
{
	nest(out, BYTES / 7);
}

static void attributes(struct buffer *out)
{
	while (out->length < BYTES) {
		buffer_text(out, "<a");
		for (unsigned number = 0; number < 60; number++)
			buffer_print(out, " attribute-%02u=\"\"", number);
		buffer_text(out, "/>");
	}
}

static void prefixed_attributes(struct buffer *out)
{
	while (out->length < BYTES) {
		buffer_text(out, "<a xmlns:p=\"urn:p\"");
		for (unsigned number = 0; number < 60; number++)
			buffer_print(out, " p:attribute-%02u=\"\"", number);
		buffer_text(out, "/>");
	}
}

static void too_many_attributes(struct buffer *out)
{
	buffer_text(out, "<a");
	for (unsigned number = 0; out->length < BYTES; number++)
		buffer_print(out, " b%u=\"\"", number);
	buffer_text(out, "/>");
}

static void long_attribute(struct buffer *out)
{
	buffer_text(out, "<a b=\"");
	repeat(out, " &lt;\t\n");
	buffer_text(out, "\"/>");
}

static void namespaces(struct buffer *out)
{
	while (out->length < BYTES) {
		buffer_text(out, "<a");
		for (unsigned number = 0; number < 60; number++)
			buffer_print(out, " xmlns:n%02u=\"urn:namespace:%02u\"", number, number);
		buffer_text(out, "><n59:b/></a>");
	}
}

static void lookups(struct buffer *out)
{
	buffer_text(out, "<a");
	for (unsigned number = 0; number < 60; number++)
		buffer_print(out, " xmlns:n%02u=\"urn:namespace:%02u\"", number, number);
	buffer_text(out, ">");
	repeat(out, "<n00:b n30:c=\"\"/>");
	buffer_text(out, "</a>");
}

static void references(struct buffer *out)
{
	repeat(out, "&amp;");
}

static void numbers(struct buffer *out)
{
	repeat(out, "&#x0000000000041;");
}

static void long_names(struct buffer *out)
{
	for (unsigned element = 0; element < 8; element++) {
		struct buffer name = {0};

		while (name.length < BYTES / 16)
			buffer_text(&name, "name.name-name_");
		buffer_print(out, "<%s></%s>", (char *)name.bytes, (char *)name.bytes);
		buffer_free(&name);
	}
}

static void comments(struct buffer *out)
{
	repeat(out, "<!---->");
}

static void long_comment(struct buffer *out)
{
	buffer_text(out, "<!--");
	repeat(out, " - a > b <c ]]> ");
	buffer_text(out, "-->");
}

static void instructions(struct buffer *out)
{
	repeat(out, "<?a?>");
}

static void sections(struct buffer *out)
{
	repeat(out, "<![CDATA[]]]]>");
}

static void empty_elements(struct buffer *out)
{
	repeat(out, "<a/>");
}

static void brackets(struct buffer *out)
{
	repeat(out, "]] > ]]");
}

static void wide_characters(struct buffer *out)
{
	repeat(out, "\xf0\x9f\x98\x80\xe2\x82\xac\xc3\xa9");
}

static void white_space(struct buffer *out)
{
	repeat(out, "\r\n \t");
}

const struct hostile hostile_documents[] = {
	{"hostile-deep", "250 levels, again and again", deep, false},
	{"hostile-too-deep", "150,000 levels", too_deep, true},
	{"hostile-attributes", "60 attributes an element", attributes, false},
	{"hostile-prefixed-attributes", "60 attributes with prefixes", prefixed_attributes, false},
	{"hostile-too-many-attributes", "100,000 attributes in one tag", too_many_attributes, true},
	{"hostile-long-attribute", "one attribute, all of it to be normalised", long_attribute,
		false},
	{"hostile-namespaces", "60 namespaces an element", namespaces, false},
	{"hostile-lookups", "prefixes of 60 namespaces", lookups, false},
	{"hostile-entities", "entity references", references, false},
	{"hostile-numbers", "character references with zeros", numbers, false},
	{"hostile-long-names", "names of 64 KB", long_names, false},
	{"hostile-comments", "empty comments", comments, false},
	{"hostile-long-comment", "one comment with near ends", long_comment, false},
	{"hostile-instructions", "instructions", instructions, false},
	{"hostile-sections", "CDATA sections of two brackets", sections, false},
	{"hostile-elements", "empty elements", empty_elements, false},
	{"hostile-brackets", "text of brackets", brackets, false},
	{"hostile-characters", "characters of two to four bytes", wide_characters, false},
	{"hostile-white-space", "line ends to be normalised", white_space, false},
};

const size_t hostile_count = sizeof(hostile_documents) / sizeof(hostile_documents[0]);

void hostile_write(const struct hostile *hostile, struct buffer *out)
{
	buffer_clear(out);
	buffer_text(out, before);
	hostile->fill(out);
	buffer_text(out, behind);
}
