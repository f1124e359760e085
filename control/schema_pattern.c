/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions of XML Schema (part 2, appendix F) as DFAs over the bytes of UTF-8: parsed to
 * a tree, the tree to an NFA (Thompson), the NFA to a DFA (subsets). Repetition counts are
 * unrolled. Not supported, and refused: categories and blocks (\p{..}), the multi-character escapes
 * that need Unicode tables (\d \w \i \c and their complements), subtraction of classes, and ranges
 * of characters beyond ASCII.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/schema_model.h"

#define REPEAT_MAX 1000u
#define NFA_STATES_MAX 20000u
#define SUBSET_TABLE_SIZE 16384u     /* a power of two, above SCHEMA_DFA_STATES_MAX */
#define STEPS_MAX UINT64_C(20000000) /* moves looked at for one DFA */
#define NONE UINT32_MAX

/* A set of characters: ASCII ones by bit; all others together or not at all. */
struct set {
	uint64_t ascii[2];
	bool others;
};

enum node_kind {
	NODE_EMPTY = 1,
	NODE_SET,
	NODE_BYTE, /* a byte >= 0x80 of a literal character */
	NODE_CAT,
	NODE_ALTERNATIVE,
	NODE_REPEAT,
};

struct node {
	enum node_kind kind;
	struct set set;
	uint8_t byte;
	uint32_t min;
	uint32_t max;
	struct node *one;
	struct node *other;
};

struct nfa_state {
	uint64_t bytes[4]; /* moves to `next` on these */
	uint32_t next;
	uint32_t free_one; /* moves without a byte */
	uint32_t free_other;
};

struct compiler {
	struct schema *schema;
	const xmlNode *at_node;
	const char *at;
	unsigned depth;
	struct schema_array nfa; /* struct nfa_state */
	uint32_t accept;
	struct schema_array subsets; /* uint64_t *, index = DFA state */
	uint32_t subset_words;
	uint32_t *subset_table; /* open addressing: index of subsets + 1, or 0 */
	uint64_t steps;
	struct schema_array rows; /* uint32_t *, next state by class */
};

static struct node *parse_alternatives(struct compiler *compiler);

__attribute__((noreturn)) static void bad(struct compiler *compiler, const char *what)
{
	schema_fail(compiler->schema, -EINVAL, compiler->at_node, "pattern: %s", what);
}

static struct node *new_node(
	struct compiler *compiler, enum node_kind kind, struct node *one, struct node *other)
{
	struct node *node = schema_allocate(compiler->schema, sizeof(*node));

	node->kind = kind;
	node->one = one;
	node->other = other;
	return node;
}

/* ---- sets ---- */

static void set_add(struct set *set, unsigned character)
{
	set->ascii[character / 64] |= (uint64_t)1 << (character % 64);
}

static void set_complement(struct set *set)
{
	set->ascii[0] = ~set->ascii[0];
	set->ascii[1] = ~set->ascii[1];
	set->others = !set->others;
}

/* The character behind a backslash, or a set for \s and \S (then *is_set). */
static unsigned parse_escape(struct compiler *compiler, struct set *set, bool *is_set)
{
	char escape = *compiler->at;

	*is_set = false;
	if (escape == '\0')
		bad(compiler, "it ends in a backslash");
	compiler->at++;
	if (escape == 'n')
		return '\n';
	if (escape == 'r')
		return '\r';
	if (escape == 't')
		return '\t';
	if (escape == 's' || escape == 'S') {
		*is_set = true;
		*set = (struct set){0};
		set_add(set, ' ');
		set_add(set, '\t');
		set_add(set, '\n');
		set_add(set, '\r');
		if (escape == 'S')
			set_complement(set);
		return 0;
	}
	if (strchr("\\|.?*+(){}-[]^", escape) != NULL)
		return (unsigned char)escape;
	if (strchr("dDwWiIcCpP", escape) != NULL)
		schema_unsupported(compiler->schema, compiler->at_node,
			"pattern with \\d, \\w, \\i, \\c or \\p");
	bad(compiler, "unknown escape");
}

static unsigned parse_class_character(struct compiler *compiler, struct set *set, bool *is_set)
{
	unsigned char character = (unsigned char)*compiler->at;

	*is_set = false;
	if (character == '\0')
		bad(compiler, "a class is not closed");
	if (character >= 0x80)
		schema_unsupported(compiler->schema, compiler->at_node,
			"pattern with a class of characters beyond ASCII");
	compiler->at++;
	if (character == '\\')
		return parse_escape(compiler, set, is_set);
	if (character == '[')
		bad(compiler, "'[' in a class needs a backslash");
	return character;
}

static struct node *parse_class(struct compiler *compiler)
{
	struct node *node = new_node(compiler, NODE_SET, NULL, NULL);
	bool complement = *compiler->at == '^';
	bool any = false;

	compiler->at += complement;
	while (*compiler->at != ']') {
		struct set several;
		bool is_set;
		unsigned from;
		unsigned to;

		if (any && compiler->at[0] == '-' && compiler->at[1] == '[')
			schema_unsupported(compiler->schema, compiler->at_node,
				"pattern with subtraction of classes");
		from = parse_class_character(compiler, &several, &is_set);
		any = true;
		if (is_set) {
			node->set.ascii[0] |= several.ascii[0];
			node->set.ascii[1] |= several.ascii[1];
			node->set.others |= several.others;
			continue;
		}
		to = from;
		if (compiler->at[0] == '-' && compiler->at[1] != ']' && compiler->at[1] != '[') {
			compiler->at++;
			to = parse_class_character(compiler, &several, &is_set);
			if (is_set || to < from)
				bad(compiler, "a range is out of order");
		}
		for (unsigned character = from; character <= to; character++)
			set_add(&node->set, character);
	}
	if (!any)
		bad(compiler, "an empty class");
	compiler->at++;
	if (complement)
		set_complement(&node->set);
	return node;
}

/* ---- tree ---- */

static struct node *single(struct compiler *compiler, unsigned character)
{
	struct node *node = new_node(compiler, NODE_SET, NULL, NULL);

	set_add(&node->set, character);
	return node;
}

static struct node *parse_atom(struct compiler *compiler)
{
	unsigned char character = (unsigned char)*compiler->at++;
	struct node *node;
	bool is_set;

	switch (character) {
	case '(':
		if (++compiler->depth > 100)
			bad(compiler, "too many parentheses");
		node = parse_alternatives(compiler);
		compiler->depth--;
		if (*compiler->at++ != ')')
			bad(compiler, "a parenthesis is not closed");
		return node;
	case '[':
		return parse_class(compiler);
	case '.':
		node = new_node(compiler, NODE_SET, NULL, NULL);
		set_add(&node->set, '\n');
		set_add(&node->set, '\r');
		set_complement(&node->set);
		return node;
	case '\\':
		node = new_node(compiler, NODE_SET, NULL, NULL);
		character = (unsigned char)parse_escape(compiler, &node->set, &is_set);
		return is_set ? node : single(compiler, character);
	case '?':
	case '*':
	case '+':
	case '{':
	case '}':
	case ']':
		bad(compiler, "a quantifier or bracket without an atom");
	default:
		break;
	}
	if (character < 0x80)
		return single(compiler, character);
	node = new_node(compiler, NODE_BYTE, NULL, NULL);
	node->byte = character;
	while (((unsigned char)*compiler->at & 0xc0) == 0x80) {
		struct node *next = new_node(compiler, NODE_BYTE, NULL, NULL);

		next->byte = (unsigned char)*compiler->at++;
		node = new_node(compiler, NODE_CAT, node, next);
	}
	return node;
}

static uint32_t parse_count(struct compiler *compiler)
{
	uint32_t count = 0;

	if (!isdigit((unsigned char)*compiler->at))
		bad(compiler, "a quantifier without a number");
	while (isdigit((unsigned char)*compiler->at)) {
		count = count * 10 + (uint32_t)(*compiler->at++ - '0');
		if (count > REPEAT_MAX)
			bad(compiler, "a quantifier above 1000");
	}
	return count;
}

static struct node *parse_piece(struct compiler *compiler)
{
	struct node *node = parse_atom(compiler);
	struct node *repeat;

	if (*compiler->at == '\0' || strchr("?*+{", *compiler->at) == NULL)
		return node;
	repeat = new_node(compiler, NODE_REPEAT, node, NULL);
	switch (*compiler->at++) {
	case '?':
		repeat->max = 1;
		break;
	case '*':
		repeat->max = NONE;
		break;
	case '+':
		repeat->min = 1;
		repeat->max = NONE;
		break;
	default:
		repeat->min = parse_count(compiler);
		repeat->max = repeat->min;
		if (*compiler->at == ',') {
			compiler->at++;
			repeat->max = *compiler->at == '}' ? NONE : parse_count(compiler);
		}
		if (*compiler->at++ != '}' || repeat->max < repeat->min)
			bad(compiler, "a quantifier is not closed or out of order");
	}
	return repeat;
}

static struct node *parse_branch(struct compiler *compiler)
{
	struct node *node = NULL;

	while (*compiler->at != '\0' && *compiler->at != '|' && *compiler->at != ')') {
		struct node *piece = parse_piece(compiler);

		node = node == NULL ? piece : new_node(compiler, NODE_CAT, node, piece);
	}
	return node != NULL ? node : new_node(compiler, NODE_EMPTY, NULL, NULL);
}

static struct node *parse_alternatives(struct compiler *compiler)
{
	struct node *node = parse_branch(compiler);

	while (*compiler->at == '|') {
		compiler->at++;
		node = new_node(compiler, NODE_ALTERNATIVE, node, parse_branch(compiler));
	}
	return node;
}

/* ---- NFA ---- */

static uint32_t add_nfa(struct compiler *compiler)
{
	struct nfa_state *state;

	if (compiler->nfa.count >= NFA_STATES_MAX)
		bad(compiler, "it is too large");
	state = schema_append(compiler->schema, &compiler->nfa, sizeof(*state));
	state->next = NONE;
	state->free_one = NONE;
	state->free_other = NONE;
	return compiler->nfa.count - 1;
}

static struct nfa_state *nfa_at(struct compiler *compiler, uint32_t index)
{
	return &((struct nfa_state *)compiler->nfa.items)[index];
}

static uint32_t add_bytes(struct compiler *compiler, uint8_t from, uint8_t to, uint32_t next)
{
	uint32_t index = add_nfa(compiler);

	for (unsigned byte = from; byte <= to; byte++)
		nfa_at(compiler, index)->bytes[byte / 64] |= (uint64_t)1 << (byte % 64);
	nfa_at(compiler, index)->next = next;
	return index;
}

static uint32_t add_split(struct compiler *compiler, uint32_t one, uint32_t other)
{
	uint32_t index = add_nfa(compiler);

	nfa_at(compiler, index)->free_one = one;
	nfa_at(compiler, index)->free_other = other;
	return index;
}

/* A character beyond ASCII. The text is known to be UTF-8, so its shape is enough. */
static uint32_t add_others(struct compiler *compiler, uint32_t next)
{
	uint32_t last = add_bytes(compiler, 0x80, 0xbf, next);
	uint32_t third = add_bytes(compiler, 0x80, 0xbf, last);
	uint32_t fourth = add_bytes(compiler, 0x80, 0xbf, third);
	uint32_t two = add_bytes(compiler, 0xc2, 0xdf, last);
	uint32_t three = add_bytes(compiler, 0xe0, 0xef, third);
	uint32_t four = add_bytes(compiler, 0xf0, 0xf4, fourth);

	return add_split(compiler, two, add_split(compiler, three, four));
}

static uint32_t add_node(struct compiler *compiler, const struct node *node, uint32_t next);

/* Chains lean to the left and are as long as the pattern: walked, not recursed into. */
static uint32_t add_chain(struct compiler *compiler, const struct node *node, uint32_t next)
{
	for (; node->kind == NODE_CAT; node = node->one)
		next = add_node(compiler, node->other, next);
	return add_node(compiler, node, next);
}

static uint32_t add_alternatives(struct compiler *compiler, const struct node *node, uint32_t next)
{
	uint32_t others = add_node(compiler, node->other, next);

	for (node = node->one; node->kind == NODE_ALTERNATIVE; node = node->one)
		others = add_split(compiler, add_node(compiler, node->other, next), others);
	return add_split(compiler, add_node(compiler, node, next), others);
}

static uint32_t add_repeat(struct compiler *compiler, const struct node *node, uint32_t next)
{
	uint32_t index;

	if (node->max == NONE) {
		index = add_split(compiler, NONE, next);
		next = add_node(compiler, node->one, index);
		nfa_at(compiler, index)->free_one = next;
		next = index;
	}
	for (uint32_t count = node->min; node->max != NONE && count < node->max; count++) {
		index = add_node(compiler, node->one, next);
		if (index == next)
			break; /* the empty text, as often as one likes */
		next = add_split(compiler, index, next);
	}
	for (uint32_t count = 0; count < node->min; count++) {
		index = add_node(compiler, node->one, next);
		if (index == next)
			break;
		next = index;
	}
	return next;
}

/* Add states for `node` that lead to `next`; returns where they begin. */
static uint32_t add_node(struct compiler *compiler, const struct node *node, uint32_t next)
{
	uint32_t index;

	switch (node->kind) {
	case NODE_EMPTY:
		return next;
	case NODE_BYTE:
		return add_bytes(compiler, node->byte, node->byte, next);
	case NODE_SET:
		index = add_nfa(compiler);
		nfa_at(compiler, index)->bytes[0] = node->set.ascii[0];
		nfa_at(compiler, index)->bytes[1] = node->set.ascii[1];
		nfa_at(compiler, index)->next = next;
		return node->set.others ? add_split(compiler, index, add_others(compiler, next))
					: index;
	case NODE_CAT:
		return add_chain(compiler, node, next);
	case NODE_ALTERNATIVE:
		return add_alternatives(compiler, node, next);
	case NODE_REPEAT:
		return add_repeat(compiler, node, next);
	}
	abort();
}

/* ---- DFA ---- */

static void close_over(struct compiler *compiler, uint64_t *subset, uint32_t state, uint32_t *stack)
{
	uint32_t top = 0;

	stack[top++] = state;
	while (top > 0) {
		const struct nfa_state *nfa;

		state = stack[--top];
		if (state == NONE || (subset[state / 64] >> (state % 64)) & 1)
			continue;
		subset[state / 64] |= (uint64_t)1 << (state % 64);
		nfa = nfa_at(compiler, state);
		compiler->steps++;
		stack[top++] = nfa->free_one;
		stack[top++] = nfa->free_other;
	}
}

static uint32_t subset_index(struct compiler *compiler, const uint64_t *subset)
{
	size_t size = compiler->subset_words * sizeof(uint64_t);
	uint64_t **known = compiler->subsets.items;
	uint64_t *copy;
	uint64_t hash = 0;
	uint32_t slot;

	for (uint32_t word = 0; word < compiler->subset_words; word++)
		hash = (hash ^ subset[word]) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
	for (slot = (uint32_t)(hash >> 32);; slot++) {
		uint32_t entry = compiler->subset_table[slot % SUBSET_TABLE_SIZE];

		if (entry == 0)
			break;
		if (memcmp(known[entry - 1], subset, size) == 0)
			return entry - 1;
	}
	if (compiler->subsets.count == SCHEMA_DFA_STATES_MAX)
		bad(compiler, "its automaton is too large");
	copy = schema_allocate(compiler->schema, size);
	memcpy(copy, subset, size);
	*(uint64_t **)schema_append(compiler->schema, &compiler->subsets, sizeof(copy)) = copy;
	compiler->subset_table[slot % SUBSET_TABLE_SIZE] = compiler->subsets.count;
	return compiler->subsets.count - 1;
}

/* Bytes that no state tells apart are one class. */
static uint16_t find_classes(struct compiler *compiler, uint8_t classes[256])
{
	uint16_t sizes[256] = {256};
	uint16_t count = 1;

	memset(classes, 0, 256);
	for (uint32_t state = 0; state < compiler->nfa.count; state++) {
		const uint64_t *bytes = nfa_at(compiler, state)->bytes;
		uint16_t inside[256] = {0};
		uint8_t moved[256];

		for (unsigned byte = 0; byte < 256; byte++)
			inside[classes[byte]] += (bytes[byte / 64] >> (byte % 64)) & 1;
		for (unsigned class = 0, old_count = count; class < old_count; class ++) {
			moved[class] = (uint8_t) class;
			if (inside[class] == 0 || inside[class] == sizes[class])
				continue;
			moved[class] = (uint8_t)count;
			sizes[class] = (uint16_t)(sizes[class] - inside[class]);
			sizes[count++] = inside[class];
		}
		for (unsigned byte = 0; byte < 256; byte++)
			if ((bytes[byte / 64] >> (byte % 64)) & 1)
				classes[byte] = moved[classes[byte]];
	}
	return count;
}

/* All states that those of `from` lead to on `byte`. */
static void move(struct compiler *compiler, const uint64_t *from, uint8_t byte, uint64_t *to,
	uint32_t *stack)
{
	memset(to, 0, compiler->subset_words * sizeof(*to));
	for (uint32_t word = 0; word < compiler->subset_words; word++)
		for (uint64_t left = from[word]; left != 0; left &= left - 1) {
			uint32_t state = word * 64 + (uint32_t)__builtin_ctzll(left);
			const struct nfa_state *nfa = nfa_at(compiler, state);

			compiler->steps++;
			if ((nfa->bytes[byte / 64] >> (byte % 64)) & 1)
				close_over(compiler, to, nfa->next, stack);
		}
	compiler->steps += compiler->subset_words;
	if (compiler->steps > STEPS_MAX)
		bad(compiler, "its automaton is too large");
}

static void make_dfa(struct compiler *compiler, struct schema_dfa *dfa, uint32_t nfa_start)
{
	uint32_t *stack;
	uint64_t *subset;
	uint8_t sample[256];

	dfa->class_count = find_classes(compiler, dfa->classes);
	for (unsigned byte = 0; byte < 256; byte++)
		sample[dfa->classes[byte]] = (uint8_t)byte;
	compiler->subset_words = (compiler->nfa.count + 63) / 64;
	compiler->subset_table = schema_allocate(
		compiler->schema, SUBSET_TABLE_SIZE * sizeof(*compiler->subset_table));
	stack = schema_allocate(
		compiler->schema, (2 * (size_t)compiler->nfa.count + 4) * sizeof(*stack));
	subset = schema_allocate(compiler->schema, compiler->subset_words * sizeof(*subset));
	subset_index(compiler, subset); /* empty: refusal */
	close_over(compiler, subset, nfa_start, stack);
	dfa->start = (uint16_t)subset_index(compiler, subset);
	for (uint32_t index = 0; index < compiler->subsets.count; index++) {
		uint32_t *row = schema_allocate(compiler->schema, dfa->class_count * sizeof(*row));

		*(uint32_t **)schema_append(compiler->schema, &compiler->rows, sizeof(row)) = row;
		for (unsigned class = 0; class < dfa->class_count; class ++) {
			const uint64_t *from = ((uint64_t **)compiler->subsets.items)[index];

			move(compiler, from, sample[class], subset, stack);
			row[class] = subset_index(compiler, subset);
		}
	}
}

/* Renumber: refusal stays 0, accepting states go last. */
static void order_states(struct compiler *compiler, struct schema_dfa *dfa)
{
	uint32_t count = compiler->subsets.count;
	uint64_t **subsets = compiler->subsets.items;
	uint32_t **rows = compiler->rows.items;
	uint16_t *number = schema_allocate(compiler->schema, count * sizeof(*number));
	uint16_t next = 0;

	for (int accepting = 0; accepting < 2; accepting++) {
		if (accepting)
			dfa->first_accept = next;
		for (uint32_t index = 0; index < count; index++)
			if ((int)((subsets[index][compiler->accept / 64] >>
					  (compiler->accept % 64)) &
				    1) == accepting)
				number[index] = next++;
	}
	dfa->state_count = (uint16_t)count;
	dfa->cells = schema_allocate(
		compiler->schema, (size_t)count * dfa->class_count * sizeof(uint16_t));
	for (uint32_t index = 0; index < count; index++)
		for (unsigned class = 0; class < dfa->class_count; class ++)
			dfa->cells[(size_t)number[index] * dfa->class_count + class] =
				number[rows[index][class]];
	dfa->start = number[dfa->start];
}

/* ---- the fixed part ---- */

/* Express the set as products of low and high nibbles, sharing those that are there already. */
static bool add_products(struct schema_dfa *dfa, unsigned *product_count, uint16_t products[8][2],
	const bool set[128], uint8_t *bits)
{
	uint16_t lows[8] = {0};
	unsigned count = *product_count;

	*bits = 0;
	for (unsigned byte = 0; byte < 128; byte++)
		if (set[byte])
			lows[byte >> 4] |= (uint16_t)(1u << (byte & 15));
	for (unsigned high = 0; high < 8; high++) {
		uint16_t low = lows[high];
		uint16_t highs = 0;
		unsigned found;

		if (low == 0)
			continue;
		for (unsigned other = high; other < 8; other++)
			if (lows[other] == low) {
				highs |= (uint16_t)(1u << other);
				lows[other] = 0;
			}
		for (found = 0; found < count; found++)
			if (products[found][0] == low && products[found][1] == highs)
				break;
		if (found == 8)
			return false;
		if (found == count) {
			products[count][0] = low;
			products[count++][1] = highs;
		}
		*bits |= (uint8_t)(1u << found);
	}
	for (unsigned nibble = 0; nibble < 16; nibble++)
		for (unsigned product = *product_count; product < count; product++) {
			dfa->low[nibble] |=
				(uint8_t)(((products[product][0] >> nibble) & 1) << product);
			dfa->high[nibble] |=
				(uint8_t)(((products[product][1] >> nibble) & 1) << product);
		}
	*product_count = count;
	return true;
}

static void find_fixed(struct schema_dfa *dfa)
{
	uint16_t products[8][2];
	unsigned product_count = 0;
	uint16_t state = dfa->start;

	while (dfa->fixed_length < MW_IMAGE_FIXED_MAX && state != 0 && state < dfa->first_accept) {
		const uint16_t *row = dfa->cells + (size_t)state * dfa->class_count;
		bool set[128] = {false};
		uint16_t next = 0;

		for (unsigned byte = 0; byte < 256; byte++) {
			uint16_t to = row[dfa->classes[byte]];

			if (to == 0)
				continue;
			if (byte >= 128 || (next != 0 && to != next))
				goto done;
			next = to;
			set[byte] = true;
		}
		if (next == 0 || !add_products(dfa, &product_count, products, set,
					 &dfa->fixed[dfa->fixed_length]))
			break;
		dfa->fixed_length++;
		state = next;
	}
done:
	dfa->fixed_state = state;
}

/* As messages show it: the one pattern, or all of them as alternatives. */
static const char *join_sources(
	struct compiler *compiler, const char *const *sources, uint32_t count)
{
	size_t room = 1;
	char *joined;
	char *at;

	for (uint32_t index = 0; index < count; index++)
		room += strlen(sources[index]) + 3;
	if (room > SCHEMA_PATTERN_BYTES_MAX)
		bad(compiler, "it is too long");
	if (count == 1)
		return sources[0];
	joined = schema_allocate(compiler->schema, room);
	at = joined;
	for (uint32_t index = 0; index < count; index++)
		at += sprintf(at, "%s(%s)", index > 0 ? "|" : "", sources[index]);
	return joined;
}

uint32_t schema_pattern(
	struct schema *schema, const xmlNode *node, const struct schema_array *sources)
{
	const char *const *texts = sources->items;
	struct compiler compiler = {.schema = schema, .at_node = node};
	struct schema_dfa **known = schema->patterns.items;
	const char *joined = join_sources(&compiler, texts, sources->count);
	struct schema_dfa *dfa;
	struct node *tree = NULL;

	for (uint32_t index = 0; index < sources->count; index++) {
		struct node *one;

		compiler.at = texts[index];
		one = parse_alternatives(&compiler);
		if (*compiler.at != '\0')
			bad(&compiler, "a parenthesis too many");
		tree = tree == NULL ? one : new_node(&compiler, NODE_ALTERNATIVE, tree, one);
	}
	for (uint32_t index = 0; index < schema->patterns.count; index++)
		if (strcmp(known[index]->source, joined) == 0)
			return index;
	dfa = schema_allocate(schema, sizeof(*dfa));
	dfa->source = joined;
	compiler.accept = add_nfa(&compiler);
	make_dfa(&compiler, dfa, add_node(&compiler, tree, compiler.accept));
	order_states(&compiler, dfa);
	find_fixed(dfa);
	*(struct schema_dfa **)schema_append(schema, &schema->patterns, sizeof(dfa)) = dfa;
	return schema->patterns.count - 1;
}
