/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "dataplane/duis/fast.h"
#include "tests/fuzz/judges.h"

void judges_open(struct judges *judges)
{
	static const char *const names[] = {"fast-scalar", "fast-avx2", "fast-avx512"};
	static const char *const files[] = {
		"DUIS Schema V5.1.xsd", "MMC Schema V5.1.xsd", "xmldsig-core-schema.xsd"};
	const char *var = getenv("MOTORWAY_VAR");
	char folder[512];
	char paths[3][1024];
	const char *list[3];

	snprintf(folder, sizeof(folder), "%s/duis/xsd", var != NULL ? var : TEST_ROOT "/var");
	for (size_t index = 0; index < 3; index++) {
		snprintf(paths[index], sizeof(paths[index]), "%s/%s", folder, files[index]);
		list[index] = paths[index];
	}
	judges->xsd = xsd_read(list, 3);
	judges->oracle = oracle_create(folder);
	for (int variant = 0; variant < DUIS_FAST_VARIANT_COUNT; variant++)
		if (duis_fast_variant_available(variant) &&
			engine_create(
				&judges->engines[judges->engine_count], names[variant], folder))
			judges->engine_count++;
	fuzz_require(judges->engine_count > 0);
	fuzz_require(engine_create(&judges->reference, "reference", folder));
}

void judges_look(struct judges *judges, const uint8_t *bytes, size_t length, struct judged *judged)
{
	memset(judged, 0, sizeof(*judged));
	tokens_cut(&judged->tokens, bytes, length);
	tokens_annotate(&judged->tokens, judges->xsd);
	oracle_judge(judges->oracle, bytes, length, &judged->tokens, &judged->verdict);
	judged->document = (struct compare_case){
		.oracle = judges->oracle, .tokens = &judged->tokens, .verdict = &judged->verdict};
}

void judges_forget(struct judged *judged)
{
	oracle_release(&judged->verdict);
	tokens_free(&judged->tokens);
}
