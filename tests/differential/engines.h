/* SPDX-License-Identifier: Apache-2.0 */
/* The engines that can be compared, behind one table. */
#ifndef DIFFERENTIAL_ENGINES_H
#define DIFFERENTIAL_ENGINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/duis/document.h"

#define ENGINE_DOCUMENT_BYTES_MAX (16u << 20)

struct engine {
	const char *name;
	void *state;
	int (*read)(void *state, const uint8_t *bytes, uint32_t length,
		struct duis_document *document, struct duis_error *error);
	int (*check_profile)(void *state, struct duis_error *error);
	int (*verify)(void *state, EVP_PKEY *key, struct duis_error *error);
	/* The two halves of verify() around the signature check itself. */
	int (*prepare)(void *state, uint8_t signed_digest[32], uint8_t signature[64],
		struct duis_error *error);
	void (*mismatch)(void *state, struct duis_error *error);
	/* The canonical form of the document read last; valid until the next read. */
	const uint8_t *(*canonical)(void *state, size_t *length);
	/* The same of SignedInfo; NULL when the engine does not give it. */
	const uint8_t *(*signed_info)(void *state, size_t *length);
	/* SHA-256 of both, the second only with a signature; NULL likewise. */
	void (*digest)(void *state, uint8_t document[32], uint8_t signed_info[32]);
	/* Whether the canonical form, `length` octets, is written into just that room, refused one
	 * octet less, and measured right; NULL likewise. */
	bool (*fits)(void *state, size_t length);
	void (*destroy)(void *state);
};

/* Make the engine `name` ("reference", "fast", "fast-scalar", "fast-avx2", "fast-avx512") over the
 * schema in `xsd_folder`, for the versions 5.1 and 5.4. Returns false, with the reason on standard
 * error, when there is no such engine here. */
bool engine_create(struct engine *engine, const char *name, const char *xsd_folder);

/* The names that this build knows, for a usage text. */
const char *engine_names(void);

#endif
