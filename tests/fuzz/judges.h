/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers of documents share: libxml2 as the judge, and the engines to be judged, over the
 * schemas in $MOTORWAY_VAR (default: var/ of the source tree). */
#ifndef FUZZ_JUDGES_H
#define FUZZ_JUDGES_H

#include <stddef.h>
#include <stdint.h>

#include "tests/differential/compare.h"
#include "tests/differential/xsd.h"
#include "tests/fuzz/input.h"

#define JUDGES_ENGINES_MAX 4

struct judges {
	struct oracle *oracle;
	struct xsd *xsd;
	struct engine engines[JUDGES_ENGINES_MAX]; /* the fast variants, the scalar one first */
	size_t engine_count;
	struct engine reference;
	struct compare_tally tally;
};

/* A document before its judges; see judges_look(). */
struct judged {
	struct tokens tokens;
	struct oracle_verdict verdict;
	struct compare_case document;
};

/* Ends the program when something is missing. */
void judges_open(struct judges *judges);

/* Let libxml2 judge bytes[0 .. length), which must stay until judges_forget(). */
void judges_look(struct judges *judges, const uint8_t *bytes, size_t length, struct judged *judged);
void judges_forget(struct judged *judged);

#endif
