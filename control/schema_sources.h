/* SPDX-License-Identifier: Apache-2.0 */
/* The sources of a schema image as files again, for the engine that needs them. One thread. */
#ifndef CONTROL_SCHEMA_SOURCES_H
#define CONTROL_SCHEMA_SOURCES_H

#include <signal.h>
#include <stddef.h>

#include "dataplane/duis/document.h"
#include "dataplane/duis/image.h"
#include "dataplane/duis/schema_set.h"

#define SCHEMA_SOURCES_MAX (DUIS_SCHEMA_DOCUMENTS_MAX + DUIS_SCHEMA_FILES_MAX)
#define SCHEMA_SOURCES_PATH_SIZE 512

struct schema_sources {
	char folder[SCHEMA_SOURCES_PATH_SIZE];			  /* "" when there is none */
	char paths[SCHEMA_SOURCES_MAX][SCHEMA_SOURCES_PATH_SIZE]; /* the first: the main schema */
	size_t count;
	const char *overlays[DUIS_SCHEMA_FILES_MAX]; /* of paths, in their order */
	size_t overlay_count;
	sigset_t before; /* signals that were blocked */
};

/*
 * Write the sources of `image` (opened whole) into a new folder that only this user may read, below
 * TMPDIR or /tmp: each under a name of its own, and with its imports changed to those names.
 * Signals that would end the program are held back until schema_sources_remove(), which must follow
 * whatever this returns: 0, or -errno with the reason.
 */
int schema_sources_write(const struct duis_image *image, struct schema_sources *sources,
	char *reason, size_t reason_size);

/* Remove the folder, and let the signals come. */
void schema_sources_remove(struct schema_sources *sources);

#endif
