/* SPDX-License-Identifier: Apache-2.0 */
/* Reference data as records, and who may send what over it. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "dataplane/access.h"
#include "dataplane/access_state.h"

#define DSP 0x90b3d51f30000002ull
#define SUPPLIER 0x90b3d51f30010000ull
#define RETRIEVER 0x90b3d51f30010009ull
#define SUSPENDED 0x90b3d51f3001000aull
#define BOTH 0x90b3d51f3001000bull
#define METER_1 0x00db123456789001ull
#define METER_2 0x00db123456789002ull

#define OWN 7u /* the organisation of all users; it has to do with every meter */
#define NOW_S 1700000000

/* What every role but OU needs, see checks_record(). */
#define ENTRY(kind)                                                                                \
	{                                                                                          \
		.party = OWN | (kind) << 24, .from_s = 0, .to_s = MW_REGISTRY_OPEN_END             \
	}
#define ENTRIES .entry_count = 3, .entries = {ENTRY(1u), ENTRY(3u), ENTRY(8u)} /* IS, GS, MDR */

static struct registry *registry;
static struct key_store *keys;

static int add(enum mw_control_type type, const void *record, uint32_t size)
{
	return registry_add(registry, (uint16_t)type, record, size);
}

static int add_user(uint64_t eui, uint32_t roles, uint32_t flags)
{
	struct mw_control_user user = {
		.eui = eui, .roles = roles, .flags = flags, .organisation = OWN};
	snprintf(user.name, sizeof(user.name), "user %llx", (unsigned long long)eui);
	return add(MW_CONTROL_USER, &user, sizeof(user));
}

static int add_provider(uint32_t id, uint32_t kind, const char *name)
{
	struct mw_control_provider provider = {.id = id, .kind = kind};
	snprintf(provider.name, sizeof(provider.name), "%s", name);
	return add(MW_CONTROL_PROVIDER, &provider, sizeof(provider));
}

/* The device as the registry image would have it, or NULL. */
static const struct registry_image_device *device_of(uint64_t device_id)
{
	static const struct registry_image_device devices[] = {
		{.device_id = METER_1,
			.type = MW_DEVICE_ESME,
			.status = MW_STATUS_COMMISSIONED,
			.generation = MW_GENERATION_SMETS1,
			.provider_id = 6,
			ENTRIES},
		{.device_id = METER_2,
			.type = MW_DEVICE_ESME,
			.status = MW_STATUS_COMMISSIONED,
			.generation = MW_GENERATION_SMETS2,
			.provider_id = 5,
			ENTRIES},
	};
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (devices[i].device_id == device_id)
			return &devices[i];
	return NULL;
}

static struct mw_control_srv_rule rule(
	const char *srv, const char *reference, const char *element, uint32_t roles)
{
	struct mw_control_srv_rule rule = {.roles = roles, .command_variants = 1u << 1};
	snprintf(rule.srv, sizeof(rule.srv), "%s", srv);
	snprintf(rule.service_reference, sizeof(rule.service_reference), "%s", reference);
	snprintf(rule.body_element, sizeof(rule.body_element), "%s", element);
	rule.generations = 1u << MW_GENERATION_SMETS1 | 1u << MW_GENERATION_SMETS2;
	rule.mdr_generations = rule.generations;
	rule.modes = MW_MODE_ON_DEMAND;
	rule.device_types = 1u << MW_DEVICE_ESME;
	rule.device_statuses = 1u << MW_STATUS_COMMISSIONED;
	return rule;
}

static int add_rule(const struct mw_control_srv_rule *rule)
{
	return add(MW_CONTROL_SRV_RULE, rule, sizeof(*rule));
}

/* The checks in the order of their numbers, check n with the code E1n. */
static struct mw_control_access_checks checks_record(void)
{
	struct mw_control_access_checks checks = {
		.uplift_version = "5.4",
		.uplift_roles = MW_ROLE_MDR,
		.local_roles = MW_ROLE_IS | MW_ROLE_GS,
		.unlinked_roles = MW_ROLE_IS,
		.unlinked_types = 1u << MW_DEVICE_CHF,
		.unlinked_statuses = 1u << MW_STATUS_PENDING,
		.local_statuses = 1u << MW_STATUS_COMMISSIONED,
		.local_variants = 1u << 2 | 1u << 3 | 1u << 6 | 1u << 7,
		.future_dated_variants = 1u << 1 | 1u << 5,
	};
	for (unsigned i = 0; i < MW_ACCESS_CHECK_COUNT; i++) {
		checks.checks[i].check = (uint8_t)i;
		snprintf(checks.checks[i].code, sizeof(checks.checks[i].code), "E1%u", i);
	}
	for (unsigned role = 0; role < MW_ROLE_COUNT; role++)
		checks.role_entitlements[role] = (uint16_t)(2u << role);
	checks.role_entitlements[6] = 0; /* OU */
	for (unsigned direction = 0; direction < MW_DIRECTION_COUNT; direction++)
		checks.direction_entitlements[direction] = 0x7fe;
	return checks;
}

static int add_checks(const struct mw_control_access_checks *checks)
{
	return add(MW_CONTROL_ACCESS_CHECKS, checks, sizeof(*checks));
}

static void setup(void)
{
	keys = key_store_create(0);
	cr_assert_not_null(keys);
	registry = registry_create(1, keys);
	cr_assert_not_null(registry);
	cr_assert_eq(add_user(SUPPLIER, MW_ROLE_IS | MW_ROLE_GS, MW_USER_ACTIVE), 0);
	cr_assert_eq(add_user(RETRIEVER, MW_ROLE_MDR, MW_USER_ACTIVE), 0);
	cr_assert_eq(add_user(SUSPENDED, MW_ROLE_IS, 0), 0);
	cr_assert_eq(add_user(BOTH, MW_ROLE_IS | MW_ROLE_MDR, MW_USER_ACTIVE), 0);
	cr_assert_eq(add_provider(5, MW_PROVIDER_CSP, "csp-north"), 0);
	cr_assert_eq(add_provider(6, MW_PROVIDER_S1SP, "s1sp-1"), 0);

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
	inventory.modes = MW_MODE_DCC_ONLY;
	cr_assert_eq(add_rule(&inventory), 0);
	struct mw_control_srv_rule firmware = rule("11.1", "11.1", "UpdateFirmware", MW_ROLE_IS);
	firmware.command_variants = 1u << 8;
	firmware.flags = MW_SRV_NON_DEVICE;
	firmware.modes = MW_MODE_DCC_ONLY;
	cr_assert_eq(add_rule(&firmware), 0);
	const struct mw_control_access_checks checks = checks_record();
	cr_assert_eq(add_checks(&checks), 0);
}

static void teardown(void)
{
	registry_destroy(registry);
	key_store_destroy(keys);
}

TestSuite(access, .init = setup, .fini = teardown);

static struct duis_document document_of(
	uint64_t user, uint64_t target, const char *srv, const char *element, uint8_t variant)
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
	return document;
}

/* Users have to do with the meters, which are of the right type and status. */
static struct access_decision decide(uint64_t user, uint64_t target, const char *srv,
	const char *element, uint8_t variant, enum mw_service service)
{
	const struct duis_document document = document_of(user, target, srv, element, variant);
	const struct access_request request = {
		.user = registry_user(registry, user),
		.document = &document,
		.service = service,
		.version = access_version("5.4"),
		.now_s = NOW_S,
		.dsp_eui = DSP,
		.device = device_of(target),
	};
	return access_check(registry, &request);
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

Test(access, versions_compare_as_decimals)
{
	cr_expect_eq(access_version("5.4"), 5400000);
	cr_expect_eq(access_version("5.40"), 5400000);
	cr_expect_eq(access_version(" +05.4 "), 5400000);
	cr_expect_eq(access_version("5"), 5000000);
	cr_expect_eq(access_version(".5"), 500000);
	cr_expect_eq(access_version("5.1234560000"), 5123456);
	cr_expect_lt(access_version("5.4"), access_version("5.10001") + 400000);
	cr_expect_lt(access_version("5.10"), access_version("5.4"), "no numbers between points");
	static const char *const none[] = {"", ".", "x", "5.4x", "5..4", "1000", "5.1234567", "-5"};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		cr_expect_eq(access_version(none[i]), 0, "%s", none[i]);
}

/* Another order gives another refusal, and permits the same. */
Test(access, order_is_data)
{
	struct mw_control_access_checks checks = checks_record();
	for (unsigned i = 0; i < MW_ACCESS_CHECK_COUNT; i++)
		checks.checks[i].check = (uint8_t)(MW_ACCESS_CHECK_COUNT - 1 - i);
	struct access_decision decision =
		decide(SUSPENDED, METER_2 + 77, "4.1.1", READ, 4, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.reason, ANSWER_USER_SUSPENDED);
	cr_expect_str_eq(decision.code, "E11");
	cr_assert_eq(access_rules_read(&registry->access, &checks), 0);
	decision = decide(SUSPENDED, METER_2 + 77, "4.1.1", READ, 4, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.reason, ANSWER_DEVICE_UNKNOWN);
	cr_expect_eq(decision.check, MW_ACCESS_DEVICE_UNKNOWN);
	cr_expect_str_eq(decision.code, "E15");
	decision = decide(SUPPLIER, METER_2, "4.1.1", READ, 1, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.reason, ANSWER_ACCEPTED);
}

Test(access, without_rules_nothing_is_permitted)
{
	registry->access.count = 0;
	struct access_decision decision =
		decide(SUPPLIER, METER_2, "4.1.1", READ, 1, MW_SERVICE_SEND_COMMAND);
	cr_expect_eq(decision.reason, ANSWER_SERVICE_UNAVAILABLE);
}

/* A device that is being written is no device that is missing. */
Test(access, busy_device)
{
	const struct duis_document document = document_of(SUPPLIER, METER_2, "4.1.1", READ, 1);
	const struct access_request request = {
		.user = registry_user(registry, SUPPLIER),
		.document = &document,
		.service = MW_SERVICE_SEND_COMMAND,
		.version = access_version("5.4"),
		.device_busy = true,
	};
	struct access_decision decision = access_check(registry, &request);
	cr_expect_eq(decision.reason, ANSWER_CAPACITY);
	cr_expect_null(decision.code);
}

Test(access, explanation_is_the_decision)
{
	const struct duis_document document = document_of(RETRIEVER, METER_2, "4.1.1", READ, 1);
	const struct registry_image_device device = {
		.type = MW_DEVICE_GSME,
		.status = MW_STATUS_COMMISSIONED,
		.generation = MW_GENERATION_SMETS2,
		.entry_count = 1,
		.entries = {{.party = 7 | MW_ENTITLEMENT_GAS_SUPPLIER << 24,
			.from_s = 1700000000,
			.to_s = MW_REGISTRY_OPEN_END}},
	};
	struct registry_user user = *registry_user(registry, RETRIEVER);
	user.organisation = 7;
	const struct access_request request = {
		.user = &user,
		.document = &document,
		.service = MW_SERVICE_SEND_COMMAND,
		.version = access_version("5.4"),
		.now_s = 1700086400,
		.device = &device,
	};
	struct access_explanation told[MW_ACCESS_CHECK_COUNT];
	size_t count;
	struct access_decision decision = access_explain(registry, &request, told, &count);
	struct access_decision alone = access_check(registry, &request);
	cr_assert_eq(count, MW_ACCESS_CHECK_COUNT);
	cr_expect_eq(alone.reason, decision.reason);
	cr_expect_eq(alone.check, decision.check);
	cr_expect_eq(alone.uncovered_s, decision.uncovered_s);
	cr_expect_str_eq(alone.code, decision.code);
	cr_expect_eq(decision.reason, ANSWER_NOT_ENTITLED);
	cr_expect_eq(decision.uncovered_s, request.now_s);
	cr_expect_eq(told[MW_ACCESS_USER_ROLE].verdict, ACCESS_PASSED);
	cr_expect_str_eq(told[MW_ACCESS_USER_ROLE].data, "roles MDR");
	cr_expect_eq(told[MW_ACCESS_TARGET].verdict, ACCESS_NOT_ASKED);
	cr_expect_eq(told[MW_ACCESS_NOT_ENTITLED].verdict, ACCESS_REFUSED);
	cr_expect_not_null(strstr(told[MW_ACCESS_NOT_ENTITLED].data, "2023-11-15T22:13:20Z"));
	cr_expect_not_null(strstr(told[MW_ACCESS_NOT_ENTITLED].data,
		"organisation 7 has gas-supplier 2023-11-14T22:13:20Z.."));
	cr_expect_eq(told[MW_ACCESS_DEVICE_TYPE].verdict, ACCESS_ALSO_REFUSED);
	cr_expect_str_eq(told[MW_ACCESS_DEVICE_TYPE].data, "GSME; the SRV allows ESME");
	cr_expect_eq(told[MW_ACCESS_GENERATION].verdict, ACCESS_ALSO_REFUSED);
	cr_expect_str_eq(told[MW_ACCESS_GENERATION].code, "E040101");
	cr_expect_eq(told[MW_ACCESS_LOCAL_COMMAND].verdict, ACCESS_NOT_ASKED);
	for (size_t i = 0; i < count; i++) {
		cr_expect_str_eq(told[i].name,
			answer_reason_name((enum answer_reason)(ANSWER_USER_ROLE + i)));
		cr_expect_gt(strlen(told[i].data), 5, "%s", told[i].name);
	}
	cr_expect_str_eq(access_verdict_name(ACCESS_ALSO_REFUSED), "also refused");
}

/* The longest that a device can have said of it fits, and foreign octets do not get out. */
Test(access, explanation_is_bounded)
{
	struct duis_document document =
		document_of(SUPPLIER, METER_2, "4.1.1", "\x1b[31mRead\xff", 1);
	struct registry_user user = *registry_user(registry, SUPPLIER);
	struct registry_image_device device = {.type = 255,
		.status = 200,
		.generation = 99,
		.entry_count = MW_REGISTRY_ENTRIES * MW_REGISTRY_CHAIN_MAX};
	struct access_explanation told[MW_ACCESS_CHECK_COUNT];
	size_t count;
	user.organisation = MW_REGISTRY_ORGANISATION_MAX;
	for (uint16_t i = 0; i < device.entry_count; i++)
		device.entries[i].party = UINT32_MAX;
	const struct access_request request = {
		.user = &user, .document = &document, .device = &device, .now_s = INT64_MAX};
	access_explain(registry, &request, told, &count);
	for (size_t i = 0; i < count; i++)
		for (const char *at = told[i].data; *at; at++)
			cr_expect(*at >= 0x20 && *at < 0x7f, "%s: %s", told[i].name, told[i].data);
	cr_expect_eq(told[MW_ACCESS_NOT_ENTITLED].verdict, ACCESS_ALSO_REFUSED);
	cr_expect_eq(strlen(told[MW_ACCESS_NOT_ENTITLED].data), ACCESS_DATA_SIZE - 1);
}

Test(access, rules_that_cannot_be_used)
{
	struct mw_control_access_checks checks = checks_record();
	cr_expect_eq(add_checks(&checks), -EEXIST);
	registry->access.count = 0;
	checks.checks[3].check = 4;
	cr_expect_eq(add_checks(&checks), -EBADMSG, "one twice, one never");
	checks = checks_record();
	checks.checks[0].check = MW_ACCESS_CHECK_COUNT;
	cr_expect_eq(add_checks(&checks), -EBADMSG);
	checks = checks_record();
	memset(checks.checks[5].code, 'E', sizeof(checks.checks[5].code));
	cr_expect_eq(add_checks(&checks), -EBADMSG, "a text without end");
	checks = checks_record();
	checks.uplift_version[0] = 'x';
	cr_expect_eq(add_checks(&checks), -EBADMSG);
	checks = checks_record();
	checks.local_roles = 1u << MW_ROLE_COUNT;
	cr_expect_eq(add_checks(&checks), -EBADMSG);
	checks = checks_record();
	checks.role_entitlements[2] = 1;
	cr_expect_eq(add_checks(&checks), -EBADMSG, "kinds begin with 1");
	checks = checks_record();
	cr_expect_eq(add_checks(&checks), 0);
	struct mw_control_srv_rule row = rule("9.9", "9.9", "X", 1);
	row.direction = MW_DIRECTION_COUNT;
	cr_expect_eq(add_rule(&row), -EBADMSG);
	row = rule("9.9", "9.9", "X", 1);
	row.uplift_modes = MW_MODE_SCHEDULED;
	cr_expect_eq(add_rule(&row), -EBADMSG, "of no mode of its");
	row = rule("9.9", "9.9", "X", 1);
	row.device_types = 1u << MW_DEVICE_TYPE_COUNT;
	cr_expect_eq(add_rule(&row), -EBADMSG);
}

/* Entitlements in any order, called-off ones and numbers that mean nothing. */
Test(access, coverage)
{
	static const struct {
		uint32_t organisation, kind;
		uint32_t from_s, to_s;
	} entries[] = {
		{7, MW_ENTITLEMENT_MDR_IMPORT, 300, 400},
		{7, MW_ENTITLEMENT_MDR_IMPORT, 200, 300},
		{7, MW_ENTITLEMENT_MDR_IMPORT, 500, 500},
		{7, MW_ENTITLEMENT_MDR_IMPORT, 100, 210},
		{8, MW_ENTITLEMENT_MDR_IMPORT, 0, MW_REGISTRY_OPEN_END},
		{7, MW_ENTITLEMENT_MDR_EXPORT, 0, MW_REGISTRY_OPEN_END},
		{7, MW_ENTITLEMENT_MDR_IMPORT + 32, 0, MW_REGISTRY_OPEN_END},
		{0, MW_ENTITLEMENT_MDR_IMPORT, 0, MW_REGISTRY_OPEN_END},
		{7, MW_ENTITLEMENT_MDR_IMPORT, 401, MW_REGISTRY_OPEN_END},
	};
	struct registry_image_device device = {.entry_count = sizeof(entries) / sizeof(entries[0])};
	for (uint16_t i = 0; i < device.entry_count; i++)
		device.entries[i] = (struct mw_registry_entry){
			.party = entries[i].organisation | entries[i].kind << 24,
			.from_s = entries[i].from_s,
			.to_s = entries[i].to_s,
		};
	const uint32_t kinds = 1u << MW_ENTITLEMENT_MDR_IMPORT;
	static const struct {
		int64_t start_s, end_s;
		bool covered;
		int64_t uncovered_s;
	} cases[] = {
		{100, 400, true, 0},
		{150, 390, true, 0},
		{100, 401, false, 400},
		{99, 400, false, 99},
		{400, 400, true, 0},
		{401, 401, true, 0},
		{400, 401, false, 400},
		{401, INT64_MAX, true, 0},
		{-5, -5, false, -5},
		{INT64_MIN, 100, false, INT64_MIN},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t uncovered_s;
		bool covered = access_covered(
			&device, 7, kinds, cases[i].start_s, cases[i].end_s, &uncovered_s);
		cr_expect_eq(covered, cases[i].covered, "case %zu", i);
		if (!cases[i].covered)
			cr_expect_eq(uncovered_s, cases[i].uncovered_s, "case %zu", i);
		cr_expect_not(access_covered(&device, 0, kinds, cases[i].start_s, cases[i].end_s,
				      &uncovered_s),
			"nobody's user");
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

/* ---- records that the checks do not use */

Test(access, thresholds_name_users_and_srvs)
{
	struct registry *other = registry_create(2, keys);
	struct mw_control_user user = {.eui = 7, .duis_version = "5.1"};
	struct mw_control_threshold threshold = {.user = 7, .period_s = 60, .limit = 5};

	cr_assert_eq(registry_add(other, MW_CONTROL_USER, (uint8_t *)&user, sizeof(user)), 0);
	cr_assert_str_eq(registry_user(other, 7)->duis_version, "5.1");
#define ADD_THRESHOLD()                                                                            \
	registry_add(other, MW_CONTROL_THRESHOLD, (uint8_t *)&threshold, sizeof(threshold))
	cr_expect_eq(ADD_THRESHOLD(), 0);
	cr_expect_eq(ADD_THRESHOLD(), -EEXIST);
	threshold.period_s = 61;
	cr_expect_eq(ADD_THRESHOLD(), 0);
	threshold.period_s = 0;
	cr_expect_eq(ADD_THRESHOLD(), -EBADMSG);
	threshold.period_s = UINT32_MAX;
	cr_expect_eq(ADD_THRESHOLD(), -EBADMSG);
	threshold.period_s = 60;
	threshold.user = 8;
	cr_expect_eq(ADD_THRESHOLD(), -ENOENT);
	threshold.user = 7;
	memcpy(threshold.srv, "4.99", 5);
	cr_expect_eq(ADD_THRESHOLD(), -ENOENT);
	memset(threshold.srv, 'x', sizeof(threshold.srv));
	cr_expect_eq(ADD_THRESHOLD(), -EBADMSG);
	cr_expect_eq(other->threshold_count, 2);
	memset(user.duis_version, '5', sizeof(user.duis_version));
	user.eui = 9;
	cr_expect_eq(
		registry_add(other, MW_CONTROL_USER, (uint8_t *)&user, sizeof(user)), -EBADMSG);
	registry_destroy(other);
}

Test(access, one_code_for_version_mismatches)
{
	struct registry *other = registry_create(2, keys);
	struct mw_control_alert_code code = {.event = MW_ALERT_VERSION_MISMATCH, .code = "N999"};

#define ADD_CODE() registry_add(other, MW_CONTROL_ALERT_CODE, (uint8_t *)&code, sizeof(code))
	code.event = 2;
	cr_expect_eq(ADD_CODE(), -EBADMSG);
	code.event = MW_ALERT_VERSION_MISMATCH;
	code.code[0] = '\0';
	cr_expect_eq(ADD_CODE(), -EBADMSG);
	code.code[0] = 'N';
	cr_expect_eq(ADD_CODE(), 0);
	cr_expect_eq(ADD_CODE(), -EEXIST);
	cr_expect_str_eq(other->version_mismatch_code, "N999");
	registry_destroy(other);
}
