/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorway-sim: the neighbours of a gateway on loopback (motorway-sim(1)).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxml/parser.h>

#include "bench/sim/registry.h"
#include "bench/sim/simulation.h"
#include "bench/sim/summary.h"
#include "bench/sim/volumetrics.h"

#define REST_NS (50 * NS_PER_MS)
#define DRAIN_NS (10 * NS_PER_S)

#define STATUS_WRONG 1	  /* a count does not add up */
#define STATUS_USAGE 2	  /* command line, configuration or start */
#define STATUS_SIGNAL 130 /* demo ended by a signal */

static volatile sig_atomic_t stop_requested;
static int wake_fd = -1;

/* The write ends the loop's wait; its result does not matter, the flag is what counts. */
static void request_stop(int signal_number)
{
	uint64_t one = 1;
	(void)signal_number;
	stop_requested = 1;
	if (wake_fd >= 0 && write(wake_fd, &one, sizeof(one)) < 0)
		stop_requested = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = request_stop};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Until SIGTERM; then what has been taken is answered, as far as it comes in DRAIN_NS. */
static void serve(struct simulation *simulation)
{
	uint64_t drain_end_ns = 0;
	for (;;) {
		uint64_t now_ns = simulation_now_ns();
		unsigned work = simulation_turn(simulation, now_ns);
		if (stop_requested && drain_end_ns == 0) {
			http_stop_listening(simulation->http);
			drain_end_ns = now_ns + DRAIN_NS;
		}
		if (drain_end_ns != 0 &&
			(now_ns >= drain_end_ns || (simulation->timers.count == 0 &&
							   http_in_flight(simulation->http) == 0)))
			return;
		if (work == 0)
			simulation_rest(simulation, now_ns, REST_NS);
	}
}

/* Until everything has arrived, or the deadline. After a signal nothing more is sent, and what was
 * accepted is still dispatched, answered and delivered, as far as it comes in DRAIN_NS. */
static void demonstrate(struct simulation *simulation)
{
	uint64_t deadline_ns = simulation->start_ns + simulation->options.deadline_s * NS_PER_S;
	bool stopping = false;
	for (;;) {
		uint64_t now_ns = simulation_now_ns();
		unsigned work = simulation_turn(simulation, now_ns);
		if (simulation->load.finished && now_ns >= simulation->load.finished_ns)
			return;
		if (stop_requested && !stopping) {
			stopping = true;
			load_stop(simulation);
			deadline_ns = now_ns + DRAIN_NS;
		}
		if (stopping && work == 0 && load_is_settled(simulation))
			return;
		if (now_ns >= deadline_ns) {
			simulation->deadline_passed = true;
			return;
		}
		if (work == 0)
			simulation_rest(simulation, now_ns, REST_NS);
	}
}

static int start_demo(struct simulation *simulation)
{
	char reason[256] = "";
	int64_t wall_ms = simulation_wall_ms(simulation->start_ns);
	int result = plan_create(&simulation->plan, &simulation->options, &simulation->conf,
		&simulation->reference, &simulation->templates, wall_ms, reason, sizeof(reason));
	if (result == 0)
		result = load_start(simulation, simulation->start_ns, reason, sizeof(reason));
	if (result != 0)
		fprintf(stderr, "motorway-sim: %s\n", reason);
	return result;
}

static int report(const struct simulation *simulation)
{
	struct summary summary;
	bool demo = simulation->options.mode == SIM_MODE_DEMO;
	summary_make(&summary, simulation);
	if (simulation->options.json)
		summary_print_json(&summary, simulation, stdout);
	else if (demo || !simulation->options.quiet)
		summary_print(&summary, simulation, stdout);
	if (!demo)
		return 0;
	if (stop_requested)
		return STATUS_SIGNAL;
	return summary.balanced ? 0 : STATUS_WRONG;
}

static int run(struct simulation *simulation)
{
	const struct options *options = &simulation->options;
	/* Before anybody can see us listening. */
	catch_signals();
	if (simulation_open(simulation) != 0)
		return STATUS_USAGE;
	wake_fd = simulation->transport->wake_fd;
	simulation->start_ns = simulation_now_ns();
	if (options->mode == SIM_MODE_DEMO && start_demo(simulation) != 0)
		return STATUS_USAGE;
	if (!options->quiet)
		fprintf(stderr, "motorway-sim: providers at %s, receive endpoints at %s\n",
			options->listen_providers, options->listen_users);
	if (options->mode == SIM_MODE_DEMO)
		demonstrate(simulation);
	else
		serve(simulation);
	simulation->end_ns = simulation_now_ns();
	return report(simulation);
}

int main(int argc, char **argv)
{
	struct options options;

	if (argc > 1 && strcmp(argv[1], "registry") == 0)
		return sim_registry_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "volumetrics") == 0)
		return sim_volumetrics_main(argc - 1, argv + 1);
	int result = options_read(&options, argc, argv, stdout, stderr);
	if (result != 0)
		return result > 0 ? EXIT_SUCCESS : STATUS_USAGE;
	struct simulation *simulation = calloc(1, sizeof(*simulation));
	if (!simulation) {
		fprintf(stderr, "motorway-sim: %s\n", strerror(ENOMEM));
		return STATUS_USAGE;
	}
	xmlInitParser();
	simulation->options = options;
	result = run(simulation);
	wake_fd = -1;
	simulation_close(simulation);
	free(simulation);
	xmlCleanupParser();
	return result;
}
