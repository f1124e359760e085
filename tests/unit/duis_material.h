/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of dataplane/duis share: the official material that scripts/setup fetched, and
 * documents made from it. Every function fails the test when it cannot do its work. */
#ifndef DUIS_MATERIAL_H
#define DUIS_MATERIAL_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/duis/reference.h"
#include "dataplane/duis/sign.h"

#define SUPPLIER "xml-sign-90B3D51F30010000-ds"
#define DSP "dsp-xml-sign-90B3D51F30000002-ds"
#define ACCESS_CONTROL_BROKER "Z1-accessControlBroker-ds"

#define SR "http://www.dccinterface.co.uk/ServiceUserGateway"

/* A request without signature, canonical: SRV 4.6.1, command variant 1. */
extern const char material_request[];
/* The same for SRV 5.1 with the schedule of 4.2, which only MP162 allows. */
extern const char material_schedule[];
/* A response with a GBCSPayload, canonical, without signature. */
extern const char material_response[];

struct bytes {
	uint8_t *data;
	uint32_t length;
};

/* Path of a file below $MOTORWAY_VAR/duis, in a buffer that the next call reuses. */
const char *material_path(const char *folder, const char *name);

struct bytes material_file(const char *path);
struct bytes bytes_of(const char *text);
void bytes_free(struct bytes *bytes);

/* A copy of `text` with its first `from` replaced by `to`; `from` must be there. */
struct bytes replaced(const char *text, const char *from, const char *to);
struct bytes bytes_replaced(const struct bytes *bytes, const char *from, const char *to);

/* Schemas 5.1 and 5.4, both the 5.1 XSD with conf/schema/mp162.yaml. */
struct duis_reference_schemas *material_schemas(void);

/* What is digested of the document read last; lent by the engine until the next read. */
struct bytes material_digested(const struct duis_reference_engine *engine);

struct duis_signer *material_signer(const char *name);

/* A certificate file (PEM), its issuer and serial normalised. */
struct material_certificate {
	char issuer[DUIS_ISSUER_SIZE];
	uint8_t serial[DUIS_SERIAL_SIZE];
	uint64_t eui;
	EVP_PKEY *key;
};
struct material_certificate material_certificate(const char *name);

/* Sign canonical text as the owner of `name`. */
struct bytes material_signed(const char *text, const char *name);

/* The inclusive canonical form of a document, without its root's last Signature if there is one. */
struct bytes material_canonical(const struct bytes *document);

#endif
