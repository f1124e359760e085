/* SPDX-License-Identifier: Apache-2.0 */
/* Small changes to a document, at every level from its structure down to its bytes. */
#ifndef DIFFERENTIAL_MUTATE_H
#define DIFFERENTIAL_MUTATE_H

#include <stdbool.h>

#include "tests/differential/buffer.h"
#include "tests/differential/chance.h"
#include "tests/differential/tokens.h"
#include "tests/differential/xsd.h"

/* One change. `document` is changed in place; `tokens` are those of the document before. */
struct mutation {
	struct chance *chance;
	struct xsd *xsd;
	struct buffer *document;
	struct tokens tokens;
};

/* Apply one change by chance. `keep`: only of the kinds that leave a valid document valid (nearly
 * always: a value or a name may forbid it). Returns the name of the change, or NULL when the kind
 * that was drawn found no place. */
const char *mutate(struct mutation *mutation, bool keep);

/* Free what the mutation holds, apart from the document. */
void mutate_release(struct mutation *mutation);

/* ---- what the kinds share ---- */

/* An element token by chance, or TOKEN_NONE; `below`: not the root. */
size_t mutate_pick_element(struct mutation *mutation, bool below);

/* An element token whose declaration has a simple type or simple content, or TOKEN_NONE. */
size_t mutate_pick_simple(struct mutation *mutation);

/* A start tag token whose type holds elements only. */
size_t mutate_pick_complex(struct mutation *mutation);

/* A text token inside of a simple-typed element, not empty, or TOKEN_NONE. */
size_t mutate_pick_text(struct mutation *mutation);

void mutate_insert(struct mutation *mutation, size_t at, const char *text);
void mutate_replace(struct mutation *mutation, size_t begin, size_t end, const char *text);

/* The prefix that `uri` has at token `index` ("" for the default one); false when it has none. */
bool mutate_prefix(
	const struct mutation *mutation, size_t index, const char *uri, char *prefix, size_t size);

/* One kind of change: returns false when the document has no place for it. */
struct mutate_kind {
	const char *name;
	bool (*apply)(struct mutation *mutation);
	unsigned weight;
	bool keeps;
};

extern const struct mutate_kind mutate_structure_kinds[];
extern const struct mutate_kind mutate_value_kinds[];
extern const struct mutate_kind mutate_lexical_kinds[];
extern const struct mutate_kind mutate_name_kinds[];
extern const struct mutate_kind mutate_byte_kinds[];
extern const struct mutate_kind mutate_signature_kinds[];

#endif
