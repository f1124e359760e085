/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of motorwayctl: each turns its words into a request (a JSON object, as
 * control/command.h says) and prints the reply for people. One row of the table in motorwayctl.c
 * each.
 */
#ifndef CONTROL_MOTORWAYCTL_COMMAND_H
#define CONTROL_MOTORWAYCTL_COMMAND_H

#include <stdio.h>

#include <jansson.h>

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
};

extern const struct ctl_command ctl_quarantine;
extern const struct ctl_command ctl_schedule;

/* Print `text`, which a peer may have chosen: a terminal shall not obey it. */
void ctl_print_text(FILE *out, const char *text);

#endif
