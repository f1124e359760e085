/* SPDX-License-Identifier: Apache-2.0 */
/* Simple types: the built-in ones, restrictions of them, and canonical forms of values. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/schema_model.h"

struct built_in {
	const char *name;
	enum mw_image_kind kind;
	enum mw_image_white_space white_space;
	const char *minimum;
	const char *maximum;
};

/* XML Schema part 2, section 3, as far as it is supported. */
static const struct built_in built_ins[] = {
	{"string", MW_IMAGE_STRING, MW_IMAGE_PRESERVE, NULL, NULL},
	{"normalizedString", MW_IMAGE_STRING, MW_IMAGE_REPLACE, NULL, NULL},
	{"token", MW_IMAGE_STRING, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"boolean", MW_IMAGE_BOOLEAN, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"decimal", MW_IMAGE_DECIMAL, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"integer", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"nonPositiveInteger", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, NULL, "0"},
	{"negativeInteger", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, NULL, "-1"},
	{"nonNegativeInteger", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "0", NULL},
	{"positiveInteger", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "1", NULL},
	{"long", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "-9223372036854775808",
		"9223372036854775807"},
	{"int", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "-2147483648", "2147483647"},
	{"short", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "-32768", "32767"},
	{"byte", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "-128", "127"},
	{"unsignedLong", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "0", "18446744073709551615"},
	{"unsignedInt", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "0", "4294967295"},
	{"unsignedShort", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "0", "65535"},
	{"unsignedByte", MW_IMAGE_INTEGER, MW_IMAGE_COLLAPSE, "0", "255"},
	{"dateTime", MW_IMAGE_DATE_TIME, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"date", MW_IMAGE_DATE, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"time", MW_IMAGE_TIME, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"hexBinary", MW_IMAGE_HEX, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"base64Binary", MW_IMAGE_BASE64, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"anyURI", MW_IMAGE_ANY_URI, MW_IMAGE_COLLAPSE, NULL, NULL},
	{"ID", MW_IMAGE_ID, MW_IMAGE_COLLAPSE, NULL, NULL},
};

#define BUILT_INS (sizeof(built_ins) / sizeof(built_ins[0]))

static const struct built_in *find_built_in(const char *name)
{
	for (size_t index = 0; index < BUILT_INS; index++)
		if (strcmp(built_ins[index].name, name) == 0)
			return &built_ins[index];
	return NULL;
}

/* ---- decimals ---- */

const char *schema_decimal(struct schema *schema, const char *text)
{
	bool negative = *text == '-';
	const char *whole = text + (*text == '-' || *text == '+');
	size_t whole_length = strspn(whole, "0123456789");
	const char *fraction = whole + whole_length;
	size_t fraction_length = 0;
	char *result;

	if (*fraction == '.') {
		fraction++;
		fraction_length = strspn(fraction, "0123456789");
	}
	if (whole_length + fraction_length == 0 || fraction[fraction_length] != '\0')
		return NULL;
	while (fraction_length > 0 && fraction[fraction_length - 1] == '0')
		fraction_length--;
	while (whole_length > 0 && *whole == '0') {
		whole++;
		whole_length--;
	}
	if (whole_length + fraction_length == 0)
		return "0";
	result = schema_allocate(schema, whole_length + fraction_length + 4);
	sprintf(result, "%s%.*s%s%.*s", negative ? "-" : "",
		whole_length > 0 ? (int)whole_length : 1, whole_length > 0 ? whole : "0",
		fraction_length > 0 ? "." : "", (int)fraction_length, fraction);
	return result;
}

int schema_decimal_compare(const char *one, const char *other)
{
	bool one_negative = *one == '-';
	bool other_negative = *other == '-';
	size_t one_whole;
	size_t other_whole;
	int result;

	if (one_negative != other_negative)
		return one_negative ? -1 : 1;
	one += one_negative;
	other += other_negative;
	one_whole = strcspn(one, ".");
	other_whole = strcspn(other, ".");
	if (one_whole != other_whole)
		result = one_whole < other_whole ? -1 : 1;
	else
		result = strcmp(one, other); /* '.' and NUL sort below digits */
	return one_negative ? -result : result;
}

/* ---- canonical values ---- */

static char *collapse(struct schema *schema, const char *text, enum mw_image_white_space rule)
{
	char *result = schema_copy(schema, text, strlen(text));
	size_t length = 0;

	if (rule == MW_IMAGE_PRESERVE)
		return result;
	for (const char *at = text; *at != '\0'; at++) {
		bool blank = *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r';

		if (blank && rule == MW_IMAGE_COLLAPSE &&
			(length == 0 || result[length - 1] == ' '))
			continue;
		result[length++] = blank ? ' ' : *at;
	}
	if (rule == MW_IMAGE_COLLAPSE && length > 0 && result[length - 1] == ' ')
		length--;
	result[length] = '\0';
	return result;
}

static const char *canonical_hex(struct schema *schema, const char *text)
{
	char *result = schema_copy(schema, text, strlen(text));
	size_t length = strspn(result, "0123456789abcdefABCDEF");

	if (result[length] != '\0' || length % 2 != 0)
		return NULL;
	for (size_t index = 0; index < length; index++)
		result[index] = (char)toupper((unsigned char)result[index]);
	return result;
}

static const char *canonical_value(struct schema *schema, const xmlNode *node,
	const struct schema_simple *simple, const char *text)
{
	const char *value = collapse(schema, text, simple->white_space);

	switch (simple->kind) {
	case MW_IMAGE_STRING:
		break;
	case MW_IMAGE_INTEGER:
		value = strchr(value, '.') == NULL ? schema_decimal(schema, value) : NULL;
		break;
	case MW_IMAGE_DECIMAL:
		value = schema_decimal(schema, value);
		break;
	case MW_IMAGE_HEX:
		value = canonical_hex(schema, value);
		break;
	default:
		schema_unsupported(schema, node, "enumeration of this base type");
	}
	if (value == NULL)
		schema_fail(schema, -EINVAL, node, "the enumeration value is none of its type");
	return value;
}

/* ---- facets ---- */

static uint32_t facet_count(struct schema *schema, const xmlNode *node, const char *value)
{
	unsigned long count;
	char *end;

	errno = 0;
	count = strtoul(value, &end, 10);
	if (errno != 0 || !isdigit((unsigned char)*value) || *end != '\0' || count >= UINT32_MAX)
		schema_fail(schema, -EINVAL, node, "the value is not a number");
	return (uint32_t)count;
}

static void facet_bound(
	struct schema *schema, const xmlNode *node, struct schema_simple *simple, const char *value)
{
	bool is_min = strncmp((const char *)node->name, "min", 3) == 0;
	bool exclusive = strstr((const char *)node->name, "Exclusive") != NULL;
	const char *bound = schema_decimal(schema, value);
	const char **kept = is_min ? &simple->minimum : &simple->maximum;
	uint32_t flag = is_min ? MW_IMAGE_MIN_EXCLUSIVE : MW_IMAGE_MAX_EXCLUSIVE;
	int order;

	if (simple->kind != MW_IMAGE_INTEGER && simple->kind != MW_IMAGE_DECIMAL)
		schema_unsupported(schema, node, "bounds of a type that is not a number");
	if (bound == NULL || (simple->kind == MW_IMAGE_INTEGER && strchr(bound, '.') != NULL))
		schema_fail(schema, -EINVAL, node, "the bound is no value of its type");
	if (*kept != NULL) {
		order = schema_decimal_compare(bound, *kept);
		if ((is_min ? order < 0 : order > 0) || (order == 0 && !exclusive))
			return; /* the base is as narrow */
	}
	*kept = bound;
	simple->facets |= is_min ? MW_IMAGE_HAS_MIN : MW_IMAGE_HAS_MAX;
	simple->facets = exclusive ? simple->facets | flag : simple->facets & ~flag;
}

static void facet_length(
	struct schema *schema, const xmlNode *node, struct schema_simple *simple, uint32_t count)
{
	if (simple->kind != MW_IMAGE_STRING && simple->kind != MW_IMAGE_HEX &&
		simple->kind != MW_IMAGE_BASE64)
		schema_unsupported(schema, node, "length of a type that has none");
	simple->facets |= MW_IMAGE_HAS_LENGTH;
	if (!schema_is(node, "maxLength") && count > simple->length_min)
		simple->length_min = count;
	if (!schema_is(node, "minLength") && count < simple->length_max)
		simple->length_max = count;
}

static void facet_digits(
	struct schema *schema, const xmlNode *node, struct schema_simple *simple, uint32_t count)
{
	bool total = schema_is(node, "totalDigits");
	uint32_t *kept = total ? &simple->total_digits : &simple->fraction_digits;
	uint32_t flag = total ? MW_IMAGE_HAS_TOTAL_DIGITS : MW_IMAGE_HAS_FRACTION_DIGITS;

	if (simple->kind != MW_IMAGE_INTEGER && simple->kind != MW_IMAGE_DECIMAL)
		schema_unsupported(schema, node, "digits of a type that is not a number");
	if (!(simple->facets & flag) || count < *kept)
		*kept = count;
	simple->facets |= flag;
}

/* An interval that no value can be in is a slip of the pen, not a type. */
static void check_intervals(
	struct schema *schema, const xmlNode *node, const struct schema_simple *simple)
{
	const uint32_t both = MW_IMAGE_MIN_EXCLUSIVE | MW_IMAGE_MAX_EXCLUSIVE;
	uint32_t exclusive = simple->facets & both;
	int order;

	if (simple->length_min > simple->length_max)
		schema_fail(schema, -EINVAL, node, "its least length is above its greatest");
	if (simple->minimum == NULL || simple->maximum == NULL)
		return;
	order = schema_decimal_compare(simple->minimum, simple->maximum);
	if (order > 0 || (order == 0 && exclusive != 0 && exclusive != both))
		schema_fail(schema, -EINVAL, node, "its lower bound is above its upper bound");
}

/* ---- values that the schema itself gives ---- */

static bool within_bounds(const struct schema_simple *simple, const char *value)
{
	int order;

	if (simple->minimum != NULL) {
		order = schema_decimal_compare(value, simple->minimum);
		if (order < 0 || (order == 0 && (simple->facets & MW_IMAGE_MIN_EXCLUSIVE)))
			return false;
	}
	if (simple->maximum != NULL) {
		order = schema_decimal_compare(value, simple->maximum);
		if (order > 0 || (order == 0 && (simple->facets & MW_IMAGE_MAX_EXCLUSIVE)))
			return false;
	}
	return true;
}

static bool within_digits(const struct schema_simple *simple, const char *value)
{
	const char *whole = value + (*value == '-');
	size_t whole_length = strcspn(whole, ".");
	size_t fraction_length = whole[whole_length] == '.' ? strlen(whole + whole_length + 1) : 0;

	if (*whole == '0')
		whole_length--;
	return (!(simple->facets & MW_IMAGE_HAS_TOTAL_DIGITS) ||
		       whole_length + fraction_length <= simple->total_digits) &&
	       (!(simple->facets & MW_IMAGE_HAS_FRACTION_DIGITS) ||
		       fraction_length <= simple->fraction_digits);
}

static bool within_length(const struct schema_simple *simple, const char *value)
{
	size_t length = 0;

	for (const char *at = value; *at != '\0'; at++)
		length += (*at & 0xc0) != 0x80; /* characters of UTF-8 */
	if (simple->kind == MW_IMAGE_HEX)
		length /= 2;
	return length >= simple->length_min && length <= simple->length_max;
}

/* Does the canonical `value` obey all facets but the patterns? */
static bool obeys(const struct schema_simple *simple, const char *value)
{
	const char *const *values = simple->values.items;

	if (simple->kind == MW_IMAGE_INTEGER || simple->kind == MW_IMAGE_DECIMAL) {
		if (!within_bounds(simple, value) || !within_digits(simple, value))
			return false;
	} else if (!within_length(simple, value)) {
		return false;
	}
	for (uint32_t index = 0; index < simple->values.count; index++)
		if (strcmp(values[index], value) == 0)
			return true;
	return simple->values.count == 0;
}

static bool matches(
	const struct schema *schema, const struct schema_simple *simple, const char *text)
{
	const struct schema_dfa *dfa;
	uint32_t state;

	if (!(simple->facets & MW_IMAGE_HAS_PATTERNS))
		return true;
	dfa = ((struct schema_dfa **)schema->patterns.items)[simple->pattern];
	state = dfa->start;
	for (; *text != '\0'; text++)
		state = dfa->cells[state * dfa->class_count + dfa->classes[(unsigned char)*text]];
	return state >= dfa->first_accept;
}

void schema_default_check(
	struct schema *schema, const xmlNode *node, uint32_t simple_index, const char *text)
{
	const struct schema_simple *simple =
		((struct schema_simple **)schema->simples.items)[simple_index];
	const char *value = collapse(schema, text, simple->white_space);
	bool fits;

	switch (simple->kind) {
	case MW_IMAGE_BOOLEAN:
		fits = strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
		       strcmp(value, "1") == 0 || strcmp(value, "0") == 0;
		break;
	case MW_IMAGE_STRING:
	case MW_IMAGE_INTEGER:
	case MW_IMAGE_DECIMAL:
	case MW_IMAGE_HEX:
		fits = obeys(simple, canonical_value(schema, node, simple, text));
		break;
	default:
		schema_unsupported(schema, node, "default of this base type");
	}
	if (!fits || !matches(schema, simple, value))
		schema_fail(schema, -EINVAL, node, "the default is no value of its type");
}

/* `base`: the type without the facets that stand beside the value. */
static void add_value(struct schema *schema, xmlNodePtr node, struct schema_simple *simple,
	const struct schema_simple *base, const char *text)
{
	const char *value = canonical_value(schema, node, simple, text);

	if (!obeys(base, value))
		schema_fail(schema, -EINVAL, node, "the enumeration value is none of its type");
	if (simple->values.count == SCHEMA_VALUES_MAX)
		schema_fail(schema, -EINVAL, node, "more than %u enumeration values",
			SCHEMA_VALUES_MAX);
	for (uint32_t index = 0; index < simple->values.count; index++)
		if (strcmp(((const char **)simple->values.items)[index], value) == 0)
			return;
	*(const char **)schema_append(schema, &simple->values, sizeof(char *)) = value;
}

static bool is_one_of(const xmlNode *node, const char *const *names)
{
	for (; *names != NULL; names++)
		if (schema_is(node, *names))
			return true;
	return false;
}

static void read_facets(struct schema *schema, xmlNodePtr restriction, struct schema_simple *simple)
{
	static const char *const bounds[] = {
		"minInclusive", "maxInclusive", "minExclusive", "maxExclusive", NULL};
	static const char *const lengths[] = {"length", "minLength", "maxLength", NULL};
	static const char *const digits[] = {"totalDigits", "fractionDigits", NULL};
	struct schema_array alternatives = {0};
	const struct schema_simple base = *simple;
	bool own_values = false;

	for (xmlNodePtr node = schema_first_child(restriction); node != NULL;
		node = schema_next_child(node)) {
		xmlChar *raw = xmlGetNoNsProp(node, BAD_CAST "value");
		const char *value = raw != NULL ? schema_copy(schema, (const char *)raw,
							  strlen((const char *)raw))
						: NULL;

		xmlFree(raw);
		schema_attributes_allowed(schema, node, "value");
		if (value == NULL || schema_first_child(node) != NULL)
			schema_unsupported(schema, node, (const char *)node->name);
		if (schema_is(node, "enumeration")) {
			if (!own_values)
				simple->values = (struct schema_array){0};
			own_values = true;
			add_value(schema, node, simple, &base, value);
		} else if (schema_is(node, "pattern")) {
			*(const char **)schema_append(schema, &alternatives, sizeof(char *)) =
				value;
		} else if (is_one_of(node, bounds)) {
			facet_bound(schema, node, simple, value);
		} else if (is_one_of(node, lengths)) {
			facet_length(schema, node, simple, facet_count(schema, node, value));
		} else if (is_one_of(node, digits)) {
			facet_digits(schema, node, simple, facet_count(schema, node, value));
		} else {
			schema_unsupported(schema, node, (const char *)node->name);
		}
	}
	check_intervals(schema, restriction, simple);
	if (own_values && base.values.count > 0)
		schema_unsupported(schema, restriction, "enumeration of an enumeration");
	if (own_values)
		simple->facets |= MW_IMAGE_HAS_VALUES;
	if (alternatives.count == 0)
		return;
	if (simple->facets & MW_IMAGE_HAS_PATTERNS)
		schema_unsupported(schema, restriction, "patterns in a type and in its base");
	simple->pattern = schema_pattern(schema, restriction, &alternatives);
	simple->facets |= MW_IMAGE_HAS_PATTERNS;
}

static uint32_t add_simple(struct schema *schema, struct schema_simple **simple)
{
	*simple = schema_allocate(schema, sizeof(**simple));
	*(struct schema_simple **)schema_append(schema, &schema->simples, sizeof(*simple)) =
		*simple;
	return schema->simples.count - 1;
}

static uint32_t simple_built_in(struct schema *schema, const xmlNode *node, const char *name)
{
	const struct built_in *built_in = find_built_in(name);
	struct schema_simple *simple;
	char full[64];
	uint32_t index;

	snprintf(full, sizeof(full), "xs:%s", name);
	if (built_in == NULL) {
		char what[96];

		snprintf(what, sizeof(what), "type %s", full);
		schema_unsupported(schema, node, what);
	}
	for (index = 0; index < schema->simples.count; index++)
		if (strcmp(((struct schema_simple **)schema->simples.items)[index]->name, full) ==
			0)
			return index;
	index = add_simple(schema, &simple);
	simple->name = schema_copy(schema, full, strlen(full));
	simple->kind = built_in->kind;
	simple->white_space = built_in->white_space;
	simple->minimum = built_in->minimum;
	simple->maximum = built_in->maximum;
	simple->length_max = MW_IMAGE_UNBOUNDED;
	if (built_in->minimum != NULL)
		simple->facets |= MW_IMAGE_HAS_MIN;
	if (built_in->maximum != NULL)
		simple->facets |= MW_IMAGE_HAS_MAX;
	return index;
}

uint32_t schema_simple_named(struct schema *schema, const xmlNode *node, const char *text)
{
	const char *uri;
	const char *name = schema_qname(schema, node, text, &uri);
	struct schema_component *component = schema_find(schema, SCHEMA_COMPONENT_TYPE, uri, name);

	if (component == NULL && strcmp(uri, SCHEMA_XSD_NAMESPACE) == 0)
		return simple_built_in(schema, node, name);
	if (component == NULL || !component->is_simple)
		schema_fail(schema, -EINVAL, node, "no simple type \"%s\" is defined", text);
	if (component->index == MW_IMAGE_NONE) {
		if (component->in_progress)
			schema_fail(schema, -EINVAL, node, "a simple type restricts itself");
		component->in_progress = true;
		component->index = schema_simple_in_place(schema, component->node, component->name);
	}
	return component->index;
}

uint32_t schema_simple_in_place(struct schema *schema, xmlNodePtr node, const char *name)
{
	xmlNodePtr restriction = schema_first_child(node);
	struct schema_simple *simple;
	struct schema_simple *base;
	const char *base_name;
	uint32_t base_index;
	uint32_t index;

	schema_enter(schema, node);
	schema_attributes_allowed(schema, node, "name");
	if (restriction == NULL)
		schema_fail(schema, -EINVAL, node, "a simple type without content");
	if (!schema_is(restriction, "restriction") || schema_next_child(restriction) != NULL)
		schema_unsupported(schema, restriction, (const char *)restriction->name);
	schema_attributes_allowed(schema, restriction, "base");
	base_name = schema_attribute_text(schema, restriction, "base");
	if (base_name == NULL)
		schema_unsupported(schema, restriction, "restriction of a type defined in place");
	index = add_simple(schema, &simple);
	simple->name = "";
	base_index = schema_simple_named(schema, restriction, base_name);
	base = ((struct schema_simple **)schema->simples.items)[base_index];
	*simple = *base;
	simple->name = name;
	read_facets(schema, restriction, simple);
	schema_leave(schema);
	return index;
}
