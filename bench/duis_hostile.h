/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are made to be expensive, each about a megabyte: valid where they can be (the bulk
 * sits in a ds:Object, where any elements are), refused where a bound says so. */
#ifndef BENCH_DUIS_HOSTILE_H
#define BENCH_DUIS_HOSTILE_H

#include <stdbool.h>

#include "tests/differential/buffer.h"

struct hostile {
	const char *name;
	const char *what;
	void (*fill)(struct buffer *out); /* the content of ds:Object */
	bool refused;			  /* beyond a bound */
};

extern const struct hostile hostile_documents[];
extern const size_t hostile_count;

/* Write the whole document. */
void hostile_write(const struct hostile *hostile, struct buffer *out);

#endif
