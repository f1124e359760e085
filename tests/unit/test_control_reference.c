/* SPDX-License-Identifier: Apache-2.0 */
/* The reference files: the shipped ones are in order and say what they should; a file with errors
 * gives every error with its place and no set. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/crc32c.h"
#include "control/reference_files.h"
#include "motorway/registry_image.h"
#include "control_fixture.h"

TestSuite(control_reference, .init = fixture_create, .fini = fixture_destroy);

/* The set is refused with an error of `file` at line:column that contains `text`. */
static void expect_error(const char *file, int line, int column, const char *text)
{
	struct reference *reference;
	char *errors;
	char place[384];

	cr_assert_eq(fixture_read(1, &reference, &errors), -EINVAL, "%s is accepted", file);
	cr_assert_null(reference);
	snprintf(place, sizeof(place), "%s:%d:%d: ", fixture_path(file), line, column);
	cr_assert_not_null(
		strstr(errors, place), "no error at %d:%d in:\n%s", line, column, errors);
	bool said = false;
	for (const char *at = strstr(errors, place); at != NULL; at = strstr(at + 1, place)) {
		const char *found = strstr(at, text);

		said |= found != NULL && found < strchr(at, '\n');
	}
	cr_assert(said, "\"%s\" is not said in:\n%s", text, errors);
	free(errors);
}

Test(control_reference, a_set_in_order)
{
	struct reference *reference = fixture_reference(17);
	const struct reference_user *user = reference_user(reference, FIXTURE_SUPPLIER);

	cr_assert_eq(reference->generation, 17);
	cr_assert_eq(reference->user_count, 4);
	cr_assert_eq(reference->certificate_count, 3);
	cr_assert_eq(reference->certificates[1].eui, FIXTURE_MDR);
	cr_assert_eq(reference->provider_count, 3);
	cr_assert_eq(reference->device_count, 3);
	cr_assert_eq(reference->rule_count, 129);
	cr_assert_eq(user->roles, MW_ROLE_IS | MW_ROLE_ES | MW_ROLE_GS);
	cr_assert(user->active);
	cr_assert_str_eq(user->callback_url, "http://127.0.0.1:8090/receive/supplier");
	cr_assert_not(reference_user(reference, FIXTURE_SUSPENDED)->active);
	cr_assert_str_eq(reference_user(reference, FIXTURE_SUSPENDED)->callback_url, "");
	cr_assert_null(reference_user(reference, 1));
	const struct reference_device *device = reference_device(reference, FIXTURE_SMETS1);
	cr_assert_eq(device->generation, MW_GENERATION_SMETS1);
	cr_assert_eq(device->provider_id, 7);
	cr_assert_null(reference_device(reference, 1));
	cr_assert_str_eq(reference->codes[SERVICE_SCHEDULE_DEVICE_UNKNOWN], "E19");
	reference_free(reference);
}

Test(control_reference, records_in_order_and_their_crc)
{
	struct reference *reference = fixture_reference(17);
	uint8_t payload[REFERENCE_RECORD_BYTES_MAX];
	size_t count = reference_record_count(reference);
	int last = 0;
	uint32_t crc = 0;

	cr_assert_eq(count, 4 + 3 + 3 + 1 + 129 + 2);
	for (size_t i = 0; i < count; i++) {
		enum mw_control_type type;
		size_t length = reference_record(reference, i, &type, payload);

		cr_assert_geq((int)type, last);
		last = (int)type;
		crc = crc32c(crc, payload, length);
		cr_assert_eq(type == MW_CONTROL_REGISTRY_IMAGE, i == 10);
	}
	cr_assert_eq(crc, reference->crc32c);
	reference_free(reference);
}

/* What the matrix must say, whoever edits it: the eleven SRVs of a meter data retriever and their
 * device generations (MP162), and which SRVs control answers. */
Test(control_reference, shipped_matrix)
{
	static const struct {
		const char *srv;
		uint8_t generations;
		const char *code;
	} mdr[] = {
		{"4.1.1", 1u << MW_GENERATION_SMETS1, "E040101"},
		{"4.2", 6, ""},
		{"4.6.1", 6, ""},
		{"4.6.2", 1u << MW_GENERATION_SMETS2, "E11"},
		{"4.8.1", 6, ""},
		{"4.8.3", 6, ""},
		{"4.17", 1u << MW_GENERATION_SMETS2, "E11"},
		{"5.1", 0, ""},
		{"5.2", 0, ""},
		{"5.3", 0, ""},
		{"8.2", 0, ""},
	};
	struct reference *reference = fixture_reference(1);
	unsigned permitted = 0;

	for (size_t i = 0; i < sizeof(mdr) / sizeof(mdr[0]); i++) {
		const struct mw_control_srv_rule *rule = reference_rule(reference, mdr[i].srv);

		cr_assert_not_null(rule);
		cr_assert(rule->roles & MW_ROLE_MDR);
		cr_assert_eq(rule->mdr_generations, mdr[i].generations, "%s", mdr[i].srv);
		cr_assert_str_eq(rule->mdr_generation_code, mdr[i].code);
	}
	for (size_t i = 0; i < reference->rule_count; i++) {
		const struct mw_control_srv_rule *rule = &reference->rules[i];
		bool control = strcmp(rule->srv, "8.2") == 0 || strncmp(rule->srv, "5.", 2) == 0;

		permitted += (rule->roles & MW_ROLE_MDR) != 0;
		cr_assert_eq((rule->flags & MW_SRV_CONTROL_ANSWERS) != 0, control, "%s", rule->srv);
		/* Variant 8 and no other is what the DSP itself answers. */
		cr_assert_eq((rule->flags & MW_SRV_NON_DEVICE) != 0,
			rule->command_variants == 1u << 8, "%s", rule->srv);
		cr_assert_eq(rule->command_variants & ~0x1feu, 0);
	}
	cr_assert_eq(permitted, 11);
	cr_assert_eq(reference_rule(reference, "7.16")->roles, MW_ROLE_LC);
	cr_assert_eq(reference_rule(reference, "8.5")->roles, MW_ROLE_IS | MW_ROLE_GS);
	cr_assert_eq(reference_rule(reference, "2.2")->command_variants, 0x0e);
	cr_assert_eq(reference_rule(reference, "2.3")->command_variants, 0xf0);
	reference_free(reference);
}

Test(control_reference, users_with_errors)
{
	fixture_certificate("nameless.pem", 0);
	fixture_write("empty.pem", "");
	fixture_write("users.yaml",
		"users:\n"
		"  - {eui: 90-B3, name: a, roles: [IS], certificates: []}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-00, name: \"\", roles: [IS], certificates: []}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-00, name: b, roles: [IS, XX], certificates: []}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-01, name: c, roles: [IS, IS], certificates: []}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-01, name: d, roles: [], certificates: [mdr.pem]}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-01, name: e, roles: [IS], certificates: "
		"[none.pem]}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-02, name: f, roles: [IS], certificates: "
		"[nameless.pem]}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-03, name: g, roles: [IS], certificates: "
		"[empty.pem]}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-04, name: h, roles: [IS], certificates: [],\n"
		"     callback_url: \"https://127.0.0.1/\"}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-05, name: i, roles: [IS], certificates: [],\n"
		"     active: perhaps, colour: red}\n"
		"  - 7\n"
		"people: []\n");
	expect_error("users.yaml", 2, 11, "an EUI-64 such as");
	expect_error("users.yaml", 3, 42, "a text of 1 to 47 bytes");
	expect_error("users.yaml", 4, 57, "a list of: IS, ES, GS, RSA, ED, GT, OU, MDR, LC");
	expect_error("users.yaml", 5, 57, "\"IS\" stands in this list a second time");
	expect_error("users.yaml", 6, 52, "at least one role");
	expect_error("users.yaml", 6, 71, "belongs to another EUI-64");
	expect_error("users.yaml", 7, 11, "this EUI-64 stands in the file a second time");
	expect_error("users.yaml", 7, 73, "no readable PEM certificate");
	expect_error("users.yaml", 8, 73, "holds no EUI-64");
	expect_error("users.yaml", 9, 73, "no readable PEM certificate");
	expect_error("users.yaml", 11, 20, "not a URL such as");
	expect_error("users.yaml", 13, 14, "yes or no");
	expect_error("users.yaml", 13, 23, "the key \"colour\" is not known here");
	expect_error("users.yaml", 14, 5, "a mapping of keys to values is expected");
	expect_error("users.yaml", 15, 1, "the key \"people\" is not known here; known is: users");
}

Test(control_reference, providers_and_devices_with_errors)
{
	fixture_write("providers.yaml",
		"providers:\n"
		"  - {id: 64, name: a, kind: CSP, url: \"http://127.0.0.1/a\"}\n"
		"  - {id: 1, name: b c, kind: CSP, url: \"http://127.0.0.1/b\"}\n"
		"  - {id: 1, name: d, kind: DSP, url: \"http://127.0.0.1/d\"}\n"
		"  - {id: 1, name: e, kind: transform, url: \"http://127.0.0.1\"}\n"
		"  - {id: 2, name: e, kind: transform, url: \"http://example.org/\"}\n");
	expect_error("providers.yaml", 2, 10, "a number from 0 to 63");
	expect_error("providers.yaml", 3, 19, "letters, digits");
	expect_error("providers.yaml", 4, 28, "CSP, S1SP, DCO or transform");
	expect_error("providers.yaml", 5, 10, "taken by provider \"b c\"");
	expect_error("providers.yaml", 5, 44, "not a URL such as");
	expect_error("providers.yaml", 6, 19, "names are unique");
	expect_error("providers.yaml", 6, 28, "transform provider already");
	expect_error("providers.yaml", 6, 44, "not a URL such as");
	fixture_write("providers.yaml",
		"providers:\n"
		"  - {id: 1, name: csp, kind: CSP, url: \"http://127.0.0.1/b\"}\n"
		"  - {id: 2, name: tra, kind: transform, url: \"http://127.0.0.1/b\"}\n");
	fixture_write("devices.yaml",
		"devices:\n"
		"  - {device_id: 00-DB-12-34-56-78-90-A0, type: ESME, generation: SMETS3, "
		"provider: csp,\n"
		"     manufacturer: m, model: m}\n"
		"  - {device_id: 00-DB-12-34-56-78-90-A0, type: ISME, generation: SMETS2, "
		"provider: nsp,\n"
		"     manufacturer: m, model: m, status: Lost, date_commissioned: 2023-02-29}\n"
		"  - {device_id: 00-DB-12-34-56-78-90-A0, type: ESME, generation: SMETS2, "
		"provider: tra,\n"
		"     manufacturer: m, model: m, export_mpan: \"12\", import_mpxn: 12a, uprn: "
		"\"000\"}\n"
		"  - {device_id: 00-DB-12-34-56-78-90-A1, type: ESME, generation: SMETS2, "
		"provider: csp,\n"
		"     manufacturer: 0123456789012345678901234567890, post_code: M22}\n");
	expect_error("devices.yaml", 2, 66, "SMETS1 or SMETS2");
	expect_error("devices.yaml", 4, 48, "ESME, GSME, GPF, CHF, HCALCS, PPMID, IHD or CAD");
	expect_error("devices.yaml", 4, 84, "\"nsp\" is no provider");
	expect_error("devices.yaml", 5, 41, "Pending, Whitelisted");
	expect_error("devices.yaml", 5, 66, "a date such as");
	expect_error("devices.yaml", 6, 17, "a second time; the first is in line 4");
	expect_error("devices.yaml", 6, 84, "a transform provider reaches no devices");
	expect_error("devices.yaml", 7, 46, "13 or more digits");
	expect_error("devices.yaml", 7, 65, "1 or more digits");
	expect_error("devices.yaml", 7, 76, "must be greater than 0");
	expect_error("devices.yaml", 9, 20, "at most 30 bytes");
	expect_error("devices.yaml", 8, 5, "\"model\" is missing");
}

Test(control_reference, access_with_errors)
{
	fixture_write("matrix.yaml",
		"rules:\n"
		"  - {srv: \"4.x\", service_reference: \"4.1\", name: n, body_element: B, roles: "
		"[IS],\n"
		"     command_variants: [1], basis: confirmed}\n"
		"  - {srv: \"4.10\", service_reference: \"4.1\", name: n, body_element: B, roles: "
		"[MDR],\n"
		"     command_variants: [9], basis: confirmed}\n"
		"  - {srv: \"4.10\", service_reference: \"4.1\", name: n, body_element: B, roles: "
		"[MDR],\n"
		"     command_variants: [], basis: assumed, mdr_generation_code: X}\n"
		"  - {srv: \"4.10\", service_reference: \"4.10\", name: n, body_element: B, roles: "
		"[],\n"
		"     command_variants: [8], flags: [control-answers], basis: guessed}\n"
		"  - {srv: \"4.10\", service_reference: \"4.10\", name: n, body_element: B, roles: "
		"[],\n"
		"     command_variants: [8], flags: [control-answers], basis: confirmed}\n");
	expect_error("matrix.yaml", 2, 11, "digits and points only");
	expect_error("matrix.yaml", 5, 25, "a list of: 1, 2, 3, 4, 5, 6, 7, 8");
	expect_error("matrix.yaml", 6, 38, "the first part of \"srv\"");
	expect_error("matrix.yaml", 6, 5, "\"mdr_generations\" is missing");
	expect_error("matrix.yaml", 7, 24, "at least one command variant");
	expect_error("matrix.yaml", 7, 35, "\"note\" is missing");
	expect_error("matrix.yaml", 7, 65, "not a DUIS ResponseCode");
	expect_error("matrix.yaml", 9, 62, "confirmed or assumed");
	expect_error("matrix.yaml", 10, 11, "this SRV stands in the file a second time");
	expect_error("matrix.yaml", 10, 79, "at least one role");
	expect_error("matrix.yaml", 11, 36, "add non-device");
	fixture_write("services.yaml", "codes:\n"
				       "  schedule-role: {code: E2, assumed: no, meaning: m}\n"
				       "  schedule-rule: {code: E2, assumed: no, meaning: m}\n"
				       "  schedule-mdr: {code: \"22\", assumed: no, meaning: m}\n"
				       "  schedule-mdr: {code: E2, meaning: m}\n");
	expect_error("services.yaml", 3, 3, "no reason of a service");
	expect_error("services.yaml", 4, 24, "not a DUIS ResponseCode");
	expect_error("services.yaml", 5, 3, "a second time; the first is in line 4");
	expect_error("services.yaml", 5, 17, "\"assumed\" is missing");
	expect_error("services.yaml", 2, 3, "\"inventory-nothing\" is missing; it is required");
}

Test(control_reference, thresholds_and_alert_codes)
{
	struct reference *reference;
	char *errors;
	uint8_t payload[REFERENCE_RECORD_BYTES_MAX];
	enum mw_control_type type;
	struct mw_control_threshold threshold;
	struct mw_control_alert_code code;

	fixture_write("thresholds.yaml",
		"thresholds:\n"
		"  - {user: 90-B3-D5-1F-30-01-00-00, srv: \"4.8.1\", period_s: 60, limit: 5}\n"
		"  - {user: 90-B3-D5-1F-30-01-00-00, srv: all, period_s: 60, limit: 9}\n");
	cr_assert_eq(fixture_read(1, &reference, &errors), 0, "%s", errors);
	free(errors);
	cr_assert_eq(reference->threshold_count, 2);
	size_t count = reference_record_count(reference);
	cr_assert_eq(reference_record(reference, count - 1, &type, payload), sizeof(threshold));
	cr_assert_eq(type, MW_CONTROL_THRESHOLD);
	memcpy(&threshold, payload, sizeof(threshold));
	cr_assert_str_eq(threshold.srv, "");
	cr_assert_eq(threshold.limit, 9);
	cr_assert_eq(reference_record(reference, count - 2, &type, payload), sizeof(threshold));
	memcpy(&threshold, payload, sizeof(threshold));
	cr_assert_str_eq(threshold.srv, "4.8.1");
	cr_assert_eq(threshold.user, FIXTURE_SUPPLIER);
	cr_assert_eq(reference_record(reference, count - 3, &type, payload), sizeof(code));
	cr_assert_eq(type, MW_CONTROL_ALERT_CODE);
	memcpy(&code, payload, sizeof(code));
	cr_assert_str_eq(code.code, "N999");
	cr_assert_eq(code.event, MW_ALERT_VERSION_MISMATCH);
	cr_assert_str_eq(reference->alert_codes[ALERT_SCHEDULE_REMOVED_MDRA], "N66");
	reference_free(reference);
}

Test(control_reference, thresholds_with_errors)
{
	fixture_write("thresholds.yaml",
		"thresholds:\n"
		"  - {user: 90-B3-D5-1F-30-01-00-00, srv: \"4.99\", period_s: 0, limit: 5}\n"
		"  - {user: 90-B3-D5-1F-30-01-00-01, srv: \"4.99\", period_s: 60, limit: 5}\n"
		"  - {user: 90-B3-D5-1F-30-01-00-00, srv: all, period_s: 60, limit: 5}\n"
		"  - {user: 90-B3-D5-1F-30-01-00-00, srv: all, period_s: 60, limit: 6}\n");
	expect_error("thresholds.yaml", 2, 60, "a number from 1 to 34560000");
	expect_error("thresholds.yaml", 3, 12, "not a user of the users' file");
	expect_error("thresholds.yaml", 3, 42, "not an SRV of the access matrix");
	expect_error("thresholds.yaml", 5, 5, "stand in the file a second time");
}

Test(control_reference, alert_codes_with_errors)
{
	fixture_write("alerts.yaml",
		"alerts:\n"
		"  schedule-removed-mdra: {code: N66, basis: guessed, note: n}\n"
		"  schedule-removed-mdr: {code: N66, basis: assumed, note: n}\n"
		"  command-failed: {code: \"66\", basis: assumed, note: n}\n");
	expect_error("alerts.yaml", 2, 45, "confirmed or assumed");
	expect_error("alerts.yaml", 3, 3, "no event that is announced");
	expect_error("alerts.yaml", 4, 26, "not a DCCAlertCode");
	expect_error("alerts.yaml", 2, 3, "\"version-mismatch\" is missing; it is required");
}

Test(control_reference, duis_versions_of_users)
{
	fixture_write("users.yaml",
		"users:\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-00, name: a, roles: [IS], certificates: [],\n"
		"     duis_version: \"5.1\"}\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-09, name: b, roles: [IS], certificates: []}\n");
	struct reference *reference = fixture_reference(1);
	cr_assert_str_eq(reference->users[0].duis_version, "5.1");
	cr_assert_str_eq(reference->users[1].duis_version, "5.4", "that of the configuration");
	reference_free(reference);
	fixture_write("users.yaml",
		"users:\n"
		"  - {eui: 90-B3-D5-1F-30-01-00-00, name: a, roles: [IS], certificates: [],\n"
		"     duis_version: five}\n");
	expect_error("users.yaml", 3, 20, "not a schemaVersion");
}

Test(control_reference, devices_of_rules_with_errors)
{
	fixture_write("matrix.yaml",
		"rules:\n"
		"  - {srv: \"4.10\", service_reference: \"4.10\", name: n, body_element: B,\n"
		"     roles: [IS], command_variants: [1], basis: confirmed}\n"
		"  - {srv: \"4.11\", service_reference: \"4.11\", name: n, body_element: B,\n"
		"     roles: [IS], command_variants: [1], basis: confirmed, modes: [dcc-only],\n"
		"     uplift_modes: [scheduled], direction: sideways, device_types: [],\n"
		"     device_statuses: [Commissioned], device_basis: assumed}\n"
		"  - {srv: \"4.12\", service_reference: \"4.12\", name: n, body_element: B,\n"
		"     roles: [IS], command_variants: [1], basis: confirmed, modes: [dcc-only],\n"
		"     uplift_modes: [scheduled], direction: gas, device_types: [],\n"
		"     device_statuses: [Commissioned], device_basis: assumed}\n"
		"  - {srv: \"8.3\", service_reference: \"8.3\", name: n, body_element: B,\n"
		"     roles: [IS], command_variants: [8], basis: confirmed, modes: [dcc-only],\n"
		"     flags: [non-device], direction: any}\n");
	expect_error("matrix.yaml", 2, 5, "\"modes\" is missing");
	expect_error("matrix.yaml", 2, 5, "\"device_types\" is missing");
	expect_error("matrix.yaml", 6, 44, "any, import, export or gas");
	expect_error("matrix.yaml", 8, 5, "need one at least");
	expect_error("matrix.yaml", 9, 67, "dcc-only is the mode of non-device requests");
	expect_error("matrix.yaml", 10, 20, "must be some of \"modes\"");
	expect_error("matrix.yaml", 14, 38, "\"direction\" is for requests to devices alone");
}

Test(control_reference, checks_as_shipped)
{
	struct reference *reference = fixture_reference(1);
	const struct mw_control_access_checks *checks = &reference->checks;
	uint32_t seen = 0;

	for (size_t i = 0; i < MW_ACCESS_CHECK_COUNT; i++)
		seen |= 1u << checks->checks[i].check;
	cr_expect_eq(seen, (1u << MW_ACCESS_CHECK_COUNT) - 1);
	cr_expect_eq(checks->checks[0].check, MW_ACCESS_USER_ROLE);
	cr_expect_str_eq(checks->checks[0].code, "E1");
	cr_expect_str_eq(checks->uplift_version, "5.4");
	cr_expect_eq(checks->uplift_roles, MW_ROLE_MDR);
	cr_expect_eq(checks->local_variants, 0xcc);
	cr_expect_eq(checks->local_roles & (MW_ROLE_IS | MW_ROLE_MDR), MW_ROLE_IS);
	cr_expect_eq(checks->future_dated_variants, 0xba);
	cr_expect_eq(checks->role_entitlements[7],
		1u << MW_ENTITLEMENT_MDR_IMPORT | 1u << MW_ENTITLEMENT_MDR_EXPORT);
	cr_expect_eq(checks->role_entitlements[6], 0, "OU");
	cr_expect_eq(checks->direction_entitlements[MW_DIRECTION_ANY], 0x7fe);
	cr_expect_eq(checks->direction_entitlements[MW_DIRECTION_EXPORT],
		1u << MW_ENTITLEMENT_EXPORT_SUPPLIER | 1u << MW_ENTITLEMENT_DISTRIBUTOR |
			1u << MW_ENTITLEMENT_MDR_EXPORT | 1u << MW_ENTITLEMENT_AGENT_EXPORT);
	cr_expect_eq(checks->unlinked_types, 0x1f0);
	cr_expect_eq(checks->unlinked_roles & MW_ROLE_MDR, 0);
	const struct mw_control_srv_rule *export = reference_rule(reference, "4.2");
	cr_expect_eq(export->uplift_modes, MW_MODE_SCHEDULED);
	cr_expect_eq(export->direction, MW_DIRECTION_EXPORT);
	cr_expect_eq(reference_rule(reference, "4.17")->generations, 1u << MW_GENERATION_SMETS2);
	cr_expect(reference_rule(reference, "11.2")->device_statuses & 1u << MW_STATUS_SUSPENDED);
	reference_free(reference);
}

Test(control_reference, checks_with_errors)
{
	fixture_write("checks.yaml", "checks:\n"
				     "  - {name: mode, code: X2, basis: assumed}\n"
				     "  - {name: mode, code: E2, basis: confirmed}\n"
				     "  - {name: moody, code: E2, basis: confirmed}\n"
				     "uplift: {version: \"5.x\", roles: [MDR], basis: confirmed}\n"
				     "future_dated: {command_variants: [9], basis: confirmed}\n"
				     "entitlements:\n"
				     "  - {role: IS, kinds: [import-supplier]}\n"
				     "  - {role: IS, kinds: [supplier]}\n"
				     "  - {role: IS, kinds: []}\n"
				     "directions: any\n"
				     "colours: []\n");
	expect_error("checks.yaml", 2, 24, "not a DUIS ResponseCode");
	expect_error("checks.yaml", 2, 35, "\"note\" is missing");
	expect_error("checks.yaml", 3, 12, "this check stands in the list a second time");
	expect_error("checks.yaml", 4, 12, "user-role");
	expect_error("checks.yaml", 2, 3, "the check \"user-role\" is missing");
	expect_error("checks.yaml", 5, 19, "not a schemaVersion");
	expect_error("checks.yaml", 6, 35, "a list of: 1, 2, 3, 4, 5, 6, 7, 8");
	expect_error("checks.yaml", 9, 24, "import-supplier, export-supplier");
	expect_error("checks.yaml", 10, 5, "\"IS\" stands in the list a second time");
	expect_error("checks.yaml", 8, 3, "\"MDR\" is missing");
	expect_error("checks.yaml", 11, 13, "must be a list");
	expect_error("checks.yaml", 12, 1, "the key \"colours\" is not known here");
	expect_error("checks.yaml", 1, 1, "the key \"local_commands\" is missing");
}

Test(control_reference, urls)
{
	cr_assert(reference_url_valid("http://127.0.0.1:8090/receive/x"));
	cr_assert(reference_url_valid("http://localhost/"));
	static const char *const bad[] = {
		"",
		"http://",
		"http:///x",
		"http://localhost",
		"https://localhost/",
		"http://localhost:0/",
		"http://localhost:65536/",
		"http://localhost:8x/",
		"http://localhost: 80/",
		"http://host/x",
		"http://localhost/a b",
		"http://localhost/\xc3\xa9",
		"HTTP://localhost/",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(reference_url_valid(bad[i]), "%s", bad[i]);
}

Test(control_reference, missing_files_are_all_named)
{
	struct reference *reference;
	char *errors = NULL;
	size_t size;
	FILE *stream = open_memstream(&errors, &size);
	const struct reference_paths paths = {
		.users = "/tmp/none-1",
		.devices = "/tmp/none-2",
		.providers = "/tmp/none-3",
		.access = "/tmp/none-4",
		.service_codes = "/tmp/none-5",
		.access_checks = "/tmp/none-6",
		.alerts = "/tmp/none-7",
		.thresholds = "/tmp/none-8",
	};

	cr_assert_eq(reference_read(&paths, 1, stream, &reference), -ENOENT);
	fclose(stream);
	for (char digit = '1'; digit <= '8'; digit++) {
		char name[16];

		snprintf(name, sizeof(name), "/tmp/none-%c:", digit);
		cr_assert_not_null(strstr(errors, name));
	}
	free(errors);
}
