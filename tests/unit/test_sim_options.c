/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/options.h"

static struct options options;
static char output[16384];
static char errors[4096];

/* Read a command line of words separated by single blanks. */
static int read(const char *line)
{
	char words[512];
	char *argv[32] = {(char *)"motorway-sim"};
	int argc = 1;
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	memset(output, 0, sizeof(output));
	memset(errors, 0, sizeof(errors));
	FILE *out = fmemopen(output, sizeof(output), "w");
	FILE *error = fmemopen(errors, sizeof(errors), "w");
	int result = options_read(&options, argc, argv, out, error);
	fclose(out);
	fclose(error);
	return result;
}

Test(sim_options, defaults)
{
	cr_assert_eq(read(""), 0);
	cr_assert_eq(options.mode, SIM_MODE_RUN);
	cr_assert_str_eq(options.conf, "conf/motorway.yaml");
	cr_assert_str_eq(options.gateway, "");
	cr_assert_eq(options.rate_tps, 200);
	cr_assert_eq(options.count, 2000);
	cr_assert_eq(options.delay, SIM_DELAY_EXPONENTIAL);
	cr_assert_not(options.json);
}

Test(sim_options, values)
{
	cr_assert_eq(read("demo --rate 7 -n 30 --json --delay fixed --delay-ms=5 --delay-min-ms 5 "
			  "--gateway 127.0.0.1:9 --seed 18446744073709551615"),
		0);
	cr_assert_eq(options.mode, SIM_MODE_DEMO);
	cr_assert_eq(options.rate_tps, 7);
	cr_assert_eq(options.count, 30);
	cr_assert(options.json);
	cr_assert_eq(options.delay, SIM_DELAY_FIXED);
	cr_assert_eq(options.delay_ms, 5);
	cr_assert_str_eq(options.gateway, "127.0.0.1:9");
	cr_assert_eq(options.seed, UINT64_MAX);
}

Test(sim_options, wrong_ones_are_told)
{
	static const struct {
		const char *line;
		const char *part; /* of the message */
	} rows[] = {
		{"--rate 0", "--rate"},
		{"--rate 1000001", "from 1 to 1000000"},
		{"--rate 12x", "12x"},
		{"--rate -5", "--rate"},
		{"--rate", "--help"},
		{"--seed 18446744073709551616", "--seed"},
		{"--bad-percent 101", "from 0 to 100"},
		{"--delay sometimes", "exponential"},
		{"--delay-ms 5 --delay-min-ms 6", "--delay-min-ms"},
		{"--unheard", "--unheard"},
		{"-x", "-x"},
		{"play", "run nor demo"},
		{"demo twice", "twice"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_eq(read(rows[i].line), -EINVAL, "%s", rows[i].line);
		cr_assert_not_null(strstr(errors, rows[i].part), "%s: %s", rows[i].line, errors);
		cr_assert_eq(strchr(errors, '\n'), errors + strlen(errors) - 1, "one line");
	}
}

Test(sim_options, long_text_is_refused)
{
	char line[700] = "--gateway ";
	memset(line + 10, '1', 480);
	cr_assert_eq(read(line), 0);
	char *argv[] = {(char *)"motorway-sim", (char *)"--var", calloc(1, 1024), NULL};
	memset(argv[2], 'v', 600);
	FILE *out = fmemopen(errors, sizeof(errors), "w");
	cr_assert_eq(options_read(&options, 3, argv, out, out), -EINVAL);
	fclose(out);
	free(argv[2]);
}

Test(sim_options, help_lists_every_option)
{
	cr_assert_eq(read("--help"), 1);
	static const char *const names[] = {"--conf", "--gateway", "--delay-ms", "--rate",
		"--count", "--schedules", "--bad-percent", "--json", "--deadline-s"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert_not_null(strstr(output, names[i]), "%s", names[i]);
	cr_assert_eq(read("--version"), 1);
	cr_assert_not_null(strstr(output, "motorway-sim"));
}
