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
#include "control/offline.h"
#include "control/server.h"
#include "control/store_reference.h"
#include "control/timetable.h"

#define MPXN_ERRORS_MAX 20

struct options {
	const char *conf_path;
	bool check;
	bool is_offline;
	struct offline offline;
};

static void print_usage(FILE *out)
{
	fputs("usage: motorway-control -c FILE [--check]\n"
	      "       motorway-control -c FILE load [devices=FILE] [registrations=FILE]\n"
	      "                [appointments=FILE] [set-aside=FOLDER] [messages=FILE|-]\n"
	      "       motorway-control -c FILE export devices|registrations|appointments FILE|-\n"
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
	const char *wrong = options->conf_path == NULL ? "-c FILE is missing" : NULL;
	options->is_offline = optind < argc;
	if (wrong == NULL && options->is_offline)
		wrong = options->check
				? "--check takes no further words"
				: offline_read(argv + optind, argc - optind, &options->offline);
	if (wrong == NULL)
		return -1;
	fprintf(stderr, "motorway-control: %s\n", wrong);
	print_usage(stderr);
	return 2;
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

static struct bulk_options mpxn_options(const struct conf *conf)
{
	return (struct bulk_options){
		.paths = {[BULK_REGISTRATIONS] = conf->registrations,
			[BULK_APPOINTMENTS] = conf->appointments},
		.errors = stderr,
		.shown_max = MPXN_ERRORS_MAX,
	};
}

/* Look at registrations and appointments before anything is done: wrong lines are told. */
static int check_mpxns(const struct conf *conf)
{
	const struct bulk_options options = mpxn_options(conf);
	struct bulk_result result;

	return bulk_check(&options, &result);
}

static int read_reference(
	const struct parties *parties, uint64_t generation, struct reference **reference)
{
	const struct conf *conf = parties_conf(parties);
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
		.trust = parties_trust(parties),
		.dsp_eui = conf->dsp_eui,
		.now_ms = clock_ms(CLOCK_REALTIME),
	};
	int result = reference_read(&paths, generation, stderr, reference);

	if (result == 0 && (!versions_known(conf, *reference) || check_mpxns(conf) != 0 ||
				   timetable_check(conf, *reference, stderr) != 0)) {
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
	if (store == NULL || bulk_interrupted(store, reason, sizeof(reason)))
		fprintf(stderr, "motorway-control: %s\n", reason);
	return store;
}

/* Bring the files into the store and make a set of what the store has then and is in force. */
static int merge_reference(
	struct store *store, struct parties *parties, struct reference *reference)
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
	if (result == 0)
		parties_admit(parties, reference, clock_ms(CLOCK_REALTIME));
	return result;
}

/* Load what the files tell of MPxNs; what the store knows already changes nothing. */
static int load_mpxns(struct store *store, const struct conf *conf)
{
	const struct bulk_options options = mpxn_options(conf);
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
	explainer_close(&server->explainer);
	if (parties_reload(server->parties, true) < 0 ||
		read_reference(server->parties, generation, &reference) != 0) {
		server->counters.reloads_refused++;
		fputs("motorway-control: the reference files have errors; the set in force stays\n",
			stderr);
		return;
	}
	if (merge_reference(server->services.store, server->parties, reference) != 0 ||
		load_mpxns(server->services.store, conf) != 0 ||
		mirror_update(server->mirror) != 0) {
		server->counters.reloads_refused++;
		reference_free(reference);
		fputs("motorway-control: the set in force stays\n", stderr);
		return;
	}
	if (timetable_read(server->timetable, reference, now.wall_ms / 1000) != 0) {
		server->counters.reloads_refused++;
		reference_free(reference);
		fputs("motorway-control: the set in force stays\n", stderr);
		return;
	}
	mirror_name(server->mirror, reference);
	print_counts(stderr, "reloaded", reference);
	server->parties_changed = false;
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
		server_parties(server, time_now());
		server_timetable(server, time_now());
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

	server->feed_keep.keep_ms = conf->feed_keep_days * 86400000ll;
	if (conf->feed_listen[0] == '\0')
		return 0;
	server->feed =
		feed_turn_open(conf->feed_listen, server->services.store, reason, sizeof(reason));
	if (server->feed != NULL)
		return 0;
	fprintf(stderr, "motorway-control: %s: %s\n", conf->feed_listen, reason);
	return -EIO;
}

static int run_server(struct parties *parties, struct store *store, struct mirror *mirror,
	struct timetable *timetable, struct reference *reference)
{
	const struct conf *conf = parties_conf(parties);
	struct server server;
	int signals = open_signals();

	if (signals < 0 ||
		server_create(&server, reference, conf->dsp_eui, time_now(), stderr) != 0) {
		fprintf(stderr, "motorway-control: cannot start: %s\n", strerror(errno));
		reference_free(reference);
		return 1;
	}
	char reason[256];
	int result = server_use_store(&server, store, time_now(), reason, sizeof(reason));
	if (result != 0)
		fprintf(stderr, "motorway-control: %s\n", reason);
	else
		schedules_set_removal(
			server.schedules, conf->schedule_removal == CONF_REMOVAL_AT_CHANGE);
	server.mirror = mirror;
	server.timetable = timetable;
	server.link.timetable = timetable;
	server.conf = conf;
	server.explainer.conf = conf;
	server.parties = parties;
	if (result == 0)
		result = server_listen(&server, conf->control_socket);
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

static int run(struct parties *parties, struct reference *reference)
{
	const struct conf *conf = parties_conf(parties);
	struct store *store = open_store(conf);
	struct mirror *mirror = NULL;
	struct timetable *timetable = timetable_open(conf, stderr);
	int status = 1;

	if (timetable != NULL && store != NULL && merge_reference(store, parties, reference) == 0 &&
		load_mpxns(store, conf) == 0 &&
		timetable_read(timetable, reference, clock_ms(CLOCK_REALTIME) / 1000) == 0)
		mirror = mirror_open(store, conf->registry_image, stderr);
	if (mirror != NULL) {
		mirror_name(mirror, reference);
		status = run_server(parties, store, mirror, timetable, reference);
	} else {
		reference_free(reference);
	}
	mirror_close(mirror);
	timetable_close(timetable);
	store_close(store);
	return status;
}

/* The files of providers are needed: devices name them. */
static int run_load(
	struct parties *parties, struct reference *reference, const struct offline *offline)
{
	struct store *store = open_store(parties_conf(parties));
	int status = 1;

	if (store != NULL && merge_reference(store, parties, reference) == 0)
		status = offline_load(store, offline, clock_ms(CLOCK_REALTIME));
	reference_free(reference);
	store_close(store);
	return status;
}

/* Beside a control that runs, too. */
static int run_export(const struct conf *conf, const struct offline *offline)
{
	const struct store_options options = {.path = conf->store, .read_only = true};
	char reason[1024];
	struct store *store = store_open(&options, reason, sizeof(reason));

	if (store == NULL) {
		fprintf(stderr, "motorway-control: %s\n", reason);
		return 1;
	}
	int status = offline_export(store, offline);
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
	if (options.is_offline && options.offline.is_export)
		return run_export(&conf, &options.offline);
	struct parties *parties = parties_open(&conf, stderr);
	if (parties == NULL ||
		read_reference(parties, (uint64_t)clock_ms(CLOCK_REALTIME), &reference) != 0) {
		status = 1;
	} else if (options.check) {
		print_counts(stdout, "in order", reference);
		reference_free(reference);
		status = 0;
	} else if (options.is_offline) {
		status = run_load(parties, reference, &options.offline);
	} else {
		status = run(parties, reference);
	}
	parties_close(parties);
	xmlCleanupParser();
	return status;
}
