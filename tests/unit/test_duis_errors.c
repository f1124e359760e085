/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One document for each code of the list in error.h, made by the function break_NAME(). The tests
 * are generated from that list: a new code without its document does not compile.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/duis_material.h"

#define DOCUMENT_BYTES_MAX 65536

/* A document, and the construct in it that is at fault: the offset must lie inside or directly
 * behind it. */
struct broken {
	struct bytes document;
	const char *construct;
	uint32_t document_bytes_max;
};

static struct broken broken(struct bytes document, const char *construct)
{
	struct broken made = {document, construct, DOCUMENT_BYTES_MAX};

	return made;
}

/* Damage a signed request. */
static struct broken signed_but(const char *from, const char *to, const char *construct)
{
	struct bytes good = material_signed(material_request, SUPPLIER);
	struct broken made = broken(bytes_replaced(&good, from, to), construct);

	bytes_free(&good);
	return made;
}

static struct broken break_EMPTY(void)
{
	return broken(bytes_of(""), "");
}

static struct broken break_TOO_LARGE(void)
{
	struct broken made = broken(bytes_of(material_request), "</sr:Request>");

	made.document_bytes_max = made.document.length - 1;
	return made;
}

static struct broken break_ENCODING(void)
{
	return broken(replaced(material_request, "4.6.1", "4.6.\xe9"), "\xe9");
}

static struct broken break_DOCTYPE(void)
{
	static const char doctype[] = "<!DOCTYPE Request [<!ENTITY a \"4.6.1\">]>";
	char text[sizeof(doctype) + 4096];

	snprintf(text, sizeof(text), "%s%s", doctype, material_request);
	return broken(bytes_of(text), doctype);
}

static struct broken break_NOT_WELL_FORMED(void)
{
	return broken(replaced(material_request, "</sr:Header>", "</sr:Headr>"), "</sr:Headr>");
}

static struct broken break_ROOT(void)
{
	/* Valid against the schema, which declares five root elements. */
	return broken(bytes_of("<sr:RequestID xmlns:sr=\"" SR "\" schemaVersion=\"5.1\">"
			       "90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:1"
			       "</sr:RequestID>"),
		"<sr:RequestID xmlns:sr=\"" SR "\" schemaVersion=\"5.1\">");
}

static struct broken break_SCHEMA_VERSION(void)
{
	return broken(replaced(material_request, "\"5.1\"", "\"5.11\""),
		"<sr:Request xmlns:sr=\"" SR "\" schemaVersion=\"5.11\">");
}

static struct broken break_SCHEMA(void)
{
	return broken(replaced(material_request, "<sr:CommandVariant>1<", "<sr:CommandVariant>10<"),
		"<sr:CommandVariant>10</sr:CommandVariant>");
}

static struct broken break_SIGNATURE_MISSING(void)
{
	return broken(bytes_of(material_request), material_request);
}

static struct broken break_SIGNATURE_PLACE(void)
{
	return signed_but("</sr:Request>", "<?behind?></sr:Request>", "<ds:Signature");
}

static struct broken break_SIGNATURE_ALGORITHM(void)
{
	return signed_but("xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256",
		"<ds:SignatureMethod Algorithm="
		"\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\">");
}

static struct broken break_SIGNATURE_REFERENCE(void)
{
	return signed_but("<ds:Reference URI=\"\">", "<ds:Reference URI=\"#x\">",
		"<ds:Reference URI=\"#x\">");
}

static struct broken break_SIGNATURE_TRANSFORM(void)
{
	return signed_but("</ds:Transform></ds:Transforms>",
		"</ds:Transform><ds:Transform Algorithm="
		"\"http://www.w3.org/TR/1999/REC-xpath-19991116\">"
		"<ds:XPath>not(ancestor-or-self::x)</ds:XPath></ds:Transform></ds:Transforms>",
		"<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">");
}

static struct broken break_SIGNATURE_OBJECT(void)
{
	return signed_but("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object>more</ds:Object>",
		"<ds:Object>more</ds:Object>");
}

static struct broken break_SIGNATURE_KEY_INFO(void)
{
	return signed_but(
		"<ds:X509Data>", "<ds:KeyName>supplier</ds:KeyName><ds:X509Data>", "<ds:KeyInfo>");
}

static struct broken break_SIGNATURE_VALUE(void)
{
	/* The last octet of s goes. */
	struct bytes good = material_signed(material_request, SUPPLIER);
	const char *close = strstr((char *)good.data, "==</ds:SignatureValue>");
	char from[32];
	struct broken made;

	cr_assert(close != NULL);
	snprintf(from, sizeof(from), "%.24s", close - 2);
	made = broken(bytes_replaced(&good, from, "</ds:SignatureValue>"), "<ds:SignatureValue>");
	bytes_free(&good);
	return made;
}

static struct broken break_DIGEST_MISMATCH(void)
{
	return signed_but(":1000</sr:RequestID>", ":1001</sr:RequestID>", "<ds:DigestValue>");
}

static struct broken break_SIGNATURE_MISMATCH(void)
{
	return broken(material_signed(material_request, "xml-sign-90B3D51F30020000-ds"),
		"<ds:SignatureValue>");
}

static int judge(const struct broken *broken, struct duis_error *error)
{
	struct duis_reference_schemas *schemas = material_schemas();
	struct duis_reference_engine *engine =
		duis_reference_engine_create(schemas, broken->document_bytes_max);
	struct material_certificate supplier = material_certificate(SUPPLIER);
	struct duis_document document;
	int result;

	cr_assert(engine != NULL);
	result = duis_reference_engine_read(
		engine, broken->document.data, broken->document.length, &document, error);
	if (result == 0)
		result = duis_reference_engine_verify(engine, supplier.key, error);
	EVP_PKEY_free(supplier.key);
	duis_reference_engine_destroy(engine);
	duis_reference_schemas_destroy(schemas);
	return result;
}

static void check(enum duis_error_code code, struct broken broken)
{
	struct duis_error error = {.code = DUIS_OK};
	const uint8_t *construct = broken.document.data;
	uint64_t begin;

	if (broken.construct[0] != '\0')
		construct = memmem(broken.document.data, broken.document.length, broken.construct,
			strlen(broken.construct));
	cr_assert(construct != NULL, "the test's own construct is missing");
	begin = (uint64_t)(construct - broken.document.data);
	cr_assert_eq(judge(&broken, &error), -EBADMSG);
	cr_assert_eq(error.code, code, "%s instead of %s: %s", duis_error_name(error.code),
		duis_error_name(code), error.rule);
	cr_assert(error.offset >= begin && error.offset <= begin + strlen(broken.construct),
		"offset %lu is not in %lu .. %lu", (unsigned long)error.offset,
		(unsigned long)begin, (unsigned long)(begin + strlen(broken.construct)));
	cr_assert(error.rule[0] != '\0');
	bytes_free(&broken.document);
}

#define ERROR_TEST(name, text, meaning)                                                            \
	Test(duis_errors, name)                                                                    \
	{                                                                                          \
		check(DUIS_ERROR_##name, break_##name());                                          \
	}
DUIS_ERRORS (ERROR_TEST)
#undef ERROR_TEST

	/* The list is walked once more at run time, on one engine that lives through all of it: a
	 * refused document leaves nothing behind. */
	Test(duis_errors, one_engine_takes_them_all)
	{
		static struct broken (*const breakers[])(void) = {
#define ERROR_BREAKER(name, text, meaning) break_##name,
			DUIS_ERRORS (ERROR_BREAKER)
#undef ERROR_BREAKER
		};
		struct duis_reference_schemas *schemas = material_schemas();
		struct duis_reference_engine *engine =
			duis_reference_engine_create(schemas, DOCUMENT_BYTES_MAX);
		struct material_certificate supplier = material_certificate(SUPPLIER);
		struct bytes good = material_signed(material_request, SUPPLIER);
		struct duis_document document;
		struct duis_error error;

		cr_assert_eq(sizeof(breakers) / sizeof(breakers[0]), DUIS_ERROR_COUNT - 1);
		for (size_t index = 0; index < sizeof(breakers) / sizeof(breakers[0]); index++) {
			enum duis_error_code code = (enum duis_error_code)(index + 1);
			struct broken broken = breakers[index]();
			int result;

			if (code != DUIS_ERROR_TOO_LARGE) {
				result = duis_reference_engine_read(engine, broken.document.data,
					broken.document.length, &document, &error);
				if (result == 0)
					result = duis_reference_engine_verify(
						engine, supplier.key, &error);
				cr_assert_eq(result, -EBADMSG);
				cr_assert_eq(error.code, code);
			}
			bytes_free(&broken.document);
			cr_assert_eq(duis_reference_engine_read(
					     engine, good.data, good.length, &document, &error),
				0);
			cr_assert_eq(duis_reference_engine_verify(engine, supplier.key, &error), 0);
		}
		bytes_free(&good);
		EVP_PKEY_free(supplier.key);
		duis_reference_engine_destroy(engine);
		duis_reference_schemas_destroy(schemas);
	}
