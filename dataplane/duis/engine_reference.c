/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference engine: libxml2 parses, validates and canonicalises, OpenSSL digests and verifies.
 *
 *     bytes -> duis_scan -> parse (SAX into a DOM; bounds, root and version on the way)
 *           -> validate -> describe -> canonical forms and signature values -> DOM freed
 *
 * Everything that verifying needs is taken from the one DOM that was validated: what is checked,
 * what is described and what was signed cannot be different documents.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/uri.h>
#include <libxml/xmlschemas.h>

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "dataplane/duis/describe.h"
#include "dataplane/duis/place.h"
#include "dataplane/duis/profile.h"
#include "dataplane/duis/rule.h"
#include "dataplane/duis/scan.h"
#include "dataplane/duis/schemas.h"

/* Bounds of a document beside its size. libxml2 has its own bound on depth, but drops it together
 * with the one on the length of texts; and it searches the namespaces in scope one by one. */
#define DEPTH_MAX 256
#define NAMESPACES_MAX 64
/* Longer texts and attribute values need XML_PARSE_HUGE. */
#define PLAIN_TEXT_BYTES_MAX 10000000

#define XSI_NAMESPACE "http://www.w3.org/2001/XMLSchema-instance"

struct duis_reference_engine {
	const struct duis_reference_schemas *schemas;
	uint32_t document_bytes_max;
	EVP_MD_CTX *digest_context;
	/* the document read last */
	bool readable; /* it was read without error */
	struct duis_profile profile;
	struct duis_error profile_error;  /* code DUIS_OK when the profile is kept */
	struct duis_error digest_error;	  /* what to report when the digest does not match */
	struct duis_error mismatch_error; /* what to report when the signature does not match */
	xmlChar *digested;		  /* inclusive C14N of the document without its signature */
	int digested_length;
	xmlBufferPtr signed_info; /* exclusive C14N of SignedInfo */
};

/* One call of duis_reference_engine_read(). */
struct reading {
	struct duis_reference_engine *engine;
	const uint8_t *bytes;
	uint32_t length;
	struct duis_document *document;
	struct duis_error *error;
	bool refused;	 /* *error is filled; the first one stays */
	int parser_code; /* libxml2's for it */
	bool out_of_memory;
	xmlParserCtxtPtr parser;
	xmlDocPtr dom;
	unsigned depth;
	unsigned namespaces; /* declared by the open elements */
	uint8_t namespaces_at[DEPTH_MAX + 1];
};

static_assert(DUIS_ATTRIBUTES_MAX < 256, "namespaces_at[] counts declarations of one element");

static void refuse(struct reading *reading, enum duis_error_code code, uint64_t offset,
	const xmlNode *node, const char *rule)
{
	if (reading->refused)
		return;
	reading->refused = true;
	reading->error->code = code;
	reading->error->offset = offset < reading->length ? offset : reading->length;
	duis_place_path(node, reading->error->path);
	snprintf(reading->error->rule, DUIS_RULE_SIZE, "%s", rule);
}

/* Refuse at an element or attribute of the finished DOM. */
static void refuse_node(struct reading *reading, enum duis_error_code code, const xmlNode *node,
	enum duis_place_part part, const char *rule)
{
	refuse(reading, code, duis_place_offset(reading->bytes, node, part), node, rule);
}

/* libxml2 prints what it has no better place for, such as errors of its canonicalisation, to
 * standard error, with words of the document. */
static void swallow(void *user, xmlErrorPtr error)
{
	(void)user;
	(void)error;
}

struct silence {
	xmlStructuredErrorFunc function;
	void *user;
};

static struct silence silence_begin(void)
{
	struct silence before = {xmlStructuredError, xmlStructuredErrorContext};

	xmlSetStructuredErrorFunc(NULL, swallow);
	return before;
}

static void silence_end(struct silence before)
{
	xmlResetLastError();
	xmlSetStructuredErrorFunc(before.user, before.function);
}

/* ---- parsing ---- */

static uint64_t parse_offset(xmlParserCtxtPtr parser)
{
	long consumed = xmlByteConsumed(parser);

	return consumed > 0 ? (uint64_t)consumed : 0;
}

/* From a callback about markup. */
static void stop(struct reading *reading, enum duis_error_code code, const char *rule)
{
	refuse(reading, code, parse_offset(reading->parser), reading->parser->node, rule);
	xmlStopParser(reading->parser);
}

static void on_parse_error(void *user, xmlErrorPtr error)
{
	xmlParserCtxtPtr parser = user;
	struct reading *reading = parser->_private;
	char rule[DUIS_RULE_SIZE];

	if (error->code == XML_ERR_NO_MEMORY)
		reading->out_of_memory = true;
	/* Warnings are what XML allows: for example a relative URI as the name of a namespace. */
	if (error->level < XML_ERR_ERROR || error->code == XML_ERR_USER_STOP)
		return;
	/* Nor is it a question of being well-formed that two xml:id are alike (xml:id 1.0, 6). */
	if (error->code == XML_DTD_ID_REDEFINED)
		return;
	/* What it says of xml:id is not about being well-formed. */
	if (error->domain == XML_FROM_VALID)
		return;
	duis_rule_parser(error, rule);
	if (!reading->refused)
		reading->parser_code = error->code;
	refuse(reading, DUIS_ERROR_NOT_WELL_FORMED, parse_offset(parser), parser->node, rule);
	/* Ends the parse like xmlStopParser(), which must not be called here: it frees the input,
	 * and whoever reports an error still reads from it. */
	parser->disableSAX = 1;
	parser->instate = XML_PARSER_EOF;
}

static void on_doctype(
	void *user, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
	xmlParserCtxtPtr parser = user;

	(void)name;
	(void)public_id;
	(void)system_id;
	stop(parser->_private, DUIS_ERROR_DOCTYPE, "a document type declaration is not allowed");
}

/* The root's start tag decides which schema judges the rest. */
static void check_root(struct reading *reading, xmlNodePtr root)
{
	const char *name = (const char *)root->name;
	xmlChar *version;
	int index;

	if (reading->parser->version != NULL &&
		strcmp((const char *)reading->parser->version, "1.0") != 0) {
		stop(reading, DUIS_ERROR_NOT_WELL_FORMED, "only XML 1.0 is accepted");
		return;
	}
	if (root->ns == NULL || strcmp((const char *)root->ns->href, DUIS_NAMESPACE) != 0 ||
		(strcmp(name, "Request") != 0 && strcmp(name, "Response") != 0)) {
		stop(reading, DUIS_ERROR_ROOT,
			"the root element must be Request or Response of " DUIS_NAMESPACE);
		return;
	}
	version = xmlGetNoNsProp(root, BAD_CAST "schemaVersion");
	if (version == NULL) {
		stop(reading, DUIS_ERROR_SCHEMA_VERSION,
			"the attribute schemaVersion of the root element is missing");
		return;
	}
	index = duis_reference_schemas_find(
		reading->engine->schemas, (const char *)version, strlen((const char *)version));
	xmlFree(version);
	if (index < 0)
		stop(reading, DUIS_ERROR_SCHEMA_VERSION, "no schema of this version is in use");
	reading->document->schema_index = index;
}

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int namespace_count, const xmlChar **namespaces, int attribute_count, int defaulted_count,
	const xmlChar **attributes)
{
	xmlParserCtxtPtr parser = user;
	struct reading *reading = parser->_private;
	uint64_t offset;

	if (reading->refused)
		return;
	/* libxml2 announces a start tag before it has seen its end; a broken one is not judged. */
	offset = parse_offset(parser);
	if (offset >= reading->length ||
		(reading->bytes[offset] != '>' && reading->bytes[offset] != '/'))
		return;
	if (reading->depth == DEPTH_MAX) {
		stop(reading, DUIS_ERROR_TOO_LARGE, "elements are nested more than 256 deep");
		return;
	}
	if (reading->namespaces + (unsigned)namespace_count > NAMESPACES_MAX) {
		stop(reading, DUIS_ERROR_TOO_LARGE,
			"more than 64 namespace declarations are in scope");
		return;
	}
	xmlSAX2StartElementNs(user, name, prefix, uri, namespace_count, namespaces, attribute_count,
		defaulted_count, attributes);
	if (parser->node == NULL)
		return;
	duis_place_mark(parser->node, (uint32_t)offset);
	reading->depth++;
	reading->namespaces += (unsigned)namespace_count;
	reading->namespaces_at[reading->depth] = (uint8_t)namespace_count;
	if (reading->depth == 1)
		check_root(reading, parser->node);
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	xmlParserCtxtPtr parser = user;
	struct reading *reading = parser->_private;

	if (reading->refused)
		return;
	xmlSAX2EndElementNs(user, name, prefix, uri);
	assert(reading->depth > 0);
	reading->namespaces -= reading->namespaces_at[reading->depth];
	reading->depth--;
}

/* The encoding is settled by duis_scan(), hence IGNORE_ENC; nothing is ever loaded from elsewhere.
 */
static void parse(struct reading *reading)
{
	int options = XML_PARSE_NONET | XML_PARSE_IGNORE_ENC;
	xmlParserCtxtPtr parser =
		xmlCreateMemoryParserCtxt((const char *)reading->bytes, (int)reading->length);

	if (parser == NULL) {
		reading->out_of_memory = true;
		return;
	}
	if (reading->engine->document_bytes_max > PLAIN_TEXT_BYTES_MAX)
		options |= XML_PARSE_HUGE;
	xmlCtxtUseOptions(parser, options);
	parser->keepBlanks = 1;
	parser->_private = reading;
	parser->sax->serror = on_parse_error;
	parser->sax->internalSubset = on_doctype;
	parser->sax->startElementNs = on_start;
	parser->sax->endElementNs = on_end;
	reading->parser = parser;
	xmlParseDocument(parser);
	if (!parser->wellFormed || !parser->nsWellFormed)
		refuse(reading, DUIS_ERROR_NOT_WELL_FORMED, parse_offset(parser), NULL,
			"the document is not well-formed");
	reading->dom = parser->myDoc;
	parser->myDoc = NULL;
	/* The DOM holds its own reference to the dictionary of names. */
	xmlFreeParserCtxt(parser);
	reading->parser = NULL;
	if (!reading->refused && reading->dom == NULL)
		reading->out_of_memory = true;
}

/* ---- validating ---- */

static xmlNodePtr next_element(xmlNodePtr node, const xmlNode *top)
{
	do {
		if (node->children != NULL && node->type == XML_ELEMENT_NODE) {
			node = node->children;
			continue;
		}
		while (node != top && node->next == NULL)
			node = node->parent;
		node = node != top ? node->next : NULL;
	} while (node != NULL && node->type != XML_ELEMENT_NODE);
	return node;
}

/* Canonical XML is not defined for namespace names that are relative URI references. */
static bool is_absolute(const xmlChar *uri)
{
	xmlURIPtr parsed;
	bool absolute;

	if (uri == NULL || uri[0] == '\0')
		return true;
	parsed = xmlParseURI((const char *)uri);
	absolute = parsed != NULL && parsed->scheme != NULL;
	xmlFreeURI(parsed);
	return absolute;
}

/* What the schema would let pass, or judge by a type that the sender chose. */
static void check_elements(struct reading *reading, xmlNodePtr root)
{
	for (xmlNodePtr node = root; node != NULL; node = next_element(node, root)) {
		for (xmlNsPtr namespace = node->nsDef; namespace != NULL;
			namespace = namespace->next)
			if (!is_absolute(namespace->href))
				refuse_node(reading, DUIS_ERROR_SCHEMA, node, DUIS_PLACE_TAG,
					"the name of a namespace must be an absolute URI");
		for (xmlAttrPtr attribute = node->properties; attribute != NULL;
			attribute = attribute->next)
			if (attribute->ns != NULL &&
				strcmp((const char *)attribute->ns->href, XSI_NAMESPACE) == 0 &&
				strcmp((const char *)attribute->name, "type") == 0)
				refuse_node(reading, DUIS_ERROR_SCHEMA, (xmlNodePtr)attribute,
					DUIS_PLACE_TAG, "xsi:type is not allowed");
		if (reading->refused)
			return;
	}
}

/* libxml2 reports an attribute's error at its element; only the message names the attribute. */
static xmlNodePtr find_attribute(const xmlError *error, xmlNodePtr element)
{
	for (xmlAttrPtr attribute = element->properties; attribute != NULL;
		attribute = attribute->next) {
		char *begin = NULL;
		bool same;
		int length = asprintf(&begin, "Element '%s%s%s%s', attribute '%s%s%s%s': ",
			element->ns != NULL ? "{" : "",
			element->ns != NULL ? (const char *)element->ns->href : "",
			element->ns != NULL ? "}" : "", (const char *)element->name,
			attribute->ns != NULL ? "{" : "",
			attribute->ns != NULL ? (const char *)attribute->ns->href : "",
			attribute->ns != NULL ? "}" : "", (const char *)attribute->name);

		if (length < 0)
			return NULL;
		same = strncmp(error->message, begin, (size_t)length) == 0;
		free(begin);
		if (same)
			return (xmlNodePtr)attribute;
	}
	return NULL;
}

static void on_schema_error(void *user, xmlErrorPtr error)
{
	struct reading *reading = user;
	enum duis_place_part part = DUIS_PLACE_TAG;
	xmlNodePtr node = error->node;
	char rule[DUIS_RULE_SIZE];

	if (error->code == XML_ERR_NO_MEMORY)
		reading->out_of_memory = true;
	if (reading->refused || error->level < XML_ERR_ERROR)
		return;
	duis_rule_schema(error, rule);
	if (node == NULL || node->type != XML_ELEMENT_NODE) {
		refuse(reading, DUIS_ERROR_SCHEMA, 0, NULL, rule);
		return;
	}
	if (error->message != NULL) {
		xmlNodePtr attribute = find_attribute(error, node);

		if (attribute != NULL)
			node = attribute;
		else if (duis_rule_is_content(error))
			part = DUIS_PLACE_CONTENT;
	}
	refuse_node(reading, DUIS_ERROR_SCHEMA, node, part, rule);
}

static void validate(struct reading *reading)
{
	xmlSchemaPtr schema = duis_reference_schemas_compiled(
		reading->engine->schemas, reading->document->schema_index);
	xmlSchemaValidCtxtPtr validator = xmlSchemaNewValidCtxt(schema);
	int result;

	if (validator == NULL) {
		reading->out_of_memory = true;
		return;
	}
	xmlSchemaSetValidStructuredErrors(validator, on_schema_error, reading);
	result = xmlSchemaValidateDoc(validator, reading->dom);
	xmlSchemaFreeValidCtxt(validator);
	if (result != 0)
		refuse(reading, DUIS_ERROR_SCHEMA, 0, NULL, "the schema cannot judge the document");
}

/* ---- the signature ---- */

static void breach_error(const struct reading *reading, const struct duis_profile_breach *breach,
	const xmlNode *signature, struct duis_error *error)
{
	const xmlNode *node = breach->node != NULL ? breach->node : signature;

	error->code = breach->code;
	error->offset = duis_place_offset(reading->bytes, node, DUIS_PLACE_TAG);
	duis_place_path(node, error->path);
	snprintf(error->rule, DUIS_RULE_SIZE, "%s", breach->rule);
}

static int is_in_signed_info(void *user, xmlNodePtr node, xmlNodePtr parent)
{
	const xmlNode *signed_info = user;

	/* Namespace nodes are no nodes of the tree. */
	if (node != NULL && node->type == XML_NAMESPACE_DECL)
		node = parent;
	for (; node != NULL; node = node->parent)
		if (node == signed_info)
			return 1;
	return 0;
}

static void canonicalise_signed_info(struct reading *reading, xmlNodePtr signed_info)
{
	xmlOutputBufferPtr output;

	xmlBufferEmpty(reading->engine->signed_info);
	output = xmlOutputBufferCreateBuffer(reading->engine->signed_info, NULL);
	if (output == NULL) {
		reading->out_of_memory = true;
		return;
	}
	if (xmlC14NExecute(reading->dom, is_in_signed_info, signed_info, XML_C14N_EXCLUSIVE_1_0,
		    NULL, 0, output) < 0)
		refuse_node(reading, DUIS_ERROR_SCHEMA, signed_info, DUIS_PLACE_TAG,
			"the element has no canonical form");
	if (xmlOutputBufferClose(output) < 0)
		reading->out_of_memory = true;
}

static void read_signature(struct reading *reading, xmlNodePtr root, xmlNodePtr signature)
{
	struct duis_reference_engine *engine = reading->engine;
	struct duis_profile_breach breach = {.code = DUIS_OK};
	struct duis_profile_breach late = {.code = DUIS_ERROR_DIGEST_MISMATCH};

	if (signature == NULL) {
		breach.code = DUIS_ERROR_SIGNATURE_MISSING;
		breach.node = root;
		breach.rule = "the root element holds no ds:Signature";
		breach_error(reading, &breach, root, &engine->profile_error);
		return;
	}
	if (duis_profile_read(root, signature, &engine->profile, &breach) != 0) {
		breach_error(reading, &breach, signature, &engine->profile_error);
		return;
	}
	memcpy(reading->document->issuer, engine->profile.issuer, DUIS_ISSUER_SIZE);
	memcpy(reading->document->serial, engine->profile.serial, DUIS_SERIAL_SIZE);
	late.node = engine->profile.digest_node;
	late.rule = "ds:DigestValue is not the digest of the document";
	breach_error(reading, &late, signature, &engine->digest_error);
	late.code = DUIS_ERROR_SIGNATURE_MISMATCH;
	late.node = engine->profile.value_node;
	late.rule = "ds:SignatureValue is not the signature of the key";
	breach_error(reading, &late, signature, &engine->mismatch_error);
	canonicalise_signed_info(reading, engine->profile.signed_info);
}

/* The enveloped-signature transform takes away the Signature element alone; the white space around
 * it stays and is digested. */
static void canonicalise_document(struct reading *reading, xmlNodePtr signature)
{
	struct duis_reference_engine *engine = reading->engine;

	if (signature != NULL) {
		xmlUnlinkNode(signature);
		xmlFreeNode(signature);
		engine->profile.signed_info = NULL;
		engine->profile.digest_node = NULL;
		engine->profile.value_node = NULL;
	}
	engine->digested_length =
		xmlC14NDocDumpMemory(reading->dom, NULL, XML_C14N_1_0, NULL, 0, &engine->digested);
	if (engine->digested_length < 0 || engine->digested == NULL) {
		refuse(reading, DUIS_ERROR_SCHEMA, 0, NULL, "the document has no canonical form");
		return;
	}
}

/* ---- the interface ---- */

struct duis_reference_engine *duis_reference_engine_create(
	const struct duis_reference_schemas *schemas, uint32_t document_bytes_max)
{
	struct duis_reference_engine *engine = calloc(1, sizeof(*engine));

	assert(schemas != NULL && document_bytes_max <= INT32_MAX);
	if (engine == NULL)
		return NULL;
	engine->schemas = schemas;
	engine->document_bytes_max = document_bytes_max;
	engine->digest_context = EVP_MD_CTX_new();
	engine->signed_info = xmlBufferCreate();
	if (engine->digest_context == NULL || engine->signed_info == NULL) {
		duis_reference_engine_destroy(engine);
		errno = ENOMEM;
		return NULL;
	}
	return engine;
}

static void forget(struct duis_reference_engine *engine)
{
	engine->readable = false;
	xmlFree(engine->digested);
	engine->digested = NULL;
	engine->digested_length = 0;
	memset(&engine->profile, 0, sizeof(engine->profile));
	memset(&engine->profile_error, 0, sizeof(engine->profile_error));
}

void duis_reference_engine_destroy(struct duis_reference_engine *engine)
{
	if (engine == NULL)
		return;
	forget(engine);
	EVP_MD_CTX_free(engine->digest_context);
	xmlBufferFree(engine->signed_info);
	free(engine);
}

void duis_reference_engine_set_schemas(
	struct duis_reference_engine *engine, const struct duis_reference_schemas *schemas)
{
	forget(engine);
	engine->schemas = schemas;
}

static void describe(struct reading *reading, xmlNodePtr root)
{
	xmlNodePtr fault = root;
	int result = duis_describe(root, reading->document, &fault);

	if (result == -EBADMSG)
		refuse_node(reading, DUIS_ERROR_SCHEMA, fault, DUIS_PLACE_TAG,
			"the value is not one that DUIS defines");
	else if (result != 0)
		reading->out_of_memory = true;
}

/* Whether the fault that libxml2 found in bytes[0 .. end) is one of what stands there, and not that
 * it ends there. */
static bool is_complete(const struct reading *reading, uint32_t end)
{
	uint64_t fault = reading->error->offset;
	uint64_t offset;

	switch (reading->parser_code) {
	case XML_NS_ERR_XML_NAMESPACE:
	case XML_NS_ERR_UNDEFINED_NAMESPACE:
	case XML_NS_ERR_ATTRIBUTE_REDEFINED:
		/* Of a whole tag: what stands at its end may be a declaration. */
		return !duis_scan_is_in_tag(reading->bytes, fault, end);
	case XML_ERR_TAG_NAME_MISMATCH:
	case XML_ERR_MISPLACED_CDATA_END:
		return true;
	case XML_ERR_UNDECLARED_ENTITY:
	case XML_ERR_INVALID_CHAR:
		if (fault >= end)
			return reading->bytes[end - 1] == ';';
		break;
	default:
		break;
	}
	return fault < end &&
	       (reading->error->code != DUIS_ERROR_NOT_WELL_FORMED ||
		       !duis_scan_is_cut(reading->bytes, reading->length, fault, &offset));
}

/* There is a byte at `readable` that is no character, as *error says. What stands before it may be
 * wrong already: the first fault decides. */
static void read_before(struct reading *reading, uint32_t readable)
{
	const struct duis_error late = *reading->error;
	const uint32_t length = reading->length;

	reading->error->path[0] = '\0';
	reading->length = readable;
	/* A byte order mark alone is no document. */
	if (readable > 3 || (readable > 0 && reading->bytes[0] != 0xef))
		parse(reading);
	reading->length = length;
	if (reading->refused && is_complete(reading, readable))
		return;
	reading->refused = true;
	reading->error->code = late.code;
	reading->error->offset = late.offset;
	memcpy(reading->error->rule, late.rule, sizeof(late.rule));
}

static void read_document(struct reading *reading)
{
	xmlNodePtr root;
	xmlNodePtr signature;
	uint32_t readable = 0;

	if (reading->length == 0) {
		refuse(reading, DUIS_ERROR_EMPTY, 0, NULL, "the body is empty");
		return;
	}
	if (reading->length > reading->engine->document_bytes_max) {
		refuse(reading, DUIS_ERROR_TOO_LARGE, reading->engine->document_bytes_max, NULL,
			"the document is larger than the engine's limit");
		return;
	}
	if (duis_scan(reading->bytes, reading->length, &readable, reading->error) != 0) {
		if (readable < reading->length)
			read_before(reading, readable);
		reading->refused = true;
		return;
	}
	parse(reading);
	if (reading->refused || reading->out_of_memory)
		return;
	root = xmlDocGetRootElement(reading->dom);
	check_elements(reading, root);
	if (!reading->refused)
		validate(reading);
	if (!reading->refused && !reading->out_of_memory)
		describe(reading, root);
	if (reading->refused || reading->out_of_memory)
		return;
	signature = duis_profile_find(root);
	read_signature(reading, root, signature);
	canonicalise_document(reading, signature);
}

int duis_reference_engine_read(struct duis_reference_engine *engine, const uint8_t *bytes,
	uint32_t length, struct duis_document *document, struct duis_error *error)
{
	struct reading reading = {
		.engine = engine,
		.bytes = bytes,
		.length = length,
		.document = document,
		.error = error,
	};
	struct silence before = silence_begin();

	forget(engine);
	memset(document, 0, sizeof(*document));
	memset(error, 0, sizeof(*error));
	read_document(&reading);
	xmlFreeDoc(reading.dom);
	silence_end(before);
	if (reading.out_of_memory)
		return -ENOMEM;
	engine->readable = !reading.refused;
	return reading.refused ? -EBADMSG : 0;
}

int duis_reference_engine_check_profile(
	struct duis_reference_engine *engine, struct duis_error *error)
{
	assert(engine->readable);
	if (engine->profile_error.code == DUIS_OK)
		return 0;
	*error = engine->profile_error;
	return -EBADMSG;
}

static bool digest_matches(struct duis_reference_engine *engine)
{
	uint8_t digest[DUIS_DIGEST_SIZE];
	unsigned length = 0;

	return EVP_Digest(engine->digested, (size_t)engine->digested_length, digest, &length,
		       EVP_sha256(), NULL) == 1 &&
	       length == sizeof(digest) &&
	       CRYPTO_memcmp(digest, engine->profile.digest, sizeof(digest)) == 0;
}

/* DUIS writes r and s side by side; OpenSSL wants them in DER. It refuses values outside of
 * 1 .. n-1 itself. Returns the length, or 0. */
static int value_to_der(const uint8_t value[DUIS_SIGNATURE_VALUE_SIZE], uint8_t **der)
{
	const int half = DUIS_SIGNATURE_VALUE_SIZE / 2;
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(value, half, NULL);
	BIGNUM *s = BN_bin2bn(value + half, half, NULL);
	int length = 0;

	*der = NULL;
	if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
		r = NULL;
		s = NULL;
		length = i2d_ECDSA_SIG(signature, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(signature);
	return length > 0 ? length : 0;
}

static bool signature_matches(struct duis_reference_engine *engine, EVP_PKEY *key)
{
	uint8_t *der = NULL;
	int length = value_to_der(engine->profile.value, &der);
	bool matches = false;

	if (length > 0 && EVP_MD_CTX_reset(engine->digest_context) == 1 &&
		EVP_DigestVerifyInit(engine->digest_context, NULL, EVP_sha256(), NULL, key) == 1)
		matches = EVP_DigestVerify(engine->digest_context, der, (size_t)length,
				  xmlBufferContent(engine->signed_info),
				  (size_t)xmlBufferLength(engine->signed_info)) == 1;
	OPENSSL_free(der);
	ERR_clear_error();
	return matches;
}

static int check_digest(struct duis_reference_engine *engine, struct duis_error *error)
{
	int result = duis_reference_engine_check_profile(engine, error);

	if (result != 0)
		return result;
	if (!digest_matches(engine)) {
		*error = engine->digest_error;
		return -EBADMSG;
	}
	return 0;
}

int duis_reference_engine_verify(
	struct duis_reference_engine *engine, EVP_PKEY *key, struct duis_error *error)
{
	int result = check_digest(engine, error);

	assert(EVP_PKEY_is_a(key, "EC"));
	if (result != 0)
		return result;
	if (!signature_matches(engine, key)) {
		*error = engine->mismatch_error;
		return -EBADMSG;
	}
	return 0;
}

int duis_reference_engine_prepare(struct duis_reference_engine *engine,
	uint8_t signed_digest[DUIS_SIGNED_DIGEST_SIZE], uint8_t signature[DUIS_SIGNATURE_SIZE],
	struct duis_error *error)
{
	int result = check_digest(engine, error);

	if (result != 0)
		return result;
	if (EVP_Digest(xmlBufferContent(engine->signed_info),
		    (size_t)xmlBufferLength(engine->signed_info), signed_digest, NULL, EVP_sha256(),
		    NULL) != 1)
		return -ENOMEM;
	memcpy(signature, engine->profile.value, DUIS_SIGNATURE_SIZE);
	return 0;
}

void duis_reference_engine_mismatch(struct duis_reference_engine *engine, struct duis_error *error)
{
	*error = engine->mismatch_error;
}

const uint8_t *duis_reference_engine_digested(
	const struct duis_reference_engine *engine, uint32_t *length)
{
	assert(engine->readable);
	*length = (uint32_t)engine->digested_length;
	return engine->digested;
}
