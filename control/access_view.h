/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control's own sight of what the data plane decides by: a registry made of the same records of the
 * reference set in force, and the same registry image. So control can judge a schedule before it
 * exists, and explain a decision, with the code that makes decisions. One thread.
 */
#ifndef CONTROL_ACCESS_VIEW_H
#define CONTROL_ACCESS_VIEW_H

#include <stddef.h>

#include "control/reference.h"
#include "dataplane/access.h"
#include "dataplane/registry.h"
#include "dataplane/registry_image.h"

/* All zero: nothing is built yet. */
struct access_view {
	struct key_store *keys;
	struct registry *registry; /* NULL: access_view_update() has not succeeded yet */
};

/* Bring it to `reference`, which costs something only when that is another set than the last time.
 * 0, or -errno with one line in `reason`; then what was there before is gone. */
int access_view_update(struct access_view *view, const struct reference *reference, char *reason,
	size_t reason_size);

/* The device as the data plane sees it now. As registry_image_read(). */
int access_view_device(
	const struct access_view *view, uint64_t device_id, struct registry_image_device *device);

void access_view_close(struct access_view *view);

#endif
