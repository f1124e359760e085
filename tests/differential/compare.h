/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One document before an engine and its judges. Equal are the class of the verdict, the canonical
 * forms byte for byte, and the verdict on the signature; the offset of an error lies inside of the
 * construct at fault: from the start of the element, attribute or token to its end.
 *
 * A document can be wrong in several places. libxml2 parses all of it before it validates; a
 * one-pass engine may meet the schema's error first. Either is right, as long as the error is
 * there.
 */
#ifndef DIFFERENTIAL_COMPARE_H
#define DIFFERENTIAL_COMPARE_H

#include "tests/differential/buffer.h"
#include "tests/differential/engines.h"
#include "tests/differential/oracle.h"
#include "tests/differential/signing.h"

#define COMPARE_RULES_MAX 8192

/* What engines said of one document, for comparing them with each other. */
struct compare_answer {
	int result;
	struct duis_document document;
	struct duis_error error;
	int profile_result;
	struct duis_error profile_error;
	int verify_result;
	struct duis_error verify_error;
};

struct compare_tally {
	uint64_t documents;
	uint64_t by_class[ORACLE_CLASS_COUNT];
	uint64_t offsets_checked;
	uint64_t canonical_checked;
	uint64_t profile_kept;
	uint64_t signatures_right;
	uint64_t signatures_wrong;
	uint64_t bounds;			       /* beyond the bounds of the engines */
	uint64_t known;				       /* explained by a known fault of a judge */
	char rules[COMPARE_RULES_MAX][DUIS_RULE_SIZE]; /* distinct ones that were a first error */
	uint32_t rule_table[2 * COMPARE_RULES_MAX];    /* by their hash: index + 1, or 0 */
	size_t rule_count;
};

/* A document and what the judges say of it. */
struct compare_case {
	struct oracle *oracle;
	const struct signing_key *key;
	const struct tokens *tokens;
	const struct oracle_verdict *verdict;
	const struct signing_verdict *signing;
};

/* The verdict of reading and the canonical forms alone, without the signature. As compare_engine().
 */
bool compare_read(struct engine *engine, const struct compare_case *document,
	struct compare_answer *answer, struct compare_tally *tally, struct buffer *reason);

/* Judge one document by `engine`. Returns true when all is as it must be; else false, and adds what
 * differs to `reason`. `answer` is filled in either way. */
bool compare_engine(struct engine *engine, const struct compare_case *document,
	struct compare_answer *answer, struct compare_tally *tally, struct buffer *reason);

/* Whether two engines said the same of a document. */
bool compare_answers(const struct compare_answer *one, const struct compare_answer *other,
	struct buffer *reason);

#endif
