/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the schema documents to types. Everything that is not known here is refused by name and
 * place: a construct that was passed over silently would make the engine accept or refuse wrongly.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/schema_model.h"

static uint32_t complex_in_place(struct schema *schema, xmlNodePtr node, const char *name);
static struct schema_particle *read_particle(struct schema *schema, xmlNodePtr node);

/* ---- looking at nodes ---- */

bool schema_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->ns->href, SCHEMA_XSD_NAMESPACE) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

static xmlNodePtr skip_to_element(xmlNodePtr node)
{
	while (node != NULL && (node->type != XML_ELEMENT_NODE || schema_is(node, "annotation")))
		node = node->next;
	return node;
}

xmlNodePtr schema_first_child(const xmlNode *node)
{
	return skip_to_element(node->children);
}

xmlNodePtr schema_next_child(const xmlNode *node)
{
	return skip_to_element(node->next);
}

const char *schema_attribute_text(struct schema *schema, const xmlNode *node, const char *name)
{
	xmlChar *value = xmlGetNoNsProp((xmlNodePtr)(uintptr_t)node, BAD_CAST name);
	const char *start = (const char *)value;
	size_t length;
	char *copy;

	if (value == NULL)
		return NULL;
	/* Only attributes that are tokens, names or numbers come here: white space collapses. */
	while (isspace((unsigned char)*start))
		start++;
	length = strlen(start);
	while (length > 0 && isspace((unsigned char)start[length - 1]))
		length--;
	copy = schema_copy(schema, start, length);
	xmlFree(value);
	return copy;
}

static bool in_list(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

void schema_attributes_allowed(struct schema *schema, const xmlNode *node, const char *allowed)
{
	char what[128];

	for (xmlAttrPtr attribute = node->properties; attribute != NULL;
		attribute = attribute->next) {
		if (attribute->ns != NULL || strcmp((const char *)attribute->name, "id") == 0)
			continue;
		if (in_list(allowed, (const char *)attribute->name))
			continue;
		snprintf(what, sizeof(what), "attribute %s of %s", (const char *)attribute->name,
			(const char *)node->name);
		schema_unsupported(schema, node, what);
	}
}

const char *schema_qname(
	struct schema *schema, const xmlNode *node, const char *text, const char **uri)
{
	const char *colon = strchr(text, ':');
	xmlNsPtr found;
	char *prefix = colon != NULL ? schema_copy(schema, text, (size_t)(colon - text)) : NULL;

	found = xmlSearchNs(node->doc, (xmlNodePtr)(uintptr_t)node, BAD_CAST prefix);
	if (found == NULL && colon != NULL)
		schema_fail(schema, -EINVAL, node, "the prefix of \"%s\" is not declared", text);
	*uri = found != NULL ? schema_copy(schema, (const char *)found->href,
				       strlen((const char *)found->href))
			     : "";
	return colon != NULL ? colon + 1 : text;
}

static bool is_true(const char *text)
{
	return text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

static const char *target_namespace(struct schema *schema, const xmlNode *node)
{
	const char *uri =
		schema_attribute_text(schema, xmlDocGetRootElement(node->doc), "targetNamespace");

	return uri != NULL ? uri : "";
}

/* Definitions may need each other in long chains; the way through them is by recursion. */
void schema_enter(struct schema *schema, const xmlNode *node)
{
	if (++schema->depth > SCHEMA_DEPTH_MAX)
		schema_fail(schema, -EINVAL, node, "more than %d definitions need each other",
			SCHEMA_DEPTH_MAX);
}

void schema_leave(struct schema *schema)
{
	schema->depth--;
}

/* The name that a definition gives, or NULL. */
static const char *own_name(struct schema *schema, const xmlNode *node)
{
	const char *name = schema_attribute_text(schema, node, "name");

	if (name == NULL)
		return NULL;
	if (xmlValidateNCName(BAD_CAST name, 0) != 0)
		schema_fail(schema, -EINVAL, node, "\"%.64s\" is not a name", name);
	if (strlen(name) > MW_IMAGE_NAME_MAX)
		schema_fail(
			schema, -EINVAL, node, "a name has more than %u bytes", MW_IMAGE_NAME_MAX);
	return name;
}

/* ---- tables ---- */

static uint32_t *chain_of(struct schema *schema, const char *uri, const char *name)
{
	uint32_t hash = 2166136261u;

	for (const char *at = name; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	for (const char *at = uri; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	return &schema->chains[hash % SCHEMA_CHAINS];
}

struct schema_component *schema_find(
	struct schema *schema, enum schema_component_kind kind, const char *uri, const char *name)
{
	struct schema_component *components = schema->components.items;

	for (uint32_t at = *chain_of(schema, uri, name); at != 0; at = components[at - 1].next)
		if (components[at - 1].kind == kind && strcmp(components[at - 1].name, name) == 0 &&
			strcmp(components[at - 1].name_space, uri) == 0)
			return &components[at - 1];
	return NULL;
}

uint32_t schema_namespace(struct schema *schema, const char *uri)
{
	const char **uris = schema->namespaces.items;

	if (uri[0] == '\0')
		return MW_IMAGE_NONE;
	for (uint32_t index = 0; index < schema->namespaces.count; index++)
		if (strcmp(uris[index], uri) == 0)
			return index;
	if (schema->namespaces.count == MW_IMAGE_NAMESPACES_MAX)
		schema_fail(
			schema, -EINVAL, NULL, "more than %u namespaces", MW_IMAGE_NAMESPACES_MAX);
	*(const char **)schema_append(schema, &schema->namespaces, sizeof(uri)) = uri;
	return schema->namespaces.count - 1;
}

static uint32_t symbol_of(struct schema *schema, const char *uri, const char *name)
{
	uint32_t name_space = schema_namespace(schema, uri);
	struct schema_symbol *symbols = schema->symbols.items;

	for (uint32_t index = 0; index < schema->symbols.count; index++)
		if (symbols[index].name_space == name_space &&
			strcmp(symbols[index].name, name) == 0)
			return index;
	symbols = schema_append(schema, &schema->symbols, sizeof(*symbols));
	*symbols = (struct schema_symbol){
		.name = name, .name_space = name_space, .global_type = MW_IMAGE_NONE};
	return schema->symbols.count - 1;
}

static struct schema_type *type_at(const struct schema *schema, uint32_t index)
{
	return ((struct schema_type **)schema->types.items)[index];
}

static uint32_t new_type(struct schema *schema, const char *name, xmlNodePtr node)
{
	struct schema_type *type = schema_allocate(schema, sizeof(*type));

	type->name = name;
	type->node = node;
	type->simple = MW_IMAGE_NONE;
	*(struct schema_type **)schema_append(schema, &schema->types, sizeof(type)) = type;
	return schema->types.count - 1;
}

/* The type of elements whose content is the simple type `simple`, without attributes. */
static uint32_t wrap_simple(struct schema *schema, uint32_t simple, xmlNodePtr node)
{
	uint32_t index;
	struct schema_simple *inner = ((struct schema_simple **)schema->simples.items)[simple];

	for (index = 1; index < schema->types.count; index++) {
		struct schema_type *type = type_at(schema, index);

		if (type->done && type->content == MW_IMAGE_CONTENT_SIMPLE &&
			type->simple == simple && type->attributes.count == 0)
			return index;
	}
	index = new_type(schema, inner->name, node);
	type_at(schema, index)->content = MW_IMAGE_CONTENT_SIMPLE;
	type_at(schema, index)->simple = simple;
	type_at(schema, index)->done = true;
	return index;
}

/* ---- types ---- */

static uint32_t complex_named(struct schema *schema, struct schema_component *component)
{
	if (component->index == MW_IMAGE_NONE)
		complex_in_place(schema, component->node, component->name);
	return component->index;
}

/* The type that QName `text` names, for an element. */
static uint32_t type_named(struct schema *schema, xmlNodePtr node, const char *text)
{
	const char *uri;
	const char *name = schema_qname(schema, node, text, &uri);
	struct schema_component *component = schema_find(schema, SCHEMA_COMPONENT_TYPE, uri, name);

	if (component == NULL && strcmp(uri, SCHEMA_XSD_NAMESPACE) == 0) {
		if (strcmp(name, "anyType") == 0)
			return 0;
		return wrap_simple(schema, schema_simple_named(schema, node, text), node);
	}
	if (component == NULL)
		schema_fail(schema, -EINVAL, node, "no type \"%s\" is defined", text);
	if (component->is_simple)
		return wrap_simple(schema, schema_simple_named(schema, node, text), node);
	return complex_named(schema, component);
}

static uint32_t read_occurs(struct schema *schema, xmlNodePtr node, const char *name)
{
	const char *text = schema_attribute_text(schema, node, name);
	unsigned long value;
	char *end;

	if (text == NULL)
		return 1;
	if (strcmp(name, "maxOccurs") == 0 && strcmp(text, "unbounded") == 0)
		return MW_IMAGE_UNBOUNDED;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || !isdigit((unsigned char)*text) || value >= 1u << 30)
		schema_fail(schema, -EINVAL, node, "%s is not a number below 2^30", name);
	return (uint32_t)value;
}

static uint32_t element_type(struct schema *schema, xmlNodePtr node)
{
	const char *type = schema_attribute_text(schema, node, "type");
	xmlNodePtr child = schema_first_child(node);

	if (type != NULL) {
		if (child != NULL)
			schema_unsupported(schema, child, (const char *)child->name);
		return type_named(schema, node, type);
	}
	if (child == NULL)
		return 0;
	if (schema_next_child(child) != NULL)
		schema_unsupported(schema, schema_next_child(child),
			(const char *)schema_next_child(child)->name);
	if (schema_is(child, "simpleType"))
		return wrap_simple(schema, schema_simple_in_place(schema, child, ""), child);
	if (schema_is(child, "complexType"))
		return complex_in_place(schema, child, "");
	schema_unsupported(schema, child, (const char *)child->name);
}

static uint32_t element_default(struct schema *schema, xmlNodePtr node, uint32_t type)
{
	xmlChar *value = xmlGetNoNsProp(node, BAD_CAST "default");
	const char *text;

	if (value == NULL)
		return 0;
	text = schema_copy(schema, (const char *)value, strlen((const char *)value));
	xmlFree(value);
	if (type_at(schema, type)->content != MW_IMAGE_CONTENT_SIMPLE)
		schema_unsupported(schema, node, "default of an element without simple content");
	schema_default_check(schema, node, type_at(schema, type)->simple, text);
	*(const char **)schema_append(schema, &schema->defaults, sizeof(char *)) = text;
	return schema->defaults.count;
}

/* Declare the global element behind `component`. */
static uint32_t global_element(struct schema *schema, struct schema_component *component)
{
	uint32_t symbol = symbol_of(schema, component->name_space, component->name);
	struct schema_symbol *entry = &((struct schema_symbol *)schema->symbols.items)[symbol];
	uint32_t type;
	uint32_t value;

	if (entry->global_type != MW_IMAGE_NONE)
		return symbol;
	schema_attributes_allowed(schema, component->node, "name type default");
	type = element_type(schema, component->node);
	if (type_at(schema, type)->is_abstract)
		schema_unsupported(schema, component->node, "element of an abstract type");
	value = element_default(schema, component->node, type);
	entry = &((struct schema_symbol *)schema->symbols.items)[symbol];
	entry->global_type = type;
	entry->global_default = value;
	return symbol;
}

static void refuse_abstract(struct schema *schema, const struct schema_particle *particle)
{
	if (type_at(schema, particle->type)->is_abstract)
		schema_unsupported(schema, particle->node, "element of an abstract type");
}

static void read_element(struct schema *schema, xmlNodePtr node, struct schema_particle *particle)
{
	const char *reference = schema_attribute_text(schema, node, "ref");
	const char *name = own_name(schema, node);
	const char *form;
	const char *uri;

	particle->kind = SCHEMA_ELEMENT;
	if (reference != NULL) {
		struct schema_component *component;

		schema_attributes_allowed(schema, node, "ref minOccurs maxOccurs");
		reference = schema_qname(schema, node, reference, &uri);
		component = schema_find(schema, SCHEMA_COMPONENT_ELEMENT, uri, reference);
		if (component == NULL)
			schema_fail(schema, -EINVAL, node, "no global element \"%s\" is declared",
				reference);
		/* Its type is taken from the symbol when all are read: elements may nest. */
		particle->symbol = symbol_of(schema, uri, reference);
		particle->type = MW_IMAGE_NONE;
		return;
	}
	schema_attributes_allowed(schema, node, "name type minOccurs maxOccurs default");
	if (name == NULL)
		schema_fail(schema, -EINVAL, node, "an element has neither name nor ref");
	form = schema_attribute_text(schema, xmlDocGetRootElement(node->doc), "elementFormDefault");
	uri = form != NULL && strcmp(form, "qualified") == 0 ? target_namespace(schema, node) : "";
	particle->symbol = symbol_of(schema, uri, name);
	particle->type = element_type(schema, node);
	particle->default_value = element_default(schema, node, particle->type);
	refuse_abstract(schema, particle);
}

static void read_wildcard(struct schema *schema, xmlNodePtr node, struct schema_particle *particle)
{
	const char *name_space = schema_attribute_text(schema, node, "namespace");
	const char *process = schema_attribute_text(schema, node, "processContents");

	schema_attributes_allowed(schema, node, "namespace processContents minOccurs maxOccurs");
	if (schema_first_child(node) != NULL)
		schema_unsupported(schema, node, "content of any");
	if (name_space == NULL || strcmp(name_space, "##any") == 0)
		particle->kind = SCHEMA_ANY;
	else if (strcmp(name_space, "##other") == 0)
		particle->kind = SCHEMA_OTHER;
	else
		schema_unsupported(schema, node, "any with a list of namespaces");
	particle->name_space = schema_namespace(schema, target_namespace(schema, node));
	if (process == NULL || strcmp(process, "strict") == 0)
		particle->lax = false;
	else if (strcmp(process, "lax") == 0)
		particle->lax = true;
	else
		schema_unsupported(schema, node, "any with processContents=\"skip\"");
}

static void read_group(struct schema *schema, xmlNodePtr node, struct schema_particle *particle)
{
	struct schema_particle **last = &particle->children;

	schema_attributes_allowed(schema, node, "minOccurs maxOccurs");
	particle->kind = schema_is(node, "sequence") ? SCHEMA_SEQUENCE : SCHEMA_CHOICE;
	for (xmlNodePtr child = schema_first_child(node); child != NULL;
		child = schema_next_child(child)) {
		*last = read_particle(schema, child);
		last = &(*last)->next;
	}
}

static struct schema_particle *read_particle(struct schema *schema, xmlNodePtr node)
{
	struct schema_particle *particle = schema_allocate(schema, sizeof(*particle));

	particle->node = node;
	particle->number = ++schema->particle_count;
	particle->min = read_occurs(schema, node, "minOccurs");
	particle->max = read_occurs(schema, node, "maxOccurs");
	if (particle->min > particle->max)
		schema_fail(schema, -EINVAL, node, "minOccurs is greater than maxOccurs");
	if (schema_is(node, "element"))
		read_element(schema, node, particle);
	else if (schema_is(node, "any"))
		read_wildcard(schema, node, particle);
	else if (schema_is(node, "sequence") || schema_is(node, "choice"))
		read_group(schema, node, particle);
	else
		schema_unsupported(schema, node, (const char *)node->name);
	return particle;
}

static void read_attribute(struct schema *schema, xmlNodePtr node, struct schema_type *type)
{
	const char *name = own_name(schema, node);
	const char *use = schema_attribute_text(schema, node, "use");
	const char *type_name = schema_attribute_text(schema, node, "type");
	xmlNodePtr child = schema_first_child(node);
	struct schema_attribute *attribute;
	uint32_t simple;

	schema_attributes_allowed(schema, node, "name type use");
	if (name == NULL)
		schema_fail(schema, -EINVAL, node, "an attribute without a name");
	if (use != NULL && strcmp(use, "required") != 0 && strcmp(use, "optional") != 0)
		schema_unsupported(schema, node, "attribute that is prohibited");
	if (type_name != NULL && child == NULL)
		simple = schema_simple_named(schema, node, type_name);
	else if (type_name == NULL && child != NULL && schema_is(child, "simpleType"))
		simple = schema_simple_in_place(schema, child, "");
	else
		schema_unsupported(schema, node, "attribute without a type");
	attribute = type->attributes.items;
	for (uint32_t index = 0; index < type->attributes.count; index++)
		if (strcmp(attribute[index].name, name) == 0)
			schema_fail(
				schema, -EINVAL, node, "attribute \"%s\" is declared twice", name);
	if (type->attributes.count == MW_IMAGE_ATTRIBUTES_MAX)
		schema_fail(
			schema, -EINVAL, node, "more than %u attributes", MW_IMAGE_ATTRIBUTES_MAX);
	attribute = schema_append(schema, &type->attributes, sizeof(*attribute));
	*attribute = (struct schema_attribute){.name = name,
		.simple = simple,
		.required = use != NULL && strcmp(use, "required") == 0};
}

static void read_attributes(struct schema *schema, xmlNodePtr node, struct schema_type *type)
{
	for (; node != NULL; node = schema_next_child(node)) {
		if (!schema_is(node, "attribute"))
			schema_unsupported(schema, node, (const char *)node->name);
		read_attribute(schema, node, type);
	}
}

/* Particle and attributes that stand in `node` (a complexType or an extension) directly. */
static struct schema_particle *read_body(
	struct schema *schema, xmlNodePtr node, struct schema_type *type)
{
	xmlNodePtr child = schema_first_child(node);
	struct schema_particle *particle = NULL;

	if (child != NULL && !schema_is(child, "attribute")) {
		if (!schema_is(child, "sequence") && !schema_is(child, "choice"))
			schema_unsupported(schema, child, (const char *)child->name);
		particle = read_particle(schema, child);
		child = schema_next_child(child);
	}
	read_attributes(schema, child, type);
	return particle;
}

static xmlNodePtr only_extension(struct schema *schema, xmlNodePtr node)
{
	xmlNodePtr child = schema_first_child(node);

	schema_attributes_allowed(schema, node, "");
	if (child == NULL)
		schema_fail(schema, -EINVAL, node, "no extension in it");
	if (!schema_is(child, "extension")) {
		char what[96];

		snprintf(what, sizeof(what), "%s in %s", (const char *)child->name,
			(const char *)node->name);
		schema_unsupported(schema, child, what);
	}
	schema_attributes_allowed(schema, child, "base");
	if (schema_next_child(child) != NULL)
		schema_unsupported(schema, schema_next_child(child),
			(const char *)schema_next_child(child)->name);
	if (schema_attribute_text(schema, child, "base") == NULL)
		schema_fail(schema, -EINVAL, child, "an extension without base");
	return child;
}

static void inherit_attributes(
	struct schema *schema, struct schema_type *type, const struct schema_type *base)
{
	const struct schema_attribute *attributes = base->attributes.items;

	for (uint32_t index = 0; index < base->attributes.count; index++)
		*(struct schema_attribute *)schema_append(
			schema, &type->attributes, sizeof(*attributes)) = attributes[index];
}

static void read_complex_content(struct schema *schema, xmlNodePtr node, struct schema_type *type)
{
	xmlNodePtr extension = only_extension(schema, node);
	uint32_t base_index =
		type_named(schema, extension, schema_attribute_text(schema, extension, "base"));
	const struct schema_type *base = type_at(schema, base_index);
	struct schema_particle *own;
	struct schema_particle *both;

	if (base_index == 0)
		schema_unsupported(schema, extension, "extension of anyType");
	if (!base->done)
		schema_fail(schema, -EINVAL, extension,
			"a type extends itself, or one that it is part of");
	if (base->content == MW_IMAGE_CONTENT_SIMPLE)
		schema_unsupported(schema, extension, "complexContent on simple content");
	if ((base->content == MW_IMAGE_CONTENT_MIXED) !=
			(type->content == MW_IMAGE_CONTENT_MIXED) &&
		base->content != MW_IMAGE_CONTENT_EMPTY)
		schema_unsupported(schema, extension, "extension that changes mixed");
	inherit_attributes(schema, type, base);
	own = read_body(schema, extension, type);
	type->particle = own != NULL ? own : base->particle;
	if (own == NULL || base->particle == NULL)
		return;
	both = schema_allocate(schema, sizeof(*both));
	both->kind = SCHEMA_SEQUENCE;
	both->min = 1;
	both->max = 1;
	both->node = extension;
	both->children = schema_allocate(schema, sizeof(*both));
	*both->children = *base->particle;
	both->children->next = own;
	type->particle = both;
}

static void read_simple_content(struct schema *schema, xmlNodePtr node, struct schema_type *type)
{
	xmlNodePtr extension = only_extension(schema, node);
	const struct schema_type *base = type_at(schema,
		type_named(schema, extension, schema_attribute_text(schema, extension, "base")));

	if (!base->done || base->content != MW_IMAGE_CONTENT_SIMPLE)
		schema_fail(schema, -EINVAL, extension, "the base has no simple content");
	type->content = MW_IMAGE_CONTENT_SIMPLE;
	type->simple = base->simple;
	inherit_attributes(schema, type, base);
	read_attributes(schema, schema_first_child(extension), type);
}

static struct schema_component *component_of(struct schema *schema, const xmlNode *node)
{
	struct schema_component *components = schema->components.items;

	for (uint32_t index = 0; index < schema->components.count; index++)
		if (components[index].node == node)
			return &components[index];
	return NULL;
}

static uint32_t complex_in_place(struct schema *schema, xmlNodePtr node, const char *name)
{
	uint32_t index = new_type(schema, name, node);
	struct schema_type *type = type_at(schema, index);
	struct schema_component *component = component_of(schema, node);
	xmlNodePtr child = schema_first_child(node);

	schema_enter(schema, node);
	if (component != NULL)
		component->index = index; /* before its parts: types may nest in themselves */
	schema_attributes_allowed(schema, node, "name mixed abstract");
	type->is_abstract = is_true(schema_attribute_text(schema, node, "abstract"));
	type->content = is_true(schema_attribute_text(schema, node, "mixed"))
				? MW_IMAGE_CONTENT_MIXED
				: MW_IMAGE_CONTENT_ELEMENTS;
	if (child != NULL && schema_is(child, "simpleContent"))
		read_simple_content(schema, child, type);
	else if (child != NULL && schema_is(child, "complexContent"))
		read_complex_content(schema, child, type);
	else
		type->particle = read_body(schema, node, type);
	if (child != NULL &&
		(schema_is(child, "simpleContent") || schema_is(child, "complexContent")) &&
		schema_next_child(child) != NULL)
		schema_unsupported(schema, schema_next_child(child),
			(const char *)schema_next_child(child)->name);
	type->done = true;
	schema_leave(schema);
	return index;
}

/* ---- the documents ---- */

static void read_import(struct schema *schema, xmlNodePtr node)
{
	if (schema_is(node, "import"))
		schema_attributes_allowed(schema, node, "namespace schemaLocation");
	else
		schema_unsupported(schema, node, (const char *)node->name);
}

static void add_component(struct schema *schema, xmlNodePtr node, enum schema_component_kind kind,
	const char *name, bool is_simple)
{
	const char *uri = target_namespace(schema, node);
	uint32_t *chain = chain_of(schema, uri, name);
	struct schema_component *component;

	if (schema_find(schema, kind, uri, name) != NULL)
		schema_fail(schema, -EINVAL, node, "\"%.64s\" is defined twice", name);
	component = schema_append(schema, &schema->components, sizeof(*component));
	*component = (struct schema_component){.kind = kind,
		.name_space = uri,
		.name = name,
		.node = node,
		.is_simple = is_simple,
		.index = MW_IMAGE_NONE,
		.next = *chain};
	*chain = schema->components.count;
}

static void collect(struct schema *schema, xmlNodePtr root)
{
	schema_attributes_allowed(
		schema, root, "targetNamespace elementFormDefault attributeFormDefault version");
	if (!schema_is(root, "schema"))
		schema_fail(schema, -EINVAL, root, "the root element is not a schema");
	if (schema_attribute_text(schema, root, "attributeFormDefault") != NULL &&
		strcmp(schema_attribute_text(schema, root, "attributeFormDefault"),
			"unqualified") != 0)
		schema_unsupported(schema, root, "attributeFormDefault=\"qualified\"");
	for (xmlNodePtr node = schema_first_child(root); node != NULL;
		node = schema_next_child(node)) {
		const char *name;
		bool is_element = schema_is(node, "element");
		bool is_simple = schema_is(node, "simpleType");

		if (!is_element && !is_simple && !schema_is(node, "complexType")) {
			read_import(schema, node);
			continue;
		}
		name = own_name(schema, node);
		if (name == NULL)
			schema_fail(schema, -EINVAL, node, "a global definition without a name");
		add_component(schema, node,
			is_element ? SCHEMA_COMPONENT_ELEMENT : SCHEMA_COMPONENT_TYPE, name,
			is_simple);
	}
}

/* Elements that refer to global ones get their types, now that all are known. */
static void resolve(struct schema *schema, struct schema_particle *particle)
{
	for (; particle != NULL; particle = particle->next) {
		const struct schema_symbol *symbol;

		resolve(schema, particle->children);
		if (particle->kind != SCHEMA_ELEMENT || particle->type != MW_IMAGE_NONE)
			continue;
		symbol = &((struct schema_symbol *)schema->symbols.items)[particle->symbol];
		particle->type = symbol->global_type;
		particle->default_value = symbol->global_default;
		refuse_abstract(schema, particle);
	}
}

/* xs:anyType: anything, checked where the schema knows the element. */
static void add_any_type(struct schema *schema)
{
	struct schema_type *type;
	struct schema_particle *particle = schema_allocate(schema, sizeof(*particle));

	new_type(schema, "anyType", NULL);
	type = type_at(schema, 0);
	particle->kind = SCHEMA_ANY;
	particle->max = MW_IMAGE_UNBOUNDED;
	particle->lax = true;
	particle->name_space = MW_IMAGE_NONE;
	type->content = MW_IMAGE_CONTENT_MIXED;
	type->particle = particle;
	type->any_attribute = true;
	type->done = true;
}

void schema_read(struct schema *schema)
{
	struct schema_component *components;

	add_any_type(schema);
	for (size_t index = 0; index < schema->set->count; index++) {
		xmlNodePtr root = xmlDocGetRootElement(schema->set->documents[index].document);

		schema_namespace(schema, target_namespace(schema, root));
		collect(schema, root);
	}
	for (uint32_t index = 0; index < schema->components.count; index++) {
		components = schema->components.items;
		if (components[index].kind == SCHEMA_COMPONENT_ELEMENT) {
			global_element(schema, &components[index]);
		} else if (!components[index].is_simple) {
			complex_named(schema, &components[index]);
		} else if (components[index].index == MW_IMAGE_NONE) {
			components[index].in_progress = true;
			components[index].index = schema_simple_in_place(
				schema, components[index].node, components[index].name);
		}
	}
	for (uint32_t index = 0; index < schema->types.count; index++)
		resolve(schema, type_at(schema, index)->particle);
	for (uint32_t index = 0; index < schema->types.count; index++)
		schema_content(schema, type_at(schema, index));
}
