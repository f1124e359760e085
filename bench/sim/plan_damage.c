/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are wrong on purpose. What can be chosen wrong (user, device, service, variant) is
 * chosen here; what must be written wrong is written by compose.c. Each knows the refusal it must
 * meet.
 */
#include "bench/sim/plan.h"

#include <stdio.h>
#include <string.h>

struct damage_row {
	const char *reason;
	uint16_t http_status;
};

static const struct damage_row rows[PLAN_DAMAGE_COUNT] = {
#define DAMAGE_ROW(name, text, reason, status) [PLAN_DAMAGE_##name] = {reason, status},
	PLAN_DAMAGES(DAMAGE_ROW)
#undef DAMAGE_ROW
};

static bool expect_refusal(
	const struct plan *plan, struct plan_sending *sending, enum plan_damage damage)
{
	struct plan_expectation *expected = &sending->expected;
	const char *reason = rows[damage].reason;
	memset(expected, 0, sizeof(*expected));
	snprintf(expected->reason, sizeof(expected->reason), "%s", reason);
	expected->http_status = rows[damage].http_status;
	if (expected->http_status != 0) {
		expected->any_code = reason[0] == '\0';
		return true;
	}
	expected->duis = true;
	for (uint32_t i = 0; i < plan->conf->answer_count; i++) {
		const struct conf_answer *answer = &plan->conf->answers[i];
		if (strcmp(answer->reason, reason) != 0)
			continue;
		expected->http_status = answer->http_status;
		memcpy(expected->code, answer->code, sizeof(expected->code));
		return true;
	}
	return false;
}

/* A valid request to a device, command variant 1: what most damages start from. */
static void make_device_request(struct plan *plan, struct plan_sending *sending)
{
	do
		plan_make_choice(plan, sending);
	while (sending->command_variant != 1);
}

static uint32_t signing_user(const struct plan *plan, uint32_t start)
{
	const struct reference *reference = plan->reference;
	for (uint32_t i = 0; i < reference->user_count; i++) {
		uint32_t index = (start + i) % reference->user_count;
		if (reference->users[index].signer && reference->users[index].active)
			return index;
	}
	return PLAN_NONE;
}

static const struct reference_srv *srv_of(
	const struct plan *plan, const struct plan_sending *sending)
{
	return reference_srv(plan->reference, plan->templates->templates[sending->template].srv);
}

/* Another user, one that may not send this. */
static bool choose_role(struct plan *plan, struct plan_sending *sending)
{
	make_device_request(plan, sending);
	const struct reference_srv *srv = srv_of(plan, sending);
	for (uint32_t i = 0; i < plan->reference->user_count; i++) {
		const struct reference_user *user = &plan->reference->users[i];
		if (!user->signer || !user->active || (user->roles & srv->roles))
			continue;
		sending->user = sending->signer = i;
		return true;
	}
	return false;
}

static bool choose_suspended(struct plan *plan, struct plan_sending *sending)
{
	make_device_request(plan, sending);
	for (uint32_t i = 0; i < plan->reference->user_count; i++) {
		if (!plan->reference->users[i].signer || plan->reference->users[i].active)
			continue;
		sending->user = sending->signer = i;
		return true;
	}
	return false;
}

/* A read that a Meter Data Retriever may send to the other generation only. */
static bool choose_generation(struct plan *plan, struct plan_sending *sending)
{
	for (unsigned tries = 0; tries < 100; tries++) {
		plan_make_read(plan, sending);
		const struct reference_srv *srv = srv_of(plan, sending);
		enum mw_generation other =
			plan->reference->devices[sending->device].generation == MW_GENERATION_SMETS1
				? MW_GENERATION_SMETS2
				: MW_GENERATION_SMETS1;
		if (srv->mdr_generations & (1u << other))
			continue;
		sending->device = plan_pick_device(plan, other);
		return sending->device != PLAN_NONE;
	}
	return false;
}

/* A non-device service that the gateway does not offer, by a user who may ask for it. */
static bool choose_not_offered(struct plan *plan, struct plan_sending *sending)
{
	const struct template_set *set = plan->templates;
	uint32_t start = (uint32_t)random_below(&plan->random, set->count);
	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t index = (start + i) % set->count;
		const struct template *template = &set->templates[index];
		const struct reference_srv *srv = reference_srv(plan->reference, template->srv);
		if (!srv || !srv->non_device || srv->control_answers ||
			template->length > TEMPLATE_BYTES_MAX / 4)
			continue;
		for (uint32_t user = 0; user < plan->reference->user_count; user++) {
			const struct reference_user *sender = &plan->reference->users[user];
			if (!sender->signer || !sender->active ||
				!reference_may_send(sender, srv, template->command_variant, 0))
				continue;
			sending->template = index;
			sending->user = sending->signer = user;
			sending->command_variant = template->command_variant;
			sending->service = plan_service(template->command_variant);
			return true;
		}
	}
	return false;
}

static bool choose_target(struct plan *plan, struct plan_sending *sending)
{
	const struct template *template = template_find(plan->templates, "8.2", 8);
	if (!template)
		return false;
	sending->template = (uint32_t)(template - plan->templates->templates);
	sending->user = sending->signer = plan->mdr;
	sending->command_variant = 8;
	sending->service = MW_SERVICE_NON_DEVICE;
	sending->device = plan_pick_device(plan, 0);
	return sending->device != PLAN_NONE;
}

static bool choose_signer(struct plan *plan, struct plan_sending *sending)
{
	make_device_request(plan, sending);
	sending->signer = signing_user(plan, sending->user + 1);
	return sending->signer != sending->user;
}

/* A valid request whose copy follows while it is in progress. The copy is the damaged one. */
static bool choose_repeated(struct plan *plan, struct plan_sending *sending)
{
	make_device_request(plan, sending);
	sending->follow_up = true;
	sending->follow_up_damage = PLAN_DAMAGE_REPEATED;
	return true;
}

static bool choose(struct plan *plan, struct plan_sending *sending, enum plan_damage damage)
{
	switch (damage) {
	case PLAN_DAMAGE_ROLE:
		return choose_role(plan, sending);
	case PLAN_DAMAGE_SUSPENDED:
		return choose_suspended(plan, sending);
	case PLAN_DAMAGE_GENERATION:
		return choose_generation(plan, sending);
	case PLAN_DAMAGE_NOT_OFFERED:
		return choose_not_offered(plan, sending);
	case PLAN_DAMAGE_TARGET:
		return choose_target(plan, sending);
	case PLAN_DAMAGE_FOREIGN_CERTIFICATE:
		return choose_signer(plan, sending);
	case PLAN_DAMAGE_WRONG_SERVICE:
		make_device_request(plan, sending);
		sending->service = MW_SERVICE_NON_DEVICE;
		return true;
	case PLAN_DAMAGE_COMMAND_VARIANT:
		make_device_request(plan, sending);
		sending->command_variant = 9;
		return true;
	default:
		make_device_request(plan, sending);
		return true;
	}
}

bool plan_make_damaged(struct plan *plan, struct plan_sending *sending, enum plan_damage damage)
{
	/* The copy of a request is one already: only its answer differs. */
	if (damage == PLAN_DAMAGE_REPEATED && sending->follow_up_damage != damage)
		return choose_repeated(plan, sending);
	if (damage != PLAN_DAMAGE_REPEATED && !choose(plan, sending, damage))
		return false;
	sending->damage = damage;
	if (!expect_refusal(plan, sending, damage))
		return false;
	const struct reference_srv *srv = srv_of(plan, sending);
	if (damage == PLAN_DAMAGE_GENERATION && srv->mdr_generation_code[0])
		memcpy(sending->expected.code, srv->mdr_generation_code,
			sizeof(sending->expected.code));
	return true;
}
