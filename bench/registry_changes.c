/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1,000 changes of appointments a second, as the feed and operators make them, while requests are
 * judged. One thread changes MPxNs in the store, many in one commit, and brings the image up to
 * date after each, as motorway-control does. The other reads records and judges 4.8.1 requests of
 * two Meter Data Retrievers, as motorway does.
 *
 * Each change turns all appointments of an MPxN around: of eleven periods the even ones were A's
 * and the odd ones B's, and now it is the other way. So of two periods side by side A has one and B
 * the other, in every version; a record that is half of each would show both or none. The entries
 * fill two records.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/registry_bench.h"
#include "bench/sim/registry.h"
#include "control/mirror.h"
#include "dataplane/registry_image.h"

#define SEED 1u
#define BUSY 64u
#define CHANGES_A_SECOND 1000u
#define COMMIT_CHANGES_MAX BUSY
#define CHANGE_MAX_US 1000.0   /* 1,000 a second */
#define VISIBLE_MAX_MS 1000.0  /* from when it was due to when readers have it */
#define DECISION_MAX_NS 2500.0 /* lookup and decision */
#define PERIODS 11
#define PERIOD_DAYS 30
#define FIRST_DAY 20000 /* 2024-10-04 */
#define DAY_S 86400
#define SLICES_MAX 1000u

struct changes {
	struct registry_bench *bench;
	struct store *store;
	struct mirror *mirror;
	uint32_t organisations[3]; /* A, B, the supplier */
	uint64_t devices[BUSY];
	uint64_t mpxns[BUSY];
	pthread_t thread;
	atomic_bool ended;
	uint64_t count;
	uint64_t commits;
	double visible_max_ms;
	double rate;
	int result;
};

/* ---- the writer */

static int put_version(
	const struct changes *changes, struct store_change *change, uint64_t mpxn, bool turned)
{
	struct mpxn row = {.number = mpxn};

	row.events[row.event_count++] = (struct mpxn_event){.type = MPXN_SUPPLIER,
		.organisation = changes->organisations[2],
		.from_day = FIRST_DAY - 1000,
		.to_day = MPXN_OPEN_DAY};
	for (int i = 0; i < PERIODS; i++)
		row.events[row.event_count++] = (struct mpxn_event){.type = MPXN_APPOINTMENT,
			.role = MPXN_ROLE_MDR,
			.organisation = changes->organisations[(i + turned) % 2],
			.from_day = FIRST_DAY + i * PERIOD_DAYS,
			.to_day = FIRST_DAY + (i + 1) * PERIOD_DAYS};
	return store_mpxn_put(change, &row);
}

/* Make changes[first .. first + count) in one commit. 0 or -errno. */
static int commit(struct changes *changes, uint64_t first, uint64_t count)
{
	struct store_change *change = store_begin(changes->store);
	int result = change == NULL ? -errno : 0;

	for (uint64_t i = first; i < first + count && result == 0; i++)
		result = put_version(changes, change, changes->mpxns[i % BUSY], i / BUSY % 2 != 0);
	if (change == NULL || result != 0) {
		store_abandon(change);
		return result;
	}
	result = store_commit(change, NULL);
	return result != 0 ? result : mirror_update(changes->mirror);
}

static void *change_on(void *argument)
{
	struct changes *changes = argument;
	uint64_t begin_ns = bench_now_ns();

	while (!atomic_load(&changes->ended) && changes->result == 0) {
		uint64_t now_ns = bench_now_ns() - begin_ns;
		uint64_t due = now_ns * CHANGES_A_SECOND / 1000000000u - changes->count;
		uint64_t due_ns = changes->count * (1000000000u / CHANGES_A_SECOND);

		if (due < 8) {
			nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
			continue;
		}
		due = due < COMMIT_CHANGES_MAX ? due : COMMIT_CHANGES_MAX;
		/* The first BUSY ones were made before the start. */
		changes->result = commit(changes, BUSY + changes->count, due);
		changes->count += due;
		changes->commits++;
		double visible_ms = (double)(bench_now_ns() - begin_ns - due_ns) / 1e6;
		if (visible_ms > changes->visible_max_ms)
			changes->visible_max_ms = visible_ms;
	}
	changes->rate = (double)changes->count * 1e9 / (double)(bench_now_ns() - begin_ns);
	return NULL;
}

/* ---- the reader */

/* Judge two periods side by side for both. Returns how many of the four are wrong. */
static unsigned judge_device(const struct changes *changes, const struct registry_judge *judge,
	const struct registry_image_device *device, unsigned period)
{
	bool permitted[2][2];

	for (unsigned i = 0; i < 4; i++) {
		int64_t from_s = (FIRST_DAY + (int64_t)(period + i / 2) * PERIOD_DAYS + 2) * DAY_S;

		permitted[i / 2][i % 2] = registry_judge_permits(
			judge, changes->organisations[i % 2], device, from_s, from_s + 20 * DAY_S);
	}
	bool a = permitted[0][0];
	return (permitted[0][1] == a) + (permitted[1][0] == a) + (permitted[1][1] != a);
}

/* One burst of busy devices, each judged. Returns how many were wrong. */
static unsigned judge_burst(const struct changes *changes, const struct registry_image *image,
	const struct registry_judge *judge, uint64_t *seed)
{
	static struct registry_image_device found[REGISTRY_IMAGE_BURST_MAX];
	uint64_t keys[REGISTRY_IMAGE_BURST_MAX];
	int status[REGISTRY_IMAGE_BURST_MAX];
	unsigned wrong = 0;

	for (unsigned i = 0; i < REGISTRY_IMAGE_BURST_MAX; i++)
		keys[i] = changes->devices[corpus_random(seed) % BUSY];
	registry_image_read_burst(image, keys, REGISTRY_IMAGE_BURST_MAX, found, status);
	for (unsigned i = 0; i < REGISTRY_IMAGE_BURST_MAX; i++)
		/* -EAGAIN: it is being written; motorway asks again. */
		if (status[i] != -EAGAIN)
			wrong +=
				status[i] != 0 || judge_device(changes, judge, &found[i],
							  corpus_random(seed) % (PERIODS - 1)) != 0;
	return wrong;
}

static int read_on(struct changes *changes, const struct registry_image *image,
	const struct registry_judge *judge)
{
	static double values[SLICES_MAX];
	uint64_t length_ns = (changes->bench->options.quick ? 3ull : 10ull) * 1000000000u;
	uint64_t begin_ns = bench_now_ns();
	uint64_t seed = 31;
	unsigned slices = 0;
	unsigned wrong = 0;

	while (bench_now_ns() - begin_ns < length_ns) {
		uint64_t slice_ns = registry_bench_thread_ns();

		for (unsigned burst = 0; burst < 64; burst++)
			wrong += judge_burst(changes, image, judge, &seed);
		/* Four decisions for each lookup. */
		values[slices++ % SLICES_MAX] = (double)(registry_bench_thread_ns() - slice_ns) /
						(64 * REGISTRY_IMAGE_BURST_MAX) / 4;
	}
	atomic_store(&changes->ended, true);
	pthread_join(changes->thread, NULL);
	if (wrong != 0)
		fprintf(stderr, "bench: registry: %u requests judged by half a record\n", wrong);
	if (wrong != 0 || changes->result != 0)
		return changes->result != 0 ? changes->result : -EBADMSG;
	if (registry_bench_wants(changes->bench, "live-decision"))
		registry_bench_report(changes->bench,
			(struct registry_figure){.name = "live-decision",
				.unit = "ns/decision",
				.target = DECISION_MAX_NS},
			values, slices < SLICES_MAX ? slices : SLICES_MAX);
	return 0;
}

/* ---- both */

static int put_organisations(struct changes *changes, struct store_change *change)
{
	static const char *const mpids[] = {"BENCHA", "BENCHB", "BENCHC"};

	for (int i = 0; i < 3; i++) {
		struct store_organisation organisation = {0};
		int result = store_organisation_find(change, mpids[i], &organisation);

		if (result == -ENOENT) {
			snprintf(organisation.mpid, sizeof(organisation.mpid), "%s", mpids[i]);
			snprintf(organisation.name, sizeof(organisation.name), "%s", mpids[i]);
			result = store_organisation_put(change, &organisation);
		}
		if (result != 0)
			return result;
		changes->organisations[i] = organisation.number;
	}
	return 0;
}

/* Commissioned SMETS2 electricity meters of this corpus, with the MPAN that they import by. */
static int choose_devices(struct changes *changes, struct store_change *change)
{
	unsigned count = 0;

	for (uint64_t index = 0; count < BUSY; index += 20) {
		uint64_t id = sim_registry_device_id(index, SEED);
		struct store_device row;
		int result = store_device_get(change, id, &row);

		if (result != 0)
			return result;
		if (row.device.generation != MW_GENERATION_SMETS2 ||
			strcmp(row.device.status, "Commissioned") != 0 ||
			row.device.export_mpan[0] != '\0' ||
			row.device.secondary_import_mpan[0] != '\0')
			continue;
		changes->devices[count] = id;
		changes->mpxns[count++] = strtoull(row.device.import_mpxn, NULL, 10);
	}
	return 0;
}

static int prepare(struct changes *changes)
{
	struct store_change *change = store_begin(changes->store);
	int result = change == NULL ? -errno : put_organisations(changes, change);

	if (result == 0)
		result = choose_devices(changes, change);
	if (change == NULL || result != 0) {
		store_abandon(change);
		return result;
	}
	result = store_commit(change, NULL);
	return result != 0 ? result : commit(changes, 0, BUSY);
}

static void report(struct changes *changes)
{
	struct registry_bench *bench = changes->bench;
	double value = 1e6 / changes->rate;
	size_t length = strlen(bench->note);

	/* One in a thousand: what was due when it ended. */
	struct registry_figure figure = {
		.name = "live-appointments", .unit = "us/change", .target = CHANGE_MAX_US * 1.01};
	if (registry_bench_wants(bench, figure.name))
		registry_bench_report(bench, figure, &value, 1);
	figure = (struct registry_figure){
		.name = "live-visible", .unit = "ms", .target = VISIBLE_MAX_MS};
	value = changes->visible_max_ms;
	if (registry_bench_wants(bench, figure.name))
		registry_bench_report(bench, figure, &value, 1);
	snprintf(bench->note + length, sizeof(bench->note) - length,
		"%.0f appointments/s in %.0f commits/s, no request judged by half a record; ",
		changes->rate, changes->rate * (double)changes->commits / (double)changes->count);
}

int registry_bench_changes(struct registry_bench *bench, struct store *store, struct mirror *mirror)
{
	struct changes *changes = calloc(1, sizeof(*changes));
	struct registry_judge *judge = registry_judge_create();
	struct registry_image *image = NULL;
	char reason[256];
	int result = changes == NULL || judge == NULL ? -ENOMEM : 0;

	if (result == 0) {
		changes->bench = bench;
		changes->store = store;
		changes->mirror = mirror;
		result = prepare(changes);
	}
	if (result == 0) {
		image = registry_image_map(mirror_path(mirror), reason, sizeof(reason));
		result = image == NULL ? -errno : 0;
	}
	if (result == 0 && pthread_create(&changes->thread, NULL, change_on, changes) != 0)
		result = -EAGAIN;
	if (result == 0)
		result = read_on(changes, image, judge);
	if (result == 0)
		report(changes);
	registry_image_unmap(image);
	registry_judge_destroy(judge);
	free(changes);
	return result;
}
