/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the particles of a type to its position automaton (Glushkov's construction). Every element
 * and wildcard particle is a position; first, last and follow sets give the automaton. A particle's
 * own repetition is left to the counter of its state; only repetition of groups is unrolled
 * (bounded) or looped (unbounded). XML Schema demands that the result is deterministic ("unique
 * particle attribution") and that elements of one name are of one type, which is checked here;
 * states of one particle that can be meant at once are no breach of it, and are merged
 * (schema_merge.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/schema_model.h"

struct positions {
	uint32_t *items;
	uint32_t count;
};

/* What a part of the expression begins and ends with. */
struct fragment {
	struct positions first;
	struct positions last;
	bool nullable;
};

struct builder {
	struct schema *schema;
	struct schema_type *type;
	struct schema_array states; /* struct schema_state */
	struct schema_array follow; /* struct schema_array of uint32_t, one for each state */
	uint32_t transition_count;
	bool spread;	/* repetition of elements by copies, too, instead of counters */
	uint32_t *seen; /* by state or symbol: the round that met it last */
	uint32_t seen_count;
	uint32_t round;
};

static struct fragment build(struct builder *builder, const struct schema_particle *particle);

static struct positions join(struct builder *builder, struct positions one, struct positions other)
{
	struct positions both = {.count = one.count + other.count};

	if (one.count == 0)
		return other;
	if (other.count == 0)
		return one;
	both.items = schema_allocate(builder->schema, both.count * sizeof(uint32_t));
	memcpy(both.items, one.items, one.count * sizeof(uint32_t));
	memcpy(both.items + one.count, other.items, other.count * sizeof(uint32_t));
	return both;
}

/* A fresh set of small numbers below `count`, empty. */
static void start_round(struct builder *builder, uint32_t count)
{
	if (count > builder->seen_count) {
		builder->seen_count = 2 * count;
		builder->seen = schema_allocate(
			builder->schema, builder->seen_count * sizeof(*builder->seen));
		builder->round = 0;
	}
	builder->round++;
}

/* Add a number to the set; false when it is there already. */
static bool meet(struct builder *builder, uint32_t number)
{
	bool is_new = builder->seen[number] != builder->round;

	builder->seen[number] = builder->round;
	return is_new;
}

static void connect(struct builder *builder, struct schema_array *follow, uint32_t to)
{
	if (++builder->transition_count > SCHEMA_TRANSITIONS_MAX)
		schema_fail(builder->schema, -EINVAL, builder->type->node,
			"the content model is too large");
	*(uint32_t *)schema_append(builder->schema, follow, sizeof(uint32_t)) = to;
}

/* From states to others, all of them younger, so that none is connected yet. */
static void connect_all(struct builder *builder, struct positions from, struct positions to)
{
	for (uint32_t one = 0; one < from.count; one++)
		for (uint32_t other = 0; other < to.count; other++)
			connect(builder,
				&((struct schema_array *)builder->follow.items)[from.items[one]],
				to.items[other]);
}

/* The same for states of any age. */
static void connect_missing(struct builder *builder, struct positions from, struct positions to)
{
	for (uint32_t one = 0; one < from.count; one++) {
		struct schema_array *follow =
			&((struct schema_array *)builder->follow.items)[from.items[one]];

		start_round(builder, builder->states.count);
		for (uint32_t index = 0; index < follow->count; index++)
			meet(builder, ((const uint32_t *)follow->items)[index]);
		for (uint32_t other = 0; other < to.count; other++)
			if (meet(builder, to.items[other]))
				connect(builder, follow, to.items[other]);
	}
}

static uint32_t add_state(struct builder *builder, const struct schema_particle *particle)
{
	struct schema_state *state;

	if (builder->states.count > SCHEMA_POSITIONS_MAX)
		schema_fail(builder->schema, -EINVAL, builder->type->node,
			"the content model has more than %d particles", SCHEMA_POSITIONS_MAX);
	state = schema_append(builder->schema, &builder->states, sizeof(*state));
	state->particle = particle;
	if (particle != NULL) {
		state->repeat_min = particle->min > 1 && !builder->spread ? particle->min : 1;
		state->repeat_max = builder->spread ? 1 : particle->max;
	}
	schema_append(builder->schema, &builder->follow, sizeof(struct schema_array));
	return builder->states.count - 1;
}

static struct fragment leaf(struct builder *builder, const struct schema_particle *particle)
{
	struct fragment fragment = {.nullable = !builder->spread && particle->min == 0};

	fragment.first.items = schema_allocate(builder->schema, sizeof(uint32_t));
	fragment.first.items[0] = add_state(builder, particle);
	fragment.first.count = 1;
	fragment.last = fragment.first;
	return fragment;
}

static struct fragment append(struct builder *builder, struct fragment one, struct fragment other)
{
	struct fragment both;

	connect_all(builder, one.last, other.first);
	both.first = one.nullable ? join(builder, one.first, other.first) : one.first;
	both.last = other.nullable ? join(builder, one.last, other.last) : other.last;
	both.nullable = one.nullable && other.nullable;
	return both;
}

static struct fragment build_sequence(
	struct builder *builder, const struct schema_particle *particle)
{
	struct fragment all = {.nullable = true};

	for (const struct schema_particle *child = particle->children; child != NULL;
		child = child->next)
		if (child->max != 0)
			all = append(builder, all, build(builder, child));
	return all;
}

static struct fragment build_choice(struct builder *builder, const struct schema_particle *particle)
{
	struct fragment all = {.nullable = false};

	for (const struct schema_particle *child = particle->children; child != NULL;
		child = child->next) {
		struct fragment one;

		if (child->max == 0)
			continue;
		one = build(builder, child);
		all.first = join(builder, all.first, one.first);
		all.last = join(builder, all.last, one.last);
		all.nullable |= one.nullable;
	}
	return all;
}

static struct fragment build_once(struct builder *builder, const struct schema_particle *particle)
{
	switch (particle->kind) {
	case SCHEMA_SEQUENCE:
		return build_sequence(builder, particle);
	case SCHEMA_CHOICE:
		return build_choice(builder, particle);
	default:
		return leaf(builder, particle);
	}
}

static void add_positions(
	struct builder *builder, struct schema_array *all, struct positions positions)
{
	for (uint32_t index = 0; index < positions.count; index++)
		*(uint32_t *)schema_append(builder->schema, all, sizeof(uint32_t)) =
			positions.items[index];
}

/*
 * Copies of a group, one for each repetition: each leads to the next one only, because whoever
 * leaves out a copy may as well leave out a later one. The group may end behind any copy that
 * enough others precede; when it may be empty, behind any at all.
 */
static struct fragment build(struct builder *builder, const struct schema_particle *particle)
{
	bool unbounded = particle->max == MW_IMAGE_UNBOUNDED;
	uint32_t copies = !unbounded ? particle->max : particle->min > 1 ? particle->min : 1;
	struct schema_array last = {0};
	struct fragment all = {.nullable = true};
	struct fragment copy = {.nullable = true};

	if (particle->kind != SCHEMA_SEQUENCE && particle->kind != SCHEMA_CHOICE &&
		!builder->spread)
		return leaf(builder, particle);
	for (uint32_t index = 0; index < copies; index++) {
		uint32_t before = builder->states.count;
		struct positions previous = copy.last;

		copy = build_once(builder, particle);
		if (index == 0)
			all = copy;
		connect_all(builder, previous, copy.first);
		if (index < particle->min && !copy.nullable)
			last.count = 0;
		add_positions(builder, &last, copy.last);
		/* Nothing in it: more copies change nothing, and there may be 2^30 of them. */
		if (builder->states.count == before)
			break;
	}
	if (unbounded)
		connect_missing(builder, copy.last, copy.first);
	all.last = (struct positions){last.items, last.count};
	all.nullable = all.nullable || particle->min == 0;
	return all;
}

/* ---- determinism ---- */

static bool overlap(const struct schema *schema, const struct schema_particle *one,
	const struct schema_particle *other)
{
	const struct schema_symbol *symbols = schema->symbols.items;

	if (one->kind == SCHEMA_ELEMENT && other->kind == SCHEMA_ELEMENT)
		return one->symbol == other->symbol;
	if (one->kind == SCHEMA_ELEMENT || other->kind == SCHEMA_ELEMENT) {
		const struct schema_particle *wildcard = one->kind == SCHEMA_ELEMENT ? other : one;
		const struct schema_particle *element = one->kind == SCHEMA_ELEMENT ? one : other;
		uint32_t name_space = symbols[element->symbol].name_space;

		return wildcard->kind == SCHEMA_ANY ||
		       (name_space != MW_IMAGE_NONE && name_space != wildcard->name_space);
	}
	return true;
}

static bool is_variable(const struct schema_state *state)
{
	return state->repeat_max > 1 && state->repeat_min != state->repeat_max;
}

/* "(a{1,5} | b)*": a state that leads back to itself repeats without bound. */
static void absorb_loop(struct builder *builder, struct schema_state *state, uint32_t index)
{
	struct schema_array *follow = &((struct schema_array *)builder->follow.items)[index];
	uint32_t *next = follow->items;
	uint32_t at = 0;

	while (at < follow->count && next[at] != index)
		at++;
	if (at == follow->count || !is_variable(state) || state->repeat_min > 1)
		return;
	state->repeat_max = MW_IMAGE_UNBOUNDED;
	memmove(next + at, next + at + 1, (--follow->count - at) * sizeof(*next));
}

/*
 * Whether states of one particle come together somewhere: copies of it, from a repeated group, or
 * the same state again and next. Which one is taken does not matter to an element's declaration, so
 * XML Schema allows it, but an automaton must know.
 */
static bool has_copies(struct builder *builder, const struct schema_state *states)
{
	for (uint32_t index = 0; index < builder->states.count; index++) {
		const struct schema_array *follow =
			&((const struct schema_array *)builder->follow.items)[index];
		const uint32_t *next = follow->items;

		start_round(builder, builder->schema->particle_count + 1);
		if (states[index].particle != NULL && is_variable(&states[index]))
			meet(builder, states[index].particle->number);
		for (uint32_t one = 0; one < follow->count; one++)
			if (!meet(builder, states[next[one]].particle->number))
				return true;
	}
	return false;
}

static void check_deterministic(
	struct builder *builder, const struct schema_state *states, uint32_t index)
{
	const struct schema_state *state = &states[index];
	const uint32_t *next = state->next;
	const struct schema_particle *wildcard = NULL;

	start_round(builder, builder->schema->symbols.count);
	for (uint32_t one = 0; one < state->next_count; one++) {
		const struct schema_particle *particle = states[next[one]].particle;
		bool is_element = particle->kind == SCHEMA_ELEMENT;

		/* A variable number of repetitions makes "again" and "next" ambiguous. */
		if ((is_element && !meet(builder, particle->symbol)) ||
			(!is_element && wildcard != NULL) ||
			(state->particle != NULL && is_variable(state) &&
				overlap(builder->schema, particle, state->particle)))
			schema_fail(builder->schema, -EINVAL, particle->node,
				"the content model is not deterministic here");
		if (!is_element)
			wildcard = particle;
	}
	for (uint32_t one = 0; wildcard != NULL && one < state->next_count; one++)
		if (states[next[one]].particle != wildcard &&
			overlap(builder->schema, states[next[one]].particle, wildcard))
			schema_fail(builder->schema, -EINVAL, wildcard->node,
				"the content model is not deterministic here");
}

/* Wildcards last, so that an element's own declaration is found before them. */
static void order_next(struct schema_state *states, struct schema_state *state)
{
	uint32_t *next = state->next;
	uint32_t placed = 0;

	for (uint32_t index = 0; index < state->next_count; index++) {
		uint32_t moved = next[index];

		if (states[moved].particle->kind != SCHEMA_ELEMENT)
			continue;
		memmove(next + placed + 1, next + placed, (index - placed) * sizeof(*next));
		next[placed++] = moved;
	}
}

/* Make the states of the type's particle and what follows each of them. */
static void build_all(struct builder *builder)
{
	struct fragment all = {.nullable = true};
	struct positions start = {.count = 1};
	struct schema_state *states;

	builder->states = (struct schema_array){0};
	builder->follow = (struct schema_array){0};
	builder->transition_count = 0;
	start.items = schema_allocate(builder->schema, sizeof(uint32_t));
	start.items[0] = add_state(builder, NULL);
	if (builder->type->particle != NULL && builder->type->particle->max != 0)
		all = build(builder, builder->type->particle);
	connect_all(builder, start, all.first);
	states = builder->states.items;
	states[0].accept = all.nullable;
	for (uint32_t index = 0; index < all.last.count; index++)
		states[all.last.items[index]].accept = true;
	for (uint32_t index = 0; index < builder->states.count; index++) {
		absorb_loop(builder, &states[index], index);
		states[index].next = ((struct schema_array *)builder->follow.items)[index].items;
		states[index].next_count =
			((struct schema_array *)builder->follow.items)[index].count;
	}
}

static int compare_particles(const void *one, const void *other)
{
	const struct schema_particle *first = *(const struct schema_particle *const *)one;
	const struct schema_particle *second = *(const struct schema_particle *const *)other;

	if (first->symbol != second->symbol)
		return first->symbol < second->symbol ? -1 : 1;
	return first->number < second->number ? -1 : first->number > second->number;
}

/* Elements of one name in one content model are of one type ("Element Declarations Consistent",
 * XML Schema part 1, 3.8.6). */
static void check_consistent(struct builder *builder)
{
	const struct schema_state *states = builder->states.items;
	const struct schema_particle **elements =
		schema_allocate(builder->schema, (size_t)builder->states.count * sizeof(*elements));
	size_t count = 0;

	for (uint32_t index = 1; index < builder->states.count; index++)
		if (states[index].particle->kind == SCHEMA_ELEMENT)
			elements[count++] = states[index].particle;
	qsort(elements, count, sizeof(*elements), compare_particles);
	for (size_t index = 1; index < count; index++)
		if (elements[index]->symbol == elements[index - 1]->symbol &&
			elements[index]->type != elements[index - 1]->type)
			schema_fail(builder->schema, -EINVAL, elements[index]->node,
				"an element of this name has another type in the same content "
				"model");
}

void schema_content(struct schema *schema, struct schema_type *type)
{
	struct builder builder = {.schema = schema, .type = type};
	struct schema_state *states;

	if (type->content == MW_IMAGE_CONTENT_SIMPLE)
		return;
	build_all(&builder);
	check_consistent(&builder);
	if (has_copies(&builder, builder.states.items)) {
		/* Without counters, the states that can be meant at once become one state. */
		builder.spread = true;
		build_all(&builder);
		schema_merge(schema, type, &builder.states);
	}
	states = builder.states.items;
	for (uint32_t index = 0; index < builder.states.count; index++) {
		check_deterministic(&builder, states, index);
		order_next(states, &states[index]);
	}
	type->states = states;
	type->state_count = builder.states.count;
	if (type->content == MW_IMAGE_CONTENT_ELEMENTS && type->state_count == 1)
		type->content = MW_IMAGE_CONTENT_EMPTY;
}
