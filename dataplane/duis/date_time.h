/* SPDX-License-Identifier: Apache-2.0 */
/* Instants of documents (xs:dateTime, XML Schema 2, 3.2.7) as seconds. Pure; any thread. */
#ifndef DUIS_DATE_TIME_H
#define DUIS_DATE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read the xs:dateTime text[0 .. length), which the schema has found valid; white space may
 * surround it. *seconds is the last whole second (since 1970, UTC) that is not behind it, *fraction
 * whether it lies behind that second. Without a zone it is UTC, as all times of DUIS.
 * Years beyond 999,999 count as that. Returns 0, or -EBADMSG when it is no xs:dateTime. */
int duis_date_time_read(const char *text, size_t length, int64_t *seconds, bool *fraction);

#endif
