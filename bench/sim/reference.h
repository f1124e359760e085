/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulator knows of the world: the gateway's own reference data (users, devices,
 * providers, who may send what), and the users' private keys.
 */
#ifndef SIM_REFERENCE_H
#define SIM_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/evp.h>

#include "control/conf.h"
#include "dataplane/duis/document.h"
#include "dataplane/duis/sign.h"
#include "motorway/duis_terms.h"

#define REFERENCE_CERTIFICATES_MAX 8
#define REFERENCE_DEVICE_TYPE_SIZE 16

struct reference_certificate {
	char issuer[DUIS_ISSUER_SIZE];
	uint8_t serial[DUIS_SERIAL_SIZE];
	EVP_PKEY *key;
};

struct reference_user {
	uint64_t eui;
	uint32_t roles; /* set of enum mw_role */
	bool active;
	char name[MW_NAME_SIZE];
	char callback_url[MW_URL_SIZE];
	struct reference_certificate certificates[REFERENCE_CERTIFICATES_MAX];
	uint32_t certificate_count;
	struct duis_signer *signer; /* NULL: no private key here; this user only receives */
};

struct reference_device {
	uint64_t device_id;
	uint32_t provider; /* index into providers */
	enum mw_generation generation;
	char type[REFERENCE_DEVICE_TYPE_SIZE]; /* "ESME"; "" when not given */
	uint32_t status;		       /* bit enum mw_device_status; 0 when not given */
};

struct reference_provider {
	char name[MW_NAME_SIZE];
	enum mw_provider_kind kind;
	char url[MW_URL_SIZE];
	char path[MW_URL_SIZE]; /* of the URL */
};

struct reference_srv {
	char srv[MW_SRV_SIZE];
	char service_reference[MW_SRV_SIZE];
	uint32_t roles;
	uint16_t command_variants; /* bit n: CV n is allowed */
	bool non_device;
	bool control_answers;
	uint8_t mdr_generations; /* bit enum mw_generation */
	char mdr_generation_code[MW_CODE_SIZE];
	uint32_t device_statuses; /* bit enum mw_device_status; 0: any */
};

struct reference {
	struct reference_user *users;
	uint32_t user_count;
	struct reference_device *devices;
	uint32_t device_count;
	struct reference_provider *providers;
	uint32_t provider_count;
	struct reference_srv *srvs;
	uint32_t srv_count;
	struct reference_certificate dsp;
	uint64_t dsp_eui;
};

/* Read the files that `conf` names, the users' certificates, their keys under `var` (NULL: no keys)
 * and the DSP's certificate. Start-up. Returns 0, or -errno after writing what is wrong to
 * `errors`. Free with reference_clear(), also after a failure. */
int reference_read(
	struct reference *reference, const struct conf *conf, const char *var, FILE *errors);
void reference_clear(struct reference *reference);

/* Each: the entry, or NULL. */
const struct reference_user *reference_user(const struct reference *reference, uint64_t eui);
const struct reference_device *reference_device(const struct reference *reference, uint64_t id);
const struct reference_srv *reference_srv(const struct reference *reference, const char *srv);

/* May this user send `srv` in command variant `command_variant` to a device of `generation` (0: to
 * the DSP)? What the gateway's answers table calls role-not-permitted, command-variant and
 * generation, found from the same data by other code. */
bool reference_may_send(const struct reference_user *user, const struct reference_srv *srv,
	uint8_t command_variant, enum mw_generation generation);

/* The certificate of `user` with this issuer and serial, or NULL. */
const struct reference_certificate *reference_certificate(const struct reference_user *user,
	const char *issuer, const uint8_t serial[DUIS_SERIAL_SIZE]);

#endif
