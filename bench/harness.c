/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/harness.h"

#define SLICE_NS 8000000ull	      /* what one contender gets in one round */
#define QUICK_TOTAL_NS 15000000000ull /* what all slices together may take with --quick */
#define CALIBRATION_NS 3000000ull
#define CALIBRATION_CALLS 1000000ull
#define ROUNDS 50
#define COUNTED_UNITS 200 /* instructions are counted over at least that many */

/* What callgrind counts: everything below this function. */
#define COUNTED_FUNCTION "bench_counted"
uint64_t bench_counted(const struct bench_contender *contender, void *state);

/* Figures of one contender in one case, ns a unit. */
struct figures {
	uint64_t calls; /* that fill a slice */
	double rounds[BENCH_ROUNDS_MAX];
	double minimum;
	double median;
	double instructions; /* a unit; 0: not counted */
};

/* One line of the table: ours against one peer. */
struct row {
	const struct bench_case *of;
	const struct bench_contender *peer;
	double ours, ours_median, ours_instructions;
	double theirs, theirs_median, theirs_instructions;
	double ratio;
	bool missed;
};

struct run {
	const char *bench;
	const struct bench_options *options;
	uint64_t slice_ns;
	struct row *rows;
	size_t row_count;
	char variant[32]; /* that instructions were counted of; "": there is one only */
	struct figures figures[BENCH_CONTENDERS_MAX];
};

uint64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* ---- the command line ---- */

static void print_usage(FILE *to, const char *program, const char *usage)
{
	fprintf(to,
		"usage: %s [--quick] [--check] [--instructions] [--cpu N] [--rounds N]\n"
		"          [--case NAME] %s\n"
		"  --quick         end within 30 s\n"
		"  --check         exit status 1 when a target is missed; the last line names it\n"
		"  --instructions  count instructions a unit with callgrind, too\n"
		"  --cpu N         pin to this processor; default: the last one allowed\n"
		"  --rounds N      %d to %d; default %d, with --quick %d\n"
		"  --case NAME     only that case\n",
		program, usage, BENCH_ROUNDS_MIN, BENCH_ROUNDS_MAX, ROUNDS, BENCH_ROUNDS_MIN);
}

/* A decimal number of [minimum, maximum], or -1. */
static long read_number(const char *text, long minimum, long maximum)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	return errno || end == text || *end || number < minimum || number > maximum ? -1 : number;
}

static int last_cpu(void)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
		for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
			if (CPU_ISSET(cpu, &allowed))
				return cpu;
	return 0;
}

int bench_options_parse(struct bench_options *options, int argc, char **argv, const char *usage)
{
	static const struct option known[] = {
		{"quick", no_argument, NULL, 'q'},
		{"check", no_argument, NULL, 'c'},
		{"instructions", no_argument, NULL, 'i'},
		{"cpu", required_argument, NULL, 'p'},
		{"rounds", required_argument, NULL, 'r'},
		{"case", required_argument, NULL, 'n'},
		{"counted", required_argument, NULL, 'x'}, /* internal */
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	long rounds = 0, cpu = last_cpu(), counted = 0;
	int letter;

	*options = (struct bench_options){.counted = -1};
	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (letter == 'q')
			options->quick = true;
		else if (letter == 'c')
			options->check = true;
		else if (letter == 'i')
			options->instructions = true;
		else if (letter == 'p')
			cpu = read_number(optarg, 0, CPU_SETSIZE - 1);
		else if (letter == 'r')
			rounds = read_number(optarg, BENCH_ROUNDS_MIN, BENCH_ROUNDS_MAX);
		else if (letter == 'n')
			options->only = optarg;
		else if (letter == 'x')
			options->counted =
				(int)(counted = read_number(optarg, 0, BENCH_CONTENDERS_MAX - 1));
		else if (letter == 'h') {
			print_usage(stdout, argv[0], usage);
			return 0;
		} else
			rounds = -1;
	}
	if (rounds < 0 || cpu < 0 || counted < 0) {
		print_usage(stderr, argv[0], usage);
		return 2;
	}
	options->cpu = (int)cpu;
	options->rounds = rounds ? (unsigned)rounds : options->quick ? BENCH_ROUNDS_MIN : ROUNDS;
	options->program = argv[0];
	options->arguments = argv + optind;
	options->argument_count = (size_t)(argc - optind);
	return BENCH_GO_ON;
}

/* ---- measuring ---- */

/* Time this thread has had the processor. */
static uint64_t spent_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * 1000000000ull + (uint64_t)spent.tv_nsec;
}

static unsigned contender_count(const struct bench_case *of)
{
	unsigned count = 0;

	while (count < BENCH_CONTENDERS_MAX && of->contenders[count].run)
		count++;
	return count;
}

static bool wanted(const struct bench_case *of, const struct bench_options *options)
{
	return !options->only || strcmp(options->only, of->name) == 0;
}

/* Run `calls` times. Returns ns a unit, or a negative number after a wrong answer. */
static double time_calls(const struct bench_contender *contender, void *state, uint64_t calls)
{
	uint64_t units = 0;
	uint64_t begin = spent_ns();

	for (uint64_t call = 0; call < calls; call++) {
		uint64_t done = contender->run(state);

		if (done == 0)
			return -1;
		units += done;
	}
	return (double)(spent_ns() - begin) / (double)units;
}

/* Warm up and find how many calls fill a slice; 0 after a wrong answer. */
static uint64_t calibrate(const struct bench_contender *contender, void *state, uint64_t slice_ns)
{
	uint64_t begin = spent_ns();
	uint64_t calls = 0;
	uint64_t spent;

	do {
		if (contender->run(state) == 0)
			return 0;
		calls++;
		spent = spent_ns() - begin;
	} while (spent < CALIBRATION_NS && calls < CALIBRATION_CALLS);
	calls = (uint64_t)((double)slice_ns * (double)calls / (double)spent);
	return calls ? calls : 1;
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void summarise(struct figures *figures, unsigned rounds)
{
	qsort(figures->rounds, rounds, sizeof(figures->rounds[0]), compare_doubles);
	figures->minimum = figures->rounds[0];
	figures->median = (figures->rounds[(rounds - 1) / 2] + figures->rounds[rounds / 2]) / 2;
}

static int wrong_answer(const struct bench_case *of, const struct bench_contender *contender)
{
	fprintf(stderr, "bench: %s: %s gave a wrong answer\n", of->name, contender->name);
	return -EBADMSG;
}

/* All rounds of one case. Who begins changes from round to round. */
static int measure(struct run *run, const struct bench_case *of)
{
	unsigned count = contender_count(of);
	unsigned rounds = run->options->rounds;

	for (unsigned index = 0; index < count; index++) {
		run->figures[index].calls =
			calibrate(&of->contenders[index], of->state, run->slice_ns);
		if (run->figures[index].calls == 0)
			return wrong_answer(of, &of->contenders[index]);
	}
	for (unsigned round = 0; round < rounds; round++)
		for (unsigned turn = 0; turn < count; turn++) {
			unsigned index = (round + turn) % count;
			double value = time_calls(
				&of->contenders[index], of->state, run->figures[index].calls);

			if (value < 0)
				return wrong_answer(of, &of->contenders[index]);
			run->figures[index].rounds[round] = value;
		}
	for (unsigned index = 0; index < count; index++)
		summarise(&run->figures[index], rounds);
	return 0;
}

/* ---- counting instructions ---- */

__attribute__((noinline)) uint64_t bench_counted(
	const struct bench_contender *contender, void *state)
{
	uint64_t units = 0;

	while (units < COUNTED_UNITS) {
		uint64_t done = contender->run(state);

		if (done == 0)
			return 0;
		units += done;
	}
	return units;
}

/* In the process that callgrind watches. */
static int run_counted(const struct bench_case *of, unsigned index)
{
	uint64_t units;

	if (index >= contender_count(of) || of->contenders[index].run(of->state) == 0)
		return -EBADMSG;
	units = bench_counted(&of->contenders[index], of->state);
	if (of->variant)
		printf("variant %s\n", of->variant());
	printf("units %llu\n", (unsigned long long)units);
	return units ? 0 : -EBADMSG;
}

/* Start the bench once more below callgrind for one contender. Returns instructions a unit, 0 when
 * callgrind is not there or fails. */
static double count_instructions(struct run *run, const struct bench_case *of, unsigned index)
{
	char command[4096];
	char line[256];
	unsigned long long units = 0, collected = 0;
	int length = snprintf(command, sizeof(command),
		"valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no"
		" --toggle-collect=" COUNTED_FUNCTION " '%s' --case '%s' --counted %u",
		run->options->program, of->name, index);
	FILE *output;

	for (size_t at = 0; at < run->options->argument_count; at++)
		if (length > 0 && (size_t)length < sizeof(command))
			length += snprintf(command + length, sizeof(command) - (size_t)length,
				" '%s'", run->options->arguments[at]);
	if (length > 0 && (size_t)length < sizeof(command))
		length += snprintf(command + length, sizeof(command) - (size_t)length, " 2>&1");
	if (length < 0 || (size_t)length >= sizeof(command))
		return 0;
	output = popen(command, "r");
	if (!output)
		return 0;
	while (fgets(line, sizeof(line), output)) {
		const char *found = strstr(line, "Collected : ");

		(void)sscanf(line, "units %llu", &units);
		(void)sscanf(line, "variant %31s", run->variant);
		if (found)
			(void)sscanf(found, "Collected : %llu", &collected);
	}
	return pclose(output) == 0 && units ? (double)collected / (double)units : 0;
}

/* ---- printing ---- */

/* Digits behind the point that a value deserves. */
static int decimals(double value)
{
	return value >= 1000 ? 0 : value >= 10 ? 1 : 3;
}

static void print_row(const struct run *run, const struct row *row)
{
	printf("{\"bench\":\"%s\",\"case\":\"%s\",\"unit\":\"%s\",\"ours\":%.*f,\"peer\":\"%s\","
	       "\"peer_value\":%.*f,\"ratio\":%.3f,\"rounds\":%u",
		run->bench, row->of->name, row->of->unit, decimals(row->ours), row->ours,
		row->peer->name, decimals(row->theirs), row->theirs, row->ratio,
		run->options->rounds);
	printf(",\"ours_median\":%.*f,\"peer_median\":%.*f,\"ratio_median\":%.3f",
		decimals(row->ours_median), row->ours_median, decimals(row->theirs_median),
		row->theirs_median, row->theirs_median / row->ours_median);
	if (row->ours_instructions > 0 && row->theirs_instructions > 0)
		printf(",\"ours_instructions\":%.0f,\"peer_instructions\":%.0f,"
		       "\"instructions_variant\":\"%s\"",
			row->ours_instructions, row->theirs_instructions, run->variant);
	if (row->peer->target > 0)
		printf(",\"target\":%.2f,\"met\":%s", row->peer->target,
			row->missed ? "false" : "true");
	printf("}\n");
	fflush(stdout);
}

static void print_machine(void)
{
	char line[256];
	char model[256] = "unknown processor\n";
	FILE *file = fopen("/proc/cpuinfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "model name", 10) == 0 && strstr(line, ": ")) {
			snprintf(model, sizeof(model), "%s", strstr(line, ": ") + 2);
			break;
		}
	if (file)
		fclose(file);
	model[strcspn(model, "\n")] = '\0';
	printf("\n%s, %s %s, minimum (median) over the rounds\n", model,
#ifdef __clang__
		"clang", __clang_version__
#else
		"gcc", __VERSION__
#endif
	);
}

static void print_table(const struct run *run)
{
	bool counted = false;
	const struct bench_case *of = NULL;

	print_machine();
	for (size_t index = 0; index < run->row_count; index++)
		counted |= run->rows[index].theirs_instructions > 0;
	printf("%-22s %-14s %9s %11s  %-20s %9s %11s %7s %7s%s\n", "case", "unit", "ours",
		"(median)", "peer", "value", "(median)", "ratio", "target",
		counted ? "   ours instr.   peer instr." : "");
	for (size_t index = 0; index < run->row_count; index++) {
		const struct row *row = &run->rows[index];
		char target[16] = "-";

		if (row->peer->target > 0)
			snprintf(target, sizeof(target), "%.2f%s", row->peer->target,
				row->missed ? "!" : "");
		printf("%-22s %-14s %9.*f (%9.*f)  %-20s %9.*f (%9.*f) %7.2f %7s", row->of->name,
			row->of->unit, decimals(row->ours), row->ours, decimals(row->ours_median),
			row->ours_median, row->peer->name, decimals(row->theirs), row->theirs,
			decimals(row->theirs_median), row->theirs_median, row->ratio, target);
		if (counted)
			printf(" %13.0f %13.0f", row->ours_instructions, row->theirs_instructions);
		printf("\n");
	}
	/* The foot: each case once. */
	for (size_t index = 0; index < run->row_count; index++) {
		if (run->rows[index].of != of && run->rows[index].of->parameters)
			printf("  %s: %s\n", run->rows[index].of->name,
				run->rows[index].of->parameters);
		of = run->rows[index].of;
	}
	if (counted)
		printf("  instructions: callgrind's%s%s; its processor has no AVX-512 and no ADX\n",
			run->variant[0] ? ", ours of the variant " : "", run->variant);
}

/* The last line of --check. Returns whether all is met. */
static bool print_verdict(const struct run *run)
{
	const char *separator = "missed: ";
	bool met = true;

	for (size_t index = 0; index < run->row_count; index++) {
		const struct row *row = &run->rows[index];

		if (!row->missed)
			continue;
		printf("%s%s %s against %s %.2f of %.2f", separator, run->bench, row->of->name,
			row->peer->name, row->ratio, row->peer->target);
		separator = ", ";
		met = false;
	}
	printf("%s\n", met ? "all targets met" : "");
	return met;
}

/* ---- running ---- */

static void add_rows(struct run *run, const struct bench_case *of)
{
	const struct figures *ours = &run->figures[0];

	for (unsigned index = 1; index < contender_count(of); index++) {
		const struct figures *theirs = &run->figures[index];
		struct row *row = &run->rows[run->row_count++];

		*row = (struct row){
			.of = of,
			.peer = &of->contenders[index],
			.ours = ours->minimum,
			.ours_median = ours->median,
			.ours_instructions = ours->instructions,
			.theirs = theirs->minimum,
			.theirs_median = theirs->median,
			.theirs_instructions = theirs->instructions,
			.ratio = theirs->minimum / ours->minimum,
		};
		row->missed = row->peer->target > 0 && row->ratio < row->peer->target;
		print_row(run, row);
	}
}

static int run_case(struct run *run, const struct bench_case *of)
{
	int result = of->setup ? of->setup(of->state) : 0;

	if (result != 0) {
		fprintf(stderr, "bench: %s: %s\n", of->name, strerror(-result));
		return result;
	}
	if (run->options->counted >= 0)
		result = run_counted(of, (unsigned)run->options->counted);
	else
		result = measure(run, of);
	if (of->teardown)
		of->teardown(of->state);
	if (result != 0 || run->options->counted >= 0)
		return result;
	for (unsigned index = 0; index < contender_count(of); index++)
		run->figures[index].instructions =
			run->options->instructions ? count_instructions(run, of, index) : 0;
	add_rows(run, of);
	return 0;
}

static bool pin(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) == 0)
		return true;
	fprintf(stderr, "bench: processor %d: %s\n", cpu, strerror(errno));
	return false;
}

int bench_run(const char *bench, const struct bench_case *cases, size_t count,
	const struct bench_options *options)
{
	struct run *run = calloc(1, sizeof(*run));
	size_t slices = 0;
	int status = 2;

	for (size_t index = 0; index < count; index++) {
		assert(contender_count(&cases[index]) >= 2);
		if (wanted(&cases[index], options))
			slices += contender_count(&cases[index]);
	}
	if (slices == 0)
		fprintf(stderr, "bench: there is no case %s\n", options->only ? options->only : "");
	if (!run || slices == 0 || !pin(options->cpu))
		goto free_run;
	run->rows = calloc(slices, sizeof(*run->rows));
	if (!run->rows)
		goto free_run;
	run->bench = bench;
	run->options = options;
	run->slice_ns = SLICE_NS;
	if (options->quick && run->slice_ns > QUICK_TOTAL_NS / slices / options->rounds)
		run->slice_ns = QUICK_TOTAL_NS / slices / options->rounds;
	for (size_t index = 0; index < count; index++)
		if (wanted(&cases[index], options) && run_case(run, &cases[index]) != 0)
			goto free_rows;
	status = 0;
	if (options->counted < 0) {
		print_table(run);
		if (options->check && !print_verdict(run))
			status = 1;
	}
free_rows:
	free(run->rows);
free_run:
	free(run);
	return status;
}
