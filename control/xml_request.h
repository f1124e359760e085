/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the Body of a DUIS Request that the data plane has validated: libxml2's tree, seen
 * through the few questions that the services ask. The octets come over a socket, so nothing is
 * taken for granted: what is not where it should be is absent. Allocates; one thread.
 */
#ifndef CONTROL_XML_REQUEST_H
#define CONTROL_XML_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "control/xml_text.h"
#include "motorway/control_protocol.h"

/* Largest document that the services of control read: a 5.1 with a certificate has about 3 KB. */
#define XML_REQUEST_BYTES_MAX MW_CONTROL_DOCUMENT_MAX

struct xml_request {
	xmlDoc *document;
	xmlNode *body; /* the element inside Body, such as CreateSchedule */
};

/* Parse bytes[0 .. length). Returns 0, or -EBADMSG when this is no DUIS Request with exactly one
 * element in its Body. Nothing of it is logged, no file or network is read. Free with
 * xml_request_free() after success. */
int xml_request_read(struct xml_request *request, const uint8_t *bytes, size_t length);
void xml_request_free(struct xml_request *request);

/* Local name of an element. */
const char *xml_name(const xmlNode *element);

/* First child element of `element`, next sibling element of `element`; NULL at the end. Elements of
 * other namespaces than DUIS are never returned. */
const xmlNode *xml_first(const xmlNode *element);
const xmlNode *xml_next(const xmlNode *element);

/* Child element by local name, or NULL. */
const xmlNode *xml_child(const xmlNode *element, const char *name);

/* Copy the text of `element` (which may be NULL) into `out`, without white space at both ends.
 * Returns 0, -ENOENT when there is no such element, or -EMSGSIZE when it does not fit. */
int xml_value(const xmlNode *element, char *out, size_t size);

/* Append `element` with everything in it in canonical form with prefix sr: attributes, comments and
 * white space between elements are left out. */
void xml_copy(struct xml_text *text, const xmlNode *element);

#endif
