/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exclusive XML Canonicalization 1.0 of SignedInfo. Unlike the inclusive form it depends on the
 * namespaces in scope, of which the parser keeps those at SignedInfo; the few hundred bytes are
 * walked with a scope of their own.
 *
 * All signatures of one signer look alike but for the digest. So the last SignedInfo is kept: when
 * the next one has the same bytes before and behind the text of DigestValue, its canonical form is
 * the kept one with another digest, and even the state of the hash behind the first part is known.
 * That is sound because the kept bytes use one prefix without declaring any, so that nothing but
 * the namespace of that prefix could differ; and the parser has found the element SignedInfo to be
 * in the namespace of XML Signature, which settles it.
 */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "dataplane/duis/fast_core.h"

#define DEPTH_MAX 16
#define RENDERED_MAX 128

struct scope {
	struct fast_span prefix;
	struct fast_span uri; /* its value */
};

struct exclusive {
	struct scope scopes[FAST_BINDINGS_MAX * 2 + FAST_ATTRIBUTES_MAX];
	uint32_t scope_count;
	struct scope rendered[RENDERED_MAX];
	uint32_t rendered_count;
	struct {
		uint32_t scopes;
		uint32_t rendered;
	} frames[DEPTH_MAX];
	uint32_t depth;
	bool uniform; /* one prefix throughout, and nothing declared inside */
	struct fast_span first_prefix;
	struct fast_sink *sink;
	uint8_t values[512]; /* names of namespaces that are written with references */
	uint32_t values_used;
};

static bool same(struct fast_span one, struct fast_span other)
{
	return one.length == other.length && memcmp(one.at, other.at, one.length) == 0;
}

static int compare(struct fast_span one, struct fast_span other)
{
	uint32_t common = one.length < other.length ? one.length : other.length;
	int result = memcmp(one.at, other.at, common);

	return result != 0 ? result : one.length < other.length ? -1 : one.length > other.length;
}

static const struct scope *find(const struct scope *scopes, uint32_t count, struct fast_span prefix)
{
	while (count-- > 0)
		if (same(scopes[count].prefix, prefix))
			return &scopes[count];
	return NULL;
}

static struct fast_span prefix_of(struct fast_span name)
{
	const uint8_t *colon = memchr(name.at, ':', name.length);

	return (struct fast_span){name.at, colon != NULL ? (uint32_t)(colon - name.at) : 0};
}

static bool is_declaration(struct fast_span name)
{
	return name.length >= 5 && memcmp(name.at, "xmlns", 5) == 0 &&
	       (name.length == 5 || name.at[5] == ':');
}

/* Render the prefix when no ancestor in the output has it with the same value. */
static bool use_prefix(struct exclusive *state, struct fast_span prefix)
{
	const struct scope *bound = find(state->scopes, state->scope_count, prefix);
	const struct scope *known = find(state->rendered, state->rendered_count, prefix);

	if (state->first_prefix.at == NULL)
		state->first_prefix = prefix;
	state->uniform &= same(prefix, state->first_prefix);
	if (prefix.length == 3 && memcmp(prefix.at, "xml", 3) == 0)
		return true;
	if (bound == NULL || bound->uri.length == 0) {
		/* No default namespace: said only where the output has one. */
		if (known == NULL || known->uri.length == 0)
			return true;
	} else if (known != NULL && same(known->uri, bound->uri)) {
		return true;
	}
	if (state->rendered_count == RENDERED_MAX)
		return false;
	state->rendered[state->rendered_count++] = (struct scope){
		prefix, bound != NULL ? bound->uri : (struct fast_span){prefix.at, 0}};
	return true;
}

static void emit_uri(struct fast_span uri, struct fast_sink *sink)
{
	for (uint32_t index = 0; index < uri.length; index++) {
		const uint8_t *at = &uri.at[index];

		if (*at == '&')
			FAST_EMIT(sink, "&amp;");
		else if (*at == '<')
			FAST_EMIT(sink, "&lt;");
		else if (*at == '"')
			FAST_EMIT(sink, "&quot;");
		else if (*at == '\t')
			FAST_EMIT(sink, "&#x9;");
		else if (*at == '\n')
			FAST_EMIT(sink, "&#xA;");
		else if (*at == '\r')
			FAST_EMIT(sink, "&#xD;");
		else
			fast_emit(sink, at, 1);
	}
}

static void emit_rendered(struct exclusive *state, uint32_t first)
{
	/* Few: sorted by insertion. */
	for (uint32_t index = first + 1; index < state->rendered_count; index++)
		for (uint32_t at = index; at > first && compare(state->rendered[at].prefix,
								state->rendered[at - 1].prefix) < 0;
			at--) {
			struct scope swapped = state->rendered[at];

			state->rendered[at] = state->rendered[at - 1];
			state->rendered[at - 1] = swapped;
		}
	for (uint32_t index = first; index < state->rendered_count; index++) {
		const struct scope *scope = &state->rendered[index];

		FAST_EMIT(state->sink, " xmlns");
		if (scope->prefix.length > 0)
			FAST_EMIT(state->sink, ":");
		fast_emit(state->sink, scope->prefix.at, scope->prefix.length);
		FAST_EMIT(state->sink, "=\"");
		emit_uri(scope->uri, state->sink);
		FAST_EMIT(state->sink, "\"");
	}
}

static int attribute_compare(const struct exclusive *state, const struct fast_raw_attribute *one,
	const struct fast_raw_attribute *other)
{
	struct fast_span spans[2] = {prefix_of(one->name), prefix_of(other->name)};
	struct fast_span names[2] = {one->name, other->name};
	struct fast_span uris[2];
	int result;

	for (unsigned index = 0; index < 2; index++) {
		const struct scope *scope = NULL;

		if (spans[index].length > 0) {
			scope = find(state->scopes, state->scope_count, spans[index]);
			names[index].at += spans[index].length + 1;
			names[index].length -= spans[index].length + 1;
		}
		uris[index] = scope != NULL ? scope->uri : (struct fast_span){names[index].at, 0};
	}
	result = compare(uris[0], uris[1]);
	return result != 0 ? result : compare(names[0], names[1]);
}

static void emit_attributes(
	struct exclusive *state, struct fast_raw_attribute *attributes, uint32_t count)
{
	for (uint32_t index = 1; index < count; index++)
		for (uint32_t at = index; at > 0 && attribute_compare(state, &attributes[at],
							    &attributes[at - 1]) < 0;
			at--) {
			struct fast_raw_attribute swapped = attributes[at];

			attributes[at] = attributes[at - 1];
			attributes[at - 1] = swapped;
		}
	for (uint32_t index = 0; index < count; index++) {
		FAST_EMIT(state->sink, " ");
		fast_emit(state->sink, attributes[index].name.at, attributes[index].name.length);
		FAST_EMIT(state->sink, "=\"");
		fast_emit_value(attributes[index].value, state->sink);
		FAST_EMIT(state->sink, "\"");
	}
}

static void pop(struct exclusive *state)
{
	state->depth--;
	state->scope_count = state->frames[state->depth].scopes;
	state->rendered_count = state->frames[state->depth].rendered;
}

/* Returns what follows the tag, or NULL beyond the bounds. */
static const uint8_t *start_tag(struct exclusive *state, const uint8_t *at)
{
	struct fast_raw_attribute attributes[FAST_ATTRIBUTES_MAX];
	struct fast_span name = {at + 1, 0};
	uint32_t rendered = state->rendered_count;
	uint32_t count;
	uint32_t kept = 0;

	if (state->depth == DEPTH_MAX)
		return NULL;
	state->frames[state->depth].scopes = state->scope_count;
	state->frames[state->depth++].rendered = rendered;
	at = fast_raw_name(name.at);
	name.length = (uint32_t)(at - name.at);
	at = fast_raw_attributes(at, attributes, &count);
	for (uint32_t index = 0; index < count; index++) {
		struct fast_raw_attribute attribute = attributes[index];

		if (!is_declaration(attribute.name)) {
			attributes[kept++] = attribute;
			continue;
		}
		state->uniform = false;
		assert(state->scope_count < sizeof(state->scopes) / sizeof(state->scopes[0]));
		if (!fast_value_of(attribute.value, state->values, sizeof(state->values),
			    &state->values_used, &attribute.value))
			return NULL;
		state->scopes[state->scope_count++] = (struct scope){
			attribute.name.length > 5 ? (struct fast_span){attribute.name.at + 6,
							    attribute.name.length - 6}
						  : (struct fast_span){attribute.name.at, 0},
			attribute.value};
	}
	if (!use_prefix(state, prefix_of(name)))
		return NULL;
	for (uint32_t index = 0; index < kept; index++)
		if (prefix_of(attributes[index].name).length > 0 &&
			!use_prefix(state, prefix_of(attributes[index].name)))
			return NULL;
	FAST_EMIT(state->sink, "<");
	fast_emit(state->sink, name.at, name.length);
	emit_rendered(state, rendered);
	emit_attributes(state, attributes, kept);
	FAST_EMIT(state->sink, ">");
	if (*at == '>')
		return at + 1;
	FAST_EMIT(state->sink, "</");
	fast_emit(state->sink, name.at, name.length);
	FAST_EMIT(state->sink, ">");
	pop(state);
	return at + 2;
}

static bool walk(const struct duis_fast_engine *engine, struct exclusive *state)
{
	const struct fast_part *part = &engine->parts[FAST_ROLE_SIGNED_INFO];
	const uint8_t *at = engine->bytes + part->offset;
	const uint8_t *stop = engine->bytes + part->end;

	state->scope_count = 0;
	state->rendered_count = 0;
	state->depth = 0;
	state->uniform = true;
	state->first_prefix.at = NULL;
	state->values_used = 0;
	for (uint32_t index = 0; index < engine->signature_bindings; index++)
		state->scopes[state->scope_count++] =
			(struct scope){engine->bindings[index].prefix, engine->bindings[index].uri};
	while (at < stop) {
		if (*at == '<' && at[1] != '/' && at[1] != '!' && at[1] != '?') {
			at = start_tag(state, at);
			if (at == NULL)
				return false;
			continue;
		}
		if (at[0] == '<' && at[1] == '/')
			pop(state);
		at = fast_emit_other(at, stop, state->sink);
	}
	return true;
}

/* ---- the kept one ---- */

/* The three parts of SignedInfo: before, in and behind the text of DigestValue. */
struct shape {
	struct fast_span head;
	struct fast_span digest;
	struct fast_span tail;
};

static bool find_shape(const struct duis_fast_engine *engine, struct shape *shape)
{
	const struct fast_part *info = &engine->parts[FAST_ROLE_SIGNED_INFO];
	const struct fast_part *value = &engine->parts[FAST_ROLE_DIGEST_VALUE];
	const uint8_t *start = engine->bytes + info->offset;
	const uint8_t *stop = engine->bytes + info->end;

	/* Plain text only: 44 characters of base64, all of them needed for 32 octets, as they stand
	 * in the document. */
	if (value->count != 1 || value->value.at < start || value->value.at >= stop ||
		value->value.length != 44 || value->octets != 32 || value->value.at[44] != '<')
		return false;
	shape->head = (struct fast_span){start, (uint32_t)(value->value.at - start)};
	shape->digest = value->value;
	shape->tail.at = value->value.at + 44;
	shape->tail.length = (uint32_t)(stop - shape->tail.at);
	return shape->head.length <= sizeof(engine->signed_info_cache.head) &&
	       shape->tail.length <= sizeof(engine->signed_info_cache.tail);
}

static bool is_kept(const struct duis_fast_engine *engine, const struct shape *shape)
{
	return engine->signed_info_cache.valid &&
	       engine->signed_info_cache.head_length == shape->head.length &&
	       engine->signed_info_cache.tail_length == shape->tail.length &&
	       memcmp(engine->signed_info_cache.head, shape->head.at, shape->head.length) == 0 &&
	       memcmp(engine->signed_info_cache.tail, shape->tail.at, shape->tail.length) == 0;
}

static void no_room(struct fast_sink *sink, const uint8_t *bytes, size_t length)
{
	(void)bytes;
	if (length == 0)
		return;
	sink->at = NULL;
	sink->stop = NULL;
}

/* The end of the canonical form from the last whole block before the digest on, padded as SHA-256
 * wants it (FIPS 180-4, section 5.1.1). */
static void keep_rest(struct duis_fast_engine *engine)
{
	const uint8_t *head = engine->signed_info_cache.canonical_head;
	uint32_t head_length = engine->signed_info_cache.canonical_head_length;
	uint32_t tail_length = engine->signed_info_cache.canonical_tail_length;
	uint8_t *rest = engine->signed_info_cache.rest;
	uint32_t whole = head_length / 64 * 64;
	uint32_t used = head_length - whole;
	uint64_t bits = (uint64_t)(head_length + 44 + tail_length) * 8;

	static_assert(sizeof(engine->signed_info_cache.rest) >=
			      63 + 44 + sizeof(engine->signed_info_cache.canonical_tail) + 9 + 63,
		"rest");
	SHA256_Init(&engine->signed_info_cache.state);
	SHA256_Update(&engine->signed_info_cache.state, head, whole);
	memset(rest, 0, sizeof(engine->signed_info_cache.rest));
	memcpy(rest, head + whole, used);
	engine->signed_info_cache.gap = used;
	used += 44;
	memcpy(rest + used, engine->signed_info_cache.canonical_tail, tail_length);
	used += tail_length;
	rest[used++] = 0x80;
	used = (used + 8 + 63) / 64 * 64;
	for (unsigned index = 1; index <= 8; index++, bits >>= 8)
		rest[used - index] = (uint8_t)bits;
	engine->signed_info_cache.rest_size = used;
}

static void keep(struct duis_fast_engine *engine, const struct shape *shape)
{
	uint8_t bytes[2048];
	struct fast_sink sink = {bytes, bytes + sizeof(bytes), no_room};
	struct exclusive state;
	const uint8_t *found;
	size_t length;
	size_t head;
	size_t tail;

	engine->signed_info_cache.valid = false;
	state.sink = &sink;
	if (!walk(engine, &state) || !state.uniform || sink.at == NULL)
		return;
	length = (size_t)(sink.at - bytes);
	found = memmem(bytes, length, shape->digest.at, shape->digest.length);
	if (found == NULL)
		return;
	head = (size_t)(found - bytes);
	tail = length - head - shape->digest.length;
	if (head > sizeof(engine->signed_info_cache.canonical_head) ||
		tail > sizeof(engine->signed_info_cache.canonical_tail))
		return;
	memcpy(engine->signed_info_cache.head, shape->head.at, shape->head.length);
	engine->signed_info_cache.head_length = shape->head.length;
	memcpy(engine->signed_info_cache.tail, shape->tail.at, shape->tail.length);
	engine->signed_info_cache.tail_length = shape->tail.length;
	memcpy(engine->signed_info_cache.canonical_head, bytes, head);
	engine->signed_info_cache.canonical_head_length = (uint32_t)head;
	memcpy(engine->signed_info_cache.canonical_tail, found + shape->digest.length, tail);
	engine->signed_info_cache.canonical_tail_length = (uint32_t)tail;
	keep_rest(engine);
	engine->signed_info_cache.valid = true;
}

bool fast_canonical_signed_info(struct duis_fast_engine *engine, struct fast_sink *sink)
{
	struct exclusive state;
	struct shape shape;

	if (find_shape(engine, &shape)) {
		if (!is_kept(engine, &shape))
			keep(engine, &shape);
		if (engine->signed_info_cache.valid) {
			fast_emit(sink, engine->signed_info_cache.canonical_head,
				engine->signed_info_cache.canonical_head_length);
			fast_emit(sink, shape.digest.at, shape.digest.length);
			fast_emit(sink, engine->signed_info_cache.canonical_tail,
				engine->signed_info_cache.canonical_tail_length);
			return true;
		}
	}
	state.sink = sink;
	return walk(engine, &state);
}

/* The kept form with another digest. */
static void digest_kept(
	struct duis_fast_engine *engine, const struct shape *shape, uint8_t digest[32])
{
	SHA256_CTX context = engine->signed_info_cache.state;

	memcpy(engine->signed_info_cache.rest + engine->signed_info_cache.gap, shape->digest.at,
		44);
	SHA256_Update(
		&context, engine->signed_info_cache.rest, engine->signed_info_cache.rest_size);
	for (unsigned index = 0; index < 8; index++) {
		uint32_t word = htobe32(context.h[index]);

		memcpy(digest + 4 * index, &word, 4);
	}
}

bool fast_digest_signed_info(struct duis_fast_engine *engine, uint8_t digest[32])
{
	struct fast_hash hash;
	struct shape shape;

	if (find_shape(engine, &shape)) {
		if (!is_kept(engine, &shape))
			keep(engine, &shape);
		if (engine->signed_info_cache.valid) {
			digest_kept(engine, &shape, digest);
			return true;
		}
	}
	fast_hash_begin(&hash);
	if (!fast_canonical_signed_info(engine, &hash.sink))
		return false;
	fast_hash_end(&hash, digest);
	return true;
}
