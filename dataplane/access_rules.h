/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of access control as masks, ready to be asked by polling cores: the checks in their
 * order, and for each role and direction the entitlements that count (conf/access/checks.yaml). The
 * rows of the matrix are struct registry_srv.
 */
#ifndef DATAPLANE_ACCESS_RULES_H
#define DATAPLANE_ACCESS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "motorway/control_protocol.h"

#define ACCESS_ROLES_ALL ((1u << MW_ROLE_COUNT) - 1)

struct access_rules {
	uint8_t count; /* MW_ACCESS_CHECK_COUNT, or 0: no rules have come, nothing is permitted */
	uint8_t order[MW_ACCESS_CHECK_COUNT];		 /* enum mw_access_check */
	char codes[MW_ACCESS_CHECK_COUNT][MW_CODE_SIZE]; /* by enum mw_access_check */
	uint32_t uplift_version;			 /* as access_version() gives it */
	uint32_t uplift_roles;
	uint32_t local_roles;
	uint32_t unlinked_roles;
	uint32_t unregistered_roles; /* are asked for no entitlement */
	uint16_t unlinked_types;
	uint16_t unlinked_statuses;
	uint16_t local_statuses;
	uint16_t local_variants;
	uint16_t future_dated_variants;
	uint16_t kinds[MW_DIRECTION_COUNT][MW_ROLE_COUNT]; /* sets of enum mw_entitlement */
};

/* Compile the record of control's. Returns 0, or -EBADMSG when a check is missing or there twice, a
 * text has no end or a number is none of its enum. Pure. */
int access_rules_read(struct access_rules *rules, const struct mw_control_access_checks *record);

/* Do the numbers of a row of the matrix mean something? Pure. */
bool access_rule_valid(const struct mw_control_srv_rule *rule);

/* A schemaVersion as a number that compares as the decimal does: "5.4", "5.40" and "05.4" give
 * 5400000. 0 for a text that is no decimal below 1000 with at most six decimals. Pure. */
uint32_t access_version(const char *text);

#endif
