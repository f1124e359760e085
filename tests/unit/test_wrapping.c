/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forged and changed signatures: nothing outside of the digested bytes is ever used. Each row
 * starts from one small request, changes it, signs it with a key of our own by libxml2 and OpenSSL,
 * changes it again, and says what must come of it. The first change is what a holder of a key might
 * do to sign less than it seems, the second one what anybody can do to a signed document.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differential/engines.h"
#include "tests/differential/oracle.h"
#include "tests/differential/signing.h"

#define DUIS "http://www.dccinterface.co.uk/ServiceUserGateway"

static const char request[] =
	"<sr:Request xmlns:sr=\"" DUIS "\" schemaVersion=\"5.1\"><sr:Header><sr:RequestID>"
	"90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:12</sr:RequestID>"
	"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2</sr:ServiceReference>"
	"<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
	"<sr:ReadInventory><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID></sr:ReadInventory>"
	"</sr:Body></sr:Request>";

#define TRANSFORM                                                                                  \
	"<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>"
#define ALGORITHM "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
#define DIGEST "http://www.w3.org/2001/04/xmlenc#sha256"
#define ISSUER_SERIAL                                                                              \
	"<ds:X509IssuerSerial><ds:X509IssuerName>CN=a</ds:X509IssuerName>"                         \
	"<ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial>"
#define HIDDEN "<ds:Object><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID></ds:Object>"
#define REFERENCE                                                                                  \
	"<ds:Reference URI=\"\"><ds:DigestMethod Algorithm=\"" DIGEST                              \
	"\"/><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>"

struct row {
	const char *name;
	const char *from; /* before it is signed */
	const char *to;
	const char *then; /* afterwards */
	const char *becomes;
	enum duis_error_code verdict;
};

static const struct row rows[] = {
	{"as signed", NULL, NULL, NULL, NULL, DUIS_OK},
	/* the content */
	{"a value changed", NULL, NULL, "90-A2</", "90-A3</", DUIS_ERROR_DIGEST_MISMATCH},
	{"the originator changed", NULL, NULL,
		"30-01-00-00:", "30-02-00-00:", DUIS_ERROR_DIGEST_MISMATCH},
	{"white space between elements", NULL, NULL, "<sr:Body>", "\n<sr:Body>",
		DUIS_ERROR_DIGEST_MISMATCH},
	{"white space behind the signature", NULL, NULL, "</sr:Request>", "\n</sr:Request>",
		DUIS_ERROR_DIGEST_MISMATCH},
	{"an unused namespace on the root", NULL, NULL, " schemaVersion",
		" xmlns:u=\"urn:u\" schemaVersion", DUIS_ERROR_DIGEST_MISMATCH},
	{"the version in another form", NULL, NULL, "\"5.1\"", "\"5.10\"",
		DUIS_ERROR_DIGEST_MISMATCH},
	{"an instruction in the body", NULL, NULL, "<sr:Body>", "<sr:Body><?p?>",
		DUIS_ERROR_DIGEST_MISMATCH},
	{"an instruction before the root", NULL, NULL, "<sr:Request", "<?p?><sr:Request",
		DUIS_ERROR_DIGEST_MISMATCH},
	{"an instruction behind the root", NULL, NULL, "</sr:Request>", "</sr:Request><?p?>",
		DUIS_ERROR_DIGEST_MISMATCH},
	{"a schema location on the root", NULL, NULL, " schemaVersion",
		" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:schemaLocation=\"a b\" "
		"schemaVersion",
		DUIS_ERROR_DIGEST_MISMATCH},
	/* what canonical XML makes equal */
	{"a comment in a value", NULL, NULL, ":12</", ":1<!-- 3 -->2</", DUIS_OK},
	{"a CDATA section in a value", NULL, NULL, ":12</", ":1<![CDATA[2]]></", DUIS_OK},
	{"a reference in a value", NULL, NULL, ":12</", ":&#49;2</", DUIS_OK},
	{"a comment before the root", NULL, NULL, "<sr:Request", "<!-- c --><sr:Request", DUIS_OK},
	{"a comment behind the root", NULL, NULL, "</sr:Request>", "</sr:Request><!-- c -->",
		DUIS_OK},
	{"a comment in SignedInfo", NULL, NULL, "<ds:SignedInfo>", "<ds:SignedInfo><!-- c -->",
		DUIS_OK},
	{"another quote", NULL, NULL, "\"5.1\"", "'5.1'", DUIS_OK},
	{"blanks in a tag", NULL, NULL, "<sr:Body>", "<sr:Body\n >", DUIS_OK},
	{"an empty element written out", NULL, NULL, "\"/><ds:Reference",
		"\"></ds:SignatureMethod><ds:Reference", DUIS_OK},
	{"a declaration", NULL, NULL, "<sr:Request", "<?xml version=\"1.0\"?><sr:Request", DUIS_OK},
	{"an unused namespace on Signature", NULL, NULL, "<ds:Signature ",
		"<ds:Signature xmlns:u=\"urn:u\" ", DUIS_OK},
	{"white space in KeyInfo", NULL, NULL, "<ds:KeyInfo>", "<ds:KeyInfo>\n", DUIS_OK},
	/* what is wrapped or hidden */
	{"an Object behind KeyInfo", NULL, NULL, "</ds:KeyInfo>", "</ds:KeyInfo>" HIDDEN,
		DUIS_ERROR_SIGNATURE_OBJECT},
	{"an Object that was signed", "</ds:KeyInfo>", "</ds:KeyInfo>" HIDDEN, NULL, NULL,
		DUIS_ERROR_SIGNATURE_OBJECT},
	{"the signed content in an Object, the root forged", "</ds:KeyInfo>",
		"</ds:KeyInfo><ds:Object Id=\"o\"><sr:DeviceID>1</sr:DeviceID></ds:Object>",
		"90-A2</sr:DeviceID></sr:ReadInventory>", "90-A3</sr:DeviceID></sr:ReadInventory>",
		DUIS_ERROR_SIGNATURE_OBJECT},
	{"a Manifest", "</ds:KeyInfo>",
		"</ds:KeyInfo><ds:Object><ds:Manifest>" REFERENCE "</ds:Manifest></ds:Object>",
		NULL, NULL, DUIS_ERROR_SIGNATURE_OBJECT},
	{"a reference to an Id", "URI=\"\"", "URI=\"#o\"", NULL, NULL,
		DUIS_ERROR_SIGNATURE_REFERENCE},
	{"a reference by XPointer", "URI=\"\"", "URI=\"#xpointer(/)\"", NULL, NULL,
		DUIS_ERROR_SIGNATURE_REFERENCE},
	{"a reference to elsewhere", "URI=\"\"", "URI=\"http://example.org/\"", NULL, NULL,
		DUIS_ERROR_SIGNATURE_REFERENCE},
	{"a reference without URI", " URI=\"\"", "", NULL, NULL, DUIS_ERROR_SIGNATURE_REFERENCE},
	{"a reference with Id", "URI=\"\"", "URI=\"\" Id=\"r\"", NULL, NULL,
		DUIS_ERROR_SIGNATURE_REFERENCE},
	{"a reference with Type", "URI=\"\"",
		"URI=\"\" Type=\"http://www.w3.org/2000/09/xmldsig#Object\"", NULL, NULL,
		DUIS_ERROR_SIGNATURE_REFERENCE},
	{"a second reference", "</ds:Reference>", "</ds:Reference>" REFERENCE, NULL, NULL,
		DUIS_ERROR_SIGNATURE_REFERENCE},
	{"no transform", "<ds:Transforms>" TRANSFORM "</ds:Transforms>", "", NULL, NULL,
		DUIS_ERROR_SIGNATURE_TRANSFORM},
	{"a second transform", TRANSFORM,
		TRANSFORM "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
		NULL, NULL, DUIS_ERROR_SIGNATURE_TRANSFORM},
	{"a transform that drops the body", TRANSFORM,
		"<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">"
		"<ds:XPath>not(ancestor-or-self::Body)</ds:XPath></ds:Transform>",
		NULL, NULL, DUIS_ERROR_SIGNATURE_TRANSFORM},
	{"the enveloped transform with content", TRANSFORM,
		"<ds:Transform "
		"Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\">x"
		"</ds:Transform>",
		NULL, NULL, DUIS_ERROR_SIGNATURE_TRANSFORM},
	{"two signatures", NULL, NULL, "</sr:Request>",
		"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/></sr:Request>",
		DUIS_ERROR_SCHEMA},
	{"the signature in the body", NULL, NULL, "</sr:Body>",
		"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/></sr:Body>",
		DUIS_ERROR_SCHEMA},
	{"a Signature with Id", "<ds:Signature ", "<ds:Signature Id=\"s\" ", NULL, NULL,
		DUIS_ERROR_SIGNATURE_REFERENCE},
	{"a SignedInfo with Id", "<ds:SignedInfo>", "<ds:SignedInfo Id=\"s\">", NULL, NULL,
		DUIS_ERROR_SIGNATURE_REFERENCE},
	/* algorithms */
	{"inclusive canonicalisation", "http://www.w3.org/2001/10/xml-exc-c14n#\"",
		"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"", NULL, NULL,
		DUIS_ERROR_SIGNATURE_ALGORITHM},
	{"canonicalisation with comments", "xml-exc-c14n#\"", "xml-exc-c14n#WithComments\"", NULL,
		NULL, DUIS_ERROR_SIGNATURE_ALGORITHM},
	{"a list of prefixes", "xml-exc-c14n#\"/>",
		"xml-exc-c14n#\"><x xmlns=\"urn:x\"/></ds:CanonicalizationMethod>", NULL, NULL,
		DUIS_ERROR_SCHEMA},
	{"an HMAC", ALGORITHM, "http://www.w3.org/2000/09/xmldsig#hmac-sha1", NULL, NULL,
		DUIS_ERROR_SIGNATURE_ALGORITHM},
	{"another hash of the signature", ALGORITHM,
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", NULL, NULL,
		DUIS_ERROR_SIGNATURE_ALGORITHM},
	{"a truncated signature", ALGORITHM "\"/>",
		ALGORITHM "\"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>",
		NULL, NULL, DUIS_ERROR_SIGNATURE_ALGORITHM},
	{"another digest", DIGEST, "http://www.w3.org/2000/09/xmldsig#sha1", NULL, NULL,
		DUIS_ERROR_SIGNATURE_ALGORITHM},
	{"an algorithm with a blank behind", DIGEST "\"", DIGEST " \"", NULL, NULL,
		DUIS_ERROR_SIGNATURE_ALGORITHM},
	{"an instruction in an algorithm", ALGORITHM "\"/>",
		ALGORITHM "\"><?p?></ds:SignatureMethod>", NULL, NULL,
		DUIS_ERROR_SIGNATURE_ALGORITHM},
	{"an instruction in the transform", TRANSFORM,
		"<ds:Transform "
		"Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"><?p?>"
		"</ds:Transform>",
		NULL, NULL, DUIS_ERROR_SIGNATURE_TRANSFORM},
	{"white space and a comment in an algorithm", ALGORITHM "\"/>",
		ALGORITHM "\"> <!-- c -->\n</ds:SignatureMethod>", NULL, NULL, DUIS_OK},
	{"a comment in the digest", NULL, NULL, "<ds:DigestValue>", "<ds:DigestValue><!-- c -->",
		DUIS_OK},
	/* keys */
	{"an instruction and a comment in KeyInfo", NULL, NULL, "<ds:KeyInfo>",
		"<ds:KeyInfo><?p?><!-- c -->", DUIS_OK},
	{"a certificate in KeyInfo", "<ds:X509Data>",
		"<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></"
		"ds:X509Data><ds:X509Data>",
		NULL, NULL, DUIS_ERROR_SIGNATURE_KEY_INFO},
	{"a key value in KeyInfo", "<ds:KeyInfo>",
		"<ds:KeyInfo><ds:KeyValue><x xmlns=\"urn:x\"/></ds:KeyValue>", NULL, NULL,
		DUIS_ERROR_SIGNATURE_KEY_INFO},
	{"two issuers in KeyInfo", "<ds:X509Data>", "<ds:X509Data>" ISSUER_SERIAL, NULL, NULL,
		DUIS_ERROR_SIGNATURE_KEY_INFO},
	{"a retrieval method", "<ds:KeyInfo>",
		"<ds:KeyInfo><ds:RetrievalMethod URI=\"http://example.org/\"/>", NULL, NULL,
		DUIS_ERROR_SIGNATURE_KEY_INFO},
	{"a negative serial number", SIGNING_SERIAL, "-1", NULL, NULL,
		DUIS_ERROR_SIGNATURE_KEY_INFO},
	{"an enormous serial number", SIGNING_SERIAL,
		"10000000000000000000000000000000000000000000000000", NULL, NULL,
		DUIS_ERROR_SIGNATURE_KEY_INFO},
	/* values */
	{"an instruction in SignedInfo", NULL, NULL, "<ds:SignedInfo>", "<ds:SignedInfo><?p?>",
		DUIS_ERROR_SIGNATURE_MISMATCH},
	{"white space in SignedInfo", NULL, NULL, "<ds:SignedInfo>", "<ds:SignedInfo>\n",
		DUIS_ERROR_SIGNATURE_MISMATCH},
};

struct fixture {
	struct oracle *oracle;
	struct signing_key *key;
	struct engine engine;
	unsigned wrong;
};

static void replace(struct buffer *document, const char *from, const char *to, const char *name)
{
	uint8_t *found = memmem(document->bytes, document->length, from, strlen(from));
	size_t at;

	cr_assert(found != NULL, "%s: \"%s\" is not there", name, from);
	at = (size_t)(found - document->bytes);
	buffer_splice(document, at, at + strlen(from), to, strlen(to));
}

/* The request, signed; *row may be NULL. */
static void make(struct fixture *fixture, const struct row *row, struct buffer *document)
{
	buffer_clear(document);
	buffer_text(document, request);
	signing_append(document, "ds");
	if (row != NULL && row->from != NULL)
		replace(document, row->from, row->to, row->name);
	signing_fill(fixture->oracle, fixture->key, document);
	if (row != NULL && row->then != NULL)
		replace(document, row->then, row->becomes, row->name);
}

static enum duis_error_code judge(
	struct fixture *fixture, const struct buffer *document, const struct signing_key *key)
{
	struct engine *engine = &fixture->engine;
	struct duis_document description;
	struct duis_error error = {.code = DUIS_OK};

	if (engine->read(engine->state, document->bytes, (uint32_t)document->length, &description,
		    &error) != 0)
		return error.code;
	if (description.request_id.counter != 12 && error.code == DUIS_OK) {
		struct duis_error later = {.code = DUIS_OK};

		/* Read something else than was signed: then it must not verify. */
		cr_assert(engine->verify(engine->state, signing_key_public(key), &later) != 0);
	}
	if (engine->verify(engine->state, signing_key_public(key), &error) != 0)
		return error.code;
	cr_assert(description.request_id.originator == 0x90b3d51f30010000 &&
			  description.request_id.counter == 12 &&
			  strcmp(description.body_element, "ReadInventory") == 0,
		"what is used is not what was signed");
	return DUIS_OK;
}

static void expect(struct fixture *fixture, const char *name, enum duis_error_code found,
	enum duis_error_code wanted)
{
	if (found == wanted)
		return;
	fixture->wrong++;
	cr_log_error("%s: %s: %s, not %s", fixture->engine.name, name, duis_error_name(found),
		duis_error_name(wanted));
}

/* Replace the content of SignatureValue by base64 of octets. */
static void set_value(struct buffer *document, const uint8_t *octets, size_t count)
{
	uint8_t *begin = memmem(document->bytes, document->length, "<ds:SignatureValue>", 19);
	uint8_t *end = memmem(document->bytes, document->length, "</ds:SignatureValue>", 20);
	struct buffer text = {0};

	buffer_clear(&text);
	signing_base64(&text, octets, count);
	buffer_splice(document, (size_t)(begin + 19 - document->bytes),
		(size_t)(end - document->bytes), text.bytes, text.length);
	buffer_free(&text);
}

/* Values that are no pair of r and s, or not the right one. */
static void check_values(struct fixture *fixture)
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3,
		0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	uint8_t octets[96] = {0};
	struct buffer document = {0};
	static const size_t counts[] = {0, 1, 32, 63, 65, 96};

	make(fixture, NULL, &document);
	for (size_t index = 0; index < sizeof(counts) / sizeof(counts[0]); index++) {
		set_value(&document, octets, counts[index]);
		expect(fixture, "a value of another length",
			judge(fixture, &document, fixture->key), DUIS_ERROR_SIGNATURE_VALUE);
	}
	set_value(&document, octets, 64);
	expect(fixture, "r = s = 0", judge(fixture, &document, fixture->key),
		DUIS_ERROR_SIGNATURE_MISMATCH);
	memcpy(octets, order, 32);
	memcpy(octets + 32, order, 32);
	set_value(&document, octets, 64);
	expect(fixture, "r = s = n", judge(fixture, &document, fixture->key),
		DUIS_ERROR_SIGNATURE_MISMATCH);
	memset(octets, 0xff, 64);
	set_value(&document, octets, 64);
	expect(fixture, "r = s = 2^256 - 1", judge(fixture, &document, fixture->key),
		DUIS_ERROR_SIGNATURE_MISMATCH);
	buffer_free(&document);
}

static void check_keys(struct fixture *fixture)
{
	struct signing_key *other = signing_key_create(1);
	struct buffer document = {0};

	make(fixture, NULL, &document);
	expect(fixture, "another key", judge(fixture, &document, other),
		DUIS_ERROR_SIGNATURE_MISMATCH);
	replace(&document, "<sr:Body>", "<!----><sr:Body>", "comment");
	expect(fixture, "the right key", judge(fixture, &document, fixture->key), DUIS_OK);
	buffer_clear(&document);
	buffer_text(&document, request);
	expect(fixture, "no signature", judge(fixture, &document, fixture->key),
		DUIS_ERROR_SIGNATURE_MISSING);
	buffer_free(&document);
	signing_key_destroy(other);
}

static void check_engine(const char *name)
{
	const char *var = getenv("MOTORWAY_VAR");
	struct fixture fixture = {.wrong = 0};
	struct buffer document = {0};
	char folder[512];

	snprintf(folder, sizeof(folder), "%s/duis/xsd", var != NULL ? var : TEST_ROOT "/var");
	fixture.oracle = oracle_create(folder);
	fixture.key = signing_key_create(0);
	cr_assert(engine_create(&fixture.engine, name, folder));
	for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
		make(&fixture, &rows[index], &document);
		expect(&fixture, rows[index].name, judge(&fixture, &document, fixture.key),
			rows[index].verdict);
	}
	check_values(&fixture);
	check_keys(&fixture);
	buffer_free(&document);
	fixture.engine.destroy(fixture.engine.state);
	signing_key_destroy(fixture.key);
	oracle_destroy(fixture.oracle);
	cr_assert(fixture.wrong == 0, "%u forgeries are judged wrongly", fixture.wrong);
}

Test(wrapping, reference)
{
	check_engine("reference");
}

#ifdef DIFFERENTIAL_FAST
Test(wrapping, fast)
{
	check_engine("fast");
}
#endif
