/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "bench/duis_hostile.h"

#define BYTES (1u << 20)

/* The document around it, cut where something may be put in. Its signature is of the right form, so
 * that its digest is compared, and wrong. */
static const char root[] =
	"<sr:Request xmlns:sr=\"http://www.dccinterface.co.uk/ServiceUserGateway\"";
static const char header[] =
	" schemaVersion=\"5.1\"><sr:Header><sr:RequestID>"
	"90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1</sr:RequestID>"
	"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2</sr:ServiceReference>"
	"<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
	"<sr:ReadInventory><sr:DeviceID>";
static const char value[] = "00-DB-12-34-56-78-90-A2</sr:DeviceID></sr:ReadInventory>";
static const char signature[] =
	"</sr:Body><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>"
	"<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"
	"<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>"
	"<ds:Reference URI=\"\"><ds:Transforms><ds:Transform "
	"Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/></ds:Transforms>"
	"<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>"
	"<ds:DigestValue>3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue>"
	"</ds:Reference></ds:SignedInfo><ds:SignatureValue>"
	"3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
	"</ds:SignatureValue><ds:KeyInfo>";
static const char key[] =
	"<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=Z1,OU=07</ds:X509IssuerName>"
	"<ds:X509SerialNumber>123456789012345678901234567890123456789</ds:X509SerialNumber>"
	"</ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo>";
static const char end[] = "</ds:Signature></sr:Request>";

static void repeat(struct buffer *out, const char *text)
{
	size_t stop = out->length + BYTES;

	while (out->length < stop)
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
	size_t stop = out->length + BYTES;

	while (out->length < stop)
		nest(out, 250);
}

static void too_deep(struct buffer *out)
{
	nest(out, BYTES / 7);
}

/* Tags of 60 attributes: `before`, a number, `behind`. */
static void many(struct buffer *out, const char *tag, const char *before, const char *behind)
{
	size_t stop = out->length + BYTES;

	while (out->length < stop) {
		buffer_text(out, tag);
		for (unsigned number = 0; number < 60; number++)
			buffer_print(out, "%s%02u%s", before, (number * 37) % 60, behind);
		buffer_text(out, "/>");
	}
}

static void attributes(struct buffer *out)
{
	many(out, "<a", " attribute-", "=\"\"");
}

static void short_attributes(struct buffer *out)
{
	size_t stop = out->length + BYTES;

	while (out->length < stop) {
		buffer_text(out, "<a");
		for (char name = 'z'; name >= 'a'; name--)
			buffer_print(out, " %c=\"\"", name);
		buffer_text(out, "/>");
	}
}

/* All with the same beginning and end: some hashes look no further. */
static void like_attributes(struct buffer *out)
{
	many(out, "<a", " beginning", "behind-it=\"\"");
}

static void prefixed_attributes(struct buffer *out)
{
	many(out, "<a xmlns:p=\"urn:p\"", " p:attribute-", "=\"\"");
}

static void too_many_attributes(struct buffer *out)
{
	buffer_text(out, "<a");
	for (unsigned number = 0; number < BYTES / 10; number++)
		buffer_print(out, " b%u=\"\"", number);
	buffer_text(out, "/>");
}

static void identifiers(struct buffer *out)
{
	buffer_text(out, "</ds:Object>");
	for (unsigned number = 0; number < 2000; number++) {
		buffer_print(out, "<ds:Object Id=\"identifier%04u", number);
		for (unsigned part = 0; part < BYTES / 2000 / 16; part++)
			buffer_text(out, "is-followed-by--");
		buffer_text(out, "\"/>");
	}
	buffer_text(out, "<ds:Object>");
}

static void long_attribute(struct buffer *out)
{
	buffer_text(out, "<a b=\"");
	repeat(out, " &lt;\t\n");
	buffer_text(out, "\"/>");
}

static void namespaces(struct buffer *out)
{
	size_t stop = out->length + BYTES;

	while (out->length < stop) {
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

/* One attack a line: the text that is repeated. */
#define REPEATED(name, text)                                                                       \
	static void name(struct buffer *out)                                                       \
	{                                                                                          \
		repeat(out, text);                                                                 \
	}
REPEATED(references, "&amp;")
REPEATED(short_references, "&lt;")
REPEATED(numbers, "&#x0000000000041;")
REPEATED(comments, "<!---->")
REPEATED(instructions, "<?a?>")
REPEATED(crooked_instructions, "<?a \r?>")
REPEATED(sections, "<![CDATA[]]]]>")
REPEATED(empty_elements, "<a/>")
REPEATED(pairs, "<a></a>")
REPEATED(texts, "x<a/>")
REPEATED(known_elements, "<ds:KeyName/>")
REPEATED(own_elements, "<sr:Body/>")
REPEATED(declaring_elements, "<a xmlns=\"u:\"/>")
REPEATED(brackets, "]] > ]]")
REPEATED(wide_characters, "\xf0\x9f\x98\x80\xe2\x82\xac\xc3\xa9")
REPEATED(wide_names, "<\xc3\xa9/>")
REPEATED(line_ends, "\r\n \t")
REPEATED(returns, "\r")
REPEATED(locations, " &lt;\t\n")

static void quotes(struct buffer *out)
{
	repeat(out, "\"");
}

static void long_comment(struct buffer *out)
{
	buffer_text(out, "<!--");
	repeat(out, " - a > b <c ]]> ");
	buffer_text(out, "-->");
}

/* The cheapest constructs in an order that no branch predictor knows. */
static void mixture(struct buffer *out)
{
	static const char *const parts[8] = {
		"\r", "\n", " ", "\r\n", "<?a?>", "<!---->", "\t", "<?b c?>"};
	size_t stop = out->length + BYTES;
	uint64_t state = 1;

	while (out->length < stop) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		buffer_text(out, parts[state >> 61]);
	}
}

const struct hostile hostile_documents[] = {
	{"hostile-deep", "250 levels, again and again", HOSTILE_IN_OBJECT, deep, false, false},
	{"hostile-too-deep", "150,000 levels", HOSTILE_IN_OBJECT, too_deep, true, false},
	{"hostile-attributes", "60 attributes an element", HOSTILE_IN_OBJECT, attributes, false,
		false},
	{"hostile-short-attrs", "26 attributes of five bytes an element", HOSTILE_IN_OBJECT,
		short_attributes, false, false},
	{"hostile-like-attrs", "attributes that differ in the middle", HOSTILE_IN_OBJECT,
		like_attributes, false, false},
	{"hostile-prefixed", "60 attributes with prefixes", HOSTILE_IN_OBJECT, prefixed_attributes,
		false, false},
	{"hostile-many-attrs", "100,000 attributes in one tag", HOSTILE_IN_OBJECT,
		too_many_attributes, true, false},
	{"hostile-long-attr", "one attribute, all of it to be normalised", HOSTILE_IN_OBJECT,
		long_attribute, false, false},
	{"hostile-locations", "the same in a tag that is digested", HOSTILE_IN_ATTRIBUTE, locations,
		false, false},
	{"hostile-quotes", "an attribute of quotes: six bytes to be hashed for one",
		HOSTILE_IN_ATTRIBUTE, quotes, false, true},
	{"hostile-identifiers", "2,000 identifiers that differ in the middle", HOSTILE_IN_OBJECT,
		identifiers, false, false},
	{"hostile-namespaces", "60 namespaces an element", HOSTILE_IN_OBJECT, namespaces, false,
		false},
	{"hostile-lookups", "prefixes of 60 namespaces", HOSTILE_IN_OBJECT, lookups, false, false},
	{"hostile-entities", "entity references", HOSTILE_IN_OBJECT, references, false, false},
	{"hostile-short-refs", "entity references of four bytes", HOSTILE_IN_OBJECT,
		short_references, false, false},
	{"hostile-numbers", "character references with zeros", HOSTILE_IN_OBJECT, numbers, false,
		false},
	{"hostile-long-names", "names of 64 KB", HOSTILE_IN_OBJECT, long_names, false, false},
	{"hostile-wide-names", "names beyond ASCII", HOSTILE_IN_OBJECT, wide_names, false, false},
	{"hostile-comments", "empty comments", HOSTILE_IN_OBJECT, comments, false, false},
	{"hostile-long-comment", "one comment with near ends", HOSTILE_IN_OBJECT, long_comment,
		false, false},
	{"hostile-body-comments", "empty comments where they are digested", HOSTILE_IN_BODY,
		comments, false, false},
	{"hostile-value-comments", "empty comments in a value", HOSTILE_IN_VALUE, comments, false,
		false},
	{"hostile-instructions", "instructions", HOSTILE_IN_OBJECT, instructions, false, false},
	{"hostile-body-instr", "instructions where they are digested", HOSTILE_IN_BODY,
		instructions, false, false},
	{"hostile-crooked-instr", "instructions to be written another way", HOSTILE_IN_BODY,
		crooked_instructions, false, true},
	{"hostile-sections", "CDATA sections of two brackets", HOSTILE_IN_OBJECT, sections, false,
		false},
	{"hostile-elements", "empty elements", HOSTILE_IN_OBJECT, empty_elements, false, false},
	{"hostile-pairs", "elements without content", HOSTILE_IN_OBJECT, pairs, false, false},
	{"hostile-texts", "elements with a character between", HOSTILE_IN_OBJECT, texts, false,
		false},
	{"hostile-known", "elements that the schema knows", HOSTILE_IN_OBJECT, known_elements,
		false, true},
	{"hostile-own", "elements of DUIS where they do not belong", HOSTILE_IN_KEY_INFO,
		own_elements, false, true},
	{"hostile-declaring", "elements that declare a namespace", HOSTILE_IN_OBJECT,
		declaring_elements, false, true},
	{"hostile-behind-error", "empty elements behind an error", HOSTILE_BEHIND_ERROR,
		empty_elements, true, false},
	{"hostile-brackets", "text of brackets", HOSTILE_IN_OBJECT, brackets, false, false},
	{"hostile-characters", "characters of two to four bytes", HOSTILE_IN_OBJECT,
		wide_characters, false, false},
	{"hostile-white-space", "line ends to be normalised", HOSTILE_IN_OBJECT, line_ends, false,
		false},
	{"hostile-body-lines", "the same where they are digested", HOSTILE_IN_BODY, line_ends,
		false, false},
	{"hostile-body-returns", "CR alone where it is digested", HOSTILE_IN_BODY, returns, false,
		false},
	{"hostile-mixture", "short constructs in random order, digested", HOSTILE_IN_BODY, mixture,
		false, true},
};

const size_t hostile_count = sizeof(hostile_documents) / sizeof(hostile_documents[0]);

void hostile_write(const struct hostile *hostile, struct buffer *out)
{
	buffer_clear(out);
	buffer_text(out, root);
	if (hostile->place == HOSTILE_IN_ATTRIBUTE) {
		buffer_text(out, " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
				 " xsi:schemaLocation='");
		hostile->fill(out);
		buffer_text(out, "'");
	}
	buffer_text(out, header);
	if (hostile->place == HOSTILE_IN_VALUE)
		hostile->fill(out);
	buffer_text(out, value);
	if (hostile->place == HOSTILE_BEHIND_ERROR)
		buffer_text(out, "<a>");
	if (hostile->place == HOSTILE_IN_BODY || hostile->place == HOSTILE_BEHIND_ERROR)
		hostile->fill(out);
	if (hostile->place == HOSTILE_BEHIND_ERROR)
		buffer_text(out, "</a>");
	buffer_text(out, signature);
	if (hostile->place == HOSTILE_IN_KEY_INFO)
		hostile->fill(out);
	buffer_text(out, key);
	if (hostile->place == HOSTILE_IN_OBJECT) {
		buffer_text(out, "<ds:Object>");
		hostile->fill(out);
		buffer_text(out, "</ds:Object>");
	}
	buffer_text(out, end);
}
