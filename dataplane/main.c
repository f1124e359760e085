/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorway -c FILE [-- EAL arguments]: the data plane.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <rte_eal.h>

#include "dataplane/eal.h"
#include "dataplane/gateway.h"

enum exit_status {
	EXIT_DONE = 0,
	EXIT_STARTUP = 1, /* the configuration or the machine does not allow it to start */
	EXIT_USAGE = 2,
	EXIT_UNDELIVERED = 4, /* ended with answers that no user has taken */
};

struct options {
	const char *conf_path;
	int eal_argument_count;
	char **eal_arguments;
};

static void print_usage(FILE *out)
{
	fprintf(out, "usage: motorway -c FILE [-- EAL arguments]\n"
		     "  -c, --conf FILE   configuration (motorway.yaml)\n"
		     "      --check       check the configuration, schemas and key, and end\n"
		     "      --help        this text\n"
		     "      --version     the version\n"
		     "See motorway(8).\n");
}

/* Read the command line. Returns -1 to go on, or the exit status. */
static int read_options(int argc, char **argv, struct options *options, bool *check)
{
	static const struct option known[] = {
		{"conf", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{0},
	};
	/* Only what stands before "--" is ours. */
	int own = argc;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			own = i;
			options->eal_argument_count = argc - i - 1;
			options->eal_arguments = argv + i + 1;
			break;
		}
	}
	int option;
	while ((option = getopt_long(own, argv, "c:h", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->conf_path = optarg;
			break;
		case 'k':
			*check = true;
			break;
		case 'h':
			print_usage(stdout);
			return EXIT_DONE;
		case 'v':
			printf("motorway %s\n", MOTORWAY_VERSION);
			return EXIT_DONE;
		default:
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < own)
		fprintf(stderr, "motorway: unexpected argument %s\n", argv[optind]);
	else if (!options->conf_path)
		fprintf(stderr, "motorway: -c FILE is missing\n");
	else
		return -1;
	print_usage(stderr);
	return EXIT_USAGE;
}

/* The thread for signals alone waits for these; threads inherit the mask, so this comes first. */
static void block_signals(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Connections are descriptors; the usual soft limit is far below the configuration's default. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	static struct gateway gateway;
	struct options options = {0};
	bool check = false;

	int status = read_options(argc, argv, &options, &check);
	if (status >= 0)
		return status;
	block_signals();
	if (conf_read(options.conf_path, &gateway.conf, stderr) < 0)
		return EXIT_STARTUP;
	if (check)
		return gateway_check(&gateway) == 0 ? EXIT_DONE : EXIT_STARTUP;
	raise_descriptor_limit();
	const struct eal_setup eal = {
		.lcores = gateway.conf.lcores,
		.memory_mb = gateway_memory_mb(&gateway.conf),
		.argument_count = options.eal_argument_count,
		.arguments = options.eal_arguments,
	};
	if (eal_start(&eal) < 0)
		return EXIT_STARTUP;
	status = EXIT_STARTUP;
	if (gateway_create(&gateway) == 0)
		status = gateway_run(&gateway) == 0 ? EXIT_DONE : EXIT_UNDELIVERED;
	gateway_destroy(&gateway);
	rte_eal_cleanup();
	return status;
}
