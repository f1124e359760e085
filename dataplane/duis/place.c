/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets come for free: at the end of each start tag the parser says how far it has read, and
 * libxml2 leaves a pointer-sized field in every node to its users. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/duis/place.h"

#define ANCESTORS_MAX 260

void duis_place_mark(xmlNodePtr element, uint32_t end)
{
	element->_private = (void *)(uintptr_t)end;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool same_name(const uint8_t *bytes, uint32_t length, const xmlNode *attribute)
{
	const char *prefix = attribute->ns != NULL ? (const char *)attribute->ns->prefix : NULL;
	size_t prefix_length = prefix != NULL ? strlen(prefix) : 0;
	size_t name_length = strlen((const char *)attribute->name);

	if (prefix == NULL)
		return length == name_length && memcmp(bytes, attribute->name, length) == 0;
	return length == prefix_length + 1 + name_length &&
	       memcmp(bytes, prefix, prefix_length) == 0 &&
	       memcmp(bytes + prefix_length + 1, attribute->name, name_length) == 0;
}

/* Find the attribute's name in the start tag bytes[begin .. end). */
static uint32_t attribute_offset(
	const uint8_t *bytes, uint32_t begin, uint32_t end, const xmlNode *attribute)
{
	uint32_t at = begin;

	while (at < end && !is_blank(bytes[at]))
		at++;
	while (at < end) {
		uint32_t name;
		uint8_t quote;

		while (at < end && is_blank(bytes[at]))
			at++;
		name = at;
		while (at < end && bytes[at] != '=' && !is_blank(bytes[at]))
			at++;
		if (same_name(bytes + name, at - name, attribute))
			return name;
		while (at < end && bytes[at] != '"' && bytes[at] != '\'')
			at++;
		if (at == end)
			break;
		quote = bytes[at++];
		while (at < end && bytes[at] != quote)
			at++;
		at++;
	}
	return begin;
}

uint32_t duis_place_offset(const uint8_t *bytes, const xmlNode *node, enum duis_place_part part)
{
	const xmlNode *element = node->type == XML_ATTRIBUTE_NODE ? node->parent : node;
	uint32_t end = (uint32_t)(uintptr_t)element->_private;
	/* No '<' can stand inside of a well-formed start tag. */
	const uint8_t *open = memrchr(bytes, '<', end);
	uint32_t begin = open != NULL ? (uint32_t)(open - bytes) : end;

	if (node->type == XML_ATTRIBUTE_NODE)
		return attribute_offset(bytes, begin, end, node);
	if (part == DUIS_PLACE_CONTENT && bytes[end] == '>')
		return end + 1;
	return begin;
}

void duis_place_path(const xmlNode *node, char path[DUIS_PATH_SIZE])
{
	const xmlNode *chain[ANCESTORS_MAX];
	size_t depth = 0;
	size_t used = 0;

	path[0] = '\0';
	for (; node != NULL && depth < ANCESTORS_MAX; node = node->parent)
		if (node->type == XML_ELEMENT_NODE || node->type == XML_ATTRIBUTE_NODE)
			chain[depth++] = node;
	while (depth > 0 && used < DUIS_PATH_SIZE) {
		const xmlNode *step = chain[--depth];
		bool prefixed = step->ns != NULL && step->ns->prefix != NULL;
		char text[DUIS_PATH_SIZE];
		int length = snprintf(text, sizeof(text), "%s%s%s%s",
			step->type == XML_ATTRIBUTE_NODE ? "/@" : "/",
			prefixed ? (const char *)step->ns->prefix : "", prefixed ? ":" : "",
			(const char *)step->name);

		/* What `text` has not room for has none in the path. */
		used = duis_path_add(path, used, text, length > 0 ? (size_t)length : 0);
	}
}
