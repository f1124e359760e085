/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a demo, over a small world of its own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/plan.h"

#define DSP 0x90b3d51f30000002ull
#define WALL_MS 1700000000000ll

#define BIT(n) (1u << (n))
#define BOTH (BIT(MW_GENERATION_SMETS1) | BIT(MW_GENERATION_SMETS2))

/* Never used by the plan; not NULL means that this user can sign. */
static uint8_t signer_place;
#define SIGNER ((struct duis_signer *)(void *)&signer_place)

enum {
	MDR,
	SUPPLIER,
	SUSPENDED,
	BARE,
	USERS
};

static struct reference_user users[USERS] = {
	[MDR] = {.eui = 0x90b3d51f30010009, .roles = MW_ROLE_MDR, .active = true, .signer = SIGNER},
	[SUPPLIER] = {.eui = 0x90b3d51f30010000,
		.roles = MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_GS,
		.active = true,
		.signer = SIGNER},
	[SUSPENDED] = {.eui = 0x90b3d51f3001000c, .roles = MW_ROLE_IS, .signer = SIGNER},
	[BARE] = {.eui = 0x90b3d51f3001000d, .roles = MW_ROLE_MDR | MW_ROLE_IS, .active = true},
};

static struct reference_device devices[] = {
	{0x00db1234567890a0, 0, MW_GENERATION_SMETS2, "ESME", 0},
	{0x00db1234567890a2, 0, MW_GENERATION_SMETS2, "CHF", 0},
	{0x00db12347a010101, 1, MW_GENERATION_SMETS1, "ESME", 0},
	{0x00db12347a010102, 1, MW_GENERATION_SMETS1, "ESME", 0},
};

#define READ_ROLES (MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_MDR)

static struct reference_srv srvs[] = {
	{"4.1.1", "4.1", READ_ROLES, BIT(1) | BIT(2), false, false, BIT(MW_GENERATION_SMETS1),
		"E040101", 0},
	{"4.2", "4.2", READ_ROLES, BIT(1), false, false, BOTH, "", 0},
	{"4.6.1", "4.6", READ_ROLES, BIT(1), false, false, BOTH, "", 0},
	{"4.6.2", "4.6", READ_ROLES, BIT(1), false, false, BIT(MW_GENERATION_SMETS2), "E11", 0},
	{"4.8.1", "4.8", READ_ROLES, BIT(1), false, false, BOTH, "", 0},
	{"4.8.3", "4.8", READ_ROLES, BIT(1), false, false, BOTH, "", 0},
	{"4.17", "4.17", READ_ROLES, BIT(1), false, false, BIT(MW_GENERATION_SMETS2), "E11", 0},
	{"2.2", "2.2", MW_ROLE_IS, BIT(1) | BIT(2) | BIT(3), false, false, 0, "", 0},
	{"1.1.1", "1.1", MW_ROLE_IS, BIT(4) | BIT(5) | BIT(6) | BIT(7), false, false, 0, "", 0},
	{"5.1", "5.1", READ_ROLES, BIT(8), true, true, 0, "", 0},
	{"5.2", "5.2", READ_ROLES, BIT(8), true, true, 0, "", 0},
	{"5.3", "5.3", READ_ROLES, BIT(8), true, true, 0, "", 0},
	{"8.2", "8.2", READ_ROLES, BIT(8), true, true, 0, "", 0},
	{"12.1", "12.1", READ_ROLES, BIT(8), true, false, 0, "", 0},
};

#define SRVS (sizeof(srvs) / sizeof(srvs[0]))

static struct reference reference = {
	.users = users,
	.user_count = USERS,
	.devices = devices,
	.device_count = sizeof(devices) / sizeof(devices[0]),
	.srvs = srvs,
	.srv_count = SRVS,
	.dsp_eui = DSP,
};

static struct template templates[SRVS];
static struct template_set set = {templates, SRVS};
static struct conf conf;
static struct options options;
static struct plan plan;

/* One template for each SRV, from the supplier, in its lowest command variant. */
static void prepare(void)
{
	static const char *const reasons[] = {"device-unknown", "role-not-permitted", "service",
		"command-variant", "srv-mismatch", "generation", "target", "service-unavailable",
		"request-id-repeated", "user-unknown", "user-suspended", "signature-missing",
		"signature-profile", "certificate-unknown", "certificate-foreign",
		"signature-wrong"};
	for (size_t i = 0; i < SRVS; i++) {
		struct template *template = &templates[i];
		snprintf(template->name, sizeof(template->name), "%zu.XML", i);
		memcpy(template->srv, srvs[i].srv, sizeof(template->srv));
		template->command_variant = (uint8_t)__builtin_ctz(srvs[i].command_variants);
		template->request_id.originator = users[SUPPLIER].eui;
		template->request_id.target = srvs[i].non_device ? DSP : devices[0].device_id;
	}
	memset(&conf, 0, sizeof(conf));
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct conf_answer *answer = &conf.answers[conf.answer_count++];
		snprintf(answer->reason, sizeof(answer->reason), "%s", reasons[i]);
		snprintf(answer->code, sizeof(answer->code), "E%zu", i + 1);
		answer->http_status = i < 9 ? 200 : 403;
	}
	memset(&options, 0, sizeof(options));
	options.seed = 1;
	options.count = 2000;
	options.schedules = 20;
	options.due_in_s = 10;
	options.bad_percent = 8;
}

static void make(void)
{
	char reason[256] = "";
	cr_assert_eq(plan_create(&plan, &options, &conf, &reference, &set, WALL_MS, reason,
			     sizeof(reason)),
		0, "%s", reason);
}

static void clean(void)
{
	plan_destroy(&plan);
}

TestSuite(sim_plan, .init = prepare, .fini = clean);

static const struct reference_srv *srv_of(const struct plan_sending *sending)
{
	return reference_srv(&reference, templates[sending->template].srv);
}

static bool accepted_in_the_end(const struct plan_sending *sending)
{
	return sending->expected.accepted;
}

Test(sim_plan, at_least_nine_in_ten_are_valid)
{
	make();
	uint32_t valid = 0;
	for (uint32_t i = 0; i < plan.count; i++)
		valid += accepted_in_the_end(&plan.sendings[i]);
	cr_assert_geq(valid * 10, plan.count * 9);
	cr_assert_lt(valid, plan.count);
	cr_assert_eq(plan.phase_end[1] - plan.phase_begin[1], 2000 + 5 + 6 + 4,
		"the mix, reads on SMETS1 and SMETS2, 5.2 and 8.2 on both");
}

/* What is meant to be accepted is permitted, by the rules as they stand in the data. */
Test(sim_plan, valid_requests_are_permitted)
{
	make();
	for (uint32_t i = 0; i < plan.count; i++) {
		const struct plan_sending *sending = &plan.sendings[i];
		if (!sending->expected.accepted)
			continue;
		const struct reference_srv *srv = srv_of(sending);
		const struct reference_user *user = &users[sending->user];
		cr_assert(user->active && user->signer);
		cr_assert_eq(sending->signer, sending->user);
		cr_assert(user->roles & srv->roles);
		cr_assert(srv->command_variants & BIT(sending->command_variant));
		cr_assert_eq(sending->service, plan_service(sending->command_variant));
		if (!srv->non_device && (user->roles & srv->roles) == MW_ROLE_MDR)
			cr_assert(srv->mdr_generations & BIT(devices[sending->device].generation));
		cr_assert_eq(sending->expected.http_status, 200);
		cr_assert_eq(sending->expected.exchange, sending->command_variant % 2 == 1);
	}
}

/* Each of the 11, on both generations where allowed. */
Test(sim_plan, every_request_of_an_mdr_is_there)
{
	static const char *const names[] = {
		"4.1.1", "4.2", "4.6.1", "4.6.2", "4.8.1", "4.8.3", "4.17", "5.1", "5.2", "8.2"};
	options.count = 0;
	options.schedules = 0;
	make();
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		for (int g = MW_GENERATION_SMETS1; g <= MW_GENERATION_SMETS2; g++) {
			const struct reference_srv *srv = reference_srv(&reference, names[n]);
			unsigned found = 0;
			for (uint32_t i = 0; i < plan.count; i++)
				found += srv_of(&plan.sendings[i]) == srv &&
					 plan.sendings[i].user == MDR &&
					 devices[plan.sendings[i].device].generation == (unsigned)g;
			bool allowed = srv->non_device || srv->mdr_generations & BIT(g);
			cr_assert_eq(
				found, allowed ? 1 : 0, "%s on SMETS%d: %u", names[n], g, found);
		}
	for (uint32_t i = 0; i < plan.schedule_count; i++)
		plan.schedules[i].created = true;
	cr_assert_eq(plan_add_deletions(&plan), 0);
	cr_assert_eq(plan.phase_end[2] - plan.phase_begin[2], 2, "5.3 on both");
}

Test(sim_plan, schedules_fall_due_when_told)
{
	make();
	cr_assert_eq(plan.schedule_count, 22);
	for (uint32_t i = 0; i < 20; i++) {
		const struct plan_schedule *schedule = &plan.schedules[i];
		cr_assert(schedule->due);
		cr_assert_eq(schedule->due_wall_ms, WALL_MS + 10000);
		cr_assert_not_null(plan_schedule_element(schedule->srv), "%s", schedule->srv);
		cr_assert_eq(plan.sendings[i].kind, PLAN_CREATE_SCHEDULE);
		cr_assert_eq(plan.sendings[i].schedule, i);
		const struct reference_srv *srv = reference_srv(&reference, schedule->srv);
		cr_assert(srv->mdr_generations & BIT(devices[schedule->device].generation));
	}
	cr_assert_not(plan.schedules[20].due);
	cr_assert_geq(plan.schedules[21].due_wall_ms, WALL_MS + 86400000);
}

/* With enough requests every kind of damage occurs, and each expects its own refusal. */
Test(sim_plan, every_damage_occurs)
{
	unsigned found[PLAN_DAMAGE_COUNT] = {0};
	options.bad_percent = 50;
	make();
	for (uint32_t i = 0; i < plan.count; i++) {
		const struct plan_sending *sending = &plan.sendings[i];
		found[sending->damage]++;
		if (sending->follow_up && sending->follow_up_damage == PLAN_DAMAGE_REPEATED)
			found[PLAN_DAMAGE_REPEATED]++;
		if (sending->damage == PLAN_DAMAGE_NONE)
			continue;
		cr_assert_not(sending->expected.accepted);
		cr_assert_not(sending->expected.exchange);
		cr_assert_neq(sending->expected.http_status, 0);
	}
	for (int i = 1; i < PLAN_DAMAGE_COUNT; i++)
		cr_assert_gt(found[i], 0, "%s", plan_damage_text((enum plan_damage)i));
}

Test(sim_plan, damage_is_what_it_says)
{
	options.bad_percent = 50;
	make();
	for (uint32_t i = 0; i < plan.count; i++) {
		const struct plan_sending *sending = &plan.sendings[i];
		const struct reference_srv *srv = srv_of(sending);
		switch (sending->damage) {
		case PLAN_DAMAGE_ROLE:
			cr_assert_eq(users[sending->user].roles & srv->roles, 0);
			cr_assert_str_eq(sending->expected.reason, "role-not-permitted");
			cr_assert_str_eq(sending->expected.code, "E2");
			break;
		case PLAN_DAMAGE_GENERATION:
			cr_assert_eq(sending->user, MDR);
			cr_assert_eq(
				srv->mdr_generations & BIT(devices[sending->device].generation), 0);
			cr_assert_str_eq(sending->expected.code, srv->mdr_generation_code);
			break;
		case PLAN_DAMAGE_FOREIGN_CERTIFICATE:
			cr_assert_neq(sending->signer, sending->user);
			cr_assert_eq(sending->expected.http_status, 403);
			break;
		case PLAN_DAMAGE_SUSPENDED:
			cr_assert_eq(sending->user, SUSPENDED);
			break;
		case PLAN_DAMAGE_NOT_OFFERED:
			cr_assert_str_eq(srv->srv, "12.1");
			break;
		case PLAN_DAMAGE_WRONG_SERVICE:
			cr_assert_neq(sending->service, plan_service(sending->command_variant));
			break;
		case PLAN_DAMAGE_SCHEMA:
			cr_assert_eq(sending->expected.http_status, 400);
			cr_assert_str_eq(sending->expected.reason, "schema");
			cr_assert_not(sending->expected.duis);
			break;
		default:
			break;
		}
	}
}

Test(sim_plan, follow_ups)
{
	options.bad_percent = 30;
	make();
	uint32_t count = plan.count;
	bool repeated = false;
	unsigned variants = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!plan.sendings[i].follow_up)
			continue;
		uint32_t index = plan_add_follow_up(&plan, i);
		const struct plan_sending *cause = &plan.sendings[i];
		const struct plan_sending *sending = &plan.sendings[index];
		cr_assert_geq(index, count);
		cr_assert_not(sending->follow_up);
		if (sending->damage == PLAN_DAMAGE_REPEATED) {
			repeated = true;
			cr_assert_eq(sending->command_variant, cause->command_variant);
			cr_assert_not(sending->expected.accepted);
			cr_assert_str_eq(sending->expected.reason, "request-id-repeated");
		} else {
			cr_assert_eq(cause->command_variant, 4);
			cr_assert_eq(sending->kind, PLAN_SIGNED_PRE_COMMAND);
			variants |= BIT(sending->command_variant);
			cr_assert_eq(sending->service, plan_service(sending->command_variant));
			cr_assert_str_eq(sending->expected.code,
				sending->command_variant == 5 ? "I99" : "I0");
			cr_assert_eq(sending->expected.body, sending->command_variant != 5);
			cr_assert_eq(sending->expected.exchange, sending->command_variant != 6);
		}
	}
	cr_assert(repeated);
	cr_assert_eq(variants, BIT(5) | BIT(6) | BIT(7));
}

Test(sim_plan, same_seed_same_plan)
{
	static struct plan other;
	make();
	other = plan;
	memset(&plan, 0, sizeof(plan));
	make();
	cr_assert_eq(plan.count, other.count);
	for (uint32_t i = 0; i < plan.count; i++) {
		cr_assert_eq(plan.sendings[i].template, other.sendings[i].template);
		cr_assert_eq(plan.sendings[i].device, other.sendings[i].device);
		cr_assert_eq(plan.sendings[i].damage, other.sendings[i].damage);
	}
	plan_destroy(&other);
}

/* What the reference data lack is told, not met in the middle of a demo. */
Test(sim_plan, missing_data_are_told)
{
	char reason[256];
	struct reference poor = reference;
	poor.device_count = 2;
	cr_assert_eq(
		plan_create(&plan, &options, &conf, &poor, &set, WALL_MS, reason, sizeof(reason)),
		-EINVAL);
	cr_assert_not_null(strstr(reason, "SMETS1"), "%s", reason);
	users[MDR].signer = NULL;
	cr_assert_eq(plan_create(&plan, &options, &conf, &reference, &set, WALL_MS, reason,
			     sizeof(reason)),
		-EINVAL);
	cr_assert_not_null(strstr(reason, "MDR"), "%s", reason);
	users[MDR].signer = SIGNER;
	struct template_set few = {templates, 9};
	cr_assert_neq(plan_create(&plan, &options, &conf, &reference, &few, WALL_MS, reason,
			      sizeof(reason)),
		0);
}
