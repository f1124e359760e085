/* SPDX-License-Identifier: Apache-2.0 */
/* Signed documents, schemas and keys for the DUIS benches. All functions end the program with a
 * reason when they cannot do their work; nothing is freed before the program ends. */
#ifndef BENCH_DUIS_CORPUS_H
#define BENCH_DUIS_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "dataplane/duis/fast.h"
#include "dataplane/duis/p256.h"

#define CORPUS_DOCUMENT_BYTES_MAX (4u << 20)

/* One signed document, with an engine of its own that has read it. */
struct corpus_document {
	uint8_t *bytes;
	uint32_t length;
	struct duis_fast_engine *ready; /* after corpus_make_ready() */
	uint8_t *canonical;		/* both canonical forms, one behind the other */
	size_t canonical_length;
	EVP_PKEY *public_key; /* of the signer */
};

struct corpus_key {
	char issuer[DUIS_ISSUER_SIZE];
	uint8_t serial[DUIS_SERIAL_SIZE];
	EVP_PKEY *public_key;
	struct p256_key *key; /* see corpus_build_tables() */
};

struct corpus {
	struct corpus_document *documents;
	size_t count;
	size_t bytes; /* of all of them */
	struct duis_fast_schemas *schemas;
	struct duis_fast_engine *engine; /* for reading any of them */
	struct corpus_key *keys;
	size_t key_count;
};

/* Load var/bench/NAME, which bench/make-corpus made (it is run when it has not), and the schemas,
 * or take those of `other` when it is not NULL. */
void corpus_load(struct corpus *corpus, const char *name, const struct corpus *other);

/* Give each document an engine that has read it, and its canonical forms. */
void corpus_make_ready(struct corpus *corpus);

/* Load all certificates, or take those of `other` when it is not NULL. Tells each document its
 * signer's public key. */
void corpus_load_keys(struct corpus *corpus, const struct corpus *other);

/* Build the tables of the keys that signed the first `count` documents; 35 ms each. */
void corpus_build_tables(struct corpus *corpus, size_t count);

/* The key of an issuer and serial number, or NULL. */
const struct corpus_key *corpus_find_key(
	const struct corpus *corpus, const struct duis_document *document);

/* An engine over the corpus's schemas. */
struct duis_fast_engine *corpus_engine(const struct corpus *corpus, uint32_t document_bytes_max);

#endif
