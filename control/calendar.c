/* SPDX-License-Identifier: Apache-2.0 */
/* Days are counted from years that begin in March, so that the leap day is the last one; the way
 * back is the C library's (gmtime_r). */
#include "control/calendar.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_MIN 1970
#define YEAR_MAX 2199

static int32_t day_of(int year, int month, int day_of_month)
{
	int from_march = month > 2 ? year : year - 1;
	int months = (month + 9) % 12;

	return 365 * from_march + from_march / 4 - from_march / 100 + from_march / 400 +
	       (153 * months + 2) / 5 + day_of_month - 1 - 719468;
}

static void date_of(int32_t day, struct tm *date)
{
	time_t seconds = (time_t)day * 86400;

	gmtime_r(&seconds, date);
}

static int days_in_month(int year, int month)
{
	int next_year = month == 12 ? year + 1 : year;
	int next_month = month == 12 ? 1 : month + 1;

	return day_of(next_year, next_month, 1) - day_of(year, month, 1);
}

static const char *skip_space(const char *text)
{
	while (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
		text++;
	return text;
}

/* Take exactly `count` digits. */
static bool take_digits(const char **text, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		*value = *value * 10 + (**text - '0');
	}
	return true;
}

/* The zone and the end of a date or time: 0, -EBADMSG or -ERANGE. */
static int take_zone(const char *text)
{
	int hours;
	int minutes;
	int result = 0;

	if (*text == 'Z') {
		text++;
	} else if (*text == '+' || *text == '-') {
		text++;
		if (!take_digits(&text, 2, &hours) || *text++ != ':' ||
			!take_digits(&text, 2, &minutes) || hours > 14 || minutes > 59)
			return -EBADMSG;
		if (hours != 0 || minutes != 0)
			result = -ERANGE;
	}
	return *skip_space(text) == '\0' ? result : -EBADMSG;
}

int calendar_parse_date(const char *text, int32_t *day)
{
	int year;
	int month;
	int day_of_month;

	text = skip_space(text);
	/* xs:date allows years before 1 and of five and more digits: dates, but not for us. */
	if (*text == '-')
		return isdigit((unsigned char)text[1]) ? -ERANGE : -EBADMSG;
	if (!take_digits(&text, 4, &year))
		return -EBADMSG;
	if (isdigit((unsigned char)*text))
		return -ERANGE;
	if (*text++ != '-' || !take_digits(&text, 2, &month) || *text++ != '-' ||
		!take_digits(&text, 2, &day_of_month) || month < 1 || month > 12 ||
		day_of_month < 1)
		return -EBADMSG;
	if (year < YEAR_MIN || year > YEAR_MAX)
		return -ERANGE;
	if (day_of_month > days_in_month(year, month))
		return -EBADMSG;
	*day = day_of(year, month, day_of_month);
	return take_zone(text);
}

int calendar_parse_time(const char *text, int32_t *time_ms)
{
	int hours;
	int minutes;
	int seconds;
	int fraction_ms = 0;

	text = skip_space(text);
	if (!take_digits(&text, 2, &hours) || *text++ != ':' || !take_digits(&text, 2, &minutes) ||
		*text++ != ':' || !take_digits(&text, 2, &seconds))
		return -EBADMSG;
	if (*text == '.') {
		int unit = 100;

		if (!isdigit((unsigned char)*++text))
			return -EBADMSG;
		for (; isdigit((unsigned char)*text); text++, unit /= 10)
			fraction_ms += (*text - '0') * unit;
	}
	if (hours == 24 && minutes == 0 && seconds == 0 && fraction_ms == 0)
		hours = 0;
	if (hours > 23 || minutes > 59 || seconds > 59)
		return -EBADMSG;
	*time_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction_ms;
	return take_zone(text);
}

int32_t calendar_add_months(int32_t day, int32_t months)
{
	struct tm date;

	date_of(day, &date);
	int month_number = (date.tm_year + 1900) * 12 + date.tm_mon + months;
	int year = month_number / 12;
	int month = month_number % 12 + 1;
	int last = days_in_month(year, month);
	return day_of(year, month, date.tm_mday < last ? date.tm_mday : last);
}

int32_t calendar_months_between(int32_t from, int32_t to)
{
	struct tm from_date;
	struct tm to_date;

	date_of(from, &from_date);
	date_of(to, &to_date);
	return (to_date.tm_year - from_date.tm_year) * 12 + to_date.tm_mon - from_date.tm_mon;
}

void calendar_format(int32_t day, int32_t time_ms, char text[CALENDAR_DATE_TIME_SIZE])
{
	struct tm date;
	unsigned seconds = (unsigned)time_ms / 1000;
	unsigned ms = (unsigned)time_ms % 1000;
	char fraction[8] = "";

	date_of(day, &date);
	if (ms != 0)
		snprintf(fraction, sizeof(fraction), ".%03u", ms);
	snprintf(text, CALENDAR_DATE_TIME_SIZE, "%04d-%02d-%02dT%02u:%02u:%02u%sZ",
		(date.tm_year + 1900) % 10000, date.tm_mon + 1, date.tm_mday, seconds / 3600 % 24,
		seconds / 60 % 60, seconds % 60, fraction);
}
