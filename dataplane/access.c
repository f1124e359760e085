/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/access.h"

#include <string.h>

#include "dataplane/access_state.h"

static const char *const check_names[MW_ACCESS_CHECK_COUNT] = {
#define ACCESS_NAME(name, text) [MW_ACCESS_##name] = text,
	MW_ACCESS_CHECKS(ACCESS_NAME)
#undef ACCESS_NAME
};

static enum answer_reason reason_of(enum mw_access_check check)
{
	static const enum answer_reason reasons[MW_ACCESS_CHECK_COUNT] = {
#define ACCESS_REASON(name, text) [MW_ACCESS_##name] = ANSWER_##name,
		MW_ACCESS_CHECKS(ACCESS_REASON)
#undef ACCESS_REASON
	};
	return reasons[check];
}

static struct access_case open_case(
	const struct registry *registry, const struct access_request *request)
{
	const struct duis_document *document = request->document;
	const struct registry_srv *srv =
		registry_srv(registry, document->service_reference_variant);
	struct access_case access = {
		.rules = &registry->access,
		.request = request,
		.srv = srv,
		.variant = access_bit(document->command_variant),
		.roles = request->user->roles & ACCESS_ROLES_ALL,
		.device = srv && !srv->non_device ? request->device : NULL,
		.uncovered_s = INT64_MIN,
	};
	bool future_dated = document->has_execution_date_time && !request->scheduled;
	if (access.roles == 0)
		access.roles = ACCESS_ROLE_NONE;
	access.modes = request->scheduled ? MW_MODE_SCHEDULED
		       : future_dated	  ? MW_MODE_FUTURE_DATED_DSP | MW_MODE_FUTURE_DATED_DEVICE
					  : MW_MODE_ON_DEMAND | MW_MODE_DCC_ONLY;
	/* A period that ends before it starts is a matter of the device; here it is the time
	 * between its ends. */
	const struct access_period *period = &request->period;
	int64_t instant_s = future_dated ? request->execution_s : request->now_s;
	access.start_s = period->present ? period->start_s : instant_s;
	access.end_s = period->present ? period->end_s : instant_s;
	if (access.end_s < access.start_s) {
		access.start_s = period->end_s;
		access.end_s = period->start_s;
	}
	return access;
}

/* The code of a refusal. The matrix has one of its own for what a Meter Data Retriever alone may
 * not ask of a generation. */
static const char *code_of(const struct access_case *access, enum mw_access_check check)
{
	if (check == MW_ACCESS_GENERATION && access->roles == MW_ROLE_MDR &&
		access->srv->mdr_generation_code[0] != '\0')
		return access->srv->mdr_generation_code;
	return access->rules->codes[check];
}

static enum access_route route_of(const struct access_case *access)
{
	if (access->srv->non_device)
		return ACCESS_ROUTE_CONTROL;
	return access->variant & ACCESS_VARIANTS_TRANSFORM ? ACCESS_ROUTE_TRANSFORM
	       : access->variant & ACCESS_VARIANTS_TRANSFORM_AND_DEVICE
		       ? ACCESS_ROUTE_TRANSFORM_AND_DEVICE
		       : ACCESS_ROUTE_DEVICE;
}

static void refuse(const struct access_case *access, enum mw_access_check check,
	struct access_decision *decision)
{
	decision->check = (uint8_t)check;
	decision->uncovered_s = access->uncovered_s;
	if (check == MW_ACCESS_DEVICE_UNKNOWN && access->request->device_busy) {
		decision->reason = ANSWER_CAPACITY;
		return;
	}
	decision->reason = reason_of(check);
	decision->code = code_of(access, check);
}

/* What every check has allowed can still lack somebody who does it. */
static void permit(const struct registry *registry, const struct access_case *access,
	struct access_decision *decision)
{
	decision->roles = access->roles;
	decision->route = route_of(access);
	if (access->device) {
		decision->provider_id = access->device->provider_id;
		decision->generation = access->device->generation;
	}
	if (decision->route == ACCESS_ROUTE_CONTROL && !access->srv->control_answers)
		decision->reason = ANSWER_SERVICE_UNAVAILABLE;
	else if ((decision->route == ACCESS_ROUTE_TRANSFORM ||
			 decision->route == ACCESS_ROUTE_TRANSFORM_AND_DEVICE) &&
		 registry->transform_provider < 0)
		decision->reason = ANSWER_TRANSFORM_UNAVAILABLE;
	else
		decision->reason = ANSWER_ACCEPTED;
}

static void explain(const struct access_case *access, enum mw_access_check check,
	enum access_verdict verdict, struct access_explanation *explanation)
{
	explanation->name = check_names[check];
	explanation->verdict = verdict;
	explanation->code =
		verdict == ACCESS_NOT_ASKED ? access->rules->codes[check] : code_of(access, check);
	access_describe(access, check, explanation->data);
}

/* The one judgement, for decisions (explanations NULL: ends with the refusal) and explanations. */
static struct access_decision judge(const struct registry *registry,
	const struct access_request *request, struct access_explanation *explanations)
{
	struct access_case access = open_case(registry, request);
	struct access_decision decision = {
		.srv = access.srv,
		.check = MW_ACCESS_CHECK_COUNT,
	};
	bool refused = false;
	for (unsigned i = 0; i < access.rules->count; i++) {
		enum mw_access_check check = access.rules->order[i];
		struct access_explanation *explanation = explanations ? &explanations[i] : NULL;
		if (!access_check_applies(&access, check)) {
			if (explanation) {
				explanation->roles = access.roles;
				explain(&access, check, ACCESS_NOT_ASKED, explanation);
			}
			continue;
		}
		uint32_t roles = access_check_roles(&access, check);
		if (explanation) {
			explanation->roles = roles;
			explain(&access, check,
				roles	  ? ACCESS_PASSED
				: refused ? ACCESS_ALSO_REFUSED
					  : ACCESS_REFUSED,
				explanation);
		}
		if (!roles && !refused) {
			refuse(&access, check, &decision);
			refused = true;
			if (!explanations)
				return decision;
		}
		/* Behind the refusal each check is asked about the roles that were left before it.
		 */
		if (!refused)
			access.roles = roles;
	}
	if (!refused)
		permit(registry, &access, &decision);
	return decision;
}

struct access_decision access_check(
	const struct registry *registry, const struct access_request *request)
{
	if (registry->access.count == 0)
		return (struct access_decision){
			.reason = ANSWER_SERVICE_UNAVAILABLE, .check = MW_ACCESS_CHECK_COUNT};
	return judge(registry, request, NULL);
}

struct access_decision access_explain(const struct registry *registry,
	const struct access_request *request, struct access_explanation *explanations,
	size_t *count)
{
	*count = registry->access.count;
	if (*count == 0)
		return access_check(registry, request);
	memset(explanations, 0, *count * sizeof(*explanations));
	return judge(registry, request, explanations);
}

const char *access_verdict_name(enum access_verdict verdict)
{
	static const char *const names[] = {
		[ACCESS_PASSED] = "passed",
		[ACCESS_REFUSED] = "refused",
		[ACCESS_ALSO_REFUSED] = "also refused",
		[ACCESS_NOT_ASKED] = "not asked",
	};
	return names[verdict];
}
