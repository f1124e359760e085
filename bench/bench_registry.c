/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: store, image and decisions (bench/registry_bench.h). 24,000,000 devices; 1,000,000
 * with --quick. All files stand in /dev/shm, or in the folder that MOTORWAY_BENCH_FOLDER names (a
 * hugetlbfs holds the image, but not LMDB's file: LMDB's then stays in /dev/shm).
 */
#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "bench/registry_bench.h"

#define DEVICES 24000000u
#define DEVICES_QUICK 1000000u
#define DEVICES_COUNTED 100000u /* below callgrind */
#define LOOKUP_MAX_NS 1000.0
#define SINGLE_ROUNDS 20

static struct registry_bench bench;
static struct registry_lookup lookup = {.bench = &bench};

#define RACE(case_name, text, ours, theirs, ratio)                                                 \
	{                                                                                          \
		.name = case_name, .unit = "ns/lookup", .parameters = text,                        \
		.setup = registry_lookup_set_up, .teardown = registry_lookup_tear_down,            \
		.state = &lookup, .contenders = {{"ours", ours, 0}, {"lmdb", theirs, ratio}},      \
	}

static const struct bench_case races[] = {
	RACE("lookup", "random devices, bursts of 32", registry_lookup_burst, registry_lookup_lmdb,
		4),
	RACE("lookup-single", "random devices, one at a time", registry_lookup_single,
		registry_lookup_lmdb, 0),
	RACE("lookup-absent", "devices that do not exist, bursts of 32", registry_lookup_absent,
		registry_lookup_lmdb_absent, 0),
};
#define RACE_COUNT (sizeof(races) / sizeof(races[0]))

/* A figure of its own for the limit of a lookup's time. */
static int lookup_time(struct registry_bench *of)
{
	double values[SINGLE_ROUNDS];

	if (!registry_bench_wants(of, "lookup-time"))
		return 0;
	lookup.seed_ours = 5;
	for (unsigned round = 0; round < SINGLE_ROUNDS; round++) {
		uint64_t begin_ns = registry_bench_thread_ns(), units = 0, done;

		while (units < 50000) {
			done = registry_lookup_burst(&lookup);
			if (done == 0)
				return -EBADMSG;
			units += done;
		}
		values[round] = (double)(registry_bench_thread_ns() - begin_ns) / (double)units;
	}
	registry_bench_report(of,
		(struct registry_figure){
			.name = "lookup-time", .unit = "ns/lookup", .target = LOOKUP_MAX_NS},
		values, SINGLE_ROUNDS);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct registry_bench *of);
} figures[] = {
	/* Of the store, before the image takes its memory. */
	{"load", NULL}, {"load-lines", NULL}, {"load-processor", NULL}, {"load-memory", NULL},
	{"control-build", NULL}, {"control-bytes", NULL}, {"control-start", NULL},
	{"control-map", NULL}, {"live-appointments", NULL}, {"live-visible", NULL},
	{"live-decision", NULL},
	/* Of the image: the first two come with it. */
	{"build", NULL}, {"bytes", NULL}, {"open", registry_bench_open},
	{"map", registry_bench_map}, {"lookup-time", lookup_time},
	{"access-decision", registry_bench_access}, {"access-128-entries", NULL},
	{"access-128-backwards", NULL}, {"live", registry_bench_live}, /* changes devices: last */
};
#define FIGURE_COUNT (sizeof(figures) / sizeof(figures[0]))

/* ---- figures ---- */

bool registry_bench_wants(const struct registry_bench *of, const char *name)
{
	return of->options.counted < 0 &&
	       (!of->options.only || strcmp(of->options.only, name) == 0);
}

uint64_t registry_bench_thread_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * 1000000000ull + (uint64_t)spent.tv_nsec;
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static bool is_missed(const struct registry_figure *figure)
{
	return figure->target > 0 && figure->median > figure->target;
}

void registry_bench_report(
	struct registry_bench *of, struct registry_figure figure, double *values, unsigned rounds)
{
	if (of->figure_count == REGISTRY_BENCH_FIGURES_MAX)
		return;
	qsort(values, rounds, sizeof(values[0]), compare_doubles);
	figure.value = values[0];
	figure.median = (values[(rounds - 1) / 2] + values[rounds / 2]) / 2;
	figure.rounds = rounds;
	of->figures[of->figure_count++] = figure;
	printf("{\"bench\":\"registry\",\"case\":\"%s\",\"unit\":\"%s\",\"ours\":%.3f,"
	       "\"ours_median\":%.3f,\"rounds\":%u,\"devices\":%llu",
		figure.name, figure.unit, figure.value, figure.median, rounds,
		(unsigned long long)of->devices);
	if (figure.target > 0)
		printf(",\"target\":%.2f,\"met\":%s", figure.target,
			is_missed(&figure) ? "false" : "true");
	printf("}\n");
	fflush(stdout);
}

static void print_figures(const struct registry_bench *of)
{
	if (of->figure_count > 0)
		printf("\n%-20s %-14s %9s %11s %9s\n", "figure", "unit", "ours", "(median)",
			"at most");
	for (size_t index = 0; index < of->figure_count; index++) {
		const struct registry_figure *figure = &of->figures[index];
		char target[32] = "-";

		if (figure->target > 0)
			snprintf(target, sizeof(target), "%.2f%s", figure->target,
				is_missed(figure) ? "!" : "");
		printf("%-20s %-14s %9.3f (%9.3f) %9s\n", figure->name, figure->unit, figure->value,
			figure->median, target);
	}
	printf("  %s\n", of->note);
}

/* The line of --check; the races have one of their own. Returns whether all is met. */
static bool print_verdict(const struct registry_bench *of)
{
	const char *separator = "missed: ";
	bool met = true;

	for (size_t index = 0; index < of->figure_count; index++) {
		const struct registry_figure *figure = &of->figures[index];

		if (!is_missed(figure))
			continue;
		printf("%sregistry %s %.3f of %.2f %s", separator, figure->name, figure->median,
			figure->target, figure->unit);
		separator = ", ";
		met = false;
	}
	printf("%s\n", met ? "all targets met" : "");
	return met;
}

/* ---- running ---- */

static bool is_figure(const char *name)
{
	for (size_t index = 0; index < FIGURE_COUNT; index++)
		if (strcmp(figures[index].name, name) == 0)
			return true;
	return false;
}

static void choose_files(void)
{
	const char *folder = getenv("MOTORWAY_BENCH_FOLDER");
	struct statfs system;

	bench.folder = folder && *folder ? folder : "/dev/shm";
	snprintf(bench.image_path, sizeof(bench.image_path), "%s/motorway-bench-%d", bench.folder,
		(int)getpid());
	if (statfs(bench.folder, &system) == 0 && system.f_type == HUGETLBFS_MAGIC)
		snprintf(bench.lmdb_path, sizeof(bench.lmdb_path),
			"/dev/shm/motorway-bench-%d.lmdb", (int)getpid());
	else
		snprintf(bench.lmdb_path, sizeof(bench.lmdb_path), "%s.lmdb", bench.image_path);
}

void registry_bench_spread(const struct registry_bench *of)
{
	(void)sched_setaffinity(0, sizeof(of->processors), &of->processors);
}

void registry_bench_pin(const struct registry_bench *of)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(of->options.cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
}

/* Cases that are done with the store and need no image of their own. */
static bool is_of_store(const char *name)
{
	static const char *const beginnings[] = {"load", "control-", "live-"};

	for (size_t index = 0; name && index < sizeof(beginnings) / sizeof(beginnings[0]); index++)
		if (strncmp(name, beginnings[index], strlen(beginnings[index])) == 0)
			return true;
	return false;
}

static int run_all(void)
{
	const struct bench_options *options = &bench.options;
	int result = registry_bench_load(&bench);
	int status = 0;

	if (result == 0 && !is_of_store(options->only))
		result = registry_bench_build(&bench);
	for (size_t index = 0; index < FIGURE_COUNT && result == 0; index++)
		if (figures[index].run && bench.image)
			result = figures[index].run(&bench);
	if (result != 0) {
		fprintf(stderr, "bench: registry: %s\n", strerror(-result));
		return 2;
	}
	if (!options->only || !is_figure(options->only))
		status = bench_run("registry", races, RACE_COUNT, options);
	if (options->counted >= 0)
		return status;
	print_figures(&bench);
	if (options->check && !print_verdict(&bench) && status == 0)
		status = 1;
	return status;
}

int main(int argc, char **argv)
{
	int status = bench_options_parse(&bench.options, argc, argv, "");

	if (status != BENCH_GO_ON)
		return status;
	if (bench.options.argument_count > 0) {
		fprintf(stderr, "bench_registry: %s is not expected\n", bench.options.arguments[0]);
		return 2;
	}
	bench.devices = bench.options.counted >= 0 ? DEVICES_COUNTED
			: bench.options.quick	   ? DEVICES_QUICK
						   : DEVICES;
	choose_files();
	CPU_ZERO(&bench.processors);
	(void)sched_getaffinity(0, sizeof(bench.processors), &bench.processors);
	registry_bench_pin(&bench);
	status = run_all();
	registry_image_unmap(bench.image);
	unlink(bench.image_path);
	unlink(bench.lmdb_path);
	return status;
}
