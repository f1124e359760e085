/* SPDX-License-Identifier: Apache-2.0 */
/* The Gregorian calendar as numbers: days from 1970-01-01. Pure; any thread. */
#ifndef CONTROL_CIVIL_DATE_H
#define CONTROL_CIVIL_DATE_H

#include <stdint.h>

#define CIVIL_DAY_S 86400

/* The day of the date `year` (from 1 on), `month` (1 .. 12), `day` (1 .. 31; a larger or smaller
 * one counts on into the months beside). */
int32_t civil_day(int year, int month, int day);

/* The year that `day` (from 0 on) lies in. */
int civil_year(int32_t day);

int civil_days_in_month(int year, int month);

#endif
