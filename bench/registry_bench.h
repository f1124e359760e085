/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cases of bench_registry. There are two kinds: races of ours against a peer, which the harness
 * runs, and figures, which stand for themselves:
 *
 *     {"bench":"registry","case":"map","unit":"s","ours":0.21,"ours_median":0.22,"rounds":5,
 *      "target":1.00,"met":true}
 *
 * (on one line; less is better, and a figure meets its target when it is not above it). Each file
 * registry_NAME.c has some cases; bench_registry.c lists them.
 */
#ifndef BENCH_REGISTRY_BENCH_H
#define BENCH_REGISTRY_BENCH_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/harness.h"
#include "bench/registry_corpus.h"

#define REGISTRY_BENCH_FIGURES_MAX 32
#define REGISTRY_BENCH_STORE_ID 0x6d6f746f72776179ull

struct registry_figure {
	const char *name;
	const char *unit;
	double value, median;
	unsigned rounds;
	double target; /* 0: none */
};

struct registry_bench {
	struct bench_options options;
	uint64_t devices;
	const char *folder; /* in memory: MOTORWAY_BENCH_FOLDER, else /dev/shm */
	char image_path[256];
	char lmdb_path[272];
	char note[384];	      /* for the table's foot */
	cpu_set_t processors; /* that we were given; all but some cases use one of them */

	struct registry_image *image; /* of all devices in version 0 */
	struct registry_figure figures[REGISTRY_BENCH_FIGURES_MAX];
	size_t figure_count;
};

/* Is the case wanted (--case)? */
bool registry_bench_wants(const struct registry_bench *bench, const char *name);

/* Report a figure: rounds values (they are sorted), the least is the figure; target 0: none. A
 * target holds for the median. */
void registry_bench_report(struct registry_bench *bench, struct registry_figure figure,
	double *values, unsigned rounds);

/* Processor time of this thread: what others do on the same processor does not count. */
uint64_t registry_bench_thread_ns(void);

/* Use all processors that we were given (of the calling thread and those that it starts), as
 * motorway-control does; and the one that --cpu names again. */
void registry_bench_spread(const struct registry_bench *bench);
void registry_bench_pin(const struct registry_bench *bench);

/* registry_image.c: build the image (all cases need it); figures build, bytes, open, map. Returns 0
 * or -errno, with a line on stderr. */
int registry_bench_build(struct registry_bench *bench);
int registry_bench_open(struct registry_bench *bench);
int registry_bench_map(struct registry_bench *bench);

/* registry_load.c: figures load, load-lines, load-processor, load-memory: the bulk load of all
 * devices and what belongs to them from CSV files in random key order into an empty store, all
 * tables and indexes, ending in one sync; in a folder of TMPDIR (or /tmp), 13 GB for 24,000,000
 * devices (quick: 200,000), removed again. Then the cases of registry_control.c with this store. */
int registry_bench_load(struct registry_bench *bench);

/* registry_control.c: the store in `path` and the image that motorway-control makes of it. Figures
 * control-build, control-bytes, control-start, control-map. */
bool registry_bench_wants_control(const struct registry_bench *bench);
int registry_bench_control(struct registry_bench *bench, const char *path);

/* registry_changes.c: figures live-appointments, live-visible, live-decision: changes of
 * appointments in that store while requests are judged. */
struct store;
struct mirror;
int registry_bench_changes(
	struct registry_bench *bench, struct store *store, struct mirror *mirror);

/* registry_access.c: may a Meter Data Retriever read the profile data (4.8.1) of the days from
 * `from_s` to `to_s` of a device? */
struct registry_judge;
struct registry_judge *registry_judge_create(void); /* NULL with errno */
bool registry_judge_permits(const struct registry_judge *judge, uint32_t organisation,
	const struct registry_image_device *device, int64_t from_s, int64_t to_s);
void registry_judge_destroy(struct registry_judge *judge);

/* registry_access.c: figure access-decision: a decision of access control without its look-up. */
int registry_bench_access(struct registry_bench *bench);

/* registry_live.c: figure live: lookups while 1,000 changes a second go in. */
int registry_bench_live(struct registry_bench *bench);

/* registry_lookup.c: races against LMDB. */
int registry_lookup_set_up(void *state);
void registry_lookup_tear_down(void *state);
uint64_t registry_lookup_burst(void *state);
uint64_t registry_lookup_single(void *state);
uint64_t registry_lookup_absent(void *state);
uint64_t registry_lookup_lmdb(void *state);
uint64_t registry_lookup_lmdb_absent(void *state);

/* State of such a race. */
struct registry_lookup {
	struct registry_bench *bench;
	uint64_t seed_ours, seed_lmdb;
	void *lmdb; /* struct lmdb of registry_lookup.c */
};

#endif
