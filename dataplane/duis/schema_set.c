/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libxml2 fetches imported schemas by itself, by URI, through loaders that are global to the
 * process. To hand it our own DOMs, and nothing else, every schemaLocation is rewritten to a
 * private URI ("duis-schema:N", N = index in the set), and while a set is being loaded or compiled
 * the loader of this thread serves those URIs from memory and refuses all others. So no file is
 * read by a name that libxml2 made up (it does not follow "MMC Schema V5.1.xsd" with its blanks),
 * and no network is ever asked, not even for the DTD that the schema of XML Signature names.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libxml/parserInternals.h>
#include <libxml/uri.h>

#include "dataplane/duis/schema_set.h"

#define XSD_NAMESPACE "http://www.w3.org/2001/XMLSchema"
#define PRIVATE_SCHEME "duis-schema:"
#define XSD_BYTES_MAX (64 * 1024 * 1024)
#define URI_SIZE 40 /* of a private URI */

/*
 * Two built-in types of libxml2 2.9 are not those of XML Schema. Where a schema uses them, types of
 * ours take their place.
 *
 * xs:integer: libxml2 keeps integers in 24 decimal digits and calls longer ones invalid. The serial
 * number of a certificate has up to 39 (20 octets: 49), so every really signed document would be
 * refused. Ours has the same lexical space, with the white space collapsed. Restrictions with
 * facets keep xs:integer, because the facets of the schemas in use bound the value far below 24
 * digits. The other integer types keep libxml2's limit.
 *
 * xs:base64Binary: libxml2 skips characters that are not of the alphabet (XML Schema part 2,
 * 3.2.16, has no such characters). Ours derives from it, so lengths and facets stay, and allows the
 * alphabet and white space alone.
 */
#define TYPES_NAMESPACE "urn:motorway:datatypes"
#define TYPES_LOCATION PRIVATE_SCHEME "datatypes"
static const char types_schema[] =
	"<xs:schema xmlns:xs=\"" XSD_NAMESPACE "\" targetNamespace=\"" TYPES_NAMESPACE "\">"
	"<xs:simpleType name=\"integer\"><xs:restriction base=\"xs:token\">"
	"<xs:pattern value=\"[+\\-]?[0-9]+\"/>"
	"</xs:restriction></xs:simpleType>"
	"<xs:simpleType name=\"base64Binary\"><xs:restriction base=\"xs:base64Binary\">"
	"<xs:pattern value=\"[A-Za-z0-9+/=\\s]*\"/>"
	"</xs:restriction></xs:simpleType></xs:schema>";

static pthread_mutex_t loader_lock = PTHREAD_MUTEX_INITIALIZER;
static xmlExternalEntityLoader other_loader;
static _Thread_local const struct duis_schema_set *loading;

__attribute__((format(printf, 5, 6))) static void fail(struct duis_schema_set *set,
	const char *path, int line, int column, const char *format, ...)
{
	va_list arguments;
	int length;

	if (set->failure != 0)
		return;
	set->failure = -EINVAL;
	length = snprintf(set->reason, set->reason_size, "%s:%d:%d: ", path, line, column);
	if (length < 0 || (size_t)length >= set->reason_size)
		return;
	va_start(arguments, format);
	length += vsnprintf(
		set->reason + length, set->reason_size - (size_t)length, format, arguments);
	va_end(arguments);
	if ((size_t)length >= set->reason_size)
		length = (int)set->reason_size - 1;
	while (length > 0 && set->reason[length - 1] == '\n')
		set->reason[--length] = '\0';
}

/* ---- the loader ---- */

static xmlParserInputPtr serve(
	xmlParserCtxtPtr parser, const char *uri, const char *text, int length)
{
	xmlParserInputBufferPtr buffer =
		xmlParserInputBufferCreateMem(text, length, XML_CHAR_ENCODING_NONE);
	xmlParserInputPtr input;

	if (buffer == NULL)
		return NULL;
	input = xmlNewIOInputStream(parser, buffer, XML_CHAR_ENCODING_NONE);
	if (input == NULL) {
		xmlFreeParserInputBuffer(buffer);
		return NULL;
	}
	input->filename = (char *)xmlStrdup(BAD_CAST uri);
	return input;
}

static xmlParserInputPtr load(const char *uri, const char *id, xmlParserCtxtPtr parser)
{
	const struct duis_schema_set *set = loading;
	char own[URI_SIZE];

	if (set == NULL)
		return other_loader(uri, id, parser);
	if (uri == NULL)
		return NULL;
	if (strcmp(uri, TYPES_LOCATION) == 0)
		return serve(parser, uri, types_schema, (int)strlen(types_schema));
	for (size_t index = 0; index < set->count; index++) {
		snprintf(own, sizeof(own), PRIVATE_SCHEME "%zu", index);
		if (set->documents[index].text != NULL && strcmp(uri, own) == 0)
			return serve(parser, uri, (const char *)set->documents[index].text,
				set->documents[index].text_length);
	}
	return NULL;
}

static void loading_begin(const struct duis_schema_set *set)
{
	pthread_mutex_lock(&loader_lock);
	other_loader = xmlGetExternalEntityLoader();
	xmlSetExternalEntityLoader(load);
	loading = set;
}

static void loading_end(void)
{
	loading = NULL;
	xmlSetExternalEntityLoader(other_loader);
	pthread_mutex_unlock(&loader_lock);
	xmlResetLastError();
}

/* ---- files ---- */

struct file_parse {
	struct duis_schema_set *set;
	const char *path;
};

static void on_parse_error(void *user, xmlErrorPtr error)
{
	xmlParserCtxtPtr parser = user;
	struct file_parse *parse = parser->_private;

	if (error->level >= XML_ERR_ERROR)
		fail(parse->set, parse->path, error->line, error->int2, "%s",
			error->message != NULL ? error->message : "not well-formed");
}

static char *read_file(struct duis_schema_set *set, const char *path, int *length)
{
	FILE *file = fopen(path, "re");
	char *bytes = NULL;
	struct stat status;
	long size = -1;

	if (file != NULL && fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
		errno = EISDIR;
	else if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 &&
		 size <= XSD_BYTES_MAX && fseek(file, 0, SEEK_SET) == 0)
		bytes = malloc((size_t)size + 1);
	if (bytes != NULL && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
		free(bytes);
		bytes = NULL;
		errno = EIO;
	}
	if (bytes == NULL) {
		int cause = size > XSD_BYTES_MAX ? EFBIG : errno;

		fail(set, path, 1, 1, "cannot read the schema: %s", strerror(cause));
		set->failure = -cause;
	}
	if (file != NULL)
		fclose(file);
	*length = (int)size;
	return bytes;
}

/* Read one file and append it to the set. */
static int load_one(struct duis_schema_set *set, const char *path)
{
	struct file_parse parse = {.set = set, .path = path};
	xmlParserCtxtPtr parser;
	xmlDocPtr document = NULL;
	char uri[URI_SIZE];
	char *bytes;
	int length;

	if (set->count == DUIS_SCHEMA_DOCUMENTS_MAX) {
		fail(set, path, 1, 1, "more than %d schema documents", DUIS_SCHEMA_DOCUMENTS_MAX);
		return set->failure;
	}
	bytes = read_file(set, path, &length);
	if (bytes == NULL)
		return set->failure;
	snprintf(uri, sizeof(uri), PRIVATE_SCHEME "%zu", set->count);
	parser = xmlNewParserCtxt();
	if (parser != NULL) {
		parser->_private = &parse;
		parser->sax->serror = on_parse_error;
		document = xmlCtxtReadMemory(parser, bytes, length, uri, NULL,
			XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_BIG_LINES);
		xmlFreeParserCtxt(parser);
	}
	if (document == NULL || set->failure != 0) {
		fail(set, path, 1, 1, "the schema cannot be parsed");
		xmlFreeDoc(document);
		free(bytes);
		return set->failure;
	}
	set->documents[set->count].bytes = bytes;
	set->documents[set->count].byte_count = length;
	set->documents[set->count].path = strdup(path);
	set->documents[set->count].document = document;
	set->count++;
	if (set->documents[set->count - 1].path == NULL)
		fail(set, path, 1, 1, "out of memory");
	return set->failure;
}

static bool is_xsd(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->ns->href, XSD_NAMESPACE) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

/* The path of `location` beside `path`; the caller frees it. */
static char *beside(const char *path, const char *location)
{
	const char *slash = strrchr(path, '/');
	size_t folder = slash != NULL && location[0] != '/' ? (size_t)(slash - path) + 1 : 0;
	char *joined = malloc(folder + strlen(location) + 1);

	if (joined == NULL)
		return NULL;
	memcpy(joined, path, folder);
	strcpy(joined + folder, location);
	return joined;
}

/* Schemas that import each other may write the way to one file differently. */
static bool same_file(const char *one, const char *other)
{
	struct stat status[2];

	return strcmp(one, other) == 0 ||
	       (stat(one, &status[0]) == 0 && stat(other, &status[1]) == 0 &&
		       status[0].st_dev == status[1].st_dev &&
		       status[0].st_ino == status[1].st_ino);
}

static size_t find_path(const struct duis_schema_set *set, const char *path)
{
	size_t index = 0;

	while (index < set->count && !same_file(set->documents[index].path, path))
		index++;
	return index;
}

/* Load what one import or include names, and point it to the private URI of that document. */
static int follow(struct duis_schema_set *set, const char *from, xmlNodePtr node)
{
	xmlChar *location = xmlGetNoNsProp(node, BAD_CAST "schemaLocation");
	char *plain;
	char *path;
	char uri[URI_SIZE];
	size_t index;

	if (location == NULL)
		return 0;
	/* A location is a URI reference; most authors write a file name with its blanks. */
	plain = xmlURIUnescapeString((const char *)location, 0, NULL);
	path = plain != NULL ? beside(from, plain) : NULL;
	if (path == NULL) {
		fail(set, from, (int)xmlGetLineNo(node), 1, "out of memory");
	} else if (strstr(plain, "://") != NULL) {
		fail(set, from, (int)xmlGetLineNo(node), 1,
			"schemaLocation \"%s\" is not a file beside this one", plain);
	} else {
		index = find_path(set, path);
		if (index == set->count)
			load_one(set, path);
		snprintf(uri, sizeof(uri), PRIVATE_SCHEME "%zu", index);
		if (set->failure == 0 &&
			xmlSetProp(node, BAD_CAST "schemaLocation", BAD_CAST uri) == NULL)
			fail(set, from, (int)xmlGetLineNo(node), 1, "out of memory");
	}
	free(path);
	xmlFree(plain);
	xmlFree(location);
	return set->failure;
}

size_t duis_schema_set_named(const struct duis_schema_set *set, const xmlNode *node)
{
	size_t index = set->count;
	xmlChar *location;

	if (!is_xsd(node, "import") && !is_xsd(node, "include"))
		return index;
	location = xmlGetNoNsProp(node, BAD_CAST "schemaLocation");
	/* follow() has put this there. */
	if (location != NULL &&
		strncmp((const char *)location, PRIVATE_SCHEME, strlen(PRIVATE_SCHEME)) == 0 &&
		strcmp((const char *)location, TYPES_LOCATION) != 0)
		index = strtoul((const char *)location + strlen(PRIVATE_SCHEME), NULL, 10);
	xmlFree(location);
	return index < set->count ? index : set->count;
}

/* What an import says about the namespace is so (XML Schema part 1, src-import 3.1 and 3.2). */
static void check_imports(struct duis_schema_set *set, size_t from)
{
	xmlNodePtr root = xmlDocGetRootElement(set->documents[from].document);

	for (xmlNodePtr node = root->children; node != NULL; node = node->next) {
		size_t index = duis_schema_set_named(set, node);
		xmlChar *wanted;
		xmlChar *target;

		if (index == set->count || !is_xsd(node, "import"))
			continue;
		wanted = xmlGetNoNsProp(node, BAD_CAST "namespace");
		target = xmlGetNoNsProp(xmlDocGetRootElement(set->documents[index].document),
			BAD_CAST "targetNamespace");
		if (!xmlStrEqual(wanted, target))
			fail(set, set->documents[from].path, (int)xmlGetLineNo(node), 1,
				"the import is of namespace \"%s\", but the target namespace of %s "
				"is "
				"\"%s\"",
				wanted != NULL ? (const char *)wanted : "",
				set->documents[index].path,
				target != NULL ? (const char *)target : "");
		xmlFree(wanted);
		xmlFree(target);
	}
}

int duis_schema_set_load(struct duis_schema_set *set, const char *path)
{
	loading_begin(set);
	load_one(set, path);
	/* Grows while it is walked. */
	for (size_t index = 0; set->failure == 0 && index < set->count; index++) {
		const char *from = set->documents[index].path;
		xmlNodePtr root = xmlDocGetRootElement(set->documents[index].document);

		if (!is_xsd(root, "schema")) {
			fail(set, from, (int)xmlGetLineNo(root), 1,
				"the root element is not xs:schema");
			break;
		}
		for (xmlNodePtr node = root->children; node != NULL && set->failure == 0;
			node = node->next) {
			if (is_xsd(node, "redefine"))
				fail(set, from, (int)xmlGetLineNo(node), 1,
					"xs:redefine is not supported; use an overlay");
			else if (is_xsd(node, "import") || is_xsd(node, "include"))
				follow(set, from, node);
		}
	}
	for (size_t index = 0; set->failure == 0 && index < set->count; index++)
		check_imports(set, index);
	loading_end();
	return set->failure;
}

/* ---- types in place of libxml2's ---- */

static bool names_type(xmlNodePtr node, const char *attribute, const char *type)
{
	xmlChar *value = xmlGetNoNsProp(node, BAD_CAST attribute);
	const char *colon = value != NULL ? strchr((const char *)value, ':') : NULL;
	const char *local = colon != NULL ? colon + 1 : (const char *)value;
	bool found = false;

	if (value != NULL && strcmp(local, type) == 0) {
		xmlChar *prefix = colon != NULL
					  ? xmlStrndup(value, (int)(colon - (const char *)value))
					  : NULL;
		xmlNsPtr namespace = xmlSearchNs(node->doc, node, prefix);

		found = namespace != NULL &&
			strcmp((const char *)namespace->href, XSD_NAMESPACE) == 0;
		xmlFree(prefix);
	}
	xmlFree(value);
	return found;
}

static bool has_facets(xmlNodePtr restriction)
{
	for (xmlNodePtr child = restriction->children; child != NULL; child = child->next)
		if (child->type == XML_ELEMENT_NODE && !is_xsd(child, "annotation"))
			return true;
	return false;
}

/* The attribute of `node` that may name a built-in type which is to be replaced, or NULL. */
static const char *type_attribute(xmlNodePtr node)
{
	if (is_xsd(node, "element") || is_xsd(node, "attribute"))
		return "type";
	return is_xsd(node, "extension") || is_xsd(node, "restriction") ? "base" : NULL;
}

/* The type that takes the place of the one that `node` names, or NULL. */
static const char *replacement(xmlNodePtr node, const char *attribute)
{
	if (names_type(node, attribute, "base64Binary"))
		return "base64Binary";
	if (names_type(node, attribute, "integer") &&
		!(is_xsd(node, "restriction") && has_facets(node)))
		return "integer";
	return NULL;
}

/* Returns how many uses below `node` were replaced, or -1 when memory is short. */
static int replace_types(xmlNodePtr node, const char *prefix)
{
	int replaced = 0;

	for (xmlNodePtr child = node->children; child != NULL; child = child->next) {
		const char *attribute;
		const char *type;
		char type_name[64];
		int below;

		if (child->type != XML_ELEMENT_NODE)
			continue;
		attribute = type_attribute(child);
		type = attribute != NULL ? replacement(child, attribute) : NULL;
		if (type != NULL) {
			snprintf(type_name, sizeof(type_name), "%s:%s", prefix, type);
			if (xmlSetProp(child, BAD_CAST attribute, BAD_CAST type_name) == NULL)
				return -1;
			replaced++;
		}
		below = replace_types(child, prefix);
		if (below < 0)
			return -1;
		replaced += below;
	}
	return replaced;
}

/* Declare the prefix of our types on the root; returns NULL when that is not possible. */
static xmlNsPtr declare_types(xmlNodePtr root)
{
	char prefix[32];

	for (unsigned number = 0; number < 100; number++) {
		snprintf(prefix, sizeof(prefix), "datatypes%u", number);
		if (xmlSearchNs(root->doc, root, BAD_CAST prefix) == NULL)
			return xmlNewNs(root, BAD_CAST TYPES_NAMESPACE, BAD_CAST prefix);
	}
	return NULL;
}

static bool import_types(xmlNodePtr root)
{
	xmlNodePtr import = xmlNewDocNode(root->doc, root->ns, BAD_CAST "import", NULL);

	if (import == NULL)
		return false;
	if (root->children != NULL)
		xmlAddPrevSibling(root->children, import);
	else
		xmlAddChild(root, import);
	return xmlNewProp(import, BAD_CAST "namespace", BAD_CAST TYPES_NAMESPACE) != NULL &&
	       xmlNewProp(import, BAD_CAST "schemaLocation", BAD_CAST TYPES_LOCATION) != NULL;
}

int duis_schema_set_replace_types(struct duis_schema_set *set)
{
	for (size_t index = 0; index < set->count; index++) {
		xmlNodePtr root = xmlDocGetRootElement(set->documents[index].document);
		xmlNsPtr namespace = declare_types(root);
		int replaced = -1;

		if (namespace != NULL)
			replaced = replace_types(root, (const char *)namespace->prefix);
		if (replaced < 0 || (replaced > 0 && !import_types(root)))
			fail(set, set->documents[index].path, 1, 1, "out of memory");
	}
	return set->failure;
}

/* ---- compiling ---- */

static size_t element_ordinal(xmlNodePtr node)
{
	size_t ordinal = 0;

	/* Backwards in document order to the root element, counting elements. */
	while (node != NULL && node->type != XML_DOCUMENT_NODE) {
		if (node->type == XML_ELEMENT_NODE)
			ordinal++;
		if (node->prev == NULL) {
			node = node->parent;
			continue;
		}
		node = node->prev;
		while (node->type == XML_ELEMENT_NODE && node->last != NULL)
			node = node->last;
	}
	return ordinal;
}

static xmlNodePtr next_element(xmlNodePtr node)
{
	do {
		if (node->type == XML_ELEMENT_NODE && node->children != NULL) {
			node = node->children;
			continue;
		}
		while (node != NULL && node->next == NULL)
			node = node->parent;
		node = node != NULL ? node->next : NULL;
	} while (node != NULL && node->type != XML_ELEMENT_NODE);
	return node;
}

/* Line of the file for a node of the copy that libxml2 parsed from our serialised text, whose line
 * breaks inside of tags are gone: the same element of our DOM knows its line. */
static int line_of(const struct duis_schema_set *set, size_t index, xmlNodePtr node)
{
	xmlNodePtr own = xmlDocGetRootElement(set->documents[index].document);

	if (node->type == XML_ATTRIBUTE_NODE)
		node = node->parent;
	if (node->doc != set->documents[index].document) {
		for (size_t left = element_ordinal(node); left > 1 && own != NULL; left--)
			own = next_element(own);
	} else {
		own = node;
	}
	return own != NULL ? (int)xmlGetLineNo(own) : 1;
}

static void on_compile_error(void *user, xmlErrorPtr error)
{
	struct duis_schema_set *set = user;
	const char *text = error->message != NULL ? error->message : "the schema is not valid";
	xmlNodePtr node = error->node;
	const char *uri = error->file;
	size_t index = 0;

	if (error->level < XML_ERR_ERROR)
		return;
	if (node != NULL && node->doc != NULL && node->doc->URL != NULL)
		uri = (const char *)node->doc->URL;
	if (uri != NULL && strncmp(uri, PRIVATE_SCHEME, strlen(PRIVATE_SCHEME)) == 0)
		index = strtoul(uri + strlen(PRIVATE_SCHEME), NULL, 10);
	if (index >= set->count)
		index = 0;
	fail(set, set->documents[index].path, node != NULL ? line_of(set, index, node) : 1, 1, "%s",
		text);
}

xmlSchemaPtr duis_schema_set_compile(struct duis_schema_set *set, xmlDocPtr *main_document)
{
	xmlSchemaParserCtxtPtr parser;
	xmlSchemaPtr schema = NULL;

	assert(set->failure == 0 && set->count > 0);
	for (size_t index = 1; index < set->count; index++) {
		xmlDocDumpMemory(set->documents[index].document, &set->documents[index].text,
			&set->documents[index].text_length);
		if (set->documents[index].text == NULL) {
			fail(set, set->documents[index].path, 1, 1, "out of memory");
			return NULL;
		}
	}
	loading_begin(set);
	parser = xmlSchemaNewDocParserCtxt(set->documents[0].document);
	if (parser != NULL) {
		xmlSchemaSetParserStructuredErrors(parser, on_compile_error, set);
		schema = xmlSchemaParse(parser);
		xmlSchemaFreeParserCtxt(parser);
	}
	loading_end();
	if (schema == NULL || set->failure != 0) {
		fail(set, set->documents[0].path, 1, 1, "the schema cannot be compiled");
		xmlSchemaFree(schema);
		return NULL;
	}
	*main_document = set->documents[0].document;
	set->documents[0].document = NULL;
	return schema;
}

void duis_schema_set_release(struct duis_schema_set *set)
{
	for (size_t index = 0; index < set->count; index++) {
		free(set->documents[index].path);
		free(set->documents[index].bytes);
		xmlFreeDoc(set->documents[index].document);
		xmlFree(set->documents[index].text);
	}
	set->count = 0;
}
