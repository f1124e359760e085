/* SPDX-License-Identifier: Apache-2.0 */
/* The registry image as a mirror of the store: built, kept current, built anew, carried over a
 * restart of control, and what a record says of types, statuses and entitlements. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "control/entitlement.h"
#include "control/mirror.h"
#include "control_fixture.h"
#include "dataplane/registry_image.h"

#define MPXN_IMPORT_NUMBER 1312345678111u
#define MPXN_EXPORT_NUMBER 1312345678333u
#define FROM_DAY 20000 /* 2024-10-04, summer time */
#define FROM_S (FROM_DAY * 86400 - 3600)

static struct reference *reference;
static struct store *store;
static struct mirror *mirror;
static struct registry_image *image;
static FILE *quiet;

static void map_image(void)
{
	char reason[256];

	registry_image_unmap(image);
	image = registry_image_map(mirror_path(mirror), reason, sizeof(reason));
	cr_assert_not_null(image, "%s", reason);
	cr_assert_eq(registry_image_id(image), mirror_id(mirror));
}

static void open_mirror(void)
{
	mirror = mirror_open(store, fixture_path("run/devices.image"), quiet);
	cr_assert_not_null(mirror);
}

static void create(void)
{
	fixture_create();
	quiet = fopen("/dev/null", "w");
	reference = fixture_reference(1);
	store = fixture_store(reference);
	open_mirror();
	map_image();
}

static void destroy(void)
{
	registry_image_unmap(image);
	image = NULL;
	mirror_close(mirror);
	reference_free(reference);
	fclose(quiet);
	fixture_destroy();
}

TestSuite(mirror, .init = create, .fini = destroy, .timeout = 60);

static void commit(struct store_change *change)
{
	uint64_t number;

	cr_assert_eq(store_commit(change, &number), 0);
	cr_assert_eq(mirror_update(mirror), 0);
	cr_assert_eq(mirror_change(mirror), number);
	cr_assert_eq(registry_image_change(image), registry_image_state(image) == MW_REGISTRY_READY
							   ? number
							   : registry_image_change(image));
}

static void tell(uint64_t mpxn_number, uint8_t type, uint32_t organisation)
{
	struct store_change *change = store_begin(store);
	struct mpxn mpxn;
	struct mpxn_event event = {
		.type = type,
		.role = type == MPXN_APPOINTMENT ? MPXN_ROLE_MDR : MPXN_ROLE_NONE,
		.organisation = organisation,
		.from_day = FROM_DAY,
		.to_day = MPXN_OPEN_DAY,
	};

	cr_assert_eq(store_mpxn_get(change, mpxn_number, &mpxn), 0);
	cr_assert_eq(mpxn_add_event(&mpxn, &event), 0);
	cr_assert_eq(store_mpxn_put(change, &mpxn), 0);
	commit(change);
}

Test(mirror, devices_are_as_the_store_has_them)
{
	struct registry_image_device device;

	cr_assert_eq(registry_image_device_count(image), 3);
	cr_assert_eq(registry_image_read(image, FIXTURE_SMETS2, &device), 0);
	cr_assert_eq(device.type, MW_DEVICE_ESME);
	cr_assert_eq(device.status, MW_STATUS_COMMISSIONED);
	cr_assert_eq(device.generation, MW_GENERATION_SMETS2);
	cr_assert_eq(device.provider_id, 0);
	cr_assert_eq(device.entry_count, 0);
	cr_assert_eq(registry_image_read(image, FIXTURE_SMETS1, &device), 0);
	cr_assert_eq(device.generation, MW_GENERATION_SMETS1);
	cr_assert_eq(device.provider_id, 7);
	cr_assert_eq(device.status, MW_STATUS_COMMISSIONED);
	cr_assert_eq(registry_image_read(image, FIXTURE_GAS, &device), 0);
	cr_assert_eq(device.type, MW_DEVICE_GSME);
	cr_assert_eq(registry_image_read(image, 1, &device), -ENOENT);
}

Test(mirror, appointments_become_entries)
{
	struct registry_image_device device;
	struct entitlement_window day = {FROM_S, FROM_S + 86400};
	struct entitlement_window before = {FROM_S - 1, FROM_S + 86400};

	tell(MPXN_IMPORT_NUMBER, MPXN_SUPPLIER, 1);
	tell(MPXN_IMPORT_NUMBER, MPXN_APPOINTMENT, 2);
	tell(MPXN_EXPORT_NUMBER, MPXN_SUPPLIER, 3);
	cr_assert_eq(registry_image_read(image, FIXTURE_SMETS2, &device), 0);
	cr_assert_eq(device.entry_count, 3);
	const struct {
		uint32_t party;
		bool entitled;
	} cases[] = {
		{entitlement_party(1, MW_ENTITLEMENT_IMPORT_SUPPLIER), true},
		{entitlement_party(2, MW_ENTITLEMENT_MDR_IMPORT), true},
		{entitlement_party(3, MW_ENTITLEMENT_EXPORT_SUPPLIER), true},
		{entitlement_party(2, MW_ENTITLEMENT_MDR_EXPORT), false},
		{entitlement_party(1, MW_ENTITLEMENT_EXPORT_SUPPLIER), false},
		{entitlement_party(4, MW_ENTITLEMENT_IMPORT_SUPPLIER), false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(
			entitlement_covers(device.entries, device.entry_count, cases[i].party, day),
			cases[i].entitled, "case %zu", i);
		cr_expect_not(entitlement_covers(
				      device.entries, device.entry_count, cases[i].party, before),
			"case %zu", i);
	}
}

Test(mirror, devices_change_and_go)
{
	struct registry_image_device device;
	struct store_device row;
	uint64_t id = mirror_id(mirror);
	struct store_change *change = store_begin(store);

	cr_assert_eq(store_device_get(change, FIXTURE_SMETS2, &row), 0);
	strcpy(row.device.status, "Suspended");
	cr_assert_eq(store_device_put(change, &row), 0);
	cr_assert_eq(store_device_remove(change, FIXTURE_GAS), 0);
	cr_assert_eq(registry_image_read(image, FIXTURE_GAS, &device), 0, "not before the commit");
	commit(change);
	cr_assert_eq(registry_image_read(image, FIXTURE_SMETS2, &device), 0);
	cr_assert_eq(device.status, MW_STATUS_SUSPENDED);
	cr_assert_eq(registry_image_read(image, FIXTURE_GAS, &device), -ENOENT);
	cr_assert_eq(mirror_id(mirror), id, "nothing was built anew");
	cr_assert_eq(mirror_counters(mirror)->builds, 1);
	cr_assert_eq(mirror_counters(mirror)->devices_removed, 1);
}

/* Control ends, the store goes on without it, control comes back: readers keep their mapping. */
Test(mirror, a_restart_goes_on_with_the_image)
{
	struct registry_image_device device;
	uint64_t id = mirror_id(mirror);

	mirror_close(mirror);
	struct store_change *change = store_begin(store);
	cr_assert_eq(store_device_remove(change, FIXTURE_GAS), 0);
	cr_assert_eq(store_commit(change, NULL), 0);
	open_mirror();
	cr_assert_eq(mirror_id(mirror), id);
	cr_assert_eq(mirror_counters(mirror)->builds, 0);
	cr_assert_eq(registry_image_read(image, FIXTURE_GAS, &device), -ENOENT);
}

Test(mirror, an_image_that_is_lost_or_damaged_is_built_anew)
{
	struct registry_image_device device;
	uint64_t id = mirror_id(mirror);

	for (int damaged = 0; damaged < 2; damaged++) {
		mirror_close(mirror);
		cr_assert_eq(remove(fixture_path("run/devices.image")), 0);
		if (damaged)
			fixture_write("run/devices.image", "no image");
		open_mirror();
		cr_assert_eq(mirror_counters(mirror)->builds, 1);
		cr_assert_neq(mirror_id(mirror), id);
		map_image();
		cr_assert_eq(registry_image_read(image, FIXTURE_SMETS2, &device), 0);
		cr_assert_eq(registry_image_device_count(image), 3);
	}
}

/* More devices than there is room for: a larger image takes the place of the first one. */
Test(mirror, growth)
{
	struct registry_image_device device;
	struct store_device row;
	uint64_t id = mirror_id(mirror);
	struct store_change *change = store_begin(store);

	cr_assert_eq(store_device_get(change, FIXTURE_SMETS2, &row), 0);
	row.device.import_mpxn[0] = row.device.secondary_import_mpan[0] = '\0';
	row.device.export_mpan[0] = row.device.uprn[0] = row.device.post_code[0] = '\0';
	for (uint64_t i = 1; i <= 40000; i++) {
		row.device.device_id = i;
		cr_assert_eq(store_device_put(change, &row), 0, "%d", (int)i);
	}
	cr_assert_eq(store_commit(change, NULL), 0);
	cr_assert_eq(mirror_update(mirror), 0);
	cr_assert_neq(mirror_id(mirror), id);
	cr_assert_eq(registry_image_state(image), MW_REGISTRY_RETIRED);
	map_image();
	cr_assert_eq(registry_image_device_count(image), 40003);
	cr_assert_eq(registry_image_read(image, 40000, &device), 0);
	cr_assert_eq(registry_image_read(image, FIXTURE_SMETS1, &device), 0);
	/* And it is kept current like the first one. */
	change = store_begin(store);
	cr_assert_eq(store_device_remove(change, 7), 0);
	commit(change);
	cr_assert_eq(registry_image_read(image, 7, &device), -ENOENT);
}

/* Two processes on one image: the second is refused and leaves it alone. */
Test(mirror, one_writer)
{
	struct registry_image_device device;

	cr_assert_null(mirror_open(store, fixture_path("run/devices.image"), quiet));
	cr_assert_eq(registry_image_state(image), MW_REGISTRY_READY);
	cr_assert_eq(registry_image_read(image, FIXTURE_SMETS2, &device), 0);
}
