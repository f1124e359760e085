/* SPDX-License-Identifier: Apache-2.0 */
/* What the fast engine keeps from one document to the next must never show: an engine that has seen
 * many documents says the same as one that has seen none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/schema_compile.h"
#include "dataplane/duis/fast.h"
#include "dataplane/duis/fast_classes.h"
#include "tests/differential/buffer.h"

#define DUIS "http://www.dccinterface.co.uk/ServiceUserGateway"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define BYTES_MAX (1u << 16)

static struct duis_image image;
static uint8_t *image_bytes;
static struct duis_fast_schemas *schemas;

static void load(const char *path, const char *version)
{
	struct duis_fast_source source = {.image = &image};
	uint8_t *plain;
	size_t length;
	char reason[512];
	int result = schema_compile(path, NULL, 0, &plain, &length, reason, sizeof(reason));

	cr_assert_eq(result, 0, "%s", reason);
	image_bytes = aligned_alloc(64, (length + 63) / 64 * 64);
	memcpy(image_bytes, plain, length);
	free(plain);
	result = duis_image_check(image_bytes, length, &image, reason, sizeof(reason));
	cr_assert_eq(result, 0, "%s", reason);
	snprintf(source.version, sizeof(source.version), "%s", version);
	schemas = duis_fast_schemas_create(&source, 1, reason, sizeof(reason));
	cr_assert_not_null(schemas, "%s", reason);
}

static void load_official(void)
{
	const char *var = getenv("MOTORWAY_VAR");
	char path[512];

	snprintf(path, sizeof(path), "%s/duis/xsd/DUIS Schema V5.1.xsd",
		var != NULL ? var : TEST_ROOT "/var");
	load(path, "5.1");
}

static void unload(void)
{
	duis_fast_schemas_destroy(schemas);
	free(image_bytes);
}

/* ---- sets of characters ---- */

Test(fast_kept, sets_of_characters_agree)
{
	for (unsigned class = 0; class < SCAN_CLASS_COUNT; class ++)
		for (unsigned byte = 0; byte < 256; byte++) {
			bool listed = scan_bits[byte] >> class & 1;
			bool computed =
				byte < 128 && (scan_nibbles[class].low[byte & 15] &
						      scan_nibbles[class].high[byte >> 4]) != 0;

			cr_expect_eq(listed, computed, "set %u, byte %u", class, byte);
		}
}

/* ---- long sequences of documents ---- */

static const char whole[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	"<sr:Request xmlns:sr=\"" DUIS "\" xmlns:ds=\"" DSIG "\" schemaVersion=\"5.1\"><sr:Header>"
	"<sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1</sr:RequestID>"
	"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2</sr:ServiceReference>"
	"<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
	"<sr:ReadInventory><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID></sr:ReadInventory>"
	"</sr:Body><ds:Signature><ds:SignedInfo>"
	"<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"
	"<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>"
	"<ds:Reference URI=\"\"><ds:Transforms>"
	"<ds:Transform Algorithm=\"" DSIG "enveloped-signature\"/></ds:Transforms>"
	"<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>"
	"<ds:DigestValue>3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue>"
	"</ds:Reference></ds:SignedInfo><ds:SignatureValue>"
	"3q2+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	"AAAA7w&#13;\nAAAAAAAAAA==</"
	"ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial>"
	"<ds:X509IssuerName>CN=Z1,OU=07</ds:X509IssuerName>"
	"<ds:X509SerialNumber>27572613927499351639968579586655397031</ds:X509SerialNumber>"
	"</ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo></ds:Signature></sr:Request>";

static uint64_t chance_state = 1;

static uint32_t chance(uint32_t limit)
{
	chance_state = chance_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(chance_state >> 33) % limit;
}

static void replace_all(struct buffer *text, const char *old, const char *new)
{
	size_t at = 0;
	uint8_t *found;

	while ((found = memmem(text->bytes + at, text->length - at, old, strlen(old))) != NULL) {
		at = (size_t)(found - text->bytes);
		buffer_splice(text, at, at + strlen(old), new, strlen(new));
		at += strlen(new);
	}
}

/* The sender's way of writing. */
static void respell(struct buffer *text)
{
	static const char *const tags[4] = {"<a:", "<ns:", "<d:", "<sr:"};
	static const char *const ends[4] = {"</a:", "</ns:", "</d:", "</sr:"};
	static const char *const declarations[4] = {
		"xmlns:a=", "xmlns:ns=", "xmlns:d=", "xmlns:sr="};
	unsigned way = chance(4);

	replace_all(text, "<sr:", tags[way]);
	replace_all(text, "</sr:", ends[way]);
	replace_all(text, "xmlns:sr=", declarations[way]);
	if (chance(3) == 0) {
		replace_all(text, "<ds:", "<s:");
		replace_all(text, "</ds:", "</s:");
		replace_all(text, "xmlns:ds=", "xmlns:s=");
	}
	if (chance(3) == 0)
		replace_all(text, " schemaVersion", "\r\n xmlns:own='urn:own' schemaVersion");
	if (chance(4) == 0)
		replace_all(text, "></", ">\r\n</");
}

static void damage(struct buffer *text)
{
	static const char *const pieces[] = {"<!--x-->", "\r", "\r\n", " ", "&#65;", " Id=\"a\"",
		"<ds:Object/>", "<?p q?>", "A", "=", " xmlns:q=\"urn:q\"", " xmlns:ds=\"urn:ds\"",
		">", "<", "\"", "<![CDATA[]]>", "</ds:KeyInfo><ds:Object/>"};
	uint32_t length = (uint32_t)text->length;
	size_t at = chance(2) == 0 ? chance(length) : length / 3 + chance(length - length / 3);
	const char *piece = pieces[chance(sizeof(pieces) / sizeof(pieces[0]))];
	size_t stop = at + chance(12);

	switch (chance(3)) {
	case 0:
		buffer_splice(text, at, at, piece, strlen(piece));
		break;
	case 1:
		buffer_splice(text, at, stop < text->length ? stop : text->length, "", 0);
		break;
	default:
		text->bytes[at] ^= (uint8_t)(1u << chance(7));
	}
}

/* Everything that one engine says about a document. */
struct said {
	int read;
	int profile;
	int prepared;
	struct duis_document document;
	struct duis_error errors[3];
	uint8_t digests[3][32];
	uint8_t signature[64];
	int64_t lengths[2];
	uint8_t canonical[2][BYTES_MAX];
};

static void ask(struct duis_fast_engine *engine, const struct buffer *text, struct said *said)
{
	memset(said, 0, sizeof(*said));
	said->read = duis_fast_engine_read(
		engine, text->bytes, (uint32_t)text->length, &said->document, &said->errors[0]);
	if (said->read != 0)
		return;
	said->profile = duis_fast_engine_check_profile(engine, &said->errors[1]);
	said->prepared = duis_fast_engine_prepare(
		engine, said->digests[0], said->signature, &said->errors[2]);
	duis_fast_engine_digest(engine, said->digests[1], said->digests[2]);
	said->lengths[0] = duis_fast_engine_digested(engine, said->canonical[0], BYTES_MAX);
	said->lengths[1] = duis_fast_engine_signed_info(engine, said->canonical[1], BYTES_MAX);
}

static bool same(const struct said *one, const struct said *other)
{
	for (unsigned index = 0; index < 3; index++)
		if (one->errors[index].code != other->errors[index].code ||
			one->errors[index].offset != other->errors[index].offset ||
			strcmp(one->errors[index].path, other->errors[index].path) != 0 ||
			strcmp(one->errors[index].rule, other->errors[index].rule) != 0)
			return false;
	return one->read == other->read && one->profile == other->profile &&
	       one->prepared == other->prepared &&
	       memcmp(&one->document, &other->document, sizeof(one->document)) == 0 &&
	       memcmp(one->digests, other->digests, sizeof(one->digests)) == 0 &&
	       memcmp(one->signature, other->signature, sizeof(one->signature)) == 0 &&
	       memcmp(one->lengths, other->lengths, sizeof(one->lengths)) == 0 &&
	       memcmp(one->canonical, other->canonical, sizeof(one->canonical)) == 0;
}

Test(fast_kept, an_old_engine_says_what_a_new_one_says, .init = load_official, .fini = unload,
	.timeout = 60)
{
	struct duis_fast_engine *old = duis_fast_engine_create(schemas, BYTES_MAX);
	struct duis_fast_engine *fresh = duis_fast_engine_create(schemas, BYTES_MAX);
	static struct said told[2];
	unsigned valid = 0;
	unsigned right = 0;

	for (unsigned index = 0; index < 20000; index++) {
		struct buffer text = {0};
		uint8_t *exact;

		buffer_text(&text, whole);
		respell(&text);
		for (unsigned count = chance(3); count > 0; count--)
			damage(&text);
		exact = malloc(text.length);
		memcpy(exact, text.bytes, text.length);
		free(text.bytes);
		text.bytes = exact;
		duis_fast_engine_set_variant(
			old, (enum duis_fast_variant)chance(DUIS_FAST_VARIANT_COUNT));
		duis_fast_engine_set_schemas(fresh, schemas); /* forgets everything */
		ask(old, &text, &told[0]);
		ask(fresh, &text, &told[1]);
		cr_expect(same(&told[0], &told[1]), "document %u: %.*s", index, (int)text.length,
			(char *)text.bytes);
		valid += told[0].read == 0;
		right += told[0].read == 0 && told[0].profile == 0;
		free(exact);
	}
	/* Both kinds are there. */
	cr_expect(valid > 5000 && valid < 18000, "%u valid", valid);
	cr_expect_gt(right, 3000, "%u of the right form", right);
	duis_fast_engine_destroy(old);
	duis_fast_engine_destroy(fresh);
}

/* ---- two signatures ---- */

static char folder[64];

static void put_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static void load_two_signatures(void)
{
	char path[128];

	snprintf(folder, sizeof(folder), "/tmp/fast-kept-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	put_file("dsig.xsd",
		"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='" DSIG
		"'><xs:element name='Signature'><xs:complexType mixed='true'><xs:sequence>"
		"<xs:any minOccurs='0' maxOccurs='unbounded' processContents='lax'/></xs:sequence>"
		"</xs:complexType></xs:element></xs:schema>");
	put_file("main.xsd",
		"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='" DUIS "'"
		" xmlns='" DUIS "' xmlns:ds='" DSIG "' elementFormDefault='qualified'>"
		"<xs:import namespace='" DSIG "' schemaLocation='dsig.xsd'/>"
		"<xs:complexType name='R'><xs:sequence><xs:element name='Header'><xs:complexType>"
		"<xs:sequence><xs:element name='CommandVariant' type='xs:int'/></xs:sequence>"
		"</xs:complexType></xs:element><xs:element name='Body'><xs:complexType>"
		"<xs:sequence><xs:element name='s' type='xs:string'/></xs:sequence>"
		"</xs:complexType></xs:element>"
		"<xs:element ref='ds:Signature' minOccurs='0' maxOccurs='3'/></xs:sequence>"
		"<xs:attribute name='schemaVersion' type='xs:decimal'/></xs:complexType>"
		"<xs:element name='Request' type='R'/><xs:element name='Response' type='R'/>"
		"</xs:schema>");
	snprintf(path, sizeof(path), "%s/main.xsd", folder);
	load(path, "5.1");
	unlink(path);
	snprintf(path, sizeof(path), "%s/dsig.xsd", folder);
	unlink(path);
	rmdir(folder);
}

#define OPEN                                                                                       \
	"<Request xmlns=\"" DUIS "\" xmlns:ds=\"" DSIG "\" schemaVersion=\"5.1\"><Header>"         \
	"<CommandVariant>1</CommandVariant></Header><Body><s>x</s></Body>"
#define SIGNATURE "<ds:Signature>a>b<x z='1' a=\"2\"/><!--c-->\r\n<![CDATA[<]]></ds:Signature>"
#define CANONICAL "<ds:Signature>a&gt;b<x a=\"2\" z=\"1\"></x>\n&lt;</ds:Signature>"

/* The last signature is left out, the others are a part of what is digested, although nothing is
 * noted of the first one as long as it is the only one. */
Test(fast_kept, earlier_signatures_are_digested, .init = load_two_signatures, .fini = unload)
{
	static const struct {
		const char *text;
		const char *canonical;
	} documents[] = {
		{OPEN "</Request>", OPEN "</Request>"},
		{OPEN SIGNATURE "</Request>", OPEN "</Request>"},
		{OPEN SIGNATURE SIGNATURE "</Request>", OPEN CANONICAL "</Request>"},
		{OPEN SIGNATURE "\r\n" SIGNATURE SIGNATURE "</Request>",
			OPEN CANONICAL "\n" CANONICAL "</Request>"},
		{OPEN SIGNATURE "</Request>", OPEN "</Request>"},
	};
	struct duis_fast_engine *engine = duis_fast_engine_create(schemas, BYTES_MAX);

	for (unsigned index = 0; index < 2 * sizeof(documents) / sizeof(documents[0]); index++) {
		const char *text = documents[index / 2].text;
		const char *canonical = documents[index / 2].canonical;
		struct duis_document document;
		struct duis_error error;
		uint8_t out[1024];
		int64_t length;

		cr_assert_eq(duis_fast_engine_read(engine, (const uint8_t *)text,
				     (uint32_t)strlen(text), &document, &error),
			0, "%u: %s", index, error.rule);
		length = duis_fast_engine_digested(engine, out, sizeof(out));
		cr_assert_eq(length, (int64_t)strlen(canonical), "%u: %.*s", index, (int)length,
			(char *)out);
		cr_expect_arr_eq(out, canonical, strlen(canonical), "%u: %.*s", index, (int)length,
			(char *)out);
	}
	duis_fast_engine_destroy(engine);
}
