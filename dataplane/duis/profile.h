/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one signature profile that motorway accepts and makes. XML Signature allows much more:
 * several references, transforms that drop what was changed, objects that smuggle content into a
 * signed document. None of that is implemented here; a signature has this form or is refused.
 *
 *     Signature                  last child element of the root; only blanks and comments behind
 *       SignedInfo
 *         CanonicalizationMethod exclusive C14N 1.0, no prefix list
 *         SignatureMethod        ECDSA with SHA-256
 *         Reference URI=""       one; no Id, no Type
 *           Transforms/Transform enveloped-signature, the only one
 *           DigestMethod         SHA-256
 *           DigestValue          32 octets
 *       SignatureValue           64 octets, r and s
 *       KeyInfo/X509Data/X509IssuerSerial{X509IssuerName, X509SerialNumber}
 *
 * The digest is that of the inclusive canonical form (C14N 1.0, no comments) of the document
 * without the Signature, because no transform names another one. White space between elements is
 * part of it: a document that is indented after it was signed does not verify.
 *
 * No attribute beyond Algorithm and URI="" is allowed in any of these.
 */
#ifndef DUIS_PROFILE_H
#define DUIS_PROFILE_H

#include <stdint.h>

#include <libxml/tree.h>

#include "dataplane/duis/document.h"

#define DUIS_NAMESPACE "http://www.dccinterface.co.uk/ServiceUserGateway"
#define DUIS_DSIG_NAMESPACE "http://www.w3.org/2000/09/xmldsig#"
#define DUIS_EXCLUSIVE_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define DUIS_ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
#define DUIS_ENVELOPED_SIGNATURE "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define DUIS_SHA256 "http://www.w3.org/2001/04/xmlenc#sha256"

#define DUIS_DIGEST_SIZE 32
#define DUIS_SIGNATURE_VALUE_SIZE 64

/* Room for one Signature element as sign.c writes it. */
#define DUIS_SIGNATURE_BYTES_MAX 4096

/* What a signature of the profile says. */
struct duis_profile {
	uint8_t digest[DUIS_DIGEST_SIZE];
	uint8_t value[DUIS_SIGNATURE_VALUE_SIZE];
	char issuer[DUIS_ISSUER_SIZE];
	uint8_t serial[DUIS_SERIAL_SIZE];
	xmlNodePtr signed_info;
	xmlNodePtr digest_node;
	xmlNodePtr value_node;
};

/* An element that breaks the profile. */
struct duis_profile_breach {
	enum duis_error_code code;
	xmlNodePtr node; /* NULL when an element is missing altogether */
	const char *rule;
};

/* The root's own Signature: its last child of that name, or NULL. */
xmlNodePtr duis_profile_find(xmlNodePtr root);

/* Read the signature of a document that is valid against its schema; `signature` is what
 * duis_profile_find() gave. Returns 0 and fills *profile, or -EBADMSG and fills *breach. */
int duis_profile_read(xmlNodePtr root, xmlNodePtr signature, struct duis_profile *profile,
	struct duis_profile_breach *breach);

#endif
