/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import and export of any command that has tables (table_chunk.h): the file goes to
 * motorway-control line by line in chunks, and comes from it in chunks. What the columns are is
 * motorway-control's business.
 */
#ifndef CONTROL_MOTORWAYCTL_TABLE_H
#define CONTROL_MOTORWAYCTL_TABLE_H

#include <stdbool.h>

#include <jansson.h>

#include "control/motorwayctl_link.h"

/* For a command's read(): words[0] is import or export, words[1] a path or "-"; they go into
 * `request` as "action" and "path". NULL, or what is wrong. */
const char *ctl_table_read(char *const *words, int count, json_t *request);

/* Whether the first word is import or export. */
bool ctl_table_wanted(char *const *words, int count);

/* Do what such a request says; `json`: print the outcome as one JSON object. Returns the exit
 * status: 0; 1, told on stderr: a line is wrong (FILE:LINE:COLUMN: rule), or anything failed. */
int ctl_table_run(struct ctl_link *link, json_t *request, bool json);

#endif
