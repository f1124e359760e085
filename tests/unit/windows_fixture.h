/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of windows and target response times share: the providers and SRVs that the
 * shipped reference files have, and a folder of its own for files. */
#ifndef TESTS_WINDOWS_FIXTURE_H
#define TESTS_WINDOWS_FIXTURE_H

#include <stdint.h>
#include <stdio.h>

#include "control/reference.h"
#include "control/windows_conf.h"

void windows_fixture_create(void);
void windows_fixture_destroy(void);

/* The shipped providers and access matrix. */
const struct reference *windows_fixture_known(void);

/* A file of the folder (static buffer, overwritten by the fourth call after it); with text: it is
 * written. */
const char *windows_fixture_path(const char *name);
const char *windows_fixture_write(const char *name, const char *text);

/* A file of the project. */
const char *windows_fixture_shipped(const char *name);

/* FIA Table 4 with round numbers for caps: csp-north 300 at night and 200 by day; the DCO 150 and
 * 100; S1SP-2 has slots of 150, 100 and 200. */
extern const char windows_fixture_table_4[];

/* Read a windows file that is in order. The caller frees it. */
struct windows_conf *windows_fixture_conf(const char *text);

/* The windows of one provider, csp-north, in `zone`: "{...}" for each window. */
struct windows_conf *windows_fixture_windows(const char *zone, const char *const *windows);

/* The configuration as text; the caller frees it. */
char *windows_fixture_text(const struct windows_conf *conf);

/* Write `marked` without its '@' to a file and read it: it is refused with an error where the '@'
 * stood that says `said`. `read` reads the file, frees the result and returns the status. */
void windows_fixture_error(
	const char *marked, const char *said, int (*read)(const char *path, FILE *errors));

/* Seconds since 1970 of a UTC time. */
int64_t windows_fixture_utc(int year, int month, int day, int hour, int minute);

#endif
