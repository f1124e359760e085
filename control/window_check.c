/* SPDX-License-Identifier: Apache-2.0 */
/* Windows come every day, so times are compared on a circle: the distance from one window's
 * beginning to another's, forwards, is at least the first one's length. */
#include "control/window_check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "control/window_time.h"

int32_t window_length_s(int32_t from_s, int32_t to_s, bool next_day)
{
	int32_t length_s = to_s - from_s + (next_day ? WINDOW_DAY_S : 0);

	if (length_s > WINDOW_DAY_S)
		return -1;
	return length_s > 0 ? length_s : 0;
}

bool window_name_valid(const char *name)
{
	bool letters = false;

	for (const char *at = name; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && strchr("-_.", *at) == NULL)
			return false;
		letters |= !isdigit((unsigned char)*at);
	}
	return letters;
}

/* From the beginning of `one` to the next beginning of `other`: 0 .. 86399. */
static int32_t distance_s(const struct window_conf *one, const struct window_conf *other)
{
	return (other->from_s - one->from_s + WINDOW_DAY_S) % WINDOW_DAY_S;
}

static void span_of(const struct window_conf *window, char text[2 * WINDOW_TIME_SIZE])
{
	char from[WINDOW_TIME_SIZE];
	char to[WINDOW_TIME_SIZE];
	int32_t to_s = window->from_s + window->length_s;

	window_time_format(window->from_s, from);
	window_time_format(to_s > WINDOW_DAY_S ? to_s - WINDOW_DAY_S : to_s, to);
	snprintf(text, 2 * WINDOW_TIME_SIZE, "%s-%s", from, to);
}

enum window_fault window_check_others(
	const struct window_gate *gate, uint32_t index, char reason[WINDOW_REASON_SIZE])
{
	const struct window_conf *window = &gate->windows[index];
	char span[2 * WINDOW_TIME_SIZE];

	for (uint32_t i = 0; i < index; i++) {
		const struct window_conf *other = &gate->windows[i];

		if (strcmp(other->name, window->name) == 0) {
			snprintf(reason, WINDOW_REASON_SIZE,
				"\"%s\" has a window \"%s\" already; each name is allowed once",
				gate->name, window->name);
			return WINDOW_FAULT_NAME;
		}
		if (distance_s(other, window) >= other->length_s &&
			distance_s(window, other) >= window->length_s)
			continue;
		span_of(other, span);
		if (other->from_s == window->from_s && other->length_s == window->length_s)
			snprintf(reason, WINDOW_REASON_SIZE,
				"the same window as \"%s\" (%s) a second time", other->name, span);
		else
			snprintf(reason, WINDOW_REASON_SIZE,
				"overlaps the window \"%s\" (%s); at any time at most one window "
				"of \"%s\" is allowed",
				other->name, span, gate->name);
		return WINDOW_FAULT_TIME;
	}
	return WINDOW_GOOD;
}

enum window_fault window_check_gap(
	const struct window_gate *gate, uint32_t index, char reason[WINDOW_REASON_SIZE])
{
	const struct window_conf *window = &gate->windows[index];
	int32_t room_s = WINDOW_DAY_S;
	const struct window_conf *next = window;

	if (window->gap != WINDOW_GAP_UNTIL)
		return WINDOW_GOOD;
	for (uint32_t i = 0; i < gate->window_count; i++) {
		if (i == index || distance_s(window, &gate->windows[i]) >= room_s)
			continue;
		next = &gate->windows[i];
		room_s = distance_s(window, next);
	}
	room_s -= window->length_s;
	if (window->gap_s <= room_s)
		return WINDOW_GOOD;
	char from[WINDOW_TIME_SIZE];
	window_time_format(next->from_s, from);
	snprintf(reason, WINDOW_REASON_SIZE,
		"the gap reaches into the window \"%s\"; it may last until %s at most", next->name,
		from);
	return WINDOW_FAULT_GAP;
}
