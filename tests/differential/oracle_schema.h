/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIFFERENTIAL_ORACLE_SCHEMA_H
#define DIFFERENTIAL_ORACLE_SCHEMA_H

#include <stddef.h>

#include <libxml/xmlschemas.h>

/* Copy the schemas of `xsd_folder`, changed as oracle.h says, into a new folder below /tmp whose
 * name goes to folder[0 .. size). Ends the program with a reason on failure. */
void oracle_schema_copy(const char *xsd_folder, char *folder, size_t size);

/* Compile the main schema in `folder`. Ends the program with a reason on failure. */
xmlSchemaPtr oracle_schema_compile(const char *folder);

/* Delete what oracle_schema_copy() made. */
void oracle_schema_remove(const char *folder);

#endif
