/* SPDX-License-Identifier: Apache-2.0 */
/* Times of day as windows have them: "10:00", "22:30:15"; "24:00" is the end of the day. Pure. */
#ifndef CONTROL_WINDOW_TIME_H
#define CONTROL_WINDOW_TIME_H

#include <stdint.h>

#define WINDOW_DAY_S 86400
#define WINDOW_TIME_SIZE 12
#define WINDOW_TIME_ALLOWED "a time of day from 00:00 to 24:00, as HH:MM or HH:MM:SS"

/* 0 and the seconds from midnight (0 .. 86400), or -EBADMSG. */
int window_time_parse(const char *text, int32_t *time_s);

/* Write time_s (0 .. 86400). */
void window_time_format(int32_t time_s, char text[WINDOW_TIME_SIZE]);

#endif
