/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of parties share: words become the columns of a row, rows become a table. */
#ifndef CONTROL_MOTORWAYCTL_PARTY_H
#define CONTROL_MOTORWAYCTL_PARTY_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#define CTL_FORM_COLUMNS_MAX 5

/* One thing that can be done: its word, what is asked of motorway-control, and what the words
 * behind it are. */
struct ctl_form {
	const char *word;
	const char *action;
	const char *columns[CTL_FORM_COLUMNS_MAX]; /* one word each; "none" is the empty text */
	bool has_more;				   /* COLUMN=VALUE words may follow */
	const char *rest;	 /* all further words (one at least) are this column's value */
	const char *constant[2]; /* a column and its value */
	const char *usage;	 /* what is wrong when the words do not fit */
};

/* Read words by forms[], ended by a form without word. NULL, or what is wrong. */
const char *ctl_form_read(
	const struct ctl_form *forms, char *const *words, int count, json_t *request);

/* Print a reply: rows as a table, one row alone as lines, or what a change did. */
void ctl_party_print(FILE *out, const json_t *reply);

#endif
