/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/differential/generate.h"
#include "tests/differential/value.h"

#define DEPTH_PLAIN 24 /* from here on only what must be there is written */
#define REPEAT_MORE 3

struct writer {
	struct chance *chance;
	struct xsd *xsd;
	const struct generate_style *style;
	struct buffer *out;
	unsigned depth;
	unsigned id;
	bool declare; /* the next element is the root */
	bool has_left_out;
};

static uint32_t mark;

/* ---- what is left to make ---- */

static bool particle_complete(struct xsd_particle *particle);

static bool type_complete(struct xsd_type *type)
{
	if (type->mark == mark)
		return type->complete;
	type->mark = mark;
	type->complete = true; /* while it is looked at: circles */
	type->complete =
		type->used > 0 && (type->content == NULL || particle_complete(type->content));
	return type->complete;
}

static bool particle_complete(struct xsd_particle *particle)
{
	bool complete = particle->used > 0 && (particle->min > 0 || particle->omitted > 0);

	if (particle->mark == mark)
		return particle->complete;
	particle->mark = mark;
	particle->complete = true;
	if (particle->kind == XSD_ELEMENT)
		complete = complete && type_complete(particle->type);
	if (particle->kind == XSD_CHOICE || particle->kind == XSD_SEQUENCE)
		for (size_t index = 0; index < particle->child_count; index++)
			complete = particle_complete(particle->children[index]) && complete;
	particle->complete = complete;
	return complete;
}

/* Whether anything in the particle's content is left to make, apart from omitting it. */
static bool wanted(const struct writer *writer, struct xsd_particle *particle)
{
	if (!writer->style->steer)
		return false;
	if (particle->used == 0)
		return true;
	if (particle->kind == XSD_ELEMENT)
		return !type_complete(particle->type);
	for (size_t index = 0; index < particle->child_count; index++)
		if (!particle_complete(particle->children[index]))
			return true;
	return false;
}

bool generate_is_complete(struct xsd *xsd, struct xsd_particle *element)
{
	(void)xsd;
	mark++;
	return type_complete(element->type);
}

/* ---- names ---- */

void generate_style_pick(struct chance *chance, const struct xsd *xsd, struct generate_style *style)
{
	static const char *const common[] = {"sr", "ds", "ra", "x"};
	static const char *const strange[] = {"_", "a.b-c", "\xc3\xa9t\xc3\xa9", "ns0"};
	bool plain = chance_hits(chance, 70);
	size_t unprefixed = chance_hits(chance, 25) ? chance_below(chance, 3) : SIZE_MAX;

	memset(style, 0, sizeof(*style));
	for (size_t index = 0; index < xsd->element_count; index++) {
		const char *name_space = xsd->elements[index]->name_space;
		size_t known = 0;

		while (known < style->prefix_count &&
			strcmp(style->prefixes[known].name_space, name_space) != 0)
			known++;
		if (known < style->prefix_count || known + 1 >= GENERATE_NAMESPACES_MAX)
			continue;
		style->prefixes[known].name_space = name_space;
		style->prefixes[known].prefix = known == unprefixed ? ""
						: plain		    ? common[known % 4]
								    : strange[known % 4];
		style->prefix_count++;
	}
	style->indent = chance_hits(chance, 40);
	style->steer = true;
}

/* The prefix of a namespace; one that no global element has is declared where it is used. */
static const char *find_prefix(const struct writer *writer, const char *name_space)
{
	for (size_t index = 0; index < writer->style->prefix_count; index++)
		if (strcmp(writer->style->prefixes[index].name_space, name_space) == 0)
			return writer->style->prefixes[index].prefix;
	return NULL;
}

static void write_name(struct writer *writer, const char *name_space, const char *name)
{
	const char *prefix = find_prefix(writer, name_space);

	if (prefix == NULL)
		prefix = "local";
	if (prefix[0] != '\0')
		buffer_print(writer->out, "%s:", prefix);
	buffer_text(writer->out, name);
}

static void write_declarations(struct writer *writer, const char *name_space)
{
	if (writer->declare) {
		for (size_t index = 0; index < writer->style->prefix_count; index++) {
			const struct generate_prefix *prefix = &writer->style->prefixes[index];

			buffer_print(writer->out, " xmlns%s%s=\"%s\"",
				prefix->prefix[0] != '\0' ? ":" : "", prefix->prefix,
				prefix->name_space);
		}
		writer->declare = false;
	}
	if (find_prefix(writer, name_space) == NULL)
		buffer_print(writer->out, " xmlns:local=\"%s\"", name_space);
}

static void new_line(struct writer *writer)
{
	if (!writer->style->indent)
		return;
	buffer_byte(writer->out, '\n');
	for (unsigned index = 0; index < writer->depth; index++)
		buffer_text(writer->out, "  ");
}

/* ---- content ---- */

static void write_particle(struct writer *writer, struct xsd_particle *particle);

static void write_value(struct writer *writer, const struct xsd_simple *simple, char quote)
{
	struct buffer value = {0};

	buffer_clear(&value);
	value_make(writer->chance, simple, ++writer->id, &value);
	value_escape(writer->out, value.bytes, value.length, quote);
	buffer_free(&value);
}

static void write_attributes(struct writer *writer, struct xsd_type *type)
{
	for (size_t index = 0; index < type->attribute_count; index++) {
		const struct xsd_attribute *attribute = &type->attributes[index];
		char quote = chance_hits(writer->chance, 90) ? '"' : '\'';

		if (!attribute->required && chance_hits(writer->chance, 60))
			continue;
		attribute->type->used++;
		buffer_print(writer->out, " %s=%c", attribute->name, quote);
		if (writer->style->schema_version != NULL &&
			strcmp(attribute->name, "schemaVersion") == 0)
			buffer_text(writer->out, writer->style->schema_version);
		else
			write_value(writer, attribute->type->simple, quote);
		buffer_byte(writer->out, (uint8_t)quote);
	}
}

static void write_element(struct writer *writer, struct xsd_particle *element)
{
	struct xsd_type *type = element->type;
	size_t before;

	type->used++;
	new_line(writer);
	buffer_byte(writer->out, '<');
	write_name(writer, element->name_space, element->name);
	write_declarations(writer, element->name_space);
	write_attributes(writer, type);
	buffer_byte(writer->out, '>');
	before = writer->out->length;
	writer->depth++;
	if (type->simple != NULL)
		write_value(writer, type->simple, 0);
	else if (type->content != NULL)
		write_particle(writer, type->content);
	if (type->is_mixed && chance_hits(writer->chance, 10))
		buffer_text(writer->out, "mixed text");
	writer->depth--;
	if (writer->out->length == before && chance_hits(writer->chance, 60)) {
		writer->out->length--;
		buffer_text(writer->out, "/>");
		return;
	}
	if (type->content != NULL && writer->out->length > before)
		new_line(writer);
	buffer_text(writer->out, "</");
	write_name(writer, element->name_space, element->name);
	buffer_byte(writer->out, '>');
}

/* Something for a wildcard: a foreign element where lax, else a declared one of simple content. */
static void write_any(struct writer *writer, const struct xsd_particle *particle)
{
	new_line(writer);
	if (particle->lax) {
		buffer_text(writer->out, chance_hits(writer->chance, 50)
						 ? "<f:thing xmlns:f=\"urn:example:foreign\" "
						   "f:a=\"1\" b=\"2\">x<f:in/></f:thing>"
						 : "<thing xmlns=\"urn:example:foreign\"/>");
		return;
	}
	for (size_t index = 0; index < writer->xsd->element_count; index++) {
		struct xsd_particle *element = writer->xsd->elements[index];

		if (element->type->is_complex ||
			(particle->other && strcmp(element->name_space, particle->name_space) == 0))
			continue;
		element->used++;
		write_element(writer, element);
		return;
	}
}

static struct xsd_particle *pick_branch(struct writer *writer, const struct xsd_particle *choice)
{
	struct xsd_particle *branch =
		choice->children[chance_below(writer->chance, choice->child_count)];

	/* Of those that are wanted, each one with the same chance. */
	for (size_t index = 0, seen = 0; index < choice->child_count; index++)
		if (wanted(writer, choice->children[index]) &&
			chance_below(writer->chance, ++seen) == 0)
			branch = choice->children[index];
	/* An endless recursion must be left. */
	for (size_t index = 0; writer->depth > DEPTH_PLAIN && index < choice->child_count; index++)
		if (choice->children[index]->kind == XSD_ELEMENT &&
			choice->children[index]->type->content == NULL)
			branch = choice->children[index];
	return branch;
}

static uint32_t pick_count(struct writer *writer, struct xsd_particle *particle)
{
	uint32_t more =
		particle->max == XSD_UNBOUNDED ? REPEAT_MORE : particle->max - particle->min;
	bool left_out = writer->style->left_out != NULL && particle->kind == XSD_ELEMENT &&
			strcmp(particle->name, writer->style->left_out) == 0;

	if (more > REPEAT_MORE)
		more = REPEAT_MORE;
	if (more == 0)
		return particle->min;
	if (particle->min == 0 && (left_out || writer->depth > DEPTH_PLAIN))
		return 0;
	if (particle->min == 0 && writer->style->steer) {
		if (wanted(writer, particle))
			return 1;
		if (particle->omitted == 0)
			return 0;
	}
	if (chance_hits(writer->chance, 2) && particle->max <= 50)
		return particle->max;
	return particle->min + (uint32_t)chance_below(writer->chance, more + 1);
}

static void write_particle(struct writer *writer, struct xsd_particle *particle)
{
	uint32_t count = pick_count(writer, particle);

	if (count == 0)
		particle->omitted++;
	while (count-- > 0) {
		particle->used++;
		switch (particle->kind) {
		case XSD_ELEMENT:
			write_element(writer, particle);
			break;
		case XSD_ANY:
			write_any(writer, particle);
			break;
		case XSD_SEQUENCE:
			for (size_t index = 0; index < particle->child_count; index++)
				write_particle(writer, particle->children[index]);
			break;
		case XSD_CHOICE:
			if (particle->child_count > 0)
				write_particle(writer, pick_branch(writer, particle));
			break;
		}
	}
}

void generate_document(struct chance *chance, struct xsd *xsd, struct xsd_particle *element,
	const struct generate_style *style, struct buffer *out)
{
	struct writer writer = {
		.chance = chance, .xsd = xsd, .style = style, .out = out, .declare = true};

	mark++;
	if (chance_hits(chance, 50))
		buffer_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	element->used++;
	write_element(&writer, element);
	if (style->indent)
		buffer_byte(out, '\n');
}

void generate_element(struct chance *chance, struct xsd *xsd, struct xsd_particle *element,
	const struct generate_style *style, struct buffer *out)
{
	struct generate_style plain = *style;
	struct writer writer = {
		.chance = chance, .xsd = xsd, .style = &plain, .out = out, .id = 1000};

	plain.steer = false;
	mark++;
	write_element(&writer, element);
}

/* ---- coverage ---- */

struct measure {
	struct generate_coverage coverage;
	FILE *missing;
};

static void measure_particle(
	struct measure *measure, struct xsd_particle *particle, const struct xsd_type *owner);

static void measure_type(struct measure *measure, struct xsd_type *type)
{
	if (type->mark == mark)
		return;
	type->mark = mark;
	measure->coverage.types++;
	measure->coverage.types_made += type->used > 0;
	if (type->used == 0 && measure->missing != NULL)
		fprintf(measure->missing, "type %s, line %u: not made\n",
			type->name != NULL ? type->name : "(in place)", type->line);
	for (size_t index = 0; index < type->attribute_count; index++)
		measure_type(measure, type->attributes[index].type);
	if (type->content != NULL)
		measure_particle(measure, type->content, type);
}

static const char *label(const struct xsd_particle *particle)
{
	switch (particle->kind) {
	case XSD_ELEMENT:
		return particle->name;
	case XSD_SEQUENCE:
		return "(sequence)";
	case XSD_CHOICE:
		return "(choice)";
	case XSD_ANY:
		return "(any)";
	}
	return "";
}

static void measure_particle(
	struct measure *measure, struct xsd_particle *particle, const struct xsd_type *owner)
{
	if (particle->mark == mark)
		return;
	particle->mark = mark;
	if (particle->min == 0) {
		bool both = particle->used > 0 && particle->omitted > 0;

		measure->coverage.options++;
		measure->coverage.options_both += both;
		if (!both && measure->missing != NULL)
			fprintf(measure->missing, "option %s of %s, line %u: %s\n", label(particle),
				owner->name != NULL ? owner->name : "(in place)", particle->line,
				particle->used > 0 ? "never absent" : "never present");
	}
	if (particle->kind == XSD_ELEMENT)
		measure_type(measure, particle->type);
	for (size_t index = 0; particle->kind != XSD_ELEMENT && index < particle->child_count;
		index++) {
		struct xsd_particle *child = particle->children[index];

		if (particle->kind == XSD_CHOICE) {
			measure->coverage.branches++;
			measure->coverage.branches_made += child->used > 0;
			if (child->used == 0 && measure->missing != NULL)
				fprintf(measure->missing, "branch %s, line %u: not made\n",
					label(child), child->line);
		}
		measure_particle(measure, child, owner);
	}
}

struct generate_coverage generate_measure(
	struct xsd *xsd, struct xsd_particle *const *roots, size_t count, FILE *missing)
{
	struct measure measure = {.missing = missing};

	(void)xsd;
	mark++;
	for (size_t index = 0; index < count; index++)
		measure_type(&measure, roots[index]->type);
	return measure.coverage;
}
