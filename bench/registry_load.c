/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bulk load: devices, registrations and appointments from CSV files in random key order into an
 * empty store, all tables and indexes, ending in one sync, on all processors. Rows are those
 * written to all tables and indexes, lines those read; both must come at the rate that is asked
 * for. The time is that of the clock, from the first byte read to the end of the sync; the
 * processor time beside it tells how much of it was work on a machine that others use too.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/registry_bench.h"
#include "bench/sim/registry.h"
#include "control/bulk.h"

#define TARGET_US 5.0 /* 200,000 rows a second */
#define DEVICES_QUICK 200000u
#define SEED 1u
#define BYTES_MAX (64ull << 30)

static void remove_files(const char *folder)
{
	DIR *files = opendir(folder);
	struct dirent *entry;
	char path[1024];

	while (files != NULL && (entry = readdir(files)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	if (files != NULL)
		closedir(files);
	rmdir(folder);
}

static int put_providers(struct store *store)
{
	static const char *const names[] = {
		"csp-north", "csp-south-central", "s1sp-1", "s1sp-2", "s1sp-3"};
	struct store_change *change = store_begin(store);
	int result = change == NULL ? -errno : 0;

	for (uint32_t i = 0; i < 5 && result == 0; i++) {
		struct store_provider provider = {.provider = {.id = i}};

		provider.provider.kind = i < 2 ? MW_PROVIDER_CSP : MW_PROVIDER_S1SP;
		snprintf(provider.provider.name, MW_NAME_SIZE, "%s", names[i]);
		snprintf(provider.provider.url, MW_URL_SIZE, "http://127.0.0.1/%s", names[i]);
		result = store_provider_put(change, &provider);
	}
	if (change == NULL || result != 0) {
		store_abandon(change);
		return result;
	}
	return store_commit(change, NULL);
}

static double processor_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Whether the store holds what the files say. */
static bool is_loaded(struct store *store, const struct sim_registry_counts *counts,
	const struct bulk_result *loaded)
{
	struct store_change *snapshot = store_snapshot(store);
	struct store_device device;
	bool good = snapshot != NULL && loaded->lines[BULK_DEVICES] == counts->devices &&
		    loaded->lines[BULK_REGISTRATIONS] == counts->registrations &&
		    loaded->lines[BULK_APPOINTMENTS] == counts->appointments;

	for (uint64_t i = 0; i < 1000 && good; i++) {
		uint64_t id = sim_registry_device_id(i * counts->devices / 1000, SEED);
		struct mpxn mpxn;

		good = store_device_get(snapshot, id, &device) == 0 &&
		       store_mpxn_get(snapshot, strtoull(device.device.import_mpxn, NULL, 10),
			       &mpxn) == 0 &&
		       mpxn.devices[0].device_id == id && mpxn.event_count >= 2;
	}
	store_abandon(snapshot);
	return good;
}

/* How much memory of its own the process has at most, looked at ten times a second. */
struct watch {
	pthread_t thread;
	atomic_bool ended;
	unsigned long most_mib;
};

static void *watch_memory(void *argument)
{
	struct watch *watch = argument;

	while (!atomic_load(&watch->ended)) {
		FILE *file = fopen("/proc/self/status", "re");
		unsigned long kibibytes = 0;
		char line[128];

		while (file != NULL && fgets(line, sizeof(line), file) != NULL)
			if (sscanf(line, "RssAnon: %lu", &kibibytes) == 1)
				break;
		if (file != NULL)
			fclose(file);
		if (kibibytes / 1024 > watch->most_mib)
			watch->most_mib = kibibytes / 1024;
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	}
	return NULL;
}

static void report(struct registry_bench *bench, struct registry_figure figure, double value)
{
	if (registry_bench_wants(bench, figure.name))
		registry_bench_report(bench, figure, &value, 1);
}

static int load(struct registry_bench *bench, struct store *store, const char *folder,
	const struct sim_registry_counts *counts)
{
	struct bulk_options options = {.errors = stderr, .shown_max = 10};
	struct bulk_result loaded;
	char paths[BULK_TABLES][512];

	for (int table = 0; table < BULK_TABLES; table++) {
		snprintf(paths[table], sizeof(paths[table]), "%s/%s.csv", folder,
			bulk_table_name(table));
		options.paths[table] = paths[table];
	}
	struct watch watch = {0};
	bool watched = pthread_create(&watch.thread, NULL, watch_memory, &watch) == 0;
	double processor = processor_s();
	uint64_t start_ns = bench_now_ns();
	int result = bulk_load(store, &options, &loaded);
	double time_us = (double)(bench_now_ns() - start_ns) / 1e3;
	processor = (processor_s() - processor) * 1e6;
	atomic_store(&watch.ended, true);
	if (watched)
		pthread_join(watch.thread, NULL);
	if (result == 0 && !is_loaded(store, counts, &loaded))
		result = -EBADMSG; /* the store does not hold the files */
	if (result != 0)
		return result;
	double rows = (double)loaded.rows;
	double lines = (double)(counts->devices + counts->registrations + counts->appointments);
	report(bench,
		(struct registry_figure){.name = "load", .unit = "us/row", .target = TARGET_US},
		time_us / rows);
	report(bench,
		(struct registry_figure){
			.name = "load-lines", .unit = "us/line", .target = TARGET_US},
		time_us / lines);
	report(bench, (struct registry_figure){.name = "load-processor", .unit = "us/row"},
		processor / rows);
	report(bench, (struct registry_figure){.name = "load-memory", .unit = "MiB"},
		(double)watch.most_mib);
	return 0;
}

static bool wants(const struct registry_bench *bench)
{
	return registry_bench_wants(bench, "load") || registry_bench_wants(bench, "load-lines") ||
	       registry_bench_wants(bench, "load-processor") ||
	       registry_bench_wants(bench, "load-memory") || registry_bench_wants_control(bench);
}

int registry_bench_load(struct registry_bench *bench)
{
	const char *base = getenv("TMPDIR");
	struct sim_registry_counts counts;
	char folder[256];
	char files[300];
	char path[300];
	char reason[256] = "";

	if (!wants(bench))
		return 0;
	registry_bench_spread(bench);
	snprintf(folder, sizeof(folder), "%s/motorway-bench-XXXXXX", base != NULL ? base : "/tmp");
	if (mkdtemp(folder) == NULL)
		return -errno;
	snprintf(files, sizeof(files), "%s/files", folder);
	snprintf(path, sizeof(path), "%s/store", folder);
	struct store_options options = {.path = path, .bytes_max = BYTES_MAX};
	uint64_t devices = bench->devices;
	if (bench->options.quick)
		bench->devices = DEVICES_QUICK;
	int result = sim_registry_write(bench->devices, SEED, files, &counts);
	/* What the files still have to be written to the disk is not the load's work. */
	sync();
	struct store *store = result == 0 ? store_open(&options, reason, sizeof(reason)) : NULL;
	if (result == 0 && store == NULL) {
		fprintf(stderr, "bench_registry: %s\n", reason);
		result = -EIO;
	}
	if (result == 0)
		result = put_providers(store);
	if (result == 0)
		result = load(bench, store, files, &counts);
	store_close(store);
	remove_files(files);
	if (result == 0)
		result = registry_bench_control(bench, path);
	bench->devices = devices;
	registry_bench_pin(bench);
	remove_files(path);
	rmdir(folder);
	return result;
}
