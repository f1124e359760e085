/* SPDX-License-Identifier: Apache-2.0 */
/* What the reference engine needs of the compiled schemas beyond reference.h. */
#ifndef DUIS_SCHEMAS_H
#define DUIS_SCHEMAS_H

#include <libxml/xmlschemas.h>

#include "dataplane/duis/reference.h"

/* The compiled schema of source `index` (0 .. count-1); read-only, shared by all threads. */
xmlSchemaPtr duis_reference_schemas_compiled(
	const struct duis_reference_schemas *schemas, int index);

#endif
