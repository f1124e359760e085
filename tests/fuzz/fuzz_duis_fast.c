/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, as a DUIS document, to the fast engine: each of its variants must give the verdict of
 * libxml2 and the same canonical forms, and all of them the same error at the same offset.
 *
 * Run: MOTORWAY_VAR=var fuzz_duis_fast -dict=tests/fuzz/duis.dict CORPUS var/duis/templates
 */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "tests/fuzz/judges.h"

static struct judges judges;
static EVP_PKEY *key;

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
	(void)argument_count;
	(void)arguments;
	judges_open(&judges);
	key = EVP_EC_gen("P-256");
	return key != NULL ? 0 : -1;
}

static void check(const struct compare_case *document)
{
	struct compare_answer first;
	struct compare_answer answer;
	struct duis_error error;
	struct buffer reason = {0};

	buffer_clear(&reason);
	for (size_t index = 0; index < judges.engine_count; index++) {
		struct engine *engine = &judges.engines[index];

		if (!compare_read(engine, document, &answer, &judges.tally, &reason))
			fuzz_fail(engine->name, (const char *)reason.bytes);
		if (answer.result == 0 && engine->verify(engine->state, key, &error) == 0)
			fuzz_fail(engine->name, "a signature that nobody made");
		if (index == 0)
			first = answer;
		else if (answer.result != first.result || answer.error.code != first.error.code ||
			 answer.error.offset != first.error.offset)
			fuzz_fail(engine->name, "another verdict than the scalar variant");
	}
	buffer_free(&reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct judged judged;

	judges_look(&judges, bytes, length, &judged);
	check(&judged.document);
	judges_forget(&judged);
	return 0;
}
