/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mapping of a registry image, counted: a registry holds it as long as lcores may read it, and
 * the registries before and after it often hold the same one. Created and let go of by the link
 * thread alone (and by the main thread when that has ended), read by any lcore.
 */
#ifndef DATAPLANE_IMAGE_SHARE_H
#define DATAPLANE_IMAGE_SHARE_H

#include "dataplane/registry_image.h"

struct image_share {
	struct registry_image *image;
	uint32_t holders;
};

/* Take `current` (NULL: none) once more when it is image `image_id`, else map the image at `path`.
 * NULL with errno and one line in `reason`: ESTALE when another image than `image_id` lies there,
 * or as registry_image_map(). */
struct image_share *image_share_take(struct image_share *current, const char *path,
	uint64_t image_id, char *reason, size_t reason_size);

/* Take it once more, whatever it is (not NULL). */
struct image_share *image_share_hold(struct image_share *share);

/* Let go of it (NULL is allowed); the last one unmaps. */
void image_share_release(struct image_share *share);

#endif
