/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "tests/differential/buffer.h"
#include "tests/differential/xsd.h"

#define XS "http://www.w3.org/2001/XMLSchema"

__attribute__((format(printf, 2, 3), noreturn)) static void give_up(
	xmlNodePtr node, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%ld: ", (const char *)node->doc->URL, xmlGetLineNo(node));
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(2);
}

static bool is_xs(const xmlNode *node, const char *name)
{
	return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->ns->href, XS) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

/* The value of an attribute, where the document holds it: schemas live as long as the program. */
static char *attribute(xmlNodePtr node, const char *name)
{
	xmlAttrPtr found = xmlHasNsProp(node, BAD_CAST name, NULL);

	if (found == NULL)
		return NULL;
	return found->children != NULL ? (char *)found->children->content : (char *)"";
}

static char *target(xmlNodePtr node)
{
	return attribute(xmlDocGetRootElement(node->doc), "targetNamespace");
}

/* Split a QName at `node`: its namespace, and its local name in *local. */
static const char *resolve(xmlNodePtr node, const char *name, const char **local)
{
	const char *colon = strchr(name, ':');
	xmlChar *prefix = colon != NULL ? xmlStrndup(BAD_CAST name, (int)(colon - name)) : NULL;
	xmlNsPtr namespace = xmlSearchNs(node->doc, node, prefix);

	xmlFree(prefix);
	*local = colon != NULL ? colon + 1 : name;
	if (namespace == NULL)
		give_up(node, "the prefix of %s is not declared", name);
	return (const char *)namespace->href;
}

static bool same(const char *one, const char *other)
{
	return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

/* ---- simple types ---- */

static const struct {
	const char *name;
	enum xsd_builtin builtin;
	const char *minimum;
	const char *maximum;
} builtins[] = {
	{"string", XSD_STRING, NULL, NULL},
	{"token", XSD_TOKEN, NULL, NULL},
	{"anyURI", XSD_ANY_URI, NULL, NULL},
	{"ID", XSD_ID, NULL, NULL},
	{"boolean", XSD_BOOLEAN, NULL, NULL},
	{"decimal", XSD_DECIMAL, NULL, NULL},
	{"integer", XSD_INTEGER, NULL, NULL},
	{"positiveInteger", XSD_INTEGER, "1", NULL},
	{"nonNegativeInteger", XSD_INTEGER, "0", NULL},
	{"nonPositiveInteger", XSD_INTEGER, NULL, "0"},
	{"negativeInteger", XSD_INTEGER, NULL, "-1"},
	{"long", XSD_INTEGER, "-9223372036854775808", "9223372036854775807"},
	{"int", XSD_INTEGER, "-2147483648", "2147483647"},
	{"short", XSD_INTEGER, "-32768", "32767"},
	{"byte", XSD_INTEGER, "-128", "127"},
	{"unsignedLong", XSD_INTEGER, "0", "18446744073709551615"},
	{"unsignedInt", XSD_INTEGER, "0", "4294967295"},
	{"unsignedShort", XSD_INTEGER, "0", "65535"},
	{"unsignedByte", XSD_INTEGER, "0", "255"},
	{"dateTime", XSD_DATE_TIME, NULL, NULL},
	{"date", XSD_DATE, NULL, NULL},
	{"time", XSD_TIME, NULL, NULL},
	{"base64Binary", XSD_BASE64, NULL, NULL},
	{"hexBinary", XSD_HEX, NULL, NULL},
};

static struct xsd_simple *make_builtin(xmlNodePtr node, const char *name)
{
	struct xsd_simple *simple = buffer_allocate(sizeof(*simple));

	simple->length = simple->min_length = simple->max_length = -1;
	simple->total_digits = simple->fraction_digits = -1;
	for (size_t index = 0; index < sizeof(builtins) / sizeof(builtins[0]); index++) {
		if (strcmp(builtins[index].name, name) != 0)
			continue;
		simple->builtin = builtins[index].builtin;
		simple->base_name = builtins[index].name;
		simple->min_inclusive = (char *)builtins[index].minimum;
		simple->max_inclusive = (char *)builtins[index].maximum;
		return simple;
	}
	give_up(node, "the built-in type %s is not known here", name);
}

static void add_text(struct xsd_texts *texts, char *text)
{
	texts->texts =
		buffer_reallocate(texts->texts, (texts->count + 1) * sizeof(texts->texts[0]));
	texts->texts[texts->count++] = text;
}

static void read_facet(
	struct xsd_simple *simple, xmlNodePtr facet, bool *has_values, struct buffer *pattern)
{
	char *value = attribute(facet, "value");
	const char *name = (const char *)facet->name;
	const struct {
		const char *name;
		int64_t *number;
	} numbers[] = {
		{"length", &simple->length},
		{"minLength", &simple->min_length},
		{"maxLength", &simple->max_length},
		{"totalDigits", &simple->total_digits},
		{"fractionDigits", &simple->fraction_digits},
	};

	if (is_xs(facet, "annotation"))
		return;
	for (size_t index = 0; index < sizeof(numbers) / sizeof(numbers[0]); index++)
		if (strcmp(name, numbers[index].name) == 0) {
			*numbers[index].number = strtoll(value, NULL, 10);
			return;
		}
	if (is_xs(facet, "enumeration")) {
		if (!*has_values)
			memset(&simple->enumeration, 0, sizeof(simple->enumeration));
		*has_values = true;
		add_text(&simple->enumeration, value);
	} else if (is_xs(facet, "pattern")) {
		if (pattern->length > 0)
			buffer_byte(pattern, '|');
		buffer_print(pattern, "(%s)", value);
	} else if (is_xs(facet, "minInclusive")) {
		simple->min_inclusive = value;
	} else if (is_xs(facet, "maxInclusive")) {
		simple->max_inclusive = value;
	} else if (is_xs(facet, "minExclusive")) {
		simple->min_exclusive = value;
		simple->min_inclusive = NULL;
	} else if (is_xs(facet, "maxExclusive")) {
		simple->max_exclusive = value;
		simple->max_inclusive = NULL;
	} else {
		give_up(facet, "the facet %s is not known here", name);
	}
}

static void restrict_simple(struct xsd_simple *simple, xmlNodePtr restriction)
{
	struct buffer pattern = {0};
	bool has_values = false;

	for (xmlNodePtr child = restriction->children; child != NULL; child = child->next)
		if (child->type == XML_ELEMENT_NODE)
			read_facet(simple, child, &has_values, &pattern);
	if (pattern.length > 0)
		add_text(&simple->patterns, (char *)pattern.bytes);
}

/* ---- types ---- */

static struct xsd_type *add_type(struct xsd *xsd, xmlNodePtr node)
{
	struct xsd_type *type = buffer_allocate(sizeof(*type));

	type->node = node;
	type->name_space = target(node);
	type->name = attribute(node, "name");
	type->line = (uint32_t)xmlGetLineNo(node);
	type->is_complex = is_xs(node, "complexType");
	xsd->types = buffer_reallocate(xsd->types, (xsd->type_count + 1) * sizeof(xsd->types[0]));
	xsd->types[xsd->type_count++] = type;
	return type;
}

static void resolve_type(struct xsd *xsd, struct xsd_type *type);

static struct xsd_type *find_type(struct xsd *xsd, xmlNodePtr node, const char *name)
{
	const char *local;
	const char *name_space = resolve(node, name, &local);
	struct xsd_type *type;

	for (size_t index = 0; index < xsd->type_count; index++) {
		type = xsd->types[index];
		if (type->name != NULL && strcmp(type->name, local) == 0 &&
			same(type->name_space, name_space)) {
			resolve_type(xsd, type);
			return type;
		}
	}
	if (strcmp(name_space, XS) != 0)
		give_up(node, "the type %s is not declared", name);
	type = add_type(xsd, node);
	type->name_space = XS;
	type->name = strdup(local);
	type->is_complex = false;
	type->resolved = true;
	type->simple = make_builtin(node, local);
	return type;
}

static struct xsd_particle *add_particle(
	struct xsd *xsd, xmlNodePtr node, enum xsd_particle_kind kind)
{
	struct xsd_particle *particle = buffer_allocate(sizeof(*particle));
	char *min = attribute(node, "minOccurs");
	char *max = attribute(node, "maxOccurs");

	particle->kind = kind;
	particle->line = (uint32_t)xmlGetLineNo(node);
	particle->min = min != NULL ? (uint32_t)strtoul(min, NULL, 10) : 1;
	if (max == NULL)
		particle->max = 1;
	else if (strcmp(max, "unbounded") == 0)
		particle->max = XSD_UNBOUNDED;
	else
		particle->max = (uint32_t)strtoul(max, NULL, 10);
	xsd->particles = buffer_reallocate(
		xsd->particles, (xsd->particle_count + 1) * sizeof(xsd->particles[0]));
	xsd->particles[xsd->particle_count++] = particle;
	return particle;
}

/* The type of an element or attribute: named, defined in place, or xs:anyType (not supported). */
static struct xsd_type *type_of(struct xsd *xsd, xmlNodePtr node)
{
	char *name = attribute(node, "type");

	if (name != NULL)
		return find_type(xsd, node, name);
	for (xmlNodePtr child = node->children; child != NULL; child = child->next) {
		if (is_xs(child, "complexType") || is_xs(child, "simpleType")) {
			struct xsd_type *type = add_type(xsd, child);

			resolve_type(xsd, type);
			return type;
		}
	}
	give_up(node, "an element without type is not known here");
}

struct xsd_particle *xsd_find_element(
	const struct xsd *xsd, const char *name_space, const char *name)
{
	for (size_t index = 0; index < xsd->element_count; index++)
		if (strcmp(xsd->elements[index]->name, name) == 0 &&
			same(xsd->elements[index]->name_space, name_space))
			return xsd->elements[index];
	return NULL;
}

static void resolve_global(struct xsd *xsd, struct xsd_particle *element, xmlNodePtr node)
{
	if (element->type == NULL)
		element->type = type_of(xsd, node);
}

static xmlNodePtr global_node(xmlNodePtr from, const char *name)
{
	for (xmlNodePtr node = from; node != NULL; node = node->next) {
		char *own = is_xs(node, "element") ? attribute(node, "name") : NULL;

		if (own != NULL && strcmp(own, name) == 0)
			return node;
	}
	return NULL;
}

static void read_element(struct xsd *xsd, struct xsd_particle *particle, xmlNodePtr node)
{
	char *reference = attribute(node, "ref");
	const char *local;

	if (reference != NULL) {
		const char *name_space = resolve(node, reference, &local);
		struct xsd_particle *global = xsd_find_element(xsd, name_space, local);

		if (global == NULL)
			give_up(node, "the element %s is not declared", reference);
		particle->name_space = global->name_space;
		particle->name = global->name;
		/* Global elements may refer to each other in a circle: their type is taken from
		 * the global particle when all are read. */
		particle->children = buffer_allocate(sizeof(particle->children[0]));
		particle->children[0] = global;
		return;
	}
	particle->name = attribute(node, "name");
	particle->name_space = target(node);
	particle->type = type_of(xsd, node);
}

static struct xsd_particle *read_particle(struct xsd *xsd, xmlNodePtr node)
{
	struct xsd_particle *particle;

	if (is_xs(node, "element")) {
		particle = add_particle(xsd, node, XSD_ELEMENT);
		read_element(xsd, particle, node);
		return particle;
	}
	if (is_xs(node, "any")) {
		char *process = attribute(node, "processContents");
		char *name_space = attribute(node, "namespace");

		particle = add_particle(xsd, node, XSD_ANY);
		particle->name_space = target(node);
		particle->lax = process != NULL && strcmp(process, "lax") == 0;
		particle->other = name_space != NULL && strcmp(name_space, "##other") == 0;
		return particle;
	}
	if (!is_xs(node, "sequence") && !is_xs(node, "choice"))
		give_up(node, "%s is not known here", (const char *)node->name);
	particle = add_particle(xsd, node, is_xs(node, "choice") ? XSD_CHOICE : XSD_SEQUENCE);
	for (xmlNodePtr child = node->children; child != NULL; child = child->next) {
		if (child->type != XML_ELEMENT_NODE || is_xs(child, "annotation"))
			continue;
		particle->children = buffer_reallocate(particle->children,
			(particle->child_count + 1) * sizeof(particle->children[0]));
		particle->children[particle->child_count++] = read_particle(xsd, child);
	}
	return particle;
}

static void add_attribute(struct xsd *xsd, struct xsd_type *type, xmlNodePtr node)
{
	char *use = attribute(node, "use");
	struct xsd_attribute *added;

	type->attributes = buffer_reallocate(
		type->attributes, (type->attribute_count + 1) * sizeof(type->attributes[0]));
	added = &type->attributes[type->attribute_count++];
	added->name = attribute(node, "name");
	added->required = use != NULL && strcmp(use, "required") == 0;
	added->type = type_of(xsd, node);
	if (added->name == NULL || attribute(node, "fixed") != NULL)
		give_up(node, "this kind of attribute is not known here");
}

/* Particles and attributes below a complexType or an extension. */
static void read_content(struct xsd *xsd, struct xsd_type *type, xmlNodePtr parent)
{
	for (xmlNodePtr node = parent->children; node != NULL; node = node->next) {
		if (node->type != XML_ELEMENT_NODE || is_xs(node, "annotation"))
			continue;
		if (is_xs(node, "attribute")) {
			add_attribute(xsd, type, node);
		} else {
			struct xsd_particle *own = read_particle(xsd, node);
			struct xsd_particle *both;

			if (type->content == NULL) {
				type->content = own;
				continue;
			}
			both = add_particle(xsd, parent, XSD_SEQUENCE);
			both->min = both->max = 1;
			both->children = buffer_allocate(2 * sizeof(both->children[0]));
			both->children[both->child_count++] = type->content;
			both->children[both->child_count++] = own;
			type->content = both;
		}
	}
}

static void read_extension(struct xsd *xsd, struct xsd_type *type, xmlNodePtr extension)
{
	struct xsd_type *base = find_type(xsd, extension, attribute(extension, "base"));

	type->content = base->content;
	type->simple = base->simple;
	type->is_mixed = type->is_mixed || base->is_mixed;
	type->attribute_count = base->attribute_count;
	type->attributes =
		buffer_allocate((base->attribute_count + 1) * sizeof(type->attributes[0]));
	if (base->attribute_count > 0)
		memcpy(type->attributes, base->attributes,
			base->attribute_count * sizeof(type->attributes[0]));
	read_content(xsd, type, extension);
}

static void read_complex(struct xsd *xsd, struct xsd_type *type, xmlNodePtr node)
{
	char *mixed = attribute(node, "mixed");
	char *abstract = attribute(node, "abstract");

	type->is_mixed = mixed != NULL && strcmp(mixed, "true") == 0;
	type->is_abstract = abstract != NULL && strcmp(abstract, "true") == 0;
	for (xmlNodePtr child = node->children; child != NULL; child = child->next) {
		if (!is_xs(child, "complexContent") && !is_xs(child, "simpleContent"))
			continue;
		for (xmlNodePtr way = child->children; way != NULL; way = way->next) {
			if (is_xs(way, "extension"))
				read_extension(xsd, type, way);
			else if (way->type == XML_ELEMENT_NODE)
				give_up(way, "%s of a complex type is not known here",
					(const char *)way->name);
		}
		return;
	}
	read_content(xsd, type, node);
}

static void resolve_type(struct xsd *xsd, struct xsd_type *type)
{
	xmlNodePtr node = type->node;

	if (type->resolved)
		return;
	type->resolved = true;
	if (type->is_complex) {
		read_complex(xsd, type, node);
		return;
	}
	for (xmlNodePtr child = node->children; child != NULL; child = child->next) {
		struct xsd_type *base;

		if (child->type != XML_ELEMENT_NODE || is_xs(child, "annotation"))
			continue;
		if (!is_xs(child, "restriction"))
			give_up(child, "%s of a simple type is not known here",
				(const char *)child->name);
		base = find_type(xsd, child, attribute(child, "base"));
		type->simple = buffer_allocate(sizeof(*type->simple));
		*type->simple = *base->simple;
		if (type->simple->patterns.count > 0) {
			struct xsd_texts copy = {0};

			for (size_t index = 0; index < base->simple->patterns.count; index++)
				add_text(&copy, base->simple->patterns.texts[index]);
			type->simple->patterns = copy;
		}
		restrict_simple(type->simple, child);
	}
}

/* ---- the whole ---- */

static xmlNodePtr read_document(struct xsd *xsd, const char *path)
{
	xmlDocPtr document = xmlReadFile(path, NULL,
		XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_BIG_LINES | XML_PARSE_NOWARNING);
	xmlNodePtr root = document != NULL ? xmlDocGetRootElement(document) : NULL;

	if (root == NULL) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(2);
	}
	for (xmlNodePtr node = root->children; node != NULL; node = node->next) {
		if (is_xs(node, "complexType") || is_xs(node, "simpleType")) {
			add_type(xsd, node);
		} else if (is_xs(node, "element")) {
			struct xsd_particle *element = add_particle(xsd, node, XSD_ELEMENT);

			element->name = attribute(node, "name");
			element->name_space = target(node);
			xsd->elements = buffer_reallocate(
				xsd->elements, (xsd->element_count + 1) * sizeof(xsd->elements[0]));
			xsd->elements[xsd->element_count++] = element;
		} else if (node->type == XML_ELEMENT_NODE && !is_xs(node, "import") &&
			   !is_xs(node, "annotation")) {
			give_up(node, "%s is not known here", (const char *)node->name);
		}
	}
	return root->children;
}

struct xsd *xsd_read(const char *const *paths, size_t count)
{
	struct xsd *xsd = buffer_allocate(sizeof(*xsd));
	xmlNodePtr *firsts = buffer_allocate(count * sizeof(xmlNodePtr));
	size_t globals;

	for (size_t index = 0; index < count; index++)
		firsts[index] = read_document(xsd, paths[index]);
	globals = xsd->type_count;
	for (size_t index = 0; index < globals; index++)
		resolve_type(xsd, xsd->types[index]);
	for (size_t index = 0; index < xsd->element_count; index++) {
		struct xsd_particle *element = xsd->elements[index];

		for (size_t file = 0; file < count; file++) {
			xmlNodePtr node = same(target(firsts[file]), element->name_space)
						  ? global_node(firsts[file], element->name)
						  : NULL;

			if (node != NULL)
				resolve_global(xsd, element, node);
		}
	}
	for (size_t index = 0; index < xsd->particle_count; index++) {
		struct xsd_particle *particle = xsd->particles[index];

		if (particle->kind == XSD_ELEMENT && particle->type == NULL)
			particle->type = particle->children[0]->type;
	}
	free(firsts);
	return xsd;
}

static struct xsd_particle *find_in(
	struct xsd_particle *particle, const char *name_space, const char *name, size_t name_length)
{
	if (particle->kind == XSD_ELEMENT)
		return strlen(particle->name) == name_length &&
				       memcmp(particle->name, name, name_length) == 0 &&
				       same(particle->name_space, name_space)
			       ? particle
			       : NULL;
	for (size_t index = 0; index < particle->child_count; index++) {
		struct xsd_particle *found =
			find_in(particle->children[index], name_space, name, name_length);

		if (found != NULL)
			return found;
	}
	return NULL;
}

struct xsd_particle *xsd_find_child(const struct xsd *xsd, const struct xsd_type *type,
	const char *name_space, const char *name, size_t name_length)
{
	(void)xsd;
	return type->content != NULL ? find_in(type->content, name_space, name, name_length) : NULL;
}
