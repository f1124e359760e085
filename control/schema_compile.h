/* SPDX-License-Identifier: Apache-2.0 */
/* The schema compiler: XSD files and overlays in, a schema image out. May block; allocates; one
 * call at a time for each thread. Format: motorway/schema_image.h. */
#ifndef CONTROL_SCHEMA_COMPILE_H
#define CONTROL_SCHEMA_COMPILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Compile the XSD at `xsd_path` (what it imports lies beside it), changed by the overlays (paths;
 * `overlay_count` of them, applied in order). Returns 0 with *image (to be freed with free()) and
 * *image_length; or -errno and "file:line[:column]: reason" in `reason`: -ENOTSUP for a construct
 * of XML Schema that is not supported, which the reason names, -EINVAL for a fault in a file.
 */
int schema_compile(const char *xsd_path, const char *const *overlays, size_t overlay_count,
	uint8_t **image, size_t *image_length, char *reason, size_t reason_size);

#endif
