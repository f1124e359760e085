/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/duis/date_time.h"
#include "dataplane/duis/describe.h"
#include "dataplane/duis/identifier.h"
#include "dataplane/duis/profile.h"

/* Longest value that is read here, a request id; white space may surround it. */
#define VALUE_SIZE MW_REQUEST_ID_TEXT_SIZE

static bool is_duis(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->ns->href, DUIS_NAMESPACE) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

static xmlNodePtr find_child(xmlNodePtr parent, const char *name)
{
	for (xmlNodePtr child = parent->children; child != NULL; child = child->next)
		if (is_duis(child, name))
			return child;
	return NULL;
}

static xmlNodePtr next_element(xmlNodePtr node)
{
	while (node != NULL && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return node;
}

static bool is_blank(xmlChar byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Read the value of `node` with its white space collapsed into value[0 .. size). */
static int read_value(xmlNodePtr node, char *value, size_t size)
{
	xmlChar *text = xmlNodeGetContent(node);
	size_t length = 0;
	int result = 0;
	bool gap = false;

	if (text == NULL)
		return -ENOMEM;
	for (const xmlChar *at = text; *at != '\0'; at++) {
		if (is_blank(*at)) {
			gap = length > 0;
			continue;
		}
		if (length + gap + 1 >= size) {
			result = -EBADMSG;
			break;
		}
		if (gap)
			value[length++] = ' ';
		gap = false;
		value[length++] = (char)*at;
	}
	value[length] = '\0';
	xmlFree(text);
	return result;
}

struct description {
	struct duis_document *document;
	xmlNodePtr *fault;
};

static int refuse(struct description *description, xmlNodePtr node, int result)
{
	*description->fault = node;
	return result;
}

static int read_text(struct description *description, xmlNodePtr parent, const char *name,
	char *value, size_t size)
{
	xmlNodePtr node = find_child(parent, name);
	int result;

	value[0] = '\0';
	if (node == NULL)
		return 0;
	result = read_value(node, value, size);
	return result != 0 ? refuse(description, node, result) : 0;
}

static int read_id(struct description *description, xmlNodePtr header, const char *name, bool *has,
	struct mw_request_id *id)
{
	xmlNodePtr node = find_child(header, name);
	char text[VALUE_SIZE];
	int result;

	if (node == NULL)
		return 0;
	result = read_value(node, text, sizeof(text));
	if (result == 0)
		result = duis_request_id_parse(text, strlen(text), id);
	if (result != 0)
		return refuse(description, node, result);
	*has = true;
	return 0;
}

/* A positive integer: "+1" and "01" are 1 as well. */
static int read_command_variant(struct description *description, xmlNodePtr header)
{
	enum {
		VARIANT_MAX = 9,
	};
	xmlNodePtr node = find_child(header, "CommandVariant");
	xmlChar *text;
	unsigned value = 0;

	if (node == NULL)
		return refuse(description, header, -EBADMSG);
	text = xmlNodeGetContent(node);
	if (text == NULL)
		return refuse(description, node, -ENOMEM);
	for (const xmlChar *at = text; *at != '\0' && value <= VARIANT_MAX; at++)
		if (*at >= '0' && *at <= '9')
			value = 10 * value + (*at - '0');
	xmlFree(text);
	if (value < 1 || value > VARIANT_MAX)
		return refuse(description, node, -EBADMSG);
	description->document->command_variant = (uint8_t)value;
	return 0;
}

static int read_references(struct description *description, xmlNodePtr parent)
{
	struct duis_document *document = description->document;
	int result = read_text(description, parent, "ServiceReference", document->service_reference,
		sizeof(document->service_reference));

	if (result != 0)
		return result;
	return read_text(description, parent, "ServiceReferenceVariant",
		document->service_reference_variant, sizeof(document->service_reference_variant));
}

static int read_body_element(struct description *description, xmlNodePtr element)
{
	char *name = description->document->body_element;
	size_t length = strlen((const char *)element->name);

	if (length >= MW_ELEMENT_NAME_SIZE)
		return refuse(description, element, -EBADMSG);
	memcpy(name, element->name, length + 1);
	return 0;
}

/* The first element of the name below `parent`, in the order of the document. */
static xmlNodePtr find_below(xmlNodePtr parent, const char *name)
{
	for (xmlNodePtr child = parent->children; child != NULL; child = child->next) {
		if (child->type != XML_ELEMENT_NODE)
			continue;
		xmlNodePtr found = is_duis(child, name) ? child : find_below(child, name);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static int read_instant(struct description *description, xmlNodePtr node, bool up, int64_t *seconds)
{
	xmlChar *text = xmlNodeGetContent(node);
	bool fraction;

	if (text == NULL)
		return refuse(description, node, -ENOMEM);
	int result = duis_date_time_read(
		(const char *)text, strlen((const char *)text), seconds, &fraction);
	xmlFree(text);
	if (result != 0)
		return refuse(description, node, result);
	*seconds += up && fraction;
	return 0;
}

/* When it is to be done, and which period is asked for. */
static int read_instants(struct description *description, xmlNodePtr body)
{
	struct duis_document *document = description->document;
	xmlNodePtr execution = find_below(body, "ExecutionDateTime");
	xmlNodePtr period = find_below(body, "ReadLogPeriod");
	xmlNodePtr start = period != NULL ? find_child(period, "StartDateTime") : NULL;
	xmlNodePtr end = period != NULL ? find_child(period, "EndDateTime") : NULL;
	int result = 0;

	document->has_execution_date_time = execution != NULL;
	document->has_period = start != NULL && end != NULL;
	if (execution != NULL)
		result = read_instant(description, execution, false, &document->execution_s);
	if (result == 0 && document->has_period)
		result = read_instant(description, start, false, &document->period_start_s);
	if (result == 0 && document->has_period)
		result = read_instant(description, end, true, &document->period_end_s);
	return result;
}

static int describe_request(struct description *description, xmlNodePtr header, xmlNodePtr body)
{
	xmlNodePtr element = next_element(body->children);
	int result = read_command_variant(description, header);

	if (result == 0)
		result = read_references(description, header);
	if (result == 0)
		result = element != NULL ? read_body_element(description, element)
					 : refuse(description, body, -EBADMSG);
	return result;
}

static int describe_response(struct description *description, xmlNodePtr header, xmlNodePtr body)
{
	struct duis_document *document = description->document;
	xmlNodePtr element = next_element(body->children);
	int result = read_text(description, header, "ResponseCode", document->response_code,
		sizeof(document->response_code));

	if (result != 0)
		return result;
	if (element == NULL)
		return refuse(description, body, -EBADMSG);
	result = read_references(description, element);
	if (result != 0)
		return result;
	if (is_duis(element, "ResponseMessage")) {
		element = next_element(element->children);
		while (element != NULL && (is_duis(element, "ServiceReference") ||
						  is_duis(element, "ServiceReferenceVariant")))
			element = next_element(element->next);
	}
	document->has_body = element != NULL;
	return element != NULL ? read_body_element(description, element) : 0;
}

int duis_describe(xmlNodePtr root, struct duis_document *document, xmlNodePtr *fault)
{
	struct description description = {.document = document, .fault = fault};
	xmlNodePtr header = find_child(root, "Header");
	xmlNodePtr body = find_child(root, "Body");
	int result;

	document->root = is_duis(root, "Request") ? DUIS_ROOT_REQUEST : DUIS_ROOT_RESPONSE;
	document->has_signature = duis_profile_find(root) != NULL;
	if (header == NULL || body == NULL)
		return refuse(&description, root, -EBADMSG);
	result = read_id(&description, header, "RequestID", &document->has_request_id,
		&document->request_id);
	if (result == 0)
		result = read_instants(&description, body);
	if (result == 0)
		result = read_id(&description, header, "ResponseID", &document->has_response_id,
			&document->response_id);
	if (result != 0)
		return result;
	return document->root == DUIS_ROOT_REQUEST ? describe_request(&description, header, body)
						   : describe_response(&description, header, body);
}
