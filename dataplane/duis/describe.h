/* SPDX-License-Identifier: Apache-2.0 */
/* From the DOM of a schema-valid document to struct duis_document. */
#ifndef DUIS_DESCRIBE_H
#define DUIS_DESCRIBE_H

#include <libxml/tree.h>

#include "dataplane/duis/document.h"

/* Fill root, has_*, request_id, response_id, command_variant, references, body_element and
 * response_code of *document from `root`. Values are read as the schema does: white space
 * collapsed, comments skipped, entities and CDATA resolved. Returns 0; -EBADMSG and the element in
 * *fault when a value does not fit motorway's sizes or has no meaning, which a document that is
 * valid against the DUIS schema cannot bring about; -ENOMEM. */
int duis_describe(xmlNodePtr root, struct duis_document *document, xmlNodePtr *fault);

#endif
