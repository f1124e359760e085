/* SPDX-License-Identifier: Apache-2.0 */
/* Reference data as records, and who may send what over it. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "dataplane/access.h"

#define DSP 0x90b3d51f30000002ull
#define SUPPLIER 0x90b3d51f30010000ull
#define RETRIEVER 0x90b3d51f30010009ull
#define SUSPENDED 0x90b3d51f3001000aull
#define BOTH 0x90b3d51f3001000bull
#define METER_1 0x00db123456789001ull
#define METER_2 0x00db123456789002ull

static struct registry *registry;

static int add(enum mw_control_type type, const void *record, uint32_t size)
{
	return registry_add(registry, (uint16_t)type, record, size);
}

static int add_user(uint64_t eui, uint32_t roles, uint32_t flags)
{
	struct mw_control_user user = {.eui = eui, .roles = roles, .flags = flags};
	snprintf(user.name, sizeof(user.name), "user %llx", (unsigned long long)eui);
	return add(MW_CONTROL_USER, &user, sizeof(user));
}

static int add_provider(uint32_t id, uint32_t kind, const char *name)
{
	struct mw_control_provider provider = {.id = id, .kind = kind};
	snprintf(provider.name, sizeof(provider.name), "%s", name);
	return add(MW_CONTROL_PROVIDER, &provider, sizeof(provider));
}

static int add_device(uint64_t device_id, uint32_t provider_id, uint8_t generation)
{
	struct mw_control_device device = {
		.device_id = device_id, .provider_id = provider_id, .generation = generation};
	return add(MW_CONTROL_DEVICE, &device, sizeof(device));
}

static struct mw_control_srv_rule rule(
	const char *srv, const char *reference, const char *element, uint32_t roles)
{
	struct mw_control_srv_rule rule = {.roles = roles, .command_variants = 1u << 1};
	snprintf(rule.srv, sizeof(rule.srv), "%s", srv);
	snprintf(rule.service_reference, sizeof(rule.service_reference), "%s", reference);
	snprintf(rule.body_element, sizeof(rule.body_element), "%s", element);
	rule.mdr_generations = 1u << MW_GENERATION_SMETS1 | 1u << MW_GENERATION_SMETS2;
	return rule;
}

static int add_rule(const struct mw_control_srv_rule *rule)
{
	return add(MW_CONTROL_SRV_RULE, rule, sizeof(*rule));
}

static void setup(void)
{
	registry = registry_create(1);
	cr_assert_not_null(registry);
	cr_assert_eq(add_user(SUPPLIER, MW_ROLE_IS | MW_ROLE_GS, MW_USER_ACTIVE), 0);
	cr_assert_eq(add_user(RETRIEVER, MW_ROLE_MDR, MW_USER_ACTIVE), 0);
	cr_assert_eq(add_user(SUSPENDED, MW_ROLE_IS, 0), 0);
	cr_assert_eq(add_user(BOTH, MW_ROLE_IS | MW_ROLE_MDR, MW_USER_ACTIVE), 0);
	cr_assert_eq(add_provider(5, MW_PROVIDER_CSP, "csp-north"), 0);
	cr_assert_eq(add_provider(6, MW_PROVIDER_S1SP, "s1sp-1"), 0);
	cr_assert_eq(add_device(METER_1, 6, MW_GENERATION_SMETS1), 0);
	cr_assert_eq(add_device(METER_2, 5, MW_GENERATION_SMETS2), 0);

	struct mw_control_srv_rule read =
		rule("4.1.1", "4.1", "ReadInstantaneousImportRegisters", MW_ROLE_IS | MW_ROLE_MDR);
	read.command_variants = 1u << 1 | 1u << 2 | 1u << 3;
	read.mdr_generations = 1u << MW_GENERATION_SMETS1;
	snprintf(read.mdr_generation_code, sizeof(read.mdr_generation_code), "E040101");
	cr_assert_eq(add_rule(&read), 0);
	struct mw_control_srv_rule critical =
		rule("7.2", "7.2", "DisableSupply", MW_ROLE_IS | MW_ROLE_GS);
	critical.command_variants = 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7;
	cr_assert_eq(add_rule(&critical), 0);
	struct mw_control_srv_rule inventory = rule("8.2", "8.2", "ReadInventory", 0xff);
	inventory.command_variants = 1u << 8;
	inventory.flags = MW_SRV_NON_DEVICE | MW_SRV_CONTROL_ANSWERS;
	cr_assert_eq(add_rule(&inventory), 0);
	struct mw_control_srv_rule firmware = rule("11.1", "11.1", "UpdateFirmware", MW_ROLE_IS);
	firmware.command_variants = 1u << 8;
	firmware.flags = MW_SRV_NON_DEVICE;
	cr_assert_eq(add_rule(&firmware), 0);
}

static void teardown(void)
{
	registry_destroy(registry);
}

TestSuite(access, .init = setup, .fini = teardown);

static struct access_decision decide(uint64_t user, uint64_t target, const char *srv,
	const char *element, uint8_t variant, enum mw_service service)
{
	struct duis_document document = {.root = DUIS_ROOT_REQUEST, .command_variant = variant};
	document.request_id = (struct mw_request_id){user, target, 1};
	snprintf(document.service_reference_variant, sizeof(document.service_reference_variant),
		"%s", srv);
	/* The service reference is the variant without its last part where it has three. */
	snprintf(document.service_reference, sizeof(document.service_reference), "%s", srv);
	if (strcmp(srv, "4.1.1") == 0)
		document.service_reference[3] = '\0';
	snprintf(document.body_element, sizeof(document.body_element), "%s", element);
	return access_check(registry, registry_user(registry, user), &document, service, DSP);
}

#define READ "ReadInstantaneousImportRegisters"

Test(access, permitted_device_request)
{
	struct access_decision decision =
		decide(SUPPLIER, METER_2, "4.1.1", READ, 1, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.reason, ANSWER_ACCEPTED);
	cr_expect_eq(decision.route, ACCESS_ROUTE_DEVICE);
	cr_expect_eq(decision.provider_id, 5);
	cr_expect_str_eq(decision.srv->srv, "4.1.1");
}

Test(access, every_refusal_has_its_reason)
{
	static const struct {
		uint64_t user, target;
		const char *srv, *element;
		uint8_t variant;
		enum mw_service service;
		enum answer_reason reason;
	} cases[] = {
		{SUSPENDED, METER_2, "4.1.1", READ, 1, MW_SERVICE_SEND_COMMAND,
			ANSWER_USER_SUSPENDED},
		{SUPPLIER, METER_2, "4.1.9", READ, 1, MW_SERVICE_SEND_COMMAND, ANSWER_SRV_MISMATCH},
		{SUPPLIER, METER_2, "4.1.1", "DisableSupply", 1, MW_SERVICE_SEND_COMMAND,
			ANSWER_SRV_MISMATCH},
		{SUPPLIER, METER_2, "7.2", "DisableSupply", 5, MW_SERVICE_SEND_COMMAND,
			ANSWER_SRV_MISMATCH},
		{SUPPLIER, METER_2, "4.1.1", "SignedPreCommand", 1, MW_SERVICE_SEND_COMMAND,
			ANSWER_SRV_MISMATCH},
		{SUPPLIER, METER_2, "4.1.1", READ, 4, MW_SERVICE_TRANSFORM, ANSWER_COMMAND_VARIANT},
		{SUPPLIER, METER_2, "4.1.1", READ, 9, MW_SERVICE_SEND_COMMAND,
			ANSWER_COMMAND_VARIANT},
		{SUPPLIER, METER_2, "4.1.1", READ, 1, MW_SERVICE_TRANSFORM, ANSWER_SERVICE},
		{SUPPLIER, METER_2, "4.1.1", READ, 1, MW_SERVICE_NON_DEVICE, ANSWER_SERVICE},
		{RETRIEVER, METER_2, "7.2", "DisableSupply", 4, MW_SERVICE_TRANSFORM,
			ANSWER_ROLE_NOT_PERMITTED},
		{SUPPLIER, METER_2 + 77, "4.1.1", READ, 1, MW_SERVICE_SEND_COMMAND,
			ANSWER_DEVICE_UNKNOWN},
		{SUPPLIER, METER_2, "8.2", "ReadInventory", 8, MW_SERVICE_NON_DEVICE,
			ANSWER_TARGET},
		{SUPPLIER, DSP, "11.1", "UpdateFirmware", 8, MW_SERVICE_NON_DEVICE,
			ANSWER_SERVICE_UNAVAILABLE},
		{SUPPLIER, METER_2, "7.2", "DisableSupply", 4, MW_SERVICE_TRANSFORM,
			ANSWER_TRANSFORM_UNAVAILABLE},
		{RETRIEVER, METER_2, "4.1.1", READ, 1, MW_SERVICE_SEND_COMMAND, ANSWER_GENERATION},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct access_decision decision = decide(cases[i].user, cases[i].target,
			cases[i].srv, cases[i].element, cases[i].variant, cases[i].service);
		cr_expect_eq(decision.reason, cases[i].reason, "case %zu: %s, not %s", i,
			answer_reason_name(decision.reason), answer_reason_name(cases[i].reason));
	}
}

Test(access, retriever_generations)
{
	struct access_decision decision =
		decide(RETRIEVER, METER_1, "4.1.1", READ, 1, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.reason, ANSWER_ACCEPTED);
	decision = decide(RETRIEVER, METER_2, "4.1.1", READ, 1, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.reason, ANSWER_GENERATION);
	cr_expect_str_eq(decision.code, "E040101");
	decision = decide(BOTH, METER_2, "4.1.1", READ, 1, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.reason, ANSWER_ACCEPTED, "an import supplier is not bound by it");
}

Test(access, routes_by_command_variant)
{
	cr_assert_eq(add_provider(7, MW_PROVIDER_TRANSFORM, "transform"), 0);
	struct access_decision decision =
		decide(SUPPLIER, METER_2, "7.2", "DisableSupply", 4, MW_SERVICE_TRANSFORM);
	cr_expect_eq(decision.reason, ANSWER_ACCEPTED);
	cr_expect_eq(decision.route, ACCESS_ROUTE_TRANSFORM);
	decision = decide(SUPPLIER, METER_2, "7.2", "SignedPreCommand", 5, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.reason, ANSWER_ACCEPTED);
	cr_expect_eq(decision.route, ACCESS_ROUTE_TRANSFORM_AND_DEVICE);
	decision = decide(SUPPLIER, METER_2, "7.2", "SignedPreCommand", 6, MW_SERVICE_NON_DEVICE);
	cr_expect_eq(decision.route, ACCESS_ROUTE_TRANSFORM);
	decision = decide(SUPPLIER, METER_2, "4.1.1", READ, 3, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.route, ACCESS_ROUTE_TRANSFORM_AND_DEVICE);
	decision = decide(RETRIEVER, DSP, "8.2", "ReadInventory", 8, MW_SERVICE_NON_DEVICE);
	cr_expect_eq(decision.reason, ANSWER_ACCEPTED);
	cr_expect_eq(decision.route, ACCESS_ROUTE_CONTROL);
}

Test(access, each_variant_belongs_to_one_service)
{
	for (uint8_t variant = 1; variant <= 9; variant++) {
		int takers = 0;
		for (int service = 0; service < MW_SERVICE_COUNT; service++)
			takers += access_service_takes((enum mw_service)service, variant);
		cr_expect_eq(takers, variant == 9 ? 0 : 1, "variant %u", variant);
	}
}

Test(access, records_that_cannot_be_used)
{
	cr_expect_eq(add_user(SUPPLIER, MW_ROLE_IS, 0), -EEXIST);
	cr_expect_eq(add_provider(5, MW_PROVIDER_CSP, "again"), -EEXIST);
	cr_expect_eq(add_provider(9, MW_PROVIDER_CSP, "csp-north"), -EEXIST);
	cr_expect_eq(add_provider(64, MW_PROVIDER_CSP, "beyond"), -EBADMSG);
	cr_expect_eq(add_provider(9, 99, "no-kind"), -EBADMSG);
	cr_expect_eq(add_provider(9, MW_PROVIDER_CSP, ""), -EBADMSG);
	cr_expect_eq(add_device(METER_1, 6, MW_GENERATION_SMETS1), -EEXIST);
	cr_expect_eq(add_device(1, 40, MW_GENERATION_SMETS1), -ENOENT);
	cr_expect_eq(add_device(1, 6, 7), -EBADMSG);
	struct mw_control_srv_rule again = rule("7.2", "7.2", "X", 1);
	cr_expect_eq(add_rule(&again), -EEXIST);
	memset(again.srv, 'x', sizeof(again.srv));
	cr_expect_eq(add_rule(&again), -EBADMSG, "a text without end");
	struct mw_control_user user = {.eui = 1};
	cr_expect_eq(add(MW_CONTROL_USER, &user, sizeof(user) - 1), -EBADMSG);
	cr_expect_eq(add(MW_CONTROL_HELLO, &user, sizeof(user)), -EBADMSG);
	struct mw_control_certificate certificate = {.eui = 42, .der_length = 0};
	cr_expect_eq(add(MW_CONTROL_CERTIFICATE, &certificate, sizeof(certificate)), -ENOENT);
	certificate.eui = SUPPLIER;
	cr_expect_eq(add(MW_CONTROL_CERTIFICATE, &certificate, sizeof(certificate)), -EBADMSG);
	certificate.der_length = 100;
	cr_expect_eq(add(MW_CONTROL_CERTIFICATE, &certificate, sizeof(certificate)), -EBADMSG);
}

Test(access, limits_hold)
{
	int status = 0;
	for (uint64_t eui = 1; eui <= USERS_MAX && status == 0; eui++)
		status = add_user(eui, MW_ROLE_OU, MW_USER_ACTIVE);
	cr_expect_eq(status, -ENOSPC);
	cr_expect_eq(registry->user_count, USERS_MAX);
	for (uint64_t eui = 1; eui <= USERS_MAX - 4; eui++)
		cr_assert_not_null(registry_user(registry, eui));
	cr_expect_null(registry_user(registry, USERS_MAX + 99));
}
