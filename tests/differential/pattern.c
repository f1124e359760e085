/* SPDX-License-Identifier: Apache-2.0 */
/* A text out of a pattern: the expression is walked by recursive descent and each branch, class and
 * repetition is decided by chance. */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differential/value.h"

#define REPEAT_MORE 4 /* how far beyond its minimum an open repetition goes */

struct walk {
	struct chance *chance;
	const char *at;
	struct buffer *out; /* NULL: only walk over the expression */
};

static void alternatives(struct walk *walk);

static void escape_set(char letter, bool set[128])
{
	bool wanted[128] = {false};

	for (int byte = 0; byte < 128; byte++) {
		if (letter == 'd' || letter == 'D')
			wanted[byte] = isdigit(byte) != 0;
		else if (letter == 's' || letter == 'S')
			wanted[byte] = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
		else if (letter == 'w' || letter == 'W')
			wanted[byte] = isalnum(byte) != 0;
		else
			wanted[byte] = byte == letter;
		if (isupper((unsigned char)letter) && isalpha((unsigned char)letter))
			wanted[byte] = !wanted[byte];
		set[byte] = set[byte] || wanted[byte];
	}
}

static void read_class(struct walk *walk, bool set[128])
{
	bool negative = walk->at[1] == '^';

	walk->at += negative ? 2 : 1;
	while (*walk->at != ']' && *walk->at != '\0') {
		unsigned char low = (unsigned char)*walk->at++;
		unsigned char high = low;

		if (low == '\\') {
			escape_set(*walk->at++, set);
			continue;
		}
		if (walk->at[0] == '-' && walk->at[1] != ']') {
			high = (unsigned char)walk->at[1];
			walk->at += 2;
		}
		for (unsigned byte = low; byte <= high && byte < 128; byte++)
			set[byte] = true;
	}
	if (*walk->at == ']')
		walk->at++;
	for (int byte = 0; negative && byte < 128; byte++)
		set[byte] = byte >= ' ' && !set[byte];
}

static void emit(struct walk *walk, const bool set[128])
{
	char members[128];
	size_t count = 0;

	for (int byte = 0; byte < 128; byte++)
		if (set[byte])
			members[count++] = (char)byte;
	if (walk->out != NULL && count > 0)
		buffer_byte(walk->out, (uint8_t)members[chance_below(walk->chance, count)]);
}

static void atom(struct walk *walk)
{
	bool set[128] = {false};

	if (*walk->at == '(') {
		walk->at++;
		alternatives(walk);
		if (*walk->at == ')')
			walk->at++;
		return;
	}
	if (*walk->at == '[') {
		read_class(walk, set);
	} else if (*walk->at == '\\') {
		escape_set(walk->at[1], set);
		walk->at += 2;
	} else if (*walk->at == '.') {
		memset(set + ' ', true, '~' - ' ');
		walk->at++;
	} else {
		set[(unsigned char)*walk->at++ & 127] = true;
	}
	emit(walk, set);
}

static void quantity(struct walk *walk, unsigned *low, unsigned *high)
{
	char *end;

	*low = *high = 1;
	if (*walk->at == '*' || *walk->at == '+' || *walk->at == '?') {
		*low = *walk->at == '+';
		*high = *walk->at == '?' ? 1 : *low + REPEAT_MORE;
		walk->at++;
	} else if (*walk->at == '{') {
		*low = *high = (unsigned)strtoul(walk->at + 1, &end, 10);
		if (*end == ',') {
			*high = *low + REPEAT_MORE;
			if (end[1] != '}')
				*high = (unsigned)strtoul(end + 1, &end, 10);
			else
				end++;
		}
		walk->at = end + 1;
	}
}

static void piece(struct walk *walk)
{
	const char *begin = walk->at;
	struct walk dry = {.chance = walk->chance, .at = begin, .out = NULL};
	const char *end;
	unsigned low;
	unsigned high;
	size_t times;

	atom(&dry);
	quantity(&dry, &low, &high);
	end = dry.at;
	times = walk->out == NULL ? 0 : low + chance_below(walk->chance, high - low + 1);
	while (times-- > 0) {
		walk->at = begin;
		atom(walk);
	}
	walk->at = end;
}

static void branch(struct walk *walk)
{
	while (*walk->at != '\0' && *walk->at != '|' && *walk->at != ')')
		piece(walk);
}

static void alternatives(struct walk *walk)
{
	struct walk dry = {.chance = walk->chance, .at = walk->at, .out = NULL};
	const char *starts[64];
	size_t count = 0;

	for (;;) {
		if (count < sizeof(starts) / sizeof(starts[0]))
			starts[count++] = dry.at;
		branch(&dry);
		if (*dry.at != '|')
			break;
		dry.at++;
	}
	if (walk->out != NULL) {
		walk->at = starts[chance_below(walk->chance, count)];
		branch(walk);
	}
	walk->at = dry.at;
}

void value_from_pattern(struct chance *chance, const char *pattern, struct buffer *out)
{
	struct walk walk = {.chance = chance, .at = pattern, .out = out};

	alternatives(&walk);
}
