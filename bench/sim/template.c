/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sim/template.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "dataplane/duis/identifier.h"

#define DUIS_NAMESPACE "http://www.dccinterface.co.uk/ServiceUserGateway"
#define DSIG_NAMESPACE "http://www.w3.org/2000/09/xmldsig#"

/* Stands for the RequestID while libxml2 writes the canonical form, so that its place is found. */
#define PLACE "[[request-id]]"

static bool is_element(const xmlNode *node, const char *name, const char *space)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0 &&
	       node->ns && strcmp((const char *)node->ns->href, space) == 0;
}

static xmlNode *child_element(xmlNode *parent, const char *name)
{
	for (xmlNode *node = parent ? parent->children : NULL; node; node = node->next)
		if (is_element(node, name, DUIS_NAMESPACE))
			return node;
	return NULL;
}

static bool has_child_element(const xmlNode *node)
{
	for (const xmlNode *child = node->children; child; child = child->next)
		if (child->type == XML_ELEMENT_NODE)
			return true;
	return false;
}

static void drop(xmlNode *node)
{
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

/* Drop comments and signatures, then the white space between elements. The depth of a template is
 * bounded by libxml2's own limit (256). */
static void strip(xmlNode *parent)
{
	xmlNode *next;
	bool has_elements = has_child_element(parent);
	for (xmlNode *node = parent->children; node; node = next) {
		next = node->next;
		if (node->type == XML_COMMENT_NODE || is_element(node, "Signature", DSIG_NAMESPACE))
			drop(node);
		else if (has_elements && xmlIsBlankNode(node))
			drop(node);
		else if (node->type == XML_ELEMENT_NODE)
			strip(node);
	}
}

/* The trimmed text of `parent`'s child element `name`. Returns its length or -EBADMSG. */
static int child_text(xmlNode *parent, const char *name, char *text, size_t size)
{
	xmlNode *node = child_element(parent, name);
	if (!node)
		return -EBADMSG;
	xmlChar *content = xmlNodeGetContent(node);
	if (!content)
		return -EBADMSG;
	const char *start = (const char *)content;
	start += strspn(start, " \t\r\n");
	size_t length = strcspn(start, " \t\r\n");
	int result = -EBADMSG;
	if (length > 0 && length < size) {
		memcpy(text, start, length);
		text[length] = '\0';
		result = (int)length;
	}
	xmlFree(content);
	return result;
}

static int describe(struct template *template, xmlNode *root, const char **missing)
{
	xmlNode *header = child_element(root, "Header");
	xmlNode *body = child_element(root, "Body");
	char text[MW_REQUEST_ID_TEXT_SIZE];

	*missing = "RequestID";
	int length = child_text(header, "RequestID", text, sizeof(text));
	if (length < 0 || duis_request_id_parse(text, (size_t)length, &template->request_id) != 0)
		return -EBADMSG;
	*missing = "CommandVariant";
	if (child_text(header, "CommandVariant", text, sizeof(text)) != 1 || text[0] < '1' ||
		text[0] > '9')
		return -EBADMSG;
	template->command_variant = (uint8_t)(text[0] - '0');
	*missing = "ServiceReference";
	if (child_text(header, "ServiceReference", template->service_reference,
		    sizeof(template->service_reference)) < 0)
		return -EBADMSG;
	*missing = "ServiceReferenceVariant";
	if (child_text(header, "ServiceReferenceVariant", template->srv, sizeof(template->srv)) < 0)
		return -EBADMSG;
	*missing = "element in Body";
	for (xmlNode *node = body ? body->children : NULL; node; node = node->next) {
		size_t name_length = node->name ? strlen((const char *)node->name) : 0;
		if (node->type != XML_ELEMENT_NODE || name_length >= MW_ELEMENT_NAME_SIZE)
			continue;
		memcpy(template->body_element, node->name, name_length + 1);
		return 0;
	}
	return -EBADMSG;
}

static int canonicalise(struct template *template, xmlDoc *document)
{
	xmlChar *text = NULL;
	xmlNodeSetContent(
		child_element(child_element(xmlDocGetRootElement(document), "Header"), "RequestID"),
		BAD_CAST PLACE);
	int length = xmlC14NDocDumpMemory(document, NULL, XML_C14N_1_0, NULL, 0, &text);
	uint8_t *place = length > 0 ? memmem(text, (size_t)length, PLACE, strlen(PLACE)) : NULL;
	if (!place) {
		xmlFree(text);
		return -EBADMSG;
	}
	template->request_id_offset = (uint32_t)(place - (uint8_t *)text);
	template->length = (uint32_t)length - (uint32_t)strlen(PLACE);
	template->canonical = malloc(template->length);
	if (template->canonical) {
		memcpy(template->canonical, text, template->request_id_offset);
		memcpy(template->canonical + template->request_id_offset, place + strlen(PLACE),
			template->length - template->request_id_offset);
	}
	xmlFree(text);
	return template->canonical ? 0 : -ENOMEM;
}

int template_make(struct template *template, const char *name, const uint8_t *bytes, size_t length,
	char *reason, size_t reason_size)
{
	int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	const char *missing = "well-formed XML";
	memset(template, 0, sizeof(*template));
	snprintf(template->name, sizeof(template->name), "%s", name);
	xmlDoc *document = length <= TEMPLATE_BYTES_MAX ? xmlReadMemory((const char *)bytes,
								  (int)length, NULL, NULL, options)
							: NULL;
	int result = -EBADMSG;
	if (document) {
		xmlNode *root = xmlDocGetRootElement(document);
		missing = "root element Request";
		if (root && is_element(root, "Request", DUIS_NAMESPACE)) {
			strip(root);
			result = describe(template, root, &missing);
		}
		if (result == 0)
			result = canonicalise(template, document);
	}
	if (result != 0)
		snprintf(reason, reason_size, "%s: no usable template: %s is missing or wrong",
			name, missing);
	xmlFreeDoc(document);
	return result;
}

void template_clear(struct template *template)
{
	free(template->canonical);
	template->canonical = NULL;
}

static int read_file(const char *path, uint8_t **bytes, size_t *length)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return -errno;
	*bytes = malloc(TEMPLATE_BYTES_MAX);
	int result = *bytes ? 0 : -ENOMEM;
	if (result == 0) {
		*length = fread(*bytes, 1, TEMPLATE_BYTES_MAX, file);
		if (ferror(file))
			result = -EIO;
		else if (*length == TEMPLATE_BYTES_MAX)
			result = -EFBIG;
	}
	if (result != 0) {
		free(*bytes);
		*bytes = NULL;
	}
	fclose(file);
	return result;
}

static int is_template_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot && strcasecmp(dot, ".xml") == 0;
}

static int read_one(struct template_set *set, const char *folder, const char *name, char *reason,
	size_t reason_size)
{
	char path[4096];
	uint8_t *bytes = NULL;
	size_t length = 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
		return -ENAMETOOLONG;
	int result = read_file(path, &bytes, &length);
	if (result != 0) {
		snprintf(reason, reason_size, "%s: %s", path, strerror(-result));
		return result;
	}
	result = template_make(
		&set->templates[set->count], name, bytes, length, reason, reason_size);
	free(bytes);
	if (result == 0)
		set->count++;
	return result;
}

int template_set_read(
	struct template_set *set, const char *folder, char *reason, size_t reason_size)
{
	struct dirent **entries = NULL;
	memset(set, 0, sizeof(*set));
	int found = scandir(folder, &entries, is_template_file, alphasort);
	if (found < 0) {
		int error = errno;
		snprintf(reason, reason_size, "%s: %s (scripts/setup fetches the templates)",
			folder, strerror(error));
		return -error;
	}
	int result = 0;
	if (found == 0 || found > TEMPLATES_MAX) {
		snprintf(reason, reason_size, "%s: %d templates; 1 to %d are allowed", folder,
			found, TEMPLATES_MAX);
		result = -EINVAL;
	} else {
		set->templates = calloc((size_t)found, sizeof(*set->templates));
		if (!set->templates)
			result = -ENOMEM;
	}
	for (int i = 0; i < found; i++) {
		if (result == 0)
			result = read_one(set, folder, entries[i]->d_name, reason, reason_size);
		free(entries[i]);
	}
	free(entries);
	if (result != 0)
		template_set_clear(set);
	return result;
}

void template_set_clear(struct template_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		template_clear(&set->templates[i]);
	free(set->templates);
	memset(set, 0, sizeof(*set));
}

static bool is_dated(const struct template *template)
{
	return strstr(template->name, "FUTURE_DATED") || strstr(template->name, "CANCELLATION");
}

const struct template *template_find(
	const struct template_set *set, const char *srv, uint8_t command_variant)
{
	const struct template *dated = NULL;
	for (uint32_t i = 0; i < set->count; i++) {
		const struct template *template = &set->templates[i];
		if (template->command_variant != command_variant || strcmp(template->srv, srv) != 0)
			continue;
		if (!is_dated(template))
			return template;
		if (!dated)
			dated = template;
	}
	return dated;
}
