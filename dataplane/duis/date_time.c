/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/duis/date_time.h"

#include <errno.h>

#define YEAR_MAX 999999

struct reader {
	const char *at;
	const char *end;
	bool wrong;
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool take(struct reader *reader, char byte)
{
	if (reader->at == reader->end || *reader->at != byte)
		return false;
	reader->at++;
	return true;
}

static void expect(struct reader *reader, char byte)
{
	if (!take(reader, byte))
		reader->wrong = true;
}

/* A number of at least two digits, and of no more than `digits_max`; larger ones count as `most`.
 */
static int64_t number(struct reader *reader, size_t digits_max, int64_t most)
{
	const char *begin = reader->at;
	int64_t value = 0;

	for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
		if (value <= most)
			value = 10 * value + (*reader->at - '0');
	if (reader->at - begin < 2 || (size_t)(reader->at - begin) > digits_max)
		reader->wrong = true;
	return value < most ? value : most;
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, in years that begin in March,
 * so that the leap day is the last of its year. */
static int64_t days_to(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

/* "Z", "+hh:mm", "-hh:mm" or nothing; returns seconds east of Greenwich. */
static int64_t zone_s(struct reader *reader)
{
	int64_t sign = 1;

	if (reader->at == reader->end || take(reader, 'Z'))
		return 0;
	if (take(reader, '-'))
		sign = -1;
	else
		expect(reader, '+');
	int64_t hours = number(reader, 2, 99);
	expect(reader, ':');
	return sign * (hours * 3600 + number(reader, 2, 99) * 60);
}

/* ".", digits or nothing; returns whether it is more than nothing. */
static bool fraction_of(struct reader *reader)
{
	bool more = false;

	if (!take(reader, '.'))
		return false;
	for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
		more = more || *reader->at != '0';
	return more;
}

int duis_date_time_read(const char *text, size_t length, int64_t *seconds, bool *fraction)
{
	struct reader reader = {.at = text, .end = text + length};

	while (reader.at < reader.end && is_blank(*reader.at))
		reader.at++;
	while (reader.end > reader.at && is_blank(reader.end[-1]))
		reader.end--;
	bool before_christ = take(&reader, '-');
	int64_t year = number(&reader, SIZE_MAX, YEAR_MAX);
	expect(&reader, '-');
	int64_t month = number(&reader, 2, 99);
	expect(&reader, '-');
	int64_t day = number(&reader, 2, 99);
	expect(&reader, 'T');
	int64_t hour = number(&reader, 2, 99);
	expect(&reader, ':');
	int64_t minute = number(&reader, 2, 99);
	expect(&reader, ':');
	int64_t second = number(&reader, 2, 99);
	*fraction = fraction_of(&reader);
	int64_t east_s = zone_s(&reader);
	if (reader.wrong || reader.at != reader.end || month < 1 || month > 12 || day < 1)
		return -EBADMSG;
	/* XML Schema 1.0 has no year 0: the year -1 comes before the year 1. */
	*seconds = days_to(before_christ ? 1 - year : year, month, day) * 86400 + hour * 3600 +
		   minute * 60 + second - east_s;
	return 0;
}
