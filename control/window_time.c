/* SPDX-License-Identifier: Apache-2.0 */
#include "control/window_time.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

int window_time_parse(const char *text, int32_t *time_s)
{
	int32_t parts[3] = {0};
	int count = 0;

	for (const char *at = text;; at += 3) {
		if (count == 3 || !isdigit((unsigned char)at[0]) || !isdigit((unsigned char)at[1]))
			return -EBADMSG;
		parts[count++] = (at[0] - '0') * 10 + at[1] - '0';
		if (at[2] == '\0')
			break;
		if (at[2] != ':')
			return -EBADMSG;
	}
	int32_t sum_s = (parts[0] * 60 + parts[1]) * 60 + parts[2];
	if (count < 2 || parts[1] > 59 || parts[2] > 59 || sum_s > WINDOW_DAY_S)
		return -EBADMSG;
	*time_s = sum_s;
	return 0;
}

void window_time_format(int32_t time_s, char text[WINDOW_TIME_SIZE])
{
	int hours = time_s / 3600 % 100;
	int minutes = time_s / 60 % 60;
	int seconds = time_s % 60;

	if (seconds != 0)
		snprintf(text, WINDOW_TIME_SIZE, "%02d:%02d:%02d", hours, minutes, seconds);
	else
		snprintf(text, WINDOW_TIME_SIZE, "%02d:%02d", hours, minutes);
}
