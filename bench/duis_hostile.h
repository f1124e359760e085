/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are made to be expensive, each about a megabyte, all of it in one place where it
 * may stand: valid as far as it can be, so that it is read to the end. */
#ifndef BENCH_DUIS_HOSTILE_H
#define BENCH_DUIS_HOSTILE_H

#include <stdbool.h>

#include "tests/differential/buffer.h"

enum hostile_place {
	HOSTILE_IN_OBJECT,    /* of the signature, where any elements are */
	HOSTILE_IN_KEY_INFO,  /* between its elements */
	HOSTILE_IN_BODY,      /* between elements that are digested */
	HOSTILE_IN_VALUE,     /* in the text of an element that is digested */
	HOSTILE_IN_ATTRIBUTE, /* in the value of xsi:schemaLocation of the root */
	HOSTILE_BEHIND_ERROR, /* behind an element that is not allowed */
};

struct hostile {
	const char *name;
	const char *what;
	enum hostile_place place;
	void (*fill)(struct buffer *out);
	bool read; /* read() refuses it; otherwise the signature's profile or digest does */
	bool dear; /* known to cost more than twice as much as a valid message; see doc/engine.md */
};

extern const struct hostile hostile_documents[];
extern const size_t hostile_count;

/* Write the whole document. */
void hostile_write(const struct hostile *hostile, struct buffer *out);

#endif
