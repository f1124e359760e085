/* SPDX-License-Identifier: Apache-2.0 */
/* The signature profile and its verification: genuine messages, damage, and what must not pass. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/duis/base64.h"
#include "tests/unit/duis_material.h"

static struct duis_reference_schemas *schemas;
static struct duis_reference_engine *engine;
static struct material_certificate supplier;
static struct bytes good;

static void begin(void)
{
	schemas = material_schemas();
	engine = duis_reference_engine_create(schemas, 1024 * 1024);
	cr_assert(engine != NULL);
	supplier = material_certificate(SUPPLIER);
	good = material_signed(material_request, SUPPLIER);
}

static void end(void)
{
	bytes_free(&good);
	EVP_PKEY_free(supplier.key);
	duis_reference_engine_destroy(engine);
	duis_reference_schemas_destroy(schemas);
}

TestSuite(duis_signature, .init = begin, .fini = end);

static int judge(struct bytes bytes, struct duis_document *document, struct duis_error *error)
{
	int result = duis_reference_engine_read(engine, bytes.data, bytes.length, document, error);

	if (result == 0)
		result = duis_reference_engine_verify(engine, supplier.key, error);
	return result;
}

static void accept(struct bytes bytes)
{
	struct duis_document document;
	struct duis_error error;

	cr_assert_eq(judge(bytes, &document, &error), 0, "%s at %lu: %s",
		duis_error_name(error.code), (unsigned long)error.offset, error.rule);
	bytes_free(&bytes);
}

static void refuse(struct bytes bytes, enum duis_error_code code)
{
	struct duis_document document;
	struct duis_error error;

	cr_assert_eq(judge(bytes, &document, &error), -EBADMSG, "accepted: %s", (char *)bytes.data);
	cr_assert_eq(error.code, code, "%s instead of %s: %s", duis_error_name(error.code),
		duis_error_name(code), error.rule);
	cr_assert(error.offset <= bytes.length);
	bytes_free(&bytes);
}

static struct bytes but(const char *from, const char *to)
{
	return bytes_replaced(&good, from, to);
}

Test(duis_signature, own_signature_verifies)
{
	struct duis_document document;
	struct duis_error error;

	cr_assert_eq(judge(good, &document, &error), 0, "%s", error.rule);
	cr_assert(document.has_signature);
	cr_assert_str_eq(document.issuer, supplier.issuer);
	cr_assert_arr_eq(document.serial, supplier.serial, DUIS_SERIAL_SIZE);
	cr_assert_eq(duis_reference_engine_check_profile(engine, &error), 0);
	cr_assert_eq(material_digested(engine).length, strlen(material_request));
	cr_assert_arr_eq(
		material_digested(engine).data, material_request, strlen(material_request));
}

/* r and s are numbers of any length below 2^256, and 32 octets each in the document. */
Test(duis_signature, short_numbers_are_padded)
{
	static const char open[] = "<ds:SignatureValue>";
	struct duis_signer *signer = material_signer(SUPPLIER);
	unsigned shorter = 0;

	for (unsigned turn = 0; turn < 2000; turn++) {
		struct bytes bytes = {.data = malloc(8192)};
		uint8_t value[64];
		int length;

		memcpy(bytes.data, material_request, strlen(material_request));
		length = duis_signer_sign(signer, bytes.data, strlen(material_request), 8191);
		cr_assert(length > 0);
		bytes.length = (uint32_t)length;
		bytes.data[length] = '\0';
		cr_assert_eq(duis_base64_decode(strstr((char *)bytes.data, open) + strlen(open),
				     DUIS_BASE64_LENGTH(64), value, sizeof(value)),
			64);
		shorter += value[0] == 0 || value[32] == 0;
		accept(bytes);
	}
	/* About sixteen of them; none once in a million runs. */
	cr_assert(shorter > 0);
	duis_signer_destroy(signer);
}

Test(duis_signature, two_signatures_of_one_text_differ)
{
	struct bytes other = material_signed(material_request, SUPPLIER);

	cr_assert_eq(other.length, good.length);
	cr_assert(memcmp(other.data, good.data, good.length) != 0);
	accept(other);
}

/* Responses made by DCC Boxed, with unused namespace declarations on the root and base64 broken by
 * "&#13;". */
Test(duis_signature, genuine_messages)
{
	struct bytes signed_one = material_file(material_path("messages", "message.xml"));
	struct bytes unsigned_one = material_file(material_path("messages", "message2.xml"));
	struct material_certificate broker = material_certificate(ACCESS_CONTROL_BROKER);
	struct duis_document document;
	struct duis_error error;

	cr_assert_eq(duis_reference_engine_read(
			     engine, signed_one.data, signed_one.length, &document, &error),
		0);
	cr_assert_eq(duis_reference_engine_verify(engine, broker.key, &error), 0, "%s", error.rule);
	cr_assert_str_eq(document.issuer, broker.issuer);
	cr_assert_arr_eq(document.serial, broker.serial, DUIS_SERIAL_SIZE);
	cr_assert_eq(duis_reference_engine_verify(engine, supplier.key, &error), -EBADMSG);
	cr_assert_eq(error.code, DUIS_ERROR_SIGNATURE_MISMATCH);
	cr_assert_eq(duis_reference_engine_verify(engine, broker.key, &error), 0);

	cr_assert_eq(duis_reference_engine_read(
			     engine, unsigned_one.data, unsigned_one.length, &document, &error),
		0);
	cr_assert(!document.has_signature);
	cr_assert_eq(duis_reference_engine_verify(engine, broker.key, &error), -EBADMSG);
	cr_assert_eq(error.code, DUIS_ERROR_SIGNATURE_MISSING);
	EVP_PKEY_free(broker.key);
	bytes_free(&signed_one);
	bytes_free(&unsigned_one);
}

/* No octet of a signed message can change unnoticed: every change is refused, or touches nothing of
 * what was digested and described. */
static void flip_every_byte(struct bytes message, EVP_PKEY *key)
{
	static const uint8_t masks[] = {0x01, 0x04, 0x20, 0x80};
	struct duis_document original;
	struct duis_error error;
	struct bytes digested;
	unsigned accepted = 0;

	cr_assert_eq(
		duis_reference_engine_read(engine, message.data, message.length, &original, &error),
		0);
	cr_assert_eq(duis_reference_engine_verify(engine, key, &error), 0);
	digested = material_digested(engine);
	digested.data = memcpy(malloc(digested.length), digested.data, digested.length);
	for (uint32_t at = 0; at < message.length; at++) {
		for (size_t which = 0; which < sizeof(masks); which++) {
			struct duis_document document;
			int result;

			message.data[at] ^= masks[which];
			result = duis_reference_engine_read(
				engine, message.data, message.length, &document, &error);
			if (result == 0)
				result = duis_reference_engine_verify(engine, key, &error);
			message.data[at] ^= masks[which];
			if (result == -EBADMSG)
				continue;
			cr_assert_eq(result, 0);
			accepted++;
			cr_assert_eq(material_digested(engine).length, digested.length);
			cr_assert_arr_eq(
				material_digested(engine).data, digested.data, digested.length);
			cr_assert_eq(document.request_id.counter, original.request_id.counter);
			cr_assert_str_eq(document.body_element, original.body_element);
		}
	}
	/* The text of KeyInfo is not covered by the signature, nor is a blank in base64. */
	cr_assert(accepted < 400, "%u changes were accepted", accepted);
	free(digested.data);
}

Test(duis_signature, every_byte_of_a_request_flipped)
{
	flip_every_byte(good, supplier.key);
}

Test(duis_signature, every_byte_of_a_genuine_response_flipped)
{
	struct bytes message = material_file(material_path("messages", "message.xml"));
	struct material_certificate broker = material_certificate(ACCESS_CONTROL_BROKER);

	flip_every_byte(message, broker.key);
	EVP_PKEY_free(broker.key);
	bytes_free(&message);
}

/* What the signature does not see may differ. */
Test(duis_signature, equivalent_spellings)
{
	accept(but("<sr:Request ", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sr:Request "));
	accept(but("<sr:Request ", "\xef\xbb\xbf<sr:Request "));
	accept(but("<sr:CommandVariant>1<", "<sr:CommandVariant><![CDATA[1]]><"));
	accept(but("<sr:CommandVariant>1<", "<sr:CommandVariant>&#x31;<"));
	accept(but("<sr:CommandVariant>1<", "<sr:CommandVariant><!-- no -->1<"));
	accept(but("<sr:Body>", "<sr:Body >"));
	accept(but("</sr:Request>", "<!-- behind --></sr:Request>"));
	accept(but("</sr:Request>", "</sr:Request>\n"));
	accept(but("schemaVersion=\"5.1\"", "schemaVersion = '5.1'"));
	accept(but("</ds:CanonicalizationMethod>", "<!-- x --></ds:CanonicalizationMethod>"));
	accept(but("<ds:SignatureValue>", "<ds:SignatureValue>\n&#13; "));
	accept(but("==</ds:SignatureValue>", "= =\t</ds:SignatureValue>"));
	accept(but("CN=Z1,OU=07", "cn = z1 , OU=07"));
	accept(but("<ds:KeyInfo>", "<ds:KeyInfo>\n"));
	accept(but("<ds:Signature xmlns:ds=", "<ds:Signature xmlns:un=\"urn:unused\" xmlns:ds="));
	accept(but("<ds:X509SerialNumber>", "<ds:X509SerialNumber>\n +00"));
}

/* White space between the elements is content like any other. */
Test(duis_signature, insignificant_to_others_only)
{
	refuse(but("<sr:Body>", "<sr:Body> "), DUIS_ERROR_DIGEST_MISMATCH);
	refuse(but("</sr:Request>", " </sr:Request>"), DUIS_ERROR_DIGEST_MISMATCH);
	refuse(but("<ds:Signature ", "\n<ds:Signature "), DUIS_ERROR_DIGEST_MISMATCH);
	refuse(but(" schemaVersion=", " xmlns:un=\"urn:unused\" schemaVersion="),
		DUIS_ERROR_DIGEST_MISMATCH);
	refuse(but("\"5.1\"", "\"5.10\""), DUIS_ERROR_DIGEST_MISMATCH);
	refuse(but("<sr:CommandVariant>1", "<sr:CommandVariant>+1"), DUIS_ERROR_DIGEST_MISMATCH);
	refuse(but("<sr:CommandVariant>1", "<sr:CommandVariant>1<?x?>"),
		DUIS_ERROR_DIGEST_MISMATCH);
	refuse(but("<ds:SignedInfo>", "<ds:SignedInfo>\n"), DUIS_ERROR_SIGNATURE_MISMATCH);
	refuse(but("<ds:DigestValue>", "<ds:DigestValue> "), DUIS_ERROR_SIGNATURE_MISMATCH);
}

Test(duis_signature, place)
{
	char *text = strdup((char *)good.data);
	char *signature = strstr(text, "<ds:Signature ");
	char *nested = NULL;
	size_t length = strlen(signature) - strlen("</sr:Request>");

	cr_assert(asprintf(&nested, "<ds:Object>%.*s</ds:Object></ds:Signature>", (int)length,
			  signature) > 0);
	/* One inside of an object of the other. */
	refuse(but("</ds:Signature>", nested), DUIS_ERROR_SIGNATURE_PLACE);
	free(nested);
	/* Two side by side: not what the schema allows either. */
	cr_assert(asprintf(&nested, "</ds:Signature>%.*s", (int)length, signature) > 0);
	refuse(but("</ds:Signature>", nested), DUIS_ERROR_SCHEMA);
	free(nested);
	/* At the front, with the rest behind it. */
	cr_assert(asprintf(&nested, "%.*s<sr:Header>", (int)length, signature) > 0);
	strcpy(signature, "</sr:Request>");
	refuse(replaced(text, "<sr:Header>", nested), DUIS_ERROR_SCHEMA);
	free(nested);
	free(text);
	refuse(but("</sr:Request>", "<?x?></sr:Request>"), DUIS_ERROR_SIGNATURE_PLACE);
	refuse(but("<ds:Signature ", "<ds:Signature Id=\"x\" "), DUIS_ERROR_SIGNATURE_REFERENCE);
}

#define C14N "\"http://www.w3.org/2001/10/xml-exc-c14n#\""
#define SHA256 "\"http://www.w3.org/2001/04/xmlenc#sha256\""

Test(duis_signature, algorithms)
{
	static const char *const pairs[][2] = {
		{C14N, "\"http://www.w3.org/2001/10/xml-exc-c14n#WithComments\""},
		{C14N, "\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\""},
		{C14N, "\" http://www.w3.org/2001/10/xml-exc-c14n#\""},
		{C14N, C14N " Id=\"x\""},
		{"</ds:CanonicalizationMethod>", "text</ds:CanonicalizationMethod>"},
		{"</ds:CanonicalizationMethod>",
			"<e:InclusiveNamespaces "
			"xmlns:e=\"http://www.w3.org/2001/10/xml-exc-c14n#\" "
			"PrefixList=\"sr\"/></ds:CanonicalizationMethod>"},
		{"#ecdsa-sha256\"", "#ecdsa-sha1\""},
		{"#ecdsa-sha256\"", "#hmac-sha256\""},
		{"#ecdsa-sha256\"", "#ECDSA-SHA256\""},
		{"</ds:SignatureMethod>",
			"<ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"},
		{SHA256, "\"http://www.w3.org/2000/09/xmldsig#sha1\""},
		{SHA256, "\"http://www.w3.org/2001/04/xmlenc#sha512\""},
		{"</ds:DigestMethod>", "<x xmlns=\"urn:x\"/></ds:DigestMethod>"},
	};

	for (size_t index = 0; index < sizeof(pairs) / sizeof(pairs[0]); index++) {
		struct bytes bytes = but(pairs[index][0], pairs[index][1]);
		struct duis_document document;
		struct duis_error error;

		cr_assert_eq(judge(bytes, &document, &error), -EBADMSG);
		/* Attributes and elements that the schema does not know it refuses itself. */
		cr_assert_eq(error.code,
			index == 3 || index == 5 ? DUIS_ERROR_SCHEMA
						 : DUIS_ERROR_SIGNATURE_ALGORITHM,
			"case %zu: %s", index, error.rule);
		bytes_free(&bytes);
	}
	/* Something that XML Schema lets stand on any element. */
	refuse(but(C14N, C14N " xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" "
			      "i:schemaLocation=\"urn:x x.xsd\""),
		DUIS_ERROR_SIGNATURE_ALGORITHM);
}

Test(duis_signature, references)
{
	static const char second[] =
		"<ds:Reference URI=\"#x\"><ds:DigestMethod Algorithm=" SHA256
		"/><ds:DigestValue>AA==</ds:DigestValue></ds:Reference></ds:SignedInfo>";

	refuse(but("<ds:Reference URI=\"\">", "<ds:Reference>"), DUIS_ERROR_SIGNATURE_REFERENCE);
	refuse(but("<ds:Reference URI=\"\">", "<ds:Reference URI=\" \">"),
		DUIS_ERROR_SIGNATURE_REFERENCE);
	refuse(but("<ds:Reference URI=\"\">", "<ds:Reference URI=\"#x\">"),
		DUIS_ERROR_SIGNATURE_REFERENCE);
	refuse(but("<ds:Reference URI=\"\">", "<ds:Reference URI=\"http://127.0.0.1:1/\">"),
		DUIS_ERROR_SIGNATURE_REFERENCE);
	refuse(but("<ds:Reference URI=\"\">", "<ds:Reference URI=\"\" Id=\"x\">"),
		DUIS_ERROR_SIGNATURE_REFERENCE);
	refuse(but("<ds:Reference URI=\"\">", "<ds:Reference URI=\"\" Type=\"urn:x\">"),
		DUIS_ERROR_SIGNATURE_REFERENCE);
	refuse(but("<ds:SignedInfo>", "<ds:SignedInfo Id=\"x\">"), DUIS_ERROR_SIGNATURE_REFERENCE);
	refuse(but("</ds:SignedInfo>", second), DUIS_ERROR_SIGNATURE_REFERENCE);
	refuse(but("<ds:DigestValue>", "<ds:DigestValue>AAAA"), DUIS_ERROR_DIGEST_MISMATCH);
}

#define ENVELOPED                                                                                  \
	"<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\">"

Test(duis_signature, transforms)
{
	static const char c14n[] =
		"</ds:Transform><ds:Transform Algorithm=" C14N "></ds:Transform></ds:Transforms>";

	refuse(but("</ds:Transform></ds:Transforms>", c14n), DUIS_ERROR_SIGNATURE_TRANSFORM);
	refuse(but(ENVELOPED, "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/"
			      "REC-xpath-19991116\"><ds:XPath>1</ds:XPath>"),
		DUIS_ERROR_SIGNATURE_TRANSFORM);
	refuse(but(ENVELOPED, ENVELOPED "<ds:XPath>not(ancestor-or-self::x)</ds:XPath>"),
		DUIS_ERROR_SIGNATURE_TRANSFORM);
	refuse(but(ENVELOPED, ENVELOPED "text"), DUIS_ERROR_SIGNATURE_TRANSFORM);
	refuse(but("<ds:Transforms>" ENVELOPED "</ds:Transform></ds:Transforms>", ""),
		DUIS_ERROR_SIGNATURE_TRANSFORM);
}

Test(duis_signature, objects)
{
	refuse(but("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"), DUIS_ERROR_SIGNATURE_OBJECT);
	refuse(but("</ds:KeyInfo>",
		       "</ds:KeyInfo><ds:Object><sr:Body xmlns:sr=\"urn:x\"/></ds:Object>"),
		DUIS_ERROR_SIGNATURE_OBJECT);
	refuse(but("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object><ds:Manifest><ds:Reference URI=\"\">"
				    "<ds:DigestMethod Algorithm=" SHA256
				    "/><ds:DigestValue>AA==</ds:DigestValue>"
				    "</ds:Reference></ds:Manifest></ds:Object>"),
		DUIS_ERROR_SIGNATURE_OBJECT);
}

Test(duis_signature, key_info)
{
	static const char *const pairs[][2] = {
		{"<ds:X509Data>", "<ds:KeyName>x</ds:KeyName><ds:X509Data>"},
		{"</ds:X509Data>", "</ds:X509Data><ds:X509Data><ds:X509SubjectName>CN=x"
				   "</ds:X509SubjectName></ds:X509Data>"},
		{"</ds:X509IssuerSerial>", "</ds:X509IssuerSerial><ds:X509SubjectName>CN=x"
					   "</ds:X509SubjectName>"},
		{"<ds:X509Data>", "text<ds:X509Data>"},
		{"<ds:KeyInfo>", "<ds:KeyInfo Id=\"x\">"},
		{"CN=Z1,OU=07", "Z1"},
		{"CN=Z1,OU=07", ""},
		{"<ds:X509SerialNumber>", "<ds:X509SerialNumber>-"},
		{"<ds:X509SerialNumber>", "<ds:X509SerialNumber>99999999999999"},
	};
	char *key_info = strstr((char *)good.data, "<ds:KeyInfo>");
	char *end_tag = strstr((char *)good.data, "</ds:KeyInfo>");
	char whole[1024];

	for (size_t index = 0; index < sizeof(pairs) / sizeof(pairs[0]); index++)
		refuse(but(pairs[index][0], pairs[index][1]), DUIS_ERROR_SIGNATURE_KEY_INFO);
	snprintf(whole, sizeof(whole), "%.*s</ds:KeyInfo>", (int)(end_tag - key_info), key_info);
	refuse(but(whole, ""), DUIS_ERROR_SIGNATURE_KEY_INFO);
	refuse(but("<ds:X509IssuerSerial>", "<ds:X509SKI>AAAA</ds:X509SKI><ds:X509IssuerSerial>"),
		DUIS_ERROR_SIGNATURE_KEY_INFO);
}

Test(duis_signature, serials_at_the_border)
{
	/* 2^160 - 1 and 2^160. */
	char *number = strstr((char *)good.data, "<ds:X509SerialNumber>");
	char from[128];
	struct duis_document document;
	struct duis_error error;
	struct bytes bytes;

	snprintf(from, sizeof(from), "%.*s", (int)strcspn(number + 1, "<") + 1, number);
	bytes = but(from, "<ds:X509SerialNumber>1461501637330902918203684832716283019655932542975");
	cr_assert_eq(judge(bytes, &document, &error), 0);
	for (size_t index = 0; index < DUIS_SERIAL_SIZE; index++)
		cr_assert_eq(document.serial[index], 0xff);
	bytes_free(&bytes);
	bytes = but(from, "<ds:X509SerialNumber>0");
	cr_assert_eq(judge(bytes, &document, &error), 0);
	for (size_t index = 0; index < DUIS_SERIAL_SIZE; index++)
		cr_assert_eq(document.serial[index], 0);
	bytes_free(&bytes);
	refuse(but(from, "<ds:X509SerialNumber>1461501637330902918203684832716283019655932542976"),
		DUIS_ERROR_SIGNATURE_KEY_INFO);
}

/* The order n of P-256, and values at its borders. */
Test(duis_signature, r_and_s_out_of_range)
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e,
		0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	uint8_t zero[32] = {0};
	uint8_t one[32] = {[31] = 1};
	uint8_t ones[32];
	uint8_t genuine[64];
	const uint8_t *const halves[] = {zero, one, order, ones};
	char *value =
		strstr((char *)good.data, "<ds:SignatureValue>") + strlen("<ds:SignatureValue>");
	char from[89];

	memset(ones, 0xff, sizeof(ones));
	snprintf(from, sizeof(from), "%s", value);
	cr_assert_eq(duis_base64_decode(from, 88, genuine, 64), 64);
	for (size_t which = 0; which < 24; which++) {
		uint8_t both[64];
		char to[89] = "";

		/* Both halves replaced, or one of them. */
		memcpy(both, genuine, 64);
		if (which < 16) {
			memcpy(both, halves[which / 4], 32);
			memcpy(both + 32, halves[which % 4], 32);
		} else {
			memcpy(both + (which & 4 ? 32 : 0), halves[which % 4], 32);
		}
		duis_base64_encode(both, 64, (uint8_t *)to);
		refuse(but(from, to), DUIS_ERROR_SIGNATURE_MISMATCH);
	}
	/* r + n and s + n do not exist in 32 octets, but swapped halves do. */
	memcpy(ones, genuine, 32);
	memmove(genuine, genuine + 32, 32);
	memcpy(genuine + 32, ones, 32);
	duis_base64_encode(genuine, 64, (uint8_t *)from);
	value[88] = '\0';
	{
		char to[89];

		snprintf(to, sizeof(to), "%s", from);
		snprintf(from, sizeof(from), "%s", value);
		value[88] = '<';
		refuse(but(from, to), DUIS_ERROR_SIGNATURE_MISMATCH);
	}
}

Test(duis_signature, value_length)
{
	refuse(but("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"), DUIS_ERROR_SIGNATURE_VALUE);
	refuse(but("<ds:SignatureValue>", "<ds:SignatureValue Id=\"x\">"),
		DUIS_ERROR_SIGNATURE_VALUE);
}

/* A Response may carry the signatures of others in its body; its own one counts. */
Test(duis_signature, signatures_inside_of_a_response)
{
	static const char inner_signature[] =
		"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>"
		"<ds:CanonicalizationMethod Algorithm=\"urn:x\"></ds:CanonicalizationMethod>"
		"<ds:SignatureMethod Algorithm=\"urn:x\"></ds:SignatureMethod><ds:Reference>"
		"<ds:DigestMethod Algorithm=\"urn:x\"></ds:DigestMethod>"
		"<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo>"
		"<ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>";
	char alert[4096];
	struct material_certificate dsp = material_certificate(DSP);
	struct duis_document document;
	struct duis_error error;
	struct bytes bytes;

	snprintf(alert, sizeof(alert),
		"<sr:Response xmlns:sr=\"" SR "\" schemaVersion=\"5.1\"><sr:Header>"
		"<sr:ResponseCode>I0</sr:ResponseCode>"
		"<sr:ResponseDateTime>2026-11-22T12:00:00Z</sr:ResponseDateTime></sr:Header>"
		"<sr:Body><sr:SMETS1ResponseMessage>"
		"<sr:SMETS1SignedResponse schemaVersion=\"5.1\"><sr:SMETS1Response>"
		"<sr:Header xmlns:ra=\"http://www.dccinterface.co.uk/ResponseAndAlert\">"
		"<ra:BusinessOriginatorID>00-DB-12-34-56-78-90-A0</ra:BusinessOriginatorID>"
		"<ra:BusinessTargetID>90-B3-D5-1F-30-01-00-00</ra:BusinessTargetID>"
		"<ra:OriginatorCounter>1</ra:OriginatorCounter></sr:Header>"
		"<sr:Body><sr:ResponseMessage></sr:ResponseMessage></sr:Body>"
		"</sr:SMETS1Response>%s</sr:SMETS1SignedResponse>"
		"</sr:SMETS1ResponseMessage></sr:Body></sr:Response>",
		inner_signature);
	bytes = material_signed(alert, DSP);
	cr_assert_eq(
		duis_reference_engine_read(engine, bytes.data, bytes.length, &document, &error), 0,
		"%s: %s", error.path, error.rule);
	cr_assert(document.has_signature);
	cr_assert_eq(duis_reference_engine_verify(engine, dsp.key, &error), 0, "%s", error.rule);
	bytes_free(&bytes);
	/* Without its own one, it has none. */
	cr_assert_eq(duis_reference_engine_read(
			     engine, (uint8_t *)alert, (uint32_t)strlen(alert), &document, &error),
		0);
	cr_assert(!document.has_signature);
	cr_assert_eq(duis_reference_engine_check_profile(engine, &error), -EBADMSG);
	cr_assert_eq(error.code, DUIS_ERROR_SIGNATURE_MISSING);
	EVP_PKEY_free(dsp.key);
}
