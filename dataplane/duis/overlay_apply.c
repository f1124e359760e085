/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of an overlay, on the DOM of a schema document. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libxml/xmlschemastypes.h>

#include "dataplane/duis/overlay.h"

#define XSD_NAMESPACE "http://www.w3.org/2001/XMLSchema"
#define SEGMENT_SIZE 128
#define QNAME_SIZE 256

struct application {
	const struct duis_overlay *overlay;
	xmlNodePtr schema; /* the root element of the document to change */
	char *reason;
	size_t reason_size;
};

__attribute__((format(printf, 3, 4))) static int fail(struct application *application,
	const struct duis_overlay_text *at, const char *format, ...)
{
	va_list arguments;
	int length = snprintf(application->reason, application->reason_size,
		"%s:%d:%d: ", application->overlay->path, at->line, at->column);

	if (length > 0 && (size_t)length < application->reason_size) {
		va_start(arguments, format);
		vsnprintf(application->reason + length, application->reason_size - (size_t)length,
			format, arguments);
		va_end(arguments);
	}
	return -EINVAL;
}

static bool is_xsd(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->ns->href, XSD_NAMESPACE) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

static bool has_attribute(const xmlNode *node, const char *name, const char *value)
{
	xmlChar *found = xmlGetNoNsProp(node, BAD_CAST name);
	bool same = found != NULL && strcmp((const char *)found, value) == 0;

	xmlFree(found);
	return same;
}

static xmlNodePtr find_child(xmlNodePtr parent, const char *name)
{
	for (xmlNodePtr child = parent->children; child != NULL; child = child->next)
		if (is_xsd(child, name))
			return child;
	return NULL;
}

static xmlNodePtr find_global(xmlNodePtr schema, const char *name, size_t length)
{
	static const char *const kinds[] = {"complexType", "simpleType", "element"};
	char text[SEGMENT_SIZE];

	if (length >= sizeof(text))
		return NULL;
	memcpy(text, name, length);
	text[length] = '\0';
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (xmlNodePtr child = schema->children; child != NULL; child = child->next)
			if (is_xsd(child, kinds[kind]) && has_attribute(child, "name", text))
				return child;
	return NULL;
}

/* The local element `name` that belongs to `type` itself, not to an element inside it. */
static xmlNodePtr find_local(xmlNodePtr type, const char *name)
{
	for (xmlNodePtr child = type->children; child != NULL; child = child->next) {
		xmlNodePtr found;

		if (child->type != XML_ELEMENT_NODE)
			continue;
		if (is_xsd(child, "element")) {
			if (has_attribute(child, "name", name))
				return child;
			continue;
		}
		found = find_local(child, name);
		if (found != NULL)
			return found;
	}
	return NULL;
}

/* Find the type that a `to` names: the definition, not the element that holds it. */
static int find_type(
	struct application *application, const struct duis_overlay_text *to, xmlNodePtr *type)
{
	const char *at = to->text;
	size_t length = strcspn(at, "/");
	xmlNodePtr found = find_global(application->schema, at, length);

	if (found == NULL)
		return fail(application, to, "the schema has no type or element \"%.*s\"",
			(int)length, at);
	for (at += length; *at == '/'; at += length) {
		char segment[SEGMENT_SIZE];

		at++;
		length = strcspn(at, "/");
		snprintf(segment, sizeof(segment), "%.*s", (int)length, at);
		found = find_local(found, segment);
		if (found == NULL)
			return fail(application, to, "there is no element \"%s\" in \"%.*s\"",
				segment, (int)(at - 1 - to->text), to->text);
	}
	if (is_xsd(found, "element")) {
		xmlNodePtr inner = find_child(found, "complexType");

		if (inner == NULL)
			inner = find_child(found, "simpleType");
		if (inner == NULL)
			return fail(application, to,
				"\"%s\" has no type of its own; name the type it refers to",
				to->text);
		found = inner;
	}
	*type = found;
	return 0;
}

/* A new element of the schema language in the document's own spelling and indentation. */
static xmlNodePtr insert_behind(
	struct application *application, xmlNodePtr sibling, const char *name)
{
	xmlNodePtr made = xmlNewDocNode(
		application->schema->doc, application->schema->ns, BAD_CAST name, NULL);
	xmlNodePtr blank = sibling->prev;

	if (made == NULL)
		return NULL;
	xmlAddNextSibling(sibling, made);
	if (blank != NULL && blank->type == XML_TEXT_NODE && xmlIsBlankNode(blank)) {
		xmlNodePtr copy = xmlDocCopyNode(blank, application->schema->doc, 1);

		if (copy != NULL)
			xmlAddNextSibling(sibling, copy);
	}
	return made;
}

static int add_enumeration(
	struct application *application, const struct duis_overlay_operation *operation)
{
	xmlNodePtr type = NULL;
	xmlNodePtr restriction;
	xmlNodePtr last = NULL;
	int result = find_type(application, &operation->to, &type);

	if (result != 0)
		return result;
	restriction = is_xsd(type, "simpleType") ? find_child(type, "restriction") : NULL;
	if (restriction == NULL)
		return fail(application, &operation->to,
			"\"%s\" is no simple type with enumerations", operation->to.text);
	for (xmlNodePtr child = restriction->children; child != NULL; child = child->next)
		if (is_xsd(child, "enumeration"))
			last = child;
	if (last == NULL)
		return fail(application, &operation->to,
			"\"%s\" has no enumerations; adding one would forbid all other values",
			operation->to.text);
	for (size_t index = 0; index < operation->value_count; index++) {
		const struct duis_overlay_text *value = &operation->values[index];

		for (xmlNodePtr child = restriction->children; child != NULL; child = child->next)
			if (is_xsd(child, "enumeration") &&
				has_attribute(child, "value", value->text))
				return fail(application, value, "\"%s\" is already in \"%s\"",
					value->text, operation->to.text);
		last = insert_behind(application, last, "enumeration");
		if (last == NULL ||
			xmlNewProp(last, BAD_CAST "value", BAD_CAST value->text) == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* Write the type's name as the document spells it: with the prefix of its namespace. */
static int spell_type(
	struct application *application, const struct duis_overlay_text *type, char *name)
{
	xmlNodePtr schema = application->schema;
	const char *local = type->text;
	const char *uri = application->overlay->namespace.text;
	xmlNsPtr namespace;

	if (strncmp(local, "xs:", 3) == 0) {
		local += 3;
		uri = XSD_NAMESPACE;
		if (xmlSchemaGetPredefinedType(BAD_CAST local, BAD_CAST XSD_NAMESPACE) == NULL)
			return fail(
				application, type, "\"%s\" is no type of XML Schema", type->text);
	} else {
		xmlNodePtr found = find_global(schema, local, strlen(local));

		if (found == NULL || is_xsd(found, "element"))
			return fail(application, type, "the schema has no type \"%s\"", local);
	}
	namespace = xmlSearchNsByHref(schema->doc, schema, BAD_CAST uri);
	if (namespace == NULL)
	namespace = xmlNewNs(schema, BAD_CAST uri, BAD_CAST "overlay");
	if (namespace == NULL)
		return fail(application, type, "the schema declares no prefix for %s", uri);
	snprintf(name, QNAME_SIZE, "%s%s%s",
		namespace->prefix != NULL ? (const char *)namespace->prefix : "",
		namespace->prefix != NULL ? ":" : "", local);
	return 0;
}

static int add_element(
	struct application *application, const struct duis_overlay_operation *operation)
{
	char type_name[QNAME_SIZE];
	xmlNodePtr type = NULL;
	xmlNodePtr after;
	xmlNodePtr made;
	int result = find_type(application, &operation->to, &type);

	if (result != 0)
		return result;
	if (!is_xsd(type, "complexType"))
		return fail(application, &operation->to, "\"%s\" is no complex type",
			operation->to.text);
	after = find_local(type, operation->after.text);
	if (after == NULL)
		return fail(application, &operation->after, "\"%s\" has no element \"%s\"",
			operation->to.text, operation->after.text);
	if (xmlValidateNCName(BAD_CAST operation->name.text, 0) != 0)
		return fail(application, &operation->name, "\"%s\" is no element name",
			operation->name.text);
	if (find_local(type, operation->name.text) != NULL)
		return fail(application, &operation->name, "\"%s\" has an element \"%s\" already",
			operation->to.text, operation->name.text);
	result = spell_type(application, &operation->type, type_name);
	if (result != 0)
		return result;
	made = insert_behind(application, after, "element");
	if (made == NULL ||
		xmlNewProp(made, BAD_CAST "name", BAD_CAST operation->name.text) == NULL ||
		xmlNewProp(made, BAD_CAST "type", BAD_CAST type_name) == NULL)
		return -ENOMEM;
	if (operation->optional && xmlNewProp(made, BAD_CAST "minOccurs", BAD_CAST "0") == NULL)
		return -ENOMEM;
	return 0;
}

int duis_overlay_apply(const struct duis_overlay *overlay, xmlDocPtr const *documents, size_t count,
	char *reason, size_t reason_size)
{
	struct application application = {
		.overlay = overlay,
		.reason = reason,
		.reason_size = reason_size,
	};

	for (size_t index = 0; index < count; index++) {
		xmlNodePtr root = xmlDocGetRootElement(documents[index]);

		if (root != NULL && has_attribute(root, "targetNamespace", overlay->namespace.text))
			application.schema = root;
	}
	if (application.schema == NULL)
		return fail(&application, &overlay->namespace,
			"no schema document has the target namespace \"%s\"",
			overlay->namespace.text);
	for (size_t index = 0; index < overlay->operation_count; index++) {
		const struct duis_overlay_operation *operation = &overlay->operations[index];
		int result = -EINVAL;

		switch (operation->kind) {
		case DUIS_OVERLAY_ADD_ENUMERATION:
			result = add_enumeration(&application, operation);
			break;
		case DUIS_OVERLAY_ADD_ELEMENT:
			result = add_element(&application, operation);
			break;
		}
		if (result == -ENOMEM)
			fail(&application, &operation->to, "out of memory");
		if (result != 0)
			return result;
	}
	return 0;
}
