/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorwayctl: asks motorway-control over its socket and prints the answer, for people or as JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "control/conf.h"
#include "control/motorwayctl_command.h"
#include "control/motorwayctl_print.h"
#include "control/peer.h"

#define DEFAULT_CONF "conf/motorway.yaml"

struct options {
	const char *socket_path;
	const char *conf_path;
	const struct ctl_command *command;
	char *const *words; /* behind the command's name */
	int word_count;
	bool json;
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
	&ctl_quarantine,
	&ctl_schedule,
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
	return -1;
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"conf", required_argument, NULL, 'c'},
		{"socket", required_argument, NULL, 's'},
		{"timeout", required_argument, NULL, 't'},
		{"json", no_argument, NULL, 'j'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	char *end;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->conf_path = optarg;
			break;
		case 's':
			options->socket_path = optarg;
			break;
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

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait for the next message. PEER_OK and *message, or the fault; STALLED when the time is over. */
static enum peer_fault wait_message(
	struct peer *peer, struct peer_message *message, int64_t until_ms)
{
	enum peer_fault fault = PEER_OK;

	for (;;) {
		int result = peer_next(peer, message, &fault);
		if (result != 0)
			return result > 0 ? PEER_OK : fault;
		fault = peer_flush(peer, now_ms());
		if (fault != PEER_OK)
			return fault;
		int64_t left = until_ms - now_ms();
		if (left <= 0)
			return PEER_FAULT_STALLED;
		struct pollfd waited = {
			.fd = peer->fd,
			.events = (short)(POLLIN | (peer_waiting(peer) > 0 ? POLLOUT : 0)),
		};
		if (poll(&waited, 1, (int)left) < 0 && errno != EINTR)
			return PEER_FAULT_SOCKET;
		fault = peer_receive(peer, now_ms());
		if (fault != PEER_OK)
			return fault;
	}
}

/* Send the command and wait for the reply. Returns it as JSON, or NULL and *fault. */
static json_t *ask(struct peer *peer, const char *text, int timeout_ms, enum peer_fault *fault)
{
	int64_t until_ms = now_ms() + timeout_ms;
	struct peer_part nothing = {NULL, 0};
	struct mw_control_hello hello = {
		.role = MW_CONTROL_ROLE_OPERATOR,
		.pid = (uint32_t)getpid(),
	};
	struct peer_message message;

	*fault = peer_send(
		peer, MW_CONTROL_HELLO, (struct peer_part){&hello, sizeof(hello)}, nothing);
	if (*fault == PEER_OK)
		*fault = wait_message(peer, &message, until_ms);
	if (*fault == PEER_OK && message.header.type != MW_CONTROL_HELLO)
		*fault = PEER_FAULT_ORDER;
	if (*fault == PEER_OK)
		*fault = peer_send(
			peer, MW_CONTROL_COMMAND, nothing, (struct peer_part){text, strlen(text)});
	if (*fault == PEER_OK)
		*fault = wait_message(peer, &message, until_ms);
	if (*fault == PEER_OK && message.header.type != MW_CONTROL_REPLY)
		*fault = PEER_FAULT_ORDER;
	if (*fault != PEER_OK)
		return NULL;
	json_t *reply = json_loadb((const char *)message.payload, message.header.length, 0, NULL);
	if (!json_is_object(reply)) {
		json_decref(reply);
		*fault = PEER_FAULT_PAYLOAD;
		return NULL;
	}
	return reply;
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

static int run(const struct options *options, const char *socket_path, const char *text)
{
	struct peer peer;
	enum peer_fault fault;
	int fd = connect_to(socket_path);

	if (fd < 0) {
		bool absent = errno == ENOENT || errno == ECONNREFUSED;

		fprintf(stderr, "motorwayctl: %s: %s%s\n", socket_path, strerror(errno),
			absent ? "; motorway-control is not running" : "");
		return 1;
	}
	peer_open(&peer, fd, MW_CONTROL_PAYLOAD_MAX);
	json_t *reply = ask(&peer, text, options->timeout_ms, &fault);
	peer_close(&peer);
	if (reply == NULL) {
		if (fault == PEER_FAULT_STALLED)
			return fail("motorway-control did not answer in time");
		fprintf(stderr, "motorwayctl: %s: %s\n", socket_path, peer_fault_meaning(fault));
		return 1;
	}
	int status = show(options, reply);
	json_decref(reply);
	return status;
}

/* Ask at the socket that the options name. */
static int find_and_run(const struct options *options, const char *text)
{
	static struct conf conf;

	if (options->socket_path != NULL)
		return run(options, options->socket_path, text);
	if (conf_read(options->conf_path != NULL ? options->conf_path : DEFAULT_CONF, &conf,
		    stderr) != 0)
		return fail("no socket is known; use --socket PATH or -c FILE");
	return run(options, conf.control_socket, text);
}

int main(int argc, char **argv)
{
	struct options options = {.timeout_ms = 5000};
	int status = parse_options(argc, argv, &options);

	if (status >= 0)
		return status;
	json_t *request = json_pack("{s:s}", "command", options.command->name);
	const char *wrong = options.command->read(options.words, options.word_count, request);
	char *text = wrong == NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	if (wrong != NULL)
		return wrong_use(wrong, "");
	if (text == NULL)
		return fail("memory is short");
	if (strlen(text) > PROTOCOL_COMMAND_BYTES_MAX)
		status = fail("the command is too long; give fewer words at a time");
	else
		status = find_and_run(&options, text);
	free(text);
	return status;
}
