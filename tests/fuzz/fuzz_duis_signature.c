/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of a signature. The input is a byte of flags and texts, parted by NUL, that stand in
 * the fields of a request's signature; flags make DigestValue and SignatureValue right. All
 * variants of the fast engine and the reference engine must say the same of the profile, of issuer
 * and serial and of the signature, whole and in two halves (prepare), and OpenSSL and our own P-256
 * must agree on what the halves leave to them.
 */
#include <string.h>

#include "dataplane/duis/p256.h"
#include "tests/differential/known.h"
#include "tests/differential/signing.h"
#include "tests/fuzz/judges.h"

#define INPUT_BYTES_MAX 8192
#define DUIS "http://www.dccinterface.co.uk/ServiceUserGateway"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"

/* Flags. */
#define RIGHT_DIGEST 0x01
#define RIGHT_SIGNATURE 0x02
#define UNPREFIXED 0x04

static const char before[] =
	"<sr:Request xmlns:sr=\"" DUIS "\" schemaVersion=\"5.1\"><sr:Header><sr:RequestID>"
	"90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:12</sr:RequestID>"
	"<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2</sr:ServiceReference>"
	"<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
	"<sr:ReadInventory><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID></sr:ReadInventory>"
	"</sr:Body>";
static const char after[] = "</sr:Request>";

enum {
	DIGEST_VALUE,
	SIGNATURE_VALUE,
	FIELD_COUNT = 17,
};

/* The signature in pieces: @ stands for the prefix; behind each piece comes a field, which has this
 * text when the input gives none. */
static const struct {
	const char *piece;
	const char *field;
} fields[FIELD_COUNT] = {
	/* The two values first, so that an input that begins with one is about that. */
	[DIGEST_VALUE] = {NULL, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
	[SIGNATURE_VALUE] = {NULL, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				   "AAAAAAAAAAAAAAAAAAAAAAAAAAAA=="},
	{"</@SignatureValue><@KeyInfo><@X509Data><@X509IssuerSerial><@X509IssuerName>",
		"CN=Z1,OU=07"},
	{"</@X509IssuerName><@X509SerialNumber>", "157912473018256130911820417385619284736"},
	{"</@X509SerialNumber></@X509IssuerSerial>", ""},
	{"</@X509Data>", ""},
	{"</@KeyInfo>", ""},
	{"<@Signature xmlns#=\"" DSIG "\" ", ""},
	{"><@SignedInfo ", ""},
	{"><@CanonicalizationMethod Algorithm=\"", "http://www.w3.org/2001/10/xml-exc-c14n#"},
	{"\"/><@SignatureMethod Algorithm=\"",
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
	{"\"/><@Reference URI=\"", ""},
	{"\"><@Transforms><@Transform Algorithm=\"",
		"http://www.w3.org/2000/09/xmldsig#enveloped-signature"},
	{"\">", ""},
	{"</@Transform></@Transforms><@DigestMethod Algorithm=\"",
		"http://www.w3.org/2001/04/xmlenc#sha256"},
	{"\"/><@DigestValue ", ""},
	{"</@Signature>", ""},
};

/* The order in which the fields stand in the document. */
static const uint8_t places[FIELD_COUNT] = {
	7, 8, 9, 10, 11, 12, 13, 14, 15, DIGEST_VALUE, SIGNATURE_VALUE, 2, 3, 4, 5, 6, 16};

static struct judges judges;
static struct signing_key *key;
static struct p256_key *fast_key;
static struct p256_verifier *verifier;
static struct buffer right_digest; /* base64 of the request's digest; it does not depend on the
				      signature */

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
	struct buffer request = {0};
	struct judged judged;
	uint8_t digest[32];

	(void)argument_count;
	(void)arguments;
	judges_open(&judges);
	key = signing_key_create(0);
	fast_key = p256_key_create(signing_key_public(key));
	verifier = p256_verifier_create();
	fuzz_require(fast_key != NULL && verifier != NULL);
	fuzz_require(p256_key_build_table(fast_key) == 0);
	buffer_print(&request, "%s%s", before, after);
	judges_look(&judges, request.bytes, request.length, &judged);
	fuzz_require(judged.verdict.class == ORACLE_VALID);
	EVP_Digest(judged.verdict.canonical, (size_t)judged.verdict.canonical_length, digest, NULL,
		EVP_sha256(), NULL);
	judges_forget(&judged);
	signing_base64(&right_digest, digest, sizeof(digest));
	buffer_free(&request);
	return 0;
}

static void put_piece(struct buffer *document, const char *piece, bool prefixed)
{
	for (const char *at = piece; *at != '\0'; at++) {
		if (*at == '@' && prefixed)
			buffer_text(document, "ds:");
		else if (at[0] == '#' && at[1] == '=' && prefixed)
			buffer_text(document, ":ds");
		else if (*at != '@' && !(at[0] == '#' && at[1] == '='))
			buffer_byte(document, (uint8_t)*at);
	}
}

/* The whole document; `signature` is the right SignatureValue, or NULL. */
static void put_document(struct buffer *document, uint8_t flags, const struct fuzz_part *parts,
	const struct buffer *signature)
{
	bool prefixed = !(flags & UNPREFIXED);

	buffer_clear(document);
	buffer_text(document, before);
	for (size_t index = 0; index < FIELD_COUNT; index++) {
		unsigned place = places[index];

		if (place == DIGEST_VALUE)
			put_piece(document, ">", prefixed);
		else if (place == SIGNATURE_VALUE)
			put_piece(document,
				"</@DigestValue></@Reference></@SignedInfo><@SignatureValue>",
				prefixed);
		else
			put_piece(document, fields[place].piece, prefixed);
		if (place == DIGEST_VALUE && (flags & RIGHT_DIGEST))
			buffer_add(document, right_digest.bytes, right_digest.length);
		else if (place == SIGNATURE_VALUE && signature != NULL)
			buffer_add(document, signature->bytes, signature->length);
		else if (parts[place].length == 0)
			buffer_text(document, fields[place].field);
		buffer_add(document, parts[place].bytes, parts[place].length);
	}
	buffer_text(document, after);
}

/* Sign what the document's SignedInfo is; false when it has none. */
static bool sign(const struct buffer *document, struct buffer *signature)
{
	struct engine *engine = &judges.engines[0];
	struct duis_document described;
	struct duis_error error;
	uint8_t value[64];
	const uint8_t *form;
	size_t length;

	if (engine->read(engine->state, document->bytes, (uint32_t)document->length, &described,
		    &error) != 0 ||
		!described.has_signature)
		return false;
	form = engine->signed_info(engine->state, &length);
	signing_sign(key, form, length, value);
	buffer_clear(signature);
	signing_base64(signature, value, sizeof(value));
	return true;
}

/* What the halves leave to a verifier must be judged alike by OpenSSL and our own P-256. */
static void check_halves(struct engine *engine, const struct compare_answer *answer)
{
	uint8_t digest[32];
	uint8_t signature[64];
	struct duis_error error;
	int result = engine->prepare(engine->state, digest, signature, &error);

	if (result != 0) {
		fuzz_require(answer->verify_result != 0);
		fuzz_require(answer->verify_error.code == error.code);
		return;
	}
	result = p256_verify(verifier, fast_key, digest, signature);
	fuzz_require((result == 0) == (answer->verify_result == 0));
	fuzz_require(answer->verify_result == 0 ||
		     answer->verify_error.code == DUIS_ERROR_SIGNATURE_MISMATCH);
}

static void ask(
	struct engine *engine, const struct compare_case *document, struct compare_answer *answer)
{
	struct buffer reason = {0};

	buffer_clear(&reason);
	if (!compare_read(engine, document, answer, &judges.tally, &reason))
		fuzz_fail(engine->name, (const char *)reason.bytes);
	buffer_free(&reason);
	if (answer->result != 0)
		return;
	answer->profile_result = engine->check_profile(engine->state, &answer->profile_error);
	answer->verify_result =
		engine->verify(engine->state, signing_key_public(key), &answer->verify_error);
	if (engine->prepare != NULL)
		check_halves(engine, answer);
}

static void check(const struct judged *judged)
{
	struct compare_answer answers[2];
	struct buffer reason = {0};

	buffer_clear(&reason);
	ask(&judges.reference, &judged->document, &answers[0]);
	for (size_t index = 0; index < judges.engine_count; index++) {
		ask(&judges.engines[index], &judged->document, &answers[1]);
		if (judged->verdict.class == ORACLE_VALID && !judged->verdict.bad_namespace_name &&
			!known_namespace_reference(&judged->tokens) &&
			!compare_answers(&answers[0], &answers[1], &reason))
			fuzz_fail(judges.engines[index].name, (const char *)reason.bytes);
	}
	buffer_free(&reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct fuzz_part parts[FIELD_COUNT];
	struct buffer document = {0};
	struct buffer signature = {0};
	struct judged judged;
	uint8_t *exact;

	if (length == 0 || length > INPUT_BYTES_MAX)
		return -1;
	fuzz_split(bytes + 1, length - 1, parts, FIELD_COUNT);
	put_document(&document, bytes[0], parts, NULL);
	if ((bytes[0] & RIGHT_SIGNATURE) && sign(&document, &signature))
		put_document(&document, bytes[0], parts, &signature);
	exact = malloc(document.length);
	memcpy(exact, document.bytes, document.length);
	judges_look(&judges, exact, document.length, &judged);
	check(&judged);
	judges_forget(&judged);
	free(exact);
	buffer_free(&signature);
	buffer_free(&document);
	return 0;
}
