/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks. Each is a function of the request and the rules alone and knows nothing of the others
 * but which roles they left, so that the order may be any.
 */
#include <string.h>

#include "dataplane/access_state.h"

static const uint32_t service_variants[MW_SERVICE_COUNT] = {
	[MW_SERVICE_TRANSFORM] = ACCESS_VARIANT(4),
	[MW_SERVICE_SEND_COMMAND] =
		ACCESS_VARIANT(1) | ACCESS_VARIANT(3) | ACCESS_VARIANT(5) | ACCESS_VARIANT(7),
	[MW_SERVICE_NON_DEVICE] = ACCESS_VARIANT(2) | ACCESS_VARIANT(6) | ACCESS_VARIANT(8),
};

bool access_service_takes(enum mw_service service, uint8_t command_variant)
{
	return service_variants[service] & access_bit(command_variant);
}

static uint32_t when(const struct access_case *access, bool satisfied)
{
	return satisfied ? access->roles : 0;
}

static uint32_t user_role(struct access_case *access)
{
	return access->roles & ACCESS_ROLES_ALL;
}

static uint32_t user_suspended(struct access_case *access)
{
	return when(access, access->request->user->active);
}

/* The XSD ties neither the service reference nor the body to the SRV. A Signed Pre-Command names
 * its SRV in the header alone, and only the variants made for it may carry one. */
static uint32_t srv_mismatch(struct access_case *access)
{
	const struct duis_document *document = access->request->document;
	const struct registry_srv *srv = access->srv;
	if (!srv || strcmp(srv->service_reference, document->service_reference) != 0)
		return 0;
	const char *body = access->variant & ACCESS_VARIANTS_SIGNED_PRE_COMMAND ? "SignedPreCommand"
										: srv->body_element;
	return when(access, strcmp(document->body_element, body) == 0);
}

static uint32_t command_variant(struct access_case *access)
{
	return when(access, access->srv->command_variants & access->variant);
}

static uint32_t service(struct access_case *access)
{
	return when(access, access_service_takes(access->request->service,
				    access->request->document->command_variant));
}

static uint32_t role_not_permitted(struct access_case *access)
{
	return access->roles & access->srv->roles;
}

static uint32_t mode(struct access_case *access)
{
	bool possible = !(access->modes & MW_MODE_FUTURE_DATED_DSP) ||
			access->rules->future_dated_variants & access->variant;
	return when(access, possible && access->srv->modes & access->modes);
}

static uint32_t duis_version(struct access_case *access)
{
	if (access->request->version >= access->rules->uplift_version)
		return access->roles;
	if (access->srv->uplift_modes & access->modes)
		return 0;
	return access->roles & ~access->rules->uplift_roles;
}

static uint32_t target(struct access_case *access)
{
	return when(
		access, access->request->document->request_id.target == access->request->dsp_eui);
}

static uint32_t device_unknown(struct access_case *access)
{
	return when(access, access->device != NULL);
}

/* Each role by itself: who was the supplier first and the retriever then has not been either for
 * the whole time. */
static uint32_t not_entitled(struct access_case *access)
{
	uint32_t satisfied = access->rules->unregistered_roles | access_unlinked_roles(access);
	access->uncovered_s = INT64_MIN;
	satisfied &= access->roles;
	for (uint32_t left = access->roles & ACCESS_ROLES_ALL & ~satisfied; left;
		left &= left - 1) {
		unsigned role = (unsigned)__builtin_ctz(left);
		int64_t uncovered_s;
		if (access_covered(access->device, access->request->user->organisation,
			    access_kinds(access, role), access->start_s, access->end_s,
			    &uncovered_s))
			satisfied |= 1u << role;
		else if (uncovered_s > access->uncovered_s)
			access->uncovered_s = uncovered_s;
	}
	return satisfied;
}

static uint32_t device_status(struct access_case *access)
{
	return when(access, access->srv->device_statuses & access_bit(access->device->status));
}

static uint32_t device_type(struct access_case *access)
{
	return when(access, access->srv->device_types & access_bit(access->device->type));
}

/* MP162 restricts a Meter Data Retriever to one generation for some SRVs (FIA 5.1.1); a user who
 * may send the SRV in another role is not bound by that. */
static uint32_t generation(struct access_case *access)
{
	uint32_t bit = access_bit(access->device->generation);
	if (!(access->srv->generations & bit))
		return 0;
	return access->srv->mdr_generations & bit ? access->roles
						  : access->roles & ~(uint32_t)MW_ROLE_MDR;
}

static uint32_t local_command(struct access_case *access)
{
	const struct registry_image_device *device = access->device;
	if (device && !(access->rules->local_statuses & access_bit(device->status)))
		return 0;
	return access->roles & access->rules->local_roles;
}

enum concern {
	CONCERNS_ALL,
	CONCERNS_SERVICE,	 /* those that came to a web service */
	CONCERNS_SRV,		 /* those whose SRV there is */
	CONCERNS_NON_DEVICE,	 /* ... and is for the DSP */
	CONCERNS_DEVICE_REQUEST, /* ... and is for a device */
	CONCERNS_DEVICE,	 /* ... which there is */
	CONCERNS_LOCAL,		 /* for local delivery */
};

static const struct check {
	uint32_t (*roles)(struct access_case *access);
	enum concern concern;
} checks[MW_ACCESS_CHECK_COUNT] = {
	[MW_ACCESS_USER_ROLE] = {user_role, CONCERNS_ALL},
	[MW_ACCESS_USER_SUSPENDED] = {user_suspended, CONCERNS_ALL},
	[MW_ACCESS_SRV_MISMATCH] = {srv_mismatch, CONCERNS_ALL},
	[MW_ACCESS_COMMAND_VARIANT] = {command_variant, CONCERNS_SRV},
	[MW_ACCESS_SERVICE] = {service, CONCERNS_SERVICE},
	[MW_ACCESS_ROLE_NOT_PERMITTED] = {role_not_permitted, CONCERNS_SRV},
	[MW_ACCESS_MODE] = {mode, CONCERNS_SRV},
	[MW_ACCESS_DUIS_VERSION] = {duis_version, CONCERNS_SRV},
	[MW_ACCESS_TARGET] = {target, CONCERNS_NON_DEVICE},
	[MW_ACCESS_DEVICE_UNKNOWN] = {device_unknown, CONCERNS_DEVICE_REQUEST},
	[MW_ACCESS_NOT_ENTITLED] = {not_entitled, CONCERNS_DEVICE},
	[MW_ACCESS_DEVICE_STATUS] = {device_status, CONCERNS_DEVICE},
	[MW_ACCESS_DEVICE_TYPE] = {device_type, CONCERNS_DEVICE},
	[MW_ACCESS_GENERATION] = {generation, CONCERNS_DEVICE},
	[MW_ACCESS_LOCAL_COMMAND] = {local_command, CONCERNS_LOCAL},
};

bool access_check_applies(const struct access_case *access, enum mw_access_check check)
{
	bool non_device = access->srv && access->srv->non_device;
	switch (checks[check].concern) {
	case CONCERNS_ALL:
		return true;
	case CONCERNS_SERVICE:
		return !access->request->scheduled;
	case CONCERNS_SRV:
		return access->srv != NULL;
	case CONCERNS_NON_DEVICE:
		return non_device;
	case CONCERNS_DEVICE_REQUEST:
		return access->srv && !non_device;
	case CONCERNS_DEVICE:
		return access->srv && access->device;
	case CONCERNS_LOCAL:
		return access->srv && !non_device &&
		       access->rules->local_variants & access->variant;
	}
	return false;
}

uint32_t access_check_roles(struct access_case *access, enum mw_access_check check)
{
	return checks[check].roles(access);
}
