/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of motorway-sim volumetrics. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/volumetrics.h"
#include "bench/sim/volumetrics_read.h"

#define STATUS_USAGE 2
#define SETTINGS_MAX 64
#define REASON_SIZE 2048

static const char usage[] =
	"usage: motorway-sim volumetrics [OPTION...]\n"
	"\n"
	"Reckons demand and capacity of half-hourly settlement (doc/volumetrics.md): meters, "
	"reads\n"
	"a day, windows, caps, and CSP North's channels.\n"
	"  --input FILE       the numbers and their sources [conf/volumetrics.yaml]\n"
	"  --reading NAME     take another reading of the documents, of those in FILE\n"
	"  --set NAME=VALUE   take another value; after --reading; may be repeated\n"
	"  --meters N         as many meters, divided as the model's are\n"
	"  --lines            the reads of each provider\n"
	"  --sources          each number with its source, or why it is assumed\n"
	"  --caps             nothing but the caps, in the form of conf/windows.yaml\n"
	"  --json             everything as one JSON object\n"
	"  --names            the names that --set takes, with what is allowed\n";

struct wishes {
	const char *input;
	const char *reading;
	char *settings[SETTINGS_MAX];
	unsigned setting_count;
	uint64_t meters; /* 0: as the model says */
	bool caps;
	bool json;
	bool names;
	struct volumetrics_wish print;
};

static int wrong(const char *what, const char *why)
{
	fprintf(stderr, "motorway-sim: volumetrics: %s: %s\n", what, why);
	return -EINVAL;
}

static bool read_meters(const char *text, uint64_t *meters)
{
	char *end;

	errno = 0;
	*meters = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *meters > 0 &&
	       *meters <= VOLUMETRICS_METERS_MAX;
}

/* An option with a value. */
static int read_option(struct wishes *wishes, const char *name, char *text)
{
	if (strcmp(name, "--input") == 0)
		wishes->input = text;
	else if (strcmp(name, "--reading") == 0)
		wishes->reading = text;
	else if (strcmp(name, "--meters") == 0) {
		if (!read_meters(text, &wishes->meters))
			return wrong(name, "allowed is a number from 1 to 100000000");
	} else if (strcmp(name, "--set") == 0) {
		if (wishes->setting_count == SETTINGS_MAX)
			return wrong(name, "at most 64 are allowed");
		if (strchr(text, '=') == NULL)
			return wrong(name, "NAME=VALUE is needed");
		wishes->settings[wishes->setting_count++] = text;
	} else {
		return wrong(name, "no such option; --help lists them");
	}
	return 0;
}

/* 0; 1 after --help; -EINVAL. */
static int read_options(struct wishes *wishes, int argc, char **argv)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{"--caps", &wishes->caps},
		{"--json", &wishes->json},
		{"--names", &wishes->names},
		{"--lines", &wishes->print.lines},
		{"--sources", &wishes->print.sources},
	};

	for (int i = 1; i < argc; i++) {
		size_t flag = 0;

		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			return 1;
		}
		while (flag < sizeof(flags) / sizeof(flags[0]) &&
			strcmp(argv[i], flags[flag].name) != 0)
			flag++;
		if (flag < sizeof(flags) / sizeof(flags[0])) {
			*flags[flag].flag = true;
			continue;
		}
		if (strncmp(argv[i], "--", 2) != 0)
			return wrong(argv[i], "one word too many");
		int result = i + 1 < argc ? read_option(wishes, argv[i], argv[i + 1])
					  : wrong(argv[i], "no such option, or its value lacks");
		if (result != 0)
			return result;
		i++;
	}
	return 0;
}

/* The readings' and the command line's changes. */
static int change(struct volumetrics *model, const struct wishes *wishes)
{
	char reason[REASON_SIZE];

	if (wishes->reading != NULL && volumetrics_apply(model, wishes->reading) != 0) {
		size_t used =
			(size_t)snprintf(reason, sizeof(reason), "no such reading; known are");

		for (uint32_t i = 0; i < model->reading_count; i++)
			used += (size_t)snprintf(reason + used, sizeof(reason) - used, "%s %s",
				i > 0 ? "," : "", model->readings[i].name);
		return wrong(wishes->reading, reason);
	}
	for (unsigned i = 0; i < wishes->setting_count; i++) {
		char *value = strchr(wishes->settings[i], '=');

		*value++ = '\0';
		if (volumetrics_set(model, wishes->settings[i], value, reason, sizeof(reason)) != 0)
			return wrong("--set", reason);
	}
	if (volumetrics_check(model, reason, sizeof(reason)) != 0)
		return wrong("--set", reason);
	return 0;
}

static void print_names(const struct volumetrics *model, FILE *out)
{
	char phrase[128];
	char text[40];

	for (int i = 0; i < VOLUMETRICS_INPUTS; i++) {
		const struct volumetrics_row *row = volumetrics_row(i);

		fprintf(out, "%-36s %12s %-7s %s; %s\n", row->name,
			volumetrics_value(model, i, text, sizeof(text)), row->unit, row->help,
			volumetrics_allowed(row, phrase, sizeof(phrase)));
	}
	for (uint32_t i = 0; i < model->read_count; i++)
		fprintf(out, "reads.%s.percent %" PRIu64 ".%03" PRIu64 "\n", model->reads[i].name,
			model->reads[i].percent_milli / 1000, model->reads[i].percent_milli % 1000);
}

/* What comes of each of the readings. */
static void make_readings(struct volumetrics_report *report, struct demand *demand,
	struct volumetrics *model, const struct volumetrics *original)
{
	report->reading_count = original->reading_count;
	for (unsigned i = 0; i < original->reading_count; i++) {
		struct demand_day day;
		char reason[REASON_SIZE];

		*model = *original;
		volumetrics_apply(model, original->readings[i].name);
		/* With other settings it may not fit: then all is 0. */
		if (volumetrics_check(model, reason, sizeof(reason)) != 0)
			continue;
		demand_make(demand, model, report->demand->meters, 1);
		demand_total(demand, &report->readings[i]);
		demand_day(demand, &day);
		report->reading_most_milli[i] = day.need_most_milli[VOLUMETRICS_OFF_PEAK];
	}
}

static int report_on(struct volumetrics *model, const struct wishes *wishes)
{
	struct volumetrics_report *report = calloc(1, sizeof(*report));
	struct volumetrics *changed = malloc(sizeof(*changed));
	struct demand *demands = malloc(2 * sizeof(*demands));
	int result = -ENOMEM;

	if (report != NULL && changed != NULL && demands != NULL) {
		uint64_t meters = wishes->meters != 0 ? wishes->meters
						      : model->numbers[VOLUMETRICS_METERS].value;

		demand_make(&demands[0], model, meters, 1);
		report->demand = &demands[0];
		report->line_count = demand_lines(&demands[0], report->lines);
		demand_total(&demands[0], &report->totals);
		demand_day(&demands[0], &report->day);
		demand_channels(&demands[0], &report->channels);
		make_readings(report, &demands[1], changed, model);
		result = 0;
		if (wishes->caps)
			volumetrics_print_caps(report, stdout);
		else if (wishes->json)
			result = volumetrics_print_json(report, stdout);
		else
			volumetrics_print(report, &wishes->print, stdout);
	}
	free(report);
	free(changed);
	free(demands);
	return result;
}

int sim_volumetrics_main(int argc, char **argv)
{
	struct wishes wishes = {.input = "conf/volumetrics.yaml"};
	int result = read_options(&wishes, argc, argv);

	if (result != 0)
		return result > 0 ? EXIT_SUCCESS : STATUS_USAGE;
	struct volumetrics *model = malloc(sizeof(*model));
	if (model == NULL)
		return STATUS_USAGE;
	result = volumetrics_read(wishes.input, model, stderr);
	if (result == 0)
		result = change(model, &wishes);
	if (result == 0 && wishes.names)
		print_names(model, stdout);
	else if (result == 0)
		result = report_on(model, &wishes);
	if (result == -ENOMEM)
		wrong("memory", strerror(ENOMEM));
	free(model);
	if (result == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		return STATUS_USAGE;
	return result == 0 ? EXIT_SUCCESS : STATUS_USAGE;
}
