/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motorway-control and motorwayctl as they are started: options, exit statuses, --check, the socket
 * file, signals, and what an operator sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "control/listen.h"
#include "control/motorwayctl_print.h"
#include "control_fixture.h"

#define CONTROL (getenv("MOTORWAY_CONTROL"))
#define CTL (getenv("MOTORWAYCTL"))

static void create(void)
{
	cr_assert(CONTROL != NULL && CTL != NULL,
		"MOTORWAY_CONTROL and MOTORWAYCTL name the programs; meson test sets them");
	fixture_create();
	char text[2048];

	snprintf(text, sizeof(text),
		"schema:\n  engine: reference\n  versions: [{version: \"5.4\", xsd: a.xsd}]\n"
		"signing: {key: k, certificate: c, dsp_eui: 90-B3-D5-1F-30-00-00-02}\n"
		"control: {socket: run/deep/control.sock, store: run/store, store_mb_max: 16,\n"
		"  registry_image: run/devices.image, feed_listen: \"\"}\n"
		"reference:\n  users: users.yaml\n  devices: devices.yaml\n"
		"  registrations: registrations.csv\n  appointments: appointments.csv\n"
		"  providers: providers.yaml\n  access: " TEST_ROOT "/conf/access/matrix.yaml\n"
		"  service_codes: " TEST_ROOT "/conf/access/services.yaml\n"
		"  access_checks: " TEST_ROOT "/conf/access/checks.yaml\n"
		"  alerts: " TEST_ROOT "/conf/alerts.yaml\n"
		"  thresholds: thresholds.yaml\n"
		"  windows: windows.yaml\n  trt: " TEST_ROOT "/conf/trt.yaml\n"
		"  window_history: run/windows\n");
	fixture_write("motorway.yaml", text);
	fixture_write("windows.yaml", "providers: []\n");
}

TestSuite(control_programs, .init = create, .fini = fixture_destroy, .timeout = 60);

static char output[65536];

/* Run a program to its end; its standard output and error are in `output`. Returns its exit status.
 */
static int run(const char *program, const char *const *arguments)
{
	int pipes[2];
	const char *argv[16] = {program};
	size_t length = 0;
	int status;

	for (int i = 0; arguments[i] != NULL; i++)
		argv[i + 1] = arguments[i];
	cr_assert_eq(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		close(pipes[0]);
		execv(program, (char *const *)argv);
		_exit(127);
	}
	close(pipes[1]);
	for (ssize_t got = 1; got > 0; length += (size_t)(got > 0 ? got : 0))
		got = read(pipes[0], output + length, sizeof(output) - 1 - length);
	output[length] = '\0';
	close(pipes[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "%s", output);
	return WEXITSTATUS(status);
}

#define RUN(program, ...) run(program, (const char *[]){__VA_ARGS__, NULL})

/* A motorway-control that runs; its log is a pipe. */
struct daemon {
	pid_t pid;
	int log;
	char text[16384];
	size_t length;
};

/* Read the log until `text` stands in it. */
static void await(struct daemon *daemon, const char *text)
{
	while (strstr(daemon->text, text) == NULL) {
		struct pollfd log = {.fd = daemon->log, .events = POLLIN};

		cr_assert_eq(poll(&log, 1, 20000), 1, "no \"%s\" in:\n%s", text, daemon->text);
		ssize_t got = read(daemon->log, daemon->text + daemon->length,
			sizeof(daemon->text) - 1 - daemon->length);
		cr_assert(got > 0, "it ended without \"%s\":\n%s", text, daemon->text);
		daemon->length += (size_t)got;
		daemon->text[daemon->length] = '\0';
	}
}

static void start(struct daemon *daemon)
{
	int pipes[2];

	memset(daemon, 0, sizeof(*daemon));
	cr_assert_eq(pipe(pipes), 0);
	daemon->pid = fork();
	if (daemon->pid == 0) {
		dup2(pipes[1], 2);
		close(pipes[0]);
		execl(CONTROL, CONTROL, "-c", fixture_path("motorway.yaml"), (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	daemon->log = pipes[0];
	await(daemon, "serving: 4 users, 3 certificates, 3 providers, 3 devices, 129 SRV rules\n");
}

static void end(struct daemon *daemon, int signal_number)
{
	int status;

	kill(daemon->pid, signal_number);
	cr_assert_eq(waitpid(daemon->pid, &status, 0), daemon->pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x:\n%s", (unsigned)status,
		daemon->text);
	cr_assert_neq(access(fixture_path("run/deep/control.sock"), F_OK), 0,
		"the socket is left behind");
	close(daemon->log);
}

Test(control_programs, check)
{
	const char *conf = fixture_path("motorway.yaml");

	cr_assert_eq(RUN(CONTROL, "-c", conf, "--check"), 0, "%s", output);
	cr_assert_str_eq(output,
		"motorway-control: certificates.trust names nobody: ISSUERS OF CERTIFICATES ARE "
		"NOT CHECKED\n"
		"motorway-control: in order: 4 users, 3 certificates, 3 providers, "
		"3 devices, 129 SRV rules\n");
	fixture_write("users.yaml", "users:\n  - {name: a}\n");
	fixture_write("devices.yaml", "devices: 7\n");
	cr_assert_eq(RUN(CONTROL, "-c", conf, "--check"), 1);
	cr_assert_not_null(strstr(output, "users.yaml:2:5: the key \"eui\" is missing"));
	cr_assert_not_null(strstr(output, "devices.yaml:1:10: \"devices\" must be a list"));
	cr_assert_neq(access(fixture_path("run"), F_OK), 0, "--check made a folder");
	cr_assert_eq(RUN(CONTROL, "-c", "/tmp/none.yaml", "--check"), 1);
	cr_assert_not_null(strstr(output, "/tmp/none.yaml:1:1: cannot be read"));
}

Test(control_programs, options)
{
	cr_assert_eq(RUN(CONTROL, "--help"), 0);
	cr_assert_not_null(strstr(output, "usage: motorway-control -c FILE"));
	cr_assert_eq(RUN(CONTROL, "--version"), 0);
	cr_assert_eq(RUN(CONTROL, "--help-conf"), 0);
	cr_assert_not_null(strstr(output, "dispatch_timeout_ms (number, ms, default 10000)"));
	cr_assert_eq(RUN(CONTROL, "--check"), 2);
	cr_assert_not_null(strstr(output, "-c FILE is missing"));
	cr_assert_eq(RUN(CONTROL, "-c", "a", "b"), 2);
	cr_assert_eq(RUN(CONTROL, "--wrong"), 2);
	cr_assert_eq(RUN(CTL, "--help"), 0);
	cr_assert_not_null(strstr(output, "usage: motorwayctl"));
	cr_assert_eq(RUN(CTL, "--version"), 0);
	cr_assert_eq(RUN(CTL, "--wrong"), 2);
	cr_assert_eq(RUN(CTL, "--socket"), 2);
	cr_assert_eq(RUN(CTL, "--json"), 2);
	cr_assert_not_null(strstr(output, "a command is missing"));
	cr_assert_eq(RUN(CTL, "stop"), 2);
	cr_assert_not_null(strstr(output, "unknown command: stop"));
	cr_assert_eq(RUN(CTL, "status", "now"), 2);
	cr_assert_eq(RUN(CTL, "status", "--timeout", "0"), 2);
	cr_assert_eq(RUN(CTL, "--socket", "a", "-c", "b", "status"), 2);
	cr_assert_not_null(strstr(output, "exclude each other"));
}

Test(control_programs, status)
{
	struct daemon daemon;
	const char *conf = fixture_path("motorway.yaml");

	cr_assert_eq(RUN(CTL, "-c", conf, "status"), 1);
	cr_assert_not_null(strstr(output, "motorway-control is not running"), "%s", output);
	start(&daemon);
	struct stat status;
	cr_assert_eq(stat(fixture_path("run/deep/control.sock"), &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0600);
	cr_assert_eq(RUN(CTL, "-c", conf, "status"), 0, "%s", output);
	cr_assert_not_null(strstr(output, "\n  users                           4\n"), "%s", output);
	cr_assert_not_null(
		strstr(output, "motorway\n  not available: no data plane is connected\n"));
	cr_assert_eq(
		RUN(CTL, "status", "--json", "--socket", fixture_path("run/deep/control.sock")), 0);
	json_t *reply = json_loads(output, 0, NULL);
	cr_assert_eq(json_integer_value(json_object_get(json_object_get(reply, "control"), "pid")),
		daemon.pid);
	json_decref(reply);
	end(&daemon, SIGTERM);
	cr_assert_eq(RUN(CTL, "-c", conf, "status"), 1);
}

Test(control_programs, reload)
{
	struct daemon daemon;

	start(&daemon);
	fixture_write("devices.yaml", "devices:\n  - {}\n");
	kill(daemon.pid, SIGHUP);
	await(&daemon, "the set in force stays");
	cr_assert_not_null(
		strstr(daemon.text, "devices.yaml:2:5: the key \"device_id\" is missing"));
	RUN(CTL, "-c", fixture_path("motorway.yaml"), "status", "--json");
	cr_assert_not_null(strstr(output, "\"devices\":3"));
	cr_assert_not_null(strstr(output, "\"reloads_refused\":1"));
	fixture_write("devices.yaml", "devices: []\n");
	kill(daemon.pid, SIGHUP);
	await(&daemon,
		"reloaded: 4 users, 3 certificates, 3 providers, 0 devices, 129 SRV rules\n");
	RUN(CTL, "-c", fixture_path("motorway.yaml"), "status", "--json");
	cr_assert_not_null(strstr(output, "\"devices\":0"));
	end(&daemon, SIGINT);
}

Test(control_programs, one_process_for_a_socket)
{
	struct daemon daemon;
	const char *socket_path = fixture_path("run/deep/control.sock");

	start(&daemon);
	cr_assert_eq(RUN(CONTROL, "-c", fixture_path("motorway.yaml")), 1);
	cr_assert_not_null(strstr(output, "has the store open for writing"));
	cr_assert_eq(access(socket_path, F_OK), 0, "the socket of the first one is gone");
	/* A process that is killed leaves its socket; the next one takes its place. */
	kill(daemon.pid, SIGKILL);
	waitpid(daemon.pid, NULL, 0);
	close(daemon.log);
	cr_assert_eq(access(socket_path, F_OK), 0);
	cr_assert_eq(RUN(CTL, "-c", fixture_path("motorway.yaml"), "status"), 1);
	cr_assert_not_null(strstr(output, "Connection refused; motorway-control is not running"));
	start(&daemon);
	end(&daemon, SIGTERM);
}

Test(control_programs, what_is_no_socket_is_left_alone)
{
	struct listener listener;
	FILE *quiet = fopen("/dev/null", "w");

	fixture_write("control.sock", "precious");
	cr_assert_eq(listener_open(&listener, fixture_path("control.sock"), quiet), -EEXIST);
	cr_assert_eq(access(fixture_path("control.sock"), F_OK), 0);
	cr_assert_eq(
		listener_open(&listener, fixture_path("users.yaml/control.sock"), quiet), -ENOTDIR);
	char path[200];
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[199] = '\0';
	cr_assert_eq(listener_open(&listener, path, quiet), -ENAMETOOLONG);
	/* A socket that was replaced by another one is not ours to remove. */
	unlink(fixture_path("control.sock"));
	cr_assert_eq(listener_open(&listener, fixture_path("control.sock"), quiet), 0);
	unlink(fixture_path("control.sock"));
	fixture_write("control.sock", "precious");
	listener_close(&listener);
	cr_assert_eq(access(fixture_path("control.sock"), F_OK), 0);
	fclose(quiet);
}

/* Something else listens on the socket: silent, closing, or talking another language. */
Test(control_programs, what_listens_is_not_motorway_control)
{
	static const char *const says[] = {NULL, "", "HTTP/1.1 400 Bad Request\r\n\r\n"};
	static const char *const expected[] = {
		"did not answer in time", "the peer closed the connection", "magic number"};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture_path("other.sock"));
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(fd, 4), 0);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			int peer = accept(fd, NULL, NULL);

			if (says[i] != NULL && write(peer, says[i], strlen(says[i])) >= 0)
				shutdown(peer, SHUT_WR);
			poll(NULL, 0, 3000);
			_exit(0);
		}
		cr_assert_eq(RUN(CTL, "--socket", address.sun_path, "--timeout", "1", "status"), 1);
		cr_assert_not_null(strstr(output, expected[i]), "%s", output);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	close(fd);
}

Test(control_programs, print_of_a_data_plane)
{
	static const char text[] =
		"{\"ok\":true,\"control\":{\"process\":\"motorway-control\",\"pid\":1},\"data_"
		"plane\":{"
		"\"process\":\"motorway\",\"pid\":2,\"version\":\"0.1\\u001b[2J\","
		"\"lcores\":[{\"id\":0,\"roles\":\"traffic+edge\",\"busy_percent\":1.25}],"
		"\"lanes\":{\"on_demand\":{\"waiting\":1,\"in_flight\":2,\"delivered\":3},"
		"\"scheduled\":{\"waiting\":4,\"in_flight\":5,\"delivered\":6}},\"pending\":7,"
		"\"counters\":{\"accepted\":8,\"later\":{\"thing\":9}},\"odd\":null}}";
	json_t *reply = json_loads(text, 0, NULL);
	char *printed;
	size_t size;
	FILE *stream = open_memstream(&printed, &size);

	status_print(stream, reply);
	fclose(stream);
	cr_assert_str_eq(printed, "motorway-control\n"
				  "  pid                             1\n"
				  "motorway\n"
				  "  pid                             2\n"
				  "  version                         0.1?[2J\n"
				  "  lcores: id 0, roles traffic+edge, busy_percent 1.2\n"
				  "  lanes:\n"
				  "    on_demand   waiting 1, in_flight 2, delivered 3\n"
				  "    scheduled   waiting 4, in_flight 5, delivered 6\n"
				  "  pending                         7\n"
				  "  counters:\n"
				  "    accepted                      8\n"
				  "    later:\n"
				  "      thing                       9\n"
				  "  odd                             -\n");
	free(printed);
	json_decref(reply);
}
