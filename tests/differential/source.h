/* SPDX-License-Identifier: Apache-2.0 */
/* Where documents come from: official templates, the generator, and changes to both. */
#ifndef DIFFERENTIAL_SOURCE_H
#define DIFFERENTIAL_SOURCE_H

#include "tests/differential/buffer.h"
#include "tests/differential/mutate.h"
#include "tests/differential/oracle.h"
#include "tests/differential/signing.h"

#define SOURCE_STEPS_MAX 12

struct source {
	struct xsd *xsd;
	struct oracle *oracle;
	struct signing_key *key;
	struct xsd_particle *roots[2]; /* Request, Response */
	struct buffer *templates;
	size_t template_count;
	struct mutation mutation;
};

/* One document and how it came about. */
struct sample {
	struct buffer bytes;
	const char *origin;		     /* "template", "request", "response" */
	const char *steps[SOURCE_STEPS_MAX]; /* names of the changes */
	size_t step_count;
	bool filled; /* its signature was made after the last change */
};

/* Read schema and templates. Ends the program with a reason on failure. */
void source_open(struct source *source, const char *xsd_folder, const char *template_folder);
void source_close(struct source *source);

/* Document `index` of the run with `seed`: always the same bytes. */
void source_sample(struct source *source, uint64_t seed, uint64_t index, struct sample *sample);

/* The next document of the walk over the schema; false when all of it is covered. Signed when the
 * schema's own optional Signature was left out. */
bool source_walk(struct source *source, uint64_t index, struct sample *sample);

#endif
