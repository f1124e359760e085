/* SPDX-License-Identifier: Apache-2.0 */
/* Values of simple types: valid ones, and ones at and just beyond every facet's edge. */
#ifndef DIFFERENTIAL_VALUE_H
#define DIFFERENTIAL_VALUE_H

#include "tests/differential/buffer.h"
#include "tests/differential/chance.h"
#include "tests/differential/xsd.h"

/* Add a valid value of `simple`, unescaped UTF-8. `number` makes values of xs:ID unique. */
void value_make(struct chance *chance, const struct xsd_simple *simple, unsigned number,
	struct buffer *out);

/* Add a value near an edge of `simple`, valid or not, unescaped. */
void value_near(struct chance *chance, const struct xsd_simple *simple, struct buffer *out);

/* Add a text that matches the pattern (the subset of XSD's expressions that the schemas use). */
void value_from_pattern(struct chance *chance, const char *pattern, struct buffer *out);

/* Add `text` as character data (or, with a quote, as part of an attribute value), escaped. */
void value_escape(struct buffer *out, const uint8_t *text, size_t length, char quote);

#endif
