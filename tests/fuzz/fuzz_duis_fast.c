/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, as a DUIS document, to the fast engine: each of its variants must give the verdict of
 * libxml2 and the same canonical forms, and all of them the same error at the same offset.
 *
 * Run: MOTORWAY_VAR=var fuzz_duis_fast -dict=tests/fuzz/duis.dict CORPUS var/duis/templates
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "dataplane/duis/fast.h"
#include "tests/differential/compare.h"
#include "tests/differential/xsd.h"

int LLVMFuzzerInitialize(int *argument_count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct oracle *oracle;
static struct xsd *xsd;
static struct engine engines[DUIS_FAST_VARIANT_COUNT];
static size_t engine_count;
static EVP_PKEY *key;
static struct compare_tally tally;

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
	static const char *const names[] = {"fast-scalar", "fast-avx2", "fast-avx512"};
	static const char *const files[] = {
		"DUIS Schema V5.1.xsd", "MMC Schema V5.1.xsd", "xmldsig-core-schema.xsd"};
	const char *var = getenv("MOTORWAY_VAR");
	char folder[512];
	char paths[3][1024];
	const char *list[3];

	(void)argument_count;
	(void)arguments;
	snprintf(folder, sizeof(folder), "%s/duis/xsd", var != NULL ? var : TEST_ROOT "/var");
	for (size_t index = 0; index < 3; index++) {
		snprintf(paths[index], sizeof(paths[index]), "%s/%s", folder, files[index]);
		list[index] = paths[index];
	}
	xsd = xsd_read(list, 3);
	oracle = oracle_create(folder);
	key = EVP_EC_gen("P-256");
	for (int variant = 0; variant < DUIS_FAST_VARIANT_COUNT; variant++)
		if (duis_fast_variant_available(variant) &&
			engine_create(&engines[engine_count], names[variant], folder))
			engine_count++;
	return engine_count > 0 && key != NULL ? 0 : -1;
}

static void fail(const struct engine *engine, const char *reason)
{
	fprintf(stderr, "%s: %s\n", engine->name, reason);
	abort();
}

static void check(const struct compare_case *document)
{
	struct compare_answer first;
	struct compare_answer answer;
	struct duis_error error;
	struct buffer reason = {0};

	buffer_clear(&reason);
	for (size_t index = 0; index < engine_count; index++) {
		struct engine *engine = &engines[index];

		if (!compare_read(engine, document, &answer, &tally, &reason))
			fail(engine, (const char *)reason.bytes);
		if (answer.result == 0 && engine->verify(engine->state, key, &error) == 0)
			fail(engine, "a signature that nobody made");
		if (index == 0)
			first = answer;
		else if (answer.result != first.result || answer.error.code != first.error.code ||
			 answer.error.offset != first.error.offset)
			fail(engine, "another verdict than the scalar variant");
	}
	buffer_free(&reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct oracle_verdict verdict;
	struct tokens tokens = {0};
	struct compare_case document = {.oracle = oracle, .tokens = &tokens, .verdict = &verdict};

	tokens_cut(&tokens, bytes, length);
	tokens_annotate(&tokens, xsd);
	oracle_judge(oracle, bytes, length, &tokens, &verdict);
	check(&document);
	oracle_release(&verdict);
	tokens_free(&tokens);
	return 0;
}
