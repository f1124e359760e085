/* SPDX-License-Identifier: Apache-2.0 */
/*
 * differential: many documents before the engines and their judges. See doc/standards.md.
 *
 * First a walk over the schema (valid documents that cover every type and branch), then `count`
 * documents by chance. Each must get the verdict of libxml2, its canonical forms, and the signature
 * verdict of OpenSSL and xmlsec1; two engines must agree with each other as well.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/differential/compare.h"
#include "tests/differential/generate.h"
#include "tests/differential/known.h"
#include "tests/differential/source.h"

#define VALID_SHARE_MIN 20 /* percent */

struct options {
	uint64_t seed;
	uint64_t count;
	uint64_t first;
	uint64_t failures_max;
	const char *engines[2]; /* the second one NULL: alone */
	const char *xsd_folder;
	const char *template_folder;
	const char *dump_folder; /* documents that differ; NULL: none */
	const char *emit_folder; /* all documents; NULL: none */
	bool coverage;		 /* print what the walk did not reach */
	bool walk;
	bool rules;
};

/* What a document is: its root, and for a response the message in its body. */
static const struct {
	const char *element;
	const char *name;
} kinds[] = {{"Request", "requests"}, {"ResponseMessage", "responses"},
	{"DeviceAlertMessage", "device alerts"}, {"DCCAlertMessage", "DCC alerts"},
	{"SMETS1ResponseMessage", "SMETS1 messages"}};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

struct run {
	const struct options *options;
	struct source source;
	struct engine engines[2];
	size_t engine_count;
	struct compare_tally tallies[2];
	struct sample sample;
	uint64_t failures;
	uint64_t by_kind[KIND_COUNT];
};

static const char usage[] =
	"usage: differential [--engine NAME] [--against NAME] [--seed N] [--count M] [--first I]\n"
	"                    [--xsd FOLDER] [--templates FOLDER] [--dump FOLDER] [--emit FOLDER]\n"
	"                    [--failures N] [--coverage] [--rules] [--no-walk]\n";

static void put_file(const char *folder, const char *name, const struct buffer *bytes)
{
	char path[1024];

	mkdir(folder, 0755);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (buffer_write(bytes, path) != 0)
		fprintf(stderr, "%s: cannot be written\n", path);
}

static void report(struct run *run, const char *kind, uint64_t index, const struct buffer *reason)
{
	const struct sample *sample = &run->sample;
	char name[64];

	run->failures++;
	snprintf(name, sizeof(name), "%s-%" PRIu64 "-%" PRIu64 ".xml", kind, run->options->seed,
		index);
	printf("differs: %s: %s\n  %s", name, (const char *)reason->bytes, sample->origin);
	for (size_t step = 0; step < sample->step_count; step++)
		printf(" + %s", sample->steps[step]);
	printf("%s\n", sample->filled ? " + signed" : "");
	if (run->options->dump_folder != NULL)
		put_file(run->options->dump_folder, name, &sample->bytes);
}

/* The first element that tells the kind stands before anything that could be one of another. */
static void note_kind(struct run *run, const struct tokens *tokens)
{
	for (size_t index = 0; index < tokens->element_count; index++)
		for (size_t kind = 0; kind < KIND_COUNT; kind++)
			if (tokens_is_named(tokens, tokens->elements[index], kinds[kind].element)) {
				run->by_kind[kind]++;
				return;
			}
}

static bool print_kinds(struct run *run)
{
	bool all = true;

	for (size_t kind = 0; kind < KIND_COUNT; kind++) {
		printf("%s%" PRIu64 " %s", kind == 0 ? "  " : ", ", run->by_kind[kind],
			kinds[kind].name);
		all = all && run->by_kind[kind] > 0;
	}
	printf("\n");
	memset(run->by_kind, 0, sizeof(run->by_kind));
	return all;
}

/* All engines on the document at hand. */
static void judge(struct run *run, const char *kind, uint64_t index)
{
	struct compare_answer answers[2];
	struct oracle_verdict verdict;
	struct signing_verdict signing;
	struct tokens tokens = {0};
	struct compare_case document = {
		.oracle = run->source.oracle,
		.key = run->source.key,
		.tokens = &tokens,
		.verdict = &verdict,
		.signing = &signing,
	};
	struct buffer reason = {0};
	/* A copy of its exact size, so that a sanitizer sees every byte read behind the end. */
	uint8_t *bytes = malloc(run->sample.bytes.length > 0 ? run->sample.bytes.length : 1);
	bool good = true;

	buffer_clear(&reason);
	memcpy(bytes, run->sample.bytes.bytes, run->sample.bytes.length);
	tokens_cut(&tokens, bytes, run->sample.bytes.length);
	tokens_annotate(&tokens, run->source.xsd);
	note_kind(run, &tokens);
	oracle_judge(run->source.oracle, bytes, tokens.length, &tokens, &verdict);
	signing_verify(&verdict, bytes, tokens.length, run->source.key, &signing);
	for (size_t step = 0; step < run->engine_count; step++) {
		struct engine *engine = &run->engines[step];

		buffer_print(&reason, "%s: ", engine->name);
		if (!compare_engine(
			    engine, &document, &answers[step], &run->tallies[step], &reason)) {
			report(run, kind, index, &reason);
			good = false;
		}
		buffer_clear(&reason);
	}
	if (good && run->engine_count == 2 && !known_namespace_reference(&tokens) &&
		!verdict.bad_namespace_name && !compare_answers(&answers[0], &answers[1], &reason))
		report(run, kind, index, &reason);
	if (run->options->emit_folder != NULL) {
		char name[64];

		snprintf(name, sizeof(name), "%s-%s-%" PRIu64 ".xml",
			oracle_class_name(verdict.class), kind, index);
		put_file(run->options->emit_folder, name, &run->sample.bytes);
	}
	oracle_release(&verdict);
	tokens_free(&tokens);
	buffer_free(&reason);
	free(bytes);
}

static bool walk(struct run *run)
{
	struct generate_coverage coverage;
	uint64_t count = 0;

	while (count < 20000 && source_walk(&run->source, count, &run->sample)) {
		judge(run, "walk", count++);
		if (run->tallies[0].by_class[ORACLE_VALID] != count) {
			printf("walk: document %" PRIu64 " is not valid\n", count - 1);
			return false;
		}
	}
	coverage = generate_measure(
		run->source.xsd, run->source.roots, 2, run->options->coverage ? stdout : NULL);
	printf("walk: %" PRIu64 " valid documents; types %zu of %zu, choice branches %zu of %zu, "
	       "options present and absent %zu of %zu\n",
		count, coverage.types_made, coverage.types, coverage.branches_made,
		coverage.branches, coverage.options_both, coverage.options);
	return print_kinds(run) && coverage.types_made == coverage.types &&
	       coverage.branches_made == coverage.branches &&
	       coverage.options_both == coverage.options;
}

static void mutants(struct run *run)
{
	uint64_t index = run->options->first;

	for (uint64_t done = 0; done < run->options->count; done++, index++) {
		if (run->failures >= run->options->failures_max) {
			printf("stopped after %" PRIu64 " differences\n", run->failures);
			return;
		}
		source_sample(&run->source, run->options->seed, index, &run->sample);
		judge(run, "mutant", index);
	}
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Returns the share of valid documents in percent. */
static double print_tally(const struct run *run, size_t engine, uint64_t walked, double elapsed)
{
	const struct compare_tally *tally = &run->tallies[engine];
	uint64_t count = tally->documents - walked;
	double share =
		count > 0 ? 100.0 * (double)(tally->by_class[ORACLE_VALID] - walked) / (double)count
			  : 0;

	printf("%s: %" PRIu64 " mutants, %.1f %% valid;", run->engines[engine].name, count, share);
	for (int class = 0; class < ORACLE_CLASS_COUNT; class ++)
		printf(" %s %" PRIu64, oracle_class_name(class),
			tally->by_class[class] - (class == ORACLE_VALID ? walked : 0));
	printf("\n  %zu distinct rules were a first error; %" PRIu64 " offsets, %" PRIu64
	       " canonical forms, %" PRIu64 " right and %" PRIu64
	       " wrong signatures compared; %" PRIu64 " beyond bounds, %" PRIu64
	       " known faults; %.0f seeds/s\n",
		tally->rule_count, tally->offsets_checked, tally->canonical_checked,
		tally->signatures_right, tally->signatures_wrong, tally->bounds, tally->known,
		elapsed > 0 ? (double)count / elapsed : 0);
	for (size_t rule = 0; run->options->rules && rule < tally->rule_count; rule++)
		printf("  rule: %s\n", tally->rules[rule]);
	return share;
}

static int execute(struct run *run)
{
	bool covered = true;
	double share = 100;
	uint64_t walked;
	double start;

	signing_begin();
	source_open(&run->source, run->options->xsd_folder, run->options->template_folder);
	for (size_t step = 0; step < 2 && run->options->engines[step] != NULL; step++) {
		if (!engine_create(&run->engines[step], run->options->engines[step],
			    run->options->xsd_folder))
			return 2;
		run->engine_count++;
	}
	if (run->options->walk)
		covered = walk(run);
	walked = run->tallies[0].documents;
	start = seconds();
	mutants(run);
	print_kinds(run);
	for (size_t step = 0; step < run->engine_count; step++) {
		share = print_tally(run, step, walked, seconds() - start);
		run->engines[step].destroy(run->engines[step].state);
	}
	if (run->options->count >= 1000 && share < VALID_SHARE_MIN) {
		printf("too few of the mutants are valid: %.1f %%\n", share);
		covered = false;
	}
	printf("%" PRIu64 " differences\n", run->failures);
	buffer_free(&run->sample.bytes);
	source_close(&run->source);
	signing_end();
	return run->failures > 0 || !covered;
}

static bool read_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

/* Take one option; false when it is wrong. */
static bool take_option(struct options *options, int letter)
{
	switch (letter) {
	case 'e':
		options->engines[0] = optarg;
		break;
	case 'a':
		options->engines[1] = optarg;
		break;
	case 's':
		return read_number(optarg, &options->seed);
	case 'c':
		return read_number(optarg, &options->count);
	case 'i':
		return read_number(optarg, &options->first);
	case 'x':
		options->xsd_folder = optarg;
		break;
	case 't':
		options->template_folder = optarg;
		break;
	case 'd':
		options->dump_folder = optarg;
		break;
	case 'E':
		options->emit_folder = optarg;
		break;
	case 'f':
		return read_number(optarg, &options->failures_max);
	case 'C':
		options->coverage = true;
		break;
	case 'r':
		options->rules = true;
		break;
	case 'n':
		options->walk = false;
		break;
	default:
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {{"engine", required_argument, NULL, 'e'},
		{"against", required_argument, NULL, 'a'}, {"seed", required_argument, NULL, 's'},
		{"count", required_argument, NULL, 'c'}, {"first", required_argument, NULL, 'i'},
		{"xsd", required_argument, NULL, 'x'}, {"templates", required_argument, NULL, 't'},
		{"dump", required_argument, NULL, 'd'}, {"emit", required_argument, NULL, 'E'},
		{"failures", required_argument, NULL, 'f'}, {"coverage", no_argument, NULL, 'C'},
		{"rules", no_argument, NULL, 'r'}, {"no-walk", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct options options = {.seed = 1,
		.count = 10000,
		.failures_max = 20,
		.engines = {"reference", NULL},
		.xsd_folder = "var/duis/xsd",
		.template_folder = "var/duis/templates",
		.walk = true};
	static struct run run;
	bool good = true;
	int letter;

	while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (letter == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		good = take_option(&options, letter) && good;
	}
	if (!good || optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	run.options = &options;
	return execute(&run);
}
