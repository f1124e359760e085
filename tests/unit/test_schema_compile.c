/* SPDX-License-Identifier: Apache-2.0 */
/* The schema compiler: what it refuses and how it says so, its images, and damaged ones. */
#include <criterion/criterion.h>
#include <ctype.h>
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

/* Compile `body` inside of a schema element; line 2 is the body's first. Or a whole schema. */
static int compile(const char *body, uint8_t **image, size_t *length, char *reason)
{
	char path[] = "/tmp/schema-test-XXXXXX";
	int file = mkstemp(path);
	FILE *stream = fdopen(file, "w");
	int result;

	cr_assert_not_null(stream);
	if (strncmp(body, "<xs:schema", 10) == 0)
		fputs(body, stream);
	else
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

#define SIMPLE(base, facets)                                                                       \
	"\n<xs:simpleType name='s'>\n<xs:restriction base='" base "'>" facets                      \
	"</xs:restriction></xs:simpleType>"
#define COMPLEX(content) "<xs:complexType name='c'>\n" content "</xs:complexType>"
#define BASES                                                                                      \
	"<xs:complexType name='m' mixed='true'><xs:sequence><xs:element name='x'/></xs:sequence>"  \
	"</xs:complexType><xs:complexType name='v'><xs:simpleContent><xs:extension "               \
	"base='xs:int'/></xs:simpleContent></xs:complexType><xs:complexType name='t' "             \
	"abstract='true'><xs:sequence><xs:element name='x'/></xs:sequence></xs:complexType>\n"

/* Every construct that is refused, with the line that must be named. */
static const struct {
	const char *body;
	unsigned line;
	const char *name;
} refused[] = {
	/* schema_read.c: global */
	{"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' "
	 "attributeFormDefault='qualified'/>",
		1, "attributeFormDefault=\"qualified\""},
	{"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' blockDefault='#all'/>", 1,
		"attribute blockDefault of schema"},
	{"<xs:group name='g'/>", 2, "group"},
	{"\n<xs:attributeGroup name='g'/>", 3, "attributeGroup"},
	{"<xs:attribute name='a'/>", 2, "attribute"},
	{"<xs:notation name='n' public='p'/>", 2, "notation"},
	{"<xs:element name='a' nillable='true'/>", 2, "attribute nillable of element"},
	{"<xs:element name='a' fixed='1' type='xs:int'/>", 2, "attribute fixed of element"},
	{"<xs:element name='a' minOccurs='2'/>", 2, "attribute minOccurs of element"},
	{"<xs:element name='a' substitutionGroup='b'/>", 2,
		"attribute substitutionGroup of element"},
	{"<xs:complexType name='c' block='extension'/>", 2, "attribute block of complexType"},
	{"<xs:simpleType name='s' final='list'/>", 2, "attribute final of simpleType"},
	{"<xs:element name='a' type='xs:int'>\n<xs:key name='k'/></xs:element>", 3, "key"},
	{"<xs:element name='a'><xs:complexType/>\n<xs:unique name='k'/></xs:element>", 3, "unique"},
	{"<xs:element name='a'>\n<xs:keyref name='k' refer='x'/></xs:element>", 3, "keyref"},
	{BASES "<xs:element name='a' type='t'/>", 3, "element of an abstract type"},
	{BASES "<xs:complexType name='c'><xs:sequence>\n<xs:element name='a' type='t'/>"
	       "</xs:sequence></xs:complexType>",
		4, "element of an abstract type"},
	{"<xs:element name='a' type='m' default='x'/>" BASES, 2,
		"default of an element without simple content"},
	{"<xs:element name='a' type='xs:duration'/>", 2, "type xs:duration"},
	{"<xs:element name='a' type='xs:QName'/>", 2, "type xs:QName"},
	{"<xs:element name='a' type='xs:double'/>", 2, "type xs:double"},
	/* particles */
	{COMPLEX("<xs:all/>"), 3, "all"},
	{COMPLEX("<xs:group ref='g'/>"), 3, "group"},
	{COMPLEX("<xs:sequence>\n<xs:group ref='g'/></xs:sequence>"), 4, "group"},
	{COMPLEX("<xs:sequence>\n<xs:any namespace='urn:x'/></xs:sequence>"), 4,
		"any with a list of namespaces"},
	{COMPLEX("<xs:sequence>\n<xs:any processContents='skip'/></xs:sequence>"), 4,
		"any with processContents=\"skip\""},
	{COMPLEX("<xs:sequence>\n<xs:any><xs:x/></xs:any></xs:sequence>"), 4, "content of any"},
	{COMPLEX("<xs:sequence>\n<xs:element name='a' form='qualified'/></xs:sequence>"), 4,
		"attribute form of element"},
	/* attributes */
	{COMPLEX("<xs:anyAttribute/>"), 3, "anyAttribute"},
	{COMPLEX("<xs:attribute name='a' type='xs:int'/>\n<xs:attributeGroup ref='g'/>"), 4,
		"attributeGroup"},
	{COMPLEX("<xs:attribute ref='a'/>"), 3, "attribute ref of attribute"},
	{COMPLEX("<xs:attribute name='a' type='xs:int' use='prohibited'/>"), 3,
		"attribute that is prohibited"},
	{COMPLEX("<xs:attribute name='a'/>"), 3, "attribute without a type"},
	{COMPLEX("<xs:attribute name='a' type='xs:int' default='1'/>"), 3,
		"attribute default of attribute"},
	/* derivation */
	{COMPLEX("<xs:complexContent>\n<xs:restriction base='x'/></xs:complexContent>"), 4,
		"restriction in complexContent"},
	{COMPLEX("<xs:simpleContent>\n<xs:restriction base='x'/></xs:simpleContent>"), 4,
		"restriction in simpleContent"},
	{COMPLEX("<xs:complexContent>\n<xs:extension base='xs:anyType'/></xs:complexContent>"), 4,
		"extension of anyType"},
	{BASES COMPLEX("<xs:complexContent>\n<xs:extension base='v'/></xs:complexContent>"), 5,
		"complexContent on simple content"},
	{BASES COMPLEX("<xs:complexContent>\n<xs:extension base='m'/></xs:complexContent>"), 5,
		"extension that changes mixed"},
	{BASES COMPLEX("<xs:complexContent><xs:extension base='t'/>\n<xs:x/></xs:complexContent>"),
		5, "x"},
	{BASES COMPLEX("<xs:complexContent><xs:extension base='t'/></xs:complexContent>\n<xs:x/>"),
		5, "x"},
	/* schema_simple.c */
	{"<xs:simpleType name='s'>\n<xs:list itemType='xs:int'/></xs:simpleType>", 3, "list"},
	{"<xs:simpleType name='s'>\n<xs:union memberTypes='xs:int'/></xs:simpleType>", 3, "union"},
	{"<xs:simpleType name='s'>\n<xs:restriction><xs:simpleType/></xs:restriction>"
	 "</xs:simpleType>",
		3, "restriction of a type defined in place"},
	{SIMPLE("xs:string", "\n<xs:whiteSpace value='collapse'/>"), 5, "whiteSpace"},
	{SIMPLE("xs:string", "\n<xs:x value='1'/>"), 5, "x"},
	{SIMPLE("xs:string", "\n<xs:length value='1' fixed='true'/>"), 5,
		"attribute fixed of length"},
	{SIMPLE("xs:boolean", "\n<xs:enumeration value='true'/>"), 5,
		"enumeration of this base type"},
	{SIMPLE("xs:date", "\n<xs:minInclusive value='2024-01-01'/>"), 5,
		"bounds of a type that is not a number"},
	{SIMPLE("xs:int", "\n<xs:length value='1'/>"), 5, "length of a type that has none"},
	{SIMPLE("xs:string", "\n<xs:totalDigits value='1'/>"), 5,
		"digits of a type that is not a number"},
	{SIMPLE("xs:string", "<xs:enumeration value='a'/>") "<xs:simpleType name='u'>\n"
							    "<xs:restriction base='s'>"
							    "<xs:enumeration value='a'/>"
							    "</xs:restriction></xs:simpleType>",
		5, "enumeration of an enumeration"},
	{SIMPLE("xs:string", "<xs:pattern value='a'/>") "<xs:simpleType name='u'>\n"
							"<xs:restriction base='s'>"
							"<xs:pattern value='a'/>"
							"</xs:restriction></xs:simpleType>",
		5, "patterns in a type and in its base"},
	{"<xs:element name='a' type='xs:date' default='2024-01-01'/>", 2,
		"default of this base type"},
	/* schema_pattern.c */
	{SIMPLE("xs:string", "<xs:pattern value='a\\d'/>"), 4,
		"pattern with \\d, \\w, \\i, \\c or \\p"},
	{SIMPLE("xs:string", "<xs:pattern value='\\p{Lu}'/>"), 4,
		"pattern with \\d, \\w, \\i, \\c or \\p"},
	{SIMPLE("xs:string", "<xs:pattern value='[a-z-[aeiou]]'/>"), 4,
		"pattern with subtraction of classes"},
	{SIMPLE("xs:string", "<xs:pattern value='[\xc3\xa4]'/>"), 4,
		"pattern with a class of characters beyond ASCII"},
};

Test(schema_compile, names_what_it_does_not_support_and_where)
{
	for (size_t index = 0; index < sizeof(refused) / sizeof(refused[0]); index++) {
		char words[256];

		snprintf(words, sizeof(words), ":%u: unsupported construct of XML Schema: %s",
			refused[index].line, refused[index].name);
		refuses(refused[index].body, -ENOTSUP, words);
	}
	refuses("<xs:include schemaLocation='x.xsd'/>", -ENOENT, "x.xsd");
	refuses("<xs:redefine schemaLocation='x.xsd'/>", -EINVAL, ":2:1: xs:redefine");
}

static char *source_text(const char *name)
{
	char path[512];
	char *text = calloc(1, 200000);
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "%s/control/schema_%s.c", TEST_ROOT, name);
	file = fopen(path, "re");
	cr_assert_not_null(file, "%s", path);
	length = fread(text, 1, 199999, file);
	fclose(file);
	cr_assert_gt(length, 1000u, "%s is nearly empty", path);
	return text;
}

/* The table above has every text that a source gives to schema_unsupported(). */
Test(schema_compile, refuses_nothing_that_is_not_tested)
{
	static const char *const files[] = {"read", "simple", "pattern"};
	unsigned found = 0;

	for (size_t index = 0; index < sizeof(files) / sizeof(files[0]); index++) {
		char *text = source_text(files[index]);

		for (char *at = text; (at = strstr(at, "schema_unsupported(")) != NULL;) {
			char *end = strstr(at, ");");
			char *open = strchr(at, '"');
			char literal[128] = "";
			bool tested = false;

			at = end;
			if (open == NULL || open > end)
				continue; /* the name of the construct itself */
			for (size_t used = 0; *++open != '"' && used < sizeof(literal) - 1;) {
				open += *open == '\\';
				literal[used++] = *open;
			}
			for (size_t row = 0; row < sizeof(refused) / sizeof(refused[0]); row++)
				tested = tested || strcmp(refused[row].name, literal) == 0;
			cr_expect(
				tested, "schema_%s.c: \"%s\" is not tested", files[index], literal);
			found++;
		}
		free(text);
	}
	cr_expect_geq(found, 18u, "only %u texts were found", found);
}

Test(schema_compile, finds_faults)
{
	refuses("<xs:element name='a' type='missing'/>", -EINVAL, ":2: no type");
	refuses("<xs:element name='a' type='x:y'/>", -EINVAL, ":2: the prefix of");
	refuses("<xs:simpleType name='a'><xs:restriction base='b'/></xs:simpleType>"
		"<xs:simpleType name='b'><xs:restriction base='a'/></xs:simpleType>",
		-EINVAL, "restricts itself");
	refuses("<xs:complexType name='c'><xs:complexContent><xs:extension base='c'/>"
		"</xs:complexContent></xs:complexType>",
		-EINVAL, ":2: a type extends itself");
	refuses("<xs:element name='a'><xs:complexType><xs:sequence>"
		"<xs:element name='b' minOccurs='0'/>\n<xs:element name='b'/>"
		"</xs:sequence></xs:complexType></xs:element>",
		-EINVAL, ":3: the content model is not deterministic");
	refuses("<xs:simpleType name='s'><xs:restriction base='xs:string'>"
		"<xs:pattern value='(a'/></xs:restriction></xs:simpleType>",
		-EINVAL, ":2: pattern: ");
	/* Each pattern by itself, not what they make together. */
	refuses("<xs:simpleType name='s'><xs:restriction base='xs:string'>"
		"<xs:pattern value='a)'/><xs:pattern value='(b'/></xs:restriction></xs:simpleType>",
		-EINVAL, ":2: pattern: ");
	refuses("<xs:element name='a'/>\n<xs:element name='a'/>", -EINVAL,
		":3: \"a\" is defined twice");
	refuses("<xs:element name=''/>", -EINVAL, ":2: \"\" is not a name");
	refuses("<xs:element name='a b'/>", -EINVAL, ":2: \"a b\" is not a name");
	refuses(COMPLEX("<xs:sequence minOccurs='3' maxOccurs='2'/>"), -EINVAL,
		":3: minOccurs is greater");
	refuses(COMPLEX("<xs:sequence maxOccurs='-1'/>"), -EINVAL, ":3: maxOccurs is not");
	refuses(SIMPLE("xs:int", "\n<xs:enumeration value='x'/>"), -EINVAL,
		":5: the enumeration value is none");
	refuses(SIMPLE("xs:byte", "\n<xs:enumeration value='300'/>"), -EINVAL,
		":5: the enumeration value is none");
	refuses(SIMPLE("xs:int", "\n<xs:minInclusive value='1.5'/>"), -EINVAL,
		":5: the bound is no value");
	refuses(SIMPLE("xs:int", "<xs:minInclusive value='9'/><xs:maxInclusive value='3'/>"),
		-EINVAL, ":4: its lower bound is above");
	refuses(SIMPLE("xs:int", "<xs:minExclusive value='3'/><xs:maxInclusive value='3'/>"),
		-EINVAL, ":4: its lower bound is above");
	refuses(SIMPLE("xs:byte", "<xs:minInclusive value='128'/>"), -EINVAL,
		":4: its lower bound is above");
	refuses(SIMPLE("xs:string", "<xs:minLength value='9'/><xs:maxLength value='3'/>"), -EINVAL,
		":4: its least length is above");
}

/* XML Schema part 1, 3.8.6: Element Declarations Consistent. */
Test(schema_compile, refuses_two_types_of_one_name)
{
	static const char same[] = "has another type in the same content model";
	uint8_t *image;
	size_t length;
	char reason[512];
	int result;

	refuses(COMPLEX("<xs:sequence><xs:element name='a' type='xs:int'/><xs:element name='b'/>\n"
			"<xs:element name='a' type='xs:short'/></xs:sequence>"),
		-EINVAL, ":4: an element of this name has another type");
	refuses(COMPLEX("<xs:choice><xs:sequence><xs:element name='b'/>"
			"<xs:element name='a' type='xs:int'/></xs:sequence>\n<xs:sequence>"
			"<xs:element name='c'/>\n<xs:element name='a'/></xs:sequence></xs:choice>"),
		-EINVAL, ":5: an element");
	refuses(COMPLEX("<xs:sequence><xs:element name='a'><xs:complexType/></xs:element>"
			"<xs:element name='b'/>\n<xs:element name='a'><xs:complexType/>"
			"</xs:element></xs:sequence>"),
		-EINVAL, same);
	/* In two models, or of one type, all is well. */
	result = compile(
		"<xs:simpleType name='s'><xs:restriction base='xs:int'/></xs:simpleType>"
		"<xs:element name='g'><xs:complexType/></xs:element>" COMPLEX(
			"<xs:sequence><xs:element name='a' type='s'/><xs:element name='b'/>"
			"<xs:element name='a' type='s'/><xs:element ref='g'/><xs:element name='e'>"
			"<xs:complexType><xs:sequence><xs:element name='a' type='xs:short'/>"
			"</xs:sequence></xs:complexType></xs:element><xs:element ref='g'/>"
			"</xs:sequence>"),
		&image, &length, reason);
	cr_expect_eq(result, 0, "%s", reason);
	free(image);
}

/* An element with the default `value`, of a type that restricts `base` by `facets`. */
#define DEFAULT(base, facets, value)                                                               \
	"<xs:element name='a' default='" value "'><xs:simpleType><xs:restriction base='" base      \
	"'>" facets "</xs:restriction></xs:simpleType></xs:element>"

Test(schema_compile, judges_defaults)
{
	static const struct {
		const char *body;
		bool good;
	} rows[] = {
		{DEFAULT("xs:int", "", "7"), true},
		{DEFAULT("xs:int", "", " +07 "), true},
		{DEFAULT("xs:int", "", "zzz"), false},
		{DEFAULT("xs:int", "", ""), false},
		{DEFAULT("xs:int", "", "2147483648"), false},
		{DEFAULT("xs:decimal", "<xs:minExclusive value='1'/>", "1.0"), false},
		{DEFAULT("xs:decimal", "<xs:minExclusive value='1'/>", "1.01"), true},
		{DEFAULT("xs:decimal", "<xs:maxExclusive value='1'/>", "1"), false},
		{DEFAULT("xs:decimal", "<xs:totalDigits value='2'/>", "0.12"), true},
		{DEFAULT("xs:decimal", "<xs:totalDigits value='2'/>", "1.12"), false},
		{DEFAULT("xs:decimal", "<xs:fractionDigits value='1'/>", "1.50"), true},
		{DEFAULT("xs:decimal", "<xs:fractionDigits value='1'/>", "1.51"), false},
		{DEFAULT("xs:boolean", "", "true"), true},
		{DEFAULT("xs:boolean", "", "TRUE"), false},
		{DEFAULT("xs:string", "<xs:maxLength value='2'/>", "\xc3\xa4\xc3\xa4"), true},
		{DEFAULT("xs:string", "<xs:maxLength value='2'/>", "abc"), false},
		{DEFAULT("xs:hexBinary", "<xs:length value='2'/>", "aBcD"), true},
		{DEFAULT("xs:hexBinary", "<xs:length value='2'/>", "aB"), false},
		{DEFAULT("xs:token", "<xs:enumeration value='GBP'/>", " GBP "), true},
		{DEFAULT("xs:token", "<xs:enumeration value='GBP'/>", "gbp"), false},
		{DEFAULT("xs:string", "<xs:pattern value='[a-c]+'/>", "abc"), true},
		{DEFAULT("xs:string", "<xs:pattern value='[a-c]+'/>", "abd"), false},
	};

	for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
		uint8_t *image;
		size_t length;
		char reason[512];
		int result = compile(rows[index].body, &image, &length, reason);

		cr_expect_eq(result, rows[index].good ? 0 : -EINVAL, "%s: %d %s", rows[index].body,
			result, reason);
		free(image);
	}
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
	unsigned count = 0;

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
		count += check(forged, length, reason) != 0;
	}
	cr_expect_gt(count, 1000u);
	cr_expect_lt(count, 20000u);
	free(forged);
	free(image);
}

/* The names of the schemas in use. The list is a sample; the second half of the test finds all that
 * the official schemas define, when they are there. */
static const char *const schema_names[] = {"RequestID", "ServiceReference", "CommandVariant",
	"dccinterface", "xmldsig", "SignedInfo", "schemaVersion", "GBCS", "DUIS"};

/* Whether `text` holds `word`, neither preceded nor followed by what could be a part of it. */
static bool holds_word(const char *text, const char *word, size_t length)
{
	for (const char *at = text; (at = strstr(at, word)) != NULL; at += length)
		if ((at == text || !isalnum((unsigned char)at[-1])) &&
			!isalnum((unsigned char)at[length]))
			return true;
	return false;
}

/* Strings and identifiers; what the project's own headers and functions are called is no name of a
 * schema. */
static void blank_own_names(char *text)
{
	static const char *const own[] = {"dataplane/duis/", "duis_", "DUIS_"};

	for (size_t index = 0; index < sizeof(own) / sizeof(own[0]); index++)
		for (char *at = text; (at = strstr(at, own[index])) != NULL;)
			memset(at, ' ', strlen(own[index]));
}

static unsigned count_names(const char *text)
{
	unsigned count = 0;

	for (size_t name = 0; name < sizeof(schema_names) / sizeof(schema_names[0]); name++)
		count += strstr(text, schema_names[name]) != NULL;
	return count;
}

/* The compiler knows no name of the schemas that it compiles. */
Test(schema_compile, sources_hold_no_schema_names)
{
	static const char *const files[] = {
		"compile", "content", "merge", "pattern", "read", "simple", "write"};
	const char *var = getenv("MOTORWAY_VAR");
	char path[512];
	char *schema = calloc(1, 2000000);
	FILE *file;
	unsigned definitions = 0;

	/* The test can fail: what does speak of DUIS is found. */
	cr_expect_eq(count_names("no name"), 0u);
	cr_expect_eq(count_names("strcmp(name, \"SignedInfo\") || \"DUIS\""), 2u);
	snprintf(path, sizeof(path), "%s/duis/xsd/DUIS Schema V5.1.xsd",
		var != NULL ? var : TEST_ROOT "/var");
	file = fopen(path, "re");
	cr_assert_not_null(file, "%s: scripts/setup fetches it", path);
	cr_assert_gt(fread(schema, 1, 1999999, file), 100000u);
	fclose(file);
	for (size_t index = 0; index < sizeof(files) / sizeof(files[0]); index++) {
		char *text = source_text(files[index]);

		blank_own_names(text);
		cr_expect_eq(count_names(text), 0u, "schema_%s.c", files[index]);
		for (const char *at = schema; (at = strstr(at, " name=\"")) != NULL; at++) {
			char word[256] = "";
			size_t length = strcspn(at + 7, "\"");

			/* Short ones are words of English, too. */
			if (length < 8 || length >= sizeof(word))
				continue;
			memcpy(word, at + 7, length);
			definitions++;
			cr_expect(!holds_word(text, word, length), "schema_%s.c holds %s",
				files[index], word);
		}
		free(text);
	}
	cr_expect_gt(definitions, 1000u);
	free(schema);
}
