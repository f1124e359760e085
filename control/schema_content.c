/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the particles of a type to its position automaton (Glushkov's construction). Every element
 * and wildcard particle is a position; first, last and follow sets give the automaton. A particle's
 * own repetition is left to the counter of its state; only repetition of groups is unrolled
 * (bounded) or looped (unbounded). XML Schema demands that the result is deterministic ("unique
 * particle attribution"), which is checked here.
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

static void connect(struct builder *builder, uint32_t from, uint32_t to)
{
	struct schema_array *follow = &((struct schema_array *)builder->follow.items)[from];
	const uint32_t *present = follow->items;

	for (uint32_t index = 0; index < follow->count; index++)
		if (present[index] == to)
			return;
	if (++builder->transition_count > SCHEMA_TRANSITIONS_MAX)
		schema_fail(builder->schema, -EINVAL, builder->type->node,
			"the content model is too large");
	*(uint32_t *)schema_append(builder->schema, follow, sizeof(uint32_t)) = to;
}

static void connect_all(struct builder *builder, struct positions from, struct positions to)
{
	for (uint32_t one = 0; one < from.count; one++)
		for (uint32_t other = 0; other < to.count; other++)
			connect(builder, from.items[one], to.items[other]);
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
		state->repeat_min = particle->min > 1 ? particle->min : 1;
		state->repeat_max = particle->max;
	}
	schema_append(builder->schema, &builder->follow, sizeof(struct schema_array));
	return builder->states.count - 1;
}

static struct fragment leaf(struct builder *builder, const struct schema_particle *particle)
{
	struct fragment fragment = {.nullable = particle->min == 0};

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
	return particle->kind == SCHEMA_SEQUENCE ? build_sequence(builder, particle)
						 : build_choice(builder, particle);
}

static struct fragment build(struct builder *builder, const struct schema_particle *particle)
{
	struct fragment all = {.nullable = true};
	uint32_t copies = particle->max;

	if (particle->kind != SCHEMA_SEQUENCE && particle->kind != SCHEMA_CHOICE)
		return leaf(builder, particle);
	if (particle->max == MW_IMAGE_UNBOUNDED)
		copies = particle->min > 1 ? particle->min : 1;
	/* Optional copies: each may end the group, so each is appended as nullable. */
	for (uint32_t index = 0; index < copies; index++) {
		struct fragment one = build_once(builder, particle);

		if (particle->max == MW_IMAGE_UNBOUNDED && index == copies - 1)
			connect_all(builder, one.last, one.first);
		if (index >= particle->min)
			one.nullable = true;
		all = append(builder, all, one);
	}
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

static void check_deterministic(
	struct builder *builder, const struct schema_state *states, uint32_t index)
{
	const struct schema_array *follow =
		&((const struct schema_array *)builder->follow.items)[index];
	const uint32_t *next = follow->items;
	const struct schema_state *state = &states[index];

	for (uint32_t one = 0; one < follow->count; one++) {
		const struct schema_particle *particle = states[next[one]].particle;

		for (uint32_t other = 0; other < one; other++)
			if (overlap(builder->schema, particle, states[next[other]].particle))
				schema_fail(builder->schema, -EINVAL, particle->node,
					"the content model is not deterministic here");
		/* A variable number of repetitions makes "again" and "next" ambiguous. */
		if (state->particle != NULL && state->repeat_max > 1 &&
			state->repeat_min != state->repeat_max &&
			overlap(builder->schema, particle, state->particle))
			schema_fail(builder->schema, -EINVAL, particle->node,
				"the content model is not deterministic here");
	}
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

void schema_content(struct schema *schema, struct schema_type *type)
{
	struct builder builder = {.schema = schema, .type = type};
	struct fragment all = {.nullable = true};
	struct positions start = {.count = 1};
	struct schema_state *states;

	if (type->content == MW_IMAGE_CONTENT_SIMPLE)
		return;
	start.items = schema_allocate(schema, sizeof(uint32_t));
	start.items[0] = add_state(&builder, NULL);
	if (type->particle != NULL && type->particle->max != 0)
		all = build(&builder, type->particle);
	connect_all(&builder, start, all.first);
	states = builder.states.items;
	states[0].accept = all.nullable;
	for (uint32_t index = 0; index < all.last.count; index++)
		states[all.last.items[index]].accept = true;
	for (uint32_t index = 0; index < builder.states.count; index++) {
		const struct schema_array *follow =
			&((const struct schema_array *)builder.follow.items)[index];

		check_deterministic(&builder, states, index);
		states[index].next = follow->items;
		states[index].next_count = follow->count;
		order_next(states, &states[index]);
	}
	type->states = states;
	type->state_count = builder.states.count;
	if (type->content == MW_IMAGE_CONTENT_ELEMENTS && type->state_count == 1)
		type->content = MW_IMAGE_CONTENT_EMPTY;
}
