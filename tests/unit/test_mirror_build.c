/* SPDX-License-Identifier: Apache-2.0 */
/* A whole image built by walking the tables says of every device what its row and the rows of its
 * MPxNs say when they are looked up by key: with none, one and several MPxNs, with overflow
 * records, and with more entries than fit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "bench/sim/registry.h"
#include "control/bulk.h"
#include "control/device_words.h"
#include "control/entitlement.h"
#include "control/mirror.h"
#include "dataplane/registry_image.h"
#include "store_fixture.h"

#define DEVICES 9000u
#define SEED 2u
#define CROWDED 40u /* devices whose MPxNs have as many events as they may */
#define MIB (1024ull * 1024)

TestSuite(mirror_build, .init = store_folder_create, .fini = store_folder_destroy, .timeout = 60);

static struct store *store;
static struct settlement_calendar *calendar;
static FILE *quiet;

static void load_store(void)
{
	static const char *const names[] = {
		"csp-north", "csp-south-central", "s1sp-1", "s1sp-2", "s1sp-3"};
	struct bulk_options options = {.errors = stderr, .shown_max = 5};
	struct sim_registry_counts counts;
	char paths[BULK_TABLES][320];
	struct bulk_result result;
	char folder[256];
	char reason[256];

	store = store_test_open(256 * MIB);
	struct store_change *change = store_begin(store);
	for (uint32_t i = 0; i < 5; i++)
		store_test_provider(change, i, names[i]);
	store_test_commit(change);
	snprintf(folder, sizeof(folder), "%s", store_path("files"));
	cr_assert_eq(sim_registry_write(DEVICES, SEED, folder, &counts), 0);
	for (int table = 0; table < BULK_TABLES; table++) {
		snprintf(paths[table], sizeof(paths[table]), "%s/%s.csv", folder,
			bulk_table_name(table));
		options.paths[table] = paths[table];
	}
	cr_assert_eq(bulk_load(store, &options, &result), 0);
	calendar = settlement_open(NULL, reason, sizeof(reason));
	cr_assert_not_null(calendar);
	quiet = fopen("/dev/null", "w");
}

static void unload(void)
{
	fclose(quiet);
	settlement_close(calendar);
	store_close(store);
}

/* Two suppliers in turn, 64 times: 64 entries that do not touch. */
static void crowd(struct store_change *change, uint64_t number, uint32_t first_organisation)
{
	struct mpxn mpxn = {.number = number, .event_count = MPXN_EVENTS_MAX};

	for (unsigned i = 0; i < MPXN_EVENTS_MAX; i++)
		mpxn.events[i] = (struct mpxn_event){.type = MPXN_SUPPLIER,
			.organisation = first_organisation + i % 2,
			.from_day = 19000 + 7 * (int32_t)i,
			.to_day = MPXN_OPEN_DAY};
	cr_assert_eq(store_mpxn_put(change, &mpxn), 0);
}

/* Fill up the MPxNs of some devices, among them such with three. Returns how many have more than
 * 128 entries. */
static unsigned crowd_devices(void)
{
	struct store_change *change = store_begin(store);
	struct store_link links[STORE_LINKS_MAX];
	struct store_device device;
	unsigned found = 0;
	unsigned beyond = 0;

	for (uint64_t i = 0; i < DEVICES && found < CROWDED; i++) {
		uint64_t id = sim_registry_device_id(i, SEED);

		cr_assert_eq(store_device_get(change, id, &device), 0);
		/* Every device of several MPxNs, and one more for the crowd. */
		bool is_third = strcmp(device.device.type, "ESME") == 0 && i % 3 == 0;
		if (is_third && device.device.export_mpan[0] != '\0')
			snprintf(device.device.secondary_import_mpan,
				sizeof(device.device.secondary_import_mpan), "99%011u",
				(unsigned)i);
		cr_assert_eq(store_device_put(change, &device), 0);
		int count = store_device_links(&device.device, links);
		if (count < 2)
			continue;
		for (int k = 0; k < count; k++)
			crowd(change, links[k].number, 1 + 2 * (uint32_t)k);
		found++;
		beyond += count > 2;
	}
	store_test_commit(change);
	return beyond;
}

/* What the image must say, by key. */
static uint32_t expected_entries(struct store_change *snapshot, const struct reference_device *row,
	struct mw_registry_entry *entries, size_t *dropped)
{
	static struct mpxn_interval intervals[STORE_LINKS_MAX][MPXN_INTERVALS_MAX];
	struct entitlement_source sources[STORE_LINKS_MAX];
	struct store_link links[STORE_LINKS_MAX];
	struct mpxn mpxn;
	int count = store_device_links(row, links);

	for (int i = 0; i < count; i++) {
		cr_assert_eq(store_mpxn_get(snapshot, links[i].number, &mpxn), 0);
		sources[i] = (struct entitlement_source){
			links[i].use, intervals[i], mpxn_timeline(&mpxn, intervals[i])};
	}
	return (uint32_t)entitlement_entries(calendar, sources, (size_t)count, entries, dropped);
}

static void expect_image(const char *path, unsigned beyond, unsigned with_several)
{
	struct mw_registry_entry entries[ENTITLEMENT_ENTRIES_MAX];
	static struct registry_image_device found;
	struct store_change *snapshot = store_snapshot(store);
	struct store_device row;
	uint64_t cursor = 0;
	unsigned devices = 0;
	unsigned dropping = 0;
	unsigned overflowing = 0;
	char reason[256];
	size_t dropped;
	struct registry_image *image = registry_image_map(path, reason, sizeof(reason));

	cr_assert_not_null(image, "%s", reason);
	cr_assert_eq(registry_image_device_count(image), store_device_count(snapshot));
	for (; store_device_next(snapshot, &cursor, &row) == 1; devices++) {
		uint32_t count = expected_entries(snapshot, &row.device, entries, &dropped);

		cr_assert_eq(registry_image_read(image, cursor, &found), 0);
		cr_assert_eq(found.type, device_word_number(device_type_words, row.device.type));
		cr_assert_eq(
			found.status, device_word_number(device_status_words, row.device.status));
		cr_assert_eq(found.generation, row.device.generation);
		cr_assert_eq(found.provider_id, row.device.provider_id);
		cr_assert_eq(found.entry_count, count, "device %d", (int)devices);
		cr_assert_eq(memcmp(found.entries, entries, count * sizeof(entries[0])), 0);
		dropping += dropped > 0;
		overflowing += count > MW_REGISTRY_ENTRIES;
	}
	cr_assert_eq(dropping, beyond);
	cr_assert_geq(overflowing, with_several);
	registry_image_unmap(image);
	store_abandon(snapshot);
}

Test(mirror_build, says_what_the_rows_say)
{
	load_store();
	char path[256];
	snprintf(path, sizeof(path), "%s", store_path("image"));
	struct mirror *mirror = mirror_open(store, path, quiet);

	cr_assert_not_null(mirror);
	cr_assert_eq(mirror_counters(mirror)->builds, 1);
	expect_image(path, 0, 0);
	/* Device by device, from the log ... */
	unsigned beyond = crowd_devices();
	cr_assert_gt(beyond, 0);
	cr_assert_eq(mirror_update(mirror), 0);
	cr_assert_eq(mirror_counters(mirror)->builds, 1);
	expect_image(path, beyond, CROWDED);
	mirror_close(mirror);
	/* ... and all of them at once. */
	cr_assert_eq(unlink(path), 0);
	mirror = mirror_open(store, path, quiet);
	cr_assert_not_null(mirror);
	cr_assert_eq(mirror_counters(mirror)->builds, 1);
	expect_image(path, beyond, CROWDED);
	struct registry_write_usage usage;
	mirror_usage(mirror, &usage);
	cr_assert_leq(usage.devices, DEVICES);
	mirror_close(mirror);
	/* An image that is there is not built again. */
	mirror = mirror_open(store, path, quiet);
	cr_assert_eq(mirror_counters(mirror)->builds, 0);
	mirror_close(mirror);
	unload();
}

/* 160 bytes a device, whatever the number of devices makes of the index. */
Test(mirror_build, a_device_takes_160_bytes_at_most)
{
	for (uint64_t devices = 200000; devices < 40000000; devices += devices / 37) {
		uint64_t room = devices + devices / 24 + 1024;
		struct registry_write_options options = {
			.devices_max = room, .overflow_records = room / 32};

		cr_assert_leq(registry_write_size(&options), devices * 160, "%u devices",
			(unsigned)devices);
	}
}
