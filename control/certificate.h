/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user's certificate for XML signing must be, whatever the time: P-256, signed by
 * ecdsa-with-SHA256, with the user's EUI-64 (x500UniqueIdentifier) and a role (organisationalUnit,
 * two hexadecimal digits) in its subject. Who issued it and whether it is valid now is trust.h's
 * business. Source: SMKI organisation certificates; which roles may sign XML for whom: assumed,
 * doc/users.md. Pure; any thread.
 */
#ifndef CONTROL_CERTIFICATE_H
#define CONTROL_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "dataplane/duis/document.h"

#define CERTIFICATE_REASON_SIZE 192
#define CERTIFICATE_PEM_BYTES_MAX 65536

/* Remote party roles of SMKI, as the subject's OU says them in hexadecimal. */
enum certificate_role {
	CERTIFICATE_SUPPLIER = 0x02,
	CERTIFICATE_NETWORK_OPERATOR = 0x03,
	CERTIFICATE_LOAD_CONTROLLER = 0x08,
	CERTIFICATE_OTHER = 0x7f,
	CERTIFICATE_XML_SIGN = 0x87,
	CERTIFICATE_DSP_XML_SIGN = 0x89,
};

struct certificate {
	X509 *x509; /* owned */
	uint64_t eui;
	uint8_t role; /* enum certificate_role, or another */
	char issuer[DUIS_ISSUER_SIZE];
	uint8_t serial[DUIS_SERIAL_SIZE];
	int64_t from_ms; /* notBefore and notAfter, ms since 1970 */
	int64_t to_ms;
};

/* Whose it shall be. */
struct certificate_owner {
	uint64_t eui;
	uint32_t roles; /* set of enum mw_role; 0: none yet */
	uint64_t dsp_eui;
};

/* Read DER and check all that needs no owner. 0, then certificate_free() follows; -EINVAL and
 * `reason`. */
int certificate_read(const uint8_t *der, size_t length, struct certificate *certificate,
	char reason[CERTIFICATE_REASON_SIZE]);
void certificate_free(struct certificate *certificate);

/* Whether it fits its owner; if not, `reason` says why. */
bool certificate_fits(const struct certificate *certificate, const struct certificate_owner *owner,
	char reason[CERTIFICATE_REASON_SIZE]);

/* A SHA-256 of issuer and serial number, by which signatures name it: one certificate each. */
void certificate_identity(const struct certificate *certificate, uint8_t identity[32]);

/* The one certificate in `bytes`, which are PEM or DER, as DER into `der`. Its length; -EINVAL and
 * `reason`. */
int certificate_decode(const void *bytes, size_t length, uint8_t *der, size_t room,
	char reason[CERTIFICATE_REASON_SIZE]);

/* An ASN.1 time in ms since 1970; INT64_MAX when it is none. */
int64_t certificate_time_ms(const ASN1_TIME *time);

#endif
