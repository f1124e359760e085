/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `motorway-control load` and `export`: whole tables of any size into the store while no control
 * runs, and out of it at any time. For fewer rows, and while control runs, motorwayctl imports and
 * exports the same files.
 */
#ifndef CONTROL_OFFLINE_H
#define CONTROL_OFFLINE_H

#include <stdbool.h>

#include "control/store.h"

/* What the words of the command line ask for. */
struct offline {
	bool is_export;
	const char *paths[3]; /* load: by enum bulk_table; NULL: nothing of this table */
	const char *messages; /* load: of the registration feed, "-" = standard input */
	const char *set_aside;
	int table;	  /* export: enum bulk_table */
	const char *path; /* export: "-" = standard output */
};

/* words[0] is load or export. NULL, or what is wrong with them. They are borrowed. */
const char *offline_read(char *const *words, int count, struct offline *offline);

/* Load into the store, which is open for writing. What was done goes to standard output, what is
 * wrong to standard error. Returns the exit status. */
int offline_load(struct store *store, const struct offline *offline, int64_t now_ms);

/* Write a table of the store, which may be open read_only: beside a control that runs. A file
 * appears under its name when it is whole. Returns the exit status. */
int offline_export(struct store *store, const struct offline *offline);

#endif
