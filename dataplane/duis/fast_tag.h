/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags: attributes, namespaces (Namespaces in XML 1.0), and whether a tag is its own canonical
 * form. Included by fast_parse.c only.
 */
#ifndef DUIS_FAST_TAG_H
#define DUIS_FAST_TAG_H

#include "dataplane/duis/fast_markup.h"

FAST_INLINE bool span_is(struct fast_span span, const char *text, uint32_t length)
{
	return span.length == length && memcmp(span.at, text, length) == 0;
}

#define SPAN_IS(span, text) span_is(span, text, sizeof(text) - 1)

FAST_INLINE bool span_same(struct fast_span one, struct fast_span other)
{
	return one.length == other.length && memcmp(one.at, other.at, one.length) == 0;
}

/* ---- values of attributes ---- */

/* A value that is more than plain characters, into scratch memory (XML 1.0, section 3.3.3). */
static FAST_APART const uint8_t *parse_rough_value(
	struct duis_fast_engine *engine, const uint8_t *at, uint8_t quote, struct fast_span *value)
{
	const uint8_t *start = at;
	uint8_t *out = engine->scratch + engine->scratch_used;

	value->at = out;
	while (at < engine->end && *at != quote) {
		const uint8_t *run = scan_run(at, engine->end, SCAN_VALUE);

		memcpy(out, at, (size_t)(run - at));
		out += run - at;
		at = run;
		if (at >= engine->end || *at == quote)
			break;
		if (*at == '<')
			return NOT_WELL_FORMED(
				engine, at, "'<' is not allowed in an attribute value");
		if (*at == '&') {
			uint32_t character = 0;

			at = parse_reference(engine, run, &character);
			if (at == NULL)
				return NULL;
			engine->tag_clean &=
				begins(engine, run, "&amp;", 5) || begins(engine, run, "&lt;", 4) ||
				begins(engine, run, "&quot;", 6) ||
				begins(engine, run, "&#x9;", 5) ||
				begins(engine, run, "&#xA;", 5) || begins(engine, run, "&#xD;", 5);
			out += utf8_encode(character, out);
		} else if (is_blank(*at)) {
			at += *at == '\r' && begins(engine, at, "\r\n", 2) ? 2 : 1;
			*out++ = ' ';
			engine->tag_clean = false;
		} else if (*at == '"' || *at == '\'') {
			*out++ = *at++;
		} else {
			at = parse_character(engine, at);
			if (at == NULL)
				return NULL;
			memcpy(out, run, (size_t)(at - run));
			out += at - run;
		}
	}
	if (at >= engine->end)
		return NOT_WELL_FORMED(engine, start, "an attribute value is not closed");
	value->length = (uint32_t)(out - value->at);
	engine->scratch_used += value->length;
	return at;
}

/* One attribute: name, '=', value. */
static inline const uint8_t *parse_attribute(
	struct duis_fast_engine *engine, const uint8_t *at, struct fast_attribute *attribute)
{
	const uint8_t *start = at;
	const uint8_t *equals;
	uint8_t quote;

	at = parse_name(engine, at, &attribute->prefix_length);
	if (at == NULL)
		return NULL;
	attribute->name = (struct fast_span){start, (uint32_t)(at - start)};
	equals = skip_blanks(at, engine->end);
	if (equals >= engine->end || *equals != '=')
		return NOT_WELL_FORMED(
			engine, equals, "'=' is expected behind an attribute's name");
	engine->tag_clean &= equals == at;
	at = skip_blanks(equals + 1, engine->end);
	engine->tag_clean &= at == equals + 1;
	if (at >= engine->end || (*at != '"' && *at != '\''))
		return NOT_WELL_FORMED(
			engine, at, "a quote is expected before an attribute's value");
	quote = *at++;
	engine->tag_clean &= quote == '"';
	attribute->raw_offset = offset_of(engine, at);
	attribute->value.at = at;
	at = scan_run(at, engine->end, SCAN_VALUE);
	if (likely(at < engine->end && *at == quote))
		attribute->value.length = (uint32_t)(at - attribute->value.at);
	else if ((at = parse_rough_value(engine, attribute->value.at, quote, &attribute->value)) ==
		 NULL)
		return NULL;
	attribute->is_declaration = attribute->name.length >= 5 && memcmp(start, "xmlns", 5) == 0 &&
				    (attribute->name.length == 5 || attribute->prefix_length == 5);
	attribute->redundant = false;
	attribute->name_space = FAST_NAMESPACE_NONE;
	attribute->uri = (struct fast_span){start, 0};
	engine->declaration_count += attribute->is_declaration;
	return at + 1;
}

/* No two attributes of the same name as written. */
static FAST_APART const uint8_t *check_duplicates(struct duis_fast_engine *engine)
{
	uint8_t table[256] = {0};

	for (uint32_t index = 0; index < engine->attribute_count; index++) {
		struct fast_span name = engine->attributes[index].name;
		uint32_t slot = mw_image_hash(name.at, name.length, 0);

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
	for (;;) {
		const uint8_t *blanks = at;

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
		engine->tag_clean &= at == blanks + 1 && *blanks == ' ';
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
	} else if (engine->attribute_count > 2 && check_duplicates(engine) == NULL) {
		return NULL;
	}
	return at;
}

/* ---- namespaces ---- */

/* Forget which prefixes named which namespace: the declarations in scope have changed. */
static inline void forget_prefixes(struct duis_fast_engine *engine)
{
	uint32_t count = engine->image->counts[MW_IMAGE_NAMESPACES];

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

static inline const struct fast_binding *find_binding(
	const struct duis_fast_engine *engine, const uint8_t *prefix, uint32_t length)
{
	for (uint32_t index = engine->binding_count; index-- > 0;) {
		const struct fast_binding *binding = &engine->bindings[index];

		if (binding->prefix.length == length &&
			memcmp(binding->prefix.at, prefix, length) == 0)
			return binding;
	}
	return NULL;
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
		uint32_t inner = engine->binding_count;
		const char *fault;

		if (!attribute->is_declaration)
			continue;
		if (attribute->name.length > 6)
			prefix.length = attribute->name.length - 6;
		fault = declaration_fault(prefix, attribute->value);
		if (fault != NULL)
			return NOT_WELL_FORMED(engine, attribute->name.at, fault);
		if (namespace_of(engine->image, attribute->value) == FAST_NAMESPACE_OTHER &&
			!uri_strict((struct fast_value){attribute->value.at,
				attribute->value.at + attribute->value.length, NULL}))
			return NOT_WELL_FORMED(engine, attribute->name.at,
				"the name of a namespace must be a URI");
		if (!is_absolute(attribute->value))
			fast_invalid(
				engine, tag, "the name of a namespace must be an absolute URI");
		engine->binding_count = outer;
		present = find_binding(engine, prefix.at, prefix.length);
		engine->binding_count = inner;
		/* The prefix xml is in scope everywhere and never written in canonical form. */
		attribute->redundant =
			present != NULL ? span_same(present->uri, attribute->value)
					: attribute->value.length == 0 || SPAN_IS(prefix, "xml");
		engine->tag_clean &= !attribute->redundant;
		engine->bindings[engine->binding_count++] = (struct fast_binding){
			prefix, attribute->value, namespace_of(engine->image, attribute->value)};
	}
	forget_prefixes(engine);
	return tag;
}

/* Namespace and URI of a name's prefix. Returns false when it is not declared. */
static inline bool resolve(const struct duis_fast_engine *engine, const uint8_t *name,
	uint32_t prefix_length, uint32_t *name_space, struct fast_span *uri)
{
	const struct fast_binding *binding = find_binding(engine, name, prefix_length);

	*name_space = FAST_NAMESPACE_NONE;
	uri->length = 0;
	if (binding != NULL) {
		*name_space = binding->name_space;
		*uri = binding->uri;
		return true;
	}
	if (prefix_length == 3 && memcmp(name, "xml", 3) == 0) {
		*name_space = FAST_NAMESPACE_XML;
		*uri = (struct fast_span){
			(const uint8_t *)FAST_XML_NAMESPACE, sizeof(FAST_XML_NAMESPACE) - 1};
		return true;
	}
	return prefix_length == 0;
}

/* Prefixes of the attributes, and that no two have the same expanded name. */
static FAST_APART const uint8_t *resolve_attributes(struct duis_fast_engine *engine)
{
	for (uint32_t index = 0; index < engine->attribute_count; index++) {
		struct fast_attribute *attribute = &engine->attributes[index];
		struct fast_span local = {attribute->name.at + attribute->prefix_length + 1,
			attribute->name.length - attribute->prefix_length - 1};

		if (attribute->is_declaration || attribute->prefix_length == 0)
			continue;
		if (!resolve(engine, attribute->name.at, attribute->prefix_length,
			    &attribute->name_space, &attribute->uri))
			return NOT_WELL_FORMED(engine, attribute->name.at,
				"the prefix of an attribute is not declared");
		for (uint32_t other = 0; other < index; other++) {
			struct fast_attribute *before = &engine->attributes[other];
			struct fast_span other_local = {before->name.at + before->prefix_length + 1,
				before->name.length - before->prefix_length - 1};

			if (!before->is_declaration && before->prefix_length > 0 &&
				span_same(local, other_local) &&
				span_same(before->uri, attribute->uri))
				return NOT_WELL_FORMED(engine, attribute->name.at,
					"an attribute is given twice, with two prefixes");
		}
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

/* The tag [tag, stop) has been parsed: note it when it is not its own canonical form. */
static inline void note_tag(
	struct duis_fast_engine *engine, const uint8_t *tag, const uint8_t *stop)
{
	const struct fast_dirty *last = &engine->dirty[engine->dirty_count];
	bool near = engine->dirty_count > 0 && last[-1].start >= engine->dirty_barrier &&
		    offset_of(engine, tag) <= last[-1].end + DIRTY_GAP;
	uint8_t *order;
	uint32_t count = 0;

	for (uint32_t index = 1; index < engine->attribute_count && engine->tag_clean; index++)
		engine->tag_clean = attribute_compare(&engine->attributes[index - 1],
					    &engine->attributes[index]) <= 0;
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
	sort_attributes(engine->attributes, order + 1, count);
	engine->order_used += count + 1;
}

#endif
