/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of access control only. */
#ifndef DATAPLANE_ACCESS_STATE_H
#define DATAPLANE_ACCESS_STATE_H

#include "dataplane/access.h"

/* Stands for the roles of a user who has none, so that the check of roles finds something to
 * refuse, wherever it stands in the order. */
#define ACCESS_ROLE_NONE (1u << 31)

#define ACCESS_VARIANT(n) (1u << (n))

/* Command variants by what they ask for (DUIS XSD, comment on CommandVariant). */
#define ACCESS_VARIANTS_SIGNED_PRE_COMMAND                                                         \
	(ACCESS_VARIANT(5) | ACCESS_VARIANT(6) | ACCESS_VARIANT(7))
#define ACCESS_VARIANTS_TRANSFORM (ACCESS_VARIANT(2) | ACCESS_VARIANT(4) | ACCESS_VARIANT(6))
#define ACCESS_VARIANTS_TRANSFORM_AND_DEVICE                                                       \
	(ACCESS_VARIANT(3) | ACCESS_VARIANT(5) | ACCESS_VARIANT(7))

/* A request while it is judged. */
struct access_case {
	const struct access_rules *rules;
	const struct access_request *request;
	const struct registry_srv *srv; /* NULL: no such SRV */
	uint32_t variant;		/* bit of the command variant */
	uint32_t modes;			/* set of enum mw_mode of which the SRV must have one */
	uint32_t roles;			/* of the user's, those that are left */
	int64_t start_s;		/* the time asked for; both ends belong to it */
	int64_t end_s;
	const struct registry_image_device *device; /* NULL also when the target is no device */
	int64_t uncovered_s; /* of the last check of entitlement; INT64_MIN: of none */
};

/* The set that holds `number` alone; empty for numbers that no set has. */
static inline uint32_t access_bit(uint8_t number)
{
	return number < 31 ? 1u << number : 0;
}

/* One check: for which of `access->roles` is it satisfied? A check that has nothing to say about
 * the request (access_check_applies()) is not called. */
uint32_t access_check_roles(struct access_case *access, enum mw_access_check check);

/* Does the check concern such a request at all? */
bool access_check_applies(const struct access_case *access, enum mw_access_check check);

/* Write what the check looked at, as text of at most ACCESS_DATA_SIZE bytes with its NUL. */
void access_describe(const struct access_case *access, enum mw_access_check check, char *text);

/* The entitlements (set of enum mw_entitlement) that `role_number` needs for this SRV. */
uint32_t access_kinds(const struct access_case *access, unsigned role_number);

/* May roles do without any entitlement for this device, because nobody is registered for it? */
uint32_t access_unlinked_roles(const struct access_case *access);

/* Is every instant from start_s to end_s within a time for which `organisation` has one of `kinds`
 * at `device`? Times that meet are one; from_s <= start_s and end_s <= to_s (doc/access.md).
 * Otherwise *uncovered_s is the last instant up to which it is, or start_s. */
bool access_covered(const struct registry_image_device *device, uint32_t organisation,
	uint32_t kinds, int64_t start_s, int64_t end_s, int64_t *uncovered_s);

#endif
