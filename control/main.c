/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorway-control: reads the configuration and the reference files, serves the control socket.
 * SIGHUP reads the reference files again; SIGTERM and SIGINT end it.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <libxml/parser.h>

#include "control/bulk.h"
#include "control/conf.h"
#include "control/conf_table.h"
#include "control/folders.h"
#include "control/server.h"
#include "control/store_reference.h"

#define MPXN_ERRORS_MAX 20

struct options {
	const char *conf_path;
	bool check;
};

static void print_usage(FILE *out)
{
	fputs("usage: motorway-control -c FILE [--check]\n"
	      "       motorway-control --help-conf | --version | --help\n"
	      "\n"
	      "  -c, --conf FILE  the configuration, such as conf/motorway.yaml\n"
	      "      --check      read and check everything, then end: 0 in order, 1 errors\n"
	      "      --help-conf  print every key of the configuration\n"
	      "      --version    print the version\n"
	      "      --help       print this\n"
	      "\n"
	      "SIGHUP reads the reference files again; a set with errors leaves the old one in\n"
	      "force. SIGTERM and SIGINT end the process. See motorway-control(8).\n",
		out);
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"conf", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"help-conf", no_argument, NULL, 'H'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->conf_path = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'H':
			conf_describe(stdout);
			return 0;
		case 'V':
			puts("motorway-control " MOTORWAY_VERSION);
			return 0;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return 2;
		}
	}
	if (optind < argc || options->conf_path == NULL) {
		if (optind < argc)
			fprintf(stderr, "motorway-control: \"%s\" is one argument too many\n",
				argv[optind]);
		else
			fputs("motorway-control: -c FILE is missing\n", stderr);
		print_usage(stderr);
		return 2;
	}
	return -1;
}

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct server_time time_now(void)
{
	return (struct server_time){
		.monotonic_ms = clock_ms(CLOCK_MONOTONIC),
		.wall_ms = clock_ms(CLOCK_REALTIME),
	};
}

/* Whether documents in every user's DUIS version can be made. */
static bool versions_known(const struct conf *conf, const struct reference *reference)
{
	bool all = true;

	for (size_t i = 0; i < reference->user_count; i++) {
		const char *version = reference->users[i].duis_version;
		bool known = false;

		for (uint32_t s = 0; s < conf->schema_count; s++)
			known |= conf_version_equal(version, conf->schemas[s].version);
		if (!known)
			fprintf(stderr,
				"motorway-control: %s: the duis_version %s of user \"%s\" is not "
				"among schema.versions of the configuration\n",
				conf->users, version, reference->users[i].name);
		all &= known;
	}
	return all;
}

static int read_reference(
	const struct conf *conf, uint64_t generation, struct reference **reference)
{
	const struct reference_paths paths = {
		.users = conf->users,
		.devices = conf->devices,
		.providers = conf->providers,
		.access = conf->access,
		.service_codes = conf->service_codes,
		.access_checks = conf->access_checks,
		.alerts = conf->alerts,
		.thresholds = conf->thresholds,
		.duis_version = conf->schemas[0].version,
	};
	int result = reference_read(&paths, generation, stderr, reference);

	if (result == 0 && !versions_known(conf, *reference)) {
		reference_free(*reference);
		*reference = NULL;
		result = -EINVAL;
	}
	return result;
}

static void print_counts(FILE *out, const char *what, const struct reference *reference)
{
	fprintf(out,
		"motorway-control: %s: %zu users, %zu certificates, %zu providers, %zu devices, "
		"%zu SRV rules\n",
		what, reference->user_count, reference->certificate_count,
		reference->provider_count, reference->device_count, reference->rule_count);
}

static struct store *open_store(const struct conf *conf)
{
	const struct store_options options = {
		.path = conf->store,
		.bytes_max = (uint64_t)conf->store_mb_max << 20,
	};
	char reason[1024];
	int result = folders_make(conf->store, reason, sizeof(reason));

	if (result != 0) {
		fprintf(stderr, "motorway-control: %s: %s\n", reason, strerror(-result));
		return NULL;
	}
	struct store *store = store_open(&options, reason, sizeof(reason));
	if (store == NULL)
		fprintf(stderr, "motorway-control: %s\n", reason);
	return store;
}

/* Bring the files into the store and make a set of what the store has then. */
static int merge_reference(struct store *store, struct reference *reference)
{
	struct store_import import;
	char reason[256];
	int result = store_reference_merge(store, reference, &import, reason, sizeof(reason));

	if (result != 0)
		fprintf(stderr, "motorway-control: %s\n", reason);
	else if (import.written + import.removed + import.kept > 0)
		fprintf(stderr,
			"motorway-control: files to store: %" PRIu64 " rows written, %" PRIu64
			" removed, %" PRIu64 " left as an operator or the feed made them\n",
			import.written, import.removed, import.kept);
	return result;
}

/* Load what the files tell of MPxNs; what the store knows already changes nothing. */
static int load_mpxns(struct store *store, const struct conf *conf)
{
	const struct bulk_options options = {
		.paths = {[BULK_REGISTRATIONS] = conf->registrations,
			[BULK_APPOINTMENTS] = conf->appointments},
		.errors = stderr,
		.shown_max = MPXN_ERRORS_MAX,
	};
	struct bulk_result loaded;
	int result = bulk_load(store, &options, &loaded);

	if (result != 0)
		fprintf(stderr,
			"motorway-control: registrations and appointments are not loaded: %s\n",
			strerror(-result));
	return result;
}

static void reload(struct server *server, const struct conf *conf)
{
	struct server_time now = time_now();
	struct reference *reference;
	/* Generations only grow, also over a restart and when the clock was set back. */
	uint64_t generation = (uint64_t)now.wall_ms > server->reference->generation
				      ? (uint64_t)now.wall_ms
				      : server->reference->generation + 1;

	server->counters.reloads++;
	if (read_reference(conf, generation, &reference) != 0) {
		server->counters.reloads_refused++;
		fputs("motorway-control: the reference files have errors; the set in force stays\n",
			stderr);
		return;
	}
	if (merge_reference(server->services.store, reference) != 0 ||
		load_mpxns(server->services.store, conf) != 0 ||
		mirror_update(server->mirror) != 0) {
		server->counters.reloads_refused++;
		reference_free(reference);
		fputs("motorway-control: the set in force stays\n", stderr);
		return;
	}
	mirror_name(server->mirror, reference);
	print_counts(stderr, "reloaded", reference);
	server_set_reference(server, reference, now);
}

/* Returns whether the process ends. */
static bool take_signals(int signals, struct server *server, const struct conf *conf)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return true;
		reload(server, conf);
	}
	return false;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void serve(struct server *server, const struct conf *conf, int signals)
{
	for (;;) {
		struct pollfd fds[SERVER_FDS_MAX + 2];

		server_feed(server, time_now());
		server_turn(server, time_now());
		unsigned count = server_fds(server, fds);
		fds[count] = (struct pollfd){.fd = signals, .events = POLLIN};
		/* A negative fd is passed over. */
		fds[count + 1] = (struct pollfd){
			.fd = server->feed != NULL ? feed_http_fd(server->feed) : -1,
			.events = POLLIN};
		if (poll(fds, count + 2, server_timeout_ms(server, time_now())) < 0 &&
			errno != EINTR)
			return;
		if (fds[count].revents != 0 && take_signals(signals, server, conf))
			return;
	}
}

static int open_feed(struct server *server, const struct conf *conf)
{
	char reason[256];

	if (conf->feed_listen[0] == '\0')
		return 0;
	server->feed = feed_turn_open(conf->feed_listen, reason, sizeof(reason));
	if (server->feed != NULL)
		return 0;
	fprintf(stderr, "motorway-control: %s: %s\n", conf->feed_listen, reason);
	return -EIO;
}

static int run_server(const struct conf *conf, struct store *store, struct mirror *mirror,
	struct reference *reference)
{
	struct server server;
	int signals = open_signals();

	if (signals < 0 ||
		server_create(&server, reference, conf->dsp_eui, time_now(), stderr) != 0) {
		fprintf(stderr, "motorway-control: cannot start: %s\n", strerror(errno));
		reference_free(reference);
		return 1;
	}
	server.services.store = store;
	server.mirror = mirror;
	int result = server_listen(&server, conf->control_socket);
	if (result == 0)
		result = open_feed(&server, conf);
	if (result == 0) {
		print_counts(stderr, "serving", server.reference);
		serve(&server, conf, signals);
		fputs("motorway-control: ends\n", stderr);
	}
	feed_http_close(server.feed);
	server_destroy(&server, time_now());
	close(signals);
	return result == 0 ? 0 : 1;
}

static int run(const struct conf *conf, struct reference *reference)
{
	struct store *store = open_store(conf);
	struct mirror *mirror = NULL;
	int status = 1;

	if (store != NULL && merge_reference(store, reference) == 0 && load_mpxns(store, conf) == 0)
		mirror = mirror_open(store, conf->registry_image, stderr);
	if (mirror != NULL) {
		mirror_name(mirror, reference);
		status = run_server(conf, store, mirror, reference);
	} else {
		reference_free(reference);
	}
	mirror_close(mirror);
	store_close(store);
	return status;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	static struct conf conf;
	struct reference *reference = NULL;
	int status = parse_options(argc, argv, &options);

	if (status >= 0)
		return status;
	/* One line at a time, so that what is logged is whole and in order. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	if (conf_read(options.conf_path, &conf, stderr) != 0)
		return 1;
	if (read_reference(&conf, (uint64_t)clock_ms(CLOCK_REALTIME), &reference) != 0)
		return 1;
	if (options.check) {
		print_counts(stdout, "in order", reference);
		reference_free(reference);
		status = 0;
	} else {
		status = run(&conf, reference);
	}
	xmlCleanupParser();
	return status;
}
