/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference data as the edge lcores read it: users, certificates, providers, the rules of each
 * SRV, and the mapping of the registry image, which has the devices. A registry is built aside from
 * the records that control sends, published whole by one pointer, and freed after every lcore has
 * passed a quiescent state. Once built it is read-only: any number of lcores may look things up.
 */
#ifndef DATAPLANE_REGISTRY_H
#define DATAPLANE_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/access_rules.h"
#include "dataplane/anomaly.h"
#include "dataplane/duis/document.h"
#include "dataplane/hash_index.h"
#include "dataplane/image_share.h"
#include "dataplane/key_store.h"
#include "dataplane/limits.h"
#include "motorway/control_protocol.h"
#include "motorway/timing_record.h"
#include "motorway/window_record.h"

struct registry_user {
	uint64_t eui;
	uint32_t roles;
	uint32_t organisation; /* 0: none */
	bool active;
	char name[MW_NAME_SIZE];
	char callback_url[MW_URL_SIZE];
	char duis_version[MW_SCHEMA_VERSION_SIZE]; /* "": not known */
};

struct registry_certificate {
	uint64_t eui; /* of its owner */
	uint8_t serial[DUIS_SERIAL_SIZE];
	char issuer[DUIS_ISSUER_SIZE];
	struct stored_key *key; /* held by the registry; used read-only by lcores */
};

struct registry_provider {
	enum mw_provider_kind kind;
	char name[MW_NAME_SIZE]; /* "" = no provider with this id */
	char url[MW_URL_SIZE];
};

struct registry_srv {
	char srv[MW_SRV_SIZE];
	char service_reference[MW_SRV_SIZE];
	char body_element[MW_ELEMENT_NAME_SIZE];
	uint32_t roles;
	uint16_t command_variants; /* bit n: CV n; the sets below as in mw_control_srv_rule */
	uint16_t device_types;
	uint16_t device_statuses;
	bool control_answers;
	bool non_device;
	uint8_t generations;
	uint8_t mdr_generations;
	uint8_t modes;
	uint8_t uplift_modes;
	uint8_t direction;
	char mdr_generation_code[MW_CODE_SIZE];
	struct mw_timing timing[MW_TIMING_ROLES][MW_TIMING_GENERATIONS][MW_TIMING_MODE_COUNT];
};

struct registry {
	uint64_t generation;
	struct key_store *keys; /* borrowed */
	uint32_t user_count, certificate_count, provider_count, srv_count;
	int transform_provider; /* id, or -1 */
	struct registry_user *users;
	struct registry_certificate *certificates;
	struct image_share *image; /* held; NULL until registry_set_image() */
	struct registry_srv *srvs;
	struct access_rules access;
	char version_mismatch_code[MW_CODE_SIZE]; /* DCCAlertCode; "": none is known */
	struct anomaly_threshold *thresholds;
	uint32_t threshold_count;
	struct mw_window_record *windows; /* windows_create() takes them */
	uint32_t window_count;
	struct registry_provider providers[PROVIDERS_MAX];
	struct hash_index user_index, certificate_index, srv_index;
};

/* Begin an empty registry for reference set `generation`, whose keys are in `keys` (borrowed). Link
 * thread. NULL with ENOMEM. */
struct registry *registry_create(uint64_t generation, struct key_store *keys);

/* Free a registry with everything in it (NULL is allowed). Only when no lcore reads it any more. */
void registry_destroy(struct registry *registry);

/* Add one record as it came from the control socket: type (enum mw_control_type) and its payload.
 * Returns 0, -EBADMSG (malformed), -EEXIST (its key is there already), -ENOSPC (limits.h),
 * -ENOENT (a certificate's user or an SRV's rule came not before it), or -ENOMEM.
 * Link thread, before the registry is published. */
int registry_add(struct registry *registry, uint16_t type, const uint8_t *payload, uint32_t length);

/* Give it the devices; the registry lets go of them when it is destroyed. 0 or -EEXIST. Link
 * thread, before the registry is published. */
int registry_set_image(struct registry *registry, struct image_share *image);

/* Let the tables of the registry's keys be built, in the order of its certificates, in place of
 * those of the registry before. Does not wait for them. Link thread, when the registry is in force.
 */
void registry_want_tables(const struct registry *registry);

/* Look-ups: NULL when there is no such entry. Any lcore. */
const struct registry_user *registry_user(const struct registry *registry, uint64_t eui);
const struct registry_srv *registry_srv(const struct registry *registry, const char *srv);
const struct registry_certificate *registry_certificate(const struct registry *registry,
	const char *issuer, const uint8_t serial[DUIS_SERIAL_SIZE]);

/* When an answer is due and in which windows the request goes: for the first of `roles`, a device
 * of `generation`. Any lcore. */
const struct mw_timing *registry_timing(const struct registry_srv *srv, uint32_t roles,
	uint8_t generation, enum mw_timing_mode mode);

/* The id of the provider called name[0 .. length), or -1. */
int registry_provider_find(const struct registry *registry, const char *name, size_t length);

#endif
