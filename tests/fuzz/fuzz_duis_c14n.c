/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical forms. Ten texts of the input, parted by NUL, are put where a DUIS response may hold
 * nearly anything: around the root, into tags, into mixed content inside and outside of the root's
 * signature. Every variant of the fast engine must then give libxml2's verdict, and for a document
 * that both read libxml2's two canonical forms, byte for byte, and their hashes.
 */
#include <string.h>

#include "tests/fuzz/judges.h"

#define PARTS 10
#define INPUT_BYTES_MAX 16384

#define DUIS "http://www.dccinterface.co.uk/ServiceUserGateway"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define REFERENCE                                                                                  \
	"<ds:SignatureMethod Algorithm=\"urn:a\"/><ds:Reference>"                                  \
	"<ds:DigestMethod Algorithm=\"urn:a\"/><ds:DigestValue>AAAA</ds:DigestValue>"              \
	"</ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue>"

/* What stands behind each part; part 0 is the very beginning. */
static const char *const behind[PARTS] = {
	"<Response xmlns=\"" DUIS "\" xmlns:ds=\"" DSIG "\" ",
	" schemaVersion=\"5.1\"><Header><ResponseCode>I0</ResponseCode>"
	"<ResponseDateTime>2026-01-01T00:00:00Z</ResponseDateTime></Header><Body><DCCAlertMessage>"
	"<DCCAlertCode>N1</DCCAlertCode><DCCAlert><S1SPAlertDSP><S1SPAlert schemaVersion=\"5.1\">"
	"<S1SPAlertCode>",
	"</S1SPAlertCode><DateTime>2026-01-01T00:00:00Z</DateTime><ds:Signature><ds:SignedInfo>"
	"<ds:CanonicalizationMethod Algorithm=\"urn:a\"/>" REFERENCE "<ds:Object ",
	">",
	"</ds:Object></ds:Signature></S1SPAlert></S1SPAlertDSP></DCCAlert></DCCAlertMessage></Body>"
	"<ds:Signature ",
	"><ds:SignedInfo ",
	"><ds:CanonicalizationMethod Algorithm=\"urn:a\">",
	"</ds:CanonicalizationMethod>" REFERENCE "</ds:Signature>",
	"</Response>",
	"",
};

static struct judges judges;

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
	(void)argument_count;
	(void)arguments;
	judges_open(&judges);
	return 0;
}

static void check(const struct judged *judged)
{
	struct compare_answer answer;
	struct buffer reason = {0};

	buffer_clear(&reason);
	for (size_t index = 0; index < judges.engine_count; index++) {
		struct engine *engine = &judges.engines[index];

		if (!compare_read(engine, &judged->document, &answer, &judges.tally, &reason))
			fuzz_fail(engine->name, (const char *)reason.bytes);
	}
	buffer_free(&reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct fuzz_part parts[PARTS];
	struct buffer document = {0};
	struct judged judged;
	uint8_t *exact;

	if (length > INPUT_BYTES_MAX)
		return -1;
	fuzz_split(bytes, length, parts, PARTS);
	for (size_t index = 0; index < PARTS; index++) {
		buffer_add(&document, parts[index].bytes, parts[index].length);
		buffer_text(&document, behind[index]);
	}
	exact = malloc(document.length);
	memcpy(exact, document.bytes, document.length);
	judges_look(&judges, exact, document.length, &judged);
	check(&judged);
	judges_forget(&judged);
	free(exact);
	buffer_free(&document);
	return 0;
}
