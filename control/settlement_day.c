/* SPDX-License-Identifier: Apache-2.0 */
/* The zone is asked once for every day there is; after that a day's beginning is a look into a
 * table. */
#include "control/settlement_day.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/civil_date.h"
#include "control/time_zone.h"

struct settlement_calendar {
	int32_t offset_s[SETTLEMENT_DAY_MAX + 2]; /* local time minus UTC when the day begins */
};

static bool take_digits(const char *text, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*value = *value * 10 + (text[i] - '0');
	}
	return true;
}

int settlement_parse_date(const char *text, size_t length, int32_t *day)
{
	int year;
	int month;
	int day_of_month;

	if (length != SETTLEMENT_DATE_SIZE - 1 || !take_digits(text, 4, &year) || text[4] != '-' ||
		!take_digits(text + 5, 2, &month) || text[7] != '-' ||
		!take_digits(text + 8, 2, &day_of_month) || month < 1 || month > 12 ||
		day_of_month < 1 || day_of_month > civil_days_in_month(year, month))
		return -EBADMSG;
	if (year < 1970 || year > 2105)
		return -ERANGE;
	*day = civil_day(year, month, day_of_month);
	return 0;
}

void settlement_format_date(int32_t day, char text[SETTLEMENT_DATE_SIZE])
{
	assert(day >= 0 && day <= SETTLEMENT_DAY_MAX);
	int year = civil_year(day);
	int month = 12;
	while (civil_day(year, month, 1) > day)
		month--;
	int numbers[] = {year / 100, year % 100, month, day - civil_day(year, month, 1) + 1};
	char *at = text;
	for (int i = 0; i < 4; i++) {
		if (i >= 2)
			*at++ = '-';
		*at++ = (char)('0' + numbers[i] / 10);
		*at++ = (char)('0' + numbers[i] % 10);
	}
	*at = '\0';
}

/* UK clocks are never changed at midnight, so every day has one local midnight. */
static bool fill_calendar(struct settlement_calendar *calendar, const struct time_zone *zone)
{
	for (int32_t day = 0; day <= SETTLEMENT_DAY_MAX + 1; day++) {
		int64_t midnight = (int64_t)day * CIVIL_DAY_S;
		int32_t before_s = time_zone_offset_s(zone, midnight - CIVIL_DAY_S);
		int32_t after_s = time_zone_offset_s(zone, midnight + CIVIL_DAY_S);

		if (time_zone_offset_s(zone, midnight - before_s) == before_s)
			calendar->offset_s[day] = before_s;
		else if (time_zone_offset_s(zone, midnight - after_s) == after_s)
			calendar->offset_s[day] = after_s;
		else
			return false;
	}
	return true;
}

struct settlement_calendar *settlement_open(const char *folder, char *reason, size_t reason_size)
{
	struct time_zone *zone = time_zone_open(folder, SETTLEMENT_ZONE, reason, reason_size);

	if (zone == NULL)
		return NULL;
	struct settlement_calendar *calendar = calloc(1, sizeof(*calendar));
	int error = 0;
	if (calendar == NULL) {
		error = ENOMEM;
		snprintf(reason, reason_size, "out of memory");
	} else if (!fill_calendar(calendar, zone)) {
		error = EBADMSG;
		snprintf(reason, reason_size, "%s: not a time zone that can be understood",
			SETTLEMENT_ZONE);
	}
	time_zone_close(zone);
	if (error == 0)
		return calendar;
	free(calendar);
	errno = error;
	return NULL;
}

void settlement_close(struct settlement_calendar *calendar)
{
	free(calendar);
}

int64_t settlement_start_s(const struct settlement_calendar *calendar, int32_t day)
{
	assert(day >= 0 && day <= SETTLEMENT_DAY_MAX + 1);
	return (int64_t)day * CIVIL_DAY_S - calendar->offset_s[day];
}

int32_t settlement_day(const struct settlement_calendar *calendar, int64_t instant_s)
{
	if (instant_s < settlement_start_s(calendar, 0))
		return -1;
	if (instant_s >= settlement_start_s(calendar, SETTLEMENT_DAY_MAX + 1))
		return SETTLEMENT_DAY_MAX + 1;
	/* Local time is less than a day from UTC. */
	int32_t day = (int32_t)(instant_s / CIVIL_DAY_S) + 1;
	if (day > SETTLEMENT_DAY_MAX)
		day = SETTLEMENT_DAY_MAX;
	while (settlement_start_s(calendar, day) > instant_s)
		day--;
	return day;
}
