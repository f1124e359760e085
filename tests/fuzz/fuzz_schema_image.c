/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader of schema images. The input is a list of damages to a good image: two bytes of offset,
 * little-endian, and one to exclusive-or. Then the checksum is made right again: the forger's way.
 * An image that passes must be harmless, whatever stands in it: the engine reads documents by it.
 * An input that begins with "raw:" is an image itself, behind those letters.
 */
#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "control/schema_compile.h"
#include "dataplane/duis/fast.h"
#include "tests/fuzz/input.h"

#define DOCUMENT_BYTES_MAX 8192

#define DUIS "http://www.dccinterface.co.uk/ServiceUserGateway"

static const char xsd[] =
	"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns='" DUIS "'"
	" targetNamespace='" DUIS "' elementFormDefault='qualified' version='1'>"
	"<xs:element name='Request' type='R'/><xs:element name='Response' type='R'/>"
	"<xs:complexType name='R'><xs:sequence><xs:element name='Header'><xs:complexType>"
	"<xs:sequence><xs:element name='CommandVariant' type='xs:positiveInteger'/></xs:sequence>"
	"</xs:complexType></xs:element><xs:element name='Body'><xs:complexType>"
	"<xs:choice maxOccurs='unbounded'><xs:element name='p' type='P'/>"
	"<xs:element name='e' type='E' default='one'/><xs:element name='n' type='N'/>"
	"<xs:element name='x' type='xs:hexBinary'/><xs:element name='b' type='xs:base64Binary'/>"
	"<xs:element name='i' maxOccurs='3' type='xs:int'/><xs:element name='m' type='M'/>"
	"<xs:element name='d' type='xs:dateTime'/>"
	"<xs:any namespace='##other' processContents='lax'/></xs:choice></xs:complexType>"
	"</xs:element></xs:sequence><xs:attribute name='schemaVersion' type='xs:decimal'"
	" use='required'/></xs:complexType>"
	"<xs:complexType name='M' mixed='true'><xs:sequence minOccurs='0' maxOccurs='2'>"
	"<xs:element name='q'/></xs:sequence><xs:attribute name='a' type='xs:ID'/>"
	"<xs:attribute name='u' type='xs:anyURI'/></xs:complexType>"
	"<xs:simpleType name='P'><xs:restriction base='xs:string'>"
	"<xs:pattern value='[0-9A-F]{2}-[0-9]{2}(,[a-z]+)*'/></xs:restriction></xs:simpleType>"
	"<xs:simpleType name='E'><xs:restriction base='xs:token'><xs:enumeration value='one'/>"
	"<xs:enumeration value='two'/></xs:restriction></xs:simpleType>"
	"<xs:simpleType name='N'><xs:restriction base='xs:decimal'><xs:minInclusive value='-1.5'/>"
	"<xs:maxExclusive value='1000000000000000000000'/><xs:totalDigits value='22'/>"
	"<xs:fractionDigits value='2'/></xs:restriction></xs:simpleType></xs:schema>";

#define OPEN                                                                                       \
	"<Request xmlns='" DUIS                                                                    \
	"' schemaVersion='5.1'><Header><CommandVariant>1</CommandVariant></Header><Body>"
#define CLOSE "</Body></Request>"

static const char *const documents[] = {
	OPEN "<p>AF-07,ab,c</p><e> two\n</e><e/><n>-1.50</n><x>0aFF</x><b> QUJD</b><i>1</i><i>2</i>"
	     "<m a='k' u='http://a/'>t<q/>u<q>v</q></m><d>2024-02-29T24:00:00Z</d>" CLOSE,
	OPEN "<o:p xmlns:o='urn:o'><p xmlns='" DUIS "'>AF-07</p><o:e/></o:p><n>+0</n>"
	     "<p>&#x41;F-0<![CDATA[7]]></p><i> 2147483647 </i><i>3</i><i>4</i><i>5</i>" CLOSE,
	OPEN "<z/><p>zz</p><n>x</n>" CLOSE,
	OPEN "<p>AF-0</p>" CLOSE,
	OPEN "<n>12345678901234567890123</n>" CLOSE,
	"<Response xmlns='" DUIS "' schemaVersion=' 05.10 '><Header><CommandVariant>2"
	"</CommandVariant></Header><Body><e>three</e>" CLOSE,
};

static uint8_t *good;
static size_t good_length;

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
	char path[] = "/tmp/fuzz-image-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	char reason[512];

	(void)argument_count;
	(void)arguments;
	fuzz_require(file != NULL);
	fputs(xsd, file);
	fclose(file);
	if (schema_compile(path, NULL, 0, &good, &good_length, reason, sizeof(reason)) != 0)
		fuzz_fail("the good image", reason);
	unlink(path);
	return 0;
}

static void read_documents(const struct duis_image *image)
{
	struct duis_fast_source source = {.version = "5.1", .image = image};
	char reason[512];
	struct duis_fast_schemas *schemas =
		duis_fast_schemas_create(&source, 1, reason, sizeof(reason));
	struct duis_fast_engine *engine;

	if (schemas == NULL)
		return;
	engine = duis_fast_engine_create(schemas, DOCUMENT_BYTES_MAX);
	fuzz_require(engine != NULL);
	for (size_t index = 0; index < sizeof(documents) / sizeof(documents[0]); index++) {
		struct duis_document document;
		struct duis_error error = {.code = DUIS_OK};
		uint32_t length = (uint32_t)strlen(documents[index]);

		for (int variant = 0; variant < DUIS_FAST_VARIANT_COUNT; variant++) {
			if (duis_fast_engine_set_variant(engine, (enum duis_fast_variant)variant) !=
				0)
				continue;
			if (duis_fast_engine_read(engine, (const uint8_t *)documents[index], length,
				    &document, &error) != 0)
				fuzz_require(error.code != DUIS_OK && error.offset <= length);
		}
	}
	duis_fast_engine_destroy(engine);
	duis_fast_schemas_destroy(schemas);
}

static void make_checksum(uint8_t *bytes, size_t length)
{
	struct mw_image_header *header = (struct mw_image_header *)bytes;
	uint8_t digest[SHA256_DIGEST_LENGTH];

	if (length < sizeof(*header))
		return;
	memset(header->checksum, 0, sizeof(header->checksum));
	SHA256(bytes, length, digest);
	memcpy(header->checksum, digest, sizeof(digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	bool raw = length >= 4 && memcmp(bytes, "raw:", 4) == 0;
	size_t size = raw ? length - 4 : good_length;
	uint8_t *aligned = aligned_alloc(64, (size + 64) / 64 * 64);
	struct duis_image image;
	char reason[512] = "";
	int result;

	fuzz_require(aligned != NULL);
	if (raw) {
		memcpy(aligned, bytes + 4, size);
	} else {
		memcpy(aligned, good, size);
		/* Records of an offset (two bytes) and a byte. */
		for (size_t at = 0; at + 3 <= length; at += 3)
			aligned[(bytes[at] | (size_t)bytes[at + 1] << 8) % size] ^= bytes[at + 2];
	}
	make_checksum(aligned, size);
	result = duis_image_check(aligned, size, &image, reason, sizeof(reason));
	fuzz_require(result == 0 || reason[0] != '\0');
	if (result == 0)
		read_documents(&image);
	free(aligned);
	return 0;
}
