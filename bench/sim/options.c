/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum option_type {
	OPTION_TEXT = 1,
	OPTION_NUMBER,
	OPTION_FLAG,
	OPTION_DELAY,
};

struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum option_type type;
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *fallback;
	const char *unit;
	const char *help;
};

#define AT(field) offsetof(struct options, field)

static const struct option_row rows[] = {
	{"conf", 'c', OPTION_TEXT, AT(conf), 1, 0, "conf/motorway.yaml", "FILE",
		"the gateway's configuration: addresses, schemas, reference data"},
	{"var", 0, OPTION_TEXT, AT(var), 1, 0, "var", "DIR",
		"folder with duis/templates, duis/keys and keys"},
	{"gateway", 0, OPTION_TEXT, AT(gateway), 0, 0, "", "HOST:PORT",
		"where users POST (default: edge.listen of the configuration)"},
	{"provider-gateway", 0, OPTION_TEXT, AT(provider_gateway), 0, 0, "", "HOST:PORT",
		"where providers POST (default: edge.provider_listen)"},
	{"listen-users", 0, OPTION_TEXT, AT(listen_users), 1, 0, "127.0.0.1:8090", "HOST:PORT",
		"address of the users' receive endpoints"},
	{"listen-providers", 0, OPTION_TEXT, AT(listen_providers), 1, 0, "127.0.0.1:8091",
		"HOST:PORT", "address of the providers"},
	{"delay", 0, OPTION_DELAY, AT(delay), 0, 0, "exponential", "KIND",
		"how long devices take: exponential or fixed"},
	{"delay-ms", 0, OPTION_NUMBER, AT(delay_ms), 0, 3600000, "100", "ms",
		"mean time until a device answers"},
	{"delay-min-ms", 0, OPTION_NUMBER, AT(delay_min_ms), 0, 3600000, "20", "ms",
		"no device answers sooner; at most --delay-ms"},
	{"transform-delay-ms", 0, OPTION_NUMBER, AT(transform_delay_ms), 0, 60000, "2", "ms",
		"time until the transform provider answers"},
	{"fail-per-mille", 0, OPTION_NUMBER, AT(fail_per_mille), 0, 1000, "0", "1/1000",
		"share of devices' answers that fail, half E20, half E21"},
	{"seed", 's', OPTION_NUMBER, AT(seed), 0, UINT64_MAX, "1", "N",
		"the same seed gives the same requests, delays and payloads"},
	{"rate", 'r', OPTION_NUMBER, AT(rate_tps), 1, 1000000, "200", "1/s",
		"demo: requests a second, open loop"},
	{"count", 'n', OPTION_NUMBER, AT(count), 0, 10000000, "2000", "N",
		"demo: mixed requests, besides the 11 of a Meter Data Retriever"},
	{"schedules", 0, OPTION_NUMBER, AT(schedules), 0, 1500, "200", "N",
		"demo: schedules created whose reads fall due in the demo"},
	{"due-in-s", 0, OPTION_NUMBER, AT(due_in_s), 2, 3600, "10", "s",
		"demo: scheduled reads are due this long after the start"},
	{"bad-percent", 0, OPTION_NUMBER, AT(bad_percent), 0, 100, "8", "%",
		"demo: share of the mixed requests that is wrong on purpose"},
	{"connections", 0, OPTION_NUMBER, AT(connections), 1, 1024, "16", "N",
		"connections kept to each address that is POSTed to"},
	{"deadline-s", 0, OPTION_NUMBER, AT(deadline_s), 5, 86400, "90", "s",
		"demo: give up, and fail, after this time"},
	{"ledger", 0, OPTION_NUMBER, AT(ledger), 1024, 16777216, "131072", "N",
		"exchanges with devices that are remembered; demo takes more if it needs more"},
	{"json", 'j', OPTION_FLAG, AT(json), 0, 0, NULL, NULL,
		"print the summary as one JSON object"},
	{"quiet", 'q', OPTION_FLAG, AT(quiet), 0, 0, NULL, NULL, "print the summary only"},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
#define CODE_FIRST 256 /* getopt_long()'s value of row 0 */
#define CODE_HELP (CODE_FIRST + ROW_COUNT)
#define CODE_VERSION (CODE_HELP + 1)

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end = NULL;
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || number < min || number > max)
		return false;
	*value = number;
	return true;
}

static int set(
	struct options *options, const struct option_row *row, const char *text, FILE *errors)
{
	char *field = (char *)options + row->offset;
	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		if (strlen(text) >= row->min && strlen(text) < OPTIONS_TEXT_SIZE) {
			memcpy(field, text, strlen(text) + 1);
			return 0;
		}
		fprintf(errors, "motorway-sim: --%s: a text of %d to %d bytes is needed\n",
			row->name, (int)row->min, OPTIONS_TEXT_SIZE - 1);
		return -EINVAL;
	case OPTION_NUMBER:
		if (read_number(text, row->min, row->max, (uint64_t *)(void *)field))
			return 0;
		fprintf(errors, "motorway-sim: --%s: \"%s\" is not a number from %llu to %llu\n",
			row->name, text, (unsigned long long)row->min,
			(unsigned long long)row->max);
		return -EINVAL;
	case OPTION_DELAY:
		if (strcmp(text, "exponential") == 0 || strcmp(text, "fixed") == 0) {
			*(enum sim_delay *)(void *)field =
				text[0] == 'f' ? SIM_DELAY_FIXED : SIM_DELAY_EXPONENTIAL;
			return 0;
		}
		fprintf(errors, "motorway-sim: --%s: \"%s\" is neither exponential nor fixed\n",
			row->name, text);
		return -EINVAL;
	}
	return -EINVAL;
}

static void print_help(FILE *out)
{
	fputs("usage: motorway-sim [run | demo] [OPTION...]\n"
	      "       motorway-sim registry --devices N --seed S --out FOLDER\n"
	      "       motorway-sim volumetrics [OPTION...]\n"
	      "\n"
	      "Plays the neighbours of a motorway gateway on loopback.\n"
	      "  run   (default) service providers, meters and the users' receive endpoints, "
	      "until\n"
	      "        SIGTERM or SIGINT\n"
	      "  demo  users too: sends requests, checks every answer, ends by itself with a\n"
	      "        summary; status 0 only if every count adds up\n"
	      "\n",
		out);
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct option_row *row = &rows[i];
		char name[64];
		char letter[8] = "   ";
		if (row->letter)
			snprintf(letter, sizeof(letter), "-%c,", row->letter);
		snprintf(name, sizeof(name), "%s --%s%s%s", letter, row->name, row->unit ? " " : "",
			row->unit ? row->unit : "");
		fprintf(out, "  %-32s %s", name, row->help);
		if (row->fallback && row->fallback[0])
			fprintf(out, " [%s]", row->fallback);
		fputc('\n', out);
	}
	fputs("  -h, --help                       print this\n"
	      "      --version                    print the version\n",
		out);
}

/* The long and short options of getopt_long() from the table. */
static void build(struct option *options, char *letters)
{
	size_t letter_count = 0;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		int has_value = rows[i].type == OPTION_FLAG ? no_argument : required_argument;
		options[i] = (struct option){rows[i].name, has_value, NULL, CODE_FIRST + (int)i};
		if (!rows[i].letter)
			continue;
		letters[letter_count++] = rows[i].letter;
		if (has_value == required_argument)
			letters[letter_count++] = ':';
	}
	options[ROW_COUNT] = (struct option){"help", no_argument, NULL, CODE_HELP};
	options[ROW_COUNT + 1] = (struct option){"version", no_argument, NULL, CODE_VERSION};
	options[ROW_COUNT + 2] = (struct option){0};
	letters[letter_count++] = 'h';
	letters[letter_count] = '\0';
}

static const struct option_row *find_row(int code)
{
	if (code >= CODE_FIRST && code < (int)CODE_HELP)
		return &rows[code - CODE_FIRST];
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].letter && rows[i].letter == code)
			return &rows[i];
	return NULL;
}

static int check(struct options *options, int argc, char **argv, FILE *errors)
{
	if (optind < argc && strcmp(argv[optind], "demo") == 0)
		options->mode = SIM_MODE_DEMO;
	else if (optind < argc && strcmp(argv[optind], "run") != 0) {
		fprintf(errors, "motorway-sim: \"%s\" is neither run nor demo\n", argv[optind]);
		return -EINVAL;
	}
	if (optind + 1 < argc) {
		fprintf(errors, "motorway-sim: \"%s\" is one word too many\n", argv[optind + 1]);
		return -EINVAL;
	}
	if (options->delay_min_ms > options->delay_ms) {
		fprintf(errors, "motorway-sim: --delay-min-ms must not be above --delay-ms\n");
		return -EINVAL;
	}
	return 0;
}

int options_read(struct options *options, int argc, char **argv, FILE *out, FILE *errors)
{
	struct option longs[ROW_COUNT + 3];
	char letters[2 * ROW_COUNT + 2];
	int code;

	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].fallback)
			set(options, &rows[i], rows[i].fallback, errors);
	build(longs, letters);
	optind = 0; /* start anew: glibc's way, also for a second call in one process */
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (code == 'h' || code == (int)CODE_HELP) {
			print_help(out);
			return 1;
		}
		if (code == (int)CODE_VERSION) {
			fprintf(out, "motorway-sim %s\n", MOTORWAY_VERSION);
			return 1;
		}
		const struct option_row *row = find_row(code);
		if (!row) {
			fprintf(errors,
				"motorway-sim: \"%s\" is no option or lacks its value; "
				"--help lists them\n",
				argv[optind - 1]);
			return -EINVAL;
		}
		int result = set(options, row, optarg, errors);
		if (result != 0)
			return result;
	}
	return check(options, argc, argv, errors);
}
