/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last versions of the windows, one file each in a folder of control's own, so that a change
 * can be taken back and what an operator has changed is still in force after a restart. A file is
 * written whole: beside its place, to the disk, then renamed; who is killed has the old versions or
 * the old ones and the new one. It is a windows file with one line of comment before it:
 *
 *     # motorway-windows 12 before 11 made 1790000000 file 1a2b3c4d body 5e6f7a8b: reason
 *
 * `before`: the version to which a rollback goes; `file`: the CRC32C of what the operator's own
 * windows file said when it was read last; `body`: the CRC32C of all that follows the line.
 *
 * Which one is in force at a start: the last version, unless the operator's file has been changed
 * since; then that. One process and one thread may have the folder open.
 */
#ifndef CONTROL_WINDOWS_HISTORY_H
#define CONTROL_WINDOWS_HISTORY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/windows_conf.h"

#define WINDOWS_VERSIONS_MAX 32
#define WINDOWS_REASON_SIZE 160

struct windows_version {
	uint32_t number;   /* from 1 */
	uint32_t before;   /* 0: none */
	int64_t made_s;	   /* since 1970, UTC */
	uint32_t file_crc; /* CRC32C */
	char reason[WINDOWS_REASON_SIZE];
};

struct windows_history;

/* Open the folder, which is made when it is missing. A file that is damaged is told on `errors` and
 * left out. NULL with errno. */
struct windows_history *windows_history_open(const char *folder, FILE *errors);
void windows_history_close(struct windows_history *history);

/* The versions, the last one first; returns their number. */
size_t windows_history_list(const struct windows_history *history,
	struct windows_version versions[WINDOWS_VERSIONS_MAX]);

/* Read a version. Returns 0 and *conf, which the caller frees; -ENOENT: there is none of that
 * number; -EBADMSG: damaged; -EINVAL: it does not fit `known` any more (errors as those of a file,
 * to `errors`); or another -errno. */
int windows_history_read(const struct windows_history *history, uint32_t number,
	const struct reference *known, FILE *errors, struct windows_conf **conf);

/* The operator's file was read, at start or at a reload: `file` is what it says. Returns 0 and in
 * *in_force what is to be in force (the caller frees it, and `file` too): the last version when the
 * file says what it said then, else a copy of `file`, which has become a new version. Or -errno,
 * and nothing has changed. */
int windows_history_start(struct windows_history *history, const struct windows_conf *file,
	const struct reference *known, int64_t now_s, FILE *errors, struct windows_conf **in_force);

/* Make `conf` the last version, because of `reason` (one line of ASCII; other characters are
 * replaced).
 * Older ones than WINDOWS_VERSIONS_MAX go. Returns the number (> 0) or -errno. */
int64_t windows_history_put(struct windows_history *history, const struct windows_conf *conf,
	const char *reason, int64_t now_s);

/* The version to which a rollback would go, or 0: there is none (any more). */
uint32_t windows_history_before(const struct windows_history *history);

/* Take the last change back: the version before it, as a new version. A second rollback goes one
 * further back. Returns 0 and *conf (the caller frees it), -ENOENT: nothing to go back to; or as
 * windows_history_read() and windows_history_put(), and nothing has changed. */
int windows_history_rollback(struct windows_history *history, const struct reference *known,
	int64_t now_s, FILE *errors, struct windows_conf **conf);

#endif
