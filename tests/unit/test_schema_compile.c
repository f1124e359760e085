/* SPDX-License-Identifier: Apache-2.0 */
/* The schema compiler: what it refuses and how it says so, its images, and damaged ones. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "control/schema_compile.h"
#include "dataplane/duis/image.h"

#define BEGIN                                                                                      \
	"<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"urn:t\" "      \
	"xmlns=\"urn:t\" elementFormDefault=\"qualified\">\n"
#define END "</xs:schema>\n"

/* Compile `body` inside of a schema element; line 2 is the body's first. */
static int compile(const char *body, uint8_t **image, size_t *length, char *reason)
{
	char path[] = "/tmp/schema-test-XXXXXX";
	int file = mkstemp(path);
	FILE *stream = fdopen(file, "w");
	int result;

	cr_assert_not_null(stream);
	fprintf(stream, "%s%s%s", BEGIN, body, END);
	fclose(stream);
	result = schema_compile(path, NULL, 0, image, length, reason, 512);
	unlink(path);
	return result;
}

static void refuses(const char *body, int expected, const char *words)
{
	uint8_t *image;
	size_t length;
	char reason[512];
	int result = compile(body, &image, &length, reason);

	cr_expect_eq(result, expected, "%s: %d %s", body, result, reason);
	cr_expect_not_null(strstr(reason, words), "%s: %s", body, reason);
	free(image);
}

Test(schema_compile, names_what_it_does_not_support)
{
	refuses("<xs:group name='g'/>", -ENOTSUP, ":2: unsupported construct of XML Schema: group");
	refuses("\n<xs:element name='a'><xs:complexType><xs:all/></xs:complexType></xs:element>",
		-ENOTSUP, ":3: unsupported construct of XML Schema: all");
	refuses("<xs:element name='a' nillable='true'/>", -ENOTSUP,
		"attribute nillable of element");
	refuses("<xs:simpleType name='s'><xs:list itemType='xs:int'/></xs:simpleType>", -ENOTSUP,
		"list");
	refuses("<xs:simpleType name='s'><xs:union memberTypes='xs:int'/></xs:simpleType>",
		-ENOTSUP, "union");
	refuses("<xs:element name='a' type='xs:duration'/>", -ENOTSUP, "type xs:duration");
	refuses("<xs:simpleType name='s'><xs:restriction base='xs:string'>"
		"<xs:whiteSpace value='collapse'/></xs:restriction></xs:simpleType>",
		-ENOTSUP, "whiteSpace");
	refuses("<xs:simpleType name='s'><xs:restriction base='xs:string'>"
		"<xs:pattern value='\\d'/></xs:restriction></xs:simpleType>",
		-ENOTSUP, "pattern with");
	refuses("<xs:include schemaLocation='x.xsd'/>", -ENOENT, "x.xsd");
}

Test(schema_compile, finds_faults)
{
	refuses("<xs:element name='a' type='missing'/>", -EINVAL, ":2: no type");
	refuses("<xs:simpleType name='a'><xs:restriction base='b'/></xs:simpleType>"
		"<xs:simpleType name='b'><xs:restriction base='a'/></xs:simpleType>",
		-EINVAL, "restricts itself");
	refuses("<xs:complexType name='c'><xs:complexContent><xs:extension base='c'/>"
		"</xs:complexContent></xs:complexType>",
		-EINVAL, "extends itself");
	refuses("<xs:element name='a'><xs:complexType><xs:sequence>"
		"<xs:element name='b' minOccurs='0'/><xs:element name='b'/>"
		"</xs:sequence></xs:complexType></xs:element>",
		-EINVAL, "not deterministic");
	refuses("<xs:simpleType name='s'><xs:restriction base='xs:string'>"
		"<xs:pattern value='(a'/></xs:restriction></xs:simpleType>",
		-EINVAL, "pattern");
	refuses("<xs:element name='a' minOccurs='2'/>", -ENOTSUP, "minOccurs");
}

static uint8_t *sample(size_t *length)
{
	uint8_t *plain;
	uint8_t *image;
	char reason[512];
	int result = compile(
		"<xs:element name='r'><xs:complexType><xs:sequence>"
		"<xs:element name='a' type='xs:int' minOccurs='0' maxOccurs='19056'/>"
		"<xs:choice maxOccurs='unbounded'><xs:element name='b'/><xs:element name='c'/>"
		"<xs:element name='d'/><xs:element name='e' type='v'/><xs:element name='f'/>"
		"<xs:any namespace='##other' processContents='lax'/></xs:choice>"
		"</xs:sequence><xs:attribute name='x' type='e' use='required'/>"
		"</xs:complexType></xs:element>"
		"<xs:simpleType name='v'><xs:restriction base='xs:string'>"
		"<xs:pattern value='[A-F]{3}(x|yz)*'/></xs:restriction></xs:simpleType>"
		"<xs:simpleType name='e'><xs:restriction base='xs:token'>"
		"<xs:enumeration value='one'/><xs:enumeration value='two'/>"
		"</xs:restriction></xs:simpleType>",
		&plain, length, reason);

	cr_assert_eq(result, 0, "%s", reason);
	image = aligned_alloc(64, (*length + 63) / 64 * 64);
	memcpy(image, plain, *length);
	free(plain);
	return image;
}

static int check(uint8_t *bytes, size_t length, char *reason)
{
	struct duis_image image;

	return duis_image_check(bytes, length, &image, reason, 512);
}

Test(schema_compile, writes_images_that_are_accepted)
{
	size_t length;
	uint8_t *image = sample(&length);
	char reason[512];

	cr_expect_eq(check(image, length, reason), 0, "%s", reason);
	cr_expect_eq(check(image, length - 1, reason), -EBADMSG);
	cr_expect_eq(check(image, 10, reason), -EBADMSG);
	image[length / 2] ^= 1;
	cr_expect_eq(check(image, length, reason), -EBADMSG);
	cr_expect_not_null(strstr(reason, "checksum"));
	free(image);
}

/* With the checksum made right again, every damage must be refused or harmless: run under ASan. */
Test(schema_compile, survives_forged_images)
{
	size_t length;
	uint8_t *image = sample(&length);
	uint8_t *forged = aligned_alloc(64, (length + 63) / 64 * 64);
	struct mw_image_header *header = (struct mw_image_header *)forged;
	uint64_t state = 1;
	unsigned refused = 0;

	for (unsigned round = 0; round < 20000; round++) {
		char reason[512];
		uint8_t digest[32];

		memcpy(forged, image, length);
		for (unsigned change = 0; change < 1 + round % 3; change++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			forged[(state >> 33) % length] ^= (uint8_t)(1u << (state >> 60 & 7));
		}
		memset(header->checksum, 0, sizeof(header->checksum));
		SHA256(forged, length, digest);
		memcpy(header->checksum, digest, sizeof(digest));
		refused += check(forged, length, reason) != 0;
	}
	cr_expect_gt(refused, 1000u);
	cr_expect_lt(refused, 20000u);
	free(forged);
	free(image);
}

/* The compiler and its program know no name of the schemas they compile. */
Test(schema_compile, sources_hold_no_schema_names)
{
	static const char *const files[] = {"compile", "content", "main", "pattern", "read", "show",
		"simple", "validate", "write"};
	static const char *const names[] = {"RequestID", "ServiceReference", "CommandVariant",
		"dccinterface", "xmldsig", "SignedInfo", "schemaVersion", "GBCS"};

	for (size_t index = 0; index < sizeof(files) / sizeof(files[0]); index++) {
		char path[512];
		static char text[200000];
		FILE *file;

		snprintf(path, sizeof(path), "%s/control/schema_%s.c", TEST_ROOT, files[index]);
		file = fopen(path, "re");
		cr_assert_not_null(file, "%s", path);
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
		for (size_t name = 0; name < sizeof(names) / sizeof(names[0]); name++)
			cr_expect_null(strstr(text, names[name]), "%s holds %s", path, names[name]);
	}
}
