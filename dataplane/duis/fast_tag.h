/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags: attributes, namespaces (Namespaces in XML 1.0), and whether a tag is its own canonical
 * form. Included by fast_parse.c only.
 */
#ifndef DUIS_FAST_TAG_H
#define DUIS_FAST_TAG_H

#include "dataplane/duis/fast_markup.h"

/* memcmp() for what is mostly a few bytes. */
FAST_INLINE bool same_bytes(const uint8_t *one, const uint8_t *other, uint32_t length)
{
	if (length > 8)
		return memcmp(one, other, length) == 0;
	for (uint32_t index = 0; index < length; index++)
		if (one[index] != other[index])
			return false;
	return true;
}

FAST_INLINE bool span_is(struct fast_span span, const char *text, uint32_t length)
{
	return span.length == length && memcmp(span.at, text, length) == 0;
}

#define SPAN_IS(span, text) span_is(span, text, sizeof(text) - 1)

FAST_INLINE bool span_same(struct fast_span one, struct fast_span other)
{
	return one.length == other.length && same_bytes(one.at, other.at, one.length);
}

/* ---- values of attributes ---- */

/* A value that is more than plain characters: up to its closing quote. */
static FAST_APART const uint8_t *parse_rough_value(
	struct duis_fast_engine *engine, const uint8_t *at, uint8_t quote)
{
	const uint8_t *start = at;
	enum scan_class class = quote == '"' ? SCAN_QUOTED : SCAN_APOSTROPHED;

	for (;;) {
		uint32_t character;

		at = scan_near(at, engine->end, class);
		if (at >= engine->end)
			return NOT_WELL_FORMED(engine, start, "an attribute value is not closed");
		if (*at == quote)
			return at;
		if (*at == '<')
			return NOT_WELL_FORMED(
				engine, at, "'<' is not allowed in an attribute value");
		at = *at == '&' ? parse_reference(engine, at, &character)
				: parse_characters(engine, at);
		if (at == NULL)
			return NULL;
	}
}

/* Normalise a value (XML 1.0, section 3.3.3) into scratch memory; it is known to be well-formed. */
static FAST_APART void settle_rough(
	struct duis_fast_engine *engine, struct fast_attribute *attribute)
{
	const uint8_t *at = attribute->value.at;
	const uint8_t *stop = at + attribute->value.length;
	uint8_t *out = engine->scratch + engine->scratch_used;

	attribute->rough = false;
	attribute->value.at = out;
	while (at < stop) {
		if (*at == '&') {
			uint32_t character = 0;

			at = parse_reference(engine, at, &character);
			out += utf8_encode(character, out);
			continue;
		}
		*out = is_blank(*at) ? ' ' : *at;
		/* The LF behind a CR is one with it; before the value stands its quote. */
		out += !(*at == '\n' && at[-1] == '\r');
		at++;
	}
	attribute->value.length = (uint32_t)(out - attribute->value.at);
	engine->scratch_used += attribute->value.length;
}

/* Whoever looks at a value asks for it here. */
FAST_INLINE struct fast_span settle(
	struct duis_fast_engine *engine, struct fast_attribute *attribute)
{
	if (unlikely(attribute->rough))
		settle_rough(engine, attribute);
	return attribute->value;
}

/* From behind an attribute's name to behind the quote before its value, when there is more than
 * "=\"" between. */
static FAST_APART const uint8_t *parse_equals(struct duis_fast_engine *engine, const uint8_t *at)
{
	const uint8_t *equals = skip_blanks(at, engine->end);

	if (equals >= engine->end || *equals != '=')
		return NOT_WELL_FORMED(
			engine, equals, "'=' is expected behind an attribute's name");
	at = skip_blanks(equals + 1, engine->end);
	if (at >= engine->end || (*at != '"' && *at != '\''))
		return NOT_WELL_FORMED(
			engine, at, "a quote is expected before an attribute's value");
	engine->tag_clean = false;
	return at + 1;
}

/* One attribute: name, '=', value. */
FAST_INLINE const uint8_t *parse_attribute(
	struct duis_fast_engine *engine, const uint8_t *at, struct fast_attribute *attribute)
{
	const uint8_t *start = at;
	uint8_t quote;

	at = parse_name(engine, at, &attribute->prefix_length);
	if (at == NULL)
		return NULL;
	attribute->name = (struct fast_span){start, (uint32_t)(at - start)};
	if (likely(engine->end - at > 2 && at[0] == '=' && at[1] == '"'))
		at += 2;
	else if ((at = parse_equals(engine, at)) == NULL)
		return NULL;
	quote = at[-1];
	attribute->raw_offset = offset_of(engine, at);
	attribute->value.at = at;
	attribute->rough = false;
	/* Few bytes without a vector, for which the rest would have to wait. */
	for (unsigned few = 0; few < 4 && at < engine->end && scan_is(*at, SCAN_VALUE); few++)
		at++;
	if (at < engine->end && *at != quote)
		at = scan_run(at, engine->end, SCAN_VALUE);
	if (unlikely(at >= engine->end || *at != quote)) {
		at = parse_rough_value(engine, at, quote);
		if (at == NULL)
			return NULL;
		attribute->rough = true;
		engine->tag_clean = false;
	}
	attribute->value.length = (uint32_t)(at - attribute->value.at);
	attribute->is_declaration = attribute->name.length >= 5 && memcmp(start, "xmlns", 5) == 0 &&
				    (attribute->name.length == 5 || attribute->prefix_length == 5);
	attribute->redundant = false;
	attribute->name_space = FAST_NAMESPACE_NONE;
	attribute->uri = (struct fast_span){start, 0};
	engine->declaration_count += attribute->is_declaration;
	engine->prefixed_count += attribute->prefix_length > 0 && !attribute->is_declaration;
	return at + 1;
}

/* No two declarations, and no two attributes without a prefix, of the same name. */
static FAST_APART const uint8_t *check_duplicates(struct duis_fast_engine *engine)
{
	uint8_t table[256] = {0};

	for (uint32_t index = 0; index < engine->attribute_count; index++) {
		struct fast_span name = engine->attributes[index].name;
		uint64_t slot;

		/* The others are compared with their namespaces. */
		if (engine->attributes[index].prefix_length > 0 &&
			!engine->attributes[index].is_declaration)
			continue;
		slot = fast_hash(engine, name.at, name.length);
		for (; table[slot & 255] != 0; slot++)
			if (span_same(engine->attributes[table[slot & 255] - 1].name, name))
				return NOT_WELL_FORMED(
					engine, name.at, "an attribute is given twice");
		table[slot & 255] = (uint8_t)(index + 1);
	}
	return engine->bytes;
}

/* From behind the element's name to its '>' or '/>'. */
static inline const uint8_t *parse_attributes(
	struct duis_fast_engine *engine, const uint8_t *at, const uint8_t *tag)
{
	engine->attribute_count = 0;
	engine->declaration_count = 0;
	engine->prefixed_count = 0;
	for (;;) {
		const uint8_t *blanks = at;

		if (at < engine->end && *at == ' ')
			at++;
		at = skip_blanks(at, engine->end);
		if (at >= engine->end)
			return NOT_WELL_FORMED(engine, tag, "a tag is not closed");
		if (*at == '>') {
			engine->tag_clean &= at == blanks;
			break;
		}
		if (*at == '/') {
			if (!begins(engine, at, "/>", 2))
				return NOT_WELL_FORMED(engine, at, "'>' is expected behind '/'");
			engine->tag_clean = false;
			break;
		}
		if (at == blanks)
			return NOT_WELL_FORMED(engine, at, "white space or '>' is expected here");
		if (at != blanks + 1 || *blanks != ' ')
			engine->tag_clean = false;
		if (engine->attribute_count == FAST_ATTRIBUTES_MAX)
			return fast_fail(engine, DUIS_ERROR_TOO_LARGE, tag,
				"an element has more than 64 attributes");
		at = parse_attribute(engine, at, &engine->attributes[engine->attribute_count]);
		if (at == NULL)
			return NULL;
		engine->attribute_count++;
	}
	if (engine->attribute_count == 2) {
		if (unlikely(span_same(engine->attributes[0].name, engine->attributes[1].name)))
			return NOT_WELL_FORMED(engine, engine->attributes[1].name.at,
				"an attribute is given twice");
	} else if (engine->attribute_count > 2 &&
		   engine->attribute_count > engine->prefixed_count + 1 &&
		   check_duplicates(engine) == NULL) {
		return NULL;
	}
	return at;
}

/* ---- namespaces ---- */

/* Forget which prefixes named which namespace: the declarations in scope have changed. Mostly there
 * is nothing to be forgotten behind elements that nobody knows. */
static inline void forget_prefixes(struct duis_fast_engine *engine)
{
	uint32_t count = engine->image->counts[MW_IMAGE_NAMESPACES];

	if (!engine->quick_known)
		return;
	engine->quick_known = false;
	for (uint32_t index = 0; index <= count; index++)
		engine->quick[index] = (struct fast_quick){.word = 1};
}

static inline uint32_t namespace_of(const struct duis_image *image, struct fast_span uri)
{
	if (uri.length == 0)
		return FAST_NAMESPACE_NONE;
	for (uint32_t index = 0; index < image->counts[MW_IMAGE_NAMESPACES]; index++)
		if (image->namespaces[index].length == uri.length &&
			memcmp(image->text + image->namespaces[index].offset, uri.at, uri.length) ==
				0)
			return index;
	if (SPAN_IS(uri, FAST_XSI_NAMESPACE))
		return FAST_NAMESPACE_XSI;
	return FAST_NAMESPACE_OTHER;
}

/* Where bindings of this prefix are listed. */
FAST_INLINE uint8_t binding_slot(
	const struct duis_fast_engine *engine, const uint8_t *prefix, uint32_t length)
{
	return length == 0
		       ? FAST_BINDING_SLOTS - 1
		       : (uint8_t)(fast_hash(engine, prefix, length) % (FAST_BINDING_SLOTS - 1));
}

/* The innermost binding of the prefix among the first `count` ones. */
FAST_INLINE const struct fast_binding *find_binding_in(const struct duis_fast_engine *engine,
	uint8_t slot, const uint8_t *prefix, uint32_t length, uint32_t count)
{
	uint32_t next = engine->binding_slots[slot];

	for (; next > 0; next = engine->bindings[next - 1].previous) {
		const struct fast_binding *binding = &engine->bindings[next - 1];

		if (next <= count && binding->prefix.length == length &&
			same_bytes(binding->prefix.at, prefix, length))
			return binding;
	}
	return NULL;
}

FAST_INLINE const struct fast_binding *find_binding(const struct duis_fast_engine *engine,
	const uint8_t *prefix, uint32_t length, uint32_t count)
{
	return find_binding_in(engine, binding_slot(engine, prefix, length), prefix, length, count);
}

/* One more in scope. */
FAST_INLINE void add_binding(struct duis_fast_engine *engine, uint8_t slot, struct fast_span prefix,
	struct fast_span uri, uint32_t name_space)
{
	struct fast_binding *binding = &engine->bindings[engine->binding_count++];

	*binding = (struct fast_binding){.prefix = prefix,
		.uri = uri,
		.name_space = name_space,
		.uri_hash = fast_hash(engine, uri.at, uri.length),
		.slot = slot,
		.previous = engine->binding_slots[slot]};
	engine->binding_slots[slot] = (uint8_t)engine->binding_count;
}

/* The innermost ones leave until `count` are in scope. */
static inline void drop_bindings(struct duis_fast_engine *engine, uint32_t count)
{
	if (likely(engine->binding_count == count))
		return;
	while (engine->binding_count > count) {
		const struct fast_binding *binding = &engine->bindings[--engine->binding_count];

		engine->binding_slots[binding->slot] = binding->previous;
	}
	forget_prefixes(engine);
}

/* Canonical XML is not defined for namespace names that are relative references. */
static bool is_absolute(struct fast_span uri)
{
	if (uri.length == 0)
		return true;
	if (uri.length > 5 && memcmp(uri.at, "http:", 5) == 0)
		return true;
	for (uint32_t index = 0; index < uri.length; index++) {
		uint8_t byte = uri.at[index];

		if (byte == ':' && index > 0)
			return true;
		if (!((uint8_t)((byte | 32) - 'a') < 26) &&
			(index == 0 ||
				(!is_digit(byte) && byte != '+' && byte != '-' && byte != '.')))
			return false;
	}
	return false;
}

/* Namespaces in XML 1.0, section 3: what may not be declared. Returns NULL or the rule. */
static const char *declaration_fault(struct fast_span prefix, struct fast_span uri)
{
	bool is_xml = SPAN_IS(uri, FAST_XML_NAMESPACE);

	if (SPAN_IS(prefix, "xmlns"))
		return "the prefix xmlns may not be declared";
	if (SPAN_IS(prefix, "xml") != is_xml)
		return "the prefix xml and its namespace belong together";
	if (SPAN_IS(uri, FAST_XMLNS_NAMESPACE))
		return "the namespace of xmlns may not be declared";
	if (prefix.length > 0 && uri.length == 0)
		return "a prefix may not be undeclared";
	return NULL;
}

/* Bring the tag's declarations into scope. */
static inline const uint8_t *declare(struct duis_fast_engine *engine, const uint8_t *tag)
{
	uint32_t outer = engine->binding_count;

	if (outer + engine->declaration_count > FAST_BINDINGS_MAX)
		return fast_fail(engine, DUIS_ERROR_TOO_LARGE, tag,
			"more than 64 namespace declarations are in scope");
	for (uint32_t index = 0; index < engine->attribute_count; index++) {
		struct fast_attribute *attribute = &engine->attributes[index];
		struct fast_span prefix = {attribute->name.at + 6, 0};
		const struct fast_binding *present;
		struct fast_span uri;
		uint32_t name_space;
		const char *fault;
		uint8_t slot;

		if (!attribute->is_declaration)
			continue;
		uri = settle(engine, attribute);
		if (attribute->name.length > 6)
			prefix.length = attribute->name.length - 6;
		fault = declaration_fault(prefix, uri);
		if (fault != NULL)
			return NOT_WELL_FORMED(engine, attribute->name.at, fault);
		name_space = namespace_of(engine->image, uri);
		if (name_space == FAST_NAMESPACE_OTHER &&
			!uri_strict((struct fast_value){uri.at, uri.at + uri.length, NULL}))
			return NOT_WELL_FORMED(engine, attribute->name.at,
				"the name of a namespace must be a URI");
		if (!is_absolute(uri))
			fast_invalid(
				engine, tag, "the name of a namespace must be an absolute URI");
		slot = binding_slot(engine, prefix.at, prefix.length);
		present = find_binding_in(engine, slot, prefix.at, prefix.length, outer);
		/* The prefix xml is in scope everywhere and never written in canonical form. */
		attribute->redundant = present != NULL ? span_same(present->uri, uri)
						       : uri.length == 0 || SPAN_IS(prefix, "xml");
		engine->tag_clean &= !attribute->redundant;
		add_binding(engine, slot, prefix, uri, name_space);
	}
	forget_prefixes(engine);
	return tag;
}

/* The binding of a name's prefix, or NULL when it is not declared. */
static inline const struct fast_binding *resolve(
	const struct duis_fast_engine *engine, const uint8_t *name, uint32_t prefix_length)
{
	static const struct fast_binding none = {.name_space = FAST_NAMESPACE_NONE};
	static const struct fast_binding xml = {.name_space = FAST_NAMESPACE_XML,
		.uri = {(const uint8_t *)FAST_XML_NAMESPACE, sizeof(FAST_XML_NAMESPACE) - 1}};
	const struct fast_binding *binding =
		find_binding(engine, name, prefix_length, engine->binding_count);

	if (likely(binding != NULL))
		return binding;
	if (prefix_length == 3 && memcmp(name, "xml", 3) == 0)
		return &xml;
	return prefix_length == 0 ? &none : NULL;
}

FAST_INLINE struct fast_span local_name(const struct fast_attribute *attribute)
{
	uint32_t local = attribute->prefix_length > 0 ? attribute->prefix_length + 1 : 0;

	return (struct fast_span){attribute->name.at + local, attribute->name.length - local};
}

/* No two of the attributes with prefixes have the same expanded name. `table` has one entry for
 * those with each hash so far. */
static inline bool is_expanded_twice(
	struct duis_fast_engine *engine, uint32_t index, uint64_t uri_hash, uint8_t table[256])
{
	struct fast_attribute *attribute = &engine->attributes[index];
	struct fast_span local = local_name(attribute);
	uint32_t slot;

	attribute->hash = (uint32_t)(fast_hash(engine, local.at, local.length) + uri_hash);
	for (slot = attribute->hash; table[slot & 255] != 0; slot++) {
		const struct fast_attribute *before = &engine->attributes[table[slot & 255] - 1];

		if (before->hash == attribute->hash && span_same(local, local_name(before)) &&
			span_same(before->uri, attribute->uri))
			return true;
	}
	table[slot & 255] = (uint8_t)(index + 1);
	return false;
}

/* Prefixes of the attributes, and that no two have the same expanded name. */
static FAST_APART const uint8_t *resolve_attributes(struct duis_fast_engine *engine)
{
	uint8_t table[256];
	const struct fast_attribute *last = NULL;
	const struct fast_binding *binding = NULL;

	if (engine->prefixed_count > 1)
		memset(table, 0, sizeof(table));

	for (uint32_t index = 0; index < engine->attribute_count; index++) {
		struct fast_attribute *attribute = &engine->attributes[index];

		if (attribute->is_declaration || attribute->prefix_length == 0)
			continue;
		if (last == NULL || last->prefix_length != attribute->prefix_length ||
			memcmp(last->name.at, attribute->name.at, last->prefix_length) != 0)
			binding = resolve(engine, attribute->name.at, attribute->prefix_length);
		if (binding == NULL)
			return NOT_WELL_FORMED(engine, attribute->name.at,
				"the prefix of an attribute is not declared");
		last = attribute;
		attribute->name_space = binding->name_space;
		attribute->uri = binding->uri;
		if (engine->prefixed_count > 1 &&
			is_expanded_twice(engine, index, binding->uri_hash, table))
			return NOT_WELL_FORMED(engine, attribute->name.at,
				"an attribute is given twice, with two prefixes");
	}
	return engine->bytes;
}

/* ---- canonical form of a tag ---- */

static int span_compare(struct fast_span one, struct fast_span other)
{
	return compare_bytes(one.at, one.length, other.at, other.length);
}

/* Canonical XML 1.0, section 2.2: declarations by prefix, then attributes by URI and local name. */
static int attribute_compare(const struct fast_attribute *one, const struct fast_attribute *other)
{
	struct fast_span one_local;
	struct fast_span other_local;
	int result;

	if (one->is_declaration != other->is_declaration)
		return one->is_declaration ? -1 : 1;
	if (one->is_declaration)
		return span_compare(one->name, other->name);
	result = span_compare(one->uri, other->uri);
	if (result != 0)
		return result;
	one_local = one->name;
	other_local = other->name;
	if (one->prefix_length > 0) {
		one_local.at += one->prefix_length + 1;
		one_local.length -= one->prefix_length + 1;
	}
	if (other->prefix_length > 0) {
		other_local.at += other->prefix_length + 1;
		other_local.length -= other->prefix_length + 1;
	}
	return span_compare(one_local, other_local);
}

/* Merge sort: the time must stay near linear whatever the order. */
static FAST_APART void sort_attributes(
	const struct fast_attribute *attributes, uint8_t *order, uint32_t count)
{
	uint8_t merged[FAST_ATTRIBUTES_MAX];

	for (uint32_t width = 1; width < count; width *= 2) {
		for (uint32_t left = 0; left < count; left += 2 * width) {
			uint32_t middle = left + width < count ? left + width : count;
			uint32_t stop = left + 2 * width < count ? left + 2 * width : count;
			uint32_t one = left;
			uint32_t other = middle;

			for (uint32_t out = left; out < stop; out++)
				merged[out] =
					other >= stop || (one < middle &&
								 attribute_compare(
									 &attributes[order[one]],
									 &attributes
										 [order[other]]) <=
									 0)
						? order[one++]
						: order[other++];
		}
		memcpy(order, merged, count);
	}
}

/* The order of the tag's attributes in canonical form, when the names alone and the first bytes of
 * those tell: each one's place is the number of those before it. Vectors count quickly. */
static inline bool rank_attributes(
	const struct fast_attribute *attributes, uint32_t count, uint8_t *order)
{
	uint64_t keys[FAST_ATTRIBUTES_MAX];
	uint32_t places[FAST_ATTRIBUTES_MAX];

	for (uint32_t index = 0; index < count; index++) {
		const struct fast_attribute *attribute = &attributes[order[index]];
		struct fast_span name = attribute->name;
		uint64_t key = 0;

		if (attribute->prefix_length > 0 && !attribute->is_declaration)
			return false;
		if (attribute->is_declaration) {
			name.at += 5;
			name.length -= 5;
		}
		for (uint32_t at = 0; at < 7; at++)
			key = key << 8 | (at < name.length ? name.at[at] : 0);
		keys[index] = key | (uint64_t)!attribute->is_declaration << 56;
	}
	for (uint32_t index = 0; index < count; index++) {
		uint32_t place = 0;
		uint32_t equal = 0;

		for (uint32_t other = 0; other < count; other++) {
			place += keys[other] < keys[index];
			equal += keys[other] == keys[index];
		}
		if (equal > 1)
			return false;
		places[index] = place | (uint32_t)order[index] << 8;
	}
	for (uint32_t index = 0; index < count; index++)
		order[places[index] & 255] = (uint8_t)(places[index] >> 8);
	return true;
}

/* The tag [tag, stop) has been parsed: note it when it is not its own canonical form. */
static inline void note_tracked_tag(
	struct duis_fast_engine *engine, const uint8_t *tag, const uint8_t *stop)
{
	const struct fast_dirty *last = &engine->dirty[engine->dirty_count];
	bool near = engine->dirty_count > 0 && last[-1].start >= engine->dirty_barrier &&
		    offset_of(engine, tag) <= last[-1].end + DIRTY_GAP;
	bool sorted = true;
	uint8_t *order;
	uint32_t count = 0;

	for (uint32_t index = 1; index < engine->attribute_count && sorted; index++)
		sorted = attribute_compare(
				 &engine->attributes[index - 1], &engine->attributes[index]) <= 0;
	engine->tag_clean &= sorted;
	if (engine->tag_clean && !near)
		return;
	dirty_add(engine, tag, stop);
	if (engine->attribute_count == 0)
		return;
	order = engine->order + engine->order_used;
	for (uint32_t index = 0; index < engine->attribute_count; index++)
		if (!engine->attributes[index].redundant)
			order[1 + count++] = (uint8_t)index;
	order[0] = (uint8_t)count;
	if (!sorted && !rank_attributes(engine->attributes, count, order + 1))
		sort_attributes(engine->attributes, order + 1, count);
	engine->order_used += count + 1;
}

FAST_INLINE void note_tag(struct duis_fast_engine *engine, const uint8_t *tag, const uint8_t *stop)
{
	if (engine->tracked)
		note_tracked_tag(engine, tag, stop);
}

#endif
