/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

#include <openssl/evp.h>

#define XMLSEC_NO_XSLT
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>

#include "bench/duis_peers.h"
#include "bench/harness.h"
#include "tests/differential/oracle_schema.h"

#define PARSE_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)

/* A DOM made before the bench, with the nodes that its canonical forms need. */
struct ready {
	xmlDocPtr document;
	xmlNodePtr signature;
	xmlNodePtr signed_info;
};

struct peers {
	const struct corpus *corpus;
	xmlSchemaPtr schema;
	xmlSchemaValidCtxtPtr validator;
	xmlSAXHandler no_handlers;
	XML_Parser expat;
	struct ready *ready;
	EVP_MD *sha256;
	EVP_MD_CTX *digesting;
	uint64_t rubbish; /* keeps results in use */
};

static void ignore_error(const char *file, int line, const char *function, const char *object,
	const char *subject, int reason, const char *message)
{
	(void)file;
	(void)line;
	(void)function;
	(void)object;
	(void)subject;
	(void)reason;
	(void)message;
}

static xmlDocPtr parse(const struct corpus_document *document)
{
	return xmlReadMemory(
		(const char *)document->bytes, (int)document->length, NULL, NULL, PARSE_OPTIONS);
}

static xmlNodePtr root_signature(xmlDocPtr document)
{
	xmlNodePtr node = xmlDocGetRootElement(document)->last;

	while (node != NULL && !xmlSecCheckNodeName(node, BAD_CAST "Signature", xmlSecDSigNs))
		node = node->prev;
	return node;
}

struct peers *peers_create(const struct corpus *corpus)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	char folder[128];

	xmlInitParser();
	if (peers == NULL || xmlSecInit() < 0 || xmlSecOpenSSLAppInit(NULL) < 0 ||
		xmlSecOpenSSLInit() < 0) {
		fprintf(stderr, "the peers do not start\n");
		exit(2);
	}
	xmlSecErrorsSetCallback(ignore_error);
	peers->corpus = corpus;
	oracle_schema_copy(BENCH_ROOT "/var/duis/xsd", folder, sizeof(folder));
	peers->schema = oracle_schema_compile(folder);
	oracle_schema_remove(folder);
	peers->validator = xmlSchemaNewValidCtxt(peers->schema);
	peers->no_handlers.initialized = XML_SAX2_MAGIC;
	peers->expat = XML_ParserCreateNS("UTF-8", '|');
	peers->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	peers->digesting = EVP_MD_CTX_new();
	peers->ready = calloc(corpus->count, sizeof(peers->ready[0]));
	for (size_t index = 0; index < corpus->count; index++) {
		struct ready *ready = &peers->ready[index];

		ready->document = parse(&corpus->documents[index]);
		ready->signature = root_signature(ready->document);
		ready->signed_info =
			xmlSecFindChild(ready->signature, BAD_CAST "SignedInfo", xmlSecDSigNs);
	}
	return peers;
}

void peers_destroy(struct peers *peers)
{
	for (size_t index = 0; index < peers->corpus->count; index++)
		xmlFreeDoc(peers->ready[index].document);
	free(peers->ready);
	EVP_MD_CTX_free(peers->digesting);
	EVP_MD_free(peers->sha256);
	XML_ParserFree(peers->expat);
	xmlSchemaFreeValidCtxt(peers->validator);
	xmlSchemaFree(peers->schema);
	xmlSecOpenSSLShutdown();
	xmlSecOpenSSLAppShutdown();
	xmlSecShutdown();
	free(peers);
}

uint64_t peers_dom_schema(struct peers *peers)
{
	for (size_t index = 0; index < peers->corpus->count; index++) {
		xmlDocPtr document = parse(&peers->corpus->documents[index]);
		bool valid =
			document != NULL && xmlSchemaValidateDoc(peers->validator, document) == 0;

		xmlFreeDoc(document);
		if (!valid)
			return 0;
	}
	return peers->corpus->count;
}

uint64_t peers_sax(struct peers *peers)
{
	for (size_t index = 0; index < peers->corpus->count; index++) {
		const struct corpus_document *document = &peers->corpus->documents[index];

		if (xmlSAXUserParseMemory(&peers->no_handlers, NULL, (const char *)document->bytes,
			    (int)document->length) != 0)
			return 0;
	}
	return peers->corpus->count;
}

uint64_t peers_expat(struct peers *peers)
{
	for (size_t index = 0; index < peers->corpus->count; index++) {
		const struct corpus_document *document = &peers->corpus->documents[index];

		if (!XML_ParserReset(peers->expat, "UTF-8") ||
			XML_Parse(peers->expat, (const char *)document->bytes,
				(int)document->length, 1) != XML_STATUS_OK)
			return 0;
	}
	return peers->corpus->count;
}

static int is_inside(const xmlNode *top, const xmlNode *node, const xmlNode *parent)
{
	if (node != NULL && node->type == XML_NAMESPACE_DECL)
		node = parent;
	while (node != NULL && node != top)
		node = node->parent;
	return node != NULL;
}

static int in_signed_info(void *user, xmlNodePtr node, xmlNodePtr parent)
{
	return is_inside(((struct ready *)user)->signed_info, node, parent);
}

/* libxml2's canonicalisation takes a whole document at no cost for each node, so the signature is
 * taken out of the tree and put back instead of being filtered. */
static int canonicalise(struct ready *ready)
{
	xmlOutputBufferPtr output = xmlAllocOutputBuffer(NULL);
	xmlNodePtr behind = ready->signature->next;
	xmlNodePtr root = xmlDocGetRootElement(ready->document);
	xmlNodePtr before = ready->signature->prev;
	int length = 0;
	int result;

	/* By hand: xmlUnlinkNode() and xmlAddPrevSibling() would merge texts. */
	if (before != NULL)
		before->next = behind;
	if (behind != NULL)
		behind->prev = before;
	if (root->last == ready->signature)
		root->last = before;
	result = xmlC14NExecute(ready->document, NULL, NULL, XML_C14N_1_0, NULL, 0, output);
	if (before != NULL)
		before->next = ready->signature;
	if (behind != NULL)
		behind->prev = ready->signature;
	else
		root->last = ready->signature;
	if (result >= 0)
		result = xmlC14NExecute(ready->document, in_signed_info, ready,
			XML_C14N_EXCLUSIVE_1_0, NULL, 0, output);
	if (result >= 0)
		length = (int)xmlOutputBufferGetSize(output);
	xmlOutputBufferClose(output);
	return length;
}

uint64_t peers_c14n(struct peers *peers)
{
	for (size_t index = 0; index < peers->corpus->count; index++)
		if (canonicalise(&peers->ready[index]) !=
			(int)peers->corpus->documents[index].canonical_length)
			return 0;
	return peers->corpus->count;
}

uint64_t peers_sha256(struct peers *peers)
{
	for (size_t index = 0; index < peers->corpus->count; index++) {
		const struct corpus_document *document = &peers->corpus->documents[index];
		uint8_t digest[32];
		unsigned length = 0;

		if (EVP_DigestInit_ex2(peers->digesting, peers->sha256, NULL) != 1 ||
			EVP_DigestUpdate(peers->digesting, document->canonical,
				document->canonical_length) != 1 ||
			EVP_DigestFinal_ex(peers->digesting, digest, &length) != 1)
			return 0;
		bench_use(digest[0]);
	}
	return peers->corpus->count;
}

static bool verify(xmlDocPtr document, EVP_PKEY *key)
{
	xmlSecDSigCtxPtr verifier = xmlSecDSigCtxCreate(NULL);
	xmlSecKeyDataPtr data;
	bool right;

	EVP_PKEY_up_ref(key);
	data = xmlSecOpenSSLEvpKeyAdopt(key);
	verifier->signKey = xmlSecKeyCreate();
	xmlSecKeySetValue(verifier->signKey, data);
	right = xmlSecDSigCtxVerify(verifier, root_signature(document)) == 0 &&
		verifier->status == xmlSecDSigStatusSucceeded;
	xmlSecDSigCtxDestroy(verifier);
	return right;
}

uint64_t peers_xmlsec(struct peers *peers, size_t count)
{
	for (size_t index = 0; index < count; index++) {
		const struct corpus_document *signed_document = &peers->corpus->documents[index];
		xmlDocPtr document = parse(signed_document);
		bool right = document != NULL &&
			     xmlSchemaValidateDoc(peers->validator, document) == 0 &&
			     verify(document, signed_document->public_key);

		xmlFreeDoc(document);
		if (!right)
			return 0;
	}
	return count;
}
