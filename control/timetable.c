/* SPDX-License-Identifier: Apache-2.0 */
#include "control/timetable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct timetable {
	const struct conf *conf;
	FILE *log;
	struct windows_history *history;
	struct windows_conf *windows;
	struct trt_conf *trt;
	int64_t filled_s; /* INT64_MIN: never */
};

struct timetable *timetable_open(const struct conf *conf, FILE *log)
{
	struct timetable *timetable = calloc(1, sizeof(*timetable));

	if (timetable == NULL) {
		fputs("motorway-control: out of memory\n", log);
		return NULL;
	}
	timetable->conf = conf;
	timetable->log = log;
	timetable->filled_s = INT64_MIN;
	timetable->history = windows_history_open(conf->window_history, log);
	if (timetable->history == NULL) {
		fprintf(log, "motorway-control: %s: %s\n", conf->window_history, strerror(errno));
		timetable_close(timetable);
		return NULL;
	}
	return timetable;
}

void timetable_close(struct timetable *timetable)
{
	if (timetable == NULL)
		return;
	windows_history_close(timetable->history);
	windows_conf_free(timetable->windows);
	trt_conf_free(timetable->trt);
	free(timetable);
}

static int read_files(const struct conf *conf, const struct reference *known, FILE *errors,
	struct windows_conf **windows, struct trt_conf **trt)
{
	int result = windows_conf_read(conf->windows, known, errors, windows);
	int other = trt_conf_read(conf->trt, known, errors, trt);

	if (result == 0 && other == 0)
		return 0;
	if (result == 0)
		windows_conf_free(*windows);
	if (other == 0)
		trt_conf_free(*trt);
	return result != 0 ? result : other;
}

int timetable_check(const struct conf *conf, const struct reference *known, FILE *errors)
{
	struct windows_conf *windows;
	struct trt_conf *trt;
	int result = read_files(conf, known, errors, &windows, &trt);

	if (result != 0)
		return result;
	windows_conf_free(windows);
	trt_conf_free(trt);
	return 0;
}

int timetable_read(struct timetable *timetable, struct reference *set, int64_t now_s)
{
	struct windows_conf *file, *in_force;
	struct trt_conf *trt;
	int result = read_files(timetable->conf, set, timetable->log, &file, &trt);

	if (result != 0)
		return result;
	result = windows_history_start(
		timetable->history, file, set, now_s, timetable->log, &in_force);
	windows_conf_free(file);
	if (result == 0) {
		result = timing_fill(set, in_force, trt, now_s);
		if (result != 0)
			windows_conf_free(in_force);
	}
	if (result != 0) {
		trt_conf_free(trt);
		return result;
	}
	windows_conf_free(timetable->windows);
	trt_conf_free(timetable->trt);
	timetable->windows = in_force;
	timetable->trt = trt;
	timetable->filled_s = now_s;
	return 0;
}

int timetable_fill(struct timetable *timetable, struct reference *set, int64_t now_s)
{
	int result = timing_fill(set, timetable->windows, timetable->trt, now_s);

	if (result == 0)
		timetable->filled_s = now_s;
	return result;
}

bool timetable_due(const struct timetable *timetable, int64_t now_s)
{
	return now_s < timetable->filled_s || now_s - timetable->filled_s >= TIMING_RENEW_S;
}

int timetable_change(struct timetable *timetable, struct windows_conf *windows, const char *reason,
	int64_t now_s)
{
	int64_t number = windows_history_put(timetable->history, windows, reason, now_s);

	if (number < 0)
		return (int)number;
	windows_conf_free(timetable->windows);
	timetable->windows = windows;
	timetable->filled_s = INT64_MAX; /* due */
	return 0;
}

int timetable_roll_back(struct timetable *timetable, const struct reference *known, int64_t now_s)
{
	struct windows_conf *windows;
	int result = windows_history_rollback(
		timetable->history, known, now_s, timetable->log, &windows);

	if (result != 0)
		return result;
	windows_conf_free(timetable->windows);
	timetable->windows = windows;
	timetable->filled_s = INT64_MAX;
	return 0;
}

const struct windows_conf *timetable_windows(const struct timetable *timetable)
{
	return timetable->windows;
}

struct windows_history *timetable_history(struct timetable *timetable)
{
	return timetable->history;
}

struct mw_timing timetable_run(const struct timetable *timetable,
	const struct mw_control_srv_rule *rule, uint32_t roles, enum mw_generation generation)
{
	uint32_t able = rule->roles & roles;

	/* By the first of the roles that may send it, as the data plane does on demand. */
	return timing_of_run(timetable->windows, timetable->trt, rule,
		able != 0 ? able & -able : roles & -roles, generation);
}
