/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorwayctl: asks motorway-control over its socket and prints the answer, for people or as JSON.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/conf.h"
#include "control/motorwayctl_command.h"
#include "control/motorwayctl_link.h"
#include "control/motorwayctl_print.h"
#include "control/motorwayctl_table.h"
#include "control/table_text.h"

#define DEFAULT_CONF "conf/motorway.yaml"

struct options {
	const char *socket_path;
	const char *conf_path;
	const struct ctl_command *command;
	char *const *words; /* behind the command's name */
	int word_count;
	bool json;
	bool check;
	const char *format; /* NULL: by the file's name */
	/* explain; NULL: not given */
	const char *request;
	const char *at;
	const char *service;
	/* window, cap; NULL: not given */
	const char *reason;
	const char *file;
	int timeout_ms;
};

static const char *read_status(char *const *words, int count, json_t *request)
{
	(void)words;
	(void)request;
	return count > 0 ? "status takes no further words" : NULL;
}

static const struct ctl_command ctl_status = {
	.name = "status",
	.usage = "  status  show both processes: reference data, lanes, counters\n",
	.read = read_status,
	.print = status_print,
};

static const struct ctl_command *const commands[] = {
	&ctl_status,
	&ctl_user,
	&ctl_organisation,
	&ctl_provider,
	&ctl_threshold,
	&ctl_device,
	&ctl_registration,
	&ctl_appointment,
	&ctl_feed,
	&ctl_provider_extract,
	&ctl_explain,
	&ctl_quarantine,
	&ctl_replay,
	&ctl_schedule,
	&ctl_window,
	&ctl_cap,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fputs("usage: motorwayctl [--socket PATH | -c FILE] [--timeout S] COMMAND [--json]\n"
	      "\n"
	      "commands:\n",
		out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fputs(commands[i]->usage, out);
	fputs("\n"
	      "  -c, --conf FILE    take the socket from this configuration (" DEFAULT_CONF ")\n"
	      "      --socket PATH  the socket of motorway-control\n"
	      "      --timeout S    wait this long for an answer, 1 to 600 s (5)\n"
	      "      --json         print the answer as one JSON object\n"
	      "      --check        import: look whether it could be done, and do nothing\n"
	      "      --format F     import, export: csv or jsonl (by the file's name)\n"
	      "      --request R    explain: a file with a request, or a RequestID\n"
	      "      --at TIME      explain: judged at this instant, 2026-06-15T12:00:00Z (now)\n"
	      "      --service S    explain: T, S or D, the web service a file came to (its own)\n"
	      "      --reason TEXT  window set, cap set: why, for the history\n"
	      "      --file FILE    window set, window plan: all windows, from this file\n"
	      "      --version      print the version\n"
	      "      --help         print this\n"
	      "\n"
	      "Exit status: 0 done, 1 failed, 2 wrong use. See motorwayctl(1).\n",
		out);
}

static int fail(const char *text)
{
	fprintf(stderr, "motorwayctl: %s\n", text);
	return 1;
}

/* Returns -1 to go on, or the exit status. */
static int wrong_use(const char *text, const char *what)
{
	fprintf(stderr, "motorwayctl: %s%s\n", text, what);
	print_usage(stderr);
	return 2;
}

static int check_options(int argc, char **argv, struct options *options)
{
	if (optind == argc)
		return wrong_use("a command is missing", "");
	for (size_t i = 0; i < COMMAND_COUNT && options->command == NULL; i++)
		if (strcmp(commands[i]->name, argv[optind]) == 0)
			options->command = commands[i];
	if (options->command == NULL)
		return wrong_use("unknown command: ", argv[optind]);
	options->words = argv + optind + 1;
	options->word_count = argc - optind - 1;
	if (options->socket_path != NULL && options->conf_path != NULL)
		return wrong_use("--socket and --conf exclude each other", "");
	enum table_format format;
	if (options->format != NULL && !table_format_parse(options->format, &format))
		return wrong_use("--format takes csv or jsonl, not ", options->format);
	return -1;
}

/* Where the text of an option goes; NULL: it has none. */
static const char **text_of(struct options *options, int option)
{
	switch (option) {
	case 'c':
		return &options->conf_path;
	case 's':
		return &options->socket_path;
	case 'f':
		return &options->format;
	case 'R':
		return &options->request;
	case 'A':
		return &options->at;
	case 'S':
		return &options->service;
	case 'r':
		return &options->reason;
	case 'F':
		return &options->file;
	default:
		return NULL;
	}
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"conf", required_argument, NULL, 'c'},
		{"socket", required_argument, NULL, 's'},
		{"timeout", required_argument, NULL, 't'},
		{"json", no_argument, NULL, 'j'},
		{"check", no_argument, NULL, 'k'},
		{"format", required_argument, NULL, 'f'},
		{"request", required_argument, NULL, 'R'},
		{"at", required_argument, NULL, 'A'},
		{"service", required_argument, NULL, 'S'},
		{"reason", required_argument, NULL, 'r'},
		{"file", required_argument, NULL, 'F'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	char *end;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		const char **text = text_of(options, option);

		if (text != NULL) {
			*text = optarg;
			continue;
		}
		switch (option) {
		case 't': {
			long seconds = strtol(optarg, &end, 10);

			if (end == optarg || *end != '\0' || seconds < 1 || seconds > 600)
				return wrong_use("--timeout takes 1 to 600 seconds, not ", optarg);
			options->timeout_ms = (int)seconds * 1000;
			break;
		}
		case 'j':
			options->json = true;
			break;
		case 'k':
			options->check = true;
			break;
		case 'V':
			puts("motorwayctl " MOTORWAY_VERSION);
			return 0;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return 2;
		}
	}
	return check_options(argc, argv, options);
}

static int show(const struct options *options, json_t *reply)
{
	if (!json_is_true(json_object_get(reply, "ok"))) {
		const char *error = json_string_value(json_object_get(reply, "error"));

		return fail(error != NULL ? error : "motorway-control refused the command");
	}
	const struct ctl_command *command = options->command;
	int status = command->status != NULL ? command->status(reply) : 0;
	if (options->json) {
		json_dumpf(reply, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		command->print(stdout, reply);
	}
	return fflush(stdout) == 0 ? status : fail("cannot write the answer");
}

static int run(const struct options *options, const char *socket_path, json_t *request)
{
	struct ctl_link link;
	const char *path = json_string_value(json_object_get(request, "path"));

	if (ctl_link_open(&link, socket_path, options->timeout_ms) != 0)
		return 1;
	int status = options->command->run != NULL
			     ? options->command->run(&link, request, options->json)
			     : -1;
	if (status >= 0) {
		/* It is done. */
	} else if (path != NULL) {
		status = ctl_table_run(&link, request, options->json);
	} else {
		json_t *reply = ctl_link_ask(&link, request);

		status = reply != NULL ? show(options, reply) : 1;
		json_decref(reply);
	}
	ctl_link_close(&link);
	return status;
}

/* Ask at the socket that the options name. */
static int find_and_run(const struct options *options, json_t *request)
{
	static struct conf conf;

	if (options->socket_path != NULL)
		return run(options, options->socket_path, request);
	if (conf_read(options->conf_path != NULL ? options->conf_path : DEFAULT_CONF, &conf,
		    stderr) != 0)
		return fail("no socket is known; use --socket PATH or -c FILE");
	return run(options, conf.control_socket, request);
}

/* What --check and --format say goes with the request. NULL, or what is wrong. */
static const char *add_options(const struct options *options, json_t *request)
{
	const char *action = json_string_value(json_object_get(request, "action"));
	bool is_table = json_object_get(request, "path") != NULL;

	if (options->check && !(is_table && strcmp(action, "import") == 0))
		return "--check goes with import alone";
	if (options->format != NULL && !is_table)
		return "--format goes with import and export alone";
	if (options->check)
		json_object_set_new(request, "check", json_true());
	if (options->format != NULL)
		json_object_set_new(request, "format", json_string(options->format));
	return NULL;
}

/* What window and cap alone take. NULL, or what is wrong. */
static const char *add_windows(const struct options *options, json_t *request)
{
	if (options->reason == NULL && options->file == NULL)
		return NULL;
	if (options->command != &ctl_window && options->command != &ctl_cap)
		return "--reason and --file go with window and cap alone";
	if ((options->reason != NULL &&
		    json_object_set_new(request, "reason", json_string(options->reason)) != 0) ||
		(options->file != NULL &&
			json_object_set_new(request, "file", json_string(options->file)) != 0))
		return "not UTF-8, or memory is short";
	return NULL;
}

/* What explain alone takes. NULL, or what is wrong. */
static const char *add_explain(const struct options *options, json_t *request)
{
	const struct {
		const char *name;
		const char *value;
	} rows[] = {
		{"request", options->request}, {"at", options->at}, {"service", options->service}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].value == NULL)
			continue;
		if (options->command != &ctl_explain)
			return "--request, --at and --service go with explain alone";
		if (json_object_set_new(request, rows[i].name, json_string(rows[i].value)) != 0)
			return "not UTF-8, or memory is short";
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct options options = {.timeout_ms = 5000};
	int status = parse_options(argc, argv, &options);

	if (status >= 0)
		return status;
	json_t *request = json_pack("{s:s}", "command", options.command->name);
	const char *wrong = add_explain(&options, request);
	if (wrong == NULL)
		wrong = add_windows(&options, request);
	if (wrong == NULL)
		wrong = options.command->read(options.words, options.word_count, request);
	if (wrong == NULL)
		wrong = add_options(&options, request);
	status = wrong != NULL ? wrong_use(wrong, "") : find_and_run(&options, request);
	json_decref(request);
	return status;
}
