/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zone file (RFC 8536) has a table of changes and, for the time after it, a rule in the
 * notation of POSIX. The C library's own functions will not do: they go by the process's zone.
 */
#include "control/time_zone.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/civil_date.h"

#define FILE_BYTES_MAX 65536
#define TYPES_MAX 256
#define CHANGES_MAX 4096
#define RULE_MAX 64

/* "M3.5.0/1": the last Sunday of March at 1 o'clock. */
struct yearly_change {
	int month;
	int week; /* 5: the last */
	int week_day;
	int32_t time_s;
};

struct time_zone {
	size_t change_count;
	int64_t changes_s[CHANGES_MAX];
	uint8_t types[CHANGES_MAX];
	int32_t offsets_s[TYPES_MAX];
	/* After the last change. */
	int32_t standard_s;
	int32_t summer_s;
	bool has_summer;
	struct yearly_change begin;
	struct yearly_change end;
};

/* ---- the rule for the time after the table */

static bool take_name(const char **text)
{
	const char *at = *text;

	if (*at == '<') {
		while (*at != '\0' && *at != '>')
			at++;
		if (*at++ != '>')
			return false;
	} else {
		while (isalpha((unsigned char)*at))
			at++;
	}
	bool any = at > *text;
	*text = at;
	return any;
}

static bool take_number(const char **text, int max, int *value)
{
	const char *at = *text;

	*value = 0;
	while (*at >= '0' && *at <= '9' && *value <= max)
		*value = *value * 10 + (*at++ - '0');
	bool good = at > *text && *value <= max;
	*text = at;
	return good;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **text, int32_t *time_s)
{
	int sign = 1;
	int hours;
	int minutes = 0;
	int seconds = 0;

	if (**text == '+' || **text == '-')
		sign = *(*text)++ == '-' ? -1 : 1;
	if (!take_number(text, 167, &hours))
		return false;
	if (**text == ':') {
		(*text)++;
		if (!take_number(text, 59, &minutes))
			return false;
	}
	if (**text == ':') {
		(*text)++;
		if (!take_number(text, 59, &seconds))
			return false;
	}
	*time_s = sign * ((hours * 60 + minutes) * 60 + seconds);
	return true;
}

static bool take_change(const char **text, struct yearly_change *change)
{
	change->time_s = 2 * 3600;
	if (*(*text)++ != ',' || *(*text)++ != 'M' || !take_number(text, 12, &change->month) ||
		*(*text)++ != '.' || !take_number(text, 5, &change->week) || *(*text)++ != '.' ||
		!take_number(text, 6, &change->week_day) || change->month < 1 || change->week < 1)
		return false;
	if (**text == '/') {
		(*text)++;
		return take_time(text, &change->time_s);
	}
	return true;
}

/* "GMT0BST,M3.5.0/1,M10.5.0"; offsets are those to the west. */
static bool read_rule(struct time_zone *zone, const char *text)
{
	int32_t west_s;

	if (!take_name(&text) || !take_time(&text, &west_s))
		return false;
	zone->standard_s = -west_s;
	zone->summer_s = 3600 - west_s;
	zone->has_summer = *text != '\0';
	if (!zone->has_summer)
		return true;
	if (!take_name(&text))
		return false;
	if (*text != ',') {
		if (!take_time(&text, &west_s))
			return false;
		zone->summer_s = -west_s;
	}
	return take_change(&text, &zone->begin) && take_change(&text, &zone->end) && *text == '\0';
}

/* When the change is due in `year`, while local time is `offset_s` ahead of UTC. */
static int64_t change_s(const struct yearly_change *change, int year, int32_t offset_s)
{
	int32_t first = civil_day(year, change->month, 1);
	int week_day = (first + 4) % 7; /* 1970-01-01 was a Thursday */
	int32_t day = first + (change->week_day - week_day + 7) % 7 + (change->week - 1) * 7;

	while (day >= first + civil_days_in_month(year, change->month))
		day -= 7;
	return (int64_t)day * CIVIL_DAY_S + change->time_s - offset_s;
}

static int32_t rule_offset_s(const struct time_zone *zone, int64_t instant_s)
{
	if (!zone->has_summer)
		return zone->standard_s;
	int year = civil_year((int32_t)((instant_s + zone->standard_s) / CIVIL_DAY_S));
	int64_t begin = change_s(&zone->begin, year, zone->standard_s);
	int64_t end = change_s(&zone->end, year, zone->summer_s);
	bool summer = begin < end ? instant_s >= begin && instant_s < end
				  : instant_s >= begin || instant_s < end;
	return summer ? zone->summer_s : zone->standard_s;
}

/* ---- the file */

struct block {
	uint32_t utc_count, standard_count, leap_count, change_count, type_count, name_bytes;
};

static uint64_t read_number(const uint8_t *bytes, int count)
{
	uint64_t value = 0;

	for (int i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Read the header at `at`. Returns the bytes of the block behind it whose times have
 * `time_bytes`, 0 when it is no header or the block is not all there. */
static size_t read_header(
	const uint8_t *bytes, size_t length, size_t at, int time_bytes, struct block *block)
{
	if (length < at + 44 || memcmp(bytes + at, "TZif", 4) != 0 || bytes[at + 4] < '2')
		return 0;
	uint32_t *counts[] = {&block->utc_count, &block->standard_count, &block->leap_count,
		&block->change_count, &block->type_count, &block->name_bytes};
	for (size_t i = 0; i < 6; i++) {
		*counts[i] = (uint32_t)read_number(bytes + at + 20 + 4 * i, 4);
		if (*counts[i] > FILE_BYTES_MAX)
			return 0;
	}
	size_t size = (size_t)block->change_count * ((size_t)time_bytes + 1) +
		      (size_t)block->type_count * 6 + block->name_bytes +
		      (size_t)block->leap_count * ((size_t)time_bytes + 4) + block->standard_count +
		      block->utc_count;
	return length - at - 44 >= size && size > 0 ? size : 0;
}

static bool read_zone(struct time_zone *zone, const uint8_t *bytes, size_t length)
{
	struct block block;
	size_t size = read_header(bytes, length, 0, 4, &block);
	size_t at = 44 + size;

	/* The first block has times of 32 bits; the second says the same with 64. */
	if (size == 0)
		return false;
	size = read_header(bytes, length, at, 8, &block);
	if (size == 0 || block.change_count > CHANGES_MAX || block.type_count > TYPES_MAX ||
		block.type_count == 0)
		return false;
	const uint8_t *times = bytes + at + 44;
	const uint8_t *types = times + (size_t)block.change_count * 8;
	const uint8_t *offsets = types + block.change_count;
	zone->change_count = block.change_count;
	for (size_t i = 0; i < block.change_count; i++) {
		zone->changes_s[i] = (int64_t)read_number(times + 8 * i, 8);
		zone->types[i] = types[i];
		if (types[i] >= block.type_count ||
			(i > 0 && zone->changes_s[i] <= zone->changes_s[i - 1]))
			return false;
	}
	for (size_t i = 0; i < block.type_count; i++) {
		zone->offsets_s[i] = (int32_t)(uint32_t)read_number(offsets + 6 * i, 4);
		if (abs(zone->offsets_s[i]) > CIVIL_DAY_S)
			return false;
	}
	const uint8_t *footer = bytes + at + 44 + size;
	size_t left = length - (at + 44 + size);
	char rule[RULE_MAX];
	if (left < 3 || left - 2 >= sizeof(rule) || footer[0] != '\n' || footer[left - 1] != '\n')
		return false;
	memcpy(rule, footer + 1, left - 2);
	rule[left - 2] = '\0';
	return read_rule(zone, rule);
}

int32_t time_zone_offset_s(const struct time_zone *zone, int64_t instant_s)
{
	size_t low = 0;
	size_t high = zone->change_count;

	if (high == 0 || instant_s >= zone->changes_s[high - 1])
		return rule_offset_s(zone, instant_s);
	if (instant_s < zone->changes_s[0])
		return zone->offsets_s[0];
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (zone->changes_s[middle] <= instant_s)
			low = middle;
		else
			high = middle;
	}
	return zone->offsets_s[zone->types[low]];
}

static bool read_whole(const char *path, uint8_t *bytes, size_t *length)
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return false;
	*length = fread(bytes, 1, FILE_BYTES_MAX, file);
	bool failed = ferror(file) != 0;
	fclose(file);
	if (failed)
		errno = EIO;
	return !failed;
}

/* A name of the database stays in its folder, and is no zone of the "right" ones, whose clocks
 * count leap seconds. */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= TIME_ZONE_NAME_SIZE || !isalpha((unsigned char)name[0]))
		return false;
	for (const char *at = name; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && strchr("/_+-", *at) == NULL)
			return false;
	return strncmp(name, "right/", 6) != 0;
}

/* Returns 0 or an errno, which `reason` tells of. */
static int read_file(const char *path, struct time_zone *zone, char *reason, size_t reason_size)
{
	uint8_t *bytes = malloc(FILE_BYTES_MAX);
	size_t length = 0;
	int error = 0;

	if (bytes == NULL) {
		error = ENOMEM;
		snprintf(reason, reason_size, "out of memory");
	} else if (!read_whole(path, bytes, &length)) {
		error = errno;
		snprintf(reason, reason_size,
			"%s: %s; is the time-zone database (package tzdata) installed?", path,
			strerror(error));
	} else if (!read_zone(zone, bytes, length)) {
		error = EBADMSG;
		snprintf(reason, reason_size, "%s: not a time zone that can be understood", path);
	}
	free(bytes);
	return error;
}

struct time_zone *time_zone_open(
	const char *folder, const char *name, char *reason, size_t reason_size)
{
	char path[4096];

	if (!is_name(name)) {
		snprintf(reason, reason_size, "not the name of a time zone");
		errno = EINVAL;
		return NULL;
	}
	struct time_zone *zone = calloc(1, sizeof(*zone));
	if (zone == NULL) {
		snprintf(reason, reason_size, "out of memory");
		errno = ENOMEM;
		return NULL;
	}
	if (strcmp(name, "UTC") == 0)
		return zone; /* no change, and a rule of nothing but zeros */
	if (folder == NULL)
		folder = secure_getenv("TZDIR");
	snprintf(path, sizeof(path), "%s/%s", folder != NULL ? folder : TIME_ZONE_FOLDER, name);
	int error = read_file(path, zone, reason, reason_size);
	if (error == 0)
		return zone;
	free(zone);
	errno = error;
	return NULL;
}

void time_zone_close(struct time_zone *zone)
{
	free(zone);
}

/* The first change by the rule after `instant_s`, or INT64_MAX. */
static int64_t next_change_by_rule_s(const struct time_zone *zone, int64_t instant_s)
{
	if (!zone->has_summer)
		return INT64_MAX;
	int year = civil_year((int32_t)((instant_s + zone->standard_s) / CIVIL_DAY_S));
	/* The year's changes may lie a little before or behind it. */
	int64_t next_s = INT64_MAX;
	for (int i = year - 1; i <= year + 1; i++) {
		int64_t begin_s = change_s(&zone->begin, i, zone->standard_s);
		int64_t end_s = change_s(&zone->end, i, zone->summer_s);

		if (begin_s > instant_s && begin_s < next_s)
			next_s = begin_s;
		if (end_s > instant_s && end_s < next_s)
			next_s = end_s;
	}
	return next_s;
}

/* When the offset may change next after `instant_s`, or INT64_MAX. */
static int64_t next_change_s(const struct time_zone *zone, int64_t instant_s)
{
	size_t low = 0;
	size_t high = zone->change_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (zone->changes_s[middle] <= instant_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low < zone->change_count ? zone->changes_s[low]
					: next_change_by_rule_s(zone, instant_s);
}

int64_t time_zone_instant_s(const struct time_zone *zone, int64_t local_s)
{
	/* No clock is a day ahead: at this instant all of them show less than local_s. From there
	 * on, stretch by stretch of one offset. */
	int64_t instant_s = local_s - CIVIL_DAY_S - 1;

	for (;;) {
		int32_t offset_s = time_zone_offset_s(zone, instant_s);
		int64_t next_s = next_change_s(zone, instant_s);

		if (instant_s + offset_s >= local_s)
			return instant_s; /* the change that began this stretch has skipped it */
		if (local_s - offset_s < next_s)
			return local_s - offset_s;
		instant_s = next_s;
	}
}
