/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peers of the DUIS benches, each used as its own documentation says is fast: schema compiled
 * once, parser and validator reused where they can be, no network, no entities. Functions return
 * the number of documents, or 0 when a peer finds one of them not valid.
 */
#ifndef BENCH_DUIS_PEERS_H
#define BENCH_DUIS_PEERS_H

#include <stddef.h>
#include <stdint.h>

#include "bench/duis_corpus.h"

struct peers;

/* Compile the schema with libxml2 (with its integer type replaced), make parsers, start xmlsec1.
 * Ends the program with a reason on failure. */
struct peers *peers_create(const struct corpus *corpus);
void peers_destroy(struct peers *peers);

/* libxml2: DOM, then validation against the compiled schema. */
uint64_t peers_dom_schema(struct peers *peers);

/* libxml2: SAX2 parser with no handlers. */
uint64_t peers_sax(struct peers *peers);

/* expat: namespace parser with no handlers, reset for each document. */
uint64_t peers_expat(struct peers *peers);

/* libxml2: both canonical forms, from DOMs made before (the signature is left out by a filter). */
uint64_t peers_c14n(struct peers *peers);

/* OpenSSL: SHA-256 over the canonical bytes at once. */
uint64_t peers_sha256(struct peers *peers);

/* libxml2 and xmlsec1: DOM, schema, verification with a key at hand; the first `count` documents.
 */
uint64_t peers_xmlsec(struct peers *peers, size_t count);

#endif
