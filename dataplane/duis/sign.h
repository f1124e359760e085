/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing with the profile of doc/signature-profile.md: enveloped signature as last child of the
 * root, digest over the inclusive canonical form, ECDSA P-256 / SHA-256 over the exclusive
 * canonical form of SignedInfo, raw r||s, KeyInfo = issuer and serial.
 */
#ifndef DUIS_SIGN_H
#define DUIS_SIGN_H

#include <stddef.h>
#include <stdint.h>

struct duis_signer;

/* Load a P-256 private key (PKCS #8, DER or PEM) and its certificate (PEM or DER). Start-up only.
 * Returns NULL with errno and one line in `reason`. One signer for each thread: it holds OpenSSL
 * contexts. Free with duis_signer_destroy(), which wipes the key. */
struct duis_signer *duis_signer_create(
	const char *key_path, const char *certificate_path, char *reason, size_t reason_size);
void duis_signer_destroy(struct duis_signer *signer);

/* Bytes that signing adds to a document, at most. */
size_t duis_signer_overhead(const struct duis_signer *signer);

/* Sign a document in place. document[0 .. length) is the inclusive canonical form of a document
 * without signature, ending in the root's end tag; capacity is the room behind `document`.
 * The signature is inserted before the root's end tag. Returns the new length, -ENOBUFS when
 * capacity is short, -EINVAL when there is no end tag, -EIO when OpenSSL fails. */
int duis_signer_sign(struct duis_signer *signer, uint8_t *document, size_t length, size_t capacity);

#endif
