/* SPDX-License-Identifier: Apache-2.0 */
#include "control/schedule_access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/schedule_row.h"

/* The check that refused as the reason of a 5.1. */
static enum service_reason reason_of(enum mw_access_check check, uint32_t roles)
{
	switch (check) {
	case MW_ACCESS_ROLE_NOT_PERMITTED:
		return (roles & MW_ROLE_MDR) != 0 ? SERVICE_SCHEDULE_MDR : SERVICE_SCHEDULE_ROLE;
	case MW_ACCESS_USER_ROLE:
	case MW_ACCESS_USER_SUSPENDED:
		return SERVICE_SCHEDULE_ROLE;
	case MW_ACCESS_DUIS_VERSION:
		return SERVICE_SCHEDULE_VERSION;
	case MW_ACCESS_DEVICE_UNKNOWN:
		return SERVICE_SCHEDULE_DEVICE_UNKNOWN;
	case MW_ACCESS_NOT_ENTITLED:
		return SERVICE_SCHEDULE_NOT_ENTITLED;
	case MW_ACCESS_DEVICE_STATUS:
		return SERVICE_SCHEDULE_DEVICE_STATUS;
	case MW_ACCESS_DEVICE_TYPE:
		return SERVICE_SCHEDULE_DEVICE_TYPE;
	case MW_ACCESS_GENERATION:
		return SERVICE_SCHEDULE_GENERATION;
	default:
		/* The matrix does not have it for command variant 1 or not as scheduled. */
		return SERVICE_SCHEDULE_NOT_SCHEDULABLE;
	}
}

static void describe(const struct schedule_terms *terms, const struct registry_srv *srv,
	struct duis_document *document)
{
	memset(document, 0, sizeof(*document));
	document->root = DUIS_ROOT_REQUEST;
	document->command_variant = 1;
	document->request_id.target = terms->device_id;
	memcpy(document->service_reference, srv->service_reference, MW_SRV_SIZE);
	memcpy(document->service_reference_variant, srv->srv, MW_SRV_SIZE);
	memcpy(document->body_element, srv->body_element, MW_ELEMENT_NAME_SIZE);
}

/* When the first run goes, and what it reads. */
static void set_times(const struct schedule *first, int64_t now_ms, struct access_request *asked)
{
	int64_t start_ms;
	int64_t end_ms;

	/* A run of today without a time goes at once. */
	asked->now_s = (first->due_ms > now_ms ? first->due_ms : now_ms) / 1000;
	asked->period.present = schedule_period(first, &start_ms, &end_ms);
	asked->period.start_s = start_ms / 1000;
	asked->period.end_s = (end_ms + 999) / 1000;
}

enum service_reason schedule_access_judge(struct services *services,
	const struct service_request *request, const struct schedule_terms *terms)
{
	char reason[256];
	struct schedule first = {.terms = *terms};
	struct registry_image_device device;
	struct duis_document document;

	if (!schedule_set_first(&first, request->now_ms))
		return SERVICE_SCHEDULE_DATE_PASSED;
	if (access_view_update(&services->view, services->reference, reason, sizeof(reason)) != 0)
		return SERVICE_SCHEDULE_CAPACITY;
	const struct registry *registry = services->view.registry;
	const struct registry_srv *srv = registry_srv(registry, terms->read->srv);
	const struct registry_user *known = registry_user(registry, request->user);
	if (srv == NULL)
		return SERVICE_SCHEDULE_NOT_SCHEDULABLE;
	if (known == NULL)
		return SERVICE_SCHEDULE_ROLE;
	/* The roles are those by which the data plane has let the 5.1 pass. */
	struct registry_user sender = *known;
	sender.roles = request->roles;
	int found = access_view_device(&services->view, terms->device_id, &device);
	describe(terms, srv, &document);
	struct access_request asked = {
		.user = &sender,
		.document = &document,
		.scheduled = true,
		.version = access_version(request->schema_version),
		.device = found == 0 ? &device : NULL,
		.device_busy = found != 0 && found != -ENOENT,
	};
	set_times(&first, request->now_ms, &asked);
	struct access_decision decision = access_check(registry, &asked);
	if (decision.reason == ANSWER_ACCEPTED)
		return SERVICE_DONE;
	if (decision.reason == ANSWER_CAPACITY || decision.check == MW_ACCESS_CHECK_COUNT)
		return SERVICE_SCHEDULE_CAPACITY;
	return reason_of((enum mw_access_check)decision.check, sender.roles);
}
