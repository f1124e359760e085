/* SPDX-License-Identifier: Apache-2.0 */
/* The reference files as one origin of rows in the store. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "control/store_reference.h"
#include "control_fixture.h"

static struct store *store;

static void create(void)
{
	struct store_options options = {.bytes_max = 16 << 20, .without_sync = true};
	char reason[256];

	fixture_create();
	options.path = fixture_path("store");
	store = store_open(&options, reason, sizeof(reason));
	cr_assert_not_null(store, "%s", reason);
}

static void destroy(void)
{
	store_close(store);
	remove(fixture_path("store/data.mdb"));
	remove(fixture_path("store/lock.mdb"));
	remove(fixture_path("store/writer.lock"));
	remove(fixture_path("store"));
	fixture_destroy();
}

TestSuite(store_reference, .init = create, .fini = destroy, .timeout = 60);

static struct store_import import_files(void)
{
	struct reference *reference = fixture_reference(1);
	struct store_change *change = store_begin(store);
	struct store_import import;

	cr_assert_eq(store_reference_import(change, reference, &import), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
	reference_free(reference);
	return import;
}

Test(store_reference, files_come_and_go)
{
	struct store_import import = import_files();
	struct store_change *snapshot = store_snapshot(store);
	struct store_user user;
	struct store_organisation organisation;
	struct store_device device;
	struct mpxn mpxn;
	uint64_t number = store_change_number(snapshot);

	cr_assert_gt(import.written, 10);
	cr_assert_eq(import.removed, 0);
	cr_assert_eq(import.kept, 0);
	cr_assert_eq(store_user_get(snapshot, FIXTURE_MDR, &user), 0);
	cr_assert_str_eq(user.user.name, "meter-data-retriever");
	cr_assert_eq(user.origin, STORE_ORIGIN_FILE);
	cr_assert_eq(store_organisation_get(snapshot, user.organisation, &organisation), 0);
	cr_assert_str_eq(organisation.mpid, "MDRA");
	cr_assert_eq(store_user_get(snapshot, FIXTURE_SUSPENDED, &user), 0);
	cr_assert_eq(store_organisation_get(snapshot, user.organisation, &organisation), 0);
	cr_assert_str_eq(organisation.name, "suspended");
	cr_assert_str_eq(organisation.mpid, "");
	cr_assert_eq(store_device_get(snapshot, FIXTURE_SMETS2, &device), 0);
	cr_assert_str_eq(device.device.provider, "csp");
	cr_assert_eq(store_mpxn_get(snapshot, 1312345678333, &mpxn), 0);
	cr_assert_eq(mpxn.devices[0].use, MPXN_EXPORT);
	cr_assert_eq(store_mpxn_get(snapshot, 1234567890, &mpxn), 0);
	cr_assert_eq(mpxn.devices[0].use, MPXN_GAS);
	store_abandon(snapshot);
	/* The same files again change nothing at all. */
	import = import_files();
	cr_assert_eq(import.written, 0);
	snapshot = store_snapshot(store);
	cr_assert_eq(store_change_number(snapshot), number);
	store_abandon(snapshot);
	/* Two devices and all users but one leave; that one gets an MPID. */
	fixture_write("devices.yaml",
		"devices:\n"
		"  - {device_id: 00-DB-12-34-56-78-90-A1, type: GSME, generation: SMETS2, "
		"provider: csp, manufacturer: New, model: \"3\"}\n");
	fixture_write("users.yaml", "users:\n"
				    "  - {eui: 90-B3-D5-1F-30-02-00-00, name: network-operator, "
				    "roles: [ED], certificates: [], organisation: NETX}\n");
	import = import_files();
	cr_assert_eq(
		import.removed, 2 + 3 + 3, "devices, users, certificates: %d", (int)import.removed);
	snapshot = store_snapshot(store);
	cr_assert_eq(store_device_get(snapshot, FIXTURE_SMETS2, &device), -ENOENT);
	cr_assert_eq(store_mpxn_get(snapshot, 1312345678333, &mpxn), -ENOENT);
	cr_assert_eq(store_user_get(snapshot, FIXTURE_MDR, &user), -ENOENT);
	cr_assert_eq(store_user_get(snapshot, FIXTURE_OPERATOR, &user), 0);
	cr_assert_eq(store_organisation_get(snapshot, user.organisation, &organisation), 0);
	cr_assert_str_eq(organisation.mpid, "NETX");
	store_abandon(snapshot);
}

Test(store_reference, what_an_operator_changed_stays)
{
	struct store_user user;
	struct store_device device;

	import_files();
	struct store_change *change = store_begin(store);
	cr_assert_eq(store_user_get(change, FIXTURE_MDR, &user), 0);
	user.origin = STORE_ORIGIN_OPERATOR;
	user.user.active = false;
	cr_assert_eq(store_user_put(change, &user), 0);
	cr_assert_eq(store_device_get(change, FIXTURE_SMETS2, &device), 0);
	device.origin = STORE_ORIGIN_OPERATOR;
	strcpy(device.device.status, "Suspended");
	cr_assert_eq(store_device_put(change, &device), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
	struct store_import import = import_files();
	cr_assert_eq(import.kept, 2);
	fixture_write("devices.yaml", "devices: []\n");
	import = import_files();
	cr_assert_eq(import.removed, 2);
	struct store_change *snapshot = store_snapshot(store);
	cr_assert_eq(store_device_get(snapshot, FIXTURE_SMETS2, &device), 0);
	cr_assert_str_eq(device.device.status, "Suspended");
	cr_assert_eq(store_user_get(snapshot, FIXTURE_MDR, &user), 0);
	cr_assert_not(user.user.active);
	store_abandon(snapshot);
}

Test(store_reference, providers_swap_their_names)
{
	struct store_provider provider;

	import_files();
	fixture_write("providers.yaml",
		"providers:\n"
		"  - {id: 7, name: csp, kind: CSP, url: \"http://127.0.0.1:8091/csp\"}\n"
		"  - {id: 0, name: s1sp, kind: S1SP, url: \"http://localhost:8091/s1sp\"}\n");
	struct store_import import = import_files();
	cr_assert_eq(import.removed, 1, "the transform provider");
	struct store_change *snapshot = store_snapshot(store);
	cr_assert_eq(store_provider_get(snapshot, 7, &provider), 0);
	cr_assert_str_eq(provider.provider.name, "csp");
	cr_assert_eq(store_provider_get(snapshot, 63, &provider), -ENOENT);
	store_abandon(snapshot);
}

Test(store_reference, back_to_a_set)
{
	struct reference *files = fixture_reference(1);
	struct reference *made = calloc(1, sizeof(*made));

	import_files();
	struct store_change *change = store_begin(store);
	struct store_certificate certificate;
	uint8_t cursor[32] = {0};
	cr_assert_eq(store_certificate_next(change, cursor, &certificate), 1);
	certificate.withdrawn = true;
	cr_assert_eq(store_certificate_put(change, &certificate), 0);
	cr_assert_eq(store_reference_read(change, made), 0);
	cr_assert_eq(made->user_count, files->user_count);
	cr_assert_eq(made->provider_count, files->provider_count);
	cr_assert_eq(made->certificate_count, files->certificate_count - 1);
	for (size_t i = 0; i < made->user_count; i++) {
		const struct reference_user *user = reference_user(files, made->users[i].eui);

		cr_assert_not_null(user);
		cr_assert_str_eq(user->name, made->users[i].name);
		cr_assert_str_eq(user->callback_url, made->users[i].callback_url);
		cr_assert_eq(user->roles, made->users[i].roles);
		cr_assert_eq(user->active, made->users[i].active);
		cr_assert_gt(made->users[i].organisation, 0);
	}
	store_abandon(change);
	reference_free(made);
	reference_free(files);
}
