/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the messages are in what came: one JSON object, an array of them, or a line for each. The
 * cut is made without understanding the messages, so that a bad one does not spoil its neighbours.
 * Pure functions.
 */
#ifndef CONTROL_FEED_TEXT_H
#define CONTROL_FEED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum feed_format {
	FEED_ONE_OR_ARRAY = 1, /* application/json */
	FEED_LINES = 2,	       /* application/x-ndjson; lines of white space are passed over */
};

struct feed_text {
	const char *text; /* borrowed */
	size_t length;
	uint8_t format; /* enum feed_format */
};

/* A message: text[0 .. length), and where it stands (counted from 1; columns are bytes). */
struct feed_piece {
	const char *text;
	size_t length;
	uint32_t line;
	uint32_t column;
};

struct feed_cutter {
	struct feed_text text;
	size_t at;
	size_t line_start;
	uint32_t line;
	bool in_array;
	bool ended;    /* its closing bracket was there, */
	bool trailing; /* and something behind it */
};

/* Begin to cut. `first_line` is the number of the first line, usually 1. */
void feed_cut_begin(struct feed_cutter *cutter, struct feed_text text, uint32_t first_line);

/* The next message: 1 and *piece (which may be empty: something is missing between two commas), 0:
 * there are no more, or -EBADMSG: an array that does not end, is too deep to be cut, or has
 * something behind it. */
int feed_cut_next(struct feed_cutter *cutter, struct feed_piece *piece);

/* How many messages there are, or -EBADMSG. */
int64_t feed_cut_count(struct feed_text text);

/* The place of text[offset] when text[0] stands at `line` and `column`. */
void feed_text_place(const char *text, size_t offset, const uint32_t start[2], uint32_t place[2]);

#endif
