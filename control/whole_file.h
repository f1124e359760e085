/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An output file that appears under its name when it is whole and on the disk: it is written
 * beside, at its path + ".new". What is there already and is no file - a pipe, a terminal,
 * /dev/stdout - is written to as it is, never replaced; of a link, the file that it leads to is
 * replaced.
 */
#ifndef CONTROL_WHOLE_FILE_H
#define CONTROL_WHOLE_FILE_H

#include <stdio.h>

struct whole_file {
	FILE *file;   /* to write to */
	char *path;   /* where it appears; NULL: written to as it is */
	char *beside; /* until then */
};

/* Begin to write the file at `path`; "-" is standard output. 0, or -errno. */
int whole_file_open(struct whole_file *whole, const char *path);

/* End it. With a `result` below 0 nothing appears. Returns 0, `result`, or the -errno of what
 * failed at the end. */
int whole_file_close(struct whole_file *whole, int result);

#endif
