/* SPDX-License-Identifier: Apache-2.0 */
#include "control/civil_date.h"

/* Leap days are counted by years that begin in March: the one in question is then the last day. */
int32_t civil_day(int year, int month, int day)
{
	int shifted_year = month > 2 ? year : year - 1;
	int shifted_month = month > 2 ? month - 3 : month + 9;
	int leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;

	return shifted_year * 365 + leap_days + (153 * shifted_month + 2) / 5 + day - 1 - 719468;
}

int civil_year(int32_t day)
{
	int year = 1970 + day / 366;

	while (civil_day(year + 1, 1, 1) <= day)
		year++;
	return year;
}

int civil_days_in_month(int year, int month)
{
	return month == 12 ? 31 : civil_day(year, month + 1, 1) - civil_day(year, month, 1);
}
