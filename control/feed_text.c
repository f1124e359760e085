/* SPDX-License-Identifier: Apache-2.0 */
#include "control/feed_text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 64

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char current(const struct feed_cutter *cutter)
{
	return cutter->text.text[cutter->at];
}

static bool at_end(const struct feed_cutter *cutter)
{
	return cutter->at == cutter->text.length;
}

static void step(struct feed_cutter *cutter)
{
	if (current(cutter) == '\n') {
		cutter->line++;
		cutter->line_start = cutter->at + 1;
	}
	cutter->at++;
}

static void skip_space(struct feed_cutter *cutter)
{
	while (!at_end(cutter) && is_space(current(cutter)))
		step(cutter);
}

static void begin_piece(const struct feed_cutter *cutter, struct feed_piece *piece)
{
	*piece = (struct feed_piece){
		.text = cutter->text.text + cutter->at,
		.line = cutter->line,
		.column = (uint32_t)(cutter->at - cutter->line_start + 1),
	};
}

/* The piece ends here; white space at its end is none of it. */
static void end_piece(const struct feed_cutter *cutter, struct feed_piece *piece)
{
	piece->length = (size_t)(cutter->text.text + cutter->at - piece->text);
	while (piece->length > 0 && is_space(piece->text[piece->length - 1]))
		piece->length--;
}

void feed_cut_begin(struct feed_cutter *cutter, struct feed_text text, uint32_t first_line)
{
	assert(text.format == FEED_ONE_OR_ARRAY || text.format == FEED_LINES);
	*cutter = (struct feed_cutter){.text = text, .line = first_line};
	if (text.format != FEED_ONE_OR_ARRAY)
		return;
	skip_space(cutter);
	if (at_end(cutter) || current(cutter) != '[')
		return;
	cutter->in_array = true;
	step(cutter);
	skip_space(cutter);
	/* Without any element it ends here. */
	if (!at_end(cutter) && current(cutter) == ']') {
		step(cutter);
		skip_space(cutter);
		cutter->ended = true;
		cutter->trailing = !at_end(cutter);
	}
}

/* Pass over a string. A line's end ends it, too: strings have none, so a quote was forgotten. */
static void pass_string(struct feed_cutter *cutter)
{
	step(cutter);
	while (!at_end(cutter) && current(cutter) != '"' && current(cutter) != '\n') {
		if (current(cutter) == '\\')
			step(cutter);
		if (!at_end(cutter))
			step(cutter);
	}
	if (!at_end(cutter))
		step(cutter);
}

/*
 * Pass over an element up to the comma or bracket that ends it. Brackets that do not fit together
 * are the element's own fault: one that closes something opened earlier closes what was opened
 * since, one that closes nothing is passed over.
 */
static int pass_element(struct feed_cutter *cutter)
{
	char open[DEPTH_MAX];
	unsigned depth = 0;

	while (!at_end(cutter)) {
		char c = current(cutter);

		if (depth == 0 && (c == ',' || c == ']'))
			return 0;
		if (c == '"') {
			pass_string(cutter);
			continue;
		}
		if (c == '{' || c == '[') {
			if (depth == DEPTH_MAX)
				return -EBADMSG;
			open[depth++] = c == '{' ? '}' : ']';
		} else if (c == '}' || c == ']') {
			unsigned found = depth;

			while (found > 0 && open[found - 1] != c)
				found--;
			if (found > 0)
				depth = found - 1;
		}
		step(cutter);
	}
	return -EBADMSG;
}

static int next_element(struct feed_cutter *cutter, struct feed_piece *piece)
{
	if (cutter->ended)
		return cutter->trailing ? -EBADMSG : 0;
	skip_space(cutter);
	begin_piece(cutter, piece);
	int result = pass_element(cutter);
	if (result != 0)
		return result;
	end_piece(cutter, piece);
	cutter->ended = current(cutter) == ']';
	step(cutter);
	if (cutter->ended) {
		skip_space(cutter);
		cutter->trailing = !at_end(cutter);
	}
	return 1;
}

static int next_line(struct feed_cutter *cutter, struct feed_piece *piece)
{
	skip_space(cutter);
	if (at_end(cutter))
		return 0;
	begin_piece(cutter, piece);
	while (!at_end(cutter) && current(cutter) != '\n')
		step(cutter);
	end_piece(cutter, piece);
	return 1;
}

int feed_cut_next(struct feed_cutter *cutter, struct feed_piece *piece)
{
	if (cutter->text.format == FEED_LINES)
		return next_line(cutter, piece);
	if (cutter->in_array)
		return next_element(cutter, piece);
	skip_space(cutter);
	if (at_end(cutter))
		return 0;
	begin_piece(cutter, piece);
	while (!at_end(cutter))
		step(cutter);
	end_piece(cutter, piece);
	return 1;
}

int64_t feed_cut_count(struct feed_text text)
{
	struct feed_cutter cutter;
	struct feed_piece piece;
	int64_t count = 0;
	int result;

	feed_cut_begin(&cutter, text, 1);
	while ((result = feed_cut_next(&cutter, &piece)) == 1)
		count++;
	return result < 0 ? result : count;
}

void feed_text_place(const char *text, size_t offset, const uint32_t start[2], uint32_t place[2])
{
	place[0] = start[0];
	place[1] = start[1];
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			place[0]++;
			place[1] = 1;
		} else {
			place[1]++;
		}
	}
}
