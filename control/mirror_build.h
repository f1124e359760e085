/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a new registry image from the store: two walks in the order of the tables, first over the
 * devices, then over the MPxNs, whose timelines are added to the devices that carry them. Nothing
 * is looked up by key but the records in the image. One thread reads and works out, the caller's
 * writes the image.
 */
#ifndef CONTROL_MIRROR_BUILD_H
#define CONTROL_MIRROR_BUILD_H

#include "control/registry_write.h"
#include "control/settlement_day.h"
#include "control/store.h"

struct mirror_build {
	struct store *store;			    /* borrowed, as the others */
	const struct settlement_calendar *calendar; /* read by both threads */
	struct registry_write *writer;		    /* just created */

	/* What comes of it. */
	uint64_t change;   /* the store's change that is in the image whole; later ones in part */
	uint64_t *crowded; /* devices that lost entries in the walk: to be worked out as one; the
			      caller's, from malloc */
	size_t crowded_count;
};

/* Fill the image. Returns 0; -errno: the image is of no use (-EAGAIN: no thread, -EIO: a damaged
 * row, -ENOSPC: it is too small). `crowded` must be freed in both cases. */
int mirror_build(struct mirror_build *build);

#endif
