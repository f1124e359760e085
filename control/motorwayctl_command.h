/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of motorwayctl: each turns its words into a request (a JSON object, as
 * control/command.h says) and prints the reply for people. One row of the table in motorwayctl.c
 * each.
 */
#ifndef CONTROL_MOTORWAYCTL_COMMAND_H
#define CONTROL_MOTORWAYCTL_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

struct ctl_link;

struct ctl_command {
	const char *name;
	const char *usage; /* lines of --help */
	/* Put what words[0 .. count) say, which stand behind the name, into `request`. Returns
	 * NULL, or what is wrong with them. */
	const char *(*read)(char *const *words, int count, json_t *request);
	/* Print a reply that has "ok": true. */
	void (*print)(FILE *out, const json_t *reply);
	/* The exit status that such a reply means; NULL: always 0. */
	int (*status)(const json_t *reply);
	/* NULL, or for what takes more than one request: do it, print (`json`: as one JSON object)
	 * and return the exit status; -1: it is one request after all. */
	int (*run)(struct ctl_link *link, json_t *request, bool json);
};

extern const struct ctl_command ctl_appointment;
extern const struct ctl_command ctl_device;
extern const struct ctl_command ctl_feed;
extern const struct ctl_command ctl_organisation;
extern const struct ctl_command ctl_provider;
extern const struct ctl_command ctl_provider_extract;
extern const struct ctl_command ctl_explain;
extern const struct ctl_command ctl_quarantine;
extern const struct ctl_command ctl_registration;
extern const struct ctl_command ctl_replay;
extern const struct ctl_command ctl_schedule;
extern const struct ctl_command ctl_threshold;
extern const struct ctl_command ctl_user;
extern const struct ctl_command ctl_cap;
extern const struct ctl_command ctl_window;

/* Print `text`, which a peer may have chosen: a terminal shall not obey it. */
void ctl_print_text(FILE *out, const char *text);

/* The same, filled up with blanks to `columns` columns. */
void ctl_print_padded(FILE *out, const char *text, int columns);

/* Print member `name` of `row`, or "-" when it is no text, filled up likewise. */
void ctl_print_column(FILE *out, const json_t *row, const char *name, int columns);

#endif
