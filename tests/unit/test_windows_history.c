/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of the windows on disk: which one is in force after a start, rollbacks, damage, a
 * full disk, and a writer that is killed at any moment. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "control/windows_change.h"
#include "control/windows_history.h"
#include "windows_fixture.h"

static struct windows_conf *file;

static void create(void)
{
	windows_fixture_create();
	file = windows_fixture_conf(windows_fixture_table_4);
}

static void destroy(void)
{
	windows_conf_free(file);
	windows_fixture_destroy();
}

TestSuite(windows_history, .init = create, .fini = destroy);

static struct windows_history *open_history(void)
{
	struct windows_history *history =
		windows_history_open(windows_fixture_path("state/windows"), stderr);

	cr_assert_not_null(history);
	return history;
}

static struct windows_conf *start(
	struct windows_history *history, const struct windows_conf *from, int64_t now_s)
{
	struct windows_conf *conf;

	cr_assert_eq(
		windows_history_start(history, from, windows_fixture_known(), now_s, stderr, &conf),
		0);
	return conf;
}

/* The cap of csp-north's day, by which the versions here differ. */
static uint32_t cap_of(const struct windows_conf *conf)
{
	return windows_conf_gate(conf, "csp-north")->windows[1].slots[0].cap_tps;
}

static struct windows_conf *with_cap(const struct windows_conf *conf, uint32_t cap_tps)
{
	struct windows_conf *changed;
	char text[64];

	snprintf(text, sizeof(text), "provider csp-north window day cap_tps=%u", cap_tps);
	cr_assert_eq(windows_override(conf, text, stderr, &changed), 0);
	return changed;
}

static int64_t put(struct windows_history *history, uint32_t cap_tps, int64_t now_s)
{
	struct windows_conf *conf = with_cap(file, cap_tps);
	int64_t number = windows_history_put(history, conf, "by hand", now_s);

	windows_conf_free(conf);
	return number;
}

/* The cap of version `number`, 0: it cannot be read. */
static uint32_t cap_of_version(struct windows_history *history, uint32_t number)
{
	struct windows_conf *conf;

	if (windows_history_read(history, number, windows_fixture_known(), stderr, &conf) != 0)
		return 0;
	uint32_t cap_tps = cap_of(conf);
	windows_conf_free(conf);
	return cap_tps;
}

static uint32_t rollback(struct windows_history *history)
{
	struct windows_conf *conf;

	if (windows_history_rollback(history, windows_fixture_known(), 99, stderr, &conf) != 0)
		return 0;
	uint32_t cap_tps = cap_of(conf);
	windows_conf_free(conf);
	return cap_tps;
}

Test(windows_history, what_is_in_force_after_a_start)
{
	struct windows_version versions[WINDOWS_VERSIONS_MAX];
	struct windows_history *history = open_history();
	struct windows_conf *conf = start(history, file, 1000);

	/* The first start: the file. */
	cr_assert_eq(cap_of(conf), 200);
	windows_conf_free(conf);
	cr_assert_eq(windows_history_list(history, versions), 1);
	cr_assert_eq(versions[0].number, 1);
	cr_assert_eq(versions[0].before, 0);
	cr_assert_eq(versions[0].made_s, 1000);
	cr_assert_str_eq(versions[0].reason, "the file was read");
	/* Again with the same file: nothing new. A change by hand survives the next start. */
	windows_conf_free(start(history, file, 1001));
	cr_assert_eq(windows_history_list(history, versions), 1);
	cr_assert_eq(put(history, 500, 1002), 2);
	windows_history_close(history);
	history = open_history();
	conf = start(history, file, 1003);
	cr_assert_eq(cap_of(conf), 500);
	windows_conf_free(conf);
	cr_assert_eq(windows_history_list(history, versions), 2);
	cr_assert_eq(versions[0].before, 1);
	cr_assert_str_eq(versions[0].reason, "by hand");
	/* A file that says something else is in force, and the change by hand is one before it. */
	struct windows_conf *edited = with_cap(file, 250);
	conf = start(history, edited, 1004);
	cr_assert_eq(cap_of(conf), 250);
	windows_conf_free(conf);
	windows_conf_free(start(history, edited, 1005));
	cr_assert_eq(windows_history_list(history, versions), 3);
	cr_assert_eq(windows_history_before(history), 2);
	windows_conf_free(edited);
	windows_history_close(history);
}

Test(windows_history, rollbacks_go_further_back)
{
	struct windows_version versions[WINDOWS_VERSIONS_MAX];
	struct windows_history *history = open_history();

	cr_assert_eq(rollback(history), 0);
	windows_conf_free(start(history, file, 1));
	cr_assert_eq(windows_history_before(history), 0);
	cr_assert_eq(rollback(history), 0);
	put(history, 300, 2);
	put(history, 400, 3);
	cr_assert_eq(rollback(history), 300);
	cr_assert_eq(rollback(history), 200);
	cr_assert_eq(rollback(history), 0);
	cr_assert_eq(windows_history_list(history, versions), 5);
	cr_assert_str_eq(versions[0].reason, "rollback to version 1");
	/* A change after a rollback goes back to where that was. */
	put(history, 700, 4);
	cr_assert_eq(rollback(history), 200);
	windows_history_close(history);
	/* What was rolled back to is in force after a start. */
	history = open_history();
	struct windows_conf *conf = start(history, file, 5);
	cr_assert_eq(cap_of(conf), 200);
	windows_conf_free(conf);
	cr_assert_eq(cap_of_version(history, 2), 300);
	cr_assert_eq(cap_of_version(history, 99), 0);
	windows_history_close(history);
}

static int count_files(void)
{
	DIR *folder = opendir(windows_fixture_path("state/windows"));
	int count = 0;

	cr_assert_not_null(folder);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

Test(windows_history, the_last_versions_are_kept)
{
	struct windows_version versions[WINDOWS_VERSIONS_MAX];
	struct windows_history *history = open_history();

	for (uint32_t i = 1; i <= 50; i++)
		cr_assert_eq(put(history, i, i), i);
	for (int again = 0; again < 2; again++) {
		cr_assert_eq(windows_history_list(history, versions), WINDOWS_VERSIONS_MAX);
		cr_assert_eq(count_files(), WINDOWS_VERSIONS_MAX);
		cr_assert_eq(versions[0].number, 50);
		cr_assert_eq(versions[31].number, 19);
		cr_assert_eq(cap_of_version(history, 18), 0);
		cr_assert_eq(cap_of_version(history, 19), 19);
		windows_history_close(history);
		history = open_history();
	}
	/* As far back as there is something. */
	for (uint32_t i = 49; i >= 35; i--)
		cr_assert_eq(rollback(history), i);
	windows_history_close(history);
}

/* Whatever is written into a version's file, it is refused or it is what it was. */
Test(windows_history, damage)
{
	struct windows_version versions[WINDOWS_VERSIONS_MAX];
	struct windows_history *history = open_history();
	char path[256];
	struct stat status;
	FILE *nothing = fopen("/dev/null", "w");

	put(history, 300, 1);
	put(history, 400, 2);
	windows_history_close(history);
	snprintf(path, sizeof(path), "%s", windows_fixture_path("state/windows/0000000002.yaml"));
	cr_assert_eq(stat(path, &status), 0);
	for (off_t at = 0; at < status.st_size; at += 13) {
		FILE *damaged = fopen(path, "r+");

		fseek(damaged, at, SEEK_SET);
		int byte = fgetc(damaged);
		fseek(damaged, at, SEEK_SET);
		fputc(byte ^ 1, damaged);
		fclose(damaged);
		history = windows_history_open(windows_fixture_path("state/windows"), nothing);
		size_t count = windows_history_list(history, versions);
		/* The digits of `made`, `file` and the reason are not covered. */
		if (at > 120)
			cr_assert_eq(count, 1, "%jd", (intmax_t)at);
		if (count == 2)
			cr_assert_eq(cap_of_version(history, 2), 400);
		else
			cr_assert_eq(cap_of_version(history, 1), 300);
		windows_history_close(history);
		damaged = fopen(path, "r+");
		fseek(damaged, at, SEEK_SET);
		fputc(byte, damaged);
		fclose(damaged);
	}
	/* Cut anywhere. */
	for (off_t length = status.st_size - 1; length >= 0; length -= 97) {
		cr_assert_eq(truncate(path, length), 0);
		history = windows_history_open(windows_fixture_path("state/windows"), nothing);
		cr_assert_eq(windows_history_list(history, versions), 1);
		windows_history_close(history);
	}
	/* Its number is not given again. Damage while the folder is open is found, too. */
	history = windows_history_open(windows_fixture_path("state/windows"), nothing);
	cr_assert_eq(put(history, 500, 3), 3);
	cr_assert_eq(windows_history_before(history), 1);
	cr_assert_eq(truncate(windows_fixture_path("state/windows/0000000001.yaml"), 100), 0);
	struct windows_conf *conf;
	cr_assert_eq(windows_history_read(history, 1, windows_fixture_known(), nothing, &conf),
		-EBADMSG);
	cr_assert_eq(windows_history_rollback(history, windows_fixture_known(), 4, nothing, &conf),
		-EBADMSG);
	cr_assert_null(conf);
	cr_assert_eq(windows_history_list(history, versions), 2);
	windows_history_close(history);
	fclose(nothing);
}

/* A provider that is gone: the version says so with its line, and a start goes by the file. */
Test(windows_history, versions_that_do_not_fit_any_more)
{
	struct windows_history *history = open_history();
	struct reference fewer = *windows_fixture_known();
	struct windows_conf *conf;
	char *told;
	size_t length;
	static const char text[] =
		"providers:\n  - provider: csp-south-central\n    windows:\n"
		"      - {name: a, kind: peak, from: 00:00, to: 01:00, cap_tps: 1}\n";
	FILE *errors = open_memstream(&told, &length);

	windows_conf_free(start(history, file, 1));
	fewer.providers++; /* without csp-north */
	fewer.provider_count--;
	cr_assert_eq(windows_history_read(history, 1, &fewer, errors, &conf), -EINVAL);
	fflush(errors);
	cr_assert_not_null(strstr(told, "0000000001.yaml:"));
	cr_assert_not_null(strstr(told, "\"csp-north\" is no provider"));
	/* The operator has put it right. */
	struct windows_conf *edited = windows_fixture_conf(text);
	cr_assert_eq(windows_history_start(history, edited, &fewer, 2, errors, &conf), 0);
	cr_assert_eq(conf->gate_count, 1);
	windows_conf_free(conf);
	cr_assert_eq(windows_history_rollback(history, &fewer, 3, errors, &conf), -EINVAL);
	windows_conf_free(edited);
	windows_history_close(history);
	fclose(errors);
	free(told);
}

Test(windows_history, reasons_are_one_line_of_ascii)
{
	struct windows_version versions[WINDOWS_VERSIONS_MAX];
	struct windows_history *history = open_history();
	char reason[400];

	memset(reason, 'r', sizeof(reason));
	reason[399] = '\0';
	memcpy(reason, "a\nproviders: []\r\x1b\xc3\xa4\xff", 20);
	cr_assert_gt(windows_history_put(history, file, reason, 1), 0);
	cr_assert_gt(windows_history_put(history, file, "", 1), 0);
	windows_history_close(history);
	history = open_history();
	cr_assert_eq(windows_history_list(history, versions), 2);
	cr_assert_eq(strlen(versions[1].reason), WINDOWS_REASON_SIZE - 1);
	cr_assert_eq(strncmp(versions[1].reason, "a?providers: []?????", 20), 0);
	cr_assert_eq(cap_of_version(history, 1), 200);
	cr_assert_eq(cap_of_version(history, 2), 200);
	windows_history_close(history);
}

/* No room: -errno, the versions stay as they are, and nothing is left beside them. */
Test(windows_history, a_file_that_cannot_grow)
{
	struct windows_version versions[WINDOWS_VERSIONS_MAX];
	struct windows_history *history = open_history();
	struct windows_conf *conf;
	struct rlimit limit;

	put(history, 300, 1);
	put(history, 400, 2);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	struct rlimit small = {100, limit.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	int64_t number = put(history, 500, 3);
	int rolled = windows_history_rollback(history, windows_fixture_known(), 4, stderr, &conf);
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_assert_lt(number, 0);
	cr_assert_lt(rolled, 0);
	cr_assert_null(conf);
	cr_assert_eq(windows_history_list(history, versions), 2);
	cr_assert_eq(count_files(), 2);
	cr_assert_eq(put(history, 500, 5), 3);
	windows_history_close(history);
}

Test(windows_history, folders_that_cannot_be)
{
	windows_fixture_write("plain", "");
	cr_assert_null(windows_history_open(windows_fixture_path("plain/windows"), stderr));
	cr_assert_eq(errno, ENOTDIR);
	char path[8192];
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	cr_assert_null(windows_history_open(path, stderr));
	cr_assert_eq(errno, ENAMETOOLONG);
}

/* A writer that is killed at any moment: every version that is there is whole, none of those that
 * were reported is missing, and at most one more is there. */
Test(windows_history, killed_at_any_moment, .timeout = 30)
{
	uint64_t random_state = 5;

	for (int round = 0; round < 25; round++) {
		int told[2];
		uint32_t reported = 0;
		uint32_t number;
		struct windows_version versions[WINDOWS_VERSIONS_MAX];

		cr_assert_eq(pipe(told), 0);
		pid_t writer = fork();
		if (writer == 0) {
			struct windows_history *history =
				windows_history_open(windows_fixture_path("state/windows"), stderr);
			for (;;) {
				size_t count = windows_history_list(history, versions);
				uint32_t next = count > 0 ? versions[0].number + 1 : 1;
				number = (uint32_t)put(history, next, next);
				if (write(told[1], &number, sizeof(number)) != sizeof(number))
					_exit(1);
			}
		}
		close(told[1]);
		random_state = random_state * 6364136223846793005u + 1442695040888963407u;
		usleep((useconds_t)(random_state >> 33) % 40000);
		kill(writer, SIGKILL);
		cr_assert_eq(waitpid(writer, NULL, 0), writer);
		while (read(told[0], &number, sizeof(number)) == sizeof(number))
			reported = number;
		close(told[0]);
		struct windows_history *history = open_history();
		size_t count = windows_history_list(history, versions);
		if (reported > 0) {
			cr_assert_gt(count, 0);
			cr_assert(versions[0].number == reported ||
				  versions[0].number == reported + 1);
		}
		for (size_t i = 0; i < count; i++) {
			cr_assert_eq(versions[i].number, versions[0].number - i);
			if (i < 2)
				cr_assert_eq(cap_of_version(history, versions[i].number),
					versions[i].number);
		}
		windows_history_close(history);
	}
}
