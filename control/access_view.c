/* SPDX-License-Identifier: Apache-2.0 */
#include "control/access_view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Map the image that the set names, or go on with the mapping that is there. */
static int take_image(struct registry *registry, const struct registry *former,
	const struct mw_control_registry_image *named, char *reason, size_t reason_size)
{
	struct image_share *image = image_share_take(former != NULL ? former->image : NULL,
		named->path, named->image_id, reason, reason_size);

	if (image == NULL)
		return -errno;
	int result = registry_set_image(registry, image);
	if (result != 0)
		image_share_release(image);
	return result;
}

static int add_records(struct registry *registry, const struct registry *former,
	const struct reference *reference, char *reason, size_t reason_size)
{
	uint8_t payload[REFERENCE_RECORD_BYTES_MAX];
	size_t count = reference_record_count(reference);
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		enum mw_control_type type;
		size_t length = reference_record(reference, i, &type, payload);

		if (type == MW_CONTROL_REGISTRY_IMAGE) {
			result = take_image(
				registry, former, &reference->image, reason, reason_size);
			if (result != 0)
				return result;
			continue;
		}
		result = registry_add(registry, (uint16_t)type, payload, (uint32_t)length);
		if (result != 0)
			snprintf(reason, reason_size,
				"record %zu of the reference set cannot be used: %s", i + 1,
				strerror(-result));
	}
	return result;
}

int access_view_update(struct access_view *view, const struct reference *reference, char *reason,
	size_t reason_size)
{
	struct registry *former = view->registry;

	if (former != NULL && former->generation == reference->generation &&
		registry_image_state(former->image->image) == MW_REGISTRY_READY)
		return 0;
	snprintf(reason, reason_size, "memory is short");
	if (view->keys == NULL)
		view->keys = key_store_create(0);
	struct registry *registry =
		view->keys != NULL ? registry_create(reference->generation, view->keys) : NULL;
	int result = registry != NULL
			     ? add_records(registry, former, reference, reason, reason_size)
			     : -ENOMEM;
	if (result == 0 && registry->image == NULL) {
		snprintf(reason, reason_size, "the reference set names no registry image");
		result = -ENOENT;
	}
	if (result != 0) {
		registry_destroy(registry);
		registry = NULL;
	}
	view->registry = registry;
	registry_destroy(former);
	return result;
}

int access_view_device(
	const struct access_view *view, uint64_t device_id, struct registry_image_device *device)
{
	return registry_image_read(view->registry->image->image, device_id, device);
}

void access_view_close(struct access_view *view)
{
	registry_destroy(view->registry);
	key_store_destroy(view->keys);
	memset(view, 0, sizeof(*view));
}
