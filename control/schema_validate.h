/* SPDX-License-Identifier: Apache-2.0 */
/* `motorway-schema validate`: the engines' verdict on files. */
#ifndef CONTROL_SCHEMA_VALIDATE_H
#define CONTROL_SCHEMA_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#define SCHEMA_VALIDATE_OVERLAYS_MAX 7

struct schema_validate {
	const char *schema; /* an image; for the reference engine also an XSD */
	const char *const *files;
	size_t file_count;
	bool reference;
	const char *version;	     /* reference: the only one; NULL: any, of an image only */
	const char *const *overlays; /* of an XSD */
	size_t overlay_count;
	bool json;
};

/* Print one line for each file. Returns the exit status: 0 all valid, 1 not all, 2 failure (which
 * is printed to standard error). */
int schema_validate(const struct schema_validate *job);

#endif
