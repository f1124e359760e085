/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates and times of schedules. Days are counted from 1970-01-01, times of day in ms; both are UTC,
 * as the DUIS drafts say of schedules. Years 1970 to 2199. Pure functions; any thread.
 */
#ifndef CONTROL_CALENDAR_H
#define CONTROL_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

#define CALENDAR_DAY_MS 86400000
#define CALENDAR_DAY_MAX 84005 /* 2199-12-31 */

/* Parse an xs:date ("2026-03-31", with or without the zone Z or +00:00), white space around it
 * allowed. Returns 0 and sets *day; -EBADMSG when it is no date; -ERANGE for another zone than UTC
 * or a year outside 1970 to 2199. */
int calendar_parse_date(const char *text, int32_t *day);

/* Parse an xs:time ("06:30:00.00Z", "06:30:00", "24:00:00" = 00:00:00) likewise; fractions beyond
 * ms are cut. */
int calendar_parse_time(const char *text, int32_t *time_ms);

/* The day `months` months after `day`; a day of the month that does not exist there becomes the
 * last one that does. */
int32_t calendar_add_months(int32_t day, int32_t months);

/* Months from `from` to `to` counted by their names alone: 2026-01-31 to 2026-02-01 is 1. */
int32_t calendar_months_between(int32_t from, int32_t to);

#define CALENDAR_DATE_TIME_SIZE 48

/* Write `day` and `time_ms` as xs:dateTime, "2026-03-31T06:30:00Z", with ms only when there are
 * any.
 */
void calendar_format(int32_t day, int32_t time_ms, char text[CALENDAR_DATE_TIME_SIZE]);

#endif
