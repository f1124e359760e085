/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing and verifying by other hands: canonical forms from oracle.h, ECDSA from OpenSSL, and
 * xmlsec1 as the judge of whole documents. Signatures are made with a nonce that follows from key
 * and message, so that the same document is signed alike in every run.
 */
#ifndef DIFFERENTIAL_SIGNING_H
#define DIFFERENTIAL_SIGNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "tests/differential/buffer.h"
#include "tests/differential/oracle.h"

#define SIGNING_ISSUER "CN=Test Issuer,OU=07"
#define SIGNING_SERIAL "157912473018256130911820417385619284736"

struct signing_key;

/* The key number `number`: always the same one. */
struct signing_key *signing_key_create(unsigned number);
void signing_key_destroy(struct signing_key *key);
EVP_PKEY *signing_key_public(const struct signing_key *key);

/* Raw r and s over SHA-256 of message. */
void signing_sign(
	const struct signing_key *key, const uint8_t *message, size_t length, uint8_t value[64]);

/* Add base64 of octets[0 .. count), in one line. */
void signing_base64(struct buffer *out, const uint8_t *octets, size_t count);

/* Put a Signature of the DUIS profile, still without its values, before the root's end tag.
 * `prefix` is the one of the Signature's elements, "" for none. */
void signing_append(struct buffer *document, const char *prefix);

/* Fill in DigestValue and SignatureValue of the document's last Signature so that they are right.
 * The document must be valid. Returns false when there is nothing to fill in. */
bool signing_fill(struct oracle *oracle, const struct signing_key *key, struct buffer *document);

struct signing_verdict {
	bool digest_right;    /* by libxml2 and OpenSSL */
	bool signature_right; /* by libxml2 and OpenSSL */
	bool xmlsec_right;    /* by xmlsec1: all of it */
};

/* Verify the root's Signature of a valid document by both judges. */
void signing_verify(const struct oracle_verdict *verdict, const uint8_t *bytes, size_t length,
	const struct signing_key *key, struct signing_verdict *result);

/* Start and end the use of xmlsec1. */
void signing_begin(void);
void signing_end(void);

#endif
