/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MDR-to-MPAN extract: which Meter Data Retriever is appointed to which MPAN from when to when,
 * for the devices that a SMETS1 service provider (S1SP) serves. As a whole, or what changed since a
 * cursor. doc/extract.md describes it. Source: FIA 5.5 ("receive the new mapping of MDR Party to
 * MPAN Registration data"); data of other kinds stays in the DSP (FIA 5.1).
 *
 * It is read in pieces, each in a short snapshot of its own, by any thread; one extract is used by
 * one thread at a time. What changes while it is read may be in it or not; the cursor is of its
 * beginning, so that whoever goes on from there misses nothing.
 */
#ifndef CONTROL_PROVIDER_EXTRACT_H
#define CONTROL_PROVIDER_EXTRACT_H

#include <stdio.h>

#include "control/settlement_day.h"
#include "control/store.h"
#include "control/table_text.h"

#define EXTRACT_CURSOR_SIZE 40
#define EXTRACT_VISITS 4000 /* devices looked at for a piece */

struct provider_extract {
	/* What it is made of, set before extract_begin(); all but the names borrowed. */
	struct store *store;
	const struct settlement_calendar *calendar;
	enum table_format format;

	uint32_t provider_id;
	char cursor[EXTRACT_CURSOR_SIZE]; /* to go on from later */
	uint64_t device_id;		  /* the whole: the last device that was looked at */
	bool is_changes;
	uint64_t *changed; /* changes: devices, in order */
	size_t changed_count;
	size_t changed_at;
	uint64_t *left; /* changes: those that are this provider's no longer, in order */
	size_t left_count;
	bool has_begun; /* the line that names the columns has been written */
	bool has_ended;
	/* The piece. */
	FILE *out;
	char *text;
	size_t length;
};

/* Begin the extract of the provider `name`; with `since`, a cursor that an earlier one gave (or the
 * number of a change), of what changed after it. 0; -ENOENT: there is no such provider; -EPERM: it
 * is no S1SP; -EINVAL: no cursor; -ESTALE: the changes since then are not known any more, or the
 * cursor is of another store: the whole is needed; or another -errno. extract_end() follows in
 * every case. */
int extract_begin(struct provider_extract *extract, const char *name, const char *since);

/* Make the next piece: extract->text[0 .. length), valid until the next call; it may be empty. 1;
 * 0: there is no more; -errno. The last line has the cursor alone and says that all is there. */
int extract_next(struct provider_extract *extract);

void extract_end(struct provider_extract *extract);

#endif
