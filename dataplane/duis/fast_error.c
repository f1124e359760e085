/* SPDX-License-Identifier: Apache-2.0 */
/* The fast engine's errors: code, offset, path of the open elements, and the rule with what the
 * schema allows. Never on the way of a valid document. */
#include <stdio.h>
#include <string.h>

#include "dataplane/duis/fast_core.h"
#include "dataplane/duis/scan.h"

/* Rules are cut at a character's border. */
static size_t put(char *text, size_t used, size_t size, const uint8_t *bytes, size_t length)
{
	if (length > size - 1 - used) {
		length = size - 1 - used;
		while (length > 0 && (bytes[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(text + used, bytes, length);
	text[used + length] = '\0';
	return used + length;
}

static size_t put_text(char *text, size_t used, size_t size, const char *more)
{
	return put(text, used, size, (const uint8_t *)more, strlen(more));
}

/* "/name" or "/@name" behind the path. */
static size_t put_step(
	char *path, size_t used, const char *lead, const uint8_t *name, uint32_t length)
{
	char step[DUIS_PATH_SIZE];
	size_t lead_length = strlen(lead);

	memcpy(step, lead, lead_length);
	/* A longer one has no room in the path. */
	memcpy(step + lead_length, name,
		length < sizeof(step) - lead_length ? length : sizeof(step) - lead_length);
	return duis_path_add(path, used, step, lead_length + length);
}

/* The name of the tag at `at`, when one is there. */
static uint32_t tag_name_length(const struct duis_fast_engine *engine, const uint8_t *at)
{
	const uint8_t *name = at + 1;
	const uint8_t *stop = name;

	if (at >= engine->end || *at != '<')
		return 0;
	while (stop < engine->end && strchr(" \t\r\n/>!?=<&\"'", *stop) == NULL)
		stop++;
	return (uint32_t)(stop - name);
}

/* A start tag as written: where its name ends, which attribute holds `at`, and its '>'. */
struct tag {
	const uint8_t *start; /* its '<' */
	uint32_t name_length;
	const uint8_t *attribute; /* name of the one that holds `at`, or NULL */
	uint32_t attribute_length;
	const uint8_t *stop; /* the '>', or the document's end */
};

static struct tag scan_tag(
	const struct duis_fast_engine *engine, const uint8_t *start, const uint8_t *place)
{
	struct tag tag = {.start = start, .name_length = tag_name_length(engine, start)};
	const uint8_t *at = start + 1 + tag.name_length;

	while (at < engine->end && *at != '>') {
		const uint8_t *name = at;
		uint8_t quote;

		while (at < engine->end && strchr(" \t\r\n=>", *at) == NULL)
			at++;
		if (at == name) {
			at++;
			continue;
		}
		uint32_t length = (uint32_t)(at - name);

		while (at < engine->end && strchr(" \t\r\n=", *at) != NULL)
			at++;
		if (at == engine->end || (*at != '"' && *at != '\''))
			continue;
		quote = *at++;
		while (at < engine->end && *at != quote)
			at++;
		if (name <= place && place <= at) {
			tag.attribute = name;
			tag.attribute_length = length;
		}
		at += at < engine->end;
	}
	tag.stop = at;
	return tag;
}

/* Errors in a tag's attributes, and in the value behind it, come before its element is one of the
 * open ones: put its name, and the attribute's, behind the path. */
static void put_element(struct duis_fast_engine *engine, const uint8_t *at, size_t used)
{
	char *path = engine->error->path;
	const uint8_t *start = at > engine->bytes
				       ? memrchr(engine->bytes, '<', (size_t)(at - engine->bytes))
				       : NULL;
	struct tag tag;

	if (start == NULL || tag_name_length(engine, start) == 0)
		return;
	tag = scan_tag(engine, start, at);
	/* Text behind an empty element, or behind a child, is not that element's. */
	if (at > tag.stop && (at != tag.stop + 1 || tag.stop[-1] == '/'))
		return;
	if (engine->depth == 0 || engine->frames[engine->depth - 1].name != start + 1)
		used = put_step(path, used, "/", start + 1, tag.name_length);
	if (tag.attribute != NULL)
		put_step(path, used, "/@", tag.attribute, tag.attribute_length);
}

static void fill(struct duis_fast_engine *engine, enum duis_error_code code, const uint8_t *at,
	const char *rule)
{
	struct duis_error *error = engine->error;
	uint32_t length = tag_name_length(engine, at);
	size_t used = 0;

	error->code = code;
	error->offset = at <= engine->end ? (uint64_t)(at - engine->bytes)
					  : (uint64_t)(engine->end - engine->bytes);
	error->path[0] = '\0';
	for (uint32_t depth = 0; depth < engine->depth; depth++)
		used = put_step(error->path, used, "/", engine->frames[depth].name,
			engine->frames[depth].name_length);
	if (length > 0) {
		put_step(error->path, used, "/", at + 1, length);
	} else if (code == DUIS_ERROR_SCHEMA) {
		put_element(engine, at, used);
	}
	snprintf(error->rule, sizeof(error->rule), "%s", rule);
}

const uint8_t *fast_fail(struct duis_fast_engine *engine, enum duis_error_code code,
	const uint8_t *at, const char *rule)
{
	uint64_t cut;

	if (code == DUIS_ERROR_NOT_WELL_FORMED &&
		duis_scan_is_cut(engine->bytes, (uint32_t)(engine->end - engine->bytes),
			(uint64_t)(at - engine->bytes), &cut)) {
		code = DUIS_ERROR_ENCODING;
		at = engine->bytes + cut;
		rule = "these bytes are not UTF-8";
	}
	fill(engine, code, at, rule);
	return NULL;
}

void fast_invalid(struct duis_fast_engine *engine, const uint8_t *at, const char *rule)
{
	if (engine->invalid)
		return;
	engine->invalid = true;
	/* Nobody will ask for a canonical form. */
	engine->tracked = false;
	fill(engine, DUIS_ERROR_SCHEMA, at, rule);
	for (uint32_t depth = 0; depth < engine->depth; depth++) {
		struct fast_frame *frame = &engine->frames[depth];

		frame->type = 0;
		frame->content = MW_IMAGE_CONTENT_MIXED;
		frame->state = engine->image->types[0].start_state;
		frame->count = 0;
		frame->role = FAST_ROLE_NONE;
	}
}

/* "one of A, B, C is expected": the elements that may come now. */
static void list_expected(struct duis_fast_engine *engine, const char *what, const uint8_t *at)
{
	const struct duis_image *image = engine->image;
	const struct fast_frame *frame = &engine->frames[engine->depth - 1];
	const struct mw_image_state *state = &image->states[frame->state];
	char rule[DUIS_RULE_SIZE];
	size_t used = put_text(rule, 0, sizeof(rule), what);
	const char *separator = "; allowed here: ";

	if (state->own != MW_IMAGE_NONE && frame->count < state->repeat_max &&
		image->transitions[state->own].kind == MW_IMAGE_ELEMENT) {
		const struct mw_image_transition *own = &image->transitions[state->own];

		used = put_text(rule, used, sizeof(rule), separator);
		used = put(
			rule, used, sizeof(rule), image->text + own->name_offset, own->name_length);
		separator = ", ";
	}
	for (uint32_t index = 0;
		frame->count >= state->repeat_min && index < state->transition_count; index++) {
		const struct mw_image_transition *next =
			&image->transitions[state->first_transition + index];

		used = put_text(rule, used, sizeof(rule), separator);
		if (next->kind == MW_IMAGE_ELEMENT)
			used = put(rule, used, sizeof(rule), image->text + next->name_offset,
				next->name_length);
		else
			used = put_text(
				rule, used, sizeof(rule), "an element of another namespace");
		separator = ", ";
	}
	if (state->accept && frame->count >= state->repeat_min) {
		used = put_text(rule, used, sizeof(rule), separator);
		put_text(rule, used, sizeof(rule), "the end of the element");
	}
	fast_invalid(engine, at, rule);
}

void fast_invalid_element(struct duis_fast_engine *engine, const uint8_t *at)
{
	if (!engine->invalid)
		list_expected(engine, "the element is not allowed here", at);
}

void fast_invalid_end(struct duis_fast_engine *engine, const uint8_t *at)
{
	if (engine->invalid)
		return;
	if (at[1] == '/')
		list_expected(engine, "the element is not complete", at);
	else
		fast_invalid(engine, at, "the element may not be empty");
}

static size_t put_bounds(const struct duis_fast_engine *engine,
	const struct mw_image_simple *simple, char *rule, size_t used)
{
	const uint8_t *text = engine->image->text;

	if (simple->facets & MW_IMAGE_HAS_MIN) {
		used = put_text(rule, used, DUIS_RULE_SIZE,
			simple->facets & MW_IMAGE_MIN_EXCLUSIVE ? ", above " : ", at least ");
		used = put(rule, used, DUIS_RULE_SIZE, text + simple->minimum.offset,
			simple->minimum.length);
	}
	if (simple->facets & MW_IMAGE_HAS_MAX) {
		used = put_text(rule, used, DUIS_RULE_SIZE,
			simple->facets & MW_IMAGE_MAX_EXCLUSIVE ? ", below " : ", at most ");
		used = put(rule, used, DUIS_RULE_SIZE, text + simple->maximum.offset,
			simple->maximum.length);
	}
	return used;
}

static size_t put_number(char *rule, size_t used, const char *what, uint32_t number)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%u", what, number);
	return put_text(rule, used, DUIS_RULE_SIZE, text);
}

static size_t put_facets(const struct duis_fast_engine *engine,
	const struct mw_image_simple *simple, char *rule, size_t used)
{
	const struct duis_image *image = engine->image;

	used = put_bounds(engine, simple, rule, used);
	if (simple->facets & MW_IMAGE_HAS_LENGTH) {
		used = put_number(rule, used, ", of length ", simple->length_min);
		if (simple->length_max == MW_IMAGE_UNBOUNDED)
			used = put_text(rule, used, DUIS_RULE_SIZE, " or more");
		else if (simple->length_max != simple->length_min)
			used = put_number(rule, used, " to ", simple->length_max);
	}
	if (simple->facets & MW_IMAGE_HAS_TOTAL_DIGITS)
		used = put_number(rule, used, ", digits at most ", simple->total_digits);
	if (simple->facets & MW_IMAGE_HAS_FRACTION_DIGITS)
		used = put_number(rule, used, ", decimals at most ", simple->fraction_digits);
	if (simple->facets & MW_IMAGE_HAS_PATTERNS) {
		const struct mw_image_text source = image->patterns[simple->first_pattern].source;

		used = put_text(rule, used, DUIS_RULE_SIZE, ", of the pattern ");
		used = put(rule, used, DUIS_RULE_SIZE, image->text + source.offset, source.length);
	}
	for (uint32_t index = 0; index < simple->value_count; index++) {
		const struct mw_image_text value = image->values[simple->first_value + index];

		used = put_text(rule, used, DUIS_RULE_SIZE, index == 0 ? ", one of: " : ", ");
		used = put(rule, used, DUIS_RULE_SIZE, image->text + value.offset, value.length);
	}
	return used;
}

void fast_invalid_value(struct duis_fast_engine *engine, const uint8_t *at, uint32_t index,
	const struct fast_span *attribute)
{
	static const char *const kinds[MW_IMAGE_KIND_COUNT] = {
		[MW_IMAGE_STRING] = "a text",
		[MW_IMAGE_BOOLEAN] = "true, false, 1 or 0",
		[MW_IMAGE_INTEGER] = "an integer",
		[MW_IMAGE_DECIMAL] = "a decimal number",
		[MW_IMAGE_DATE_TIME] =
			"a date and time (YYYY-MM-DDThh:mm:ss, with or without zone)",
		[MW_IMAGE_DATE] = "a date (YYYY-MM-DD)",
		[MW_IMAGE_TIME] = "a time (hh:mm:ss)",
		[MW_IMAGE_HEX] = "pairs of hexadecimal digits",
		[MW_IMAGE_BASE64] = "base64",
		[MW_IMAGE_ANY_URI] = "a URI",
		[MW_IMAGE_ID] = "a name that is unique in the document",
	};
	const struct mw_image_simple *simple = &engine->image->simples[index];
	char rule[DUIS_RULE_SIZE];
	size_t used;

	if (engine->invalid)
		return;
	if (simple->kind == MW_IMAGE_ID && engine->id_count > FAST_IDS_MAX) {
		fast_invalid(engine, at, "more than 2048 identifiers");
		engine->error->code = DUIS_ERROR_TOO_LARGE;
		return;
	}
	used = put_text(rule, 0, sizeof(rule),
		attribute != NULL ? "the attribute's value must be " : "the value must be ");
	used = put_text(rule, used, sizeof(rule), kinds[simple->kind]);
	put_facets(engine, simple, rule, used);
	fast_invalid(engine, at, rule);
}
