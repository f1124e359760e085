/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/SAX2.h>
#include <libxml/xmlschemas.h>

#include "tests/differential/buffer.h"
#include "tests/differential/known.h"
#include "tests/differential/oracle.h"
#include "tests/differential/oracle_schema.h"

#define DUIS "http://www.dccinterface.co.uk/ServiceUserGateway"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define XSI "http://www.w3.org/2001/XMLSchema-instance"

/* The project's own bounds (README of the reference engine: depth, attributes, namespaces). */
#define DEPTH_MAX 256
#define ATTRIBUTES_MAX 64
#define NAMESPACES_MAX 64

struct oracle {
	char folder[128];
	xmlSchemaPtr schema;
};

struct judgement {
	struct oracle *oracle;
	struct oracle_verdict *verdict;
	const struct tokens *tokens;
	const uint8_t *bytes;
	size_t length;
	xmlParserCtxtPtr parser;
	xmlDocPtr document;
	/* the pass over a document that is not well-formed */
	bool root_seen;
	bool broken;
	bool schema_fault;
};

const char *oracle_class_name(enum oracle_class class)
{
	static const char *const names[] = {
		"valid", "malformed", "root", "version", "invalid", "bound"};

	return class < ORACLE_CLASS_COUNT ? names[class] : "?";
}

struct oracle *oracle_create(const char *xsd_folder)
{
	struct oracle *oracle = buffer_allocate(sizeof(*oracle));

	xmlInitParser();
	oracle_schema_copy(xsd_folder, oracle->folder, sizeof(oracle->folder));
	oracle->schema = oracle_schema_compile(oracle->folder);
	return oracle;
}

void oracle_destroy(struct oracle *oracle)
{
	xmlSchemaFree(oracle->schema);
	oracle_schema_remove(oracle->folder);
	free(oracle);
}

const char *oracle_folder(const struct oracle *oracle)
{
	return oracle->folder;
}

static void add_fault(struct oracle_verdict *verdict, int code, size_t begin, size_t end)
{
	if (verdict->fault_count < ORACLE_FAULTS_MAX)
		verdict->faults[verdict->fault_count++] =
			(struct oracle_fault){.code = code, .begin = begin, .end = end};
}

/* ---- well-formed ---- */

/* libxml2 reports where it stopped reading. The construct at fault is the token it stopped in, or
 * the one before when it stopped at a border. */
static void on_parse_error(void *user, xmlErrorPtr error)
{
	xmlParserCtxtPtr parser = user;
	struct judgement *judgement = parser->_private;
	long consumed = xmlByteConsumed(parser);
	size_t at = consumed > 0 ? (size_t)consumed : 0;
	size_t before;
	size_t token;

	/* What it says of xml:id is not about being well-formed. */
	if (error->level < XML_ERR_ERROR || error->domain == XML_FROM_VALID || judgement->broken)
		return;
	if (error->code == XML_WAR_NS_URI) {
		judgement->verdict->bad_namespace_name = true;
		return;
	}
	judgement->broken = true;
	if (at > judgement->length)
		at = judgement->length;
	if (judgement->tokens->count == 0) {
		add_fault(judgement->verdict, error->code, 0, judgement->length);
		return;
	}
	token = tokens_at(judgement->tokens, at);
	before = tokens_at(judgement->tokens, at > 0 ? at - 1 : 0);
	if (error->code == XML_ERR_INVALID_CHAR || error->code == XML_ERR_INVALID_ENCODING)
		before = before > 0 ? before - 1 : 0; /* found in what was read ahead */
	/* A tag that no '>' ends, with an attribute value that is not closed, goes on here. */
	while (before > 0 &&
		judgement->bytes[judgement->tokens->tokens[before - 1].end - 1] != '>' &&
		judgement->tokens->tokens[before - 1].kind != TOKEN_TEXT)
		before--;
	add_fault(judgement->verdict, error->code, judgement->tokens->tokens[before].begin,
		judgement->tokens->tokens[token].end);
}

static bool is_decimal_of(const xmlChar *text, const char *wanted)
{
	/* "5.1", "05.10", "+5.1 " ...: the same value in the space of xs:decimal */
	const char *at = (const char *)text;
	const char *point;
	size_t whole;
	size_t fraction = 0;

	at += strspn(at, " \t\r\n");
	at += *at == '+';
	whole = strspn(at, "0123456789");
	point = at + whole;
	if (*point == '.')
		fraction = strspn(point + 1, "0123456789");
	if (whole + fraction == 0)
		return false;
	if ((*point == '.' ? point + 1 + fraction : point) +
			strspn(*point == '.' ? point + 1 + fraction : point, " \t\r\n") !=
		(const char *)text + strlen((const char *)text))
		return false;
	while (whole > 1 && *at == '0') {
		at++;
		whole--;
	}
	while (fraction > 0 && point[fraction] == '0')
		fraction--;
	return whole == 1 && at[0] == wanted[0] && fraction == 1 && point[1] == wanted[2];
}

static bool version_in_use(const xmlChar *text)
{
	return text != NULL && (is_decimal_of(text, "5.1") || is_decimal_of(text, "5.4"));
}

static bool root_in_use(const xmlChar *name, const xmlChar *uri)
{
	return uri != NULL && strcmp((const char *)uri, DUIS) == 0 &&
	       (strcmp((const char *)name, "Request") == 0 ||
		       strcmp((const char *)name, "Response") == 0);
}

/* ---- the pass over what is not well-formed: may an engine meet another fault before? ---- */

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int namespace_count, const xmlChar **namespaces, int attribute_count, int defaulted_count,
	const xmlChar **attributes)
{
	xmlParserCtxtPtr parser = user;
	struct judgement *judgement = parser->_private;
	struct oracle_verdict *verdict = judgement->verdict;

	(void)prefix;
	(void)namespace_count;
	(void)namespaces;
	(void)defaulted_count;
	if (judgement->root_seen)
		return;
	judgement->root_seen = true;
	verdict->also_root = !root_in_use(name, uri);
	verdict->also_version = true;
	for (int index = 0; index < attribute_count; index++) {
		const xmlChar **attribute = attributes + 5 * index;

		if (strcmp((const char *)attribute[0], "schemaVersion") == 0 &&
			attribute[1] == NULL) {
			xmlChar *value =
				xmlStrndup(attribute[3], (int)(attribute[4] - attribute[3]));

			verdict->also_version = !version_in_use(value);
			xmlFree(value);
		}
	}
}

/* libxml2 gives a plugged parser's errors to the process's own function. */
static void on_stream_parse_error(void *user, xmlErrorPtr error)
{
	struct judgement *judgement = user;

	if (error->level >= XML_ERR_ERROR && error->code != XML_WAR_NS_URI)
		judgement->broken = true;
}

static void on_stream_schema_error(void *user, xmlErrorPtr error)
{
	struct judgement *judgement = user;

	(void)error;
	if (!judgement->broken)
		judgement->schema_fault = true;
}

static void look_before(struct judgement *judgement)
{
	xmlSAXHandler sax;
	xmlSAXHandlerPtr plugged = &sax;
	xmlSchemaValidCtxtPtr validator = xmlSchemaNewValidCtxt(judgement->oracle->schema);
	xmlSchemaSAXPlugPtr plug;
	xmlParserCtxtPtr parser =
		xmlCreateMemoryParserCtxt((const char *)judgement->bytes, (int)judgement->length);
	void *data = parser;

	if (parser == NULL || validator == NULL) {
		xmlSchemaFreeValidCtxt(validator);
		return;
	}
	memset(&sax, 0, sizeof(sax));
	sax.initialized = XML_SAX2_MAGIC;
	sax.startElementNs = on_start;
	xmlSetStructuredErrorFunc(judgement, on_stream_parse_error);
	judgement->broken = false;
	xmlCtxtUseOptions(parser, XML_PARSE_NONET);
	parser->_private = judgement;
	xmlSchemaSetValidStructuredErrors(validator, on_stream_schema_error, judgement);
	plug = xmlSchemaSAXPlug(validator, &plugged, &data);
	if (plug != NULL) {
		/* The plug passes `parser` on to our own functions. */
		xmlSAXHandlerPtr own = parser->sax;

		parser->sax = plugged;
		parser->userData = data;
		xmlParseDocument(parser);
		parser->sax = own;
		xmlSchemaSAXUnplug(plug);
	}
	judgement->verdict->also_invalid = judgement->schema_fault;
	xmlFreeDoc(parser->myDoc);
	xmlFreeParserCtxt(parser);
	xmlSchemaFreeValidCtxt(validator);
}

static void parse(struct judgement *judgement)
{
	xmlParserCtxtPtr parser =
		xmlCreateMemoryParserCtxt((const char *)judgement->bytes, (int)judgement->length);

	if (parser == NULL) { /* nothing to read */
		add_fault(judgement->verdict, XML_ERR_DOCUMENT_EMPTY, 0, 0);
		return;
	}
	xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_HUGE);
	parser->_private = judgement;
	parser->sax->serror = on_parse_error;
	xmlParseDocument(parser);
	/* Whatever is against Namespaces has been reported as an error, too. */
	if (parser->wellFormed && !judgement->broken)
		judgement->document = parser->myDoc;
	else
		xmlFreeDoc(parser->myDoc);
	parser->myDoc = NULL;
	xmlFreeParserCtxt(parser);
}

/* ---- valid ---- */

static void number_elements(xmlNodePtr node, size_t *number)
{
	for (; node != NULL; node = node->next)
		if (node->type == XML_ELEMENT_NODE) {
			node->_private = (void *)(*number)++;
			number_elements(node->children, number);
		}
}

static void on_schema_error(void *user, xmlErrorPtr error)
{
	struct judgement *judgement = user;
	const struct tokens *tokens = judgement->tokens;
	xmlNodePtr node = error->node;
	size_t number;

	while (node != NULL && node->type != XML_ELEMENT_NODE)
		node = node->parent;
	number = node != NULL ? (size_t)node->_private : 0;
	if (number >= tokens->element_count) {
		add_fault(judgement->verdict, error->code, 0, judgement->length);
		return;
	}
	add_fault(judgement->verdict, error->code, tokens->tokens[tokens->elements[number]].begin,
		tokens_element_end(tokens, tokens->elements[number]));
}

static void beyond_bounds(
	xmlNodePtr node, unsigned depth, unsigned namespaces, struct oracle_verdict *verdict)
{
	for (; node != NULL; node = node->next) {
		unsigned attributes = 0;
		unsigned declared = 0;

		if (node->type != XML_ELEMENT_NODE)
			continue;
		for (xmlAttrPtr step = node->properties; step != NULL; step = step->next)
			attributes++;
		for (xmlNsPtr step = node->nsDef; step != NULL; step = step->next)
			declared++;
		if (depth > DEPTH_MAX || attributes + declared > ATTRIBUTES_MAX ||
			namespaces + declared > NAMESPACES_MAX)
			verdict->beyond_bounds = true;
		beyond_bounds(node->children, depth + 1, namespaces + declared, verdict);
	}
}

/* RFC 3986, 3.1: a URI begins with its scheme. */
static bool is_relative(const xmlChar *uri)
{
	const char *text = (const char *)uri;
	size_t length;

	if (uri == NULL || uri[0] == '\0')
		return false;
	length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");
	return length == 0 || text[length] != ':' || strchr("0123456789+-.", text[0]) != NULL;
}

/* Canonical XML is not defined for relative namespace names; xsi:type is refused by the project. */
static void own_rules(struct judgement *judgement, xmlNodePtr node)
{
	for (; node != NULL; node = node->next) {
		bool refused = false;
		size_t number = (size_t)node->_private;

		if (node->type != XML_ELEMENT_NODE)
			continue;
		for (xmlNsPtr step = node->nsDef; step != NULL; step = step->next)
			refused = refused || is_relative(step->href);
		for (xmlAttrPtr step = node->properties; step != NULL; step = step->next)
			refused =
				refused || (step->ns != NULL &&
						   strcmp((const char *)step->ns->href, XSI) == 0 &&
						   strcmp((const char *)step->name, "type") == 0);
		if (refused && number < judgement->tokens->element_count) {
			size_t token = judgement->tokens->elements[number];

			judgement->verdict->own_rule = true;
			add_fault(judgement->verdict, 0, judgement->tokens->tokens[token].begin,
				judgement->tokens->tokens[token].end);
		}
		own_rules(judgement, node->children);
	}
}

static void validate(struct judgement *judgement)
{
	xmlSchemaValidCtxtPtr validator = xmlSchemaNewValidCtxt(judgement->oracle->schema);

	xmlSchemaSetValidStructuredErrors(validator, on_schema_error, judgement);
	if (xmlSchemaValidateDoc(validator, judgement->document) < 0)
		fprintf(stderr, "libxml2 cannot judge a document\n");
	xmlSchemaFreeValidCtxt(validator);
}

/* ---- canonical forms ---- */

static bool is_dsig(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->ns->href, DSIG) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

static xmlNodePtr find_dsig(xmlNodePtr node, const char *name)
{
	for (; node != NULL; node = node->next) {
		xmlNodePtr below;

		if (is_dsig(node, name))
			return node;
		below = node->type == XML_ELEMENT_NODE ? find_dsig(node->children, name) : NULL;
		if (below != NULL)
			return below;
	}
	return NULL;
}

static int is_inside(void *user, xmlNodePtr node, xmlNodePtr parent)
{
	if (node != NULL && node->type == XML_NAMESPACE_DECL)
		node = parent;
	while (node != NULL && node != (xmlNodePtr)user)
		node = node->parent;
	return node != NULL;
}

static void canonicalise(struct judgement *judgement)
{
	struct oracle_verdict *verdict = judgement->verdict;
	xmlNodePtr signature = xmlDocGetRootElement(judgement->document)->last;

	while (signature != NULL && !is_dsig(signature, "Signature"))
		signature = signature->prev;
	if (signature != NULL) {
		xmlNodePtr info = find_dsig(signature->children, "SignedInfo");
		xmlNodePtr digest = info != NULL ? find_dsig(info->children, "DigestValue") : NULL;
		xmlNodePtr value = find_dsig(signature->children, "SignatureValue");
		xmlOutputBufferPtr output = xmlAllocOutputBuffer(NULL);

		verdict->has_signature = true;
		if (info != NULL && xmlC14NExecute(judgement->document, is_inside, info,
					    XML_C14N_EXCLUSIVE_1_0, NULL, 0, output) >= 0) {
			verdict->signed_info_length = (int)xmlOutputBufferGetSize(output);
			verdict->signed_info = xmlStrndup(
				xmlOutputBufferGetContent(output), verdict->signed_info_length);
		}
		xmlOutputBufferClose(output);
		verdict->digest_value = digest != NULL ? (char *)xmlNodeGetContent(digest) : NULL;
		verdict->signature_value = value != NULL ? (char *)xmlNodeGetContent(value) : NULL;
		xmlUnlinkNode(signature);
		xmlFreeNode(signature);
	}
	verdict->canonical_length = xmlC14NDocDumpMemory(
		judgement->document, NULL, XML_C14N_1_0, NULL, 0, &verdict->canonical);
}

/* ---- all ---- */

static void judge_document(struct judgement *judgement)
{
	struct oracle_verdict *verdict = judgement->verdict;
	xmlNodePtr root = xmlDocGetRootElement(judgement->document);
	xmlChar *version = xmlGetNoNsProp(root, BAD_CAST "schemaVersion");
	size_t number = 0;

	number_elements(root, &number);
	beyond_bounds(root, 1, 0, verdict);
	validate(judgement);
	verdict->also_invalid = verdict->fault_count > 0;
	if (judgement->document->intSubset != NULL)
		verdict->known = "doctype";
	else if (known_version(judgement->bytes, judgement->length))
		verdict->known = "xml-version";
	else
		verdict->known = known_encoding(judgement->bytes, judgement->length);
	if (verdict->known != NULL) {
		verdict->class = ORACLE_MALFORMED;
		verdict->also_root =
			!root_in_use(root->name, root->ns != NULL ? root->ns->href : NULL);
		verdict->also_version = !version_in_use(version);
	} else if (!root_in_use(root->name, root->ns != NULL ? root->ns->href : NULL)) {
		verdict->class = ORACLE_ROOT;
	} else if (!version_in_use(version)) {
		verdict->class = ORACLE_VERSION;
	} else {
		own_rules(judgement, root);
		verdict->class = verdict->fault_count > 0 ? ORACLE_INVALID : ORACLE_VALID;
	}
	xmlFree(version);
	if (verdict->class == ORACLE_VALID)
		canonicalise(judgement);
}

static void ignore(void *user, xmlErrorPtr error)
{
	(void)user;
	(void)error;
}

void oracle_judge(struct oracle *oracle, const uint8_t *bytes, size_t length,
	const struct tokens *tokens, struct oracle_verdict *verdict)
{
	struct judgement judgement = {.oracle = oracle,
		.verdict = verdict,
		.tokens = tokens,
		.bytes = bytes,
		.length = length};

	memset(verdict, 0, sizeof(*verdict));
	xmlSetStructuredErrorFunc(NULL, ignore);
	parse(&judgement);
	if (judgement.document != NULL) {
		judge_document(&judgement);
		verdict->document = judgement.document;
	} else {
		verdict->class = ORACLE_MALFORMED;
		look_before(&judgement);
	}
	xmlSetStructuredErrorFunc(NULL, ignore);
	xmlResetLastError();
}

/* ---- known faults ---- */

struct excuse {
	const char *first;
	unsigned repaired;
	bool hopeless;
};

static bool repair_node(struct excuse *excuse, xmlNodePtr node, bool is_id)
{
	xmlChar *value = xmlNodeGetContent(node);
	struct buffer better = {0};
	const char *name = value != NULL ? known_repair((const char *)value, &better) : NULL;

	if (name == NULL && is_id && value != NULL)
		name = known_repair_name((const char *)value, &better);
	if (name != NULL) {
		xmlNodeSetContent(node, better.bytes); /* what it repairs holds no markup */
		excuse->first = excuse->first != NULL ? excuse->first : name;
		excuse->repaired++;
	}
	buffer_free(&better);
	xmlFree(value);
	return name != NULL;
}

/* Take CDATA sections of nothing but white space out of an element. */
static bool drop_blank_sections(xmlNodePtr node)
{
	bool dropped = false;
	xmlNodePtr next;

	for (xmlNodePtr child = node->children; child != NULL; child = next) {
		next = child->next;
		if (child->type != XML_CDATA_SECTION_NODE ||
			(child->content != NULL &&
				child->content[strspn((const char *)child->content, " \t\r\n")] !=
					0))
			continue;
		xmlUnlinkNode(child);
		xmlFreeNode(child);
		dropped = true;
	}
	return dropped;
}

static void on_excusable(void *user, xmlErrorPtr error)
{
	struct excuse *excuse = user;
	xmlNodePtr node = error->node;
	const char *quote = error->message != NULL ? strstr(error->message, ", attribute '") : NULL;
	bool is_id = error->message != NULL && strstr(error->message, "'xs:ID'") != NULL;
	bool done = false;

	if (node == NULL || node->type != XML_ELEMENT_NODE) {
		excuse->hopeless = true;
		return;
	}
	if (error->code == XML_SCHEMAV_CVC_COMPLEX_TYPE_2_3 && drop_blank_sections(node)) {
		excuse->first = excuse->first != NULL ? excuse->first : "blank-section";
		return;
	}
	for (xmlAttrPtr step = node->properties; quote != NULL && step != NULL; step = step->next)
		if (strncmp(quote + 13, (const char *)step->name,
			    strlen((const char *)step->name)) == 0)
			done = repair_node(excuse, (xmlNodePtr)step, is_id) || done;
	if (quote == NULL && xmlFirstElementChild(node) == NULL)
		done = repair_node(excuse, node, is_id);
	excuse->hopeless = excuse->hopeless || !done;
}

const char *oracle_excuse(struct oracle *oracle, const uint8_t *bytes, size_t length)
{
	xmlDocPtr document = xmlReadMemory((const char *)bytes, (int)length, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	struct excuse excuse = {NULL, 0, false};
	int result = -1;

	/* A value may need more than one repair. */
	for (unsigned attempt = 0; attempt < 4 && document != NULL && !excuse.hopeless; attempt++) {
		xmlSchemaValidCtxtPtr validator = xmlSchemaNewValidCtxt(oracle->schema);

		xmlSchemaSetValidStructuredErrors(validator, on_excusable, &excuse);
		result = xmlSchemaValidateDoc(validator, document);
		xmlSchemaFreeValidCtxt(validator);
		if (result == 0)
			break;
	}
	xmlFreeDoc(document);
	return result == 0 ? excuse.first : NULL;
}

void oracle_release(struct oracle_verdict *verdict)
{
	xmlFreeDoc(verdict->document);
	xmlFree(verdict->canonical);
	xmlFree(verdict->signed_info);
	xmlFree(verdict->digest_value);
	xmlFree(verdict->signature_value);
	memset(verdict, 0, sizeof(*verdict));
}
