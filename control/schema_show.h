/* SPDX-License-Identifier: Apache-2.0 */
/* `motorway-schema show`: what is in a schema image, for people. */
#ifndef CONTROL_SCHEMA_SHOW_H
#define CONTROL_SCHEMA_SHOW_H

#include "dataplane/duis/image.h"

/* Print sources, versions, sizes, types and states of `image`, which was opened whole, to standard
 * output. */
void schema_show(const char *path, const struct duis_image *image);

#endif
