/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One schema on its way from files to a compiled form: the main XSD and all that it imports, as
 * DOMs that are changed before libxml2 compiles them. Start-up only; allocates.
 */
#ifndef DUIS_SCHEMA_SET_H
#define DUIS_SCHEMA_SET_H

#include <stddef.h>

#include <libxml/xmlschemas.h>

#define DUIS_SCHEMA_DOCUMENTS_MAX 16

struct duis_schema_set {
	struct {
		char *path;
		xmlDocPtr document;
		char *bytes; /* the file */
		int byte_count;
		xmlChar *text; /* serialised, for those that libxml2 fetches itself */
		int text_length;
	} documents[DUIS_SCHEMA_DOCUMENTS_MAX];
	size_t count;
	char *reason;
	size_t reason_size;
	int failure; /* 0, or the -errno that goes with `reason` */
};

/* Load the XSD at `path` and, recursively, what it imports or includes; the files lie beside it.
 * `set` starts as zeros but for reason and reason_size. Returns 0, or -errno with the reason. */
int duis_schema_set_load(struct duis_schema_set *set, const char *path);

/* The document that an xs:import or xs:include of a loaded one names, or `count` when `node` is
 * neither or names none. */
size_t duis_schema_set_named(const struct duis_schema_set *set, const xmlNode *node);

/* Replace libxml2's xs:integer and xs:base64Binary by types that keep to the standard (see the
 * source). */
int duis_schema_set_replace_types(struct duis_schema_set *set);

/* Compile. Returns NULL with the reason on failure. The schema refers to the DOM of the main
 * document, which passes to *main_document and must be freed after the schema. */
xmlSchemaPtr duis_schema_set_compile(struct duis_schema_set *set, xmlDocPtr *main_document);

/* Free what the set still holds. */
void duis_schema_set_release(struct duis_schema_set *set);

#endif
