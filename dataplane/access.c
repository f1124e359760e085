/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/access.h"

#include <string.h>

#define VARIANT(n) (1u << (n))

/* Command variants by what they ask for (DUIS XSD, comment on CommandVariant). */
#define VARIANTS_SIGNED_PRE_COMMAND (VARIANT(5) | VARIANT(6) | VARIANT(7))
#define VARIANTS_TRANSFORM (VARIANT(2) | VARIANT(4) | VARIANT(6))
#define VARIANTS_TRANSFORM_AND_DEVICE (VARIANT(3) | VARIANT(5) | VARIANT(7))

static const uint32_t service_variants[MW_SERVICE_COUNT] = {
	[MW_SERVICE_TRANSFORM] = VARIANT(4),
	[MW_SERVICE_SEND_COMMAND] = VARIANT(1) | VARIANT(3) | VARIANT(5) | VARIANT(7),
	[MW_SERVICE_NON_DEVICE] = VARIANT(2) | VARIANT(6) | VARIANT(8),
};

bool access_service_takes(enum mw_service service, uint8_t command_variant)
{
	return service_variants[service] & VARIANT(command_variant);
}

/* The XSD ties neither the service reference nor the body to the SRV. A Signed Pre-Command names
 * its SRV in the header alone, and only the variants made for it may carry one. */
static bool srv_fits(const struct registry_srv *srv, const struct duis_document *document)
{
	if (!srv || strcmp(srv->service_reference, document->service_reference) != 0)
		return false;
	if (VARIANT(document->command_variant) & VARIANTS_SIGNED_PRE_COMMAND)
		return strcmp(document->body_element, "SignedPreCommand") == 0;
	return strcmp(document->body_element, srv->body_element) == 0;
}

static enum answer_reason check_target(const struct registry *registry,
	const struct registry_user *user, const struct duis_document *document,
	struct access_decision *decision)
{
	const struct registry_device *device =
		registry_device(registry, document->request_id.target);
	if (!device)
		return ANSWER_DEVICE_UNKNOWN;
	decision->provider_id = device->provider_id;
	/* MP162 restricts a Meter Data Retriever to one generation for some SRVs (FIA 5.1.1); a
	 * user who may send the SRV in another role is not bound by that. */
	bool only_as_mdr = (user->roles & decision->srv->roles) == MW_ROLE_MDR;
	if (only_as_mdr && !(decision->srv->mdr_generations & (1u << device->generation))) {
		decision->code = decision->srv->mdr_generation_code;
		return ANSWER_GENERATION;
	}
	return ANSWER_ACCEPTED;
}

static enum answer_reason check_all(const struct registry *registry,
	const struct registry_user *user, const struct duis_document *document,
	enum mw_service service, uint64_t dsp_eui, struct access_decision *decision)
{
	const struct registry_srv *srv =
		registry_srv(registry, document->service_reference_variant);
	uint32_t variant = VARIANT(document->command_variant);

	decision->srv = srv;
	if (!user->active)
		return ANSWER_USER_SUSPENDED;
	if (!srv_fits(srv, document))
		return ANSWER_SRV_MISMATCH;
	if (!(srv->command_variants & variant))
		return ANSWER_COMMAND_VARIANT;
	if (!access_service_takes(service, document->command_variant))
		return ANSWER_SERVICE;
	if (!(user->roles & srv->roles))
		return ANSWER_ROLE_NOT_PERMITTED;
	if (srv->non_device) {
		decision->route = ACCESS_ROUTE_CONTROL;
		if (document->request_id.target != dsp_eui)
			return ANSWER_TARGET;
		return srv->control_answers ? ANSWER_ACCEPTED : ANSWER_SERVICE_UNAVAILABLE;
	}
	decision->route = variant & VARIANTS_TRANSFORM ? ACCESS_ROUTE_TRANSFORM
			  : variant & VARIANTS_TRANSFORM_AND_DEVICE
				  ? ACCESS_ROUTE_TRANSFORM_AND_DEVICE
				  : ACCESS_ROUTE_DEVICE;
	enum answer_reason reason = check_target(registry, user, document, decision);
	if (reason == ANSWER_ACCEPTED && decision->route != ACCESS_ROUTE_DEVICE &&
		registry->transform_provider < 0)
		return ANSWER_TRANSFORM_UNAVAILABLE;
	return reason;
}

struct access_decision access_check(const struct registry *registry,
	const struct registry_user *user, const struct duis_document *document,
	enum mw_service service, uint64_t dsp_eui)
{
	struct access_decision decision = {0};
	decision.reason = check_all(registry, user, document, service, dsp_eui, &decision);
	return decision;
}
