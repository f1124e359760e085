/* SPDX-License-Identifier: Apache-2.0 */
#include "control/xml_request.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <libxml/parser.h>

#define NESTING_MAX 8 /* a schedule has three levels */

const char *xml_name(const xmlNode *element)
{
	return (const char *)element->name;
}

static bool is_duis(const xmlNode *node)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->ns->href, XML_DUIS_NAMESPACE) == 0;
}

static const xmlNode *skip_to_duis(const xmlNode *node)
{
	while (node != NULL && !is_duis(node))
		node = node->next;
	return node;
}

const xmlNode *xml_first(const xmlNode *element)
{
	return skip_to_duis(element->children);
}

const xmlNode *xml_next(const xmlNode *element)
{
	return skip_to_duis(element->next);
}

const xmlNode *xml_child(const xmlNode *element, const char *name)
{
	const xmlNode *child = xml_first(element);

	while (child != NULL && strcmp(xml_name(child), name) != 0)
		child = xml_next(child);
	return child;
}

int xml_request_read(struct xml_request *request, const uint8_t *bytes, size_t length)
{
	request->document = NULL;
	request->body = NULL;
	if (length == 0 || length > XML_REQUEST_BYTES_MAX)
		return -EBADMSG;
	request->document = xmlReadMemory((const char *)bytes, (int)length, NULL, "UTF-8",
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	if (request->document == NULL)
		return -EBADMSG;
	const xmlNode *root = xmlDocGetRootElement(request->document);
	const xmlNode *body = NULL;
	if (request->document->intSubset == NULL && root != NULL && is_duis(root) &&
		strcmp(xml_name(root), "Request") == 0)
		body = xml_child(root, "Body");
	const xmlNode *content = body != NULL ? xml_first(body) : NULL;
	if (content == NULL || xml_next(content) != NULL) {
		xml_request_free(request);
		return -EBADMSG;
	}
	request->body = (xmlNode *)content;
	return 0;
}

void xml_request_free(struct xml_request *request)
{
	xmlFreeDoc(request->document);
	request->document = NULL;
	request->body = NULL;
}

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

int xml_value(const xmlNode *element, char *out, size_t size)
{
	size_t length = 0;

	if (element == NULL)
		return -ENOENT;
	for (const xmlNode *node = element->children; node != NULL; node = node->next) {
		if (node->type != XML_TEXT_NODE && node->type != XML_CDATA_SECTION_NODE)
			continue;
		for (const char *byte = (const char *)node->content; *byte != '\0'; byte++) {
			if (length == 0 && is_space(*byte))
				continue;
			if (length + 1 >= size) {
				/* White space at the end is no part of the value. */
				if (is_space(*byte))
					continue;
				return -EMSGSIZE;
			}
			out[length++] = *byte;
		}
	}
	while (length > 0 && is_space(out[length - 1]))
		length--;
	out[length] = '\0';
	return 0;
}

static void copy_level(struct xml_text *text, const xmlNode *element, unsigned level)
{
	const xmlNode *child = xml_first(element);

	xml_text_open(text, xml_name(element));
	if (child == NULL) {
		for (const xmlNode *node = element->children; node != NULL; node = node->next)
			if (node->type == XML_TEXT_NODE)
				xml_text_escaped(text, (const char *)node->content,
					strlen((const char *)node->content));
	}
	for (; child != NULL; child = xml_next(child)) {
		if (level < NESTING_MAX)
			copy_level(text, child, level + 1);
		else
			text->failed = true;
	}
	xml_text_close(text, xml_name(element));
}

void xml_copy(struct xml_text *text, const xmlNode *element)
{
	copy_level(text, element, 1);
}
